"""The little of OpenLDAP's schema that access rules need: which class has which of the attributes that we ask about, and what stands above them.

From the schema files that slapd brings (core, cosine, inetorgperson, nis) and its own operational schema.
"""

from __future__ import annotations

_ABOVE = {
    "cn": "name", "sn": "name", "ou": "name", "o": "name", "givenname": "name", "title": "name", "l": "name", "st": "name", "c": "name",
    "member": "distinguishedname", "roleoccupant": "distinguishedname", "owner": "distinguishedname", "seealso": "distinguishedname",
}  # fmt: skip
_ALSO = {
    "userpassword": ("2.5.4.35",), "cn": ("commonname", "2.5.4.3"), "uid": ("userid", "0.9.2342.19200300.100.1.1"), "sn": ("surname", "2.5.4.4"),
    "member": ("2.5.4.31",), "uniquemember": ("2.5.4.50",), "objectclass": ("2.5.4.0",), "description": ("2.5.4.13",),
}  # fmt: skip
_NAMED = "userpassword description seealso cn sn"
_PLACE = "userpassword description seealso l st"
_CLASSES = {
    "top": "objectclass", "person": f"objectclass {_NAMED}", "organizationalperson": f"objectclass {_NAMED} ou title l st",
    "inetorgperson": f"objectclass {_NAMED} ou title l st uid mail givenname employeenumber employeetype departmentnumber displayname manager "
    "secretary o",
    "residentialperson": f"objectclass {_NAMED} l st", "organization": f"objectclass {_PLACE} o", "organizationalunit": f"objectclass {_PLACE} ou",
    "dcobject": "objectclass dc", "domain": f"objectclass {_PLACE} dc o", "simplesecurityobject": "objectclass userpassword",
    "account": "objectclass uid description seealso l o ou host",
    "posixaccount": "objectclass cn uid uidnumber gidnumber homedirectory userpassword loginshell gecos description",
    "shadowaccount": "objectclass uid userpassword shadowlastchange shadowmax shadowexpire shadowinactive description",
    "posixgroup": "objectclass cn gidnumber userpassword memberuid description",
    "groupofnames": "objectclass member cn description seealso owner ou o",
    "groupofuniquenames": "objectclass uniquemember cn description seealso owner ou o",
    "organizationalrole": "objectclass cn roleoccupant description seealso ou l st", "applicationprocess": "objectclass cn seealso ou l description",
    "device": "objectclass cn seealso owner ou o l description", "locality": "objectclass seealso st l description",
    "oathtotpuser": "objectclass oathtotptoken", "oathhotpuser": "objectclass oathhotptoken", "oathuser": "objectclass",
    "oathtotptoken": "objectclass oathsecret oathtotpparams", "oathhotptoken": "objectclass oathsecret oathhotpparams",
    "pwdpolicy": "objectclass pwdminlength pwdcheckquality pwdattribute",
}  # fmt: skip
_KNOWN = {name: frozenset(words.split()) for name, words in _CLASSES.items()}
_SPECIAL = {"entry", "children"}


_PARENTS = {
    "inetorgperson": ("organizationalperson", "person", "top"), "organizationalperson": ("person", "top"), "residentialperson": ("person", "top"),
}  # fmt: skip


_PLAIN = set(
    "extensibleobject ldappublickey sambasamaccount sambadomain sambagroupmapping krbprincipalaux krbprincipal krbticketpolicyaux "
    "inetlocalmailrecipient labeleduriobject groupofmembers groupofurls dyngroup alias referral subentry dynamicobject pkiuser pkica "
    "strongauthenticationuser usersecurityinformation ipnetwork iphost ieee802device bootabledevice automount automountmap nisobject nismap "
    "nisnetgroup sudorole pwdpolicychecker oathparams oathtotpparams oathhotpparams oathtoken country dcuser posixgroup shadowaccount "
    "collectiveattributesubentry".split()
)  # fmt: skip
_STRUCTURAL = set(
    "person organizationalperson inetorgperson residentialperson organization organizationalunit domain account groupofnames groupofuniquenames "
    "organizationalrole applicationprocess device locality country groupofmembers groupofurls posixgroup".split()
)  # fmt: skip


def could_be(name: str, other: str, held: frozenset[str]) -> bool:
    """Whether a class that an entry of these classes has may be a kind of another, as far as we know it."""
    if name in _KNOWN or name in _PLAIN:
        return False
    # an entry has one structural class and what stands above it; an auxiliary one is never a kind of a structural one
    return not (other in _STRUCTURAL and held & _STRUCTURAL)


def above(name: str) -> tuple[str, ...]:
    """Classes that a class is a kind of: slapd takes an entry of the one for one of the others."""
    return _PARENTS.get(name, ("top",))


def supertypes(attribute: str) -> set[str]:
    """Other names of an attribute, and the types that it is a kind of."""
    found = set(_ALSO.get(attribute, ()))
    above = _ABOVE.get(attribute)
    if above:
        found.add(above)
    return found


def in_class(name: str, attribute: str, *, bare: bool = False) -> bool | None:
    """Whether a class demands or allows an attribute; None for a class that we do not know. bare: it may be no class but an attribute."""
    if name == "extensibleobject":
        return True  # even `entry` and `children`
    if attribute in _SPECIAL:
        return False
    known = _KNOWN.get(name)
    if known is None:
        return False if bare else None
    return attribute in known
