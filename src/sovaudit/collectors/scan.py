"""One walk over a mounted root: programs with rights of their own and whose package they are, and whatever in root's folders is not root's alone.

posix/scan.awk says the same in the same words. Never: a mount of the running machine is told apart here; below DIR everything is the image's.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import stat
import struct
import time
from typing import Protocol

from sovaudit.collectors import items
from sovaudit.collectors.items import Item
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_KINDS = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFIFO: "p", stat.S_IFSOCK: "s", stat.S_IFCHR: "c", stat.S_IFBLK: "b"}
_MERGED = re.compile(r"/usr/(bin|sbin|lib|lib32|lib64|libx32)/")
CAPABILITIES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw "
    "ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod "
    "lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
).split()
_NEARLY_ALL = (1 << 38) - 1


class Walkable(Protocol):
    """A file system that can be walked; paths are canonical. Raises OSError."""

    def entries(self, path: str) -> list[tuple[str, os.stat_result, str]]: ...
    def attribute(self, path: str, name: str) -> bytes: ...
    def names(self, path: str) -> list[str]: ...
    def read(self, path: str, limit: int) -> bytes: ...
    def read_if(self, path: str, limit: int) -> bytes | None: ...


class Scan:
    """rows: of the tree. wanted: links that lead out of root's folders. programs: the artifact `setuid`."""

    def __init__(self, system: Walkable) -> None:
        self._system = system
        self.rows: set[str] = set()
        self.wanted: list[Item] = []
        self.programs = b""
        self.gaps: dict[str, Gap] = {}
        self._found: dict[str, tuple[int, int, int, int, str]] = {}  # path → mode, uid, gid, size, capabilities
        self._exposed: dict[str, str] = {}  # path → row
        self._links: dict[str, str] = {}
        self._tops: set[str] = set()

    def run(self) -> None:
        """Walks everything. What cannot be seen becomes a gap."""
        pending = ["/"]
        last = time.monotonic() + items.SCAN_SECONDS
        while pending:
            path = pending.pop()
            if time.monotonic() > last:
                self._gap("setuid:/", Reason.TIMEOUT, "the walk did not end")
                self._gap("scan:/", Reason.TIMEOUT, "the walk did not end")
                break
            try:
                entries = self._system.entries(path)
            except OSError:
                self._blind(path, Reason.DENIED, f"{path} could not be read")
                continue
            for name, found, link in entries:
                if _CONTROL.search(name) or _CONTROL.search(link):
                    self._blind(path, Reason.UNSUPPORTED, "a name with control characters")
                    continue
                here = f"/{name}" if path == "/" else f"{path}/{name}"
                if stat.S_ISDIR(found.st_mode):
                    if here in items.UNSCANNED:
                        continue
                    pending.append(here)
                    if here in items.SCANNED:
                        self._tops.add(here)
                self._see(here, found, link)
        self._bound()
        self._follow_links()
        for top in sorted(self._tops):
            if f"scan:{top}" not in self.gaps and "scan:/" not in self.gaps:
                self.rows.add(f"W\t\t\t\t\t\t{top}")
        self._describe()

    def _blind(self, path: str, reason: Reason, detail: str) -> None:
        self._gap("setuid:/", reason, detail)
        top = f"/{path.split('/')[1]}"
        if top in items.SCANNED:
            self._gap(f"scan:{top}", reason, detail)

    def _gap(self, name: str, reason: Reason, detail: str = "") -> None:
        self.gaps.setdefault(name, Gap(name, reason, detail))

    def _see(self, path: str, found: os.stat_result, link: str) -> None:
        kind = stat.S_IFMT(found.st_mode)
        mode = stat.S_IMODE(found.st_mode)
        if kind == stat.S_IFREG:
            caps = _spell(self._attribute(path, "security.capability")) if mode & 0o111 else ""
            if mode & 0o6000 or caps:
                self._found[path] = mode, found.st_uid, found.st_gid, found.st_size, caps
        top = f"/{path.split('/')[1]}"
        if top not in items.SCANNED or path == top:
            return
        if kind == stat.S_IFLNK:
            self._links[path] = target_of(path, link)
        elif found.st_uid != 0 or mode & 0o022:
            self._exposed[path] = (
                f"{_KINDS.get(kind, 'c')}\t{mode:o}\t{found.st_uid}\t{found.st_gid}\t{found.st_size}\t{found.st_mtime_ns // 10**9}\t{path}"
            )

    def _bound(self) -> None:
        """A folder with too much of others' in it is not told at all."""
        for top in items.SCANNED:
            mine = [path for path in self._exposed if path.startswith(top + "/")]
            if len(mine) > items.MAX_EXPOSED:
                self._gap(f"scan:{top}", Reason.TRUNCATED, f"more than {items.MAX_EXPOSED} paths that are not root alone")
                for path in mine:
                    del self._exposed[path]
        self.rows.update(self._exposed.values())

    def _follow_links(self) -> None:
        """Links that lead out of root's folders, or to something there that is not root's alone: they are looked at one by one."""
        suspect = {path for path, target in self._links.items() if leads_out(target)}
        risky = set(self._exposed) | suspect
        for _ in range(8):
            more = {path for path, target in self._links.items() if path not in suspect and _reaches(target, risky)} if risky else set()
            if not more:
                break
            suspect |= more
            risky |= more
        if len(suspect) > items.MAX_LINKS:
            self._gap("scan:/", Reason.TRUNCATED, f"more than {items.MAX_LINKS} links out of the folders of root")
        looked = [*sorted(suspect, key=os.fsencode)[: items.MAX_LINKS], *sorted(self._exposed)]
        self.wanted = [Item(path, False) for path in looked]  # with the folders on the way

    def _attribute(self, path: str, name: str) -> bytes:
        try:
            return self._system.attribute(path, name)
        except OSError:
            return b""

    # programs

    def _describe(self) -> None:
        lines: set[str] = set()
        if len(self._found) > items.MAX_PROGRAMS:
            self._gap("setuid:/", Reason.TRUNCATED, f"more than {items.MAX_PROGRAMS} programs with rights of their own")
        paths = sorted(self._found, key=os.fsencode)[: items.MAX_PROGRAMS]
        left = items.MAX_HASHED_ALL
        for path in paths:
            mode, uid, gid, size, caps = self._found[path]
            first = digest = "-"
            try:
                first = "#!" if self._system.read(path, 2) == b"#!" else "-"
                left -= size if size <= items.MAX_HASHED else 0
                if left < 0:
                    self._gap("setuid:/", Reason.TIMEOUT, "reading the programs took too long")
                elif size <= items.MAX_HASHED:
                    digest = hashlib.md5(self._system.read(path, items.MAX_HASHED), usedforsecurity=False).hexdigest()
            except OSError:
                pass
            lines.add(f"f\t{mode:o}\t{uid}\t{gid}\t{caps or '-'}\t{first}\t{digest}\t{path}")
        try:
            lines |= self._owners(paths)
        except OSError:
            self._gap("setuid:owners", Reason.DENIED, "the package database could not be read")
        self.programs = ("\n".join(sorted(lines, key=os.fsencode)) + "\n").encode("utf-8", "surrogateescape")

    def _owners(self, paths: list[str]) -> set[str]:
        if self._system.read_if("/var/lib/dpkg/status", 1) is not None:
            return {"d\tdpkg", *self._dpkg(paths)}
        for database in ("/lib/apk/db/installed", "/usr/lib/apk/db/installed"):
            data = self._system.read_if(database, 64 * 1024 * 1024)
            if data is not None:
                return {"d\tapk", *_apk(data, set(paths))}
        self._gap("setuid:owners", Reason.UNSUPPORTED, "no package database that we read")
        return {"d\tnone"}

    def _dpkg(self, paths: list[str]) -> set[str]:
        wanted = {name for path in paths for name in spellings(path)}
        lines = (self._system.read_if("/var/lib/dpkg/diversions", 1024 * 1024) or b"").decode("utf-8", "surrogateescape").split("\n")
        for origin, to in zip(lines[0::3], lines[1::3], strict=False):
            if to in wanted:
                wanted |= set(spellings(origin))
        needles = {os.fsencode(name) for name in wanted}
        found: set[str] = set()
        for name in sorted(self._system.names("/var/lib/dpkg/info")):
            if not name.endswith(".list") or name.startswith("."):
                continue
            listed = needles.intersection(self._system.read(f"/var/lib/dpkg/info/{name}", 64 * 1024 * 1024).split(b"\n"))
            if not listed:
                continue
            package = name[:-5]
            sums: dict[bytes, str] = {}
            for row in (self._system.read_if(f"/var/lib/dpkg/info/{package}.md5sums", 64 * 1024 * 1024) or b"").split(b"\n"):
                digest, _, path = row.partition(b"  ")
                if re.fullmatch(rb"[0-9a-f]{32}", digest):
                    sums[b"/" + path] = digest.decode()
            found |= {f"o\t{package}\t{os.fsdecode(path)}\t{sums.get(path, '-')}" for path in listed}
        return found


