"""Configurations that nobody wrote: a bounded, seeded sample of random ones, each put to the real program and to the facts.

What a longer hunt found stays here as a seed or as a case of its own. Raise COUNT to hunt.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sovaudit.cli.docs import builtin
from sovaudit.engine import judge
from sovaudit.facts.factors import Factor
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.ssh_daemon import Daemon
from sovaudit.facts.ssh_dump import DECISIVE, parse_dump, same
from sovaudit.facts.ssh_server import Server
from sovaudit.model.evidence import Evidence
from sovaudit.profiles import Selected
from sovaudit.testing import host_with
from tests import lab
from tests.truth import pamtester, random_pam, random_ssh
from tests.truth.test_ssh_effective import GROUP, PASSWD, SCRIPT, WHO

pytestmark = pytest.mark.lab
COUNT = 16
P, C = Factor.PASSWORD, Factor.OTP
HELD = (frozenset(), frozenset({P}), frozenset({C}), frozenset({P, C}))
PAM = {"bullseye": "1.4.0-9+deb11u1", "bookworm": "1.5.2-6+deb12u1", "trixie": "1.7.0-5"}
SSH = {"bullseye": "1:8.4p1-5+deb11u3", "bookworm": "1:9.2p1-2+deb12u5", "trixie": "1:10.0p1-7+deb13u4"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl key\n"
TWO_FACTOR = tuple(
    f"two-factor.{name}" for name in "ssh-login ssh-privileged ssh-password-alone console-login privilege-escalation enrolment".split()
)
DOORS = range(6)
MODULES = "usr/lib/x86_64-linux-gnu/security"


# PAM


@pytest.fixture(scope="module")
def people() -> Iterator[tuple[Path, dict[str, str]]]:
    """A root with the accounts, and its files as the collector would mask them."""
    with lab.overlay() as root:
        lab.run(root, ["useradd", "-m", "x"])
        lab.run(root, ["chpasswd", "-c", "SHA256", "-s", "1000"], stdin=f"x:{random_pam.PASSWORD}\n")
        hashed = next(text.split(":")[1] for text in (root / "etc/shadow").read_text().splitlines() if text.startswith("x:"))
        files = random_pam.files(hashed)
        random_pam.settle(root, files)
        kept = {path: (root / path[1:]).read_text() for path in ("/etc/shells", "/etc/login.defs", "/etc/nsswitch.conf", "/etc/os-release")}
        yield root, {**kept, **files, "/etc/shadow": files["/etc/shadow"].replace(hashed, "$y$j9T$masked")}


def judged(root: Path, files: dict[str, str]) -> Host:
    """The same root as evidence."""
    modules = {f"/{MODULES}/{module.name}": (0o644, 0, 0) for module in (root / MODULES).glob("*.so")}
    modes = {**random_pam.modes(), **modules, "/bin/bash": (0o755, 0, 0)}
    packages = f"libpam0g {PAM[lab.suite()]}\n"
    files = {"/etc/ssh/sshd_config": "UsePAM yes\n", "/etc/default/ssh": "", **files}
    return host_with(files, modes=modes, artifacts={"packages": packages}, kind="root", taken_at=datetime.now(UTC))


def disagreements(driver: pamtester.Driver, host: Host, stack: random_pam.Stack, user: str, invoker: str, null: bool) -> list[str]:
    """Where libpam and we differ on one account. What we call uncertain is not asked."""
    wrong: list[str] = []
    account, by = host.accounts.get(user), host.accounts.get(invoker) if invoker else None
    assert account is not None
    text = " ".join(body or "" for body in stack.files.values())
    try:
        ways = host.pam.authenticate(stack.service, account, invoker=by, disallow_null=null)
        for held in HELD:
            ours = any(factors <= held for factors in ways.certain)
            if not ours and any(factors <= held for factors in ways.possible):
                continue
            theirs = driver.opens(stack.service, user, held, invoker=invoker, null=null, text=text)
            if theirs is not None and ours != theirs:
                wrong.append(f"auth {user} by {invoker or 'nobody'} null={null} with {sorted(held)}: libpam {theirs}, we {ways}")
            if theirs:
                break
    except Unseen:
        pass
    try:
        phase = host.pam.account_phase(stack.service, account, invoker=by)
        if phase.certain or not phase.possible:
            theirs = driver.account(stack.service, user, invoker=invoker)
            if theirs != bool(phase.certain):
                wrong.append(f"account {user} by {invoker or 'nobody'}: libpam {theirs}, we {phase}")
    except Unseen:
        pass
    return wrong


def compare_pam(root: Path, files: dict[str, str], seeds: Iterator[int] | range | list[int], most: int = 2) -> list[str]:
    wrong: list[str] = []
    with pamtester.driver(root) as driver:
        for seed in seeds:
            dice = random.Random(seed)
            stack = random_pam.stack(dice)
            present = {path: text for path, text in stack.files.items() if text is not None}
            for path in random_pam.OPTIONAL:
                (root / path[1:]).unlink(missing_ok=True)
            lab.write(root, present)
            host = judged(root, {**files, **present})
            for user in dice.sample(list(random_pam.PEOPLE), most):
                invoker = dice.choice(["bob", "carol", "erin"]) if stack.service in ("su", "sudo") else ""
                null = stack.service == "sshd" and dice.random() < 0.5
                wrong += [f"{seed} {stack.service}: {text}" for text in disagreements(driver, host, stack, user, invoker, null)]
    return wrong


@pytest.mark.parametrize("part", range(2))
def test_pam_stacks(people: tuple[Path, dict[str, str]], part: int) -> None:
    root, files = people
    assert compare_pam(root, files, range(part * COUNT, (part + 1) * COUNT)) == []


# Found by longer hunts: service, user, invoker, files
FOUND: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "apply does not count for shells": ("sshd", "frank", "", {"/etc/pam.d/sshd": "auth required pam_listfile.so item=shell sense=allow file=/etc/list apply=@staff\n", "/etc/list": "/bin/sh\n"}),
    "apply before another argument": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth [default=bad ignore=ignore] pam_listfile.so item=rhost sense=allow file=/etc/list apply=bob onerr=fail\nauth required pam_permit.so\n", "/etc/list": "x\n"}),
    "apply to a group before another argument": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth [default=bad ignore=ignore] pam_listfile.so item=rhost sense=allow apply=@staff file=/sudo\nauth required pam_permit.so\n", "/sudo": "x\n"}),
    "apply without a name": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth required pam_listfile.so item=rhost sense=deny file=/etc/list onerr=succeed apply=\n", "/etc/list": "10.0.0.7\n"}),
    "a value that is not set needs no list": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth required pam_listfile.so item=ruser sense=deny file=/etc/none\n"}),
    "sshd calls its terminal ssh": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth required pam_listfile.so item=tty sense=allow file=/etc/list\n", "/etc/list": "tty1\npts/3\n"}),
    "tty of sshd in a condition": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth required pam_succeed_if.so tty = ssh\n"}),
    "su is never on a terminal called ssh": ("su", "bob", "carol", {"/etc/pam.d/su": "auth required pam_succeed_if.so tty = ssh\n"}),
    "nobody asks from afar in su": ("su", "bob", "carol", {"/etc/pam.d/su": "auth required pam_succeed_if.so rhost != 10.0.0.7 rhost notin 10.0.0.7:x\n"}),
    "no ruser, no group": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth required pam_permit.so\naccount required pam_succeed_if.so ruser ingroup sudo\n"}),
    "alwaysok of somebody not listed": ("login", "carol", "", {"/etc/pam.d/login": "auth required pam_oath.so usersfile=/etc/users.oath alwaysok\n"}),
    "a code behind a password that the line does not allow": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth required pam_oath.so usersfile=/etc/users.oath digits=6\nauth required pam_unix.so nodelay use_first_pass\n"}),
    "a code behind a PIN": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth required pam_oath.so usersfile=/etc/pins\n", "/etc/pins": f"HOTP/T30/6 bob 1234 {random_pam.HEX}\n"}),
    "longer codes than there are": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth required pam_oath.so usersfile=/etc/users.oath digits=8\n"}),
    "a type that liboath does not know": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth [success=ok user_unknown=ignore default=bad] pam_oath.so usersfile=/etc/totp\nauth required pam_permit.so\n", "/etc/totp": f"TOTP/30/6 bob - {random_pam.HEX}\n"}),
    "access.conf without its last newline": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth required pam_permit.so\naccount required pam_access.so\n", "/etc/security/access.conf": "+:root:ALL\n-:ALL:ALL"}),
    "securetty of a program without terminal": ("app", "root", "", {"/etc/pam.d/app": "auth required pam_permit.so\naccount [success=1 default=ignore] pam_securetty.so\naccount requisite pam_permit.so\naccount requisite pam_deny.so\n"}),
    "two access files, one of them missing": ("sshd", "bob", "", {"/etc/pam.d/sshd": "auth required pam_permit.so\naccount optional pam_permit.so\naccount [success=ok abort=bad default=ignore] pam_access.so accessfile=/etc/nothing accessfile=/etc/access.other\n", "/etc/access.other": "+:ALL:ALL\n"}),
    "@include in an included file": ("app", "bob", "", {"/etc/pam.d/app": "auth substack one\naccount include one\n", "/etc/pam.d/one": "session optional pam_permit.so\n@include two\n", "/etc/pam.d/two": "auth required pam_permit.so\naccount required pam_permit.so\n"}),
    "@include after the other type": ("app", "bob", "", {"/etc/pam.d/app": "auth include one\naccount include one\n", "/etc/pam.d/one": "account required pam_permit.so\n@include two\nauth required pam_permit.so\n", "/etc/pam.d/two": "auth required pam_deny.so\naccount required pam_deny.so\n"}),
}  # fmt: skip


def test_pam_stacks_that_once_differed(people: tuple[Path, dict[str, str]]) -> None:
    root, files = people
    wrong: list[str] = []
    with pamtester.driver(root) as driver:
        for name, (service, user, invoker, made) in FOUND.items():
            for path in random_pam.OPTIONAL:
                (root / path[1:]).unlink(missing_ok=True)
            lab.write(root, made)
            wrong += [
                f"{name}: {text}"
                for text in disagreements(driver, judged(root, {**files, **made}), random_pam.Stack(service, made), user, invoker, False)
            ]
    assert wrong == []


# sshd


def compare_ssh(cases: dict[str, dict[str, str]]) -> list[str]:
    """Whether sshd starts, and what it would do with each of five connections."""
    wrong: list[str] = []
    with lab.overlay({"/etc/passwd": PASSWD + "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n", "/etc/group": GROUP}) as root:
        for number, files in enumerate(cases.values()):
            lab.write(root, {f"/cases/{number:04}{path}": text for path, text in files.items()})
        (root / "cases.who").write_text("\n".join(",".join(f"{key}={value}" for key, value in who.items()) for who in WHO) + "\n")
        output = lab.run(root, ["sh", "-c", SCRIPT], timeout=300).stdout
    for block in output.split("=== ")[1:]:
        number, _, rest = block.partition("\n")
        name = list(cases)[int(number)]
        parts = {head: body for head, _, body in (part.partition("\n") for part in rest.split("--- ")[1:])}
        host = host_with(
            {"/etc/passwd": PASSWD, "/etc/group": GROUP, f"{random_ssh.FOLDER}/.keep": "", **cases[name]},
            artifacts={"packages": f"openssh-server {SSH[lab.suite()]}\n"},
        )
        refusal = host.ssh.refusal(Server(Daemon(), host.ssh.settings))
        if ("t 0" in parts) != (refusal is None):
            wrong.append(f"{name}: sshd -t says {parts}, we {refusal}")
        for who in WHO if refusal is None else ():
            said = parts["T " + ",".join(f"{key}={value}" for key, value in who.items())]
            ours = host.ssh.effective(who["user"], who["addr"], who["host"], who.get("laddr", ""), int(who.get("lport", -1)))
            said = said[at:] if (at := f"\n{said}".find("\nport ")) >= 0 else said
            if not said.startswith("port "):  # sshd would end this connection
                wrong += [] if ours.yes("refuseconnection") else [f"{name} {who}: sshd says {said}"]
                continue
            theirs = parse_dump(said)
            differs = {key: (theirs.get(key, ""), ours.get(key)) for key in DECISIVE if not same(key, theirs.get(key, ""), ours.get(key))}
            wrong += [f"{name} {json.dumps(who)}: {differs}"] if differs else []
    return wrong


CLOSES = {
    "match all and a global word": "Match User carol\nPasswordAuthentication no\nMatch all\nUsePAM no\nStrictModes no\n",
    "match all after the global word": "UsePAM yes\nMatch All\nUsePAM no\n",
    "global word in a file included below match all": "Match all\nInclude extra\nUsePAM no\n",
    "match all adds users while sshd starts": "AllowUsers bob\nMatch all\nAllowUsers carol\n",
    "methods of match all": "KbdInteractiveAuthentication no\nMatch all\nAuthenticationMethods keyboard-interactive\n",
    "any below match all": "AuthenticationMethods publickey\nMatch all\nAuthenticationMethods any\n",
    "any below a block that holds": "Match User bob\nAuthenticationMethods publickey,password\nMatch User root\nAuthenticationMethods any\n",
    "match all below another match": "Match User bob\nInclude extra\n",
}


def test_sshd_configurations() -> None:
    cases = {f"seed {seed}": random_ssh.files(random.Random(seed)) for seed in [1042, 1292, *range(COUNT)]}
    for name, text in CLOSES.items():
        cases[name] = {"/etc/ssh/sshd_config": text, "/etc/ssh/extra": "Match all\nMaxAuthTries 2\nPermitUserEnvironment yes\n"}
    cases["any after an included block"] = {
        "/etc/ssh/sshd_config": f"Include {random_ssh.FOLDER}/*.conf\nAuthenticationMethods any\n",
        f"{random_ssh.FOLDER}/a.conf": "Match User bob\nAuthenticationMethods publickey\n",
    }
    assert compare_ssh(cases) == []


# Whole roots, through both doors


def furnish(root: Path, files: dict[str, str], dice: random.Random) -> None:
    """Random stacks for the programs that let people in, a random sshd_config, random sudo rules and keys."""
    random_pam.settle(root, files)
    lab.write(root, {path: text for path, text in random_pam.stack(dice).files.items() if text is not None and path != "/etc/nologin"})
    ways = ["publickey", "password", "publickey,keyboard-interactive", "publickey,password", "keyboard-interactive:pam"]
    lines = ["PasswordAuthentication no", "KbdInteractiveAuthentication yes", "PermitRootLogin yes", "UsePAM yes", "DenyUsers carol"]
    lines += [
        f"AuthenticationMethods {dice.choice(ways)}",
        f"Match User {dice.choice('bob,root gina,dave *'.split())}\nAuthenticationMethods {dice.choice(ways)}",
    ]
    plain = {"/etc/ssh/sshd_config": "".join(f"{line}\n" for line in sorted(dice.sample(lines, 4), key=lines.index))}
    lab.write(root, dice.choice([plain, plain, plain, random_ssh.files(dice)]))
    people = [name for name in random_pam.PEOPLE if name != "root"]
    rules = ["Defaults targetpw", "Defaults !authenticate", "%sudo ALL=(ALL) ALL", "%ops ALL=NOPASSWD: ALL"]
    rules += [
        f"{dice.choice(people)} ALL=({dice.choice(['root', 'ALL', 'bob'])}) {dice.choice(['', 'NOPASSWD: '])}/bin/{dice.choice(['sh', 'ls'])}"
    ]
    lab.write(root, {"/etc/sudoers": "root ALL=(ALL:ALL) ALL\n" + "".join(f"{rule}\n" for rule in dice.sample(rules, 2))})
    for name in dice.sample(people, 6):
        place = root / f"home/{name}/.ssh/authorized_keys"
        place.parent.mkdir(exist_ok=True)
        place.write_text(KEY)
        for path in (place.parent, place):
            os.chown(path, random_pam.PEOPLE[name][0], random_pam.PEOPLE[name][1])
        place.chmod(dice.choice([0o600, 0o644, 0o644, 0o666]))


def verdicts(evidence: Evidence) -> dict[tuple[str, str], tuple[str, ...]]:
    chosen = [Selected(one, dict(one.knobs), one.severity, "default") for one in builtin().values() if one.id in TWO_FACTOR]
    found: dict[tuple[str, str], list[str]] = {}
    for judgement in judge(chosen, [evidence]):
        for subject in judgement.passed:
            found.setdefault((judgement.check, subject), []).append("pass")
        for finding in judgement.findings:
            found.setdefault((judgement.check, finding.subject), []).append(finding.verdict.value)
    return {key: tuple(sorted(said)) for key, said in found.items()}


def test_both_doors_give_the_same_answers(people: tuple[Path, dict[str, str]]) -> None:
    """What the script brings from the running root and what is read from it as a folder: one verdict for each question and account."""
    _, files = people
    said: set[tuple[str, str]] = set()
    for seed in DOORS:
        with lab.overlay() as root:
            furnish(root, files, random.Random(seed))
            as_folder, as_host = verdicts(lab.mounted(root)), verdicts(lab.local(root))
        said |= {(check, verdict) for (check, _), verdicts in as_folder.items() for verdict in verdicts}
        differs = {
            key: (as_folder.get(key), as_host.get(key))
            for key in as_folder.keys() | as_host.keys()
            if as_folder.get(key) != as_host.get(key)
        }
        assert differs == {}, seed
    asked = {name for name in TWO_FACTOR if name != "two-factor.enrolment"}
    assert {name for name, verdict in said if verdict == "fail"} >= asked and {name for name, verdict in said if verdict == "pass"} >= asked
