"""Field tests of audit rules: `-F name op value` and `-C left op right`, as libaudit 3.0 takes them and the kernel accepts them."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sovaudit.facts.parse import audit_tables as tables

UNSET = 4294967295
_OPERATORS = ("!=", ">=", "<=", "&=", "=", ">", "<", "&")
_IN_EXCLUDE = frozenset("pid uid gid auid msgtype subj_user subj_role subj_type subj_sen subj_clr exe".split())
_EQUAL_ONLY = frozenset("subj_user subj_role subj_type obj_user obj_role obj_type path dir perm filetype exe arch".split())
_EXIT_ONLY = frozenset("exit perm filetype success devmajor devminor inode ppid path dir".split())


class Wrong(Exception):
    """auditctl reports an error for this line."""


@dataclass(frozen=True, slots=True)
class Field:
    """value: a number for ids, types and arguments, a text for paths, keys, permissions and labels. arch: `b64`, `b32`, `other`."""

    name: str
    op: str
    value: int | str


@dataclass
class FieldReader:
    """Reads fields for one rule. uid, gid: the numbers of names, None for unknown ones."""

    uid: Callable[[str], int | None]
    gid: Callable[[str], int | None]
    arch: str = ""
    named: bool = False  # a system call was named, or a watch given
    permission: bool = False
    exe: bool = False
    filesystem: bool = False
    fields: list[Field] = field(default_factory=list)

    def read_field(self, text: str, where: str) -> None:
        """One `-F` of a rule for the list `where`. Raises Wrong."""
        op = next((each for each in _OPERATORS if each in text), "")
        if not op:
            raise Wrong(f"{text}: no operator")
        name, _, value = text.partition(op)
        name = {"loginuid": "auid"}.get(name.lower(), name.lower())
        if not name or not value or name not in tables.FIELDS:
            raise Wrong(f"{text}: not a field with a value")
        if where == "exclude" and name not in _IN_EXCLUDE:
            raise Wrong(f"{name} cannot be used on the exclude list")
        self.fields.append(Field(name, op, self._value(name, op, value, where)))
        if name == "perm":
            self.permission = True

    def _value(self, name: str, op: str, value: str, where: str) -> int | str:
        if name in tables.UIDS or name in tables.GIDS:
            return self._id(name, value)
        if name in tables.STRINGS:
            return self._text(name, op, value, where)
        if name == "arch":
            return self._arch(op, value)
        if name in ("exit", "perm", "filetype", "success", "devmajor", "devminor", "inode", "ppid") and where != "exit":
            raise Wrong(f"{name} belongs to the exit list")
        if name == "perm":
            if op != "=" or len(value) > 4 or set(value.lower()) - set("rwxa"):
                raise Wrong("perm takes = and some of rwxa")
            return letters(value)
        if name == "exit":
            return self._exit(value)
        if name == "msgtype":
            return self._message(value, where)
        if name == "filetype":
            if value.lower() not in tables.FILETYPES:
                raise Wrong("unknown type of file")
            return value.lower()
        if name == "fstype":
            return self._fstype(op, value, where)
        if name in ("a0", "a1", "a2", "a3", "sessionid") and re.match(r"-\d", value):
            return (number(value) or 0) & UNSET
        if name == "sessionid":
            return UNSET if value == "unset" else number(value) or 0
        if name == "inode" and op not in ("=", "!="):
            raise Wrong("inode takes = or !=")
        if not value[:1].isdigit() and name != "saddr_fam":
            raise Wrong(f"{name} takes a number")
        if name == "saddr_fam" and (number(value) or 0) & UNSET >= 46:
            raise Wrong("no family of addresses has this number")
        return (number(value) or 0) & UNSET

    def _id(self, name: str, value: str) -> int:
        if value[:1].isdigit() or (name in tables.UIDS and re.match(r"-\d", value)):
            return (number(value) or 0) & UNSET
        if name in tables.UIDS and value == "unset":
            return UNSET
        found = (self.uid if name in tables.UIDS else self.gid)(value)
        if found is None:
            raise Wrong(f"{name}: {value} is unknown")
        return found

    def _text(self, name: str, op: str, value: str, where: str) -> str:
        if name in ("path", "dir") or name.startswith("obj_"):
            if where != "exit":
                raise Wrong(f"{name} belongs to the exit list")
            self.permission = self.permission or name in ("path", "dir")
        if name == "exe":
            if op not in ("=", "!="):
                raise Wrong("exe takes = or !=")
            self.exe = True
        if len(value) > 4096:
            raise Wrong(f"{name}: too long")
        return value

    def _arch(self, op: str, value: str) -> str:
        if self.named:
            raise Wrong("arch must come before the system calls")
        if op not in ("=", "!="):
            raise Wrong("arch takes = or !=")
        if value[:1].isdigit():
            found = tables.ELF.get(number(value) or 0)
        else:
            found = {"b64": "b64", "b32": "b32", **tables.MACHINES}.get(value.lower())
        if found is None:
            raise Wrong(f"arch {value} is unknown")
        self.arch = found
        return found

    def _exit(self, value: str) -> int:
        if re.match(r"-?\d", value):
            return number(value) or 0
        sign, name = (-1, value[1:]) if value.startswith("-") else (1, value)
        found = getattr(errno, name.upper(), 0) if re.fullmatch(r"E\w+", name.upper()) else 0
        if not found:
            raise Wrong(f"{value} is no error")
        return sign * int(found)

    def _message(self, value: str, where: str) -> int:
        if where not in ("exclude", "user"):
            raise Wrong("msgtype belongs to the exclude and user lists")
        found = number(value) if value[:1].isdigit() else tables.MESSAGES.get(value.upper())
        if found is None:
            raise Wrong(f"{value} is no type of record")
        return found

    def _fstype(self, op: str, value: str, where: str) -> int:
        if where != "filesystem" or op not in ("=", "!="):
            raise Wrong("fstype belongs to the filesystem list")
        found = number(value) if value[:1].isdigit() else tables.FSTYPES.get(value.lower())
        if found is None:
            raise Wrong(f"{value} is no file system")
        self.filesystem = True
        return found

    def read_comparison(self, text: str, where: str) -> None:
        """One `-C`. Raises Wrong."""
        op = "!=" if "!=" in text else "=" if "=" in text else ""
        if not op:
            raise Wrong("-C takes = or !=")
        left, _, right = text.partition(op)
        left, right = ({"loginuid": "auid"}.get(side.lower(), side.lower()) for side in (left, right))
        if where != "exit" or left == right or not any({left, right} <= kind for kind in (tables.UIDS, tables.GIDS)):
            raise Wrong(f"{text} cannot be compared")
        self.fields.append(Field("field_compare", op, " ".join(sorted((left, right)))))


_BIT_OPS = ("&", "&=")


def refused_by_kernel(fields: Sequence[Field], *, watch: bool) -> str:
    """Why the kernel would answer EINVAL to a rule that auditctl lets through; empty if it takes it."""
    places = [each for each in fields if each.name in ("path", "dir", "inode")]
    for each in fields:
        if each.op in _BIT_OPS and each.name not in ("a0", "a1", "a2", "a3", "pers", "devminor"):
            return f"{each.name} takes no bit operator"
        if each.name in _EQUAL_ONLY and each.op not in ("=", "!="):
            return f"{each.name} takes = or !="
        if each.value == UNSET and each.name in tables.UIDS | tables.GIDS and (each.name != "auid" or each.op not in ("=", "!=")):
            return f"{each.name} cannot be compared with an unset id"
    if len(places) > 1:
        return "more than one path"
    for each in places:
        if each.name == "inode":
            continue
        text = str(each.value)
        if each.op != "=" or not text.startswith("/") or (each.name == "path" and text.endswith("/") and not watch):
            return f"{each.name}={text} is no watch that the kernel takes"
    return "more than one exe" if sum(each.name == "exe" for each in fields) > 1 else ""


def number(text: str) -> int | None:
    """strtoul(3) with base 0: the number at the start of a text."""
    match = re.match(r"-?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", text)
    if match is None:
        return None
    digits = match[0].lstrip("-")
    base = 16 if digits[:2].lower() == "0x" else 8 if digits.startswith("0") and len(digits) > 1 else 10
    return int(digits, base) * (-1 if match[0].startswith("-") else 1)


def letters(permissions: str) -> str:
    return "".join(letter for letter in "rwxa" if letter in permissions.lower())
