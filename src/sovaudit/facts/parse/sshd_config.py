"""sshd_config(5) as sshd itself reads it: lines, quotes, Include, Match, and what makes it refuse to start.

After servconf.c (`process_server_config_line_depth`, `load_server_config`) and misc.c (`strdelim`, `argv_split`). Nothing is judged here:
the outcome is the list of directives in the order in which sshd meets them, each with the Match lines that govern it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.sshd_problems import problem as problem_of
from sovaudit.facts.parse.sshd_values import number, seconds
from sovaudit.facts.sshd_defaults import ALIASES, GLOBAL_ALIASES, KEYWORDS, YOUNG_ALIASES, Keyword, Kind, Version
from sovaudit.facts.sshd_patterns import valid_address_list
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

MAX_DEPTH = 16
MAX_LINES = 100_000  # includes counted as often as they are read
_SPACE = " \t\r\n"
_FILES = ("trustedusercakeys", "revokedkeys", "banner", "hostkey", "hostcertificate")
_AT_HOME = ("authorizedkeysfile", "authorizedprincipalsfile")
CRITERIA = ("user", "group", "host", "address", "localaddress", "localport", "rdomain", "version")


@dataclass(frozen=True, slots=True)
class Match:
    """One Match line: criteria are and-ed. `all` and `invalid-user` have no argument."""

    criteria: tuple[tuple[str, str], ...]
    line: Line

    @property
    def always(self) -> bool:
        return self.criteria == (("all", ""),)


@dataclass(frozen=True, slots=True)
class Directive:
    """One line that says something. conditions: the Match lines that must all hold, outermost first; none outside any Match."""

    keyword: str
    values: tuple[str, ...]
    line: Line
    conditions: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why sshd does not start with this configuration."""

    line: Line
    reason: str


@dataclass(slots=True)
class Config:
    """What sshd reads. refusals: non-empty ⇒ sshd exits. gaps: parts that were not seen. files: every file read, in order.
    folders: where Include looks, outside /etc/ssh itself.
    """

    directives: list[Directive] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def split_arguments(text: str) -> list[str] | None:
    """argv_split with comments: both quotes, backslash before quote, backslash or blank. None: a quote is never closed.

    >>> split_arguments(" a 'b c' d#e # comment")
    ['a', 'b c', 'd#e']
    """
    words: list[str] = []
    here, end = 0, len(text)
    while here < end:
        if text[here] in " \t":
            here += 1
            continue
        if text[here] == "#":
            break
        word: list[str] = []
        quote = ""
        while here < end:
            character = text[here]
            if character == "\\" and here + 1 < end and (text[here + 1] in "'\"\\" or (not quote and text[here + 1] == " ")):
                here += 1
                word.append(text[here])
            elif not quote and character in " \t":
                break
            elif not quote and character in "'\"":
                quote = character
            elif quote and character == quote:
                quote = ""
            else:
                word.append(character)
            here += 1
        if quote:
            return None
        words.append("".join(word))
    return words


def delimit(text: str | None, *, equals: bool = True) -> tuple[str | None, str | None]:
    """strdelim: the next word and the rest. Blanks, one `=` and double quotes separate. The word is None for an open quote or no text."""
    if text is None:
        return None, None
    stops = _SPACE + '"' + ("=" if equals else "")
    at = next((index for index, character in enumerate(text) if character in stops), -1)
    if at < 0:
        return text, None
    if text[at] == '"':
        text = text[:at] + text[at + 1 :]
        close = text.find('"', at)
        if close < 0:
            return None, None
        return text[:close], text[close + 1 :].lstrip(_SPACE)
    skipped = text[at] == "="
    word, rest = text[:at], text[at + 1 :].lstrip(_SPACE)
    if equals and not skipped and rest.startswith("="):
        rest = rest[1:].lstrip(_SPACE)
    return word, rest


def split_line(text: str, version: Version) -> tuple[str, str, list[str] | None] | None:
    """Keyword, the raw rest of the line, its arguments (None: bad quotes). None for a blank line or a comment."""
    if version < (8, 7):
        text = text.partition("#")[0]  # cut off before anything else is looked at
    text = text.lstrip(" \t\r")
    if not text or text[0] == "#":
        return None
    text = text[0] + text[1:].rstrip(_SPACE + "\f")
    keyword, rest = delimit(text)
    if keyword == "":
        keyword, rest = delimit(rest)
    if not keyword or keyword.startswith("#"):
        return None
    if version >= (8, 7):
        return keyword, rest or "", split_arguments(rest or "")
    words: list[str] = []
    remaining = rest
    while remaining:  # before 8.7: double quotes only, and an empty word ends the line
        word, remaining = delimit(remaining)
        if word is None:
            return keyword, rest or "", None
        if not word:
            break
        words.append(word)
    return keyword, rest or "", words


