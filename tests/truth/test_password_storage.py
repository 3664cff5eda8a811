"""How passwords are stored, when they must be changed and whether an empty one opens: real passwd, chpasswd, login, su and sshd beside the checks."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from sovaudit.content.checks.password_policy.hash import hash_scheme
from sovaudit.content.checks.password_policy.max_age import max_age
from sovaudit.content.checks.password_policy.no_empty import no_empty

from sovaudit.facts.accounts import parse_password
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab

OLD, NEW = "Quiet-Harbour.41x", "Loud.Mountain+72z"
PEOPLE = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n",
    "/etc/group": "root:x:0:\nalice:x:1000:\nshadow:x:42:\n",
}
# name: (arguments of pam_unix, login.defs)
HASHES: dict[str, tuple[str, str]] = {
    "nothing said": ("", ""),
    "the argument": ("sha512", ""),
    "the last argument": ("sha512 yescrypt", ""),
    "the last argument is weak": ("yescrypt md5", ""),
    "an argument taken by its beginning": ("sha512rounds", ""),
    "another taken by its beginning": ("md5sum", ""),
    "capitals are none": ("SHA512", ""),
    "login.defs": ("", "ENCRYPT_METHOD SHA512\n"),
    "login.defs, small": ("", "ENCRYPT_METHOD sha512\n"),
    "the key in small letters": ("", "encrypt_method sha512\n"),
    "an equals sign": ("", "ENCRYPT_METHOD=SHA256\n"),
    "an equals sign apart": ("", "ENCRYPT_METHOD = SHA256\n"),
    "quoted": ("", 'ENCRYPT_METHOD "SHA512"\n'),
    "a comment behind": ("", "ENCRYPT_METHOD SHA512 # strong\n"),
    "a comment close behind": ("", "ENCRYPT_METHOD SHA512#strong\n"),
    "the first line": ("", "ENCRYPT_METHOD MD5\nENCRYPT_METHOD SHA512\n"),
    "the first line is nothing": ("", "ENCRYPT_METHOD\nENCRYPT_METHOD SHA512\n"),
    "commented": ("", "#ENCRYPT_METHOD SHA512\n"),
    "BCRYPT is no word of pam_unix": ("", "ENCRYPT_METHOD BCRYPT\n"),
    "BLOWFISH is": ("", "ENCRYPT_METHOD BLOWFISH\n"),
    "a longer word": ("", "ENCRYPT_METHOD YESCRYPT2\n"),
    "the argument over login.defs": ("sha256", "ENCRYPT_METHOD YESCRYPT\n"),
    "a weak argument over login.defs": ("md5", "ENCRYPT_METHOD YESCRYPT\n"),
    "DES over login.defs": ("des", "ENCRYPT_METHOD YESCRYPT\n"),
    "bigcrypt": ("bigcrypt", "ENCRYPT_METHOD YESCRYPT\n"),
    "gost": ("gost_yescrypt", ""),
    "blowfish": ("blowfish rounds=4", ""),
    "MD5_CRYPT_ENAB says nothing to PAM": ("", "MD5_CRYPT_ENAB yes\n"),
}  # fmt: skip
SCHEME_OF = {"sha256": "sha256"}


@pytest.fixture(scope="module")
def hashed() -> Iterator[str]:
    with lab.overlay() as root:
        yield lab.run(root, ["openssl", "passwd", "-1", "-salt", "abcdefgh", OLD]).stdout.strip()


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with lab.overlay(PEOPLE) as root:
        yield root


@pytest.mark.lab
@pytest.mark.parametrize("name", HASHES)
def test_new_hashes(name: str, hashed: str, place: Path) -> None:
    arguments, defs = HASHES[name]
    shadow = f"root:*:19000:0:99999:7:::\nalice:{hashed}:19000:0:99999:7:::\n"
    stack = f"password required pam_unix.so {arguments}\n"
    files = {f"/etc/pam.d/{service}": stack for service in ("passwd", "chpasswd", "login", "su", "su-l", "sshd")}
    lab.write(place, {"/etc/shadow": shadow, "/etc/login.defs": defs, **files})
    host = Host(lab.mounted(place) if len(name) % 4 else lab.local(place))
    said = verdicts(run(hash_scheme, host))["newly set passwords"]
    answers = "\\n".join((OLD, NEW, NEW, ""))
    act = (
        f"printf '{answers}' | setpriv --reuid=1000 --regid=1000 --clear-groups passwd"
        if len(name) % 2
        else f"echo 'alice:{NEW}' | chpasswd"
    )
    lab.run(place, ["sh", "-c", act])
    text = (place / "etc/shadow").read_text()
    field = next(line for line in text.splitlines() if line.startswith("alice:")).split(":")[1]
    assert field != hashed
    scheme = parse_password(field).scheme or "des"  # bigcrypt is several DES hashes in a row
    found = {
        host.pam.new_hash(service, host.accounts.get("alice"), by_root=root).scheme
        for service, root in (("passwd", False), ("chpasswd", True))
    }  # type: ignore[arg-type]
    assert found == {scheme}
    assert said == ("pass" if scheme in ("yescrypt", "gost-yescrypt", "bcrypt", "sha512") else "fail")


TWO = {
    "the first suffices": "password sufficient pam_unix.so md5\npassword required pam_unix.so sha512\n",
    "both write": "password optional pam_unix.so md5\npassword required pam_unix.so sha512 use_authtok\n",
    "the first cannot": "password optional pam_deny.so\npassword required pam_unix.so md5\n",
}


@pytest.mark.lab
@pytest.mark.parametrize("name", TWO)
def test_two_modules_that_write(name: str, hashed: str, place: Path) -> None:
    shadow = f"root:*:19000:0:99999:7:::\nalice:{hashed.replace('$1$', '$5$')}:19000:0:99999:7:::\n"
    stack = {f"/etc/pam.d/{service}": TWO[name] for service in ("passwd", "chpasswd")}
    for service, act in (("passwd", f"printf '{NEW}\\n{NEW}\\n' | passwd alice"), ("chpasswd", f"echo 'alice:{NEW}' | chpasswd")):
        lab.write(place, {"/etc/shadow": shadow, **stack})
        account = Host(lab.mounted(place)).accounts.get("alice")
        assert account is not None
        told = Host(lab.mounted(place)).pam.new_hash(service, account, by_root=True).scheme
        lab.run(place, ["sh", "-c", act])
        text = (place / "etc/shadow").read_text()
        assert parse_password(next(line for line in text.splitlines() if line.startswith("alice:")).split(":")[1]).scheme == told


@pytest.mark.lab
def test_old_hashes_that_open(hashed: str, place: Path) -> None:
    """DES in its old forms: bigcrypt's row of hashes, HP-UX's ageing behind one, and what only looks like them."""
    lab.write(
        place,
        {
            **PEOPLE,
            "/etc/pam.d/login": "auth required pam_unix.so nodelay\n",
            "/etc/pam.d/chpasswd": "password required pam_unix.so bigcrypt\n",
        },
    )

    def stored() -> str:
        return next(row for row in (place / "etc/shadow").read_text().splitlines() if row.startswith("alice:")).split(":")[1]

    lab.write(place, {"/etc/shadow": f"root:*:19000:0:99999:7:::\nalice:{hashed}:19000:0:99999:7:::\n"})
    lab.run(place, ["chpasswd"], stdin=f"alice:{NEW}\n")
    big = stored()
    one = lab.run(place, ["perl", "-e", f"print crypt('{NEW}', 'ab')"]).stdout
    assert (len(big), len(one)) == (35, 13)
    opened = set()
    for field in (big, one, f"{one},M.z8", big[:24], f"{one}12345", f"{one[:12]},M.z8", f"!{big}", f"*{one}", f"{big},M.z8"):
        lab.write(place, {"/etc/shadow": f"root:*:19000:0:99999:7:::\nalice:{field}:19000:0:99999:7:::\n"})
        real = "in" in lab.run(place, ["sh", "-c", f"echo '{NEW}' | pamtester login alice authenticate >/dev/null 2>&1 && echo in"]).stdout
        for host in (Host(lab.mounted(place)), *([Host(lab.local(place))] if real else [])):
            account = host.accounts.get("alice")
            assert account is not None
            assert account.password is not None
            # somebody's eight or sixteen characters open a row that was cut
            assert account.password.usable == (real or field == big[:24]), field
            assert verdicts(run(hash_scheme, host)).get("alice") == ("fail" if account.password.kind == "set" else None), field
        opened |= {field} if real else set()
    assert opened == {big, one, f"{one},M.z8", f"{big},M.z8"}


TODAY = int(time.time() // 86400)
# name: (field of shadow, the fields behind it, {t}: today; passwd's field)
AGES: dict[str, tuple[str, str, str]] = {
    "a year": ("H", "{t}:0:365:7:::", "x"),
    "a day more": ("H", "{t}:0:366:7:::", "x"),
    "never": ("H", "{t}:0:99999:7:::", "x"),
    "no maximum": ("H", "{t}:0::7:::", "x"),
    "minus one": ("H", "{t}:0:-1:7:::", "x"),
    "minus five": ("H", "{t}:0:-5:7:::", "x"),
    "nought": ("H", "{t}:0:0:7:::", "x"),
    "must change now": ("H", "0:0:99999:7:::", "x"),
    "changed today, nothing else": ("H", "{t}::::::", "x"),
    "no last change": ("H", ":0:90:7:::", "x"),
    "no last change, no maximum": ("H", ":::::::"[:6], "x"),
    "last change below nought": ("H", "-1:0:90:7:::", "x"),
    "changed tomorrow": ("H", "{t1}:0:90:7:::", "x"),
    "changed in a year": ("H", "{t366}:0:90:7:::", "x"),
    "changed in two hundred days, ninety": ("H", "{t200}:0:90:7:::", "x"),
    "changed in three hundred days, ninety": ("H", "{t300}:0:90:7:::", "x"),
    "inactive after a while": ("H", "{t}:0:90:7:10::", "x"),
    "inactive, no maximum": ("H", "{t}:0::7:10::", "x"),
    "a number with noughts": ("H", "{t}:0:090:7:::", "x"),
    "a number with a sign": ("H", "{t}:0:+90:7:::", "x"),
    "a blank before the number": ("H", "{t}:0: 90:7:::", "x"),
    "a huge number": ("H", "{t}:0:4294967386:7:::", "x"),
    "a number that turns negative": ("H", "{t}:0:3000000000:7:::", "x"),
    "the number that turns into none": ("H", "{t}:0:4294967295:7:::", "x"),
    "a long line": ("H", "{t}:0:90:7::::", "x"),
    "a line of eight fields": ("H", "{t}:0:90:7::", "x"),
    "the old form": ("H", "{t}:0:90:", "x"),
    "a number and more": ("H", "{t}:0:90x:7:::", "x"),
    "no number": ("H", "{t}:0:ninety:7:::", "x"),
    "a short line": ("H", "{t}:0:90", "x"),
    "locked": ("!H", "{t}:0:99999:7:::", "x"),
    "no password": ("*", "{t}:0:99999:7:::", "x"),
    "empty": ("", "{t}:0:99999:7:::", "x"),
    "the password in passwd": ("H", "{t}:0:90:7:::", "H"),
}  # fmt: skip


def _rest(text: str, shift: int = 0) -> str:
    return re.sub(r"\{t(\d*)\}", lambda match: str(TODAY - shift + int(match[1] or 0)), text)


@pytest.mark.lab
@pytest.mark.parametrize("name", AGES)
def test_ages(name: str, hashed: str, place: Path) -> None:
    field, rest, passwd = AGES[name]

    def write(shift: int) -> None:
        lab.write(place, {
            **PEOPLE,
            "/etc/passwd": PEOPLE["/etc/passwd"].replace("alice:x:", f"alice:{passwd.replace('H', hashed)}:"),
            "/etc/shadow": f"root:*:19000:0:99999:7:::\nalice:{field.replace('H', hashed)}:{_rest(rest, shift)}\n",
            "/etc/pam.d/login": "auth required pam_unix.so nodelay\naccount required pam_unix.so\n",
            "/etc/pam.d/sshd": "auth required pam_unix.so nodelay\naccount required pam_unix.so\n",
        })  # fmt: skip

    write(0)
    host = Host(lab.mounted(place) if len(name) % 4 else lab.local(place))
    said = verdicts(run(max_age, host)).get("alice")
    opens = "echo '" + OLD + "' | pamtester login alice authenticate >/dev/null 2>&1 && echo in"
    asks = "pamtester login alice acct_mgmt 2>&1"
    today = lab.run(place, ["sh", "-c", f"{opens}; {asks}"]).stdout
    write(366)
    later = lab.run(place, ["sh", "-c", asks]).stdout
    if "in" not in today.split():
        assert said is None
    else:
        assert said == ("pass" if "new" in later.lower() or "expired" in later.lower() else "fail"), later


SSH_DOORS = {
    "sshd itself": "UsePAM no\nPasswordAuthentication yes\n",
    "through PAM": "UsePAM yes\nPasswordAuthentication yes\n",
    "keys alone": "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n",
    "questions of PAM": "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\n",
}


@pytest.mark.lab
@pytest.mark.parametrize("name", SSH_DOORS)
def test_an_overdue_password_at_sshd(name: str, hashed: str, place: Path) -> None:
    """Its account stack does not look at the age; without PAM sshd does."""
    lab.write(place, {
        **PEOPLE,
        "/etc/passwd": PEOPLE["/etc/passwd"] + "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n",
        "/etc/shadow": f"root:*:19000:0:99999:7:::\nalice:{hashed}:{TODAY - 400}:0:90:7:::\n",
        "/etc/pam.d/login": "auth required pam_unix.so nodelay\naccount required pam_unix.so\n",
        "/etc/pam.d/sshd": "auth required pam_unix.so nodelay\naccount required pam_permit.so\nsession required pam_permit.so\n",
        "/etc/ssh/sshd_config": SSH_DOORS[name],
    })  # fmt: skip
    real = b""
    with lab.sshd(place) as port:
        transport = paramiko.Transport(("127.0.0.1", port))
        with contextlib.suppress(paramiko.AuthenticationException):
            transport.start_client(timeout=10)
            transport.auth_password("alice", OLD)
            channel = transport.open_session()
            channel.exec_command("echo in")
            real = channel.makefile().read()
        transport.close()
    assert verdicts(run(max_age, Host(lab.mounted(place))))["alice"] == ("fail" if real == b"in\n" else "pass")


EMPTY_STACK = "auth required pam_unix.so {}\naccount required pam_unix.so\nsession required pam_permit.so\n"
SSHD = "UsePAM {}\nPermitEmptyPasswords {}\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\n"
NOTHING, NULLOK = EMPTY_STACK.format("nodelay"), EMPTY_STACK.format("nodelay nullok")
# name: (passwd's field, shadow line of alice or None, stack of login, of su, of sshd, sshd_config)
EMPTIES: dict[str, tuple[str, str | None, str, str, str, str]] = {
    "empty, nullok everywhere": ("x", "alice::{t}:0:99999:7:::", NULLOK, NULLOK, NULLOK, SSHD.format("yes", "yes")),
    "empty, nullok nowhere": ("x", "alice::{t}:0:99999:7:::", NOTHING, NOTHING, NOTHING, SSHD.format("yes", "yes")),
    "sshd says no": ("x", "alice::{t}:0:99999:7:::", NOTHING, NOTHING, NULLOK, SSHD.format("yes", "no")),
    "su alone": ("x", "alice::{t}:0:99999:7:::", NOTHING, NULLOK, NOTHING, SSHD.format("yes", "no")),
    "login alone": ("x", "alice::{t}:0:99999:7:::", NULLOK, NOTHING, NOTHING, SSHD.format("yes", "no")),
    "sshd alone": ("x", "alice::{t}:0:99999:7:::", NOTHING, NOTHING, NULLOK, SSHD.format("yes", "yes")),
    "sshd without PAM": ("x", "alice::{t}:0:99999:7:::", NOTHING, NOTHING, NOTHING, SSHD.format("no", "yes")),
    "sshd without PAM says no": ("x", "alice::{t}:0:99999:7:::", NOTHING, NOTHING, NOTHING, SSHD.format("no", "no")),
    "in a block for her": ("x", "alice::{t}:0:99999:7:::", NOTHING, NOTHING, NULLOK, SSHD.format("yes", "no") + "Match User alice\n PermitEmptyPasswords yes\n"),
    "in a block for another": ("x", "alice::{t}:0:99999:7:::", NOTHING, NOTHING, NULLOK, SSHD.format("yes", "no") + "Match User bob\n PermitEmptyPasswords yes\n"),
    "passwords are off": ("x", "alice::{t}:0:99999:7:::", NOTHING, NOTHING, NULLOK, SSHD.format("yes", "yes").replace("PasswordAuthentication yes", "PasswordAuthentication no")),
    "nullok_secure": ("x", "alice::{t}:0:99999:7:::", EMPTY_STACK.format("nodelay nullok_secure"), NOTHING, NOTHING, SSHD.format("yes", "no")),
    "nullok and more": ("x", "alice::{t}:0:99999:7:::", EMPTY_STACK.format("nodelay nullokay"), NOTHING, NOTHING, SSHD.format("yes", "no")),
    "nullresetok, not overdue": ("x", "alice::{t}:0:99999:7:::", EMPTY_STACK.format("nodelay nullresetok"), NOTHING, NOTHING, SSHD.format("yes", "no")),
    "nullresetok, overdue": ("x", "alice::0:0:99999:7:::", EMPTY_STACK.format("nodelay nullresetok"), NOTHING, NOTHING, SSHD.format("yes", "no")),
    "empty in passwd, none in shadow": ("", None, NULLOK, NULLOK, NOTHING, SSHD.format("yes", "no")),
    "empty in passwd, a hash in shadow": ("", "alice:H:{t}:0:99999:7:::", NULLOK, NULLOK, NOTHING, SSHD.format("yes", "no")),
    "a hash in passwd, empty in shadow": ("H", "alice::{t}:0:99999:7:::", NULLOK, NULLOK, NOTHING, SSHD.format("yes", "no")),
    "x, and no line in shadow": ("x", None, NULLOK, NULLOK, NULLOK, SSHD.format("yes", "yes")),
    "a mark alone": ("x", "alice:!:{t}:0:99999:7:::", NULLOK, NULLOK, NULLOK, SSHD.format("yes", "yes")),
    "a star": ("x", "alice:*:{t}:0:99999:7:::", NULLOK, NULLOK, NULLOK, SSHD.format("yes", "yes")),
    "two lines, the first is empty": ("x", "alice::{t}:0:99999:7:::\nalice:H:{t}:0:99999:7:::", NULLOK, NOTHING, NOTHING, SSHD.format("yes", "no")),
    "two lines, the second is empty": ("x", "alice:H:{t}:0:99999:7:::\nalice::{t}:0:99999:7:::", NULLOK, NOTHING, NOTHING, SSHD.format("yes", "no")),
    "the account has expired": ("x", "alice::{t}:0:99999:7::1:", NULLOK, NULLOK, NOTHING, SSHD.format("yes", "no")),
    "a stack that grants": ("x", "alice:H:{t}:0:99999:7:::", NOTHING + "", "auth sufficient pam_permit.so\n" + NOTHING, NOTHING, SSHD.format("yes", "no")),
    "permit behind an ignored failure": ("x", "alice:H:{t}:0:99999:7:::", "auth [success=1 default=ignore] pam_unix.so nodelay\nauth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n", NOTHING, NOTHING, SSHD.format("yes", "no")),
}  # fmt: skip


def _by_ssh(root: Path) -> bool:
    with lab.sshd(root) as port:
        for way in ("none", "password"):
            transport = paramiko.Transport(("127.0.0.1", port))
            try:
                transport.start_client(timeout=10)
                if way == "none":
                    transport.auth_none("alice")
                else:
                    transport.auth_password("alice", "", fallback=False)
                if transport.is_authenticated():
                    return True
            except (paramiko.SSHException, EOFError):
                pass
            finally:
                transport.close()
    return False


@pytest.mark.lab
@pytest.mark.parametrize("name", EMPTIES)
def test_empty_passwords(name: str, hashed: str) -> None:
    field, line, login, su, ssh, config = EMPTIES[name]
    shadow = "root:*:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n" + (
        _rest(line).replace("H", hashed) + "\n" if line is not None else ""
    )
    files = {
        **PEOPLE,
        "/etc/passwd": PEOPLE["/etc/passwd"].replace("alice:x:", f"alice:{field.replace('H', hashed)}:")
        + "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n",
        "/etc/shadow": shadow, "/etc/pam.d/login": login, "/etc/pam.d/su": su, "/etc/pam.d/su-l": su, "/etc/pam.d/sshd": ssh,
        "/etc/ssh/sshd_config": config,
    }  # fmt: skip
    with lab.overlay(files) as root:
        host = Host(lab.mounted(root) if len(name) % 4 else lab.local(root))
        said = next(outcome for outcome in run(no_empty, host) if outcome.subject == "alice")
        real = set()
        act = "echo | pamtester login alice authenticate acct_mgmt 2>&1 | grep -q 'management done\\|new one required' && echo login"
        act += "; echo | setpriv --reuid=33 --regid=33 --clear-groups su -c 'echo su' alice 2>/dev/null"
        real |= set(lab.run(root, ["sh", "-c", act]).stdout.split())
        if _by_ssh(root):
            real.add("ssh")
        named = set(str(said.args.get("doors", "")).split(", ")) - {""}
        assert said.verdict.value == ("fail" if real else "pass"), (real, said)
        assert named == real
