"""How long the accounts of a directory have been idle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import TYPE_CHECKING

from sovaudit.facts.directories.model import Account, Kind
from sovaudit.facts.parse.ldap_times import Special

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory


@unique
class Idle(StrEnum):
    """What is known of an account's use."""

    DISABLED = "disabled"
    UNRECORDED = "unrecorded"  # its logins are not recorded, or not shown
    UNSEEN = "unseen"  # there is none, and since when it could have been was not seen
    USED = "used"
    NEW = "new"  # there is none yet
    PERHAPS = "perhaps"  # too long ago by the record, which may lag behind
    IDLE = "idle"
    NEVER = "never"  # there is none, and it is old


@dataclass(frozen=True, slots=True)
class Use:
    """days: since the last login, or since the account was made or its password set. text: the date that says so."""

    state: Idle
    days: int = 0
    text: str = ""


def idleness(directory: Directory, most_days: int) -> Iterator[tuple[Account, Use]]:
    """Accounts of people and services, by kind and never by name. Raises Unseen."""
    now = directory.taken_at
    most = timedelta(days=most_days)
    for account in directory.accounts:
        if account.kind in (Kind.PERSON, Kind.SERVICE):
            yield account, _use(account, now, most)


def _use(account: Account, now: datetime, most: timedelta) -> Use:
    if account.enabled is False:
        return Use(Idle.DISABLED)
    last = account.last_login
    if isinstance(last, datetime):
        since = now - last
        text = f"last login {last:%Y-%m-%d}"
        days = max(since.days, 0)
        if since <= most:
            return Use(Idle.USED, days, text)
        late = account.login_lag_days and since <= most + timedelta(days=account.login_lag_days)
        return Use(Idle.PERHAPS if late else Idle.IDLE, days, text)
    if last is not Special.NEVER:
        return Use(Idle.UNRECORDED)
    dates = [date for date in (account.created, account.password_set) if isinstance(date, datetime)]
    if not dates:
        return Use(Idle.UNSEEN)
    since = now - max(dates)
    text = f"no login, since {max(dates):%Y-%m-%d}"
    return Use(Idle.NEW if since <= most else Idle.NEVER, max(since.days, 0), text)
