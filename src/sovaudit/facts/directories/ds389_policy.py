"""Password policies of 389 Directory Server: the global one in cn=config, and local ones for subtrees and single entries.

What a policy says and what it does are two things: no length counts without `passwordCheckSyntax: on`, no local policy without
`nsslapd-pwpolicy-local: on`; a local policy takes what it does not say from the product's defaults, not from the global one; and an entry that
names a local policy that is not there falls under the global one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sovaudit.facts.directories.model import Account, Applied, PasswordPolicy, Seen
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import below, normal, parent
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directories.ds389 import Ds389
    from sovaudit.facts.directory import Directory, Entry

GLOBAL = "cn=config"
DEFAULTS = {
    "passwordchecksyntax": "off", "passwordminlength": "8", "passwordmincategories": "3", "passwordmindigits": "0", "passwordminalphas": "0",
    "passwordminuppers": "0", "passwordminlowers": "0", "passwordminspecials": "0", "passwordmin8bit": "0", "passwordhistory": "off",
    "passwordinhistory": "6", "passwordexp": "off", "passwordmaxage": "8640000", "passwordlockout": "off", "passwordmaxfailure": "3",
    "passwordunlock": "on", "passwordlockoutduration": "3600", "nsslapd-pwpolicy-local": "off", "nsslapd-pwpolicy-inherit-global": "off",
    "nsslapd-allow-hashed-passwords": "off", "passwordtrackupdatetime": "off",
}  # fmt: skip
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SHOWN = (
    "passwordCheckSyntax", "passwordMinLength", "passwordMinCategories", "passwordHistory", "passwordInHistory", "passwordExp", "passwordMaxAge",
    "passwordLockout", "passwordMaxFailure", "passwordUnlock", "passwordLockoutDuration",
)  # fmt: skip
Get = Callable[[str], str | Gap]


class Settings:
    """cn=config as it was shown: each value as text, or why it was not seen."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._file = "dse.ldif" in directory.evidence.identity.get("export", "")
        try:
            self.entry: Entry | None = directory.only("config")
            gap = directory.gap("config")
        except Unseen as unseen:
            self.entry, gap = None, unseen.gap
        self.gap = gap or Gap("search:config", Reason.DENIED, "cn=config is not shown to this account")

    def get(self, name: str) -> str | Gap:
        """The server shows every setting of cn=config with its default; its file leaves defaults out."""
        if self.entry is None:
            return self.gap
        if self.entry.values(name):
            return self.entry.text(name)
        if self._file and name.lower() in DEFAULTS:
            return DEFAULTS[name.lower()]
        return Gap(f"attribute:{name}", Reason.DENIED, "cn=config does not show it to this account")

    def lines(self, *names: str) -> tuple[Line, ...]:
        entry = self.entry
        return () if entry is None else tuple(entry.line(name) for name in names if entry.values(name))


def on(value: str | Gap) -> bool | Gap:
    return value if isinstance(value, Gap) else value.strip().lower() in ("on", "true", "yes", "1")


def number(value: str | Gap) -> int | Gap:
    """A number, or a duration such as `90d`, in seconds."""
    if isinstance(value, Gap):
        return value
    text = value.strip().lower()
    unit = _UNITS.get(text[-1:], 1)
    try:
        return int(text.rstrip("smhdw")) * unit
    except ValueError:
        return Gap("attribute:password policy", Reason.AMBIGUOUS, f"{value[:40]!r} is no number")


