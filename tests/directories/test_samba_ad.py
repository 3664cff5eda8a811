"""A real Samba AD DC: what we say of it is what it says of itself."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sovaudit.content.checks.password_policy.directory_min_length import directory_min_length

from sovaudit.facts.directories.model import Kind
from sovaudit.facts.directory import Directory
from sovaudit.facts.parse.dn import first_value, normal
from sovaudit.facts.parse.ldap_times import Special
from sovaudit.facts.parse.sid import sid_text
from sovaudit.model.evidence import Gap
from sovaudit.testing import run, verdicts
from tests import samba_ad
from tests.directories import planted as noted
from tests.samba_ad import BASE, PASSWORD, Samba, samba

pytestmark = pytest.mark.samba
USERS = f"CN=Users,{BASE}"
CONTAINER = f"CN=Password Settings Container,CN=System,{BASE}"
GLOBAL, LOCAL, UNIVERSAL, MAIL = -2147483646, -2147483644, -2147483640, 2
DAY = 864000000000
NAMES = ("alice bob carol dave eve frank grace heidi ivan judy mallory nina oscar peggy rupert sybil trent victor walter auditor").split()


def dn(name: str) -> str:
    return f"CN={name},{USERS}"


def group(name: str, *members: str, kind: int = GLOBAL) -> list[object]:
    return [
        "add",
        dn(name),
        {"objectClass": ["group"], "sAMAccountName": [name], "groupType": [kind], "member": [dn(one) for one in members]},
    ]


def nest(outer: str, inner: str) -> list[object]:
    return ["modify", dn(outer), {"+member": [dn(inner)]}]


def settings(name: str, precedence: int, length: int, *targets: str, age: int = -42 * DAY, complexity: str = "TRUE") -> list[object]:
    attributes: dict[str, list[object]] = {
        "objectClass": ["msDS-PasswordSettings"], "msDS-PasswordSettingsPrecedence": [precedence], "msDS-MinimumPasswordLength": [length],
        "msDS-PasswordComplexityEnabled": [complexity], "msDS-PasswordHistoryLength": [5], "msDS-MaximumPasswordAge": [age],
        "msDS-MinimumPasswordAge": [0], "msDS-LockoutThreshold": [5], "msDS-LockoutDuration": [-18000000000],
        "msDS-LockoutObservationWindow": [-18000000000], "msDS-PasswordReversibleEncryptionEnabled": ["FALSE"],
    }  # fmt: skip
    if targets:
        attributes["msDS-PSOAppliesTo"] = [dn(one) for one in targets]
    return ["add", f"CN={name},{CONTAINER}", attributes]


PLANTED: list[object] = [
    *(["user", name, PASSWORD, {}, ""] for name in NAMES),
    # groups within groups, a cycle, other kinds of groups, a primary group
    group("inner", "bob", "eve"), group("outer", "heidi"), nest("outer", "inner"), nest("inner", "outer"),
    group("local", "carol", kind=LOCAL), group("universal", "dave", kind=UNIVERSAL), group("mail", "frank", kind=MAIL), nest("outer", "mail"),
    group("staff", "victor"), group("ring", "trent"), nest("local", "staff"),
    group("rulers", "ivan"), nest("Domain Admins", "rulers"),
    group("letters", "grace", kind=MAIL), nest("Domain Admins", "letters"),  # distribution: grants nothing
    ["modify", dn("Domain Admins"), {"+member": [dn("judy")]}],
    ["modify", dn("judy"), {"=primaryGroupID": ["512"]}],
    ["modify", f"CN=Backup Operators,CN=Builtin,{BASE}", {"+member": [dn("mallory")]}],
    # settings objects: direct beats group, then precedence; one for nobody, one through a distribution group, one linked to a primary group
    settings("pso-outer", 10, 14, "outer"), settings("pso-local", 5, 6, "local"), settings("pso-universal", 6, 7, "universal", "alice"),
    settings("pso-eve", 20, 20, "eve"), settings("pso-nobody", 1, 3), settings("pso-mail", 1, 8, "mail"),
    settings("pso-admins", 2, 16, "Domain Admins", age=-0x8000000000000000), settings("pso-two", 30, 9, "alice", complexity="FALSE"),
    settings("pso-builtin", 1, 15), # of Builtin: it is in the token, and carries nothing
    ["modify", f"CN=pso-builtin,{CONTAINER}", {"+msDS-PSOAppliesTo": [f"CN=Backup Operators,CN=Builtin,{BASE}"]}],
    *(settings(f"tie-{number}", 40, 10 + number, "walter") for number in range(6)),  # the smallest GUID, byte by byte
    # states of accounts
    ["modify", dn("trent"), {"=logonHours": [{"hex": "00" * 21}]}], ["modify", dn("ivan"), {"=logonHours": [{"hex": "00" * 20 + "01"}]}],
    ["modify", dn("nina"), {"=userAccountControl": ["514"]}],
    ["modify", dn("oscar"), {"=accountExpires": ["132000000000000000"]}],
    ["modify", dn("peggy"), {"=accountExpires": ["0"], "=pwdLastSet": ["0"]}],
    ["modify", dn("rupert"), {"=userAccountControl": [str(0x200 | 0x10000 | 0x20)]}],
    ["modify", dn("sybil"), {"=userAccountControl": [str(0x200 | 0x40000)]}],
]  # fmt: skip


@dataclass(frozen=True)
class World:
    server: Samba
    as_admin: Directory
    as_user: Directory


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with samba(PLANTED) as server:
        yield World(server, Directory(server.collect()), Directory(server.collect("auditor@lab.test", PASSWORD)))


def enabled(directory: Directory) -> dict[str, bool | Gap]:
    return {account.name: account.enabled for account in directory.accounts}


def test_it_is_provisioned_once() -> None:
    assert samba_ad.provisioned() == samba_ad.provisioned()


def test_accounts_are_told_apart_by_type_and_rid(world: World) -> None:
    for directory in (world.as_admin, world.as_user):
        by_name = {account.name: account for account in directory.accounts}
        assert {name: one.kind for name, one in by_name.items() if one.kind is not Kind.PERSON} == {
            "Administrator": Kind.BUILTIN, "Guest": Kind.BUILTIN, "krbtgt": Kind.BUILTIN, "DC1$": Kind.MACHINE,
        }  # fmt: skip
        assert set(by_name) == {*NAMES, "Administrator", "Guest", "krbtgt", "DC1$"}
        assert by_name["alice"].key == world.server.answers[0]


def test_who_is_enabled(world: World) -> None:
    for directory in (world.as_admin, world.as_user):
        state = enabled(directory)
        assert {name for name, is_on in state.items() if is_on is False} == {"Guest", "krbtgt", "nina", "oscar", "trent"}
        assert not [name for name, is_on in state.items() if isinstance(is_on, Gap)]
    # the server's own word: who cannot log in although the password is right
    for name in ("nina", "oscar", "alice", "trent"):
        let_in = world.server.lets_in(f"{name}@lab.test", PASSWORD)
        assert let_in is state[name]


def test_times_that_are_no_times(world: World) -> None:
    by_name = {account.name: account for account in world.as_admin.accounts}
    assert by_name["peggy"].password_set is Special.MUST_CHANGE
    assert by_name["peggy"].expires is by_name["alice"].expires is Special.NEVER
    assert by_name["Guest"].password_set is Special.UNKNOWN  # never expires, so 0 demands nothing
    assert by_name["bob"].last_login is Special.NEVER
    assert by_name["Administrator"].login_lag_days == 14


def test_groups_hold_whom_the_server_puts_into_its_tokens(world: World) -> None:
    """tokenGroups is the server's own closure: security groups, nested, primary ones included."""
    directory = world.as_admin
    domain = directory.view.domain_sid  # type: ignore[attr-defined]
    for account in directory.accounts:
        tokens = {sid_text(base64.b64decode(value)) for value in world.server.values(account.dn, "tokenGroups")}
        ours = {
            group.key for group in directory.groups
            if directory.groups.contains(group.dn, account.dn) and directory.view.kinds[group.dn].security  # type: ignore[attr-defined]
        }  # fmt: skip
        assert {sid for sid in tokens if sid.startswith((domain, "S-1-5-32-"))} == ours, account.name


