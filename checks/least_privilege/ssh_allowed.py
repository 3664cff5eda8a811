"""Only declared accounts and groups open an SSH session.

Each account that can come in from the network is a door. The list of those meant to is short, and the site's to declare: what sshd lets in
beyond it was forgotten, not decided.

One answer per account with a shell, or that sshd lets in without one, for what sshd and PAM would really do: AllowUsers, DenyUsers and
their kin in every Match block that some address can meet, the root setting, keys and authorities that exist, forced commands, passwords
that are locked, the shell, expiry, /etc/nologin.
Passes: nothing opens a session of the account, or it is named in `users`, or a group of its own, primary or not, is named in `groups`.
Fails: something certainly opens a session of an account that is not declared. With nothing declared, every account that gets in fails.
Unknown: it may, depending on something that was not seen. Accounts from a directory are unknown too, unless AllowUsers or AllowGroups
names nothing but declared accounts or groups, without wildcards, everywhere in the configuration.
Out of reach: sessions by other doors (`su`, cron, the console), and forwarding without a session.

Remedy: `AllowGroups ssh-users` outside every Match, with the people of that group declared in `groups`; remove keys and passwords of those
who are not meant to come in.
"""

from sovaudit.authoring import Host, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts.factors import spell
from sovaudit.model.evidence import Gap


@check("least-privilege.ssh-allowed", severity="high", since="0.1")
def ssh_allowed(host: Host, *, users: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Outcomes:
    if not host.ssh.serves:
        yield not_applicable("there is no sshd on this host")
        return
    asked = False
    for account in host.accounts:
        name, ways = account.name, host.ssh.ways(account)
        if not ways and not account.has_shell:
            continue
        asked = True
        certain = next((factors for factors in ways.sets if factors in ways.certain), None)
        if not ways:
            yield passed("{name} opens no SSH session", subject=name, seen="no way in", because=ways.closed.because, name=name)
        elif name in users:
            yield passed("{name} is declared", subject=name, seen=spell(ways.sets[0]), name=name)
        elif declared := sorted(account.groups & set(groups)):
            yield passed("{name} is in the declared group {group}", subject=name, seen=spell(ways.sets[0]), name=name, group=declared[0])
        elif certain is not None:
            text = "{name} opens an SSH session with {factors} and is not declared"
            because = ways.certain[certain].because
            yield failed(text, subject=name, seen=spell(certain), because=because, name=name, factors=spell(certain))
        else:
            why = ways.possible[ways.sets[0]]
            yield unknown(
                "{name} may open an SSH session with {factors} and is not declared", subject=name, seen=spell(ways.sets[0]), gaps=why.gaps,
                because=why.because, settle="what was not seen of the way with {factors}", name=name, factors=spell(ways.sets[0]),
            )  # fmt: skip
    closed = bool(host.accounts.elsewhere) and host.ssh.admits_only(users, groups)
    for source in host.accounts.elsewhere:
        asked = True
        if closed:
            yield passed("sshd admits only declared names, whatever {source} holds", subject=source, source=source)
            continue
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        yield unknown("accounts from {source} were not seen", subject=source, settle="the accounts of {source}", gaps=[gap], source=source)
    if not asked:
        yield not_applicable("no account has a shell")
