"""What a visit asks for once it has seen who matters: entries that no filter of ours can name beforehand."""

from __future__ import annotations

from sovaudit.facts.directory import Directory
from sovaudit.facts.files import Unseen


def followed(directory: Directory) -> tuple[str, ...]:
    """Normal DNs of entries that are to be looked at and were not. AD: objects whose access list decides who is an administrator."""
    from sovaudit.facts.directories.ad import ActiveDirectory

    try:
        view = directory.view
        return tuple(view.control.wanted) if isinstance(view, ActiveDirectory) else ()
    except Unseen:
        return ()
