"""Modules that ask from where, when and by what program: the account phase of a real libpam from many places, beside what the facts say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sovaudit.facts.host import Host
from tests import lab
from tests.truth import pamtester, random_pam, test_random

pytestmark = pytest.mark.lab
people = test_random.people
ACCESS, TIME, LIST = "/etc/security/access.conf", "/etc/security/time.conf", "/etc/list"
ADDRESSES = ("10.0.0.7", "192.0.2.9", "172.16.3.4", "2001:db8::5", "::1", "fe80::1")
PLACES = {
    "sshd": tuple({"rhost": address, "tty": "ssh"} for address in ADDRESSES),
    "login": ({"tty": "tty1"}, {"tty": "pts/3"}, {"tty": "ttyS0"}),
    "su": ({"tty": "pts/3"}, {"tty": "tty1"}, {"tty": "pts/9"}),
}
# (services, users, text of access.conf)
ORIGINS: tuple[tuple[str, str, str], ...] = (
    ("sshd login", "bob", "+:bob:0.0.0.0/0\n-:ALL:ALL\n"),
    ("sshd login", "bob", "+:bob:10.0.0.0/8\n-:ALL:ALL\n"),
    ("sshd", "bob", "-:bob:10.0.0.0/8\n-:bob:ALL EXCEPT 10.0.0.0/8\n"),
    ("sshd login su", "bob root", "-:ALL EXCEPT root:ALL\n"),
    ("sshd", "bob carol", "-:ALL EXCEPT bob EXCEPT bob:ALL\n"),
    ("sshd", "bob carol", "+:bob@ALL:ALL\n-:ALL:ALL\n"),
    ("sshd", "bob", ":+:bob:ALL\n-:ALL:ALL\n"),
    ("sshd", "bob", " +:bob:ALL\n-:ALL:ALL\n"),
    ("sshd login su", "bob", "+:bob:LOCAL\n-:ALL:ALL\n"),
    ("sshd login", "bob", "-:bob:ALL EXCEPT LOCAL\n"),
    ("sshd", "bob", "+:bob:10.\n-:ALL:ALL\n"),
    ("sshd", "bob", "+:bob:10.0.0.0/255.0.0.0\n-:ALL:ALL\n"),
    ("sshd", "bob", "+:bob:10.0.0.0/08\n-:ALL:ALL\n"),
    ("sshd", "bob", "+:bob:10.0.0.0/0x8\n-:ALL:ALL\n"),
    ("sshd", "bob", "+:bob:10.0.0.0/33\n-:ALL:ALL\n"),
    ("sshd", "bob", "+:bob:.example.org pc.example.org\n-:ALL:ALL\n"),
    ("sshd", "bob", "-:bob:ALL EXCEPT .example.org\n"),
    ("sshd", "bob", "+:bob:::/0\n-:ALL:ALL\n"),
    ("sshd", "bob", "+:bob:ALL EXCEPT 0.0.0.0/0\n-:ALL:ALL\n"),
    ("sshd", "bob", "-:bob:0.0.0.0/1 128.0.0.0/1 8000::/1\n"),
    ("sshd login", "bob", "-:bob:ALL EXCEPT\n"),
    ("sshd", "bob", "-:bob:NONE\n"),
    ("sshd", "bob root", "+:root:ALL\n-:ALL:ALL"),
    ("sshd", "bob", "+:bob:10.0.0.7:x\n-:ALL:ALL\n"),
    ("login", "bob", "+:bob:tty1\n-:ALL:ALL\n"),
)
# (services, users, text of time.conf)
HOURS: tuple[tuple[str, str, str], ...] = (
    ("sshd login", "bob", "sshd;*;*;!Al0000-2400\n"),
    ("sshd", "bob root", "*;*;!root;!Al0000-2400\n"),
    ("sshd", "bob", "sshd;*;bob|carol;!Al0000-2400\n"),
    ("sshd", "bob root", "sshd;*;!bob&!carol;!Al0000-2400\n"),
    ("sshd", "bob", "sshd;*;bob carol;!Al0000-2400\n"),
    ("sshd", "bob", "sshd;*;bob;Al0000-2400"),
    ("sshd", "bob", "sshd;*;bob;Al0000-2400 # every day"),
    ("sshd", "bob", "sshd ; * ; bob ; ! Al0000-2400\n"),
    ("sshd", "bob carol", "sshd;*;b*b;!Al0000-2400\n"),
    ("sshd", "bob", "sshd;tty*;bob;!Al0000-2400\n"),
    ("login", "bob", "login;tty*;bob;!Al0000-2400\n"),
    ("sshd", "bob", "sshd;*;bob;nonsense\n"),
    ("sshd", "bob", "sshd;*;bob;Al\n"),
    ("sshd", "bob", "sshd;*;bob;AlAl0000-2400\n"),
    ("sshd", "bob", "sshd;*;bob;SuMoTuWeThFrSa0000-2400\n"),
    ("sshd", "bob", "sshd;*;bob\n"),
    ("sshd", "bob", "x;*;*;!Al0000-2400;sshd;*;bob;!Al0000-2400\n"),
    ("sshd", "bob", "sshd;*;*;!Al0000-2400\nsshd;*;bob;Al0000-2400\n"),
    ("sshd", "bob", "sshd;*;\\\nbob;!Al0000-2400\n"),
    ("sshd", "bob", "# no \\\nsshd;*;bob;!Al0000-2400\n"),
    ("sshd", "bob", "sshd;*;bob;Al0000-0000\n"),
    ("sshd login", "bob", "!login;*;*;!Al0000-2400\n"),
)
# (users, account lines, other files; None: absent)
OTHERS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("bob root", "account required pam_listfile.so item=rhost sense=allow file=/etc/list", {LIST: "10.0.0.0/8\n"}),
    ("bob", "account required pam_listfile.so item=rhost sense=allow file=/etc/list", {LIST: "pc.example.org\n"}),
    ("bob", "account required pam_listfile.so item=rhost sense=allow file=/etc/list", {LIST: "2001:db8::5\n"}),
    ("bob carol", "account required pam_listfile.so item=group item=user sense=deny file=/etc/list", {LIST: "sudo\n"}),
    ("bob carol", "account required pam_listfile.so item=shell item=user sense=deny file=/etc/list", {LIST: "/bin/bash\n"}),
    ("bob carol", "account required pam_listfile.so item=user item=group sense=deny file=/etc/list", {LIST: "bob\n"}),
    ("bob", "account required pam_succeed_if.so rhost =~ 10.*", {}),
    ("bob", "account required pam_succeed_if.so rhost =~ 172.16.*", {}),
    ("bob", "account required pam_succeed_if.so rhost =~ *.example.org", {}),
    ("bob", "account required pam_time.so conffile=/etc/t.conf", {"/etc/t.conf": "sshd;*;bob;!Al0000-2400\n"}),
    ("bob", "account required pam_time.so conffile=/etc/none.conf", {TIME: "sshd;*;bob;!Al0000-2400\n"}),
    ("bob", "account required pam_access.so accessfile=/etc/security", {}),
    ("bob", "account required pam_access.so fieldsep=| listsep=;", {ACCESS: "+|carol;bob|ALL\n-|ALL|ALL\n"}),
    ("bob", "account required pam_lastlog.so\naccount required pam_permit.so", {}),
    ("bob", "account required pam_exec.so /bin/true", {}),
    ("bob", "account sufficient pam_exec.so quiet /bin/false\naccount required pam_deny.so", {}),
    ("bob", "account required pam_exec.so type=auth /bin/false\naccount required pam_permit.so", {}),
    ("bob", "account required pam_exec.so type=account /bin/false", {}),
    ("bob", "account required pam_exec.so log=/tmp/x stdout /usr/bin/true", {}),
    ("bob", "account required pam_exec.so /usr/bin/no-such-thing", {}),
    ("bob", "account required pam_exec.so /etc/passwd", {}),
    ("bob", "account required pam_exec.so", {}),
    ("bob", "account required pam_exec.so quiet", {}),
    ("bob", "account required pam_exec.so expose_authtok /bin/true", {}),
)


def cases() -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Service, user, account lines, files."""
    for name, path, rows in (("access", ACCESS, ORIGINS), ("time", TIME, HOURS)):
        for services, users, text in rows:
            for service in services.split():
                for user in users.split():
                    yield service, user, f"account required pam_{name}.so", {path: text}
    for users, lines, files in OTHERS:
        for user in users.split():
            yield "sshd", user, lines, files


