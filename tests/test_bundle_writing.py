"""Writing a bundle: twice, too much, interrupted, on a full disk; what was finished is kept."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sovaudit.bundle import Bundle, BundleWriter
from sovaudit.errors import IntegrityError, OutputError, UsageError
from tests.test_bundle import host, write

# Writing: twice, too much, interrupted.


def test_a_target_is_written_once(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "a.sova") as writer:
        writer.add(host(1))
        with pytest.raises(UsageError, match="twice"):
            writer.add(host(1))
        assert writer.targets == ("ssh://auditor@host1",)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.sova"
    write(path, host(1))
    before = path.read_bytes()
    with pytest.raises(UsageError, match="exists"):
        BundleWriter(path)
    assert path.read_bytes() == before


def test_only_a_bundle_is_resumed(tmp_path: Path) -> None:
    (tmp_path / "a.sova").write_text("my only copy")
    with pytest.raises(UsageError, match="not an evidence bundle"):
        BundleWriter(tmp_path / "a.sova", resume=True)
    assert (tmp_path / "a.sova").read_text() == "my only copy"


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "a.sova") as writer:
        with pytest.raises(UsageError, match="another audit"):
            BundleWriter(tmp_path / "a.sova", resume=True)
        code = (
            "import sys; from pathlib import Path; from sovaudit.bundle import BundleWriter; BundleWriter(Path(sys.argv[1]), resume=True)"
        )
        other = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.sova")], capture_output=True, text=True, check=False)
        assert "UsageError" in other.stderr
        writer.add(host(1))
        writer.finish()
    with Bundle(tmp_path / "a.sova") as bundle:
        assert len(bundle) == 1


def test_an_unfinished_bundle_says_so_and_can_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "a.sova"
    with BundleWriter(path) as writer:
        writer.add(host(1))
    with pytest.raises(IntegrityError, match="not finished"):
        Bundle(path)
    with BundleWriter(path, resume=True) as writer:
        assert writer.targets == ("ssh://auditor@host1",)
        writer.add(host(2))
        root = writer.finish()
    assert root == write(tmp_path / "b.sova", host(1), host(2))
    with Bundle(path) as bundle:
        bundle.verify()
        assert bundle.root() == root


def test_a_finished_bundle_can_be_resumed_too(tmp_path: Path) -> None:
    path = tmp_path / "a.sova"
    write(path, host(1))
    with BundleWriter(path, resume=True) as writer:
        writer.add(host(2))
        writer.finish()
    with Bundle(path) as bundle:
        assert len(bundle) == 2


def test_a_damaged_bundle_is_not_resumed(tmp_path: Path) -> None:
    path = tmp_path / "a.sova"
    with BundleWriter(path) as writer:
        writer.add(host(1))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE blob SET size = size + 1 WHERE id = 1")
    connection.close()
    with pytest.raises(IntegrityError):
        BundleWriter(path, resume=True)


def test_resume_makes_what_is_not_there(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "a.sova", resume=True) as writer:
        assert writer.targets == ()
        writer.finish()


def test_a_folder_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        BundleWriter(tmp_path / "nowhere" / "a.sova")


def test_more_than_any_target_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sovaudit.bundle_writer.MAX_TARGET", 1000)
    with BundleWriter(tmp_path / "a.sova") as writer:
        with pytest.raises(UsageError, match="--max-bytes"):
            writer.add(replace(host(1), artifacts={"a": bytes(1001)}))
        writer.add(replace(host(1), artifacts={"a": bytes(1000)}))


WRITER = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from sovaudit.bundle import BundleWriter
from tests.test_bundle import host
with BundleWriter(Path(sys.argv[1]), resume=True) as writer:
    for number in range(len(writer.targets), 100000):
        writer.add(host(number))
        print(number, flush=True)
"""


def test_a_killed_writer_leaves_whole_targets(tmp_path: Path) -> None:
    path = tmp_path / "a.sova"
    reported = 0
    for round_ in range(6):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.003 * round_)
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().split()
        process.wait()
        with BundleWriter(path, resume=True) as writer:  # reads and checks all that is there
            present = len(writer.targets)
        assert present >= reported + 1 + len(lines), "a target that was said to be written is gone"
        reported = present
    with BundleWriter(path, resume=True) as writer:
        writer.finish()
    with Bundle(path) as bundle:
        bundle.verify()
        assert set(bundle.targets) == {f"ssh://auditor@host{number}" for number in range(reported)}
        assert all(one == host(int(one.cost["wall_ms"])) for one in bundle)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.sova"]


FULL = f"""
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from sovaudit.bundle import Bundle, BundleWriter
from sovaudit.errors import OutputError
from tests.test_bundle import host
from dataclasses import replace
import random
path = Path(sys.argv[1])
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
noise = random.Random(1)
with BundleWriter(path) as writer:
    written = 0
    try:
        for number in range(100):
            writer.add(replace(host(number), artifacts={{"noise": noise.randbytes(20000)}}))
            written += 1
    except OutputError as error:
        print(error)
    writer.finish()
with Bundle(path) as bundle:
    bundle.verify()
    assert 0 < len(bundle) == written < 100, (len(bundle), written)
"""


def test_a_full_disk_keeps_what_was_written(tmp_path: Path) -> None:
    answer = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "a.sova"), "300000"], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "cannot be written" in answer.stdout
    assert "--resume" in answer.stdout


@pytest.mark.root
def test_a_really_full_disk_keeps_what_was_written(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(tmp_path)], check=True)
    try:
        answer = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "a.sova")], capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
        assert "full" in answer.stdout
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.sova"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_memory_does_not_grow_with_the_fleet(tmp_path: Path) -> None:
    code = f"""
import resource, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from dataclasses import replace
from sovaudit.bundle import Bundle, BundleWriter
from tests.test_bundle import host
path = Path(sys.argv[1])
extra = {{f"file:/etc/{{n}}": (f"line {{n}} of many\\n" * 150).encode() for n in range(90)}}
with BundleWriter(path) as writer:
    for number in range(600):
        one = host(number)
        writer.add(replace(one, artifacts={{**one.artifacts, **extra, "own": str(number).encode() * 500}}))
        if number == 60:
            early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    writer.finish()
with Bundle(path) as bundle:
    for one in bundle:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - early)
"""
    answer = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.sova")], capture_output=True, text=True, check=True)
    assert int(answer.stdout) < 24 * 1024  # kB
