"""least-privilege.su-restricted; real su says the same in tests/truth/test_su.py."""

from __future__ import annotations

import pytest

from checks.least_privilege.su_restricted import su_restricted
from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts

PASSWD = (
    "root:x:0:0::/root:/bin/bash\nwww:x:33:33::/:/usr/sbin/nologin\n"
    "alice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n"
)
GROUP = "root:x:0:\nwheel:x:10:bob\nalice:x:1000:\nbob:x:1001:\n"
UNIX = "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n"
WHEEL = "auth required pam_wheel.so use_uid\n"


def host(stack: str | None = UNIX, *, mode: int | None = 0o4755, group: int = 0, root: str = "$y$j9T$masked", **more: object) -> Host:
    files = {
        "/etc/passwd": PASSWD,
        "/etc/group": GROUP,
        "/etc/shadow": f"root:{root}:1::::::\nalice:*:1::::::\nbob:*:1::::::\n",
        "/etc/shells": "/bin/bash\n",
    }
    if stack is not None:
        files |= {"/etc/pam.d/su": stack, "/etc/pam.d/su-l": stack}
    files |= more.pop("files", {})  # type: ignore[arg-type]
    modes = {} if mode is None else {"/usr/bin/su": (mode, 0, group)}
    return host_with(files, modes=modes, **more)


def answers(machine: Host, **knobs: object) -> dict[str, str]:
    return verdicts(run(su_restricted, machine, **knobs))


def test_anybody_who_knows_the_password_fails() -> None:
    outcomes = {outcome.subject: outcome for outcome in run(su_restricted, host())}
    assert {name: outcome.verdict for name, outcome in outcomes.items()} == {"alice": "fail", "bob": "fail"}
    assert any(line.file == "/etc/pam.d/su" for line in outcomes["alice"].because)


@pytest.mark.parametrize(
    ("stack", "alice"),
    [
        (WHEEL + UNIX, "pass"),
        ("auth sufficient pam_wheel.so trust\n" + UNIX, "fail"),
        ("auth sufficient pam_unix.so\n" + WHEEL + UNIX, "fail"),
        ("auth required pam_wheel.so deny group=wheel\n" + UNIX, "fail"),
        ("auth sufficient pam_permit.so\n" + UNIX, "fail"),
        ("auth required pam_deny.so\n" + UNIX, "pass"),
        (UNIX + "session required pam_deny.so\n", "pass"),
        (UNIX + "session sufficient pam_permit.so\nsession required pam_deny.so\n", "fail"),
    ],
)
def test_stacks(stack: str, alice: str) -> None:
    assert answers(host(stack))["alice"] == alice


def test_the_weaker_of_two_services_counts() -> None:
    assert answers(host(WHEEL + UNIX, files={"/etc/pam.d/su-l": UNIX}))["alice"] == "fail"


def test_declared_groups() -> None:
    assert answers(host(WHEEL + UNIX), groups=("%wheel",)) == {"alice": "pass", "bob": "pass"}
    assert answers(host(WHEEL + UNIX), groups=("adm",)) == {"alice": "pass", "bob": "fail"}
    assert answers(host(UNIX), groups=("wheel",)) == {"alice": "fail", "bob": "pass"}


def test_the_program() -> None:
    assert answers(host(mode=0o755)) == {"su": "pass"}
    assert answers(host(mode=None)) == {"su": "not_applicable"}
    assert answers(host(mode=0o4750, group=10)) == {"alice": "pass", "bob": "pass"}
    assert answers(host(mode=0o4750, group=1000)) == {"alice": "pass", "bob": "pass"}
    assert answers(host(mode=0o4754, group=10)) == {"alice": "pass", "bob": "pass"}
    assert answers(host(mode=0o4755, group=10)) == {"alice": "fail", "bob": "fail"}


def test_no_password_of_root_opens_nothing() -> None:
    assert answers(host(root="*")) == {"alice": "pass", "bob": "pass"}


@pytest.mark.parametrize("paths", [("/etc/pam.d/su", "/etc/pam.d/su-l"), ("/etc/shadow",), ("tree",)])
def test_what_was_not_seen(paths: tuple[str, ...]) -> None:
    assert answers(host(unseen=paths))["alice"] == "unknown"


def test_an_unseen_stack_beside_a_closed_one() -> None:
    assert answers(host(WHEEL + UNIX, unseen=["/etc/pam.d/su-l"]))["alice"] == "unknown"
