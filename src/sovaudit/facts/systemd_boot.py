"""Which units a boot with systemd starts: what default.target pulls in, step by step.

Sources: bootup(7), systemd.unit(5), systemd.special(7); `systemd --test` prints the same transaction. Of the vendor's own targets only what bootup(7)
says is taken for granted.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.ini import parse_ini
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

TOP = "/etc/systemd/system"
FOLDERS = (TOP, "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_OWN = FOLDERS[:3]  # where administrators make aliases; the vendor's are looked up when they are named
_STRUCTURE = {
    "graphical.target": ("multi-user.target",),
    "multi-user.target": ("basic.target", "getty.target"),
    "basic.target": ("sysinit.target", "sockets.target", "timers.target", "paths.target", "slices.target"),
    "sysinit.target": ("local-fs.target", "swap.target", "cryptsetup.target", "veritysetup.target", "integritysetup.target"),
    "rescue.target": ("sysinit.target", "rescue.service"),
}
_LEVELS = {"runlevel2.target": "multi-user.target", "runlevel3.target": "multi-user.target", "runlevel4.target": "multi-user.target"}
_LEVELS |= {"runlevel5.target": "graphical.target"}
_REGULAR = frozenset(_STRUCTURE).union(*_STRUCTURE.values())  # reached by these ways, or not at all
# These a boot never reaches on its own.
_NEVER = re.compile(
    r"(rescue|emergency|halt|poweroff|reboot|soft-reboot|kexec|exit|shutdown|final|umount|sleep|suspend|hibernate|hybrid-sleep|ctrl-alt-del"
    r"|suspend-then-hibernate|system-update|factory-reset|initrd\S*|runlevel[016]|multi-user|graphical|default)\.target|rescue\.service|emergency\.service"
)
_PULLS = ("Wants", "Requires", "BindsTo", "Upholds")
_MATTERS = re.compile(r"^[ \t]*(Wants|Requires|BindsTo|Upholds|Conflicts)[ \t]*=", re.MULTILINE)
_UNIT = re.compile(r"[^/]+\.(service|socket|target|timer|path|mount|automount|swap|slice|scope|device)")
MASK = "/dev/null"


@dataclass
class Boot:
    """started: unit → the path of what pulls it in. open_: folders of units of which nobody knows whether something starts them."""

    started: dict[str, str] = field(default_factory=dict)
    open_: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, list[str]] = field(default_factory=dict)  # unit → started units that do not go with it

    def starts(self, unit: str) -> str | None:
        """What starts the unit, None if nothing does. Raises Unseen where that was not seen."""
        if unit in self.started:
            return self.started[unit]
        if unit in self.open_:
            path = self.open_[unit]
            raise Unseen(Gap(f"file:{path}", Reason.AMBIGUOUS, f"whether something starts {posixpath.basename(posixpath.dirname(path))}"))
        return None

    def stopped_by(self, unit: str) -> str | None:
        """A unit that is started and does not suffer this one beside it. Raises Unseen where each of the two says so, and where a third does not
        suffer the other: systemd looks at them in an order that changes from boot to boot.
        """
        for other in self._against(unit):
            if self._against(other):
                raise Unseen(Gap(f"unit:{unit}", Reason.AMBIGUOUS, f"systemd starts {unit} or {other}, in no set order"))
            return other
        return None

    def _against(self, unit: str) -> list[str]:
        return [other for other in self.conflicts.get(unit, ()) if other in self.started and other != unit]


def folders(files: Files) -> dict[str, frozenset[str] | None]:
    """The folders of units that are there, each once, under its own name, with what they hold; None where that was not seen."""
    found: dict[str, frozenset[str] | None] = {}
    for folder in FOLDERS:
        try:
            if files.resolve(folder) == folder:
                found[folder] = None
                found[folder] = frozenset(files.listdir(folder) or ())
        except Unseen:
            found[folder] = None
    return found


def _holders(files: Files) -> dict[str, list[str]]:
    """Name → folders of units that hold it, or were not listed, the strongest first; under the empty name, those that were not listed."""
    listed = files.once(folders)
    unlisted = [folder for folder, names in listed.items() if names is None]
    found: dict[str, list[str]] = {"": unlisted}
    for folder, names in listed.items():
        for name in names or ():
            found.setdefault(name, []).append(folder)
    if unlisted:
        order = list(listed)
        found |= {name: sorted([*here, *unlisted], key=order.index) for name, here in found.items() if name}
    return found


def _where(files: Files, name: str) -> list[str]:
    """Folders that hold such an entry, or may."""
    holders = files.once(_holders)
    return holders.get(name) or holders[""]


def template_of(unit: str) -> str:
    """`getty@.service` of `getty@tty1.service`; a unit of no template is its own (systemd.unit(5))."""
    return re.sub(r"@.*(\.\w+)$", r"@\1", unit) if "@" in unit else unit


def masked(files: Files, unit: str) -> str | None:
    """The link to /dev/null, or the empty file, that hides the unit, None if nothing does. The first folder that has the name counts.

    Raises Unseen.
    """
    where = _find(files, unit)
    return where[0] if where is not None and where[1] == "" else None


def canonical(files: Files, unit: str) -> str:
    """The unit's own name, where this one is an alias: a link to another name. Raises Unseen."""
    for _ in range(5):
        where = _find(files, unit)
        if where is None or where[1] in ("", unit):
            break
        unit = where[1]
    return unit


