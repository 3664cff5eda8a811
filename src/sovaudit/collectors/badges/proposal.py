"""A map proposed from a file's own columns, and what a map makes of a file: what is read, what is refused, what is lost."""

from __future__ import annotations

import csv
import json
import re
import tempfile
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sovaudit.collectors.badges import reading
from sovaudit.collectors.badges.mapping import CANONICAL, BadgeMap, Column, load_map
from sovaudit.collectors.badges.preparing import prepare
from sovaudit.collectors.badges.shapes import shape_of
from sovaudit.errors import CollectError, UsageError
from sovaudit.facts.badge_events import CODES, UNMAPPED
from sovaudit.facts.badges import BadgeLog
from sovaudit.model.evidence import Evidence
from sovaudit.tables import Scratch

SAMPLE = 2000
FEW = 40
NAMES = {
    "event_time": "eventtime datetime dateheure horodatage timestamp time date occurtime utctime logtime eventdate when dateevenement",
    "received_time": "receivedtime received servertime createtime reception insertedat",
    "source": "source controller controleur panel panelid deviceid device devicename terminal centrale automate utl",
    "sequence": "sequence seq serialno serialnumber index eventindex eventid logid id no numero numeroordre recordid",
    "site": "site building batiment location campus",
    "area_from": "areafrom areaexited areaexitedid zonedepart fromzone",
    "area_to": "areato area areaentered areaenteredid zone zonearrivee tozone",
    "access_point": "accesspoint accesspointtoken door doorid doorname doorno reader readername lecteur porte point",
    "direction": "direction sens inout inoutstate way entreesortie state",
    "credential": "credential badge badgeid badgenumber card cardno cardnumber carte numerobadge numbadge credentialtoken cardid",
    "subject": "subject user userid username employee employeeid employeeno employeenostring person personne nom matricule pin holder porteur",
    "event": "event eventtype eventcode code type evenement result resultat status statut message description reason topic",
    "verify_mode": "verifymode verified verify currentverifymode mode",
}
FORMATS = (
    "epoch_s",
    "epoch_ms",
    "iso", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d %H:%M:%S", "%Y%m%d%H%M%S", "%d/%m/%y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p",
)  # fmt: skip
# refusals first: "non autorisé" and "invalide" hold the words of a success
WORDS = (
    ("DOOR_FORCED_OPEN", r"\bforc"),
    ("DOOR_OPEN_TOO_LONG", r"\bheld\b|too long|trop long"),
    ("DENIED_CREDENTIAL_EXPIRED", r"expir|perim"),
    ("DENIED_UNKNOWN_CREDENTIAL", r"\bunknown|\binconnu|unregist"),
    ("DENIED_OUTSIDE_SCHEDULE", r"\bschedule|time ?zone|\bhoraire|\bplage"),
    ("DENIED_OTHER", r"\bden(y|ied)|\brefus|\breject|\bfail|\b(not|non|no|pas|sans)\b|\binvalid|\bunauthori"),
    ("GRANTED", r"\bgrant|\bautoris|\bauthori|\baccept|\bvalid|\bok\b|\ballowed|\bsuccess|\bpass\b"),
)
WAYS = {
    "in": "in",
    "out": "out",
    "entry": "in",
    "exit": "out",
    "entree": "in",
    "sortie": "out",
    "e": "in",
    "s": "out",
    "0": "in",
    "1": "out",
    "i": "in",
    "o": "out",
}
COSTS = {
    "sequence": "holes in the numbering cannot be seen",
    "received_time": "clocks of controllers cannot be compared",
    "direction": "nothing that depends on who is inside can be said",
    "credential": "nothing can be said of badges",
    "subject": "badges are tied to people only through the credentials table or a roster",
    "area_to": "zones come from the doors table, or are unknown",
    "site": "travel between sites comes from the doors table, or is unknown",
    "access_point": "doors cannot be told apart",
}


def propose(path: Path, zone: str | None = None) -> str:
    """A map as TOML, with comments where it guessed. Raises CollectError for a file that cannot be read, UsageError for a zone that is none."""
    shape = shape_of(path)
    names, rows = sample(path, shape)
    chosen = _columns(names, rows)
    lines = [f"title = {_text(path.name)}", *(f"{key} = {_toml(value)}" for key, value in shape.items())]
    format_, notes = _time(rows, chosen.get("event_time", ()))
    lines += ["[time]", f"format = {_text(format_)}", *notes]
    zoneless = format_ not in ("epoch_s", "epoch_ms") and not _offsets(rows, chosen.get("event_time", ()))
    if zone:
        lines.append(f"zone = {_text(zone)}")
    elif zoneless:
        lines.append('# zone = "Africa/Casablanca"   # needed: these times name no zone')
    lines.append("[columns]")
    for name in CANONICAL:
        columns = chosen.get(name, ())
        if not columns:
            lines.append(
                f"# {name} = …"
                + (f"   # without it {COSTS[name]}" if name in COSTS else "   # needed" if name in ("event_time", "event") else "")
            )
        elif name == "direction":
            lines.append(_direction(rows, columns[0]))
        else:
            lines.append(
                f"{name} = {_text(columns[0])}"
                if len(columns) == 1
                else f"{name} = {{ columns = {json.dumps(columns, ensure_ascii=False)} }}"
            )
    unused = [name for name in names if not any(name in columns for columns in chosen.values())]
    if unused:
        lines.append(f"# not used: {', '.join(unused)}"[:1000])
    lines.append("[events]")
    lines += _events(rows, chosen.get("event", ()))
    return "\n".join(lines) + "\n"


