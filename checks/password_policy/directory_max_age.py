"""Under the password policy that really applies to each account of the directory, passwords expire.

A password that was caught stays good until it is changed. Some directives forbid forced expiry; `max_days` without a value asks for the
opposite.

One answer per policy that has enabled accounts under it, by the same reading as password-policy.directory-min-length.
AD: `maxPwdAge`, `msDS-MaximumPasswordAge` (accounts that are exempt are password-policy.directory-exceptions' business). OpenLDAP: `pwdMaxAge`.
389-DS: `passwordMaxAge`, with `passwordExp: on`. FreeIPA: `krbMaxPwdLife`.
Passes: a password must be changed within `max_days` days; with no `max_days`: never. Fails: later, or never; with no `max_days`: ever.
Unknown: which policy applies or what it demands was not seen. Not applicable: the directory has no enabled account.
Out of reach: what happens to an expired password at doors that do not ask the directory's policy (keys, tickets that live on).

Remedy: AD: `Set-ADDefaultDomainPasswordPolicy -MaxPasswordAge 365.00:00:00`; OpenLDAP: `pwdMaxAge: 31536000`; 389-DS:
`dsconf … pwpolicy set --pwdexpire on --pwdmaxage 31536000`; FreeIPA: `ipa pwpolicy-mod --maxlife=365`.
"""

from sovaudit.authoring import Directory, Gap, Outcomes, check, failed, not_applicable, passed, unknown


@check("password-policy.directory-max-age", severity="medium", since="0.2")
def directory_max_age(directory: Directory, *, max_days: int | None = 365) -> Outcomes:
    policies = directory.policies
    for applied in policies:
        policy, accounts = applied.policy, len(applied.accounts)
        if isinstance(policy, Gap):
            text = "which policy applies to {accounts} accounts was not seen"
            yield unknown(text, subject="unseen", gaps=[policy], settle="the right to read password policies", accounts=accounts)
            continue
        name, because, source, days = policy.name, policy.because, policy.evidence, policy.max_age_days
        if isinstance(days, Gap):
            text = "after how many days {policy} demands a change was not seen"
            yield unknown(text, subject=name, gaps=[days], because=because, settle="the right to read {policy}", policy=name)
        elif days is None and max_days is None:
            text = "nothing forces {accounts} accounts to change their passwords"
            yield passed(text, subject=name, seen="never", because=because, evidence=source, accounts=accounts)
        elif days is None:
            text = "the passwords of {accounts} accounts never expire: {names}"
            yield failed(text, subject=name, seen="never", because=because, evidence=source, accounts=accounts, names=applied.names)
        elif max_days is None or days > max_days:
            text = "the passwords of {accounts} accounts expire after {days} days: {names}"
            yield failed(
                text, subject=name, seen=str(days), because=because, evidence=source, accounts=accounts, names=applied.names, days=days
            )
        else:
            text = "the passwords of {accounts} accounts expire after {days} days"
            yield passed(text, subject=name, seen=str(days), because=because, evidence=source, accounts=accounts, days=days)
    directory.complete("accounts")
    if not policies:
        yield not_applicable("the directory has no enabled account")
