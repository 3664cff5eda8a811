"""sudo asks who you are.

Without that question, whoever sits at an open session, or runs a program in it, holds the rights of its owner. sudo does not ask where the
tag NOPASSWD or `Defaults !authenticate` (for everybody, this user, target, host or command) applies, where the account is in
`exempt_group`, or where the PAM stack of sudo (or of `sudo -i`, which has its own) opens to anybody. Running something as oneself, or with a
group that one has, needs no question.

Passes: everything that the account may run asks for a password, its own or (`targetpw`, `rootpw`, `runaspw`) another's; or PAM refuses the
account in any case (one that has expired, say). Fails: something that it may run as somebody else asks nothing. Unknown: what decides was not
seen. Not applicable: sudo is not installed.

Remedy: remove NOPASSWD and `!authenticate`; for a program that must run unattended, use a unit or cron job of its own account.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts.escalation import sudo_questions
from sovaudit.facts.factors import NOTHING, Why
from sovaudit.facts.sudo_unasked import refused, unasked


@check("least-privilege.sudo-nopasswd", severity="high", since="0.1")
def sudo_nopasswd(host: Host) -> Outcomes:
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
        if shut := refused(host, account):
            yield passed("PAM refuses {name} in sudo, whatever the rules say", subject=name, because=shut, name=name)
            continue
        open_ways = list(unasked(sudo, account))
        free = next((way for way in open_ways if way.certain), None)
        maybe = next(iter(open_ways), None)
        open_way = doubt = None
        for service, who in sudo_questions(host, account) or [("sudo", account)]:
            try:
                ways = host.pam.authenticate(service, who, invoker=account)
                open_way = open_way or ways.certain.get(NOTHING)
                doubt = doubt or ways.possible.get(NOTHING)
            except Unseen as unseen:
                doubt = doubt or Why(gaps=(unseen.gap,))
        if free is not None:
            yield failed("sudo runs {command} for {name} and asks nothing", subject=name, seen=f"no password for {free.command}",
                         because=free.because, name=name, command=free.command)  # fmt: skip
        elif open_way is not None and any(right.certain for right in rights):
            yield failed("PAM lets {name} through sudo and asks nothing", subject=name, because=open_way.because, name=name)
        elif maybe is not None or doubt is not None or open_way is not None:
            gaps = (*sudo.gaps, *(doubt.gaps if doubt is not None else ()))
            yield unknown("sudo may ask {name} nothing", subject=name, gaps=gaps, because=maybe.because if maybe else rights[0].because,
                          settle="what was not seen", name=name)  # fmt: skip
        else:
            yield passed("sudo asks {name} for a password", subject=name, because=rights[0].because, name=name)
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
