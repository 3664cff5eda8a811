"""Console and desktop logins ask for two factors.

Whoever stands before the machine, or reaches its console through a hypervisor or a management card, meets no SSH.

One answer per account with a shell, over every door: `login` (getty), the PAM services of display managers that are configured here (gdm-password,
lightdm, sddm, xdm, xrdp and their kind), and whatever opens by itself: `agetty --autologin` or `login -f` in a unit, a drop-in of getty@,
serial-getty@, console-getty, autovt@ or /etc/inittab, a shell or somebody's desktop on a terminal (debug-shell, a unit of one's own with
`TTYPath=` or `StandardInput=tty`), and automatic logins of gdm, lightdm, sddm and greetd. The PAM stack is
followed for this account: enrolment, `nullok`, jumps, lists, the change of an overdue password, and the session stack behind them.
Passes: every door asks for two kinds of factor, or opens to nobody: a locked password, an expired account, a shell that gives no session.
Fails: some door certainly opens for one factor or for none.
Unknown: some door may, depending on something that was not seen; or accounts come from a directory that this host does not show.
Out of reach: the rescue shell (sulogin), the boot loader, disks that are taken out. Whoever has these in hand has the machine.

Remedy: `auth required pam_google_authenticator.so` (no `nullok`), or a token's module, in /etc/pam.d/login and the display manager's service;
remove automatic logins.
"""

from sovaudit.authoring import Host, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts.factors import kinds, spell
from sovaudit.model.evidence import Gap


@check("two-factor.console-login", severity="medium", since="0.1")
def console_login(host: Host) -> Outcomes:
    asked = False
    for account in host.accounts:
        if not account.has_shell:
            continue
        asked = True
        name = account.name
        doors = host.console.doors(account)
        weak = [(door, way) for door in doors if (way := door.ways.weakest(lambda factors: kinds(factors) < 2)) is not None]
        door, way = min(weak, key=lambda one: (not one[1].certain, kinds(one[1].factors), len(one[1].factors)), default=(None, None))
        if door is not None and way is not None:
            factors = spell(way.factors)
            seen = f"{door.name}: {factors}"
            if way.certain:
                text = "{name} opens a session by {door} with {factors}"
                yield failed(text, subject=name, seen=seen, because=way.why.because, name=name, door=door.name, factors=factors)
            else:
                text = "{name} may open a session by {door} with {factors}"
                yield unknown(text, subject=name, seen=seen, because=way.why.because, gaps=way.why.gaps, settle="what was not seen of {door}",
                              name=name, door=door.name, factors=factors)  # fmt: skip
        elif doors:
            fewest = min((one.ways.sets[0] for one in doors), key=len)
            least = spell(fewest)
            yield passed("{name} needs {factors}", subject=name, seen=least, name=name, factors=least)
        else:
            because = host.console.closed(account)
            yield passed("{name} opens no session at the console", subject=name, seen="no way in", because=because, name=name)
    for source in host.accounts.elsewhere:
        asked = True
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        yield unknown("accounts from {source} were not seen", subject=source, settle="the accounts of {source}", gaps=[gap], source=source)
    if not asked:
        yield not_applicable("no account has a shell")
