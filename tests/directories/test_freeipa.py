"""FreeIPA's tree in a real 389 server: which policy its class of service hands out, and what kinds of authentication come to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sovaudit.content.checks.password_policy.directory_history import directory_history
from sovaudit.content.checks.password_policy.directory_lockout import directory_lockout
from sovaudit.content.checks.password_policy.directory_min_length import directory_min_length
from sovaudit.content.checks.two_factor.directory_enrolled import directory_enrolled
from sovaudit.content.checks.two_factor.directory_privileged import directory_privileged

from sovaudit.cli.main import main
from sovaudit.collectors import collect, parse_target
from sovaudit.facts.directories.model import Kind, PasswordPolicy
from sovaudit.facts.directory import Directory
from sovaudit.facts.parse.ldap_times import Special
from sovaudit.model.evidence import Gap
from sovaudit.testing import run, without
from tests.directories import planted
from tests.directories.ipa_world import FRAME, GROUPS, REALM, SERVICE, START, USERS, config, group, policy, schema, token, user
from tests.directories.test_exports import judged
from tests.ds389 import AUDITOR, AUDITOR_PASSWORD, BASE, MANAGER, MANAGER_PASSWORD, Ds389, available, ds389
from tests.slapd import slapd

pytestmark = pytest.mark.skipif(not available() and "SOVAUDIT_CI" not in os.environ, reason="needs root and 389-ds-base")
OTP = "ipaUserAuthType: otp"
PEOPLE = {
    "admin": ("ipaNTSecurityIdentifier: S-1-5-21-1-2-3-500",),
    "plain": (),
    "otp": (OTP,),
    "otponly": (OTP,),  # and no token
    "either": (OTP, "ipaUserAuthType: password"),
    "expired": (OTP,),
    "early": (OTP,),
    "off": (OTP,),
    "radius": ("ipaUserAuthType: radius", "ipatokenRadiusConfigLink: cn=proxy,cn=radiusproxy,dc=example,dc=org"),
    "card": ("ipaUserAuthType: pkinit",),
    "hard": ("ipaUserAuthType: hardened",),
    "idp": ("ipaUserAuthType: idp",),
    "shout": ("ipaUserAuthType: OTP",),
    "leaver": ("krbPrincipalExpiration: 20200101000000Z",),
    "reset": ("krbLastPwdChange: 20260101000000Z", "krbPasswordExpiration: 20260101000000Z"),
    "changed": ("krbLastPwdChange: 20260101000000Z", "krbPasswordExpiration: 20990101000000Z"),
    "outer": (),
    "inner": (),
    "both": (),
}
TOKENS = (
    token(1, "otp") + token(2, "expired", "ipatokenNotAfter: 20200101000000Z") + token(3, "early", "ipatokenNotBefore: 20990101000000Z")
    + token(4, "off", "ipatokenDisabled: TRUE") + token(5, "shout", "ipatokenNotAfter: 20990101000000Z") + token(6, "either")
)  # fmt: skip
GLOBAL = {"krbPwdMinLength": 8, "krbPwdMinDiffChars": 0, "krbPwdHistoryLength": 0, "krbMaxPwdLife": 7776000, "krbPwdMaxFailure": 6,
          "krbPwdLockoutDuration": 600}  # fmt: skip
STRICT = {"krbPwdMinLength": 14, "krbPwdMinDiffChars": 3, "krbPwdHistoryLength": 5, "krbMaxPwdLife": 0, "krbPwdMaxFailure": 3,
          "krbPwdLockoutDuration": 0}  # fmt: skip
ENTRIES = (
    FRAME
    + "".join(user(name, *lines) for name, lines in PEOPLE.items())
    + group("admins", "admin", f"cn=deputies,{GROUPS}") + group("deputies", "otp", f"cn=admins,{GROUPS}")
    + group("strict", "outer", "both") + group("lax", "both", f"cn=nested,{GROUPS}") + group("nested", "inner")
    + policy("global_policy", **GLOBAL) + policy("strict", 1, **STRICT)
    + policy("lax", 20, krbPwdMinLength=4, ipaPwdMaxRepeat=2)
    + SERVICE + config() + TOKENS
)  # fmt: skip


def shown(server: Ds389, dn: str, attribute: str) -> list[str]:
    """Values that the server shows of one entry."""
    done = server.tool("ldapsearch", MANAGER, MANAGER_PASSWORD, "-LLL", "-o", "ldif-wrap=no", "-s", "base", "-b", dn, attribute)
    return [line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith(f"{attribute}: ")]


@pytest.fixture(scope="module")
def server() -> Iterator[Ds389]:
    with ds389(ENTRIES, schema=schema(), settings="passwordStorageScheme: SSHA512\n", plugins=("MemberOf Plugin",)) as running:
        # what was added before the plug-in saw it: have it written again, as FreeIPA's own tools do
        for name in ("admins", "deputies", "strict", "lax", "nested"):
            members = shown(running, f"cn={name},{GROUPS}", "member")
            head = f"dn: cn={name},{GROUPS}\nchangetype: modify\n"
            running.change(f"{head}replace: member\n\n")
            running.change(f"{head}replace: member\n" + "".join(f"member: {one}\n" for one in members) + "\n")
        yield running


def seen(server: Ds389, who: tuple[str, str] | None = None) -> Directory:
    return Directory(collect(parse_target(server.uri), server.options(*who) if who else server.options()))


def seen_by(server: Ds389, login: tuple[str, str]) -> Directory:
    found = seen(server, login)
    assert found.evidence.collected, found.evidence.error
    return found


def policies(directory: Directory) -> dict[str, PasswordPolicy | Gap]:
    return {account.name: applied.policy for applied in directory.policies for account in applied.accounts}


def test_it_is_known_for_what_it_is(server: Ds389) -> None:
    directory = seen(server)
    assert directory.product == "freeipa"
    accounts = {account.name: account for account in directory.accounts}
    assert accounts["admin"].kind is Kind.BUILTIN and accounts["plain"].kind is Kind.PERSON
    assert accounts["leaver"].expires == datetime(2020, 1, 1, tzinfo=UTC)
    assert accounts["reset"].password_set is Special.MUST_CHANGE and accounts["changed"].password_set == datetime(2026, 1, 1, tzinfo=UTC)


def test_the_policy_of_each_account_is_the_one_that_the_server_hands_out(server: Ds389) -> None:
    found = policies(seen(server))
    for name in PEOPLE:
        handed = shown(server, f"uid={name},{USERS}", "krbPwdPolicyReference")
        wanted = (handed or [f"cn=global_policy,{REALM}"])[0].lower()
        policy_found = found[name]
        assert isinstance(policy_found, PasswordPolicy) and policy_found.name == wanted, name
    names = {name: one.name.partition(",")[0] for name, one in found.items() if isinstance(one, PasswordPolicy)}
    assert (names["outer"], names["both"], names["inner"], names["plain"]) == ("cn=strict", "cn=strict", "cn=lax", "cn=global_policy")
    assert names["auditor"] == "cn=config"  # no principal: the server's own policy


def test_the_same_without_the_server_s_answer(server: Ds389) -> None:
    """A reader that is shown no computed attribute works it out from groups and templates."""
    directory = seen(server)
    whole = {name: one.name for name, one in policies(directory).items() if isinstance(one, PasswordPolicy)}
    blind = seen(server)
    for account in blind.accounts:
        entry = Directory.entry_of(blind, account)
        entry.attributes.pop("krbpwdpolicyreference", None)
        blind.__dict__.setdefault("stripped", {})[account.dn] = entry
    blind.entry_of = lambda account: blind.__dict__["stripped"][account.dn]  # type: ignore[method-assign]
    assert {name: one.name for name, one in policies(blind).items() if isinstance(one, PasswordPolicy)} == whole


def test_what_a_policy_demands(server: Ds389) -> None:
    found = policies(seen(server))

    def demands(name: str) -> tuple[object, ...]:
        one = found[name]
        assert isinstance(one, PasswordPolicy)
        return one.min_length, one.min_classes, one.history, one.max_age_days, one.attempts, one.unlock_seconds

    assert demands("plain") == (8, 0, 0, 90, 6, 600)
    assert demands("outer") == (14, 3, 5, None, 3, None)
    assert demands("inner") == (6, 0, 0, None, None, None)  # what it does not say is nothing; a repeat rule brings six characters


def test_who_escapes_the_policy_of_the_realm(server: Ds389) -> None:
    found, gaps = seen(server).view.exempt()
    assert {one.account.name: one.policy.partition(",")[0] for one in found} == {
        "inner": "cn=lax", "outer": "cn=strict", "both": "cn=strict", "auditor": "cn=config",
    } and not gaps  # fmt: skip
    assert next(one.less for one in found if one.account.name == "outer") == "max_age_days never > 90"


WORLDS: dict[str, tuple[str, ...]] = {
    "nothing global": (),
    "otp for everybody": (OTP,),
    "password and otp for everybody": (OTP, "ipaUserAuthType: password"),
    "no choice of one's own": ("ipaUserAuthType: disabled", "ipaUserAuthType: password"),
    "no choice, otp": ("ipaUserAuthType: disabled", OTP),
}


def expected(name: str, world: str) -> bool | None:
    """By the decision that FreeIPA's own bind check makes: True, False, None for what it hands on. Written out, not computed as we do."""
    token_works = name in ("otp", "shout", "either")
    fixed = {"otp": token_works, "otponly": False, "expired": False, "early": False, "off": False, "shout": True, "either": False, "hard": False,
             "card": True, "radius": None, "idp": None}  # fmt: skip
    if world == "no choice of one's own":
        return False
    if world == "no choice, otp":
        return token_works
    if name in fixed:
        return fixed[name]
    return False  # a password, or an otp demanded of somebody without a token


