"""Under the password policy that really applies to each account of the directory, guessing is stopped.

Without a lock, a short or common password falls to patience alone.

One answer per policy that has enabled accounts under it, by the same reading as password-policy.directory-min-length.
AD: `lockoutThreshold` (0 never locks) and `lockoutDuration`. OpenLDAP: `pwdMaxFailure`, with `pwdLockout: TRUE`. 389-DS: `passwordMaxFailure`,
with `passwordLockout: on`. FreeIPA: `krbPwdMaxFailure`.
Passes: at most `attempts` wrong passwords lock the account, for `unlock_seconds` at least, or until somebody unlocks it.
Fails: never, only after more, or for a shorter time. Unknown: which policy applies or what it does was not seen.
Not applicable: the directory has no enabled account.
Out of reach: one guess on each of many accounts; AD's built-in Administrator, whom no lock holds at the console.

Remedy: AD: `Set-ADDefaultDomainPasswordPolicy -LockoutThreshold 5 -LockoutDuration 00:15:00`; OpenLDAP: `pwdLockout: TRUE`, `pwdMaxFailure: 5`,
`pwdLockoutDuration: 900`; 389-DS: `dsconf … pwpolicy set --pwdlockout on --pwdmaxfailures 5`; FreeIPA: `ipa pwpolicy-mod --maxfail=5
--lockouttime=900`.
"""

from sovaudit.authoring import Directory, Gap, Outcomes, check, failed, not_applicable, passed, unknown


@check("password-policy.directory-lockout", severity="high", since="0.2")
def directory_lockout(directory: Directory, *, attempts: int = 5, unlock_seconds: int = 900) -> Outcomes:
    policies = directory.policies
    for applied in policies:
        policy, accounts = applied.policy, len(applied.accounts)
        if isinstance(policy, Gap):
            text = "which policy applies to {accounts} accounts was not seen"
            yield unknown(text, subject="unseen", gaps=[policy], settle="the right to read password policies", accounts=accounts)
            continue
        name, because, source = policy.name, policy.because, policy.evidence
        tries, seconds = policy.attempts, policy.unlock_seconds
        if tries is None:
            text = "nothing stops guessing the passwords of {accounts} accounts: {names}"
            yield failed(text, subject=name, seen="never", because=because, evidence=source, accounts=accounts, names=applied.names)
        elif not isinstance(tries, Gap) and tries > attempts:
            text = "{accounts} accounts are locked only after {count} wrong passwords: {names}"
            yield failed(
                text, subject=name, seen=str(tries), because=because, evidence=source, accounts=accounts, names=applied.names, count=tries
            )
        elif not isinstance(seconds, Gap) and seconds is not None and seconds < unlock_seconds:
            text = "{accounts} locked accounts open again after {seconds} seconds: {names}"
            yield failed(
                text,
                subject=name,
                seen=str(seconds),
                because=because,
                evidence=source,
                accounts=accounts,
                names=applied.names,
                seconds=seconds,
            )
        elif isinstance(tries, Gap) or isinstance(seconds, Gap):
            gaps = [gap for gap in (tries, seconds) if isinstance(gap, Gap)]
            text = "whether {policy} stops guessing was not seen"
            yield unknown(text, subject=name, gaps=gaps, because=because, settle="the right to read {policy}", policy=name)
        else:
            text = "{accounts} accounts are locked after {count} wrong passwords"
            yield passed(text, subject=name, seen=str(tries), because=because, evidence=source, accounts=accounts, count=tries)
    directory.complete("accounts")
    if not policies:
        yield not_applicable("the directory has no enabled account")
