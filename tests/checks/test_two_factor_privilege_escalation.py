"""two-factor.privilege-escalation"""

from __future__ import annotations

import pytest

from checks.two_factor.privilege_escalation import privilege_escalation
from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts, without

UNIX = "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n"
CODE = "auth required pam_google_authenticator.so\n"
FILES = {
    "/etc/passwd": "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\nwww:x:33:33::/var/www:/usr/sbin/nologin\n",
    "/etc/shadow": "root:*:19000::::::\nalice:$y$j9T$masked:19000::::::\nwww:*:19000::::::\n",
    "/etc/group": "root:x:0:\nsudo:x:27:alice\nalice:x:1000:\nwww:x:33:\ndisk:x:6:\n",
    "/etc/sudoers": "%sudo ALL=(ALL:ALL) ALL\n",
    "/etc/pam.d/sudo": CODE + UNIX,
    "/etc/pam.d/sudo-i": CODE + UNIX,
    "/etc/pam.d/su": "auth sufficient pam_rootok.so\n" + UNIX,
    "/etc/os-release": "ID=debian\n",
}
MODES = {
    "/usr/bin/sudo": (0o4755, 0, 0), "/usr/bin/su": (0o4755, 0, 0), "/etc/sudoers": (0o440, 0, 0), "/home/alice": (0o700, 1000, 1000),
    "/home/alice/.google_authenticator": (0o400, 1000, 1000),
}  # fmt: skip
PACKAGES = {"packages": "libpam-modules 1.5.2-6\nsudo 1.9.13p3-1\nutil-linux 2.38.1-5\n"}


def host(files: dict[str, str] | None = None, **more: object) -> Host:
    modes = {**MODES, **more.pop("modes", {})}  # type: ignore[dict-item]
    given = {**FILES, "/home/alice/.google_authenticator": "secret", **(files or {})}
    return host_with(given, modes=modes, **{"artifacts": PACKAGES, **more})


def judged(files: dict[str, str] | None = None, **more: object) -> dict[str, str]:
    return verdicts(run(privilege_escalation, host(files, **more)))


def test_two_factors() -> None:
    (outcome,) = run(privilege_escalation, host())
    assert (outcome.subject, outcome.verdict.value, outcome.seen) == ("alice", "pass", "one-time code + password")


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        ({"/etc/pam.d/sudo": UNIX}, "sudo: password"),
        ({"/etc/pam.d/sudo-i": UNIX}, "sudo -i: password"),
        ({"/etc/pam.d/sudo": "auth sufficient pam_unix.so\n" + CODE + UNIX}, "sudo: password"),
        ({"/etc/sudoers": "%sudo ALL=(ALL:ALL) NOPASSWD: ALL\n"}, "sudo: nothing"),
        ({"/etc/sudoers": "%sudo ALL=(ALL:ALL) ALL\nalice ALL=NOPASSWD: /usr/bin/vim\n"}, "sudo /usr/bin/vim: nothing"),
        ({"/etc/sudoers": "", "/etc/shadow": FILES["/etc/shadow"].replace("root:*", "root:$y$j9T$masked")}, "su: root password"),
        ({"/etc/sudoers": "", "/etc/group": FILES["/etc/group"].replace("disk:x:6:", "disk:x:6:alice")}, "%disk: nothing"),
    ],
)
def test_one_factor_or_none(files: dict[str, str], seen: str) -> None:
    outcome = next(outcome for outcome in run(privilege_escalation, host(files)) if outcome.subject == "alice")
    assert (outcome.verdict.value, outcome.seen) == ("fail", seen)
    assert outcome.because


def test_a_code_alone_is_the_second() -> None:
    only = CODE + "account required pam_permit.so\n"
    assert judged({"/etc/pam.d/sudo": only, "/etc/pam.d/sudo-i": only}) == {"alice": "pass"}


def test_whoever_becomes_nobody_passes() -> None:
    assert judged({"/etc/sudoers": ""}) == {"alice": "pass"}


def test_an_account_without_a_shell_counts_where_a_rule_names_it() -> None:
    assert judged({"/etc/sudoers": "www ALL=NOPASSWD: ALL\n"}) == {"alice": "pass", "www": "fail"}


DOAS = {"/usr/bin/doas": (0o4755, 0, 0)}


def test_doas() -> None:
    doas = {"/etc/sudoers": "", "/etc/doas.conf": "permit alice\n", "/etc/pam.d/doas": UNIX}
    assert judged(doas, modes=DOAS)["alice"] == "fail"
    assert judged({**doas, "/etc/pam.d/doas": CODE + UNIX}, modes=DOAS)["alice"] == "pass"
    assert judged({**doas, "/etc/doas.conf": "permit nopass alice\n", "/etc/pam.d/doas": CODE + UNIX}, modes=DOAS)["alice"] == "fail"
    assert judged({**doas, "/etc/doas.conf": "permit nopass alice"}, modes=DOAS)["alice"] == "pass"  # doas refuses the file
    assert judged(doas, modes=DOAS, unseen=["/etc/doas.conf"])["alice"] == "unknown"
    assert judged({**doas, "/etc/doas.conf": "permit alice cmd whoami\n"}, modes=DOAS)["alice"] == "pass"


