"""One export read: every file once, entry by entry, and what became of each search."""

from __future__ import annotations

import codecs
import hashlib
import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from sovaudit import canon
from sovaudit.collectors.ldif import Place
from sovaudit.collectors.ldif.judging import judged
from sovaudit.collectors.ldif.sorting import Slot, Sorter
from sovaudit.collectors.ldif.telling import Source, base_of, common, hidden, product_of
from sovaudit.collectors.options import CollectOptions
from sovaudit.errors import CollectError
from sovaudit.facts.parse import ber
from sovaudit.facts.parse.dn import below, normal, parent
from sovaudit.facts.parse.ldap_times import generalized
from sovaudit.facts.parse.ldif import Reader, Record
from sovaudit.model.evidence import Evidence, Gap, Target
from sovaudit.model.verdict import Reason, TargetStatus

COLLECTOR = "sovaudit-ldif/1"
LINE = 32 * 1024 * 1024
SAMPLE = 400
_SERVERS_ONLY = {"instancetype", "objectguid", "whencreated", "distinguishedname"}


class _Digested(io.RawIOBase):
    """A file whose digest is known once it has been read to its end."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner = inner
        self.sha256 = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        self.sha256.update(data)
        self.size += len(data)
        return len(data)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[_Digested, Iterator[bytes]]]:
    """A file and its lines as UTF-8 with their ends; ldifde -u writes UTF-16 with a mark. Raises CollectError."""
    try:
        with open(path, "rb", buffering=0) as raw:
            digested = _Digested(raw)
            stream = io.BufferedReader(digested, 256 * 1024)
            mark = stream.peek(4)[:3]
            if mark[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                text = io.TextIOWrapper(stream, "utf-16", errors="replace", newline="")
                yield digested, (_utf8(line) for line in iter(lambda: text.readline(LINE), ""))
            else:
                if mark == codecs.BOM_UTF8:
                    stream.read(3)
                yield digested, iter(lambda: stream.readline(LINE), b"")
    except OSError as error:
        raise CollectError(
            f"cannot be read ({error.strerror or error})", status="failed", where=str(path), hint="Check its rights"
        ) from error


def _utf8(line: str) -> bytes:
    """What could not be decoded stays what it is: no UTF-8."""
    data = line.encode("utf-8", "replace")
    return data.replace("\ufffd".encode(), b"\xff") if "\ufffd" in line else data


def collect_export(target: Target, place: Place, options: CollectOptions) -> Evidence:
    """Evidence of an export. Raises CollectError."""
    began = time.monotonic()
    sample: list[Record] = []
    sections = []
    for path in place.files:
        with _opened(path) as (_, lines):
            reader = Reader(lines)
            sample += islice(reader, SAMPLE)
            sections += reader.sections
    product = place.product or product_of(sample)
    names = [record.dn for record in sample]
    base = normal(place.base) or base_of(product, names, sections)
    if not sample:
        raise CollectError("it holds no entry of a directory", status="failed", where=target.uri, hint="Give an export in LDIF")
    sorter = Sorter(product, _contexts(sample, base), options.max_bytes)
    export = _Export(sorter, base, fixed=bool(place.base) or product == "ad")
    for number, path in enumerate(place.files):
        with _opened(path) as (digested, lines):
            export.read(number, Source(Reader(lines), path.name), digested)
    if export.several:
        raise CollectError(
            "it holds several trees",
            status="failed",
            where=target.uri,
            hint="Give an export of one naming context, or name one: ldif:FILE?base=dc=example,dc=org",
        )
    return _evidence(target, place, product, export, sample, began)


class _Export:
    """What was read so far. fixed: the base is known, entries beside it do not count."""

    def __init__(self, sorter: Sorter, base: str, *, fixed: bool) -> None:
        self.sorter = sorter
        self.base = base
        self.sources: list[Source] = []
        self.digests: list[_Digested] = []
        self.several = False
        self._fixed = fixed

    def read(self, number: int, source: Source, digested: _Digested) -> None:
        self.sources.append(source)
        self.digests.append(digested)
        seen: dict[str, int] = {}
        section = 0
        for record in source.reader:
            if record.section != section:
                seen, section = {}, record.section
            dn = normal(record.dn)
            if record.change == "add" and not _SERVERS_ONLY & record.attributes.keys():
                source.reader.lose("a record of a change, not of an entry", record.line)
                continue
            if not dn and not {"namingcontexts", "supportedldapversion"} & record.attributes.keys():
                source.rootless = True  # 389's dse.ldif begins with the access list of the root entry
                continue
            if record.attributes.get("objectclass") and not any(record.attributes["objectclass"]):
                source.reader.lose("names of attributes without their values (ldapsearch -A)", record.line)
                continue
            content = hash(tuple(sorted((name, tuple(sorted(values))) for name, values in record.attributes.items())))
            before = seen.get(dn)
            if before is not None:
                self._again(source, record, dn, same=before == content)
                continue
            source.see(record, dn, parent(dn) in seen)
            seen[dn] = content
            self._place(record, dn, (number, section))
        source.settle(seen)

    def _again(self, source: Source, record: Record, dn: str, *, same: bool) -> None:
        """An entry that was there before: the first one counts."""
        if same:
            source.repeated += 1
            return
        source.reader.fault("an entry that stands there twice, differently", record.line)
        _flaw(self.sorter.reaches(dn), "", "an entry stands there twice, differently")

    def _place(self, record: Record, dn: str, section: tuple[int, int]) -> None:
        if dn and not self._fixed and not self.several and not (self.base and below(dn, self.base)) and not hidden(dn):
            wider = common(self.base, dn) if self.base else dn
            self.several = not wider
            if wider:
                self.base = wider
                self.sorter.widen(self.base)
        landed = self.sorter.put(record, dn, section)
        for name in record.attributes:
            if ";range=" in name and not name.endswith("-*"):
                _flaw(landed, name, f"only a part of {name.partition(';')[0]}")
        for reason, attribute in record.faults:
            where = self.sorter.reaches(dn)
            _flaw(where, "" if attribute in ("objectclass", "dn") else attribute, reason)


def _flaw(slots: list[Slot], attribute: str, text: str) -> None:
    for slot in slots:
        if not attribute or slot.concerns(attribute):
            slot.flaw(text)


def _contexts(sample: list[Record], base: str) -> dict[str, str]:
    """DNs that searches start from."""

    def told(name: str) -> str:
        for record in sample:
            if not record.dn and name in record.attributes:
                return record.attributes[name][0].decode("utf-8", "surrogateescape")
        return ""

    config = told("configurationnamingcontext")
    for record in sample:
        at = record.dn.lower().find("cn=configuration,")
        if at >= 0 and not config:
            config = record.dn[at:]
    config = config or f"CN=Configuration,{base}"
    return {"base": base, "domain": base, "config": config, "schema": told("schemanamingcontext") or f"CN=Schema,{config}"}


def _evidence(target: Target, place: Place, product: str, export: _Export, sample: list[Record], began: float) -> Evidence:
    artifacts: dict[str, bytes] = {}
    notes, gaps = judged(product, normal(place.base), export.sorter, export.sources, artifacts)
    root: ber.Attributes = next((record.attributes for record in sample if not record.dn and "namingcontexts" in record.attributes), {})
    if not product:
        detail = "nothing in the export tells which product wrote it; name it: ldif:FILE?product=389"
        gaps.append(Gap("product", Reason.AMBIGUOUS, detail))
    files = [
        {
            "name": source.name,
            "bytes": digested.size,
            "sha256": f"sha256:{digested.sha256.hexdigest()}",
            "form": source.form or "unknown",
            "records": source.reader.records,
            "repeated": source.repeated,
            "faults": {reason: {"count": fault.count, "lines": fault.lines} for reason, fault in sorted(source.reader.faults.items())},
            "searches": [
                {"base": one.base, "scope": one.scope, "filter": one.filter, "result": one.result, "entries": one.entries}
                for one in source.reader.sections
                if one.told
            ],
        }
        for source, digested in zip(export.sources, export.digests, strict=True)
    ]
    artifacts["searches"] = canon.canonical(notes)
    artifacts["ldif/files"] = canon.canonical(files)
    moment = generalized(root.get("currenttime", [b""])[0])
    newest = datetime.fromtimestamp(int(max(path.stat().st_mtime for path in place.files)), UTC)
    version = root.get("vendorversion", root.get("vendorname", [b""]))[0].decode("utf-8", "replace")
    forms = ", ".join(sorted({source.form or "unknown" for source in export.sources}))
    partial = any(source.reader.faults for source in export.sources) or any(gap.reason is Reason.TRUNCATED for gap in gaps)
    return Evidence(
        target,
        TargetStatus.PARTIAL if partial else TargetStatus.COLLECTED,
        moment if isinstance(moment, datetime) else newest,
        artifacts,
        tuple(gaps),
        {key: value for key, value in {"product": product, "base": export.base, "version": version, "export": forms}.items() if value},
        COLLECTOR,
        cost={"wall_ms": int((time.monotonic() - began) * 1000), "bytes": sum(digested.size for digested in export.digests)},
    )
