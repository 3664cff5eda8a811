"""What root runs, only root can change.

Whoever can change a program, script, unit or library that root will run is root by the next night at the latest.

Looked at, area by area: `PATH` (root's search path from login.defs, environment, profiles, and the usual folders), `cron` (its files and
folders, root's crontab, the programs that their lines name for root), `units` (of systemd and System V; the programs of units that run as root),
`profiles` (what a shell of root reads), `libraries` (ld.so.preload, ld.so.conf, LD_… of /etc/environment and the folders they name), `hooks`
(accounts and groups, sshd, sudo, PAM, rsyslog, logrotate and its scripts, apt, udev, polkit, network, kernel …), `system` (the rest of /usr and
/boot). A path among `declared` is left out.
Passes, per area: nobody but root can change any of it, what stands in the folders included, nor the folders on the way, nor what links point to.
Fails, per path: an account owns it, is in a group that may write it (or has an access list), or everybody may; a name in root's search path that
is no absolute folder. A group with no member lets nobody write; a closed folder on the way protects what is in it; in a sticky folder only one's
own counts. Not counted: a program that is setuid to its owner; rules of polkit that polkitd owns; in `system`, what a system account
without a shell owns.
Unknown, per area: a folder, a file or an access list was not seen.
Out of reach: what scripts run further, the commands that hooks of apt and udev name, variables and patterns in command lines, PATH as root's own
startup files change it, vendors' units that are not enabled.

Remedy: `chown root:root PATH`, `chmod go-w PATH`, for the folders on the way, too; absolute folders of root's alone in PATH.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, passed, unknown
from sovaudit.facts.root_runs import RootRuns


@check("least-privilege.writable", severity="critical", since="0.1")
def writable(host: Host, *, declared: tuple[str, ...] = ()) -> Outcomes:
    for area in RootRuns(host).areas():
        name = area.name
        for entry, line in area.wrong:
            yield failed(
                "{entry} in root's search path is no absolute folder", subject=f"{name}: {entry}", seen=entry, because=[line], entry=entry
            )
        open_ = [(changes, lines) for changes, lines in area.open if changes.real not in declared]
        for changes, lines in open_:
            because = (*lines[:3], *changes.because)
            yield failed("{who} can change {path}, which root runs or reads ({area})", subject=changes.real, seen=name, because=because,
                         who=changes.names(), path=changes.real, area=name)  # fmt: skip
        if area.gaps:
            yield unknown(
                "not everything that root runs was seen ({area})",
                subject=name,
                gaps=area.gaps[:8],
                settle="a collection as root",
                area=name,
            )
        elif not open_ and not area.wrong:
            yield passed("only root can change what root runs ({area})", subject=name, area=name)
