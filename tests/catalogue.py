"""Every text that must be translated, found in the source; and the French catalogue brought up to date with it.

python -m tests.catalogue            what is missing
python -m tests.catalogue --update   write new entries (empty) into the .po file and drop those that nobody says any more
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

from sovaudit.facts.factors import Factor
from sovaudit.model.verdict import Reason, TargetStatus
from sovaudit.reports.locale import PAGES, REMARKS, WORDS, catalogue_path
from sovaudit.reports.pages import REMEDY, remedy_of, sections, title_of

TOP = Path(__file__).resolve().parents[1]
REPORTS = TOP / "src" / "sovaudit" / "reports"
_OUTCOMES = {"passed", "failed", "unknown", "not_applicable", "_unknown", "_error"}
_UI = {"t", "mark"}


def literals(node: ast.expr | None, module: ast.Module) -> list[str] | None:
    """The texts that an expression can be: a literal, a choice of literals, or a name bound to literals in its module. None: cannot be told."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        both = [literals(node.body, module), literals(node.orelse, module)]
        return None if None in both else [text for part in both for text in part or ()]
    if isinstance(node, ast.BoolOp):
        parts = [literals(value, module) for value in node.values]
        return [text for part in parts for text in part or ()] or None
    if isinstance(node, ast.Name):
        bound = [
            literals(a.value, module)
            for a in ast.walk(module)
            if isinstance(a, ast.Assign) and any(isinstance(n, ast.Name) and n.id == node.id for n in a.targets)
        ]
        return None if not bound or None in bound else [text for part in bound for text in part or ()]
    if isinstance(node, ast.Subscript):
        return literals(node.value, module)
    if isinstance(node, ast.Dict):
        parts = [literals(value, module) for value in node.values]
        return None if None in parts else [text for part in parts for text in part or ()]
    return None


def outcomes(path: Path) -> Iterator[tuple[str | None, int]]:
    """(template, line) of every outcome that a module gives: messages and what would settle them. None where it is no literal."""
    module = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _OUTCOMES:
            asked = [node.args[0]] if node.args else []
            asked += [keyword.value for keyword in node.keywords if keyword.arg == "settle"]
            for expression in asked:
                for text in literals(expression, module) or [None]:
                    if text != "":
                        yield text, expression.lineno


def page_texts(path: Path) -> Iterator[str]:
    """A check's title and remedy."""
    page = page_of(path)
    if page:
        yield title_of(page)
        if remedy_of(page):
            yield remedy_of(page)


def page_of(path: Path) -> str:
    """A check's page; empty for a module that makes none."""
    module = ast.parse(path.read_text("utf-8"))
    page = ast.get_docstring(module) or ""
    makes = any(
        isinstance(node, ast.FunctionDef)
        and any(isinstance(d, ast.Call) and getattr(d.func, "id", "") == "check" for d in node.decorator_list)
        for node in module.body
    )
    return page if makes else ""


def interface(path: Path) -> Iterator[str]:
    """Texts of the report's own Python: `t("…")`, `t.plural("…", "…", n)`, `mark("…")`."""
    module = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = node.args[:2] if name == "plural" else node.args[:1] if name in _UI else []
        yield from (text for argument in texts for text in literals(argument, module) or ())


def templates() -> Iterator[str]:
    environment = Environment(autoescape=True)
    for path in sorted((TOP / "templates").rglob("*.j2")):
        for call in environment.parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "t":
                texts = call.args[:1]
            elif isinstance(call.node, nodes.Getattr) and call.node.attr == "plural":
                texts = call.args[:2]
            else:
                continue
            yield from (text.value for text in texts if isinstance(text, nodes.Const) and isinstance(text.value, str))


ENGINE = ("engine", "answers")


def engine() -> Iterator[str]:
    """What the engine says itself: literals bound to `text` or `settle`, given to `_unknown` and `_error`, second in an Outcome, or in `_settle`."""
    for name in ENGINE:
        module = ast.parse((TOP / "src" / "sovaudit" / f"{name}.py").read_text("utf-8"))
        for node in ast.walk(module):
            found: list[ast.expr] = []
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", "")
                found += node.args[:1] if name in ("_unknown", "_error") else node.args[1:2] if name == "Outcome" else []
                found += [keyword.value for keyword in node.keywords if keyword.arg == "settle"]
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "text":
                found.append(node.value)
            elif isinstance(node, ast.FunctionDef) and node.name == "_settle":
                found += [c for c in ast.walk(node) if isinstance(c, ast.Constant) and isinstance(c.value, str) and " " in c.value]
            for expression in found:
                yield from (text for text in literals(expression, module) or () if text)


def phrases() -> Iterator[str]:
    """Values of the arguments that `locale.PHRASES` names: words of ours that facts and the engine put into messages."""
    yield from (word.value for kind in (Factor, Reason, TargetStatus) for word in kind)
    yield "nothing"
    for path in sorted((TOP / "src" / "sovaudit" / "facts").glob("*.py")):
        module = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef) and node.name == "words":
                body = node.body[1:] if ast.get_docstring(node) else node.body
                held = [c.value for part in body for c in ast.walk(part) if isinstance(c, ast.Constant) and isinstance(c.value, str)]
                yield from (text for text in held if " " in text)
            if isinstance(node, ast.Call):
                asked = [keyword.value for keyword in node.keywords if keyword.arg == "why"]
                asked += node.args[1:2] if getattr(node.func, "id", "") in ("Answer", "Source", "Says") else []
                yield from (text for expression in asked for text in literals(expression, module) or () if " " in text)


