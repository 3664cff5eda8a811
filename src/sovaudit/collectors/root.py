"""`root:DIR`: a mounted root file system, read as data.

Never: a link of that system that leads out of DIR (each folder is opened from its parent without following links), a program of it that is run,
a FIFO or device that is opened.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import struct
import time
from datetime import UTC, datetime

from sovaudit.collectors import consoles, host_log, items, lastlog, log_starts, serials
from sovaudit.collectors.digests import pinned_digests
from sovaudit.collectors.gather import Gatherer, Row, tree_artifact
from sovaudit.collectors.options import CollectOptions
from sovaudit.collectors.packages import PACKAGE_FILES, package_lines
from sovaudit.collectors.scan import Scan
from sovaudit.errors import CollectError
from sovaudit.model.evidence import Evidence, Gap, Target
from sovaudit.model.verdict import Reason, TargetStatus

COLLECTOR = "sovaudit-root/1"
MACHINE_ID_SALT = b"sovaudit machine id 1\n"
_KINDS = {
    stat.S_IFREG: "f",
    stat.S_IFDIR: "d",
    stat.S_IFLNK: "l",
    stat.S_IFIFO: "p",
    stat.S_IFSOCK: "s",
    stat.S_IFCHR: "c",
    stat.S_IFBLK: "b",
}
_ACL_ENTRY = struct.Struct("<HHI")  # tag, rights, id; four bytes of version stand before them
_ACL_KINDS = {0x02: "user", 0x04: "group", 0x08: "group"}
_RIGHTS = ("---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class MountedRoot:
    """A `FileSystem` over a folder. `close()` when done."""

    def __init__(self, folder: str) -> None:
        self._root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._here: tuple[str, int] = ("", -1)

    def close(self) -> None:
        if self._here[1] >= 0:
            os.close(self._here[1])
        os.close(self._root)

    def _folder(self, path: str) -> int:
        """An open descriptor of a canonical folder; it stays ours."""
        if path in ("", "/"):
            return self._root
        if self._here[0] == path:
            return self._here[1]
        current = os.dup(self._root)
        try:
            for part in path.strip("/").split("/"):
                below = os.open(part, _FOLDER, dir_fd=current)
                os.close(current)
                current = below
        except OSError:
            os.close(current)
            raise
        if self._here[1] >= 0:
            os.close(self._here[1])
        self._here = (path, current)
        return current

    def lstat(self, path: str) -> Row | None:
        folder, _, name = path.rpartition("/")
        try:
            parent = self._folder(folder)
            found = os.stat(name, dir_fd=parent, follow_symlinks=False) if name else os.fstat(self._root)
            link = os.readlink(name, dir_fd=parent) if stat.S_ISLNK(found.st_mode) else ""
        except (FileNotFoundError, NotADirectoryError):
            return None
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "c")
        return Row(kind, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_size, found.st_mtime_ns // 10**9, link)

    def names(self, path: str) -> list[str]:
        folder = self._folder(path)
        if not os.access(".", os.R_OK | os.X_OK, dir_fd=folder):
            raise PermissionError(path)
        return os.listdir(folder)

    def acl(self, path: str) -> bytes:
        """The raw access control list of a canonical path, empty if it has none."""
        folder, _, name = path.rpartition("/")
        try:
            return os.getxattr(f"/proc/self/fd/{self._folder(folder)}/{name}", "system.posix_acl_access", follow_symlinks=False)
        except OSError as error:
            if error.errno in (errno.ENODATA, errno.ENOTSUP):
                return b""
            raise

    def entries(self, path: str) -> list[tuple[str, os.stat_result, str]]:
        """Name, metadata and link target of everything in a folder."""
        folder = self._folder(path)
        if not os.access(".", os.R_OK | os.X_OK, dir_fd=folder):
            raise PermissionError(path)
        found = []
        with os.scandir(folder) as listed:
            for entry in listed:
                stat_ = entry.stat(follow_symlinks=False)
                found.append((entry.name, stat_, os.readlink(entry.name, dir_fd=folder) if entry.is_symlink() else ""))
        return found

    def attribute(self, path: str, name: str) -> bytes:
        """An extended attribute of a file that is no link. Raises OSError where it has none."""
        folder, _, last = path.rpartition("/")
        return os.getxattr(f"/proc/self/fd/{self._folder(folder)}/{last}", name, follow_symlinks=False)

    def read_if(self, path: str, limit: int) -> bytes | None:
        """The beginning of a regular file, None where there is none."""
        try:
            row = self.lstat(path)
            return self.read(path, limit) if row is not None and row.kind == "f" else None
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, path: str, limit: int) -> bytes:
        folder, _, name = path.rpartition("/")
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=self._folder(folder))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise PermissionError(path)
            return file.read(limit)

    def read_at(self, path: str, offset: int, size: int) -> bytes:
        """A piece of a regular file; short at its end. Raises OSError."""
        folder, _, name = path.rpartition("/")
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=self._folder(folder))
        try:
            return os.pread(handle, size, offset)
        finally:
            os.close(handle)


def collect_root(target: Target, folder: str, options: CollectOptions) -> Evidence:
    """Evidence of a mounted root. taken_at is the auditor's clock: a root that does not run has none. Raises CollectError."""
    began = time.monotonic()
    try:
        system = MountedRoot(folder)
    except OSError as error:
        raise CollectError(
            f"cannot be opened ({error.strerror})",
            status="failed",
            where=target.uri,
            hint="Give a readable folder that holds a root file system",
        ) from error
    try:
        return _collect(target, system, options, began)
    finally:
        system.close()


