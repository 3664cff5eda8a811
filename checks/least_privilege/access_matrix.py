"""The rights that are held are those of the declared matrix, and the matrix declares no others.

A matrix of rights that differs from the machines is a wish. What is held and not declared was never decided; what is declared and not held hides
the day on which somebody was given less, or more elsewhere.

Both ways round, for the place that is judged: rows of the matrix (`rights:`) that name it in `place`, or that name none, beside what was seen.
On a host: `ssh` (sshd and PAM let the account in with anything), `root` (uid 0, sudo, doas, or a group that equals root; not su with root's own
password), `group:NAME` (of accounts with a shell that are not root: any group but their private one, which has their name).
In a directory: `admin` (an effective administrator, as the directory checks know them), `group:NAME` (through whatever nesting, of enabled
accounts that are no machines). Groups in `ordinary` give no right. `kinds` says which rights are judged. Accounts are named by login (in a
directory without case) or DN, never by likeness.
One answer per account and right on a host, and for `admin`; one per group of a directory.
Passes: held and declared. Fails: held and not declared; or declared and not held, also where the account does not exist. A row without a place asks a
group only of places that have it.
Unknown: it may be held, or what decides was not seen; a row has a word that is none of this place; a login or group name stands for several; rows of
the matrix could not be read; accounts or groups from elsewhere.
Out of reach: what a group may do in an application, members from other domains, rights of a place that was not audited.

Remedy: take away what nobody decided (`gpasswd -d NAME GROUP`, `deluser`, sudoers), or have it decided and written into the matrix; strike from the
matrix what is no longer held. Name the place of a right that does not hold everywhere.
"""

from sovaudit.authoring import Directory, Gap, Host, Outcomes, Reason, Rights, check, failed, passed, unknown
from sovaudit.facts.listed import spelled
from sovaudit.facts.matrix import State, compare

KINDS = ("ssh", "root", "group", "admin")
LIST = ("rights/source",)
ORDINARY = ("users", "Domain Users", "Domain Computers", "ipausers")


@check("least-privilege.access-matrix", severity="high", since="0.1")
def access_matrix(
    place: Host | Directory, rights: Rights, *, kinds: tuple[str, ...] = KINDS, ordinary: tuple[str, ...] = ORDINARY
) -> Outcomes:
    asked = False
    for row in compare(place, rights, kinds, ordinary):
        asked = True
        name, right, because, gaps = row.subject, row.right, row.because, row.gaps
        subject = f"{name} {right}".strip()
        if row.state is State.EQUAL:
            if name:
                yield passed("{name} holds {right} as declared", subject=subject, because=because, name=name, right=right)
            else:
                yield passed("{right} is held by {count} accounts, as declared", subject=subject, right=right, count=row.count)
        elif row.state is State.UNDECLARED:
            text = "{name} holds {right}, and nobody declared it"
            yield failed(text, subject=subject, seen=right, because=because, evidence=LIST, name=name, right=right)
        elif row.state is State.UNHELD:
            yield failed(
                "{name} is declared for {right} and does not hold it",
                subject=subject,
                because=because,
                evidence=LIST,
                name=name,
                right=right,
            )
        elif row.state is State.ABSENT:
            text = "{name} is declared for {right}, and there is no such account"
            yield failed(text, subject=subject, because=because, evidence=LIST, name=name, right=right)
        elif row.state is State.GROUP:
            text = "{right}: {count} hold it undeclared ({names}), {missing} are declared and do not ({others})"
            yield failed(text, subject=subject, seen=row.names, because=because, right=right, count=row.count, names=row.names or "-",
                         missing=row.missing, others=row.others or "-")  # fmt: skip
        elif row.state is State.FOREIGN:
            text = "the matrix declares {right} for {name}, which is no right that is seen here"
            settle = "one of the words of docs/rights.md, or the place where {right} holds"
            yield unknown(text, subject=subject, gaps=gaps, because=because, settle=settle, name=name, right=right)
        else:
            perhaps = row.state is State.PERHAPS
            seen = "{name} may hold {right}, undeclared" if perhaps else "whether {name} holds {right} was not seen"
            text = seen if name else "not all that hold {right} were seen"
            yield unknown(text, subject=subject, gaps=gaps, because=because, settle="what was not seen of {right}", name=name, right=right)
    for source in place.accounts.elsewhere if isinstance(place, Host) else ():
        asked = True
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        yield unknown("accounts from {source} were not seen", subject=source, settle="the accounts of {source}", gaps=[gap], source=source)
    if rights.gaps:
        asked = True
        text = "rows of the matrix could not be read or believed: {what}"
        yield unknown(text, subject="matrix", gaps=rights.gaps, settle="a matrix without such rows", what=spelled(rights.gaps))
    if isinstance(place, Directory):
        place.complete("accounts", "groups")
    if not asked:
        yield passed("nobody holds a right here, and none is declared", subject="matrix")
