"""Sockets that wait for others: `ss -Hltnup` of a live host (ss(8)).

Columns: netid, state, two queues, local address:port, peer, and, where the kernel told, `users:(("name",pid=…,fd=…),…)`. An address is `*` (both
families), `0.0.0.0`, `[::]`, or one of the host's; `%name` binds it to an interface. Loopback is 127.0.0.0/8, ::1 and whatever is bound to `lo`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.files import Unseen
from sovaudit.facts.systemd_units import Units
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

_ROW = re.compile(r"(tcp|udp|sctp|dccp|mptcp)\s+(LISTEN|UNCONN)\s+\d+\s+\d+\s+(\S+):(\d+|\*)\s+\S+:(?:\d+|\*)(?:\s+(.*))?")
_USER = re.compile(r'\("((?:[^"\\]|\\.)*)",pid=(\d+),fd=\d+\)')
_UNIT_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")


@dataclass(frozen=True, slots=True)
class Socket:
    """proto: `tcp`, `udp` …. address: as ss prints it. programs: names of the processes that hold it; empty where none was shown."""

    proto: str
    port: int
    address: str
    programs: tuple[str, ...]
    line: Line

    @property
    def loopback(self) -> bool:
        return loopback(self.address)


def loopback(address: str) -> bool:
    """Whether only this host itself reaches that local address."""
    bare, _, interface = address.strip("[]").partition("%")
    if interface.rstrip("]") == "lo":
        return True
    try:
        found = ipaddress.ip_address(bare.strip("[]"))
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def sockets(host: Host) -> tuple[Socket, ...]:
    """Raises Unseen off a live host, and where ss did not run, failed, or printed what we cannot read."""
    for gap in host.evidence.gaps:
        if gap.item == "cmd:listening":
            raise Unseen(gap)
    command = host.files.command("listening")
    if command.code != 0:
        raise Unseen(Gap("cmd:listening", Reason.AMBIGUOUS, f"ss ended with {command.code}"))
    found: list[Socket] = []
    for number, text in enumerate(command.output.splitlines(), 1):
        if not text.strip() or text.startswith("Netid"):
            continue
        match = _ROW.match(text.strip())
        if match is None:
            raise Unseen(Gap("cmd:listening", Reason.AMBIGUOUS, f"line {number} is not one of ss"))
        if match[4] == "*":
            continue  # bound to no port: nobody can send to it
        programs = tuple(dict.fromkeys(name for name, _ in _USER.findall(match[5] or "")))
        found.append(Socket(match[1], int(match[4]), match[3], programs, Line("cmd:listening", number, text.strip())))
    return tuple(found)


def socket_units(host: Host, socket: Socket) -> tuple[str, ...]:
    """Names of the systemd socket units that would hold this port. A folder that was not listed names none."""
    key = "ListenStream" if socket.proto == "tcp" else "ListenDatagram"
    found: dict[str, None] = {}
    for folder in _UNIT_FOLDERS:
        try:
            names = host.files.listdir(folder) or ()
        except Unseen:
            continue
        for name in names:
            unit = name.removesuffix(".d")  # drop-ins alone say it where the vendor's own file was not brought
            if unit.endswith(".socket") and unit not in found and _holds(host, unit, key, socket.port):
                found[unit] = None
    return tuple(found)


def _holds(host: Host, unit: str, key: str, port: int) -> bool:
    """Whether the unit, drop-ins included, names the port; an empty line takes back those above."""
    try:
        rows = Units(host).assignments(unit, "Socket")
    except Unseen:
        return False
    values: list[str] = []
    for row in rows:
        if row.key == key:
            values = [*values, row.value.strip()] if row.value.strip() else []
    return any(re.fullmatch(rf"(.*:)?{port}(%\S+)?", value) for value in values)
