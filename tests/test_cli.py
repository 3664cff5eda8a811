"""The command, as users and pipelines meet it: every exit code is provoked."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from sovaudit.cli.exit_codes import CODES
from tests.roots import SECOND_ROOT, make_root

UID0 = ["--select", "least-privilege.uid0"]


def sovaudit(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sovaudit", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def good(tmp_path: Path) -> str:
    return f"root:{make_root(tmp_path / 'good')}"


@pytest.fixture
def bad(tmp_path: Path) -> str:
    return f"root:{make_root(tmp_path / 'bad', SECOND_ROOT)}"


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """The error: one line, from us, no traceback."""
    assert "Traceback (most recent" not in result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line]
    assert line.startswith("sovaudit: ")
    return line


def last(result: subprocess.CompletedProcess[str]) -> str:
    return result.stdout.rstrip().splitlines()[-1]


# Exit codes


def test_0_the_gate_is_met(good: str) -> None:
    result = sovaudit("audit", good, "--out", "out", *UID0)
    assert result.returncode == 0, result.stderr + result.stdout
    assert last(result) == "policy: 0 failing (0 high) · completeness: 1/1 judged, 0 unknown · gate: ok (exit 0)"
    assert sorted(path.name for path in Path("out").iterdir()) == ["evidence.sova", "report.html", "report.json", "report.json.p7s"]


def test_1_findings(bad: str) -> None:
    result = sovaudit("audit", bad, "--out", "out", *UID0)
    assert result.returncode == 1
    assert last(result).endswith("gate: findings (exit 1)")
    assert "toor" in result.stdout


def test_2_usage(good: str) -> None:
    assert sovaudit("audit", good, "--profile", "nowhere").returncode == 2
    assert not Path("sovaudit-out").exists(), "a usage error comes before any work"


def test_3_incomplete(tmp_path: Path) -> None:
    root = make_root(tmp_path / "blind")
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").mkdir()
    result = sovaudit("audit", f"root:{root}", "--out", "out", *UID0)
    assert result.returncode == 3, result.stdout
    assert last(result).endswith("gate: incomplete (exit 3)")


def test_4_integrity(good: str) -> None:
    sovaudit("audit", good, "--out", "out", *UID0)
    report = Path("out/report.json")
    report.write_bytes(report.read_bytes().replace(b'"sample"', b'"simple"'))
    result = sovaudit("verify", "out/report.json", "--trust", "config/sovaudit/cert.pem")
    assert result.returncode == 4
    assert "FAIL signature" in result.stdout


def test_5_nothing(good: str) -> None:
    assert sovaudit("audit").returncode == 5
    assert sovaudit("audit", good, *UID0, "--ignore", "least-privilege.uid0").returncode == 5


def test_70_internal(good: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sovaudit.audit\ndef broken(*a, **k): raise ZeroDivisionError('on purpose')\nsovaudit.audit.Audit.prepare = broken\n"
    )
    result = sovaudit("audit", good, env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"})
    assert result.returncode == 70
    line = one_line(result)
    assert "a defect of ours" in line
    assert "on purpose" in Path(line.rpartition("Traceback: ")[2]).read_text()


def test_74_output(good: str) -> None:
    Path("file").write_text("")
    result = sovaudit("audit", good, "--out", "/proc/nowhere/out", *UID0)
    assert result.returncode == 74
    one_line(sovaudit("audit", good, "--out", "file", *UID0))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_130_and_143_keep_what_is_finished(good: str, number: int, code: int, tmp_path: Path) -> None:
    import socket

    sovaudit("keygen")
    with socket.socket() as silent:  # accepts and never says a word
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        port = silent.getsockname()[1]
        command = [sys.executable, "-m", "sovaudit", "audit", good, f"ssh://x@127.0.0.1:{port}", "--out", "out", "-v", "-j", "1", *UID0]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            assert "1/2" in process.stderr.readline()
            process.send_signal(number)
            assert process.wait(20) == code
            assert "finished targets are kept" in process.stderr.read()
    shutil.copytree("out", "again")
    result = sovaudit("audit", good, "--resume", "out", *UID0)
    assert result.returncode == 0, result.stderr
    assert Path("out/report.json").exists()
    result = sovaudit("audit", "--resume", "again", "--host-timeout", "1", *UID0)  # the targets of before, as it was said
    assert result.returncode == 3, result.stderr
    assert len(json.loads(Path("again/report.json").read_text())["targets"]) == 2
    assert sorted(path.name for path in Path("again").iterdir()) == ["evidence.sova", "report.html", "report.json", "report.json.p7s"]


def test_143_ends_a_question_to_a_large_log_and_leaves_nothing(good: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sovaudit.audit, threading\n"
        "from sovaudit.tables import Engine\n"
        "def busy(*a, **k):\n"
        "    engine = Engine()\n"
        "    long = [f'SELECT count(*) FROM range({10**9}) a, range({10**6}) b WHERE (a.range * b.range) % 7 = 3']\n"
        "    threading.Thread(target=engine.rows, args=long).start()\n"
        "    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
        "    engine.rows(*long)\n"
        "sovaudit.audit.Audit.prepare = busy\n"
    )
    (tmp_path / "scratch").mkdir()
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    result = sovaudit("audit", good, env={"PYTHONPATH": path, "TMPDIR": str(tmp_path / "scratch")})
    assert result.returncode == 143, result.stderr
    assert not list((tmp_path / "scratch").iterdir())


def test_141_closed_pipe(good: str) -> None:
    command = f"{sys.executable} -m sovaudit plan {good} | true; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert result.returncode in (0, 141)
    assert "Traceback" not in result.stderr
    assert "Exception" not in result.stderr


def test_the_table_names_every_code() -> None:
    assert [code for code, _, _ in CODES] == [0, 1, 2, 3, 4, 5, 70, 74, 130, 141, 143]
    result = sovaudit("explain", "exit-codes")
    assert all(f"{code:>3}  {name}" in result.stdout for code, name, _ in CODES)


# Settings, and what is written where


def test_settings_files_know_their_keys(good: str) -> None:
    Path("sovaudit.toml").write_text('fail-on = "critical"\ncolour = "red"\n')
    assert "colour" in one_line(sovaudit("audit", good, "--out", "out", *UID0))
    Path("sovaudit.toml").write_text('select = ["least-privilege.uid0"]\norganisation = "Ministère"\n')
    assert sovaudit("audit", good, "--out", "out").returncode == 0
    assert json.loads(Path("out/report.json").read_bytes())["scope"]["organisation"] == "Ministère"


def test_flag_over_environment_over_file(bad: str) -> None:
    Path("sovaudit.toml").write_text('select = ["least-privilege.uid0"]\n')
    arguments = ("audit", bad, "--set", "least-privilege.uid0=x")
    assert sovaudit(*arguments).returncode == 2
    env = {"SOVAUDIT_ORGANISATION": "Environment"}
    sovaudit("audit", bad, "--out", "one", env=env)
    assert json.loads(Path("one/report.json").read_bytes())["scope"]["organisation"] == "Environment"
    sovaudit("audit", bad, "--out", "two", "--organisation", "Flag", env=env)
    assert json.loads(Path("two/report.json").read_bytes())["scope"]["organisation"] == "Flag"


def test_a_full_disk_loses_no_evidence(good: str, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root (mounts a small file system)")
    sovaudit("keygen")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(small)], check=True)
    try:
        (small / "ballast").write_bytes(b"x" * 360_000)
        result = sovaudit("audit", good, "--out", str(small / "out"))
        assert result.returncode == 74, result.stdout + result.stderr
        assert one_line(result)
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


# Manners


def test_nothing_on_a_pipe_but_the_result(good: str) -> None:
    sovaudit("keygen")
    result = sovaudit("audit", good, "--out", "out", "--json", *UID0)
    assert result.stderr == ""
    assert json.loads(result.stdout)["schema"] == "sovaudit/report/1"
    assert result.stdout.encode() == Path("out/report.json").read_bytes(), "to the byte, so that its digest is the signed one"


def test_version_is_quick() -> None:
    started = time.perf_counter()
    assert sovaudit("--version").stdout.startswith("sovaudit 0.")
    assert time.perf_counter() - started < 2  # a generous roof for a busy machine; benchmarks measure it


def test_version_and_help_import_nothing_heavy() -> None:
    program = (
        "import sys; from sovaudit.cli.main import main; main(['--version']); main(['--help']); "
        "heavy = {'pydantic', 'paramiko', 'jinja2', 'cryptography', 'pyhanko', 'zstandard', 'babel', 'duckdb', 'openpyxl', 'sqlalchemy'} & "
        "set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_what_reads_tables_is_imported_when_there_are_some() -> None:
    program = (
        "import sys, sovaudit, sovaudit.audit, sovaudit.testing; sys.exit(bool({'duckdb', 'openpyxl', 'sqlalchemy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_replay_says_same_of_every_check(bad: str) -> None:
    sovaudit("audit", bad, "--out", "out")
    same = sovaudit("replay", "out/evidence.sova", "--against", "out/report.json")
    assert (same.returncode, same.stdout) == (0, "same: every verdict follows from the evidence\n"), same.stderr


def test_replay_verify_gate_render_diff_from_one_audit(bad: str) -> None:
    sovaudit("audit", bad, "--out", "out", *UID0)
    same = sovaudit("replay", "out/evidence.sova", "--against", "out/report.json")
    assert same.returncode == 0, same.stdout + same.stderr
    assert same.stdout.startswith("same")
    trust = ["--trust", "config/sovaudit/cert.pem"]
    for name in ("out/report.json", "out/report.html"):
        verified = sovaudit("verify", name, *trust)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert "FAIL" not in verified.stdout
    assert sovaudit("gate", "out/report.json").returncode == 1
    assert sovaudit("gate", "out/report.json", "--fail-on", "critical").returncode in (0, 1)
    rendered = sovaudit("render", "out/report.json", "-o", "text:-", "--lang", "en")
    assert "toor" in rendered.stdout
    again = sovaudit("render", "out/report.json", "-o", "html:again.html", "--lang", "fr")
    assert again.returncode == 0
    assert Path("again.html").read_bytes() == Path("out/report.html").read_bytes()
    assert sovaudit("diff", "out/report.json", "out/report.json").stdout.startswith("0 answers differ")
    bundle = sovaudit("audit", "bundle:out/evidence.sova", "--out", "second", *UID0)
    assert bundle.returncode == 1
    first, second = (json.loads(Path(f"{name}/report.json").read_bytes()) for name in ("out", "second"))
    assert first["evidence"]["root"] == second["evidence"]["root"]
    assert first["findings"] == second["findings"]


def test_a_flipped_byte_of_the_bundle_exits_4(good: str) -> None:
    sovaudit("audit", good, "--out", "out", *UID0)
    data = bytearray(Path("out/evidence.sova").read_bytes())
    data[len(data) // 2] ^= 1
    Path("flipped.sova").write_bytes(data)
    result = sovaudit("replay", "flipped.sova", *UID0)
    assert result.returncode == 4, result.stdout
    one_line(result)


def test_an_untrusted_signer_is_refused(good: str) -> None:
    sovaudit("audit", good, "--out", "out", *UID0)
    sovaudit("keygen", "--out", "other")
    assert sovaudit("verify", "out/report.json", "--trust", "other/cert.pem").returncode == 4


def test_openssl_accepts_the_seal(good: str) -> None:
    sovaudit("audit", good, "--out", "out", *UID0)
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    command = "openssl cms -verify -binary -inform DER -in out/report.json.p7s -content out/report.json"
    command += " -CAfile config/sovaudit/cert.pem -out /dev/null"
    assert subprocess.run(command.split(), capture_output=True, check=False).returncode == 0


def test_the_key_is_for_its_owner_alone(good: str) -> None:
    result = sovaudit("audit", good, "--out", "out", *UID0)
    assert "no qualified certificate" in result.stderr
    assert Path("config/sovaudit/key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("what", ["checks", "directives", "profiles"])
def test_list(what: str) -> None:
    result = sovaudit("list", what)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) >= (15 if what == "checks" else 1)


def test_explain_a_check_and_a_control() -> None:
    page = sovaudit("explain", "least-privilege.uid0")
    assert "Remedy:" in page.stdout
    control = sovaudit("explain", "EXP-JOURN/SURV-JOURNAL")
    assert control.returncode == 0
    assert "ma-dnssi-2023" in control.stdout
    assert re.search("log-completeness.retention +Logs of security events are kept", control.stdout)
    french = sovaudit("explain", "EXP-JOURN/SURV-JOURNAL", "--lang", "fr").stdout
    assert "Prouvable par" in french and "Ce qu’elle exige" in french


def test_plan_connects_to_nothing(good: str) -> None:
    result = sovaudit("plan", good, "ssh://auditor@203.0.113.9")
    assert result.returncode == 0, result.stderr
    assert "/etc/passwd" in result.stdout


def test_new_check_makes_a_package_that_passes_its_own_tests(tmp_path: Path) -> None:
    assert sovaudit("new", "check", "acme.no-guest").returncode == 0
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "sovaudit-acme", "sovaudit-acme"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "sovaudit-acme")},
    )
    assert result.returncode == 0, result.stdout


def test_waivers_lint_and_apply(bad: str) -> None:
    row = (
        '[[waivers]]\ncheck = "least-privilege.uid0"\ntarget = "*"\nsubject = "toor"\nuntil = 2099-01-01\nreason = "known"\nowner = "Ops"\n'
    )
    Path("waivers.toml").write_text(row + 'approved_by = "RSSI"\n')
    assert sovaudit("waivers", "lint", "waivers.toml").returncode == 0
    result = sovaudit("audit", bad, "--out", "out", "--waivers", "waivers.toml", *UID0)
    assert result.returncode == 0, result.stdout
    report = json.loads(Path("out/report.json").read_bytes())
    assert report["findings"][0]["verdict"] == "fail"
    assert report["findings"][0]["waiver"] is not None
    Path("waivers.toml").write_text(row + 'approved_by = "ops"\n')
    assert sovaudit("audit", bad, "--out", "out2", "--waivers", "waivers.toml", *UID0).returncode == 1
    assert sovaudit("waivers", "lint", "waivers.toml").returncode == 1
