"""two-factor.console-login"""

from __future__ import annotations

import pytest

from checks.two_factor.console_login import console_login
from sovaudit.facts.gettys import agetty_options
from sovaudit.facts.host import Host
from sovaudit.model.finding import Outcome
from sovaudit.testing import host_with, run, verdicts, without

UNIX = "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n"
CODE = "auth required pam_google_authenticator.so\n"
FILES = {
    "/etc/passwd": "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\nwww:x:33:33::/var/www:/usr/sbin/nologin\n",
    "/etc/shadow": "root:*:19000::::::\nalice:$y$j9T$masked:19000::::::\nwww:*:19000::::::\n",
    "/etc/pam.d/login": CODE + UNIX,
    "/home/alice/.google_authenticator": "secret",
}
MODES = {
    "/bin/login": (0o755, 0, 0), "/bin/bash": (0o755, 0, 0), "/bin/zsh": (0o644, 0, 0), "/home/alice": (0o700, 1000, 1000),
    "/home/alice/.google_authenticator": (0o400, 1000, 1000),
}  # fmt: skip
GDM = "[daemon]\nAutomaticLoginEnable=true\nAutomaticLogin=alice\n"
FREE = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
PACKAGES = {"packages": "libpam-modules 1.5.2-6\nlogin 1:4.13+dfsg1-1\n"}
UNITS = "/etc/systemd/system"
GETTY = "[Service]\nExecStart=-/sbin/agetty -o '-p -- \\\\u' --noclear %I $TERM\nType=idle\n"
WANTS = f"{UNITS}/multi-user.target.wants"
KIOSK = "[Service]\nUser=alice\nPAMName=login\nStandardInput=tty\nTTYPath=/dev/tty7\nExecStart=/usr/bin/cage -- firefox\n"
AUTO = "[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin alice --noclear %I $TERM\n"


def host(files: dict[str, str] | None = None, **more: object) -> Host:
    modes = {**MODES, **more.pop("modes", {})}  # type: ignore[dict-item]
    links = {path: to for path, to in (files or {}).items() if path.startswith(WANTS)} | more.pop("links", {})  # type: ignore[operator]
    texts = {path: text for path, text in (files or {}).items() if path not in links}
    return host_with(
        {**FILES, "/usr/lib/systemd/system/getty@.service": GETTY, **texts}, modes=modes, artifacts=PACKAGES, links=links, **more
    )


def alice(files: dict[str, str] | None = None, **more: object) -> Outcome:
    return next(outcome for outcome in run(console_login, host(files, **more)) if outcome.subject == "alice")


def judged(files: dict[str, str] | None = None, **more: object) -> dict[str, str]:
    return verdicts(run(console_login, host(files, **more)))


def test_two_factors() -> None:
    assert judged() == {"root": "pass", "alice": "pass"}
    assert alice().seen == "one-time code + password"


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        ({"/etc/pam.d/login": UNIX}, "login: password"),
        ({"/etc/pam.d/login": CODE + "account required pam_permit.so\nsession required pam_permit.so\n"}, "login: one-time code"),
        ({"/etc/pam.d/gdm-password": UNIX}, "gdm-password: password"),
        ({f"{UNITS}/getty@.service.d/a.conf": AUTO}, "getty@.service: nothing"),
        ({f"{UNITS}/getty@tty3.service.d/a.conf": AUTO}, "getty@tty3.service: nothing"),
        ({f"{UNITS}/serial-getty@ttyS0.service": AUTO}, "serial-getty@ttyS0.service: nothing"),
        ({f"{UNITS}/console-getty.service.d/a.conf": AUTO}, "console-getty.service: nothing"),
        ({f"{UNITS}/autovt@.service": AUTO}, "autovt@.service: nothing"),
        ({f"{UNITS}/kiosk.service": KIOSK, f"{WANTS}/kiosk.service": "../kiosk.service"}, "kiosk.service: nothing"),
        ({f"{UNITS}/t.service": AUTO.replace("ExecStart=\n", "") , f"{WANTS}/t.service": "../t.service"}, "t.service: nothing"),
        ({"/etc/pam.d/xrdp-sesman": UNIX}, "xrdp-sesman: password"),
        ({"/etc/inittab": "1:2345:respawn:/sbin/getty --autologin alice tty1\n"}, "inittab: nothing"),
        ({"/etc/gdm3/daemon.conf": GDM, "/etc/pam.d/gdm-autologin": FREE}, "gdm-autologin: nothing"),
        ({"/etc/lightdm/lightdm.conf": "[Seat:*]\nautologin-user=alice\n", "/etc/pam.d/lightdm-autologin": FREE}, "lightdm-autologin: nothing"),
        ({"/etc/sddm.conf.d/a.conf": "[Autologin]\nUser=alice\n", "/etc/pam.d/sddm-autologin": FREE}, "sddm-autologin: nothing"),
        ({"/etc/greetd/config.toml": '[initial_session]\nuser = "alice"\n'}, "greetd: nothing"),
    ],
)  # fmt: skip
def test_one_factor_or_none(files: dict[str, str], seen: str) -> None:
    outcome = alice(files)
    assert (outcome.verdict.value, outcome.seen) == ("fail", seen)
    assert outcome.because


