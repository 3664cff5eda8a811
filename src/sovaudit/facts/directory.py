"""A directory: everything a check may ask about one LDAP server or one export, computed when first asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar

from sovaudit.facts.directories.groups import Groups
from sovaudit.facts.directories.model import Account, Admins, Applied, Exposure, Factor, Recording, Rights, Storage, View
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse import ber
from sovaudit.facts.parse.dn import normal
from sovaudit.model.evidence import Evidence, Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

_TURNED_AWAY = {1, 8, 13, 32, 48, 49, 50, 53}  # RFC 4511, 4.1.9: to be told one's name first, or that there is nothing


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the server sent it: its DN, and {attribute name in lower case: values}."""

    dn: str
    attributes: ber.Attributes

    def values(self, name: str) -> list[bytes]:
        """An attribute's values; none if the entry shows none (which is no proof that it has none)."""
        return self.attributes.get(name.lower(), [])

    def text(self, name: str, default: str = "") -> str:
        """Its first value as text."""
        values = self.values(name)
        return values[0].decode("utf-8", "surrogateescape") if values else default

    def texts(self, name: str) -> list[str]:
        return [value.decode("utf-8", "surrogateescape") for value in self.values(name)]

    def number(self, name: str) -> int | None:
        """Its first value as a number, None if there is none or it is no number."""
        try:
            return int(self.values(name)[0])
        except (IndexError, ValueError):
            return None

    def classes(self) -> set[str]:
        return {value.decode("ascii", "replace").lower() for value in self.values("objectclass")}

    def line(self, name: str, value: str | None = None) -> Line:
        """`attribute: value` of this entry, for a finding."""
        return Line(self.dn, 0, f"{name}: {self.text(name) if value is None else value}")


