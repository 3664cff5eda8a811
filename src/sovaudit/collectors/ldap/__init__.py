"""Directories over LDAP: `ldaps://host/base-dn`, `ldap://…` with StartTLS.

One connection asks what searches.py lists for the product, a second one without a name shows what strangers see. Nothing is ever written:
no operation but bind, StartTLS, who-am-I and search exists in this package.
"""

from __future__ import annotations

from sovaudit.collectors.ldap.address import ldap_address
from sovaudit.collectors.ldap.searches import FOLLOWED, IPA_CONFIG, PRODUCTS, ROOT_DSE
from sovaudit.collectors.options import CollectOptions
from sovaudit.model.evidence import Evidence, Target


def parse(text: str) -> Target:
    """Raises UsageError."""
    uri = ldap_address(text).uri
    return Target(uri, uri, "ldap")


def collect(target: Target, options: CollectOptions) -> Evidence:
    """Raises CollectError."""
    from sovaudit.collectors.ldap.visit import collect_directory

    return collect_directory(target, options)


def plan(target: Target, options: CollectOptions) -> tuple[str, ...]:
    address = ldap_address(target.uri)
    how = (
        options.ldap_sasl.upper()
        if options.ldap_sasl
        else f"simple bind as {options.ldap_bind_dn}"
        if options.ldap_bind_dn
        else "anonymous"
    )
    cover = "TLS" if address.scheme == "ldaps" else "in clear" if options.ldap_clear else "StartTLS"
    if cover != "in clear":
        cover += ", any certificate" if options.ldap_insecure else ", certificate verified"
    lines = [
        f"target {target.uri}",
        f"connect to {address.host} port {address.port}, {cover}, {how}; once more without a bind, for the searches without a name",
        "ask the server who we are (RFC 4532)",
        f"search {_shown(ROOT_DSE)}",
    ]
    lines.append(f"if it is openldap: search {_shown(IPA_CONFIG)}")
    for product, searches in PRODUCTS.items():
        lines += [f"if it is {product}: search {_shown(one)}" for one in searches]
        if product in FOLLOWED:
            why = "that its access rules name" if product == "openldap" else "that decides who is an administrator"
            lines.append(f"if it is {product}: search {_shown(FOLLOWED[product])}, for each entry {why}")
    lines.append(
        "if it is openldap, and its access rules look at attributes of entries: search these attributes, of entries that have one of them"
    )
    lines.append("for an attribute that comes in parts: read the rest of it from the same entry")
    return tuple(lines)


def _shown(query: object) -> str:
    from sovaudit.collectors.ldap.searches import Search

    assert isinstance(query, Search)
    what = "names of " if query.types_only else "schemes of " if query.masked else ""
    who = "without a name, " if query.anonymous else ""
    return f"{query.name}: {who}{query.scope} {query.base or '(root)'} {query.filter} {what}{' '.join(query.attributes)}"
