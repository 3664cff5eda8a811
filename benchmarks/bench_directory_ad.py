"""A Samba AD DC with planted weaknesses: wall, memory and what is found, beside ldapdomaindump.

    python -m benchmarks.bench_directory_ad --peer VENV/bin/ldapdomaindump [--users 500]

Needs root, Samba's domain controller, and ldapdomaindump in an environment of its own. Both bind simply over LDAPS as the administrator. The peer
draws up an inventory and judges nothing: a weakness counts as shown if its files name the account beside the flag, group or right that makes it one.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.directories.test_samba_planted import BEFORE, CONTROL, DELEGATION, EXCEPTIONS, PEOPLE, SECRETS, planted
from tests.samba_ad import ADMIN, ADMIN_PASSWORD, BASE, HOST, PASSWORD, Samba, samba

AUDIT = """
import json, resource, sys, time
from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.directory import Directory
from sovaudit.registry import load_checks
from sovaudit.testing import run
uri, user, password, ca, name = sys.argv[1:]
began, cpu = time.monotonic(), time.process_time()
evidence = collect(parse_target(uri), CollectOptions(ldap_bind_dn=user, ldap_password=password, ldap_ca=ca, ldap_tls_name=name))
read = time.monotonic() - began
directory = Directory(evidence)
failing = {}
for check in load_checks().values():
    if check.needs and check.needs[0] is Directory and len(check.needs) == 1:
        for outcome in run(check, directory):
            if outcome.verdict.value == "fail":
                failing.setdefault(check.id, []).append(outcome.subject)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
print(json.dumps({"wall": time.monotonic() - began, "read": read, "cpu": time.process_time() - cpu, "peak": peak, "failing": failing}))
"""


def inside(server: Samba, command: list[str]) -> tuple[str, float, float, int]:
    """(its output, wall, CPU seconds, peak MB) of a program in the server's network."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run(
        ["nsenter", f"--net=/proc/{server.pid}/ns/net", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(done.stdout[-800:] + done.stderr[-800:])
    return done.stdout, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss >> 10


def shown_by_inventory(folder: Path) -> Iterator[str]:
    """`question: account` of what the peer's own files show of the planted weaknesses."""
    users = json.loads((folder / "domain_users.json").read_text("utf-8"))
    machines = json.loads((folder / "domain_computers.json").read_text("utf-8"))
    flags = {"unconstrained": 0x80000, "no-preauthentication": 0x400000, "PASSWD_NOTREQD": 0x20, "DONT_EXPIRE_PASSWORD": 0x10000}
    for row in users + machines:
        attributes = row["attributes"]
        name, uac = attributes["sAMAccountName"][0], int(attributes["userAccountControl"][0])
        for question, flag in flags.items():
            if uac & flag:
                yield f"{question}: {name}"
    policy = json.loads((folder / "domain_policy.json").read_text("utf-8"))[0]["attributes"]
    if int(policy["ms-DS-MachineAccountQuota"][0]):
        yield "quota: ms-DS-MachineAccountQuota"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", default="")
    parser.add_argument("--users", type=int, default=500)
    chosen = parser.parse_args()
    with samba(BEFORE[: len(PEOPLE) + 4]) as first:
        sids = dict(zip(PEOPLE, [one for one in first.answers if one], strict=True))
    domain, _, last = sids[PEOPLE[-1]].rpartition("-")
    sids |= {name: f"{domain}-{int(last) + 1 + place}" for place, name in enumerate(("desk", "rulers"))}
    resource_list = {"sddl": f"O:BAD:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;{sids['rbcd']})"}
    to_dc: list[object] = ["modify", f"CN=DC1,OU=Domain Controllers,{BASE}", {"=msDS-AllowedToActOnBehalfOfOtherIdentity": [resource_list]}]
    crowd: list[object] = [["user", f"crowd{number:04d}", PASSWORD, {}, ""] for number in range(chosen.users)]
    with samba([*BEFORE, *planted(sids), to_dc, *crowd]) as server, tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-c", AUDIT, f"ldaps://127.0.0.1/{BASE}", ADMIN, ADMIN_PASSWORD, str(server.folder / "ca.pem"), HOST]
        text, wall, cpu, _ = inside(server, command)
        said = json.loads(text)
        failing = said["failing"]
        rights = {f"{subject.partition(' → ')[0]}" for subject in failing["least-privilege.directory-control"]}
        found = (
            len({who for who, _ in CONTROL} & rights)
            + len(set(DELEGATION) & set(failing["least-privilege.directory-delegation"]))
            + len(set(EXCEPTIONS) & set(failing["password-policy.directory-exceptions"]))
            + len(SECRETS & set(failing["least-privilege.directory-secrets"]))
        )
        planted_count = len(CONTROL) + len(DELEGATION) + len(EXCEPTIONS) + len(SECRETS)
        print(
            f"sovaudit, {chosen.users + len(PEOPLE)} users: {wall:.1f} s, {cpu:.1f} s of CPU, peak {said['peak']} MB "
            f"(reading {said['read']:.1f} s); {found} of {planted_count} planted weaknesses judged"
        )
        if chosen.peer:
            folder = Path(scratch)
            command = [
                chosen.peer,
                "-u",
                "LAB\\administrator",
                "-p",
                ADMIN_PASSWORD,
                "-at",
                "SIMPLE",
                "--no-html",
                "-o",
                scratch,
                "ldaps://127.0.0.1",
            ]
            _, wall, cpu, peak = inside(server, command)
            shown = set(shown_by_inventory(folder))
            wanted = {f"{hazard}: {name}" for name, hazard in DELEGATION.items()} | {f"{how}: {name}" for name, how in EXCEPTIONS.items()}
            seen = len(shown & wanted) + len([one for one in shown if one.startswith("quota")])
            print(
                f"ldapdomaindump: {wall:.1f} s, {cpu:.1f} s of CPU, peak {peak} MB; {seen} of {planted_count} shown in its files, none judged"
            )


if __name__ == "__main__":
    main()
