"""sudo asks for the password again soon.

After one good answer sudo keeps a ticket and asks no more until it is old: so long does an open session, or a program in it, hold the rights
of its owner. The time is `timestamp_timeout`, as sudo takes it for this account: `Defaults` for everybody, this host, this user and this
target in file order, then those of the command; a value that sudo cannot read is passed over; without any, what is compiled in (15 minutes
on Debian and Ubuntu, 5 elsewhere). 0 asks every time; a negative value lasts until the next boot. Each use starts the time anew.

One answer per account that may run something with a password. Passes: the longest ticket of all that it may run lasts at most `minutes`.
Fails: one lasts longer. Unknown: which value applies was not seen. Not applicable: sudo is not installed, or asks this account nothing
anyway (least-privilege.sudo-nopasswd answers for that).
Out of reach: tickets already given, and `timestamp_type`: with `global` one answer opens every session of the account, for the same time.

Remedy: `Defaults timestamp_timeout=5` (or 0) after every other line about it; no longer time for one user, target or command.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.sudo_tickets import spell, ticket


@check("least-privilege.sudo-timeout", severity="medium", since="0.1")
def sudo_timeout(host: Host, *, minutes: int = 15) -> Outcomes:
    sudo = host.sudo
    if sudo.installed is False:
        yield not_applicable("sudo is not installed", subject="sudo")
        return
    asked = False
    for account in host.accounts:
        rights = [right for right in sudo.grants(account) if right.target != account.name]
        if account.uid == 0 or not rights:
            continue
        asked = True
        name = account.name
        found = ticket(host, account)
        if found is None:
            yield not_applicable("sudo asks {name} nothing anyway", subject=name, because=rights[0].because, name=name)
            continue
        seen = spell(found)
        longer = found.longer_than(minutes)
        if longer is None:
            yield unknown("how long sudo remembers {name} was not seen", subject=name, seen=seen, gaps=found.gaps, because=found.because,
                          settle="the Defaults that apply", name=name)  # fmt: skip
        elif longer and found.minutes is None:
            yield failed("sudo never asks {name} again", subject=name, seen=seen, because=found.because, name=name)
        elif longer:
            yield failed("sudo asks {name} again only after {time} minutes", subject=name, seen=seen, because=found.because, name=name,
                         time=seen.split()[0])  # fmt: skip
        elif found.minutes == 0:
            yield passed("sudo asks {name} every time", subject=name, seen=seen, because=found.because, name=name)
        else:
            yield passed("sudo asks {name} again after {time} minutes", subject=name, seen=seen, because=found.because, name=name,
                         time=seen.split()[0])  # fmt: skip
    for source in sudo.elsewhere:
        asked = True
        yield unknown(
            "{source} may give rights that this host does not show", subject=source, settle="the rules of {source}", source=source
        )
    if sudo.gaps:
        asked = True
        yield unknown("not all of sudo's rules were seen", subject="sudo", gaps=sudo.gaps, settle="the files that were not seen")
    if not asked:
        yield passed("nobody may run anything through sudo", subject="sudo", seen=sudo.broken)
