"""least-privilege.duplicate-ids"""

from __future__ import annotations

from sovaudit.content.checks.least_privilege.duplicate_ids import duplicate_ids

from sovaudit.facts.directory import Directory
from sovaudit.facts.host import Host
from sovaudit.facts.roster import Roster
from sovaudit.testing import directory_with, evidence_with, host_with, roster_with, run, verdicts

B = "dc=example,dc=org"


def host(name: str, *accounts: str, **more: object) -> Host:
    passwd = "root:x:0:0::/root:/bin/bash\n" + "".join(f"{one}::/home/x:/bin/bash\n" for one in accounts)
    evidence = evidence_with({"/etc/passwd": passwd, **more.pop("files", {})}, target=f"ssh://{name}", **more)  # type: ignore[dict-item,arg-type]
    evidence.identity["hostname"] = name  # type: ignore[index]
    return Host(evidence)


def directory(*accounts: tuple[str, dict[str, str]], base: str = B, **more: object) -> Directory:
    entries = [
        (f"uid={uid},ou=p,{base}", {"objectClass": ["person"], "uid": [uid], **{k: [v] for k, v in rest.items()}}) for uid, rest in accounts
    ]
    return directory_with(base=base, target=f"ldaps://x/{base}", accounts=entries, **more)


def judged(*places: Host | Directory, people: Roster | None = None, **knobs: object) -> dict[str, str]:
    return verdicts(run(duplicate_ids, places, people, **knobs))


def test_one_uid_and_two_logins() -> None:
    assert judged(host("a", "bob:x:1001:1", "zoe:x:1002:1")) == {"ids": "pass"}
    assert judged(host("a", "bob:x:1001:1", "zoe:x:1001:1")) == {"uid 1001": "fail"}
    assert judged(host("a", "bob:x:1001:1"), host("b", "zoe:x:1001:1")) == {"uid 1001": "fail"}
    assert judged(host("a", "bob:x:1001:1"), host("b", "bob:x:1001:1")) == {"ids": "pass"}
    assert judged(host("a", "bob:x:1001:1"), host("b", "bob:x:1002:1")) == {"ids": "pass"}
    assert judged(host("a", "bob:x:1001:1"), host("b", "zoe:x:1001:1"), across=False) == {"ids": "pass"}


def test_numbers_of_the_system_are_nobodys() -> None:
    assert judged(host("a", "svc:x:999:1"), host("b", "db:x:999:1")) == {"ids": "pass"}
    assert judged(host("a", "x:x:65534:1", "y:x:65534:1")) == {"ids": "pass"}
    defs = {"/etc/login.defs": "UID_MIN 500\n"}
    assert judged(host("a", "svc:x:999:1", files=defs), host("b", "db:x:999:1", files=defs)) == {"uid 999": "fail"}


def test_who_has_no_shell_any_more_keeps_the_number() -> None:
    passwd = "a:x:1001:1:::/usr/sbin/nologin\nb:x:1001:1:::/bin/bash\n"
    assert judged(host_with({"/etc/passwd": passwd})) == {"uid 1001": "fail"}


def test_the_roster_says_whose_they_are() -> None:
    both = (host("a", "bob:x:1001:1"), host("b", "zoe:x:1001:1"))
    one = roster_with({"id": "7", "account": "bob;zoe", "status": "active"})
    two = roster_with({"id": "7", "account": "bob", "status": "active"}, {"id": "8", "account": "zoe", "status": "active"})
    assert judged(*both, people=one) == {"ids": "pass"}
    assert judged(*both, people=two) == {"uid 1001": "fail"}


def test_a_leavers_login_given_away() -> None:
    people = roster_with({"id": "7", "account": "bob", "status": "left"}, {"id": "8", "account": "bob", "status": "active"})
    (found,) = run(duplicate_ids, (host("a", "bob:x:1001:1"),), people)
    assert (found.subject, found.verdict.value, found.args["gone"]) == ("login bob", "fail", "7")
    assert judged(host("a", "zoe:x:1001:1"), people=people) == {"ids": "pass"}


def test_directories() -> None:
    assert judged(directory(("bob", {"uidNumber": "5"}), ("zoe", {"uidNumber": "5"}))) == {"uid 5": "fail"}
    assert judged(directory(("bob", {"uidNumber": "1001"})), host("a", "zoe:x:1001:1")) == {"uid 1001": "fail"}
    assert judged(directory(("BOB", {"uidNumber": "1001"})), host("a", "bob:x:1001:1")) == {"ids": "pass"}
    marked = directory(("bob", {"uidNumber": "5", "employeeNumber": "7"}), ("adm", {"uidNumber": "5", "employeeNumber": "7"}))
    assert judged(marked) == {"ids": "pass"}


def test_one_login_in_two_directories() -> None:
    other = "dc=other,dc=org"
    seven, eight = ("bob", {"employeeNumber": "7"}), ("bob", {"employeeNumber": "8"})
    assert judged(directory(seven), directory(eight, base=other)) == {"login bob": "fail"}
    assert judged(directory(seven), directory(seven, base=other)) == {"ids": "pass"}
    assert judged(directory(seven), directory(("bob", {"mail": "b@x.org"}), base=other)) == {"ids": "pass"}  # marks of two kinds
    assert judged(directory(seven), directory(("bob", {}), base=other)) == {"ids": "pass"}


def test_one_entry_uuid_and_two_logins() -> None:
    twice = directory(("bob", {"entryUUID": "u-1"}), ("zoe", {"entryUUID": "u-1"}))
    assert judged(twice) == {"id u-1": "fail"}


def test_what_was_not_seen() -> None:
    assert judged(host("a", unseen=["/etc/passwd"]), host("b", "zoe:x:1001:1")) == {"a": "unknown"}
    assert judged(directory(("bob", {}), results={"accounts": 4})) == {B: "unknown"}
    sssd = {"/etc/nsswitch.conf": "passwd: files ldap\n"}
    assert judged(host("a", files=sssd)) == {"a": "unknown"}
    assert judged(host("a", files=sssd), directory(("bob", {}))) == {"ids": "pass"}
    people = roster_with({"id": "", "account": "bob"})
    assert judged(host("a"), people=people) == {"roster": "unknown"}
