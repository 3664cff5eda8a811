"""The Ssh facts: which daemons, which places, what the program itself said, and what stays linear."""

from __future__ import annotations

import time

import pytest

from sovaudit.facts.factors import Factor
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.testing import host_with
from tests.checks.ssh_world import KEY, ONE, PASSWD, SHADOW, TWO, world

K, P = Factor.KEY, Factor.PASSWORD


def sets(host: Host, name: str = "bob") -> list[set[Factor]]:
    account = host.accounts.get(name)
    assert account is not None
    return [set(factors) for factors in host.ssh.ways(account).certain]


def test_two_daemons_open_by_either() -> None:
    running = {"sshd-daemons": (0, "1\t1800000000\t/usr/sbin/sshd -D\n2\t1800000000\t/usr/sbin/sshd -f /etc/ssh/other -p 2222\n")}
    assert sets(world(TWO, {"/etc/ssh/other": ONE}, commands=running)) == [{K}]
    assert sets(world(TWO, {"/etc/ssh/other": "UsePAM yes\nAllowUsers carol\n"}, commands=running)) == [{K, P}]


def test_arguments_from_the_service() -> None:
    assert sets(world(TWO, {"/etc/default/ssh": 'SSHD_OPTS="-o AuthenticationMethods=publickey"\n'}, kind="root")) == [{K}]
    unit = "[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS -f /etc/ssh/other\n"
    files = {"/etc/ssh/other": ONE, "/etc/systemd/system/ssh.service": unit}
    assert sets(world(TWO, files, kind="root")) == [{K}]
    drop = {**files, "/etc/systemd/system/ssh.service.d/x.conf": "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D\n"}
    assert sets(world(TWO, drop, kind="root")) == [{K, P}]


BEAR = {"/usr/sbin/dropbear": (0o755, 0, 0)}
UNIT = "[Service]\nEnvironment=DROPBEAR_PORT=22\nEnvironmentFile=-/etc/default/dropbear\nExecStart=/usr/sbin/dropbear -EF -p $DROPBEAR_PORT"
UNIT += " $DROPBEAR_EXTRA_ARGS\n"
WANTED = "/etc/systemd/system/multi-user.target.wants/dropbear.service"
STARTED = {"/usr/lib/systemd/system/dropbear.service": UNIT, "/etc/shells": "/bin/bash\n"}
LINKED = {WANTED: "/usr/lib/systemd/system/dropbear.service"}


@pytest.mark.parametrize(
    ("arguments", "opens"),
    [
        ("", [{K}, {P}]), ("-s", [{K}]), ("-w -g", [{K}, {P}]), ("-t", [{K, P}]), ("-p 2222 -sEF", [{K}]),
        ("-G staff", []), ("-I 60 -G bob", [{K}, {P}]),
        ("-D s -t", [{K, P}]),
    ],
)  # fmt: skip
def test_dropbear(arguments: str, opens: list[set[Factor]]) -> None:
    """As a real dropbear 2022.83 let in. Beside a strict sshd, and alone."""
    files = {**STARTED, "/etc/default/dropbear": f'DROPBEAR_EXTRA_ARGS="{arguments}"\n'}
    assert sets(world(TWO + "DenyUsers bob\n", files, kind="root", modes=BEAR, links=LINKED)) == opens
    assert world(TWO, files, kind="root", modes=BEAR, links=LINKED).ssh.admits_only(["bob"], []) is False


def test_dropbear_that_is_not_started() -> None:
    assert sets(world(TWO, {"/etc/shells": "/bin/bash\n"}, kind="root", modes=BEAR)) == [{K, P}]
    running = {"processes": (0, "init\nsshd\ndropbear\n")}
    assert sets(world(TWO, STARTED, modes=BEAR, commands=running)) == [{K}, {P}]
    account = (host := world(TWO, STARTED, modes=BEAR)).accounts.get("bob")
    assert account is not None
    assert frozenset({K}) in host.ssh.ways(account).possible  # whether it runs was not seen


@pytest.mark.parametrize(
    "change",
    [
        {"files": {"/etc/shells": "/bin/sh\n"}}, {"modes": {"/home/bob": (0o775, 1001, 1001)}}, {"modes": {"/home/bob/.ssh": (0o700, 1002, 1001)}},
        {"files": {"/home/bob/.ssh/authorized_keys": f"cert-authority {KEY}"}},
    ],
)  # fmt: skip
def test_what_dropbear_refuses(change: dict[str, dict[str, object]]) -> None:
    files = {**STARTED, "/etc/default/dropbear": 'DROPBEAR_EXTRA_ARGS="-s"\n', **change.get("files", {})}
    host = world("DenyUsers bob\n", files, kind="root", modes={**BEAR, **change.get("modes", {})}, links=LINKED)  # type: ignore[arg-type]
    assert sets(host) == []


def test_tinysshd_may_open() -> None:
    unit = "/usr/lib/systemd/system/tinysshd.socket"
    files = {unit: "[Socket]\nListenStream=22\n", "/etc/shells": "/bin/bash\n"}
    links = {"/etc/systemd/system/multi-user.target.wants/tinysshd.socket": unit}
    host = world("DenyUsers bob\n", files, kind="root", modes={"/usr/sbin/tinysshd": (0o755, 0, 0)}, links=links)
    account = host.accounts.get("bob")
    assert account is not None
    assert [*host.ssh.ways(account).possible] == [frozenset({K})]


