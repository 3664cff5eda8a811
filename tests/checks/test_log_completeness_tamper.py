from __future__ import annotations

import pytest

from checks.log_completeness.tamper import tamper
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts, without
from tests.log_hosts import FILES, JOURNAL, log_evidence, log_host

AUTH = "/var/log/auth.log"
PEOPLE = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nsyslog:x:104:110::/nonexistent:/usr/sbin/nologin\n"
    "alice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n",
    "/etc/shadow": "root:*:19000:0:99999:7:::\nsyslog:*:19000::::::\nalice:$y$j9T$masked:19000:0:99999:7:::\nbob:!:19000::::::\n",
    "/etc/group": "root:x:0:\nadm:x:4:syslog\nsyslog:x:110:\nalice:x:1000:\nbob:x:1001:\nloggers:x:1600:bob\n",
    "/var/log/.keep": "",
}
ALL = {
    "/var/log/auth.log": "pass",
    "/var/log/syslog": "pass",
    "journal": "pass",
    "/var/log": "pass",
}


def judged(changes: dict[str, str | None] | None = None, **more: object) -> dict[str, str]:
    return verdicts(run(tamper, log_host({**PEOPLE, **(changes or {})}, **more)))


@pytest.mark.parametrize("kind", ["ssh", "root"])
def test_the_stock_host_passes(kind: str) -> None:
    assert judged(kind=kind) == ALL


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ((0o640, 0, 4), "pass"), ((0o660, 0, 4), "pass"), ((0o666, 0, 4), "fail"), ((0o644, 0, 0), "pass"), ((0o642, 0, 4), "fail"),
        ((0o400, 1000, 4), "fail"), ((0o660, 0, 1600), "fail"), ((0o640, 0, 1600), "pass"), ((0o600, 104, 4), "pass"),
        ((0o660, 0, 1000), "fail"), ((0o600, 4242, 0), "pass"), ((0o602, 0, 1600), "fail"),
    ],
)  # fmt: skip
def test_owner_group_and_mode_of_the_file(mode: tuple[int, int, int], wanted: str) -> None:
    assert judged(modes={AUTH: mode}) == ALL | {AUTH: wanted}


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ((0o777, 0, 0), "fail"), ((0o755, 0, 4), "pass"), ((0o775, 0, 110), "pass"), ((0o775, 0, 1600), "fail"), ((0o755, 1000, 0), "fail"),
        ((0o1777, 0, 0), "pass"),
    ],
)  # fmt: skip
def test_the_folder_above(mode: tuple[int, int, int], wanted: str) -> None:
    found = judged(modes={"/var/log": mode})
    assert found[AUTH] == found["journal"] == wanted


def test_a_link_is_followed_to_its_end() -> None:
    away = {"links": {AUTH: "/srv/logs/auth"}}
    assert judged({"/srv/logs/auth": ""}, modes={"/srv/logs/auth": (0o640, 0, 4)}, **away)[AUTH] == "pass"
    assert judged({"/srv/logs/auth": ""}, modes={"/srv/logs/auth": (0o640, 0, 4), "/srv/logs": (0o777, 0, 0)}, **away)[AUTH] == "fail"


def test_access_control_lists_count() -> None:
    wide = {AUTH: (0o660, 0, 4)}
    assert judged(modes=wide, artifacts={"acls": f"{AUTH}\tuser:1000:rw-,group::r--\n"})[AUTH] == "fail"
    assert judged(modes=wide, artifacts={"acls": f"{AUTH}\tuser:1000:r--,group:1600:r--,group::rw-\n"})[AUTH] == "pass"
    assert judged(modes=wide, artifacts={"acls": f"{AUTH}\tgroup:1600:rw-,group::r--\n"})[AUTH] == "fail"
    assert judged(modes=wide, artifacts={"acls": f"{AUTH}\t?\n"})[AUTH] == "unknown"
    assert judged(modes=wide, unseen=["acls"])[AUTH] == "unknown"
    assert judged(unseen=["acls"])[AUTH] == "pass"  # without a right for the group no list lets anyone write


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "pass"), ("$FileCreateMode 0666\n$Umask 0000\n", "fail"), ("$FileOwner alice\n", "fail"), ("$FileOwner syslog\n", "pass"),
        ("$FileGroup loggers\n$FileCreateMode 0660\n$Umask 0007\n", "fail"), ("$FileGroup loggers\n", "pass"),
    ],
)  # fmt: skip
def test_a_log_that_rsyslog_will_make(text: str, wanted: str) -> None:
    rsyslog = str(FILES["/etc/rsyslog.conf"]) + text + "auth,authpriv.* /var/log/new\n"
    assert judged({"/etc/rsyslog.conf": rsyslog})["/var/log/new"] == wanted


