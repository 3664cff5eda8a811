"""sovaudit privileges: the exact least rights for the audit account."""

from __future__ import annotations

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=["sudoers"], default="sudoers", help="what to print (sudoers)")
    parser.add_argument("--user", default="auditor", metavar="NAME", help="the audit account's name (auditor)")
    parser.add_argument("--path", default="/usr/local/lib/sovaudit/collect", help="where the collector is installed on the host")


def run(options: argparse.Namespace) -> int:
    from sovaudit.collectors.privileges import sudoers

    print(sudoers(options.user, options.path), end="")
    return 0
