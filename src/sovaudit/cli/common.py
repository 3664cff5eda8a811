"""Options and manners that several verbs share."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sovaudit.cli import config, secrets
from sovaudit.errors import UsageError

if TYPE_CHECKING:
    from sovaudit.audit import Audit
    from sovaudit.collectors import CollectOptions
    from sovaudit.keys import Signer
    from sovaudit.model.finding import Finding
    from sovaudit.model.report import Report


PEOPLE = ("badges:", "people:", "rights:")
"""Targets that speak of people."""


def target_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="local: root:DIR ssh://user@host[:port] ldaps://host/base-dn ldap://host/base-dn ldif:FILE logs:DIR badges:FILE?map=MAP"
        " people:FILE rights:FILE bundle:FILE",
    )
    parser.add_argument("-i", "--inventory", action="append", default=[], metavar="FILE", help="a target per line; - for standard input")


def reach_arguments(parser: argparse.ArgumentParser) -> None:
    """How targets are reached."""
    group = parser.add_argument_group("reaching targets")
    group.add_argument("--sudo", action="store_true", default=None, help="become root on the target through sudo")
    group.add_argument("--ask-sudo-pass", action="store_true", help="ask for the sudo password")
    group.add_argument("--sudo-password-file", metavar="FILE", help="read the sudo password from a file")
    group.add_argument("--collector", metavar="PATH", help="run the collector installed at PATH on the target (see sovaudit privileges)")
    group.add_argument(
        "--log-records",
        action="store_true",
        default=None,
        help="bring the end of each host's own log as digests, for an audit beside a collector's archive (with a logs: target it is brought anyway)",
    )
    group.add_argument("--identity", action="append", metavar="FILE", help="an SSH private key to offer")
    group.add_argument(
        "--identity-passphrase-file", metavar="FILE", help="read that key's passphrase from a file (else ssh-agent holds it)"
    )
    group.add_argument("--ask-pass", action="store_true", help="ask for the SSH password")
    group.add_argument(
        "--password-file",
        metavar="FILE",
        help="read the SSH password from a file; a directory's, too, unless --bind-password-file is given",
    )
    group.add_argument("--known-hosts", metavar="FILE", help="host keys to trust, instead of ~/.ssh/known_hosts")
    group.add_argument("-J", "--jump", metavar="[USER@]HOST[:PORT]", help="go through this host")
    group.add_argument("--ssh-config", metavar="FILE", help="client configuration, instead of ~/.ssh/config")
    group.add_argument("--bind-dn", metavar="DN", help="bind to a directory as this name")
    group.add_argument("--bind-password-file", metavar="FILE", help="read its password from a file (else --password-file, or a prompt)")
    group.add_argument("--sasl", choices=["gssapi", "external"], help="bind to a directory by Kerberos or by certificate")
    group.add_argument("--ca", metavar="FILE", help="the authority of a directory's certificate (PEM), instead of the system's")
    group.add_argument("--tls-cert", metavar="FILE", help="our certificate for a directory (PEM)")
    group.add_argument("--tls-key", metavar="FILE", help="and its private key")
    group.add_argument("--tls-name", metavar="NAME", help="the name in a directory's certificate, where it is not its host's")
    group.add_argument("--ldap-insecure", action="store_true", default=None, help="accept any certificate of a directory")
    group.add_argument("--ldap-clear", action="store_true", default=None, help="do without encryption on ldap://")
    group.add_argument("--identify", action="store_true", default=None, help="name people and badges, instead of giving pseudonyms")
    group.add_argument("--people-key", metavar="FILE", help="the key of the pseudonyms; your own is made on first use otherwise")
    group.add_argument("--sql-password-file", metavar="FILE", help="read the password of a badge system's database from a file")
    group.add_argument("--host-timeout", type=positive, metavar="SECONDS", help="at most this long for one target (120)")
    group.add_argument("--connect-timeout", type=positive, metavar="SECONDS", help="at most this long to connect (15)")
    group.add_argument("--max-bytes", type=positive, metavar="N", help="at most this much raw evidence from one target (64 MB)")
    group.add_argument("-j", "--jobs", type=positive, metavar="N", help="targets at a time (16)")


def seal_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose signature it is."""
    group = parser.add_argument_group("the seal")
    group.add_argument("--key", metavar="FILE", help="private key (PEM); your own is made on first use otherwise")
    group.add_argument("--cert", metavar="FILE", help="its certificate (PEM)")
    group.add_argument("--chain", action="append", metavar="FILE", help="intermediate certificates to carry along")
    group.add_argument("--key-passphrase-file", metavar="FILE", help="read the key's passphrase from a file (else a prompt, if it has one)")


