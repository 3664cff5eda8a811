"""Effective administrators, with the groups that a site names beside those that the product itself knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sovaudit.facts.directories.model import Admin, Admins
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory


def administrators(directory: Directory, groups: tuple[str, ...] = ()) -> Admins:
    """What the product knows, and the members of these groups (names, as their entries give them). Raises Unseen.

    A group of that name that is not there, or whose members were not all seen, leaves a gap.
    """
    known = directory.admins
    members = {admin.account.dn: admin for admin in known.members}
    gaps = list(known.gaps)
    for name in groups:
        found = [group for group in directory.groups if group.name.casefold() == name.casefold()]
        if not found:
            gaps.append(Gap(f"group:{name}", Reason.ABSENT, "no group of this name was seen"))
        for group in found:
            doubt = directory.groups.doubt(group.dn)
            if doubt is not None:
                gaps.append(doubt)
            for dn in directory.groups.members(group.dn):
                account = directory.by_dn.get(dn)
                if account is None:
                    gaps.append(Gap(f"entry:{dn}", Reason.ABSENT, f"a member of {group.name} that was not seen"))
                elif dn not in members:
                    members[dn] = Admin(account, chain(directory, group.dn, dn), group.name)
    return Admins(tuple(members[dn] for dn in sorted(members)), tuple(dict.fromkeys(gaps)), known.bypass)


def chain(directory: Directory, group: str, member: str) -> tuple[Line, ...]:
    """The groups that lead from a group to a member, each naming the next."""
    path = directory.groups.path(group, member)
    return tuple(Line(here, 0, f"member: {below}") for here, below in zip(path, [*path[1:], member], strict=True))
