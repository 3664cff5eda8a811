"""Words: every text has a French translation, and nothing that a host wrote can make a sentence fail, run or hide."""

from __future__ import annotations

import re
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit.errors import UsageError
from sovaudit.reports import hostile, locale, wording
from sovaudit.reports.hostile import visible
from sovaudit.reports.locale import Words, translate, translate_markup
from tests import catalogue

FIELD = re.compile(r"\{(\w+)\}")


def test_every_text_is_translated_into_french() -> None:
    assert catalogue.missing("fr") == [], "run `python -m tests.catalogue --update` and fill in templates/locale/fr/LC_MESSAGES/sovaudit.po"


def test_every_page_is_translated_into_french() -> None:
    assert catalogue.missing("fr", locale.PAGES) == [], "run `python -m tests.catalogue --update` and fill in pages.po beside it"


def test_pages_keep_what_is_code() -> None:
    """What stands between backquotes is typed by somebody: it is the same in every language."""
    held = {m.id: m.string for m in catalogue.read("fr", locale.PAGES) if m.id}
    wrong = [text for text, said in held.items() if sorted(set(re.findall("`[^`]+`", text))) != sorted(set(re.findall("`[^`]+`", said)))]
    assert wrong == []


def test_every_outcome_is_worded_by_a_literal() -> None:
    """A template built at run time could never be found in a catalogue."""
    computed = [
        f"{path.relative_to(catalogue.TOP)}:{line}"
        for path in sorted((catalogue.TOP / "checks").glob("*/*.py"))
        for text, line in catalogue.outcomes(path)
        if text is None
    ]
    assert computed == []


def test_translations_keep_the_arguments_of_their_templates() -> None:
    held = locale.catalogue("fr")
    assert len(held) > 200
    for text, translated in held.items():
        assert set(FIELD.findall(text)) == set(FIELD.findall(translated)), text


def test_the_catalogue_holds_nothing_that_nobody_says() -> None:
    assert sorted(set(locale.catalogue("fr")) - set(catalogue.sources())) == []


def test_every_verdict_status_and_reason_has_a_glyph_and_a_word() -> None:
    for table in (wording.VERDICTS, wording.STATUSES, wording.TARGETS, wording.SEVERITIES):
        assert all(glyph and word for _, glyph, word in table.values())
        assert len({(glyph, word) for _, glyph, word in table.values()}) == len(table)


@pytest.mark.parametrize(
    ("text", "args", "said"),
    [
        ("{a} and {b}", {"a": 1, "b": "x"}, "1 and x"),
        ("{a}", {}, "{a}"),
        ("{a.__class__}", {"a": "x"}, "{a.__class__}"),
        ("{a[0]}", {"a": "x"}, "{a[0]}"),
        ("{a!r:>9}", {"a": "x"}, "{a!r:>9}"),
        ("{{a}}", {"a": "x"}, "{a}"),
        ("{a}", {"a": "{b}", "b": "no"}, "{b}"),
        ("{a", {"a": "x"}, "{a"),
        ("{a}", {"a": "\x1b[2J\u202e"}, "⟨ESC⟩[2J⟨U+202E⟩"),
        ("{a}", {"a": "\n"}, "⟨LF⟩"),
        ("{a}", {"a": 10**5000}, "…"),
    ],
)
def test_only_plain_fields_are_filled_in(text: str, args: dict[str, object], said: str) -> None:
    assert translate(text, args, "en") == said


def test_phrases_of_ours_are_translated_and_names_of_theirs_are_not() -> None:
    assert (
        translate("{name} needs {factors}", {"name": "key", "factors": "key + one-time code"}, "fr")
        == "key doit présenter clé + code à usage unique"
    )


def test_a_phrase_may_open_with_our_words_and_end_in_a_name() -> None:
    assert translate("{words}", {"words": "a root shell through /bin/vi"}, "fr") == "un shell root par /bin/vi"


def test_code_in_our_prose_is_set_as_code_and_nothing_else_is() -> None:
    assert str(locale.prose("set `a <b>` & go")) == "set <code>a &lt;b&gt;</code> &amp; go"
    assert str(locale.prose("one ` alone")) == "one ` alone"


def test_arguments_are_isolated_and_escaped_on_the_page() -> None:
    assert str(translate_markup("{a} <b>", {"a": "<i>\u202e"}, "en")) == '<bdi>&lt;i&gt;<i class="tok">U+202E</i></bdi> &lt;b&gt;'


@given(st.text(st.characters(codec=None)), st.dictionaries(st.text(string.ascii_letters, min_size=1), st.text() | st.integers()))
def test_nothing_makes_a_sentence_fail(text: str, args: dict[str, object]) -> None:
    for language in locale.LANGUAGES:
        said = translate(text, args, language)
        said.encode()
        translate_markup(text, args, language).encode()
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ud800-\udfff]", said)


