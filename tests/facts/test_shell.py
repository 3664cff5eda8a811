"""The small shell: what it takes apart, and that nothing breaks or hangs it."""

# ruff: noqa: E501 - a case is one line
from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit.facts.parse.shell import Parser
from sovaudit.facts.parse.shell_words import ShellSyntax
from sovaudit.facts.shell_startup import session
from sovaudit.facts.umask import new_mask
from sovaudit.model.finding import Line
from sovaudit.testing import host_with

PIECES = (
    "if", "then", "fi", "for", "do", "done", "case", "esac", "in", "while", "{", "}", "(", ")", ";", ";;", "&&", "||", "|", "&", "\n", " ", " ", " ", "umask ", "077", "$", "${", "$(", "`",
    '"', "'", "\\", "x=", "TMOUT=", "x", "[ ", " ]", "[[ ", " ]]", "((", "))", "<<E\n", "E\n", "#", "!", "*", "~", "<masked>", "eval ", ". /etc/profile", "return", "f() ", "readonly ", "<(", ">", "2>&1",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.sampled_from(["bash", "dash", "zsh"]))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str, dialect: str) -> None:
    with suppress(ShellSyntax):
        list(Parser(text, dialect))


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@settings(max_examples=150, deadline=None)
def test_any_profile_leaves_something(text: str) -> None:
    passwd = "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"
    host = host_with({"/etc/passwd": passwd, "/etc/profile": text, "/bin/bash": ""}, kind="root")
    alice = host.accounts.get("alice")
    assert alice is not None
    found = session(host, alice, "console", {0o22: Line("", 0, "")}, {})
    assert found.ends or found.umask


@pytest.mark.parametrize(
    "piece",
    [
        "umask 077\n",
        "(",
        "$(",
        '"',
        "if true; then ",
        "x=$((",
        "a|",
        "${x:-",
        "for i in 1 2 3 4 5 6 7 8 9; do ",
        "[[ ",
        "<<E\n",
        "f() { f; }\nf\n",
    ],
)
def test_long_files_take_linear_time(piece: str) -> None:
    began = time.process_time()
    test_any_profile_leaves_something.hypothesis.inner_test(piece * 3000)  # type: ignore[attr-defined]
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("words", "before", "dialect", "after"),
    [
        (["077"], 0o22, "bash", 0o77), (["u=rwx,g=rx,o="], 0o22, "dash", 0o27), (["9"], 0o22, "bash", False), (["o-r"], None, "bash", None),
        (["a=rx"], None, "bash", 0o222), (["g=u"], 0o22, "bash", False), (["g=u"], 0o22, "dash", None), ([], 0o22, "bash", 0o22),
    ],
)  # fmt: skip
def test_masks(words: list[str], before: int | None, dialect: str, after: int | None) -> None:
    assert new_mask(words, before, dialect) == after
