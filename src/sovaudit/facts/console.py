"""With what an account opens a session at the console: `login`, display managers, and terminals or desktops that log in by themselves."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.factors import NOTHING, Ways, might, never, opens
from sovaudit.facts.files import Unseen
from sovaudit.facts.gettys import openings
from sovaudit.facts.login_shells import no_session
from sovaudit.facts.parse.ini import parse_ini
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

LOGIN = ("/bin/login", "/usr/bin/login")
# PAM services by which display managers let people in; those of their greeters and of automatic logins are others
DESKTOPS = (
    "gdm-password gdm-fingerprint gdm-smartcard gdm-smartcard-pkcs11-exclusive gdm-smartcard-sssd-exclusive gdm-smartcard-sssd-or-password gdm-pin "
    "gdm lightdm sddm kde kde-np xdm wdm lxdm slim greetd ly cosmic-greeter xrdp-sesman"
).split()
LIGHTDM = (
    "/usr/share/lightdm/lightdm.conf.d",
    "/usr/local/share/lightdm/lightdm.conf.d",
    "/etc/xdg/lightdm/lightdm.conf.d",
    "/etc/lightdm/lightdm.conf.d",
)
GDM = ("/etc/gdm3/daemon.conf", "/etc/gdm3/custom.conf", "/etc/gdm/custom.conf")


@dataclass(frozen=True, slots=True)
class Door:
    """name: `login`, a PAM service of a display manager, or the unit that opens by itself. ways: with what this account passes it."""

    name: str
    ways: Ways


@dataclass(frozen=True, slots=True)
class _Automatic:
    """An account (empty: any that one names) that a desktop or terminal logs in; service: whose PAM stack still decides, and in which phases."""

    who: str
    name: str
    service: str
    both: bool
    because: tuple[Line, ...]
    gap: Gap | None = None


class Console:
    """The console of one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._gaps: list[Gap] = []
        self._automatic: dict[str, list[_Automatic]] = {}
        for one in self._look():
            self._automatic.setdefault(one.who, []).append(one)
        self.services = tuple(self._stacks())  # names of PAM services that stand for a door, each with why that is not certain

    def _look(self) -> Iterator[_Automatic]:
        try:
            for opening in openings(self._host):
                yield _Automatic(opening.who, opening.where, "login" if opening.login else "", False, opening.because, opening.gap)
        except Unseen as unseen:
            self._gaps.append(unseen.gap)
        for find in (self._gdm, self._lightdm, self._sddm, self._greetd):
            try:
                yield from find()
            except Unseen as unseen:
                self._gaps.append(unseen.gap)

    def _stacks(self) -> Iterator[tuple[str, Gap | None]]:
        """PAM services that stand for a door here, and why that is not certain. `login` is one unless the program was seen to be absent."""
        try:
            if any(self._host.files.exists(path) for path in LOGIN):
                yield "login", None
        except Unseen as unseen:
            yield "login", unseen.gap
        for name in DESKTOPS:
            try:
                if self._host.pam.stacks.configured(name):
                    yield name, None
            except Unseen as unseen:
                yield name, unseen.gap

    def doors(self, account: Account) -> list[Door]:
        """Every door that opens, or may open, to this account."""
        found = [Door(name, self._through(name, account, gap)) for name, gap in self.services]
        for one in (*self._automatic.get(account.name, ()), *self._automatic.get("", ())):
            found.append(Door(one.name, self._by_itself(one, account)))
        for gap in self._gaps:
            found.append(Door("login", might(gaps=[gap])))
        return [door for door in found if door.ways]

    def closed(self, account: Account) -> tuple[Line, ...]:
        """Why `login` lets this account in by nothing."""
        return tuple(line for name, _ in self.services[:1] for line in self._through(name, account, None).closed.because)

    def _through(self, service: str, account: Account, gap: Gap | None) -> Ways:
        try:
            ways = self._opened(service, account, self._host.pam.enter(service, account))
        except Unseen as unseen:
            ways = might(gaps=[unseen.gap])
        return self._session(account, ways if gap is None else ways.doubtful(gap))

    def _opened(self, service: str, account: Account, ways: Ways) -> Ways:
        """What is left of these ways behind pam_open_session(3)."""
        opened = self._host.pam.session_phase(service, account)
        return ways if NOTHING in opened.certain else ways & opened

    def _by_itself(self, one: _Automatic, account: Account) -> Ways:
        ways = opens(because=one.because)
        try:
            if one.service and one.both:
                asked = self._host.pam.enter(one.service, account)
                ways = Ways({s: w for s, w in asked.certain.items() if not s}, {s: w for s, w in asked.possible.items() if not s}) & ways
                ways = self._opened(one.service, account, ways)
            elif one.service:
                phase = self._host.pam.account_phase(one.service, account)
                ways = self._opened(one.service, account, self._host.pam.overdue(account, ways & phase, phase))
        except Unseen as unseen:
            ways = might(because=one.because, gaps=[unseen.gap])
        return self._session(account, ways if one.gap is None else ways.doubtful(one.gap))

    def _session(self, account: Account, ways: Ways) -> Ways:
        """What remains of these ways where a session must follow: a shell that gives none, or cannot be run, ends them all."""
        try:
            refusal = no_session(self._host, account)
        except Unseen as unseen:
            return ways.doubtful(unseen.gap)
        return never(refusal) if refusal else ways

    # Desktops that log somebody in

    def _gdm(self) -> Iterator[_Automatic]:
        for path in GDM:
            rows = {row.key: row for row in parse_ini(self._host.files.lines(path) or ()) if row.section == "daemon"}
            for switch, name in (("AutomaticLoginEnable", "AutomaticLogin"), ("TimedLoginEnable", "TimedLogin")):
                if switch in rows and name in rows and rows[switch].value.lower() in ("true", "1", "yes"):
                    yield _Automatic(rows[name].value, "gdm-autologin", "gdm-autologin", True, (rows[switch].line, rows[name].line))

    def _lightdm(self) -> Iterator[_Automatic]:
        paths = [path for folder in LIGHTDM for path in self._host.files.glob(f"{folder}/*.conf")]
        values: dict[str, tuple[str, Line]] = {}
        for path in [*paths, "/etc/lightdm/lightdm.conf"]:
            for row in parse_ini(self._host.files.lines(path) or ()):
                if row.section == "SeatDefaults" or (row.section.startswith("Seat:") and fnmatch.fnmatchcase("seat0", row.section[5:])):
                    values[row.key] = row.value, row.line
        user, line = values.get("autologin-user", ("", Line("", 0, "")))
        if user:
            service = values.get("pam-autologin-service", ("lightdm-autologin", line))[0]
            yield _Automatic(user, "lightdm-autologin", service, True, (line,))

    def _sddm(self) -> Iterator[_Automatic]:
        paths = [*self._host.files.glob("/usr/lib/sddm/sddm.conf.d/*"), *self._host.files.glob("/etc/sddm.conf.d/*"), "/etc/sddm.conf"]
        found: tuple[str, Line] = ("", Line("", 0, ""))
        for path in paths:
            for row in parse_ini(self._host.files.lines(path) or ()):
                if row.section == "Autologin" and row.key == "User":
                    found = row.value, row.line
        if found[0]:
            yield _Automatic(found[0], "sddm-autologin", "sddm-autologin", True, (found[1],))

    def _greetd(self) -> Iterator[_Automatic]:
        rows = {
            row.key: row for row in parse_ini(self._host.files.lines("/etc/greetd/config.toml") or ()) if row.section == "initial_session"
        }
        if "user" in rows:
            yield _Automatic(rows["user"].value.strip("\"'"), "greetd", "", False, (rows["user"].line,))
