"""What becomes of a message that rsyslog sends away: whether it gets out at all, survives the collector's absence, and can be read on the way.

Sources: tools/omfwd.c, plugins/omrelp, runtime/queue.c, action.c, runtime/nsd_ptcp.c, nsd_gtls.c and nsd_ossl.c of 8.2302.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.files import Files, Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.rsyslog_model import Configuration, Destination

Options = Mapping[str, str]
_LEGACY_QUEUE = {
    "actionqueuetype": "queue.type", "actionqueuefilename": "queue.filename", "actionqueuesaveonshutdown": "queue.saveonshutdown",
    "actionqueuemaxdiskspace": "queue.maxdiskspace", "actionresumeretrycount": "action.resumeretrycount",
}  # fmt: skip
_LEGACY_STREAM = {
    "actionsendstreamdriver": "streamdriver",
    "actionsendstreamdrivermode": "streamdrivermode",
    "actionsendstreamdriverauthmode": "streamdriverauthmode",
}
_MODES = ("x509/name", "x509/fingerprint", "x509/certvalid", "anon")
_DRIVERS = ("ptcp", "gtls", "ossl")
OVER_HTTP = ("omelasticsearch", "omhttp", "omclickhouse")


@dataclass(frozen=True, slots=True)
class Says:
    """A three-valued answer about one action, in words that fit behind a colon."""

    yes: bool | None
    why: str
    gaps: tuple[Gap, ...] = ()


def legacy_options(settings: Options, *, tcp: bool, peers: list[str]) -> dict[str, str]:
    """What the `$Action…` lines that stand in force give to an action written in one line. A TCP action takes the permitted peers away from those
    that follow.
    """
    found = {ours: settings[theirs] for theirs, ours in _LEGACY_QUEUE.items() if theirs in settings}
    found |= {ours: settings[theirs] for theirs, ours in _LEGACY_STREAM.items() if theirs in settings}
    if tcp and peers:
        found["streamdriverpermittedpeers"] = ",".join(peers)
        peers.clear()
    return found


def spent(settings: dict[str, str]) -> None:
    """Every action, of whatever kind and way of writing, takes the queue settings back to their defaults."""
    for key in [key for key in settings if key.startswith("actionqueue") or key == "actionresumeretrycount"]:
        del settings[key]


class Sending:
    """Over one configuration. `lasting` says whether a path survives a boot; it may raise Unseen."""

    def __init__(self, files: Files, config: Configuration, lasting: Callable[[str], bool]) -> None:
        self._files = files
        self._config = config
        self._lasting = lasting

    # Whether it gets out

    def stuck(self, place: Destination) -> str:
        """Why the action can never deliver anything; empty if it may."""
        options = dict(place.options)
        if place.module == "omrelp" and _on(options.get("tls", "off")):
            word = options.get("tls.authmode", "").lower()
            return "" if word in ("", "name", "fingerprint", "certvalid") else f"omrelp knows no authentication mode {word!r}"
        if place.module != "omfwd" or place.protocol != "tcp":
            return ""
        driver, mode, auth, peers = self._stream(options)
        if driver not in _DRIVERS or driver in self._config.missing_drivers:
            return f"network stream driver {driver!r} is not installed"
        if auth and auth not in _MODES:
            return f"the driver knows no authentication mode {auth!r}"
        if driver == "ptcp":
            if mode != 0 or auth not in ("", "anon") or peers:
                return "the plain driver refuses what only an encrypting one can do"
            return ""
        if peers and auth in ("x509/certvalid", "anon"):
            return f"permitted peers are refused in mode {auth}"
        if driver == "gtls" and mode not in (0, 1):
            return f"the driver knows no mode {mode}"
        if mode == 0:
            return ""
        if auth == "x509/fingerprint" and not peers:
            return "no fingerprint is permitted"
        if auth in ("", "x509/name", "x509/certvalid") and not self._authority(options):
            return "there is no certificate authority to check the collector against"
        return ""

    def _stream(self, options: Options) -> tuple[str, int, str, tuple[str, ...]]:
        driver = options.get("streamdriver", "") or self._config.driver or "ptcp"
        mode = options.get("streamdrivermode", "0").strip()
        peers = tuple(word.strip() for word in options.get("streamdriverpermittedpeers", "").split(",") if word.strip())
        return driver, int(mode) if re.fullmatch(r"-?[0-9]{1,4}", mode) else 0, options.get("streamdriverauthmode", "").lower(), peers

    def _authority(self, options: Options) -> bool:
        path = options.get("streamdriver.cafile", "") or self._config.authority
        if not path:
            return False
        try:
            return self._files.exists(path)
        except Unseen:
            return True  # a file that was not seen is taken to be there: encryption is judged by what is written

    # Whether it survives

    def reliable(self, place: Destination) -> Says:
        """Whether what is sent here waits on disk while the collector is away, across a restart too."""
        options = dict(place.options)
        if place.protocol == "udp":
            return Says(False, "UDP loses what nobody hears")
        if place.module not in ("omfwd", "omrelp", *OVER_HTTP):
            return Says(None, f"{place.module} is not modelled", (Gap(f"file:{place.line.file}", Reason.UNSUPPORTED, place.module),))
        if not re.fullmatch(r"-[0-9]+", options.get("action.resumeretrycount", "0").strip()):
            return Says(False, "the action gives up while the collector is away: action.resumeRetryCount is not -1")
        kind = _kind(options)
        if kind == "direct":
            # What is kept by the main queue or a ruleset's is not safe: the message in delivery when rsyslogd stops is gone, one time in three.
            return Says(False, "the action has no queue of its own, and rsyslogd loses what it delivers when it stops")
        return self._queue(options, kind)

    def _queue(self, options: Options, kind: str) -> Says:
        if not options.get("queue.filename"):
            return Says(False, "the queue is in memory only: it has no queue.filename")
        if kind != "disk" and not _on(options.get("queue.saveonshutdown", "on")):
            return Says(False, "the queue is thrown away at a restart: queue.saveOnShutdown is off")
        if options.get("queue.samplinginterval", "0").strip() not in ("", "0", "1"):
            return Says(False, "the queue keeps a sample only")
        folder = options.get("queue.spooldirectory", "").rstrip("/") or self._config.work
        if not folder:
            return Says(False, "the queue has no folder to spool to: rsyslog has no working directory")
        try:
            stat = self._files.follow(folder)
            if stat is None or stat.kind != "d":
                return Says(False, "the folder that the queue spools to does not exist")
            if not self._lasting(folder):
                return Says(False, "the queue spools to memory")
            if not self._may_write(folder):
                return Says(False, "rsyslogd may not write to the folder that the queue spools to")
        except Unseen as unseen:
            return Says(None, "the folder of the queue was not seen", (unseen.gap,))
        return Says(True, "the queue waits on disk")

    def _may_write(self, folder: str) -> bool:
        config = self._config
        if not config.drop_user or config.drop_user in ("root", "0"):
            return True
        stat = self._files.follow(folder)
        rows = [row.text.split(":") for row in self._files.lines("/etc/passwd") or ()]
        mine = next((row for row in rows if len(row) >= 4 and config.drop_user in (row[0], row[2])), None)
        if stat is None or mine is None:
            return False
        if stat.uid == int(mine[2]):
            return bool(stat.mode & 0o200)
        groups = [row.text.split(":") for row in self._files.lines("/etc/group") or ()]
        gids = {int(row[2]) for row in groups if len(row) >= 3 and row[2].isdecimal() and row[0] == config.drop_group} or {int(mine[3])}
        return bool(stat.mode & (0o020 if stat.gid in gids else 0o002))

    # Whether it can be read, and by whom

    def encrypted(self, place: Destination) -> Says:
        """Whether what is sent here is encrypted to a collector whose identity is checked."""
        options = dict(place.options)
        if place.module == "omrelp":
            return self._relp(options)
        if place.module in OVER_HTTP:
            return self._http(place, options)
        if place.module != "omfwd":
            return Says(None, f"{place.module} is not modelled", (Gap(f"file:{place.line.file}", Reason.UNSUPPORTED, place.module),))
        if place.protocol != "tcp":
            return Says(False, "it is sent in clear")
        driver, mode, auth, peers = self._stream(options)
        if driver == "ptcp" or mode == 0:
            return Says(False, "it is sent in clear")
        if auth == "anon":
            return Says(False, "it is encrypted, but to anybody: the collector is not authenticated")
        if auth == "x509/certvalid":
            return Says(False, "it is encrypted, but to any certificate of the authority: the collector's name is not checked")
        if any(re.fullmatch(r"[*.]+", peer) for peer in peers):
            return Says(False, "it is encrypted, but every name is permitted")
        return Says(True, "it is encrypted, and the collector is authenticated")

    def _relp(self, options: Options) -> Says:
        if not _on(options.get("tls", "off")):
            return Says(False, "it is sent in clear")
        mode = options.get("tls.authmode", "").lower()
        if mode not in ("name", "fingerprint"):
            return Says(False, "it is encrypted, but to anybody: the collector is not authenticated")
        if not options.get("tls.permittedpeer"):
            return Says(False, "no peer is permitted, so nothing is sent")
        return Says(True, "it is encrypted, and the collector is authenticated")

    def _http(self, place: Destination, options: Options) -> Says:
        names = place.target.split(",")
        if not (
            all(name.strip().startswith("https://") for name in names)
            or _on(options.get("usehttps", "on" if place.module == "omhttp" else "off"))
        ):
            return Says(False, "it is sent in clear")
        if any(name.strip().startswith("http://") for name in names):
            return Says(False, "it is sent in clear")
        if _on(options.get("allowunsignedcerts", "off")) or _on(options.get("skipverifyhost", "off")):
            return Says(False, "it is encrypted, but to anybody: the collector is not authenticated")
        return Says(True, "it is encrypted, and the collector is authenticated")


def _kind(options: Options) -> str:
    word = options.get("queue.type", "").lower()
    return word if word in ("linkedlist", "fixedarray", "disk") else "direct"


def _on(text: str) -> bool:
    return text.strip() == "on"
