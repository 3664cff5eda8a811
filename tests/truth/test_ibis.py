"""The questions through Ibis give what our own SQL gives: on DuckDB, and on Spark in local mode where there is one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import badge_log
from sovaudit import ibis_questions as questions
from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.badges import BadgeLog
from sovaudit.tables import assemble

pytest.importorskip("ibis", reason="the extra ibis is not installed")


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year")
    badge_log.write(folder, 30_000)
    found = collect(parse_target(f"badges:{folder}/log.csv?map={folder}/map.toml"), CollectOptions(identify=True))
    said = json.loads(found.artifacts["badges/source"])["events"]
    assemble(found.artifacts, "badges/events.parquet", said, folder / "events.parquet")
    return folder


@pytest.fixture(scope="module", params=["duckdb", "pyspark"])
def connection(request: pytest.FixtureRequest) -> Iterator[Any]:
    import ibis

    if request.param == "duckdb":
        yield ibis.duckdb.connect()
        return
    spark = pytest.importorskip("pyspark.sql", reason="PySpark is not installed")
    if not shutil.which("java"):
        pytest.skip("there is no Java for Spark")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    session = (
        spark.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )
    yield ibis.pyspark.connect(session)
    session.stop()


def answers(table: Any) -> list[tuple[Any, ...]]:
    rows = table.to_pyarrow().to_pylist()
    return sorted(tuple(row.values()) for row in rows)


def test_equal_answers(connection: Any, year: Path) -> None:
    import ibis

    found = collect(parse_target(f"badges:{year}/log.csv?map={year}/map.toml"), CollectOptions(identify=True))
    log = BadgeLog(found)
    events = connection.read_parquet(str(year / "events.parquet"))
    ours = log.query(
        "WITH s AS (SELECT source, sequence - lag(sequence) OVER w AS step, lag(event_time) OVER w - event_time AS back FROM events "
        "WHERE sequence IS NOT NULL WINDOW w AS (PARTITION BY source ORDER BY sequence, event_time)) "
        "SELECT source, coalesce(sum(greatest(step - 1, 0)), 0)::BIGINT, count(*) FILTER (step = 0), count(*) FILTER (back > 2000) "
        "FROM s GROUP BY source ORDER BY source"
    )
    assert answers(questions.numbering(events)) == ours
    assert sum(row[1] for row in ours) > 0 and sum(row[2] for row in ours) > 0

    ends = [(badge, at) for badge, at in log.query("SELECT credential, valid_to FROM credentials ORDER BY credential") if at is not None]
    mine = log.query(
        "SELECT e.credential, count(*) FROM events e JOIN credentials c ON e.credential = c.credential "
        "WHERE event = 'GRANTED' AND event_time >= valid_to GROUP BY e.credential ORDER BY e.credential"
    )
    table = ibis.memtable([{"badge": badge, "at": at} for badge, at in ends])
    assert answers(questions.used_after(events, table)) == mine
    assert mine

    sites = ibis.memtable(
        [{"reader": reader, "place": site} for reader, site in log.query("SELECT access_point, site FROM doors ORDER BY 1")]
    )
    ways = [(a, b, minutes) for a, b, minutes in log.query("SELECT site_a, site_b, minutes FROM travel ORDER BY 1, 2")]
    travel = ibis.memtable([{"start": a, "end": b, "minutes": minutes} for one, two, minutes in ways for a, b in ((one, two), (two, one))])
    quick = log.query(
        "WITH p AS (SELECT credential, event_time, source, sequence, d.site AS site FROM events e JOIN doors d USING (access_point) "
        "WHERE credential IS NOT NULL AND event = 'GRANTED'), "
        "w AS (SELECT lag(site) OVER w AS a, site AS b, event_time - lag(event_time) OVER w AS took FROM p "
        "WINDOW w AS (PARTITION BY credential ORDER BY event_time, source, sequence)) "
        "SELECT a, b, count(*) FROM w JOIN travel t ON (a = site_a AND b = site_b) OR (a = site_b AND b = site_a) "
        "WHERE a <> b AND took < minutes * 60000 GROUP BY a, b ORDER BY a, b"
    )
    assert answers(questions.quick_ways(events, sites, travel)) == quick
    assert quick
