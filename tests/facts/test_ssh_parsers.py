"""sshd_config, patterns, authorized_keys, passwd lines and sshd's arguments: edges, and no input crashes or hangs."""

# ruff: noqa: E501 - a case is one line
from __future__ import annotations

import base64
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit.facts.authorized_keys import parse_keys
from sovaudit.facts.parse.passwd import passwd_fields
from sovaudit.facts.parse.sshd_config import Reader, delimit, split_arguments
from sovaudit.facts.parse.sshd_values import seconds
from sovaudit.facts.ssh_daemon import parse_arguments
from sovaudit.facts.sshd_defaults import Version, version_of
from sovaudit.facts.sshd_match import Connection, Settings
from sovaudit.facts.sshd_patterns import examples, match_address_list, match_host_and_address, match_list, match_pattern, match_user
from sovaudit.model.finding import Line
from tests.checks.ssh_world import KEY

NEW: Version = (9, 2)
OLD: Version = (8, 4)


def lines(text: str, path: str = "/etc/ssh/sshd_config") -> tuple[Line, ...]:
    return tuple(Line(path, number, row) for number, row in enumerate(text.split("\n"), 1))


def settings(text: str, version: Version = NEW) -> Settings:
    return Settings(Reader(lambda path: lines(text, path), lambda pattern: (), version).read("/etc/ssh/sshd_config"), version)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b", ["a", "b"]), ("  'a b'  \"c\"", ["a b", "c"]), ("a#b c # d", ["a#b", "c"]), ("'a", None), ("a\\ b", ["a b"]), ("a'b'c", ["abc"]),
        ('"a\\"b"', ['a"b']), ("a\\b", ["a\\b"]), ("''", [""]), ("", []),
    ],
)  # fmt: skip
def test_arguments(text: str, words: list[str] | None) -> None:
    assert split_arguments(text) == words


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("a b c", ("a", "b c")),
        ("a=b", ("a", "b")),
        ("a = b", ("a", "b")),
        ("a==b", ("a", "=b")),
        ('"a" b', ("a", "b")),
        ("a", ("a", None)),
        ('"a', (None, None)),
    ],
)
def test_delimit(text: str, pair: tuple[str, str]) -> None:
    assert delimit(text) == pair


@pytest.mark.parametrize(
    ("text", "pattern", "answer"),
    [
        ("bob", "bob", True), ("bob", "b?b", True), ("bob", "b*", True), ("bob", "*b*b*", True), ("bob", "B*", False), ("", "*", True), ("", "?", False),
        ("abc", "a**c", True), ("ab", "a?b", False), ("aXbXc", "a?b?c", True), ("aaab", "*a?b", True),
    ],
)  # fmt: skip
def test_pattern(text: str, pattern: str, answer: bool) -> None:
    assert match_pattern(text, pattern) is answer


def test_lists() -> None:
    assert match_list("bob", "!bob,*") == -1
    assert match_list("carol", "!bob") == 0
    assert match_address_list("10.0.0.1", "10.0.0.0/8,!10.0.0.1") == -1
    assert match_address_list("10.0.0.1", "10.0.0.1/8") == -2
    assert match_address_list("::1", "0.0.0.0/0") == 0
    assert match_user("bob", "h", "10.0.0.1", "bob@10.0.0.0/8")
    assert not match_user("!bob", "h", "10.0.0.1", "!bob@1.1.1.1")
    assert match_host_and_address("pc.corp", "10.0.0.1", "!10.0.0.2,*.corp")
    assert not match_host_and_address("pc.corp", "10.0.0.1", "!*.corp,10.0.0.1")


def test_examples_match_what_they_stand_for() -> None:
    for patterns in ("10.0.0.0/8", "10.1.*", "2001:db8::/32", "192.0.2.7", "*.corp.example", "10.0.0.?"):
        found = examples(patterns)
        assert found, patterns
        assert all(match_host_and_address(text, text, patterns) for text in found)


def test_old_versions_cut_comments_off_first() -> None:
    assert not settings("PermitRootLogin no # never\n").config.refusals
    assert not settings("PermitRootLogin no#never\n", OLD).config.refusals
    assert settings("PermitRootLogin no#never\n").config.refusals
    assert settings("AllowUsers bob # carol\n", OLD).outside.words("allowusers") == ("bob",)


def test_old_versions_know_two_words_for_typed_answers() -> None:
    assert settings("KbdInteractiveAuthentication no\n", OLD).outside.yes("kbdinteractiveauthentication")
    assert not settings("ChallengeResponseAuthentication no\n", OLD).outside.yes("kbdinteractiveauthentication")
    assert not settings("KbdInteractiveAuthentication no\n").outside.yes("kbdinteractiveauthentication")


def test_keywords_come_with_versions() -> None:
    assert settings("RequiredRSASize 3072\n", OLD).config.refusals
    assert settings("PerSourcePenalties no\n").config.refusals
    assert not settings("PerSourcePenalties no\n", (10, 0)).config.refusals
    assert settings("Match Invalid-User\nRefuseConnection yes\n", (10, 0)).under(frozenset()).get("refuseconnection") == "no"


def test_sha1_left_the_default_with_8_8() -> None:
    assert "ssh-rsa" in settings("", OLD).outside.get("pubkeyacceptedalgorithms").split(",")
    assert "ssh-rsa" not in settings("").outside.get("pubkeyacceptedalgorithms").split(",")


