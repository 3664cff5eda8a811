"""One audit over every kind of evidence at once: a host, a directory, a log archive, badges, the roster and the matrix of rights.

From targets to a verified, replayed and rendered report, through the command, as an auditor would.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slapd import AUDITOR, AUDITOR_PASSWORD, BASE, Slapd, slapd
from tests.test_cli import last, one_line, own_home, sovaudit

__all__ = ["own_home"]
pytestmark = pytest.mark.slapd

OVERLAY = f"""dn: olcOverlay={{0}}ppolicy,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: {{0}}ppolicy
olcPPolicyDefault: cn=default,ou=policies,{BASE}

"""


def person(name: str, number: int, *more: str) -> str:
    lines = "".join(f"{line}\n" for line in more)
    return (
        f"dn: uid={name},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\nemployeeNumber: {number}\n"
        f"userPassword: {name}-Secret-1\n{lines}\n"
    )


ENTRIES = (
    f"dn: cn=default,ou=policies,{BASE}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: default\npwdAttribute: userPassword\n"
    "pwdMinLength: 8\npwdCheckQuality: 2\n\n"
    + person("alice", 1)
    + person("bob", 2)
    + person("carol", 3, f"pwdPolicySubentry: cn=default,ou=policies,{BASE}")
)
STAFF = "id,name,account,status,left_on\n1,Alice A,alice,active,\n2,Bob B,bob,left,2026-03-31\n3,Carol C,carol,active,\n"
MATRIX = "account,right,granted_by,reviewed_on\nalice,ssh,CISO,2026-10-01\ncarol,ssh,CISO,2026-10-01\n"
BADGES = "event_time,source,sequence,access_point,direction,credential,subject,event\n" + "".join(
    f"2026-05-{day:02d}T08:{minute:02d}:00Z,panel-1,{day * 10 + minute + (day > 20)},door-1,in,b{minute},{minute},GRANTED\n"
    for day in range(1, 28)
    for minute in range(10)
)
SYSLOG = "".join(
    f"2026-05-{day:02d}T{hour:02d}:17:03+00:00 web1 sshd[{900 + hour}]: Accepted publickey for alice from 192.0.2.1 port 5{hour:02d} ssh2\n"
    for day in range(1, 28)
    for hour in range(24)
)


@pytest.fixture(scope="module")
def directory() -> Iterator[Slapd]:
    with slapd(ENTRIES, overlays=OVERLAY) as server:
        yield server


@pytest.fixture
def targets(directory: Slapd, tmp_path: Path) -> list[str]:
    from tests.roots import make_root

    root = make_root(tmp_path / "host")
    (tmp_path / "staff.csv").write_text(STAFF)
    (tmp_path / "matrix.csv").write_text(MATRIX)
    (tmp_path / "badges.csv").write_text(BADGES)
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive/web1.log").write_text(SYSLOG)
    return [
        f"root:{root}", directory.uri, f"people:{tmp_path}/staff.csv", f"rights:{tmp_path}/matrix.csv",
        f"badges:{tmp_path}/badges.csv?map=generic", f"logs:{tmp_path}/archive",
    ]  # fmt: skip


def test_every_kind_of_evidence_in_one_audit(directory: Slapd, targets: list[str], tmp_path: Path) -> None:
    secret = {"SOVAUDIT_LDAP_PASSWORD": AUDITOR_PASSWORD}
    reach = ["--bind-dn", AUDITOR, "--ca", str(directory.ca)]
    audited = sovaudit("audit", *targets, *reach, "--out", "out", env=secret)
    assert audited.returncode == 1, audited.stderr + audited.stdout[-2000:]
    report = json.loads(Path("out/report.json").read_text())
    assert {target["status"] for target in report["targets"]} <= {"collected", "partial"}
    failing = {(finding["check"], finding["subject"]) for finding in report["findings"] if finding["verdict"] == "fail"}
    assert ("password-policy.directory-min-length", f"cn=default,ou=policies,{BASE}") in failing
    assert ("least-privilege.leavers", "bob") in {(check, subject.rpartition(" ")[2]) for check, subject in failing}
    assert ("physical-access.sequence", "panel-1") in failing
    assert not any(finding["verdict"] == "error" for finding in report["findings"])
    everything = b"".join(path.read_bytes() for path in Path("out").iterdir())
    assert AUDITOR_PASSWORD.encode() not in everything
    assert b"alice-Secret-1" not in everything

    config = Path(os.environ["XDG_CONFIG_HOME"]) / "sovaudit/cert.pem"
    verified = sovaudit("verify", "out/report.json", "--trust", str(config), "--evidence", "out/evidence.sova")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    replayed = sovaudit("replay", "out/evidence.sova", "--against", "out/report.json")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    for form in ("text", "csv", "junit", "sarif", "md", "json"):
        assert sovaudit("render", "out/report.json", "-o", f"{form}:out.{form}").returncode == 0, form
    again = sovaudit("audit", "bundle:out/evidence.sova", "--out", "again")
    assert last(again) == last(audited)


def test_plan_and_bad_passwords_of_a_directory(directory: Slapd) -> None:
    planned = sovaudit("plan", directory.uri, "--bind-dn", AUDITOR)
    assert planned.returncode == 0 and "search accounts: sub" in planned.stdout
    refused = sovaudit(
        "audit", directory.uri, "--bind-dn", AUDITOR, "--ca", str(directory.ca), "--out", "out", env={"SOVAUDIT_LDAP_PASSWORD": "wrong"}
    )
    assert refused.returncode == 3
    assert "does not accept this name and password" in " ".join(refused.stdout.split())
    assert "wrong" not in Path("out/report.json").read_text()
    assert "password inside a URL" in one_line(sovaudit("audit", "ldaps://cn=x:secret@h/dc=x", "--out", "o2"))
    Path("empty").write_text("")
    empty = sovaudit("audit", directory.uri, "--bind-dn", AUDITOR, "--bind-password-file", "empty", "--out", "o3")
    assert empty.returncode == 2 and "its password is empty" in one_line(empty)
