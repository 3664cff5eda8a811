"""Secrets that a verb needs: from a file, the environment, or a prompt where somebody sits at a terminal. None stands in an argument."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from sovaudit.errors import UsageError


def secret(ask: bool, file: str | None, variable: str, prompt: str) -> str | None:
    """A secret by prompt, file or environment, in this order; the variable is removed so that no child inherits it."""
    inherited = os.environ.pop(variable, None)
    if ask:
        if not somebody():
            raise UsageError(f"there is no terminal to ask for the {prompt.removesuffix(': ')}", hint=f"Use a file, or {variable}.")
        return getpass.getpass(prompt, stream=sys.stderr)
    if file:
        try:
            return Path(file).read_text("utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError("the password cannot be read", where=file) from error
    return inherited or None


def somebody() -> bool:
    """Whether anybody sits at a terminal to be asked; getpass would otherwise read a secret from standard input, echoed."""
    if sys.stdin is not None and sys.stdin.isatty():
        return True
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def bind_password(options: argparse.Namespace) -> str | None:
    """The password of --bind-dn: from a file, the environment, or a prompt where somebody sits at a terminal."""
    held = secret(False, options.bind_password_file or options.password_file, "SOVAUDIT_LDAP_PASSWORD", "")
    if held == "" and options.bind_dn:
        raise UsageError("its password is empty", where="--bind-dn", hint="A bind without a password proves nothing: name the right file.")
    if held is not None or not options.bind_dn or options.sasl:
        return held
    if not somebody():
        raise UsageError("it needs a password", where="--bind-dn", hint="Use --bind-password-file or SOVAUDIT_LDAP_PASSWORD.")
    return _asked("password", options.bind_dn)


def passphrase(options: argparse.Namespace, key: Path) -> str | None:
    """The passphrase of an encrypted key: from a file, the environment, or a prompt where somebody sits at a terminal."""
    held = secret(False, options.key_passphrase_file, "SOVAUDIT_KEY_PASSPHRASE", "") or getattr(options, "key_passphrase", None)
    if held is not None or not key.is_file() or b"ENCRYPTED" not in key.read_bytes()[:200] or not somebody():
        return held
    return _asked("passphrase", str(key))


def _asked(what: str, of: str) -> str:
    from sovaudit.reports.hostile import visible

    return getpass.getpass(f"{what} of {visible(of)}: ", stream=sys.stderr)
