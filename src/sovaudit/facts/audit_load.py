"""Which audit rules a boot leaves in the kernel: augenrules' merge, then `auditctl -R` line by line, each with what the kernel answers.

Where the answer to a line was not seen (a path that it names), two worlds are kept: in one every such line is taken, in the other the first of them
is refused. What both worlds say is certain.

Sources: augenrules(8), auditctl(8), audit.rules(7) and the programs of audit 3.0; the kernel's answers were observed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cmp_to_key
from itertools import zip_longest

from sovaudit.facts.files import Files, Unseen, normal
from sovaudit.facts.parse.audit_fields import Field
from sovaudit.facts.parse.audit_rules import Parsed, Rule, parse_line
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

RULES = "/etc/audit/audit.rules"
RULES_D = "/etc/audit/rules.d"
_LINE = 6143  # auditctl reads a line in pieces of this many bytes
Ids = Callable[[str], int | None]


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule in the kernel. real: its path with links followed as the kernel follows them. tree: a folder with all below it, else one name.

    stale: a `dir=` over a file: blind as soon as the file is replaced, as every program that edits accounts does.
    """

    rule: Rule
    line: Line
    real: str = ""
    tree: bool = False
    stale: bool = False


@dataclass
class World:
    """The kernel after loading. stopped: the line at which auditctl gave up, and why. ignored: lines that it reported and passed over."""

    rules: list[Placed] = field(default_factory=list)
    enabled: int = 1
    enabled_by: Line | None = None
    failure: int = 1
    failure_by: Line | None = None
    rate: int = 0
    rate_by: Line | None = None
    stopped: tuple[Line, str] | None = None
    ignored: list[tuple[Line, str]] = field(default_factory=list)
    met: set[tuple[object, ...]] = field(default_factory=set)  # what tells rules apart, of all that were ever here

    def add(self, place: Placed, *, first: bool = False) -> None:
        self.rules.insert(0 if first else len(self.rules), place)
        self.met.add(_identity(place))

    def like(self, place: Placed) -> Placed | None:
        """The rule that the kernel takes for the same."""
        wanted = _identity(place)
        return next((old for old in self.rules if _identity(old) == wanted), None) if wanted in self.met else None


@dataclass(frozen=True, slots=True)
class Loaded:
    """worlds: one, or two where something was not seen, which `gaps` name."""

    worlds: tuple[World, ...]
    gaps: tuple[Gap, ...] = ()

    def places(self) -> Iterable[Line]:
        for world in self.worlds:
            if world.stopped is not None:
                yield world.stopped[0]


def merged(files: Files, awk: str) -> tuple[Line, ...] | None:
    """What augenrules would write to audit.rules; None without /etc/audit/rules.d. awk: `gawk` knows \\s, mawk takes it for an s. Raises Unseen.

    Lines keep the file and number they came from; where a file does not end in a newline, its last line runs into the next file's first.
    """
    folder = files.follow(RULES_D)
    if folder is None or folder.kind != "d":
        return None
    rows = _concatenated(files)
    blank = r"\s*" if awk == "gawk" else "s*"
    special: dict[str, Line] = {}
    rest: list[Line] = []
    for line in rows:
        if line.text == "" or re.match(rf"{blank}#", line.text):
            continue
        for name, pattern in (("e", rf"{blank}-e"), ("D", rf"{blank}-D{blank}$"), ("f", rf"{blank}-f"), ("b", rf"{blank}-b")):
            if re.match(pattern, line.text):
                special[name] = line
                break
        else:
            rest.append(line)
    first = [special[name] for name in ("D", "b", "f") if name in special]
    return (*first, *rest, *([special["e"]] if "e" in special else []))


def _concatenated(files: Files) -> list[Line]:
    rows: list[Line] = []
    open_end = False
    for word in " ".join(name for name in version_sorted(files.listdir(RULES_D) or ()) if name.endswith(".rules")).split():
        path = f"{RULES_D}/{word}"
        stat = files.follow(path)
        text = files.read(path) if stat is not None and stat.kind == "f" else None  # cat complains of others and goes on
        if not text:
            continue
        pieces = text.split("\n")
        ended = pieces[-1] == ""
        for number, raw in enumerate(pieces[:-1] if ended else pieces, 1):
            if number == 1 and open_end:
                rows[-1] = Line(rows[-1].file, rows[-1].number, rows[-1].text + raw)
            else:
                rows.append(Line(path, number, raw))
        open_end = not ended
    return rows


