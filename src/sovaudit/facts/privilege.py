"""Every way in which an account becomes root: uid 0, sudo, su, doas, and groups that equal root."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sovaudit.facts import su
from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import Factor, spell
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.root_groups import RootGroups
from sovaudit.facts.sudo_reach import ROOT_GROUPS
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason


@dataclass(frozen=True, slots=True)
class RootPath:
    """kind: `uid0`, `sudo`, `su`, `doas`, `group`. needs: what must be presented on the way beyond a session; empty for nothing, or not known.

    certain: the evidence shows that it leads to root for whoever presents that; else `gaps` say what was not seen.
    """

    kind: str
    certain: bool
    because: tuple[Line, ...]
    detail: str
    gaps: tuple[Gap, ...] = ()
    needs: frozenset[Factor] = frozenset()


class Privilege:
    """Ways to root on one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._paths: dict[str, tuple[RootPath, ...]] = {}
        self._root_groups: RootGroups | None = None

    def paths_to_root(self, account: Account) -> tuple[RootPath, ...]:
        """Every way, certain or possible. Raises Unseen only where accounts themselves were not seen."""
        if account.name not in self._paths:
            self._paths[account.name] = tuple(self._all(account))
        return self._paths[account.name]

    def _all(self, account: Account) -> list[RootPath]:
        if account.uid == 0:
            return [RootPath("uid0", True, account.because[:1], "has uid 0")]
        found: list[RootPath] = []
        reach = self._host.sudo.reaches_root(account)
        if reach.root:
            needs = frozenset({Factor.PASSWORD}) if reach.password else frozenset()
            found.append(RootPath("sudo", reach.certain, reach.because, reach.words, reach.gaps, needs))
        elif not reach.certain:
            found.append(RootPath("sudo", False, reach.because, "sudo may make root", reach.gaps))
        path = self._su(account)
        return [*found, *([path] if path is not None else []), *self.beside_sudo_and_su(account)]

    def beside_sudo_and_su(self, account: Account) -> list[RootPath]:
        """doas, and groups that equal root."""
        path = self._doas(account)
        return [*([path] if path is not None else []), *self._groups(account)]

    def _su(self, account: Account) -> RootPath | None:
        """su to root: what PAM asks of this account there."""
        ways = su.ways(self._host, account)
        if not ways:
            return None
        factors = ways.sets[0]
        why = ways.certain.get(factors) or ways.possible[factors]
        needs = frozenset(Factor.ROOT_PASSWORD if factor is Factor.PASSWORD else factor for factor in factors)
        return RootPath("su", factors in ways.certain, why.because, f"su to root after {spell(needs)}", why.gaps, needs)

    def _doas(self, account: Account) -> RootPath | None:
        """doas.conf(5): the last matching line decides; `permit` without `cmd` to root is any command."""
        try:
            programs = [self._host.files.follow(path) for path in ("/usr/bin/doas", "/usr/local/bin/doas")]
            if not any(program and program.uid == 0 and program.mode & 0o4000 for program in programs):
                return None
            lines = self._host.files.lines("/etc/doas.conf") or ()
        except Unseen as unseen:
            if unseen.gap.reason is Reason.ABSENT and "not collected" in unseen.gap.detail:
                return None
            return RootPath("doas", False, (), "doas may make root", (unseen.gap,))
        last: RootPath | None = None
        for line in lines:
            words = re.findall(r'"[^"]*"|[^\s"]+', line.text.partition("#")[0])
            if not words or words[0] not in ("permit", "deny"):
                continue
            rest = " ".join(words[1:])
            rest = re.sub(r"\b(setenv\s*\{[^}]*\}|keepenv|persist|nolog)\s*", "", rest)
            nopass = bool(re.match(r"nopass\b", rest)) or " nopass " in f" {rest} "
            rest = re.sub(r"\bnopass\b\s*", "", rest)
            match = re.fullmatch(r"(\S+)(?:\s+as\s+(\S+))?(?:\s+cmd\s+(\S+)(?:\s+args\b.*)?)?\s*", rest)
            if not match or match[2] not in (None, "root", "0") or not self._named(match[1], account):
                continue
            if words[0] == "deny":
                last = last if match[3] else None
            elif match[3] is None:
                last = RootPath("doas", True, (line,), "any command as root", (), frozenset() if nopass else frozenset({Factor.PASSWORD}))
        return last

    def _named(self, name: str, account: Account) -> bool:
        if name.startswith(":"):
            gids = {str(group.gid) for group in self._host.accounts.groups.values() if group.name in account.groups}
            return name[1:] in account.groups or name[1:] in gids
        return name in (account.name, str(account.uid))

    def _groups(self, account: Account) -> list[RootPath]:
        """Groups whose power was seen here, or may be here."""
        if self._root_groups is None:
            self._root_groups = RootGroups(self._host)
        return [
            RootPath(
                "group", bool(one.present), one.group.because, f"member of {one.group.name}, which {one.how}", (one.gap,) if one.gap else ()
            )
            for one in self._root_groups.of(account)
            if one.present is not False and one.group.name in ROOT_GROUPS
        ]
