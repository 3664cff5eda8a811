"""No changed byte goes unseen: in a bundle, wherever it stands; in a report; in its seal.

Two attackers: one who flips bytes, and one who knows the format and makes the checksum right again.
"""

from __future__ import annotations

import os
import random
import re
import sqlite3
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from sovaudit.bundle import Bundle
from sovaudit.bundle_format import CHECKSUM_AT, PAGE, check_file, key, shipped_dictionary
from sovaudit.engine import judge
from sovaudit.errors import IntegrityError, SovauditError
from sovaudit.model.evidence import Evidence
from sovaudit.registry import load_checks
from sovaudit.testing import badge_evidence
from tests.test_badge_properties import Chosen
from tests.test_bundle import host, reseal, write

Tamper = Callable[[Path], None]
CHECKS = [Chosen(check) for check in load_checks().values() if check.id.startswith("physical-access.")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "a.sova", host(1), host(2))
    return tmp_path / "a.sova"


def refused(path: Path) -> str:
    with pytest.raises(IntegrityError) as raised, Bundle(path) as bundle:
        bundle.verify()
    assert str(path) in str(raised.value)
    return str(raised.value)


def test_every_flipped_byte_of_a_bundle_is_seen(path: Path) -> None:
    """All of the two header pages' first bytes and the checksum, and a sample of the rest, each bit of the byte at random."""
    good = path.read_bytes()
    chance = random.Random(5)
    places = {
        *range(130),
        *range(CHECKSUM_AT - 60, CHECKSUM_AT + 32),
        *(p * PAGE for p in range(len(good) // PAGE)),
        *range(0, len(good), 53),
    }
    for place in sorted(places):
        changed = bytearray(good)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(IntegrityError):
            Bundle(path)


@pytest.mark.parametrize("size", [-1, -PAGE, -2 * PAGE, PAGE, 2 * PAGE - 1, 100])
def test_a_shortened_bundle_is_seen(path: Path, size: int) -> None:
    os.truncate(path, size if size > 0 else path.stat().st_size + size)
    refused(path)


@pytest.mark.parametrize("more", [b"\0", b"x" * PAGE, bytes(PAGE)])
def test_a_lengthened_bundle_is_seen(path: Path, more: bytes) -> None:
    with path.open("ab") as file:
        file.write(more)
    refused(path)


def test_a_bundle_whose_checksum_is_taken_away_is_not_finished(path: Path) -> None:
    changed = bytearray(path.read_bytes())
    changed[CHECKSUM_AT : CHECKSUM_AT + 32] = bytes(32)
    path.write_bytes(changed)
    assert "not finished" in refused(path)


@pytest.mark.parametrize("journal", ["-journal", "-wal"])
def test_a_journal_beside_a_finished_bundle_is_refused(path: Path, journal: str) -> None:
    Path(str(path) + journal).write_bytes(b"x")
    assert "stands beside it" in refused(path)


SCHEMA = {
    "a table": "CREATE TABLE extra (a)",
    "an empty view": "CREATE VIEW v AS SELECT 1",
    "a view over targets": "CREATE VIEW targets AS SELECT * FROM target WHERE id = 1",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON target BEGIN DELETE FROM artifact; END",
    "an index": "CREATE INDEX i ON blob (size)",
    "a column": "ALTER TABLE target ADD COLUMN note TEXT",
    "a renamed table": "ALTER TABLE name RENAME TO names",
    "a missing table": "DROP TABLE artifact",
    "a virtual table": "CREATE VIRTUAL TABLE f USING fts4(a)",
    "statistics": "ANALYZE",
    "another application": "PRAGMA application_id=7",
}


@pytest.mark.parametrize("statement", SCHEMA.values(), ids=SCHEMA)
def test_another_schema_is_refused(path: Path, statement: str) -> None:
    reseal(path, statement)
    refused(path)


def test_a_view_in_place_of_a_table_is_refused(path: Path) -> None:
    reseal(
        path,
        "ALTER TABLE target RENAME TO hidden",
        "CREATE VIEW target AS SELECT id, name, sha256, size, head, cost FROM hidden WHERE id = 1",
    )
    refused(path)


def test_a_schema_whose_words_were_rewritten_is_refused(path: Path) -> None:
    reseal(
        path,
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'size INTEGER NOT NULL, data', 'size INTEGER, data') WHERE name = 'blob'",
    )
    refused(path)


def test_two_tables_on_one_page_are_refused(path: Path) -> None:
    reseal(
        path,
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'name') WHERE name = 'blob'",
    )
    refused(path)


