"""Whether one password policy demands less than another."""

from __future__ import annotations

from collections.abc import Sequence

from sovaudit.facts.directories.model import Account, Applied, Exempt, Exemption, PasswordPolicy
from sovaudit.model.evidence import Gap

_MORE = ("min_length", "min_classes", "history")  # of these more is stronger
_LESS = ("max_age_days", "attempts", "unlock_seconds")  # of these less is stronger, and None is the weakest but for the last


def weaker(policy: PasswordPolicy, default: PasswordPolicy) -> tuple[str, tuple[Gap, ...]]:
    """(in what a policy demands less than the default: `min_length 6 < 12, …`, empty if in nothing; what could not be compared)."""
    found: list[str] = []
    gaps: list[Gap] = []
    for name in (*_MORE, *_LESS):
        one, other = getattr(policy, name), getattr(default, name)
        if isinstance(one, Gap) or isinstance(other, Gap):
            gaps.append(one if isinstance(one, Gap) else other)
        elif name == "unlock_seconds":
            if policy.attempts is not None and default.attempts is not None and one is not None and (other is None or one < other):
                found.append(f"{name} {one} < {'never' if other is None else other}")
        elif name in _MORE:
            if (one or 0) < (other or 0):
                found.append(f"{name} {one or 0} < {other}")
        elif other is not None and (one is None or one > other):
            found.append(f"{name} {'never' if one is None else one} > {other}")
    return ", ".join(found), tuple(dict.fromkeys(gaps))


def by_policy(applied: Sequence[Applied], default: PasswordPolicy | Gap) -> tuple[list[Exempt], list[Gap]]:
    """Accounts under policies that demand less than the default: for products that exempt in no other way."""
    found: list[Exempt] = []
    gaps: list[Gap] = []
    for one in applied:
        if isinstance(one.policy, Gap) or isinstance(default, Gap):
            gaps.append(one.policy if isinstance(one.policy, Gap) else default)  # type: ignore[arg-type]
        elif one.policy.name != default.name:
            less, unseen = weaker(one.policy, default)
            gaps += unseen
            found += (_exempt(account, one.policy, less) for account in one.accounts if less)
    return found, list(dict.fromkeys(gaps))


def _exempt(account: Account, policy: PasswordPolicy, less: str) -> Exempt:
    return Exempt(account, Exemption.WEAKER, policy.because, policy.name, less)
