"""For anyone who writes checks: evidence in one line, and a check's answers from it.

    host = host_with({"/etc/passwd": "root:x:0:0::/root:/bin/bash\\n"})
    assert verdicts(run(uid0, host)) == {"root": "pass"}

`host_with` makes a whole world: every path that is not given is *seen to be absent*. Name paths in `unseen` to make them gaps.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sovaudit.authoring import Check, unknown
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.model.evidence import Evidence, Gap, Target
from sovaudit.model.finding import Outcome
from sovaudit.model.verdict import Reason, TargetStatus

WALKED = ("/boot", "/etc", "/lib", "/opt", "/root", "/usr")
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MINIMAL = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n",
    "/etc/shadow": "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n",
    "/etc/group": "root:x:0:\ndaemon:x:1:\nsudo:x:27:\n",
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
