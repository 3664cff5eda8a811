"""Nobody can set a short password on the host."""

from __future__ import annotations

from sovaudit.content.checks.password_policy.min_length import min_length

from sovaudit.facts.parse.pwquality_conf import read_quality
from sovaudit.testing import host_with, run, verdicts

STACK = "password required pam_unix.so minlen={}\n"


def test_a_short_minimum_fails_and_root_is_a_subject() -> None:
    found = verdicts(run(min_length, host_with({"/etc/pam.d/passwd": STACK.format(8), "/etc/pam.d/chpasswd": STACK.format(8)})))
    assert "fail" in found.values()


def test_an_unseen_stack_is_unknown() -> None:
    found = verdicts(run(min_length, host_with(unseen=["/etc/pam.d/passwd", "/etc/pam.d/chpasswd", "/etc/pam.d"])))
    assert "pass" not in found.values()


def test_a_folder_in_the_place_of_a_file_holds_no_setting() -> None:
    """And a file in the place of the folder none, either (pam_pwquality in Debian 12)."""
    assert read_quality(host_with({"/etc/security/pwquality.conf/x": "minlen = 14\n"}).files)["minlen"] == 8
    files = {"/etc/security/pwquality.conf": "minlen = 14\n", "/etc/security/pwquality.conf.d": "x\n"}
    assert read_quality(host_with(files).files)["minlen"] == 14
