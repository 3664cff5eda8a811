"""The only modules that touch a target. `parse_target` names one, `collect` brings its evidence, `plan` says what would be done."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from typing import Protocol, cast

from sovaudit.collectors.options import CollectOptions
from sovaudit.collectors.pseudonyms import IDS, NAMED
from sovaudit.errors import CollectError, UsageError
from sovaudit.model.evidence import Evidence, Target
from sovaudit.model.verdict import TargetStatus

__all__ = ["CollectOptions", "collect", "names_in", "parse_target", "plan", "redacted"]

# scheme → how it is written, and the module that collects it
KINDS = {
    "local": ("local:", "hosts"),
    "root": ("root:DIR", "hosts"),
    "ssh": ("ssh://user@host[:port]", "hosts"),
    "badges": ("badges:FILE?map=MAP.toml", "badges"),
    "ldaps": ("ldaps://host/base-dn", "ldap"),
    "ldap": ("ldap://host/base-dn", "ldap"),
    "logs": ("logs:DIR", "logs"),
    "people": ("people:FILE[?map=MAP.toml]", "people"),
    "rights": ("rights:FILE[?map=MAP.toml]", "rights"),
    "ldif": ("ldif:FILE", "ldif"),
}


class Collector(Protocol):
    """A module that knows a kind of target. parse raises UsageError; collect raises CollectError for a target's own faults."""

    def parse(self, text: str) -> Target: ...
    def collect(self, target: Target, options: CollectOptions) -> Evidence: ...
    def plan(self, target: Target, options: CollectOptions) -> tuple[str, ...]: ...


def known_kinds() -> str:
    """How each kind of target is written, for hints."""
    return " · ".join([*(usage for usage, _ in KINDS.values()), "bundle:FILE"])


def _collector(uri: str) -> Collector:
    _, module = KINDS[uri.partition(":")[0]]
    return cast("Collector", importlib.import_module(f"sovaudit.collectors.{module}"))


def parse_target(text: str) -> Target:
    """A target from its URI. Raises UsageError: unknown kind, a path that is not there, a password inside the URI (never echoed)."""
    scheme, colon, _ = text.partition(":")
    if not colon:
        near = "local:" if text == "local" else f"ssh://{text}" if "@" in text else f"root:{text}" if text.startswith("/") else ""
        raise UsageError(f"{text!r} is no target", hint=f"Did you mean {near}?" if near else f"Write one of {known_kinds()}.")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise UsageError("a target with control characters", hint=f"Write one of {known_kinds()}.")
    if scheme not in KINDS:
        raise UsageError(f"unknown kind of target {scheme!r}", hint=f"Write one of {known_kinds()}.")
    return _collector(text).parse(text)


def collect(target: Target, options: CollectOptions = CollectOptions()) -> Evidence:  # noqa: B008 - frozen
    """Visit a target once. Its faults never raise: they are the evidence's status (`unreachable`, `refused`, `failed`) and its one-line `error`."""
    began = time.monotonic()
    try:
        return _collector(target.uri).collect(target, options)
    except CollectError as error:
        spent = {"wall_ms": int((time.monotonic() - began) * 1000), "bytes": 0}
        return Evidence(target, TargetStatus(error.status), None, {}, error=str(error), cost=spent)


def plan(target: Target, options: CollectOptions = CollectOptions()) -> tuple[str, ...]:  # noqa: B008 - frozen
    """Lines that say exactly what would be run and read. Nothing is connected to or opened."""
    return _collector(target.uri).plan(target, options)


def redacted(evidence: Evidence, options: CollectOptions) -> Evidence:
    """The same evidence with pseudonyms in place of the names and ids of people and badges, where it gave them."""
    if evidence.identity.get("people") not in (NAMED, IDS):
        return evidence
    redact = getattr(_collector(evidence.target.uri), "redact", None)
    if redact is None:
        raise UsageError("names people, and nobody knows how to take the names out", where=evidence.target.id)
    return cast("Evidence", redact(evidence, options))


def names_in(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """(`person` or `badge`, name) that evidence which names people holds, for those who may know. Raises UsageError."""
    find = getattr(_collector(evidence.target.uri), "names_in", None)
    if find is None:
        raise UsageError("holds no names that a pseudonym could mean", where=evidence.target.id)
    return cast("Iterator[tuple[str, str]]", find(evidence))
