from __future__ import annotations

import pytest

from checks.log_completeness.clock import clock
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts, without
from tests.log_hosts import TRACKING, log_evidence, log_host

CONF = "/etc/chrony/chrony.conf"
WANTS = "/etc/systemd/system/multi-user.target.wants/chrony.service"
TIMESYNCD = {"/usr/sbin/chronyd": None, "/usr/lib/systemd/systemd-timesyncd": "", "/etc/systemd/timesyncd.conf": "[Time]\n#NTP=\n"}
TIMESYNCD_WANTS = {"/etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service": "/lib/systemd/system/systemd-timesyncd.service"}


def source(host: Host) -> str:
    return verdicts(run(clock, host))["source"]


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        pytest.param({}, "pass", id="a pool"),
        pytest.param({CONF: "server 10.0.0.1 iburst\n"}, "pass", id="a server"),
        pytest.param({CONF: "refclock PPS /dev/pps0\n"}, "pass", id="a reference clock"),
        pytest.param({CONF: "# server 10.0.0.1\n! pool x\n% peer y\n; server z\n"}, "fail", id="comments"),
        pytest.param({CONF: "server 127.0.0.1\n"}, "fail", id="itself"),
        pytest.param({CONF: "local stratum 10\nmakestep 1 3\n"}, "fail", id="no source"),
        pytest.param({CONF: "pool\n"}, "fail", id="a pool without a name"),
        pytest.param({CONF: None}, "fail", id="no configuration"),
        pytest.param({CONF: "confdir /etc/chrony/conf.d\n", "/etc/chrony/conf.d/a.conf": "server ntp1\n"}, "pass", id="confdir"),
        pytest.param(
            {CONF: "confdir /etc/chrony/conf.d\n", "/etc/chrony/conf.d/a.txt": "server ntp1\n"}, "fail", id="confdir, another ending"
        ),
        pytest.param(
            {CONF: "sourcedir /etc/chrony/sources.d\n", "/etc/chrony/sources.d/a.sources": "server ntp1\n"}, "pass", id="sourcedir"
        ),
        pytest.param(
            {CONF: "sourcedir /etc/chrony/sources.d\n", "/etc/chrony/sources.d/a.conf": "server ntp1\n"},
            "fail",
            id="sourcedir, another ending",
        ),
        pytest.param({CONF: "include /etc/chrony/*.inc\n", "/etc/chrony/a.inc": "server ntp1\n"}, "pass", id="include"),
        pytest.param({CONF: "include /etc/chrony/chrony.conf\n"}, "fail", id="include of itself"),
        pytest.param({CONF: None, "/etc/chrony.conf": "server ntp1\n"}, "pass", id="the other place"),
        pytest.param({"/usr/sbin/chronyd": None}, "fail", id="nothing installed"),
    ],
)
def test_chrony(kind: str, changes: dict[str, str | None], wanted: str) -> None:
    assert source(log_host(changes, kind=kind)) == wanted


def test_it_must_be_in_force() -> None:
    assert source(log_host(commands={"processes": (0, "systemd\n")})) == "fail"
    assert source(log_host(kind="root", links={WANTS: None})) == "fail"
    assert source(log_host(kind="root", links={"/etc/systemd/system/chrony.service": "/dev/null"})) == "fail"


@pytest.mark.parametrize(
    ("changes", "links", "wanted"),
    [
        ({}, TIMESYNCD_WANTS, "pass"), ({}, {}, "fail"), ({"/etc/systemd/timesyncd.conf": "[Time]\nFallbackNTP=\n"}, TIMESYNCD_WANTS, "fail"),
        ({"/etc/systemd/timesyncd.conf": "[Time]\nNTP=ntp1\nFallbackNTP=\n"}, TIMESYNCD_WANTS, "pass"),
        ({"/etc/systemd/timesyncd.conf": "[Time]\nNTP=ntp1\nNTP=\nFallbackNTP=\n"}, TIMESYNCD_WANTS, "fail"),
        ({"/etc/systemd/timesyncd.conf.d/x.conf": "[Time]\nNTP=ntp1\nFallbackNTP=\n"}, TIMESYNCD_WANTS, "pass"),
    ],
)  # fmt: skip
def test_timesyncd(changes: dict[str, str], links: dict[str, str], wanted: str) -> None:
    assert source(log_host({**TIMESYNCD, **changes}, links=links, kind="root")) == wanted


@pytest.mark.parametrize(
    ("said", "wanted"), [("NTP=yes\nNTPSynchronized=yes\n", "pass"), ("NTP=yes\nNTPSynchronized=no\n", "fail"), ("", "unknown")]
)
def test_timesyncd_is_asked(said: str, wanted: str) -> None:
    commands = {"processes": (0, "systemd\nsystemd-timesyn\n"), "timedatectl": (0, said)}
    assert source(log_host(TIMESYNCD, commands=commands)) == wanted


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"/etc/ntp.conf": "pool 0.debian.pool.ntp.org\n"}, "pass"), ({"/etc/ntpsec/ntp.conf": "server ntp1 iburst\n"}, "pass"),
        ({"/etc/ntp.conf": "server 127.127.1.0\nfudge 127.127.1.0 stratum 10\n"}, "fail"),
        ({"/etc/openntpd/ntpd.conf": "servers pool.ntp.org\n"}, "pass"),
        ({"/etc/ntp.conf": "driftfile /x\n"}, "fail"),
    ],
)  # fmt: skip
def test_ntpd(files: dict[str, str], wanted: str) -> None:
    links = {"/etc/systemd/system/multi-user.target.wants/ntp.service": "/lib/systemd/system/ntp.service"}
    assert source(log_host({"/usr/sbin/chronyd": None, "/usr/sbin/ntpd": "", **files}, links=links, kind="root")) == wanted


