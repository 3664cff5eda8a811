"""No account opens an SSH session with one factor.

A password can be guessed or caught, a key file can be copied. Where one of them is enough, one theft is enough. Two keys, or two
passwords, are one factor; a security key that demands a PIN or a fingerprint is two.

One answer per account with a shell, or that sshd lets in without one, for what sshd would really do: every Match block that some address
can meet, AllowUsers and its kin, the root setting, the keys that exist and that sshd trusts, the methods that must be passed one after
the other, and what the PAM stacks behind them ask of this account, to the end: where the session stack refuses, no session follows.
Passes: every set of factors that opens a session holds two kinds, or nothing opens one. A key that nobody has authorised yet opens
nothing.
Fails: some set with fewer than two kinds certainly opens a session. An authority in TrustedUserCAKeys counts as a key: its holder needs
nothing else.
dropbear, where it is started beside sshd or in its place, is asked in the same way: it knows neither sshd's settings nor PAM, and its only second
factor is `-t` (a key and the password). What tinysshd takes is not followed to the end.
Unknown: such a set may open one, depending on something that was not seen, or accounts come from a directory that this host does not
show.
A shell of the kind nologin gives no session unless sshd itself serves files (`internal-sftp`); forwarding alone is not counted as one.

Remedy: `AuthenticationMethods publickey,keyboard-interactive:pam` outside every Match, with a one-time code required (no `nullok`) in
/etc/pam.d/sshd.
"""

from sovaudit.authoring import Host, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts.factors import kinds, spell
from sovaudit.model.evidence import Gap


@check("two-factor.ssh-login", severity="critical", since="0.1")
def ssh_login(host: Host) -> Outcomes:
    if not host.ssh.serves:
        yield not_applicable("there is no sshd on this host")
        return
    asked = False
    for account in host.accounts:
        name = account.name
        ways = host.ssh.ways(account)
        if not ways and not account.has_shell:
            continue
        asked = True
        weak = [factors for factors in ways.sets if kinds(factors) < 2]
        certain = next((factors for factors in weak if factors in ways.certain), None)
        if certain is not None:
            because = ways.certain[certain].because
            yield failed(
                "{name} opens an SSH session with {factors}",
                subject=name,
                seen=spell(certain),
                because=because,
                name=name,
                factors=spell(certain),
            )
        elif weak:
            why = ways.possible[weak[0]]
            yield unknown(
                "{name} may open an SSH session with {factors}", subject=name, seen=spell(weak[0]), gaps=why.gaps, because=why.because,
                settle="what was not seen of the way with {factors}", name=name, factors=spell(weak[0]),
            )  # fmt: skip
        elif ways:
            weakest = ways.sets[0]
            yield passed("{name} needs {factors}", subject=name, seen=spell(weakest), name=name, factors=spell(weakest))
        else:
            yield passed("{name} opens no SSH session", subject=name, seen="no way in", because=ways.closed.because, name=name)
    for source in host.accounts.elsewhere:
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        yield unknown("accounts from {source} were not seen", subject=source, settle="the accounts of {source}", gaps=[gap], source=source)
        asked = True
    if not asked:
        yield not_applicable("no account has a shell")
