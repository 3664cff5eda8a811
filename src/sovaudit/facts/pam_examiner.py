"""What the modules of password stacks accept, one by one: each step asked about a kind of password."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.pam_hash import new_scheme
from sovaudit.facts.pam_history import History, pwhistory, together, unix_history
from sovaudit.facts.pam_quality import (
    Candidate,
    Dictionary,
    cracklib_quality,
    dictionary_of,
    quality_accepts,
    shortest_quality,
    unix_floor,
)
from sovaudit.facts.pam_stack import Stacks, Step
from sovaudit.facts.parse.login_defs import login_defs
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.facts.parse.pwquality_conf import Quality, read_quality, with_arguments
from sovaudit.facts.passwdqc import Passwdqc, passwdqc
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

QUALITY = ("pam_pwquality.so", "pam_cracklib.so")
TESTERS = (*QUALITY, "pam_passwdqc.so", "pam_pwhistory.so")  # they look at the new password and write nothing
_DECIDING = (
    "minlen", "dcredit", "ucredit", "lcredit", "ocredit", "minclass", "dictcheck", "maxclassrepeat", "usercheck", "dictpath", "enforcing",
    "enforce_for_root",
)  # fmt: skip


class Examiner:
    """Remembers what each step said. Methods raise Unseen."""

    def __init__(self, host: Host, stacks: Stacks) -> None:
        self.host = host
        self.real = bool(stacks._modules)
        self._needs: dict[tuple[Step, bool], tuple[int | None, tuple[Line, ...]]] = {}
        self._qualities: dict[Step, tuple[Quality, Dictionary]] = {}
        self._histories: dict[Step, History] = {}
        self._shared: dict[Step, int] = {}
        self._passwdqcs: dict[Step, Passwdqc] = {}

    @cached_property
    def _quality(self) -> Quality:
        return read_quality(self.host.files)

    @cached_property
    def debian(self) -> bool:
        names = f"{self.host.os.get('ID', '')} {self.host.os.get('ID_LIKE', '')}".lower().split()
        return not names or bool({"debian", "ubuntu"} & set(names))

    def quality(self, step: Step) -> tuple[Quality, Dictionary]:
        """The settings of a pam_pwquality or pam_cracklib line, and the dictionary that it finds."""
        if step not in self._qualities:
            if step.module == "pam_cracklib.so":
                found = cracklib_quality(step.args, step.line)
            else:
                found = with_arguments(self._quality, step.args, step.line)
            words = Dictionary.FULL
            if found["dictcheck"]:
                words = dictionary_of(self.host.files, found.texts.get("dictpath", ""), self.real, self.debian)
            self._qualities[step] = found, words
        return self._qualities[step]

    def history(self, step: Step) -> History:
        """What a pam_pwhistory or pam_unix line remembers."""
        if step not in self._histories:
            if step.module == "pam_unix.so":
                self._histories[step] = unix_history(self.host, step.args)
            else:
                self._histories[step] = pwhistory(self.host, step.args, self.debian)
        return self._histories[step]

    def share(self, stack: Sequence[Step]) -> None:
        """Where pam_pwhistory and a pam_unix with `remember=` keep one file, what is left of it for an ordinary account's change."""
        own = next((step for step in stack if step.module == "pam_pwhistory.so" and step.known is not False), None)
        if own is None or not self.history(own).remember:
            return
        for step in stack[stack.index(own) :]:
            if step.module == "pam_unix.so" and self.history(step).named:
                self._shared[own] = together(self.history(own).remember, self.history(step).remember)
                self._shared[step] = self._shared[own] - 1

    def depths(self, step: Step) -> set[int]:
        """How many entries a step compares with, alone or where another module keeps the same file."""
        return {self.history(step).remember, self._shared.get(step, 0)} - {0}

    def passwdqc(self, step: Step) -> Passwdqc:
        if step not in self._passwdqcs:
            self._passwdqcs[step] = passwdqc(self.host.files, step.args)
        return self._passwdqcs[step]

    # Questions

    def accepts(self, step: Step, by_root: bool, candidate: Candidate) -> bool:
        """Whether the step lets such a password through."""
        if step.module in QUALITY:
            quality, words = self.quality(step)
            enforced = bool(quality["enforcing"]) and (not by_root or bool(quality["enforce_for_root"]))
            return not enforced or quality_accepts(quality, words, candidate)
        if step.module == "pam_passwdqc.so":
            return not self.passwdqc(step).enforced(by_root) or self.passwdqc(step).accepts(candidate)
        history = self.history(step)
        remember = self._shared.get(step, history.remember) if not by_root else history.remember
        if step.module == "pam_pwhistory.so":
            return not (candidate.used and candidate.used <= remember and (history.root or not by_root))
        if by_root:
            return True
        need, _ = self.need(step, by_root)
        return need is not None and candidate.length >= need and not (candidate.used and candidate.used <= remember)

    def broken(self, step: Step) -> bool:
        """The step gives up over its own options, in both passes."""
        return step.module == "pam_passwdqc.so" and self.passwdqc(step).broken

    def idle(self, step: Step) -> bool:
        """The step answers IGNORE, whatever is set."""
        return step.module == "pam_pwhistory.so" and self.history(step).idle

    def insists(self, step: Step) -> bool:
        """It takes only a password that another module asked for."""
        if step.module == "pam_passwdqc.so":
            return self.passwdqc(step).insists
        return any(arg.split("=")[0] in ("use_authtok", "use_first_pass") for arg in step.args)

    def distrusts(self, step: Step) -> bool:
        """It lets root set no password without the old one, but through `passwd`."""
        return step.module == "pam_passwdqc.so" and self.passwdqc(step).distrusts

    def proves(self, step: Step) -> bool:
        """It asks for the current password, and leaves it to those behind it."""
        return step.module == "pam_passwdqc.so" and "ask_oldauthtok" in self.passwdqc(step).flags

    def blind(self, step: Step) -> bool:
        """The step refuses without a look at the password, and leaves it to the next: pam_pwhistory with no try."""
        return step.module == "pam_pwhistory.so" and self.history(step).never

    def refusal(self, step: Step) -> Code:
        """What it answers when it has refused often enough."""
        if step.module == "pam_passwdqc.so":
            return Code.AUTHTOK_ERR
        return Code.MAXTRIES if step.module == "pam_pwhistory.so" or self.quality(step)[0]["retry"] > 1 else Code.AUTHTOK_ERR

    def need(self, step: Step, by_root: bool) -> tuple[int | None, tuple[Line, ...]]:
        """The shortest length that the step accepts where it is enforced, and the lines that say so. None: it accepts nothing."""
        if (step, by_root) not in self._needs:
            self._needs[step, by_root] = self._ask(step, by_root)
        return self._needs[step, by_root]

    def _ask(self, step: Step, by_root: bool) -> tuple[int | None, tuple[Line, ...]]:
        if step.module in QUALITY and step.known is not False:
            quality, words = self.quality(step)
            return shortest_quality(quality, words), self._lines(quality)
        if step.module == "pam_passwdqc.so" and step.known is not False:
            return self.passwdqc(step).shortest, self.passwdqc(step).because
        if step.module == "pam_unix.so" and not by_root:
            if self.history(step).never:
                return None, (step.line,)
            floor = unix_floor(step.args, self.debian)
            if floor > 8 and new_scheme(step, login_defs(self.host.files)).cut:
                floor = 8
            return floor, ()
        return 1, ()

    def _lines(self, quality: Quality) -> tuple[Line, ...]:
        where = tuple(dict.fromkeys(quality.lines[key] for key in _DECIDING if key in quality.lines))
        return where if quality.broken is None else (*where, quality.broken)

    def with_settings(self, lines: tuple[Line, ...], stack: Sequence[Step]) -> tuple[Line, ...]:
        """The module lines passed, and the lines of files that set what these modules do."""
        more: list[Line] = []
        for step in stack:
            if step.line in lines and step.known is not False and step.kind == "module":
                if step.module in QUALITY:
                    more += self._lines(self.quality(step)[0])
                elif step.module == "pam_pwhistory.so":
                    more += self.history(step).because
                elif step.module == "pam_passwdqc.so":
                    more += self.passwdqc(step).because
        return tuple(dict.fromkeys([*lines, *more]))