def profile_arguments(parser: argparse.ArgumentParser) -> None:
    """Choosing and turning checks."""
    group = parser.add_argument_group("what is judged")
    group.add_argument("--profile", metavar="NAME|FILE", help="dnssi-2023 unless named")
    group.add_argument("--select", action="append", metavar="ID,…", help="only these checks, or families of them")
    group.add_argument("--ignore", action="append", metavar="ID,…", help="not these checks, or families of them")
    group.add_argument("--set", action="append", metavar="ID.knob=VALUE", help="turn a knob of a check; lists as a,b,c")
    group.add_argument("--waivers", metavar="FILE", help="accepted failures (TOML)")
    group.add_argument("--declarations", metavar="FILE", help="what the organisation declares of controls (TOML)")


def output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        action="append",
        metavar="FMT[:PATH]",
        help="another format: html, pdf, text, json, csv, junit, sarif, md, oscal, ocsf; PATH - is standard output",
    )
    parser.add_argument("--browser", metavar="PROGRAM", help="the Chromium that prints a PDF (the first on the PATH)")


def outputs(options: argparse.Namespace) -> list[tuple[str, str]]:
    """(format, path or "" or "-") of every -o. Raises UsageError for a format we do not have, or a PDF that nothing here can print."""
    from sovaudit.audit import FORMATS

    found = []
    for text in options.output or ():
        name, _, place = text.partition(":")
        if name not in FORMATS:
            raise UsageError(f"{name} is not a format of this version", where="-o", hint=f"Formats: {', '.join(FORMATS)}.")
        if name == "pdf":
            from sovaudit.printing import find_browser

            find_browser(options.browser)
        found.append((name, place))
    if sum(place == "-" for _, place in found) + bool(getattr(options, "json", False)) > 1:
        raise UsageError("standard output takes one format alone", where="-o", hint="Give the others a path.")
    return found


def gate_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the gate")
    group.add_argument("--fail-on", choices=["low", "medium", "high", "critical"], help="exit 1 for a failure this severe or worse (high)")
    group.add_argument("--max-unknown", type=whole, metavar="N", help="exit 3 for more unknown answers than this (0)")


def config_arguments(parser: argparse.ArgumentParser, *, tables: bool = True) -> None:
    """tables: whether this verb reads badge events or log archives, which may outgrow memory."""
    parser.add_argument("--config", metavar="FILE", help="settings, instead of the nearest sovaudit.toml")
    if tables:
        parser.add_argument("--memory", type=positive, metavar="MB", help="what tables may hold in memory before they go to disk (2000)")
    parser.add_argument("--isolated", action="store_true", help="read no settings file")


def whole(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def positive(text: str) -> int:
    if whole(text) == 0:
        raise argparse.ArgumentTypeError("0 is too little")
    return int(text)


def targets(options: argparse.Namespace) -> list[str]:
    """Targets named on the command line and in inventories, which are read once."""
    if not hasattr(options, "every_target"):
        options.every_target = _targets(options)
    return list(options.every_target)


def _targets(options: argparse.Namespace) -> list[str]:
    found = list(options.targets)
    for name in options.inventory:
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
        except OSError as error:
            raise UsageError(f"cannot be read ({error.strerror})", where=name) from error
        except UnicodeDecodeError as error:
            raise UsageError("is not UTF-8", where=name, hint="Write one target a line.") from error
        found += [line.split("#")[0].strip() for line in text.splitlines() if line.split("#")[0].strip()]
    if not found and getattr(options, "resume", None):
        from sovaudit.audit import REPORT, unfinished_targets

        folder = Path(options.resume)
        found = unfinished_targets(folder)
        if not found and not (folder / REPORT).exists():
            raise UsageError("does not say which targets were to be visited", where=options.resume, hint="Name them, beside --resume.")
        if not found:
            raise UsageError("holds a finished audit", where=options.resume, hint="There is nothing to resume: choose another --out.")
    return found


def flat(values: list[str] | None) -> tuple[str, ...]:
    return tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())


