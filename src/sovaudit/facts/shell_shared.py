"""A startup file of the whole system is run on paper once for all accounts to whom it says the same.

What it says may hang on the account: its name, home, groups, rights. Whatever asks for one of those marks the run as personal, and it is not
shared. Only the uid may be asked for, and only in a comparison with a number (`[ "$(id -u)" -eq 0 ]`): then it is shared among those who give the
same answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from sovaudit.facts.files import Files
from sovaudit.facts.shell_run import Runner
from sovaudit.facts.shell_state import State

OWN = ("HOME", "USER", "LOGNAME", "UID", "EUID")  # variables that are the account's
_ASKED = re.compile(r"\bid\s+-u\b|\bE?UID\b")
_COMPARED = re.compile(
    r"""(?P<quote>["']?)(?:\$\(\s*(?:/usr/bin/|/bin/)?id\s+-u\s*\)|`(?:/usr/bin/|/bin/)?id\s+-u`|\$E?UID\b|\$\{E?UID\})(?P=quote)\s+"""
    r"""(?P<operator>-eq|-ne|-gt|-ge|-lt|-le|=|==|!=)\s+(?P<other>["']?)(?P<number>0|[1-9]\d{0,9})(?P=other)(?=[\s\];])"""
)
_ANSWERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": int.__eq__, "=": int.__eq__, "==": int.__eq__, "-ne": int.__ne__, "!=": int.__ne__,
    "-lt": int.__lt__, "-le": int.__le__, "-gt": int.__gt__, "-ge": int.__ge__,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Run:
    """What a run left. numbers: (operator, number, answer) for every comparison of the uid in what was run."""

    numbers: tuple[tuple[str, int, bool], ...]
    taken: bool
    left: State | None
    moved: bool
    asked: bool
    steps: int


def _runs(files: Files) -> dict[Hashable, list[_Run]]:
    return {}


def startup(runner: Runner, path: str, state: State, like: Hashable) -> tuple[bool, State | None]:
    """As Runner.startup, for the first file that a shell reads. like: all that the given state says of more than the account."""
    world = runner.world
    known = world.host.files.once(_runs).setdefault((path, like), [])
    for run in known:
        if all(_ANSWERS[operator](world.account.uid, number) == answer for operator, number, answer in run.numbers):
            world.moved |= run.moved
            world.asked |= run.asked
            runner.steps += run.steps
            return run.taken, None if run.left is None else _handed(run.left, state)
    taken, left = runner.startup(path, state)
    numbers = _numbers(runner)
    same = left is None or all(left.variables.get(name) == state.variables.get(name) for name in OWN)
    if not world.personal and numbers is not None and same:
        known.append(_Run(numbers, taken, None if left is None else left.copy(), world.moved, world.asked, runner.steps))
    return taken, left


def _handed(left: State, own: State) -> State:
    found = left.copy()
    found.variables |= {name: own.variables[name] for name in OWN if name in own.variables}
    return found


def _numbers(runner: Runner) -> tuple[tuple[str, int, bool], ...] | None:
    """None where the uid is asked for in another way."""
    if not runner.world.number:
        return ()
    text = "\n".join(runner.world.texts)
    compared = list(_COMPARED.finditer(text))
    if len(compared) != len(_ASKED.findall(text)):
        return None
    uid = runner.world.account.uid
    rows = {(match["operator"], int(match["number"])) for match in compared}
    return tuple((operator, number, _ANSWERS[operator](uid, number)) for operator, number in sorted(rows))
