from __future__ import annotations

import pytest

from checks.log_completeness.central_reliable import central_reliable
from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts, without
from tests.log_hosts import log_evidence, log_host

EVENTS = ("ssh-login", "ssh-failure", "login", "sudo", "su")
PASS, FAIL, UNKNOWN = (dict.fromkeys(EVENTS, verdict) for verdict in ("pass", "fail", "unknown"))
SEND = "/etc/rsyslog.d/50-send.conf"
SPOOL = {"/var/spool/rsyslog": (0o700, 0, 0)}
KEEP: dict[str, str | None] = {"/var/spool/rsyslog/.keep": ""}
WORK = "$WorkDirectory /var/spool/rsyslog\n"
GOOD = 'action(type="omfwd" target="c" protocol="tcp" action.resumeRetryCount="-1" queue.type="LinkedList" queue.filename="q")\n'


def judged(text: str, **more: object) -> dict[str, str]:
    return verdicts(run(central_reliable, log_host({SEND: text, **KEEP}, modes=SPOOL, **more)))


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("# nothing\n", FAIL),
        (WORK + GOOD, PASS),
        (GOOD + WORK, PASS),
        (GOOD, FAIL),
        (WORK + GOOD.replace("tcp", "udp"), FAIL),
        (WORK + GOOD.replace('"-1"', '"0"'), FAIL),
        (WORK + GOOD.replace('"-1"', '"10"'), FAIL),
        (WORK + GOOD.replace('queue.filename="q"', ""), FAIL),
        (WORK + GOOD.replace("LinkedList", "Direct"), FAIL),
        (WORK + GOOD.replace("LinkedList", "Disk"), PASS),
        (WORK + GOOD.replace(")", ' queue.saveOnShutdown="off")'), FAIL),
        (WORK + GOOD.replace(")", ' queue.samplingInterval="3")'), FAIL),
        (GOOD.replace(")", ' queue.spoolDirectory="/var/spool/rsyslog")'), PASS),
        (GOOD.replace(")", ' queue.spoolDirectory="/run/q")'), FAIL),
        (WORK + 'module(load="omrelp")\n' + GOOD.replace("omfwd", "omrelp"), PASS),
        (WORK + GOOD.replace('target="c"', 'target="127.0.0.1"'), FAIL),
        (WORK + "$PrivDropToUser daemon\n" + GOOD, FAIL),
        (WORK + "$ActionQueueType LinkedList\n$ActionQueueFileName q\n$ActionResumeRetryCount -1\n*.* @@c\n", PASS),
        (WORK + "$ActionQueueType LinkedList\n$ActionQueueFileName q\n$ActionResumeRetryCount -1\n*.* /x\n*.* @@c\n", FAIL),
        (WORK + "$MainMsgQueueFileName m\n$ActionResumeRetryCount -1\n*.* @@c\n", FAIL),
        (WORK + "*.* @@c\n" + GOOD, PASS),
        (WORK + 'if $msg contains "bob" then stop\n' + GOOD, UNKNOWN),
    ],
)  # fmt: skip
def test_what_survives(kind: str, text: str, wanted: dict[str, str]) -> None:
    assert judged(text, kind=kind) == wanted


def test_the_journals_uploader_must_be_started_again() -> None:
    changes = {"/etc/systemd/journal-upload.conf": "[Upload]\nURL=https://collector.example\n"}
    runs = {"processes": (0, "systemd\nsystemd-journald\nsystemd-journal\nrsyslogd\n")}
    assert verdicts(run(central_reliable, log_host(changes, commands=runs))) == UNKNOWN
    assert verdicts(run(central_reliable, log_host(changes, commands=runs, journal=False))) == FAIL


def test_what_was_not_seen_is_not_decided() -> None:
    assert verdicts(run(central_reliable, log_host({SEND: WORK + GOOD}, unseen=[SEND]))) == UNKNOWN
    assert set(verdicts(run(central_reliable, log_host({SEND: WORK + GOOD, **KEEP}, modes=SPOOL, unseen=["tree"]))).values()) == {"unknown"}
    assert verdicts(run(central_reliable, log_host({"/etc/filebeat/filebeat.yml": "x"}))) == UNKNOWN
    assert verdicts(run(central_reliable, host_with(kind="root"))) == {"": "not_applicable"}


@pytest.mark.parametrize("text", [WORK + GOOD, GOOD, WORK + GOOD + "$PrivDropToUser daemon\n", "auth.* @@c\n"])
def test_less_evidence_never_helps(text: str) -> None:
    evidence = log_evidence({SEND: text, **KEEP}, modes=SPOOL)
    before = verdicts(run(central_reliable, Host(evidence)))
    for artifact in evidence.artifacts:
        after = verdicts(run(central_reliable, Host(without(evidence, artifact))))
        for subject, verdict in after.items():
            if verdict in ("pass", "not_applicable"):
                assert before.get(subject) in ("pass", "not_applicable"), (artifact, subject)
