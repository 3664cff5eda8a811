from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from checks.log_completeness.reconciled import reconciled
from sovaudit.facts.host import Host
from sovaudit.facts.log_archive import LogArchive
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason
from sovaudit.testing import NOW, archive_with, run, verdicts
from tests.log_hosts import RSYSLOG, log_evidence

END = int(NOW.timestamp())
Row = tuple[str, int, str, str, str]


def rows(count: int = 100, *, host: str = "web", without: tuple[int, ...] = (), every: int = 60) -> list[Row]:
    return [(host, END - number * every, "sshd", str(number), f"{number:016x}") for number in range(count) if number not in without]


def copies(own: list[Row], collected: list[Row], *, ago: int = 0, **more: object) -> tuple[LogArchive, ...]:
    return (
        archive_with({"web": {"days": 1, "ago": ago}, "db": {"days": 1, "ago": ago}}, records=collected, target="logs:/collector"),
        archive_with({"web": {"days": 1}}, records=own, host="web", target="logs:/copy?host=web", **more),
    )


@pytest.mark.parametrize(
    ("own", "collected", "wanted"),
    [
        pytest.param(rows(), rows(), "pass", id="the same"),
        pytest.param(rows(), [*rows(), *rows(host="db")], "pass", id="the collector knows other hosts"),
        pytest.param(rows(), rows(host="WEB.example.com"), "pass", id="by its full name"),
        pytest.param(rows(), rows(without=(70,)), "fail", id="one is missing at the collector"),
        pytest.param(rows(without=(70,)), rows(), "fail", id="one was removed on the host"),
        pytest.param(rows(), rows(without=(60,)), "fail", id="an hour old, and not there"),
        pytest.param(rows(), rows(without=(59,)), "pass", id="younger than an hour: perhaps queued"),
        pytest.param([*rows(), *rows()], rows(), "fail", id="as often as it was written"),
        pytest.param(rows(), [*rows(), *rows()], "pass", id="sent again"),
        pytest.param(rows(), [(*row[:4], "f" * 16) if row[3] == "70" else row for row in rows()], "fail", id="another message"),
        pytest.param(rows(), [(row[0], row[1] - 3600, *row[2:]) for row in rows(every=61)], "unknown", id="nothing agrees"),
        pytest.param([], [], "unknown", id="nothing to compare"),
        pytest.param(rows(), [], "fail", id="the collector has none of it"),
    ],
)
def test_two_copies(own: list[Row], collected: list[Row], wanted: str) -> None:
    assert verdicts(run(reconciled, copies(own, collected), None)) == {"web": wanted}


def test_a_journal_against_what_a_daemon_wrote() -> None:
    """journald knows every process; of a program that does not say its own, a syslog daemon writes none, and a little later."""
    journal = [{"name": "web.export", "chain": "web.export", "format": "journal-export"}]
    sudo = [other(row, program="sudo") for row in rows()]
    there = [other(row, process="", at=row[1] + 1) for row in sudo]
    assert verdicts(run(reconciled, copies(sudo, there, files=journal), None)) == {"web": "pass"}
    assert verdicts(run(reconciled, copies(sudo, [*there[:70], *there[71:]], files=journal), None)) == {"web": "fail"}
    assert verdicts(run(reconciled, copies([*sudo[:70], *sudo[71:]], there, files=journal), None)) == {"web": "fail"}
    assert verdicts(run(reconciled, copies(sudo, there), None)) == {"web": "unknown"}  # two daemons say the same of one record


