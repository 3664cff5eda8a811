"""A large directory over LDAPS from a real slapd: the search itself, then a whole audit.

    python -m benchmarks.bench_directory [--users 100000] [--groups 5000]

CPU is the client's own. The peer is `ldapsearch -LLL` with the same filter, attributes and pages.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from sovaudit.collectors.ldap.address import ldap_address
from sovaudit.collectors.ldap.connection import connected
from sovaudit.collectors.ldap.searches import Search
from sovaudit.collectors.ldap.wire import Result, search
from sovaudit.facts.directories.groups import Groups
from sovaudit.facts.directories.model import Group
from tests.slapd import AUDITOR, AUDITOR_PASSWORD, BASE, Slapd, slapd

ATTRIBUTES = ("uid cn sn givenName mail uidNumber gidNumber homeDirectory employeeNumber departmentNumber loginShell entryUUID").split()
OVERLAY = f"""dn: olcOverlay={{0}}ppolicy,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: {{0}}ppolicy
olcPPolicyDefault: cn=default,ou=policies,{BASE}

"""
POLICY = f"""dn: cn=default,ou=policies,{BASE}
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdMinLength: 12
pwdCheckQuality: 2
pwdInHistory: 5
pwdMaxAge: 31536000
pwdLockout: TRUE
pwdMaxFailure: 5
pwdLockoutDuration: 900

"""


def entries(users: int, groups: int) -> Iterator[str]:
    """A directory as LDIF: every person in one to six groups, four groups in every third, two of them in a circle."""
    choose = random.Random(7)
    yield POLICY
    members: list[list[int]] = [[] for _ in range(groups)]
    for number in range(users):
        for group in {choose.randrange(groups) for _ in range(choose.choice((1, 2, 3, 4, 6)))}:
            members[group].append(number)
        yield (
            f"dn: uid=u{number:06d},ou=people,{BASE}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: u{number:06d}\ncn: User {number}\n"
            f"sn: Name{number % 977}\ngivenName: First{number % 331}\nmail: u{number:06d}@example.org\nuidNumber: {10000 + number}\n"
            f"gidNumber: {100 + number % 50}\nhomeDirectory: /home/u{number:06d}\nemployeeNumber: {number}\ndepartmentNumber: D{number % 40}\n"
            f"loginShell: /bin/bash\npwdChangedTime: 20260{1 + number % 9}01000000Z\n"
            f"pwdLastSuccess: 2026{1 + number % 11:02d}15000000Z\n\n"
        )
    for group in range(groups):
        names = [f"uid=u{number:06d},ou=people,{BASE}" for number in members[group]]
        inner = [4 * group + n for n in (1, 2, 3, 4)] if group % 3 == 0 else []
        inner += [group - 1] if group == groups - 1 else [group + 1] if group == groups - 2 else []
        names += [f"cn=g{other:05d},ou=groups,{BASE}" for other in inner if other < groups] or ([] if names else [f"cn=nobody,{BASE}"])
        lines = "".join(f"member: {name}\n" for name in names)
        yield f"dn: cn=g{group:05d},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: g{group:05d}\n{lines}\n"


def ours(server: Slapd) -> tuple[float, int]:
    """CPU seconds of the search alone, and its entries."""
    query = Search("people", BASE, "sub", (("objectClass", "inetOrgPerson"),), tuple(ATTRIBUTES))
    with connected(ldap_address(server.uri), server.options(), server.uri) as connection:
        result = Result()
        began = time.process_time()
        for _ in search(connection, query, BASE, deadline=time.monotonic() + 600, budget=1 << 30, result=result):
            pass
        return time.process_time() - began, result.entries


def theirs(server: Slapd) -> float:
    """CPU seconds of ldapsearch."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        ["ldapsearch", "-x", "-LLL", "-H", f"ldaps://127.0.0.1:{server.ldaps}", "-D", AUDITOR, "-w", AUDITOR_PASSWORD, "-b", BASE,
         "-E", "pr=1000/noprompt", "(objectClass=inetOrgPerson)", *ATTRIBUTES],
        stdout=subprocess.DEVNULL, check=True, env={"LDAPTLS_CACERT": str(server.ca), "PATH": "/usr/bin"},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


AUDIT = """
import resource, sys, time
from pathlib import Path
from sovaudit import Audit
from sovaudit.collectors import CollectOptions
from sovaudit.keys import create_key
uri, dn, password, ca, folder = sys.argv[1:]
options = CollectOptions(ldap_bind_dn=dn, ldap_password=password, ldap_ca=ca, host_timeout_s=600)
began, cpu = time.monotonic(), time.process_time()
result = Audit(options=options).run([uri], out=Path(folder) / "out", signer=create_key(Path(folder) / "keys", common_name="benchmark"))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
note = result.report.targets[0]
sizes = ", ".join(f"{path.name} {path.stat().st_size / 1e6:.1f} MB" for path in result.paths)
print(f"audit: {note.status.value}, {time.monotonic() - began:.1f} s, {time.process_time() - cpu:.1f} s of CPU, peak {peak} MB; {sizes}")
print({row.check: len(row.subjects) for row in result.report.passed})
"""


def closure(users: int, groups: int) -> float:
    """CPU seconds for who is in which group, all of them."""
    choose = random.Random(7)
    made = []
    for group in range(groups):
        inner = [f"g{4 * group + n}" for n in (1, 2, 3, 4) if 4 * group + n < groups] if group % 3 == 0 else []
        made.append(Group(f"g{group}", f"g{group}", f"g{group}", [f"u{choose.randrange(users)}" for _ in range(64)] + inner))
    began = time.process_time()
    known = Groups(made)
    pairs = sum(known.count(group.dn) for group in made)
    spent = time.process_time() - began
    print(f"closure: {groups} groups, {pairs} pairs, {spent:.2f} s of CPU")
    return spent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=5_000)
    chosen = parser.parse_args()
    limits = f"olcLimits: {{0}}dn.exact={AUDITOR} size=unlimited time=unlimited\nolcLastBind: TRUE\nolcDbIndex: objectClass eq\n"
    with slapd("".join(entries(chosen.users, chosen.groups)), overlays=OVERLAY, database=limits) as server:
        peer = min(theirs(server) for _ in range(3))
        mine, found = min(ours(server) for _ in range(3))
        print(f"search of {found} entries: {mine:.2f} s of CPU, ldapsearch {peer:.2f} s: {mine / peer:.1f} ×")
        folder = server.folder / "audit"
        folder.mkdir()
        run = [sys.executable, "-c", AUDIT, server.uri, AUDITOR, AUDITOR_PASSWORD, str(server.ca), str(folder)]
        print(subprocess.run(run, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1]).stdout, end="")
    closure(chosen.users, chosen.groups)


if __name__ == "__main__":
    main()
