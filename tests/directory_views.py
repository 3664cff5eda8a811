"""A directory whose answers are given: for what a check makes of them, whatever product they came from. Products are tried in tests/directories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sovaudit.facts.directories.model import Account, Admin, Admins, Applied, Factor, Group, Kind, PasswordPolicy, Unmodelled
from sovaudit.facts.directory import Directory
from sovaudit.facts.parse.ldap_times import Special
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason
from sovaudit.testing import directory_with

HIDDEN = Gap("attribute:secret", Reason.DENIED)
GOOD = PasswordPolicy("cn=policy", 12, 3, 5, 365, 5, 900, (Line("cn=policy", 0, "pwdMinLength: 12"),))


def account(name: str, *, enabled: bool | Gap = True, kind: Kind = Kind.PERSON, **more: object) -> Account:
    return Account(f"key-{name}", name, f"uid={name},dc=example,dc=org", kind, enabled, last_login=Special.NEVER, **more)  # type: ignore[arg-type]


class Given(Unmodelled):
    def __init__(
        self,
        accounts: Iterable[Account],
        admins: Admins,
        policies: Sequence[Applied],
        factors: Mapping[str, Factor],
        groups: Iterable[Group],
    ) -> None:
        self._accounts, self._admins, self._policies = tuple(accounts), admins, policies
        self._factors, self._groups = factors, tuple(groups)

    def accounts(self) -> Iterable[Account]:
        return self._accounts

    def groups(self) -> Iterable[Group]:
        return self._groups

    def admins(self) -> Admins:
        return self._admins

    def policies(self) -> Sequence[Applied]:
        return self._policies

    def factor(self, account: Account) -> Factor:
        return self._factors.get(account.name, Factor(HIDDEN, HIDDEN))


def given(
    accounts: Iterable[Account] = (),
    *,
    admins: Iterable[Account] = (),
    unseen_admins: Iterable[Gap] = (),
    bypass: Iterable[Line] = (),
    policies: Sequence[Applied] = (),
    factors: Mapping[str, Factor] | None = None,
    groups: Iterable[Group] = (),
    results: Mapping[str, int] | None = None,
) -> Directory:
    directory = directory_with(results=results)
    rulers = tuple(Admin(one, (Line("cn=admins", 0, f"member: {one.dn}"),), "admins") for one in admins)
    known = Admins(rulers, tuple(unseen_admins), tuple(bypass))
    directory.__dict__["view"] = Given([*accounts, *admins], known, policies, factors or {}, groups)
    return directory


def under(policy: PasswordPolicy | Gap, count: int = 2) -> tuple[Applied, ...]:
    return (Applied(policy, tuple(account(f"user{n}") for n in range(count))),)


CONFIG_RULE = "{0}to * by dn.exact=cn=auditor read"


def slapd_config(
    *access: str,
    frontend: Iterable[str] = (),
    database: Mapping[str, Sequence[str]] | None = None,
    overlays: Iterable[Mapping[str, Sequence[str]]] = (),
    settings: Mapping[str, Sequence[str]] | None = None,
    more: Iterable[tuple[str, Mapping[str, Sequence[str]]]] = (),
) -> list[tuple[str, Mapping[str, Sequence[str]]]]:
    """cn=config of a slapd that shows all of it to cn=auditor. access: rules of the main database; database, settings: further attributes."""
    main = "olcDatabase={1}mdb,cn=config"
    return [
        ("cn=config", {"objectClass": ["olcGlobal"], **(settings or {})}),
        ("olcDatabase={-1}frontend,cn=config", {"objectClass": ["olcFrontendConfig"], "olcDatabase": ["{-1}frontend"], "olcAccess": list(frontend)}),
        ("olcDatabase={0}config,cn=config", {"objectClass": ["olcDatabaseConfig"], "olcDatabase": ["{0}config"], "olcAccess": [CONFIG_RULE]}),
        (main, {"objectClass": ["olcMdbConfig"], "olcDatabase": ["{1}mdb"], "olcSuffix": ["dc=example,dc=org"], "olcAccess": list(access),
                "olcRootDN": ["cn=admin,dc=example,dc=org"], **(database or {})}),
        *((f"olcOverlay={one['olcOverlay'][0]},{main}", {"objectClass": ["olcOverlayConfig"], **one}) for one in overlays),
        *more,
    ]  # fmt: skip


def locking_slapd() -> dict[str, list[tuple[str, Mapping[str, Sequence[str]]]]]:
    """Searches of a slapd whose policy locks and which records logins, shown whole: for `directory_with(**locking_slapd(), accounts=…)`."""
    policy = "cn=policy,dc=example,dc=org"
    lock = {"olcOverlay": ["{0}ppolicy"], "olcPPolicyDefault": [policy]}
    attributes = {"objectClass": ["pwdPolicy"], "pwdLockout": ["TRUE"], "pwdMaxFailure": ["5"], "pwdLockoutDuration": ["900"]}
    database = {"olcLastBind": ["TRUE"]}
    return {
        "config": slapd_config("{0}to * by dn.exact=cn=auditor read", overlays=[lock], database=database),
        "policies": [(policy, attributes)],
    }
