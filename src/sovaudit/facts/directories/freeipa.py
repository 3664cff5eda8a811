"""FreeIPA: a 389 server whose accounts are Kerberos principals, with policies by group, tokens, and kinds of authentication."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories.ds389 import Ds389
from sovaudit.facts.directories.ds389_policy import Policies
from sovaudit.facts.directories.ds389_rights import PASSWORDS, Powers
from sovaudit.facts.directories.model import Account, Applied, Factor, Kind, PasswordPolicy, Seen
from sovaudit.facts.parse.dn import first_value, normal
from sovaudit.facts.parse.ldap_times import Moment, Special, generalized
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

AT_BIND = frozenset({"password", "otp", "pkinit", "radius"})  # kinds that the LDAP server's own check of a bind knows
ELSEWHERE = {
    "radius": "the configuration of the RADIUS server",
    "idp": "the flows of the identity provider",
    "passkey": "the passkey's policy",
}
QUALITY = ("ipaPwdMaxRepeat", "ipaPwdMaxSequence", "ipaPwdDictCheck", "ipaPwdUserCheck")
SHORTEST = 6  # libpwquality, which any of QUALITY calls, takes no shorter one
_SHOWN = (
    "krbPwdMinLength",
    "krbPwdMinDiffChars",
    "krbPwdHistoryLength",
    "krbMaxPwdLife",
    "krbPwdMaxFailure",
    "krbPwdLockoutDuration",
    *QUALITY,
)


class FreeIpa(Ds389):
    """The view of one FreeIPA server."""

    def __init__(self, directory: Directory) -> None:
        super().__init__(directory)
        self._base = normal(directory.evidence.identity.get("base", ""))

    @cached_property
    def powers(self) -> Powers:
        top = (f"cn=admins,cn=groups,cn=accounts,{self._base}",)
        return Powers(self.directory, self.rules, self.settings, top=top, passwords=(*PASSWORDS, "krbprincipalkey"))

    def _kind(self, entry: Entry) -> Kind:
        return Kind.BUILTIN if entry.text("ipaNTSecurityIdentifier").endswith("-500") else super()._kind(entry)

    def _expires(self, entry: Entry) -> Moment:
        values = entry.values("krbPrincipalExpiration")
        return generalized(values[0]) if values else Special.NEVER

    def _password_set(self, entry: Entry) -> Moment:
        """A password that an administrator set expires when it was set."""
        changed = entry.values("krbLastPwdChange")
        if not changed:
            return super()._password_set(entry)
        return Special.MUST_CHANGE if changed == entry.values("krbPasswordExpiration") else generalized(changed[0])

    def policies(self) -> Sequence[Applied]:
        return self.policies_of.applied()

    @cached_property
    def policies_of(self) -> Policies:
        return _Policies(self)

    # Second factors

    @cached_property
    def _items(self) -> tuple[Entry, ...]:
        return tuple(self.directory.entries("ipa"))

    @cached_property
    def _global_types(self) -> tuple[frozenset[str], tuple[Line, ...]] | Gap:
        for entry in self._items:
            if entry.classes() & {"ipaguiconfig", "ipaconfigobject"} and normal(entry.dn) == f"cn=ipaconfig,cn=etc,{self._base}":
                values = entry.texts("ipaUserAuthType")
                if not values and not self.reads("ipa", "ipaUserAuthType"):
                    return Gap("attribute:ipaUserAuthType", Reason.DENIED, "the configuration does not show it to this account")
                return frozenset(value.lower() for value in values), tuple(entry.line("ipaUserAuthType", value) for value in values)
        return self.directory.gap("ipa") or Gap("entry:ipaConfig", Reason.DENIED, "it is not shown to this account")

    @cached_property
    def _tokens(self) -> dict[str, list[Entry]]:
        """Owner → tokens that work now."""
        now = self.directory.taken_at
        found: dict[str, list[Entry]] = {}
        for entry in self._items:
            if "ipatoken" not in entry.classes() or entry.text("ipatokenDisabled").upper() == "TRUE":
                continue
            begins, ends = (self._moment(entry, name) for name in ("ipatokenNotBefore", "ipatokenNotAfter"))
            if (isinstance(begins, Special) or begins <= now) and (isinstance(ends, Special) or ends > now):
                found.setdefault(normal(entry.text("ipatokenOwner")), []).append(entry)
        return found

    @staticmethod
    def _moment(entry: Entry, name: str) -> Moment:
        values = entry.values(name)
        return generalized(values[0]) if values else Special.NEVER

    @cached_property
    def _sees_tokens(self) -> bool:
        """Everybody is shown their own tokens: only one of somebody else's proves more."""
        others = any("ipatoken" in entry.classes() and normal(entry.text("ipatokenOwner")) not in ("", self.bound) for entry in self._items)
        return others or self.ruler or self.stored or self._granted("ipatokenowner")

    def factor(self, account: Account) -> Factor:
        """The account's own kinds of authentication, else the global ones, else a password alone."""
        entry = self.directory.entry_of(account)
        own = frozenset(value.lower() for value in entry.texts("ipaUserAuthType"))
        lines = tuple(entry.line("ipaUserAuthType", value) for value in entry.texts("ipaUserAuthType"))
        tokens = self._tokens.get(account.dn, [])
        enrolled = self._enrolled(entry, own, tokens)
        because = (*lines, *(token.line("ipatokenOwner") for token in tokens[:3]))
        fixed = self._global_types
        if isinstance(fixed, Gap):
            return Factor(fixed, enrolled, because, "the right to read ipaUserAuthType of cn=ipaConfig,cn=etc")
        everyone, theirs = fixed
        if "disabled" in everyone:
            own, because = frozenset(), (*theirs, *because)
        elif not own and not self.reads("accounts", "ipaUserAuthType"):
            gap = Gap("attribute:ipaUserAuthType", Reason.DENIED, "no entry shows it to this account")
            return Factor(gap, enrolled, because, f"the right to read ipaUserAuthType of {account.name}")
        if not own - {"disabled"}:
            because = (*theirs, *because)
        kinds = own - {"disabled"} or everyone - {"disabled"} or frozenset({"password"})
        demanded, settle = self._demanded(kinds, tokens)
        if not because:
            because = (Line(account.dn, 0, "no ipaUserAuthType, neither its own nor a global one"),)
        return Factor(demanded, enrolled, because, settle)

    def _demanded(self, kinds: frozenset[str], tokens: Sequence[Entry]) -> tuple[bool | Gap, str]:
        if kinds & {"password", "hardened"}:
            return False, ""
        elsewhere = sorted(kinds & ELSEWHERE.keys())
        if "otp" in kinds and not tokens:
            if self._sees_tokens and self.directory.gap("ipa") is None:
                return False, ""  # without a token that works, the password alone is taken
            return Gap("search:ipa", Reason.DENIED, "tokens are not shown to this account"), "the right to read tokens"
        if elsewhere or not kinds & AT_BIND:
            where = elsewhere or sorted(kinds)
            return Gap(f"authentication:{where[0]}", Reason.UNSUPPORTED, "asked elsewhere"), ELSEWHERE.get(
                where[0], f"what {where[0]} asks"
            )
        return True, ""

    def _enrolled(self, entry: Entry, own: frozenset[str], tokens: Sequence[Entry]) -> bool | Gap:
        if tokens:
            return True
        if own & {*ELSEWHERE, "pkinit"} or entry.values("ipatokenRadiusConfigLink"):
            return Gap("authentication:elsewhere", Reason.UNSUPPORTED, "a factor that the directory does not keep")
        if self._sees_tokens and self.directory.gap("ipa") is None:
            return False
        return Gap("search:ipa", Reason.DENIED, "tokens are not shown to this account")