def test_who_must_present_a_second_factor(server: Ds389) -> None:
    for world, lines in WORLDS.items():
        values = "".join(f"ipaUserAuthType: {line.partition(': ')[2]}\n" for line in lines)
        server.change(f"dn: cn=ipaConfig,cn=etc,{BASE}\nchangetype: modify\nreplace: ipaUserAuthType\n{values}\n")
        directory = seen(server)
        for account in directory.accounts:
            if account.name not in PEOPLE:
                continue
            demanded = directory.factor(account).demanded
            assert (None if isinstance(demanded, Gap) else demanded) == expected(account.name, world), (account.name, world)
            if demanded is not True and not isinstance(demanded, Gap):
                assert directory.factor(account).because, account.name
    server.change(f"dn: cn=ipaConfig,cn=etc,{BASE}\nchangetype: modify\nreplace: ipaUserAuthType\n\n")


def test_who_holds_one(server: Ds389) -> None:
    directory = seen(server)
    holds = {account.name: directory.factor(account).enrolled for account in directory.accounts if account.name in PEOPLE}
    assert {name for name, held in holds.items() if held is True} == {"otp", "shout", "either"}
    assert {name for name, held in holds.items() if isinstance(held, Gap)} == {"radius", "card", "idp"}


def test_administrators_are_the_closure_of_their_group(server: Ds389) -> None:
    found = seen(server).admins
    assert [admin.account.name for admin in found.members] == ["admin", "otp"] and found.bypass[0].file == MANAGER
    assert not found.gaps


