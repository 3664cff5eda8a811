"""Programs that give a shell or run another program: which arguments make one root. Each judge gets name, words and what is asked."""

from __future__ import annotations

import posixpath
import re

from sovaudit.facts.sudo_asking import SHELL_WORD, Asking, sensitive
from sovaudit.facts.sudo_powers import POWERS, powers_of

SHELLS = frozenset(name for name, powers in POWERS.items() if any(power.kind == "shell" for power in powers))


def plain(args: str | None, name: str) -> tuple[str, list[str] | None]:
    """The account that su, runuser or passwd is told, empty for none; and the words of `-c` (or of runuser's own command), None without.

    What follows `-c` may be one word or many: sudo sees no difference, so whoever calls chooses, and all of it counts as the command.
    """
    words = (args or "").split()
    who = ""
    while words:
        word = words.pop(0)
        if name != "passwd" and word in ("-c", "--command"):
            return who, words
        if word in ("-u", "--user") and words and name == "runuser":
            return words[0], words[1:] or None
        if word in ("-s", "-g", "-G", "-w", "-n", "-x", "-i", "-r", "-R", "--shell", "--group", "--supp-group", "--root") and words:
            words.pop(0)
        elif not word.startswith("-"):
            who = who or word
    return who, None


def _shell(name: str, words: list[str], asking: Asking) -> bool:
    if words and words[0] in ("--version", "--help"):
        return False
    for at, word in enumerate(words):
        if name == "busybox" and at == 0 and not word.startswith("-"):
            return word in SHELLS or asking.nested(words)
        if re.fullmatch(r"-[a-z]*c", word):
            return asking.nested(words[at + 1 :]) or any(SHELL_WORD.search(each) for each in words[at + 1 :])
        if not word.startswith(("-", "+")):
            return asking.file(word)
    return True


def _interpreter(name: str, words: list[str], asking: Asking) -> bool:
    if not words or asking.any(words):
        return True
    for at, word in enumerate(words):
        if word in ("-c", "-e", "-E", "-r", "-m", "--eval", "-M"):
            return any(SHELL_WORD.search(each) for each in words[at + 1 :])
        if word in ("--version", "-V", "-v", "--help"):
            return False
        if not word.startswith("-"):
            return asking.file(word)
    return True


def _debugger(name: str, words: list[str], asking: Asking) -> bool:
    return not {"-batch", "--batch"} & set(words) or asking.any(words)


def _dmesg(name: str, words: list[str], asking: Asking) -> bool:
    return any(re.fullmatch(r"-[a-zA-Z]*H[a-zA-Z]*|--human", word) for word in words) and not {"-P", "--nopager"} & set(words)


def _interactive(name: str, words: list[str], asking: Asking) -> bool:
    if name == "script" and "-c" in words:
        return asking.nested(words[words.index("-c") + 1 :])
    return not words or words[0] not in ("ls", "-ls", "list-sessions", "-V", "-v", "--version", "--help", "-h", "-b")


def _runner(name: str, words: list[str], asking: Asking) -> bool:
    """What follows the program's own options, assignments and numbers is run; without it some give a shell."""
    if not words:
        return name in ("unshare", "nsenter", "pkexec", "setarch", "linux32", "linux64", "capsh", "fakeroot", "xvfb-run")
    if name == "capsh":
        return "--" in words or any(word.startswith("--shell") for word in words)
    if name == "run-parts":
        return any(asking.file(word) for word in words[-1:])
    if name == "machinectl":
        return words[0] in ("shell", "login") or asking.any(words)
    if name == "systemd-nspawn":
        return True
    if name == "systemd-run" and any(re.fullmatch(r"-[a-zA-Z]*S|--shell", word) for word in words):
        return True
    lock = name in ("flock", "taskset")  # their first word is a lock, or a list of processors
    previous = ""
    for at, word in enumerate(words):
        previous, before = word, previous
        if before in _VALUED.get(name, ()):
            continue
        if word.startswith("-") or "=" in word or re.fullmatch(r"[\d.]+[smhdkKMG]?", word) or word.isupper():
            lock = lock and (word.startswith("-") or name == "flock")
            if asking.own(word) and name in ("start-stop-daemon", "capsh", "doas", "parallel", "perf"):
                return True
            if word in ("-c", "-x", "--exec", "--startas", "-a") and name in ("flock", "start-stop-daemon", "timeout"):
                return asking.nested(words[at + 1 :]) or any(SHELL_WORD.search(each) for each in words[at + 1 : at + 2])
            continue
        if lock:
            lock = False
            continue
        if name in ("xargs", "parallel"):
            return asking.own(word) or bool(powers_of(word))  # more arguments come from its input
        return asking.nested(words[at:])
    return name in ("unshare", "nsenter", "setpriv", "fakeroot")


