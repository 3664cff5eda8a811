"""A host with a working sshd, for the tests of the checks that ask who gets in."""

from __future__ import annotations

from sovaudit.facts.host import Host
from sovaudit.testing import host_with

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f bob@pc\n"
PAM = "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n"
PASSWD = "root:x:0:0:root:/root:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n"
SHADOW = "root:*:19000:0:99999:7:::\nbob:$y$j9T$masked:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n"
TWO = "UsePAM yes\nPermitRootLogin no\nAuthenticationMethods publickey,password\n"
ONE = "UsePAM yes\nPermitRootLogin no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"


def world(config: str = ONE, files: dict[str, str] | None = None, **more: object) -> Host:
    """sshd 9.2 with this configuration, bob with one key and a password, root without either; `files` on top."""
    modes = {
        "/bin/bash": (0o755, 0, 0), "/usr/sbin/nologin": (0o755, 0, 0), "/usr/sbin/sshd": (0o755, 0, 0), "/home/bob": (0o700, 1001, 1001),
        "/home/bob/.ssh": (0o700, 1001, 1001), "/home/bob/.ssh/authorized_keys": (0o600, 1001, 1001), **more.pop("modes", {}),  # type: ignore[dict-item]
    }  # fmt: skip
    given = {
        "/etc/passwd": PASSWD,
        "/etc/shadow": SHADOW,
        "/etc/group": "root:x:0:\nbob:x:1001:\nsudo:x:27:bob\ndaemon:x:1:\n",
        "/etc/os-release": "ID=debian\n",
        "/etc/ssh/sshd_config": config,
        "/etc/pam.d/sshd": PAM,
        "/home/bob/.ssh/authorized_keys": KEY,
        **(files or {}),
    }
    artifacts = {"packages": "openssh-server 1:9.2p1-2+deb12u5\nlibpam-modules 1.5.2-6\n", **more.pop("artifacts", {})}  # type: ignore[dict-item]
    return host_with({path: text for path, text in given.items() if text is not None}, modes=modes, artifacts=artifacts, **more)
