"""least-privilege.authorized-keys"""

from __future__ import annotations

import base64

import pytest
from sovaudit.content.checks.least_privilege.authorized_keys import authorized_keys

from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts
from tests.checks.ssh_world import KEY, ONE, world


def blob(*fields: bytes) -> str:
    return base64.b64encode(b"".join(len(field).to_bytes(4, "big") + field for field in fields)).decode()


def rsa(bits: int) -> str:
    modulus = b"\0" + (1 << bits - 1).to_bytes(bits // 8, "big")
    return f"ssh-rsa {blob(b'ssh-rsa', bytes([1, 0, 1]), modulus)} x\n"


DSA = f"ssh-dss {blob(b'ssh-dss', b'p', b'q', b'g', b'y')} x\n"
FILE = "/home/bob/.ssh/authorized_keys"


def bob(text: str = KEY, config: str = ONE, **more: object) -> Host:
    return world(config, {FILE: text, **more.pop("files", {})}, **more)  # type: ignore[dict-item]


def judged(host: Host, **knobs: object) -> dict[str, str]:
    return verdicts(run(authorized_keys, host, **knobs))


def test_one_strong_key() -> None:
    outcomes = run(authorized_keys, bob())
    assert verdicts(outcomes) == {"root": "pass", "bob": "pass"}
    assert [line.file for line in outcomes[1].because] == [FILE]


@pytest.mark.parametrize(("bits", "verdict"), [(2048, "fail"), (3064, "fail"), (3072, "pass"), (4096, "pass")])
def test_rsa(bits: int, verdict: str) -> None:
    assert judged(bob(KEY + rsa(bits)))["bob"] == verdict


def test_rsa_knob() -> None:
    assert judged(bob(rsa(2048)), rsa_bits=2048)["bob"] == "pass"


def test_dsa() -> None:
    assert judged(bob(KEY + DSA))["bob"] == "pass"  # sshd refuses it
    assert judged(bob(KEY + DSA, ONE + "PubkeyAcceptedAlgorithms +ssh-dss\n"))["bob"] == "fail"


def test_known() -> None:
    (_, outcome) = run(authorized_keys, bob(), known=("SHA256:x",))
    assert outcome.verdict.value == "fail"
    assert judged(bob(), known=(outcome.seen,))["bob"] == "pass"


def test_places() -> None:
    loose = ONE + "StrictModes no\n"
    assert judged(bob(config=loose, modes={FILE: (0o666, 1001, 1001)}))["bob"] == "fail"
    assert judged(bob(modes={FILE: (0o666, 1001, 1001)}))["bob"] == "pass"  # sshd does not use it
    assert judged(bob(modes={"/home": (0o777, 0, 0)}))["bob"] == "fail"
    assert judged(bob(modes={"/home": (0o1777, 0, 0)}))["bob"] == "pass"
    assert judged(bob(config=loose, modes={FILE: (0o644, 1, 1)}))["bob"] == "fail"


def test_access_control_lists() -> None:
    group = {FILE: (0o660, 1001, 1001)}
    assert judged(bob(modes=group, unseen=["acls"]))["bob"] == "unknown"

    def with_list(entries: str) -> str:
        return judged(bob(modes=group, artifacts={"acls": f"{FILE}\t{entries}\n" if entries else ""}))["bob"]

    assert with_list("") == "pass"  # the group is the account's own
    assert with_list("user:1002:rw-,group::rw-") == "fail"
    assert with_list("user:1002:r--,user:0:rw-,group::rw-") == "pass"
    assert with_list("group::r--,group:27:rw-") == "pass"  # bob is alone in it
    assert with_list("?") == "unknown"


def test_authority() -> None:
    config = ONE + "TrustedUserCAKeys /etc/ssh/ca.pub\n"
    assert judged(bob("", config, files={"/etc/ssh/ca.pub": rsa(2048)})) == {"root": "pass", "bob": "fail"}
    assert judged(bob("", config, files={"/etc/ssh/ca.pub": KEY}, modes={"/etc/ssh/ca.pub": (0o644, 1001, 0)}))["bob"] == "fail"


def test_what_may_be_there() -> None:
    command = ONE + "AuthorizedKeysCommand /bin/keys\nAuthorizedKeysCommandUser root\n"
    there = {"/bin/keys": (0o755, 0, 0)}
    assert judged(bob(config=command, modes=there))["bob"] == "unknown"
    assert judged(bob(rsa(2048), command, modes=there))["bob"] == "fail"
    assert judged(bob(config=command))["bob"] == "pass"  # there is no such program
    assert judged(bob(unseen=[FILE]))["bob"] == "unknown"
    assert judged(bob('expiry-time="20260601" ' + rsa(2048)))["bob"] == "unknown"  # today, in an unseen time zone
    assert (
        judged(bob(rsa(2048), files={"/etc/pam.d/sshd": "account required pam_unheard.so\nsession required pam_permit.so\n"}))["bob"]
        == "unknown"
    )
    assert judged(bob(files={"/etc/nsswitch.conf": "passwd: files ldap\n"}))["ldap"] == "unknown"


def test_no_sshd_and_no_shell() -> None:
    assert judged(host_with({}, artifacts={"packages": "bash 5.2\n"})) == {"": "not_applicable"}
    assert judged(world(ONE, {"/etc/passwd": "root:x:0:0::/root:/usr/sbin/nologin\n"})) == {"": "not_applicable"}
