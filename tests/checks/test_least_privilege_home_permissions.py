"""Homes, existing and new, are private."""

# ruff: noqa: E501 - a case is one line
from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.home_permissions import home_permissions

from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\nwww:x:33:33::/srv:/usr/sbin/nologin\nalice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:100::/home/bob:/bin/sh\n"
GROUP = "root:x:0:\nwww:x:33:\nalice:x:1000:{}\nusers:x:100:\n"
HOMES = {"/root": (0o40700, 0, 0), "/home/alice": (0o40700, 1000, 1000), "/home/bob": (0o40700, 1001, 100)}


def judged(
    modes: dict[str, tuple[int, int, int]], files: dict[str, str] | None = None, *, members: str = "", **more: object
) -> dict[str, str]:
    everything = {"/etc/passwd": PASSWD, "/etc/group": GROUP.format(members), **{f"{home}/.keep": "" for home in HOMES}, **(files or {})}
    folders = {path: (mode & 0o7777, uid, gid) for path, (mode, uid, gid) in {**HOMES, **modes}.items()}
    return verdicts(run(home_permissions, host_with(everything, modes=folders, **more)))


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "members", "verdict"),
    [
        (0o700, 1000, 1000, "", "pass"), (0o750, 1000, 1000, "", "pass"), (0o770, 1000, 1000, "", "pass"), (0o751, 1000, 1000, "", "fail"),
        (0o755, 1000, 1000, "", "fail"), (0o702, 1000, 1000, "", "fail"), (0o750, 1000, 1000, "www", "fail"), (0o700, 1000, 1000, "www", "pass"),
        (0o750, 1000, 100, "", "fail"), (0o700, 1001, 1000, "", "fail"), (0o700, 0, 0, "", "pass"), (0o710, 1000, 100, "", "fail"),
    ],
)  # fmt: skip
def test_modes(mode: int, uid: int, gid: int, members: str, verdict: str) -> None:
    assert judged({"/home/alice": (mode, uid, gid)}, members=members)["alice"] == verdict


def test_folders_above() -> None:
    assert judged({"/home": (0o777, 0, 0)})["alice"] == "fail"
    assert judged({"/home": (0o1777, 0, 0)})["alice"] == "pass"
    assert judged({"/home": (0o775, 0, 100)})["alice"] == "fail"
    assert judged({"/home": (0o775, 0, 1000)})["alice"] == "pass"
    assert judged({"/home": (0o755, 1001, 0)})["alice"] == "fail"
    assert judged({"/home": (0o700, 0, 0), "/home/alice": (0o755, 1000, 1000)})["alice"] == "pass"


def test_no_home() -> None:
    files = {"/etc/passwd": PASSWD + "eve:x:1004:1004::/home/eve:/bin/sh\n"}
    assert judged({}, files)["eve"] == "not_applicable"
    assert judged({}, files, unseen=["/home"])["eve"] == "unknown"


def test_a_member_whom_only_a_directory_knows() -> None:
    files = {"/etc/nsswitch.conf": "passwd: files ldap\n"}
    assert judged({"/home/alice": (0o750, 1000, 1000)}, files, members="zoe")["alice"] == "unknown"
    assert judged({"/home/alice": (0o700, 1000, 1000)}, files, members="zoe")["alice"] == "pass"


@pytest.mark.parametrize(
    ("defs", "verdict"),
    [
        ("UMASK 022\nUSERGROUPS_ENAB yes\n", "fail"), ("UMASK 027\nUSERGROUPS_ENAB yes\n", "pass"), ("UMASK 027\nUSERGROUPS_ENAB no\n", "fail"),
        ("UMASK 077\n", "pass"), ("HOME_MODE 0700\nUMASK 022\n", "pass"), ("HOME_MODE 700\n", "fail"), ("UMASK 077 # x\n", "fail"), ("", "fail"),
    ],
)  # fmt: skip
def test_useradd(defs: str, verdict: str) -> None:
    found = judged({}, {"/etc/login.defs": defs, "/usr/sbin/useradd": ""})
    assert found["new homes by useradd"] == verdict
    assert "new homes by adduser" not in found


@pytest.mark.parametrize(
    ("conf", "version", "verdict"),
    [
        ("", "3.134", "pass"), ("", "3.118", "fail"), ("", "", "unknown"), ("DIR_MODE=0750\n", "", "pass"), ("DIR_MODE=0755\n", "3.134", "fail"),
        ("DIR_MODE=0750\nUSERGROUPS=no\n", "", "fail"), ('dir_mode = "0700"\n', "", "pass"), ("#DIR_MODE=0755\n", "3.134", "pass"),
    ],
)  # fmt: skip
def test_adduser(conf: str, version: str, verdict: str) -> None:
    files = {"/etc/adduser.conf": conf, "/usr/sbin/adduser": ""}
    found = judged({}, files, artifacts={"packages": f"adduser {version}\n" if version else ""})
    assert found["new homes by adduser"] == verdict


def test_other_programs_of_that_name() -> None:
    assert "new homes by adduser" not in judged({}, {"/usr/sbin/useradd": ""}, links={"/usr/sbin/adduser": "useradd"})
    assert judged({}, {"/bin/busybox": ""}, links={"/usr/sbin/adduser": "/bin/busybox"})["new homes by adduser"] == "fail"


def test_homes_made_at_login() -> None:
    pam = "auth required pam_permit.so\nsession required pam_mkhomedir.so {}\n"
    module = {"/usr/lib/security/pam_mkhomedir.so": (0o100644, 0, 0)}
    for args, verdict in (("umask=0022", "fail"), ("umask=0077", "pass"), ("", "fail")):
        assert judged(module, {"/etc/pam.d/login": pam.format(args)})["new homes by pam_mkhomedir"] == verdict
    assert "new homes by pam_mkhomedir" not in judged(module, {"/etc/pam.d/login": "session required pam_unix.so\n"})


def test_unseen() -> None:
    assert judged({}, {"/etc/login.defs": "", "/usr/sbin/useradd": ""}, unseen=["/etc/login.defs"])["new homes by useradd"] == "unknown"
    assert judged({}, unseen=["tree"])["alice"] == "unknown"


def test_a_host_where_nobody_has_a_shell() -> None:
    assert verdicts(run(home_permissions, host_with({"/etc/passwd": ""}))) == {"": "not_applicable"}
