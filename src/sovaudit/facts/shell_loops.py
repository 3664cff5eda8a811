"""Loops of a shell: over words that are known, or as often as it may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sovaudit.facts.parse.shell import For, Node, Sequence, While
from sovaudit.facts.parse.shell_words import Part
from sovaudit.facts.shell_expand import Expander
from sovaudit.facts.shell_state import UNKNOWN, Flow, State, merge

Ends = dict[Flow, State]
_ARGUMENTS = (Part("param", "@", True),)


def together(rows: Iterable[Ends]) -> Ends:
    """Ways to end, those that end alike as one."""
    found: dict[Flow, list[State]] = {}
    for row in rows:
        for flow, state in row.items():
            found.setdefault(flow, []).append(state)
    return {flow: merge(states) for flow, states in found.items()}


class Loops:
    """Mixed into the runner."""

    expander: Expander
    loops: int
    run: Callable[[Node | None, State], Ends]

    def for_each(self, node: For, state: State) -> Ends:
        words = self.expander.fields(node.words if node.words is not None else (_ARGUMENTS,), state)
        if UNKNOWN in words or len(words) > 300:
            return self.maybe_often(node.body, state, node.name)
        rows: list[Ends] = []
        current: State | None = state
        for word in words:
            assert current is not None
            each = current.copy()
            each.set(node.name, word)
            current = self._turn(self._once(node.body, each), rows)
            if current is None:
                return together(rows)
        rows.append({Flow.NEXT: current if current is not None else state})
        return together(rows)

    def _once(self, body: Node, state: State) -> Ends:
        self.loops += 1
        try:
            return self.run(body, state)
        finally:
            self.loops -= 1

    def _turn(self, ends: Ends, rows: list[Ends]) -> State | None:
        """One turn of a loop: what leaves it goes to rows; what begins the next turn is given."""
        on = [ends.pop(flow) for flow in (Flow.NEXT, Flow.CONTINUE) if flow in ends]
        if (left := ends.pop(Flow.BREAK, None)) is not None:
            rows.append({Flow.NEXT: left})
        rows.append(ends)
        return merge(on) if on else None

    def maybe_often(self, body: Node, state: State, name: str = "") -> Ends:
        """A loop whose number of turns is not known: none, one, or two."""
        rows: list[Ends] = [{Flow.NEXT: state}]
        current: State | None = state
        for _ in range(2):
            if current is None:
                break
            each = current.copy()
            if name:
                each.set(name, UNKNOWN)
            current = self._turn(self._once(body, each), rows)
            if current is not None:
                rows.append({Flow.NEXT: current})
        return together(rows)

    def while_true(self, node: While, state: State) -> Ends:
        after = self.run(node.condition, state)
        following = after.pop(Flow.NEXT, None)
        if following is None:
            return after
        if following.status is node.until:
            return together([after, {Flow.NEXT: following}])
        both = Sequence(((node.condition, False), (node.body, False)))
        return together([after, self.maybe_often(both, following)])
