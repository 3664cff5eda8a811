"""Passwords made of a dictionary word are refused."""

from __future__ import annotations

import pytest
from sovaudit.content.checks.password_policy.dictionary import dictionary

from sovaudit.testing import host_with, run, verdicts

MODULES = {f"/usr/lib/x86_64-linux-gnu/security/pam_{name}.so": "" for name in ("pwquality", "unix", "deny", "passwdqc")}
WORDS = {"/var/cache/cracklib/cracklib_dict.pwd": "x" * 20000, "/var/cache/cracklib/cracklib_dict.pwi": "x" * 2000}
STACK = "password requisite pam_pwquality.so {}\npassword required pam_unix.so use_authtok\n"


def answer(arguments: str = "", words: dict[str, str] = WORDS, stack: str = STACK, **files: str) -> tuple[str, str]:
    text = stack.format(arguments)
    found = verdicts(run(dictionary, host_with({"/etc/pam.d/passwd": text, "/etc/pam.d/chpasswd": text, **MODULES, **words, **files})))
    return found["user"], found["root"]


def test_words_are_refused_by_whoever_looks_them_up() -> None:
    assert answer() == ("pass", "fail")
    assert answer("enforce_for_root") == ("pass", "pass")
    assert answer("dictcheck=0 enforce_for_root") == ("fail", "fail")
    assert answer("enforcing=0") == ("fail", "fail")


def test_without_its_words_cracklib_refuses_everything() -> None:
    assert answer("enforce_for_root", words={}) == ("pass", "pass")
    index_only = {"/var/cache/cracklib/cracklib_dict.pwi": "x" * 2000}
    assert answer("enforce_for_root", words=index_only) == ("pass", "pass")


def test_a_dictionary_of_a_few_words_is_none() -> None:
    few = {"/var/cache/cracklib/cracklib_dict.pwd": "x" * 300, "/var/cache/cracklib/cracklib_dict.pwi": "x" * 40}
    assert answer("enforce_for_root", words=few) == ("fail", "fail")


@pytest.mark.parametrize("arguments", ["", "obscure", "minlen=12"])
def test_pam_unix_looks_nothing_up(arguments: str) -> None:
    assert answer(arguments, stack="password required pam_unix.so {}\n") == ("fail", "fail")


def test_passwdqc_knows_few_words_of_its_own() -> None:
    stack = "password requisite pam_passwdqc.so {}\npassword required pam_unix.so use_authtok\n"
    assert answer("", stack=stack) == ("fail", "fail")
    words = {**WORDS, "/etc/words": "administration\n"}
    assert answer("wordlist=/etc/words", words, stack) == ("pass", "pass")
    assert answer("wordlist=/etc/words enforce=users", words, stack) == ("pass", "fail")
    assert answer("denylist=/etc/words", words, stack) == ("fail", "fail")


def test_a_dictionary_that_was_not_seen_is_unknown() -> None:
    text = STACK.format("dictpath=/opt/words")
    host = host_with(
        {"/etc/pam.d/passwd": text, "/etc/pam.d/chpasswd": text, "/opt/other": "", **MODULES}, unseen=["/opt/words.pwi", "/opt/words.pwd"]
    )
    assert verdicts(run(dictionary, host))["user"] == "unknown"
