"""No enabled account is unused.

An account that nobody has used for months is noticed by nobody when somebody does. It outlives its purpose, and often its owner.

One answer per account that has a shell, or that a door lets in without one. Enabled is one that SSH or the console gives a session with anything.
The record is /var/log/lastlog, where sshd, login and display managers write each login by uid; it is not rotated, so the last one stands there
however long ago it was. For an account without any login on record the days count from the last change of its password (shadow(5)), the only trace
of when it was given to somebody; an admin's change counts like its owner's.
Passes: the last login is `max_idle_days` ago at most, or there is none yet and the password is no older; or nothing opens the account.
Fails: it is enabled and that is longer ago.
Unknown: there is no such record on this host (Debian 13 keeps lastlog2 and wtmpdb instead), or it was not seen; the account has no login and no
date of its password; whether it is enabled was not seen; or accounts come from a directory.
What lastlog does not hold: sessions without a terminal (`ssh host command`, scp, sftp), su, sudo, cron. An account that is used only so looks unused,
and needs a waiver that says so; `Accepted` lines of its name in the log of logins show it. Two accounts of one uid share one record.

Remedy: `usermod -L -e 1 NAME` for an account that is not needed, or remove it (`deluser NAME`).
"""

from datetime import timedelta

from sovaudit.authoring import Host, Outcomes, Reason, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts.accounts import day
from sovaudit.facts.doors import sessions
from sovaudit.model.evidence import Gap


@check("least-privilege.dormant", severity="medium", since="0.1")
def dormant(host: Host, *, max_idle_days: int = 90) -> Outcomes:
    asked = False
    gaps: list[Gap] = []
    logins = {}
    try:
        logins = host.last_logins
    except Unseen as unseen:
        gaps = [unseen.gap]
    for account in host.accounts:
        name, because, last = account.name, account.because, logins.get(account.uid)
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
        elif gaps:
            yield unknown("when {name} last logged in was not seen", subject=name, settle=where, gaps=gaps, because=because, name=name)
        elif last is None and changed is None:
            missing = [account.shadow_gap] if account.shadow_gap else [Gap("file:/etc/shadow", Reason.ABSENT, "no date of the password")]
            text = "no login of {name} is recorded, and since when it exists was not seen"
            yield unknown(text, subject=name, settle="when {name} was made", gaps=missing, because=because, name=name)
        elif idle and not open_doors.certain:
            why = [gap for way in open_doors.possible for gap in way.gaps]
            text = "{name} may be enabled, and no login is recorded for {days} days"
            yield unknown(text, subject=name, gaps=why, because=because, settle=where, name=name, days=days)
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
