"""rsyslogd of a real root really sends to a real collector: one that was away, one with the right certificate, and an impostor.

The collector's name stands in the root's /etc/hosts, so that it is another host to whoever reads the configuration.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from checks.log_completeness.central import central
from checks.log_completeness.central_encrypted import central_encrypted
from checks.log_completeness.central_reliable import central_reliable
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab, pki
from tests.truth.test_logs import settle

NAME = "collector.example"
IN = 'module(load="imuxsock")\n'


class Collector:
    """Listens on one port, UDP and TCP, clear or TLS as the client begins. received: everything it could read; clear: what anybody could."""

    def __init__(self, port: int, certificate: Path, key: Path) -> None:
        self.received, self.clear = b"", b""
        self.refused = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._tcp = socket.create_server(("127.0.0.1", port))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", port))
        for each in (self._tcp, self._udp):
            each.settimeout(0.05)
        self._open = True
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._accept, self._datagrams)]
        for thread in self._threads:
            thread.start()

    def _accept(self) -> None:
        while self._open:
            with contextlib.suppress(TimeoutError):
                connection, _ = self._tcp.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(3)
        try:
            secret = connection.recv(1, socket.MSG_PEEK)[:1] == b"\x16"
            channel = self._context.wrap_socket(connection, server_side=True) if secret else connection
            while data := channel.recv(65536):
                self.received += data
                self.clear += b"" if secret else data
        except OSError:
            self.refused += 1
        finally:
            connection.close()

    def _datagrams(self) -> None:
        while self._open:
            with contextlib.suppress(TimeoutError):
                data = self._udp.recv(65536)
                self.received += data
                self.clear += data

    def hears(self, text: bytes, seconds: float, *, give_up: bool = False) -> bool:
        until = time.monotonic() + seconds
        while text not in self.received and time.monotonic() < until and not (give_up and self.refused):
            time.sleep(0.01)
        return text in self.received

    def close(self) -> None:
        self._open = False
        for thread in self._threads:
            thread.join()
        self._tcp.close()
        self._udp.close()


@dataclass(frozen=True)
class Certificates:
    folder: Path

    def pair(self, name: str) -> tuple[Path, Path]:
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority = pki.issue("authority", ca=True, usage=None)
    authority.save(folder, "ca")
    pki.issue(NAME, authority, usage=None).save(folder, "right")
    pki.issue("impostor.example", authority, usage=None).save(folder, "impostor")
    return Certificates(folder)


@pytest.fixture(scope="module")
def root(certificates: Certificates) -> Iterator[Path]:
    with lab.overlay({"/etc/hosts": f"127.0.0.1 localhost {NAME}\n"}) as place:
        (place / "etc/pki").mkdir()
        shutil.copy(certificates.folder / "ca.pem", place / "etc/pki/ca.pem")
        yield place


@contextlib.contextmanager
def rsyslogd(root: Path, *, kill: bool = True) -> Iterator[None]:
    log = root / "dev/log"
    with contextlib.suppress(FileNotFoundError):
        log.unlink()
    daemon = subprocess.Popen(
        ["chroot", str(root), "rsyslogd", "-n", "-iNONE"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    try:
        for _ in range(300):
            if log.exists() or daemon.poll() is not None:
                break
            time.sleep(0.01)
        yield
    finally:
        if kill:
            daemon.kill()
        daemon.terminate()
        daemon.wait(20)


def say(root: Path, text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(str(root / "dev/log"))
        sender.send(f"<86>Jan  1 00:00:00 sshd[1]: {text}".encode())
        settle(sender)


def lay(root: Path, text: str) -> int:
    """Write the configuration, with an empty spool; the port that stands for `{port}` in it."""
    port = lab.free_port()
    shutil.rmtree(root / "etc/rsyslog.d", ignore_errors=True)
    for path in [*(root / "var/spool/rsyslog").glob("*"), *root.glob("q*"), *(root / "run").glob("q*"), *(root / "srv").glob("q*")]:
        path.unlink()
    (root / "srv").chmod(0o755)
    lab.write(root, {"/etc/rsyslog.conf": IN + text.replace("{port}", str(port)).replace("{name}", NAME)})
    return port


def judged(root: Path, check: object) -> str:
    """The one verdict of all events: every configuration here treats them alike."""
    said = set(verdicts(run(check, Host(lab.mounted(root)))).values())  # type: ignore[arg-type]
    assert len(said) == 1, said
    return said.pop()


WORK = "$WorkDirectory /var/spool/rsyslog\n"
FOREVER = 'action.resumeRetryCount="-1" '
TO = 'action(type="omfwd" target="{name}" port="{port}" protocol="tcp" '
LEGACY = "$ActionQueueType LinkedList\n$ActionQueueFileName q1\n$ActionResumeRetryCount -1\n"
AWAY = {
    "nothing said": "*.* @@{name}:{port}\n",
    "udp": WORK + LEGACY + "*.* @{name}:{port}\n",
    "a queue in memory": WORK + TO + FOREVER + 'queue.type="LinkedList")\n',
    "a queue on disk": WORK + TO + FOREVER + 'queue.type="LinkedList" queue.filename="q1")\n',
    "it gives up": WORK + TO + 'queue.type="LinkedList" queue.filename="q1")\n',
    "a file, but no queue": WORK + TO + FOREVER + 'queue.filename="q1")\n',
    "nothing is saved": WORK + TO + FOREVER + 'queue.type="LinkedList" queue.filename="q1" queue.saveOnShutdown="off")\n',
    "an array on disk": WORK + TO + FOREVER + 'queue.type="FixedArray" queue.filename="q1")\n',
    "pure disk": WORK + TO + FOREVER + 'queue.type="Disk" queue.filename="q1")\n',
    "pure disk without a name": WORK + TO + FOREVER + 'queue.type="Disk")\n',
    "no working directory": TO + FOREVER + 'queue.type="LinkedList" queue.filename="q1")\n',
    "a working directory that is not there": "$WorkDirectory /nope\n" + TO + FOREVER + 'queue.type="LinkedList" queue.filename="q1")\n',
    "the working directory comes later": TO + FOREVER + 'queue.type="LinkedList" queue.filename="q1")\n' + WORK,
    "a spool of its own": TO + FOREVER + 'queue.type="LinkedList" queue.filename="q1" queue.spoolDirectory="/srv")\n',
    "a spool of its own that is not there": WORK + TO + FOREVER + 'queue.type="LinkedList" queue.filename="q1" queue.spoolDirectory="/nope")\n',
    "old lines": WORK + LEGACY + "*.* @@{name}:{port}\n",
    "old lines are spent": WORK + LEGACY + "*.* /var/log/all\n*.* @@{name}:{port}\n",
    "old lines are spent by a new action": WORK + LEGACY + 'action(type="omfile" file="/var/log/all")\n*.* @@{name}:{port}\n',
    "old lines stand over a comment and a stop": WORK + LEGACY + 'if $programname == "x" then stop\n*.* @@{name}:{port}\n',
    "old lines do not reach a new action": WORK + LEGACY + TO + ")\n",
    "old lines for the second action": WORK + "*.* /var/log/all\n" + LEGACY + "& @@{name}:{port}\n",
    "the main queue does not help a queue in memory": WORK
    + 'main_queue(queue.type="LinkedList" queue.filename="qm")\n'
    + TO
    + FOREVER
    + 'queue.type="LinkedList")\n',
    "a ruleset's queue in memory": WORK + 'ruleset(name="out" queue.type="LinkedList") {\n' + TO + FOREVER + ")\n}\ncall out\n",
    "two ways, one of them good": WORK + "*.* @@{name}:{port}\n" + TO + FOREVER + 'queue.type="LinkedList" queue.filename="q1")\n',
}  # fmt: skip


# A queue on disk before the action: rsyslogd keeps what waits there, and loses what it was delivering when it stopped, about one time in three.
SOMETIMES = {
    "the main queue on disk": WORK + 'main_queue(queue.type="LinkedList" queue.filename="qm")\n' + TO + FOREVER + ")\n",
    "the main queue by old lines": WORK + "$MainMsgQueueFileName qm\n" + TO + FOREVER + ")\n",
    "a ruleset's queue on disk": WORK
    + 'ruleset(name="out" queue.type="LinkedList" queue.filename="qr") {\n'
    + TO
    + FOREVER
    + ")\n}\ncall out\n",
}


@pytest.mark.lab
@pytest.mark.parametrize("name", SOMETIMES)
def test_what_is_lost_sometimes_is_not_kept(root: Path, name: str) -> None:
    lay(root, SOMETIMES[name])
    assert judged(root, central_reliable) == "fail"


@pytest.mark.lab
@pytest.mark.parametrize("name", AWAY)
def test_what_survives_the_collectors_absence(root: Path, certificates: Certificates, name: str) -> None:
    port = lay(root, AWAY[name])
    mine = judged(root, central_reliable)
    with rsyslogd(root, kill=False):
        say(root, "first#")
        time.sleep(0.2)
    collector = Collector(port, *certificates.pair("right"))
    try:
        with rsyslogd(root):
            say(root, "second#")
            patience = 5 if mine == "pass" else 0.4  # a machine may be slow; what is expected not to come is not waited for
            came = collector.hears(b"second#", max(patience, 1)) and collector.hears(b"first#", patience)
    finally:
        collector.close()
    assert mine == ("pass" if came else "fail")


CA = 'streamDriver.CAFile="/etc/pki/ca.pem" '
TLS = TO + CA + 'streamDriver="gtls" streamDriverMode="1" '
OLD = "$DefaultNetstreamDriver gtls\n$DefaultNetstreamDriverCAFile /etc/pki/ca.pem\n"
STRICT = "$ActionSendStreamDriverMode 1\n$ActionSendStreamDriverAuthMode x509/name\n"
PEER = "$ActionSendStreamDriverPermittedPeer {name}\n"
GLOBAL = 'global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="/etc/pki/ca.pem")\n'
ON_THE_WIRE = {
    "udp": "*.* @{name}:{port}\n",
    "tcp": "*.* @@{name}:{port}\n",
    "by name": TLS + 'streamDriverAuthMode="x509/name" streamDriverPermittedPeers="{name}")\n',
    "by the target's own name": TLS + 'streamDriverAuthMode="x509/name")\n',
    "by default": TLS + ")\n",
    "capital letters": TLS + 'streamDriverAuthMode="X509/Name")\n',
    "another name is permitted": TLS + 'streamDriverAuthMode="x509/name" streamDriverPermittedPeers="*.example")\n',
    "anonymous": TLS + 'streamDriverAuthMode="anon")\n',
    "anonymous with peers": TLS + 'streamDriverAuthMode="anon" streamDriverPermittedPeers="{name}")\n',
    "any certificate": TLS + 'streamDriverAuthMode="x509/certvalid")\n',
    "any certificate with peers": TLS + 'streamDriverAuthMode="x509/certvalid" streamDriverPermittedPeers="{name}")\n',
    "mode 0": TO + CA + 'streamDriver="gtls" streamDriverMode="0" streamDriverAuthMode="x509/name")\n',
    "no mode": TO + CA + 'streamDriver="gtls" streamDriverAuthMode="x509/name")\n',
    "mode 2": TO + CA + 'streamDriver="gtls" streamDriverMode="2" streamDriverAuthMode="x509/name")\n',
    "no driver": TO + CA + 'streamDriverMode="1" streamDriverAuthMode="x509/name")\n',
    "a driver that is not there": TO + CA + 'streamDriver="nope" streamDriverMode="1")\n',
    "no authority": TO + 'streamDriver="gtls" streamDriverMode="1" streamDriverAuthMode="x509/name")\n',
    "an authority that is not there": TO + 'streamDriver.CAFile="/nope" streamDriver="gtls" streamDriverMode="1")\n',
    "no fingerprint": TLS + 'streamDriverAuthMode="x509/fingerprint")\n',
    "a mode that does not exist": TLS + 'streamDriverAuthMode="x509/nome")\n',
    "the default driver": GLOBAL + TO + 'streamDriverMode="1" streamDriverAuthMode="x509/name")\n',
    "the default driver, said later": TO + 'streamDriverMode="1" streamDriverAuthMode="x509/name")\n' + GLOBAL,
    "the default driver alone": GLOBAL + TO + ")\n",
    "udp knows no driver": GLOBAL + 'action(type="omfwd" target="{name}" port="{port}" protocol="udp" streamDriver="gtls" streamDriverMode="1")\n',
    "old lines": OLD + STRICT + PEER + "*.* @@{name}:{port}\n",
    "old lines without a mode": OLD + "$ActionSendStreamDriverAuthMode x509/name\n*.* @@{name}:{port}\n",
    "old lines after the action": OLD + "*.* @@{name}:{port}\n" + STRICT,
    "old lines, anonymous": OLD + "$ActionSendStreamDriverMode 1\n$ActionSendStreamDriverAuthMode anon\n*.* @@{name}:{port}\n",
    "old lines last over other actions": OLD + STRICT + "*.* /var/log/all\n*.* @@{name}:{port}\n",
    "old lines do not reach a new action": OLD + STRICT + TO + ")\n",
    "old lines: the peer is spent": OLD + STRICT + "$ActionSendStreamDriverPermittedPeer x.y\n*.* @@nowhere.example:1\n*.* @@{name}:{port}\n",
    "old lines: another peer": OLD + STRICT + "$ActionSendStreamDriverPermittedPeer impostor.example\n*.* @@{name}:{port}\n",
    "encrypted, and in clear too": TLS + 'streamDriverAuthMode="x509/name")\n*.* @{name}:{port}\n',
    "in clear, and encrypted too": "*.* @@{name}:{port}\n" + TLS + 'streamDriverAuthMode="x509/name")\n',
}  # fmt: skip
# What the real collector cannot be asked: these let in whom they should not, or nobody, by the name that is written.
_OTHERWISE = {"another name is permitted", "old lines: another peer"}


@pytest.mark.lab
@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_what_can_be_read_on_the_way(root: Path, certificates: Certificates, name: str) -> None:
    port = lay(root, ON_THE_WIRE[name])
    mine, leaves = judged(root, central_encrypted), judged(root, central)
    heard = {}
    clear = False
    for who in ("right", "impostor"):
        collector = Collector(port, *certificates.pair(who))
        try:
            with rsyslogd(root):
                say(root, "secret#")
                heard[who] = collector.hears(b"secret#", 5 if leaves == "pass" and who == "right" else 1, give_up=who == "impostor")
        finally:
            collector.close()
        clear = clear or b"secret#" in collector.clear
    if name not in _OTHERWISE:
        assert mine == ("pass" if heard["right"] and not heard["impostor"] and not clear else "fail")
        assert leaves == ("pass" if heard["right"] else "fail")
    else:
        assert (mine, clear) == ("pass", False)  # whom the site permits is the site's word
