"""A startup file that is run once for many accounts says to each what it says when it is run for that one alone."""

from __future__ import annotations

from typing import Any

import pytest

from sovaudit.facts import shell_shared
from sovaudit.facts.shell_run import Runner
from sovaudit.testing import host_with

ACCOUNTS = {"root": 0, "carol": 7, "alice": 1000, "bob": 1001, "dave": 70000}
PASSWD = "".join(f"{name}:x:{uid}:{uid}::{'/root' if not uid else f'/home/{name}'}:/bin/bash\n" for name, uid in ACCOUNTS.items())
GROUP = "".join(f"{name}:x:{uid}:\n" for name, uid in ACCOUNTS.items()) + "staff:x:50:bob\n"
PROFILES = {
    "the uid against 0": 'if [ "$(id -u)" -eq 0 ]; then umask 077; else umask 027; fi\n',
    "backquotes": "if [ `id -u` = 0 ]; then umask 077; else umask 027; fi\n",
    "a bound of the uid": "if [ $UID -gt 199 ]; then umask 002; else umask 022; fi\nTMOUT=$((10*60))\n",
    "two bounds": 'if [ "${EUID}" -ge 1001 ] && [ "$EUID" -lt 60000 ]; then TMOUT=60; fi\n',
    "the uid in a text": "x=$(id -u)\ncase $x in 1000) umask 000;; *) umask 077;; esac\n",
    "the uid by hand": "case $UID in 100*) TMOUT=5;; esac\n",
    "another option of id": 'if [ "$(id -un)" = bob ]; then umask 000; fi\n',
    "group and name": 'if [ $UID -gt 199 ] && [ "`id -gn`" = "`id -un`" ]; then umask 002; else umask 022; fi\n',
    "the name": '[ "$USER" = alice ] && umask 007\n',
    "the login name": "case $LOGNAME in b*) umask 070;; esac\n",
    "the home": 'case "$HOME" in /home/d*) umask 000;; esac\n',
    "a tilde": "case ~ in /root) TMOUT=9;; esac\n",
    "a length": "[ ${#USER} -gt 3 ] && umask 055\n",
    "who asks": '[ "$(whoami)" = root ] && umask 012\n',
    "a file that not all may read": "if [ -r /etc/secret ]; then umask 066; fi\n",
    "a file behind a folder that not all may enter": "if [ -e /etc/closed/x ]; then umask 067; fi\n",
    "a file of a group": ". /etc/staff.sh\n",
    "a file for all": "[ -r /etc/open ] && umask 033\n",
    "a relative path": "[ -e mine ] && umask 044\n",
    "a home that moves": "HOME=/srv\n",
    "a home that may move": "if some-program; then HOME=/srv; fi\n",
    "an eval": 'eval "[ \\$UID -eq 1000 ] && umask 011"\n',
    "a function for later": 'ask() { [ "$USER" = bob ] && umask 000; }\n',
    "a name in a variable": "x=USER\n[ ${!x} = bob ] && umask 013\n",
    "the session ends": 'if [ "$(id -u)" -eq 1001 ]; then exit; fi\n',
    "nothing of one's own": "umask 027\nreadonly TMOUT=300\n",
}
SHARED = {
    "the uid against 0",
    "backquotes",
    "a bound of the uid",
    "two bounds",
    "a file for all",
    "a function for later",
    "an eval",
    "the session ends",
    "nothing of one's own",
    "a name in a variable",  # never followed
    "group and name",  # among system accounts, which are not asked for their names
}


def made(profile: str) -> Any:
    return host_with(
        {
            "/etc/passwd": PASSWD,
            "/etc/group": GROUP,
            "/etc/profile": profile,
            "/etc/secret": "x\n",
            "/etc/closed/x": "x\n",
            "/etc/staff.sh": "umask 020\n",
            "/etc/open": "x\n",
            "/home/alice/mine": "x\n",
            "/home/bob/.bash_profile": "ask\n[ $HOME = /home/bob ] && TMOUT=77\n",
            "/bin/bash": "",
        },
        modes={"/etc/secret": (0o640, 0, 0), "/etc/closed": (0o700, 0, 0), "/etc/staff.sh": (0o640, 0, 50)},
    )


def said(host: Any, name: str, over: str) -> tuple[Any, ...]:
    found = host.sessions.session(host.accounts.get(name), over)
    return found.umask, found.tmout, found.readonly, found.lines, found.gaps, found.ends


@pytest.mark.parametrize("case", PROFILES)
def test_each_account_gets_its_own_answer(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    together = made(PROFILES[case])
    runs: list[str] = []
    startup = Runner.startup

    def counted(self: Runner, path: str, state: Any) -> Any:
        if path == "/etc/profile":
            runs.append(self.world.account.name)
        return startup(self, path, state)

    monkeypatch.setattr(Runner, "startup", counted)
    for order in (list(ACCOUNTS), list(reversed(ACCOUNTS))):
        for over in ("console", "ssh"):
            for name in order:
                assert said(together, name, over) == said(made(PROFILES[case]), name, over), (case, name, over)
        together = made(PROFILES[case])
    runs.clear()
    for name in ACCOUNTS:
        said(together, name, "console")
    assert (len(runs) < len(ACCOUNTS)) == (case in SHARED), runs


def test_what_is_asked_of_the_uid_is_read() -> None:
    asked = shell_shared._COMPARED.findall('[ "$(id -u)" -eq 0 ]; [ $UID -gt 199 ]; [ "${EUID}" != "7" ]')
    assert len(asked) == 3
    assert not shell_shared._COMPARED.findall("[ $UID -gt $x ]; [ $UIDX -eq 1 ]; [ $UID -eq 010 ]; [ $UID -eq 1x ]")
