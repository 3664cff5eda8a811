"""What rsyslogd makes of its files: modules, inputs, rulesets and actions with the settings in force where each stands.

Sources: runtime/rsconf.c, tools/omfile.c, tools/omfwd.c, plugins/imuxsock, plugins/imjournal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse import rainerscript as rs
from sovaudit.facts.parse import rsyslog_syntax
from sovaudit.facts.rsyslog_actions import OWNERS, Actions, octal, spoiled
from sovaudit.facts.rsyslog_functions import KNOWN
from sovaudit.facts.rsyslog_includes import MAIN, Includes
from sovaudit.facts.rsyslog_model import DEFAULT_RULESET, Configuration
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

_SWITCHES = frozenset(
    "createdirs omitlocallogging actionexeconlywhenpreviousissuspended repeatedmsgreduction abortonuncleanconfig actionqueuesaveonshutdown".split()
)
_OF_IMUXSOCK = ("omitlocallogging", "systemlog", "inputunixlistensocket", "addunixlistensocket")  # not known before the module is
_MODE = ("filecreatemode", "dircreatemode", "umask")
_OF_TRIXIE = re.compile(r"8\.2[4-9]\d\d|8\.23(0[4-9]|1\d)")
_OF_MODULES = ("hash", "http_request", "unflatten", "pcre", "faup")
_CARRIED = re.compile(r"%\s*(msg|rawmsg|\$!|!|jsonmesg)", re.IGNORECASE)


class _Loader:
    def __init__(self, files: Files) -> None:
        self.files = files
        self.config = Configuration()
        self.current = DEFAULT_RULESET
        self.actions = Actions(files, self.config)
        self.action, self.legacy_action = self.actions.action, self.actions.legacy_action  # what the parser asks for
        self._includes = Includes(files, self.config.gaps, self.config.problems)

    # What the parser tells (rs.Reader)

    def directive(self, text: str, line: Line) -> None:
        name, _, value = text.partition(" ") if " " in text.split("\t")[0] else text.partition("\t")
        name, value = name.lower(), re.split(r"\s#", value.strip())[0].strip()
        if name.startswith(_OF_IMUXSOCK) and "imuxsock" not in self.config.modules:
            self._refuse(line, f"${name} is not known before imuxsock is loaded")
            return
        if name in _SWITCHES and value.split(" ")[0] not in ("on", "off"):
            self._refuse(line, f"${name} is neither on nor off")
            return
        if name in _MODE and octal(value, -1) < 0:
            self._refuse(line, f"{value!r} is no mode")
            return
        if name in OWNERS:
            self.actions.resolve(OWNERS[name], value.split(" ")[0], line)
        if name == "modload":
            self._load(value.split("/")[-1].removesuffix(".so").split()[0] if value else "", {}, line)
        elif name == "template":
            self._template(value.split(",")[0].strip(), _quoted(value))
        elif name == "abortonuncleanconfig":
            self.config.strict = value.startswith("on")
        elif name == "defaultruleset":
            if value.lower() in self.config.rulesets:
                self.config.default = value.lower()
        elif name == "resetconfigvariables":
            self.actions.legacy.clear()
            self.actions.peers.clear()
            self.config.gaps.append(Gap(f"file:{line.file}", Reason.UNSUPPORTED, "$ResetConfigVariables"))
        elif name == "umask":
            self.config.umask = octal(value, self.config.umask)
        elif name in ("workdirectory", "defaultnetstreamdriver", "defaultnetstreamdrivercafile"):
            self._global(name, value)
        elif name == "actionsendstreamdriverpermittedpeer":
            self.actions.peers.append(value)
        elif name in ("privdroptouser", "privdroptouserid"):
            self.config.drop_user = value
        elif name in ("privdroptogroup", "privdroptogroupid"):
            self.config.drop_group = value
        elif name in ("fileownernum", "filegroupnum"):
            self.actions.legacy[name.removesuffix("num")] = value
        elif name == "addunixlistensocket":
            self.config.sockets.append((value, "", line))
        elif name == "actionfiledefaulttemplate" and value not in self.actions.templates:
            self.actions.legacy[name] = value  # every file action after this names a template that is not there
        else:
            self.actions.legacy[name] = value
            self.config.settings[name] = value
            if name.endswith("bindruleset"):
                self.config.bound.add(value.lower())

    def ruleset_line(self, name: str) -> None:
        self.current = name.lower()
        self.config.rulesets.setdefault(self.current, [])

    def declare(self, kind: str, parameters: rs.Parameters, script: rs.Script, line: Line) -> None:
        if rs.disabled(parameters):
            return
        text = {key: value for key, value in parameters.items() if isinstance(value, str)}
        if (switch := spoiled(parameters)) and kind in ("module", "input"):
            self._refuse(line, f"{switch} is neither on nor off")
            return
        for key, of in OWNERS.items():
            if key in text and kind in ("module", "global"):
                self.actions.resolve(of, text[key], line)
        if kind == "module":
            self._load(text.get("load", "").split("/")[-1].removesuffix(".so").lower(), parameters, line)
        elif kind == "template":
            form = text.get("type", "").lower()
            if form in ("list", "plugin", "subtree") or (form == "string" and "string" in text):
                self._template(text.get("name", ""), text["string"] if form == "string" else "")
                listed = parameters.get("template.properties", ())
                if form == "list" and listed and not any(_CARRIED.match(f"%{name}") for name in listed):
                    self.actions.mute.add(text.get("name", ""))
        elif kind == "ruleset":
            self._ruleset(text.get("name", "").lower(), script, line)
            if any(key.startswith("queue.") for key in text) and text.get("queue.type", "").lower() != "direct":
                self.config.queued.add(text.get("name", "").lower())
        elif kind == "global":
            for key in ("workdirectory", "defaultnetstreamdriver", "defaultnetstreamdrivercafile"):
                if key in text:
                    self._global(key, text[key])
            self.config.umask = octal(text.get("umask", ""), self.config.umask)
            self.config.strict = self.config.strict or text.get("abortonuncleanconfig") == "on"
            self.config.drop_user = text.get("privdrop.user.name", text.get("privdrop.user.id", self.config.drop_user))
            self.config.drop_group = text.get("privdrop.group.name", text.get("privdrop.group.id", self.config.drop_group))
        if kind in ("input", "module") and text.get("ruleset"):
            self.config.bound.add(text["ruleset"].lower())
        if kind == "input" and text.get("type", "").lower() == "imuxsock":
            self.config.sockets.append((text.get("socket", ""), text.get("ruleset", "").lower(), line))
        elif kind == "input" and text.get("type", "").lower() == "imfile":
            self.config.settings.setdefault("imfile", text.get("file", ""))

    def _refuse(self, line: Line, why: str) -> None:
        self.config.problems.append((line, why))

    def _template(self, name: str, text: str) -> None:
        self.actions.templates[name] = text
        if text and not _CARRIED.search(text):
            self.actions.mute.add(name)
        else:
            self.actions.mute.discard(name)

    def _global(self, key: str, value: str) -> None:
        """A folder or file that is not there is refused, and the setting stays as it was."""
        value = value.rstrip("/") or value
        if key == "defaultnetstreamdriver":
            self.config.driver = value
            return
        try:
            stat = self.files.follow(value) if value.startswith("/") else None
        except Unseen:
            self._set(key, value)  # not seen: taken to be there
            return
        if stat is not None and (stat.kind == "d") == (key == "workdirectory"):
            self._set(key, value)

    def _set(self, key: str, value: str) -> None:
        if key == "workdirectory":
            self.config.work = value
        else:
            self.config.authority = value

    def _ruleset(self, name: str, script: rs.Script, line: Line) -> None:
        if not name or self.config.rulesets.get(name):
            self.config.problems.append(
                (line, "a second ruleset of this name is ignored" if name else "a ruleset without a name is ignored")
            )
            return
        self.config.rulesets[name] = list(script)

    def script(self, statement: rs.Statement) -> None:
        self.config.rulesets[self.current].append(statement)

    def _load(self, name: str, parameters: rs.Parameters, line: Line) -> None:
        name = name.lower()
        if name == "builtin:omfile":
            self.actions.omfile = {key: value for key, value in parameters.items() if key != "load"}
            return
        if name and not name.startswith("builtin:"):
            if self.module_missing(name):
                self.config.problems.append((line, f"module {name} is not installed"))
            else:
                self.config.modules.setdefault(name, parameters)

    def module_missing(self, name: str) -> bool:
        """True only where rsyslog's module folder was listed and the module is not in it."""
        for pattern in (
            "/usr/lib/x86_64-linux-gnu/rsyslog",
            "/usr/lib/aarch64-linux-gnu/rsyslog",
            "/usr/lib64/rsyslog",
            "/usr/lib/rsyslog",
        ):
            try:
                names = self.files.listdir(pattern) or ()
            except Unseen:
                continue
            if any(entry.startswith(("im", "om")) and entry.endswith(".so") for entry in names):
                return f"{name}.so" not in names
        return False

    def undefined(self) -> bool:
        """Whether a ruleset is called that is not there."""
        return any(name not in self.config.rulesets for script in self.config.rulesets.values() for name in _called(script))

    def files_of(self, pattern: str, optional: bool, line: Line) -> tuple[list[tuple[str, tuple[Line, ...]]], bool]:
        return self._includes.files_of(pattern, optional, line)


