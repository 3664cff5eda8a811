"""Verify a report: who signed it, whether the page says what the document says, and whether the verdicts follow from the evidence.

The argument, in order; each step is one line of the answer:
(1) the document is canonical and of our schema;
(2) a signature covers exactly these bytes, and (3) its certificate leads to an anchor that the caller trusts;
(4) the page, rendered again from the document and the signature, is the page byte for byte;
(5) the evidence bundle is whole and is the one the report names;
(6) controls, counts, waivers and gate follow from the findings;
(7) the findings follow from the evidence;
(8) archives and exports that stayed with their owner, where they are shown, are what the evidence was taken from.
What was recomputed is believed over any signer. What only the signer says remains so: scope, waivers, declarations, issued_at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sovaudit import canon, directives, history, registry
from sovaudit.audit import EVIDENCE, PAGE, load_report
from sovaudit.bundle import Bundle
from sovaudit.errors import IntegrityError, SovauditError, UsageError
from sovaudit.model.report import Report

MAX_FILE = 256 << 20


@dataclass(frozen=True, slots=True)
class Step:
    """ok is None where there was nothing to check, or no way to; `detail` says why."""

    name: str
    ok: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    steps: tuple[Step, ...]

    @property
    def ok(self) -> bool:
        """Nothing that was checked differs, and a trusted signature was among it."""
        return all(step.ok is not False for step in self.steps)


def verify(
    path: Path, *, trust: Sequence[Path], evidence: Path | None = None, sources: Sequence[Path] = (), moment: datetime | None = None
) -> Verification:
    """Verify report.json or report.html. The signature, page and evidence are looked for beside it where they are not named.

    trust: PEM or DER certificates; without any, no signature can be trusted and the answer is not ok. sources: log archives and badge
    exports as they were audited.
    Raises UsageError for what is not one of our files; one of ours that does not hold gives steps that are not ok.
    """
    try:
        given = _open(path)
    except IntegrityError as error:
        return Verification((Step("document", False, str(error)),))
    document, signature, page = given.document, given.signature, given.page
    try:
        report = load_report(document, where=str(path))
    except IntegrityError as error:
        return Verification((Step("document", False, str(error)), *_signatures(document, signature, trust, moment)))
    bundle = evidence or (path.with_name(EVIDENCE) if path.with_name(EVIDENCE).is_file() else None)
    return Verification(
        (
            Step("document", True, f"canonical, {canon.digest(document)}"),
            *_signatures(document, signature, trust, moment),
            _page(page, document, signature, report),
            *_recomputed(report, bundle),
            *_sources(bundle, sources),
        )
    )


@dataclass(frozen=True, slots=True)
class _Given:
    document: bytes
    signature: bytes | None
    page: bytes | None


def _open(path: Path) -> _Given:
    """What a path offers: a page carries its document and signature; a document has its signature and page beside it."""
    data = _read(path)
    if data.lstrip()[:15].lower().startswith(b"<!doctype html"):
        from sovaudit.reports.html import extract

        embedded = extract(data)
        return _Given(embedded.report, embedded.signature, data)
    if data.startswith(b"%PDF-"):
        hint = "Verify the report.json or report.html with the SHA-256 that stands at the foot of each sheet."
        raise UsageError("is a PDF, a copy for reading that carries no signature", where=str(path), hint=hint)
    if data.lstrip()[:1] != b"{":
        raise UsageError("is neither report.json nor report.html", where=str(path))
    beside, page = path.with_name(path.name + ".p7s"), path.with_name(PAGE)
    return _Given(data, _read(beside) if beside.is_file() else None, _read(page) if page.is_file() else None)


def read_report(path: Path) -> tuple[Report, bytes, bytes | None]:
    """A report, its exact bytes and its signature (None if there is none), not verified. Raises UsageError, IntegrityError."""
    given = _open(path)
    return load_report(given.document, where=str(path)), given.document, given.signature


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise UsageError("is not a file" if path.exists() else "does not exist", where=str(path))
        if path.stat().st_size > MAX_FILE:
            raise UsageError(f"is larger than any report ({MAX_FILE >> 20} MB)", where=str(path))
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(path)) from error


def _signatures(document: bytes, signature: bytes | None, trust: Sequence[Path], moment: datetime | None) -> tuple[Step, ...]:
    if signature is None:
        return (Step("signature", False, "there is none beside the report"),)
    from sovaudit import seal

    anchors = seal.load_certificates(trust)
    try:
        found = seal.verify(document, signature, anchors, moment=moment)
    except IntegrityError as error:
        return (Step("signature", False, str(error)),)
    steps = []
    for one in found:
        who = f"{one.subject}, {one.algorithm}, {one.fingerprint}"
        steps.append(Step("signature", one.intact, who if one.intact else f"{who}: {one.problem}"))
        if one.intact:
            steps.append(Step("trust", one.trusted, f"leads to a trusted certificate: {one.subject}" if one.trusted else one.problem))
    return tuple(steps)


def _page(page: bytes | None, document: bytes, signature: bytes | None, report: Report) -> Step:
    from sovaudit.reports.html import extract, matches, renderer_digest

    if page is None:
        return Step("page", None, "no page was given")
    try:
        inside = extract(page)
    except IntegrityError as error:
        return Step("page", False, str(error))
    if inside.report != document or inside.signature != signature:
        return Step("page", False, "the page holds another report or another signature")
    # The page also shows the checks' and directives' own words: with others installed it could not come out the same.
    same_words = registry.checks_digest(registry.load_checks()) == report.tool.checks_digest and not _other_directives(report)
    if report.tool.renderer_digest != renderer_digest() or not same_words:
        return Step("page", None, f"rendered by another version ({report.tool.version}): install it to compare the page")
    same = matches(page)
    return Step("page", same, "equals a fresh rendering, byte for byte" if same else "differs from a rendering of the signed document")


def _recomputed(report: Report, evidence: Path | None) -> tuple[Step, ...]:
    steps = [_follows(report)]
    if evidence is None:
        return (*steps, Step("evidence", None, "no bundle was given"), Step("verdicts", None, "cannot be recomputed without evidence"))
    try:
        with Bundle(evidence) as bundle:
            bundle.verify()
            root = bundle.root()
            if root != report.evidence.root:
                steps.append(Step("evidence", False, f"root is {root}, the report names {report.evidence.root}"))
                return (*steps, Step("verdicts", None, "this is other evidence"))
            count = len(bundle.targets)
            steps.append(Step("evidence", True, f"{count} target{'s' if count != 1 else ''}, every digest holds, root {root}"))
            steps.append(_verdicts(report, bundle))
    except IntegrityError as error:
        steps.append(Step("evidence", False, str(error)))
    return tuple(steps)


def _sources(evidence: Path | None, sources: Sequence[Path]) -> tuple[Step, ...]:
    if not sources:
        return ()
    if evidence is None:
        return (Step("source", None, "no bundle was given that could say what was read"),)
    from sovaudit import originals

    steps = []
    try:
        with Bundle(evidence) as bundle:
            held = [one for one in bundle if originals.has_original(one)]
            for one, source in originals.pair(sources, held):
                found = originals.compare(one, source)
                steps.append(Step("source", found.ok, f"{source}: {found.detail}"))
    except IntegrityError as error:
        steps.append(Step("source", False, str(error)))
    return tuple(steps)


def _follows(report: Report) -> Step:
    others = _other_directives(report)
    if others:
        return Step("counts", None, f"made with another text of {', '.join(others)}: install version {report.tool.version} to recompute")
    fresh = history.recount(report)
    wrong = _differences(report, fresh)
    if wrong:
        return Step("counts", False, f"do not follow from the findings: {', '.join(wrong)}")
    return Step("counts", True, "controls, counts, waivers and gate follow from the findings")


def _other_directives(report: Report) -> list[str]:
    """Directives of the report whose text is not the one installed here."""
    others = []
    for note in report.directives:
        try:
            (known,) = directives.load_directives([note.id])
        except SovauditError:
            others.append(note.id)
            continue
        if known.digest != note.digest:
            others.append(note.id)
    return others


def _verdicts(report: Report, bundle: Bundle) -> Step:
    checks = registry.load_checks()
    try:
        fresh = history.replay(bundle, report, checks)
    except UsageError as error:
        return Step("verdicts", None, str(error))
    same_code = registry.checks_digest(checks) == report.tool.checks_digest
    wrong = _differences(report, fresh)
    if not wrong:
        return Step("verdicts", True, "every verdict, recomputed from the evidence, is the same")
    found = history.changes(report, fresh)
    turned = [one for one in found if one.before != one.after]
    note = "" if same_code else f" (the report was made by other checks, version {report.tool.version})"
    first = "".join(f"; first: {one.check} {one.target} {one.subject}" for one in (turned or found)[:1])
    if not turned:
        what = f"what stands beside them in {', '.join(wrong)} is not what the evidence gives"
        return Step("verdicts", False, f"each verdict is the same, but {what}{first}{note}")
    return Step("verdicts", False, f"{len(turned)} differ in {', '.join(wrong)}{first}: {turned[0].before} → {turned[0].after}{note}")


def _differences(report: Report, fresh: Report) -> list[str]:
    said, follows = report.document(), fresh.document()
    return [key for key in said if said[key] != follows[key]]
