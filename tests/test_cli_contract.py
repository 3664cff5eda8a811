"""What the contract says of flags, settings and standard output; and that the documentation shows commands that exist."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest

from sovaudit.bundle import BundleWriter
from sovaudit.cli import config
from sovaudit.cli.main import VERBS, main, parser
from sovaudit.errors import OutputError
from sovaudit.model.evidence import Evidence
from tests.roots import SECOND_ROOT, make_root

TOP = Path(__file__).resolve().parents[1]
PAGES = [TOP / "README.md", TOP / "CHANGELOG.md", *sorted((TOP / "docs").glob("*.md"))]
UID0 = ["--select", "least-privilege.uid0"]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def good(tmp_path: Path) -> str:
    return f"root:{make_root(tmp_path / 'good', SECOND_ROOT)}"


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "sovaudit", *arguments], capture_output=True, env={**os.environ, **env})


def options_of(made: ArgumentParser) -> set[str]:
    return {text for action in made._actions for text in action.option_strings}


# The documentation

NO_COMMANDS = {"sovaudit bundle\\0", "sovaudit machine id 1"}  # words in formats


def commands(page: Path) -> list[str]:
    """Every whole `sovaudit …` command of a page: lines of blocks, and code within sentences."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"```(?:sh)?\n(.*?)```", text, re.DOTALL) + re.findall(r"((?:^    .*\n)+)", text, re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    lines += [" ".join(code.split()) for code in re.findall(r"`(sovaudit [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))]
    shown = [line.removeprefix("sudo ") for line in lines if re.match(r"(sudo )?sovaudit [a-z]+", line) and "…" not in line]
    return [line.replace("PRODUCT", "openldap") for line in shown if line not in NO_COMMANDS]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_shows_is_one_that_is_taken(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in commands(page):
        _, verb, *rest = shlex.split(line, comments=True)
        assert verb in VERBS or verb.startswith("-"), line
        if rest:  # a verb alone names the command
            try:
                made = parser(verb).parse_intermixed_args(rest)
            except SystemExit:
                pytest.fail(f"{page.name}: {line}: {capsys.readouterr().err}")
            assert verb != "verify" or made.trust, f"{page.name}: {line}: no --trust"


def test_every_flag_that_a_page_names_exists() -> None:
    known = {flag for verb in VERBS for flag in options_of(parser(verb))} | {"--version"}
    ours = {"docs/truth.md", "docs/bundle-format.md"}  # they name flags of other programs
    foreign = {"--update", "--check", "--no-sandbox"}
    for page in PAGES:
        if str(page.relative_to(TOP)) not in ours:
            text = re.sub(r"^(openssl|python) .*$", "", page.read_text("utf-8"), flags=re.MULTILINE)
            named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
            assert named - known - foreign == set(), page.name


def test_the_page_on_settings_names_every_key_and_its_file_is_taken(tmp_path: Path) -> None:
    text = (TOP / "docs/settings.md").read_text("utf-8")
    table = text[text.index("| about |") : text.index("## Secrets")]
    assert set(re.findall(r"`(\w+)`", table)) == set(config.KEYS)
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "sovaudit.toml").write_text(example)
    assert config._load(None)["fail_on"] == "high"


def test_every_key_is_a_flag_and_every_variable_of_a_secret_is_documented() -> None:
    flags = {flag for verb in VERBS for flag in options_of(parser(verb))}
    assert {f"--{key.replace('_', '-')}" for key in config.KEYS} <= flags
    source = "".join(path.read_text("utf-8") for path in (TOP / "src/sovaudit/cli").glob("*.py"))
    page = (TOP / "docs/settings.md").read_text("utf-8")
    for name in set(re.findall(r'"(SOVAUDIT_[A-Z_]+)"', source)):
        assert name in page, name


@pytest.mark.parametrize("verb", VERBS)
def test_help_says_what_every_option_is_for(verb: str) -> None:
    made = parser(verb)
    assert [action.dest for action in made._actions if not action.help] == []
    assert made.format_usage().count("\n") == 1


# One clear line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("audit local: --nope", "unrecognized arguments: --nope"),
        ("audit local: --fail", "unrecognized arguments: --fail"),
        ("audit local: --fail-on urgent", "invalid choice: 'urgent'"),
        ("audit local: --max-unknown -1", "'-1' is not a whole number"),
        ("audit local: -j 0", "0 is too little"),
        ("audit -i noise", "noise: is not UTF-8. Write one target a line."),
        ("audit local: --config noise", "noise: is not TOML: it is not UTF-8"),
        ("audit local: --previous noise", "noise: is no report"),
        ("audit local: --previous odd.json", "odd.json: is no report"),
        ("audit local: --host-timeout 0", "0 is too little"),
        ("audit local: --resume nowhere", "nowhere: is no folder. There is nothing to resume"),
        ("audit --resume .", ".: does not say which targets were to be visited. Name them, beside --resume."),
        ("audit local: -o csv:- -o json:-", "standard output takes one format alone"),
        ("audit local: --json -o csv:-", "standard output takes one format alone"),
        ("audit local", "Did you mean local:?"),
        ("audit auditor@web1", "Did you mean ssh://auditor@web1?"),
        ("audit /mnt/image", "Did you mean root:/mnt/image?"),
        ("audit nothing:x", "bundle:FILE"),
        ("explain ssh-login", "Near: two-factor.ssh-login."),
        ("list", "checks|directives|profiles"),
        ("collect local:", "-o/--output"),
        ("diff one", "NEW"),
        ("replay x.sova --against y.json --set a.b=1", "--set: --against judges as that report was judged"),
        ("render nothing.json -o docx", "Formats: html, pdf"),
        ("render . -o md", ".: is not a file"),
        ("audit ssh://a@b --identity nowhere", "--identity nowhere: is not there"),
        ("audit ssh://a@b --known-hosts nowhere", "--known-hosts nowhere: is not there"),
        ("audit ssh://a@b --ssh-config nowhere", "--ssh-config nowhere: is not there"),
        ("audit ldaps://a/dc=b --ca nowhere", "--ca nowhere: is not there"),
        ("audit ldaps://a/dc=b --tls-cert nowhere --tls-key nowhere", "--tls-cert nowhere: is not there"),
        ("plan ssh://a@b --collector collect", "--collector collect: is no absolute path"),
        ("audit ssh://a@b --ask-pass", "no terminal to ask for the SSH password. Use a file, or SOVAUDIT_SSH_PASSWORD."),
        ("audit ssh://a@b --sudo --ask-sudo-pass", "no terminal to ask for the sudo password"),
        ("audit ldaps://a/dc=b --bind-dn c", "--bind-dn: it needs a password"),
    ],
)
def test_wrong_use_gives_one_line_and_exit_2(
    arguments: str, says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sovaudit.cli.secrets.somebody", lambda: False)
    Path("noise").write_bytes(b"\xea\x00")
    Path("odd.json").write_text("{")
    assert main(arguments.split()) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and said.err.startswith("sovaudit: ") and says in said.err
    assert said.out == "" and not (tmp_path / "sovaudit-out").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [("fail_on", "urgent"), ("lang", "de"), ("sasl", "plain"), ("max_unknown", -1), ("jobs", 0), ("jobs", True), ("select", [1])],
)
def test_a_settings_file_takes_what_its_flag_takes(key: str, value: object, good: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("sovaudit.toml").write_text(f"{key} = {json.dumps(value)}\n")
    assert main(["audit", good]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "sovaudit.toml" in said and key in said


@pytest.mark.parametrize(
    ("name", "value"), [("FAIL_ON", "urgent"), ("LANG", "de"), ("MAX_UNKNOWN", "-1"), ("JOBS", "0"), ("SUDO", "maybe")]
)
def test_a_variable_takes_what_its_flag_takes(
    name: str, value: str, good: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"SOVAUDIT_{name}", value)
    assert main(["audit", good]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"SOVAUDIT_{name}: " in said


def test_targets_may_stand_anywhere_among_flags(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("staff.csv").write_text("id,name,status\n1,A,active\n")
    assert main(["audit", "--exit-zero", good, "--out", "one", "people:staff.csv", *UID0, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["targets"]) == 2


def test_plan_and_preflight_take_evidence_already_taken(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["collect", good, "-o", "e.sova", "--quiet"])
    capsys.readouterr()
    assert main(["plan", "bundle:e.sova", good]) == 0
    assert "read it: evidence already taken; nothing is run" in capsys.readouterr().out
    assert main(["preflight", "bundle:e.sova", *UID0]) == 0
    assert f"{good}: collected" in capsys.readouterr().out


# Standard output


def test_json_on_standard_output_is_the_signed_bytes(good: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(["audit", good, *UID0, "--out", "one", "--json"])
    printed = capfdbinary.readouterr().out
    assert hashlib.sha256(printed).digest() == hashlib.sha256(Path("one/report.json").read_bytes()).digest()
    main(["replay", "one/evidence.sova", "--json"])
    Path("again.json").write_bytes(capfdbinary.readouterr().out)
    assert main(["diff", "one/report.json", "again.json"]) == 0


def test_a_format_on_standard_output_has_it_alone(good: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    main(["audit", good, *UID0, "--out", "one", "-o", "junit:-"])
    assert capfdbinary.readouterr().out.strip().endswith(b"</testsuites>")


def test_what_is_written_is_french_and_the_terminal_english(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["audit", good, *UID0, "--out", "one", "-o", "csv"])
    assert "Only root has uid 0" in capsys.readouterr().out and Path("one/report.fr.csv").is_file()
    main(["audit", good, *UID0, "--out", "two", "-o", "csv", "--lang", "fr"])
    assert "Remède" in capsys.readouterr().out and Path("two/report.fr.csv").is_file()


def test_one_format_that_cannot_be_written_costs_no_other(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", good, *UID0, "--out", "one", "-o", "junit:nowhere/x.xml", "-o", "csv", "--quiet"]) == 74
    said = capsys.readouterr()
    assert said.out.startswith("policy: ") and Path("one/report.fr.csv").is_file()
    assert "nowhere/x.xml: cannot be written (No such file or directory)" in said.err


def test_render_heeds_the_settings(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["audit", good, *UID0, "--out", "one", "--quiet"])
    Path("sovaudit.toml").write_text('lang = "en"\n')
    assert main(["render", "one/report.json", "-o", "md"]) == 0
    assert Path("one/report.en.md").is_file()
    assert main(["render", "one/report.json", "-o", "csv", "-o", "md"]) == 2, "nothing is written where one of them exists"
    assert not Path("one/report.en.csv").exists()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_that_lacks_our_signs_gets_plainer_ones(encoding: str) -> None:
    for arguments in (
        ["explain", "two-factor.ssh-login", "--lang", "fr"],
        ["explain", "exit-codes"],
        ["audit", "--help"],
        ["explain", "é’"],
    ):
        result = run(*arguments, env={"PYTHONIOENCODING": encoding})
        assert result.returncode == (2 if arguments[1] == "é’" else 0), result.stderr
    assert "no such check" in result.stderr.decode(encoding)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("{} list checks >/dev/full", 74),
        ("{} --help >/dev/full", 74),
        ("{} audit --help >/dev/full", 74),
        ("{} --help >&-", 0),
        ("{} explain exit-codes >&-", 0),
        ("{} nope 2>/dev/full", 2),
        ("{} audit --nope 2>/dev/full", 2),
        ("{} explain nope 2>&-", 2),
    ],
)
def test_standard_output_that_is_full_or_closed(command: str, code: int) -> None:
    for unbuffered in ("", "1"):
        result = subprocess.run(
            command.format(f"{sys.executable} -m sovaudit"),
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, shell=True, capture_output=True, text=True,
        )  # fmt: skip
        assert result.returncode == code and "Traceback" not in result.stderr
        assert result.stderr in ("", "sovaudit: a result cannot be written: No space left on device\n")


def test_gate_list_and_explain_heed_the_settings(good: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["audit", good, *UID0, "--out", "one", "--quiet"]) == 1
    Path("sovaudit.toml").write_text('fail_on = "critical"\nmax_unknown = 100\nlang = "fr"\n')
    failing = main(["gate", "one/report.json", "--fail-on", "low"])
    monkeypatch.setenv("SOVAUDIT_FAIL_ON", "low")
    assert (failing, main(["gate", "one/report.json"]), main(["gate", "one/report.json", "--isolated"])) == (1, 1, 1)
    capsys.readouterr()
    main(["list", "profiles"])
    main(["explain", "least-privilege.uid0"])
    said = capsys.readouterr().out
    assert "regard" in said and "Remède" in said


def test_help_of_a_verb_by_either_word(capsys: pytest.CaptureFixture[str]) -> None:
    main(["help", "gate"])
    one = capsys.readouterr().out
    main(["gate", "--help"])
    assert one == capsys.readouterr().out and one.startswith("usage: sovaudit gate")


def test_audits_of_one_second_have_folders_of_their_own(good: str) -> None:
    for _ in range(3):
        main(["audit", good, *UID0, "--quiet"])
    assert len(list(Path("sovaudit-out").iterdir())) == 3


def test_a_countersigned_page_keeps_its_language(good: str) -> None:
    main(["audit", good, *UID0, "--out", "one", "--quiet", "--lang", "en"])
    main(["keygen", "--out", "second", "--name", "Second"])
    assert main(["sign", "one/report.json", "--key", "second/key.pem", "--cert", "second/cert.pem"]) == 0
    assert Path("one/report.html").read_bytes().startswith(b'<!doctype html>\n<html lang="en"')


# The key's passphrase


def test_an_encrypted_key_signs_with_a_passphrase_from_a_file_or_a_prompt(
    good: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cryptography.hazmat.primitives import serialization as forms

    main(["keygen", "--out", "keys"])
    plain = forms.load_pem_private_key(Path("keys/key.pem").read_bytes(), None)
    hidden = plain.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.BestAvailableEncryption(b"open sesame"))
    Path("keys/hidden.pem").write_bytes(hidden)
    Path("word").write_text("open sesame\n")
    key = ["--key", "keys/hidden.pem", "--cert", "keys/cert.pem", "--exit-zero", "--quiet", *UID0]
    assert main(["audit", good, *key, "--out", "one"]) == 2
    assert "--key-passphrase-file or SOVAUDIT_KEY_PASSPHRASE" in capsys.readouterr().err
    assert main(["audit", good, *key, "--out", "two", "--key-passphrase-file", "word"]) == 0
    monkeypatch.setenv("SOVAUDIT_KEY_PASSPHRASE", "open sesame")
    assert main(["audit", good, *key, "--out", "four"]) == 0
    assert "SOVAUDIT_KEY_PASSPHRASE" not in os.environ
    monkeypatch.setenv("SOVAUDIT_KEY_PASSPHRASE", "open sesame")
    main(["collect", good, "-o", "e.sova", "--quiet"])
    assert "SOVAUDIT_KEY_PASSPHRASE" not in os.environ, "nor where no key is used"
    monkeypatch.setattr("sovaudit.cli.secrets.somebody", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: "open sesame" if "hidden.pem" in prompt else "")
    assert main(["audit", good, *key, "--out", "three"]) == 0


def test_the_page_on_reports_names_every_format_and_how_its_file_ends() -> None:
    from sovaudit.audit import FORMATS

    text = (TOP / "docs/report-format.md").read_text("utf-8")
    rows = re.findall(r"^\| ((?:`\w+` ?)+) \| ((?:`[\w.]+` ?)+) \|", text[text.index("## Other formats") :], re.MULTILINE)
    said = {fmt: end for fmts, ends in rows for fmt, end in zip(re.findall(r"[\w.]+", fmts), re.findall(r"[\w.]+", ends), strict=True)}
    assert said == FORMATS


@pytest.mark.parametrize("zone", [":/etc/passwd", "/etc/passwd", "No/Where", ":"])
def test_an_odd_time_zone_is_no_matter(zone: str, good: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "sovaudit", "explain", "two-factor.ssh-login", "--lang", "fr"],
        env={**os.environ, "TZ": zone}, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def test_a_page_that_is_followed_is_known_by_its_document(good: str) -> None:
    assert main(["audit", good, "--out", "one", "-q", "--exit-zero", *UID0]) == 0
    assert main(["audit", good, "--out", "two", "-q", "--exit-zero", "--previous", "one/report.html", *UID0]) == 0
    digest = hashlib.sha256(Path("one/report.json").read_bytes()).hexdigest()
    assert json.loads(Path("two/report.json").read_text())["previous"] == f"sha256:{digest}"


def test_evidence_that_a_full_disk_cut_goes_on_with_the_same_command(
    good: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: BundleWriter, evidence: Evidence) -> None:
        raise OutputError("cannot be written (full)", where="out.sova.partial", hint="go on with --resume.")

    with monkeypatch.context() as patch:
        patch.setattr(BundleWriter, "add", full)
        assert main(["collect", good, "-o", "out.sova"]) == 74
    assert "the same command goes on" in capsys.readouterr().err
    assert main(["collect", good, "-o", "out.sova"]) == 0


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_result_that_is_cut_short_is_told(unbuffered: str, tmp_path: Path) -> None:
    """CI images set PYTHONUNBUFFERED; then Python writes once and forgets what did not fit."""
    command = f"ulimit -f 8; exec {sys.executable} -m sovaudit privileges >cut"
    result = subprocess.run(
        ["bash", "-c", command], env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 74, result.stderr
    assert "a result cannot be written: File too large" in result.stderr
