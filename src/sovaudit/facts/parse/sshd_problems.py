"""What sshd refuses in the arguments of one line (servconf.c)."""

from __future__ import annotations

from sovaudit.facts.parse.sshd_values import badly_set, number, seconds
from sovaudit.facts.ssh_algorithms import acceptable
from sovaudit.facts.sshd_defaults import METHODS, Keyword, Kind, Version
from sovaudit.facts.sshd_patterns import valid_user_pattern


def problem(keyword: Keyword, arguments: list[str], version: Version) -> str:
    """Why sshd refuses these arguments; empty if it takes them."""
    kind, name = keyword.kind, keyword.name
    if kind is Kind.LOOSE:
        return f"{' '.join(arguments)} is no value of {name}" if badly_set(name, arguments) else ""
    if not arguments or (not arguments[0] and kind is not Kind.OPTIONS):
        several = kind in (Kind.ADD, Kind.WORDS, Kind.OPTIONS)
        return "" if several and not arguments else f"{name} has no argument"
    first = arguments[0]
    single = kind in (Kind.CHOICE, Kind.NUMBER, Kind.TIME, Kind.WORD, Kind.ADD_WORD, Kind.ALGORITHMS)
    if kind is Kind.CHOICE and first.lower() not in dict(keyword.choices):
        return f"{first} is no value of {name}"
    if kind is Kind.NUMBER and number(first) is None:
        return f"{first} is no number"
    if kind is Kind.TIME and seconds(first) is None:
        return f"{first} is no time"
    if kind is Kind.ALGORITHMS and not acceptable(name, first, version):
        return f"{first} names an unknown algorithm"
    if name == "port" and not (first.isascii() and first.isdigit() and 0 < int(first[:6]) <= 65535):
        return f"{first} is no port"
    if single and len(arguments) > 1:
        return f"{name} is followed by something more: {arguments[1]}"
    if kind is Kind.ADD:
        for argument in arguments:
            if not argument or (name.endswith("users") and not valid_user_pattern(argument)) or (name == "acceptenv" and "=" in argument):
                return f"{argument or 'an empty word'} is no pattern of {name}"
    if kind is Kind.WORDS and "" in arguments:
        return f"{name} has an empty argument"
    if kind is Kind.OPTIONS:
        wrong = [word for word in arguments if word.lower() not in ("none", "touch-required", "verify-required")]
        return f"{wrong[0]} is no value of {name}" if wrong else ""
    if kind is Kind.METHODS:
        return _methods_problem(arguments)
    return ""


def _methods_problem(lists: list[str]) -> str:
    if "any" in lists:
        return "" if lists == ["any"] else "`any` stands alone in AuthenticationMethods"
    for methods in lists:
        for method in methods.split(","):
            if method.split(":")[0] not in METHODS:
                return f"{method or 'an empty word'} is no authentication method"
    return ""