def collect_options(options: argparse.Namespace, *, binds: bool = True) -> CollectOptions:
    """binds: whether a directory will be bound to, for which a password may be asked; a plan connects to nothing."""
    from sovaudit.collectors import CollectOptions

    _refuse_missing(options)
    options.key_passphrase = os.environ.pop("SOVAUDIT_KEY_PASSPHRASE", None)  # before a child, ProxyCommand say, could inherit it
    chosen: dict[str, Any] = {
        "host_timeout_s": options.host_timeout,
        "connect_timeout_s": options.connect_timeout,
        "max_bytes": options.max_bytes,
        "sudo": options.sudo,
        "collector_path": options.collector,
        "log_records": options.log_records,
        "known_hosts": (options.known_hosts,) if options.known_hosts else None,
        "jump": options.jump,
        "ssh_config": options.ssh_config,
        "key_files": tuple(options.identity) if options.identity else None,
        "key_passphrase": secrets.secret(False, options.identity_passphrase_file, "SOVAUDIT_IDENTITY_PASSPHRASE", ""),
        "password": secrets.secret(options.ask_pass, options.password_file, "SOVAUDIT_SSH_PASSWORD", "SSH password: "),
        "ldap_bind_dn": options.bind_dn,
        "ldap_password": secrets.bind_password(options) if binds else None,
        "ldap_sasl": options.sasl,
        "ldap_ca": options.ca,
        "ldap_certificate": options.tls_cert,
        "ldap_key": options.tls_key,
        "ldap_tls_name": options.tls_name,
        "ldap_insecure": options.ldap_insecure,
        "ldap_clear": options.ldap_clear,
        "identify": options.identify,
        "redact": getattr(options, "redact", None),
        "people_key": people_key(options),
        "sql_password": secrets.secret(False, options.sql_password_file, "SOVAUDIT_SQL_PASSWORD", ""),
        "sudo_password": secrets.secret(options.ask_sudo_pass, options.sudo_password_file, "SOVAUDIT_SUDO_PASSWORD", "sudo password: "),
    }
    return CollectOptions(**{name: value for name, value in chosen.items() if value is not None})


def _refuse_missing(options: argparse.Namespace) -> None:
    """Files that flags name are looked for before any connection. Raises UsageError."""
    named = ("known_hosts", "ssh_config", "ca", "tls_cert", "tls_key")
    files = [(name, getattr(options, name)) for name in named] + [("identity", path) for path in options.identity or ()]
    for name, path in files:
        if path and not os.access(path, os.R_OK):
            raise UsageError("is not there, or cannot be read", where=f"--{name.replace('_', '-')} {path}")
    if options.collector and not options.collector.startswith("/"):
        raise UsageError(
            "is no absolute path", where=f"--collector {options.collector}", hint="Name the collector as it lies on the target."
        )


def people_key(options: argparse.Namespace) -> bytes | None:
    """The key of pseudonyms, where this audit may need one: named, or the user's own, made on first use. None: a random one will do."""
    if not options.people_key and not getattr(options, "redact", None) and not any(text.startswith(PEOPLE) for text in targets(options)):
        return None
    from sovaudit import keys

    path = Path(options.people_key) if options.people_key else config.config_folder() / "people.key"
    return keys.people_key(path) if path.exists() or hasattr(options, "output") else None  # plan and preflight leave nothing behind


