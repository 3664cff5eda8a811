"""Whether sudo lets an account put a library of its own into the program it runs: `sudo LD_PRELOAD=./x.so COMMAND` (sudoers(5), Command environment).

Variables of the command line pass unasked with SETENV; else with `env_reset` those that env_keep names, without it those that env_delete does not.
"""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.parse.sudoers import Default
from sovaudit.facts.sudo_match import YES, Request, Target

if TYPE_CHECKING:
    from sovaudit.facts.sudo import Sudo

LIBRARIES = ("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT")
VARIABLES = {  # those by which an interpreter, run with a fixed script, is told what else to run
    "python": ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE"), "perl": ("PERL5LIB", "PERLLIB", "PERL5OPT"), "ruby": ("RUBYLIB", "RUBYOPT"),
    "bash": ("BASH_ENV",), "zsh": ("ZDOTDIR",), "node": ("NODE_OPTIONS", "NODE_PATH"), "php": ("PHPRC", "PHP_INI_SCAN_DIR"),
    "java": ("JAVA_TOOL_OPTIONS", "CLASSPATH"), "lua": ("LUA_INIT", "LUA_PATH"), "tar": ("TAR_OPTIONS",), "rsync": ("RSYNC_RSH",),
    "nodejs": ("NODE_OPTIONS", "NODE_PATH"), "apt-get": ("APT_CONFIG",), "apt": ("APT_CONFIG",),
}  # fmt: skip
_NUMBERS = re.compile(r"[\d.]+$")
_DELETED = (  # by sudo itself where the environment is kept (env.c); a value that begins with `()` goes, too
    "IFS CDPATH LOCALDOMAIN RES_OPTIONS HOSTALIASES NLSPATH PATH_LOCALE LD_* _RLD* TERMINFO TERMINFO_DIRS TERMPATH TERMCAP ENV BASH_ENV PS4 "
    "GLOBIGNORE BASHOPTS SHELLOPTS JAVA_TOOL_OPTIONS PERLIO_DEBUG PERLLIB PERL5LIB PERL5OPT PERL5DB FPATH NULLCMD READNULLCMD ZDOTDIR TMPPREFIX "
    "PYTHONHOME PYTHONPATH PYTHONINSPECT PYTHONUSERBASE RUBYLIB RUBYOPT"
).split()
_OPTIONS = frozenset(("setenv", "env_keep", "env_delete", "env_reset"))


def variables(command: str) -> tuple[str, ...]:
    """Those of the interpreter that stands at a path: python3.11 and python3 are python."""
    name = posixpath.basename(command)
    return VARIABLES.get(name) or VARIABLES.get(_NUMBERS.sub("", name), ())


def concerns(sudo: Sudo) -> bool:
    """Whether anything in the policy could let such a variable through: mostly nothing does."""
    if any(default.name in _OPTIONS for default in sudo.policy.defaults):
        return True
    return any("SETENV" in command.tags for spec in sudo.policy.specs for privilege in spec.privileges for command in privilege.commands)


def injects(sudo: Sudo, account: Account, target: Target, request: Request, names: tuple[str, ...] = LIBRARIES) -> bool | None:
    """Whether one of these variables passes; None where a Defaults that decides may or may not apply."""
    rows = [(default, applies == YES) for default, applies in sudo.defaults("", account, target, request) if default.name in _OPTIONS]
    answers = {_passes(rows, name, doubtful) for name in names for doubtful in (True, False)}
    certain = any(_passes(rows, name, True) and _passes(rows, name, False) for name in names)
    return True if certain else None if True in answers else False


def _passes(rows: list[tuple[Default, bool]], name: str, doubtful: bool) -> bool:
    """doubtful: whether Defaults that are not certain to apply are taken to apply."""
    options = {"setenv": False, "env_reset": True}
    keep: list[str] = []
    delete = list(_DELETED)
    for default, sure in rows:
        if not sure and not doubtful:
            continue
        if default.name in options:
            if default.op in ("", "!"):
                options[default.name] = default.op == ""
            continue
        chosen = keep if default.name == "env_keep" else delete
        words = default.value.split()
        if default.op in ("=", "!"):
            chosen[:] = words
        elif default.op == "+":
            chosen += [word for word in words if word not in chosen]
        elif default.op == "-":
            chosen[:] = [word for word in chosen if word not in words]
    if options["setenv"]:
        return True
    named = keep if options["env_reset"] else delete
    return any(fnmatchcase(name, word) for word in named if "=" not in word) == options["env_reset"]
