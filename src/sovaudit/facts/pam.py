"""PAM of a host: with which factors a service lets an account in, and which passwords it lets be set.

host.pam.authenticate("login", account)      # Ways
host.pam.account_phase("sshd", account)      # open, or never()
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import Ways, never
from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_flow import Behaviour, solve
from sovaudit.facts.pam_models import behaviour
from sovaudit.facts.pam_modules import Call
from sovaudit.facts.pam_stack import Service, Stacks
from sovaudit.facts.parse.pam_conf import Code

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_OPEN = frozenset({Code.SUCCESS})
_OPEN_ACCOUNT = frozenset({Code.SUCCESS, Code.NEW_AUTHTOK_REQD})  # the login goes on, with a change of password


class Pam:
    """Facts about PAM. Answers are remembered by what decides them, so that many like accounts cost as much as one."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._solved: dict[tuple[object, ...], Ways] = {}
        self._kept: list[tuple[Behaviour, ...]] = []

    @cached_property
    def stacks(self) -> Stacks:
        try:
            system = self.host.os
        except Unseen:
            system = {}
        return Stacks(self.host.files, frozenset(f"{system.get('ID', '')} {system.get('ID_LIKE', '')}".lower().split()))

    def service(self, name: str) -> Service:
        """What libpam loads for a service. Raises Unseen."""
        return self.stacks.service(name)

    def authenticate(self, service: str, account: Account, *, invoker: Account | None = None, disallow_null: bool = False) -> Ways:
        """Factor sets with which pam_authenticate(3) succeeds for this account.

        invoker: who runs the program (su, sudo); None for login and sshd. disallow_null: the program sets PAM_DISALLOW_NULL_AUTHTOK, as sshd
        does unless PermitEmptyPasswords. Factors are the account's own. Raises Unseen where the service's files were not seen.
        """
        return self._ways("auth", service, account, invoker, disallow_null)

    def account_phase(self, service: str, account: Account, *, invoker: Account | None = None) -> Ways:
        """Whether pam_acct_mgmt(3) lets this account in: opens to anybody, or never(). A password that must be changed lets in, with a change."""
        return self._ways("account", service, account, invoker, False)

    def _ways(self, phase: str, name: str, account: Account, invoker: Account | None, disallow_null: bool) -> Ways:
        service = self.service(name)
        if service.broken is not None:
            return never([service.broken])
        stack = service.stack(phase)
        if not stack:
            return never(service.lines[:1])
        behaviours = tuple(behaviour(Call(self.host, service.name, phase, account, invoker, disallow_null, step)) for step in stack)
        key = (service.name, phase, *map(id, behaviours))  # models hand out one object per answer
        if key not in self._solved:
            ways = solve(stack, behaviours, _OPEN if phase == "auth" else _OPEN_ACCOUNT)
            for gap in service.gaps:
                ways = ways.doubtful(gap)
            self._kept.append(behaviours)
            self._solved[key] = ways
        return self._solved[key]