@given(st.text(st.characters(codec=None)))
def test_visible_text_is_valid_one_line_and_stays_so(text: str) -> None:
    once = visible(text, limit=10**6)
    once.encode()
    assert visible(once, limit=10**7) == once
    assert len(once.splitlines()) <= 1
    assert "".join(f"⟨{piece}⟩" if token else piece for piece, token in hostile.pieces(text, limit=10**6)) == once


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain ünïcode 文字 خادم", "plain ünïcode 文字 خادم"),
        ("\x00\x1b\x07\x7f\x9b", "⟨NUL⟩⟨ESC⟩⟨BEL⟩⟨DEL⟩⟨U+009B⟩"),
        ("a\u200bb\u2060c\ufeff", "a⟨U+200B⟩b⟨U+2060⟩c⟨BOM⟩"),
        ("\u2028\u2029\u0085", "⟨U+2028⟩⟨U+2029⟩⟨NEL⟩"),
        ("\ue000\U000f0000\ufdd0\U0001ffff", "⟨U+E000⟩⟨U+F0000⟩⟨U+FDD0⟩⟨U+1FFFF⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("root\u00a0", "root⟨NBSP⟩"),
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 9, "e\u0301\u0301\u0301⟨U+0301×6⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
    ],
)
def test_what_cannot_be_seen_becomes_a_token(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_long_lines_are_cut_with_a_count_and_in_linear_time() -> None:
    assert visible("x" * 2500, limit=100) == "x" * 100 + "…⟨+2400⟩"
    before = time.process_time()
    visible("e" + "\u0301" * 2_000_000, limit=10**7)
    visible("\x1b" * 200_000, limit=10**7)
    assert time.process_time() - before < 5


def test_numbers_and_times_are_written_the_reader_s_way() -> None:
    en, fr = Words("en"), Words("fr")
    assert (en.number(12345), fr.number(12345)) == ("12,345", "12\u202f345")
    assert (en.time("2026-06-01T12:00:00Z"), fr.time("2026-06-01T12:00:00Z")) == ("2026-06-01 12:00:00 UTC", "01/06/2026 à 12:00:00 UTC")
    assert (en.time("2026-12-31"), fr.time("2026-12-31")) == ("2026-12-31", "31/12/2026")
    assert fr.time("never\x1b") == "never⟨ESC⟩"


def test_french_counts_zero_in_the_singular() -> None:
    assert [Words("fr").plural("{n} target", "{n} targets", n) for n in (0, 1, 2)] == ["0 cible", "1 cible", "2 cibles"]
    assert [Words("en").plural("{n} target", "{n} targets", n) for n in (0, 1, 2)] == ["0 targets", "1 target", "2 targets"]


def test_a_language_that_we_do_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="no language de"):
        translate("x", {}, "de")


def test_remarks_are_said_in_french() -> None:
    """What collectors and facts remark in English; what nobody translated stays English, so that few may."""
    sources = catalogue.remark_sources()
    assert len(catalogue.missing("fr", locale.REMARKS)) * 10 < len(sources)
    held = {m.id: m.string for m in catalogue.read("fr", locale.REMARKS) if m.id}
    assert len(set(held) - set(sources)) * 10 < len(held)
    assert [text for text, said in held.items() if said and set(FIELD.findall(text)) != set(FIELD.findall(said))] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a mounted root runs no programs", "une racine montée ne lance aucun programme"),
        ("mode 0700, owner 996, group 0", "mode 0700, propriétaire 996, groupe 0"),
        ("events 4 to 9: 2 missing", "événements 4 à 9 : 2 manquent"),
        ("rsyslogd does not run", "rsyslogd ne tourne pas"),
        ("its oldest record is of 2026-11-20, and nobody says since when it writes",
         "son plus ancien enregistrement est du 2026-11-20, et personne ne dit depuis quand il écrit"),
        ("give it as [files] {b} of the map, or as &{a}=FILE", "la donner par [files] {b} dans la carte, ou par &{a}=FICHIER"),
        ("mode , owner 1", "mode , owner 1"),
        ("what nobody translated", "what nobody translated"),
        ("", ""),
        ("mode 1, owner 2" + "x" * 2000, "mode 1, owner 2" + "x" * 2000),
    ],
)  # fmt: skip
def test_a_remark_is_known_by_the_words_between_its_names(text: str, said: str) -> None:
    assert locale.remark(text, "fr").replace("’", "'") == said
    assert locale.remark(text, "en") == text


@given(st.text(max_size=200))
def test_no_remark_fails(text: str) -> None:
    assert isinstance(locale.remark(text, "fr"), str)
    assert isinstance(locale.remark("a member of " * 70 + text + " that was not seen" * 10, "fr"), str)
    assert isinstance(locale.remark(f"members of group {text} may come from {text}", "fr"), str)


def test_what_the_engine_says_itself_is_found_wherever_it_says_it() -> None:
    """A module that is moved must not take its words out of the catalogue."""
    said = set(catalogue.engine())
    assert {"{item} was not seen ({reason})", "Collect from the running host.", "the check gave no outcome"} <= said
    assert said <= set(locale.catalogue("fr"))
