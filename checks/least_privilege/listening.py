"""Only declared services listen beyond loopback.

Each open port is a door that somebody may knock at. Which are needed is known to those who run the host; all others are closed.

One answer per port on which something waits for others (`22/tcp`), from `ss` on the running host. `declared` names what may: a program
(`sshd`; ss cuts names to 15 bytes, the whole one does), a port (`22`), a port of one protocol (`22/tcp`), or a systemd socket unit (`ssh.socket`).
Passes: it is bound to loopback alone (127.0.0.0/8, ::1, the interface lo); or the port is declared, or every program that holds it is.
Fails: it is bound to any other address, link-local ones and `*` too, and neither the port nor a program that holds it is declared.
Unknown: no program was shown for it (only root sees whose a socket is) while programs are declared; ss was not run (a mounted root runs
nothing) or printed something else.
Out of reach: what a firewall or a network in front lets through, other network namespaces (containers), raw sockets, and services that
listened at another time.

Remedy: stop and disable what is not needed (`systemctl disable --now NAME.service NAME.socket`), bind what is local to 127.0.0.1, name the rest in
`declared`.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, passed, unknown
from sovaudit.facts.sockets import Socket, socket_units, sockets


@check("least-privilege.listening", severity="high", since="0.1")
def listening(host: Host, *, declared: tuple[str, ...] = ("sshd", "22/tcp")) -> Outcomes:
    ports: dict[tuple[int, str], list[Socket]] = {}
    for socket in sockets(host):
        ports.setdefault((socket.port, socket.proto), []).append(socket)
    names = any(not entry.split("/")[0].isdigit() for entry in declared)
    for (number, proto), bound in sorted(ports.items()):
        port = f"{number}/{proto}"
        reached = [socket for socket in bound if not socket.loopback]
        because = [socket.line for socket in reached or bound]
        programs = tuple(dict.fromkeys(name for socket in reached for name in _names(host, socket, declared)))
        seen = ", ".join(programs)
        hidden = [socket for socket in reached if not socket.programs]
        if not reached:
            yield passed("{port} is open to this host alone", subject=port, seen="loopback", because=because, port=port)
        elif port in declared or str(number) in declared:
            yield passed("{port} is declared", subject=port, seen=seen, because=because, port=port)
        elif programs and not hidden and all(_known(name, declared) for name in programs):
            text = "{port} is held by {programs}, which is declared"
            yield passed(text, subject=port, seen=seen, because=because, port=port, programs=seen)
        elif any(not _known(name, declared) for name in programs):
            text = "{programs} listens on {port}, and neither is declared"
            yield failed(text, subject=port, seen=seen, because=because, port=port, programs=seen)
        elif names and not _all_seen(host):
            text = "something listens on {port}; whose it is was not seen"
            yield unknown(text, subject=port, because=because, settle="ss run by root, or {port} in `declared`", port=port)
        else:
            yield failed("something listens on {port}, which is not declared", subject=port, because=because, port=port)
    if not ports:
        yield passed("nothing listens", subject="host")


def _known(name: str, declared: tuple[str, ...]) -> bool:
    """The kernel cuts the name of a program to 15 bytes, and ss shows no more."""
    return name in declared or (len(name.encode()) == 15 and any(entry.encode()[:15] == name.encode() for entry in declared))


def _names(host: Host, socket: Socket, declared: tuple[str, ...]) -> tuple[str, ...]:
    """Who holds a socket. Where systemd does, too, the socket unit that it does so for, if that is declared or nobody else holds it."""
    others = tuple(name for name in socket.programs if name != "systemd")
    units = socket_units(host, socket) if "systemd" in socket.programs else ()
    if known := tuple(unit for unit in units if unit in declared):
        return known
    return others or units or socket.programs


def _all_seen(host: Host) -> bool:
    """Whether ss ran as root, which is shown every holder: then a socket without one is the kernel's own."""
    return host.evidence.identity.get("privilege") in ("root", "sudo")
