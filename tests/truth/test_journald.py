"""systemd's own word on which files of journald.conf count, in which order, beside ours."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.host import Host
from sovaudit.facts.journald import config_paths
from tests import lab
from tests.truth.test_log_journal import ID, exported, journald, say

ETC, RUN, USR, LOCAL = (f"{base}/systemd/journald.conf.d" for base in ("/etc", "/run", "/usr/lib", "/usr/local/lib"))
CASES = {
    "a drop-in": [f"{ETC}/a.conf"],
    "by file name, whatever the folder": [f"{ETC}/20.conf", f"{USR}/10.conf", f"{RUN}/30.conf", f"{LOCAL}/15.conf"],
    "/etc hides /run": [f"{ETC}/a.conf", f"{RUN}/a.conf"],
    "/run hides /usr/local/lib": [f"{RUN}/a.conf", f"{LOCAL}/a.conf"],
    "/usr/local/lib hides /usr/lib": [f"{LOCAL}/a.conf", f"{USR}/a.conf"],
    "another ending": [f"{ETC}/a.bak", f"{ETC}/b.conf~", f"{ETC}/c.conf"],
    "hidden files": [f"{ETC}/.a.conf", f"{ETC}/b.conf"],
    "capital letters sort first": [f"{ETC}/b.conf", f"{ETC}/B.conf", f"{ETC}/_.conf", f"{ETC}/1.conf"],
}


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay() as place:
        yield place


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_the_order_of_files(root: Path, name: str) -> None:
    files = dict.fromkeys(CASES[name], "[Journal]\n")
    lab.write(root, files)
    try:
        said = lab.run(root, ["systemd-analyze", "cat-config", "systemd/journald.conf"]).stdout
        theirs = [line[2:] for line in said.splitlines() if line.startswith("# /") and line.endswith((*files, "/journald.conf"))]
        ours = config_paths(Host(collect(parse_target(f"root:{root}"))).files, "journald.conf")
        assert list(ours) == theirs
    finally:
        for path in files:
            (root / path.lstrip("/")).unlink()


@pytest.mark.lab
def test_a_link_to_nothing_hides(root: Path) -> None:
    lab.write(root, {f"{USR}/a.conf": "[Journal]\nStorage=none\n"})
    (root / ETC.lstrip("/")).mkdir(exist_ok=True)
    mask = root / ETC.lstrip("/") / "a.conf"
    mask.symlink_to("/dev/null")
    try:
        said = lab.run(root, ["systemd-analyze", "cat-config", "systemd/journald.conf"]).stdout
        assert "Storage=none" not in said
        assert Host(collect(parse_target(f"root:{root}"))).logs.journald.storage().value == "persistent"
    finally:
        mask.unlink()
        (root / USR.lstrip("/") / "a.conf").unlink()


# What journald itself makes of its configuration: whether three messages reach the disk, and whether they reach a syslog daemon's socket

MAIN, DROP, VENDOR = "/etc/systemd/journald.conf", f"{ETC}/a.conf", "/usr/lib/systemd/journald.conf"
J, KEEP = "[Journal]\n", "[Journal]\nStorage=persistent\n"
KEPT: dict[str, tuple[dict[str, str], str]] = {
    "an empty value changes nothing": ({MAIN: KEEP + "Storage=\nForwardToSyslog=no\nForwardToSyslog=\nMaxLevelStore=err\nMaxLevelStore=\n"}, ""),
    "what is wrong changes nothing": ({MAIN: KEEP + "Storage=Volatile\nForwardToSyslog=no\nForwardToSyslog=maybe\nMaxLevelStore=all\n"}, ""),
    "a broken main file hides the drop-ins": ({MAIN: J + "[x\n", DROP: KEEP}, ""),
    "a broken drop-in hides those behind": ({DROP: KEEP + "[x\n", f"{ETC}/b.conf": J + "Storage=volatile\nForwardToSyslog=no\n"}, ""),
    "bytes of another encoding": ({DROP: KEEP}, f"printf '{J}Foo=\\351\n' > {MAIN}".replace("\n", "\\n")),
    "such bytes in a comment": ({DROP: KEEP}, f"printf '{J}# \\351\n' > {MAIN}".replace("\n", "\\n")),
    "line ends": ({MAIN: KEEP.replace("\n", "\r\n"), DROP: "[Journal]\rForwardToSyslog=no\r"}, ""),
    "backslashes": ({MAIN: J + "Foo=x\\\\\nStorage=\\\n# in between\npersistent\nForwardToSyslog=\\\n\nno\n"}, ""),
    "a mark at the start": ({MAIN: "\ufeff" + KEEP + "MaxLevelSyslog=err\n"}, ""),
    "the vendor's main file": ({VENDOR: KEEP}, f"rm -f {MAIN}"),
    "a link to /dev/null": ({"/usr/lib/systemd/journald.conf.d/a.conf": KEEP}, f"mkdir -p {ETC}; ln -s ../../../dev/null {DROP}"),
    "a linked folder of drop-ins": ({"/srv/d/a.conf": KEEP}, f"ln -s /srv/d {ETC}"),
    "a file in the folder's place": ({MAIN: KEEP}, ": > /var/log/journal"),
    "a link to nothing": ({MAIN: KEEP}, "ln -s /nowhere/x /var/log/journal"),
    "a link to a folder": ({MAIN: J}, "mkdir /srv/j; ln -s ../../srv/j /var/log/journal"),
    "the machine's folder is a file": ({MAIN: KEEP}, f"mkdir /var/log/journal; : > /var/log/journal/{ID}"),
    "the machine's folder is a link": ({MAIN: J}, f"mkdir /var/log/journal /srv/j; ln -s /srv/j /var/log/journal/{ID}"),
    "no /var/log": ({MAIN: KEEP}, "rm -rf /var/log"),
}  # fmt: skip


@pytest.mark.lab
@pytest.mark.parametrize("name", KEPT)
def test_what_journald_keeps_and_passes_on(name: str) -> None:
    files, setup = KEPT[name]
    with lab.overlay({"/etc/machine-id": f"{ID}\n", **files}) as root:
        subprocess.run(["chroot", str(root), "sh", "-c", f"rm -rf /var/log/journal; {setup}"], check=True)
        logs = Host(lab.mounted(root)).logs
        ours = (bool(logs.in_journal().yes) and logs.journald.keeps(6), logs.journald.forwards_to_syslog() and logs.journald.passes(6))
        with journald(root), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
            place = root / "run/systemd/journal/syslog"
            place.unlink(missing_ok=True)
            syslog.bind(str(place))
            syslog.settimeout(0.1)
            say(root, 3)
            passed_on = b""
            with contextlib.suppress(TimeoutError):
                passed_on = syslog.recv(4096)
        kept = b""
        with contextlib.suppress(subprocess.CalledProcessError):
            kept = exported(root, "-o", "cat", "SYSLOG_IDENTIFIER=app")
        assert ours == (b"record 2" in kept, b"record" in passed_on)