def load(files: Files, main: str = MAIN, umask: int = 0o022, version: str = "") -> Configuration | None:
    """What rsyslogd would run with; None where its main file is absent. umask: what it inherits; version:
    the package's, where it is known. Raises Unseen for the main file."""
    lines = files.lines(main)
    if lines is None:
        return None
    loader = _Loader(files)
    loader.config.umask = umask
    for line in lines:
        if line.text.lower().startswith("$outchannel "):
            name, _, rest = line.text[12:].partition(",")
            loader.config.settings["outchannel " + name.strip().lower()] = rest.split(",")[0].strip()
    stop = rsyslog_syntax.parse(loader, main, lines)
    if stop is not None:
        loader.config.problems.append((stop.line, f"{stop}: nothing after this line is read"))
    loader.config.missing_drivers = tuple(name for name in ("gtls", "ossl") if loader.module_missing(f"lmnsd_{name}"))
    unclean = loader.config.strict and bool(loader.config.problems or loader.undefined())
    unsound = not _OF_TRIXIE.match(version) and any(_foreign(script) for script in loader.config.rulesets.values())
    loader.config.refused = loader.config.refused or unclean or unsound or (loader.config.actions == 0 and not loader.config.gaps)
    return loader.config


def _foreign(script: Sequence[rs.Statement]) -> bool:
    """Whether a function is called that there is not: until Debian 12 rsyslogd dies of it, later it gives 0."""
    for statement in script:
        if isinstance(statement, rs.If) and (_unknown(statement.condition) or _foreign(statement.then) or _foreign(statement.otherwise)):
            return True
        if isinstance(statement, rs.Assign) and statement.value is not None and _unknown(statement.value):
            return True
        if isinstance(statement, (rs.Select, rs.Foreach)) and _foreign(statement.body):
            return True
    return False


def _unknown(node: rs.Expression) -> bool:
    if isinstance(node, rs.Function):
        return (node.name not in KNOWN and not node.name.startswith(_OF_MODULES)) or any(_unknown(argument) for argument in node.arguments)
    return isinstance(node, rs.Operation) and ((node.left is not None and _unknown(node.left)) or _unknown(node.right))


def _called(script: Sequence[rs.Statement]) -> Iterator[str]:
    for statement in script:
        if isinstance(statement, rs.Call):
            yield statement.ruleset.lower()
        elif isinstance(statement, rs.If):
            yield from (*_called(statement.then), *_called(statement.otherwise))
        elif isinstance(statement, (rs.Select, rs.Foreach)):
            yield from _called(statement.body)


def _quoted(text: str) -> str:
    """The text between the first and the next plain double quote of a `$template` line."""
    match = re.search(r'"((?:[^"\\]|\\.)*)"', text)
    return match[1] if match else ""
