"""How to collect: bounds, and what opens the door. Secrets never show in a repr."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from sovaudit.errors import UsageError

MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """Bounds and access.

    host_timeout_s: seconds for one target, connecting included. max_bytes: raw evidence of one target.
    sudo: become root on the target through sudo; `sudo_password` None means `sudo -n`.
    collector_path: run this installed copy through `sudo -n` instead of sending the script (see `privileges`); implies sudo.
    log_records: bring the end of a host's own log as digests, to hold against a collector's archive; an audit with a `logs:` target does.
    key_files, password, known_hosts, jump: as `ssh -i`, a password, `-o UserKnownHostsFile`, `-J`; empty means what ~/.ssh/config says.
    ssh_config: the configuration file; None means ~/.ssh/config. agent: ask a running ssh-agent.
    ldap_*: bind_dn and password of a simple bind; sasl `external` or `gssapi` instead; ca the PEM file of the authority (None: the system's);
    certificate and key our own, for EXTERNAL; tls_name the name in the server's certificate where it is not the host's; insecure accepts any
    certificate, clear does without StartTLS: both only knowingly.
    identify: evidence of badges and people names them; otherwise it holds pseudonyms made with `people_key`, which is as good as random
    unless it is given, so that two audits could not be joined. redact: evidence already taken loses its names, too.
    sql_password: of the account in a database's URL.
    """

    host_timeout_s: int = 120
    connect_timeout_s: int = 15
    max_bytes: int = MAX_BYTES
    sudo: bool = False
    sudo_password: str | None = field(default=None, repr=False)
    collector_path: str = ""
    log_records: bool = False
    key_files: tuple[str, ...] = ()
    key_passphrase: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    known_hosts: tuple[str, ...] = ()
    jump: str = ""
    ssh_config: str | None = None
    agent: bool = True
    ldap_bind_dn: str = ""
    ldap_password: str | None = field(default=None, repr=False)
    ldap_sasl: str = ""
    ldap_ca: str = ""
    ldap_certificate: str = ""
    ldap_key: str = ""
    ldap_tls_name: str = ""
    ldap_insecure: bool = False
    ldap_clear: bool = False
    identify: bool = False
    redact: bool = False
    people_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False, compare=False)
    sql_password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.identify and self.redact:
            raise UsageError("--identify names people, --redact takes names away", where="CollectOptions", hint="Choose one.")
        for name in ("key_files", "known_hosts"):
            if isinstance(getattr(self, name), str):  # its letters would each be a path
                raise UsageError("one path where several are expected", where=f"CollectOptions.{name}", hint="Give a tuple of paths.")
