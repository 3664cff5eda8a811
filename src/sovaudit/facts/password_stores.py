"""Files in which password hashes lie, or may lie: the account files, their backups, former passwords, caches.

Hashes never reach evidence; what does is that a field holds one: `$6$masked`, `<des>`, `<masked>` (shadow(5), passwd(5), group(5)).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import parse_password
from sovaudit.facts.files import Files, Stat, Unseen
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

# Names of account files and of their copies: shadow, shadow-, shadow~, shadow.bak, .shadow.swp, passwd.old …
_ACCOUNTS = re.compile(r"\.?(g?shadow|passwd|group)([-~.+_#].*)?|#g?shadow#?")
FOLDERS = ("/etc", "/var/backups")
# Files that hold hashes whenever they hold anything, and are never brought.
SEALED = (
    "/etc/security/opasswd", "/etc/security/opasswd.old", "/var/lib/misc/shadow.db", "/var/db/shadow.db", "/var/lib/samba/private/passdb.tdb",
    "/etc/samba/passdb.tdb", "/etc/samba/smbpasswd",
)  # fmt: skip
CACHES = ("/var/lib/sss/db",)  # sssd(8): cache_*.ldb hold hashes where cache_credentials is on
OTHERS = ("/var/lib/extrausers/shadow",)


@dataclass(frozen=True, slots=True)
class Store:
    """path: where it lies. holds: whether a hash was seen in it; None where its content was not. because: lines that hold one."""

    path: str
    holds: bool | None
    because: tuple[Line, ...] = ()


def stores(host: Host) -> Iterator[Store]:
    """Every such file that exists. Raises Unseen for a folder that was not listed."""
    files = host.files
    for folder in FOLDERS:
        for name in files.listdir(folder) or ():
            if _ACCOUNTS.fullmatch(name) and _is_file(files, f"{folder}/{name}"):
                yield _account_file(files, f"{folder}/{name}")
    for path in OTHERS:
        if _is_file(files, path):
            yield _account_file(files, path)
    for path in SEALED:
        stat = _file(files, path)
        if stat is not None and stat.size > 0:
            yield Store(path, True)
    for folder in CACHES:
        for name in files.listdir(folder) or ():
            if name.startswith("cache_") and name.endswith(".ldb"):
                yield Store(f"{folder}/{name}", None)


def _file(files: Files, path: str) -> Stat | None:
    stat = files.follow(path)
    return stat if stat is not None and stat.kind == "f" else None


def _is_file(files: Files, path: str) -> bool:
    try:
        return _file(files, path) is not None
    except Unseen:
        return True  # a link to somewhere that was not looked at


def _account_file(files: Files, path: str) -> Store:
    try:
        lines = files.lines(path) or ()
    except Unseen:
        return Store(path, None)
    found = tuple(line for line in lines if _holds(line.text))
    if not found and any(line.text == "<masked>" for line in lines):
        return Store(path, None)  # no account's line: anything may have stood there
    return Store(path, bool(found), found[:5])


def _holds(text: str) -> bool:
    cells = text.split(":")
    if len(cells) < 2 or not cells[0] or cells[0].startswith("#"):
        return False
    field = cells[1].lstrip("!*")
    return field == "<other>" or "<masked>" in text or parse_password(field).kind == "set"
