"""The password policy that really applies to each account of the directory demands several kinds of characters.

A password of small letters alone is found among the first that are tried. Kinds are four: digits, upper case, lower case, all others.

One answer per policy that has enabled accounts under it, by the same reading as password-policy.directory-min-length.
AD: complexity demands three kinds. OpenLDAP: slapo-ppolicy demands none; a module (`pwdCheckModule`, `olcPPolicyCheckModule`) may, and what it
demands is not to be read in the directory. 389-DS: `passwordMinCategories`, or the minimum of each kind, with `passwordCheckSyntax: on`.
FreeIPA: `krbPwdMinDiffChars`.
Passes: at least `min_classes` kinds are demanded. Fails: fewer. Unknown: which policy applies or what it demands was not seen.
Not applicable: the directory has no enabled account.
Out of reach: passwords set by an administrator or written ready hashed; passwords that were set before the policy.

Remedy: AD: `Set-ADDefaultDomainPasswordPolicy -ComplexityEnabled $true`; 389-DS: `dsconf … pwpolicy set --pwdchecksyntax on --pwdmincategories 3`;
FreeIPA: `ipa pwpolicy-mod --minclasses=3`; OpenLDAP: a check module such as ppm, or long passwords in its place.
"""

from sovaudit.authoring import Directory, Gap, Outcomes, check, failed, not_applicable, passed, unknown


@check("password-policy.directory-complexity", severity="medium", since="0.2")
def directory_complexity(directory: Directory, *, min_classes: int = 3) -> Outcomes:
    policies = directory.policies
    for applied in policies:
        policy, accounts = applied.policy, len(applied.accounts)
        if isinstance(policy, Gap):
            text = "which policy applies to {accounts} accounts was not seen"
            yield unknown(text, subject="unseen", gaps=[policy], settle="the right to read password policies", accounts=accounts)
            continue
        name, because, source, kinds = policy.name, policy.because, policy.evidence, policy.min_classes
        if isinstance(kinds, Gap):
            text = "how many kinds of characters {policy} demands was not seen"
            yield unknown(text, subject=name, gaps=[kinds], because=because, settle="the right to read {policy}", policy=name)
        elif (kinds or 0) < min_classes:
            text = "{accounts} accounts may set passwords of {kinds} kinds of characters: {names}"
            seen = str(max(kinds or 0, 1))
            yield failed(
                text,
                subject=name,
                seen=seen,
                because=because,
                evidence=source,
                accounts=accounts,
                names=applied.names,
                kinds=max(kinds or 0, 1),
            )
        else:
            text = "{accounts} accounts need at least {kinds} kinds of characters"
            yield passed(text, subject=name, seen=str(kinds), because=because, evidence=source, accounts=accounts, kinds=kinds or 0)
    directory.complete("accounts")
    if not policies:
        yield not_applicable("the directory has no enabled account")
