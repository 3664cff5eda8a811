"""The server itself answers a good first factor with a demand for more.

Configuration tells what should happen; the server tells what happens. The audit logs in over SSH like anybody else, and keeps what the server
said to each good answer: that the session is open, or which methods it still demands.

One answer, for the audit account of a host that was visited over `ssh://`.
Passes: after a first good answer the server demanded more, and what then opened the session was a factor of another kind (a key, then a
password or a code).
Fails: the session opened after one factor: one key, one password, two keys, the same text typed twice, or a second method that asked
nothing.
Unknown: the login was not recorded, or a security key opened it, which may have asked for a PIN or a finger without the server saying so.
Not applicable: the host was not visited over SSH (`local:`, `root:`).
Only the audit account is seen, from where the audit ran; two-factor.ssh-login judges every account by the configuration, and is set against
this login: where the two contradict each other, it is unknown.

Remedy: as for two-factor.ssh-login, without an exception for the audit account: `AuthenticationMethods publickey,password`, or a code that the
auditor types.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.factors import kinds, spell
from sovaudit.facts.ssh_observed import observed


@check("two-factor.ssh-observed", severity="medium", since="0.1")
def ssh_observed(host: Host) -> Outcomes:
    login = observed(host)
    if login is None:
        yield not_applicable("this host was not visited over SSH")
        return
    name, factors = login.user, spell(login.factors)
    seen = ", ".join(answer.method for answer in login.answers)
    first = login.answers[0]
    if first.demanded and kinds(login.factors) >= 2:
        text = "after {first} of {name} the server demanded {methods}"
        yield passed(
            text, subject=name, seen=seen, evidence=["ssh-login"], name=name, first=first.method, methods=", ".join(first.demanded)
        )
    elif any(answer.security_key for answer in login.answers):
        text = "a security key opened the session of {name}; whether it asked for a PIN or a finger was not seen"
        yield unknown(text, subject=name, seen=seen, evidence=["ssh-login"], settle="what the keys of {name} demand", name=name)
    else:
        yield failed(
            "{factors} opened the session of {name}, and the server demanded no other factor", subject=name, seen=seen, evidence=["ssh-login"],
            name=name, factors=factors,
        )  # fmt: skip
