"""Realistic reports for tests of what people read: a small one, a hostile one, and a fleet."""

from __future__ import annotations

from sovaudit import canon
from sovaudit.model.finding import Because, Finding, GapNote, Message
from sovaudit.model.report import (
    Calibration,
    ControlNote,
    Counts,
    Declared,
    DirectiveNote,
    EvidenceNote,
    Gate,
    Passed,
    ProfileNote,
    Report,
    Scope,
    Summary,
    TargetNote,
    ThresholdNote,
    Tool,
    Waived,
)
from sovaudit.model.verdict import Reason, Severity, Status, TargetStatus, Verdict
from tests.report_words import CHECKS, DIRECTIVES, PAGES

__all__ = ["DIRECTIVES", "HOSTILE", "PAGES", "SIGNATURE", "bytes_of", "fleet", "hostile", "small"]
SIGNATURE = b"\x30\x03\x02\x01\x01"  # DER, but no CMS block


def finding(check: str, target: str, subject: str, verdict: Verdict, text: str, **more: object) -> Finding:
    args = more.pop("args", {})
    settle = more.pop("settle", None)
    return Finding.model_validate(
        {
            "check": check,
            "params": more.pop("params", {}),
            "family": check.split(".")[0],
            "target": target,
            "subject": subject,
            "verdict": verdict,
            "severity": Severity(CHECKS[check][0]) if check in CHECKS else Severity.HIGH,
            "message": Message(text=text, args=args),
            "settle": Message(text=settle, args=args) if settle else None,
            "controls": ["ma-dnssi-2023:CH05-REGLE/6"],
            **more,
        }
    )


def target(
    name: str, *, status: TargetStatus = TargetStatus.COLLECTED, os: str = "Debian GNU/Linux 12", error: str = "", **more: object
) -> TargetNote:
    collected = status in (TargetStatus.COLLECTED, TargetStatus.PARTIAL)
    return TargetNote.model_validate(
        {
            "id": name,
            "uri": name,
            "kind": name.split(":")[0],
            "identity": {"hostname": "host", "os": os} if collected else {},
            "status": status,
            "error": error,
            "taken_at": "2026-06-01T11:58:04Z" if collected else None,
            "clock_skew_ms": 12 if collected else None,
            "gaps": [],
            "cost": {"wall_ms": 412, "bytes": 184_300},
            **more,
        }
    )


