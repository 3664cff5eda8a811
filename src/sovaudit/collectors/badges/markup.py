"""XML as one object a line: each element of one name is a row, whatever else stands around it. Made for ONVIF's notifications."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree import ElementTree

from sovaudit.collectors.badges.sieve import CHUNK, Refused
from sovaudit.errors import CollectError

MAX_FIELDS = 1000


def rows(file: BinaryIO, record: str, refused: dict[str, Refused], where: Path) -> Iterator[str]:
    """Each row as a JSON object of its attributes, of the text of its innermost elements, and of items that carry a Name and a Value.

    A document that ends too early gives what was whole and counts one row `cut off`. Raises CollectError for what is no XML.
    """
    if not record:
        raise CollectError("needs records, the name of the element that is a row", status="failed", where=str(where))
    parser: Any = ElementTree.XMLPullParser(["start", "end"])
    depth, count, tail = 0, 0, b""
    inside: list[ElementTree.Element] = []
    while True:
        chunk = file.read(CHUNK)
        if b"<!" in tail + chunk and (b"<!DOCTYPE" in tail + chunk or b"<!ENTITY" in tail + chunk):
            raise CollectError("declares entities, which an export has no need of", status="failed", where=str(where))
        tail = chunk[-16:]
        try:
            if chunk:
                parser.feed(chunk)
            else:
                parser.close()
            events: list[Any] = list(parser.read_events())
        except ElementTree.ParseError as error:
            if chunk or not count:
                raise CollectError(f"is no XML ({error})", status="failed", where=str(where)) from error
            refused.setdefault("cut off", Refused()).add(count + 1)
            return
        for event, element in events:
            if event == "start":
                depth += 1
                inside.append(element)
                continue
            depth -= 1
            inside.pop()
            if _name(element.tag) == record:
                count += 1
                yield json.dumps(_flat(element), ensure_ascii=False)
                element.clear()
                if inside:
                    inside[-1].remove(element)
        if not chunk:
            return


def _flat(row: ElementTree.Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in row.iter():
        attributes = {_name(key): value for key, value in element.attrib.items()}
        if "Name" in attributes and "Value" in attributes:
            found.setdefault(attributes["Name"], attributes["Value"])
        else:
            for key, value in attributes.items():
                found.setdefault(key, value)
        if not len(element) and element.text and element.text.strip():
            found.setdefault(_name(element.tag), element.text.strip())
        if len(found) > MAX_FIELDS:
            break
    return found


def _name(tag: str) -> str:
    """`{namespace}Topic` and `tt:Topic` are both Topic."""
    return tag.rpartition("}")[2].rpartition(":")[2]
