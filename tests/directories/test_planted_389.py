"""Faults planted in a real 389 Directory Server, told to an audit account with the printed rights and to an ordinary reader."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator

import pytest
from sovaudit.content.checks.least_privilege.directory_anonymous import directory_anonymous
from sovaudit.content.checks.log_completeness.directory_access import directory_access
from sovaudit.content.checks.log_completeness.directory_changes import directory_changes
from sovaudit.content.checks.password_policy.directory_complexity import directory_complexity
from sovaudit.content.checks.password_policy.directory_history import directory_history
from sovaudit.content.checks.password_policy.directory_lockout import directory_lockout
from sovaudit.content.checks.password_policy.directory_min_length import directory_min_length
from sovaudit.content.checks.password_policy.directory_storage import directory_storage

from sovaudit.cli.main import main
from sovaudit.collectors import collect, parse_target
from sovaudit.facts.directory import Directory
from sovaudit.testing import run
from tests.directories import planted
from tests.directories.ds389_world import ENTRIES, START, candidates, dn
from tests.directories.test_ds389 import ASKED, Passwords
from tests.ds389 import AUDITOR, AUDITOR_PASSWORD, BASE, Ds389, available, ds389

pytestmark = pytest.mark.skipif(not available() and "SOVAUDIT_CI" not in os.environ, reason="needs root and 389-ds-base")
SERVER, READER = "389-DS", dn("guest")
OWN = '(targetattr = "userPassword")(version 3.0; acl "own password"; allow (write) userdn = "ldap:///self";)'
USERS = '(targetattr != "userPassword || aci")(version 3.0; acl "users read"; allow (read, search, compare) userdn = "ldap:///all";)'
STRONG = {"{PBKDF2-SHA512}", "{PBKDF2_SHA512}", "{PBKDF2-SHA256}", "{PBKDF2_SHA256}", "{SSHA512}"}
LENGTHS = {
    "as installed": {},
    "a length without syntax": {"passwordMinLength": "12"},
    "a length, local policies": {"passwordCheckSyntax": "on", "passwordMinLength": "12", "passwordMinCategories": "1",
                                 "nsslapd_pwpolicy_local": "on"},
    "local policies inherit": {"nsslapd_pwpolicy_inherit_global": "on", "passwordMinCategories": "3"},
    "hashes are taken": {"nsslapd_allow_hashed_passwords": "on"},
}  # fmt: skip
HASH = "{SSHA}/Y0FBQ5OqAfWU0pDcfyaVqx4WV5hYmNkZWZnaA=="
ELEVEN = {"parts": "2468bcFd!?+"}  # what its policy demands of digits, letters and others, in eleven characters


@pytest.fixture(scope="module")
def server() -> Iterator[Ds389]:
    with ds389(ENTRIES) as running:
        running.change(f"dn: {BASE}\nchangetype: modify\nreplace: aci\naci: {OWN}\naci: {USERS}\n\n")
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            assert main(["privileges", "--format", "ldap", "--product", "389", "--bind-dn", AUDITOR, "--with-schemes"]) == 0
        running.change(said.getvalue())
        yield running


def both(server: Ds389) -> dict[str, Directory]:
    found = {}
    for identity, who in ((planted.ADMINISTRATOR, (AUDITOR, AUDITOR_PASSWORD)), (planted.READER, (READER, START))):
        found[identity] = Directory(collect(parse_target(server.uri), server.options(*who)))
        assert found[identity].evidence.collected, found[identity].evidence.error
    return found


def test_lengths_and_kinds(server: Ds389) -> None:
    passwords = Passwords(server)
    for world, settings in LENGTHS.items():
        if settings:
            server.put("cn=config", **settings)
        seen = both(server)
        for name, where in (*((name, "people") for name in ASKED), ("player", "team")):
            hashed = world == "hashes are taken" and passwords.takes(name, HASH, where)
            if hashed:
                server.put(dn(name, where), userPassword=START)
                passwords._now.pop(name)
            short = hashed or passwords.takes(name, ELEVEN.get(name, candidates(11, 3)), where)
            plain = hashed or passwords.takes(name, candidates(20, 2), where)
            for check, sound in ((directory_min_length, not short), (directory_complexity, not plain)):
                planted.agree(SERVER, seen, check, sound, lambda seen, check=check, name=name: planted.of_policy(seen, check, name))
    server.put("cn=config", nsslapd_allow_hashed_passwords="off", passwordCheckSyntax="off", nsslapd_pwpolicy_local="off")


@pytest.mark.parametrize("kept", [0, 2, 5])
def test_old_passwords(server: Ds389, kept: int) -> None:
    server.put("cn=config", passwordHistory="on" if kept else "off", passwordInHistory=str(kept or 6))
    seen, passwords = both(server), Passwords(server)
    server.put(dn("clerk"), userPassword=START)
    for number in range(6 if kept != 2 else 4):
        assert passwords.takes("clerk", f"word-{kept}-{number}")
        time.sleep(1.05 if kept else 0)  # the server orders old passwords by the second
    back = passwords.takes("clerk", f"word-{kept}-0")
    planted.agree(SERVER, seen, directory_history, not back, lambda seen: planted.of_policy(seen, directory_history, "clerk"))
    server.put("cn=config", passwordHistory="off", passwordInHistory="6")


@pytest.mark.parametrize(
    "settings",
    [
        {"passwordLockout": "off", "passwordMaxFailure": "3"},
        {"passwordLockout": "on", "passwordMaxFailure": "3", "passwordUnlock": "on", "passwordLockoutDuration": "1"},
        {"passwordLockout": "on", "passwordMaxFailure": "5", "passwordLegacyPolicy": "off", "passwordLockoutDuration": "3600"},
        {"passwordLockout": "on", "passwordMaxFailure": "10"},
        {"passwordLockout": "on", "passwordMaxFailure": "2", "passwordUnlock": "off"},
    ],
)  # fmt: skip
def test_guessing(server: Ds389, settings: dict[str, str]) -> None:
    server.put("cn=config", **settings)
    seen = both(server)
    for _ in range(6):
        server.binds(dn("boss"), "wrong")
    locked = not server.binds(dn("boss"), START)
    if locked and settings.get("passwordLockoutDuration") == "1":
        time.sleep(2.1)
        locked = not server.binds(dn("boss"), START)
    planted.agree(SERVER, seen, directory_lockout, locked, lambda seen: planted.of_policy(seen, directory_lockout, "boss"))
    server.put("cn=config", passwordLockout="off", passwordUnlock="on")
    server.put(dn("boss"), passwordRetryCount="", accountUnlockTime="", retryCountResetTime="")


@pytest.mark.parametrize("scheme", ["SSHA", "PBKDF2-SHA512", "CLEAR", "SSHA512", "PBKDF2_SHA256"])
def test_how_passwords_are_kept(server: Ds389, scheme: str) -> None:
    server.put("cn=config", passwordStorageScheme=scheme)
    server.put(dn("strong"), userPassword=START)
    auditor = both(server)[planted.ADMINISTRATOR]
    really = next(entry.text("userPassword") for entry in auditor.entries("passwords") if entry.dn.lower() == dn("strong"))
    planted.agree(SERVER, both(server), directory_storage, really in STRONG,
                  lambda seen: planted.worst(run(directory_storage, seen), ["new passwords"]))  # fmt: skip
    server.put("cn=config", passwordStorageScheme="PBKDF2-SHA512")


@pytest.mark.parametrize(
    "text",
    [
        "",
        '(targetattr = "*")(version 3.0; acl "x"; allow (read, search) userdn = "ldap:///anyone";)',
        '(targetattr = "uid")(version 3.0; acl "x"; allow (read, search) userdn = "ldap:///anyone";)',
        '(targetattr = "uid")(version 3.0; acl "x"; allow (search) userdn = "ldap:///anyone";)',
        f'(targetattr = "*")(version 3.0; acl "x"; allow (read, search) userdn != "ldap:///{dn("clerk")}";)',
        f'(target = "ldap:///{dn("clerk")}")(targetattr = "*")(version 3.0; acl "x"; allow (read, search) userdn = "ldap:///anyone";)',
    ],
)
def test_strangers(server: Ds389, text: str) -> None:
    add = f"dn: {BASE}\nchangetype: modify\nadd: aci\naci: {text}\n\n"
    if text:
        server.change(add)
    try:
        seen = both(server)
        shown = any(server.tool("ldapsearch", "", "", "-LLL", "-b", base, query, "*").stdout
                    for base in (BASE, dn("clerk")) for query in ("(objectClass=*)", "(uid=*)"))  # fmt: skip
        hashes = "userPassword:" in "".join(
            server.tool("ldapsearch", who, password, "-LLL", "-b", BASE, query, "*", "userPassword").stdout.replace(f"dn: {who}", "")
            for who, password in (("", ""),) for query in ("(objectClass=*)", "(uid=*)")
        )  # fmt: skip
        planted.agree(SERVER, seen, directory_anonymous, not shown,
                      lambda seen: planted.worst(run(directory_anonymous, seen), ["strangers"]))  # fmt: skip
        mine = {"declared": ("auditor",)}  # who was shown the schemes
        planted.agree(SERVER, seen, directory_anonymous, not hashes,
                      lambda seen: planted.worst(one for one in run(directory_anonymous, seen, **mine) if one.subject != "strangers"))  # fmt: skip
    finally:
        if text:
            server.change(add.replace("add: aci", "delete: aci"))


@pytest.mark.parametrize(
    ("access", "level", "audit"), [("on", "256", "on"), ("on", "4", "off"), ("off", "256", "on"), ("on", "260", "off")]
)
def test_records(server: Ds389, access: str, level: str, audit: str) -> None:
    server.put("cn=config", nsslapd_accesslog_logbuffering="off", nsslapd_securitylog_logging_enabled="off",
               nsslapd_accesslog_logging_enabled=access, nsslapd_accesslog_level=level, nsslapd_auditlog_logging_enabled=audit,
               nsslapd_accesslog_maxlogsize="-1", nsslapd_accesslog_logmaxdiskspace="-1", nsslapd_accesslog_logexpirationtime="12",
               nsslapd_accesslog_maxlogsperdir="400", nsslapd_auditlog_maxlogsize="-1", nsslapd_auditlog_logmaxdiskspace="-1",
               nsslapd_auditlog_logexpirationtime="12", nsslapd_auditlog_maxlogsperdir="400")  # fmt: skip
    seen = both(server)

    def logged(name: str, wanted: str) -> bool:
        path = server.folder / "log" / name
        before = path.stat().st_size if path.exists() else 0
        server.binds(dn("clerk"), "wrong")
        server.put(dn("clerk"), description=str(time.time()))
        for _ in range(15):
            if wanted in (path.read_text()[before:] if path.exists() else ""):
                return True
            time.sleep(0.05)
        return False

    for check, file, wanted in (
        (directory_access, "access", f'BIND dn="{dn("clerk")}'),
        (directory_changes, "audit", f"dn: {dn('clerk')}"),
    ):
        planted.agree(SERVER, seen, check, logged(file, wanted), lambda seen, check=check: planted.worst(run(check, seen)))
