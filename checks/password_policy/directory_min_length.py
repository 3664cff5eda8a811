"""The password policy that really applies to each account of the directory demands long passwords.

A directory holds the passwords of everybody. What counts is not the policy that is written down but the one under which each account falls:
a finer policy of a group, a subentry of one account, or none at all.

One answer per policy that has enabled accounts under it. AD: the domain's settings, or the password settings object that wins by
precedence, directly or through groups. OpenLDAP: `pwdPolicySubentry`, else the overlay's default; a subentry that is not there means no policy at
all, and `pwdCheckQuality: 0` that no length is enforced. 389-DS: global and local policies; without `passwordCheckSyntax: on` any length is
accepted. FreeIPA: the policy of lowest `cosPriority` among the account's groups.
Passes: it demands at least `minimum` characters. Fails: it demands fewer, or nothing.
Unknown: which policy applies, or what it demands, is not shown to the audit account.
Not applicable: the directory has no enabled account.
Out of reach: passwords set by an administrator or written into the tree ready hashed, which most products let past their own policy; passwords
that were set before the policy.

Remedy: raise the length in the policy named (AD: `Set-ADDefaultDomainPasswordPolicy -MinPasswordLength 12`; OpenLDAP: `pwdMinLength: 12` with
`pwdCheckQuality: 2`; 389-DS: `dsconf … pwpolicy set --pwdchecksyntax on --pwdminlen 12`; FreeIPA: `ipa pwpolicy-mod --minlength=12`).
"""

from sovaudit.authoring import Directory, Gap, Outcomes, check, failed, not_applicable, passed, unknown


@check("password-policy.directory-min-length", severity="high", since="0.2")
def directory_min_length(directory: Directory, *, minimum: int = 12) -> Outcomes:
    policies = directory.policies
    for applied in policies:
        policy, accounts = applied.policy, len(applied.accounts)
        if isinstance(policy, Gap):
            text = "which policy applies to {accounts} accounts was not seen"
            yield unknown(text, subject="unseen", gaps=[policy], settle="the right to read password policies", accounts=accounts)
            continue
        name, because, source = policy.name, policy.because, policy.evidence
        length = policy.min_length
        if isinstance(length, Gap):
            text = "what length {policy} demands was not seen"
            yield unknown(text, subject=name, gaps=[length], because=because, settle="the right to read {policy}", policy=name)
            continue
        seen = str(length or 0)
        if (length or 0) < minimum and policy.more is not None:
            text = "{policy} demands {length} characters, and a module that may demand more"
            yield unknown(
                text, subject=name, gaps=[policy.more], because=because, settle="the module's settings", policy=name, length=length or 0
            )
        elif (length or 0) < minimum:
            text = "{accounts} accounts may set passwords of {length} characters: {names}"
            shown = max(length or 0, 1)
            yield failed(
                text, subject=name, seen=seen, because=because, evidence=source, accounts=accounts, names=applied.names, length=shown
            )
        else:
            text = "{accounts} accounts need at least {length} characters"
            yield passed(text, subject=name, seen=seen, because=because, evidence=source, accounts=accounts, length=length or 0)
    directory.complete("accounts")
    if not policies:
        yield not_applicable("the directory has no enabled account")
