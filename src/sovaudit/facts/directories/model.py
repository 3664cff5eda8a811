"""The neutral view of a directory: accounts, groups, policies, rights, whatever the product.

Three answers, never two: a value, None where the docstring says what None means, or a Gap where it was not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Protocol

from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.ldap_times import Moment, Special
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

NAMED = 12
ELSEWHERE = "factor:elsewhere"  # the gap of a factor that the directory itself does not demand, and something else may
Seen = int | None | Gap
"""A number, None (no limit, never), or why it was not seen."""


@unique
class Kind(StrEnum):
    """What an account is, by its type, class and RID; never by its name."""

    PERSON = "person"
    SERVICE = "service"
    MACHINE = "machine"
    BUILTIN = "builtin"  # made by the product itself: Administrator (RID 500), Guest, krbtgt; 389's and FreeIPA's own


@dataclass(slots=True)
class Account:
    """One account, enabled or not. `key`: SID, entryUUID, nsUniqueId or, where the directory shows none, the normal DN."""

    key: str
    name: str
    dn: str  # normal
    kind: Kind
    enabled: bool | Gap  # Gap: whether it is was not seen
    because: tuple[Line, ...] = ()  # why it is (not) enabled
    expires: Moment = Special.NEVER
    password_set: Moment = Special.UNKNOWN
    last_login: Moment = Special.UNKNOWN  # NEVER: logins are recorded, and there is none; UNKNOWN: not recorded, or not seen
    login_lag_days: int = 0  # the true last login may be that much later than last_login (AD replicates it seldom)
    created: Moment = Special.UNKNOWN
    uid_number: int | None = None
    person: str = ""  # what ties it to a person: employeeNumber, employeeID, or the address of mail; empty if nothing does
    part: str = ""  # the artifact that holds its entry, and where it begins there: Directory.entry_of reads it again
    at: int = 0


@dataclass(slots=True)
class Group:
    """One group, role or other set of accounts. members: normal DNs as written in it, groups among them."""

    key: str
    name: str
    dn: str
    members: Sequence[str]
    complete: bool = True  # False: it may have more members than these (computed, filtered, cut)


@dataclass(frozen=True, slots=True)
class Admin:
    """Somebody who can do to the directory what an administrator can. because: the chain that makes them one."""

    account: Account
    because: tuple[Line, ...]
    through: str = ""  # the group, right or setting that does it


@dataclass(frozen=True, slots=True)
class Admins:
    """Effective administrators. gaps: what was not seen and could hold more of them. bypass: identities outside the tree (a root DN)."""

    members: tuple[Admin, ...]
    gaps: tuple[Gap, ...] = ()
    bypass: tuple[Line, ...] = ()

    @property
    def enabled(self) -> Iterator[Admin]:
        """Those that are enabled, or may be."""
        return (admin for admin in self.members if admin.account.enabled is not False)


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What a policy really enforces on somebody who changes their own password, and on somebody who guesses.

    min_length: characters, 0 or 1 if nothing is enforced. min_classes: kinds of characters demanded, 0 if none. history: passwords that
    cannot come back. max_age_days: None if passwords never expire. attempts: wrong passwords until the account is locked, None if never.
    unlock_seconds: how long it stays locked, None until somebody unlocks it.
    because: the lines that say so; notes: field → the line that explains a surprise (`a length that is not enforced`).
    """

    name: str
    min_length: Seen
    min_classes: Seen
    history: Seen
    max_age_days: Seen
    attempts: Seen
    unlock_seconds: Seen
    because: tuple[Line, ...] = ()
    evidence: tuple[str, ...] = ()
    more: Gap | None = None  # something else judges new passwords, too, and may demand more than was seen


@dataclass(frozen=True, slots=True)
class Applied:
    """A policy and the accounts under it: enabled ones (or that may be) with a password of this directory. policy: a Gap if it was not seen which."""

    policy: PasswordPolicy | Gap
    accounts: tuple[Account, ...]

    @property
    def names(self) -> str:
        """Who is under it, the first dozen by name."""
        names = sorted(account.name for account in self.accounts)
        return ", ".join(names[:NAMED]) + (f" … (+{len(names) - NAMED})" if len(names) > NAMED else "")


@dataclass(frozen=True, slots=True)
class Factor:
    """Whether this directory itself demands a second factor of an account (`demanded`), and whether the account holds one (`enrolled`).

    Each: True, False, or a Gap with what would show it.
    """

    demanded: bool | Gap
    enrolled: bool | Gap
    because: tuple[Line, ...] = ()
    settle: str = ""


@dataclass(frozen=True, slots=True)
class Right:
    """A right over others that equals an administrator's, held by somebody who is none. over: the DN it is held on."""

    holder: str  # account or group name, SID or DN, as it is shown
    right: str  # DCSync, WriteDacl, GenericAll, write userPassword …
    over: str
    because: tuple[Line, ...] = ()
    part: str = ""  # what `over` is, in AD: domain, holder, group, member, controller, unit, gpo, forest, dns


@dataclass(frozen=True, slots=True)
class Rights:
    """gaps: what was not seen and could hold more. looked: over how many entries or rules the answer goes."""

    held: tuple[Right, ...]
    gaps: tuple[Gap, ...] = ()
    looked: int = 0


@unique
class Exemption(StrEnum):
    """How an account escapes the password policy that others are under."""

    NO_PASSWORD = "no-password"  # it needs none
    NEVER_EXPIRES = "never-expires"
    WEAKER = "weaker"  # a policy of its own demands less than the default


