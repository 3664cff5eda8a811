"""One line of audit rules as auditctl takes it: its own splitting, its getopt, its order of options (auditctl(8), auditctl 3.0).

Blanks separate words, tabs do not. What an option did before a later one turned out wrong stays done: `effects` come before `error`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sovaudit.facts.parse import audit_tables as tables
from sovaudit.facts.parse.audit_fields import Field, FieldReader, Wrong, letters, number, refused_by_kernel
from sovaudit.model.finding import Line

ALL: None = None
LISTS = ("task", "exit", "user", "exclude", "filesystem")
_SHORT = "hicslDvtC:e:f:r:b:a:A:d:S:F:m:R:w:W:k:p:q:"
_LONG = {
    "loginuid-immutable": False,
    "backlog_wait_time": True,
    "reset-lost": False,
    "reset_backlog_wait_time_actual": False,
    "signal": True,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for one of the kernel's lists. calls: arch → numbers of the system calls; None: all of them.

    path, watches: the words of `path=`, `dir=` or `-w`; `watch` says that the last decides by what it finds, a folder or not.
    """

    list: str
    action: str
    fields: tuple[Field, ...]
    calls: frozenset[int] | None
    watch: bool = False

    def value(self, name: str) -> int | str | None:
        return next((each.value for each in self.fields if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Effect:
    """kind: `enable`, `failure`, `rate`, `clear` (value: a key, or empty for all), `equivalent` (two paths), `ignore`, `continue`."""

    kind: str
    value: int | str = 0


@dataclass(frozen=True, slots=True)
class Parsed:
    """A line's rule to add (or delete, or put first), what else it does, and the error with which auditctl gives it up."""

    line: Line
    rule: Rule | None = None
    delete: bool = False
    prepend: bool = False
    effects: tuple[Effect, ...] = ()
    error: str = ""


class _Done(Exception):
    """The rest of the line is not looked at, and that is no error."""


def words_of(text: str) -> tuple[str, ...]:
    """auditctl's words. A backslash before a blank or a backslash keeps it."""
    kept = text.replace("\\\\", "\x04\x04").replace("\\ ", "\x07\x07")
    return tuple(word.replace("\x07\x07", " ").replace("\x04\x04", "\\") for word in kept.split(" ") if word)


def parse_line(line: Line, uid: Callable[[str], int | None], gid: Callable[[str], int | None]) -> Parsed | None:
    """None for blank lines and comments. uid, gid: the numbers of names, None for unknown ones."""
    words = words_of(line.text)
    if not words or words[0].startswith("#"):
        return None
    return _Reader(uid, gid).read(line, words)


@dataclass
class _Reader(FieldReader):
    add: str = ""
    delete: str = ""
    listed: bool = False  # -a, -A or -d was given; a watch before it does not count
    action: str = ""
    prepend: bool = False
    watch: bool = False
    result: int = 0  # 0 nothing to send, 1 a rule, 2 done
    calls: set[int] | None = field(default_factory=set)
    keys: list[str] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def read(self, line: Line, words: tuple[str, ...]) -> Parsed:
        try:
            self._options(words)
            self._keys()
            rule = self._rule()
        except _Done:
            rule = None
        except Wrong as wrong:
            return Parsed(line, effects=tuple(self.effects), error=str(wrong))
        return Parsed(line, rule, bool(rule and self.delete), self.prepend, tuple(self.effects))

    def _options(self, words: tuple[str, ...]) -> None:
        """GNU getopt: words that are no options are passed over, and missed at the end."""
        at, loose, used = 0, 0, False
        while at < len(words):
            word = words[at]
            at += 1
            if word == "--":
                loose += len(words) - at
                used = True
                break
            if not word.startswith("-") or word == "-":
                loose += 1
                continue
            used = True
            if word.startswith("--"):
                at = self._long(word, words, at)
            else:
                at = self._short(word, words, at)
            if self.result == 2:
                loose += len(words) - at
                break
        if not used or loose:
            raise Wrong("a word that belongs to no option")

    def _long(self, word: str, words: tuple[str, ...], at: int) -> int:
        name, equals, value = word[2:].partition("=")
        found = [name] if name in _LONG else [long for long in _LONG if long.startswith(name)]
        if len(found) != 1 or (equals and not _LONG[found[0]]):
            raise Wrong(f"option {word} is invalid")
        if _LONG[found[0]] and not equals:
            if at >= len(words):
                raise Wrong(f"option {word} is invalid")
            value = words[at]
            at += 1
        if found[0] == "signal":
            raise Wrong("a signal to the daemon cannot be counted on")
        if found[0] == "backlog_wait_time":
            if not value[:1].isdigit():
                raise Wrong("backlog_wait_time must be a number")
            return at
        raise _Done

    def _short(self, word: str, words: tuple[str, ...], at: int) -> int:
        rest = word[1:]
        while rest:
            letter, rest = rest[0], rest[1:]
            place = _SHORT.find(letter)
            if place < 0 or letter == ":":
                raise Wrong(f"option -{letter} is invalid")
            value = ""
            if _SHORT[place + 1 : place + 2] == ":":
                if not rest:
                    if at >= len(words):
                        raise Wrong(f"option -{letter} needs a value")
                    rest = words[at]
                    at += 1
                value, rest = rest, ""
            at = self._option(letter, value, words, at)
            if self.result == 2:
                if rest:
                    raise Wrong(f"option -{rest[0]} stands where none may")
                return at
        return at

    def _option(self, letter: str, value: str, words: tuple[str, ...], at: int) -> int:
        if letter in "aAd":
            self._list(letter, value)
        elif letter == "S":
            self._syscall(value)
        elif letter == "F":
            self._test(value)
        elif letter == "C":
            self.read_comparison(value, self.add or self.delete)
        elif letter in "wW":
            self._watch(letter, value)
        elif letter == "p":
            if not self.add and not self.delete:
                raise Wrong("-p needs a watch before it")
            self._perm(value)
            self.result = 1
        elif letter == "k":
            if not (self.named or self.permission or self.exe or self.filesystem) or not (self.add or self.delete):
                raise Wrong("-k needs a watch or a system call before it")
            self._key(value)
        elif letter in "efrb":
            self._number(letter, value)
        elif letter == "D":
            return self._clear(words, at)
        elif letter in "ic":
            self.effects.append(Effect("ignore" if letter == "i" else "continue"))
            self.result = 2
        elif letter in "lsv":
            if letter != "v" and len(words) > 1:
                raise Wrong(f"-{letter} stands alone")
            self.result = 2
        elif letter in "mt":
            if letter == "m" and len(words) > 2:
                raise Wrong("-m stands alone")
            raise _Done
        elif letter == "q":
            if self.named or value.count(",") != 1 or value.endswith(","):
                raise Wrong("-q is not well formed")
            self.effects.append(Effect("equivalent", value))
            raise _Done
        else:
            raise Wrong(f"-{letter} does not belong into a file of rules")
        return at

    def _number(self, letter: str, value: str) -> None:
        if letter in "ef":
            if value not in ("0", "1", "2"):
                raise Wrong(f"-{letter} must be 0, 1 or 2")
            self.effects.append(Effect("enable" if letter == "e" else "failure", int(value)))
        elif not value[:1].isdigit():
            raise Wrong(f"-{letter} must be a number")
        elif letter == "r":
            self.effects.append(Effect("rate", number(value) or 0))

    def _clear(self, words: tuple[str, ...], at: int) -> int:
        count = len(words)
        if count in (2,) or count > 3:
            raise Wrong("-D takes nothing but a key")
        if count == 3 and (at >= count or words[at] != "-k"):
            raise Wrong("-D takes nothing but a key")
        self.effects.append(Effect("clear", words[2] if count == 3 else ""))
        self.result = 2
        return count

    def _list(self, letter: str, value: str) -> None:
        if letter != "d" and "task" in value and self.named:
            raise Wrong("system calls cannot be put on the task list")
        if self.listed:
            raise Wrong("more than one list")
        self.listed = True
        words = value.split(",")
        if len(words) != 2:
            raise Wrong(f"bad keyword {value}")
        if words[0] in LISTS and words[1] == "possible":
            raise _Done  # deprecated: taken for nothing
        action, where = words if words[0] in ("always", "never") else words[::-1]
        if action not in ("always", "never") or where not in LISTS:
            raise Wrong(f"bad keyword {value}")
        self.action = action
        if letter == "d":
            self.delete = where
        else:
            self.add = where
            self.prepend = letter == "A"
        self.result = 1

    def _syscall(self, value: str) -> None:
        where = self.add or self.delete
        if where and where != "exit":
            raise Wrong(f"system calls cannot be put on the {where} list")
        if not self.arch:
            self.arch = "b64"  # the machine's own
        for word in value.split(",") if "," in value else [value]:
            if word == "":
                if "," in value:
                    continue
                raise Wrong("system call unknown")
            if word == "all":
                self.calls = ALL
                continue
            found = tables.SYSCALLS.get(self.arch, {}).get(word.lower())
            if found is None and word[:1].isdigit():
                found = number(word)
            if found is None or found >= 2048:
                raise Wrong(f"system call unknown: {word}")
            if self.calls is not None:
                self.calls.add(found)
        self.named = True

    def _watch(self, letter: str, value: str) -> None:
        if letter == "w" and (self.add or self.delete):
            raise Wrong("a watch cannot be given with a list")
        if not value.startswith("/") or len(value) >= 4096 or self.fields:
            raise Wrong("the path of a watch must be absolute, and come first")
        if letter == "w":
            self.add = "exit"
        else:
            self.delete = "exit"
        self.action = "always"
        self.named = self.permission = self.watch = True
        self.calls = ALL
        path = value.rstrip("/") or "/" if len(value) > 2 else value
        self.fields += [Field("path", "=", path), Field("perm", "=", "rwxa")]
        self.result = 1

    def _perm(self, value: str) -> None:
        if len(value) > 4 or set(value.lower()) - set("rwxa"):
            raise Wrong(f"permission {value} is not supported")
        if not self.fields:
            raise Wrong("permissions need a field before them")
        held = Field("perm", "=", letters(value))
        for place, each in enumerate(self.fields):
            if each.name == "perm":
                self.fields[place] = held
                break
        else:
            self.fields.append(held)
        self.permission = True

    def _key(self, value: str) -> None:
        if len("\x01".join([*self.keys, value])) > 256:
            raise Wrong("the key is too long")
        self.keys.append(value)

    def _keys(self) -> None:
        if self.keys and any(self.keys) and self.result != 2:
            if not (self.named or self.permission or self.exe or self.filesystem):
                raise Wrong("a key needs a watch or a system call")
            self.fields.append(Field("key", "=", "\x01".join(self.keys)))

    def _rule(self) -> Rule | None:
        if self.result == 2:
            return None
        if self.result == 0:
            if self.named:
                raise Wrong("no list is named")
            return None
        where = self.add or self.delete
        calls = self.calls
        if where != "task" and not self.named:
            calls = ALL
        rule = Rule(where, self.action, tuple(self.fields), None if calls is None else frozenset(calls), self.watch)
        if why := refused_by_kernel(rule.fields, watch=self.watch):
            raise Wrong(why)
        return rule

    def _test(self, text: str) -> None:
        where = self.add or self.delete
        if not where:
            raise Wrong("the list must come before the fields")
        if text.startswith("key="):
            self._key(text[4:])
        else:
            self.read_field(text, where)