def present(files: Files, unit: str) -> bool:
    """Whether the unit, or its template, has a file. Raises Unseen."""
    if _find(files, unit) is not None:
        return True
    template = template_of(unit)
    return template != unit and _find(files, template) is not None


def _find(files: Files, unit: str) -> tuple[str, str] | None:
    """The path of the unit's file in the first folder that has one, and the name that it stands for: another one for an alias, none for a mask."""
    for folder in _where(files, unit):
        path = f"{folder}/{unit}"
        try:
            stat = files.stat(path)
        except Unseen:
            if folder == TOP or folder == FOLDERS[3]:
                raise
            continue  # nothing in /run survives a boot, and there is rarely anything in /usr/local
        if stat is None:
            continue
        if stat.kind != "l":
            return path, "" if stat.kind == "f" and stat.size == 0 else unit
        link = _target(path, stat.link)
        if link == MASK:
            return path, ""
        name = posixpath.basename(link)
        if name == unit or not _UNIT.fullmatch(name) or template_of(unit) == name:
            return path, "" if _null(files, path) or _dangles(files, path) else unit
        return path, name
    return None


def _target(path: str, link: str) -> str:
    return "/" + posixpath.normpath(posixpath.join(posixpath.dirname(path), link)).lstrip("/")


def _null(files: Files, path: str) -> bool:
    """Whether the path leads, by whatever links, to /dev/null or to an empty file; not having seen where it leads counts as no."""
    try:
        for _ in range(5):
            stat = files.stat(path)
            if stat is None or stat.kind != "l":
                return stat is not None and stat.kind == "f" and stat.size == 0
            link = _target(path, stat.link)
            if link == MASK:
                return True
            folder = files.resolve(posixpath.dirname(link))
            if folder is None:
                return False
            path = posixpath.join(folder, posixpath.basename(link))
    except Unseen:
        pass
    return False


def _dangles(files: Files, path: str) -> bool:
    try:
        return files.resolve(path) is None
    except Unseen:
        return False


def hides(files: Files, path: str) -> bool:
    """Whether the path is a link to /dev/null: its name is then taken out of use. Raises Unseen."""
    folder = files.resolve(posixpath.dirname(path))
    stat = files.stat(f"{folder}/{posixpath.basename(path)}") if folder is not None else None
    return stat is not None and stat.kind == "l" and _target(path, stat.link) == MASK


def aliases(files: Files, unit: str) -> tuple[str, ...]:
    """Other names of the unit that administrators or `systemctl enable` gave it. Raises Unseen where /etc/systemd/system was not listed."""
    return tuple(files.once(_aliases).get(unit, ()))


def read(files: Files) -> Boot:
    """The boot of this host; for Files.once. Raises Unseen where /etc/systemd/system was not listed."""
    boot = Boot()
    try:
        start = canonical(files, "default.target") if _find(files, "default.target") is not None else "graphical.target"
    except Unseen:
        start = "graphical.target"
    start = _LEVELS.get(start, start)
    waiting = [(start, TOP)]
    while waiting:
        name, why = waiting.pop()
        name = _real(files, name)
        if name in boot.started or missing(files, name):
            continue
        boot.started[name] = why
        waiting += [(other, why) for other in _STRUCTURE.get(name, ())]
        for alias in dict.fromkeys((name, template_of(name), *aliases(files, name), *(["default.target"] if name == start else []))):
            waiting += [(entry, path) for entry, path in _folder_entries(files, alias)]
        for path, text in _texts(files, name):
            pulled, refused = _said(text)
            waiting += [(other, path) for other in pulled if "%" not in other]
            for other in refused:
                boot.conflicts.setdefault(_real(files, other), []).append(name)
    _unreached(files, boot)
    return boot


