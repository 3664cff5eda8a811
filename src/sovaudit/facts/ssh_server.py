"""One sshd with its configuration: where it listens, and why it would not start."""

from __future__ import annotations

from dataclasses import dataclass

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.ssh_daemon import DEFAULT_CONFIG, Daemon
from sovaudit.facts.ssh_ways import ENABLING
from sovaudit.facts.sshd_match import Settings
from sovaudit.model.finding import Line


@dataclass(frozen=True, slots=True)
class Server:
    """One daemon with its configuration."""

    daemon: Daemon
    settings: Settings

    @property
    def ports(self) -> tuple[int, ...]:
        """Where it listens on each ListenAddress that names no port of its own: `-p` beats Port."""
        return tuple(dict.fromkeys(self.daemon.ports or [int(port) for port in self.settings.outside.words("port")]))


def refusal(files: Files, server: Server) -> tuple[Line, str] | None:
    """Why sshd does not start with this configuration: a line that it refuses, or methods that nothing enabled can satisfy."""
    config = server.settings.config
    if config.refusals:
        return config.refusals[0].line, config.refusals[0].reason
    outside = server.settings.outside
    lists = outside.words("authenticationmethods")
    if lists != ("any",):
        on = {method for method, keyword in ENABLING.items() if outside.yes(keyword)} | {"none"}
        if not any(all(name.split(":")[0] in on for name in methods.split(",")) for methods in lists):
            return (*outside.because("authenticationmethods"), Line(DEFAULT_CONFIG, 0, ""))[
                0
            ], "AuthenticationMethods cannot be satisfied by enabled methods"
    keys = outside.words("hostkey")
    if keys and all(key.lower() == "none" for key in keys) and not outside.yes("gssapikeyexchange"):
        return outside.because("hostkey")[0], "no host key"
    if outside.because("hostkey") and keys and not any(_may_be_read(files, key) for key in keys):
        return outside.because("hostkey")[0], "no host key that is there and that only root can read"
    for command in ("authorizedkeyscommand", "authorizedprincipalscommand"):
        if outside.get(command) != "none" and not outside.because(f"{command}user"):
            return outside.because(command)[0], f"{command} has no user to run as"
    return None


def _may_be_read(files: Files, path: str) -> bool:
    """Whether a host key may be there; its own rights keep sshd from one that others can read, if it is root's (authfile.c)."""
    if path.lower() == "none":
        return False
    try:
        stat = files.follow(path)
    except Unseen:
        return True
    return stat is not None and not (stat.uid == 0 and stat.mode & 0o077)
