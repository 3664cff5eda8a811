"""doas.conf(5); the truth is in tests/truth/test_doas.py."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit.facts.parse.doas_conf import Refused, parse_doas


def test_a_rule() -> None:
    (rule,) = parse_doas('# x\npermit nopass setenv { A=b -C } :wheel as root cmd /bin/ls args "-l a" b\n', "/etc/doas.conf")
    assert (rule.permit, rule.nopass, rule.keepenv, rule.setenv, rule.ident) == (True, True, False, ("A=b", "-C"), ":wheel")
    assert (rule.target, rule.command, rule.args, rule.line.number) == ("root", "/bin/ls", ("-l a", "b"), 2)


@pytest.mark.parametrize(
    "text", ["permit alice", "deny nopass alice\n", "permit nopass persist alice\n", 'permit "alice\n', "permit alice nopass\n", "x\n"]
)
def test_one_mistake_refuses_the_file(text: str) -> None:
    with pytest.raises(Refused):
        parse_doas("permit root\n" + text, "/etc/doas.conf")


@given(
    st.lists(
        st.sampled_from(["permit", "deny", "alice", "as", "cmd", "args", "nopass", "setenv", "{", "}", "\n", "\\", '"', " ", "#", "\0", ""])
    )
)
def test_it_ends(words: list[str]) -> None:
    with suppress(Refused):
        assert all(rule.line.number >= 1 for rule in parse_doas(" ".join(words), "x"))
