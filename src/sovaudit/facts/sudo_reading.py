"""A sudoers policy, taken apart once for all hosts that hold the same files: most of a fleet has the distribution's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sovaudit.facts.parse.sudoers import Opened, Opener, Policy, parse
from sovaudit.facts.parse.sudoers_patterns import Version

USUAL = 16_384  # characters
MAX_INCLUDES = 20
_Question = tuple[str, bool, str]
_Asked = tuple[tuple[_Question, Opened], ...]


def read_policy(file: str, text: str, opener: Opener, version: Version) -> Policy:
    """As `parse`. The includes are asked for every time, in the same order: what they bring may differ from host to host."""
    if len(text) > USUAL:
        return parse(file, text, opener, version)
    asking = _Asking(opener)
    runs = _runs(file, text, version)
    for asked, policy in runs:
        if asking.answers(asked):
            return _copy(policy)
    asking.at = 0
    policy = parse(file, text, asking, version)
    brought = sum(len(text) for _, (files, _) in asking.known for _, text in files)
    if len(asking.known) <= MAX_INCLUDES and brought <= USUAL:
        runs[:] = [*runs[-3:], (tuple(asking.known), _copy(policy))]
    return policy


@lru_cache(maxsize=32)
def _runs(file: str, text: str, version: Version) -> list[tuple[_Asked, Policy]]:
    """What was included, as it was asked for, and the policy that came of it."""
    return []


def _copy(policy: Policy) -> Policy:
    return Policy(list(policy.specs), list(policy.defaults), dict(policy.aliases), list(policy.errors), policy.aborted, policy.bounded)


class _Asking:
    """An opener that is asked each thing once, however often a policy is read."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self.at = 0
        self.known: list[tuple[_Question, Opened]] = []

    def __call__(self, name: str, directory: bool, asking: str) -> Opened:
        if self.at == len(self.known):
            self.known.append(((name, directory, asking), self._opener(name, directory, asking)))
        self.at += 1
        return self.known[self.at - 1][1]

    def answers(self, asked: Sequence[tuple[_Question, Opened]]) -> bool:
        """Whether these questions get these answers here."""
        self.at = 0
        for question, answer in asked:
            if self.at < len(self.known) and self.known[self.at][0] != question:
                return False
            if self(*question) != answer:
                return False
        return True
