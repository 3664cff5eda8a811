"""When a password must be changed: shadow(5) as pam_unix counts, and whether logins hold to it."""

from __future__ import annotations

from enum import Enum, unique
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account, day
from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_modules import libpam_at_least
from sovaudit.facts.password_doors import ssh_asks_pam
from sovaudit.model.evidence import Gap

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

FOREVER = 10_000  # days: shadow itself shows and treats so long a maximum as never (lib/isexpired.c, chage)


@unique
class Ageing(Enum):
    """What is no number of days."""

    NO_PASSWORD = "no password opens the account"
    NEVER = "never"
    UNSEEN = "the stored password was not seen"
    VERSION = "versions of pam_unix differ here, and which one runs was not seen"


def ageing(host: Host, account: Account) -> int | Ageing:
    """Days after which the password must be changed, counted from its last change, or from now where that lies in the future.

    0: it must be changed at the next login. Raises Unseen without the host's time where it is needed.
    """
    if account.password is None:
        return Ageing.UNSEEN
    if not account.password.usable:
        return Ageing.NO_PASSWORD
    if account.last_change == 0:
        return 0
    limit = account.max_days
    if limit is None or limit >= FOREVER:
        return Ageing.NEVER
    if limit < 0 or account.last_change is None or account.last_change < 0:
        modern = libpam_at_least(host, (1, 6))
        if modern is None:
            return Ageing.VERSION
        return Ageing.NEVER if modern else 0  # before 1.6 older than that already; an empty last change counts as -1: overdue since 1970
    return limit + max(0, account.last_change - day(host.taken_at))


def ignoring_services(host: Host) -> tuple[tuple[str, ...], tuple[Gap, ...]]:
    """Login services that take passwords through PAM and let an overdue one in, and what was not seen of others."""
    ignoring: list[str] = []
    gaps: list[Gap] = []
    for service in ("login", "sshd"):
        try:
            if not host.pam.stacks.configured(service):
                continue
            answer = host.pam.expiry_ignored(service)
            if answer is False or (service == "sshd" and not ssh_asks_pam(host)):
                continue
            if answer:
                ignoring.append(service)
            else:
                gaps += host.pam.expiry_gaps(service)
        except Unseen as unseen:
            gaps.append(unseen.gap)
    return tuple(ignoring), tuple(dict.fromkeys(gaps))