class Directory:
    """Facts about one directory. Everything is lazy; each may raise Unseen, which the engine turns into `unknown`."""

    kinds: ClassVar[tuple[str, ...]] = ("ldap", "ldif")

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.live = evidence.target.kind == "ldap"  # an export shows nothing of strangers
        self._gaps = {gap.item: gap for gap in evidence.gaps}

    @property
    def name(self) -> str:
        return self.evidence.identity.get("base") or self.evidence.target.id

    @property
    def product(self) -> str:
        """`ad`, `openldap`, `389` or `freeipa`. Raises Unseen where nothing tells the last two apart."""
        product = self.evidence.identity.get("product", "")
        if product == "389" and self._is_ipa:
            return "freeipa"
        return product

    @cached_property
    def _is_ipa(self) -> bool:
        """By its configuration and policies, which few may read, or by the classes of its accounts, whichever is at hand."""
        unseen: Unseen | None = None
        answered = False
        for search, wanted, first in (("ipa", {"ipaguiconfig", "krbpwdpolicy"}, None), ("accounts", {"ipaobject", "krbprincipalaux"}, 500)):
            try:
                if any(not wanted.isdisjoint(entry.classes()) for entry in islice(self.entries(search), first)):
                    return True
                answered = True
            except Unseen as error:
                unseen = error
        if unseen is not None and not answered:
            raise unseen
        return False

    @property
    def taken_at(self) -> datetime:
        """The directory's own time where it shows it, the auditor's otherwise. Raises Unseen."""
        if self.evidence.taken_at is None:
            raise Unseen(Gap("taken_at", Reason.ABSENT))
        return self.evidence.taken_at

    # What was asked and what came

    @cached_property
    def searches(self) -> dict[str, dict[str, Any]]:
        """Each search by name: base, scope, filter, attributes, types_only, limit, result, message, referrals, chunks. Raises Unseen."""
        data = self.evidence.artifacts.get("searches")
        if data is None:
            raise Unseen(Gap("searches", Reason.ABSENT, "what was asked of the directory is not in evidence"))
        try:
            found = json.loads(data)
        except ValueError as error:
            raise Unseen(Gap("searches", Reason.AMBIGUOUS, "not readable")) from error
        return found if isinstance(found, dict) else {}

    def gap(self, search: str) -> Gap | None:
        """Why a search may show less than there is; None if it ended well with all its entries at hand."""
        note = self.searches.get(search)
        if note is None:
            return self._gaps.get(f"search:{search}") or Gap(f"search:{search}", Reason.ABSENT, "it was not asked")
        if f"search:{search}" in self._gaps:
            return self._gaps[f"search:{search}"]
        if note["result"] != 0:
            return Gap(f"search:{search}", Reason.ABSENT, f"result {note['result']}")
        for number, _ in enumerate(note["chunks"]):
            if f"entries:{search}/{number:04d}" not in self.evidence.artifacts:
                return Gap(f"search:{search}", Reason.ABSENT, "a part of its entries is not in evidence")
        return None

    def complete(self, *searches: str) -> None:
        """Raises Unseen unless each search showed all there is. A check ends with it: what it said before stands, and the doubt beside it."""
        for search in searches:
            gap = self.gap(search)
            if gap is not None:
                raise Unseen(gap)

    def result(self, search: str) -> int:
        """The server's result code (RFC 4511, 4.1.9), -1 if the search did not end or was not asked."""
        note = self.searches.get(search)
        return -1 if note is None else int(note["result"])

    def entries(self, search: str) -> Iterator[Entry]:
        """What a search brought, also if that is not all (see `gap`). Raises Unseen if it was never asked, or a part is lost or malformed."""
        for _, _, entry in self._located(search):
            yield entry

    def located(self, search: str) -> Iterator[tuple[tuple[str, int], Entry]]:
        """Entries with where they stand, for `entry_of`."""
        for name, at, entry in self._located(search):
            yield (name, at), entry

    def _located(self, search: str) -> Iterator[tuple[str, int, Entry]]:
        self.complete_parts(search)
        for number, count in enumerate(self.searches[search]["chunks"]):
            yield from self._part(f"entries:{search}/{number:04d}", count)

    def complete_parts(self, search: str) -> None:
        """Raises Unseen if a search was not asked, or a part of what it brought is lost."""
        note = self.searches.get(search)
        if note is None:
            raise Unseen(self._gaps.get(f"search:{search}") or Gap(f"search:{search}", Reason.ABSENT, "it was not asked"))
        for number, _ in enumerate(note["chunks"]):
            if f"entries:{search}/{number:04d}" not in self.evidence.artifacts:
                raise Unseen(Gap(f"entries:{search}/{number:04d}", Reason.ABSENT, "a part of its entries is not in evidence"))

    def _part(self, name: str, count: int) -> Iterator[tuple[str, int, Entry]]:
        data = self.evidence.artifacts[name]
        seen = at = 0
        try:
            while at < len(data):
                begin, end = ber.header(data, at)
                if data[at] != ber.ENTRY or end > len(data):
                    raise ValueError("not an entry")
                yield name, at, Entry(*ber.entry(data, begin, end))
                seen += 1
                at = end
        except (ValueError, IndexError) as error:
            raise Unseen(Gap(name, Reason.AMBIGUOUS, "malformed entries")) from error
        if seen != count:
            raise Unseen(Gap(name, Reason.AMBIGUOUS, f"{seen} entries where {count} came"))

    def entry_of(self, account: Account) -> Entry:
        """An account's entry, read again: 100,000 of them would not stay in memory."""
        data = self.evidence.artifacts[account.part]
        return Entry(*ber.entry(data, *ber.header(data, account.at)))

    def only(self, search: str) -> Entry | None:
        """The one entry of a base search, None if it brought none. Raises Unseen."""
        return next(self.entries(search), None)

    def artifacts(self, search: str) -> tuple[str, ...]:
        """Names of the artifacts that hold a search's entries, for `evidence=`."""
        note = self.searches.get(search) or {"chunks": ()}
        return tuple(f"entries:{search}/{number:04d}" for number, _ in enumerate(note["chunks"]))

    def shown(self, search: str, attribute: str) -> bool:
        """Whether some entry of a search carries an attribute: proof that this account may read it there.

        Absence from an entry is believed only where this is true. A server answers success for what it hides.
        """
        key = (search, attribute.lower())
        if key not in self._shown:
            self._shown[key] = any(attribute.lower() in entry.attributes for entry in self._likely(search, attribute.lower().encode()))
        return self._shown[key]

    def _likely(self, search: str, attribute: bytes) -> Iterator[Entry]:
        """Entries of those parts of a search in which an attribute's name stands at all: a value may hold it, too, so it is only likely."""
        self.complete_parts(search)
        for number, _ in enumerate(self.searches[search]["chunks"]):
            name = f"entries:{search}/{number:04d}"
            if attribute in self.evidence.artifacts[name].lower():
                yield from (entry for _, _, entry in self._part(name, self.searches[search]["chunks"][number]))

    @cached_property
    def _shown(self) -> dict[tuple[str, str], bool]:
        return {}

    # The neutral view

    @cached_property
    def view(self) -> View:
        """This product's interpreter. Raises Unseen for a product that we do not model."""
        from sovaudit.facts.directories import views

        return views.view_of(self)

    @cached_property
    def accounts(self) -> tuple[Account, ...]:
        """Every account that was seen, disabled ones included. `gap("accounts")` says whether there may be more. Raises Unseen."""
        found = tuple(self.view.accounts())
        if not found:
            self.complete("accounts")
            # a server answers success for what it hides, and no directory is without the account that asked
            raise Unseen(Gap("search:accounts", Reason.DENIED, "no account at all is shown to this account"))
        return found

    @cached_property
    def by_dn(self) -> dict[str, Account]:
        """Accounts by normal DN."""
        return {account.dn: account for account in self.accounts}

    @cached_property
    def groups(self) -> Groups:
        """Groups and who is in them, groups within groups followed. Raises Unseen."""
        return Groups(self.view.groups(), self.gap("groups"))

    @cached_property
    def admins(self) -> Admins:
        """Effective administrators. Raises Unseen."""
        return self.view.admins()

    @cached_property
    def policies(self) -> tuple[Applied, ...]:
        """Each password policy in force, with the accounts under it. Raises Unseen."""
        return tuple(self.view.policies())

    def factor(self, account: Account) -> Factor:
        return self.view.factor(account)

    @cached_property
    def rights(self) -> Rights:
        return self.view.rights()

    @property
    def strangers_doubt(self) -> Gap | None:
        """Why strangers may see more than they were shown; None where the server answered them, or turned them away."""
        return None if self.result("anonymous") in _TURNED_AWAY or self.view.turns_strangers_away() else self.gap("anonymous")

    @cached_property
    def openings(self) -> Rights:
        """What strangers may read beyond what they were shown. Raises Unseen."""
        return self.view.openings()

    @cached_property
    def password_access(self) -> Rights:
        """Who but owners and administrators may read or set passwords. Raises Unseen."""
        return self.view.password_access()

    @cached_property
    def storage(self) -> tuple[Sequence[Storage], Sequence[Gap]]:
        """How passwords are stored, and what of it was not seen. Raises Unseen."""
        return self.view.storage()

    def recording(self, what: str) -> tuple[Recording, ...]:
        """what: `access` or `changes`."""
        return tuple(self.view.recording(what))

    @cached_property
    def exposures(self) -> tuple[Exposure, ...]:
        """What a client without a name was shown, the base entry's own name apart. Raises Unseen: an export, or the question was not put."""
        found = []
        for search in ("anonymous", "anonymous-passwords"):
            for entry in self.entries(search):
                names = tuple(sorted(name for name in entry.attributes))
                if names or normal(entry.dn) != normal(self.evidence.identity.get("base", "")):
                    found.append(Exposure(normal(entry.dn), names))
        return tuple(found)
