from __future__ import annotations

import pytest

from checks.log_completeness.central_encrypted import central_encrypted
from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts, without
from tests.log_hosts import log_evidence, log_host

EVENTS = ("ssh-login", "ssh-failure", "login", "sudo", "su")
PASS, FAIL, UNKNOWN = (dict.fromkeys(EVENTS, verdict) for verdict in ("pass", "fail", "unknown"))
SEND = "/etc/rsyslog.d/50-send.conf"
CA: dict[str, str | None] = {"/etc/pki/ca.pem": ""}
TLS = 'action(type="omfwd" target="c" protocol="tcp" streamDriver="gtls" streamDriverMode="1" streamDriver.CAFile="/etc/pki/ca.pem" %s)\n'
OLD = "$DefaultNetstreamDriver gtls\n$DefaultNetstreamDriverCAFile /etc/pki/ca.pem\n$ActionSendStreamDriverMode 1\n"
RELP = 'module(load="omrelp")\naction(type="omrelp" target="c" tls="on" tls.authMode="name" tls.permittedPeer="c")\n'


def judged(text: str, **more: object) -> dict[str, str]:
    return verdicts(run(central_encrypted, log_host({SEND: text, **CA}, **more)))


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("# nothing\n", FAIL),
        ("*.* @c\n", FAIL),
        ("*.* @@c\n", FAIL),
        (TLS % "", PASS),
        (TLS % 'streamDriverAuthMode="x509/name" streamDriverPermittedPeers="c"', PASS),
        (TLS % 'streamDriverAuthMode="x509/name" streamDriverPermittedPeers="*"', FAIL),
        (TLS % 'streamDriverAuthMode="x509/fingerprint" streamDriverPermittedPeers="SHA1:00"', PASS),
        (TLS % 'streamDriverAuthMode="x509/fingerprint"', FAIL),
        (TLS % 'streamDriverAuthMode="x509/certvalid"', FAIL),
        (TLS % 'streamDriverAuthMode="anon"', FAIL),
        (TLS.replace('Mode="1"', 'Mode="0"') % "", FAIL),
        (TLS.replace("gtls", "ossl") % "", PASS),
        (TLS.replace("ca.pem", "none.pem") % "", FAIL),
        (TLS.replace('"c"', '"localhost"') % "", FAIL),
        (TLS % "" + "*.* @c\n", FAIL),
        (TLS % "" + "*.* @localhost\n", PASS),
        (TLS % "" + 'if $msg contains "bob" then @c\n', FAIL),
        (OLD + "*.* @@c\n", PASS),
        (OLD + "*.* @c\n", FAIL),
        (OLD + "$ActionSendStreamDriverAuthMode anon\n*.* @@c\n", FAIL),
        ("*.* @@c\n" + OLD, FAIL),
        (RELP, PASS),
        (RELP.replace('tls="on"', ""), FAIL),
        (RELP.replace('tls.authMode="name"', ""), FAIL),
        (RELP.replace('tls.permittedPeer="c"', ""), FAIL),
        ('module(load="omelasticsearch")\naction(type="omelasticsearch" server="es" usehttps="on")\n', PASS),
        ('module(load="omelasticsearch")\naction(type="omelasticsearch" server="es")\n', FAIL),
        ('module(load="omkafka")\naction(type="omkafka" broker="k")\n', UNKNOWN),
    ],
)  # fmt: skip
def test_what_can_be_read(kind: str, text: str, wanted: dict[str, str]) -> None:
    assert judged(text, kind=kind) == wanted


def test_a_driver_that_is_not_installed_sends_nothing() -> None:
    folder = "/usr/lib/x86_64-linux-gnu/rsyslog"
    there: dict[str, str | None] = {f"{folder}/imuxsock.so": "", f"{folder}/imklog.so": "", SEND: TLS % "", **CA}
    assert verdicts(run(central_encrypted, log_host(there))) == FAIL
    assert verdicts(run(central_encrypted, log_host({**there, f"{folder}/lmnsd_gtls.so": ""}))) == PASS


@pytest.mark.parametrize(
    ("upload", "wanted"),
    [
        ("URL=https://c:19532\n", PASS), ("URL=c\n", PASS), ("URL=http://c:19532\n", FAIL), ("URL=https://c\nTrustedCertificateFile=-\n", FAIL),
        ("URL=https://c\nTrustedCertificateFile=/etc/ca.pem\n", PASS),
    ],
)  # fmt: skip
def test_the_journal_is_uploaded(upload: str, wanted: dict[str, str]) -> None:
    runs = {"processes": (0, "systemd\nsystemd-journald\nsystemd-journal\nrsyslogd\n")}
    changes: dict[str, str | None] = {"/etc/systemd/journal-upload.conf": f"[Upload]\n{upload}", **CA}
    assert verdicts(run(central_encrypted, log_host(changes, commands=runs))) == wanted
    assert verdicts(run(central_encrypted, log_host({**changes, SEND: "*.* @c\n"}, commands=runs))) == FAIL


def test_what_was_not_seen_is_not_decided() -> None:
    assert judged(TLS % "", unseen=[SEND]) == UNKNOWN
    assert verdicts(run(central_encrypted, log_host({"/etc/vector/vector.yaml": "x"}))) == UNKNOWN
    assert verdicts(run(central_encrypted, host_with(kind="root"))) == {"": "not_applicable"}


@pytest.mark.parametrize("text", [TLS % "", TLS % "" + "*.* @c\n", OLD + "*.* @@c\n", "auth.* @@c\n"])
def test_less_evidence_never_helps(text: str) -> None:
    evidence = log_evidence({SEND: text, **CA, "/etc/rsyslog.d/60-clear.conf": "*.* @d\n"})
    before = verdicts(run(central_encrypted, Host(evidence)))
    for artifact in evidence.artifacts:
        after = verdicts(run(central_encrypted, Host(without(evidence, artifact))))
        for subject, verdict in after.items():
            if verdict in ("pass", "not_applicable"):
                assert before.get(subject) in ("pass", "not_applicable"), (artifact, subject)
