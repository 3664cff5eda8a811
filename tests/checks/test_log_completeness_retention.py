from __future__ import annotations

from datetime import timedelta

import pytest

from checks.log_completeness.retention import retention
from sovaudit.facts.host import Host
from sovaudit.testing import NOW, archive_with, host_with, run, verdicts, without
from tests.log_hosts import NO_JOURNAL, log_evidence, log_host

AUTH = "/var/log/auth.log"
ROTATE = "/etc/logrotate.d/rsyslog"


def stanza(options: str) -> dict[str, str | None]:
    return {**NO_JOURNAL, ROTATE: AUTH + " {\n" + options + "}\n"}


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize(
    ("options", "months", "wanted"),
    [
        ("weekly\nrotate 26\n", 6, "pass"), ("weekly\nrotate 25\n", 6, "fail"), ("daily\nrotate 182\n", 6, "pass"),
        ("daily\nrotate 181\n", 6, "fail"),
        ("monthly\nrotate 6\n", 6, "pass"), ("monthly\nrotate 5\n", 6, "fail"), ("yearly\nrotate 1\n", 6, "pass"), ("yearly\nrotate 1\n", 12, "pass"),
        ("yearly\nrotate 1\n", 13, "fail"), ("weekly\nrotate 53\n", 12, "pass"), ("weekly\nrotate 52\n", 12, "fail"),
        ("daily\nrotate 365\n", 12, "pass"),
        ("monthly\nrotate 0\n", 6, "fail"), ("monthly\nrotate -1\n", 6, "pass"), ("monthly\nrotate -1\nmaxage 90\n", 6, "fail"), ("", 6, "fail"),
        ("monthly\nrotate 12\nmaxage 30\n", 6, "fail"), ("monthly\nrotate 12\nmaxage 182\n", 6, "pass"),
        ("monthly\nrotate 12\nmaxage 181\n", 6, "fail"),
        ("hourly\nrotate 4368\n", 6, "pass"), ("hourly\nrotate 4367\n", 6, "fail"), ("size 10M\nrotate 400\n", 6, "unknown"),
        ("monthly\nmaxsize 1G\nrotate 12\n", 6, "unknown"), ("weekly\nmaxsize 1G\nrotate 4\n", 6, "fail"),
        ("monthly\nminsize 1G\nrotate 6\n", 6, "pass"),
        ("size 10M\nmonthly\nrotate 6\n", 6, "pass"),
    ],
)  # fmt: skip
def test_what_a_stanza_promises(kind: str, options: str, months: int, wanted: str) -> None:
    assert verdicts(run(retention, log_host(stanza(options), kind=kind), months=months)) == {AUTH: wanted}


@pytest.mark.parametrize("kind", ["ssh", "root"])
def test_a_file_that_nobody_rotates_is_kept(kind: str) -> None:
    assert verdicts(run(retention, log_host({**NO_JOURNAL, ROTATE: None}, kind=kind))) == {AUTH: "pass"}
    links = {"/etc/systemd/system/timers.target.wants/logrotate.timer": None}
    assert verdicts(run(retention, log_host(stanza("daily\nrotate 1\n"), links=links, kind=kind))) == {AUTH: "pass"}


def test_cron_starts_it_too() -> None:
    links = {"/etc/systemd/system/timers.target.wants/logrotate.timer": None}
    job = {**stanza("daily\nrotate 1\n"), "/etc/cron.daily/logrotate": "#!/bin/sh\n/usr/sbin/logrotate /etc/logrotate.conf\n"}
    runs = {"/etc/cron.daily/logrotate": (0o755, 0, 0)}
    assert verdicts(run(retention, log_host(job, links=links, modes=runs))) == {AUTH: "pass"}  # nothing starts cron
    cron: dict[str, str | None] = {"/etc/systemd/system/multi-user.target.wants/cron.service": "/lib/systemd/system/cron.service"}
    assert verdicts(run(retention, log_host(job, links={**links, **cron}, modes=runs))) == {AUTH: "fail"}
    assert verdicts(run(retention, log_host(job, links={**links, **cron}))) == {AUTH: "pass"}  # not executable: run-parts skips it


