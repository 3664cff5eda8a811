"""Whether the audit system can be silenced without anybody noticing: the kernel's lock, who may write its files, and what a full disk does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sovaudit.facts.files import Stat, Unseen
from sovaudit.facts.log_protection import Answer
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

FOLDER = "/etc/audit"


def immutable(host: Host) -> Answer:
    """Whether the rules are locked (`-e 2`) until the next boot: after the next one, and on a live host now."""
    try:
        state = host.audit.daemon.starts()
        if state.yes is False:
            return state
        loaded = host.audit.boot
    except Unseen as unseen:
        return Answer(None, "the rules were not seen in full", (), (unseen.gap,))
    locked = {world.enabled == 2 for world in loaded.worlds}
    world = next((world for world in loaded.worlds if world.enabled != 2), loaded.worlds[0])
    if locked == {False}:
        if world.stopped is not None:
            return Answer(False, "auditctl gives up before it locks the rules", (world.stopped[0],))
        return Answer(False, "nothing locks the rules", (world.enabled_by,) if world.enabled_by else ())
    if len(locked) > 1:
        return Answer(None, "whether auditctl reaches the lock was not seen", (), loaded.gaps)
    lines = (world.enabled_by,) if world.enabled_by else ()
    if not host.live:
        return Answer(True, "the rules are locked", lines)
    try:
        enabled = host.audit.status["enabled"]
    except Unseen as unseen:
        return Answer(None, "whether the rules are locked now was not seen", lines, (unseen.gap,))
    now = Line("cmd:auditctl-s", 0, f"enabled {enabled}")
    if enabled.split(" ")[0] != "2":
        return Answer(False, "the rules are not locked in the running kernel", (now,))
    return Answer(True, "the rules are locked", (*lines, now))


def files(host: Host) -> Answer:
    """Whether nobody but root can write to anything in /etc/audit. Links count as what they point to."""
    seen = host.files
    try:
        if seen.follow(FOLDER) is None:
            return Answer(True, "there is no configuration to write to", (Line(FOLDER, 0, "absent"),))
        waiting, done = [FOLDER], set[str]()
        while waiting:
            path = waiting.pop()
            real = seen.resolve(path)
            stat = seen.stat(real) if real is not None else None
            if stat is None or stat.path in done:
                continue
            done.add(stat.path)
            if _open(stat):
                return Answer(
                    False,
                    "others than root can write to it",
                    (Line(stat.path, 0, f"mode {stat.mode:04o}, uid {stat.uid}, gid {stat.gid}"),),
                )
            if stat.kind == "d":
                waiting += [f"{stat.path}/{name}" for name in seen.listdir(stat.path) or ()]
    except Unseen as unseen:
        return Answer(None, "its files were not seen in full", (), (unseen.gap,))
    return Answer(True, "only root can write to it", (Line(FOLDER, 0, "every file and folder"),))


def _open(stat: Stat) -> bool:
    return stat.uid != 0 or stat.world_writable or (stat.group_writable and stat.gid != 0)


def failure(host: Host) -> Answer:
    """Whether the kernel says so when it loses records (`-f 1`, or 2: it stops the host)."""
    try:
        worlds = host.audit.boot.worlds
    except Unseen as unseen:
        return Answer(None, "the rules were not seen in full", (), (unseen.gap,))
    for world in worlds:
        if world.failure == 0:
            return Answer(False, "the kernel is told to lose records in silence", (world.failure_by,) if world.failure_by else ())
    lines = tuple(world.failure_by for world in worlds if world.failure_by)
    if host.live:
        try:
            now = host.audit.status.get("failure", "1")
        except Unseen as unseen:
            return Answer(None, "what the running kernel does when it loses records was not seen", lines, (unseen.gap,))
        if now.split(" ")[0] == "0":
            return Answer(False, "the running kernel loses records in silence", (Line("cmd:auditctl-s", 0, f"failure {now}"),))
    return Answer(True, "the kernel reports lost records", lines[:1])
