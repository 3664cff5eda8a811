"""Which passwords pam_passwdqc accepts: answers of the module itself (2.0.2 of Debian 12), which the lab's root does not hold."""

from __future__ import annotations

import pytest

from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_quality import Candidate
from sovaudit.facts.passwdqc import passwdqc
from sovaudit.testing import host_with

FILE = "/etc/passwdqc.conf"
STOCK = "min=disabled,24,11,8,7\nmax=72\npassphrase=3\nmatch=4\nsimilar=deny\nrandom=47\nenforce=everyone\nretry=3\n#wordlist=x\n"
# name: (arguments, passwdqc.conf, shortest that the module took; None: it took nothing)
CASES: dict[str, tuple[str, str, int | None]] = {
    "defaults": ("", "", 7),
    "one length": ("min=8,8,8,8,8", "", 8),
    "a passphrase or nothing": ("min=disabled,disabled,11,disabled,disabled", "", None),
    "lengths that grow": ("min=disabled,8,11,8,7", "", None),
    "four lengths": ("min=24,24,24,24", "", None),
    "signs": ("min=+9,9,9,9,9", "", 9),
    "blanks": ("min=9,\t9,9,9,9", "", 9),
    "nothing is nought": ("min=,,,,", "", 1),
    "each kind has a character": ("min=1,1,1,1,1", "", 1),
    "two kinds have two": ("min=disabled,1,1,1,1", "", 2),
    "capitals": ("MIN=9,9,9,9,9", "", None),
    "a longest that is too short": ("max=5", "", None),
    "longer than the longest": ("max=10 min=disabled,24,11,11,11", "", None),
    "eight cuts": ("max=8 min=9,9,9,9,9", "", None),
    "eight cuts and does": ("max=8 min=9,9,9,7,7", "", 7),
    "passwords of its own alone": ("random=42,only", "", None),
    "too few bits": ("random=5", "", None),
    "a word that it does not know": ("disable_firstupper_lastdigit_check", "", None),
    "words that exclude each other": ("non-unix check_oldauthtok", "", None),
    "whom it insists of": ("enforce=all", "", None),
    "no number": ("retry=x", "", None),
    "nothing is a number": ("retry=", "", 7),
    "its file": (f"config={FILE}", "min=disabled,24,11,10,9\n", 9),
    "its file as Debian ships it": (f"config={FILE}", STOCK, 7),
    "arguments behind it": (f"config={FILE} min=12,12,12,12,12", "min=disabled,24,11,10,9\n", 12),
    "its file is broken": (f"config={FILE}", "min=1,2,3,4,5\n", None),
    "blanks around the mark": (f"config={FILE}", "min = 9,9,9,9,9\n", None),
    "comments and blanks": (f"config={FILE}", "# x\n\n  min=9,9,9,9,9  \n", 9),
    "a comment behind": (f"config={FILE}", "enforce=users # no\n", None),
    "a file that includes itself": (f"config={FILE}", f"config={FILE}\n", None),
    "no file": ("config=/etc/none.conf", "", None),
    "no list": ("wordlist=/etc/none", "", None),
    "a list": (f"wordlist={FILE}", "administration\n", 7),
    "passphrases of one word": ("passphrase=1 min=disabled,disabled,9,9,9", "", 9),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_shortest(name: str) -> None:
    text, conf, shortest = CASES[name]
    found = passwdqc(host_with({FILE: conf}).files, text.split(" ") if text else [])
    assert (None if found.broken else found.shortest) == shortest


def test_lists_of_whole_passwords_know_no_words() -> None:
    files = host_with({FILE: "administration\n"}).files
    word = Candidate(word=True)
    assert [passwdqc(files, [f"{kind}={FILE}"]).accepts(word) for kind in ("wordlist", "denylist", "filter")] == [False, True, True]


def test_a_masked_line_is_not_seen() -> None:
    with pytest.raises(Unseen):
        passwdqc(host_with({FILE: "passphrase=<masked>\n"}).files, [f"config={FILE}"])