ROWS = {
    "a blob of nobody": "INSERT INTO blob VALUES (999, zeroblob(32), 0, x'28b52ffd0000010000')",
    "a name of nobody": "INSERT INTO name VALUES (999, 'stray')",
    "an artifact of nobody": "INSERT INTO artifact VALUES (999, 1, 1)",
    "an artifact without blob": "INSERT INTO artifact VALUES (1, (SELECT max(name) FROM artifact), 999) ON CONFLICT DO UPDATE SET blob = 999",
    "an artifact without name": "UPDATE artifact SET name = 999 WHERE target = 1 AND name = 1",
    "a second checksum": "INSERT INTO checksum VALUES (zeroblob(48))",
    "no checksum": "DELETE FROM checksum",
    "a second dictionary": "INSERT INTO dictionary SELECT 2, sha256, size, data FROM dictionary",
    "no dictionary": "DELETE FROM dictionary",
    "another dictionary's digest": "UPDATE dictionary SET sha256 = zeroblob(32)",
    "another dictionary's size": "UPDATE dictionary SET size = size + 1",
    "a dictionary as text": "UPDATE dictionary SET data = 'text'",
    "a huge dictionary": "UPDATE dictionary SET size = 9223372036854775807",
    "an artifact less": "DELETE FROM artifact WHERE target = 1 AND name = 1",
    "a renamed artifact": "UPDATE name SET text = 'file:/etc/other' WHERE id = 1",
    "a swapped blob": "UPDATE artifact SET blob = (SELECT max(id) FROM blob) WHERE target = 1 AND name = 1",
    "another blob's digest": "UPDATE blob SET sha256 = zeroblob(32) WHERE id = 1",
    "a larger size": "UPDATE blob SET size = size + 1 WHERE id = 1",
    "a negative size": "UPDATE blob SET size = -1 WHERE id = 1",
    "a size as text": "UPDATE blob SET size = 'many' WHERE id = 1",
    "a size as float": "UPDATE blob SET size = 1e300 WHERE id = 1",
    "a blob as text": "UPDATE blob SET data = 'text' WHERE id = 1",
    "a blob and more": "UPDATE blob SET data = data || x'00' WHERE id = 1",
    "a blob twice": "UPDATE blob SET data = data || data WHERE id = 1",
    "a renamed target": "UPDATE target SET name = 'ssh://auditor@other' WHERE id = 1",
    "a target as blob": "UPDATE target SET name = x'41' WHERE id = 1",
    "a name that is not UTF-8": "UPDATE name SET text = CAST(x'ff' AS TEXT) WHERE id = 1",
    "a target that is not UTF-8": "UPDATE target SET name = CAST(x'ff' AS TEXT) WHERE id = 1",
    "another target's digest": "UPDATE target SET sha256 = (SELECT sha256 FROM target WHERE id = 2) WHERE id = 1",
    "a short digest": "UPDATE target SET sha256 = x'00' WHERE id = 1",
    "another target's head": "UPDATE target SET head = (SELECT head FROM target WHERE id = 2) WHERE id = 1",
    "an empty head": "UPDATE target SET head = x'' WHERE id = 1",
    "another total": "UPDATE target SET size = size - 1 WHERE id = 1",
    "a total beyond any target": "UPDATE target SET size = 1 << 62 WHERE id = 1",
    "a cost that is no number": 'UPDATE target SET cost = \'{"wall_ms":"1"}\' WHERE id = 1',
    "a cost that is not canonical": "UPDATE target SET cost = '{ }' WHERE id = 1",
    "a cost that is nested": "UPDATE target SET cost = printf('%.*c', 100000, '[') WHERE id = 1",
}


