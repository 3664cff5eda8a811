"""The collectors against real hosts: one list, three doors, the same bytes; nothing written, no secret taken, nothing left behind."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sovaudit.collectors import collect, parse_target
from sovaudit.collectors.local import collect_local
from sovaudit.model.evidence import Evidence, Target
from sovaudit.model.verdict import Reason
from tests import lab
from tests.lab import local

pytestmark = pytest.mark.lab

SECRET = "s3cr3tNeedle"
FILES = {
    "/etc/shadow": "root:$y$j9T$needleSALT$s3cr3tNeedle0:19000:0:99999:7:::\nalice:!$6$rounds=5000$s3cr3tNeedle$x:19000:0:99999:7:::\nauditor:*:19000::::::\n",
    "/etc/gshadow": "root:*::\nsudo:$6$s3cr3tNeedle$x::alice\n",
    "/etc/passwd": (
        "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\nauditor:x:1001:1001::/home/auditor:/bin/sh\n"
        "bob:x:1002:1002::/home/link:/bin/dash\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
    ),
    "/etc/group": "root:x:0:\nsudo:x:27:alice\nalice:x:1000:\nauditor:x:1001:\nnogroup:x:65534:\n",
    "/etc/security/opasswd": "alice:1000:1:$6$s3cr3tNeedle$x\n",
    "/home/alice/.google_authenticator": "S3CR3TNEEDLE234567\n\" TOTP_AUTH\n",
    "/home/alice/.ssh/authorized_keys": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice\n",
    "/etc/users.oath": "HOTP/T30/6 alice - 733363723374s3cr3tNeedle\n",
    "/etc/ssh/odd_name": "-----BEGIN OPENSSH PRIVATE KEY-----\ns3cr3tNeedle\n-----END OPENSSH PRIVATE KEY-----\n",
    "/etc/ssh/sshd_config.d/10-lab.conf": (
        "Include /opt/ssh/*.conf\nAuthorizedKeysFile .ssh/authorized_keys /etc/keys/%u\nTrustedUserCAKeys /etc/keys/ca.pub\nPasswordAuthentication no\n"
    ),
    "/opt/ssh/extra.conf": "MaxAuthTries 3\n",
    "/etc/keys/alice": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice\n",
    "/etc/keys/ca.pub": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ca\n",
    "/etc/sudoers": "@include local/%h\n@includedir /etc/sudoers.d\nroot ALL=(ALL:ALL) ALL\nalice ALL=(root) /opt/tools/run.sh --token=s3cr3tNeedle, /srv/wild/*.sh, /srv/folder/\n",
    "/srv/wild/a.sh": "",
    "/srv/folder/b": "",
    "/etc/crontab": "PATH=/usr/bin:/srv/path\n1 * * * * root cd /srv/job && /srv/job/run.sh >>/srv/job/log; /usr/bin/true\n# /srv/else/not\n",
    "/srv/job/run.sh": "",
    "/srv/else/not": "",
    "/etc/systemd/system/own.service": "[Service]\nExecStart=-/srv/unit/own --x=/srv/unit/x\nDescription=/srv/unit/not\nEnvironmentFile=-/srv/unit/env\n",
    "/srv/unit/own": "",
    "/srv/unit/not": "",
    "/etc/local/lab": "Defaults use_pty\n",
    "/opt/tools/run.sh": "#!/bin/sh\n",
    "/etc/rsyslog.conf": '$IncludeConfig /etc/rsyslog.d/*.conf\ninclude(file="/srv/rsyslog/more.conf")\n*.* :ommysql:h,d,u,s3cr3tNeedle\n',
    "/srv/rsyslog/more.conf": "auth.* /data/auth.log\n",
    "/etc/sssd/sssd.conf": "[domain/x]\nldap_default_authtok = s3cr3tNeedle\n",
    "/etc/nslcd.conf": "bindpw s3cr3tNeedle\n",
    "/etc/cron.d/job": "PASSWORD=s3cr3tNeedle\n* * * * * root curl https://u:s3cr3tNeedle@x.org/?token=s3cr3tNeedle\n",
    "/etc/pam.d/sshd": (
        "@include common-auth\nauth required pam_google_authenticator.so secret=/var/otp/${USER}\nauth include /opt/pam/extra\nauth required pam_access.so accessfile=/opt/access\n"
        "password requisite pam_pwquality.so dictpath=/opt/words dir=relative\nauth required pam_faillock.so dir=/opt/tally/\n"
        "password required pam_passwdqc.so config=/opt/passwdqc.conf\n"
    ),
    "/opt/words.pwi": "index\n",
    "/opt/passwdqc.conf": "min=disabled,24,11,8,7\nwordlist=/srv/some words\nconfig=/etc/passwdqc.conf\n",
    "/etc/passwdqc.conf": "passphrase=4\npassphrase=s3cr3tNeedle\ndenylist=/srv/words.pwd\n",
    "/srv/some words": "a\n",
    "/etc/security/pwquality.conf": "minlen = 12\nDictPath=/srv/words # ours\ndictpath /srv/more\n",
    "/etc/security/faillock.conf": "dir = /srv/tally\n # dir = /none\ndirectory = x\n",
    "/srv/words.pwd": "words\n",
    "/opt/pam/extra": "auth required pam_permit.so\n",
    "/opt/access": "+:ALL:ALL\n",
    "/var/otp/alice": "S3CR3TNEEDLE\n",
    "/etc/logrotate.conf": "weekly\nrotate 4\ninclude /etc/logrotate.d\ninclude /opt/rotate\n",
    "/opt/rotate/x": "/var/log/x { rotate 9 }\n",
    "/var/log/audit/audit.log": "type=SYSCALL msg=audit(1700000000.1:7): a\ntype=X msg=audit(1700000001.1:9): b\n",
    "/var/log/audit/audit.log.1": "type=DAEMON_END msg=audit(1600000000.1:7): a\n",
    "/etc/audit/rules.d/db.rules": "-w /etc/mysql -p wa -k db\n-w /srv/a\\ b -p wa\n-a always,exit -F exe=/opt/tools/run.sh -F dir=/opt/d/ -S all\n",
    "/var/log/auth.log": (
        "2026-01-01T00:00:00+00:00 vm sshd[1]: s3cr3tNeedle\nJan  2 03:04:05 vm sudo:    alice : PWD=/ ; COMMAND=/bin/mysql -ps3cr3tNeedle\n\n  continued\n"
        "<86>1 2026-01-01T00:00:00Z vm app 1 - - text\n2026-01-01T00:00:01.5+01:00 vm odd text of no program\n2026-01-01T00:00:01Z vm a[b c: x\njunk\n"
        "2026-01-01T00:00:02Z vm x:y:z\n2026-01-01T00:00:03Z vm nul[1]: a\0b\n2026-02-30T00:00:00Z vm no[1]: such day\n2026-01-01T00:00:04Z vm caf\u00e9[7]: \t two  \n"
        "2026-01-01T00:00:05Z vm passwd[1]: pam_unix(passwd:chauthtok): x\n2026-01-01T00:00:06Z other su[2]: password=s3cr3tNeedle\n"
        f"2026-01-01T00:00:07Z vm long[1]: {'x' * 9000}\n2026-01-01T00:00:08Z vm b64: {'QUJD' * 20}\n2026-01-01T00:00:09Z vm\n2026-01-01T00:00:09Z vm auth.info sshd[3]: x\nJan  2 03:04:06 vm authpriv.notice su: pwd: y\n"
        "2026-01-01T00:00:09Z vm half"
    ),
    "/var/log/auth.log.1": "Dec 31 23:59:59 vm login[9]: FAILED LOGIN (1) on '/dev/tty1' FOR 'alice'\n",
    "/etc/hostname": "lab\n",
    "/etc/empty": "",
    "/etc/default/nonewline": "A=1",
}  # fmt: skip


def furnish(root: Path) -> None:
    lab.write(root, FILES, {"/etc/gshadow": 0o640, "/home/alice/.google_authenticator": 0o400})
    for path in ("/home/alice", "/home/alice/.ssh", "/home/alice/.ssh/authorized_keys", "/home/alice/.google_authenticator"):
        os.chown(root / path[1:], 1000, 1000)
    (root / "home/link").symlink_to("alice")
    with (root / "var/log/lastlog").open("r+b") as file:  # alice and auditor have logged in, bob has not, 1234 is no account
        for uid, seconds in ((0, 1_700_000_000), (1000, 1_750_000_001), (1001, 3_000_000_000), (1234, 5), (65534, 1)):
            file.seek(uid * 292)
            file.write(struct.pack("<I32s256s", seconds, b"pts/0", b"10.0.0.1 s3cr3tNeedle"))
    (root / "etc/ssh/sshd_config.d/20-link.conf").symlink_to("/opt/linked.conf")
    (root / "opt/linked.conf").write_text("LoginGraceTime 30\n")
    (root / "etc/ssh/sshd_config.d/30-away.conf").symlink_to("../../../../../../etc/lab-outside.conf")
    (root / "etc/ssh/loop").symlink_to("loop")
    (root / "etc/sudoers.d").chmod(0o750)
    os.mkfifo(root / "etc/ssh/pipe")
    (root / "etc/ssh/binary").write_bytes(b"a\0b\n")
    (root / "etc/ssh/latin").write_bytes(b"caf\xe9\r\n\r\n")
    (root / "etc/ssh/sshd_config.d/new\nline.conf").write_text("PermitRootLogin yes\n")
    special(root)
    (root / "etc/cron.d/evil").symlink_to("x\nf\t4755\t0\t0\t1\t1\t/etc/forged")


def special(root: Path) -> None:
    """Programs with rights of their own, and paths in root's folders that are not root's alone."""
    for path, mode, owner in (
        ("usr/local/bin/rootish", 0o4755, 0), ("opt/a b/tool", 0o2755, 0), ("home/alice/mine", 0o4711, 1000), ("usr/local/sbin/script", 0o4755, 0), ("var/lib/docker/x/sudo", 0o4755, 0),
        ("usr/local/lib/open.so", 0o666, 0), ("usr/local/bin/bobs", 0o755, 1002), ("etc/ssh/group.conf", 0o660, 0), ("srv/grand", 0o755, 0), ("usr/local/bin/nobits", 0o4644, 0),
    ):  # fmt: skip
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("#!/bin/sh\n" if "script" in path else "x\n")
        os.chown(place, owner, 27 if "group" in path else owner)
        place.chmod(mode)
    (root / "usr/bin/find").chmod(0o4755)
    (root / "usr/local/bin/away").symlink_to("/srv/grand")
    (root / "usr/local/bin/away2").symlink_to("../../../home/alice/mine")
    (root / "usr/local/bin/here").symlink_to("../lib/open.so")
    (root / "usr/local/bin/there").symlink_to("here")
    (root / "usr/local/bin/safe").symlink_to("/bin/true")
    (root / "opt/a b").chmod(0o1777)
    shutil.copy(root / "usr/bin/true", root / "usr/local/bin/net")
    subprocess.run(["setcap", "cap_net_raw,cap_net_admin+ep", str(root / "usr/local/bin/net")], check=True)
    shutil.copy(root / "usr/bin/true", root / "usr/local/bin/all")
    subprocess.run(["setcap", "=ep", str(root / "usr/local/bin/all")], check=True)
    (root / "var/lib/dpkg/diversions").write_text("/usr/bin/find\n/usr/bin/find.old\n:\n")


def same(one: Evidence, other: Evidence, *, but: frozenset[str] = frozenset()) -> None:
    """but: gaps that one of the two may have more."""
    first = {name: data for name, data in one.artifacts.items() if not name.startswith("cmd:")}
    second = {name: data for name, data in other.artifacts.items() if not name.startswith("cmd:")}
    assert sorted(first) == sorted(second)
    # /proc is mounted for the running host only
    rows, others = (
        {row for row in each.pop("tree").decode("utf-8", "surrogateescape").split("\n") if not row.endswith("\t/proc")}
        for each in (first, second)
    )
    assert (sorted(rows - others), sorted(others - rows)) == ([], [])
    assert [name for name in first if first[name] != second[name]] == []
    gaps, more = ({gap for gap in each.gaps if not gap.item.startswith("cmd:") and gap.item not in but} for each in (one, other))
    assert gaps == more


def stamp(root: Path) -> dict[str, tuple[int, ...]]:
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in {str(root / top) for top in ("proc", "dev", "sys")}]
        for name in (*names, *folders, "."):
            path = os.path.join(folder, name)
            try:
                seen = os.lstat(path)
            except OSError:
                continue
            found[path] = (seen.st_mode, seen.st_uid, seen.st_gid, seen.st_size, seen.st_mtime_ns)
    return found


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay() as place:
        furnish(place)
        yield place


@pytest.fixture(scope="module")
def mounted(root: Path) -> Evidence:
    return collect(parse_target(f"root:{root}"), lab.ALL)


def test_the_mounted_root_and_the_running_host_give_the_same_bytes(root: Path, mounted: Evidence) -> None:
    before = stamp(root)
    began = time.monotonic()
    running = local(root)
    assert time.monotonic() - began < 10
    assert running.error == ""
    same(mounted, running)
    after = stamp(root)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert {path for path in changed if "/var/log/" not in path} == set()
    for name in ("sshd-V", "visudo-c", "kernel", "mounts", "processes", "rsyslogd-N1"):
        assert running.artifacts[f"cmd:{name}"].startswith(b"exit ")
    assert running.identity["machine_id"] == mounted.identity["machine_id"]


def test_busybox_alone_gives_the_same(root: Path, mounted: Evidence) -> None:
    tools = root / "opt/busybox"
    tools.mkdir(exist_ok=True)
    for name in subprocess.run([str(root / "usr/bin/busybox"), "--list"], capture_output=True, text=True, check=True).stdout.split():
        if not (tools / name).is_symlink():
            (tools / name).symlink_to("/usr/bin/busybox")
    from sovaudit.collectors import script

    text = script.body().replace("PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin", "PATH=/opt/busybox")
    text = text.replace("/bin/sh -c", "/opt/busybox/sh -c")
    original = script.body
    script.body = lambda: text  # type: ignore[assignment]
    try:
        shell = Target("local:", "local:", "local")
        wrapper = 'mount -t proc proc "$R/proc"; hostname lab; shift; exec chroot "$R" /opt/busybox/sh "$@"'
        prefix = ("env", f"R={root}", "unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "sh", "-c", wrapper, "sh")
        seen = collect_local(shell, lab.ALL, prefix=prefix)
    finally:
        script.body = original
    assert seen.error == ""
    again = collect(parse_target(f"root:{root}"), lab.ALL)
    reasons = {gap.item: gap.reason for gap in seen.gaps}
    assert (reasons["setuid:capabilities"], reasons["acls"]) == (Reason.ABSENT, Reason.UNSUPPORTED)  # what busybox cannot show is said
    held, shown = dict(again.artifacts), dict(seen.artifacts)
    kept = "".join(
        row for row in held.pop("setuid").decode().splitlines(True) if "/local/bin/net" not in row and "/local/bin/all" not in row
    )
    assert kept == shown.pop("setuid").decode()
    del held["acls"]
    same(replace(again, artifacts=held), replace(seen, artifacts=shown), but=frozenset({"setuid:capabilities", "acls"}))


def test_bash_as_sh_gives_the_same(root: Path) -> None:
    from sovaudit.collectors.local import collect_local as run

    wrapper = 'mount -t proc proc "$R/proc"; hostname lab; shift; exec chroot "$R" /bin/bash --posix "$@"'
    prefix = ("env", f"R={root}", "unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "sh", "-c", wrapper, "sh")
    seen = run(Target("local:", "local:", "local"), lab.ALL, prefix=prefix)
    same(collect(parse_target(f"root:{root}"), lab.ALL), seen)


def test_no_secret_is_in_the_evidence(root: Path, mounted: Evidence) -> None:
    for evidence in (mounted, local(root)):
        for name, data in evidence.artifacts.items():
            assert b"s3cr3tneedle" not in data.lower(), name
            assert b"PRIVATE KEY" not in data, name


def test_what_configuration_names_is_followed(mounted: Evidence) -> None:
    for path in (
        "/opt/ssh/extra.conf", "/etc/keys/alice", "/etc/keys/ca.pub", "/etc/local/lab", "/srv/rsyslog/more.conf", "/opt/pam/extra", "/opt/access", "/opt/rotate/x", "/opt/linked.conf",
        "/home/alice/.ssh/authorized_keys",
    ):  # fmt: skip
        assert f"file:{path}" in mounted.artifacts, path
    tree = mounted.artifacts["tree"].decode("utf-8", "surrogateescape")
    assert "/srv/else/not\n" not in tree and "/srv/unit/not\n" not in tree
    for path in ("/srv/wild/a.sh", "/srv/folder/b", "/srv/job/run.sh", "/srv/path", "/srv/unit/own", "/srv/unit/x", "/srv/unit/env"):
        assert f"\t{path}\n" in tree, path
    for path in ("/var/otp/alice", "/opt/tools/run.sh", "/home/alice/.google_authenticator", "/usr/bin/bash", "/etc/security/opasswd"):
        assert f"\t{path}\n" in tree, path
    assert "\t/srv/some words\n" in tree
    assert mounted.artifacts["file:/etc/passwdqc.conf"] == b"passphrase=4\npassphrase=<masked>\ndenylist=/srv/words.pwd\n"
    assert "\t/etc/ssh/sshd_config.d/20-link.conf\t/opt/linked.conf\n" in tree
    assert "D\t\t\t\t\t\t/etc/pam.d\n" in tree
    assert "D\t\t\t\t\t\t/etc/ssh/sshd_config.d\n" not in tree
    assert "forged" not in tree
    assert "\n-\t\t\t\t\t\t/data\n" in tree
    assert mounted.artifacts["last-logins"] == b"0 1700000000\n1000 1750000001\n1001 3000000000\n65534 1\n"
    assert mounted.artifacts["log-starts"].splitlines(keepends=True)[2] == b"/var/log/auth.log\t2026-01-01T00:00:00+00:00 vm ssh\n"
    assert mounted.artifacts["log-records"].splitlines()[0] == b"F\t/var/log/auth.log.1\tw\t1\t0"
    kept = [row.split(b"\t")[3:] for row in mounted.artifacts["log-records"].splitlines() if row.startswith(b"R\t")]
    assert [b"/".join(row[:2]) for row in kept] == [
        b"login/9", b"sshd/1", b"sudo/", b"odd/", b"a/", b"x/", b"caf??/7", b"passwd/1", b"su/2", b"b64/", b"sshd/3", b"su/", b"half/",
    ]  # fmt: skip
    assert [row[1] for row in kept if row[2] == b"-"] == [b"", b"1", b"2", b"", b""]
    assert b"H\t-\t8\t8\t1\t1700000000\t1700000001\n" in mounted.artifacts["audit-serials"]
    assert b"-w /etc/mysql -p wa -k db\n" in mounted.artifacts["file:/etc/audit/rules.d/db.rules"]
    for path in ("/etc/mysql", "/srv/a b", "/opt/d"):
        assert f"\t{path}\n" in tree, path
    reasons = {gap.item: gap.reason for gap in mounted.gaps}
    assert reasons["file:/etc/ssh/odd_name"] == Reason.UNSUPPORTED
    assert reasons["file:/etc/ssh/binary"] == Reason.UNSUPPORTED
    assert reasons["tree:/etc/ssh/sshd_config.d"] == Reason.UNSUPPORTED


def test_programs_with_rights_of_their_own(mounted: Evidence) -> None:
    rows = [row.split("\t") for row in mounted.artifacts["setuid"].decode().splitlines()]
    found = {row[-1]: row[1:-1] for row in rows if row[0] == "f"}
    assert found["/usr/local/bin/rootish"][:5] == ["4755", "0", "0", "-", "-"]
    assert found["/usr/local/sbin/script"][4] == "#!"
    assert found["/usr/local/bin/net"][3] == "cap_net_admin,cap_net_raw"
    assert found["/usr/local/bin/all"][3] == "all"
    assert found["/opt/a b/tool"][0] == "2755"
    assert found["/home/alice/mine"][1] == "1000"
    assert "/var/lib/docker/x/sudo" not in found
    owned = {(row[1], row[2]): row[3] for row in rows if row[0] == "o"}
    assert owned["passwd", "/usr/bin/passwd"] == found["/usr/bin/passwd"][5]
    assert ("util-linux", "/bin/su") in owned  # the merged /usr has it as /usr/bin/su
    assert ("findutils", "/usr/bin/find") in owned


def test_what_is_not_roots_alone(mounted: Evidence) -> None:
    rows = mounted.artifacts["tree"].decode("utf-8", "surrogateescape").split("\n")
    paths = {row.split("\t")[6]: row.split("\t") for row in rows if row and row[0] not in "DWA"}
    for path in (
        "/usr/local/lib/open.so",
        "/usr/local/bin/bobs",
        "/opt/a b",
        "/srv/grand",
        "/srv",
        "/home/alice/mine",
        "/usr/local/bin/away",
    ):
        assert path in paths, path
    assert "/usr/local/bin/safe" not in paths and "/usr/local/bin/rootish" not in paths
    assert "W\t\t\t\t\t\t/usr" in rows and "W\t\t\t\t\t\t/opt" in rows
    assert "W\t\t\t\t\t\t/etc" not in rows  # a name with a newline is below it


def test_links_never_leave_the_root(root: Path) -> None:
    outside = Path("/etc/lab-outside.conf")
    outside.write_text("outside needle\n")
    try:
        seen = collect(parse_target(f"root:{root}"), lab.ALL)
    finally:
        outside.unlink()
    assert not any(b"outside needle" in data for data in seen.artifacts.values())
    assert b"-\t\t\t\t\t\t/etc/lab-outside.conf\n" in seen.artifacts["tree"]


def test_an_ordinary_account_sees_gaps_and_never_absence(root: Path) -> None:
    seen = local(root, "--userspec=1001:1001")
    reasons = {gap.item: gap.reason for gap in seen.gaps}
    assert reasons["file:/etc/shadow"] == Reason.DENIED
    assert reasons["cmd:sshd-T"] == Reason.DENIED
    assert reasons["tree:/etc/sudoers.d"] == Reason.DENIED
    assert "file:/etc/passwd" in seen.artifacts
    assert seen.identity["privilege"] == "user"
    assert b"D\t\t\t\t\t\t/etc/sudoers.d\n" not in seen.artifacts["tree"]
