"""System accounts do not log in.

Accounts that run services have no person behind them: nobody notices when one is used, and its password, where it has one, is known to
all who ever installed the service.

A system account is one with a number below UID_MIN of login.defs(5), 1000 where that says nothing, other than root's, or `nobody` (65534).
One answer per system account, by SSH and at the console.
Passes: no door gives it a session. A shell alone is no fault where no password fits and no key opens, and is named; nor is a key that
sshd will not take.
Fails: a door certainly gives it a session: a shell, a forced command, or sftp inside sshd.
Unknown: one may, depending on something that was not seen.
Not applicable: there is no system account.
Out of reach: what root, or an account with such a right in sudo, starts under the account's name.

Remedy: `usermod -s /usr/sbin/nologin -p '*' NAME`, and remove its `authorized_keys`; a service that must be reached by SSH gets an account
above UID_MIN and a person who answers for it.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.doors import sessions
from sovaudit.facts.factors import spell
from sovaudit.facts.parse.login_defs import uid_min


@check("least-privilege.service-accounts", severity="high", since="0.1")
def service_accounts(host: Host) -> Outcomes:
    first = uid_min(host.files)
    asked = False
    for account in host.accounts:
        if account.uid == 0 or (account.uid >= first and account.uid != 65534):
            continue
        asked = True
        name = account.name
        found = sessions(host, account)
        if found.certain:
            way = found.certain[0]
            yield failed(
                "{name} opens a session by {door} with {factors}", subject=name, seen=spell(way.factors),
                because=[*account.because, *way.because], name=name, door=way.door, factors=spell(way.factors),
            )  # fmt: skip
        elif found.possible:
            way = found.possible[0]
            yield unknown(
                "{name} may open a session by {door}", subject=name, gaps=way.gaps, because=[*account.because, *way.because],
                settle="what was not seen of {door}", name=name, door=way.door,
            )  # fmt: skip
        elif account.has_shell:
            text = "{name} has the shell {shell}, and nothing opens it"
            yield passed(text, subject=name, because=account.because, name=name, shell=account.shell or "/bin/sh")
        else:
            yield passed("{name} has no shell", subject=name, because=account.because, name=name)
    if not asked:
        yield not_applicable("there is no system account")