def make_audit(options: argparse.Namespace, collect: CollectOptions | None = None) -> Audit:
    from sovaudit.audit import Audit
    from sovaudit.model.report import Scope
    from sovaudit.model.verdict import Severity
    from sovaudit.profiles import parse_settings

    scope = Scope(
        organisation=getattr(options, "organisation", None) or "",
        perimeter=getattr(options, "perimeter", None) or "",
        auditor=getattr(options, "auditor", None) or "",
    )
    chosen: dict[str, Any] = {
        "profile": options.profile,
        "select": flat(options.select),
        "ignore": flat(options.ignore),
        "options": collect,
        "jobs": getattr(options, "jobs", None),
        "fail_on": Severity(options.fail_on) if getattr(options, "fail_on", None) else None,
        "max_unknown": getattr(options, "max_unknown", None),
        "scope": scope,
        "waivers": Path(options.waivers) if options.waivers else None,
        "declarations": Path(options.declarations) if options.declarations else None,
        "previous": Path(options.previous) if getattr(options, "previous", None) else None,
        "language": getattr(options, "lang", None),
        "settings": parse_settings(options.set or ()),
    }
    return Audit(**{name: value for name, value in chosen.items() if value is not None})


def signer(options: argparse.Namespace, say: Callable[[str], None]) -> Signer:
    """The named key, or the user's own, made on first use."""
    from sovaudit import keys

    if options.key or options.cert:
        if not (options.key and options.cert):
            raise UsageError("--key and --cert go together", hint="Name the private key and its certificate.")
        return keys.load_signer(
            Path(options.key),
            Path(options.cert),
            chain=[Path(name) for name in options.chain or ()],
            passphrase=secrets.passphrase(options, Path(options.key)),
        )
    folder = config.config_folder()
    if (folder / "key.pem").exists():
        return keys.load_signer(folder / "key.pem", folder / "cert.pem", passphrase=secrets.passphrase(options, folder / "key.pem"))
    made = keys.create_key(folder, common_name=f"sovaudit {getpass_user()}")
    say(f"made a signing key, {folder / 'key.pem'}, and a self-signed certificate: it is no qualified certificate")
    return made


def getpass_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "auditor"


def load(path: str) -> tuple[Report, bytes, bytes | None]:
    """A report, its bytes and its signature, from report.json or report.html. Raises UsageError, IntegrityError."""
    from sovaudit.verification import read_report

    return read_report(Path(path))


def colour(options: argparse.Namespace) -> bool:
    if getattr(options, "no_color", None) or os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def language(options: argparse.Namespace, default: str = "en") -> str:
    return getattr(options, "lang", None) or default


def print_exactly(data: bytes) -> None:
    """These very bytes on standard output, so that their digest is the file's; a terminal gets the end of line that it needs."""
    sys.stdout.buffer.write(data if data.endswith(b"\n") or not sys.stdout.isatty() else data + b"\n")
    sys.stdout.buffer.flush()


class Progress:
    """One line a step on standard error: only for a terminal, or when asked for; nothing on a pipe."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self._shown = not quiet and (verbose or sys.stderr.isatty())

    def __call__(self, text: str) -> None:
        if self._shown:
            from sovaudit.reports.hostile import visible

            print(visible(text), file=sys.stderr, flush=True)


def shown(text: str) -> str:
    """One line fit for a terminal: nothing that came from a target reaches it raw."""
    from sovaudit.reports.hostile import visible

    return visible(text)


def shown_block(text: str) -> str:
    """Several lines of pages, each fit for a terminal; French typography stays as it is."""
    from sovaudit.reports.hostile import visible

    return "\n".join(visible(line, ours=True) for line in text.split("\n"))


def translated(text: str, language: str) -> str:
    from sovaudit.reports.locale import translate

    return translate(text, {}, language)


def sentence(finding: Finding, language: str = "en") -> str:
    """A finding's message with its arguments."""
    from sovaudit.reports.locale import translate

    return translate(finding.message.text, finding.message.args, language)