def sources() -> dict[str, str]:
    """Every template → the first place that says it."""
    found: dict[str, str] = {}
    for path in sorted((TOP / "checks").glob("*/*.py")):
        place = str(path.relative_to(TOP))
        for text in [*page_texts(path), *(text for text, _ in outcomes(path) if text)]:
            found.setdefault(text, place)
    for text in engine():
        found.setdefault(text, "src/sovaudit/answers.py")
    for text in phrases():
        found.setdefault(text, "src/sovaudit/facts")
    for path in sorted(REPORTS.glob("*.py")):
        for text in interface(path):
            found.setdefault(text, str(path.relative_to(TOP)))
    for text in templates():
        found.setdefault(text, "templates")
    return found


def page_sources() -> dict[str, str]:
    """Every paragraph of a check's page but its title and remedy → the check's file."""
    found: dict[str, str] = {}
    for path in sorted((TOP / "checks").glob("*/*.py")):
        for paragraph in sections(page_of(path)):
            if not paragraph[0].startswith(REMEDY):
                found.update({text: str(path.relative_to(TOP)) for text in paragraph if text not in found})
    return found


ACTS = ("{a} by an account with uid {b}", "{a} days", "{a} runs", "{a} was not seen: {b}")
"""What facts put together from parts, and is found by nobody who reads one expression."""
SEEN = {"accepted", "empty", "never", "none", "nothing", "refused"}
"""What is seen in one word."""


def remark_sources() -> dict[str, str]:
    """Every sentence that a gap or a line without a number remarks → the first file that says it; a name in it is `{a}`, the next one `{b}`."""
    found = dict.fromkeys(ACTS, "src/sovaudit/facts/audit.py")
    for path in sorted((TOP / "profiles").glob("*.toml")):
        for origin in (row["origin"] for row in tomllib.loads(path.read_text("utf-8"))["checks"] if "origin" in row):
            found.setdefault(origin["source"], str(path.relative_to(TOP)))
    for path in sorted([*(TOP / "src" / "sovaudit").rglob("*.py"), *(TOP / "checks").glob("*/*.py")]):
        module = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(module):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "why":
                found.update(
                    {text: str(path.relative_to(TOP)) for text in _shapes(node.value, module) if " " in text and text not in found}
                )
            if not isinstance(node, ast.Call):
                continue
            asked = node.args[2:3] if getattr(node.func, "id", "") in ("Gap", "Line", "Kept") else []
            asked += [keyword.value for keyword in node.keywords if keyword.arg == "seen"]
            for text in (text for expression in asked for text in _shapes(expression, module)):
                if text in SEEN or len(re.findall(r"(?<![{\w])[A-Za-z']{2,}(?![\w}])", text)) > 1:
                    found.setdefault(text, str(path.relative_to(TOP)))
    return found


def _shapes(node: ast.expr, module: ast.Module) -> list[str]:
    if isinstance(node, ast.IfExp):
        return _shapes(node.body, module) + _shapes(node.orelse, module)
    if isinstance(node, ast.JoinedStr):
        names = iter("abcdefgh")
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else f"{{{next(names)}}}" for part in node.values)]
    if isinstance(node, ast.Name) and node.id.isupper():
        return [
            t
            for a in module.body
            if isinstance(a, ast.Assign) and getattr(a.targets[0], "id", "") == node.id
            for t in _shapes(a.value, module)
        ]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


SOURCES = {WORDS: sources, PAGES: page_sources, REMARKS: remark_sources}


def read(language: str = "fr", domain: str = WORDS) -> Catalog:
    path = catalogue_path(language, domain)
    if not path.exists() or not path.stat().st_size:
        return Catalog(language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(language: str = "fr", translations: dict[str, str] | None = None, domain: str = WORDS) -> None:
    old, new = read(language, domain), Catalog(language, project="sovaudit", charset="utf-8")
    for text, place in SOURCES[domain]().items():
        held = old.get(text)
        string = (translations or {}).get(text) or (held.string if held and not held.fuzzy else "")
        new.add(text, string, locations=[(place, 0)])
    new.header_comment = "# French catalogue of sovaudit. The English template is the key; see docs/report-format.md."
    new.creation_date = new.revision_date = None  # type: ignore[assignment]
    with catalogue_path(language, domain).open("wb") as file:
        write_po(file, new, width=0, omit_header=True, include_lineno=False, sort_by_file=True)


def missing(language: str = "fr", domain: str = WORDS) -> list[str]:
    held = {m.id: m.string for m in read(language, domain) if m.id and not m.fuzzy}
    return [text for text in SOURCES[domain]() if not held.get(text)]


if __name__ == "__main__":
    lacking = []
    for name in SOURCES:
        if "--update" in sys.argv:
            update(domain=name)
        if name != REMARKS:  # what of these nobody translated stays English
            lacking += missing(domain=name)
    print("\n".join(lacking))
    sys.exit(1 if lacking else 0)
