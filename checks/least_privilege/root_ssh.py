"""Root does not log in over SSH.

Root's session has no person's name: what is done in it cannot be attributed. People log in as themselves and rise through sudo, which
records them.

One answer for root and for every other name with uid 0.
Passes: no login as that account succeeds by the ways listed in `ways` (`password`: anything typed at a prompt, a one-time code included;
`key`: a key, a certificate, a ticket or a trusted host).
Fails: such a login certainly succeeds; a key that only runs a forced command is a login.
Unknown: it may succeed, depending on something that was not seen. Where PermitRootLogin would let root in and only a missing key or a
missing password stands in the way, the answer is a pass that says so: the next `authorized_keys` line opens the door.
dropbear, where it is started, counts as sshd does (`-w` keeps root out, `-g` root's password).

Remedy: `PermitRootLogin no` in the first line that sshd reads (a drop-in of /etc/ssh/sshd_config.d that sorts first), and in no Match
block anything else.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.factors import Factor, spell

TYPED = {Factor.PASSWORD, Factor.ROOT_PASSWORD, Factor.OTP, Factor.OTHER}


@check("least-privilege.root-ssh", severity="high", since="0.1")
def root_ssh(host: Host, *, ways: list[str] = ["password", "key"]) -> Outcomes:  # noqa: B006 - a knob's default is read, never changed
    if not host.ssh.serves:
        yield not_applicable("there is no sshd on this host")
        return
    for account in host.accounts.by_uid(0):
        found = host.ssh.ways(account)
        matter = [factors for factors in found.sets if ("password" if factors <= TYPED else "key") in ways]
        certain = next((factors for factors in matter if factors in found.certain), None)
        name = account.name
        if certain is not None:
            because = found.certain[certain].because
            yield failed(
                "{name} logs in with {factors}", subject=name, seen=spell(certain), because=because, name=name, factors=spell(certain)
            )
        elif matter:
            why = found.possible[matter[0]]
            yield unknown(
                "{name} may log in with {factors}", subject=name, seen=spell(matter[0]), gaps=why.gaps, because=why.because,
                settle="what was not seen of the way with {factors}", name=name, factors=spell(matter[0]),
            )  # fmt: skip
        elif setting := host.ssh.root_setting:
            text = "no login of {name} succeeds today, but PermitRootLogin {setting} would allow one"
            yield passed(text, subject=name, seen=f"PermitRootLogin {setting}", because=found.closed.because, name=name, setting=setting)
        else:
            yield passed(
                "{name} does not log in over SSH", subject=name, seen="PermitRootLogin no", because=found.closed.because, name=name
            )
    if not host.accounts.by_uid(0):
        yield passed("no account has uid 0", subject="root")
