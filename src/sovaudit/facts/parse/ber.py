"""Entries of a directory as the server sent them: BER, `SearchResultEntry ::= [APPLICATION 4] SEQUENCE { objectName, attributes }` (RFC 4511, 4.5.2).

Only what LDAP allows is read: definite lengths of at most four bytes. Everything else raises ValueError.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

ENTRY = 0x64
Attributes = dict[str, list[bytes]]

_NAMES: dict[bytes, str] = {}  # attribute names repeat in every entry: one string each


def header(data: bytes, at: int) -> tuple[int, int]:
    """(first byte of the content, first byte after it) of the element at `at`. Raises ValueError, IndexError."""
    length = data[at + 1]
    at += 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise ValueError("a length that LDAP does not allow")
        length = int.from_bytes(data[at : at + count], "big")
        at += count
    return at, at + length


def entries(data: bytes) -> Iterator[tuple[str, Attributes]]:
    """Each entry of a stream of SearchResultEntry elements: its DN and {attribute name in lower case: values}. Raises ValueError."""
    at, size = 0, len(data)
    while at < size:
        try:
            if data[at] != ENTRY:
                raise ValueError("not an entry")
            begin, end = header(data, at)
            if end > size:
                raise ValueError("an entry is cut")
            yield entry(data, begin, end)
        except IndexError as error:
            raise ValueError("an entry is cut") from error
        at = end


def entry(data: bytes, at: int, end: int) -> tuple[str, Attributes]:
    """The entry whose content lies between `at` and `end`."""
    begin, stop = header(data, at)
    if data[at] != 0x04 or stop > end:
        raise ValueError("an entry without a name")
    name = data[begin:stop].decode("utf-8", "surrogateescape")
    at, stop = header(data, stop)
    if stop != end:
        raise ValueError("an entry whose lengths disagree")
    found: Attributes = {}
    while at < end:
        # lengths below 128, nearly all, are read in place: this loop is what reading a large directory costs
        length = data[at + 1]
        if length < 0x80:
            at += 2
            stop = at + length
        else:
            at, stop = header(data, at)
        if stop > end:
            raise ValueError("an attribute longer than its entry")
        length = data[at + 1]
        if length < 0x80:
            begin = at + 2
            at = begin + length
        else:
            begin, at = header(data, at)
        raw = data[begin:at]
        attribute = _NAMES.get(raw)
        if attribute is None:
            attribute = raw.decode("ascii", "backslashreplace").lower()
            if len(_NAMES) < 10_000:
                _NAMES[raw] = attribute
        length = data[at + 1]
        if length < 0x80:
            at += 2
            closes = at + length
        else:
            at, closes = header(data, at)  # SET OF values
        if closes != stop:
            raise ValueError("values longer than their attribute")
        values = found.get(attribute)
        if values is None:
            values = found[attribute] = []
        while at < stop:
            length = data[at + 1]
            if length < 0x80:
                begin = at + 2
                at = begin + length
            else:
                begin, at = header(data, at)
            if at > stop:
                raise ValueError("a value longer than its attribute")
            values.append(data[begin:at])
    return name, found


def element(tag: int, content: bytes) -> bytes:
    """One BER element."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int) -> bytes:
    """INTEGER."""
    return element(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def encode(name: str, attributes: Mapping[str, Sequence[bytes]] | Iterable[tuple[str, Sequence[bytes]]]) -> bytes:
    """An entry as a server would send it: what an export becomes, and an entry whose secrets were taken out."""
    pairs = attributes.items() if isinstance(attributes, Mapping) else attributes
    rows = b"".join(
        element(0x30, element(0x04, key.encode()) + element(0x31, b"".join(element(0x04, value) for value in values)))
        for key, values in pairs
    )
    return element(ENTRY, element(0x04, name.encode("utf-8", "surrogateescape")) + element(0x30, rows))
