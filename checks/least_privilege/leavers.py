"""Nobody who has left keeps an enabled account.

The account of somebody who left is a door whose key is outside, and whose use nobody notices. The human resources know the day; the machines
do not, until somebody tells them.

Each account of a host or a directory is joined with the roster (`people:`) by what somebody declared, never by likeness of names: the roster's
`account` column (a login; for a directory also a DN or an address), or the id of the person where the directory's account itself bears it
(employeeNumber, employeeID, the address of mail). A person who declares no account owns the one whose login is the id; `-` declares that there is
none. Hosts compare logins exactly, directories without case. Accounts of people in the roster who are still here are not judged, nor are those of
nobody.
Has left: the status is `left`, unless `left_on` is yet to come; without a status, `left_on` is over. `statuses` adds others, such as `suspended`.
Enabled, on a host: SSH or the console gives the account a session with anything, as least-privilege.dormant has it. In a directory: it is neither
disabled nor locked for ever, nor past an end that the server itself holds to (AD, FreeIPA).
One answer per account of somebody who has left, or may have.
Passes: it is not enabled; or no account here belongs to such a person. Fails: it is enabled.
Unknown: whether it is was not seen; the standing of its owner is unclear (rows that contradict each other, `active` with a last day that is over, a
date or an id that could not be read), or only some of its several owners have left; a leaver declares no login while the place has enabled
accounts of nobody in the roster; rows of the roster could not be read; accounts from elsewhere were not seen.
Out of reach: `su`, passwords of shared accounts that a leaver still knows, sessions that are open already.

Remedy: on a host `usermod -L -e 1 NAME` and remove its keys, better `deluser NAME`; in a directory disable the account. Let the departure itself do
it: a daily job that reads the same roster.
"""

from sovaudit.authoring import Directory, Gap, Host, Outcomes, Reason, Roster, check, failed, passed, unknown
from sovaudit.facts.listed import spelled
from sovaudit.facts.ownership import Ownership, use
from sovaudit.facts.roster import Standing

LIST = ("people/source",)


@check("least-privilege.leavers", severity="high", since="0.1")
def leavers(place: Host | Directory, people: Roster, *, statuses: tuple[str, ...] = ("left",)) -> Outcomes:
    ownership = Ownership(place, people)
    wanted = {*statuses, Standing.UNCLEAR}
    asked = False
    for account, whose in ownership.owned:
        if whose.standing not in wanted:
            continue
        asked = True
        state, how = use(place, account)
        name, who, because = account.name, whose.ids, [*whose.because, *how]
        if state is False:
            yield passed("{name} is not enabled", subject=name, because=because, name=name)
        elif whose.standing is Standing.UNCLEAR:
            text = "whether the owner of {name} has left is unclear: {why}"
            gap = Gap("people", Reason.AMBIGUOUS, whose.why)
            settle = "one clear row of the roster for {who}"
            yield unknown(text, subject=name, gaps=[gap], because=because, evidence=LIST, settle=settle, name=name, why=whose.why, who=who)
        elif state is True:
            text = "{name} is enabled, and {who} is no longer here"
            yield failed(text, subject=name, seen=whose.standing, because=because, evidence=LIST, name=name, who=who)
        else:
            text = "{name} belongs to {who}, who is no longer here, and whether it is enabled was not seen"
            yield unknown(text, subject=name, gaps=state, because=because, settle="whether {name} is enabled", name=name, who=who)
    untied = ownership.untied(wanted)
    if untied and any(use(place, account)[0] is not False for account in ownership.strangers):
        asked = True
        text = "{count} persons who have left, or may have, declare no login, and some accounts here are nobody's: the first is {who}"
        because = [line for person in untied[:5] for line in person.because[:1]]
        settle = "their logins in the roster (`-` for none)"
        yield unknown(text, subject="roster", because=because, settle=settle, count=len(untied), who=untied[0].id)
    for source in place.accounts.elsewhere if isinstance(place, Host) else ():
        asked = True
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        yield unknown("accounts from {source} were not seen", subject=source, settle="the accounts of {source}", gaps=[gap], source=source)
    if people.gaps:
        asked = True
        text = "rows of the roster could not be read or believed: {what}"
        yield unknown(text, subject="roster", gaps=people.gaps, settle="a roster without such rows", what=spelled(people.gaps))
    if isinstance(place, Directory):
        place.complete("accounts")
    if not asked:
        yield passed("no account here belongs to somebody who has left", subject="roster")
