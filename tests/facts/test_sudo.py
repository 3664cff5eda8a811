# ruff: noqa: E501 - one table, few lines
"""The lexer, the grammar and the matching of sudoers on hostile input, and what grants say."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit.facts.parse.globs import Malformed, Unsupported, glob_matches, regex_matches
from sovaudit.facts.parse.sudoers import Policy, parse
from tests.checks.test_least_privilege_sudo_root import host

PIECES = st.sampled_from(
    ["alice", "ALL", "=", " ", "\n", ",", "!", "(", ")", ":", "NOPASSWD:", "User_Alias ", "Cmnd_Alias ", "A", "B", "/bin/sh", "\\", "\\\n", '"', "#", "%sudo", "Defaults", "^a$",
     "sha256:", "@include x", "#includedir /x", "+n", "10.0.0.1/8", "::1", "\t", "\r\n", "\0", "sudoedit", "CWD=/", "TIMEOUT=1", "é", "*", "[", "\udc80"]
)  # fmt: skip


def policy(text: str) -> Policy:
    return parse("/etc/sudoers", text, lambda name, directory, asking: ([], False))


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=60).map("".join))
def test_no_input_crashes(text: str) -> None:
    policy(text)
    machine = host(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    for account in machine.accounts:
        machine.sudo.reaches_root(account)
        machine.sudo.grants(account)


@settings(max_examples=300, deadline=None)
@given(st.text("a*?[]!-\\/.^$(|)+{1,}", max_size=30), st.text("ab/.-", max_size=30))
def test_no_pattern_crashes(pattern: str, text: str) -> None:
    glob_matches(pattern, text, pathname=True, period=True)
    try:
        regex_matches(pattern, text)
    except (Malformed, Unsupported):
        return


def test_aliases_that_double_stay_cheap() -> None:
    rows = ["User_Alias A0 = nobody1, nobody2"] + [f"User_Alias A{n} = A{n - 1}, A{n - 1}" for n in range(1, 60)]
    started = time.process_time()
    machine = host("\n".join([*rows, "A59 ALL=ALL"]))
    assert [machine.sudo.reaches_root(account).level for account in machine.accounts] == ["none"] * 3
    assert time.process_time() - started < 2


def test_patterns_stay_cheap() -> None:
    started = time.process_time()
    assert not glob_matches("*a" * 300, "a" * 3000 + "b")
    assert not regex_matches("^(a|a)*(a*)*b$", "a" * 2000)
    assert time.process_time() - started < 2


def test_a_long_file_stays_cheap() -> None:
    started = time.process_time()
    found = policy("alice ALL=(root) NOPASSWD: /usr/bin/id -u *, !/usr/bin/su\n" * 2000)
    assert len(found.specs) == 2000
    assert time.process_time() - started < 5


def test_grants_say_what_remains() -> None:
    machine = host("alice ALL=(bob) NOPASSWD: /usr/bin/id, PASSWD: /usr/bin/ls\nalice ALL=(bob) !/usr/bin/ls\n")
    alice = machine.accounts.get("alice")
    assert alice is not None
    assert [(grant.command, grant.runas, grant.target, grant.nopasswd, grant.certain) for grant in machine.sudo.grants(alice)] == [
        ("/usr/bin/id", "bob", "bob", True, True)
    ]


def test_the_line_that_decides_is_named() -> None:
    machine = host("alice ALL=ALL\nalice ALL=!/usr/bin/id\n")
    alice = machine.accounts.get("alice")
    assert alice is not None
    decision = machine.sudo.may_run(alice, "/usr/bin/id")
    assert decision.allowed is False
    assert [line.number for line in decision.because] == [2]
