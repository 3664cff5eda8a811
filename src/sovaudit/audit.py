"""Ties the layers together: targets → evidence → findings → report → seal.

The only module above the collectors that reads the clock: once, at the end of an audit, for `issued_at`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sovaudit import __version__, canon, directives, engine, gates, profiles, registry
from sovaudit.authoring import Check
from sovaudit.bundle import Bundle, BundleWriter
from sovaudit.collectors import CollectOptions, parse_target, redacted
from sovaudit.collectors import collect as collect_target
from sovaudit.errors import IntegrityError, NothingError, OutputError, UsageError
from sovaudit.model.directive import Directive
from sovaudit.model.evidence import Evidence, Target
from sovaudit.model.profile import Profile
from sovaudit.model.report import Calibration, Declared, Gate, Report, Scope, TargetNote, Tool
from sovaudit.model.verdict import Severity
from sovaudit.model.waiver import Waiver
from sovaudit.output import OutputFolder
from sovaudit.reports import build

if TYPE_CHECKING:
    from sovaudit.keys import Signer

Progress = Callable[[str], None]
EVIDENCE = "evidence.sova"
TARGETS = "targets.partial"
REPORT = "report.json"
SIGNATURE = "report.json.p7s"
PAGE = "report.html"


def _quiet(_: str) -> None:
    return


@dataclass(frozen=True, slots=True)
class AuditResult:
    """A finished audit. report_bytes are the signed bytes; folder holds the files, None if nothing was written."""

    report: Report
    report_bytes: bytes
    signature: bytes | None
    folder: Path | None
    paths: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Audit:
    """One way of auditing: which profile, how strict, how to reach targets. Immutable; `run` may be called many times.

    profile: a name or a path. select, ignore: check ids. settings: `check.knob` → value. language: of report.html.
    Everything that the caller must correct raises UsageError before any connection.
    """

    profile: str = "dnssi-2023"
    select: Sequence[str] = ()
    ignore: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: CollectOptions = field(default_factory=CollectOptions)
    jobs: int = 16
    fail_on: Severity = Severity.HIGH
    max_unknown: int = 0
    scope: Scope = field(default_factory=Scope)
    waivers: Path | None = None
    declarations: Path | None = None
    previous: Path | None = None
    language: str = "fr"

    @cached_property
    def checks(self) -> Mapping[str, Check]:
        return registry.load_checks()

    @cached_property
    def _profile(self) -> Profile:
        return profiles.load_profile(self.profile, self.checks)

    @cached_property
    def _directives(self) -> tuple[Directive, ...]:
        return directives.load_directives(self._profile.directives)

    @cached_property
    def selected(self) -> tuple[profiles.Selected, ...]:
        """The checks this audit runs, with parameters, severities and where each threshold comes from. Raises NothingError if none."""
        return profiles.select(self._profile, self.checks, self._directives, only=self.select, ignore=self.ignore, settings=self.settings)

    @cached_property
    def _waivers(self) -> tuple[Waiver, ...]:
        return gates.load_waivers(self.waivers, self.checks) if self.waivers else ()

    @cached_property
    def _declarations(self) -> tuple[Declared, ...]:
        return directives.load_declarations(self.declarations, self._directives) if self.declarations else ()

    @cached_property
    def _previous(self) -> str | None:
        if self.previous is None:
            return None
        place = self.previous
        if not place.is_file():
            raise UsageError(
                "is not a file" if place.exists() else "does not exist", where=str(place), hint="Name the report before this one."
            )
        try:
            data = place.read_bytes()
            if data.lstrip()[:15].lower().startswith(b"<!doctype html"):  # a page: a report is known by its document
                from sovaudit.reports.html import extract

                data = extract(data).report
            load_report(data)
        except OSError as error:
            raise UsageError(f"cannot be read ({error.strerror})", where=str(place)) from error
        except IntegrityError as error:
            raise UsageError(f"is no report ({error.what})", where=str(place), hint="Name report.json or report.html.") from error
        return canon.digest(data)

    def prepare(self, targets: Iterable[str]) -> tuple[Target, ...]:
        """Parse targets and load everything that can be wrong, before any connection. Raises UsageError, NothingError."""
        found = targets_of(targets)
        _ = self.selected, self._waivers, self._declarations, self._previous
        return found

    def run(
        self,
        targets: Iterable[str],
        *,
        out: Path,
        signer: Signer | None,
        resume: bool = False,
        progress: Progress = _quiet,
        now: datetime | None = None,
    ) -> AuditResult:
        """Collect, judge, report, seal; leaves report.json, report.json.p7s, report.html and evidence.sova in `out`.

        Raises UsageError (exit 2), NothingError (5), OutputError (74). KeyboardInterrupt leaves finished targets in `out`: resume goes on.
        """
        targets = list(targets) or (unfinished_targets(out) if resume else [])
        parsed = self.prepare(targets)
        with OutputFolder(out, resume=resume) as folder:
            unfinished = folder.path / (EVIDENCE + ".partial")
            folder.write(TARGETS, json.dumps(targets).encode())
            root = collect_into(unfinished, parsed, self.options, jobs=self.jobs, progress=progress, resume=resume)
            progress("judging")
            with Bundle(unfinished) as bundle:
                report = self.judge(bundle, root=root, now=now)
            document = canon.canonical(report.document())
            progress("sealing")
            signature = seal_bytes(document, signer, datetime.now(UTC) if now is None else now) if signer else None
            page = render(document, signature, language=self.language)
            folder.write(REPORT, document)
            if signature is not None:
                folder.write(SIGNATURE, signature)
            folder.write(PAGE, page)
            folder.adopt(unfinished, EVIDENCE)
            (folder.path / TARGETS).unlink(missing_ok=True)
            names = [REPORT, *([SIGNATURE] if signature is not None else []), PAGE, EVIDENCE]
            return AuditResult(report, document, signature, folder.path, tuple(folder.path / name for name in names))

    @cached_property
    def _tool(self) -> Tool:
        return tool(self.checks)

    def judge(self, bundle: Bundle, *, root: str | None = None, now: datetime | None = None) -> Report:
        """The report of evidence already taken, with this profile. `now` becomes issued_at (default: the clock)."""
        targets: list[TargetNote] = []
        calibration: list[Calibration] = []

        def note(evidence: Evidence) -> None:
            targets.append(build.target_note(evidence))

        judgements = engine.judge(self.selected, bundle, calibration=calibration, each=note)  # build takes them one by one
        frame = build.Frame(
            profile=build.profile_note(self._profile, self.selected),
            directives=self._directives,
            tool=self._tool,
            issued_at=(now or datetime.now(UTC)).replace(microsecond=0),
            root=root or bundle.root(),
            bytes=bundle.bytes,
            scope=self.scope,
            previous=self._previous,
            waivers=self._waivers,
            declarations=self._declarations,
            calibration=calibration,
            fail_on=self.fail_on,
            max_unknown=self.max_unknown,
        )
        return build.build(frame, judgements, targets)


def unfinished_targets(out: Path) -> list[str]:
    """What an interrupted audit in this folder was to visit; empty where it does not say."""
    try:
        found = json.loads((out / TARGETS).read_bytes())
    except (OSError, ValueError):
        return []
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def targets_of(texts: Iterable[str]) -> tuple[Target, ...]:
    """Parsed targets, refused if none or if one stands twice. Raises UsageError, NothingError."""
    found: dict[str, Target] = {}
    for text in texts:
        target = _bundle_target(text) if text.startswith("bundle:") else parse_target(text)
        if target.id in found:
            raise UsageError("this target stands twice", where=target.id, hint="Name each target once.")
        found[target.id] = target
    if not found:
        raise NothingError("no target was named", hint="Try `sovaudit audit local:`.")
    return tuple(found.values())


def _bundle_target(text: str) -> Target:
    """Evidence already taken: every target inside the bundle becomes one of this audit."""
    path = Path(text.removeprefix("bundle:"))
    if not path.is_file():
        raise UsageError("is not a file" if path.exists() else "does not exist", where=str(path), hint="Name an evidence bundle (.sova).")
    return Target(text, text, "bundle")


def collect(
    targets: Iterable[str], path: Path, *, options: CollectOptions | None = None, jobs: int = 16, progress: Progress = _quiet
) -> str:
    """Evidence only, no judgement: write a bundle and return its root. Raises UsageError, OutputError."""
    parsed = targets_of(targets)
    if path.exists():
        raise UsageError("this file exists", where=str(path), hint="Evidence is never overwritten: choose another name.")
    unfinished = path.with_name(path.name + ".partial")
    try:
        root = collect_into(unfinished, parsed, options or CollectOptions(), jobs=jobs, progress=progress, resume=unfinished.exists())
    except OutputError as error:  # --resume is audit's
        hint = "Targets already written are kept: free space, and the same command goes on." if unfinished.exists() else error.hint
        raise OutputError(error.what, where=error.where, hint=hint) from error
    unfinished.rename(path)
    return root


def collect_into(
    path: Path, targets: Sequence[Target], options: CollectOptions, *, jobs: int, progress: Progress, resume: bool = False
) -> str:
    """Collect targets, several at a time, each written as soon as it is there; `bundle:` targets are copied. Returns the root."""
    options = options_beside(targets, options)
    with BundleWriter(path, resume=resume) as writer:
        done = set(writer.targets)
        for target in [target for target in targets if target.kind == "bundle"]:
            _copy(Path(target.uri.removeprefix("bundle:")), writer, done, options)
        waiting = [target for target in targets if target.kind != "bundle" and target.id not in done]
        total = len(waiting)
        for count, evidence in enumerate(_collect_all(waiting, options, jobs), 1):
            writer.add(evidence)
            what = evidence.status.value + (f" ({evidence.error})" if evidence.error else "")
            progress(f"{count}/{total} {evidence.target.id.removesuffix(':')}: {what}")
        return writer.finish()


def options_beside(targets: Sequence[Target], options: CollectOptions) -> CollectOptions:
    """A collector's archive is held against what the hosts themselves wrote."""
    return replace(options, log_records=True) if any(target.kind == "logs" for target in targets) else options


