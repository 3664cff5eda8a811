"""Every enabled person of the directory holds a second factor.

A second factor that is to be asked of everybody must first be in everybody's hands; who has none is let in without, or locked out.

One answer per enabled account of a person (machines, services and accounts that the product made itself apart).
Passes: the directory shows a token or card of theirs. AD: a smart card is required of them. FreeIPA: an active token of theirs. OpenLDAP: a token of
slapo-otp that is there.
Fails: it shows that they have none. Unknown: tokens are kept elsewhere, or were not seen.
Not applicable: no person has an enabled account.

Remedy: enrol the people named (FreeIPA: `ipa otptoken-add --owner=NAME`; OpenLDAP: an `oathTOTPToken` for each; AD: cards).
"""

from sovaudit.authoring import Directory, Gap, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.directories.model import Kind


@check("two-factor.directory-enrolled", severity="medium", since="0.2")
def directory_enrolled(directory: Directory) -> Outcomes:
    asked = False
    for account in directory.accounts:
        if account.kind is not Kind.PERSON or account.enabled is False:
            continue
        asked = True
        factor, name = directory.factor(account), account.name
        if factor.enrolled is True:
            yield passed("{name} holds a second factor", subject=name, because=factor.because, name=name)
        elif isinstance(factor.enrolled, Gap):
            text = "whether {name} holds a second factor was not seen"
            settle = factor.settle or "the tokens of {name}"
            yield unknown(text, subject=name, gaps=[factor.enrolled], because=factor.because, settle=settle, name=name)
        elif isinstance(account.enabled, Gap):
            text = "{name} holds no second factor, and may be enabled"
            yield unknown(text, subject=name, gaps=[account.enabled], because=factor.because, settle="whether {name} is enabled", name=name)
        else:
            yield failed("{name} holds no second factor", subject=name, because=factor.because, name=name)
    directory.complete("accounts")
    if not asked:
        yield not_applicable("no person has an enabled account")
