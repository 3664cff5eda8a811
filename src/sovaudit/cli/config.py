"""Settings: flag over environment over file. Unknown keys are errors; secrets are never arguments."""

from __future__ import annotations

import argparse
import os
import tomllib
from pathlib import Path
from typing import Any

from sovaudit.errors import UsageError

KEYS: dict[str, type] = {
    "profile": str,
    "select": list,
    "ignore": list,
    "set": list,
    "fail_on": str,
    "max_unknown": int,
    "lang": str,
    "organisation": str,
    "perimeter": str,
    "auditor": str,
    "key": str,
    "cert": str,
    "chain": list,
    "key_passphrase_file": str,
    "waivers": str,
    "declarations": str,
    "jobs": int,
    "host_timeout": int,
    "connect_timeout": int,
    "max_bytes": int,
    "sudo": bool,
    "sudo_password_file": str,
    "password_file": str,
    "collector": str,
    "known_hosts": str,
    "jump": str,
    "ssh_config": str,
    "identity": list,
    "identity_passphrase_file": str,
    "bind_dn": str,
    "bind_password_file": str,
    "sasl": str,
    "ca": str,
    "tls_cert": str,
    "tls_key": str,
    "tls_name": str,
    "ldap_insecure": bool,
    "ldap_clear": bool,
    "sql_password_file": str,
    "trust": list,
    "no_color": bool,
    "browser": str,
    "identify": bool,
    "people_key": str,
    "memory": int,
}
CHOICES = {"fail_on": ("low", "medium", "high", "critical"), "lang": ("fr", "en"), "sasl": ("gssapi", "external")}
FROM_ZERO = ("max_unknown",)
"""Numbers that may be 0; the others begin at 1."""
LEAST_MEMORY = 200  # MB: below it DuckDB refuses what it could spill


def settle(options: argparse.Namespace) -> None:
    """Fill every option that no flag gave (None) from the environment, then from the configuration file. Raises UsageError."""
    file = {} if getattr(options, "isolated", False) else _load(getattr(options, "config", None))
    for name in KEYS.keys() & vars(options).keys():
        if getattr(options, name) is not None:
            continue
        variable = f"SOVAUDIT_{name.upper()}"
        if os.environ.get(variable):
            setattr(options, name, _allowed(name, _convert(name, os.environ[variable], variable), variable))
        elif name in file:
            setattr(options, name, file[name])
    if getattr(options, "memory", None):
        from sovaudit.tables import enough

        enough.memory_mb = max(LEAST_MEMORY, options.memory)


def _convert(name: str, text: str, where: str) -> Any:
    kind = KEYS[name]
    if kind is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind is bool:
        if text.lower() not in ("0", "1", "true", "false", "yes", "no"):
            raise UsageError(f"{text!r} is neither yes nor no", where=where)
        return text.lower() in ("1", "true", "yes")
    if kind is int:
        if not text.lstrip("-").isdigit():
            raise UsageError(f"{text!r} is not a whole number", where=where)
        return int(text)
    return text


def _allowed(name: str, value: Any, where: str) -> Any:
    """A value that the flag of this name would take, too. Raises UsageError."""
    if name in CHOICES and value not in CHOICES[name]:
        raise UsageError(f"{value!r} is none of {', '.join(CHOICES[name])}", where=where)
    if KEYS[name] is int and value < (0 if name in FROM_ZERO else 1):
        raise UsageError(f"{value} is too little", where=where)
    if KEYS[name] is list and not all(isinstance(part, str) for part in value):
        raise UsageError("it is a list of texts", where=where)
    return value


def _load(named: str | None) -> dict[str, Any]:
    path = Path(named) if named else _nearest()
    if path is None:
        return {}
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise UsageError("is not TOML: it is not UTF-8", where=str(path)) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is not TOML: {error}", where=str(path)) from error
    if path.name == "pyproject.toml":
        data = data.get("tool", {}).get("sovaudit", {})
    known: dict[str, Any] = {}
    for key, value in data.items():
        name = key.replace("-", "_")
        if name not in KEYS:
            raise UsageError(f"unknown key {key}", where=str(path), hint=f"Known: {', '.join(sorted(KEYS))}.")
        if not isinstance(value, KEYS[name]) or (KEYS[name] is int and isinstance(value, bool)):
            raise UsageError(f"{key} must be of type {KEYS[name].__name__}", where=str(path))
        known[name] = _allowed(name, value, f"{path}: {key}")
    return known


def _nearest() -> Path | None:
    """sovaudit.toml, or a pyproject.toml that speaks of us, in this folder or above it."""
    try:
        here = Path.cwd()
    except OSError:
        return None
    for folder in (here, *here.parents):
        if (folder / "sovaudit.toml").is_file():
            return folder / "sovaudit.toml"
        project = folder / "pyproject.toml"
        if project.is_file():
            try:
                if "sovaudit" in tomllib.loads(project.read_text("utf-8")).get("tool", {}):
                    return project
            except (OSError, ValueError):
                continue
    return None


def config_folder() -> Path:
    """Where the user's own key lives: $XDG_CONFIG_HOME/sovaudit or ~/.config/sovaudit. Raises UsageError without a home."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if base.startswith("/"):
        return Path(base) / "sovaudit"
    try:
        home = Path.home()
    except RuntimeError:
        home = Path("/nonexistent")
    if not home.is_dir():
        raise UsageError("there is no home folder to keep a signing key in", where=str(home), hint="Name one with --key and --cert.")
    return home / ".config" / "sovaudit"
