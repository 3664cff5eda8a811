"""Reading and understanding a file costs in proportion to its length: twenty times the lines, at most thirty times the work."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import pytest

from sovaudit.facts.authorized_keys import parse_keys
from sovaudit.facts.chrony_conf import read_chrony
from sovaudit.facts.host import Host
from sovaudit.facts.journald import read_config
from sovaudit.facts.logrotate import Logrotate
from sovaudit.facts.parse import ini, olc_access, pam_conf, passwd, pwquality_conf, shell
from sovaudit.facts.parse.login_defs import login_defs
from sovaudit.facts.rsyslog_config import load as load_rsyslog
from sovaudit.model.finding import Line
from sovaudit.testing import host_with

SHORT, LONG = 1_000, 20_000
MOST = 30
FLOOR = 0.004  # seconds of the short one: below, a clock tick counts more than the work

Act = Callable[[Host, tuple[Line, ...], str], object]
ROOT = "root:x:0:0:root:/root:/bin/bash\n"

# name → path, what stands before, a line (with its number), what stands after, what is asked
CASES: dict[str, tuple[str, str, str, str, Act]] = {
    "passwd": ("/etc/passwd", ROOT, "u{n}:x:{n}:100::/home/u{n}:/bin/bash\n", "", lambda h, r, t: [h.accounts.get(f"u{n}") for n in range(9)]),
    "passwd fields": ("/etc/x", "", "u{n}:x:{n}:100::/home/u{n}:/bin/bash\n", "", lambda h, r, t: [passwd.passwd_fields(x.text) for x in r]),
    "group": ("/etc/group", "root:x:0:\n", "g{n}:x:{n}:root\n", "", lambda h, r, t: h.accounts.get("root")),
    "one long group": ("/etc/group", "root:x:0:\nbig:x:9:root", ",m{n}", "\n", lambda h, r, t: h.accounts.get("root")),
    "shadow": ("/etc/shadow", "root:*:19000:0:99999:7:::\n", "u{n}:*:19000:0:99999:7:::\n", "", lambda h, r, t: h.accounts.get("root")),
    "nsswitch.conf": ("/etc/nsswitch.conf", "", "# {n}\n", "passwd: files\n", lambda h, r, t: h.accounts.elsewhere),
    "login.defs": ("/etc/login.defs", "", "KEY{n} {n}\n", "UMASK 027\n", lambda h, r, t: login_defs(h.files)),
    "pam entries": ("/etc/pam.d/x", "", "auth [success={n} default=ignore] pam_unix.so a=[b c] d\n", "", lambda h, r, t: pam_conf.parse(r)),
    "pam comments": ("/etc/pam.d/sshd", "", "# {n}\n", "auth required pam_permit.so\n", lambda h, r, t: h.pam.service("sshd")),
    "pam continued": ("/etc/pam.d/x", "", "auth required \\\n", "pam_permit.so\n", lambda h, r, t: pam_conf.parse(r)),
    "pwquality.conf": ("/etc/security/pwquality.conf", "", "minlen = {n}\n", "", lambda h, r, t: pwquality_conf.read_quality(h.files)),
    "sshd_config": ("/etc/ssh/sshd_config", "", "AllowUsers u{n}\nX11Forwarding no\n", "", lambda h, r, t: h.ssh.effective("root")),
    "sshd Match": ("/etc/ssh/sshd_config", "", "Match User u{n}\nX11Forwarding no\n", "", lambda h, r, t: h.ssh.effective("root", "192.0.2.1")),
    "sshd quotes": ("/etc/ssh/sshd_config", "Banner ", '"a" ', "\n", lambda h, r, t: h.ssh.effective("root")),
    "authorized_keys": ("/k", "", 'from="10.0.0.{n}",command="a b" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkV c\n', "",
        lambda h, r, t: list(parse_keys(r))),
    "authorized_keys options": ("/k", "", 'environment="A{n}=x",', "no-pty ssh-ed25519 AAAA c\n", lambda h, r, t: list(parse_keys(r))),
    "sudoers": ("/etc/sudoers", "", "u{n} ALL=(root) NOPASSWD: /bin/a{n} x, !/bin/b\n", "", lambda h, r, t: h.sudo.policy),
    "sudoers aliases": ("/etc/sudoers", "", "User_Alias A{n} = a, b\n", "A1 ALL=ALL\n", lambda h, r, t: h.sudo.policy),
    "sudoers comments": ("/etc/sudoers", "", "# {n} ALL=(ALL) ALL\n", "", lambda h, r, t: h.sudo.policy),
    "sudoers continued": ("/etc/sudoers", "root ALL=", "/bin/a{n}, \\\n", "/bin/z\n", lambda h, r, t: h.sudo.policy),
    "sudoers Defaults": ("/etc/sudoers", "", "Defaults:u{n} env_keep += x{n}\n", "", lambda h, r, t: h.sudo.policy),
    "rsyslog selectors": ("/etc/rsyslog.conf", "", "auth,authpriv.*;mail.!err /var/log/a{n}\n", "", lambda h, r, t: load_rsyslog(h.files)),
    "rsyslog comments": ("/etc/rsyslog.conf", "", "# {n}\n", "*.* /var/log/a\n", lambda h, r, t: load_rsyslog(h.files)),
    "rsyslog filters": ("/etc/rsyslog.conf", "", ':msg, contains, "x{n}" stop\n', "", lambda h, r, t: load_rsyslog(h.files)),
    "rsyslog actions": ("/etc/rsyslog.conf", "", 'if $msg contains "a{n}" then {{ action(type="omfile" file="/l") }}\n', "",
        lambda h, r, t: load_rsyslog(h.files)),
    "logrotate": ("/etc/logrotate.conf", "weekly\n", "# {n}\nrotate {n}\n", "/var/log/a {{\n}}\n", lambda h, r, t: Logrotate(h, h.logs.units)),
    "journald.conf": ("/etc/systemd/journald.conf", "[Journal]\n", "Storage=auto\n", "",
        lambda h, r, t: read_config(h.files, "journald.conf", "Journal")),
    "ini": ("/x", "[a]\n", "k{n}=v \\\n", "\n", lambda h, r, t: ini.parse_ini(r)),
    "audit.rules": ("/etc/audit/audit.rules", "", "-a always,exit -F arch=b64 -S openat -F path=/etc/f{n} -k k{n}\n", "",
        lambda h, r, t: h.audit.boot),
    "chrony.conf": ("/etc/chrony/chrony.conf", "", "server s{n}.example iburst\n", "", lambda h, r, t: read_chrony(h.files)),
    "shell commands": ("/x", "", "a{n}=$(b) c || d 'e' \"$f\" # g\n", "", lambda h, r, t: list(shell.Parser(t, "bash"))),
    "shell nesting in a row": ("/x", "", "if [ $a = {n} ]; then b; fi\n", "", lambda h, r, t: list(shell.Parser(t, "dash"))),
    "shell here-documents": ("/x", "", "cat <<E\n{n}\nE\n", "", lambda h, r, t: list(shell.Parser(t, "bash"))),
    "a startup file": ("/etc/profile", "", "x={n}; [ -n \"$x\" ] && umask 022\n", "",
        lambda h, r, t: h.sessions.session(h.accounts.get("root"), "console")),
    "olcAccess": ("/x", "", "{{{n}}}to dn.subtree=ou=x{n} by dn.exact=cn=a read by * none\n", "", lambda h, r, t: olc_access.rules(t.splitlines())),
    "environment": ("/etc/environment", "", "A{n}=b\n", "", lambda h, r, t: h.sessions.session(h.accounts.get("root"), "console")),
}  # fmt: skip


def host(name: str, count: int) -> tuple[Host, tuple[Line, ...], str]:
    path, before, row, after, _ = CASES[name]
    text = (
        before.replace("{{", "{").replace("}}", "}")
        + "".join(row.format(n=n) for n in range(count))
        + after.replace("{{", "{").replace("}}", "}")
    )
    more: dict[str, Any] = {"modes": {"/etc/sudoers": (0o440, 0, 0), "/bin/bash": (0o755, 0, 0)}}
    made = host_with({"/etc/ssh/sshd_config": "", "/etc/pam.d/login": "", "/etc/profile": "", "/bin/bash": "", path: text}, **more)
    return made, made.files.lines(path) or (), text


def cost(name: str, count: int, act: Act) -> float:
    made, lines, text = host(name, count)
    gc.collect()
    gc.disable()  # what it costs grows with all that lives in this process
    try:
        began = time.process_time()
        act(made, lines, text)
        return time.process_time() - began
    finally:
        gc.enable()


@pytest.mark.parametrize("name", CASES)
def test_twenty_times_the_lines(name: str) -> None:
    act = CASES[name][4]
    short = max(min(cost(name, SHORT, act) for _ in range(3)), FLOOR)
    spent = []
    for _ in range(3):  # another process may have been in the way
        spent.append(cost(name, LONG, act))
        if spent[-1] <= MOST * short:
            return
    pytest.fail(f"{SHORT} lines cost {short * 1000:.0f} ms, {LONG} cost {min(spent) * 1000:.0f} ms")
