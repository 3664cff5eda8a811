"""What a slapd makes of passwords that are set, and where it records what happens: slapd-config(5), slapo-accesslog(5), slapo-auditlog(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sovaudit.facts.directories.model import Recording, Seen, Storage
from sovaudit.facts.directories.openldap_config import Database
from sovaudit.facts.directories.openldap_ground import Ground
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import below, normal
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

DEFAULT_HASH = "{SSHA}"
_OPERATIONS = {
    "writes": "add delete modify modrdn", "session": "bind unbind abandon", "reads": "compare search",
    "all": "add delete modify modrdn bind unbind abandon compare search extended unknown",
}  # fmt: skip
_WANTED = {"access": {"bind"}, "changes": {"add", "delete", "modify", "modrdn"}}
_STATS = 256
_LEVELS = {
    "any": -1, "trace": 1, "packets": 2, "args": 4, "conns": 8, "ber": 16, "filter": 32, "config": 64, "acl": 128, "stats": 256, "stats2": 512,
    "shell": 1024, "parse": 2048, "sync": 16384, "none": 32768,
}  # fmt: skip
_AGE = re.compile(r"(?:(\d{1,5})\+)?(\d\d):(\d\d)(?::(\d\d))?")


# Passwords


def storage(directory: Directory, ground: Ground | Gap) -> tuple[Sequence[Storage], Sequence[Gap]]:
    """Schemes of what is stored and of what will be; and what of it was not seen."""
    found: list[Storage] = []
    gaps: list[Gap] = []
    if isinstance(ground, Gap):
        gaps.append(ground)
    else:
        try:
            found += _new(ground)
        except Unseen as unseen:
            gaps.append(unseen.gap)
    stored, gap = _stored(directory, ground)
    found += stored
    if gap is not None:
        gaps.append(gap)
    return found, gaps


def _new(ground: Ground) -> Iterator[Storage]:
    """What becomes of a password that is set: through the password operation, and as a plain value."""
    config = ground.config
    entries = [one.entry if isinstance(one, Database) else one for one in (config.kind("frontend"), config.settings)]
    entry = next((one for one in entries if one is not None and one.values("olcPasswordHash")), None)
    if entry is None and not ground.sees_setting("olcPasswordHash"):
        raise Unseen(Gap("attribute:olcPasswordHash", Reason.DENIED, "it is not shown to this account, or it is not there"))
    schemes = [scheme for value in entry.texts("olcPasswordHash") for scheme in value.split()] if entry else [DEFAULT_HASH]
    line = entry.line("olcPasswordHash", " ".join(schemes)) if entry else Line("cn=config", 0, "no olcPasswordHash: {SSHA}")
    schemes = [_crypt(scheme, ground) for scheme in schemes]
    for scheme in schemes:
        yield Storage("new passwords", scheme, (line,))
    main = config.main
    overlay = main.overlay("ppolicy")
    if overlay is None:
        unseen = ground.overlays_unseen(main)
        if unseen is not None:
            raise Unseen(unseen)
        yield Storage("passwords written as values", "cleartext", (Line(main.entry.dn, 0, "no overlay ppolicy, so nothing hashes them"),))
    elif overlay.text("olcPPolicyHashCleartext").upper() == "TRUE":
        for scheme in schemes:
            yield Storage("passwords written as values", scheme, (overlay.line("olcPPolicyHashCleartext"), line))
    elif overlay.values("olcPPolicyHashCleartext") or ground.sees_setting("olcPPolicyHashCleartext", overlay):
        shown = Line(overlay.dn, 0, "olcPPolicyHashCleartext: " + (overlay.text("olcPPolicyHashCleartext") or "not set"))
        yield Storage("passwords written as values", "cleartext", (shown,))
    else:
        raise Unseen(Gap("attribute:olcPPolicyHashCleartext", Reason.DENIED, "it is not shown to this account, or it is not there"))


def _crypt(scheme: str, ground: Ground) -> str:
    """{CRYPT} with the method that its salt asks crypt(3) for."""
    if scheme.upper() != "{CRYPT}":
        return scheme
    for entry in ground.config.entries:
        salt = entry.text("olcPasswordCryptSaltFormat")
        if salt:
            method = re.match(r"\$[A-Za-z0-9]{1,8}\$", salt)
            return scheme + (method[0] if method else "des")
    return scheme + "des"


def _stored(directory: Directory, ground: Ground | Gap) -> tuple[list[Storage], Gap | None]:
    """One answer per scheme, naming the first accounts that have it."""
    counts: dict[str, int] = {}
    first: dict[str, list[Line]] = {}
    try:
        for entry in directory.entries("passwords"):
            for scheme in set(entry.texts("userPassword")):
                counts[scheme] = counts.get(scheme, 0) + 1
                if counts[scheme] <= 12:
                    first.setdefault(scheme, []).append(entry.line("userPassword", scheme))
        for entry in directory.entries("root-passwords"):
            for scheme in entry.texts("olcRootPW"):
                counts[scheme] = counts.get(scheme, 0) + 1
                first.setdefault(scheme, []).append(entry.line("olcRootPW", scheme))
    except Unseen as unseen:
        return [], unseen.gap
    found = [Storage(f"stored as {scheme}", scheme, tuple(first[scheme][:12])) for scheme in sorted(counts)]
    gap = directory.gap("passwords")
    if gap is None and not _all_shown(directory, ground):
        gap = Gap("attribute:userPassword", Reason.DENIED, "not every account's is shown to this account, and even its scheme is not")
    return found, gap


def _all_shown(directory: Directory, ground: Ground | Gap) -> bool:
    if isinstance(ground, Gap):
        return False
    return all(ground.shows(dn, "userpassword") for dn in ground.places["account"])


# Records


def recording(directory: Directory, ground: Ground | Gap, what: str) -> Sequence[Recording]:
    """Each place where the server of the base records binds (`access`) or writes (`changes`). Raises Unseen."""
    if isinstance(ground, Gap):
        raise Unseen(ground)
    config = ground.config
    main = config.main
    found = []
    places = [one for one in (main, config.kind("frontend")) if one is not None]
    for place in places:
        for overlay in place.overlays:
            name = overlay.text("olcOverlay").rpartition("}")[2].lower()
            if name == "accesslog":
                found.append(_accesslog(ground, overlay, what))
            elif name == "auditlog" and what == "changes":
                found.append(_auditlog(overlay))
    for place in places:
        unseen = ground.overlays_unseen(place)
        if unseen is not None:
            found.append(Recording(f"overlays of {place.name}", unseen, unseen))
    found.append(_syslog(ground))
    return found


def _accesslog(ground: Ground, overlay: Entry, what: str) -> Recording:
    database = normal(overlay.text("olcAccessLogDB"))
    because = [
        overlay.line(name)
        for name in ("olcAccessLogDB", "olcAccessLogOps", "olcAccessLogSuccess", "olcAccessLogPurge")
        if overlay.values(name)
    ]
    because += [overlay.line("olcAccessLogBase", value) for value in overlay.texts("olcAccessLogBase")]
    subject = f"accesslog {database}"
    if not ground.sees_setting("olcAccessLogOps", overlay):
        gap = Gap(f"attribute:olcAccessLogOps of {overlay.dn}", Reason.DENIED, "not every setting is shown to this account")
        return Recording(subject, gap, gap, tuple(because))
    operations: set[str] = set()
    for value in overlay.texts("olcAccessLogOps"):
        operations |= _named(value.split())
    for value in overlay.texts("olcAccessLogBase"):
        words = value.split(None, 1)
        if len(words) == 2 and below(ground.base, normal(words[1].strip('"'))):
            operations |= _named(words[0].split("|"))
    missing = _WANTED[what] - operations
    text = f"olcAccessLogOps lacks {' '.join(sorted(missing))}" if missing else ""
    if not missing and what == "access" and overlay.text("olcAccessLogSuccess").upper() == "TRUE":
        text = "olcAccessLogSuccess: TRUE leaves refused binds out"
    holding = next((one for one in ground.config.databases if database in one.suffixes), None)
    recorded: bool | Gap = not text
    if not text and holding is not None and holding.off:
        recorded = Gap(holding.entry.dn, Reason.UNSUPPORTED, "the database of the log is disabled")
    if not text and holding is None:
        recorded = ground.config.gap or Gap(f"database {database}", Reason.DENIED, "the database of the log is not shown to this account")
    return Recording(subject, recorded, _kept(overlay), tuple(because), text)


def _named(words: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for word in words:
        found |= set(_OPERATIONS.get(word.lower(), word.lower()).split())
    return found


def _kept(overlay: Entry) -> Seen:
    """Days that `olcAccessLogPurge` keeps; None where nothing is purged."""
    value = overlay.text("olcAccessLogPurge")
    if not value:
        return None
    match = _AGE.match(value)
    if match is None:
        return Gap("attribute:olcAccessLogPurge", Reason.AMBIGUOUS, value[:60])
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return (days * 86400 + hours * 3600 + minutes * 60 + seconds) // 86400


def _auditlog(overlay: Entry) -> Recording:
    gap = Gap("file:" + overlay.text("olcAuditlogFile"), Reason.UNSUPPORTED, "how long its host keeps it does not stand in the directory")
    recorded: bool | Gap = True if overlay.values("olcAuditlogFile") else Gap("attribute:olcAuditlogFile", Reason.DENIED, "not shown")
    return Recording("auditlog", recorded, gap, (overlay.line("olcAuditlogFile"),))


def _syslog(ground: Ground) -> Recording:
    """`stats` writes each bind and each change with its result to syslog; where that goes is its host's matter."""
    settings = ground.config.settings
    kept = Gap("syslog", Reason.UNSUPPORTED, "how long its host keeps it does not stand in the directory")
    values = settings.texts("olcLogLevel") if settings is not None else []
    if settings is None or not values:
        # slapd-config(5) says both that nothing is logged then and that `stats` is the default; the command line may say otherwise
        return Recording("syslog", Gap("attribute:olcLogLevel", Reason.AMBIGUOUS, "not set: slapd's command line decides"), kept)
    level = 0
    for word in " ".join(values).split():
        try:
            level |= _LEVELS[word.lower()] if word.lower() in _LEVELS else int(word, 0)
        except ValueError:
            return Recording("syslog", Gap("attribute:olcLogLevel", Reason.AMBIGUOUS, word[:60]), kept)
    logs = bool(level & _STATS)
    return Recording("syslog", logs, kept, (settings.line("olcLogLevel", " ".join(values)),), "" if logs else "olcLogLevel lacks stats")
