"""Where rsyslog really sends a message: every statement walked in order, for every way the undecidable conditions may fall."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sovaudit.facts.parse import rainerscript as rs
from sovaudit.facts.parse import rsyslog_legacy as legacy
from sovaudit.facts.rsyslog_functions import Value, as_number, call, number
from sovaudit.facts.rsyslog_model import Configuration, Destination
from sovaudit.facts.rsyslog_text import compare_text
from sovaudit.model.finding import Line

MAX_WORLDS = 64
MAX_STEPS = 20_000
MAX_CALLS = 50
_KNOWN = re.compile(
    r"time.*|date.*|uuid|rawmsg-after-pri|iut|fromhost-port|jsonmesg|bom|\\$.*|now.*|year|month|day|wday|hour|hhour|qhour|minute|sys.*|parsesuccess|uxtradmsg"
)


_SYSTEM = re.compile(r"\$(now(-utc|-unixtimestamp)?|year|month|day|hour|hhour|qhour|minute|wday|bom|myhostname|uptime)(-utc)?")


@dataclass(frozen=True, slots=True)
class Message:
    """A syslog message. `text` may hold `{holes}`: parts that differ from one message to the next (user, address, port)."""

    facility: int
    severity: int
    program: str
    text: str
    hostname: str | None = None
    pid: str | None = "1"
    source: str = "imuxsock"


@dataclass(frozen=True, slots=True)
class Routing:
    """worlds: one set of destinations for each way that the conditions could fall which the evidence does not decide. doubts: those
    conditions.
    """

    worlds: tuple[frozenset[Destination], ...]
    doubts: tuple[str, ...] = ()
    stops: tuple[Line, ...] = ()  # lines that ended the message's way
    complete: bool = True  # False: more ways than we follow

    @property
    def certain(self) -> frozenset[Destination]:
        """Destinations that the message reaches whatever happens."""
        return frozenset.intersection(*self.worlds) if self.complete else frozenset()

    @property
    def possible(self) -> frozenset[Destination]:
        return frozenset.union(*self.worlds)

    def lands(self, good: Callable[[Destination], bool]) -> bool | None:
        """Whether the message certainly reaches some destination that is good: yes, no (in no way), or None."""
        hits = [any(good(place) and not place.occasional for place in world) for world in self.worlds]
        if all(hits) and self.complete:
            return True
        if not any(hits) and self.complete and not any(good(place) for world in self.worlds for place in world):
            return False
        return None


class _Walk:
    """One walk through the rulesets with the undecidable conditions decided by `choices`, in the order in which they are met."""

    def __init__(self, config: Configuration, message: Message, choices: list[bool]) -> None:
        self.config = config
        self.message = message
        self.choices = choices
        self.met: list[str] = []
        self.decided: dict[str, bool] = {}
        self.variables: dict[str, Value] = {}
        self.found: set[Destination] = set()
        self.stop: Line | None = None
        self.steps = 0
        self.calls = 0

    def run(self, script: list[rs.Statement] | rs.Script) -> bool:
        """Whether processing of the message goes on after these statements."""
        for statement in script:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise OverflowError
            if not self._one(statement):
                return False
        return True

    def _one(self, statement: rs.Statement) -> bool:
        if isinstance(statement, rs.Stop):
            self.stop = statement.line
            return False
        if isinstance(statement, rs.Do):
            if isinstance(statement.action, Destination):
                self.found.add(statement.action)
                if statement.action.module.startswith("mm"):
                    self.variables["*"] = None
        elif isinstance(statement, rs.If):
            return self.run(statement.then if self._holds(statement.condition) else statement.otherwise)
        elif isinstance(statement, rs.Select):
            return self.run(statement.body) if self._selects(statement.filter) else True
        elif isinstance(statement, rs.Assign):
            self._assign(statement)
        elif isinstance(statement, rs.Call):
            return self._call(statement.ruleset.lower())
        elif isinstance(statement, rs.CallIndirect):
            name = self._value(statement.name)
            if name is None:
                raise OverflowError
            return self._call(str(name).lower())
        elif isinstance(statement, rs.Foreach):
            return self.run(statement.body) if self._choose("foreach over a list") else True
        return True

    def _call(self, name: str) -> bool:
        """`stop` in a called ruleset ends the message, unless that ruleset has a queue: then it got a copy. One that is not there is skipped."""
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise OverflowError
        going = self.run(self.config.rulesets.get(name, ()))
        self.calls -= 1
        return going or name in self.config.queued

    def _choose(self, what: str) -> bool:
        if what not in self.decided:
            place = len(self.met)
            self.met.append(what)
            if place >= len(self.choices):
                self.choices.append(False)
            self.decided[what] = self.choices[place]
        return self.decided[what]

    def _assign(self, statement: rs.Assign) -> None:
        """A value does not replace a tree that has branches, and a branch does not grow on a value."""
        name = statement.name.lstrip("$").lower()
        if statement.value is None:
            for below in [key for key in self.variables if key == name or key.startswith(f"{name}!")]:
                del self.variables[below]
            return
        value = self._value(statement.value)
        stems = [name[:at] for at, character in enumerate(name) if character == "!" and at > 1]
        if not any(key.startswith(f"{name}!") for key in self.variables) and not any(stem in self.variables for stem in stems):
            self.variables[name] = value

    # Filters

    def _selects(self, text: str) -> bool:
        if not text.startswith(":"):
            return legacy.matches(legacy.decode_selector(text), self.message.facility, self.message.severity)
        try:
            wanted = legacy.decode_property_filter(text)
        except legacy.RefusedError:
            return False
        held = self._property_holds(wanted)
        if held is None:
            return self._choose(text)
        return held

    def _property_holds(self, wanted: legacy.PropertyFilter) -> bool | None:
        name = wanted.name.lstrip("$") if wanted.name.startswith(("$!", "$.")) else wanted.name
        if name.startswith("$") and not _SYSTEM.fullmatch(name):
            return False  # the line is refused
        value = self._property(name)
        if value is None:
            return None
        held = compare_text(wanted.operation, str(value), wanted.value)
        return None if held is None else held != wanted.negated

    def _holds(self, condition: rs.Expression) -> bool:
        value = self._value(condition)
        if value is None:
            return self._choose(repr(condition))
        return _truth(value)

    # Values

    def _property(self, name: str) -> Value:
        message = self.message
        if name in ("programname", "app-name"):
            return message.program
        if name == "syslogtag":
            return None if message.pid is None else f"{message.program}[{message.pid}]:"
        if name == "procid":
            return message.pid
        if name == "msg":
            return " " + message.text
        if name in ("syslogfacility", "syslogfacility-num"):
            return str(message.facility)
        if name == "syslogfacility-text":
            return legacy.FACILITIES[message.facility]
        if name in ("syslogseverity", "syslogpriority"):
            return str(message.severity)
        if name in ("syslogseverity-text", "syslogpriority-text"):
            return legacy.SEVERITIES[message.severity]
        if name == "pri":
            return str(message.facility * 8 + message.severity)
        if name == "pri-text":
            return f"{legacy.FACILITIES[message.facility]}.{legacy.SEVERITIES[message.severity]}"
        if name == "fromhost-ip":
            return "127.0.0.1"
        if name in ("hostname", "fromhost", "source", "$myhostname"):
            return message.hostname or "{host}"
        if name == "inputname":
            return message.source
        if name == "rawmsg":
            return f"<{message.facility * 8 + message.severity}>{{date}} {message.program}[{message.pid or '{pid}'}]: {message.text}"
        if name == "protocol-version":
            return "0"
        if name in ("structured-data", "msgid"):
            return "-"
        if name[:1] in ("!", ".", "/"):
            return self.variables.get(name, None if "*" in self.variables else "")
        if name.startswith("time"):
            return "{time}"
        return None if _KNOWN.fullmatch(name) else "**INVALID PROPERTY NAME**"

    def _value(self, node: rs.Expression) -> Value:
        self.steps += 1
        if isinstance(node, rs.Literal):
            return node.value if not isinstance(node.value, tuple) else None
        if isinstance(node, rs.Variable):
            return self._property(node.name.lower())
        if isinstance(node, rs.Function):
            return self._function(node)
        return self._operation(node)

    def _operation(self, node: rs.Operation) -> Value:
        operator = node.operator
        if operator == "not":
            inner = self._value(node.right)
            return None if inner is None else int(not _truth(inner))
        if operator in ("and", "or"):
            assert node.left is not None
            return _logic(operator, self._value(node.left), self._value(node.right))
        if operator == "neg":
            inner = self._value(node.right)
            return None if inner is None else -(number(inner) or 0)
        assert node.left is not None
        left = self._value(node.left)
        if left is None:
            return None
        if isinstance(node.right, rs.Literal) and isinstance(node.right.value, tuple):
            return _against_list(operator, str(left), node.right.value)
        right = self._value(node.right)
        if right is None:
            return None
        return _combine(operator, left, right)

    def _function(self, node: rs.Function) -> Value:
        first = node.arguments[0] if node.arguments else None
        if node.name == "prifilt" and isinstance(first, rs.Literal):
            mask = legacy.decode_selector(str(first.value))
            return int(legacy.matches(mask, self.message.facility, self.message.severity))
        if node.name == "exists" and isinstance(first, rs.Variable):
            name = first.name.lower()
            return None if "*" in self.variables else int(any(key == name or key.startswith(f"{name}!") for key in self.variables))
        return call(node.name, [self._value(argument) for argument in node.arguments])


def route(config: Configuration, message: Message, ruleset: str) -> Routing:
    """Where a message that enters `ruleset` goes."""
    worlds: list[frozenset[Destination]] = []
    doubts: dict[str, None] = {}
    stops: dict[Line, None] = {}
    choices: list[bool] = []
    complete = True
    while True:
        walk = _Walk(config, message, choices)
        try:
            walk.run(config.rulesets.get(ruleset, ()))
        except (OverflowError, RecursionError):
            complete = False
        worlds.append(frozenset(walk.found))
        doubts.update(dict.fromkeys(walk.met))
        if walk.stop is not None:
            stops[walk.stop] = None
        choices = choices[: len(walk.met)]
        while choices and choices[-1]:
            choices.pop()
        if not choices:
            break
        choices[-1] = True
        if len(worlds) >= MAX_WORLDS:
            complete = False
            break
    return Routing(tuple(dict.fromkeys(worlds)), tuple(doubts), tuple(stops), complete)


def _truth(value: str | int) -> bool:
    """A string is true when it reads as a number other than 0."""
    return bool(number(value))


def _logic(operator: str, left: Value, right: Value) -> Value:
    sides = [None if side is None else _truth(side) for side in (left, right)]
    if operator == "and":
        return 0 if False in sides else None if None in sides else 1
    return 1 if True in sides else None if None in sides else 0


def _against_list(operator: str, left: str, items: tuple[str, ...]) -> Value:
    """`== [a, b]`: any; `!= [a, b]`: none of them."""
    if operator == "!=":
        inner = _against_list("==", left, items)
        return None if inner is None else int(not inner)
    found: Value = 0
    for item in items:
        held = _combine(operator, left, item)
        if held is None:
            found = None
        elif held:
            return 1
    return found


def _combine(operator: str, left: str | int, right: str | int) -> Value:
    if operator in ("+", "-", "*", "/", "%"):
        a, b = number(left) or 0, number(right) or 0
        if operator in "/%":
            return 0 if b == 0 else abs(a) // abs(b) * (1 if a * b >= 0 else -1) if operator == "/" else a - b * int(a / b)
        return {"+": a + b, "-": a - b, "*": a * b}[operator]
    if operator == "&":
        return f"{left}{right}"
    words = {"==": "isequal", "contains": "contains", "startswith": "startswith", "endswith": "endswith"}
    if operator.endswith("_i") or (operator in words and (isinstance(left, str) and isinstance(right, str))):
        base, a_text, b_text = operator.removesuffix("_i"), str(left), str(right)
        if operator.endswith("_i"):
            a_text, b_text = a_text.lower(), b_text.lower()
        if operator == "startswith_i" and b_text.startswith(a_text):
            return 1  # it compares no further than the shorter one goes
        return as_number(compare_text(words[base], a_text, b_text))
    if operator == "!=":
        inner = _combine("==", left, right)
        return None if inner is None else int(not inner)
    if isinstance(left, str) and "{" in left:
        return None
    a_number, b_number = number(left), number(right)
    if a_number is not None and b_number is not None:
        order = a_number - b_number
    else:
        order = (str(left) > str(right)) - (str(left) < str(right))
    if operator in ("contains", "startswith", "endswith"):
        return as_number(compare_text(operator, str(left), str(right)))
    return int({"==": order == 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator])
