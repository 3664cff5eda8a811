"""slapo-otp(5): of whom a slapd demands a one-time password, and who can give one.

The overlay asks nobody but entries of the class oathUser (oathTOTPUser, oathHOTPUser) that bind with a name and a password, on the database where
it stands. A token that is not there, or that has no secret, lets nobody in. SASL mechanisms that check a password pass it by.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories.model import Account, Factor
from sovaudit.facts.directories.openldap_ground import Ground
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import below, normal
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

_USERS = {"oathuser", "oathtotpuser", "oathhotpuser"}
_ELSEWHERE = ("remoteauth", "pbind", "sock", "radius", "totp", "smbk5pwd")
_BY_PASSWORD = {"PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "GSSAPI", "GS2-KRB5", "GSS-SPNEGO"}


class Factors:
    """ground: the server's rules, or why they were not seen."""

    def __init__(self, directory: Directory, ground: Ground | Gap) -> None:
        self._directory = directory
        self._ground = ground

    def of(self, account: Account) -> Factor:
        entry = self._directory.entry_of(account)
        enrolled, held = self._enrolled(entry, account.dn)
        demanded, why = self._demanded(entry, account.dn)
        lines = (*why, *held)
        return Factor(demanded, enrolled, lines, "the right to read olcOverlay, olcAuthzRegexp and objectClass")

    def _demanded(self, entry: Entry, dn: str) -> tuple[bool | Gap, tuple[Line, ...]]:
        ground = self._ground
        if isinstance(ground, Gap):
            return ground, ()
        try:
            database = ground.config.of(dn)
        except Unseen as unseen:
            return unseen.gap, ()
        frontend = ground.config.kind("frontend")
        places = [one for one in (database, frontend) if one is not None]
        other = next((one for place in places for name in _ELSEWHERE if (one := place.overlay(name)) is not None), None)
        if other is not None:
            return Gap(other.dn, Reason.UNSUPPORTED, "this overlay may ask another server"), (other.line("olcOverlay"),)
        scheme = self._schemes.get(dn, "")
        if "TOTP" in scheme or "HOTP" in scheme or scheme == "{SASL}":
            return Gap(f"userPassword of {dn}", Reason.UNSUPPORTED, f"{scheme}: another place decides"), ()
        overlay = next((one for place in places if (one := place.overlay("otp")) is not None), None)
        if overlay is None:
            unseen_gap = next((gap for place in places if (gap := ground.overlays_unseen(place)) is not None), None)
            return (unseen_gap, ()) if unseen_gap else (False, (Line(database.entry.dn, 0, "no overlay otp"),))
        classes = entry.classes()
        if not classes:
            return Gap(f"objectClass of {dn}", Reason.DENIED, "it is not shown to this account"), ()
        if not classes & _USERS:
            return False, (Line(entry.dn, 0, "objectClass: no oathTOTPUser"), overlay.line("olcOverlay"))
        if self._past is not None:
            return self._past, (overlay.line("olcOverlay"),)
        return True, (overlay.line("olcOverlay"), entry.line("objectClass", sorted(classes & _USERS)[0]))

    @cached_property
    def _schemes(self) -> dict[str, str]:
        """Of accounts whose password another place checks."""
        try:
            entries = ((normal(entry.dn), entry.text("userPassword").upper()) for entry in self._directory.entries("passwords"))
            return {dn: scheme for dn, scheme in entries if "OTP" in scheme or scheme == "{SASL}"}
        except Unseen:
            return {}

    @cached_property
    def _past(self) -> Gap | None:
        """Another way in that the overlay does not watch: a SASL mechanism whose names are mapped to entries."""
        assert not isinstance(self._ground, Gap)
        config = self._ground.config
        mapped = any(entry.values("olcAuthzRegexp") for entry in config.entries)
        if not mapped and self._ground.sees_setting("olcAuthzRegexp"):
            return None
        if not mapped:
            return Gap("attribute:olcAuthzRegexp", Reason.DENIED, "it is not shown to this account, or it is not there")
        try:
            root = self._directory.only("rootdse")
        except Unseen as unseen:
            return unseen.gap
        mechanisms = {name.upper() for name in root.texts("supportedSASLMechanisms")} if root is not None else set()
        ways = sorted(name for name in mechanisms if name in _BY_PASSWORD or name.startswith("SCRAM-"))
        asks = any(entry.text("olcTLSVerifyClient").lower() not in ("", "never") for entry in config.entries)
        if "EXTERNAL" in mechanisms or asks:
            ways.append("EXTERNAL")
        if ways:
            return Gap("attribute:supportedSASLMechanisms", Reason.AMBIGUOUS, f"{', '.join(ways)} with olcAuthzRegexp pass the overlay by")
        return None

    # Tokens

    def _enrolled(self, entry: Entry, dn: str) -> tuple[bool | Gap, tuple[Line, ...]]:
        names = [(kind, name) for kind in ("TOTP", "HOTP") for name in entry.texts(f"oath{kind}Token")]
        if not names:
            if not entry.classes() & _USERS:
                return False, ()
            if isinstance(self._ground, Gap) or not self._ground.shows(dn, "oathtotptoken"):
                return Gap("attribute:oathTOTPToken", Reason.DENIED, "it is not shown to this account"), ()
            return False, (Line(entry.dn, 0, "no oathTOTPToken"),)
        doubt: Gap | None = None
        for kind, name in names:
            line = entry.line(f"oath{kind}Token", name)
            held = self._usable(kind, normal(name))
            if held is True:
                return True, (line,)
            if isinstance(held, Gap):
                doubt = held
        return (doubt, ()) if doubt else (False, (Line(entry.dn, 0, f"oath{names[0][0]}Token: {names[0][1]} (of no use)"),))

    def _usable(self, kind: str, token: str) -> bool | Gap:
        """Whether a token is there, of its class, with parameters and a secret."""
        try:
            known = self._tokens
        except Unseen as unseen:
            return unseen.gap
        entry = known.get(token)
        if entry is None:
            return self._gone(token)
        if f"oath{kind.lower()}token" not in entry.classes():
            return False
        parameters = entry.text(f"oath{kind}Params")
        if not parameters and not self._directory.shown("tokens", f"oath{kind}Params"):
            return Gap(f"attribute:oath{kind}Params", Reason.DENIED, "it is not shown to this account")
        if normal(parameters) not in known:
            return self._gone(normal(parameters)) if parameters else False
        if f"oath{kind.lower()}params" not in known[normal(parameters)].classes():
            return False
        if token in self._secrets:
            return True
        ground = self._ground
        if not isinstance(ground, Gap) and self._directory.gap("token-secrets") is None and ground.searchable(token, "oathsecret"):
            return False
        return Gap(f"oathSecret of {token}", Reason.DENIED, "the right to search for it (not to read it) would show whether it is there")

    @cached_property
    def _tokens(self) -> dict[str, Entry]:
        return {normal(entry.dn): entry for entry in self._directory.entries("tokens")}

    @cached_property
    def _secrets(self) -> set[str]:
        try:
            return {normal(entry.dn) for entry in self._directory.entries("token-secrets")}
        except Unseen:
            return set()

    def _gone(self, dn: str) -> bool | Gap:
        ground = self._ground
        gap = self._directory.gap("tokens")
        if gap is None and not isinstance(ground, Gap) and below(dn, ground.base) and ground.readable(dn, "objectclass"):
            return False
        return gap or Gap(f"entry:{dn}", Reason.DENIED, "the token is not shown to this account, or it is not there")
