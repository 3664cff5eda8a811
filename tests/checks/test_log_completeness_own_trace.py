from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.log_completeness.own_trace import own_trace_check
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests.log_hosts import NO_JOURNAL, log_evidence

LOGIN = "Jun  1 11:59:59 host sshd[812]: Accepted publickey for auditor from 10.0.0.9 port 50122 ssh2: ED25519 SHA256:abc"
SUDO = "Jun  1 11:59:59 host sudo:  auditor : PWD=/home/auditor ; USER=root ; COMMAND=/bin/sh -s"
HEAD = "connection 10.0.0.9 50122\nlog /var/log/auth.log\n"


def host(said: str | None, *, privilege: str = "sudo", kind: str = "ssh", files: dict[str, Any] | None = None) -> Host:
    commands = {} if said is None else {"own-trace": (0, said)}
    evidence = log_evidence({**NO_JOURNAL, **(files or {})}, kind=kind, commands=commands)
    return Host(replace(evidence, identity={"hostname": "host", "login": "auditor", "privilege": privilege}))


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        pytest.param(f"{HEAD}{LOGIN}\n{SUDO}\n", {"login": "pass", "sudo": "pass"}, id="both"),
        pytest.param(f"{HEAD}{SUDO}\n", {"login": "fail", "sudo": "pass"}, id="no login"),
        pytest.param(f"{HEAD}{LOGIN}\n", {"login": "pass", "sudo": "fail"}, id="no command"),
        pytest.param(HEAD, {"login": "fail", "sudo": "fail"}, id="neither"),
        pytest.param("connection 10.0.0.9 50122\n", {"login": "fail", "sudo": "fail"}, id="no log was written at all"),
        pytest.param(f"{HEAD}{LOGIN.replace('50122', '50123')}\n{SUDO}\n", {"login": "fail", "sudo": "pass"}, id="another connection"),
        pytest.param(f"{HEAD}{LOGIN.replace('50122', '501220')}\n{SUDO}\n", {"login": "fail", "sudo": "pass"}, id="a longer port"),
        pytest.param(f"{HEAD}{LOGIN.replace('auditor', 'alice')}\n{SUDO}\n", {"login": "fail", "sudo": "pass"}, id="another account"),
        pytest.param(f"{HEAD}{LOGIN.replace('Accepted', 'Failed')}\n{SUDO}\n", {"login": "fail", "sudo": "pass"}, id="a failure"),
        pytest.param(f"{HEAD}{LOGIN}\n{SUDO.replace('auditor :', 'alice :')}\n", {"login": "pass", "sudo": "fail"}, id="another's command"),
        pytest.param(f"{LOGIN}\n{SUDO}\n", {"": "unknown"}, id="no connection"),
        pytest.param("no connection\n", {"": "unknown"}, id="a connection that sshd did not name"),
        pytest.param(None, {"": "unknown"}, id="not collected"),
        pytest.param(
            f"{HEAD}log journal\n{LOGIN.replace('sshd[', 'sshd-session[')}\n{SUDO.replace('sudo:', 'sudo[9]:')}\n",
            {"login": "pass", "sudo": "pass"},
            id="sshd of today, in the journal",
        ),
    ],
)
def test_the_audits_own_traces(said: str | None, wanted: dict[str, str]) -> None:
    assert verdicts(run(own_trace_check, host(said))) == wanted


def test_root_runs_no_sudo() -> None:
    assert verdicts(run(own_trace_check, host(f"{HEAD}{LOGIN}\n", privilege="root"))) == {"login": "pass"}


@pytest.mark.parametrize("kind", ["local", "root"])
def test_nobody_came_in(kind: str) -> None:
    assert verdicts(run(own_trace_check, host(None, kind=kind))) == {"": "not_applicable"}


def test_logs_that_go_elsewhere_only() -> None:
    away = {"/etc/rsyslog.conf": 'module(load="imuxsock")\n*.* @@collector.example\n'}
    assert verdicts(run(own_trace_check, host(HEAD, files=away)))["login"] == "unknown"
    both = {"/etc/rsyslog.conf": 'module(load="imuxsock")\n*.* @@collector.example\nauth,authpriv.* /var/log/auth.log\n'}
    assert verdicts(run(own_trace_check, host(HEAD, files=both)))["login"] == "fail"
    odd = {"/etc/rsyslog.conf": 'module(load="imuxsock")\n*.* /srv/all.log\n'}
    assert verdicts(run(own_trace_check, host(HEAD, files=odd)))["login"] == "unknown"
