"""chronyd itself (without touching the clock) beside what we say of its configuration: whether it starts, and which clocks it knows."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.log_completeness.clock import clock
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab

IP = "192.0.2.7"
FILES = {
    "/etc/x.conf": f"server {IP}\n", "/etc/y1.conf": f"server {IP}\n", "/etc/cd/a.conf": f"server {IP}\n", "/etc/cd2/a.conf": "server 127.0.0.1\n",
    "/etc/sd/a.sources": f"server {IP}\n", "/etc/sj/a.sources": f"nonsense\nserver {IP} nope\nserver {IP}\n", "/etc/sc/a.conf": f"server {IP}\n",
    "/etc/cj/a.conf": "nonsense\n",
}  # fmt: skip
CASES = {
    "a server": f"server {IP}\n",
    "a pool": f"pool {IP} iburst\n",
    "a peer": f"peer {IP}\n",
    "a name": "server ntp.example\n",
    "capital letters": f"SERVER {IP} IBURST\n",
    "indented": f"   server\t{IP}\n",
    "a reference clock": "refclock SHM 0\n",
    "a reference clock that does not exist": f"refclock NOPE 0\nserver {IP}\n",
    "commented by a hash": f"#server {IP}\n",
    "commented by a mark": f"!server {IP}\n",
    "commented by a semicolon": f";server {IP}\n",
    "commented by a percent sign": f"%server {IP}\n",
    "a comment behind": f"server {IP} # mine\n",
    "a comment behind another line": f"server {IP}\nmakestep 1 3 # step\n",
    "its own clock": "local stratum 10\n",
    "by hand": "manual\n",
    "only itself": "server 127.0.0.1\n",
    "itself and another": f"server 127.0.0.1\nserver {IP}\n",
    "an unknown word before": f"nonsense\nserver {IP}\n",
    "an unknown word after": f"server {IP}\nnonsense\n",
    "an unknown option": f"server {IP} nope\n",
    "an option without its value": f"server {IP} minpoll\n",
    "no name": f"server\nserver {IP}\n",
    "an include": "include /etc/x.conf\n",
    "an include by pattern": "include /etc/y*.conf\n",
    "an include that is not there": f"include /etc/none.conf\nserver {IP}\n",
    "a pattern without a match": f"include /etc/none*.conf\nserver {IP}\n",
    "a folder": "confdir /etc/cd\n",
    "a folder with junk": f"confdir /etc/cj\nserver {IP}\n",
    "a folder that is not there": f"confdir /etc/nodir\nserver {IP}\n",
    "a name hides another": "confdir /etc/cd2 /etc/cd\n",
    "a folder of sources": "sourcedir /etc/sd\n",
    "a folder of sources with junk": "sourcedir /etc/sj\n",
    "a folder of sources with other names": "sourcedir /etc/sc\n",
    "a value that is missing": f"makestep\nserver {IP}\n",
    "nothing": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay(FILES) as place:
        yield place


def knows_a_clock(root: Path) -> bool:
    """Whether chronyd starts and has a source that is not this host."""
    for path in (root / "run/chrony").glob("*"):
        path.unlink()
    daemon = subprocess.Popen(
        ["chroot", str(root), "chronyd", "-x", "-d", "-u", "root", "-t", "8"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            if daemon.poll() is not None or (root / "run/chrony/chronyd.sock").exists():
                break
            time.sleep(0.02)
        if daemon.poll() is not None:
            return False
        command = ["chroot", str(root), "chronyc", "-n", "-c", "sources", "-a"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
        return any(row.split(",")[2] != "127.0.0.1" for row in said.splitlines() if row.count(",") > 3)
    finally:
        daemon.kill()
        daemon.wait()


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_which_clocks_chronyd_knows(root: Path, name: str) -> None:
    lab.write(root, {"/etc/chrony/chrony.conf": CASES[name]})
    said = verdicts(run(clock, Host(lab.mounted(root))))["source"]
    assert said == ("pass" if knows_a_clock(root) else "fail")


@pytest.mark.lab
def test_a_server_that_waits_for_a_word_is_not_decided(root: Path) -> None:
    lab.write(root, {"/etc/chrony/chrony.conf": f"server {IP} offline\n"})
    assert verdicts(run(clock, Host(lab.mounted(root))))["source"] == "unknown"


@pytest.mark.lab
@pytest.mark.parametrize(("options", "wanted"), [("-F 1", "pass"), ("-F 1 -x", "fail"), ("-4x", "fail"), ("", "pass")])
def test_a_daemon_that_leaves_the_clock_alone(root: Path, options: str, wanted: str) -> None:
    """chronyd itself says whether it will control the clock."""
    lab.write(root, {"/etc/chrony/chrony.conf": f"server {IP}\n", "/etc/default/chrony": f'DAEMON_OPTS="{options}"\n'})
    told = lab.run(root, ["sh", "-c", f"timeout 1 chronyd -d -u root {options.replace('-F 1', '')} 2>&1"]).stdout
    assert verdicts(run(clock, Host(lab.mounted(root))))["source"] == wanted
    assert ("Disabled control of system clock" in told) is (wanted == "fail")
    (root / "etc/default/chrony").unlink()
