"""Words of rsyslog.conf: what grammar/lexer.l makes tokens of, and the text of a file as it is read there."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from sovaudit.model.finding import Line


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    line: Line


QUOTED = r'"(?:[^"\\]|\\.)*"'
FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL
OBJECTS = (
    "main_queue|timezone|parser|global|template|ruleset|property|constant|input|module|lookup_table|dyn_stats|percentile_stats|ratelimit"
    "|include|action"
)
# flex takes the longest match, the earlier of two equal ones
START = [
    (kind, re.compile(pattern, FLAGS))
    for kind, pattern in (
        ("keyword", r"if|foreach|reload_lookup_table|stop|else|call|call_indirect|set|reset|unset|continue"),
        ("punct", r"[&{}]"),
        ("object", rf"(?:{OBJECTS})[ \n\t]*\("),
        ("property", r'^[ \t]*:\$?[a-z\-]+[ ]*,[ ]*!?[a-z]+[ ]*,[ ]*"(?:\\"|[^"])*"'),
        ("selector", r"^[ \t]*[*a-z][*a-z]*[0-7]*[.,][,!=;.*a-z0-7]+"),
        ("legacy", r"[|.\-@^?~>][^\n]+|~|/[^*\n][^\n]*|:[a-z0-9]+:[^\n]*|[a-z0-9_][a-z0-9_\-+,;]*|\*"),
        ("comment", r"/\*"),
        ("directive", r"\$[a-z]+[^\n]*"),
        ("bsd", r"![^ \t\n]+[ \t]*$|[+\-]\*[ \t\n]*(?:#[^\n]*)?$|^[ \t]*[+\-][a-z0-9.:\-]+[ \t]*$"),
        ("skip", r"#[^\n]*\n|[\n\t ]"),
    )
]
NOTHING = re.compile(r"(?:#[^\n]*\n|\n)+")  # no other pattern begins so
KEYWORDS = re.compile(r"call_indirect|call|reload_lookup_table|foreach|continue|unset|reset|stop|else|set|if", re.IGNORECASE)
EXPRESSION = re.compile(
    r"(?P<skip>[ \t\n]+)|(?P<comment>/\*)|(?P<op>==|<=|>=|!=|<>|[=,*/%+&\-\[\]()<>;])|(?P<number>0x[0-9a-f]+|[0-9]+)"
    r"|(?P<var>\$[$!./]?[@a-z_]*[!@a-z0-9\-_.\[\]]*)|(?P<string>'(?:[^'\\]|\\.)*'|"
    + QUOTED
    + r"|`(?:[^`\\]|\\.)*`)|(?P<word>[a-z][a-z0-9_]*)",
    FLAGS,
)
OBJECT = re.compile(
    r"(?P<skip>[ \t\n]+|#[^\n]*)|(?P<comment>/\*)|(?P<punct>[,=\[\])])|(?P<string>"
    + QUOTED
    + r"|`(?:[^`\\]|\\.)*`)|(?P<name>[a-z][a-z0-9_.]*)",
    FLAGS,
)
BARE_DOLLAR = re.compile(r'^"(?:[^"\\$]|\\.)*\$', re.DOTALL)
NAME = re.compile(r"[a-z][a-z0-9\-_.]+", re.IGNORECASE)  # flex: a single letter matches "invalid character" first


class Buffer:
    """One file after rsyslog's own preprocessing: trailing blanks cut, `\\` lines (comments too) joined without their leading blanks."""

    def __init__(self, name: str, lines: Sequence[Line]) -> None:
        self.name = name
        parts: list[str] = []
        self.starts: list[int] = []
        self.lines: list[Line] = []
        length, continued = 0, False
        for line in lines:
            text = line.text.rstrip()
            text = text.lstrip() if continued else text
            more = text.endswith("\\")
            continued = more or (continued and not text)
            text = text[:-1] if more else text
            self.starts.append(length)
            self.lines.append(line)
            parts.append(text if continued else text + "\n")
            length += len(parts[-1])
        self.text = "".join(parts)
        self.at = 0

    def line(self, at: int) -> Line:
        place = bisect_right(self.starts, at) - 1
        return self.lines[place] if self.lines else Line(self.name, 0, "")
