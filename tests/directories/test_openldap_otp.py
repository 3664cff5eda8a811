"""slapo-otp on a real slapd: whom a password alone lets in, and who holds a token; against what we say of each account."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time
from collections.abc import Iterator

import pytest
from sovaudit.content.checks.two_factor.directory_enrolled import directory_enrolled
from sovaudit.content.checks.two_factor.directory_privileged import directory_privileged

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.directory import Directory
from sovaudit.model.evidence import Gap
from sovaudit.testing import run
from tests import slapd
from tests.directories import planted
from tests.directories.openldap_acts import BASE, person, uid

pytestmark = pytest.mark.slapd
SECRET = b"0123456789abcdefghij"
OTP = "dn: olcOverlay={0}otp,olcDatabase={1}mdb,cn=config\nobjectClass: olcOverlayConfig\nobjectClass: olcConfig\nolcOverlay: {0}otp\n"
ADMINS = f"cn=admins,ou=groups,{BASE}"
ACCESS = f"""olcAccess: {{0}}to attrs=oathSecret by dn.exact={slapd.AUDITOR} search by * none
olcAccess: {{1}}to attrs=userPassword by group={ADMINS} write by self write by anonymous auth by * none
olcAccess: {{2}}to * by dn.exact={slapd.AUDITOR} read by users read by * none
"""


def token(name: str, kind: str = "TOTP", *, params: str = "params", secret: bool = True) -> str:
    lines = ["objectClass: device", f"objectClass: oath{kind}Token", f"cn: {name}"]
    lines += [f"oath{kind}Params: cn={params},ou=tokens,{BASE}"] if params else []
    lines += [f"oathSecret:: {base64.b64encode(SECRET).decode()}"] if secret else []
    return f"dn: cn={name},ou=tokens,{BASE}\n" + "".join(f"{line}\n" for line in lines) + "\n"


def holder(name: str, of: str, kind: str = "TOTP") -> str:
    return person(name, f"objectClass: oath{kind}User", *([f"oath{kind}Token: cn={of},ou=tokens,{BASE}"] if of else []))


PARAMS = "\n".join((
    f"dn: cn=params,ou=tokens,{BASE}", "objectClass: device", "objectClass: oathTOTPParams", "cn: params", "oathOTPLength: 6",
    "oathHMACAlgorithm: 1.2.840.113549.2.7", "oathTOTPTimeStepPeriod: 30", "oathTOTPTimeStepWindow: 3", "", "",
    f"dn: cn=counted,ou=tokens,{BASE}", "objectClass: device", "objectClass: oathHOTPParams", "cn: counted", "oathOTPLength: 6",
    "oathHMACAlgorithm: 1.2.840.113549.2.7", "oathHOTPLookAhead: 3", "", "",
))  # fmt: skip
PEOPLE = {
    # name: (entry, whether a token can be used)
    "plain": (person("plain"), False),
    "held": (holder("held", "held"), True),
    "dangling": (holder("dangling", "gone"), False),
    "elsewhere": (holder("elsewhere", "params"), False),  # an entry that is no token
    "bare": (holder("bare", "bare"), False),  # a token without a secret
    "lost": (holder("lost", "lost"), False),  # its parameters are not there
    "counting": (holder("counting", "counting", "HOTP"), True),
    "waiting": (holder("waiting", "", "HOTP"), False),
    "mixed": (holder("mixed", "counting", "TOTP"), False),  # a token of the other kind
}
ENTRIES = (
    PARAMS + token("held") + token("bare", secret=False) + token("lost", params="nowhere")
    + token("counting", "HOTP", params="counted") + "".join(entry for entry, _ in PEOPLE.values())
    + f"dn: {ADMINS}\nobjectClass: groupOfNames\ncn: admins\n" + "".join(f"member: {uid(name)}\n" for name in PEOPLE) + "\n"
)  # fmt: skip


def code(counter: int) -> str:
    digest = hmac.new(SECRET, struct.pack(">Q", counter), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


@pytest.fixture(scope="module")
def server() -> Iterator[slapd.Slapd]:
    with slapd.slapd(ENTRIES, overlays=OTP, access=ACCESS) as started:
        yield started


@pytest.mark.parametrize("name", PEOPLE)
def test_whom_a_password_alone_lets_in(name: str, server: slapd.Slapd) -> None:
    directory = Directory(collect(parse_target(server.uri), server.options()))
    factor = directory.factor(directory.by_dn[uid(name)])
    alone = server.binds(uid(name), f"{name}-Secret-1")
    assert factor.demanded is (not alone), factor
    usable = PEOPLE[name][1]
    if usable is not None:
        assert factor.enrolled is usable, factor
    if name == "held":
        assert server.binds(uid(name), f"{name}-Secret-1" + code(int(time.time()) // 30))
    if name == "counting":
        assert server.binds(uid(name), f"{name}-Secret-1" + code(0))


def test_what_the_checks_say_as_two_accounts(server: slapd.Slapd) -> None:
    directory = Directory(collect(parse_target(server.uri), server.options()))
    ruling = {outcome.subject: outcome.verdict.value for outcome in run(directory_privileged, directory)}
    assert ruling == {**{name: "fail" if name == "plain" else "pass" for name in PEOPLE}, slapd.ADMIN: "fail"}, ruling
    held = {outcome.subject: outcome.verdict.value for outcome in run(directory_enrolled, directory)}
    assert {name: held[name] for name, (_, usable) in PEOPLE.items() if usable is not None} == {
        name: "pass" if usable else "fail" for name, (_, usable) in PEOPLE.items() if usable is not None
    }
    reader = Directory(collect(parse_target(server.uri), server.options(uid("plain"), "plain-Secret-1")))
    for place, identity in ((directory, planted.ADMINISTRATOR), (reader, planted.READER)):
        for check, good in ((directory_privileged, lambda name: name != "plain"), (directory_enrolled, lambda name: bool(PEOPLE[name][1]))):
            answers = {outcome.subject: outcome.verdict.value for outcome in run(check, place)}
            for name in PEOPLE:
                planted.note("slapd", identity, check.id, really="pass" if good(name) else "fail", said=answers.get(name, "unknown"))
    for check in (directory_privileged, directory_enrolled):
        for outcome in run(check, reader):
            right = PEOPLE.get(outcome.subject, ("", None))[1]
            assert outcome.verdict.value == "unknown" or (check is directory_enrolled and (outcome.verdict.value == "pass") is right), (
                outcome
            )


@pytest.mark.parametrize("where", ["no overlay", "on another database", "disabled"])
def test_classes_and_tokens_ask_nobody_where_the_overlay_is_not(where: str) -> None:
    other = ""
    overlays = "" if where == "no overlay" else OTP
    if where == "on another database":
        overlays = OTP.replace("{1}mdb", "{2}mdb")
        other = "dn: olcDatabase={2}mdb,cn=config\nobjectClass: olcMdbConfig\nolcDatabase: {2}mdb\nolcSuffix: dc=other\nolcDbDirectory: FOLDER/log\n"
    extra, overlays = (f"{other}\n{overlays}", "") if other else ("", overlays)
    if where == "disabled":
        overlays += "olcDisabled: TRUE\n"
    with slapd.slapd(ENTRIES, overlays=overlays, access=ACCESS, extra=extra) as server:
        directory = Directory(collect(parse_target(server.uri), server.options()))
        for name in ("held", "dangling", "plain"):
            alone = server.binds(uid(name), f"{name}-Secret-1")
            assert alone and directory.factor(directory.by_dn[uid(name)]).demanded is False


def test_sasl_passes_the_overlay_by() -> None:
    settings = f"olcAuthzRegexp: {{0}}uid=([^,]+),cn=[^,]+,cn=auth uid=$1,ou=people,{BASE}\nolcSaslSecProps: none\n"
    access = ACCESS.replace("by users read by * none", "by users read by anonymous auth")  # slapd looks for the entry as nobody
    with slapd.slapd(ENTRIES, overlays=OTP, access=access, settings=settings) as server:
        assert not server.binds(uid("held"), "held-Secret-1")
        done = server.sasl("ldapwhoami", "PLAIN", "held", "held-Secret-1")
        directory = Directory(collect(parse_target(server.uri), server.options()))
        demanded = directory.factor(directory.by_dn[uid("held")]).demanded
        assert isinstance(demanded, Gap), demanded
        assert done.returncode == 0, done.stderr  # the truth that keeps us from saying yes
