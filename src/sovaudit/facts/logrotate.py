"""Which stanza of logrotate's files handles a log, and whether logrotate is started (logrotate(8), config.c and logrotate.c of 3.18 to 3.21)."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.logrotate_policy import MAIN, TRIGGERS, Keep, Policy, days_apart, keep_of
from sovaudit.facts.parse.logrotate_conf import BAD, FATAL, OK, read_logrotate
from sovaudit.facts.systemd_units import Running, Units
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

TABOO = (
    ",v", ".cfsaved", ".disabled", ".dpkg-bak", ".dpkg-del", ".dpkg-dist", ".dpkg-new", ".dpkg-old", ".rhn-cfg-tmp-*", ".rpmnew",
    ".rpmorig", ".rpmsave", ".swp", ".ucf-dist", ".ucf-new", ".ucf-old", "~",
)  # fmt: skip
_CRONS = ("cron.service", "crond.service", "cronie.service", "anacron.timer", "anacron.service", "bcron.service", "fcron.service")
MAX_STANZAS = 5_000
MAX_BECAUSE = 40  # lines of one stanza that are remembered, the last ones


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
        self._now = Policy()  # the stanza that is being read
        self._taken: dict[str, bool] = {}  # file → whether its stanza ignores duplicates
        self._depth = 0
        self.configured = self._exists(MAIN)
        if self.configured:
            self._read(MAIN)

    def _exists(self, path: str) -> bool:
        return self._files.follow(path) is not None

    def _read(self, path: str) -> bool:
        """Whether the file had an error: then it leaves its stanzas, and takes its global options back."""
        try:
            stat = self._files.follow(path)
            if stat is None:
                return True
            if stat.kind != "f":
                return False
            if stat.mode & 0o022 or stat.uid != 0:
                self.problems.append(
                    (Line(path, 0, f"mode {stat.mode:04o}, owner {stat.uid}"), "logrotate ignores a file that others may write")
                )
                return False
            lines = self._files.lines(path) or ()
        except Unseen as unseen:
            if self._depth == 0:
                raise
            self.gaps.append(unseen.gap)
            return False
        before = self._globals
        wrong = read_logrotate(lines, self)
        if wrong:
            self._globals = before
        return wrong

    # What the reader tells (parse.logrotate_conf.Sink)

    def option(self, name: str, value: str, line: Line, inside: bool) -> str:
        if name in ("tabooext", "taboopat"):
            words = re.split(r"[\s,]+", value.removeprefix("+").strip())
            patterns = [f"*{word}" if name == "tabooext" else word for word in words if word]
            self._taboo = self._taboo + patterns if value.startswith("+") else patterns
            return OK
        after = _apply(self._now if inside else self._globals, name, value, line)
        if after is None or (name in ("su", "create", "createolddir") and not self._known(name, value)):
            self.problems.append((line, f"bad value of {name}: logrotate skips what it stands in"))
            return FATAL if name == "weekly" else BAD
        if inside:
            self._now = after
        else:
            self._globals = after
        return OK

    def _known(self, name: str, value: str) -> bool:
        """Whether owner and group exist; a name that does not is an error. Extra words are one, too."""
        words = value.split()
        if name != "su" and words and re.match(r"[0-7]", words[0]):
            words.pop(0)
        if len(words) > 2 or (name == "su" and not words):
            return False
        try:
            accounts = self._host.accounts
            users, groups = {str(account.uid) for account in accounts}, {str(group.gid) for group in accounts.groups.values()}
            if accounts.elsewhere:
                return True
            known = not words or accounts.get(words[0]) is not None or words[0] in users
            return known and (len(words) < 2 or words[1] in accounts.groups or words[1] in groups)
        except Unseen:
            return True

    def include(self, value: str, line: Line) -> bool:
        if self._depth >= 16 or not value.startswith("/"):
            return True
        self._depth += 1
        stanza, before = self._now, self._globals
        if stanza.files:
            self._globals = stanza  # inside braces what is included speaks of the stanza
        wrong = False
        try:
            stat = self._files.follow(value)
            if stat is None:
                return True
            if stat.kind != "d":
                wrong = self._read(value)
                return wrong
            for entry in self._files.listdir(value) or ():
                if not any(fnmatch.fnmatchcase(entry, pattern) for pattern in self._taboo):
                    wrong = self._read(f"{value.rstrip('/')}/{entry}") or wrong
            return wrong
        except Unseen as unseen:
            self.gaps.append(unseen.gap)
            return False
        finally:
            self._depth -= 1
            if stanza.files:
                self._now, self._globals = self._globals, before
                if wrong:  # an error there costs the stanza its files
                    for path in stanza.mine:
                        self._taken.pop(path, None)
                    self._now = replace(self._now, files=(), cuts=(), mine=())

    def opened(self, names: list[str], line: Line) -> bool:
        if len(self.policies) >= MAX_STANZAS:
            raise Unseen(Gap(f"file:{line.file}", Reason.TRUNCATED, "more stanzas than we read"))
        cuts: list[str | None] = []
        mine: list[str] = []
        for name in names:
            cut = None
            for path in self._matches(name):
                if path not in self._taken:
                    self._taken[path] = False
                    mine.append(path)
                elif not self._taken[path]:
                    cut = path  # a duplicate: neither it nor what the pattern matches after it
                    break
            cuts.append(cut)
        self._now = replace(self._globals, files=tuple(names), cuts=tuple(cuts), mine=tuple(mine), line=line)
        return any(cut is not None for cut in cuts)

    def _matches(self, name: str) -> tuple[str, ...]:
        if not any(c in name for c in "*?["):
            return (name,)
        try:
            return tuple(path for path in self._files.glob(name) if (stat := self._files.stat(path)) is None or stat.kind != "d") or (name,)
        except Unseen:
            return (name,)

    def closed(self) -> bool:
        policy = self._now
        if policy.olddir and not self._olddir(policy):
            self.problems.append((policy.line, "olddir does not exist: logrotate gives up the file"))
            return False
        self.policies.append(policy)
        if policy.ignores_duplicates:
            self._taken.update(dict.fromkeys(policy.mine, True))
        self._now = Policy()
        return True

    def _olddir(self, policy: Policy) -> bool:
        """Whether the folder for old generations is there, or will be made. Not seen counts as there."""
        for path in policy.mine:
            folder = posixpath.dirname(path)
            try:
                if self._files.follow(folder) is None:
                    if policy.missing_ok:
                        continue
                    return False
                if not policy.makes_olddir and self._files.follow(posixpath.join(folder, policy.olddir)) is None:
                    return False
            except Unseen:
                continue
        return True

    def dropped(self) -> None:
        for path in self._now.mine:
            self._taken.pop(path, None)
        self._now = Policy()

    def of(self, path: str) -> Policy | None:
        """The stanza that handles a file: the first that names it (a second one is a "duplicate log entry" and is skipped). None: none
        does.
        """
        for policy in self.policies:
            for pattern, cut in zip(policy.files, policy.cuts, strict=True):
                if cut is not None and path.encode("utf-8", "surrogateescape") >= cut.encode("utf-8", "surrogateescape"):
                    continue
                if pattern == path or (any(c in pattern for c in "*?[") and _glob(pattern, path)):
                    return policy
        return None

    def scheduled(self) -> Running:
        """Whether logrotate is started at all: its timer, or cron's daily or hourly script with a cron that runs. Raises Unseen."""
        if self._units.program("/usr/sbin/logrotate", "/usr/bin/logrotate") is None:
            return Running(False, Line("/usr/sbin/logrotate", 0, "logrotate is not installed"))
        if self._units.systemd:
            timer = self._timer()
            if timer.yes:
                return timer
        cron = self._cron()
        for folder in ("/etc/cron.daily", "/etc/cron.hourly", "/etc/cron.weekly", "/etc/periodic/daily"):
            stat = self._files.follow(f"{folder}/logrotate")
            if stat is not None and stat.mode & 0o111:
                text = self._files.read(f"{folder}/logrotate") or ""
                if self._units.systemd and "/run/systemd/system" in text:
                    continue  # Debian's script leaves the work to the timer
                return Running(True, Line(f"{folder}/logrotate", 0, "cron runs it")) if cron.yes else cron
        return Running(False, Line("/etc/cron.daily", 0, "neither a timer nor cron starts logrotate"))

    def _timer(self) -> Running:
        """Whether the timer is started, and may start the service. Raises Unseen."""
        found = self._units.enabled("logrotate.timer")
        if found.yes and self._units.masked("logrotate.service"):
            return Running(False, Line("/etc/systemd/system/logrotate.service", 0, "the timer's service is masked"))
        return found

    def _cron(self) -> Running:
        """Whether something runs the scripts of /etc/cron.daily; not having seen it counts as yes, and so does another init."""
        found = Running(not self._units.systemd, Line("/etc/systemd/system", 0, "nothing starts cron"))
        try:
            for unit in _CRONS:
                if found.yes:
                    break
                found = self._units.enabled(unit)
        except Unseen:
            return Running(True, found.because)
        return found if found.yes else Running(False, Line("/etc/systemd/system", 0, "nothing starts cron"))

    def _another(self) -> Line | None:
        """The unit's command, where it reads other files than the usual one. Raises Unseen."""
        if not self._units.systemd or not self._units.enabled("logrotate.timer").yes:
            return None
        for line in self._units.commands("logrotate.service", "ExecStart"):
            words = line.text.partition("=")[2].split()[1:]
            if line.file.startswith("/etc/") and [word for word in words if word.startswith("/")] != [MAIN]:
                return line
        return None

    def keeps(self, path: str) -> Keep:
        """How long lines of this file are certainly kept. Raises Unseen where part of the configuration was not seen."""
        if self.gaps:
            raise Unseen(self.gaps[0])
        if (line := self._another()) is not None:
            raise Unseen(Gap(f"file:{line.file}", Reason.UNSUPPORTED, f"logrotate is started otherwise: {line.text.strip()[:80]}"))
        policy = self.of(path) if self.configured else None
        if policy is None:
            return Keep("forever", 0, (Line(MAIN, 0, f"no stanza names {path}"),), "never rotated")
        try:
            started = self.scheduled()
        except Unseen:
            started = None  # whether it is started was not seen: the stanza is what would happen
        if started is not None and not started.yes:
            return Keep("forever", 0, (started.because, policy.line), "never rotated")
        if policy.copy and not policy.copies:
            return Keep("forever", 0, (policy.line, *policy.because), "copied, never emptied")
        folder = self._files.follow(path.rpartition("/")[0] or "/") if not policy.su else None
        if folder is not None and (folder.world_writable or (folder.group_writable and folder.gid != 0)):
            line = Line(folder.path, 0, f"mode {folder.mode:04o}: logrotate refuses to work there without `su`")
            return Keep("forever", 0, (policy.line, line), "never rotated")
        return keep_of(policy, self._interval())

    def _interval(self) -> int:
        """Days that lie between two runs at least; 0 where that was not seen, or is less than a day."""
        try:
            found: list[int] = []
            if self._units.systemd and self._timer().yes:
                moments = self._units.values("logrotate.timer", "Timer", *TRIGGERS)
                found.append(days_apart(moments[0]) if len(moments) == 1 else 0)
            for folder, days in (("hourly", 0), ("daily", 1), ("weekly", 7), ("monthly", 28)):
                stat = self._files.follow(f"/etc/cron.{folder}/logrotate")
                text = self._files.read(f"/etc/cron.{folder}/logrotate") if stat is not None and stat.mode & 0o111 else None
                if text is not None and not (self._units.systemd and "/run/systemd/system" in text):
                    found.append(days)
            return min(found, default=0)
        except Unseen:
            return 0


