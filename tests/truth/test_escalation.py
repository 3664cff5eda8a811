"""Who becomes root with what: real sudo and su in Debian roots, answered with nothing, passwords, codes and both, beside what the facts say.

A case is some files and the commands by which root is tried. The facts agree when a certain way fits what was offered exactly where a command ran as
root, and the check fails exactly where root was had for nothing or for passwords.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache

import pytest

from checks.two_factor.privilege_escalation import privilege_escalation
from sovaudit.facts.escalation import escalations
from sovaudit.facts.factors import Factor
from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab
from tests.truth.doors import PASSWORDS, account, answered, people

pytestmark = pytest.mark.lab
SUDO = ("sudo", "-k", "-S", "id", "-u")
SUDO_I = ("sudo", "-k", "-S", "-i", "id", "-u")
SU = ("su", "root", "-c", "id -u")
SU_L = ("su", "-", "root", "-c", "id -u")
FIND = ("sudo", "-k", "-S", "find", "/", "-maxdepth", "0", "-exec", "id", "-u", ";")
ALL = (SUDO, SUDO_I, SU, SU_L)
GA = "auth required pam_google_authenticator.so\n"
BOTH = "@include common-auth\n" + GA + "@include common-account\nsession required pam_permit.so\n"
FIRST = GA + "@include common-auth\n@include common-account\nsession required pam_permit.so\n"
LOOSE = "@include common-auth\n@include common-account\nsession required pam_permit.so\n"
STRICT = {"/etc/pam.d/sudo": BOTH, "/etc/pam.d/sudo-i": BOTH}
ROOT = "usermod -p 'ROOT_HASH' root"  # root has a password
ROOT_CODE = f"{ROOT}; install -m 400 /home/alice/.google_authenticator /root/.google_authenticator"
RULES = "Defaults secure_path=/usr/sbin:/usr/bin:/sbin:/bin\nDefaults lecture=never,passwd_tries=1\nroot ALL=(ALL:ALL) ALL\n"
GROUP = "%sudo ALL=(ALL:ALL) ALL\n"
SU_STRICT = "auth sufficient pam_rootok.so\n" + BOTH


@dataclass(frozen=True)
class Case:
    """sudoers: rules after RULES. files: PAM and others. tries: commands that would print 0 as root. users: who tries. changes: a try that succeeds
    makes later ones easier, so that they are made one after the other."""

    sudoers: str = GROUP
    files: dict[str, str] = field(default_factory=dict)
    prepare: str = ""
    tries: tuple[tuple[str, ...], ...] = ALL
    users: tuple[str, ...] = ("alice",)
    changes: bool = False


CASES: dict[str, Case] = {
    "stock": Case(users=("alice", "bob")),
    "root has a password": Case(prepare=ROOT, users=("alice", "bob")),
    "code after the password": Case(files=STRICT),
    "code before the password": Case(files={"/etc/pam.d/sudo": FIRST, "/etc/pam.d/sudo-i": FIRST}),
    "code alone": Case(files={"/etc/pam.d/sudo": GA + "account required pam_permit.so\n", "/etc/pam.d/sudo-i": "@include sudo\n"}),
    "sudo -i is forgotten": Case(files={"/etc/pam.d/sudo": BOTH}),
    "sudo -i is forbidden": Case(GROUP.replace(" ALL\n", " ALL, !/bin/bash, !/usr/bin/bash\n"), {"/etc/pam.d/sudo": BOTH}),
    "sudo -i has no file": Case(files={"/etc/pam.d/sudo": BOTH}, prepare="rm /etc/pam.d/sudo-i"),
    "no file at all, other is strict": Case(files={"/etc/pam.d/other": BOTH}, prepare="rm /etc/pam.d/sudo /etc/pam.d/sudo-i"),
    "not enrolled, nullok": Case(files={"/etc/pam.d/sudo": BOTH.replace(".so", ".so nullok"), "/etc/pam.d/sudo-i": BOTH}, prepare="rm /home/alice/.google_authenticator"),
    "enrolled, nullok": Case(files={"/etc/pam.d/sudo": BOTH.replace("ator.so", "ator.so nullok"), "/etc/pam.d/sudo-i": BOTH}),
    "not enrolled": Case(files=STRICT, prepare="rm /home/alice/.google_authenticator"),
    "secret open to the group": Case(files=STRICT, prepare="chmod 440 /home/alice/.google_authenticator"),
    "code sufficient": Case(files={"/etc/pam.d/sudo": "auth sufficient pam_google_authenticator.so\n" + LOOSE, "/etc/pam.d/sudo-i": BOTH}),
    "password sufficient": Case(files={"/etc/pam.d/sudo": "auth sufficient pam_unix.so\n" + GA + "@include common-account\n", "/etc/pam.d/sudo-i": BOTH}),
    "code optional": Case(files={"/etc/pam.d/sudo": GA.replace("required", "optional") + LOOSE, "/etc/pam.d/sudo-i": BOTH}),
    "jump over the code": Case(files={"/etc/pam.d/sudo": "auth [success=1 default=ignore] pam_succeed_if.so quiet user ingroup sudo\n" + GA + LOOSE, "/etc/pam.d/sudo-i": BOTH}),
    "jump for another": Case(files={"/etc/pam.d/sudo": "auth [success=1 default=ignore] pam_succeed_if.so quiet user ingroup staff\n" + GA + LOOSE, "/etc/pam.d/sudo-i": BOTH}),
    "jump asks the invoker": Case(files={"/etc/pam.d/su": "auth [success=1 default=ignore] pam_succeed_if.so quiet use_uid user = bob\n" + GA + LOOSE, "/etc/pam.d/su-l": BOTH}, prepare=ROOT_CODE, users=("bob", "carol")),
    "NOPASSWD": Case("alice ALL=(ALL) NOPASSWD: ALL\n", STRICT),
    "NOPASSWD before": Case("alice ALL=(ALL) NOPASSWD: ALL\n" + GROUP, STRICT),
    "NOPASSWD for one that gives a shell": Case(GROUP + "alice ALL=(root) NOPASSWD: /usr/bin/find\n", STRICT, tries=(*ALL, FIND)),
    "NOPASSWD for one that gives none": Case(GROUP + "alice ALL=(root) NOPASSWD: /usr/bin/whoami\n", STRICT),
    "NOPASSWD as another": Case(GROUP + "alice ALL=(bob) NOPASSWD: ALL\n", STRICT),
    "NOPASSWD by way of another": Case("alice ALL=(bob) NOPASSWD: ALL\nbob ALL=(root) NOPASSWD: ALL\n", STRICT, tries=(("sudo", "-k", "-S", "-u", "bob", "sudo", "-n", "id", "-u"),)),
    "NOPASSWD, account phase refuses": Case("alice ALL=(ALL) NOPASSWD: ALL\n", {"/etc/pam.d/sudo": "auth required pam_permit.so\naccount required pam_deny.so\n", "/etc/pam.d/sudo-i": "@include sudo\n"}),
    "NOPASSWD, account phase not asked": Case("Defaults !pam_acct_mgmt\nalice ALL=(ALL) NOPASSWD: ALL\n", {"/etc/pam.d/sudo": "auth required pam_permit.so\naccount required pam_deny.so\nsession required pam_permit.so\n", "/etc/pam.d/sudo-i": "@include sudo\n"}),
    "authenticate off": Case("Defaults !authenticate\n" + GROUP, STRICT),
    "authenticate off for one command": Case("Defaults!/usr/bin/find !authenticate\n" + GROUP, STRICT, tries=(*ALL, FIND)),
    "authenticate off for a harmless command": Case("Defaults!/usr/bin/whoami !authenticate\n" + GROUP, STRICT),
    "authenticate off for another": Case("Defaults:bob !authenticate\n" + GROUP, STRICT),
    "exempt group": Case("Defaults exempt_group=sudo\n" + GROUP, STRICT),
    "rootpw": Case("Defaults rootpw\n" + GROUP, {"/etc/pam.d/sudo": LOOSE, "/etc/pam.d/sudo-i": LOOSE}, prepare=ROOT, tries=(SUDO, SUDO_I)),
    "rootpw, and root has none": Case("Defaults rootpw\n" + GROUP, prepare="true", tries=(SUDO, SUDO_I)),
    "targetpw and code": Case("Defaults targetpw\n" + GROUP, {**STRICT, "/etc/pam.d/su": SU_STRICT}, prepare=ROOT_CODE, tries=(SUDO, SUDO_I)),
    "runaspw as another": Case("Defaults runaspw, runas_default=bob\n" + GROUP, STRICT, prepare="install -o bob -m 400 /home/alice/.google_authenticator /home/bob/.google_authenticator", tries=(("sudo", "-k", "-S", "-u", "root", "id", "-u"),)),
    "runaspw as another, not enrolled": Case("Defaults runaspw, runas_default=bob\n" + GROUP, STRICT, tries=(("sudo", "-k", "-S", "-u", "root", "id", "-u"),)),
    "another service": Case("Defaults pam_service=weak\n" + GROUP, {**STRICT, "/etc/pam.d/weak": LOOSE}),
    "another login service": Case("Defaults pam_login_service=weak\n" + GROUP, {**STRICT, "/etc/pam.d/weak": LOOSE}),
    "another service for another command": Case("Defaults!/usr/bin/find pam_service=weak\n" + GROUP, {**STRICT, "/etc/pam.d/weak": LOOSE}, tries=(*ALL, FIND)),
    "account expired": Case(files=STRICT, prepare="chage -E 1 alice"),
    "a limited rule": Case("alice ALL=(root) /usr/bin/whoami\n"),
    "no rule": Case("", users=("alice", "bob")),
    "locked password": Case(prepare="passwd -l alice"),
    "empty password, nullok": Case(prepare="passwd -d alice"),
    "su strict, su - not": Case(files={**STRICT, "/etc/pam.d/su": SU_STRICT, "/etc/pam.d/su-l": LOOSE}, prepare=ROOT_CODE, users=("alice", "bob")),
    "su - has no file": Case(files={**STRICT, "/etc/pam.d/su": SU_STRICT}, prepare=f"{ROOT_CODE}; rm /etc/pam.d/su-l"),
    "su strict": Case(files={**STRICT, "/etc/pam.d/su": SU_STRICT}, prepare=ROOT_CODE, users=("alice", "bob")),
    "su strict, root not enrolled": Case(files={**STRICT, "/etc/pam.d/su": SU_STRICT}, prepare=ROOT, users=("bob",)),
    "su of the wheel": Case(files={"/etc/pam.d/su": "auth required pam_wheel.so group=sudo\n" + LOOSE}, prepare=ROOT, users=("alice", "bob"), sudoers=""),
    "su trusts the wheel": Case(files={"/etc/pam.d/su": "auth sufficient pam_wheel.so trust group=sudo\n" + SU_STRICT}, prepare=ROOT_CODE, users=("alice", "bob"), sudoers=""),
    "su denies the wheel": Case(files={"/etc/pam.d/su": "auth requisite pam_wheel.so deny group=sudo\n" + LOOSE}, prepare=ROOT, users=("alice", "bob"), sudoers=""),
    "su, wheel is group 0": Case(files={"/etc/pam.d/su": "auth required pam_wheel.so\n" + LOOSE}, prepare=f"{ROOT}; usermod -aG root bob", users=("alice", "bob"), sudoers=""),
    "su for a group only": Case(prepare=f"{ROOT}; chgrp staff /usr/bin/su; chmod 4750 /usr/bin/su; usermod -aG staff bob", users=("bob", "carol")),
    "sudo for a group only": Case("ALL ALL=(ALL) NOPASSWD: ALL\n", prepare="chgrp staff /usr/bin/sudo; chmod 4750 /usr/bin/sudo; usermod -aG staff bob", users=("bob", "carol")),
    "sudo is not setuid": Case(prepare="chmod 755 /usr/bin/sudo"),
    "group sudo is primary": Case(prepare="usermod -g sudo bob", users=("bob",)),
    "PASSWD after NOPASSWD": Case("alice ALL=(ALL) NOPASSWD: /usr/bin/find, PASSWD: ALL\n", STRICT, tries=(*ALL, FIND)),
    "NOPASSWD runs on": Case("alice ALL=(ALL) NOPASSWD: /usr/bin/find, ALL\n", STRICT),
    "Defaults of the target": Case("Defaults>root !authenticate\n" + GROUP, STRICT),
    "Defaults of another target": Case("Defaults>bob !authenticate\n" + GROUP, STRICT),
    "Defaults of this host": Case("Defaults@ALL !authenticate\n" + GROUP, STRICT),
    "Defaults in an included file": Case("@includedir /etc/sudoers.d\n" + GROUP, {**STRICT, "/etc/sudoers.d/x": "Defaults:alice !authenticate\n"}),
    "Defaults in a file that is not read": Case("@includedir /etc/sudoers.d\n" + GROUP, {**STRICT, "/etc/sudoers.d/x.conf": "Defaults:alice !authenticate\n"}),
    "first Defaults off, then on": Case("Defaults !authenticate\nDefaults authenticate\n" + GROUP, STRICT),
    "a substack that decides": Case(files={"/etc/pam.d/sudo": "auth substack first\n" + GA + "@include common-account\nsession required pam_permit.so\n", "/etc/pam.d/sudo-i": BOTH, "/etc/pam.d/first": "auth sufficient pam_unix.so\nauth required pam_deny.so\n"}),
    "an include that decides": Case(files={"/etc/pam.d/sudo": "auth include first\n" + GA + "@include common-account\nsession required pam_permit.so\n", "/etc/pam.d/sudo-i": BOTH, "/etc/pam.d/first": "auth sufficient pam_unix.so\nauth required pam_deny.so\n"}),
    "die and ignore": Case(files={"/etc/pam.d/sudo": "auth [success=done default=die] pam_unix.so\n" + GA + "@include common-account\n", "/etc/pam.d/sudo-i": BOTH}),
    "who is local needs no code": Case(files={"/etc/pam.d/sudo": "auth [success=1 default=ignore] pam_localuser.so\n" + GA + LOOSE, "/etc/pam.d/sudo-i": BOTH}),
    "by ruser": Case(files={"/etc/pam.d/sudo": "auth [success=1 default=ignore] pam_succeed_if.so quiet ruser = alice\n" + GA + LOOSE, "/etc/pam.d/sudo-i": BOTH}),
    "code passed on": Case(files={"/etc/pam.d/sudo": "auth required pam_google_authenticator.so forward_pass\nauth required pam_unix.so use_first_pass\n@include common-account\nsession required pam_permit.so\n", "/etc/pam.d/sudo-i": BOTH}),
    "su is not setuid": Case(prepare=f"{ROOT}; chmod 755 /usr/bin/su", users=("bob",)),
    "root has no shell": Case(prepare=f"{ROOT}; usermod -s /usr/sbin/nologin root", users=("bob",), tries=(SU, SU_L, ("su", "-s", "/bin/sh", "root", "-c", "id -u"))),
    "root's shell is listed": Case(prepare=f"{ROOT}; usermod -s /usr/sbin/nologin root; echo /usr/sbin/nologin >> /etc/shells", users=("bob",), tries=(SU, SU_L, ("su", "-s", "/bin/sh", "root", "-c", "id -u"))),
    "a second uid 0": Case(prepare="echo 'toor:x:0:0::/root:/bin/sh' >> /etc/passwd; echo 'toor::19000::::::' >> /etc/shadow", users=("bob",), tries=(("su", "toor", "-c", "id -u"),)),
    "root's password is overdue": Case(files={"/etc/pam.d/su": GA + "account required pam_unix.so\npassword required pam_unix.so\nsession required pam_permit.so\n"}, prepare=f"{ROOT_CODE}; chage -d 2000-01-01 -M 30 root", users=("bob",), tries=(SU,), changes=True),
    "su opens by itself": Case(files={"/etc/pam.d/su": "auth sufficient pam_permit.so\n" + LOOSE}, users=("bob",)),
    "session denied, which sudo does not mind": Case(files=dict.fromkeys(STRICT, "@include common-auth\n@include common-account\nsession required pam_deny.so\n")),
    "session by a missing module": Case(files=dict.fromkeys(STRICT, "@include common-auth\n@include common-account\nsession required pam_not_there.so\n")),
    "session refused to root": Case("%sudo ALL=(root) ALL\n", {**dict.fromkeys(STRICT, "@include common-auth\n@include common-account\nsession required pam_access.so\n"), "/etc/security/access.conf": "-:root:ALL\n"}),
    "session refused to root, and not asked": Case("Defaults !pam_session\n%sudo ALL=(root) ALL\n", {**dict.fromkeys(STRICT, "@include common-auth\n@include common-account\nsession required pam_access.so\n"), "/etc/security/access.conf": "-:root:ALL\n"}),
    "a broken stack": Case(files={"/etc/pam.d/sudo": GA + "auth required pam_not_there.so\n" + LOOSE, "/etc/pam.d/sudo-i": "auth include nowhere\n"}),
    "an upper case name": Case("Defaults pam_service=WEAK\n" + GROUP, {**STRICT, "/etc/pam.d/weak": LOOSE}),
}  # fmt: skip
P, C = Factor.PASSWORD, Factor.OTP
OFFERS: tuple[frozenset[Factor], ...] = (frozenset(), frozenset({P}), frozenset({C}), frozenset({P, C}))


@dataclass(frozen=True)
class Seen:
    """What each user reached root with, and the host as a mounted root and as the script show it."""

    reached: dict[tuple[str, frozenset[Factor]], bool]
    hosts: tuple[Host, ...]


def look(name: str) -> Seen:
    case = CASES[name]
    with people({"/etc/sudoers": RULES + case.sudoers, **case.files}, case.prepare) as root:
        hosts = [Host(lab.mounted(root))]
        if list(CASES).index(name) % 4 == 0:
            hosts.append(Host(lab.local(root)))

        def attempt(user: str, offered: frozenset[Factor]) -> bool:
            own = PASSWORDS if P in offered else {}
            for command in case.tries:
                asked = user if command[0] == "sudo" else "root"
                if re.search(
                    r"(^|: )0\r?$", answered(root, command, passwords=own, asked=asked, codes=C in offered, user=user), re.MULTILINE
                ):
                    return True
            return False

        reached = {}
        with ThreadPoolExecutor(1 if case.changes else 8) as together:
            pairs = [(user, offered) for user in case.users for offered in OFFERS]
            for pair, came in zip(pairs, together.map(lambda pair: attempt(*pair), pairs), strict=True):
                reached[pair] = came
        return Seen(reached, tuple(hosts))


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, Seen]]:
    """Every case at once: a refused password costs two seconds of waiting and no work."""
    lab.base_root()
    with ThreadPoolExecutor(24) as together:
        yield dict(zip(CASES, together.map(look, CASES), strict=True))


@cache
def _own(factors: frozenset[Factor]) -> frozenset[Factor]:
    return frozenset(P if factor is Factor.ROOT_PASSWORD else factor for factor in factors)


@pytest.mark.parametrize("name", CASES)
def test_becoming_root(name: str, seen: dict[str, Seen]) -> None:
    for host in seen[name].hosts:
        verdicts = {outcome.subject: outcome.verdict.value for outcome in run(privilege_escalation, host)}
        for user in CASES[name].users:
            roads = escalations(host, account(host, user))
            sets = [_own(factors) for road in roads for factors in road.ways.certain]
            told = {offered: any(factors <= offered for factors in sets) for offered in OFFERS}
            assert told == {offered: seen[name].reached[user, offered] for offered in OFFERS}, (user, roads)
            assert not any(road.ways.possible for road in roads), (user, roads)
            cheap = seen[name].reached[user, frozenset()] or seen[name].reached[user, frozenset({P})]
            assert verdicts[user] == ("fail" if cheap else "pass"), user
