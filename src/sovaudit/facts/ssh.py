"""sshd on one host: what it would do with each connection, and with which factors each account gets in.

    host.ssh.effective(user="bob", addr="10.0.0.7").get("authenticationmethods")
    host.ssh.ways(account).certain

The configuration is computed from the files as sshd reads them (parse/sshd_config.py, sshd_match.py) and set against
the program's own answer (`sshd -T`, `sshd -t`) where that was collected: where the two disagree, nothing is certain.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import Ways, Why, never
from sovaudit.facts.files import Files, Unseen
from sovaudit.facts.key_places import KeyPlaces
from sovaudit.facts.parse.sshd_config import Config, Reader
from sovaudit.facts.ssh_daemon import DEFAULT_CONFIG, Daemon, daemons, listeners
from sovaudit.facts.ssh_dump import Calibrated, parse_dump
from sovaudit.facts.ssh_keys import KeyFinder, Keys, together
from sovaudit.facts.ssh_others import Other, others, ways
from sovaudit.facts.ssh_places import places, signature, user_places
from sovaudit.facts.ssh_server import Server, refusal
from sovaudit.facts.ssh_ways import Login, asks_key
from sovaudit.facts.sshd_defaults import Version, version_of
from sovaudit.facts.sshd_match import Connection, Effective, Settings
from sovaudit.facts.sshd_patterns import examples, parse_address
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

NEWEST: Version = (10, 0)
PROGRAMS = ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd", "/opt/openssh/sbin/sshd")
PACKAGES = ("openssh-server", "openssh")


class Ssh:
    """Facts about sshd. Methods raise Unseen where the answer cannot be known; single doubts weaken an answer instead."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._ways: dict[str, Ways] = {}
        self._read: dict[tuple[object, ...], Settings] = {}
        self._by_key: dict[str, list[tuple[Effective, Connection, bool]]] = {}

    @cached_property
    def installed(self) -> bool:
        """sshd is there: its program, its package, or a running listener. Raises Unseen."""
        if listeners(self._host) if self._host.live else None:
            return True
        try:
            if any(name in self._host.packages for name in PACKAGES):
                return True
            packaged = True
        except Unseen:
            packaged = False
        if any(self._host.files.exists(path) for path in PROGRAMS):
            return True
        if not packaged and self._host.files.exists(DEFAULT_CONFIG):
            raise Unseen(Gap("packages", Reason.ABSENT, f"{DEFAULT_CONFIG} is there, and no program was found"))
        return False

    @cached_property
    def others(self) -> tuple[Other, ...]:
        """SSH servers beside sshd."""
        return others(self._host)

    @property
    def serves(self) -> bool:
        """There is sshd, or another SSH server. Raises Unseen."""
        return bool(self.others) or self.installed

    @cached_property
    def version(self) -> Version:
        """OpenSSH's version; the newest that we know where it was not seen."""
        return self.seen_version or NEWEST

    @cached_property
    def seen_version(self) -> Version | None:
        try:
            for name in PACKAGES:
                if name in self._host.packages and (found := version_of(self._host.packages[name])):
                    return found
        except Unseen:
            pass
        try:
            return version_of(self._host.files.command("sshd-V").output)
        except Unseen:
            return None

    @cached_property
    def dump(self) -> dict[str, str]:
        """What `sshd -T` said; empty where it was not asked or did not answer."""
        try:
            answer = self._host.files.command("sshd-T")
        except Unseen:
            return {}
        return parse_dump(answer.output) if answer.code == 0 else {}

    @cached_property
    def finder(self) -> KeyFinder:
        return KeyFinder(self._host)

    @cached_property
    def key_places(self) -> KeyPlaces:
        return KeyPlaces(self._host)

    # Configuration

    @cached_property
    def servers(self) -> tuple[Server, ...]:
        """Every daemon with what it read. Raises Unseen where part of a configuration was not seen."""
        found = tuple(Server(daemon, self._settings(daemon)) for daemon in daemons(self._host))
        for server in found:
            for gap in server.settings.config.gaps:
                raise Unseen(gap)
        return found

    @cached_property
    def settings(self) -> Settings:
        """The configuration that `sshd` without arguments reads. Raises Unseen."""
        settings = self._settings(Daemon())
        for gap in settings.config.gaps:
            raise Unseen(gap)
        return settings

    def _settings(self, daemon: Daemon) -> Settings:
        """Read once for daemons that read the same."""
        key = daemon.config, daemon.options, daemon.line if daemon.options else None
        if key not in self._read:
            self._read[key] = Settings(self._config(daemon), self.version)
        return self._read[key]

    def _config(self, daemon: Daemon) -> Config:
        files = self._host.files
        reader = Reader(partial(_lines, files), partial(files.glob, dangling=True), self.version, homes=self._homes)
        for option in daemon.options:
            reader.option(option, daemon.line)
        path = daemon.config or DEFAULT_CONFIG
        if not daemon.config and not files.exists(DEFAULT_CONFIG) and files.exists("/usr/etc/ssh/sshd_config"):
            path = "/usr/etc/ssh/sshd_config"  # SUSE ships it there
        return reader.read(path)

    def _homes(self, name: str) -> str | None:
        accounts = self._host.accounts
        found = accounts.get(name) if name else next(iter(accounts.by_uid(0)), None)
        return None if found is None else found.home

    def effective(
        self,
        user: str = "",
        addr: str = "127.0.0.1",
        host: str | None = None,
        laddr: str = "",
        lport: int = -1,
        *,
        rdomain: str | None = None,
    ) -> Effective:
        """What `sshd -T -C user=…,addr=…,host=…,laddr=…,lport=…` prints. Without a user, what plain `sshd -T` prints. Raises Unseen."""
        if not user:
            return self.settings.under(frozenset(match for match in self.settings.matches if match.always))
        account = self._host.accounts.get(user)
        connection = Connection(addr, addr if host is None else host, laddr, lport, rdomain)
        met = self.settings.met(connection, user, account.groups if account else frozenset(), exists=account is not None)
        return self.settings.under(met)

    @property
    def root_setting(self) -> str:
        """The most permissive PermitRootLogin that stands anywhere; empty when it is `no` everywhere. Raises Unseen."""
        if not self.installed:
            return ""
        order = ("yes", "without-password", "forced-commands-only")
        found: set[str] = set()
        for server in self.servers:
            found.add(server.settings.outside.get("permitrootlogin"))
            found.update(server.settings.conditional_values("permitrootlogin"))
        best = next((value for value in order if value in found), "")
        return "prohibit-password" if best == "without-password" else best

    def admits_only(self, users: Collection[str], groups: Collection[str]) -> bool:
        """AllowUsers, or AllowGroups, stands outside every Match and names nothing but these, without wildcards, wherever it stands: nobody
        else gets in, whatever other accounts exist. Raises Unseen.
        """
        return not self.others and all(
            any(
                settings.outside.words(keyword)
                and all(
                    (name := word.partition("@")[0]) in names and not {*"*?"} & {*name} for word in settings.conditional_values(keyword)
                )
                for keyword, names in (("allowusers", users), ("allowgroups", groups))
            )
            for settings in (server.settings for server in self.servers)
        )

    # Why nothing may be certain

    def refusal(self, server: Server) -> tuple[Line, str] | None:
        """Why sshd does not start with this configuration."""
        return refusal(self._host.files, server)

    @cached_property
    def refused(self) -> tuple[Line, str] | None:
        """Every configured sshd refuses to start, and none runs: nobody gets in. Raises Unseen when a running one may hold an older file."""
        reasons = [self.refusal(server) for server in self.servers]
        if not any(reasons):
            return None
        running = listeners(self._host) if self._host.live else ()
        if running is None or running:
            reason = next(reason for reason in reasons if reason is not None)
            raise Unseen(
                Gap(
                    "sshd",
                    Reason.AMBIGUOUS,
                    f"{reason[0].file}:{reason[0].number}: {reason[1]}; a running sshd holds an older configuration",
                )
            )
        try:
            accepted = self._host.live and self._host.files.command("sshd-t").code == 0
        except Unseen:
            accepted = False
        if accepted:
            raise Unseen(Gap("cmd:sshd-t", Reason.AMBIGUOUS, "sshd takes a configuration that we would refuse"))
        return reasons[0] if all(reasons) else None

    @property
    def doubt(self) -> Gap | None:
        """Why nothing that is computed from the files is certain: the program's own answer differs, or it runs with an older text."""
        return self._doubt

    @cached_property
    def _doubt(self) -> Gap | None:
        """Something that makes every computed answer uncertain."""
        for result in self.calibration():
            if result.agrees is False:
                return Gap("ssh-login" if result.program == "sshd" else f"cmd:{result.program}", Reason.AMBIGUOUS, result.detail)
        for server in self.servers:
            if server.daemon.started is not None:
                changed = self._changed(server)
                if changed:
                    return Gap(
                        f"file:{changed}", Reason.AMBIGUOUS, "changed after sshd was started; the running sshd may hold the older text"
                    )
        return None

    def _changed(self, server: Server) -> str:
        """A file or include folder that is younger than the daemon; empty if none is."""
        started = server.daemon.started or 0
        for path in [*server.settings.config.files, *server.settings.config.folders]:
            try:
                stat = self._host.files.follow(path)
            except Unseen:
                continue
            if stat is not None and stat.mtime > started + 1:
                return path
        return ""

    # Who gets in

    def ways(self, account: Account) -> Ways:
        """Factor sets that open an SSH session for this account, over every address that the configuration or its keys tell apart.

        Certain: a login with these factors succeeds. Raises Unseen where sshd's configuration itself is in doubt.
        """
        if account.name not in self._ways:
            self._ways[account.name] = self._find(account)
        return self._ways[account.name]

    def keys(self, account: Account) -> tuple[Keys, bool]:
        """Every key that takes part in a session of this account, from anywhere; whether such a session is certain. Raises Unseen as `ways`."""
        self.ways(account)
        places = self._by_key.get(account.name, [])
        found = together(self.finder.keys(account, effective, connection) for effective, connection, _ in places)
        if account.uid == 0 and all(effective.get("permitrootlogin") == "forced-commands-only" for effective, _, _ in places):
            found.usable = [key for key in found.usable if key.command is not None or key.authority]
        return found, any(certain for _, _, certain in places)

    def _find(self, account: Account) -> Ways:
        total = never()
        if not self.others or self.installed:
            if self.refused is None and self._doubt is not None:
                raise Unseen(self._doubt)
            total = self.computed(account)
        for other in self.others:
            total = total | ways(self._host, self.finder, other, account)
        return total

    def computed(self, account: Account) -> Ways:
        """The same, whatever the program says."""
        if self.refused is not None:
            line, reason = self.refused
            return never([line, Line(line.file, 0, f"sshd does not start: {reason}")])
        total = never()
        for server in self.servers:
            if self.refusal(server) is None:
                total = total | self._on(server, account)
        return total

    @cached_property
    def _places(self) -> dict[int, tuple[list[Connection], tuple[str, ...]]]:
        return {id(server): (places(server.settings, server.ports), user_places(server.settings)) for server in self.servers}

    def _on(self, server: Server, account: Account) -> Ways:
        settings = server.settings
        here, spots = self._places[id(server)]
        mets = [settings.met(connection, account.name, account.groups) for connection in here]
        sources = sorted({text for met in set(mets) for text in self.finder.sources(account, settings.under(met))})
        origins = self._origins(settings)
        literals = [*(text for source in sources for text in examples(source)), *origins]
        more = [text for text in literals if parse_address(text) is not None]
        if settings.outside.yes("usedns"):
            more += [text for text in literals if parse_address(text) is None]
        pairs = list(zip(here, mets, strict=True))
        for text in dict.fromkeys(more):
            base = here[0]
            named = parse_address(text) is None
            connection = replace(base, host=text) if named else replace(base, address=text, host=text)
            for gate, port, domain in dict.fromkeys((place.local_address, place.local_port, place.rdomain) for place in here):
                arrived = replace(connection, local_address=gate, local_port=port, rdomain=domain)
                pairs.append((arrived, settings.met(arrived, account.name, account.groups)))
        total = never()
        done: set[tuple[object, ...]] = set()
        for connection, met in pairs:
            mark = (met, signature(spots, sources, connection), connection.host if origins else "")
            if mark in done:
                continue
            done.add(mark)
            effective = settings.under(met)
            found = Login(self._host, self.finder, account, effective, connection, placed=bool(origins)).ways()
            if found and asks_key(effective):
                self._by_key.setdefault(account.name, []).append((effective, connection, bool(found.certain)))
            total = total | _under(found, effective)
        return total

    def _origins(self, settings: Settings) -> tuple[str, ...]:
        """Places that PAM's modules tell apart; empty also where their stacks were not seen."""
        if not settings.outside.yes("usepam"):
            return ()
        try:
            services = dict.fromkeys([settings.outside.get("pamservicename"), *settings.conditional_values("pamservicename")])
            return tuple(dict.fromkeys(place for service in services for place in self._host.pam.origins(service or "sshd")))
        except Unseen:
            return ()

    # The program's own word

    def calibration(self) -> tuple[Calibrated, ...]:
        """Our answers beside the program's on the same evidence: `sshd -t` (does it start?), `sshd -T` (keyword by keyword), and over SSH the login
        of the audit account itself.
        """
        return self._calibration

    @cached_property
    def _calibration(self) -> tuple[Calibrated, ...]:
        from sovaudit.facts.ssh_calibration import compare

        return compare(self._host)


def _lines(files: Files, path: str) -> Sequence[Line] | None:
    """A folder opens like a file and holds no line."""
    stat = files.follow(path)
    return () if stat is not None and stat.kind == "d" else files.lines(path)


def _under(found: Ways, effective: Effective) -> Ways:
    """The Match lines that hold are part of why."""
    if not effective.conditions or not found:
        return found
    why = Why(effective.conditions)
    return Ways({s: why + w for s, w in found.certain.items()}, {s: why + w for s, w in found.possible.items()}, found.closed)
