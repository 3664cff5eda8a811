"""Only declared administrators can become root through sudo.

Who becomes root through sudo is an administrator, whatever the person's title. The answer is what sudo itself would decide, not what a line
says: every file that sudo would read, aliases, groups, negations and the last match. A right to any command is root; so is a right to a
command that gives a shell (editors, pagers, interpreters, find, tar …), that runs what one chooses, or that writes root's files, and so is
a command that the account itself can replace, one that it may hand a library of its own (SETENV; LD_PRELOAD in env_keep), and su or passwd for
somebody who is root by a way of his own. Whoever becomes another account has its files and rights, with `-g` those of a group. `ALL, !/bin/su`
remains any command: a copy of a shell has another name. NOEXEC is believed where it holds. The right counts whether or not the account has a
password today.

Fixed arguments count by what they name: a script, an archive or a copy's source is the account's choice where it can change the file, and where the
path is relative (with CWD: to what CWD says); `su -c` and `env` count by what they run. A pattern of paths counts by the programs that are there,
and by what the account could put there; a pattern of sudoedit also by what `..` leads to. Variables by which an interpreter is told what to load
(PERL5OPT, PYTHONPATH, BASH_ENV) count like libraries, `CHROOT=*` like any program of one's own, INTERCEPT like NOEXEC. The pager of systemd
(status, journalctl) gives no shell under sudo from version 247 on.

Passes: nobody can, or the account (or one of its groups, as `%group`) is among `administrators`. Fails: the account certainly can and is
not. Unknown: a file, a group or another source of rules (LDAP, SSSD, a plugin) was not seen, and it could change the answer.
Not applicable: sudo is not installed. Out of reach: what a script that is run does with a PATH of the caller's (`!secure_path`).

Remedy: remove the rule or the membership, or name the account in `administrators`. Replace a shell-giving command by one with fixed
arguments, `sudoedit` of one file, or NOEXEC where the program needs no children.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown


@check("least-privilege.sudo-root", severity="high", since="0.1")
def sudo_root(host: Host, *, administrators: tuple[str, ...] = ()) -> Outcomes:
    sudo = host.sudo
    if sudo.installed is False:
        yield not_applicable("sudo is not installed", subject="sudo")
        return
    if sudo.broken:
        yield passed("sudo serves nobody: {why}", subject="sudo", seen=sudo.broken, because=sudo.because, why=sudo.broken)
        return
    asked = False
    for account in host.accounts:
        reach = sudo.reaches_root(account)
        if account.uid == 0 or not reach.root:
            continue
        asked = True
        name = account.name
        if name in administrators or any(f"%{group}" in administrators for group in account.groups):
            yield passed("{name} is a declared administrator", subject=name, seen=reach.words, because=reach.because, name=name)
        elif reach.certain:
            password = account.password
            locked = reach.password is not False and password is not None and not password.usable
            text = "{name} becomes root through sudo: {words}"
            if locked:
                text = "{name} becomes root through sudo: {words}; today it has no password to give"
            yield failed(text, subject=name, seen=reach.words, because=reach.because, name=name, words=reach.words)
        else:
            yield unknown(
                "{name} may become root through sudo: {words}", subject=name, seen=reach.words, gaps=reach.gaps, because=reach.because,
                settle="what was not seen", name=name, words=reach.words,
            )  # fmt: skip
    for source in (*sudo.elsewhere, *host.accounts.elsewhere):
        asked = True
        yield unknown(
            "{source} may give rights that this host does not show",
            subject=source,
            settle="the rules and accounts of {source}",
            source=source,
        )
    if sudo.gaps:
        asked = True
        yield unknown("not all of sudo's rules were seen", subject="sudo", gaps=sudo.gaps, settle="the files that were not seen")
    if not asked:
        yield passed("nobody becomes root through sudo", subject="sudo")
