"""Which of a visit's searches an export answers, and how well: a note as a visit's, and a gap wherever it may show less than there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sovaudit.collectors.ldap.searches import ANONYMOUS
from sovaudit.collectors.ldif.sorting import NOWHERE, Slot, Sorter
from sovaudit.collectors.ldif.telling import Source, covers, missing, suffix_like
from sovaudit.facts.parse.dn import below, normal
from sovaudit.facts.parse.ldif import Section
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

_LIMITS = {3: "the server's time limit", 4: "the server's size limit", 11: "the server's administrative limit"}
UNPROVEN = "the export does not say that it holds everything: let ldapsearch write its comments (no -L), or dump the store"


@dataclass(frozen=True, slots=True)
class _Answer:
    """How a section answers a search; the least rank is the best."""

    rank: int
    key: tuple[int, int]
    section: Section
    result: int
    lack: str = ""


def judged(
    product: str, named: str, sorter: Sorter, sources: Sequence[Source], artifacts: dict[str, bytes]
) -> tuple[dict[str, dict[str, Any]], list[Gap]]:
    """The notes of searches and the gaps; entries go to artifacts. named: the base that the caller vouches for."""
    notes: dict[str, dict[str, Any]] = {}
    gaps = [Gap(f"search:{query.name}", Reason.UNSUPPORTED, "an export shows nothing of strangers") for query in ANONYMOUS]
    for slot in sorter.slots:
        name = slot.query.name
        answers = sorted(_answers(product, named, sorter.inner, slot, sources), key=lambda answer: (answer.rank, answer.key))
        best = answers[0] if answers else None
        if best is None and not slot.buckets:
            where = slot.query.base if slot.base == NOWHERE else slot.base or "the root entry"
            gaps.append(Gap(f"search:{name}", Reason.ABSENT, f"the export holds nothing of it ({where})"))
            continue
        chunks = slot.chosen(best.key if best is not None and best.result == 0 else None)
        for number, (_, data) in enumerate(chunks):
            artifacts[f"entries:{name}/{number:04d}"] = data
        notes[name] = {
            "base": slot.base,
            "scope": slot.query.scope,
            "filter": slot.query.filter,
            "attributes": list(slot.query.attributes),
            "types_only": slot.query.types_only,
            "limit": slot.query.limit,
            "result": best.result if best is not None else -1,
            "message": "",
            "referrals": best.section.referrals if best is not None else 0,
            "chunks": [count for count, _ in chunks],
        }
        gap = _gap(slot, best, sources)
        if gap is not None:
            gaps.append(gap)
    return notes, gaps


def _answers(product: str, named: str, inner: tuple[str, ...], slot: Slot, sources: Sequence[Source]) -> list[_Answer]:
    found = []
    for number, source in enumerate(sources):
        if source.dumped:
            whole = all(top == named or suffix_like(top) for top in source.tops)
            if whole and slot.base and any(below(slot.base, top) for top in source.tops):
                found.append(_Answer(0, (number, 0), source.reader.sections[0], 0))
            continue
        for place, section in enumerate(source.reader.sections):
            if not section.told or not covers(section, slot.query, slot.base, product):
                continue
            if any(below(slot.base, one) and not below(normal(section.base), one) for one in inner):
                continue  # a search of the domain does not enter it
            lack = missing(slot.query, section, product)
            if section.ended:
                text = f"the export did not ask for {', '.join(lack[:12])}" if lack else ""
                found.append(_Answer(2 if lack else 1, (number, place), section, 0, text))
            else:
                found.append(_Answer(3, (number, place), section, section.result if section.result else -1))
    return found


def _gap(slot: Slot, best: _Answer | None, sources: Sequence[Source]) -> Gap | None:
    item = f"search:{slot.query.name}"
    losses = [
        f"{source.name}: {reason}"
        for number, source in enumerate(sources)
        if best is None or best.key[0] == number
        for reason in source.reader.losses
    ]
    flaws = [*slot.flaws, *losses]
    if best is not None and best.result in _LIMITS:
        return Gap(item, Reason.TRUNCATED, _LIMITS[best.result])
    if flaws:
        reason = (
            Reason.TRUNCATED
            if any(word in flaw for flaw in flaws for word in ("ends in", "--max-bytes", "a part of"))
            else Reason.AMBIGUOUS
        )
        return Gap(item, reason, "; ".join(flaws)[:300])
    if best is None or best.result == -1:
        return Gap(item, Reason.ABSENT, UNPROVEN)
    if best.result:
        return Gap(item, Reason.ABSENT, f"result {best.result}")
    return Gap(item, Reason.ABSENT, best.lack[:300]) if best.lack else None