def _apply(policy: Policy, name: str, value: str, line: Line) -> Policy | None:
    """The policy with one option more; None where logrotate calls its value bad."""
    because = (*policy.because[-MAX_BECAUSE:], line)
    match name:
        case "weekly":
            return replace(policy, period=name, because=because) if re.fullmatch(r"\s*\+?0*[0-7]|", value) else None
        case "hourly" | "daily" | "monthly" | "yearly":
            return replace(policy, period=name, because=because)
        case "rotate":
            count = _number(value)
            return replace(policy, rotate=count, because=because) if count is not None and count >= -1 else None
        case "maxage":
            count = _number(value)
            return replace(policy, maxage=count, because=because) if count is not None and count >= 0 else None
        case "start" | "minage" | "shredcycles":
            count = _number(value)
            return policy if count is not None and count >= 0 else None
        case "size" | "minsize" | "maxsize":
            amount = _number(value[:-1] if value[-1:] in ("k", "K", "M", "G") else value)
            if amount is None or amount < 0:
                return None
            if name == "size":
                return replace(policy, period="size", because=because)
            return replace(policy, maxsize=amount > 0, because=because) if name == "maxsize" else policy
        case "su":
            return replace(policy, su=True)
        case "create":
            mode, owner, group = _attributes(value)
            before = policy.create or ("", "", "")
            return replace(policy, create=(mode or before[0], owner or before[1], group or before[2]), because=because)
        case "nocreate":
            return replace(policy, create=None)
        case "copytruncate" | "nocopytruncate":
            return replace(policy, copies=name == "copytruncate")
        case "renamecopy":
            return replace(policy, copies=False)
        case "copy" | "nocopy":
            return replace(policy, copy=name == "copy", because=because)
        case "missingok" | "nomissingok":
            return replace(policy, missing_ok=name == "missingok")
        case "ignoreduplicates":
            return replace(policy, ignores_duplicates=True)
        case "createolddir" | "nocreateolddir":
            return replace(policy, makes_olddir=name == "createolddir")
        case "olddir" | "compresscmd" | "uncompresscmd" | "compressext":
            if re.search(r"[ \t]", value):
                return None
            return replace(policy, olddir=value) if name == "olddir" else policy
        case "noolddir":
            return replace(policy, olddir="")
        case "mail":
            return policy if re.match(r"[!-~]+ ?$", value) else None
    return policy


def _number(text: str) -> int | None:
    """A whole number as strtol(3) with base 0 reads all of the text: decimal, 0x hexadecimal, 0 octal."""
    match = re.fullmatch(r"\s*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]{0,17})", text)
    if match is None:
        return None
    digits = match[2].lower()
    number = int(digits, 16) if digits.startswith("0x") else int(digits, 8) if digits.startswith("0") and len(digits) > 1 else int(digits)
    return -number if match[1] == "-" else number


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
