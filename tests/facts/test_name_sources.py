"""Where accounts come from, and that what is not in /etc/passwd is never taken for absent."""

from __future__ import annotations

import pytest

from checks.least_privilege.root_groups import root_groups
from checks.least_privilege.uid0 import uid0
from sovaudit.facts.host import Host
from sovaudit.facts.name_sources import elsewhere, sources
from sovaudit.testing import host_with, run, verdicts
from tests import lab

NSS = "/etc/nsswitch.conf"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" files ldap", ["files", "ldap"]),
        ("files [NOTFOUND=return] ldap", ["files"]),
        ("files[NOTFOUND=return]ldap", ["files"]),
        ("files [!SUCCESS=return] ldap", ["files"]),
        ("files [!NOTFOUND=return] ldap", ["files", "ldap"]),
        ("files [SUCCESS=return NOTFOUND=continue] ldap", ["files", "ldap"]),
        ("files [notfound = RETURN] ldap", ["files"]),
        ("ldap [NOTFOUND=return] files", ["ldap", "files"]),
        ("ldap [UNAVAIL=return] files winbind", ["ldap", "files", "winbind"]),
    ],
)
def test_sources(text: str, expected: list[str]) -> None:
    assert sources(text) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("passwd: files ldap", ("ldap",)),
        ("passwd files ldap", ("ldap",)),
        ("  passwd :\tfiles ldap # nis", ("ldap",)),
        ("passwd: files\npasswd: files ldap", ("ldap",)),
        ("passwd: files ldap\npasswd: files", ("ldap",)),
        ("passwd: files [NOTFOUND=return] ldap", ()),
        ("#passwd: files ldap", ()),
        ("passwd_compat: ldap", ()),
        ("PASSWD: files ldap", ()),
        ("passwd: files sss", ()),
    ],
)
def test_elsewhere(line: str, expected: tuple[str, ...]) -> None:
    assert elsewhere(host_with({NSS: f"{line}\n"}).files) == expected


TOOR = '{"userName":"toor","uid":0,"gid":0,"shell":"/bin/bash"}\n'


@pytest.mark.parametrize(
    ("files", "line", "expected"),
    [
        ({"/etc/userdb/toor.user": TOOR}, "passwd: files systemd", "unknown"),
        ({"/etc/userdb/toor.user": TOOR}, "passwd: files", None),
        ({"/etc/userdb/toor.group": TOOR}, "passwd: files systemd", None),
        ({"/var/lib/systemd/home/toor.identity": TOOR}, "passwd: files systemd", "unknown"),
        ({"/var/lib/extrausers/passwd": "toor:x:0:0::/:/bin/sh\n"}, "passwd: files extrausers", "unknown"),
        ({"/var/lib/extrausers/passwd": ""}, "passwd: files extrausers", None),
        ({"/var/lib/misc/passwd.db": "x"}, "passwd: db files", "unknown"),
    ],
)
@pytest.mark.lab
def test_records_beside_the_files(files: dict[str, str], line: str, expected: str | None) -> None:
    with lab.overlay({**files, NSS: f"{line}\ngroup: files\n"}) as root:
        for evidence in (lab.mounted(root), lab.local(root)):
            found = verdicts(run(uid0, Host(evidence)))
            assert found.pop("root") == "pass"
            assert found == ({line.split()[1 if "db" in line else 2]: expected} if expected else {})


@pytest.mark.lab
def test_members_that_a_record_adds() -> None:
    """nss-systemd(8) puts alice into docker by the name of a file."""
    nss = {NSS: "passwd: files\ngroup: files systemd\n"}
    with lab.overlay({"/etc/userdb/alice:docker.membership": "{}\n", **nss}) as root:
        assert verdicts(run(root_groups, Host(lab.mounted(root)))) == {"systemd": "unknown"}
        (root / "etc/userdb/alice:docker.membership").unlink()
        assert verdicts(run(root_groups, Host(lab.mounted(root)))) == {"groups": "pass"}


@pytest.mark.lab
def test_the_old_way() -> None:
    """`-name` hides what stands below it; `+` brings in what is not here."""
    people = "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n"
    cases = [
        f"-alice\n{people}",
        f"{people}-alice\n",
        f"{people}+::::::\n",
        f"{people}+\n",
        f"{people}+@ng\n",
        f"-@staff\n{people}",
        people,
    ]
    with lab.overlay() as root:
        for way in ("compat", "files"):
            for text in cases:
                lab.write(root, {NSS: f"passwd: {way}\n", "/etc/passwd": text})
                real = {name for name in ("alice", "bob") if lab.run(root, ["getent", "passwd", name]).stdout}
                accounts = Host(lab.local(root) if text == cases[3] else lab.mounted(root)).accounts
                assert {account.name for account in accounts} - {"root"} == real, (way, text)
                assert accounts.elsewhere == (("nis",) if way == "compat" and "+" in text else ())
