"""The functions of RainerScript, as grammar/rainerscript.c has them. None stands for a value that the evidence does not show."""

from __future__ import annotations

import re

from sovaudit.facts.rsyslog_text import HOLE, matches

Value = str | int | None
KNOWN = frozenset(
    "strlen getenv num2ipv4 int2hex substring ltrim rtrim tolower cstr cnum ip42num ipv42num re_match re_match_i re_extract re_extract_i field "
    "exec_template prifilt lookup dyn_inc percentile_observe replace wrap random format_time parse_time is_time parse_json get_property script_error "
    "previous_action_suspended exists".split()
)  # those of modules (fmhash, fmhttp, fmunflatten, fmpcre, ffaup) apart
_IPV4 = re.compile(r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}", re.ASCII)


def number(value: Value) -> int | None:
    """A text that is a number, sign and all; an empty one is 0. None where it is none, or not known."""
    if isinstance(value, int):
        return value
    if value == "":
        return 0
    if value is None or not re.fullmatch(r"-?[0-9]{1,18}", value):
        return None
    return int(value)


def as_number(held: bool | None) -> Value:
    return None if held is None else int(held)


def call(name: str, values: list[Value]) -> Value:
    """What a function returns; None where that depends on the moment, or on what was not seen."""
    if name not in KNOWN:
        return 0
    if name in ("re_match", "re_match_i") and len(values) == 2 and None not in values:
        return as_number(matches(str(values[1]), str(values[0]), name.endswith("_i"), extended=True))
    if None in values or any(isinstance(value, str) and HOLE.search(value) for value in values):
        return None
    texts = [str(value) for value in values]
    numbers = [number(value) or 0 for value in values]
    match name, len(values):
        case ("field", 3):
            parts = texts[0].split(chr(numbers[1] & 0xFF) if isinstance(values[1], int) else texts[1] or "\0")
            return parts[numbers[2] - 1] if 1 <= numbers[2] <= len(parts) else "***FIELD NOT FOUND***"
        case ("tolower", 1):
            return texts[0].lower()
        case ("strlen", 1):
            return len(texts[0].encode("utf-8", "surrogateescape"))
        case ("cnum", 1):
            return numbers[0]
        case ("cstr", 1):
            return texts[0]
        case ("ltrim", 1):
            return texts[0].lstrip(" ")
        case ("rtrim", 1):
            return texts[0].rstrip(" ")
        case ("substring", 3):
            return _substring(texts[0], numbers[1], numbers[2])
        case ("replace", 3):
            return texts[0].replace(texts[1], texts[2]) if texts[1] else None
        case ("wrap", 2):
            return f"{texts[1]}{texts[0]}{texts[1]}"
        case ("wrap", 3):
            return f"{texts[1]}{texts[0].replace(texts[1], texts[2])}{texts[1]}" if texts[1] else None
        case ("int2hex", 1):
            return f"{numbers[0] & (1 << 64) - 1:x}"
        case ("num2ipv4", 1) if 0 <= numbers[0] < 1 << 32:
            return ".".join(str(numbers[0] >> shift & 255) for shift in (24, 16, 8, 0))
        case ("ipv42num" | "ip42num", 1) if _IPV4.fullmatch(texts[0]):
            first, second, third, fourth = (int(part) for part in texts[0].split("."))
            return first << 24 | second << 16 | third << 8 | fourth
    return None


def _substring(text: str, start: int, length: int) -> str | None:
    """A negative length counts from the end."""
    if start < 0:
        return None
    if length < 0:
        length = len(text) - start + length
    return text[start : start + max(length, 0)]
