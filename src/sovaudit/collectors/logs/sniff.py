"""Which format a file is in, from its beginning."""

from __future__ import annotations

import re

from sovaudit.collectors.logs.accesslog import AccessLog
from sovaudit.collectors.logs.auditlog import AuditLog
from sovaudit.collectors.logs.journal import JournalExport, JournalJson
from sovaudit.collectors.logs.reading import Reader
from sovaudit.collectors.logs.samba import SambaJson
from sovaudit.collectors.logs.syslog import Syslog
from sovaudit.collectors.logs.windows import WindowsCsv, WindowsJson, is_header

READERS: dict[str, type[Reader]] = {
    reader.format: reader for reader in (Syslog, AuditLog, JournalExport, JournalJson, WindowsJson, WindowsCsv, SambaJson, AccessLog)
}
BINARY = {b"LPKSHHRH": "journal-binary", b"ElfFile\0": "windows-binary"}
BLANKS = b"\0 \t\r\n"
_LOOKED_AT = 200
_SYSLOG = re.compile(
    rb"\0*(?:<\d{1,3}>)?(?:1 )?(?:[*.]?[A-Z][a-z]{2} {1,2}\d{1,2} (?:\d{4} )?\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)[.,Z+ :-]"
)
_AUDIT = re.compile(rb"(?:node=\S+ )?type=[A-Z0-9_\[\]]+ msg=audit\(\d+\.\d+:\d+\):")


def format_of(start: bytes) -> str:
    """A key of READERS, a value of BINARY, `empty` or `unrecognised`."""
    if not start.strip(BLANKS):
        return "empty"
    for magic, name in BINARY.items():
        if start.startswith(magic):
            return name
    lines = [line.rstrip(b"\r") for line in start.split(b"\n", _LOOKED_AT)[:_LOOKED_AT] if line.strip()]
    if any(is_header(line) for line in lines[:2]):
        return "windows-csv"
    if lines[0].lstrip()[:1] in (b"{", b"["):
        return _json(start)
    for line in lines:
        found = _line(line)
        if found:
            return found
    return "unrecognised"


def _line(line: bytes) -> str:
    text = line.strip()
    if text.startswith((b"__CURSOR=", b"__REALTIME_TIMESTAMP=")):
        return "journal-export"
    if text[:1] == b"{":
        return _json(text)
    if _AUDIT.match(text):
        return "audit"
    if text.startswith(b"dn: reqStart="):
        return "accesslog"
    if re.match(rb"\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(\.\d+)?, +\d", text):
        return "samba"
    return "syslog" if _SYSLOG.match(text) else ""


def _json(text: bytes) -> str:
    if b"__REALTIME_TIMESTAMP" in text:
        return "journal-json"
    if re.search(rb'"(EventRecordID|RecordId|TimeCreated)"', text):
        return "windows-json"
    if re.match(rb'\s*\{\s*"timestamp"\s*:', text) or re.search(
        rb'"type"\s*:\s*"(Authentication|Authorization|dsdbChange|groupChange|passwordChange)"', text
    ):
        return "samba"
    return ""
