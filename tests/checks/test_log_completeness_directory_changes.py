"""log-completeness.directory-changes: one source that records and keeps is enough."""

from __future__ import annotations

from sovaudit.content.checks.log_completeness.directory_changes import directory_changes

from sovaudit.testing import directory_with, run, verdicts
from tests.directory_views import slapd_config

SEEN = "{0}to * by dn.exact=cn=auditor read"
LOG = ("olcDatabase={2}mdb,cn=config", {"olcDatabase": ["{2}mdb"], "olcSuffix": ["cn=accesslog"]})
QUIET = {"olcLogLevel": ["none"]}


def answer(*overlays: dict[str, list[str]], settings: dict[str, list[str]] | None = None, **knobs: object) -> str:
    config = slapd_config(SEEN, overlays=overlays, settings=QUIET if settings is None else settings, more=[LOG])
    return verdicts(run(directory_changes, directory_with(config=config), **knobs))["changes"]


def log(ops: str, **more: str) -> dict[str, list[str]]:
    return {"olcOverlay": ["{0}accesslog"], "olcAccessLogDB": ["cn=accesslog"], "olcAccessLogOps": ops.split(",") if ops else [],
            **{key: [value] for key, value in more.items()}}  # fmt: skip


def test_all_of_it_for_ever() -> None:
    assert answer(log("all")) == "pass"
    assert answer(log("writes session")) == "pass"


def test_both_sides_of_the_time() -> None:
    assert answer(log("all", olcAccessLogPurge="182+00:00 1+00:00")) == "pass"
    assert answer(log("all", olcAccessLogPurge="181+23:59 1+00:00")) == "fail"
    assert answer(log("all", olcAccessLogPurge="31+00:00 1+00:00"), months=1) == "pass"


def test_nothing_at_all() -> None:
    assert answer() == "fail"
    assert answer(log("")) == "fail"
    assert answer(log("reads")) == "fail"


def test_the_host_keeps_it() -> None:
    assert answer(settings={"olcLogLevel": ["stats"]}) == "unknown"
    assert answer(settings={"olcLogLevel": ["0x100 sync"]}) == "unknown"
    assert answer(settings={}) == "unknown"  # slapd-config(5) contradicts itself


def test_settings_that_were_not_seen() -> None:
    assert verdicts(run(directory_changes, directory_with())) == {"": "unknown"}


def test_a_kind_of_change_that_is_missing() -> None:
    assert answer(log("add delete modify")) == "fail"
    assert answer(log("add delete modify modrdn", olcAccessLogSuccess="TRUE")) == "pass"
    assert answer(log("session")) == "fail"
    assert answer(log("", olcAccessLogBase="writes dc=example,dc=org")) == "pass"
    assert answer(log("", olcAccessLogBase="writes ou=people,dc=example,dc=org")) == "fail"


def test_a_file_of_the_host() -> None:
    assert answer({"olcOverlay": ["{0}auditlog"], "olcAuditlogFile": ["/var/log/slapd.ldif"]}) == "unknown"