@pytest.mark.parametrize(
    "files",
    [
        {f"{UNITS}/getty@.service.d/a.conf": AUTO.replace("ExecStart=\n", "")},  # two commands: systemd refuses the unit
        {
            f"{UNITS}/getty@.service.d/a.conf": AUTO,
            f"{UNITS}/getty@.service.d/b.conf": GETTY.replace("[Service]\n", "[Service]\nExecStart=\n"),
        },
        {f"{UNITS}/getty@.service.d/a.conf.bak": AUTO},
        {f"{UNITS}/kiosk.service": KIOSK},
        {f"{UNITS}/kiosk.service": KIOSK.replace("alice", "nobody"), f"{WANTS}/kiosk.service": "../kiosk.service"},
        {
            f"{UNITS}/x.service": KIOSK.replace("StandardInput=tty\n", "").replace("TTYPath=/dev/tty7\n", ""),
            f"{WANTS}/x.service": "../x.service",
        },
        {f"{UNITS}/getty@.service.d/a.conf": AUTO.replace("[Service]", "[Unit]")},
        {f"{UNITS}/getty@.service.d/a.conf": AUTO.replace("alice", "nobody")},
        {
            "/etc/lightdm/lightdm.conf": "[Seat:seat1]\nautologin-user=alice\n",
            "/etc/pam.d/lightdm-autologin": "auth required pam_permit.so\n",
        },
        {"/etc/gdm3/daemon.conf": "[daemon]\nAutomaticLoginEnable=false\nAutomaticLogin=alice\n"},
        {"/etc/gdm3/daemon.conf": "[daemon]\n#AutomaticLoginEnable=true\nAutomaticLogin=alice\n"},
        {"/etc/pam.d/lightdm-greeter": "auth required pam_permit.so\n"},
    ],
)
def test_what_opens_nothing(files: dict[str, str]) -> None:
    assert alice(files).verdict.value == "pass"


def test_masked_units_open_nothing() -> None:
    files = {f"{UNITS}/getty@.service.d/a.conf": AUTO}
    assert alice(files, links={f"{UNITS}/getty@.service": "/dev/null"}).verdict.value == "pass"


def test_the_drop_in_of_an_instance_beats_that_of_the_template() -> None:
    mild = GETTY.replace("[Service]\n", "[Service]\nExecStart=\n")
    files = {f"{UNITS}/getty@tty2.service.d/a.conf": mild, f"{UNITS}/getty@.service.d/a.conf": AUTO}
    found = [door.name for door in host(files).console.doors(host(files).accounts.get("alice"))]  # type: ignore[arg-type]
    assert "getty@.service" in found and "getty@tty2.service" not in found


def test_a_shell_on_a_terminal_is_root() -> None:
    links = {f"{UNITS}/sysinit.target.wants/debug-shell.service": "/lib/systemd/system/debug-shell.service"}
    assert judged(links=links)["root"] == "fail"
    assert judged({f"{UNITS}/getty@.service.d/a.conf": AUTO.replace("agetty --autologin alice", "agetty -n -l /bin/sh")})["root"] == "fail"


def test_anybody_one_names() -> None:
    files = {f"{UNITS}/getty@.service.d/a.conf": AUTO.replace("--autologin alice", "-o '-f -- \\\\u'")}
    assert judged(files) == {"root": "fail", "alice": "fail"}


def test_a_program_that_we_do_not_know() -> None:
    assert judged({f"{UNITS}/getty@.service.d/a.conf": AUTO.replace("--autologin alice", "-l /usr/local/bin/in")})["alice"] == "unknown"


def test_no_session_follows() -> None:
    files = {"/etc/pam.d/login": UNIX, "/etc/passwd": FILES["/etc/passwd"].replace("alice:/bin/bash", "alice:/bin/zsh")}
    assert alice(files).seen == "no way in"


def test_login_is_not_there() -> None:
    assert alice({"/etc/pam.d/login": UNIX}, modes={"/bin/login": (0o755, 0, 0)}).verdict.value == "fail"
    kept = {path: mode for path, mode in MODES.items() if path != "/bin/login"}
    assert verdicts(run(console_login, host_with({**FILES, "/etc/pam.d/login": UNIX}, modes=kept, artifacts=PACKAGES)))["alice"] == "pass"


def test_what_was_not_seen() -> None:
    weak = {"/etc/pam.d/login": UNIX}
    assert judged(weak, unseen=["/etc/shadow"])["alice"] == "unknown"
    assert judged(unseen=["/etc/pam.d/login"])["alice"] == "unknown"
    assert judged(unseen=[f"{UNITS}/getty@.service.d"], modes={f"{UNITS}/getty@.service.d": (0o755, 0, 0)})["alice"] == "unknown"
    assert judged({"/etc/gdm3/daemon.conf": ""}, unseen=["/etc/gdm3/daemon.conf"])["alice"] == "unknown"
    assert judged({"/etc/nsswitch.conf": "passwd: files ldap\n"})["ldap"] == "unknown"


def test_no_account_has_a_shell() -> None:
    assert judged({"/etc/passwd": "root:x:0:0::/root:/usr/sbin/nologin\n"}) == {"": "not_applicable"}


def test_deletion_never_makes_a_pass() -> None:
    files = {
        f"{UNITS}/getty@.service.d/a.conf": AUTO,
        "/etc/gdm3/daemon.conf": "[daemon]\nAutomaticLoginEnable=true\nAutomaticLogin=root\n",
    }
    weak = host({**files, "/etc/pam.d/gdm-autologin": FREE})
    before = verdicts(run(console_login, weak))
    assert before == {"root": "fail", "alice": "fail"}
    for artifact in weak.evidence.artifacts:
        after = verdicts(run(console_login, Host(without(weak.evidence, artifact))))
        assert all(after.get(name, after.get("", "unknown")) in ("fail", "unknown") for name in before), artifact


def test_options_of_agetty() -> None:
    assert agetty_options(["-Ja", "bob", "--login-pr=/bin/sh", "-"]) == {"J": "", "autologin": "bob", "login-program": "/bin/sh"}
    assert agetty_options(["--l=x", "--skip", "115200", "--auto", "carol"])["autologin"] == "carol"
