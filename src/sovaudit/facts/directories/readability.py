"""What of a directory an audit account was shown: each search, and each attribute that it asked for.

A server answers success for what it hides. So an attribute that no entry shows is either nowhere or closed, and only what proves one of the two
may be called so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory


@unique
class State(StrEnum):
    READABLE = "READABLE"  # some entry was shown, or shows it
    ABSENT = "ABSENT"  # seen not to be there: nothing is hidden from who asked
    UNKNOWN = "UNKNOWN"  # not asked, cut, refused; or no entry shows it, which may mean that it is closed


@dataclass(frozen=True, slots=True)
class Readable:
    """One search. entries: how many came. shown, hidden, absent: its attributes that some entry shows; that none does, so that they may be nowhere
    or closed; and that are seen to be nowhere. why: what happened instead.
    """

    search: str
    state: State
    entries: int
    shown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    why: str = ""


def readability(directory: Directory) -> Iterator[Readable]:
    """Each search that the evidence speaks of, by name. Raises Unseen."""
    names = {gap.item.partition(":")[2] for gap in directory.evidence.gaps if gap.item.startswith("search:")}
    for name in sorted({*directory.searches, *names}):
        gap = directory.gap(name)
        note = directory.searches.get(name)
        if note is None:
            yield Readable(name, State.UNKNOWN, 0, why=f"{gap.reason.value}, {gap.detail}" if gap is not None else "")
            continue
        asked = [attribute for attribute in note["attributes"] if attribute not in ("*", "+")]
        seen: set[str] = set()
        count = 0
        try:
            for entry in directory.entries(name):
                count += 1
                seen.update(attribute.partition(";")[0] for attribute in entry.attributes)
        except Unseen as unseen:
            gap = gap or unseen.gap
        shown = tuple(attribute for attribute in asked if attribute.lower() in seen)
        hidden = tuple(attribute for attribute in asked if attribute.lower() not in seen)
        whole = _all_is_shown(directory)
        absent, hidden = (hidden, ()) if whole and gap is None else ((), hidden)
        if gap is not None:
            yield Readable(name, State.UNKNOWN, count, shown, hidden, absent, f"{gap.reason.value}, {gap.detail}")
        elif count:
            yield Readable(name, State.READABLE, count, shown, hidden, absent)
        elif name.startswith("anonymous"):
            yield Readable(name, State.ABSENT, 0, why="strangers are shown nothing")
        elif whole:
            yield Readable(name, State.ABSENT, 0)
        else:
            yield Readable(name, State.UNKNOWN, 0, (), hidden, (), "nothing came: there is none, or none that this account may see")


def _all_is_shown(directory: Directory) -> bool:
    """Whether nothing is hidden from who asked: a dump of the store, or a server's own root DN."""
    identity = directory.evidence.identity
    if identity.get("export", "") == "slapcat":
        return True  # db2ldif leaves out what the server computes, dse.ldif what is at its default
    bound = identity.get("bind", "").partition(":")[2].strip().casefold()
    try:
        roots = {entry.text(name).casefold() for name in ("olcRootDN", "nsslapd-rootdn") for entry in directory.entries("config")}
    except Unseen:
        return False
    return bool(bound) and bound in roots
