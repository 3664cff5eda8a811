"""What the collector keeps of its own login to a real sshd, beside separate logins with one factor and with both."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from checks.two_factor.ssh_observed import ssh_observed
from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.factors import Factor
from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab
from tests.truth.test_ssh import BASE, GA, KEY2, PASSWORD, PEM, STRICT, UNIX, Case, base, code, line, login, prepare
from tests.truth.test_ssh import KEY as FIRST

pytestmark = pytest.mark.lab
K, P, C = Factor.KEY, Factor.PASSWORD, Factor.OTP
__all__ = ["base"]  # a fixture
PAIR = BASE + "AuthenticationMethods publickey,password\n"


@dataclass(frozen=True)
class Visit:
    """sshd: its configuration. gives: what the collector holds. verdict: what follows; empty where nobody gets in."""

    sshd: str
    gives: tuple[Factor, ...]
    verdict: str
    pam: str = ""
    prepare: str = ""
    files: dict[str, str] = field(default_factory=dict)


VISITS: dict[str, Visit] = {
    "key alone": Visit(BASE, (K,), "fail"),
    "key alone, with a password in hand": Visit(BASE, (K, P), "fail"),
    "password alone": Visit(BASE, (P,), "fail"),
    "typed password alone": Visit("UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\n", (P,), "fail"),
    "key and password": Visit(PAIR, (K, P), "pass"),
    "password and key": Visit(BASE + "AuthenticationMethods password,publickey\n", (K, P), "pass"),
    "key and typed password": Visit(STRICT, (K, P), "pass", pam=UNIX),
    "key and code": Visit(STRICT, (K, C), "pass", pam=GA.format("")),
    "key and nothing asked": Visit(STRICT, (K, P), "fail", pam=GA.format(" nullok") + "auth required pam_permit.so\n", prepare="rm /home/bob/.google_authenticator"),
    "key or key and password": Visit(BASE + "AuthenticationMethods publickey,password publickey\n", (K, P), "fail"),
    "exempt by Match User": Visit(PAIR + "Match User bob\nAuthenticationMethods publickey\n", (K, P), "fail"),
    "exempt by Match Address": Visit(PAIR + "Match Address 127.0.0.0/8\nAuthenticationMethods publickey\n", (K, P), "fail"),
    "exempt for another": Visit(PAIR + "Match User carol\nAuthenticationMethods publickey\n", (K, P), "pass"),
    "password asked twice": Visit("UsePAM yes\nAuthenticationMethods password,keyboard-interactive\n", (P,), "fail"),
    "key is not enough": Visit(PAIR, (K,), ""),
    "password is not enough": Visit(PAIR, (P,), ""),
    "wrong key first": Visit(PAIR, (K, P), "pass", prepare="sed -i 1d /home/bob/.ssh/authorized_keys; cat /srv/first >> /home/bob/.ssh/authorized_keys", files={"/srv/first": line(FIRST)}),
}  # fmt: skip


@pytest.mark.parametrize("name", VISITS)
def test_visit(name: str, base: str, tmp_path: Path) -> None:
    visit = VISITS[name]
    given = frozenset(visit.gives)
    case = Case(visit.sshd, {"bob": line(FIRST) + line(KEY2)}, pam=visit.pam, files=visit.files, prepare=visit.prepare)
    with lab.overlay() as root:
        prepare(root, case, base)
        (tmp_path / "id").write_text(PEM)
        os.chmod(tmp_path / "id", 0o600)
        with lab.sshd(root) as port:
            kind, key = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
            (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
            options = CollectOptions(
                key_files=(str(tmp_path / "id"),) if K in given else (), known_hosts=(str(tmp_path / "known"),), agent=False,
                ssh_config=str(tmp_path / "none"), password=code() if C in given else PASSWORD if P in given else None,
            )  # fmt: skip
            evidence = collect(parse_target(f"ssh://bob@127.0.0.1:{port}"), options)
            both = login(port, "bob", "127.0.0.1", given, visit.sshd, "")
            alone = any(login(port, "bob", "127.0.0.1", frozenset({factor}), visit.sshd, "") for factor in given)
    assert (evidence.error == "") == both == bool(visit.verdict), evidence.error
    if not both:
        return
    assert not any(PASSWORD.encode() in data for data in evidence.artifacts.values())
    (outcome,) = run(ssh_observed, Host(evidence))
    assert (outcome.subject, outcome.verdict.value) == ("bob", "fail" if alone else "pass"), evidence.artifacts["ssh-login"]
    assert outcome.verdict.value == visit.verdict
    calibrated = [one for one in Host(evidence).ssh.calibration() if one.program == "sshd"]
    assert all(one.agrees for one in calibrated), calibrated


def test_two_keys(base: str, tmp_path: Path) -> None:
    """Two keys are one factor, and the collector gives both."""
    from tests.truth.test_ssh import _ed25519, _load

    pems = [_ed25519(), _ed25519()]
    case = Case(BASE + "AuthenticationMethods publickey,publickey\n", {"bob": "".join(line(_load(pem)) for pem in pems)})
    for number, pem in enumerate(pems):
        (tmp_path / f"id{number}").write_text(pem)
    with lab.overlay() as root:
        prepare(root, case, base)
        with lab.sshd(root) as port:
            kind, key = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
            (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
            files = (str(tmp_path / "id0"), str(tmp_path / "id1"))
            options = CollectOptions(
                key_files=files, known_hosts=(str(tmp_path / "known"),), agent=False, ssh_config=str(tmp_path / "none")
            )
            evidence = collect(parse_target(f"ssh://bob@127.0.0.1:{port}"), options)
    assert evidence.error == ""
    assert evidence.artifacts["ssh-login"] == b"publickey\tssh-ed25519\tmore\tpublickey\npublickey\tssh-ed25519\topen\t\n"
    assert [outcome.verdict.value for outcome in run(ssh_observed, Host(evidence))] == ["fail"]


def test_not_over_ssh() -> None:
    with lab.overlay() as root:
        for evidence in (lab.mounted(root), lab.local(root)):
            assert [outcome.verdict.value for outcome in run(ssh_observed, Host(evidence))] == ["not_applicable"]
