"""two-factor.enrolment"""

from __future__ import annotations

import pytest

from checks.two_factor.enrolment import enrolment
from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts, without
from tests.checks.ssh_world import PASSWD, world

UNIX = "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n"
CODE = "auth required pam_google_authenticator.so\n"
NULLOK = CODE.replace(".so", ".so nullok")
SECRET = "/home/bob/.google_authenticator"
HELD = {"/home/bob": (0o700, 1001, 1001), SECRET: (0o400, 1001, 1001)}
STRICT = "UsePAM yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive:pam\n"
DUO = "/etc/security/pam_duo.conf"
LOGIN = {"/bin/login": (0o755, 0, 0)}
SUDO = {"/usr/bin/sudo": (0o4755, 0, 0), "/etc/sudoers": (0o440, 0, 0)}


def judged(files: dict[str, str], config: str = "UsePAM yes\n", *, held: bool = False, **more: object) -> dict[str, str]:
    modes = {**(HELD if held else {}), **more.pop("modes", {})}  # type: ignore[dict-item]
    return verdicts(run(enrolment, world(config, {**({SECRET: "x"} if held else {}), **files}, modes=modes, **more)))


@pytest.mark.parametrize(
    ("stack", "held", "verdict"), [(CODE, True, "pass"), (CODE, False, "fail"), (NULLOK, True, "pass"), (NULLOK, False, "fail")]
)
def test_login(stack: str, held: bool, verdict: str) -> None:
    assert judged({"/etc/pam.d/login": stack + UNIX}, held=held, modes=LOGIN) == {"bob": verdict}


def test_what_leads_there_is_told() -> None:
    host = world("UsePAM yes\n", {"/etc/pam.d/login": CODE + UNIX, SECRET: "x"}, modes={**LOGIN, **HELD, SECRET: (0o644, 1001, 1001)})
    (outcome,) = run(enrolment, host)
    assert outcome.verdict.value == "fail"
    assert [(line.file, line.text) for line in outcome.because] == [
        ("/etc/pam.d/login", CODE.strip()),
        (SECRET, "mode 644 is more than 600"),
    ]


def test_sshd() -> None:
    assert judged({"/etc/pam.d/sshd": CODE + UNIX}, STRICT) == {"bob": "fail"}
    assert judged({"/etc/pam.d/sshd": CODE + UNIX}, STRICT, held=True) == {"bob": "pass"}
    keys = "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
    assert judged({"/etc/pam.d/sshd": CODE + UNIX}, keys) == {"": "not_applicable"}  # PAM's auth stack is never asked
    assert judged({"/etc/pam.d/sshd": CODE + UNIX}, STRICT + "DenyUsers bob\n") == {"": "not_applicable"}


def test_sshd_by_another_service() -> None:
    newer = {"artifacts": {"packages": "openssh-server 1:10.0p1-7\nlibpam-modules 1.7.0-5\n"}}
    files = {"/etc/pam.d/sshd": UNIX, "/etc/pam.d/ssh-code": CODE + UNIX}
    assert judged(files, STRICT + "PAMServiceName ssh-code\n", **newer) == {"bob": "fail"}
    assert judged(files, STRICT + "PAMServiceName ssh-code\n", held=True, **newer) == {"bob": "pass"}
    assert judged(files, STRICT, **newer) == {"": "not_applicable"}


def test_sudo_asks_who_may_run_something() -> None:
    files = {"/etc/pam.d/sudo": CODE + UNIX, "/etc/sudoers": "bob ALL=/usr/bin/id\n"}
    assert judged(files, modes=SUDO) == {"bob": "fail"}
    assert judged(files, held=True, modes=SUDO) == {"bob": "pass"}
    assert judged({**files, "/etc/sudoers": "bob ALL=NOPASSWD: ALL\n"}, modes=SUDO) == {"": "not_applicable"}
    assert judged({**files, "/etc/sudoers": ""}, modes=SUDO) == {"": "not_applicable"}


def test_su_asks_root() -> None:
    files = {"/etc/pam.d/su": CODE + UNIX, "/etc/shadow": "root:$y$j9T$masked:19000::::::\nbob:*:19000::::::\n"}
    su = {"/usr/bin/su": (0o4755, 0, 0)}
    assert judged(files, modes=su) == {"root": "fail"}
    root = {"/root": (0o700, 0, 0), "/root/.google_authenticator": (0o400, 0, 0)}
    assert judged({**files, "/root/.google_authenticator": "x"}, modes={**su, **root}) == {"root": "pass"}


