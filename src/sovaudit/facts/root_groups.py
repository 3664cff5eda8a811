"""Groups whose members are root without sudo: by a daemon that obeys them, by raw disks, by all password hashes, by root's own programs.

A group counts by its number, as the kernel and the daemons' sockets see it. kmem is none of them: opening /dev/mem takes CAP_SYS_RAWIO whatever
the group. adm and systemd-journal read logs; sudo, wheel and admin are what sudoers makes of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sovaudit.facts.accounts import Account, Group
from sovaudit.facts.files import Stat, Unseen
from sovaudit.facts.host import Host
from sovaudit.model.evidence import Gap

_LXD = "/usr/sbin/lxd /usr/bin/lxd /snap/bin/lxd /var/lib/lxd/unix.socket /var/snap/lxd/common/lxd/unix.socket"
# name → the places that show its power, any of them
DAEMONS: dict[str, tuple[str, ...]] = {
    name: tuple(places.split())
    for name, places in {
        "docker": "/usr/bin/dockerd /usr/sbin/dockerd /usr/local/bin/dockerd /run/docker.sock /var/run/docker.sock "
        "/usr/lib/systemd/system/docker.service /lib/systemd/system/docker.service /snap/bin/docker",
        "lxd": _LXD,
        "incus-admin": "/usr/bin/incusd /usr/bin/incus /opt/incus/bin/incusd /var/lib/incus/unix.socket",
        "libvirt": "/usr/sbin/libvirtd /usr/sbin/virtqemud /run/libvirt/libvirt-sock",
        "libvirtd": "/usr/sbin/libvirtd /usr/sbin/virtqemud /run/libvirt/libvirt-sock",
        "microk8s": "/snap/bin/microk8s",
        "snap_microk8s": "/snap/bin/microk8s",
    }.items()
}  # fmt: skip
_SOCKETS = (
    "/run/docker.sock", "/var/run/docker.sock", "/var/lib/lxd/unix.socket", "/var/snap/lxd/common/lxd/unix.socket", "/var/lib/incus/unix.socket",
)  # fmt: skip
_DISKS = ("disk",)  # udev gives it every disk
_ROOTS_OWN = ("/usr/local/sbin", "/usr/local/bin", "/usr/local/lib", "/usr/local")


@dataclass(frozen=True, slots=True)
class RootGroup:
    """how: what its members can do. present: whether the power was seen here; None: what decides was not seen (gap).

    at_once: they are root whenever they like; who only reads hashes or replaces programs must wait for somebody.
    """

    group: Group
    how: str
    present: bool | None = True
    gap: Gap | None = None
    at_once: bool = True


class RootGroups:
    """Which groups of a host equal root, and who is in them."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.gaps: list[Gap] = []
        self.open_sockets: list[Stat] = []  # of such daemons, which every account may talk to
        self._by_gid: dict[int, list[RootGroup]] = {}
        for found in self._all():
            self._by_gid.setdefault(found.group.gid, []).append(found)

    def of(self, account: Account) -> tuple[RootGroup, ...]:
        """Those that this account is in, by name or only by number."""
        return tuple(found for gid in sorted({account.gid, *account.gids}) for found in self._by_gid.get(gid, ()))

    def powers(self, account: Account) -> list[RootGroup]:
        """Those that make it root at once, with a power that was seen here or may be here."""
        return [one for one in self.of(account) if one.present is not False and one.at_once]

    def _all(self) -> list[RootGroup]:
        found: list[RootGroup] = []
        groups = self._host.accounts.groups
        for name, places in DAEMONS.items():
            if name in groups:
                found.append(self._daemon(groups[name], places))
        found += [RootGroup(groups[name], "reads and writes every disk") for name in _DISKS if name in groups]
        found += self._sockets()
        found += self._owning(("/etc/shadow", "/etc/shadow-"), 0o040, "reads the password hashes of all")
        found += self._owning(_ROOTS_OWN, 0o020, "replaces programs that root runs")
        return found

    def _daemon(self, group: Group, places: tuple[str, ...]) -> RootGroup:
        gap: Gap | None = None
        for place in places:
            try:
                if self._host.files.exists(place):
                    return RootGroup(group, "starts programs as root")
            except Unseen as unseen:
                gap = gap or unseen.gap
        return RootGroup(group, "starts programs as root", None if gap else False, gap)

    def _sockets(self) -> list[RootGroup]:
        """The groups that a daemon's socket lets in, whatever they are called."""
        found: dict[int, RootGroup] = {}
        for path in _SOCKETS:
            try:
                stat = self._host.files.follow(path)
            except Unseen:
                continue
            if stat is None or stat.kind != "s" or stat in self.open_sockets:
                continue
            if stat.mode & 0o002:
                self.open_sockets.append(stat)
            elif stat.mode & 0o020 and stat.gid != 0:
                for group in self._host.accounts.groups.values():
                    if group.gid == stat.gid and group.name not in DAEMONS:
                        found.setdefault(group.gid, RootGroup(group, "starts programs as root"))
        return list(found.values())

    def _owning(self, paths: tuple[str, ...], bit: int, how: str) -> list[RootGroup]:
        """The groups that one of these paths gives this right; group 0 is root's own."""
        found: dict[int, RootGroup] = {}
        for path in paths:
            try:
                stat = self._host.files.follow(path)
            except Unseen as unseen:
                self.gaps.append(unseen.gap)
                continue
            if stat is None or not stat.mode & bit or stat.gid == 0:
                continue
            for group in self._host.accounts.groups.values():
                if group.gid == stat.gid:
                    found.setdefault(group.gid, RootGroup(group, how, at_once=False))
        return list(found.values())
