"""The actions of rsyslog's configuration, written either way, with the settings in force where each stands.

Sources: action.c, tools/omfile.c, tools/omfwd.c, template.c, runtime/cfsysline.c, grammar/rainerscript.c.
"""

from __future__ import annotations

import posixpath
import re

from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.parse import rainerscript as rs
from sovaudit.facts.parse import rsyslog_legacy as legacy
from sovaudit.facts.rsyslog_model import Configuration, Destination
from sovaudit.facts.rsyslog_sending import legacy_options, spent
from sovaudit.model.finding import Line

_TEMPLATES = (
    "RSYSLOG_DebugFormat", "RSYSLOG_SyslogProtocol23Format", "RSYSLOG_FileFormat", "RSYSLOG_TraditionalFileFormat", "RSYSLOG_ForwardFormat",
    "RSYSLOG_TraditionalForwardFormat", "RSYSLOG_SysklogdFileFormat", "RSYSLOG_WallFormat", "RSYSLOG_StdUsrMsgFmt", "RSYSLOG_StdDBFmt",
    "RSYSLOG_StdPgSQLFmt", "RSYSLOG_StdJSONFmt", "RSYSLOG_spoofadr", "RSYSLOG_SyslogRFC5424Format", "RSYSLOG_omudpspoofDfltSourceTpl",
)  # fmt: skip
OWNERS = {
    "fileowner": "passwd", "filegroup": "group", "dirowner": "passwd", "dirgroup": "group", "privdroptouser": "passwd", "privdroptogroup": "group",
    "privdrop.user.name": "passwd", "privdrop.group.name": "group",
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
_SWITCHES = frozenset(  # parameters that are "on" or "off": anything else, "yes" too, spoils the whole object
    "action.execonlywhenpreviousissuspended action.writeallmarkmessages action.reportsuspension action.reportsuspensioncontinuation "
    "action.copymsg createdirs failonchownfailure sync flushontxend asyncwriting veryrobustzip queue.saveonshutdown queue.syncqueuefiles "
    "syssock.use syssock.ignoretimestamp syssock.ignoreownmessages syssock.flowcontrol syssock.usepidfromsystem syssock.usesystimestamp "
    "tls tls.compression udp.sendtoall resendlastmsgonreconnect streamdriver.checkextendedkeypurpose streamdriver.prioritizesan "
    "keepalive usehttps allowunsignedcerts skipverifyhost syssock.annotate syssock.parsetrusted syssock.unlink "
    "syssock.parsehostname syssock.usespecialparser".split()
)


def is_on(text: str) -> bool:
    """A switch that is on; rsyslog knows no other word for it."""
    return text.strip() == "on"


def spoiled(parameters: rs.Parameters) -> str:
    """A switch of an object that is neither on nor off, empty for none."""
    return next((key for key, value in parameters.items() if key in _SWITCHES and value not in ("on", "off")), "")


def octal(text: str, default: int) -> int:
    """rsyslog takes a mode only with four digits, the first of them 0."""
    return int(text, 8) if re.fullmatch(r"0[0-7]{3}", text) else default


class Actions:
    """Makes destinations of actions. templates: name, as written, to the text of a string template. mute: those that leave the message out.

    legacy, omfile, peers: the settings in force, changed by whoever reads the configuration.
    """

    def __init__(self, files: Files, config: Configuration) -> None:
        self._files = files
        self.config = config
        self.templates: dict[str, str] = dict.fromkeys(_TEMPLATES, "")
        self.mute: set[str] = set()
        self.legacy: dict[str, str] = {}
        self.omfile: rs.Parameters = {}
        self.peers: list[str] = []

    def action(self, parameters: rs.Parameters, line: Line) -> Destination | None:
        if rs.disabled(parameters):
            return None
        text = {key: value for key, value in parameters.items() if isinstance(value, str)}
        kind = text.get("type", "").lower()
        if switch := spoiled(parameters):
            return self._drop(line, f"{switch} is neither on nor off")
        if kind not in _BUILT_IN and kind not in self.config.modules:
            return self._drop(line, f"module name {kind!r} is unknown")
        for key, database in OWNERS.items():
            if key in text:
                self.resolve(database, text[key], line)
        if "template" in text and text["template"] not in self.templates:
            return self._drop(line, f"template {text['template']!r} is not defined")
        if text.get("queue.type", "").lower() == "disk" and "queue.filename" in text and not self.config.work:
            return self._drop(line, "a queue on disk without a working directory")
        if is_on(text.get("action.execonlywhenpreviousissuspended", "off")):
            self.config.actions += 1
            spent(self.legacy)
            return None
        occasional = any(
            text.get(key, "0") not in ("0", "1", "")
            for key in ("action.execonlyeverynthtime", "action.execonlyonceeveryinterval", "queue.samplinginterval")
        )
        if kind == "omfile":
            default = self.omfile.get("template", "")
            made = self._heard(
                self._new_file(text, line, occasional),
                text.get("template", default if isinstance(default, str) else ""),
                slashed=text.get("file", "").endswith("/"),
            )
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
        if "filecreatemode" in text and octal(text["filecreatemode"], -1) < 0:
            return self._drop(line, f"fileCreateMode {text['filecreatemode']!r} is no mode")
        default = self.omfile.get("filecreatemode", "0644")
        mode = octal(text.get("filecreatemode", default if isinstance(default, str) else ""), 0o644)
        folders = is_on(text.get("createdirs", "on"))
        whose = {word: next((str(each[key]) for each in (text, self.omfile) for key in (f"file{word}", f"file{word}num") if key in each), "")
                 for word in ("owner", "group")}  # fmt: skip
        if "dynafile" in text:
            if text["dynafile"] not in self.templates:
                return self._drop(line, f"template {text['dynafile']!r} is not defined")
            shape, target = "dynafile", self.templates[text["dynafile"]] or text["dynafile"]
        elif text.get("file"):
            shape, target = "file", posixpath.normpath("/" + text["file"].lstrip("/"))
        else:
            return self._drop(line, "omfile has neither file nor dynafile")
        return Destination(
            shape, target, line, mode=mode, make_folders=folders, occasional=occasional, module="omfile",
            owner=whose["owner"], group=whose["group"],
        )  # fmt: skip

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
        if template and template not in self.templates:
            return self._drop(line, f"template {template!r} is not defined")
        suspended = is_on(self.legacy.get("actionexeconlywhenpreviousissuspended", "off"))
        occasional = any(
            self.legacy.get(key, "0") not in ("0", "1", "") for key in ("actionexeconlyeverynthtime", "actionexeconlyonceeveryinterval")
        )
        self.legacy.pop("actionexeconlyeverynthtime", None)
        mode = octal(self.legacy.get("filecreatemode", ""), 0o644)
        folders = is_on(self.legacy.get("createdirs", "on"))
        made = self._legacy(action, line, mode, folders, occasional)
        if action.kind in ("file", "dynafile"):
            made = self._heard(made, template, slashed=action.target.endswith("/"))
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
        if action.kind == "dynafile" and action.target not in self.templates:
            return self._drop(line, f"template {action.target!r} is not defined")
        if action.kind in ("file", "dynafile"):
            target = (
                posixpath.normpath("/" + action.target.lstrip("/"))
                if action.kind == "file"
                else self.templates[action.target] or action.target
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

    def resolve(self, database: str, name: str, line: Line) -> None:
        """rsyslogd exits where an account or group that its configuration names is not there."""
        try:
            sources = re.search(rf"^{database}:(.*)", self._files.read("/etc/nsswitch.conf") or "", re.MULTILINE)
            if sources and set(sources[1].split()) - {"files", "compat", "systemd"}:
                return
            text = self._files.read(f"/etc/{database}")
        except Unseen as unseen:
            self.config.gaps.append(unseen.gap)
            return
        rows = (text or "").splitlines()
        if text is not None and name not in {row.partition(":")[0] for row in rows}:
            self.config.problems.append((line, f"{name!r} is not in /etc/{database}: rsyslogd exits"))
            self.config.refused = True

    def _heard(self, made: Destination | None, template: str, *, slashed: bool) -> Destination | None:
        """A file whose template leaves the message out keeps no record of it; nor does what is named like a folder."""
        if made is not None and (template in self.mute or slashed):
            return Destination("other", made.target, made.line, module="omfile")
        return made


def _options(parameters: rs.Parameters) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, value if isinstance(value, str) else ",".join(value)) for key, value in parameters.items()))