def test_an_ordinary_reader_is_never_wrong(server: Ds389) -> None:
    allow = f'(version 3.0; acl "audit"; allow (read, search, compare) userdn = "ldap:///{AUDITOR}";)'
    whole = seen(server)
    facts = {account.name: whole.factor(account) for account in whole.accounts}
    for targets in (
        '(targetattr != "userPassword")',
        '(targetattr = "uid || cn || objectClass || member || krbPrincipalName || ipaUserAuthType")',
    ):
        server.put(BASE, aci=f"{targets}{allow}")
        reader = seen(server, (AUDITOR, AUDITOR_PASSWORD))
        for account in reader.accounts:
            factor = reader.factor(account)
            for ours, theirs in ((factor.demanded, facts[account.name].demanded), (factor.enrolled, facts[account.name].enrolled)):
                assert isinstance(ours, Gap) or ours == theirs, account.name
        for name, one in policies(reader).items():
            full = policies(whole)[name]
            assert isinstance(one, Gap) or not isinstance(full, PasswordPolicy) or one.name == full.name
    server.put(BASE, aci="")


def test_the_printed_rights_show_everything_but_keys(server: Ds389, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["privileges", "--format", "ldap", "--product", "freeipa", "--bind-dn", AUDITOR]) == 0
    server.change(capsys.readouterr().out)
    server.put(f"ipatokenUniqueID=1,cn=otp,{BASE}", ipatokenOTPkey="c2VlZA")
    whole, reader = seen(server), seen(server, (AUDITOR, AUDITOR_PASSWORD))
    for account in whole.accounts:
        assert reader.factor(account) == whole.factor(account), account.name
    assert {name: one.name for name, one in policies(reader).items() if isinstance(one, PasswordPolicy)} == {
        name: one.name for name, one in policies(whole).items() if isinstance(one, PasswordPolicy)
    }
    assert {admin.account.name for admin in reader.admins.members} == {"admin", "otp"} and not reader.admins.gaps
    shown = server.tool("ldapsearch", AUDITOR, AUDITOR_PASSWORD, "-LLL", "-b", BASE, "(ipatokenUniqueID=*)").stdout
    assert "ipatokenOwner" in shown and "OTPkey" not in shown
    server.put(BASE, aci="")
    server.put("cn=config", aci="")


