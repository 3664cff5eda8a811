"""The session phase, limits.conf and time.conf: what the truth lab does not ask."""

from __future__ import annotations

import pytest

from sovaudit.facts.factors import NOTHING, spell
from sovaudit.facts.pam_time import agrees, in_time, is_same, parse_times
from sovaudit.testing import host_with

FILES = {
    "/etc/passwd": "root:x:0:0::/root:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n",
    "/etc/group": "root:x:0:\nbob:x:1001:\nops:x:900:bob\n",
    "/etc/security/limits.conf": "# none\n",
}
STACK = "auth required pam_permit.so\naccount required pam_permit.so\n"


def opens(session: str, files: dict[str, str] | None = None, name: str = "bob") -> bool | None:
    host = host_with({**FILES, "/etc/pam.d/t": STACK + session, "/etc/pam.d/other": "session required pam_deny.so\n", **(files or {})})
    account = host.accounts.get(name)
    assert account is not None
    ways = host.pam.session_phase("t", account)
    return None if ways.possible else NOTHING in ways.certain


@pytest.mark.parametrize(
    ("session", "wanted"),
    [
        ("session required pam_unix.so\n", True),
        ("session required pam_deny.so\n", False),
        ("session optional pam_deny.so\nsession required pam_unix.so\n", True),
        ("session optional pam_deny.so\n", False),  # an optional failure alone is still one
        ("session required pam_nologin.so\n", False),  # that module knows no sessions
        ("session optional pam_motd.so\n", False),  # nobody said yes
        ("session required pam_python.so /x\n", None),
        ("session required pam_loginuid.so require_auditd\n", None),
        ("session required pam_time.so\n", False),
        ("", False),
    ],
)
def test_sessions(session: str, wanted: bool | None) -> None:
    assert opens(session) is wanted


@pytest.mark.parametrize(
    ("limits", "name", "wanted"),
    [
        ("bob hard maxlogins 0\n", "bob", False),
        ("* - maxlogins 0\n", "bob", False),
        ("* - maxlogins 0\n", "root", True),
        ("root - maxlogins 0\n", "root", True),
        ("* - maxlogins 0\nbob - maxlogins 2\n", "bob", True),
        ("bob - maxlogins 2\n* - maxlogins 0\n", "bob", True),
        ("bob - maxlogins 2\nbob - maxlogins 0\n", "bob", False),
        ("@ops hard maxsyslogins 0\n", "bob", False),
        ("bob -\n@ops hard maxlogins 0\n", "bob", True),
        ("% - maxlogins 0\n", "bob", False),
        ("1000: - maxlogins 0\n", "bob", None),
        ("bob - maxlogins 0x\n", "bob", True),
    ],
)
def test_limits(limits: str, name: str, wanted: bool | None) -> None:
    assert opens("session required pam_limits.so\n", {"/etc/security/limits.conf": limits}, name) is wanted


def test_times() -> None:
    assert [rule.user for rule in parse_times("a;b;c;Al0000-2400\n#x;y;z\n;a;b;d;Al1-2\nw;x;y;z;\nq;r;s;Al0000-2400")] == ["c", "d", "s"]
    assert in_time("Wk0900-1700", 2, 900) and not in_time("Wk0900-1700", 2, 1700) and not in_time("Wk0900-1700", 1, 1200)
    assert in_time("Fr2200-0600", 32, 2300) and in_time("Fr2200-0600", 64, 500) and not in_time("Fr2200-0600", 16, 500)
    assert in_time("Sa2200-0600", 1, 500)  # into Sunday
    assert agrees("!a&!b", lambda word: word == "c") and not agrees("a b", lambda word: True) and not agrees("", lambda word: True)
    assert is_same("tty*1", "tty11") and not is_same("tty", "tty1")
    with pytest.raises(ValueError, match="0"):
        list(parse_times("x" * 1001))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("HOTP/T30/6 bob + 00", {"one-time code + password"}),
        ("HOTP/T30/6 bob - 00", set()),
        ("HOTP/T30 bob + 00", {"one-time code + password"}),
        ("HOTP/T30/8 bob - 00", set()),
        ("TOTP bob + 00", set()),
    ],
)
def test_codes_behind_a_password(line: str, wanted: set[str]) -> None:
    stack = "auth required pam_oath.so usersfile=/etc/users.oath digits=6\nauth required pam_unix.so use_first_pass\n"
    shadow = "root:*:19000::::::\nbob:$y$j9T$masked:19000::::::\n"
    host = host_with({**FILES, "/etc/shadow": shadow, "/etc/pam.d/t": stack, "/etc/users.oath": line + "\n"})
    account = host.accounts.get("bob")
    assert account is not None
    assert {spell(factors) for factors in host.pam.authenticate("t", account).certain} == wanted
