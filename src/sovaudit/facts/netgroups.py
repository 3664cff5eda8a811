"""Netgroups of /etc/netgroup as innetgr(3) reads them: triples (host,user,domain) where an empty field is any, and other netgroups."""

from __future__ import annotations

import re

_PART = re.compile(r"\(([^,]*),([^,]*),([^)]*)\)|([^\s(]+)")


class Netgroups:
    """The groups of one file. The first line of a name counts; a line goes on after a backslash."""

    def __init__(self, text: str) -> None:
        self._parts: dict[str, tuple[tuple[str, str, str, str], ...]] = {}
        for row in re.sub(r"\\\n", " ", text).split("\n"):
            name = re.match(r"\S+(?=\s)", row)
            if name and name[0] not in self._parts:
                self._parts[name[0]] = tuple(
                    (found[1] or "", found[2] or "", found[3] or "", found[4] or "") for found in _PART.finditer(row, name.end())
                )

    def has(self, group: str, host: str | None = None, user: str | None = None) -> bool:
        """Whether a triple fits: None asks nothing. The host is taken to have no NIS domain, as it has without NIS.

        >>> Netgroups("all ops\\nops (,bob,) (web,-,)\\n").has("all", user="bob")
        True
        """
        pending, seen = [group], set()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            for machine, person, _, other in self._parts.get(name, ()):
                if other:
                    pending.append(other)
                elif host is not None and machine.strip() and machine.strip().lower() != host.lower():
                    continue
                elif user is None or not person.strip() or person.strip() == user:
                    return True
        return False
