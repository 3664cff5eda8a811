"""Weaknesses planted in a real Samba AD DC, between sound objects that look like them: all of the first are found, none of the others.

An administrator sees everything and must say everything; an ordinary account may say `unknown`, and never anything wrong.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sovaudit.content.checks.least_privilege.directory_control import directory_control
from sovaudit.content.checks.least_privilege.directory_delegation import directory_delegation
from sovaudit.content.checks.least_privilege.directory_secrets import directory_secrets
from sovaudit.content.checks.password_policy.directory_exceptions import directory_exceptions

from sovaudit.authoring import Check
from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.directories import ad_access as access
from sovaudit.facts.directory import Directory
from sovaudit.facts.parse.dn import normal
from sovaudit.facts.parse.sid import sid_text
from sovaudit.testing import run, verdicts
from tests.directories import planted as noted
from tests.directories.test_samba_ad import dn, group, nest, settings
from tests.samba_ad import ADMIN, ADMIN_PASSWORD, BASE, PASSWORD, Samba, samba

pytestmark = pytest.mark.samba
PEOPLE = (
    "sync repl half admin boss chief reset keys joiner linker writer owner denied late helper plain unit reader nested auditor "
    "uncon trans constr rbcd spn spnplain nopre sensitive notreq noexpire weak strong off managed resolver"
).split()
OLD = "130000000000000000"
HOLDER = f"CN=AdminSDHolder,CN=System,{BASE}"
GPO = f"CN={{31B2F340-016D-11D2-945F-00C04FB984F9}},CN=Policies,CN=System,{BASE}"
CORP, LAB = f"OU=corp,{BASE}", f"OU=lab,{BASE}"


def flags(name: str, value: int) -> list[object]:
    return ["modify", dn(name), {"=userAccountControl": [value]}]


def machine(name: str, rid: int, uac: int, **attributes: object) -> list[object]:
    return ["add", f"CN={name},CN=Computers,{BASE}", {"objectClass": ["computer"], "sAMAccountName": [f"{name}$"], "userAccountControl": [uac],
            **{key.replace("_", "-"): value if isinstance(value, list) else [value] for key, value in attributes.items()}}]  # fmt: skip


def planted(sid: dict[str, str]) -> list[object]:
    """What stands in access lists needs identities; the rest does not."""

    def allow(over: str, who: str, rights: str, guid: str = "", kind: str = "A", heirs: str = "", inherit: str = "") -> list[object]:
        kind = f"O{kind}" if guid or heirs else kind
        return ["sddl", over, f"({kind};{inherit};{rights};{guid};{heirs};{sid[who]})"]

    return [
        # rights that equal an administrator's
        allow(BASE, "sync", "CR", access.GET_CHANGES), allow(BASE, "sync", "CR", access.GET_CHANGES_ALL),
        allow(BASE, "desk", "CR", access.GET_CHANGES_ALL), allow(BASE, "repl", "CR", access.GET_CHANGES),
        allow(HOLDER, "keys", "WD"), allow(dn("Domain Admins"), "writer", "WP", access.MEMBER), allow(dn("rulers"), "joiner", "SW", access.MEMBER),
        allow(dn("boss"), "reset", "CR", access.RESET_PASSWORD), allow(f"OU=Domain Controllers,{BASE}", "linker", "WP", access.GP_LINK),
        allow(GPO, "late", "WO"), allow(CORP, "unit", "GA"), ["sddl", dn("chief"), f"(A;;WP;;;{sid['helper']})"],
        ["descriptor", dn("admin"), f"O:{sid['owner']}G:DAD:(A;;GA;;;DA)(A;;RPLCRC;;;AU)"],
        # sound: half of a right, denied first, only for heirs, reading, people who are no administrators, new objects in a unit
        allow(BASE, "half", "CR", access.GET_CHANGES), ["sddl", BASE, f"(D;;WD;;;{sid['denied']})(A;;WD;;;{sid['denied']})"],
        allow(LAB, "helper", "CR", access.RESET_PASSWORD, heirs=access.CLASSES["user"], inherit="CIIO"), allow(LAB, "plain", "CC"),
        allow(dn("plain"), "reader", "GA"), allow(BASE, "reader", "RPRC"), allow(dn("boss"), "half", "WP", "bf967950-0de6-11d0-a285-00aa003049e2"),
    ]  # fmt: skip


BEFORE: list[object] = [
    *(["user", name, PASSWORD, {}, ""] for name in PEOPLE),
    ["add", CORP, {"objectClass": ["organizationalUnit"]}], ["add", LAB, {"objectClass": ["organizationalUnit"]}],
    group("desk", "repl", "half"), group("rulers", "chief", "nested"), nest("Domain Admins", "rulers"),
    ["modify", dn("Domain Admins"), {"+member": [dn("boss"), dn("admin"), dn("spn"), dn("off")]}],
    ["modify", dn("boss"), {"=pwdLastSet": [OLD]}], ["modify", dn("krbtgt"), {"=pwdLastSet": [OLD]}],
    ["modify", dn("DnsAdmins"), {"+member": [dn("resolver")]}],
    # delegation and offline guessing
    flags("uncon", 0x80200), ["modify", dn("trans"), {"=userAccountControl": [0x1000200], "+msDS-AllowedToDelegateTo": ["http/intranet.lab.test"]}],
    ["modify", dn("constr"), {"+msDS-AllowedToDelegateTo": ["cifs/dc1.lab.test"]}], flags("nopre", 0x400200), flags("sensitive", 0x100200),
    ["modify", dn("spn"), {"+servicePrincipalName": ["mssql/db.lab.test"]}],
    ["modify", dn("spnplain"), {"+servicePrincipalName": ["http/web.lab.test"]}],
    ["modify", dn("off"), {"=userAccountControl": [0x480202], "+servicePrincipalName": ["http/off.lab.test"]}],
    machine("WEB", 1, 0x1000, msDS_AllowedToDelegateTo=["http/intranet.lab.test"]), machine("OLD", 2, 0x81000),
    # exemptions
    flags("notreq", 0x220), flags("noexpire", 0x10200), settings("pso-weak", 5, 4, "weak"), settings("pso-strong", 6, 20, "strong"),
]  # fmt: skip


@dataclass(frozen=True)
class World:
    server: Samba
    as_admin: Directory
    as_user: Directory


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    groups = [("desk", 0), ("rulers", 1)]
    with samba(BEFORE[: len(PEOPLE) + 4]) as first:
        sids = dict(zip(PEOPLE, [one for one in first.answers if one], strict=True))
    domain, _, last = sids[PEOPLE[-1]].rpartition("-")
    sids |= {name: f"{domain}-{int(last) + 1 + place}" for name, place in groups}
    resource = {"sddl": f"O:BAD:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;{sids['rbcd']})"}
    to_dc: list[object] = ["modify", f"CN=DC1,OU=Domain Controllers,{BASE}", {"=msDS-AllowedToActOnBehalfOfOtherIdentity": [resource]}]
    with samba([*BEFORE, *planted(sids), to_dc]) as server:
        yield World(server, Directory(server.collect()), Directory(server.collect("auditor@lab.test", PASSWORD)))


def failing(check: Check, directory: Directory) -> dict[str, str]:
    return {outcome.subject: outcome.seen for outcome in run(check, directory) if outcome.verdict.value == "fail"}


CONTROL = {
    ("sync", BASE): "DCSync", ("repl", BASE): "DCSync", ("keys", HOLDER): "WriteDacl", ("writer", dn("Domain Admins")): "write member",
    ("joiner", dn("rulers")): "AddSelf", ("reset", dn("boss")): "ForceChangePassword", ("linker", f"OU=Domain Controllers,{BASE}"): "write gPLink",
    ("late", GPO): "WriteOwner", ("unit", CORP): "GenericAll", ("helper", dn("chief")): "GenericWrite", ("owner", dn("admin")): "Owner",
    ("DnsAdmins", f"CN=MicrosoftDNS,CN=System,{BASE}"): "GenericWrite, WriteDacl, WriteOwner",
}  # fmt: skip
DELEGATION = {
    "uncon": "unconstrained", "trans": "transition", "constr": "controller", "nopre": "no-preauthentication", "spn": "service-ticket",
    "DC1$": "resource", "OLD$": "unconstrained",
}  # fmt: skip
EXCEPTIONS = {"notreq": "PASSWD_NOTREQD", "noexpire": "DONT_EXPIRE_PASSWORD"}
SECRETS = {"boss", "krbtgt", "ms-DS-MachineAccountQuota"}


def test_every_right_that_equals_an_administrators_is_found_and_no_other(world: World) -> None:
    wanted = {f"{who} → {normal(over)}": right for (who, over), right in CONTROL.items()}
    # members of desk have GetChangesAll through it; GetChanges is repl's and half's own: each holds both
    wanted[f"half → {normal(BASE)}"] = "DCSync"
    assert failing(directory_control, world.as_admin) == wanted
    assert "others" not in verdicts(run(directory_control, world.as_admin))  # nothing was hidden


def test_delegation_exemptions_and_secrets(world: World) -> None:
    assert failing(directory_delegation, world.as_admin) == DELEGATION
    found = failing(directory_exceptions, world.as_admin)
    assert {name: found[name] for name in EXCEPTIONS} == EXCEPTIONS
    assert set(found) == {*EXCEPTIONS, "weak", "strong"}  # strong: long, but a shorter history than the domain's
    assert found["strong"] == "history 5 < 24"
    assert set(failing(directory_secrets, world.as_admin)) == SECRETS


SOUND: dict[str, tuple[str, ...]] = {
    directory_control.id: tuple(
        f"{who} → {normal(over)}"
        for who, over in (("denied", BASE), ("helper", LAB), ("plain", LAB), ("reader", dn("plain")), ("reader", BASE), ("half", dn("boss")))
    ),
    directory_delegation.id: ("sensitive", "spnplain", "off", "WEB$", "managed", "krbtgt"),
    directory_exceptions.id: ("plain", "off", "managed", "krbtgt", "Guest", "DC1$"),
    directory_secrets.id: ("Administrator", "Guest", "chief", "nested", "spn"),
}  # fmt: skip
FAULTS: dict[str, tuple[str, ...]] = {
    directory_control.id: (*(f"{who} → {normal(over)}" for who, over in CONTROL), f"half → {normal(BASE)}"),
    directory_delegation.id: tuple(DELEGATION), directory_exceptions.id: (*EXCEPTIONS, "weak", "strong"), directory_secrets.id: tuple(SECRETS),
}  # fmt: skip


def test_what_was_planted_is_noted(world: World) -> None:
    for identity, directory in ((noted.ADMINISTRATOR, world.as_admin), (noted.READER, world.as_user)):
        for check in (directory_control, directory_delegation, directory_exceptions, directory_secrets):
            answers = verdicts(run(check, directory))
            rest = "unknown" if "unknown" in answers.values() else "pass"  # what no answer names is among the others
            for really, subjects in (("fail", FAULTS[check.id]), ("pass", SOUND[check.id])):
                for subject in subjects:
                    said = answers.get(subject, rest)
                    noted.note("Samba AD", identity, check.id, really=really, said=said)
                    assert said in (really, "unknown" if identity == noted.READER else really), (identity, check.id, subject)


def test_holders_of_rights_are_administrators(world: World) -> None:
    found = {admin.account.name for admin in world.as_admin.admins.members}
    by_group = {"Administrator", "boss", "admin", "chief", "nested", "spn", "off"}
    assert found == by_group | {who for who, _ in CONTROL} - {"DnsAdmins"} | {"half", "resolver"}


def test_an_ordinary_reader_is_never_wrong(world: World) -> None:
    for check in (directory_control, directory_delegation, directory_exceptions, directory_secrets):
        truth = {outcome.subject: outcome.verdict.value for outcome in run(check, world.as_admin)}
        for outcome in run(check, world.as_user):
            if outcome.verdict.value == "fail":
                assert truth[outcome.subject] == "fail", (check.id, outcome.subject)
            elif outcome.verdict.value == "pass":
                assert truth.get(outcome.subject, "pass") == "pass", (check.id, outcome.subject)
                assert outcome.subject != "others", check.id  # it saw no settings objects and no list of the DNS service


READ = "(A;CI;GR;;;{sid})"  # what `sovaudit privileges --format ldap` has granted


def test_with_the_rights_that_we_ask_for_an_auditor_sees_what_an_administrator_sees() -> None:
    with samba([["user", "auditor", PASSWORD, {}, ""]]) as first:
        grant = READ.format(sid=first.answers[0])
    places = (f"CN=Password Settings Container,CN=System,{BASE}", f"CN=MicrosoftDNS,CN=System,{BASE}")
    people: list[object] = [["user", "auditor", PASSWORD, {}, ""], ["user", "weak", PASSWORD, {}, ""], settings("pso-weak", 5, 4, "weak")]
    with samba([*people, *(["sddl", place, grant] for place in places)]) as server:
        as_admin, as_auditor = Directory(server.collect()), Directory(server.collect("auditor@lab.test", PASSWORD))
    for check in (directory_control, directory_delegation, directory_exceptions, directory_secrets):
        assert verdicts(run(check, as_auditor)) == verdicts(run(check, as_admin)), check.id
        assert "unknown" not in verdicts(run(check, as_auditor)).values(), check.id


ODD = (
    r"Doe\, Jane (x)*", r"\#hash", r"a\+b", 'q\\"uote', r"back\\slash", r"\ lead", r"trail\ ", r"semi\;x", r"a\<b\>", r"eq\=x", "two  spaces",
    r"line\0Afeed", "İstanbul", "STRASSE ß",
)  # fmt: skip


def test_administrators_of_any_name_are_looked_at() -> None:
    people: list[object] = [
        ["add", f"CN={name},CN=Users,{BASE}", {"objectClass": ["user"], "sAMAccountName": [f"odd{number}"]}]
        for number, name in enumerate(ODD)
    ]
    joined: list[object] = [["modify", dn("Domain Admins"), {"+member": [f"CN={name},CN=Users,{BASE}"]}] for name in ODD]
    with samba([*people, *joined]) as server:
        directory = Directory(server.collect())
    assert len(directory.admins.members) == len(ODD) + 1
    assert not directory.admins.gaps and not directory.rights.gaps


def test_an_export_says_the_same_as_a_visit(world: World, tmp_path: Path) -> None:
    """ldapsearch with the control for security descriptors, as an administrator makes it."""
    file = tmp_path / "lab.ldif"
    bases = (BASE, f"CN=Configuration,{BASE}", f"CN=Schema,CN=Configuration,{BASE}", "")
    parts = []
    for base in bases:
        scope = "base" if not base or base.startswith("CN=Schema") else "sub"
        wanted = [
            "*",
            "nTSecurityDescriptor",
            *(["msDS-ResultantPSO", "msDS-PSOApplied"] if base == BASE else []),
            *(["+"] if not base else []),
        ]
        done = world.server.tool(
            "ldapsearch", ADMIN, ADMIN_PASSWORD, "-E", "!1.2.840.113556.1.4.801=::MAMCAQc=", "-s", scope, "-b", base, *wanted
        )
        parts.append(done.stdout)
    file.write_text("".join(parts), "utf-8")
    exported = Directory(collect(parse_target(f"ldif:{file}"), CollectOptions()))
    for check in (directory_control, directory_delegation, directory_secrets):
        for subject, verdict in verdicts(run(check, exported)).items():
            assert verdict == "unknown" or verdicts(run(check, world.as_admin)).get(subject, verdict) == verdict, (check.id, subject)
    assert failing(directory_control, exported) == failing(directory_control, world.as_admin)


def test_they_can_do_it_and_the_others_cannot(world: World) -> None:
    """The server itself: each right is used. Last, because it changes the directory."""
    server = world.server

    def may(who: str, over: str, change: str) -> bool:
        return server.changes(f"dn: {over}\nchangetype: modify\n{change}\n", f"{who}@lab.test", PASSWORD)

    def password(text: str) -> str:
        return "replace: unicodePwd\nunicodePwd:: " + base64.b64encode(f'"{text}"'.encode("utf-16-le")).decode()

    link = "replace: gPOptions\ngPOptions: 0"
    assert not may("half", f"OU=Domain Controllers,{BASE}", link)
    assert may("unit", CORP, link)
    assert not may("plain", CORP, link)
    assert may("writer", dn("Domain Admins"), f"add: member\nmember: {dn('plain')}")
    assert not may("reader", dn("Domain Admins"), f"add: member\nmember: {dn('reader')}")
    assert not may("joiner", dn("rulers"), f"add: member\nmember: {dn('reader')}")
    assert may("joiner", dn("rulers"), f"add: member\nmember: {dn('joiner')}")
    assert may("reset", dn("boss"), password("Another-Passw0rd!"))
    assert not may("half", dn("boss"), password("Another-Passw0rd!"))
    assert may("helper", dn("chief"), "replace: scriptPath\nscriptPath: x.bat")
    for who, over in (("keys", HOLDER), ("owner", dn("admin")), ("unit", CORP)):
        assert int(server.values(over, "sDRightsEffective", f"{who}@lab.test", PASSWORD)[0]) & 4, who
    for who in ("denied", "half"):
        assert not int(server.values(BASE, "sDRightsEffective", f"{who}@lab.test", PASSWORD)[0]) & 4, who


def test_identities_that_nobody_is_put_into_are_everybodys() -> None:
    """A group that holds Everyone holds all who bind: the server puts it into their tokens, and lets them act by it."""
    joined: list[object] = [
        ["user", "plain", PASSWORD, {}, ""],
        ["modify", f"CN=Server Operators,CN=Builtin,{BASE}", {"+member": ["<SID=S-1-1-0>"]}],
        ["modify", f"CN=Administrators,CN=Builtin,{BASE}", {"+member": [f"CN=S-1-5-11,CN=ForeignSecurityPrincipals,{BASE}"]}],
    ]
    with samba(joined) as server:
        directory = Directory(server.collect())
        tokens = {sid_text(base64.b64decode(value)) for value in server.values("", "tokenGroups", "plain@lab.test", PASSWORD)}
        change = f"dn: {dn('Domain Admins')}\nchangetype: modify\nadd: member\nmember: {dn('plain')}\n"
        assert server.changes(change, "plain@lab.test", PASSWORD)
    assert {"S-1-5-32-544", "S-1-5-32-549"} <= tokens
    assert {admin.account.name for admin in directory.admins.members} == {"Administrator", "Everyone", "Authenticated Users"}
    assert not directory.admins.gaps
