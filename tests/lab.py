"""Real Debian roots for tests: one debootstrap base, one overlay per case, real programs inside.

Needs root, overlayfs and debootstrap. The base is built once into $SOVAUDIT_LAB (default: ~/.cache/sovaudit-lab) and never changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.collectors.local import collect_local
from sovaudit.model.evidence import Evidence, Target

SUITE = "bookworm"
ALL = CollectOptions(log_records=True)  # everything that a host can be asked for
PACKAGES = (
    "at,auditd,busybox,ca-certificates,chrony,cracklib-runtime,cron,iproute2,libcap2-bin,libpam-google-authenticator,libpam-modules,libpam-oath,"
    "libpam-pwquality,login,logrotate,oathtool,openssh-server,pamtester,passwd,procps,rsyslog,rsyslog-gnutls,sudo,systemd,systemd-sysv"
)
# Other Debians, as small as their tests allow. Their base is made in two steps: bookworm's debootstrap does not know trixie's pre-dependencies.
SMALL = (
    "cracklib-runtime libpam-google-authenticator libpam-pwquality login logrotate openssh-server openssl pamtester passwd procps rsyslog"
)
SMALL += " sudo systemd"
OTHER_SUITES = ("bullseye", "trixie")
STAMP = hashlib.sha256(f"{SUITE} {PACKAGES} 2".encode()).hexdigest()[:12]


def why_not() -> str:
    """Why the lab cannot run here; empty if it can."""
    if os.geteuid() != 0:
        return "needs root (chroot, overlay mounts)"
    if shutil.which("debootstrap") is None:
        return "needs debootstrap"
    return ""


_suite = [SUITE]


def suite() -> str:
    """The Debian on which overlays are made just now."""
    return _suite[-1]


@contextmanager
def on(name: str) -> Iterator[None]:
    """Make the overlays inside this block on another Debian."""
    _suite.append(name)
    try:
        yield
    finally:
        _suite.pop()


def base_root() -> Path:
    """The read-only base, built on first use. Safe to call from several processes."""
    home = Path(os.environ.get("SOVAUDIT_LAB") or Path.home() / ".cache/sovaudit-lab")
    home.mkdir(parents=True, exist_ok=True)
    stamp = STAMP if suite() == SUITE else hashlib.sha256(f"{SMALL} 1".encode()).hexdigest()[:12]
    base = home / f"{suite()}-{stamp}"
    with (home / f"lock-{suite()}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / "etc/lab-ready").exists():
            shutil.rmtree(base, ignore_errors=True)
            _build(base)
            run(base, ["update-cracklib"])  # its trigger may run before its words are there; pam_pwquality then refuses everything
            run(base, ["ssh-keygen", "-A"])
            (base / "etc/lab-ready").write_text(stamp)
    return base


def _build(base: Path) -> None:
    if suite() == SUITE:
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(base)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return
    subprocess.run(["debootstrap", "--variant=minbase", suite(), str(base)], check=True, stdout=subprocess.DEVNULL)
    policy = base / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # start nothing while packages are set up
    policy.chmod(0o755)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    done = run(base, ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *SMALL.split()], timeout=300, env=quiet)
    if done.returncode != 0:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    run(base, ["apt-get", "clean"])
    policy.unlink()


def run(
    root: Path, command: Sequence[str], *, stdin: str = "", user: str = "", timeout: float = 30, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program inside a root, in its own pid namespace with a /proc, and give its output as text."""
    inner = ["chroot", *([f"--userspec={user}"] if user else []), str(root), *command]
    mounts = f'mount -t proc proc "{root}/proc" && exec "$@"'
    return subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", mounts, "sh", *inner],
        input=stdin,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=timeout,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", **(env or {})},
    )


@contextmanager
def overlay(files: Mapping[str, str] | None = None, *, modes: Mapping[str, int] | None = None) -> Iterator[Path]:
    """A writable root over the base, with these files in it. Gone afterwards."""
    base = base_root()
    work = Path(tempfile.mkdtemp(prefix="sovaudit-lab-"))
    scratch = work / "scratch"
    root = work / "root"
    scratch.mkdir()
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(scratch)], check=True)
    try:
        (scratch / "up").mkdir()
        (scratch / "work").mkdir()
        layers = f"lowerdir={base},upperdir={scratch}/up,workdir={scratch}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(root)], check=True)
        write(root, files or {}, modes or {})
        yield root
    finally:
        subprocess.run(["umount", "-R", "-l", str(root)], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["umount", "-l", str(scratch)], check=False)
        shutil.rmtree(work, ignore_errors=True)


def write(root: Path, files: Mapping[str, str], modes: Mapping[str, int] | None = None) -> None:
    """Put files into a root; folders are made. sudoers files get mode 0440 unless `modes` says otherwise."""
    for path, text in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        default = 0o440 if "sudoers" in path else 0o640 if path.endswith("shadow") else 0o644
        place.chmod((modes or {}).get(path, default))


def local(root: Path, *before: str, options: CollectOptions = ALL) -> Evidence:
    """What the collector's script sees when it runs inside that root, as `local:` and `ssh:` run it. before: arguments of chroot(8)."""
    script = f'mount -t proc proc "{root}/proc"; hostname lab; exec "$@"'
    prefix = ("unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "sh", "-c", script, "sh", "chroot", *before, str(root))
    return collect_local(Target("local:", "local:", "local"), options, prefix=prefix)


def mounted(root: Path) -> Evidence:
    """What `root:` sees of it."""
    return collect(parse_target(f"root:{root}"), ALL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def sshd(root: Path, *, config: str = "/etc/ssh/sshd_config", arguments: Sequence[str] = ()) -> Iterator[int]:
    """A real sshd of that root on a loopback port, which it yields. Raises RuntimeError with sshd's words if it does not start."""
    port = free_port()
    (root / "run/sshd").mkdir(parents=True, exist_ok=True)
    command = ["chroot", str(root), "/usr/sbin/sshd", "-D", "-e", "-f", config]
    command += ["-o", f"ListenAddress=127.0.0.1:{port}", "-o", "PidFile=none", *arguments]
    command += ["-o", "MaxStartups=1000"]  # of ten that have not logged in yet, sshd would drop some without a word
    if suite() == "trixie":  # whose sshd turns away, for a while, whoever failed a few times
        command += ["-o", "PerSourcePenalties=no"]
    script = f'mount -t proc proc "{root}/proc"; mount --rbind /dev "{root}/dev"; exec "$@"'
    log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed below
    server = subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", *command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    try:
        for _ in range(200):
            if server.poll() is not None:
                log.seek(0)
                raise RuntimeError(log.read())
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield port
    finally:
        server.kill()
        server.wait()
        log.close()
