"""No account of the directory escapes the password policy that the others are under.

The policy is shown to auditors; the accounts that it does not bind are found by whoever looks for a way in.

One answer per enabled account that escapes, and one for all others (`others`).
AD: the flags PASSWD_NOTREQD (no password is needed) and DONT_EXPIRE_PASSWORD, and a settings object that demands less than the domain.
OpenLDAP: a `pwdPolicySubentry` that demands less than the default, or is not there. 389-DS and FreeIPA: a local policy or a group's that demands less
than the global one. Machines, managed accounts and krbtgt apart, whose passwords the directory itself makes.
`ways` chooses among `no-password`, `never-expires` and `weaker`; `administrators` asks only about those who rule the directory.
`expiry` is to be off where a directive forbids that passwords expire: DONT_EXPIRE_PASSWORD, and later expiry, are then no escape.
Passes: the account is among `declared`, or nobody else escapes. Fails: it escapes.
Unknown: the flags of an account, or the policy that applies to it, were not shown to the audit account.

Remedy: AD: `Set-ADUser -PasswordNotRequired $false -PasswordNeverExpires $false`, managed service accounts for services; elsewhere raise the
finer policy to the default, or take it away.
"""

from sovaudit.authoring import Directory, Outcomes, check, failed, passed, unknown
from sovaudit.facts.directories.model import Account, Exempt, Exemption

TEXT = "{name} escapes the password policy: {how}"
ONE = "{name} is under {policy}, which demands less than the default: {how}"

WAYS = ("no-password", "never-expires", "weaker")


@check("password-policy.directory-exceptions", severity="high", since="0.2")
def directory_exceptions(
    directory: Directory, *, declared: tuple[str, ...] = (), expiry: bool = True, ways: tuple[str, ...] = WAYS, administrators: bool = False
) -> Outcomes:
    found, gaps = directory.view.exempt()
    if administrators:
        ruling = {admin.account.dn for admin in directory.admins.members}
        found = [one for one in found if one.account.dn in ruling]
        gaps = [*gaps, *directory.admins.gaps]
    accepted = {name.casefold() for name in declared}
    by_account: dict[str, tuple[Account, list[Exempt]]] = {}
    for one in found:
        if one.how.value not in ways:
            continue
        if not expiry and (one.how is Exemption.NEVER_EXPIRES or one.less.startswith("max_age_days")):
            continue
        by_account.setdefault(one.account.dn, (one.account, []))[1].append(one)
    clean = True
    for account, given in by_account.values():
        name, how = account.name, ", ".join(dict.fromkeys(way.less for way in given if way.less))
        because = list(dict.fromkeys(line for way in given for line in way.because))
        if name.casefold() in accepted:
            text = "{name} is declared to escape the password policy: {how}"
            yield passed(text, subject=name, seen=how, because=because, name=name, how=how)
            continue
        clean = False
        weaker = [way.policy for way in given if way.policy]
        if weaker and len(given) == 1:
            yield failed(ONE, subject=name, seen=how, because=because, name=name, policy=weaker[0], how=how)
        else:
            yield failed(TEXT, subject=name, seen=how, because=because, name=name, how=how)
    if gaps:
        text = "who else escapes the password policy was not seen"
        yield unknown(text, subject="others", gaps=gaps, settle="the right to read accounts and password policies")
    elif clean:
        yield passed("no other account escapes the password policy", subject="others")
