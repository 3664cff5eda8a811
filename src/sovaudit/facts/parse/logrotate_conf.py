"""logrotate's configuration language as logrotate reads it, character by character (logrotate.conf(5); readConfigFile() in config.c of 3.21).

What surprises: several keywords may stand on one line, but a value runs to its end, a comment included; a keyword must be followed by a blank or `=`;
after an error inside braces everything up to a `}` in the first column is skipped; outside of braces an error ends the file; what follows a closing
brace on its line is ignored; a file with any error gives its global options back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

from sovaudit.model.finding import Line

SCRIPTS = ("prerotate", "postrotate", "firstaction", "lastaction", "preremove")
FLAGS = frozenset(
    "compress nocompress delaycompress nodelaycompress shred noshred allowhardlink noallowhardlink sharedscripts nosharedscripts copytruncate "
    "nocopytruncate renamecopy norenamecopy copy nocopy ifempty notifempty dateext nodateext dateyesterday datehourago noolddir mailfirst maillast "
    "nocreateolddir nocreate hourly daily monthly yearly errors nomail missingok nomissingok ignoreduplicates".split()
)
_TO_LINE_END = ("su", "create", "createolddir", "weekly", "compressoptions")
_VALUED = (
    "dateformat", "size", "minsize", "maxsize", "shredcycles", "rotate", "start", "minage", "maxage", "mail", "tabooext", "taboopat", "include",
    "olddir", "extension", "addextension", "compresscmd", "uncompresscmd", "compressext",
)  # fmt: skip
_MAY_LACK_A_VALUE = ("size", "minsize", "maxsize", "dateformat", "tabooext", "taboopat")
OK, BAD, FATAL = "ok", "bad", "fatal"  # bad: the stanza (or, outside of one, the file) is given up; fatal: the file, stanza included


class Sink(Protocol):
    """What the reader tells, in the order in which logrotate acts while reading."""

    def option(self, name: str, value: str, line: Line, inside: bool) -> str:
        """OK, BAD or FATAL. value: empty for a flag."""
        ...

    def include(self, value: str, line: Line) -> bool:
        """Whether what was included had an error."""
        ...

    def opened(self, names: list[str], line: Line) -> bool:
        """A stanza begins; whether that was an error that does not stop it (a duplicate)."""
        ...

    def closed(self) -> bool:
        """It ends; False where logrotate then gives it up, and the file with it."""
        ...

    def dropped(self) -> None:
        """The stanza that was opened last does not count."""
        ...


class _File:
    def __init__(self, lines: Sequence[Line], sink: Sink) -> None:
        self.lines = lines
        self.text = "".join(f"{line.text}\n" for line in lines)
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line.text) + 1)
        self.sink = sink
        self.at = 0
        self.inside = False
        self.error = False

    def line(self) -> Line:
        return self.lines[min(bisect_right(self.starts, self.at), len(self.lines)) - 1]

    # One piece, from where we stand

    def _word(self) -> str:
        text, end = self.text, self.at
        while end < len(text) and text[end] in " \t":
            end += 1
        start = end
        while end < len(text) and text[end].isascii() and text[end].isalpha():
            end += 1
        self.at = end
        return text[start:end]

    def _rest(self) -> str:
        """To the end of the line, without blanks there; we then stand on the character before the newline."""
        end = self.text.find("\n", self.at)
        found = self.text[self.at : end].rstrip()
        self.at = end - 1
        return found

    def _value(self) -> str | None:
        at, text = self.at, self.text
        while at < len(text) and text[at] in " \t":
            at += 1
        if at < len(text) and text[at] == "=":
            at += 1
            while at < len(text) and text[at] in " \t":
                at += 1
        if at >= len(text) or text[at] == "\n":
            return None  # we stay where we were
        self.at = at
        return self._rest()

    def _here(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    # States: each handles the character we stand on and gives the next state; the loop then goes one on

    def run(self) -> bool:
        """Whether there was an error."""
        state = "default"
        while self.at < len(self.text):
            state = getattr(self, f"_in_{state}")()
            if state == "fatal":
                if self.inside:
                    self.sink.dropped()
                return True
            self.at += 1
        if state in ("script", "script_line"):
            if self.inside:
                self.sink.dropped()
            return True
        if self.inside:
            self.sink.closed()  # logrotate takes what it has, an error and a missing brace notwithstanding
        return self.error

    def _bad(self) -> str:
        if not self.inside:
            return "fatal"
        self.error = True
        return "error"

    def _in_default(self) -> str:
        here = self._here()
        if here in " \t\n":
            return "default"
        if here == "#":
            return "line"
        if here.isascii() and here.isalpha():
            return self._keyword()
        if here in "/\"'~":
            return self._stanza()
        if here == "}":
            if not self.inside:
                return "fatal"
            if not self.sink.closed():
                return "fatal"
            self.inside = False
            return "behind"
        return self._bad()

    def _keyword(self) -> str:
        line = self.line()
        word = self._word()
        if self._here() not in (" ", "\t", "\n", "=", "\r", "\v", "\f"):
            return self._bad()
        if word in FLAGS:
            return self._took(self.sink.option(word, "", line, self.inside))
        if word in _TO_LINE_END:
            return self._took(self.sink.option(word, self._rest().strip(), line, self.inside))
        if word in SCRIPTS:
            return "script"
        if word not in _VALUED:
            return "default" if self._here() == "\n" else "line"
        value = self._value()
        if value is None:
            return "default" if word in _MAY_LACK_A_VALUE else self._bad()
        if word == "include":
            self.error = self.sink.include(value, line) or self.error
            return "default"
        if word in ("tabooext", "taboopat") and self.inside:
            return self._bad()
        return self._took(self.sink.option(word, value, line, self.inside))

    def _took(self, said: str) -> str:
        return "default" if said == OK else "fatal" if said == FATAL else self._bad()

    def _stanza(self) -> str:
        line = self.line()
        if self.inside:
            return self._bad()
        glob, comment, fresh = "", False, True
        while self.at < len(self.text):
            here = self.text[self.at]
            if here == "\n":
                fresh, comment = True, False
            elif fresh and not here.isspace():
                fresh, comment = False, here == "#"
            if not comment:
                if here == "}":
                    return "fatal"
                if here == "{":
                    break
                glob += here
            self.at += 1
        else:
            return "fatal"
        names = words_of(glob)
        if not names:
            return "fatal"
        self.inside = True
        self.error = self.sink.opened(names, line) or self.error
        return "default"

    def _in_line(self) -> str:
        return "default" if self._here() == "\n" else "line"

    def _in_behind(self) -> str:
        here = self._here()
        return "behind" if here in " \t" else "default" if here == "\n" else "line"

    def _in_script(self) -> str:
        if self._word() == "endscript":
            return "default"
        return "script" if self._here() == "\n" else "script_line"

    def _in_script_line(self) -> str:
        return "script" if self._here() == "\n" else "script_line"

    def _in_error(self) -> str:
        return "skip"

    def _in_skip(self) -> str:
        if self._here() == "}":
            self.inside = False
            self.sink.dropped()
            return "default"
        if self._word() in SCRIPTS:
            return "skip_script"
        return "skip" if self._here() == "\n" else "skip_line"

    def _in_skip_line(self) -> str:
        return "skip" if self._here() == "\n" else "skip_line"

    def _in_skip_script(self) -> str:
        if self._word() == "endscript":
            return "skip"
        return "skip_script" if self._here() == "\n" else "skip_script_line"

    def _in_skip_script_line(self) -> str:
        return "skip_script" if self._here() == "\n" else "skip_script_line"


def read_logrotate(lines: Sequence[Line], sink: Sink) -> bool:
    """Read one file and tell `sink` what logrotate takes from it. Whether logrotate finds an error in it."""
    return _File(lines, sink).run() if lines else False


def words_of(text: str) -> list[str]:
    """Words as poptParseArgvString() splits them: quotes and backslashes; a quote that is left open ends with the text."""
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
