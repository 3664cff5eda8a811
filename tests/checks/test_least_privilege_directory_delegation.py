"""No account may act as anybody, and no administrator's password can be tried offline."""

from __future__ import annotations

from sovaudit.content.checks.least_privilege.directory_delegation import directory_delegation

from sovaudit.facts.directory import Directory
from sovaudit.testing import directory_with, run, verdicts
from tests import ad
from tests.ad import ace, acl, active_directory, computer, group, user

DC = computer("DC1$", 1000, 0x82000, primaryGroupID=516, servicePrincipalName=["HOST/dc1.lab.test", "ldap/dc1.lab.test/lab.test"])
UNCONSTRAINED, TRANSITION, NO_PREAUTH, SENSITIVE = 0x80000, 0x1000000, 0x400000, 0x100000
SOUND = dict.fromkeys(
    ("unconstrained", "controller", "controller-transition", "transition", "resource", "service-ticket", "no-preauthentication"), "pass"
)


def found(*accounts: ad.Entry, **more: object) -> dict[str, str]:
    knobs = {name: more.pop(name) for name in ("declared", "questions", "administrators") if name in more}
    return verdicts(run(directory_delegation, active_directory(DC, *accounts, **more), **knobs))  # type: ignore[arg-type]


def fails(*accounts: ad.Entry, **more: object) -> dict[str, str]:
    directory = active_directory(DC, *accounts, **more)  # type: ignore[arg-type]
    return {outcome.subject: outcome.seen for outcome in run(directory_delegation, directory) if outcome.verdict.value == "fail"}


def test_controllers_alone_may_be_trusted_for_everything() -> None:
    assert found() == SOUND
    assert fails(computer("WEB$", 1100, 0x1000 | UNCONSTRAINED)) == {"WEB$": "unconstrained"}
    assert fails(user("svc", 1101, 0x200 | UNCONSTRAINED)) == {"svc": "unconstrained"}
    assert fails(user("off", 1102, 0x202 | UNCONSTRAINED)) == {}
    assert fails(user("DC2$", 1103, 0x2000 | UNCONSTRAINED)) == {"DC2$": "unconstrained"}  # a user with a machine's flag is none
    assert fails(computer("RODC$", 1104, 0x5001000, msDS_AllowedToDelegateTo="http/x")) == {}


def test_delegation_to_named_services() -> None:
    far, near, other = "http/intranet.lab.test", "cifs/DC1.lab.test:445", "ldap/dc1"
    assert fails(computer("WEB$", 1100, msDS_AllowedToDelegateTo=[far])) == {}
    assert fails(computer("WEB$", 1100, msDS_AllowedToDelegateTo=[far, near])) == {"WEB$": "controller"}
    assert fails(computer("WEB$", 1100, msDS_AllowedToDelegateTo=[other])) == {"WEB$": "controller"}
    assert fails(computer("WEB$", 1100, msDS_AllowedToDelegateTo=["krbtgt/LAB"])) == {"WEB$": "controller"}
    assert fails(computer("WEB$", 1100, 0x1000 | TRANSITION, msDS_AllowedToDelegateTo=[far])) == {"WEB$": "transition"}
    assert fails(computer("WEB$", 1100, 0x1000 | TRANSITION, msDS_AllowedToDelegateTo=[near])) == {"WEB$": "controller-transition"}
    assert fails(computer("WEB$", 1100, 0x1000 | TRANSITION)) == {}  # to nothing


def test_a_service_of_an_administrator_counts_as_one_on_a_controller() -> None:
    admin = user("boss", 1100, servicePrincipalName="mssql/db")
    assert fails(admin, computer("WEB$", 1101, msDS_AllowedToDelegateTo=["MSSQL/DB"]), groups=[group("x", 518, "boss")]) == {
        "boss": "service-ticket", "WEB$": "controller",
    }  # fmt: skip


