"""Becoming root by su is limited to a group.

su asks for the password of root, which several people know, and the log then says `root`. Where any account may try, the password of root is
all that a stolen session lacks. `pam_wheel` (or a group on the program itself) lets only those try who may.

One answer per account with a shell: suppose that it knows the password of root and has nothing else. What counts is what su and PAM would do:
`su` and `su -` are two services and the weaker one counts; a `sufficient` line before `pam_wheel` passes it by; `deny`, `trust`, `root_only`
and `group=` mean what pam_wheel(8) says; a group counts by its number; the mode of the program (4750 and a group) limits, too.
Passes: it does not become root so (also where root has no password that opens, or su is not setuid); or it does, but an account in no group
would not. With `groups` (names, `%` before them or not) only members of these may.
Fails: it becomes root, and so would any other account; or it is in none of `groups`. Unknown: a file or module that decides was not seen.
Not applicable: there is no su.
Out of reach: pam_wheel without `use_uid` in a session that another account opened (the one that logged in counts).

Remedy: `auth required pam_wheel.so use_uid` after `pam_rootok.so` and before everything else in /etc/pam.d/su (and su-l where it does not
include it), with the administrators in the group `wheel`, or `group=NAME`.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts import su
from sovaudit.facts.factors import spell


@check("least-privilege.su-restricted", severity="medium", since="0.1")
def su_restricted(host: Host, *, groups: tuple[str, ...] = ()) -> Outcomes:
    there = su.programs(host)
    if not there.found and there.gap is None:
        yield not_applicable("there is no su on this host", subject="su")
        return
    if not there.usable and there.gap is None:
        yield passed("su makes nobody root: it is not setuid", subject="su", because=there.because)
        return
    declared = {group.removeprefix("%") for group in groups}
    anybody: su.Answer | None = None
    asked = False
    for account in host.accounts:
        if account.uid == 0 or not account.has_shell:
            continue
        asked = True
        name = account.name
        found = su.answer(su.ways(host, account))
        if found.opens is False:
            text = "{name} does not become root by su"
            if found.more is not None:
                text = "{name} becomes root by su only with {factors}"
            yield passed(text, subject=name, because=found.why.because, name=name, factors=spell(found.more or ()))
            continue
        if declared:
            limited: bool | None = bool(declared & account.groups)
        else:
            anybody = anybody or su.answer(su.ways(host, su.stranger(account)))
            limited = None if anybody.opens is None else not anybody.opens
        if limited:
            yield passed("{name} may become root by su, as a member of a group", subject=name, because=found.why.because, name=name)
        elif found.opens is None or limited is None:
            gaps = found.why.gaps or (anybody.why.gaps if anybody else ())
            yield unknown("{name} may become root by su", subject=name, gaps=gaps, because=found.why.because,
                          settle="the PAM files and modules that were not seen", name=name)  # fmt: skip
        else:
            text = (
                "{name} becomes root by su and is asked nothing" if found.nothing else "{name} becomes root by su with the password of root"
            )
            yield failed(text, subject=name, because=(*there.because, *found.why.because), name=name)
    for source in host.accounts.elsewhere:
        asked = True
        yield unknown("accounts from {source} were not seen", subject=source, settle="the accounts of {source}", source=source)
    if not asked:
        yield passed("no account but root has a shell", subject="su")
