"""Which rules of OpenSCAP's guide and of Lynis look at the same thing as a check of ours: profiles/peers/peers.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any

from sovaudit.content import content_path
from sovaudit.errors import UsageError


@cache
def table() -> dict[str, Any]:
    """The file as it is: `sources` (name → title, package …) and `checks` (id → source → ids). Raises UsageError where it is malformed."""
    path = content_path("profiles") / "peers" / "peers.toml"
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot be read ({error})", where=str(path), hint="Install sovaudit anew.") from error


def of(check: str) -> list[tuple[str, list[str]]]:
    """(title and package of a source, its ids) for one check; empty for one of which we know nothing."""
    rules = table()["checks"].get(check, {})
    return [(f"{source['title']}, {source['package']}", rules[name]) for name, source in table()["sources"].items() if name in rules]
