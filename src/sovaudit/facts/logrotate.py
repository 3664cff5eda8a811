"""How long logrotate lets a log file live (logrotate(8), config.c and logrotate.c of 3.18 to 3.21).

What is *guaranteed*: right after a rotation the oldest line still there is `rotate` whole periods old. A size that triggers a rotation
guarantees no time at all.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse.logrotate_conf import Directive, Stanza, parse_logrotate
from sovaudit.facts.systemd_units import Running, Units
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

MAIN = "/etc/logrotate.conf"
TABOO = (
    ",v", ".cfsaved", ".disabled", ".dpkg-bak", ".dpkg-del", ".dpkg-dist", ".dpkg-new", ".dpkg-old", ".rhn-cfg-tmp-*", ".rpmnew",
    ".rpmorig", ".rpmsave", ".swp", ".ucf-dist", ".ucf-new", ".ucf-old", "~",
)  # fmt: skip
MAX_STANZAS = 5_000
_PERIODS = ("hourly", "daily", "weekly", "monthly", "yearly")

_NOWHERE = Line(MAIN, 0, "")


@dataclass(frozen=True, slots=True)
class Policy:
    """What one stanza says, global options included. period: hourly … yearly, or `size`. rotate: -1 keeps all. maxage: days, 0 for none."""

    files: tuple[str, ...] = ()
    period: str = "size"  # without a word logrotate goes by size, 1 MB
    rotate: int = 0
    maxage: int = 0
    maxsize: bool = False
    su: bool = False
    create: tuple[str, str, str] | None = None  # mode, owner and group of the new file, each empty where it keeps the old one's
    copies: bool = False  # the old file stays in its place
    olddir: str = ""
    line: Line = _NOWHERE
    because: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Keep:
    """How long lines of a file are certainly kept. kind: `forever`, `days`, `months`, `unbounded` (no time is guaranteed). amount: of days
    or months.
    """

    kind: str
    amount: int
    because: tuple[Line, ...]
    note: str = ""
    upper: Keep | None = None  # what the schedule alone would keep, where a size may rotate earlier

    def lasts(self, months: int) -> bool | None:
        """Whether that is at least so many months: calendar months by count, days against months x 30.4375 rounded down. None if not
        guaranteed.
        """
        if self.kind == "forever":
            return True
        if self.kind == "unbounded":
            return None
        return self.amount >= (months if self.kind == "months" else days_of(months))


def days_of(months: int) -> int:
    """Days that stand for so many months: the mean month of 30.4375 days, rounded down (6: 182, so 26 weeks are six months; 12: 365)."""
    return months * 304375 // 10000


class Logrotate:
    """All stanzas in the order in which logrotate reads them. Raises Unseen where its main file was not seen."""

    def __init__(self, host: Host, units: Units) -> None:
        self._files: Files = host.files
        self._host = host
        self._units = units
        self._taboo = [f"*{ending}" for ending in TABOO]
        self.policies: list[Policy] = []
        self.problems: list[tuple[Line, str]] = []
        self.gaps: list[Gap] = []
        self._globals = Policy()
        self.configured = self._read(MAIN, 0)

    def _read(self, path: str, depth: int) -> bool:
        try:
            stat = self._files.follow(path)
            if stat is None:
                return False
            if stat.mode & 0o022 or stat.uid != 0:
                self.problems.append(
                    (Line(path, 0, f"mode {stat.mode:04o}, owner {stat.uid}"), "logrotate ignores a file that others may write")
                )
                return True
            lines = self._files.lines(path)
        except Unseen as unseen:
            if depth == 0:
                raise
            self.gaps.append(unseen.gap)
            return True
        for stanza in parse_logrotate(lines or ()):
            if len(self.policies) >= MAX_STANZAS:
                raise Unseen(Gap(f"file:{path}", Reason.TRUNCATED, "more stanzas than we read"))
            if stanza.files:
                self._stanza(stanza)
            else:
                self._global(stanza.options[0], depth)
        return True

    def _global(self, option: Directive, depth: int) -> None:
        if option.name == "include":
            self._include(option.value, depth)
        elif option.name in ("tabooext", "taboopat"):
            words = re.split(r"[\s,]+", option.value.removeprefix("+").strip())
            patterns = [f"*{word}" if option.name == "tabooext" else word for word in words if word]
            self._taboo = self._taboo + patterns if option.value.startswith("+") else patterns
        elif (after := _apply(self._globals, option)) is not None:
            self._globals = after

    def _include(self, name: str, depth: int) -> None:
        if depth > 4 or not name.startswith("/"):
            return
        try:
            stat = self._files.follow(name)
            names = (
                [name]
                if stat is not None and stat.kind != "d"
                else [f"{name.rstrip('/')}/{entry}" for entry in self._files.listdir(name) or ()]
            )
        except Unseen as unseen:
            self.gaps.append(unseen.gap)
            return
        for path in names:
            base = path.rsplit("/", 1)[1]
            if stat is not None and stat.kind == "d":
                if any(fnmatch.fnmatchcase(base, pattern) for pattern in self._taboo):
                    continue
                behind = self._files.follow(path)
                if behind is None or behind.kind != "f":
                    continue
            self._read(path, depth + 1)

    def _stanza(self, stanza: Stanza) -> None:
        policy = replace(self._globals, files=stanza.files, line=stanza.line)
        for option in stanza.options:
            after = _apply(policy, option)
            if after is None:
                self.problems.append((option.line, f"bad value of {option.name}: logrotate skips these files"))
                if stanza.closed:
                    return
                break
            policy = after
        self.policies.append(policy)

    def of(self, path: str) -> Policy | None:
        """The stanza that handles a file: the first that names it (a second one is a "duplicate log entry" and is skipped). None: none
        does.
        """
        for policy in self.policies:
            for pattern in policy.files:
                if pattern == path or (any(c in pattern for c in "*?[") and _glob(pattern, path)):
                    return policy
        return None

    def scheduled(self) -> Running:
        """Whether logrotate is started at all: its timer, or cron's daily or hourly script with a cron that runs. Raises Unseen."""
        if self._units.program("/usr/sbin/logrotate", "/usr/bin/logrotate") is None:
            return Running(False, Line("/usr/sbin/logrotate", 0, "logrotate is not installed"))
        if self._units.systemd:
            timer = self._units.enabled("logrotate.timer")
            if timer.yes:
                return timer
        for folder in ("/etc/cron.daily", "/etc/cron.hourly", "/etc/cron.weekly", "/etc/periodic/daily"):
            stat = self._files.follow(f"{folder}/logrotate")
            if stat is not None and stat.mode & 0o111:
                text = self._files.read(f"{folder}/logrotate") or ""
                if self._units.systemd and "/run/systemd/system" in text:
                    continue  # Debian's script leaves the work to the timer
                return Running(True, Line(f"{folder}/logrotate", 0, "cron runs it"))
        return Running(False, Line("/etc/cron.daily", 0, "neither a timer nor cron starts logrotate"))

    def keeps(self, path: str) -> Keep:
        """How long lines of this file are certainly kept. Raises Unseen where part of the configuration was not seen."""
        if self.gaps:
            raise Unseen(self.gaps[0])
        policy = self.of(path) if self.configured else None
        if policy is None:
            return Keep("forever", 0, (Line(MAIN, 0, f"no stanza names {path}"),), "never rotated")
        try:
            started = self.scheduled()
        except Unseen:
            started = None  # whether it is started was not seen: the stanza is what would happen
        if started is not None and not started.yes:
            return Keep("forever", 0, (started.because, policy.line), "never rotated")
        folder = self._files.follow(path.rpartition("/")[0] or "/") if not policy.su else None
        if folder is not None and (folder.world_writable or (folder.group_writable and folder.gid != 0)):
            line = Line(folder.path, 0, f"mode {folder.mode:04o}: logrotate refuses to work there without `su`")
            return Keep("forever", 0, (policy.line, line), "never rotated")
        return keep_of(policy)


