from __future__ import annotations

import pytest

from checks.log_completeness.auth_events import auth_events
from sovaudit.facts.host import Host
from sovaudit.testing import evidence_with, host_with, run, verdicts, without
from tests.log_hosts import JOURNAL, NO_JOURNAL, log_evidence, log_host

EVENTS = ("ssh-login", "ssh-failure", "login", "sudo", "su")
ALL_PASS = dict.fromkeys(EVENTS, "pass")
ALL_FAIL = dict.fromkeys(EVENTS, "fail")
SSH_FAILS = ALL_PASS | {"ssh-login": "fail", "ssh-failure": "fail"}
SSH_PASSES = ALL_FAIL | {"ssh-login": "pass", "ssh-failure": "pass"}


@pytest.mark.parametrize("kind", ["ssh", "root"])
def test_a_stock_host_passes(kind: str) -> None:
    assert verdicts(run(auth_events, log_host(kind=kind))) == ALL_PASS


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        pytest.param({}, ALL_PASS, id="rsyslog alone is enough"),
        pytest.param({"/etc/rsyslog.d/00.conf": "auth,authpriv.* stop\n"}, ALL_FAIL, id="stop above the line"),
        pytest.param({"/etc/rsyslog.d/00.conf": "auth.* ~\n"}, SSH_FAILS, id="one facility discarded"),
        pytest.param({"/etc/rsyslog.d/00.conf": "*.* stop\\\n"}, ALL_FAIL, id="a continuation joins an empty line"),
        pytest.param({"/etc/rsyslog.d/00.conf": ':programname, isequal, "sshd" stop\n'}, SSH_FAILS, id="property filter"),
        pytest.param({"/etc/rsyslog.d/00.conf": 'if $programname == "sshd" then stop\n'}, SSH_FAILS, id="RainerScript"),
        pytest.param({"/etc/rsyslog.d/00.conf": 'if $programname == "sshd" then {\n'}, ALL_FAIL, id="an unclosed block swallows the rest"),
        pytest.param({"/etc/rsyslog.d/00.conf": "module(load=\"imnope\")\n"}, ALL_PASS, id="a module that is not there"),
        pytest.param({"/etc/rsyslog.d/00.bak": "*.* stop\n"}, ALL_PASS, id="a file the pattern does not take"),
        pytest.param({"/etc/rsyslog.conf": 'module(load="imuxsock")\n$FileCreateMode 0640\n'
        'auth.* /var/log/auth.log\n'}, SSH_PASSES, id="authpriv missed"),
        pytest.param({"/etc/rsyslog.conf": "*.* /var/log/auth.log\n"}, ALL_FAIL, id="nothing feeds rsyslog"),
        pytest.param({"/etc/rsyslog.conf": 'module(load="imuxsock" SysSock.Use="off")\n'
        '*.* /var/log/auth.log\n'}, ALL_FAIL, id="socket off"),
        pytest.param({"/etc/rsyslog.conf": 'module(load="imuxsock")\n*.* /dev/null\n'}, ALL_FAIL, id="to a device"),
        pytest.param({"/etc/rsyslog.conf": 'module(load="imuxsock")\n*.* @@10.0.0.1\n'}, ALL_FAIL, id="only forwarded, nothing local"),
        pytest.param({"/etc/rsyslog.conf": 'module(load="imuxsock")\n*.* /var/log/new.log\n'}, ALL_FAIL, id="a new file is born 0644"),
        pytest.param(
            {"/etc/rsyslog.conf": 'module(load="imuxsock")\naction(type="omfile" file="/var/log/new.log" fileCreateMode="0600")\n'},
            ALL_PASS,
            id="born 0600",
        ),
        pytest.param({"/etc/ssh/sshd_config": "LogLevel QUIET\n"}, SSH_FAILS, id="sshd is quiet"),
        pytest.param({"/etc/ssh/sshd_config": "LogLevel VERBOSE\nLogLevel QUIET\n"}, ALL_PASS, id="sshd takes the first value"),
        pytest.param({"/etc/ssh/sshd_config": "Match User bob\n LogLevel FATAL\n"}, SSH_FAILS, id="quiet for somebody"),
        pytest.param({"/etc/ssh/sshd_config": "SyslogFacility LOCAL3\n"
        "", "/etc/rsyslog.d/0.conf": "local3.* ~\n"}, SSH_FAILS, id="another facility"),
        pytest.param({"/etc/sudoers": "Defaults !syslog\n"}, ALL_PASS | {"sudo": "fail"}, id="sudo without syslog"),
        pytest.param({"/etc/sudoers": "Defaults syslog=local5\n"
        "", "/etc/rsyslog.d/0.conf": "local5.* ~\n"}, ALL_PASS | {"sudo": "fail"}, id="sudo elsewhere"),
    ],
)  # fmt: skip
def test_rsyslog_decides_without_a_journal(kind: str, change: dict[str, str | None], wanted: dict[str, str]) -> None:
    assert verdicts(run(auth_events, log_host({**NO_JOURNAL, **change}, kind=kind))) == wanted


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ((0o640, 0, 4), "pass"),
        ((0o600, 0, 0), "pass"),
        ((0o644, 0, 4), "fail"),
        ((0o660, 0, 0), "pass"),
        ((0o642, 0, 4), "fail"),
        ((0o640, 1000, 4), "fail"),
    ],
)
def test_the_modes_of_the_file_decide(mode: tuple[int, int, int], wanted: str) -> None:
    people: dict[str, str | None] = {"/etc/passwd": "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"}
    assert verdicts(run(auth_events, log_host(NO_JOURNAL | people, modes={"/var/log/auth.log": mode})))["sudo"] == wanted


