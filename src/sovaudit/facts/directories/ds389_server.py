"""What a 389 server does with passwords it stores, and with what happens: its settings for storage and logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sovaudit.facts.directories.ds389_policy import Settings, number, on
from sovaudit.facts.directories.model import Recording, Seen, Storage
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import normal
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directories.ds389 import Ds389

_DAYS = {"day": 1, "week": 7, "month": 30, "hour": 0, "minute": 0}
STATISTICS = 256  # the level of the access log that holds binds and their results
SHORT = 182  # days: fewer are too few for every text that we know; beyond them, a bound on size decides


def storage(view: Ds389) -> tuple[Sequence[Storage], Sequence[Gap]]:
    """The schemes that settings name for passwords to come, and those of stored ones."""
    found: list[Storage] = []
    gaps: list[Gap] = []
    for name, subject in (("passwordStorageScheme", "new passwords"), ("nsslapd-rootpwstoragescheme", "new passwords of the root DN")):
        scheme = view.settings.get(name)
        if isinstance(scheme, Gap):
            gaps.append(scheme)
        else:
            found.append(Storage(subject, scheme, view.settings.lines(name)))
    try:
        for entry in view.directory.entries("policies"):
            for scheme in entry.texts("passwordStorageScheme"):
                found.append(Storage(f"new passwords under {normal(entry.dn)}", scheme, (entry.line("passwordStorageScheme"),)))
        stored = _stored(view)
        found += [Storage(f"stored as {scheme}", scheme, tuple(lines)) for scheme, lines in sorted(stored.items())]
        gap = view.directory.gap("passwords")
        if gap is not None or (not stored and not view.reads("accounts", "userPassword")):
            gaps.append(gap or Gap("attribute:userPassword", Reason.DENIED, "no entry shows it to this account"))
    except Unseen as unseen:
        gaps.append(unseen.gap)
    return found, gaps


def _stored(view: Ds389) -> dict[str, list[Line]]:
    """Scheme → the first dozen accounts that have a password kept so."""
    found: dict[str, list[Line]] = {}
    for entry in view.directory.entries("passwords"):
        for scheme in set(entry.texts("userPassword")):
            lines = found.setdefault(scheme, [])
            if len(lines) < 12:
                lines.append(entry.line("userPassword", scheme))
    return found


def recording(settings: Settings, what: str) -> Recording:
    """access: the access log, or the security log of newer versions; changes: the audit log, which alone holds what was changed."""
    logs = ("accesslog", "securitylog") if what == "access" else ("auditlog",)
    kept: dict[str, Seen] = {}
    gaps: list[Gap] = []
    lines: list[Line] = []
    for log in logs:
        enabled = on(settings.get(f"nsslapd-{log}-logging-enabled"))
        lines += settings.lines(f"nsslapd-{log}-logging-enabled")
        if isinstance(enabled, Gap):
            gaps.append(enabled)
            continue
        level = number(settings.get("nsslapd-accesslog-level")) if log == "accesslog" and enabled else STATISTICS
        if isinstance(level, Gap):
            gaps.append(level)
        elif enabled and level & STATISTICS:
            kept[log] = _keeps(settings, log)
            lines += settings.lines(*(f"nsslapd-{log}-{name}" for name in _BOUNDS))
        elif enabled:
            lines += settings.lines("nsslapd-accesslog-level")
    if kept:
        return Recording(what, True, _longest(kept), tuple(lines))
    if gaps:
        return Recording(what, gaps[0], gaps[0], tuple(lines))
    text = "nsslapd-accesslog-logging-enabled: on" if what == "access" else "nsslapd-auditlog-logging-enabled: on"
    return Recording(what, False, 0, tuple(lines), text)


_BOUNDS = (
    "logexpirationtime", "logexpirationtimeunit", "maxlogsperdir", "logrotationtime", "logrotationtimeunit", "maxlogsize", "logmaxdiskspace",
)  # fmt: skip


def _longest(kept: dict[str, Seen]) -> Seen:
    if None in kept.values():
        return None
    numbers = [days for days in kept.values() if isinstance(days, int)]
    gaps = [days for days in kept.values() if isinstance(days, Gap)]
    return gaps[0] if gaps else max(numbers)


def _keeps(settings: Settings, log: str) -> Seen:
    """Days: the least of what age and number of files allow; None where nothing is removed, a Gap where only their size decides."""

    def value(name: str) -> str | Gap:
        return settings.get(f"nsslapd-{log}-{name}")

    bounds: list[int] = []
    expires, files, turns = (number(value(name)) for name in ("logexpirationtime", "maxlogsperdir", "logrotationtime"))
    units = [value(name) for name in ("logexpirationtimeunit", "logrotationtimeunit")]
    for one in (expires, files, turns, *units):
        if isinstance(one, Gap):
            return one
    assert isinstance(expires, int) and isinstance(files, int) and isinstance(turns, int)
    largest = number(value("maxlogsize"))
    if files <= 1 or (turns <= 0 and isinstance(largest, int) and largest <= 0):
        return None  # one file, which is never turned: only turned ones are removed, whatever their age
    if expires > 0:
        bounds.append(expires * _DAYS.get(str(units[0]).lower(), 1))
    if turns > 0:
        bounds.append(files * turns * _DAYS.get(str(units[1]).lower(), 1))
    shortest = min(bounds, default=None)
    sized = [one for one in (largest, number(value("logmaxdiskspace"))) if not isinstance(one, int) or one > 0]
    if sized and (shortest is None or shortest >= SHORT):
        return Gap(f"directory:{log}", Reason.AMBIGUOUS, "files are removed by their size, and how fast they grow is not known")
    return shortest
