"""Exports in LDIF: sorted as a visit would have found them, and never more complete than they say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sovaudit.collectors import CollectOptions, collect, parse_target, plan
from sovaudit.errors import UsageError
from sovaudit.facts.directory import Directory
from sovaudit.facts.files import Unseen
from sovaudit.model.evidence import Evidence
from sovaudit.model.verdict import Reason

BASE = "dc=example,dc=org"
STORED = "structuralObjectClass: x\nentryUUID: 1\nentryCSN: 2\n"
HEAD = "# extended LDIF\n#\n# LDAPv3\n# base <{base}> with scope {scope}\n# filter: {filter}\n# requesting: {asked} \n#\n\n"
TAIL = "# search result\nsearch: 2\nresult: {result}\n\n# numResponses: 1\n"


def entry(dn: str, *lines: str) -> str:
    return f"dn: {dn}\n" + "".join(f"{line}\n" for line in lines) + "\n"


def person(name: str, *lines: str) -> str:
    return entry(f"uid={name},ou=people,{BASE}", "objectClass: inetOrgPerson", f"uid: {name}", f"cn: {name}", f"sn: {name}", *lines)


ROOT = entry(BASE, "objectClass: organization", "o: example")
PEOPLE = entry(f"ou=people,{BASE}", "objectClass: organizationalUnit", "ou: people")


def stored(*entries: str) -> str:
    return "".join(one[:-1] + STORED + "\n" for one in entries)


def searched(*entries: str, base: str = BASE, scope: str = "subtree", query: str = "(objectclass=*)", asked: str = "* +", result: str = "0 Success") -> str:  # fmt: skip
    return HEAD.format(base=base, scope=scope, filter=query, asked=asked) + "".join(entries) + TAIL.format(result=result)


def taken(tmp_path: Path, text: str | bytes, options: str = "") -> Evidence:
    path = tmp_path / "export.ldif"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return collect(parse_target(f"ldif:{path}{options}"))


def gap(evidence: Evidence, search: str) -> tuple[str, str]:
    found = Directory(evidence).gap(search)
    return (found.reason.value, found.detail) if found else ("", "")


def names(evidence: Evidence, search: str = "accounts") -> list[str]:
    return [entry.text("uid") or entry.text("cn") for entry in Directory(evidence).entries(search)]


def test_a_dump_of_the_store_is_complete_and_masked(tmp_path: Path) -> None:
    text = stored(ROOT, PEOPLE, person("a", "userPassword:: e1NTSEF9aHVudGVyMg==", "description: d", "oathSecret: s3cr3t"), person("b"))
    evidence = taken(tmp_path, text)
    assert (evidence.status.value, evidence.identity["product"], evidence.identity["base"]) == ("collected", "openldap", BASE)
    assert evidence.identity["export"] == "slapcat" and names(evidence) == ["a", "b"] and gap(evidence, "accounts") == ("", "")
    (row,) = Directory(evidence).entries("passwords")
    assert row.attributes == {"userpassword": [b"{SSHA}"]}
    assert all(b"hunter2" not in data and b"s3cr3t" not in data for data in evidence.artifacts.values())
    assert next(Directory(evidence).entries("token-secrets")).attributes == {"oathsecret": []}
    assert "description" not in next(Directory(evidence).entries("accounts")).attributes


def test_an_export_without_comments_proves_no_end(tmp_path: Path) -> None:
    evidence = taken(tmp_path, ROOT + PEOPLE + person("a", "entryCSN: 1", "entryDN: x", "pwdChangedTime: 20260101000000Z"))
    assert evidence.identity["export"] == "unknown" and names(evidence) == ["a"]
    assert gap(evidence, "accounts")[0] == "absent" and "does not say" in gap(evidence, "accounts")[1]


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ({}, ""),
        ({"result": "4 Size limit exceeded"}, "truncated"),
        ({"result": "3 Time limit exceeded"}, "truncated"),
        ({"result": "50 Insufficient access"}, "absent"),
        ({"asked": "ALL"}, "absent"),
        ({"asked": "uid cn"}, "absent"),
        ({"base": f"ou=people,{BASE}"}, "absent"),
        ({"scope": "oneLevel"}, "absent"),
        ({"query": "(uid=a*)"}, "absent"),
        ({"base": "dc=org"}, ""),
    ],
)  # fmt: skip
def test_a_search_proves_what_it_asked_and_no_more(tmp_path: Path, options: dict[str, str], verdict: str) -> None:
    evidence = taken(tmp_path, searched(ROOT, PEOPLE, person("a", "entryUUID: 1", "pwdChangedTime: 20260101000000Z"), **options))
    wide = options.get("base") == "dc=org"
    assert gap(evidence, "accounts")[0] == verdict
    assert names(evidence) == ["a"] and evidence.identity["base"] == (BASE if not wide else "dc=org")


def test_our_own_searches_one_by_one_make_a_whole(tmp_path: Path) -> None:
    from sovaudit.collectors.ldap.searches import OPENLDAP

    for query in OPENLDAP:
        if not query.anonymous and query.base == "{base}":
            role = entry(f"cn=r,{BASE}", "objectClass: organizationalRole", "objectClass: simpleSecurityObject", "cn: r",
                         *(["roleOccupant: cn=x"] if query.name == "groups" else []))  # fmt: skip
            body = role if query.name in ("accounts", "groups") else ""
            text = searched(body, query=query.filter, asked=" ".join(query.attributes))
            (tmp_path / f"{query.name}.ldif").write_text(text)
    evidence = collect(parse_target(f"ldif:{tmp_path}?product=openldap&base={BASE}"))
    directory = Directory(evidence)
    for name in ("accounts", "groups", "passwords", "policies", "tokens", "token-secrets"):
        assert directory.gap(name) is None, name
    assert [entry.texts("roleOccupant") for entry in directory.entries("groups")] == [["cn=x"]]
    with pytest.raises(Unseen):
        list(directory.entries("config"))


def test_two_exports_of_the_same_accounts_give_each_once(tmp_path: Path) -> None:
    (tmp_path / "1.ldif").write_text(stored(ROOT, PEOPLE, person("a")))
    (tmp_path / "2.ldif").write_text(searched(ROOT, PEOPLE, person("a")) + "\n" + searched(base="cn=config"))
    evidence = collect(parse_target(f"ldif:{tmp_path}"))
    assert names(evidence) == ["a"] and gap(evidence, "accounts") == ("", "") and gap(evidence, "config") == ("", "")
    files = json.loads(evidence.artifacts["ldif/files"])
    assert [(one["name"], one["form"], one["records"]) for one in files] == [("1.ldif", "slapcat", 3), ("2.ldif", "ldapsearch", 3)]


@pytest.mark.parametrize(
    ("flaw", "search", "reason"),
    [
        ("uid:: @@", "accounts", "broken base64"),
        ("objectClass:: @@", "policies", "broken base64"),
        ("userPassword:: =", "passwords", "broken base64"),
        ("displayName:< file:///x", "accounts", "a value kept in another file"),
        ("a line", "groups", "a line that is no LDIF"),
    ],
)
def test_a_flaw_costs_the_searches_that_it_could_change(tmp_path: Path, flaw: str, search: str, reason: str) -> None:
    evidence = taken(tmp_path, stored(ROOT, PEOPLE, person("a", flaw), person("b")))
    assert evidence.status.value == "partial" and names(evidence) == ["a", "b"]
    assert gap(evidence, search) == ("ambiguous", reason)
    if flaw.startswith(("uid", "userPassword")):
        assert gap(evidence, "policies") == ("", "")


def test_invalid_text_is_kept_and_counted(tmp_path: Path) -> None:
    text = stored(ROOT, PEOPLE, person("a")).encode().replace(b"sn: a", b"sn: \xe9").replace(b"cn: a", b"cn: \xff")
    evidence = taken(tmp_path, text)
    assert gap(evidence, "accounts") == ("ambiguous", "not UTF-8")
    assert next(Directory(evidence).entries("accounts")).values("cn") == [b"\xff"]


def test_an_entry_twice_is_one_and_said(tmp_path: Path) -> None:
    same = taken(tmp_path, stored(ROOT, PEOPLE, person("a"), person("a")))
    assert names(same) == ["a"] and gap(same, "accounts") == ("", "")
    other = taken(tmp_path, stored(ROOT, PEOPLE, person("a"), person("a", "description: other")))
    assert names(other) == ["a"] and gap(other, "accounts") == ("ambiguous", "an entry stands there twice, differently")


def test_a_file_cut_anywhere_never_claims_to_be_whole(tmp_path: Path) -> None:
    whole = stored(ROOT, PEOPLE, person("a"), person("b")).encode()
    for size in range(len(whole) - 1, len(whole) - 160, -7):
        if whole[:size].endswith(b"\n\n"):
            continue
        evidence = taken(tmp_path, whole[:size])
        assert gap(evidence, "accounts")[0] in ("truncated", "absent"), size
    asked = searched(ROOT, PEOPLE, person("a"), person("b")).encode()
    for size in range(asked.index(b"\n# search result"), 300, -11):
        assert gap(taken(tmp_path, asked[:size]), "accounts")[0] != "", size


def test_what_a_filter_picked_is_no_dump(tmp_path: Path) -> None:
    evidence = taken(tmp_path, stored(person("a"), person("b")))
    assert evidence.identity["base"] == f"ou=people,{BASE}" and gap(evidence, "accounts")[0] == "absent"


def test_changes_are_refused(tmp_path: Path) -> None:
    text = stored(ROOT, PEOPLE, person("a")) + f"dn: uid=b,ou=people,{BASE}\nchangetype: delete\n\n"
    evidence = taken(tmp_path, text + person("c").replace("\nobj", "\nchangetype: add\nobj", 1))
    assert names(evidence) == ["a"] and "a record of a change" in gap(evidence, "accounts")[1]
    files = json.loads(evidence.artifacts["ldif/files"])
    assert files[0]["faults"] == {"a record of a change, not of an entry": {"count": 2, "lines": [24, 27]}}


AD = entry("DC=corp,DC=test", "changetype: add", "objectClass: top", "objectClass: domainDNS", "objectSid:: AQ==", "minPwdLength: 7",
           "instanceType: 5") + entry(
    "CN=Zoé,CN=Users,DC=corp,DC=test", "changetype: add", "objectClass: user", "sAMAccountName: zoé", "sAMAccountType: 805306368",
    "instanceType: 4", "unicodePwd: x") + entry(
    "CN=Password Settings Container,CN=System,DC=corp,DC=test", "changetype: add", "objectClass: top", "cn: p", "instanceType: 4") + entry(
    "CN=G,CN=Users,DC=corp,DC=test", "changetype: add", "objectClass: group", "sAMAccountName: g", "member;range=0-1499: CN=x", "instanceType: 4",
) + entry("CN=Sites,CN=Configuration,DC=corp,DC=test", "changetype: add", "objectClass: top", "objectClass: group", "instanceType: 4")  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_ldifde_in_all_its_encodings(tmp_path: Path, encoding: str) -> None:
    evidence = taken(tmp_path, AD.replace("\n", "\r\n").encode(encoding))
    assert (evidence.identity["product"], evidence.identity["base"], evidence.identity["export"]) == ("ad", "dc=corp,dc=test", "ldifde")
    (user,) = Directory(evidence).entries("accounts")
    assert user.text("sAMAccountName") == "zoé" and "unicodepwd" not in user.attributes
    assert [entry.dn for entry in Directory(evidence).entries("domain")] == ["DC=corp,DC=test"]
    assert gap(evidence, "accounts")[0] == "absent"  # ldifde writes nothing about how it ended
    assert [entry.text("sAMAccountName") for entry in Directory(evidence).entries("groups")] == ["g"]  # not the configuration's
    assert gap(evidence, "groups") == ("truncated", "only a part of member")


def test_utf16_cut_inside_a_character(tmp_path: Path) -> None:
    evidence = taken(tmp_path, AD.replace("\n", "\r\n").encode("utf-16")[:-61])
    assert evidence.status.value == "partial" and gap(evidence, "accounts")[0] == "truncated"


def test_the_configuration_alone_speaks_of_no_account(tmp_path: Path) -> None:
    text = stored(entry("cn=config", "objectClass: olcGlobal"), entry("olcDatabase={1}mdb,cn=config", "objectClass: olcMdbConfig", "olcDatabase: {1}mdb"))  # fmt: skip
    evidence = taken(tmp_path, text)
    assert gap(evidence, "config") == ("", "") and len(list(Directory(evidence).entries("config"))) == 2
    assert gap(evidence, "accounts") == ("absent", "the export holds nothing of it ({base})")


def test_an_export_that_names_no_product_is_not_taken_for_one(tmp_path: Path) -> None:
    evidence = taken(tmp_path, ROOT + PEOPLE + person("a"))
    assert "product" not in evidence.identity and any(one.item == "product" for one in evidence.gaps)
    with pytest.raises(Unseen):
        _ = Directory(evidence).view
    assert taken(tmp_path, ROOT + PEOPLE + person("a"), "?product=389").identity["product"] == "389"


def test_several_trees_are_not_one(tmp_path: Path) -> None:
    text = stored(ROOT, entry("dc=other,dc=net", "dc: other"))
    assert "several trees" in taken(tmp_path, text).error
    chosen = taken(tmp_path, text + stored(PEOPLE, person("a")), f"?base={BASE}")
    assert names(chosen) == ["a"] and gap(chosen, "accounts") == ("", "")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# nothing\n", os.urandom(4096), b"version: 1\n", b"\x1f\x8b\x08\0\0\0"])
def test_what_holds_no_entry_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    evidence = taken(tmp_path, content)
    assert evidence.status.value == "failed" and "no entry" in evidence.error and "\n" not in evidence.error


def test_targets_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "x.ldif").write_text("dn: dc=x\n\n")
    for bad in (
        "ldif:",
        "ldif:/nowhere",
        f"ldif:{tmp_path}/x.ldif?product=nis",
        f"ldif:{tmp_path}/x.ldif?base=x",
        f"ldif:{tmp_path}/x.ldif?a=b",
    ):
        with pytest.raises(UsageError):
            parse_target(bad)
    (tmp_path / "x.ldif").rename(tmp_path / "x.txt")
    with pytest.raises(UsageError):
        parse_target(f"ldif:{tmp_path}")
    assert plan(parse_target(f"ldif:{tmp_path}/x.txt"))[1] == f"read {tmp_path}/x.txt"


def test_bounds_are_said(tmp_path: Path) -> None:
    path = tmp_path / "x.ldif"
    path.write_text(stored(ROOT, PEOPLE, *(person(f"u{number}") for number in range(50))))
    evidence = collect(parse_target(f"ldif:{path}"), CollectOptions(max_bytes=2000))
    assert evidence.status.value == "partial" and 0 < len(names(evidence)) < 50
    found = Directory(evidence).gap("accounts")
    assert found is not None and found.reason is Reason.TRUNCATED and "--max-bytes" in found.detail


def test_referrals_are_counted(tmp_path: Path) -> None:
    text = searched(ROOT, PEOPLE, "# search reference\nref: ldap://x/dc=z??sub\n\n")
    assert Directory(taken(tmp_path, text)).searches["accounts"]["referrals"] == 1


def test_a_setting_that_bears_a_secrets_name_is_kept_and_a_secret_is_not(tmp_path: Path) -> None:
    config = entry("cn=config", "objectClass: top", "passwordHistory: on", "nsslapd-rootpw: on", "nsslapd-port: 389")
    evidence = taken(tmp_path, searched(config, base="cn=config") + "\n" + searched(ROOT, PEOPLE, person("a", "nsUniqueId: 1", "passwordHistory: 2026Zon")))  # fmt: skip
    (shown,) = Directory(evidence).entries("config")
    assert shown.text("passwordHistory") == "on" and not shown.values("nsslapd-rootpw")
    assert not any(b"2026Zon" in data for data in evidence.artifacts.values())


def test_names_without_values_are_no_entries(tmp_path: Path) -> None:
    bare = f"dn: uid=a,ou=people,{BASE}\nobjectClass:\nuid:\nentryCSN:\n\n"
    evidence = taken(tmp_path, searched(ROOT, PEOPLE, bare))
    assert names(evidence) == [] and "-A" in gap(evidence, "accounts")[1]
    assert gap(taken(tmp_path, stored(ROOT, PEOPLE) + bare), "accounts")[0] == "ambiguous"


def test_a_search_that_did_not_ask_for_classes_finds_no_account_and_says_so(tmp_path: Path) -> None:
    evidence = taken(tmp_path, searched(f"dn: uid=a,ou=people,{BASE}\nuid: a\n\n", asked="uid pwdChangedTime"), "?product=openldap")
    assert "objectClass" in gap(evidence, "accounts")[1]
