"""What root runs on a host without being asked each time: search path, cron, units, login profiles, libraries, hooks; and who else can change it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from sovaudit.facts.changers import Changers, Changes
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.parse.ini import Assignment, parse_ini
from sovaudit.facts.parse.login_defs import login_defs
from sovaudit.facts.shell_words import programs
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line

SEARCH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
CRON = tuple("/etc/crontab /etc/anacrontab /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly".split())
ROOTS_CRONTABS = ("/var/spool/cron/crontabs/root", "/var/spool/cron/tabs/root", "/var/spool/cron/root", "/etc/crontabs/root")
UNITS = tuple(
    "/etc/systemd /usr/local/lib/systemd /usr/lib/systemd /lib/systemd /etc/init.d /etc/rc.local /etc/inittab /etc/xinetd.d /etc/inetd.conf".split()
)
UNIT_FOLDERS = (
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/usr/local/lib/systemd/system",
    "/run/systemd/system",
    "/etc/systemd/system",
)
PROFILES = tuple(
    "/etc/profile /etc/profile.d /etc/bash.bashrc /etc/bashrc /etc/environment /etc/csh.cshrc /etc/csh.login /etc/zsh /etc/zshenv".split()
)
STARTUP = (
    "",
    ".profile",
    ".bash_profile",
    ".bashrc",
    ".bash_login",
    ".bash_logout",
    ".zshrc",
    ".zshenv",
    ".cshrc",
    ".ssh/rc",
    ".ssh/environment",
)
LIBRARIES = (
    "/etc/ld.so.preload",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.cache",
    "/lib",
    "/usr/lib",
    "/lib64",
    "/usr/lib64",
    "/usr/local/lib",
)
HOOKS = tuple(
    "/etc/pam.d /etc/pam.conf /etc/security /etc/logrotate.conf /etc/logrotate.d /etc/apt /etc/dpkg /etc/yum.repos.d "
    "/etc/udev /etc/modprobe.d /etc/modules "
    "/etc/modules-load.d /etc/network /etc/NetworkManager /etc/update-motd.d /etc/kernel /etc/initramfs-tools "
    "/etc/ppp /etc/dhcp /etc/acpi "
    "/etc/alternatives /etc/nsswitch.conf /etc/ssh/sshrc /etc/ssh/sshd_config /etc/ssh/sshd_config.d /etc/sudoers /etc/sudoers.d "
    "/etc/sudo.conf /etc/doas.conf /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/login.defs /etc/subuid /etc/subgid /etc/shells "
    "/etc/fstab /etc/crypttab /etc/exports /etc/userdb /etc/rsyslog.conf /etc/rsyslog.d /etc/polkit-1 /etc/dbus-1/system.d "
    "/etc/doas.d /etc/bash_completion.d /etc/needrestart /etc/fail2ban /etc/libvirt/hooks /etc/letsencrypt/renewal-hooks /etc/wireguard "
    "/etc/smartmontools /etc/ca-certificates /etc/grub.d /etc/cloud /etc/networkd-dispatcher /etc/resolvconf /etc/local.d /etc/periodic "
    "/etc/tmpfiles.d /etc/sysctl.conf /etc/sysctl.d /etc/binfmt.d /etc/sysusers.d /etc/default /etc/audit /etc/docker".split()
)
SYSTEM = ("/usr", "/boot")
RUNS = ("Service", "Socket", "Mount", "Swap")  # sections of units in which something is run
TRUE = ("1", "yes", "true", "on", "y", "t")
_PAM_EXEC = re.compile(r"\s*-?(?:auth|account|password|session)\s.*pam_exec\.so\s(?:[^/]*\s)?(/\S+)(?:\s.*)?")
_NAMES = re.compile(r"[A-Za-z0-9_-]+")  # of what cron and run-parts take in their folders, on Debian
_ELSEWHERE = re.compile(
    r"(?:^|[^A-Za-z0-9_.~/-]|[=\s+!|:@-]-)/(?!(?:usr|bin|sbin|lib[0-9x]*|boot|dev|proc|sys|run)(?:[/\s;&|)'\"]|$))[^\s/]"
)


@dataclass(slots=True)
class Area:
    """name: `PATH`, `cron`, `units`, `profiles`, `libraries`, `hooks`, `system`. open: who can change what, and the line that names it.

    gaps: what was not seen. wrong: entries of root's search path that are no absolute folder.
    """

    name: str
    open: list[tuple[Changes, tuple[Line, ...]]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    wrong: list[tuple[str, Line]] = field(default_factory=list)


class RootRuns:
    """Areas in order; a path is told once, in the first that it belongs to."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._files = host.files
        self._changers = Changers(host)
        self._told: set[str] = set()

    def areas(self) -> tuple[Area, ...]:
        found = []
        for name, collect in (
            ("PATH", self._path),
            ("cron", self._cron),
            ("units", self._units),
            ("profiles", self._profiles),
            ("libraries", self._libraries),
            ("hooks", self._hooks),
        ):
            area = Area(name)
            try:
                collect(area)
            except Unseen as unseen:
                area.gaps.append(unseen.gap)
            found.append(area)
        found.append(self._system())
        return tuple(found)

    # places

    def _place(self, area: Area, path: str, *lines: Line, entries: bool = True, names: re.Pattern[str] | None = None) -> None:
        """A file, or a folder with everything in it, or with what has such a name."""
        here = self._changers.of(path)
        self._tell(area, here, lines)
        if here.exists is False or not entries:
            return
        if self._files.walked(here.real):
            for below in self._exposed(here.real):
                if names is None or names.fullmatch(posixpath.basename(below.real)):
                    self._tell(area, below, lines)
        elif here.exists is None and not here.gaps:
            area.gaps.append(self._files.walk_gap(here.real))
        else:
            self._listed(area, here, lines, names)

    def _listed(self, area: Area, folder: Changes, lines: tuple[Line, ...], names: re.Pattern[str] | None) -> None:
        try:
            stat = self._files.stat(folder.real)
            if stat is None or stat.kind != "d":
                return
            for name in self._files.listdir(folder.real) or ():
                if names is not None and not names.fullmatch(name):
                    continue
                self._tell(area, self._changers.of(f"{folder.real}/{name}"), lines)
        except Unseen as unseen:
            area.gaps.append(unseen.gap)

    def _exposed(self, folder: str) -> Iterator[Changes]:
        """What the walk named below a folder, and links that lead elsewhere."""
        below = folder + "/"
        for path in self._named:
            if path.startswith(below):
                yield self._changers.of(path)

    @cached_property
    def _named(self) -> tuple[str, ...]:
        return tuple(stat.path for stat in self._files.paths() if (stat.uid != 0 or stat.mode & 0o022) and self._files.walked(stat.path))

    def _tell(self, area: Area, changes: Changes, lines: tuple[Line, ...]) -> None:
        if changes.found and not changes.own_affair and not self._polkits(changes) and changes.real not in self._told:
            self._told.add(changes.real)
            area.open.append((changes, lines))
        area.gaps += [gap for gap in changes.gaps if gap not in area.gaps]

    def _polkits(self, changes: Changes) -> bool:
        """Rules that polkitd's own account owns, as packages bring them: whoever is polkitd needs none to say yes."""
        if not f"{changes.real}/".startswith("/etc/polkit-1/"):
            return False
        return all(change.who in ("polkitd", "polkit") and change.uid == change.at.uid for change in changes.found)

    # areas

    def _path(self, area: Area) -> None:
        entries: dict[str, tuple[Line, ...]] = dict.fromkeys(SEARCH, ())
        for text, line in self._search_paths():
            for entry in text.split(":"):
                if entry.startswith("/"):
                    entries.setdefault(entry, (line,))
                elif not re.search(r"[$~]", entry):
                    area.wrong.append((entry or ".", line))
        for entry, lines in entries.items():
            self._place(area, entry, *lines)

    def _search_paths(self) -> Iterator[tuple[str, Line]]:
        defs = login_defs(self._files).last
        if "ENV_SUPATH" in defs:
            value, line = defs["ENV_SUPATH"]
            yield value.removeprefix("PATH="), line
        for line in self._files.lines("/etc/environment") or ():
            if match := re.fullmatch(r"\s*(?:export\s+)?PATH=[\"']?([^\"'#\s]*)[\"']?\s*(?:#.*)?", line.text):
                yield match[1], line
        names = self._files.listdir("/etc/profile.d") or ()
        for path in ("/etc/profile", "/etc/bash.bashrc", *(f"/etc/profile.d/{name}" for name in names if name.endswith(".sh"))):
            yield from self._in_profile(path)

    def _in_profile(self, path: str) -> Iterator[tuple[str, Line]]:
        """Assignments to PATH, but for those of a branch that is not root's."""
        branch = ""
        for line in self._files.lines(path) or ():
            text = line.text.strip()
            if re.match(r"if\b.*\b(id -u|UID|EUID)\b", text):
                branch = "others" if re.search(r"-(ne|gt|ge) |!=", text) else "root"
            elif branch and re.match(r"else\b", text):
                branch = "root" if branch == "others" else "others"
            elif branch and re.match(r"fi\b", text):
                branch = ""
            elif branch != "others":
                for match in re.finditer(
                    r"(?<![A-Za-z_])PATH=(\"[^\"]*\"|'[^']*'|[^\s;&|]*)", text.partition(" #")[0] if text[:1] != "#" else ""
                ):
                    yield match[1].strip("\"'"), line

    def _cron(self, area: Area) -> None:
        debian = self._debian
        for path in CRON:
            self._place(area, path, names=_NAMES if debian and "." in path else None)
        for path in ROOTS_CRONTABS:
            stat = self._files.stat(path) if self._files.exists(posixpath.dirname(path)) else None
            if stat is not None:  # whoever may only make one there gains nothing: cron(8) takes none of root's that root does not own
                self._place(area, path, entries=False)
                self._jobs(area, path, None)
        for name in self._files.listdir("/etc/cron.d") or ():
            if not debian or _NAMES.fullmatch(name):
                self._jobs(area, f"/etc/cron.d/{name}", 5)
        for path in CRON[:1]:
            self._jobs(area, path, 5)
        self._anacron(area)

    @cached_property
    def _debian(self) -> bool:
        """Whether cron is Debian's; not seen, every name counts."""
        try:
            return "cron" in self._host.packages and "cronie" not in self._host.packages
        except Unseen:
            return False

    def _jobs(self, area: Area, path: str, user_at: int | None) -> None:
        """Programs that the lines of a crontab(5) name for root, and its search path."""
        for line in self._files.lines(path) or ():
            text = line.text.strip()
            if not text or text[0] == "#":
                continue
            if match := re.match(r"(PATH|SHELL)\s*=\s*(.*)", text):
                for entry in match[2].strip("\"'").split(":"):
                    if entry.startswith("/"):
                        self._place(area, entry, line, entries=match[1] == "PATH")
                continue
            fields = 1 if text[0] == "@" else 5
            words = text.split(None, fields + (1 if user_at else 0))
            if re.match(r"[A-Za-z_]\w*\s*=", text) or len(words) <= fields + (1 if user_at else 0):
                continue
            if user_at and not self._root(words[fields]):
                continue
            self._commands(area, re.split(r"(?<!\\)%", words[-1])[0], line)

    def _root(self, name: str) -> bool:
        account = self._host.accounts.get(name.partition(":")[0])
        return account is not None and account.uid == 0

    def _anacron(self, area: Area) -> None:
        for line in self._files.lines("/etc/anacrontab") or ():
            words = line.text.split(None, 3)
            if len(words) == 4 and re.match(r"\d+|@", words[0]):
                self._commands(area, words[3], line)

    def _commands(self, area: Area, command: str, line: Line) -> None:
        if not _ELSEWHERE.search(command):
            return  # what stands in these folders belongs to other areas
        parts = "run-parts" in command
        for path in programs(command):
            self._place(area, path, line, entries=parts, names=_NAMES if parts and self._debian else None)

    def _units(self, area: Area) -> None:
        for path in UNITS:
            self._place(area, path)
        texts = [
            stat.path
            for stat in self._files.paths()
            if stat.kind == "f" and "/systemd/system/" in stat.path and self._files.brought(stat.path)
        ]
        units: dict[str, list[str]] = {}
        for folder in UNIT_FOLDERS:  # the strongest last: it replaces the others, drop-ins of all count
            for path in texts:
                if path.startswith(folder + "/"):
                    name = path[len(folder) + 1 :].partition("/")[0].removesuffix(".d")
                    if ".d/" not in path:
                        units[name] = [other for other in units.get(name, []) if ".d/" in other]
                    units.setdefault(name, []).append(path)
        for paths in units.values():
            if any(_ELSEWHERE.search(self._files.read(path) or "") for path in paths):
                ordered = sorted(paths, key=lambda path: ".d/" in path)
                self._unit(area, [row for path in ordered for row in parse_ini(self._files.lines(path) or ())])

    def _unit(self, area: Area, assignments: list[Assignment]) -> None:
        user, dynamic, starts_only = "root", False, False
        commands: dict[str, list[Assignment]] = {}
        for row in assignments:
            if row.section not in RUNS:
                continue
            if row.key == "User":
                user = row.value or "root"
            elif row.key == "DynamicUser":
                dynamic = row.value.lower() in TRUE
            elif row.key == "PermissionsStartOnly":
                starts_only = row.value.lower() in TRUE
            elif not row.value:
                commands.pop(row.key, None)  # an empty line takes back those above
            else:
                commands.setdefault(row.key, []).append(row)
        root = (user in ("root", "0") or self._root(user)) and not (dynamic and user == "root")
        for row in (row for rows in commands.values() for row in rows):
            if row.key == "EnvironmentFile" and root:
                path = row.value.lstrip("-").strip()
                if path.startswith("/") and not re.search(r"[*?%]", path):
                    self._place(area, path, row.line, entries=False)
            elif row.key.startswith("Exec"):
                prefix = re.match(r"[-@:+!|]*", row.value)
                marks = prefix[0] if prefix else ""
                if root or "+" in marks or "!" in marks or (starts_only and row.key != "ExecStart"):
                    self._commands(area, row.value[len(marks) :], row.line)

    def _profiles(self, area: Area) -> None:
        for path in PROFILES:
            self._place(area, path)
        for root in self._host.accounts.by_uid(0):
            if root.home.startswith("/"):
                for name in STARTUP:
                    self._place(area, posixpath.join(root.home, name).rstrip("/") or "/", *root.because[:1], entries=False)

    def _libraries(self, area: Area) -> None:
        for path in LIBRARIES:
            self._place(area, path)
        for line in self._files.lines("/etc/environment") or ():
            if match := re.fullmatch(r"\s*(?:export\s+)?LD_(?:LIBRARY_PATH|PRELOAD|AUDIT)=[\"']?([^\"'#]*?)[\"']?\s*(?:#.*)?", line.text):
                for name in re.split(r"[\s:]+", match[1]):
                    if name.startswith("/"):
                        self._place(area, name, line)
        preload = self._files.lines("/etc/ld.so.preload") or ()
        for line in preload:
            for name in re.split(r"[\s:]+", line.text.partition("#")[0]):
                if name.startswith("/"):
                    self._place(area, name, line, entries=False)
        confs = [
            "/etc/ld.so.conf",
            *(f"/etc/ld.so.conf.d/{name}" for name in self._files.listdir("/etc/ld.so.conf.d") or () if name.endswith(".conf")),
        ]
        for path in confs:
            for line in self._files.lines(path) or ():
                folder = line.text.partition("#")[0].strip().partition("=")[0]
                if folder.startswith("/"):
                    self._place(area, folder, line)

    def _hooks(self, area: Area) -> None:
        for path in HOOKS:
            self._place(area, path)
        for name in self._files.listdir("/etc/pam.d") or ():
            lines = self._files.lines(f"/etc/pam.d/{name}") or ()
            for line in (line for line in lines if "pam_exec" in line.text):
                if match := _PAM_EXEC.fullmatch(line.text):
                    self._place(area, match[1], line, entries=False)
        names = self._files.listdir("/etc/logrotate.d") or ()
        for path in ("/etc/logrotate.conf", *(f"/etc/logrotate.d/{name}" for name in names)):
            script = False
            for line in self._files.lines(path) or ():
                word = line.text.strip()
                if word in ("prerotate", "postrotate", "firstaction", "lastaction", "preremove"):
                    script = True
                elif word == "endscript":
                    script = False
                elif script:
                    self._commands(area, word, line)

    def _system(self) -> Area:
        """Everything else below /usr and /boot. What only a system account without a shell owns is its own program's business."""
        area = Area("system")
        for top in SYSTEM:
            here = self._changers.of(top)
            self._tell(area, here, ())
            if here.exists is False:
                continue
            if not self._files.walked(here.real):
                area.gaps.append(self._files.walk_gap(here.real))
            for below in self._exposed(here.real):
                if not all(self._service(change.uid) and change.uid == change.at.uid for change in below.found):
                    self._tell(area, below, ())
        return area

    def _service(self, uid: int) -> bool:
        owners = self._host.accounts.by_uid(uid)
        return uid > 0 and bool(owners) and not any(owner.has_shell for owner in owners)
