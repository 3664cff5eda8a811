"""sovaudit privileges: the exact least rights for the audit account."""

from __future__ import annotations

import argparse

DIRECTORIES = ("openldap", "389", "freeipa", "ad")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=["sudoers", "ldap"], default="sudoers", help="for a host or for a directory (sudoers)")
    host = parser.add_argument_group("for a host")
    host.add_argument("--user", default="auditor", metavar="NAME", help="the audit account's name (auditor)")
    host.add_argument("--path", default="/usr/local/lib/sovaudit/collect", help="where the collector is installed on the host")
    directory = parser.add_argument_group("for a directory")
    directory.add_argument("--product", choices=DIRECTORIES, action="append", help="which directory; may be repeated (all of them)")
    directory.add_argument("--bind-dn", metavar="DN", help="the audit account (uid=auditor,ou=services,BASE)")
    directory.add_argument("--base", metavar="DN", help="the tree (where the audit account is, else dc=example,dc=org)")
    directory.add_argument(
        "--secret", action="append", default=[], metavar="NAME", help="an attribute more to keep from it; may be repeated"
    )
    directory.add_argument("--with-schemes", action="store_true", help="let it read stored passwords, whose schemes are judged")


def run(options: argparse.Namespace) -> int:
    if options.format == "ldap":
        from sovaudit.collectors.ldap.privileges import default_base, rights

        base = options.base or (default_base(options.bind_dn) if options.bind_dn and "=" in options.bind_dn else "dc=example,dc=org")
        account = options.bind_dn or f"uid=auditor,ou=services,{base}"
        texts = [
            rights(product, account, base, schemes=options.with_schemes, secrets=tuple(options.secret))
            for product in options.product or DIRECTORIES
        ]
        print("\n".join(texts), end="")
        return 0
    from sovaudit.collectors.privileges import sudoers

    print(sudoers(options.user, options.path), end="")
    return 0
