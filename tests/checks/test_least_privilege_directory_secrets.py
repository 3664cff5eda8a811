"""The directory's own secrets are young, nobody adds machines, and the guest is off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sovaudit.content.checks.least_privilege.directory_secrets import directory_secrets

from sovaudit.facts.directory import Directory
from sovaudit.facts.parse.ldap_times import Special
from sovaudit.testing import NOW, run, verdicts
from tests import ad
from tests.ad import active_directory, computer, domain, group, user
from tests.directory_views import account, given

QUOTA = "ms-DS-MachineAccountQuota"


def days(count: int) -> int:
    moment = NOW - timedelta(days=count)
    return int((moment - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000


def world(key: int = 10, admin: object = 10, guest: int | None = 514, quota: object = 0, **more: object) -> Directory:
    changed = days(admin) if isinstance(admin, int) and admin else admin
    return active_directory(
        user("krbtgt", 502, 514, pwdLastSet=days(key)), user("Gast", 501, guest), user("boss", 1100, pwdLastSet=changed),
        groups=[group("Admins", 518, "boss")], head=domain(ms_DS_MachineAccountQuota=quota), **more,
    )  # type: ignore[arg-type]  # fmt: skip


def found(directory: Directory, **knobs: object) -> dict[str, str]:
    return {name: verdict for name, verdict in verdicts(run(directory_secrets, directory, **knobs)).items() if name != "Administrator"}


def test_a_young_domain_passes() -> None:
    assert found(world()) == {"krbtgt": "pass", "Gast": "pass", QUOTA: "pass", "boss": "pass"}


def test_both_sides_of_each_limit() -> None:
    for age, verdict in ((365, "pass"), (366, "fail")):
        assert found(world(key=age))["krbtgt"] == verdict
        assert found(world(admin=age))["boss"] == verdict
    assert found(world(key=181), max_key_days=180)["krbtgt"] == "fail"
    assert found(world(quota=10))[QUOTA] == "fail"
    assert found(world(quota=10), machines=10)[QUOTA] == "pass"
    assert found(world(guest=512))["Gast"] == "fail"


def test_a_password_that_must_change_is_no_old_one() -> None:
    assert found(world(admin=0))["boss"] == "pass"


def test_machines_and_managed_accounts_change_their_own() -> None:
    old = {"pwdLastSet": days(3000)}
    managed = computer("svc$", 1200, objectClass=["top", "computer", "msDS-GroupManagedServiceAccount"], **old)
    directory = active_directory(managed, computer("PC$", 1201, **old), groups=[group("Admins", 518, "svc$", "PC$")])
    assert not {"svc$", "PC$"} & set(verdicts(run(directory_secrets, directory)))


def test_the_guest_is_known_by_its_number() -> None:
    named = active_directory(user("Guest", 1100), user("Gast", 501, 514))
    assert verdicts(run(directory_secrets, named))["Gast"] == "pass"


def test_what_was_not_shown_is_unknown() -> None:
    assert found(world(quota=None))[QUOTA] == "unknown"
    assert found(world(guest=None))["Gast"] == "unknown"
    assert found(world(admin=None))["boss"] == "unknown"
    nothing = verdicts(run(directory_secrets, active_directory()))
    assert nothing["krbtgt"] == nothing["Guest"] == "unknown"
    assert found(world(results={"accounts": 4}))[""] == "unknown"
    assert found(world(lists={ad.BASE: None}))["administrators"] == "unknown"


def test_other_products_have_administrators() -> None:
    fresh = account("fresh", password_set=NOW - timedelta(days=365))
    old = account("old", password_set=NOW - timedelta(days=366))
    unseen, forced = account("unseen"), account("forced", password_set=Special.MUST_CHANGE)
    assert found(given(admins=[fresh, old, unseen, forced])) == {"fresh": "pass", "old": "fail", "unseen": "unknown", "forced": "pass"}
    assert found(given()) == {"": "not_applicable"}


def test_further_questions_are_asked_only_if_chosen() -> None:
    controller = computer("DC1$", 1000, 0x82000, primaryGroupID=516, pwdLastSet=days(46))
    card = user("card", 1100, 0x40200)
    anonymous = f"CN=S-1-5-7,CN=ForeignSecurityPrincipals,{ad.BASE}"
    old = group("Pre-Windows 2000", "S-1-5-32-554", anonymous, kind=ad.BUILTIN)
    foreign = [(anonymous, {"objectSid": [ad.sid("S-1-5-7")]})]
    questions = ("controllers", "smart-cards", "strangers")
    name, rolls = "Pre-Windows 2000 Compatible Access", "msDS-ExpirePasswordsOnSmartCardOnlyAccounts"

    def asked(*accounts: ad.Entry, **more: object) -> dict[str, str]:
        found = verdicts(run(directory_secrets, active_directory(*accounts, **more), questions=questions))  # type: ignore[arg-type]
        return {name: verdict for name, verdict in found.items() if name != "DC0$"}

    assert asked(controller, card, groups=[old], foreign=foreign) == {"DC1$": "fail", name: "fail", rolls: "unknown"}
    sound = computer("DC1$", 1000, 0x82000, primaryGroupID=516, pwdLastSet=days(45))
    clean = group("Pre-Windows 2000", "S-1-5-32-554", kind=ad.BUILTIN)
    head = domain(msDS_ExpirePasswordsOnSmartCardOnlyAccounts="TRUE")
    assert asked(sound, card, groups=[clean], head=head) == {"DC1$": "pass", name: "pass", rolls: "pass"}
    off = domain(msDS_ExpirePasswordsOnSmartCardOnlyAccounts="FALSE")
    assert asked(card, groups=[clean], head=off)[rolls] == "fail"
    assert rolls not in asked(groups=[clean])
    assert asked() == {name: "unknown"}
    assert verdicts(run(directory_secrets, given(), questions=questions)) == {"": "not_applicable"}
