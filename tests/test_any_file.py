"""Any text as any one of the files that facts parse: every host check answers, and none breaks."""

# ruff: noqa: E501
from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sovaudit.cli.docs import builtin
from sovaudit.engine import judge
from sovaudit.testing import evidence_with
from tests import audit_hosts, log_hosts
from tests.test_properties import WEAK, Chosen

BASE = {
    **{path: text for path, text in {**audit_hosts.FILES, **log_hosts.FILES, **WEAK}.items() if not path.startswith(("/bin/", "/sbin/"))},
    "/usr/sbin/auditd": "",
    "/usr/sbin/cron": "",
}
LINKS = {**log_hosts.LINKS, **audit_hosts.LINKS}
LINKS.pop("/sbin/init")
WORDS = {
    "/etc/ssh/sshd_config": "Match User Group Address all PermitRootLogin yes no Include /etc/ssh/*.conf Ciphers +aes MaxAuthTries Port 0x1 AllowUsers a@b !x * = AuthenticationMethods publickey,password",
    "/etc/sudoers": "Defaults Defaults:x !authenticate timestamp_timeout=-1 root ALL ALL=(ALL:ALL) %sudo NOPASSWD: = , : ! User_Alias Cmnd_Alias A sudoedit sha224: /bin/sh @include @includedir /etc/x #1000 ( )",
    "/etc/pam.d/sshd": "auth account session password @include include substack required sufficient [success=1 [default=die] pam_unix.so pam_faillock.so deny=x unlock_time=99999999999 pam_access.so remember=-1 minlen=",
    "/etc/rsyslog.conf": '*.* auth.* /var/log/x if then else { } ( ) $msg contains == "x" action(type="omfile" module( ruleset( & ~ stop call @@x:1 $IncludeConfig include( :msg, /* */ set $.v = ;',
    "/etc/logrotate.conf": "/var/log/* { } rotate weekly -1 99999999999999999999 size 10G maxage include tabooext create su postrotate endscript \" '",
    "/etc/audit/rules.d/audit.rules": "-D -e 2 -w /etc -p wa -k x -a always,exit -A -F arch=b64 -S execve auid>=1000 auid!=-1 -b -f -c -i 99999999999999999999 key=",
    "/etc/audit/auditd.conf": "log_file = max_log_file num_logs space_left 25% -1 99999999999999999999 KEEP_LOGS exec /x write_logs no",
    "/etc/login.defs": "PASS_MAX_DAYS -1 0x7 08 99999999999999999999 UMASK 9 ENCRYPT_METHOD YESCRYPT UID_MIN SYS_UID_MAX",
    "/etc/shadow": "root:*: alice:: : :: -1 99999999999999999999 $6$ ! bob:$1$x:1:2:3:4:5:6:7",
    "/etc/passwd": "root:x:0:0:::/bin/sh : :: + -x +@net alice:x:99999999999999999999:1::: bob:x:-1:-1:::",
    "/home/alice/.ssh/authorized_keys": 'ssh-rsa AAAA AAAAB3NzaC1yc2E= ssh-ed25519 command="x" from=" , no-pty expiry-time="99999999" cert-authority principals="',
    "/etc/profile": "if then fi case esac for in do done while umask 022 u=x TMOUT=1 export readonly $( ) ` ${x:- } && || ; { function . /etc/x \" ' << EOF [ ] $((1/0))",
    "/etc/crontab": "* */0 1-99 @reboot root nobody /bin/x PATH= SHELL = % ; | && > $( ` \" '",
    "/etc/chrony/chrony.conf": "pool server x iburst nts port -1 local stratum 99 include confdir sourcedir /etc/chrony/* makestep refclock ! #",
    "/etc/systemd/journald.conf": "[Journal] Storage= persistent none SystemMaxUse=1Z MaxRetentionSec=99999999999year ForwardToSyslog= \\ = # ;",
}
ODD = ["\0", "\r", "\\", "\t", "\x0b", "\x85", "\u2028", "é", "²", "٣", "\udcff", "x" * 5000]


def errors(path: str, data: bytes) -> list[str]:
    """What broke, with this as that file."""
    evidence = evidence_with(
        {**BASE, path: data},
        links=LINKS,
        modes={"/usr/bin/sudo": (0o4755, 0, 0), "/usr/bin/su": (0o4755, 0, 0)},
        commands=log_hosts.COMMANDS,
        artifacts={"packages": "openssh-server 1:9.2p1-2+deb12u5\nsudo 1.9.13p3-1\nlibpam-modules 1.5.2-6\nsystemd 252.1\n"},
    )
    answers = judge([Chosen(check) for check in builtin().values()], [evidence])
    return [f"{one.check}: {finding.message}" for one in answers for finding in one.findings if finding.verdict.value == "error"]


def texts(path: str) -> st.SearchStrategy[bytes]:
    """Lines of the language's own words, glued or apart, with junk among these."""
    word = st.sampled_from([*WORDS[path].split(" "), *ODD])
    line = st.lists(word, max_size=8).flatmap(lambda words: st.sampled_from([" ", "", "\t"]).map(lambda gap: gap.join(words)))
    return st.lists(line, max_size=12).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("path", WORDS)
def test_no_check_breaks(path: str) -> None:
    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(texts(path))
    def holds(data: bytes) -> None:
        assert errors(path, data) == []

    holds()
