"""cn=config of a slapd (slapd-config(5)): its databases, their overlays, access rules and settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.directories import openldap_access
from sovaudit.facts.directories.openldap_access import Access, Answer, Asker, Members, World
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse import olc_access
from sovaudit.facts.parse.dn import below, normal, parent
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directory import Directory, Entry

CONFIG = "cn=config"
STORES = {"mdb", "hdb", "bdb", "ldif", "wt"}  # those that keep entries themselves and check access as slapd.access(5) says
_STRANGERS = {"*", "anonymous", "dn.anonymous", "dn.regex=.*"}  # limits that are (also) theirs
_NAME = re.compile(r"(?:\{(-?\d+)\})?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Database:
    """One database. dn: normal, of its entry. kind: mdb, config, frontend, monitor … suffixes, root: normal DNs, root empty if it has none."""

    dn: str
    kind: str
    entry: Entry
    suffixes: tuple[str, ...]
    root: str
    overlays: tuple[Entry, ...]

    @property
    def name(self) -> str:
        return self.suffixes[0] if self.suffixes else CONFIG if self.kind == "config" else self.kind

    def overlay(self, name: str) -> Entry | None:
        """An overlay that works here, or None."""
        return next((one for one in self.overlays if bare(one.text("olcOverlay")) == name), None)

    @property
    def closed_to_strangers(self) -> bool:
        """Whether no search of somebody without a name is even begun: `size.unchecked=disabled` in the first limit that is theirs."""
        for value in sorted(
            self.entry.texts("olcLimits"), key=lambda one: int(number[1]) if (number := _NAME.match(one)) and number[1] else 0
        ):
            whose, *limits = olc_access.words(value.partition("}")[2] if value.startswith("{") else value)
            if whose.lower() in _STRANGERS:
                return any(one.lower() in ("size.unchecked=disabled", "size.unchecked=0") for one in limits)
        return False

    @property
    def off(self) -> bool:
        return self.entry.text("olcDisabled").upper() == "TRUE"


def frozen(entry: Entry) -> str:
    """The setting of a database (or of cn=config itself) by which it takes no writes from anybody; empty if it does (slapd-config(5))."""
    if entry.text("olcReadOnly").upper() == "TRUE":
        return "olcReadOnly: TRUE"
    words = " ".join(entry.texts("olcRestrict")).lower().split()
    return f"olcRestrict: {' '.join(words)}" if {"write", "modify", "all"} & set(words) else ""


def nobody_seen(group: str, classes: str, attribute: str) -> None:
    """Members of groups, where whom they hold must not matter."""
    return


def bare(name: str) -> str:
    """`{1}ppolicy` without its number."""
    match = _NAME.fullmatch(name)
    return (match[2] if match else name).lower()


def line(entry: Entry, attribute: str, value: str | None = None) -> Line:
    return Line(entry.dn, 0, f"{attribute}: {entry.text(attribute) if value is None else value}")


def _suffixes(entry: Entry) -> tuple[str, ...]:
    """slapd-monitor(5): its suffix is cn=Monitor, and need not be written."""
    written = tuple(normal(suffix) for suffix in entry.texts("olcSuffix"))
    return written or (("cn=monitor",) if bare(entry.text("olcDatabase")) == "monitor" else ())


class Config:
    """Raises Unseen, when made, for a server whose cn=config shows no database."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.entries = list(directory.entries("config"))
        self.settings = next((entry for entry in self.entries if normal(entry.dn) == CONFIG), None)
        overlays: dict[str, list[Entry]] = {}
        for entry in self.entries:
            if entry.values("olcOverlay") and entry.text("olcDisabled").upper() != "TRUE":
                overlays.setdefault(parent(entry.dn), []).append(entry)
        self.databases = tuple(
            Database(
                normal(entry.dn),
                bare(entry.text("olcDatabase")),
                entry,
                _suffixes(entry),
                normal(entry.text("olcRootDN")),
                tuple(overlays.get(normal(entry.dn), ())),
            )
            for entry in self.entries
            if entry.values("olcDatabase")
        )
        if not self.databases:
            gap = directory.gap("config")
            raise Unseen(gap or Gap("search:config", Reason.DENIED, "no database of cn=config is shown to this account"))
        self.world: World = openldap_access.Unseen()
        self.dim: World = openldap_access.Unseen()  # what may be looked at to find out what this account is shown
        self.unnamed = False  # whether the server certainly asks nobody for the name of a client's address
        self.whole = directory.evidence.identity.get("export", "") == "slapcat"  # no rule stood between the store and what came of it
        bind = directory.evidence.identity.get("bind", "")
        self.me = Asker(normal(bind[3:]) if bind.lower().startswith("dn:") else "")

    @cached_property
    def gap(self) -> Gap | None:
        """Why there may be more of cn=config than was shown."""
        return self._directory.gap("config")

    def kind(self, name: str) -> Database | None:
        return next((one for one in self.databases if one.kind == name), None)

    @cached_property
    def main(self) -> Database:
        """The database of the base. Raises Unseen."""
        return self.of(normal(self._directory.evidence.identity.get("base", "")))

    def of(self, dn: str) -> Database:
        """The database that holds a DN: the longest suffix wins. Raises Unseen."""
        found = self.holding(dn)
        if found is None:
            raise Unseen(self.gap or Gap("search:config", Reason.DENIED, f"no database for {dn} is shown to this account"))
        return found

    def holding(self, dn: str) -> Database | None:
        if below(dn, CONFIG):
            return self.kind("config")
        best: tuple[int, Database] | None = None
        for database in self.databases:
            for suffix in database.suffixes:
                if below(dn, suffix) and (best is None or len(suffix) > best[0]):
                    best = len(suffix), database
        return best[1] if best else None

    def roots(self) -> Iterator[tuple[Database, str]]:
        """(database, root DN) for each that has one; cn=config's own is `cn=config` unless it says otherwise."""
        for database in self.databases:
            if database.root:
                yield database, database.root
            elif database.kind == "config":
                yield database, CONFIG

    def is_root(self, database: Database, asker: Asker) -> bool:
        return bool(asker.dn) and any(one is database and root == asker.dn for one, root in self.roots())

    # Access rules

    def access(self, database: Database, members: Members) -> Access:
        """The rules that hold in a database. Raises Unseen."""
        key = (database.dn, members)
        if key not in self._access:
            own, frontend = self.rules(database), self.rules(self.kind("frontend"))
            default = "none" if database.kind == "config" else "read"
            self._access[key] = Access(
                (*own, *frontend), members, default, self.dim if members is nobody_seen else self.world, self.unnamed
            )
        return self._access[key]

    @cached_property
    def _access(self) -> dict[tuple[str, Members], Access]:
        return {}

    def rules(self, database: Database | None) -> tuple[olc_access.Rule, ...]:
        """Rules of its own. Raises Unseen."""
        if database is None:
            raise Unseen(
                self.gap or Gap("olcDatabase={-1}frontend", Reason.DENIED, "the rules for all databases are not shown to this account")
            )
        values = database.entry.texts("olcAccess")
        if not values and not self._sees_rules(database):
            raise Unseen(
                Gap(f"attribute:olcAccess of {database.entry.dn}", Reason.DENIED, "it is not shown to this account, or it is not there")
            )
        try:
            return olc_access.rules(values)
        except ValueError as error:
            raise Unseen(Gap(f"attribute:olcAccess of {database.entry.dn}", Reason.UNSUPPORTED, str(error))) from error

    def _sees_rules(self, database: Database) -> bool:
        """Whether this account would be shown access rules if there were any: proven by the rules of cn=config itself."""
        config = self.kind("config")
        if config is None or self.whole:
            return self.whole
        if self.is_root(config, self.me):
            return True
        values = config.entry.texts("olcAccess")
        if not values:
            return False
        try:
            rules = list(olc_access.rules(values))
            frontend = self.kind("frontend")
            if frontend is not None:
                rules += olc_access.rules(frontend.entry.texts("olcAccess"))
            answer = Access(rules, nobody_seen, "none").may("r", database.dn, "olcaccess", self.me, chosen=False)
        except ValueError:
            return False
        return answer.allowed is True

    def may(
        self, letters: str, dn: str, attribute: str, asker: Asker, members: Members, *, value: str | None = None, chosen: bool = True
    ) -> tuple[Answer, Database]:
        """As Access.may, in the database of the DN, root DNs included. Raises Unseen."""
        database = self.of(dn)
        if "a" in letters or "z" in letters:
            frontend = self.kind("frontend")
            places = (database.entry, frontend.entry if frontend is not None else None, self.settings)
            if why := next(filter(None, map(frozen, filter(None, places))), ""):
                return Answer(False, why), database
        if self.is_root(database, asker):
            return Answer(True, f"olcRootDN: {database.entry.text('olcRootDN') or CONFIG}"), database
        if database.kind not in STORES and database.kind not in ("config", "monitor"):
            raise Unseen(Gap(database.entry.dn, Reason.UNSUPPORTED, f"a database of the kind {database.kind} is not modelled"))
        return self.access(database, members).may(letters, dn, attribute, asker, value=value, chosen=chosen), database
