"""Authentication of the audit account, answer by answer, and what the server said to each good one.

Before: a transport that speaks with a known host. After: it is authenticated, and every good answer is told with what the server then still
demanded. Never: a secret, or a text that the server showed, in what is told.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.collectors.options import CollectOptions
from sovaudit.collectors.ssh_config import Route, agent_there
from sovaudit.errors import CollectError

if TYPE_CHECKING:
    import paramiko

MAX_KEYS = 6  # sshd gives up after as many tries
_METHODS = frozenset("publickey password keyboard-interactive gssapi-with-mic gssapi-keyex hostbased none".split())


@dataclass(frozen=True, slots=True)
class Answer:
    """A good one. method: of RFC 4252. detail: the kind of key, or how many prompts were answered. demanded: the methods that the server wanted
    after it; empty when the session was open.
    """

    method: str
    detail: str
    demanded: tuple[str, ...]


def login_artifact(answers: list[Answer]) -> bytes:
    """`method<TAB>detail<TAB>more|open<TAB>methods` per good answer, in order."""
    rows = (f"{a.method}\t{a.detail}\t{'more' if a.demanded else 'open'}\t{','.join(a.demanded)}\n" for a in answers)
    return "".join(rows).encode("ascii", "replace")


def one_line(error: BaseException) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return "".join(character if character.isprintable() else " " for character in text)[:200]


def authenticate(transport: paramiko.Transport, way: Route, options: CollectOptions, where: str) -> list[Answer]:
    """Agent, key files, password; after a good answer that is not enough, what the server then demands. Raises CollectError (refused)."""
    tried: list[str] = []
    session = _Session(transport, way, options, where, tried)
    if session.open():
        return session.answers
    if not tried:
        raise CollectError(
            f"no key and no password for {way.user}",
            status="refused",
            where=where,
            hint="Give a key file, start ssh-agent, or give a password",
        )
    more = f"; it allows {', '.join(session.allowed)}" if session.allowed else ""
    if session.answers:
        good = ", ".join(answer.method for answer in session.answers)
        more = f"; after {good} it demands {', '.join(session.allowed or ())}, and there was nothing to answer that with"
    raise CollectError(
        f"authentication as {way.user} was refused (tried {', '.join(tried)}{more})",
        status="refused",
        where=where,
        hint="Check user, key and authorized_keys",
    )


class _Session:
    def __init__(self, transport: paramiko.Transport, way: Route, options: CollectOptions, where: str, tried: list[str]) -> None:
        self._transport = transport
        self._way = way
        self._password = options.password
        self._where = where
        self._tried = tried
        self._keys = _keys(way, options, tried, where)[:MAX_KEYS]
        self.allowed: tuple[str, ...] | None = None  # not said yet
        self.answers: list[Answer] = []

    def open(self) -> bool:
        """Whether the session is open in the end."""
        spent: set[str] = set()  # methods that the password was given to since the last good answer
        while self._transport.is_active():
            before = len(self.answers)
            if self._keys and self._wanted("publickey"):
                name, key = self._keys[0]
                if self._try("publickey", key.get_name(), lambda key=key: self._transport.auth_publickey(self._way.user, key)):  # type: ignore[misc]
                    self._keys.pop(0)  # else it is kept for when keys are demanded
                self._tried.append(f"{key.get_name()} ({name})")
            elif self._password is not None and (method := self._typing(spent)):
                spent.add(method)
                self._tried.append("password" if method == "password" else f"password ({method})")
                self._type(method, self._password)
            else:
                return False
            if self._transport.is_authenticated():
                return True
            if len(self.answers) > before:
                spent.clear()
        return False

    def _wanted(self, method: str) -> bool:
        return self.allowed is None or method in self.allowed

    def _typing(self, spent: set[str]) -> str:
        """Where the password goes: `password`, or where that method is not allowed, the prompt of `keyboard-interactive`. Empty: nowhere more."""
        if self._wanted("password"):
            return "" if "password" in spent else "password"
        said = self.allowed is not None and "keyboard-interactive" in self.allowed
        return "keyboard-interactive" if said and "keyboard-interactive" not in spent else ""

    def _type(self, method: str, password: str) -> None:
        user = self._way.user
        if method == "password":
            self._try(method, "", lambda: self._transport.auth_password(user, password, fallback=False))
            return
        prompts = 0

        def answer(_title: str, _text: str, fields: list[tuple[str, bool]]) -> list[str]:
            nonlocal prompts
            prompts += len(fields)
            return [password if len(fields) == 1 else "" for _ in fields]

        self._try(method, lambda: str(prompts), lambda: self._transport.auth_interactive(user, answer))

    def _try(self, method: str, detail: str | Callable[[], str], act: Callable[[], list[str]]) -> bool:
        """Whether the server considered it: False where that method is not allowed now."""
        import paramiko

        try:
            demanded = act()
        except paramiko.BadAuthenticationType as error:
            self.allowed = _named(error.allowed_types)
            return False
        except paramiko.AuthenticationException:
            return True
        except (paramiko.SSHException, EOFError) as error:
            raise CollectError(
                f"the connection broke during authentication ({one_line(error)})",
                status="refused",
                where=self._where,
                hint="Check the host's auth log",
            ) from error
        if self._transport.is_authenticated() or demanded:
            self.allowed = _named(demanded)
            self.answers.append(Answer(method, detail if isinstance(detail, str) else detail(), self.allowed))
        return True


def _named(methods: list[str]) -> tuple[str, ...]:
    """Names that we know: what a server sends is not repeated raw."""
    return tuple(name if name in _METHODS else "other" for name in methods[:8])


def _keys(way: Route, options: CollectOptions, tried: list[str], where: str) -> list[tuple[str, paramiko.PKey]]:
    import paramiko

    keys: list[tuple[str, paramiko.PKey]] = []
    if way.given_keys:
        keys += _key_files(way, options, tried, where)
    if way.agent and agent_there():
        with suppress(paramiko.SSHException):
            agent = paramiko.Agent()
            keys += [("agent", key) for key in agent.get_keys()]
    if not way.given_keys:
        keys += _key_files(way, options, tried, where)
    return keys


def _key(path: str, passphrase: str | None) -> paramiko.PKey:
    import paramiko

    try:
        return paramiko.PKey.from_path(path)
    except TypeError:  # it has a passphrase; one that has none would be refused with one
        if passphrase is None:
            raise
        return paramiko.PKey.from_path(path, passphrase.encode())  # type: ignore[arg-type]  # its stubs say str, it takes bytes alone


def _key_files(way: Route, options: CollectOptions, tried: list[str], where: str) -> list[tuple[str, paramiko.PKey]]:
    import paramiko

    found: list[tuple[str, paramiko.PKey]] = []
    for path in way.keys:
        try:
            found.append((path, _key(path, options.key_passphrase)))
        except FileNotFoundError:
            if way.given_keys and path in options.key_files:
                raise CollectError(f"there is no key file {path}", status="refused", where=where, hint="Check the path") from None
        except (paramiko.SSHException, ValueError, TypeError, OSError) as error:
            if way.given_keys and path in options.key_files and len(way.keys) == 1:
                raise CollectError(
                    f"cannot use key {path} ({one_line(error)})",
                    status="refused",
                    where=where,
                    hint="Give its passphrase (--identity-passphrase-file) or add it to ssh-agent",
                ) from error
            tried.append(f"{path} (unusable)")
    return found
