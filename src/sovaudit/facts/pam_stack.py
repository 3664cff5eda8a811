"""The stacks that libpam builds for a service: which file, `other`, include, substack and `@include`, in order (libpam/pam_handlers.c).

A service that libpam refuses to load is `Service.broken`: every call then fails, whatever the modules say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.pam_conf import ALL_BAD, FACILITIES, Actions, Entry, actions, parse, parse_usual
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

FOLDERS = ("/etc/pam.d", "/usr/lib/pam.d")
VENDOR_FOLDERS = {"suse": "/usr/etc/pam.d", "fedora": "/usr/share/pam.d"}  # only where libpam was built with that vendor folder
ALWAYS = "pam_unix.so"  # stands where libpam looks for modules
MAX_LEVEL = 16  # PAM_SUBSTACK_MAX_LEVEL
MAX_STEPS = 600
USUAL = 100  # lines
_MODULE = re.compile(r"^/(?:usr/)?lib(?:32|64|x32)?(?:/[^/]+)?/security/[^/]+\.so$")


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One handler of a stack; the same line at the same level is the same step in every service.

    kind: `module`, `must_fail` (a line that libpam could not use: fails as its control says), `substack` (its mark).
    level: how many substacks it stands in. module: the file's name without folder. known: whether the module's file exists; None if not seen.
    """

    kind: str
    level: int
    actions: Actions
    module: str
    args: tuple[str, ...]
    line: Line
    known: bool | None = True


