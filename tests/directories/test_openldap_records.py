"""What a real slapd records of binds and changes, and how it keeps passwords; against what its settings make us say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sovaudit.content.checks.log_completeness.directory_access import directory_access
from sovaudit.content.checks.log_completeness.directory_changes import directory_changes
from sovaudit.content.checks.password_policy.directory_storage import directory_storage

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.directory import Directory
from sovaudit.testing import run, verdicts
from tests import slapd
from tests.directories import planted
from tests.directories.openldap_acts import BASE, person, uid

pytestmark = pytest.mark.slapd
LOG = "olcOverlay={0}accesslog,olcDatabase={1}mdb,cn=config"
LOG_DATABASE = "olcDatabase={2}mdb,cn=config"
PPOLICY = "olcOverlay={1}ppolicy,olcDatabase={1}mdb,cn=config"
FRONTEND = "olcDatabase={-1}frontend,cn=config"
OVERLAYS = f"""dn: {LOG}
objectClass: olcOverlayConfig
objectClass: olcAccessLogConfig
olcOverlay: {{0}}accesslog
olcAccessLogDB: cn=accesslog

dn: {PPOLICY}
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: {{1}}ppolicy
"""
EXTRA = """dn: olcDatabase={2}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {2}mdb
olcSuffix: cn=accesslog
olcDbDirectory: FOLDER/log
olcRootDN: cn=accesslog
olcRootPW: log-Secret-1
olcAccess: {0}to * by * none
"""
ACTS = ("bind", "refused", "modify", "add", "rename", "delete")
CHANGES = {"modify", "add", "rename", "delete"}


@dataclass(frozen=True)
class Case:
    """log: settings of the overlay. level: olcLogLevel. database: settings of the log's database."""

    log: dict[str, list[str]] = field(default_factory=dict)
    level: str = "none"
    database: dict[str, list[str]] = field(default_factory=dict)


def ops(*values: str, **more: str) -> Case:
    return Case({"olcAccessLogOps": list(values), **{key: [value] for key, value in more.items()}})


