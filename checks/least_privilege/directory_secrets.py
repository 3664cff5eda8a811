"""The directory's own keys and administrators' passwords are young, nobody adds machines, the guest is off.

With the key of krbtgt anybody writes themselves tickets of any user, until it has been changed twice. An administrator's password that was
caught years ago still opens everything.

One answer each. AD: `krbtgt` changed within `max_key_days` days, `ms-DS-MachineAccountQuota` at most `machines`, the guest (by RID, whatever its
name) disabled. Every product: the password of each enabled administrator (machines and managed accounts apart) changed within
`max_admin_days` days, or to be changed at the next login. `questions` chooses among `ticket-key`, `quota`, `guest` and `administrators`, and may ask
more: `controllers` (the passwords of controllers, `max_controller_days`), `smart-cards` (hashes of accounts that need a card expire), `strangers`
(Pre-Windows 2000 Compatible Access holds nobody without a name).
Passes: so. Fails: older, more, or enabled. Unknown: not shown to the audit account, or the directory does not record it.
Not applicable: the product keeps no such thing and nobody enabled is an administrator, and that was seen.
Out of reach: whether krbtgt's key was changed twice; keys of read-only controllers.

Remedy: change the password of krbtgt twice, a day apart; `Set-ADDomain -Replace @{"ms-DS-MachineAccountQuota"="0"}`; disable the guest; let
administrators change their passwords.
"""

from datetime import datetime

from sovaudit.authoring import Directory, Gap, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts.directories.model import Kind, Secret
from sovaudit.facts.parse.ldap_times import Special

GOOD = {
    Secret.TICKET_KEY: "the key of {name} was changed {value} days ago",
    Secret.QUOTA: "an ordinary account may add {value} machines to the domain",
    Secret.GUEST: "the guest account {name} is disabled",
    Secret.CONTROLLER: "the password of controller {name} was changed {value} days ago",
    Secret.CARD: "hashes of accounts that need a smart card expire",
    Secret.STRANGERS: "people without a name are not in {name}",
}
BAD = {
    Secret.TICKET_KEY: "the key of {name} was changed {value} days ago",
    Secret.QUOTA: "an ordinary account may add {value} machines to the domain",
    Secret.GUEST: "the guest account {name} is enabled",
    Secret.CONTROLLER: "the password of controller {name} was changed {value} days ago",
    Secret.CARD: "hashes of accounts that need a smart card never expire",
    Secret.STRANGERS: "people without a name are in {name}, which reads every account",
}
USUAL = ("ticket-key", "quota", "guest", "administrators")


@check("least-privilege.directory-secrets", severity="high", since="0.2")
def directory_secrets(
    directory: Directory,
    *,
    max_key_days: int = 365,
    max_admin_days: int = 365,
    max_controller_days: int = 45,
    machines: int = 0,
    questions: tuple[str, ...] = USUAL,
) -> Outcomes:
    limits = {Secret.TICKET_KEY: max_key_days, Secret.QUOTA: machines, Secret.CONTROLLER: max_controller_days}
    asked = False
    for kept in directory.view.secrets():
        if kept.secret.value not in questions:
            continue
        asked = True
        name, value = kept.name, kept.value
        if isinstance(value, Gap):
            text = "{name} was not seen"
            yield unknown(text, subject=name, gaps=[value], because=kept.because, settle="the right to read {name}", name=name)
        elif value > limits.get(kept.secret, 0):
            yield failed(BAD[kept.secret], subject=name, seen=str(value), because=kept.because, name=name, value=value)
        else:
            yield passed(GOOD[kept.secret], subject=name, seen=str(value), because=kept.because, name=name, value=value)
    if "administrators" in questions:
        for outcome in _administrators(directory, max_admin_days):
            asked = True
            yield outcome
    directory.complete("accounts")
    if not asked:
        here = "the product keeps no such secrets, and nobody enabled rules the directory"
        nothing = "nothing that was asked about is kept here"
        yield not_applicable(here if "administrators" in questions else nothing)


def _administrators(directory: Directory, max_admin_days: int) -> Outcomes:
    admins = directory.admins
    for admin in admins.enabled:
        account, name = admin.account, admin.account.name
        if account.kind in (Kind.MACHINE, Kind.SERVICE):
            continue
        changed = account.password_set
        if isinstance(changed, datetime):
            days = (directory.taken_at - changed).days
            text = "administrator {name} has had the same password for {days} days"
            if days <= max_admin_days:
                yield passed(text, subject=name, seen=str(days), because=admin.because, name=name, days=days)
            elif isinstance(account.enabled, Gap):
                yield unknown(text, subject=name, gaps=[account.enabled], settle="whether {name} is enabled", name=name, days=days)
            else:
                yield failed(text, subject=name, seen=str(days), because=admin.because, name=name, days=days)
        elif changed is Special.MUST_CHANGE:
            text = "administrator {name} must change the password at the next login"
            yield passed(text, subject=name, because=admin.because, name=name)
        else:
            gap = Gap(f"password-age:{name}", Reason.ABSENT, "the directory shows no time of the last change")
            text = "since when administrator {name} has had the same password was not seen"
            settle = "the right to read when passwords were changed"
            yield unknown(text, subject=name, gaps=[gap], because=admin.because, settle=settle, name=name)
    if admins.gaps:
        text = "who else rules the directory was not seen"
        yield unknown(text, subject="administrators", gaps=admins.gaps, settle="the right to read access rules and groups")
