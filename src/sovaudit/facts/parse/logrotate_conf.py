"""logrotate's configuration language (logrotate.conf(5), config.c of 3.18 to 3.21): one file's stanzas and global options, in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sovaudit.model.finding import Line

SCRIPTS = ("prerotate", "postrotate", "firstaction", "lastaction", "preremove")


@dataclass(frozen=True, slots=True)
class Directive:
    name: str
    value: str
    line: Line


@dataclass(frozen=True, slots=True)
class Stanza:
    """A list of files or patterns and the options inside its braces. Without files: one global option."""

    files: tuple[str, ...]
    options: tuple[Directive, ...]
    line: Line
    closed: bool = True


def parse_logrotate(lines: Sequence[Line]) -> tuple[Stanza, ...]:
    """Stanzas and global options in file order."""
    found: list[Stanza] = []
    names: list[str] = []
    options: list[Directive] = []
    start: Line | None = None
    inside = script = False
    for line in lines:
        text = line.text.strip()
        if script:
            script = text.split(" ")[0].split("\t")[0] != "endscript"
            continue
        if not text or text.startswith("#"):
            continue
        if inside:
            body, closing, rest = _brace(text)
            inside, script = _options(body, line, options)
            if closing:
                found.append(Stanza(tuple(names), tuple(options), start or line))
                names, options, inside, start = [], [], False, None
                if rest:
                    names, start = _names(rest), line
            continue
        if text[0] in "/\"'~*" or names:
            before, opening, after = text.partition("{")
            names += _names(before)
            start = start or line
            if opening:
                inside = True
                if after.strip():
                    body, closing, _ = _brace(after.strip())
                    _, script = _options(body, line, options)
                    if closing:
                        found.append(Stanza(tuple(names), tuple(options), start))
                        names, options, inside, start = [], [], False, None
            continue
        single: list[Directive] = []
        _, script = _options(text, line, single)
        found.extend(Stanza((), (option,), line) for option in single)
    if inside:
        found.append(Stanza(tuple(names), tuple(options), start or Line("", 0, ""), closed=False))
    return tuple(found)


def _brace(text: str) -> tuple[str, bool, str]:
    if text.startswith("}"):
        return "", True, text[1:].strip()
    return text, False, ""  # behind an option, a brace belongs to the option's value


def _options(text: str, line: Line, found: list[Directive]) -> tuple[bool, bool]:
    match = re.match(r"([A-Za-z0-9]+)\s*=?\s*(.*)", text)
    if match:
        found.append(Directive(match[1], match[2].strip(), line))
        return True, match[1] in SCRIPTS
    return True, False


def _names(text: str) -> list[str]:
    """Shell-like words: quotes and backslashes."""
    found: list[str] = []
    word, quote, escaped, any_quote = "", "", False, False
    for character in text:
        if escaped:
            word, escaped = word + character, False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            if character == quote:
                quote = ""
            else:
                word += character
        elif character in "\"'":
            quote, any_quote = character, True
        elif character.isspace():
            if word or any_quote:
                found.append(word)
            word, any_quote = "", False
        else:
            word += character
    if word or any_quote:
        found.append(word)
    return found
