"""systemd's own word on which files of journald.conf count, in which order, beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.host import Host
from sovaudit.facts.journald import config_paths
from tests import lab

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
