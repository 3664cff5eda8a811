"""The rules of the house, held by the suite so that nobody has to remember them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sovaudit import directives, registry
from sovaudit.cli import docs

TOP = Path(__file__).resolve().parents[1]
SOURCE = TOP / "src/sovaudit"
CHECKS = sorted(path for path in (TOP / "checks").glob("*/*.py") if path.name != "__init__.py")

# Low to high: a module imports only from its own layer or those above it in this list.
LAYERS = (
    ("errors",),
    ("bulk", "canon"),
    ("model",),
    ("bundle", "bundle_format", "bundle_manifest", "bundle_rows", "bundle_writer", "data"),
    ("tables", "ibis_questions"),
    ("facts",),
    ("authoring",),
    ("content",),
    ("binding",),
    ("answers",),
    ("engine",),
    ("documents", "directives", "profiles"),
    ("registry",),
    ("collectors",),
    ("testing", "testing_logs"),
    ("gates",),
    ("reports",),
    ("keys", "seal", "seal_cms"),
    ("output", "printing"),
    ("audit",),
    ("history",),
    ("originals",),
    ("verification",),
    ("__init__",),
    ("cli", "__main__"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def layer(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return parts[0]


def imported(path: Path) -> set[str]:
    """First-level names below sovaudit that a module imports, also inside functions; what only type checkers see does not count."""
    tree = ast.parse(path.read_text("utf-8"))
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sovaudit"):
            rest = node.module.split(".")[1:]
            found |= {rest[0]} if rest else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("sovaudit.")}
    return found - {"__version__"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    assert layer(path) in RANK, f"{path} stands in no layer"
    mine = RANK[layer(path)]
    above = sorted(name for name in imported(path) if RANK.get(name, -1) > mine)
    assert not above, f"{path.relative_to(SOURCE)} imports {above} from above it"


@pytest.mark.parametrize("path", [p for p in modules() if layer(p) in ("facts", "authoring", "engine", "model")], ids=str)
def test_nothing_below_the_collectors_does_io(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    names = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    attributes = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    assert "open" not in names
    assert not attributes & {"now", "utcnow", "today", "read_text", "read_bytes", "getenv", "urlopen", "Popen"}
    assert "environ" not in {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_files_stay_short() -> None:
    folders = [SOURCE, TOP / "checks", TOP / "tests", TOP / "benchmarks"]
    long = {str(path.relative_to(TOP)): n for f in folders for path in f.rglob("*.py") if (n := path.read_text("utf-8").count("\n")) > 450}
    assert not long


def test_a_checks_id_is_its_path() -> None:
    for path in CHECKS:
        wanted = f"{path.parent.name}.{path.stem}".replace("_", "-")
        assert wanted in registry.load_checks(), path


def test_every_check_has_its_tests() -> None:
    for path in CHECKS:
        assert (TOP / f"tests/checks/test_{path.parent.name}_{path.stem}.py").is_file(), path


def test_every_check_is_one_screen_and_has_a_page() -> None:
    for check in docs.builtin().values():
        assert "Remedy:" in check.page, check.id
        assert len(check.title) < 110, check.id


def test_directives_and_profiles_name_checks_that_exist() -> None:
    checks = docs.builtin()
    directives.load_directives(directives.directive_ids(), checks=checks)


def test_generated_pages_are_fresh() -> None:
    assert docs.stale(TOP / "docs") == []


def test_nothing_is_left_open() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error")
    for folder in (SOURCE, TOP / "checks"):
        for path in folder.rglob("*.py"):
            assert not any(word in path.read_text("utf-8") for word in words), path
