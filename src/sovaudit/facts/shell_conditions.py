"""`case` patterns and `[[ … ]]` of a shell, where the evidence tells (bash(1) "Compound Commands")."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from sovaudit.facts.parse.shell import AndOr, Node, Parser, Pipeline, Sequence, Simple
from sovaudit.facts.parse.shell_words import ShellSyntax, Word
from sovaudit.facts.shell_expand import Expander, World, holds
from sovaudit.facts.shell_state import UNKNOWN, State, Value


class Conditions:
    """Mixed into the runner."""

    world: World
    expander: Expander

    def matches(self, value: Value, patterns: Iterable[Word], state: State) -> bool | None:
        answer: bool | None = False
        for word in patterns:
            pattern = self._pattern(word, state)
            if pattern == "*":
                return True
            if not isinstance(pattern, str) or not isinstance(value, str):
                answer = None
            elif fnmatch.fnmatchcase(value, pattern.replace("[^", "[!")):
                return True
        return answer

    def _pattern(self, word: Word, state: State) -> Value:
        """A pattern as fnmatch takes it: what is quoted matches itself alone."""
        found = ""
        for part in word:
            value = self.expander.text((part,), state)
            if not isinstance(value, str):
                return UNKNOWN
            found += "".join(f"[{letter}]" if letter in "*?[" else letter for letter in value) if part.quoted else value
        return found

    def double_bracket(self, text: str, state: State) -> bool | None:
        """`[[ … ]]`: `&&`, `||` and single tests; anything else may be."""
        try:
            nodes = list(Parser(text.replace("\n", " ").replace("=~", " =~ "), self.world.dialect))
        except ShellSyntax:
            return None
        if len(nodes) != 1 or not isinstance(nodes[0], Sequence) or len(nodes[0].items) != 1:
            return None
        return self._conjunction(nodes[0].items[0][0], state)

    def _conjunction(self, node: Node, state: State) -> bool | None:
        if isinstance(node, AndOr):
            answer = self._conjunction(node.first, state)
            for operator, each in node.rest:
                other = self._conjunction(each, state)
                if operator == "&&":
                    answer = False if False in (answer, other) else None if None in (answer, other) else True
                else:
                    answer = True if True in (answer, other) else None if None in (answer, other) else False
            return answer
        if isinstance(node, Pipeline) and len(node.commands) == 1 and node.negated:
            answer = self._conjunction(node.commands[0], state)
            return None if answer is None else not answer
        if not isinstance(node, Simple) or node.assigns:
            return None
        values = [self.expander.text(word, state) for word in node.words]
        if len(values) == 3 and values[1] in ("=", "==", "!="):
            values[2] = self._pattern(node.words[2], state)
        return holds(self.world, values, pattern=True)
