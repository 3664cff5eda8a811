"""No enabled account is unused.

An account that nobody has used for months is noticed by nobody when somebody does. It outlives its purpose, and often its owner.

On a host: one answer per account that has a shell, or that a door lets in without one. Enabled is one that SSH or the console gives a session with
anything.
The record is /var/log/lastlog, where sshd writes each login by uid, and login by pam_lastlog; it is not rotated, so the last one stands there
however long ago it was. What /var/log/wtmp still holds of logins at the machine itself counts, too. For an account without any login on record the
days count from the last change of its password (shadow(5)), the only trace of when it was given to somebody; an admin's change counts like its
owner's.
Passes: the last login is `max_idle_days` ago at most, or there is none yet and the password is no older; or nothing opens the account.
Fails: it is enabled and that is longer ago.
Unknown: there is no such record on this host (lastlog2 and wtmpdb are not read), or it was not seen; the console opens the account, and `login`
has no pam_lastlog, as on Debian 13; the account has no login and no date of its password; whether it is enabled was not seen; or accounts come
from a directory.
What lastlog does not hold: sessions without a terminal (`ssh host command`, scp, sftp), su, sudo, cron. An account that is used only so looks unused,
and needs a waiver that says so; `Accepted` lines of its name in the log of logins show it. Two accounts of one uid share one record.

In a directory: one answer per account of a person or a service, by type and class, not by name; machines, and what the product made itself, are not
counted. The record is the directory's own: lastLogonTimestamp and lastLogon (AD), pwdLastSuccess or authTimestamp (OpenLDAP), lastLoginTime (389),
krbLastSuccessfulAuth (FreeIPA). Where it may lag behind, as in AD by up to 14 days, the account fails only beyond those. An account without a login
counts from the day on which it was made, or its password was last set, whichever is later. Accounts whose logins are not recorded get one answer
together.
Out of reach: logins at another server that keeps its record to itself.

Remedy: `usermod -L -e 1 NAME` for an account that is not needed, or remove it (`deluser NAME`); in a directory disable it.
"""

from datetime import UTC, datetime, timedelta

from sovaudit.authoring import Directory, Host, Line, Outcomes, Reason, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts.accounts import day
from sovaudit.facts.directories.idleness import Idle, idleness
from sovaudit.facts.doors import sessions, unrecorded_doors
from sovaudit.model.evidence import Gap


@check("least-privilege.dormant", severity="medium", since="0.1")
def dormant(place: Host | Directory, *, max_idle_days: int = 90) -> Outcomes:
    if isinstance(place, Host):
        yield from _host(place, max_idle_days)
    else:
        yield from _directory(place, max_idle_days)


def _host(host: Host, max_idle_days: int) -> Outcomes:
    asked = False
    gaps: list[Gap] = []
    logins = {}
    try:
        logins = host.last_logins
    except Unseen as unseen:
        gaps = [unseen.gap]
    consoles = _at_the_console(host)
    for account in host.accounts:
        name, because = account.name, account.because
        last = max((at for at in (logins.get(account.uid), consoles.get(name)) if at is not None), default=None)
        open_doors = sessions(host, account)
        if not open_doors and not account.has_shell:
            continue
        asked = True
        changed = account.last_change if account.last_change is not None and account.last_change > 0 else None
        days = (host.taken_at - last).days if last is not None else day(host.taken_at) - changed if changed is not None else 0
        idle = host.taken_at - last > timedelta(days=max_idle_days) if last is not None else days > max_idle_days
        where = "the last logins of {name}, from the host's login records or its log collector"
        if not open_doors:
            yield passed("{name} is not enabled", subject=name, because=open_doors.closed, name=name)
        elif gaps and (last is None or idle):
            yield unknown("when {name} last logged in was not seen", subject=name, settle=where, gaps=gaps, because=because, name=name)
        elif last is None and changed is None:
            missing = [account.shadow_gap] if account.shadow_gap else [Gap("file:/etc/shadow", Reason.ABSENT, "no date of the password")]
            text = "no login of {name} is recorded, and since when it exists was not seen"
            yield unknown(text, subject=name, settle="when {name} was made", gaps=missing, because=because, name=name)
        elif idle and not open_doors.certain:
            why = [gap for way in open_doors.possible for gap in way.gaps]
            text = "{name} may be enabled, and no login is recorded for {days} days"
            yield unknown(text, subject=name, gaps=why, because=because, settle=where, name=name, days=days)
        elif idle and (unrecorded := unrecorded_doors(host, open_doors)):
            text = "no login of {name} is recorded for {days} days, and those at the console are not recorded"
            yield unknown(text, subject=name, gaps=unrecorded, because=because, settle=where, name=name, days=days)
        elif idle and last is not None:
            yield failed(
                "no login of {name} is recorded for {days} days", subject=name, seen=str(days), because=because, name=name, days=days
            )
        elif idle:
            text = "no login of {name} is recorded at all, and its password is {days} days old"
            yield failed(text, subject=name, seen=str(days), because=because, name=name, days=days)
        elif last is not None:
            yield passed("{name} logged in {days} days ago", subject=name, seen=str(days), name=name, days=max(days, 0))
        else:
            text = "no login of {name} is recorded yet, and its password is {days} days old"
            yield passed(text, subject=name, seen=str(days), because=because, name=name, days=max(days, 0))
    for source in host.accounts.elsewhere:
        asked = True
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        yield unknown("accounts from {source} were not seen", subject=source, settle="the accounts of {source}", gaps=[gap], source=source)
    if not asked:
        yield not_applicable("no account has a shell")