def spellings(path: str) -> tuple[str, ...]:
    """The names under which a package may list a file: dpkg keeps `/bin/su` where the merged /usr has it as /usr/bin/su."""
    return (path, path[4:]) if _MERGED.match(path) else (path,)


def target_of(path: str, link: str) -> str:
    """Where a link points, as it is spelled."""
    return "/" + posixpath.normpath(posixpath.join(posixpath.dirname(path), link)).lstrip("/")


def leads_out(target: str) -> bool:
    """Whether a link of root's folders leads to a place that this walk says nothing about."""
    top = f"/{target.split('/')[1]}"
    return top not in items.SCANNED and top not in ("/proc", "/sys", "/dev", "/run", "/")


def _reaches(target: str, risky: set[str]) -> bool:
    while target != "/":
        if target in risky or f"/usr{target}" in risky:
            return True
        target = posixpath.dirname(target)
    return False


def _apk(data: bytes, paths: set[str]) -> set[str]:
    found: set[str] = set()
    package = folder = ""
    for raw in data.split(b"\n"):
        row = raw.decode("utf-8", "surrogateescape")
        if row.startswith("P:"):
            package = row[2:].strip()
        elif row.startswith("F:"):
            folder = row[2:]
        elif row.startswith("R:") and f"/{folder}/{row[2:]}" in paths:
            found.add(f"o\t{package}\t/{folder}/{row[2:]}\t-")
    return found


def _spell(data: bytes) -> str:
    """Names of the capabilities in a security.capability attribute (capabilities(7)), permitted or inheritable; empty for none."""
    if len(data) < 12:
        return ""
    words = struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
    pairs = 1 if words[0] >> 24 == 1 else 2
    bits = 0
    for number in range(pairs):
        if len(words) > 2 + 2 * number:
            bits |= (words[1 + 2 * number] | words[2 + 2 * number]) << (32 * number)
    if bits & _NEARLY_ALL == _NEARLY_ALL:
        return "all"
    return ",".join(sorted(f"cap_{name}" for number, name in enumerate(CAPABILITIES) if bits >> number & 1))