def test_arguments_with_blanks() -> None:
    """systemd splits a variable's text as a shell would; a running process shows its arguments without quotes."""
    methods = "AuthenticationMethods publickey,password publickey"
    assert sets(world(TWO, {"/etc/default/ssh": f"SSHD_OPTS=-D -o '{methods}'\n"}, kind="root")) == [{K}]
    assert sets(world(TWO, commands={"sshd-daemons": (0, f"1\t1800000000\t/usr/sbin/sshd -D -o {methods} -p 22\n")})) == [{K}]


def test_include_folder_changed_after_the_start() -> None:
    running = {"sshd-daemons": (0, "1\t1650000000\t/usr/sbin/sshd -D\n")}
    with pytest.raises(Unseen, match="after sshd was started"):
        sets(world(ONE, commands=running))


def test_calibration() -> None:
    dump = "usepam yes\npermitrootlogin no\nauthenticationmethods publickey,password\nallowusers bob\n"
    start, keywords = world(TWO, commands={"sshd-T": (0, dump), "sshd-t": (0, "")}).ssh.calibration()
    assert start.agrees is True
    assert keywords.agrees is False
    assert "allowusers" in keywords.detail
    start, keywords = world(
        TWO + "AllowUsers bob\n", commands={"sshd-T": (0, dump), "sshd-t": (255, "/etc/ssh/sshd_config line 2: bad\n")}
    ).ssh.calibration()
    assert (start.agrees, keywords.agrees) == (False, True)
    start, keywords = world(
        TWO, commands={"sshd-T": (1, "Permission denied"), "sshd-t": (255, "sshd: no hostkeys available -- exiting.\n")}
    ).ssh.calibration()
    assert (start.agrees, keywords.agrees) == (None, None)


def test_unseen_version_takes_the_newest_words() -> None:
    host = host_with({"/etc/ssh/sshd_config": "RefuseConnection no\n"}, modes={"/usr/sbin/sshd": (0o755, 0, 0)})
    assert host.ssh.installed
    assert host.ssh.refused is None


def test_installed_is_unknown_without_program_and_package_list() -> None:
    with pytest.raises(Unseen):
        _ = host_with({"/etc/ssh/sshd_config": ""}).ssh.installed


def test_shadow_unseen_leaves_the_password_possible() -> None:
    host = world("UsePAM no\nPubkeyAuthentication no\n", unseen=["/etc/shadow"])
    account = host.accounts.get("bob")
    assert account is not None
    ways = host.ssh.ways(account)
    assert not ways.certain
    assert ways.possible


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (ONE + "Match Address 10.0.0.0/8,!10.1.0.0/16\nPubkeyAuthentication no\n", [{K}]),
        (ONE + "Match Address *\nPubkeyAuthentication no\n", []),
        (ONE + "Match Address 0.0.0.0/0,::/0\nPubkeyAuthentication no\n", []),
        (ONE + "PubkeyAuthentication no\nMatch Address 10.0.0.0/8,!10.0.0.0/9 LocalPort 22\nPubkeyAuthentication yes\n", [{K}]),
        (ONE + "PubkeyAuthentication no\nMatch Address 10.0.0.0/8 User bob Group bob,!sudo\nPubkeyAuthentication yes\n", []),
        (ONE + "ListenAddress 10.0.0.1\nMatch LocalAddress 10.0.0.2\nPasswordAuthentication yes\n", [{K}]),
        (ONE + "AllowUsers bob@2001:db8::/32\n", [{K}]),
        (ONE + "AllowUsers bob@*.example.org\n", []),
        (ONE + "UseDNS yes\nAllowUsers bob@*.example.org\n", [{K}]),
        (ONE + "AllowUsers bob@10.0.0.0/8\nDenyUsers bob@10.0.0.0/8\n", []),
    ],
)
def test_places(config: str, expected: list[set[Factor]]) -> None:
    assert sets(world(config)) == expected


def test_from_and_match_meet() -> None:
    config = ONE + "PubkeyAuthentication no\nMatch Address 10.0.0.7\nPubkeyAuthentication yes\n"
    assert sets(world(config, {"/home/bob/.ssh/authorized_keys": f'from="10.0.0.7" {KEY}'})) == [{K}]
    assert sets(world(config, {"/home/bob/.ssh/authorized_keys": f'from="10.0.0.8" {KEY}'})) == []


def test_linear_in_accounts() -> None:
    def cost(count: int) -> float:
        more = [f"u{number}" for number in range(count)]
        passwd = PASSWD + "".join(f"{name}:x:{2000 + at}:100::/home/{name}:/bin/bash\n" for at, name in enumerate(more))
        shadow = SHADOW + "".join(f"{name}:$y$j9T$masked:19000:0:99999:7:::\n" for name in more)
        host = world(TWO, {"/etc/passwd": passwd, "/etc/shadow": shadow})
        accounts = list(host.accounts)
        start = time.process_time()
        for account in accounts:
            host.ssh.ways(account)
        return time.process_time() - start

    cost(50)
    assert cost(2000) < 20 * cost(200) + 0.2
