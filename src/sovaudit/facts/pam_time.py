"""pam_time(8) and time.conf(5), from its source: when an account may come in, by service, terminal and name.

Treacherous: every line that fits must allow the hour; a time that the module cannot read refuses; a last line without its newline has no times at
all, and so refuses whoever it fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sovaudit.facts.files import Unseen, normal
from sovaudit.facts.pam_conditions import chosen, places
from sovaudit.facts.pam_flow import Behaviour
from sovaudit.facts.pam_modules import Call, fixed, gap_of
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

PATH = "/etc/security/time.conf"
MAX_FIELD = 1000  # bytes that the module reads at once
_DAYS = {"su": 1, "mo": 2, "tu": 4, "we": 8, "th": 16, "fr": 32, "sa": 64, "wk": 62, "wd": 65, "al": 127}
_TIMES = re.compile(r"(\d{0,4})(?:-(\d{4}))?")
_MEMBER = re.compile(r"[A-Za-z0-9*_./:-]+|[&|!]")


@dataclass(frozen=True, slots=True)
class Rule:
    """Four fields of a line."""

    service: str
    terminal: str
    user: str
    times: str


def parse_times(text: str) -> Iterator[Rule]:
    """The rules of a file. Raises ValueError for a field that is longer than the module can hold."""
    fields = list(_fields(text))
    here = 0
    while here < len(fields):
        words: list[str] = []
        if not fields[here][0]:
            here += 1  # an empty line, or an empty first field, which is passed over
            continue
        while len(words) < 3 and here < len(fields):
            word, more = fields[here]
            here += 1
            if not more:
                break  # malformed: the line has too few fields
            words.append(word)
        else:
            if here < len(fields):
                times, more = fields[here]
                here += 1
                if not more:  # else poorly terminated: what follows begins another rule
                    yield Rule(words[0], words[1], words[2], times)
            elif len(words) == 3:
                yield Rule(words[0], words[1], words[2], "")


def _fields(text: str) -> Iterator[tuple[str, bool]]:
    """Fields, and whether `;` ended them."""
    held = ""
    lines = text.split("\0")[0].split("\n")
    for number, line in enumerate(lines):
        last = number == len(lines) - 1
        body, mark, _ = (held + line).partition("#")
        if len(held) + len(line) >= MAX_FIELD:
            raise ValueError(number)
        if not mark and body.endswith("\\") and not last:
            held = body[:-1]
            continue
        held = ""
        if last and not body and not mark:
            return
        cells = body.split(";")
        for at, cell in enumerate(cells):
            ended = at < len(cells) - 1
            tidy = re.sub(r"!\s*", "!", re.sub(r"[ \t]+", " ", cell)).strip(" ")
            yield ("" if last and not ended and not mark else tidy), ended


def agrees(field: str, fits: Callable[[str], bool]) -> bool:
    """A field of names joined by `&` and `|`, each with `!` before it or not, from left to right. A garbled field is false."""
    left, negated, both, name = False, False, False, True
    for word in _MEMBER.findall(field):
        if name:
            if word == "!":
                negated = not negated
                continue
            if word in "&|":
                return False
            right = fits(word) != negated
            left = left and right if both else left or right
            name = False
        elif word in "&|":
            both, name, negated = word == "&", True, False
        else:
            return False
    return left


def is_same(pattern: str, name: str) -> bool:
    """One `*` stands for anything."""
    head, star, tail = pattern.partition("*")
    return name == head if not star else name.startswith(head) and (not tail or name.endswith(tail))


def in_time(word: str, day: int, minute: int) -> bool:
    """Whether a moment is in `Wk0800-1800`. day: its bit, from Sunday. minute: hour times 100 plus minutes."""
    marked, at = 0, 0
    while at < len(word) and word[at].isascii() and word[at].isalpha():
        if (bit := _DAYS.get(word[at : at + 2].lower())) is None:
            return False
        marked, at = marked ^ bit, at + 2
    found = _TIMES.match(word, at)
    if not marked or found is None:
        return False
    if found[2] is None:
        return True  # a day without readable times
    start, end = int(found[1] or 0), int(found[2])
    if start < end:
        return bool(day & marked) and start <= minute < end
    if day & marked and minute >= start:
        return True
    following = marked << 1 | (1 if marked & 64 else 0)
    return bool(day & following) and minute <= end


def time(call: Call) -> Behaviour:
    """The person chooses terminal and hour: the weakest counts."""
    named = [arg[9:] for arg in call.args if arg.startswith("conffile=") and arg != "conffile="]
    path = normal(named[-1]) if named else PATH
    try:
        rules = list(parse_times(call.host.files.read(path) or ""))
    except ValueError:
        raise Unseen(Gap(f"file:{path}", Reason.UNSUPPORTED, "a line is longer than pam_time reads at once")) from None
    name = call.account.name
    codes: set[Code] = set()
    rules = [rule for rule in rules if agrees(rule.service, partial(is_same, name=call.service))]
    if any(rule.user.startswith("@") for rule in rules):
        raise Unseen(gap_of(call, Reason.UNSUPPORTED, f"{path} names a netgroup"))
    rules = [rule for rule in rules if agrees(rule.user, partial(is_same, name=name))]
    if not rules:
        return fixed(Code.SUCCESS)
    moments = [(1 << day, minute) for day in range(7) for minute in _edges(rules)]
    for terminal in places(call, "tty", re.findall(r"[A-Za-z0-9*_./:-]+", " ".join(rule.terminal for rule in rules))):
        fitting = [rule for rule in rules if agrees(rule.terminal, partial(is_same, name=_short(terminal)))]
        codes.update(Code.SUCCESS if _allowed(fitting, *moment) else Code.PERM_DENIED for moment in moments)
    return chosen(*sorted(codes))


def _edges(rules: list[Rule]) -> list[int]:
    """Hours of a day at which some rule may change its mind."""
    named = [int(digits) for rule in rules for digits in re.findall(r"\d{1,4}", rule.times)]
    found = {0, 12 * 60, 24 * 60 - 1} | {each // 100 * 60 + min(each % 100, 59) + step for each in named for step in (-1, 0, 1)}
    return sorted(minute // 60 * 100 + minute % 60 for minute in found if 0 <= minute < 24 * 60)


def _short(terminal: str) -> str:
    """The name of a terminal without its first folder."""
    return re.sub(r"^/(?:[^/]*/)?", "", terminal)


def _allowed(rules: list[Rule], day: int, minute: int) -> bool:
    return all(agrees(rule.times, lambda word: in_time(word, day, minute)) for rule in rules)
