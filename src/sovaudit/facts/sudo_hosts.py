"""By which names a host goes in sudo's Host lists: its own, or those that the resolver gives it where `fqdn` is on (Debian's build has it on)."""

from __future__ import annotations

from dataclasses import dataclass

from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.sudo_nsswitch import nsswitch
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason


@dataclass(frozen=True, slots=True)
class Names:
    """known: long and short names that the host may have. gap: why the long one may be another; short_too: and the short one."""

    known: tuple[tuple[str, str], ...]
    gap: Gap | None = None
    short_too: bool = False


def host_names(host: Host, fqdn: bool | None) -> Names | None:
    """None where the host's own name was not seen. fqdn: None where it is not known what sudo's build does."""
    name = host.evidence.identity.get("hostname", "")
    try:
        if not name or not host.live:
            rows = [row.strip() for row in (host.files.read("/etc/hostname") or "").splitlines()]
            name = next((row for row in rows if row and not row.startswith("#")), name)
    except Unseen:
        pass
    if not name:
        return None
    own = (name, name.partition(".")[0])
    if fqdn is False:
        return Names((own,))
    found = _resolved(host, name)
    return found if fqdn else Names(tuple(dict.fromkeys((own, *found.known))), found.gap, found.short_too)


def by_default(host: Host) -> bool | None:
    """Whether `fqdn` is compiled in: Debian and what comes of it."""
    try:
        return (
            bool({"debian", "ubuntu"} & set(f"{host.os.get('ID', '')} {host.os.get('ID_LIKE', '')}".lower().split())) if host.os else None
        )
    except Unseen:
        return None


def _resolved(host: Host, name: str) -> Names:
    """getaddrinfo(3) with AI_CANONNAME, source by source; where nothing answers, sudo keeps the name it has."""
    own = (name, name.partition(".")[0])
    try:
        sources = nsswitch(host, "hosts") or ["dns", "files"]
        for source in sources:
            if source == "files":
                for row in (host.files.read("/etc/hosts") or "").splitlines():
                    words = row.partition("#")[0].split()
                    if name.lower() in (word.lower() for word in words[1:]):
                        return Names(((words[1], words[1].partition(".")[0]),))
            elif source == "myhostname":
                return Names((own,))
            else:
                return Names((own,), Gap("file:/etc/hosts", Reason.UNSUPPORTED, f"what {source} calls this host was not seen"))
    except Unseen as unseen:
        return Names((own,), unseen.gap, True)
    return Names((own,))
