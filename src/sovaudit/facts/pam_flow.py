"""A PAM stack as a game between somebody with certain factors and what we could not see (libpam/pam_dispatch.c).

At every module the person chooses what to present among what they hold; where the evidence leaves a module's answer open, the unseen chooses.
A way is certain if the person gets in whatever the unseen does, possible if it can be kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations
from typing import NamedTuple

from sovaudit.facts.factors import NOTHING, Factor, FactorSet, Ways, Why
from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_stack import Step
from sovaudit.facts.parse.pam_conf import BAD, DIE, DONE, IGNORE, OK, RESET, Code
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

MAX_STATES = 20_000


class Token(IntEnum):
    """What PAM_AUTHTOK holds: the item that modules hand each other."""

    NONE = 0
    PASSWORD = 1  # the account's password
    CODE = 2  # a one-time code
    BOTH = 3  # the password followed by a code
    WRONG = 4  # anything else


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer a module may give. token: what PAM_AUTHTOK holds afterwards; None leaves it. gap: why this answer is not certain."""

    code: Code
    token: Token | None = None
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Something a person may do at a module. needs: the factors presented. before: the tokens for which it applies; None: any."""

    outcomes: tuple[Outcome, ...]
    needs: FactorSet = NOTHING
    before: frozenset[Token] | None = None


Behaviour = tuple[Choice, ...]
UNDEF, POSITIVE, NEGATIVE = 0, 1, -1
_Sub = tuple[tuple[int, int], ...]  # impression and status remembered per substack level


class _State(NamedTuple):
    at: int
    previous: int  # level of the step before
    impression: int
    status: int
    remembered: _Sub
    token: Token


@dataclass(frozen=True, slots=True)
class _Result:
    wins: bool
    lines: tuple[Line, ...]
    gaps: tuple[Gap, ...]


def solve(
    stack: Sequence[Step],
    behaviours: Sequence[Behaviour],
    accepted: frozenset[Code] = frozenset({Code.SUCCESS}),
    final: frozenset[Token] | None = None,
) -> Ways:
    """With which factors the stack gives an accepted code. behaviours: one per step. Raises Unseen for a stack too large to follow.

    final: what PAM_AUTHTOK must hold at the end; None: anything.
    """
    relevant = sorted({factor for behaviour in behaviours for choice in behaviour for factor in choice.needs})
    certain: dict[FactorSet, Why] = {}
    possible: dict[FactorSet, Why] = {}
    closed: tuple[Line, ...] = ()
    game = _Game(stack, behaviours, accepted, final)
    known = all(len(choice.outcomes) <= 1 for behaviour in behaviours for choice in behaviour)  # nothing is left to chance
    for size in range(len(relevant) + 1):
        for held in map(frozenset, combinations(relevant, size)):
            if any(smaller <= held for smaller in certain):
                continue
            sure = game.play(held, kind=False)
            if sure.wins:
                certain[held] = Why(sure.lines, sure.gaps)
                continue
            closed = sure.lines
            if known:
                continue
            if any(smaller <= held for smaller in possible):
                continue
            maybe = game.play(held, kind=True)
            if maybe.wins:
                possible[held] = Why(maybe.lines, maybe.gaps)
    return Ways(certain, possible, Why(() if certain else closed))


class Solver:
    """`solve`, worked out once for the same steps and the same answers: models hand out one object per answer, services share their steps."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[Ways, tuple[Behaviour, ...]]] = {}

    def solve(
        self,
        stack: tuple[Step, ...],
        behaviours: tuple[Behaviour, ...],
        accepted: frozenset[Code] = frozenset({Code.SUCCESS}),
        final: frozenset[Token] | None = None,
        gaps: tuple[Gap, ...] = (),
    ) -> Ways:
        """As `solve`. gaps: what makes every way through this stack doubtful."""
        key = (stack, accepted, final, gaps, *map(id, behaviours))
        if key not in self._known:
            ways = solve(stack, behaviours, accepted, final)
            for gap in gaps:
                ways = ways.doubtful(gap)
            self._known[key] = ways, behaviours  # kept, so that their ids are
        return self._known[key][0]


def avoids(stack: Sequence[Step], behaviours: Sequence[Behaviour], at: int) -> tuple[bool, bool]:
    """Whether somebody who holds nothing gets through the stack, to whatever end, without passing the step `at`: certainly, possibly."""
    game = _Game(stack, behaviours, frozenset(Code), None, at)
    return game.play(NOTHING, kind=False).wins, game.play(NOTHING, kind=True).wins


