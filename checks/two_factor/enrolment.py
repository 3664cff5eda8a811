"""Everyone who must present a second factor has one.

A code that is demanded of somebody without a secret either locks them out on the day it matters, or, with `nullok`, is not demanded at all.

One answer per account that must: one that can log in, and for which sshd, `login`, a display manager, sudo (for who may run something) or su (for
root) would open by no way without a one-time code or a token, were it enrolled. The secret is looked at as the module does, by its place
(`secret=`, `usersfile=`, `authfile=`), owner, mode and folders (`user=`, `no_strict_owner`, `allowed_perm=`), and never read.
Passes: it is enrolled wherever it must be, so that these services open to it with the factor and not without.
Fails: it is not enrolled, or the module refuses its secret, and it is locked out; or it passes without (`nullok`, `user_unknown=ignore`,
`nouserok`).
Unknown: the secret was not seen, or another system holds it (RADIUS, Duo, Yubico, smart cards; for pam_u2f whom a file names is not read). pam_duo
asks nobody while its keys are empty, and lets in whoever waits until its service is silent, unless `failmode = secure`.
Not applicable: no service asks any account for a second factor.
Out of reach: whether a secret works, and whether its owner still holds what makes the codes.

Remedy: have each account that is named run `google-authenticator` (or be entered in the users file), `chmod 400` and `chown` its secret; then remove
`nullok`.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.enrolment import Demand, Enrolment
from sovaudit.facts.factors import spell

_ORDER = ("escaped", "shut", "unseen", "held")


@check("two-factor.enrolment", severity="high", since="0.1")
def enrolment(host: Host) -> Outcomes:
    found = Enrolment(host)
    demands: dict[str, list[Demand]] = {}
    for demand in found.demands():
        demands.setdefault(demand.who.name, []).append(demand)
    for name, mine in demands.items():
        worst = min(mine, key=lambda one: _ORDER.index(one.state))
        service, factors = worst.service, spell(worst.factors)
        if worst.state == "escaped":
            text = "{name} is not enrolled, and passes {service} with {factors}"
            yield failed(text, subject=name, seen=factors, because=worst.because, name=name, service=service, factors=factors)
        elif worst.state == "shut":
            text = "{service} asks {name} for a second factor, and takes none that is there"
            yield failed(text, subject=name, seen="not enrolled", because=worst.because, name=name, service=service)
        elif worst.state == "unseen":
            text = "whether {name} is enrolled for {service} was not seen"
            yield unknown(
                text, subject=name, because=worst.because, gaps=worst.gaps, settle="the second factor of {name}", name=name, service=service
            )
        else:
            services = ", ".join(dict.fromkeys(one.service for one in mine))
            text = "{name} is enrolled for {services}"
            yield passed(text, subject=name, seen=services, because=worst.because, name=name, services=services)
    for service, gap in found.unseen.items():
        text = "what {service} asks for was not seen"
        yield unknown(text, subject=service, gaps=[gap], settle="the PAM files of {service}", service=service)
    elsewhere = host.accounts.elsewhere if found.services else ()
    for source in elsewhere:
        yield unknown("accounts from {source} were not seen", subject=source, settle="the accounts of {source}", source=source)
    if not demands and not found.unseen and not elsewhere:
        yield not_applicable("no account must present a second factor")
