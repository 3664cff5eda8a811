"""For anyone who writes checks: evidence in one line, and a check's answers from it.

    host = host_with({"/etc/passwd": "root:x:0:0::/root:/bin/bash\\n"})
    assert verdicts(run(uid0, host)) == {"root": "pass"}

`host_with` makes a whole world: every path that is not given is *seen to be absent*. Name paths in `unseen` to make them gaps.

    log = badges_with([{"event_time": "2026-03-02 08:00", "source": "C1", "sequence": 1}], doors=[{"access_point": "D1", "area_to": "hall"}])

`badges_with` is an export of a badge system: rows are events, each keyword one of the tables beside them. `roster_with` and `rights_with` are lists.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from sovaudit import canon
from sovaudit.authoring import BadgeLog, Check, Rights, Roster, unknown
from sovaudit.facts.badge_events import EVENT_COLUMNS, SIDE_TABLES, TIME
from sovaudit.facts.directory import Directory
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.parse import ber
from sovaudit.model.evidence import Evidence, Gap, Target
from sovaudit.model.finding import Outcome
from sovaudit.model.verdict import Reason, TargetStatus
from sovaudit.tables import Engine, Pieces, Scratch, Value
from sovaudit.testing_logs import archive_evidence as archive_evidence
from sovaudit.testing_logs import archive_with as archive_with

WALKED = ("/boot", "/etc", "/lib", "/opt", "/root", "/usr")
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MINIMAL = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n",
    "/etc/shadow": "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n",
    "/etc/group": "root:x:0:\ndaemon:x:1:\nadm:x:4:\nsudo:x:27:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\n",
}


def evidence_with(
    files: Mapping[str, str | bytes] | None = None,
    *,
    modes: Mapping[str, tuple[int, int, int]] | None = None,
    links: Mapping[str, str] | None = None,
    commands: Mapping[str, tuple[int, str]] | None = None,
    artifacts: Mapping[str, str] | None = None,
    unseen: Iterable[str] = (),
    kind: str = "ssh",
    target: str = "ssh://auditor@host",
    taken_at: datetime = NOW,
    minimal: bool = True,
    clock_skew_ms: int | None = 0,
) -> Evidence:
    """Evidence of a host that holds MINIMAL and these files and nothing else.

    modes: path → (mode, uid, gid); default 0644 root (0755 for folders).
    """
    content = {**(MINIMAL if minimal else {}), **(files or {})}
    hidden = set(unseen)
    folders = {"/"}
    for path in [*content, *(links or {}), *(modes or {})]:
        while path != "/":
            path = posixpath.dirname(path)
            folders.add(path)
    rows = [f"D\t\t\t\t\t\t{folder}" for folder in sorted(folders - hidden)]
    rows += [f"W\t\t\t\t\t\t{top}" for top in WALKED if f"scan:{top}" not in hidden]
    stored: dict[str, bytes] = {}
    gaps = [Gap(f"file:{path}" if path.startswith("/") else path, Reason.DENIED) for path in sorted(hidden)]
    for path in sorted((set(content) | set(modes or {}) | folders - {"/"}) - set(links or {})):
        mode, uid, gid = (modes or {}).get(path, (0o755 if path in folders else 0o644, 0, 0))
        text = content.get(path, "")
        data = text.encode() if isinstance(text, str) else text
        rows.append(f"{'d' if path in folders else 'f'}\t{mode:o}\t{uid}\t{gid}\t{len(data)}\t1700000000\t{path}")
        if path in content and path not in hidden:
            stored[f"file:{path}"] = data
    rows += [f"l\t777\t0\t0\t0\t1700000000\t{path}\t{to}" for path, to in sorted((links or {}).items())]
    if "tree" not in hidden:
        stored["tree"] = ("\n".join(rows) + "\n").encode()
    for name, (code, output) in (commands or {}).items():
        stored[f"cmd:{name}"] = f"exit {code}\n{output}".encode()
    for name, text in {"acls": "", **(artifacts or {})}.items():
        stored[name] = text.encode()
    for name in hidden:
        stored.pop(name, None)
    return Evidence(
        Target(target, target, kind), TargetStatus.COLLECTED, taken_at, stored, tuple(gaps),
        {"hostname": "host"}, "testing", clock_skew_ms,
    )  # fmt: skip


def host_with(files: Mapping[str, str | bytes] | None = None, **more: object) -> Host:
    """A Host over `evidence_with(...)`; same arguments."""
    return Host(evidence_with(files, **more))  # type: ignore[arg-type]


def badge_evidence(
    rows: Iterable[Mapping[str, Value]] = (),
    *,
    refused: Mapping[str, int] | None = None,
    columns: Iterable[str] | None = None,
    zone: str | None = "UTC",
    events: Mapping[str, str] | None = None,
    broken: Mapping[str, int] | None = None,
    taken_at: datetime = NOW,
    **tables: Sequence[Mapping[str, Value]],
) -> Evidence:
    """Evidence of an export with these events and, by name, these tables of badge_events.SIDE_TABLES.

    A row names columns of badge_events.EVENT_COLUMNS; an event is GRANTED unless it says otherwise. Times are UTC as `2026-03-02 08:15`,
    `2026-03-02 08:15:30.250`, or milliseconds. columns: what the map fills (default: what any row names). refused: reason → rows that
    could not be read, beyond those that name `refused` themselves. zone: of the doors' clocks. events: the map's table of codes.
    broken: table → rows of it that could not be read.
    """
    from sovaudit.collectors.badges import times as clocks

    given = [{"event": "GRANTED", "event_native": row.get("event", "GRANTED"), **row} for row in rows]
    named = {name for row in given for name in row} | {"event_time", "event"} if columns is None else set(columns)
    unreadable = dict(refused or {})
    unmapped: dict[str, int] = {}
    for row in given:
        if row.get("refused"):
            unreadable[str(row["refused"])] = unreadable.get(str(row["refused"]), 0) + 1
        elif row["event"] == "UNMAPPED":
            unmapped[str(row["event_native"])] = unmapped.get(str(row["event_native"]), 0) + 1
    scratch = Scratch()
    engine, pieces = Engine(scratch, ordered=True), Pieces(scratch)

    def write(name: str, kinds: Mapping[str, str], content: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
        engine.load("given", kinds, [[_ms(row.get(column), kind) for column, kind in kinds.items()] for row in content])
        path = scratch.file(f"{name}.parquet")
        count = engine.write("SELECT * FROM given", path)
        return {"rows": count, **pieces.add_table(f"badges/{name}.parquet", path)}

    times = {**EVENT_COLUMNS, "event_time": TIME, "received_time": TIME}
    said = {
        "format": 1,
        "file": {"name": "badges.csv", "bytes": 1, "sha256": canon.digest(b""), "files": 1, "last_line_complete": True},
        "map": {"columns": {name: {"column": name} for name in sorted(named)}, "events": dict(events or {})},
        "offsets": clocks.offsets(zone),
        "events": write("events", times, given),
        "refused": {reason: {"count": count, "first": [1]} for reason, count in sorted(unreadable.items())},
        "unmapped": sorted([native, count] for native, count in unmapped.items()),
        "unmapped_directions": sum(row.get("direction") == "unmapped" for row in given),
        "repeated_times": sum(row.get("time_note") == "repeated" for row in given),
        "missing_times": sum(row.get("time_note") == "missing" for row in given),
        "tables": {
            name: {
                "refused": (broken or {}).get(name, 0),
                "columns": sorted({column for row in content for column in row}),
                **write(name, SIDE_TABLES[name], content),
            }
            for name, content in sorted(tables.items())
        },
    }
    engine.close()
    artifacts = {**dict(pieces.items()), "badges/source": canon.canonical(said)}
    target = Target("badges:badges.csv?map=generic", "badges:badges.csv?map=generic", "badges")
    return Evidence(target, TargetStatus.COLLECTED, taken_at, artifacts, (), {"file": "badges.csv"}, "testing")


def badges_with(rows: Iterable[Mapping[str, Value]] = (), **more: object) -> BadgeLog:
    """A BadgeLog over `badge_evidence(...)`; same arguments."""
    return BadgeLog(badge_evidence(rows, **more))  # type: ignore[arg-type]


def _ms(value: Value, kind: str) -> Value:
    if kind != TIME or not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def directory_evidence(
    *,
    product: str = "openldap",
    base: str = "dc=example,dc=org",
    results: Mapping[str, int] | None = None,
    unasked: Iterable[str] = (),
    gaps: Iterable[Gap] = (),
    kind: str = "ldap",
    target: str = "ldaps://directory/dc=example,dc=org",
    taken_at: datetime = NOW,
    **searches: Iterable[tuple[str, Mapping[str, Iterable[str | bytes]]]],
) -> Evidence:
    """Evidence of a directory whose every search ended well: each keyword is a search with its entries, `(DN, {attribute: values})`.

    A search's name has `_` for `-`; what is not given brought nothing. results: search → the server's result code (RFC 4511). unasked:
    searches that were not put.
    """
    from sovaudit.collectors.ldap.searches import FOLLOWED, PRODUCTS, ROOT_DSE

    given = {name.replace("_", "-"): list(entries) for name, entries in searches.items()}
    stored: dict[str, bytes] = {}
    notes: dict[str, object] = {}
    codes = dict(results or {})
    kind_of = "389" if product == "freeipa" else product
    for query in (ROOT_DSE, *PRODUCTS[kind_of], *([FOLLOWED[kind_of]] if kind_of in FOLLOWED else [])):
        if query.name in set(unasked):
            continue
        entries = given.pop(query.name, [])
        chunks = [len(entries)] if entries else []
        if entries:
            stored[f"entries:{query.name}/0000"] = b"".join(
                ber.encode(dn, {key: [_bytes(value) for value in values] for key, values in attributes.items()})
                for dn, attributes in entries
            )
        code = codes.get(query.name, 0)
        notes[query.name] = {
            "base": base, "scope": query.scope, "filter": query.filter, "attributes": list(query.attributes), "types_only": query.types_only,
            "limit": query.limit, "result": code, "message": "", "referrals": 0, "chunks": chunks,
        }  # fmt: skip
    if given:
        raise ValueError(f"{product} is not asked for {', '.join(given)}")
    stored["searches"] = canon.canonical(notes)
    found = (*gaps, *(Gap(f"search:{name}", Reason.ABSENT, f"result {code}") for name, code in codes.items() if code))
    identity = {"product": "389" if product == "freeipa" else product, "base": base, "bind": "dn:cn=auditor"}
    return Evidence(Target(target, target, kind), TargetStatus.COLLECTED, taken_at, stored, found, identity, "testing")


def directory_with(**more: object) -> Directory:
    """A Directory over `directory_evidence(...)`; same arguments."""
    return Directory(directory_evidence(**more))  # type: ignore[arg-type]


def list_evidence(
    kind: str, rows: Iterable[Mapping[str, object]], *, columns: Iterable[str] | None = None, taken_at: datetime = NOW, name: str = "",
    identify: bool = False,
) -> Evidence:  # fmt: skip
    """Evidence of a list of this kind (`people`, `rights`) as its collector writes it from a CSV file with these rows under their own names.

    A value may be a list where a cell may hold several. columns: of the file, where they are more than the rows fill.
    identify: people and badges under their names, as `badges_with` has them.
    """
    import csv
    import tempfile
    from dataclasses import replace
    from pathlib import Path

    from sovaudit.collectors import CollectOptions, collect, parse_target

    given = [dict(row) for row in rows]
    heads = list(dict.fromkeys([*(columns or ()), *(key for row in given for key in row)]))
    name = name or f"{kind}.csv"
    with tempfile.TemporaryDirectory(prefix="sovaudit-") as folder:
        path = Path(folder) / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(heads)
            for row in given:
                values = [row.get(head) for head in heads]
                writer.writerow([";".join(map(str, value)) if isinstance(value, (list, tuple)) else value for value in values])
        found = collect(parse_target(f"{kind}:{path}"), CollectOptions(people_key=b"testing", identify=identify))
    if not found.collected:
        raise ValueError(found.error)
    target = Target(f"{kind}:{name}", f"{kind}:{name}", kind)
    return replace(found, target=target, taken_at=taken_at)


def roster_with(*rows: Mapping[str, object], **more: object) -> Roster:
    """A Roster: `roster_with({"id": "7", "account": "alice", "status": "left", "left_on": "2026-01-31"})`; more: `list_evidence`'s."""
    return Roster((list_evidence("people", rows, **more),))  # type: ignore[arg-type]


def rights_with(*rows: Mapping[str, object], **more: object) -> Rights:
    """Declared Rights: `rights_with({"account": "alice", "right": "ssh", "reviewed_on": "2026-01-31"})`; more: `list_evidence`'s."""
    return Rights((list_evidence("rights", rows, **more),))  # type: ignore[arg-type]


def _bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def without(evidence: Evidence, artifact: str) -> Evidence:
    """The same evidence with one artifact removed: what the deletion property is about."""
    from dataclasses import replace

    return replace(evidence, artifacts={name: data for name, data in evidence.artifacts.items() if name != artifact})


def run(check: Check, *facts: object, **knobs: object) -> list[Outcome]:
    """A check's outcomes; what was not seen becomes an `unknown` with an empty subject, as in the engine."""
    outcomes: list[Outcome] = []
    try:
        outcomes.extend(check.function(*facts, **{**check.knobs, **knobs}))
    except Unseen as unseen:
        outcomes.append(unknown("{item} was not seen", gaps=[unseen.gap], item=unseen.gap.item))
    return outcomes


def verdicts(outcomes: Iterable[Outcome]) -> dict[str, str]:
    """Subject → verdict."""
    return {outcome.subject: outcome.verdict.value for outcome in outcomes}
