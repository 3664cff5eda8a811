"""least-privilege.uid0"""

# ruff: noqa: E501 - a case is one line
from __future__ import annotations

import pytest
from sovaudit.content.checks.least_privilege.uid0 import uid0

from sovaudit.testing import evidence_with, host_with, run, verdicts, without

ROOT = "root:x:0:0:root:/root:/bin/bash\n"


def judged(passwd: str, nsswitch: str = "passwd: files\n", **more: object) -> dict[str, str]:
    return verdicts(run(uid0, host_with({"/etc/passwd": passwd, "/etc/nsswitch.conf": nsswitch}, **more)))


def test_root_alone() -> None:
    assert judged(ROOT + "bob:x:1000:0::/home/bob:/bin/bash\n") == {"root": "pass"}


@pytest.mark.parametrize(
    "line",
    [
        "toor:x:0:0::/root:/bin/sh", "toor:x:00:0::/root:/bin/sh", "toor:x: 0:0::/root:/bin/sh", " toor:x:0:0::/root:/bin/sh", "toor:x:+0:1::/:/bin/sh",
        "toor:x:0:0", "toor::0:0:::", "toor:x:0:0::/root:/usr/sbin/nologin", "toor:x:-0:0:::",
    ],
)  # fmt: skip
def test_another_name(line: str) -> None:
    assert judged(ROOT + line + "\n") == {"root": "pass", "toor": "fail"}


@pytest.mark.parametrize(
    "line", ["#toor:x:0:0:::", "toor:x::0:::", "toor:x:0x0:0:::", "toor:x:1:0:::", "toor:x:0", "", ":x:0:0:::", "toor:x:4294967296:0:::"]
)
def test_no_account_with_uid_0(line: str) -> None:
    assert judged(ROOT + line + "\n") == {"root": "pass"}


def test_second_line_of_a_name_is_never_reached() -> None:
    assert judged(ROOT + "bob:x:1000:0:::\nbob:x:0:0:::\nroot:x:0:0:::\n") == {"root": "pass"}


def test_first_line_of_a_name_counts() -> None:
    assert judged(ROOT + "bob:x:0:0:::\nbob:x:1000:0:::\n") == {"root": "pass", "bob": "fail"}


def test_leftover_nis_line() -> None:
    assert judged(ROOT + "+::0:0:::\n") == {"root": "pass"}
    assert judged(ROOT + "-y:x:0:0:::\n+x::::::\n") == {"root": "pass"}


def test_nis_in_use() -> None:
    assert judged(ROOT + "+::::::\n", "passwd: compat\n") == {"root": "pass", "+": "unknown"}


def test_directory_in_use() -> None:
    assert judged(ROOT, "passwd: files ldap\n") == {"root": "pass", "ldap": "unknown"}


def test_unseen() -> None:
    assert judged(ROOT, unseen=["/etc/passwd"]) == {"": "unknown"}
    evidence = evidence_with({"/etc/passwd": ROOT})
    from sovaudit.facts.host import Host

    assert verdicts(run(uid0, Host(without(evidence, "file:/etc/passwd")))) == {"": "unknown"}
