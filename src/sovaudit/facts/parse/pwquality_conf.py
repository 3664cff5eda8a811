"""pwquality.conf(5) as libpwquality 1.2 to 1.4.5 reads it (src/settings.c): `*.conf` of the .d folder first, then the main file; arguments last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sovaudit.facts.files import Files, Unseen
from sovaudit.model.finding import Line

PATH = "/etc/security/pwquality.conf"
FLOOR = 6  # PWQ_BASE_MIN_LENGTH
DEFAULTS = {
    "difok": 1, "minlen": 8, "dcredit": 0, "ucredit": 0, "lcredit": 0, "ocredit": 0, "minclass": 0, "maxrepeat": 0, "maxclassrepeat": 0,
    "maxsequence": 0, "gecoscheck": 0, "dictcheck": 1, "usercheck": 1, "usersubstr": 0, "enforcing": 1, "retry": 1, "enforce_for_root": 0,
    "local_users_only": 0,
}  # fmt: skip
_FLAGS = ("enforce_for_root", "local_users_only")
_WORDS = ("badwords", "dictpath")
MAX_LINE = 1022


@dataclass(frozen=True, slots=True)
class Quality:
    """values: every integer setting. texts: badwords, dictpath. lines: where each setting that is not a default comes from.

    broken: the line at which libpwquality stopped reading; what follows it, later files included, is ignored.
    """

    values: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULTS))
    texts: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, Line] = field(default_factory=dict)
    broken: Line | None = None

    def __getitem__(self, key: str) -> int:
        return self.values[key]

    def set(self, name: str, value: str, line: Line) -> Quality | None:
        """With one setting more; None where libpwquality refuses it."""
        key = name.lower()
        if key in _FLAGS:
            number = 1
        elif key in _WORDS:
            return replace(self, texts={**self.texts, key: value}, lines={**self.lines, key: line})
        elif key in DEFAULTS:
            if not re.fullmatch(r"[ \t\n\v\f\r]*[+-]?[0-9]{1,12}", value) or not -(2**31) < int(value) < 2**31 - 1:
                return None
            number = int(value)
        else:
            return None
        if key == "minlen":
            number = max(number, FLOOR)
        if key == "minclass":
            number = min(number, 4)
        return replace(self, values={**self.values, key: number}, lines={**self.lines, key: line})


def read_quality(files: Files) -> Quality:
    """The settings before module arguments. Raises Unseen."""
    found = Quality()
    for name in _names(files):
        if re.search(r"\.conf", name) and name.index(".conf") == len(name) - 5:
            found = _file(found, files.opened(f"{PATH}.d/{name}") or ())
            if found.broken is not None:
                return found
    return _file(found, files.opened(PATH) or ())


def _names(files: Files) -> tuple[str, ...]:
    try:
        return files.listdir(PATH + ".d") or ()
    except Unseen:
        stat = files.follow(PATH + ".d")
        if stat is None or stat.kind == "d":
            raise
        return ()  # no folder


def _file(found: Quality, lines: Iterable[Line]) -> Quality:
    for line in lines:
        if len(line.text) > MAX_LINE:
            return replace(found, broken=line)
        text = line.text.split("#")[0].strip(" \t\n\v\f\r")
        if not text:
            continue
        match = re.match(r"([^\s=]*)([\s=]?)(.*)", text, re.DOTALL)
        assert match is not None
        name, mark, rest = match.groups()
        value = rest.lstrip(" \t\v\f\r")
        if mark != "=" and value.startswith("="):
            value = value[1:].lstrip(" \t\v\f\r")
        better = found.set(name, value, line)
        if better is None:
            return replace(found, broken=line)
        found = better
    return found


def with_arguments(found: Quality, args: Iterable[str], line: Line) -> Quality:
    """Module arguments over the files; unknown or broken ones are ignored one by one."""
    skipped = ("type=", "difignore=", "reject_username", "authtok_type", "use_authtok", "use_first_pass", "try_first_pass")
    for arg in args:
        if arg == "debug" or arg.startswith(skipped):
            continue
        name, _, value = arg.partition("=")
        if len(name) <= 79:
            found = found.set(name, value, line) or found
    return found
