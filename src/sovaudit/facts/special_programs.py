"""Programs with rights of their own (setuid, setgid, file capabilities), and whether a package brought them so.

execve(2): the bits count where the file can be executed, setgid only with the group's execute bit, and neither bits nor capabilities on a script.
dpkg keeps no modes: that a package's own file has rights which the package does not give is known only for packages that give none.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.sudo_powers import powers_of
from sovaudit.model.evidence import Gap

_MERGED = re.compile(r"/usr/(bin|sbin|lib|lib32|lib64|libx32)/")
# Packages none of whose programs has rights of its own.
_PLAIN = re.compile(
    r"(coreutils|findutils|bash|dash|zsh|ksh|mksh|fish|busybox(-static)?|grep|sed|gawk|mawk|original-awk|tar|gzip|bzip2|xz-utils|xz|cpio|zip|unzip|diffutils|debianutils|dpkg|apt|"
    r"vim(-.*)?|nano|less|ed|emacs.*|perl(-base)?|python[0-9.]*(-minimal)?|libpython.*|ruby.*|lua.*|php.*|nodejs|gdb|strace|openssl|curl|wget|rsync|git|make|gcc.*|procps|psmisc|"
    r"iproute2|hostname|socat|netcat.*|ncat|nmap|jq|rpm|dnf|yum|coreutils-single|openssh-server|rsyslog|tmux|docker.*|libcap2-bin|acl|attr|base-files|debconf|init-system-helpers|"
    r"libc-bin|libc-dev-bin|e2fsprogs|logsave|ncurses-bin|file|gpgv|gnupg.*|gpg.*|oathtool|pamtester|libpam-google-authenticator|cracklib-runtime|sysvinit-utils|base-passwd|"
    r"openssh-sftp-server|util-linux-extra|fdisk|tzdata|lsof|bc|patch|xxd|podman|buildah|ansible.*|vagrant|nftables|iptables)"
)
# Packages of which every program with rights of its own is known.
_GIVES = {
    name: frozenset(programs.split())
    for name, programs in {
        "util-linux": "su mount umount chfn chsh write wall",
        "bsdutils": "wall write",
        "bsdextrautils": "wall write",
        "mount": "mount umount",
        "passwd": "chage chfn chsh expiry gpasswd passwd",
        "login": "newgrp sg",
        "uidmap": "newuidmap newgidmap",
        "sudo": "sudo sudoedit",
        "cron": "crontab",
        "at": "at",
        "openssh-client": "ssh-agent ssh-keysign",
        "iputils-ping": "ping",
        "libpam-modules-bin": "unix_chkpwd",
        "shadow-utils": "chage gpasswd newgrp newuidmap newgidmap",
        "util-linux-user": "chfn chsh",
        **dict.fromkeys(("systemd", "systemd-sysv", "udev", "kmod", "auditd", "logrotate", "chrony", "adduser", "eject"), ""),
    }.items()
}
# Debian's, which have a group's rights and no user's.
_SETGID = {
    "passwd": "chage expiry", "cron": "crontab", "openssh-client": "ssh-agent", "bsdutils": "wall", "bsdextrautils": "wall write",
    "libpam-modules-bin": "unix_chkpwd",
}  # fmt: skip
# Programs that give root or write its files, and are setuid all the same, for they ask first.
_ASK = frozenset(
    "su sudo sudoedit doas passwd chsh chfn gpasswd newgrp sg mount umount fusermount fusermount3 crontab at batch pkexec screen pppd mail".split()
)
_ROOT_CAPS = frozenset(
    "all cap_setuid cap_setgid cap_dac_override cap_sys_admin cap_sys_module cap_sys_ptrace cap_setfcap cap_chown cap_fowner cap_sys_rawio".split()
)


@dataclass(frozen=True, slots=True)
class Special:
    """One program. rights: `setuid root`, `setgid shadow`, `cap_net_raw`; empty where the kernel gives it none. package: empty if none brought it.

    altered: it is no longer what the package brought. foreign: the package does not give its programs such rights.
    """

    path: str
    rights: tuple[str, ...]
    mode: int
    uid: int
    gid: int
    package: str = ""
    altered: bool = False
    foreign: bool = False


@dataclass(slots=True)
class _Owners:
    listed: dict[str, dict[str, str]] = field(default_factory=dict)  # listed path → package → recorded MD5
    kind: str = "none"


class SpecialPrograms:
    """In path order. gaps: what may be missing. owned: whether the package database was read. Raises Unseen without the evidence."""

    def __init__(self, host: Host) -> None:
        self._host = host
        rows = [row.split("\t") for row in host.files.artifact("setuid").splitlines()]
        self._owners = _Owners()
        for row in rows:
            if row[0] == "d" and len(row) == 2:
                self._owners.kind = row[1]
            elif row[0] == "o" and len(row) == 4:
                self._owners.listed.setdefault(row[2], {})[row[1]] = row[3]
        self._diversions = _diversions(host)
        self.all = tuple(self._one(row) for row in sorted(rows, key=lambda row: row[-1]) if row[0] == "f" and len(row) == 8)
        self.gaps = tuple(gap for gap in host.files.gaps("setuid:") if gap.item != "setuid:owners")
        self.owners_gap: Gap | None = next(iter(host.files.gaps("setuid:owners")), None)

    def _one(self, row: list[str]) -> Special:
        _, bits, uid, gid, caps, first, digest, path = row
        mode = int(bits, 8)
        rights: list[str] = []
        if first != "#!":
            if mode & 0o4000 and mode & 0o111:
                rights.append(f"setuid {self._user(int(uid))}")
            if mode & 0o2000 and mode & 0o010:
                rights.append(f"setgid {self._group(int(gid))}")
            if caps != "-":
                rights.append(caps)
        package, recorded = self._package(path)
        altered = bool(package) and "-" not in (recorded, digest) and recorded != digest
        name = posixpath.basename(path)
        powerful = ("setuid root" in rights or bool(_ROOT_CAPS & set(caps.split(",")))) and powers_of(path) and name not in _ASK
        bare = _bare(package)
        plain = bool(package) and (bool(_PLAIN.fullmatch(bare)) or (bare in _GIVES and name not in _GIVES[bare]))
        more = (
            any(right.startswith("setuid ") for right in rights) and name in _SETGID.get(bare, "").split() and self._owners.kind == "dpkg"
        )
        return Special(path, tuple(rights), mode, int(uid), int(gid), package, altered, powerful or plain or more)

    def _user(self, uid: int) -> str:
        return next((account.name for account in self._host.accounts.by_uid(uid)), str(uid))

    def _group(self, gid: int) -> str:
        return next((group.name for group in self._host.accounts.groups.values() if group.gid == gid), str(gid))

    def _package(self, path: str) -> tuple[str, str]:
        """Who brought the file that stands there, as `dpkg -S` has it with diversions, and the MD5 that it recorded."""
        names = spellings(path)
        for origin, to, by in self._diversions:
            if to in names:  # another package's file was moved here
                found = {
                    pkg: md5 for name in spellings(origin) for pkg, md5 in self._owners.listed.get(name, {}).items() if _bare(pkg) != by
                }
                return next(iter(sorted(found.items())), ("", "-"))
            if origin in names:  # only the package that moved it away has its own file here
                found = {pkg: md5 for name in names for pkg, md5 in self._owners.listed.get(name, {}).items() if _bare(pkg) == by}
                return next(iter(sorted(found.items())), ("", "-"))
        owners = {pkg: md5 for name in names for pkg, md5 in self._owners.listed.get(name, {}).items()}
        return next(iter(sorted(owners.items())), ("", "-"))


def spellings(path: str) -> tuple[str, ...]:
    """dpkg may list `/bin/su` where the merged /usr has it as /usr/bin/su."""
    return (path, path[4:]) if _MERGED.match(path) else (path,)


def _bare(package: str) -> str:
    return package.partition(":")[0]


def _diversions(host: Host) -> tuple[tuple[str, str, str], ...]:
    """From, to, by whom (`:` for the administrator): dpkg-divert(1)."""
    try:
        lines = (host.files.read("/var/lib/dpkg/diversions") or "").split("\n")
    except Unseen:
        return ()
    return tuple(zip(lines[0::3], lines[1::3], lines[2::3], strict=False))
