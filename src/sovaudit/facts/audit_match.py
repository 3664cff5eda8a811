"""Whether the kernel would record an act: the first rule that matches decides (kernel/auditsc.c, observed on a running kernel).

An act is judged as somebody chooses it who does not want to be seen. Fields that they can choose (which program, which process) therefore
never make an `always` rule certain, and always let a `never` rule apply.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from sovaudit.facts.audit_load import Loaded, Placed, World
from sovaudit.facts.parse import audit_tables as tables
from sovaudit.facts.parse.audit_fields import UNSET, Field
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

SYSCALL, EXECVE = 1300, 1309
HARMLESS_FSTYPES = frozenset(tables.FSTYPES.values())
_FREE = frozenset("exe pid ppid sessionid pers subj_user subj_role subj_type subj_sen subj_clr".split())
_PERSON = frozenset("auid uid euid suid fsuid gid egid sgid fsgid".split())


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. auid: the login id, UNSET for a service that nobody logged in to. sure: whether such an actor is certain to exist."""

    name: str
    auid: int
    uid: int = 0
    euid: int = 0
    sure: bool = True
    because: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """One system call that succeeds. names: the paths that the kernel looks up for it; None: any. trees: those and every folder above.

    removes: it takes a name away; the kernel then asks the watches on it before it knows the result. first: its first argument, where it
    is known. result: the lowest and the highest value that it returns.
    """

    call: str
    arch: str
    permissions: str = ""
    names: frozenset[str] | None = frozenset()
    trees: frozenset[str] = frozenset()
    removes: bool = False
    first: int | None = None
    result: tuple[int, int] = (0, 0)
    records: tuple[int, ...] = (SYSCALL,)

    @property
    def number(self) -> int | None:
        return tables.SYSCALLS[self.arch].get(self.call)


class Match(IntEnum):
    NO = 0
    YES = 1
    FREE = 2  # depends on what the actor chooses
    UNKNOWN = 3  # depends on what was not seen


