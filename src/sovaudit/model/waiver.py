"""A waiver: a failure that someone accepts until a day, with a reason and another person's approval."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from sovaudit.model.directive import CheckId, Document, _dates_as_text

Name = Annotated[str, Field(min_length=1, max_length=200)]


class Waiver(Document):
    """target and subject are exact names, or `*` alone for all; nothing in between, so that nobody waives more than they read.

    until: the last day on which it holds, in UTC.
    """

    check: CheckId
    target: Name
    subject: Annotated[str, Field(max_length=500)]
    until: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    reason: Annotated[str, Field(min_length=1, max_length=4000)]
    owner: Name
    approved_by: Name

    @model_validator(mode="before")
    @classmethod
    def _date(cls, value: Any) -> Any:
        return _dates_as_text(value, "until")

    @property
    def self_approved(self) -> bool:
        """Whether the owner approved it: letter case and spacing make nobody another person."""
        return _person(self.owner) == _person(self.approved_by)


class Waivers(Document):
    """The file given to `--waivers`."""

    waivers: tuple[Waiver, ...] = ()


def _person(name: str) -> str:
    import unicodedata

    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
