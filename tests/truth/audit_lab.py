"""The running kernel's audit system as an oracle: real auditctl loads a root's rules, real system calls are made in it, a real auditd writes records.

The audit system is the machine's own, one for all: a lock keeps tests apart, and what cannot be taken back (locked or panicking settings) is refused.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sovaudit.collectors import CollectOptions
from sovaudit.collectors.local import collect_local
from sovaudit.facts.parse.audit_tables import SYSCALLS
from sovaudit.model.evidence import Evidence, Target
from tests import lab

AUDITD_CONF = (
    "local_events = yes\nwrite_logs = yes\nlog_file = /var/log/audit/audit.log\nlog_group = root\nlog_format = RAW\nflush = NONE\nfreq = 0\n"
    "max_log_file = 50\nnum_logs = 0\nmax_log_file_action = IGNORE\nspace_left = 3\nspace_left_action = IGNORE\nadmin_space_left = 2\n"
    "admin_space_left_action = IGNORE\ndisk_full_action = IGNORE\ndisk_error_action = IGNORE\nuse_libwrap = no\n"
)
FOREVER = re.compile(r"-e\s*2|-f\s*2|loginuid-immutable")
_INT80 = bytes.fromhex("53 89f8 89f3 4189ca 89d1 4489d2 4489c6 4489cf cd80 4863c0 5b c3")
_libc = ctypes.CDLL(None, use_errno=True)


def control(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """auditctl of that root, on the machine's own audit system."""
    return subprocess.run(
        ["chroot", str(root), "auditctl", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        env={"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C"},
    )


def _skip_where_it_cannot_be_had() -> None:
    """Holding the lock: no kernel with auditing, or somebody else's daemon. What a test that was killed left behind is put back."""
    base = lab.base_root()
    found = _status(base)
    note = base.parent / "audit-daemon"
    if found.get("pid") not in ("0", None) and note.exists() and note.read_text() == found["pid"]:
        os.kill(int(found["pid"]), signal.SIGKILL)  # this harness wrote that number down when it started it
        time.sleep(0.2)
        found = _status(base)
    if found.get("pid") != "0" or found.get("enabled") not in ("0", "1"):
        pytest.skip(f"audit is in use or cannot be reached here: {found}")
    control(base, "-D")
    control(base, "-e", "0")


def _status(root: Path) -> dict[str, str]:
    return dict(row.split(" ", 1) for row in control(root, "-s").stdout.splitlines() if " " in row)


@contextmanager
def system() -> Iterator[Path]:
    """A root with a running auditd, alone on the machine's audit system. Everything is put back afterwards."""
    with alone() as root, daemon(root):
        yield root


@contextmanager
def alone() -> Iterator[Path]:
    """A root, alone on the machine's audit system, without a daemon."""
    if why := lab.why_not():
        pytest.skip(why)
    lock = (lab.base_root().parent / "audit-lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        _skip_where_it_cannot_be_had()
        with lab.overlay({"/etc/audit/auditd.conf": AUDITD_CONF}) as root:
            _plain(root / "etc")
            (root / "var/log/audit").mkdir(exist_ok=True)
            try:
                yield root
            finally:
                control(root, "-D")
                control(root, "-e", "0", "-f", "1", "-r", "0", "-b", "64", "--backlog_wait_time", "15000")
    finally:
        lock.close()


@contextmanager
def daemon(root: Path) -> Iterator[None]:
    """That root's auditd. Raises RuntimeError where it does not start."""
    process = start(root)
    try:
        yield
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def start(root: Path) -> subprocess.Popen[bytes]:
    """auditd, once the kernel knows it. Raises RuntimeError where it gives up first."""
    command = ["setpriv", "--pdeathsig", "KILL", "chroot", str(root), "/sbin/auditd", "-n", "-s", "enable"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (lab.base_root().parent / "audit-daemon").write_text(str(process.pid))
    for _ in range(1000):
        if process.poll() is not None:
            raise RuntimeError(f"auditd gives up with {process.returncode}")
        if f"pid {process.pid}\n" in control(root, "-s").stdout:
            return process
        time.sleep(0.005)
    process.kill()
    process.wait(10)
    raise RuntimeError("the kernel does not know auditd")


def running(root: Path) -> Evidence:
    """What the collector's script sees in that root, with the machine's own kernel and processes, as on a running host."""
    script = 'mount -t proc proc "$0/proc"; exec chroot "$0" "$@"'
    return collect_local(
        Target("local:", "local:", "local"), CollectOptions(), prefix=("unshare", "--mount", "sh", "-c", script, str(root))
    )


def changed(evidence: Evidence, files: Mapping[str, str | None], modes: Mapping[str, tuple[int, int]] | None = None) -> Evidence:
    """The same image with these files; None removes one. modes: path → mode, owner."""
    artifacts = {name: data for name, data in evidence.artifacts.items() if name.removeprefix("file:") not in files}
    rows = [
        row
        for row in artifacts["tree"].decode("utf-8", "surrogateescape").split("\n")
        if row.partition("\t/")[2] not in {p[1:] for p in files}
    ]
    for path, text in files.items():
        if text is not None:
            mode, owner = (modes or {}).get(path, (0o640, 0))
            artifacts[f"file:{path}"] = text.encode()
            rows.append(f"f\t{mode:o}\t{owner}\t0\t{len(text.encode())}\t1700000000\t{path}")
    artifacts["tree"] = "\n".join(rows).encode("utf-8", "surrogateescape")
    return replace(evidence, artifacts=artifacts)


def _plain(folder: Path) -> None:
    """A plain file system in place of the overlay, whose numbers of inodes change under the kernel's watches."""
    copy = folder.parent / ".copy"
    shutil.copytree(folder, copy, symlinks=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(folder)], check=True)
    for entry in copy.iterdir():
        shutil.move(entry, folder / entry.name)


def load(root: Path, rules: str | None = None) -> subprocess.CompletedProcess[str]:
    """Empty the kernel's lists, then load audit.rules (written first if `rules` is given) as the daemon's unit does."""
    control(root, "-D")
    control(root, "-e", "1", "-r", "0", "-b", "8192", "-f", "1")
    path = root / "etc/audit/audit.rules"
    if rules is not None:
        path.write_text(rules)
        path.chmod(0o640)
    assert not FOREVER.search(path.read_text()), "this cannot be taken back on the machine that runs the tests"
    return control(root, "-R", "/etc/audit/audit.rules")


def listed(root: Path) -> list[str]:
    text = subprocess.run(["chroot", str(root), "auditctl", "-l"], capture_output=True, timeout=30).stdout.decode()
    return [] if text.strip() == "No rules" else text.rstrip("\n").split("\n")


Doing = tuple[str, str, Callable[[], int]]  # arch, name, the call


def recorded(root: Path, doings: Sequence[Doing], *, auid: int, uid: int = 0, euid: int = 0) -> dict[tuple[str, str], bool]:
    """Do things inside the root as somebody: (arch, name) → whether the call left a record. Calls that must succeed raise if they do not."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # whatever hangs here ends
        with suppress(BaseException):
            if auid < 2**32 - 1:
                Path("/proc/self/loginuid").write_text(str(auid))
            os.chroot(root)
            os.chdir("/")
            os.setresuid(uid, euid, euid)
            grandchild = os.fork()  # the task list is asked when a process is made
            if grandchild == 0:
                signal.alarm(25)
                with suppress(BaseException):
                    for arch, name, do in doings:
                        os.write(writer, f"{arch} {name} {do()}\n".encode())
                os._exit(0)
            os.waitpid(grandchild, 0)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as results:
        rows = [row.split() for row in results]
    os.waitpid(child, 0)
    assert len(rows) == len(doings), (rows, "somebody stopped half-way")
    seen = _records(root, child)
    return {(arch, name): (arch, name) in seen for arch, name, _ in rows}


def _records(root: Path, parent: int) -> set[tuple[str, str]]:
    """What auditd wrote of that process's children. A mark behind it says that all is written."""
    mark = f"mark-{time.monotonic_ns()}"
    control(root, "-D")  # no rule may hide the mark
    control(root, "-e", "1", "-r", "0")
    control(root, "-m", mark)
    log = root / "var/log/audit/audit.log"
    text = ""
    for _ in range(1000):
        text = log.read_text(errors="replace")
        if mark in text:
            break
        time.sleep(0.003)
    else:
        raise RuntimeError("auditd writes nothing")
    os.truncate(log, 0)
    names = {arch: {number: name for name, number in table.items()} for arch, table in SYSCALLS.items()}
    found = set()
    for match in re.finditer(r"type=SYSCALL [^\n]*arch=([0-9a-f]+) syscall=([0-9]+) (?:success=\w+ )?[^\n]* ppid=([0-9]+) ", text):
        if int(match[3]) == parent:
            arch = {"c000003e": "b64", "40000003": "b32"}[match[1]]
            found.add((arch, names[arch][int(match[2])]))
    return found


# System calls by number, of both arches


def call64(name: str, *arguments: int | bytes) -> int:
    return int(_libc.syscall(SYSCALLS["b64"][name], *arguments))


_low = mmap.mmap(-1, 8192, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
_low.write(_INT80)
_base = ctypes.addressof(ctypes.c_char.from_buffer(_low))
_int80 = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int)(_base)


def call32(name: str, *arguments: int | bytes) -> int:
    """The same through the 32-bit entry; texts are put below 4 GB first."""
    at = _base + 256
    numbers = []
    for argument in arguments:
        if isinstance(argument, bytes):
            ctypes.memmove(at, argument + b"\0", len(argument) + 1)
            numbers.append(at)
            at += len(argument) + 64
        else:
            numbers.append(argument)
    return int(_int80(SYSCALLS["b32"][name], *(*numbers, 0, 0, 0, 0, 0)[:5]))


def call(arch: str, name: str, *arguments: int | bytes) -> int:
    return call64(name, *arguments) if arch == "b64" else call32(name, *arguments)


AT = -100
_HOW = (1).to_bytes(8, "little") + bytes(16)  # struct open_how: for writing


def changes(path: str) -> list[Doing]:
    """Every way to change a file, through both entries of the kernel."""
    name, new = path.encode(), path.encode() + b".new"
    found: list[Doing] = []

    def ok(value: int) -> int:
        if value < 0:
            raise OSError(value, f"{path}: {os.strerror(ctypes.get_errno())}")
        return value

    def moved(arch: str, what: str) -> Callable[[], int]:
        def do() -> int:
            os.close(os.open(new, os.O_CREAT | os.O_WRONLY))
            return ok(call(arch, what, *((new, name) if what == "rename" else (AT, new, AT, name, 0))))

        return do

    def removed(arch: str, what: str) -> Callable[[], int]:
        def do() -> int:
            done = ok(call(arch, what, *((name,) if what == "unlink" else (AT, name, 0))))
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
            return done

        return do

    def held(arch: str, what: str, *rest: int) -> Callable[[], int]:
        def do() -> int:
            handle = os.open(name, os.O_RDONLY)
            return ok(call(arch, what, handle, *rest))

        return do

    for arch in ("b64", "b32"):

        def plain(what: str, *arguments: int | bytes, arch: str = arch) -> Doing:
            return arch, what, lambda: ok(call(arch, what, *arguments))

        found += [plain("open", name, 1), plain("openat", AT, name, 1), plain("openat2", AT, name, _HOW, 24)]
        found += [plain("creat", name, 0o644), plain("truncate", name, 0)]
        found += [(arch, what, moved(arch, what)) for what in ("rename", "renameat", "renameat2")]
        found += [(arch, what, removed(arch, what)) for what in ("unlink", "unlinkat")]
        found += [plain("chmod", name, 0o600), (arch, "fchmod", held(arch, "fchmod", 0o600)), plain("fchmodat", AT, name, 0o600)]
        found += [plain("chown", name, 0, 0), (arch, "fchown", held(arch, "fchown", 0, 0))]
        found += [plain("lchown", name, 0, 0), plain("fchownat", AT, name, 0, 0, 0)]
    return found


def makes(path: str) -> list[Doing]:
    """Every way to make a file."""
    name, new = path.encode(), path.encode() + b".new"
    how = (os.O_CREAT | os.O_WRONLY).to_bytes(8, "little") + (0o600).to_bytes(8, "little") + bytes(8)
    found: list[Doing] = []

    def fresh(arch: str, what: str, *arguments: int | bytes) -> Doing:
        def do() -> int:
            with suppress(FileNotFoundError):
                os.unlink(name)
            if what.startswith("rename"):
                os.close(os.open(new, os.O_CREAT | os.O_WRONLY))
            done = call(arch, what, *arguments)
            if done < 0:
                raise OSError(done, path)
            return done

        return arch, what, do

    flags = os.O_CREAT | os.O_WRONLY
    for arch in ("b64", "b32"):
        found += [
            fresh(arch, "open", name, flags, 0o600),
            fresh(arch, "openat", AT, name, flags, 0o600),
            fresh(arch, "openat2", AT, name, how, 24),
        ]
        found += [fresh(arch, "creat", name, 0o600), fresh(arch, "rename", new, name), fresh(arch, "renameat", AT, new, AT, name)]
        found.append(fresh(arch, "renameat2", AT, new, AT, name, 0))
    return found


def attributes(path: str) -> list[Doing]:
    """Owner and mode."""
    found = changes(path)
    return [doing for doing in found if doing[1] in ("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat")]


def runs() -> list[Doing]:
    """Running a program, in a process of its own that vfork makes no different."""

    def do(arch: str) -> Callable[[], int]:
        return lambda: call(arch, "execve", b"/nope", 0, 0)

    return [(arch, "execve", do(arch)) for arch in ("b64", "b32")]


def steps() -> list[Doing]:
    """Calls that set the clock or load modules, so made that they change nothing."""
    timex = bytes(512)
    found: list[Doing] = []
    for arch in ("b64", "b32"):
        for name, arguments in (
            ("adjtimex", (timex,)), ("clock_adjtime", (0, timex)), ("settimeofday", (0, 0)), ("clock_settime", (0, 0)),
            ("stime", (0,)), ("init_module", (0, 0, b"")), ("finit_module", (-1, b"", 0)), ("delete_module", (b"", 0)),
        ):  # fmt: skip
            if name in SYSCALLS[arch]:
                found.append((arch, name, lambda arch=arch, name=name, arguments=arguments: call(arch, name, *arguments)))  # type: ignore[misc]
    return found
