"""least-privilege.writable; real accounts go through such doors in tests/truth/test_writable.py."""

from __future__ import annotations

import pytest

from checks.least_privilege.writable import writable
from sovaudit.facts.shell_words import programs
from sovaudit.testing import host_with, run, verdicts

PASSWD = "root:x:0:0::/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\nalice:x:1000:1000::/home/alice:/bin/sh\n"
GROUP = "root:x:0:\ndaemon:x:1:\nalice:x:1000:\nstaff:x:50:\n"
AREAS = {"PATH", "cron", "units", "profiles", "libraries", "hooks", "system"}
Modes = dict[str, tuple[int, int, int]]


def answers(files: dict[str, str] | None = None, modes: Modes | None = None, **more: object) -> dict[str, str]:
    knobs = {"declared": more.pop("declared")} if "declared" in more else {}
    machine = host_with({"/etc/passwd": PASSWD, "/etc/group": GROUP, **(files or {})}, modes=modes, **more)
    return verdicts(run(writable, machine, **knobs))


def failed(files: dict[str, str] | None = None, modes: Modes | None = None, **more: object) -> set[str]:
    return {subject for subject, verdict in answers(files, modes, **more).items() if verdict == "fail"}


def test_a_host_of_roots_own_passes_everywhere() -> None:
    assert answers() == dict.fromkeys(AREAS, "pass")


@pytest.mark.parametrize(
    "path",
    [
        "/usr/local/bin/x", "/etc/crontab", "/etc/cron.daily/x", "/etc/systemd/system/x.service", "/etc/profile", "/root/.bashrc",
        "/etc/ld.so.preload",         "/usr/lib/x/libx.so", "/etc/pam.d/su", "/etc/apt/apt.conf.d/x", "/etc/doas.d/x",
        "/etc/fail2ban/action.d/x", "/boot/vmlinuz", "/usr/share/x",
    ],
)  # fmt: skip
def test_each_area(path: str) -> None:
    assert failed({path: ""}, {path: (0o644, 1000, 0)}) == {path}
    assert failed({path: ""}, {path: (0o646, 0, 0)}) == {path}
    assert failed({path: ""}, {path: (0o664, 0, 50)}) == set()
    assert failed({path: ""}, {path: (0o664, 0, 1000)}) == {path}
    assert failed({path: ""}, {path: (0o646, 0, 0)}, declared=(path,)) == set()


def test_a_closed_folder_protects() -> None:
    assert failed({"/etc/cron.d/x": ""}, {"/etc/cron.d/x": (0o666, 0, 0), "/etc/cron.d": (0o700, 0, 0)}) == set()


def test_polkitd_owns_its_rules() -> None:
    passwd = PASSWD + "polkitd:x:996:996::/nonexistent:/usr/sbin/nologin\n"
    rules = {"/etc/passwd": passwd, "/etc/polkit-1/rules.d/x.rules": ""}
    assert failed(rules, {"/etc/polkit-1/rules.d": (0o700, 996, 0)}) == set()
    assert failed(rules, {"/etc/polkit-1/rules.d": (0o700, 1, 0)}) == {"/etc/polkit-1/rules.d"}
    assert failed(rules, {"/etc/polkit-1/rules.d": (0o702, 996, 0)}) == {"/etc/polkit-1/rules.d"}


def test_system_accounts_own_their_own() -> None:
    assert failed({"/usr/share/polkit-1/rules.d/x": ""}, {"/usr/share/polkit-1/rules.d": (0o700, 1, 0)}) == set()
    assert failed({"/usr/bin/at": ""}, {"/usr/bin/at": (0o6755, 1, 1)}) == set()
    assert failed({"/usr/bin/x": ""}, {"/usr/bin/x": (0o755, 1, 1)}) == {"/usr/bin/x"}


def test_entries_of_the_search_path() -> None:
    assert failed({"/etc/environment": "PATH=/usr/bin:.\n"}) == {"PATH: ."}
    assert failed({"/etc/environment": "PATH=/usr/bin::/bin\n"}) == {"PATH: ."}
    assert failed({"/etc/profile": 'if [ "$(id -u)" -eq 0 ]; then\n PATH=/usr/bin\nelse\n PATH=.:/usr/games\nfi\n'}) == set()
    assert failed({"/etc/profile": "PATH=$HOME/bin:$PATH\n"}) == set()
    assert failed({"/etc/login.defs": "ENV_SUPATH PATH=/srv/bin\n", "/srv/bin/x": ""}, {"/srv/bin/x": (0o757, 0, 0)}) == {"/srv/bin/x"}


@pytest.mark.parametrize(
    "line",
    ["ExecStart=/srv/x", "ExecStart=-/srv/x", "ExecStartPre=+-/srv/x", "EnvironmentFile=-/srv/x", "ExecStart=/bin/sh -c 'A=1 /srv/x'"],
)
def test_what_a_unit_names(line: str) -> None:
    unit = {"/etc/systemd/system/u.service": f"[Service]\n{line}\n", "/srv/x": ""}
    assert failed(unit, {"/srv/x": (0o755, 1000, 0)}) == {"/srv/x"}


def test_what_was_not_seen() -> None:
    assert answers(unseen=["tree"]) == dict.fromkeys(AREAS, "unknown")
    assert answers({"/usr/bin/x": ""}, unseen=["scan:/usr"])["system"] == "unknown"
    assert answers({"/etc/cron.d/x": ""}, unseen=["/etc/cron.d/x"])["cron"] == "unknown"
    assert answers({"/etc/cron.d/x": ""}, {"/etc/cron.d": (0o775, 0, 0)}, unseen=["acls"])["cron"] == "unknown"


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("/srv/a --x /srv/b", ("/srv/a",)),
        ("cd /srv && ./a", ("/srv/a",)),
        ("A=1 nice -n 5 /srv/a >/srv/log 2>&1", ("/srv/a",)),
        ("timeout 5m /srv/a; /srv/b | /srv/c", ("/srv/a", "/srv/b", "/srv/c")),
        ("/bin/sh -c 'cd /x; exec /srv/a \"b;c\"'", ("/bin/sh", "/srv/a")),
        ("python3 -u /srv/a.py /srv/data", ("/srv/a.py",)),
        ("test -x /srv/a || /srv/b", ("/srv/b",)),
        ("[ -f /srv/a ] && . /srv/a", ("/srv/a",)),
        ("flock -n /srv/lock /srv/a", ("/srv/a",)),
        ("(/srv/a)", ("/srv/a",)),
        ("echo /srv/a", ()),
        ("$HOME/a; /srv/*/b; `$X /srv/c`; '`/srv/d`'", ()),
        ("echo `/srv/c`; sudo -u bob /srv/d; sudo /srv/e; echo a | xargs -n 1 /srv/f", ("/srv/c", "/srv/e", "/srv/f")),
        ("/srv/'a b'", ("/srv/a b",)),
        ("'unclosed /srv/a", ()),
    ],
)
def test_programs_of_a_command_line(command: str, named: tuple[str, ...]) -> None:
    assert programs(command) == named
