"""slapd's accesslog database as LDIF (`slapcat -b cn=accesslog`): each entry begins with `dn: reqStart=20261125174232.000001Z,…`."""

from __future__ import annotations

import re

from sovaudit.collectors.logs.reading import Reader

_DN = re.compile(rb"dn: reqStart=(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:[.,]\d{1,9})?Z,", re.I)

_LINE = re.compile(rb"[ #\r]|[A-Za-z][A-Za-z0-9;.-]*:|[0-9.]+:")


class AccessLog(Reader):
    format = "accesslog"

    def feed(self, block: bytes) -> None:
        self.part.lines += block.count(b"\n")
        for line in block.split(b"\n"):
            if line[:3].lower() != b"dn:":
                if line and not _LINE.match(line):
                    self.trouble("no-field")
                continue
            match = _DN.match(line)
            if match is None:
                self.trouble("other-entry")  # the database's own top, or a name in Base64
                continue
            when = self.clock.iso(b"%s-%s-%sT%s:%s:%sZ" % match.groups())
            if when is None:
                self.trouble("no-such-time")
                continue
            self.part.records += 1
            self.tally(b"", when)
