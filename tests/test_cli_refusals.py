"""What the command refuses: one line, the right code, nothing lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.test_cli import UID0, good, one_line, own_home, sovaudit

__all__ = ["good", "own_home"]

PROFILES = {
    "unknown check": ('[[checks]]\ncheck = "least-privilege.uid1"\n', "uid1"),
    "unknown knob": ('[[checks]]\ncheck = "password-policy.min-length"\nparams = { minimun = 3 }\n', "minimun"),
    "wrong type": ('[[checks]]\ncheck = "password-policy.min-length"\nparams = { minimum = "long" }\n', "whole number"),
    "unknown key": ('colour = "red"\n[[checks]]\ncheck = "least-privilege.uid0"\n', "colour"),
    "twice": ('[[checks]]\ncheck = "least-privilege.uid0"\n[[checks]]\ncheck = "least-privilege.uid0"\n', "twice"),
    "unknown severity": ('[[checks]]\ncheck = "least-privilege.uid0"\nseverity = "fatal"\n', "severity"),
    "unknown origin": ('[[checks]]\ncheck = "least-privilege.uid0"\norigin = { kind = "hearsay" }\n', "origin"),
    "unknown directive": ('[[checks]]\ncheck = "least-privilege.uid0"\n', "directive"),
    "not TOML": ("[[", "TOML"),
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_bad_profile(good: str, name: str) -> None:
    body, word = PROFILES[name]
    directive = "ma-dnssi-1999" if name == "unknown directive" else "ma-dnssi-2023"
    head = f'id = "mine"\ntitle = {{ fr = "t" }}\ndirectives = ["{directive}"]\n'
    Path("mine.toml").write_text(body if name == "not TOML" else head + body)
    result = sovaudit("audit", good, "--profile", "mine.toml")
    assert result.returncode == 2, result.stdout
    line = one_line(result)
    assert "mine.toml" in line
    assert word in line


BAD_ARGUMENTS: dict[str, Sequence[str]] = {
    "no such root": ["audit", "root:/nowhere/at/all"],
    "no such scheme": ["audit", "telnet://host"],
    "password in a URL": ["audit", "ssh://user:hunter2@host"],
    "target twice": ["audit", "local:", "local:"],
    "unknown check": ["audit", "local:", "--select", "least-privilege.uid00"],
    "unknown knob": ["audit", "local:", "--set", "least-privilege.uid0.colour=red"],
    "no value": ["audit", "local:", "--set", "least-privilege.uid0"],
    "bad key": ["audit", "local:", "--key", "/nowhere", "--cert", "/nowhere"],
    "no waivers": ["audit", "local:", "--waivers", "/nowhere"],
    "no inventory": ["audit", "-i", "/nowhere"],
    "verify nothing": ["verify", "/nowhere", "--trust", "/nowhere"],
    "verify a folder": ["verify", "/", "--trust", "/nowhere"],
    "replay nothing": ["replay", "/nowhere.sova"],
    "gate nothing": ["gate", "/nowhere.json"],
    "explain nothing": ["explain", "no-such-thing"],
    "bundle nowhere": ["audit", "bundle:/nowhere.sova"],
    "no such verb": ["audti"],
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_a_bad_argument(name: str) -> None:
    result = sovaudit(*BAD_ARGUMENTS[name])
    assert result.returncode == 2, result.stdout + result.stderr
    assert "hunter2" not in one_line(result)
    assert result.stdout == ""


def test_a_folder_that_is_not_empty_is_refused(good: str) -> None:
    sovaudit("keygen")
    Path("out").mkdir()
    Path("out/mine").write_text("precious")
    result = sovaudit("audit", good, "--out", "out", *UID0)
    assert result.returncode == 2
    assert "not empty" in one_line(result)
    assert Path("out/mine").read_text() == "precious"
