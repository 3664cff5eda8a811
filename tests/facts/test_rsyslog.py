from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit.facts.parse.rsyslog_legacy import FACILITIES, RefusedError, decode_action, decode_property_filter, decode_selector, matches
from sovaudit.facts.rsyslog import Message, route
from sovaudit.facts.rsyslog_config import load
from sovaudit.facts.rsyslog_model import DEFAULT_RULESET, Configuration
from sovaudit.facts.rsyslog_text import compare_text
from sovaudit.testing import host_with

AUTH, AUTHPRIV = FACILITIES.index("auth"), FACILITIES.index("authpriv")


def config(text: str, **files: str) -> Configuration:
    found = load(host_with({"/etc/rsyslog.conf": text, **{f"/etc/rsyslog.d/{name}": more for name, more in files.items()}}).files)
    assert found is not None
    return found


def targets(text: str, message: Message) -> tuple[set[str], set[str]]:
    """Where the message certainly goes, and where it may go."""
    routing = route(config(text), message, DEFAULT_RULESET)
    return {place.target for place in routing.certain}, {place.target for place in routing.possible}


LOGIN = Message(AUTH, 6, "sshd", "Accepted publickey for {user} from {address} port {port} ssh2")


@pytest.mark.parametrize(
    ("selector", "auth_info", "authpriv_info", "auth_err"),
    [
        ("*.*", True, True, True), ("auth.*", True, False, True), ("auth,authpriv.*", True, True, True),
        ("*.*;auth,authpriv.none", False, False, False),
        ("*.*;auth.none", False, True, False), ("auth.=info", True, False, False), ("auth.!err;authpriv.info", False, True, False),
        ("auth.!=err", False, False, False), ("*.err", False, False, True), ("auth.none;*.*", True, True, True), ("security.info", True, False, True),

        ("auth.!none", True, False, True), ("*.*;auth.!err", True, True, False), ("*.*;auth.NONE", False, True, False),
        ("*.!*", False, False, False), ("", False, False, False), ("auth", False, False, False),
    ],
)  # fmt: skip
def test_selectors(selector: str, auth_info: bool, authpriv_info: bool, auth_err: bool) -> None:
    mask = decode_selector(selector)
    assert (matches(mask, AUTH, 6), matches(mask, AUTHPRIV, 6), matches(mask, AUTH, 3)) == (auth_info, authpriv_info, auth_err)


@pytest.mark.parametrize(
    ("text", "kind", "target", "protocol", "port"),
    [
        ("/var/log/x", "file", "/var/log/x", "", ""), ("-/var/log/x;Fmt", "file", "/var/log/x", "", ""), ("@host", "forward", "host", "udp", ""),
        ("@@host:6514;F", "forward", "host", "tcp", "6514"), ("@(o,z9)host", "forward", "host", "udp", ""),
        ("@[fe80::1]:99", "forward", "fe80::1", "udp", "99"),
        ("?Dyn", "dynafile", "Dyn", "", ""), ("-?Dyn;F", "dynafile", "Dyn", "", ""), ("|/run/pipe", "pipe", "/run/pipe", "", ""),
        ("~", "discard", "", "", ""),
        (":omusrmsg:*", "users", "*", "", ""), ("root,bob", "users", "root,bob", "", ""), ("^/bin/x;F", "shell", "/bin/x", "", ""),
        (":omrelp:host:20514", "module", "host:20514", "", ""),
    ],
)  # fmt: skip
def test_actions(text: str, kind: str, target: str, protocol: str, port: str) -> None:
    action = decode_action(text)
    assert (action.kind, action.target, action.protocol, action.port) == (kind, target, protocol, port)


@pytest.mark.parametrize("text", ["/var/log/x y", "@(ohost", "@[fe80::1", "@", "-", "/var/log/x\tz y"])
def test_actions_that_rsyslog_refuses(text: str) -> None:
    with pytest.raises(RefusedError):
        decode_action(text)


def test_a_condition_that_cannot_be_decided_opens_two_worlds() -> None:
    text = 'if $hostname == "web1" then /a\nelse /b\n*.* /c\n'
    certain, possible = targets(text, LOGIN)
    assert certain == {"/c"}
    assert possible == {"/a", "/b", "/c"}
    routing = route(config(text), LOGIN, DEFAULT_RULESET)
    assert routing.lands(lambda place: place.target in ("/a", "/b")) is True  # whichever way it falls
    assert routing.lands(lambda place: place.target == "/a") is None
    assert routing.lands(lambda place: place.target == "/d") is False


def test_the_same_condition_falls_the_same_way() -> None:
    routing = route(config('if $hostname == "x" then /a\nif $hostname == "x" then /b\n'), LOGIN, DEFAULT_RULESET)
    assert {frozenset(place.target for place in world) for world in routing.worlds} == {frozenset(), frozenset({"/a", "/b"})}


