"""The program's own word beside ours, on the same evidence: `sshd -t` (does it start?), `sshd -T` (keyword by keyword), and over SSH the login of
the audit account itself. A disagreement is a defect of ours; the report shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sovaudit.facts.factors import spell
from sovaudit.facts.files import Unseen
from sovaudit.facts.ssh_daemon import Daemon
from sovaudit.facts.ssh_dump import DECISIVE, Calibrated, parse_dump, same
from sovaudit.facts.ssh_observed import observed
from sovaudit.facts.ssh_server import Server

if TYPE_CHECKING:
    from sovaudit.facts.host import Host


def compare(host: Host) -> tuple[Calibrated, ...]:
    """Each comparison that this evidence allows. agrees: None where the program said nothing of the configuration."""
    return (_start(host), _keywords(host), *_login(host))


def _login(host: Host) -> tuple[Calibrated, ...]:
    """Whether what opened the audit account's session is among what we say opens one. Only where that login was recorded."""
    fact = "ssh: the audit account's own login"
    try:
        seen = observed(host)
        account = host.accounts.get(seen.user) if seen is not None else None
        if seen is None or account is None:
            return ()
        ways = host.ssh.computed(account)
    except Unseen:
        return ()
    if any(factors <= seen.fits for factors in ways.sets):
        return (Calibrated(fact, "sshd", True),)
    told = "; ".join(spell(factors) for factors in ways.sets) or "nothing"
    return (Calibrated(fact, "sshd", False, f"sshd let {seen.user} in with {spell(seen.factors)}, we say: {told}"),)


def _start(host: Host) -> Calibrated:
    fact = "ssh: sshd starts with this configuration"
    try:
        answer = host.files.command("sshd-t")
        ours = host.ssh.refusal(Server(Daemon(), host.ssh.settings))
    except Unseen as unseen:
        return Calibrated(fact, "sshd-t", None, str(unseen))
    if (answer.code == 0) == (ours is None):
        return Calibrated(fact, "sshd-t", True)
    said = answer.output.strip().splitlines()[-1:] or [""]
    if answer.code != 0 and not any(word in said[0] for word in ("sshd_config", "line ", "ptions")):
        return Calibrated(fact, "sshd-t", None, said[0])  # no host keys, no /run/sshd, no permission: not about the configuration
    return Calibrated(fact, "sshd-t", False, f"sshd -t says: {said[0] or 'nothing'}; we say: {ours[1] if ours else 'it starts'}")


def _keywords(host: Host) -> Calibrated:
    fact = "ssh: effective configuration"
    try:
        answer = host.files.command("sshd-T")
        ours = host.ssh.effective("root", "127.0.0.1", "localhost") if host.ssh.settings.matches else host.ssh.settings.outside
    except Unseen as unseen:
        return Calibrated(fact, "sshd-T", None, str(unseen))
    if answer.code != 0:
        return Calibrated(fact, "sshd-T", None, (answer.output.strip().splitlines() or ["no answer"])[-1])
    theirs = parse_dump(answer.output)
    wrong = [keyword for keyword in DECISIVE if keyword in theirs and not same(keyword, theirs[keyword], ours.get(keyword))]
    lists = ("allowusers", "denyusers", "allowgroups", "denygroups")  # printed only where there is one
    wrong += [keyword for keyword in lists if keyword not in theirs and ours.words(keyword)]
    if not wrong:
        return Calibrated(fact, "sshd-T", True)
    first = wrong[0]
    return Calibrated(fact, "sshd-T", False, f"{first}: sshd says {theirs.get(first, 'nothing')!r}, we say {ours.get(first)!r}")