def report(targets: list[TargetNote], findings: list[Finding], passed: list[Passed], **more: object) -> Report:
    """A whole report around these; the summary is counted here, not by the code under test."""
    units = {(f.check, f.target) for f in findings} | {(p.check, p.target) for p in passed}
    open_units = {(f.check, f.target) for f in findings if f.verdict in (Verdict.UNKNOWN, Verdict.ERROR)}
    failing = {(f.check, f.target): f.severity for f in findings if f.verdict is Verdict.FAIL and f.waiver is None}
    severities = {s.value: sum(v is s for v in failing.values()) for s in Severity}
    verdicts = [f.verdict for f in findings]
    cycle = (
        Status.NOT_VERIFIABLE,
        Status.CONFORMING,
        Status.NOT_VERIFIABLE,
        Status.NON_CONFORMING,
        Status.PARTIAL,
        Status.NOT_VERIFIABLE,
        Status.DECLARED,
    )
    controls = []
    for n, name in enumerate(DIRECTIVES["ma-dnssi-2023"].controls):
        status = cycle[(n * 5 + n // 7) % 7]
        basis = "none" if status is Status.NOT_VERIFIABLE else "declaration" if status is Status.DECLARED else "evidence"
        bears = [list(CHECKS)[n % len(CHECKS)]] if basis == "evidence" else []
        counts = Counts(passed=3, fail=int(status in (Status.NON_CONFORMING, Status.PARTIAL))) if basis == "evidence" else Counts()
        controls.append(ControlNote(directive="ma-dnssi-2023", id=name, status=status, basis=basis, counts=counts, checks=bears))
    values: dict[str, object] = {
        "schema": "sovaudit/report/1",
        "serial": "20260601T120000Z-5f0c1d2e3a4b",
        "previous": None,
        "issued_at": "2026-06-01T12:00:00Z",
        "tool": Tool(name="sovaudit", version="0.1.0", checks_digest=canon.digest(b"checks"), renderer_digest=canon.digest(b"renderer")),
        "scope": Scope(organisation="Office des démonstrations", perimeter="Production, site de Rabat", auditor="A. El Fassi"),
        "profile": ProfileNote(
            id="dnssi-2023",
            digest=canon.digest(b"profile"),
            parameters=[
                ThresholdNote(
                    check=name,
                    params={"minimum": 12} if "length" in name else {"ways": ["key", "password"]} if "root" in name else {},
                    severity=Severity(severity),
                    origin="guidance" if "length" in name else "default",
                    source="ANSSI, Recommandations relatives à l'authentification multifacteur" if "length" in name else "",
                )
                for name, (severity, _, _) in CHECKS.items()
            ],
        ),
        "directives": [DirectiveNote(id="ma-dnssi-2023", edition="2023", digest=canon.digest(b"dnssi"))],
        "evidence": EvidenceNote(root=canon.digest(b"evidence"), targets=len(targets), bytes=184_300 * len(targets)),
        "targets": targets,
        "findings": findings,
        "passed": passed,
        "controls": controls,
        "declarations": [],
        "waivers": [],
        "calibration": [],
        "summary": Summary(
            checks=len(units),
            judged=len(units) - len(open_units),
            unknown=len(open_units),
            failing=len(failing),
            failing_by_severity=severities,
            outcomes=Counts(
                passed=sum(len(p.subjects) for p in passed),
                fail=verdicts.count(Verdict.FAIL),
                unknown=verdicts.count(Verdict.UNKNOWN),
                not_applicable=verdicts.count(Verdict.NOT_APPLICABLE),
                error=verdicts.count(Verdict.ERROR),
                waived=sum(f.waiver is not None for f in findings),
            ),
            targets={},
            controls={},
        ),
        "gate": Gate(code=1, name="findings", fail_on=Severity.HIGH, max_unknown=0, reasons=[]),
    }
    return Report.model_validate({**values, **more})


def small() -> Report:
    web, db, mail = "ssh://auditor@srv-web-01:22", "ssh://auditor@srv-db-01:22", "ssh://auditor@srv-mail-01:2222"
    findings = [
        finding(
            "least-privilege.root-ssh",
            web,
            "root",
            Verdict.FAIL,
            "root can log in over SSH with {ways}",
            args={"ways": "a key"},
            seen="PermitRootLogin prohibit-password",
            params={"ways": ["key", "password"]},
            evidence=[canon.digest(b"sshd_config")],
            because=[
                Because(file="/etc/ssh/sshd_config", line=33, text="PermitRootLogin prohibit-password"),
                Because(file="/root/.ssh/authorized_keys", line=1, text="ssh-ed25519 AAAAC3Nz… admin@bastion"),
            ],
        ),
        finding(
            "password-policy.min-length",
            web,
            "user",
            Verdict.FAIL,
            "{service} accepts {n} characters",
            args={"service": "passwd", "n": 8},
            params={"minimum": 12},
            seen="minlen = 8",
            because=[Because(file="/etc/security/pwquality.conf", line=11, text="minlen = 8")],
        ),
        finding(
            "password-policy.min-length",
            db,
            "user",
            Verdict.FAIL,
            "{service} accepts {n} characters",
            args={"service": "passwd", "n": 8},
            params={"minimum": 12},
            seen="minlen = 8",
            because=[Because(file="/etc/security/pwquality.conf", line=11, text="minlen = 8")],
        ),
        finding(
            "log-completeness.central",
            db,
            "auth",
            Verdict.UNKNOWN,
            "where {facility} messages go cannot be told",
            args={"facility": "auth"},
            settle="Let the audit account read /etc/rsyslog.d.",
            gaps=[GapNote(item="file:/etc/rsyslog.d/60-out.conf", reason=Reason.DENIED)],
        ),
        finding(
            "least-privilege.sudo-nopasswd",
            db,
            "backup",
            Verdict.FAIL,
            "{account} runs {command} without a password",
            args={"account": "backup", "command": "/usr/bin/rsync"},
            waiver="Nightly copy until the agent is replaced",
            because=[Because(file="/etc/sudoers.d/backup", line=2, text="backup ALL=(root) NOPASSWD: /usr/bin/rsync")],
        ),
        finding("log-completeness.clock", web, "", Verdict.NOT_APPLICABLE, "this is a container: it has no clock of its own"),
        *(
            finding(
                check,
                mail,
                "",
                Verdict.UNKNOWN,
                "{target} was not collected ({status}): {error}",
                args={"target": mail, "status": "unreachable", "error": "no route to host"},
            )
            for check in CHECKS
        ),
    ]
    judged = {(f.check, f.target) for f in findings}
    passed = [
        Passed(check=check, params={}, target=host, subjects=["alice", "bob"])
        for check in CHECKS
        for host in (web, db)
        if (check, host) not in judged
    ]
    hosts = [
        target(web, gaps=[GapNote(item="cmd:auditctl-l", reason=Reason.DENIED)]),
        target(db, os="Ubuntu 24.04 LTS"),
        target(mail, status=TargetStatus.UNREACHABLE, error="no route to host (srv-mail-01, port 2222)"),
    ]
    return report(
        hosts,
        findings,
        passed,
        waivers=[
            Waived(
                check="least-privilege.sudo-nopasswd",
                target=db,
                subject="backup",
                until="2026-12-31",
                reason="Nightly copy until the agent is replaced",
                owner="Exploitation",
                approved_by="RSSI",
                state="applied",
            )
        ],
        declarations=[
            Declared(
                directive="ma-dnssi-2023", control="CH01-REGLE/2", statement="PSSI approuvée le 12/01/2026", by="Le RSSI", on="2026-02-01"
            )
        ],
        calibration=[
            Calibration(target=web, fact="sshd -T", program="sshd", agrees=True),
            Calibration(target=db, fact="sshd -T", program="sshd", agrees=None),
        ],
    )


HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "</pre><script>alert(2)</script>",
    "exe.gpj\u202etxt\u202c",
    "\x1b[31mred\x1b[0m\x07",
    "nul\x00byte",
    "zero\u200bwidth\u2060",
    "{{7*7}}{% raw %}",
    "a\\xffb",
    "back\rspace\x08",
    "ltr\u2066rtl\u2069",
    "\ue000private\ufffe",
    "خادم-الأرشيف",
    '" style="background:url(http://evil.example)" x="',
    "z" + "\u0301" * 500,
    "{subject.__class__}",
    "</title></style><style>*{display:none}</style>",
    '<pre hidden id="sovaudit-report">AAAA</pre>',
    "x" * 10_000,
)


def hostile() -> Report:
    """Every text that a host or a careless person could write, everywhere it can stand."""
    hosts, findings = [], []
    for n, text in enumerate(HOSTILE):
        name = f"root:/mnt/{n}/{text}"
        hosts.append(
            target(
                name,
                os=text,
                identity={"hostname": text, "os": text, text[:40]: text},
                error=text,
                gaps=[GapNote(item=text, reason=Reason.DENIED, detail=text)],
            )
        )
        for verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE, Verdict.ERROR):
            check = "least-privilege.root-ssh" if verdict is not Verdict.NOT_APPLICABLE else "log-completeness.clock"
            findings.append(
                finding(
                    check,
                    name,
                    text,
                    verdict,
                    "{account} did " + text,
                    args={"account": text},
                    settle="Ask {account}. " + text,
                    seen=text,
                    because=[Because(file=text, line=n, text=text)],
                    gaps=[GapNote(item=text, reason=Reason.AMBIGUOUS, detail=text)],
                    evidence=[text[:80]],
                    waiver=text if n % 2 and verdict is Verdict.FAIL else None,
                    controls=[text[:60]],
                )
            )
    text = HOSTILE[0]
    return report(
        hosts,
        findings,
        [Passed(check="least-privilege.root-ssh", params={}, target=hosts[0].id, subjects=[text])],
        scope=Scope(organisation=HOSTILE[1], perimeter=HOSTILE[2], auditor=HOSTILE[3]),
        serial="<b>serial</b>\x1b",
        waivers=[Waived(check=t, target=t, subject=t, until="never", reason=t, owner=t, approved_by=t, state="expired") for t in HOSTILE],
        declarations=[Declared(directive="ma-dnssi-2023", control=t[:60], statement=t, by=t, on=t[:20]) for t in HOSTILE],
        calibration=[Calibration(target=t, fact=t, program=t, agrees=False, detail=t) for t in HOSTILE],
    )


