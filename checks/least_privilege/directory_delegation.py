"""No account may act as anybody, and no administrator's password can be tried offline.

A service that is trusted for delegation acts as its visitors: whoever takes it over waits for an administrator to come. An account with a
service name, or without pre-authentication, hands out something encrypted under its password to whoever asks.

One answer per enabled account that is open to one of these, and one for each question that has none. AD and Samba:
`unconstrained`: trusted for delegation to everything (controllers apart, which must be). `controller`: delegation to a service on a controller or
of an administrator. `transition`: delegation of people who never came (protocol transition); `controller-transition`: both. `resource`: others may
act as anybody to a controller or an administrator's account, or everybody may to any account. `service-ticket`: an administrator, or holder of
equal rights, with a service name. `no-preauthentication`: any account without it. `questions` chooses among these, and may ask two more:
`delegable`, an administrator neither marked as sensitive nor in Protected Users, and `unprotected`, one who is not in Protected Users.
`administrators` asks only about those who rule the directory.
Passes: there is none, or the account is among `declared` and the target is no controller. Fails: there is one.
Unknown: the attributes that say so were not shown to the audit account. Not applicable: products that keep no Kerberos accounts of their own.

Remedy: replace unconstrained delegation by delegation to named services (not on controllers); no service names on administrators: managed service
accounts instead; take `DONT_REQ_PREAUTH` away; mark administrators "sensitive and cannot be delegated", or put them into Protected Users.
"""

from sovaudit.authoring import Directory, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.directories.model import Hazard

TEXTS = {
    Hazard.UNCONSTRAINED: "{name} may act to everything as whoever comes to it",
    Hazard.CONTROLLER: "{name} may act as others to a domain controller or an administrator's service: {to}",
    Hazard.TRANSITION: "{name} may act as anybody, who need never have come, to {to}",
    Hazard.CONTROLLER_TRANSITION: "{name} may act as anybody, who need never have come, to a domain controller or an administrator's service: {to}",
    Hazard.RESOURCE: "{to} may act as anybody to {name}",
    Hazard.SERVICE_TICKET: "anybody gets a ticket to try the password of administrator {name} on: {to}",
    Hazard.NO_PREAUTHENTICATION: "anybody gets an answer to try the password of {name} on: it needs no pre-authentication",
    Hazard.DELEGABLE: "administrator {name} can be delegated",
    Hazard.UNPROTECTED: "administrator {name} is not in Protected Users, or the domain's functional level is too low for it",
}
SOUND = {
    Hazard.UNCONSTRAINED: "no account is trusted for delegation to everything",
    Hazard.CONTROLLER: "no account may act as others to a domain controller or an administrator's service",
    Hazard.TRANSITION: "no account may act as somebody who never came",
    Hazard.CONTROLLER_TRANSITION: "no account may act as anybody to a domain controller or an administrator's service",
    Hazard.RESOURCE: "nobody may act as anybody to a domain controller or an administrator's account",
    Hazard.SERVICE_TICKET: "no administrator has a service name",
    Hazard.NO_PREAUTHENTICATION: "every account needs pre-authentication",
    Hazard.DELEGABLE: "no administrator can be delegated",
    Hazard.UNPROTECTED: "every administrator is in Protected Users",
}
BOUNDED = (Hazard.TRANSITION, Hazard.UNCONSTRAINED, Hazard.SERVICE_TICKET, Hazard.NO_PREAUTHENTICATION)

USUAL = ("unconstrained", "transition", "controller", "controller-transition", "resource", "service-ticket", "no-preauthentication")


@check("least-privilege.directory-delegation", severity="high", since="0.2")
def directory_delegation(
    directory: Directory, *, declared: tuple[str, ...] = (), questions: tuple[str, ...] = USUAL, administrators: bool = False
) -> Outcomes:
    if directory.product in ("openldap", "389"):
        directory.complete(*(["ipa"] if directory.product == "389" else []))  # FreeIPA keeps some, and is a 389 server
        yield not_applicable("this product keeps no Kerberos accounts of its own")
        return
    risks = directory.view.risks()
    ruling = {admin.account.dn for admin in directory.admins.members} if administrators else set()
    unseen = directory.admins.gaps[:1] if administrators else ()
    accepted = {name.casefold() for name in declared}
    named: set[str] = set()
    for hazard in Hazard:
        if hazard.value not in questions:
            continue
        clean = True
        for risk in risks.found:
            if risk.hazard is not hazard or (administrators and risk.account.dn not in ruling):
                continue
            name = risk.account.name
            subject = name if name not in named else f"{name}: {hazard}"
            named.add(name)
            seen, because = str(hazard), risk.because
            if name.casefold() in accepted and hazard in BOUNDED:
                yield passed("{name} is declared: {hazard}", subject=subject, seen=seen, because=because, name=name, hazard=seen)
                continue
            clean = False
            yield failed(TEXTS[hazard], subject=subject, seen=seen, because=because, name=name, to=risk.to)
        gaps = [risks.gaps[hazard]] if hazard in risks.gaps else unseen
        if gaps:
            text = "whether there is an account open to {hazard} was not seen"
            settle = "the right to read all attributes of accounts"
            yield unknown(text, subject=str(hazard), gaps=gaps, settle=settle, hazard=str(hazard))
        elif clean:
            yield passed(SOUND[hazard], subject=str(hazard), seen=str(risks.looked))
