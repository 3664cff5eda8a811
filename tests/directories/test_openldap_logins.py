"""When somebody last came: what a real slapd writes down of it, and what we make of stamps that no longer move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sovaudit.content.checks.least_privilege.dormant import dormant

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.directory import Directory
from sovaudit.facts.parse.ldap_times import Special
from sovaudit.testing import run
from tests import slapd
from tests.directories.openldap_acts import person, uid

pytestmark = pytest.mark.slapd
OLD = "pwdLastSuccess: 20200101000000Z"
ENTRIES = person("came") + person("never") + person("long", OLD) + person("stale", OLD)


@pytest.mark.parametrize("recording", ["TRUE", "FALSE", ""])
@pytest.mark.parametrize("reader", [False, True])
def test_a_stamp_counts_where_stamps_are_made(recording: str, reader: bool) -> None:
    database = f"olcLastBind: {recording}\n" if recording else ""
    with slapd.slapd(ENTRIES, database=database) as server:
        for name in ("came", "stale"):
            assert server.binds(uid(name), f"{name}-Secret-1")
        options = server.options(uid("came"), "came-Secret-1") if reader else server.options()
        directory = Directory(collect(parse_target(server.uri), options))
        last = {name: directory.by_dn[uid(name)].last_login for name in ("came", "never", "long", "stale")}
        if recording == "TRUE":
            now = datetime.now(UTC)
            assert all(isinstance(last[name], datetime) and now - last[name] < timedelta(minutes=5) for name in ("came", "stale"))  # type: ignore[operator]
            assert last["never"] is Special.NEVER and last["long"] == datetime(2020, 1, 1, tzinfo=UTC)
        else:
            assert set(last.values()) == {Special.UNKNOWN}  # `stale` came just now, and its stamp still says 2020
        found = {outcome.subject: outcome.verdict.value for outcome in run(dormant, directory)}
        assert "fail" not in {found.get("came"), found.get("stale")}
        if recording == "TRUE" and not reader:
            assert found["came"] == found["stale"] == "pass" and found["long"] == "fail"
