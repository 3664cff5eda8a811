# ruff: noqa: E501 - tables of words read best unbroken
"""Which commands, run as root, make one root: by giving a shell, by running what one chooses, or by writing what one chooses.

The question is asked of concrete command lines. Where sudoers leaves arguments open (none written, a wildcard), command lines that would do it are
proposed and sudo's own matching decides whether one is allowed. What is known here is how programs behave (their manual pages; GTFOBins collects it);
a program that is not known gives nothing by itself.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sovaudit.facts.parse.globs import has_meta

SHELL = "gives a shell"
RUNS = "runs a program of one's choice"
WRITES = "writes a file of one's choice"


@dataclass(frozen=True, slots=True)
class Power:
    """How a program makes one root.

    always: any command line does it, whatever the arguments. needs: any of these words among the arguments does it (a regular expression over the whole).
    tries: argument strings that do it, to propose where arguments are open. exec: a child process is needed, so NOEXEC stops it.
    """

    how: str
    always: bool = False
    needs: str = ""
    tries: tuple[str, ...] = ()
    exec: bool = True


def _each(names: str, power: Power) -> dict[str, Power]:
    return dict.fromkeys(names.split(), power)


_MINE = "/tmp/x"  # a file of the account's own
POWERS: dict[str, Power] = {
    # a shell or an interpreter is a program of one's choice: NOEXEC stops children, not `python -c 'open("/etc/shadow", "w")'` or `echo >file`
    **_each("sh bash dash ash zsh ksh ksh93 mksh csh tcsh fish rbash busybox python python2 python3 perl ruby lua lua5.3 lua5.4 node nodejs php irb jrunscript "
            "tclsh wish expect gawk awk mawk nawk gdb ghci guile jjs scala julia octave R Rscript pypy pypy3 ipython ipython3 bpython rake",
            Power(SHELL, needs=r"^$|^-?-?[a-zA-Z]|[\s\S]", tries=("", "-c x"), exec=False)),
    # editors and pagers: `:!sh`; editors write any file, too, so NOEXEC does not help with them
    **_each("vi vim vim.basic vim.tiny vim.nox vimdiff view rvim rview gvim ex nvim emacs emacs-nox jed joe jmacs mcedit ne micro kak hx editor sensible-editor ed red",
            Power(SHELL, always=True, exec=False)),
    **_each("nano pico rnano", Power(SHELL, always=True, exec=False)),
    **_each("less more most pg man lesspipe sensible-pager pager run-mailcap see info apropos.man zless bzless xzless lynx w3m links elinks",
            Power(SHELL, needs=r"[\s\S]", tries=("/etc/hosts",), exec=True)),
    # run another program
    **_each("env nice nohup timeout setsid stdbuf time ionice taskset chrt unbuffer script scriptreplay setarch linux32 linux64 i386 x86_64 xargs watch parallel "
            "flock chroot unshare nsenter strace ltrace start-stop-daemon capsh runuser setpriv ld.so run-parts doas pkexec screen tmux dtach "
            "sshpass systemd-run bwrap firejail softlimit chpst softflowctl multitime eatmydata fakeroot proot logsave rlwrap gtester valgrind perf hping3 socat tclsh "
            "cpulimit facter ansible ansible-playbook puppet salt-call chef-solo make cmake ninja gcc g++ cc c++ go cargo npm yarn npx pip pip2 pip3 pipx gem bundle bundler composer "
            "easy_install setup.py mvn gradle ant docker podman nerdctl ctr crictl kubectl lxc lxd lxc-attach virsh vagrant qemu-system-x86_64 machinectl",
            Power(RUNS, needs=r"[\s\S]", tries=(_MINE, "-c x", "run -v /:/m x", "exec x sh", "install x", "x"))),
    **_each("su sudo sg newgrp", Power(SHELL, tries=("", "-", "root"), needs=r"^$|(^|\s)(-|-l|--login|root|-s\b.*|-c\b.*|-i|/.*)")),
    "find": Power(RUNS, needs=r"(^|\s)-(exec|execdir|ok|okdir|fprint0?|fprintf|fls|delete)(\s|$)", tries=(". -exec sh ;", "/ -exec sh ;")),
    "tar": Power(RUNS, needs=r"--(to-command|checkpoint-action|use-compress-program|rsh-command|info-script|new-volume-script)|(^|\s)-[a-zA-Z]*[IF]|(^|\s)-?[a-zA-Z]*x",
                 tries=("-cf x x --checkpoint=1 --checkpoint-action=exec=sh", "-xf x -C /"), exec=False),
    **_each("bsdtar cpio unzip 7z 7za 7zr pax ar rsnapshot restore", Power(WRITES, needs=r"[\s\S]", tries=("x", "-xf x -C /", "-i", "x x"), exec=False)),
    "zip": Power(RUNS, needs=r"-T.*-TT|--unzip-command", tries=("x x -T -TT sh",)),
    "rsync": Power(WRITES, needs=r"[\s\S]", tries=(f"{_MINE} /etc/x", "-e sh x:y"), exec=False),
    **_each("scp sftp", Power(WRITES, needs=r"[\s\S]", tries=(f"{_MINE} /etc/x", "x"), exec=False)),
    **_each("ssh autossh mosh telnet ftp tftp lftp", Power(SHELL, needs=r"ProxyCommand|LocalCommand|^$|PermitLocalCommand|(^|\s)-[oF]|^[^-\s]*$", tries=("-oProxyCommand=x x",))),
    **_each("git hg svn", Power(RUNS, needs=r"^$|(^|\s)(-c|-p|--paginate|help|log|diff|show|branch|config|commit|rebase|grep|bisect|clone|submodule|update|pull|push|fetch|filter-branch|difftool|mergetool|apply|archive|add|checkout|--exec-path\S*|--git-dir\S*|-C|tag|stash|blame)(\s|$)",
                             tries=("-p help", "-c x log", "help config"))),
    # write files
    **_each("cp mv install ln tee dd truncate rename mkfs rsyslogd logrotate shred mknod rm rmdir unlink patch ed sponge split csplit openssl gpg base64.tee uudecode gzip gunzip bzip2 xz zstd lz4 "
            "debugfs fsck mke2fs mkfs.ext4 losetup dmsetup wipefs fdisk sfdisk parted tune2fs cryptsetup lvm hexedit xxd sqlite3 mysql psql mariadb redis-cli mutt mail mailx "
            "wget curl aria2c axel",
            Power(WRITES, needs=r"[\s\S]", tries=(f"{_MINE} /etc/x", "/etc/x", f"if={_MINE} of=/etc/x", "http://x -O /etc/x", "-o /etc/x http://x", "-f x", "x"), exec=False)),
    **_each("chmod chown chgrp setfacl setcap chattr", Power(WRITES, needs=r"\s", tries=("4755 /bin/sh", "alice /etc/shadow", "-m u:alice:rw /etc/shadow", "cap_setuid+ep /tmp/x"), exec=False)),
    "sed": Power(WRITES, needs=r"(^|\s)(-i\S*|--in-place\S*|-[a-zA-Z]*i\S*)(\s|$)|(^|[^a-z])[ew](\s|$)|1e\b", tries=("-i s/x/y/ /etc/shadow", "1e x"), exec=False),
    **_each("mount umount fusermount pivot_root swapon", Power(WRITES, needs=r"\S\s+\S|(^|\s)-[oB]|--bind", tries=("-o bind /tmp/x /bin/sh", "/tmp/x /etc"), exec=False)),
    # accounts
    **_each("passwd chpasswd useradd usermod adduser groupadd.mod gpasswd groupmems vipw vigr chsh newusers addgroup luseradd lusermod visudo chage.root",
            Power(WRITES, needs=r"^$|(?!-S\b|-l\b|-a\b)[\s\S]", tries=("", "root", "-u 0 -o x", "-aG root alice", "alice root", "-a alice root"), exec=False)),
    "crontab": Power(RUNS, needs=r"^$|(^|\s)(-e|/\S+|-u|-)(\s|$)|^[^-]", tries=("-e", _MINE, "-u root -e"), exec=False),
    **_each("at batch", Power(RUNS, needs=r"[\s\S]", tries=("now", "", "-f x now"), exec=False)),
    # packages
    **_each("apt apt-get aptitude", Power(RUNS, needs=r"(^|\s)(install|reinstall|remove|purge|changelog|edit-sources|source|build-dep|satisfy|full-upgrade\s.*-o|-o\S*|-c\S*|--option\S*|--config-file\S*)(\s|$)|^$",
                                          tries=("install ./x.deb", "changelog x", "update -o APT::Update::Pre-Invoke::=sh"))),
    **_each("dpkg rpm yum dnf zypper pacman apk snap flatpak microdnf tdnf dpkg-reconfigure update-alternatives alternatives",
            Power(RUNS, needs=r"(^|\s)(-i|--install\S*|-U\S*|-F\S*|install|localinstall|reinstall|-S\S*|add|--unpack|--root\S*|--admindir\S*|-e|--eval\S*|-l|--set|--config|shell|-E|--pipe\S*)(\s|$)|\.(deb|rpm)(\s|$)|^$",
                  tries=("-i x.deb", "install x.rpm", "-i x.rpm", "-U x.rpm", "add x", "--install /etc/x x x 1"), exec=False)),
    # services and the machine
    "systemctl": Power(
        RUNS,
        needs=r"^$|^(--?[\w=-]+\s+)*(edit|link|set-environment|import-environment|status|list-[a-z]+|cat|show|help|switch-root)(\s|$)"
        r"|^(--?[\w=-]+\s+)*(enable|reenable)\s(\S*\s)*/(tmp|home|var/tmp|dev/shm)/",
        tries=("edit x", "link /tmp/x.service", "status", "status x", "list-units", "enable /tmp/x.service"),
    ),
    **_each("journalctl loginctl timedatectl hostnamectl localectl networkctl resolvectl systemd-analyze coredumpctl", Power(SHELL, needs=r"^(?![\s\S]*--no-pager)", tries=("", "-n 100", "status"))),
    **_each("service invoke-rc.d", Power(RUNS, needs=r"\.\./|^/", tries=("../../tmp/x start",))),
    **_each("insmod modprobe rmmod kexec bpftool ip.netns sysctl", Power(RUNS, needs=r"[\s\S]", tries=("/tmp/x.ko", "-C /tmp/x x", "-w kernel.core_pattern=|/tmp/x"), exec=False)),
    "ip": Power(RUNS, needs=r"(^|\s)(netns\s+(exec|e)|-b\S*|-batch|vrf\s+exec)(\s|$)", tries=("netns exec x sh",)),
    **_each("tcpdump dumpcap", Power(RUNS, needs=r"(^|\s)-[a-zA-Z]*(z|w)", tries=("-ln -i lo -w x -W 1 -G 1 -z /tmp/x -Z root", "-w /etc/x"), exec=False)),
    **_each("nmap", Power(RUNS, needs=r"--script|--interactive|(^|\s)-o[ANGXS]|--iflist.x", tries=("--interactive", "--script=/tmp/x"), exec=False)),
    **_each("mysql psql sqlite3 mongo ftp", Power(SHELL, needs=r"[\s\S]", tries=("", "-e x"))),
    **_each("openvpn pppd wg-quick iptables-restore iptables-save dhclient", Power(RUNS, needs=r"[\s\S]", tries=("--dev null --script-security 2 --up x", "x", "-f /etc/x", "up /tmp/x.conf"), exec=False)),
    **_each("cupsfilter gimp eog evince xdg-open x-terminal-emulator xterm gnome-terminal konsole mc ranger nnn vifm top.rc dialog whiptail.x", Power(SHELL, needs=r"[\s\S]", tries=("", "x"))),
    "sort": Power(WRITES, needs=r"(^|\s)(-o\S*|--output\S*|--compress-program\S*)", tries=("-o /etc/x x",), exec=False),
    "uniq": Power(WRITES, needs=r"\S\s+\S", tries=("x /etc/x",), exec=False),
    "ps2pdf": Power(WRITES, needs=r"[\s\S]", tries=("x /etc/x",), exec=False),
}  # fmt: skip
_VERSION = re.compile(r"(-?\d+(\.\d+)*|[._-]\d[\d.]*)$")
SYSTEM_FOLDERS = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/lib/", "/usr/lib/", "/usr/libexec/", "/usr/games/")


def power_of(command: str) -> Power | None:
    """What the program of this path can do; `python3.11` counts as `python`."""
    name = posixpath.basename(command)
    return POWERS.get(name) or POWERS.get(_VERSION.sub("", name))


def makes_root(command: str, args: str | None, *, noexec: bool) -> str:
    """How this concrete command line, run as root, makes one root; empty if it does not."""
    if command == "sudoedit":
        return WRITES if args is not None and sensitive(args) else ""
    power = power_of(command)
    if power is None or (noexec and power.exec) or becomes(command, args):
        return ""
    if power.always or (power.needs and re.search(power.needs, args or "")):
        return power.how if _open(command, args) else ""
    return ""


def becomes(command: str, args: str | None) -> str:
    """The account other than root that these arguments of su, runuser or passwd name; empty for root, for none, and for other programs."""
    name = posixpath.basename(command)
    if name not in ("su", "runuser", "passwd"):
        return ""
    words = (args or "").split()
    plain: list[str] = []
    while words:
        word = words.pop(0)
        if word in ("-c", "-s", "-g", "-G", "-w", "-n", "-x", "-i", "-r", "--command", "--shell", "--group", "--supp-group") and words:
            words.pop(0)
        elif word in ("-u", "--user") and words and name == "runuser":
            plain.append(words.pop(0))
        elif not word.startswith("-"):
            plain.append(word)
    return plain[0] if plain and plain[0] != "root" else ""


# Programs whose fixed arguments may leave nothing to choose: the argument decides, not the program.
_FIXED = {
    **_each("cp mv install ln rsync scp tee dd truncate rm rmdir unlink shred chmod chown chgrp setfacl setcap chattr wget curl gzip gunzip bzip2 xz zstd lz4 split "
            "csplit openssl gpg patch mkfs fsck mke2fs mkfs.ext4 losetup dmsetup wipefs fdisk sfdisk parted tune2fs cryptsetup lvm rsyslogd logrotate mail mailx mount umount "
            "make npm yarn pip pip2 pip3 docker podman kubectl virsh systemd-run ansible-playbook ansible puppet salt-call composer gem mysql psql mariadb redis-cli sqlite3 "
            "modprobe rmmod insmod sysctl openvpn wg-quick dhclient iptables-restore iptables-save timeout nice nohup ionice run-parts start-stop-daemon flock watch env "
            "sh bash dash zsh ksh python python2 python3 perl ruby php node lua awk gawk mawk java go cargo", Power("")),
}  # fmt: skip


def _open(command: str, args: str | None) -> bool:
    """Whether somebody who may run exactly this has anything left to choose. A fixed script or a fixed copy between root's own places has not."""
    name = _VERSION.sub("", posixpath.basename(command))
    if args is None or name not in _FIXED or args in ("", "-", "-i", "-l", "-s"):
        return True
    words = args.split()
    if any(word.startswith(MINE) for word in words):
        return True
    return any(word in _TRIED for word in (args,)) or _sets_root_up(name, words)


