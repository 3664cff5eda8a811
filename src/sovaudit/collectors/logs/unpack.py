"""A log file as blocks of whole lines: unpacked, hashed, bounded.

Whatever is wrong with a file is counted under a reason and does not end the reading of others: nothing is skipped silently.
"""

from __future__ import annotations

import bz2
import hashlib
import lzma
import os
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import zstandard

BLOCK = 1 << 20
MAX_LINE = 1 << 20  # of a longer line only the beginning is read
KEPT = 1 << 13
MAX_GROWTH = 200  # times its size, and SPARE, a packed file may grow
SPARE = 256 << 20
WINDOW = 1 << 26
BITE = 512
XZ, BZIP2 = b"\xfd7zXZ\0", b"BZh"


class Source:
    """One file, or a piece of a plain one. sha256 is of the bytes as they lie, whole files only. troubles: reason → how often."""

    def __init__(self, path: str, start: int = 0, end: int | None = None) -> None:
        self.troubles: Counter[str] = Counter()
        self.packing = ""
        self.unpacked = 0
        self.sha256 = ""
        self.packed_at = 0  # seconds since the epoch that a gzip header names, 0 for none
        self._hash = hashlib.sha256()
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        self._file = os.fdopen(handle, "rb", buffering=0)
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            self._file.close()
            raise OSError("not a regular file")
        self._size = info.st_size
        self._left = (self._size if end is None else end) - start
        self._whole = start == 0 and self._left == self._size
        self._file.seek(start)

    def close(self) -> None:
        self._file.close()

    def _read(self) -> bytes:
        data = self._file.read(min(BLOCK, self._left)) if self._left > 0 else b""
        self._left -= len(data)
        if not data:
            self._left = 0
        self._hash.update(data)
        return data

    def _unpacked(self) -> Iterator[bytes]:
        first = self._read()
        opener = _packing(first) if self._whole else None
        if opener is None:
            while first:
                yield first
                first = self._read()
            return
        self.packing, start = opener
        if self.packing == "gzip" and len(first) >= 8:
            self.packed_at = int.from_bytes(first[4:8], "little")
        limit = self._size * MAX_GROWTH + SPARE
        try:
            for block in start(self, first):
                self.unpacked += len(block)
                if self.unpacked > limit:
                    self.troubles["grows-too-much"] += 1
                    break
                yield block
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, zstandard.ZstdError):
            self.troubles["broken-packing"] += 1

    def blocks(self) -> Iterator[bytes]:
        """The unpacked bytes, as UTF-8, each block bounded; afterwards sha256 is known."""
        started = False
        decoder = None
        for block in self._unpacked():
            if not started:
                started = True
                if block[:2] in (b"\xff\xfe", b"\xfe\xff"):
                    import codecs

                    self.troubles["utf-16"] += 1
                    decoder = codecs.getincrementaldecoder("utf-16")("replace")
                elif block[:3] == b"\xef\xbb\xbf":
                    block = block[3:]
            yield decoder.decode(block).encode("utf-8", "replace") if decoder else block
        while self._read():
            pass
        if self._whole:
            self.sha256 = self._hash.hexdigest()

    def lines(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The blocks, cut so that each ends with a newline, or with the file. A line over MAX_LINE gives its beginning only."""
        carry = b""
        skipping = False
        for block in blocks:
            if skipping:
                at = block.find(b"\n")
                if at < 0:
                    continue
                block, skipping = block[at:], False
            data = carry + block if carry else block
            cut = data.rfind(b"\n") + 1
            carry = data[cut:]
            if cut:
                yield data[:cut] if carry else data
            if len(carry) > MAX_LINE:
                self.troubles["long-line"] += 1
                carry, skipping = carry[:KEPT], True
        if carry:
            if not skipping:
                self.troubles["no-last-newline"] += 1
            yield carry


def _gzip(source: Source, data: bytes) -> Iterator[bytes]:
    """As many members as there are, each checked."""
    while data:
        unpacker = zlib.decompressobj(wbits=31)
        while True:
            block = unpacker.decompress(data, BLOCK)
            if block:
                yield block
            data = unpacker.unconsumed_tail
            if unpacker.eof:
                break
            if not data:
                data = source._read()
                if not data:
                    source.troubles["cut-short"] += 1
                    return
        data = unpacker.unused_data or source._read()
        if data[:2] != b"\x1f\x8b":
            if data.strip(b"\0"):
                source.troubles["bytes-after-end"] += 1
            return


def _members(
    magic: bytes, unpacker_of: Callable[[], lzma.LZMADecompressor | bz2.BZ2Decompressor]
) -> Callable[[Source, bytes], Iterator[bytes]]:
    """A packing whose files may hold several members, one after another, padded with zeros."""

    def unpack(source: Source, data: bytes) -> Iterator[bytes]:
        while data:
            unpacker = unpacker_of()
            while not unpacker.eof:
                block = unpacker.decompress(data, BLOCK)
                if block:
                    yield block
                data = b""
                if unpacker.needs_input and not unpacker.eof:
                    data = source._read()
                    if not data:
                        source.troubles["cut-short"] += 1
                        return
            data = unpacker.unused_data or source._read()
            if data[: len(magic)] != magic:
                if data.strip(b"\0"):
                    source.troubles["bytes-after-end"] += 1
                return

    return unpack


def _zstd(source: Source, data: bytes) -> Iterator[bytes]:
    """In small bites: all that a bite gives comes at once, and four bytes can give 128 KiB."""
    frames = zstandard.ZstdDecompressor(max_window_size=WINDOW)
    unpacker = frames.decompressobj()
    begun = False
    while data:
        at = 0
        while at < len(data):
            bite = data[at : at + BITE]
            at += len(bite)
            block = unpacker.decompress(bite)
            begun = True
            if block:
                yield block
            if unpacker.eof:
                at -= len(unpacker.unused_data)
                unpacker, begun = frames.decompressobj(), False
        data = source._read()
    if begun:
        source.troubles["cut-short"] += 1


def _packing(data: bytes) -> tuple[str, Callable[[Source, bytes], Iterator[bytes]]] | None:
    for magic, name, start in (
        (b"\x1f\x8b\x08", "gzip", _gzip),
        (XZ, "xz", _members(XZ, lambda: lzma.LZMADecompressor(memlimit=96 << 20))),
        (BZIP2, "bzip2", _members(BZIP2, bz2.BZ2Decompressor)),
        (b"\x28\xb5\x2f\xfd", "zstd", _zstd),
    ):
        if data.startswith(magic):
            return name, start
    return None
