"""rsyslog's configuration after reading, and where an action of it delivers."""

from __future__ import annotations

from dataclasses import dataclass, field

from sovaudit.facts.parse import rainerscript as rs
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

DEFAULT_RULESET = "rsyslog_defaultruleset"


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
    foreign_functions: bool = False  # a script calls a function that there is not
    strict: bool = False  # AbortOnUncleanConfig
    umask: int = 0o022
    drop_user: str = ""
    drop_group: str = ""
    refused: bool = False  # rsyslogd exits
