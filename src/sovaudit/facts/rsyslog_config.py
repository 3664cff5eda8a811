"""What rsyslogd makes of its files: modules, inputs, rulesets and actions with the settings in force where each stands.

Sources: runtime/rsconf.c, tools/omfile.c, tools/omfwd.c, plugins/imuxsock, plugins/imjournal.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse import rainerscript as rs
from sovaudit.facts.parse import rsyslog_legacy as legacy
from sovaudit.facts.parse import rsyslog_syntax
from sovaudit.facts.rsyslog_includes import MAIN, Includes
from sovaudit.facts.rsyslog_sending import legacy_options, spent
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

DEFAULT_RULESET = "rsyslog_defaultruleset"
_TEMPLATES = {
    name.lower()
    for name in (
        "RSYSLOG_DebugFormat", "RSYSLOG_SyslogProtocol23Format", "RSYSLOG_FileFormat", "RSYSLOG_TraditionalFileFormat",
        "RSYSLOG_ForwardFormat",
        "RSYSLOG_TraditionalForwardFormat", "RSYSLOG_SysklogdFileFormat", "RSYSLOG_WallFormat", "RSYSLOG_StdUsrMsgFmt", "RSYSLOG_StdDBFmt",
        "RSYSLOG_StdPgSQLFmt", "RSYSLOG_StdJSONFmt", "RSYSLOG_spoofadr",
        "RSYSLOG_SyslogRFC5424Format", "RSYSLOG_omudpspoofDfltSourceTpl",
    )
}  # fmt: skip
_BUILT_IN = ("omfile", "omfwd", "omusrmsg", "ompipe", "omshell", "omdiscard")
_REMOTE = {
    "omelasticsearch": "server",
    "omhttp": "server",
    "omkafka": "broker",
    "omgssapi": "target",
    "omamqp1": "host",
    "omclickhouse": "server",
}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an action delivers. kind: file, dynafile, forward, journal, program, users, pipe, other.

    target: path, a path with `%properties%`, host, or the module's name. mode: permission bits that rsyslog gives a file it creates
    (umask taken off); None
    otherwise.
    """

    kind: str
    target: str
    line: Line
    protocol: str = ""
    port: str = ""
    mode: int | None = None
    make_folders: bool = True
    occasional: bool = False  # only every nth message, or at most one per interval
    module: str = ""
    options: tuple[tuple[str, str], ...] = ()  # of a forwarding action, by RainerScript's names in lower case, sorted
    owner: str = ""  # whose a file becomes that rsyslogd makes, by name or number; empty for its own
    group: str = ""


@dataclass(slots=True)
class Configuration:
    """rsyslog's configuration as it stands after reading. `problems` are lines that it refused; `gaps` what was not seen of it."""

    rulesets: dict[str, list[rs.Statement]] = field(default_factory=lambda: {DEFAULT_RULESET: []})
    default: str = DEFAULT_RULESET
    modules: dict[str, rs.Parameters] = field(default_factory=dict)
    sockets: list[tuple[str, str, Line]] = field(default_factory=list)  # (path, ruleset, line) of further imuxsock listeners
    bound: set[str] = field(default_factory=set)  # rulesets that an input names
    queued: set[str] = field(default_factory=set)  # rulesets with a queue of their own
    settings: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[Line, str]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    actions: int = 0
    work: str = ""  # the working directory, empty where rsyslog has none
    driver: str = ""  # the default network stream driver
    authority: str = ""  # the default certificate authority
    missing_drivers: tuple[str, ...] = ()
    umask: int = 0o022
    drop_user: str = ""
    drop_group: str = ""
    refused: bool = False  # rsyslogd exits