def test_what_was_written_before_it_was_collected() -> None:
    """The register says since when; that day itself is not whole."""
    old = [other(AGED, at=END - days * 86_400, process=str(days)) for days in (3, 2, 1)]  # of 29, 30 and 31 May
    for since, wanted in (("2026-05-31", "pass"), ("2026-05-30", "fail"), ("2026-05-29", "fail"), ("", "fail"), ("soon", "fail")):
        register = [{"source": "web.example", "since": since}]
        hosts = visit([*old, *rows()])
        archive = (archive_with({"web": {"days": 9}}, records=rows(), register=register, target="logs:/collector"),)
        assert verdicts(run(reconciled, archive, hosts)) == {"ssh:web": wanted}, since
        own = archive_with({"web": {"days": 9}}, records=[*old, *rows()], host="web", target="logs:/copy?host=web")
        assert verdicts(run(reconciled, (*archive, own), None)) == {"web": wanted}, since
    both = [{"source": "web", "since": "2026-05-31"}, {"source": "web", "log": "audit", "since": "2026-05-20"}]
    archive = (archive_with({"web": {"days": 9}}, records=rows(), register=both, target="logs:/collector"),)
    assert verdicts(run(reconciled, archive, visit([*old, *rows()]))) == {"ssh:web": "fail"}


def test_many_alike_are_compared_quickly() -> None:
    alike = [("web", END - number % 50_000, "cron", "", "a" * 16) for number in range(100_000)]
    assert verdicts(run(reconciled, copies(alike, alike), None)) == {"web": "pass"}


def test_the_records_are_named() -> None:
    (found,) = run(reconciled, copies(rows(without=(71,)), rows(without=(70, 72))), None)
    assert (found.args["missing"], found.args["removed"], found.args["same"]) == (2, 1, 37)
    assert [line.text for line in found.because] == [
        "2026-06-01 10:48:00Z sshd[72] 0000000000000048: only on the host",
        "2026-06-01 10:49:00Z sshd[71] 0000000000000047: only at the collector",
        "2026-06-01 10:50:00Z sshd[70] 0000000000000046: only on the host",
    ]


def test_a_collectors_copy_that_ends_early_is_no_verdict() -> None:
    assert verdicts(run(reconciled, copies(rows(200), rows(200), ago=1), None)) == {"web": "pass"}
    assert verdicts(run(reconciled, copies(rows(), rows(), ago=2), None)) == {"web": "unknown"}
    assert verdicts(run(reconciled, copies(rows(400), rows(400), ago=2), None, delay_minutes=120)) == {"web": "pass"}


def test_some_programs_only() -> None:
    own = [*rows(), ("web", END - 80 * 60, "cron", "1", "a" * 16)]
    assert verdicts(run(reconciled, copies(own, rows()), None)) == {"web": "fail"}
    assert verdicts(run(reconciled, copies(own, rows()), None, programs=("sshd",))) == {"web": "pass"}


def test_a_file_that_was_not_read_may_hold_the_difference() -> None:
    broken = [{"name": "s.9", "chain": "syslog", "troubles": {"cut-short": 1}}]
    assert verdicts(run(reconciled, copies(rows(), rows(without=(70,)), files=broken), None)) == {"web": "unknown"}
    assert verdicts(run(reconciled, copies(rows(), rows(), files=broken), None)) == {"web": "pass"}


def test_without_a_copy_without_an_archive_without_records() -> None:
    collector, own = copies(rows(), rows())
    assert verdicts(run(reconciled, (collector,), None)) == {"": "unknown"}
    assert verdicts(run(reconciled, (own,), None)) == {"web": "unknown"}
    hidden = archive_with({"web": {}}, host="web", gaps=[Gap("logs/records", Reason.TRUNCATED)])
    assert verdicts(run(reconciled, (collector, hidden), None)) == {"web": "unknown"}
    assert verdicts(run(reconciled, (archive_with(gaps=[Gap("logs/archive", Reason.ABSENT)]),), None)) == {"": "unknown"}


# A visit beside the archive: what it brought of the host's security log

LOG = "/var/log/auth.log"


def visit(
    own: list[Row],
    changes: Mapping[str, str | None] | None = None,
    *,
    others: int = 0,
    kind: str = "ssh",
    lines: int | None = None,
    log: str = LOG,
    **more: object,
) -> tuple[Host, ...]:
    tail = f"F\t{log}\tc\t{len(own) + others if lines is None else lines}\t{others}\n"
    tail += "".join("R\t" + "\t".join(map(str, row)) + "\n" for row in sorted(own, key=lambda row: row[1]))
    evidence = log_evidence(changes)
    target = replace(evidence.target, id=f"{kind}:web", kind=kind)
    artifacts = {**evidence.artifacts, "log-records": tail.encode()}
    return (Host(replace(evidence, target=target, identity={"hostname": "web"}, artifacts=artifacts, taken_at=NOW, **more)),)  # type: ignore[arg-type]


