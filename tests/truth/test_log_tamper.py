"""Accounts of a real root try to alter its logs, beside what we say of them from its evidence alone."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from checks.log_completeness.tamper import tamper
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth.test_logs import settle

USERS = ("alice", "bob", "carol", "robot", "keyed")
PASSWD = """alice:x:1500:1500::/home/alice:/bin/bash
bob:x:1501:1501::/home/bob:/bin/sh
carol:x:1502:1502::/home/carol:/usr/sbin/nologin
robot:x:700:700::/nonexistent:/bin/sh
keyed:x:701:701::/srv/keyed:/bin/sh
"""
SHADOW = (
    "alice:$6$x$y:19000:0:99999:7:::\nbob:!:19000:0:99999:7:::\ncarol:$6$x$y:19000:0:99999:7:::\nrobot:*:19000::::::\nkeyed:*:19000::::::\n"
)
GROUP = "alice:x:1500:\nbob:x:1501:\ncarol:x:1502:\nrobot:x:700:\nkeyed:x:701:\nloggers:x:1600:bob\nquiet:x:1601:carol,robot\n"
CAN_LOG_IN = ("alice", "bob", "keyed")  # carol's shell is nologin; robot has neither password nor key

# As one account, and with nothing changed for good: open each path for writing, take it and each folder above it away and put it back.
ATTACK = r"""
while IFS= read -r path; do
  here=$path; won=
  if [ -e "$path" ]; then
    [ -O "$path" ] && chmod u+w "$path" 2>/dev/null && won=1
    { true >>"$path"; } 2>/dev/null && won=1
  else
    { true >>"$path"; } 2>/dev/null && { won=1; rm -f "$path"; }
  fi
  while [ "$here" != / ] && [ -n "$here" ]; do
    if [ -e "$here" ] || [ -L "$here" ]; then mv -n "$here" "$here.taken" 2>/dev/null && { won=1; mv "$here.taken" "$here"; }; fi
    here=${here%/*}
  done
  [ -n "$won" ] && printf '%s\n' "$path"
done
exit 0
"""
AUTH = "/var/log/auth.log"
# A folder of the overlay's lower layer cannot be renamed (EXDEV); a copy can, as on any host.
UPPER = "cp -a /var/log /var/new; rm -r /var/log; mv /var/new /var/log; "
STOCK_LOGS = (AUTH, *(f"/var/log/{name}" for name in ("syslog", "cron.log", "kern.log", "mail.log", "user.log")))
STOCK_AUTH = f": >{AUTH}; chown root:adm {AUTH}; chmod 640 {AUTH}; "


@dataclass(frozen=True)
class Case:
    """setup: what is done to the root before it is looked at. act: what then happens before the accounts try (`log`, `rotate`)."""

    setup: str = ""
    files: dict[str, str] = field(default_factory=dict)
    act: str = ""
    extra: tuple[str, ...] = ()  # further paths that they try
    acl: tuple[tuple[int, int, int], ...] = ()  # of the log: (tag, rights, id), the mask among them


ROTATE = "/var/log/auth.log {\n\tdaily\n\trotate 3\n\tmissingok\n%s}\n"
CASES = {
    "stock": Case(STOCK_AUTH),
    "world-writable": Case(STOCK_AUTH + f"chmod 666 {AUTH}"),
    "writable by others only": Case(STOCK_AUTH + f"chmod 602 {AUTH}"),
    "group adm without members": Case(STOCK_AUTH + f"chmod 660 {AUTH}"),
    "a member of the group": Case(STOCK_AUTH + f"chgrp loggers {AUTH}; chmod 660 {AUTH}"),
    "a member of the group may read": Case(STOCK_AUTH + f"chgrp loggers {AUTH}"),
    "members who do not log in": Case(STOCK_AUTH + f"chgrp quiet {AUTH}; chmod 660 {AUTH}"),
    "a primary group": Case(STOCK_AUTH + f"chgrp alice {AUTH}; chmod 660 {AUTH}"),
    "owned, and read-only": Case(STOCK_AUTH + f"chown alice {AUTH}; chmod 440 {AUTH}"),
    "owned by one who does not log in": Case(STOCK_AUTH + f"chown carol {AUTH}"),
    "owned by a service without a password": Case(STOCK_AUTH + f"chown robot {AUTH}"),
    "owned by a service with a key": Case(STOCK_AUTH + f"chown keyed {AUTH}"),
    "owned by nobody at all": Case(STOCK_AUTH + f"chown 4242 {AUTH}"),
    "group root with a member": Case(
        STOCK_AUTH + f"sed -i s/^root:x:0:.*/root:x:0:alice/ /etc/group; chgrp root {AUTH}; chmod 660 {AUTH}"
    ),
    "the folder is open": Case(STOCK_AUTH + "chmod 777 /var/log"),
    "the folder is open and sticky": Case(STOCK_AUTH + "chmod 1777 /var/log"),
    "a sticky folder, and no log yet": Case(f"rm -f {AUTH}; chmod 1777 /var/log"),
    "a sticky folder of one's own": Case(STOCK_AUTH + "chown alice /var/log; chmod 1755 /var/log"),
    "the folder belongs to a group": Case(STOCK_AUTH + "chgrp loggers /var/log; chmod 775 /var/log"),
    "the folder belongs to a group without people": Case(STOCK_AUTH + "chgrp quiet /var/log; chmod 775 /var/log"),
    "/var is open": Case(STOCK_AUTH + "chmod 777 /var"),
    "a link to elsewhere": Case(f"mkdir -p /srv/logs; : >/srv/logs/a; chmod 640 /srv/logs/a; ln -sfn /srv/logs/a {AUTH}"),
    "a link to an open place": Case(
        f"mkdir -p /srv/logs; chmod 777 /srv/logs; : >/srv/logs/a; chmod 640 /srv/logs/a; ln -sfn /srv/logs/a {AUTH}", extra=("/srv/logs/a",)
    ),
    "a link in an open place": Case(
        "mkdir -p /srv/l; chmod 777 /srv/l; : >/srv/real; chmod 600 /srv/real; ln -sfn /srv/real /srv/l/auth",
        {"/etc/rsyslog.d/1.conf": "auth,authpriv.* /srv/l/auth\n"},
        extra=("/srv/l/auth",),
    ),
    "a log in a home": Case(
        "mkdir -p /home/alice; chown alice /home/alice; : >/home/alice/a.log; chmod 600 /home/alice/a.log",
        {"/etc/rsyslog.d/1.conf": "auth,authpriv.* /home/alice/a.log\n"},
        extra=("/home/alice/a.log",),
    ),
    "a list lets somebody write": Case(STOCK_AUTH, acl=((0x02, 6, 1500), (0x04, 4, 0), (0x10, 6, 0))),
    "a list that its mask closes": Case(STOCK_AUTH, acl=((0x02, 6, 1500), (0x04, 4, 0), (0x10, 4, 0))),
    "a list lets a group write": Case(STOCK_AUTH, acl=((0x04, 4, 0), (0x08, 6, 1600), (0x10, 6, 0))),
    "a list lets those write who do not log in": Case(STOCK_AUTH, acl=((0x02, 6, 1502), (0x04, 4, 0), (0x08, 6, 1601), (0x10, 6, 0))),
    "a list takes the group's right": Case(STOCK_AUTH + f"chgrp loggers {AUTH}", acl=((0x02, 6, 0), (0x04, 4, 0), (0x10, 6, 0))),
    "another's log": Case("mkdir -p /var/log/app; : >/var/log/app/x.log; chown alice /var/log/app/x.log"),
    "another's folder": Case("mkdir -p /var/log/app; : >/var/log/app/x.log; chown alice /var/log/app"),
    "an old generation": Case(STOCK_AUTH + f": >{AUTH}.1; chmod 646 {AUTH}.1"),
    "a service's folder": Case("mkdir -p /var/log/app; : >/var/log/app/x.log; chown -R robot:robot /var/log/app; chmod 775 /var/log/app"),
    "an open folder without a log": Case("mkdir -p -m 777 /var/log/empty"),
    "made for all to write": Case(f"rm -f {AUTH}", {"/etc/rsyslog.d/1.conf": "$FileCreateMode 0666\n$Umask 0000\n"}, "log"),
    "the umask saves it": Case(f"rm -f {AUTH}", {"/etc/rsyslog.d/1.conf": "$FileCreateMode 0666\n$Umask 0022\n"}, "log"),
    "made for a person": Case(f"rm -f {AUTH}", {"/etc/rsyslog.d/1.conf": "$FileOwner alice\n"}, "log"),
    "made for a person by number": Case(f"rm -f {AUTH}", {"/etc/rsyslog.d/1.conf": "$FileOwnerNum 1500\n"}, "log"),
    "made for a group": Case(f"rm -f {AUTH}", {"/etc/rsyslog.d/1.conf": "$FileGroup loggers\n$FileCreateMode 0660\n$Umask 0007\n"}, "log"),
    "made by an action for a group": Case(
        f"rm -f {AUTH}",
        {"/etc/rsyslog.d/1.conf": 'auth,authpriv.* action(type="omfile" file="/var/log/mine" fileGroup="loggers" fileCreateMode="0620")\n$Umask 0002\n'},
        "log",
    ),
    "made by an action for a person": Case(
        f"rm -f {AUTH}", {"/etc/rsyslog.d/1.conf": 'auth,authpriv.* action(type="omfile" file="/var/log/mine" fileOwner="alice")\n'}, "log"
    ),
    "a module's default owner": Case(
        f"rm -f {AUTH}",
        {"/etc/rsyslog.d/1.conf": 'module(load="builtin:omfile" fileOwner="alice")\nauth,authpriv.* action(type="omfile" file="/var/log/mine")\n'},
        "log",
    ),
    "there already": Case(STOCK_AUTH, {"/etc/rsyslog.d/1.conf": "$FileOwner alice\n$FileCreateMode 0666\n$Umask 0\n"}, "log"),
    "created anew for all": Case(STOCK_AUTH, {"/etc/logrotate.d/rsyslog": ROTATE % "create 0666 root adm\n"}, "rotate"),
    "created anew for a person": Case(STOCK_AUTH, {"/etc/logrotate.d/rsyslog": ROTATE % "create 0640 alice adm\n"}, "rotate"),
    "created anew for a group": Case(STOCK_AUTH, {"/etc/logrotate.d/rsyslog": ROTATE % "create 660 root loggers\n"}, "rotate"),
    "created anew for owner and group": Case(STOCK_AUTH, {"/etc/logrotate.d/rsyslog": ROTATE % "create alice adm\n"}, "rotate"),
    "created anew as it was": Case(STOCK_AUTH, {"/etc/logrotate.d/rsyslog": ROTATE % "create\n"}, "rotate"),
    "created by a global word": Case(
        STOCK_AUTH, {"/etc/logrotate.conf": "create 0666\ninclude /etc/logrotate.d\n", "/etc/logrotate.d/rsyslog": ROTATE % ""}, "rotate"
    ),
    "a global word taken back": Case(
        STOCK_AUTH,
        {"/etc/logrotate.conf": "create 0666\ninclude /etc/logrotate.d\n", "/etc/logrotate.d/rsyslog": ROTATE % "nocreate\n"},
        "rotate",
    ),
    "copied, not created": Case(STOCK_AUTH, {"/etc/logrotate.d/rsyslog": ROTATE % "create 0666\ncopytruncate\n"}, "rotate"),
    "moved to an open folder": Case(
        STOCK_AUTH + "mkdir -p -m 777 /var/log/old", {"/etc/logrotate.d/rsyslog": ROTATE % "create 0640\nolddir old\n"}, "rotate"
    ),
    "moved to a closed folder": Case(
        STOCK_AUTH + "mkdir -p -m 755 /var/log/old", {"/etc/logrotate.d/rsyslog": ROTATE % "create 0640\nolddir /var/log/old\n"}, "rotate"
    ),
    "the journal": Case(
        "mkdir -p /var/log/journal/0123456789abcdef0123456789abcdef; cd /var/log/journal/*; : >system.journal; chown root:systemd-journal system.journal;"
        " chmod 640 system.journal"
    ),
    "the journal's group writes": Case(
        "mkdir -p /var/log/journal/0123456789abcdef0123456789abcdef; cd /var/log/journal/*; : >system.journal; chgrp loggers system.journal;"
        " chmod 660 system.journal"
    ),
    "the audit log": Case("chmod 755 /var/log/audit; : >/var/log/audit/audit.log; chown root:loggers /var/log/audit/audit.log; chmod 660 /var/log/audit/audit.log"),
    "the audit log, where nobody gets": Case(
        ": >/var/log/audit/audit.log; chown root:loggers /var/log/audit/audit.log; chmod 666 /var/log/audit/audit.log; chmod 750 /var/log/audit"
    ),
    "others may, the group may not": Case(STOCK_AUTH + f"chgrp loggers {AUTH}; chmod 606 {AUTH}"),
    "a folder that only its group enters": Case(
        "mkdir -p /var/log/app; : >/var/log/app/x.log; chgrp loggers /var/log/app; chmod 770 /var/log/app; chmod 666 /var/log/app/x.log"
    ),
    "the audit log elsewhere": Case(
        "mkdir -p -m 777 /srv/audit; : >/srv/audit/a.log; chmod 600 /srv/audit/a.log; sed -i s,^log_file.*,log_file=/srv/audit/a.log, /etc/audit/auditd.conf",
        extra=("/srv/audit/a.log",),
    ),
    "the audit log elsewhere, in odd letters": Case(
        "mkdir -p -m 755 /srv/audit; : >/srv/audit/a.log; chmod 666 /srv/audit/a.log; sed -i '/^log_file/d' /etc/audit/auditd.conf;"
        " echo '  LOG_FILE   =   /srv/audit/a.log' >>/etc/audit/auditd.conf",
        extra=("/srv/audit/a.log",),
    ),
    "sudo's own log": Case(
        "mkdir -p -m 777 /srv/sudo; : >/srv/sudo/log; chmod 600 /srv/sudo/log", {"/etc/sudoers": "Defaults logfile=/srv/sudo/log\n"}, extra=("/srv/sudo/log",)
    ),
}  # fmt: skip


