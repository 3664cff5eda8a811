"""What is asked about a command line: whether it makes one root. What is one's own, which files are root's, what runs inside another command line."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

ANYBODYS = ("/tmp/", "/var/tmp/", "/dev/shm/")
ROOT_NAMES = (
    "root",
    "sudo",
    "wheel",
    "admin",
    "docker",
    "lxd",
    "incus-admin",
    "libvirt",
    "disk",
    "shadow",
    "kmem",
)  # groups that equal root
SHELL_WORD = re.compile(r"(^|[/;&|'\"(])(ba|da|z|k|c|tc)?sh($|[;&|'\")])")
_DEPTH = 4  # programs that run programs


@dataclass(frozen=True, slots=True)
class Asking:
    """mine: whether the account can change what stands at an absolute path. folder: where the program starts, empty where the account
    chooses. secure_pager: systemd's pager gives no shell under sudo.

    judge: makes_root(), for what runs inside.
    """

    mine: Callable[[str], bool] = lambda path: False
    secure_pager: bool = False
    depth: int = 0
    judge: Callable[[str, str, Asking], str] = lambda command, args, asking: ""
    folder: str = ""

    def own(self, word: str) -> bool:
        """Whether a word names a file of one's own: by itself or after `if=`, `-f`, `--x=`."""
        at = word.find("/")
        if at < 0:
            return False
        path = posixpath.normpath(word[at:])
        return path.startswith(ANYBODYS) or self.mine(path)

    def file(self, word: str) -> bool:
        """The same of a word that is a file: a relative one lies where the account stands, or where sudo puts it (CWD)."""
        if self.folder and word and word[0] not in "/-":
            return self.own(posixpath.join(self.folder, word))
        return bool(word) and (self.own(word) or not word.startswith(("/", "-")))

    @property
    def standing(self) -> bool:
        """Whether the program starts in a folder of one's own."""
        return not self.folder or self.own(posixpath.join(self.folder, "x"))

    def any(self, words: list[str]) -> bool:
        return any(self.own(word) for word in words)

    def nested(self, words: list[str]) -> bool:
        """Whether a command line inside another makes root: of one's own, or by itself."""
        if not words or self.depth >= _DEPTH:
            return False
        first, rest = words[0].strip("'\""), [word.strip("'\"") for word in words[1:]]
        return self.own(first) or bool(self.judge(first, " ".join(rest), replace(self, depth=self.depth + 1)))


_SENSITIVE = re.compile(
    r"^/(etc/(passwd|shadow|gshadow|group|sudoers(\.d/?.*)?|sudo\.conf|crontab|cron\..*|pam\.d/?.*|ld\.so.*|profile|profile\.d/.*|bash\.bashrc|environment|systemd/.*|ssh/.*|"
    r"doas\.conf|init\.d/.*|security/.*|nsswitch\.conf|rc\.local|x|hosts\.equiv|polkit-1/.*|logrotate.*|apt/.*|default/.*|inetd.*|xinetd.*|update-motd\.d/.*|modprobe\.d/.*|udev/.*|"
    r"network/.*|dhcp/.*|sysctl.*)|root(/.*)?|usr/.*|bin/.*|sbin/.*|lib.*|boot/.*|var/spool/cron.*|proc/.*|sys/.*|dev/(sd|hd|vd|nvme|mem|kmem|dm-|mapper/|disk/|xvd).*)$"
)  # fmt: skip


def sensitive(path: str) -> bool:
    """Whether who writes this file is root: it is run by root, says who is, or belongs to the system."""
    return any(_SENSITIVE.match(posixpath.normpath(word) if word.startswith("/") else word) for word in path.split())


def above(path: str) -> bool:
    """Whether such a file lies at or below this path."""
    path = posixpath.normpath(path) if path.startswith("/") else path
    return sensitive(path) or path in ("/", "/etc", "/usr", "/bin", "/sbin", "/lib", "/var", "/var/spool", "/etc/sudoers.d")
