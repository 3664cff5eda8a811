"""journald itself writes and is started again; journalctl exports; then an entry is taken out."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.log_completeness.gaps import gaps
from sovaudit.collectors import collect, items, parse_target
from sovaudit.facts import journal_numbers
from sovaudit.facts.host import Host
from sovaudit.facts.log_archive import LogArchive
from sovaudit.model.finding import Outcome
from sovaudit.testing import run, verdicts
from tests import lab

pytestmark = pytest.mark.lab
ID = "0123456789abcdef0123456789abcdef"
CONF = "[Journal]\nStorage=persistent\nForwardToSyslog=no\n"
# Its own /proc, /run and control groups, in a mount namespace that ends with it; what the kernel lets every container do.
SCRIPT = """mount -t proc proc {0}/proc; mount --rbind /sys {0}/sys; mount -t tmpfs groups {0}/sys/fs/cgroup
mkdir -p {0}/sys/fs/cgroup/systemd {0}/sys/fs/cgroup/unified; mount -t cgroup2 groups {0}/sys/fs/cgroup/unified
mkdir -p {0}/run/systemd/journal {0}/run/log; touch {0}/run/systemd/journal/flushed; exec chroot {0} /usr/lib/systemd/systemd-journald"""


@contextlib.contextmanager
def journald(root: Path) -> Iterator[None]:
    command = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=TERM", "sh", "-c", SCRIPT.format(root)]
    place = root / "run/systemd/journal/socket"
    with contextlib.suppress(FileNotFoundError):
        place.unlink()
    daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for _ in range(500):
            if place.exists() or daemon.poll() is not None:
                break
            time.sleep(0.01)
        if daemon.poll() is not None:
            said = daemon.stdout.read().decode() if daemon.stdout else ""
            pytest.skip(f"journald does not run here: {said}")
        yield
    finally:
        subprocess.run(["pkill", "-TERM", "-P", str(daemon.pid)], check=False)
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def say(root: Path, count: int, *, text: str = "record") -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(str(root / "run/systemd/journal/socket"))
        for number in range(count):
            message = f"{text} {number}\nand its second line".encode()
            sender.send(b"MESSAGE\n" + len(message).to_bytes(8, "little") + message + b"\nSYSLOG_IDENTIFIER=app\nPRIORITY=6\n")
    time.sleep(0.3)


def exported(root: Path, *arguments: str) -> bytes:
    command = ["chroot", str(root), "journalctl", "--no-pager", "-D", "/var/log/journal", *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=30).stdout


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay({"/etc/machine-id": f"{ID}\n", "/etc/systemd/journald.conf": CONF}) as place:
        (place / "var/log/journal").mkdir(parents=True, exist_ok=True)
        with journald(place):
            say(place, 500)
        yield place


def judged(folder: Path, data: bytes, name: str = "journal") -> tuple[LogArchive, Outcome]:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    found = LogArchive(collect(parse_target(f"logs:{folder}")))
    (outcome,) = run(gaps, found)
    return found, outcome


def test_as_journald_wrote_it(root: Path, tmp_path: Path) -> None:
    export, said = judged(tmp_path / "export", exported(root, "-o", "export"))
    assert said.verdict.value == "pass", said
    entries = exported(root, "-o", "json").count(b"\n")
    assert sum(source.records for source in export.sources) == entries >= 500
    json_, said = judged(tmp_path / "json", exported(root, "-o", "json"))
    assert said.verdict.value == "pass"
    assert json_.numberings == export.numberings
    assert json_.records == export.records
    assert export.files[0].troubles == json_.files[0].troubles == {}


def test_newest_first_is_whole_too(root: Path, tmp_path: Path) -> None:
    found, _ = judged(tmp_path / "back", exported(root, "-o", "json", "-r"))
    assert [one.holes for one in found.numberings] == [()]


@pytest.mark.parametrize("form", ["export", "json"])
def test_an_entry_that_was_taken_out_is_named(root: Path, tmp_path: Path, form: str) -> None:
    data = exported(root, "-o", form)
    parts = [part for part in re.split(rb"\n\n(?=__CURSOR)" if form == "export" else rb"\n", data) if part]
    gone = len(parts) // 2
    number = int(re.search(rb";i=([0-9a-f]+);", parts[gone])[1], 16)  # type: ignore[index]
    left = (b"\n\n" if form == "export" else b"\n").join(parts[:gone] + parts[gone + 1 :]) + b"\n\n"
    _, said = judged(tmp_path / "cut", left)
    assert said.verdict.value == "fail"
    assert [line.text.partition(",")[0] for line in said.because] == ["1 missing"]
    assert f" {number}, between" in said.because[0].text


def test_an_export_of_one_program_is_no_whole_journal(root: Path, tmp_path: Path) -> None:
    with journald(root):
        say(root, 5)
    _, said = judged(tmp_path / "some", exported(root, "-o", "export", "SYSLOG_IDENTIFIER=app"))
    assert said.verdict.value == "fail"


def test_numbers_go_on_when_journald_is_started_again(root: Path, tmp_path: Path) -> None:
    with journald(root):
        say(root, 20)
    found, said = judged(tmp_path / "again", exported(root, "-o", "export"))
    assert said.verdict.value == "pass"
    assert len(found.numberings) == 1


def test_a_running_host_shows_the_same_numbers(root: Path, tmp_path: Path) -> None:
    host = Host(lab.local(root))
    found = journal_numbers.read(host)
    assert found is not None and found.holes == []
    assert found.count == exported(root, "-o", "json", "-n", "3000").count(b"\n")
    assert verdicts(run(gaps, host))["journal"] == "pass"
    command = next(one for one in items.COMMANDS if one.name == "journal-numbers")
    for awk in ("mawk", "gawk", "busybox awk"):
        if shutil.which(awk.split(" ")[0]):
            said = (
                lab.run(root, ["sh", "-c", command.line.replace("| awk", f"| {awk}")]).stdout
                if (root / "usr/bin" / awk.split(" ")[0]).exists()
                else ""
            )
            assert not said or said == host.files.command("journal-numbers").output


def test_journal_files_themselves_are_not_read(root: Path, tmp_path: Path) -> None:
    (file,) = (root / f"var/log/journal/{ID}").glob("system.journal")
    (tmp_path / "system.journal").write_bytes(file.read_bytes())
    (said,) = run(gaps, LogArchive(collect(parse_target(f"logs:{tmp_path}"))))
    assert (said.verdict.value, said.subject) == ("unknown", "system.journal")
