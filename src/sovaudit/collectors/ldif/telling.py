"""What an export says of itself: product, base, and whether it holds all that a search would have brought."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from sovaudit.collectors.ldap.searches import Search
from sovaudit.facts.parse.dn import below, normal, parent, parts
from sovaudit.facts.parse.ldif import Reader, Record, Section

HIDDEN = ("cn=config", "cn=schema", "cn=monitor", "cn=accesslog", "cn=changelog", "cn=subschema", "o=ipaca", "o=netscaperoot")
_AD = {"samaccounttype", "objectsid", "objectguid", "instancetype", "msds-behavior-version"}
_389 = {"nsuniqueid", "aci", "nsslapd-port", "nsslapd-pluginpath", "nsslapd-suffix", "nsparentuniqueid", "entryusn", "dsentrydn"}
_IPA = {b"ipaguiconfig", b"ipaobject", b"ipatoken", b"ipausergroup"}
_OPENLDAP = {"entrycsn", "structuralobjectclass", "olcsuffix", "pwdpolicysubentry", "olcdatabase"}
_MADE_UP = {"entrydn", "hassubordinates", "subschemasubentry"}  # computed by slapd for each answer, never in its store
_UNASKED = {
    # what "all user attributes" leaves out, of those that our searches ask for
    "openldap": set(
        "createtimestamp modifytimestamp entryuuid pwdpolicysubentry pwdchangedtime pwdaccountlockedtime pwdreset pwdlastsuccess authtimestamp "
        "pwdstarttime pwdendtime pwdfailuretime".split()
    ),
    "389": set(
        "createtimestamp modifytimestamp entryuuid nsuniqueid nsaccountlock nsrole nsroledn passwordexpirationtime passwordallowchangetime "
        "passwordretrycount accountunlocktime pwdupdatetime passwordexpwarned pwdpolicysubentry lastlogintime aci".split()
    ),
    "ad": set("ntsecuritydescriptor msds-resultantpso msds-psoapplied createtimestamp modifytimestamp".split()),
}
_SUBENTRIES = ("(|(objectclass=*)(objectclass=ldapsubentry))", "(|(objectclass=ldapsubentry)(objectclass=*))")
_KEYS = {"entryuuid", "nsuniqueid", "ipauniqueid"}  # an entry without one is known by its DN
_NEVER_BY_PLUS = {"ad": _UNASKED["ad"]}  # computed: only for who asks by name


@dataclass(slots=True)
class Source:
    """One file of an export: how it was read, and the shape of the trees in it. tops: entries without a parent in it, once it is read."""

    reader: Reader
    name: str
    repeated: int = 0
    computed: bool = False  # attributes that a server makes up for an answer: the file came over LDAP
    stamped: bool = True  # every entry carries what slapd's store keeps
    added: bool = False  # every entry is written as an addition (ldifde)
    rootless: bool = False  # it holds 389's configuration as its file does
    tops: list[str] = field(default_factory=list)

    def see(self, record: Record, dn: str, known: bool) -> None:
        if not known:
            self.tops.append(dn)
        names = record.attributes
        self.computed = self.computed or not _MADE_UP.isdisjoint(names)
        self.stamped = self.stamped and ("entrycsn" in names or not dn)
        self.added = self.added or record.change == "add"

    def settle(self, seen: Container[str]) -> None:
        """Only now is it known which entries have no parent in the file."""
        self.tops = [dn for dn in self.tops if parent(dn) not in seen or not dn]

    @property
    def form(self) -> str:
        """What wrote it: `ldapsearch`, `slapcat`, `db2ldif`, `dse.ldif`, `ldifde`, empty if it does not show."""
        if any(section.told for section in self.reader.sections):
            return "ldapsearch"
        if self.reader.numbered:
            return "db2ldif"
        if self.rootless:
            return "dse.ldif"
        if self.added:
            return "ldifde"
        return "slapcat" if self.stamped and not self.computed and self.reader.records else ""

    @property
    def dumped(self) -> bool:
        """Whether it is a store written out whole: such a program knows no limits and no access rights."""
        return self.form in ("slapcat", "db2ldif", "dse.ldif") and self.reader.closed


def product_of(records: Sequence[Record]) -> str:
    """`ad`, `389` or `openldap` by what only that product writes; empty if none of it is there."""
    names: set[str] = set()
    for record in records:
        names.update(record.attributes)
    for record in records:
        if not record.dn:
            capabilities = record.attributes.get("supportedcapabilities", [])
            vendor = b" ".join(record.attributes.get("vendorname", []) + record.attributes.get("vendorversion", [])).lower()
            if b"1.2.840.113556.1.4.800" in capabilities:
                return "ad"
            if b"389" in vendor or b"red hat" in vendor or b"fedora" in vendor:
                return "389"
    if len(_AD & names) >= 2:
        return "ad"
    if _389 & names or any(value.lower() in _IPA for record in records for value in record.attributes.get("objectclass", [])):
        return "389"
    return "openldap" if _OPENLDAP & names or any(name.startswith(("olc", "pwd")) for name in names) else ""


def base_of(product: str, names: Iterable[str], sections: Iterable[Section]) -> str:
    """The DN under which all entries lie, servers' own trees apart; empty if there is none. names: DNs as written."""
    plain = [name for name in names if name and not hidden(normal(name))]
    if product == "ad":
        for name in plain:
            tail = list(parts(name))
            while tail and not all(rdn[0][0] == "dc" for rdn in tail):
                tail = tail[1:]
            if tail and "domaindnszones" not in name.lower() and "forestdnszones" not in name.lower():
                return ",".join(f"dc={rdn[0][1]}" for rdn in tail)
    for section in sections:
        if section.base and section.scope == "sub" and not hidden(normal(section.base)):
            plain.append(section.base)
    if not plain:
        return ""
    found = normal(plain[0])
    for name in plain[1:]:
        found = common(found, normal(name))
    return found


