"""slapo-ppolicy on a real slapd: what a person may set, how often one may guess, when a password ends; against the policy that we say applies."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from sovaudit.content.checks.password_policy.directory_history import directory_history
from sovaudit.content.checks.password_policy.directory_lockout import directory_lockout
from sovaudit.content.checks.password_policy.directory_max_age import directory_max_age
from sovaudit.content.checks.password_policy.directory_min_length import directory_min_length

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.directory import Directory
from sovaudit.model.evidence import Gap
from sovaudit.testing import run
from tests import slapd
from tests.directories import planted
from tests.directories.openldap_acts import BASE, person, uid

pytestmark = pytest.mark.slapd
NAMES = [f"person{number:02}" for number in range(60)]
POLICY = f"cn=tried,ou=policies,{BASE}"
OVERLAY = "olcOverlay={0}ppolicy,olcDatabase={1}mdb,cn=config"
PPOLICY = f"""dn: {OVERLAY}
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: {{0}}ppolicy
"""
ACCESS = f"""olcAccess: {{0}}to attrs=userPassword by self write by anonymous auth by * none
olcAccess: {{1}}to * by dn.exact={slapd.AUDITOR} read by users read by * none
"""


@dataclass(frozen=True)
class Case:
    """policy: attributes of the policy; None: it is not there. overlay: settings. own: the account's pwdPolicySubentry. more: of the account."""

    policy: dict[str, str] | None = None
    overlay: dict[str, str] = field(default_factory=lambda: {"olcPPolicyDefault": POLICY})
    own: str = ""
    more: dict[str, str] = field(default_factory=dict)


STRONG = {"pwdMinLength": "12", "pwdCheckQuality": "2"}
LOCK = {"pwdLockout": "TRUE", "pwdMaxFailure": "3", "pwdLockoutDuration": "900"}
OLD = {"pwdChangedTime": "20200101000000Z"}
CASES = {
    "25: a length that is enforced": Case(STRONG),
    "25: a length that is not enforced": Case({**STRONG, "pwdCheckQuality": "0"}),
    "25: a length without a word on quality": Case({"pwdMinLength": "12"}),
    "a quality of one": Case({**STRONG, "pwdCheckQuality": "1"}),
    "a short length": Case({"pwdMinLength": "6", "pwdCheckQuality": "2"}),
    "no length": Case({"pwdCheckQuality": "2"}),
    "no default and no subentry": Case(STRONG, overlay={}),
    "a subentry without a default": Case(STRONG, overlay={}, own=POLICY),
    "a subentry in other letters": Case(STRONG, overlay={}, own=POLICY.upper().replace(",", " , ")),
    "26: a subentry that is not there": Case(STRONG, own=f"cn=gone,ou=policies,{BASE}"),
    "26: a subentry of a tree that is not there": Case(STRONG, own="cn=gone,dc=elsewhere"),
    "a subentry that is no policy": Case(STRONG, own=f"ou=people,{BASE}"),
    "a default that is not there": Case(None),
    "history": Case({**STRONG, "pwdInHistory": "2"}),
    "no history": Case({**STRONG, "pwdInHistory": "0"}),
    "history without quality": Case({"pwdInHistory": "2"}),
    "28: a lock": Case({**STRONG, **LOCK}),
    "28: failures without a lock": Case({**STRONG, **LOCK, "pwdLockout": "FALSE"}),
    "28: failures without a word on locks": Case({"pwdMaxFailure": "3"}),
    "28: a lock without a number": Case({"pwdLockout": "TRUE"}),
    "28: a lock after none": Case({"pwdLockout": "TRUE", "pwdMaxFailure": "0"}),
    "a lock by subentry": Case({**LOCK}, overlay={}, own=POLICY),
    "29: locked for ever": Case({**LOCK}, more={"pwdAccountLockedTime": "000001010000Z"}),
    "29: locked for ever where nothing locks": Case({**STRONG}, more={"pwdAccountLockedTime": "000001010000Z"}),
    "29: locked for ever without a policy": Case(None, more={"pwdAccountLockedTime": "000001010000Z"}),
    "29: locked once, until somebody opens it": Case({**LOCK, "pwdLockoutDuration": "0"}, more={"pwdAccountLockedTime": "20200101000000Z"}),
    "29: locked once, and that is over": Case(LOCK, more={"pwdAccountLockedTime": "20200101000000Z"}),
    "29: locked from some day on": Case({**LOCK, "pwdLockoutDuration": "0"}, more={"pwdAccountLockedTime": "20990101000000Z"}),
    "29: locked for ever and a day": Case(LOCK, more={"pwdAccountLockedTime": "19700101000000Z"}),
    "idle for too long": Case({**LOCK, "pwdMaxIdle": "86400"}, more={"pwdLastSuccess": "20200101000000Z"}),
    "idle, as far as its password says": Case({**LOCK, "pwdMaxIdle": "86400"}, more=OLD),
    "not idle": Case({**LOCK, "pwdMaxIdle": "864000000"}, more={"pwdLastSuccess": "20200101000000Z"}),
    "idle where nothing locks": Case({**STRONG, "pwdMaxIdle": "86400"}, more={"pwdLastSuccess": "20200101000000Z"}),
    "idle, and nobody knows since when": Case({**LOCK, "pwdMaxIdle": "86400"}),
    "its time is over": Case({**STRONG}, more={"pwdEndTime": "20240101000000Z"}),
    "its time is over, without a policy": Case(STRONG, overlay={}, more={"pwdEndTime": "20240101000000Z"}),
    "its time is to come": Case({**STRONG}, more={"pwdStartTime": "20990101000000Z"}),
    "an age": Case({**STRONG, "pwdMaxAge": "86400"}, more=OLD),
    "an age of nothing": Case({**STRONG, "pwdMaxAge": "0"}, more=OLD),
    "an age on a password that does not say its own": Case({**STRONG, "pwdMaxAge": "86400"}),
    "an age by subentry": Case({"pwdMaxAge": "86400"}, overlay={}, own=POLICY, more=OLD),
    "an age with grace": Case({"pwdMaxAge": "86400", "pwdGraceAuthNLimit": "2"}, more=OLD),
}


