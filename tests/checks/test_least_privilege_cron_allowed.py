"""Only declared accounts can schedule jobs."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.cron_allowed import cron_allowed

from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\nwww:x:33:33::/srv:/usr/sbin/nologin\nalice:x:1000:1000::/home/alice:/bin/bash\n"
GROUP = "root:x:0:\ncrontab:x:101:{}\nalice:x:1000:\nwww:x:33:\ndaemon:x:1:\n"
MODES = {
    "/usr/bin/crontab": (0o2755, 0, 101), "/var/spool/cron/crontabs": (0o1730, 0, 101), "/usr/bin/at": (0o6755, 1, 1),
    "/var/spool/cron/atjobs": (0o1770, 1, 1),
}  # fmt: skip


def judged(
    files: dict[str, str], *, modes: dict[str, tuple[int, int, int]] | None = None, without: tuple[str, ...] = (), users: tuple[str, ...] = (),
    members: str = "", package: str = "cron", unseen: tuple[str, ...] = (),
) -> dict[str, str]:  # fmt: skip
    files = {"/etc/passwd": PASSWD, "/etc/group": GROUP.format(members), **files}
    # a folder needs something in it to be one here
    spools = {"/var/spool/cron/crontabs/.keep": (0o600, 0, 0), "/var/spool/cron/atjobs/.SEQ": (0o600, 1, 1)}
    all_modes = {path: mode for path, mode in {**MODES, **spools, **(modes or {})}.items() if path not in without}
    host = host_with(files, modes=all_modes, artifacts={"packages": f"{package} 1\n"}, unseen=unseen)
    return verdicts(run(cron_allowed, host, users=users))


@pytest.mark.parametrize(
    ("files", "verdict"),
    [
        ({}, "fail"), ({"/etc/cron.allow": "", "/etc/at.deny": ""}, "fail"), ({"/etc/cron.allow": "", "/etc/at.allow": ""}, "pass"),
        ({"/etc/cron.allow": ""}, "pass"), ({"/etc/cron.allow": "alice\n"}, "fail"), ({"/etc/cron.allow": "alice"}, "pass"),
        ({"/etc/cron.allow": "alicex"}, "fail"), ({"/etc/cron.deny": "alice\n"}, "pass"),
        ({"/etc/cron.deny": "alice\n", "/etc/cron.allow": "alice\n"}, "fail"),
        ({"/etc/cron.allow": "", "/etc/at.allow": "alice"}, "fail"), ({"/etc/cron.allow": "", "/etc/at.deny": "alice\n"}, "pass"),
        ({"/etc/cron.allow": "#alice\n alice\nalice \n"}, "pass"),
    ],
)  # fmt: skip
def test_lists(files: dict[str, str], verdict: str) -> None:
    found = judged(files)
    assert found == {"alice": verdict}


def test_declared() -> None:
    assert judged({}, users=("alice",)) == {"alice": "pass"}


def test_cronie_lets_only_root_where_no_list_is() -> None:
    modes = {"/usr/bin/crontab": (0o4755, 0, 0), "/usr/bin/at": (0o755, 0, 0)}
    assert judged({}, package="cronie", modes=modes) == {"alice": "pass"}
    assert judged({"/etc/cron.deny": ""}, package="cronie", modes=modes) == {"alice": "fail"}
    assert judged({}, package="busybox", modes=modes) == {"alice": "unknown"}


def test_lists_that_cannot_be_read() -> None:
    shut = {"/etc/cron.allow": (0o600, 0, 0), "/etc/at.allow": (0o600, 0, 0)}
    assert judged({"/etc/cron.allow": "alice\n", "/etc/at.allow": "alice\n"}, modes=shut) == {"alice": "pass"}
    assert judged({"/etc/cron.allow": "", "/etc/at.allow": "", "/etc/at.deny": ""}, modes=shut) == {"alice": "fail"}


@pytest.mark.parametrize(
    ("path", "mode", "subject"),
    [
        ("/var/spool/cron/crontabs/alice", (0o600, 1000, 101), "alice"), ("/var/spool/cron/crontabs/www", (0o600, 0, 101), "www"),
        ("/var/lib/systemd/linger/alice", (0o644, 0, 0), "alice"), ("/var/spool/cron/atjobs/a0000101c38d24", (0o700, 1000, 1), "alice"),
    ],
)  # fmt: skip
def test_what_is_there_runs(path: str, mode: tuple[int, int, int], subject: str) -> None:
    refused = {"/etc/cron.allow": "", "/etc/at.allow": ""}
    assert judged({**refused, path: "x"}, modes={path: mode})[subject] == "fail"


@pytest.mark.parametrize("mode", [(0o600, 1001, 101), (0o640, 1000, 101)])
def test_a_crontab_that_cron_refuses(mode: tuple[int, int, int]) -> None:
    path = "/var/spool/cron/crontabs/alice"
    assert judged({"/etc/cron.allow": "", "/etc/at.allow": "", path: "x"}, modes={path: mode}) == {"alice": "pass"}


def test_groups_of_the_spool() -> None:
    assert judged({"/etc/cron.allow": "", "/etc/at.allow": ""}, members="alice") == {"alice": "fail"}


def test_programs() -> None:
    assert judged({}, without=("/usr/bin/crontab",)) == {"alice": "pass"}
    assert judged({}, modes={"/usr/bin/crontab": (0o755, 0, 101)}) == {"alice": "pass"}
    assert judged({}, modes={"/usr/bin/crontab": (0o2750, 0, 101)}) == {"alice": "pass"}


def test_unseen() -> None:
    assert judged({"/etc/cron.allow": ""}, unseen=("/etc/cron.allow",)) == {"alice": "unknown"}
    assert judged({"/etc/cron.allow": "", "/etc/at.allow": ""}, unseen=("/var/spool/cron/crontabs",))["alice"] == "unknown"
    assert judged({"/etc/nsswitch.conf": "passwd: files ldap\n"})["ldap"] == "unknown"
