"""Who may do what to one object of Active Directory (MS-ADTS 5.1.3, MS-DTYP 2.5.3.2).

Entries count in the order in which they are stored; the first that allows or denies a right to one of somebody's identities decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from sovaudit.facts.parse import security_descriptor as sd
from sovaudit.facts.parse.security_descriptor import Ace, Descriptor

SELF_PRINCIPAL, CREATOR_OWNER, CREATOR_GROUP, OWNER_RIGHTS = "S-1-5-10", "S-1-3-0", "S-1-3-1", "S-1-3-4"

# schemaIDGUID of classes: an entry for an object's own class bears on the whole object
CLASSES = {
    "user": "bf967aba-0de6-11d0-a285-00aa003049e2",
    "inetorgperson": "4828cc14-1437-45bc-9b07-ad6f015e5f28",
    "computer": "bf967a86-0de6-11d0-a285-00aa003049e2",
    "msds-groupmanagedserviceaccount": "7b8b558a-93a5-4af7-adca-c017e67f1057",
    "group": "bf967a9c-0de6-11d0-a285-00aa003049e2",
    "domaindns": "19195a5b-6da0-11d0-afd3-00c04fd930c9",
    "organizationalunit": "bf967aa5-0de6-11d0-a285-00aa003049e2",
    "container": "bf967a8b-0de6-11d0-a285-00aa003049e2",
    "grouppolicycontainer": "f30e3bc2-9ff0-11d1-b603-0000f80367c1",
    "site": "bf967ab3-0de6-11d0-a285-00aa003049e2",
}
GET_CHANGES = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"
GET_CHANGES_ALL = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
RESET_PASSWORD = "00299570-246d-11d0-a768-00aa006e0529"
MEMBER = "bf9679c0-0de6-11d0-a285-00aa003049e2"  # the attribute, and the validated write of oneself into it
MEMBERSHIP = "bc0ac240-79a9-11d0-9020-00c04fc2d4cf"
KEY_CREDENTIALS = "5b47d60f-6090-40b2-9f37-2a4de88f3063"
ALT_IDENTITIES = "00fbf30c-91fe-11d1-aebc-0000f80378c1"
PUBLIC_INFORMATION = "e48d0154-bcf8-11d1-8702-00c04fb96050"
SCRIPT_PATH = "bf9679a8-0de6-11d0-a285-00aa003049e2"
USER_LOGON = "5f202010-79a5-11d0-9020-00c04fc2d4cf"
ALLOWED_TO_ACT = "3f78c3e5-f79a-46bd-a0b8-9d18116ddc79"
ACCOUNT_RESTRICTIONS = "4c164200-20c0-11d0-a768-00aa006e0529"
GP_LINK = "f30e3bbe-9ff0-11d1-b603-0000f80367c1"
GP_FILES = "f30e3bc1-9ff0-11d1-b603-0000f80367c1"
GMSA_READERS = "888eedd6-ce04-df40-b462-b8a50e41ba38"


@dataclass(frozen=True, slots=True)
class Ability:
    """Something that can be done to an object. mask: one right. guids: object types that carry it; an entry without one carries it, too."""

    label: str
    mask: int
    guids: frozenset[str] = frozenset()


def _write(label: str, *guids: str) -> Ability:
    return Ability(f"write {label}", sd.WRITE_PROPERTY, frozenset(guids))


WRITE_DACL, WRITE_OWNER = Ability("WriteDacl", sd.WRITE_DAC), Ability("WriteOwner", sd.WRITE_OWNER)
OWNED = (WRITE_DACL, WRITE_OWNER)
CHANGES = Ability("GetChanges", sd.CONTROL_ACCESS, frozenset((GET_CHANGES,)))
CHANGES_ALL = Ability("GetChangesAll", sd.CONTROL_ACCESS, frozenset((GET_CHANGES_ALL,)))
LINK = _write("gPLink", GP_LINK)
GROUP = (*OWNED, _write("member", MEMBER, MEMBERSHIP), Ability("AddSelf", sd.SELF, frozenset((MEMBER,))))
USER = (
    *OWNED,
    Ability("ForceChangePassword", sd.CONTROL_ACCESS, frozenset((RESET_PASSWORD,))),
    _write("msDS-KeyCredentialLink", KEY_CREDENTIALS),
    _write("altSecurityIdentities", ALT_IDENTITIES, PUBLIC_INFORMATION),
    _write("scriptPath", SCRIPT_PATH, USER_LOGON),
)
MANAGED = (*USER, _write("msDS-GroupMSAMembership", GMSA_READERS))
CONTROLLER = (
    *OWNED,
    Ability("ForceChangePassword", sd.CONTROL_ACCESS, frozenset((RESET_PASSWORD,))),
    _write("msDS-KeyCredentialLink", KEY_CREDENTIALS),
    _write("msDS-AllowedToActOnBehalfOfOtherIdentity", ALLOWED_TO_ACT, ACCOUNT_RESTRICTIONS),
)
READ_MANAGED = Ability("ReadGMSAPassword", sd.READ_PROPERTY)
HOLDER = tuple(dict.fromkeys((*GROUP, *USER)))  # AdminSDHolder: its list is copied to users and groups alike
LINKED = (*OWNED, LINK)
GPO = (*OWNED, _write("gPCFileSysPath", GP_FILES))
DNS = (*OWNED, _write("properties"))


@dataclass(frozen=True, slots=True)
class Hold:
    """An identity that can do something to an object. sure: False if that depends on a condition. at: the entry's place, -1 for ownership."""

    sid: str
    ability: Ability
    label: str
    at: int
    sure: bool = True


