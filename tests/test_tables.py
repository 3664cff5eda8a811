"""Tables in the engine: what goes in comes out, and held in few bytes it answers as it did before."""

from __future__ import annotations

from collections.abc import Sequence

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


@pytest.fixture(params=[tables.WORDS, 2], ids=["few words", "many words"])
def _words(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "WORDS", request.param)


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
