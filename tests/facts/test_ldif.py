"""LDIF as RFC 2849 has it, and as it comes."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from sovaudit.facts.parse.ldif import Reader, Record


def read(text: str | bytes) -> tuple[list[Record], Reader]:
    data = text.encode() if isinstance(text, str) else text
    reader = Reader(_split(data))
    return list(reader), reader


def _split(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        end = data.find(b"\n", at) + 1 or len(data)
        yield data[at:end]
        at = end


def reasons(reader: Reader) -> dict[str, int]:
    return {reason: fault.count for reason, fault in reader.faults.items()}


def test_folding_base64_comments_and_options() -> None:
    records, reader = read(
        "version: 1\n\n# a comment\n  that goes on\ndn: cn=a,\n dc=x\ncn: a\ncn;lang-fr:: w6k=\ndescription:no space\n"
        "description:   three\nempty:\nEMPTY:: \n\ndn:: Y249w6ksZGM9eA==\ncn: b\n\n"
    )
    assert not reader.faults and reader.closed
    assert [record.dn for record in records] == ["cn=a,dc=x", "cn=é,dc=x"]
    assert records[0].attributes == {
        "cn": [b"a"], "cn;lang-fr": ["é".encode()], "description": [b"no space", b"three"], "empty": [b"", b""],
    }  # fmt: skip


def test_line_ends_of_windows_and_a_version_beside_its_entry() -> None:
    records, reader = read("version: 1\r\ndn: dc=x\r\ndc: x\r\ndescription: a\r\n b\r\n\r\n")
    assert [(record.dn, record.attributes) for record in records] == [("dc=x", {"dc": [b"x"], "description": [b"ab"]})]
    assert not reader.faults and reader.closed


def test_the_root_entry_has_an_empty_name() -> None:
    records, _ = read("dn:\nsupportedLDAPVersion: 3\n\ndn: \nx: 1\n")
    assert [record.dn for record in records] == ["", ""]


def test_broken_values_are_counted_and_the_rest_kept() -> None:
    records, reader = read(b"dn: dc=x\nuid:: @@@@\ncn: kept\nsn: \xe9\njpegphoto:< file:///etc/passwd\nno colon\nb@d: 1\n\n")
    assert reasons(reader) == {"broken base64": 1, "not UTF-8": 1, "a value kept in another file": 1, "a line that is no LDIF": 2}
    assert records[0].attributes == {"cn": [b"kept"], "sn": [b"\xe9"]}
    assert ("broken base64", "uid") in records[0].faults and not reader.losses


def test_an_entry_without_a_readable_name_is_a_loss() -> None:
    records, reader = read("dn:: %%%\ncn: a\n\ndn: dc=x\ndc: x\n\n")
    assert [record.dn for record in records] == ["dc=x"] and reader.losses == ["broken base64"]


def test_changes_are_no_entries() -> None:
    text = "dn: dc=x\nchangetype: modify\nreplace: description\ndescription: a\n-\n\ndn: dc=y\nchangetype: delete\n\n"
    records, reader = read(text + "dn: dc=z\nchangetype: add\ndc: z\n\n")
    assert [(record.dn, record.change) for record in records] == [("dc=z", "add")]
    assert reasons(reader) == {"a record of a change, not of an entry": 2} and reader.losses


def test_a_cut_end_is_seen_wherever_the_cut_is() -> None:
    whole = "dn: dc=x\ndc: x\n\ndn: cn=a,dc=x\ncn: a\ndescription: twelve\n\n"
    for size in range(1, len(whole)):
        records, reader = read(whole[:size])
        if whole[:size].endswith("\n\n"):
            continue  # nothing can tell a file that ends between two entries
        assert not reader.closed, size
        if not whole[:size].endswith("\n"):
            assert reader.losses, size  # and no half value is believed
            assert all(record.attributes.get("description", [b"twelve"]) == [b"twelve"] for record in records)


def test_what_ldapsearch_says_of_its_search() -> None:
    head = "# extended LDIF\n#\n# LDAPv3\n# base <dc=x> with scope subtree\n# filter: (objectclass=*)\n# requesting: uid + \n#\n\n"
    entry = "# x\ndn: dc=x\n\n"
    tail = (
        "# search reference\nref: ldap://other/dc=z??sub\n\n# search result\nsearch: 2\nresult: {}\n\n# numResponses: 2\n# numEntries: {}\n"
    )
    _, reader = read(head + entry + tail.format("0 Success", 1))
    (section,) = reader.sections
    assert (section.base, section.scope, section.filter, section.requested) == ("dc=x", "sub", "(objectclass=*)", ("uid", "+"))
    assert section.ended and section.referrals == 1 and reader.closed and not reader.faults
    for result, count in (("4 Size limit exceeded", 1), ("0 Success", 2), ("nonsense", 1)):
        assert not read(head + entry + tail.format(result, count))[1].sections[0].ended
    assert not read(head + entry)[1].sections[0].ended


def test_pages_go_on_with_one_search_and_two_searches_stay_two() -> None:
    head = "# base <{}> with scope subtree\n# filter: (objectclass=*)\n# requesting: ALL\n\n"
    page = "dn: cn={},dc=x\ncn: a\n\n# search result\nsearch: 2\nresult: 0 Success\npagedresults: cookie={}\n"
    text = head.format("dc=x") + page.format("a", "AwA=") + head.format("dc=x") + page.format("b", "") + "\n# numEntries: 2\n"
    _, reader = read(text)
    assert len(reader.sections) == 1 and reader.sections[0].ended and reader.sections[0].requested == ("*",)
    _, reader = read(head.format("dc=x") + page.format("a", "AwA="))
    assert not reader.sections[0].ended
    _, reader = read(text + "\n" + head.format("cn=config"))
    assert [section.base for section in reader.sections] == ["dc=x", "cn=config"] and not reader.sections[1].ended


def test_entries_run_together_are_told_apart_and_counted() -> None:
    records, reader = read("dn: dc=x\ndc: x\ndn: dc=y\ndc: y\n\n")
    assert [record.dn for record in records] == ["dc=x", "dc=y"] and reasons(reader) == {"no empty line between entries": 1}


@given(st.binary(max_size=400) | st.text("dn: =,\n#:ABchangetypesearchresult\r 0123", max_size=300).map(str.encode))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    records, _ = read(data)
    assert all(isinstance(record.dn, str) for record in records)
