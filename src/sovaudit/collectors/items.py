"""What is looked at on a host: the one list that feeds the script, mounted roots and `sovaudit plan`.

An item is a path (a glob where it holds `*`), how deep to look below it, whether contents are brought, and its family: the family says how
secrets are masked and which includes are followed.
"""

from __future__ import annotations

from dataclasses import dataclass

FULL = 9  # deep enough for every configuration folder; bounds a hostile tree
MAX_FILE = 1024 * 1024  # bytes of one file; beyond: a gap `truncated`
MAX_ROWS = 20_000  # rows of the tree
MAX_FILES = 4_000  # contents
MAX_ROUNDS = 12  # links and includes, one after the other
MAX_ACLS = 400  # paths that a group may write, homes that it may read
LOG_START = 32  # bytes of a log's first line
MAX_UIDS = 20_000  # accounts whose last login is looked up
LASTLOG = "/var/log/lastlog"
LASTLOG_RECORD = 292  # bytes per uid (lastlog.h): four of time, 32 of terminal, 256 of host
WTMP = "/var/log/wtmp"
WTMP_RECORD = 384  # bytes (utmp(5))
WTMP_RECORDS = 1024  # the newest of them
# where these loaders are, glibc's time has eight bytes there
LONG_TIME = ("ld-linux-aarch64.so.1", "ld-linux-riscv64-lp64d.so.1", "ld-linux-loongarch-lp64d.so.1")
COMMAND_SECONDS = 6
MAX_EXPOSED = 2_000  # paths in root's folders that are not root's alone
SCAN_SECONDS = 20  # also what the script gives its find
MAX_LINKS = 300  # links that lead out of them
MAX_PROGRAMS = 500  # programs with rights of their own
MAX_HASHED = 32 * 1024 * 1024  # bytes of one of them
MAX_HASHED_ALL = 2 * 1024 * 1024 * 1024  # and of all, in a mounted root
MAX_COMMAND = 256 * 1024  # bytes of one command's output


@dataclass(frozen=True, slots=True)
class Item:
    """content: bring the bytes of regular files. depth: 0 the path alone, 1 its entries too, …"""

    path: str
    content: bool = True
    depth: int = 0
    family: str = "plain"

    @property
    def line(self) -> str:
        """`c|s depth family path`: what the script reads."""
        return f"{'c' if self.content else 's'} {self.depth} {self.family} {self.path}"


def _each(text: str, *, content: bool = True, depth: int = 0, family: str = "plain") -> tuple[Item, ...]:
    return tuple(Item(path, content, depth, family) for path in text.split())


# Units of interest below the vendor's folders; /etc/systemd/system is brought whole.
UNITS = (
    "ssh sshd rsyslog syslog systemd-journal chrony ntp openntpd systemd-timesyncd logrotate auditd audit-rules "
    "cron atd console-getty getty@ serial-getty@"
).split()
UNIT_FOLDERS = "/usr/lib/systemd/system /lib/systemd/system /run/systemd/system /usr/local/lib/systemd/system".split()