class Reader:
    """Reads one configuration. `lines` gives a file's lines (None: absent), `glob` the matches of a pattern; both may raise Unseen.

    homes: the home of a name, of root for the empty name, None for nobody's name; without it a `~` stays as it is.
    """

    def __init__(
        self,
        lines: Callable[[str], Sequence[Line] | None],
        glob: Callable[[str], Sequence[str]],
        version: Version,
        *,
        folder: str = "/etc/ssh",
        homes: Callable[[str], str | None] | None = None,
    ) -> None:
        self._lines = lines
        self._glob = glob
        self._version = version
        self._folder = folder
        self._homes = homes
        self._methods = False  # AuthenticationMethods stands outside any Match already
        self._subsystems: set[str] = set()
        self._seen = 0
        self.config = Config()

    def read(self, path: str) -> Config:
        self._file(path, (), 0)
        return self.config

    def option(self, text: str, line: Line) -> None:
        """A `-o` argument: one line, outside any Match, before the file."""
        self._line(text, line, (), -1)

    def _refuse(self, line: Line, reason: str) -> None:
        self.config.refusals.append(Refusal(line, reason))

    def _file(self, path: str, outer: tuple[Match, ...], depth: int) -> None:
        if self._seen > MAX_LINES:
            return
        if depth > MAX_DEPTH:
            self._refuse(Line(path, 0, ""), "too many nested includes")
            return
        try:
            lines = self._lines(path)
        except Unseen as unseen:
            self.config.gaps.append(unseen.gap)
            return
        self.config.files.append(path)
        if lines is None:
            self._refuse(Line(path, 0, ""), "the file does not exist")
            return
        conditions = outer
        for line in lines:
            self._seen += 1
            if self._seen > MAX_LINES:
                self.config.gaps.append(Gap(f"file:{path}", Reason.TRUNCATED, "more lines and includes than are followed"))
                return
            conditions = self._line(line.text, line, conditions, depth, outer)

    def _line(self, text: str, line: Line, conditions: tuple[Match, ...], depth: int, outer: tuple[Match, ...] = ()) -> tuple[Match, ...]:
        """Takes one line in; gives the conditions that govern the next one."""
        pieces = split_line(text.split("\0")[0], self._version)
        if pieces is None:
            return conditions
        word, rest, arguments = pieces
        if not rest and self._version >= (8, 7):
            self._refuse(line, f"{word} has no argument")
            return conditions
        name = ALIASES.get(word.lower(), word.lower())
        if self._version < (8, 7):
            name = YOUNG_ALIASES.get(word.lower(), name)
        if self._version < (8, 5) and word.lower() in ("pubkeyacceptedalgorithms", "hostbasedacceptedalgorithms"):
            name = ""  # they were called …KeyTypes
        keyword = KEYWORDS.get(name)
        if keyword is None or self._version < keyword.since:
            self._refuse(line, f"{word} is no option of this sshd")
            return conditions
        if arguments is None:
            self._refuse(line, "a quote is not closed")
            return conditions
        allowed = keyword.in_match and word.lower() not in GLOBAL_ALIASES and not (name == "subsystem" and self._version < (9, 5))
        # `Match all` holds already while sshd starts, so that what stands in it counts as if it stood outside
        inactive = not all(condition.always for condition in conditions)
        if inactive and not allowed:
            self._refuse(line, f"{word} is not allowed within a Match block")
            return conditions
        if keyword.kind is Kind.MATCH:
            found = self._match(rest, arguments, line)
            return conditions if found is None else (*outer, found)
        if keyword.kind is Kind.INCLUDE:
            self._include(arguments, line, conditions, depth)
            return conditions
        values = self._values(keyword, rest, arguments, line)
        if values and self._repeated(name, values, line, inactive):
            return conditions
        if values is not None and keyword.kind is not Kind.IGNORED:
            self.config.directives.append(Directive(name, values, line, conditions))
        return conditions

    def _repeated(self, name: str, values: tuple[str, ...], line: Line, conditional: bool) -> bool:
        """What sshd refuses for what stood above: `any` after other methods (even from inside a Match), a subsystem named twice."""
        if name == "authenticationmethods":
            if values == ("any",) and self._methods and (8, 7) <= self._version < (9, 5):
                self._refuse(line, "`any` comes after another AuthenticationMethods")
                return True
            self._methods = self._methods or not conditional
        if name == "subsystem" and not conditional:
            if (values[0] in self._subsystems and self._version < (9, 5)) or len(values) < 2:
                self._refuse(line, f"Subsystem {values[0]} stands twice or has no command")
                return True
            if values[0] in self._subsystems:
                return True  # the first one counts
            self._subsystems.add(values[0])
        return False

    def _include(self, arguments: list[str], line: Line, conditions: tuple[Match, ...], depth: int) -> None:
        if depth < 0 or not arguments or "" in arguments:
            self._refuse(line, "Include needs file names" if depth >= 0 else "Include cannot be an argument of sshd")
            return
        for argument in arguments:
            pattern = argument if argument.startswith("/") else f"{self._folder}/{argument}"
            if argument.startswith("~"):
                continue  # glob(3) without GLOB_TILDE finds nothing by that name
            if posixpath.dirname(pattern) != self._folder:
                self.config.folders.append(posixpath.dirname(pattern))
            try:
                paths = self._glob(pattern)
            except Unseen as unseen:
                self.config.gaps.append(unseen.gap)
                continue
            for path in paths:
                self._file(path, conditions, depth + 1)

    def _match(self, rest: str, arguments: list[str], line: Line) -> Match | None:
        """match_cfg_line: None when sshd refuses the line."""
        words = arguments if self._version >= (9, 9) else self._old_words(rest)
        criteria: list[tuple[str, str]] = []
        here = 0
        while here < len(words) and not words[here].startswith("#"):
            word = words[here]
            name, equals, value = word.partition("=")
            here += 1
            if word.lower() == "all":
                if criteria or (here < len(words) and not words[here].startswith("#")):
                    self._refuse(line, "`all` stands alone in a Match")
                    return None
                criteria.append(("all", ""))
                break
            if word.lower() == "invalid-user" and self._version >= (9, 9):
                criteria.append(("invalid-user", ""))
                continue
            if not (equals and name.lower() in CRITERIA):
                name, value = word, words[here] if here < len(words) else ""
                here += 1
            if not value or value.startswith("#") or name.lower() not in CRITERIA or (name.lower() == "version" and self._version < (9, 9)):
                self._refuse(line, f"Match cannot use {word}")
                return None
            if name.lower() in ("address", "localaddress") and not valid_address_list(value):
                self._refuse(line, f"{value} is no list of addresses")
                return None
            if name.lower() == "localport" and not (value.isascii() and value.isdigit() and int(value[:6]) <= 65535):
                self._refuse(line, f"{value} is no port")
                return None
            criteria.append((name.lower(), value))
        if not criteria:
            self._refuse(line, "Match needs a criterion")
            return None
        return Match(tuple(criteria), line)

    @staticmethod
    def _old_words(rest: str) -> list[str]:
        words: list[str] = []
        remaining: str | None = rest
        while remaining:
            word, remaining = delimit(remaining)
            if not word:
                break
            words.append(word)
        return words

    def _values(self, keyword: Keyword, rest: str, arguments: list[str], line: Line) -> tuple[str, ...] | None:
        """The arguments as sshd keeps them, None if it refuses the line."""
        kind = keyword.kind
        if kind is Kind.IGNORED:
            return ()
        if kind in (Kind.REST, Kind.COMMAND):
            text = rest.strip(_SPACE)
            if not text or (kind is Kind.COMMAND and not text.startswith("/") and text.lower() != "none"):
                self._refuse(line, f"{keyword.name} must be an absolute path")
                return None
            return (text,)
        problem = problem_of(keyword, arguments, self._version)
        if not problem and not arguments and self._version >= (9, 5) and kind in (Kind.ADD, Kind.WORDS):
            problem = f"{keyword.name} has no argument"
        if problem:
            self._refuse(line, problem)
            return None
        if self._homes is not None and keyword.name in (*_FILES, *_AT_HOME) and any(argument.startswith("~") for argument in arguments):
            return self._from_home(arguments, self._homes, line)
        if kind is Kind.CHOICE:
            return (dict(keyword.choices)[arguments[0].lower()],)
        if keyword.name in _FILES and arguments[0].lower() != "none" and not arguments[0].startswith(("/", "~")):
            return (f"//{arguments[0]}",)  # from the folder where sshd was started, which is `/`
        if kind is Kind.NUMBER:
            return (str(number(arguments[0])),)
        if kind is Kind.TIME:
            return (str(seconds(arguments[0])),)
        if kind is Kind.OPTIONS:
            chosen = [option for option in ("touch-required", "verify-required") if option in [word.lower() for word in arguments]]
            return tuple(chosen) or ("none",)
        return tuple(arguments)

    def _from_home(self, arguments: list[str], homes: Callable[[str], str | None], line: Line) -> tuple[str, ...] | None:
        """`~` is root's home, who runs sshd, and not that of whoever comes in; `~name` is that account's."""
        found: list[str] = []
        for argument in arguments:
            if argument.startswith("~"):
                name, _, rest = argument[1:].partition("/")
                home = homes(name)
                if home is None:
                    self._refuse(line, f"there is no user {name}")
                    return None
                argument = f"{home.rstrip('/')}/{rest.lstrip('/')}"
            found.append(argument)
        return tuple(found)