def collected(rows: list[Row], *, ago: int = 0, **more: object) -> tuple[LogArchive, ...]:
    return (archive_with({"web": {"days": 1, "ago": ago}, "db": {"days": 1, "ago": ago}}, records=rows, target="logs:/collector", **more),)


def other(row: Row, **changed: object) -> Row:
    names = ("host", "at", "program", "process", "digest")
    return tuple(changed.get(name, value) for name, value in zip(names, row, strict=True))  # type: ignore[return-value]


EXTRA = rows(1, every=0)[0]
AGED = other(EXTRA, at=END - 80 * 60 - 5)


@pytest.mark.parametrize(
    ("own", "archived", "wanted"),
    [
        pytest.param(rows(), rows(), "pass", id="the same"),
        pytest.param(rows(), rows(host="WEB.example.com"), "pass", id="by its full name"),
        pytest.param([*rows(), *rows(host="db")], rows(), "pass", id="another host in its log"),
        pytest.param(rows(), rows(500), "pass", id="the archive goes further back"),
        pytest.param(rows(500), rows(500), "pass", id="the log goes further back than the archive was noted"),
        pytest.param(rows(), rows(without=(70,)), "fail", id="missing at the collector"),
        pytest.param(rows(), rows(without=(60,)), "fail", id="an hour old"),
        pytest.param(rows(), rows(without=(59,)), "pass", id="perhaps queued"),
        pytest.param(rows(), rows(without=(99,)), "fail", id="the first of the log"),
        pytest.param(rows(without=(70,)), rows(), "fail", id="removed on the host"),
        pytest.param(rows(without=(1,)), rows(), "fail", id="removed a minute ago"),
        pytest.param(rows(without=(0,)), rows(), "pass", id="perhaps not yet written"),
        pytest.param(rows(without=(0, 1, 2, 3)), rows(), "fail", id="the end of the log was cut off"),
        pytest.param(rows(99), rows(), "pass", id="the beginning of the log was rotated away"),
        pytest.param(rows(), [*rows(), AGED], "fail", id="one more there"),
        pytest.param(rows(), [*rows(), other(AGED, program="kernel")], "pass", id="of a program that logs elsewhere"),
        pytest.param(rows(), [*rows(), other(AGED, program="systemd-logind")], "fail", id="of one that logs as auth"),
        pytest.param(rows(), [*rows(), other(AGED, host="db")], "pass", id="of another host"),
        pytest.param([*rows(), AGED, AGED], [*rows(), AGED], "fail", id="written twice, there once"),
        pytest.param([*rows(), AGED], [*rows(), AGED, AGED], "pass", id="sent again"),
        pytest.param([*rows(), other(AGED, digest="-")], [*rows(), AGED], "pass", id="not brought, as it holds a secret"),
        pytest.param([*rows(), other(AGED, digest="-")], rows(), "fail", id="the same, and not there"),
        pytest.param([*rows(), other(AGED, digest="-")] * 2, [*rows(), AGED], "fail", id="the same, twice"),
        pytest.param(rows(), [other(row, at=row[1] - 3600) for row in rows(200, every=61)], "unknown", id="nothing agrees"),
        pytest.param(rows(), [], "fail", id="the collector has none of it"),
        pytest.param([], rows(), "unknown", id="the host's log is empty"),
        pytest.param(rows(60), rows(60), "unknown", id="all of it is younger than an hour"),
        pytest.param(rows(61), rows(61), "pass", id="one is an hour old"),
    ],
)
def test_a_visit(own: list[Row], archived: list[Row], wanted: str) -> None:
    assert verdicts(run(reconciled, collected(archived), visit(own))) == {"ssh:web": wanted}


