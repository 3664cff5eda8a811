"""Find checks by the entry point group `sovaudit.checks`: ours come in by the door that plugins use.

An entry point names a module or a package; every `Check` object in it and in its sub-modules is found.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from sovaudit import canon
from sovaudit.authoring import Check
from sovaudit.errors import UsageError

GROUP = "sovaudit.checks"
OURS = "sovaudit.content.checks"


def load_checks() -> Mapping[str, Check]:
    """Every installed check by id, in order of ids. Raises UsageError for a plugin that does not import and for two checks with one id."""
    points = sorted(set(entry_points(group=GROUP)), key=lambda point: (point.value != OURS, point.value, point.name))
    if not points:
        raise UsageError(
            "no checks are installed", where=f"entry points {GROUP}", hint="Install sovaudit with pip; `pip install .` in a checkout."
        )
    found: dict[str, Check] = {}
    for point in points:
        for check in _checks_of(point):
            known = found.setdefault(check.id, check)
            if known is not check:
                raise UsageError(
                    f"two checks are called {check.id}: in {known.module} and in {check.module}",
                    where=_name(point),
                    hint="Rename one of them.",
                )
    return dict(sorted(found.items()))


def _checks_of(point: EntryPoint) -> Iterator[Check]:
    seen: set[int] = set()
    for module in _modules(point.module, point):
        for value in list(vars(module).values()):
            if isinstance(value, Check) and id(value) not in seen:
                seen.add(id(value))
                _refuse_misplaced(value)
                yield value
    if not seen:
        if point.value == OURS:
            return  # a checkout where none is written yet
        raise UsageError("it holds no check", where=_name(point), hint="Decorate a function with sovaudit.check.")


def _modules(name: str, point: EntryPoint) -> Iterator[ModuleType]:
    """The module and all below it, in order of names."""
    module = _import(name, point)
    yield module
    if hasattr(module, "__path__"):
        for below in sorted(info.name for info in pkgutil.iter_modules(module.__path__)):
            yield from _modules(f"{name}.{below}", point)


def _import(name: str, point: EntryPoint) -> ModuleType:
    try:
        return importlib.import_module(name)
    except UsageError:
        raise  # the decorator has said what is wrong with the check
    except (Exception, SystemExit) as error:
        what = f"{name} does not import ({type(error).__name__}: {error})"
        raise UsageError(what, where=_name(point), hint="Mend it, or uninstall the package that brings it.") from error


def _name(point: EntryPoint) -> str:
    package = point.dist.name if point.dist else "an unknown package"
    return f"plugin {point.name} of {package}"


def _refuse_misplaced(check: Check) -> None:
    """Our own checks are where their ids say: two_factor/ssh_login.py is two-factor.ssh-login."""
    if check.module.startswith(OURS + "."):
        expected = check.module.removeprefix(OURS + ".").replace("_", "-")
        if check.id != expected:
            raise UsageError(f"check {check.id} lies where {expected} belongs", where=check.module, hint="An id is its file's path.")


def checks_digest(checks: Mapping[str, Check]) -> str:
    """SHA-256 over the source of everything of ours and the plugins' that can change a verdict.

    That is: the packages that these checks come from, the facts that they ask, the engine that runs them.
    Names are module names, so that a checkout and an installed wheel agree. Raises UsageError where a source cannot be read.
    """
    import sovaudit.facts

    manifest: dict[str, str] = {}
    for name in ("sovaudit.authoring", "sovaudit.binding", "sovaudit.engine", "sovaudit.tables"):
        _add(manifest, name, _source(name))
    _add_tree(manifest, "sovaudit.facts", sovaudit.facts.__path__)
    for package in sorted({_package(check.module) for check in checks.values()}):
        module = sys.modules.get(package) or importlib.import_module(package)
        if hasattr(module, "__path__"):
            _add_tree(manifest, package, module.__path__)
        else:
            _add(manifest, package, _source(package))
    return canon.digest(canon.canonical({"checks": sorted(checks), "source": manifest}))


def _package(module: str) -> str:
    """The package whose sources a check's verdict may rest on: all of ours, all of a plugin's."""
    return OURS if module.startswith(OURS + ".") else module.split(".")[0]


def _add_tree(manifest: dict[str, str], name: str, folders: Iterable[str]) -> None:
    for folder in folders:
        root = Path(folder)
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            _add(manifest, ".".join([name, *parts]), path)


def _add(manifest: dict[str, str], name: str, path: Path) -> None:
    try:
        manifest[name] = canon.digest(path.read_bytes())
    except OSError as error:
        raise UsageError(f"its source cannot be read ({error.strerror}), so its verdicts cannot be told from others", where=name) from error


def _source(name: str) -> Path:
    spec = importlib.util.find_spec(name) if name not in sys.modules else sys.modules[name].__spec__
    file = (spec.origin if spec else None) or getattr(sys.modules.get(name), "__file__", None)
    if not file:
        raise UsageError("it has no source file, so its verdicts cannot be told from others", where=name)
    return Path(file)
