"""slapo-ppolicy(5): which policy falls on an account of a slapd, and what of it is really enforced.

The overlay must stand on the account's own database. `pwdPolicySubentry` names the policy, else `olcPPolicyDefault`; one that is not there is no
policy at all. `pwdCheckQuality: 0` enforces neither length nor modules, `pwdLockout: FALSE` neither lockouts nor locks that were set by hand,
`olcPPolicyDisableWrite` nothing that is checked when a password changes or a bind fails. A password without `pwdChangedTime` never expires.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories.model import Account, Applied, PasswordPolicy, Seen
from sovaudit.facts.directories.openldap_config import Database
from sovaudit.facts.directories.openldap_ground import Ground
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import below, normal
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

CONTROL = b"1.3.6.1.4.1.42.2.27.8.5.1"  # shown by every slapd that has loaded the module
NO_POLICY = "no policy"
_SHOWN = (
    "pwdMinLength",
    "pwdCheckQuality",
    "pwdInHistory",
    "pwdMaxAge",
    "pwdGraceAuthNLimit",
    "pwdLockout",
    "pwdMaxFailure",
    "pwdLockoutDuration",
)
_MODULES = ("pwdCheckModule", "pwdUseCheckModule")


class Policies:
    """ground: the server's rules, or why they were not seen."""

    def __init__(self, directory: Directory, ground: Ground | Gap) -> None:
        self._directory = directory
        self._ground = ground

    @cached_property
    def _known(self) -> dict[str, Entry]:
        found = {normal(entry.dn): entry for entry in self._directory.entries("policies")}
        return found | {dn: entry for dn, entry in self._defaults.items() if dn not in found}

    @cached_property
    def _defaults(self) -> dict[str, Entry]:
        """Default policies that were read by their names: they may stand outside the base, and slapd asks for no class."""
        if isinstance(self._ground, Gap):
            return {}
        overlays = (database.overlay("ppolicy") for database in self._ground.config.databases)
        names = {normal(one.text("olcPPolicyDefault")) for one in overlays if one is not None}
        try:
            return {normal(entry.dn): entry for entry in self._directory.entries("named") if normal(entry.dn) in names}
        except Unseen:
            return {}

    def known(self, name: str) -> Entry:
        """The entry of a policy that `of` named."""
        return self._known[name]

    def of(self, entry: Entry) -> tuple[str | Gap, Line | None]:
        """The policy on an account: its normal DN, empty for none at all; and the line that says so (of what is named but not there: its DN)."""
        dn = normal(entry.dn)
        overlay = self._overlay(dn)
        if isinstance(overlay, Gap) or overlay[0] is None:
            return (overlay, None) if isinstance(overlay, Gap) else ("", overlay[1])
        own, default = entry.text("pwdPolicySubentry"), overlay[0].text("olcPPolicyDefault")
        if not own and not self._shows(dn, "pwdpolicysubentry"):
            return Gap("attribute:pwdPolicySubentry", Reason.DENIED, "it is not shown to this account, and any may have one"), None
        name = normal(own or default)
        line = entry.line("pwdPolicySubentry") if own else overlay[0].line("olcPPolicyDefault", default or "none")
        if not name:
            return "", line
        there = self._there(name)
        if there is not True:
            return there or "", Line(name, 0, f"{line.text} ({line.file}), which is not there")
        return name, line

    def _there(self, name: str) -> bool | Gap:
        """Whether a policy is there, and whether that is certain."""
        try:
            if name in self._known:
                return True
        except Unseen as unseen:
            return unseen.gap
        ground = self._ground
        if isinstance(ground, Gap):
            return ground
        if ground.config.holding(name) is None and ground.config.gap is None:
            return False  # slapd itself finds no database for it
        if ground.gone(name):
            return False
        gap = self._directory.gap("policies")
        # whoever exported what slapd showed, cn=config and other policies among it, does not stand in the export
        seen = ground.readable(name, "objectclass") or (not self._directory.live and bool(self._known))
        if gap is None and below(name, ground.base) and seen:
            return False
        return gap or Gap(f"entry:{name}", Reason.DENIED, "the policy is not shown to this account, or it is not there")

    def _overlay(self, dn: str) -> tuple[Entry | None, Line | None] | Gap:
        """The overlay on the database of a DN; (None, why) where there is none."""
        ground = self._ground
        if isinstance(ground, Gap):
            return (None, self._unloaded) if self._unloaded is not None else ground
        try:
            database = ground.config.of(dn)
        except Unseen as unseen:
            return unseen.gap
        if database.dn not in self._overlays:
            self._overlays[database.dn] = self._on(ground, database)
        return self._overlays[database.dn]

    @cached_property
    def _overlays(self) -> dict[str, tuple[Entry | None, Line | None] | Gap]:
        return {}

    def _on(self, ground: Ground, database: Database) -> tuple[Entry | None, Line | None] | Gap:
        overlay = database.overlay("ppolicy")
        if overlay is not None:
            return overlay, None
        unseen = ground.overlays_unseen(database)
        if unseen is not None and self._unloaded is None:
            return unseen
        return None, Line(database.entry.dn, 0, "no overlay ppolicy")

    @cached_property
    def _unloaded(self) -> Line | None:
        """The root entry's own word that the module is not loaded: a control that every slapd shows that has it."""
        try:
            root = self._directory.only("rootdse")
        except Unseen:
            return None
        if root is None or "openldaprootdse" not in root.classes() or not root.values("supportedControl"):
            return None
        return None if CONTROL in root.values("supportedControl") else Line("(root DSE)", 0, "no control of the overlay ppolicy")

    def _shows(self, dn: str, attribute: str) -> bool:
        if self._directory.shown("accounts", attribute):
            return True
        return not isinstance(self._ground, Gap) and self._ground.shows(dn, attribute)

    def locks(self, entry: Entry) -> bool | Gap:
        """Whether `pwdAccountLockedTime` of an account has any effect."""
        name, _ = self.of(entry)
        if isinstance(name, Gap):
            return name
        return bool(name) and self._known[name].text("pwdLockout").upper() == "TRUE"

    # What falls on whom

    def applied(self, accounts: Sequence[Account]) -> tuple[Applied, ...]:
        """Enabled accounts by the policy on them, those whose password cannot expire apart."""
        grouped: dict[tuple[str, str, bool, bool], list[Account]] = {}
        whys: dict[tuple[str, str, bool, bool], tuple[Gap | None, Line | None]] = {}
        for account in accounts:
            if account.enabled is False or account.dn in self._elsewhere:
                continue
            entry = self._directory.entry_of(account)
            name, line = self.of(entry)
            gap = name if isinstance(name, Gap) else None
            ages = bool(name) and not isinstance(name, Gap) and self._ages(name, entry, account.dn)
            named = "" if isinstance(name, Gap) else name or (line.text if line else "")
            key = (gap.item + gap.detail if gap else "", named, ages, bool(name) and gap is None and self._writes(account.dn))
            grouped.setdefault(key, []).append(account)
            whys.setdefault(key, (gap, line))
        found = []
        for key, under in sorted(grouped.items()):
            gap, line = whys[key]
            found.append(Applied(gap or self._policy(key[1], line, ages=key[2], writes=key[3]), tuple(under)))
        return tuple(found)

    @cached_property
    def _elsewhere(self) -> set[str]:
        """Accounts whose password is checked by another server ({SASL}), as far as that was shown."""
        try:
            return {
                normal(entry.dn)
                for entry in self._directory.entries("passwords")
                if entry.values("userPassword") and all(value.upper() == b"{SASL}" for value in entry.values("userPassword"))
            }
        except Unseen:
            return set()

    def _ages(self, name: str, entry: Entry, dn: str) -> bool:
        """Whether a policy's age can bear on an account: slapd takes a password that says nothing of its time for one that never expires."""
        if not self._known[name].number("pwdMaxAge"):
            return True
        return bool(entry.values("pwdChangedTime")) or not self._shows(dn, "pwdchangedtime")

    def default(self) -> PasswordPolicy | Gap:
        """What the database of the base demands of an account that says nothing of its own."""
        if isinstance(self._ground, Gap) and self._unloaded is None:
            return self._ground
        base = normal(self._directory.evidence.identity.get("base", ""))
        overlay = self._overlay(base)
        if isinstance(overlay, Gap):
            return overlay
        name = normal(overlay[0].text("olcPPolicyDefault")) if overlay[0] is not None else ""
        there = self._there(name) if name else False
        if isinstance(there, Gap):
            return there
        return self._policy(name if there else "", overlay[1], ages=True, writes=self._writes(base))

    def _policy(self, name: str, line: Line | None, *, ages: bool, writes: bool) -> PasswordPolicy:
        if name not in self._known:
            label = line.file if line is not None and line.text.endswith("which is not there") else NO_POLICY
            return PasswordPolicy(label, 0, 0, 0, None, None, None, (line,) if line else ())
        entry = self._known[name]

        def number(attribute: str) -> int:
            return entry.number(attribute) or 0

        enforced = number("pwdCheckQuality") >= 1 and writes
        module = (
            next((entry.text(key) for key in _MODULES if entry.values(key) and entry.text(key).upper() != "FALSE"), "") if enforced else ""
        )
        more = Gap(f"module:{module}", Reason.UNSUPPORTED, "what it demands does not stand in the directory") if module else None
        locks = entry.text("pwdLockout").upper() == "TRUE" and number("pwdMaxFailure") > 0 and writes
        age = number("pwdMaxAge") if ages else 0
        attempts: Seen = number("pwdMaxFailure") if locks else None
        because = tuple(entry.line(key) for key in (*_SHOWN, *_MODULES) if entry.values(key))
        if not ages:
            because = (*because, Line("pwdChangedTime", 0, "none: these passwords never expire"))
        if not writes:
            because = (*because, Line("olcPPolicyDisableWrite", 0, "TRUE"))
        return PasswordPolicy(
            name=name if ages else f"{name}, without pwdChangedTime",
            min_length=number("pwdMinLength") if enforced else 0,
            min_classes=more or 0,
            history=number("pwdInHistory") if writes else 0,
            max_age_days=-(-age // 86400) if age else None,
            attempts=attempts,
            unlock_seconds=(number("pwdLockoutDuration") or None) if locks else None,
            because=because,
            evidence=self._directory.artifacts("policies"),
            more=more,
        )

    def _writes(self, dn: str) -> bool:
        """Whether the overlay may write what it counts and checks, on the database of a DN."""
        overlay = self._overlay(dn)
        return isinstance(overlay, Gap) or overlay[0] is None or overlay[0].text("olcPPolicyDisableWrite").upper() != "TRUE"
