"""Interactive accounts belong to a person.

What is done under `admin` or `test` was done by whoever knew the password that day. An account with a person's name can be asked, and taken away.

One answer per account with a shell that SSH or the console gives a session, root itself apart (least-privilege.root-ssh and uid0 judge root).
Generic is a name that is nothing but words of `generic`, whatever their case, the digits behind them and the `-`, `_` or `.` between them:
`admin`, `Test02`, `web-admin`; `alice-admin` is not. An id is shared where another account of this host has the same uid.
Passes: the name is not generic and its uid is its own; or it is in `declared`, the approved generic accounts; or nothing opens it.
Fails: a session certainly opens, and the name is generic or the uid shared. Unknown: it may open, or accounts come from a directory.
Not applicable: no account has a shell.
Out of reach: who really uses an account with a person's name.

Remedy: give each person an account (`adduser NAME`), let them rise through sudo, and lock the generic one; or have it approved, and name it in
`declared`.
"""

from sovaudit.authoring import Host, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts.doors import sessions
from sovaudit.facts.naming import GENERIC, is_generic
from sovaudit.model.evidence import Gap


@check("least-privilege.named-accounts", severity="medium", since="0.1")
def named_accounts(host: Host, *, declared: tuple[str, ...] = (), generic: tuple[str, ...] = GENERIC) -> Outcomes:
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