def version_sorted(names: Iterable[str]) -> list[str]:
    """`ls -v` without hidden names: filevercmp(3) of coreutils 9, then byte order."""
    return sorted((name for name in names if not name.startswith(".")), key=cmp_to_key(_by_version))


def _by_version(one: str, other: str) -> int:
    return _compare(_stem(one), _stem(other)) or _compare(one, other) or (one > other) - (one < other)


def _stem(name: str) -> str:
    match = re.search(r"(\.[A-Za-z~][A-Za-z0-9~]*)*$", name)
    return name[: match.start()] if match and match.start() > 0 else name


def _compare(one: str, other: str) -> int:
    """Debian's way: letters before other characters, `~` before the end, numbers by their value."""
    left, right = (re.findall(r"([^0-9]*)([0-9]*)", name)[:-1] for name in (one, other))
    for (text, digits), (others, numbers) in zip_longest(left, right, fillvalue=("", "")):
        for place in range(max(len(text), len(others))):
            rank = _rank(text, digits, place) - _rank(others, numbers, place)
            if rank:
                return rank
        value = int(digits or "0") - int(numbers or "0")
        if value:
            return value
    return 0


def _rank(text: str, digits: str, place: int) -> int:
    if place >= len(text):
        return 0 if digits else -1
    letter = text[place]
    return -2 if letter == "~" else ord(letter) if letter.isascii() and letter.isalpha() else ord(letter) + 256


class Loader:
    """`auditctl -R` over lines. files: to see what the kernel sees of the paths."""

    def __init__(self, files: Files, uid: Ids, gid: Ids) -> None:
        self._files = files
        self._uid, self._gid = uid, gid

    def load(self, lines: Iterable[Line], enabled: int = 1) -> Loaded:
        """Into an empty kernel. enabled: its switch as the daemon left it. Raises Unseen for a masked line."""
        parsed = [each for each in (self._parse(line) for line in _pieces(lines)) if each is not None]
        gaps: list[Gap] = []
        first = self._run(parsed, World(enabled=enabled), gaps, doubtful=True)
        if not gaps:
            return Loaded((first,))
        return Loaded((first, self._run(parsed, World(enabled=enabled), [], doubtful=False)), tuple(dict.fromkeys(gaps)))

    def listed(self, lines: Iterable[Line]) -> World:
        """`auditctl -l`: what is in the kernel, in its order. Raises Unseen for a line that was masked or cannot be read."""
        world = World()
        for line in lines:
            if not line.text or line.text == "No rules":
                continue
            parsed = self._parse(Line(line.file, line.number, _readable(line.text)))
            if parsed is None or parsed.error or parsed.rule is None:
                raise Unseen(Gap("cmd:auditctl-l", Reason.UNSUPPORTED, line.text[:80]))
            try:
                place = self._place(parsed.rule, line, live=True)
            except _Refused:
                continue
            world.add(place)
        return world

    def _parse(self, line: Line) -> Parsed | None:
        if "<masked>" in line.text:
            raise Unseen(Gap(f"file:{line.file}", Reason.UNSUPPORTED, f"line {line.number} is masked"))
        return parse_line(line, self._uid, self._gid)

    def _run(self, parsed: list[Parsed], world: World, gaps: list[Gap], *, doubtful: bool) -> World:
        ignore = False
        for each in parsed:
            error = self._step(world, each, gaps, doubtful)
            ignore = ignore or any(effect.kind in ("ignore", "continue") for effect in each.effects)
            if error and not ignore:
                world.stopped = (each.line, error)
                break
            if error:
                world.ignored.append((each.line, error))
        return world

    def _step(self, world: World, each: Parsed, gaps: list[Gap], doubtful: bool) -> str:
        """Do what a line says; why auditctl calls it an error, or nothing."""
        try:
            return self._do(world, each)
        except Unseen as unseen:
            gaps.append(unseen.gap)
            if not doubtful:
                return "whether its path exists was not seen"
            if each.rule is not None:
                path, folder = each.rule.value("path"), each.rule.value("dir")
                world.add(Placed(each.rule, each.line, normal(str(path or folder)) if path or folder else "", folder is not None))
            return ""

    def _do(self, world: World, each: Parsed) -> str:
        for effect in each.effects:
            if effect.kind in ("ignore", "continue"):
                continue
            if world.enabled == 2:
                return "the configuration is locked by then"
            if effect.kind == "enable":
                world.enabled, world.enabled_by = int(effect.value), each.line
            elif effect.kind == "equivalent":
                if not all(self._files.exists(path) for path in str(effect.value).split(",")):
                    return "a path of -q does not exist"
            elif effect.kind == "failure":
                world.failure, world.failure_by = int(effect.value), each.line
            elif effect.kind == "rate":
                world.rate, world.rate_by = int(effect.value), each.line
            elif effect.kind == "clear":
                world.rules = [
                    place for place in world.rules if effect.value and effect.value not in str(place.rule.value("key") or "").split("\x01")
                ]
        if each.error or each.rule is None:
            return each.error
        if world.enabled == 2:
            return "the configuration is locked by then"
        try:
            place = self._place(each.rule, each.line, live=False)
        except _Refused as refused:
            return str(refused)
        same = world.like(place)
        if each.delete:
            if same is None:
                return "no such rule"
            world.rules.remove(same)
        elif same is not None:
            return "the rule exists already"
        elif each.prepend:
            world.add(place, first=True)
        else:
            world.add(place)
        return ""

    def _place(self, rule: Rule, line: Line, *, live: bool) -> Placed:
        """How the kernel takes the path. Raises _Refused where it does not, Unseen where that was not seen."""
        exe = rule.value("exe")
        if isinstance(exe, str) and not live:
            self._parent(exe)
        path, folder = rule.value("path"), rule.value("dir")
        if isinstance(folder, str):
            real = self._files.resolve(folder)
            if real is None:
                if live:
                    return Placed(rule, line, normal(folder), True)
                raise _Refused(f"{folder} does not exist")
            stat = self._files.stat(real)
            return Placed(rule, line, real, True, stale=stat is not None and stat.kind != "d")
        if not isinstance(path, str):
            return Placed(rule, line)
        if rule.watch:
            stat = self._files.follow(path)
            if stat is not None and stat.kind == "d":
                fields = tuple(replace(each, name="dir") if each.name == "path" else each for each in rule.fields)
                return Placed(replace(rule, fields=fields), line, stat.path, True)
        return Placed(rule, line, self._parent(path))

    def _parent(self, path: str) -> str:
        """The name that is watched: the folder with links followed, the last part as it stands."""
        folder, name = posixpath.split(path)
        real = self._files.resolve(folder or "/")
        if real is None:
            raise _Refused(f"{folder} does not exist")
        return posixpath.join(real, name)