@pytest.fixture(scope="module")
def server() -> Iterator[slapd.Slapd]:
    names = iter(NAMES)
    entries = "".join(
        person(
            next(names), *([f"pwdPolicySubentry: {one.own}"] if one.own else []), *(f"{key}: {value}" for key, value in one.more.items())
        )
        for one in CASES.values()
    ) + person(NAMES[-1])
    with slapd.slapd(entries, overlays=PPOLICY, access=ACCESS, database="olcLastBind: TRUE\n") as started:
        yield started


def changed(server: slapd.Slapd, text: str) -> None:
    done = server.tool("ldapmodify", slapd.ADMIN, slapd.ADMIN_PASSWORD, "-c", stdin=text)
    assert done.returncode in (0, 16, 32, 68), done.stderr


def prepared(server: slapd.Slapd, one: Case) -> None:
    text = f"dn: {POLICY}\nchangetype: delete\n\n"
    if one.policy is not None:
        lines = {"objectClass": "pwdPolicy", "cn": "tried", "pwdAttribute": "userPassword", **one.policy}
        text += (
            f"dn: {POLICY}\nchangetype: add\nobjectClass: device\n" + "".join(f"{key}: {value}\n" for key, value in lines.items()) + "\n"
        )
    for name in ("olcPPolicyDefault", "olcPPolicyDisableWrite"):
        value = f"{name}: {one.overlay[name]}\n" if name in one.overlay else ""
        text += f"dn: {OVERLAY}\nchangetype: modify\nreplace: {name}\n{value}\n"
    changed(server, text)


def sets(server: slapd.Slapd, name: str, old: str, new: str) -> bool:
    return server.tool("ldappasswd", uid(name), old, "-a", old, "-s", new).returncode == 0


def reader(server: slapd.Slapd) -> Directory:
    """What an ordinary account sees, one that no case touches."""
    return Directory(collect(parse_target(server.uri), server.options(uid(NAMES[-1]), f"{NAMES[-1]}-Secret-1")))


def set_by_root(server: slapd.Slapd, name: str, value: str) -> None:
    changed(server, f"dn: {uid(name)}\nchangetype: modify\nreplace: userPassword\nuserPassword: {value}\n\n")


