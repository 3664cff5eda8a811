"""Plain passwords, dictionary words, login names and old passwords: real `passwd` and `chpasswd` in a Debian root, beside the checks.

Of each case a password of every choice of characters is tried, words of cracklib's own list, passwords that hold the login name, and those that were
set before: what the program takes is what the check must say.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from sovaudit.content.checks.password_policy.complexity import complexity
from sovaudit.content.checks.password_policy.dictionary import dictionary
from sovaudit.content.checks.password_policy.history import history
from sovaudit.content.checks.password_policy.username import username

from sovaudit.facts.host import Host
from sovaudit.facts.pam_quality import CLASSES
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth.test_passwords import ALONE, CONF, DICT, OLD, QUALITY, ROOT_FILES, UNIX

STOCK = QUALITY.format("retry=3") + UNIX.format("")
PWHISTORY = "password required pam_pwhistory.so {}\n"
FOUR = "dcredit=-1 ucredit=-1 lcredit=-1 ocredit=-1"
OPASSWD = "/etc/security/opasswd"
Files = dict[str, "str | None"]
# name: (common-password, other files; None removes one)
KINDS: dict[str, tuple[str, Files]] = {
    "stock": (STOCK, {}),
    "minclass": (QUALITY.format("minclass=3 enforce_for_root") + UNIX.format(""), {}),
    "minclass of five is four": (QUALITY.format("minclass=5") + UNIX.format(""), {}),
    "minclass of two": (QUALITY.format("minclass=2 minlen=12") + UNIX.format(""), {}),
    "each kind demanded": (QUALITY.format(FOUR) + UNIX.format(""), {}),
    "two kinds demanded": (QUALITY.format("dcredit=-2 ocredit=-1") + UNIX.format(""), {}),
    "positive credits demand nothing": (QUALITY.format("dcredit=1 ucredit=1 lcredit=1 ocredit=1") + UNIX.format(""), {}),
    "three demanded, minclass one": (QUALITY.format("dcredit=-1 ucredit=-1 lcredit=-1 minclass=1") + UNIX.format(""), {}),
    "two demanded, minclass three": (QUALITY.format("dcredit=-1 ucredit=-1 minclass=3") + UNIX.format(""), {}),
    "short runs only": (QUALITY.format("maxclassrepeat=4") + UNIX.format(""), {}),
    "runs of one are no limit": (QUALITY.format("maxclassrepeat=1") + UNIX.format(""), {}),
    "long runs": (QUALITY.format("maxclassrepeat=12") + UNIX.format(""), {}),
    "minclass in the file": (STOCK, {CONF: "minclass = 3\n"}),
    "the main file beats the folder": (STOCK, {CONF: "minclass = 0\n", CONF + ".d/a.conf": "minclass = 4\n"}),
    "the argument beats the file": (QUALITY.format("minclass=1") + UNIX.format(""), {CONF: "minclass = 4\n"}),
    "a broken line hides the rest": (STOCK, {CONF: "minlength = 14\nminclass = 4\n"}),
    "not enforced": (STOCK, {CONF: "minclass = 4\nenforcing = 0\n"}),
    "enforced for root by a nought": (STOCK, {CONF: "minclass = 4\nenforce_for_root = 0\n"}),
    "only local users": (QUALITY.format("local_users_only minclass=3") + UNIX.format(""), {}),
    "pam_unix alone": (ALONE.format(""), {}),
    "obscure asks for none": (ALONE.format("obscure minlen=8"), {}),
    "never reached": (ALONE.format("").replace("success=1", "success=2") + QUALITY.format("minclass=4"), {}),
    "optional without use_authtok": (QUALITY.format("minclass=3").replace("requisite", "optional") + ALONE.format(""), {}),
    "optional with use_authtok": (QUALITY.format("minclass=3").replace("requisite", "optional") + UNIX.format(""), {}),
    "two modules ask for two things": (QUALITY.format("dcredit=-1") + QUALITY.format("ucredit=-1 use_authtok") + UNIX.format(""), {}),
    "no look-up": (QUALITY.format("dictcheck=0") + UNIX.format(""), {}),
    "no look-up in the file": (STOCK, {CONF: "dictcheck = 0\nenforce_for_root\n"}),
    "no look-up, all kinds": (QUALITY.format("dictcheck=0 minclass=4 minlen=12") + UNIX.format(""), {}),
    "look-up over the file": (QUALITY.format("dictcheck=1") + UNIX.format(""), {CONF: "dictcheck = 0\n"}),
    "any other number looks up": (QUALITY.format("dictcheck=-1") + UNIX.format(""), {}),
    "no dictionary": (STOCK, {DICT + "/cracklib_dict.pwd": None}),
    "no index": (STOCK, {DICT + "/cracklib_dict.pwi": None}),
    "no hints": (STOCK, {DICT + "/cracklib_dict.hwm": None}),
    "an empty index": (STOCK, {DICT + "/cracklib_dict.pwi": ""}),
    "another place": (QUALITY.format("dictpath=/usr/local/share/words") + UNIX.format(""), {}),
    "another place in the file": (STOCK, {CONF: "dictpath = /opt/words\n"}),
    "the same place": (STOCK, {CONF: "dictpath = /var/cache/cracklib/cracklib_dict\n"}),
    "an empty place is the old one": (STOCK, {CONF: "dictpath =\n"}),
    "bad words are no dictionary": (QUALITY.format("dictcheck=0") + UNIX.format(""), {CONF: "badwords = password welcome\n"}),
    "no look for the name": (QUALITY.format("usercheck=0") + UNIX.format(""), {}),
    "no look for the name in the file": (STOCK, {CONF: "usercheck = 0\nenforce_for_root\n"}),
    "parts of the name": (QUALITY.format("usersubstr=4 enforce_for_root") + UNIX.format(""), {}),
    "the old word for it": (QUALITY.format("usercheck=0 reject_username") + UNIX.format(""), {}),
    "a substack": ("password substack strong\npassword required pam_permit.so\n", {"/etc/pam.d/strong": QUALITY.format("minclass=4") + "password sufficient pam_unix.so use_authtok yescrypt\npassword requisite pam_deny.so\n"}),
    "a missing module before": ("-password optional pam_passwdstrong.so\n" + STOCK, {}),
    "chpasswd is served by other": (QUALITY.format("minclass=3 enforce_for_root") + UNIX.format(""), {**dict.fromkeys(map("/etc/pam.d/{}".format, ("login", "su", "su-l", "sshd", "sudo", "sudo-i")), "@include common-password\n"), "/etc/pam.d/chpasswd": None, "/etc/pam.d/other": ALONE.format("")}),
    "deny": ("password required pam_deny.so\n", {}),
    "a continued line": ("password requisite \\\n pam_pwquality.so minclass=3\n" + UNIX.format(""), {}),
}  # fmt: skip
OF = {
    "d": "7204916385",
    "u": "QXZKVWJFBH",
    "l": "qzxkvwjfbh",
    "o": "!;%)+?@^_~",
}
WORDS = ("administration", "Administration1!", "noitartsinimdA7", "Absolutely.1")


def _mixed(classes: str, length: int) -> str:
    """A string of exactly these kinds, in turns."""
    return "".join(OF[classes[at % len(classes)]][at // len(classes) % 10] for at in range(length))


def _strings() -> dict[str, list[str]]:
    found = {}
    for count in range(1, 5):
        for classes in map("".join, combinations(CLASSES, count)):
            found[classes] = [_mixed(classes, length) for length in (12,)]
    return found


KIND_OF = {text: classes for classes, texts in _strings().items() for text in texts}
NAMED = ("7Q!alice-xZ92k", "!7ALICE.qZ-4kvw", "w-7Q.ecila;Z92k")


def _accepted(root: Path, who: str, name: str, texts: list[str]) -> set[str]:
    """Those of the texts that can be set, in one visit."""
    script = ["cp /etc/shadow /tmp/shadow", 'put() { cmp -s /etc/shadow /tmp/shadow || echo "$1"; cp /tmp/shadow /etc/shadow; }']
    for number, text in enumerate(texts):
        assert "'" not in text
        if who == "root":
            act = f"printf '%s\\n' '{name}:{text}' | chpasswd"
        else:
            uid = 1000 if name == "alice" else 1001
            answers = " ".join([f"'{OLD}'", *[f"'{text}'"] * 8])
            act = f"printf '%s\\n' {answers} | setpriv --reuid={uid} --regid={uid} --clear-groups passwd"
        script.append(f"{act} >/dev/null 2>&1; put {number}")
    done = lab.run(root, ["sh", "-c", "\n".join(script)], timeout=300)
    return {texts[int(word)] for word in done.stdout.split()}


def _prepared(root: Path, files: Files) -> None:
    for path in [path for path, text in files.items() if text is None]:
        (root / path.lstrip("/")).unlink()


@pytest.fixture(scope="module")
def hashed() -> str:
    with lab.overlay() as root:
        return lab.run(root, ["openssl", "passwd", "-1", "-salt", "abcdefgh", OLD]).stdout.strip()


def _files(stack: str, hashed: str, files: Files) -> dict[str, str]:
    people = {
        "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n",
        "/etc/group": "root:x:0:\nalice:x:1000:\nbob:x:1001:\nshadow:x:42:\n",
        "/etc/shadow": f"root:*:19000:0:99999:7:::\nalice:{hashed}:19000:0:99999:7:::\nbob:{hashed}:19000:0:99999:7:::\n",
    }
    cheap = stack.replace("yescrypt", "md5")  # what is accepted does not depend on it
    return {**ROOT_FILES, **people, "/etc/pam.d/common-password": cheap, **{path: text for path, text in files.items() if text is not None}}


@pytest.mark.lab
@pytest.mark.parametrize("name", KINDS)
def test_what_passwords_are_made_of(name: str, hashed: str) -> None:
    stack, files = KINDS[name]
    with lab.overlay(_files(stack, hashed, files)) as root:
        _prepared(root, files)
        host = Host(lab.mounted(root) if len(name) % 4 else lab.local(root))
        said = {check.id: verdicts(run(check, host)) for check in (complexity, dictionary, username)}
        for who, by_root in (("user", False), ("root", True)):
            taken = _accepted(root, who, "alice", [*KIND_OF, *WORDS, *NAMED])
            fewest = min((len(KIND_OF[text]) for text in taken & set(KIND_OF)), default=None)
            assert host.pam.fewest_classes(by_root=by_root)[1].count == fewest, who
            assert said[complexity.id][who] == ("pass" if fewest is None or fewest >= 3 else "fail"), who
            assert said[dictionary.id][who] == ("fail" if taken & set(WORDS) else "pass"), (who, taken & set(WORDS))
            assert said[username.id][who] == ("fail" if taken & set(NAMED) else "pass"), (who, taken & set(NAMED))
        short = _accepted(root, "user", "bob", ["7Q!bob-xZ92k4r", "w-7Q.BOB;Z92k+t"])
        assert said[username.id]["bob"] == ("fail" if short else "pass")


UNIX_REMEMBERS = UNIX.replace("{}", "remember={}")
# name: (common-password, other files, whether the module counts the current password among those that it remembers)
HISTORIES: dict[str, tuple[str, Files, bool]] = {
    "none": (STOCK, {}, False),
    "five": (QUALITY.format("") + PWHISTORY.format("remember=5 use_authtok") + UNIX.format(""), {}, True),
    "four": (QUALITY.format("") + PWHISTORY.format("remember=4 use_authtok") + UNIX.format(""), {}, True),
    "ten by default": (QUALITY.format("") + PWHISTORY.format("use_authtok") + UNIX.format(""), {}, True),
    "two modules, one file": (QUALITY.format("") + PWHISTORY.format("remember=5 use_authtok") + UNIX_REMEMBERS.format("5"), {}, True),
    "two modules, the second remembers more": (QUALITY.format("") + PWHISTORY.format("remember=3 use_authtok") + UNIX_REMEMBERS.format("12"), {}, True),
    "two modules, the first remembers more": (QUALITY.format("") + PWHISTORY.format("remember=10 use_authtok") + UNIX_REMEMBERS.format("2"), {}, True),
    "two modules, the second wipes out": (QUALITY.format("") + PWHISTORY.format("remember=6 use_authtok") + UNIX_REMEMBERS.format("0"), {}, True),
    "for root too": (QUALITY.format("") + PWHISTORY.format("remember=5 use_authtok enforce_for_root") + UNIX.format(""), {}, True),
    "nought": (QUALITY.format("") + PWHISTORY.format("remember=0 use_authtok") + UNIX.format(""), {}, True),
    "no number": (QUALITY.format("") + PWHISTORY.format("remember=many use_authtok") + UNIX.format(""), {}, True),
    "less than nought": (QUALITY.format("") + PWHISTORY.format("remember=-5 use_authtok") + UNIX.format(""), {}, True),
    "a number and more": (QUALITY.format("") + PWHISTORY.format("Remember=6x use_authtok") + UNIX.format(""), {}, True),
    "the last of two": (QUALITY.format("") + PWHISTORY.format("remember=9 remember=3 use_authtok") + UNIX.format(""), {}, True),
    "no try": (QUALITY.format("") + PWHISTORY.format("remember=5 retry=0 use_authtok") + UNIX.format(""), {}, True),
    "optional, and its token is asked for": (QUALITY.format("") + PWHISTORY.format("remember=5 use_authtok").replace("required", "optional") + UNIX.format(""), {}, True),
    "optional, and pam_unix asks again": (PWHISTORY.format("remember=5").replace("required", "optional") + ALONE.format(""), {}, True),
    "first, without a quality check": (PWHISTORY.format("remember=5") + UNIX.format(""), {}, True),
    "after the jump": (ALONE.format("").replace("success=1", "success=2") + PWHISTORY.format("remember=5"), {}, True),
    "after sufficient": ("password sufficient pam_unix.so md5\n" + PWHISTORY.format("remember=5 use_authtok"), {}, True),
    "no opasswd": (QUALITY.format("") + PWHISTORY.format("remember=5 use_authtok") + UNIX.format(""), {OPASSWD: None}, True),
    "a file that this version does not read": (QUALITY.format("") + PWHISTORY.format("use_authtok") + UNIX.format(""), {"/etc/security/pwhistory.conf": "remember = 2\nenforce_for_root\n"}, True),
    "pam_unix remembers five": (QUALITY.format("") + UNIX_REMEMBERS.format("5"), {}, False),
    "pam_unix remembers four": (QUALITY.format("") + UNIX_REMEMBERS.format("4"), {}, False),
    "pam_unix remembers none": (QUALITY.format("") + UNIX_REMEMBERS.format("0"), {}, False),
    "pam_unix, the last of two": (QUALITY.format("") + UNIX_REMEMBERS.format("9 remember=2"), {}, False),
    "pam_unix without opasswd": (QUALITY.format("") + UNIX_REMEMBERS.format("5"), {OPASSWD: None}, False),
}  # fmt: skip
CHAIN = ["Oak-42.Lantern", "Elm;73/Harbour", "Fir+19:Meadow", "Ash_56!Granite", "Yew^28~Falcon", "Bay=61@Thunder", "Box%95?Marble", "Fig&37*Copper",
         "Haw#84(Winter", "Sal[23)Velvet", "Ume]12{Canyon", "Pip}48<Signal"]  # fmt: skip


def _change(before: str, after: str) -> str:
    answers = " ".join(f"'{text}'" for text in (before, *[after] * 6))
    return f"printf '%s\\n' {answers} | setpriv --reuid=1000 --regid=1000 --clear-groups passwd >/dev/null 2>&1"


def _chain(root: Path) -> str:
    """alice changes her password, again and again; the last that she could set."""
    script = [
        f"cp /etc/shadow /tmp/shadow; {_change(before, after)}; cmp -s /etc/shadow /tmp/shadow || echo {number}"  # passwd may fail after it wrote
        for number, (before, after) in enumerate(zip([OLD, *CHAIN], CHAIN, strict=False))
    ]
    script.append("cp /etc/shadow /tmp/shadow; cp -p /etc/security/opasswd /tmp/opasswd")
    done = lab.run(root, ["sh", "-c", "\n".join(script)], timeout=60)
    assert done.stdout.split() == [str(number) for number in range(len(done.stdout.split()))]
    return [OLD, *CHAIN][len(done.stdout.split())]


def _refused(root: Path, who: str, current: str) -> int | None:
    """How many changes back the furthest password is that is still refused; None where even a new one is."""
    back = [*CHAIN[::-1], OLD, "New-77.Horizon!"] if current == CHAIN[-1] else ["New-77.Horizon!"]
    script = [
        "again() { cmp -s /etc/shadow /tmp/shadow && echo $1; cp /tmp/shadow /etc/shadow; rm -f /etc/security/opasswd; "
        "[ ! -e /tmp/opasswd ] || cp -p /tmp/opasswd /etc/security/opasswd; }"
    ]
    for number, text in enumerate(back):
        act = f"printf '%s\\n' 'alice:{text}' | chpasswd >/dev/null 2>&1" if who == "root" else _change(current, text)
        script.append(f"{act}; again {number}")
    done = lab.run(root, ["sh", "-c", "\n".join(script)], timeout=60)
    refused = [int(word) for word in done.stdout.split()]
    if len(back) - 1 in refused:
        return None
    assert refused == list(range(len(refused))), refused
    return max(refused, default=-1)


@pytest.mark.lab
@pytest.mark.parametrize("name", HISTORIES)
def test_old_passwords(name: str, hashed: str) -> None:
    stack, files, counts_current = HISTORIES[name]
    with lab.overlay(_files(stack, hashed, files)) as root:
        _prepared(root, files)
        host = Host(lab.mounted(root) if len(name) % 4 else lab.local(root))
        said = verdicts(run(history, host))
        current = _chain(root)
        for who, by_root in (("user", False), ("root", True)):
            furthest = _refused(root, who, current)
            kept = None if furthest is None else furthest + 1 if counts_current and furthest > 0 else max(furthest, 0)
            assert said[who] == ("pass" if kept is None or kept >= 5 else "fail"), (who, kept)
            for depth in host.pam.remembered(by_root=by_root):
                if (
                    depth > 1
                    and kept is not None
                    and any(outcome.subject == who and outcome.seen == str(depth) for outcome in run(history, host))
                ):
                    assert kept == depth, who
