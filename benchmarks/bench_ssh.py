"""One host over SSH: sovaudit's one round trip beside the same facts fetched by separate commands over one paramiko connection.

    python -m benchmarks.bench_ssh [--runs 5] [--peers]

Prints medians and ratios. CPU is this process's own (user + system), imports excluded.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import paramiko

from sovaudit.audit import Audit
from sovaudit.bundle import BundleWriter
from sovaudit.collectors import CollectOptions, collect, items, parse_target
from sovaudit.engine import judge
from sovaudit.model.evidence import Evidence
from tests import lab

FIRST = tuple(
    "two-factor.ssh-login two-factor.ssh-privileged password-policy.min-length password-policy.max-age password-policy.hash "
    "password-policy.no-empty least-privilege.root-ssh least-privilege.uid0 least-privilege.sudo-root least-privilege.sudo-nopasswd "
    "log-completeness.auth-events log-completeness.persistent log-completeness.retention log-completeness.central log-completeness.clock".split()
)
TESTINFRA = """
def test_it(host):
    assert host.run("sshd -T").rc == 0
    assert host.file("/etc/ssh/sshd_config").exists
    assert host.file("/etc/ssh/sshd_config").user == "root"
    assert host.file("/etc/passwd").mode == 0o644
    assert host.file("/etc/shadow").mode == 0o640
    assert host.file("/etc/shadow").group == "shadow"
    assert host.package("sudo").is_installed
    assert host.package("rsyslog").is_installed
    assert host.package("auditd").is_installed
    assert host.package("libpam-pwquality").is_installed
    assert host.file("/etc/pam.d/common-password").contains("pam_unix")
    assert host.user("root").uid == 0
    assert host.user("daemon").shell == "/usr/sbin/nologin"
    assert host.group("sudo").exists
    assert host.file("/etc/login.defs").contains("PASS_MAX_DAYS")
    assert host.file("/var/log").is_directory
    assert host.file("/etc/rsyslog.conf").exists
    assert host.file("/etc/audit/auditd.conf").exists
    assert host.file("/etc/sudoers").mode == 0o440
    assert host.file("/etc/logrotate.conf").exists
"""


@contextmanager
def host(folder: Path, *, python: bool = False) -> Iterator[tuple[int, Path, Path]]:
    """A real Debian host: port, private key, known_hosts. python: with Debian's full python3, which ansible needs there."""
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    with lab.overlay({"/root/.ssh/authorized_keys": key.with_suffix(".pub").read_text()}) as root:
        (root / "root/.ssh").chmod(0o700)
        if python:
            shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
            got = lab.run(root, ["sh", "-c", "apt-get update -qq && apt-get install -y -qq --no-install-recommends python3"], timeout=300)
            assert got.returncode == 0, got.stderr
        public = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
        with lab.sshd(root, arguments=["-o", "PermitRootLogin=yes", "-o", "MaxSessions=100"]) as port:
            known = folder / "known_hosts"
            known.write_text("".join(f"[127.0.0.1]:{p} {public[0]} {public[1]}\n" for p in (port, port + 1)))
            yield port, key, known


@contextmanager
def latency(port: int, milliseconds: int) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.delay", str(port + 1), str(port), str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdout is not None
        assert relay.stdout.readline().strip() == "ready"
        try:
            yield
        finally:
            relay.kill()


