"""Every way in which an account becomes root: uid 0, sudo, su, doas, and groups that equal root."""

from __future__ import annotations

from dataclasses import dataclass

from sovaudit.facts import su
from sovaudit.facts.access import shown
from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import Factor, spell
from sovaudit.facts.host import Host
from sovaudit.facts.root_groups import RootGroups
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line


@dataclass(frozen=True, slots=True)
class RootPath:
    """kind: `uid0`, `sudo`, `su`, `doas`, `group`, `socket`. needs: what must be presented on the way beyond a session; empty for nothing,
    or not known.

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
        path, doas = self._su(account), self._doas(account)
        return [*found, *([path] if path is not None else []), *([doas] if doas is not None else []), *self.groups(account)]

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
        """The surest way, and of those the one that asks least."""
        roads = self._host.doas.roads(account)
        if not roads:
            return None
        road = min(roads, key=lambda one: (not one.certain, one.asks))
        detail = "any command as root" if road.any else f"a root shell through {road.how}"
        needs = frozenset({Factor.PASSWORD}) if road.asks else frozenset()
        return RootPath("doas", road.certain, road.because, detail if road.certain else "doas may make root", road.gaps, needs)

    def groups(self, account: Account) -> list[RootPath]:
        """Groups whose power was seen here, or may be here, and sockets of such daemons that let everybody in."""
        if self._root_groups is None:
            self._root_groups = RootGroups(self._host)
        known = self._root_groups
        found = [
            RootPath(
                "group", bool(one.present), one.group.because, f"member of {one.group.name}, which {one.how}", (one.gap,) if one.gap else ()
            )
            for one in known.powers(account)
        ]
        sockets = known.open_sockets if account.has_shell else ()
        return found + [RootPath("socket", True, (shown(stat),), f"may talk to {stat.path}") for stat in sockets]