class Policies:
    """Which policy each account is under."""

    def __init__(self, view: Ds389) -> None:
        self._view = view
        self._directory = view.directory
        self._settings = view.settings

    def applied(self) -> Sequence[Applied]:
        local = on(self._settings.get("nsslapd-pwpolicy-local"))
        by_policy: dict[str, list[Account]] = {}
        gaps: dict[str, Gap] = {}
        known = self._known() if local is not False else {}
        for account in self._directory.accounts:
            if account.enabled is False:
                continue
            name = self.named(account, local, known)
            if isinstance(name, Gap):
                gaps[name.item] = name
                name = f"\0{name.item}"
            by_policy.setdefault(name, []).append(account)
        found = []
        for name, accounts in sorted(by_policy.items()):
            policy = gaps[name[1:]] if name.startswith("\0") else self.policy(name, known.get(name))
            found.append(Applied(policy, tuple(accounts)))
        return tuple(found)

    def named(self, account: Account, local: bool | Gap, known: dict[str, Entry]) -> str | Gap:
        """The name of an account's policy: its normal DN, GLOBAL, or why it was not seen. local: whether local policies count."""
        return GLOBAL if local is False else self._of(account, local, known)

    def locks_for_ever(self, account: Account) -> bool | Gap:
        """Whether a lock on this account stays until somebody opens it."""
        try:
            local = on(self._settings.get("nsslapd-pwpolicy-local"))
            known = self._known() if local is not False else {}
            name = self.named(account, local, known)
        except Unseen as unseen:
            return unseen.gap
        if isinstance(name, Gap):
            return name
        policy = self.policy(name, known.get(name))
        if policy.attempts is None or isinstance(policy.unlock_seconds, int):
            return False
        gap = next((one for one in (policy.attempts, policy.unlock_seconds) if isinstance(one, Gap)), None)
        return gap if gap is not None else True

    def _known(self) -> dict[str, Entry]:
        return {normal(entry.dn): entry for entry in self._directory.entries("policies") if "passwordpolicy" in entry.classes()}

    def _of(self, account: Account, local: bool | Gap, known: dict[str, Entry]) -> str | Gap:
        """The normal DN of an account's policy, GLOBAL, or why it was not seen."""
        if isinstance(local, Gap):
            return local
        own = self._directory.entry_of(account).text("pwdpolicysubentry") or self._by_template(account)
        if isinstance(own, Gap):
            return own
        if not own:
            if self._view.reads("accounts", "pwdpolicysubentry"):
                return GLOBAL
            return Gap("attribute:pwdpolicysubentry", Reason.DENIED, "no entry shows it to this account, and any may have one")
        if normal(own) in known:
            return normal(own)
        gap = self._directory.gap("policies")
        if gap is None and not self._view.reads("policies", "passwordMinLength") and not known:
            gap = Gap("search:policies", Reason.DENIED, "no policy is shown to this account")
        return gap or GLOBAL  # "Loading global password policy … local policy entry not found"

    def _by_template(self, account: Account) -> str | Gap:
        """What a class of service would give an account; only a dump of the store leaves that to be worked out."""
        if not self._view.stored:
            return ""
        found = {}
        for where, policy in self._templates:
            if below(account.dn, where):
                found[policy] = where
        if len(found) > 1:
            return Gap("attribute:pwdpolicysubentry", Reason.AMBIGUOUS, f"several subtree policies reach it: {', '.join(sorted(found))}")
        return next(iter(found), "")

    @property
    def _templates(self) -> list[tuple[str, str]]:
        """(subtree, policy) of each class of service that hands out password policies."""
        if self._cos is None:
            templates: dict[str, str] = {}
            definitions: list[tuple[str, str]] = []
            for entry in self._directory.entries("policies"):
                if entry.values("pwdpolicysubentry"):
                    templates[normal(entry.dn)] = entry.text("pwdpolicysubentry")
                if any(value.lower().startswith("pwdpolicysubentry") for value in entry.texts("cosAttribute")):
                    definitions += [(parent(normal(entry.dn)), normal(name)) for name in entry.texts("cosTemplateDn")]
            self._cos = [(where, templates[name]) for where, name in definitions if name in templates]
        return self._cos

    _cos: list[tuple[str, str]] | None = None

    def default(self) -> PasswordPolicy | Gap:
        """What accounts are under that have no policy of their own."""
        return self.policy(GLOBAL, None)

    def policy(self, name: str, entry: Entry | None) -> PasswordPolicy:
        """A local policy, or the global one where there is no entry of the name."""
        settings = self._settings
        if entry is None:
            return _policy(GLOBAL, settings.get, settings.lines(*_SHOWN), self._directory.artifacts("config"), settings)

        def get(name: str) -> str | Gap:
            if entry.values(name):
                return entry.text(name)
            if self._view.reads("policies", name):
                return DEFAULTS[name.lower()]
            return Gap(f"attribute:{name}", Reason.DENIED, f"{entry.dn} does not show it to this account")

        lines = tuple(entry.line(name) for name in _SHOWN if entry.values(name))
        return _policy(normal(entry.dn), get, lines, self._directory.artifacts("policies"), settings)


