"""What a service's unit keeps it from: writing to paths, reaching the network, having its messages heard (systemd.exec(5)).

Of several settings that name a path or a folder above it, the longest counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sovaudit.facts.files import normal
from sovaudit.facts.parse.ini import Assignment, boolean
from sovaudit.model.finding import Line

LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_LISTS = {
    "ReadWritePaths": "open", "ReadWriteDirectories": "open", "ReadOnlyPaths": "closed", "ReadOnlyDirectories": "closed",
    "InaccessiblePaths": "closed", "InaccessibleDirectories": "closed", "TemporaryFileSystem": "memory", "BindReadOnlyPaths": "closed",
}  # fmt: skip
_OWN = {"StateDirectory": "/var/lib", "LogsDirectory": "/var/log", "CacheDirectory": "/var/cache", "RuntimeDirectory": "/run"}
_LOCAL = ("localhost", "link-local", "127.0.0.0/8", "127.0.0.1", "::1", "::1/128")


class Sandbox:
    """rows: the unit's [Service] section, in systemd's order."""

    def __init__(self, rows: Sequence[Assignment]) -> None:
        self._last: dict[str, Assignment] = {}
        self._lists: dict[str, list[Assignment]] = {}
        for row in rows:
            self._last[row.key] = row
            if row.value:
                self._lists.setdefault(row.key, []).append(row)
            else:
                self._lists.pop(row.key, None)
        self._places = self._rules()

    def value(self, key: str) -> str:
        return self._last[key].value if key in self._last else ""

    def line(self, key: str) -> Line:
        return self._last[key].line

    def _rules(self) -> dict[str, tuple[str, Line]]:
        found: dict[str, tuple[str, Line]] = {}
        system = self.value("ProtectSystem").lower()
        if system:
            closed = ["/usr", "/boot", "/efi"] if boolean(system) or system in ("full", "strict") else []
            closed += ["/etc"] if system in ("full", "strict") else []
            closed += ["/"] if system == "strict" else []
            found |= dict.fromkeys(closed, ("closed", self.line("ProtectSystem")))
            found |= dict.fromkeys(("/dev", "/proc", "/sys") if system == "strict" else (), ("open", self.line("ProtectSystem")))
        for key, kind in _LISTS.items():
            for row in self._lists.get(key, ()):
                for word in row.value.split():
                    path = word.strip("\"'").lstrip("-+").split(":")[1 if key.startswith("Bind") and ":" in word else 0]
                    if path.startswith("/"):
                        found[normal(path)] = kind, row.line
        for key, base in _OWN.items():
            for row in self._lists.get(key, ()):
                found |= {normal(f"{base}/{word.partition(':')[0]}"): ("open", row.line) for word in row.value.split()}
        if boolean(self.value("PrivateTmp")):
            found |= dict.fromkeys(("/tmp", "/var/tmp"), ("open", self.line("PrivateTmp")))
        return found

    def shuts(self, path: str) -> Line | None:
        """The setting that keeps the service from writing there, or has what it writes there vanish with it."""
        here = path
        while True:
            if here in self._places:
                kind, line = self._places[here]
                return None if kind == "open" else line
            if here == "/":
                return None
            here = here.rpartition("/")[0] or "/"

    def offline(self) -> Line | None:
        """The setting that keeps it from other hosts; an IPAddressAllow= that names others than this one counts as none."""
        if boolean(self.value("PrivateNetwork")):
            return self.line("PrivateNetwork")
        rows = self._lists.get("RestrictAddressFamilies", [])
        words = [word for row in rows for word in row.value.split()]
        if words and words[0].startswith("~"):
            if {"AF_INET", "AF_INET6"} <= {word.lstrip("~") for word in words}:
                return rows[-1].line
        elif words and not {"AF_INET", "AF_INET6"} & set(words):
            return rows[-1].line
        denied = [word for row in self._lists.get("IPAddressDeny", ()) for word in row.value.split()]
        allowed = [word for row in self._lists.get("IPAddressAllow", ()) for word in row.value.split()]
        if ("any" in denied or {"0.0.0.0/0", "::/0"} <= set(denied)) and all(word in _LOCAL for word in allowed):
            return self.line("IPAddressDeny")
        return None

    def quiet(self, severity: int) -> Line | None:
        """The LogLevelMax= for which journald drops the service's messages of this severity, before it keeps them or passes them on."""
        value = self.value("LogLevelMax").lower()
        level = int(value) if re.fullmatch(r"[0-7]", value) else LEVELS.index(value) if value in LEVELS else 7
        return self.line("LogLevelMax") if severity > level else None

    def elsewhere(self) -> Line | None:
        """A LogNamespace= of its own: its messages go to another journald, which no syslog daemon listens to."""
        return self.line("LogNamespace") if self.value("LogNamespace") else None
