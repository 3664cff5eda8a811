"""The rights that `sovaudit privileges --format ldap` prints, given to an account of a real server: enough to read, nothing to write."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sovaudit.cli.main import main
from sovaudit.collectors import collect, parse_target
from sovaudit.collectors.ldap.searches import SECRETS
from sovaudit.facts.directory import Directory
from tests import ds389 as lab389
from tests import slapd as lab
from tests.directories.ds389_world import ENTRIES as ENTRIES_389
from tests.directories.ds389_world import START, dn
from tests.directories.test_exports import ENTRIES, OVERLAYS, judged
from tests.slapd import ADMIN, ADMIN_PASSWORD, BASE, Slapd

SLAPD = pytest.mark.skipif(not lab.available() and "SOVAUDIT_CI" not in os.environ, reason="needs slapd")
REAL_389 = pytest.mark.skipif(not lab389.available() and "SOVAUDIT_CI" not in os.environ, reason="needs root and 389-ds-base")
EYE, EYE_PASSWORD = f"cn=eye,ou=services,{BASE}", "eye-Secret-1"
CLOSED = f"""olcAccess: {{0}}to attrs=userPassword by self write by anonymous auth by * none
olcAccess: {{1}}to dn.subtree=ou=people,{BASE} by self read by users search by * none
olcAccess: {{2}}to * by * none
"""
ACCOUNT = f"dn: {EYE}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: eye\nuserPassword: {EYE_PASSWORD}\n\n"
CLEAR = ENTRIES.replace("{CLEARTEXT}", "")


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def words(*arguments: str) -> str:
        assert main(["privileges", "--format", "ldap", *arguments]) == 0
        return capsys.readouterr().out

    return words


@SLAPD
def test_a_slapd_opens_to_reading_and_to_nothing_else(printed: Callable[..., str]) -> None:
    with lab.slapd(CLEAR + ACCOUNT, overlays=OVERLAYS, access=CLOSED) as server:
        before = _judge(server, EYE, EYE_PASSWORD)
        others = _seen_by(server, f"uid=user1,ou=people,{BASE}", "pass-1")
        text = printed("--product", "openldap", "--bind-dn", EYE, "--secret", "oathSecret")
        done = server.tool("ldapmodify", ADMIN, ADMIN_PASSWORD, stdin=text)
        assert done.returncode == 0, done.stderr
        whole = _judge(server, ADMIN, ADMIN_PASSWORD)
        mine = _judge(server, EYE, EYE_PASSWORD)
        lost = {key for key, verdict in whole.items() if verdict in ("pass", "fail") and mine.get(key) != verdict}
        assert not {key for key in lost if "storage" not in key[0]}
        assert "fail" not in before.values() and len(mine) > len(before)  # what strangers are shown was known before
        evidence = collect(parse_target(server.uri), server.options(EYE, EYE_PASSWORD))
        full = collect(parse_target(server.uri), server.options(ADMIN, ADMIN_PASSWORD))
        for name in ("accounts", "groups", "policies", "tokens", "config", "root-passwords"):
            ours, theirs = ([(entry.dn, sorted(entry.attributes)) for entry in Directory(each).entries(name)] for each in (evidence, full))
            assert ours == [(dn, [key for key in keys if key not in SECRETS]) for dn, keys in theirs], name
        _writes_nothing(server, EYE, EYE_PASSWORD)
        assert not _seen_by(server, EYE, EYE_PASSWORD, "userPassword", "oathSecret") & {"userpassword", "oathsecret"}
        # and for everybody else nothing has changed
        assert _seen_by(server, f"uid=user1,ou=people,{BASE}", "pass-1") == others
        change = f"dn: uid=user1,ou=people,{BASE}\nchangetype: modify\nreplace: userPassword\nuserPassword: another-good-one-14\n\n"
        assert server.tool("ldapmodify", f"uid=user1,ou=people,{BASE}", "pass-1", stdin=change).returncode == 0


def _judge(server: Slapd, who: str, password: str) -> dict[tuple[str, str], str]:
    return judged(collect(parse_target(server.uri), server.options(who, password)))


def _seen_by(server: Slapd, who: str, password: str, *attributes: str) -> set[str]:
    done = server.tool("ldapsearch", who, password, "-LLL", "-b", BASE, *attributes)
    return {line.partition(":")[0].lower() for line in done.stdout.splitlines() if line[:1] not in ("", " ")} | {
        done.stdout if not attributes else ""
    }


def _writes_nothing(server: Slapd | lab389.Ds389, who: str, password: str) -> None:
    base = BASE
    changes = (
        f"dn: ou=people,{base}\nchangetype: modify\nreplace: description\ndescription: x\n\n",
        f"dn: {who}\nchangetype: modify\nreplace: userPassword\nuserPassword: Another-good-0ne\n\n",
        f"dn: cn=new,ou=people,{base}\nchangetype: add\nobjectClass: device\ncn: new\n\n",
        f"dn: cn=eye2,ou=services,{base}\nchangetype: delete\n\n",
        f"dn: ou=groups,{base}\nchangetype: modrdn\nnewrdn: ou=other\ndeleteoldrdn: 1\n\n",
        "dn: cn=config\nchangetype: modify\nreplace: description\ndescription: x\n\n",
    )
    for change in changes:
        assert server.tool("ldapmodify", who, password, stdin=change).returncode in (50, 53, 32), (
            change
        )  # no right, or no such entry for it


@SLAPD
def test_schemes_are_shown_to_who_asks_for_them(printed: Callable[..., str]) -> None:
    with lab.slapd(CLEAR + ACCOUNT, overlays=OVERLAYS, access=CLOSED) as server:
        text = printed("--product", "openldap", "--bind-dn", EYE, "--with-schemes")
        assert server.tool("ldapmodify", ADMIN, ADMIN_PASSWORD, stdin=text).returncode == 0
        directory = Directory(collect(parse_target(server.uri), server.options(EYE, EYE_PASSWORD)))
        assert len(list(directory.entries("passwords"))) == 7
        _writes_nothing(server, EYE, EYE_PASSWORD)


@REAL_389
def test_a_389_server_opens_to_reading_and_to_nothing_else(printed: Callable[..., str]) -> None:
    with lab389.ds389(ENTRIES_389) as server:
        server.put(dn("locked"), nsAccountLock="true")
        text = printed("--product", "389", "--bind-dn", lab389.AUDITOR)
        server.change(text)
        who = (lab389.AUDITOR, lab389.AUDITOR_PASSWORD)
        whole = judged(collect(parse_target(server.uri), server.options()))
        mine = judged(collect(parse_target(server.uri), server.options(*who)))
        assert whole and {
            key: mine.get(key) for key, verdict in whole.items() if verdict in ("pass", "fail") and "storage" not in key[0]
        } == {key: verdict for key, verdict in whole.items() if verdict in ("pass", "fail") and "storage" not in key[0]}
        _writes_nothing(server, *who)
        shown = server.tool("ldapsearch", *who, "-LLL", "-b", lab389.BASE, "userPassword", "passwordHistory").stdout
        assert "userPassword" not in shown and "nsslapd-rootpw:" not in server.tool("ldapsearch", *who, "-LLL", "-b", "cn=config").stdout
        assert not server.tool("ldapsearch", dn("free"), START, "-LLL", "-b", lab389.BASE, "uid").stdout  # nobody else was let in


def test_names_are_checked_and_written_as_ldif_wants_them(printed: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    everything = printed()
    assert [word in everything for word in ("olcAccess", "aci:", "dsacls", "FreeIPA")] == [True] * 4
    assert "olcAccess:: " in printed("--product", "openldap", "--bind-dn", "cn=Zoé,dc=example,dc=org")
    assert "dn: dc=corp,dc=test\n" in printed("--product", "389", "--bind-dn", "uid=eye,ou=a,dc=corp,dc=test")
    for bad in (["--bind-dn", 'cn=a" by * write "'], ["--bind-dn", "nobody"], ["--base", "cn=a\nb"], ["--secret", "a b"]):
        assert main(["privileges", "--format", "ldap", "--product", "openldap", *bad]) == 2
        assert "is no" in capsys.readouterr().err


def _preflight(server: Slapd, who: str, password: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    (folder / "password").write_text(password)
    main(
        ["preflight", "--isolated", server.uri, "--bind-dn", who, "--bind-password-file", str(folder / "password"), "--ca", str(server.ca)]
    )
    return capsys.readouterr().out.splitlines()


@SLAPD
def test_preflight_says_what_may_be_read_and_what_that_costs(
    printed: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with lab.slapd(CLEAR + ACCOUNT, overlays=OVERLAYS, access=CLOSED) as server:
        before = _preflight(server, EYE, EYE_PASSWORD, tmp_path, capsys)
        assert any(line.startswith("  search config: UNKNOWN") for line in before)
        assert any("costs password-policy.directory-min-length" in line for line in before)
        assert server.tool("ldapmodify", ADMIN, ADMIN_PASSWORD, stdin=printed("--product", "openldap", "--bind-dn", EYE)).returncode == 0
        after = _preflight(server, EYE, EYE_PASSWORD, tmp_path, capsys)
        at = next(number for number, line in enumerate(after) if line.startswith("  search accounts: READABLE, 7 entries"))
        assert (
            "pwdPolicySubentry" in after[at + 1]
            and "READABLE" in after[at + 1]
            and "authTimestamp" in after[at + 2]
            and "UNKNOWN" in after[at + 2]
        )
        assert any(line.startswith("  search passwords: UNKNOWN (nothing came") for line in after)
        costs = {line.split()[1].rstrip(":") for line in before if line.startswith("  costs")}
        assert {line.split()[1].rstrip(":") for line in after if line.startswith("  costs")} < costs
        root = _preflight(server, ADMIN, ADMIN_PASSWORD, tmp_path, capsys)
        at = next(number for number, line in enumerate(root) if line.startswith("  search accounts: READABLE, 7 entries"))
        assert "ABSENT" in root[at + 2] and "authTimestamp" in root[at + 2]
        assert any(line.startswith("  search token-secrets: ABSENT") for line in root)
