"""What persons can really do to a slapd, by doing it: reading, setting passwords, joining groups, writing cn=config."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ldap3

from tests import slapd

BASE = slapd.BASE
PEOPLE = ("alice", "bob", "carol", "dave")
STRANGER = ""
FILTERS = ("objectClass", "userPassword", "cn", "uid", "description")
ADMINS, UNIQUE = f"cn=admins,ou=groups,{BASE}", f"cn=unique,ou=groups,{BASE}"


def uid(name: str) -> str:
    return f"uid={name},ou=people,{BASE}"


def person(name: str, *more: str) -> str:
    lines = ["objectClass: inetOrgPerson", *more, f"uid: {name}", f"cn: {name}", "sn: x", f"userPassword: {name}-Secret-1"]
    return f"dn: {uid(name)}\n" + "".join(f"{line}\n" for line in lines) + "\n"


SYNC = f"cn=sync,ou=services,{BASE}"
MORE = {
    "alice": ("employeeType: staff",),
    "bob": ("employeeType: Staff", f"secretary: {uid('carol')}"),
    "dave": (f"manager: {uid('alice')}",),
}
ENTRIES = (
    "".join(person(name, *MORE.get(name, ())) for name in PEOPLE)
    + f"dn: {SYNC}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: sync\nuserPassword: sync-Secret-1\n\n"
    + f"dn: ou=public,{BASE}\nobjectClass: organizationalUnit\nou: public\n\n"
    + f"dn: cn=note,ou=public,{BASE}\nobjectClass: device\ncn: note\n\n"
    + f"dn: cn=admins,ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: admins\nmember: {uid('bob')}\nowner: {uid('carol')}\n\n"
    + f"dn: cn=unique,ou=groups,{BASE}\nobjectClass: groupOfUniqueNames\ncn: unique\nuniqueMember: {uid('carol')}\n\n"
    + f"dn: cn=posix,ou=groups,{BASE}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 500\nmemberUid: bob\n\n"
    + f"dn: cn=outer,ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: outer\nmember: cn=admins,ou=groups,{BASE}\nmember: {uid('dave')}\n\n"
)
PASSWORDS = {uid(name): f"{name}-Secret-1" for name in PEOPLE} | {SYNC: "sync-Secret-1", slapd.AUDITOR: slapd.AUDITOR_PASSWORD}
DATABASE, FRONTEND, CONFIG = "olcDatabase={1}mdb,cn=config", "olcDatabase={-1}frontend,cn=config", "olcDatabase={0}config,cn=config"


class Acts:
    """Connections that stay open while rules change under them: to be let in is another question."""

    def __init__(self, server: slapd.Slapd) -> None:
        self._server = server
        self.root = self._connected(slapd.ADMIN, slapd.ADMIN_PASSWORD)
        self.who = {dn: self._connected(dn, password) for dn, password in PASSWORDS.items()}
        self.who[STRANGER] = self._connected(STRANGER, "")

    def _connected(self, dn: str, password: str) -> Any:
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(self._server.ca), valid_names=["127.0.0.1", "localhost", "directory"])
        server = ldap3.Server("127.0.0.1", self._server.ldaps, use_ssl=True, tls=tls, get_info=ldap3.NONE)
        connection = ldap3.Connection(server, dn or None, password or None, check_names=False, auto_bind=ldap3.AUTO_BIND_NONE)
        connection.open(read_server_info=False)
        assert not dn or connection.bind(), connection.result
        return connection

    @contextmanager
    def rules(
        self,
        access: Sequence[str],
        frontend: Sequence[str] | None = None,
        config: Iterable[str] = (),
        settings: dict[str, list[str]] | None = None,
        database: dict[str, list[str]] | None = None,
    ) -> Iterator[None]:
        """The server under these rules. config: rules before its own; settings: attributes of cn=config; database: of the main database."""
        kept = {dn: self._values(dn) for dn in (DATABASE, FRONTEND, CONFIG)}
        try:
            self._put(DATABASE, access)
            if frontend is not None:
                self._put(FRONTEND, frontend)
            if config:
                self._put(CONFIG, [*config, *kept[CONFIG]])
            for name, values in (settings or {}).items():
                self._set("cn=config", name, values)
            for name, values in (database or {}).items():
                self._set(DATABASE, name, values)
            yield
        finally:
            for name in database or {}:
                self._set(DATABASE, name, [])
            for name in settings or {}:
                self._set("cn=config", name, [])
            for dn, values in kept.items():
                self._put(dn, values)

    def _values(self, dn: str) -> list[str]:
        self.root.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["olcAccess"])
        found = self.root.response[0]["raw_attributes"].get("olcAccess", [])
        return [value.decode().partition("}")[2] for value in found]

    def _put(self, dn: str, values: Iterable[str]) -> None:
        self._set(dn, "olcAccess", [f"{{{number}}}{value}" for number, value in enumerate(values)])

    def _set(self, dn: str, name: str, values: list[str]) -> None:
        self.root.modify(dn, {name: [(ldap3.MODIFY_REPLACE, values)]})
        assert self.root.result["result"] == 0, (self.root.result, values)

    # Acts

    def reads(
        self, who: str, base: str, attributes: Sequence[str], scope: str = ldap3.SUBTREE, asked: Sequence[str] = FILTERS
    ) -> dict[str, set[str]]:
        """DN → names of attributes that a search brought, whichever of these attributes it asked to be there."""
        found: dict[str, set[str]] = {}
        for name in asked:
            self.who[who].search(base, f"({name}=*)", scope, attributes=list(attributes))
            for row in self.who[who].response or []:
                if row["type"] == "searchResEntry":
                    found.setdefault(row["dn"].lower(), set()).update(key for key, value in row["raw_attributes"].items() if value)
        return found

    def strangers_read(self) -> bool:
        """Whether somebody without a name is brought any entry but the root one, wherever they look."""
        bases = [
            BASE,
            *(f"ou={ou},{BASE}" for ou in ("people", "groups", "public", "services")),
            uid("alice"),
            f"cn=note,ou=public,{BASE}",
            "cn=config",
        ]
        if any(self.reads(STRANGER, base, ["*"]) for base in bases):
            return True
        unbound, self.who[STRANGER] = self.who[STRANGER], self._connected(STRANGER, "")
        try:  # a bind without a name and a password is a bind
            return bool(self.who[STRANGER].bind()) and any(self.reads(STRANGER, base, ["*"]) for base in bases)
        finally:
            self.who[STRANGER].unbind()
            self.who[STRANGER] = unbound

    def readers(self) -> set[str]:
        """Who is brought a password that is not their own."""
        targets = [dn for dn in PASSWORDS if dn != slapd.AUDITOR]
        found = set()
        for who in (*PASSWORDS, STRANGER):
            for target in targets:
                if target != who and "userPassword" in self.reads(who, target, ["userPassword"], ldap3.BASE, FILTERS[:2]).get(
                    target.lower(), set()
                ):
                    found.add(who)
                    break
        return found

    def sets(self, who: str, target: str) -> bool:
        """Whether they can give somebody another password."""
        done = self.who[who].modify(target, {"userPassword": [(ldap3.MODIFY_ADD, ["taken-over"])]})
        if done:
            assert self.root.modify(target, {"userPassword": [(ldap3.MODIFY_DELETE, ["taken-over"])]})
        return bool(done)

    def setters(self) -> set[str]:
        return {who for who in (*PASSWORDS, STRANGER) if any(self.sets(who, target) for target in PASSWORDS if target != who)}

    def _writes_config(self, who: str) -> bool:
        # a rule behind the last one that changes nothing
        done = self.who[who].modify(DATABASE, {"olcAccess": [(ldap3.MODIFY_ADD, ["{99}to dn.base=cn=nothing by * none"])]})
        if done:
            last = len(self._values(DATABASE)) - 1
            assert self.root.modify(DATABASE, {"olcAccess": [(ldap3.MODIFY_DELETE, [f"{{{last}}}"])]}), self.root.result
        return bool(done)

    def _writes_tree(self, who: str) -> bool:
        dn = f"cn=made,{BASE}"
        made = self.who[who].add(dn, ["device"], {"cn": "made"})
        deleted = made and self.who[who].delete(dn)
        if made and not deleted:
            self.root.delete(dn)
        described = self.who[who].modify(BASE, {"description": [(ldap3.MODIFY_REPLACE, ["x"])]})
        return bool(made and deleted and described)

    def _rules(self, who: str) -> bool:
        return self._writes_config(who) or any(self.sets(who, target) for target in PASSWORDS if target != who) or self._writes_tree(who)

    def rules_by_now(self, who: str) -> bool:
        """Whether they rule, or do once they have put themselves into a group."""
        if self._rules(who):
            return True
        return bool(who) and self._climbs(who, 2)

    def _climbs(self, who: str, steps: int) -> bool:
        """Whether they come to rule by writing what they may: themselves into groups, as somebody's manager, a word of their own."""
        name = who.partition(",")[0].partition("=")[2]
        ways = [(ADMINS, "member", who), (UNIQUE, "uniqueMember", who), (f"cn=posix,ou=groups,{BASE}", "memberUid", name)]
        ways += [(target, "manager", who) for target in map(uid, PEOPLE) if target != who]
        ways += [(ADMINS, "owner", who), (who, "employeeType", "admin"), (who, "uid", "chief")]
        for dn, attribute, value in ways:
            if self.who[who].modify(dn, {attribute: [(ldap3.MODIFY_ADD, [value])]}):
                try:
                    if self._rules(who) or (steps > 1 and self._climbs(who, steps - 1)):
                        return True
                finally:
                    self.root.modify(dn, {attribute: [(ldap3.MODIFY_DELETE, [value])]})
        return False

    def rulers(self) -> set[str]:
        return {who for who in (*PASSWORDS, STRANGER) if self.rules_by_now(who)}