def measure(act: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median wall seconds and median CPU seconds."""
    walls, cpus = [], []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        act()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


def commands(evidence: Evidence) -> list[str]:
    """That evidence by commands of the peer's own: one for each file and each program, one alone for every other kind of fact."""
    lines = {f"cmd:{command.name}": command.line for command in items.COMMANDS}
    lines.update({f"cmd:{name}": f"cat {path}" for name, path in items.PROC_FILES.items()})
    lines.update({"cmd:processes": "ps -eo comm=", "cmd:sshd-daemons": "ps -C sshd -o pid=,lstart=,args="})
    paths = [
        cells[6] for row in evidence.artifacts["tree"].decode("utf-8", "surrogateescape").split("\n") if len(cells := row.split("\t")) > 6
    ]
    beyond = sorted({path for path in paths if not path.startswith(("/etc", "/var/log"))})
    rows = [row.split("\t") for row in evidence.artifacts["setuid"].decode("utf-8", "surrogateescape").split("\n")]
    programs = shlex.join([row[7] for row in rows if row[0] == "f"])
    sums = shlex.join(sorted({f"/var/lib/dpkg/info/{row[1]}.md5sums" for row in rows if row[0] == "o"}))
    stat = "-printf '%y %m %U %G %s %Ts %p %l\n'"
    folders = " ".join(name for name in items.SCANNED if name in paths)
    found = ["date +%s", "id", "hostname", "cat /etc/machine-id", f"find /etc -xdev {stat}", f"find /var/log {stat}", "dpkg-query -W"]
    found += ["find / -xdev -type f -perm /6000", "getcap -r / 2>/dev/null", f"md5sum {programs}", f"dpkg -S {programs}", f"cat {sums}"]
    found += [f"find {folders} -xdev \\( -type l -o ! -user 0 -o -perm /022 \\) {stat}"]
    found += [f"find {shlex.join(beyond)} -maxdepth 0 {stat}", "od -An -tu4 /var/log/lastlog", "ls -ldU /etc/shadow"]
    found += [f"cat {shlex.quote(name[5:])}" for name in evidence.artifacts if name.startswith("file:")]
    return found + [lines[name] for name in evidence.artifacts if name in lines]


def separately(port: int, key: Path, known: Path, each: list[str]) -> None:
    """Each command by an exec of its own, all over one connection with TCP_NODELAY."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with paramiko.SSHClient() as client:
        client.load_host_keys(str(known))
        client.connect("127.0.0.1", port, "root", key_filename=str(key), sock=sock, allow_agent=False, look_for_keys=False)
        for command in each:
            _, out, _ = client.exec_command(command)
            out.read()


def one_more(audit: Audit, target: str, options: CollectOptions, writer: BundleWriter, number: int) -> None:
    """What one host more costs an audit: connect, collect, store, judge."""
    evidence = collect(parse_target(target), options)
    evidence = replace(evidence, target=replace(evidence.target, id=f"{target}#{number}"))
    writer.add(evidence)
    list(judge(audit.selected, [evidence]))


def peers(port: int, key: Path, known: Path, folder: Path, runs: int) -> None:
    ssh = f"-o UserKnownHostsFile={known} -o IdentityFile={key}"
    test = folder / "test_it.py"
    test.write_text(TESTINFRA)
    (folder / "ssh_config").write_text(f"Host target\n HostName 127.0.0.1\n Port {port}\n User root\n IdentityFile {key}\n")
    with (folder / "ssh_config").open("a") as config:
        config.write(f" UserKnownHostsFile {known}\n StrictHostKeyChecking yes\n")
    out = folder / "audit.sova"
    base = [
        sys.executable,
        "-m",
        "sovaudit",
        "collect",
        f"ssh://root@127.0.0.1:{port}",
        "--identity",
        str(key),
        "--known-hosts",
        str(known),
    ]
    rows = {"sovaudit collect (whole process)": [*base, "-o", str(out)]}
    if shutil.which("ansible"):
        inventory = f"target ansible_host=127.0.0.1 ansible_port={port} ansible_user=root ansible_ssh_common_args='{ssh}'\n"
        (folder / "hosts").write_text(inventory)
        rows["ansible -m setup"] = ["ansible", "-i", str(folder / "hosts"), "target", "-m", "setup"]
    arguments = ["-q", "-p", "no:cacheprovider", "--hosts=paramiko://target", f"--ssh-config={folder / 'ssh_config'}", str(test)]
    rows["20 pytest-testinfra asserts"] = [sys.executable, "-m", "pytest", *arguments]
    for name, command in rows.items():
        walls = []
        for _ in range(runs):
            out.unlink(missing_ok=True)
            started = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            walls.append(time.perf_counter() - started)
            if done.returncode:
                print(f"  {name}: exit {done.returncode}: {(done.stdout + done.stderr)[-300:]}")
        print(f"  {name:<34} {statistics.median(walls):6.2f} s wall")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, host(Path(name), python=options.peers) as (port, key, known):
        folder = Path(name)
        ways = CollectOptions(key_files=(str(key),), known_hosts=(str(known),))
        here = f"ssh://root@127.0.0.1:{port}"
        evidence = collect(parse_target(here), ways)
        assert evidence.collected, evidence.error
        print(f"evidence: {len(evidence.artifacts)} artifacts, {sum(map(len, evidence.artifacts.values()))} bytes, {dict(evidence.cost)}")
        asked = commands(evidence)
        print(f"the same facts by {len(asked)} separate commands")
        for label, shift, milliseconds in (("next to the host", 0, 0), ("at 50 ms", 1, 50)):
            target = f"ssh://root@127.0.0.1:{port + shift}"
            runs = options.runs if not milliseconds else max(2, options.runs // 2)
            with latency(port, milliseconds):
                ours = measure(lambda at=target: collect(parse_target(at), ways), runs)
                theirs = measure(lambda at=port + shift: separately(at, key, known, asked), runs)
            ratio = theirs[0] / ours[0]
            print(f"{label}: one round trip {ours[0]:.3f} s, separate commands {theirs[0]:.3f} s: {ratio:.1f} × faster")
            print(f"  client CPU {ours[1] * 1000:.1f} ms beside {theirs[1] * 1000:.1f} ms")
        for label, select in (("fifteen checks of the first release", FIRST), ("every check", ())):
            audit = Audit(select=select)
            with BundleWriter(folder / f"{len(select)}.sova") as writer:
                numbers = iter(range(1000))
                one_more(audit, here, ways, writer, next(numbers))  # what a process does once: imports, profile, directives
                _, cpu = measure(lambda a=audit, w=writer, n=numbers: one_more(a, here, ways, w, next(n)), options.runs)
            print(f"connect, collect, store, judge ({label}): {cpu * 1000:.1f} ms of client CPU")
        if options.peers:
            peers(port, key, known, folder, options.runs)


if __name__ == "__main__":
    main()
