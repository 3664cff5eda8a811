"""sovaudit keygen: a signing key and a self-signed certificate."""

from __future__ import annotations

import argparse
from pathlib import Path

from sovaudit.cli import common, config


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", help="where key.pem and cert.pem go (your configuration folder)")
    parser.add_argument("--name", metavar="TEXT", help="common name in the certificate")
    parser.add_argument("--organisation", metavar="TEXT", default="", help="organisation in the certificate")


def run(options: argparse.Namespace) -> int:
    from sovaudit import keys

    folder = Path(options.out) if options.out else config.config_folder()
    made = keys.create_key(folder, common_name=options.name or f"sovaudit {common.getpass_user()}", organisation=options.organisation)
    print(folder / "key.pem")
    print(folder / "cert.pem")
    print(made.fingerprint)
    print("self-signed: this is no qualified certificate")
    return 0
