"""Guessing: real wrong passwords through libpam in a Debian root, then the right one, at once and when the asked time has passed."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from sovaudit.content.checks.password_policy.lockout import lockout

from sovaudit.facts.factors import NOTHING
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab

RIGHT, WRONG = "Quiet-Harbour.41x", "wrong-guess"
CONF = "/etc/security/faillock.conf"
PRE = "auth {} pam_faillock.so preauth nodelay {}\n"
UNIX = "auth [success=1 default=ignore] pam_unix.so nodelay\n"
FAIL = "auth [default=die] pam_faillock.so authfail nodelay {}\n"
REST = "auth required pam_permit.so\n"
FULL = "deny=5 unlock_time=900"


def stack(pre: str = FULL, fail: str = FULL, control: str = "required") -> str:
    return PRE.format(control, pre) + UNIX + FAIL.format(fail) + REST


# name: (auth stack of login, other files, who guesses whose password)
CASES: dict[str, tuple[str, dict[str, str], str]] = {
    "none": (UNIX + "auth requisite pam_deny.so\n" + REST, {}, "alice"),
    "full": (stack(), {}, "alice"),
    "requisite": (stack(control="requisite"), {}, "alice"),
    "preauth alone": (PRE.format("required", FULL) + UNIX + "auth requisite pam_deny.so\n" + REST, {}, "alice"),
    "authfail alone": (UNIX + FAIL.format(FULL) + REST, {}, "alice"),
    "authfail and authsucc": (UNIX + FAIL.format(FULL) + f"auth required pam_faillock.so authsucc nodelay {FULL}\n" + REST, {}, "alice"),
    "authsucc that nobody heeds": (UNIX + FAIL.format(FULL) + f"auth optional pam_faillock.so authsucc nodelay {FULL}\n" + REST, {}, "alice"),
    "preauth that nobody heeds": (stack(control="optional"), {}, "alice"),
    "preauth after the password": (UNIX + FAIL.format(FULL) + PRE.format("required", FULL) + REST, {}, "alice"),
    "sufficient jumps over the lock": ("auth sufficient pam_unix.so nodelay\n" + PRE.format("required", FULL) + FAIL.format(FULL), {}, "alice"),
    "sufficient after preauth": (PRE.format("required", FULL) + "auth sufficient pam_unix.so nodelay\n" + FAIL.format(FULL), {}, "alice"),
    "deny one too many": (stack("deny=6 unlock_time=900", "deny=6 unlock_time=900"), {}, "alice"),
    "deny three": (stack("deny=3 unlock_time=900", "deny=3 unlock_time=900"), {}, "alice"),
    "deny nought": (stack("deny=0 unlock_time=900", "deny=0 unlock_time=900"), {}, "alice"),
    "deny nought counts, preauth locks": (stack(FULL, "deny=0"), {}, "alice"),
    "authfail stops counting first": (stack("deny=5 unlock_time=900", "deny=3 unlock_time=900"), {}, "alice"),
    "authfail counts on": (stack("deny=3 unlock_time=900", "deny=5 unlock_time=900"), {}, "alice"),
    "defaults": (stack("", ""), {CONF: ""}, "alice"),
    "the file": (stack("", ""), {CONF: "deny = 5\nunlock_time = 900\n"}, "alice"),
    "the file, odd": (stack("", ""), {CONF: "  deny=4 # few\nunlock_time 1200\n#deny = 9\n"}, "alice"),
    "the file says never": (stack("", ""), {CONF: "deny = 5\nunlock_time = never\n"}, "alice"),
    "the last line of the file": (stack("", ""), {CONF: "deny = 5\ndeny = 50\nunlock_time = 900\n"}, "alice"),
    "capitals": (stack("", ""), {CONF: "Deny = 50\nUNLOCK_TIME = 1\n"}, "alice"),
    "the argument over the file": (stack("deny=50", "deny=50"), {CONF: "deny = 3\nunlock_time = 900\n"}, "alice"),
    "only one argument": (stack("", "deny=50"), {CONF: "deny = 3\nunlock_time = 900\n"}, "alice"),
    "a short lock": (stack("deny=5 unlock_time=60", "deny=5 unlock_time=60"), {}, "alice"),
    "a little short": (stack("deny=5 unlock_time=880", "deny=5 unlock_time=880"), {}, "alice"),
    "for ever": (stack("deny=5 unlock_time=0", "deny=5 unlock_time=0"), {}, "alice"),
    "a lock of more than a week is no number": (stack("deny=5 unlock_time=9999999", "deny=5 unlock_time=9999999"), {}, "alice"),
    "two lines unlock differently": (stack("deny=5 unlock_time=900", "deny=5 unlock_time=10"), {}, "alice"),
    "no window": (stack(FULL + " fail_interval=0", FULL + " fail_interval=0"), {}, "alice"),
    "two places": (stack(FULL + " dir=/var/lib/faillock", FULL), {}, "alice"),
    "another place": (stack(FULL + " dir=/var/lib/faillock", FULL + " dir=/var/lib/faillock/"), {}, "alice"),
    "one place by two names": (stack(FULL + " dir=/run/faillock", FULL + " dir=/var/run/../run//faillock/"), {}, "alice"),
    "a place behind a dot": (stack(FULL + " dir=/var/lib/../lib//faillock/.", FULL + " dir=/var/lib/faillock"), {}, "alice"),
    "a place that is a file": (stack(FULL + " dir=/etc/tallies", FULL), {"/etc/tallies": ""}, "alice"),
    "a place that is a file, ignored": (stack(FULL + " dir=/etc/tallies", FULL).replace("auth required", "auth [system_err=ignore default=bad success=ok]", 1), {"/etc/tallies": ""}, "alice"),
    "a place that cannot be made": (stack(FULL + " dir=/var/none/faillock", FULL + " dir=/var/none/faillock"), {}, "alice"),
    "a place that is no path": (stack(FULL + " dir=faillock", FULL), {}, "alice"),
    "a file of its own": (stack("conf=/etc/lock.conf", "conf=/etc/lock.conf"), {"/etc/lock.conf": "deny=4\nunlock_time=1000\n", CONF: "deny=99\n"}, "alice"),
    "a file that is not there": (stack("conf=/etc/none.conf", "conf=/etc/none.conf"), {}, "alice"),
    "local users": (stack(FULL + " local_users_only", FULL + " local_users_only"), {}, "alice"),
    "administrators": (stack(FULL + " admin_group=staff", FULL + " admin_group=staff"), {}, "bob"),
    "administrators too": (stack(FULL + " admin_group=staff even_deny_root", FULL + " admin_group=staff even_deny_root"), {}, "bob"),
    "not for uid 1001": ("auth [success=1 default=ignore] pam_succeed_if.so uid = 1001 quiet\n" + stack(), {}, "bob"),
    "not counted for uid 1001": (PRE.format("required", FULL) + "auth [success=2 default=ignore] pam_unix.so nodelay\nauth [success=1 default=ignore] pam_succeed_if.so uid = 1001 quiet\n" + FAIL.format(FULL) + "auth required pam_permit.so\n", {}, "bob"),
    "a substack keeps the end to itself": ("auth substack inner\nauth required pam_permit.so\n", {"/etc/pam.d/inner": stack()}, "alice"),
    "an include": ("auth include inner\n", {"/etc/pam.d/inner": "session required pam_permit.so\n@include innermost\n", "/etc/pam.d/innermost": stack()}, "alice"),
    "authfail twice counts double": (PRE.format("required", "deny=6 unlock_time=900") + UNIX + "auth optional pam_faillock.so authfail nodelay deny=6\n" + FAIL.format("deny=6 unlock_time=900"), {}, "alice"),
    "no action is preauth": ("auth required pam_faillock.so nodelay " + FULL + "\n" + UNIX + FAIL.format(FULL) + REST, {}, "alice"),
    "the last action": (PRE.format("required", "authfail preauth " + FULL) + UNIX + FAIL.format(FULL) + REST, {}, "alice"),
    "die on the wrong line": (PRE.format("required", FULL) + "auth [success=1 default=die] pam_unix.so nodelay\n" + FAIL.format(FULL) + REST, {}, "alice"),
    "the jump is one short": (PRE.format("required", FULL) + "auth [success=ignore default=ignore] pam_unix.so nodelay\n" + FAIL.format(FULL) + REST, {}, "alice"),
    "numbers with letters": (stack("deny=5x unlock_time=900s", "deny=5x unlock_time=900s"), {}, "alice"),
    "deny without a number": (stack("deny unlock_time=900", "deny=many unlock_time=900"), {}, "alice"),
    "authsucc wipes out what authfail has counted": (PRE.format("required", FULL) + "auth sufficient pam_unix.so nodelay\nauth optional pam_faillock.so authfail nodelay " + FULL + "\nauth [success=ok default=bad] pam_faillock.so authsucc nodelay deny=0\nauth requisite pam_unix.so nodelay use_first_pass\n", {}, "alice"),
    "the right password is refused, and wipes out what locks it": (PRE.format("required", "deny=3 unlock_time=900") + UNIX + FAIL.format("deny=3 unlock_time=900") + "auth sufficient pam_faillock.so authsucc nodelay deny=6\n", {}, "alice"),
    "it does not where the lock ends the stack": (PRE.format("requisite", "deny=3 unlock_time=900") + UNIX + FAIL.format("deny=3 unlock_time=900") + "auth sufficient pam_faillock.so authsucc nodelay deny=6\n", {}, "alice"),
    "administrators, wiped out": (PRE.format("required", FULL + " even_deny_root") + UNIX + FAIL.format(FULL + " even_deny_root") + "auth required pam_faillock.so authsucc nodelay\n", {CONF: "admin_group = staff\n"}, "bob"),
    "administrators have a time of their own": (stack("", ""), {CONF: "admin_group = staff\neven_deny_root\ndeny = 5\nunlock_time = 900\nroot_unlock_time = 60\n"}, "bob"),
    "administrators have none": (stack("", ""), {CONF: "admin_group = staff\neven_deny_root\nroot_unlock_time = never\ndeny = 5\nunlock_time = 60\n"}, "alice"),
    "one line locks soon, another for ever": (PRE.format("required", "deny=5 unlock_time=0") + UNIX + FAIL.format(FULL) + "auth [success=ok default=bad] pam_faillock.so preauth nodelay deny=4\n", {}, "alice"),
    "authfail required: any password opens until it locks": (PRE.format("required", FULL) + UNIX + FAIL.format(FULL).replace("[default=die]", "required"), {}, "alice"),
    "tally2 is not there": ("auth required pam_tally2.so deny=5 unlock_time=900\n" + UNIX + "auth requisite pam_deny.so\n" + REST, {}, "alice"),
}  # fmt: skip


@pytest.fixture(scope="module")
def hashed() -> Iterator[str]:
    with lab.overlay() as root:
        yield lab.run(root, ["openssl", "passwd", "-1", "-salt", "abcdefgh", RIGHT]).stdout.strip()


def _opens(root: Path, name: str, before: int) -> bool:
    """Whether the right password opens, after so many wrong ones."""
    guess = f"printf '%s\\n' {WRONG} | pamtester login {name} authenticate"
    script = "\n".join([*[guess] * before, f"printf '%s\\n' {RIGHT} | pamtester login {name} authenticate >/dev/null 2>&1 && echo in"])
    return "in" in lab.run(root, ["sh", "-c", script], timeout=60).stdout.split()


def _age(root: Path, seconds: int) -> None:
    """Let time pass: failures are that much older."""
    for place in (*root.glob("run/faillock/*"), *root.glob("var/lib/faillock/*")):
        data = bytearray(place.read_bytes())
        for start in range(0, len(data), 64):
            (when,) = struct.unpack_from("<Q", data, start + 56)
            struct.pack_into("<Q", data, start + 56, when - seconds)
        place.write_bytes(data)


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_guessing(name: str, hashed: str) -> None:
    auth, files, who = CASES[name]
    accounts = {
        "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n",
        "/etc/group": "root:x:0:\nalice:x:1000:\nbob:x:1001:\nstaff:x:50:bob\nshadow:x:42:\n",
        "/etc/shadow": f"root:*:19000:0:99999:7:::\nalice:{hashed}:19000:0:99999:7:::\nbob:{hashed}:19000:0:99999:7:::\n",
    }
    with lab.overlay({**accounts, "/etc/pam.d/login": auth + "account required pam_permit.so\n", **files}) as root:
        host = Host(lab.mounted(root) if len(name) % 4 else lab.local(root))
        said = verdicts(run(lockout, host))["login"]
        if not _opens(root, who, 0):
            assert said == "not_applicable"
            return
        for place in root.glob("run/faillock/*"):
            place.unlink()
        if _opens(root, who, 5):
            assert said == "fail"
            return
        _age(root, 890)  # not 900: a second may pass meanwhile
        assert said == ("fail" if _opens(root, who, 0) else "pass")


INCLUDES = {
    "an include in an include, after a session line": ("auth include a\n", "session required pam_permit.so\n@include b\n"),
    "after an auth line": ("auth include a\n", "auth required pam_permit.so\n@include b\n"),
    "at the beginning": ("auth include a\n", "@include b\n"),
    "after an account line": ("auth include a\n", "auth required pam_permit.so\naccount required pam_permit.so\n@include b\n"),
    "in a substack": ("auth substack a\n", "session required pam_permit.so\n@include b\n"),
}


@pytest.mark.lab
def test_an_include_inside_an_include_brings_the_lines_of_the_type_asked_for() -> None:
    accounts = {"/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"}
    with lab.overlay({**accounts, "/etc/pam.d/other": "auth required pam_permit.so\n"}) as root:
        for name, (outer, inner) in INCLUDES.items():
            for module in ("deny", "permit"):
                lab.write(root, {"/etc/pam.d/t": outer, "/etc/pam.d/a": inner, "/etc/pam.d/b": f"auth required pam_{module}.so\n"})
                real = lab.run(root, ["pamtester", "t", "alice", "authenticate"]).returncode == 0
                host = Host(lab.mounted(root))
                alice = host.accounts.get("alice")
                assert alice is not None
                assert (NOTHING in host.pam.authenticate("t", alice).certain) == real, (name, module)


PLAIN = "auth [success=1 default=ignore] pam_unix.so nodelay\nauth requisite pam_deny.so\n" + REST
SSHD = "UsePAM {}\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\nMaxAuthTries 20\n"
# name: (common-auth, other files)
DOORS: dict[str, tuple[str, dict[str, str]]] = {
    "all locked": (stack(), {"/etc/ssh/sshd_config": SSHD.format("yes")}),
    "sshd without PAM": (stack(), {"/etc/ssh/sshd_config": SSHD.format("no")}),
    "sudo alone": (PLAIN, {"/etc/ssh/sshd_config": SSHD.format("yes"), "/etc/pam.d/sudo": stack() + "account required pam_permit.so\nsession required pam_permit.so\n"}),
    "su by other": (stack(), {"/etc/ssh/sshd_config": SSHD.format("yes"), "/etc/pam.d/su": "# nothing here\n", "/etc/pam.d/other": PLAIN + "account required pam_permit.so\nsession required pam_permit.so\n"}),
}  # fmt: skip


def _ssh_opens(root: Path) -> bool:
    with lab.sshd(root) as port:
        transport = paramiko.Transport(("127.0.0.1", port))
        try:
            transport.start_client(timeout=10)
            for text in [WRONG] * 5:
                with contextlib.suppress(paramiko.AuthenticationException):
                    transport.auth_password("alice", text, fallback=False)
        finally:
            transport.close()
        transport = paramiko.Transport(("127.0.0.1", port))
        try:
            transport.start_client(timeout=10)
            transport.auth_password("alice", RIGHT, fallback=False)
            return transport.is_authenticated()
        except paramiko.AuthenticationException:
            return False
        finally:
            transport.close()


def _program_opens(root: Path, program: str) -> bool:
    if program == "su":
        act = "setpriv --reuid=33 --regid=33 --clear-groups su -c 'echo in' alice"
    else:
        act = "setpriv --reuid=1000 --regid=1000 --clear-groups sudo -k -S -p '' sh -c 'echo in'"
    script = [f"echo {WRONG} | {act} 2>/dev/null"] * 5 + [f"echo {RIGHT} | {act} 2>/dev/null"]
    return "in" in lab.run(root, ["sh", "-c", "\n".join(script)], timeout=60).stdout.split()


@pytest.mark.lab
@pytest.mark.parametrize("name", DOORS)
def test_guessing_through_real_doors(name: str, hashed: str) -> None:
    auth, files = DOORS[name]
    accounts = {
        "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/:/bin/sh\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\nalice:x:1000:1000::/:/bin/bash\n",
        "/etc/group": "root:x:0:\nwww-data:x:33:\nalice:x:1000:\nshadow:x:42:\n",
        "/etc/shadow": f"root:*:19000:0:99999:7:::\nwww-data:*:19000:0:99999:7:::\nalice:{hashed}:19000:0:99999:7:::\n",
        "/etc/sudoers": "Defaults passwd_tries=1, !lecture\nalice ALL=(ALL) ALL\n",
    }  # fmt: skip
    with lab.overlay({**accounts, "/etc/pam.d/common-auth": auth, **files}) as root:
        said = verdicts(run(lockout, Host(lab.mounted(root))))
        for service in ("sshd", "su", "sudo"):
            for place in root.glob("run/faillock/*"):
                place.unlink()
            opens = _ssh_opens(root) if service == "sshd" else _program_opens(root, service)
            assert said[service] == ("fail" if opens else "pass"), service
