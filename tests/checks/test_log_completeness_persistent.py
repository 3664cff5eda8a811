from __future__ import annotations

import pytest

from checks.log_completeness.persistent import persistent
from sovaudit.facts.host import Host
from sovaudit.testing import evidence_with, run, verdicts, without
from tests.log_hosts import COMMANDS, FILES, JOURNAL, LINKS, log_evidence, log_host

p = pytest.param
ETC, RUN, USR = "/etc/systemd", "/run/systemd", "/usr/lib/systemd"


def conf(storage: str) -> str:
    return f"[Journal]\nStorage={storage}\n"


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize(
    ("changes", "journal", "wanted"),
    [
        p({}, True, "pass", id="auto with the folder"),
        p({}, False, "fail", id="auto without the folder"),
        p({f"{ETC}/journald.conf": conf("persistent")}, False, "pass", id="persistent makes the folder"),
        p({f"{ETC}/journald.conf": conf("volatile")}, True, "fail", id="volatile"),
        p({f"{ETC}/journald.conf": conf("none")}, True, "fail", id="none"),
        p({f"{ETC}/journald.conf": conf("persistant")}, True, "pass", id="a misspelt value is ignored: auto"),
        p({f"{ETC}/journald.conf": "Storage=volatile\n"}, True, "pass", id="no section"),
        p({f"{ETC}/journald.conf": "[journal]\nStorage=volatile\n"}, True, "pass", id="sections keep their case"),
        p({f"{ETC}/journald.conf": "[Journal]\nstorage=volatile\n"}, True, "pass", id="keys keep their case"),
        p({f"{ETC}/journald.conf": "[Journal]\n#Storage=volatile\n;Storage=none\n"}, True, "pass", id="comments"),
        p({f"{ETC}/journald.conf": "[Journal]\nStorage = volatile\n"}, True, "fail", id="blanks around"),
        p({f"{ETC}/journald.conf": "[Journal]\nStorage=volatile\nStorage=persistent\n"}, True, "pass", id="the last line wins"),
        p({f"{ETC}/journald.conf": "[Journal]\nStorage=volatile\nStorage=\n"}, True, "fail", id="an empty one changes nothing"),
        p({f"{ETC}/journald.conf": "[Journal\n", f"{ETC}/journald.conf.d/x.conf": conf("volatile")}, True, "pass", id="a broken file ends it all"),
        p({f"{ETC}/journald.conf": "[Journal]\nStorage=volatile\n[x\nStorage=persistent\n"}, True, "fail", id="what stands before counts"),
        p({f"{ETC}/journald.conf": "[Journal]\nStorage=\\\nvolatile\n"}, True, "fail", id="continued line"),
        p({f"{ETC}/journald.conf": conf("persistent"), f"{ETC}/journald.conf.d/x.conf": conf("volatile")}, True, "fail", id="a drop-in wins"),
        p({f"{ETC}/journald.conf": conf("persistent"), f"{USR}/journald.conf.d/x.conf": conf("volatile")}, True, "fail", id="of /usr too"),
        p({f"{ETC}/journald.conf.d/x.bak": conf("volatile")}, True, "pass", id="another ending"),
        p({f"{ETC}/journald.conf.d/a.conf": conf("volatile"), f"{USR}/journald.conf.d/b.conf": conf("persistent")}, True, "pass", id="by name"),
        p({f"{ETC}/journald.conf.d/b.conf": conf("volatile"), f"{USR}/journald.conf.d/b.conf": conf("persistent")}, True, "fail", id="/etc hides"),
        p({f"{RUN}/journald.conf.d/b.conf": conf("volatile"), f"{USR}/journald.conf.d/b.conf": conf("persistent")}, True, "fail", id="/run hides"),
        p({f"{ETC}/journald.conf": None, f"{USR}/journald.conf": conf("volatile")}, True, "unknown", id="the vendor's main file"),
        p({f"{USR}/journald.conf": conf("volatile")}, True, "pass", id="/etc hides the vendor's main file"),
    ],
)  # fmt: skip
def test_where_the_journal_is_kept(kind: str, changes: dict[str, str | None], journal: bool, wanted: str) -> None:
    assert verdicts(run(persistent, log_host(changes, journal=journal, kind=kind))) == {"journal": wanted}


@pytest.mark.parametrize("kind", ["ssh", "root"])
def test_a_drop_in_linked_to_nothing_hides_its_namesake(kind: str) -> None:
    changes = {f"{USR}/journald.conf.d/b.conf": conf("volatile")}
    links = {f"{ETC}/journald.conf.d/b.conf": "/dev/null"}
    assert verdicts(run(persistent, log_host(changes, links=links, kind=kind))) == {"journal": "pass"}


def test_a_file_where_the_folder_should_be_is_no_folder() -> None:
    host = log_host(journal=False, modes={"/var/log/journal": (0o644, 0, 0)})
    assert verdicts(run(persistent, host)) == {"journal": "fail"}


def test_without_the_flush_nothing_reaches_the_disk() -> None:
    links = {"/etc/systemd/system/systemd-journal-flush.service": "/dev/null"}
    assert verdicts(run(persistent, log_host(links=links))) == {"journal": "fail"}