ITEMS: tuple[Item, ...] = (
    Item("/", False, 1),
    # accounts
    *_each("/etc/passwd /etc/shadow /etc/gshadow /etc/group /var/lib/extrausers/shadow", family="shadow"),
    Item("/etc/passwdqc.conf", family="settings"),  # no account file
    *_each(
        "/etc/*shadow* /etc/.*shadow* /etc/passwd* /etc/group* /var/backups/*shadow* /var/backups/passwd* /var/backups/group*",
        family="shadow",
    ),
    *_each("/var/backups /var/lib/sss/db /etc/userdb /run/userdb /usr/lib/userdb /usr/local/lib/userdb", content=False, depth=1),
    *_each("/run/host/userdb /var/lib/systemd/home", content=False, depth=1),
    *_each(
        "/usr/lib/passwd /usr/lib/group /var/lib/misc/passwd.db /var/lib/misc/group.db /var/db/passwd.db /var/db/group.db", content=False
    ),
    *_each("/var/lib/extrausers/passwd /var/lib/extrausers/group", content=False),
    *_each(
        "/var/lib/misc/shadow.db /var/db/shadow.db /var/lib/samba/private/passdb.tdb /etc/samba/passdb.tdb /etc/samba/smbpasswd",
        content=False,
    ),
    *_each("/etc/login.defs /etc/environment", family="path"),
    *_each("/etc/shells /etc/adduser.conf /etc/deluser.conf /etc/nologin /run/nologin /var/run/nologin"),
    *_each(
        "/etc/securetty /etc/hosts.equiv /etc/hosts.allow /etc/hosts.deny /etc/hostname /etc/hosts /etc/netgroup /etc/os-release /usr/lib/os-release"
    ),
    Item("/etc/nsswitch.conf", family="nss"),
    *_each("/etc/profile /etc/bash.bashrc /etc/bashrc /etc/csh.cshrc /etc/csh.login", family="shell"),
    *_each("/etc/zshenv /etc/zprofile /etc/zshrc /etc/zlogin", family="shell"),
    *_each("/etc/profile.d /etc/zsh", depth=1, family="shell"),
    Item("/etc/debian_version"),
    Item("/etc/default/*"),
    Item("/etc/default", False, 1),
    *_each("/etc/sysconfig/sshd /etc/sysconfig/chronyd /etc/sysconfig/rsyslog /etc/sysconfig/network"),
    # ssh
    *_each("/etc/ssh /usr/etc/ssh", depth=FULL, family="sshd"),
    *_each("/etc/crypto-policies/back-ends/opensshserver.config", family="sshd"),
    *_each("/etc/crypto-policies/state/current /etc/crypto-policies/config /etc/dropbear /etc/tinyssh /etc/init.d/ssh"),
    # PAM
    *_each("/etc/pam.d /usr/lib/pam.d /usr/etc/pam.d", depth=1, family="pam"),
    Item("/etc/pam.conf", family="pam"),
    Item("/etc/duo/pam_duo.conf"),
    Item("/etc/security/pwquality.conf", family="settings"),
    Item("/etc/security/faillock.conf", family="settings"),
    Item("/etc/security/pwquality.conf.d", depth=1, family="settings"),
    *_each("/etc/security /usr/lib/security/pwquality.conf.d /usr/etc/security", depth=2),
    Item("/etc/users.oath", family="oath"),
    Item("/etc/oath", depth=1, family="oath"),
    # consoles and desktops
    *_each("/etc/inittab /etc/sddm.conf"),
    *_each("/etc/gdm3 /etc/gdm /etc/greetd /etc/sddm.conf.d /usr/lib/sddm/sddm.conf.d", depth=1),
    *_each("/usr/share/lightdm/lightdm.conf.d /usr/local/share/lightdm/lightdm.conf.d /etc/xdg/lightdm/lightdm.conf.d", depth=1),
    Item("/etc/lightdm", depth=2),
    # privilege
    Item("/etc/sudoers", family="sudo"),
    Item("/etc/sudoers.d", depth=1, family="sudo"),
    Item("/etc/sudo.conf", family="sudoconf"),
    Item("/etc/doas.conf", family="doas"),
    Item("/usr/local/etc/doas.conf", family="doas"),
    *_each(
        "/usr/bin/dockerd /usr/sbin/dockerd /usr/local/bin/dockerd /run/docker.sock /var/run/docker.sock /snap/bin/docker /snap/bin/lxd /snap/bin/microk8s "
        "/usr/sbin/lxd /usr/bin/lxd /var/lib/lxd/unix.socket /var/snap/lxd/common/lxd/unix.socket /usr/bin/incus /usr/bin/incusd /opt/incus/bin/incusd "
        "/var/lib/incus/unix.socket /usr/sbin/libvirtd /usr/sbin/virtqemud /run/libvirt/libvirt-sock /etc/shadow- /usr/local/lib",
        content=False,
    ),
    Item("/etc/doas.d", depth=1, family="doas"),
    Item("/etc/polkit-1/rules.d", depth=1),
    Item("/etc/polkit-1/localauthority.conf.d", depth=1),
    Item("/etc/ld.so.preload", family="ldso"),
    *_each("/var/lib/dpkg/diversions /var/lib/dpkg/statoverride"),
    Item("/etc/ld.so.conf", family="ldso"),
    Item("/etc/ld.so.conf.d", depth=1, family="ldso"),
    # directories behind accounts
    *_each("/etc/sssd", depth=2),
    *_each("/etc/nslcd.conf /etc/ldap.conf /etc/pam_ldap.conf /etc/libnss-ldap.conf /etc/ldap/ldap.conf /etc/openldap/ldap.conf"),
    Item("/etc/krb5.conf"),
    Item("/etc/krb5.conf.d", depth=1),
    # logs and audit
    Item("/etc/rsyslog.conf", family="rsyslog"),
    Item("/etc/rsyslog.d", depth=2, family="rsyslog"),
    *_each("/usr/lib/*/rsyslog /usr/lib64/rsyslog /usr/lib/rsyslog", content=False, depth=1),
    Item("/etc/syslog-ng", depth=3, family="syslogng"),
    *_each("/etc/syslog.conf /etc/fstab"),
    *_each(
        "/etc/filebeat /etc/fluent-bit /etc/vector /etc/promtail /etc/td-agent /etc/nxlog /opt/splunkforwarder /var/ossec "
        "/opt/openssh/sbin/sshd /opt/sudo/bin/sudo",
        content=False,
    ),
    *_each("/.dockerenv /run/.containerenv /sbin/init /usr/sbin/init /usr/lib/systemd/systemd-journal-upload", content=False),
    Item("/etc/logrotate.conf", family="logrotate"),
    Item("/etc/logrotate.d", depth=1, family="logrotate"),
    Item("/etc/audit/auditd.conf", family="auditd"),
    Item("/etc/audit", depth=3, family="audit"),
    Item("/etc/audisp", depth=3),
    *_each("/etc/kernel/cmdline /etc/sysconfig/auditd"),
    Item("/etc/default/grub.d", depth=1),
    # clock
    *_each("/etc/chrony.conf", family="chrony"),
    Item("/etc/chrony", depth=2, family="chrony"),
    Item("/usr/share/chrony", depth=1),
    *_each("/run/chrony-dhcp /run/chrony.d", depth=1),
    *_each("/etc/ntp.conf", family="ntp"),
    *_each("/etc/ntpsec /etc/ntp", depth=2, family="ntp"),
    *_each("/etc/openntpd", depth=1),
    # scheduled jobs
    *_each("/etc/cron.d /etc/cron.daily /etc/cron.hourly /etc/cron.weekly /etc/cron.monthly", depth=1, family="cron"),
    *_each("/etc/crontab /etc/anacrontab", family="cron"),
    *_each("/var/spool/cron/crontabs/root /var/spool/cron/tabs/root /var/spool/cron/root /etc/crontabs/root", family="cron"),
    *_each("/etc/cron.allow /etc/cron.deny /etc/at.allow /etc/at.deny"),
    *_each("/usr/bin/crontab /usr/bin/at /usr/sbin/useradd /usr/sbin/adduser", content=False),
    Item("/var/lib/systemd/linger", False, 1),
    *_each("/var/spool/cron /var/spool/at /var/spool/anacron", content=False, depth=2),
    # systemd
    *(
        Item(f"{base}/systemd/{name}", depth=1 if name.endswith(".d") else 0)
        for base in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
        for conf in ("journald.conf", "timesyncd.conf", "journal-upload.conf", "logind.conf")
        for name in (conf, f"{conf}.d")
    ),
    Item("/etc/systemd/system", depth=4, family="unit"),
    *(Item(folder, False, 1) for folder in UNIT_FOLDERS),
    *(Item(f"{folder}/*.wants", False, 1) for folder in UNIT_FOLDERS),
    *(Item(f"{folder}/{unit}*", depth=1, family="unit") for folder in UNIT_FOLDERS for unit in UNITS),
    *_each("/etc/rc0.d /etc/rc1.d /etc/rc2.d /etc/rc3.d /etc/rc4.d /etc/rc5.d /etc/rc6.d /etc/rcS.d /etc/init.d", content=False, depth=1),
    *_each("/etc/runlevels", content=False, depth=2),
    # seen, not read: names and modes
    Item("/etc", False, 1),
    *_each(
        "/usr /usr/bin /usr/sbin /usr/local /usr/local/bin /usr/local/sbin /var /var/lib /var/spool /home /opt /srv /boot",
        content=False,
    ),
    *_each(
        "/lib/*/security /usr/lib/*/security /lib64/security /usr/lib64/security /lib/security /usr/lib/security", content=False, depth=1
    ),
    *_each("/var/cache/cracklib /usr/share/cracklib /usr/lib/cracklib_dict* /usr/lib64/cracklib_dict*", content=False, depth=1),
    Item("/var/log", False, 3),
    Item("/var/log/journal/*", False, 1),  # behind links, too
    *_each("/run/log/journal", content=False, depth=2),
    *_each("/run/systemd/system /run/systemd/journal /run/log /run/utmp /var/run/utmp /run/sshd /run/faillock", content=False),
    *(
        Item(f"{folder}/{name}", False)
        for folder in ("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin")
        for name in (
            "sshd sudo su passwd login chage chpasswd useradd adduser rsyslogd syslog-ng syslogd chronyd ntpd openntpd auditd augenrules auditctl awk "
            "logrotate sh bash dropbear tinysshd doas "
            "visudo busybox crond cron pkexec newgrp sg"
        ).split()
    ),
    *_each(
        "/usr/lib/systemd/systemd /usr/lib/systemd/systemd-journald /usr/lib/systemd/systemd-timesyncd /usr/libexec/sudo /usr/lib/sudo",
        content=False,
    ),
)