def people(root: Path) -> None:
    for name, text in (("passwd", PASSWD), ("shadow", SHADOW), ("group", GROUP)):
        with (root / f"etc/{name}").open("a") as file:
            file.write(text)
    keys = root / "srv/keyed/.ssh"
    keys.mkdir(parents=True)
    (keys / "authorized_keys").write_text("ssh-ed25519 AAAA\n")


def log_once(root: Path) -> None:
    """rsyslogd runs and gets a message of each facility that matters."""
    log = root / "dev/log"
    command = ["chroot", str(root), "rsyslogd", "-n", "-iNONE"]
    daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    try:
        for _ in range(200):
            if log.exists():
                break
            time.sleep(0.01)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(str(log))
            for facility in (4, 10):
                sender.send(f"<{facility * 8 + 6}>Jan  1 00:00:00 sshd[1]: hello".encode())
            settle(sender)
    finally:
        daemon.terminate()
        daemon.wait(10)


def altered(root: Path, extra: tuple[str, ...]) -> set[str]:
    """Paths that some account which can log in really could alter or take away."""
    found = lab.run(root, ["find", "/var/log", "!", "-type", "d", "!", "-name", "README"]).stdout.split("\n")
    paths = "\n".join([*filter(None, found), *STOCK_LOGS, "/var/log/journal/x", "/var/log/audit/audit.log", *extra]) + "\n"
    (root / "attack").write_text(ATTACK)
    won: set[str] = set()
    for user in CAN_LOG_IN:
        said = lab.run(root, ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "sh", "/attack"], stdin=paths)
        won |= set(filter(None, said.stdout.split("\n")))
    return won