def _copy(path: Path, writer: BundleWriter, done: set[str], options: CollectOptions) -> None:
    with Bundle(path) as bundle:
        for name in bundle.targets:
            if name not in done:
                done.add(name)
                evidence = bundle.evidence(name)
                writer.add(redacted(evidence, options) if options.redact else evidence)


def _collect_all(targets: Sequence[Target], options: CollectOptions, jobs: int) -> Iterator[Evidence]:
    """Evidence as it comes in. At most `jobs` targets are under way, so memory does not grow with their number."""
    if len(targets) <= 1:
        yield from (collect_target(target, options) for target in targets)
        return
    queue = list(reversed(targets))
    pool = ThreadPoolExecutor(max_workers=max(1, min(jobs, len(targets))), thread_name_prefix="collect")
    try:
        running: set[Future[Evidence]] = set()
        while queue or running:
            while queue and len(running) < max(1, jobs):
                running.add(pool.submit(collect_target, queue.pop(), options))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def tool(checks: Mapping[str, Check]) -> Tool:
    """Name, version and digests of what judges and what renders."""
    from sovaudit.reports.html import renderer_digest

    return Tool(name="sovaudit", version=__version__, checks_digest=registry.checks_digest(checks), renderer_digest=renderer_digest())


def seal_bytes(document: bytes, signer: Signer, when: datetime) -> bytes:
    """A detached CAdES signature over exactly these bytes."""
    from sovaudit.seal import sign

    return sign(document, signer, when=when)


