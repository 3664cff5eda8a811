"""389 Directory Server (and Red Hat Directory Server): accounts, roles, policies, access control, logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories.aci import Holds, Rules, combined, user
from sovaudit.facts.directories.ds389_policy import Policies, Settings, on
from sovaudit.facts.directories.ds389_rights import Powers
from sovaudit.facts.directories.ds389_server import recording, storage
from sovaudit.facts.directories.exemptions import by_policy
from sovaudit.facts.directories.model import Account, Admins, Applied, Exempt, Factor, Group, Kind, Recording, Rights, Storage, Unmodelled
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.aci import Bind
from sovaudit.facts.parse.dn import below, first_value, normal
from sovaudit.facts.parse.ldap_times import Moment, Special, generalized
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

MUST_CHANGE = b"19700101000000Z"  # passwordExpirationTime of a password that an administrator set
LOCKED_FOR_EVER = "19700101000000Z"  # what is written where passwordUnlock is off
_PEOPLE = {"person", "inetorgperson", "organizationalperson", "ntuser", "inetuser"}
_FACTOR_PLUGINS = ("pam pass through auth", "ipa otp", "ipa_otp")


class Ds389(Unmodelled):
    """The view of one server."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.settings = Settings(directory)
        self.rules = Rules(directory, lambda: self.ruler or self.stored)

    # What this account may read

    @cached_property
    def stored(self) -> bool:
        """Whether the evidence is a dump of the store: all that is kept is in it, and nothing that the server computes."""
        return self.directory.evidence.identity.get("export", "") in ("db2ldif", "db2ldif, dse.ldif", "slapcat")

    @cached_property
    def bound(self) -> str:
        """Who asked, as a normal DN; empty if it is not known."""
        said = self.directory.evidence.identity.get("bind", "")
        return normal(said.partition(":")[2]) if said.lower().startswith("dn:") else ""

    @cached_property
    def ruler(self) -> bool:
        """Whether who asked is the root DN, from whom nothing is hidden."""
        root = self.settings.get("nsslapd-rootdn")
        return bool(self.bound) and not isinstance(root, Gap) and normal(root) == self.bound

    def reads(self, search: str, attribute: str) -> bool:
        """Whether it is proven that an attribute would be shown where there is one: to the root DN, in a dump, by an entry, by rules."""
        return self.ruler or self.stored or self.directory.shown(search, attribute) or self._granted(attribute.lower())

    def _granted(self, attribute: str) -> bool:
        if attribute not in self._grants:
            self._grants[attribute] = self._allowed(attribute)
        return self._grants[attribute]

    @cached_property
    def _grants(self) -> dict[str, bool]:
        return {}

    def _allowed(self, attribute: str) -> bool:
        """By an instruction over the whole tree, where no deny could take it away and all instructions were shown."""
        if not self.bound or self.directory.result("access") != 0 or self.directory.gap("access") is not None:
            return False
        base = normal(self.directory.evidence.identity.get("base", ""))
        allowed = False
        for rule in self.rules.all:
            if not rule.gives("read") or rule.covers(attribute) is Holds.NO:
                continue
            holds = combined(rule.permission.bind, self._me)
            if not rule.permission.allow and holds is not Holds.NO:
                return False
            whole = rule.covers(attribute) is Holds.YES and not rule.narrow and below(base, rule.base)
            allowed = allowed or (whole and holds is Holds.YES and not rule.conditional and rule.covers("aci") is Holds.YES)
        return allowed and not any(gap.item.startswith(("aci:", "mixed:")) for gap in self.rules.gaps)

    def _me(self, one: Bind) -> Holds:
        """Whether a comparison of a bind rule means who asked; groups are taken at their word, without those within them."""
        if one.keyword == "userdn":
            return max((user(value, self.bound) for value in one.values), default=Holds.NO)
        if one.keyword == "groupdn" and any(normal(value.partition("///")[2]) in self._my_groups for value in one.values):
            return Holds.YES
        return Holds.MAYBE

    @cached_property
    def _my_groups(self) -> frozenset[str]:
        try:
            entries = list(self.directory.entries("groups"))
        except Unseen:
            return frozenset()
        return frozenset(
            normal(entry.dn) for entry in entries for key in ("member", "uniqueMember") if self.bound in map(normal, entry.texts(key))
        )

    # Accounts

    def accounts(self) -> Iterator[Account]:
        logins = self._records_logins
        for (part, at), entry in self.directory.located("accounts"):
            enabled, because = self._enabled(entry)
            login = entry.values("lastLoginTime")
            created = entry.values("createTimestamp")
            account = Account(
                key=entry.text("nsUniqueId") or entry.text("entryUUID") or normal(entry.dn),
                name=entry.text("uid") or entry.text("cn") or first_value(entry.dn),
                dn=normal(entry.dn),
                kind=self._kind(entry),
                enabled=enabled,
                because=because,
                expires=self._expires(entry),
                password_set=self._password_set(entry),
                last_login=generalized(login[0]) if login else Special.NEVER if logins else Special.UNKNOWN,
                created=generalized(created[0]) if created else Special.UNKNOWN,
                uid_number=entry.number("uidNumber"),
                person=entry.text("employeeNumber") or entry.text("mail"),
                part=part,
                at=at,
            )
            if enabled is True and entry.text("accountUnlockTime") == LOCKED_FOR_EVER:
                lasts = Policies(self).locks_for_ever(account)
                if lasts is not False:
                    account.enabled, account.because = (False if lasts is True else lasts), (entry.line("accountUnlockTime"),)
            yield account

    def _kind(self, entry: Entry) -> Kind:
        return Kind.PERSON if entry.classes() & _PEOPLE else Kind.SERVICE

    def _expires(self, entry: Entry) -> Moment:
        return Special.NEVER

    def _enabled(self, entry: Entry) -> tuple[bool | Gap, tuple[Line, ...]]:
        """nsAccountLock, the account's own or one that its role brings: only `true` locks. accountUnlockTime is a lockout that passes,
        unless it says LOCKED_FOR_EVER under a policy that opens nothing by itself (`accounts`).
        """
        if entry.values("nsAccountLock"):
            return entry.text("nsAccountLock").strip().lower() != "true", (entry.line("nsAccountLock"),)
        if self.stored and self._lock_roles:
            for role in entry.texts("nsRoleDN"):
                if normal(role) in self._lock_roles:
                    return False, (entry.line("nsRoleDN", role),)
            if any(not group.complete for group in self._roles_that_lock):
                return Gap("attribute:nsAccountLock", Reason.UNSUPPORTED, "a role that a filter fills may lock it"), ()
        if self.reads("accounts", "nsAccountLock"):
            return True, ()
        return Gap("attribute:nsAccountLock", Reason.DENIED, "no entry shows it to this account"), ()

    @cached_property
    def _lock_roles(self) -> frozenset[str]:
        """Roles whose members a class of service locks, roles within them included: what a dump leaves to be worked out."""
        roles: set[str] = set()
        inner: dict[str, list[str]] = {}
        for search in ("policies", "groups"):
            for entry in self.directory.entries(search):
                here = normal(entry.dn)
                if entry.values("nsAccountLock") and entry.text("nsAccountLock").lower() == "true" and "costemplate" in entry.classes():
                    roles.add(normal(first_value(entry.dn)))
                if "nsnestedroledefinition" in entry.classes():
                    inner[here] = [normal(name) for name in entry.texts("nsRoleDN")]
        todo = list(roles)
        for role in todo:
            fresh = [name for name in inner.get(role, []) if name not in roles]
            roles.update(fresh)
            todo += fresh
        return frozenset(roles)

    @cached_property
    def _roles_that_lock(self) -> tuple[Group, ...]:
        return tuple(
            Group("", "", normal(entry.dn), (), complete="nsfilteredroledefinition" not in entry.classes())
            for entry in self.directory.entries("groups")
            if normal(entry.dn) in self._lock_roles
        )

    def _password_set(self, entry: Entry) -> Moment:
        if MUST_CHANGE in entry.values("passwordExpirationTime"):
            return Special.MUST_CHANGE
        values = entry.values("pwdUpdateTime")
        return generalized(values[0]) if values else Special.UNKNOWN

    @cached_property
    def _records_logins(self) -> bool:
        """Whether every login leaves its time in lastLoginTime: the Account Policy plug-in, told to record always, and shown here."""
        try:
            plugin = next(
                (entry for entry in self.directory.entries("plugins") if entry.text("cn").lower() == "account policy plugin"), None
            )
            policy = self.directory.only("account-policies")
        except Unseen:
            return False
        if plugin is None or policy is None or on(plugin.text("nsslapd-pluginEnabled")) is not True:
            return False
        recorded = policy.text("alwaysrecordlogin").lower() == "yes"
        where = all(policy.text(name).lower() in ("", "lastlogintime") for name in ("stateattrname", "alwaysrecordloginattr"))
        return recorded and where and self.directory.shown("accounts", "lastLoginTime")

    # Groups and roles

    def groups(self) -> Iterator[Group]:
        by_uid: dict[str, str] | None = None
        for entry in self.directory.entries("groups"):
            classes = entry.classes()
            if "nsroledefinition" in classes:
                yield self._role(entry, classes)
                continue
            if not classes & {"groupofnames", "groupofuniquenames", "posixgroup", "groupofurls", "ipausergroup", "nestedgroup"}:
                continue
            members = [normal(name) for key in ("member", "uniqueMember") for name in entry.texts(key)]
            names = entry.texts("memberUid")
            if names:
                if by_uid is None:
                    by_uid = {account.name: account.dn for account in self.directory.accounts}
                members += [by_uid[name] for name in names if name in by_uid]
            yield self._group(entry, members, complete=not entry.values("memberURL"))

    def _role(self, entry: Entry, classes: set[str]) -> Group:
        """Managed roles are named by their members (nsRoleDN), nested ones name roles, filtered ones a filter."""
        here = normal(entry.dn)
        if "nsnestedroledefinition" in classes:
            return self._group(entry, [normal(name) for name in entry.texts("nsRoleDN")], complete=True)
        seen = self._holders.get(here, [])
        shown = self.reads("accounts", "nsRoleDN") or self.directory.shown("accounts", "nsRole")
        return self._group(entry, seen, complete=shown and ("nsfilteredroledefinition" not in classes or not self.stored))

    @cached_property
    def _holders(self) -> dict[str, list[str]]:
        """Role → normal DNs of the accounts that say they are in it."""
        found: dict[str, list[str]] = {}
        for entry in self.directory.entries("accounts"):
            for role in {normal(name) for key in ("nsRole", "nsRoleDN") for name in entry.texts(key)}:
                found.setdefault(role, []).append(normal(entry.dn))
        return found

    @staticmethod
    def _group(entry: Entry, members: Sequence[str], *, complete: bool) -> Group:
        key = entry.text("nsUniqueId") or entry.text("entryUUID") or normal(entry.dn)
        return Group(key, entry.text("cn") or first_value(entry.dn), normal(entry.dn), members, complete)

    # Everything else

    def policies(self) -> Sequence[Applied]:
        return self.policies_of.applied()

    @cached_property
    def policies_of(self) -> Policies:
        return Policies(self)

    def exempt(self) -> tuple[Sequence[Exempt], Sequence[Gap]]:
        """Accounts whose own policy demands less than everybody's."""
        found, gaps = by_policy(self.policies(), self.policies_of.default())
        gap = self.directory.gap("accounts")
        return found, [*gaps, *([gap] if gap is not None else [])]

    @cached_property
    def powers(self) -> Powers:
        return Powers(self.directory, self.rules, self.settings)

    def admins(self) -> Admins:
        return self.powers.admins()

    def rights(self) -> Rights:
        return self.powers.rights()

    def openings(self) -> Rights:
        return self.powers.openings()

    def password_access(self) -> Rights:
        return self.powers.password_access()

    def storage(self) -> tuple[Sequence[Storage], Sequence[Gap]]:
        return storage(self)

    def recording(self, what: str) -> Sequence[Recording]:
        return (recording(self.settings, what),)

    def factor(self, account: Account) -> Factor:
        """The server itself knows no second factor; what it hands binds on to might."""
        settle = "the configuration of what the server hands passwords on to"
        try:
            plugins = list(self.directory.entries("plugins"))
        except Unseen as unseen:
            return Factor(unseen.gap, unseen.gap, settle="the right to read cn=plugins,cn=config")
        if not plugins:
            gap = self.directory.gap("plugins") or Gap("search:plugins", Reason.DENIED, "no plug-in is shown to this account")
            return Factor(gap, gap, settle="the right to read cn=plugins,cn=config")
        for plugin in plugins:
            name = plugin.text("cn").lower()
            if name in _FACTOR_PLUGINS and on(plugin.text("nsslapd-pluginEnabled")) is True:
                gap = Gap("directory:second factors", Reason.UNSUPPORTED, f"{plugin.text('cn')} hands passwords on to somebody else")
                return Factor(gap, gap, (plugin.line("nsslapd-pluginEnabled"),), settle)
        line = Line("cn=plugins,cn=config", 0, "no plug-in asks for a second factor")
        return Factor(False, False, (line,))
