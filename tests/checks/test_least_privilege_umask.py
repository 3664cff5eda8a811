"""New files are private by default."""

# ruff: noqa: E501 - a case is one line
from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.umask import umask

from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\nwww:x:33:33::/srv:/usr/sbin/nologin\nalice:x:1000:1000:{}:/home/alice:{}\n"
PAM = "auth required pam_permit.so\naccount required pam_permit.so\nsession optional pam_umask.so {}\n"
MODULES = {f"/usr/lib/security/{name}.so": (0o644, 0, 0) for name in ("pam_umask", "pam_permit", "pam_env", "pam_unix")}
SHELLS = {"/usr/bin/bash": (0o755, 0, 0), "/usr/bin/dash": (0o755, 0, 0), "/usr/bin/csh": (0o755, 0, 0), "/usr/bin/zsh": (0o755, 0, 0)}


def judged(files: dict[str, str], *, shell: str = "/bin/bash", gecos: str = "", pam: str | None = None, **more: object) -> dict[str, str]:
    stack = PAM.format(pam) if pam is not None else PAM.replace("session optional pam_umask.so {}", "session required pam_permit.so")
    everything = {
        "/etc/passwd": PASSWD.format(gecos, shell), "/etc/group": "root:x:0:\nalice:x:1000:\nwww:x:33:\n", "/etc/os-release": "ID=debian\n",
        "/etc/pam.d/login": stack, "/etc/pam.d/sshd": stack, "/etc/pam.d/other": stack, **files,
    }  # fmt: skip
    knobs = {"umask": more.pop("umask")} if "umask" in more else {}
    host = host_with(everything, modes={**MODULES, **SHELLS}, links={"/bin": "usr/bin", "/usr/bin/sh": "dash"}, kind="root", **more)
    return verdicts(run(umask, host, **knobs))


@pytest.mark.parametrize(
    ("mask", "verdict"), [("022", "fail"), ("027", "pass"), ("026", "fail"), ("077", "pass"), ("017", "fail"), ("777", "pass")]
)
def test_masks(mask: str, verdict: str) -> None:
    assert judged({}, pam=f"umask={mask}") == {"root": verdict, "alice": verdict}


def test_another_mask_is_asked() -> None:
    assert judged({}, pam="umask=022", umask="022") == {"root": "pass", "alice": "pass"}
    assert judged({}, pam="umask=027", umask="077") == {"root": "fail", "alice": "fail"}


@pytest.mark.parametrize(
    ("files", "verdict"),
    [
        ({"/etc/profile": "umask 077\n"}, "pass"), ({"/home/alice/.profile": "umask 077\n"}, "pass"), ({"/home/alice/.profile": "umask 022\n", "/etc/profile": "umask 077\n"}, "fail"),
        ({"/home/alice/.profile": "umask 077\n", "/home/alice/.bash_profile": ""}, "fail"), ({"/etc/profile": "umask $X\n"}, "fail"), ({"/etc/profile": "umask <masked>\n"}, "unknown"),
        ({"/etc/profile": "something && umask 077\n"}, "unknown"), ({"/etc/profile": "umask 077; eval \"$(other)\"\n"}, "unknown"), ({"/etc/profile": "umask 077; eval \"$(dircolors)\"\n"}, "pass"),
        ({"/etc/profile": "umask 077; something\n"}, "pass"), ({"/etc/profile": "something && umask 077 || umask 027\n"}, "pass"), ({"/etc/profile": "something && umask 002 || umask 022\n"}, "fail"),
        ({"/etc/profile": "f() { umask 077; }; f\n"}, "pass"), ({"/etc/profile": "umask 027; exec something\n"}, "unknown"), ({"/etc/profile": "umask 077\nx() { ((\n"}, "pass"),
    ],
)  # fmt: skip
def test_profiles(files: dict[str, str], verdict: str) -> None:
    assert judged(files)["alice"] == verdict


def test_shells_that_are_not_followed() -> None:
    assert judged({}, shell="/bin/csh", pam="umask=077")["alice"] == "unknown"
    assert "alice" not in judged({}, shell="/bin/none", pam="umask=077")  # no session begins
    assert judged({"/home/alice/.zshrc": "umask 077\n"}, shell="/bin/zsh")["alice"] == "pass"


def test_zsh_splits_no_variable_and_gives_up_at_a_readonly_one() -> None:
    for text, verdict in (("U='umask 077'\n$U\n", "fail"), ("umask 077\nreadonly X=1\nX=2\numask 022\n", "pass")):
        assert judged({"/home/alice/.zshrc": text}, shell="/bin/zsh")["alice"] == verdict


def test_commands_over_ssh_read_no_profile() -> None:
    sshd = {"/usr/sbin/sshd": "", "/etc/ssh/sshd_config": "UsePAM yes\n"}
    assert judged({**sshd, "/etc/profile": "umask 077\n"}) == {"root": "pass", "alice": "pass", "commands over ssh": "fail"}
    assert judged(sshd, pam="umask=027") == {"root": "pass", "alice": "pass", "commands over ssh": "pass"}
    assert judged({**sshd, "/etc/ssh/sshd_config": "UsePAM no\n"}, pam="umask=027")["commands over ssh"] == "fail"
    assert judged({**sshd, "/home/alice/.bashrc": "umask 022\n"}, pam="umask=027")["commands over ssh"] == "fail"
    assert (
        judged({**sshd, "/home/alice/.bashrc": "case $- in *i*) ;; *) return ;; esac\numask 022\n"}, pam="umask=027")["commands over ssh"]
        == "pass"
    )


def test_units_give_masks() -> None:
    drop_in = {
        "/etc/systemd/system/getty@.service.d/x.conf": "[Service]\nUMask=0077\n",
        "/etc/systemd/system/getty@.service": "[Service]\nExecStart=-/sbin/agetty\n",
    }
    assert judged(drop_in)["alice"] == "pass"


def test_unseen() -> None:
    assert judged({"/etc/profile": ""}, pam="umask=077", unseen=["/etc/profile"])["alice"] == "unknown"
    assert judged({"/home/alice/.profile": ""}, pam="umask=077", unseen=["/home/alice/.profile"])["alice"] == "unknown"
    assert judged({"/home/alice/.profile": ""}, pam="umask=077", unseen=["/home/alice/.profile"])["root"] == "pass"
    assert judged({}, pam="umask=077", unseen=["/etc/pam.d/login"])["alice"] == "unknown"
    assert judged({"/etc/login.defs": ""}, pam="", unseen=["/etc/login.defs"])["alice"] == "unknown"
    assert set(judged({}, unseen=["tree"]).values()) == {"unknown"}
