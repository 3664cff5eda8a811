"""Audit logs as the running kernel and auditd write them: what was dropped or taken out is named."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from checks.log_completeness.gaps import gaps
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth import audit_lab
from tests.truth.test_log_archives import archive, one, wait


@pytest.mark.lab
def test_audit_events_that_the_kernel_dropped_or_somebody_removed(tmp_path: Path) -> None:
    with audit_lab.system() as root:
        audit_lab.control(root, "-a", "always,exit", "-F", "arch=b64", "-S", "sethostname", "-S", "mkdir", "-k", "made")
        lab.run(root, ["sh", "-c", "i=0; while [ $i -lt 60 ]; do mkdir /tmp/d$i; i=$((i+1)); done"])
        log = root / "var/log/audit/audit.log"
        assert wait(lambda: log.read_bytes().count(b"SYSCALL") >= 60)
        data = log.read_bytes()
    (tmp_path / "audit.log").write_bytes(data)
    assert verdicts(run(gaps, archive(f"logs:{tmp_path}"))) == {"audit.log": "pass"}
    serials = sorted({int(match) for match in re.findall(rb"type=SYSCALL msg=audit\([0-9.]+:(\d+)\)", data)})
    gone = serials[len(serials) // 2]
    kept = b"".join(line for line in data.splitlines(keepends=True) if b":%d)" % gone not in line)
    (tmp_path / "audit.log").write_bytes(kept)
    found = one(run(gaps, archive(f"logs:{tmp_path}")))
    assert found.verdict.value == "fail" and f"1 missing, {gone}," in found.because[0].text


@pytest.mark.lab
def test_a_small_backlog_loses_events(tmp_path: Path) -> None:
    with audit_lab.system() as root:
        audit_lab.control(root, "-a", "always,exit", "-F", "arch=b64", "-S", "mkdir", "-k", "made")
        audit_lab.control(root, "-b", "4", "--backlog_wait_time", "0")
        pid = int(re.search(r"^pid (\d+)$", audit_lab.control(root, "-s").stdout, re.M)[1])  # type: ignore[index]
        os.kill(pid, 19)
        try:
            lab.run(root, ["sh", "-c", "i=0; while [ $i -lt 300 ]; do mkdir /tmp/e$i; i=$((i+1)); done"])
        finally:
            os.kill(pid, 18)
        time.sleep(0.3)
        lab.run(root, ["mkdir", "/tmp/last"])
        status = audit_lab.control(root, "-s").stdout
        log = root / "var/log/audit/audit.log"
        assert wait(lambda: b'name="/tmp/last"' in log.read_bytes() or b"/tmp/last" in log.read_bytes())
        data = log.read_bytes()
    lost = int(re.search(r"^lost (\d+)$", status, re.M)[1])  # type: ignore[index]
    (tmp_path / "audit.log").write_bytes(data)
    found = one(run(gaps, archive(f"logs:{tmp_path}")))
    missing = sum(numbering.missing for numbering in archive(f"logs:{tmp_path}").numberings)
    assert lost > 0
    # a record refused at the full backlog takes no number: what is lost without a hole shows in the kernel's counter alone
    assert (found.verdict.value == "fail") == (missing > 0)
