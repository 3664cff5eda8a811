"""Logins at the machine itself, as last(1) reads them in wtmp(5) that utmpdump(1) wrote, beside what physical-access.console-presence is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sovaudit.content.checks.physical_access.console_presence import console_presence

from sovaudit.facts.host import Host
from sovaudit.testing import badges_with, run, verdicts
from tests import lab
from tests.badge_hall import DOORS, walk

pytestmark = pytest.mark.lab

# name → (type, user, terminal, host); each at a minute of its own
RECORDS = {
    "boot": (2, "reboot", "~", "6.1.0-18-amd64"),
    "root on a virtual console": (7, "root", "tty1", ""),
    "a getty that waits": (6, "LOGIN", "tty2", ""),
    "a logout": (8, "", "tty1", ""),
    "over the network": (7, "alice", "pts/0", "192.0.2.7"),
    "a serial line": (7, "alice", "ttyS0", ""),
    "a usb line": (7, "bob", "ttyUSB12", ""),
    "an arm board": (7, "bob", "ttyAMA0", ""),
    "a display": (7, "alice", ":0", ":0"),
    "a hypervisor's console": (7, "root", "hvc0", ""),
    "the console": (7, "root", "console", ""),
    "a long name": (7, "a" * 32, "tty3", ""),
    "no name": (7, "", "tty4", ""),
    "a file transfer": (7, "alice", "ftpd4711", "192.0.2.7"),
    "a run level": (1, "runlevel", "~", "6.1.0-18-amd64"),
    "the same again": (7, "root", "tty1", ""),
    "tmux": (7, "alice", "pts/3", "tmux(12).%0"),
}


def dump() -> str:
    """wtmp in utmpdump's words."""
    lines = []
    for number, (kind, user, terminal, host) in enumerate(RECORDS.values()):
        at = f"2026-03-02T08:{number:02}:00,000000+00:00"
        lines.append(
            f"[{kind}] [{100 + number:05}] [{terminal[-4:]:<4}] [{user:<8}] [{terminal:<12}] [{host:<20}] [0.0.0.0        ] [{at}]"
        )
    return "\n".join(lines) + "\n"


def as_last_says(root: Path) -> set[tuple[str, str, str]]:
    """(minute, terminal, user) of logins that last(1) shows on terminals of the machine."""
    found = set()
    for line in lab.run(root, ["last", "-w", "--time-format", "iso", "-f", "/var/log/wtmp"]).stdout.splitlines():
        match = re.match(r"(\S+)\s+(\S+)\s.*?(2026-03-02T\d\d:\d\d)", line)
        if match and match[1] not in ("reboot", "runlevel", "wtmp") and not match[2].startswith(("pts/", "ftp", "system")):
            found.add((match[3], match[2], match[1]))
    return found


def test_the_same_logins_as_last_says() -> None:
    with lab.overlay({"/tmp/dump": dump()}) as root:
        lab.run(root, ["sh", "-c", "utmpdump -r < /tmp/dump > /var/log/wtmp"])
        assert (root / "var/log/wtmp").stat().st_size == 384 * len(RECORDS)
        wanted = as_last_says(root)
        mounted, script = lab.mounted(root), lab.local(root)
        for evidence in (mounted, script):
            seen = Host(evidence).console_logins
            assert {
                (f"2026-03-02T08:{(login.seconds - 1772438400) // 60:02}", login.terminal, login.account) for login in seen.logins
            } == wanted
            assert seen.since == 1772438400
        assert len(wanted) == 9
        assert mounted.artifacts["console-logins"] == script.artifacts["console-logins"]
        host = Host(mounted)
        inside = walk("B1", "07:00 room-in", "08:15 room-out")
        rest = walk("B2", "07:00 hall-in", "12:00 hall-out")
        log = badges_with([*inside, *rest], doors=DOORS, hosts=[{"host": host.name, "area": "room"}])
        assert verdicts(run(console_presence, log, (host,), None)) == {host.name: "pass"}
        empty = badges_with(
            [*walk("B1", "07:00 room-in", "07:05 room-out"), *rest], doors=DOORS, hosts=[{"host": host.name, "area": "room"}]
        )
        assert verdicts(run(console_presence, empty, (host,), None)) == {host.name: "fail"}


@pytest.mark.parametrize("size", [0, 384, 383, 384 * 1500])
def test_both_doors_give_the_same_bytes(size: int) -> None:
    record = bytearray(384)
    record[0], record[8:12], record[44:48] = 7, b"tty1", b"root"
    data = b"".join(
        bytes(record[:340]) + (1_700_000_000 + number).to_bytes(4, "little") + bytes(record[344:]) for number in range(size // 384 + 1)
    )
    with lab.overlay() as root:
        (root / "var/log/wtmp").write_bytes(data[:size])
        mounted, script = lab.mounted(root), lab.local(root)
    assert mounted.artifacts.get("console-logins") == script.artifacts.get("console-logins")
    assert [gap for gap in mounted.gaps if gap.item == "console-logins"] == [gap for gap in script.gaps if gap.item == "console-logins"]
    if size == 384 * 1500:
        rows = mounted.artifacts["console-logins"].splitlines()
        assert len(rows) == 1025
        assert rows[-1] == b"since 1700000476"


def test_no_wtmp_at_all() -> None:
    with lab.overlay() as root:
        (root / "var/log/wtmp").unlink()
        mounted, script = lab.mounted(root), lab.local(root)
    for evidence in (mounted, script):
        assert "console-logins" not in evidence.artifacts
        assert [gap.detail for gap in evidence.gaps if gap.item == "console-logins"] == ["no /var/log/wtmp"]
