"""What new accounts are born with, and how many tries a connection allows: real useradd, adduser and sshd beside the checks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from sovaudit.content.checks.password_policy.new_account_age import new_account_age
from sovaudit.content.checks.password_policy.ssh_attempts import ssh_attempts

from sovaudit.facts.host import Host
from sovaudit.facts.new_accounts import birth
from sovaudit.facts.ssh_tries import most_tries
from sovaudit.testing import run, verdicts
from tests import lab

DEFS = "/etc/login.defs"
USERADD = "/etc/default/useradd"
# name: (login.defs, None: removed; other files)
BIRTHS: dict[str, tuple[str | None, dict[str, str]]] = {
    "stock": ("", {}),
    "a year": ("PASS_MAX_DAYS 365\n", {}),
    "a day more": ("PASS_MAX_DAYS\t366\n", {}),
    "two lines": ("PASS_MAX_DAYS 90\nPASS_MAX_DAYS 99999\n", {}),
    "two lines, the other way": ("PASS_MAX_DAYS 99999\nPASS_MAX_DAYS   90\n", {}),
    "the last is no number": ("PASS_MAX_DAYS 90\nPASS_MAX_DAYS never\n", {}),
    "the last is no line": ("PASS_MAX_DAYS 90\nPASS_MAX_DAYS\n", {}),
    "an equals sign": ("PASS_MAX_DAYS=90\n", {}),
    "an equals sign apart": ("PASS_MAX_DAYS = 90\n", {}),
    "small letters": ("pass_max_days 90\n", {}),
    "a comment behind": ("PASS_MAX_DAYS 90 # three months\n", {}),
    "a comment close behind": ("PASS_MAX_DAYS 90#\n", {}),
    "commented": (" #PASS_MAX_DAYS 90\n", {}),
    "quoted": ('PASS_MAX_DAYS "90"\n', {}),
    "quoted, with a comment": ('PASS_MAX_DAYS "90" # three months\n', {}),
    "octal": ("PASS_MAX_DAYS 0365\n", {}),
    "octal that is not": ("PASS_MAX_DAYS 090\n", {}),
    "hexadecimal": ("PASS_MAX_DAYS 0x5a\n", {}),
    "signed": ("PASS_MAX_DAYS +90\n", {}),
    "negative": ("PASS_MAX_DAYS -1\n", {}),
    "more negative": ("PASS_MAX_DAYS -90\n", {}),
    "nought": ("PASS_MAX_DAYS 0\n", {}),
    "ten thousand": ("PASS_MAX_DAYS 10000\n", {}),
    "beyond an int": ("PASS_MAX_DAYS 4294967386\n", {}),
    "Windows line ends": ("PASS_MAX_DAYS 90\r\n", {}),
    "indented": ("   PASS_MAX_DAYS\t \t90  \n", {}),
    "a tab inside the name's blank": ("PASS_MAX_DAYS\t90 days\n", {}),
    "no file": (None, {}),
    "INACTIVE is another thing": ("PASS_MAX_DAYS 90\n", {USERADD: "INACTIVE=30\nEXPIRE=2030-01-01\n"}),
    "useradd's file knows no age": ("", {USERADD: "PASS_MAX_DAYS=90\nPASS_MAX_DAYS 90\n"}),
    "a drop-in is not read": ("", {"/etc/login.defs.d/age.defs": "PASS_MAX_DAYS 90\n"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with lab.overlay() as root:
        yield root


def _age(root: Path, name: str) -> int | None:
    row = next(row for row in (root / "etc/shadow").read_text().splitlines() if row.startswith(f"{name}:"))
    text = row.split(":")[4]
    return int(text) if text else None


@pytest.mark.lab
@pytest.mark.parametrize("name", BIRTHS)
def test_new_accounts(name: str, place: Path) -> None:
    defs, files = BIRTHS[name]
    stock = (lab.base_root() / "etc/login.defs").read_text()
    rest = "\n".join(line for line in stock.splitlines() if "PASS_MAX_DAYS" not in line) + "\n"
    saved = {path: (place / path[1:]).read_text() for path in ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", USERADD)}
    try:
        lab.write(place, {DEFS: stock if name == "stock" else rest + (defs or ""), **files}, {})
        if defs is None:
            (place / DEFS[1:]).unlink()
        host = Host(lab.mounted(place) if len(name) % 4 else lab.local(place))
        lab.run(place, ["useradd", "newcomer"])
        lab.run(place, ["adduser", "--disabled-password", "--gecos", "", "another"])
        real = _age(place, "newcomer")
        assert _age(place, "another") == real
        said = birth(host)
        assert said.days in ((real,) if real is not None else (None, -1)), said
        expected = "pass" if real is not None and 0 <= real <= 365 else "fail"
        assert verdicts(run(new_account_age, host)) == {"new accounts": expected}
        assert verdicts(run(new_account_age, host, max_days=None)) == {
            "new accounts": "pass" if real is None or real < 0 or real > 9999 else "fail"
        }
    finally:
        lab.write(place, saved, {})
        (place / "etc/login.defs.d/age.defs").unlink(missing_ok=True)


PASSWORDS = "UsePAM no\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\n"
DROPIN = "/etc/ssh/sshd_config.d/10-site.conf"
INCLUDE = "Include /etc/ssh/sshd_config.d/*.conf\n"
# name: (sshd_config, other files)
TRIES: dict[str, tuple[str, dict[str, str]]] = {
    "six by default": (PASSWORDS, {}),
    "four": (PASSWORDS + "MaxAuthTries 4\n", {}),
    "five": (PASSWORDS + "MaxAuthTries 5\n", {}),
    "one": (PASSWORDS + "MaxAuthTries 1\n", {}),
    "the first of two": (PASSWORDS + "MaxAuthTries 8\nMaxAuthTries 3\n", {}),
    "a drop-in first": (INCLUDE + PASSWORDS + "MaxAuthTries 3\n", {DROPIN: "MaxAuthTries 7\n"}),
    "a drop-in last": (PASSWORDS + "MaxAuthTries 3\n" + INCLUDE, {DROPIN: "MaxAuthTries 7\n"}),
    "a drop-in of another name": (INCLUDE + PASSWORDS, {DROPIN + ".bak": "MaxAuthTries 3\n"}),
    "a block for her": (PASSWORDS + "MaxAuthTries 3\nMatch User alice\n MaxAuthTries 7\n", {}),
    "a stricter block for her": (PASSWORDS + "MaxAuthTries 9\nMatch User alice\n MaxAuthTries 2\n", {}),
    "a block for her group": (PASSWORDS + "MaxAuthTries 3\nMatch Group staff\n MaxAuthTries 8\n", {}),
    "a block for nobody": (PASSWORDS + "MaxAuthTries 3\nMatch User ghost\n MaxAuthTries 9\n", {}),
    "a block for this address": (PASSWORDS + "MaxAuthTries 3\nMatch Address 127.0.0.0/8\n MaxAuthTries 5\n", {}),
    "the first block wins": (PASSWORDS + "Match User alice\n MaxAuthTries 2\nMatch All\n MaxAuthTries 9\n", {}),
    "after a Match it is no longer global": (PASSWORDS + "Match User ghost\nMaxAuthTries 2\n", {}),
    "equals and capitals": (PASSWORDS + "MAXAUTHTRIES=2\n", {}),
    "quoted": (PASSWORDS + 'MaxAuthTries "2"\n', {}),
    "with PAM": (PASSWORDS.replace("UsePAM no", "UsePAM yes") + "MaxAuthTries 3\n", {"/etc/pam.d/sshd": "auth required pam_unix.so nodelay\naccount required pam_unix.so\n"}),
}  # fmt: skip


def _real_tries(port: int, name: str = "alice") -> int:
    """Wrong passwords for an account until sshd ends the connection."""
    transport = paramiko.Transport(("127.0.0.1", port))
    try:
        transport.start_client(timeout=10)
        for count in range(1, 30):
            try:
                transport.auth_password(name, f"wrong-{count}", fallback=False)
            except paramiko.AuthenticationException:
                pass
            except (paramiko.SSHException, EOFError):
                return count
            for _ in range(5):
                if not transport.is_active():
                    return count
                time.sleep(0.01)
        return 30
    finally:
        transport.close()


@pytest.mark.lab
@pytest.mark.parametrize("name", TRIES)
def test_tries_of_a_connection(name: str) -> None:
    config, files = TRIES[name]
    accounts = {
        "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\nalice:x:1000:50::/home/alice:/bin/bash\n",
        "/etc/shadow": "root:*:19000:0:99999:7:::\nalice:$6$abcdefgh$x:19000:0:99999:7:::\n",
    }
    with lab.overlay({"/etc/ssh/sshd_config": config, **accounts, **files}) as root:
        host = Host(lab.mounted(root) if len(name) % 4 else lab.local(root))
        with lab.sshd(root) as port:
            real = max(_real_tries(port), _real_tries(port, "root"))
        assert real == most_tries(host).count
        assert verdicts(run(ssh_attempts, host)) == {"sshd": "pass" if real <= 4 else "fail"}


@pytest.mark.lab
def test_no_tries_at_all() -> None:
    """With MaxAuthTries 0 not even the right password is looked at."""
    with lab.overlay({"/etc/ssh/sshd_config": PASSWORDS + "MaxAuthTries 0\n"}) as root, lab.sshd(root) as port:
        assert (_real_tries(port), most_tries(Host(lab.mounted(root))).count) == (1, 0)