READS = '(targetattr = "uid || cn || sn || objectClass || member || krbPrincipalName || ipaUserAuthType || krbPwdPolicyReference")'


def test_what_is_planted_is_told_to_two_accounts(server: Ds389, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["privileges", "--format", "ldap", "--product", "freeipa", "--bind-dn", AUDITOR]) == 0
    server.change(capsys.readouterr().out)
    server.change(
        f'dn: {BASE}\nchangetype: modify\nadd: aci\naci: {READS}(version 3.0; acl "r"; allow (read, search) userdn = "ldap:///all";)\n\n'
    )
    logins = {planted.ADMINISTRATOR: (AUDITOR, AUDITOR_PASSWORD), planted.READER: (f"uid=plain,{USERS}", START)}
    server.put(f"uid=plain,{USERS}", userPassword=START)
    for world in ("nothing global", "no choice, otp"):
        values = "".join(f"ipaUserAuthType: {line.partition(': ')[2]}\n" for line in WORLDS[world])
        server.change(f"dn: cn=ipaConfig,cn=etc,{BASE}\nchangetype: modify\nreplace: ipaUserAuthType\n{values}\n")
        seen = {identity: seen_by(server, login) for identity, login in logins.items()}
        for name in PEOPLE:
            if world == "nothing global":
                handed = (shown(server, f"uid={name},{USERS}", "krbPwdPolicyReference") or [f"cn=global_policy,{REALM}"])[0]

                def number(attribute: str, handed: str = handed) -> int:
                    return int((shown(server, handed, attribute) or ["0"])[0])

                locks = 0 < number("krbPwdMaxFailure") <= 5 and (
                    number("krbPwdLockoutDuration") >= 900 or not number("krbPwdLockoutDuration")
                )
                demands = (
                    (directory_min_length, number("krbPwdMinLength") >= 12),
                    (directory_history, number("krbPwdHistoryLength") >= 5),
                    (directory_lockout, locks),
                )
                for check, sound in demands:
                    planted.agree("FreeIPA", seen, check, sound, lambda one, check=check, name=name: planted.of_policy(one, check, name))
            if name not in ("radius", "card", "idp", "admin"):  # what they hold stands elsewhere; admin is no person
                planted.agree("FreeIPA", seen, directory_enrolled, name in ("otp", "shout", "either"),
                              lambda one, name=name: planted.worst(run(directory_enrolled, one), [name]))  # fmt: skip
        for name in ("admin", "otp"):
            planted.agree("FreeIPA", seen, directory_privileged, bool(expected(name, world)),
                          lambda one, name=name: planted.worst(run(directory_privileged, one), [name]))  # fmt: skip
    server.change(f"dn: cn=ipaConfig,cn=etc,{BASE}\nchangetype: modify\nreplace: ipaUserAuthType\n\n")
    server.put(BASE, aci="")
    server.put("cn=config", aci="")