@dataclass(frozen=True, slots=True)
class Service:
    """Stacks by facility (`auth`, `account`, `session`, `password`), `other` already put in where the service has none.

    broken: the line or file that made libpam give the whole service up. gaps: what may change the stacks and was not seen.
    """

    name: str
    stacks: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    broken: Line | None = None
    gaps: tuple[Gap, ...] = ()

    def stack(self, facility: str) -> tuple[Step, ...]:
        return self.stacks.get(facility, ())

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line that libpam took for this service, in order."""
        return tuple(dict.fromkeys(step.line for facility in FACILITIES for step in self.stack(facility)))


class _Broken(Exception):
    def __init__(self, line: Line) -> None:
        self.line = line
        super().__init__(line.text)


class _Crash(_Broken):
    """libpam runs out of stack (a file that includes itself) or reads through a null pointer (an include without a name)."""


class Stacks:
    """Loads services from a host's evidence. distributions: ID and ID_LIKE of os-release, lower case."""

    def __init__(self, files: Files, distributions: frozenset[str] = frozenset()) -> None:
        self.files = files
        self._vendor = tuple(folder for name, folder in VENDOR_FOLDERS.items() if any(word.startswith(name) for word in distributions))
        self._debian = bool(distributions & {"debian", "ubuntu", "raspbian", "devuan", "kali", "linuxmint"})
        self._at_include = not distributions or self._debian
        self._modules: dict[str, list[str]] = {}
        for path, kind in files.kinds():
            if path.endswith(".so") and kind in "fl" and _MODULE.match(path):
                self._modules.setdefault(path.rsplit("/", 1)[1], []).append(path)
        # where libpam itself looks: folders of other architectures hold modules that it cannot load
        self._searched = {_folder(path) for path in self._modules.get(ALWAYS, ())} | ({"/lib/security"} if self._debian else set())
        self._services: dict[str, Service] = {}
        self._parsed: dict[str, tuple[Entry, ...] | _Broken] = {}
        self._steps: dict[tuple[int, str, int], tuple[Step, Entry]] = {}

    def service(self, name: str) -> Service:
        """Raises Unseen where the service's own file, or a file that it includes, was not seen."""
        name = name.lower().rsplit("/", 1)[-1]  # pam_start(3)
        if name not in self._services:
            self._services[name] = self._load(name)
        return self._services[name]

    def _load(self, name: str) -> Service:
        if not self._folder_exists():
            return self._from_pam_conf(name)
        own, other = _Build(self, name), _Build(self, "other")
        read = False
        try:
            path = self._open(name)
            if path is not None:
                own.file(path, "", 0)
                read = True
        except _Broken as broken:
            return Service(name, broken=broken.line)
        gaps: list[Gap] = []
        try:
            path = self._open("other")
            if path is not None:
                other.file(path, "", 0)
                read = True
        except _Broken as broken:
            return Service(name, broken=broken.line)
        except Unseen as unseen:
            if any(not own.stacks[facility] for facility in ("auth", "account", "password")):
                raise
            gaps.append(unseen.gap)
        if not read:
            return Service(name, broken=Line("/etc/pam.d/other", 0, "neither the service nor other is configured"))
        stacks = {facility: tuple(own.stacks[facility] or other.stacks[facility]) for facility in FACILITIES}
        return Service(name, stacks, gaps=tuple(gaps))

    def _folder_exists(self) -> bool:
        for folder in (*FOLDERS, *self._vendor):
            stat = self.files.follow(folder)
            if stat is not None and stat.kind == "d":
                return True
        return False

    def _from_pam_conf(self, name: str) -> Service:
        lines = self.files.lines("/etc/pam.conf")
        if lines is None:
            return Service(name, broken=Line("/etc/pam.conf", 0, "there is no PAM configuration"))
        own, other = _Build(self, name), _Build(self, "other")
        parsed = parse(lines, service_column=True)
        _check_length(parsed.too_long)
        try:
            for entry in parsed.entries:
                if entry.service.lower() == "other":
                    other.entry(entry, "", 0)
                elif entry.service.lower() == name:
                    own.entry(entry, "", 0)
        except _Broken as broken:
            return Service(name, broken=broken.line)
        if parsed.broken is not None:
            return Service(name, broken=parsed.broken)
        return Service(name, {facility: tuple(own.stacks[facility] or other.stacks[facility]) for facility in FACILITIES})

    def configured(self, name: str) -> bool:
        """Whether a service has a file of its own. Raises Unseen."""
        return self._open(name) is not None

    def _open(self, name: str) -> str | None:
        """The file that libpam opens for a service or an include, None if there is none. Raises Unseen."""
        if name.startswith("/"):
            return name if self.files.exists(name) else None
        for folder in (*FOLDERS, *self._vendor):
            path = f"{folder}/{name}"
            if self.files.exists(path):
                return path
        return None

    def entries(self, path: str) -> tuple[Entry, ...]:
        """Raises _Broken where libpam gives the file up, Unseen where it was not seen."""
        if path not in self._parsed:
            stat = self.files.follow(path)
            if stat is not None and stat.kind == "d":
                self._parsed[path] = ()  # fopen succeeds, nothing can be read: an empty file
            else:
                lines = self.files.lines(path) or ()
                parsed = parse_usual(lines) if len(lines) <= USUAL else parse(lines)
                _check_length(parsed.too_long)
                self._parsed[path] = parsed.entries if parsed.broken is None else _Broken(parsed.broken)
        found = self._parsed[path]
        if isinstance(found, _Broken):
            raise found
        return found

    def step(self, kind: str, level: int, table: Actions, entry: Entry) -> Step:
        """The handler of a line, made once."""
        key = id(entry), kind, level
        if key not in self._steps:
            if kind == "module" and entry.module is not None:
                known = self.module_known(entry.module)
                step = Step(kind, level, table, entry.module.rsplit("/", 1)[-1], entry.args, entry.line, known)
            else:
                step = Step(kind, level, table, (entry.module or "") if kind == "substack" else "", (), entry.line)
            self._steps[key] = step, entry  # kept, so that its id is
        return self._steps[key][0]

    def module_known(self, module: str) -> bool | None:
        """Whether the module's file exists. Where no module folder was seen at all, a configured module is taken to be there."""
        if not self._modules:
            return True
        if "$ISA" in module and self._debian:
            return False  # stands for a folder that is not there
        if module.startswith("/") and "$ISA" not in module:
            return self._loads(module)
        found = self._modules.get(module.rsplit("/", 1)[-1], ())
        if ALWAYS in self._modules:
            found = [path for path in found if _folder(path) in self._searched]
        answers = {self._loads(path) for path in found}
        return True if True in answers else None if None in answers else False

    def _loads(self, path: str) -> bool | None:
        """Whether there is something to load: a link may lead nowhere. None if that was not seen."""
        try:
            stat = self.files.follow(path)
        except Unseen:
            return None
        return stat is not None and stat.kind == "f"


