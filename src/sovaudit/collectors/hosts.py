"""Hosts as targets: `local:`, `root:DIR`, `ssh://user@host[:port]`."""

from __future__ import annotations

from pathlib import Path

from sovaudit.collectors.options import CollectOptions
from sovaudit.errors import UsageError
from sovaudit.model.evidence import Evidence, Target


def parse(text: str) -> Target:
    """Raises UsageError: something after local:, no folder after root:, an address that is none, a password inside it (never echoed)."""
    scheme, _, rest = text.partition(":")
    if scheme == "local":
        if rest:
            raise UsageError(f"local: takes nothing after it, not {rest!r}", hint="For a folder write root:DIR")
        return Target("local:", "local:", "local")
    if scheme == "root":
        if not rest or not Path(rest).is_dir():
            raise UsageError(f"there is no folder {rest!r}", where="root:", hint="Give the top folder of a mounted root file system")
        uri = f"root:{rest.rstrip('/') or '/'}"
        return Target(uri, uri, "root")
    from sovaudit.collectors.ssh_target import ssh_address

    uri = ssh_address(text).uri
    return Target(uri, uri, "ssh")


def collect(target: Target, options: CollectOptions) -> Evidence:
    if target.kind == "root":
        from sovaudit.collectors.root import collect_root

        return collect_root(target, target.uri.partition(":")[2], options)
    if target.kind == "local":
        from sovaudit.collectors.local import collect_local

        return collect_local(target, options)
    from sovaudit.collectors.ssh import collect_ssh

    return collect_ssh(target, options)


def plan(target: Target, options: CollectOptions) -> tuple[str, ...]:
    from sovaudit.collectors.planning import plan_lines

    return plan_lines(target, options)
