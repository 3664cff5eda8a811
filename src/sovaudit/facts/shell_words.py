"""Which programs a command line of sh(1) names, as far as it names them outright: for cron, systemd, logrotate.

Not a shell: variables, substitutions and patterns are left out. What is said of a word is that a shell would run it, or hand it to an interpreter.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex

_WRAPPERS = frozenset(
    "exec command nice ionice nohup timeout env setsid time chronic flock stdbuf systemd-cat eatmydata builtin "
    "if then else elif while until do ! { chrt cronic cpulimit systemd-inhibit xargs systemd-run eval".split()
)
_SYSTEM = re.compile(r"^/(usr/)?s?bin/")  # where a wrapper of that name is the system's own
_NUMBERED = ("timeout", "nice", "ionice", "flock", "chrt")
_VALUED = {
    "xargs": ("-n", "-I", "-P", "-L", "-d", "-s", "-a", "-E"), "systemd-cat": ("-t", "-p"), "systemd-run": ("-u", "-p", "-E", "--unit", "--property"),
    "timeout": ("-s", "-k", "--signal", "--kill-after"), "env": ("-u", "-C", "--unset", "--chdir"), "cpulimit": ("-l",),
}  # fmt: skip
_INTERPRETERS = re.compile(
    r"(ba|da|k|mk|z|c|tc|a)?sh|python[0-9.]*|perl|ruby|php[0-9.]*|node|lua[0-9.]*|expect|tclsh|awk|gawk|mawk|\.|source|run-parts"
)
_INSIDE = re.compile(r"`([^`]*)`|\$\(([^()]*)\)")
_SPLIT = re.compile(r"\|\||&&|[;|&\n()]")
_ASSIGNED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_REDIRECT = re.compile(r"[0-9]*(>>?|<|>&|<&)\S*$")
MAX_NESTING = 4


def programs(command: str, nesting: int = 0) -> tuple[str, ...]:
    """Absolute paths of programs and scripts that this command line runs, in order; a relative one after `cd` is taken from there."""
    found: dict[str, None] = {}
    here, read = "", ""
    if "`" in command or "$(" in command:
        for match in _INSIDE.finditer(re.sub(r"'[^']*'", "", command)):
            if nesting < MAX_NESTING:
                found.update(dict.fromkeys(programs(match[1] or match[2] or "", nesting + 1)))
    for segment in _SPLIT.split(_quoted(command)):
        words = _words(segment)
        piped, read = read, ""
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
        name = _SYSTEM.sub("", words[0])
        if name in ("sudo", "su", "runuser"):
            for each in _as_root(name, words[1:]) if nesting < MAX_NESTING else ():
                found.update(dict.fromkeys(programs(each.replace("\0", ";"), nesting + 1)))
            continue
        if name == "cat" and len(words) == 2:
            read = words[1]
        if name == "find":
            for flag, each in itertools.pairwise(words):
                if flag in ("-exec", "-execdir", "-ok"):
                    _take(each, here, found)
        if name == "java" and "-jar" in words[:-1]:
            _take(words[words.index("-jar") + 1], here, found)
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
            if rest and rest[0].startswith("<"):
                rest = [word for word in (rest[0][1:], *rest[1:]) if word]
            if rest or piped:
                _take(rest[0] if rest else piped, here, found)
    return tuple(found)


def _as_root(name: str, words: list[str]) -> list[str]:
    """The command that sudo(8), su(1) or runuser(1) runs as root; none where they name another account."""
    user, command = "", ""
    rest = list(words)
    while rest and (rest[0].startswith("-") or (name == "sudo" and _ASSIGNED.match(rest[0]))):
        option = rest.pop(0)
        if option == "--":
            break
        if option in ("-u", "--user", "-c", "--command", "-g", "-s", "-h", "-p", "-D", "-C", "--shell", "--group") and rest:
            if name == "sudo" and option == "-s":
                continue
            value = rest.pop(0)
            user = value if option in ("-u", "--user") else user
            command = value if option in ("-c", "--command") else command
        elif option.startswith("--user="):
            user = option[7:]
    if name != "sudo" and not user and rest:
        user = rest.pop(0)
        while rest and rest[0] in ("-c", "--command") and len(rest) > 1:
            command = rest[1]
            rest = rest[2:]
    if user not in ("", "root"):
        return []
    return [command] if command else [shlex.join(rest)] if rest else []


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
