"""least-privilege.disabled-accounts"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.disabled_accounts import disabled_accounts

from sovaudit.facts.host import Host
from sovaudit.testing import NOW, run, verdicts
from tests.checks.ssh_world import ONE, PAM, SHADOW, world

TODAY = int(NOW.timestamp()) // 86400
LOGIN = {"/etc/pam.d/login": PAM, "/etc/pam.d/other": "auth required pam_deny.so\naccount required pam_deny.so\n"}


def shadowed(field: str = "$y$j9T$masked", rest: str = "19000:0:99999:7:::", config: str = ONE, **more: object) -> Host:
    shadow = SHADOW.replace("bob:$y$j9T$masked:19000:0:99999:7:::", f"bob:{field}:{rest}")
    modes = {"/bin/login": (0o755, 0, 0), **more.pop("modes", {})}  # type: ignore[dict-item]
    return world(config, {**LOGIN, "/etc/shadow": shadow, **more.pop("files", {})}, modes=modes, **more)  # type: ignore[dict-item]


def judged(host: Host, **knobs: object) -> dict[str, str]:
    return verdicts(run(disabled_accounts, host, **knobs))


def test_locked_password_and_a_key() -> None:
    (outcome,) = run(disabled_accounts, shadowed("!$y$j9T$masked"))
    assert (outcome.subject, outcome.verdict.value, outcome.seen) == ("bob", "fail", "key")


@pytest.mark.parametrize(
    ("field", "rest", "config", "verdict"),
    [
        ("!", "19000:0:99999:7:::", ONE, "fail"),
        ("*", "19000:0:99999:7:::", ONE, None),
        ("!$y$j9T$masked", "19000:0:99999:7:::", "UsePAM no\n", "pass"),
        ("!$y$j9T$masked", "19000:0:99999:7:::", ONE + "PubkeyAuthentication no\n", "pass"),
        ("$y$j9T$masked", f"19000:0:99999:7::{TODAY}:", ONE, "pass"),
        ("$y$j9T$masked", f"19000:0:99999:7::{TODAY + 1}:", ONE, None),
        ("$y$j9T$masked", f"19000:0:99999:7::{TODAY}:", "UsePAM no\n", "fail"),
        ("$y$j9T$masked", f"19000:0:99999:7::{TODAY - 1}:", "UsePAM no\n", "pass"),
        ("$y$j9T$masked", f"{TODAY - 41}:0:30:7:10::", ONE, "pass"),
        ("$y$j9T$masked", f"{TODAY - 40}:0:30:7:10::", ONE, None),
    ],
)
def test_states(field: str, rest: str, config: str, verdict: str | None) -> None:
    assert judged(shadowed(field, rest, config)).get("bob") == verdict


def test_left() -> None:
    assert judged(shadowed(), left=("bob",))["bob"] == "fail"
    assert judged(shadowed(config=ONE + "DenyUsers bob\n"), left=("bob",))["bob"] == "fail"  # the console is open
    closed = {"/etc/pam.d/login": "auth required pam_deny.so\n"}
    assert judged(shadowed(config=ONE + "DenyUsers bob\n", files=closed), left=("bob",))["bob"] == "pass"
    assert judged(shadowed(), left=("zoe",)) == {"zoe": "pass"}
    assert (
        judged(shadowed(files={"/etc/nsswitch.conf": "passwd: files sss\n", "/etc/sssd/sssd.conf": ""}), left=("zoe",))["zoe"] == "unknown"
    )


def test_nobody_is_disabled() -> None:
    assert judged(shadowed()) == {"": "not_applicable"}


def test_unseen() -> None:
    assert judged(shadowed(unseen=["/etc/shadow"]))["bob"] == "unknown"
    assert judged(shadowed("!$y$j9T$masked", unseen=["/home/bob/.ssh/authorized_keys"]))["bob"] == "unknown"
    assert judged(shadowed("!$y$j9T$masked", unseen=["/etc/ssh/sshd_config"]))["bob"] == "unknown"
