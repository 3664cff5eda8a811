"""What a bundle's root covers: everything about a target that can change a verdict, at two levels.

A target's digest is the digest of its canonical manifest; the root is the digest of canonical `{target id: target digest}`.
So one target can be shown alone: its manifest, its artifacts, and the other targets' digests prove it against the root.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sovaudit import canon
from sovaudit.model.evidence import Evidence, Gap, Target
from sovaudit.model.verdict import Reason, TargetStatus

Head = dict[str, Any]


def manifest(evidence: Evidence) -> dict[str, Any]:
    """`artifacts` {name: `sha256:…`}, gaps, taken_at, collector, identity, status, error, clock_skew_ms, target. Cost is not in it."""
    evidence = plain(evidence)
    return joined(head(evidence), {name: canon.digest(data) for name, data in evidence.artifacts.items()})


def target_digest(evidence: Evidence) -> str:
    """`sha256:…` of the canonical manifest."""
    return manifest_digest(manifest(evidence))


def manifest_digest(document: Mapping[str, Any]) -> str:
    return canon.digest(canon.canonical(document))


def bundle_root(digests: Mapping[str, str]) -> str:
    """The root of {target id: target digest}; the order of targets does not matter."""
    return canon.digest(canon.canonical(dict(digests)))


def joined(head: Head, digests: Mapping[str, str]) -> dict[str, Any]:
    """A manifest from its two halves."""
    return {**head, "artifacts": dict(digests)}


def head(evidence: Evidence) -> Head:
    """The manifest without its artifacts."""
    return {
        "target": {"id": evidence.target.id, "uri": evidence.target.uri, "kind": evidence.target.kind},
        "status": evidence.status.value,
        "error": evidence.error,
        "taken_at": None if evidence.taken_at is None else instant(evidence.taken_at),
        "clock_skew_ms": evidence.clock_skew_ms,
        "collector": evidence.collector,
        "identity": dict(evidence.identity),
        "gaps": [{"item": gap.item, "reason": gap.reason.value, "detail": gap.detail} for gap in evidence.gaps],
    }


def from_head(head: Head, artifacts: Mapping[str, bytes], cost: Mapping[str, int]) -> Evidence:
    """Evidence again. Raises ValueError, TypeError or KeyError for what `head` would not have written."""
    target, taken_at = head["target"], head["taken_at"]
    return Evidence(
        target=Target(target["id"], target["uri"], target["kind"]),
        status=TargetStatus(head["status"]),
        taken_at=None if taken_at is None else datetime.fromisoformat(taken_at.removesuffix("Z") + "+00:00"),
        artifacts=artifacts,
        gaps=tuple(Gap(gap["item"], Reason(gap["reason"]), gap["detail"]) for gap in head["gaps"]),
        identity=head["identity"],
        collector=head["collector"],
        clock_skew_ms=head["clock_skew_ms"],
        error=head["error"],
        cost=cost,
    )


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC, with microseconds only where there are some."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def plain(evidence: Evidence) -> Evidence:
    """The same evidence with every text encodable: a name that is not UTF-8 reaches us with lone surrogates, which JSON cannot carry.

    Raises ValueError if two artifacts would then share a name.
    """
    texts = [evidence.error, evidence.collector, *evidence.artifacts, *evidence.identity, *evidence.identity.values(), *evidence.cost]
    texts += [
        evidence.target.id,
        evidence.target.uri,
        evidence.target.kind,
        *(part for gap in evidence.gaps for part in (gap.item, gap.detail)),
    ]
    if all(text.isascii() for text in texts) or all(_text(text) == text for text in texts):
        return evidence
    artifacts = evidence.artifacts
    if any(_text(name) != name for name in artifacts):  # otherwise they stay as they are: tables are not read before their turn comes
        artifacts = {_text(name): data for name, data in evidence.artifacts.items()}
    if len(artifacts) != len(evidence.artifacts):
        raise ValueError(f"two artifacts of {evidence.target.id} differ only in bytes that are not UTF-8")
    return replace(
        evidence,
        target=Target(_text(evidence.target.id), _text(evidence.target.uri), _text(evidence.target.kind)),
        artifacts=artifacts,
        gaps=tuple(Gap(_text(gap.item), gap.reason, _text(gap.detail)) for gap in evidence.gaps),
        identity={_text(key): _text(value) for key, value in evidence.identity.items()},
        collector=_text(evidence.collector),
        error=_text(evidence.error),
        cost={_text(key): value for key, value in evidence.cost.items()},
    )


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
