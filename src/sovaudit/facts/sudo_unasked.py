"""What sudo runs for an account without asking for a password: by its rights, and by Defaults of a target or a command.

A right to anything is asked for one sample; where a Defaults singles out another target or command, that is asked for, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.parse.sudoers import Member
from sovaudit.facts.sudo import Decision, Sudo
from sovaudit.facts.sudo_aliases import expand, leaves
from sovaudit.facts.sudo_match import Request, Target
from sovaudit.facts.sudo_proposals import proposals
from sovaudit.model.finding import Line

_TRIES = 60  # command lines tried for one Defaults
_OTHERS = 30  # targets that a Defaults does not name
_MOST = 2000  # questions for one Defaults
_ASKING = frozenset({"authenticate", "exempt_group"})


@dataclass(frozen=True, slots=True)
class Unasked:
    """command: as it is written. certain: that it runs, and that nothing is asked."""

    command: str
    certain: bool
    because: tuple[Line, ...]


def singled_out(
    sudo: Sudo, account: Account, names: frozenset[str], samples: list[tuple[Target, Request]]
) -> Iterator[tuple[Target, Request, Decision]]:
    """What may be run of that which a Defaults of these names has for one target or command, beside the samples."""
    targets = list(dict.fromkeys(target for target, _ in samples))
    requests = list(dict.fromkeys(request for _, request in samples))
    seen = set(samples)
    for default in sudo.policy.defaults if samples else ():
        if default.name not in names or default.scope not in (">", "!"):
            continue
        if default.scope == ">":
            whom = dict.fromkeys(
                (*_accounts(sudo, default.members), *list(sudo.accounts)[:_OTHERS])
            )  # it singles out those that it leaves, too
            pairs = [(Target(who), request) for who in whom for request in requests]
        else:
            members = [leaf for member in default.members for leaf in leaves(sudo.policy, member) if not leaf.negated and leaf.name]
            asked = [Request(*proposal) for leaf in members for proposal in list(proposals(leaf.name, leaf.args))[:_TRIES]]
            pairs = [
                (target, request)
                for target in targets
                for request in asked
                if not (" " in request.command and sudo.missing(request.command))
            ]
        for target, request in pairs[:_MOST]:
            if (target, request) not in seen:
                seen.add((target, request))
                decision = sudo.decide(account, request, target)
                if decision.granted and decision.allowed is not False:
                    yield target, request, decision


def _accounts(sudo: Sudo, members: tuple[Member, ...]) -> Iterator[Account]:
    for member in expand(sudo.policy, "Runas", members):
        if member.kind == "USERGROUP":
            yield from sudo.accounts.members(member.name[1:])[:20]
        elif (named := sudo.target(member.name)) is not None:
            yield named


def unasked(sudo: Sudo, account: Account) -> Iterator[Unasked]:
    """The certain ones in no order; nothing that one could do without sudo: as oneself, with a group of one's own."""
    samples: list[tuple[Target, Request]] = []
    for right in sudo.grants(account):
        if right.sample is not None and _gains(account, right.sample[0]):
            samples.append(right.sample)
            if right.nopasswd is not False:
                words = " ".join(part for part in (right.command, right.args or "") if part)
                yield Unasked(words, right.certain and right.nopasswd is True, right.because)
    for target, request, decision in singled_out(sudo, account, _ASKING, samples):
        if decision.password is not True and _gains(account, target):
            words = " ".join(part for part in (request.command, request.args or "") if part)
            yield Unasked(words, decision.allowed is True and decision.password is False, decision.because)


def _gains(account: Account, target: Target) -> bool:
    return target.account.uid != account.uid or (target.group is not None and target.group not in account.groups)


def refused(host: Host, account: Account) -> tuple[Line, ...]:
    """The lines by which PAM refuses the account in sudo and in `sudo -i`, asked or not (account phase); empty where it may let it in."""
    if host.sudo.setting(account, "pam_acct_mgmt") != {"off"}:
        found: tuple[Line, ...] = ()
        for name, usual in (("pam_service", "sudo"), ("pam_login_service", "sudo-i")):
            services = {service or usual for service in host.sudo.setting(account, name)}
            try:
                phase = host.pam.account_phase(services.pop(), account, invoker=account, exempt=True)
            except Unseen:
                return ()
            if services or phase:
                return ()
            found = found or phase.closed.because
        return found
    return ()
