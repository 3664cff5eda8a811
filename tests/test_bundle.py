"""The evidence bundle: what goes in comes out, reading changes nothing, and a changed byte is seen."""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit import canon
from sovaudit.bundle import Bundle, BundleWriter, bundle_root, manifest, target_digest
from sovaudit.errors import IntegrityError, UsageError
from sovaudit.model.evidence import Evidence, Gap, Target
from sovaudit.model.verdict import Reason, TargetStatus
from sovaudit.testing import evidence_with
from tests import lab

GOLDEN = Path(__file__).parent / "data" / "bundle-format-1.sova"
GOLDEN_ROOT = "sha256:b83b565511b4281d0a4f1eefe7d9c6a3f54a76d8975805e957a01be6a019a4a0"


def host(number: int, **changes: object) -> Evidence:
    """A small host whose evidence is mostly that of the others."""
    found = evidence_with(
        {"/etc/hostname": f"host{number}\n", "/etc/ssh/sshd_config": "PermitRootLogin no\n" * 20, "/etc/empty": b""},
        unseen=["/etc/shadow"],
        target=f"ssh://auditor@host{number}",
    )
    return replace(found, cost={"wall_ms": number, "bytes": 9}, **changes)


def golden() -> tuple[Evidence, ...]:
    """What the kept bundle of format 1 holds; `python -m tests.test_bundle` wrote it with the first release and is not run again."""
    broken = Evidence(
        Target("ssh://auditor@down", "ssh://auditor@down", "ssh"), TargetStatus.UNREACHABLE, None, {}, error="no answer: été\u202e\x1b[0m"
    )
    odd = replace(
        host(3), taken_at=datetime(2026, 5, 31, 23, 59, 59, 123456, tzinfo=UTC), clock_skew_ms=None, identity={"os": "Debian", "fqdn": "ب"}
    )
    return host(1), host(2), odd, broken


def write(path: Path, *evidence: Evidence) -> str:
    with BundleWriter(path) as writer:
        for one in evidence:
            writer.add(one)
        return writer.finish()


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "a.sova"
    root = write(path, *golden())
    with Bundle(path) as bundle:
        assert bundle.targets == tuple(sorted(one.target.id for one in golden()))
        for one in golden():
            assert bundle.evidence(one.target.id) == one
        assert {one.target.id: one for one in bundle} == {one.target.id: one for one in golden()}
        assert bundle.root() == root == bundle_root({one.target.id: target_digest(one) for one in golden()})
        assert bundle.bytes == sum(len(data) for one in golden() for data in one.artifacts.values())
        assert len(bundle) == 4
        bundle.verify()