def test_who_may_act_as_anybody_to_a_machine() -> None:
    def rbcd(*entries: bytes) -> bytes:
        return acl(*entries, empty=True)

    def controller(data: bytes) -> ad.Entry:
        return computer("DC2$", 1001, 0x82000, primaryGroupID=516, **{"msDS-AllowedToActOnBehalfOfOtherIdentity": data})

    plain = user("eve", 1100)
    key = "msDS-AllowedToActOnBehalfOfOtherIdentity"
    assert fails(plain, controller(rbcd(ace(1100, 0xF01FF)))) == {"DC2$": "resource"}
    assert fails(plain, controller(rbcd(ace(1000, 0xF01FF)))) == {}  # another controller
    assert fails(plain, controller(rbcd(ace(4711, 0xF01FF)))) == {}  # nobody any more
    assert fails(plain, computer("PC$", 1101, **{key: rbcd(ace(1100, 0xF01FF))})) == {}
    assert fails(plain, computer("PC$", 1101, **{key: rbcd(ace("S-1-1-0", 0xF01FF))})) == {"PC$": "resource"}
    assert fails(plain, computer("PC$", 1101, **{key: rbcd(ace(515, 0xF01FF))})) == {"PC$": "resource"}
    assert fails(plain, user("boss", 1102, **{key: rbcd(ace(1100, 0xF01FF))}), groups=[group("x", 518, "boss")]) == {"boss": "resource"}


def test_passwords_that_can_be_tried_offline() -> None:
    rulers = [group("x", 518, "boss", "off", "svc$")]
    spn = {"servicePrincipalName": "http/x"}
    assert fails(user("boss", 1100, **spn), groups=rulers) == {"boss": "service-ticket"}
    assert fails(user("off", 1100, 514, **spn), groups=rulers) == {}
    assert fails(user("plain", 1100, **spn), groups=rulers) == {}
    managed = computer("svc$", 1101, objectClass=["top", "computer", "msDS-GroupManagedServiceAccount"], **spn)
    assert fails(managed, groups=rulers) == {}
    assert fails(user("krbtgt", 502, 514, **spn)) == {}
    assert fails(user("weak", 1100, 0x200 | NO_PREAUTH)) == {"weak": "no-preauthentication"}
    assert fails(user("boss", 1100, 0x200 | NO_PREAUTH, **spn), groups=rulers) == {
        "boss": "service-ticket", "boss: no-preauthentication": "no-preauthentication",
    }  # fmt: skip


def test_an_administrator_by_right_counts() -> None:
    lists = {ad.BASE: acl(ace(1100, 0xF01FF))}
    assert fails(user("eve", 1100, servicePrincipalName="http/x"), lists=lists) == {"eve": "service-ticket"}


def test_administrators_that_cannot_be_delegated() -> None:
    guarded, plain = user("boss", 1100, 0x200 | SENSITIVE), user("boss", 1100)
    rulers = [group("x", 518, "boss"), group("Protected Users", 525, "boss")]
    head: dict[str, object] = {"questions": ("delegable",)}
    assert found(guarded, groups=rulers[:1], **head)["Administrator"] == "fail"
    assert "boss" not in found(guarded, groups=rulers[:1], **head)
    assert "boss" not in found(plain, groups=rulers, **head)
    assert found(plain, groups=rulers, level=5, **head)["boss"] == "fail"
    assert found(plain, groups=rulers[:1], **head)["boss"] == "fail"


def test_declared_accounts_pass_but_not_to_a_controller() -> None:
    one = computer("WEB$", 1100, 0x1000 | UNCONSTRAINED)
    assert found(one, declared=("web$",))["WEB$"] == "pass"
    near = computer("WEB$", 1100, msDS_AllowedToDelegateTo=["cifs/dc1"])
    assert found(near, declared=("web$",))["WEB$"] == "fail"


def test_what_was_not_shown_is_unknown() -> None:
    blind = user("blind", 1100, None)
    assert set(found(blind).values()) == {"unknown"}
    nameless = user("a", 1100, objectClass=None)
    assert found(nameless)["service-ticket"] == found(nameless)["controller"] == "unknown"
    assert found(nameless)["unconstrained"] == "pass"
    assert set(found(results={"accounts": 4}).values()) == {"unknown"}
    assert found(lists={ad.BASE: None})["service-ticket"] == "unknown"


def test_products_without_kerberos() -> None:
    for product in ("openldap", "389"):
        directory: Directory = directory_with(product=product)
        assert verdicts(run(directory_delegation, directory)) == {"": "not_applicable"}


def test_only_administrators_may_be_asked_about() -> None:
    plain, boss = user("plain", 1100, 0x200 | NO_PREAUTH), user("boss", 1101, 0x200 | NO_PREAUTH)
    asked = {"questions": ("no-preauthentication",), "administrators": True}
    assert found(plain, **asked) == {"no-preauthentication": "pass"}
    assert found(plain, boss, groups=[group("x", 518, "boss")], **asked) == {"boss": "fail"}
    assert found(plain, lists={ad.BASE: None}, **asked) == {"no-preauthentication": "unknown"}
