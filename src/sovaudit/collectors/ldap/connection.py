"""A bound connection: TLS verified, certificate for this name, simple or SASL. Nothing is sent in clear unless the caller insists.

ldap3's own defaults verify nothing (`Tls()` is CERT_NONE) and follow referrals with the credentials: both are set aside here.
"""

from __future__ import annotations

import contextlib
import hashlib
import ssl
from collections.abc import Iterator
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPSocketOpenError, LDAPStartTLSError
from ldap3.protocol.sasl.sasl import send_sasl_negotiation

from sovaudit.collectors.ldap import kerberos
from sovaudit.collectors.ldap.address import Address
from sovaudit.collectors.options import CollectOptions
from sovaudit.errors import CollectError

_REFUSALS = {
    7: ("this way of authenticating is not supported", "Choose another with --sasl, or a simple bind"),
    8: ("it demands a stronger authentication", "Use ldaps:// or leave StartTLS on"),
    34: ("the name to bind as is no distinguished name", "Write --bind-dn in full, as uid=auditor,ou=services,dc=example,dc=org"),
    13: ("it demands encryption", "Use ldaps:// or leave StartTLS on"),
    48: ("it refuses this way of authenticating", "Give --bind-dn and a password"),
    49: ("it does not accept this name and password", "Check --bind-dn and the password; an expired one looks the same"),
    50: ("it does not let this account bind", "Check the account's rights"),
    53: ("it is unwilling to bind this account", "Give the password, or check the account"),
}


