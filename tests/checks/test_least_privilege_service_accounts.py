"""least-privilege.service-accounts"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.service_accounts import service_accounts

from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests.checks.ssh_world import KEY, ONE, PASSWD, SHADOW, world


def with_service(uid: int = 999, shell: str = "/bin/bash", field: str = "*", key: str = KEY, defs: str = "", **more: object) -> Host:
    files = {
        "/etc/passwd": PASSWD + f"svc:x:{uid}:{uid}::/srv/svc:{shell}\n",
        "/etc/shadow": SHADOW + f"svc:{field}:19000:0:99999:7:::\n",
        "/etc/login.defs": defs,
        "/srv/svc/.ssh/authorized_keys": key,
    }
    modes = dict.fromkeys(("/srv/svc", "/srv/svc/.ssh", "/srv/svc/.ssh/authorized_keys"), (0o700, uid, uid))
    return world(str(more.pop("config", ONE)), files, modes=modes, **more)


def judged(host: Host) -> dict[str, str]:
    return verdicts(run(service_accounts, host))


def test_key_and_shell() -> None:
    outcomes = run(service_accounts, with_service())
    assert verdicts(outcomes) == {"daemon": "pass", "svc": "fail"}
    assert outcomes[1].seen == "key"


@pytest.mark.parametrize(
    ("uid", "defs", "verdict"),
    [
        (999, "", "fail"),
        (1000, "", None),
        (500, "UID_MIN 500\n", None),
        (499, "UID_MIN 500\n", "fail"),
        (1000, "UID_MIN\t\t\t 01751\n", "fail"),  # octal: 1001
        (1000, "UID_MIN 1100\nUID_MIN 0x3E8\n", None),
        (65534, "", "fail"),
        (65533, "", None),
    ],
)
def test_numbers(uid: int, defs: str, verdict: str | None) -> None:
    assert judged(with_service(uid, defs=defs)).get("svc") == verdict


def test_nothing_opens() -> None:
    outcome = run(service_accounts, with_service(key=""))[1]
    assert (outcome.verdict.value, outcome.args["shell"]) == ("pass", "/bin/bash")
    assert judged(with_service(shell="/usr/sbin/nologin"))["svc"] == "pass"
    assert judged(with_service(shell="/usr/sbin/nologin", config=ONE + "Subsystem sftp internal-sftp\n"))["svc"] == "fail"


def test_unseen() -> None:
    assert judged(with_service(unseen=["/srv/svc/.ssh/authorized_keys"]))["svc"] == "unknown"
    assert judged(with_service(unseen=["/etc/login.defs"])) == {"": "unknown"}


def test_no_system_account() -> None:
    assert judged(world(ONE, {"/etc/passwd": "root:x:0:0::/root:/bin/bash\n"})) == {"": "not_applicable"}
