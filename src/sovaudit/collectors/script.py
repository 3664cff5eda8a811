"""The script that goes to the target, put together from posix/ and the list. The same bytes are sent, installed and pinned."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from sovaudit.collectors import items

COLLECTOR = "sovaudit-posix/1"
LOADER = 'while IFS= read -r l; do [ "$l" = SOVAUDIT-SCRIPT ] && exec /bin/sh -s; done'


def _part(name: str) -> str:
    return resources.files("sovaudit.collectors").joinpath("posix", name).read_text(encoding="utf-8")


def awk() -> str:
    """The awk program of the script."""
    return _part("scan.awk") + _part("serials.awk") + _part("logtail.awk") + _part("collect.awk")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _expression(patterns: tuple[str, ...], *, below: str = "") -> str:
    """Shell patterns as one POSIX extended expression over the whole path."""
    each = (
        re.sub(r"[.+^$(){}|]", lambda match: "[" + match[0] + "]" if match[0] != "^" else "\\^", name).replace(
            "*", "[^/]*" if below else ".*"
        )
        for name in patterns
    )
    return "^" + below + "(" + "|".join(each) + ")$"


@cache
def body() -> str:
    """The script without its first line: POSIX sh, everything inside one function, started by the last line."""
    commands = "\n".join(
        f"run {command.name} {command.needs or _quoted('')} {'root' if command.root else 'any'} {_quoted(command.line)}"
        for command in items.COMMANDS
    )
    main = _part("main.sh")
    guard = main[main.index("# guard SECONDS") :]
    homes = [f"c %h/{name}" for name in items.HOME_FILES] + [f"r %h/{name}" for name in items.HOME_STARTUP]
    homes += [f"s %h/{name}" if name else "s %h" for name in items.HOME_STATS]
    packages = (
        "^("
        + "|".join([re.escape(name).replace("\\-", "-") for name in items.PACKAGES] + [f"{prefix}.*" for prefix in items.PACKAGE_PREFIXES])
        + ")$"
    )
    texts = {
        "SOVAUDIT_AWK": awk(),
        "SOVAUDIT_FN": _part("walk.sh"),
        "SOVAUDIT_PROCESSES": _part("processes.sh"),
        "SOVAUDIT_COMMANDS": guard + _part("commands.sh") + commands + "\nprintf '%s b\\n' \"$N\"\n",
        "SOVAUDIT_PROC": " ".join(f"{name} {path}" for name, path in items.PROC_FILES.items()),
        "SOVAUDIT_ITEMS": "\n".join(dict.fromkeys(item.line for item in items.ITEMS)),
        "SOVAUDIT_NEVER": _expression(items.NEVER),
        "SOVAUDIT_LOGS": _expression(items.LOGS, below="/var/log/"),
        "SOVAUDIT_PACKAGES": packages,
        "SOVAUDIT_HOMES": "\n".join(homes),
        "SOVAUDIT_SCANNED": " ".join(items.SCANNED),
        "SOVAUDIT_UNSCANNED": " ".join(items.UNSCANNED),
    }
    setup = "\n".join(f"{name}={_quoted(text)}" for name, text in texts.items())
    return f"{setup}\n{main}sovaudit_main </dev/null\nexit 0\n"


@cache
def installed_copy() -> bytes:
    """The script as a program: it reads `SOVAUDIT <nonce> <bytes> [log-records]` from its input and takes no argument."""
    head = (
        "#!/bin/sh\n# sovaudit collector: reads and prints, writes nothing. sudoers pins this file by its digest.\n"
        "unset SOVAUDIT_N SOVAUDIT_MAX SOVAUDIT_MORE\n"
        'while read -r w SOVAUDIT_N SOVAUDIT_MAX SOVAUDIT_MORE; do [ "$w" = SOVAUDIT ] && break; done\n'
    )
    return (head + body()).encode()


def sent(nonce: str, max_bytes: int, more: str = "") -> bytes:
    """What `sh -s` reads. more: `log-records`, or nothing."""
    return f"SOVAUDIT_N={nonce} SOVAUDIT_MAX={max_bytes} SOVAUDIT_MORE={more}\n{body()}".encode()
