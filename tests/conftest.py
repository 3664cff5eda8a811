"""Fixtures of the whole suite. What needs root or a package says so and skips with the reason; CI (SOVAUDIT_CI=1) never skips."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import kdc, lab, pki, samba_ad, slapd

# a busy machine is no defect: how long an example takes is measured in benchmarks
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = lab.why_not()
    reasons = {
        "lab": missing,
        "root": "" if os.geteuid() == 0 else "needs root",
        "browser": "" if shutil.which("chromium") else "needs Chromium",
        "samba": samba_ad.why_not(),
        "kerberos": "" if kdc.available() else "needs krb5-kdc, krb5-admin-server, krb5-user and libsasl2-modules-gssapi-mit",
        "slapd": "" if slapd.available() else "needs slapd and ldap-utils",
    }
    for item in items:
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                if os.environ.get("SOVAUDIT_CI"):
                    raise pytest.UsageError(f"{item.nodeid}: {reason}, and CI must not skip it")
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def debian() -> Iterator[Path]:
    """A fresh writable Debian root."""
    with lab.overlay() as root:
        yield root


@pytest.fixture(scope="session")
def world() -> dict[str, pki.Party]:
    """root → middle → auditor; auditee under root; a root of the same name with another key."""
    root = pki.issue("root", ca=True)
    middle = pki.issue("middle", root, ca=True)
    return {
        "root": root,
        "middle": middle,
        "auditor": pki.issue("auditor", middle),
        "auditee": pki.issue("auditee", root, kind="p384"),
        "rsa": pki.issue("rsa", root, kind="rsa3072"),
        "rogue": pki.issue("auditor", pki.issue("middle", pki.issue("root", ca=True), ca=True)),
        "alone": pki.issue("alone"),
    }
