"""Exports of directories: `ldif:FILE`, or `ldif:DIR` for all of its *.ldif files together; judged offline by the checks of a live visit.

The entries are sorted into the searches that a visit would have put, so that facts cannot tell the two apart, except by this: an export
shows all there is only where it says itself that its search ended well, or is a dump of the store. See docs/directories.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from sovaudit.collectors.ldap.searches import PRODUCTS
from sovaudit.collectors.options import CollectOptions
from sovaudit.errors import UsageError
from sovaudit.model.evidence import Evidence, Target

HINT = "Write ldif:FILE or ldif:DIR, where needed with ?product=openldap|389|ad and &base=DN"
SUFFIXES = (".ldif", ".ldf")


@dataclass(frozen=True, slots=True)
class Place:
    """files: what is read, in order. product, base: what the caller says of it; empty: told from the content."""

    files: tuple[Path, ...]
    product: str = ""
    base: str = ""


def place(text: str) -> Place:
    """Raises UsageError: no such file or folder, no LDIF in the folder, an unknown product."""
    name = text.partition(":")[2]
    options: Mapping[str, str] = {}
    if not Path(name).exists() and "?" in name:
        name, _, query = name.rpartition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        if set(options) - {"product", "base"}:
            raise UsageError(f"unknown option {min(set(options) - {'product', 'base'})!r}", where="ldif:", hint=HINT)
    product, base = options.get("product", ""), unquote(options.get("base", ""))
    if product and product not in PRODUCTS:
        raise UsageError(f"unknown product {product!r}", where="ldif:", hint=HINT)
    if base and "=" not in base:
        raise UsageError(f"{base!r} is no distinguished name", where="ldif:", hint=HINT)
    path = Path(name)
    if name and path.is_dir():
        files = tuple(sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES and one.is_file() and one.name[:1] != "."))
        if not files:
            raise UsageError(f"no file ends in .ldif in {name!r}", where="ldif:", hint=HINT)
        return Place(files, product, base)
    if not name or not path.is_file():
        raise UsageError(f"there is no file {name!r}", where="ldif:", hint=HINT)
    return Place((path,), product, base)


def parse(text: str) -> Target:
    """Raises UsageError."""
    place(text)
    return Target(text, text, "ldif")


def collect(target: Target, options: CollectOptions) -> Evidence:
    """Raises CollectError for what is no LDIF, or names no single tree."""
    from sovaudit.collectors.ldif.reading import collect_export

    return collect_export(target, place(target.uri), options)


def plan(target: Target, options: CollectOptions) -> tuple[str, ...]:
    return (f"target {target.uri}", *(f"read {path}" for path in place(target.uri).files))