@dataclass(frozen=True, slots=True)
class Exempt:
    """An enabled account (or one that may be) that escapes. policy: the weaker one's name; less: what it demands less of, in the product's words."""

    account: Account
    how: Exemption
    because: tuple[Line, ...] = ()
    policy: str = ""
    less: str = ""


@unique
class Hazard(StrEnum):
    """What lets somebody act as somebody else, or try their password undisturbed (Kerberos)."""

    UNCONSTRAINED = "unconstrained"  # it may act to everything as whoever comes to it
    TRANSITION = "transition"  # it may act as anybody, who need never have come
    CONTROLLER = "controller"  # it may act as others to a domain controller
    CONTROLLER_TRANSITION = "controller-transition"  # both at once
    RESOURCE = "resource"  # others may act to it as anybody, and it is a controller's, or everybody may
    SERVICE_TICKET = "service-ticket"  # an administrator with a service name: anybody gets a ticket under that password
    NO_PREAUTHENTICATION = "no-preauthentication"  # anybody gets an answer under that password
    DELEGABLE = "delegable"  # an administrator whom services may pass on
    UNPROTECTED = "unprotected"  # an administrator who is not in Protected Users


@dataclass(frozen=True, slots=True)
class Risk:
    """One enabled account (or one that may be) and what it is open to. to: the services or identities concerned."""

    account: Account
    hazard: Hazard
    to: str = ""
    because: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Risks:
    """gaps: hazard → why there may be more. looked: accounts that were looked at."""

    found: tuple[Risk, ...]
    gaps: dict[Hazard, Gap]
    looked: int


@unique
class Secret(StrEnum):
    """What a product keeps beside its accounts and that opens everything."""

    TICKET_KEY = "ticket-key"  # the key of all tickets (krbtgt)
    QUOTA = "quota"  # machines that anybody may add
    GUEST = "guest"  # the account of nobody
    CONTROLLER = "controllers"  # the password of a domain controller's own account
    CARD = "smart-cards"  # hashes of passwords that nobody knows and that are never changed
    STRANGERS = "strangers"  # people without a name in the group of old clients, who read accounts


@dataclass(frozen=True, slots=True)
class Kept:
    """One such secret. value: an age in days, machines, 1 for what is so (an enabled guest), 0 for what is not."""

    secret: Secret
    name: str
    value: int | Gap
    because: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Storage:
    """How passwords are stored. subject: the setting or the account. scheme: as the product names it. strong: None if it is not known to us."""

    subject: str
    scheme: str
    because: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Exposure:
    """Something a stranger (a client without a name) read: the entry and the names of attributes beyond the root entry."""

    entry: str
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """What of a kind of event (`access`: binds, refused ones too; `changes`: writes) the directory records, and how long it keeps it.

    recorded: True, False, or a Gap. keep_days: what its configuration keeps for sure, None without limit, or a Gap.
    """

    subject: str
    recorded: bool | Gap
    keep_days: Seen
    because: tuple[Line, ...] = ()
    text: str = ""  # what lacks, in a few words of the product's configuration


class View(Protocol):
    """What every product's module answers. Raises Unseen where nothing at all can be said."""

    def accounts(self) -> Iterable[Account]: ...
    def groups(self) -> Iterable[Group]: ...
    def admins(self) -> Admins: ...
    def policies(self) -> Sequence[Applied]: ...
    def factor(self, account: Account) -> Factor: ...
    def rights(self) -> Rights: ...
    def storage(self) -> tuple[Sequence[Storage], Sequence[Gap]]: ...
    def recording(self, what: str) -> Sequence[Recording]: ...
    def turns_strangers_away(self) -> bool: ...

    def openings(self) -> Rights: ...
    def password_access(self) -> Rights: ...
    def exempt(self) -> tuple[Sequence[Exempt], Sequence[Gap]]: ...
    def risks(self) -> Risks: ...
    def secrets(self) -> Sequence[Kept]: ...


class Unmodelled:
    """Answers of a product's module to what it does not model: not seen, never nothing."""

    def admins(self) -> Admins:
        raise _unmodelled("administrators")

    def factor(self, account: Account) -> Factor:
        raise _unmodelled("second factors")

    def rights(self) -> Rights:
        raise _unmodelled("access rights")

    def storage(self) -> tuple[Sequence[Storage], Sequence[Gap]]:
        raise _unmodelled("password storage")

    def recording(self, what: str) -> Sequence[Recording]:
        raise _unmodelled(f"recording of {what}")

    def turns_strangers_away(self) -> bool:
        """Whether its settings let no search of somebody without a name begin."""
        return False

    def openings(self) -> Rights:
        """What strangers may read beyond what they were shown when asked; nothing, where asking shows all."""
        return Rights(())

    def password_access(self) -> Rights:
        """Who but owners and administrators may read or set passwords."""
        raise _unmodelled("access to passwords")

    def exempt(self) -> tuple[Sequence[Exempt], Sequence[Gap]]:
        raise _unmodelled("exempt accounts")

    def risks(self) -> Risks:
        raise _unmodelled("delegation")

    def secrets(self) -> Sequence[Kept]:
        return ()  # most products keep none


def _unmodelled(what: str) -> Unseen:
    return Unseen(Gap(f"directory:{what}", Reason.UNSUPPORTED, "not modelled for this product"))
