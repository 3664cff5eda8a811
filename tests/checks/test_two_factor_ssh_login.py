"""two-factor.ssh-login"""

from __future__ import annotations

import pytest
from sovaudit.content.checks.two_factor.ssh_login import ssh_login

from sovaudit.facts.host import Host
from sovaudit.testing import host_with, run, verdicts, without
from tests.checks.ssh_world import KEY, ONE, TWO, world


def judged(host: Host) -> dict[str, str]:
    return verdicts(run(ssh_login, host))


def test_key_alone() -> None:
    outcomes = run(ssh_login, world(ONE))
    assert verdicts(outcomes) == {"root": "pass", "bob": "fail"}
    assert outcomes[1].seen == "key"
    assert any(line.file == "/home/bob/.ssh/authorized_keys" for line in outcomes[1].because)


def test_key_and_password() -> None:
    outcomes = run(ssh_login, world(TWO))
    assert verdicts(outcomes) == {"root": "pass", "bob": "pass"}
    assert outcomes[1].seen == "key + password"


@pytest.mark.parametrize(
    ("config", "verdict"),
    [
        ("UsePAM yes\nAuthenticationMethods publickey,publickey\n", "pass"),  # one key only
        ("UsePAM yes\nAuthenticationMethods password,keyboard-interactive\n", "fail"),  # one password, asked twice
        (TWO + "Match Address 10.9.0.0/16\nAuthenticationMethods publickey\n", "fail"),
        (TWO + "Match LocalPort 2222\nAuthenticationMethods publickey\n", "pass"),  # nobody listens there
        (TWO + "Port 22\nPort 2222\nMatch LocalPort 2222\nAuthenticationMethods publickey\n", "fail"),
        (TWO + "Match Host *.corp\nAuthenticationMethods publickey\n", "pass"),  # UseDNS no: the host is its address
        (TWO + "UseDNS yes\nMatch Host *.corp\nAuthenticationMethods publickey\n", "fail"),
        (TWO + "Match User alice\nAuthenticationMethods any\n", "fail"),  # `any` after other methods: sshd refuses, see below
        (ONE + "AllowUsers alice\n", "pass"),
        (ONE + "DenyGroups sudo\n", "pass"),
        (ONE + "Match User bob Address 10.0.0.1\nDenyUsers x\n", "fail"),
    ],
)
def test_configurations(config: str, verdict: str) -> None:
    host = world(config, kind="root")
    if "any" in config:
        assert judged(host)["bob"] == "pass"  # sshd does not start
    else:
        assert judged(host)["bob"] == verdict


def test_security_key_with_pin_is_two() -> None:
    import base64

    name = b"sk-ssh-ed25519@openssh.com"
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (name, bytes(32), b"ssh:"))
    text = f"verify-required {name.decode()} {base64.b64encode(blob).decode()} bob\n"
    assert judged(world(ONE, {"/home/bob/.ssh/authorized_keys": text}))["bob"] == "pass"
    assert judged(world(ONE, {"/home/bob/.ssh/authorized_keys": text.removeprefix("verify-required ")}))["bob"] == "fail"
    demanded = ONE + "PubkeyAuthOptions verify-required\n"
    assert judged(world(demanded, {"/home/bob/.ssh/authorized_keys": text.removeprefix("verify-required ")}))["bob"] == "pass"
    assert judged(world(demanded, {"/home/bob/.ssh/authorized_keys": text + KEY}))["bob"] == "fail"


def test_authority_counts_as_key() -> None:
    host = world(ONE + "TrustedUserCAKeys /etc/ssh/ca.pub\n", {"/etc/ssh/ca.pub": KEY, "/home/bob/.ssh/authorized_keys": ""})
    assert judged(host)["bob"] == "fail"
    principals = ONE + "TrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsFile /etc/ssh/p/%u\n"
    assert judged(world(principals, {"/etc/ssh/ca.pub": KEY, "/home/bob/.ssh/authorized_keys": ""}))["bob"] == "pass"