def test_the_timers_service() -> None:
    job = stanza("daily\nrotate 1\n")
    assert verdicts(run(retention, log_host(job))) == {AUTH: "fail"}
    assert verdicts(run(retention, log_host(job, links={"/etc/systemd/system/logrotate.service": "/dev/null"}))) == {AUTH: "pass"}
    other = {"/etc/systemd/system/logrotate.service.d/x.conf": "[Service]\nExecStart=\nExecStart=/usr/sbin/logrotate /etc/other.conf\n"}
    assert verdicts(run(retention, log_host({**job, **other}))) == {AUTH: "unknown"}


@pytest.mark.parametrize(("age", "wanted"), [(182, "pass"), (181, "unknown")])
def test_an_old_record_proves_what_a_size_does_not(age: int, wanted: str) -> None:
    first = (NOW - timedelta(days=age)).isoformat()[:32]
    host = log_host(
        stanza("size 10M\nrotate 9\n"),
        artifacts={"log-starts": f"{AUTH}\t2026-05-30T00:00:00\n{AUTH}.9\t{first}\n/var/log/authx\t2020-01-01T00:00\n"},
    )
    assert verdicts(run(retention, host)) == {AUTH: wanted}


def test_a_record_without_a_year_is_taken_as_young_as_can_be() -> None:
    host = log_host(stanza("size 10M\nrotate 9\n"), artifacts={"log-starts": f"{AUTH}\tNov  1 00:00:00 host sshd\n"})
    assert verdicts(run(retention, host)) == {AUTH: "pass"}
    host = log_host(stanza("size 10M\nrotate 9\n"), artifacts={"log-starts": f"{AUTH}\tMay 31 00:00:00 host sshd\n"})
    assert verdicts(run(retention, host)) == {AUTH: "unknown"}


def journal_only(settings: str) -> dict[str, str | None]:
    return {"/etc/rsyslog.d/0.conf": "*.* stop\n", "/etc/systemd/journald.conf": f"[Journal]\n{settings}"}


@pytest.mark.parametrize(
    ("settings", "age", "wanted"),
    [
        ("", 182, "pass"), ("", 181, "unknown"), ("", None, "unknown"), ("MaxRetentionSec=1month\n", 200, "fail"),
        ("MaxRetentionSec=182day\n", 10, "unknown"),
        ("MaxRetentionSec=181day\n", 10, "fail"), ("MaxRetentionSec=6month\n", 200, "pass"), ("MaxRetentionSec=0\n", 200, "pass"),
        ("MaxRetentionSec=soon\n", 200, "pass"), ("MaxRetentionSec=1week 3days\n", 200, "fail"),
    ],
)  # fmt: skip
def test_the_journal_promises_no_time(settings: str, age: int | None, wanted: str) -> None:
    oldest = {} if age is None else {"journal-oldest": (0, f"{int((NOW - timedelta(days=age)).timestamp())}\n")}
    assert verdicts(run(retention, log_host(journal_only(settings), commands=oldest))) == {"journal": wanted}


def test_an_archived_journal_tells_its_age_by_name() -> None:
    when = int((NOW - timedelta(days=200)).timestamp() * 10**6)
    name = f"/var/log/journal/0123456789abcdef0123456789abcdef/system@0123456789abcdef0123456789abcdef-0000000000000001-{when:016x}.journal"
    host = log_host(journal_only(""), kind="root", modes={name: (0o640, 0, 0)})
    assert verdicts(run(retention, host)) == {"journal": "pass"}


def test_files_that_keep_the_same_events_speak_for_the_journal() -> None:
    assert verdicts(run(retention, log_host())) == {AUTH: "pass", "journal": "pass"}
    short = {ROTATE: AUTH + " {\nweekly\nrotate 4\n}\n"}
    assert verdicts(run(retention, log_host(short))) == {AUTH: "fail", "journal": "unknown"}


def test_nothing_on_disk_fails() -> None:
    assert verdicts(run(retention, log_host({**NO_JOURNAL, "/etc/rsyslog.d/0.conf": "*.* stop\n"}))) == {"": "fail"}
    assert verdicts(run(retention, host_with(kind="root"))) == {"": "not_applicable"}


