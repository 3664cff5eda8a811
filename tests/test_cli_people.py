"""An audit of a host with its roster and its matrix of rights, from the command to the signed page and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.roots import make_root
from tests.test_cli import one_line, own_home, sovaudit

__all__ = ["own_home"]

CHECKS = "least-privilege.leavers,least-privilege.access-matrix,least-privilege.review,least-privilege.duplicate-ids"
ONLY = ["--select", CHECKS]
SSHD = {
    "etc/pam.d/sshd": "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n",
    "etc/ssh/sshd_config": "UsePAM yes\nPermitRootLogin no\n", "usr/sbin/sshd": "x", "bin/bash": "x", "home/alice/.profile": "",
    "var/lib/dpkg/status": "".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: {version}\n\n"
        for name, version in (("passwd", "1:4.13"), ("openssh-server", "1:9.2p1-2+deb12u5"), ("libpam-modules", "1.5.2-6"))
    ),
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """A host that lets alice in by SSH; alice has left, and the matrix has an old row of hers that is not true."""
    make_root(tmp_path / "host", SSHD)
    for name in ("usr/sbin/sshd", "bin/bash"):
        (tmp_path / "host" / name).chmod(0o755)
    (tmp_path / "staff.csv").write_text("id,name,account,status,left_on\n7,Alice A,alice,left,2026-01-31\n")
    (tmp_path / "rights.csv").write_text("account,right,place,granted_by,reviewed_on\nalice,root,sample,boss,2020-01-31\n")
    return [f"root:{tmp_path / 'host'}", "people:staff.csv", "rights:rights.csv"]


def report(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(folder, "report.json").read_bytes())
    return found


def test_from_end_to_end(files: list[str]) -> None:
    result = sovaudit("audit", *files, "--out", "out", *ONLY, "--fail-on", "medium")
    assert result.returncode == 1, result.stdout + result.stderr
    found = report("out")
    verdicts = {(one["check"], one["target"], one["subject"]): one["verdict"] for one in found["findings"]}
    host = files[0]
    assert verdicts[("least-privilege.leavers", host, "alice")] == "fail"
    assert verdicts[("least-privilege.access-matrix", host, "alice ssh")] == "fail"
    assert verdicts[("least-privilege.access-matrix", host, "alice root")] == "fail"
    assert verdicts[("least-privilege.review", "*", "alice root@sample")] == "fail"
    assert {target["kind"] for target in found["targets"]} == {"root", "people", "rights"}
    statuses = {one["id"]: one["status"] for one in found["controls"]}
    assert statuses["RH-FIN-GEST"] == statuses["ACC-UTILIS-HABILIT"] == statuses["ACC-UTILIS-REVUE"] == "non_conforming"
    assert "Alice A" not in Path("out/report.json").read_text() + Path("out/report.html").read_text()

    same = sovaudit("replay", "out/evidence.sova", "--against", "out/report.json")
    assert (same.returncode, same.stdout[:4]) == (0, "same"), same.stdout + same.stderr
    for name in ("out/report.json", "out/report.html"):
        verified = sovaudit("verify", name, "--trust", "config/sovaudit/cert.pem", "--evidence", "out/evidence.sova")
        assert verified.returncode == 0, verified.stdout + verified.stderr
    again = sovaudit("audit", "bundle:out/evidence.sova", "--out", "again", *ONLY)
    assert again.returncode == 1, again.stderr
    assert report("again")["findings"] == found["findings"]


def test_when_all_is_well(files: list[str]) -> None:
    Path("staff.csv").write_text("id,account,status,left_on\n7,alice,active,\n8,bob,left,2026-01-31\n")
    Path("rights.csv").write_text("account,right,place,granted_by,reviewed_on\nalice,ssh,sample,boss,2099-01-01\n")
    assert sovaudit("audit", *files, "--out", "unknown", *ONLY).returncode == 3  # a review that lies ahead
    day = report("unknown")["targets"][0]["taken_at"][:10]
    Path("rights.csv").write_text(f"account,right,place,granted_by,reviewed_on\nalice,ssh,sample,boss,{day}\n")
    well = sovaudit("audit", *files, "--out", "out", *ONLY)
    assert well.returncode == 0, well.stdout + well.stderr
    assert report("out")["findings"] == []


def test_without_the_lists_nothing_is_said(files: list[str]) -> None:
    alone = sovaudit("audit", files[0], "--out", "out", "--select", "least-privilege.leavers,least-privilege.uid0")
    assert alone.returncode == 0, alone.stdout + alone.stderr
    found = report("out")
    assert not [one for one in found["passed"] if one["check"] == "least-privilege.leavers"]
    assert {one["id"]: one["status"] for one in found["controls"]}["RH-FIN-GEST"] == "not_verifiable"


def test_a_list_that_cannot_be_read_leaves_doubt(files: list[str]) -> None:
    Path("staff.csv").write_text("matricule,compte\n7,alice\n")
    result = sovaudit("audit", *files, "--out", "out", "--select", "least-privilege.leavers")
    assert result.returncode == 3, result.stdout + result.stderr
    assert "has no column 'id'" in result.stdout + result.stderr


def test_a_list_that_is_not_there_is_a_usage_error(files: list[str]) -> None:
    for target in ("people:none.csv", "rights:none.csv", "people:staff.csv?map=none.toml", "people:."):
        result = sovaudit("audit", files[0], target, "--out", "out", *ONLY)
        assert result.returncode == 2
        one_line(result)
        assert not Path("out").exists()


def test_the_plan_names_what_is_read(files: list[str]) -> None:
    assert "read staff.csv (csv): id, name, account" in sovaudit("plan", *files).stdout
