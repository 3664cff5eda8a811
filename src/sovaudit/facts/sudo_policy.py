"""Which sudoers files count on a host, and whether sudo works there at all: sudo.conf(5), nsswitch.conf, ownership and modes, includes."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace

from sovaudit.facts.files import Stat, Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.parse.sudoers import Opened, Policy
from sovaudit.facts.parse.sudoers_patterns import NEWEST, Version
from sovaudit.facts.sudo_nsswitch import nsswitch
from sovaudit.facts.sudo_reading import read_policy
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

BINARIES = ("/usr/bin/sudo", "/bin/sudo", "/usr/local/bin/sudo", "/usr/sbin/sudo", "/opt/sudo/bin/sudo")
RECOVERS: Version = (1, 9, 3)  # from here on a line with a syntax error is skipped; before, sudo refuses everybody


@dataclass(frozen=True, slots=True)
class Loaded:
    """installed is None where the program was not looked for. broken says why sudo serves nobody; empty if it works.

    read: files and folders of the policy that sudo does read. plugins: what it loads, and helpers it runs. program: sudo itself.

    gaps: what could change any answer. elsewhere: other sources of rules that this evidence does not show (`sss`, `ldap`, a plugin).
    """

    policy: Policy
    installed: bool | None
    broken: str
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...]
    elsewhere: tuple[str, ...]
    version: Version
    read: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    program: Stat | None = None


class _Loader:
    def __init__(self, host: Host) -> None:
        self.host = host
        self.files = host.files
        self.program: Stat | None = None
        self.gaps: list[Gap] = []
        self.elsewhere: list[str] = []
        self.main = "/etc/sudoers"
        self.owner = (0, 0)
        self.recovers = True
        self.sure_version = True
        self.read: dict[str, None] = {}
        self.plugins: dict[str, None] = {}

    def load(self) -> Loaded:
        return replace(self._load(), read=tuple(self.read), plugins=tuple(self.plugins), program=self.program)

    def _load(self) -> Loaded:
        version = self._version()
        installed, broken = self._program()
        nothing = Policy()
        if installed is False or broken:
            return Loaded(nothing, installed, broken, (), tuple(self.gaps), (), version)
        self._conf()
        self._sources()
        try:
            found = self.files.follow(self.main)
            why = self._insecure(found, "f")
            text = None if why else self.files.read(self.main)
        except Unseen as unseen:
            # without the main file nothing is known: whoever asks gets the gap
            return Loaded(nothing, installed, "", (), (*self.gaps, unseen.gap), tuple(self.elsewhere), version)
        if "local sudoers ignored" in self.elsewhere:
            self.elsewhere.remove("local sudoers ignored")
            return Loaded(nothing, installed, "" if self.elsewhere else "nsswitch.conf does not name the sudoers file", (), tuple(self.gaps),
                          tuple(self.elsewhere), version)  # fmt: skip
        if text is None:
            return Loaded(
                nothing, installed, f"{self.main} {why}", (Line(self.main, 0, why),), tuple(self.gaps), tuple(self.elsewhere), version
            )
        self.read.setdefault(self.main)
        policy = read_policy(self.main, text, self._open, version)
        because: tuple[Line, ...] = ()
        if policy.bounded:
            self.gaps.append(Gap(f"file:{self.main}", Reason.TRUNCATED, "more includes than are followed"))
        if policy.aborted or (policy.errors and (version < RECOVERS or not self.recovers)):
            broken, because = "a syntax error makes sudo refuse everybody", tuple(line for line, _ in policy.errors[:3])
        elif policy.errors and not self.sure_version:
            self.gaps.append(Gap("packages", Reason.ABSENT, "before version 1.9.3 the syntax error makes sudo refuse everybody"))
        return Loaded(policy, installed, broken, because, tuple(self.gaps), tuple(self.elsewhere), version)

    def _version(self) -> Version:
        try:
            text = self.host.packages.get("sudo", "") or self.host.packages.get("sudo-ldap", "")
        except Unseen:
            text = ""
        found = re.match(r"(?:\d+:)?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", text)
        self.sure_version = found is not None
        return tuple(int(part or 0) for part in found.groups()) if found else NEWEST

    def _program(self) -> tuple[bool | None, str]:
        unseen: Gap | None = None
        for path in BINARIES:
            try:
                found = self.files.follow(path)
            except Unseen as gone:
                unseen = unseen or gone.gap
                continue
            if found is not None:
                self.read.setdefault(path)
                self.program = found
                if found.uid != 0 or not found.mode & 0o4000:
                    return True, f"{path} is not setuid root"
                return True, ""
        if unseen is None:
            return False, ""
        try:
            if "sudo" in self.host.packages or "sudo-ldap" in self.host.packages:
                return True, ""
        except Unseen:
            pass
        self.gaps.append(unseen)
        return None, ""

    def _conf(self) -> None:
        """sudo.conf(5): where sudoers is, whose it must be, and whether another plugin decides."""
        try:
            if self._insecure(self.files.follow("/etc/sudo.conf"), "f"):
                return
            text = self.files.read("/etc/sudo.conf") or ""
            self.read.setdefault("/etc/sudo.conf")
        except Unseen as unseen:
            if unseen.gap.reason is not Reason.ABSENT:
                self.gaps.append(unseen.gap)
            return
        for row in re.sub(r"\\\n", "", text).splitlines():
            words = row.partition("#")[0].split()
            if len(words) >= 3 and words[0].lower() in ("plugin", "path") and words[2].startswith("/"):
                self.plugins.setdefault(words[2])
            if len(words) < 3 or words[0].lower() != "plugin" or words[1] in ("sudoers_io", "sudoers_audit"):
                continue
            if words[1] == "sudoers_policy" and posixpath.basename(words[2]) not in ("sudoers.so", "sudoers"):
                self.elsewhere.append(f"plugin {words[2]}")
            if words[1] != "sudoers_policy":
                self.elsewhere.append(f"plugin {words[1]}")
                continue
            for option in words[3:]:
                name, _, value = option.partition("=")
                if name == "sudoers_file" and value.startswith("/"):
                    self.main = value
                elif name == "sudoers_uid" and value.isdecimal():
                    self.owner = (int(value), self.owner[1])
                elif name == "sudoers_gid" and value.isdecimal():
                    self.owner = (self.owner[0], int(value))
                elif name == "error_recovery":
                    self.recovers = value != "false"
                elif name == "ldap_conf":
                    self.elsewhere.append("ldap")

    def _sources(self) -> None:
        try:
            sources = nsswitch(self.host, "sudoers")
            configured = {
                "sss": ("/etc/sssd/sssd.conf", "/etc/sssd/conf.d"),
                "ldap": ("/etc/sudo-ldap.conf", "/etc/ldap.conf", "/etc/nslcd.conf", "/etc/ldap/ldap.conf", "/etc/openldap/ldap.conf"),
            }
            for source in sources:
                if source in configured and any(self.files.exists(path) for path in configured[source]):
                    self.elsewhere.append(source)
            if sources and "files" not in sources:
                self.elsewhere.append("local sudoers ignored")
        except Unseen as unseen:
            self.gaps.append(unseen.gap)

    def _insecure(self, found: Stat | None, kind: str) -> str:
        """sudo_check_secure(): why a file or folder is not used; empty if it is."""
        if found is None:
            return "does not exist"
        if found.kind != kind:
            return "is not a regular file" if kind == "f" else "is not a directory"
        if found.uid != self.owner[0]:
            return f"is owned by uid {found.uid}, should be {self.owner[0]}"
        if found.world_writable:
            return "is world writable"
        if found.group_writable and found.gid != self.owner[1]:
            return f"is owned by gid {found.gid}, should be {self.owner[1]}"
        return ""

    def _open(self, name: str, directory: bool, asking: str) -> Opened:
        if len(name) > 1 and name.startswith('"') and name.endswith('"'):
            name = name[1:-1]
        if "%h" in name:
            host = self.host.evidence.identity.get("hostname", "").partition(".")[0].replace("/", "_")
            if not self.host.live:
                try:
                    host = (self.files.read("/etc/hostname") or host).strip().partition(".")[0].replace("/", "_")
                except Unseen as unseen:
                    self.gaps.append(unseen.gap)
            name = name.replace("%h", host)
        path = posixpath.join(posixpath.dirname(asking), name)
        try:
            found = self.files.follow(path)
            if self._insecure(found, "d" if directory else "f"):
                return [], not directory
            self.read.setdefault(path)
            if not directory:
                text = self.files.read(path)
                return ([(path, text)], False) if text is not None else ([], True)
            names = self.files.listdir(path) or ()
        except Unseen as unseen:
            self.gaps.append(unseen.gap)
            return [], False
        files: list[tuple[str, str]] = []
        for entry in names:
            if entry.endswith("~") or "." in entry:
                continue
            here = posixpath.join(path, entry)
            try:
                text = None if self._insecure(self.files.follow(here), "f") else self.files.read(here)
            except Unseen as unseen:
                self.gaps.append(unseen.gap)
                continue
            if text is not None:
                self.read.setdefault(here)
                files.append((here, text))
        return files, False


def load(host: Host) -> Loaded:
    """Everything sudo would read on this host. Never raises Unseen: what was not seen is in `gaps`."""
    return _Loader(host).load()
