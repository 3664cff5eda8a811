"""Who is enrolled: what the PAM modules really do with each account's secret, with the code and without it, beside what the check says."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from checks.two_factor.enrolment import enrolment
from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab
from tests.truth.doors import PASSWORDS, answered, people

pytestmark = pytest.mark.lab
REST = "@include common-auth\naccount required pam_permit.so\nsession required pam_permit.so\n"
GA = "auth required pam_google_authenticator.so{}\n" + REST
OATH = "auth {} pam_oath.so usersfile=/etc/users.oath window=20{}\n" + REST
HEX = "48656c6c6f21deadbeef48656c6c6f21"
SECRET_FILE = "/home/alice/.google_authenticator"
USERS = f"HOTP/T30/6 alice - {HEX}\n"


@dataclass(frozen=True)
class Case:
    """pam: /etc/pam.d/login. verdicts: account → what the check says; None: it is not asked. codes: whether the one-time codes offered are good."""

    pam: str
    verdicts: dict[str, str | None]
    prepare: str = ""
    files: dict[str, str] = field(default_factory=dict)
    oath: bool = False


CASES: dict[str, Case] = {
    "enrolled or not": Case(GA.format(""), {"alice": "pass", "bob": "fail", "root": None}),
    "nullok": Case(GA.format(" nullok"), {"alice": "pass", "bob": "fail"}),
    "nullok and mode": Case(GA.format(" nullok"), {"alice": "fail"}, f"chmod 644 {SECRET_FILE}"),
    "mode 0600": Case(GA.format(""), {"alice": "pass"}, f"chmod 600 {SECRET_FILE}"),
    "mode 0440": Case(GA.format(""), {"alice": "fail"}, f"chmod 440 {SECRET_FILE}"),
    "mode 0440 allowed": Case(GA.format(" allowed_perm=0440"), {"alice": "pass"}, f"chmod 440 {SECRET_FILE}"),
    "allowed_perm is no mask of more": Case(GA.format(" allowed_perm=0400"), {"alice": "fail"}, f"chmod 600 {SECRET_FILE}"),
    "mode 0000": Case(GA.format(""), {"alice": "fail"}, f"chmod 000 {SECRET_FILE}"),
    "owned by root, hidden": Case(GA.format(""), {"alice": "fail"}, f"chown root {SECRET_FILE}"),
    "owned by root, readable, strict": Case(GA.format(" allowed_perm=0444"), {"alice": "fail"}, f"chown root {SECRET_FILE}; chmod 444 {SECRET_FILE}"),
    "owned by root, readable, not strict": Case(GA.format(" allowed_perm=0444 no_strict_owner"), {"alice": "pass"}, f"chown root {SECRET_FILE}; chmod 444 {SECRET_FILE}"),
    "empty file": Case(GA.format(""), {"alice": "fail"}, f"rm {SECRET_FILE}; install -o alice -m 400 /dev/null {SECRET_FILE}"),
    "a folder": Case(GA.format(" nullok"), {"alice": "fail"}, f"rm {SECRET_FILE}; install -d -o alice -m 400 {SECRET_FILE}"),
    "a link": Case(GA.format(""), {"alice": "pass"}, f"mkdir -p /srv/s; mv {SECRET_FILE} /srv/s/x; ln -s /srv/s/x {SECRET_FILE}"),
    "a dangling link": Case(GA.format(" nullok"), {"alice": "fail"}, f"rm {SECRET_FILE}; ln -s /srv/none {SECRET_FILE}"),
    "home shut": Case(GA.format(""), {"alice": "fail"}, "chmod 600 /home/alice"),
    "secret elsewhere, of the account": Case(GA.format(" secret=/srv/${USER}"), {"alice": "pass", "bob": "fail"}, f"cp -p {SECRET_FILE} /srv/alice"),
    "secret elsewhere, of root": Case(GA.format(" secret=/srv/${USER} user=root"), {"alice": "pass"}, f"install -m 400 {SECRET_FILE} /srv/alice"),
    "secret elsewhere, of the account, user=root": Case(GA.format(" secret=/srv/${USER} user=root"), {"alice": "fail"}, f"cp -p {SECRET_FILE} /srv/alice"),
    "secret in a hidden folder, user=root": Case(GA.format(" secret=/srv/s/${USER} user=0"), {"alice": "pass"}, f"install -d -m 700 /srv/s; install -m 400 {SECRET_FILE} /srv/s/alice"),
    "secret in a hidden folder": Case(GA.format(" secret=/srv/s/${USER}"), {"alice": "fail"}, f"install -d -m 700 /srv/s; cp -p {SECRET_FILE} /srv/s/alice"),
    "secret below the home": Case(GA.format(" secret=~/.config/ga"), {"alice": "pass"}, f"install -d -o alice -m 700 /home/alice/.config; cp -p {SECRET_FILE} /home/alice/.config/ga"),
    "user= names nobody": Case(GA.format(" user=nosuch secret=/srv/x"), {"alice": "fail"}),
    "unknown argument": Case(GA.format(" nulok"), {"alice": "fail"}),
    "sufficient asks nobody": Case("auth sufficient pam_google_authenticator.so\n" + REST, {"alice": None, "bob": None}),
    "optional asks nobody": Case(GA.format("").replace("required pam_g", "optional pam_g"), {"alice": None, "bob": None}),
    "an exempt group": Case("auth [success=1 default=ignore] pam_succeed_if.so quiet user ingroup sudo\n" + GA.format(""), {"alice": None, "bob": "fail"}),
    "only a group": Case("auth [success=ignore default=1] pam_succeed_if.so quiet user ingroup sudo\n" + GA.format(""), {"alice": "pass", "bob": None}),
    "locked account": Case(GA.format(""), {"alice": None, "bob": "fail"}, "passwd -l alice"),
    "no shell": Case(GA.format(""), {"bob": None}, "usermod -s /usr/sbin/nologin bob"),
    "deny stands behind": Case("auth requisite pam_deny.so\n" + GA.format(""), {"alice": None, "bob": None}),
    "oath: named or not": Case(OATH.format("required", ""), {"alice": "pass", "bob": "fail"}, oath=True),
    "oath: unknown ignored": Case(OATH.format("[success=ok user_unknown=ignore default=bad]", ""), {"alice": "pass", "bob": "fail"}, oath=True),
    "oath: no file": Case(OATH.format("required", ""), {"alice": "fail"}, "rm /etc/users.oath", oath=True),
    "oath: commented": Case(OATH.format("required", ""), {"alice": "fail"}, "sed -i 's/^/#/' /etc/users.oath", oath=True),
    "oath: another's line": Case(OATH.format("required", ""), {"alice": "fail", "bob": "pass"}, "sed -i s/alice/bob/ /etc/users.oath", oath=True),
    "oath: readable by all": Case(OATH.format("required", ""), {"alice": "pass"}, "chmod 644 /etc/users.oath", oath=True),
    "oath: named twice": Case(OATH.format("required", ""), {"alice": "pass"}, "echo 'HOTP/T30/6 alice - 00' >> /etc/users.oath", oath=True),
    "oath: alwaysok": Case(OATH.format("required", " alwaysok"), {"alice": None}, oath=True),
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """account → (opens with password and code, opens with less)."""

    opened: dict[str, tuple[bool, bool]]
    hosts: tuple[Host, ...]


def look(name: str) -> Seen:
    case = CASES[name]
    files = {"/etc/pam.d/login": case.pam, **({"/etc/users.oath": USERS} if case.oath else {}), **case.files}
    with people(files, case.prepare, {"/etc/users.oath": 0o600}) as root:
        hosts = [Host(lab.mounted(root))]
        if list(CASES).index(name) % 5 == 0:
            hosts.append(Host(lab.local(root)))
        users = root / "etc/users.oath"
        kept = users.read_text() if users.exists() else ""

        def opens(user: str, password: bool, codes: bool) -> bool:
            if kept:
                users.write_text(kept)  # a code is good once
            said = answered(
                root, ("pamtester", "login", user, "authenticate", "acct_mgmt"), passwords=PASSWORDS if password else {}, asked=user, codes=codes, user="",
                secret=HEX if case.oath else "",
            )  # fmt: skip
            return "account management done" in said

        opened = {user: (opens(user, True, True), opens(user, True, False) or opens(user, False, False)) for user in case.verdicts}
        return Seen(opened, tuple(hosts))


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, Seen]]:
    """Every case at once: a refused password costs seconds of waiting and no work."""
    lab.base_root()
    with ThreadPoolExecutor(20) as together:
        yield dict(zip(CASES, together.map(look, CASES), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_enrolment(name: str, seen: dict[str, Seen]) -> None:
    for host in seen[name].hosts:
        told = {outcome.subject: outcome.verdict.value for outcome in run(enrolment, host)}
        for user, expected in CASES[name].verdicts.items():
            whole, less = seen[name].opened[user]
            assert told.get(user) == expected, (user, told)
            if expected is not None and user != "root":
                assert (expected == "pass") == (whole and not less), (user, whole, less)
        if set(CASES[name].verdicts.values()) == {None} and len(told) == 1:
            assert told == {"": "not_applicable"}
