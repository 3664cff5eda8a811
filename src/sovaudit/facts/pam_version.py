"""Which Linux-PAM and which shadow a host runs, from its packages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

PACKAGES = ("libpam0g", "libpam0t64", "libpam-modules", "pam", "pam-libs", "linux-pam")


def libpam_version(host: Host) -> tuple[int, int] | None:
    """(1, 5) for 1.5.2-6+deb12u2; None if it was not seen."""
    return _version(host, PACKAGES)


def libpam_release(host: Host) -> tuple[int, int, int] | None:
    """(1, 5, 2) for 1.5.2-6+deb12u2; None if it was not seen."""
    try:
        packages = host.packages
    except Unseen:
        return None
    for name in PACKAGES:
        match = re.match(r"(?:\d+:)?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", packages.get(name, ""))
        if match:
            return int(match[1]), int(match[2]), int(match[3] or 0)
    return None


def shadow_version(host: Host) -> tuple[int, int] | None:
    """(4, 13) for 1:4.13+dfsg1-1+deb12u1; None if it was not seen."""
    return _version(host, ("passwd", "shadow", "shadow-utils"))


def _version(host: Host, names: tuple[str, ...]) -> tuple[int, int] | None:
    try:
        packages = host.packages
    except Unseen:
        return None
    for name in names:
        match = re.match(r"(?:\d+:)?(\d{1,4})\.(\d{1,4})", packages.get(name, ""))
        if match:
            return int(match[1]), int(match[2])
    return None
