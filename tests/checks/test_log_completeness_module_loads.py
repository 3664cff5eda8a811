from __future__ import annotations

import pytest

from checks.log_completeness.module_loads import module_loads
from sovaudit.testing import run, verdicts
from tests.audit_hosts import RULES, audit_host

CALLS = ("init_module", "finit_module", "delete_module")
PASS, FAIL = dict.fromkeys(CALLS, "pass"), dict.fromkeys(CALLS, "fail")


@pytest.mark.parametrize("live", [False, True])
def test_all_calls_of_both_archs_pass(live: bool) -> None:
    assert verdicts(run(module_loads, audit_host(live=live))) == PASS


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        pytest.param(RULES.replace("finit_module,", ""), PASS | {"finit_module": "fail"}, id="finit_module missing"),
        pytest.param(
            RULES.replace("-F arch=b32 -S init_module", "-F arch=b32 -S chmod"),
            PASS | {"init_module": "fail"},
            id="one of one arch missing",
        ),
        pytest.param(
            "-w /sbin/insmod -p x\n-w /sbin/modprobe -p x\n-a always,exit -F path=/usr/bin/kmod -F perm=x\n", FAIL, id="programs only"
        ),
        pytest.param(RULES.replace("-k modules", "-F auid>=1000 -F auid!=unset -k modules"), PASS, id="people"),
        pytest.param(RULES.replace("-k modules", "-F auid=1000 -k modules"), PASS, id="the account that stands for all"),
        pytest.param(RULES.replace("-k modules", "-F auid=1001 -k modules"), FAIL, id="one account"),
        pytest.param(RULES.replace("-k modules", "-F exe=/usr/bin/kmod -k modules"), FAIL, id="by one program"),
        pytest.param(RULES.replace("-k modules", "-F exe!=/usr/bin/kmod -k modules"), FAIL, id="but by one program"),
        pytest.param("-a never,exit -F exe=/usr/bin/kmod -S all\n" + RULES, FAIL, id="a program left out"),
        pytest.param(RULES.replace("-S init_module,", "-S nosuch,"), FAIL, id="an unknown call stops auditctl"),
        pytest.param("-c\n" + RULES.replace("arch=b64 -S init_module,", "arch=b64 -S nosuch,"), FAIL, id="an unknown call is passed over"),
        pytest.param(RULES + "-D -k modules\n", FAIL, id="deleted again"),
    ],
)
def test_rules(rules: str, wanted: dict[str, str]) -> None:
    assert verdicts(run(module_loads, audit_host(rules=rules, modes={"/usr/bin": (0o755, 0, 0), "/sbin": (0o755, 0, 0)}))) == wanted


def test_unseen_rules_are_unknown() -> None:
    assert set(verdicts(run(module_loads, audit_host(unseen=["/etc/audit/rules.d/audit.rules"]))).values()) == {"unknown"}
