"""Runs a startup file on paper: which umask and which variables it leaves, in every way that the evidence leaves open.

A command that is not known here (an external program) changes nothing of the shell and may succeed or not. What may change anything (an `eval` of
what we cannot compute, a file that was not seen) blurs: the umask and TMOUT may then be anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.shell import (
    AndOr,
    Case,
    For,
    Function,
    If,
    Node,
    Parser,
    Pipeline,
    Sequence,
    Simple,
    Subshell,
    Test,
    While,
)  # fmt: skip
from sovaudit.facts.parse.shell_words import ShellSyntax
from sovaudit.facts.shell_builtins import BUILTINS, Builtins, Kept, output_of
from sovaudit.facts.shell_conditions import Conditions
from sovaudit.facts.shell_expand import Expander, World
from sovaudit.facts.shell_loops import Loops, together
from sovaudit.facts.shell_state import UNKNOWN, Flow, State, Value, merge
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

Ends = dict[Flow, State]
MAX_STEPS = 20_000
MAX_DEPTH = 24
# Before these an assignment stays (sh(1p) "special built-in utilities"; bash: for what they declare).
_DECLARES = frozenset("export readonly declare typeset".split())
_UID = re.compile(r"\s*(?:/usr/bin/|/bin/)?id\s+-u\s*")
_SPECIAL = frozenset("export readonly . eval set unset return exit break continue exec".split())


class Runner(Builtins, Conditions, Loops):
    """One shell in one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.expander = Expander(world, self._substitute)
        self.steps = 0
        self.depth = 0
        self.scopes: list[dict[str, Kept]] = []
        self.loops = 0
        self.file = ""
        self.texts: list[str] = []

    # Files

    def startup(self, path: str, state: State) -> tuple[bool, State | None]:
        """A startup file. Whether the shell took it (bash: it exists), and the state afterwards; None where the session ends in it."""
        if self.world.dialect == "bash":
            try:
                if self.world.host.files.follow(path) is None:
                    return False, state
            except Unseen as unseen:
                state = state.copy()
                state.blur(Line(path, 0, "was not seen"), unseen.gap)
                return True, state
        ends = self.source(path, state, missing_ok=True)
        left = [found for flow, found in ends.items() if flow is not Flow.EXIT]
        return True, merge(left) if left else None

    def source(self, path: str, state: State, *, missing_ok: bool = False) -> Ends:
        files = self.world.host.files
        failed = state.copy()
        failed.status = False
        missing = {Flow.NEXT: failed} if missing_ok or self.world.dialect != "dash" else {Flow.ABORT: failed}
        try:
            stat = files.follow(path)
            if stat is None or stat.kind == "d" or not self.world.may(path, 4):
                return missing
            text = files.read(path)
        except Unseen as unseen:
            state = state.copy()
            state.blur(Line(path, 0, "was not seen"), unseen.gap)
            return {Flow.NEXT: state}
        return self.run_text(text or "", path, state)

    def run_text(self, text: str, path: str, state: State, first_line: int = 1) -> Ends:
        """A file or an `eval`, complete command by complete command."""
        if self.depth >= MAX_DEPTH:
            return self._given_up(state, path, "too deep")
        before = self.file
        self.depth += 1
        self.texts.append(text)
        self.world.texts.append(text)
        self.file = path
        try:
            ends = self._units(text, state, path)
        finally:
            self.depth -= 1
            self.file = before
            self.texts.pop()
        back = [ends.pop(flow) for flow in (Flow.NEXT, Flow.RETURN) if flow in ends]
        if back:
            ends[Flow.NEXT] = merge(back)
        return ends

    def _units(self, text: str, state: State, path: str) -> Ends:
        ends: dict[Flow, list[State]] = {}
        current: State | None = state
        units, error = self._parsed(text)
        for node in units:
            if current is None:
                break
            after = self.run(node, current)
            kept = [after.pop(flow) for flow in (Flow.NEXT, Flow.DISCARD, Flow.BREAK, Flow.CONTINUE) if flow in after]
            for flow, found in after.items():
                ends.setdefault(flow, []).append(found)
            current = merge(kept) if kept else None
        if current is not None and error is not None:
            if error.sure and self.world.dialect == "dash":
                ends.setdefault(Flow.ABORT, []).append(current)
                current = None
            elif not error.sure:
                current = self._unparsed(error, current, path)
        if current is not None:
            ends.setdefault(Flow.NEXT, []).append(current)
        return {flow: merge(states) for flow, states in ends.items()}

    def _parsed(self, text: str) -> tuple[tuple[Node, ...], ShellSyntax | None]:
        """The complete commands up to where the text ends or cannot be read; each text is taken apart once."""
        key = self.world.dialect, text
        if key not in self.world.parsed:
            units: list[Node] = []
            error: ShellSyntax | None = None
            try:
                for node in Parser(text, self.world.dialect):
                    units.append(node)
            except ShellSyntax as found:
                error = found
            self.world.parsed[key] = tuple(units), error
        return self.world.parsed[key]

    def _unparsed(self, error: ShellSyntax, state: State, path: str) -> State:
        """The shell gives the rest of the file up, if it does not understand it either. That matters where the rest says something to us."""
        rest = "\n".join(self.texts[-1].split("\n")[max(error.line - 1, 0) :])
        if not any(word in rest for word in ("umask", "TMOUT", "eval", "source", ". ", "autologout")):
            return state
        state = state.copy()
        line = Line(path, error.line, _row(self.texts[-1], error.line))
        state.blur(line, Gap(f"file:{path}", Reason.AMBIGUOUS, f"line {error.line} could not be read as shell"))
        return state

    def _given_up(self, state: State, path: str, why: str) -> Ends:
        state = state.copy()
        state.blur(Line(path, 0, why), Gap(f"file:{path}", Reason.TRUNCATED, why))
        return {Flow.NEXT: state}

    def line(self, number: int) -> Line:
        return Line(self.file, number, _row(self.texts[-1], number))

    # Commands

    def run(self, node: Node | None, state: State) -> Ends:
        """Every way in which a command may end, each with the state that it leaves. The given state is not changed."""
        self.steps += 1
        if node is None:
            return {Flow.NEXT: state}
        if self.steps > MAX_STEPS:
            return self._given_up(state, self.file, "too many commands")
        return self._RUN[type(node)](self, node, state)

    def _sequence(self, node: Sequence, state: State) -> Ends:
        ends: dict[Flow, list[State]] = {}
        current = state
        for item, background in node.items:
            if background:
                current = current.copy()
                current.status = True
                continue
            after = self.run(item, current)
            following = after.pop(Flow.NEXT, None)
            for flow, found in after.items():
                ends.setdefault(flow, []).append(found)
            if following is None:
                return {flow: merge(states) for flow, states in ends.items()}
            current = following
        ends.setdefault(Flow.NEXT, []).append(current)
        return {flow: merge(states) for flow, states in ends.items()}

    def _and_or(self, node: AndOr, state: State) -> Ends:
        """States are kept apart by how the command before ended, so that `a && b || c` runs c only where a or b failed."""
        rows: list[Ends] = []
        waiting: dict[bool | None, State] = {}

        def ended(ends: Ends) -> None:
            if (found := ends.pop(Flow.NEXT, None)) is not None:
                waiting[found.status] = merge([waiting[found.status], found]) if found.status in waiting else found
            rows.append(ends)

        ended(dict(self.run(node.first, state)))
        for operator, command in node.rest:
            wanted = operator == "&&"
            before, waiting = waiting, {}
            for status, found in before.items():
                if status is not wanted:
                    skipped = found.copy()
                    skipped.status = not wanted
                    ended({Flow.NEXT: skipped})
                if status is not (not wanted):
                    ended(dict(self.run(command, found)))
        rows += [{Flow.NEXT: found} for found in waiting.values()]
        return together(rows)

    def _pipeline(self, node: Pipeline, state: State) -> Ends:
        if len(node.commands) > 1:
            found = state.copy()
            found.status = None
            if self.world.dialect in ("zsh", "ksh"):
                return self._negated(self.run(node.commands[-1], found), node.negated)
            return {Flow.NEXT: found}
        return self._negated(self.run(node.commands[0], state), node.negated)

    def _negated(self, ends: Ends, negated: bool) -> Ends:
        if negated and (found := ends.get(Flow.NEXT)) is not None and found.status is not None:
            found = found.copy()
            found.status = not found.status
            ends[Flow.NEXT] = found
        return ends

    def _if(self, node: If, state: State) -> Ends:
        rows: list[Ends] = []
        current = state
        for condition, body in node.clauses:
            after = self.run(condition, current)
            following = after.pop(Flow.NEXT, None)
            rows.append(after)
            if following is None:
                return together(rows)
            if following.status is not False:
                rows.append(self.run(body, following))
            current = following
            if following.status is True:
                return together(rows)
        if node.otherwise is not None:
            rows.append(self.run(node.otherwise, current))
        else:
            left = current.copy()
            left.status = True
            rows.append({Flow.NEXT: left})
        return together(rows)

    def _case(self, node: Case, state: State) -> Ends:
        value = self.expander.text(node.word, state)
        rows: list[Ends] = []
        certain = False
        for patterns, body, ending in node.clauses:
            answer = self.matches(value, patterns, state)
            if answer is False:
                continue
            rows.append(self.run(body, state) if body is not None else {Flow.NEXT: state})
            if ending != ";;":
                return self.maybe_often(Sequence(tuple((each, False) for _, each, _ in node.clauses if each is not None)), state)
            if answer is True:
                certain = True
                break
        if not certain:
            rows.append({Flow.NEXT: state})
        return together(rows)

    def _subshell(self, node: Subshell, state: State) -> Ends:
        inner = self.run(node.body, state)
        found = state.copy()
        following = inner.get(Flow.NEXT)
        found.status = following.status if following is not None and len(inner) == 1 else None
        return {Flow.NEXT: found}

    def _function(self, node: Function, state: State) -> Ends:
        found = state.copy()
        found.functions[node.name] = node.body
        found.status = True
        return {Flow.NEXT: found}

    def _test(self, node: Test, state: State) -> Ends:
        found = state.copy()
        found.status = None if node.arithmetic else self.double_bracket(node.text, state)
        if node.arithmetic:
            self.assigned_in(node.text, found)
        return {Flow.NEXT: found}

    # Simple commands

    def _simple(self, node: Simple, state: State) -> Ends:
        line = self.line(node.line)
        if any(part.kind == "param" and "=" in part.text for word in node.words for part in word):
            state = state.copy()  # ${x:=y} assigns
        fields = self.expander.fields(node.words, state)
        if not fields:
            return self._assign(node, state, line)
        name = fields[0]
        if not isinstance(name, str):
            found = state.copy()
            found.status = None
            return {Flow.NEXT: found}
        if name in state.functions:
            return self._call(state.functions[name], fields[1:], state, line)
        if (builtin := BUILTINS.get(name)) is not None:
            if node.assigns and name in (_SPECIAL if self.world.dialect == "dash" else _DECLARES):
                ends = self._assign(node, state, line)
                if Flow.NEXT not in ends:
                    return ends
                state = ends[Flow.NEXT]
            return builtin(self, node, fields, state, line)
        found = state.copy()
        found.status = {":": True, "true": True, "false": False}.get(name.removeprefix("/usr").removeprefix("/bin/"))
        if name in ("[[", "function", "shopt") and self.world.dialect == "dash":
            found.status = False  # not found
        return {Flow.NEXT: found}

    def _assign(self, node: Simple, state: State, line: Line) -> Ends:
        found = state.copy()
        found.status = True
        for name, appends, word in node.assigns:
            value = self.expander.text(word, found)
            if appends:
                old = found.get(name)
                value = (old or "") + value if isinstance(value, str) and old is not UNKNOWN else UNKNOWN
            if found.readonly.get(name):
                found.status = False
                return {Flow.ABORT if self.world.dialect in ("dash", "zsh") else Flow.DISCARD: found}
            self.put(name, value, found, line)
        if any(part.kind == "command" for _, _, word in node.assigns for part in word):
            found.status = None
        return {Flow.NEXT: found}

    def _call(self, body: Node | None, args: list[Value], state: State, line: Line) -> Ends:
        if body is None or self.depth >= MAX_DEPTH:
            return self._given_up(state, line.file, "a function that is not known")
        called = state.copy()
        names = ("@", "#", *map(str, range(1, 10)))
        kept = {name: state.variables[name] for name in names if name in state.variables}
        self.arguments(called, args)
        self.depth += 1
        scope: dict[str, Kept] = {}
        self.scopes.append(scope)
        loops, self.loops = self.loops, 0
        try:
            ends = self.run(body, called)
        finally:
            self.depth -= 1
            self.scopes.pop()
            self.loops = loops
        back = [ends.pop(flow) for flow in (Flow.NEXT, Flow.RETURN) if flow in ends]
        if back:
            ends[Flow.NEXT] = merge(back).copy()
        for flow, found in ends.items():
            left = ends[flow] = found.copy()
            self.left(scope, left)
            for name in names:
                left.variables.pop(name, None)
            left.variables |= kept
        return ends

    def _substitute(self, text: str, state: State) -> Value:
        if _UID.fullmatch(text):
            self.world.number = True
            return str(self.world.account.uid)
        nodes, error = self._parsed(text)
        if error is not None:
            return UNKNOWN
        node: Node | None = nodes[0] if len(nodes) == 1 else None
        while isinstance(node, Sequence) and len(node.items) == 1:
            node = node.items[0][0]
        if not isinstance(node, Simple) or node.assigns:
            return UNKNOWN
        fields = self.expander.fields(node.words, state)
        words = [each for each in fields if isinstance(each, str)]
        return output_of(self.world, words, state) if words and len(words) == len(fields) else UNKNOWN

    _RUN: ClassVar[dict[type, Callable[..., Ends]]] = {
        Sequence: _sequence, AndOr: _and_or, Pipeline: _pipeline, If: _if, For: Loops.for_each, While: Loops.while_true, Case: _case,
        Subshell: _subshell, Function: _function, Test: _test, Simple: _simple,
    }  # fmt: skip


@lru_cache(maxsize=16)
def _rows(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n"))


def _row(text: str, number: int) -> str:
    rows = _rows(text)
    return rows[number - 1][:300] if 0 < number <= len(rows) else ""
