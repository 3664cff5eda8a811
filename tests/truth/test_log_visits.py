"""A visit of a host beside its collector's archive: rsyslogd of one root sends over TLS to rsyslogd of another, then somebody cuts, on either side.

What was cut is known, line by line, and must be what the check names.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from checks.log_completeness.reconciled import reconciled
from sovaudit.collectors import collect, parse_target
from sovaudit.collectors.local import collect_local
from sovaudit.collectors.options import CollectOptions
from sovaudit.facts.host import Host
from sovaudit.facts.log_archive import LogArchive
from sovaudit.model.evidence import Evidence, Target
from sovaudit.model.finding import Outcome
from sovaudit.testing import run
from tests import lab
from tests.truth.test_log_archives import FILE, FORWARD, OLD, PROTOCOL, World, folder, lines, rsyslogd, say, wait, without, world

__all__ = ["folder", "world"]
pytestmark = pytest.mark.lab
COUNT, EVERY, DELAY = 400, 20, 10
SECRET = "s3cr3tNeedle"
SAID = (
    "sshd[%d]: Accepted publickey for alice from 10.0.0.%d port 22 ssh2: ED25519 SHA256:abc", "sshd[%d]: pam_unix(sshd:session): session opened for user alice(uid=%d)",
    "sudo:    alice%d : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/mysql -p" + SECRET + "%d", "su[%d]: (to root) alice on pts/%d",
    "passwd[%d]: pam_unix(passwd:chauthtok): password changed for alice%d", "sshd[%d]: Invalid user caf\u00e9\x01 %d from 10.0.0.9 port 22",
)  # fmt: skip


def life(zone: str) -> tuple[list[str], list[int]]:
    """What a host said in the last hours, one record every twenty seconds, until five minutes ago, by its own clock; and when."""
    begin = datetime.now(ZoneInfo(zone or "UTC")).replace(microsecond=0) - timedelta(minutes=5, seconds=COUNT * EVERY)
    at = [begin + timedelta(seconds=n * EVERY) for n in range(COUNT)]
    said = [
        f"<{32 + 6 if n % 6 in (0, 5) else 80 + 5}>{(when + timedelta(milliseconds=250)).isoformat(timespec='microseconds')} {SAID[n % 6] % (1000 + n // 50, n % 250)}"
        for n, when in enumerate(at)
    ]
    return said, [int(when.timestamp()) for when in at]


# how the host writes its own log, what goes over the wire, how the collector writes its copy, the host's time zone
WAYS = {
    "stamps in full": (FILE, FORWARD, FILE, ""),
    "no year on the host, and a clock of its own": (OLD, PROTOCOL, FILE, "America/Caracas"),
    "RFC 5424 kept": (FILE, PROTOCOL, PROTOCOL, "Africa/Casablanca"),
}


@pytest.fixture(params=WAYS, scope="module")
def sent(request: pytest.FixtureRequest, world: World) -> tuple[World, bytes, bytes, list[int]]:
    """Both roots, the host's log, the collector's copy, and the times of the records."""
    own, wire, kept, zone = WAYS[request.param]
    world.lay(own, wire, kept)
    conf = world.host / "etc/rsyslog.conf"
    text = conf.read_text().replace("/var/log/host.log", "/var/log/auth.log").replace('localHostname="web"', 'localHostname="lab"')
    conf.write_text(text)
    lab.write(world.host, {"/etc/hostname": "lab\n"})
    for name in ("auth.log", "auth.log.1"):
        (world.host / "var/log" / name).unlink(missing_ok=True)
    place = world.host / "etc/localtime"
    place.unlink(missing_ok=True)
    if zone:
        place.symlink_to(f"/usr/share/zoneinfo/{zone}")
    said, times = life(zone)
    log, copy = world.host / "var/log/auth.log", world.collector / "srv/log/lab.log"
    copy.unlink(missing_ok=True)
    with rsyslogd(world.collector), rsyslogd(world.host):
        say(world.host, said)
        assert wait(lambda: lines(copy) >= COUNT and lines(log) >= COUNT)
    assert lines(log) == COUNT
    return world, log.read_bytes(), b"".join(dict.fromkeys(copy.read_bytes().splitlines(keepends=True))), times


def running(root: Path) -> Evidence:
    """What the script sees while that root's rsyslogd runs beside it."""
    script = f'mount -t proc proc "{root}/proc"; hostname lab; chroot "{root}" rsyslogd -iNONE; exec "$@"'
    prefix = ("unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "sh", "-c", script, "sh", "chroot", str(root))
    return collect_local(Target("local:", "local:", "local"), CollectOptions(log_records=True), prefix=prefix)


def judged(host: Evidence, archive: Path) -> Outcome:
    assert all(SECRET.lower().encode() not in data.lower() for data in host.artifacts.values())
    assert b"Accepted" not in host.artifacts["log-records"]
    (found,) = run(reconciled, (LogArchive(collect(parse_target(f"logs:{archive}"))),), (Host(host),), delay_minutes=DELAY)
    return found


CUTS: dict[str, tuple[set[int], set[int]]] = {  # what is cut on the host, and at the collector
    "nothing": (set(), set()),
    "what one program said, on the host": ({n for n in range(200, 260) if n % 6 == 2}, set()),
    "ten at the collector": (set(), set(range(150, 160))),
    "on both sides": (set(range(200, 210)), set(range(300, 305))),
    "the same on both sides": (set(range(200, 210)), set(range(200, 210))),
    "the end of the host's log": (set(range(COUNT - 30, COUNT)), set()),
    "the beginning of the host's log": (set(range(100)), set()),
    "what the collector need not have yet": (set(), {COUNT - 2}),
    "what is not brought, as it holds a secret": (set(), {230, 302}),
}
LIVE = ("nothing", "on both sides", "the end of the host's log")


def test_what_was_cut_is_named(sent: tuple[World, bytes, bytes, list[int]], tmp_path: Path) -> None:
    world, own, copy, times = sent
    log, archive = world.host / "var/log/auth.log", tmp_path / "lab.log"
    for name, (here, there) in CUTS.items():
        log.write_bytes(without(own, here))
        archive.write_bytes(without(copy, there))
        for live in (False, True) if name in LIVE else (False,):
            found = judged(running(world.host) if live else lab.mounted(world.host), tmp_path)
            # an image ends with its newest record, and nobody sees what was cut off the beginning of a log
            seen = range(min(set(range(COUNT)) - here) + 1, COUNT if live else max(set(range(COUNT)) - here))
            removed = sorted(times[n] for n in here - there if n in seen)
            missing = sorted(times[n] for n in there - here if times[n] <= times[-1] - DELAY * 60)
            wanted = "fail" if removed or missing else "pass"
            assert found.verdict.value == wanted, (name, live, found)
            if wanted == "fail":
                assert (found.args["missing"], found.args["removed"]) == (len(missing), len(removed)), (name, live)
                named = [(line.text[:20], "host" in line.text) for line in found.because]
                stamps = [(at, True) for at in missing] + [(at, False) for at in removed]
                assert named == [(datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ"), where) for at, where in sorted(stamps)], (
                    name
                )
            elif name == "nothing":
                assert found.args["same"] == sum(times[0] <= at <= times[-1] - DELAY * 60 for at in times)


def test_a_rotated_log_is_read_on(sent: tuple[World, bytes, bytes, list[int]], tmp_path: Path) -> None:
    """logrotate turned it; and what was emptied afterwards is missed."""
    world, own, copy, _ = sent
    rows = own.splitlines(keepends=True)
    (tmp_path / "lab.log").write_bytes(copy)
    folder = world.host / "var/log"
    for first, now, wanted in ((rows[:300], rows[300:], 0), (rows[:300], [], COUNT - 300), (rows[:300], rows[350:], 50)):
        (folder / "auth.log.1").write_bytes(b"".join(first))
        (folder / "auth.log").write_bytes(b"".join(now))
        found = judged(running(world.host), tmp_path)
        assert (found.verdict.value, found.args.get("removed", 0)) == ("fail" if wanted else "pass", wanted)
    (folder / "auth.log.1").unlink()
    assert judged(running(world.host), tmp_path).verdict.value in ("pass", "unknown")  # nothing says when this log began
    (folder / "auth.log").write_bytes(b"")
    assert judged(running(world.host), tmp_path).verdict.value == "unknown"


def test_a_time_zone_that_is_no_name(sent: tuple[World, bytes, bytes, list[int]], tmp_path: Path) -> None:
    world, own, _, _ = sent
    place, zone = world.host / "etc/localtime", ""
    if place.is_symlink():
        zone = os.readlink(place)
        place.unlink()
    place.write_bytes(b"TZif2")
    (world.host / "var/log/auth.log").write_bytes(own)
    seen = lab.mounted(world.host)
    place.unlink()
    if zone:
        place.symlink_to(zone)
    if re.match(rb"\d{4}-", own):
        assert "log-records" in seen.artifacts
        return
    assert [gap.detail for gap in seen.gaps if gap.item == "log-records"] == [
        "its stamps carry no zone, and /etc/localtime names none that we know"
    ]


# A host that has a journal alone

BOTH = """mount -t proc proc {0}/proc; mount --rbind /sys {0}/sys; mount -t tmpfs groups {0}/sys/fs/cgroup
mkdir -p {0}/sys/fs/cgroup/systemd {0}/sys/fs/cgroup/unified; mount -t cgroup2 groups {0}/sys/fs/cgroup/unified; hostname lab
mkdir -p {0}/run/systemd/journal {0}/run/log; touch {0}/run/systemd/journal/flushed; chroot {0} rsyslogd -iNONE -f /etc/forward.conf
chroot {0} /usr/lib/systemd/systemd-journald & while [ ! -S {0}/run/systemd/journal/socket ]; do sleep 0.02; done
{1}
exec "$@" """
FORWARD_CONF = 'module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="/run/systemd/journal/syslog")\n' + (
    'action(type="omfile" file="/srv/copy/lab.log" template="RSYSLOG_FileFormat")\n'
)
TALK = r"""
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.connect(sys.argv[1])
def say(program, text, facility=10, pid=7):
    data = text.encode()
    s.send(b"MESSAGE\n" + len(data).to_bytes(8, "little") + data + f"\nSYSLOG_IDENTIFIER={program}\nSYSLOG_FACILITY={facility}\nSYSLOG_PID={pid}\nPRIORITY=6\n".encode())
for n in range(40):
    say("sshd", f"Accepted publickey for alice from 10.0.0.{n} port 22 ssh2", 4, 100 + n)
    say("sudo", f"alice : TTY=pts/0 ; USER=root ; COMMAND=/usr/bin/mysql -ps3cr3tNeedle{n}", 10, 200 + n)
    say("app", f"not of auth {n}", 3)
    say("su", "(to root) caf\u00e9 on pts/%d" % n, 10, 300 + n)
    time.sleep(3.2 if n == 4 else 0.01)  # journald forwards without waiting, and loses what the other end is too slow for
say("login", "two\nlines", 10, 400)
time.sleep(0.7)
"""


def test_a_journal_alone(tmp_path: Path) -> None:
    """journald itself, its export as systemd-journal-upload would send it, and what rsyslogd makes of what journald forwards."""
    identity, conf = "0123456789abcdef0123456789abcdef", "[Journal]\nStorage=persistent\nForwardToSyslog=yes\nRateLimitBurst=0\n"
    files = {
        "/etc/machine-id": f"{identity}\n",
        "/etc/systemd/journald.conf": conf,
        "/etc/forward.conf": FORWARD_CONF,
        "/srv/copy/.keep": "",
    }
    with lab.overlay({**files, "/var/log/journal/.keep": "", "/etc/hostname": "lab\n"}) as root:
        for name in ("auth.log", "syslog", "secure", "messages"):
            (root / "var/log" / name).unlink(missing_ok=True)
        (tmp_path / "talk.py").write_text(TALK)
        script = BOTH.format(root, f'python3 {tmp_path}/talk.py "{root}/run/systemd/journal/socket"')
        prefix = (
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--uts",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            script,
            "sh",
            "chroot",
            str(root),
        )
        host = collect_local(Target("local:", "local:", "local"), CollectOptions(log_records=True), prefix=prefix)
        command = ["chroot", str(root), "journalctl", "--no-pager", "-D", "/var/log/journal", "-o", "export"]
        export = subprocess.run(command, check=True, capture_output=True, timeout=30).stdout
        forwarded = (root / "srv/copy/lab.log").read_bytes()
        image = lab.mounted(root)
    if b"Accepted" not in export:
        pytest.skip("journald does not run here")
    assert [gap.reason.value for gap in image.gaps if gap.item == "log-records"] in ([], ["unsupported"])
    assert host.artifacts["log-records"].startswith(b"F\tjournal\tc\t")
    # as if it had been visited, and the collector's archive closed, some minutes later
    assert host.taken_at is not None
    host = replace(host, taken_at=host.taken_at + timedelta(minutes=5))
    later = (host.taken_at + timedelta(minutes=1)).isoformat()
    other = f"{later} db sshd[1]: Accepted\n".encode()

    def said(copy: bytes, name: str) -> tuple[str, int, int]:
        place = tmp_path / name
        place.mkdir()
        (place / "lab.log").write_bytes(copy)
        (place / "db.log").write_bytes(other)
        assert b"s3cr3tNeedle" not in host.artifacts["log-records"]
        (found,) = run(reconciled, (LogArchive(collect(parse_target(f"logs:{place}"))),), (Host(host),), delay_minutes=1)
        return found.verdict.value, found.args.get("missing", 0), found.args.get("removed", 0)

    entries = export.split(b"\n\n")
    wanted = [number for number, entry in enumerate(entries) if b"\nSYSLOG_FACILITY=10" in entry or b"\nSYSLOG_FACILITY=4" in entry]
    assert len(wanted) == 121
    assert said(export, "whole") == ("pass", 0, 0)
    assert said(b"\n\n".join(entry for number, entry in enumerate(entries) if number not in wanted[50:53]), "cut") == ("fail", 3, 0)
    more = next(entry for entry in entries if b"10.0.0.7 " in entry).replace(b"10.0.0.7 ", b"10.0.0.77")
    assert said(export + b"\n" + more + b"\n\n", "more") == ("fail", 0, 1)
    rows = forwarded.splitlines(keepends=True)
    assert said(forwarded, "forwarded") == ("pass", 0, 0)
    gone = [number for number, line in enumerate(rows) if b" sshd[" in line or b" su[" in line][20:24]
    assert said(b"".join(line for number, line in enumerate(rows) if number not in gone), "forwarded-cut") == ("fail", 4, 0)


def test_busyboxs_syslogd(tmp_path: Path) -> None:
    """It writes facility and severity before the tag, and sends what it got."""
    with lab.overlay({"/etc/hostname": "lab\n", "/dev/.keep": ""}) as root, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        for name in ("auth.log", "syslog", "secure"):
            (root / "var/log" / name).unlink(missing_ok=True)
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(5)
        command = ["unshare", "--uts", "sh", "-c", 'hostname lab; exec chroot "$@"', "sh", str(root), "/usr/bin/busybox"]
        command += ["syslogd", "-n", "-L", "-R", f"127.0.0.1:{collector.getsockname()[1]}"]
        daemon = subprocess.Popen(command)
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        said = [
            f"<{32 + 6 if n % 2 else 80 + 5}>{(at + timedelta(seconds=20 * n)).strftime('%b %e %H:%M:%S')} {SAID[n % 5] % (n, n)}"
            for n in range(150)
        ]
        try:
            assert wait((root / "dev/log").exists)
            sent = []
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.connect(str(root / "dev/log"))
                for line in said:
                    sender.send(line.encode())
                    sent.append(collector.recv(4096))
        finally:
            daemon.terminate()
            daemon.wait(10)
        log = root / "var/log/messages"
        assert b" lab auth.info sshd[1]:" in log.read_bytes()
        log.write_bytes(
            b"".join(row for row in log.read_bytes().splitlines(keepends=True) if b" syslogd " not in row)
        )  # of today, unlike the rest
        # the collector keeps what it was sent, with the host's name
        copy = [re.sub(rb"^(<\d+>.{15}) ", rb"\1 lab ", row.rstrip(b"\n")) + b"\n" for row in sent]
        other = f"{datetime.now(UTC).isoformat()} db x: y\n".encode()
        for cut, wanted in ((set(), "pass"), ({20, 21}, "fail")):
            (tmp_path / "all.log").write_bytes(b"".join(row for number, row in enumerate(copy) if number not in cut) + other)
            found = judged(lab.mounted(root), tmp_path)
            assert (found.verdict.value, found.args.get("missing", 0)) == (wanted, len(cut)), found
