"""With which password age new accounts are born: useradd(8) of shadow, which Debian's adduser(8) and newusers(8) follow, or busybox's adduser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.ageing import FOREVER
from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.pam_version import shadow_version
from sovaudit.facts.parse.login_defs import PATH, login_defs
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_USERADD = ("/usr/sbin/useradd", "/sbin/useradd", "/usr/bin/useradd", "/usr/local/sbin/useradd")
_ADDUSER = ("/usr/sbin/adduser", "/sbin/adduser", "/usr/bin/adduser", "/bin/adduser")
BUSYBOX_DAYS = 99_999  # loginutils/adduser.c writes it, whatever is configured


@dataclass(frozen=True, slots=True)
class Birth:
    """program: what makes accounts here, empty if nothing does. days: the maximum age it writes; None: none, so never."""

    program: str
    days: int | None
    because: tuple[Line, ...]

    @property
    def never(self) -> bool:
        return self.days is None or self.days < 0 or self.days >= FOREVER


def birth(host: Host) -> Birth:
    """Raises Unseen."""
    files = host.files
    if not _any(files, _USERADD):
        busybox = _busybox(files)
        return Birth("adduser" if busybox else "", BUSYBOX_DAYS if busybox else None, ())
    if "suse" in f"{host.os.get('ID', '')} {host.os.get('ID_LIKE', '')}".lower():
        raise Unseen(Gap(f"file:{PATH}", Reason.UNSUPPORTED, "shadow of SUSE reads /usr/etc/login.defs and drop-ins as well"))
    if not files.exists("/etc/shadow"):
        return Birth("useradd", None, (Line("/etc/shadow", 0, "there is no /etc/shadow: passwords have no age"),))
    days, line = login_defs(files).shadow_number("PASS_MAX_DAYS")
    if line is not None and line.text != line.text.rstrip("\v\f\r"):  # shadow 4.17 and later take it for a part of the number
        version = shadow_version(host)
        if version is None:
            raise Unseen(Gap("packages", Reason.AMBIGUOUS, "versions of shadow differ over a line that ends as Windows does"))
        days = None if version >= (4, 17) else days
    return Birth("useradd", days, (line or Line(PATH, 0, "PASS_MAX_DAYS is not set"),))


def _any(files: Files, places: tuple[str, ...]) -> bool:
    """Whether one of them is there. One that was not seen counts as there: a program that may make accounts."""
    for place in places:
        try:
            if files.exists(place):
                return True
        except Unseen:
            return True
    return False


def _busybox(files: Files) -> bool:
    for place in _ADDUSER:
        try:
            target = files.resolve(place)
            if target is not None and target.endswith("/busybox") and files.exists(place):
                return True
        except Unseen:
            return True
    return False
