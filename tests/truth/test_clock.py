"""chronyd itself (without touching the clock) beside what we say of its configuration: whether it starts, and which clocks it knows."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.log_completeness.clock import clock
from sovaudit.facts.host import Host
from sovaudit.facts.parse.chrony_line import readable
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


# Lines alone: chronyd prints a configuration that it can read to the end

LINES = """makestep 1|makestep 1 3|makestep a b|makestep 1 3 5|makestep 1x 3|maxupdateskew abc|maxupdateskew 100x|rtcsync|rtcsync yes|log foo|log|
log tracking measurements|log TRACKING|logdir|logdir a b|driftfile /x interval 5|leapsecmode Slew|leapsecmode foo|leapseclist /x|local|local stratum 15|
local stratum 16|local stratum|local foo|local orphan distance 2|local activate 1|allow|allow all|allow all 10/8|allow 10.0.0.0/8|allow 10|allow 300.1.1.1|
allow 10.1/x|allow #|port 0|port abc|port|bindaddress ::1|bindaddress foo|bindcmdaddress /x|bindcmdaddress bar|ratelimit|ratelimit interval 1 burst 16|
ratelimit interval|ratelimit foo 1|clientloglimit x|noclientlog x|lock_all 1|sched_priority x|mailonchange a|mailonchange a 0.5|hwtimestamp *|hwtimestamp|
hwtimestamp eth0 foo|hwtimestamp eth0 rxfilter PTP|hwtimestamp eth0 rxfilter x|initstepslew 10 a|initstepslew|smoothtime 400|smoothtime 400 0.01 leaponly|
tempcomp /x|tempcomp /x 30 /y|fallbackdrift 1|authselectmode require|authselectmode foo|broadcast 60 192.0.2.255|broadcast 60|ntstrustedcerts 1 /x|
nocerttimecheck|nosystemcert 1|ntsaeads 15|refresh 3|hwtstimeout 1|confdir|confdir a b c d e f g h i j k|confdir a # b|dumponexit # x|linux_hz x|
refclock|refclock SHM|refclock SHM 0 refid GPSX delay 0.2|refclock SHM 0 refid TOOLONG|refclock SHM 0 poll x|refclock SHM 0 stratum 16|refclock SHM 0 foo|
server a minpoll x|server a minpoll 4maxpoll 5|server a key 0|server a key 1|server a ipv4|server a maxunreach 5|server a extfield F323|server a extfield zz|
server a iburst,prefer|pool a maxsources 3|peer a nts|servers a|tos maxclock 11|include|include a b""".replace("\n", "").split("|")


@pytest.mark.lab
def test_which_lines_chronyd_reads(root: Path) -> None:
    theirs = {}
    for line in LINES:
        lab.write(root, {"/etc/chrony/chrony.conf": f"{line}\n"})
        command = ["chroot", str(root), "chronyd", "-p", "-f", "/etc/chrony/chrony.conf"]
        theirs[line] = subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert {line: readable(line, (4, 3)) for line in LINES} == theirs


SOURCES = {
    "a line without its end": f"server {IP}",
    "the last line without its end": f"peer {IP} nope\nserver {IP}",
    "its end": f"server {IP}\n",
}


@pytest.mark.lab
@pytest.mark.parametrize("name", [*SOURCES, "hidden"])
def test_files_of_sources(root: Path, name: str) -> None:
    place = root / "etc/chrony/sources.d" / (".a.sources" if name == "hidden" else "a.sources")
    place.parent.mkdir(exist_ok=True)
    place.write_text(SOURCES.get(name, f"server {IP}\n"))
    lab.write(root, {"/etc/chrony/chrony.conf": "sourcedir /etc/chrony/sources.d\n"})
    said = verdicts(run(clock, Host(lab.mounted(root))))["source"]
    place.unlink()
    lab.write(root, {"/etc/sd/a.sources": SOURCES.get(name, ""), "/etc/chrony/chrony.conf": "sourcedir /etc/sd\n"})
    assert said == ("pass" if knows_a_clock(root) else "fail")


COMMANDS = {
    "another file": ("-f /etc/other.conf", {"/etc/other.conf": f"server {IP}\n"}),
    "another file without a source": ("-4f /etc/other.conf", {"/etc/other.conf": "local\n"}),
    "a file that is not there": ("-f /etc/none.conf", {}),
    "lines in place of a file": (f"'server {IP} iburst' rtcsync", {}),
    "a line that cannot be read": ("rtcsync 'server'", {}),
    "set it once": (f"-q 'server {IP}'", {}),
}


@pytest.mark.lab
@pytest.mark.parametrize("name", COMMANDS)
def test_what_the_unit_tells_chronyd(name: str) -> None:
    """The unit's command, with -p for chronyd's own word on what it reads."""
    words, files = COMMANDS[name]
    unit = {"/etc/systemd/system/chrony.service.d/a.conf": f"[Service]\nExecStart=\nExecStart=!/usr/sbin/chronyd {words}\n"}
    with lab.overlay({**unit, **files, "/etc/chrony/chrony.conf": "local\n"}) as place:
        said = lab.run(place, ["sh", "-c", f"chronyd -p {words}"])
        theirs = said.returncode == 0 and f"server {IP}" in said.stdout and "-q" not in words
        assert verdicts(run(clock, Host(lab.mounted(place))))["source"] == ("pass" if theirs else "fail")
        ours, script = Host(lab.mounted(place)).files, Host(lab.local(place)).files
        assert not files or ours.read("/etc/other.conf") == script.read("/etc/other.conf") == files["/etc/other.conf"]