class _Verified(ldap3.Tls):  # type: ignore[misc]
    """The standard library's own verification, host name included, instead of ldap3's."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        super().__init__(validate=context.verify_mode)
        self._context = context
        self._name = name

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        connection.socket = self._context.wrap_socket(connection.socket, do_handshake_on_connect=do_handshake, server_hostname=self._name)


def context(options: CollectOptions) -> ssl.SSLContext:
    """Raises CollectError for an unusable certificate file."""
    try:
        made = ssl.create_default_context(cafile=options.ldap_ca or None)
        if options.ldap_certificate:
            made.load_cert_chain(options.ldap_certificate, options.ldap_key or None)
    except (OSError, ssl.SSLError) as error:
        where = options.ldap_certificate or options.ldap_ca
        raise CollectError(f"no usable certificate ({error})", status="failed", where=where, hint="Name a PEM file") from error
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if options.ldap_insecure:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


@contextlib.contextmanager
def connected(address: Address, options: CollectOptions, where: str, *, anonymous: bool = False) -> Iterator[Any]:
    """A bound ldap3 connection (one that never binds if anonymous), closed on leaving. Raises CollectError."""
    tls = _Verified(context(options), options.ldap_tls_name or address.host)
    server = ldap3.Server(
        address.host,
        address.port,
        use_ssl=address.scheme == "ldaps",
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=options.connect_timeout_s,
    )
    connection = ldap3.Connection(
        server,
        auto_bind=ldap3.AUTO_BIND_NONE,
        auto_referrals=False,
        auto_range=False,
        read_only=True,
        receive_timeout=options.connect_timeout_s,
        check_names=False,
        **({} if anonymous else _credentials(options)),
    )
    try:
        _open(connection, address, options, where)
        # A stranger does not bind at all: a server that refuses anonymous binds may yet answer who never tried (slapd-config(5), olcDisallows).
        if not anonymous and not _bound(connection, address, options, where):
            raise _refused(connection.result, where, options.ldap_sasl)
        yield connection
    except LDAPException as error:
        raise CollectError(f"the bind failed ({_line(error)})", status="failed", where=where, hint="Try again") from error
    finally:
        with contextlib.suppress(Exception):
            connection.socket.close()  # an unbind could wait for a server that no longer answers


def _bound(connection: Any, address: Address, options: CollectOptions, where: str) -> bool:
    if options.ldap_sasl != "gssapi":
        return bool(connection.bind())

    def exchange(token: bytes) -> tuple[int, bytes]:
        result = send_sasl_negotiation(connection, None, token)
        return int(result["result"]), bytes(result.get("saslCreds") or b"")

    service = f"ldap@{options.ldap_tls_name or address.host}"
    return kerberos.sign_in(service, exchange, where, binding=kerberos.channel(connection.socket)) == 0


def _credentials(options: CollectOptions) -> dict[str, Any]:
    if options.ldap_sasl == "external":
        return {"authentication": ldap3.SASL, "sasl_mechanism": ldap3.EXTERNAL, "sasl_credentials": ""}
    if options.ldap_sasl == "gssapi":
        return {"authentication": ldap3.SASL, "sasl_mechanism": ldap3.GSSAPI}
    if options.ldap_bind_dn:
        return {"authentication": ldap3.SIMPLE, "user": options.ldap_bind_dn, "password": options.ldap_password or ""}
    return {"authentication": ldap3.ANONYMOUS}


def _open(connection: Any, address: Address, options: CollectOptions, where: str) -> None:
    try:
        connection.open(read_server_info=False)
        if address.scheme == "ldap" and not options.ldap_clear:
            connection.start_tls(read_server_info=False)
    except (LDAPSocketOpenError, LDAPStartTLSError, ssl.SSLError, OSError) as error:
        text = _line(error)
        if "certificate verify failed" in text:
            reason = text.partition("certificate verify failed")[2].partition(" (_ssl")[0].replace("\\", "").strip(": .")
            raise CollectError(
                f"its certificate is not accepted ({reason or 'it cannot be verified'})", status="refused", where=where, hint=_mend(reason)
            ) from error
        if isinstance(error, LDAPStartTLSError):
            raise CollectError(
                f"it offers no encryption ({text})", status="refused", where=where, hint="Use ldaps://, or --ldap-clear knowingly"
            ) from error
        if isinstance(error, ssl.SSLError) or "ssl wrapping" in text or "[SSL: " in text:
            reason = text.partition("[SSL: ")[2].partition("]")[0].replace("_", " ").lower() or "the connection ended"
            hint = "ldaps:// is usually port 636, and ldap:// with StartTLS 389"
            raise CollectError(f"speaks no TLS that we accept ({reason})", status="failed", where=where, hint=hint) from error
        raise CollectError(f"cannot be reached ({text})", status="unreachable", where=where, hint="Check name, port and network") from error
    except LDAPException as error:
        raise CollectError(
            f"speaks no LDAP that we understand ({_line(error)})", status="failed", where=where, hint="Check the port"
        ) from error


def _mend(reason: str) -> str:
    """What to do about a certificate that is not accepted."""
    if "expired" in reason or "not yet valid" in reason:
        return "Have the server's certificate renewed, or set this machine's clock"
    if "mismatch" in reason or "match" in reason:
        return "Call the server by a name that stands in it, or say which one does with --tls-name"
    return "Name the authority that signed it with --ca"


def _refused(result: dict[str, Any], where: str, sasl: str | None = None) -> CollectError:
    code = int(result.get("result", -1))
    what, hint = _REFUSALS.get(code, ("it refuses to bind", "Check the server's log"))
    if sasl == "gssapi" and code == 8:
        hint = "Use a simple bind, or let the server take SASL over TLS (Samba: ldap server require strong auth = allow_sasl_over_tls)"
    if sasl == "external":
        hint = "Give a certificate that it knows with --tls-cert and --tls-key"
    said = _line(result.get("message") or result.get("description") or "")
    return CollectError(f"{what} (result {code}{', ' + said if said else ''})", status="refused", where=where, hint=hint)


def identity(connection: Any) -> dict[str, str]:
    """What the connection itself shows: encryption, the server's certificate, the library."""
    found = {"client": f"ldap3 {ldap3.__version__}"}
    sock = connection.socket
    if isinstance(sock, ssl.SSLSocket):
        cipher = sock.cipher()
        found["tls"] = f"{sock.version()} {cipher[0] if cipher else ''}".strip()
        certificate = sock.getpeercert(binary_form=True)
        if certificate:
            found["certificate"] = "sha256:" + hashlib.sha256(certificate).hexdigest()
    else:
        found["tls"] = "none"
    return found


def who_am_i(connection: Any) -> str:
    """RFC 4532: whom the server takes us for; empty where it does not say."""
    try:
        return str(connection.extend.standard.who_am_i() or "")
    except (LDAPException, OSError, AttributeError):
        return ""


def _line(error: object) -> str:
    return " ".join(str(error).split())[:300]
