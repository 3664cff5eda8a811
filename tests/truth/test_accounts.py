"""Who gets a session: real logins to sshd and real console stacks in a Debian root, beside ssh-allowed, disabled-accounts,
service-accounts and named-accounts.

A case is a few files, a preparation and the accounts to ask for. Every account tries every set of factors that it holds by SSH, and its password
at the console; each check must call exactly those who got in a failure, unless they are declared.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sovaudit.content.checks.least_privilege.disabled_accounts import disabled_accounts
from sovaudit.content.checks.least_privilege.named_accounts import named_accounts
from sovaudit.content.checks.least_privilege.service_accounts import service_accounts
from sovaudit.content.checks.least_privilege.ssh_allowed import ssh_allowed

from sovaudit.facts.factors import Factor
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth import test_ssh
from tests.truth.test_ssh import BASE, KEY, PASSWORD, SIGN, TO_SIGN, K, P, line, login

base = test_ssh.base
NO_PASSWORDS = BASE + "PasswordAuthentication no\n"
SYSTEM = "useradd -r -m -d /srv/svc -s {} svc; mkdir -p /srv/svc/.ssh; cp /home/bob/.ssh/authorized_keys /srv/svc/.ssh/; chown -R svc: /srv/svc; chmod 700 /srv/svc"
BOB, CAROL = {"bob": line(KEY)}, {"carol": line(KEY)}


@dataclass(frozen=True)
class Case:
    """disabled: the accounts that are. users, groups, left: the knobs. ask: accounts tried."""

    sshd: str = BASE
    keys: dict[str, str] = field(default_factory=lambda: BOB)
    prepare: str = ""
    ask: tuple[str, ...] = ("bob", "carol")
    disabled: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ("127.0.0.1",)


CASES: dict[str, Case] = {
    "everybody": Case(),
    "declared by name and by primary group": Case(users=("bob",), groups=("carol",)),
    "declared by supplementary group": Case(prepare="groupadd ssh-users; gpasswd -a bob ssh-users", groups=("ssh-users",)),
    "a group of that name without them": Case(prepare="groupadd ssh-users", groups=("ssh-users",)),
    "AllowUsers": Case(BASE + "AllowUsers bob\n"),
    "AllowGroups by number is a name": Case(BASE + "AllowGroups 1001\n"),
    "DenyUsers with another place": Case(BASE + "DenyUsers bob@10.0.0.0/8\n"),
    "DenyUsers with one place of two": Case(BASE + "DenyUsers bob@127.0.0.1\nAllowUsers bob carol\n", sources=("127.0.0.1", "127.0.0.9")),
    "DenyUsers everywhere but here": Case(BASE + "DenyUsers bob@!127.0.0.1,*\n"),
    "AllowUsers in a Match for all": Case(BASE + "AllowUsers bob\nMatch all\nAllowUsers carol\n"),
    "AllowUsers in a Match for some": Case(BASE + "AllowUsers root\nMatch Group carol LocalPort 1-\nAllowUsers carol\n".replace(" LocalPort 1-", "")),
    "Match User negated": Case(BASE + "PubkeyAuthentication no\nPasswordAuthentication no\nMatch User *,!bob\nPasswordAuthentication yes\n"),
    "Match host and user": Case(NO_PASSWORDS + "Match User c* Address 127.0.0.0/8\nPasswordAuthentication yes\n"),
    "key of one, no password for others": Case(NO_PASSWORDS),
    "root by key": Case(NO_PASSWORDS, {"root": line(KEY)}, ask=("root", "bob")),
    "an authority opens all": Case(NO_PASSWORDS + "TrustedUserCAKeys /etc/ssh/ca.pub\n", {}, SIGN.format("bob,carol"), files=TO_SIGN),
    "shell nologin": Case(prepare="usermod -s /usr/sbin/nologin bob; usermod -s /bin/false carol"),
    "shell that only looks like one": Case(prepare="usermod -s /usr/local/nologin/sh bob; mkdir -p /usr/local/nologin; cp /bin/sh /usr/local/nologin/sh"),
    "locked with key": Case(prepare="passwd -l bob; passwd -l carol", disabled=("bob", "carol")),
    "locked, no key": Case(NO_PASSWORDS, CAROL, prepare="passwd -l bob", disabled=("bob",)),
    "locked twice": Case(prepare="usermod -L bob; usermod -p '!!*' carol", disabled=("bob", "carol")),
    "star is no lock": Case(prepare="usermod -p '*' bob"),
    "locked without PAM": Case("UsePAM no\n", prepare="passwd -l bob", disabled=("bob",)),
    "expired": Case(prepare="chage -E 1 bob; chage -E 2020-01-01 carol", disabled=("bob", "carol")),
    "expires today": Case(prepare="chage -E $(($(date +%s) / 86400)) bob", disabled=("bob",)),
    "expires today without PAM": Case("UsePAM no\n", prepare="chage -E $(($(date +%s) / 86400)) bob", disabled=("bob",)),
    "expired yesterday without PAM": Case("UsePAM no\n", prepare="chage -E $(($(date +%s) / 86400 - 1)) bob", disabled=("bob",)),
    "expires tomorrow": Case(prepare="chage -E $(($(date +%s) / 86400 + 1)) bob"),
    "expired but sshd's account stack permits": Case(prepare="chage -E 1 bob; sed -i 's/^@include common-account/account required pam_permit.so/' /etc/pam.d/sshd", disabled=("bob",)),
    "expired, console permits": Case(prepare="chage -E 1 carol; sed -i 's/^@include common-account/account required pam_permit.so/' /etc/pam.d/login", disabled=("carol",)),
    "overdue beyond grace": Case(prepare="chage -d 2020-01-01 -M 30 -I 10 bob", disabled=("bob",)),
    "left, with everything": Case(left=("bob",), disabled=("bob",)),
    "left, kept out of ssh only": Case(BASE + "DenyUsers bob\n", left=("bob", "zoe"), disabled=("bob",)),
    "left, nologin": Case(prepare="usermod -s /usr/sbin/nologin bob", left=("bob",)),
    "left, nologin and sftp inside": Case(BASE + "Subsystem sftp internal-sftp\n", prepare="usermod -s /usr/sbin/nologin bob", left=("bob",), disabled=("bob",)),
    "system account with shell and key": Case(prepare=SYSTEM.format("/bin/sh"), ask=("svc", "bob"), disabled=("svc",)),
    "system account, star and key": Case(prepare=SYSTEM.format("/bin/sh") + "; usermod -p '*' svc", ask=("svc", "bob")),
    "system account without shell": Case(prepare=SYSTEM.format("/usr/sbin/nologin") + "; usermod -p '*' svc", ask=("svc", "bob")),
    "system account whose home is not its own": Case(prepare=SYSTEM.format("/bin/sh") + "; usermod -p '*' svc; chown bob: /srv/svc", ask=("svc", "bob")),
    "UID_MIN raised": Case(prepare="sed -i 's/^UID_MIN.*/UID_MIN 01753/' /etc/login.defs"),  # 1003
    "nobody with a shell": Case(prepare="usermod -s /bin/sh nobody; usermod -p \"$(grep ^carol: /etc/shadow | cut -d: -f2)\" nobody", ask=("nobody", "bob")),
}  # fmt: skip
QUICK = "sed -i 's/pam_unix.so nullok/& nodelay/' /etc/pam.d/common-auth; sed -i /pam_faildelay/d /etc/pam.d/login"  # refuse at once
UID_MIN = {"UID_MIN raised": 1003}


def console(root: Path, user: str) -> bool:
    """Whether login's stacks let the account in with its password, to a shell that runs a command."""
    shell = next(text.split(":")[6] for text in (root / "etc/passwd").read_text().splitlines() if text.startswith(f"{user}:")) or "/bin/sh"
    acts = f"printf '{PASSWORD}\\n' | pamtester login {user} authenticate && pamtester login {user} acct_mgmt && {shell} -c 'exit 0'"
    return lab.run(root, ["sh", "-c", acts]).returncode == 0


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_sessions(name: str, base: str) -> None:
    case = CASES[name]
    with lab.overlay() as root:
        test_ssh.prepare(root, test_ssh.Case(case.sshd, case.keys, prepare=f"{QUICK}; {case.prepare or 'true'}", files=case.files), base)
        evidence = lab.local(root) if list(CASES).index(name) % 4 == 0 else lab.mounted(root)
        signed = root / "srv/key-cert.pub"
        certificate = signed.read_text() if signed.exists() else ""
        tries: list[tuple[str, str, Factor]] = list(itertools.product(case.ask, case.sources, (K, P)))
        with lab.sshd(root) as port, ThreadPoolExecutor(6) as together:
            entered = list(together.map(lambda one: login(port, *one[:2], frozenset(one[2:]), case.sshd, certificate), tries))
            local = dict(zip(case.ask, together.map(lambda user: console(root, user), case.ask), strict=True))
    by_ssh = {user: any(came for (who, *_), came in zip(tries, entered, strict=True) if who == user) for user in case.ask}
    host = Host(evidence)
    allowed = verdicts(run(ssh_allowed, host, users=case.users, groups=case.groups))
    disabled = verdicts(run(disabled_accounts, host, left=case.left))
    service = verdicts(run(service_accounts, host))
    named = verdicts(run(named_accounts, host, generic=("bob", "nobody"), declared=case.users))
    for user in case.ask:
        account = host.accounts.get(user)
        assert account is not None
        declared = user in case.users or bool(account.groups & set(case.groups))
        known = allowed.get(user, "pass")
        assert known == ("fail" if by_ssh[user] and not declared else "pass"), (user, by_ssh, allowed)
        session = by_ssh[user] or local[user]
        wanted = ("fail" if session else "pass") if user in case.disabled else None
        assert disabled.get(user) == wanted, (user, by_ssh, local, disabled)
        system = account.uid < UID_MIN.get(name, 1000) or account.uid == 65534
        asked = ("fail" if session else "pass") if system and account.uid else None
        assert service.get(user) == asked, (user, by_ssh, local, service)
        generic = user in ("bob", "nobody") and user not in case.users and account.has_shell
        assert named.get(user, "pass") == ("fail" if generic and session else "pass"), (user, by_ssh, local, named)
    if "zoe" in case.left:
        assert disabled["zoe"] == "pass"