class _Loader:
    def __init__(self, files: Files) -> None:
        self.files = files
        self.config = Configuration()
        self.current = DEFAULT_RULESET
        self.templates: dict[str, str] = dict.fromkeys(_TEMPLATES, "")
        self.legacy: dict[str, str] = {}
        self.omfile: rs.Parameters = {}
        self.peers: list[str] = []
        self._includes = Includes(files, self.config.gaps, self.config.problems)

    # What the parser tells (rs.Reader)

    def directive(self, text: str, line: Line) -> None:
        name, _, value = text.partition(" ") if " " in text.split("\t")[0] else text.partition("\t")
        name, value = name.lower(), re.split(r"\s#", value.strip())[0].strip()
        if name == "modload":
            self._load(value.split("/")[-1].removesuffix(".so").split()[0] if value else "", {}, line)
        elif name == "template":
            self.templates[value.split(",")[0].strip().lower()] = _quoted(value)
        elif name == "defaultruleset":
            if value.lower() in self.config.rulesets:
                self.config.default = value.lower()
        elif name == "resetconfigvariables":
            self.legacy.clear()
            self.peers.clear()
            self.config.gaps.append(Gap(f"file:{line.file}", Reason.UNSUPPORTED, "$ResetConfigVariables"))
        elif name == "umask":
            self.config.umask = _octal(value, self.config.umask)
        elif name in ("workdirectory", "defaultnetstreamdriver", "defaultnetstreamdrivercafile"):
            self._global(name, value)
        elif name == "actionsendstreamdriverpermittedpeer":
            self.peers.append(value)
        elif name in ("privdroptouser", "privdroptouserid"):
            self.config.drop_user = value
        elif name in ("privdroptogroup", "privdroptogroupid"):
            self.config.drop_group = value
        elif name in ("fileownernum", "filegroupnum"):
            self.legacy[name.removesuffix("num")] = value
        elif name == "addunixlistensocket":
            self.config.sockets.append((value, "", line))
        elif name == "actionfiledefaulttemplate" and value.lower() not in self.templates:
            self.legacy[name] = value  # every file action after this names a template that is not there
        else:
            self.legacy[name] = value
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
        if kind == "module":
            self._load(text.get("load", "").split("/")[-1].removesuffix(".so").lower(), parameters, line)
        elif kind == "template":
            form = text.get("type", "").lower()
            if form in ("list", "plugin", "subtree") or (form == "string" and "string" in text):
                self.templates[text.get("name", "").lower()] = text["string"] if form == "string" else ""
        elif kind == "ruleset":
            self._ruleset(text.get("name", "").lower(), script, line)
            if any(key.startswith("queue.") for key in text) and text.get("queue.type", "").lower() != "direct":
                self.config.queued.add(text.get("name", "").lower())
        elif kind == "global":
            for key in ("workdirectory", "defaultnetstreamdriver", "defaultnetstreamdrivercafile"):
                if key in text:
                    self._global(key, text[key])
            self.config.umask = _octal(text.get("umask", ""), self.config.umask)
            self.config.drop_user = text.get("privdrop.user.name", text.get("privdrop.user.id", self.config.drop_user))
            self.config.drop_group = text.get("privdrop.group.name", text.get("privdrop.group.id", self.config.drop_group))
        if kind in ("input", "module") and text.get("ruleset"):
            self.config.bound.add(text["ruleset"].lower())
        if kind == "input" and text.get("type", "").lower() == "imuxsock":
            self.config.sockets.append((text.get("socket", ""), text.get("ruleset", "").lower(), line))
        elif kind == "input" and text.get("type", "").lower() == "imfile":
            self.config.settings.setdefault("imfile", text.get("file", ""))

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
            self.omfile = {key: value for key, value in parameters.items() if key != "load"}
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

    # Actions

    def action(self, parameters: rs.Parameters, line: Line) -> Destination | None:
        if rs.disabled(parameters):
            return None
        text = {key: value for key, value in parameters.items() if isinstance(value, str)}
        kind = text.get("type", "").lower()
        if kind not in _BUILT_IN and kind not in self.config.modules:
            return self._drop(line, f"module name {kind!r} is unknown")
        if "template" in text and text["template"].lower() not in self.templates:
            return self._drop(line, f"template {text['template']!r} is not defined")
        if _on(text.get("action.execonlywhenpreviousissuspended", "off")):
            self.config.actions += 1
            spent(self.legacy)
            return None
        occasional = any(
            text.get(key, "0") not in ("0", "1", "")
            for key in ("action.execonlyeverynthtime", "action.execonlyonceeveryinterval", "queue.samplinginterval")
        )
        if kind == "omfile":
            made = self._new_file(text, line, occasional)
        elif kind in ("omfwd", "omrelp"):
            made = self._new_forward(kind, parameters, line, occasional)
        elif kind == "omjournal":
            made = Destination("journal", "journal", line, module=kind, occasional=occasional)
        elif kind in _REMOTE:
            target = parameters.get(_REMOTE[kind], "localhost")
            name = target if isinstance(target, str) else ",".join(target)
            made = Destination("forward", name, line, protocol=kind, module=kind, occasional=occasional, options=_options(parameters))
        else:
            names = {"omprog": "program", "omusrmsg": "users", "ompipe": "pipe"}
            made = Destination(
                names.get(kind, "other"), text.get("binary", text.get("pipe", kind)), line, module=kind, occasional=occasional
            )
        if made is not None:
            self.config.actions += 1
            spent(self.legacy)
        return made

    def _new_file(self, text: dict[str, str], line: Line, occasional: bool) -> Destination | None:
        if "filecreatemode" in text and _octal(text["filecreatemode"], -1) < 0:
            return self._drop(line, f"fileCreateMode {text['filecreatemode']!r} is no mode")
        default = self.omfile.get("filecreatemode", "0644")
        mode = _octal(text.get("filecreatemode", default if isinstance(default, str) else ""), 0o644)
        folders = _on(text.get("createdirs", "on"))
        whose = {word: next((str(each[key]) for each in (text, self.omfile) for key in (f"file{word}", f"file{word}num") if key in each), "")
                 for word in ("owner", "group")}  # fmt: skip
        if "dynafile" in text:
            if text["dynafile"].lower() not in self.templates:
                return self._drop(line, f"template {text['dynafile']!r} is not defined")
            pattern = self.templates[text["dynafile"].lower()] or text["dynafile"]
            return Destination(
                "dynafile",
                pattern,
                line,
                mode=mode,
                make_folders=folders,
                occasional=occasional,
                module="omfile",
                owner=whose["owner"],
                group=whose["group"],
            )
        if not text.get("file"):
            return self._drop(line, "omfile has neither file nor dynafile")
        return Destination(
            "file",
            posixpath.normpath("/" + text["file"].lstrip("/")),
            line,
            mode=mode,
            make_folders=folders,
            occasional=occasional,
            module="omfile",
            owner=whose["owner"],
            group=whose["group"],
        )

    def _new_forward(self, kind: str, parameters: rs.Parameters, line: Line, occasional: bool) -> Destination | None:
        target = parameters.get("target", parameters.get("targetsrv", ""))
        name = target if isinstance(target, str) else ",".join(target)
        if not name:
            return self._drop(line, f"{kind} has no target")
        protocol = parameters.get("protocol", "udp")
        port = parameters.get("port", "514")
        words = ("relp" if kind == "omrelp" else str(protocol).lower(), port if isinstance(port, str) else ",".join(port))
        if kind == "omfwd" and words[0][:3] not in ("udp", "tcp"):
            return self._drop(line, f"invalid protocol {protocol!r}")
        return Destination(
            "forward", name, line, words[0][:4] if kind == "omrelp" else words[0][:3], words[1], module=kind, occasional=occasional,
            options=_options(parameters),
        )  # fmt: skip

    def legacy_action(self, text: str, line: Line) -> Destination | None:
        try:
            action = legacy.decode_action(text)
        except legacy.RefusedError as refused:
            return self._drop(line, str(refused))
        default = self.legacy.get("actionfiledefaulttemplate", "") if action.kind in ("file", "dynafile") else ""
        template = action.template or default
        if template and template.lower() not in self.templates:
            return self._drop(line, f"template {template!r} is not defined")
        suspended = _on(self.legacy.get("actionexeconlywhenpreviousissuspended", "off"))
        occasional = any(
            self.legacy.get(key, "0") not in ("0", "1", "") for key in ("actionexeconlyeverynthtime", "actionexeconlyonceeveryinterval")
        )
        self.legacy.pop("actionexeconlyeverynthtime", None)
        mode = _octal(self.legacy.get("filecreatemode", ""), 0o644)
        folders = _on(self.legacy.get("createdirs", "on"))
        made = self._legacy(action, line, mode, folders, occasional)
        if made is not None:
            self.config.actions += 1
            spent(self.legacy)
        return None if suspended else made

    def _legacy(self, action: legacy.LegacyAction, line: Line, mode: int, folders: bool, occasional: bool) -> Destination | None:
        if action.kind == "channel":
            path = self.config.settings.get(f"outchannel {action.target}".lower(), "")
            if not path.startswith("/"):
                return self._drop(line, f"outchannel {action.target!r} is not defined")
            return Destination("file", path, line, mode=mode, make_folders=folders, module="outchannel")
        if action.kind == "dynafile" and action.target.lower() not in self.templates:
            return self._drop(line, f"template {action.target!r} is not defined")
        if action.kind in ("file", "dynafile"):
            target = (
                posixpath.normpath("/" + action.target.lstrip("/"))
                if action.kind == "file"
                else self.templates[action.target.lower()] or action.target
            )
            whose = {word: self.legacy.get(f"file{word}", "") for word in ("owner", "group")}
            return Destination(
                action.kind,
                target,
                line,
                mode=mode,
                make_folders=folders,
                occasional=occasional,
                module="omfile",
                owner=whose["owner"],
                group=whose["group"],
            )
        if action.kind == "forward":
            options = legacy_options(self.legacy, tcp=action.protocol == "tcp", peers=self.peers)
            return Destination(
                "forward", action.target, line, action.protocol, action.port or "514", occasional=occasional, module="omfwd",
                options=tuple(sorted(options.items())),
            )  # fmt: skip
        if action.kind == "module":
            if action.module not in self.config.modules and action.module not in _BUILT_IN:
                return self._drop(line, f"module {action.module} is not loaded")
            if action.module == "omrelp":
                host, _, port = action.target.split(";")[0].strip().rpartition(":")
                options = legacy_options(self.legacy, tcp=False, peers=[])
                return Destination("forward", host.strip("[]") or port, line, "relp", port if host else "514", module="omrelp",
                                   options=tuple(sorted(options.items())))  # fmt: skip
            return Destination("journal" if action.module == "omjournal" else "other", action.module, line, module=action.module)
        if action.kind == "shell" and "omprog" not in self.config.modules and "omshell" not in self.config.modules:
            return self._drop(line, "no module takes this action")
        return Destination({"users": "users", "pipe": "pipe", "shell": "program"}[action.kind], action.target, line, module=action.kind)

    def _drop(self, line: Line, why: str) -> Destination | None:
        self.config.problems.append((line, why))
        return None

    def files_of(self, pattern: str, optional: bool, line: Line) -> tuple[list[tuple[str, tuple[Line, ...]]], bool]:
        return self._includes.files_of(pattern, optional, line)


def load(files: Files, main: str = MAIN, umask: int = 0o022) -> Configuration | None:
    """What rsyslogd would run with; None where its main file is absent. umask: what it inherits. Raises Unseen for the main file."""
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
    loader.config.refused = loader.config.actions == 0 and not loader.config.gaps
    return loader.config


def _options(parameters: rs.Parameters) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, value if isinstance(value, str) else ",".join(value)) for key, value in parameters.items()))


def _quoted(text: str) -> str:
    """The text between the first and the next plain double quote of a `$template` line."""
    match = re.search(r'"((?:[^"\\]|\\.)*)"', text)
    return match[1] if match else ""


def _octal(text: str, default: int) -> int:
    """rsyslog takes a mode only with four digits, the first of them 0."""
    return int(text, 8) if re.fullmatch(r"0[0-7]{3}", text) else default


def _on(text: str) -> bool:
    return text.strip().lower() in ("on", "yes", "true", "1")