def test_ntpd_selects_a_peer() -> None:
    changes = {"/usr/sbin/chronyd": None, "/usr/sbin/ntpd": "", "/etc/ntp.conf": "pool x\n"}
    head = "     remote           refid\n==============\n"
    for rows, wanted in (("*10.0.0.1 .GPS. 1 u\n", "pass"), (" 10.0.0.1 .INIT. 16 u\n", "fail")):
        commands = {"processes": (0, "ntpd\n"), "ntpq-peers": (0, head + rows)}
        assert source(log_host(changes, commands=commands)) == wanted


def test_chrony_says_that_it_lost_its_source() -> None:
    lost = TRACKING.replace("Normal", "Not synchronised")
    assert source(log_host(commands={"chronyc-tracking": (0, lost)})) == "fail"
    assert (
        source(
            log_host(commands={"chronyc-tracking": (0, "Reference ID : 0A\nSystem time : 0.1 seconds slow\nLeap status     : Normal\n")})
        )
        == "pass"
    )
    assert source(log_host(commands={"chronyc-tracking": (1, "506 Cannot talk to daemon\n")})) == "unknown"
    assert source(log_host(commands={"chronyc-tracking": None})) == "unknown"


def test_a_container_follows_its_host() -> None:
    assert source(log_host({"/usr/sbin/chronyd": None, "/.dockerenv": ""})) == "not_applicable"
    assert source(log_host({"/.dockerenv": ""})) == "pass"


@pytest.mark.parametrize(
    ("skew", "limit", "wanted"),
    [(0, 1000, "pass"), (1000, 1000, "pass"), (-1000, 1000, "pass"), (1001, 1000, "fail"), (-1001, 1000, "fail"), (60, 50, "fail")],
)
def test_the_measured_skew(skew: int, limit: int, wanted: str) -> None:
    assert verdicts(run(clock, log_host(clock_skew_ms=skew), max_skew_ms=limit))["skew"] == wanted


def test_skew_where_nothing_was_measured() -> None:
    assert verdicts(run(clock, log_host(clock_skew_ms=None)))["skew"] == "unknown"
    assert verdicts(run(clock, log_host(kind="root", clock_skew_ms=None)))["skew"] == "not_applicable"


@pytest.mark.parametrize(
    ("offset", "wanted"), [("0.000012", "pass"), ("-0.9999", "pass"), ("1.000000", "pass"), ("1.000001", "fail"), ("-2.5", "fail")]
)
def test_on_the_auditors_own_machine_chrony_is_asked(offset: str, wanted: str) -> None:
    host = log_host(kind="local", clock_skew_ms=0, commands={"chronyc-tracking": (0, TRACKING.replace("0.000012", offset))})
    assert verdicts(run(clock, host))["skew"] == wanted


def test_on_the_auditors_own_machine_without_an_estimate() -> None:
    assert verdicts(run(clock, log_host(kind="local", clock_skew_ms=0, commands={"chronyc-tracking": None})))["skew"] == "unknown"
    commands = {"processes": (0, "systemd\nsystemd-timesyn\n"), "timedatectl": (0, "NTPSynchronized=yes\n"), "chronyc-tracking": None}
    assert verdicts(run(clock, log_host(TIMESYNCD, kind="local", clock_skew_ms=0, commands=commands))) == {"source": "pass", "skew": "pass"}
    assert verdicts(run(clock, log_host(TIMESYNCD, kind="local", clock_skew_ms=0, commands=commands), max_skew_ms=50))["skew"] == "unknown"


@pytest.mark.parametrize("kind", ["ssh", "root"])
def test_unseen_configuration_is_unknown(kind: str) -> None:
    assert source(log_host(kind=kind, unseen=[CONF])) == "unknown"
    assert source(log_host({CONF: "confdir /etc/chrony/conf.d\n"}, kind=kind, unseen=["/etc/chrony/conf.d"])) == "unknown"


@pytest.mark.parametrize("kind", ["ssh", "root", "local"])
@pytest.mark.parametrize(
    ("changes", "commands"),
    [
        ({}, {}), ({CONF: "# none\n"}, {}), ({}, {"chronyc-tracking": (0, TRACKING.replace("Normal", "Not synchronised"))}),
        (TIMESYNCD, {"timedatectl": (0, "NTPSynchronized=no\n")}),
    ],
)  # fmt: skip
def test_less_evidence_never_helps(kind: str, changes: dict[str, str | None], commands: dict[str, tuple[int, str]]) -> None:
    evidence = log_evidence(changes, kind=kind, commands=commands, clock_skew_ms=5000)
    before = verdicts(run(clock, Host(evidence)))
    for artifact in evidence.artifacts:
        after = verdicts(run(clock, Host(without(evidence, artifact))))
        for subject, verdict in after.items():
            if verdict in ("pass", "not_applicable"):
                assert before.get(subject) in ("pass", "not_applicable"), (artifact, subject)