@pytest.mark.parametrize(
    ("create", "wanted"),
    [
        ("create 0640 root adm", "pass"), ("create 0666 root adm", "fail"), ("create 0640 alice adm", "fail"), ("create 660 root loggers", "fail"),
        ("create", "pass"), ("create 0666\nnocreate", "pass"), ("create 0666\ncopytruncate", "pass"), ("olddir /var/log/old", "fail"),
    ],
)  # fmt: skip
def test_what_the_next_rotation_makes(create: str, wanted: str) -> None:
    rotate = f"/var/log/auth.log {{\nweekly\nrotate 26\n{create}\n}}\n"
    assert judged({"/etc/logrotate.d/rsyslog": rotate}, modes={"/var/log/old": (0o777, 0, 0)})[AUTH] == wanted


def test_others_below_var_log_are_named_only_when_they_fail() -> None:
    assert judged({"/var/log/app/x.log": ""}) == ALL
    found = judged({"/var/log/app/x.log": ""}, modes={"/var/log/app/x.log": (0o600, 1000, 1000)})
    assert found == {**{name: verdict for name, verdict in ALL.items() if name != "/var/log"}, "/var/log/app/x.log": "fail"}


def test_the_journal_and_the_audit_log() -> None:
    assert judged(modes={JOURNAL: (0o660, 0, 1600)})["journal"] == "fail"
    audit: dict[str, str | None] = {"/etc/audit/auditd.conf": "log_file = /srv/audit/a.log\n", "/srv/audit/a.log": ""}
    assert judged(audit)["audit"] == "pass"
    assert judged(audit, modes={"/srv/audit/a.log": (0o666, 0, 0)})["audit"] == "fail"
    assert judged(audit, unseen=["/srv/audit/a.log"], modes={"/srv/audit": (0o777, 0, 0)})["audit"] == "fail"


def test_sudos_own_log() -> None:
    sudoers: dict[str, str | None] = {"/etc/sudoers": "Defaults logfile=/home/alice/sudo.log\n", "/home/alice/sudo.log": ""}
    assert judged(sudoers)["/home/alice/sudo.log"] == "pass"
    assert judged(sudoers, modes={"/home/alice": (0o700, 1000, 1000)})["/home/alice/sudo.log"] == "fail"


def test_who_cannot_be_known_is_not_decided() -> None:
    directory: dict[str, str | None] = {"/etc/nsswitch.conf": "passwd: files sss\ngroup: files sss\n", "/etc/sssd/sssd.conf": "[sssd]\n"}
    assert judged(directory, modes={AUTH: (0o640, 4242, 4)})[AUTH] == "unknown"
    assert judged({"/etc/shadow": None, **directory}, unseen=["/etc/shadow"], modes={AUTH: (0o640, 1000, 4)})[AUTH] == "fail"
    robot: dict[str, str | None] = {"/etc/passwd": str(PEOPLE["/etc/passwd"]) + "robot:x:700:700::/srv/robot:/bin/sh\n"}
    assert judged(robot, unseen=["/etc/shadow"], modes={AUTH: (0o640, 700, 4)})[AUTH] == "unknown"
    assert judged(robot, modes={AUTH: (0o640, 700, 4)})[AUTH] == "pass"
    assert judged({**robot, "/srv/robot/.ssh/authorized_keys": "ssh-ed25519 AAAA\n"}, modes={AUTH: (0o640, 700, 4)})[AUTH] == "fail"


@pytest.mark.parametrize("kind", ["ssh", "root"])
def test_less_evidence_never_helps(kind: str) -> None:
    evidence = log_evidence({**PEOPLE, "/var/log/x": ""}, kind=kind, modes={AUTH: (0o660, 0, 1600), "/var/log/x": (0o666, 0, 0)})
    before = verdicts(run(tamper, Host(evidence)))
    for artifact in evidence.artifacts:
        after = verdicts(run(tamper, Host(without(evidence, artifact))))
        for subject, verdict in after.items():
            if verdict in ("pass", "not_applicable"):
                assert before.get(subject) in ("pass", "not_applicable"), (artifact, subject)
