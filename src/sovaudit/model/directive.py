"""The law as data: a directive, its chapters and its controls. See docs/law.md."""

from __future__ import annotations

from enum import StrEnum, unique
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
ControlId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s:]([^:\r\n]*[^\s:])?$")]
CheckId = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*$", max_length=200)]


class Document(BaseModel):
    """Written by people: frozen, no unknown key, no value quietly turned into another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Text(Document):
    """The same sentence in each language; at least one is there."""

    fr: str = ""
    en: str = ""
    ar: str = ""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.fr or self.en or self.ar):
            raise ValueError("needs a text in at least one of fr, en, ar")
        return self

    def to(self, language: str) -> str:
        """In this language, else English, else French, else Arabic."""
        return {"fr": self.fr, "en": self.en, "ar": self.ar}.get(language) or self.en or self.fr or self.ar


@unique
class Provable(StrEnum):
    """What could ever prove a control: a machine's own state, a record that is imported, or a person's declaration."""

    MACHINE = "machine"
    IMPORT = "import"
    DECLARATION = "declaration"


class Chapter(Document):
    number: int = Field(ge=1)
    title: str = Field(min_length=1)


class Objective(Document):
    number: int = Field(ge=1)
    chapter: int = Field(ge=1)
    text: str = ""


class Control(Document):
    """One thing that a directive asks for.

    machine: for a control that a machine can prove, whether evidence from machines decides it wholly (`full`) or in part.
    checks: what its text requires; a failure is a departure from it. remarks: what bears on it though its text does not
    name it; a failure is a remark and moves no status. params: check → the values that this text itself fixes.
    scope: the bodies it binds, for those that do not bind all; it is judged where the profile speaks for one of them.
    """

    id: ControlId
    title: str = Field(min_length=1)
    paraphrase: Text
    chapter: int | None = None
    objective: int | None = None
    provable: Provable
    machine: Literal["full", "partial"] | None = None
    evidence: Text | None = None
    note: Text | None = None
    scope: tuple[Id, ...] = ()
    checks: tuple[CheckId, ...] = ()
    remarks: tuple[CheckId, ...] = ()
    params: dict[CheckId, dict[str, Any]] = {}

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        where = f"control {self.id}"
        if (self.machine is None) != (self.provable is not Provable.MACHINE):
            raise ValueError(f"{where}: `machine` says full or partial where provable is machine, and stands nowhere else")
        named = [*self.checks, *self.remarks]
        if len(set(named)) != len(named):
            raise ValueError(f"{where}: a check is named twice")
        strangers = [check for check in self.params if check not in self.checks]
        if strangers:
            raise ValueError(f"{where}: params turn {strangers[0]}, which its checks do not name")
        if self.scope and (set(self.checks) - set(self.params) or self.remarks):
            # Otherwise nobody could tell from a report whether the body is one that this control binds.
            raise ValueError(f"{where}: a control with a scope gives params for each check it names, and no remarks")
        return self


class Directive(Document):
    """A text that says why checks matter. binding: what its numbers are, law or guidance."""

    id: Id
    edition: str = Field(min_length=1)
    title: Text
    authority: str = Field(min_length=1)
    binding: Literal["law", "guidance"]
    sources: tuple[str, ...] = Field(min_length=1)
    note: Text
    chapters: tuple[Chapter, ...] = ()
    objectives: tuple[Objective, ...] = ()
    controls: tuple[Control, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for kind, numbers in (
            ("control", [control.id for control in self.controls]),
            ("chapter", [chapter.number for chapter in self.chapters]),
            ("objective", [objective.number for objective in self.objectives]),
        ):
            twice = [number for n, number in enumerate(numbers) if number in numbers[:n]]
            if twice:
                raise ValueError(f"{kind} {twice[0]} stands twice")
        chapters = {chapter.number for chapter in self.chapters}
        objectives = {objective.number: objective.chapter for objective in self.objectives}
        for objective in self.objectives:
            if objective.chapter not in chapters:
                raise ValueError(f"objective {objective.number} is in chapter {objective.chapter}, which is not listed")
        for control in self.controls:
            if control.chapter is not None and control.chapter not in chapters:
                raise ValueError(f"control {control.id} is in chapter {control.chapter}, which is not listed")
            if control.objective is not None and objectives.get(control.objective) != control.chapter:
                raise ValueError(f"control {control.id}: objective {control.objective} is not one of its chapter")
        return self

    def control(self, id: str) -> Control | None:  # noqa: A002 - reads as the field's own word
        return next((control for control in self.controls if control.id == id), None)

    def key(self, control: Control) -> str:
        """A control's name in documents that hold several directives: `directive:control`."""
        return f"{self.id}:{control.id}"

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical content: spacing and comments do not change it, words do."""
        from sovaudit import canon

        return canon.digest(canon.canonical(self.model_dump(mode="json")))


class Pair(Document):
    """`intersect`: the two overlap; neither is claimed to contain the other."""

    control: ControlId
    to: str = Field(min_length=1)
    title: Text
    relationship: Literal["intersect", "equal", "subset", "superset"]


class Crosswalk(Document):
    """How the controls of one directive relate to another catalogue."""

    id: Id
    source: Id
    target: str = Field(min_length=1)
    title: Text
    sources: tuple[str, ...] = Field(min_length=1)
    note: Text
    pairs: tuple[Pair, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [(pair.control, pair.to) for pair in self.pairs]
        twice = [name for n, name in enumerate(names) if name in names[:n]]
        if twice:
            raise ValueError(f"the pair {twice[0][0]} and {twice[0][1]} stands twice")
        return self


class Declaration(Document):
    """What a named person states of one control, for which no machine answers.

    applicable = false states that the control does not bind this body; the statement is then the justification.
    evidence: digest of the document that backs it, `sha256:…`.
    """

    directive: Id
    control: ControlId
    statement: str = Field(min_length=1, max_length=4000)
    by: str = Field(min_length=1, max_length=200)
    on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    applicable: bool = True
    evidence: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _date(cls, value: Any) -> Any:
        return _dates_as_text(value, "on")


class Declarations(Document):
    """The file given to `--declarations`."""

    declarations: tuple[Declaration, ...] = ()


def _dates_as_text(value: Any, key: str) -> Any:
    """TOML's own dates as `YYYY-MM-DD`; a text must already be a real date of that form."""
    from datetime import date, datetime

    if not isinstance(value, dict) or key not in value:
        return value
    given = value[key]
    if isinstance(given, datetime) or not isinstance(given, (date, str)):
        raise ValueError(f"{key} is a date: 2027-12-31")
    try:
        parsed = given if isinstance(given, date) else date.fromisoformat(given)
    except ValueError:
        raise ValueError(f"{key} is a date: 2027-12-31") from None
    return {**value, key: parsed.isoformat()}