def settled(descriptor: Descriptor, *, samba: bool) -> Descriptor:
    """As the server reads it.

    Windows: an entry for OWNER RIGHTS speaks of the owner, and takes away what an owner else may always do. Samba (4.17) knows no such
    identity; and who is allowed an extended right on a type, a class or on everything by an object entry may do anything to it.
    """
    entries = descriptor.dacl or ()
    if samba:
        return replace(descriptor, dacl=descriptor.dacl and tuple(_as_samba(ace) for ace in entries))
    if not any(ace.sid == OWNER_RIGHTS for ace in entries):
        return descriptor
    named = tuple(replace(ace, sid=descriptor.owner) if ace.sid == OWNER_RIGHTS else ace for ace in entries)
    return replace(descriptor, dacl=named, implicit=not any(ace.sid == OWNER_RIGHTS and ace.counts_here for ace in entries))


def _as_samba(ace: Ace) -> Ace:
    if ace.kind == sd.ALLOW_OBJECT and ace.mask & sd.CONTROL_ACCESS:
        ace = replace(ace, mask=ace.mask | sd.FULL_CONTROL)
    return replace(ace, sid="") if ace.sid == OWNER_RIGHTS else ace


def holds(
    descriptor: Descriptor, abilities: Iterable[Ability], classes: Iterable[str], token: Callable[[str], frozenset[str]]
) -> Iterator[Hold]:
    """Each identity named in a settled descriptor that can do one of these things. token: identity → all it carries, itself included.

    A member of a group may still be denied what the group is allowed: `denied` says so for one identity.
    """
    own = classes_of(classes)
    if descriptor.dacl is None:
        for ability in abilities:
            yield Hold("S-1-1-0", ability, "GenericAll", -1)
        return
    for ability in abilities:
        if ability is WRITE_DACL and descriptor.implicit and descriptor.owner:
            yield Hold(descriptor.owner, ability, "Owner", -1)
        for at, ace in enumerate(descriptor.dacl):
            if not ace.allows or not _bears(ace, ability, own):
                continue
            if not ace.sid or ace.sid in (SELF_PRINCIPAL, CREATOR_OWNER, CREATOR_GROUP):
                continue
            refused = denied(descriptor, at, ability, own, token(ace.sid))
            if refused is not True:
                yield Hold(ace.sid, ability, _label(ace, ability, own), at, sure=refused is False and not ace.conditional)


def can(descriptor: Descriptor, ability: Ability, classes: Iterable[str], token: frozenset[str]) -> bool | None:
    """Whether somebody with these identities can do it; None if that depends on a condition."""
    found: bool | None = False
    own = classes_of(classes)
    for hold in holds(descriptor, (ability,), classes, lambda sid: frozenset((sid,))):
        if hold.sid in token:
            refused = denied(descriptor, hold.at, ability, own, token)
            if refused is False and hold.sure:
                return True
            if refused is not True:
                found = None
    return found


def denied(descriptor: Descriptor, at: int, ability: Ability, own: frozenset[str], token: frozenset[str]) -> bool | None:
    """Whether an entry before `at` denies it to one of these identities; None if that depends on a condition."""
    maybe = False
    for ace in (descriptor.dacl or ())[: max(at, 0)]:
        if ace.denies and ace.sid in token and _bears(ace, ability, own):
            if not ace.conditional:
                return True
            maybe = True
    return None if maybe else False


def classes_of(names: Iterable[str]) -> frozenset[str]:
    return frozenset(CLASSES[name] for name in names if name in CLASSES)


def _bears(ace: Ace, ability: Ability, own: frozenset[str]) -> bool:
    if not ace.counts_here or not ace.mask & ability.mask:
        return False
    return not ace.object_type or ace.object_type in ability.guids or ace.object_type in own


def _label(ace: Ace, ability: Ability, own: frozenset[str]) -> str:
    """What Windows' tools call the right that this entry gives."""
    if ace.object_type and ace.object_type not in own:
        return ability.label
    if ace.mask & sd.FULL_CONTROL == sd.FULL_CONTROL:
        return "GenericAll"
    return {sd.WRITE_PROPERTY: "GenericWrite", sd.CONTROL_ACCESS: "AllExtendedRights"}.get(ability.mask, ability.label)
