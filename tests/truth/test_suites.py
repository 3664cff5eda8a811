"""Debian 11 and 13: cases of the other truth tests on roots of those releases, whose programs are older or newer, and their layouts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovaudit.cli.docs import builtin
from sovaudit.engine import judge
from sovaudit.facts.host import Host
from sovaudit.facts.pam_modules import shadow_code
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Evidence
from sovaudit.model.verdict import Severity
from tests import lab
from tests.truth import (
    pamtester,
    random_pam,
    test_logs,
    test_password_kinds,
    test_password_storage,
    test_passwords,
    test_random,
    test_ssh,
    test_ssh_effective,
    test_sudo,
    test_umask,
)
from tests.truth import test_new_accounts as test_new_accounts_of_bookworm

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module", params=lab.OTHER_SUITES)
def debian(request: pytest.FixtureRequest) -> Iterator[str]:
    with lab.on(request.param):
        yield request.param


class Chosen:
    def __init__(self, check: object) -> None:
        self.check = check
        self.params: dict[str, object] = dict(check.knobs)  # type: ignore[attr-defined]
        self.severity = Severity.HIGH


def answers(evidence: Evidence) -> dict[tuple[str, str], str]:
    found = {}
    for judgement in judge([Chosen(check) for check in builtin().values()], [evidence]):  # type: ignore[misc]
        found |= {(judgement.check, subject): "pass" for subject in judgement.passed}
        found |= {(judgement.check, finding.subject): finding.verdict.value for finding in judgement.findings}
    return found


def test_the_stock_system_is_seen_whole(debian: str) -> None:
    """Both doors show the same system; no check breaks on it; what is not there is seen to be absent."""
    with lab.overlay() as root:
        mounted, local = Host(lab.mounted(root)), Host(lab.local(root))
    for host in (mounted, local):
        assert host.os["VERSION_ID"] == {"bullseye": "11", "trixie": "13"}[debian]
        assert host.packages["openssh-server"].startswith(test_random.SSH[debian][:5])
        assert {account.name for account in host.accounts} >= {"root", "daemon", "sshd"}
        assert host.ssh.effective("root").get("permitrootlogin") == "without-password"
        assert host.files.exists("/etc/login.defs")
        assert not host.pam.service("sshd").broken
    for text in (mounted, local):
        seen = answers(text.evidence)
        assert [key for key, verdict in seen.items() if verdict == "error"] == []
    theirs = local.ssh.calibration()
    assert all(result.agrees is not False for result in theirs), theirs


LOGINS = ("stock", "key and password", "match user relaxes", "any first", "root with prohibit-password", "locked password, key", "home writable by group", "certificate, principals",
          "01 code required", "02b nullok and permit", "08 code sufficient", "15 code and password", "expired account", "empty password", "rsa too short for this sshd", "limits that are not there")  # fmt: skip


@pytest.fixture(scope="module")
def hashed(debian: str) -> str:
    with lab.overlay() as root:
        lab.run(root, ["useradd", "-m", "x"])
        lab.run(root, ["chpasswd"], stdin=f"x:{test_ssh.PASSWORD}\n")
        return next(text.split(":")[1] for text in (root / "etc/shadow").read_text().splitlines() if text.startswith("x:"))


@pytest.mark.parametrize("name", LOGINS)
def test_logins(debian: str, hashed: str, name: str) -> None:
    if debian == "bullseye" and name == "rsa too short for this sshd":
        pytest.skip("RequiredRSASize is younger than this sshd")
    test_ssh.test_login(name, hashed)


# -T does not ask whether the account exists, or crashes; words that decide no login and are read otherwise by these versions
OTHER = ("invalid-user is newer", "subsystem in match", "host key algorithms", "open any and more", "quality of service", "time too large")


def test_sshd_configurations(debian: str) -> None:
    """Defaults, words and refusals of another version."""
    cases = {
        name: test_ssh_effective.files_of(case)
        for number, (name, case) in enumerate(test_ssh_effective.CASES.items())
        if number % 3 == 0 and name not in OTHER
    }
    cases |= {
        name: {"/etc/ssh/sshd_config": text, "/etc/ssh/extra": "Match all\nMaxAuthTries 2\n"} for name, text in test_random.CLOSES.items()
    }
    assert test_random.compare_ssh(cases) == []


# what pam_umask does without a word about usergroups differs; carol's group is not her own
MASKS = {
    "stock": {},
    "login.defs": {test_umask.COMMON: test_umask.UMASK.format(""), test_umask.DEFS: "UMASK 077\nUSERGROUPS_ENAB no\n"},
    "argument": {test_umask.COMMON: test_umask.UMASK.format("umask=027")},
    "told not to": {test_umask.COMMON: test_umask.UMASK.format("umask=027 nousergroups")},
    "GECOS": {test_umask.COMMON: test_umask.UMASK.format("umask=022")},
}


def test_masks_of_commands(debian: str, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "id")], check=True)
    for name, files in MASKS.items():
        with lab.overlay() as root:
            test_umask.furnish(root, (files, "/bin/sh", "Alice,umask=077" if name == "GECOS" else ""))
            host = Host(lab.mounted(root))
            with test_umask.served(root, tmp_path) as ssh:
                for who in ("alice", "carol"):
                    printed = subprocess.run(
                        [*ssh, f"{who}@127.0.0.1", "umask"], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
                    )
                    account = host.accounts.get(who)
                    assert account is not None
                    said = host.sessions.session(account, "ssh command").umask
                    assert list(said) == [int(printed.stdout, 8)], (name, who)


PASSWORDS = ("stock", "folder in order", "one credit", "pam_unix minlen", "enforce for root", "history between", "commented pwquality")


@pytest.mark.parametrize("name", PASSWORDS)
def test_passwords_that_can_be_set(debian: str, name: str) -> None:
    with lab.overlay() as root:
        old = lab.run(root, ["openssl", "passwd", "-6", "-salt", "abcdefgh", test_passwords.OLD]).stdout.strip()
    test_passwords.test_the_shortest_password(name, old)


PWHISTORY = "/etc/security/pwhistory.conf"
# Files that Linux-PAM reads since 1.5.3
HISTORIES = {
    "the first line of a key, and a word that is on": "remember 6x\nremember = 2\nenforce_for_root = 0\n",
    "no number": "remember = many\nforget = 1\nretry = x\n",
    "line ends of Windows": "REMEMBER = 6\r\nenforce_for_root\r\n",
}


@pytest.mark.parametrize("name", HISTORIES)
def test_old_passwords(debian: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with lab.overlay() as root:
        old = lab.run(root, ["openssl", "passwd", "-1", "-salt", "abcdefgh", test_passwords.OLD]).stdout.strip()
    stack = test_passwords.QUALITY.format("") + "password required pam_pwhistory.so use_authtok\n" + test_passwords.UNIX.format("")
    monkeypatch.setitem(test_password_kinds.HISTORIES, name, (stack, {PWHISTORY: HISTORIES[name]}, True))
    test_password_kinds.test_old_passwords(name, old)


def test_ages(debian: str) -> None:
    """Since Linux-PAM 1.6 a password is overdue one day earlier, and what is below nought is not set."""
    today = test_password_storage.TODAY
    asks = "auth required pam_unix.so nodelay\naccount required pam_unix.so\n"
    rests = [f"{today - 10}:0:{rest}" for rest in ("9:7:::", "10:7:::", "11:7:::", "7:7:3::", "8:7:3::", "3000000000:7:::", ":7:3::")]
    with lab.overlay({**test_password_storage.PEOPLE, "/etc/pam.d/login": asks}) as root:
        for rest in (*rests, ":0:5:7:::", f"{today}:0:0:7:::", "0:0:99999:7:::"):
            lab.write(root, {"/etc/shadow": f"root:*:19000:0:99999:7:::\nalice:$1$abcdefgh$x:{rest}\n"})
            real = lab.run(root, ["pamtester", "login", "alice", "acct_mgmt"])
            word = (real.stdout + real.stderr).strip().splitlines()[-1]
            host = Host(lab.mounted(root))
            alice = host.accounts.get("alice")
            assert alice is not None
            code = {Code.SUCCESS: "done", Code.NEW_AUTHTOK_REQD: "new one required", Code.AUTHTOK_EXPIRED: "token expired"}
            assert code[shadow_code(host, alice)] in word, rest  # type: ignore[index]


@pytest.mark.parametrize("name", ["Windows line ends", "indented"])
def test_new_accounts(debian: str, name: str) -> None:
    with lab.overlay() as root:
        test_new_accounts_of_bookworm.test_new_accounts(name, root)


@pytest.fixture(scope="module")
def people(debian: str) -> Iterator[tuple[Path, dict[str, str]]]:
    yield from test_random.people.__wrapped__()  # type: ignore[attr-defined]


def test_pam_stacks(people: tuple[Path, dict[str, str]]) -> None:
    root, files = people
    test_random.test_pam_stacks_that_once_differed(people)
    assert test_random.compare_pam(root, files, range(500, 506), most=1) == []


def test_stock_services(people: tuple[Path, dict[str, str]]) -> None:
    """Debian's own stacks of this release: login, sshd and su, for people of every kind."""
    root, _ = people
    host = Host(lab.mounted(root))
    wrong: list[str] = []
    with pamtester.driver(root) as driver:
        for service in ("login", "sshd", "su"):
            stack = random_pam.Stack(service, {})
            for user in ("root", "bob", "erin", "frank", "gina", "hans"):
                wrong += [
                    f"{service} {text}"
                    for text in test_random.disagreements(driver, host, stack, user, "carol" if service == "su" else "", False)
                ]
    assert wrong == []


def test_sudo_policies(debian: str) -> None:
    wrong: list[str] = []
    with lab.overlay(test_sudo.BASE) as root:
        for number, (name, files) in enumerate(test_sudo.WRITTEN.items()):
            if number % 3 == 0 or name == "include missing":  # sudo 1.9.5 then also loses the line below
                wrong += [f"{name}: {text}" for text in test_sudo.compare(root, files, users=("alice", "bob"))]
    assert wrong == []


def test_where_messages_go(debian: str) -> None:
    with lab.overlay() as root:
        wrong = []
        for number, (name, case) in enumerate(test_logs.CASES.items()):
            if number % 12 == 0 and test_logs.said(case) != (really := test_logs.really(root, case)):
                wrong.append(f"{name}: rsyslogd {really}, we {test_logs.said(case)}")
    assert wrong == []
