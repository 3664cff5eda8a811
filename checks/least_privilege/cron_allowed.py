"""Only declared accounts can schedule jobs.

A job that an intruder leaves behind runs again after the session is gone. Those who need timed work are few and known.

One answer per account that has a login or scheduled jobs; root always may. Declared accounts are named in `users`.
Passes: the account is declared; or neither `crontab` nor `at` serves it, no crontab of its own lies in the spool, and its systemd manager does
not linger. As the programs decide: /etc/cron.allow, if it is there, names the only ones; else /etc/cron.deny names those who may not; with
neither, Debian's cron lets everybody, cronie nobody. A cron.allow that the account cannot read refuses it. /etc/at.allow and at.deny alike,
read by the user daemon; one that daemon cannot read counts as absent, with neither only root may. A name counts when the line is the name
and nothing else; Debian's cron drops the last letter of a last line without a newline.
Fails: an account that is not declared may run `crontab` or `at`, or a crontab of its own is there (cron runs it even if cron.deny names the
account), or its user manager lingers, and with it its timers.
Unknown: a list, the spool or which cron is installed was not seen.
Out of reach: PAM and an account's expiry, which stop jobs but not scheduling, timers while an account is logged in, jobs in folders of root's that
others may write (see writable).

Remedy: name the few in /etc/cron.allow and /etc/at.allow (mode 0644, or 0640 root:crontab), remove crontabs of others (`crontab -r -u NAME`),
`loginctl disable-linger NAME`.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, passed, unknown
from sovaudit.facts.scheduling import Scheduling


@check("least-privilege.cron-allowed", severity="medium", since="0.1")
def cron_allowed(host: Host, *, users: tuple[str, ...] = ()) -> Outcomes:
    scheduling = Scheduling(host)
    asked = False
    for account in host.accounts:
        if account.uid == 0:
            continue
        name, ways = account.name, scheduling.ways(account)
        certain = [way for way in ways if way.certain]
        gaps = [gap for way in ways for gap in way.gaps]
        if not account.has_shell and not ways:
            continue
        asked = True
        if name in users:
            yield passed("{name} is declared", subject=name, seen=", ".join(way.way for way in certain), name=name)
        elif certain:
            means = ", ".join(way.way for way in certain)
            because = [line for way in certain for line in way.because]
            yield failed("{name} may schedule jobs: {means}", subject=name, seen=means, because=because, name=name, means=means)
        elif gaps:
            settle = "the lists of cron and at, their programs and their spools"
            yield unknown("{name} may be able to schedule jobs", subject=name, gaps=gaps, settle=settle, name=name)
        else:
            yield passed("{name} schedules nothing", subject=name, because=account.because[:1], name=name)
    for source in host.accounts.elsewhere:
        asked = True
        text = "{source} may hold accounts that schedule jobs"
        yield unknown(text, subject=source, settle="the accounts of {source}", source=source)
    if not asked:
        yield passed("no account but root has a login or scheduled jobs", subject="root")