@pytest.mark.parametrize(
    ("mode", "wanted"), [((0o755, 0, 0), "pass"), ((0o777, 0, 0), "fail"), ((0o1777, 0, 0), "pass")]
)  # sticky: what is there stays
def test_the_folder_counts_too(mode: tuple[int, int, int], wanted: str) -> None:
    assert verdicts(run(auth_events, log_host(NO_JOURNAL, modes={"/var/log": mode})))["su"] == wanted


def test_a_journal_in_memory_is_not_enough() -> None:
    stop = {"/etc/rsyslog.d/00.conf": "auth,authpriv.* stop\n"}
    assert verdicts(run(auth_events, log_host(stop, journal=True))) == ALL_PASS
    assert verdicts(run(auth_events, log_host(stop, journal=False))) == ALL_FAIL


def test_the_journal_drops_what_is_below_its_level() -> None:
    changes = {"/etc/rsyslog.d/00.conf": "*.* stop\n", "/etc/systemd/journald.conf": "[Journal]\nMaxLevelStore=notice\n"}
    found = verdicts(run(auth_events, log_host(changes)))
    assert found["ssh-login"] == "fail"
    assert found["sudo"] == "pass"


def test_without_forwarding_rsyslog_gets_nothing_under_systemd() -> None:
    off = {"/etc/systemd/journald.conf": "[Journal]\nForwardToSyslog=no\nStorage=none\n"}
    assert verdicts(run(auth_events, log_host(off))) == ALL_FAIL
    without_systemd = {"processes": (0, "rsyslogd\nsshd\n")}
    assert verdicts(run(auth_events, log_host(off, commands=without_systemd))) == ALL_PASS


def test_no_daemon_at_all_fails() -> None:
    assert verdicts(run(auth_events, log_host(commands={"processes": (0, "sshd\n")}))) == ALL_FAIL


def test_a_daemon_that_is_not_started_fails() -> None:
    links = {"/etc/systemd/system/multi-user.target.wants/rsyslog.service": None}
    assert verdicts(run(auth_events, log_host(NO_JOURNAL, kind="root", links=links))) == ALL_FAIL