def named(path: str) -> str:
    """The subject under which a path is judged."""
    if path.startswith("/var/log/journal/"):
        return "journal"
    if path == "/srv/logs/a":
        return AUTH
    if path.startswith(("/var/log/audit/", "/srv/audit/")):
        return "audit"
    return path


def said(host: Host) -> set[str]:
    answers = verdicts(run(tamper, host))
    assert "unknown" not in answers.values(), answers
    return {subject for subject, verdict in answers.items() if verdict == "fail"}


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_who_could_alter_a_log(name: str) -> None:
    case = CASES[name]
    with lab.overlay(case.files) as root:
        people(root)
        setup = lab.run(root, ["sh", "-ec", UPPER + case.setup])
        assert setup.returncode == 0, setup.stderr
        if case.acl:
            entries = sorted([(0x01, 6, 0), *case.acl, (0x20, 0, 0)])
            packed = b"".join(
                struct.pack("<HHI", tag, rights, number if tag in (0x02, 0x08) else 0xFFFFFFFF) for tag, rights, number in entries
            )
            os.setxattr(root / AUTH[1:], "system.posix_acl_access", struct.pack("<I", 2) + packed)
        host = Host(lab.mounted(root))
        ours = said(host)
        if (
            list(CASES).index(name) % 3 == 0 and not case.files and not case.acl and "rm -f" not in case.setup
        ):  # rsyslogd does not run there: nothing is made
            assert said(Host(lab.local(root))) == {path for path in ours if path not in STOCK_LOGS or (root / path[1:]).exists()}
        if case.act == "log":
            log_once(root)
        if case.act == "rotate":
            lab.run(root, ["logrotate", "-f", "/etc/logrotate.conf"])
        if case.act == "log":
            ours = {path for path in ours if (root / path.lstrip("/")).exists()}  # some get no message, and are not made
        theirs = {named(path) for path in altered(root, case.extra)}
        if case.act == "rotate":
            theirs = {AUTH if path.startswith((AUTH, "/var/log/old/auth.log")) else path for path in theirs}
        assert ours == theirs
