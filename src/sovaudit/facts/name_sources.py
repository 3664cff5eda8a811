"""Where names of accounts and groups come from: nsswitch.conf(5), as the C library reads it, and what its sources keep on the host itself.

A line is a database, a colon or a blank, and sources with `[STATUS=action]` behind them. Of several lines for one database old versions
take the first and new ones the last: here all count. A database without a line is read from `files`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sovaudit.facts.files import Files, Unseen

PATH = "/etc/nsswitch.conf"
_LINE = re.compile(r"\s*([^\s:]+)[\s:]+(.*)", re.DOTALL)
_WORD = re.compile(r"\[([^\]]*)\]?|([^\s\[]+)")
_LOCAL = ("files", "compat")
_USERDB = ("/etc/userdb", "/run/userdb", "/run/host/userdb", "/usr/local/lib/userdb", "/usr/lib/userdb")
# source → files that hold what it adds: nss_db, libnss-extrausers, nss_altfiles
_STORES = {
    "db": ("/var/lib/misc/passwd.db", "/var/db/passwd.db"),
    "extrausers": ("/var/lib/extrausers/passwd",),
    "altfiles": ("/usr/lib/passwd",),
}


def lines(files: Files, database: str) -> list[str]:
    """What stands behind the name of a database, line by line. Raises Unseen."""
    found: list[str] = []
    for line in files.lines(PATH) or ():
        match = _LINE.match(line.text.split("#")[0])
        if match and match[1] == database:
            found.append(match[2])
    return found


def sources(text: str) -> list[str]:
    """The sources of one line that can be asked: none behind `files [NOTFOUND=return]`, which answers for them all."""
    found: list[str] = []
    for match in _WORD.finditer(text):
        if match[2] is not None:
            found.append(match[2])
        elif found and found[-1] in _LOCAL and _ends(match[1]):
            break
    return found


def _ends(actions: str) -> bool:
    """Whether a name that was not found there is looked for no further."""
    ends = False
    for negated, status, action in re.findall(r"(!?)\s*([A-Za-z]+)\s*=\s*([A-Za-z]+)", actions):
        if (status.upper() == "NOTFOUND") != bool(negated):
            ends = action.lower() == "return"
    return ends


def elsewhere(files: Files, database: str = "passwd") -> tuple[str, ...]:
    """Sources of accounts (or groups) that this evidence cannot show; an unseen nsswitch.conf says so itself."""
    try:
        found = [source for text in lines(files, database) for source in sources(text)]
    except Unseen:
        return ("nsswitch.conf unseen",)
    return tuple(dict.fromkeys(source for source in found if source not in _LOCAL and _adds(files, source, database)))


def compat(files: Files) -> bool:
    """Whether passwd is read in the old way, where `+` lines import accounts; assumed where it was not seen."""
    try:
        return any("compat" in sources(text) for text in lines(files, "passwd"))
    except Unseen:
        return True


def _adds(files: Files, source: str, database: str) -> bool:
    """Whether a source can add something. Distributions name several before anybody configures them; what was not seen may."""
    endings = (".user",) if database == "passwd" else (".group", ".membership")
    try:
        if source == "sss":
            return files.exists("/etc/sssd/sssd.conf") or bool(files.glob("/etc/sssd/conf.d/*.conf"))
        if source == "systemd":
            return any(name.endswith(endings) for name in _records(files))
        if source in _STORES:
            paths = (path.replace("passwd", "group") if database != "passwd" else path for path in _STORES[source])
            return any((stat := files.stat(path)) is not None and stat.size for path in paths)
    except Unseen:
        return True
    return True


def _records(files: Files) -> Iterator[str]:
    """nss-systemd(8): records that somebody put there (systemd-userdbd.service(8)), and accounts of systemd-homed."""
    for folder in _USERDB:
        yield from files.listdir(folder) or ()
    for name in files.listdir("/var/lib/systemd/home") or ():
        yield f"{name.removesuffix('.identity')}.user" if name.endswith(".identity") else ""
