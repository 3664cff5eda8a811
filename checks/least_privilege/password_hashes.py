"""No ordinary account can read a password hash.

Whoever reads a hash guesses the password at home, without lockout and without a trace. Only root, and programs that run with the group
`shadow`, need to read one.

One answer per file in which hashes lie: /etc/shadow, /etc/gshadow, /etc/passwd, /etc/group, their copies in /etc and /var/backups
(`shadow-`, `shadow.bak`, `shadow~`, …), former passwords (opasswd), databases made of them, Samba's accounts, SSSD's cache.
Passes: no account but those with uid 0 may read it, by owner, group and mode of the file and of every folder on the way, links followed; or no
hash stands in it.
Fails: a hash was seen in it (files that hold nothing else count when they are not empty) and some account may read it: everybody, the
owner, or a member of its group, with or without a login. The owner counts whatever the mode: an owner may change it.
Unknown: who may read it, or what it holds, was not seen.
Out of reach: access control lists, copies elsewhere, groups that may be joined with a password (newgrp), and what programs with more rights
show (see setuid).

Remedy: `chown root:shadow FILE && chmod 640 FILE` (`chmod 600` for opasswd), `pwconv` and `grpconv` for hashes in /etc/passwd and /etc/group,
take accounts out of the group shadow, remove old copies.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, passed, unknown
from sovaudit.facts.access import ANYBODY, Trail, people, readers, shown, trail
from sovaudit.facts.password_stores import stores

SETTLE = "owner and mode of {path} and of the folders above it, and whether a hash stands in it"


@check("least-privilege.password-hashes", severity="critical", since="0.1")
def password_hashes(host: Host) -> Outcomes:
    everyone = people(host)
    for store in stores(host):
        path = store.path
        try:
            way = trail(host.files, path)
        except Unseen as unseen:
            yield unknown("who may read {path} was not seen", subject=path, gaps=[unseen.gap], settle=SETTLE, path=path)
            continue
        who = readers(way, everyone)
        because = (*([shown(way.stat)] if way.stat is not None else []), *store.because)
        names = ", ".join(each.name for each in who[:10])
        if store.holds is False:
            yield passed("no hash stands in {path}", subject=path, because=because[:1], path=path)
        elif who and store.holds:
            text = "every account may read the hashes in {path}" if who == (ANYBODY,) else "{names} may read the hashes in {path}"
            yield failed(text, subject=path, seen=because[0].text, because=because, names=names, path=path)
        elif who:
            text = (
                "every account may read {path}, which may hold hashes"
                if who == (ANYBODY,)
                else "{names} may read {path}, which may hold hashes"
            )
            yield unknown(text, subject=path, because=because, settle=SETTLE, names=names, path=path)
        elif who_else := _strangers(host, way):
            text = "{names} may read {path} if they are accounts of {source}"
            source = ", ".join(host.accounts.elsewhere)
            yield unknown(text, subject=path, because=because, settle="the accounts of {source}", names=who_else, path=path, source=source)
        else:
            yield passed("only root reads {path}", subject=path, seen=because[0].text, because=because[:1], path=path)


def _strangers(host: Host, way: Trail) -> str:
    """Members of the group that may read, whom only a directory could know."""
    if not host.accounts.elsewhere or way.stat is None or not way.stat.mode & 0o040:
        return ""
    groups = (group for group in host.accounts.groups.values() if way.stat is not None and group.gid == way.stat.gid)
    return ", ".join(sorted(name for group in groups for name in group.members if host.accounts.get(name) is None))