@pytest.mark.parametrize(
    ("conf", "how"),
    [
        ("permit nopass alice cmd vim\n", "doas vim: nothing"),
        ("permit :sudo cmd /usr/bin/vim args /etc/hosts\n", "doas /usr/bin/vim /etc/hosts: password"),
        ("permit nopass alice as www\npermit nopass www\n", "doas -u www: nothing"),
        ("permit nopass keepenv alice cmd python3 args /opt/x\n", "doas python3 /opt/x: nothing"),
        ("permit nopass setenv { LD_PRELOAD=$X } alice cmd id\n", "doas id: nothing"),
        ("permit nopass alice cmd passwd args root\n", "doas passwd root: nothing"),
        ("permit nopass alice cmd ./x\n", "doas ./x: nothing"),
        ("permit nopass alice cmd su args www\npermit nopass www cmd su args alice\npermit nopass www\n", "doas su www: nothing"),
        ("permit nopass alice cmd passwd args www\npermit www\n", "doas passwd www: nothing"),
        ("permit nopass :sudo cmd passwd\npermit :sudo as www\npermit www cmd passwd\n", "doas passwd: nothing"),
    ],
)
def test_what_doas_gives(conf: str, how: str) -> None:
    outcome = next(iter(run(privilege_escalation, host({"/etc/sudoers": "", "/etc/doas.conf": conf, "/etc/pam.d/doas": UNIX}, modes=DOAS))))
    assert (outcome.subject, outcome.verdict.value, outcome.seen) == ("alice", "fail", how)


@pytest.mark.parametrize(
    "conf",
    [
        "permit nopass keepenv alice cmd id\n",  # ld.so has taken LD_PRELOAD away
        "permit nopass setenv { LD_PRELOAD } alice cmd id\n",
        "permit nopass alice cmd python3 args /opt/x\n",
        "permit nopass alice cmd vim\ndeny :sudo\n",
        "permit nopass alice as www\n",
        "permit nopass alice as www\npermit www\n",
        "permit nopass alice cmd su args www\npermit nopass www cmd su args alice\n",
        "permit nopass alice cmd su args www\npermit www\n",
    ],
)
def test_what_doas_does_not_give(conf: str) -> None:
    assert judged({"/etc/sudoers": "", "/etc/doas.conf": conf, "/etc/pam.d/doas": UNIX}, modes=DOAS)["alice"] == "pass"


def test_doas_of_alpine_asks_shadow_and_reads_a_folder() -> None:
    alpine = {"/etc/sudoers": "", "/etc/os-release": "ID=alpine\n", "/etc/doas.conf": "permit nopass alice\n"}
    assert judged(alpine, modes=DOAS)["alice"] == "fail"
    folder = {"/etc/doas.d/a.conf": "permit alice\n", "/etc/doas.d/b.conf": "deny alice\n", "/etc/doas.d/c": "permit alice\n"}
    assert judged(alpine | folder, modes=DOAS)["alice"] == "pass"
    assert judged(alpine | {"/etc/doas.d/b.conf": "permit alice\n"}, modes=DOAS)["alice"] == "fail"
    assert judged(alpine | {"/etc/doas.d/b.conf": "permit alice"}, modes=DOAS)["alice"] == "pass"


def test_another_doas_reads_another_file() -> None:
    other = {"/etc/sudoers": "", "/etc/pam.d/doas": UNIX, "/usr/local/etc/doas.conf": "permit nopass alice\n"}
    assert judged(other, modes={"/usr/local/bin/doas": (0o4755, 0, 0)})["alice"] == "unknown"
    assert judged(other, modes=DOAS)["alice"] == "pass"


def test_who_is_in_a_group_of_doas_may_be_said_elsewhere() -> None:
    more = {"/etc/nsswitch.conf": "passwd: files\ngroup: files ldap\nshadow: files\n", "/etc/doas.conf": "permit nopass :wheel\n"}
    assert judged({"/etc/sudoers": "", "/etc/pam.d/doas": UNIX, **more}, modes=DOAS)["alice"] == "unknown"


def test_what_was_not_seen() -> None:
    weak = {"/etc/pam.d/sudo": UNIX}
    assert judged(weak, unseen=["/etc/shadow"])["alice"] == "unknown"
    assert judged(weak, unseen=["/etc/sudoers"]) == {"alice": "unknown", "sudo": "unknown"}
    assert judged(unseen=["/etc/pam.d/su"])["alice"] == "unknown"
    assert judged(unseen=["/home/alice/.google_authenticator"])["alice"] == "pass"  # what opens, opens with a code
    assert judged(modes={"/usr/bin/pkexec": (0o4755, 0, 0)})["alice"] == "unknown"
    assert judged(modes={"/usr/bin/pkexec": (0o755, 0, 0)})["alice"] == "pass"
    polkit = {"packages": PACKAGES["packages"] + "polkitd 122-3\n"}
    assert judged(modes={"/usr/bin/pkexec": (0o755, 0, 0)}, artifacts=polkit)["alice"] == "unknown"  # systemd-run asks it, too
    assert judged(artifacts={})["alice"] == "unknown"
    assert judged({"/etc/nsswitch.conf": "passwd: files ldap\n"})["ldap"] == "unknown"


def test_nobody_but_root() -> None:
    assert judged({"/etc/passwd": "root:x:0:0::/root:/bin/bash\n"}) == {"": "not_applicable"}


def test_deletion_never_makes_a_pass() -> None:
    weak = host({"/etc/pam.d/sudo": UNIX})
    for artifact in weak.evidence.artifacts:
        after = verdicts(run(privilege_escalation, Host(without(weak.evidence, artifact))))
        assert after.get("alice", after.get("", "unknown")) in ("fail", "unknown"), artifact