def test_what_a_visit_found_is_counted_and_named() -> None:
    (found,) = run(reconciled, collected(rows(without=(70, 72))), visit(rows(without=(71, 80))))
    assert (found.args["missing"], found.args["removed"], found.args["same"]) == (2, 2, 36)
    assert [line.text.rpartition(": ")[2] for line in found.because] == [
        "only at the collector",
        "only on the host",
        "only at the collector",
        "only on the host",
    ]
    (held,) = run(reconciled, collected(rows()), visit(rows()))
    assert (held.args["same"], held.args["since"], held.args["upto"]) == (40, "2026-06-01 10:21:00Z", "2026-06-01 11:00:00Z")


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        pytest.param({}, "fail", id="auth and authpriv go to the log"),
        pytest.param(
            {"/etc/rsyslog.conf": RSYSLOG.replace("auth,authpriv.*\t\t\t/var", "auth,authpriv.info\t\t\t/var")}, "unknown", id="not all"
        ),
        pytest.param(
            {"/etc/rsyslog.conf": RSYSLOG.replace("auth,authpriv.*\t\t\t/var", "authpriv.*\t\t\t/var")}, "unknown", id="authpriv alone"
        ),
        pytest.param({"/etc/rsyslog.conf": RSYSLOG.replace("/var/log/auth.log", "/var/log/other")}, "unknown", id="to another file"),
        pytest.param(
            {"/etc/rsyslog.d/10-empty.conf": ':msg, contains, "root" stop\n'}, "unknown", id="some are dropped before by what they say"
        ),
        pytest.param({"/etc/rsyslog.d/10-empty.conf": ':programname, isequal, "sshd" stop\n'}, "unknown", id="all of sshd"),
        pytest.param({"/etc/rsyslog.d/10-empty.conf": ':programname, isequal, "cron" stop\n'}, "fail", id="all of another program"),
        pytest.param({"/etc/ssh/sshd_config": "SyslogFacility LOCAL2\n"}, "unknown", id="sshd logs as local2"),
        pytest.param({"/etc/ssh/sshd_config": "SyslogFacility AUTHPRIV\n"}, "fail", id="sshd logs as authpriv"),
    ],
)
def test_what_the_host_would_have_written(changes: dict[str, str | None], wanted: str) -> None:
    found = verdicts(run(reconciled, collected(rows()), visit(rows(without=(70,)), changes)))
    assert found == {"ssh:web": wanted}
    assert verdicts(run(reconciled, collected(rows(without=(70,))), visit(rows(), changes))) == {"ssh:web": "fail"}
    assert verdicts(run(reconciled, collected(rows()), visit(rows(), changes))) == {"ssh:web": "pass"}


def test_the_image_of_a_host_ends_with_its_newest_record() -> None:
    """Nobody knows when it was taken."""
    own = rows(500)[100:]
    assert verdicts(run(reconciled, collected(rows(500)), visit(own, kind="root"))) == {"root:web": "pass"}
    assert verdicts(run(reconciled, collected(rows(500)), visit(own[:50] + own[51:], kind="root"))) == {"root:web": "fail"}
    assert verdicts(run(reconciled, collected(rows(500)), visit(own, kind="ssh"))) == {"ssh:web": "fail"}


