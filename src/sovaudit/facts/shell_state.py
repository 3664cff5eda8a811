"""What a shell remembers while its startup files run, with everything that may be where the evidence leaves it open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from types import EllipsisType

from sovaudit.facts.parse.shell import Node
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

UNKNOWN = ...
Value = str | None | EllipsisType  # a text, unset, or not known
Values = frozenset[Value]
_MANY = 12  # values of one variable that are kept apart


class Flow(Enum):
    """How a command ends: the next one follows, or a jump."""

    NEXT = "next"
    RETURN = "return"  # out of a function or a sourced file
    DISCARD = "discard"  # bash gives up the complete command and reads the next
    ABORT = "abort"  # dash or zsh gives up the startup file
    EXIT = "exit"  # the session ends
    BREAK = "break"
    CONTINUE = "continue"


@dataclass(slots=True)
class State:
    """umask: each mask that may be in force → the line that set it; None for one that is not known. lines: variable → its last assignments."""

    umask: dict[int | None, Line]
    variables: dict[str, Values] = field(default_factory=dict)
    readonly: dict[str, bool] = field(default_factory=dict)  # True: certainly
    exported: frozenset[str] = frozenset()
    functions: dict[str, Node | None] = field(default_factory=dict)
    lines: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    status: bool | None = True
    blurred: bool = False  # anything may have happened to any variable

    def copy(self) -> State:
        return State(
            dict(self.umask), dict(self.variables), dict(self.readonly), self.exported, dict(self.functions), dict(self.lines), self.gaps,
            self.status, self.blurred,
        )  # fmt: skip

    def get(self, name: str) -> Value:
        """The value, UNKNOWN where it may be one of several."""
        values = self.variables.get(name)
        if values is None:
            return UNKNOWN if self.blurred or _from_outside(name) else None
        return next(iter(values)) if len(values) == 1 else UNKNOWN

    def set(self, name: str, value: Value, line: Line | None = None) -> None:
        self.variables[name] = frozenset({value})
        if line is not None and name == "TMOUT":
            self.lines[name] = (line,)

    def blur(self, line: Line, gap: Gap) -> None:
        """Something ran whose effect is not known."""
        self.umask.setdefault(None, line)
        if not self.readonly.get("TMOUT"):
            self.variables["TMOUT"] = self.variables.get("TMOUT", frozenset({None})) | {UNKNOWN}
            self.lines["TMOUT"] = (*self.lines.get("TMOUT", ()), line)
        self.gaps = (*self.gaps, gap)
        self.blurred = True
        self.status = None


# What login, sshd, PAM, a terminal or the shell itself may put into the environment with a value that no file tells.
_OUTSIDE = frozenset(
    (
        "TERM LANG LANGUAGE DISPLAY HOSTNAME PPID MAIL RANDOM SECONDS EPOCHSECONDS COLUMNS LINES PWD OLDPWD SHLVL HOSTTYPE OSTYPE MACHTYPE BASHPID "
        "COLORTERM TERM_PROGRAM VTE_VERSION WINDOWID XAUTHORITY DBUS_SESSION_BUS_ADDRESS PATH HOST DESKTOP_SESSION TZ BASH_SOURCE LINENO ! ? $ _"
    ).split()
)


def _from_outside(name: str) -> bool:
    return name in _OUTSIDE or name.startswith(("LC_", "XDG_", "SSH_", "KRB5", "GDM", "WSL"))


def merge(states: Iterable[State]) -> State:
    """One state that allows what any of these allows."""
    rows = list(states)
    if len(rows) == 1:
        return rows[0]
    found = rows[0].copy()
    for other in rows[1:]:
        for mask, line in other.umask.items():
            found.umask.setdefault(mask, line)
        for name in found.variables.keys() | other.variables.keys():
            values = found.variables.get(name, frozenset({found.get(name)})) | other.variables.get(name, frozenset({other.get(name)}))
            found.variables[name] = values if len(values) <= _MANY else frozenset({UNKNOWN})
        for name in found.readonly.keys() | other.readonly.keys():
            found.readonly[name] = found.readonly.get(name, False) and other.readonly.get(name, False)
        for name in found.functions.keys() | other.functions.keys():
            if found.functions.get(name) is not other.functions.get(name):
                found.functions[name] = None
        for name, lines in other.lines.items():
            found.lines[name] = tuple(dict.fromkeys((*found.lines.get(name, ()), *lines)))
        found.exported |= other.exported
        found.gaps = tuple(dict.fromkeys((*found.gaps, *other.gaps)))
        found.status = found.status if found.status is other.status else None
        found.blurred |= other.blurred
    return found
