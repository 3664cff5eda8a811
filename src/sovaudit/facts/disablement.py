"""Why an account counts as disabled: shadow(5)'s lock and dates, and what the site declares."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sovaudit.facts.accounts import Account


def words(account: Account, at: datetime, left: Collection[str] = ()) -> str:
    """Empty for an account that is not disabled, as far as was seen."""
    if account.name in left:
        return "declared left"
    if account.password is not None and account.password.locked:
        return "locked by `!`"
    if account.expired(at):
        return "past its expiry date"
    if account.inactive(at):
        return "overdue beyond its grace period"
    return ""