def opens(driver: pamtester.Driver, service: str, user: str) -> bool:
    commands = (pamtester.command(service, user, "acct_mgmt", place, "") for place in PLACES[service])
    return any(driver.run(command, [])[0] == 0 for command in commands)


def test_account_phases(people: tuple[Path, dict[str, str]]) -> None:
    root, files = people
    wrong: list[str] = []
    with pamtester.driver(root) as driver:
        for service, user, lines, made in cases():
            stack = f"auth required pam_permit.so\n{lines}\n"
            for path in (*random_pam.OPTIONAL, ACCESS, TIME, LIST):
                (root / path[1:]).unlink(missing_ok=True)
            lab.write(root, {**made, f"/etc/pam.d/{service}": stack})
            whole = any(word in lines for word in ("exec", "file=/etc/", "lastlog"))
            host = Host(lab.mounted(root)) if whole else test_random.judged(root, {**files, **made, f"/etc/pam.d/{service}": stack})
            account = host.accounts.get(user)
            assert account is not None
            phase = host.pam.account_phase(service, account)
            if phase.possible or bool(phase.certain) != opens(driver, service, user):
                wrong.append(f"{service} {user} {lines!r} {made}: we {phase}")
    assert wrong == []


def test_a_last_login_long_ago(people: tuple[Path, dict[str, str]]) -> None:
    """lastlog(8) holds one record per uid: 4 bytes of time, 32 of terminal, 256 of host."""
    root, _ = people
    now = int(datetime.now(UTC).timestamp())
    record = root / "var/log/lastlog"
    wrong = []
    with pamtester.driver(root) as driver:
        for days, argument in ((None, "inactive=1"), (10, "inactive=5"), (90, ""), (91, ""), (91, "inactive=300"), (10, "inactive=0")):
            with record.open("wb") as file:
                file.truncate(292 * 1010)
                if days is not None:
                    file.seek(292 * 1001)
                    file.write((now - days * 86_400 - 60).to_bytes(4, "little"))
            lab.write(root, {"/etc/pam.d/sshd": f"auth required pam_permit.so\naccount required pam_lastlog.so {argument}\n"})
            host = Host(lab.mounted(root))
            account = host.accounts.get("bob")
            assert account is not None
            phase = host.pam.account_phase("sshd", account)
            if phase.possible or bool(phase.certain) != opens(driver, "sshd", "bob"):
                wrong.append((days, argument, phase))
    record.unlink()
    assert wrong == []
