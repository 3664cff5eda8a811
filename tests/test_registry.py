"""Checks come in by one door, ours and others'."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovaudit import registry
from sovaudit.errors import UsageError
from sovaudit.testing import host_with, run, verdicts

SAMPLE = Path(__file__).parent / "plugin_sample" / "src"
CHECK = '''"""The good condition holds."""
from sovaudit.authoring import Host, Outcomes, check, passed

@check("{id}", severity="low", since="0.1")
def one(host: Host) -> Outcomes:
    yield passed("fine")
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Install a package without pip: its source folder and a dist-info folder on the path."""
    before = set(sys.modules)

    def add(name: str, module: str, source: Path | None = None) -> None:
        site = tmp_path / f"site-{name}"
        info = site / f"{name}-0.1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text(f"[sovaudit.checks]\n{name} = {module}\n")
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.syspath_prepend(str(source or site))
        importlib.invalidate_caches()

    def write(name: str, files: dict[str, str]) -> None:
        for path, text in files.items():
            target = tmp_path / f"site-{name}" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    add.write = write  # type: ignore[attr-defined]
    yield add
    for name in set(sys.modules) - before:
        if not name.startswith("sovaudit."):
            del sys.modules[name]


def test_the_sample_plugin_is_found_and_runs(install) -> None:  # type: ignore[no-untyped-def]
    install("sovaudit_sample_plugin", "sovaudit_sample_plugin", SAMPLE)
    checks = registry.load_checks()
    assert list(checks) == sorted(checks)
    banner = checks["sample.banner"]
    assert verdicts(run(banner, host_with({"/etc/issue.net": "Access is MONITORED\n"}))) == {"/etc/issue.net": "pass"}
    assert verdicts(run(banner, host_with({}))) == {"/etc/issue.net": "fail"}
    assert verdicts(run(banner, host_with({}, unseen=["/etc/issue.net"]))) == {"": "unknown"}


def test_two_checks_with_one_id_are_refused_by_name(install) -> None:  # type: ignore[no-untyped-def]
    install.write("first", {"first_checks.py": CHECK.format(id="twin.one")})
    install.write(
        "second",
        {"second_checks/__init__.py": "", "second_checks/deep/__init__.py": "", "second_checks/deep/x.py": CHECK.format(id="twin.one")},
    )
    install("first", "first_checks")
    install("second", "second_checks")
    with pytest.raises(UsageError, match=r"two checks are called twin\.one: in first_checks and in second_checks\.deep\.x"):
        registry.load_checks()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("def broken(:", "SyntaxError"),
        (CHECK.format(id="Bad Id"), "an id is family.name"),
        (CHECK.format(id="a.b").replace('"""The good condition holds."""', ""), "no docstring"),
        ("x = 1", "it holds no check"),
    ],
)
def test_a_broken_plugin_is_named(install, source: str, said: str) -> None:  # type: ignore[no-untyped-def]
    install.write("broken", {"broken_checks.py": source})
    install("broken", "broken_checks")
    with pytest.raises(UsageError, match=said):
        registry.load_checks()


def test_a_check_that_a_package_shows_again_is_one_check(install) -> None:  # type: ignore[no-untyped-def]
    install.write(
        "again", {"again_checks/__init__.py": "from again_checks.x import one", "again_checks/x.py": CHECK.format(id="again.one")}
    )
    install("again", "again_checks")
    assert registry.load_checks()["again.one"].module == "again_checks.x"


def test_our_own_checks_lie_where_their_ids_say() -> None:
    for check in registry.load_checks().values():
        if check.module.startswith(registry.OURS):
            assert check.module == f"{registry.OURS}.{check.id.replace('-', '_')}"


def test_the_digest_follows_the_sources(install, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    install.write(
        "mine", {"mine_checks/__init__.py": "", "mine_checks/x.py": CHECK.format(id="mine.one"), "mine_checks/helper.py": "A = 1\n"}
    )
    install("mine", "mine_checks")
    checks = registry.load_checks()
    mine = {"mine.one": checks["mine.one"]}
    first = registry.checks_digest(mine)
    assert registry.checks_digest(mine) == first
    helper = tmp_path / "site-mine" / "mine_checks" / "helper.py"
    helper.write_text("A = 2\n")
    assert registry.checks_digest(mine) != first
    helper.write_text("A = 1\n")
    assert registry.checks_digest(mine) == first
