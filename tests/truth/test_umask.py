"""The umask of real sessions: `login -f` on a terminal, ssh with a terminal, ssh with a command, beside the check's answers."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sovaudit.content.checks.least_privilege.umask import umask

from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab

pytestmark = pytest.mark.lab

PASSWD = "root:x:0:0:root:/root:/bin/bash\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\nalice:x:1000:1000:{gecos}:/home/alice:{shell}\ncarol:x:1002:100::/home/carol:/bin/sh\n"
GROUP = "root:x:0:\nalice:x:1000:\nusers:x:100:\nnogroup:x:65534:\ntty:x:5:\n"
SHADOW = "root:*:19000::::::\nsshd:!:19000::::::\nalice:*:19000::::::\ncarol:*:19000::::::\n"
SESSION = "session [default=1] pam_permit.so\nsession requisite pam_deny.so\nsession required pam_permit.so\nsession required pam_unix.so\n"
UMASK = SESSION + "session optional pam_umask.so {}\n"
COMMON = "/etc/pam.d/common-session"
DEFS = "/etc/login.defs"
PROFILE = "/etc/profile"
SKEL = (lab.base_root() / "etc/skel/.profile").read_text() if not lab.why_not() else ""
BASHRC = (lab.base_root() / "etc/skel/.bashrc").read_text() if not lab.why_not() else ""
STOCK = (lab.base_root() / "etc/profile").read_text() if not lab.why_not() else ""
# name: files, alice's shell and GECOS
CASES: dict[str, tuple[dict[str, str], str, str]] = {
    "stock": ({}, "/bin/bash", ""),
    "pam_umask argument": ({COMMON: UMASK.format("umask=027")}, "/bin/bash", ""),
    "pam_umask from login.defs": ({COMMON: UMASK.format(""), DEFS: "UMASK 077\n"}, "/bin/bash", ""),
    "login.defs alone does nothing": ({DEFS: "UMASK 077\n"}, "/bin/bash", ""),
    "argument over login.defs": ({COMMON: UMASK.format("umask=0022"), DEFS: "UMASK 077\n"}, "/bin/bash", ""),
    "usergroups opens the group": ({COMMON: UMASK.format("umask=077 usergroups")}, "/bin/bash", ""),
    "nousergroups last": ({COMMON: UMASK.format("umask=077 usergroups nousergroups")}, "/bin/bash", ""),
    "USERGROUPS_ENAB is for others": ({COMMON: UMASK.format(""), DEFS: "UMASK 027\nUSERGROUPS_ENAB yes\n"}, "/bin/bash", ""),
    "GECOS": ({COMMON: UMASK.format("umask=022")}, "/bin/bash", "Alice,,,umask=077"),
    "GECOS without pam_umask": ({}, "/bin/bash", "Alice,,,umask=077"),
    "GECOS opens": ({COMMON: UMASK.format("umask=077")}, "/bin/bash", "umask=002,x"),
    "default/login": ({COMMON: UMASK.format(""), DEFS: "", "/etc/default/login": "UMASK=077\n"}, "/bin/bash", ""),
    "decimal it is not": ({COMMON: UMASK.format("umask=27")}, "/bin/bash", ""),
    "no number": ({COMMON: UMASK.format("umask=private")}, "/bin/bash", ""),
    "first line of login.defs": ({COMMON: UMASK.format(""), DEFS: "UMASK 027\nUMASK 022\n"}, "/bin/bash", ""),
    "behind a jump": ({COMMON: SESSION.replace("default=1", "default=4") + "session optional pam_umask.so umask=077\nsession required pam_permit.so\n"}, "/bin/bash", ""),
    "behind sufficient": ({COMMON: "session sufficient pam_permit.so\nsession optional pam_umask.so umask=077\n"}, "/bin/bash", ""),
    "before sufficient": ({COMMON: "session optional pam_umask.so umask=077\nsession sufficient pam_permit.so\n"}, "/bin/bash", ""),
    "twice": ({COMMON: UMASK.format("umask=077") + "session optional pam_umask.so umask=022\n"}, "/bin/bash", ""),
    "commented": ({COMMON: SESSION + "#session optional pam_umask.so umask=077\n"}, "/bin/bash", ""),
    "missing module": ({COMMON: SESSION + "-session optional pam_umaks.so umask=077\n"}, "/bin/bash", ""),
    "only for login": ({"/etc/pam.d/login": "auth required pam_permit.so\naccount required pam_permit.so\n" + UMASK.format("umask=077")}, "/bin/bash", ""),
    "pam, for a group": ({COMMON: SESSION + "session [success=ignore default=1] pam_succeed_if.so quiet user ingroup alice\nsession optional pam_umask.so umask=077\n"}, "/bin/bash", ""),
    "pam, for a list": ({COMMON: SESSION + "session [success=ignore default=1] pam_listfile.so item=user sense=allow file=/etc/um onerr=fail\nsession optional pam_umask.so umask=077\n", "/etc/um": "carol\n"}, "/bin/bash", ""),
    "pam, not over ssh": ({COMMON: SESSION + "session [success=1 default=ignore] pam_succeed_if.so quiet service = sshd\nsession optional pam_umask.so umask=077\n"}, "/bin/bash", ""),
    "pam, a negative number": ({COMMON: UMASK.format("umask=-27")}, "/bin/bash", ""),
    "profile": ({PROFILE: STOCK + "umask 027\n"}, "/bin/bash", ""),
    "profile opens what PAM closed": ({COMMON: UMASK.format("umask=077"), PROFILE: STOCK + "umask 022\n"}, "/bin/bash", ""),
    "profile.d": ({"/etc/profile.d/umask.sh": "umask 077\n"}, "/bin/bash", ""),
    "profile.d without .sh": ({"/etc/profile.d/umask": "umask 077\n"}, "/bin/bash", ""),
    "profile.d in order": ({"/etc/profile.d/10.sh": "umask 077\n", "/etc/profile.d/20.sh": "umask 022\n"}, "/bin/bash", ""),
    "bash.bashrc": ({"/etc/bash.bashrc": "umask 077\n"}, "/bin/bash", ""),
    "bash.bashrc behind its guard": ({"/etc/bash.bashrc": '[ -z "$PS1" ] && return\numask 077\n'}, "/bin/bash", ""),
    "bash.bashrc for dash": ({"/etc/bash.bashrc": "umask 077\n"}, "/bin/dash", ""),
    "own profile": ({"/home/alice/.profile": SKEL + "umask 077\n"}, "/bin/bash", ""),
    "own profile, commented": ({"/home/alice/.profile": SKEL.replace("#umask 022", "#umask 077")}, "/bin/bash", ""),
    "own profile hidden by .bash_profile": ({"/home/alice/.profile": "umask 077\n", "/home/alice/.bash_profile": ""}, "/bin/bash", ""),
    ".bash_login before .profile": ({"/home/alice/.profile": "umask 077\n", "/home/alice/.bash_login": "umask 027\n"}, "/bin/bash", ""),
    "dash reads .profile only": ({"/home/alice/.profile": "umask 077\n", "/home/alice/.bash_profile": "umask 022\n"}, "/bin/dash", ""),
    ".bashrc behind its guard": ({"/home/alice/.profile": SKEL, "/home/alice/.bashrc": BASHRC + "umask 077\n"}, "/bin/bash", ""),
    ".bashrc before its guard": ({"/home/alice/.profile": SKEL, "/home/alice/.bashrc": "umask 077\n" + BASHRC}, "/bin/bash", ""),
    ".bashrc without .profile": ({"/home/alice/.bashrc": "umask 077\n"}, "/bin/bash", ""),
    "own profile opens": ({COMMON: UMASK.format("umask=077"), "/home/alice/.profile": "umask 022\n"}, "/bin/bash", ""),
    "for people only": ({PROFILE: STOCK + 'if [ "$(id -u)" -ge 1000 ]; then umask 027; fi\n'}, "/bin/bash", ""),
    "for private groups": ({PROFILE: STOCK + 'if [ "`id -gn`" = "`id -un`" ]; then umask 007; else umask 027; fi\n'}, "/bin/bash", ""),
    "symbolic": ({PROFILE: STOCK + "umask u=rwx,g=rx,o=\n"}, "/bin/bash", ""),
    "in a subshell": ({PROFILE: STOCK + "(umask 077)\numask 077 | cat\n"}, "/bin/bash", ""),
    "sourced": ({PROFILE: STOCK + ". /opt/site/env.sh\n", "/opt/site/env.sh": "umask 077\n"}, "/bin/bash", ""),
    "sourced at home": ({"/home/alice/.profile": "[ -f ~/.env ] && . ~/.env\n", "/home/alice/.env": "umask 077\n"}, "/bin/bash", ""),
    "a secret in between": ({"/home/alice/.profile": "export TOKEN='abc def'\numask 077\nexport X=\"y\"; umask 027\n"}, "/bin/bash", ""),
    "a broken profile": ({PROFILE: "umask 077\nif fi\numask 022\n"}, "/bin/bash", ""),
    "sh is dash": ({PROFILE: "umask 077\n[[ 1 == 1 ]] && umask 022\n"}, "/bin/sh", ""),
    "rbash": ({PROFILE: "umask 027\n"}, "/bin/rbash", ""),
    "no shell named": ({PROFILE: "umask 027\n"}, "", ""),
}  # fmt: skip


_STARTING = threading.Lock()


def furnish(root: Path, case: tuple[dict[str, str], str, str]) -> None:
    files, shell, gecos = case
    lab.write(root, {"/etc/passwd": PASSWD.format(gecos=gecos, shell=shell), "/etc/group": GROUP, "/etc/shadow": SHADOW})
    for name, uid, gid in (("alice", 1000, 1000), ("carol", 1002, 100)):
        (root / "home" / name).mkdir(parents=True, exist_ok=True)
        os.chown(root / "home" / name, uid, gid)
    lab.write(root, files)


def _typed(command: list[str], seconds: float, **more: object) -> bytes:
    leader, follower = pty.openpty()
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, start_new_session=True, **more)  # type: ignore[call-overload]
    os.close(follower)
    os.set_blocking(leader, False)
    os.write(leader, b"echo mask=$(umask)=; exit\n")
    seen, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and not re.search(rb"mask=(\d+)=", seen):
        try:
            seen += os.read(leader, 4096)
        except BlockingIOError:
            if process.poll() is not None:
                break
            time.sleep(0.01)
        except OSError:
            break
    process.kill()
    process.wait()
    os.close(leader)
    return seen


def typed(command: list[str], **more: object) -> str:
    """What a program on a terminal prints when `umask` and `exit` are typed. Several attempts: a busy machine may lose what is typed early."""
    seen = b""
    for seconds in (15, 20, 30):
        seen = _typed(command, seconds, **more)
        if re.search(rb"mask=(\d+)=", seen):
            break
        time.sleep(1)
    found = re.search(rb"mask=(\d+)=", seen)
    assert found, seen
    return found[1].decode()


@contextmanager
def served(root: Path, keys: Path) -> Iterator[tuple[str, ...]]:
    """ssh's first words for a real sshd of that root."""
    public = (keys / "id.pub").read_text()
    for name in ("alice", "carol"):
        (root / "etc/keys").mkdir(exist_ok=True)
        (root / "etc/keys" / name).write_text(public)
    with ExitStack() as running:
        with _STARTING:  # a free port is free until somebody else asks
            port = running.enter_context(lab.sshd(root, arguments=("-o", "AuthorizedKeysFile=/etc/keys/%u", "-o", "StrictModes=no")))
        yield (
            "ssh", "-F", "none", "-q", "-p", str(port), "-i", str(keys / "id"), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "BatchMode=yes",
        )  # fmt: skip


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "id")], check=True)
    return folder