class _Refused(Exception):
    """The kernel does not take the rule."""


def _identity(place: Placed) -> tuple[object, ...]:
    return place.rule.list, place.rule.action, place.rule.fields, place.rule.calls


def shape(rule: Rule) -> tuple[object, ...]:
    """A rule as `auditctl -l` shows it: plain watches hide there whether they say `never`, and whether they mean a folder; `exe!=` is shown as
    `exe=`.
    """
    fields = frozenset(_shown(each) for each in rule.fields)
    names = {name for name, _, _ in fields}
    watch = rule.list == "exit" and rule.calls is None and "perm" in names and names <= {"path", "perm", "key"}
    return (rule.list, "" if watch else rule.action, fields, rule.calls)


def _shown(each: Field) -> tuple[str, str, int | str]:
    if each.name in ("path", "dir"):
        return "path", each.op, str(each.value).rstrip("/")
    return each.name, "=" if each.name == "exe" else each.op, each.value


def shapes(world: World) -> list[tuple[object, ...]]:
    """Of all rules, list by list, as they are shown."""
    return sorted((shape(place.rule) for place in world.rules), key=lambda each: str(each[0]))


def _readable(text: str) -> str:
    """A line of the listing in the words that auditctl would take: it prints types of files as numbers, and permissions that come first oddly."""
    text = re.sub(r"( filetype!?=)\d+", r"\1file", text)
    text = re.sub(r"^ -p ([rwxa]+)-w (\S+)", r"-w \2 -p \1", text)
    return re.sub(r"^ -p ([rwxa]+)", r"-a always,exit -F perm=\1", text)


def _pieces(lines: Iterable[Line]) -> Iterable[Line]:
    for line in lines:
        text = line.text
        while len(text) > _LINE:
            yield Line(line.file, line.number, text[:_LINE])
            text = text[_LINE:]
        yield Line(line.file, line.number, text)
