"""No account opens an SSH session with nothing but a password.

A password alone is what a guesser, a phisher or a leaked list needs. Whoever opens sessions by it can be anybody.

One answer per account with a shell, or that sshd lets in without one, by the same reading of sshd and PAM as two-factor.ssh-login: Match
blocks, AllowUsers, the root setting, `password` and `keyboard-interactive`, the lists of AuthenticationMethods and the PAM stacks behind
them. A password asked twice, or two passwords, remain a password.
Passes: every way into a session demands something else than a password as well, or instead; or there is none. A key alone passes here,
and fails two-factor.ssh-login.
Fails: a password, or nothing at all (an empty one), certainly opens a session.
dropbear, where it is started, is a way like sshd: `-s` closes it to passwords.
Unknown: it may, depending on something that was not seen; or accounts come from a directory that this host does not show.

Remedy: `PasswordAuthentication no` and `KbdInteractiveAuthentication no` outside every Match, or `AuthenticationMethods
publickey,keyboard-interactive:pam`.
"""

from sovaudit.authoring import Host, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts.factors import only_password, spell
from sovaudit.model.evidence import Gap


@check("two-factor.ssh-password-alone", severity="high", since="0.1")
def ssh_password_alone(host: Host) -> Outcomes:
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
        weak = ways.weakest(only_password)
        seen = spell(weak.factors) if weak is not None else spell(ways.sets[0]) if ways else "no way in"
        if weak is not None and weak.certain:
            text = "{name} opens an SSH session with {factors}"
            yield failed(text, subject=name, seen=seen, because=weak.why.because, name=name, factors=seen)
        elif weak is not None:
            yield unknown(
                "{name} may open an SSH session with {factors}", subject=name, seen=seen, gaps=weak.why.gaps, because=weak.why.because,
                settle="what was not seen of the way with {factors}", name=name, factors=seen,
            )  # fmt: skip
        elif ways:
            yield passed("a password alone opens no SSH session of {name}", subject=name, seen=seen, name=name)
        else:
            yield passed("{name} opens no SSH session", subject=name, seen=seen, because=ways.closed.because, name=name)
    for source in host.accounts.elsewhere:
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        yield unknown("accounts from {source} were not seen", subject=source, settle="the accounts of {source}", gaps=[gap], source=source)
        asked = True
    if not asked:
        yield not_applicable("no account has a shell")