def _real(files: Files, name: str) -> str:
    name = _LEVELS.get(name, name)
    try:
        return canonical(files, name)
    except Unseen:
        return name


def missing(files: Files, name: str) -> bool:
    """Whether the unit is masked, or was seen not to exist."""
    try:
        if masked(files, name) is not None:
            return True
        if present(files, name) or name in _STRUCTURE or name.endswith((".mount", ".swap", ".device", ".slice")):
            return False
        if not set(FOLDERS[3:]) & set(files.once(folders)):
            return False  # no unit at all was brought
        return not files.exists(f"/etc/init.d/{name.rpartition('.')[0]}")  # a generator makes a unit of each init script
    except Unseen:
        return False


def _aliases(files: Files) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for alias, name in _LEVELS.items():
        found.setdefault(name, []).append(alias)
    for folder in _OWN:
        try:
            names = files.listdir(folder) or ()
        except Unseen:
            if folder == TOP:
                raise
            continue
        for entry in names:
            stat = files.stat(f"{folder}/{entry}")
            if stat is not None and stat.kind == "l" and _UNIT.fullmatch(entry):
                name = _real(files, entry)
                if name != entry:
                    found.setdefault(name, []).append(entry)
    return found


def _folder_entries(files: Files, name: str) -> Iterator[tuple[str, str]]:
    """Links in the unit's `.wants`, `.requires` and `.upholds` folders; of a name the first folder's counts, a link to /dev/null hides the others."""
    for kind in ("wants", "requires", "upholds"):
        done: set[str] = set()
        for folder in _where(files, f"{name}.{kind}"):
            try:
                names = files.listdir(f"{folder}/{name}.{kind}") or ()
            except Unseen:
                if folder == TOP:
                    raise
                continue
            for entry in names:
                path = f"{folder}/{name}.{kind}/{entry}"
                stat = files.stat(path)
                if entry in done or stat is None:
                    continue
                done.add(entry)
                if stat.kind == "l" and not _null(files, path):
                    yield entry, path


def _texts(files: Files, name: str) -> Iterator[tuple[str, str]]:
    """What the unit's file and drop-ins say, as far as they were brought."""
    template = template_of(name)
    units = (name,) if template == name else (name, template)
    for unit in units:
        for folder in _where(files, unit):
            if (text := _text(files, f"{folder}/{unit}")) is not None:
                yield f"{folder}/{unit}", text
                break
    dropped = {unit: _where(files, f"{unit}.d") for unit in units}
    for folder in files.once(folders) if any(dropped.values()) else ():
        for unit in units:
            try:
                entries = (files.listdir(f"{folder}/{unit}.d") or ()) if folder in dropped[unit] else ()
            except Unseen:
                continue
            for entry in entries:
                path = f"{folder}/{unit}.d/{entry}"
                if entry.endswith(".conf") and (text := _text(files, path)) is not None:
                    yield path, text


def _text(files: Files, path: str) -> str | None:
    try:
        real = files.resolve(path)
        known = real is not None and (files.brought(path) or files.brought(real) or real == MASK)
        return files.read(path) if known else None  # to ask for what was not brought costs an explanation that nobody reads
    except Unseen:
        return None


@lru_cache(maxsize=256)
def _said(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Units that a unit's text wants, and those that it does not suffer."""
    wanted: list[str] = []
    refused: list[str] = []
    if _MATTERS.search(text):
        for row in parse_ini(Line("", number, line) for number, line in enumerate(text.split("\n"), 1)):
            if row.section == "Unit" and row.key in _PULLS:
                wanted += row.value.split()
            elif row.section == "Unit" and row.key == "Conflicts":
                refused += row.value.split()
    return tuple(wanted), tuple(refused)


def _unreached(files: Files, boot: Boot) -> None:
    """What hangs on units that are not started by what was seen, but by what the vendor's unseen units, or the hardware, may ask for."""
    for folder in _OWN:
        try:
            entries = files.listdir(folder) or ()
        except Unseen:
            continue
        for entry in entries:
            owner, dot, kind = entry.rpartition(".")
            if not dot or kind not in ("wants", "requires", "upholds") or not _UNIT.fullmatch(owner):
                continue
            name = _real(files, owner)
            if name in boot.started or _NEVER.fullmatch(name) or name in _REGULAR or owner == "default.target" or missing(files, name):
                continue
            if not name.endswith((".target", ".device", ".mount")):
                continue  # a service or socket: nothing starts it, and so nothing that it wants
            for below in files.listdir(f"{folder}/{entry}") or ():
                boot.open_.setdefault(_real(files, below), f"{folder}/{entry}/{below}")
