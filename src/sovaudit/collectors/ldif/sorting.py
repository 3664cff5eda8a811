"""Entries of an export sorted into the searches of a visit: by base, scope and filter, as the server would have done."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sovaudit.collectors.ldap.searches import FOLLOWED, PRODUCTS, ROOT_DSE, Search
from sovaudit.collectors.ldap.wire import CHUNK, masked
from sovaudit.facts.parse import ber
from sovaudit.facts.parse.dn import below, normal, parent
from sovaudit.facts.parse.ldif import Record

NOWHERE = "=nowhere"
# a filter on objectClass finds subclasses too, which an export need not spell out
_PERSONS = {"inetorgperson", "organizationalperson", "residentialperson", "pilotperson", "newpilotperson", "openldapperson"}


@dataclass(slots=True)
class Bucket:
    """Entries of one search from one section of a file, as chunks of SearchResultEntry elements."""

    pending: list[bytes] = field(default_factory=list)
    held: int = 0
    chunks: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, row: bytes) -> None:
        self.pending.append(row)
        self.held += len(row)
        if self.held >= CHUNK:
            self.close()

    def close(self) -> None:
        if self.pending:
            self.chunks.append((len(self.pending), b"".join(self.pending)))
            self.pending, self.held = [], 0


@dataclass(slots=True)
class Slot:
    """What falls to one search. flaws: why it may lack something, each once. buckets: by (file, section)."""

    query: Search
    base: str  # normal
    classes: frozenset[str]
    others: tuple[tuple[str, str], ...]
    wanted: frozenset[str]
    buckets: dict[tuple[int, int], Bucket] = field(default_factory=dict)
    flaws: list[str] = field(default_factory=list)

    def concerns(self, attribute: str) -> bool:
        """Whether an attribute's loss could change what the search shows."""
        name = attribute.partition(";")[0]
        return name in self.wanted or any(name == other for other, _ in self.others)

    def flaw(self, text: str) -> None:
        if text not in self.flaws:
            self.flaws.append(text)

    def chosen(self, preferred: tuple[int, int] | None) -> list[tuple[int, bytes]]:
        """Chunks of the preferred bucket, else of all of them, an entry that stands in several taken from the first."""
        for bucket in self.buckets.values():
            bucket.close()
        if preferred is not None:
            bucket = self.buckets.get(preferred, Bucket())
            return bucket.chunks
        if len(self.buckets) == 1:
            return next(iter(self.buckets.values())).chunks
        seen: set[str] = set()
        merged = Bucket()
        for bucket in self.buckets.values():
            for _, data in bucket.chunks:
                for name, attributes in ber.entries(data):
                    if normal(name) not in seen:
                        seen.add(normal(name))
                        merged.add(ber.encode(name, attributes))
        merged.close()
        return merged.chunks


class Sorter:
    """names: base, domain, config, schema as DNs; budget: bytes of evidence."""

    def __init__(self, product: str, names: dict[str, str], budget: int) -> None:
        self._names = names
        self.inner: tuple[str, ...] = ()  # naming contexts that lie below the domain by their names alone
        if product == "ad":
            domain = normal(names["domain"])
            zones = (f"dc=domaindnszones,{domain}", f"dc=forestdnszones,{domain}")
            self.inner = (normal(names["config"]), normal(names["schema"]), *zones)
        self.left = budget
        queries = (ROOT_DSE, *PRODUCTS[product or "openldap"], *_followed(product))
        self.slots = [_slot(query, names) for query in queries if not query.anonymous]

    def widen(self, base: str) -> None:
        """Look further up from now on: an entry stands beside the base that was assumed."""
        self._names = {**self._names, "base": base, "domain": base}
        for slot in self.slots:
            slot.base = _start(slot.query, self._names)

    def put(self, record: Record, dn: str, section: tuple[int, int]) -> list[Slot]:
        """Keep what each search would have shown of an entry; the searches that would. dn: its normal DN."""
        attributes = record.attributes
        classes = _classes(attributes)
        found = []
        for slot in self.slots:
            if not self._within(slot, dn) or not _matches(slot, attributes, classes):
                continue
            found.append(slot)
            self._keep(slot, record, section)
        return found

    def reaches(self, dn: str) -> list[Slot]:
        """Searches that an entry of this name could belong to, whatever is in it."""
        return [slot for slot in self.slots if self._within(slot, dn)]

    def _within(self, slot: Slot, dn: str) -> bool:
        scope = slot.query.scope
        if scope == "base":
            return dn == slot.base
        if scope == "one":
            return parent(dn) == slot.base
        if not dn or not below(dn, slot.base):
            return False
        # AD: the configuration lies below the domain by name only; a search of the domain does not enter it
        return not any(below(dn, inner) and not below(slot.base, inner) for inner in self.inner)

    def _keep(self, slot: Slot, record: Record, section: tuple[int, int]) -> None:
        if self.left <= 0:
            slot.flaw("more bytes than --max-bytes allows")
            return
        chosen: ber.Attributes = {name: values for name, values in record.attributes.items() if name.partition(";")[0] in slot.wanted}
        chosen = {name: [] for name in chosen} if slot.query.types_only else masked(chosen, slot.query.masked)
        row = ber.encode(record.dn, chosen)
        self.left -= len(row)
        bucket = slot.buckets.get(section)
        if bucket is None:
            bucket = slot.buckets[section] = Bucket()
        bucket.add(row)


def _followed(product: str) -> tuple[Search, ...]:
    """What a visit asks entry by entry: here every entry that shows it."""
    query = FOLLOWED.get(product) if product == "ad" else None
    return () if query is None else (replace(query, base="{domain}", scope="sub", match=((query.attributes[-1], "*"),)),)


def _start(query: Search, names: dict[str, str]) -> str:
    """The normal DN where a search starts; one that no entry lies below if the export holds no tree of the directory's own."""
    return NOWHERE if "{" in query.base and not names["base"] else normal(query.base.format(**names))


def _slot(query: Search, names: dict[str, str]) -> Slot:
    classes = frozenset(value.lower() for name, value in query.match if name == "objectClass")
    others = tuple((name.lower(), value.strip().lower()) for name, value in query.match if name != "objectClass")
    return Slot(query, _start(query, names), classes, others, frozenset(name.lower() for name in query.attributes))


def _classes(attributes: ber.Attributes) -> set[str]:
    """An entry's object classes, in lower case, with superiors that it need not name."""
    found = {value.decode("ascii", "replace").strip().lower() for value in attributes.get("objectclass", [])}
    if not _PERSONS.isdisjoint(found) or ("sn" in attributes and "cn" in attributes):
        found.add("person")  # what a class of the organisation's own must be if it demands both
    if "olcoverlay" in attributes:
        found.add("olcoverlayconfig")
    if "olcdatabase" in attributes:
        found.add("olcdatabaseconfig")
    return found


def _matches(slot: Slot, attributes: ber.Attributes, classes: set[str]) -> bool:
    if not slot.classes and not slot.others:
        return True
    if not slot.classes.isdisjoint(classes):
        return True
    for name, value in slot.others:
        values = attributes.get(name)
        if values and (value == "*" or any(one.decode("utf-8", "replace").strip().lower() == value for one in values)):
            return True
    return False
