"""Tables in the engine: what goes in comes out, and held in few bytes it answers as it did before."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit import tables
from sovaudit.tables import Engine, Value

KINDS = {"word": "VARCHAR", "number": "BIGINT", "flag": "BOOLEAN", "nothing": "VARCHAR"}
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
_ROWS = st.lists(
    st.tuples(
        st.none() | _TEXT | st.sampled_from(["a", "A", "", " a", "GRANTED"]),
        st.none() | st.integers(-(2**62), 2**62) | st.integers(-2, 2**31),
        st.none() | st.booleans(),
        st.none(),
    ),
    max_size=30,
)
QUESTIONS = (
    "SELECT word, number, flag, nothing FROM {t} ORDER BY ALL",
    "SELECT word, count(*), min(number), max(number) FROM {t} GROUP BY word ORDER BY ALL",
    "SELECT min(word), max(word), count(word), count(nothing), CAST(sum(number) AS VARCHAR) FROM {t}",
    "SELECT a.number, b.number FROM {t} a JOIN {t} b ON a.word = b.word ORDER BY ALL LIMIT 200",
    "SELECT number, lag(word) OVER (ORDER BY word, number, flag) FROM {t} ORDER BY ALL",
    "SELECT count(*) FROM {t} WHERE word = 'GRANTED' OR word IN ('a', 'never') OR starts_with(word, 'A')",
    "SELECT coalesce(word, 'none'), coalesce(nothing, word, '') FROM {t} ORDER BY ALL",
    "SELECT count(*) FROM {t} WHERE word IN (SELECT 'a' UNION SELECT 'zz') OR word > 'B' OR word IS DISTINCT FROM 'q'",
    "SELECT word FROM {t} UNION SELECT 'new' ORDER BY 1",
    "SELECT number // 1000, word FROM {t} WHERE number BETWEEN 0 AND 100 ORDER BY ALL",
)


@pytest.fixture(params=[(tables.WORDS, tables.FEW_WORDS), (tables.WORDS, 1), (2, 1)], ids=["few words", "many words", "too many"])
def _words(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in zip(("WORDS", "FEW_WORDS"), request.param, strict=True):
        monkeypatch.setattr(tables, name, most)


@pytest.mark.usefixtures("_words")
def test_a_table_answers_the_same_when_it_is_held() -> None:
    @given(_ROWS)
    def same(rows: list[tuple[Value, ...]]) -> None:
        engine = Engine()
        engine.load("plain", KINDS, rows)
        engine.hold("held", "SELECT * FROM plain")
        for question in QUESTIONS:
            assert engine.rows(question.format(t="held")) == engine.rows(question.format(t="plain"))
        assert [row[:2] for row in engine.rows("DESCRIBE held")][3] == ("nothing", "VARCHAR")
        engine.close()

    same()


@given(_ROWS)
def test_rows_come_back_as_they_were_loaded(rows: list[Sequence[Value]]) -> None:
    engine = Engine(ordered=True)
    engine.load("given", KINDS, rows)
    assert engine.rows("SELECT * FROM given") == [tuple(row) for row in rows]
    assert [(name, kind) for name, kind, *_ in engine.rows("DESCRIBE given")] == list(KINDS.items())
    engine.close()


def test_rows_that_do_not_fit_are_refused() -> None:
    engine = Engine()
    with pytest.raises(ValueError, match=r"Could not convert|Failed to cast|not"):
        engine.load("given", {"number": "BIGINT"}, [["many"]])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        engine.load("given", {"a": "BIGINT", "b": "BIGINT"}, [[1, 2], [3]])


def test_threads_ask_at_once_and_load_apart() -> None:
    engine = Engine()
    engine.run("CREATE TABLE common AS SELECT range AS number FROM range(100000)")

    def ask(thread: int) -> set[object]:
        found: set[object] = set()
        for turn in range(10):
            engine.load("mine", {"number": "BIGINT"}, [[thread], [turn]])
            found |= set(
                engine.rows("SELECT sum(c.number + m.number)::BIGINT, max(m.number) >= $1 FROM common c CROSS JOIN mine m", [thread])
            )
            engine.run(f"CREATE TABLE own_{thread}_{turn} AS SELECT * FROM mine")
        return found

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert found == [{(2 * 4999950000 + 100000 * (thread + turn), True) for turn in range(10)} for thread in range(4)]
    assert engine.rows("SELECT count(*) FROM (FROM own_3_9 UNION ALL FROM own_0_0)") == [(4,)]
    with pytest.raises(ValueError, match="mine"):
        engine.rows("SELECT * FROM mine")
    engine.close()


def test_whoever_is_interrupted_gets_no_answer_but_the_interruption() -> None:
    class Alarm(BaseException):
        pass

    def ring(*_: object) -> None:
        raise Alarm

    engine = Engine()
    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Alarm):
            engine.rows("SELECT count(*) FROM range(1000000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert engine.rows("SELECT 1") == [(1,)]
    engine.stop()
    with pytest.raises(ValueError, match="nobody waits"):
        engine.rows("SELECT 1")
    engine.close()


def test_a_file_without_a_column_shows_it_empty() -> None:
    engine = Engine()
    path = engine.scratch.file("some.parquet")
    engine.write("SELECT 'a' AS word UNION ALL SELECT 'b' ORDER BY 1", path)
    engine.view("part", path, numbered="row", kinds={"word": "VARCHAR", "moment": "BIGINT /* time */"})
    assert engine.rows("SELECT row, word, moment FROM part ORDER BY row") == [(1, "a", None), (2, "b", None)]
    assert {str(row[0]): str(row[1]) for row in engine.rows("DESCRIBE part")} == {"word": "VARCHAR", "moment": "BIGINT", "row": "BIGINT"}
    engine.close()