def test_policies_are_the_servers_own_answer(world: World) -> None:
    seen: dict[str, str] = {}
    for applied in world.as_admin.policies:
        assert not isinstance(applied.policy, Gap)
        for account in applied.accounts:
            seen[account.name] = applied.policy.name.partition(" (")[0]
    assert len(seen) == 18  # without nina, oscar, trent, Guest, krbtgt and DC1$
    for name, policy in seen.items():
        answer = world.server.values(dn(name), "msDS-ResultantPSO")
        assert policy == (normal(answer[0]) if answer else normal(BASE)), name
    assert {"pso-outer", "pso-local", "pso-universal", "pso-eve", "pso-admins"} == {
        first_value(one) for one in seen.values() if "tie-" not in one
    } - {"lab"}


def test_what_the_policies_demand(world: World) -> None:
    found = {applied.policy.name: applied.policy for applied in world.as_admin.policies if not isinstance(applied.policy, Gap)}
    head = found[normal(BASE)]
    assert (head.min_length, head.min_classes, head.history, head.max_age_days, head.attempts, head.unlock_seconds) == (
        7,
        3,
        24,
        42,
        None,
        None,
    )
    admins = found[normal(f"CN=pso-admins,{CONTAINER}")]
    assert (admins.min_length, admins.max_age_days, admins.attempts, admins.unlock_seconds) == (16, None, 5, 1800)
    exempt = found[f"{normal(BASE)} (DONT_EXPIRE_PASSWORD)"]
    assert (exempt.min_length, exempt.max_age_days) == (
        7,
        None,
    )  # rupert needs no password, and Samba asks for seven characters all the same


