"""The audit account's own login, as the server answered it: one good answer after the other (artifact `ssh-login`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.factors import Factor, FactorSet
from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_TYPED = frozenset({"password", "keyboard-interactive"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A good one: method of RFC 4252, its detail (kind of key, number of prompts), and the methods that the server demanded after it."""

    method: str
    detail: str
    demanded: tuple[str, ...]

    @property
    def security_key(self) -> bool:
        return self.method == "publickey" and self.detail.startswith("sk-")

    @property
    def factor(self) -> Factor | None:
        """What was presented; None where nothing was asked (`keyboard-interactive` without a prompt). The collector has one text to type: whether
        it was a password or a code is not told, and one text is one factor.
        """
        if self.method == "publickey":
            return Factor.KEY
        if self.method == "password" or (self.method == "keyboard-interactive" and self.detail != "0"):
            return Factor.PASSWORD
        return Factor.TICKET if self.method.startswith("gssapi") else Factor.HOST if self.method == "hostbased" else None


@dataclass(frozen=True, slots=True)
class Observed:
    """user: the account that logged in. answers: in order; the last one opened the session."""

    user: str
    answers: tuple[Answer, ...]

    @property
    def factors(self) -> FactorSet:
        return frozenset(answer.factor for answer in self.answers if answer.factor is not None)

    @property
    def fits(self) -> FactorSet:
        """Factors that these answers may have been."""
        typed = {Factor.PASSWORD, Factor.OTP, Factor.OTHER} if any(answer.method in _TYPED for answer in self.answers) else set()
        verified = {Factor.VERIFIED_KEY} if any(answer.security_key for answer in self.answers) else set()
        return self.factors | typed | verified


def observed(host: Host) -> Observed | None:
    """The login by which this evidence was taken, None if it was not taken over SSH. Raises Unseen where that login was not recorded."""
    if host.evidence.target.kind != "ssh":
        return None
    rows = [line.split("\t") for line in host.files.artifact("ssh-login").splitlines()]
    if not rows or any(len(row) != 4 for row in rows) or [row[2] for row in rows] != [*["more"] * (len(rows) - 1), "open"]:
        raise Unseen(Gap("ssh-login", Reason.AMBIGUOUS, "not what the collector writes"))
    answers = tuple(Answer(method, detail, tuple(name for name in more.split(",") if name)) for method, detail, _, more in rows)
    return Observed(host.evidence.identity.get("login", ""), answers)
