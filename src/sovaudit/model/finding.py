"""What a check says (Outcome), and what the report keeps of it (Finding)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason, Severity, Verdict

Arg = str | int
_D = TypeVar("_D", bound=BaseModel)


class Line(NamedTuple):
    """A line of evidence that led to an answer. `number` is 1-based; 0 where there is no line (a command, an absent file)."""

    file: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check's answer for one subject. `text` is an English template with {named} arguments: the translation key."""

    verdict: Verdict
    text: str
    args: Mapping[str, Arg] = field(default_factory=dict)
    subject: str = ""
    seen: str = ""
    because: tuple[Line, ...] = ()
    evidence: tuple[str, ...] = ()  # artifact names beyond the files named in `because`
    gaps: tuple[Gap, ...] = ()
    settle: str = ""  # what would settle an `unknown`; a template with the same arguments


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=False)


class Message(_Document):
    """gettext's way: the English template is the key. Formatting is `text.format_map(args)` over strings and integers."""

    text: str
    args: dict[str, Arg] = {}


class Because(_Document):
    file: str
    line: int
    text: str


class GapNote(_Document):
    item: str
    reason: Reason
    detail: str = ""


class Finding(_Document):
    """Everything that is not a pass, in full."""

    check: str
    params: dict[str, Arg | bool | list[Arg] | None]
    family: str
    target: str
    subject: str
    verdict: Verdict
    severity: Severity
    message: Message
    settle: Message | None = None
    seen: str = ""
    because: list[Because] = []
    evidence: list[str] = []
    gaps: list[GapNote] = []
    waiver: str | None = None
    controls: list[str] = []
    also: list[
        Annotated[int, Field(ge=0, strict=True)]
    ] = []  # in report.json alone: places in `targets` of further ones of which the very same holds


def but(document: _D, **changes: Any) -> _D:
    """The same document but for these fields, as `model_copy` makes it; it shares all the rest, so that a fleet's findings stay small."""
    found = type(document).__new__(type(document))
    object.__setattr__(found, "__dict__", {**document.__dict__, **changes})
    for slot in ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"):
        object.__setattr__(found, slot, getattr(document, slot))
    return found
