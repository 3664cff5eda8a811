"""PAM files of any text: no crash but Unseen, and no hang."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit.facts.files import Unseen
from sovaudit.testing import host_with

_WORDS = st.sampled_from(
    "auth account @include include substack required sufficient [success=1 default=die] one two pam_unix.so pam_listfile.so pam_succeed_if.so "
    "pam_access.so pam_wheel.so item=tty apply=@x file=/etc/one user ingroup uid >= 0 \\ # - : + ALL EXCEPT nullok".split()
)
_LINES = st.lists(st.one_of(_WORDS, st.text(max_size=6)), max_size=9).map(" ".join)
_TEXT = st.lists(_LINES, max_size=9).map("\n".join)


@settings(max_examples=150, deadline=2000)
@given(_TEXT, _TEXT, _TEXT)
def test_no_stack_crashes_it(service: str, one: str, access: str) -> None:
    encoded = {"/etc/pam.d/su": service, "/etc/pam.d/one": one, "/etc/security/access.conf": access, "/etc/pam.d/other": ""}
    host = host_with({path: text.encode("utf-8", "replace") for path, text in encoded.items()})
    for account in list(host.accounts)[:1]:
        with contextlib.suppress(Unseen):
            host.pam.authenticate("su", account, invoker=account)
        with contextlib.suppress(Unseen):
            host.pam.account_phase("su", account, invoker=account)
