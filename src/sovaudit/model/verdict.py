"""The words a finding is made of."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Verdict(StrEnum):
    """Silence is never a pass: `unknown` says that not enough was seen, `error` is a bug of ours."""

    PASS = "pass"  # the condition was seen to hold
    FAIL = "fail"  # it was seen not to hold
    UNKNOWN = "unknown"  # not enough was seen to say
    NOT_APPLICABLE = "not_applicable"  # the question does not arise here
    ERROR = "error"  # the check raised or gave no outcome; only the engine says so


@unique
class Severity(StrEnum):
    """How much a failure weighs; in this order."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (low) to 3 (critical)."""
        return list(Severity).index(self)


@unique
class Reason(StrEnum):
    """Why something could not be seen."""

    DENIED = "denied"  # the account may not read it
    ABSENT = "absent"  # it was not collected, and nothing says that it does not exist
    TIMEOUT = "timeout"
    UNSUPPORTED = "unsupported"  # this kind of target cannot show it, or we do not model it
    TRUNCATED = "truncated"  # over a bound
    AMBIGUOUS = "ambiguous"  # what was seen allows more than one answer


@unique
class Status(StrEnum):
    """A control's status under its directive."""

    CONFORMING = "conforming"
    PARTIAL = "partial"
    NON_CONFORMING = "non_conforming"
    NOT_VERIFIABLE = "not_verifiable"
    DECLARED = "declared"
    NOT_APPLICABLE = "not_applicable"


@unique
class TargetStatus(StrEnum):
    """What became of a target; one that was not collected gets no pass."""

    COLLECTED = "collected"
    PARTIAL = "partial"  # collected with gaps that the target's bounds or a broken answer caused
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    FAILED = "failed"
