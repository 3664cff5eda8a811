"""The installed packages of interest, from the databases of dpkg and apk."""

from __future__ import annotations

from sovaudit.collectors.items import PACKAGE_PREFIXES, PACKAGES

PACKAGE_FILES = (
    ("/var/lib/dpkg/status", "dpkg"),
    ("/lib/apk/db/installed", "apk"),
    ("/usr/lib/apk/db/installed", "apk"),
    ("/var/lib/rpm", "rpm"),
    ("/usr/lib/sysimage/rpm", "rpm"),
)
_NAMES = frozenset(name.encode() for name in PACKAGES)
_PREFIXES = tuple(prefix.encode() for prefix in PACKAGE_PREFIXES)


def of_interest(name: bytes) -> bool:
    return name in _NAMES or name.startswith(_PREFIXES)


def package_lines(kind: str, data: bytes) -> bytes:
    """`name version` per line, sorted by byte order; dpkg's removed-but-configured packages are not installed."""
    found: set[bytes] = set()
    for paragraph in data.split(b"\n\n"):
        name = version = b""
        installed = kind == "apk"
        for line in paragraph.split(b"\n"):
            if kind == "dpkg":
                if line.startswith(b"Package: "):
                    name = line[9:].strip()
                elif line.startswith(b"Version: "):
                    version = line[9:].strip()
                elif line.startswith(b"Status: "):
                    installed = line.strip().endswith(b" installed")
            elif line.startswith(b"P:"):
                name = line[2:].strip()
            elif line.startswith(b"V:"):
                version = line[2:].strip()
        if installed and name and of_interest(name):
            found.add(name + b" " + version + b"\n")
    return b"".join(sorted(found))