class _Game:
    def __init__(
        self,
        stack: Sequence[Step],
        behaviours: Sequence[Behaviour],
        accepted: frozenset[Code],
        final: frozenset[Token] | None,
        trap: int | None = None,
    ) -> None:
        self.trap = trap
        self.final = final
        self.stack = stack
        self.behaviours = behaviours
        self.accepted = accepted
        self._ends: dict[int, int] = {}

    def play(self, held: frozenset[Factor], *, kind: bool) -> _Result:
        """The best that somebody who holds these factors can reach; kind: the unseen takes their side."""
        start = _State(0, 0, UNDEF, Code.PERM_DENIED, ((UNDEF, int(Code.PERM_DENIED)),), Token.NONE)
        # Forward: every state that can be reached, by position; positions only grow.
        moves: dict[_State, tuple[tuple[tuple[_State, Outcome | None], ...], ...]] = {}
        waiting: list[list[_State]] = [[] for _ in range(len(self.stack) + 1)]
        waiting[0].append(start)
        seen = {start}
        for position in range(len(self.stack)):
            if position == self.trap:
                continue
            for state in waiting[position]:
                moves[state] = self._moves(state, held)
                for choice in moves[state]:
                    for following, _ in choice:
                        if following not in seen:
                            seen.add(following)
                            waiting[following.at].append(following)
            if len(seen) > MAX_STATES:
                raise Unseen(Gap(f"file:{self.stack[0].line.file}", Reason.TRUNCATED, "too many ways through this PAM stack"))
        # Backward: who wins from there.
        value: dict[_State, bool] = {state: self._wins(state) for state in waiting[len(self.stack)]}
        picked: dict[_State, tuple[_State, Outcome | None]] = {}
        for position in range(len(self.stack) - 1, -1, -1):
            if position == self.trap:
                value.update(dict.fromkeys(waiting[position], False))
                continue
            for state in waiting[position]:
                best: tuple[bool, tuple[_State, Outcome | None]] | None = None
                for choice in moves[state]:
                    wins = [value[following] for following, _ in choice]
                    good = any(wins) if kind else all(wins)
                    if best is None or (good and not best[0]):
                        best = good, choice[wins.index(good) if good in wins else 0]
                assert best is not None
                value[state], picked[state] = best
        return self._story(start, value[start], picked) if self.trap is None else _Result(value[start], (), ())

    def _wins(self, state: _State) -> bool:
        if self.trap is not None:
            return True
        status = state.status
        if status == Code.SUCCESS and state.impression != POSITIVE:
            status = Code.PERM_DENIED
        return status in self.accepted and (self.final is None or state.token in self.final)

    def _moves(self, state: _State, held: frozenset[Factor]) -> tuple[tuple[tuple[_State, Outcome | None], ...], ...]:
        step = self.stack[state.at]
        remembered = state.remembered
        if state.previous < step.level:
            remembered = (*remembered[: step.level], *[(state.impression, state.status)] * (step.level + 1 - len(remembered[: step.level])))
            state = _State(state.at, state.previous, state.impression, state.status, remembered, state.token)
        if step.kind == "substack":
            return ((((self._next(state, state.at, state.impression, state.status, state.token)), None),),)
        found: list[tuple[tuple[_State, Outcome | None], ...]] = []
        for choice in self.behaviours[state.at]:
            if choice.needs <= held and (choice.before is None or state.token in choice.before):
                found.append(tuple((self._after(state, outcome), outcome) for outcome in choice.outcomes))
        if not found:
            found.append(((self._after(state, Outcome(Code.AUTH_ERR)), None),))
        return tuple(found)

    def _next(self, state: _State, at: int, impression: int, status: int, token: Token) -> _State:
        level = self.stack[at].level
        return _State(at + 1, level, impression, status, state.remembered, token)

    def _after(self, state: _State, outcome: Outcome) -> _State:
        step = self.stack[state.at]
        token = state.token if outcome.token is None else outcome.token
        impression, status, at = state.impression, state.status, state.at
        code = outcome.code
        action = step.actions[code]
        if action == RESET:
            impression, status = state.remembered[step.level]
        elif action in (OK, DONE):
            if impression == UNDEF or (impression == POSITIVE and status == Code.SUCCESS):
                impression, status = POSITIVE, code
            if impression == POSITIVE and action == DONE:
                at = self._end(at)
        elif action in (BAD, DIE):
            if impression != NEGATIVE:
                impression, status = NEGATIVE, Code.PERM_DENIED if code == Code.IGNORE else code
            if action == DIE:
                at = self._end(at)
        elif action != IGNORE:
            at, left = self._jump(at, action)
            if left:
                impression, status = NEGATIVE, Code.PERM_DENIED
        # libpam takes the level of the step that it last looked at for the one before the next
        return _State(at + 1, step.level, impression, int(status), state.remembered, token)

    def _end(self, at: int) -> int:
        """The last step of the substack (or stack) that decided."""
        if at not in self._ends:
            level, last = self.stack[at].level, at
            while last + 1 < len(self.stack) and self.stack[last + 1].level >= level:
                last += 1
            self._ends[at] = last
        return self._ends[at]

    def _jump(self, at: int, over: int) -> tuple[int, int]:
        level = self.stack[at].level
        while at + 1 < len(self.stack) and self.stack[at + 1].level >= level and over > 0:
            at += 1
            while at + 1 < len(self.stack) and self.stack[at + 1].level > level:
                at += 1
            over -= 1
        return at, over

    def _story(self, start: _State, wins: bool, picked: dict[_State, tuple[_State, Outcome | None]]) -> _Result:
        """The lines that decided, along the play: all that moved the result; if nothing did, all that were passed."""
        moved: list[Line] = []
        passed: list[Line] = []
        gaps: list[Gap] = []
        state = start
        while state.at < len(self.stack):
            step = self.stack[state.at]
            following, outcome = picked[state]
            if step.kind != "substack":
                passed.append(step.line)
                if outcome is not None:
                    action = step.actions[outcome.code]
                    if action != IGNORE and (wins or action not in (OK, DONE)):
                        moved.append(step.line)
                    if outcome.gap is not None:
                        gaps.append(outcome.gap)
            state = following
        return _Result(wins, tuple(dict.fromkeys(moved or passed)), tuple(dict.fromkeys(gaps)))