CASES = {
    "all": ops("all"),
    "writes and sessions": ops("writes session"),
    "in several values": ops("writes", "bind"),
    "in other letters": ops("Writes SESSION"),
    "no word on what": Case(),
    "reads": ops("reads"),
    "binds": ops("bind"),
    "sessions": ops("session"),
    "writes": ops("writes"),
    "all but renaming": ops("add delete modify bind"),
    "successes": ops("all", olcAccessLogSuccess="TRUE"),
    "failures too": ops("all", olcAccessLogSuccess="FALSE"),
    "a log that takes no entries": Case({"olcAccessLogOps": ["all"]}, database={"olcReadOnly": ["TRUE"]}),
    "kept for a month": ops("all", olcAccessLogPurge="30+00:00 1+00:00"),
    "kept for a year": ops("all", olcAccessLogPurge="365+00:00 1+00:00"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[slapd.Slapd]:
    access = f"olcAccess: {{0}}to attrs=userPassword by self write by anonymous auth by dn.exact={slapd.AUDITOR} read by * none\n"
    access += "olcAccess: {1}to * by users read by * none\n"
    with slapd.slapd(person("alice") + person("bob"), overlays=OVERLAYS, access=access, extra=EXTRA) as started:
        yield started


def configured(server: slapd.Slapd, dn: str, names: tuple[str, ...], values: dict[str, list[str]]) -> None:
    text = "".join(
        f"dn: {dn}\nchangetype: modify\nreplace: {name}\n" + "".join(f"{name}: {value}\n" for value in values.get(name, [])) + "\n"
        for name in names
    )
    done = server.tool("ldapmodify", slapd.ADMIN, slapd.ADMIN_PASSWORD, "-c", stdin=text)
    assert done.returncode in (0, 16), done.stderr  # 16: what was to go was not there


def recorded(server: slapd.Slapd) -> set[str]:
    """Which acts the log really holds."""
    done = server.tool(
        "ldapsearch", "cn=accesslog", "log-Secret-1", "-LLL", "-b", "cn=accesslog", "(reqStart=*)", "reqType", "reqResult", "reqDN"
    )
    kinds = {"bind": "bind", "modify": "modify", "add": "add", "modrdn": "rename", "delete": "delete"}
    found = set()
    for entry in done.stdout.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line)
        kind = kinds.get(lines.get("reqType", ""), "")
        if kind == "bind" and lines.get("reqResult") == "49":
            kind = "refused"
        found.add(kind)
    return found - {""}


def act(server: slapd.Slapd) -> None:
    assert server.binds(uid("alice"), "alice-Secret-1") and not server.binds(uid("alice"), "wrong")
    made, moved = f"cn=made,{BASE}", f"cn=moved,{BASE}"
    text = f"dn: {made}\nchangetype: add\nobjectClass: device\ncn: made\n\ndn: {made}\nchangetype: modify\nreplace: description\ndescription: x\n\n"
    text += f"dn: {made}\nchangetype: modrdn\nnewrdn: cn=moved\ndeleteoldrdn: 1\n\ndn: {moved}\nchangetype: delete\n\n"
    done = server.tool("ldapmodify", slapd.ADMIN, slapd.ADMIN_PASSWORD, stdin=text)
    assert done.returncode == 0, done.stderr


def emptied(server: slapd.Slapd) -> None:
    done = server.tool("ldapsearch", "cn=accesslog", "log-Secret-1", "-LLL", "-b", "cn=accesslog", "-s", "one", "(objectClass=*)", "1.1")
    names = [line[4:] for line in done.stdout.splitlines() if line.startswith("dn: ")]
    server.tool("ldapdelete", "cn=accesslog", "log-Secret-1", "-c", *names)


@pytest.mark.parametrize("name", CASES)
def test_what_is_recorded_is_what_we_say(name: str, server: slapd.Slapd) -> None:
    one = CASES[name]
    configured(server, LOG, ("olcAccessLogOps", "olcAccessLogSuccess", "olcAccessLogPurge", "olcAccessLogBase"), one.log)
    configured(server, "cn=config", ("olcLogLevel",), {"olcLogLevel": [one.level]})
    emptied(server)
    configured(server, LOG_DATABASE, ("olcReadOnly",), one.database)
    try:
        act(server)
        held = recorded(server)
        short = "kept for a month" in name
        for options in (server.options(), server.options(uid("bob"), "bob-Secret-1")):
            directory = Directory(collect(parse_target(server.uri), options))
            reader = options.ldap_bind_dn == uid("bob")
            for check, wanted in ((directory_access, {"bind", "refused"}), (directory_changes, CHANGES)):
                (answer,) = (outcome.verdict.value for outcome in run(check, directory))
                true = "pass" if wanted <= held and not short else "fail"
                planted.note("slapd", planted.READER if reader else planted.ADMINISTRATOR, check.id, really=true, said=answer)
                assert answer == ("unknown" if reader else true), (name, held, wanted)
    finally:
        configured(server, LOG_DATABASE, ("olcReadOnly",), {})


BRANCHES = {
    "below the base alone": ("", (f"writes|bind {BASE}",)),
    "below a branch alone": ("", (f"writes|bind ou=groups,{BASE}",)),
    "part everywhere, part below the base": ("bind", (f"add|delete|modify|modrdn {BASE}",)),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_what_is_recorded_of_a_branch(name: str) -> None:
    everywhere, below = BRANCHES[name]  # each on a server of its own: slapd does not survive the removal of olcAccessLogBase
    lines = [f"olcAccessLogOps: {everywhere}\n"] if everywhere else []
    lines += [f"olcAccessLogBase: {value}\n" for value in below]
    overlays = OVERLAYS.replace("olcAccessLogDB: cn=accesslog\n", "olcAccessLogDB: cn=accesslog\n" + "".join(lines))
    with slapd.slapd(person("alice"), overlays=overlays, extra=EXTRA, settings="olcLogLevel: none\n") as server:
        act(server)
        held = recorded(server)
        directory = Directory(collect(parse_target(server.uri), server.options()))
        assert verdicts(run(directory_access, directory)) == {"binds": "pass" if {"bind", "refused"} <= held else "fail"}
        assert verdicts(run(directory_changes, directory)) == {"changes": "pass" if held >= CHANGES else "fail"}


def test_stats_go_to_the_host_and_no_word_is_no_answer(server: slapd.Slapd) -> None:
    configured(server, LOG, ("olcAccessLogOps", "olcAccessLogSuccess", "olcAccessLogPurge", "olcAccessLogBase"), {})
    for level, verdict in (
        ("stats", "unknown"),
        ("any", "unknown"),
        ("0x108", "unknown"),
        ("conns", "fail"),
        ("none", "fail"),
        ("", "unknown"),
    ):
        configured(server, "cn=config", ("olcLogLevel",), {"olcLogLevel": [level]} if level else {})
        directory = Directory(collect(parse_target(server.uri), server.options()))
        assert verdicts(run(directory_access, directory)) == {"binds": verdict}, level


HASHES = {
    "not set": ([], [], None),
    "sha1": (["{SSHA}"], [], None),
    "md5": (["{MD5}"], [], None),
    "in clear": (["{CLEARTEXT}"], [], None),
    "crypt without a salt": (["{CRYPT}"], [], None),
    "crypt by SHA-512": (["{CRYPT}"], ["$6$%.16s"], None),
    "crypt by MD5": (["{CRYPT}"], ["$1$%.8s"], None),
    "hashed when written": (["{CRYPT}"], ["$6$%.16s"], "TRUE"),
    "not hashed when written": (["{CRYPT}"], ["$6$%.16s"], "FALSE"),
    "sha1 when written": (["{SSHA}"], [], "TRUE"),
    "old salted MD5": (["{SMD5}"], [], "TRUE"),
    "sha without salt": (["{SHA}"], [], "TRUE"),
}
STRONG = ("{CRYPT}$6$",)


def stored(server: slapd.Slapd, name: str) -> str:
    """The scheme that the tree holds, as our mask would call it."""
    directory = Directory(collect(parse_target(server.uri), server.options()))
    return next(entry.text("userPassword") for entry in directory.entries("passwords") if entry.dn == uid(name))


@pytest.mark.parametrize("name", HASHES)
def test_passwords_are_kept_as_we_say(name: str, server: slapd.Slapd) -> None:
    schemes, salt, hashing = HASHES[name]
    configured(server, FRONTEND, ("olcPasswordHash",), {"olcPasswordHash": schemes})
    configured(server, "cn=config", ("olcPasswordCryptSaltFormat",), {"olcPasswordCryptSaltFormat": salt})
    configured(server, PPOLICY, ("olcPPolicyHashCleartext",), {"olcPPolicyHashCleartext": [hashing] if hashing else []})
    assert server.tool("ldappasswd", slapd.ADMIN, slapd.ADMIN_PASSWORD, "-s", "by-operation-1", uid("alice")).returncode == 0
    by_operation = stored(server, "alice").replace("{CRYPT}other", "{CRYPT}des")  # crypt(3) makes more of a long salt and a long password
    text = f"dn: {uid('alice')}\nchangetype: modify\nreplace: userPassword\nuserPassword: by-value-1\n\n"
    assert server.tool("ldapmodify", slapd.ADMIN, slapd.ADMIN_PASSWORD, stdin=text).returncode == 0
    by_value = stored(server, "alice")
    directory = Directory(collect(parse_target(server.uri), server.options()))
    said = {outcome.subject: outcome for outcome in run(directory_storage, directory)}
    assert (said["new passwords"].seen.upper().replace("{CLEARTEXT}", "CLEARTEXT"), said["passwords written as values"].seen.upper()) == (
        by_operation.upper().replace("{CLEARTEXT}", "CLEARTEXT"), by_value.upper(),
    )  # fmt: skip
    for subject, scheme in (
        ("new passwords", by_operation),
        ("passwords written as values", by_value),
        (f"stored as {by_value}", by_value),
    ):
        good = "pass" if scheme in STRONG else "fail"
        planted.note("slapd", planted.ADMINISTRATOR, directory_storage.id, really=good, said=said[subject].verdict.value)
    assert (said["new passwords"].verdict.value == "pass") is (by_operation in STRONG)
    assert (said["passwords written as values"].verdict.value == "pass") is (by_value in STRONG)
    assert said[f"stored as {by_value}"].verdict.value == ("pass" if by_value in STRONG else "fail")
    reader = Directory(collect(parse_target(server.uri), server.options(uid("bob"), "bob-Secret-1")))
    # bob is shown his own password and nobody else's
    assert {outcome.verdict.value for outcome in run(directory_storage, reader) if outcome.subject == "other passwords"} == {"unknown"}