MINE = ("/tmp/", "/var/tmp/", "/dev/shm/", "/home/")


def _sets_root_up(name: str, words: list[str]) -> bool:
    """Fixed arguments that hand root over all the same."""
    text = " ".join(words)
    if name in ("chmod",) and re.search(r"(^|\s)([ug+]*\+?s|[2467][0-7]{3}|o\+w|a\+w|0?[0-7]?[0-7][0-7][2367])(\s|$)", text):
        return any(sensitive(word) or word.startswith(("/bin/", "/usr/bin/")) for word in words)
    if name in ("tee", "truncate", "dd"):
        return name == "tee" and any(sensitive(word) for word in words)
    if name in ("docker", "podman"):
        return bool(re.search(r"-v\s*/:|--privileged|--volume[= ]/:|\bexec\b|--pid[= ]host", text))
    if name in ("env", "nice", "nohup", "timeout", "ionice", "flock", "watch", "sh", "bash", "dash", "zsh", "ksh"):
        return any(posixpath.basename(word) in ("sh", "bash", "dash", "zsh", "su", "vim", "vi", "less") for word in words)
    return name in ("mysql", "sqlite3", "psql", "mariadb") and not re.search(r"(^|\s)-e", text) and name != "psql"


_TRIED = frozenset(attempt for power in POWERS.values() for attempt in power.tries)
_SENSITIVE = re.compile(
    r"^/(etc/(passwd|shadow|gshadow|group|sudoers(\.d/.*)?|sudo\.conf|crontab|cron\..*|pam\.d/.*|ld\.so.*|profile|profile\.d/.*|bash\.bashrc|environment|systemd/.*|ssh/.*|"
    r"doas\.conf|init\.d/.*|security/.*|nsswitch\.conf|rc\.local|x|hosts\.equiv|polkit-1/.*|logrotate.*|apt/.*|default/.*|inetd.*|xinetd.*|update-motd\.d/.*|modprobe\.d/.*|udev/.*|"
    r"network/.*|dhcp/.*|sysctl.*)|root(/.*)?|usr/.*|bin/.*|sbin/.*|lib.*|boot/.*|var/spool/cron.*|proc/.*|sys/.*|dev/.*)$"
)


