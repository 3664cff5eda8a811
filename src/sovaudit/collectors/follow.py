"""What a configuration file names that must be looked at too: includes, key files, modules, programs.

Pure: lines in, wants out. posix/collect.awk finds the same in the same words.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from sovaudit.collectors import items
from sovaudit.collectors.items import HOME_FILES, HOME_STARTUP, HOME_STATS, Item

MAX_ACCOUNTS = 2000
MAX_NAMED = 600  # paths that one file may name
_BLANK = re.compile(rb"[ \t]+")
_RSYSLOG_PATH = re.compile(rb"(?:file|directory|cacert)[ \t]*=[ \t]*\"([^\"]*)\"", re.IGNORECASE)
_SSH_BASE = "/etc/ssh"


class Follower:
    """Collects what files name. `wants()` gives what is new since the last call."""

    def __init__(self, hostname: str) -> None:
        self.hostname = hostname.split(".")[0]
        self._wants: dict[Item, None] = {}
        self.digests: dict[tuple[str, str], None] = {}  # path and scheme of programs that sudoers pins
        self._accounts: dict[str, tuple[str, str, str]] = {}  # name → uid, home, shell
        self._patterns: dict[tuple[str, str], None] = {("c", f"%h/{name}"): None for name in HOME_FILES}
        for name in HOME_STARTUP:
            self._patterns["r", f"%h/{name}"] = None
        for name in HOME_STATS:
            self._patterns["s", f"%h/{name}" if name else "%h"] = None

    def wants(self) -> list[Item]:
        for flag, pattern in self._patterns:
            for name, (uid, home, shell) in self._accounts.items():
                if flag != "r":
                    self._want(flag, expand(pattern, name, uid, home))
                elif starts(shell, pattern):
                    self._want("c", expand(pattern, name, uid, home), "rc")
        for _, _, shell in self._accounts.values():
            self._want("s", shell)
        found = list(self._wants)
        self._wants.clear()
        return found

    def _want(self, flag: str, path: str, family: str = "plain", depth: int = 0) -> None:
        if path.startswith("/") and len(path) < 1024 and not re.search(r"[\x00-\x1f\x7f]", path):
            self._wants[Item(path, flag == "c", depth, family)] = None

    def file(self, family: str, path: str, data: bytes) -> None:
        if path == "/etc/passwd":
            self._passwd(data)
        finder = getattr(self, f"_in_{family}", None)
        if finder is None:
            return
        named = 0
        for raw in data.split(b"\n"):
            line = raw.strip(b" \t\r")
            if line:
                named += finder(path, line) or 0
                if named > MAX_NAMED:
                    return

    def _passwd(self, data: bytes) -> None:
        for raw in data.split(b"\n"):
            cells = raw.decode("utf-8", "surrogateescape").split(":", 6)
            if len(cells) == 6:
                cells.append("")  # glibc takes a missing shell for an empty one
            if len(cells) == 7 and cells[0] and cells[0] not in self._accounts and len(self._accounts) < MAX_ACCOUNTS:
                self._accounts[cells[0]] = cells[2], cells[5], cells[6]

    # One method per family; each returns how many paths it named.

    def _in_sshd(self, path: str, line: bytes) -> int:
        words = _words(re.sub(rb"[=\"']", b" ", line))
        word, rest = words[0].lower(), words[1:]
        if word == "include":
            for name in rest:
                self._want("c", name if name[0] == "/" else f"{_SSH_BASE}/{name}", "sshd")
        elif word in ("authorizedkeysfile", "authorizedprincipalsfile"):
            for name in (f"/root{name[1:]}" if name[:2] == "~/" else name for name in rest):
                self._patterns["c", name if name[0] == "/" or name[:2] == "%h" else f"%h/{name}"] = None
        elif word == "chrootdirectory":
            for name in rest[:1]:
                self._inside(f"%h{name[1:]}" if name[:1] == "~" else name)
        elif word in ("trustedusercakeys", "revokedkeys", "hostcertificate"):
            for name in rest[:1]:
                self._want("c", name)
        elif word in ("hostkey", "authorizedkeyscommand", "authorizedprincipalscommand", "banner"):
            for name in rest[:1]:
                self._want("s", name)
                if word == "hostkey":
                    self._want("c", f"{name}.pub")
        else:
            return 0
        return len(rest)

    def _inside(self, name: str) -> None:
        """A folder that sshd changes into, those above it, and the shells in it."""
        wanted = [f"{name.rstrip('/')}{inner}" for inner in ("/bin/sh", "/bin/bash")]
        while len(name) > 1:
            wanted.append(name)
            name = posixpath.dirname(name)
        for each in wanted:
            if "%" in each:
                self._patterns["s", each] = None
            else:
                self._want("s", each)

    def _in_shell(self, path: str, line: bytes) -> int:
        """Files that a startup file reads: a literal path, or one at home."""
        if line[:1] == b"#":
            return 0
        count = self._in_path(path, line)
        for match in re.finditer(rb"(?:^|[ \t;&|({])(?:\.|source)[ \t]+[\"']?(\$HOME|\$[{]HOME[}]|~|)(/[-A-Za-z0-9_./]+)", line):
            if match[1]:
                self._patterns["r", f"%h{_text(match[2])}"] = None
            else:
                self._want("c", _text(match[2]), "rc")
            count += 1
        return count

    _in_rc = _in_shell

    def _in_sudoconf(self, path: str, line: bytes) -> int:
        """Where the policy is, and what sudo loads."""
        if line[:1] == b"#":
            return 0
        count = 0
        for word in _words(line):
            if word[:1] == "/":
                self._want("s", word)
            elif word[:14] == "sudoers_file=/":
                self._want("c", word[13:], "sudo")
            else:
                continue
            count += 1
        return count

    def _in_sudo(self, path: str, line: bytes) -> int:
        word, _, name = _first(line)
        if word in ("@include", "#include", "@includedir", "#includedir"):
            found = re.match(r'"([^"]*)|((?:[^ \t\\]|\\.)*)', name)  # what follows is an error, and the file is read all the same
            name = (found[1] or found[2] or "" if found else "").replace("\\ ", " ").replace("%h", self.hostname)
            if name[:1] != "/":
                name = posixpath.join(posixpath.dirname(path), name)
            self._want("c", name, "sudo", 1 if word.endswith("dir") else 0)
            return 1
        if line[:1] == b"#":
            return 0
        count = 0
        schemes = sorted(set(re.findall(r"(sha(?:224|256|384|512))[ \t]*:", _text(line))))
        for name in _words(re.sub(rb"[,:=!()\"]", b" ", line)):
            if name[:1] != "/":
                continue
            count += 1
            if not re.search(r"[*?\[\\^]|/$", name):
                self.digests.update({(name, scheme): None for scheme in schemes})
            magic = re.search(r"[*?\[\\^]", name)
            if magic or name[-1] == "/":
                name = posixpath.dirname(name[: magic.start()] if magic else name)
                self._want("s", name, depth=1)
            while len(name) > 1:
                self._want("s", name)
                name = posixpath.dirname(name)
        return count

    def _in_cron(self, path: str, line: bytes) -> int:
        return 0 if line[:1] == b"#" else self._programs(line)

    def _in_unit(self, path: str, line: bytes) -> int:
        daemon = re.match(rb"Exec.*(rsyslog|chrony)d[ \t]", line)
        if daemon and (file := re.search(rb"[ \t]-[A-Za-z0-9]*f[ \t]*(/[^ \t;\"`']+)", line)):
            self._want("c", _text(file[1]), daemon[1].decode())
        return self._programs(line) if line[:4] == b"Exec" or line[:16] == b"EnvironmentFile=" else 0

    def _in_path(self, path: str, line: bytes) -> int:
        return self._programs(line) if (b"PATH" in line or b"LD_PRELOAD" in line) and line[:1] != b"#" else 0

    def _programs(self, line: bytes) -> int:
        """Absolute paths in a command line, but for those that the walk covers. Of a search path, and where it changes to, the entries too."""
        count = 0
        previous = ""
        listed = b"PATH" in line or b"run-parts" in line
        for name in _words(re.sub(rb"[][;&|<>(){}=\"'`$@:+!-]", b" ", line)):
            if name[:1] == "/" and not _scanned(name) and not re.search(r"[*?\\%,]", name):
                self._want("s", name, depth=1 if listed or previous == "cd" else 0)
                count += 1
            previous = name
        return count

    def _in_pam(self, path: str, line: bytes) -> int:
        words = _words(line)
        if words[0] == "@include":
            for name in words[1:2]:
                self._want("c", name if name[0] == "/" else f"/etc/pam.d/{name}", "pam")
            return 1
        if line[:1] == b"#":
            return 0
        count = 0
        previous = ""
        runs = any(name.endswith("pam_exec.so") for name in words)
        for name in words:
            key, equals, value = name.partition("=")
            if runs and name[0] == "/" and not name.endswith(".so"):
                self._want("s", name)
                count += 1
                break
            if previous in ("include", "substack") and name[0] == "/":
                self._want("c", name, "pam")
            elif name[0] == "/":
                self._want("s", name)
            elif not equals:
                previous = name
                continue
            elif key in ("conf", "conffile", "accessfile", "file", "listfile", "envfile"):
                self._want("c", value)
            elif key == "config":
                self._want("c", value, "settings")
            elif key in ("wordlist", "denylist", "filter"):
                self._want("s", value)
            elif key == "dictpath":
                self._words(value)
            elif key == "dir":
                self._folder(value)
            elif key == "usersfile":
                self._pattern("c", value, "oath")
            elif key in ("secret", "authfile", "authpending_file"):
                self._pattern("s", value, "plain")
            else:
                previous = name
                continue
            previous = name
            count += 1
        return count

    def _in_settings(self, path: str, line: bytes) -> int:
        key, _, value = line.partition(b"=")
        if key in (b"wordlist", b"denylist", b"filter", b"config"):
            self._want("c" if key == b"config" else "s", _text(value), "settings" if key == b"config" else "plain")
            return 1
        match = re.match(rb"(dictpath|dir)(?:[ \t]*=[ \t]*|[ \t]+)([^ \t=]+)", line, re.IGNORECASE)
        if match is None:
            return 0
        if len(match[1]) == 3:
            self._folder(_text(match[2]))
        else:
            self._words(_text(match[2]))
        return 1

    def _words(self, path: str) -> None:
        """The files of a dictionary of cracklib."""
        for suffix in (".pwd", ".pwd.gz", ".pwi"):
            self._want("s", path + suffix)

    def _folder(self, path: str) -> None:
        """Where failed logins are counted, and what must be there for it."""
        path = path.rstrip("/") or "/"
        self._want("s", path)
        self._want("s", posixpath.dirname(path))

    def _pattern(self, flag: str, value: str, family: str) -> None:
        value = value.replace("${HOME}", "%h").replace("${USER}", "%u")
        if value[:2] == "~/":
            value = "%h" + value[1:]
        if "%" in value:
            self._patterns["s", value] = None
        else:
            self._want(flag, value, family)

    def _in_rsyslog(self, path: str, line: bytes) -> int:
        words = _words(line)
        if words[0].lower() == "$includeconfig":
            for name in words[1:2]:
                self._want("c", name, "rsyslog")
            return 1
        if line[:1] == b"#":
            return 0
        count = 0
        family = "c" if b"include(" in line.lower().replace(b" ", b"") else "s"
        for match in re.finditer(_RSYSLOG_PATH, line):
            self._want(family, _text(match[1]), "rsyslog" if family == "c" else "plain")
            count += 1
        last = words[-1].lstrip("-")
        if last[:1] == "/":
            self._want("s", last.split(";")[0])
            count += 1
        return count

    def _in_logrotate(self, path: str, line: bytes) -> int:
        word, _, name = _first(line)
        if word == "include":
            self._want("c", name, "logrotate", 1)
            return 1
        return 0 if line[:1] == b"#" else self._programs(line)

    def _in_chrony(self, path: str, line: bytes) -> int:
        word, _, name = _first(line)
        if word in ("include", "confdir", "sourcedir", "keyfile", "driftfile"):
            depth = 1 if word.endswith("dir") else 0
            names = name.split(" ") if depth else [name]
            for each in names:
                self._want("s" if word in ("keyfile", "driftfile") else "c", each, "chrony", depth)
            return len(names)
        return 0

    def _in_auditd(self, path: str, line: bytes) -> int:
        names = [] if line[:1] == b"#" else [word for word in _words(line.replace(b"=", b" "))[1:] if word[:1] == "/"]
        for name in names:
            self._want("s", name)
        return len(names)

    def _in_ntp(self, path: str, line: bytes) -> int:
        word, _, name = _first(line)
        if word == "includefile":
            self._want("c", name if name[:1] == "/" else f"/etc/{name}", "ntp")
            return 1
        return 0

    def _in_ldso(self, path: str, line: bytes) -> int:
        word, _, name = _first(line)
        if word == "include":
            self._want("c", name if name[:1] == "/" else f"/etc/{name}", "ldso")
            return 1
        return self._programs(b"PATH " + line) if line[:1] == b"/" else 0

    def _in_audit(self, path: str, line: bytes) -> int:
        if line[:1] == b"#":
            return 0
        count = 0
        for word in _words(line.replace(b"\\ ", b"\1")):
            match = re.match(r"(?:-[wW]|(?:-F)?(?:path|dir|exe)!?=|)(/.*)", word)
            if match:
                self._want("s", match[1].replace("\1", " ").rstrip("/") or "/")
                count += 1
        return count

    def _in_syslogng(self, path: str, line: bytes) -> int:
        word, _, name = _first(line)
        if word == "@include":
            name = name.replace('"', "").replace("'", "")
            self._want("c", name if name[:1] == "/" else f"/etc/syslog-ng/{name}", "syslogng", 1)
            return 1
        return 0


def _scanned(path: str) -> bool:
    return f"/{path.split('/')[1]}" in items.SCANNED


def starts(shell: str, pattern: str) -> bool:
    """Whether that shell reads a startup file of this name."""
    if re.search(r"/(nologin|false|sync|halt|shutdown|true)$", shell):
        return False
    if re.search(r"/\.z", pattern):
        return "zsh" in shell
    return ("csh" in shell) if re.search(r"cshrc|\.login", pattern) else not re.search("zsh|csh", shell)


def expand(pattern: str, name: str, uid: str, home: str) -> str:
    """%h %u %U %% of one account (sshd_config(5), TOKENS). Empty where the home is no absolute path."""
    if home[:1] != "/" or "/" in name:
        return ""
    known = {"%h": "" if home == "/" else home, "%u": name, "%U": uid, "%%": "%"}
    return re.sub(r"%[huU%]", lambda match: known[match[0]], pattern) or "/"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _words(line: bytes) -> list[str]:
    words = [_text(word) for word in _BLANK.split(line.strip(b" \t"))]
    return words if words[0] else [" "]


def _first(line: bytes) -> tuple[str, str, str]:
    parts = _BLANK.split(line, 1)
    return _text(parts[0]), " ", _text(_BLANK.sub(b" ", parts[1])) if len(parts) > 1 else ""


def wanted(items: Iterator[Item]) -> str:
    """Items as the lines that the script reads."""
    return "\n".join(item.line for item in items)
