"""least-privilege.setuid; dpkg, getcap and the kernel say the same in tests/truth/test_setuid.py."""

from __future__ import annotations

import pytest

from checks.least_privilege.setuid import setuid
from sovaudit.testing import host_with, run, verdicts

MD5, OTHER = "0" * 32, "1" * 32
DPKG = "d\tdpkg"


def program(
    path: str = "/usr/bin/x", mode: str = "4755", *, uid: int = 0, gid: int = 0, caps: str = "-", first: str = "-", md5: str = MD5
) -> str:
    return f"f\t{mode}\t{uid}\t{gid}\t{caps}\t{first}\t{md5}\t{path}"


def owner(package: str, path: str = "/usr/bin/x", md5: str = MD5) -> str:
    return f"o\t{package}\t{path}\t{md5}"


def answers(*rows: str, diversions: str = "", declared: tuple[str, ...] = (), unseen: tuple[str, ...] = ()) -> dict[str, str]:
    files = {"/var/lib/dpkg/diversions": diversions} if diversions else {}
    machine = host_with(files, artifacts={"setuid": "\n".join(rows) + "\n"}, unseen=unseen)
    return verdicts(run(setuid, machine, declared=declared))


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([program(), owner("x")], "pass"),
        ([program(), owner("x:amd64", "/bin/x")], "pass"),
        ([program(), owner("x", md5="-")], "pass"),
        ([program(md5="-"), owner("x")], "pass"),
        ([program(md5=OTHER), owner("x")], "fail"),
        ([program()], "fail"),
        ([program(), owner("x", "/usr/bin/xy")], "fail"),
        ([program(mode="755", caps="cap_net_raw"), owner("x")], "pass"),
        ([program(mode="755", caps="cap_net_raw")], "fail"),
        ([program(mode="2755", gid=42)], "fail"),
        ([program(), owner("coreutils")], "fail"),
        ([program("/usr/bin/find"), owner("findutils", "/usr/bin/find")], "fail"),
        ([program("/usr/bin/su"), owner("util-linux", "/bin/su")], "pass"),
        ([program("/usr/bin/dmesg"), owner("util-linux", "/usr/bin/dmesg")], "fail"),
        ([program("/usr/bin/vim", "755", caps="cap_setuid"), owner("mine", "/usr/bin/vim")], "fail"),
    ],
)
def test_programs(rows: list[str], verdict: str) -> None:
    (found,) = answers(DPKG, *rows).values()
    assert found == verdict


@pytest.mark.parametrize(
    "row", [program(first="#!"), program(mode="4644"), program(mode="2745"), program(mode="755", caps="cap_net_raw", first="#!")]
)
def test_no_rights_no_question(row: str) -> None:
    assert answers(DPKG, row) == {"programs": "pass"}


def test_declared() -> None:
    assert answers(DPKG, program("/opt/x/y"), declared=("/opt/x/y",)) == {"/opt/x/y": "pass"}
    assert answers(DPKG, program("/opt/x/y"), declared=("/opt/x/*",)) == {"/opt/x/y": "pass"}
    assert answers(DPKG, program("/opt/x/y"), declared=("/opt/z",)) == {"/opt/x/y": "fail"}


def test_diversions() -> None:
    away = "/usr/bin/x\n/usr/bin/x.distrib\n:\n"
    assert answers(DPKG, program(), owner("x"), diversions=away) == {"/usr/bin/x": "fail"}
    assert answers(DPKG, program("/usr/bin/x.distrib"), owner("x"), diversions=away) == {"/usr/bin/x.distrib": "pass"}
    taken = "/usr/bin/x\n/usr/bin/x.real\nother\n"
    assert answers(DPKG, program(), owner("x"), owner("other"), diversions=taken) == {"/usr/bin/x": "pass"}
    assert answers(DPKG, program(), owner("x"), diversions=taken) == {"/usr/bin/x": "fail"}


def test_what_was_not_seen() -> None:
    assert answers("d\tnone", program(), unseen=("setuid:owners",)) == {"/usr/bin/x": "unknown"}
    assert answers(DPKG, program(), owner("x"), unseen=("setuid:capabilities",)) == {"/usr/bin/x": "pass", "setuid:capabilities": "unknown"}
    assert answers(DPKG, unseen=("setuid:/",)) == {"setuid:/": "unknown"}
    assert answers(DPKG, unseen=("setuid",)) == {"": "unknown"}