def console(root: Path, name: str) -> str:
    mounts = f'mount -t proc proc "{root}/proc"; mount --rbind /dev "{root}/dev"; umask 022; exec chroot "{root}" login -f {name}'
    return typed(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", mounts],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "dumb"},
    )


def compared(name: str, keys: Path) -> str:
    """Where the check and the real sessions differ; empty where they agree."""
    with lab.overlay() as root:
        furnish(root, CASES[name])
        host = Host(lab.local(root) if len(name) % 6 == 0 else lab.mounted(root))
        said = {outcome.subject: outcome for outcome in run(umask, host)}
        masks = [console(root, "alice")]
        if "pam" in "".join(CASES[name][0]) or len(name) % 3 == 0:
            with served(root, keys) as ssh:
                commands = [_printed([*ssh, f"{who}@127.0.0.1", "umask"]) for who in ("alice", "carol")]
                masks.append(typed([*ssh, "-tt", "alice@127.0.0.1"]))
            closed = all(int(mask, 8) & 0o027 == 0o027 for mask in commands)
            if said["commands over ssh"].verdict.value != ("pass" if closed else "fail"):
                return f"{name}: {commands}, {said['commands over ssh']}"
    private = all(int(mask, 8) & 0o027 == 0o027 for mask in masks)
    seen = {int(mask, 8) for mask in said["alice"].seen.split(", ") if mask}
    same = said["alice"].verdict.value == ("pass" if private else "fail") and seen <= {int(mask, 8) for mask in masks}
    return "" if same else f"{name}: {masks}, {said['alice']}"


def test_the_masks_of_sessions(keys: Path) -> None:
    with ThreadPoolExecutor(10) as together:
        wrong = [answer for answer in together.map(lambda name: compared(name, keys), CASES) if answer]
    assert wrong == []


def _printed(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL).stdout.split()[-1]
