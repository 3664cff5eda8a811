"""OpenLDAP: slapd(8) with its overlays (slapo-ppolicy(5), slapo-otp(5), slapo-accesslog(5), slapo-memberof(5)) and cn=config.

Also stands for other servers that speak plain RFC 4511 and keep policies as slapo-ppolicy does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories.exemptions import by_policy
from sovaudit.facts.directories.model import Account, Admins, Applied, Exempt, Group, Kind, PasswordPolicy, Rights, Seen, Unmodelled
from sovaudit.facts.directories.openldap_rights import Rulers
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import first_value, normal
from sovaudit.facts.parse.ldap_times import Moment, Special, epoch_days, generalized
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

LOCKED_FOR_EVER = b"000001010000Z"  # slapo-ppolicy: only an administrator opens it again
_PEOPLE = {"person", "inetorgperson", "organizationalperson"}


class OpenLdap(Unmodelled):
    """The view of one slapd."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def accounts(self) -> Iterator[Account]:
        directory = self._directory
        logins = directory.shown("accounts", "pwdLastSuccess") or directory.shown("accounts", "authTimestamp")
        for where, entry in directory.located("accounts"):
            classes = entry.classes()
            shadow = entry.values("shadowExpire")
            changed = entry.values("pwdChangedTime")
            login = entry.values("pwdLastSuccess") or entry.values("authTimestamp")
            enabled, because = self._enabled(entry)
            yield Account(
                key=entry.text("entryUUID") or normal(entry.dn),
                name=entry.text("uid") or entry.text("cn") or first_value(entry.dn),
                dn=normal(entry.dn),
                kind=Kind.PERSON if classes & _PEOPLE else Kind.SERVICE,
                enabled=enabled,
                because=because,
                expires=epoch_days(shadow[0]) if shadow else Special.NEVER,
                password_set=self._password_set(entry, changed),
                last_login=generalized(login[0]) if login else Special.NEVER if logins else Special.UNKNOWN,
                created=generalized(entry.values("createTimestamp")[0]) if entry.values("createTimestamp") else Special.UNKNOWN,
                uid_number=entry.number("uidNumber"),
                person=entry.text("employeeNumber") or entry.text("mail"),
                where=where,
            )

    def _enabled(self, entry: Entry) -> tuple[bool | Gap, tuple[Line, ...]]:
        """pwdAccountLockedTime of year 0 locks for ever; other values are lockouts that pass. pwdStartTime and pwdEndTime bound its life."""
        if LOCKED_FOR_EVER in entry.values("pwdAccountLockedTime"):
            return False, (entry.line("pwdAccountLockedTime"),)
        now = self._directory.taken_at
        for name, over in (("pwdEndTime", True), ("pwdStartTime", False)):
            values = entry.values(name)
            moment = generalized(values[0]) if values else None
            if moment is not None and not isinstance(moment, Special) and (moment <= now) is over:
                return False, (entry.line(name),)
        if self._locks:
            return Gap("attribute:pwdAccountLockedTime", Reason.DENIED, "no entry shows it to this account"), ()
        return True, ()

    @cached_property
    def _locks(self) -> bool:
        """Whether an account may be locked where this account cannot see it: no state of slapo-ppolicy is shown, and its overlay may be there."""
        shown = ("pwdAccountLockedTime", "pwdChangedTime", "pwdLastSuccess", "pwdFailureTime", "pwdReset")
        if any(self._directory.shown("accounts", name) for name in shown):
            return False
        try:
            config = [entry.classes() for entry in self._directory.entries("config")]
        except Unseen:
            return True
        seen = any("olcdatabaseconfig" in classes for classes in config) and self._directory.gap("config") is None
        return not seen or any("olcppolicyconfig" in classes for classes in config)

    @staticmethod
    def _password_set(entry: Entry, changed: Sequence[bytes]) -> Moment:
        if entry.text("pwdReset").upper() == "TRUE":
            return Special.MUST_CHANGE
        return generalized(changed[0]) if changed else Special.UNKNOWN

    def groups(self) -> Iterator[Group]:
        by_uid: dict[str, str] | None = None
        for entry in self._directory.entries("groups"):
            members = [normal(name) for key in ("member", "uniqueMember", "roleOccupant") for name in entry.texts(key)]
            names = entry.texts("memberUid")
            if names:
                if by_uid is None:
                    by_uid = {account.name: account.dn for account in self._directory.accounts}
                members += [by_uid[name] for name in names if name in by_uid]
            yield Group(
                key=entry.text("entryUUID") or normal(entry.dn),
                name=entry.text("cn") or first_value(entry.dn),
                dn=normal(entry.dn),
                members=members,
                complete=not entry.values("memberURL"),
            )

    # Who rules, reads and is let in

    @cached_property
    def _rulers(self) -> Rulers:
        return Rulers(self._directory)

    def admins(self) -> Admins:
        return self._rulers.admins()

    def rights(self) -> Rights:
        return self._rulers.rights()

    def openings(self) -> Rights:
        return self._rulers.openings()

    def password_access(self) -> Rights:
        return self._rulers.password_access()

    # Password policies

    def policies(self) -> Sequence[Applied]:
        """slapo-ppolicy(5): an entry's pwdPolicySubentry, else the database's default; a subentry that is not there means no policy at all."""
        known = {normal(entry.dn): self._policy(entry) for entry in self._directory.entries("policies")}
        by_policy: dict[str, list[Account]] = {}
        for account in self._directory.accounts:
            if account.enabled is False:
                continue
            own = self._directory.entry_of(account).text("pwdPolicySubentry")
            by_policy.setdefault(normal(own) if own else "", []).append(account)
        return tuple(Applied(self._named(name, known), tuple(accounts)) for name, accounts in sorted(by_policy.items()))

    def exempt(self) -> tuple[Sequence[Exempt], Sequence[Gap]]:
        """Accounts whose own policy demands less than the database's default."""
        known = {normal(entry.dn): self._policy(entry) for entry in self._directory.entries("policies")}
        found, gaps = by_policy(self.policies(), self._default(known))
        gap = self._directory.gap("accounts")
        return found, [*gaps, *([gap] if gap is not None else [])]

    def _named(self, name: str, known: dict[str, PasswordPolicy]) -> PasswordPolicy | Gap:
        if not name:
            if not self._directory.shown("accounts", "pwdPolicySubentry"):
                return Gap("attribute:pwdPolicySubentry", Reason.DENIED, "no entry shows it to this account, and any may have one")
            return self._default(known)
        if name in known:
            return known[name]
        gap = self._directory.gap("policies")
        if gap is not None or not known:
            return gap or Gap("search:policies", Reason.DENIED, "no policy is shown to this account")
        line = Line(name, 0, "pwdPolicySubentry names an entry that is not there")
        return PasswordPolicy(name, 0, 0, 0, None, None, None, (line,))

    def _default(self, known: dict[str, PasswordPolicy]) -> PasswordPolicy | Gap:
        try:
            overlays = [entry for entry in self._directory.entries("config") if "olcppolicyconfig" in entry.classes()]
        except Unseen as unseen:
            return unseen.gap
        base = normal(self._directory.evidence.identity.get("base", ""))
        for entry in overlays:
            default = entry.text("olcPPolicyDefault")
            if default and normal(default) in known:
                return known[normal(default)]
            if default:
                gap = self._directory.gap("policies")
                return gap or PasswordPolicy(normal(default), 0, 0, 0, None, None, None, (entry.line("olcPPolicyDefault"),))
        gap = self._directory.gap("config")
        if gap is not None or not overlays:
            return gap or Gap("search:config", Reason.DENIED, "no overlay is shown to this account")
        return PasswordPolicy(f"no policy ({base})", 0, 0, 0, None, None, None, tuple(entry.line("olcOverlay") for entry in overlays))

    def _policy(self, entry: Entry) -> PasswordPolicy:
        def number(name: str) -> int:
            return entry.number(name) or 0

        enforced = number("pwdCheckQuality") >= 1
        locks = entry.text("pwdLockout").upper() == "TRUE" and number("pwdMaxFailure") > 0
        age = number("pwdMaxAge")
        attempts: Seen = number("pwdMaxFailure") if locks else None
        names = ("pwdMinLength", "pwdCheckQuality", "pwdInHistory", "pwdMaxAge", "pwdLockout", "pwdMaxFailure", "pwdLockoutDuration")
        return PasswordPolicy(
            name=normal(entry.dn),
            min_length=number("pwdMinLength") if enforced else 0,
            min_classes=0,
            history=number("pwdInHistory"),
            max_age_days=age // 86400 if age else None,
            attempts=attempts,
            unlock_seconds=(number("pwdLockoutDuration") or None) if locks else None,
            because=tuple(entry.line(name) for name in names if entry.values(name)),
            evidence=self._directory.artifacts("policies"),
        )
