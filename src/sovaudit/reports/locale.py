"""Words in the reader's language: gettext's way, the English template being the key.

Catalogues are `templates/locale/<language>/LC_MESSAGES/sovaudit.po`, kept with Babel and read at run time. What has no translation stays in
English; nothing that a host wrote can make a sentence fail, run, or reach into an object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup, escape

from sovaudit.content import content_path
from sovaudit.errors import UsageError
from sovaudit.reports.hostile import pieces, visible

LANGUAGES = ("en", "fr")
_FIELD = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")
_INSTANT = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?Z?)?")


WORDS, PAGES, REMARKS = "sovaudit", "pages", "remarks"
"""Catalogues: what reports say; the pages of checks, which only `explain` reads; what collectors and facts remark in plain English."""


def catalogue_path(language: str, domain: str = WORDS) -> Path:
    """Where a language's .po file is; English has none, being the key itself."""
    return content_path("templates") / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


@lru_cache(maxsize=8)
def catalogue(language: str, domain: str = WORDS) -> Mapping[str, str]:
    """English template → translation; fuzzy and empty entries are left out. Empty for English. Raises UsageError for a language we do not have."""
    if language not in LANGUAGES:
        raise UsageError(f"no language {language}", hint=f"Choose one of {', '.join(LANGUAGES)}.")
    if language == "en":
        return {}
    held = _held(language, domain)
    return {**catalogue(language), **held} if domain != WORDS else held


def _held(language: str, domain: str) -> dict[str, str]:
    """What one catalogue holds."""
    from babel.messages.pofile import read_po

    with catalogue_path(language, domain).open("rb") as file:
        found = read_po(file, locale=language)
    return {m.id: m.string for m in found if isinstance(m.id, str) and m.id and isinstance(m.string, str) and m.string and not m.fuzzy}


PHRASES = frozenset({"why", "how", "factors", "reason", "status", "words"})
"""Arguments that our own source words, as opposed to names that a host gave: these are looked up in the catalogue too."""
_JOINTS = re.compile(r"(; | \+ |, )")


def translate(text: str, args: Mapping[str, object], language: str) -> str:
    """The template in this language with its {named} arguments filled in, as one line of visible text.

    Only a plain `{name}` is a field: no attributes, no indices, no format specifications. A field without an argument stays as written.
    Never raises, whatever text and arguments hold.
    """
    return _fill(_template(text, language), _worded(args, language))


def translate_markup(text: str, args: Mapping[str, object], language: str) -> Markup:
    """The same for the page: escaped, each argument isolated in `<bdi>` so that its direction cannot reorder the sentence."""
    parts: list[Markup] = []
    template = _template(text, language)
    args = _worded(args, language)
    end = 0
    for match in _FIELD.finditer(template):
        parts.append(escape(visible(template[end : match.start()], ours=True)))
        name = match.group(1)
        if name is None:
            parts.append(Markup(match.group()[0]))
        elif name in args:
            parts.append(Markup("<bdi>%s</bdi>") % shown(_plain(args[name])))
        else:
            parts.append(escape(match.group()))
        end = match.end()
    parts.append(escape(visible(template[end:], ours=True)))
    return Markup("").join(parts)


def shown(text: str, limit: int = 2000) -> Markup:
    """What a host wrote, escaped, its invisible characters drawn as `<i class="tok">`."""
    found = pieces(text, limit=limit)
    if len(found) == 1 and not found[0][1]:
        return escape(found[0][0])
    return Markup("").join(Markup('<i class="tok">%s</i>') % piece if token else escape(piece) for piece, token in found)