def password(text: str) -> str:
    return base64.b64encode(f'"{text}"'.encode("utf-16-le")).decode()


@pytest.mark.parametrize(
    ("name", "length", "classes"), [("heidi", 14, 3), ("eve", 20, 3), ("alice", 7, 3), ("rupert", 7, 3), ("victor", 6, 3)]
)
def test_the_server_refuses_what_we_say_it_refuses(world: World, name: str, length: int, classes: int) -> None:
    """Both sides of the length, set by an administrator, whom the same policy binds; and a long password of too few kinds of characters."""
    policy = next(one.policy for one in world.as_admin.policies if name in {account.name for account in one.accounts})
    assert not isinstance(policy, Gap) and (policy.min_length, policy.min_classes) == (length, classes)

    def takes(text: str) -> bool:
        change = f"dn: {dn(name)}\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: {password(text)}\n"
        return world.server.changes(change)

    right = ("Zq7" + "x9Kw" * 6)[:length]
    assert not takes(right[:-1])
    assert not takes("zqx" * 9)
    assert takes(right)
    answers = verdicts(run(directory_min_length, world.as_admin))
    noted.note(
        "Samba AD", noted.ADMINISTRATOR, directory_min_length.id, really="fail" if length < 12 else "pass", said=answers[policy.name]
    )
    assert answers[policy.name] == ("fail" if length < 12 else "pass")


def test_an_ordinary_reader_is_never_told_wrong(world: World) -> None:
    """It sees no settings object. Only where the server names one for an account is that known; everything else is unknown, not the default."""
    truth = {account.name: applied.policy for applied in world.as_admin.policies for account in applied.accounts}
    judged = 0
    for applied in world.as_user.policies:
        for account in applied.accounts:
            judged += 1
            if isinstance(applied.policy, Gap):
                continue
            right = truth[account.name]
            assert not isinstance(right, Gap)
            assert applied.policy.name.startswith(("unseen", right.name))
            for field in ("min_length", "min_classes", "history", "max_age_days", "attempts", "unlock_seconds"):
                said = getattr(applied.policy, field)
                assert isinstance(said, Gap) or said == getattr(right, field), (account.name, field)
    assert judged == 18
    assert any(isinstance(applied.policy, Gap) for applied in world.as_user.policies)


def test_administrators_by_any_way_in(world: World) -> None:
    for directory in (world.as_admin, world.as_user):
        found = {admin.account.name: admin.through for admin in directory.admins.members}
        assert set(found) == {"Administrator", "ivan", "judy", "mallory"}
        assert found["mallory"] == "Backup Operators"
    assert not world.as_admin.admins.gaps
    assert [gap.item for gap in world.as_user.admins.gaps] == [f"descriptor:cn=microsoftdns,cn=system,{normal(BASE)}"]
    chain = {admin.account.name: [line.text for line in admin.because] for admin in world.as_admin.admins.members}
    assert chain["ivan"] == [f"member: {normal(dn('rulers'))}", f"member: {normal(dn('ivan'))}"]
    assert chain["judy"] == ["primaryGroupID: 512"]


def test_a_smart_card_is_the_only_factor_that_it_shows(world: World) -> None:
    by_name = {account.name: account for account in world.as_admin.accounts}
    assert world.as_admin.factor(by_name["sybil"]).demanded is True
    assert isinstance(world.as_admin.factor(by_name["alice"]).demanded, Gap)


def test_a_lock_that_only_an_administrator_opens() -> None:
    """lockoutDuration never; and a settings object under which locks may end says nothing for sure of those whom it does not name."""
    forever: dict[str, list[object]] = {"=lockoutDuration": [-0x8000000000000000], "=lockoutThreshold": [3]}
    people: list[object] = [*(["user", name, PASSWORD, {}, ""] for name in ("shut", "open")), ["modify", BASE, forever]]
    with samba(people) as server:
        for name in ("shut", "shut", "shut", "open"):
            assert not server.lets_in(f"{name}@lab.test", "Wrong-Passw0rd!")
        really = {name: server.lets_in(f"{name}@lab.test", PASSWORD) for name in ("shut", "open")}
        assert really == {"shut": False, "open": True}
        state = enabled(Directory(server.collect()))
        assert {name: state[name] for name in really} == really
        reader = enabled(Directory(server.collect("open@lab.test", PASSWORD)))
        assert isinstance(reader["shut"], Gap) and reader["open"] is True  # it is shown no settings object
        change = f"dn: {BASE}\nchangetype: modify\nreplace: lockoutDuration\nlockoutDuration: -18000000000\n"
        assert server.changes(change)
        assert enabled(Directory(server.collect()))["shut"] is True  # locked, for half an hour
