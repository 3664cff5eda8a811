"""The page a person reads: a pure function of (report.json bytes, signature, language, renderer).

The page carries report.json and its signature inside itself, so that `matches` can render it again and compare every byte. There is no
script, not even a data block; one style sheet, pinned by its hash in a Content-Security-Policy that allows nothing else.

The renderer is this folder's source, the templates, the catalogues, and the words of the installed checks and directives. Canonical form,
signature and digests of the document are `verify`'s business, not this module's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sovaudit import canon
from sovaudit.content import content_path
from sovaudit.errors import IntegrityError
from sovaudit.model.report import Report
from sovaudit.reports.hostile import visible
from sovaudit.reports.locale import LANGUAGES, REMARKS, WORDS, Words, catalogue_path, prose, shown
from sovaudit.reports.pages import CheckText, DirectiveText, installed_checks, installed_directives
from sovaudit.reports.signers import read_signers
from sovaudit.reports.view import page_view

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_BYTES = 64 * 1024 * 1024
"""A document larger than this is refused, and so is a page that would unpack to more."""
_LANGUAGE = re.compile(rb'\A<!doctype html>\n<html lang="([a-z]{2})"')
_BLOCK = re.compile(rb'<pre hidden id="sovaudit-(report|signature)"([^<>]*)>([A-Za-z0-9+/=\n]*)</pre>')


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a page carries. encoded_report: the report's block exactly as it stands in the page."""

    report: bytes
    signature: bytes | None
    language: str
    encoded_report: str


def render_html(
    report_bytes: bytes,
    signature: bytes | None,
    *,
    language: str = "fr",
    pages: Mapping[str, CheckText] | None = None,
    directives: Mapping[str, DirectiveText] | None = None,
    encoded: str | None = None,
) -> bytes:
    """The page, UTF-8. pages, directives: the words of checks and directives; by default, those installed.

    encoded: the report's block to embed, where it exists already; it must hold these very bytes.
    Raises IntegrityError for bytes that are no report, UsageError for a language we do not have.
    """
    report = _parse(report_bytes)
    if encoded is None:
        encoded = encode(report_bytes)
    elif _decode_report(encoded) != report_bytes:
        raise IntegrityError("the block to embed holds another document", where="report.html")
    t = Words(language)
    checks = installed_checks() if pages is None else pages
    texts = installed_directives([note.id for note in report.directives]) if directives is None else directives
    signers = read_signers(signature) if signature is not None else []
    digest = hashlib.sha256(report_bytes).hexdigest()
    style = _style() + _foot(f"{t('Confidential')} · report.json sha256:{digest}")
    html = _environment().get_template("report.html.j2").render(
        t=t,
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        encoded_report=encoded,
        encoded_digest=hashlib.sha256(encoded.encode()).hexdigest(),
        encoded_signature=_lines(base64.b64encode(signature).decode()) if signature is not None else None,
        signature_digest=hashlib.sha256(signature or b"").hexdigest(),
        report_digest=digest,
        **page_view(report, t, checks, texts, signers, signature is not None),
    )  # fmt: skip
    return html.encode("utf-8")


def encode(report_bytes: bytes) -> str:
    """The document compressed and in base64 lines. Compressors differ between machines: this is done once, and then carried along."""
    return _lines(base64.b64encode(zlib.compress(report_bytes, 9)).decode())


def extract(html: bytes) -> Embedded:
    """What the page carries, byte for byte. Raises IntegrityError if it is no page of ours, holds a block twice, or unpacks beyond a bound."""
    language = _LANGUAGE.match(html)
    if language is None or language.group(1).decode() not in LANGUAGES:
        raise IntegrityError("this is not a page that sovaudit rendered", where="report.html")
    blocks = _BLOCK.findall(html)
    found = {name: text.decode() for name, _, text in blocks}
    if html.count(b'id="sovaudit-') != len(blocks) or len(found) != len(blocks) or b"report" not in found:
        raise IntegrityError("the page must hold exactly one report and at most one signature", where="report.html")
    encoded = found[b"report"]
    signature = _base64(found[b"signature"]) if b"signature" in found else None
    return Embedded(_decode_report(encoded), signature, language.group(1).decode(), encoded)