def test_a_message_that_names_somebody_may_be_dropped() -> None:
    found = verdicts(run(auth_events, log_host({**NO_JOURNAL, "/etc/rsyslog.d/00.conf": ':msg, contains, "nagios" stop\n'})))
    assert found["ssh-login"] == "unknown"
    found = verdicts(run(auth_events, log_host({**NO_JOURNAL, "/etc/rsyslog.d/00.conf": ':msg, contains, "[UFW BLOCK]" stop\n'})))
    assert found == ALL_PASS


def test_a_daemon_that_is_not_modelled_is_unknown() -> None:
    found = run(auth_events, log_host(NO_JOURNAL, commands={"processes": (0, "syslog-ng\nsshd\n")}))
    assert set(verdicts(found).values()) == {"unknown"}


def test_unseen_configuration_is_unknown() -> None:
    found = run(auth_events, log_host(NO_JOURNAL, unseen=["/etc/rsyslog.conf"]))
    assert set(verdicts(found).values()) == {"unknown"}
    found = run(auth_events, log_host(NO_JOURNAL, unseen=["/etc/rsyslog.d/10-empty.conf"]))
    assert set(verdicts(found).values()) == {"unknown"}


def test_the_journal_speaks_for_itself() -> None:
    assert verdicts(run(auth_events, log_host(unseen=["/etc/rsyslog.conf"]))) == ALL_PASS


def test_programs_that_are_not_there_are_no_subject() -> None:
    assert verdicts(run(auth_events, host_with(kind="root"))) == {"": "not_applicable"}
    found = verdicts(run(auth_events, log_host({"/usr/sbin/sshd": None, "/usr/bin/login": None})))
    assert found == {"sudo": "pass", "su": "pass"}


def test_the_unit_may_name_another_configuration_and_umask() -> None:
    other = {**NO_JOURNAL, "/etc/rsyslog.other": 'module(load="imuxsock")\n*.* /var/log/new.log\n', "/etc/rsyslog.conf": "*.* stop\n"}
    drop_in = "/etc/systemd/system/rsyslog.service.d/x.conf"
    starts = "[Service]\nExecStart=\nExecStart=/usr/sbin/rsyslogd -n -f /etc/rsyslog.other\n"
    assert verdicts(run(auth_events, log_host({**other, drop_in: starts}))) == ALL_FAIL  # made for everybody to read
    assert verdicts(run(auth_events, log_host({**other, drop_in: starts + "UMask=0066\n"}))) == ALL_PASS


def test_privileges_dropped_where_rsyslog_may_not_write() -> None:
    drop = {**NO_JOURNAL, "/etc/rsyslog.d/00.conf": "$PrivDropToUser daemon\n"}
    assert verdicts(run(auth_events, log_host(drop))) == ALL_FAIL
    assert verdicts(run(auth_events, log_host(drop, modes={"/var/log/auth.log": (0o640, 1, 0)}))) == ALL_PASS


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize("change", [{}, NO_JOURNAL, {**NO_JOURNAL, "/etc/rsyslog.d/00.conf": "auth.* stop\n"}])
def test_less_evidence_never_helps(kind: str, change: dict[str, str | None]) -> None:
    evidence = log_evidence(change, kind=kind)
    before = verdicts(run(auth_events, Host(evidence)))
    for artifact in evidence.artifacts:
        after = verdicts(run(auth_events, Host(without(evidence, artifact))))
        for subject, verdict in after.items():
            if verdict in ("pass", "not_applicable"):
                assert before.get(subject) in ("pass", "not_applicable"), (artifact, subject)


def test_an_empty_bundle_says_nothing() -> None:
    assert set(verdicts(run(auth_events, Host(evidence_with(unseen=["tree"], minimal=False)))).values()) == {"unknown"}


def test_a_journal_that_somebody_could_alter_protects_nothing() -> None:
    people: dict[str, str | None] = {
        "/etc/passwd": "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n",
        "/etc/rsyslog.d/0.conf": "*.* stop\n",
    }
    assert set(verdicts(run(auth_events, log_host(people))).values()) == {"pass"}
    assert set(verdicts(run(auth_events, log_host(people, modes={JOURNAL: (0o640, 1000, 0)}))).values()) == {"fail"}