@dataclass(frozen=True, slots=True)
class Answer:
    """yes: the act is recorded; None: not known. line: the rule or setting that decides, None where no rule matches."""

    yes: bool | None
    line: Line | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Over many acts and actors. missed: the first act that leaves no record, by whom. because: the rules that record, or what prevents it."""

    yes: bool | None
    because: tuple[Line, ...]
    missed: tuple[Act, Actor] | None = None
    why: str = ""
    gaps: tuple[Gap, ...] = ()


def cover(loaded: Loaded, acts: Sequence[Act], actors: Sequence[Actor]) -> Coverage:
    """Whether every act of every actor is recorded in each world that may be."""
    found = [_cover(world, acts, actors) for world in loaded.worlds]
    if any(coverage.yes is None for coverage in found) or len({coverage.yes for coverage in found}) > 1:
        doubtful = next(coverage for coverage in found if not coverage.yes)
        return Coverage(None, doubtful.because, doubtful.missed, doubtful.why, loaded.gaps or doubtful.gaps)
    return found[0]


def _cover(world: World, acts: Sequence[Act], actors: Sequence[Actor]) -> Coverage:
    lines: dict[Line, None] = {}
    doubt: Coverage | None = None
    near = _near(world, acts)
    known: dict[tuple[object, ...], Answer] = {}  # most acts meet the same rules
    for act in acts:
        likely = [(placed, held) for placed in near if (held := _act_matches(placed, act))]
        met = (tuple((id(placed), held) for placed, held in likely), act.records, bool(act.trees))
        for actor in actors:
            answer = known.get((*met, id(actor)))
            if answer is None:
                answer = known[(*met, id(actor))] = _decide(world, likely, act, actor)
            if answer.yes:
                if answer.line is not None:
                    lines[answer.line] = None
            elif answer.yes is False and actor.sure:
                return _missed(False, world, answer, (act, actor))
            elif doubt is None:
                detail = "whether this account can log in was not seen" if answer.yes is False else "a rule depends on what was not seen"
                gap = Gap("file:/etc/shadow" if answer.yes is False else f"audit:{act.call}", Reason.AMBIGUOUS, detail)
                doubt = _missed(None, world, answer, (act, actor), gap)
    return doubt or Coverage(True, tuple(lines))


def _near(world: World, acts: Sequence[Act]) -> list[Placed]:
    """The rules of the exit list that may have to do with any of the acts."""
    anywhere = any(act.names is None for act in acts)
    names = frozenset().union(*(act.names or () for act in acts))
    trees = frozenset().union(*(act.trees for act in acts))
    numbers = frozenset(act.number for act in acts)
    found = []
    for placed in world.rules:
        rule = placed.rule
        if rule.list != "exit" or (rule.calls is not None and not rule.calls & numbers):
            continue
        if placed.real and not anywhere and placed.real not in (trees if placed.tree else names):
            continue
        found.append(placed)
    return found


def _missed(yes: bool | None, world: World, answer: Answer, missed: tuple[Act, Actor], *gaps: Gap) -> Coverage:
    if answer.line is None and world.stopped is not None:
        return Coverage(
            yes, (world.stopped[0],), missed, why="auditctl gives up at this line, and no rule before it takes the act", gaps=gaps
        )
    return Coverage(yes, (answer.line,) if answer.line else (), missed, answer.why or "a rule depends on what was not seen", gaps)


def _decide(world: World, likely: Iterable[tuple[Placed, Match]], act: Act, actor: Actor) -> Answer:
    if world.enabled == 0:
        return Answer(False, world.enabled_by, why="auditing is switched off")
    answer = _by_task(world, actor) or _by_exit(likely, actor)
    if answer.yes is False:
        return answer
    for placed in world.rules:
        if placed.rule.list == "exclude" and any(_excludes(placed, kind, actor) for kind in act.records):
            return Answer(False, placed.line, why="records of this kind are left out")
        if placed.rule.list == "filesystem" and placed.rule.action == "never" and act.trees and not _harmless(placed):
            return Answer(None, placed.line)
    return answer


def _by_task(world: World, actor: Actor) -> Answer | None:
    """The task list is asked when a process is made: `never` leaves it without any record, `always` records all that it does."""
    for placed in world.rules:
        if placed.rule.list == "task" and (held := _all(_actor_field(each, actor) for each in placed.rule.fields)):
            if placed.rule.action == "never":
                return Answer(None if held is Match.UNKNOWN else False, placed.line, why="no act of this process is recorded")
            if held is Match.YES:
                return Answer(True, placed.line)
    return None


def _by_exit(likely: Iterable[tuple[Placed, Match]], actor: Actor) -> Answer:
    maybe: list[Placed] = []
    for placed, held in likely:
        held = _both(held, _actor_matches(placed, actor))
        always = placed.rule.action == "always"
        if held is Match.YES or (held is Match.FREE and not always):
            if always and (first := _turned(placed, likely, actor)) is not None:
                return Answer(False, first.line, why="the kernel asks this rule first once the file was replaced")
            other = next((each for each in maybe if each.rule.action != placed.rule.action), None)
            if other is not None:
                return Answer(None, other.line)
            return Answer(always, placed.line, why="the first rule that matches says never")
        if held is Match.UNKNOWN:
            maybe.append(placed)
    other = next((each for each in maybe if each.rule.action == "always"), None)
    return Answer(None, other.line) if other is not None else Answer(False, why="no rule takes the act")


def _turned(watch: Placed, likely: Iterable[tuple[Placed, Match]], actor: Actor) -> Placed | None:
    """A `never` on the same name. Each time the file is replaced, the kernel turns the order of the rules on its inode round."""
    if watch.rule.value("path") is None:
        return None
    rivals = ((placed, held) for placed, held in likely if placed.rule.action == "never" and placed.rule.value("path") is not None)
    for placed, held in rivals:
        if placed.real == watch.real and _both(held, _actor_matches(placed, actor)) in (Match.YES, Match.FREE):
            return placed
    return None


def _actor_matches(placed: Placed, actor: Actor) -> Match:
    return _all(_actor_field(each, actor) for each in placed.rule.fields if each.name in _PERSON or each.name == "field_compare")


def _act_matches(placed: Placed, act: Act) -> Match:
    """All that does not depend on the actor."""
    rule = placed.rule
    if rule.calls is not None and act.number not in rule.calls:
        return Match.NO
    held = Match.YES
    for each in rule.fields:
        if each.name not in _PERSON and each.name != "field_compare":
            held = _both(held, _act_field(each, placed, act))
            if held is Match.NO:
                break
    return held


def _act_field(each: Field, placed: Placed, act: Act) -> Match:
    name = each.name
    if name == "key":
        return Match.YES
    if name == "arch":
        return _truth((act.arch == each.value) == (each.op == "="))
    if name == "path":
        return Match.FREE if act.names is None else _truth(placed.real in act.names)
    if name == "dir":
        return Match.FREE if act.names is None else _truth(placed.real in act.trees and not placed.stale)
    if name == "perm":
        return _truth(bool(set(str(each.value)) & set(act.permissions)) == (each.op == "="))
    if name in ("success", "exit") and act.removes and placed.rule.value("path") is not None:
        return Match.NO
    if name == "success":
        return _truth(bool(each.value) == (each.op == "=")) if each.op in ("=", "!=") else Match.UNKNOWN
    if name == "exit":
        return _exit(each, act)
    if name == "a0" and act.first is not None:
        return _truth(compare(act.first, each.op, int(each.value)))
    if name in _FREE or name in ("a0", "a1", "a2", "a3"):
        return Match.FREE
    return Match.NO if name in ("saddr_fam", "msgtype", "fstype") else Match.UNKNOWN


def _exit(each: Field, act: Act) -> Match:
    lowest, highest = act.result
    value = int(each.value)
    if each.op in ("=", "!=") and lowest < highest:
        return Match.FREE if lowest <= value <= highest else _truth(each.op == "!=")
    ends = compare(lowest, each.op, value), compare(highest, each.op, value)
    return _truth(ends[0]) if ends[0] == ends[1] else Match.FREE


def _actor_field(each: Field, actor: Actor) -> Match:
    if each.name == "key":
        return Match.YES
    if each.name == "field_compare":
        left, right = (_id(side, actor) for side in str(each.value).split(" "))
        return Match.UNKNOWN if left is None or right is None else _truth(compare(left, each.op, right))
    if each.name in _PERSON:
        value = _id(each.name, actor)
        return Match.FREE if value is None else _truth(compare(value, each.op, int(each.value)))
    if each.name == "arch":
        return Match.NO
    return Match.FREE if each.name in _FREE else Match.UNKNOWN


def _id(name: str, actor: Actor) -> int | None:
    if name == "auid":
        return actor.auid
    if name == "uid":
        return actor.uid
    if name in ("euid", "suid", "fsuid"):
        return actor.euid
    if name in ("gid", "egid", "sgid", "fsgid"):
        return 0 if actor.uid == 0 else None
    return None


def _excludes(placed: Placed, kind: int, actor: Actor) -> bool:
    """The exclude list drops a record whatever the rule's action says."""
    held = Match.YES
    for each in placed.rule.fields:
        held = _both(held, _truth(compare(kind, each.op, int(each.value))) if each.name == "msgtype" else _actor_field(each, actor))
    return held in (Match.YES, Match.FREE)


def _harmless(placed: Placed) -> bool:
    return any(each.name == "fstype" and each.op == "=" and each.value in HARMLESS_FSTYPES for each in placed.rule.fields)


def compare(left: int, op: str, right: int) -> bool:
    """The kernel's comparators."""
    if op == "&":
        return bool(left & right)
    if op == "&=":
        return left & right == right
    return {"=": left == right, "!=": left != right, ">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[op]


def _truth(value: bool) -> Match:
    return Match.YES if value else Match.NO


def _both(one: Match, other: Match) -> Match:
    return Match.NO if Match.NO in (one, other) else max(one, other)


def _all(matches: Iterable[Match]) -> Match:
    held = Match.YES
    for match in matches:
        held = _both(held, match)
        if held is Match.NO:
            break
    return held


def above(*paths: str) -> frozenset[str]:
    """These paths and every folder above them."""
    found: set[str] = set()
    for path in paths:
        while path not in found:
            found.add(path)
            path = posixpath.dirname(path)
    return frozenset(found)


__all__ = ["EXECVE", "SYSCALL", "UNSET", "Act", "Actor", "Coverage", "above", "cover"]