# Walked through once: below these, every path that is not root's alone is named.
SCANNED = ("/etc", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/boot", "/root", "/opt")
# Not walked through in search of setuid programs: what the kernel makes up, and other systems' trees.
UNSCANNED = (
    "/proc", "/sys", "/dev", "/snap", "/var/lib/snapd/snap", "/.snapshots", "/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/var/lib/lxc",
    "/var/lib/lxd", "/var/lib/incus", "/var/lib/machines", "/var/lib/kubelet", "/var/lib/flatpak", "/var/snap",
)  # fmt: skip

# Never brought, whatever finds them: stat only. Shell patterns over the whole path.
NEVER = (
    "/etc/security/opasswd*", "*/ssh_host_*_key", "*.keytab", "*/chrony.keys", "*/ntp.keys", "*/.google_authenticator*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks",
    "/etc/ssh/moduli", "*/dropbear_*_host_key", "*/.git/*", "/etc/sssd/pki/*", "*/pki/private/*",
)  # fmt: skip

# Of each account whose home exists.
HOME_FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")
# Startup files of its shell, assignments masked: read for who can log in, and only those that this shell reads.
HOME_STARTUP = (
    ".bash_profile", ".bash_login", ".profile", ".bashrc", ".zshenv", ".zprofile", ".zshrc", ".zlogin", ".cshrc", ".tcshrc", ".login",
)  # fmt: skip
HOME_STATS = (
    "", ".ssh", ".google_authenticator", ".config/google_authenticator", ".totp", ".otp", ".yubico/authorized_yubikeys", ".config/Yubico/u2f_keys", ".rhosts", ".shosts",
    ".ssh/rc", ".ssh/environment", ".bashrc", ".profile", ".bash_profile", ".netrc", ".k5login", ".forward",
)  # fmt: skip

PACKAGES = (
    "adduser openssh-server openssh openssh-client sudo doas opendoas rsyslog syslog-ng systemd systemd-sysv systemd-timesyncd "
    "logrotate auditd audit chrony ntp ntpsec openntpd login passwd "
    "shadow shadow-utils util-linux pam cracklib-runtime cracklib cracklib-dicts dropbear dropbear-bin tinyssh "
    "tinysshd base-passwd busybox cron cronie coreutils libc6 glibc "
    "debian-archive-keyring nscd nslcd policykit-1 polkitd polkit docker.io docker-ce podman lxd"
).split()
PACKAGE_PREFIXES = (
    "libpam",
    "pam_",
    "libpwquality",
    "pwquality",
    "sssd",
    "libnss-",
    "rsyslog-",
    "syslog-ng-",
    "libsss",
    "linux-pam",
    "ntp",
    "authselect",
    "audispd",
)

LOGS = ("auth.log*", "secure*", "syslog*", "messages*", "daemon.log*", "kern.log*", "user.log*", "sudo.log*", "audit/audit.log*")


@dataclass(frozen=True, slots=True)
class Command:
    """name: the artifact is `cmd:<name>`. line: POSIX shell, no input, C locale. needs: the program without which it is absent. root: useless otherwise."""

    name: str
    line: str
    needs: str = ""
    root: bool = False


UNIT_STATES = (
    "[ -d /run/systemd/system ] || { echo 'systemd does not run'; exit 1; }; systemctl list-units --all --no-legend --plain --no-pager "
    + " ".join(f"'{unit}*'" for unit in UNITS)
    + ' | while read -r u l a s _; do printf \'%s\\t%s\\t%s\\t%s\\n\' "$u" "$l" "$a" "$s"; done'
)
# The audit's own traces: its connection, as sshd gave it to an ancestor of ours, and what logs that were written just now say of it.
OWN_TRACE = r"""p=$PPID; c=; while [ -z "$c" ] && [ "${p:-1}" -gt 1 ]; do
c=$(tr '\0' '\n' <"/proc/$p/environ" | grep '^SSH_CONNECTION=' | head -n 1); q=$p; p=
while read -r k v; do [ "$k" != PPid: ] || p=$v; done <"/proc/$q/status"; done
u=${SUDO_USER:-}; set -- ${c#SSH_CONNECTION=}
case $2 in ''|*[!0-9]*) echo 'no connection'; exit 0 ;; esac
printf 'connection %s %s\n' "$1" "$2"
e="sshd[^ ]*: .* port $2( |$)"
case $u in ''|*[!A-Za-z0-9._-]*) ;; *) e="$e|sudo[^ ]*: +$u : .*COMMAND=" ;; esac
find /var/log -xdev -name journal -prune -o -type f -mmin -5 -exec sh -c 'e=$1; shift
for f; do printf "log %s\n" "$f"; tail -c 262144 "$f" | grep -E "$e" | tail -n 8; done' sh "$e" {} +
command -v journalctl >/dev/null && [ -d /run/systemd/journal ] && { echo 'log journal'
journalctl -q --no-pager -S -5min -o short -t sshd -t sshd-session -t sudo | grep -E "$e" | tail -n 8; }; exit 0"""
# The numbers of the youngest journal entries, as runs: numbering, first, last, time of the first, of the last. What a journal says stays there.
JOURNAL_NUMBERS = r"""journalctl -q --no-pager -n 3000 -o export --output-fields=_BOOT_ID 2>/dev/null | awk '
function hex(t,  n, k) { n = 0; for (k = 1; k <= length(t); k++) n = n * 16 + index("0123456789abcdef", substr(t, k, 1)) - 1; return n }
function out() { if (ps != "") printf "%s %.0f %.0f %s %s\n", ps, fi, pi, ft, pt }
/^__CURSOR=s=[0-9a-f]+;i=[0-9a-f]+;/ { split($0, a, ";"); s = substr(a[1], 12); i = hex(substr(a[2], 3)); next }
/^__REALTIME_TIMESTAMP=[0-9]+$/ && s != "" { t = substr($0, 22, length($0) - 27)
  if (s == ps && i == pi + 1) { pi = i; pt = t } else { out(); ps = s; fi = pi = i; ft = pt = t }
  s = "" }
END { out() }'"""
# brought without a program, from /proc: looked at one by one, or the text of a file
FROM_PROC = ("processes", "sshd-daemons")
PROC_FILES = {"cmdline": "/proc/cmdline", "mounts": "/proc/self/mounts", "uptime": "/proc/uptime"}

COMMANDS: tuple[Command, ...] = (
    Command("kernel", "uname -a", "uname"),
    Command("sshd-V", "sshd -V", "sshd"),
    Command("sshd-t", "sshd -t", "sshd", True),
    Command("sshd-T", "sshd -T -C user=root,host=localhost,addr=127.0.0.1", "sshd", True),
    Command("visudo-c", "visudo -c", "visudo", True),
    Command("rsyslogd-N1", "rsyslogd -N1", "rsyslogd"),
    Command("journal-usage", "journalctl --disk-usage --no-pager", "journalctl"),
    Command(
        "journal-oldest",
        "journalctl -q --no-pager -o short-unix 2>/dev/null | { IFS=. read -r s _; case $s in ''|*[!0-9]*) ;; *) printf %s $s ;; esac; }",
        "journalctl",
    ),
    Command("journal-numbers", JOURNAL_NUMBERS, "journalctl", True),
    Command("timedatectl", "timedatectl show", "timedatectl"),
    Command("chronyc-tracking", "chronyc -h 127.0.0.1 -n -c tracking", "chronyc"),
    Command("ntpq-peers", "ntpq -np", "ntpq"),
    Command("auditctl-s", "auditctl -s", "auditctl", True),
    Command("auditctl-l", "auditctl -l", "auditctl", True),
    Command("listening", "ss -Hltnup", "ss"),
    Command("units", UNIT_STATES, "systemctl"),
    Command("own-trace", OWN_TRACE, "", True),
)
