"""Who could touch a log file: its mode, the folders above it, the file system it lies on, and the account that writes it."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts import rsyslog_includes
from sovaudit.facts.files import Stat, Unseen, normal
from sovaudit.facts.log_access import LogAccess
from sovaudit.facts.rsyslog_model import Configuration, Destination
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

MEMORY = ("/run", "/var/run", "/dev", "/proc", "/sys", "/tmp")


@dataclass(frozen=True, slots=True)
class Answer:
    """A three-valued answer with what led there. yes None: not decided; `gaps` or `why` say what is missing."""

    yes: bool | None
    why: str
    because: tuple[Line, ...] = ()
    gaps: tuple[Gap, ...] = ()
    places: tuple[str, ...] = ()


class Protection:
    """Over one host. config: rsyslog's, for the rights with which it writes; None where no rsyslog does."""

    def __init__(self, host: Host, config: Configuration | None) -> None:
        self._host = host
        self._files = host.files
        self._config = config

    def protected(self, place: Destination) -> Answer:
        """Whether a log file, existing or yet to be made, is on disk and out of reach of unprivileged accounts, for reading and for
        writing.
        """
        if place.kind == "dynafile":
            return self._many(place)
        return self._placed(place, guarded=True)

    def lasting(self, place: Destination) -> Answer:
        """Whether what is written there is on disk and stays, whoever may read or change it."""
        made = re.sub(r"%[^%]*%", "-", place.target)
        return self._placed(replace(place, kind="file", target=made), guarded=False) if made.startswith("/") else self._many(place)

    def _placed(self, place: Destination, *, guarded: bool) -> Answer:
        path = posixpath.normpath(place.target)
        try:
            if self.nowhere(path):
                return Answer(False, "the file is in memory, or no file at all", (place.line,))
            real = self._files.resolve(path)
            stat = self._files.stat(real) if real is not None else None
            folder = self._folder(real or path)
            if stat is not None and stat.kind not in ("f",):
                return Answer(False, "it is no regular file", (place.line, Line(path, 0, f"type {stat.kind}")))
            if stat is None and not place.make_folders and folder.path != posixpath.dirname(path):
                return Answer(False, "its folder does not exist and is not made", (place.line,))
            if place.module == "omfile" and (line := self._host.logs.sandbox.shuts(real or self._real(path))) is not None:
                return Answer(False, "rsyslog's unit keeps it from writing there", (place.line, line))
            if (line := self._unwritable(place, stat, folder)) is not None:
                return Answer(False, "rsyslogd may not write there", (place.line, line))
            return self._closed(place, path, stat) if guarded else Answer(True, "in a log file", (place.line,), (), (path,))
        except Unseen as unseen:
            return Answer(None, f"whether {path} is protected was not seen", (place.line,), (unseen.gap,))

    def _many(self, place: Destination) -> Answer:
        """Files that a template names: those that exist, and one that would be made, in the deepest folder that is certain."""
        if not place.target.startswith("/"):
            return Answer(
                None,
                "its file names are made by a template",
                (place.line,),
                (Gap(f"file:{place.line.file}", Reason.UNSUPPORTED, place.target),),
            )
        pattern = re.sub(r"%[^%]*%", "*", place.target)
        made = re.sub(r"%[^%]*%", "-", place.target)
        answers = [self.protected(replace(place, kind="file", target=made))]
        for stat in self._files.paths():
            if stat.kind == "f" and fnmatch.fnmatchcase(stat.path, pattern):
                answers.append(self.protected(replace(place, kind="file", target=stat.path)))
        return min(answers, key=lambda answer: {False: 0, None: 1, True: 2}[answer.yes])

    def _umask(self) -> int:
        return self._config.umask if self._config is not None else 0o022

    def _folder(self, path: str) -> Stat:
        here = posixpath.dirname(path)
        while True:
            stat = self._files.follow(here) if here != "/" else None
            if stat is not None and stat.kind == "d":
                return stat
            if here == "/":
                return Stat("/", "d", 0o755, 0, 0, 0, 0)  # a root that is not root's own would be no host
            here = posixpath.dirname(here)

    def _closed(self, place: Destination, path: str, stat: Stat | None) -> Answer:
        mode = stat.mode if stat is not None else (place.mode if place.mode is not None else 0o644) & ~self._umask()
        line = Line(path, 0, f"mode {mode:04o}" if stat is not None else f"will be made with mode {mode:04o}")
        access = self.access.alters(path)
        if stat is None:
            access = access.worse(self.access.would_write(mode, *self.maker(place), path))
        if access.yes is not False:
            at_file = access.line is not None and access.line.file in (path, stat.path if stat is not None else path)
            why = "unprivileged accounts can write to the file" if at_file else "unprivileged accounts can replace the file"
            if access.yes is None:
                why = f"whether {path} is protected was not seen"
            return Answer(False if access.yes else None, why, (place.line, access.line or line), access.gaps)
        if mode & 0o004:
            return Answer(False, "every account can read the file", (place.line, line))
        return Answer(True, "in a protected log file", (place.line, line), (), (path,))

    @cached_property
    def access(self) -> LogAccess:
        """Who could alter a path."""
        return LogAccess(self._host)

    def maker(self, place: Destination) -> tuple[int, int]:
        """uid and gid of a file that rsyslogd makes: those that its action names, else those under which it runs."""
        accounts, config = self._host.accounts, self._config
        drop_user, drop_group = (config.drop_user, config.drop_group) if config is not None else ("", "")
        owner = accounts.get(place.owner) or accounts.get(drop_user)
        group = accounts.groups.get(place.group) or accounts.groups.get(drop_group)
        number = next((int(word) for word in (place.owner, drop_user) if word.isdecimal()), 0)
        return (owner.uid if owner is not None else number), (
            group.gid if group is not None else next((int(word) for word in (place.group, drop_group) if word.isdecimal()), 0)
        )

    def _unwritable(self, place: Destination, stat: Stat | None, folder: Stat) -> Line | None:
        """Where rsyslogd drops root's rights, its account must be able to open or make the file."""
        config = self._config
        if place.module != "omfile" or config is None or not config.drop_user or config.drop_user in ("root", "0"):
            return None
        account = self._host.accounts.get(config.drop_user)
        if account is None and config.drop_user.isdigit():
            account = next(iter(self._host.accounts.by_uid(int(config.drop_user))), None)
        if account is None:
            return Line(rsyslog_includes.MAIN, 0, f"there is no account {config.drop_user}")
        groups = {
            group.gid for group in self._host.accounts.groups.values() if group.name in account.groups or group.name == config.drop_group
        }
        target = stat or folder
        allowed = target.mode & 0o200 if target.uid == account.uid else target.mode & 0o020 if target.gid in groups else target.mode & 0o002
        return None if allowed else Line(target.path, 0, f"mode {target.mode:04o}, and rsyslogd runs as {config.drop_user}")

    @cached_property
    def _mounts(self) -> dict[str, str]:
        """Mount point → file system type: on a live host what is mounted, else what fstab and the units of a boot mount. Raises Unseen."""
        text = self._files.command("mounts").output if self._host.live else self._files.read("/etc/fstab") or ""
        rows = (row.split() for row in text.splitlines() if not row.lstrip().startswith("#"))
        found = {
            normal(row[1].replace("\\040", " ")): row[2]
            for row in rows
            if len(row) >= 3 and row[1].startswith("/") and (self._host.live or not _by_hand(row))
        }
        if not self._host.live:
            found |= self._mount_units()
        return found

    def _mount_units(self) -> dict[str, str]:
        units = self._host.logs.units
        found: dict[str, str] = {}
        for name in self._files.listdir("/etc/systemd/system") or () if units.systemd else ():
            if name.endswith(".mount"):
                values = {row.key: row.value for row in units.assignments(name, "Mount")}
                if values.get("Where", "").startswith("/") and units.enabled(name).yes:
                    found[normal(values["Where"])] = values.get("Type") or ("tmpfs" if values.get("What") == "tmpfs" else "")
        return found

    def in_memory(self, path: str) -> bool:
        """Whether a path lies on a file system that a boot empties."""
        here = path
        while here != "/":
            if here in self._mounts:
                return self._mounts[here] in ("tmpfs", "ramfs")
            here = posixpath.dirname(here)
        return False  # a root in memory is how live systems and test roots look; it says nothing about the log folder

    def nowhere(self, path: str) -> bool:
        """Whether a path, links followed, holds no record after a boot: devices, /run, /tmp, a file system in memory. Raises Unseen."""
        return any(
            self.in_memory(each) or any(each == top or each.startswith(f"{top}/") for top in MEMORY) for each in {path, self._real(path)}
        )

    def _real(self, path: str) -> str:
        """With links followed as far as the path exists."""
        rest = ""
        while path != "/":
            if (real := self._files.resolve(path)) is not None:
                return posixpath.join(real, rest) if rest else real
            path, name = posixpath.split(path)
            rest = posixpath.join(name, rest) if rest else name
        return f"/{rest}"


def _by_hand(row: list[str]) -> bool:
    options = row[3].split(",") if len(row) > 3 else []
    return "noauto" in options and "x-systemd.automount" not in options
