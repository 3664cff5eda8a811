"""nsswitch.conf(5) as sudo reads it."""

from __future__ import annotations

from sovaudit.facts.host import Host


def nsswitch(host: Host, database: str) -> list[str]:
    """The sources of a database, in order; empty without a line. Raises Unseen."""
    for row in (host.files.read("/etc/nsswitch.conf") or "").splitlines():
        name, colon, rest = row.partition("#")[0].partition(":")
        if colon and name.strip().lower() == database:
            return [word for word in rest.lower().split() if not word.startswith("[") and not word.endswith("]")]
    return []
