"""One id is one person's, for ever.

Logs, files and rights name numbers and logins. Where two people have one, or where a leaver's was given to somebody else, what the first did and
owned becomes the second's.

Over all hosts and directories of the audit together. Ids are: the uid of an account with a number for people on a host (from UID_MIN of login.defs(5)
up), whether or not it has a shell today; uidNumber, SID or entryUUID and login of a person's or a service's account in a directory.
Whose an account is, says the roster (`people:`) as least-privilege.leavers joins it, else the mark that a directory's account bears (employeeNumber,
employeeID, the address of mail). Two accounts of one person may share an id. Two whose owner nobody knows are one person's if they have one login,
whatever its case; names are never compared by likeness.
Passes: every id is one person's. Fails: accounts of two persons, or of two logins that nobody joins, have one; or the roster gives one login to two
persons, as it does when a leaver's login is given away. One answer per such id.
Unknown: the accounts of a place were not seen; they come from elsewhere, and no directory is in the audit; rows of the roster could not be read.
`across = false` compares numbers within each place only, for a site whose hosts share neither files nor logs.
Out of reach: ids of accounts that are gone. uid 0 is judged by least-privilege.uid0; machines' and built-in accounts are not.

Remedy: give one of them a new number (`usermod -u`, then `find / -uid OLD`), never an old one; lock a leaver's account instead of removing it, so
that its login and number stay taken.
"""

from sovaudit.authoring import Directory, Gap, Host, Outcomes, Reason, Roster, Unseen, check, failed, passed, unknown
from sovaudit.facts.identities import Identities
from sovaudit.facts.listed import spelled

LIST = ("people/source",)


@check("least-privilege.duplicate-ids", severity="high", since="0.1")
def duplicate_ids(places: tuple[Host | Directory, ...], people: Roster | None, *, across: bool = True) -> Outcomes:
    identities, asked, elsewhere, directories = Identities(people, across=across), False, [], 0
    for place in places:
        directories += isinstance(place, Directory)
        try:
            identities.add(place)
            if isinstance(place, Host):
                elsewhere += [(place.name, source) for source in place.accounts.elsewhere]
            else:
                place.complete("accounts")
        except Unseen as unseen:
            asked = True
            yield unknown("the accounts of {place} were not all seen", subject=place.name, gaps=[unseen.gap], place=place.name)
    for one in identities.shared():
        asked = True
        because = [holder.because(one.what) for holder in one.holders]
        if one.persons:
            because += [line for person in one.persons for line in person.because[:1]]
            who = ", ".join(person.id or "?" for person in one.persons[:5])
            gone = ", ".join(one.gone[:5])
            text = "{what} is {who}'s, of whom {gone} has left" if one.gone else "{what} is {who}'s: several persons have it"
            yield failed(text, subject=one.what, seen=who, because=because, evidence=LIST, what=one.what, who=who, gone=gone)
        else:
            who = ", ".join(holder.words for holder in one.holders[:5])
            yield failed("{what} stands for several persons: {who}", subject=one.what, seen=who, because=because, what=one.what, who=who)
    for host, source in elsewhere if not directories else ():
        asked = True
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        text = "accounts of {host} from {source} were not seen"
        yield unknown(text, subject=host, settle="the directory behind {source}", gaps=[gap], host=host, source=source)
    if people is not None and people.gaps:
        asked = True
        text = "rows of the roster could not be read or believed: {what}"
        yield unknown(text, subject="roster", gaps=people.gaps, settle="a roster without such rows", what=spelled(people.gaps))
    if not asked:
        yield passed("{count} ids are one person's each", subject="ids", count=identities.count)