def test_the_root_does_not_depend_on_who_answers_first(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a.sova", host(1), host(2)), write(tmp_path / "b.sova", host(2), host(1))
    assert one == two
    with Bundle(tmp_path / "b.sova") as bundle:
        assert bundle.targets == ("ssh://auditor@host1", "ssh://auditor@host2")


def test_an_empty_bundle_is_one(tmp_path: Path) -> None:
    root = write(tmp_path / "a.sova")
    with Bundle(tmp_path / "a.sova") as bundle:
        bundle.verify()
        assert (bundle.targets, bundle.bytes, bundle.root()) == ((), 0, root)


def test_one_target_can_be_shown_alone(tmp_path: Path) -> None:
    """The other targets' digests and this target's manifest and artifacts are all that the root needs."""
    root = write(tmp_path / "a.sova", host(1), host(2))
    with Bundle(tmp_path / "a.sova") as bundle:
        others = json.loads(json.dumps(bundle.digests))
        shown = bundle.evidence("ssh://auditor@host1")
    document = canon.loads_strict(canon.canonical(manifest(shown)))
    assert all(document["artifacts"][name] == canon.digest(data) for name, data in shown.artifacts.items())
    assert set(document) == {
        "artifacts", "gaps", "taken_at", "collector", "identity", "status", "error", "clock_skew_ms", "target",
    }  # fmt: skip
    others["ssh://auditor@host1"] = canon.digest(canon.canonical(document))
    assert canon.digest(canon.canonical(others)) == root


@pytest.mark.parametrize(
    "change",
    [
        {"artifacts": {**host(1).artifacts, "file:/etc/hostname": b"host1"}},
        {"artifacts": {**host(1).artifacts, "file:/etc/x": b""}},
        {"gaps": ()},
        {"gaps": (*host(1).gaps, Gap("file:/x", Reason.DENIED))},
        {"taken_at": host(1).taken_at + timedelta(microseconds=1)},  # type: ignore[operator]
        {"taken_at": None},
        {"collector": "another"},
        {"identity": {"hostname": "other"}},
        {"status": TargetStatus.PARTIAL},
        {"error": "x"},
        {"clock_skew_ms": 1},
        {"clock_skew_ms": None},
        {"target": Target("ssh://auditor@host1", "ssh://auditor@host1:23", "ssh")},
        {"target": Target("ssh://auditor@host1", "ssh://auditor@host1", "root")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_all_that_can_change_a_verdict_changes_the_digest(change: dict[str, object]) -> None:
    assert target_digest(replace(host(1), **change)) != target_digest(host(1))


def test_cost_and_order_and_time_zone_change_no_digest() -> None:
    one = host(1)
    assert one.taken_at is not None
    elsewhere = one.taken_at.astimezone(timezone(timedelta(hours=1)))
    turned = dict(reversed(one.artifacts.items()))
    assert target_digest(replace(one, cost={}, artifacts=turned, taken_at=elsewhere)) == target_digest(one)


def test_names_that_are_not_utf8_are_kept_spelled_out(tmp_path: Path) -> None:
    name = os.fsdecode(b"file:/etc/caf\xe9")
    odd = replace(host(1), artifacts={name: b"x"}, gaps=(Gap(name, Reason.DENIED, name),), error=name, identity={name: name})
    write(tmp_path / "a.sova", odd)
    with Bundle(tmp_path / "a.sova") as bundle:
        found = bundle.evidence(odd.target.id)
    assert dict(found.artifacts) == {"file:/etc/caf\\udce9": b"x"}
    assert target_digest(found) == target_digest(odd)


texts = st.text(max_size=20)


@settings(max_examples=40, deadline=None)
@given(
    artifacts=st.dictionaries(texts, st.binary(max_size=200), max_size=6),
    gaps=st.lists(st.builds(Gap, texts, st.sampled_from(Reason), texts), max_size=4),
    identity=st.dictionaries(texts, texts, max_size=3),
    error=texts,
    skew=st.none() | st.integers(-(2**53) + 1, 2**53 - 1),
    taken_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    status=st.sampled_from(TargetStatus),
)
def test_any_evidence_survives(tmp_path_factory: pytest.TempPathFactory, artifacts, gaps, identity, error, skew, taken_at, status) -> None:  # type: ignore[no-untyped-def]
    one = Evidence(Target("t", "u", "ssh"), status, taken_at, artifacts, tuple(gaps), identity, "c", skew, error)
    path = tmp_path_factory.mktemp("any") / "a.sova"
    write(path, one)
    with Bundle(path) as bundle:
        bundle.verify()
        assert bundle.evidence("t") == one


def test_reading_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "a.sova"
    write(path, host(1))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.sova"]
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes(), path.stat().st_mtime_ns
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    with Bundle(path) as bundle:
        bundle.verify()
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.sova"]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_path_with_marks_that_urls_use(tmp_path: Path) -> None:
    path = tmp_path / "a b?mode=rw#%41\u00e9.sova"
    write(path, host(1))
    with Bundle(path) as bundle:
        assert len(bundle) == 1


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    write(tmp_path / "a.sova", *(host(number) for number in range(10)))
    with sqlite3.connect(tmp_path / "a.sova") as connection:
        (blobs,) = connection.execute("SELECT count(*) FROM blob").fetchone()
        (rows,) = connection.execute("SELECT count(*) FROM artifact").fetchone()
    assert blobs == len(set(host(0).artifacts.values())) + 9
    assert rows == 10 * len(host(0).artifacts)


@pytest.mark.lab
def test_the_dictionary_pays_on_real_files() -> None:
    """It was trained on texts that we made; this is Debian's own /etc, which it has never seen."""
    import zstandard

    from sovaudit.bundle_format import LEVEL, Codec, shipped_dictionary

    codec, plain = Codec(shipped_dictionary()[1]), zstandard.ZstdCompressor(level=LEVEL)
    root = lab.base_root()
    paths = [
        root / "etc" / name for name in ("passwd", "group", "login.defs", "nsswitch.conf", "sudoers", "rsyslog.conf", "ssh/sshd_config")
    ]
    paths += sorted((root / "etc/pam.d").iterdir())
    files = [path.read_bytes() for path in paths if path.is_file()]
    assert len(files) > 15
    assert sum(len(codec.pack(data)) for data in files) < sum(len(plain.compress(data)) for data in files)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "cannot be read"),
        (lambda path: path.mkdir(), "regular file"),
        (lambda path: os.mkfifo(path), "regular file"),
        (lambda path: path.touch(), "not an evidence bundle"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(9000)), "not an evidence bundle"),
        (
            lambda path: sqlite3.connect(path).executescript("CREATE TABLE a (b); INSERT INTO a VALUES (1)").connection.close(),
            "not an evidence bundle",
        ),
    ],
    ids=["missing", "folder", "fifo", "empty", "zip", "other database"],
)
def test_what_is_not_a_bundle_is_a_usage_error(tmp_path: Path, make, says: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "a.sova")
    with pytest.raises(UsageError, match=says):
        Bundle(tmp_path / "a.sova")


