"""One visit to a directory: every search of its product, each with how it ended."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sovaudit import canon
from sovaudit.collectors.ldap.address import Address, ldap_address
from sovaudit.collectors.ldap.connection import connected, identity, who_am_i
from sovaudit.collectors.ldap.searches import BY_RULES, FOLLOWED, IPA_CONFIG, PRODUCTS, ROOT_DSE, Search
from sovaudit.collectors.ldap.wire import PAGE, Broken, Result, ranged, search
from sovaudit.collectors.options import CollectOptions
from sovaudit.errors import CollectError
from sovaudit.facts.directories.followed import asked_by_rules, followed
from sovaudit.facts.directory import Directory
from sovaudit.facts.parse import ber
from sovaudit.facts.parse.dn import below, normal
from sovaudit.facts.parse.ldap_times import generalized
from sovaudit.model.evidence import Evidence, Gap, Target
from sovaudit.model.verdict import Reason, TargetStatus

COLLECTOR = "sovaudit-ldap/1"
ADMIN_LIMIT = 11
MAX_PARTS = 10_000  # rounds for attributes that come in parts: 15 million members at a server's usual 1,500 each
ROUNDS, MAX_FOLLOWED = 4, 5_000  # who matters shows only once those who matter more were seen
_PART = re.compile(r"(.+);range=(\d+)-(\d+)", re.IGNORECASE)
CODES = {
    1: (Reason.DENIED, "it demands a name first"),
    3: (Reason.TRUNCATED, "the server's time limit"),
    4: (Reason.TRUNCATED, "the server's size limit"),
    11: (Reason.TRUNCATED, "the server's administrative limit"),
    12: (Reason.UNSUPPORTED, "a control that it does not know"),
    32: (Reason.ABSENT, "no such entry, or none that this account may see"),
    50: (Reason.DENIED, "this account may not search there"),
    53: (Reason.DENIED, "it is unwilling to answer"),
}


@dataclass(slots=True)
class _Visit:
    """What a visit has gathered so far."""

    deadline: float
    left: int
    artifacts: dict[str, bytes]
    gaps: list[Gap]
    notes: dict[str, dict[str, Any]]
    broken: str = ""

    def ask(self, connection: Any, query: Search, base: str) -> None:
        """Run one search and keep what came. Never raises for the target's faults: they become gaps."""
        if self.broken:
            self.gaps.append(Gap(f"search:{query.name}", Reason.ABSENT, self.broken))
            return
        result = Result()
        parts: list[tuple[str, str, int]] = []
        try:
            for page in (PAGE, 0):
                for chunk in search(connection, query, base, deadline=self.deadline, budget=self.left, result=result, page=page):
                    self._keep(query.name, len(result.chunks) - 1, chunk)
                    if not query.types_only and ranged(chunk):
                        parts += _unfinished(chunk)
                if result.code != ADMIN_LIMIT or result.entries:
                    break
                result = Result()  # no pages for this account: what comes without
            self._complete(connection, query, parts, result)
        except Broken as error:
            self.broken = result.more = str(error)
        self._note(query, base, result)

    def ask_each(self, connection: Any, query: Search, names: Iterable[str], result: Result) -> None:
        """Read single entries, each by its name, into one search. An entry that is not there, or not shown, brings nothing."""
        chunk: list[bytes] = []
        for name in names:
            if self.broken:
                break
            one = Result()
            try:
                chunk += search(connection, query, name, deadline=self.deadline, budget=self.left, result=one)
            except Broken as error:
                self.broken = result.more = str(error)
            if one.code not in (-1, 0, 32):
                result.more = f"{name} could not be read (result {one.code})"
        if chunk:
            self._keep(query.name, len(result.chunks), b"".join(chunk))
            result.chunks.append(len(chunk))

    def follow(self, connection: Any, query: Search, so_far: Callable[[], Evidence]) -> None:
        """Look at what the entries seen so far have shown to matter, and again at what those show."""
        result, asked = Result(code=0), set[str]()
        for _ in range(ROUNDS):
            self._remember(query, "", result)
            names = [name for name in followed(Directory(so_far())) if name not in asked][: MAX_FOLLOWED - len(asked)]
            if not names or self.broken:
                break
            asked.update(names)
            self.ask_each(connection, query, names, result)
        self._note(query, "", result)

    def holds(self, connection: Any, query: Search, base: str) -> bool:
        """Whether a search of one entry brings it; nothing of it is kept."""
        if self.broken:
            return False
        result = Result()
        try:
            for _ in search(connection, query, base, deadline=self.deadline, budget=self.left, result=result):
                pass
        except Broken as error:
            self.broken = str(error)
        return result.entries > 0

    def _keep(self, name: str, number: int, chunk: bytes) -> None:
        self.artifacts[f"entries:{name}/{number:04d}"] = chunk
        self.left -= len(chunk)

    def _complete(self, connection: Any, query: Search, parts: Iterable[tuple[str, str, int]], result: Result) -> None:
        """Read the rest of attributes that came in parts; each further part is one more entry of the same name."""
        todo = list(parts)
        for _ in range(MAX_PARTS):
            if not todo:
                return
            name, attribute, at = todo.pop()
            rest = replace(query, base=name, scope="base", match=(), attributes=(f"{attribute};range={at}-*",))
            answer = Result()
            for chunk in search(connection, rest, name, deadline=self.deadline, budget=self.left, result=answer):
                self._keep(query.name, len(result.chunks), chunk)
                result.chunks.append(1)
                todo += [part for part in _unfinished(chunk) if part[2] > at]
            if answer.code:
                result.more = f"the rest of {attribute} could not be read (result {answer.code})"
        if todo:
            result.more = "attributes in too many parts"

    def _note(self, query: Search, base: str, result: Result) -> None:
        if result.code == 4 and query.limit and not result.more:
            result.code = 0  # as many as were asked for
        self._remember(query, base, result)
        if result.code or result.more:
            reason, what = CODES.get(result.code, (Reason.ABSENT, f"result {result.code}"))
            detail = result.more or (f"{what} ({result.message})" if result.message else what)
            self.gaps.append(Gap(f"search:{query.name}", Reason.TRUNCATED if result.more else reason, detail[:300]))

    def _remember(self, query: Search, base: str, result: Result) -> None:
        self.notes[query.name] = {
            "base": base,
            "scope": query.scope,
            "filter": query.filter,
            "attributes": list(query.attributes),
            "types_only": query.types_only,
            "limit": query.limit,
            "result": result.code,
            "message": result.message,
            "referrals": result.referrals,
            "chunks": result.chunks,
        }