def _collect(target: Target, system: MountedRoot, options: CollectOptions, began: float) -> Evidence:
    hostname = _small(system, "/etc/hostname").decode("ascii", "replace").strip()
    gatherer = Gatherer(system, hostname, options.max_bytes)
    walk = Scan(system)
    walk.run()
    gatherer.tree |= walk.rows
    gatherer.run([*items.ITEMS, *walk.wanted])
    artifacts = dict(gatherer.files)
    artifacts["setuid"] = walk.programs
    gatherer.gaps |= walk.gaps
    artifacts["tree"] = tree_artifact(gatherer.tree)
    gaps = dict(gatherer.gaps)
    packages, gap = _packages(system)
    if packages is not None:
        artifacts["packages"] = packages
    if gap is not None:
        gaps["packages"] = gap
    starts, missed = log_starts.collect(system, gatherer.tree)
    artifacts["log-starts"] = starts
    gaps.update({each.item: each for each in missed})
    lists = _acls(system, gatherer.tree)
    if isinstance(lists, Gap):
        gaps["acls"] = lists
    else:
        artifacts["acls"] = lists
    if pinned := pinned_digests(system, gatherer.follower.digests):
        artifacts["digests"] = pinned
    logins, gap = _last_logins(system, gatherer.files.get("file:/etc/passwd", b""))
    if logins is not None:
        artifacts[lastlog.NAME] = logins
    if gap is not None:
        gaps[gap.item] = gap
    logins, gap = _console_logins(system)
    if logins is not None:
        artifacts[consoles.NAME] = logins
    if gap is not None:
        gaps[gap.item] = gap
    artifacts["audit-serials"], missed = _serials(system, gatherer.tree)
    gaps.update({each.item: each for each in missed})
    if options.log_records:
        noted = host_log.collect(system, gatherer.tree, artifacts["tree"])
        if isinstance(noted, Gap):
            gaps[noted.item] = noted
        else:
            artifacts[host_log.NAME] = noted
    for command in items.COMMANDS:
        gaps[f"cmd:{command.name}"] = Gap(f"cmd:{command.name}", Reason.UNSUPPORTED, "a mounted root runs no programs")
    if not any(name in artifacts for name in ("file:/etc/passwd", "file:/etc/os-release", "file:/usr/lib/os-release")):
        raise CollectError(
            "holds no root file system (no /etc/passwd, no os-release)",
            status="failed",
            where=target.uri,
            hint="Mount the image and name its top folder",
        )
    cut = any(each.reason in (Reason.TRUNCATED, Reason.TIMEOUT) for each in gaps.values())
    identity = identity_of(artifacts, hostname=hostname, kernel="", machine_id=_small(system, "/etc/machine-id"))
    identity["privilege"] = "root" if os.geteuid() == 0 else "user"
    return Evidence(
        target,
        TargetStatus.PARTIAL if cut else TargetStatus.COLLECTED,
        datetime.now(UTC).replace(microsecond=0),
        artifacts,
        tuple(gaps[name] for name in sorted(gaps)),
        identity,
        COLLECTOR,
        None,
        cost={"wall_ms": int((time.monotonic() - began) * 1000), "bytes": sum(map(len, artifacts.values()))},
    )


def identity_of(artifacts: dict[str, bytes], *, hostname: str, kernel: str, machine_id: bytes) -> dict[str, str]:
    """Who the host is. The machine id is given as a digest only: machine-id(5) asks that the raw one stay on the host."""
    text = (artifacts.get("file:/etc/os-release") or artifacts.get("file:/usr/lib/os-release") or b"").decode("utf-8", "replace")
    release = {key: value.strip().strip("\"'") for key, mark, value in (line.partition("=") for line in text.splitlines()) if mark}
    found = {
        "hostname": hostname,
        "os": release.get("PRETTY_NAME", ""),
        "os_id": release.get("ID", ""),
        "os_version": release.get("VERSION_ID", ""),
        "kernel": kernel,
    }
    raw = machine_id.strip()
    if raw and raw != b"uninitialized":
        found["machine_id"] = hashlib.sha256(MACHINE_ID_SALT + raw + b"\n").hexdigest()
    return {key: value[:200] for key, value in found.items() if value}


