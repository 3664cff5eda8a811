"""Real sudo runs and refuses commands beside a real rsyslogd; what lies in the logs afterwards is compared with what we say of the root before."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.log_completeness.sudo import sudo
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth.test_log_sending import rsyslogd

USERS = {"alice": 1500, "bob": 1501, "carol": 1502}
RULES = "Defaults !authenticate, !requiretty\nalice ALL=(ALL) /usr/bin/id, /usr/bin/true\nbob ALL=(ALL) ALL\n"
QUIET = "[Journal]\nStorage=none\n"
PAM = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
# Who runs what as whom; `nice` is refused to all but bob, everything to carol.
TRIES = (
    ("alice", "root", "id"), ("alice", "root", "true"), ("alice", "root", "nice"), ("alice", "daemon", "id"), ("bob", "root", "id"),
    ("bob", "root", "true"), ("bob", "root", "nice"), ("bob", "daemon", "id"), ("carol", "root", "id"), ("carol", "root", "nice"),
)  # fmt: skip
RUN = "".join(
    f"setpriv --reuid {user} --regid {user} --init-groups sudo -n -u {target} /usr/bin/{command} {user}-{target}-{command} >/dev/null 2>&1 &\n"
    for user, target, command in TRIES
) + "wait\nexit 0\n"  # fmt: skip
# name: (sudoers before the rules, rsyslog.d)
CASES: dict[str, tuple[str, str]] = {
    "stock": ("", ""),
    "not allowed ones": ("Defaults !log_allowed\n", ""),
    "not refused ones": ("Defaults !log_denied\n", ""),
    "no syslog": ("Defaults !syslog\n", ""),
    "no syslog, a file": ("Defaults !syslog, logfile=/var/log/sudo.log\n", ""),
    "a file that cannot be": ("Defaults !syslog, logfile=/nope/sudo.log\n", ""),
    "a file by a relative name": ("Defaults !syslog, logfile=sudo.log\n", ""),
    "a file taken back": ("Defaults !syslog, logfile=/var/log/sudo.log\nDefaults !logfile\n", ""),
    "another facility": ("Defaults syslog=local2\n", ""),
    "another facility that is dropped": ("Defaults syslog=local2\n", "local2.* stop\n"),
    "no facility of sudo's": ("Defaults syslog=kern\n", "authpriv.* stop\n"),
    "authpriv is dropped": ("", "authpriv.* stop\n"),
    "authpriv is dropped, auth is used": ("Defaults syslog=auth\n", "authpriv.* stop\n"),
    "sudo is dropped by name": ("", ':programname, isequal, "sudo" stop\n'),
    "commands are dropped": ("", ':msg, contains, "COMMAND=" stop\n'),
    "only alerts are kept": ("", "authpriv.=alert /var/log/alerts\nauthpriv.* stop\n"),
    "only notices are kept": ("", "authpriv.=notice /var/log/notices\nauthpriv.* stop\n"),
    "one priority for both": ("Defaults syslog_badpri=notice\n", "authpriv.=notice /var/log/notices\nauthpriv.* stop\n"),
    "a priority that is dropped": ("Defaults syslog_goodpri=debug\n", "authpriv.=debug stop\n"),
    "no priority": ("Defaults syslog_goodpri=none\n", ""),
    "no priority for refusals": ("Defaults syslog_badpri=none\n", ""),
    "a priority that does not exist": ("Defaults syslog_goodpri=loud\n", ""),
    "for one user": ("Defaults:alice !syslog\n", ""),
    "for all but one": ("Defaults:ALL,!alice !log_allowed\n", ""),
    "for a group": ("Defaults:%bob !log_allowed\n", ""),
    "for this host": ("Defaults@ALL !syslog\n", ""),
    "for another host": ("Defaults@elsewhere !syslog\n", ""),
    "for a target": ("Defaults>daemon !log_allowed\n", ""),
    "for a command": ("Defaults!/usr/bin/true !log_allowed\n", ""),
    "for a command, refused": ("Defaults!/usr/bin/nice !log_denied\n", ""),
    "for all commands but": ("Defaults !log_allowed\nDefaults!/usr/bin/id,/usr/bin/true log_allowed\n", ""),
    "taken back": ("Defaults !syslog\nDefaults syslog\n", ""),
    "taken back for one": ("Defaults !syslog\nDefaults:bob syslog=authpriv\n", ""),
    "the last one counts": ("Defaults:bob syslog=authpriv\nDefaults !syslog\n", ""),
    "a value for a flag": ("Defaults log_allowed=no\n", ""),
    "an I/O log": ("Defaults !syslog, log_output\n", ""),
    "a broken line": ("Defaults !syslog !!\n", ""),
    "a mode of the log that all can read": ("", "$FileCreateMode 0644\n"),
}  # fmt: skip


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay(
        {"/etc/systemd/journald.conf.d/none.conf": QUIET, "/etc/pam.d/sudo": PAM, "/etc/hosts": "127.0.0.1 localhost\n"}
    ) as place:
        for name, text in (
            ("passwd", "".join(f"{user}:x:{uid}:{uid}::/:/bin/sh\n" for user, uid in USERS.items())),
            ("shadow", "".join(f"{user}:*:19000::::::\n" for user in USERS)),
            ("group", "".join(f"{user}:x:{uid}:\n" for user, uid in USERS.items())),
        ):
            with (place / f"etc/{name}").open("a") as file:
                file.write(text)
        yield place


def really(root: Path) -> dict[str, str]:
    """Which accounts left a record of everything: `pass` or `fail`."""
    (root / "run.sh").write_text(RUN)
    with rsyslogd(root, kill=False):
        mounts = f'mount -t proc proc "{root}/proc"; mount --bind /dev/null "{root}/dev/null" 2>/dev/null; exec chroot "{root}" sh /run.sh'
        subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", mounts], check=True, timeout=60)
        time.sleep(0.2)
    kept = "".join(
        path.read_text(errors="replace") for path in (root / "var/log").rglob("*") if path.is_file() and path.suffix not in (".gz",)
    )
    found = {}
    for user, name in (("alice", "alice"), ("bob", "bob"), ("carol", "others")):
        every = [f" {who}-{target}-{command}" in kept for who, target, command in TRIES if who == user]
        found[name] = "pass" if all(every) else "fail"
    return found


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_what_sudo_leaves_behind(root: Path, name: str) -> None:
    before, rules = CASES[name]
    for path in (root / "var/log").iterdir():
        if path.is_file() and path.name not in ("wtmp", "btmp", "lastlog"):
            path.unlink()
    shutil.rmtree(root / "var/log/sudo-io", ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        (root / "etc/rsyslog.d/00-case.conf").unlink()
    lab.write(root, {"/etc/sudoers": before + RULES, **({"/etc/rsyslog.d/00-case.conf": rules} if rules else {})})
    said = verdicts(run(sudo, Host(lab.mounted(root))))
    said.pop("root", None)
    assert said == really(root)