def sensitive(path: str) -> bool:
    """Whether who writes this file is root: it is run by root, says who is, or belongs to the system."""
    return any(_SENSITIVE.match(word) for word in path.split())


def proposals(command: str, args: str | None) -> Iterator[tuple[str, str | None]]:
    """Command lines that this element of a list (path or pattern, with its arguments) could allow and that might make one root."""
    for path in _paths(command):
        power = power_of(path)
        tries: tuple[str, ...] = power.tries if power else ()
        if path == "sudoedit":
            tries = ("/etc/shadow", "/etc/sudoers")
        if args is None:
            yield path, None
            yield from ((path, attempt or None) for attempt in tries)
        elif args == '""':
            yield path, None
        elif args.startswith("^") and args.endswith("$"):
            literal = re.split(r"[\\.*+?()|\[\]{}$]", args[1:])[0]
            yield from ((path, text) for attempt in ("", "x", *tries) for text in (attempt, literal + attempt, f"{literal} {attempt}"))
        else:
            yield from ((path, text) for text in _fillings(args, tries))


def _paths(command: str) -> Iterator[str]:
    if command.startswith("^"):
        yield from instances(command)
        yield from (f"{folder}{name}" for folder in ("/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/") for name in _SAMPLES)
    elif has_meta(command) or command.endswith("/"):
        yield from dict.fromkeys(_filled(command + "x" * command.endswith("/"), star) for star in ("x", "", "x.sh"))
        folder = posixpath.dirname(command)
        if has_meta(folder):
            yield from (f"{place}{name}" for place in ("/usr/bin/", "/bin/", "/usr/sbin/", "/usr/local/bin/") for name in _SAMPLES)
        else:
            yield from (posixpath.join(folder, name) for name in POWERS)
    else:
        yield command