def test_names_made_by_a_template() -> None:
    by_program = {**NO_JOURNAL, "/etc/rsyslog.conf": 'module(load="imuxsock")\n$template T,"/var/log/%programname%.log"\n*.* ?T\n'}
    by_program[ROTATE] = "/var/log/s*.log {\nweekly\nrotate 26\n}\n/var/log/login.log {\nweekly\nrotate 2\n}\n"
    found = verdicts(run(retention, log_host(by_program)))
    assert found == {f"/var/log/{name}.log": "pass" for name in ("sshd", "sudo", "su")} | {"/var/log/login.log": "fail"}
    by_host = {**NO_JOURNAL, "/etc/rsyslog.conf": 'module(load="imuxsock")\n$template T,"/var/log/%hostname%.log"\n*.* ?T\n'}
    assert set(verdicts(run(retention, log_host(by_host))).values()) == {"unknown"}


def test_unseen_rotation_is_unknown() -> None:
    assert verdicts(run(retention, log_host(NO_JOURNAL, unseen=[ROTATE]))) == {AUTH: "unknown"}
    assert verdicts(run(retention, log_host(NO_JOURNAL, unseen=["/etc/logrotate.conf"]))) == {AUTH: "unknown"}


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize(
    "changes", [stanza("weekly\nrotate 4\n"), stanza("size 1M\nrotate 4\n"), {}, journal_only("MaxRetentionSec=1day\n")]
)
def test_less_evidence_never_helps(kind: str, changes: dict[str, str | None]) -> None:
    evidence = log_evidence(changes, kind=kind, artifacts={"log-starts": f"{AUTH}\t2026-05-30T00:00:00\n"})
    before = verdicts(run(retention, Host(evidence)))
    for artifact in evidence.artifacts:
        after = verdicts(run(retention, Host(without(evidence, artifact))))
        for subject, verdict in after.items():
            if verdict in ("pass", "not_applicable"):
                assert before.get(subject) in ("pass", "not_applicable"), (artifact, subject)


@pytest.mark.parametrize(
    ("source", "months", "wanted"),
    [
        ({"days": 184}, 6, "pass"), ({"days": 182}, 6, "pass"), ({"days": 181}, 6, "unknown"),
        ({"days": 366}, 12, "pass"), ({"days": 364}, 12, "unknown"),
        ({"days": 200, "hours": [5] * 1000 + [-1600] + [5] * 2200}, 6, "fail"),
        ({"days": 200, "hours": [5] * 1000 + [-700] + [5] * 3100}, 6, "pass"),
    ],
)  # fmt: skip
def test_an_archive_is_judged_by_what_is_there(source: dict[str, object], months: int, wanted: str) -> None:
    assert verdicts(run(retention, archive_with({"web": source}), months=months)) == {"web": wanted}


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"register": [{"source": "WEB", "since": "2025-01-01"}]}, "fail"),
        ({"register": [{"source": "web", "since": "2026-04-01"}]}, "unknown"),
        ({"register": [{"source": "web"}]}, "unknown"),
        ({"numbers": [{"source": "web", "low": 700, "high": 900}]}, "fail"),
        ({"numbers": [{"source": "web", "low": 1, "high": 900}]}, "unknown"),
        ({"numbers": [{"source": "web", "scheme": "audit", "low": 700, "high": 900}]}, "unknown"),
        (
            {
                "files": [{"name": "s.9", "chain": "syslog", "troubles": {"cut-short": 1}}],
                "register": [{"source": "web", "since": "2025-01-01"}],
            },
            "unknown",
        ),
    ],
)
def test_what_shows_that_older_records_were_there(more: dict[str, object], wanted: str) -> None:
    assert verdicts(run(retention, archive_with({"web": {"days": 60}}, **more))) == {"web": wanted}


def test_a_host_is_as_old_as_its_oldest_chain() -> None:
    assert verdicts(run(retention, archive_with({"web": {"days": 20}, "Web": {"days": 200, "chain": "auth.log"}}))) == {"Web": "pass"}


def test_an_empty_archive_keeps_nothing_that_we_know() -> None:
    assert verdicts(run(retention, archive_with())) == {"": "unknown"}