@pytest.mark.parametrize("name", CASES)
def test_the_policy_that_we_say_is_the_one_that_holds(name: str, server: slapd.Slapd) -> None:
    one, who = CASES[name], NAMES[list(CASES).index(name)]
    first = f"{who}-Secret-1"
    prepared(server, one)
    auditor = Directory(collect(parse_target(server.uri), server.options()))
    account = auditor.by_dn[uid(who)]
    opens = server.binds(uid(who), first)
    applied = next((row for row in auditor.policies if account in row.accounts), None)
    if account.enabled is False:
        assert not opens and applied is None
        return
    assert account.enabled is True and applied is not None and not isinstance(applied.policy, Gap)
    policy = applied.policy
    # the age, as long as nothing was changed
    assert opens is (policy.max_age_days is None or "pwdGraceAuthNLimit" in (one.policy or {})), policy
    if "an age" in name:
        if opens and "pwdGraceAuthNLimit" in (one.policy or {}):
            assert not server.binds(uid(who), first) or not server.binds(uid(who), first)
        return
    # how often one may guess
    if "28" in name or "lock" in name:
        for _ in range(4):
            assert not server.binds(uid(who), "wrong")
        assert server.binds(uid(who), first) is (policy.attempts is None)
        changed(server, f"dn: {uid(who)}\nchangetype: modify\nreplace: pwdAccountLockedTime\n\n")
        if policy.attempts is not None:
            assert policy.attempts == 3
            return
    # how short one may be
    shortest = next(length for length in (1, 5, 6, 11, 12) if sets(server, who, first, "x" * length))
    set_by_root(server, who, first)
    really = "pass" if shortest >= 12 else "fail"
    for directory, identity in ((auditor, planted.ADMINISTRATOR), (reader(server), planted.READER)):
        rows = {
            row.policy.name: row
            for row in directory.policies
            if not isinstance(row.policy, Gap) and account.dn in {one.dn for one in row.accounts}
        }
        said = next((outcome.verdict.value for outcome in run(directory_min_length, directory) if outcome.subject in rows), "unknown")
        planted.note("slapd", identity, directory_min_length.id, really=really, said=said)
        assert said == really or (said == "unknown" and identity == planted.READER)
    assert shortest == max(policy.min_length or 1, 1), policy
    # whether the last ones come back
    chain = [first, "y" * 20, "z" * 20]
    for old, new in pairwise(chain):
        assert sets(server, who, old, new)
    assert sets(server, who, chain[-1], first) is (policy.history == 0), policy


def test_what_the_checks_make_of_it_as_two_accounts(server: slapd.Slapd) -> None:
    prepared(server, Case({**STRONG, **LOCK, "pwdInHistory": "5", "pwdMaxAge": "7776000"}))
    reader = server.options(uid("person00"), "person00-Secret-1")
    set_by_root(server, "person00", "person00-Secret-1")
    for options in (server.options(), reader):
        directory = Directory(collect(parse_target(server.uri), options))
        for check in (directory_min_length, directory_history, directory_lockout, directory_max_age):
            found = {outcome.subject: outcome.verdict.value for outcome in run(check, directory)}
            ours = [verdict for subject, verdict in found.items() if subject.startswith(POLICY)]
            if options is reader:
                assert "pass" not in found.values(), found  # whether the overlay stands on the database is not shown to it
            else:
                assert ours and "unknown" not in ours, found


def test_a_default_beside_the_base_that_is_audited(server: slapd.Slapd) -> None:
    prepared(server, Case(STRONG))
    directory = Directory(collect(parse_target(server.uri.replace("/dc=", "/ou=people,dc=")), server.options()))
    found = {outcome.subject: outcome.verdict.value for outcome in run(directory_min_length, directory)}
    assert found[POLICY] == "pass"
    prepared(server, Case(None))  # the default is not there
    directory = Directory(collect(parse_target(server.uri.replace("/dc=", "/ou=people,dc=")), server.options()))
    found = {outcome.subject: outcome.verdict.value for outcome in run(directory_min_length, directory)}
    assert found[POLICY] == "fail"


def test_27_hashes_pass_a_quality_of_one_and_the_root_passes_all(server: slapd.Slapd) -> None:
    hashed = subprocess.run(
        ["slappasswd", "-s", "a"], capture_output=True, text=True, check=True, env={"PATH": "/usr/sbin:/usr/bin"}
    ).stdout.strip()
    for quality, accepted in (("1", True), ("2", False)):
        prepared(server, Case({"pwdMinLength": "12", "pwdCheckQuality": quality}))
        set_by_root(server, "person01", "person01-Secret-1")
        done = server.tool("ldapmodify", uid("person01"), "person01-Secret-1",
                           stdin=f"dn: {uid('person01')}\nchangetype: modify\nreplace: userPassword\nuserPassword: {hashed}\n\n")  # fmt: skip
        assert (done.returncode == 0) is accepted
    set_by_root(server, "person01", "a")
    assert server.binds(uid("person01"), "a")