def _small(system: MountedRoot, path: str) -> bytes:
    try:
        row = system.lstat(path)
        return system.read(path, 4096) if row is not None and row.kind == "f" else b""
    except OSError:
        return b""


def _packages(system: MountedRoot) -> tuple[bytes | None, Gap | None]:
    for path, kind in PACKAGE_FILES:
        try:
            row = system.lstat(path)
            if row is None:
                continue
            if kind == "rpm":
                return None, Gap("packages", Reason.UNSUPPORTED, "the rpm database of a mounted root is not read")
            if row.kind != "f":
                continue
            data = system.read(path, 64 * 1024 * 1024)
        except OSError:
            return None, Gap("packages", Reason.DENIED, path)
        return package_lines(kind, data), None
    return None, Gap("packages", Reason.UNSUPPORTED, "no package database that we know")


def _long_time(system: MountedRoot) -> bool:
    def there(path: str) -> bool:
        try:
            return system.lstat(path) is not None
        except OSError:
            return False

    return any(there(f"{folder}/{name}") for folder in ("/lib", "/usr/lib") for name in items.LONG_TIME)


def _last_logins(system: MountedRoot, passwd: bytes) -> tuple[bytes | None, Gap | None]:
    try:
        row = system.lstat(items.LASTLOG)
    except OSError:
        return None, Gap(lastlog.NAME, Reason.DENIED)
    return lastlog.last_logins(row, passwd, _long_time(system), lambda offset, size: system.read_at(items.LASTLOG, offset, size))


def _console_logins(system: MountedRoot) -> tuple[bytes | None, Gap | None]:
    try:
        row = system.lstat(items.WTMP)
    except OSError:
        return None, Gap(consoles.NAME, Reason.DENIED)
    return consoles.console_logins(row, _long_time(system), lambda offset, size: system.read_at(items.WTMP, offset, size))


def _acls(system: MountedRoot, tree: set[str]) -> bytes | Gap:
    """The access control lists (acl(5)) of files and folders that a group may write: elsewhere a list lets nobody else write.

    And of folders that a group may read or enter, such as homes, unless those are too many.
    """
    paths = [row.split("\t")[6] for row in tree if re.match(r"[fd]\t[0-7]*[2367][0-7]\t", row)]
    if len(paths) > items.MAX_ACLS:
        return Gap("acls", Reason.TRUNCATED, f"more than {items.MAX_ACLS} paths that a group may write")
    homes = [row.split("\t")[6] for row in tree if re.match(r"d\t[0-7]*[145][0-7]\t[1-9][0-9][0-9]", row)]
    paths = sorted(paths + homes if len(paths) + len(homes) <= items.MAX_ACLS else paths)
    rows: list[bytes] = []
    for path in paths:
        try:
            raw = system.acl(path)
        except OSError:
            return Gap("acls", Reason.DENIED, path)
        entries = [_ACL_ENTRY.unpack_from(raw, at) for at in range(4, len(raw) - 7, 8)]
        named = [
            (_ACL_KINDS[tag], "" if tag == 0x04 else number, _RIGHTS[rights & 7]) for tag, rights, number in entries if tag in _ACL_KINDS
        ]
        text = ",".join(f"{kind}:{number}:{rights}" for kind, number, rights in named)
        if text:
            rows.append(path.encode("utf-8", "surrogateescape") + b"\t" + text.encode() + b"\n")
    return b"".join(rows)


def _serials(system: MountedRoot, tree: set[str]) -> tuple[bytes, list[Gap]]:
    """The runs of serial numbers in the newest audit logs."""
    logs: dict[str, int] = {}
    for row in tree:
        cells = row.split("\t")
        if cells[0] == "f" and serials.age(cells[6]) is not None:
            logs[cells[6]] = int(cells[4])
    newest = sorted(logs, key=lambda path: serials.age(path) or 0)
    gaps = [
        Gap(f"audit-serials:{path}", Reason.TRUNCATED, f"older than the last {serials.MAX_FILES} logs")
        for path in newest[serials.MAX_FILES :]
    ]
    found: list[tuple[bytes, bytes, bool]] = []
    for path in reversed(newest[: serials.MAX_FILES]):
        try:
            cut = logs[path] > serials.TAIL
            data = system.read_at(path, logs[path] - serials.TAIL, serials.TAIL) if cut else system.read(path, serials.TAIL)
            found.append((path.encode(), data, cut))
        except OSError:
            gaps.append(Gap(f"audit-serials:{path}", Reason.DENIED))
    return b"".join(row + b"\n" for row in serials.rows(found)), gaps
