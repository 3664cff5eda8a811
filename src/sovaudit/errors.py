"""Every exception we raise on purpose.

Each says *what* failed, *where*, and *what next*. The library raises; only `cli/` prints and exits.
"""

from __future__ import annotations


class SovauditError(Exception):
    """Base of all: `str(e)` is one line, `what (where): next`."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where.removesuffix(':')}: {self.what}" if self.where else self.what
        return f"{text}. {self.hint}" if self.hint else text


class UsageError(SovauditError):
    """A flag, file or id that the caller must correct; raised before any connection (exit 2)."""


class NothingError(SovauditError):
    """No target or no check was selected (exit 5)."""


class IntegrityError(SovauditError):
    """A digest, signature, trust anchor or recomputed verdict differs (exit 4)."""


class OutputError(SovauditError):
    """A result cannot be written: full disk, no permission (exit 74)."""


class CollectError(SovauditError):
    """One target could not be collected; `status` is what the report says of it.

    status: `unreachable` (no answer), `refused` (it answered no: key, authentication, sudo) or `failed` (its answer is unusable).
    """

    def __init__(self, what: str, *, status: str, where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.status = status
