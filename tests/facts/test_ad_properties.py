"""Active Directory: taking evidence away never makes anything look better, and no order of entries changes an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sovaudit import registry
from sovaudit.authoring import Check
from sovaudit.facts.directories import ad_access as access
from sovaudit.facts.directory import Directory
from sovaudit.facts.parse import ber
from sovaudit.model.evidence import Evidence
from sovaudit.testing import run, verdicts, without
from tests import ad
from tests.ad import BASE, CONTROL, FULL, WRITE, ace, acl, active_directory, computer, dn, domain, group, settings, user

GOOD = ("pass", "not_applicable")
KNOBS: dict[str, dict[str, object]] = {
    "least-privilege.directory-delegation": {
        "questions": (
            "unconstrained",
            "transition",
            "controller",
            "resource",
            "service-ticket",
            "no-preauthentication",
            "delegable",
            "unprotected",
        )
    },
    "least-privilege.directory-secrets": {
        "questions": ("ticket-key", "quota", "guest", "administrators", "controllers", "smart-cards", "strangers")
    },
}
CHECKS = {name: check for name, check in registry.load_checks().items() if check.needs and check.needs[0] is Directory}
FOREIGN = f"CN=S-1-5-11,CN=ForeignSecurityPrincipals,{BASE}"


def weak() -> Evidence:
    return active_directory(
        user("eve", 1100), user("boss", 1101, 0x10200, servicePrincipalName="http/x", pwdLastSet=130000000000000000), user("free", 1102, 0x400220),
        user("krbtgt", 502, 514, pwdLastSet=130000000000000000), user("Guest", 501, 512), user("late", 1103, lastLogonTimestamp=None),
        computer("DC1$", 1000, 0x82000, primaryGroupID=516, servicePrincipalName="ldap/dc1", pwdLastSet=130000000000000000),
        computer("WEB$", 1104, 0x81000, msDS_AllowedToDelegateTo="ldap/dc1"), user("card", 1105, 0x40200),
        groups=[group("x", 518, "boss", "card"), group("desk", 1200, "eve"), group("old", "S-1-5-32-554", FOREIGN, kind=ad.BUILTIN)],
        objects=[settings("own", 1, 4, "desk")], foreign=[(FOREIGN, {"objectSid": [ad.sid("S-1-5-11")]})], head=domain(ms_DS_MachineAccountQuota=10),
        lists={BASE: acl(ace(1200, CONTROL, access.GET_CHANGES_ALL), ace(1100, CONTROL, access.GET_CHANGES)), "boss": acl(ace(1102, WRITE))},
        applied_policies=[(dn("eve"), {"objectClass": ["user"], "msDS-ResultantPSO": [f"CN=own,{ad.CONTAINER}"]})],
        links=[(BASE, {"gPLink": [f"[LDAP://CN={{1}},CN=Policies,CN=System,{BASE};0]"]})],
        descriptors=[
            ad.guarded(BASE, acl(ace(1200, CONTROL, access.GET_CHANGES_ALL), ace(1100, CONTROL, access.GET_CHANGES)), "domainDNS"),
            ad.guarded(ad.HOLDER, acl(), "container"), ad.guarded(ad.DNS, acl(), "container"),
            ad.guarded(f"CN={{1}},CN=Policies,CN=System,{BASE}", acl(ace(1102, FULL)), "groupPolicyContainer"),
        ],
    ).evidence  # fmt: skip


def sound() -> Evidence:
    return active_directory(
        user("ann", 1100), user("krbtgt", 502, 514), user("Guest", 501, 514), computer("DC1$", 1000, 0x82000, primaryGroupID=516),
        groups=[group("old", "S-1-5-32-554", kind=ad.BUILTIN)],
    ).evidence  # fmt: skip


def answers(check: Check, evidence: Evidence) -> dict[str, str]:
    return verdicts(run(check, Directory(evidence), **KNOBS.get(check.id, {})))


@pytest.mark.parametrize("which", [weak, sound], ids=["weak", "sound"])
@pytest.mark.parametrize("name", sorted(CHECKS))
def test_taking_evidence_away_makes_nothing_better(name: str, which: object) -> None:
    evidence = which()  # type: ignore[operator]
    check = CHECKS[name]
    whole = answers(check, evidence)
    bad = {subject for subject, verdict in whole.items() if verdict not in GOOD}
    for artifact in evidence.artifacts:
        less = answers(check, without(evidence, artifact))
        for subject, verdict in less.items():
            if verdict in GOOD:
                assert subject not in bad, (artifact, subject)
                assert subject in whole or "fail" in less.values() or "unknown" in less.values(), (artifact, subject)


@pytest.mark.parametrize("which", [weak, sound], ids=["weak", "sound"])
def test_each_attribute_taken_away_makes_nothing_better(which: object) -> None:
    """An attribute that no entry of a search shows any more, as for an account that may not read it."""
    evidence: Evidence = which()  # type: ignore[operator]
    whole = {name: answers(check, evidence) for name, check in CHECKS.items()}
    for artifact, data in evidence.artifacts.items():
        if not artifact.startswith("entries:"):
            continue
        for attribute in sorted({name for _, row in ber.entries(data) for name in row}):
            hidden = b"".join(ber.encode(name, {key: row[key] for key in row if key != attribute}) for name, row in ber.entries(data))
            less = replace(evidence, artifacts={**evidence.artifacts, artifact: hidden})
            for name, check in CHECKS.items():
                if attribute in MEANS_NOTHING or (artifact, attribute) in PROVEN:
                    continue
                for subject, verdict in answers(check, less).items():
                    assert verdict not in GOOD or whole[name].get(subject, verdict) in GOOD, (name, artifact, attribute, subject)


# Names are names whatever they are; and what one entry alone shows is believed to be absent from the others, because attributes of the same
# property set are shown there (see ad_accounts.SIBLINGS): only an access list for this one attribute could hide it.
MEANS_NOTHING = {"samaccountname"}
PROVEN = {
    ("entries:accounts/0000", "serviceprincipalname"), ("entries:accounts/0000", "msds-allowedtodelegateto"),
    ("entries:policies/0000", "msds-psoappliesto"),
}  # fmt: skip


@pytest.mark.parametrize("which", [weak, sound], ids=["weak", "sound"])
def test_the_order_of_entries_changes_nothing(which: object) -> None:
    evidence: Evidence = which()  # type: ignore[operator]
    turned = {
        name: b"".join(ber.encode(dn, row) for dn, row in reversed(list(ber.entries(data)))) if name.startswith("entries:") else data
        for name, data in evidence.artifacts.items()
    }
    for check in CHECKS.values():
        assert answers(check, replace(evidence, artifacts=turned)) == answers(check, evidence), check.id