def _at_the_console(host: Host) -> dict[str, datetime]:
    """Login → the last at the machine itself that wtmp(5) holds; none where it was not seen."""
    found: dict[str, datetime] = {}
    try:
        for login in host.console_logins.logins:
            at = datetime.fromtimestamp(login.seconds, UTC)
            found[login.account] = max(found.get(login.account, at), at)
    except Unseen:
        pass
    return found


def _directory(directory: Directory, max_idle_days: int) -> Outcomes:
    asked, unrecorded = False, 0
    where = "the last logins of {name}, from the logs of the directory"
    for account, idle in idleness(directory, max_idle_days):
        asked = True
        name, days = account.name, idle.days
        because = [*account.because, Line(account.dn, 0, idle.text)]
        if idle.state is Idle.DISABLED:
            yield passed("{name} is not enabled", subject=name, because=account.because, name=name)
        elif idle.state is Idle.UNRECORDED:
            unrecorded += 1
        elif idle.state is Idle.UNSEEN:
            text = "no login of {name} is recorded, and since when it exists was not seen"
            gap = Gap("attribute:createTimestamp", Reason.ABSENT, "nor any date of its password")
            yield unknown(text, subject=name, settle="when {name} was made", gaps=[gap], name=name)
        elif idle.state is Idle.USED:
            yield passed("{name} logged in {days} days ago", subject=name, seen=str(days), name=name, days=days)
        elif idle.state is Idle.NEW:
            text = "no login of {name} is recorded yet, and it is {days} days old"
            yield passed(text, subject=name, seen=str(days), because=because, name=name, days=days)
        elif idle.state is Idle.PERHAPS:
            text = "no login of {name} is recorded for {days} days, and the record may lag {lag} days behind"
            gap = Gap("attribute:lastLogonTimestamp", Reason.AMBIGUOUS, f"up to {account.login_lag_days} days late")
            lag = account.login_lag_days
            yield unknown(text, subject=name, settle=where, gaps=[gap], because=because, name=name, days=days, lag=lag)
        elif not isinstance(account.enabled, bool):
            text = "{name} may be enabled, and no login is recorded for {days} days"
            yield unknown(text, subject=name, gaps=[account.enabled], because=because, settle=where, name=name, days=days)
        elif idle.state is Idle.NEVER:
            text = "no login of {name} is recorded at all, and it is {days} days old"
            yield failed(text, subject=name, seen=str(days), because=because, name=name, days=days)
        else:
            text = "no login of {name} is recorded for {days} days"
            yield failed(text, subject=name, seen=str(days), because=because, name=name, days=days)
    if unrecorded:
        text = "logins of {count} enabled accounts are not recorded, or not shown"
        gap = Gap("attribute:last login", Reason.ABSENT, "no entry shows one, or not this one's")
        settle = "a directory that records them (olcLastBind, the Account Policy plug-in …), and the right to read that"
        yield unknown(text, subject="logins", gaps=[gap], settle=settle, count=unrecorded)
    if not asked:
        yield not_applicable("no account is a person's or a service's")
    directory.complete("accounts")
