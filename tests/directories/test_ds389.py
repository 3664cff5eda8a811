"""389 Directory Server asked what it does, beside what we say it does."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import ldap3
import pytest

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.directories.model import PasswordPolicy
from sovaudit.facts.directory import Directory
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.ldap_times import Special
from sovaudit.model.evidence import Evidence
from sovaudit.testing import without
from tests.directories.ds389_world import ENTRIES, PEOPLE, START, candidates, dn
from tests.directories.test_exports import judged
from tests.ds389 import AUDITOR, AUDITOR_PASSWORD, BASE, MANAGER, MANAGER_PASSWORD, Ds389, available, ds389

pytestmark = pytest.mark.skipif(not available() and "SOVAUDIT_CI" not in os.environ, reason="needs root and 389-ds-base")
SELF = '(targetattr = "userPassword")(version 3.0; acl "own password"; allow (write) userdn = "ldap:///self";)'
WORLDS = {
    "as installed": {},
    "a length without syntax": {"passwordMinLength": "12"},
    "syntax": {"passwordCheckSyntax": "on", "passwordMinLength": "8", "passwordMinCategories": "1"},
    "syntax, local policies": {"nsslapd_pwpolicy_local": "on"},
    "local policies inherit": {"nsslapd_pwpolicy_inherit_global": "on"},
    "local policies inherit nothing": {"passwordCheckSyntax": "off"},
    "local policies are off again": {"nsslapd_pwpolicy_local": "off", "passwordCheckSyntax": "on", "passwordMinLength": "6"},
    "four kinds": {"passwordMinCategories": "4"},
    "hashes are taken": {"nsslapd_allow_hashed_passwords": "on"},
    "and refused": {"nsslapd_allow_hashed_passwords": "off", "passwordCheckSyntax": "off", "passwordMinLength": "8"},
}  # fmt: skip
ASKED = ("free", "strong", "empty", "gone", "nosyntax", "kinds", "parts")


@pytest.fixture(scope="module")
def server() -> Iterator[Ds389]:
    with ds389(ENTRIES) as running:
        running.put(BASE, aci=SELF)
        yield running


def seen(server: Ds389, who: tuple[str, str] | None = None) -> Directory:
    return Directory(collect(parse_target(server.uri), server.options(*who) if who else server.options()))


def retire(server: Ds389) -> None:
    """Lock somebody by a role. The server learns of classes of service in a thread of its own, so wait until it knows."""
    server.put(dn("retired"), nsRoleDN=f"cn=nsManagedDisabledRole,{BASE}", userPassword=START)
    for _ in range(100):
        if not server.binds(dn("retired"), START):
            return
        time.sleep(0.1)


def policy_of(directory: Directory, name: str) -> PasswordPolicy:
    (found,) = [one.policy for one in directory.policies if any(account.name == name for account in one.accounts)]
    assert isinstance(found, PasswordPolicy)
    return found


class Passwords:
    """Current passwords of those who change theirs."""

    def __init__(self, server: Ds389) -> None:
        self._server = server
        self._now: dict[str, str] = {}

    def takes(self, name: str, new: str, where: str = "people") -> bool:
        taken = self._server.sets(dn(name, where), self._now.get(name, START), new)
        if taken:
            self._now[name] = new
        return taken


def test_lengths_and_kinds_are_what_the_server_takes(server: Ds389) -> None:
    passwords = Passwords(server)
    for world, settings in WORLDS.items():
        if settings:
            server.put("cn=config", **settings)
        directory = seen(server)
        for name, where in (*((name, "people") for name in ASKED), ("player", "team")):
            found = policy_of(directory, name)
            length, classes = found.min_length, found.min_classes
            assert isinstance(length, int) and isinstance(classes, int)
            if world == "hashes are taken":
                assert (length, classes) == (0, 0)
                continue
            if name == "parts" and length == 9:
                assert (
                    not passwords.takes(name, "2468bc!?") and not passwords.takes(name, "246bcfd!?") and passwords.takes(name, "2468bcF!?")
                )
                continue
            kinds = max(classes, 1)
            assert passwords.takes(name, candidates(max(length, 1, kinds if length else 1), kinds), where), (world, name, found)
            if length > 1:
                assert not passwords.takes(name, candidates(length - 1, kinds), where), (world, name, found)
            if classes > 1:
                assert not passwords.takes(name, candidates(max(length, 16), classes - 1), where), (world, name, found)


def test_a_hash_is_taken_where_it_is_allowed(server: Ds389) -> None:
    short = "{SSHA}/Y0FBQ5OqAfWU0pDcfyaVqx4WV5hYmNkZWZnaA=="
    server.put("cn=config", passwordCheckSyntax="on", nsslapd_allow_hashed_passwords="on")
    assert policy_of(seen(server), "guest").min_length == 0 and server.sets(dn("guest"), START, short)
    server.put("cn=config", passwordCheckSyntax="off", nsslapd_allow_hashed_passwords="off")
    server.put(dn("guest"), userPassword=START)
    assert not server.sets(dn("guest"), START, short)


def test_old_passwords_come_back_when_we_say(server: Ds389) -> None:
    passwords = Passwords(server)
    assert policy_of(seen(server), "clerk").history == 0
    assert passwords.takes("clerk", "one") and passwords.takes("clerk", "two") and passwords.takes("clerk", "one")
    server.put("cn=config", passwordHistory="on", passwordInHistory="2")
    history = policy_of(seen(server), "clerk").history
    for word in ("three", "four", "five", "six"):
        assert passwords.takes("clerk", word)
        time.sleep(1.05)  # the server orders old passwords by the second
    assert history == 2
    assert not passwords.takes("clerk", "six") and not passwords.takes("clerk", "five") and not passwords.takes("clerk", "four")
    assert passwords.takes("clerk", "three")
    server.put("cn=config", passwordHistory="off", passwordInHistory="6")


@pytest.mark.parametrize(
    ("settings", "attempts", "seconds"),
    [
        ({"passwordLockout": "off"}, None, None),
        ({"passwordLockout": "on", "passwordMaxFailure": "3", "passwordUnlock": "on", "passwordLockoutDuration": "3"}, 3, 3),
        ({"passwordMaxFailure": "2", "passwordLegacyPolicy": "off", "passwordLockoutDuration": "3600"}, 2, 3600),
        ({"passwordLegacyPolicy": "on", "passwordUnlock": "off"}, 2, None),
    ],
)
def test_guessing_is_stopped_when_we_say(server: Ds389, settings: dict[str, str], attempts: int | None, seconds: int | None) -> None:
    server.put("cn=config", **settings)
    found = policy_of(seen(server), "boss")
    assert (found.attempts, found.unlock_seconds) == (attempts, seconds)
    for _ in range((attempts or 6) - 1):
        assert not server.binds(dn("boss"), "wrong")
    assert server.binds(dn("boss"), START)  # one fewer: not locked, and the count begins anew
    for _ in range(attempts or 6):
        server.binds(dn("boss"), "wrong")
    assert server.binds(dn("boss"), START) is (attempts is None)
    if seconds == 3:
        time.sleep(4.1)
        assert server.binds(dn("boss"), START)
    server.put("cn=config", passwordLockout="on" if attempts else "off")
    server.put(dn("boss"), passwordRetryCount="", accountUnlockTime="", retryCountResetTime="")


def test_passwords_expire_when_we_say(server: Ds389) -> None:
    server.put("cn=config", passwordLockout="off")
    assert policy_of(seen(server), "free").max_age_days is None
    server.put("cn=config", passwordExp="on", passwordMaxAge="90d")
    assert policy_of(seen(server), "free").max_age_days == 90
    server.put("cn=config", passwordExp="off", passwordMaxAge="8640000")


def test_who_is_locked_cannot_bind_and_nobody_else(server: Ds389) -> None:
    server.put(dn("locked"), nsAccountLock="TRUE")
    server.put(dn("free"), nsAccountLock="false", userPassword=START)
    retire(server)
    for name in PEOPLE:
        server.put(dn(name), userPassword=START)
    accounts = {account.name: account.enabled for account in seen(server).accounts}
    assert {name: accounts[name] for name in PEOPLE} == {name: server.binds(dn(name), START) for name in PEOPLE}
    assert not accounts["locked"] and not accounts["retired"] and accounts["free"]


@pytest.mark.parametrize(("unlock", "lockout"), [("off", "on"), ("on", "on"), ("off", "off")])
def test_a_lock_that_nobody_opens_is_one_for_ever(server: Ds389, unlock: str, lockout: str) -> None:
    server.put("cn=config", passwordLockout=lockout, passwordMaxFailure="3", passwordUnlock=unlock)
    stamps = {"free": "19700101000000Z", "guest": "20200101000000Z", "boss": ""}
    for name, stamp in stamps.items():
        server.put(dn(name), userPassword=START)  # which opens a lock
        server.put(dn(name), accountUnlockTime=stamp, passwordRetryCount="3" if stamp else "")
    accounts = {account.name: account.enabled for account in seen(server).accounts}
    assert {name: accounts[name] for name in stamps} == {name: server.binds(dn(name), START) for name in stamps}
    assert accounts["free"] is not (unlock == "off" and lockout == "on")
    server.put("cn=config", passwordLockout="off", passwordUnlock="on")
    for name in stamps:
        server.put(dn(name), accountUnlockTime="", passwordRetryCount="", retryCountResetTime="")


def test_an_ordinary_reader_knows_less_and_says_so(server: Ds389) -> None:
    allow = f'(version 3.0; acl "audit"; allow (read, search, compare) userdn = "ldap:///{AUDITOR}";)'
    server.put(BASE, aci=f'(targetattr != "userPassword || nsAccountLock || aci"){allow}')
    hidden = seen(server, (AUDITOR, AUDITOR_PASSWORD))
    assert all(account.enabled is not True for account in hidden.accounts)
    server.put(BASE, aci=f'(targetattr != "userPassword"){allow}')
    shown = seen(server, (AUDITOR, AUDITOR_PASSWORD))
    whole = {account.name: account.enabled for account in seen(server).accounts}
    assert {account.name: account.enabled for account in shown.accounts} == whole
    assert not any(isinstance(one.policy, PasswordPolicy) for one in shown.policies)  # cn=config is not shown
    assert shown.admins.gaps and shown.recording("access")[0].recorded not in (True, False)
    server.put(dn("locked"), nsAccountLock="")
    # nobody is seen to be locked by a lock of their own: only the rules prove that it would show
    assert {account.name: account.enabled for account in seen(server, (AUDITOR, AUDITOR_PASSWORD)).accounts}["free"] is True
    server.put(dn("locked"), nsAccountLock="true")
    server.put(BASE, aci=SELF)


def test_strangers_see_what_we_say(server: Ds389) -> None:
    assert not [one for one in seen(server).exposures if one.attributes]
    server.put(BASE, aci='(targetattr = "uid || objectClass")(version 3.0; acl "x"; allow (read, search) userdn = "ldap:///anyone";)')
    asked = server.tool("ldapsearch", "", "", "-LLL", "-b", BASE, "uid").stdout
    exposed = {one.entry: one.attributes for one in seen(server).exposures}
    assert "uid: boss" in asked and exposed[dn("boss").lower()] == ("objectclass", "uid")
    server.put("cn=config", nsslapd_allow_anonymous_access="rootdse")
    assert not seen(server).exposures and not server.tool("ldapsearch", "", "", "-LLL", "-b", BASE, "uid").stdout
    server.put("cn=config", nsslapd_allow_anonymous_access="on")
    server.put(BASE, aci=SELF)


def test_logs_hold_what_we_say(server: Ds389) -> None:
    server.put(
        "cn=config", nsslapd_accesslog_logbuffering="off", nsslapd_securitylog_logging_enabled="off", nsslapd_auditlog_logging_enabled="on"
    )

    def logged(name: str, act: str) -> bool:
        path = server.folder / "log" / name
        before = path.stat().st_size if path.exists() else 0
        server.binds(dn("guest"), "wrong") if act == "bind" else server.put(dn("guest"), description=str(time.time()))
        wanted = f'BIND dn="{dn("guest")}' if act == "bind" else f"dn: {dn('guest')}"
        for _ in range(15):
            if wanted in (path.read_text()[before:] if path.exists() else ""):
                return True
            time.sleep(0.05)
        return False

    states = (("on", "256"), ("on", "4"), ("off", "256"), ("on", "260"))
    for enabled, level in states:
        server.put("cn=config", nsslapd_accesslog_logging_enabled=enabled, nsslapd_accesslog_level=level)
        assert seen(server).recording("access")[0].recorded is logged("access", "bind"), (enabled, level)
    assert seen(server).recording("changes")[0].recorded is True and logged("audit", "change")
    server.put("cn=config", nsslapd_auditlog_logging_enabled="off")
    changes = seen(server).recording("changes")[0]
    assert changes.recorded is False and not logged("audit", "change") and "auditlog" in changes.text
    assert seen(server).recording("access")[0].keep_days == 10  # ten files, one a day
    server.put("cn=config", nsslapd_accesslog_logexpirationtime="12", nsslapd_accesslog_maxlogsperdir="400")
    assert not isinstance(seen(server).recording("access")[0].keep_days, int)  # 100 MB a file: who knows how long
    server.put("cn=config", nsslapd_accesslog_maxlogsize="-1", nsslapd_accesslog_logmaxdiskspace="-1")
    assert seen(server).recording("access")[0].keep_days == 360


def test_a_log_that_is_never_turned_is_never_removed(server: Ds389) -> None:
    """maxlogsperdir 1: the file grows past its bound; and a month's expiry is about turned files alone."""
    server.put("cn=config", nsslapd_accesslog_logging_enabled="on", nsslapd_accesslog_level="256", nsslapd_accesslog_maxlogsperdir="1",
               nsslapd_accesslog_logexpirationtime="1", nsslapd_accesslog_maxlogsize="1", nsslapd_accesslog_logrotationtime="1")  # fmt: skip
    kept = seen(server).recording("access")[0].keep_days
    long = "".join(f"(cn={'x' * 180}{number})" for number in range(30))

    def size() -> int:
        return (server.folder / "log/access").stat().st_size

    asked = ldap3.Connection(ldap3.Server("127.0.0.1", server.port, get_info=ldap3.NONE), MANAGER, MANAGER_PASSWORD, auto_bind=True)
    for _ in range(2500):
        asked.search(f"cn={'y' * 4000},{BASE}", f"(|{long})", ldap3.BASE)
        if size() > 1_300_000:
            break
    turned = [path.name for path in (server.folder / "log").glob("access.2*")]
    assert kept is None and not turned and size() > 1_200_000
    server.put("cn=config", nsslapd_accesslog_maxlogsperdir="10", nsslapd_accesslog_logrotationtime="-1", nsslapd_accesslog_maxlogsize="-1")
    assert seen(server).recording("access")[0].keep_days is None


