"""least-privilege.dormant"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.dormant import dormant

from sovaudit.facts.host import Host
from sovaudit.testing import NOW, directory_with, run, verdicts
from tests.checks.ssh_world import ONE, SHADOW, world
from tests.directory_views import locking_slapd

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


LOGIN = {"/etc/pam.d/login": "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_unix.so\n{}"}


@pytest.mark.parametrize(
    ("session", "verdict"),
    [
        ("session optional pam_lastlog.so\n", "fail"),
        ("session optional pam_lastlog.so noupdate\n", "unknown"),
        ("auth optional pam_lastlog.so\n", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_console_that_keeps_no_record(session: str, verdict: str) -> None:
    files = {"/etc/pam.d/login": LOGIN["/etc/pam.d/login"].format(session), "/bin/login": ""}
    modes = {f"/lib/security/{name}": (0o644, 0, 0) for name in ("pam_unix.so", "pam_lastlog.so")}
    logins = f"1001 {SECONDS - 91 * DAY}\n"
    assert judged(seen(logins, files=files, modes=modes))["bob"] == verdict
    late = {"console-logins": f"since {SECONDS - 100 * DAY}\n{SECONDS - 5 * DAY} tty1 bob\n{SECONDS - DAY} tty1 zoe\n"}
    assert judged(seen(logins, files=files, modes=modes, artifacts=late))["bob"] == "pass"
    assert judged(seen("", unseen=["last-logins"], files=files, modes=modes, artifacts=late))["bob"] == "pass"
    assert judged(seen(logins, files=files, modes=modes, artifacts=late), max_idle_days=4)["bob"] == verdict


def test_not_enabled() -> None:
    assert judged(seen("1001 5\n", config=ONE + "AllowUsers zoe\n"))["bob"] == "pass"


def test_unseen() -> None:
    assert judged(seen("", unseen=["last-logins"]))["bob"] == "unknown"
    assert judged(seen("1001 5\n", unseen=["/home/bob/.ssh/authorized_keys"]))["bob"] == "unknown"
    assert judged(seen("", files={"/etc/nsswitch.conf": "passwd: files ldap\n"}))["ldap"] == "unknown"


def test_no_account_with_a_shell() -> None:
    assert judged(seen("", files={"/etc/passwd": "root:x:0:0::/root:/usr/sbin/nologin\n"})) == {"": "not_applicable"}


def in_directory(*accounts: tuple[str, dict[str, str]], **more: object) -> dict[str, str]:
    entries = [
        (
            f"uid={uid},{BASE}",
            {"objectClass": [rest.pop("class", "inetOrgPerson")], "uid": [uid], **{key: [value] for key, value in rest.items()}},
        )
        for uid, rest in accounts
    ]
    return verdicts(run(dormant, directory_with(accounts=entries, **{**locking_slapd(), **more})))


BASE = "ou=people,dc=example,dc=org"
SEEN = ("zoe", {"pwdLastSuccess": "20260531120000Z"})


@pytest.mark.parametrize(
    ("last", "verdict"),
    [
        ("20260531120000Z", "pass"),
        ("20260303120000Z", "pass"),  # 90 days before NOW, 2026-06-01 12:00
        ("20260303115959Z", "fail"),
        ("20270101000000Z", "pass"),
    ],
)
def test_directory(last: str, verdict: str) -> None:
    assert in_directory(("bob", {"pwdLastSuccess": last}))["bob"] == verdict
    assert in_directory(("bob", {"authTimestamp": last, "class": "account", "pwdChangedTime": "20260101000000Z"}))["bob"] == verdict


def test_directory_without_a_login() -> None:
    old, new = {"createTimestamp": "20250101000000Z"}, {"createTimestamp": "20260401000000Z"}
    assert in_directory(SEEN, ("bob", old)) == {"zoe": "pass", "bob": "fail"}
    assert in_directory(SEEN, ("bob", new)) == {"zoe": "pass", "bob": "pass"}
    assert in_directory(SEEN, ("bob", {**old, "pwdChangedTime": "20260401000000Z"})) == {"zoe": "pass", "bob": "pass"}
    assert in_directory(SEEN, ("bob", {})) == {"zoe": "pass", "bob": "unknown"}


def test_directory_that_records_no_login() -> None:
    assert in_directory(("bob", {"createTimestamp": "20250101000000Z", "pwdChangedTime": "20250101000000Z"}), config=[]) == {
        "logins": "unknown"
    }
    stale = ("bob", {"pwdLastSuccess": "20250101000000Z"})
    assert in_directory(stale, config=[]) == {"logins": "unknown"}  # nobody was recorded of late: no login is


def test_directory_disabled_cut_or_in_doubt() -> None:
    locked = {"pwdLastSuccess": "20250101000000Z", "pwdAccountLockedTime": "000001010000Z"}
    assert in_directory(("bob", locked)) == {"bob": "pass"}
    assert in_directory(SEEN, results={"accounts": 4}) == {"zoe": "pass", "": "unknown"}


def test_active_directory_lags_and_machines_are_not_counted() -> None:
    def stamp(days: int) -> str:
        return str((SECONDS - days * DAY + 11644473600) * 10_000_000)

    def user(name: str, days: int, kind: str = "805306368", rid: int = 1100, uac: str = "512") -> tuple[str, dict[str, list[str | bytes]]]:
        sid = bytes([1, 5, 0, 0, 0, 0, 0, 5]) + b"".join(part.to_bytes(4, "little") for part in (21, 1, 2, 3, rid))
        return f"CN={name},CN=Users,DC=example,DC=org", {
            "objectClass": ["user"], "sAMAccountName": [name], "userAccountControl": [uac], "sAMAccountType": [kind],
            "objectSid": [sid], "lastLogonTimestamp": [stamp(days)],
        }  # fmt: skip

    accounts = [
        user("fresh", 90), user("late", 100, rid=1101), user("old", 105, rid=1102), user("pc$", 900, "805306369", 1103), user("krbtgt", 900, rid=502),
    ]  # fmt: skip
    found = verdicts(run(dormant, directory_with(product="ad", base="dc=example,dc=org", accounts=accounts)))
    assert found == {"fresh": "pass", "late": "unknown", "old": "fail"}
