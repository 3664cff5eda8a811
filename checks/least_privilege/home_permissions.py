"""Homes, existing and new, are private.

What people keep at home (keys, histories, documents, startup files) is theirs. Whoever may write there becomes them at their next login.

One answer per account that can log in, root too, and one for each way in which homes are made: `new homes by useradd`, `… adduser`,
`… pam_mkhomedir`.
Passes: no other account may read, write or enter the home, by owner, group and mode of it and of every folder on the way, links followed; its
group may have rights where nobody else is in it. No other account may put another folder in its place. For new homes: others get no
right, and the group gets none unless it is the account's own (USERGROUPS_ENAB, USERGROUPS). Numbers count as the program reads them: for
useradd `HOME_MODE 700` is decimal, `UMASK 027 # x` is no number, and its default 022 applies.
Fails: somebody else may. A home that is `/` or another account's is shared. An access control list counts as its mask leaves it.
Unknown: the home or the folders above it were not seen; its group has members whom only a directory knows; adduser's default depends on a
version that was not seen.
Not applicable: the account has no home folder; no account has a shell.
Out of reach: what stands inside the home; access control lists that only let read, where more than 400 folders may have one.

Remedy: `chmod o-rwx,g-w HOME` (`chmod 700` where the group is shared); `HOME_MODE 0700` in /etc/login.defs, `DIR_MODE=0700` in
/etc/adduser.conf, `umask=0077` behind pam_mkhomedir.so.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts.homes import Homes


@check("least-privilege.home-permissions", severity="medium", since="0.1")
def home_permissions(host: Host) -> Outcomes:
    homes = Homes(host)
    for account in host.accounts:
        if not account.has_shell:
            continue
        name = account.name
        try:
            home = homes.home(account)
        except Unseen as unseen:
            text = "who may enter the home of {name} was not seen"
            yield unknown(text, subject=name, gaps=[unseen.gap], settle="{path} and the folders above it", name=name, path=account.home)
            continue
        because = (*account.because[:1], *home.because)
        if home.stat is None:
            yield not_applicable("{name} has no home folder", subject=name, because=because, name=name)
        elif home.others:
            names = ", ".join(home.others)
            text = "every account may use the home of {name}" if names == "*" else "{names} may use the home of {name}"
            yield failed(text, subject=name, seen=home.because[0].text, because=because, name=name, names=names)
        elif home.replaced_by:
            names = ", ".join(home.replaced_by)
            text = "every account may replace the home of {name}" if names == "*" else "{names} may replace the home of {name}"
            yield failed(text, subject=name, seen=home.because[0].text, because=because, name=name, names=names)
        elif home.strangers:
            names, source = ", ".join(home.strangers), ", ".join(host.accounts.elsewhere)
            text = "{names} may use the home of {name} if they are accounts of {source}"
            yield unknown(text, subject=name, because=because, settle="the accounts of {source}", name=name, names=names, source=source)
        else:
            yield passed("the home of {name} is private", subject=name, seen=home.because[0].text, because=because, name=name)
    if not any(account.has_shell for account in host.accounts):
        yield not_applicable("no account has a shell")
    for program, ask in (("useradd", homes.useradd), ("adduser", homes.adduser), ("pam_mkhomedir", homes.at_login)):
        subject = f"new homes by {program}"
        try:
            made = ask()
        except Unseen as unseen:
            text = "with what mode {program} makes homes was not seen"
            yield unknown(text, subject=subject, gaps=[unseen.gap], settle="{item}", program=program, item=unseen.gap.item)
            continue
        if made is None:
            continue
        mode, because = f"{made.mode:04o}", made.because
        if made.private:
            yield passed(
                "{program} makes private homes: mode {mode}", subject=subject, seen=mode, because=because, program=program, mode=mode
            )
        else:
            text = "{program} makes homes that others may use: mode {mode}"
            yield failed(text, subject=subject, seen=mode, because=because, program=program, mode=mode)
