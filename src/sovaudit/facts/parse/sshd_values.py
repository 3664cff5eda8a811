"""Values of sshd's keywords that decide no login, and still keep sshd from starting where they are wrong (servconf.c)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

LEVELS = frozenset("quiet fatal error info verbose debug debug1 debug2 debug3".split())
FACILITIES = frozenset(["daemon", "user", "auth", "authpriv", *(f"local{number}" for number in range(8))])
HASHES = frozenset(("md5", "sha1", "sha256", "sha384", "sha512"))
SERVICE_CLASSES = frozenset(
    "af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43 cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7 ef le lowdelay throughput reliability none".split()
)
TUNNELS = frozenset(("ethernet", "point-to-point", "yes", "no"))
GSSAPI = frozenset(
    f"gss-{name}-" for name in "gex-sha1 group1-sha1 group14-sha1 group14-sha256 group16-sha512 nistp256-sha256 curve25519-sha256".split()
)
INT_MAX = 2**31 - 1


def number(text: str) -> int | None:
    """strtonum(3) from 0 to INT_MAX; None if it is no such number."""
    found = re.fullmatch(r"[+]?([0-9]{1,20})", text, re.ASCII)
    return int(found[1]) if found and int(found[1]) <= INT_MAX else None


def seconds(text: str) -> int | None:
    """convtime: `90`, `2m`, `1h30m`; None if it is no time."""
    if not re.fullmatch(r"(\d{1,9}[smhdwSMHDW]?)+", text, re.ASCII):
        return None
    scale = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    total = sum(int(count) * scale[unit.lower()] for count, unit in re.findall(r"(\d+)([smhdwSMHDW]?)", text))
    return total if total <= INT_MAX else None


def _startups(text: str) -> bool:
    found = re.match(r"\s*([-+]?\d+)(?::\s*([-+]?\d+)(?::\s*([-+]?\d+))?)?", text)
    if found is None or (found[2] and not found[3]):
        return False
    begin, full = int(found[1]), int(found[3] or found[1])
    return begin > 0 and full > 0 and (not found[3] or (begin <= full and 1 <= int(found[2]) <= 100))


def _block(text: str) -> bool:
    found = re.match(r"\s*([-+]?\d+)(?::\s*([-+]?\d+))?", text)
    return found is not None and 0 <= int(found[1]) <= 32 and 0 <= int(found[2] or 0) <= 128


def _class(text: str) -> bool:
    found = re.fullmatch(r"0[xX]([0-9a-fA-F]{1,2})|(\d{1,3})", text)
    return text.lower() in SERVICE_CLASSES or (found is not None and (int(found[1], 16) if found[1] else int(found[2])) <= 255)


def _mask(text: str) -> bool:
    found = re.match(r"\s*[+]?([0-7]+)", text)
    return found is not None and int(found[1], 8) <= 0o777


def _amount(text: str) -> bool:
    if text == "default":
        return True
    found = re.fullmatch(r"[+]?(\d{1,18})(\.\d+)?([bBkKmMgGtTpPeE]?)", text)
    return found is not None and (int(found[1]) == 0 or int(found[1]) * 1024 ** "bkmgtpe".index(found[3].lower() or "b") >= 16)


def _port(text: str) -> bool:
    return text == "*" or (re.fullmatch(r"\d{1,5}", text) is not None and 0 < int(text) <= 65535)


def _place(text: str, *, bare: bool) -> bool:
    if bare and ":" not in text:
        return _port(text)
    host, colon, port = text.rpartition(":") if text.startswith("[") else text.partition(":")
    return bool(colon) and _port(port) and not (text.startswith("[") and not host.endswith("]"))


def _timeout(text: str) -> bool:
    kind, equals, time = text.partition("=")
    return bool(kind and equals) and seconds(time) is not None


def _exchanges(text: str) -> bool:
    """Names are looked at up to the first empty one."""
    names = [*text.split(","), ""]
    return text != "" and all(name in GSSAPI for name in names[: names.index("")])


# one argument and no more
_SINGLE: dict[str, Callable[[str], bool]] = {
    "loglevel": lambda text: text.lower() in LEVELS,
    "syslogfacility": lambda text: text.lower() in FACILITIES,
    "fingerprinthash": lambda text: text.lower() in HASHES,
    "permittunnel": lambda text: text in TUNNELS,
    "permituserenvironment": bool,
    "streamlocalbindmask": _mask,
    "maxstartups": _startups,
    "persourcemaxstartups": lambda text: text == "none" or number(text) is not None,
    "persourcenetblocksize": _block,
    "unusedconnectiontimeout": lambda text: text.lower() == "none" or seconds(text) is not None,
    "gssapikexalgorithms": _exchanges,
}


def badly_set(name: str, arguments: Sequence[str]) -> bool:
    """Whether sshd refuses these arguments of a keyword that decides no login. Keywords that are not known here are never wrong."""
    if name in _SINGLE:
        return len(arguments) != 1 or not _SINGLE[name](arguments[0])
    if name == "rdomain":
        return True  # Linux cannot set one
    if name == "setenv":
        return any("=" not in argument for argument in arguments)
    if name in ("channeltimeout", "logverbose"):
        if "none" in [argument.lower() for argument in arguments]:
            return len(arguments) > 1
        return any(not (_timeout(argument) if name == "channeltimeout" else argument) for argument in arguments)
    if name == "ipqos":
        return not 1 <= len(arguments) <= 2 or not all(map(_class, arguments))
    if name == "rekeylimit":
        late = len(arguments) == 2 and arguments[1] != "none" and seconds(arguments[1]) is None
        return not 1 <= len(arguments) <= 2 or not _amount(arguments[0]) or late
    if name in ("permitopen", "permitlisten"):
        if arguments[:1] in (["any"], ["none"]):
            return len(arguments) > 1
        return not arguments or not all(_place(argument, bare=name == "permitlisten") for argument in arguments)
    return False
