"""What Active Directory leaves open: delegation, passwords that can be tried offline, exemptions, keys that are never changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sovaudit.facts.directories import ad_names as names
from sovaudit.facts.directories.ad_names import Uac
from sovaudit.facts.directories.exemptions import weaker
from sovaudit.facts.directories.model import Account, Exempt, Exemption, Hazard, Kept, Kind, Recording, Risk, Risks, Secret, Storage
from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.security_descriptor import descriptor
from sovaudit.facts.parse.sid import relative
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.directories.ad import ActiveDirectory

RC4 = 0x4  # msDS-SupportedEncryptionTypes (MS-KILE 2.2.7)


class Weak:
    """The weak points of one domain."""

    def __init__(self, view: ActiveDirectory) -> None:
        self._view = view
        self._directory = view.directory
        self._table = view.table

    def _flag(self, account: Account, flag: Uac) -> bool:
        return bool(self._table.flags.get(account.dn, 0) & flag)

    def _uac(self, account: Account) -> tuple[Line, ...]:
        return self._view.uac_line(account)

    # Delegation and roasting

    def risks(self) -> Risks:
        live = [account for account in self._directory.accounts if account.enabled is not False]
        hidden = next((account.enabled for account in live if isinstance(account.enabled, Gap)), None)
        gap = self._directory.gap("accounts") or hidden
        gaps = dict.fromkeys(Hazard, gap) if gap is not None else {}
        for hazard, attribute in ((Hazard.SERVICE_TICKET, "servicePrincipalName"), (Hazard.RESOURCE, "msDS-AllowedToActOnBehalfOfOtherIdentity"),
                                  (Hazard.CONTROLLER, "msDS-AllowedToDelegateTo"), (Hazard.TRANSITION, "msDS-AllowedToDelegateTo"),
                                  (Hazard.CONTROLLER_TRANSITION, "msDS-AllowedToDelegateTo")):  # fmt: skip
            if attribute in self._table.hidden:
                gaps.setdefault(hazard, Gap(f"attribute:{attribute}", Reason.DENIED, "it is not shown to this account"))
        for dn, data in self._table.resources.items():
            try:
                descriptor(data)
            except ValueError as error:
                gaps.setdefault(Hazard.RESOURCE, Gap(f"resource:{dn}", Reason.AMBIGUOUS, str(error)))
        admins = self._view.directory.admins
        if admins.gaps:
            gaps.setdefault(Hazard.SERVICE_TICKET, admins.gaps[0])
        ruling = {admin.account.dn for admin in admins.members}
        if admins.gaps:
            gaps.setdefault(Hazard.DELEGABLE, admins.gaps[0])
            gaps.setdefault(Hazard.UNPROTECTED, admins.gaps[0])
        delegable = (risk for admin in admins.enabled for risk in self._delegable(admin.account))
        found = (*(risk for account in live for risk in self._of(account, ruling)), *self._resources(ruling), *delegable)
        return Risks(found, {hazard: one for hazard, one in gaps.items() if one is not None}, len(live))

    def _of(self, account: Account, ruling: set[str]) -> Iterator[Risk]:
        flags = self._table.flags.get(account.dn, 0)
        targets = self._table.delegates.get(account.dn, ())
        if not flags and not targets and account.dn not in self._table.services:
            return
        controller = flags & (Uac.SERVER_TRUST | Uac.PARTIAL_SECRETS) and account.kind is Kind.MACHINE
        if flags & Uac.TRUSTED_FOR_DELEGATION and not controller:
            yield Risk(account, Hazard.UNCONSTRAINED, because=self._uac(account))
        if targets and not controller:
            lines = tuple(Line(account.dn, 0, f"msDS-AllowedToDelegateTo: {target}") for target in targets)
            to = [target for target in targets if self._privileged(target, ruling)]
            if to:
                hazard = Hazard.CONTROLLER_TRANSITION if flags & Uac.TRUSTED_TO_AUTH_FOR_DELEGATION else Hazard.CONTROLLER
                yield Risk(account, hazard, ", ".join(to), (*self._uac(account), *lines))
            elif flags & Uac.TRUSTED_TO_AUTH_FOR_DELEGATION:
                yield Risk(account, Hazard.TRANSITION, ", ".join(targets), (*self._uac(account), *lines))
        if flags & Uac.DONT_REQ_PREAUTH:
            yield Risk(account, Hazard.NO_PREAUTHENTICATION, because=self._uac(account))
        spns = self._table.services.get(account.dn)
        if spns and account.dn in ruling and account.kind in (Kind.PERSON, Kind.BUILTIN):
            lines = tuple(Line(account.dn, 0, f"servicePrincipalName: {spn}") for spn in spns)
            yield Risk(account, Hazard.SERVICE_TICKET, ", ".join(spns), lines)

    def _delegable(self, account: Account) -> Iterator[Risk]:
        """Protected Users binds controllers from functional level 2012 R2 on."""
        if account.dn not in self._directory.by_dn or account.kind is Kind.MACHINE:
            return
        group = self._view.control.principals.group_of.get(f"{self._view.domain_sid}-{names.PROTECTED_USERS}", "")
        if not (self._view.level >= names.PROTECTING and self._directory.groups.contains(group, account.dn)):
            yield Risk(account, Hazard.UNPROTECTED, because=self._uac(account))
            if not self._flag(account, Uac.NOT_DELEGATED):
                yield Risk(account, Hazard.DELEGABLE, because=self._uac(account))

    def _privileged(self, target: str, ruling: set[str]) -> bool:
        """Whether a service is a controller's or an administrator's. The kind of service is no bound: whoever holds a ticket may rewrite it."""
        parts = target.lower().split("/")
        host = parts[1].partition(":")[0] if len(parts) > 1 else ""
        if parts[0] == "krbtgt" or host in self._table.hosts:
            return True
        return any(dn in ruling and target.lower() in (spn.lower() for spn in spns) for dn, spns in self._table.services.items())

    def _resources(self, ruling: set[str]) -> Iterator[Risk]:
        principals = self._view.control.principals
        for dn, data in self._table.resources.items():
            account = self._directory.by_dn[dn]
            guarded = dn in self._table.controllers or dn in ruling
            try:
                entries = descriptor(data).dacl
            except ValueError:
                continue  # said in the gaps
            sids = ["S-1-1-0"] if entries is None else [ace.sid for ace in entries if ace.allows]
            bad = [
                sid
                for sid in dict.fromkeys(sids)
                if principals.broad(sid) or (guarded and not self._trusted(sid, ruling) and principals.gone(sid) is not True)
            ]
            if bad and account.enabled is not False:
                lines = tuple(Line(dn, 0, f"msDS-AllowedToActOnBehalfOfOtherIdentity: allows {sid}") for sid in bad)
                yield Risk(account, Hazard.RESOURCE, ", ".join(principals.name(sid) for sid in bad), lines)

    def _trusted(self, sid: str, ruling: set[str]) -> bool:
        members = self._view.control.principals.members(sid)
        return bool(members) and all(member in ruling or member in self._table.controllers for member in members)

    # Exemptions

    def exempt(self) -> tuple[Sequence[Exempt], Sequence[Gap]]:
        policies, directory = self._view.policies_of, self._directory
        gaps: list[Gap] = []
        found: list[Exempt] = []
        default = policies.domain
        less: dict[str, str] = {}
        for account in policies.subjects():
            flags = self._view.flags(account)
            if isinstance(flags, Gap):
                gaps += [flags] if flags not in gaps else []
                continue
            name = policies.of(account)
            if flags & Uac.PASSWD_NOTREQD:
                found.append(Exempt(account, Exemption.NO_PASSWORD, self._uac(account), less="PASSWD_NOTREQD"))
            if flags & Uac.DONT_EXPIRE_PASSWORD:
                found.append(Exempt(account, Exemption.NEVER_EXPIRES, self._uac(account), less="DONT_EXPIRE_PASSWORD"))
            policy = policies.policy(name) if name else policies.doubt
            if isinstance(policy, Gap) or isinstance(default, Gap):
                one = policy if isinstance(policy, Gap) else default
                assert isinstance(one, Gap)
                gaps += [one] if one not in gaps else []
                continue
            if name == policies.domain_name:
                continue
            if name not in less:
                less[name], unseen = weaker(policy, default)
                gaps += [gap for gap in unseen if gap not in gaps]
            if less[name]:
                found.append(Exempt(account, Exemption.WEAKER, policy.because, name, less[name]))
        gap = directory.gap("accounts")
        return found, [*gaps, *([gap] if gap is not None else [])]

    # Secrets

    def secrets(self) -> Iterator[Kept]:
        by_rid = {relative(account.key): account for account in self._directory.accounts if account.kind is Kind.BUILTIN}
        key = by_rid.get(names.KRBTGT)
        if key is None:
            yield Kept(Secret.TICKET_KEY, "krbtgt", self._directory.gap("accounts") or _hidden("krbtgt", "account"))
        elif isinstance(key.password_set, datetime):
            age = (self._directory.taken_at - key.password_set).days
            yield Kept(Secret.TICKET_KEY, key.name, age, (Line(key.dn, 0, f"pwdLastSet: {key.password_set:%Y-%m-%d}"),))
        else:
            yield Kept(Secret.TICKET_KEY, key.name, _hidden("pwdLastSet"))
        guest = by_rid.get(names.GUEST)
        if guest is None:
            yield Kept(Secret.GUEST, "Guest", self._directory.gap("accounts") or _hidden("Guest", "account"))
        else:
            state: int | Gap = guest.enabled if isinstance(guest.enabled, Gap) else int(guest.enabled)
            yield Kept(Secret.GUEST, guest.name, state, guest.because or self._uac(guest))
        yield from self._controllers()
        yield self._strangers()
        try:
            head = self._directory.only("domain")
        except Unseen as unseen:
            yield Kept(Secret.QUOTA, "ms-DS-MachineAccountQuota", unseen.gap)
            return
        quota = head.number("ms-DS-MachineAccountQuota") if head is not None else None
        if quota is None or head is None:
            yield Kept(Secret.QUOTA, "ms-DS-MachineAccountQuota", _hidden("ms-DS-MachineAccountQuota"))
        else:
            yield Kept(Secret.QUOTA, "ms-DS-MachineAccountQuota", quota, (head.line("ms-DS-MachineAccountQuota"),))

        if any(flags & Uac.SMARTCARD_REQUIRED and not flags & Uac.DISABLED for flags in self._table.flags.values()):
            name = "msDS-ExpirePasswordsOnSmartCardOnlyAccounts"
            word = head.text(name).upper() if head is not None else ""
            rolled: int | Gap = int(word != "TRUE") if word in ("TRUE", "FALSE") else _hidden(name)
            yield Kept(Secret.CARD, name, rolled, (head.line(name),) if head is not None and word else ())

    def _controllers(self) -> Iterator[Kept]:
        for account in self._directory.accounts:
            if account.dn in self._table.controllers and account.enabled is not False:
                changed = account.password_set
                if isinstance(changed, datetime):
                    line = Line(account.dn, 0, f"pwdLastSet: {changed:%Y-%m-%d}")
                    yield Kept(Secret.CONTROLLER, account.name, (self._directory.taken_at - changed).days, (line,))
                else:
                    yield Kept(Secret.CONTROLLER, account.name, _hidden("pwdLastSet"))

    def _strangers(self) -> Kept:
        """Pre-Windows 2000 Compatible Access (S-1-5-32-554) reads every attribute of every account."""
        dn = self._view.control.principals.group_of.get("S-1-5-32-554")
        name = "Pre-Windows 2000 Compatible Access"
        if dn is None:
            return Kept(Secret.STRANGERS, name, self._directory.gap("groups") or _hidden(name, "group"))
        members = self._directory.groups.members(dn)
        foreign = self._view.foreign
        found = [member for member in members if foreign.get(member, "") == "S-1-5-7"]
        if found:
            return Kept(Secret.STRANGERS, name, 1, (Line(dn, 0, f"member: {found[0]}"),))
        doubt = self._directory.groups.doubt(dn) or next((_hidden(one, "member") for one in members if self._unknown(one)), None)
        return Kept(
            Secret.STRANGERS, name, doubt if doubt is not None else 0, (Line(dn, 0, f"{len(members)} members, none of them Anonymous"),)
        )

    def _unknown(self, member: str) -> bool:
        return member.startswith("cn=s-1-") and not self._view.foreign.get(member)

    # Storage and records

    def storage(self) -> tuple[Sequence[Storage], Sequence[Gap]]:
        """Reversible encryption by the domain, a settings object or an account's flag; keys of DES or RC4 alone."""
        gaps: list[Gap] = []
        found: list[Storage] = []
        try:
            head = self._directory.only("domain")
        except Unseen as unseen:
            head = None
            gaps.append(unseen.gap)
        properties = head.number("pwdProperties") if head is not None else None
        if head is not None and properties is not None:
            scheme = "reversible" if properties & names.CLEARTEXT else "one-way"
            found.append(Storage(self._view.domain_name, scheme, (head.line("pwdProperties"),)))
        elif not gaps:
            gaps.append(_hidden("pwdProperties"))
        policies = self._view.policies_of
        for settings in policies.objects.values():
            if settings.reversible is True:
                line = Line(settings.dn, 0, "msDS-PasswordReversibleEncryptionEnabled: TRUE")
                found.append(Storage(settings.dn, "reversible", (line,)))
            elif isinstance(settings.reversible, Gap):
                gaps.append(settings.reversible)
        if not policies.all_seen and policies.fine_grained:
            gaps.append(policies.doubt)
        for account in self._directory.accounts:
            if account.enabled is False:
                continue
            if isinstance(account.enabled, Gap):
                gaps += [account.enabled] if account.enabled not in gaps else []
            if self._flag(account, Uac.REVERSIBLE):
                found.append(Storage(account.name, "reversible", self._uac(account)))
            if self._flag(account, Uac.USE_DES_KEY_ONLY):
                found.append(Storage(f"{account.name}: Kerberos", "DES", self._uac(account)))
            kinds = self._table.ciphers.get(account.dn)
            if kinds and not self._flag(account, Uac.USE_DES_KEY_ONLY):
                line = Line(account.dn, 0, f"msDS-SupportedEncryptionTypes: {kinds}")
                found.append(Storage(f"{account.name}: Kerberos", "RC4" if kinds & RC4 else "DES", (line,)))
        return found, gaps

    def recording(self, what: str) -> Sequence[Recording]:
        """The audit policy stands in SYSVOL and on each controller, not in the directory."""
        gap = Gap(f"audit-policy:{what}", Reason.UNSUPPORTED, "LDAP does not show a domain's audit policy, nor how long its logs are kept")
        text = "auditpol /get /category:* and wevtutil gl Security on each controller"
        return (Recording("audit policy", gap, gap, text=text),)


def _hidden(name: str, what: str = "attribute") -> Gap:
    return Gap(f"{what}:{name}", Reason.DENIED, "it is not shown to this account")
