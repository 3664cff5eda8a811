"""Badge events straight from a table of a real PostgreSQL, started as an ordinary user without systemd."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.badges import BadgeLog, utc
from sovaudit.model.evidence import Evidence
from sovaudit.model.verdict import TargetStatus

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
PASSWORD = "correct horse"
MAP = """
format = "sql"
[time]
zone = "Africa/Casablanca"
[columns]
event_time = "occurred"
source = "controller"
sequence = "n"
access_point = "door"
direction = { column = "inside", map = { true = "in", false = "out" } }
credential = "card"
event = "code"
[events]
1 = "GRANTED"
2 = "DENIED_OTHER"
"""
TABLE = """
CREATE SCHEMA access;
CREATE TABLE access."Events" (n bigint, occurred timestamp, occurred_tz timestamptz, controller text, door int, inside boolean, card numeric(12,0), code smallint, photo bytea);
INSERT INTO access."Events" VALUES
 (1, '2026-03-02 08:00:00', '2026-03-02 09:00:00+01', 'C1', 4, true, 1001, 1, '\\x00'),
 (2, '2026-03-23 08:00:05.25', '2026-03-23 07:00:05.25+00', 'C1', 4, false, 1001, 1, NULL),
 (3, NULL, '2026-03-23 07:00:05.25+00', 'C1', 4, NULL, NULL, 2, NULL);
INSERT INTO access."Events" SELECT 3 + i, '2026-04-01'::timestamp + i * interval '1 second', now(), 'C2', 5, NULL, i, 7, NULL FROM generate_series(1, 25000) i;
CREATE ROLE reader LOGIN PASSWORD 'correct horse';
GRANT USAGE ON SCHEMA access TO reader;
GRANT SELECT ON access."Events" TO reader;
CREATE TABLE access.secret (n int);
"""


class Server:
    def __init__(self, port: int) -> None:
        self.port = port

    def collect(self, table: str, folder: Path, *, user: str = "reader", password: str | None = PASSWORD, maps: str = MAP) -> Evidence:
        (folder / "map.toml").write_text(maps)
        uri = f"badges:postgresql://{user}@127.0.0.1:{self.port}/postgres?table={table}&map={folder}/map.toml"
        return collect(parse_target(uri), CollectOptions(identify=True, sql_password=password))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if not PROGRAMS:
        if os.environ.get("SOVAUDIT_CI"):
            pytest.fail("install what tests/packages.txt names")
        pytest.skip("PostgreSQL is not installed")
    bin_ = PROGRAMS[-1].parent
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    if os.getuid() == 0:
        shutil.chown(folder, user)

    def run(*command: str, text: str = "") -> None:
        prefix = ["setpriv", f"--reuid={user}", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
        subprocess.run([*prefix, *command], check=True, capture_output=True, text=True, input=text, cwd=folder, timeout=120)

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run(
        str(bin_ / "initdb"),
        "-D",
        str(folder / "data"),
        "-U",
        "owner",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        "--no-sync",
        "-E",
        "UTF8",
    )
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c timezone=UTC"
    run(str(bin_ / "pg_ctl"), "-D", str(folder / "data"), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        run(str(bin_ / "psql"), "-h", str(folder), "-p", str(port), "-U", "owner", "-d", "postgres", "-v", "ON_ERROR_STOP=1", text=TABLE)
        yield Server(port)
    finally:
        run(str(bin_ / "pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def test_a_table_becomes_events(server: Server, tmp_path: Path) -> None:
    found = server.collect("access.Events", tmp_path)
    assert found.status is TargetStatus.COLLECTED, found.error
    log = BadgeLog(found)
    sql = (
        "SELECT event_time, source, sequence, access_point, direction, credential, event FROM events WHERE source = 'C1' ORDER BY sequence"
    )
    assert [(utc(at), *rest) for at, *rest in log.query(sql)] == [
        ("2026-03-02 08:00:00Z", "C1", 1, "4", "in", "1001", "GRANTED"),  # in Ramadan the wall clock is UTC
        ("2026-03-23 07:00:05.250Z", "C1", 2, "4", "out", "1001", "GRANTED"),
    ]
    assert log.reading.rows == 25_003
    assert log.reading.refused == {"time": 1}
    assert log.reading.unmapped == {"7": 25_000}
    assert found.target.uri.count(PASSWORD) == 0


def test_moments_with_a_zone_are_themselves(server: Server, tmp_path: Path) -> None:
    log = BadgeLog(server.collect("access.Events", tmp_path, maps=MAP.replace('"occurred"', '"occurred_tz"')))
    rows = log.query("SELECT event_time FROM events WHERE source = 'C1' ORDER BY sequence")
    assert [utc(at) for (at,) in rows] == ["2026-03-02 08:00:00Z", "2026-03-23 07:00:05.250Z", "2026-03-23 07:00:05.250Z"]


@pytest.mark.parametrize(
    ("table", "more", "says"),
    [
        ("access.Nothing", {}, "has no table"),
        ("access.secret", {}, "has no column"),
        ("access.Events", {"maps": MAP.replace('"door"', '"gate"')}, "has no column 'gate'"),
        ("access.Events", {"password": "wrong"}, "password authentication failed"),
        ("access.Events", {"user": "stranger"}, "password authentication failed"),
    ],
)
def test_what_a_database_refuses_is_one_line(server: Server, tmp_path: Path, table: str, more: dict[str, str], says: str) -> None:
    found = server.collect(table, tmp_path, **more)  # type: ignore[arg-type]
    assert not found.collected
    assert says in found.error
    assert "\n" not in found.error and PASSWORD not in found.error


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    found = Server(1).collect("x", tmp_path)
    assert found.status is TargetStatus.UNREACHABLE
    assert "did not answer" in found.error
