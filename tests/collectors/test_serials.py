"""The serial numbers of audit logs: the same rows from Python and from awk, and what they say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sovaudit.collectors import script, serials

PATH = "/var/log/audit/audit.log"


def record(serial: int, time: int = 1000, kind: str = "SYSCALL", node: str = "") -> str:
    return f"{node}type={kind} msg=audit({time}.123:{serial}): arch=c000003e syscall=59\n"


def rows(*texts: str, cut: bool = False) -> list[str]:
    return [row.decode() for row in serials.rows((PATH.encode(), text.encode(), cut) for text in texts) if row[:1] != b"F"]


START = record(500, kind="DAEMON_START")


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        pytest.param([""], [], id="empty"),
        pytest.param([record(7) + record(7, kind="PATH") + record(8)], ["R\t-\to\t-\t1000\t7\t1000\t8"], id="an event has several records"),
        pytest.param([record(7) + record(9, 1001)], ["R\t-\to\t-\t1000\t7\t1001\t9", "H\t-\t8\t8\t1\t1000\t1001"], id="one is missing"),
        pytest.param([record(7), record(9)], ["R\t-\to\t-\t1000\t7\t1000\t9", "H\t-\t8\t8\t1\t1000\t1000"], id="missing between two logs"),
        pytest.param([record(7) + record(8), record(8) + record(9)], ["R\t-\to\t-\t1000\t7\t1000\t9"], id="an event over two logs"),
        pytest.param(
            [START + "".join(map(record, (7, 9, 8, 10)))], ["D\tDAEMON_START\t1000", "R\t-\ts\t-\t1000\t7\t1000\t9"], id="out of order"
        ),
        pytest.param(["".join(map(record, (7, 9, 8, 10)))], ["R\t-\to\t-\t1000\t8\t1000\t9"], id="out of order, beginning anywhere"),
        pytest.param(["".join(map(record, (9, 5, 7)))], ["M"], id="too disordered to say"),
        pytest.param(
            [record(7) + record(900, kind="DAEMON_END") + START + record(9)],
            ["D\tDAEMON_END\t1000", "R\t-\to\t-\t1000\t7\t1000\t7", "D\tDAEMON_START\t1000", "R\t-\ts\t-\t1000\t9\t1000\t9"],
            id="a stop",
        ),
        pytest.param(
            [record(9000) + START + record(3, 2000, kind="SYSTEM_BOOT")],
            ["R\t-\to\t-\t1000\t9000\t1000\t9000", "D\tDAEMON_START\t1000", "R\t-\ts\tb\t2000\t3\t2000\t3"],
            id="a boot",
        ),
        pytest.param(
            [record(7) + record(70, node="node=b ") + record(8) + record(72, node="node=b ")],
            ["R\t-\to\t-\t1000\t7\t1000\t8", "R\tnode=b\to\t-\t1000\t70\t1000\t72", "H\tnode=b\t71\t71\t1\t1000\t1000"],
            id="each node counts for itself",
        ),
        pytest.param(
            [record(1) + record(4_000_000_000)],
            ["R\t-\to\t-\t1000\t1\t1000\t4000000000", "H\t-\t2\t3999999999\t3999999998\t1000\t1000"],
            id="far",
        ),
        pytest.param(["noise\ntype=X msg=audit(1.1:x): \ntype=X y msg=audit(1.1:5): \nmsg=audit(1.1:5)\n"], [], id="no records"),
    ],
)
def test_runs_and_holes(texts: list[str], wanted: list[str]) -> None:
    assert rows(*texts) == wanted


def test_a_cut_log_begins_in_the_middle_of_a_line_and_of_a_run() -> None:
    assert rows("pe=X msg=audit(1.1:1): \n" + record(7), cut=True) == ["R\t-\to\t-\t1000\t7\t1000\t7"]


def in_awk(path: Path, interpreter: list[str], size: int) -> list[str]:
    first = f"BEGIN {{ AUDITTAIL = 2000; serials_of(ARGV[1], {size}); serials_of(ARGV[1], 0); serials_end(); exit 0 }}\nBEGIN {{"
    program = script.awk().replace("BEGIN {", first, 1)
    done = subprocess.run(
        [*interpreter, program, str(path)], capture_output=True, text=True, check=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    )
    return done.stdout.splitlines()


def twice(path: Path, data: bytes, cut: bool) -> list[str]:
    """The same log read as a cut one and then as a whole one, which makes disorder."""
    name = str(path).encode()
    return [row.decode() for row in serials.rows([(name, data[-2000:] if cut else data, cut), (name, data, False)])]


pieces = st.one_of(
    st.builds(
        record,
        st.one_of(st.integers(0, 30), st.integers(0, 5000), st.integers(2**31 - 2, 2**32)),
        st.one_of(st.integers(1000, 1020), st.integers(2**31 - 1, 2**31 + 9)),
        st.sampled_from(["SYSCALL", "DAEMON_END", "DAEMON_START", "SYSTEM_BOOT", "UNKNOWN[1334]", "EOE"]),
        st.sampled_from(["", "", "node=b ", "node=a.example "]),
    ),
    st.sampled_from(["x\n", "\n", "type=A msg=audit(1.1:2\n", "type=A  msg=audit(1.1:2): \n", "type=A msg=audit(1:2): \n"]),
)


@pytest.mark.parametrize("interpreter", [["awk"], ["busybox", "awk"]], ids=["awk", "busybox"])
def test_awk_says_the_same(tmp_path: Path, interpreter: list[str]) -> None:
    path = tmp_path / "log"

    @settings(max_examples=60, deadline=None)
    @given(st.lists(pieces, max_size=60))
    @example([record(2_147_483_646, 1000, "SYSCALL", ""), record(2_147_483_649, 1000, "SYSCALL", "")])
    def same(lines: list[str]) -> None:
        path.write_text("".join(lines))
        data = path.read_bytes()
        assert in_awk(path, interpreter, len(data)) == twice(path, data, len(data) > 2000)

    same()


@pytest.mark.parametrize("interpreter", [["awk"], ["busybox", "awk"]], ids=["awk", "busybox"])
def test_bounds_hold_in_both(tmp_path: Path, interpreter: list[str]) -> None:
    for text in (
        "".join(record(2 * serial) for serial in range(200)),
        "".join(START + record(boot) for boot in range(150)),
        "".join(record(5, node=f"node=n{number} ") for number in range(90)),
        "".join(START for _ in range(300)),
    ):
        path = tmp_path / "log"
        path.write_text(text)
        found = twice(path, path.read_bytes(), False)
        assert found[-1] == "M" and len(found) <= 500
        assert in_awk(path, interpreter, 0) == found
