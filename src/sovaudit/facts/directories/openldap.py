"""OpenLDAP: slapd(8) with its overlays (slapo-ppolicy(5), slapo-otp(5), slapo-accesslog(5), slapo-memberof(5)) and cn=config.

Also stands for other servers that speak plain RFC 4511 and keep policies as slapo-ppolicy does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories.exemptions import by_policy
from sovaudit.facts.directories.model import Account, Admins, Applied, Exempt, Factor, Group, Kind, Recording, Rights, Storage, Unmodelled
from sovaudit.facts.directories.openldap_factor import Factors
from sovaudit.facts.directories.openldap_policies import Policies
from sovaudit.facts.directories.openldap_rights import Rulers
from sovaudit.facts.directories.openldap_settings import recording, storage
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import first_value, normal
from sovaudit.facts.parse.ldap_times import Moment, Special, epoch_days, generalized
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

LOCKED_FOR_EVER = (b"000001010000Z", b"19700101000000Z")  # slapo-ppolicy: only an administrator opens it again
_LOGINS = ("pwdLastSuccess", "authTimestamp")
_LIMITS = ("pwdAccountLockedTime", "pwdEndTime", "pwdStartTime")
_PEOPLE = {"person", "inetorgperson", "organizationalperson"}


class OpenLdap(Unmodelled):
    """The view of one slapd."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def accounts(self) -> Iterator[Account]:
        directory = self._directory
        for (part, at), entry in directory.located("accounts"):
            classes = entry.classes()
            shadow = entry.values("shadowExpire")
            changed = entry.values("pwdChangedTime")
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
                last_login=self._last_login(entry),
                created=generalized(entry.values("createTimestamp")[0]) if entry.values("createTimestamp") else Special.UNKNOWN,
                uid_number=entry.number("uidNumber"),
                person=entry.text("employeeNumber") or entry.text("mail"),
                part=part,
                at=at,
            )

    def _last_login(self, entry: Entry) -> Moment:
        """`pwdLastSuccess` of slapd itself (olcLastBind), `authTimestamp` of slapo-lastbind. A stamp from times when logins were recorded is none."""
        if not self._records_logins:
            return Special.UNKNOWN
        login = entry.values("pwdLastSuccess") or entry.values("authTimestamp")
        if login:
            return generalized(login[0])
        shown = any(self._directory.shown("accounts", name) for name in _LOGINS)
        return Special.NEVER if shown or self._sees(entry, _LOGINS[0]) else Special.UNKNOWN

    @cached_property
    def _records_logins(self) -> bool:
        """Whether the server records logins now: by its settings, or, where these are not shown, because it recorded one within a day."""
        if not isinstance(self._ground, Gap):
            try:
                main = self._ground.config.main
            except Unseen:
                return False
            return main.entry.text("olcLastBind").upper() == "TRUE" or main.overlay("lastbind") is not None
        if not any(self._directory.shown("accounts", name) for name in _LOGINS):
            return False
        now = self._directory.taken_at
        moments = (generalized(value) for entry in self._directory.entries("accounts") for name in _LOGINS for value in entry.values(name))
        return any(isinstance(moment, datetime) and abs(now - moment) < timedelta(days=1) for moment in moments)

    def _enabled(self, entry: Entry) -> tuple[bool | Gap, tuple[Line, ...]]:
        """slapo-ppolicy(5): a lock of the year 0 is for ever, where the policy locks at all; others pass, unless its pwdLockoutDuration is 0. Whoever
        stays away for pwdMaxIdle is locked, too. pwdStartTime and pwdEndTime bound it.
        """
        name, _ = self._policies.of(entry)
        marked = [key for key in _LIMITS if entry.values(key)]
        hidden = next((key for key in _LIMITS if key not in marked and not self._sees(entry, key)), "")
        idle = self._idle(entry, name) if isinstance(name, str) and name else None
        if idle is not None:
            return (False, (idle,)) if isinstance(idle, Line) else (idle, ())
        if name == "" or not (marked or hidden):
            return True, ()
        if isinstance(name, Gap):
            return (
                (name, tuple(entry.line(key) for key in marked)) if marked else (Gap(f"attribute:{hidden}", Reason.DENIED, "not shown"), ())
            )
        stamps = entry.values("pwdAccountLockedTime")
        if stamps and self._policies.locks(entry) is True:
            since = generalized(stamps[0])
            past = not isinstance(since, Special) and since <= self._directory.taken_at
            if stamps[0] in LOCKED_FOR_EVER or (past and not self._policies.known(name).number("pwdLockoutDuration")):
                return False, (entry.line("pwdAccountLockedTime"),)
        now = self._directory.taken_at
        for key, over in (("pwdEndTime", True), ("pwdStartTime", False)):
            values = entry.values(key)
            moment = generalized(values[0]) if values else None
            if moment is not None and not isinstance(moment, Special) and (moment <= now) is over:
                return False, (entry.line(key),)
        if hidden:
            return Gap(f"attribute:{hidden}", Reason.DENIED, "it is not shown to this account, or it is not there"), ()
        return True, ()

    def _idle(self, entry: Entry, name: str) -> Line | Gap | None:
        """Why an account is locked for having stayed away; None if it is not. Only where its database keeps the time of the last login."""
        policy = self._policies.known(name)
        seconds = policy.number("pwdMaxIdle")
        if not seconds or policy.text("pwdLockout").upper() != "TRUE" or isinstance(self._ground, Gap):
            return None
        dn = normal(entry.dn)
        if self._ground.config.of(dn).entry.text("olcLastBind").upper() != "TRUE":
            return None
        for key in ("pwdLastSuccess", "pwdChangedTime"):
            if entry.values(key):
                since = generalized(entry.values(key)[0])
                over = not isinstance(since, Special) and self._directory.taken_at - since > timedelta(seconds=seconds)
                return entry.line(key) if over else None
            if not self._sees(entry, key):
                return Gap(f"attribute:{key}", Reason.DENIED, f"it is not shown to this account, and {name} locks who stays away")
        return None

    def _sees(self, entry: Entry, attribute: str) -> bool:
        # the bounds of an account's life are rarely set: who is shown locks is shown them, too
        if self._directory.shown("accounts", attribute) or (attribute in _LIMITS and self._directory.shown("accounts", _LIMITS[0])):
            return True
        if self._directory.evidence.identity.get("export", "") == "slapcat":
            return True  # nothing stood between the store and what came of it
        return not isinstance(self._ground, Gap) and self._ground.shows(normal(entry.dn), attribute.lower())

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
    def _ground(self) -> Rulers | Gap:
        try:
            return Rulers(self._directory)
        except Unseen as unseen:
            return unseen.gap

    @property
    def _rulers(self) -> Rulers:
        if isinstance(self._ground, Gap):
            raise Unseen(self._ground)
        return self._ground

    def admins(self) -> Admins:
        return self._rulers.admins()

    def rights(self) -> Rights:
        return self._rulers.rights()

    def openings(self) -> Rights:
        return self._rulers.openings()

    def turns_strangers_away(self) -> bool:
        try:
            return not isinstance(self._ground, Gap) and self._ground.config.main.closed_to_strangers
        except Unseen:
            return False

    def password_access(self) -> Rights:
        return self._rulers.password_access()

    # What falls on whom

    @cached_property
    def _policies(self) -> Policies:
        return Policies(self._directory, self._ground)

    def policies(self) -> Sequence[Applied]:
        return self._policies.applied(self._directory.accounts)

    def exempt(self) -> tuple[Sequence[Exempt], Sequence[Gap]]:
        """Accounts whose own policy, or the want of one, demands less than the database's default."""
        found, gaps = by_policy(self._directory.policies, self._policies.default())
        gap = self._directory.gap("accounts")
        return found, [*gaps, *([gap] if gap is not None else [])]

    @cached_property
    def _factors(self) -> Factors:
        return Factors(self._directory, self._ground)

    def factor(self, account: Account) -> Factor:
        return self._factors.of(account)

    def storage(self) -> tuple[Sequence[Storage], Sequence[Gap]]:
        return storage(self._directory, self._ground)

    def recording(self, what: str) -> Sequence[Recording]:
        return recording(self._directory, self._ground, what)