def test_a_folder_in_memory_is_lost() -> None:
    mounts = {"mounts": (0, "/dev/sda1 / ext4 rw 0 0\ntmpfs /var/log tmpfs rw 0 0\n")}
    assert verdicts(run(persistent, log_host(commands=mounts))) == {"journal": "fail"}
    fstab = {"/etc/fstab": "tmpfs /var/log tmpfs defaults 0 0\n"}
    assert verdicts(run(persistent, log_host(fstab, kind="root"))) == {"journal": "fail"}


def test_files_count_where_there_is_no_journald() -> None:
    without_systemd = {"processes": (0, "rsyslogd\nsshd\n")}
    assert verdicts(run(persistent, log_host(commands=without_systemd, journal=False))) == {"journal": "pass"}
    stop = {"/etc/rsyslog.d/0.conf": "authpriv.* stop\n"}
    assert verdicts(run(persistent, log_host(stop, commands=without_systemd, journal=False))) == {"journal": "fail"}
    unmodelled = {"processes": (0, "syslog-ng\nsshd\n")}
    assert verdicts(run(persistent, log_host(commands=unmodelled, journal=False))) == {"journal": "unknown"}


def test_an_unseen_drop_in_is_unknown() -> None:
    host = log_host({f"{ETC}/journald.conf.d/x.conf": conf("volatile")}, unseen=[f"{ETC}/journald.conf.d/x.conf"])
    assert verdicts(run(persistent, host)) == {"journal": "unknown"}
    assert verdicts(run(persistent, log_host(unseen=["/var/log/journal", JOURNAL], journal=False))) == {"journal": "unknown"}


@pytest.mark.parametrize("kind", ["ssh", "root"])
@pytest.mark.parametrize("storage", ["auto", "volatile"])
def test_less_evidence_never_helps(kind: str, storage: str) -> None:
    changes = {f"{ETC}/journald.conf.d/x.conf": conf(storage), "/etc/fstab": "tmpfs /srv tmpfs defaults 0 0\n"}
    evidence = log_evidence(changes, kind=kind)
    before = verdicts(run(persistent, Host(evidence)))
    for artifact in evidence.artifacts:
        after = verdicts(run(persistent, Host(without(evidence, artifact))))
        assert set(after.values()) <= {"unknown", "fail", before["journal"]}, artifact
        assert before["journal"] == "pass" or set(after.values()) <= {"unknown", "fail"}, artifact


@pytest.mark.parametrize(("version", "wanted"), [("252.39-1~deb12u2", "pass"), ("257.9-1~deb13u1", "fail")])
def test_since_254_the_vendors_main_file_counts(version: str, wanted: str) -> None:
    host = log_host(
        {f"{ETC}/journald.conf": None, f"{USR}/journald.conf": conf("volatile")}, artifacts={"packages": f"systemd {version}\n"}
    )
    assert verdicts(run(persistent, host)) == {"journal": wanted}


@pytest.mark.parametrize(
    ("links", "settings", "wanted"),
    [
        ({"/var/log/journal": "/nowhere"}, "persistent", "fail"),
        ({"/var/log/journal": "/run/log/journal"}, "persistent", "fail"),
        ({"/var/log/journal": "../../srv/journal"}, "auto", "pass"),
        ({"/var/log": "/tmp"}, "persistent", "fail"),
    ],
)
def test_the_folder_is_a_link(links: dict[str, str], settings: str, wanted: str) -> None:
    modes = dict.fromkeys(("/run/log/journal/x", "/srv/journal/x", "/tmp/journal/x"), (0o640, 0, 0))
    found = evidence_with({**FILES, f"{ETC}/journald.conf": conf(settings)}, links={**LINKS, **links}, modes=modes, commands=COMMANDS)
    assert verdicts(run(persistent, Host(found))) == {"journal": wanted}


def test_the_folder_is_a_file() -> None:
    host = log_host({f"{ETC}/journald.conf": conf("persistent"), "/var/log/journal": ""}, journal=False)
    assert verdicts(run(persistent, host)) == {"journal": "fail"}


@pytest.mark.parametrize(
    ("fstab", "wanted"),
    [
        ("tmpfs /var/log tmpfs size=50M 0 0\n", "fail"),
        ("tmpfs /var/log/ tmpfs defaults 0 0\n", "fail"),
        ("tmpfs /var/log tmpfs noauto 0 0\n", "pass"),
        ("  # tmpfs /var/log tmpfs defaults 0 0\n", "pass"),
    ],
)
def test_a_file_system_in_memory(fstab: str, wanted: str) -> None:
    assert verdicts(run(persistent, log_host({"/etc/fstab": fstab}, kind="root"))) == {"journal": wanted}


def test_a_unit_mounts_memory_there() -> None:
    unit = "[Mount]\nWhat=tmpfs\nWhere=/var/log\nType=tmpfs\n"
    link = {"/etc/systemd/system/local-fs.target.wants/var-log.mount": "/etc/systemd/system/var-log.mount"}
    files: dict[str, str | None] = {"/etc/systemd/system/var-log.mount": unit}
    assert verdicts(run(persistent, log_host(files, kind="root"))) == {"journal": "pass"}
    assert verdicts(run(persistent, log_host(files, links=link, kind="root"))) == {"journal": "fail"}
