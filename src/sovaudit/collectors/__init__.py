"""The only modules that touch a target. `parse_target` names one, `collect` brings its evidence, `plan` says what would be done."""

from __future__ import annotations

import time
from pathlib import Path

from sovaudit.collectors.options import CollectOptions
from sovaudit.errors import CollectError, UsageError
from sovaudit.model.evidence import Evidence, Target
from sovaudit.model.verdict import TargetStatus

__all__ = ["CollectOptions", "collect", "parse_target", "plan"]

KINDS = "local: · root:DIR · ssh://user@host[:port]"


def parse_target(text: str) -> Target:
    """A target from its URI. Raises UsageError: unknown kind, a path that is not there, a password inside the URI (never echoed)."""
    scheme, colon, rest = text.partition(":")
    if not colon:
        raise UsageError(f"{text!r} is no target", hint=f"Write one of {KINDS}")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise UsageError("a target with control characters", hint=f"Write one of {KINDS}")
    if scheme == "local":
        if rest:
            raise UsageError(f"local: takes nothing after it, not {rest!r}", hint="For a folder write root:DIR")
        return Target("local:", "local:", "local")
    if scheme == "root":
        if not rest or not Path(rest).is_dir():
            raise UsageError(f"there is no folder {rest!r}", where="root:", hint="Give the top folder of a mounted root file system")
        uri = f"root:{rest.rstrip('/') or '/'}"
        return Target(uri, uri, "root")
    if scheme == "ssh":
        from sovaudit.collectors.ssh_target import ssh_address

        uri = ssh_address(text).uri
        return Target(uri, uri, "ssh")
    raise UsageError(f"unknown kind of target {scheme!r}", hint=f"Write one of {KINDS}")


def collect(target: Target, options: CollectOptions = CollectOptions()) -> Evidence:  # noqa: B008 - frozen
    """Visit a target once. Its faults never raise: they are the evidence's status (`unreachable`, `refused`, `failed`) and its one-line `error`."""
    began = time.monotonic()
    try:
        if target.kind == "root":
            from sovaudit.collectors.root import collect_root

            return collect_root(target, target.uri.partition(":")[2], options)
        if target.kind == "local":
            from sovaudit.collectors.local import collect_local

            return collect_local(target, options)
        if target.kind == "ssh":
            from sovaudit.collectors.ssh import collect_ssh

            return collect_ssh(target, options)
    except CollectError as error:
        spent = {"wall_ms": int((time.monotonic() - began) * 1000), "bytes": 0}
        return Evidence(target, TargetStatus(error.status), None, {}, error=str(error), cost=spent)
    raise UsageError(f"no collector for {target.kind} targets", where=target.uri, hint=f"Write one of {KINDS}")


def plan(target: Target, options: CollectOptions = CollectOptions()) -> tuple[str, ...]:  # noqa: B008 - frozen
    """Lines that say exactly what would be run and read. Nothing is connected to or opened."""
    from sovaudit.collectors.planning import plan_lines

    return plan_lines(target, options)
