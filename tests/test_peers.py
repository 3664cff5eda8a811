"""The table of other auditors' rules: every check is in it, and no id is invented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sovaudit.cli import docs
from sovaudit.reports import explain, peers

SSG = Path("/usr/share/xml/scap/ssg/content/ssg-debian11-ds.xml")
LYNIS = Path("/usr/share/lynis/include")


def ids(source: str) -> set[str]:
    return {rule for rules in peers.table()["checks"].values() for rule in rules.get(source, ())}


def test_it_names_most_checks() -> None:
    assert len(set(docs.builtin()) & set(peers.table()["checks"])) >= 30


def test_it_names_known_sources_only_and_nothing_twice() -> None:
    sources = set(peers.table()["sources"])
    for check, rules in peers.table()["checks"].items():
        assert set(rules) <= sources, check
        assert all(listed and len(listed) == len(set(listed)) for listed in rules.values()), check


def test_ids_look_like_ids() -> None:
    assert all(re.fullmatch(r"[a-z0-9_]+", rule) for rule in ids("ssg"))
    assert all(re.fullmatch(r"[A-Z]{3,4}-[0-9]{4}", rule) for rule in ids("lynis"))


@pytest.mark.skipif(not SSG.exists(), reason="the package ssg-debian is not installed: it is no requirement of the tests")
def test_every_rule_of_the_guide_exists() -> None:
    held = set(re.findall(r'<xccdf-1.2:Rule[^>]* id="xccdf_org.ssgproject.content_rule_([a-z0-9_]+)"', SSG.read_text("utf-8")))
    assert ids("ssg") <= held


@pytest.mark.skipif(not LYNIS.exists(), reason="the package lynis is not installed: it is no requirement of the tests")
def test_every_test_of_lynis_exists() -> None:
    held = set(re.findall(r"--test-no ([A-Z]+-[0-9]+)", "".join(path.read_text("utf-8") for path in LYNIS.glob("tests_*"))))
    assert ids("lynis") <= held


def test_the_page_shows_them() -> None:
    page = explain.check_page(docs.builtin()["least-privilege.uid0"], ())
    assert "`accounts_no_uid_except_zero`" in page
    assert "`AUTH-9204`" in page
    assert "Nothing that we know of." in explain.check_page(docs.builtin()["two-factor.ssh-login"], ())
