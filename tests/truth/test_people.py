"""Rosters and matrices beside a real Debian root and a real slapd: who really gets in, who really may, whose the ids really are.

Every expectation comes from the programs: logins to sshd, pamtester at the console, `id`, `sudo -l`, binds to slapd.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from sovaudit.content.checks.least_privilege.access_matrix import access_matrix
from sovaudit.content.checks.least_privilege.dormant import dormant
from sovaudit.content.checks.least_privilege.duplicate_ids import duplicate_ids
from sovaudit.content.checks.least_privilege.leavers import leavers

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.directory import Directory
from sovaudit.facts.host import Host
from sovaudit.model.evidence import Evidence
from sovaudit.testing import rights_with, roster_with, run, verdicts
from tests import lab
from tests.slapd import BASE, Slapd, slapd
from tests.truth import test_ssh
from tests.truth.test_accounts import console
from tests.truth.test_ssh import KEY, PASSWORD, K, P, line, login

base = test_ssh.base
pytestmark = [pytest.mark.lab, pytest.mark.slapd]
SSHD = test_ssh.BASE + "DenyUsers denied\nDenyGroups shut\n"
LEAVERS = {
    # login → what the administrator did on the day of departure; each holds a key and a password before
    "kept": "true",
    "passwdlock": "passwd -l passwdlock",
    "lockexpire": "usermod -L -e 1 lockexpire",
    "expired": "chage -E 1 expired",
    "today": "chage -E $(($(date +%s) / 86400)) today",
    "tomorrow": "chage -E $(($(date +%s) / 86400 + 1)) tomorrow",
    "nokey": "rm /home/nokey/.ssh/authorized_keys",
    "starnokey": "usermod -p '*' starnokey; rm /home/starnokey/.ssh/authorized_keys",
    "staronly": "usermod -p '*' staronly",
    "nologin": "usermod -s /usr/sbin/nologin nologin",
    "shellfalse": "usermod -s /bin/false shellfalse",
    "shellgone": "usermod -s /opt/gone shellgone",
    "removed": "userdel removed",
    "denied": "usermod -p '*' denied",
    "shutgroup": "groupadd shut; gpasswd -a shutgroup shut; usermod -p '!' shutgroup",
    "overdue": "chage -d 2020-01-01 -M 30 -I 10 overdue",
    "movedhome": "mv /home/movedhome /home/old; usermod -p '*' movedhome",
    "openkey": "usermod -p '*' openkey; chmod 666 /home/openkey/.ssh/authorized_keys",
    "commented": "usermod -p '*' commented; sed -i 's/^/#/' /home/commented/.ssh/authorized_keys",
    "emptied": "passwd -d emptied; rm /home/emptied/.ssh/authorized_keys",
}
STAYS = ("boss", "ops1", "ops2")
GROUPS = {
    # groups and rights that are really given
    "boss": "usermod -aG sudo boss", "ops1": "groupadd ops; groupadd audit; usermod -aG ops,audit ops1", "ops2": "usermod -g ops ops2",
}  # fmt: skip
SUDOERS = "root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\nops1 ALL=(root) /usr/bin/id\nops2 ALL=(root) NOPASSWD: /usr/bin/find\n"


@dataclass(frozen=True, eq=False)
class World:
    """A root whose programs were asked. entered: who got a session. rights: login → what it really holds."""

    mounted: Evidence
    live: Evidence
    entered: dict[str, bool]
    rights: dict[str, set[str]]
    numbers: dict[str, int]


@pytest.fixture(scope="module")
def world(base: str) -> World:
    users = (*LEAVERS, *STAYS)
    makes = [f"useradd -m -s /bin/bash -p \"$h\" {user}; mkdir -m 700 /home/{user}/.ssh; cp /srv/key /home/{user}/.ssh/authorized_keys; "
             f"chown -R {user}: /home/{user}/.ssh" for user in users]  # fmt: skip
    acts = ["h=$(grep ^carol: /etc/shadow | cut -d: -f2)", "sed -i '/pam_faildelay/d' /etc/pam.d/login",
            "sed -i 's/pam_unix.so nullok/& nodelay/' /etc/pam.d/common-auth", *makes, *LEAVERS.values(), *GROUPS.values()]  # fmt: skip
    with lab.overlay({"/etc/sudoers": SUDOERS, "/srv/key": line(KEY)}) as root:
        test_ssh.prepare(root, test_ssh.Case(SSHD, {}, prepare=" ; ".join(acts)), base)
        mounted, live = lab.mounted(root), lab.local(root)
        there = [text.split(":")[0] for text in (root / "etc/passwd").read_text().splitlines()]
        present = [user for user in users if user in there]
        with lab.sshd(root) as port, ThreadPoolExecutor(6) as together:

            def by_ssh(user: str) -> bool:
                return any(login(port, user, "127.0.0.1", frozenset([one]), SSHD, "") for one in (K, P))

            ssh = dict(zip(present, together.map(by_ssh, present), strict=True))
            local = dict(zip(present, together.map(lambda user: console(root, user), present), strict=True))
        entered = {user: ssh[user] or local[user] for user in present}
        rights = {user: _held(root, user, ssh[user]) for user in present}
        numbers = {user: int(lab.run(root, ["id", "-u", user]).stdout) for user in present}
    return World(mounted, live, entered, rights, numbers)


def _held(root: Path, user: str, ssh: bool) -> set[str]:
    """What id and sudo themselves say. A command that gives a shell is root: find does, id does not."""
    groups = lab.run(root, ["id", "-Gn", user]).stdout.split()
    found = {f"group:{name}" for name in groups if name != user}
    programs = ("/bin/sh", "/usr/bin/find")
    if any(lab.run(root, ["sudo", "-l", "-U", user, program]).returncode == 0 for program in programs):
        found.add("root")
    return found | ({"ssh"} if ssh else set())


ROSTER = roster_with(
    *({"id": f"L{number}", "account": name, "status": "left", "left_on": "2026-01-31"} for number, name in enumerate(LEAVERS)),
    *({"id": name, "account": name, "status": "active"} for name in STAYS),
)  # fmt: skip


@pytest.fixture(scope="module")
def told(world: World) -> list[dict[str, str]]:
    """leavers, by `root:` and by the script."""
    return [verdicts(run(leavers, Host(evidence), ROSTER)) for evidence in (world.mounted, world.live)]


@pytest.mark.parametrize("name", LEAVERS)
def test_leavers_of_a_host(world: World, told: list[dict[str, str]], name: str) -> None:
    expected = None if name not in world.entered else "fail" if world.entered[name] else "pass"
    assert [found.get(name) for found in told] == [expected] * 2, world.entered


def test_nobody_else_is_called_a_leaver(world: World, told: list[dict[str, str]]) -> None:
    assert {True, False} == {world.entered[name] for name in LEAVERS if name in world.entered}
    for found in told:
        assert set(found) <= set(LEAVERS)


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("user", [*LEAVERS, *STAYS])
def test_rights_of_a_host(world: World, user: str, number: int) -> None:
    """One half of all rights declared, then two thirds; the rest is held undeclared. Four rows are false."""
    everything = {(one, right) for one, rights in world.rights.items() for right in rights}
    host = _hosts(world)[number - 2]
    declared = {one for place, one in enumerate(sorted(everything)) if place % number}
    wrong = {("boss", "group:audit"), ("ops1", "root"), ("removed", "ssh"), ("denied", "ssh")} - everything
    rows = [{"account": one, "right": right} for one, right in sorted(declared | wrong)]
    account = host.accounts.get(user)
    shell = account is not None and account.has_shell
    found = {key: verdict for key, verdict in verdicts(run(access_matrix, host, rights_with(*rows))).items() if key.startswith(f"{user} ")}
    for one, right in everything | wrong:
        if one == user and (shell or not right.startswith("group:") or (one, right) in declared):
            held = (one, right) in everything
            assert found.pop(f"{one} {right}") == ("pass" if held and (one, right) in declared else "fail"), right
    assert found == {}


@cache
def _hosts(world: World) -> tuple[Host, Host]:
    return Host(world.mounted), Host(world.live)


@dataclass(frozen=True)
class Entry:
    """attributes: LDIF lines beyond those of everybody. passing: a lockout that ends by itself keeps it out today."""

    attributes: str = ""
    passing: bool = False


OVERLAY = (
    "dn: olcOverlay={0}ppolicy,olcDatabase={1}mdb,cn=config\nobjectClass: olcOverlayConfig\nobjectClass: olcPPolicyConfig\n"
    f"olcOverlay: {{0}}ppolicy\nolcPPolicyDefault: cn=default,ou=policies,{BASE}\n\n"
)
POLICY = (
    f"dn: cn=default,ou=policies,{BASE}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: default\npwdAttribute: userPassword\n"
    "pwdLockout: TRUE\npwdMaxFailure: 5\npwdLockoutDuration: 600\n\n"
)
ENTRIES = {
    "plain": Entry(), "locked": Entry("pwdAccountLockedTime: 000001010000Z\n"),
    "lockedout": Entry("pwdAccountLockedTime: {now}\n", passing=True),
    "over": Entry("pwdAccountLockedTime: 20200101000000Z\n"),
    "ended": Entry("pwdEndTime: 20200101000000Z\n"), "ends": Entry("pwdEndTime: 20990101000000Z\n"),
    "begins": Entry("pwdStartTime: 20990101000000Z\n"), "began": Entry("pwdStartTime: 20200101000000Z\n"),
    "shadow": Entry("shadowExpire: 1\n"), "noshell": Entry("loginShell: /usr/sbin/nologin\n"), "reset": Entry("pwdReset: TRUE\n"),
}  # fmt: skip


def person(name: str, number: int, entry: Entry, now: str) -> str:
    return (
        f"dn: uid={name},ou=people,{BASE}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nobjectClass: shadowAccount\nuid: {name}\ncn: {name}\n"
        f"sn: {name}\nuidNumber: {number}\ngidNumber: 100\nhomeDirectory: /home/{name}\nemployeeNumber: E-{name}\nuserPassword: {PASSWORD}\n"
        + entry.attributes.format(now=now)
        + "\n"
    )


@pytest.fixture(scope="module")
def server() -> Iterator[Slapd]:
    now = datetime.now(UTC).strftime("%Y%m%d%H%M%SZ")
    people = "".join(person(name, 5000 + number, entry, now) for number, (name, entry) in enumerate(ENTRIES.items()))
    old = person("idle", 5100, Entry("createTimestamp: 20200101000000Z\n"), now) + person(
        "used", 5101, Entry("createTimestamp: 20200101000000Z\n"), now
    )
    with slapd(people + old + POLICY, overlays=OVERLAY, database="olcLastBind: TRUE\n") as running:
        yield running


@cache
def of(server: Slapd, turn: int = 0) -> Directory:
    """What is seen of it. turn: asked again, after something changed."""
    evidence = collect(parse_target(server.uri), server.options())
    assert evidence.collected, evidence.error
    return Directory(evidence)


def dn(name: str) -> str:
    return f"uid={name},ou=people,{BASE}"


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("joined", ["login", "number", "dn"])
def test_leavers_of_a_directory(server: Slapd, joined: str, name: str) -> None:
    mark = {
        "login": {"id": "x", "account": name.upper()},
        "number": {"id": f"e-{name}"},
        "dn": {"id": "x", "account": f"UID={name} , ou=People,{BASE}"},
    }
    found = verdicts(run(leavers, of(server), roster_with({**mark[joined], "status": "left"})))
    expected = server.binds(dn(name), PASSWORD) or ENTRIES[name].passing
    assert found == {name: "fail" if expected else "pass"}


def test_use_of_a_directory(server: Slapd) -> None:
    assert server.binds(dn("used"), PASSWORD)
    found = verdicts(run(dormant, of(server, 1)))
    assert (found["used"], found["idle"]) == ("pass", "fail")
    assert found["locked"] == "pass"


def test_ids_of_a_directory_and_a_host(server: Slapd, world: World) -> None:
    host = Host(world.mounted)
    assert verdicts(run(duplicate_ids, (host, of(server)), None)) == {"ids": "pass"}
    number = world.numbers["boss"]
    change = f"dn: {dn('plain')}\nchangetype: modify\nreplace: uidNumber\nuidNumber: {number}\n\n"
    assert server.tool("ldapmodify", f"cn=admin,{BASE}", "admin-Secret-1", stdin=change).returncode == 0
    directory = of(server, 2)
    assert verdicts(run(duplicate_ids, (host, directory), None)) == {f"uid {number}": "fail"}
    same = roster_with({"id": "E-plain", "account": "boss", "status": "active"})
    assert verdicts(run(duplicate_ids, (host, directory), same)) == {"ids": "pass"}


def test_an_ordinary_reader_is_never_told_wrong(server: Slapd) -> None:
    """Whoever reads as one of the people sees what the access rules leave, and nothing that is said may be false."""
    evidence = collect(parse_target(server.uri), server.options(dn("ends"), PASSWORD))
    roster = roster_with(*({"id": f"e-{name}", "status": "left"} for name in ENTRIES))
    found = verdicts(run(leavers, Directory(evidence), roster))
    for name, entry in ENTRIES.items():
        expected = server.binds(dn(name), PASSWORD) or entry.passing
        assert found.get(name) in (("fail" if expected else "pass"), "unknown", None), name
