"""sovaudit new check ID: a plugin package with one check and its test, ready to run."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from sovaudit.errors import UsageError
from sovaudit.output import write_whole

_CHECK = '''"""No account has the login name guest.

Why: a shared account hides who acted. This passes for a host whose passwd(5) names no `guest`, and fails where it does.

Remedy: remove the account (`userdel guest`).
"""

from sovaudit.authoring import Host, Outcomes, check, failed, passed


@check("{id}", severity="medium", since="0.1")
def {function}(host: Host, *, name: str = "guest") -> Outcomes:
    account = host.accounts.get(name)
    if account is None:
        yield passed("no account is called {{name}}", subject=name, name=name)
    else:
        yield failed("{{name}} exists with uid {{uid}}", subject=name, because=account.because, name=name, uid=account.uid)
'''
_TEST = """from {package}.{function} import {function}
from sovaudit.testing import host_with, run, verdicts

GUEST = "root:x:0:0::/root:/bin/bash\\nguest:x:1001:1001::/home/guest:/bin/sh\\n"


def test_a_host_without_guest_passes() -> None:
    assert verdicts(run({function}, host_with())) == {{"guest": "pass"}}


def test_a_guest_fails() -> None:
    assert verdicts(run({function}, host_with({{"/etc/passwd": GUEST}}))) == {{"guest": "fail"}}


def test_an_unseen_passwd_is_unknown() -> None:
    assert "unknown" in verdicts(run({function}, host_with(unseen=["/etc/passwd"]))).values()
"""
_PROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.1.0"
dependencies = ["sovaudit"]

[project.entry-points."sovaudit.checks"]
{package} = "{package}"

[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["check"], metavar="check", help="a package with one check and its test")
    parser.add_argument("id", metavar="FAMILY.NAME", help="for example acme.no-guest")
    parser.add_argument("--out", metavar="DIR", help="folder of the new package (the family's name)")


def run(options: argparse.Namespace) -> int:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\.[a-z][a-z0-9]*(-[a-z0-9]+)*", options.id):
        raise UsageError(f"{options.id!r} is no check id", hint="An id is family.name, in lower case with dashes: acme.no-guest.")
    family, name = options.id.split(".")
    words = {
        "id": options.id,
        "function": name.replace("-", "_"),
        "name": f"sovaudit-{family}",
        "package": f"sovaudit_{family}".replace("-", "_"),
    }
    folder = Path(options.out or words["name"])
    if folder.exists():
        raise UsageError("exists", where=str(folder), hint="Choose another --out.")
    package = folder / words["package"]
    package.mkdir(parents=True)
    files = {
        folder / "pyproject.toml": _PROJECT,
        package / "__init__.py": "",
        package / f"{words['function']}.py": _CHECK,
        folder / f"test_{words['function']}.py": _TEST,
    }
    for path, text in files.items():
        print(write_whole(path, text.format(**words).encode()))
    print(f"next: pip install -e {folder} && sovaudit list checks")
    return 0