def test_keys_command_is_unknown() -> None:
    config = ONE + "AuthorizedKeysCommand /usr/bin/sss_ssh_authorizedkeys\nAuthorizedKeysCommandUser root\n"
    no_key, program = {"/home/bob/.ssh/authorized_keys": ""}, "/usr/bin/sss_ssh_authorizedkeys"
    assert judged(world(config, no_key, modes={program: (0o755, 0, 0)}))["bob"] == "unknown"
    assert judged(world(config, no_key, modes={program: (0o757, 0, 0)}))["bob"] == "pass"  # sshd does not run it


def test_unseen_home_is_unknown() -> None:
    assert judged(world(ONE, unseen=["/home/bob/.ssh/authorized_keys"]))["bob"] == "unknown"


def test_unseen_drop_in_is_unknown() -> None:
    host = world(
        "Include /etc/ssh/sshd_config.d/*.conf\n" + TWO, unseen=["/etc/ssh/sshd_config.d"], modes={"/etc/ssh/sshd_config.d": (0o755, 0, 0)}
    )
    assert judged(host) == {"": "unknown"}


def test_changed_since_the_daemon_started() -> None:
    running = {"sshd-daemons": (0, "77\t1600000000\tsshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups\n")}
    assert judged(world(TWO, commands=running)) == {"": "unknown"}
    later = {"sshd-daemons": (0, "77\t1800000000\tsshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups\n")}
    assert judged(world(TWO, commands=later))["bob"] == "pass"


def test_arguments_of_the_daemon_count() -> None:
    running = {"sshd-daemons": (0, "77\t1800000000\t/usr/sbin/sshd -D -oAuthenticationMethods=publickey -p 2222\n")}
    assert judged(world(TWO, commands=running))["bob"] == "fail"


def test_sshd_disagrees() -> None:
    assert judged(world(TWO, commands={"sshd-T": (0, "authenticationmethods any\n")})) == {"": "unknown"}
    assert judged(world(TWO, commands={"sshd-T": (0, "authenticationmethods publickey,password\n")}))["bob"] == "pass"


def test_sshd_that_does_not_start() -> None:
    assert judged(world("Nonsense yes\n", kind="root")) == {"root": "pass", "bob": "pass"}
    running = {"sshd-daemons": (0, "77\t1800000000\t/usr/sbin/sshd -D\n")}
    assert judged(world("Nonsense yes\n", commands=running)) == {"": "unknown"}


def test_account_without_shell_is_asked_only_where_sftp_lets_it_in() -> None:
    files = {"/usr/sbin/.ssh/authorized_keys": KEY}
    modes = {"/usr/sbin/.ssh/authorized_keys": (0o644, 0, 0)}
    assert "daemon" not in judged(world(ONE, files, modes=modes))
    assert judged(world(ONE + "Subsystem sftp internal-sftp\n", files, modes=modes))["daemon"] == "fail"


def test_no_account_with_a_shell() -> None:
    assert judged(world(ONE, {"/etc/passwd": "root:x:0:0::/root:/usr/sbin/nologin\n"})) == {"": "not_applicable"}


def test_no_sshd() -> None:
    host = host_with({}, artifacts={"packages": "bash 5.2\n"})
    assert judged(host) == {"": "not_applicable"}


def test_directory_accounts() -> None:
    host = world(TWO, {"/etc/nsswitch.conf": "passwd: files ldap\n"})
    assert judged(host)["ldap"] == "unknown"


@pytest.mark.parametrize("config", [ONE, TWO, "UsePAM no\nPermitRootLogin no\n"])
def test_deletion_never_makes_a_pass(config: str) -> None:
    host = world(
        config, commands={"sshd-daemons": (0, "77\t1800000000\t/usr/sbin/sshd -D\n"), "sshd-T": (0, "usepam yes\n"), "sshd-t": (0, "")}
    )
    before = judged(host)
    for artifact in host.evidence.artifacts:
        after = judged(Host(without(host.evidence, artifact)))
        for subject, verdict in before.items():
            if verdict in ("fail", "unknown"):
                assert after.get(subject, after.get("", "unknown")) in ("fail", "unknown"), (artifact, subject)
