"""No ordinary account can read a password hash."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.password_hashes import password_hashes

from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\nalice:x:1000:1000::/home/alice:/bin/bash\n"
GROUP = "root:x:0:\nshadow:x:42:{}\nalice:x:1000:\nusers:x:100:alice\n"
HASH = "root:*:19000::::::\nalice:$y$j9T$masked:19000::::::\n"


def judged(path: str, text: str, mode: int, uid: int = 0, gid: int = 42, *, members: str = "", **more: object) -> str:
    files = {"/etc/passwd": PASSWD, "/etc/group": GROUP.format(members), "/etc/shadow": "", path: text}
    return verdicts(run(password_hashes, host_with(files, modes={path: (mode, uid, gid)}, **more)))[path]


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "members", "verdict"),
    [
        (0o640, 0, 42, "", "pass"), (0o640, 0, 42, "alice", "fail"), (0o640, 0, 42, "daemon", "fail"), (0o644, 0, 42, "", "fail"),
        (0o600, 0, 100, "", "pass"), (0o640, 0, 100, "", "fail"), (0o600, 1000, 42, "", "fail"), (0o000, 1000, 42, "", "fail"),
        (0o604, 0, 100, "", "fail"),
        (0o620, 0, 100, "", "pass"),
    ],
)  # fmt: skip
def test_modes(mode: int, uid: int, gid: int, members: str, verdict: str) -> None:
    assert judged("/etc/shadow", HASH, mode, uid, gid, members=members) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (HASH, "fail"), ("alice:!$6$masked:1::::::\n", "fail"), ("alice:<des>:1::::::\n", "fail"), ("alice:<other>:1::::::\n", "fail"),
        ("alice:*:1::::::\n", "pass"), ("alice:!:1::::::\n", "pass"), ("alice::1::::::\n", "pass"), ("", "pass"), ("<masked>\n", "unknown"),
        ("x:y:<masked>\n", "fail"), ("# alice:$6$masked:1::::::\n", "pass"),
    ],
)  # fmt: skip
def test_what_stands_in_it(text: str, verdict: str) -> None:
    assert judged("/etc/shadow.bak", text, 0o644) == verdict


def test_unseen() -> None:
    assert judged("/etc/shadow", HASH, 0o644, unseen=["/etc/shadow"]) == "unknown"
    assert judged("/etc/shadow", HASH, 0o640, unseen=["/etc/shadow"]) == "pass"
    assert "unknown" in verdicts(run(password_hashes, host_with({"/etc/passwd": PASSWD}, unseen=["/etc"]))).values()


def test_sealed_files() -> None:
    assert judged("/etc/security/opasswd", "alice:1000:1:x\n", 0o644, gid=0) == "fail"
    assert judged("/etc/security/opasswd", "alice:1000:1:x\n", 0o600, gid=0) == "pass"
    path = "/etc/security/opasswd"
    files = {"/etc/passwd": PASSWD, path: ""}
    assert path not in verdicts(run(password_hashes, host_with(files)))


def test_caches() -> None:
    path = "/var/lib/sss/db/cache_x.ldb"
    for mode, verdict in ((0o600, "pass"), (0o644, "unknown")):
        host = host_with({"/etc/passwd": PASSWD, path: "x"}, modes={path: (mode, 0, 0)})
        assert verdicts(run(password_hashes, host))[path] == verdict


def test_a_member_whom_only_a_directory_knows() -> None:
    files = {"/etc/nsswitch.conf": "passwd: files ldap\n", "/etc/passwd": PASSWD, "/etc/group": GROUP.format("zoe"), "/etc/shadow": HASH}
    host = host_with(files, modes={"/etc/shadow": (0o640, 0, 42)})
    assert verdicts(run(password_hashes, host))["/etc/shadow"] == "unknown"
    files["/etc/nsswitch.conf"] = "passwd: files\n"
    assert verdicts(run(password_hashes, host_with(files, modes={"/etc/shadow": (0o640, 0, 42)})))["/etc/shadow"] == "pass"