def sample(path: Path, shape: Mapping[str, Any]) -> tuple[list[str], list[dict[str, str]]]:
    """Names of the columns and the first rows, as text. Raises CollectError."""
    nothing = {name: Column(value="x") for name in ("event_time", "event")}
    scratch = Scratch()
    ready = prepare(str(path), BadgeMap.model_validate({**shape, "columns": nothing}), scratch)
    try:
        with ready.path.open(encoding="utf-8-sig", newline="") as file:
            if ready.plan.format == "jsonl":
                rows = [_flat(json.loads(line)) for line in islice((line for line in file if _object(line)), SAMPLE)]
                return list(dict.fromkeys(name for row in rows for name in row)), rows
            reading.need_header(ready.refused, ready.plan, str(path))
            try:
                names, skip = reading.header(ready.path, ready.plan, str(path))
            except CollectError as error:  # of the copy in which odd lines were set aside
                raise CollectError(error.what, status=error.status, where=str(path)) from error
            for _ in range(skip):
                file.readline()
            rows = [dict(zip(names, (cell.strip() for cell in row), strict=False)) for row in islice(_cells(file, ready.plan), SAMPLE)]
            return names, rows
    finally:
        scratch.close()


def _cells(file: Iterator[str], plan: BadgeMap) -> Iterator[list[str]]:
    reader = csv.reader(
        file, delimiter=reading.delimiter(plan), quotechar=plan.quote or None, quoting=csv.QUOTE_MINIMAL if plan.quote else csv.QUOTE_NONE
    )
    try:
        yield from (row for row in reader if row)
    except csv.Error as error:
        raise CollectError(f"cannot be read as CSV ({error})", status="failed") from error


def _object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in islice(row.items(), reading.MAX_COLUMNS):
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{key}.")
        elif not isinstance(value, list):
            found[before + key] = "" if value is None else json.dumps(value) if not isinstance(value, str) else value
    return found


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKD", name.rpartition(".")[2].casefold())
    return re.sub(r"[^a-z0-9]", "", "".join(letter for letter in text if not unicodedata.combining(letter)))


