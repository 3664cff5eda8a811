"""Lists of access rules made by chance, asked of slapacl(8) and of us: who may do what to which attribute of which entry."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovaudit.facts.directories.openldap_access import Access, Asker
from sovaudit.facts.directories.openldap_conditions import Conditions
from sovaudit.facts.directories.openldap_values import FOLLOWED, Held
from sovaudit.facts.parse import olc_access
from sovaudit.facts.parse.olc_access import Rule
from sovaudit.testing import directory_with
from tests import slapd
from tests.directories.openldap_acts import BASE, ENTRIES, uid

pytestmark = pytest.mark.slapd
ADMINS, UNIQUE = f"cn=admins,ou=groups,{BASE}", f"cn=unique,ou=groups,{BASE}"
OUTER = f"cn=outer,ou=groups,{BASE}"
SYNC = f"cn=sync,ou=services,{BASE}"
ASKERS = ("", uid("alice"), uid("bob"), uid("carol"), SYNC)
PLACES = (uid("alice"), uid("dave"), ADMINS, f"cn=note,ou=public,{BASE}", BASE)
ATTRIBUTES = ("entry", "children", "userPassword", "cn", "member", "description", "uid", "objectClass", "uniqueMember")
LETTERS = {"disclose": "d", "auth": "x", "compare": "c", "search": "s", "read": "r", "add": "a", "delete": "z", "manage": "m"}
WHATS = (
    "*", "*", "dn.base=" + BASE, "dn.exact=" + uid("alice"),
    f"dn.subtree=ou=people,{BASE}", f'dn.children="OU=People, {BASE}"', f"dn.one=ou=groups,{BASE}",
    f"dn.sub={BASE}", 'dn.regex="^uid=([^,]+),ou=people,' + BASE + '$"', 'dn.regex=".*,ou=(people|groups),.*"', "dn.regex=public", f"dn={ADMINS}",
    'dn.regex="^(.+,)?ou=([a-z]{6}),dc=example,dc=org$"', "dn.regex=^.*$", f"dn.children={BASE}",
)  # fmt: skip
SETS = (
    "", "", "attrs=userPassword", "attrs=entry", "attrs=entry,children", "attrs=cn,sn", "attrs=name", "attrs=@person", "attrs=!inetOrgPerson",
    "attrs=@groupOfNames,entry", "attrs=inetOrgPerson", "attrs=@extensibleObject", "attrs=member", "attrs=-name,uid", "attrs=userid,2.5.4.35",
    "attrs=distinguishedName", "filter=(objectClass=*)", "filter=(uid=ALICE)", "filter=(!(uid=bob))", 'filter="(|(cn=a*)(manager=*))"',

    f'filter="(manager=uid=alice, ou=people,{BASE})"', 'filter="(&(objectClass=person)(employeeType=s*aff))"', "filter=(objectClass=device)",
)  # fmt: skip
WHOS = (
    "*", "*", "anonymous", "users", "self", "users", f"dn.exact={uid('alice')}", f'dn="{uid("bob").upper()}"', f"dn.subtree=ou=people,{BASE}",
    f"dn.children=ou=services,{BASE}", f"dn.one=ou=people,{BASE}",
    f"dn.level{{2}}={BASE}", f'dn.regex="^uid=[ab][^,]+,ou=people,{BASE}$$"', "dn.regex=.+",
    f"group={ADMINS}", f"group.exact={ADMINS}", f"group/groupOfUniqueNames/uniqueMember={UNIQUE}", f"group={UNIQUE}",
    "self.level{1}", "self.level{-1}",
    f'dn.exact,expand="uid=$1,ou=people,{BASE}"', 'dn.regex="^uid=$1,"', "dn=", "realanonymous", "realusers", f"realdn={SYNC}", "dn.sub,expand=$0",
    "dnattr=manager", "dnattr=owner", "dnattr=secretary", 'set="this/manager & user"', f'set="[{ADMINS}]/member & user"', 'set="user"',
    f'set="[{OUTER}]/member* & user"', f'set="user & ([{OUTER}]/member/member | [{UNIQUE}]/uniqueMember)"', 'set="this/employeeType & [staff]"',
    f'set="[cn=posix,ou=groups,{BASE}]/memberUid & user/uid"', f'set="user/-1 & [ou=services,{BASE}]"',
    f'set="[{ADMINS}]/-1 & this/-1"',
    f'set="[{OUTER}]/member & [{UNIQUE}]/uniqueMember | [uid=] + [alice] + [,ou=people,{BASE}] & user"', 'set="this->owner & user"',
)  # fmt: skip
GIVES = (
    "none", "read", "write", "auth", "search", "compare", "disclose", "manage", "add", "delete",
    "=rscxd", "+r", "-r", "+sc", "=w", "+w", "-w", "=0", "+0",
    "=az", "+m", "", "=x", "+rs",
)  # fmt: skip
CONTROLS = ("", "", "", "stop", "break", "continue", "break")


def rule(chance: random.Random) -> str:
    what = " ".join(part for part in (chance.choice(WHATS), chance.choice(SETS)) if part)
    bys = [
        " ".join(part for part in ("by", chance.choice(WHOS), chance.choice(GIVES), chance.choice(CONTROLS)) if part)
        for _ in range(chance.randint(1, 5))
    ]
    return f"to {what} {' '.join(bys)}"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="sovaudit-slapacl-"))
    try:
        for name in ("db", "slapd.d", "log"):
            (made / name).mkdir()
        slapd.certificate(made)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def loads(folder: Path, rules: list[str], frontend: list[str]) -> bool:
    """Whether slapd takes these rules."""
    access = "".join(f"olcAccess: {{{number}}}{text}\n" for number, text in enumerate(rules))
    text = slapd.config(folder, access=access)
    head = 'olcAccess: {0}to dn.base="" by * read\nolcAccess: {1}to dn.base="cn=Subschema" by * read\n'
    text = text.replace(head, "".join(f"olcAccess: {{{number}}}{one}\n" for number, one in enumerate(frontend)))
    shutil.rmtree(folder / "slapd.d")
    (folder / "slapd.d").mkdir()
    (folder / "config.ldif").write_text(text)
    done = subprocess.run(
        ["slapadd", "-n0", "-F", str(folder / "slapd.d"), "-l", str(folder / "config.ldif")], capture_output=True, check=False
    )
    if done.returncode:
        return False
    if not (folder / "db" / "data.mdb").exists():
        (folder / "data.ldif").write_text(slapd.TREE + slapd.AUDIT_ACCOUNT + ENTRIES)
        slapd.run("slapadd", "-q", "-n1", "-F", str(folder / "slapd.d"), "-l", str(folder / "data.ldif"))
    return True


def says(folder: Path, asker: str, place: str) -> dict[tuple[str, str], bool]:
    pairs = [f"{attribute}/{level}" for attribute in ATTRIBUTES for level in LETTERS]
    who = ["-D", asker] if asker else []
    done = subprocess.run(
        ["slapacl", "-F", str(folder / "slapd.d"), "-b", place, *who, *pairs], capture_output=True, text=True, check=False
    )
    found = {}
    for level, attribute, answer in re.findall(r"^(\w+) access to (\w+): (ALLOWED|DENIED)", done.stdout + done.stderr, re.MULTILINE):
        found[attribute, level] = answer == "ALLOWED"
    assert len(found) == len(pairs), done.stderr[-500:]
    return found


class World(Conditions):
    """What ENTRIES hold, all of it shown."""

    def __init__(self, rules: list[Rule]) -> None:
        super().__init__()
        rows = [entry.split("\n") for entry in (slapd.TREE + slapd.AUDIT_ACCOUNT + ENTRIES).split("\n\n") if entry]
        found = []
        for dn, *lines in rows:
            attributes: dict[str, list[str]] = {}
            for line in lines:
                name, _, value = line.partition(": ")
                attributes.setdefault(name.lower(), []).append(value)
            found.append((dn.removeprefix("dn: "), attributes))
        self._directory = directory_with(accounts=found)
        self._all = rules
        asked = self._directory.searches["accounts"]["attributes"]
        asked += list(FOLLOWED)

    @property
    def _rules(self) -> list[Rule]:
        return self._all

    def plainly_shows(self, dn: str, attribute: str) -> bool:
        return True

    def members(self, group: str, classes: str, attribute: str) -> frozenset[str] | None:
        if classes and classes not in (self.classes_of(group) or ()):
            return frozenset()
        return Held(self._directory, frozenset((attribute,)), self.plainly_shows).of(group, attribute)


@pytest.mark.parametrize("seed", range(int(os.environ.get("SOVAUDIT_SEEDS", "8"))))
def test_any_list_of_rules_means_to_us_what_it_means_to_slapd(seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    rules: list[str] = []
    frontend: list[str] = []
    wanted = chance.randint(1, 7)
    while len(rules) < wanted:
        text = rule(chance)
        try:
            olc_access.rule(text)
            ours = True
        except ValueError:
            ours = False
        if loads(folder, [*rules, text], frontend):
            assert ours, f"slapd takes what we refuse: {text}"
            rules.append(text)
        else:
            assert not ours or "$" in text or "expand" in text, f"slapd refuses what we take: {text}"
    if chance.random() < 0.4:
        text = rule(chance)
        if loads(folder, rules, [text]):
            frontend = [text]
    assert loads(folder, rules, frontend)
    world = World(list(olc_access.rules([*rules, *frontend])))
    access = Access(world._rules, world.members, world=world)
    for asker in ASKERS:
        for place in chance.sample(PLACES, 2):
            for (attribute, level), allowed in says(folder, asker, place).items():
                answer = access.may(LETTERS[level], place, attribute.lower(), Asker(asker))
                assert answer.allowed is allowed, (asker, place, attribute, level, allowed, answer, rules, frontend)
