"""What a visit asks for once it has seen who matters: entries that no filter of ours can name beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sovaudit.facts.directory import Directory
from sovaudit.facts.files import Unseen

if TYPE_CHECKING:
    from sovaudit.facts.directories.ad import ActiveDirectory


def followed(directory: Directory) -> tuple[str, ...]:
    """DNs of entries that are to be looked at and were not. AD: objects whose access list decides who is an administrator."""
    from sovaudit.facts.directories.ad import ActiveDirectory

    try:
        view = directory.view
        return tuple(_written(view, dn) for dn in view.control.wanted) if isinstance(view, ActiveDirectory) else ()
    except Unseen:
        return ()


def _written(view: ActiveDirectory, dn: str) -> str:
    """A DN as the server wrote it: a server may compare letters otherwise than we do."""
    account = view.directory.by_dn.get(dn)
    if account is not None:
        return view.directory.entry_of(account).dn
    return (view.kinds[dn].written if dn in view.kinds else "") or dn