FORMATS = {
    "html": "html",
    "pdf": "pdf",
    "text": "txt",
    "json": "json",
    "csv": "csv",
    "junit": "junit.xml",
    "sarif": "sarif",
    "md": "md",
    "oscal": "oscal.json",
    "ocsf": "ocsf.jsonl",
}
"""Formats of a report, and how their files' names end."""


def render(document: bytes, signature: bytes | None, *, to: str = "html", language: str = "fr", browser: str | None = None) -> bytes:
    """A report in another format (a key of FORMATS) or language. browser: which one prints a PDF, instead of the first that is found.

    Raises UsageError, IntegrityError; OutputError where a PDF cannot be printed.
    """
    if to not in FORMATS:
        raise UsageError(f"{to} is not a format of this version", where="-o", hint=f"Formats: {', '.join(FORMATS)}.")
    if to == "html":
        from sovaudit.reports.html import render_html

        return render_html(document, signature, language=language)
    report = load_report(document)
    if to == "pdf":
        from sovaudit.printing import print_page
        from sovaudit.reports.html import render_html

        return print_page(render_html(document, signature, language=language), issued_at=report.issued_at, browser=browser)
    if to == "json":
        return document
    if to == "text":
        from sovaudit.reports.text import render_text

        written = render_text(report, language=language)
    elif to == "csv":
        from sovaudit.reports.csv import render_csv

        written = render_csv(report, language=language)
    elif to == "junit":
        from sovaudit.reports.junit import render_junit

        written = render_junit(report, language=language)
    elif to == "sarif":
        from sovaudit.reports.sarif import render_sarif

        written = render_sarif(report, language=language)
    elif to == "oscal":
        from sovaudit.reports.oscal import render_oscal

        written = render_oscal(report, language=language)
    elif to == "ocsf":
        from sovaudit.reports.ocsf import render_ocsf

        written = render_ocsf(report, language=language)
    else:
        from sovaudit.reports.markdown import render_markdown

        written = render_markdown(report, language=language)
    return written.encode()


def load_report(document: bytes, *, where: str = REPORT) -> Report:
    """Parse and validate report.json. Raises IntegrityError for bytes that are not canonical or not of the schema."""
    from pydantic import ValidationError

    data = canon.loads_strict(document, where=where)
    try:
        return Report.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise IntegrityError(f"not a sovaudit report: {place}: {first['msg']}", where=where) from error


def gate(report: Report, *, fail_on: Severity = Severity.HIGH, max_unknown: int = 0) -> Gate:
    """Decide again, with other thresholds."""
    return gates.decide(report.findings, report.passed, report.targets, fail_on=fail_on, max_unknown=max_unknown)
