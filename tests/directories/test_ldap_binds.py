"""Connections to a real slapd: encryption, certificates, ways of binding, limits, references, readability; each refusal one clear line."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sovaudit.content.checks.password_policy.directory_min_length import directory_min_length

from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.directory import Directory
from sovaudit.model.evidence import Evidence
from sovaudit.model.verdict import Reason
from sovaudit.testing import run
from tests import slapd
from tests.directories.openldap_acts import BASE, person, uid

pytestmark = pytest.mark.slapd
ODD = f"cn=Doe\\2C Jane (x)*,ou=people,{BASE}"
ENTRIES = (
    "".join(person(f"u{number}") for number in range(30))
    + f"dn: {ODD}\nobjectClass: inetOrgPerson\ncn: Doe, Jane (x)*\nsn: Doe\nuserPassword: odd-Secret-1\n\n"
    + f"dn: ou=away,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: away\nref: ldap://127.0.0.1:1/ou=away,{BASE}\n\n"
    + f"dn: cn=default,ou=policies,{BASE}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: default\npwdAttribute: userPassword\npwdMinLength: 14\n\n"
)


@pytest.fixture(scope="module")
def server() -> Iterator[slapd.Slapd]:
    with slapd.slapd(ENTRIES) as started:
        yield started


def got(server: slapd.Slapd, uri: str = "", **more: object) -> Evidence:
    given = {"ldap_bind_dn": slapd.AUDITOR, "ldap_password": slapd.AUDITOR_PASSWORD, "ldap_ca": str(server.ca), **more}
    return collect(parse_target(uri or server.uri), CollectOptions(**given))  # type: ignore[arg-type]


def refused(evidence: Evidence, *words: str) -> None:
    assert not evidence.collected and "\n" not in evidence.error and not evidence.artifacts
    assert all(word in evidence.error for word in words), evidence.error
    assert slapd.AUDITOR_PASSWORD not in evidence.error


def test_encrypted_from_the_start_or_by_starttls(server: slapd.Slapd) -> None:
    for uri in (server.uri, f"ldap://127.0.0.1:{server.ldap}/{BASE}"):
        evidence = got(server, uri)
        assert (
            evidence.collected and evidence.identity["tls"].startswith("TLSv1.") and evidence.identity["certificate"].startswith("sha256:")
        )
        assert evidence.identity["bind"].lower() == f"dn:{slapd.AUDITOR}"
    clear = got(server, f"ldap://127.0.0.1:{server.ldap}/{BASE}", ldap_clear=True)
    assert clear.collected and clear.identity["tls"] == "none"


def test_24_a_certificate_is_verified_unless_told_otherwise(server: slapd.Slapd) -> None:
    refused(got(server, ldap_ca=""), "certificate", "--ca")
    assert got(server, ldap_ca="", ldap_insecure=True).collected
    refused(got(server, ldap_ca="/etc/hostname"), "certificate")


def test_24_a_certificate_for_another_name_or_time() -> None:
    with slapd.slapd(names="DNS:elsewhere.example") as other:
        refused(got(other), "certificate", "--tls-name")
        assert got(other, ldap_tls_name="elsewhere.example").collected
    with slapd.slapd(days=-1) as old:
        refused(got(old), "certificate", "expired", "renewed")


@pytest.mark.parametrize(
    ("dn", "password"), [(slapd.AUDITOR, "wrong"), (f"cn=nobody,{BASE}", "x"), (slapd.AUDITOR, ""), ("no name at all", "x")]
)
def test_a_name_or_password_that_is_not_taken(server: slapd.Slapd, dn: str, password: str) -> None:
    refused(got(server, ldap_bind_dn=dn, ldap_password=password))


def test_a_name_that_is_no_name(server: slapd.Slapd) -> None:
    refused(got(server, ldap_bind_dn="nobody at all", ldap_password="x"), "no distinguished name", "--bind-dn")


def test_nobody_listens(server: slapd.Slapd) -> None:
    evidence = got(server, f"ldaps://127.0.0.1:{slapd.free_port()}/{BASE}")
    refused(evidence, "cannot be reached")
    assert evidence.status.value == "unreachable"


def test_a_port_that_speaks_otherwise(server: slapd.Slapd) -> None:
    refused(got(server, f"ldaps://127.0.0.1:{server.ldap}/{BASE}"), "no TLS", "636")
    refused(got(server, f"ldap://127.0.0.1:{server.ldaps}/{BASE}", ldap_clear=True))


def test_5_a_base_that_is_not_there(server: slapd.Slapd) -> None:
    refused(got(server, server.uri.replace("dc=example", "dc=nowhere")), "dc=nowhere,dc=org", BASE)
    for name in ("ou=nowhere", "ou=a*)(objectClass=*"):
        evidence = got(server, server.uri.replace("/dc=example", f"/{name},dc=example"))
        assert f"no entry {name}" in evidence.error and "\n" not in evidence.error
        assert {outcome.verdict.value for outcome in run(directory_min_length, Directory(evidence))} == {"unknown"}


def test_the_base_is_the_servers_own_where_none_is_named(server: slapd.Slapd) -> None:
    assert got(server, f"ldaps://127.0.0.1:{server.ldaps}").identity["base"] == BASE


def test_21_references_are_counted(server: slapd.Slapd) -> None:
    directory = Directory(got(server))
    assert directory.searches["accounts"]["referrals"] >= 1 and directory.gap("accounts") is None


def test_23_a_name_with_commas_and_stars(server: slapd.Slapd) -> None:
    directory = Directory(got(server))
    assert any("jane (x)*" in account.dn for account in directory.accounts)
    assert server.binds("cn=Doe\\, Jane (x)*,ou=people," + BASE, "odd-Secret-1")
    assert got(server, ldap_bind_dn="CN=Doe\\, Jane (x)*, OU=people," + BASE, ldap_password="odd-Secret-1").collected


@pytest.mark.parametrize(
    "limit", ["size.soft=7 size.hard=7", "size.soft=7 size.hard=7 size.pr=7 size.prtotal=7", "size.prtotal=disabled size.soft=7"]
)
def test_6_a_size_limit_of_the_server(limit: str) -> None:
    with slapd.slapd(ENTRIES, database=f'olcLimits: {{0}}dn.exact="{slapd.AUDITOR}" {limit}\n') as server:
        directory = Directory(got(server))
        gap = directory.gap("accounts")
        assert gap is None or gap.reason in (Reason.TRUNCATED, Reason.DENIED)
        if gap is None:  # paged through in small pieces
            assert len(directory.accounts) == 32
        else:
            assert len(directory.accounts) < 32 and directory.evidence.status.value == "partial" and "limit" in directory.evidence.error
            assert "unknown" in {outcome.verdict.value for outcome in run(directory_min_length, directory)}


def test_3_and_4_what_is_hidden_is_not_absent() -> None:
    access = f"""olcAccess: {{0}}to attrs=userPassword by self write by anonymous auth by * none
