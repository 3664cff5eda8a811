"""The serial numbers of audit logs: the same rows from Python and from awk, and what they say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit.collectors import script, serials

PATH = "/var/log/audit/audit.log"


def record(serial: int, time: int = 1000, kind: str = "SYSCALL", node: str = "") -> str:
    return f"{node}type={kind} msg=audit({time}.123:{serial}): arch=c000003e syscall=59\n"


def rows(text: str, *, cut: bool = False) -> list[str]:
    return [row.decode() for row in serials.rows(PATH.encode(), text.encode(), cut=cut)][1:]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("", [], id="empty"),
        pytest.param(record(7) + record(7, kind="PATH") + record(8), ["R\t-\t1000\t7\t1000\t8"], id="an event has several records"),
        pytest.param(record(7) + record(9, 1001), ["R\t-\t1000\t7\t1001\t9", "H\t-\t8\t8\t1\t1000\t1001"], id="one is missing"),
        pytest.param(record(7) + record(9) + record(8), ["R\t-\t1000\t7\t1000\t9"], id="out of order"),
        pytest.param(record(7) + record(9) + record(8) + record(8), ["R\t-\t1000\t7\t1000\t9"], id="out of order, twice"),
        pytest.param(record(9000) + record(3, 2000), ["R\t-\t1000\t9000\t1000\t9000", "R\t-\t2000\t3\t2000\t3"], id="a boot"),
        pytest.param(record(9) + record(3, 2000), ["R\t-\t1000\t9\t1000\t9", "R\t-\t2000\t3\t2000\t3"], id="a boot after a short one"),
        pytest.param(
            record(7) + record(500, kind="DAEMON_START") + record(8), ["R\t-\t1000\t7\t1000\t8", "D\tDAEMON_START\t1000"], id="auditd's own"
        ),
        pytest.param(
            record(7) + record(70, node="node=b ") + record(8) + record(72, node="node=b "),
            ["R\t-\t1000\t7\t1000\t8", "R\tnode=b\t1000\t70\t1000\t72", "H\tnode=b\t71\t71\t1\t1000\t1000"],
            id="each node counts for itself",
        ),
        pytest.param("noise\ntype=X msg=audit(1.1:x): \ntype=X y msg=audit(1.1:5): \nmsg=audit(1.1:5)\n", [], id="no records"),
    ],
)
def test_runs_and_holes(text: str, wanted: list[str]) -> None:
    assert rows(text) == wanted


def test_a_cut_log_begins_in_the_middle_of_a_line() -> None:
    assert rows("pe=X msg=audit(1.1:1): \n" + record(7), cut=True) == ["R\t-\t1000\t7\t1000\t7"]


def in_awk(path: Path, interpreter: list[str]) -> list[str]:
    program = script.awk().replace("BEGIN {", "BEGIN { AUDITTAIL = 2097152; serials_of(ARGV[1], BYTES); exit 0 }\nBEGIN {", 1)
    done = subprocess.run(
        [*interpreter, "-v", f"BYTES={path.stat().st_size}", program, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    return done.stdout.splitlines()[1:]


pieces = st.one_of(
    st.builds(
        record,
        st.one_of(st.integers(0, 30), st.integers(0, 5000), st.integers(2**31 - 2, 2**32)),
        st.one_of(st.integers(1000, 1020), st.integers(2**31 - 1, 2**31 + 9)),
        st.sampled_from(["SYSCALL", "DAEMON_END", "UNKNOWN[1334]", "EOE"]),
        st.sampled_from(["", "", "node=b ", "node=a.example "]),
    ),
    st.sampled_from(["x\n", "\n", "type=A msg=audit(1.1:2\n", "type=A  msg=audit(1.1:2): \n", "type=A msg=audit(1:2): \n"]),
)


@pytest.mark.parametrize("interpreter", [["awk"], ["busybox", "awk"]], ids=["awk", "busybox"])
def test_awk_says_the_same(tmp_path: Path, interpreter: list[str]) -> None:
    path = tmp_path / "log"

    @settings(max_examples=60, deadline=None)
    @given(st.lists(pieces, max_size=60))
    def same(lines: list[str]) -> None:
        path.write_text("".join(lines))
        assert in_awk(path, interpreter) == rows("".join(lines))

    same()


@pytest.mark.parametrize("interpreter", [["awk"], ["busybox", "awk"]], ids=["awk", "busybox"])
def test_bounds_hold_in_both(tmp_path: Path, interpreter: list[str]) -> None:
    for text in (
        "".join(record(2 * serial) for serial in range(200)),
        "".join(record(5, time=1000 + 10 * (200 - boot), kind="SYSCALL") + record(9000 + boot, 5000) for boot in range(150)),
        "".join(record(5, node=f"node=n{number} ") for number in range(90)),
        "".join(record(5, kind="DAEMON_START") for _ in range(300)),
    ):
        path = tmp_path / "log"
        path.write_text(text)
        found = rows(text)
        assert found[-1] == "M" and len(found) <= 400
        assert in_awk(path, interpreter) == found