def matches(
    html: bytes,
    *,
    pages: Mapping[str, CheckText] | None = None,
    directives: Mapping[str, DirectiveText] | None = None,
) -> bool:
    """Whether this page, byte for byte, is what its own document and signature render to. Raises IntegrityError as `extract`."""
    held = extract(html)
    again = render_html(
        held.report, held.signature, language=held.language, pages=pages, directives=directives, encoded=held.encoded_report
    )
    return again == html


@lru_cache(maxsize=1)
def renderer_digest() -> str:
    """Digest over all that shapes a page besides the report and the words of checks and directives: source, templates, catalogues."""
    here = Path(__file__).resolve().parent
    templates = content_path("templates")
    files = [("source/" + path.name, path) for path in here.glob("*.py") if path.name not in ("build.py", "text.py")]
    files += [
        (f"templates/{path.relative_to(templates).as_posix()}", path) for path in templates.rglob("*") if path.suffix in (".j2", ".css")
    ]
    files += [(f"{words}/{lang}", catalogue_path(lang, words)) for lang in LANGUAGES if lang != "en" for words in (WORDS, REMARKS)]
    return canon.digest(canon.canonical({name: canon.digest(path.read_bytes()) for name, path in files}))


def _parse(report_bytes: bytes) -> Report:
    if len(report_bytes) > MOST_BYTES:
        raise IntegrityError(f"larger than {MOST_BYTES // 1024**2} MB", where="report.json")
    try:
        return Report.model_validate_json(report_bytes)
    except ValueError as error:
        first = str(error).splitlines()
        raise IntegrityError(f"not a report of this version ({visible(' '.join(first[:3]), limit=200)})", where="report.json") from error


def _decode_report(encoded: str) -> bytes:
    unpack = zlib.decompressobj()
    try:
        data = unpack.decompress(_base64(encoded), MOST_BYTES + 1)
    except zlib.error as error:
        raise IntegrityError("the report inside the page is damaged", where="report.html") from error
    if len(data) > MOST_BYTES:
        raise IntegrityError(f"the report inside the page unpacks to more than {MOST_BYTES // 1024**2} MB", where="report.html")
    if not unpack.eof or unpack.unused_data or unpack.unconsumed_tail:
        raise IntegrityError("the report inside the page is cut short or continued", where="report.html")
    return data


def _base64(text: str) -> bytes:
    """Only the one spelling that we write: other line breaks, stray padding or unused bits are refused."""
    try:
        data = base64.b64decode(text.replace("\n", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise IntegrityError("a block inside the page is damaged", where="report.html") from error
    if _lines(base64.b64encode(data).decode()) != text:
        raise IntegrityError("a block inside the page is spelled in another way than we write", where="report.html")
    return data


def _lines(text: str) -> str:
    return "\n".join(text[n : n + 120] for n in range(0, len(text), 120))


@lru_cache(maxsize=1)
def _style() -> str:
    text = (content_path("templates") / "report.css").read_text("utf-8")
    return re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/\n?", "", text, flags=re.DOTALL)).strip()


def _foot(text: str) -> str:
    """What every printed sheet says at its foot: what it is a sheet of, and its number. A browser of before 2025 leaves it out."""
    quoted = "".join(c if c.isascii() and (c.isalnum() or c in " .:") else f"\\{ord(c):x} " for c in text)
    look = "font: 7pt/1 monospace; color: #444; vertical-align: top; padding-top: 4mm; white-space: nowrap"
    return f'\n@page {{ @bottom-left {{ content: "{quoted}"; {look} }} @bottom-right {{ content: counter(page) " / " counter(pages); {look} }} }}'


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: object) -> object:
        """Nothing leaves a template unseen: what is not markup already is made visible, then escaped."""
        return value if isinstance(value, (Markup, int)) else visible(str(value), limit=20_000, ours=True)

    environment = Environment(
        loader=FileSystemLoader(content_path("templates")), autoescape=True, undefined=StrictUndefined, finalize=finalize,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["block"] = Markup  # our own base64 and style sheet only
    environment.filters["prose"] = prose
    environment.filters["v"] = shown  # what other people wrote
    return environment