def test_a_code_that_is_one_way_among_others_is_no_duty() -> None:
    assert judged({"/etc/pam.d/login": CODE.replace("required", "sufficient") + UNIX}, modes=LOGIN) == {"": "not_applicable"}


def test_u2f() -> None:
    token = {"/etc/pam.d/login": UNIX.replace("account", "auth required pam_u2f.so\naccount", 1)}
    assert judged(token, modes=LOGIN) == {"bob": "fail"}
    mapped = {
        "/etc/pam.d/login": token["/etc/pam.d/login"].replace(".so\naccount", ".so authfile=/etc/u2f\naccount"),
        "/etc/u2f": "bob:x\n",
    }
    assert judged(mapped, modes=LOGIN) == {"bob": "unknown"}  # whom it names is not read
    free = {"/etc/pam.d/login": token["/etc/pam.d/login"].replace("u2f.so", "u2f.so nouserok")}
    assert judged(free, modes=LOGIN) == {"bob": "fail"}


def test_held_by_another_system() -> None:
    for stack in ("auth required pam_duo.so\n", "auth required pam_radius_auth.so\n", "auth required pam_yubico.so authfile=/etc/yk\n"):
        assert judged({"/etc/pam.d/login": stack + UNIX}, modes=LOGIN) == {"bob": "unknown"}
    # as the package leaves it, pam_duo asks nobody; without a file of tokens pam_yubico lets nobody in
    duo = {"/etc/pam.d/login": "auth required pam_duo.so\n" + UNIX}
    assert judged({**duo, DUO: "[duo]\nhost =\nikey =\nskey =\nfailmode = safe\n"}, modes=LOGIN) == {"": "not_applicable"}
    set_up = "[duo]\nhost = api.example\nikey = x\nskey = <masked>\nfailmode = secure\n"
    assert judged({**duo, DUO: set_up}, modes=LOGIN) == {"bob": "unknown"}
    assert judged({**duo, DUO: set_up + "groups = staff\n"}, modes=LOGIN) == {"": "not_applicable"}
    assert judged({**duo, DUO: set_up + "groups = !staff,b*\n"}, modes=LOGIN) == {"bob": "unknown"}
    assert judged({"/etc/pam.d/login": "auth required pam_yubico.so id=1 nullok\n" + UNIX}, modes=LOGIN) == {"bob": "fail"}


def test_what_was_not_seen() -> None:
    files = {"/etc/pam.d/login": CODE + UNIX}
    home = {**LOGIN, "/home/bob": (0o700, 1001, 1001)}
    assert judged(files, modes=home, unseen=[SECRET])["bob"] == "unknown"
    assert judged({"/etc/pam.d/login": NULLOK + UNIX}, modes=home, unseen=[SECRET])["bob"] == "unknown"
    assert judged(files, modes=LOGIN, unseen=["/etc/pam.d/login"]) == {"login": "unknown"}
    assert judged(files, held=True, modes=LOGIN, unseen=["/etc/shadow"])["bob"] == "unknown"
    assert judged({**files, "/etc/nsswitch.conf": "passwd: files ldap\n"}, held=True, modes=LOGIN) == {"bob": "pass", "ldap": "unknown"}


def test_no_service_asks() -> None:
    assert judged({"/etc/pam.d/login": UNIX}, modes=LOGIN) == {"": "not_applicable"}
    assert verdicts(run(enrolment, host_with({"/etc/passwd": PASSWD}, artifacts={"packages": "bash 5.2\n"}))) == {"": "not_applicable"}


def test_deletion_never_makes_a_pass() -> None:
    weak = world("UsePAM yes\n", {"/etc/pam.d/login": NULLOK + UNIX}, modes={**LOGIN, "/home/bob": (0o700, 1001, 1001)})
    assert verdicts(run(enrolment, weak)) == {"bob": "fail"}
    for artifact in weak.evidence.artifacts:
        after = verdicts(run(enrolment, Host(without(weak.evidence, artifact))))
        assert set(after.values()) <= {"fail", "unknown"}, (artifact, after)
