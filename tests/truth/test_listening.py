"""What listens: real sockets in a network of their own, real `ss`, and real strangers who knock from a second address."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sovaudit.content.checks.least_privilege.listening import listening

from sovaudit.collectors import CollectOptions
from sovaudit.collectors.local import collect_local
from sovaudit.facts.host import Host
from sovaudit.model.evidence import Target
from sovaudit.testing import run, verdicts
from tests import lab

pytestmark = pytest.mark.lab

# port: (family, kind, address, option)
SOCKETS: dict[int, tuple[str, str, str, str]] = {
    1001: ("4", "tcp", "0.0.0.0", ""),
    1002: ("4", "tcp", "127.0.0.1", ""),
    1003: ("4", "tcp", "127.9.8.7", ""),
    1004: ("4", "tcp", "192.0.2.1", ""),
    1005: ("6", "tcp", "::", ""),
    1006: ("6", "tcp", "::1", ""),
    1007: ("6", "tcp", "::", "only"),
    1008: ("6", "tcp", "::ffff:127.0.0.1", ""),
    1009: ("6", "tcp", "2001:db8::1", ""),
    1010: ("4", "tcp", "0.0.0.0", "lo"),
    1011: ("4", "udp", "0.0.0.0", ""),
    1012: ("4", "udp", "127.0.0.1", ""),
    1013: ("6", "udp", "::", ""),
    1014: ("4", "udp", "192.0.2.1", ""),
    1015: ("4", "tcp", "0.0.0.0", "d0"),
    1016: ("6", "tcp", "fe80::1", "d0"),
    1017: ("6", "udp", "::1", ""),
    1018: ("6", "tcp", "::ffff:192.0.2.1", ""),
}
OPEN = """
import json, socket, sys, time
held = []
for port, (family, kind, address, option) in json.loads(sys.argv[1]).items():
    s = socket.socket(socket.AF_INET6 if family == "6" else socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    if family == "6":
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1 if option == "only" else 0)
    if option in ("lo", "d0"):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, option.encode())
    scope = socket.if_nametoindex("d0") if address.startswith("fe80") else 0
    s.bind((address, int(port), 0, scope) if family == "6" else (address, int(port)))
    if kind == "tcp":
        s.listen(5)
    held.append(s)
print("ready", flush=True)
time.sleep(60)
"""
KNOCK = """
import json, socket, sys, time
found = []
for port, (family, kind, address, option) in json.loads(sys.argv[1]).items():
    for reach in (("192.0.2.1", int(port)), ("2001:db8::1", int(port)), ("fe80::1", int(port), 0, socket.if_nametoindex("v1"))):
        six = ":" in reach[0]
        c = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        c.settimeout(0.5)
        try:
            c.connect(reach)
            if kind == "udp":
                c.send(b"x")
                time.sleep(0.02)
                c.send(b"x")
            found.append(int(port))
            break
        except OSError:
            pass
print(json.dumps(found))
"""
# d0 is the host's interface; v1, at the other end of the cable, the stranger's
NETWORK = (
    "unshare --net sleep 60 & P=$!; while [ /proc/$P/ns/net -ef /proc/self/ns/net ]; do sleep 0.01; done; "
    "ip link set lo up; ip link add d0 type veth peer name v1 netns $P; ip link set d0 up; nsenter -t $P -n ip link set v1 up; "
    "ip addr add 192.0.2.1/24 dev d0; ip -6 addr add 2001:db8::1/64 dev d0 nodad; ip -6 addr add fe80::1/64 dev d0 nodad; "
    "nsenter -t $P -n ip addr add 192.0.2.2/24 dev v1; nsenter -t $P -n ip -6 addr add 2001:db8::2/64 dev v1 nodad; "
    "nsenter -t $P -n ip -6 addr add fe80::2/64 dev v1 nodad"
)


def inside(root: Path, then: str, *arguments: str) -> tuple[str, ...]:
    script = f'mount -t proc proc "{root}/proc"; mount -t proc proc /proc; hostname lab; {NETWORK}; {then}'
    return ("unshare", "--mount", "--pid", "--uts", "--net", "--fork", "--kill-child", "sh", "-c", script, "sh", *arguments)


START = f'mkfifo /tmp/ready.$$; {sys.executable} -c "$OPEN" "$TABLE" >/tmp/ready.$$ & read _ </tmp/ready.$$; rm /tmp/ready.$$;'


@pytest.fixture(scope="module")
def seen() -> tuple[Host, Host, set[int]]:
    """What root sees, what an ordinary account sees, and which ports a stranger reaches."""
    table = json.dumps(SOCKETS)
    with lab.overlay() as root:
        hosts = []
        for before in ((), ("--userspec=1000:1000",)):
            prefix = ("env", f"OPEN={OPEN}", f"TABLE={table}", *inside(root, START + 'exec "$@"', "chroot", *before, str(root)))
            hosts.append(Host(collect_local(Target("local:", "local:", "local"), CollectOptions(), prefix=prefix)))
        knocking = f'{START} exec nsenter -t $P -n {sys.executable} -c "$KNOCK" "$TABLE"'
        knock = subprocess.run(
            ("env", f"OPEN={OPEN}", f"KNOCK={KNOCK}", f"TABLE={table}", *inside(root, knocking)),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return hosts[0], hosts[1], set(json.loads(knock.stdout))


def test_who_is_reached_from_elsewhere(seen: tuple[Host, Host, set[int]]) -> None:
    host, _, reached = seen
    real = {f"{port}/{kind}": "fail" if port in reached else "pass" for port, (_, kind, _, _) in SOCKETS.items()}
    assert verdicts(run(listening, host, declared=())) == real
    assert 1010 not in reached
    assert {1001, 1015, 1016} <= reached


def test_declared(seen: tuple[Host, Host, set[int]]) -> None:
    host = seen[0]
    program = next(outcome.seen for outcome in run(listening, host, declared=()) if outcome.seen.startswith("py"))
    assert set(verdicts(run(listening, host, declared=(program,))).values()) == {"pass"}
    assert verdicts(run(listening, host, declared=("1001/tcp", "1011/tcp", "1013")))["1001/tcp"] == "pass"
    assert verdicts(run(listening, host, declared=("1001/tcp", "1011/tcp", "1013")))["1011/udp"] == "fail"
    assert verdicts(run(listening, host, declared=("1001/tcp", "1011/tcp", "1013")))["1013/udp"] == "pass"


def test_an_ordinary_account_sees_ports_without_programs(seen: tuple[Host, Host, set[int]]) -> None:
    _, host, reached = seen
    found = verdicts(run(listening, host))
    assert found == {f"{port}/{kind}": "unknown" if port in reached else "pass" for port, (_, kind, _, _) in SOCKETS.items()}
    assert set(verdicts(run(listening, host, declared=("1001",))).values()) == {"pass", "fail"}


def test_a_mounted_root_says_nothing() -> None:
    with lab.overlay() as root:
        assert verdicts(run(listening, Host(lab.mounted(root)))) == {"": "unknown"}
