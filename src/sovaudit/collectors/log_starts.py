"""How far back the logs of a mounted root go: the first bytes of each, packed or not."""

from __future__ import annotations

import fnmatch
import io
import lzma
import zlib
from typing import Protocol

from sovaudit.collectors import items
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason


class _System(Protocol):
    def read(self, path: str, limit: int) -> bytes: ...


def collect(system: _System, tree: set[str]) -> tuple[bytes, list[Gap]]:
    """The first bytes of each log's first line: how far back it goes, and nothing of what it says."""
    lines: list[bytes] = []
    gaps: list[Gap] = []
    for row in sorted(tree):
        cells = row.split("\t")
        path = cells[6]
        if cells[0] != "f" or not path.startswith("/var/log/") or not any(fnmatch.fnmatchcase(path[9:], name) for name in items.LOGS):
            continue
        if path.count("/") != (4 if path.startswith("/var/log/audit/") else 3):
            continue
        try:
            data = _unpack(path, system.read(path, 8192))
        except OSError:
            gaps.append(Gap(f"log-starts:{path}", Reason.DENIED))
            continue
        except ValueError as error:
            gaps.append(Gap(f"log-starts:{path}", Reason.UNSUPPORTED, str(error)))
            continue
        first = data.split(b"\n", 1)[0][: items.LOG_START]
        lines.append(path.encode("utf-8", "surrogateescape") + b"\t" + bytes(byte if 32 <= byte < 127 else 63 for byte in first) + b"\n")
    return b"".join(sorted(lines)), gaps


def _unpack(path: str, data: bytes) -> bytes:
    """The beginning of a possibly compressed log, from the beginning of its bytes. Raises ValueError."""
    try:
        if path.endswith(".gz"):
            return zlib.decompressobj(wbits=31).decompress(data, 4096)
        if path.endswith(".xz"):
            return lzma.LZMADecompressor(memlimit=96 * 1024 * 1024).decompress(data, 4096)
        if path.endswith(".zst"):
            import zstandard

            return zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024).stream_reader(io.BytesIO(data)).read(4096)
        if path.endswith(".bz2"):
            import bz2

            return bz2.BZ2Decompressor().decompress(data, 4096)
    except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        raise ValueError(f"not what its name says ({error})") from error
    except Exception as error:
        if type(error).__module__.startswith("zstandard"):
            raise ValueError("not what its name says (zst)") from error
        raise
    return data