olcAccess: {{1}}to attrs=pwdPolicySubentry,pwdAccountLockedTime by * none
olcAccess: {{2}}to * by dn.exact={slapd.AUDITOR} read by users read by * none
"""
    overlay = "dn: olcOverlay={0}ppolicy,olcDatabase={1}mdb,cn=config\nobjectClass: olcPPolicyConfig\nolcOverlay: {0}ppolicy\n"
    overlay += f"olcPPolicyDefault: cn=default,ou=policies,{BASE}\n"
    weak = f"pwdPolicySubentry: cn=gone,{BASE}"
    with slapd.slapd(ENTRIES + person("weak", weak), access=access, overlays=overlay) as server:
        directory = Directory(got(server))
        assert not directory.shown("accounts", "pwdPolicySubentry")
        assert {outcome.verdict.value for outcome in run(directory_min_length, directory)} == {"unknown"}
        done = server.tool("ldapsearch", slapd.AUDITOR, slapd.AUDITOR_PASSWORD, "-LLL", "-b", BASE, "(!(pwdPolicySubentry=*))", "1.1")
        assert "dn:" not in done.stdout  # undefined: neither there nor not there
        typo = server.tool("ldapsearch", slapd.AUDITOR, slapd.AUDITOR_PASSWORD, "-LLL", "-b", BASE, "(!(unknownAttr=x))", "1.1")
        assert typo.returncode == 0 and "dn:" not in typo.stdout


def test_5_policies_in_a_branch_that_is_closed() -> None:
    access = f"""olcAccess: {{0}}to dn.subtree=ou=policies,{BASE} by * none
olcAccess: {{1}}to attrs=userPassword by self write by anonymous auth by * none
olcAccess: {{2}}to * by users read by * none
"""
    with slapd.slapd(ENTRIES + person("own", f"pwdPolicySubentry: cn=default,ou=policies,{BASE}"), access=access) as server:
        directory = Directory(got(server, ldap_bind_dn=uid("u0"), ldap_password="u0-Secret-1"))
        assert "pass" not in {outcome.verdict.value for outcome in run(directory_min_length, directory)}


def test_a_client_certificate_stands_for_a_name(tmp_path: Path) -> None:
    settings = "olcTLSCACertificateFile: FOLDER/ca.pem\nolcTLSVerifyClient: try\n"
    settings += f"olcAuthzRegexp: {{0}}cn=auditor-card {slapd.AUDITOR}\n"
    with slapd.slapd(ENTRIES, settings=settings) as server:
        ca = server.folder
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        for command in (
            ("req", *new, "-subj", "/CN=auditor-card", "-keyout", f"{tmp_path}/k.pem", "-out", f"{tmp_path}/r.pem"),
            (
                "x509",
                "-req",
                "-in",
                f"{tmp_path}/r.pem",
                "-CA",
                f"{ca}/ca.pem",
                "-CAkey",
                f"{ca}/ca.key",
                "-days",
                "2",
                "-out",
                f"{tmp_path}/c.pem",
            ),
        ):
            subprocess.run(["openssl", *command], check=True, capture_output=True)
        card = {"ldap_bind_dn": "", "ldap_password": None, "ldap_sasl": "external"}
        evidence = got(server, **card, ldap_certificate=f"{tmp_path}/c.pem", ldap_key=f"{tmp_path}/k.pem")
        assert evidence.collected and evidence.identity["bind"].lower() == f"dn:{slapd.AUDITOR}"
        refused(got(server, **card), "--tls-cert")  # without a card


def test_kerberos_without_a_ticket_is_one_line(server: slapd.Slapd) -> None:
    evidence = got(server, ldap_bind_dn="", ldap_password=None, ldap_sasl="gssapi")
    assert not evidence.collected and "\n" not in evidence.error


def test_the_server_goes_away_in_the_middle() -> None:
    with slapd.slapd(ENTRIES) as server:
        options = server.options()
        target = parse_target(server.uri)
        pid = int((server.folder / "slapd.pid").read_text())
        subprocess.run(["kill", "-KILL", str(pid)], check=True)
        with contextlib.suppress(FileNotFoundError):
            (server.folder / "slapd.pid").unlink()
        assert not collect(target, options).collected


def test_anonymous_alone_sees_what_it_is_shown(server: slapd.Slapd) -> None:
    evidence = got(server, ldap_bind_dn="", ldap_password=None)
    directory = Directory(evidence)
    found = {outcome.verdict.value for outcome in run(directory_min_length, directory)} if evidence.collected else {"unknown"}
    assert found == {"unknown"}