def test_passwords_are_stored_as_we_say(server: Ds389) -> None:
    server.put("cn=config", passwordStorageScheme="SSHA")
    server.put(dn("guest"), userPassword=START)
    found, gaps = seen(server).view.storage()
    schemes = {one.subject: one.scheme for one in found}
    assert schemes["new passwords"] == "SSHA" and schemes["new passwords of the root DN"] == "PBKDF2-SHA512" and not gaps
    stored = {one.scheme: [line.file for line in one.because] for one in found if one.subject.startswith("stored as")}
    assert stored["{SSHA}"] == [dn("guest")] and dn("boss") in stored["{PBKDF2-SHA512}"]
    server.put("cn=config", passwordStorageScheme="PBKDF2-SHA512")


def test_who_never_logged_in_is_known_where_logins_are_recorded() -> None:
    with ds389(ENTRIES, plugins=("Account Policy Plugin",)) as server:
        assert seen(server).by_dn[dn("boss")].last_login is Special.UNKNOWN  # nobody shows one: it may be hidden, or not recorded
        assert server.binds(dn("boss"), START)
        accounts = {account.name: account.last_login for account in seen(server).accounts}
        assert isinstance(accounts["boss"], datetime) and accounts["clerk"] is Special.NEVER


def test_a_dump_says_what_the_manager_sees(server: Ds389, tmp_path: Path) -> None:
    server.put("cn=config", nsslapd_pwpolicy_local="on", passwordCheckSyntax="on", passwordMinLength="10")
    server.put(dn("locked"), nsAccountLock="true")
    retire(server)
    file = server.folder / "ldif/export.ldif"
    subprocess.run(["ns-slapd", "db2ldif", "-D", str(server.folder), "-n", "userroot", "-a", str(file)], capture_output=True, check=True)
    for path in (file, server.folder / "dse.ldif"):
        shutil.copy(path, tmp_path)
    live, dump = seen(server), Directory(collect(parse_target(f"ldif:{tmp_path}")))
    assert dump.evidence.identity["export"] == "db2ldif, dse.ldif" and dump.product == "389"
    assert {one.name: one.enabled for one in dump.accounts} == {one.name: one.enabled for one in live.accounts}
    for name in (*ASKED, "player", "clerk"):
        ours, theirs = policy_of(dump, name), policy_of(live, name)
        assert (ours.name, ours.min_length, ours.min_classes) == (theirs.name, theirs.min_length, theirs.min_classes), name
    assert [one.account.name for one in dump.admins.members] == [one.account.name for one in live.admins.members]
    assert {one.name: sorted(one.members) for one in dump.groups} == {one.name: sorted(one.members) for one in live.groups}


