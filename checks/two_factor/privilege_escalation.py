"""Becoming root asks for a second factor.

Whoever sits at an open session, or runs a program in it, should not rule the machine for the asking, nor by the password that opened it.

One answer per account that can log in, and per account without a shell that sudo, doas or a group makes root. Asked of each way to root:
sudo (every rule that gives a root shell, with NOPASSWD, `!authenticate`, `exempt_group`, `rootpw`, `targetpw`, `runaspw`; the PAM services of
`sudo`, of `sudo -i`, and of `pam_service`, `pam_login_service`, `pam_askpass_service`), su and `su -` to every account with uid 0, doas (the last
rule that matches, with `nopass` or without, for any command or for one that gives a shell, also by way of another account; the PAM service `doas`),
and groups that equal root (docker, lxd, disk, and whom the socket of such a daemon lets in), which ask nothing. What opened the session is the
first factor: a one-time code, a token or a finger that is asked here is the second, with a password or alone; a password, one's own or root's,
is not.
Passes: every way asks for such a factor, or no way opens.
Fails: some way certainly makes root for a password or for nothing.
Unknown: some way may, depending on something that was not seen; where polkit is installed always (pkexec, or systemd-run without it), since its
rules are programs.
Out of reach: an answer given a moment ago, which sudo remembers (least-privilege.sudo-timeout), and doas with `persist`, for five minutes; rights of
other accounts whose credentials somebody holds; capabilities that pam_cap gives. Programs with root's rights and files that root runs are judged by
least-privilege.setuid and least-privilege.writable.

Remedy: `auth required pam_google_authenticator.so` (no `nullok`) after common-auth in /etc/pam.d/sudo, sudo-i, su, su-l and doas; remove NOPASSWD,
`!authenticate` and `nopass`; take people out of groups that equal root.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.escalation import escalations, no_second
from sovaudit.facts.factors import spell


@check("two-factor.privilege-escalation", severity="high", since="0.1")
def privilege_escalation(host: Host) -> Outcomes:
    asked = False
    for account in host.accounts:
        if account.uid == 0:
            continue
        roads = [road for road in escalations(host, account) if account.has_shell or road.named]
        if not roads and not account.has_shell:
            continue
        asked = True
        name = account.name
        weak = [(road, way) for road in roads if (way := road.ways.weakest(no_second)) is not None]
        road, way = min(weak, key=lambda one: (not one[1].certain, len(one[1].factors)), default=(None, None))
        if road is not None and way is not None:
            factors = spell(way.factors)
            seen = f"{road.how}: {factors}"
            if way.certain:
                text = "{name} becomes root by {way} after {factors}"
                yield failed(text, subject=name, seen=seen, because=way.why.because, name=name, way=road.how, factors=factors)
            else:
                text = "{name} may become root by {way} after {factors}"
                yield unknown(text, subject=name, seen=seen, because=way.why.because, gaps=way.why.gaps, settle="what was not seen of {way}",
                              name=name, way=road.how, factors=factors)  # fmt: skip
        elif roads:
            fewest = min((road.ways.sets[0] for road in roads), key=len)
            least = spell(fewest)
            yield passed("{name} becomes root only with {factors}", subject=name, seen=least, name=name, factors=least)
        else:
            yield passed("{name} does not become root", subject=name, seen="no way to root", name=name)
    for source in (*host.sudo.elsewhere, *host.accounts.elsewhere):
        asked = True
        text = "{source} may give rights that this host does not show"
        yield unknown(text, subject=source, settle="the rules and accounts of {source}", source=source)
    if host.sudo.gaps:
        asked = True
        yield unknown("not all of sudo's rules were seen", subject="sudo", gaps=host.sudo.gaps, settle="the files that were not seen")
    if not asked:
        yield not_applicable("no account but root can log in")
