"""No unprivileged account can alter or delete logs.

Whoever can empty, rewrite or replace a log decides what it says.

Judged per log: each file that rsyslog writes, sudo's own log file, `journal`, `audit`, and `/var/log` for everything else below it (three
levels deep); a file below it that somebody could alter is named itself. An account counts when it can log in and is not uid 0: a person's
(uid 1000 and above, with a shell), or a service's with a shell and a password or key of its own. What a daemon without a login owns is
not judged, nor who may read.

Passes when no such account may write the file, nor rename, remove or replace it: owner (an owner can give himself the right), group with
its members, the mode's bits for others, access control lists, and the same for every folder on the way, links followed; in a sticky
folder only what is one's own, or is not there yet. A file that does not exist yet counts with the mode, owner and group with which
rsyslog makes it; one that logrotate's `create` makes counts as well, and so does the folder of `olddir`.

Fails, naming an account, when one may. Unknown when a folder, a mode or an access control list was not seen, or when only a directory
service knows an owner. Not applicable where there is neither a log nor /var/log. What runs with capabilities, and who can write the raw
disk, is out of reach.

Remedy: `chown root:adm` and `chmod 640` the file, `chmod go-w` the folders, and mend `create` in logrotate and `$FileCreateMode` in rsyslog.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown


@check("log-completeness.tamper", severity="high", since="0.1")
def tamper(host: Host) -> Outcomes:
    logs = host.logs.guarded()
    for log in logs:
        if log.safe:
            yield passed("only root and system services can alter {log}", subject=log.name, log=log.name, because=log.because)
        elif log.safe is False and log.next:
            yield failed("{who} can alter {log} after its next rotation", subject=log.name, who=log.who, log=log.name, because=log.because)
        elif log.safe is False:
            yield failed("{who} can alter or delete {log}", subject=log.name, who=log.who, log=log.name, because=log.because)
        else:
            yield unknown(
                "who can alter {log} was not seen in full",
                subject=log.name, log=log.name, because=log.because, gaps=log.gaps,
                settle="Collect as root, with the modes and access control lists of the logs and of the folders above them.",
            )  # fmt: skip
    if not logs:
        yield not_applicable("there is no log on disk")
