"""Which module interprets which product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sovaudit.facts.directories.model import View
from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory


def view_of(directory: Directory) -> View:
    """Raises Unseen for a product that we do not model."""
    if directory.product == "openldap":
        from sovaudit.facts.directories.openldap import OpenLdap

        return OpenLdap(directory)
    if directory.product == "ad":
        from sovaudit.facts.directories.ad import ActiveDirectory

        return ActiveDirectory(directory)
    if directory.product == "389":
        from sovaudit.facts.directories.ds389 import Ds389

        return Ds389(directory)
    if directory.product == "freeipa":
        from sovaudit.facts.directories.freeipa import FreeIpa

        return FreeIpa(directory)
    if not directory.product:
        raise Unseen(
            Gap(
                "product",
                Reason.ABSENT,
                "nothing that was seen tells which product this is: of an export name it, ?product=openldap|389|ad",
            )
        )
    raise Unseen(Gap("product", Reason.UNSUPPORTED, f"a directory of the kind {directory.product} is not modelled"))