def _columns(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """Canonical column → columns of the file: the best name first, each used once; a date and a time of day together make a moment."""
    plain = {name: _plain(name) for name in names}
    found: dict[str, tuple[str, ...]] = {}
    free = dict.fromkeys(names)
    dates = [name for name in names if plain[name] in ("date", "jour", "datejour", "eventdate") and not _has_time(rows, name)]
    hours = [name for name in names if plain[name] in ("time", "heure", "eventtime", "temps") and not _has_date(rows, name)]
    if dates and hours:
        found["event_time"] = (dates[0], hours[0])
        free.pop(dates[0]), free.pop(hours[0])
    for canonical, words in NAMES.items():
        if canonical in found:
            continue
        for word in [_plain(canonical), *words.split()]:
            name = next((name for name in free if plain[name] == word), None)
            if name is not None:
                found[canonical] = (name,)
                del free[name]
                break
    return found


def _has_time(rows: Sequence[Mapping[str, str]], name: str) -> bool:
    return any(":" in row.get(name, "") for row in rows[:FEW])


def _has_date(rows: Sequence[Mapping[str, str]], name: str) -> bool:
    return any(re.search(r"\d[/.\-]\d", row.get(name, "")) for row in rows[:FEW])


def _values(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> list[str]:
    found = (" ".join(row.get(name, "") for name in columns).strip() for row in rows)
    return [value for value in found if value]


def _offsets(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> bool:
    values = _values(rows, columns)
    return bool(values) and all(re.search(r"(Z|[+-]\d\d:?\d\d)$", value) for value in values)


def _time(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> tuple[str, list[str]]:
    values = _values(rows, columns)
    fits = {format_: sum(_reads(value, format_) for value in values) for format_ in FORMATS}
    best = max(FORMATS, key=lambda format_: fits[format_])
    if not values or not fits[best]:
        return "iso", ["# no format was recognised: write one, such as %d/%m/%Y %H:%M:%S"]
    notes = [] if fits[best] == len(values) else [f"# {len(values) - fits[best]} of {len(values)} rows looked at have another format"]
    swapped = best.replace("%d/%m", "%m/%d")
    if swapped != best and fits.get(swapped) == fits[best]:
        notes.append(f"# day and month cannot be told apart in these rows: it may be {swapped}")
    return best, notes


def _reads(value: str, format_: str) -> bool:
    if format_ in ("epoch_s", "epoch_ms"):
        low = 600_000_000 * (1000 if format_ == "epoch_ms" else 1)
        return value.isdigit() and low < int(value) < 5 * low
    try:
        if format_ == "iso":
            return len(value) >= 10 and "-" in value[:8] and datetime.fromisoformat(value) is not None
        return datetime.strptime(value, format_) is not None  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False


def _direction(rows: Sequence[Mapping[str, str]], column: str) -> str:
    seen = [value for value, _ in Counter(_values(rows, (column,))).most_common(FEW)]
    table = {value: WAYS[_plain(value)] for value in seen if _plain(value) in WAYS}
    if all(value.casefold() in ("in", "out") for value in seen):
        return f"direction = {_text(column)}"
    pairs = ", ".join(f"{_text(value)} = {_text(way)}" for value, way in table.items())
    odd = [value for value in seen if value not in table]
    return f"direction = {{ column = {_text(column)}, map = {{ {pairs} }} }}" + (
        f"   # which way is {', '.join(map(_text, odd[:5]))}?" if odd else ""
    )


def _events(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> list[str]:
    lines = []
    for value, count in Counter(_values(rows, columns)).most_common(FEW):
        ours = value.strip() in CODES and value.strip() != UNMAPPED
        guess = value.strip() if ours else next((code for code, words in WORDS if re.search(words, _words(value))), "")
        seen = f"{count} of the first {len(rows)} rows" + ("" if ours else "; guessed from its words" if guess else "")
        lines.append(f"{_text(value)} = {_text(guess)}   # {seen}" if guess else f'# {_text(value)} = "…"   # {seen}')
    return lines


def _words(value: str) -> str:
    text = unicodedata.normalize("NFKD", value.casefold())
    return "".join(letter for letter in text if not unicodedata.combining(letter))


def _text(value: str) -> str:
    """A TOML basic string."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def trial_of(path: Path, text: str) -> list[str]:
    """What a map given as text makes of a file; see `trial`."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [f"# the proposal is no TOML ({error}): mend it by hand"]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "map.toml"
        place.write_text(text, "utf-8")
        try:
            return trial(path, str(place), None)
        except UsageError as error:
            return [f"# not yet a map: {error.what}"]


def trial(path: Path, name: str, zone: str | None) -> list[str]:
    """One line each: what was read, what was refused and where, codes without a meaning, columns of the file that are lost. Raises UsageError."""
    from sovaudit.collectors import CollectOptions, collect
    from sovaudit.model.evidence import Target

    plan, _ = load_map(name, {"zone": zone} if zone else {})
    uri = f"badges:{path}?map={name}" + (f"&zone={zone}" if zone else "")
    found = collect(Target(uri, uri, "badges"), CollectOptions(identify=True))
    if not found.collected:
        return [f"# cannot be read: {found.error}"]
    return _told(found, plan, path)


def _told(found: Evidence, plan: BadgeMap, path: Path) -> list[str]:
    log = BadgeLog(found)
    said = json.loads(found.artifacts["badges/source"])
    read = log.reading.rows - sum(1 for _ in log.query("SELECT row FROM refused ORDER BY row"))
    lines = [f"# {log.reading.rows} rows: {read} events"]
    for reason, each in said["refused"].items():
        lines.append(f"# refused: {each['count']} ({reason}; first: {', '.join(map(str, each['first']))})")
    for native, count in list(log.reading.unmapped.items())[:FEW]:
        lines.append(f"# no meaning: {native!r}, {count} events")
    for what, count in (("directions", log.reading.unmapped_directions), ("times that came twice", log.reading.repeated_times),
                        ("times that never were", log.reading.missing_times)):  # fmt: skip
        if count:
            lines.append(f"# {what}: {count} events" if what != "directions" else f"# directions without a meaning: {count} events")
    empty = [name for name in CANONICAL if name in COSTS and (name not in log.reading.columns or (read and not log.filled[name]))]
    lines += [f"# {name} is empty: {COSTS[name]}" for name in empty]
    shape = {key: value for key, value in plan.model_dump(exclude_defaults=True).items() if key in SHAPE}
    names, _ = sample(path, shape)
    lost = [name for name in names if name not in reading.wanted(plan)]
    if lost:
        lines.append(f"# columns that are left behind: {', '.join(lost)}"[:1000])
    return lines


SHAPE = ("format", "encoding", "delimiter", "quote", "multiline", "header", "names", "skip", "records", "sheet", "table")
