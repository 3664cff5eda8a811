"""Whether an account of a directory can be used at all: what disables it, and the end of its life where the product itself holds to it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sovaudit.facts.directories.model import Account
from sovaudit.model.evidence import Gap

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory

# whose servers refuse an account past its date themselves: accountExpires, krbPrincipalExpiration. slapd knows nothing of shadowExpire.
_HOLDS_TO_IT = frozenset({"ad", "freeipa"})


def enabled(directory: Directory, account: Account) -> bool | Gap:
    """True, False, or why it was not seen."""
    if account.enabled is False:
        return False
    if directory.product in _HOLDS_TO_IT and isinstance(account.expires, datetime) and account.expires <= directory.taken_at:
        return False
    return account.enabled