def test_too_many_open_conditions_decide_nothing() -> None:
    text = "".join(f'if $hostname == "h{number}" then stop\n' for number in range(100)) + "*.* /a\n"
    routing = route(config(text), LOGIN, DEFAULT_RULESET)
    assert not routing.complete
    assert routing.lands(lambda place: place.target == "/a") is None


def test_rulesets_that_call_each_other_end() -> None:
    text = 'ruleset(name="aa") {\n call bb\n}\nruleset(name="bb") {\n call aa\n}\ncall aa\n*.* /c\n'
    assert not route(config(text), LOGIN, DEFAULT_RULESET).complete


def test_only_every_third_message_is_not_every_message() -> None:
    routing = route(config('action(type="omfile" file="/a" action.execOnlyEveryNthTime="3")\n'), LOGIN, DEFAULT_RULESET)
    assert routing.lands(lambda place: place.target == "/a") is None


@pytest.mark.parametrize(
    ("operation", "wanted", "held"),
    [
        ("contains", "Accepted", True), ("contains", "Failed", None), ("contains", "alice", None), ("contains", "[UFW BLOCK]", False),
        ("contains", "from", True),
        ("contains", "for alice from", None), ("startswith", "Accepted publickey", True), ("startswith", "Accepted publickey for bob", None),
        ("startswith", "Failed", False), ("endswith", "ssh2", True), ("endswith", "ssh1", False), ("isempty", "", False),
        ("isequal", "Accepted publickey for bob from 10.0.0.1 port 22 ssh2", None), ("isequal", "Accepted", False), ("regex", "Acc.*ed", True),
    ],
)  # fmt: skip
def test_texts_with_holes(operation: str, wanted: str, held: bool | None) -> None:
    assert compare_text(operation, LOGIN.text, wanted) is held


def test_patterns_that_could_run_long_do_not() -> None:
    assert compare_text("ereregex", "a" * 60, "(a+)+b") is False
    assert compare_text("regex", "a" * 60, "\\(a*\\)*b") is False
    assert compare_text("ereregex", "a" * 60, "(a)\\1") is None


def test_property_filters() -> None:
    wanted = decode_property_filter(':programname, !startswith, "ss\\"h"')
    assert (wanted.name, wanted.operation, wanted.negated, wanted.value) == ("programname", "startswith", True, 'ss"h')


def test_what_was_not_seen_of_the_includes_is_said() -> None:
    host = host_with(
        {"/etc/rsyslog.conf": "$IncludeConfig /etc/rsyslog.d/*.conf\n*.* /a\n", "/etc/rsyslog.d/a.conf": "x"},
        unseen=["/etc/rsyslog.d/a.conf"],
    )
    found = load(host.files)
    assert found is not None
    assert [gap.item for gap in found.gaps] == ["file:/etc/rsyslog.d/a.conf"]


def test_no_file_no_configuration() -> None:
    assert load(host_with().files) is None


def test_a_file_that_includes_itself_is_read_once() -> None:
    found = config("$IncludeConfig /etc/rsyslog.d/*.conf\n*.* /c\n", **{"a.conf": "$IncludeConfig /etc/rsyslog.d/*.conf\nauth.* /a\n"})
    assert not found.gaps


def test_deep_nesting_ends() -> None:
    assert config("if 1 then {\n" * 5000).problems
    assert config("if " + "(" * 5000 + "1" + ")" * 5000 + " then stop\n").problems
    assert config("if " + "not " * 5000 + "1 then stop\n").problems


WORDS = st.sampled_from(
    "if then else stop call set unset reset foreach do in continue & { } ( ) [ ] \" ' ; = == $msg $programname $!x $.x $syslogseverity"
    ' "sshd" 4 and or not'
    ' contains startswith auth.* *.* authpriv,auth.info;mail.none /var/log/a -/var/log/b @host @@host:1 ~ ?dyn :msg,contains,"x" action(type="omfile"'
    ' file="/a") ruleset(name="r") module(load="imuxsock") include(file="/etc/rsyslog.d/*.conf") $IncludeConfig'
    " /etc/rsyslog.d/ $FileCreateMode 0600 $RuleSet"
    " /* */ # \\".split(" ")
)


@given(st.lists(st.tuples(WORDS, st.sampled_from([" ", "\n", "", "\t"]))))
def test_no_configuration_crashes_it(parts: list[tuple[str, str]]) -> None:
    text = "".join(word + blank for word, blank in parts)
    found = config(text, **{"a.conf": text})
    for severity in (1, 6):
        routing = route(found, Message(AUTH, severity, "sshd", "x {user}"), DEFAULT_RULESET)
        assert routing.certain <= routing.possible


@given(st.text())
def test_no_text_crashes_it(text: str) -> None:
    found = config(text)
    route(found, LOGIN, DEFAULT_RULESET)


@given(st.text(alphabet="auth*.;,!=none infopriv\t "))
def test_no_selector_crashes_it(text: str) -> None:
    assert all(0 <= bits <= 255 for bits in decode_selector(text))
