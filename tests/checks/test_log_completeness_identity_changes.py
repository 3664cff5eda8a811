from __future__ import annotations

import pytest

from checks.log_completeness.identity_changes import identity_changes
from sovaudit.testing import run, verdicts
from tests.audit_hosts import LINKS, RULES, UNIT, audit_host, listing

ALL = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow")
PASS, FAIL, UNKNOWN = (dict.fromkeys(ALL, verdict) for verdict in ("pass", "fail", "unknown"))
PASSWD = "-w /etc/passwd -p wa -k w\n"
ALICE = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nalice:x:500:500::/home/alice:/bin/bash\n",
    "/etc/shadow": "root:*:19000:0:99999:7:::\nalice:$y$j9T$masked:19000:0:99999:7:::\n",
}


@pytest.mark.parametrize("live", [False, True])
def test_watches_on_each_file_pass(live: bool) -> None:
    assert verdicts(run(identity_changes, audit_host(live=live))) == PASS


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        pytest.param("", FAIL, id="no rules"),
        pytest.param("-w /etc -p wa\n", PASS, id="the folder"),
        pytest.param(RULES.replace(PASSWD, "-w /etc/passwd -p w -k w\n"), PASS | {"/etc/passwd": "fail"}, id="without attributes"),
        pytest.param(RULES.replace(PASSWD, ""), PASS | {"/etc/passwd": "fail"}, id="one missing"),
        pytest.param(RULES.replace(PASSWD, "-w /etc/passwd -p wa -F auid>=1000 -k w\n"), PASS, id="an unset login id is a large number"),
        pytest.param(
            RULES.replace(PASSWD, "-w /etc/passwd -p wa -F auid!=unset -k w\n"), PASS | {"/etc/passwd": "fail"}, id="services left out"
        ),
        pytest.param(
            RULES.replace(PASSWD, "-w /etc/passwd -p wa -F uid=0 -k w\n"), PASS | {"/etc/passwd": "fail"}, id="setuid programs left out"
        ),
        pytest.param(
            RULES.replace(PASSWD, "-a always,exit -F arch=b64 -F path=/etc/passwd -F perm=wa -k w\n"),
            PASS | {"/etc/passwd": "fail"},
            id="b64",
        ),
        pytest.param("-a never,task\n" + RULES, FAIL, id="task never"),
        pytest.param("-a never,exit -F dir=/etc\n" + RULES, FAIL, id="never before"),
        pytest.param(RULES + "-a never,exit -F dir=/etc\n", PASS, id="never after"),
        pytest.param("-w /nope/x -p wa\n" + RULES, FAIL, id="stopped before"),
        pytest.param(RULES + "-w /nope/x -p wa\n", PASS, id="stopped after"),
        pytest.param("-i\n-w /nope/x -p wa\n" + RULES, PASS, id="errors passed over"),
        pytest.param(RULES + "-a always,exclude -F msgtype=SYSCALL\n", FAIL, id="excluded"),
        pytest.param(RULES.replace("-e 2", "-e 0"), FAIL, id="switched off"),
        pytest.param("-a never,filesystem -F fstype=0xEF53\n" + RULES, UNKNOWN, id="a file system left out"),
        pytest.param("-a never,exit -F obj_uid=7 -S all\n" + RULES, UNKNOWN, id="a field that was not seen"),
    ],
)
def test_rules_of_a_mounted_image(rules: str, wanted: dict[str, str]) -> None:
    assert verdicts(run(identity_changes, audit_host(rules=rules))) == wanted


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"/sbin/auditd": None}, FAIL),
        ({"/etc/audit/auditd.conf": "write_logs = no\n"}, FAIL),
        ({"/etc/audit/auditd.conf": "log_format=RAW\n"}, FAIL),
        ({"/etc/default/grub": 'GRUB_CMDLINE_LINUX="audit=0"\n'}, FAIL),
        ({"/etc/default/grub": 'GRUB_CMDLINE_LINUX="audit=0 audit=1"\n'}, PASS),
        ({"/usr/lib/systemd/system/auditd.service": "[Service]\nExecStart=/sbin/auditd\n"}, FAIL),
        ({"/etc/systemd/system/auditd.service.d/a.conf": "[Service]\nExecStartPost=\n"}, FAIL),
        ({"/usr/lib/systemd/system/auditd.service": UNIT.replace("augenrules --load", "auditctl -R /etc/audit/audit.rules")}, FAIL),
        (
            {
                "/usr/lib/systemd/system/auditd.service": UNIT.replace("augenrules --load", "auditctl -R /etc/audit/audit.rules"),
                "/etc/audit/audit.rules": RULES,
            },
            PASS,
        ),
        (
            {
                "/usr/lib/systemd/system/auditd.service": UNIT.replace(
                    "-/sbin/augenrules --load", "/bin/sh -c '/sbin/augenrules --load || true'"
                )
            },
            PASS,
        ),
        ({"/usr/lib/systemd/system/auditd.service": UNIT.replace("-/sbin/augenrules --load", "/usr/local/sbin/load-rules")}, UNKNOWN),
        ({"/etc/audit/audit.rules": "-w /etc/hosts -p wa\n"}, PASS),
        ({"/etc/security/opasswd": "alice:1000:1:\n"}, PASS | {"/etc/security/opasswd": "fail"}),
        ({"/etc/pam.d/passwd": "password required pam_pwhistory.so\n"}, PASS | {"/etc/security/opasswd": "fail"}),
    ],
)
def test_everything_else_must_hold_too(change: dict[str, str | None], wanted: dict[str, str]) -> None:
    assert verdicts(run(identity_changes, audit_host(change))) == wanted