def _policy(name: str, get: Get, lines: tuple[Line, ...], evidence: tuple[str, ...], settings: Settings) -> PasswordPolicy:
    length, classes, because = _syntax(name, get, settings)
    history: Seen = _kept(get)
    if on(settings.get("nsslapd-allow-hashed-passwords")) is True:
        # whoever may set their own password may set the hash of any
        length, classes, history = 0, 0, 0
        because = settings.lines("nsslapd-allow-hashed-passwords")
    age = number(get("passwordMaxAge"))
    expires = on(get("passwordExp"))
    locks = on(get("passwordLockout"))
    return PasswordPolicy(
        name=name,
        min_length=length,
        min_classes=classes,
        history=history,
        max_age_days=expires if isinstance(expires, Gap) else (age if isinstance(age, Gap) else age // 86400) if expires else None,
        attempts=locks if isinstance(locks, Gap) else number(get("passwordMaxFailure")) if locks else None,
        unlock_seconds=_opens(get) if locks is True else None,
        because=(*because, *lines),
        evidence=evidence,
    )


def _kept(get: Get) -> Seen:
    remembers = on(get("passwordHistory"))
    if isinstance(remembers, Gap):
        return remembers
    return number(get("passwordInHistory")) if remembers else 0


def _opens(get: Get) -> Seen:
    unlock = on(get("passwordUnlock"))
    if isinstance(unlock, Gap):
        return unlock
    return number(get("passwordLockoutDuration")) if unlock else None


def _syntax(name: str, get: Get, settings: Settings) -> tuple[Seen, Seen, tuple[Line, ...]]:
    """(shortest length, kinds of characters, what explains a surprise)."""
    checked = on(get("passwordCheckSyntax"))
    because: tuple[Line, ...] = ()
    if checked is False and name != GLOBAL:
        inherits, above = on(settings.get("nsslapd-pwpolicy-inherit-global")), on(settings.get("passwordCheckSyntax"))
        if isinstance(inherits, Gap) or (inherits and isinstance(above, Gap)):
            gap = inherits if isinstance(inherits, Gap) else above
            return gap, gap, ()
        if inherits and above:
            checked, get = True, settings.get
            because = settings.lines("nsslapd-pwpolicy-inherit-global", "passwordCheckSyntax", "passwordMinLength", "passwordMinCategories")
    if isinstance(checked, Gap):
        return checked, checked, ()
    if not checked:
        return 0, 0, because
    parts = {kind: number(get(f"passwordMin{kind}")) for kind in ("Digits", "Alphas", "Uppers", "Lowers", "Specials", "8bit")}
    least, categories = number(get("passwordMinLength")), number(get("passwordMinCategories"))
    gaps = [one for one in (*parts.values(), least, categories) if isinstance(one, Gap)]
    if gaps:
        seen = {kind: value for kind, value in parts.items() if not isinstance(value, Gap)}
        known = [one for one in (least, _sum(seen)) if not isinstance(one, Gap)]
        return gaps[0] if isinstance(least, Gap) else max(known), gaps[0] if isinstance(categories, Gap) else categories, because
    wanted = {kind: value for kind, value in parts.items() if isinstance(value, int)}
    kinds = sum(wanted[kind] > 0 for kind in ("Digits", "Uppers", "Lowers", "Specials", "8bit"))
    kinds += wanted["Alphas"] > 0 and not wanted["Uppers"] and not wanted["Lowers"]
    assert isinstance(least, int) and isinstance(categories, int)
    return max(least, _sum(wanted), categories), max(categories, kinds), because


def _sum(parts: dict[str, int]) -> int:
    """How many characters a password must have for what it must hold of each kind."""
    letters = max(parts.get("Alphas", 0), parts.get("Uppers", 0) + parts.get("Lowers", 0))
    return letters + sum(parts.get(kind, 0) for kind in ("Digits", "Specials", "8bit"))
