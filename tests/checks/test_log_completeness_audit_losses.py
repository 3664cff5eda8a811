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


def test_a_hole_fails_and_says_whether_auditd_was_stopped() -> None:
    plain = run(audit_losses, audit_host(serials=SERIALS + HOLE))
    assert verdicts(plain) == MOUNTED | {"log": "fail"}
    assert plain[1].args == {"count": 3, "explained": 0}
    stopped = run(audit_losses, audit_host(serials=SERIALS + HOLE + "D\tDAEMON_END\t1700000100\nD\tDAEMON_START\t1700000900\n"))
    assert stopped[1].args == {"count": 3, "explained": 3}
    elsewhere = run(audit_losses, audit_host(serials=SERIALS + HOLE + "D\tDAEMON_CONFIG\t1700000500\nD\tDAEMON_END\t1700000901\n"))
    assert elsewhere[1].args == {"count": 3, "explained": 0}


@pytest.mark.parametrize(
    ("older", "newer", "wanted"),
    [
        ("R\t-\t1\t1\t2\t99\n", "R\t-\t3\t100\t4\t500\n", "pass"),
        ("R\t-\t1\t1\t2\t99\n", "R\t-\t3\t101\t4\t500\n", "fail"),
        ("R\t-\t1\t1\t2\t100\n", "R\t-\t2\t100\t4\t500\n", "pass"),
        ("R\t-\t1\t1\t2\t9000\n", "R\t-\t30\t1\t40\t500\n", "pass"),
        ("R\t-\t1\t1\t2\t99\nR\tnode=b\t1\t1\t2\t5\n", "R\t-\t3\t100\t4\t500\nR\tnode=b\t3\t7\t4\t9\n", "fail"),
    ],
)
def test_from_one_log_to_the_next(older: str, newer: str, wanted: str) -> None:
    serials = f"F\t{LOG}\tw\n{newer}F\t{OLD}\tw\n{older}"
    assert verdicts(run(audit_losses, audit_host(serials=serials, modes={OLD: (0o400, 0, 0)})))["log"] == wanted
    cut = f"F\t{LOG}\tc\n{newer}F\t{OLD}\tw\n{older}"
    assert verdicts(run(audit_losses, audit_host(serials=cut, modes={OLD: (0o400, 0, 0)})))["log"] == "pass"


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
