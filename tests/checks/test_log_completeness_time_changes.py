from __future__ import annotations

import pytest

from checks.log_completeness.time_changes import time_changes
from sovaudit.testing import run, verdicts
from tests.audit_hosts import RULES, audit_host

CALLS = ("adjtimex", "clock_adjtime", "clock_settime", "settimeofday", "stime")
PASS = dict.fromkeys(CALLS, "pass")
STIG = (
    "-a always,exit -F arch=b32 -S adjtimex,settimeofday,stime -F key=t\n-a always,exit -F arch=b64 -S adjtimex,settimeofday -F key=t\n"
    "-a always,exit -F arch=b32 -S clock_settime -F a0=0x0 -F key=t\n-a always,exit -F arch=b64 -S clock_settime -F a0=0x0 -F key=t\n"
)


def without(*starts: str) -> str:
    return "".join(line + "\n" for line in RULES.splitlines() if not any(start in line for start in starts))


@pytest.mark.parametrize("live", [False, True])
def test_all_calls_of_both_archs_pass(live: bool) -> None:
    assert verdicts(run(time_changes, audit_host(live=live))) == PASS


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        pytest.param(STIG, PASS | {"clock_adjtime": "fail"}, id="the usual set forgets one"),
        pytest.param(without("arch=b32 -S adjtimex"), dict.fromkeys(CALLS, "fail"), id="64-bit only"),
        pytest.param(without("arch=b64 -S adjtimex"), dict.fromkeys(CALLS, "fail") | {"stime": "pass"}, id="32-bit only"),
        pytest.param(
            RULES.replace("-F arch=b64 -S adjtimex", "-S adjtimex").replace("-F arch=b32 -S adjtimex,clock_adjtime", "-F arch=b32 -S time"),
            dict.fromkeys(CALLS, "pass") | {"adjtimex": "fail", "clock_adjtime": "fail"},
            id="no arch is 64-bit",
        ),
        pytest.param(RULES.replace("-k time", "-F a0=1 -k time"), dict.fromkeys(CALLS, "fail"), id="another clock"),
        pytest.param(RULES.replace("-k time", "-F auid>=1000 -F auid!=unset -k time"), PASS, id="people only"),
        pytest.param(RULES.replace("-k time", "-F success=1 -k time"), PASS, id="success only"),
        pytest.param(RULES.replace("-k time", "-F success=0 -k time"), dict.fromkeys(CALLS, "fail"), id="failures only"),
        pytest.param("-a never,exit -F arch=b64 -S adjtimex -F auid=unset -F uid=33\n" + RULES, PASS, id="a service left out"),
        pytest.param("-a never,exit -F arch=b64 -S adjtimex -F uid=0\n" + RULES, PASS | {"adjtimex": "fail"}, id="root left out"),
        pytest.param("-w /usr/bin/date -p x\n-w /etc/localtime -p wa\n", dict.fromkeys(CALLS, "fail"), id="programs and zones"),
        pytest.param("-a always,exit -S all -F auid>=1000\n", PASS, id="everything"),
    ],
)
def test_rules(rules: str, wanted: dict[str, str]) -> None:
    assert verdicts(run(time_changes, audit_host(rules=rules))) == wanted


def test_roots_own_login_counts_where_root_can_log_in() -> None:
    rules = RULES.replace("-k time", "-F auid>=1000 -F auid!=unset -k time")
    root = {"/etc/shadow": "root:$y$j9T$masked:19000:0:99999:7:::\n"}
    assert verdicts(run(time_changes, audit_host(root, rules=rules))) == dict.fromkeys(CALLS, "fail")
    assert verdicts(run(time_changes, audit_host(root))) == PASS


def test_another_machine_is_not_modelled() -> None:
    host = audit_host(live=True, commands={"kernel": (0, "Linux h 6.1.0 #1 SMP aarch64 GNU/Linux\n")})
    assert verdicts(run(time_changes, host)) == dict.fromkeys(CALLS, "unknown")
