"""python -m sovaudit.cli.docs FOLDER [--check]: write the generated pages, or say which are stale."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sovaudit.authoring import Check


def builtin() -> dict[str, Check]:
    """Our own checks: a plugin that happens to be installed has no page here."""
    from sovaudit import registry

    return {name: check for name, check in registry.load_checks().items() if check.module.startswith("sovaudit.content.")}


def pages() -> dict[str, str]:
    """Every generated file below docs/, by relative path."""
    from sovaudit import directives
    from sovaudit.cli import exit_codes
    from sovaudit.model.report import Report
    from sovaudit.reports import explain as page

    checks = builtin()
    every = directives.load_directives(directives.directive_ids())
    found = {f"checks/{check.id}.md": page.check_page(check, every) for check in checks.values()}
    found["checks/README.md"] = page.index(checks.values())
    found["exit-codes.md"] = exit_codes.markdown()
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "sovaudit/report/1",
        **Report.model_json_schema(by_alias=True),
    }
    found["report.schema.json"] = json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return found


def stale(folder: Path) -> list[str]:
    """Paths that differ from what would be generated, or that nothing generates any more."""
    wanted = pages()
    wrong = [name for name, text in wanted.items() if not (folder / name).is_file() or (folder / name).read_text("utf-8") != text]
    extra = [f"checks/{path.name}" for path in (folder / "checks").glob("*.md") if f"checks/{path.name}" not in wanted]
    return sorted(wrong + extra)


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]) if arguments else Path("docs")
    if "--check" in arguments:
        wrong = stale(folder)
        for name in wrong:
            print(f"{folder / name} is stale: run `make docs`", file=sys.stderr)
        return 1 if wrong else 0
    for name in stale(folder):
        if name not in pages():
            (folder / name).unlink()
    for name, text in pages().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
