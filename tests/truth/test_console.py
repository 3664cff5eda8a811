"""Who logs in at the console with what: the real `login` and `agetty` on terminals of their own, and the stacks of display managers through pamtester,
beside what the facts say from the same root.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from checks.two_factor.console_login import console_login
from sovaudit.facts.factors import NOTHING, Factor
from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab
from tests.truth.doors import PASSWORDS, account, answered, on_terminal, people

pytestmark = pytest.mark.lab
PROFILE = {"/etc/profile": 'echo "IN-$((40+2)) $(id -un)"\nexit\n'}
GA = "auth required pam_google_authenticator.so\n"
REST = "@include common-account\nsession required pam_permit.so\n@include common-password\n"
LOOSE = "@include common-auth\n" + REST
BOTH = "@include common-auth\n" + GA + REST
STRICT = {"/etc/pam.d/login": BOTH}
ROOT_CODE = "usermod -p 'ROOT_HASH' root; install -m 400 /home/alice/.google_authenticator /root/.google_authenticator"
CODES = "for u in bob carol; do install -o $u -m 400 /home/alice/.google_authenticator /home/$u/.google_authenticator; done"


@dataclass(frozen=True)
class Case:
    """files: PAM and others. desktops: services that pamtester asks, too. users: who tries."""

    files: dict[str, str] = field(default_factory=dict)
    prepare: str = ""
    users: tuple[str, ...] = ("alice",)
    desktops: tuple[str, ...] = ()
    changes: bool = False


CASES: dict[str, Case] = {
    "stock": Case(users=("alice", "root")),
    "root has a password": Case(prepare="usermod -p 'ROOT_HASH' root", users=("root",)),
    "code after the password": Case(STRICT, users=("alice", "bob")),
    "code alone": Case({"/etc/pam.d/login": GA + REST}),
    "not enrolled, nullok": Case({"/etc/pam.d/login": BOTH.replace("ator.so", "ator.so nullok")}, users=("alice", "bob")),
    "code sufficient": Case({"/etc/pam.d/login": "auth sufficient pam_google_authenticator.so\n" + LOOSE}),
    "code first, passed on": Case({"/etc/pam.d/login": "auth required pam_google_authenticator.so forward_pass\nauth required pam_unix.so use_first_pass\n" + REST}),
    "password first, code from it": Case({"/etc/pam.d/login": "auth required pam_unix.so\nauth required pam_google_authenticator.so use_first_pass\n" + REST}),
    "jump over the code for a group": Case({"/etc/pam.d/login": "auth [success=1 default=ignore] pam_succeed_if.so quiet user ingroup sudo\n" + BOTH.replace("@include common-auth\n" + GA, GA + "@include common-auth\n")}, CODES, users=("alice", "bob")),
    "substack ends itself only": Case({"/etc/pam.d/login": "auth substack first\n" + GA + REST, "/etc/pam.d/first": "auth sufficient pam_unix.so\nauth required pam_deny.so\n"}),
    "include ends everything": Case({"/etc/pam.d/login": "auth include first\n" + GA + REST, "/etc/pam.d/first": "auth sufficient pam_unix.so\nauth required pam_deny.so\n"}),
    "list of those without a code": Case({"/etc/pam.d/login": "auth [success=1 default=ignore] pam_listfile.so item=user sense=allow file=/etc/nocode onerr=fail\n" + GA + LOOSE, "/etc/nocode": "alice\n"}, CODES, users=("alice", "bob")),
    "no file for login, other is strict": Case({"/etc/pam.d/other": BOTH}, "rm /etc/pam.d/login"),
    "root only from listed terminals": Case({"/etc/pam.d/login": "auth requisite pam_securetty.so\n" + LOOSE, "/etc/securetty": "\n"}, "usermod -p 'ROOT_HASH' root", users=("alice",)),
    "nologin": Case({"/etc/nologin": "down\n"}, ROOT_CODE, users=("alice", "root")),
    "locked": Case(prepare="passwd -l alice"),
    "empty password": Case(prepare="passwd -d alice"),
    "empty password, strict": Case({"/etc/pam.d/login": BOTH.replace("@include common-auth", "auth required pam_unix.so")}, "passwd -d alice"),
    "empty password and code": Case(STRICT, "passwd -d alice"),
    "expired account": Case(prepare="chage -E 1 alice"),
    "overdue password": Case(prepare="chage -d 2000-01-01 -M 30 alice", changes=True),
    "overdue password behind a code": Case({"/etc/pam.d/login": GA + "account required pam_unix.so\nsession required pam_permit.so\npassword required pam_unix.so\n"}, "chage -d 2000-01-01 -M 30 alice", changes=True),
    "password too old altogether": Case(prepare="chage -d 2000-01-01 -M 30 -I 5 alice"),
    "no shell": Case(prepare="usermod -s /usr/sbin/nologin alice"),
    "shell that is not there": Case(prepare="sed -i '/^alice/s|[^:]*$|/bin/zsh|' /etc/passwd"),
    "shell that cannot run": Case(prepare="touch /bin/plain; sed -i '/^alice/s|[^:]*$|/bin/plain|' /etc/passwd"),
    "account phase refuses": Case({"/etc/pam.d/login": "@include common-auth\naccount required pam_access.so accessfile=/etc/a\n" + REST, "/etc/a": "-:alice:ALL\n+:ALL:ALL\n"}, users=("alice", "bob")),
    "opens by itself": Case({"/etc/pam.d/login": "auth sufficient pam_permit.so\n" + LOOSE}),
    "module missing": Case({"/etc/pam.d/login": "auth required pam_not_there.so\n" + LOOSE}),
    "optional module missing": Case({"/etc/pam.d/login": "-auth optional pam_not_there.so\n" + LOOSE}),
    "desktop is loose": Case({**STRICT, "/etc/pam.d/gdm-password": "auth requisite pam_nologin.so\n" + LOOSE}, desktops=("gdm-password",)),
    "desktop is strict": Case({**STRICT, "/etc/pam.d/lightdm": BOTH}, CODES, users=("alice", "bob"), desktops=("lightdm",)),
    "desktop not for this one": Case({**STRICT, "/etc/pam.d/sddm": "auth required pam_succeed_if.so user != alice quiet\n" + LOOSE}, CODES, users=("alice", "bob"), desktops=("sddm",)),
    "greeters are no doors": Case({**STRICT, "/etc/pam.d/lightdm-greeter": "auth required pam_permit.so\naccount required pam_permit.so\n", "/etc/pam.d/gdm-launch-environment": "auth required pam_permit.so\naccount required pam_permit.so\n"}),
}  # fmt: skip
P, C = Factor.PASSWORD, Factor.OTP
OFFERS: tuple[frozenset[Factor], ...] = (frozenset(), frozenset({P}), frozenset({C}), frozenset({P, C}))


@dataclass(frozen=True)
class Seen:
    opened: dict[tuple[str, frozenset[Factor]], bool]
    hosts: tuple[Host, ...]


def look(name: str) -> Seen:
    case = CASES[name]
    with people({**PROFILE, **case.files}, case.prepare) as root:
        hosts = [Host(lab.mounted(root))]
        if list(CASES).index(name) % 4 == 0:
            hosts.append(Host(lab.local(root)))

        def attempt(user: str, offered: frozenset[Factor]) -> bool:
            own = PASSWORDS if P in offered else {}
            for service in case.desktops:
                command = ("pamtester", service, user, "authenticate", "acct_mgmt")
                if "account management done" in answered(root, command, passwords=own, asked=user, codes=C in offered, user=""):
                    return True
            return user in on_terminal(root, ("login", user), types=user, passwords=own, codes=C in offered)

        pairs = [(user, offered) for user in case.users for offered in OFFERS]
        if case.changes:
            shadow = (root / "etc/shadow").read_text()
            opened = {}
            for pair in pairs:
                (root / "etc/shadow").write_text(shadow)
                opened[pair] = attempt(*pair)
            return Seen(opened, tuple(hosts))
        with ThreadPoolExecutor(8) as together:
            return Seen(dict(zip(pairs, together.map(lambda pair: attempt(*pair), pairs), strict=True)), tuple(hosts))


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, Seen]]:
    """Every case at once: a refused password costs seconds of waiting and no work."""
    lab.base_root()
    with ThreadPoolExecutor(24) as together:
        yield dict(zip(CASES, together.map(look, CASES), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_login(name: str, seen: dict[str, Seen]) -> None:
    for host in seen[name].hosts:
        verdicts = {outcome.subject: outcome.verdict.value for outcome in run(console_login, host)}
        for user in CASES[name].users:
            doors = host.console.doors(account(host, user))
            told = {offered: any(factors <= offered for door in doors for factors in door.ways.certain) for offered in OFFERS}
            opened = {offered: seen[name].opened[user, offered] for offered in OFFERS}
            assert told == opened, (user, doors)
            assert not any(door.ways.possible for door in doors), (user, doors)
            weak = any(came for offered, came in opened.items() if len(offered) < 2)
            assert verdicts.get(user, "pass") == ("fail" if weak else "pass"), user


# what stands behind ExecStart=, with the account that opens by it when `alice` is typed and nothing else is known
GETTYS = (
    "-/sbin/agetty -o '-p -- \\\\u' --noclear - $TERM",
    "-/sbin/agetty --autologin bob --noclear - $TERM",
    "-/sbin/agetty -a bob - $TERM",
    "-/sbin/agetty -Ja bob - $TERM",
    "-/sbin/agetty --auto=bob - linux",
    "-/sbin/agetty --a bob - linux",
    "-/sbin/agetty --autologin=bob --autologin carol - linux",
    "-/sbin/agetty -o '-p -- \\\\u' --autologin bob --noclear - $TERM",
    "-/sbin/agetty -o '-p -f -- \\\\u' --autologin bob --noclear - $TERM",
    "-/sbin/agetty -o '-f -- \\\\u' --noclear - $TERM",
    "-/sbin/agetty -o '-f root' --noclear - $TERM",
    "-/sbin/agetty -o '-pf carol' -n - $TERM",
    "-/sbin/agetty -n -o '-f' - $TERM",
    "-/sbin/agetty --skip-login --login-program /bin/sh - $TERM",
    "-/sbin/agetty -n -l /bin/bash - $TERM",
    "-/sbin/agetty -l /bin/sh - $TERM",
    "-/sbin/agetty -a bob -l /bin/sh - $TERM",
    "-/sbin/agetty -n - $TERM",
    "-/sbin/agetty - 115200,38400 -a nobody $TERM",
    "-/sbin/agetty -a nosuchuser - $TERM",
    "-/sbin/agetty --noclear -- -a bob",
    "/bin/login -f bob",
    "/bin/login -p -f -- carol",
    "/bin/login -h there -f bob",
    "/bin/login",
    "-/bin/bash",
    "/bin/sh -l",
    "/bin/false",
)


def test_gettys() -> None:
    drop = "/etc/systemd/system/getty@.service.d/x.conf"
    wrong = []
    with people({**PROFILE, **STRICT, drop: ""}, f"usermod -p '*' root; {CODES}") as root:

        def opened(text: str) -> set[str]:
            words = [word.replace("\\\\", "\\").replace("$TERM", "linux") for word in shlex.split(text.lstrip("-"))]
            return on_terminal(root, words, types="alice", passwords={}, codes=False, seconds=6)

        with ThreadPoolExecutor(10) as together:
            real = list(together.map(opened, GETTYS))
        for text, found in zip(GETTYS, real, strict=True):
            lab.write(root, {drop: f"[Service]\nExecStart=\nExecStart={text.replace(' - ', ' %I ')}\n"})
            host = Host(lab.mounted(root))
            told = {
                one.name
                for one in host.accounts
                if any(NOTHING in door.ways.certain for door in host.console.doors(one) if door.name == "getty@.service")
            }
            if told != found and not (len(told) > 3 and found == {"alice"}):
                wrong.append(f"{text}: opens {found}, we say {sorted(told)}")
    assert wrong == []