def test_a_visit_that_cannot_be_compared() -> None:
    def said(archives: tuple[LogArchive, ...], hosts: tuple[Host, ...], **knobs: object) -> str:
        (found,) = run(reconciled, archives, hosts, **knobs)
        return f"{found.verdict.value}: {found.args.get('why', '')}"

    late = collected(rows(300)[120:], ago=2)
    assert said(late, visit(rows(300))) == "unknown: the collector's copy ends at 2026-06-01 10:00:00Z, before the host's"
    assert said(late, visit(rows(300)), delay_minutes=120).startswith("pass")
    assert said(collected([*rows(200)[120:125], *rows(200)[126:]], ago=2), visit(rows(200)), delay_minutes=0).startswith("fail")
    strange = (archive_with({"db": {}}, records=rows(host="db"), target="logs:/collector"),)
    assert said(strange, visit(rows())) == "unknown: the archive holds nothing under its name"
    assert said(collected(rows()), visit(rows(), others=101)).startswith("unknown: most lines of /var/log/auth.log")
    assert said(collected(rows()), visit(rows(), others=100)).startswith("pass")
    nothing = Host(log_evidence())
    assert said(collected(rows()), (nothing,)) == "unknown: the visit did not bring the end of its log (--log-records)"
    unable = Host(log_evidence(unseen=["log-records"]))
    assert said(collected(rows()), (unable,)) == "unknown: log-records was not seen"
    assert said(collected(rows(), gaps=[Gap("logs/records", Reason.TRUNCATED)]), visit(rows())) == "unknown: logs/records was not seen"
    broken = [{"name": "s.9", "chain": "syslog", "troubles": {"cut-short": 1}}]
    assert said(collected(rows(without=(70,)), files=broken), visit(rows())).startswith("unknown: a file was not wholly read")
    assert said(collected(rows(), files=broken), visit(rows(without=(70,)))).startswith("fail")
    assert said(collected(rows(), files=broken), visit(rows())).startswith("pass")
    own = (archive_with({"web": {}}, records=rows(), host="web", target="logs:/own?host=web"),)
    found = verdicts(run(reconciled, own, visit(rows())))
    assert found == {"web": "unknown", "ssh:web": "unknown"}  # no collector's archive at all


def named(host: Host, name: str, machine: str = "") -> Host:
    identity = {"hostname": name, "machine_id": machine or name}
    target = replace(host.evidence.target, id=f"ssh:{machine or name}")
    return Host(replace(host.evidence, identity=identity, target=target))


def test_hosts_of_one_name() -> None:
    """In two domains: what stands under the name alone may be of either."""
    (one,) = visit(rows())
    (fuller,) = visit(rows(host="web.a"))

    def said(hosts: tuple[Host, ...], *records: Row, names: tuple[str, ...] = ("web",)) -> list[str]:
        archive = (archive_with({name: {"days": 1} for name in (*names, "db")}, records=list(records), target="logs:/collector"),)
        return [outcome.verdict.value for outcome in run(reconciled, archive, hosts)]

    first, second = named(one, "web.a"), named(one, "web.b")
    assert said((first,), *rows()) == ["pass"]
    assert said((first, second), *rows()) == ["unknown", "unknown"]
    assert said((first, named(one, "web.a", "the same")), *rows()) == ["pass", "pass"]
    apart = [*rows(host="web.a"), *rows(host="web.b", without=(70,))]
    assert said((named(fuller, "web.a"), second), *apart, names=("web.a", "web.b")) == ["pass", "fail"]
    assert said((named(fuller, "web.a"),), *apart, names=("web.a", "web.b")) == ["pass"]
    assert said((named(one, "web"),), *apart, names=("web.a", "web.b")) == ["unknown"]
    assert said((named(fuller, "web.a"),), *apart, names=("web", "web.a", "web.b")) == ["unknown"]
    assert said((named(one, "web", "m1"), named(one, "web", "m2")), *rows()) == ["unknown", "unknown"]
    assert said((named(one, "web", "m1"), named(one, "db", "m2")), *rows())[0] == "pass"


def test_programs_of_a_visit() -> None:
    extra = other(AGED, program="cron")
    assert verdicts(run(reconciled, collected(rows()), visit([*rows(), extra]))) == {"ssh:web": "fail"}
    assert verdicts(run(reconciled, collected(rows()), visit([*rows(), extra]), programs=("sshd",))) == {"ssh:web": "pass"}
    assert verdicts(run(reconciled, collected(rows()), visit(rows(without=(70,))), programs=("sshd",))) == {"ssh:web": "fail"}


@pytest.mark.parametrize("text", ["", "F\n", "F\ta\tw\tx\t0\n", "R\tweb\tx\t\t\t\n", "R\n", "\t\n"])
def test_no_shape_of_what_was_brought_breaks_it(text: str) -> None:
    host = Host(replace(log_evidence(), artifacts={**log_evidence().artifacts, "log-records": text.encode()}))
    assert set(verdicts(run(reconciled, collected(rows()), (host,))).values()) == {"unknown"}
