"""A disabled account opens no session.

`passwd -l` puts a `!` before the stored password and nothing else: sshd under `UsePAM yes` never looks at it when a key is presented. The
leaver whose account was "locked" still comes in, with the key that nobody removed.

Disabled is an account whose stored password begins with `!` (shadow(5)), whose expiry date has come, whose password has been overdue for
longer than the grace period of shadow(5), or that `left` names. `*` alone is no lock: it says that no password fits, as for an account
meant for keys only.
One answer per such account that has a shell, or that a door lets in without one; the doors are SSH and the console.
Passes: no door gives it a session with anything (key, certificate, password, code …). An account in `left` that does not exist passes.
Fails: a door certainly does.
Unknown: one may, depending on something that was not seen; or an account in `left` is not local and others come from a directory.
Not applicable: no account is disabled.
Out of reach: `su` and `sudo -u` from another account, cron jobs and services that run under the account, sessions already open.

Remedy: `usermod -L -e 1 NAME` locks the password and expires the account, which PAM holds to whatever is presented; better, remove the
account and its `authorized_keys`. For an account meant for keys only, `usermod -p '*' NAME`.
"""

from sovaudit.authoring import Host, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts.disablement import words
from sovaudit.facts.doors import sessions
from sovaudit.facts.factors import spell
from sovaudit.model.evidence import Gap


@check("least-privilege.disabled-accounts", severity="high", since="0.1")
def disabled_accounts(host: Host, *, left: tuple[str, ...] = ()) -> Outcomes:
    asked = False
    for account in host.accounts:
        name = account.name
        state = words(account, host.taken_at, left)
        if state == "" and account.shadow_gap is None:
            continue
        found = sessions(host, account)
        if not found and not account.has_shell:
            continue
        asked = True
        if state == "":
            gaps = [account.shadow_gap] if account.shadow_gap else []
            yield unknown("whether {name} is disabled was not seen", subject=name, gaps=gaps, because=account.because, name=name)
        elif found.certain:
            way = found.certain[0]
            yield failed(
                "{name} is {why} and opens a session by {door} with {factors}", subject=name, seen=spell(way.factors),
                because=[*account.because, *way.because], name=name, why=state, door=way.door, factors=spell(way.factors),
            )  # fmt: skip
        elif found.possible:
            way = found.possible[0]
            yield unknown(
                "{name} is {why} and may open a session by {door}", subject=name, gaps=way.gaps, because=[*account.because, *way.because],
                settle="what was not seen of {door}", name=name, why=state, door=way.door,
            )  # fmt: skip
        else:
            text = "{name} is {why} and opens no session"
            yield passed(text, subject=name, seen=state, because=[*account.because, *found.closed], name=name, why=state)
    for name in left:
        if host.accounts.get(name) is None:
            asked = True
            if host.accounts.elsewhere:
                gaps = [Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host") for source in host.accounts.elsewhere]
                yield unknown("{name} is no local account", subject=name, settle="the directory's account of {name}", gaps=gaps, name=name)
            else:
                yield passed("no account is called {name}", subject=name, name=name)
    if not asked:
        yield not_applicable("no account is disabled")
