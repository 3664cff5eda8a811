"""Access lists as a real Samba AD DC evaluates them: what we say somebody can do is what the server lets them do."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sovaudit.facts.directories import ad_access as access
from sovaudit.facts.directory import Directory
from sovaudit.facts.parse.dn import normal
from sovaudit.facts.parse.security_descriptor import descriptor
from tests.samba_ad import ADMIN, ADMIN_PASSWORD, BASE, PASSWORD, Samba, samba

pytestmark = pytest.mark.samba
USERS = f"CN=Users,{BASE}"
PEOPLE = ("ann", "ben", "cat", "dan", "eva")
LISTS = 60
FLAGS = ("-E", "!1.2.840.113556.1.4.801=::MAMCAQc=")  # owner, group and list
GUIDS = {
    "member": access.MEMBER, "membership": access.MEMBERSHIP, "group": access.CLASSES["group"], "user": access.CLASSES["user"],
    "restrictions": access.ACCOUNT_RESTRICTIONS, "description": "bf967950-0de6-11d0-a285-00aa003049e2",
}  # fmt: skip


def dn(name: str) -> str:
    return f"CN={name},{USERS}"


def group(name: str, *members: str) -> list[object]:
    attributes: dict[str, list[object]] = {"objectClass": ["group"], "sAMAccountName": [name], "groupType": [-2147483646]}
    return ["add", dn(name), {**attributes, **({"member": [dn(one) for one in members]} if members else {})}]


def random_list(dice: random.Random, sids: list[str]) -> str:
    """An access list of allowing and denying entries in any order, some for one attribute, some only for heirs."""
    entries = []
    for _ in range(dice.randint(1, 6)):
        guid = dice.choice(["", "", *GUIDS.values()])
        kind = ("O" if guid else "") + dice.choice("AAD")
        flags = dice.choice(["", "", "", "CI", "CIIO", "OIIO"])
        rights = "".join(sorted(set(dice.choices(["WP", "RP", "CC", "SW", "CR", "WD", "WO", "GA", "GW", "RC"], k=dice.randint(1, 3)))))
        entries.append(f"({kind};{flags};{rights};{guid};;{dice.choice(sids)})")
    return "".join(entries)


@dataclass(frozen=True)
class World:
    server: Samba
    sids: dict[str, str]
    directory: Directory


BASIC: list[object] = [*(["user", name, PASSWORD, {}, ""] for name in PEOPLE), group("inner", "ann", "ben"), group("outer", "cat")]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Groups t0…t59, each with a random list and owner; everybody may look at it."""
    dice = random.Random(4)
    people = ["ann", "ben", "cat", "dan", "eva"]
    nested: list[object] = [["modify", dn("outer"), {"+member": [dn("inner")]}]]
    targets: list[object] = []
    # SIDs are known only once the accounts exist: SDDL names them by attribute of a first run
    with samba(BASIC) as first:
        pass
    rids = {name: sid.rpartition("-")[2] for name, sid in zip(people, [one for one in first.answers if one], strict=True)}
    domain = next(one for one in first.answers if one).rpartition("-")[0]
    groups = {"inner": str(int(rids["eva"]) + 1), "outer": str(int(rids["eva"]) + 2)}
    sids = {name: f"{domain}-{rid}" for name, rid in {**rids, **groups}.items()} | {
        "everyone": "S-1-1-0",
        "au": "S-1-5-11",
        "owner": "S-1-3-4",
        "self": "S-1-5-10",
    }
    for number in range(LISTS):
        owner = dice.choice([sids["ann"], sids["outer"], "DA", "DA"])
        text = random_list(dice, list(sids.values())) + "(A;;RPLCRC;;;AU)"
        targets += [group(f"t{number}"), ["descriptor", dn(f"t{number}"), f"O:{owner}G:DAD:{dice.choice(['', 'P'])}{text}"]]
    with samba([*BASIC, *nested, *targets]) as server:
        yield World(server, sids, Directory(server.collect()))


def effective(world: World, user: str) -> dict[str, tuple[int, set[str]]]:
    """Target → (sDRightsEffective, attributes that may be written): the server's own answers to that user."""
    found = world.server.tool(
        "ldapsearch", f"{user}@lab.test", PASSWORD, "-LLL", "-o", "ldif-wrap=no", "-b", USERS, "(sAMAccountName=t*)", "sDRightsEffective",
        "allowedAttributesEffective",
    ).stdout  # fmt: skip
    answers = {}
    for block in found.split("\n\n"):
        rows = [line.partition(": ") for line in block.splitlines()]
        names = [value for key, _, value in rows if key == "dn"]
        rights = [int(value) for key, _, value in rows if key == "sDRightsEffective"]
        if names and "CN=t" in names[0]:
            answers[normal(names[0])] = (
                rights[0] if rights else 0,
                {value for key, _, value in rows if key == "allowedAttributesEffective"},
            )
    return answers


def test_random_lists_mean_what_the_server_takes_them_to_mean(world: World) -> None:
    principals = world.directory.view.control.principals  # type: ignore[attr-defined]
    lists = {}
    for number in range(LISTS):
        raw = world.server.values(
            dn(f"t{number}"), "nTSecurityDescriptor", ADMIN, ADMIN_PASSWORD, controls=("-E", "!1.2.840.113556.1.4.801=::MAMCAQc=")
        )
        if raw:  # it may be denied even to administrators
            lists[normal(dn(f"t{number}"))] = access.settled(descriptor(base64.b64decode(raw[0])), samba=True)
    member, describe = (
        access.Ability("m", 0x20, frozenset((access.MEMBER, access.MEMBERSHIP))),
        access.Ability("d", 0x20, frozenset((GUIDS["description"],))),
    )
    compared = granted = 0
    for user in PEOPLE:
        token = principals.token(world.sids[user])
        for target, (rights, attributes) in effective(world, user).items():
            if target not in lists:
                continue
            one = lists[target]
            for ability, answer in (
                (access.WRITE_DACL, bool(rights & 4)), (access.WRITE_OWNER, bool(rights & 1)), (member, "member" in attributes),
                (describe, "description" in attributes),
            ):  # fmt: skip
                compared += 1
                granted += answer
                assert access.can(one, ability, ["top", "group"], token) is answer, (user, target, ability.label, one)
    assert compared > 1000  # some lists hide their object from some people
    assert granted > 100
