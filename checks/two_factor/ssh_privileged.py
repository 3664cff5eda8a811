"""No account that can become root opens an SSH session with one factor.

What holds for every account holds first for those that rule the machine: uid 0, and whoever reaches root from their session through sudo,
su, doas or a group that equals it.

One answer per such account, by the same reading of sshd, dropbear and PAM as two-factor.ssh-login.
Passes: two kinds of factor, or no SSH session at all.
Fails: one kind certainly opens a session of an account that can certainly become root.
Unknown: either of the two is only possible, on what was seen. Without any account that can become root and has SSH, the question does not
arise.

Remedy: as for two-factor.ssh-login; start with the administrators (`Match Group sudo` with `AuthenticationMethods
publickey,keyboard-interactive:pam`).
"""

from sovaudit.authoring import Host, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts.factors import kinds, spell
from sovaudit.model.evidence import Gap


@check("two-factor.ssh-privileged", severity="critical", since="0.1")
def ssh_privileged(host: Host) -> Outcomes:
    if not host.ssh.serves:
        yield not_applicable("there is no sshd on this host")
        return
    asked = False
    for account in host.accounts:
        paths = host.privilege.paths_to_root(account)
        if account.uid != 0 and not paths:
            continue
        asked = True
        name = account.name
        sure = account.uid == 0 or any(path.certain for path in paths)
        ways = host.ssh.ways(account)
        weak = [factors for factors in ways.sets if kinds(factors) < 2]
        certain = next((factors for factors in weak if factors in ways.certain), None)
        if certain is not None and sure:
            because = ways.certain[certain].because
            yield failed(
                "{name} rules this host after {factors}",
                subject=name,
                seen=spell(certain),
                because=because,
                name=name,
                factors=spell(certain),
            )
        elif weak:
            why = ways.certain[certain] if certain is not None else ways.possible[weak[0]]
            gaps = (*why.gaps, *(() if sure else (gap for path in paths for gap in path.gaps)))
            yield unknown(
                "{name} may rule this host after {factors}", subject=name, seen=spell(weak[0]), gaps=gaps, because=why.because,
                settle="what was not seen of the way with {factors}", name=name, factors=spell(weak[0]),
            )  # fmt: skip
        elif ways:
            yield passed("{name} needs {factors}", subject=name, seen=spell(ways.sets[0]), name=name, factors=spell(ways.sets[0]))
        else:
            yield passed("{name} opens no SSH session", subject=name, seen="no way in", because=ways.closed.because, name=name)
    for source in host.accounts.elsewhere:
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        yield unknown(
            "administrators from {source} were not seen", subject=source, settle="the accounts of {source}", gaps=[gap], source=source
        )
        asked = True
    if not asked:
        yield not_applicable("no account can become root")
