"""docs/truth.md, from what the truth tests really said.

python -m tests.truth_table                    count the cases anew and write the page; agreement stays as it was last measured
python -m tests.truth_table --results FILE …   take the outcomes from pytest's JUnit files (`pytest tests/truth --junitxml FILE`)
python -m tests.truth_table --run              run the truth tests first (needs root; half an hour on a slow machine)
python -m tests.truth_table --planted FILE     take what was planted in directories from the notes of tests/directories (SOVAUDIT_PLANTED=FILE)
python -m tests.truth_table --peers            ask OpenSCAP and Lynis again (needs openscap-scanner, ssg-debian and lynis)
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sovaudit.cli import docs

TOP = Path(__file__).resolve().parents[1]
TRUTH = TOP / "tests" / "truth"
DATA = TOP / "tests" / "data" / "truth.json"
PLANTED = TOP / "tests" / "data" / "planted_directories.json"
PAGE = TOP / "docs" / "truth.md"
AUDIT = (
    "log-completeness.identity-changes", "log-completeness.privilege-changes", "log-completeness.log-config-changes",
    "log-completeness.privileged-actions", "log-completeness.time-changes", "log-completeness.module-loads",
)  # fmt: skip
# Modules that compare facts, which the named checks ask.
FACTS = {
    "test_ssh_effective": ("two-factor.ssh-login", "two-factor.ssh-password-alone", "least-privilege.root-ssh"),
    "test_ssh": ("two-factor.ssh-login", "two-factor.ssh-privileged", "password-policy.no-empty", "least-privilege.root-ssh"),
    "test_sudo": ("least-privilege.sudo-root", "least-privilege.sudo-nopasswd"),
    "test_sudo_unasked::test_asks_nothing": ("least-privilege.sudo-nopasswd",),
    "test_logs": ("log-completeness.auth-events", "log-completeness.central"),
    "test_logrotate": ("log-completeness.retention",),
    "test_passwords": ("password-policy.min-length",),
    "test_shell_startup": ("least-privilege.session-timeout",),
    "test_journald": ("log-completeness.persistent",),
    "test_audit::test_the_kernel_holds_the_rules_that_we_say": AUDIT,
    "test_audit::test_changes_of_a_file_are_recorded_as_we_say": AUDIT[:3],
    "test_audit::test_commands_are_recorded_as_we_say": AUDIT[3:4],
    "test_audit_daemon::test_we_say_whether_auditd_starts": ("log-completeness.audit-protected",),
    "test_audit::test_clocks_and_modules_are_recorded_as_we_say": AUDIT[4:],
}


def imported(tree: ast.Module) -> dict[str, str]:
    """Name in the module → id of the check that it imports."""
    found = {}
    for node in ast.walk(tree):
        match = (
            re.fullmatch(r"(?:sovaudit\.content\.)?checks\.(\w+)(?:\.(\w+))?", node.module or "")
            if isinstance(node, ast.ImportFrom)
            else None
        )
        for alias in node.names if match is not None and isinstance(node, ast.ImportFrom) else ():
            check = f"{match[1]}.{match[2] or alias.name}".replace("_", "-") if match else ""
            if check in docs.builtin():
                found[alias.asname or alias.name] = check
    return found


def reached(tree: ast.Module, function: ast.FunctionDef) -> set[str]:
    """Names that a test function uses, also through functions of its own module."""
    helpers = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    tables = {
        target.id: node for node in tree.body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)
    }
    seen: set[str] = set()
    pending: list[ast.AST] = [function]
    while pending:
        for node in ast.walk(pending.pop()):
            if isinstance(node, ast.Name) and node.id not in seen:
                seen.add(node.id)
                if node.id in helpers or node.id in tables:
                    pending.append(helpers.get(node.id) or tables[node.id])
    return seen


def asked() -> dict[str, set[str]]:
    """`module::test` → the checks that it is about."""
    found: dict[str, set[str]] = {}
    for path in sorted(TRUTH.glob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        names = imported(tree)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                checks = {names[name] for name in reached(tree, node) & set(names)}
                checks = checks or set(FACTS.get(f"{path.stem}::{node.name}", FACTS.get(path.stem, ())))
                found[f"{path.stem}::{node.name}"] = checks & set(docs.builtin())
    return found


def collected() -> dict[str, int]:
    """`module::test` → how many cases pytest has for it."""
    said = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", str(TRUTH)], capture_output=True, text=True, cwd=TOP, check=True
    )
    found: dict[str, int] = {}
    for line in said.stdout.splitlines():
        match = re.match(r"tests/truth/(\w+)\.py::(\w+)", line)
        if match:
            found[f"{match[1]}::{match[2]}"] = found.get(f"{match[1]}::{match[2]}", 0) + 1
    return found


def outcomes(files: list[Path]) -> dict[str, list[int]]:
    """`module::test` → [agreed, did not] from JUnit files. What was skipped counts as neither."""
    found: dict[str, list[int]] = {}
    for file in files:
        for case in ET.parse(file).getroot().iter("testcase"):
            name = f"{case.get('classname', '').split('.')[-1]}::{case.get('name', '').split('[')[0]}"
            bad = case.find("failure") is not None or case.find("error") is not None
            if case.find("skipped") is None and "truth." in case.get("classname", ""):
                counts = found.setdefault(name, [0, 0])
                counts[1 if bad else 0] += 1
    return found


def render(data: dict[str, Any]) -> str:
    """The page, from the data alone and the list of checks."""
    rows = data["checks"]
    lines = [
        "# What was compared with the real programs",
        "",
        "Generated by `python -m tests.truth_table`; the numbers are kept in tests/data/truth.json.",
        "",
        "A case is a small change to a real Debian 12 root and a question. The real program acts there (sshd, PAM, sudo, rsyslogd, logrotate,",
        "the kernel's audit …), and the check, or the facts that it asks, judges the same root from its evidence alone. A test that puts many",
        "questions to one root counts once. A case may bear on several checks, so the sums are larger than the number of cases.",
        "",
        f"Counted on {data['counted']}: {data['total']} cases. "
        + (
            f"Run on {data['measured']}: {data['agreed'] + data['differed']} of them; {data['agreed']} agree, {data['differed']} do not."
            if data.get("measured")
            else "Not run yet."
        ),
        "",
        "| check | cases | agree | do not |",
        "|---|---|---|---|",
    ]
    for check in sorted(docs.builtin()):
        row = rows.get(check)
        if ".directory-" in check and not (row and row["cases"]):
            lines.append(f"| {check} | see Directories | | |")
            continue
        if check.startswith("physical-access.") and not (row and row["cases"]):
            lines.append(f"| {check} | see Planted wrongs among badges | | |")
            continue
        if row is None or not row["cases"]:
            lines.append(f"| {check} | 0 | no truth test | |")
        else:
            agreed = "not run" if row.get("agreed") is None else str(row["agreed"])
            lines.append(f"| {check} | {row['cases']} | {agreed} | {'' if row.get('agreed') is None else row['differed']} |")
    lines += _directories()
    peers = data.get("peers") or {}
    if peers:
        lines += ["", "## Beside OpenSCAP and Lynis", "", *_peers(peers)]
    lines += _planted()
    lines += _planted_badges()
    return "\n".join(lines) + "\n"


def _planted() -> list[str]:
    """What `python -m tests.planted_logs` measured last."""
    rows = json.loads((DATA.parent / "planted_logs.json").read_text("utf-8"))
    return [
        "",
        "## Planted silences",
        "",
        "Simulated sources of 4, 12 or 40 records an hour under log-completeness.gaps; in every other one a silence is cut that begins on a",
        "working day at nine. *too short*: the source passes, and the pass itself says that only a longer silence would have shown. *missed*: it",
        "passes although it says otherwise. A false alarm is a source that fails though nothing was cut.",
        "",
        "| life | weeks | cut hours | sources | planted | found | too short | unknown | missed | false alarms |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {row['life']} | {row['weeks']} | {row['hours'] or '-'} | {row['sources']} | {row['planted']} | {row['found']} | {row['short']} "
            f"| {row['unknown']} | {row['missed']} | {row['false']} |"
            for row in rows
        ),
    ]


def _directories() -> list[str]:
    """What tests/directories noted last."""
    planted = json.loads(PLANTED.read_text("utf-8"))
    return [
        "",
        "## Directories",
        "",
        f"Run on {planted['measured']}. Each server is a real one, started by tests/directories with faults planted in it; whether a thing",
        "is a fault is what the server itself does (who is let in, what a password may be, who reads and writes what, what its log holds),",
        "never what a setting says. Two accounts look: an audit account with the rights that it needs, and an ordinary reader, whose",
        "answer may be *unknown*. FreeIPA is its tree in a 389 server: which policy falls on whom is what that server hands out, what a kind of",
        "authentication comes to is FreeIPA's own decision, written out case by case.",
        "",
        "| server · account | faults planted | found | sound objects | passed | unknown | wrong |",
        "|---|---|---|---|---|---|---|",
        *(f"| {name} | " + " | ".join(str(row[key]) for key in _PLANTED) + " |" for name, row in sorted(planted["rows"].items())),
    ]


_PLANTED = ("planted", "found", "sound", "passed", "unknown", "wrong")


def _planted_badges() -> list[str]:
    """What `python -m tests.planted_badges` measured last."""
    data = json.loads((DATA.parent / "planted_badges.json").read_text("utf-8"))
    rows = data["rows"]
    return [
        "",
        "## Planted wrongs among badges",
        "",
        f"Simulated years of life (tests/badge_world.py): {data['worlds']} in which nothing was done, with {data['readers']} readers together, and",
        f"{data['planted_worlds']} with something wrong for each check (tests/badge_plants.py). *answered*: passes and failures in ordinary years;",
        "all else was unknown. A false alarm is a failure in an ordinary year; *others* are failures beside what was planted, in the other years.",
        "*recall*: found of planted; *precision*: found of all failures, in all years.",
        f"False alarms together: {sum(row['false'] for row in rows)}.",
        "",
        "| check | planted | found | missed | recall | others | precision | answered | false alarms |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {row['check']} | {row['planted']} | {row['found']} | {row['missed']} | {_share(row['found'], row['planted'])} | {row['others']} "
            f"| {_share(row['found'], row['found'] + row['others'] + row['false'])} | {row['judged']} | {row['false']} |"
            for row in rows
        ),
    ]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _peers(peers: dict[str, Any]) -> list[str]:
    rows = peers["rows"]
    right = {name: sum(_says(row[name]) == row["really"] for row in rows) for name in ("sovaudit", "oscap", "oscap11", "lynis")}
    asked = {name: sum(not row[name].startswith("no such") for row in rows) for name in right}
    return [
        f"Measured on {peers['measured']} with {peers['versions']}.",
        f"A sample of {len(rows)} roots of the kind that our truth tests prove, chosen by us, half of them traps: so no score of these tools,",
        "which ask about many other things, but a hint at where reading a line differs from what a program does. A rule here is the nearest one",
        "that they have (profiles/peers/peers.toml); it does not always ask the same question.",
        "",
        "- OpenSCAP reads the root from outside. The content of Debian 12's own package ends with Debian 11, so on Debian 12 every rule is",
        "  *notapplicable*. The column *as Debian 11* is the same root after its os-release says Debian 11.",
        "- Lynis runs inside the root, with the named tests alone; *nothing* means that the test ran and had neither warning nor suggestion. No",
        "  daemon runs there, so tests that ask for a running one are *skipped*. *suggestion* and *warning* count as fail, *nothing* as pass.",
        "- *on the stock root*: what the same rules say of a root to which nothing was done (OpenSCAP as Debian 11). Where that is the same",
        "  word, the answer owes nothing to the case.",
        "",
        f"Right of those asked: sovaudit {right['sovaudit']} of {asked['sovaudit']}, OpenSCAP {right['oscap']} of {asked['oscap']} "
        f"(as Debian 11: {right['oscap11']} of {asked['oscap11']}), Lynis {right['lynis']} of {asked['lynis']}.",
        "",
        "| case | check | really | sovaudit | OpenSCAP | as Debian 11 | Lynis | on the stock root | their rules |",
        "|---|---|---|---|---|---|---|---|---|",
        *("| " + " | ".join(row[key] for key in _COLUMNS) + " |" for row in rows),
    ]


_COLUMNS = ("name", "check", "really", "sovaudit", "oscap", "oscap11", "lynis", "stock", "rules")


def _says(words: str) -> str:
    """Their answer as ours: the worst of several."""
    parts = set(words.split(", "))
    if parts & {"fail", "warning", "suggestion"}:
        return "fail"
    return "pass" if parts <= {"pass", "nothing"} else "none"


def main(arguments: list[str]) -> None:
    data: dict[str, Any] = json.loads(DATA.read_text("utf-8")) if DATA.exists() else {}
    today = datetime.now(UTC).date().isoformat()
    if "--planted" in arguments:
        from tests.directories.planted import counted

        notes = Path(arguments[arguments.index("--planted") + 1])
        arguments = [name for name in arguments if name not in ("--planted", str(notes))]
        before = json.loads(PLANTED.read_text("utf-8"))["rows"] if PLANTED.exists() else {}  # servers that were not run keep their rows
        said_there = {"measured": today, "rows": {**before, **counted(notes.read_text("utf-8").splitlines())}}
        PLANTED.write_text(json.dumps(said_there, indent=1, sort_keys=True) + "\n", "utf-8")
    files = [Path(name) for name in arguments if not name.startswith("--")]
    if "--run" in arguments:
        file = Path(tempfile.mkdtemp()) / "truth.xml"
        subprocess.run([sys.executable, "-m", "pytest", "-q", str(TRUTH), "--junitxml", str(file)], cwd=TOP, check=False)
        files.append(file)
    cases, about = collected(), asked()
    said = outcomes(files)
    rows: dict[str, dict[str, Any]] = {}
    for check in sorted(docs.builtin()):
        tests = [name for name, checks in about.items() if check in checks and name in cases]
        rows[check] = {"cases": sum(cases[name] for name in tests), "agreed": None, "differed": None}
        if files and any(name in said for name in tests):
            rows[check] |= {
                "agreed": sum(said.get(name, [0, 0])[0] for name in tests),
                "differed": sum(said.get(name, [0, 0])[1] for name in tests),
            }
        elif check in data.get("checks", {}):
            rows[check] |= {key: data["checks"][check][key] for key in ("agreed", "differed")}
    data |= {"checks": rows, "counted": today, "total": sum(cases.values())}
    if files:
        data |= {"measured": today, "agreed": sum(one[0] for one in said.values()), "differed": sum(one[1] for one in said.values())}
    if "--peers" in arguments:
        from tests import truth_peers

        versions = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Package} ${Version}, ", "openscap-scanner", "ssg-debian", "lynis"],
            capture_output=True,
            text=True,
            check=True,
        )
        data["peers"] = {
            "measured": today,
            "versions": versions.stdout.rstrip(", "),
            "rows": [truth_peers.ask(sample) for sample in truth_peers.SAMPLES],
        }
    DATA.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", "utf-8")
    PAGE.write_text(render(data), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