class _Policies(Policies):
    """Kerberos policies by group; accounts that are no principals stay under the server's own."""

    _ipa: FreeIpa

    def __init__(self, view: FreeIpa) -> None:
        super().__init__(view)
        self._ipa = view
        self._kerberos = {normal(entry.dn): entry for entry in view._items if "krbpwdpolicy" in entry.classes()}

    def named(self, account: Account, local: bool | Gap, known: dict[str, Entry]) -> str | Gap:
        entry = self._directory.entry_of(account)
        if not entry.values("krbPrincipalName") and "krbprincipalaux" not in entry.classes():
            return super().named(account, local, known)
        return self._by_group(account, entry.text("krbPwdPolicyReference"))

    def _by_group(self, account: Account, own: str) -> str | Gap:
        name = normal(own) if own else ""
        if not name:
            if self._reference_hidden:
                return Gap("attribute:krbPwdPolicyReference", Reason.DENIED, "policies of groups are not shown to this account")
            chosen = [
                (priority, policy) for group, priority, policy in self._by_priority if self._directory.groups.contains(group, account.dn)
            ]
            name = min(chosen)[1] if chosen else self._fallback
        if name in self._kerberos:
            return name
        gap = self._directory.gap("ipa")
        return gap or Gap("search:ipa", Reason.DENIED, f"the policy {name or 'of the realm'} is not shown to this account")

    @property
    def _fallback(self) -> str:
        return next((name for name in sorted(self._kerberos) if name.startswith("cn=global_policy,")), "")

    @cached_property
    def _by_priority(self) -> tuple[tuple[str, int, str], ...]:
        """(group, priority, policy) of each template; the lowest priority wins among an account's groups."""
        return tuple(
            (normal(first_value(entry.dn)), entry.number("cosPriority") or 0, normal(entry.text("krbPwdPolicyReference")))
            for entry in self._directory.entries("policies")
            if "costemplate" in entry.classes() and entry.values("krbPwdPolicyReference")
        )

    @cached_property
    def _reference_hidden(self) -> bool:
        view = self._ipa
        shown = view.reads("accounts", "krbPwdPolicyReference") or view.reads("policies", "krbPwdPolicyReference")
        return not shown or self._directory.gap("policies") is not None

    def default(self) -> PasswordPolicy | Gap:
        """The realm's."""
        if self._fallback:
            return self.policy(self._fallback, None)
        return self._directory.gap("ipa") or Gap("search:ipa", Reason.DENIED, "the policy of the realm is not shown to this account")

    def policy(self, name: str, entry: Entry | None) -> PasswordPolicy:
        kerberos = self._kerberos.get(name)
        return super().policy(name, entry) if kerberos is None else self._principal_policy(kerberos)

    def _principal_policy(self, entry: Entry) -> PasswordPolicy:
        def number(name: str) -> int | Gap:
            """What a policy leaves out is 0, not what the realm's says."""
            value = entry.number(name)
            if value is not None:
                return value
            if self._ipa.reads("ipa", name):
                return 0
            return Gap(f"attribute:{name}", Reason.DENIED, f"{entry.dn} does not show it to this account")

        length: Seen = number("krbPwdMinLength")
        if any(entry.text(name).upper() not in ("", "0", "FALSE") for name in QUALITY) and isinstance(length, int):
            length = max(length, SHORTEST)
        life, failures, locked = number("krbMaxPwdLife"), number("krbPwdMaxFailure"), number("krbPwdLockoutDuration")
        attempts: Seen = failures or None
        return PasswordPolicy(
            name=normal(entry.dn),
            min_length=length,
            min_classes=number("krbPwdMinDiffChars"),
            history=number("krbPwdHistoryLength"),
            max_age_days=life if isinstance(life, Gap) else life // 86400 if life > 0 else None,
            attempts=attempts,
            unlock_seconds=(locked or None) if attempts is not None else None,
            because=tuple(entry.line(name) for name in _SHOWN if entry.values(name)),
            evidence=self._directory.artifacts("ipa"),
        )