@pytest.mark.parametrize("statement", ROWS.values(), ids=ROWS)
def test_other_rows_are_refused(path: Path, statement: str) -> None:
    reseal(path, statement)
    refused(path)


_PIECE = "(SELECT a.blob FROM artifact a JOIN name n ON n.id = a.name WHERE n.text = 'badges/events.parquet/000')"
_SOURCE = "(SELECT a.blob FROM artifact a JOIN name n ON n.id = a.name WHERE n.text = 'badges/source')"
PIECES = {
    "a byte": f"UPDATE blob SET data = CAST(substr(data, 1, length(data) - 1) || x'7b' AS BLOB) WHERE id = {_PIECE}",
    "another's bytes": f"UPDATE blob SET (size, data) = (SELECT size, data FROM blob WHERE id = {_SOURCE}) WHERE id = {_PIECE}",
    "another's place": f"UPDATE artifact SET blob = {_SOURCE} WHERE blob = {_PIECE}",
    "no bytes": f"UPDATE blob SET data = x'' WHERE id = {_PIECE}",
    "another digest": f"UPDATE blob SET sha256 = zeroblob(32) WHERE id = {_PIECE}",
    "another number": "UPDATE name SET text = 'badges/events.parquet/001' WHERE text = 'badges/events.parquet/000'",
    "another size": f"UPDATE blob SET size = size + (id = {_PIECE}) - (id = {_SOURCE}) WHERE id IN ({_PIECE}, {_SOURCE})",
}


@pytest.mark.parametrize("statement", PIECES.values(), ids=PIECES)
def test_tables_are_held_against_their_digests_when_they_are_read(statement: str, tmp_path: Path) -> None:
    """Not all of them when evidence is opened: whoever verifies is told, and whoever judges without verifying gets no verdict."""
    path = tmp_path / "a.sova"
    write(path, badges_with_doors())
    reseal(path, statement)
    assert re.search("badges|of no artifact", refused(path))
    with pytest.raises(IntegrityError), Bundle(path) as bundle:
        list(judge(CHECKS, bundle))


def test_a_bundle_that_is_rewritten_while_it_is_judged_gives_no_verdict(tmp_path: Path) -> None:
    """Whoever can write to it makes another blob's row agree with itself; the target's digest had named the other."""
    path = tmp_path / "a.sova"
    write(path, badges_with_doors())
    with Bundle(path) as bundle:
        (evidence,) = bundle
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("CREATE TEMP TABLE was AS SELECT * FROM blob")
        connection.execute("DELETE FROM blob")
        connection.execute("INSERT INTO blob SELECT id % (SELECT max(id) FROM was) + 1, sha256, size, data FROM was")
        connection.close()
        bundle._connection.execute("PRAGMA shrink_memory")  # as a large bundle does by itself
        for name in evidence.artifacts:
            with pytest.raises(IntegrityError, match=f"{name} of badges:.* does not have its digest"):
                _ = evidence.artifacts[name]
        with pytest.raises(IntegrityError):
            list(judge(CHECKS, [evidence]))


def badges_with_doors() -> Evidence:
    rows = [{"event_time": f"2026-03-02 08:{minute:02}", "credential": "B1", "access_point": "D1"} for minute in range(30)]
    return badge_evidence(rows, doors=[{"access_point": "D1", "area_to": "A"}])


def test_a_free_page_is_refused(path: Path) -> None:
    reseal(path, "CREATE TABLE extra (a)", "INSERT INTO extra VALUES (zeroblob(9000))", "DROP TABLE extra")
    assert "freelist_count" in refused(path)


def test_one_artifact_more_is_refused(path: Path) -> None:
    reseal(path, "INSERT INTO name VALUES (999, 'file:/etc/more')", "INSERT INTO artifact VALUES (1, 999, 1)")
    assert "bytes" in refused(path) or "digest" in refused(path)


