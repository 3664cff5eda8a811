"""Canonical bytes are those of RFC 8785, whichever way they are written."""

from __future__ import annotations

import random
from typing import Any

import pytest
import rfc8785

from sovaudit.canon import canonical

LETTERS = [*"aZ0é/", "\u2028", *"\x00\x1f\x7f\n\b\f\t\r", '"', "\\", "中", "\ud7ff", "\ue000", "\uffff", "😀"]


def text(dice: random.Random, letters: list[str]) -> str:
    return "".join(dice.choice(letters) for _ in range(dice.randint(0, 5)))


def value(dice: random.Random, letters: list[str], depth: int = 0) -> Any:
    kind = dice.randint(0, 7 if depth < 4 else 4)
    if kind < 2:
        return dice.choice([None, True, False])
    if kind == 2:
        return dice.choice([0, -1, 12345, 2**53 - 1, 1 - 2**53])
    if kind <= 4:
        return text(dice, letters)
    if kind == 5:
        return [value(dice, letters, depth + 1) for _ in range(dice.randint(0, 4))]
    if kind == 6:
        return tuple(value(dice, letters, depth + 1) for _ in range(dice.randint(0, 3)))
    return {text(dice, letters): value(dice, letters, depth + 1) for _ in range(dice.randint(0, 6))}


@pytest.mark.parametrize("letters", [LETTERS[:16], LETTERS[:18], LETTERS])
def test_any_document(letters: list[str]) -> None:
    dice = random.Random(len(letters))
    for _ in range(1500):
        document = value(dice, letters)
        assert canonical(document) == rfc8785.dumps(document)


@pytest.mark.parametrize(
    "document", [1.5, [float("nan")], {"a": (0.0,)}, 2**53, -(2**53), {1: 2}, {"a": {True: 1}}, "\ud800", {"\udfff": 1}, [b""], {1}]
)
def test_what_has_no_place_in_a_document(document: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(document)