def _unfinished(chunk: bytes) -> list[tuple[str, str, int]]:
    """(DN, attribute, first value not yet read) of attributes of which only a part came."""
    found = []
    for name, attributes in ber.entries(chunk):
        for attribute in attributes:
            match = _PART.fullmatch(attribute)
            if match:
                found.append((name, match[1], int(match[3]) + 1))
    return found


def collect_directory(target: Target, options: CollectOptions) -> Evidence:
    """Evidence of one directory. Raises CollectError."""
    began = time.monotonic()
    address = ldap_address(target.uri)
    visit = _Visit(began + options.host_timeout_s, options.max_bytes, {}, [], {})
    with connected(address, options, target.uri) as connection:
        seen = identity(connection)
        seen["bind"] = who_am_i(connection) or ("" if options.ldap_bind_dn or options.ldap_sasl else "anonymous")
        visit.ask(connection, ROOT_DSE, "")
        root = _first(visit, "rootdse")
        product, names = product_of(root), contexts(root, address)
        if not names["base"]:
            raise CollectError(
                "it names no single naming context",
                status="failed",
                where=target.uri,
                hint="Write the base DN after the host: /dc=example,dc=org",
            )
        _demand_base(names["base"], root, target.uri)
        if product == "openldap" and visit.holds(connection, IPA_CONFIG, IPA_CONFIG.base.format(**names)):
            product = "389"  # a tree of FreeIPA, whatever serves it
        seen |= {"product": product, "base": names["base"]}
        for query in PRODUCTS[product]:
            if not query.anonymous:
                visit.ask(connection, query, query.base.format(**names))
        if product in FOLLOWED:
            visit.follow(connection, FOLLOWED[product], lambda: _so_far(visit, target, root, seen))
        looked_at = asked_by_rules(Directory(_so_far(visit, target, root, seen)))
        if looked_at is not None:
            attributes, everywhere = looked_at
            match = () if everywhere else tuple((name, "*") for name in attributes)
            query = replace(BY_RULES, match=match, attributes=(*BY_RULES.attributes, *attributes))
            visit.ask(connection, query, query.base.format(**names))
    _ask_as_stranger(visit, address, options, target.uri, [query for query in PRODUCTS[product] if query.anonymous], names)
    visit.artifacts["searches"] = canon.canonical(visit.notes)
    version = root.get("vendorversion", root.get("vendorname", [b""]))[0].decode("utf-8", "replace")
    short = _short(visit, names["base"], target.uri)
    return Evidence(
        target,
        TargetStatus.PARTIAL if short else TargetStatus.COLLECTED,
        _server_time(root),
        visit.artifacts,
        tuple(visit.gaps),
        {key: value for key, value in {**seen, "version": version, "host": address.host}.items() if value},
        COLLECTOR,
        error=short,
        cost={"wall_ms": int((time.monotonic() - began) * 1000), "bytes": options.max_bytes - visit.left},
    )


