from __future__ import annotations

import pytest

from checks.log_completeness.audit_losses import audit_losses
from sovaudit.testing import run, verdicts
from tests.audit_hosts import RULES, SERIALS, STATUS, audit_host

MOUNTED = {"kernel": "not_applicable", "log": "pass", "rate": "pass"}
RUNNING = {"kernel": "pass", "log": "pass", "rate": "pass"}
LOG, OLD = "/var/log/audit/audit.log", "/var/log/audit/audit.log.1"
HOLE = "H\t-\t101\t103\t3\t1700000100\t1700000900\n"


def test_a_whole_trail_passes() -> None:
    assert verdicts(run(audit_losses, audit_host())) == MOUNTED
    assert verdicts(run(audit_losses, audit_host(live=True))) == RUNNING


@pytest.mark.parametrize(("lost", "wanted"), [("0", "pass"), ("1", "fail"), ("204", "fail")])
def test_the_kernels_count(lost: str, wanted: str) -> None:
    host = audit_host(live=True, commands={"auditctl-s": (0, STATUS.replace("lost 0", f"lost {lost}"))})
    assert verdicts(run(audit_losses, host)) == RUNNING | {"kernel": wanted}
    assert verdicts(run(audit_losses, host, max_lost=204)) == RUNNING


def test_a_hole_fails() -> None:
    found = run(audit_losses, audit_host(serials=SERIALS + HOLE))
    assert verdicts(found) == MOUNTED | {"log": "fail"}
    assert found[1].args == {"count": 3, "explained": 0}


FIRST = "R\t-\to\t-\t1\t1\t2\t99\n"


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        pytest.param("D\tDAEMON_START\t3\nR\t-\ts\t-\t3\t100\t4\t500\n", 0, id="goes on"),
        pytest.param("D\tDAEMON_START\t3\nR\t-\ts\t-\t3\t103\t4\t500\n", 3, id="while it was stopped"),
        pytest.param("D\tDAEMON_START\t3\nR\t-\ts\tb\t3\t103\t4\t500\n", 0, id="a boot that says so"),
        pytest.param("D\tDAEMON_START\t3\nR\t-\ts\t-\t3\t7\t4\t500\n", 0, id="a boot by its low numbers"),
        pytest.param("F\t/var/log/audit/audit.log\tc\nR\t-\to\t-\t3\t103\t4\t500\n", 0, id="only the end of the next log was read"),
        pytest.param("D\tDAEMON_START\t3\nR\tnode=b\ts\t-\t3\t103\t4\t500\n", 0, id="another host"),
    ],
)
def test_between_two_runs(rows: str, count: int) -> None:
    found = run(audit_losses, audit_host(serials=f"F\t{OLD}\tw\n{FIRST}F\t{LOG}\tw\n{rows}", modes={OLD: (0o400, 0, 0)}))
    assert verdicts(found)["log"] == ("fail" if count else "pass")
    if count:
        assert found[1].args == {"count": count, "explained": count}


def test_what_was_not_read_is_unknown() -> None:
    assert verdicts(run(audit_losses, audit_host(serials=SERIALS + "M\n")))["log"] == "unknown"
    assert verdicts(run(audit_losses, audit_host(modes={OLD: (0o400, 0, 0)})))["log"] == "unknown"
    assert verdicts(run(audit_losses, audit_host(serials=None)))["log"] == "unknown"
    assert verdicts(run(audit_losses, audit_host(serials="F\tx\n")))["log"] == "unknown"
    assert verdicts(run(audit_losses, audit_host(live=True, unseen=["cmd:auditctl-s"]))) == {
        "kernel": "unknown",
        "log": "pass",
        "rate": "unknown",
    }


def test_no_log_yet() -> None:
    assert verdicts(run(audit_losses, audit_host(serials="")))["log"] == "not_applicable"


def test_a_limited_rate_drops_records() -> None:
    assert verdicts(run(audit_losses, audit_host(rules="-r 100\n" + RULES)))["rate"] == "fail"
    assert verdicts(run(audit_losses, audit_host(rules="-r 0\n" + RULES)))["rate"] == "pass"
    host = audit_host(live=True, commands={"auditctl-s": (0, STATUS.replace("rate_limit 0", "rate_limit 50"))})
    assert verdicts(run(audit_losses, host))["rate"] == "fail"


def test_without_auditd() -> None:
    assert [each.verdict.value for each in run(audit_losses, audit_host({"/sbin/auditd": None}))] == ["not_applicable"]
