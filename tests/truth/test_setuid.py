"""What find, getcap, dpkg and the kernel itself say of programs with rights of their own, and what we say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from checks.least_privilege.setuid import setuid
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab

pytestmark = pytest.mark.lab

X = "/usr/local/bin/x"
# name → what is done in the root; programs to try are copies of id(1), or of grep(1) for capabilities
CASES: dict[str, str] = {
    "as it came": "",
    "a copy": f"cp /usr/bin/id {X}; chmod 4755 {X}",
    "setgid": f"cp /usr/bin/id {X}; chgrp shadow {X}; chmod 2755 {X}",
    "both": f"cp /usr/bin/id {X}; chmod 6711 {X}",
    "setuid without execute": f"cp /usr/bin/id {X}; chmod 4644 {X}",
    "setgid without the group's execute": f"cp /usr/bin/id {X}; chgrp shadow {X}; chmod 2745 {X}",
    "for a group only": f"cp /usr/bin/id {X}; chgrp nogroup {X}; chmod 4750 {X}",
    "a script": f"printf '#!/bin/sh\\nid\\n' >{X}; chmod 4755 {X}",
    "of an account": f"cp /usr/bin/id {X}; chown daemon {X}; chmod 4755 {X}",
    "a hidden folder": "mkdir -p /var/tmp/.x; cp /usr/bin/id /var/tmp/.x/x; chmod 4755 /var/tmp/.x/x",
    "in a home": "mkdir -p /home/a; cp /usr/bin/id /home/a/x; chmod 4755 /home/a/x",
    "in /opt with a blank": "mkdir -p '/opt/a b'; cp /usr/bin/id '/opt/a b/x'; chmod 4755 '/opt/a b/x'",
    "a hard link of passwd": "ln /usr/bin/passwd /usr/local/bin/x",
    "a copy of passwd": "cp -p /usr/bin/passwd /usr/local/bin/x",
    "a link to passwd": "ln -s /usr/bin/passwd /usr/local/bin/x",
    "a folder with the bit": "mkdir /usr/local/lib/x; chmod 2775 /usr/local/lib/x",
    "passwd replaced": "cp /usr/bin/id /usr/bin/passwd; chmod 4755 /usr/bin/passwd",
    "one byte more": "printf x >>/usr/bin/chage",
    "su, which dpkg lists as /bin/su": "chmod 4755 /bin/su",
    "diverted away by the administrator": "dpkg-divert --quiet --local --rename --add /usr/bin/chage; cp /usr/bin/id /usr/bin/chage; chmod 2755 /usr/bin/chage; chgrp shadow /usr/bin/chage",
    "diverted and gone": "dpkg-divert --quiet --local --rename --add /usr/bin/chage",
    "a list that names it": f"cp /usr/bin/id {X}; chmod 4755 {X}; printf '/.\\n{X}\\n' >/var/lib/dpkg/info/mine.list; "
    "printf 'Package: mine\\nStatus: install ok installed\\nMaintainer: m\\nArchitecture: all\\nVersion: 1\\nDescription: m\\n\\n' >>/var/lib/dpkg/status",
    "a list that names something longer": f"cp /usr/bin/id {X}; chmod 4755 {X}; printf '/.\\n{X}y\\n' >/var/lib/dpkg/info/mine.list",
    "capabilities": f"cp /usr/bin/grep {X}; setcap cap_net_raw+ep {X}",
    "capabilities of no use": f"cp /usr/bin/grep {X}; setcap cap_net_raw+i {X}",
    "capabilities taken off": f"cp /usr/bin/grep {X}; setcap cap_net_raw+ep {X}; setcap -r {X}",
    "all capabilities": f"cp /usr/bin/grep {X}; setcap =ep {X}",
    "capabilities for a package's program": "setcap cap_net_bind_service+ep /usr/sbin/rsyslogd",
    "bits taken off": "chmod u-s /usr/bin/passwd",
}  # fmt: skip
FOREIGN = {"capabilities for a package's program": "/usr/sbin/rsyslogd"}  # which no database tells


def real(root: Path) -> set[str]:
    """Programs with rights, as find and getcap list them and the kernel grants them, that no package brought as they are."""
    script = """
{ find / -xdev -path /proc -prune -o -type f -perm /6000 -print; getcap -r /usr /opt /home /var /etc 2>/dev/null | sed 's/ [^ ]*$//'; } | sort -u | while read -r p; do
  case $p in */x|/usr/local/*)
    out=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$p" 2>/dev/null; setpriv --reuid 65534 --regid 65534 --clear-groups "$p" CapEff /proc/self/status 2>/dev/null)
    held=$(getcap "$p")
    case "$out$held" in *euid=*|*egid=*|*cap_*|*=ep*) ;; *) cmp -s "$p" /usr/bin/passwd || { echo "none $p"; continue; } ;; esac ;;
  esac
  for q in "$p" "${p#/usr}"; do dpkg -S "$q" 2>/dev/null | tee -a /owners | sed "s|^|own $p\t|"; done
  echo "seen $p"
done
dpkg --verify $(grep -v diversion /owners | cut -d: -f1 | sort -u) 2>/dev/null | sed 's/^/verify /'
"""
    lines = lab.run(root, ["sh", "-c", script], timeout=60).stdout.splitlines()
    seen = {line[5:] for line in lines if line.startswith("seen ")}
    owned = {line[4:].partition("\t")[0] for line in lines if line.startswith("own ") and "diversion by" not in line}
    moved = {line[4:].partition("\t")[0] for line in lines if line.startswith("own ") and "local diversion from" in line}
    changed = {
        "/usr" + match[1] if not match[1].startswith("/usr") else match[1]
        for line in lines
        if (match := re.match(r"verify ..5\S* +c? *(/.*)", line))
    }
    return {path for path in seen if path not in owned or path in changed or path in moved}


@pytest.mark.parametrize("name", CASES)
def test_programs(name: str) -> None:
    with lab.overlay() as root:
        done = lab.run(root, ["sh", "-ec", CASES[name] or "true"])
        assert done.returncode == 0, done.stderr
        host = Host(lab.mounted(root) if list(CASES).index(name) % 3 else lab.local(root))
        found = verdicts(run(setuid, host))
        expected = real(root) | ({FOREIGN[name]} if name in FOREIGN else set())
    assert {path for path, verdict in found.items() if verdict == "fail"} == expected
    assert "unknown" not in found.values()


@pytest.mark.parametrize(
    "path",
    [
        "/usr/bin/find",
        "/bin/bash",
        "/usr/bin/perl",
        "/usr/bin/env",
        "/usr/bin/dmesg",
        "/bin/systemctl",
        "/usr/bin/getent",
        "/usr/sbin/e2fsck",
        "/usr/bin/chage",
        "/usr/bin/crontab",
    ],
)
def test_rights_that_no_package_gives(path: str) -> None:
    with lab.overlay() as root:
        lab.run(root, ["chmod", "4755", path])
        found = verdicts(run(setuid, Host(lab.mounted(root))))
    assert [verdict for subject, verdict in found.items() if subject.endswith(path)] == ["fail"]
