"""Servers that answer in parts, half, wrongly or for ever: one clear gap each, what came is kept, and nothing looks complete that is not."""

from __future__ import annotations

import time

import pytest
from sovaudit.content.checks.password_policy.directory_min_length import directory_min_length

from sovaudit.facts.directory import Directory
from sovaudit.facts.parse import ber
from sovaudit.model.verdict import Reason
from sovaudit.testing import run
from tests.directories.ldap_fake import BASE, Asked, collected, cookie, done, entry, only

ACCOUNTS, GROUPS = ("pwdPolicySubentry", "uidNumber"), ("memberUid", "roleOccupant")
PEOPLE = [ber.encode(f"uid=u{number},{BASE}", {"objectClass": [b"inetOrgPerson"], "uid": [b"u%d" % number]}) for number in range(5)]
GROUP = f"cn=big,ou=groups,{BASE}"


def all_of_them(asked: Asked) -> bytes:
    return b"".join(entry(asked.number, one) for one in PEOPLE) + done(asked.number)


def names(directory: Directory, search: str = "accounts") -> list[str]:
    return [found.dn for found in directory.entries(search)]


def test_a_whole_answer() -> None:
    directory = Directory(collected(only(ACCOUNTS, all_of_them)))
    assert len(names(directory)) == 5 and directory.gap("accounts") is None


def test_35_attributes_in_parts_are_read_to_the_end() -> None:
    def answer(asked: Asked) -> bytes:
        if asked.base != GROUP:
            row = {"objectClass": [b"groupOfNames"], "cn": [b"big"], "member": [], "member;range=0-1": [b"uid=u0", b"uid=u1"]}
            return entry(asked.number, ber.encode(GROUP, row)) + done(asked.number)
        at = int(asked.attributes[0].partition("range=")[2].partition("-")[0])
        last = at >= 4
        part = ber.encode(
            GROUP, {f"member;range={at}-{'*' if last else at + 1}": [b"uid=u%d" % at, b"uid=u%d" % (at + 1)][: 1 if last else 2]}
        )
        return entry(asked.number, part) + done(asked.number)

    directory = Directory(
        collected(lambda asked: answer(asked) if asked.base == GROUP or set(GROUPS) <= set(asked.attributes) else done(asked.number))
    )
    values = [
        value
        for found in directory.entries("groups")
        for name in found.attributes
        if name.startswith("member")
        for value in found.values(name)
    ]
    assert sorted(values) == [b"uid=u%d" % number for number in range(5)] and directory.gap("groups") is None


def test_35_a_part_that_cannot_be_read_is_said() -> None:
    def answer(asked: Asked) -> bytes:
        if asked.base == GROUP:
            return done(asked.number, 50)
        if not set(GROUPS) <= set(asked.attributes):
            return done(asked.number)
        return entry(asked.number, ber.encode(GROUP, {"objectClass": [b"groupOfNames"], "member;range=0-1": [b"uid=u0"]})) + done(
            asked.number
        )

    gap = Directory(collected(answer)).gap("groups")
    assert gap is not None and gap.reason is Reason.TRUNCATED and "member" in gap.detail


@pytest.mark.parametrize("code", [3, 4, 11])
def test_6_a_limit_never_looks_like_the_end(code: int) -> None:
    evidence = collected(only(ACCOUNTS, lambda asked: entry(asked.number, PEOPLE[0]) + done(asked.number, code, "enough")))
    directory = Directory(evidence)
    gap = directory.gap("accounts")
    assert names(directory) == [f"uid=u0,{BASE}"] and gap is not None and gap.reason is Reason.TRUNCATED
    assert evidence.status.value == "partial"
    assert "pass" not in {outcome.verdict.value for outcome in run(directory_min_length, directory)}


def test_6_the_code_of_every_page_counts() -> None:
    pages: list[int] = []

    def answer(asked: Asked) -> bytes:
        pages.append(1)
        if len(pages) == 1:
            return entry(asked.number, PEOPLE[0]) + done(asked.number, controls=cookie(b"next"))
        return entry(asked.number, PEOPLE[1]) + done(asked.number, 4)

    directory = Directory(collected(only(ACCOUNTS, answer)))
    assert len(names(directory)) == 2 and directory.gap("accounts") is not None and directory.result("accounts") == 4


def test_21_references_are_counted_and_not_followed() -> None:
    def answer(asked: Asked) -> bytes:
        reference = ber.element(0x73, ber.element(0x04, b"ldap://127.0.0.1:1/dc=trap"))
        return entry(asked.number, PEOPLE[0]) + entry(asked.number, reference) * 3 + done(asked.number)

    directory = Directory(collected(only(ACCOUNTS, answer)))
    assert directory.searches["accounts"]["referrals"] == 3 and len(names(directory)) == 1


