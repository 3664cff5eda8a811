"""What a rule says beside its command: where it starts (CWD), and which links sudoedit follows (FOLLOW, sudoedit_checkdir)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.sudo_match import Request, Target
from sovaudit.model.evidence import Gap

if TYPE_CHECKING:
    from sovaudit.facts.sudo import Decision, Sudo


def standing(sudo: Sudo, decision: Decision, account: Account, target: Target) -> str:
    """The folder in which sudo starts the program; empty where that is the caller's choice or not known."""
    folders = {spec.options.get("CWD", "") for spec in decision.deciding}
    if folders == {""}:
        folders = set(sudo.setting(account, "runcwd", target=target))
    folder = folders.pop() if len(folders) == 1 else ""
    if folder == "~" or folder.startswith("~/"):
        return target.account.home + folder[1:]
    return folder if folder.startswith("/") else ""


def linked(sudo: Sudo, account: Account, target: Target, file: str, can_write: Callable[[Account, str], bool | Gap]) -> bool:
    """Whether a file to edit can be made a way to any other: without sudoedit_checkdir sudo edits in folders that the caller may write.

    A folder on the way may then be a link; the file itself where links are followed.
    """
    if not file.startswith("/") or sudo.setting(account, "sudoedit_checkdir", target=target) != {"off"}:
        return False
    folder = posixpath.dirname(file)
    if can_write(account, posixpath.dirname(folder)) is True:
        return True
    decision = sudo.decide(account, Request("sudoedit", file), target)
    follows = {spec.tags.get("FOLLOW") for spec in decision.deciding}
    if follows == {None}:
        follows = {value == "on" for value in sudo.setting(account, "sudoedit_follow", target=target)}
    return follows == {True} and can_write(account, folder) is True
