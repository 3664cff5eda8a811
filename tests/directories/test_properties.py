"""Properties over every check of directories: removing evidence never improves an answer, nothing at all passes nothing, bytes never break us."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from sovaudit.authoring import Check
from sovaudit.binding import binding
from sovaudit.cli.docs import builtin
from sovaudit.collectors import collect, parse_target
from sovaudit.engine import judge
from sovaudit.model.evidence import Evidence
from sovaudit.testing import directory_evidence
from tests import slapd
from tests.directories import openldap_acts as acts
from tests.directories import test_openldap_otp as otp
from tests.test_properties import Chosen, improved

pytestmark = pytest.mark.slapd
LOG = "\n".join((
    "dn: olcOverlay={1}accesslog,olcDatabase={1}mdb,cn=config", "objectClass: olcOverlayConfig", "objectClass: olcAccessLogConfig",
    "olcOverlay: {1}accesslog", "olcAccessLogDB: cn=accesslog", "olcAccessLogOps: writes session", "olcAccessLogPurge: 400+00:00 1+00:00", "",
    "dn: olcOverlay={2}ppolicy,olcDatabase={1}mdb,cn=config", "objectClass: olcOverlayConfig", "objectClass: olcPPolicyConfig",
    "olcOverlay: {2}ppolicy", f"olcPPolicyDefault: cn=default,ou=policies,{acts.BASE}", "olcPPolicyHashCleartext: TRUE", "",
))  # fmt: skip
LOG_DATABASE = "\n".join((
    "dn: olcDatabase={2}mdb,cn=config", "objectClass: olcDatabaseConfig", "objectClass: olcMdbConfig", "olcDatabase: {2}mdb",
    "olcSuffix: cn=accesslog", "olcDbDirectory: FOLDER/log", "olcRootDN: cn=accesslog", "",
))  # fmt: skip
POLICY = "\n".join((
    f"dn: cn=default,ou=policies,{acts.BASE}", "objectClass: device", "objectClass: pwdPolicy", "cn: default", "pwdAttribute: userPassword",
    "pwdMinLength: 12", "pwdCheckQuality: 2", "pwdInHistory: 5", "pwdMaxAge: 7776000", "pwdLockout: TRUE", "pwdMaxFailure: 5",
    "pwdLockoutDuration: 900", "", "",
))  # fmt: skip
WEAK = f"""olcAccess: {{0}}to attrs=userPassword by dn.exact={acts.uid("plain")} read by self write by anonymous auth by * none
olcAccess: {{1}}to * by group=cn=admins,ou=groups,{acts.BASE} write by * read
"""
STRICT = f"""olcAccess: {{0}}to attrs=userPassword by self write by anonymous auth by dn.exact={slapd.AUDITOR} read by * none
olcAccess: {{1}}to * by dn.exact={slapd.AUDITOR} read by users read by * none
"""


def every() -> list[Chosen]:
    """Each check that judges directories alone."""
    found = [check for check in builtin().values() if "ldap" in binding(check).primary.kinds and not binding(check).beside]
    return [Chosen(check) for check in found]


def answers(evidence: Evidence) -> dict[str, dict[str, set[str]]]:
    found: dict[str, dict[str, set[str]]] = {}
    for judgement in judge(every(), [evidence]):
        rows = found.setdefault(judgement.check, {})
        for subject in judgement.passed:
            rows.setdefault(subject, set()).add("pass")
        for finding in judgement.findings:
            rows.setdefault(finding.subject, set()).add(finding.verdict.value)
    return found


@cache
def seen(access: str, reader: bool) -> Evidence:
    with slapd.slapd(
        otp.ENTRIES + POLICY, overlays=otp.OTP + "\n" + LOG, access=access, extra=LOG_DATABASE, settings="olcLogLevel: none\n"
    ) as server:
        options = server.options(acts.uid("plain"), "plain-Secret-1") if reader else server.options()
        return collect(parse_target(server.uri), options)


WORLDS = {"weak": (WEAK, False), "strict": (STRICT, False), "weak, a reader": (WEAK, True), "strict, a reader": (STRICT, True)}


@pytest.mark.parametrize("name", WORLDS)
def test_removing_evidence_never_improves_an_answer(name: str) -> None:
    evidence = seen(*WORLDS[name])
    before = answers(evidence)
    assert before and not any("error" in verdicts for rows in before.values() for verdicts in rows.values())
    wrong = []
    for what, less in lessened(evidence):
        after = answers(less)
        wrong += [f"without {what}: {one}" for one in improved(before, after)]
        wrong += [
            f"without {what}: {check} broke" for check, rows in after.items() if any("error" in verdicts for verdicts in rows.values())
        ]
    assert wrong == []


def lessened(evidence: Evidence) -> Iterator[tuple[str, Evidence]]:
    for name in evidence.artifacts:
        yield name, replace(evidence, artifacts={other: data for other, data in evidence.artifacts.items() if other != name})
    for gap in evidence.gaps:
        yield f"the gap {gap.item}", replace(evidence, gaps=tuple(other for other in evidence.gaps if other != gap))
    for key in evidence.identity:
        yield f"identity {key}", replace(evidence, identity={other: value for other, value in evidence.identity.items() if other != key})
    yield "its time", replace(evidence, taken_at=None)


def test_an_entry_that_is_not_shown_never_improves_an_answer() -> None:
    """What access rules hide: one entry of one search at a time, the search itself still a success.

    An overlay is believed not to be there where the rules of cn=config prove that it would be shown: that one is not tried.
    """
    from sovaudit.facts.parse import ber

    evidence = seen(WEAK, False)
    before = answers(evidence)
    wrong = []
    for name in ("config", "groups", "tokens", "policies"):
        artifact = f"entries:{name}/0000"
        entries = list(ber.entries(evidence.artifacts[artifact]))
        for number, (dn, _) in enumerate(entries):
            rest = b"".join(ber.encode(*one) for place, one in enumerate(entries) if place != number)
            searches = evidence.artifacts["searches"].replace(
                f'"chunks":[{len(entries)}]'.encode(), f'"chunks":[{len(entries) - 1}]'.encode()
            )
            after = answers(replace(evidence, artifacts={**evidence.artifacts, artifact: rest, "searches": searches}))
            wrong += [f"{name} without {dn}: {one}" for one in improved(before, after) if dn.startswith("olcDatabase")]
            wrong += [
                f"{name} without {dn}: {check} broke" for check, rows in after.items() if any("error" in one for one in rows.values())
            ]
    assert wrong == []


def test_no_evidence_at_all_passes_nothing() -> None:
    empty = replace(directory_evidence(), artifacts={}, gaps=(), identity={})
    for check, rows in answers(empty).items():
        assert all(verdicts == {"unknown"} for verdicts in rows.values()), check


def test_judging_again_gives_the_same() -> None:
    evidence = seen(WEAK, False)
    assert answers(evidence) == answers(evidence)


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bytes_break_nothing(seed: int) -> None:
    evidence = seen(*list(WORLDS.values())[seed % 4])
    chance = random.Random(seed)
    names = [name for name in evidence.artifacts if name.startswith("entries:") or name == "searches"]
    for _ in range(12):
        name = chance.choice(names)
        data = bytearray(evidence.artifacts[name])
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cut = bytes(data[: chance.randrange(1, len(data))]) if chance.random() < 0.2 else bytes(data)
        rows = answers(replace(evidence, artifacts={**evidence.artifacts, name: cut}))
        broken = [check for check, verdicts in rows.items() if any("error" in one for one in verdicts.values())]
        assert broken == [], (seed, name)


def test_every_check_of_directories_is_here() -> None:
    ids = {chosen.check.id for chosen in every()}
    assert ids >= {check.id for check in builtin().values() if ".directory-" in check.id and _alone(check)}
    assert len(ids) >= 10


def _alone(check: Check) -> bool:
    return not binding(check).beside
