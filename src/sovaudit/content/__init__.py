"""Where checks/, profiles/ and templates/ are: inside the wheel, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

_here = Path(__file__).resolve().parent
_top = _here if (_here / "checks").is_dir() else _here.parents[2]
__path__ = [str(_top)]


def content_path(kind: str) -> Path:
    """The folder of `checks`, `profiles` or `templates`."""
    return _top / kind
