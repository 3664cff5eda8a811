"""The password policy that really applies to each account of the directory refuses old passwords.

A password that must be changed and may come back at once was not changed.

One answer per policy that has enabled accounts under it, by the same reading as password-policy.directory-min-length.
AD: `pwdHistoryLength`, `msDS-PasswordHistoryLength`. OpenLDAP: `pwdInHistory`. 389-DS: `passwordInHistory`, with `passwordHistory: on`.
FreeIPA: `krbPwdHistoryLength`.
Passes: the last `remember` passwords are refused. Fails: fewer are. Unknown: which policy applies or what it keeps was not seen.
Not applicable: the directory has no enabled account.
Out of reach: somebody who changes a password so often that the old one leaves the history, where no minimal age forbids it.

Remedy: AD: `Set-ADDefaultDomainPasswordPolicy -PasswordHistoryCount 24`; OpenLDAP: `pwdInHistory: 5`; 389-DS:
`dsconf … pwpolicy set --pwdhistory on --pwdhistorycount 5`; FreeIPA: `ipa pwpolicy-mod --history=5`.
"""

from sovaudit.authoring import Directory, Gap, Outcomes, check, failed, not_applicable, passed, unknown


@check("password-policy.directory-history", severity="medium", since="0.2")
def directory_history(directory: Directory, *, remember: int = 5) -> Outcomes:
    policies = directory.policies
    for applied in policies:
        policy, accounts = applied.policy, len(applied.accounts)
        if isinstance(policy, Gap):
            text = "which policy applies to {accounts} accounts was not seen"
            yield unknown(text, subject="unseen", gaps=[policy], settle="the right to read password policies", accounts=accounts)
            continue
        name, because, source, kept = policy.name, policy.because, policy.evidence, policy.history
        if isinstance(kept, Gap):
            text = "how many passwords {policy} remembers was not seen"
            yield unknown(text, subject=name, gaps=[kept], because=because, settle="the right to read {policy}", policy=name)
        elif (kept or 0) < remember:
            text = "{accounts} accounts may take back a password after {count} others: {names}"
            yield failed(
                text,
                subject=name,
                seen=str(kept or 0),
                because=because,
                evidence=source,
                accounts=accounts,
                names=applied.names,
                count=kept or 0,
            )
        else:
            text = "{accounts} accounts may not take back their last {count} passwords"
            yield passed(text, subject=name, seen=str(kept), because=because, evidence=source, accounts=accounts, count=kept or 0)
    directory.complete("accounts")
    if not policies:
        yield not_applicable("the directory has no enabled account")
