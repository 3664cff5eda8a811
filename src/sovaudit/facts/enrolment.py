"""Who must present a one-time code or a token, to which program, and whether they have one that the PAM module there takes.

An account must where PAM, were it enrolled, would open by no other way than with a code or token. The same question asked of what is really
there then tells: it opens with it (held), opens without it (escaped: `nullok` and its like), opens by nothing (shut), or cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from sovaudit.facts import su
from sovaudit.facts.accounts import Account, Password
from sovaudit.facts.escalation import sudo_questions
from sovaudit.facts.factors import Factor, FactorSet, Ways
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.pam_modules import Call
from sovaudit.facts.pam_secrets import google_secret, oath_secret, u2f_secret
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

SECOND = frozenset({Factor.OTP, Factor.TOKEN})
SECRETS = {"pam_google_authenticator.so": google_secret, "pam_oath.so": oath_secret, "pam_u2f.so": u2f_secret}
ELSEWHERE = frozenset(
    "pam_pkcs11.so pam_p11.so pam_poldi.so pam_yubico.so pam_duo.so pam_radius_auth.so pam_radius.so pam_otpw.so pam_rsa_securid.so".split()
)
MAX_INVOKERS = 50


@dataclass(frozen=True, slots=True)
class Demand:
    """One account before one service. state: `held`, `escaped`, `shut` or `unseen`. factors: what it passes with."""

    who: Account
    service: str
    state: str
    factors: FactorSet
    because: tuple[Line, ...]
    gaps: tuple[Gap, ...]


class Enrolment:
    """services: those whose stack holds a module for codes or tokens. unseen: services that were not seen, with their gaps."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.services: set[str] = set()
        self.unseen: dict[str, Gap] = {}
        self._known: dict[str, bool] = {}
        for service in self._doors():
            self._asks(service)

    def demands(self) -> Iterator[Demand]:
        """Every account that must, before every service of its. Accounts that cannot log in are left out."""
        host = self._host
        if not self.services:
            return
        people = [account for account in host.accounts if account.has_shell]
        for account in people:
            for service in self._ssh:
                if service in self.services:
                    yield from self._at_ssh(service, account)
            for service, _ in host.console.services:
                if service in self.services:
                    yield from self._before(service, account, None)
            if host.sudo.installed is not False and account.uid != 0:
                for service, who in sudo_questions(host, account):
                    if self._asks(service):
                        yield from self._before(service, who, account)
        if self._su():
            for root in host.accounts.by_uid(0):
                for service in su.services(host):
                    if self._asks(service):
                        others = [account for account in people if account.uid != 0][:MAX_INVOKERS]
                        yield from next((found for other in others if (found := list(self._before(service, root, other)))), [])

    def _doors(self) -> list[str]:
        host = self._host
        found = [service for service, _ in host.console.services]
        try:
            installed = host.ssh.installed
        except Unseen:
            installed = True
        found += self._ssh if installed else []
        found += ["sudo", "sudo-i"] if host.sudo.installed is not False and not host.sudo.broken else []
        found += su.services(host) if self._su() else []
        return found

    def _su(self) -> bool:
        there = su.programs(self._host)
        return bool(there.usable) or there.gap is not None

    def _asks(self, service: str) -> bool:
        if service not in self._known:
            try:
                stack = self._host.pam.service(service).stack("auth")
                self._known[service] = any(step.module in SECRETS or step.module in ELSEWHERE for step in stack)
            except Unseen as unseen:
                self._known[service] = False
                self.unseen[service] = unseen.gap
            if self._known[service]:
                self.services.add(service)
        return self._known[service]

    @cached_property
    def _ssh(self) -> list[str]:
        """PAM services of sshd: `sshd` but for PAMServiceName."""
        try:
            settings = [server.settings for server in self._host.ssh.servers]
        except Unseen:
            return ["sshd"]
        named = [name for each in settings for name in (each.outside.get("pamservicename"), *each.conditional_values("pamservicename"))]
        return list(dict.fromkeys(name for name in named if name)) or ["sshd"]

    def _at_ssh(self, service: str, account: Account) -> Iterator[Demand]:
        """Before sshd only where some way in, were the account enrolled, goes through the code."""
        for demand in self._before(service, account, None):
            try:
                reached = any(factors & SECOND for factors in self._host.as_if_enrolled.ssh.ways(account).sets)
            except Unseen as unseen:
                yield Demand(account, service, "unseen", demand.factors, demand.because, (unseen.gap,))
                continue
            if reached:
                yield demand

    def _before(self, service: str, who: Account, invoker: Account | None) -> Iterator[Demand]:
        try:
            if not self._must(service, who, invoker):
                return
            actual = self._ways(self._host, service, who, invoker)
        except Unseen as unseen:
            yield Demand(who, service, "unseen", frozenset(), (), (unseen.gap,))
            return
        because = self._secrets(service, who, invoker)
        escaped = next((factors for factors in actual.sets if factors in actual.certain and not factors & SECOND), None)
        if escaped is not None:
            yield Demand(who, service, "escaped", escaped, because, ())
        elif not actual:
            yield Demand(who, service, "shut", frozenset(), because, ())
        elif actual.certain:
            yield Demand(who, service, "held", next(factors for factors in actual.sets if factors in actual.certain), because, ())
        else:
            gaps = tuple(dict.fromkeys(gap for why in actual.possible.values() for gap in why.gaps))
            yield Demand(who, service, "unseen", actual.sets[0], because, gaps)

    def _must(self, service: str, who: Account, invoker: Account | None) -> bool:
        """It would get in with a code, and not without one, whatever its password: a locked one makes no `sufficient` code a duty."""
        supposed = self._host.as_if_enrolled
        given = who if who.password is None or who.password.usable else replace(who, password=Password("set", False, "yescrypt"))
        for one in dict.fromkeys((who, given)):
            ways = self._ways(supposed, service, one, invoker)
            wanted = ways.certain or ways.possible
            if not wanted or not all(factors & SECOND for factors in wanted):
                return False
        return True

    def _ways(self, host: Host, service: str, who: Account, invoker: Account | None) -> Ways:
        if service not in self._ssh:
            return host.pam.enter(service, who, invoker=invoker)
        return host.pam.authenticate(service, who, disallow_null=True) & host.pam.account_phase(service, who)

    def _secrets(self, service: str, who: Account, invoker: Account | None) -> tuple[Line, ...]:
        found: list[Line] = []
        for step in self._host.pam.service(service).stack("auth"):
            if step.module in SECRETS:
                secret = SECRETS[step.module](Call(self._host, service, "auth", who, invoker, False, step))
                found += [step.line, secret.why]
            elif step.module in ELSEWHERE:
                found.append(step.line)
        return tuple(dict.fromkeys(found))