@pytest.mark.parametrize(
    ("conf", "image", "running"),
    [
        ("nonsense\nserver ntp1\n", "fail", "pass"), ("server ntp1 # mine\n", "fail", "fail"), ("server ntp1 noselect\n", "fail", "fail"),
        ("server ntp1 offline\n", "unknown", "unknown"), ("server ntp1 offline\nserver ntp2\n", "pass", "pass"),
        ("include /etc/none.conf\nserver ntp1\n", "fail", "pass"), ("include /etc/none*.conf\nserver ntp1\n", "pass", "pass"),
    ],
)  # fmt: skip
def test_what_keeps_chronyd_from_starting_or_choosing(conf: str, image: str, running: str) -> None:
    assert source(log_host({CONF: conf}, kind="root")) == image
    assert source(log_host({CONF: conf}, kind="ssh")) == running


@pytest.mark.parametrize(
    ("conf", "wanted"),
    [
        ("[Time]\nNTP=127.0.0.1\n", "fail"), ("[Time]\nNTP=127.0.0.1 ntp1\n", "pass"), ("[Time]\nNTP=\nFallbackNTP=\n", "fail"),
        ("[Time]\nNTP=\n", "pass"), ("[Time]\nFallbackNTP=ntp1\n", "pass"), ("[Time]\nNTP=::1\nFallbackNTP=ntp1\n", "fail"),
    ],
)  # fmt: skip
def test_the_fallback_counts_only_where_nobody_is_named(conf: str, wanted: str) -> None:
    assert source(log_host({**TIMESYNCD, "/etc/systemd/timesyncd.conf": conf}, kind="root", links=TIMESYNCD_WANTS)) == wanted


def test_ntpd_includes_and_never_selects() -> None:
    ntp = {"/usr/sbin/chronyd": None, "/usr/sbin/ntpd": "", "/etc/ntp/more": "server ntp1\n"}
    links = {"/etc/systemd/system/multi-user.target.wants/ntp.service": "/lib/systemd/system/ntp.service"}
    assert source(log_host({**ntp, "/etc/ntp.conf": "includefile /etc/ntp/more\n"}, kind="root", links=links)) == "pass"
    assert source(log_host({**ntp, "/etc/ntp.conf": "server ntp1 noselect\n"}, kind="root", links=links)) == "fail"


@pytest.mark.parametrize(
    ("packages", "files", "wanted"),
    [
        ("ntpsec 1.2\n", {"/etc/ntpsec/ntp.conf": "driftfile /x\n", "/etc/ntp.conf": "server a\n"}, "fail"),
        ("ntpsec 1.2\n", {"/etc/ntpsec/ntp.conf": "server a\n", "/etc/openntpd/ntpd.conf": "listen on *\n"}, "pass"),
        ("openntpd 6\n", {"/etc/openntpd/ntpd.conf": "listen on *\n", "/etc/ntp.conf": "server a\n"}, "fail"),
        ("ntp 4\n", {"/etc/ntp.conf": "pool a\n", "/etc/openntpd/ntpd.conf": "listen on *\n"}, "pass"),
        ("ntp 4\n", {"/etc/ntp.conf": "POOL a\n"}, "fail"),
    ],
)
def test_the_file_of_the_ntpd_that_is_installed(packages: str, files: dict[str, str | None], wanted: str) -> None:
    links = {"/etc/systemd/system/multi-user.target.wants/ntp.service": "/lib/systemd/system/ntp.service"}
    changes: dict[str, str | None] = {"/usr/sbin/chronyd": None, "/usr/sbin/ntpd": "", **files}
    host = log_host(changes, links=links, kind="root", artifacts={"packages": packages})
    assert verdicts(run(clock, host))["source"] == wanted


def test_what_is_not_modelled_may_keep_the_time() -> None:
    links = {"/etc/systemd/system/multi-user.target.wants/phc2sys@eth0.service": "/lib/systemd/system/phc2sys@.service"}
    assert verdicts(run(clock, log_host({"/usr/sbin/chronyd": None}, links=links, kind="root")))["source"] == "unknown"
    assert verdicts(run(clock, log_host({"/usr/sbin/chronyd": None}, kind="root")))["source"] == "fail"


@pytest.mark.parametrize(
    ("conf", "wanted"), [("pool a\nrtcsync yes\n", "fail"), ("pool a\nallow c.example\n", "unknown"), ("pool a\nallow 10/8\n", "pass")]
)
def test_a_line_that_chronyd_cannot_read(conf: str, wanted: str) -> None:
    assert verdicts(run(clock, log_host({"/etc/chrony/chrony.conf": conf}, kind="root")))["source"] == wanted
