"""The least rights of the audit account: one root-owned copy of the collector, pinned in sudoers by its digest, without arguments."""

from __future__ import annotations

import hashlib
import re

from sovaudit.collectors import script
from sovaudit.errors import UsageError

COLLECTOR_PATH = "/usr/local/lib/sovaudit/collect"


def collector() -> bytes:
    """The program to install on a host."""
    return script.installed_copy()


def sudoers_line(user: str, path: str = COLLECTOR_PATH) -> str:
    """What sudoers needs: this file with these bytes, no argument (`""`), as root only. Raises UsageError."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", user):
        raise UsageError(f"{user!r} is no account name", hint="Letters, digits, dot, dash and underscore")
    if not re.fullmatch(r"(/[A-Za-z0-9_.+-]+)+", path) or "/../" in f"{path}/":
        raise UsageError(f"{path!r} is no plain absolute path", hint=f"For instance {COLLECTOR_PATH}")
    return f'{user} ALL=(root) NOPASSWD: sha256:{hashlib.sha256(collector()).hexdigest()} {path} ""\n'


def sudoers(user: str, path: str = COLLECTOR_PATH) -> str:
    """A shell text that root runs once on the host: installs the collector and the sudoers line, both root-owned. Raises UsageError."""
    line = sudoers_line(user, path)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", user)
    return (
        "#!/bin/sh\n"
        f"# Lets {user} run the sovaudit collector as root, these very bytes of it and nothing else. Run as root on the host.\n"
        "set -eu\numask 022\n"
        f"install -d -o root -g root -m 0755 {path.rpartition('/')[0] or '/'}\n"
        f"cat >{path}.new <<'SOVAUDIT_END_OF_COLLECTOR'\n{collector().decode()}SOVAUDIT_END_OF_COLLECTOR\n"
        f"chown root:root {path}.new\nchmod 0755 {path}.new\nmv {path}.new {path}\n"
        f"cat >/etc/sudoers.d/.sovaudit-{name} <<'SOVAUDIT_END_OF_SUDOERS'\n{line}SOVAUDIT_END_OF_SUDOERS\n"
        f"chmod 0440 /etc/sudoers.d/.sovaudit-{name}\nvisudo -cf /etc/sudoers.d/.sovaudit-{name}\n"
        f"mv /etc/sudoers.d/.sovaudit-{name} /etc/sudoers.d/sovaudit-{name}\n"
    )
