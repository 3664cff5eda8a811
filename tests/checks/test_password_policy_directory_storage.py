"""The directory keeps passwords hashed, by a scheme that resists guessing."""

from __future__ import annotations

from sovaudit.content.checks.password_policy.directory_storage import directory_storage

from sovaudit.facts.directory import Directory
from sovaudit.testing import directory_with, run, verdicts
from tests import ad
from tests.directory_views import slapd_config

ALICE = ("uid=alice,dc=example,dc=org", {"objectClass": ["inetOrgPerson"], "uid": ["alice"]})
SEEN = "{0}to * by dn.exact=cn=auditor read"
HASHING = {"olcOverlay": ["{0}ppolicy"], "olcPPolicyHashCleartext": ["TRUE"]}
STRONG = {"olcPasswordHash": ["{ARGON2}"]}


def directory(
    *schemes: str, settings: dict[str, list[str]] | None = None, overlay: dict[str, list[str]] | None = None, **more: object
) -> Directory:
    config = slapd_config(SEEN, settings=STRONG if settings is None else settings, overlays=[HASHING if overlay is None else overlay])
    passwords = [(f"uid=u{number},dc=example,dc=org", {"userPassword": [scheme]}) for number, scheme in enumerate(schemes)]
    return directory_with(accounts=[ALICE], passwords=passwords, config=config, **more)


def answers(*schemes: str, **more: object) -> dict[str, str]:
    return verdicts(run(directory_storage, directory(*schemes, **more)))  # type: ignore[arg-type]


def test_strong_schemes_pass() -> None:
    held = {"stored as {ARGON2}": "pass", "new passwords": "pass", "passwords written as values": "pass"}
    assert answers("{ARGON2}", "{ARGON2}") == held


def test_weak_ones_fail_one_by_one() -> None:
    for scheme in ("{SSHA}", "{MD5}", "{CRYPT}des", "{CRYPT}$1$", "cleartext"):
        assert answers(scheme)[f"stored as {scheme}"] == "fail"
    for scheme in ("{SSHA512}", "{CRYPT}$6$", "{PBKDF2-SHA256}"):
        assert answers(scheme)[f"stored as {scheme}"] == "pass"
    assert "stored as {SASL}" not in answers("{SASL}") and "stored as {CRYPT}locked" not in answers("{CRYPT}locked")
    assert answers("{AES-TUhNRw}")["stored as {AES-TUhNRw}"] == "fail"


def test_a_scheme_that_nobody_knows_is_left_open() -> None:
    for scheme in ("{DISABLED}", "{X}", "{CRYPT}other"):
        assert answers(scheme)[f"stored as {scheme}"] == "unknown"
    assert verdicts(run(directory_storage, directory("{X}"), schemes=("X",)))["stored as {X}"] == "pass"
    assert verdicts(run(directory_storage, directory("{ARGON2}"), schemes=("X",)))["stored as {ARGON2}"] == "fail"


def test_what_is_not_set_is_the_default() -> None:
    found = answers(settings={})
    assert found["new passwords"] == "fail" and found["passwords written as values"] == "fail"


def test_a_plain_value_is_kept_as_it_came_unless_the_overlay_hashes_it() -> None:
    assert answers(overlay={"olcOverlay": ["{0}memberof"]})["passwords written as values"] == "fail"
    assert answers(overlay={"olcOverlay": ["{0}ppolicy"]})["passwords written as values"] == "fail"


def test_crypt_is_judged_by_the_salt_that_it_is_given() -> None:
    weak = {"olcPasswordHash": ["{CRYPT}"]}
    assert answers(settings=weak)["new passwords"] == "fail"
    assert answers(settings={**weak, "olcPasswordCryptSaltFormat": ["$6$%.16s"]})["new passwords"] == "pass"
    assert answers(settings={**weak, "olcPasswordCryptSaltFormat": ["$1$%.8s"]})["new passwords"] == "fail"


def test_what_was_not_seen_leaves_it_open() -> None:
    hidden = directory_with(accounts=[ALICE])
    assert verdicts(run(directory_storage, hidden)) == {"other passwords": "unknown"}
    some = slapd_config(
        "{0}to attrs=userPassword by self write by anonymous auth", SEEN.replace("0", "1"), settings=STRONG, overlays=[HASHING]
    )
    assert verdicts(run(directory_storage, directory_with(accounts=[ALICE], config=some)))["other passwords"] == "unknown"


def test_knob() -> None:
    assert verdicts(run(directory_storage, directory("{SSHA}"), schemes=("SSHA", "ARGON2")))["stored as {SSHA}"] == "pass"


def test_a_domain_keeps_passwords_one_way_unless_it_is_told_otherwise() -> None:
    for properties, verdict in ((1, "pass"), (17, "fail")):  # DOMAIN_PASSWORD_STORE_CLEARTEXT is 16
        head = ("dc=example,dc=org", {"objectClass": ["domainDNS"], "pwdProperties": [str(properties)]})
        alice = (
            "cn=alice,dc=example,dc=org",
            {"sAMAccountName": ["alice"], "sAMAccountType": ["805306368"], "userAccountControl": ["512"]},
        )
        found = verdicts(run(directory_storage, directory_with(product="ad", domain=[head], accounts=[alice])))
        assert found["dc=example,dc=org"] == verdict


def test_active_directory_keeps_them_its_own_way() -> None:
    def kept(*accounts: ad.Entry, **more: object) -> dict[str, str]:
        return verdicts(run(directory_storage, ad.active_directory(*accounts, **more)))  # type: ignore[arg-type]

    base = ad.BASE.lower()
    assert kept(ad.user("a", 1100), ad.computer("PC$", 1101, msDS_SupportedEncryptionTypes=31)) == {base: "pass"}
    assert kept(head=ad.domain(pwdProperties=0x11)) == {base: "fail"}
    assert kept(ad.user("a", 1100, 0x280), ad.user("b", 1101, 0x200200), ad.user("off", 1102, 0x282)) == {
        base: "pass", "a": "fail", "b: Kerberos": "fail",
    }  # fmt: skip
    for kinds, verdict in ((0, None), (3, "fail"), (4, "fail"), (7, "fail"), (0x18, None), (0x1C, None)):
        found = kept(ad.user("svc", 1100, msDS_SupportedEncryptionTypes=kinds))
        assert found.get("svc: Kerberos") == verdict, kinds
    loose = ad.settings("loose", 1, 12, msDS_PasswordReversibleEncryptionEnabled="TRUE")
    assert "fail" in kept(objects=[loose]).values()
    assert kept(head=ad.domain(pwdProperties=None))["other passwords"] == "unknown"
    assert kept(ad.user("a", 1100, None))["other passwords"] == "unknown"
    assert kept(policy_container=[])["other passwords"] == "unknown"
