"""New files are private by default.

What a program writes without saying for whom is open to whomever the mask leaves in. With 022, the usual default, every account reads every new file.

One answer per account with a shell that runs, root too: the mask of its login sessions, at the console and over ssh; and one for
`commands over ssh`, which read no profile (sftp and scp too).
Passes: every such session certainly begins with a mask that closes at least the bits of `umask`.
Fails: one certainly begins with a mask that leaves some of them open. Followed in order, the last one wins: UMask= of the service's unit;
sshd, which closes 022; pam_umask where the session stack reaches it (its argument, else UMASK of login.defs, else of /etc/default/login, then
usergroups, which that of Debian 13 does unasked, then `umask=` in GECOS); /etc/profile and what it reads, /etc/bash.bashrc, the account's own
files, as bash, dash or zsh reads them; numbers and symbolic masks as that shell takes them.
Unknown: it depends on a condition that the evidence does not decide, on a file that was not seen, on a value that was masked, or on a shell that is
not followed (csh and its kin).
Out of reach: the masks of services and of cron (UMask=, see their units), of `su` and `sudo` without a login, of desktops, and a mask that
somebody sets later.

Remedy: `session optional pam_umask.so umask=027` (or UMASK 027 in /etc/login.defs, without usergroups) in
/etc/pam.d/common-session; take other `umask` lines out of profiles.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.login_shells import runs

COMMANDS = "commands over ssh"


@check("least-privilege.umask", severity="medium", since="0.1")
def umask(host: Host, *, umask: str = "027") -> Outcomes:
    required = int(umask, 8)
    sessions = host.sessions
    accounts = [account for account in host.accounts if runs(host, account)]
    if not accounts:
        yield not_applicable("no account has a shell")
        return
    ways = sessions.ways
    for account in accounts:
        name, found = account.name, sessions.masks(account, ways, required)
        if found.open is not None:
            way, mask, line = found.open
            text = "a session of {name} ({way}) begins with the mask {mask}"
            yield failed(text, subject=name, seen=mask, because=[line], name=name, way=way, mask=mask)
        elif found.doubts:
            text = "which mask the sessions of {name} begin with is not certain"
            settle = "what a login of {name} prints for `umask`"
            yield unknown(text, subject=name, gaps=found.gaps, because=found.doubts, settle=settle, name=name)
        else:
            text, masks = "the sessions of {name} begin with the mask {masks}", ", ".join(found.seen)
            yield passed(text, subject=name, seen=masks, because=found.because, name=name, masks=masks)
    if "ssh" not in ways:
        return
    answers = [(account.name, sessions.masks(account, ("ssh command",), required)) for account in accounts]
    loose = next(((name, found.open) for name, found in answers if found.open is not None), None)
    doubtful = [found for _, found in answers if found.doubts]
    if loose is not None:
        name, (_, mask, line) = loose
        text = "a command of {name} over ssh begins with the mask {mask}"
        yield failed(text, subject=COMMANDS, seen=mask, because=[line], name=name, mask=mask)
    elif doubtful:
        text = "which mask commands over ssh begin with is not certain"
        yield unknown(text, subject=COMMANDS, gaps=doubtful[0].gaps, because=doubtful[0].doubts, settle="what `ssh host umask` prints")
    else:
        yield passed("commands over ssh begin with a mask that is private", subject=COMMANDS, because=answers[0][1].because)
