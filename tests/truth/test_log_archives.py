"""Archives as real programs write them: rsyslogd of one root sends over TLS to rsyslogd of another, logrotate turns, auditd loses; then somebody cuts.

What was cut is known, line by line, and must be what the checks name, no more and no less.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.log_completeness.gaps import gaps
from checks.log_completeness.reconciled import reconciled
from checks.log_completeness.retention import retention
from checks.log_completeness.sources import sources
from sovaudit.collectors import collect, parse_target
from sovaudit.facts.log_archive import LogArchive
from sovaudit.model.finding import Outcome
from sovaudit.testing import run, verdicts
from tests import lab, pki
from tests.truth.test_logs import settle

NAME = "collector.example"
DAYS, HOURLY = 40, 6
BEGIN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=DAYS, hours=1)
SENDER = """module(load="imuxsock" SysSock.UseSysTimeStamp="off" SysSock.IgnoreTimestamp="off" SysSock.RateLimit.Interval="0")
global(workDirectory="/var/spool/rsyslog" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="/etc/pki/ca.pem"
  defaultNetstreamDriverCertFile="/etc/pki/web.pem" defaultNetstreamDriverKeyFile="/etc/pki/web.key" localHostname="web" preserveFQDN="on")
{mute}action(type="omfile" file="/var/log/host.log" template="{own_name}")
"""
FORWARDING = """action(type="omfwd" target="collector.example" port="{port}" protocol="tcp" streamDriver="gtls" streamDriverMode="1" streamDriverAuthMode="x509/name"
  streamDriverPermittedPeers="collector.example" template="{wire}" action.resumeRetryCount="-1" action.resumeInterval="1"
  queue.type="LinkedList" queue.filename="fwd" queue.saveOnShutdown="on" queue.size="40000")
"""
COLLECTOR = """global(workDirectory="/var/spool/rsyslog" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="/etc/pki/ca.pem"
  defaultNetstreamDriverCertFile="/etc/pki/collector.pem" defaultNetstreamDriverKeyFile="/etc/pki/collector.key")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=["web.example"])
template(name="place" type="string" string="/srv/log/%hostname%.log")
template(name="priority" type="string" string="<%pri%>%timestamp% %hostname% %syslogtag%%msg%\\n")
input(type="imtcp" port="{port}")
action(type="omfile" dynaFile="place" template="{kept}")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("certificates")
    authority = pki.issue("authority", ca=True, usage=None)
    authority.save(found, "ca")
    pki.issue(NAME, authority, usage=None).save(found, "collector")
    pki.issue("web.example", authority, usage=None).save(found, "web")
    return found


@dataclass
class World:
    """Two roots: the host's own log is /var/log/host.log of one, its copy /srv/log/web.log of the other."""

    host: Path
    collector: Path

    def lay(self, own: str, wire: str, kept: str, *, mute: bool = True, forward: bool = True) -> None:
        """mute: rsyslogd says nothing of itself, as its own stamps are of today."""
        port = lab.free_port()
        for root, text in ((self.host, SENDER + (FORWARDING if forward else "")), (self.collector, COLLECTOR)):
            shutil.rmtree(root / "etc/rsyslog.d", ignore_errors=True)
            for path in [*(root / "var/spool/rsyslog").glob("*"), *(root / "srv/log").glob("*"), *(root / "var/log").glob("host*")]:
                path.unlink()
            silence = ':programname, isequal, "rsyslogd" stop\n' if mute else ""
            for word, value in {"mute": silence, "port": str(port), "own_name": own, "wire": wire, "kept": kept}.items():
                text = text.replace("{" + word + "}", value)
            lab.write(root, {"/etc/rsyslog.conf": text})

    @property
    def own(self) -> Path:
        return self.host / "var/log/host.log"

    @property
    def copy(self) -> Path:
        return self.collector / "srv/log/web.log"


@pytest.fixture(scope="module")
def world(folder: Path) -> Iterator[World]:
    with lab.overlay({"/etc/hosts": f"127.0.0.1 localhost {NAME}\n"}) as host, lab.overlay({"/srv/log/.keep": ""}) as collector:
        for root in (host, collector):
            shutil.copytree(folder, root / "etc/pki", dirs_exist_ok=True)
        yield World(host, collector)


