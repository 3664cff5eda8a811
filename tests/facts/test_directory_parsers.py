"""Parsers of directories under any input: an answer or ValueError, in time that grows with the input alone."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit.facts.directories.openldap_access import Access, Asker
from sovaudit.facts.directory import Directory
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse import acl_set, ber, dn, ldap_filter, ldap_times, olc_access
from sovaudit.facts.parse.posix_regex import compiled
from sovaudit.testing import directory_with

NAMES = st.text(alphabet='abcAB=,;+\\" 0fF#<>é\u0130ß\x00', max_size=40)
WHOLE = st.lists(st.from_regex(r"(cn|ou|UID) ?= ?[a-zA-Zé.-]{1,8}( [a-z]{1,4})?", fullmatch=True), min_size=1, max_size=4)
VALUES = st.lists(st.binary(max_size=30), max_size=4)
ENTRIES = st.dictionaries(st.from_regex(r"[a-z][a-zA-Z0-9;-]{0,12}", fullmatch=True), VALUES, max_size=5)
RULES = st.lists(
    st.sampled_from(
        "to by * none read write =rscxd +0 -w self users anonymous break continue stop dn.exact=cn=a dn.regex=^(.+,)?cn=$1 group=cn=g attrs=cn,entry "
        'filter=(cn=*) dn.subtree="dc=x y" '
        'peername.ip=10.0.0.1 ssf=128 set=user/cn val.regex=. dn.level{1}=dc=x dnattr=manager {0} " \\ selfwrite'.split(" ")
    ),
    max_size=14,
)


@given(st.binary(max_size=200))
def test_any_bytes_are_entries_or_an_error(data: bytes) -> None:
    with contextlib.suppress(ValueError, IndexError):
        list(ber.entries(data))


@given(st.text(max_size=20), ENTRIES)
def test_what_is_encoded_is_read_again(name: str, attributes: dict[str, list[bytes]]) -> None:
    name = name.encode("utf-8", "replace").decode()
    folded: dict[str, list[bytes]] = {}
    for key, values in attributes.items():
        folded.setdefault(key.lower(), []).extend(values)
    data = ber.encode(name, attributes)
    assert list(ber.entries(data + data)) == [(name, folded)] * 2


@given(st.text(max_size=10), ENTRIES, st.data())
def test_a_flipped_byte_is_an_error_or_another_entry(name: str, attributes: dict[str, list[bytes]], data: st.DataObject) -> None:
    raw = bytearray(ber.encode(name.encode("utf-8", "replace").decode(), attributes))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError, IndexError):
        list(ber.entries(bytes(raw)))
    directory = directory_with(accounts=[("cn=x", {"cn": ["x"]})])
    directory.evidence.artifacts["entries:accounts/0000"] = bytes(raw)  # type: ignore[index]
    with contextlib.suppress(Unseen):
        list(directory.entries("accounts"))
    with contextlib.suppress(Unseen):
        assert isinstance(directory.accounts, tuple)


@given(NAMES)
def test_a_name_has_one_spelling(name: str) -> None:
    once = dn.normal(name)
    dn.parts(name)
    dn.first_value(name)
    assert dn.normal(once) == once
    assert len(dn.parent(once)) <= len(once)
    assert dn.below(once, once)


@given(WHOLE, st.sampled_from([",", ", ", " , ", ";"]))
def test_a_whole_name_keeps_its_spelling(rdns: list[str], comma: str) -> None:
    once = dn.normal(comma.join(rdns))
    assert dn.normal(once) == once == dn.normal(", ".join(rdn.upper() for rdn in rdns))
    assert dn.parent(once) == dn.normal(",".join(rdns[1:]))


@given(
    st.sampled_from(["uid", "CN", "ou"]),
    st.text(alphabet='ab,+"\\ ;=<>#é', min_size=1, max_size=8),
    st.sampled_from(["dc=x", "ou=p, dc=x"]),
)
def test_escapes_and_spaces_do_not_make_another_name(key: str, value: str, base: str) -> None:
    def escaped(text: str) -> str:
        return "".join("\\" + character if character in ',+"\\;=<># ' else character for character in text)

    def hexed(text: str) -> str:
        return "".join(f"\\{byte:02x}" for byte in text.encode())

    assert dn.normal(f"{key}={escaped(value)},{base}") == dn.normal(f"{key.upper()} = {hexed(value)} , {base.upper()}")


@given(st.binary(max_size=24) | st.from_regex(rb"[0-9]{4,16}([.,][0-9]{0,3})?(Z|[+-][0-9]{2,4})?", fullmatch=True))
def test_any_time_is_a_moment_or_a_word(value: bytes) -> None:
    for moment in (ldap_times.generalized(value), ldap_times.filetime(value), ldap_times.epoch_days(value)):
        assert isinstance(moment, ldap_times.Special) or (isinstance(moment, datetime) and moment.utcoffset() is not None)
    with contextlib.suppress(ValueError):
        ldap_times.interval_seconds(value)


@given(st.binary(max_size=12).map(lambda data: b"%d" % int.from_bytes(data, "big", signed=True)))
def test_10_to_12_any_number_is_a_moment(value: bytes) -> None:
    ldap_times.filetime(value, zero=ldap_times.Special.MUST_CHANGE)
    ldap_times.epoch_days(value)
    ldap_times.interval_seconds(value)


@given(RULES, st.text(max_size=30))
@settings(max_examples=300)
def test_any_words_are_rules_or_an_error(tokens: list[str], more: str) -> None:
    for text in (" ".join(tokens), f"to {' '.join(tokens)} by * none", f"to * by {more} read", more):
        with contextlib.suppress(ValueError):
            rules = olc_access.rules([text])
            answer = Access(rules, lambda *_: None).may("r", "cn=a,dc=x", "cn", Asker("cn=b,dc=x"))
            assert answer.allowed in (True, False) or answer.allowed


@given(st.text(alphabet="ab.*+?()[]{}|^$\\,:1=", max_size=24), st.text(alphabet="ab,=1", max_size=30))
@settings(max_examples=400)
def test_any_expression_is_answered_at_once(expression: str, text: str) -> None:
    with contextlib.suppress(ValueError):
        pattern = compiled(expression)
        began = time.process_time()
        pattern.search(text)
        assert time.process_time() - began < 0.5


@given(st.binary(max_size=300))
def test_any_searches_are_facts_or_unseen(data: bytes) -> None:
    directory = directory_with(accounts=[("cn=x", {"cn": ["x"]})])
    directory.evidence.artifacts["searches"] = data  # type: ignore[index]
    for question in (lambda: directory.accounts, lambda: directory.policies, lambda: directory.admins, lambda: directory.gap("accounts")):
        with contextlib.suppress(Unseen):
            question()


def test_time_grows_with_the_input_alone() -> None:
    for made in (
        lambda size: dn.normal("cn=" + "\\," * size + ",dc=x"),
        lambda size: dn.normal(",".join(["ou=a"] * size)),
        lambda size: dn.normal('cn="' + "a" * size),
        lambda size: dn.normal("cn=a" + " " * size + ",dc=x"),
        lambda size: list(ber.entries(ber.encode("cn=x", {"cn": [b"x"] * size}))),
        lambda size: olc_access.words('"' * size),
        lambda size: olc_access.words("a " * size),
    ):
        began = time.process_time()
        made(20_000)
        assert time.process_time() - began < 1.0


def test_an_expression_that_would_take_for_ever_is_refused() -> None:
    for expression in ("(a+)+$", "(a*)*b", "((a|b)*c?)*d", "(x+x+)+y", "a**", "(a{1,9}){1,9}", "x" * 2000):
        with contextlib.suppress(ValueError):
            compiled(expression)
            raise AssertionError(expression)


def test_directory_of_nothing() -> None:
    assert isinstance(directory_with(), Directory)


@pytest.mark.parametrize(
    ("text", "kind", "attributes"),
    [
        ("(uid=bob)", "equal", {"uid"}),
        ("uid=bob", "equal", {"uid"}),
        ("( & (uid=bob) (!(cn=a*b*)) )", "and", {"uid", "cn"}),
        ("(|(mail=*)(uidNumber>=0)(sn~=x))", "or", {"mail", "uidnumber", "sn"}),
        ("(cn:caseExactMatch:=x)", "other", {"*"}),
        ("(&)", "and", set()),
    ],
)
def test_filters(text: str, kind: str, attributes: set[str]) -> None:
    found = ldap_filter.parse(text)
    assert found.kind == kind and found.attributes() == attributes


def test_values_of_filters_are_unescaped() -> None:
    assert ldap_filter.parse("(cn=a\\2ab\\5c)").values == ("a*b\\",)
    assert ldap_filter.parse("(cn=a*b)").values == ("a", "b")


@pytest.mark.parametrize("text", ["", "(", "(uid=bob", "(uid=bob))", "(!(a=b)(c=d))", "(&(a=b)" * 80, "(a=b)(c=d)"])
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(ValueError, match=r"filter|end"):
        ldap_filter.parse(text)


GROUPS = {
    ("cn=a", "member"): {"cn=b", "uid=x"}, ("cn=b", "member"): {"cn=a", "uid=y"}, ("uid=x", "uid"): {"x"}, ("cn=t", "owner"): {"uid=y"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "user", "holds"),
    [
        ("[cn=a]/member & user", "uid=x", True),
        ("[cn=a]/member & user", "uid=y", False),
        ("[cn=a]/member* & user", "uid=y", True),
        ("user&[cn=a]->member->member", "uid=y", True),
        ("this/owner & user", "uid=y", True),
        ("this->owner & user", "uid=x", False),
        ("[cn=a]/member & [cn=t]/owner | [uid=z] & user", "uid=z", True),
        ("[cn=a]/member & ([cn=t]/owner | [uid=z]) & user", "uid=z", False),
        ("[uid=] + user/uid & user", "uid=x", True),
        ("user/-1 & [ou=p]", "uid=x,ou=p", True),
        ("user/-* & [ou=p]", "uid=x,cn=y,ou=p", True),
    ],
)
def test_sets(text: str, user: str, holds: bool) -> None:
    found = acl_set.evaluate(acl_set.parse(text), user, "cn=t", lambda dn, name: frozenset(GROUPS.get((dn, name), ())))
    assert bool(found) is holds


@pytest.mark.parametrize(
    "text", ["", "user user", "this user", "[a", "(user", "user)", "user &", "& user", "/member", "member", "user/", "user " * 90]
)
def test_what_is_no_set(text: str) -> None:
    with pytest.raises(ValueError, match="set"):
        acl_set.parse(text)