def test_an_index_that_disagrees_with_its_table_is_refused(path: Path) -> None:
    """The same text in both rows of the table, two in its index: found by reading everything, and no read answers from the index."""
    good = path.read_bytes()
    names = sorted(name.encode() for name in host(1).artifacts if len(name) == len("file:/etc/group"))
    assert len(names) >= 2
    table = good.index(names[0])
    changed = bytearray(good)
    places = [place for place in range(len(good)) if good.startswith(names[0], place)]
    assert len(places) == 2, "once in the table, once in the index"
    changed[table : table + len(names[0])] = names[1]
    path.write_bytes(changed)
    reseal(path)
    refused(path)


def test_a_bomb_is_not_inflated(path: Path) -> None:
    import zstandard

    zeros = bytes(1 << 20)
    packer = zstandard.ZstdCompressor(level=1).compressobj(size=200 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(200)) + packer.flush()
    assert len(bomb) < 100_000
    for size in (0, 1000, 200 << 20):
        write_anew(path)
        connection = sqlite3.connect(path)
        with connection:
            connection.execute("UPDATE blob SET data = ?, size = ? WHERE id = 1", (bomb, size))
            connection.execute("UPDATE target SET size = ?", (min(size + 5000, 127 << 20),))
        connection.close()
        reseal(path)
        tracemalloc.start()
        refused(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 << 20


def test_a_bomb_as_dictionary_is_not_inflated(path: Path) -> None:
    import zstandard

    bomb = zstandard.ZstdCompressor().compress(bytes(50 << 20))
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE dictionary SET data = ?, size = ?, sha256 = ?", (bomb, 50 << 20, key(bytes(50 << 20))))
    connection.close()
    reseal(path)
    assert "dictionary" in refused(path)


def test_a_frame_that_does_not_say_its_size_is_refused(path: Path) -> None:
    import zstandard

    dictionary = zstandard.ZstdCompressionDict(shipped_dictionary()[1])
    connection = sqlite3.connect(path)
    (size,) = connection.execute("SELECT size FROM blob WHERE id = 1").fetchone()
    frame = zstandard.ZstdCompressor(dict_data=dictionary, write_content_size=False).compress(bytes(size))
    with connection:
        connection.execute("UPDATE blob SET data = ? WHERE id = 1", (frame,))
    connection.close()
    reseal(path)
    refused(path)


def test_other_evidence_that_holds_has_another_root(path: Path, tmp_path: Path) -> None:
    """Whoever writes a whole new bundle is not refused by the bundle, but by its root, which the signed report names."""
    with Bundle(path) as bundle:
        before = bundle.root()
    assert write(tmp_path / "b.sova", host(1), host(3)) != before


def test_a_file_that_is_swapped_while_it_is_opened_is_seen(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = path.with_name("b.sova")
    write(other, host(3))
    import sovaudit.bundle as module

    def and_swap(handle: int, where: str) -> None:
        check_file(handle, where)
        os.replace(other, path)

    monkeypatch.setattr(module, "check_file", and_swap)
    with pytest.raises(IntegrityError, match="changed while"):
        Bundle(path)


def test_any_rubbish_that_calls_itself_ours_is_refused(path: Path) -> None:
    good = path.read_bytes()
    chance = random.Random(9)
    for _ in range(60):
        changed = bytearray(good)
        for _ in range(chance.randint(1, 40)):
            place = chance.randrange(100, len(good))
            changed[place] = chance.randrange(256)
        changed[CHECKSUM_AT - 16 : CHECKSUM_AT] = good[CHECKSUM_AT - 16 : CHECKSUM_AT]
        path.write_bytes(changed)
        restamp(path)
        try:
            with Bundle(path) as bundle:
                bundle.verify()
                kept = {one.target.id: one for one in bundle}
        except SovauditError:
            continue
        assert kept == {host(n).target.id: host(n) for n in (1, 2)}, "it holds, so it must say the same"


def restamp(path: Path) -> None:
    from sovaudit.bundle_format import file_digest

    handle = os.open(path, os.O_RDWR)
    os.pwrite(handle, file_digest(handle), CHECKSUM_AT)
    os.close(handle)


def write_anew(path: Path) -> None:
    path.unlink()
    write(path, host(1), host(2))
