"""least-privilege.dormant"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.dormant import dormant

from sovaudit.facts.host import Host
from sovaudit.testing import NOW, run, verdicts
from tests.checks.ssh_world import ONE, SHADOW, world

SECONDS = int(NOW.timestamp())
DAY = 86400
TODAY = SECONDS // DAY


def seen(logins: str, changed: object = 19000, config: str = ONE, **more: object) -> Host:
    shadow = SHADOW.replace("bob:$y$j9T$masked:19000", f"bob:$y$j9T$masked:{changed}")
    artifacts = {"last-logins": logins, **more.pop("artifacts", {})}  # type: ignore[dict-item]
    return world(config, {"/etc/shadow": shadow, **more.pop("files", {})}, artifacts=artifacts, **more)  # type: ignore[dict-item]


def judged(host: Host, **knobs: object) -> dict[str, str]:
    return verdicts(run(dormant, host, **knobs))


@pytest.mark.parametrize(
    ("ago", "verdict"), [(0, "pass"), (90 * DAY, "pass"), (90 * DAY + 1, "fail"), (1000 * DAY, "fail"), (-DAY, "pass")]
)
def test_last_login(ago: int, verdict: str) -> None:
    assert judged(seen(f"0 5\n1001 {SECONDS - ago}\n")) == {"root": "pass", "bob": verdict}  # nothing opens root


def test_knob() -> None:
    assert judged(seen(f"1001 {SECONDS - 31 * DAY}\n"), max_idle_days=30)["bob"] == "fail"
    assert judged(seen(f"1001 {SECONDS - 31 * DAY}\n"), max_idle_days=31)["bob"] == "pass"


@pytest.mark.parametrize(
    ("changed", "verdict"), [(TODAY, "pass"), (TODAY - 90, "pass"), (TODAY - 91, "fail"), ("", "unknown"), (0, "unknown")]
)
def test_no_login_on_record(changed: object, verdict: str) -> None:
    assert judged(seen("", changed))["bob"] == verdict


def test_a_new_password_is_no_login() -> None:
    assert judged(seen(f"1001 {SECONDS - 200 * DAY}\n", TODAY))["bob"] == "fail"


def test_not_enabled() -> None:
    assert judged(seen("1001 5\n", config=ONE + "AllowUsers zoe\n"))["bob"] == "pass"


def test_unseen() -> None:
    assert judged(seen("", unseen=["last-logins"]))["bob"] == "unknown"
    assert judged(seen("1001 5\n", unseen=["/home/bob/.ssh/authorized_keys"]))["bob"] == "unknown"
    assert judged(seen("", files={"/etc/nsswitch.conf": "passwd: files ldap\n"}))["ldap"] == "unknown"


def test_no_account_with_a_shell() -> None:
    assert judged(seen("", files={"/etc/passwd": "root:x:0:0::/root:/usr/sbin/nologin\n"})) == {"": "not_applicable"}
