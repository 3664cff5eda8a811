from __future__ import annotations

import pytest

from checks.log_completeness.sudo import sudo
from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts, without
from tests.log_hosts import NO_JOURNAL, log_evidence, log_host

PEOPLE: dict[str, str | None] = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"
    "bob:x:1001:1001::/home/bob:/bin/bash\ncarol:x:1002:1002::/home/carol:/bin/bash\n",
    "/etc/shadow": "root:*:19000::::::\n" + "".join(f"{name}:$y$j9T$masked:19000::::::\n" for name in ("alice", "bob", "carol")),
    "/etc/group": "root:x:0:\nadm:x:4:\nalice:x:1000:\nbob:x:1001:\ncarol:x:1002:\n",
}
RULES = "alice ALL=(ALL) /usr/bin/id, /usr/bin/true\nbob ALL=(ALL) ALL\n"
PASS = {"alice": "pass", "bob": "pass", "others": "pass"}
FAIL = dict.fromkeys(PASS, "fail")


def judged(defaults: str = "", changes: dict[str, str | None] | None = None, **more: object) -> dict[str, str]:
    files = {**PEOPLE, **NO_JOURNAL, "/etc/sudoers": defaults + RULES, **(changes or {})}
    return verdicts(run(sudo, log_host(files, **more)))


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize(
    ("defaults", "wanted"),
    [
        ("", PASS),
        ("Defaults !syslog\n", FAIL),
        ("Defaults !syslog, logfile=/var/log/sudo.log\n", PASS),
        ("Defaults !syslog, logfile=sudo.log\n", FAIL),
        ("Defaults !syslog, logfile=/run/sudo.log\n", FAIL),
        ("Defaults !log_allowed\n", PASS | {"alice": "fail", "bob": "fail"}),
        ("Defaults !log_denied\n", FAIL),
        ("Defaults !log_denied, !authenticate\n", FAIL | {"bob": "pass"}),
        ("Defaults syslog_goodpri=none\n", PASS | {"alice": "fail", "bob": "fail"}),
        ("Defaults syslog_badpri=none\n", FAIL),
        ("Defaults syslog_goodpri=loud\n", PASS),
        ("Defaults:alice !syslog\n", PASS | {"alice": "fail"}),
        ("Defaults:ALL,!alice !syslog\n", FAIL | {"alice": "pass"}),
        ("Defaults:carol !log_denied\n", PASS | {"others": "fail"}),
        ("Defaults>daemon !log_allowed\n", PASS),  # there is no such account here
        ("Defaults>root !log_allowed\n", PASS | {"alice": "fail", "bob": "fail"}),
        ("Defaults!/usr/bin/true !log_allowed\n", PASS | {"alice": "fail", "bob": "fail"}),
        ("Defaults!/usr/bin/vi !log_allowed\n", PASS | {"bob": "fail"}),
        ("Defaults!/usr/bin/vi !log_denied\n", PASS | {"alice": "fail", "others": "fail"}),
        ("Defaults !syslog, log_output, !authenticate\n", FAIL | {"bob": "pass"}),
        ("Defaults !syslog, log_servers=logs.example\n", PASS),
        ("Defaults !syslog, log_servers=localhost\n", FAIL),
        ("Defaults syslog=local2\n", PASS),
    ],
)  # fmt: skip
def test_what_is_recorded(kind: str, defaults: str, wanted: dict[str, str]) -> None:
    assert judged(defaults, kind=kind) == wanted


def test_the_daemon_must_keep_it() -> None:
    assert judged("", {"/etc/rsyslog.d/0.conf": "authpriv.* stop\n"}) == FAIL
    assert judged("Defaults syslog=auth\n", {"/etc/rsyslog.d/0.conf": "authpriv.* stop\n"}) == PASS
    assert judged("", {"/etc/rsyslog.d/0.conf": "authpriv.* stop\n", "/etc/systemd/journald.conf.d/none.conf": None}) == PASS
    assert judged("", modes={"/var/log/auth.log": (0o644, 0, 4)}) == PASS  # who may read it is judged elsewhere


def test_without_sudo_there_is_nothing_to_record() -> None:
    assert verdicts(run(sudo, host_with(kind="root"))) == {"": "not_applicable"}
    assert judged(modes={"/usr/bin/sudo": (0o755, 0, 0)}) == {"": "not_applicable"}


def test_what_was_not_seen_is_not_decided() -> None:
    assert set(judged(unseen=["/etc/sudoers"]).values()) == {"unknown"}
    assert set(judged("@includedir /etc/sudoers.d\n", {"/etc/sudoers.d/x": ""}, unseen=["/etc/sudoers.d/x"]).values()) == {"unknown"}
    assert set(judged(unseen=["/etc/rsyslog.d/10-empty.conf"]).values()) == {"unknown"}


@pytest.mark.parametrize("defaults", ["", "Defaults !syslog\n", "Defaults:alice !log_allowed\n", "Defaults!/usr/bin/true !syslog\n"])
def test_less_evidence_never_helps(defaults: str) -> None:
    evidence = log_evidence({**PEOPLE, **NO_JOURNAL, "/etc/sudoers": defaults + RULES, "/etc/rsyslog.d/0.conf": "local5.* ~\n"})
    before = verdicts(run(sudo, Host(evidence)))
    for artifact in evidence.artifacts:
        after = verdicts(run(sudo, Host(without(evidence, artifact))))
        doubt = any(verdict in ("fail", "unknown") for verdict in after.values())
        for subject, verdict in after.items():
            if verdict in ("pass", "not_applicable"):
                assert before.get(subject, "pass" if doubt else "") in ("pass", "not_applicable"), (artifact, subject)


def test_nobody_to_record() -> None:
    assert judged(changes={"/etc/passwd": ""}) == {"": "not_applicable"}
