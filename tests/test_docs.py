"""What the documentation shows is run."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import sovaudit
from sovaudit import gates, registry
from sovaudit.profiles import load_profile
from sovaudit.testing import host_with, run, verdicts

TOP = Path(__file__).resolve().parents[1]


def blocks(path: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (TOP / path).read_text("utf-8"), re.DOTALL)


def test_the_readmes_library_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("README.md", "python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 15
    exec(compile(example, "README.md", "exec"), {})
    written = {path.name for path in (tmp_path / "first-audit").iterdir()}
    assert written == {"report.json", "report.json.p7s", "report.html", "evidence.sova"}


def test_the_written_check_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("docs/write-a-check.md", "python")
    (tmp_path / "written_check.py").write_text(example)
    monkeypatch.syspath_prepend(str(tmp_path))
    from written_check import no_guest  # type: ignore[import-not-found]

    assert verdicts(run(no_guest, host_with())) == {"guest": "pass"}


def test_the_tutorials_waiver_is_well_formed(tmp_path: Path) -> None:
    (example,) = blocks("docs/tutorial.md", "toml")
    tomllib.loads(example)
    place = tmp_path / "waivers.toml"
    place.write_text(example)
    assert len(gates.load_waivers(place, registry.load_checks())) == 1


def test_the_page_on_badges_shows_a_map_that_reads(tmp_path: Path) -> None:
    from sovaudit.collectors.badges.mapping import CANONICAL, load_map, ready_maps
    from sovaudit.facts.badge_events import CODES, SIDE_TABLES

    example, table = blocks("docs/badges.md", "toml")
    (tmp_path / "map.toml").write_text(example + table)
    found, folder = load_map(str(tmp_path / "map.toml"), {})
    assert folder == tmp_path and {name: beside.file for name, beside in found.files.items()} == {
        "doors": "doors.csv",
        "recordings": "segments.csv",
    }
    page = (TOP / "docs/badges.md").read_text("utf-8")
    for word in (*CANONICAL, *CODES, *ready_maps(), *SIDE_TABLES, *(name for columns in SIDE_TABLES.values() for name in columns)):
        assert word in page, word


def test_every_public_name_exists_and_is_documented() -> None:
    assert 20 <= len(sovaudit.__all__) <= 30
    for name in sovaudit.__all__:
        assert getattr(sovaudit, name).__doc__, name


def test_links_between_pages_lead_somewhere() -> None:
    for page in [TOP / "README.md", TOP / "CHANGELOG.md", *(TOP / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(TOP)} → {target}"


def test_the_page_on_the_law_names_every_directive_and_profile() -> None:
    page = (TOP / "docs/law.md").read_text("utf-8")
    names = [path.stem for folder in ("profiles", "profiles/directives") for path in (TOP / folder).glob("*.toml")]
    assert len(names) > 5 and [name for name in names if f"`{name}`" not in page] == []


def test_the_page_on_the_law_shows_a_profile_that_loads(tmp_path: Path) -> None:
    example = next(block for block in blocks("docs/law.md", "toml") if "[[checks]]" in block)
    (tmp_path / "ours.toml").write_text(example)
    held = load_profile(str(tmp_path / "ours.toml"), registry.load_checks())
    assert [(row.check, row.params, row.origin.kind) for row in held.checks] == [
        ("least-privilege.dormant", {"max_idle_days": 60}, "guidance")
    ]