def _folder(path: str) -> str:
    return path.rpartition("/")[0].removeprefix("/usr")


def _check_length(line: Line | None) -> None:
    if line is not None:
        raise Unseen(Gap(f"file:{line.file}", Reason.UNSUPPORTED, f"line {line.number} is longer than libpam reads at once"))


class _Build:
    """Handlers of one service name as they are added."""

    def __init__(self, stacks: Stacks, service: str) -> None:
        self._from = stacks
        self.stacks: dict[str, list[Step]] = {facility: [] for facility in FACILITIES}
        self._open: set[tuple[str, int]] = set()
        self._count = 0

    def file(self, path: str, facility: str, level: int) -> None:
        """Add a whole file. facility: only lines of it; empty takes all. Raises _Broken."""
        self._open.add((path, level))
        broken: _Broken | None = None
        try:
            entries = self._from.entries(path)
        except _Broken as error:
            broken, entries = error, self._before(error)
        for entry in entries:
            self.entry(entry, facility, level)  # Debian's @include brings the lines of the type that is asked for
        self._open.discard((path, level))
        if broken is not None:
            raise broken

    def _before(self, broken: _Broken) -> tuple[Entry, ...]:
        return parse(self._from.files.lines(broken.line.file) or ()).entries

    def entry(self, entry: Entry, wanted: str, level: int) -> None:
        if entry.include == "@include" and self._from._at_include:
            if not self._include(entry, wanted, level):
                raise _Broken(entry.line)  # Debian's patch gives the file up where upstream's include only adds a failure
            return
        facility = entry.facility or wanted or "auth"  # libpam: an illegal type counts as the most sensitive one
        bad_type = entry.facility is None
        if wanted and facility != wanted:
            return
        if entry.include in ("include", "substack"):
            inner = level + (entry.include == "substack")
            if entry.include == "substack":
                self._add("substack", level, ALL_BAD, entry, facility)
            if not self._include(entry, facility, inner):
                self._add("must_fail", level, ALL_BAD, entry, facility)
            return
        if entry.control is None or entry.include == "@include":
            self._add("must_fail", level, ALL_BAD, entry, facility)
            return
        usable = not bad_type and entry.module is not None
        self._add("module" if usable else "must_fail", level, actions(entry.control), entry, facility)

    def _include(self, entry: Entry, facility: str, level: int) -> bool:
        """Whether the included file could be loaded whole."""
        if level >= MAX_LEVEL:
            return False
        if entry.module is None:
            if self._from._at_include:
                raise _Crash(entry.line)
            return False
        path = self._from._open(entry.module)
        if path is None:
            return False
        if (path, level) in self._open:
            raise _Crash(entry.line)
        try:
            self.file(path, facility, level)
        except _Crash:
            raise
        except _Broken:
            self._open.discard((path, level))
            return False
        return True

    def _add(self, kind: str, level: int, table: Actions, entry: Entry, facility: str) -> None:
        self._count += 1
        if self._count > MAX_STEPS:
            raise Unseen(Gap(f"file:{entry.line.file}", Reason.TRUNCATED, f"more than {MAX_STEPS} modules"))
        self.stacks[facility].append(self._from.step(kind, level, table, entry))
