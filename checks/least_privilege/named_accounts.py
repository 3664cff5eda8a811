"""Interactive accounts belong to a person.

What is done under `admin` or `test` was done by whoever knew the password that day. An account with a person's name can be asked, and taken away.

On a host, one answer per account with a shell that SSH or the console gives a session, root itself apart (least-privilege.root-ssh and uid0 judge
root). In a directory, one per account of a person, as its class and type say; the accounts of services and machines, and those that the product made
itself, are judged apart (least-privilege.directory-privileged).
Generic is a name that is nothing but words of `generic`, whatever their case, the digits behind them and the `-`, `_` or `.` between them:
`admin`, `Test02`, `web-admin`; `alice-admin` is not. An id is shared where another account of the place has the same uid or uidNumber.
Passes: the name is not generic and its number is its own; or it is in `declared`, the approved generic accounts; or nothing opens it, or the
directory has it disabled.
Fails: a session certainly opens, or the account is enabled in the directory, and the name is generic or the number shared.
Unknown: it may open, whether it is enabled was not seen, or accounts come from elsewhere.
Not applicable: no account has a shell, or is a person's.
Out of reach: who really uses an account with a person's name.

Remedy: give each person an account (`adduser NAME`), let them rise through sudo, and lock the generic one; or have it approved, and name it in
`declared`.
"""

from sovaudit.authoring import Directory, Host, Line, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts.directories.model import Kind
from sovaudit.facts.doors import sessions
from sovaudit.facts.naming import GENERIC, is_generic
from sovaudit.model.evidence import Gap


@check("least-privilege.named-accounts", severity="medium", since="0.1")
def named_accounts(place: Host | Directory, *, declared: tuple[str, ...] = (), generic: tuple[str, ...] = GENERIC) -> Outcomes:
    if isinstance(place, Host):
        yield from _host(place, declared, generic)
    else:
        yield from _directory(place, declared, generic)


def _host(host: Host, declared: tuple[str, ...], generic: tuple[str, ...]) -> Outcomes:
    asked = False
    owners: dict[int, list[str]] = {}
    for account in host.accounts:
        owners.setdefault(account.uid, []).append(account.name)
    for account in host.accounts:
        name = account.name
        if not account.has_shell or (name == "root" and account.uid == 0):
            continue
        asked = True
        others = [other for other in owners[account.uid] if other != name]
        if name in declared:
            yield passed("{name} is declared", subject=name, name=name)
            continue
        if not others and not is_generic(name, generic):
            yield passed("{name} is a name of its own", subject=name, because=account.because[:1], name=name)
            continue
        found = sessions(host, account)
        if not found:
            yield passed("nothing opens {name}", subject=name, because=found.closed, name=name)
        elif not found.certain:
            gaps = [gap for way in found.possible for gap in way.gaps]
            text = "{name} is not one person's, and may log in"
            yield unknown(text, subject=name, gaps=gaps, because=account.because, settle="what was not seen of {name}", name=name)
        elif others:
            text = "{name} logs in with uid {uid}, which is {other}'s too"
            yield failed(text, subject=name, seen=str(account.uid), because=account.because, name=name, uid=account.uid, other=others[0])
        else:
            yield failed("{name} logs in and is nobody's name", subject=name, seen=name, because=account.because, name=name)
    for source in host.accounts.elsewhere:
        asked = True
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        yield unknown("accounts from {source} were not seen", subject=source, settle="the accounts of {source}", gaps=[gap], source=source)
    if not asked:
        yield not_applicable("no account has a shell")


def _directory(directory: Directory, declared: tuple[str, ...], generic: tuple[str, ...]) -> Outcomes:
    asked = False
    numbers: dict[int, list[str]] = {}
    approved = {name.casefold() for name in declared}
    for account in directory.accounts:
        if account.uid_number is not None and account.kind in (Kind.PERSON, Kind.SERVICE):
            numbers.setdefault(account.uid_number, []).append(account.dn)
    for account in directory.accounts:
        if account.kind is not Kind.PERSON:
            continue
        asked = True
        name, because = account.name, account.because
        others = len(numbers[account.uid_number]) - 1 if account.uid_number is not None else 0
        if name.casefold() in approved:
            yield passed("{name} is declared", subject=name, name=name)
        elif not others and not is_generic(name, generic):
            yield passed("{name} is a name of its own", subject=name, name=name)
        elif account.enabled is False:
            yield passed("{name} is not enabled", subject=name, because=because, name=name)
        elif account.enabled is not True:
            text = "{name} is not one person's, and may log in"
            yield unknown(text, subject=name, gaps=[account.enabled], settle="whether {name} is enabled", name=name)
        elif others:
            number = account.uid_number or 0
            other = next(directory.by_dn[dn].name for dn in numbers[number] if dn != account.dn)
            because = (Line(account.dn, 0, f"uidNumber: {number}"),)
            text = "{name} logs in with uid {uid}, which is {other}'s too"
            yield failed(text, subject=name, seen=str(number), because=because, name=name, uid=number, other=other)
        else:
            because = (Line(account.dn, 0, "enabled"),)
            yield failed("{name} logs in and is nobody's name", subject=name, seen=name, because=because, name=name)
    if not asked:
        yield not_applicable("no account is a person's")
    directory.complete("accounts")
