"""Which programs a command line of sh(1) names, as far as it names them outright: for cron, systemd, logrotate.

Not a shell: variables, substitutions and patterns are left out. What is said of a word is that a shell would run it, or hand it to an interpreter.
"""

from __future__ import annotations

import posixpath
import re
import shlex

_WRAPPERS = frozenset(
    "exec command nice ionice nohup timeout env setsid time chronic flock stdbuf systemd-cat eatmydata builtin "
    "if then else elif while until do ! { chrt cronic cpulimit systemd-inhibit".split()
)
_SYSTEM = re.compile(r"^/(usr/)?s?bin/")  # where a wrapper of that name is the system's own
_NUMBERED = ("timeout", "nice", "ionice", "flock", "chrt")
_VALUED = {"timeout": ("-s", "-k", "--signal", "--kill-after"), "env": ("-u", "-C", "--unset", "--chdir"), "cpulimit": ("-l",)}
_INTERPRETERS = re.compile(
    r"(ba|da|k|mk|z|c|tc|a)?sh|python[0-9.]*|perl|ruby|php[0-9.]*|node|lua[0-9.]*|expect|tclsh|awk|gawk|mawk|\.|source|run-parts"
)
_SPLIT = re.compile(r"\|\||&&|[;|&\n()]")
_ASSIGNED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_REDIRECT = re.compile(r"[0-9]*(>>?|<|>&|<&)\S*$")
MAX_NESTING = 4


def programs(command: str, nesting: int = 0) -> tuple[str, ...]:
    """Absolute paths of programs and scripts that this command line runs, in order; a relative one after `cd` is taken from there."""
    found: dict[str, None] = {}
    here = ""
    for segment in _SPLIT.split(_quoted(command)):
        words = _words(segment)
        while words and (_SYSTEM.sub("", words[0]) in _WRAPPERS or _ASSIGNED.match(words[0]) or _REDIRECT.fullmatch(words[0])):
            wrapper = posixpath.basename(words.pop(0))
            while words and (words[0].startswith("-") or (wrapper in _NUMBERED and _number(words[0]))):
                if words.pop(0) in _VALUED.get(wrapper, ()) and words:
                    words.pop(0)
            if wrapper == "flock" and words:
                words.pop(0)
                if len(words) > 1 and words[0] in ("-c", "--command") and nesting < MAX_NESTING:
                    found.update(dict.fromkeys(programs(words[1].replace("\0", ";"), nesting + 1)))
                    words = []
        if not words or words[0] in ("test", "[", "[[", "echo", "printf", "true", "false", ":", "export", "set", "umask", "kill"):
            continue
        if words[0] == "cd":
            here = words[1] if len(words) > 1 and words[1].startswith("/") else ""
            continue
        _take(words[0], here, found)
        if _INTERPRETERS.fullmatch(posixpath.basename(words[0])):
            rest = words[1:]
            shell = posixpath.basename(words[0]).endswith("sh")
            while rest and rest[0].startswith("-"):
                option = rest.pop(0)
                if shell and re.fullmatch(r"-[a-z]*c", option) and rest:
                    if nesting < MAX_NESTING:
                        found.update(dict.fromkeys(programs(rest[0].replace("\0", ";"), nesting + 1)))
                    rest = []
            if rest:
                _take(rest[0], here, found)
    return tuple(found)


def _take(word: str, here: str, found: dict[str, None]) -> None:
    if re.search(r"[$*?`%\0]", word):
        return
    if word.startswith("/"):
        found.setdefault(word)
    elif here and "/" in word:
        found.setdefault(posixpath.normpath(posixpath.join(here, word)))


def _number(word: str) -> bool:
    return bool(re.fullmatch(r"[0-9.]+[smhd]?", word))


def _quoted(command: str) -> str:
    """Separators inside quotes are no separators."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", lambda match: _SPLIT.sub("\0", match[0]), command)


def _words(segment: str) -> list[str]:
    try:
        return [word for word in shlex.split(segment, posix=True) if word]
    except ValueError:
        return segment.split()