def _demand_base(base: str, root: ber.Attributes, where: str) -> None:
    """Raises CollectError for a base that the server says it does not hold."""
    held = [name.decode("utf-8", "surrogateescape") for name in root.get("namingcontexts", [])]
    if held and not any(below(normal(base), normal(name)) for name in held):
        shown = ", ".join(name for name in held if not name.lower().startswith("cn="))[:200] or ", ".join(held)[:200]
        raise CollectError(f"it does not hold {base}", status="failed", where=where, hint=f"Write one of these after the host: {shown}")


def _short(visit: _Visit, base: str, where: str) -> str:
    """One line for a visit that brought less than it asked for; empty for one that brought all that was to be shown."""
    cut = next((gap for gap in visit.gaps if gap.reason is Reason.TRUNCATED), None)
    if {visit.notes.get(name, {}).get("result") for name in ("accounts", "groups")} == {32}:
        text, hint = f"there is no entry {base}, or this account is not shown it", "Check the base after the host, and the account's rights"
    elif visit.broken:
        text = f"it was not heard to the end ({visit.broken})"
        hint = "Take more with --max-bytes" if "--max-bytes" in visit.broken else "Try again; --host-timeout gives it longer"
    elif cut is not None:
        text = f"{cut.item.replace(':', ' ')} was cut ({cut.detail})"
        hint = "Give the account no limits (sovaudit privileges --format ldap says how)"
    else:
        return ""
    return str(CollectError(text, status="refused", where=where, hint=hint))


def _so_far(visit: _Visit, target: Target, root: ber.Attributes, seen: dict[str, str]) -> Evidence:
    artifacts = {**visit.artifacts, "searches": canon.canonical(visit.notes)}
    return Evidence(target, TargetStatus.PARTIAL, _server_time(root), artifacts, tuple(visit.gaps), seen, COLLECTOR)


def _ask_as_stranger(
    visit: _Visit, address: Address, options: CollectOptions, where: str, queries: Iterable[Search], names: dict[str, str]
) -> None:
    """What somebody without a name sees. A server that refuses even the connection shows them nothing, which is an answer too."""
    left, visit.broken = visit.broken, ""
    try:
        with connected(address, options, where, anonymous=True) as connection:
            for query in queries:
                visit.ask(connection, query, query.base.format(**names))
    except CollectError as error:
        visit.gaps += [Gap(f"search:{query.name}", Reason.ABSENT, str(error)[:300]) for query in queries]
    visit.broken = left or visit.broken


def _first(visit: _Visit, name: str) -> ber.Attributes:
    try:
        return next(ber.entries(visit.artifacts.get(f"entries:{name}/0000", b"")))[1]
    except (StopIteration, ValueError):
        return {}


def product_of(root: ber.Attributes) -> str:
    """Which product a root DSE speaks of: `ad`, `389` or `openldap` (whose answers are RFC 4511's own, so it stands for others, too)."""
    if b"1.2.840.113556.1.4.800" in root.get("supportedcapabilities", []):
        return "ad"
    vendor = b" ".join(root.get("vendorname", []) + root.get("vendorversion", [])).lower()
    return "389" if b"389" in vendor or b"red hat" in vendor or b"fedora" in vendor else "openldap"


def contexts(root: ber.Attributes, address: Address) -> dict[str, str]:
    """DNs that searches start from. base is empty where none was named and the server has several."""

    def text(name: str) -> str:
        return root.get(name, [b""])[0].decode("utf-8", "surrogateescape")

    hidden = ("cn=config", "cn=schema", "cn=monitor", "cn=accesslog", "cn=changelog", "o=ipaca", "o=netscaperoot")
    plain = [name.decode("utf-8", "surrogateescape") for name in root.get("namingcontexts", [])]
    plain = [name for name in plain if name and name.lower() not in hidden]
    base = address.base or text("defaultnamingcontext") or (plain[0] if len(plain) == 1 else "")
    return {
        "base": base,
        "domain": text("defaultnamingcontext") or base,
        "config": text("configurationnamingcontext") or f"CN=Configuration,{base}",
        "schema": text("schemanamingcontext") or f"CN=Schema,CN=Configuration,{base}",
    }


def _server_time(root: ber.Attributes) -> datetime:
    """The directory's own clock where it shows it, the auditor's otherwise."""
    moment = generalized(root.get("currenttime", [b""])[0])
    return moment if isinstance(moment, datetime) else datetime.now(UTC).replace(microsecond=0)
