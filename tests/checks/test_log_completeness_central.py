from __future__ import annotations

import pytest

from checks.log_completeness.central import central
from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts, without
from tests.log_hosts import log_evidence, log_host

EVENTS = ("ssh-login", "ssh-failure", "login", "sudo", "su")
PASS, FAIL, UNKNOWN = (dict.fromkeys(EVENTS, verdict) for verdict in ("pass", "fail", "unknown"))
SSH_ONLY = FAIL | {"ssh-login": "pass", "ssh-failure": "pass"}
SEND = "/etc/rsyslog.d/50-send.conf"


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("# nothing\n", FAIL),
        ("*.* @@collector.example:6514\n", PASS),
        ("*.* @10.0.0.9\n", PASS),
        ("auth,authpriv.* @@(o)[2001:db8::1]:514;RSYSLOG_SyslogProtocol23Format\n", PASS),
        ("auth.* @@collector\n", SSH_ONLY),
        ("*.info;authpriv.none @@collector\n", SSH_ONLY),
        ("auth,authpriv.* stop\n*.* @@collector\n", FAIL),
        ("*.* @@127.0.0.1:514\n", FAIL),
        ("*.* @localhost\n", FAIL),
        ("*.* @@[::1]:514\n", FAIL),
        ('*.* action(type="omfwd" target="collector" port="514" protocol="tcp")\n', PASS),
        ('action(type="omfwd" Target="collector")\n', PASS),
        ('action(type="omfwd" target=["a.example","b.example"])\n', PASS),
        ('action(type="omfwd" port="514")\n', FAIL),
        ('action(type="omrelp" target="collector" port="2514")\n', FAIL),
        ('module(load="omrelp")\naction(type="omrelp" target="collector" port="2514")\n', PASS),
        ('module(load="omelasticsearch")\naction(type="omelasticsearch" server="es.example")\n', PASS),
        ('module(load="omelasticsearch")\naction(type="omelasticsearch" server="localhost")\n', FAIL),
        ('action(type="omfwd" target="collector" action.execOnlyWhenPreviousIsSuspended="on")\n', FAIL),
        ('action(type="omfwd" target="collector" config.enabled="off")\n', FAIL),
        ('action(type="omfwd" target="collector" template="nope")\n', FAIL),
        ('if $syslogseverity <= 3 then @@collector\n', FAIL | {"sudo": "fail"}),
        ('if $msg contains "bob" then stop\n*.* @@collector\n', UNKNOWN),
        ('ruleset(name="out") {\n *.* @@collector\n}\n', FAIL),
        ('ruleset(name="out") {\n *.* @@collector\n}\ncall out\n', PASS),
        ('module(load="omprog")\naction(type="omprog" binary="/usr/local/bin/ship")\n', UNKNOWN),
        ("# *.* @@collector\n", FAIL),
        ("*.* @@collector # the central one\n", PASS),
    ],
)  # fmt: skip
def test_what_leaves(kind: str, text: str, wanted: dict[str, str]) -> None:
    assert verdicts(run(central, log_host({SEND: text}, kind=kind))) == wanted


@pytest.mark.parametrize(
    ("target", "wanted"), [("web7", FAIL), ("WEB7.example.org:514", FAIL), ("web7.example.net", PASS), ("web70", PASS)]
)
def test_this_host_by_its_own_name(target: str, wanted: dict[str, str]) -> None:
    files = {SEND: f"*.* @@{target}\n", "/etc/hostname": "web7.example.org\n"}
    assert verdicts(run(central, log_host(files, kind="root"))) == wanted


def test_a_silent_program_sends_nothing() -> None:
    found = verdicts(run(central, log_host({SEND: "*.* @@collector\n", "/etc/ssh/sshd_config": "LogLevel QUIET\n"})))
    assert found == PASS | {"ssh-login": "fail", "ssh-failure": "fail"}


@pytest.mark.parametrize(
    ("upload", "runs", "wanted"),
    [
        ("[Upload]\nURL=https://collector.example:19532\n", True, PASS), ("[Upload]\nURL=https://collector.example\n", False, FAIL),
        ("[Upload]\nURL=http://127.0.0.1:19532\n", True, FAIL), ("[Upload]\n# URL=\n", True, FAIL), ("[Remote]\nURL=https://c\n", True, FAIL),
    ],
)  # fmt: skip
def test_the_journal_is_uploaded(upload: str, runs: bool, wanted: dict[str, str]) -> None:
    processes = "systemd\nsystemd-journald\nsystemd-journal\nrsyslogd\n" if runs else "systemd\nsystemd-journald\nrsyslogd\n"
    assert verdicts(run(central, log_host({"/etc/systemd/journal-upload.conf": upload}, commands={"processes": (0, processes)}))) == wanted


def test_the_uploader_of_an_image_is_the_one_that_is_enabled() -> None:
    changes = {"/etc/systemd/journal-upload.conf": "[Upload]\nURL=https://collector.example\n"}
    link = {
        "/etc/systemd/system/multi-user.target.wants/systemd-journal-upload.service": "/lib/systemd/system/systemd-journal-upload.service"
    }
    assert verdicts(run(central, log_host(changes, kind="root"))) == FAIL
    assert verdicts(run(central, log_host(changes, kind="root", links=link))) == PASS
    assert (
        verdicts(run(central, log_host(changes | {"/etc/systemd/journald.conf": "[Journal]\nStorage=none\n"}, kind="root", links=link)))
        == FAIL
    )


@pytest.mark.parametrize("agent", ["/etc/filebeat/filebeat.yml", "/etc/fluent-bit/fluent-bit.conf", "/etc/vector/vector.yaml"])
def test_an_agent_that_is_not_modelled_is_named(agent: str) -> None:
    outcomes = run(central, log_host({agent: "x"}))
    assert verdicts(outcomes) == UNKNOWN
    assert all(outcome.gaps for outcome in outcomes)


def test_no_daemon_sends_nothing() -> None:
    assert verdicts(run(central, log_host({SEND: "*.* @@c\n"}, commands={"processes": (0, "sshd\n")}))) == FAIL
    assert verdicts(run(central, log_host({SEND: "*.* @@c\n"}, unseen=[SEND]))) == UNKNOWN
    assert verdicts(run(central, host_with(kind="root"))) == {"": "not_applicable"}


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize("text", ["*.* @@collector\n", "auth.* @@collector\n", "*.* stop\n"])
def test_less_evidence_never_helps(kind: str, text: str) -> None:
    changes = {SEND: text, "/etc/rsyslog.d/00-early.conf": "authpriv.* stop\n"}
    evidence = log_evidence(changes, kind=kind)
    before = verdicts(run(central, Host(evidence)))
    for artifact in evidence.artifacts:
        after = verdicts(run(central, Host(without(evidence, artifact))))
        for subject, verdict in after.items():
            if verdict in ("pass", "not_applicable"):
                assert before.get(subject) in ("pass", "not_applicable"), (artifact, subject)
