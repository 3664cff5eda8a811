"""A profile: which checks, how strict, against which directives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sovaudit.model.directive import CheckId, Document, Id, Text
from sovaudit.model.verdict import Severity

OriginKind = Literal["law", "guidance", "default"]


class Origin(Document):
    """Whose number it is. source: the text and its article; a law or guidance without one cannot be followed up."""

    kind: OriginKind = "default"
    source: str = ""


class ProfileCheck(Document):
    """One check to run. params: only the knobs that differ from the check's own defaults. severity: the check's own if absent."""

    check: CheckId
    params: dict[str, Any] = Field(default_factory=dict)
    severity: Severity | None = None
    origin: Origin = Origin()


class Profile(Document):
    """scope: the kinds of body it speaks for (`operators`); controls that bind only others are not judged."""

    id: Id
    title: Text
    note: Text | None = None
    directives: tuple[str, ...] = ()
    scope: tuple[Id, ...] = ()
    checks: tuple[ProfileCheck, ...] = Field(min_length=1)

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical content: spacing, comments and the file's name do not change it."""
        from sovaudit import canon

        return canon.digest(canon.canonical(self.model_dump(mode="json")))
