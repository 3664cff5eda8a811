"""SASL GSSAPI against a real KDC and a real slapd: who comes in with a ticket, and one clear line for whoever does not."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.collectors.ldap import kerberos
from sovaudit.facts.directory import Directory
from sovaudit.model.evidence import Evidence
from tests import kdc, slapd
from tests import samba_ad as ad
from tests.directories.openldap_acts import BASE, person, uid

pytestmark = [pytest.mark.slapd, pytest.mark.kerberos]
SETTINGS = (
    "olcSaslHost: localhost\n"
    f"olcAuthzRegexp: {{0}}uid=auditor,cn=gssapi,cn=auth {slapd.AUDITOR}\n"
    f"olcAuthzRegexp: {{1}}uid=([^,]+),cn=gssapi,cn=auth uid=$1,ou=people,{BASE}\n"
)


@pytest.fixture(scope="module")
def realm() -> Iterator[kdc.Kdc]:
    with kdc.kdc("auditor", "alice", "stranger") as started:
        yield started


@pytest.fixture(scope="module")
def server(realm: kdc.Kdc) -> Iterator[slapd.Slapd]:
    with slapd.slapd(person("alice"), settings=SETTINGS, environment=realm.environment) as started:
        yield started


@pytest.fixture(autouse=True)
def _environment(realm: kdc.Kdc, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KRB5_CONFIG", "KRB5CCNAME"):
        monkeypatch.setenv(name, realm.environment[name])


def got(server: slapd.Slapd, host: str = "localhost", *, scheme: str = "ldaps", **more: object) -> Evidence:
    port = server.ldaps if scheme == "ldaps" else server.ldap
    options = CollectOptions(**{"ldap_sasl": "gssapi", "ldap_ca": str(server.ca), **more})  # type: ignore[arg-type]
    return collect(parse_target(f"{scheme}://{host}:{port}/{BASE}"), options)


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
@pytest.mark.parametrize(("who", "dn"), [("auditor", slapd.AUDITOR), ("alice", uid("alice"))])
def test_a_ticket_lets_its_owner_in(who: str, dn: str, scheme: str, server: slapd.Slapd, realm: kdc.Kdc) -> None:
    realm.ticket(who)
    evidence = got(server, scheme=scheme)
    assert evidence.collected, evidence.error
    assert evidence.identity["bind"].lower() == f"dn:{dn}" and evidence.identity["tls"].startswith("TLSv1.")
    assert {account.name for account in Directory(evidence).accounts} >= {"alice"}


def test_whom_the_directory_does_not_know_sees_what_a_stranger_sees(server: slapd.Slapd, realm: kdc.Kdc) -> None:
    realm.ticket("stranger")
    assert got(server).identity["bind"].lower() == f"dn:{uid('stranger')}"


def refused(evidence: Evidence, *words: str) -> None:
    assert not evidence.collected and "\n" not in evidence.error and not evidence.artifacts
    assert all(word in evidence.error for word in words), evidence.error


def test_no_ticket(server: slapd.Slapd, realm: kdc.Kdc) -> None:
    realm.no_ticket()
    refused(got(server), "no Kerberos ticket", "kinit")


def test_a_ticket_that_is_over(server: slapd.Slapd, realm: kdc.Kdc) -> None:
    realm.ticket("auditor", seconds=1)
    time.sleep(2.2)  # a second of grace for clocks that differ
    refused(got(server), "expired", "kinit")


def test_a_name_that_is_no_service(server: slapd.Slapd, realm: kdc.Kdc) -> None:
    realm.ticket("auditor")
    refused(got(server, "127.0.0.1"), "ldap/", "no ticket")
    # its certificate and its principal have the same name
    assert got(server, "127.0.0.1", ldap_tls_name="localhost").collected


def test_no_kdc_answers(server: slapd.Slapd, realm: kdc.Kdc, monkeypatch: pytest.MonkeyPatch) -> None:
    realm.ticket("auditor")
    text = (realm.folder / "krb5.conf").read_text()
    (realm.folder / "lost.conf").write_text(text.replace("127.0.0.1:", "127.0.0.1:1 #"))
    monkeypatch.setenv("KRB5_CONFIG", str(realm.folder / "lost.conf"))
    refused(got(server), "KDC")


def test_the_channel_is_verified_before_any_ticket_is_shown(server: slapd.Slapd, realm: kdc.Kdc) -> None:
    realm.ticket("auditor")
    refused(got(server, ldap_ca=""), "certificate")
    log = (realm.folder / "kdc.log").read_text()
    refused(got(server, ldap_ca=""), "certificate")
    assert (realm.folder / "kdc.log").read_text() == log  # the KDC was not even asked


def test_a_server_that_knows_another_key(realm: kdc.Kdc) -> None:
    realm.ticket("auditor")
    wrong = {**realm.environment, "KRB5_KTNAME": "FILE:/nonexistent"}
    with slapd.slapd(settings=SETTINGS, environment=wrong) as other:
        refused(got(other), "result ")


@pytest.mark.parametrize("kind", ["tls-endpoint", "none"])
def test_the_ticket_is_tied_to_the_channel(kind: str, realm: kdc.Kdc, monkeypatch: pytest.MonkeyPatch) -> None:
    realm.ticket("auditor")
    with slapd.slapd(settings=SETTINGS + f"olcSaslCBinding: {kind}\n", environment=realm.environment) as bound:
        assert got(bound).collected
        monkeypatch.setattr(kerberos, "channel", lambda sock: b"tls-server-end-point:" + bytes(32))  # as through somebody in the middle
        assert got(bound).collected is (kind == "none")


@pytest.mark.samba
@pytest.mark.parametrize("demand", ["allow_sasl_over_tls", "yes"])
def test_a_domain_controller_takes_its_own_tickets(demand: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "krb5.conf").write_text(
        "[libdefaults]\n default_realm = LAB.TEST\n dns_lookup_kdc = false\n dns_canonicalize_hostname = false\n rdns = false\n"
        " udp_preference_limit = 1\n[realms]\n LAB.TEST = {\n  kdc = 127.0.0.1\n }\n[domain_realm]\n .lab.test = LAB.TEST\n"
    )
    environment = {"KRB5_CONFIG": f"{tmp_path}/krb5.conf", "KRB5CCNAME": f"FILE:{tmp_path}/cache"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    named: list[object] = ["modify", f"CN=DC1,OU=Domain Controllers,{ad.BASE}", {"+servicePrincipalName": [f"ldap/{ad.HOST}"]}]
    settings = f"\tldap server require strong auth = {demand}\n"
    with ad.samba([["user", "alice", ad.PASSWORD, {}, ""], named], services="ldap kdc", settings=settings) as server:
        enter = ["nsenter", f"--net=/proc/{server.pid}/ns/net", "kinit", "alice"]
        for _ in range(40):  # the KDC is up a little later than the directory
            done = subprocess.run(
                enter, input=ad.PASSWORD + "\n", env={**environment, "PATH": kdc.PATH}, text=True, capture_output=True, check=False
            )
            if done.returncode == 0:
                break
            time.sleep(0.1)
        options = CollectOptions(ldap_sasl="gssapi", ldap_ca=str(server.folder / "ca.pem"), ldap_tls_name=ad.HOST)
        with ad.inside(server.pid):
            evidence = collect(parse_target(f"ldaps://127.0.0.1/{ad.BASE}"), options)
    if demand == "yes":
        refused(evidence, "stronger", "allow_sasl_over_tls")
    else:
        assert evidence.collected and "alice" in {account.name for account in Directory(evidence).accounts}, evidence.error


def test_a_machine_without_kerberos(server: slapd.Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kerberos, "_LIBRARIES", ("libnothing.so.9",))
    kerberos._library.cache_clear()
    try:
        refused(got(server), "no Kerberos library")
    finally:
        kerberos._library.cache_clear()
    assert os.environ["KRB5_CONFIG"]