_VALUED = {  # options whose value is the next word
    "env": ("-u", "-C", "--unset", "--chdir"),
    "xargs": ("-I", "-d", "-E", "-a", "--arg-file", "--delimiter"),
    "strace": ("-o", "-e", "-u", "-E", "-S", "-a"),
    "ltrace": ("-o", "-e", "-u", "-l"),
    "timeout": ("-s", "--signal"),
    "setpriv": ("--reuid", "--regid", "--ruid", "--rgid", "--euid", "--egid", "--groups", "--inh-caps", "--ambient-caps", "--bounding-set"),
    "chpst": ("-u", "-U", "-b", "-e", "-/", "-n", "-l", "-L"),
    "runcon": ("-u", "-r", "-t", "-l"),
    "systemd-run": ("-u", "-p", "-M", "-H", "--unit", "--property", "--slice", "--uid", "--gid", "--working-directory"),
    "systemd-inhibit": ("--what", "--who", "--why", "--mode"),
    "systemd-cat": ("-t", "-p", "--identifier", "--priority"),
}


def _chroot(name: str, words: list[str], asking: Asking) -> bool:
    plain = [word for word in words if not word.startswith("-")]
    return len(plain) == 1 or asking.any(plain[:1]) or (len(plain) > 1 and asking.nested(plain[1:]))


def _su(name: str, words: list[str], asking: Asking) -> bool:
    who, command = plain(" ".join(words), name)
    if who not in ("", "root"):
        return False
    if any(word.startswith(("-s", "--shell")) for word in words) and asking.any(words):
        return True
    return command is None or asking.nested(command) or any(SHELL_WORD.search(word) for word in command)


def _sudo(name: str, words: list[str], asking: Asking) -> bool:
    if not words:
        return True
    if name == "sudo":
        whom = re.search(r"(?:^| )(?:-u ?|--user[= ])(\S+)", " ".join(words))
        if whom and whom[1] not in ("root", "#0"):
            return False  # as somebody else, and sudo takes -u once
    if {"-i", "-s", "--login", "--shell"} & set(words):
        return True
    if name in ("sg", "newgrp"):
        at = words.index("-c") + 1 if "-c" in words else 1
        return name == "newgrp" or len(words) <= at or asking.nested(words[at:])
    while words and words[0].startswith("-"):
        takes = words[0] in ("-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U")
        words = words[2 if takes else 1 :]
    return asking.nested(words)


def _folder(name: str, words: list[str], asking: Asking) -> bool:
    """Programs that do what a file says: one that is named, or one in the folder where the account stands."""
    here = (
        "make gmake ninja rake npm npx yarn pnpm bundle bundler composer mvn gradle ant cargo vagrant invoke fab scons tox just task"
    ).split()
    if asking.any(words) or not words:
        return asking.any(words) or name not in here or asking.standing
    options = r"-C|-f|--(directory|file|makefile|prefix|cwd|working-dir|manifest-path|justfile|rakefile)"
    named = any(re.match(options, word) for word in words)
    if name in here:
        return not named and not words[0].startswith("--version") and asking.standing
    if name.startswith("pip") or name in ("ansible-playbook", "puppet", "cmake", "go", "dotnet", "terraform"):
        return any(word in (".", "./") or (word.endswith((".yml", ".yaml", ".pp", ".txt")) and asking.file(word)) for word in words)
    runs = ("-wrapper", "-e", "--sh-exec", "-c", "--exec")
    return any(word in runs and asking.nested(words[at + 1 :]) for at, word in enumerate(words))


