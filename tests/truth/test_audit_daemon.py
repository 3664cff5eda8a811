"""auditd itself, what it writes, and whose name the records bear, beside what we say of them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import pytest

from checks.log_completeness.audit_losses import audit_losses
from checks.log_completeness.privileged_actions import privileged_actions
from sovaudit.facts.audit_daemon import CONF
from sovaudit.facts.host import Host
from sovaudit.model.evidence import Evidence
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth import audit_lab
from tests.truth.audit_lab import AUDITD_CONF

CONFS: dict[str, str | None] = {
    "stock": AUDITD_CONF,
    "none": None,
    "empty": "",
    "comments only": "# nothing\n\n   \n",
    "one line": "write_logs = yes\n",
    "no blanks": AUDITD_CONF + "num_logs=5\n",
    "a blank on one side": AUDITD_CONF + "num_logs= 5\n",
    "tabs": AUDITD_CONF + "num_logs\t=\t5\n",
    "indented": "   " + AUDITD_CONF,
    "capitals": AUDITD_CONF + "NUM_LOGS = 5\nDisk_Full_Action = SuSpEnD\n",
    "unknown keyword": AUDITD_CONF + "numlogs = 5\n",
    "unknown value": AUDITD_CONF + "disk_full_action = stop\n",
    "a word too many": AUDITD_CONF + "num_logs = 5 6\n",
    "a comment behind": AUDITD_CONF + "num_logs = 5 # five\n",
    "a comment behind an action": AUDITD_CONF + "disk_full_action = halt # stop\n",
    "a word behind an action": AUDITD_CONF + "disk_full_action = halt now\n",
    "no value": AUDITD_CONF + "num_logs =\n",
    "key alone": AUDITD_CONF + "num_logs\n",
    "not a number": AUDITD_CONF + "num_logs = -1\n",
    "too many logs": AUDITD_CONF + "num_logs = 1000\n",
    "a unit": AUDITD_CONF + "max_log_file = 8M\n",
    "percent": AUDITD_CONF + "space_left = 25%\n",
    "too many percent": AUDITD_CONF + "space_left = 100%\n",
    "space turned round": AUDITD_CONF + "space_left = 5\nadmin_space_left = 9\n",
    "space alike": AUDITD_CONF + "space_left = 5\nadmin_space_left = 5\n",
    "flush without steps": AUDITD_CONF + "flush = INCREMENTAL\nfreq = 0\n",
    "flush with steps": AUDITD_CONF + "flush = INCREMENTAL_ASYNC\nfreq = 50\n",
    "email when full": AUDITD_CONF + "disk_full_action = email\n",
    "email on errors": AUDITD_CONF + "disk_error_action = email\n",
    "rotate on errors": AUDITD_CONF + "disk_error_action = rotate\n",
    "rotate when low": AUDITD_CONF + "space_left_action = rotate\n",
    "email without a program": AUDITD_CONF + "space_left_action = email\n",
    "exec without a program": AUDITD_CONF + "space_left_action = exec\n",
    "exec of a program": AUDITD_CONF + "space_left_action = exec /usr/bin/env\n",
    "exec of a missing program": AUDITD_CONF + "space_left_action = exec /usr/bin/nosuch\n",
    "a group that is not there": AUDITD_CONF + "log_group = nosuch\n",
    "a group": AUDITD_CONF + "log_group = adm\n",
    "a folder that is not there": AUDITD_CONF + "log_file = /var/log/nosuch/audit.log\n",
    "too near the root": AUDITD_CONF + "log_file = /a/audit.log\n",
    "in /var/log": AUDITD_CONF + "log_file = /var/log/audit.log\n",
    "in /var/log with a group": AUDITD_CONF + "log_file = /var/log/audit.log\nlog_group = adm\n",
    "a bad address": AUDITD_CONF + "action_mail_acct = ro!ot\n",
    "a bad address, not verified": AUDITD_CONF + "verify_email = no\naction_mail_acct = ro!ot\n",
    "deprecated": AUDITD_CONF + "dispatcher = /sbin/audispd\ndisp_qos = lossy\n",
    "a long line": AUDITD_CONF + "x" * 200 + "\n",
    "no log": AUDITD_CONF + "log_format = NOLOG\n",
    "carriage returns": AUDITD_CONF.replace("\n", "\r\n"),
}  # fmt: skip
MODES = {"world-writable": (0o666, 0), "of another": (0o640, 1000), "group-writable": (0o660, 0), "unreadable": (0o000, 0)}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with audit_lab.alone() as root:
        yield root


@pytest.fixture(scope="module")
def image(place: Path) -> Evidence:
    (place / "etc/audit/auditd.conf").write_text("".join(text for text in CONFS.values() if text))
    return lab.mounted(place)


def starts(place: Path) -> bool:
    try:
        process = audit_lab.start(place)
    except RuntimeError:
        return False
    audit_lab.stop(process)
    return True


@pytest.mark.lab
@pytest.mark.parametrize("name", [*CONFS, *MODES])
def test_we_say_whether_auditd_starts(place: Path, image: Evidence, name: str) -> None:
    text = CONFS.get(name, AUDITD_CONF)
    mode = MODES.get(name, (0o640, 0))
    path = place / CONF[1:]
    path.unlink(missing_ok=True)
    if text is not None:
        path.write_bytes(text.encode())
        path.chmod(mode[0])
        subprocess.run(["chown", f"{mode[1]}:0", str(path)], check=True)
    host = Host(audit_lab.changed(image, {CONF: text}, {CONF: mode}))
    assert (host.audit.daemon.conf.broken is None) == starts(place)


# Losses

Cut = Callable[[list[str], list[list[str]]], dict[str, list[str]]]
LOG = "audit.log"
START = "type=DAEMON_START msg=audit(1790000000.100:4711): op=start ver=3.0.9"
CUTS: dict[str, Cut] = {
    "whole": lambda rows, events: {LOG: rows},
    "one event removed": lambda rows, events: {LOG: [row for row in rows if row not in events[5]]},
    "three events removed": lambda rows, events: {LOG: [row for row in rows if row not in events[5] + events[6] + events[9]]},
    "one record of an event removed": lambda rows, events: {LOG: [row for row in rows if row != next(e for e in events if len(e) > 1)[-1]]},
    "beginning removed": lambda rows, events: {LOG: [row for row in rows if row not in events[0] + events[1]]},
    "end removed": lambda rows, events: {LOG: [row for row in rows if row not in events[-1]]},
    "two events in another order": lambda rows, events: {LOG: joined([*events[:4], events[5], events[4], *events[6:]])},
    "an event twice": lambda rows, events: {LOG: rows[:20] + events[3] + rows[20:]},
    "rotated": lambda rows, events: {LOG + ".1": joined(events[:9]), LOG: joined(events[9:])},
    "rotated, the end of the older cut": lambda rows, events: {LOG + ".1": joined(events[:8]), LOG: joined(events[9:])},
    "rotated, one log removed": lambda rows, events: {LOG + ".2": joined(events[:5]), LOG: joined(events[9:])},
    "rotated between two records": lambda rows, events: {LOG + ".1": joined(events[:9]) + events[9][:1], LOG: events[9][1:] + joined(events[10:])},
    "another boot": lambda rows, events: {LOG: [*rows, START, *_renumbered(rows)]},
    "another boot with a hole": lambda rows, events: {LOG: [*rows, START, *_renumbered([row for row in rows if row not in events[5]])]},
    "another host in between": lambda rows, events: {LOG: joined([row, f"node=b {row}"] for row in rows if row not in events[5])},
    "all of it removed": lambda rows, events: {LOG: []},
}  # fmt: skip


def joined(events: Iterable[list[str]]) -> list[str]:
    return list(chain.from_iterable(events))


def _renumbered(rows: list[str]) -> list[str]:
    """As after a boot an hour later."""
    first = min(serial(row) for row in rows)

    def moved(match: re.Match[str]) -> str:
        return f"msg=audit({int(match[1]) + 3600}.{match[2]}:{int(match[3]) - first + 1})"

    return [re.sub(r"msg=audit\((\d+)\.(\d+):(\d+)\)", moved, row) for row in rows if "type=DAEMON" not in row]


def serial(row: str) -> int:
    match = re.search(r"msg=audit\(\d+\.\d+:(\d+)\)", row)
    assert match is not None
    return int(match[1])


@pytest.fixture(scope="module")
def trail(place: Path) -> list[str]:
    """What a real auditd writes while things happen, and are said to it."""
    (place / CONF[1:]).write_text(AUDITD_CONF)
    (place / CONF[1:]).chmod(0o640)
    (place / "var/log/audit/audit.log").unlink(missing_ok=True)
    with audit_lab.daemon(place):
        audit_lab.load(place, "-w /etc/hosts -p wa -k h\n")
        for number in range(10):
            audit_lab.control(place, "-m", f"word {number}")
            (place / "etc/hosts").write_text(f"127.0.0.1 h{number}\n")
        audit_lab.control(place, "-m", "last")
        rows: list[str] = []
        for _ in range(500):
            rows = (place / "var/log/audit/audit.log").read_text().splitlines()
            if any("last" in row for row in rows):
                break
    return rows


def missing_by_the_package(place: Path, texts: dict[str, list[str]]) -> bool:
    """Whether events are missing, counted by ausearch: the numbers that it knows, node by node and boot by boot, against their range."""
    newest_last = sorted(texts, reverse=True)
    (place / "tmp/all").write_text("".join(row + "\n" for name in newest_last for row in texts[name]))
    done = lab.run(place, ["ausearch", "-if", "/tmp/all", "--raw"])
    groups: dict[tuple[str, int], set[int]] = {}
    boots: dict[str, int] = {}
    last: dict[str, int] = {}
    for row in done.stdout.splitlines():
        if "type=DAEMON" in row:
            continue
        node = row.split(" ")[0] if row.startswith("node=") else ""
        number = serial(row)
        if number + 5 < last.get(node, 0):
            boots[node] = boots.get(node, 0) + 1
        last[node] = number
        groups.setdefault((node, boots.get(node, 0)), set()).add(number)
    return any(max(numbers) - min(numbers) + 1 != len(numbers) for numbers in groups.values())


@pytest.mark.lab
@pytest.mark.parametrize("name", CUTS)
def test_holes_in_a_real_trail_are_found(place: Path, trail: list[str], name: str) -> None:
    events: list[list[str]] = []
    for row in trail:
        if "type=DAEMON" in row:
            continue
        if not events or serial(events[-1][0]) != serial(row):
            events.append([])
        events[-1].append(row)
    rows = [row for event in events for row in event]
    texts = CUTS[name](rows, events)
    for old in (place / "var/log/audit").iterdir():
        old.unlink()
    for log, lines in texts.items():
        (place / "var/log/audit" / log).write_text("".join(line + "\n" for line in lines))
    verdict = verdicts(run(audit_losses, Host(lab.mounted(place))))["log"]
    if name == "all of it removed":
        assert verdict == "not_applicable"
    else:
        assert verdict == ("fail" if missing_by_the_package(place, texts) else "pass")
    if name in ("one event removed", "rotated"):
        assert verdicts(run(audit_losses, Host(lab.local(place))))["log"] == verdict


@pytest.mark.lab
def test_a_stop_of_auditd_explains_its_hole(place: Path) -> None:
    (place / CONF[1:]).write_text(AUDITD_CONF)
    for old in (place / "var/log/audit").iterdir():
        old.unlink()
    for number in range(2):
        with audit_lab.daemon(place):
            audit_lab.load(place, "")
            audit_lab.control(place, "-m", f"before {number}")
        audit_lab.control(place, "-m", "while it is stopped")
    (outcome,) = [each for each in run(audit_losses, Host(lab.mounted(place))) if each.subject == "log"]
    assert outcome.verdict.value == "fail"
    assert outcome.args["count"] == outcome.args["explained"] != 0


# Login ids

STOCK = "session required pam_loginuid.so\nsession include common-session\n"
SESSIONS = {
    "stock": STOCK,
    "commented": "#" + STOCK,
    "optional": "session optional pam_loginuid.so\n",
    "behind a sufficient module": "session sufficient pam_permit.so\nsession required pam_loginuid.so\n",
    "behind another sufficient module": "session sufficient pam_deny.so\nsession required pam_loginuid.so\nsession required pam_permit.so\n",
    "jumped over": "session [success=1 default=ignore] pam_permit.so\nsession required pam_loginuid.so\nsession required pam_permit.so\n",
    "not jumped over": "session [success=1 default=ignore] pam_deny.so\nsession required pam_loginuid.so\nsession required pam_permit.so\n",
    "behind an include": "session include common-session\nsession required pam_loginuid.so\n",
    "in a substack that ends early": "session substack early\nsession required pam_loginuid.so\n",
    "in an include that ends early": "session include early\nsession required pam_loginuid.so\n",
    "in the account phase": "account required pam_loginuid.so\nsession required pam_permit.so\n",
    "misspelt": "session optional pam_loginid.so\nsession required pam_permit.so\n",
    "by a condition": "session [success=1 default=ignore] pam_succeed_if.so quiet user = alice\nsession required pam_loginuid.so\nsession required pam_permit.so\n",
    "no session at all": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int, str]]:
    key = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = key.with_suffix(".pub").read_text()
    with lab.overlay({"/root/.ssh/authorized_keys": public, "/etc/pam.d/early": "session sufficient pam_permit.so\n"}) as root:
        lab.run(root, ["useradd", "-m", "-s", "/bin/sh", "-u", "1234", "alice"])
        lab.run(root, ["install", "-d", "-o", "alice", "-m", "700", "/home/alice/.ssh"])
        lab.run(root, ["install", "-o", "alice", "-m", "600", "/root/.ssh/authorized_keys", "/home/alice/.ssh/authorized_keys"])
        with lab.sshd(root) as port:
            yield root, port, str(key)


@pytest.mark.lab
@pytest.mark.parametrize("name", SESSIONS)
def test_a_login_over_ssh_bears_the_name_that_we_say(server: tuple[Path, int, str], name: str) -> None:
    root, port, key = server
    text = "@include common-auth\naccount include common-account\n" + SESSIONS[name]
    (root / "etc/pam.d/sshd").write_text(text)
    options = ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    done = subprocess.run(
        ["ssh", "-F", "none", "-p", str(port), "-i", key, *options, "alice@127.0.0.1", "cat /proc/self/loginuid"],
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    verdict = verdicts(run(privileged_actions, Host(lab.mounted(root))))["sshd"]
    if name == "by a condition":
        assert verdict == "unknown"
    else:
        assert (verdict, done.stdout) == (("pass", "1234") if verdict == "pass" else ("fail", "4294967295"))


@pytest.mark.lab
@pytest.mark.parametrize("service", ["su", "sudo"])
@pytest.mark.parametrize("again", [False, True])
def test_su_and_sudo_keep_the_person_or_not(place: Path, service: str, again: bool) -> None:
    path = place / "etc/pam.d" / service
    before = path.read_text()
    path.write_text(before + ("session required pam_loginuid.so\n" if again else ""))
    command = {
        "su": ["su", "daemon", "-s", "/bin/cat", "/proc/self/loginuid"],
        "sudo": ["sudo", "-u", "daemon", "cat", "/proc/self/loginuid"],
    }
    script = 'echo 1234 >/proc/self/loginuid; mount -t proc proc "$0/proc"; exec chroot "$0" "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, str(place), *command[service]], capture_output=True, text=True, timeout=20
    )
    verdict = verdicts(run(privileged_actions, Host(lab.mounted(place))))[service]
    path.write_text(before)
    assert (verdict, done.stdout) == (("fail", "1") if again else ("pass", "1234")), done.stderr