_SAMPLES = (
    "bash",
    "sh",
    "dash",
    "vim",
    "vi",
    "python3",
    "perl",
    "env",
    "find",
    "cp",
    "tee",
    "su",
    "less",
    "passwd",
    "systemctl",
    "apt-get",
    "mount",
    "visudo",
    "useradd",
)
_HOLE = re.compile(r"\[[^\]]*\]|\\(.)|([*?])")


def _filled(pattern: str, star: str) -> str:
    """The pattern with something in its holes: this in place of each star."""

    def one(found: re.Match[str]) -> str:
        if found[1]:
            return found[1]
        if found[2]:
            return star if found[2] == "*" else "x"
        inner = found[0][1:-1].lstrip("!^")
        return inner[:1] if inner and found[0][1] not in "!^" else "~"

    return _HOLE.sub(one, pattern)


_GAP = re.compile(r"\[\^?\]?(?:\[:[a-z]+:\]|[^\]])*\](?:[*+?]|\{[^}]*\})?|\\(.)|\.(?:[*+?]|\{[^}]*\})?|([^\\])[*?]|[()^$]")


def instances(expression: str) -> Iterator[str]:
    """Short texts that a plain regular expression may match: one for each side of its first alternative. Whether they do is asked of sudo's matching."""

    def one(found: re.Match[str]) -> str:
        text = found[0]
        if found[1]:
            return found[1]
        if text[0] == "[":
            least = re.search(r"\{(\d+)[^{]*$", text)
            first = "0" if text[1:].startswith("[:digit") else "x" if text[1] in "^[" else text[1]
            return first * min(int(least[1]) if least else 1, 64)
        return "x" if text[0] == "." else text[0] if found[2] and text[1] == "?" else ""

    choice = re.search(r"\(([^()]*\|[^()]*)\)", expression)
    sides = choice[1].split("|") if choice else [""]
    for side in sides[:20]:
        text = expression[: choice.start()] + side + expression[choice.end() :] if choice else expression
        yield _GAP.sub(one, text)


def _fillings(pattern: str, tries: tuple[str, ...]) -> Iterator[str]:
    """Instances of a wildcard pattern: as short as can be, and with something of use in the place of each star."""
    if not has_meta(pattern):
        yield pattern
        return

    def fill(star: str) -> str:
        return _filled(pattern, star)

    yield from dict.fromkeys([fill("x"), fill(""), *tries])
    for attempt in tries:
        yield from (fill(attempt), fill(f"x {attempt}"), fill(f"x {attempt} x"), fill(f"/../../{attempt.lstrip('/')}"))
    yield from (fill("../../../etc/shadow"), fill("x /etc/shadow"), fill("x /etc/x /tmp/x"))
