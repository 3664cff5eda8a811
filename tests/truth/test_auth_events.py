"""Which events of sign-in and privilege a real rsyslogd keeps, beside what the check says of the root."""

from __future__ import annotations

import socket
import subprocess
import time

import pytest

from checks.log_completeness.auth_events import auth_events
from sovaudit.collectors import collect, parse_target
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab
from tests.log_hosts import NO_JOURNAL
from tests.truth.test_logs import settle

JUDGED = {
    "stock": "",
    "stop above": "auth,authpriv.* stop\n",
    "sudo and su discarded": "authpriv.* ~\n",
    "sshd stopped by name": ':programname, isequal, "sshd" stop\n',
    "only refusals kept": "authpriv.=alert /var/log/alerts\nauthpriv.* stop\n",
    "diverted": 'if $syslogfacility-text == "auth" then {\n  action(type="omfile" file="/var/log/diverted" fileCreateMode="0600")\n  stop\n}\n',
    "diverted for all to read": 'if $programname == "sudo" then {\n  action(type="omfile" file="/var/log/open")\n  stop\n}\n',
    "broken": "if $programname == then stop\n",
}


@pytest.mark.lab
@pytest.mark.parametrize("name", JUDGED)
def test_the_check_judges_a_mounted_root_as_its_rsyslogd_acts(name: str) -> None:
    """Every message of every event is really sent; an event holds when all of them lie in files that others can neither read nor write."""
    with lab.overlay({"/etc/rsyslog.d/00-case.conf": JUDGED[name], **NO_JOURNAL}) as place:
        host = Host(collect(parse_target(f"root:{place}")))
        verdict = verdicts(run(auth_events, host))
        log = place / "dev/log"
        command = ["chroot", str(place), "rsyslogd", "-n", "-iNONE"]
        daemon = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        )
        sent = [(event.name, number, message) for event in host.logs.events for number, message in enumerate(event.messages)]
        try:
            for _ in range(100):
                if log.exists():
                    break
                time.sleep(0.01)
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.connect(str(log))
                for event, number, message in sent:
                    pri = message.facility * 8 + message.severity
                    sender.send(f"<{pri}>Jan  1 00:00:00 {message.program}[1]: {message.text} #{event}{number}#".encode())
                settle(sender)
        finally:
            daemon.terminate()
            daemon.wait(10)
        closed = [path for path in (place / "var/log").rglob("*") if path.is_file() and not path.stat().st_mode & 0o006]
        kept = "".join(path.read_text(errors="replace") for path in closed)
        for event in {event for event, _, _ in sent}:
            really_kept = all(f"#{event}{number}#" in kept for name_, number, _ in sent if name_ == event)
            assert verdict[event] == ("pass" if really_kept else "fail"), event