def test_a_service_that_nothing_starts_records_nothing() -> None:
    assert verdicts(run(identity_changes, audit_host(links={}))) == FAIL


def test_a_log_without_a_folder_is_not_written() -> None:
    change = {"/etc/audit/auditd.conf": None, "/var/log/audit/.keep": None}
    assert verdicts(run(identity_changes, audit_host(change, serials=None))) == FAIL


def test_accounts_below_the_limit_of_a_rule_are_told_apart() -> None:
    rules = RULES.replace(PASSWD, "-w /etc/passwd -p wa -F auid>=1000 -k w\n")
    assert verdicts(run(identity_changes, audit_host(ALICE, rules=rules)))["/etc/passwd"] == "fail"
    assert (
        verdicts(run(identity_changes, audit_host(ALICE | {"/etc/shadow": "alice:!:19000::::::\n"}, rules=rules)))["/etc/passwd"] == "pass"
    )
    unseen = audit_host(ALICE, rules=rules, unseen=["/etc/shadow"])
    assert verdicts(run(identity_changes, unseen))["/etc/passwd"] == "unknown"


def test_a_running_host_must_hold_now_and_after_the_next_boot() -> None:
    none_now = audit_host(live=True, commands={"auditctl-l": (0, "No rules\n")})
    assert verdicts(run(identity_changes, none_now)) == FAIL
    none_later = audit_host(live=True, rules="", commands={"auditctl-l": (0, listing())})
    assert verdicts(run(identity_changes, none_later)) == FAIL
    off = audit_host(live=True, commands={"auditctl-s": (0, "enabled 0\nlost 0\n")})
    assert verdicts(run(identity_changes, off)) == FAIL
    stopped = audit_host(
        live=True, commands={"processes": (0, "systemd\nsshd\n"), "units": (0, "auditd.service\tloaded\tfailed\tfailed\n")}
    )
    assert verdicts(run(identity_changes, stopped)) == FAIL
    denied = audit_host(live=True, commands={"auditctl-l": (4, "You must be root to run this program.\n")})
    assert verdicts(run(identity_changes, denied)) == UNKNOWN


def test_a_listing_shows_never_like_a_watch() -> None:
    rules = "-a never,exit -F path=/etc/passwd -F perm=wa -F key=w\n" + RULES.replace(PASSWD, "")
    host = audit_host(live=True, rules=rules, commands={"auditctl-l": (0, listing())})
    assert verdicts(run(identity_changes, host))["/etc/passwd"] == "fail"


@pytest.mark.parametrize("path", ["/etc/audit/rules.d/audit.rules", "/usr/lib/systemd/system/auditd.service", "/etc/audit/auditd.conf"])
def test_what_was_not_seen_is_unknown(path: str) -> None:
    assert verdicts(run(identity_changes, audit_host(unseen=[path]))) == UNKNOWN


def test_an_unseen_path_decides_only_what_follows_it() -> None:
    early = audit_host(rules="-w /srv/x/y -p wa\n" + RULES, modes={"/srv": (0o755, 0, 0)}, unseen=["/srv/x", "/srv"])
    late = audit_host(rules=RULES + "-w /srv/x/y -p wa\n", modes={"/srv": (0o755, 0, 0)}, unseen=["/srv/x", "/srv"])
    assert verdicts(run(identity_changes, early)) == UNKNOWN
    assert verdicts(run(identity_changes, late)) == PASS


def test_a_link_is_followed_to_what_is_really_changed() -> None:
    links = {"/etc/passwd": "/etc/real/passwd"}
    change = {"/etc/real/passwd": "root:x:0:0::/root:/bin/sh\n"}
    host = audit_host(change, links={**LINKS, **links})
    assert verdicts(run(identity_changes, host))["/etc/passwd"] == "fail"
    both = audit_host(change, rules=RULES.replace("-e 2", "-w /etc/real/passwd -p wa\n-e 2"), links={**LINKS, **links})
    assert verdicts(run(identity_changes, both))["/etc/passwd"] == "pass"


@pytest.mark.parametrize(
    ("mark", "last", "wanted"),
    [("-", "", "pass"), ("", "", "pass"), ("-", "nonsense\n", "pass"), ("", "nonsense\n", "fail"), ("!-", "nonsense\n", "pass")],
)
def test_a_unit_that_fails_with_its_rules(mark: str, last: str, wanted: str) -> None:
    """Without a `-` before the command systemd stops auditd where auditctl gives up, be it behind all rules that count."""
    unit = {"/etc/systemd/system/auditd.service.d/x.conf": f"[Service]\nExecStartPost=\nExecStartPost={mark}/sbin/augenrules --load\n"}
    assert set(verdicts(run(identity_changes, audit_host(unit, rules=RULES.replace("-e 2\n", "") + last))).values()) == {wanted}
