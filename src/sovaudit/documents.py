"""Read what people write: TOML files of ours, bounded and strict, with an error that says what to type instead."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sovaudit.errors import UsageError

MAX_BYTES = 1_000_000  # the contract's bound on profiles; the law's largest file is a tenth of it
MAX_DEPTH = 100  # parts of one dotted key: over 20,000 the standard parser takes 8 s, and four times that over twice as many
_DOTTED = re.compile(r"[\w\-\"'. \t]+")

Model = TypeVar("Model", bound=BaseModel)


def near(word: str, known: Iterable[str]) -> str:
    """A hint that names what was probably meant: `Did you mean x?`, or `Known: a, b, …` of a short list, or nothing."""
    known = sorted(set(known))
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"Known: {', '.join(known)}." if 0 < len(known) <= 12 else ""


def read_bounded(path: Path, what: str) -> bytes:
    """The bytes of one regular file of at most MAX_BYTES. Raises UsageError for anything else."""
    try:
        if not path.is_file():
            raise UsageError(f"{what} is not there" if not path.exists() else f"{what} is not a regular file", where=str(path))
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"{what} cannot be read ({getattr(error, 'strerror', None) or error})", where=str(path)) from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"{what} is larger than {MAX_BYTES} bytes", where=str(path), hint="Split it; there are no includes.")
    return data


def read_toml(path: Path, model: type[Model], what: str) -> Model:
    """A TOML file as a document. Raises UsageError with the file, the place in it and what to write instead."""
    return validate(model, load_toml(path, what), what=what, where=str(path))


def load_toml(path: Path, what: str) -> dict[str, Any]:
    """A TOML file as plain values, bounded. Raises UsageError."""
    data = read_bounded(path, what)
    try:
        text = data.decode("utf-8")
        if any(_depth(run) > MAX_DEPTH for run in _DOTTED.findall(text)):
            raise ValueError("a key has too many dots")
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error) or "it is nested too deeply"
        raise UsageError(f"{what} is not TOML: {reason}", where=str(path)) from error


def _depth(run: str) -> int:
    return sum(not part.isspace() for part in run.split(".") if part)


def validate(model: type[Model], content: Any, *, what: str, where: str) -> Model:
    """A document from plain values. Raises UsageError that names the first key that does not fit."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise _mended(error, model, what, where) from error


def _mended(error: ValidationError, model: type[BaseModel], what: str, where: str) -> UsageError:
    """The first fault, in our words. Unknown keys first: a misspelt key explains the one that is missing."""
    every = error.errors(include_url=False)
    # pydantic says of a list whose rows are wrong that it is too short as well
    inner = {fault["loc"][:depth] for fault in every for depth in range(len(fault["loc"]))}
    faults = sorted((fault for fault in every if fault["loc"] not in inner), key=lambda fault: fault["type"] != "extra_forbidden")
    fault = faults[0]
    place = _place(fault["loc"])
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    if fault["type"] == "extra_forbidden":
        key = str(fault["loc"][-1])
        return UsageError(f"{what} has an unknown key {place}{more}", where=where, hint=near(key, _keys(model)))
    if fault["type"] == "missing":
        return UsageError(f"{what} lacks {place}{more}", where=where)
    said = fault["msg"].removeprefix("Value error, ")
    given = f", not {fault['input']!r:.60}" if isinstance(fault["input"], (str, int, bool)) else ""
    hint = near(str(fault["input"]), _choices(fault)) if fault["type"] in ("enum", "literal_error") else ""
    return UsageError(f"{what}: {place}: {said}{given}{more}", where=where, hint=hint)


def _place(location: tuple[int | str, ...]) -> str:
    """`checks[2].severity`, counting from 1 as people do."""
    text = ""
    for part in location:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the document"


def _choices(fault: Any) -> list[str]:
    return [word.strip(" '") for word in str(fault.get("ctx", {}).get("expected", "")).replace(" or ", ",").split(",")]


def _keys(model: type[BaseModel]) -> set[str]:
    """Every key that this document or a part of it may have."""
    found: set[str] = set()
    todo: list[Any] = [model]
    seen: set[Any] = set()
    while todo:
        here = todo.pop()
        if isinstance(here, type) and issubclass(here, BaseModel) and here not in seen:
            seen.add(here)
            found |= set(here.model_fields)
            todo.extend(field.annotation for field in here.model_fields.values())
        elif not isinstance(here, type):
            todo.extend(getattr(here, "__args__", ()))
        else:
            todo.extend(getattr(here, "__args__", ()) if hasattr(here, "__args__") else ())
    return found