def test_who_escapes_the_policy_of_everybody(server: Ds389) -> None:
    server.put("cn=config", nsslapd_pwpolicy_local="on", nsslapd_pwpolicy_inherit_global="off", passwordCheckSyntax="on")
    server.put("cn=config", passwordMinLength="10", passwordMinCategories="2")
    found, gaps = seen(server).view.exempt()
    assert {one.account.name for one in found} == {"empty", "nosyntax", "parts", "kinds", "player"} and not gaps
    taken = Passwords(server).takes("empty", "abc")
    assert taken and "min_length 0 < 10" in next(one.less for one in found if one.account.name == "empty")
    server.put(dn("empty"), userPassword=START)


def search_export(server: Ds389, folder: Path, query: str) -> Evidence:
    folder.mkdir()
    for number, base in enumerate((BASE, "cn=config")):
        shown = server.tool("ldapsearch", MANAGER, MANAGER_PASSWORD, "-b", base, query, "*", "+")
        (folder / f"{number}.ldif").write_text(shown.stdout)
    return collect(parse_target(f"ldif:{folder}"))


def test_an_export_by_ldapsearch_says_what_a_visit_says(server: Ds389, tmp_path: Path) -> None:
    server.put("cn=config", nsslapd_pwpolicy_local="on", passwordCheckSyntax="on", passwordMinLength="10")
    retire(server)
    live = collect(parse_target(server.uri), server.options())
    told = judged(live)
    whole = search_export(server, tmp_path / "whole", "(|(objectClass=*)(objectClass=ldapsubentry))")
    export = judged(whole)
    firm = {key: verdict for key, verdict in export.items() if verdict != "unknown"}
    assert {key: told.get(key) for key in firm} == firm  # a policy's unsaid settings may have been closed to whoever wrote the export
    assert firm["password-policy.directory-min-length", f"cn=strong,ou=people,{BASE}"] == "pass"
    assert {one.name: one.enabled for one in Directory(whole).accounts} == {one.name: one.enabled for one in Directory(live).accounts}
    # the usual filter leaves policies and roles out, without a word
    short = search_export(server, tmp_path / "short", "(objectClass=*)")
    firm = {key: verdict for key, verdict in judged(short).items() if verdict != "unknown"}
    assert {key: told.get(key) for key in firm} == firm and Directory(short).gap("policies") is not None
    with pytest.raises(Unseen):
        _ = Directory(short).policies


def test_taking_evidence_away_makes_nothing_sound(server: Ds389) -> None:
    server.put(BASE, aci=f'(targetattr = "*")(version 3.0; acl "x"; allow (all) groupdn = "ldap:///cn=chiefs,ou=groups,{BASE}";)')
    evidence = collect(parse_target(server.uri), server.options())
    whole = judged(evidence)
    assert whole and "error" not in whole.values()
    for artifact in evidence.artifacts:
        for key, verdict in judged(without(evidence, artifact)).items():
            if verdict in ("pass", "not_applicable"):
                assert whole.get(key, "unknown") == verdict, (artifact, key, whole.get(key))
