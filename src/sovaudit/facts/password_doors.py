"""The services of a host that ask for an account's password, and how sshd does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sovaudit.facts.factors import NOTHING, Factor
from sovaudit.facts.files import Unseen
from sovaudit.facts.pam import anyone
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

# Service → programs without whose file in pam.d it falls to `other`; those without programs count where they are configured.
SERVICES: dict[str, tuple[str, ...]] = {
    "login": ("/usr/bin/login", "/bin/login"),
    "su": ("/usr/bin/su", "/bin/su"),
    "su-l": (),
    "sudo": ("/usr/bin/sudo", "/usr/local/bin/sudo"),
    "sudo-i": (),
    "doas": (),
    **dict.fromkeys("remote gdm gdm-password lightdm sddm xdm kde lxdm slim greetd polkit-1 cockpit xrdp-sesman".split(), ()),
    **dict.fromkeys("vsftpd proftpd pure-ftpd dovecot imap pop3 smtp cups ppp openvpn webmin".split(), ()),
}


def password_services(host: Host) -> tuple[list[str], list[Unseen]]:
    """Services but sshd, and for those that were not seen why."""
    found: list[str] = []
    unseen: list[Unseen] = []
    for name, programs in SERVICES.items():
        try:
            if host.pam.stacks.configured(name) or any(host.files.exists(program) for program in programs):
                found.append(name)
        except Unseen as error:
            unseen.append(error)
    return found, unseen


def ssh_asks(host: Host) -> tuple[str, tuple[Line, ...]]:
    """How sshd asks for passwords: `pam`, `itself` (UsePAM no: nothing counts there), `never`. Raises Unseen."""
    how, because = _ssh_hows(host)
    return "itself" if "itself" in how else "pam" if how else "never", because


def ssh_asks_pam(host: Host) -> bool:
    """Whether some sshd asks for passwords through PAM; without it sshd holds to their age itself. Raises Unseen."""
    return host.ssh.installed and "pam" in _ssh_hows(host)[0]


def _ssh_hows(host: Host) -> tuple[set[str], tuple[Line, ...]]:
    if host.ssh.refused is not None:
        return set(), (host.ssh.refused[0],)
    how: set[str] = set()
    because: list[Line] = []
    for server in host.ssh.servers:
        if host.ssh.refusal(server) is not None:
            continue
        outside = server.settings.outside
        pam = outside.yes("usepam")
        keywords = ("passwordauthentication", "kbdinteractiveauthentication") if pam else ("passwordauthentication",)
        if any(outside.yes(keyword) for keyword in keywords) or "yes" in server.settings.conditional_values(*keywords):
            how.add("pam" if pam else "itself")
        because += outside.because("usepam", *keywords)
    if how and not _some_way(host):
        how = set()
    return how, tuple(dict.fromkeys(because))


def _some_way(host: Host) -> bool:
    """A password counts for something in some account's way in, alone or with more; a way that asks for nothing we know may ask for one."""
    people = (anyone(), *(account for account in host.accounts if account.password is None or account.password.usable))
    return any(Factor.PASSWORD in factors or factors == NOTHING for account in people for factors in host.ssh.ways(account).sets)