@contextlib.contextmanager
def rsyslogd(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    with contextlib.suppress(FileNotFoundError):
        (root / "dev/log").unlink()
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    daemon = subprocess.Popen(["chroot", str(root), "rsyslogd", "-n", "-iNONE"], stderr=subprocess.DEVNULL, env=environment)
    try:
        time.sleep(0.15)
        yield daemon
    finally:
        daemon.terminate()
        daemon.wait(30)


def wait(ready: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while not ready() and time.monotonic() < until:
        time.sleep(0.02)
    return ready()


def say(root: Path, lines: list[str]) -> None:
    assert wait((root / "dev/log").exists)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(str(root / "dev/log"))
        for line in lines:
            sender.send(line.encode())
        settle(sender)


def life() -> list[str]:
    """Forty days of a host: six records an hour, of four programs, some alike."""
    said = ["sshd[%d]: Accepted publickey for alice from 10.0.0.%d", "sudo: alice : TTY=pts/0 ; USER=root ; COMMAND=/bin/ls %d%d",
            "CRON[%d]: (root) CMD (run-parts /etc/cron.hourly) %d", "kernel: [ %d.5] eth0: link is up %d"]  # fmt: skip
    return [
        f"<86>{(BEGIN + timedelta(hours=n // HOURLY, minutes=n % HOURLY * 10)).strftime('%Y-%m-%dT%H:%M:%S.250000+00:00')} "
        + said[n % 4] % (1000 + n // 50, n // 8 % 250)
        for n in range(DAYS * 24 * HOURLY)
    ]


def apps(path: Path) -> bytes:
    if not path.exists():
        return b""
    return b"".join(line for line in path.read_bytes().splitlines(keepends=True) if b"app[" in line)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


FILE, OLD, FORWARD, PROTOCOL = (
    "RSYSLOG_FileFormat",
    "RSYSLOG_TraditionalFileFormat",
    "RSYSLOG_ForwardFormat",
    "RSYSLOG_SyslogProtocol23Format",
)
# how the host writes its own log, what goes over the wire, how the collector writes its copy
WAYS = {
    "stamps in full": (FILE, FORWARD, FILE), "RFC 5424 on the wire": (FILE, PROTOCOL, FILE), "RFC 5424 kept": (FILE, PROTOCOL, PROTOCOL),
    "no year on the host": (OLD, PROTOCOL, FILE), "no year anywhere": (OLD, FORWARD, OLD), "priorities kept": (FILE, FORWARD, "priority"),
}  # fmt: skip


@pytest.fixture(scope="module", params=WAYS)
def sent(request: pytest.FixtureRequest, world: World) -> tuple[bytes, bytes]:
    """Both copies of forty days, as they were written."""
    world.lay(*WAYS[request.param])
    said = life()
    with rsyslogd(world.collector), rsyslogd(world.host):
        say(world.host, said)
        assert wait(lambda: lines(world.copy) >= len(said) and lines(world.own) >= len(said))
    assert lines(world.own) == len(said)
    # rsyslogd sends again what it is not sure of
    return world.own.read_bytes(), b"".join(dict.fromkeys(world.copy.read_bytes().splitlines(keepends=True)))


def put(folder: Path, own: bytes, copy: bytes) -> tuple[LogArchive, LogArchive]:
    """The two copies as archives: the collector's, and the host's own."""
    for name, data in (("own", own), ("copy", copy)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "web.log").write_bytes(data)
    return archive(f"logs:{folder}/copy"), archive(f"logs:{folder}/own?host=web")


def archive(target: str) -> LogArchive:
    return LogArchive(collect(parse_target(target)))


def one(outcomes: list[Outcome]) -> Outcome:
    (found,) = outcomes
    return found


def without(data: bytes, cut: set[int]) -> bytes:
    return b"".join(line for number, line in enumerate(data.splitlines(keepends=True)) if number not in cut)


CUTS: dict[str, tuple[set[int], set[int]]] = {  # what is cut on the host, and at the collector
    "nothing": (set(), set()),
    "one user's traces on the host": ({n for n in range(3000, 3400) if n % 4 == 1}, set()),
    "twenty at the collector": (set(), set(range(2000, 2020))),
    "on both sides": (set(range(3000, 3080)), set(range(4000, 4020))),
    "the same on both sides": (set(range(3000, 3010)), set(range(3000, 3010))),
    "all but one": (set(range(1, 5000)), set()),
}


@pytest.mark.lab
def test_what_was_cut_is_named(sent: tuple[bytes, bytes], tmp_path: Path) -> None:
    stamps = [re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", line)[0].replace("T", " ") + "Z" for line in life()]  # type: ignore[index]
    for name, (here, there) in CUTS.items():
        found = one(run(reconciled, put(tmp_path / name.replace(" ", "-"), without(sent[0], here), without(sent[1], there)), None))
        removed, missing = sorted(stamps[n] for n in here - there), sorted(stamps[n] for n in there - here)
        if not removed and not missing:
            assert found.verdict.value == "pass", name
            continue
        assert (found.verdict.value, found.args["missing"], found.args["removed"]) == ("fail", len(missing), len(removed)), name
        named = [(line.text[:20], "host" in line.text) for line in found.because]
        assert sorted(named) == sorted([(stamp, True) for stamp in missing] + [(stamp, False) for stamp in removed]), name


def hours(first: int, last: int) -> set[int]:
    return set(range(first * HOURLY, last * HOURLY))


SILENT: dict[str, tuple[set[int], str]] = {
    "nothing": (set(), "pass"), "nine hours": (hours(500, 509), "fail"), "a day": (hours(500, 524), "fail"), "four days": (hours(400, 496), "fail"),
    "the last twelve hours": (hours(DAYS * 24 - 12, DAYS * 24), "fail"), "half an hour": (set(range(3000, 3003)), "pass"),
    "every tenth record": (set(range(0, DAYS * 24 * HOURLY, 10)), "pass"), "the first ten days": (hours(0, 240), "pass"),
    "all but two weeks": (hours(0, 26 * 24), "unknown"),
}  # fmt: skip


@pytest.mark.lab
def test_a_silence_that_was_made_is_found(sent: tuple[bytes, bytes], tmp_path: Path) -> None:
    """A second host that was left alone tells when the archive ends."""
    for name, (cut, wanted) in SILENT.items():
        place = tmp_path / name.replace(" ", "-")
        place.mkdir()
        (place / "web.log").write_bytes(without(sent[1], cut))
        (place / "db.log").write_bytes(sent[1].replace(b" web ", b" db "))
        found = {outcome.subject: outcome for outcome in run(gaps, archive(f"logs:{place}"))}
        assert (found["web"].verdict.value, found["db"].verdict.value) == (wanted, "pass"), name
        if wanted == "fail":
            begin = BEGIN + timedelta(minutes=10 * (min(cut) - 1))
            assert begin.strftime("%Y-%m-%d %H:%M:00Z") in found["web"].because[0].text, name


@pytest.mark.lab
def test_a_collector_that_is_stopped_and_resumed(world: World, tmp_path: Path) -> None:
    world.lay(FILE, PROTOCOL, FILE, mute=False)
    began = datetime.now(UTC) - timedelta(hours=6)

    def batch(first: int, count: int) -> list[str]:
        return [
            f"<86>{(began + timedelta(seconds=10 * n)).strftime('%Y-%m-%dT%H:%M:%S+00:00')} app[{n}]: record {n}"
            for n in range(first, first + count)
        ]

    with rsyslogd(world.host):
        with rsyslogd(world.collector):
            say(world.host, batch(0, 1400))
            assert wait(lambda: apps(world.copy).count(b"\n") >= 1400)
        before = lines(world.copy)
        say(world.host, batch(1400, 600))
        assert wait(lambda: apps(world.own).count(b"\n") >= 2000)
        time.sleep(0.2)
        assert lines(world.copy) == before
        away = put(tmp_path / "away", apps(world.own), apps(world.copy))
        assert verdicts(run(reconciled, away, None, programs=("app",))) == {"web": "unknown"}  # its copy ends before the host's
        # with a patience as long as the outage, what both could hold by then agrees
        assert verdicts(run(reconciled, away, None, programs=("app",), delay_minutes=120)) == {"web": "pass"}
        with rsyslogd(world.collector):
            assert wait(lambda: apps(world.copy).count(b"\n") >= 2000, 40)
    back = put(tmp_path / "back", apps(world.own), apps(world.copy))
    assert verdicts(run(reconciled, back, None, programs=("app",))) == {"web": "pass"}
    (tmp_path / "own.log").write_bytes(world.own.read_bytes())
    kinds = [mark.kind for source in archive(f"logs:{tmp_path}/own.log").sources for mark in source.marks]
    assert "daemon-start" in kinds  # rsyslogd's own words, as it writes them
    (tmp_path / "register.csv").write_text("source,log\nweb,syslog\ndb,syslog\n")
    found = archive(f"logs:{tmp_path}/back/copy?register={tmp_path}/register.csv")
    assert verdicts(run(sources, found)) == {"web syslog": "pass", "db syslog": "fail"}


@pytest.mark.lab
def test_a_clock_that_was_put_back(world: World, tmp_path: Path) -> None:
    world.lay(OLD, FORWARD, OLD, forward=False)
    said = life()
    back = [
        line.replace(line[4:29], (datetime.fromisoformat(line[4:36]) - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S.2"), 1)
        for line in said[3000:3006]
    ]
    with rsyslogd(world.host):
        say(world.host, [*said[:3000], *back, *said[3000:]])
        assert wait(lambda: lines(world.own) >= len(said) + 6)
    (tmp_path / "web.log").write_bytes(world.own.read_bytes())
    found = one(run(gaps, archive(f"logs:{tmp_path}")))
    assert found.verdict.value == "unknown"
    assert "went back by" in found.because[0].text


@pytest.mark.lab
def test_what_rsyslogd_drops_it_says(world: World, tmp_path: Path) -> None:
    world.lay(FILE, FORWARD, FILE, mute=False, forward=False)
    conf = world.host / "etc/rsyslog.conf"
    conf.write_text(
        conf.read_text().replace('SysSock.RateLimit.Interval="0"', 'SysSock.RateLimit.Interval="2" SysSock.RateLimit.Burst="20"')
    )
    speak = (
        "import socket, sys, time\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.connect(sys.argv[1])\n"
        "[s.send(b'<86>Jan  1 00:00:00 app: %d' % n) for n in range(60)]\ntime.sleep(2.5)\n[s.send(b'<86>Jan  1 00:00:00 app: x') for n in range(2)]\n"
    )
    with rsyslogd(world.host):
        assert wait((world.host / "dev/log").exists)
        subprocess.run(["python3", "-c", speak, str(world.host / "dev/log")], check=True, timeout=20)
        assert wait(lambda: b"rate-limiting" in world.own.read_bytes())
    (tmp_path / "web.log").write_bytes(world.own.read_bytes())
    found = {outcome.subject: outcome for outcome in run(gaps, archive(f"logs:{tmp_path}"))}
    assert found["web"].verdict.value == "fail", world.own.read_text()


@pytest.mark.lab
@pytest.mark.parametrize("form", ["json", "legacy"])
def test_what_a_full_queue_threw_away_it_says(world: World, tmp_path: Path, form: str) -> None:
    world.lay(FILE, FORWARD, FILE, mute=False)
    conf = world.host / "etc/rsyslog.conf"
    small = conf.read_text().replace(
        'queue.filename="fwd" queue.saveOnShutdown="on" queue.size="40000"', 'queue.size="100" queue.timeoutEnqueue="0"'
    )
    conf.write_text(small.replace("global(", f'module(load="impstats" interval="1" format="{form}")\nglobal(', 1))
    with rsyslogd(world.host):
        say(world.host, life()[:1000])
        assert wait(lambda: world.own.exists() and re.search(rb"discarded\.full\"?[:=] ?[1-9]", world.own.read_bytes()) is not None)
    told = [int(number) for number in re.findall(rb"discarded\.full\"?[:=] ?(\d+)", world.own.read_bytes())]
    (tmp_path / "web.log").write_bytes(world.own.read_bytes())
    found = {outcome.subject: outcome for outcome in run(gaps, archive(f"logs:{tmp_path}"))}
    assert found["web"].verdict.value == "fail"
    assert any(line.text.startswith(f"{max(told)} messages discarded") for line in found["web"].because)


@pytest.mark.lab
def test_a_log_that_logrotate_turned_is_one_log(world: World, tmp_path: Path) -> None:
    world.lay(OLD, FORWARD, OLD, forward=False)
    said = life()
    rotate = "/var/log/host.log {\n rotate 20\n create\n compress\n delaycompress\n size 1\n}\n"
    lab.write(world.host, {"/etc/rotate.conf": rotate})
    for part in range(0, len(said), 960):
        with rsyslogd(world.host):
            say(world.host, said[part : part + 960])
        assert lab.run(world.host, ["logrotate", "-s", "/var/lib/rotated", "/etc/rotate.conf"]).returncode == 0
    for path in (world.host / "var/log").glob("host.log*"):
        shutil.copy2(path, tmp_path)
    found = archive(f"logs:{tmp_path}")
    assert len(found.files) >= 6
    assert any(file.name.endswith(".gz") for file in found.files)
    web = next(source for source in found.sources if source.name == "web")
    assert web.steps == () and web.records == len(said)
    assert verdicts(run(gaps, found))["web"] == "pass"
    assert verdicts(run(retention, found, months=1)) == {"web": "pass"}
    oldest = max(tmp_path.glob("host.log.*.gz"), key=lambda path: int(path.name.split(".")[2]))
    packed = oldest.read_bytes()
    oldest.write_bytes(packed[: len(packed) // 2])
    assert verdicts(run(gaps, archive(f"logs:{tmp_path}"))) == {"web": "unknown", oldest.name: "unknown"}
    oldest.unlink()
    middle = tmp_path / "host.log.3.gz"
    middle.unlink()
    cut = one(run(gaps, archive(f"logs:{tmp_path}")))
    assert cut.verdict.value == "fail" and "silent for" in cut.because[0].text


@pytest.mark.lab
def test_a_log_that_was_truncated(world: World, sent: tuple[bytes, bytes], tmp_path: Path) -> None:
    """Copied, then emptied while rsyslogd writes: the file begins with NUL bytes where it did not append; a crash leaves half a line."""
    data = sent[0]
    half = data[: len(data) - 30]
    (tmp_path / "web.log").write_bytes(b"\0" * 5000 + half)
    found = archive(f"logs:{tmp_path}")
    troubles = found.files[0].troubles
    assert troubles["nul"] == 1 and troubles["no-last-newline"] == 1
    assert sum(source.records for source in found.sources) == data.count(b"\n")
