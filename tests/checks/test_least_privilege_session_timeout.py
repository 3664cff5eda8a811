"""An idle shell ends."""

# ruff: noqa: E501 - a case is one line
from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.session_timeout import session_timeout

from sovaudit.testing import host_with, run, verdicts
from tests.checks.test_least_privilege_umask import MODULES, PASSWD, SHELLS

PAM = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
SYSTEMD = {**MODULES, "/usr/lib/security/pam_systemd.so": (0o644, 0, 0), "/usr/lib/systemd/systemd": (0o755, 0, 0)}


def judged(
    files: dict[str, str], *, shell: str = "/bin/bash", seconds: int = 900, systemd: str = "", pam: str = PAM, **more: object
) -> dict[str, str]:
    everything = {
        "/etc/passwd": PASSWD.format("", shell), "/etc/group": "root:x:0:\nalice:x:1000:\nwww:x:33:\n", "/etc/os-release": "ID=debian\n",
        "/etc/pam.d/login": pam, "/etc/pam.d/sshd": pam, "/etc/pam.d/other": pam, **files,
    }  # fmt: skip
    links = {"/bin": "usr/bin", "/usr/bin/sh": "dash", **({"/sbin/init": "/usr/lib/systemd/systemd"} if systemd else {})}
    artifacts = {"packages": f"systemd {systemd}\nopenssh-server 1:9.2p1-2\n"}
    host = host_with(
        everything, modes={**(SYSTEMD if systemd else MODULES), **SHELLS}, links=links, kind="root", artifacts=artifacts, **more
    )
    return verdicts(run(session_timeout, host, seconds=seconds))


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("TMOUT=900", "pass"), ("TMOUT=901", "fail"), ("TMOUT=1", "pass"), ("TMOUT=0", "fail"), ("TMOUT=", "fail"), ("", "fail"), ("TMOUT=x", "fail"), ("readonly TMOUT=600", "pass"),
        ("TMOUT=$X", "fail"), ("TMOUT=<masked>", "unknown"), ("other && TMOUT=600", "unknown"), ("other && TMOUT=600 || TMOUT=300", "pass"), ("readonly TMOUT=600; unset TMOUT", "pass"),
        ("TMOUT=600; unset TMOUT", "fail"), ("TMOUT=$((15*60))", "pass"), ("export TMOUT=600\nPROMPT_COMMAND='TMOUT=0'", "unknown"), ("TMOUT=600; . /opt/none", "pass"), ("exit", "pass"),
    ],
)  # fmt: skip
def test_tmout(line: str, verdict: str) -> None:
    assert judged({"/etc/profile": line + "\n"})["alice"] == verdict


def test_whether_the_account_may_change_it_is_said() -> None:
    for line, text in (("readonly TMOUT=9", "ends after {n} s"), ("TMOUT=9", "unless")):
        host = host_with(
            {
                "/etc/passwd": PASSWD.format("", "/bin/bash"),
                "/etc/profile": line,
                "/etc/pam.d/login": PAM,
                "/etc/pam.d/other": PAM,
                "/usr/bin/bash": "",
            },
            modes=SHELLS,
            links={"/bin": "usr/bin"},
            kind="root",
        )
        assert any(text in outcome.text for outcome in run(session_timeout, host) if outcome.subject == "alice")


def test_shells() -> None:
    profile = {"/etc/profile": "readonly TMOUT=600\n", "/etc/zsh/zshrc": "TMOUT=600\n"}
    assert judged(profile, shell="/bin/dash")["alice"] == "fail"
    assert judged(profile, shell="/bin/sh")["alice"] == "fail"
    assert judged(profile, shell="/bin/zsh")["alice"] == "pass"
    assert judged(profile, shell="/bin/csh")["alice"] == "unknown"
    assert judged(profile, shell="/usr/sbin/nologin").get("alice") is None


@pytest.mark.parametrize(
    ("rc", "verdict"),
    [
        ("TMOUT=600\n", "pass"), ("setopt no_rcs\nTMOUT=600\n", "unknown"), ("unsetopt GLOBAL_RCS\nTMOUT=600\n", "unknown"), ("ZDOTDIR=/opt/z\nTMOUT=600\n", "unknown"),
        ("for f in /none/*.zsh; do . $f; done\nTMOUT=600\n", "unknown"), ("f() { export TMOUT=600 }\nf\n", "unknown"), ("((TMOUT=600))\n", "unknown"), ("X='TMOUT=600'\neval $X\n", "pass"),
        ("readonly TMOUT=0\nTMOUT=600\n", "fail"), ("emulate -L zsh\nTMOUT=600\n", "pass"), ("emulate sh -c '. /etc/profile'\n", "unknown"), ("# setopt no_rcs\nTMOUT=600\n", "pass"),
    ],
)  # fmt: skip
def test_ways_of_zsh_alone(rc: str, verdict: str) -> None:
    """As zsh 5.9 was seen to take them; what it takes in its own way is not claimed."""
    assert judged({"/etc/zsh/zshrc": rc}, shell="/bin/zsh")["alice"] == verdict


def test_logind() -> None:
    pam = PAM + "session optional pam_systemd.so\n"
    conf = {"/etc/systemd/logind.conf": "[Login]\nStopIdleSessionSec=10min\n"}
    assert judged(conf, shell="/bin/sh", systemd="252.39-1", pam=pam)["alice"] == "pass"
    assert judged(conf, shell="/bin/sh", systemd="247.3", pam=pam)["alice"] == "fail"
    assert judged(conf, shell="/bin/sh", systemd="252.39-1")["alice"] == "fail"
    assert (
        judged(
            {**conf, "/etc/systemd/logind.conf.d/x.conf": "[Login]\nStopIdleSessionSec=infinity\n"},
            shell="/bin/sh",
            systemd="252.39-1",
            pam=pam,
        )["alice"]
        == "fail"
    )
    assert (
        judged({"/etc/systemd/logind.conf": "[Login]\nStopIdleSessionSec=20min\n"}, shell="/bin/sh", systemd="252.39-1", pam=pam)["alice"]
        == "fail"
    )
    assert judged(conf, shell="/bin/sh", systemd="252.39-1", pam=pam, unseen=["/etc/systemd/logind.conf"])["alice"] == "unknown"


def test_ssh_beside_the_console() -> None:
    sshd = {"/usr/sbin/sshd": "", "/etc/ssh/sshd_config": "UsePAM yes\nChannelTimeout session:*=5m\n"}
    assert judged({**sshd, "/etc/profile": "TMOUT=60\n"})["alice"] == "pass"
    assert judged(sshd)["alice"] == "fail"
    assert judged({**sshd, "/etc/profile": '[ -z "$SSH_CONNECTION" ] && TMOUT=60\n'})["alice"] == "pass"
    assert (
        judged({**sshd, "/etc/ssh/sshd_config": "UsePAM yes\n", "/etc/profile": '[ -z "$SSH_CONNECTION" ] && TMOUT=60\n'})["alice"]
        == "unknown"
    )


def test_unseen() -> None:
    assert judged({"/etc/profile": "TMOUT=60\n"}, unseen=["/etc/profile"])["alice"] == "unknown"
    assert judged({"/etc/profile": "TMOUT=60\n", "/home/alice/.profile": ""}, unseen=["/home/alice/.profile"])["alice"] == "unknown"
    assert judged({"/etc/profile": "readonly TMOUT=60\n", "/home/alice/.profile": ""}, unseen=["/home/alice/.profile"])["alice"] == "pass"
