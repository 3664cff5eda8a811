"""Is there anything that sudo runs and asks nothing? Some command lines of each kind, against what is judged of whoever types them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.least_privilege.sudo_nopasswd import sudo_nopasswd
from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab
from tests.truth.test_sudo import BASE, GIDS, judged

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay(BASE) as place:
        yield place


OPEN: dict[str, tuple[str, str]] = {  # policy, and the account phase of sudo's stack
    "a target of its own": ("Runas_Alias R=bob\nDefaults>R !authenticate\nalice ALL=(ALL:ALL) ALL\n", ""),
    "a target out of reach": ("Defaults>bob !authenticate\nalice ALL=(carol) ALL\n", ""),
    "targets of a group": ("Defaults>%docker !authenticate\nalice ALL=(bob, carol) ALL\n", ""),
    "a command of its own": ("Defaults!/usr/bin/ls, /usr/bin/w !authenticate\nalice ALL=(ALL) ALL\n", ""),
    "commands of a pattern": ("Defaults!^/usr/bin/l.*$ !authenticate\nalice ALL=(ALL) ALL\n", ""),
    "sudoedit": ("Defaults!sudoedit !authenticate\nalice ALL=(ALL) ALL\n", ""),
    "a command that is not there": ("Defaults!/usr/bin/ls\\ /etc !authenticate\nalice ALL=(ALL) ALL\n", ""),
    "a command that may not be run": ("Defaults!/usr/bin/ls !authenticate\nalice ALL=/usr/bin/id\n", ""),
    "exempt for a command": ("Defaults!/usr/bin/ls exempt_group=sudo\nalice ALL=(ALL) ALL\n", ""),
    "a group of one's own": ("alice ALL=(:sudo) ALL\n", ""),
    "asked again, but for one target": ("Defaults !authenticate\nDefaults>root authenticate\nalice ALL=(root, bob) ALL\n", ""),
    "refused by PAM": ("alice ALL=NOPASSWD: ALL\n", "account required pam_deny.so\n"),
    "refused by PAM, which is not asked": ("Defaults !pam_acct_mgmt\nalice ALL=NOPASSWD: ALL\n", "account required pam_deny.so\n"),
    "an expired account": ("alice ALL=NOPASSWD: ALL\n", "account required pam_unix.so\n"),
}
LINES = (
    "/usr/bin/id -u",
    "-u bob /usr/bin/id -u",
    "-u carol /usr/bin/id -u",
    "-g docker /usr/bin/id",
    "/usr/bin/ls /etc",
    "-e /etc/hosts",
    "-i /bin/true",
)


@pytest.mark.parametrize("name", OPEN)
def test_something_asks_nothing(root: Path, name: str) -> None:
    """Whatever alice may run, in some command line, against what is judged of her."""
    policy, account = OPEN[name]
    stack = "auth required pam_unix.so\n" + (account or "account required pam_permit.so\n") + "session required pam_permit.so\n"
    shadow = BASE["/etc/shadow"].replace("alice:*:19000::::::", "alice:*:19000:::::100:")
    lab.write(root, {**BASE, "/etc/sudoers": policy, "/etc/shadow": shadow, "/etc/pam.d/sudo": stack, "/etc/pam.d/sudo-i": stack})
    user = f"setpriv --reuid alice --regid {GIDS['alice']} --init-groups setsid env SUDO_EDITOR=/bin/true sudo -n"
    lines = [f"rm -rf /run/sudo/ts; {user} {line} </dev/null >/dev/null 2>&1 && echo yes" for line in LINES]
    (root / "ask").write_text("\n".join(["mount -t proc proc /proc 2>/dev/null; hostname web1", *lines]) + "\n")
    real = "yes" in lab.run(root, ["unshare", "--uts", "sh", "/ask"]).stdout
    found = {outcome.subject: outcome.verdict.value for outcome in run(sudo_nopasswd, Host(lab.mounted(root)))}
    assert found == {"alice": "fail" if real else "pass"}


ASKS = {
    "tag": "alice ALL=NOPASSWD: /usr/bin/id\nbob ALL=/usr/bin/id\n",
    "tag covers what follows": "alice ALL=NOPASSWD: /usr/bin/ls, /usr/bin/id\nbob ALL=NOPASSWD: /usr/bin/ls, PASSWD: /usr/bin/id\n",
    "last line wins": "alice ALL=NOPASSWD: ALL\nalice ALL=ALL\nbob ALL=ALL\nbob ALL=NOPASSWD: ALL\n",
    "not for this command": "alice ALL=ALL, NOPASSWD: /usr/bin/ls\n",
    "for everybody": "Defaults !authenticate\nalice ALL=ALL\nbob ALL=PASSWD: ALL\n",
    "for one": "Defaults:alice !authenticate\nalice, bob ALL=ALL\n",
    "for a target": "Defaults>root !authenticate\nalice ALL=ALL\n",
    "for another target": "Defaults>bob !authenticate\nalice ALL=(ALL) ALL\n",
    "for a command": "Defaults!/usr/bin/id !authenticate\nalice ALL=ALL\n",
    "for a command of an alias": "Cmnd_Alias C = /bin/id\nDefaults!C !authenticate\nalice ALL=ALL\n",
    "for a host": "Defaults@web1 !authenticate\nalice ALL=ALL\n",
    "for another host": "Defaults@web2 !authenticate\nalice ALL=ALL\n",
    "user after target": "Defaults>root !authenticate\nDefaults:alice authenticate\nalice ALL=ALL\n",
    "generic after target": "Defaults>root !authenticate\nDefaults authenticate\nalice ALL=ALL\n",
    "command after target": "Defaults!/usr/bin/id authenticate\nDefaults>root !authenticate\nalice ALL=ALL\n",
    "user before generic": "Defaults:alice !authenticate\nDefaults authenticate\nalice ALL=ALL\n",
    "exempt group": "Defaults exempt_group=sudo\nalice, bob ALL=ALL\n",
    "exempt in spite of the tag": "Defaults exempt_group=sudo\nalice ALL=PASSWD: ALL\n",
    "a value for a flag": "Defaults authenticate=no\nalice ALL=ALL\n",
    "a pattern of folders": "alice ALL=NOPASSWD: /usr/*/id\n",
    "exempt by number": 'Defaults exempt_group="#27"\nalice, bob ALL=ALL\n',
    "exempt of a primary group": "Defaults exempt_group=bob\nalice, bob ALL=ALL\n",
    "exempt and not": "Defaults exempt_group=sudo\nDefaults !exempt_group\nalice ALL=ALL\n",
    "commands of a folder": "Defaults!/usr/bin/ !authenticate\nalice ALL=ALL\n",
    "all commands but one": "Defaults!ALL,!/usr/bin/id !authenticate\nalice ALL=ALL\n",
    "rights in another part of the line": "alice ALL=NOPASSWD: /usr/bin/ls : ALL=/usr/bin/id\n",
    "denied after": "alice ALL=NOPASSWD: ALL, !/usr/bin/id\n",
    "rootpw": "Defaults rootpw\nalice ALL=ALL\n",
    "timestamp": "Defaults timestamp_timeout=-1\nalice ALL=ALL\n",
    "negated user": "Defaults:!alice !authenticate\nalice, bob ALL=ALL\n",
    "all but one": "Defaults:ALL,!alice !authenticate\nalice, bob ALL=ALL\n",
}


def test_asks_nothing(root: Path) -> None:
    """`sudo -n id` runs exactly where we say that nothing is asked."""
    lab.write(root, {"/etc/pam.d/sudo": "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n"})
    wrong = []
    for name, text in ASKS.items():
        lab.write(root, {"/etc/sudoers": text})
        host = judged({"/etc/sudoers": text})
        lines = ["mount -t proc proc /proc 2>/dev/null; hostname web1"]
        lines += [
            f"setpriv --reuid {user} --regid {GIDS[user]} --init-groups sudo -n /usr/bin/id -u 2>/dev/null || echo no"
            for user in ("alice", "bob")
        ]
        (root / "ask").write_text("\n".join(lines) + "\n")
        answers = lab.run(root, ["unshare", "--uts", "sh", "/ask"]).stdout.split()
        for user, answer in zip(("alice", "bob"), answers, strict=True):
            account = host.accounts.get(user)
            assert account is not None
            mine = host.sudo.may_run(account, "/usr/bin/id", "-u")
            if (mine.allowed is True and mine.password is False) is not (answer == "0"):
                wrong.append(f"{name} {user}: sudo {answer}, we {mine}")
    assert wrong == []


STACKS: dict[str, dict[str, str]] = {
    "both ask": {},
    "sudo opens": {"sudo": "auth sufficient pam_permit.so\n"},
    "sudo -i opens": {"sudo-i": "auth sufficient pam_permit.so\n"},
    "another service": {"mine": "auth sufficient pam_permit.so\n", "sudoers": "Defaults pam_service=mine\n"},
    "another service of sudo -i": {"mine": "auth sufficient pam_permit.so\n", "sudoers": "Defaults pam_login_service=mine\n"},
    "sudo -i opens, and may not be": {"sudo-i": "auth sufficient pam_permit.so\n", "rule": "alice ALL=/usr/bin/id\n"},
}  # fmt: skip


@pytest.mark.parametrize("name", STACKS)
def test_stacks_that_ask_nothing(root: Path, name: str) -> None:
    """`sudo id` and `sudo -i id` without anybody to answer."""
    case = STACKS[name]
    rest = "auth required pam_deny.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
    stacks = {f"/etc/pam.d/{service}": case.get(service, "") + rest for service in ("sudo", "sudo-i", "mine")}
    lab.write(root, {**stacks, "/etc/sudoers": case.get("sudoers", "") + case.get("rule", "alice ALL=ALL\n")})
    user = f"setpriv --reuid alice --regid {GIDS['alice']} --init-groups setsid sudo"
    (root / "ask").write_text(
        f"mount -t proc proc /proc 2>/dev/null; hostname web1; rm -rf /run/sudo/ts; {user} /usr/bin/id -u; rm -rf /run/sudo/ts; {user} -i id -u\n"
    )
    real = "0" in lab.run(root, ["unshare", "--uts", "sh", "/ask"]).stdout.split()
    found = {outcome.subject: outcome.verdict.value for outcome in run(sudo_nopasswd, Host(lab.mounted(root)))}
    assert found == {"alice": "fail" if real else "pass"}