def test_a_target_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    write(tmp_path / "a.sova", host(1))
    with Bundle(tmp_path / "a.sova") as bundle, pytest.raises(UsageError, match="not in this bundle"):
        bundle.evidence("ssh://auditor@host2")


def test_a_bundle_of_a_later_format_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.sova"
    write(path, host(1))
    reseal(path, "PRAGMA user_version=2")
    with pytest.raises(IntegrityError, match="format 2"):
        Bundle(path)


def reseal(path: Path, *statements: str) -> None:
    """Change a bundle as someone who knows its format would: its checksum is right again afterwards."""
    from sovaudit.bundle_format import CHECKSUM_AT, file_digest

    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()
    handle = os.open(path, os.O_RDWR)
    os.pwrite(handle, file_digest(handle), CHECKSUM_AT)
    os.close(handle)


def test_a_bundle_of_the_first_release_still_reads() -> None:
    with Bundle(GOLDEN) as bundle:
        bundle.verify()
        assert bundle.root() == GOLDEN_ROOT
        assert bundle.targets == ("ssh://auditor@down", "ssh://auditor@host1", "ssh://auditor@host2", "ssh://auditor@host3")
        down, first, _, odd = bundle
    assert (down.status, down.taken_at, down.artifacts, down.error) == (
        TargetStatus.UNREACHABLE, None, {}, "no answer: été\u202e\x1b[0m",
    )  # fmt: skip
    assert first.artifacts["file:/etc/hostname"] == b"host1\n"
    assert first.artifacts["file:/etc/empty"] == b""
    assert first.gaps == (Gap("file:/etc/shadow", Reason.DENIED),)
    assert first.cost == {"wall_ms": 1, "bytes": 9}
    assert (odd.taken_at, odd.clock_skew_ms) == (datetime(2026, 5, 31, 23, 59, 59, 123456, tzinfo=UTC), None)
    assert odd.identity == {"os": "Debian", "fqdn": "ب"}


if __name__ == "__main__":
    print(write(GOLDEN, *golden()))