def test_any_in_two_matching_blocks_ends_the_connection() -> None:
    some = settings("Match User bob\nAuthenticationMethods publickey\nMatch Group staff\nAuthenticationMethods any\n")
    met = some.met(Connection(), "bob", frozenset({"staff"}))
    assert some.under(met).yes("refuseconnection")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1:9.2p1-2+deb12u5", (9, 2)), ("1:8.4p1-5+deb11u3", (8, 4)), ("8.7p1-38.el9", (8, 7)), ("OpenSSH_10.0p2 Debian-7, OpenSSL 3.5", (10, 0)),
        ("nothing", None),
    ],
)  # fmt: skip
def test_versions(text: str, version: Version | None) -> None:
    assert version_of(text) == version


def test_times() -> None:
    assert [seconds(text) for text in ("90", "2m", "1h30m", "1w", "x", "1x", "")] == [90, 120, 5400, 604800, None, None, None]


def test_daemon_arguments() -> None:
    words = "/usr/sbin/sshd -D -f /etc/x -oUsePAM=no -o PermitRootLogin yes -p 2222 -De".split()
    daemon = parse_arguments(words, Line("", 0, ""), 7)
    assert (daemon.config, daemon.options, daemon.ports) == ("/etc/x", ("UsePAM=no", "PermitRootLogin yes"), (2222,))


def keys_of(text: str) -> list[str]:
    return [key.kind for key in parse_keys(lines(text))]


@pytest.mark.parametrize(
    ("options", "usable"),
    [
        ("", True), ("restrict ", True), ('command="a b" ', True), ('command="a \\" b",no-pty ', True), ("nothing ", False), ("restrict, ", True),
        ('command="a" command="b" ', False), ('command="a",command="b" ', False), ('from="x",from="y" ', False), ('expiry-time="20300101" ', True),
        ('expiry-time="soon" ', False), ('principals="x" ', False), ('cert-authority,principals="x" ', True), ("NO-PTY ", True), ("no-restrict ", False),
        ('command="open ', False), ("command ", False), ('environment="A=b" ', True),
    ],
)  # fmt: skip
def test_key_options(options: str, usable: bool) -> None:
    assert bool(keys_of(options + KEY)) is usable


def test_keys_that_are_none() -> None:
    assert keys_of("#" + KEY) == []
    assert keys_of("  " + KEY) == ["ssh-ed25519"]
    assert keys_of(KEY.replace("AAAA", "AAAB", 1)) == []
    assert keys_of("ssh-ed25519 AAAA x\nssh-rsa AAAA y\nnot a key\n") == []
    short = base64.b64encode(b"\0\0\0\7ssh-rsa\0\0\0\3\1\0\1" + (64).to_bytes(4, "big") + b"\x7f" * 64).decode()
    assert keys_of(f"ssh-rsa {short} x") == []


def test_expiry_near_the_hour_is_uncertain() -> None:
    at = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    for text, answer in (("20260601", None), ("20260530", True), ("20260603", False), ("202606011159Z", True), ("202606011201Z", False)):
        (key,) = parse_keys(lines(f'expiry-time="{text}" {KEY}'))
        assert key.expired(at) is answer, text


@given(st.text())
def test_no_configuration_crashes(text: str) -> None:
    some = settings(text)
    for match in some.matches:
        some.under(some.met(Connection(), "bob", frozenset({"bob"})) | {match})
    settings(text, OLD)


_WORDS = st.sampled_from(
    "Match User Group Address all bob 10.0.0.0/8 !x,* = \" ' # PermitRootLogin no AllowUsers Include AuthenticationMethods any".split()
)


@given(st.lists(st.lists(_WORDS, max_size=6).map(" ".join), max_size=12).map("\n".join))
def test_no_likely_configuration_crashes(text: str) -> None:
    some = settings(text)
    some.under(some.met(Connection(), "bob", frozenset({"bob"})))


@given(st.text(), st.text())
def test_no_pattern_crashes(text: str, pattern: str) -> None:
    match_pattern(text, pattern)
    match_list(text, pattern)
    match_address_list(text, pattern)
    examples(pattern)


@given(st.text())
def test_no_keys_line_crashes(text: str) -> None:
    list(parse_keys(lines(text + KEY)))
    list(parse_keys(lines('command="' + text + '" ' + KEY)))
    passwd_fields(text)
    parse_arguments(text.split(), Line("", 0, ""))


def test_hostile_patterns_take_no_time() -> None:
    start = time.process_time()
    match_pattern("a" * 2000, "*a" * 400 + "b")
    examples("*?" * 500 + ",10.0.0.0/8" * 500)
    assert time.process_time() - start < 2


def test_includes_that_multiply_are_a_gap_and_no_refusal() -> None:
    def some(path: str) -> tuple[Line, ...]:
        return lines("Include x\n" * 9, path)

    start = time.process_time()
    config = Reader(some, lambda pattern: ["/a", "/b", "/c"], NEW).read("/etc/ssh/sshd_config")
    assert config.gaps or config.refusals
    assert time.process_time() - start < 10


def test_long_configuration_is_a_gap() -> None:
    config = settings("MaxAuthTries 3\n" * 100_001).config
    assert config.gaps
    assert not config.refusals
