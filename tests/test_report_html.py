"""The page: nothing runs, nothing leaks, every byte is accounted for, and a person can read it with any means."""

from __future__ import annotations

import hashlib
import html.parser
import itertools
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit import keys, seal
from sovaudit.errors import IntegrityError
from sovaudit.reports.html import MOST_BYTES, encode, extract, matches, render_html, renderer_digest
from sovaudit.reports.signers import read_signers
from tests import report_samples as samples

GOLDEN = Path(__file__).parent / "data" / "golden"
SAMPLES = {"small": samples.small, "hostile": samples.hostile}
VOID = {"meta", "br", "link", "img", "hr", "input"}


@cache
def document(name: str) -> bytes:
    return samples.bytes_of(getattr(samples, name)())


@cache
def page(name: str, language: str = "fr", signed: bool = True) -> bytes:
    signature = samples.SIGNATURE if signed else None
    return render_html(document(name), signature, language=language, pages=samples.PAGES, directives=samples.DIRECTIVES)


class Outline(html.parser.HTMLParser):
    """Tags with attributes, headings, and whether everything that was opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@cache
def outline(name: str, language: str = "fr") -> Outline:
    return Outline(page(name, language).decode())


@pytest.mark.parametrize("name", SAMPLES)
def test_there_is_no_script_no_inline_style_and_no_outside_resource(name: str) -> None:
    text = page(name).decode()
    assert "<script" not in text.lower()
    for tag, attributes in outline(name).tags:
        assert tag not in ("script", "img", "iframe", "object", "embed", "link", "base", "form", "input", "a:href")
        assert "style" not in attributes
        assert not any(key.startswith("on") for key in attributes)
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")


@pytest.mark.parametrize("name", SAMPLES)
def test_the_policy_allows_this_style_sheet_and_nothing_else(name: str) -> None:
    text = page(name).decode()
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)
    assert style
    assert text.count("<style") == 1
    digest = b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    policy = next(a["content"] for tag, a in outline(name).tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style.group(1)
    assert "@import" not in style.group(1)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_screen_reader_finds_its_way(name: str) -> None:
    seen = outline(name)
    assert seen.stack == []
    levels = [int(tag[1]) for tag, _ in seen.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels
    assert all(a.get("scope") in ("col", "row", "colgroup") for tag, a in seen.tags if tag == "th")
    assert [tag for tag, _ in seen.tags].count("table") == [tag for tag, _ in seen.tags].count("caption")
    assert all(a.get("aria-hidden") == "true" or (a.get("role") == "img" and a.get("aria-label")) for tag, a in seen.tags if tag == "svg")
    ids = [a["id"] for _, a in seen.tags if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {(a["href"] or "")[1:] for tag, a in seen.tags if tag == "a"}
    assert targets <= set(ids)
    assert all(a.get("aria-label") for tag, a in seen.tags if tag == "a" and (a.get("class") or "").startswith("g "))


def test_another_language_changes_words_and_nothing_else() -> None:
    words = ("aria-label", "title", "lang", "content", "data-l")
    french, english = (
        [(tag, {k: v for k, v in a.items() if k not in words}) for tag, a in outline("small", language).tags] for language in ("fr", "en")
    )
    assert french == english
    assert page("small", "fr") != page("small", "en")


def test_a_state_is_never_told_by_colour_alone() -> None:
    text = page("small", "en").decode()
    for css, glyph, word in (
        ("bad", "✗", "Non-conforming"),
        ("open", "?", "Not verifiable"),
        ("good", "✓", "Conforming"),
        ("held", "◐", "Waived"),
    ):
        assert re.search(rf'class="g {css}"[^>]*>{re.escape(glyph)}<', text)
        assert word in text


def test_all_104_rules_stand_on_the_page_twice() -> None:
    """Once on the map, once in the list."""
    text = page("small").decode()
    assert len(re.findall('<article class="rule"', text)) == 104
    assert len(re.findall(r'<a class="g \w+" href="#r1-\d+"', text)) == 104
    assert "audit par un prestataire qualifié" in text


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("name", SAMPLES)
def test_what_went_in_comes_out(name: str, signed: bool) -> None:
    held = extract(page(name, "en", signed))
    assert (held.report, held.signature, held.language) == (document(name), samples.SIGNATURE if signed else None, "en")
    assert matches(page(name, "en", signed), pages=samples.PAGES, directives=samples.DIRECTIVES)


def test_a_page_of_another_compressor_still_matches() -> None:
    data = document("small")
    raw = b64encode(zlib.compress(data, 1)).decode()
    other = "\n".join(raw[n : n + 120] for n in range(0, len(raw), 120))
    assert other != encode(data)
    made = render_html(data, None, pages=samples.PAGES, directives=samples.DIRECTIVES, encoded=other)
    assert matches(made, pages=samples.PAGES, directives=samples.DIRECTIVES)
    with pytest.raises(IntegrityError, match="another document"):
        render_html(document("hostile"), None, pages=samples.PAGES, directives=samples.DIRECTIVES, encoded=other)


def _altered(data: bytes) -> bool:
    try:
        return not matches(data, pages=samples.PAGES, directives=samples.DIRECTIVES)
    except IntegrityError:
        return True


def test_any_changed_byte_is_noticed() -> None:
    whole = page("small")
    chosen = random.Random(7)
    block = whole.index(b'id="sovaudit-report"')
    places = (
        [chosen.randrange(len(whole)) for _ in range(60)] + [block + n * 11 for n in range(40)] + list(range(len(whole) - 60, len(whole)))
    )
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << chosen.randrange(7)
        assert _altered(bytes(changed)), place


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p + b"<!-- -->",
        lambda p: p[:-1],
        lambda p: p.replace(b"\n", b"\r\n"),
        lambda p: b"\xef\xbb\xbf" + p,
        lambda p: p.replace(b"<style>", b"<style>.bad{display:none}", 1),
        lambda p: p.replace("Écarts constatés".encode(), "Aucun écart".encode()),
        lambda p: p.replace(b"</body>", b"<script>alert(1)</script></body>"),
        lambda p: p.replace(b"</body>", p[p.index(b"<pre hidden") : p.index(b"</pre>", p.index(b"<pre hidden")) + 6] + b"</body>"),
        lambda p: re.sub(rb'<pre hidden id="sovaudit-signature">.*?</pre>\n', b"", p, flags=re.DOTALL),
        lambda p: p.replace(b'lang="fr"', b'lang="en"', 1),
        lambda p: p.replace(b'lang="fr"', b'lang="xx"', 1),
        lambda p: re.sub(rb'(id="sovaudit-report"[^>]*>)', rb"\1\n", p),
        lambda p: b"",
    ],
)
def test_an_altered_page_is_refused_or_differs(change: object) -> None:
    assert _altered(change(page("small")))  # type: ignore[operator]


def test_a_bomb_inside_a_page_is_refused() -> None:
    bomb = encode(b" " * (MOST_BYTES + 1)).encode()
    changed = re.sub(rb'(id="sovaudit-report"[^>]*>)[^<]*', lambda match: match.group(1) + bomb, page("small"))
    with pytest.raises(IntegrityError, match="unpacks to more than 64 MB"):
        extract(changed)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"schema":"sovaudit/report/2"}', b"[" * 100_000])
def test_bytes_that_are_no_report_are_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match="not a report of this version"):
        render_html(data, None, pages={}, directives={})


def test_unknown_checks_and_directives_are_shown_by_their_ids() -> None:
    text = render_html(document("small"), None, language="en", pages={}, directives={}).decode()
    assert "least-privilege.root-ssh" in text
    assert "CH05-REGLE/6" in text
    assert len(re.findall('<article class="rule"', text)) == 104


def test_the_page_tells_how_to_take_its_document_out_again(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_bytes(page("small"))
    command = next(text for text in outline("small").words if text.startswith("python3 - report.html"))
    script = command.split("<<'END'\n", 1)[1].split("\nEND\n", 1)[0]
    subprocess.run([sys.executable, "-", "report.html"], input=script, text=True, cwd=tmp_path, check=True)
    assert (tmp_path / "report.json").read_bytes() == document("small")
    assert (tmp_path / "report.json.p7s").read_bytes() == samples.SIGNATURE


def test_a_signed_page_names_its_signer_and_vouches_for_nothing(tmp_path: Path) -> None:
    signer = keys.create_key(tmp_path, "Amina <b>El</b> Fassi", "Office", now=datetime(2026, 6, 1, tzinfo=UTC))
    signature = seal.sign(document("small"), signer, when=datetime(2026, 6, 2, tzinfo=UTC))
    made = render_html(document("small"), signature, language="en", pages=samples.PAGES, directives=samples.DIRECTIVES)
    text = made.decode()
    assert "CN=Amina &lt;b&gt;El&lt;/b&gt; Fassi, O=Office" in text
    assert signer.fingerprint in text
    assert "self-signed: this is no qualified certificate" in text
    assert "2026-06-02 00:00:00 UTC, as the signer states" in text
    assert "Nothing here says that their signatures are valid" in text
    assert extract(made).signature == signature
    assert matches(made, pages=samples.PAGES, directives=samples.DIRECTIVES)


@given(st.binary(max_size=300))
def test_no_signature_block_breaks_the_page(block: bytes) -> None:
    read_signers(block)
    read_signers(b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0" + block)


def test_a_thousand_hosts_fit_on_a_page_that_names_every_failing_one() -> None:
    made = page("fleet")
    assert len(made) < 5_000_000
    text = made.decode()
    failing = {f.target.split("@")[1] for f in samples.fleet().findings if f.verdict == "fail"}
    assert len(failing) > 500
    assert [name for name in failing if name not in text] == []


def test_the_renderer_has_a_digest() -> None:
    assert re.fullmatch("sha256:[0-9a-f]{64}", renderer_digest())


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_reads_as_it_was_reviewed(language: str) -> None:
    """The words in reading order, without the style sheet and the blocks; after a change, review the difference and copy the file it names."""
    text = page("small", language).decode()
    text = re.sub(r"<style>.*?</style>|<pre hidden.*?</pre>", "", text, flags=re.DOTALL)
    text = re.sub(r"sha256-[^']+", "sha256-@@STYLE@@", text)
    golden = GOLDEN / f"small-{language}.html"
    if os.environ.get("SOVAUDIT_GOLDEN") == "write":
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


@pytest.mark.browser
@pytest.mark.parametrize("name", SAMPLES)
def test_a_real_browser_runs_nothing_and_complains_of_nothing(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_bytes(page(name, "en"))
        answer = subprocess.run(
            [
                shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--v=0",
                f"--user-data-dir={folder}/profile", "--dump-dom", path.as_uri(),
            ],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
    assert "CONSOLE" not in answer.stderr
    drawn = [tag for tag, _ in Outline(answer.stdout).tags]
    written = [tag for tag, _ in outline(name, "en").tags]
    assert drawn.count("script") == drawn.count("img") == 0
    assert sorted(set(drawn)) == sorted(set(written))
    assert [drawn.count(tag) for tag in ("article", "table", "a", "pre", "style")] == [
        written.count(tag) for tag in ("article", "table", "a", "pre", "style")
    ]
