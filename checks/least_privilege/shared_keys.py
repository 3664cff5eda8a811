"""One key opens accounts of one person only.

A private key that two people hold, or that one person uses under two names, makes the log's "who" a guess; and when one of them leaves, nobody
dares to remove it.

Over all hosts of the audit together, and within one: one answer per key, named by its fingerprint (`ssh-keygen -l`), over the keys that really
take part in a session somewhere, as least-privilege.authorized-keys finds them.
A person is an account name: the same name on several hosts is one person, two names are two, whatever their uid. Accounts in `declared` belong to
nobody in particular (root of a site that is run so, a deployment account) and do not count.
Passes: the accounts that a key opens have one name, apart from those declared.
Fails: a key certainly opens accounts of two names, root's included unless it is declared.
Unknown: it may; or on some host the keys were not all seen, or come from AuthorizedKeysCommand.
Not applicable: no key opens any account.
Certificates are not compared: an authority is meant to open many accounts. Out of reach: copies of a private half, and two keys of one person.

Remedy: give each person a key of their own; let people become root through sudo, not with their key in root's `authorized_keys`.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts.key_places import Holders


@check("least-privilege.shared-keys", severity="high", since="0.1")
def shared_keys(hosts: tuple[Host, ...], *, declared: tuple[str, ...] = ()) -> Outcomes:
    holders = Holders()
    asked = False
    for host in hosts:
        try:
            holders.add(host)
        except Unseen as unseen:
            asked = True
            yield unknown("the keys of {host} were not seen", subject=host.name, gaps=[unseen.gap], host=host.name)
    for place, gaps in holders.unseen.items():
        asked = True
        yield unknown("not every key of {place} was seen", subject=place, gaps=gaps, settle="the keys of {place}", place=place)
    for mark, found in holders.keys.items():
        asked = True
        people = {name for name, _, _, _ in found} - set(declared)
        sure = {name for name, _, _, certain in found if certain} - set(declared)
        places = ", ".join(sorted({f"{name}@{host}" for name, host, _, _ in found}))
        because = [line for _, _, line, _ in found]
        if len(sure) > 1:
            text = "one key opens accounts of {count} people: {places}"
            yield failed(text, subject=mark, seen=places, because=because, count=len(sure), places=places)
        elif len(people) > 1:
            text = "one key may open accounts of {count} people: {places}"
            yield unknown(
                text, subject=mark, seen=places, because=because, settle="whether it opens {places}", count=len(people), places=places
            )
        else:
            yield passed("it opens {places} only", subject=mark, seen=places, because=because, places=places)
    if not asked:
        yield not_applicable("no key opens an account")
