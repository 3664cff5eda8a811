"""What OpenSCAP and Lynis answer on a sample of the cases that our truth tests prove: `python -m tests.truth_table --peers`.

OpenSCAP reads the root from outside (OSCAP_PROBE_ROOT). Its content for Debian ends with Debian 11 in the package of Debian 12: each rule is asked
twice, once on the root as it is, and once on the same root that says it is Debian 11. Lynis runs inside the root, with the named tests only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from sovaudit.authoring import Check
from sovaudit.cli import docs
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests import lab

CONTENT = "/usr/share/xml/scap/ssg/content/ssg-debian11-ds.xml"
RULE = "xccdf_org.ssgproject.content_rule_"


@dataclass(frozen=True)
class Sample:
    """really: what the program does, by the condition of the check, as a truth test of ours shows for such a configuration."""

    name: str
    check: str
    really: str
    files: dict[str, str] = field(default_factory=dict)
    add: dict[str, str] = field(default_factory=dict)  # path → lines appended
    setup: str = ""
    ssg: tuple[str, ...] = ()
    lynis: tuple[str, ...] = ()


ALICE = {"/etc/passwd": "alice:x:1500:1500::/home/alice:/bin/bash\n", "/etc/group": "alice:x:1500:\n"}
LOCKED = {"/etc/shadow": "alice:*:19000:0:99999:7:::\n"}
SEND = "/etc/rsyslog.d/50-send.conf"
AUTH = ": >/var/log/auth.log; chown root:adm /var/log/auth.log; chmod 640 /var/log/auth.log; "
SSHD = "/etc/ssh/sshd_config"
ENCRYPT = ("rsyslog_encrypt_offload_defaultnetstreamdriver", "rsyslog_encrypt_offload_actionsendstreamdrivermode",
           "rsyslog_encrypt_offload_actionsendstreamdriverauthmode")  # fmt: skip
SAMPLES = (
    Sample("a second account with uid 0", "least-privilege.uid0", "fail", add={"/etc/passwd": "toor:x:0:0::/root:/bin/sh\n"},
           ssg=("accounts_no_uid_except_zero",), lynis=("AUTH-9204",)),
    Sample("the same, written 00", "least-privilege.uid0", "fail", add={"/etc/passwd": "toor:x:00:0::/root:/bin/sh\n"},
           ssg=("accounts_no_uid_except_zero",), lynis=("AUTH-9204",)),
    Sample("NOPASSWD for a user", "least-privilege.sudo-nopasswd", "fail", {"/etc/sudoers.d/a": "alice ALL=(ALL) NOPASSWD: ALL\n"},
           ALICE | LOCKED, ssg=("sudo_remove_nopasswd",)),
    Sample("NOPASSWD in a file that sudo passes over", "least-privilege.sudo-nopasswd", "pass",
           {"/etc/sudoers.d/a.bak": "alice ALL=(ALL) NOPASSWD: ALL\n"}, ALICE | LOCKED, ssg=("sudo_remove_nopasswd",)),
    Sample("!authenticate for one user", "least-privilege.sudo-nopasswd", "fail",
           {"/etc/sudoers.d/a": "Defaults:alice !authenticate\nalice ALL=(ALL) ALL\n"}, ALICE | LOCKED, ssg=("sudo_remove_no_authenticate",)),
    Sample("root: the first value is no", "least-privilege.root-ssh", "pass", {SSHD: "PermitRootLogin no\nPermitRootLogin yes\nUsePAM yes\n"},
           ssg=("sshd_disable_root_login",), lynis=("SSH-7408",)),
    Sample("root: a Match block says yes", "least-privilege.root-ssh", "fail",
           {SSHD: "PermitRootLogin no\nUsePAM yes\nMatch User root\n PermitRootLogin yes\n"},
           setup="mkdir -p /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f /tmp/k; cp /tmp/k.pub /root/.ssh/authorized_keys; chmod 600 /root/.ssh/*",
           ssg=("sshd_disable_root_login",), lynis=("SSH-7408",)),
    Sample("accounts that exist do not expire", "password-policy.max-age", "fail", add=ALICE | {"/etc/shadow": "alice:$6$a$b:19000:0:99999:7:::\n"},
           setup="sed -i 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 60/' /etc/login.defs", ssg=("accounts_maximum_age_login_defs",), lynis=("AUTH-9286",)),
    Sample("everything is sent", "log-completeness.central", "pass", {SEND: "*.* @@collector.example\n"}, ssg=("rsyslog_remote_loghost",)),
    Sample("sent below a stop", "log-completeness.central", "fail", {SEND: "auth,authpriv.* stop\n*.* @@collector.example\n"},
           ssg=("rsyslog_remote_loghost",)),
    Sample("sent by an action", "log-completeness.central", "pass", {SEND: 'action(type="omfwd" target="collector.example" protocol="tcp")\n'},
           ssg=("rsyslog_remote_loghost",)),
    Sample("sent to itself", "log-completeness.central", "fail", {SEND: "*.* @@127.0.0.1\n"}, ssg=("rsyslog_remote_loghost",)),
    Sample("encrypted by old lines", "log-completeness.central-encrypted", "pass",
           {SEND: "$DefaultNetstreamDriver gtls\n$DefaultNetstreamDriverCAFile /etc/ssl/ca\n$ActionSendStreamDriverMode 1\n"
                  "$ActionSendStreamDriverAuthMode x509/name\n*.* @@collector.example\n", "/etc/ssl/ca": ""}, ssg=ENCRYPT),
    Sample("the old lines stand below the action", "log-completeness.central-encrypted", "fail",
           {SEND: "*.* @@collector.example\n$DefaultNetstreamDriver gtls\n$DefaultNetstreamDriverCAFile /etc/ssl/ca\n"
                  "$ActionSendStreamDriverMode 1\n$ActionSendStreamDriverAuthMode x509/name\n", "/etc/ssl/ca": ""}, ssg=ENCRYPT),
    Sample("a log that all may write", "log-completeness.tamper", "fail", setup=AUTH + "chmod 666 /var/log/auth.log", add=ALICE | LOCKED,
           ssg=("rsyslog_files_permissions",)),
    Sample("a log in a folder that all may write", "log-completeness.tamper", "fail", setup=AUTH + "chmod 777 /var/log", add=ALICE | LOCKED,
           ssg=("rsyslog_files_permissions", "file_permissions_var_log")),
    Sample("a log of a person", "log-completeness.tamper", "fail", setup=AUTH + "chown alice /var/log/auth.log", add=ALICE | LOCKED,
           ssg=("rsyslog_files_ownership",)),
    Sample("auth messages are dropped", "log-completeness.auth-events", "fail",
           {"/etc/rsyslog.d/00.conf": "auth,authpriv.* stop\n", "/etc/systemd/journald.conf.d/n.conf": "[Journal]\nStorage=none\n"},
           setup=AUTH, ssg=("service_rsyslog_enabled", "rsyslog_files_permissions")),
    Sample("four weeks are kept", "log-completeness.retention", "fail",
           {"/etc/logrotate.d/rsyslog": "/var/log/syslog\n/var/log/auth.log\n{\n\trotate 4\n\tweekly\n\tmissingok\n}\n"}, setup=AUTH,
           ssg=("ensure_logrotate_activated",), lynis=("LOGG-2146",)),
)  # fmt: skip
_STRENGTH = ("fail", "error", "unknown", "pass", "not_applicable")


def as_debian_11(root: Path) -> None:
    """Only what says which Debian it is."""
    (root / "etc/debian_version").write_text("11.9\n")
    for path in (root / "usr/lib/os-release", root / "etc/os-release"):
        if path.is_file() and not path.is_symlink():
            text = path.read_text().replace('"12"', '"11"').replace("(bookworm)", "(bullseye)").replace("=bookworm", "=bullseye")
            path.unlink()
            path.write_text(text)


def oscap(root: Path, rules: tuple[str, ...]) -> str:
    """Its results for the rules, in order, without repetition."""
    found: list[str] = []
    for rule in rules:
        command = ["oscap", "xccdf", "eval", "--rule", RULE + rule, CONTENT]
        said = subprocess.run(
            command, capture_output=True, text=True, timeout=120, env={**os.environ, "OSCAP_PROBE_ROOT": str(root)}
        ).stdout
        result = re.search(r"^Result\n\s*(\w+)", said, re.MULTILINE)
        found.append(result[1] if result else "no answer")
    return ", ".join(dict.fromkeys(found))


def lynis(root: Path, tests: tuple[str, ...]) -> str:
    """`warning`, `suggestion`, `nothing` (the test ran and had nothing to say) or `skipped`, of each test, without repetition."""
    shutil.copytree("/usr/share/lynis", root / "usr/share/lynis", dirs_exist_ok=True)
    shutil.copytree("/etc/lynis", root / "etc/lynis", dirs_exist_ok=True)
    shutil.copy("/usr/sbin/lynis", root / "usr/sbin/lynis")
    lab.run(root, ["lynis", "audit", "system", "--quick", "--no-colors", "--quiet", "--tests", " ".join(tests)], timeout=300)
    report, log = (
        (root / f"var/log/{name}").read_text(errors="replace") if (root / f"var/log/{name}").exists() else ""
        for name in ("lynis-report.dat", "lynis.log")
    )
    found = []
    for test in tests:
        kind = next((kind for kind in ("warning", "suggestion") if f"{kind}[]={test}|" in report), "")
        found.append(kind or ("nothing" if f"Performing test ID {test}" in log else "skipped"))
    return ", ".join(dict.fromkeys(found))


def worst(check: Check, root: Path) -> str:
    said = set(verdicts(run(check, Host(lab.mounted(root)))).values())
    return next(verdict for verdict in _STRENGTH if verdict in said)


@cache
def stock(rules: tuple[str, ...], tests: tuple[str, ...]) -> str:
    """What OpenSCAP (as Debian 11) and Lynis say of a root to which nothing was done: the same answer there says nothing about the case."""
    with lab.overlay() as root:
        said = [f"Lynis {lynis(root, tests)}"] if tests else []
        as_debian_11(root)
        return "; ".join([*([f"OpenSCAP {oscap(root, rules)}"] if rules else []), *said])


def ask(sample: Sample) -> dict[str, str]:
    """One row: what each says of the same root."""
    with lab.overlay(sample.files) as root:
        for path, text in sample.add.items():
            with (root / path.lstrip("/")).open("a") as file:
                file.write(text)
        if sample.setup:
            lab.run(root, ["sh", "-ec", sample.setup])
        row = {"name": sample.name, "check": sample.check, "really": sample.really, "sovaudit": worst(docs.builtin()[sample.check], root)}
        row["lynis"] = lynis(root, sample.lynis) if sample.lynis else "no such test"
        row["oscap"] = oscap(root, sample.ssg) if sample.ssg else "no such rule"
        as_debian_11(root)
        row["oscap11"] = oscap(root, sample.ssg) if sample.ssg else "no such rule"
        row["stock"] = stock(sample.ssg, sample.lynis)
        row["rules"] = ", ".join((*sample.ssg, *sample.lynis))
        return row
