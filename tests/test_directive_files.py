"""What people write about the law, declarations and directives of their own: taken whole or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sovaudit import directives
from sovaudit.documents import read_toml
from sovaudit.errors import UsageError
from sovaudit.model.directive import Directive
from sovaudit.model.verdict import Status

DNSSI = directives.load_directives(["ma-dnssi-2023"])[0]


# declarations


def declarations(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "declarations.toml"
    path.write_text(text, "utf-8")
    return path


GOOD = '[[declarations]]\ndirective = "ma-dnssi-2023"\ncontrol = "POL-FORMEL"\nstatement = "PSSI v3"\nby = "RSSI"\non = 2026-01-31\n'


def test_declarations_are_read(tmp_path: Path) -> None:
    (found,) = directives.load_declarations(declarations(tmp_path, GOOD), [DNSSI])
    assert (found.control, found.on, found.applicable) == ("POL-FORMEL", "2026-01-31", True)
    note = next(note for note in directives.statuses(DNSSI, [], [], [found], []) if note.id == "POL-FORMEL")
    assert note.status is Status.DECLARED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("POL-FORMEL", "POL-FORMELLE"), "has no control 'POL-FORMELLE'.*POL-FORMEL"),
        (("ma-dnssi-2023", "ma-loi-05-20"), "not one of this audit"),
        (("2026-01-31", '"31/01/2026"'), "on is a date"),
        (("2026-01-31", "2026-01-31T00:00:00"), "on is a date"),
        (("statement", "statment"), "unknown key declarations\\[1\\].statment.*statement"),
        (('by = "RSSI"', ""), "lacks declarations\\[1\\].by"),
        (('"PSSI v3"', '""'), "statement"),
    ],
)
def test_declarations_that_do_not_hold_are_refused(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        directives.load_declarations(declarations(tmp_path, GOOD.replace(*change)), [DNSSI])


def test_two_declarations_of_one_control_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="declared twice"):
        directives.load_declarations(declarations(tmp_path, GOOD + GOOD), [DNSSI])


# the document

DOCUMENT = """id = "site"
edition = "1"
authority = "A"
binding = "guidance"
sources = ["s"]
title = { en = "T" }
note = { en = "n" }
chapters = [{ number = 1, title = "C" }]
objectives = [{ number = 1, chapter = 1 }]
[[controls]]
id = "X-1"
title = "X"
chapter = 1
objective = 1
provable = "machine"
machine = "full"
checks = ["a.one"]
paraphrase = { fr = "p", en = "p" }
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('machine = "full"', 'machin = "full"'), r"unknown key controls\[1\]\.machin"),
        (('provable = "machine"', 'provable = "import"'), "full or partial where provable is machine"),
        (('machine = "full"\n', ""), "full or partial where provable is machine"),
        (('"full"', '"most"'), "controls.*machine"),
        (('["a.one"]', '["a.one", "a.one"]'), "named twice"),
        (('["a.one"]', '["a.one"]\nremarks = ["a.one"]'), "named twice"),
        (('["a.one"]', '["a.one"]\nparams = { "a.two" = { n = 1 } }'), "turn a.two, which its checks do not name"),
        (('["a.one"]', '["A one"]'), r"controls\[1\]\.checks\[1\]"),
        (("chapter = 1\nobjective", "chapter = 2\nobjective"), "chapter 2, which is not listed"),
        (("objective = 1\n", "objective = 2\n"), "objective 2 is not one of its chapter"),
        (("chapter = 1 }]", "chapter = 7 }]"), "objective 1 is in chapter 7"),
        (('fr = "p", en = "p"', 'fr = " "'), "a text in at least one of"),
        (('binding = "guidance"', 'binding = "custom"'), "binding"),
        (("[[controls]]", '[[controls]]\nid = "X-1"\n[[controls]]'), "controls"),
        (('id = "X-1"', 'id = "a:b "'), "id"),
    ],
)
def test_a_directive_that_does_not_hold_together(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(DOCUMENT, "utf-8")
    read_toml(path, Directive, "directive")
    path.write_text(DOCUMENT.replace(*change, 1), "utf-8")
    with pytest.raises(UsageError, match=said):
        read_toml(path, Directive, "directive")


def test_two_controls_of_one_id(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(DOCUMENT + DOCUMENT[DOCUMENT.index("[[controls]]") :], "utf-8")
    with pytest.raises(UsageError, match="control X-1 stands twice"):
        read_toml(path, Directive, "directive")


def test_the_digest_follows_words_not_spacing(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(DOCUMENT, "utf-8")
    first = read_toml(path, Directive, "directive").digest
    path.write_text("# a word\n" + DOCUMENT.replace(" = ", "  =  "), "utf-8")
    assert read_toml(path, Directive, "directive").digest == first
    path.write_text(DOCUMENT.replace('"full"', '"partial"'), "utf-8")
    assert read_toml(path, Directive, "directive").digest != first