def prose(text: str) -> Markup:
    """Words of ours, escaped, with what stands between backquotes set as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(visible(text, ours=True))
    shapes = (Markup("%s"), Markup("<code>%s</code>"))
    return Markup("").join(shapes[n % 2] % visible(part, ours=True) for n, part in enumerate(parts))


def _worded(args: Mapping[str, object], language: str) -> Mapping[str, object]:
    """Phrases of ours among the arguments, whole or piece by piece; an unknown phrase stays English."""
    words = catalogue(language)
    if not words or PHRASES.isdisjoint(args):
        return args

    def phrase(value: str) -> str:
        said = words.get(value) or remark(value, language)
        return said if said != value else "".join(words.get(piece) or opening(piece) for piece in _JOINTS.split(value))

    def opening(piece: str) -> str:
        """`a root shell through /bin/vi`: our words, then a name; such a key ends in a space."""
        for key in _openings(language):
            if piece.startswith(key):
                return words[key] + piece[len(key) :]
        return piece

    return {name: phrase(value) if name in PHRASES and type(value) is str else value for name, value in args.items()}


@lru_cache(maxsize=8)
def _openings(language: str) -> tuple[str, ...]:
    return tuple(key for key in catalogue(language) if len(key) > 3 and key.endswith(" "))


def _template(text: str, language: str) -> str:
    return catalogue(language).get(text, text)


def _fill(template: str, args: Mapping[str, object]) -> str:
    def field(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return match.group()[0]
        return _argument(args[name]) if name in args else match.group()

    parts: list[str] = []
    end = 0
    for match in _FIELD.finditer(template):
        parts += [visible(template[end : match.start()], ours=True), field(match)]
        end = match.end()
    return "".join([*parts, visible(template[end:], ours=True)])


def _plain(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # an integer of more digits than Python will print
        return "…"


def _argument(value: object) -> str:
    if isinstance(value, Verbatim):
        return str.__str__(value)
    return visible(_plain(value))


@lru_cache(maxsize=4096)
def remark(text: str, language: str, depth: int = 2) -> str:
    """What a collector or a fact remarked (a gap's detail, a line that stands in no file), in this language; as it is where nobody translated it.

    A remark is plain English in the document; its shape, `no file {a} was seen`, is found again here by the words between the names.
    depth: how deep remarks within remarks are looked for.
    """
    if language == "en" or len(text) > _MOST_REMARK:
        return text
    whole, shapes = _remarks(language)
    if text in whole:
        return whole[text]
    for pieces_, translation in shapes:
        held = _between(text, pieces_)
        if held is not None:
            return _named(translation, [remark(name, language, depth - 1) if depth and " " in name else name for name in held])
    return text


def _named(translation: str, names: Sequence[str]) -> str:
    return _FIELD.sub(lambda match: names[ord(match[1]) - ord("a")] if match[1] else match[0], translation)


_MOST_REMARK = 1000


@lru_cache(maxsize=4)
def _remarks(language: str) -> tuple[Mapping[str, str], Sequence[tuple[tuple[str, ...], str]]]:
    """Remarks without names; and the pieces of the others beside their translations, those that say most first."""
    whole: dict[str, str] = {}
    shapes: list[tuple[tuple[str, ...], str]] = []
    for text, translation in _held(language, REMARKS).items():
        if _FIELD.search(text):
            shapes.append((tuple(re.split(r"\{[a-z]\}", text)), translation))
        else:
            whole[text] = translation
    return whole, sorted(shapes, key=lambda shape: (-sum(map(len, shape[0])), shape))


def _between(text: str, pieces_: Sequence[str]) -> list[str] | None:
    """What stands between these pieces, the first of which begins the text and the last of which ends it. Linear: the first place of each counts."""
    if not text.startswith(pieces_[0]) or not text.endswith(pieces_[-1]):
        return None
    held: list[str] = []
    at, end = len(pieces_[0]), len(text) - len(pieces_[-1])
    for piece in pieces_[1:-1]:
        found = text.find(piece, at + 1, end) if piece else -1
        if found < 0:
            return None
        held.append(text[at:found])
        at = found + len(piece)
    return [*held, text[at:end]] if at < end else None


@dataclass(frozen=True, slots=True)
class Words:
    """One language: `words("text {n}", n=3)`, plurals, numbers and times. Times are UTC, as documents have them."""

    language: str

    def __call__(self, text: str, /, **args: object) -> str:
        return translate(text, args, self.language)

    def plural(self, one: str, many: str, n: int, /, **args: object) -> str:
        """`one` or `many` with `{n}` as a number. French says zero in the singular."""
        single = n < 2 if self.language == "fr" else n == 1
        return translate(one if single else many, {**args, "n": self.exact(n)}, self.language)

    def remark(self, text: str) -> str:
        """What a collector or a fact remarked, in this language if somebody translated it."""
        return remark(text, self.language)

    def ours(self, text: str) -> Verbatim:
        """Text that is visible already and is to be put into a sentence as it stands."""
        return Verbatim(text)

    def exact(self, n: int) -> Verbatim:
        """A number, written this language's way, to be put into a sentence."""
        return Verbatim(self.number(n))

    def number(self, n: int) -> str:
        """1,234 in English, 1 234 (narrow no-break space) in French."""
        return f"{n:,}" if self.language == "en" else f"{n:,}".replace(",", "\u202f")

    def time(self, instant: str) -> str:
        """`2026-06-01 12:00:00 UTC`, `01/06/2026 à 12:00:00 UTC`; what is not an RFC 3339 UTC time stays as it is, made visible."""
        match = _INSTANT.fullmatch(instant)
        if match is None:
            return visible(instant, limit=40)
        year, month, day, clock = match.groups()
        if self.language == "fr":
            return f"{day}/{month}/{year}" + (f" à {clock} UTC" if clock else "")
        return f"{year}-{month}-{day}" + (f" {clock} UTC" if clock else "")


class Verbatim(str):
    """Text of our own, typography included."""

    __slots__ = ()
