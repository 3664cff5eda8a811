"""What is run for the options given, what is fed to it, and what its answer means: shared by `local:` and `ssh://`."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sovaudit.collectors import host_log, script
from sovaudit.collectors.options import CollectOptions
from sovaudit.collectors.root import identity_of
from sovaudit.collectors.stream import Receiver
from sovaudit.errors import CollectError
from sovaudit.model.evidence import Evidence, Gap, Target
from sovaudit.model.verdict import Reason, TargetStatus


@dataclass(frozen=True, slots=True)
class Invocation:
    """argv on the target and the bytes of its standard input (they may hold the sudo password)."""

    argv: tuple[str, ...]
    nonce: str
    stdin: bytes = field(repr=False)

    @property
    def line(self) -> str:
        """argv for a login shell of any kind."""
        plain = re.compile(r"[A-Za-z0-9_./=+-]+")
        return "exec " + " ".join(word if plain.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'" for word in self.argv)


def invocation(options: CollectOptions) -> Invocation:
    nonce = secrets.token_hex(16)
    sudo: tuple[str, ...] = ()
    password = b""
    if options.sudo or options.collector_path:
        sudo = ("sudo", "-n", "--")
        if options.sudo_password is not None:
            sudo = ("sudo", "-S", "-p", "", "--")
            password = options.sudo_password.encode() + b"\n"
    more = host_log.NAME if options.log_records else ""
    if options.collector_path:
        asked = f"SOVAUDIT {nonce} {options.max_bytes} {more}".rstrip() + "\n"
        return Invocation((*sudo, options.collector_path), nonce, password + asked.encode())
    text = script.sent(nonce, options.max_bytes, more)
    if sudo:
        # the loader swallows a password that sudo did not ask for: it must never be read as a command
        return Invocation((*sudo, "/bin/sh", "-c", script.LOADER), nonce, password + b"SOVAUDIT-SCRIPT\n" + text)
    return Invocation(("/bin/sh", "-s"), nonce, text)


def sudo_refusal(said: str, options: CollectOptions) -> CollectError | None:
    """What sudo said on standard error, as a refusal; None if it was not sudo that stopped us."""
    if not (options.sudo or options.collector_path):
        return None
    line = next((line.strip() for line in said.splitlines() if line.strip()), "")[:200]
    line = "".join(character if character.isprintable() else "?" for character in line)
    cases = (
        (
            r"password is required|a terminal is required",
            "sudo wants a password",
            "Give one with --sudo-password-file or the prompt, or install the collector (sovaudit privileges)",
        ),
        (
            r"incorrect password|[Ss]orry, try again|no password was provided|Authentication failed",
            "sudo refused the password",
            "Check the password of the audit account",
        ),
        (
            r"not in the sudoers|not allowed|may not run|digest|unknown user",
            "sudo does not let this account run the collector",
            "Install what `sovaudit privileges` prints",
        ),
        (
            r"not found|No such file",
            "there is no sudo, or no collector at that path",
            "Install what `sovaudit privileges` prints, or audit without --sudo",
        ),
        (r"^sudo:", "sudo refused", "Read its message"),
    )
    for expression, what, hint in cases:
        if re.search(expression, said, re.MULTILINE):
            return CollectError(f"{what} ({line})", status="refused", hint=hint)
    return None


def evidence_of(
    target: Target, receiver: Receiver, options: CollectOptions, *, skew_ms: int | None, wall_ms: int, extra: dict[str, str] | None = None
) -> Evidence:
    """Evidence from a complete answer. Raises CollectError (failed)."""
    answer = receiver.finish()
    if options.log_records and host_log.NAME not in answer.artifacts and host_log.NAME not in answer.gaps:
        answer.broken = True
        answer.gaps[host_log.NAME] = Gap(host_log.NAME, Reason.TIMEOUT, "not read, or it did not end")
    cut = answer.broken or any(gap.reason in (Reason.TRUNCATED, Reason.TIMEOUT) for gap in answer.gaps.values())
    kernel = answer.artifacts.get("cmd:kernel", b"").decode("utf-8", "replace").partition("\n")[2].strip()
    identity = identity_of(answer.artifacts, hostname=answer.info.get("hostname", ""), kernel=kernel, machine_id=b"")
    if re.fullmatch(r"[0-9a-f]{64}", answer.info.get("machine_id", "")):
        identity["machine_id"] = answer.info["machine_id"]
    identity["user"] = answer.info.get("user", "")
    root = answer.info.get("uid") == "0"
    identity["privilege"] = ("sudo" if options.sudo or options.collector_path else "root") if root else "user"
    identity.update(extra or {})
    epoch = receiver.epoch_ms or 0
    try:
        taken_at = datetime.fromtimestamp(epoch // 1000, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise CollectError("its clock shows no possible time", status="failed", hint="Set the host's clock") from error
    return Evidence(
        target,
        TargetStatus.PARTIAL if cut else TargetStatus.COLLECTED,
        taken_at,
        answer.artifacts,
        tuple(answer.gaps[name] for name in sorted(answer.gaps)),
        {key: value for key, value in identity.items() if value},
        script.COLLECTOR,
        skew_ms,
        cost={"wall_ms": wall_ms, "bytes": sum(map(len, answer.artifacts.values()))},
    )
