"""Lists of people beside hosts and directories: removing any piece of any evidence never improves an answer, whatever the lists say."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from sovaudit.cli.docs import builtin
from sovaudit.engine import judge
from sovaudit.model.evidence import Evidence
from sovaudit.testing import NOW, badge_evidence, directory_evidence, list_evidence, without
from tests import test_badge_properties
from tests.checks.ssh_world import ONE, PASSWD, SHADOW, world
from tests.test_properties import Chosen, improved

JOINED = (
    "least-privilege.leavers", "least-privilege.access-matrix", "least-privilege.review", "least-privilege.duplicate-ids",
    "least-privilege.named-accounts", "least-privilege.dormant",
)  # fmt: skip
B = "dc=example,dc=org"
SECONDS = int(NOW.timestamp())

PEOPLE = [
    {"id": "1", "name": "A", "account": "bob", "status": "left", "left_on": "2026-01-31"},
    {"id": "2", "name": "B", "account": "zoe;admin", "status": "active"},
    {"id": "3", "name": "C", "account": "eve", "status": "left", "left_on": "2027-01-31"},
    {"id": "4", "name": "D", "account": "eve", "status": "active"},
    {"id": "5", "name": "E", "account": "max", "status": "suspended"},
    {"id": "6", "name": "F", "status": "left"},
    {"id": "7", "name": "G", "account": "ann", "status": "left"},
    {"id": "7", "name": "H", "account": "ann", "status": "active"},
    {"id": "", "name": "I", "account": "max", "status": "left"},
]
RIGHTS = [
    {"account": "bob", "right": "ssh", "granted_by": "zoe", "reviewed_on": "2026-01-01"},
    {"account": "bob", "right": "group:sudo", "granted_by": "bob", "reviewed_on": "2026-01-01"},
    {"account": "zoe", "right": "ssh", "granted_by": "zoe", "reviewed_on": "2020-01-01"},
    {"account": "zoe", "right": "group:ops", "granted_by": "bob", "reviewed_on": ""},
    {"account": "max", "right": "group:ops", "granted_by": "bob", "reviewed_on": "x"},
    {"account": "max", "right": "GLPI", "granted_by": "bob", "reviewed_on": "2026-02-02"},
]


def a_host(**more: object) -> Evidence:
    passwd = PASSWD + "zoe:x:1002:1002::/home/zoe:/bin/bash\nadmin:x:1002:27::/home/admin:/bin/sh\n"
    shadow = SHADOW + "zoe:!$y$j9T$masked:20000:0:99999:7:::\nadmin:$y$j9T$masked:20000:0:99999:7:::\n"
    sudo = {"/etc/sudoers": "%sudo ALL=(ALL) ALL\n", "/usr/bin/sudo": ""}
    modes = {"/usr/bin/sudo": (0o4755, 0, 0), "/etc/sudoers": (0o440, 0, 0)}
    config = ONE.replace("PasswordAuthentication no", "PasswordAuthentication yes")
    files = {"/etc/passwd": passwd, "/etc/shadow": shadow, **sudo}
    artifacts = {"last-logins": f"1001 {SECONDS}\n1002 5\n"}
    return world(config, files, modes=modes, artifacts=artifacts, **more).evidence


def a_directory() -> Evidence:
    def account(name: str, **more: str) -> tuple[str, dict[str, list[str]]]:
        return f"uid={name},ou=people,{B}", {
            "objectClass": ["inetOrgPerson"],
            "uid": [name],
            **{key: [value] for key, value in more.items()},
        }

    accounts = [
        account("bob", pwdLastSuccess="20260501000000Z", uidNumber="1001"),
        account("eve", createTimestamp="20250101000000Z", uidNumber="1002"),
        account("max", pwdLastSuccess="20250101000000Z", employeeNumber="5"),
        account("ann", pwdAccountLockedTime="000001010000Z"),
        account("test", pwdChangedTime="20260101000000Z"),
    ]
    groups = [(f"cn=ops,ou=groups,{B}", {"objectClass": ["groupOfNames"], "cn": ["ops"], "member": [f"uid=max,ou=people,{B}"]})]
    return directory_evidence(accounts=accounts, groups=groups, target=f"ldaps://d/{B}")


def answers(evidences: Sequence[Evidence]) -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {f"{name} {one.target.id}": {} for name in JOINED for one in evidences} | {
        f"{name} *": {} for name in JOINED
    }
    for judgement in judge([Chosen(builtin()[name]) for name in JOINED], evidences):
        rows = found[f"{judgement.check} {judgement.target}"]
        for subject in judgement.passed:
            rows.setdefault(subject, set()).add("pass")
        for finding in judgement.findings:
            rows.setdefault(finding.subject, set()).add(finding.verdict.value)
            assert finding.verdict.value != "error", finding
    return found


WORLD = [a_host(), a_directory(), list_evidence("people", PEOPLE), list_evidence("rights", RIGHTS)]


def test_this_world_has_every_answer() -> None:
    found = answers(WORLD)
    assert {verdict for rows in found.values() for verdicts in rows.values() for verdict in verdicts} >= {"pass", "fail", "unknown"}
    assert found["least-privilege.leavers ssh://auditor@host"]["bob"] == {"fail"}
    assert found[f"least-privilege.leavers ldaps://d/{B}"] == {
        "bob": {"fail"}, "ann": {"unknown"}, "max": {"unknown"}, "roster": {"unknown"},
    }  # fmt: skip


@pytest.mark.parametrize("number", range(len(WORLD)), ids=["host", "directory", "people", "rights"])
def test_removing_evidence_never_improves_an_answer(number: int) -> None:
    before = answers(WORLD)
    wrong = []
    for name in WORLD[number].artifacts:
        less = [*WORLD[:number], without(WORLD[number], name), *WORLD[number + 1 :]]
        wrong += [f"without {name}: {what}" for what in improved(before, answers(less))]
    for gap in WORLD[number].gaps:
        less = [*WORLD[:number], replace(WORLD[number], gaps=tuple(one for one in WORLD[number].gaps if one != gap)), *WORLD[number + 1 :]]
        wrong += [f"without the gap {gap.item}: {what}" for what in improved(before, answers(less))]
    assert wrong == []


def test_lists_without_evidence_pass_nothing() -> None:
    for number in (2, 3):
        empty = [*WORLD[:number], replace(WORLD[number], artifacts={}, gaps=()), *WORLD[number + 1 :]]
        name = ("least-privilege.leavers", "least-privilege.access-matrix")[number - 2]
        for key, rows in answers(empty).items():
            if key.startswith(name):
                assert all(verdicts == {"unknown"} for verdicts in rows.values()), key


@pytest.mark.parametrize("seed", range(12))
def test_any_lists_and_any_missing_piece(seed: int) -> None:
    chance = random.Random(seed)
    names, days = ["bob", "zoe", "admin", "eve", "max", "ann", "test", "1", "-", ""], ["", "2026-01-31", "2026-06-01", "2030-01-01", "x"]
    people = [
        {
            "id": chance.choice("123456"), "name": chance.choice("AB"), "account": ";".join(chance.sample(names, chance.randint(0, 2))),
            "status": chance.choice(["active", "left", "suspended", "", "gone"]), "left_on": chance.choice(days),
        }
        for _ in range(8)
    ]  # fmt: skip
    rights = [
        {
            "account": chance.choice(names), "right": chance.choice(["ssh", "root", "group:ops", "group:sudo", "admin", "group:x", "y"]),
            "reviewed_on": chance.choice(days), "granted_by": chance.choice(names), "place": chance.choice(["", "", "host", "z"]),
        }
        for _ in range(8)
    ]  # fmt: skip
    made = [WORLD[0], WORLD[1], list_evidence("people", people), list_evidence("rights", rights)]
    before = answers(made)
    wrong = []
    for number, name in [
        (number, name) for number, one in enumerate(made) for name in one.artifacts if number > 0 or chance.random() < 0.2
    ]:
        less = [*made[:number], without(made[number], name), *made[number + 1 :]]
        wrong += [f"without {name}: {what}" for what in improved(before, answers(less))]
    assert wrong == []


JUDGED = [
    Chosen(check)
    for check in builtin().values()
    if check.id in JOINED or (check.id.startswith("physical-access.") and len(check.needs) > 1)
]
DAMAGE = (b"null", b"[1]", b"{}", b"7", b'"x"', b"", b"\xff", b"[]")


@pytest.mark.parametrize("number", [2, 3], ids=["people", "rights"])
def test_damaged_lists_are_not_seen_and_end_nothing(number: int) -> None:
    """Whatever a list's evidence says, no check raises; replay of a bundle made by hand may ask anything of it."""
    dice = random.Random(number)
    badges = badge_evidence(test_badge_properties.rows(1, 20), **test_badge_properties.TABLES)
    taken = WORLD[number]
    for name, data in taken.artifacts.items():
        for _ in range(8):
            at = dice.randrange(len(data))
            values = [place for place in range(len(data)) if data[place : place + 1] == b":"] if dice.random() < 0.6 else [at]
            at = dice.choice(values) + 1
            end = next((place for place in range(at, len(data)) if data[place : place + 1] in b",}]"), at)
            changed = data[:at] + dice.choice(DAMAGE) + data[end if dice.random() < 0.8 else at :]
            damaged = replace(taken, artifacts={**taken.artifacts, name: changed})
            for judgement in judge(JUDGED, [*WORLD[:number], damaged, *WORLD[number + 1 :], badges]):
                assert "error" not in {finding.verdict.value for finding in judgement.findings}, (judgement, changed)