def common(one: str, other: str) -> str:
    """The nearest DN at or above two normal DNs; empty if they share none."""
    above = set(_suffixes(other))
    return next((name for name in _suffixes(one) if name in above), "")


def hidden(dn: str) -> bool:
    """Whether a normal DN belongs to the server, not to the directory's own tree."""
    return any(below(dn, top) for top in HIDDEN)


def _suffixes(name: str) -> list[str]:
    found = []
    here = normal(name)
    while here:
        found.append(here)
        here = parent(here)
    return found


def missing(query: Search, section: Section, product: str) -> list[str]:
    """Attributes that a search asks for and that this one did not."""
    asked = set(section.requested)
    operational = _UNASKED.get(product, set())
    lacking = []
    for attribute in query.attributes:
        name = attribute.lower()
        if name in asked or name in _KEYS:
            continue
        if name in operational:
            if "+" in asked and name not in _NEVER_BY_PLUS.get(product, set()):
                continue
        elif "*" in asked:
            continue
        lacking.append(attribute)
    return lacking


def covers(section: Section, query: Search, base: str, product: str) -> bool:
    """Whether an answered search reaches everything that another one would: from the same entry or above, with as wide a filter."""
    mine, wanted = normal(section.base), normal(base)
    plain = section.filter.replace(" ", "").lower()
    # 389 leaves out policies and roles, unless a filter names their class
    narrow = product == "389" and ("objectClass", "ldapsubentry") in [(name, value.lower()) for name, value in query.match]
    if plain not in _SUBENTRIES and plain != query.filter.lower() and (narrow or plain not in ("", "(objectclass=*)", "objectclass=*")):
        return False
    if section.scope == "sub":
        return below(wanted, mine) if wanted or not mine else not mine
    return section.scope == query.scope and mine == wanted


def suffix_like(dn: str) -> bool:
    """Whether a normal DN looks like the top of a store and not like an entry that a filter picked."""
    return hidden(dn) or dn.partition("=")[0] in ("dc", "o", "c")
