"""What of a domain is guarded: the objects whose access lists decide who can make themselves an administrator, and what can be done to each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories import ad_access as access
from sovaudit.facts.directories.ad_access import Ability
from sovaudit.facts.directories.ad_principals import Principals
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.dn import below, normal, parent
from sovaudit.facts.parse.security_descriptor import DACL_PRESENT, Descriptor, descriptor
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directories.ad import ActiveDirectory
    from sovaudit.facts.directory import Entry

SEARCHES = ("descriptors", "configuration", "schema", "sites", "guarded")
_LINK = re.compile(r"\[LDAP://([^;\]]+);(\d+)\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Guarded:
    """One object's list as it was shown."""

    dn: str
    classes: frozenset[str]
    descriptor: Descriptor | Gap


class Ground:
    """The guarded objects of one domain."""

    def __init__(self, view: ActiveDirectory, principals: Principals) -> None:
        self._view = view
        self._directory = view.directory
        self._principals = principals

    @cached_property
    def shown(self) -> dict[str, Guarded]:
        """Objects with their lists, by normal DN."""
        found = {}
        for search in SEARCHES:
            try:
                for entry in self._directory.entries(search):
                    found[normal(entry.dn)] = Guarded(normal(entry.dn), frozenset(entry.classes()), self._descriptor(entry))
            except Unseen:
                continue
        return found

    def _descriptor(self, entry: Entry) -> Descriptor | Gap:
        values = entry.values("nTSecurityDescriptor")
        hidden = Gap(f"descriptor:{normal(entry.dn)}", Reason.DENIED, "its access list is not shown to this account")
        if not values:
            return hidden
        try:
            found = descriptor(values[0])
        except ValueError as error:
            return Gap(f"descriptor:{normal(entry.dn)}", Reason.AMBIGUOUS, str(error))
        if not self._directory.live and not found.control & DACL_PRESENT:
            return hidden  # an export may have left that part out
        return access.settled(found, samba=self._view.samba)

    def begin(self) -> Iterator[tuple[str, tuple[Ability, ...]]]:
        view = self._view
        domain = view.domain_name
        yield domain, (*access.LINKED, access.CHANGES, access.CHANGES_ALL)
        yield f"cn=adminsdholder,cn=system,{domain}", access.HOLDER
        yield f"cn=microsoftdns,cn=system,{domain}", access.DNS
        for dn, one in self.shown.items():
            if "organizationalunit" in one.classes:
                yield dn, access.OWNED
            elif "site" in one.classes:
                yield dn, access.LINKED
            elif "configuration" in one.classes or "dmd" in one.classes:
                yield dn, access.OWNED
        for _, dn in view.privileged():
            yield from self.group(dn)
        if view.table.krbtgt:
            yield view.table.krbtgt, access.USER
        for controller in sorted(view.table.controllers):
            yield from self.member(controller)

    def group(self, dn: str) -> Iterator[tuple[str, tuple[Ability, ...]]]:
        """A group, the groups within it, and their members."""
        groups, kinds = self._directory.groups, self._view.kinds
        seen, todo = {dn}, [dn]
        while todo:
            here = todo.pop()
            yield here, access.GROUP
            yield from self.above(here, linked=False)
            group = groups.get(here)
            for member in group.members if group is not None else ():
                if member in kinds and member not in seen:
                    seen.add(member)
                    todo.append(member)
        for member in groups.members(dn):
            yield from self.member(member)

    def member(self, dn: str) -> Iterator[tuple[str, tuple[Ability, ...]]]:
        if self._principals.controller(dn):
            yield dn, access.CONTROLLER
        elif dn in self._directory.by_dn:
            yield dn, access.MANAGED if dn in self._view.table.managed else access.USER
        else:
            return
        yield from self.above(dn, linked=True)

    def above(self, dn: str, *, linked: bool) -> Iterator[tuple[str, tuple[Ability, ...]]]:
        """What stands over an object: its list is inherited unless the object refuses, and policy objects linked there run on it."""
        one = self.shown.get(dn)
        inherits = one is not None and isinstance(one.descriptor, Descriptor) and not one.descriptor.protected
        above = parent(dn)
        while above and below(above, self._view.domain_name):
            unit = above.startswith("ou=") or above == self._view.domain_name
            if inherits:
                yield above, access.OWNED
            if linked and unit:
                yield above, access.LINKED
                for gpo in self.links.get(above, ()):
                    yield gpo, access.GPO
            above = parent(above)

    @cached_property
    def links(self) -> dict[str, list[str]]:
        """Unit or site → policy objects linked there and not switched off (MS-GPOL 2.2.2)."""
        found: dict[str, list[str]] = {}
        for search in ("links", "sites"):
            try:
                for entry in self._directory.entries(search):
                    for name, options in _LINK.findall(entry.text("gPLink")):
                        if not int(options) & 1:
                            found.setdefault(normal(entry.dn), []).append(normal(name))
            except Unseen:
                continue
        return found

    def shows(self, search: str) -> bool:
        try:
            return self._directory.only(search) is not None
        except Unseen:
            return True  # said in the gaps

    def part(self, dn: str) -> str:
        """What an object is to the domain."""
        domain, classes = self._view.domain_name, self.shown[dn].classes
        fixed = {domain: "domain", f"cn=adminsdholder,cn=system,{domain}": "holder", f"cn=microsoftdns,cn=system,{domain}": "dns"}
        if dn in fixed:
            return fixed[dn]
        if self._principals.controller(dn) or any(below(one, dn) for one in self._view.table.controllers):
            return "controller"
        if "group" in classes:
            return "group"
        if "grouppolicycontainer" in classes:
            return "gpo"
        if not classes.isdisjoint(("configuration", "dmd", "site")):
            return "forest"
        return "member" if dn in self._directory.by_dn else "unit"
