"""What systemd itself would start at boot (its test mode prints the whole transaction), and which drop-ins it reads, beside what we say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.parse.ini import parse_ini
from sovaudit.facts.unit_conditions import unmet
from sovaudit.model.finding import Line
from tests import lab

pytestmark = pytest.mark.lab
U, V = "/etc/systemd/system", "/lib/systemd/system"
M = f"{U}/multi-user.target.wants"
SCRIPT = """mount -t proc proc {0}/proc; mount --rbind /sys {0}/sys; mkdir -p {0}/run/user/65534 {0}/run/systemd/system
chown 65534 {0}/run/user/65534
timeout 15 chroot --userspec=65534:65534 {0} env -i PATH=/usr/bin:/usr/sbin XDG_RUNTIME_DIR=/run/user/65534 SYSTEMD_LOG_TARGET=null \
SYSTEMD_UNIT_PATH={1} /lib/systemd/systemd --test --system --unit=default.target --no-pager; true"""
PATH = f"{U}:/run/systemd/system:/usr/local/lib/systemd/system:{V}:/usr/lib/systemd/system"


UNITS = ("rsyslog.service", "cron.service", "atd.service", "chrony.service", "ssh.service", "auditd.service", "logrotate.timer")


def moved(unit: str, target: str) -> str:
    return f"mkdir -p {U}/{target}.wants; mv {U}/*.wants/{unit} {U}/{target}.wants/; "


def drop_in(folder: str, text: str, *, name: str = "x.conf", base: str = U) -> str:
    return f"mkdir -p {base}/{folder}; printf '{text}' > {base}/{folder}/{name}; "


# Each one root, in which several units are asked about.
CASES = {
    "stock": "",
    "masks": f"""ln -sf /dev/null {U}/rsyslog.service; ln -sf ../../..//dev/null {U}/cron.service; ln -sf /dev/null {V}/atd.service
        cp {V}/chrony.service {U}/; ln -sf /dev/null {V}/chrony.service; : > {U}/ssh.service; mkdir -p /usr/local/lib/systemd/system
        ln -s /dev/null /usr/local/lib/systemd/system/auditd.service; ln -sf /dev/null {M}/auditd.service""",
    "masks of others": f"ln -sf /dev/null {U}/syslog.socket; ln -sf /dev/null {U}/sshd.service; ln -sf /dev/null {U}/logrotate.service",
    "aliases": f"""rm {M}/rsyslog.service {M}/ssh.service {M}/cron.service; ln -s {V}/ssh.service {M}/sshd.service
        ln -s {V}/cron.service {U}/mycron.service; ln -s {U}/mycron.service {M}/mycron.service""",
    "other targets": moved("rsyslog.service", "rescue.target") + moved("cron.service", "graphical.target") + moved("atd.service", "default.target")
    + moved("chrony.service", "runlevel3.target") + moved("ssh.service", "sysinit.target") + moved("auditd.service", "reboot.target"),
    "graphical is not the default": moved("rsyslog.service", "graphical.target") + moved("cron.service", "default.target")
    + f"ln -s ../../../lib/systemd/system/multi-user.target {U}/default.target",
    "what other units want": moved("rsyslog.service", "ssh.service") + moved("cron.service", "e2scrub_reap.service") + moved("atd.service", "foo.service")
    + moved("chrony.service", "bar.service") + moved("auditd.service", "network-online.target") + f"ln -sf /dev/null {U}/e2scrub_reap.service; "
    + f"printf '[Service]\\nExecStart=/bin/true\\n' > {U}/bar.service; ln -s {V}/network-online.target {M}/",
    "the vendor's wants": f"""rm {M}/rsyslog.service; ln -s ../rsyslog.service {V}/multi-user.target.wants/; rm {M}/atd.service; cp {V}/atd.service {M}/
        ln -s ../cron.service {V}/multi-user.target.wants/; ln -sf /dev/null {M}/cron.service; ln -sf /nowhere {M}/ssh.service""",
    "what files say": f"rm {M}/rsyslog.service {M}/cron.service; "
    + drop_in("multi-user.target.d", "[Unit]\\nWants=foo.service \\\\\\n rsyslog.service\\n") + drop_in("ssh.service.d", "[Unit]\\nRequires=cron.service\\n")
    + drop_in("ssh.service.d", "[Unit]\\nConflicts=atd.service\\n", name="y.conf") + drop_in("chrony.service.d", "[Unit]\\nConflicts=foo.service\\n"),
    "units that do not load": f"rm {V}/rsyslog.service; printf '[Unit]\\nDescription=x\\n' > {U}/atd.service; "
    + drop_in("cron.service.d", "[Service]\\nExecStart=\\n") + drop_in("chrony.service.d", "[Service]\\nExecStart=\\nExecStart=/bin/true\\n")
    + drop_in("ssh.service.d", "[Service]\\nExecStart=/usr/sbin/sshd -D\\n") + drop_in("auditd.service.d", "[Service]\\nType=oneshot\\nExecStart=/bin/true\\n"),
    "other sections, templates and links": f"rm {M}/rsyslog.service; ln -s /srv/atd.service {U}/atd.service; "
    + moved("cron.service", "getty@.service") + drop_in("ssh.service.d", "[Service]\\nWants=rsyslog.service\\n[Install]\\nWants=rsyslog.service\\n")
    + drop_in("auditd.service.d", "[Unit]\\nConflicts=chrony.service\\n"),
    "the default is rescue": f"ln -s {V}/rescue.target {U}/default.target",
    "multi-user is masked": f"ln -s /dev/null {U}/multi-user.target",
}  # fmt: skip
UMASK = "[Service]\\nUMask=0%s\\n"
DROP_INS = (
    drop_in("service.d", UMASK % "013") + drop_in("rsyslog.service.d", UMASK % "011") + drop_in("sshd.service.d", UMASK % "012")
    + drop_in("cron.service.d", UMASK % "014", name="y.conf") + drop_in("chrony.service.d", UMASK % "015", base=V)
    + f"mkdir -p {U}/auditd.service.d; ln -s /dev/null {U}/auditd.service.d/x.conf; " + drop_in("atd.service.d", UMASK % "016", name=".y.conf")
)  # fmt: skip
BROKEN = (
    drop_in("rsyslog.service.d", "[Service\\nUMask=0011\\n[Service]\\nUMask=0012\\n") + drop_in("cron.service.d", UMASK % "011", name="x.con")
    + drop_in("ssh.service.d", "[Service]\\nSyslogIdentifier=x\\\\\\\\\\nUMask=0012\\n")
    + drop_in("atd.service.d", "[Service]\\nUMask=\\\\\\n# x\\n0012\\n") + drop_in("chrony.service.d", "UMask=0011\\n[Foo]\\nUMask=0011\\n")
)  # fmt: skip


def boot(root: Path) -> str:
    """The transaction that systemd would begin."""
    command = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", "-c", SCRIPT.format(root, PATH)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout


@pytest.mark.parametrize("name", CASES)
def test_what_a_boot_starts(name: str) -> None:
    with lab.overlay() as root:
        subprocess.run(["chroot", str(root), "sh", "-c", CASES[name]], check=True)
        said = boot(root)
        units = Host(lab.mounted(root)).logs.units
        assert said or name == "multi-user is masked"
        assert {unit: units.enabled(unit).yes for unit in UNITS} == {unit: f"Action: {unit} -> start\n" in said for unit in UNITS}


def test_units_that_exclude_one_another_in_turn_are_not_decided() -> None:
    setup = drop_in("auditd.service.d", "[Unit]\\nConflicts=chrony.service\\n") + drop_in(
        "ssh.service.d", "[Unit]\\nConflicts=auditd.service\\n"
    )
    with lab.overlay() as root:
        subprocess.run(["chroot", str(root), "sh", "-c", setup], check=True)
        units = Host(lab.mounted(root)).logs.units
        with pytest.raises(Unseen, match="no set order"):
            units.enabled("chrony.service")
        assert not units.enabled("auditd.service").yes
        assert units.enabled("ssh.service").yes


def test_what_the_vendors_own_units_may_want_is_not_decided() -> None:
    with lab.overlay() as root:
        subprocess.run(["chroot", str(root), "sh", "-c", moved("rsyslog.service", "network-online.target")], check=True)
        with pytest.raises(Unseen, match="network-online"):
            Host(lab.mounted(root)).logs.units.enabled("rsyslog.service")


@pytest.mark.parametrize("setup", [DROP_INS, BROKEN])
def test_which_drop_ins_count(setup: str) -> None:
    with lab.overlay() as root:
        subprocess.run(["chroot", str(root), "sh", "-c", setup], check=True)
        said = boot(root)
        theirs = {unit: re.search(r"\tUMask: (\d+)\n", said.partition(f"-> Unit {unit}:\n")[2]) for unit in UNITS[:6]}
        units = Host(lab.mounted(root)).logs.units
        ours = {unit: units.service(unit).get("UMask", "0022") for unit in UNITS[:6]}
        assert ours == {unit: match[1] if match else "" for unit, match in theirs.items()}


CONDITIONS = """PathExists=/etc/passwd PathExists=!/etc/passwd PathExists=/nowhere PathExists=|/nowhere PathIsDirectory=/etc PathIsDirectory=/etc/passwd
FileNotEmpty=/etc/passwd FileNotEmpty=/etc/empty FileIsExecutable=/etc/passwd FileIsExecutable=/usr/bin/sudo FileIsExecutable=/usr
DirectoryNotEmpty=/etc DirectoryNotEmpty=/nowhere PathIsSymbolicLink=/bin PathIsSymbolicLink=/etc PathIsSymbolicLink=!/lib"""


def test_conditions() -> None:
    rows = CONDITIONS.split()
    with lab.overlay({"/etc/empty": ""}) as root:
        theirs = {}
        for row in rows:
            command = ["chroot", str(root), "systemd-analyze", "condition", f"Condition{row}"]
            theirs[row] = subprocess.run(command, capture_output=True, check=False).returncode == 0
        files = Host(lab.mounted(root)).files
    assert {row: unmet(files, parse_ini([Line("/etc/x", 1, f"Condition{row}")])) is None for row in rows} == theirs
