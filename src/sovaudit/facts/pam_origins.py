"""From where a PAM service's modules tell callers apart: addresses and host names that make a difference to its stacks.

sshd's own configuration asks the same question. Whoever comes in stands at one place for both, so each such place is tried with both.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_access import edges
from sovaudit.facts.pam_stack import Step
from sovaudit.facts.sshd_patterns import parse_address

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

MAX_ORIGINS = 64
_USUAL = ("10.0.0.7", "192.0.2.1", "203.0.113.77", "127.0.0.1", "2001:db8::1", "::1")
_WORDS = frozenset(("all", "local", "except", "none"))


def origins(host: Host, service: str) -> tuple[str, ...]:
    """One of each kind of place; empty where no module asks, or where there are too many to follow. Raises Unseen."""
    stacks = host.pam.service(service)
    steps = [step for phase in ("auth", "account", "session") for step in stacks.stack(phase)]
    named = [text for step in steps for word in _asked(host, step) for text in _examples(word)]
    if not named:
        return ()
    found = tuple(dict.fromkeys([*_USUAL, *named]))
    return found if len(found) <= MAX_ORIGINS else ()


def _asked(host: Host, step: Step) -> list[str]:
    """Words among which a module looks for the caller's place."""
    if step.module == "pam_succeed_if.so":
        words = [arg.lower() for arg in step.args]
        return [part for word in step.args for part in (word, *word.split(":"))] if "rhost" in words else []
    if step.module == "pam_listfile.so" and "item=rhost" in step.args:
        return _words(host, [arg[5:] for arg in step.args if arg.startswith("file=")])
    if step.module == "pam_access.so":
        named = [arg[11:] for arg in step.args if arg.startswith("accessfile=")]
        more = host.files.glob("/etc/security/access.d/*.conf") if not named else ()
        return _words(host, [*(named[-1:] or ["/etc/security/access.conf"]), *more])
    return []


def _words(host: Host, paths: list[str]) -> list[str]:
    found: list[str] = []
    for path in paths:
        try:
            lines = host.files.lines(path) or ()
        except Unseen:
            continue  # the module itself says that its file was not seen
        found += [
            word
            for line in lines
            if not line.text.startswith("#")
            for word in re.split(r"[\s,]+|(?<![0-9a-fA-F:]):(?![0-9a-fA-F:])", line.text)
        ]
    return found


def _examples(word: str) -> list[str]:
    """Places at the edges of what a word means, and names that it names."""
    text = word.lower().strip("()")
    if not text or text in _WORDS:
        return []
    if near := edges(text):
        return near
    whole = re.sub(r"\*+", "1", text.replace("?", "1"))
    if parse_address(whole) is not None:
        return [whole]
    return [f"host{text}"] if text.startswith(".") else [text] if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", text) else []
