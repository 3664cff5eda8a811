"""Nobody outside the administrators holds rights over the directory that equal theirs."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.directory_control import directory_control

from sovaudit.facts.directories import ad_access as access
from sovaudit.facts.parse.dn import normal
from sovaudit.testing import run, verdicts
from tests import ad
from tests.ad import BASE, CONTROL, FULL, HOLDER, SELF, WRITE, WRITE_DAC, WRITE_OWNER, ace, acl, active_directory, computer, dn, group, user

EVE, HELP = user("eve", 1100), user("help", 1101)
DESK = group("desk", 1200, "help")
CHANGES, CHANGES_ALL = (ace(1100, CONTROL, guid) for guid in (access.GET_CHANGES, access.GET_CHANGES_ALL))
DC = computer("DC1$", 1000, 0x82000, primaryGroupID=516)
UNIT = f"OU=corp,{BASE}"


def found(lists: dict[str, bytes | None], *accounts: ad.Entry, **more: object) -> dict[str, str]:
    directory = active_directory(EVE, HELP, *accounts, groups=[DESK, *more.pop("groups", ())], lists=lists, **more)  # type: ignore[misc]
    return verdicts(run(directory_control, directory))


def names(lists: dict[str, bytes | None], *accounts: ad.Entry, **more: object) -> set[str]:
    return {subject.partition(" → ")[0] for subject, verdict in found(lists, *accounts, **more).items() if verdict == "fail"}


def test_a_domain_of_domain_admins_passes() -> None:
    assert found({}) == {"others": "pass"}


# What fails: over which object, by which entry
PLANTED = {
    "dcsync": (BASE, [CHANGES, CHANGES_ALL]),
    "all extended rights on the domain": (BASE, [ace(1100, CONTROL)]),
    "full control of the domain": (BASE, [ace(1100, FULL)]),
    "generic all": (BASE, [ace(1100, 0x10000000)]),
    "write dacl of the domain": (BASE, [ace(1100, WRITE_DAC)]),
    "write owner of the domain": (BASE, [ace(1100, WRITE_OWNER)]),
    "link policies to the domain": (BASE, [ace(1100, WRITE, access.GP_LINK)]),
    "holder write dacl": (HOLDER, [ace(1100, WRITE_DAC)]),
    "holder write members": (HOLDER, [ace(1100, WRITE, access.MEMBER)]),
    "holder reset": (HOLDER, [ace(1100, CONTROL, access.RESET_PASSWORD)]),
    "members of a privileged group": ("Domain Admins", [ace(1100, WRITE, access.MEMBER)]),
    "its property set": ("Domain Admins", [ace(1100, WRITE, access.MEMBERSHIP)]),
    "everything written": ("Domain Admins", [ace(1100, WRITE)]),
    "generic write": ("Domain Admins", [ace(1100, 0x40000000)]),
    "adding oneself": ("Domain Admins", [ace(1100, SELF, access.MEMBER)]),
    "all validated writes": ("Domain Admins", [ace(1100, SELF)]),
    "an administrator's password": ("Administrator", [ace(1100, CONTROL, access.RESET_PASSWORD)]),
    "an administrator's keys": ("Administrator", [ace(1100, WRITE, access.KEY_CREDENTIALS)]),
    "an administrator's certificates": ("Administrator", [ace(1100, WRITE, access.ALT_IDENTITIES)]),
    "the set that holds them": ("Administrator", [ace(1100, WRITE, access.PUBLIC_INFORMATION)]),
    "an administrator's login script": ("Administrator", [ace(1100, WRITE, access.SCRIPT_PATH)]),
    "an entry for the class": ("Administrator", [ace(1100, FULL, access.CLASSES["user"])]),
    "a unit": (UNIT, [ace(1100, FULL)]),
    "the configuration": (ad.CONFIGURATION, [ace(1100, WRITE_DAC)]),
    "the schema": (ad.SCHEMA, [ace(1100, WRITE_OWNER)]),
    "the dns service": (ad.DNS, [ace(1100, WRITE)]),
    "a controller": ("DC1$", [ace(1100, WRITE, access.ALLOWED_TO_ACT)]),
    "a controller's restrictions": ("DC1$", [ace(1100, WRITE, access.ACCOUNT_RESTRICTIONS)]),
    "krbtgt": ("krbtgt", [ace(1100, CONTROL, access.RESET_PASSWORD)]),
    "an inherited entry": (BASE, [ace(1100, FULL, flags=0x12)]),
}


@pytest.mark.parametrize("case", PLANTED)
def test_what_equals_an_administrator(case: str) -> None:
    over, entries = PLANTED[case]
    assert names({over: acl(*entries)}, DC, user("krbtgt", 502, 514), units=[UNIT]) == {"eve"}


SOUND = {
    "one half of dcsync": (BASE, [CHANGES]),
    "the other half": (BASE, [CHANGES_ALL]),
    "only for heirs": (BASE, [ace(1100, FULL, flags=0x0A)]),
    "reading": (BASE, [ace(1100, 0x80000000), ace(1100, 0x20094)]),
    "denied before": (BASE, [ace(1100, FULL, kind=ad.DENY), ace(1100, FULL)]),
    "denied to everybody before": (BASE, [ace("S-1-1-0", FULL, kind=ad.DENY), ace(1100, FULL)]),
    "denied by attribute before": ("Domain Admins", [ace(1100, WRITE, access.MEMBER, kind=ad.DENY_OBJECT), ace(1100, WRITE)]),
    "another attribute": ("Domain Admins", [ace(1100, WRITE, "bf967950-0de6-11d0-a285-00aa003049e2")]),
    "an entry for another class": ("Administrator", [ace(1100, FULL, access.CLASSES["computer"])]),
    "changing with the old password": ("Administrator", [ace(1100, CONTROL, "ab721a53-1e2f-11d0-9819-00aa0040529b")]),
    "itself": ("Administrator", [ace("S-1-5-10", FULL)]),
    "whoever creates": (BASE, [ace("S-1-3-0", FULL)]),
    "the system": (BASE, [ace("S-1-5-18", FULL), ace("S-1-5-9", FULL)]),
    "administrators": (BASE, [ace(500, FULL), ace("S-1-5-32-544", FULL)]),
    "somebody who is gone": (BASE, [ace(4711, FULL)]),
    "a group of nobody": (BASE, [ace(1300, FULL)]),
    "a group of administrators": (BASE, [ace(1301, FULL)]),
    "new objects in a unit": (UNIT, [ace(1100, 0x1)]),
    "passwords of people in a unit": (UNIT, [ace(1100, CONTROL, access.RESET_PASSWORD, heirs=access.CLASSES["user"], flags=0x0A)]),
    "people who are no administrators": ("eve", [ace(1101, FULL)]),
}


@pytest.mark.parametrize("case", SOUND)
def test_what_does_not(case: str) -> None:
    over, entries = SOUND[case]
    more = [group("empty", 1300), group("rulers", 1301, "Administrator")]
    assert found({over: acl(*entries)}, DC, units=[UNIT], groups=more) == {"others": "pass"}


def test_a_denial_after_the_grant_comes_too_late() -> None:
    assert names({BASE: acl(ace(1100, FULL), ace(1100, FULL, kind=ad.DENY))}) == {"eve"}


def test_owners_may_always_change_the_list() -> None:
    assert names({BASE: acl(owner=1100)}) == {"eve"}
    assert names({BASE: acl(ace(1100, WRITE_DAC, kind=ad.DENY), owner=1100)}) == {"eve"}
    assert names({BASE: acl(ace("S-1-3-4", 0x20000), owner=1100)}) == set()  # OWNER RIGHTS takes it away
    assert names({BASE: acl(ace("S-1-3-4", WRITE_OWNER), owner=1100)}) == {"eve"}


def test_no_list_is_everybody_and_an_empty_one_nobody() -> None:
    assert names({BASE: acl(control=0x8000)}) == {"Everyone"}
    assert names({BASE: acl(empty=True)}) == set()


def test_groups_count_for_who_is_in_them() -> None:
    assert names({BASE: acl(ace(1200, FULL))}) == {"desk"}
    nested = group("outer", 1201, "desk")
    assert names({BASE: acl(ace(1201, FULL))}, groups=[nested]) == {"outer"}
    # one is allowed to the group, the other to everybody: whoever is in both has both
    split = acl(ace(1200, CONTROL, access.GET_CHANGES_ALL), ace("S-1-5-11", CONTROL, access.GET_CHANGES))
    assert names({BASE: split}) == {"desk"}
    apart = acl(ace(1200, CONTROL, access.GET_CHANGES_ALL), ace(1101, CONTROL, access.GET_CHANGES))
    assert names({BASE: apart}) == {"help"}
    spared = acl(ace(1101, FULL, kind=ad.DENY), ace(1200, FULL))
    assert names({BASE: spared}) == set()


def test_everybody_may_not() -> None:
    assert names({"Domain Admins": acl(ace("S-1-5-11", WRITE, access.MEMBER))}) == {"Authenticated Users"}
    assert names({"Domain Admins": acl(ace(513, WRITE, access.MEMBER))}) == {"Domain Users"}


def test_a_controllers_group_shelters_only_controllers() -> None:
    controllers = group("Domain Controllers", 516)
    grant = {BASE: acl(ace(516, CONTROL))}
    assert names(grant, DC, groups=[controllers]) == set()
    assert names(grant, DC, groups=[group("Domain Controllers", 516, "eve")]) == {"Domain Controllers"}


def test_holders_are_followed() -> None:
    lists = {BASE: acl(ace(1200, FULL)), "desk": acl(ace(1100, WRITE, access.MEMBER))}
    assert found(lists) == {f"desk → {normal(BASE)}": "fail", f"eve → {normal(dn('desk'))}": "fail"}
    lists = {BASE: acl(ace(1101, FULL)), "help": acl(ace(1100, CONTROL, access.RESET_PASSWORD))}
    assert names(lists) == {"help", "eve"}


def test_policy_objects_that_run_on_controllers() -> None:
    gpo, unit = f"CN={{1}},CN=Policies,CN=System,{BASE}", f"OU=Domain Controllers,{BASE}"
    controller = (f"CN=DC1,{unit}", computer("DC1$", 1000, 0x82000)[1])

    def given(options: int, writer: bytes) -> set[str]:
        directory = active_directory(
            EVE, controller, units=[unit], lists={gpo: acl(writer)},
            links=[(unit, {"gPLink": [f"[LDAP://{gpo};{options}]"], "objectClass": ["organizationalUnit"]})],
            guarded=[ad.guarded(name, acl(), "x") for name in (*map(dn, ("Administrator", "eve", "DC0$")), controller[0], ad.USERS)]
            + [ad.guarded(f"CN=Builtin,{BASE}", acl(), "builtinDomain")]
            + [ad.guarded(name, acl(), "group") for name, _ in ad.GROUPS] + [ad.guarded(gpo, acl(writer), "groupPolicyContainer")],
        )  # fmt: skip
        return {subject for subject, verdict in verdicts(run(directory_control, directory)).items() if verdict != "pass"}

    assert given(0, ace(1100, WRITE)) == {f"eve → {normal(gpo)}"}
    assert given(2, ace(1100, WRITE_DAC)) == {f"eve → {normal(gpo)}"}
    assert given(1, ace(1100, WRITE)) == set()  # the link is switched off
    assert given(0, ace(1100, 0x20094)) == set()


def test_what_was_not_shown_is_unknown() -> None:
    for over in (BASE, HOLDER, "Domain Admins", "Administrator", ad.DNS, ad.CONFIGURATION):
        assert found({over: None}) == {"others": "unknown"}, over
        assert found({over: b"garbage"}) == {"others": "unknown"}, over
    for search in ("descriptors", "guarded", "configuration", "schema", "groups", "accounts"):
        assert found({}, results={search: 4})["others"] == "unknown", search
    assert found({BASE: acl(ace(1100, FULL)), HOLDER: None}) == {f"eve → {normal(BASE)}": "fail", "others": "unknown"}
    assert found({BASE: acl(ace(4711, FULL))}, results={"accounts": 4})["others"] == "unknown"  # it may be one that was cut


def test_conditions_are_not_judged() -> None:
    assert found({BASE: acl(ace(1100, FULL, kind=ad.ALLOW_CALLBACK))}) == {"others": "unknown"}
    assert found({BASE: acl(ace(1100, FULL, kind=ad.DENY_CALLBACK), ace(1100, FULL))}) == {"others": "unknown"}
    assert found({BASE: acl(ace(1100, FULL, kind=4))})["others"] == "unknown"


def test_declared_holders_pass() -> None:
    directory = active_directory(EVE, lists={BASE: acl(ace(1100, FULL))})
    assert verdicts(run(directory_control, directory, declared=("EVE",))) == {f"eve → {normal(BASE)}": "pass", "others": "pass"}


def test_the_entry_that_grants_is_shown() -> None:
    outcome = run(directory_control, active_directory(EVE, lists={BASE: acl(ace(1100, CONTROL), ace(1100, WRITE_DAC))}))[0]
    assert outcome.seen == "AllExtendedRights, WriteDacl"
    assert [line.text for line in outcome.because] == [
        "nTSecurityDescriptor: entry 2 allows S-1-5-21-10-20-30-1100 0x100",
        "nTSecurityDescriptor: entry 3 allows S-1-5-21-10-20-30-1100 0x40000",
    ]


def test_readers_of_a_managed_administrators_password() -> None:
    readers = {"msDS-GroupMSAMembership": acl(ace(1100, 0xF01FF), empty=True)}
    managed = computer("svc$", 1200, objectClass=["top", "computer", "msDS-GroupManagedServiceAccount"], **readers)
    assert names({}, managed, groups=[group("x", 518, "svc$")]) == {"eve"}
    assert names({}, managed) == set()  # it rules nothing


def test_a_past_identity_is_an_identity() -> None:
    ruler = user("old", 1300, sIDHistory=[ad.sid(512)])
    directory = active_directory(ruler)
    assert {admin.account.name for admin in directory.admins.members} == {"Administrator", "old"}
    through = active_directory(user("old", 1300), groups=[group("past", 1301, "old", sIDHistory=[ad.sid("S-1-5-32-544")])])
    assert {admin.account.name for admin in through.admins.members} == {"Administrator", "old"}


def test_parts_ask_only_about_some() -> None:
    directory = active_directory(EVE, DC, lists={BASE: acl(ace(1100, FULL)), HOLDER: acl(ace(1100, FULL)), "DC1$": acl(ace(1100, FULL))})
    for part, over in (("domain", BASE), ("holder", HOLDER), ("controller", "DC1$")):
        outcomes = verdicts(run(directory_control, directory, parts=(part,)))
        assert outcomes == {f"eve → {normal(dn(over))}": "fail"}, part
    assert verdicts(run(directory_control, directory, parts=("gpo",))) == {"others": "pass"}