BROKEN = {
    "closed half-way": lambda asked: None,
    "an answer that ends in the middle": lambda asked: (entry(asked.number, PEOPLE[0]) + done(asked.number))[:-9],
    "no LDAP at all": lambda asked: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a length that goes on": lambda asked: b"\x30\x89" + b"\xff" * 9,
    "an answer of two gigabytes": lambda asked: b"\x30\x84\x7f\xff\xff\xff" + b"x" * 100,
    "a notice of disconnection": lambda asked: ber.element(0x30, ber.integer(0) + ber.element(0x78, b"\x0a\x01\x34\x04\x00\x04\x00")),
    "an operation that nobody knows": lambda asked: ber.element(0x30, ber.integer(asked.number) + ber.element(0x7E, b"")),
    "an empty message": lambda asked: b"\x30\x00",
    "a message of nonsense": lambda asked: b"\x30\x06" + b"\x04\x04abcd",
    "entries that lie about their lengths": lambda asked: entry(asked.number, b"\x64\x08\x04\x7fabcdef") + done(asked.number),
    "entries of nothing": lambda asked: entry(asked.number, b"\x64\x00") + done(asked.number),
    "attributes that end outside": lambda asked: entry(asked.number, b"\x64\x0a\x04\x01a\x30\x05\x30\x20\x04\x01b") + done(asked.number),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_one_gap_and_no_pass(name: str) -> None:
    evidence = collected(only(ACCOUNTS, BROKEN[name]))
    directory = Directory(evidence)
    found = run(directory_min_length, directory)
    assert not {outcome.verdict.value for outcome in found} & {"pass", "not_applicable", "error"}, found
    assert (all("\n" not in gap.detail for gap in evidence.gaps) and evidence.gaps) or name.startswith(("entries", "attributes"))


def test_a_server_that_never_ends_is_left_in_time() -> None:
    def drip(asked: Asked) -> bytes:
        time.sleep(0.2)
        return entry(asked.number, PEOPLE[0]) + done(asked.number, controls=cookie(b"again"))

    began = time.monotonic()
    evidence = collected(only(ACCOUNTS, drip), host_timeout_s=2)
    assert time.monotonic() - began < 12
    gap = Directory(evidence).gap("accounts")
    assert gap is not None and gap.reason is Reason.TRUNCATED


def test_a_server_that_sends_too_much_is_cut() -> None:
    big = ber.encode(f"uid=big,{BASE}", {"objectClass": [b"person"], "cn": [b"x" * 100_000]})

    def flood(asked: Asked) -> bytes:
        return entry(asked.number, big) * 20 + done(asked.number, controls=cookie(b"again"))

    evidence = collected(only(ACCOUNTS, flood), max_bytes=1_000_000)
    assert "--max-bytes" in evidence.error and "\n" not in evidence.error
    gap = Directory(evidence).gap("accounts")
    assert gap is not None and gap.reason is Reason.TRUNCATED and sum(map(len, evidence.artifacts.values())) < 6_000_000


def test_a_large_value_and_bytes_that_are_no_text() -> None:
    row = ber.encode(
        f"uid=\udcff\udcfe,{BASE}", {"objectClass": [b"person"], "cn": [b"x" * 1_000_000], "uid": [b"\xff\xfe\x00"], "mail": [b"\x1b[31m"]}
    )
    directory = Directory(collected(only(ACCOUNTS, lambda asked: entry(asked.number, row) + done(asked.number))))
    (account,) = directory.accounts
    assert len(directory.entry_of(account).text("cn")) == 1_000_000
    assert "error" not in {outcome.verdict.value for outcome in run(directory_min_length, directory)}


def test_secrets_are_dropped_whoever_sends_them() -> None:
    row = {"objectClass": [b"person"], "userPassword": [b"{SSHA}sEcReT=="], "USERPASSWORD;lang-fr": [b"sEcReT"], "oathSecret": [b"sEcReT"],
           "olcRootPW": [b"sEcReT"], "pwdHistory": [b"2026#1.3#6#sEcReT"], "krbPrincipalKey": [b"sEcReT"], "unicodePwd": [b"sEcReT"],
           "description": [b"userPassword"]}  # fmt: skip

    def answer(asked: Asked) -> bytes:
        return entry(asked.number, ber.encode(f"uid=u,{BASE}", row)) + done(asked.number)

    evidence = collected(answer)
    held = b"".join(evidence.artifacts.values())
    assert b"sEcReT" not in held and b"{SSHA}" in held


def test_22_and_23_names_of_the_target_never_become_filters() -> None:
    odd = f"uid=*)(objectClass=*,cn=Doe\\, Jane (x)*,{BASE}"
    sent: list[bytes] = []

    def answer(asked: Asked) -> bytes:
        sent.append(asked.raw)
        row = {"objectClass": [b"inetOrgPerson"], "uid": [b"*)(objectClass=*"], "member": [], "member;range=0-0": [b"x"]}
        return (entry(asked.number, ber.encode(odd, row)) if asked.base == BASE else b"") + done(asked.number)

    collected(answer)
    begin = [raw for raw in sent if b"range=" in raw]
    assert begin and all(b"*)(objectClass=*" not in raw.replace(odd.encode(), b"") for raw in sent)
