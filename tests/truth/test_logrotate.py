"""logrotate itself, beside what we say it keeps: generations are really rotated, the state file's dates moved by hand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from sovaudit.facts.host import Host
from sovaudit.facts.logrotate_policy import days_apart
from sovaudit.testing import host_with
from tests import lab

MAIN = "include /etc/logrotate.d\n"
LOG = "/var/log/lab.log"
GROUP = "root:x:0:\nadm:x:4:\n"


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay({"/etc/logrotate.conf": MAIN}) as place:
        yield place


def policy_of(files: dict[str, str], modes: dict[str, int] | None = None):  # type: ignore[no-untyped-def]
    seen = {path: (mode, 0, 0) for path, mode in (modes or {}).items()}
    host = host_with(
        {
            "/usr/sbin/logrotate": "",
            "/etc/cron.daily/logrotate": "",
            "/var/log/dpkg.log": "",
            "/var/log/lab.log": "",
            "/etc/group": GROUP,
            **files,
        },
        modes={**seen, "/etc/cron.daily/logrotate": (0o755, 0, 0)},
        kind="root",
    )
    return host.logs.logrotate


def lay(root: Path, files: dict[str, str], modes: dict[str, int] | None = None) -> None:
    shutil.rmtree(root / "etc/logrotate.d", ignore_errors=True)
    (root / "etc/more").unlink(missing_ok=True)
    for path in (root / "var/log").glob("lab.log*"):
        path.unlink()
    lab.write(root, files, modes)
    (root / "var/log/lab.log").write_text("0\n" * 2000)


def turn(root: Path, last: date) -> bool:
    """Let logrotate run as if it had last rotated the log on that day; whether it rotated now."""
    before = sorted(path.name for path in (root / "var/log").glob("lab.log*")), (root / "var/log/lab.log").stat().st_ino
    state = root / "var/lib/logrotate/status"
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text(f'logrotate state -- version 2\n"{LOG}" {last.year}-{last.month}-{last.day}-0:0:0\n')
    lab.run(root, ["logrotate", "/etc/logrotate.conf"])
    after = sorted(path.name for path in (root / "var/log").glob("lab.log*"))
    log = root / "var/log/lab.log"
    return after != before[0] or not log.exists() or log.stat().st_ino != before[1] or log.stat().st_size == 0


STANZA = f"{LOG} {{\n%s}}\n"
KEPT = {
    # name: (files, how many old generations are there after ten rotations)
    "rotate 3": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 3\n"}, 3),
    "nothing said keeps nothing": ({"/etc/logrotate.d/a": STANZA % "daily\n"}, 0),
    "rotate 0": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 0\n"}, 0),
    "rotate -1": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate -1\n"}, -1),
    "global rotate": ({"/etc/logrotate.conf": "rotate 2\ndaily\n" + MAIN, "/etc/logrotate.d/a": STANZA % ""}, 2),
    "global after the include": ({"/etc/logrotate.conf": MAIN + "rotate 7\n", "/etc/logrotate.d/a": STANZA % "daily\n"}, 0),
    "a global leaks from an earlier file": ({"/etc/logrotate.d/1": "rotate 5\n", "/etc/logrotate.d/a": STANZA % "daily\n"}, 5),
    "the later option wins": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 9\nrotate 2\n"}, 2),
    "the first stanza of a file wins": (
        {"/etc/logrotate.d/1": STANZA % "daily\nrotate 2\n", "/etc/logrotate.d/2": STANZA % "daily\nrotate 6\n"},
        2,
    ),
    "a pattern first": (
        {"/etc/logrotate.d/1": "/var/log/lab*.log {\ndaily\nrotate 4\n}\n", "/etc/logrotate.d/2": STANZA % "daily\nrotate 1\n"},
        4,
    ),
    "an unknown option is ignored": ({"/etc/logrotate.d/a": STANZA % "bogus 3\ndaily\nrotate 4\n"}, 4),
    "taboo endings": ({"/etc/logrotate.d/a~": STANZA % "daily\nrotate 1\n", "/etc/logrotate.d/b": STANZA % "daily\nrotate 3\n"}, 3),
    "taboo of dpkg": ({"/etc/logrotate.d/a.dpkg-old": STANZA % "daily\nrotate 1\n", "/etc/logrotate.d/b": STANZA % "daily\nrotate 3\n"}, 3),
    "a taboo of one's own": (
        {
            "/etc/logrotate.conf": "tabooext + .no\n" + MAIN,
            "/etc/logrotate.d/a.no": STANZA % "daily\nrotate 1\n",
            "/etc/logrotate.d/b": STANZA % "daily\nrotate 2\n",
        },
        2,
    ),
    "several names and a brace on its own line": (
        {"/etc/logrotate.d/a": f"/var/log/other.log\n{LOG}\n{{\n\tdaily\n\trotate 3\n\tmissingok\n}}\n"},
        3,
    ),
    "a script that looks like options": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 2\npostrotate\nrotate=9\nendscript\n"}, 2),
    "equals sign": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate = 3\n"}, 3),
    "quotes": ({"/etc/logrotate.d/a": f'"{LOG}" {{\ndaily\nrotate 2\n}}\n'}, 2),
    "an unclosed stanza": ({"/etc/logrotate.d/a": f"{LOG} {{\ndaily\nrotate 2\n"}, 2),
    "a comment inside": ({"/etc/logrotate.d/a": STANZA % "daily\n# rotate 9\nrotate 2\n"}, 2),
    "several words on a line": ({"/etc/logrotate.d/a": STANZA % "daily missingok rotate 3\n"}, 3),
    "all behind the brace": ({"/etc/logrotate.d/a": f"{LOG} {{ daily rotate 2\n}}\n"}, 2),
    "hexadecimal and octal": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 0x3\n"}, 3),
    "octal": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 04\n"}, 4),
    "what follows the brace is nothing": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 2\n" + "} rotate 9\n" + f"{LOG} {{\n}}\n"}, 2),
    "a stanza on the line of a brace is nothing": (
        {"/etc/logrotate.d/a": f"/var/log/o {{\nmissingok\n}} {LOG} {{\n" + STANZA % "daily\nrotate 2\n"},
        2,
    ),
    "a file with an error gives its options back": (
        {"/etc/logrotate.d/1": "rotate 5\n/var/log/o {\nmissingok\nrotate 2x\n}\n", "/etc/logrotate.d/a": STANZA % "daily\n"},
        0,
    ),
    "a file after one with an error": (
        {"/etc/logrotate.d/1": "/var/log/o {\nmissingok\nrotate 2x\n}\n", "/etc/logrotate.d/a": STANZA % "daily\nrotate 3\n"},
        3,
    ),
    "the stanza after one with an error": (
        {"/etc/logrotate.d/a": "/var/log/o {\nmissingok\nrotate 2x\n}\n" + STANZA % "daily\nrotate 3\n"},
        3,
    ),
    "a comment among the names": (
        {"/etc/logrotate.d/a": f"# one\n/var/log/o\n# {LOG} two\n{LOG}\n{{\ndaily\nrotate 2\nmissingok\n}}\n"},
        2,
    ),
    "an include inside a stanza": (
        {"/etc/logrotate.d/a": STANZA % "daily\ninclude /etc/more\n", "/etc/more": "rotate 3\n"},
        3,
    ),
    "duplicates that are ignored": (
        {
            "/etc/logrotate.d/1": STANZA % "daily\nrotate 2\nignoreduplicates\n",
            "/etc/logrotate.d/2": "/var/log/lab*.log {\ndaily\nrotate 6\n}\n",
        },
        2,
    ),
    "a known owner": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 2\ncreate 0640 root adm\n"}, 2),
    "compressed": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 2\ncompress\ndelaycompress\n"}, 2),
}
NEVER = {
    "bad count": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 2x\n"}, {}),
    "a file that others may write": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 2\n"}, {"/etc/logrotate.d/a": 0o666}),
    "a comment behind a value": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 2 # two\n"}, {}),
    "a word behind a flag": ({"/etc/logrotate.d/a": STANZA % "daily 5\nrotate 2\n"}, {}),
    "a brace behind a word": ({"/etc/logrotate.d/a": f"{LOG} {{\nrotate 2\ndaily}}\n}}\n"}, {}),
    "an owner that does not exist": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 2\ncreate 0640 nobodyelse adm\n"}, {}),
    "su to nobody that exists": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 2\nsu nobodyelse adm\n"}, {}),
    "a bad day of the week": ({"/etc/logrotate.d/a": STANZA % "weekly 9\nrotate 2\n"}, {}),
    "a bad day of the week before it": ({"/etc/logrotate.d/a": "weekly x\n" + STANZA % "daily\nrotate 2\n"}, {}),
    "a bad size": ({"/etc/logrotate.d/a": STANZA % "size 5T\nrotate 2\n"}, {}),
    "junk before it": ({"/etc/logrotate.d/a": "*junk\n" + STANZA % "daily\nrotate 2\n"}, {}),
    "a brace before it": ({"/etc/logrotate.d/a": "}\n" + STANZA % "daily\nrotate 2\n"}, {}),
    "an indented brace after an error": ({"/etc/logrotate.d/a": "/var/log/o {\nrotate 2x\n  }\n" + STANZA % "daily\nrotate 2\n"}, {}),
    "no brace": ({"/etc/logrotate.d/a": f"{LOG}\ndaily\n"}, {}),
    "a script without end": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 2\npostrotate\ntrue\n"}, {}),
    "a folder for old logs that is not there": ({"/etc/logrotate.d/a": STANZA % "daily\nrotate 2\nolddir /var/log/nope\n"}, {}),
    "an open quote": ({"/etc/logrotate.d/a": f'"{LOG} {{\ndaily\nrotate 2\n}}\n'}, {}),
    "a pattern that met a duplicate before it": (
        {"/etc/logrotate.d/1": "/var/log/dpkg.log {\n}\n", "/etc/logrotate.d/2": "/var/log/*.log {\ndaily\nrotate 2\n}\n"},
        {},
    ),
    "no stanza": ({"/etc/logrotate.d/a": "/var/log/labx.log {\ndaily\n}\n"}, {}),
    "another folder": ({"/etc/logrotate.d/a": "/var/*.log {\ndaily\n}\n"}, {}),
}


@pytest.mark.lab
@pytest.mark.parametrize("name", KEPT)
def test_so_many_generations_are_kept(root: Path, name: str) -> None:
    files, wanted = KEPT[name]
    files = {"/etc/logrotate.conf": MAIN, **files}
    lay(root, files)
    for number in range(1, 11):
        assert turn(root, date(2020, 1, 1)), number
        (root / "var/log/lab.log").write_text(f"{number}\n" * 2000)
    generations = sum(1 for path in (root / "var/log").glob("lab.log.*") if re.fullmatch(r"lab\.log\.\d+(\.gz)?", path.name))
    assert generations == (10 if wanted < 0 else wanted)
    policy = policy_of(files).of(LOG)
    assert policy is not None
    assert policy.rotate == wanted


@pytest.mark.lab
@pytest.mark.parametrize("name", NEVER)
def test_it_is_never_rotated(root: Path, name: str) -> None:
    files, modes = NEVER[name]
    files = {"/etc/logrotate.conf": MAIN, **files}
    lay(root, files, modes)
    assert not turn(root, date(2020, 1, 1))
    assert policy_of(files, modes).keeps(LOG).kind == "forever"


def _days_ago(days: int) -> date:
    return (datetime.now() - timedelta(days=days)).date()  # noqa: DTZ005 - logrotate goes by local time, and so do we here


def _month_start(months: int) -> date:
    today = _days_ago(0)
    count = today.year * 12 + today.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


PERIODS = {
    # options: (period that we say, a last day on which it does not rotate, one on which it does)
    "daily": ("daily", 0, 1),
    "weekly 7": ("weekly", 6, 7),
    "size 1": ("size", None, 0),
    "size 100M": ("size", 400, None),
    "daily\nsize 1": ("size", None, 0),
    "size 1\ndaily": ("daily", 0, 1),
    "weekly\ndaily": ("daily", 0, 1),
    "": ("size", 400, None),
    "size 1K": ("size", None, 0),
    "size 0x1": ("size", None, 0),
}


@pytest.mark.lab
@pytest.mark.parametrize("options", PERIODS)
def test_it_rotates_when_we_say(root: Path, options: str) -> None:
    period, never, always = PERIODS[options]
    files = {"/etc/logrotate.conf": MAIN, "/etc/logrotate.d/a": STANZA % f"{options}\nrotate 3\n"}
    if never is not None:
        lay(root, files)
        assert not turn(root, _days_ago(never))
    if always is not None:
        lay(root, files)
        assert turn(root, _days_ago(always))
    policy = policy_of(files).of(LOG)
    assert policy is not None
    assert policy.period == period


@pytest.mark.lab
def test_months_and_years_go_by_the_calendar(root: Path) -> None:
    for options, period, inside, outside in (
        ("monthly", "monthly", _month_start(0), _month_start(0) - timedelta(days=1)),
        ("yearly", "yearly", date(_days_ago(0).year, 1, 1), date(_days_ago(0).year - 1, 12, 31)),
    ):
        files = {"/etc/logrotate.conf": MAIN, "/etc/logrotate.d/a": STANZA % f"{options}\nrotate 3\n"}
        lay(root, files)
        assert not turn(root, inside)
        assert turn(root, outside)
        policy = policy_of(files).of(LOG)
        assert policy is not None
        assert policy.period == period


@pytest.mark.lab
@pytest.mark.parametrize(("options", "early"), [("maxsize 1k", True), ("maxsize 1M", False), ("minsize 1k", False), ("size 1k", True)])
def test_a_size_can_rotate_before_its_time(root: Path, options: str, early: bool) -> None:
    files = {"/etc/logrotate.conf": MAIN, "/etc/logrotate.d/a": STANZA % f"monthly\n{options}\nrotate 12\n"}
    lay(root, files)
    assert turn(root, _days_ago(0)) == early
    bounded = options.startswith(("size", "maxsize"))  # whatever its amount, it guarantees no time
    assert (policy_of(files).keeps(LOG).kind == "unbounded") == bounded


@pytest.mark.lab
def test_maxage_removes_what_is_older(root: Path) -> None:
    import os

    files = {"/etc/logrotate.conf": MAIN, "/etc/logrotate.d/a": STANZA % "daily\nrotate 100\nmaxage 30\n"}
    lay(root, files)
    for number, age in ((1, 29), (2, 32)):
        old = root / f"var/log/lab.log.{number}"
        old.write_text("x\n")
        when = datetime.now().timestamp() - age * 86400  # noqa: DTZ005 - a difference of times on this machine
        os.utime(old, (when, when))
    assert turn(root, _days_ago(1))
    left = sorted(path.name for path in (root / "var/log").glob("lab.log.*"))
    assert left == ["lab.log.1", "lab.log.2"]  # the new one, and yesterday's first
    keep = policy_of(files).keeps(LOG)
    assert (keep.kind, keep.amount) == ("days", 30)


@pytest.mark.lab
@pytest.mark.parametrize(("mode", "options", "rotates"), [(0o755, "", True), (0o777, "", False), (0o777, "su root root\n", True)])
def test_a_folder_that_others_may_write_is_left_alone(root: Path, mode: int, options: str, rotates: bool) -> None:
    folder = root / "var/log/apart"
    folder.mkdir(exist_ok=True)
    folder.chmod(mode)
    log = folder / "x.log"
    log.write_text("x\n")
    for old in folder.glob("x.log.*"):
        old.unlink()
    files = {"/etc/logrotate.conf": MAIN, "/etc/logrotate.d/a": f"/var/log/apart/x.log {{\n{options}daily\nrotate 3\n}}\n"}
    lay(root, files)
    (root / "var/lib/logrotate/status").write_text('logrotate state -- version 2\n"/var/log/apart/x.log" 2020-1-1-0:0:0\n')
    lab.run(root, ["logrotate", "/etc/logrotate.conf"])
    assert (folder / "x.log.1").exists() == rotates
    host = host_with(
        {"/usr/sbin/logrotate": "", "/etc/cron.daily/logrotate": "", "/var/log/apart/x.log": "x", **files},
        modes={"/etc/cron.daily/logrotate": (0o755, 0, 0), "/var/log/apart": (mode, 0, 0)},
        kind="root",
    )
    assert (host.logs.logrotate.keeps("/var/log/apart/x.log").kind == "days") == rotates


CALENDARS = (
    "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "*-*-* 02:00:00", "Sun 03:00", "*-*-01 00:00", "*:0/5", "02:30",
    "Mon..Fri 02:00", "*-*-* 00/6:00", "Mon *-*-* 04:00:00", "*-*-1,15 02:00", "Mon,Thu 01:00", "*-*-* 02,14:00", "Sat *-*-01 03:00",
)  # fmt: skip


@pytest.mark.lab
def test_no_more_often_than_the_timer(root: Path) -> None:
    """systemd's own word on when a timer elapses, beside the days that we say lie between."""
    for text in CALENDARS:
        said = lab.run(root, ["systemd-analyze", "calendar", "--iterations=20", text]).stdout
        when = [datetime.fromisoformat(found) for found in re.findall(r"(?:elapse|#\d+): \w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", said)]
        assert len(when) == 20, text
        least = min((later - before).days for before, later in pairwise(when))
        assert days_apart(text) <= least, (text, least)
        if least in (1, 7):
            assert days_apart(text) == least or text.startswith(("Mon", "*-*-1,")), text


TIMERS = {
    # drop-in of the timer: (stanza, how many days it keeps)
    "": ("hourly\nrotate 200\n", 200),
    "[Timer]\nOnCalendar=\nOnCalendar=hourly\n": ("hourly\nrotate 240\n", 10),
    "[Timer]\nOnCalendar=hourly\n": ("hourly\nrotate 240\n", 10),
    "[Timer]\nOnCalendar=\nOnCalendar=weekly\n": ("daily\nrotate 26\n", 182),
    "[Timer]\nOnUnitActiveSec=30min\n": ("hourly\nrotate 240\n", 10),
}


@pytest.mark.lab
@pytest.mark.parametrize("drop_in", TIMERS)
def test_what_a_timer_makes_of_a_period(drop_in: str) -> None:
    stanza, days = TIMERS[drop_in]
    files = {"/etc/logrotate.conf": MAIN, "/etc/logrotate.d/a": STANZA % stanza, LOG: "x\n"}
    if drop_in:
        files["/etc/systemd/system/logrotate.timer.d/x.conf"] = drop_in
    with lab.overlay(files) as place:
        keep = Host(lab.mounted(place)).logs.logrotate.keeps(LOG)
    assert (keep.kind, keep.amount) == ("days", days)
