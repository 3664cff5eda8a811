"""What a visit asks for once it has seen who matters: entries that no filter of ours can name beforehand."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sovaudit.facts.directories.openldap_values import looked_at, named_by, to_strangers, unnamed
from sovaudit.facts.directory import Directory
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse import olc_access
from sovaudit.facts.parse.dn import normal
from sovaudit.facts.parse.olc_access import Rule

if TYPE_CHECKING:
    from sovaudit.facts.directories.ad import ActiveDirectory


def followed(directory: Directory) -> tuple[str, ...]:
    """DNs of entries that are to be looked at by their names. AD: objects whose access list decides who is an administrator and that were not
    seen yet; OpenLDAP: what access rules name, and the policy that is the default.
    """
    from sovaudit.facts.directories.ad import ActiveDirectory

    try:
        if directory.product == "openldap":
            defaults = (entry.text("olcPPolicyDefault") for entry in directory.entries("config"))
            return tuple(dict.fromkeys([*named_by(_rules(directory)), *(normal(name) for name in defaults if "=" in name)]))
        view = directory.view
        return tuple(_written(view, dn) for dn in view.control.wanted) if isinstance(view, ActiveDirectory) else ()
    except Unseen:
        return ()


def asked_by_rules(directory: Directory) -> tuple[tuple[str, ...], bool] | None:
    """OpenLDAP: attributes of entries that its access rules look at (`filter=`, `dnattr`, sets), in lower case; and whether every entry must be
    seen, because rules may open to strangers what they tell by no name. None where they do neither.
    """
    try:
        rules = _rules(directory) if directory.product == "openldap" else []
    except Unseen:
        return None
    attributes, everywhere = tuple(sorted(looked_at(rules))), any(unnamed(rule) and to_strangers(rule) for rule in rules)
    return (attributes, everywhere) if attributes or everywhere else None


def _rules(directory: Directory) -> list[Rule]:
    """Rules of every database, as far as they were shown and can be read."""
    found: list[Rule] = []
    for entry in directory.entries("config"):
        with contextlib.suppress(ValueError):
            found += olc_access.rules(entry.texts("olcAccess"))
    return found


def _written(view: ActiveDirectory, dn: str) -> str:
    """A DN as the server wrote it: a server may compare letters otherwise than we do."""
    account = view.directory.by_dn.get(dn)
    if account is not None:
        return view.directory.entry_of(account).dn
    return (view.kinds[dn].written if dn in view.kinds else "") or dn
