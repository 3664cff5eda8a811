"""Which passwords can be set: real `passwd` and `chpasswd` in a Debian root, beside the shortest length that the facts give.

Of each case the length just accepted and the one just refused are tried, with several strings each; where nothing is accepted, some long ones.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.host import Host
from tests import lab

OLD = "Quiet-Harbour.41x"
QUALITY = "password requisite pam_pwquality.so {}\n"
UNIX = "password [success=1 default=ignore] pam_unix.so obscure use_authtok try_first_pass yescrypt nodelay {}\npassword requisite pam_deny.so\npassword required pam_permit.so\n"
ALONE = "password [success=1 default=ignore] pam_unix.so obscure yescrypt nodelay {}\npassword requisite pam_deny.so\npassword required pam_permit.so\n"
STOCK = QUALITY.format("retry=3") + UNIX.format("")
CONF = "/etc/security/pwquality.conf"
DICT = "/var/cache/cracklib"
# name: (common-password, other files (None removes one), shortest by the user, shortest by root); None: refused altogether
CASES: dict[str, tuple[str, dict[str, str | None], int | None, int | None]] = {
    "stock": (STOCK, {}, 8, 1),
    "credits shrink minlen": (QUALITY.format("minlen=12 dcredit=2 ucredit=2 lcredit=2 ocredit=2") + UNIX.format(""), {}, 6, 1),
    "one credit each": (QUALITY.format("minlen=12 dcredit=1 ucredit=1 lcredit=1 ocredit=1") + UNIX.format(""), {}, 8, 1),
    "one credit": (QUALITY.format("minlen=12 ocredit=3") + UNIX.format(""), {}, 9, 1),
    "negative credits demand": (QUALITY.format("minlen=12 dcredit=-1 ucredit=-1 lcredit=-1 ocredit=-1") + UNIX.format(""), {}, 12, 1),
    "more demanded than minlen": (QUALITY.format("minlen=8 dcredit=-4 ucredit=-2 lcredit=-2 ocredit=-2") + UNIX.format(""), {}, 10, 1),
    "minlen below the floor": (QUALITY.format("minlen=3") + UNIX.format(""), {}, 6, 1),
    "argument over file": (QUALITY.format("minlen=9") + UNIX.format(""), {CONF: "minlen = 14\n"}, 9, 1),
    "file over folder": (STOCK, {CONF: "minlen = 8\n", CONF + ".d/10.conf": "minlen = 14\n"}, 8, 1),
    "folder alone": (STOCK, {CONF: "", CONF + ".d/10.conf": "minlen = 14\n"}, 14, 1),
    "folder in order": (STOCK, {CONF: "", CONF + ".d/10.conf": "minlen = 14\n", CONF + ".d/20.conf": "minlen = 10\n"}, 10, 1),
    "folder file without .conf": (STOCK, {CONF: "", CONF + ".d/10.txt": "minlen = 14\n", CONF + ".d/a.conf.bak": "minlen = 15\n"}, 8, 1),
    "no file at all": (STOCK, {CONF: None}, 8, 1),
    "last of two wins": (STOCK, {CONF: "minlen = 14\nminlen = 10\n"}, 10, 1),
    "a misspelt key ends the reading": (STOCK, {CONF: "minlength = 5\nminlen = 14\n"}, 8, 1),
    "a misspelt key after": (STOCK, {CONF: "minlen = 14\nfoo = 1\n"}, 14, 1),
    "a misspelt key in the folder hides the file": (STOCK, {CONF: "minlen = 14\n", CONF + ".d/a.conf": "foo = 1\n"}, 8, 1),
    "upper case key": (STOCK, {CONF: "MinLen=11\n"}, 11, 1),
    "no equals sign": (STOCK, {CONF: "minlen 11\n"}, 11, 1),
    "trailing comment": (STOCK, {CONF: "  minlen = 13 # months ago 8\n"}, 13, 1),
    "commented": (STOCK, {CONF: "# minlen = 13\n"}, 8, 1),
    "no number": (STOCK, {CONF: "minlen = twelve\n"}, 8, 1),
    "octal it is not": (STOCK, {CONF: "minlen = 012\n"}, 12, 1),
    "trailing word": (STOCK, {CONF: "minlen = 13 x\n"}, 8, 1),
    "broken argument is skipped": (QUALITY.format("minlen=x minlen=11 foo=3") + UNIX.format(""), {}, 11, 1),
    "enforcing off": (STOCK, {CONF: "minlen = 14\nenforcing = 0\n"}, 6, 1),
    "enforcing off, pam_unix minlen": (QUALITY.format("enforcing=0") + UNIX.format("minlen=13"), {}, 13, 1),
    "enforce for root": (QUALITY.format("enforce_for_root minlen=10") + UNIX.format(""), {}, 10, 10),
    "enforce for root in the file": (STOCK, {CONF: "minlen = 12\nenforce_for_root\n"}, 12, 12),
    "enforce for root =0 is on": (STOCK, {CONF: "minlen = 12\nenforce_for_root = 0\n"}, 12, 12),
    "local users only": (QUALITY.format("minlen=12 local_users_only") + UNIX.format(""), {}, 12, 1),
    "optional with use_authtok": (QUALITY.format("minlen=12").replace("requisite", "optional") + UNIX.format(""), {}, 12, 1),
    "optional without use_authtok": (QUALITY.format("minlen=12").replace("requisite", "optional") + ALONE.format(""), {}, 6, 1),
    "requisite without use_authtok": (QUALITY.format("minlen=12") + ALONE.format(""), {}, 12, 1),
    "required without use_authtok": (QUALITY.format("minlen=12").replace("requisite", "required") + ALONE.format(""), {}, 6, 1),
    "after the jump": (ALONE.format("").replace("success=1", "success=2") + QUALITY.format("minlen=12"), {}, 6, 1),
    "sufficient pam_unix first": ("password sufficient pam_unix.so yescrypt\n" + QUALITY.format("minlen=12"), {}, 6, 1),
    "commented pwquality": ("# " + QUALITY.format("minlen=12") + UNIX.format("").replace("use_authtok ", ""), {}, 6, 1),
    "commented, use_authtok left": ("# " + QUALITY.format("minlen=12") + UNIX.format(""), {}, None, None),
    "pam_unix alone": (ALONE.format(""), {}, 6, 1),
    "pam_unix minlen": (ALONE.format("minlen=12"), {}, 12, 1),
    "pam_unix small minlen": (ALONE.format("minlen=3"), {}, 3, 1),
    "pam_unix minlen cut by DES": ("password required pam_unix.so des minlen=12\n", {}, 8, 1),
    "login.defs says nothing here": (ALONE.format(""), {"/etc/login.defs": "PASS_MIN_LEN 14\nENCRYPT_METHOD YESCRYPT\n"}, 6, 1),
    "no dictionary": (STOCK, {DICT + "/cracklib_dict.pwd": None}, None, 1),
    "no dictionary, not asked": (QUALITY.format("dictcheck=0") + UNIX.format(""), {DICT + "/cracklib_dict.pwd": None}, 8, 1),
    "no dictionary, for root too": (QUALITY.format("enforce_for_root") + UNIX.format(""), {DICT + "/cracklib_dict.pwd": None}, None, None),
    "minclass": (QUALITY.format("minlen=9 minclass=4") + UNIX.format(""), {}, 9, 1),
    "minclass and credits": (QUALITY.format("minlen=10 minclass=3 lcredit=4") + UNIX.format(""), {}, 6, 1),
    "maxclassrepeat and digits": (QUALITY.format("minlen=6 dcredit=-6 maxclassrepeat=2 dictcheck=0") + UNIX.format(""), {}, 8, 1),
    "no dictionary check, all credits": (QUALITY.format("dictcheck=0 minlen=6 dcredit=1 ucredit=1 lcredit=1 ocredit=1") + UNIX.format("minlen=1"), {}, 3, 1),
    "history between": (QUALITY.format("minlen=12") + "password required pam_pwhistory.so use_authtok\n" + UNIX.format(""), {}, 12, 1),
    "history first, pwquality takes its password": ("password required pam_pwhistory.so\n" + QUALITY.format("minlen=12 use_authtok") + UNIX.format(""), {}, 12, 1),
    "pwquality use_authtok alone": (QUALITY.format("minlen=12 use_authtok") + UNIX.format(""), {}, None, None),
    "history with no try refuses, and what follows writes": (QUALITY.format("minlen=12") + "password required pam_pwhistory.so retry=0 use_authtok\n" + UNIX.format(""), {}, 12, 1),
    "pam_unix remembers, and has nowhere to": (ALONE.format("remember=5"), {"/etc/security/opasswd": None}, None, 1),
    "pam_unix remembers": (ALONE.format("remember=5"), {}, 6, 1),
    "deny": ("password required pam_deny.so\n", {}, None, None),
    "permit sets nothing": ("password required pam_permit.so\n", {}, None, None),
    "pwquality sets nothing": (QUALITY.format("") + "password required pam_permit.so\n", {}, None, None),
    "missing module, required": ("password required pam_passwdstrong.so\n" + ALONE.format(""), {}, None, None),
    "missing module, optional": ("-password optional pam_passwdstrong.so\n" + ALONE.format(""), {}, 6, 1),
    "stack in a substack": ("password substack strong\npassword required pam_permit.so\n", {"/etc/pam.d/strong": QUALITY.format("minlen=11") + "password sufficient pam_unix.so use_authtok yescrypt\npassword requisite pam_deny.so\n"}, 11, 1),
    "only for uid 2000 on": ("password [success=1 default=ignore] pam_succeed_if.so uid < 2000 quiet\n" + QUALITY.format("minlen=14") + ALONE.format(""), {}, 6, 1),
    "not for system accounts": ("password [success=1 default=ignore] pam_succeed_if.so uid < 1000 quiet\n" + QUALITY.format("minlen=14") + ALONE.format(""), {}, 14, 1),
    "uses other": ("", {"/etc/pam.d/other": ALONE.format("minlen=9")}, 9, 1),
    "two pwquality": (QUALITY.format("minlen=9") + QUALITY.format("minlen=12") + UNIX.format(""), {}, 12, 1),
    "bigcrypt cuts nothing": (ALONE.format("bigcrypt minlen=12"), {}, 12, 1),
    "a program that fails, required": ("password required pam_exec.so /bin/false\n" + QUALITY.format("minlen=12") + UNIX.format(""), {}, 12, 1),
    "a program that fails, requisite": ("password requisite pam_exec.so /bin/false\n" + QUALITY.format("minlen=12") + UNIX.format(""), {}, None, None),
    "environment, required": ("password required pam_env.so\n" + STOCK, {}, None, None),
    "a module without passwords": ("password required pam_nologin.so\n" + STOCK, {}, None, None),
    "a module without passwords jumps": ("password [module_unknown=1 default=ignore] pam_wheel.so\n" + QUALITY.format("minlen=14") + ALONE.format("minlen=9"), {}, 9, 1),
    "architecture in the path": (STOCK.replace("pam_pwquality.so", "/lib/security/$ISA/pam_pwquality.so"), {}, None, None),
    "whole path": (STOCK.replace("pam_pwquality.so", "/usr/lib/x86_64-linux-gnu/security/pam_pwquality.so"), {}, 8, 1),
    "a folder in the folder": (STOCK, {CONF: "", CONF + ".d/x.conf/y": "minlen = 15\n", CONF + ".d/y.conf": "minlen = 13\n"}, 13, 1),
    "only a current password that was asked for": (QUALITY.format("minlen=12") + UNIX.format("use_first_pass"), {}, None, 1),
    "a current password that another asked for": ("password optional pam_unix.so md5\npassword required pam_unix.so md5 use_first_pass\n", {}, 6, 1),
    "no memory for the parts of the name": (QUALITY.format("usersubstr=-5") + UNIX.format(""), {}, None, 1),
    "retry keeps asking": (QUALITY.format("minlen=12 retry=3").replace("requisite", "[default=ignore]") + ALONE.format(""), {}, 6, 1),
}  # fmt: skip
ROOT_FILES = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n",
    "/etc/group": "root:x:0:\nalice:x:1000:\nshadow:x:42:\n",
    "/etc/pam.d/passwd": "@include common-password\n",
    "/etc/pam.d/chpasswd": "@include common-password\n",
    "/etc/pam.d/login": "",
    "/etc/pam.d/su": "",
    "/etc/pam.d/su-l": "",
    "/etc/pam.d/sshd": "",
}
MIXED = "aQ7.xZ3!pL9-vR2,tY6;wB4+"
DIGITS = "70.41Q96z25-38"
MANY = "7a0Q.4z1R!9-xb"
LOWER = "wqQz7x.pvb9kRj"
OTHERS = "q.7!-Q,4;+z_9R"


def _strings(length: int) -> list[str]:
    """Strings that differ in what they are made of: some settings reward digits, some others."""
    return [text[:length] for text in (MIXED, DIGITS, MANY, LOWER, OTHERS, "7291z8840316", "28.41Q96z25-38") if length <= len(text)]


def _try(root: Path, who: str, lengths: list[int]) -> dict[int, bool]:
    """Whether a password of each length can be set, in one visit."""
    script = ["cp /etc/shadow /tmp/shadow"]
    for length in lengths:
        for text in _strings(length):
            again = f"{text}\\n" * 8
            if who == "root":
                act = f"printf 'alice:{text}\\n' | chpasswd"
            else:
                act = f"printf '{OLD}\\n{again}' | setpriv --reuid=1000 --regid=1000 --clear-groups passwd"
            script.append(f"{act} >/dev/null 2>&1; cmp -s /etc/shadow /tmp/shadow || echo {length}; cp /tmp/shadow /etc/shadow")
    done = lab.run(root, ["sh", "-c", "\n".join(script)], timeout=300)
    accepted = {int(word) for word in done.stdout.split()}
    return {length: length in accepted for length in lengths}


def _around(shortest: int | None) -> list[int]:
    return [6, 14, 24] if shortest is None else [shortest] if shortest == 1 else [shortest - 1, shortest]


@pytest.fixture(scope="module")
def hashed() -> str:
    with lab.overlay() as root:
        return lab.run(root, ["openssl", "passwd", "-6", "-salt", "abcdefgh", OLD]).stdout.strip()


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_the_shortest_password(name: str, hashed: str) -> None:
    stack, files, user, root_length = CASES[name]
    shadow = f"root:*:19000:0:99999:7:::\nalice:{hashed}:19000:0:99999:7:::\n"
    given = {path: text for path, text in files.items() if text is not None}
    with lab.overlay({**ROOT_FILES, "/etc/shadow": shadow, "/etc/pam.d/common-password": stack, **given}) as root:
        for path in [path for path, text in files.items() if text is None]:
            (root / path.lstrip("/")).unlink()
        host = Host(collect(parse_target(f"root:{root}")))
        for who, by_root, expected in (("user", False, user), ("root", True, root_length)):
            alice = host.accounts.get("alice")
            assert alice is not None
            said = host.pam.shortest_password("chpasswd" if by_root else "passwd", alice, by_root=by_root)
            assert (said.length, said.possible) == (expected, None), (who, said)
            real = _try(root, who, _around(expected))
            assert real == {length: expected is not None and length >= expected for length in real}, (who, said)