def _docker(name: str, words: list[str], asking: Asking) -> bool:
    if name.endswith("compose") or words[:1] == ["compose"]:
        verbs = [word for word in words if not word.startswith("-")]
        return asking.any(words) or (not any(word.startswith(("-f", "--file", "--project-directory")) for word in words) and
                                     bool({"up", "run", "create", "start"} & set(verbs)))  # fmt: skip
    text = " ".join(words)
    root = re.search(
        r"(-v|--volume)[= ]/(etc|root|var/run|var|usr|run)?(/docker\.sock)?:|--privileged|--pid[= ]host|source=/,|src=/,", text
    )
    inside = words[:1] == ["exec"] and any(posixpath.basename(word) in SHELLS for word in words[1:])
    return not words or root is not None or inside or asking.any(words)


def _find(name: str, words: list[str], asking: Asking) -> bool:
    for at, word in enumerate(words):
        if word in ("-exec", "-execdir", "-ok", "-okdir") and asking.nested(words[at + 1 :]):
            return True
        written = words[at + 1 : at + 2] if word in ("-fprint", "-fprint0", "-fprintf", "-fls") else []
        if asking.any(written) or any(sensitive(each) for each in written):
            return True
    return False


def _database(name: str, words: list[str], asking: Asking) -> bool:
    if asking.any(words):
        return True
    if name == "sqlite3":
        return sum(not word.startswith("-") for word in words) < 2
    return not any(re.match(r"-[a-zA-Z]*[ecf]$|-e.|-c.|--(execute|command|file)|--version|-V", word) for word in words)


def pager(name: str, words: list[str], asking: Asking) -> bool:
    return not asking.secure_pager and "--no-pager" not in words and "--version" not in words


def _ip(name: str, words: list[str], asking: Asking) -> bool:
    rest = list(words)
    while rest and rest[0].startswith("-"):  # an option that stands after the object is not ip's own
        option = rest.pop(0)
        takes = re.fullmatch(r"--?(b(atch)?|n(etns)?|f(amily)?|rc(vbuf)?|l(oops)?)", option)
        if takes and rest:
            value = rest.pop(0)
            if takes[1].startswith("b") and asking.file(value):
                return True
    return " ".join(rest[:2]) in ("netns exec", "netns e", "vrf exec") and asking.nested(rest[3:])


def _ssh(name: str, words: list[str], asking: Asking) -> bool:
    text = " ".join(words)
    own = any(word.startswith(("-F", "-o", "--ssh")) for word in words) and asking.any(words)
    return own or bool(re.search(r"(ProxyCommand|LocalCommand|KnownHostsCommand)[= ]\S*\bsh\b", text)) or "PermitLocalCommand" in text


def _tcpdump(name: str, words: list[str], asking: Asking) -> bool:
    """What -z names is run on each file that is full."""
    return any(word.startswith("-z") and asking.any(words[at : at + 2]) for at, word in enumerate(words))


RUNNERS = {
    "tcpdump": _tcpdump,
    "shell": _shell,
    "interpreter": _interpreter,
    "debugger": _debugger,
    "dmesg": _dmesg,
    "interactive": _interactive,
    "runner": _runner,
    "chroot": _chroot,
    "su": _su,
    "sudo": _sudo,
    "folder": _folder,
    "docker": _docker,
    "find": _find,
    "database": _database,
    "pager": pager,
    "ip": _ip,
    "ssh": _ssh,
}
