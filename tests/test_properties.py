"""Properties over every check: removing evidence never improves an answer, and judging again gives the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

import pytest

from sovaudit.authoring import Check
from sovaudit.cli.docs import builtin
from sovaudit.collectors import collect, parse_target
from sovaudit.engine import Judgement, judge
from sovaudit.model.evidence import Evidence
from sovaudit.model.verdict import Severity, Verdict
from sovaudit.testing import evidence_with
from tests import lab
from tests.checks.test_least_privilege_authorized_keys import rsa

WEAK = {
    "/etc/passwd": (
        "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n"
        "bob:x:1001:1001::/home/bob:/bin/bash\ntoor:x:0:0::/root:/bin/sh\ncarol::1002:1002::/home/carol:/bin/sh\n"
        "admin:x:1003:1003::/home/admin:/bin/sh\nsvc:x:900:900::/home/svc:/bin/sh\n"
    ),
    "/etc/shadow": (
        "root:$6$masked:19000:0:99999:7:::\nalice:$y$j9T$masked:20000:0:99999:7:::\nbob:$1$masked:20000:0:90:7:::\ntoor::20000:0:99999:7:::\n"
        "admin:!$6$masked:19000:0:99999:7:::\nsvc:*:19000:0:99999:7:::\n"
    ),
    **dict.fromkeys((f"/home/{name}/.ssh/authorized_keys" for name in ("alice", "admin", "svc")), rsa(2048)),
    "/etc/group": "root:x:0:\nsudo:x:27:alice\nalice:x:1000:\nbob:x:1001:\n",
    "/etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\nCiphers +3des-cbc\nPermitRootLogin yes\nPermitEmptyPasswords yes\n",
    "/etc/ssh/sshd_config.d/10-site.conf": "PasswordAuthentication yes\nMatch User bob\n PasswordAuthentication no\n",
    "/etc/pam.d/common-auth": "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
    "/etc/pam.d/gdm-password": "auth required pam_google_authenticator.so nullok\n@include common-auth\n@include common-account\n",
    "/etc/pam.d/common-account": "account required pam_unix.so\n",
    "/etc/pam.d/common-password": "password required pam_unix.so obscure sha512\n",
    "/etc/rsyslog.d/50-send.conf": "auth.* @collector.example\n",
    "/etc/sudoers": "root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\nbob ALL=(root) NOPASSWD: /usr/bin/vim, /srv/open/run.sh\n",
    "/srv/open/run.sh": "#!/bin/sh\n",
    "/usr/local/bin/rootish": "x\n",
    "/etc/cron.daily/open": "#!/bin/sh\n",
}


class Chosen:
    def __init__(self, check: Check) -> None:
        self.check = check
        self.params: Mapping[str, object] = dict(check.knobs)
        self.severity = Severity.HIGH


def answers(evidence: Evidence) -> dict[str, dict[str, set[str]]]:
    """Check → subject → verdicts."""
    found: dict[str, dict[str, set[str]]] = {}
    for judgement in judge([Chosen(check) for check in builtin().values()], [evidence]):
        rows = found.setdefault(judgement.check, {})
        for subject, verdict in _each(judgement):
            rows.setdefault(subject, set()).add(verdict)
    return found


def _each(judgement: Judgement) -> Iterator[tuple[str, str]]:
    yield from ((subject, "pass") for subject in judgement.passed)
    yield from ((finding.subject, finding.verdict.value) for finding in judgement.findings)


@cache
def stock() -> Evidence:
    with lab.overlay() as root:
        return collect(parse_target(f"root:{root}"))


@cache
def weak() -> Evidence:
    files = dict(WEAK)
    with lab.overlay(
        {**files, "/var/log/app.log": "x\n"},
        modes={"/var/log/app.log": 0o666, "/srv/open/run.sh": 0o777, "/usr/local/bin/rootish": 0o4755, "/etc/cron.daily/open": 0o777},
    ) as root:
        return collect(parse_target(f"root:{root}"))


def improved(before: dict[str, dict[str, set[str]]], after: dict[str, dict[str, set[str]]]) -> list[str]:
    """Where a doubt or a failure turned into something better, or vanished without a doubt in its place."""
    bad = {"fail", "unknown", "error"}
    found = []
    for check, rows in before.items():
        doubtful_after = any(verdicts & bad for verdicts in after[check].values())
        for subject, verdicts in rows.items():
            now = after[check].get(subject)
            if verdicts & bad and ((now is not None and not now & bad) or (now is None and not doubtful_after)):
                found.append(f"{check} {subject}: {verdicts} became {now}")
    return found


@pytest.mark.lab
@pytest.mark.parametrize("which", [stock, weak], ids=["stock", "weak"])
def test_removing_evidence_never_improves_an_answer(which: object) -> None:
    evidence: Evidence = which()  # type: ignore[operator]
    before = answers(evidence)
    wrong = []
    for name in evidence.artifacts:
        kept = {other: data for other, data in evidence.artifacts.items() if other != name}
        wrong += [f"without {name}: {what}" for what in improved(before, answers(replace(evidence, artifacts=kept)))]
    for gap in evidence.gaps:
        rest = tuple(other for other in evidence.gaps if other != gap)
        wrong += [f"without the gap {gap.item}: {what}" for what in improved(before, answers(replace(evidence, gaps=rest)))]
    assert wrong == []


def test_no_evidence_at_all_passes_nothing() -> None:
    empty = replace(evidence_with(), artifacts={}, gaps=())
    for check, rows in answers(empty).items():
        assert all(verdicts == {"unknown"} for verdicts in rows.values()), check


@pytest.mark.lab
@pytest.mark.parametrize("which", [stock, weak], ids=["stock", "weak"])
def test_no_check_breaks_on_a_real_host(which: object) -> None:
    evidence: Evidence = which()  # type: ignore[operator]
    wrong = [(check, rows) for check, rows in answers(evidence).items() if any(Verdict.ERROR.value in v for v in rows.values())]
    assert wrong == []


@pytest.mark.lab
def test_judging_again_gives_the_same() -> None:
    assert answers(weak()) == answers(weak())