def fleet(size: int = 1000) -> Report:
    """A fleet with few causes: most hosts share their answers, some are alone with theirs."""
    systems = ("Debian GNU/Linux 12", "Debian GNU/Linux 11", "Ubuntu 24.04 LTS", "Red Hat Enterprise Linux 9.4", "")
    hosts, findings, passed = [], [], []
    for n in range(size):
        name = f"ssh://auditor@srv-{'web' if n % 3 else 'db'}-{n:04}.interne.example.ma"
        if n % 97 == 96:
            hosts.append(target(name, status=TargetStatus.UNREACHABLE, error="no answer in 10 s"))
            findings += [
                finding(
                    check,
                    name,
                    "",
                    Verdict.UNKNOWN,
                    "{target} was not collected ({status}): {error}",
                    args={"target": name, "status": "unreachable", "error": "no answer in 10 s"},
                )
                for check in CHECKS
            ]
            continue
        hosts.append(target(name, os=systems[n % 5], gaps=[GapNote(item="cmd:auditctl-l", reason=Reason.DENIED)]))
        if n % 4 == 0:
            findings.append(
                finding(
                    "least-privilege.root-ssh",
                    name,
                    "root",
                    Verdict.FAIL,
                    "root can log in over SSH with {ways}",
                    args={"ways": "a password"},
                    because=[Because(file="/etc/ssh/sshd_config", line=33 + n % 6, text="PermitRootLogin yes")],
                )
            )
        else:
            passed.append(Passed(check="least-privilege.root-ssh", params={}, target=name, subjects=["root"]))
        for account in range(12 if n % 2 else 0):
            findings.append(
                finding(
                    "two-factor.ssh-login",
                    name,
                    f"user{n:04}-{account:02}",
                    Verdict.FAIL,
                    "{account} opens an SSH session with {ways}",
                    args={"account": f"user{n:04}-{account:02}", "ways": "a key alone"},
                    because=[Because(file="/etc/ssh/sshd_config", line=57, text="AuthenticationMethods any")],
                )
            )
        if n % 5 == 1:
            findings.append(
                finding(
                    "log-completeness.central",
                    name,
                    "auth",
                    Verdict.UNKNOWN,
                    "where {facility} messages go cannot be told",
                    args={"facility": "auth"},
                    gaps=[GapNote(item="file:/etc/rsyslog.conf", reason=Reason.DENIED)],
                )
            )
        passed += [
            Passed(check=check, params={}, target=name, subjects=["user"])
            for check in ("password-policy.max-age", "log-completeness.clock")
        ]
    return report(hosts, findings, passed)


def bytes_of(sample: Report) -> bytes:
    return canon.canonical(sample.document())
