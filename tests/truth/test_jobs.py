"""Who may schedule jobs and who reads hashes: real `crontab`, `at` and `cat` of every account in one Debian root, case after case."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sovaudit.content.checks.least_privilege.cron_allowed import cron_allowed
from sovaudit.content.checks.least_privilege.password_hashes import password_hashes

from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab

pytestmark = pytest.mark.lab

PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nalice:x:1000:1000::/home/alice:/bin/sh\n"
    "bob:x:1001:1001::/home/bob:/bin/sh\nbobby:x:1001:1001::/home/bob:/bin/sh\ncarol:x:1002:100::/home/carol:/bin/sh\n"
)
GROUP = "root:x:0:\ndaemon:x:1:\nshadow:x:42:{shadow}\nusers:x:100:\nalice:x:1000:\nbob:x:1001:\ncrontab:x:{gid}:{crontab}\n"
USERS = ("alice", "bob", "bobby", "carol")
HASH = "$6$abcdefgh$ho41tVUUHxNBWUCSEH0dQVBcDZJ/aWO7QPPVZw6NtbvYDQHjSzP4Wn8ZTJOLrVTLlNQpTYlCnqeCmC31ZMiCB0"

# name: files with (text, mode, owner, group), or None to remove; {gid} is the group of crontab(1)
Files = dict[str, tuple[str | None, int, int, int]]
LISTS = ("/etc/cron.allow", "/etc/cron.deny", "/etc/at.allow", "/etc/at.deny")
NO_AT = {"/etc/at.deny": (None, 0, 0, 0)}


def text(body: str | None, mode: int = 0o644, uid: int = 0, gid: int = 0) -> tuple[str | None, int, int, int]:
    return body, mode, uid, gid


JOBS: dict[str, Files] = {
    "neither list": {"/etc/at.deny": text(None)},
    "at.deny empty": {"/etc/at.deny": text("")},
    "allow alice": {"/etc/cron.allow": text("alice\n"), "/etc/at.allow": text("alice\n")},
    "allow empty": {"/etc/cron.allow": text(""), "/etc/at.allow": text("")},
    "deny alice": {"/etc/cron.deny": text("alice\n"), "/etc/at.deny": text("alice\n")},
    "allow wins over deny": {"/etc/cron.allow": text("alice\nbob\n"), "/etc/cron.deny": text("alice\n"), "/etc/at.allow": text("bob\n"), "/etc/at.deny": text("bob\n")},
    "last line without newline": {"/etc/cron.allow": text("carol\nalice"), "/etc/at.allow": text("carol\nalice")},
    "one letter more, no newline": {"/etc/cron.allow": text("alicex"), "/etc/at.allow": text("alicex")},
    "blanks around names": {"/etc/cron.allow": text(" alice\nbob \n\tcarol\n"), "/etc/at.allow": text(" alice\nbob \n")},
    "comments and commas": {"/etc/cron.allow": text("# staff\nalice,bob\ncarol # job\n"), "/etc/at.allow": text("alice,bob\n#carol\n")},
    "dos line ends": {"/etc/cron.allow": text("alice\r\nbob\n"), "/etc/at.allow": text("alice\r\nbob\n")},
    "allow closed to all": {"/etc/cron.allow": text("alice\n", 0o600), "/etc/at.allow": text("alice\n", 0o600), "/etc/at.deny": text("bob\n")},
    "allow for the group of crontab": {"/etc/cron.allow": text("alice\n", 0o640, 0, -1), "/etc/at.allow": text("alice\n", 0o640, 0, 1)},
    "deny closed to all": {"/etc/cron.deny": text("bob\n", 0o600), "/etc/at.deny": text("bob\n", 0o600)},
    "allow readable by one": {"/etc/cron.allow": text("alice\ncarol\n", 0o640, 0, 100), "/etc/at.allow": text("alice\ncarol\n", 0o640, 0, 100)},
    "second name of a uid": {"/etc/cron.allow": text("bobby\n"), "/etc/at.allow": text("bobby\n")},
    "upper case": {"/etc/cron.allow": text("Alice\nALL\n*\n"), "/etc/at.allow": text("Alice\nALL\n")},
}  # fmt: skip


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay() as place:
        (place / "home").mkdir(exist_ok=True)
        yield place


def prepare(root: Path, files: Files, *, shadow: str = "", crontab: str = "") -> int:
    gid = (root / "usr/bin/crontab").stat().st_gid
    lab.write(root, {"/etc/passwd": PASSWD, "/etc/group": GROUP.format(gid=gid, shadow=shadow, crontab=crontab)})
    for path in LISTS:
        (root / path[1:]).unlink(missing_ok=True)
    for path, (body, mode, uid, group) in files.items():
        place = root / path[1:]
        if body is None:
            place.unlink(missing_ok=True)
            continue
        place.write_text(body)
        os.chown(place, uid, gid if group < 0 else group)
        place.chmod(mode)
    return gid


def attempts(root: Path, command: str) -> dict[str, bool]:
    """Whether the command succeeds as each account (init groups, own uid)."""
    script = "".join(
        f"setpriv --reuid={name} --regid=$(id -g {name}) --init-groups sh -c {command!r} >/dev/null 2>&1 && echo {name}\n" for name in USERS
    )
    done = set(lab.run(root, ["sh", "-c", script]).stdout.split())
    return {name: name in done for name in USERS}


def judged(root: Path, *, script: bool = False) -> dict[str, str]:
    evidence = lab.local(root) if script else lab.mounted(root)
    return {subject: verdict for subject, verdict in verdicts(run(cron_allowed, Host(evidence))).items() if subject in USERS}


@pytest.mark.parametrize("name", JOBS)
def test_who_may_schedule(root: Path, name: str) -> None:
    prepare(root, JOBS[name])
    cron = attempts(root, "echo '0 0 1 1 * true' | crontab - && crontab -r")
    at = attempts(root, "echo true | at 03:00 2035-01-01")
    for job in (root / "var/spool/cron/atjobs").glob("a*"):
        job.unlink()
    real = {user: "fail" if cron[user] or at[user] else "pass" for user in USERS}
    mine = judged(root, script=name in ("allow alice", "allow closed to all", "neither list"))
    assert mine == real, (cron, at)


def test_what_lies_in_the_spool_runs_whoever_is_denied(root: Path) -> None:
    prepare(root, {"/etc/cron.allow": text(""), "/etc/at.allow": text("")})
    assert judged(root) == dict.fromkeys(USERS, "pass")
    spool = root / "var/spool/cron/crontabs"
    for name, uid, mode in (("alice", 1000, 0o600), ("bob", 1000, 0o600), ("carol", 1002, 0o644)):
        (spool / name).write_text("0 0 1 1 * true\n")
        os.chown(spool / name, uid, 0)
        (spool / name).chmod(mode)
    # cron -f -L 15 would log WRONG FILE OWNER for bob and INSECURE MODE for carol
    assert judged(root) == {**dict.fromkeys(USERS, "pass"), "alice": "fail"}
    for name in ("alice", "bob", "carol"):
        (spool / name).unlink()


def test_the_group_of_the_spool_needs_no_list(root: Path) -> None:
    prepare(root, {"/etc/cron.allow": text(""), "/etc/at.allow": text("")}, crontab="carol")
    real = attempts(root, "touch /var/spool/cron/crontabs/$(id -un) && rm /var/spool/cron/crontabs/$(id -un)")
    assert judged(root) == {user: "fail" if real[user] else "pass" for user in USERS}
    assert real["carol"]


def test_without_its_set_group_id_crontab_writes_nothing(root: Path) -> None:
    prepare(root, {"/etc/at.allow": text("")})
    program = root / "usr/bin/crontab"
    gid = program.stat().st_gid
    program.chmod(0o755)
    try:
        real = attempts(root, "echo '0 0 1 1 * true' | crontab - && crontab -r")
        assert judged(root) == {user: "fail" if real[user] else "pass" for user in USERS} == dict.fromkeys(USERS, "pass")
    finally:
        os.chown(program, 0, gid)
        program.chmod(0o2755)


SHADOW = f"root:*:19000:0:99999:7:::\nalice:{HASH}:19000:0:99999:7:::\n"
LOCKED = f"alice:!{HASH}:19000:0:99999:7:::\n"
EMPTY = "root:*:19000:0:99999:7:::\nalice:!:19000:0:99999:7:::\n"
# name: files, members of shadow; the check's answer about each path is compared with who could read it and whether a hash stood there
STORES: dict[str, tuple[Files, str]] = {
    "stock": ({"/etc/shadow": text(SHADOW, 0o640, 0, 42)}, ""),
    "member of shadow": ({"/etc/shadow": text(SHADOW, 0o640, 0, 42)}, "alice"),
    "readable by all": ({"/etc/shadow": text(SHADOW, 0o644, 0, 42)}, ""),
    "group users": ({"/etc/shadow": text(SHADOW, 0o640, 0, 100)}, ""),
    "group shut, others open": ({"/etc/shadow": text(SHADOW, 0o604, 0, 100)}, ""),
    "owner alice": ({"/etc/shadow": text(SHADOW, 0o600, 1000, 42)}, ""),
    "copy with a dash": ({"/etc/shadow": text(SHADOW, 0o640, 0, 42), "/etc/shadow-": text(SHADOW, 0o644)}, ""),
    "copy of an editor": ({"/etc/shadow": text(SHADOW, 0o640, 0, 42), "/etc/shadow~": text(SHADOW, 0o644)}, ""),
    "copy .bak": ({"/etc/shadow.bak": text(SHADOW, 0o644)}, ""),
    "copy .bak without a hash": ({"/etc/shadow.bak": text(EMPTY, 0o644)}, ""),
    "locked hash": ({"/etc/shadow.old": text(LOCKED, 0o644)}, ""),
    "backup": ({"/var/backups/shadow.bak": text(SHADOW, 0o644)}, ""),
    "backup shut": ({"/var/backups/shadow.bak": text(SHADOW, 0o600)}, ""),
    "gshadow": ({"/etc/gshadow": text(f"root:*::\nusers:{HASH}::\n", 0o644)}, ""),
    "gshadow without a hash": ({"/etc/gshadow": text("root:*::\nusers:!::\n", 0o644)}, ""),
    "hash in passwd": ({"/etc/passwd": text(PASSWD.replace("carol:x", f"carol:{HASH}"))}, ""),
    "DES in passwd": ({"/etc/passwd": text(PASSWD.replace("carol:x", "carol:ab01FAX.bQRSU"))}, ""),
    "DES in group": ({"/etc/group": text(GROUP.format(gid=101, shadow="", crontab="").replace("users:x", "users:ab01FAX.bQRSU"))}, ""),
    "opasswd": ({"/etc/security/opasswd": text(f"alice:1000:1:{HASH}\n", 0o644)}, ""),
    "opasswd shut": ({"/etc/security/opasswd": text(f"alice:1000:1:{HASH}\n", 0o600)}, ""),
    "opasswd empty": ({"/etc/security/opasswd": text("", 0o644)}, ""),
}  # fmt: skip
PLACES = (
    "/etc/shadow /etc/shadow- /etc/shadow~ /etc/shadow.bak /etc/shadow.old /var/backups/shadow.bak /etc/gshadow /etc/gshadow- /etc/passwd /etc/passwd- "
    "/etc/group /etc/security/opasswd"
).split()


def compare_stores(root: Path) -> None:
    readable = {path: any(attempts(root, f"cat {path}").values()) for path in PLACES if (root / path[1:]).is_file()}
    holds = {path: HASH in (root / path[1:]).read_text() or "ab01FAX" in (root / path[1:]).read_text() for path in readable}
    mine = verdicts(run(password_hashes, Host(lab.mounted(root))))
    assert {path: mine.get(path, "pass") for path in readable} == {
        path: "fail" if readable[path] and holds[path] else "pass" for path in readable
    }


@pytest.mark.parametrize("name", STORES)
def test_who_reads_hashes(name: str) -> None:
    files, members = STORES[name]
    with lab.overlay() as root:
        prepare(root, files, shadow=members)
        compare_stores(root)


def test_folders_and_links_count() -> None:
    with lab.overlay() as root:
        prepare(root, {"/etc/shadow": text(EMPTY, 0o640, 0, 42)})
        (root / "srv/deep").mkdir()
        (root / "srv/deep/copy").write_text(SHADOW)
        (root / "etc/shadow.1").symlink_to("../srv/deep/copy")
        (root / "srv/deep").chmod(0o700)
        assert not any(attempts(root, "cat /etc/shadow.1").values())
        assert verdicts(run(password_hashes, Host(lab.mounted(root))))["/etc/shadow.1"] == "pass"
        (root / "srv/deep").chmod(0o711)
        assert all(attempts(root, "cat /etc/shadow.1").values())
        assert verdicts(run(password_hashes, Host(lab.mounted(root))))["/etc/shadow.1"] == "fail"
        assert verdicts(run(password_hashes, Host(lab.local(root))))["/etc/shadow.1"] == "fail"
