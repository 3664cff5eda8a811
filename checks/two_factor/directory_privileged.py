"""Every effective administrator of the directory must present a second factor.

Who rules the directory rules everything that asks it. A password alone is guessed, caught or found; the second factor is what keeps it from
being enough.

One answer per enabled administrator: whoever the product makes one (AD: the closure of the privileged groups, the primary group, and holders
of equal rights; FreeIPA: `admins`; OpenLDAP and 389-DS: whom access rules let rule the tree), and the members of `groups`.
Passes: the directory itself refuses them without a second factor. AD: a smart card is required. FreeIPA: the kinds of authentication allow no
password alone, and there is a token. OpenLDAP: slapo-otp stands on their database and they hold a token.
Fails: a password alone binds. Identities outside the tree that bind with one (a root DN with a password) fail, too.
Unknown: what would show it was not seen, or the factor may be asked elsewhere (RADIUS, an identity provider, a gateway), which a directory does
not show: their export would settle it. Where the owner states that nothing else asks for one, `elsewhere` is to be off: then this fails, too.
Not applicable: nobody enabled is an administrator, and that was seen.

Remedy: AD: smart cards for administrators (`Set-ADUser -SmartcardLogonRequired $true`); FreeIPA: `ipa user-mod --user-auth-type=otp` and a token;
OpenLDAP: slapo-otp with a token for each; no password for root DNs.
"""

from sovaudit.authoring import Directory, Gap, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.directories.model import ELSEWHERE
from sovaudit.facts.directories.privilege import administrators


@check("two-factor.directory-privileged", severity="critical", since="0.2")
def directory_privileged(directory: Directory, *, groups: tuple[str, ...] = (), elsewhere: bool = True) -> Outcomes:
    admins = administrators(directory, groups)
    asked = False
    for admin in admins.enabled:
        asked = True
        account, factor = admin.account, directory.factor(admin.account)
        name, because = account.name, (*factor.because, *admin.because)
        if factor.demanded is True:
            yield passed("{name} must present a second factor", subject=name, because=because, name=name)
        elif isinstance(factor.demanded, Gap) and (elsewhere or factor.demanded.item != ELSEWHERE):
            text = "whether {name} must present a second factor was not seen"
            settle = factor.settle or "what asks {name} for it, or the right to read that"
            yield unknown(text, subject=name, gaps=[factor.demanded], because=because, settle=settle, name=name)
        elif isinstance(account.enabled, Gap):
            text = "{name} rules the directory with a password alone, if it is enabled"
            yield unknown(text, subject=name, gaps=[account.enabled], because=because, settle="whether {name} is enabled", name=name)
        else:
            text = "{name} rules the directory with a password alone"
            yield failed(text, subject=name, seen=admin.through, because=because, name=name)
    for line in admins.bypass:
        asked = True
        yield failed("{name} rules the directory with a password alone", subject=line.file, because=[line], name=line.file)
    if admins.gaps:
        text = "who else rules the directory was not seen"
        yield unknown(text, subject="administrators", gaps=admins.gaps, settle="the right to read access rules and groups")
    directory.complete("accounts", "groups")
    if not asked and not admins.gaps:
        yield not_applicable("nobody enabled rules the directory")
