"""Nobody is in a group that equals root.

Members of such a group need no sudo and leave no trace of it: who may talk to dockerd, LXD, Incus, libvirt or MicroK8s starts a program as root
with the host's disk in it; `disk` reads and writes every file system raw; who reads /etc/shadow tries passwords at leisure; who writes
/usr/local puts his own programs before those that root runs.

Which groups: docker, lxd, incus-admin, libvirt, microk8s and disk by name; the group that the socket of dockerd, LXD or Incus lets in, and every
account where it lets all in; the group that reads /etc/shadow or its copy (`shadow`), and
the one that writes /usr/local or its bin, sbin and lib (`staff`), whatever they are called. Membership is what a login would give: the
primary group, every line of /etc/group (glibc reads one that is commented out, too), a second name of the same number. Accounts without a
shell count: a program runs as them.
Passes: an account is in none, or it (or `%group`) is among `declared`. Fails: it is in one. That the daemon was not seen here today is said,
and is no pass: the right is there as soon as it runs, from whatever place. Unknown: accounts or /etc/shadow were not seen.
Not counted: kmem (opening /dev/mem takes more than the group), adm and systemd-journal (they read logs), sudo, wheel and admin
(least-privilege.sudo-root).
Out of reach: a password on a group (gpasswd), what polkit lets a group do.

Remedy: `gpasswd -d NAME GROUP`; give the few commands that are needed through sudo; rootless containers. Or name the account in `declared`.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, passed, unknown
from sovaudit.facts.access import shown
from sovaudit.facts.root_groups import RootGroups


@check("least-privilege.root-groups", severity="high", since="0.1")
def root_groups(host: Host, *, declared: tuple[str, ...] = ()) -> Outcomes:
    equal = RootGroups(host)
    asked = False
    for account in host.accounts:
        found = equal.of(account)
        if account.uid == 0 or not found:
            continue
        asked = True
        name = account.name
        names = ", ".join(dict.fromkeys(one.group.name for one in found))
        because = tuple(dict.fromkeys((*(line for one in found for line in one.group.because), *account.because[:1])))
        if name in declared or all(f"%{one.group.name}" in declared for one in found):
            yield passed("{name} is declared for {groups}", subject=name, seen=names, because=because, name=name, groups=names)
        elif any(one.present is not False for one in found):
            yield failed("{name} is in {groups}: that equals root", subject=name, seen=names, because=because, name=name, groups=names)
        else:
            yield failed("{name} is in {groups}: that equals root once its service runs, which was not seen here", subject=name, seen=names,
                         because=because, name=name, groups=names)  # fmt: skip
    for socket in equal.open_sockets:
        asked = True
        text = "every account may talk to {path}: that equals root"
        yield failed(text, subject=socket.path, seen=f"{socket.mode:04o}", because=[shown(socket)], path=socket.path)
    for source in host.accounts.groups_elsewhere:
        asked = True
        text = (
            "accounts from {source} were not seen" if source in host.accounts.elsewhere else "members of groups from {source} were not seen"
        )
        yield unknown(text, subject=source, settle="the accounts of {source}", source=source)
    if equal.gaps:
        asked = True
        yield unknown("which group reads /etc/shadow or writes /usr/local was not seen", subject="groups", gaps=equal.gaps,
                      settle="the modes of these")  # fmt: skip
    if not asked:
        yield passed("nobody is in a group that equals root", subject="groups")
