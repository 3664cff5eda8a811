"""Audit rules: no text breaks the reader, files come in the order of `ls -v`, and many accounts cost no more than they are."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit.facts.audit_load import Loader, version_sorted
from sovaudit.facts.parse.audit_rules import parse_line
from sovaudit.model.finding import Line
from sovaudit.testing import host_with
from tests.audit_hosts import RULES, audit_host

WORDS = (
    "-w",
    "/etc/passwd",
    "-p",
    "wa",
    "-k",
    "x",
    "-a",
    "always,exit",
    "never,task",
    "-S",
    "execve",
    "all",
    "-F",
    "auid>=1000",
    "path=/etc/x",
    "dir=/etc",
    "arch=b64",
    "perm=w",
    "key=",
    "=",
    "-C",
    "auid!=uid",
    "-D",
    "-e",
    "2",
    "-i",
    "-c",
    "--",
    "-",
    "\t",
    "\\ ",
    "\\\\",
    "#",
    "\x00",
    "é",
    "-Wx",
    "--backlog_wait_time=5",
)


@given(st.lists(st.sampled_from(WORDS), max_size=9), st.sampled_from([" ", "", "  "]))
@settings(max_examples=400, deadline=None)
def test_no_line_breaks_the_reader(words: list[str], blank: str) -> None:
    parsed = parse_line(Line("/f", 1, blank.join(words)), lambda name: None, lambda name: None)
    assert parsed is None or parsed.rule is None or not parsed.error


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_the_loader(text: str) -> None:
    loader = Loader(host_with({"/etc/x": ""}).files, lambda name: 0, lambda name: None)
    loaded = loader.load(Line("/f", number, row) for number, row in enumerate(text.split("\n"), 1))
    assert loaded.worlds


_NAMES = st.lists(st.from_regex(r"[ab0-9Z_~-][ab0-9Z._~-]{0,7}(\.rules)?", fullmatch=True), max_size=12, unique=True)


@given(_NAMES)
@settings(max_examples=60, deadline=None)
def test_names_are_sorted_as_ls_does(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            (Path(folder) / name).touch()
        real = subprocess.run(["ls", "-1v", folder], capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    assert version_sorted(names) == real


def test_ten_thousand_accounts_and_a_thousand_rules() -> None:
    people = "".join(f"u{number}:x:{number}:{number}::/home/u{number}:/bin/sh\n" for number in range(1000, 11000))
    shadow = "".join(f"u{number}:{'$y$j9T$masked' if number % 2 else '!'}:19000:0:99999:7:::\n" for number in range(1000, 11000))
    more = "".join(f"-w /srv/{number} -p wa -k s\n" for number in range(1000))
    host = audit_host({"/etc/passwd": people, "/etc/shadow": shadow, "/srv/.keep": ""}, rules=RULES.replace("-e 2", more + "-e 2"))
    assert len(host.accounts) == 10000
    began = time.process_time()
    assert all(change.yes for change in host.audit.identity())
    assert time.process_time() - began < 2