def keep_of(policy: Policy) -> Keep:
    """What a stanza guarantees when logrotate runs at least daily; run less often, it keeps longer."""
    because = (policy.line, *policy.because)
    cap = policy.maxage or None
    if policy.rotate < 0:
        return Keep("days", cap, because, "maxage") if cap else Keep("forever", 0, because, "rotated, never removed")
    if policy.rotate == 0:
        return Keep("days", 0, because, "a rotated file is removed at once")
    if policy.period == "size" or policy.maxsize:
        upper = keep_of(replace(policy, maxsize=False)) if policy.period != "size" else None
        return Keep("unbounded", 0, because, upper=upper if upper is not None else Keep("days", cap, because) if cap else None)
    if policy.period in ("monthly", "yearly"):
        count = policy.rotate * (12 if policy.period == "yearly" else 1)
        if cap is not None and cap < days_of(count):
            return Keep("days", cap, because, "maxage")
        return Keep("months", count, because)
    days = {"hourly": policy.rotate // 24, "daily": policy.rotate, "weekly": policy.rotate * 7}[policy.period]
    return Keep("days", min(days, cap) if cap is not None else days, because)


def _apply(policy: Policy, option: Directive) -> Policy | None:
    """The policy with one option more; None where logrotate calls its value bad. Unknown options are ignored."""
    name, value = option.name, option.value.split("#")[0].strip()
    because = (*policy.because, option.line)
    if name in _PERIODS:
        return replace(policy, period=name, because=because)
    if name == "rotate":
        return replace(policy, rotate=int(value), because=because) if re.fullmatch(r"-?[0-9]{1,9}", value) and int(value) >= -1 else None
    if name == "su":
        return replace(policy, su=True)
    if name == "create":
        mode, owner, group = _attributes(value)
        before = policy.create or ("", "", "")
        return replace(policy, create=(mode or before[0], owner or before[1], group or before[2]), because=because)
    if name == "nocreate":
        return replace(policy, create=None)
    if name in ("copytruncate", "nocopytruncate", "copy", "nocopy"):
        return replace(policy, copies=not name.startswith("no"))
    if name in ("olddir", "noolddir"):
        return replace(policy, olddir=value.strip("\"'") if name == "olddir" else "")
    if name == "maxage":
        return replace(policy, maxage=int(value), because=because) if re.fullmatch(r"[0-9]{1,9}", value) else None
    if name in ("size", "minsize", "maxsize"):
        number = re.fullmatch(r"=?\s*([0-9]{1,15})[kMG]?", value)
        if number is None:
            return None
        if name == "size":
            return replace(policy, period="size", because=because)
        if name == "maxsize":
            return replace(policy, maxsize=int(number[1]) > 0, because=because)
    return policy


def _attributes(value: str) -> tuple[str, str, str]:
    """`0640 root adm`, `root adm`, `0640`: what is not said is empty."""
    words = value.split()
    mode = words.pop(0) if words and re.fullmatch(r"[0-7]{1,6}", words[0]) else ""
    return mode, words[0] if words else "", words[1] if len(words) > 1 else ""


def _glob(pattern: str, path: str) -> bool:
    """glob(3): a wildcard does not match a slash."""
    theirs, ours = pattern.split("/"), path.split("/")
    return len(theirs) == len(ours) and all(
        fnmatch.fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
        for part, name in zip(theirs, ours, strict=True)
    )
