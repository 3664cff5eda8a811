"""Nobody but root can change what sudo runs.

A rule for one harmless program is a rule for any program, if somebody can put another one in its place: the file itself, a folder on the way,
the target of a link, or a name that does not exist yet.

One answer for each command that an account other than root may run, one for sudo itself (its program, plugins, sudo.conf, and the files and
folders of the policy that it does read), one for `secure_path` where somebody may run any command (that is where `sudo NAME` looks).
Passes: only root can change it. Fails: an account can: it owns it, is in a group that may write it (or has an access list), or everybody may
write; in a sticky folder only its own. Who cannot search the folders on the way changes nothing.
A program that runs as one account only may be that account's own. A command pinned by a digest passes: sudo runs no other. Of `sudoedit` only the
rights count (least-privilege.sudo-root). A policy file that sudo ignores for its owner or mode is not read and so not counted.
Unknown: a path, an access list or members of a group were not seen; a regular expression.
Not applicable: sudo is not installed. A script that fixed arguments hand to an interpreter counts like a command. Out of reach: what a program
reads or runs further.

Remedy: root owns the program and every folder on the way, and no group or other may write there (`chown root:root`, `chmod go-w`).
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.sudo_programs import places


@check("least-privilege.sudo-writable", severity="critical", since="0.1")
def sudo_writable(host: Host) -> Outcomes:
    sudo = host.sudo
    if sudo.installed is False:
        yield not_applicable("sudo is not installed", subject="sudo")
        return
    if sudo.broken:
        yield passed("sudo serves nobody: {why}", subject="sudo", seen=sudo.broken, because=sudo.because, why=sudo.broken)
        return
    for place in places(host):
        name = place.subject
        changes = place.open
        because = (*place.because[:3], *(changes.because if changes else ()))
        if changes is not None and place.certain:
            yield failed("{who} can change {path}, which sudo runs or reads", subject=name, seen=changes.real, because=because,
                         who=changes.names(), path=changes.real)  # fmt: skip
        elif changes is not None or place.unseen or not place.certain:
            gaps = (*place.unseen, *(() if place.certain else sudo.gaps))
            yield unknown("who can change {path} was not seen", subject=name, gaps=gaps, because=because,
                          settle="owners and modes on the way to {path}", path=name)  # fmt: skip
        else:
            yield passed("only root can change {path}", subject=name, because=because, path=name)
    for source in sudo.elsewhere:
        yield unknown(
            "{source} may give rights that this host does not show", subject=source, settle="the rules of {source}", source=source
        )
    if sudo.gaps:
        yield unknown("not all of sudo's rules were seen", subject="policy", gaps=sudo.gaps, settle="the files that were not seen")