def test_taking_evidence_away_makes_nothing_sound(server: Ds389) -> None:
    evidence = collect(parse_target(server.uri), server.options())
    whole = judged(evidence)
    assert whole and "error" not in whole.values()
    for artifact in evidence.artifacts:
        for key, verdict in judged(without(evidence, artifact)).items():
            if verdict in ("pass", "not_applicable"):
                assert whole.get(key, "unknown") == verdict, (artifact, key, whole.get(key))


def test_its_tree_is_known_in_a_slapd_and_in_an_export(tmp_path: Path) -> None:
    may = ("ipaUserAuthType", "ipatokenUniqueID", "ipatokenOwner", "ipatokenDisabled")
    types = "".join(
        f"olcAttributeTypes: ( 1.3.6.1.4.1.61930.98.1.{number} NAME '{name}' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )\n"
        for number, name in enumerate(may)
    )
    classes = "".join(
        f"olcObjectClasses: ( 1.3.6.1.4.1.61930.98.2.{number} NAME '{name}' SUP top {kind} MAY ( cn $ {' $ '.join(may)} ) )\n"
        for number, (name, kind) in enumerate((("ipaGuiConfig", "STRUCTURAL"), ("ipaUser", "AUXILIARY"), ("ipaToken", "STRUCTURAL")))
    )
    extra = f"dn: cn=ipa,cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: ipa\n{types}{classes}\n"
    person = "objectClass: inetOrgPerson\nobjectClass: ipaUser\ncn: x\nsn: x\n"
    entries = "".join(
        f"dn: uid={name},ou=people,{BASE}\n{person}uid: {name}\nipaUserAuthType: {kind}\n\n"
        for name, kind in (("ann", "otp"), ("bob", "otp"), ("eve", "password"))
    )
    entries += f"dn: cn=etc,{BASE}\nobjectClass: organizationalRole\ncn: etc\n\n" + config()
    entries += (
        f"dn: ipatokenUniqueID=1,ou=tokens,{BASE}\nobjectClass: ipaToken\nipatokenUniqueID: 1\nipatokenOwner: uid=ann,ou=people,{BASE}\n\n"
    )
    with slapd(entries, schemas=extra) as server:
        live = collect(parse_target(server.uri), server.options())
        dump = subprocess.run(["slapcat", "-F", str(server.folder / "slapd.d"), "-n", "1"], capture_output=True, check=True).stdout
    (tmp_path / "tree.ldif").write_bytes(dump)
    for evidence in (live, collect(parse_target(f"ldif:{tmp_path}/tree.ldif"))):
        directory = Directory(evidence)
        factors = {account.name: directory.factor(account) for account in directory.accounts}
        assert directory.product == "freeipa" and factors["ann"].enrolled is True and factors["bob"].enrolled is False
        if not directory.live:  # a reader cannot tell a global setting that is not there from one that is closed
            assert [factors[name].demanded for name in ("ann", "bob", "eve")] == [True, False, False]
        assert factors["bob"].demanded is not True and factors["eve"].demanded is not True
