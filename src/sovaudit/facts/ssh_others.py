"""SSH servers beside OpenSSH, and with what they let an account in: dropbear(8), which asks shadow(5) and no PAM, and tinysshd(8), which takes
keys alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.authorized_keys import parse_keys
from sovaudit.facts.factors import Factor, Ways, might, never, opens
from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.ssh_keys import KeyFinder
from sovaudit.facts.ssh_units import assigned, environment, expanded
from sovaudit.facts.systemd_units import Units
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

DEFAULTS = "/etc/default/dropbear"
_VALUED = "brpPWKITcGD"


@dataclass(frozen=True, slots=True)
class Other:
    """name: the program. options: its letters with their values. because: what starts it. gap: why that is not certain."""

    name: str
    options: tuple[tuple[str, str], ...]
    because: tuple[Line, ...]
    gap: Gap | None = None

    def has(self, letter: str) -> bool:
        return any(name == letter for name, _ in self.options)


def others(host: Host) -> tuple[Other, ...]:
    """Those that run, or that a mounted root would start. Never raises: what was not seen is a gap."""
    found: list[Other] = []
    for name, units, find in (("dropbear", ("dropbear.service",), _dropbear), ("tinysshd", ("tinysshd.socket", "tinysshd.service"), None)):
        try:
            look = Units(host)
            if look.program(f"/usr/sbin/{name}", f"/usr/local/sbin/{name}", f"/usr/bin/{name}") is None:
                continue
            running = look.runs(name, *units)
            if running.yes:
                found.append(find(host.files, look, running.because) if find else Other(name, (), (running.because,)))
        except Unseen as unseen:
            found.append(Other(name, (), (), unseen.gap))
    return tuple(found)


def _dropbear(files: Files, units: Units, why: Line) -> Other:
    rows = units.assignments("dropbear.service")
    starts = [row for row in rows if row.key == "ExecStart" and row.value]
    settings = {name: (value, line) for name, value, line in assigned(files, DEFAULTS)}
    because = [why]
    if starts:
        words = list(expanded(starts[-1].value.lstrip("-@:+!"), environment(files, rows)))[1:]
        because.append(starts[-1].line)
    else:  # the package's own unit and script say no more than this
        text, line = settings.get("DROPBEAR_EXTRA_ARGS", ("", why))
        words = list(expanded(text, {}))
        because.append(line)
    options: list[tuple[str, str]] = []
    while words:
        word = words.pop(0)
        for at, letter in enumerate(word[1:], 1) if word.startswith("-") else ():
            if letter in _VALUED:
                options.append((letter, word[at + 1 :] or (words.pop(0) if words else "")))
                break
            options.append((letter, ""))
    return Other("dropbear", tuple(options), tuple(dict.fromkeys(because)))


def ways(host: Host, finder: KeyFinder, other: Other, account: Account) -> Ways:
    """With what this account gets a session there."""
    try:
        found = _ways(host, finder, other, account)
    except Unseen as unseen:
        found = might(Factor.KEY, because=other.because, gaps=[unseen.gap]) | might(
            Factor.PASSWORD, because=other.because, gaps=[unseen.gap]
        )
    return found if other.gap is None else found.doubtful(other.gap)


def _ways(host: Host, finder: KeyFinder, other: Other, account: Account) -> Ways:
    group = next((value for letter, value in other.options if letter == "G"), "")
    refused = (other.has("w") and account.uid == 0) or (group and group not in account.groups) or not account.has_shell
    if refused or not _listed(host.files, account):
        return never([*other.because, *account.because[:1]])
    keys = _keys(host, finder, other, account)
    if other.name == "tinysshd":
        return keys.doubtful(Gap("tinysshd", Reason.UNSUPPORTED, "tinysshd's own conditions are not evaluated"))
    typed = never(other.because)
    if not other.has("s") and not (other.has("g") and account.uid == 0):
        typed = _password(other, account)
    return typed & keys if other.has("t") else typed | keys


def _listed(files: Files, account: Account) -> bool:
    """getusershell(3)."""
    lines = files.lines("/etc/shells")
    known = [line.text.strip() for line in lines] if lines is not None else ["/bin/sh", "/bin/csh"]
    return (account.shell or "/bin/sh") in known


def _password(other: Other, account: Account) -> Ways:
    password = account.password
    if password is None:
        return might(Factor.PASSWORD, because=other.because, gaps=[account.shadow_gap or Gap("file:/etc/shadow", Reason.ABSENT)])
    if password.kind == "empty":
        return opens(because=[*other.because, *account.because]) if other.has("B") else never(account.because)
    return opens(Factor.PASSWORD, because=other.because) if password.usable else never(account.because)


def _keys(host: Host, finder: KeyFinder, other: Other, account: Account) -> Ways:
    path = f"{account.home}/.ssh/authorized_keys"
    shared = [
        stat for place in (account.home, f"{account.home}/.ssh", path) if (stat := host.files.follow(place)) is None or stat.group_writable
    ]
    if shared or finder.refused(path, account, strict=True) is not None:
        return never(other.because)
    total = never(other.because)
    for key in parse_keys(host.files.lines(path) or ()):
        why = [*other.because, key.line]
        if key.authority:
            continue
        if key.line.text.lstrip().startswith(key.kind):
            total = total | opens(Factor.KEY, because=why)
        else:
            gap = Gap(f"file:{path}", Reason.UNSUPPORTED, f"which options {other.name} takes before a key")
            total = total | might(Factor.KEY, because=why, gaps=[gap])
    return total
