# ruff: noqa: E501 - tables of words read best unbroken
"""Programs that, run as root, can make one root: what they are, which arguments do it, and arguments to try where a rule leaves them open.

What is known here is how programs behave (their manual pages; GTFOBins collects it); a program that is not known gives nothing by itself.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

SHELL = "gives a shell"
RUNS = "runs a program of one's choice"
WRITES = "writes a file of one's choice"
MINE = "/tmp/x"  # in what is tried: a file of the account's own
CRON = "/etc/cron.d/x"  # and one that root runs


@dataclass(frozen=True, slots=True)
class Power:
    """How a program makes one root.

    kind: which of sudo_shells' judges knows its arguments. tries: arguments that do it, to propose where a rule leaves them open.
    exec: a child process is needed, so NOEXEC stops it.
    """

    how: str
    kind: str = ""
    tries: tuple[str, ...] = (MINE,)
    exec: bool = True


def _each(names: str, *powers: Power) -> dict[str, tuple[Power, ...]]:
    return dict.fromkeys(names.split(), powers)


POWERS: dict[str, tuple[Power, ...]] = {
    # a shell or an interpreter is a program of one's choice: NOEXEC stops children, not `python -c 'open("/etc/shadow", "w")'` or `echo >file`
    **_each("sh bash dash ash zsh ksh ksh93 mksh csh tcsh fish rbash busybox yash posh sash elvish rc es nu xonsh pwsh slsh bash-static zsh-static zsh5 lksh",
            Power(SHELL, "shell", ("", "-c /tmp/x", MINE), False)),
    **_each("python python2 python3 perl ruby lua lua5.3 lua5.4 luajit node nodejs php irb pry byebug jrunscript tclsh wish expect ghci guile jjs scala julia octave R Rscript "
            "gnuplot m4 java jython groovy jshell swipl racket gforth mono erb hy qjs "
            "pypy pypy3 ipython ipython3 bpython iex erl ocaml sbcl clisp gst psysh deno bun bpftrace cpan",
            Power(SHELL, "interpreter", ("", "-c /tmp/x", "-e /tmp/x", MINE), False)),
    **_each("gawk awk mawk nawk original-awk", Power(SHELL, "mine", ("/tmp/x", "-f /tmp/x"), False)),
    **_each("gdb crash", Power(SHELL, "debugger", ("", MINE), False)),
    # editors and pagers: `:!sh`; editors write any file, too, so NOEXEC does not help with them
    **_each("vi vim vim.basic vim.tiny vim.nox vim.gtk3 vimdiff view rvim rview gvim ex nvim emacs emacs-nox jed joe jmacs mcedit ne micro kak hx helix editor sensible-editor select-editor "
            "ed red nano pico rnano", Power(SHELL, "always", ("", "/etc/hosts"), False)),
    **_each("less more most pg man lesspipe sensible-pager pager run-mailcap see info apropos.man zless bzless xzless lynx w3m links elinks batcat bat perldoc",
            Power(SHELL, "always", ("", "/etc/hosts"))),
    "dmesg": (Power(SHELL, "dmesg", ("-H", "-T -H")),),
    # those that have a shell of their own behind some key
    **_each("screen tmux tmate byobu dtach script ftp lftp ncftp telnet sftp smbclient minicom mutt neomutt alpine mail mailx s-nail bsd-mailx ispell iftop ncdu mc ranger nnn vifm lf msfconsole "
            "ginsh tdbtool dc cupsfilter gimp eog evince xdg-open x-terminal-emulator xterm gnome-terminal konsole",
            Power(SHELL, "interactive", ("", "x"))),
    # run another program: whatever follows their own options
    **_each("env nice nohup timeout setsid stdbuf time ionice taskset chrt unbuffer setarch linux32 linux64 i386 x86_64 xargs watch parallel flock unshare nsenter strace ltrace "
            "start-stop-daemon capsh setpriv ld.so run-parts doas pkexec sshpass bwrap firejail softlimit chpst multitime eatmydata fakeroot proot logsave rlwrap gtester valgrind perf "
            "cpulimit choom aa-exec ssh-agent torify torsocks proxychains proxychains4 openvt pexec setlock xvfb-run dbus-run-session catchsegv faketime prlimit numactl cgexec tini "
            "dumb-init tsocks scanmem xdotool systemd-inhibit systemd-cat systemd-socket-activate gdbserver mosh-server runcon trace-cmd entr chronic ifne pee "
            "ld-linux-x86-64.so ld-linux.so ld-linux-aarch64.so ld-musl-x86_64.so", Power(RUNS, "runner", (MINE, "x /tmp/x", "-c /tmp/x"))),
    "chroot": (Power(RUNS, "chroot", (MINE,)),),
    **_each("systemd-run machinectl systemd-nspawn", Power(RUNS, "runner", (MINE, "shell", "-S"), False)),
    **_each("su runuser", Power(SHELL, "su", ("", "-", "root", "-c /tmp/x", "-l", "-p", "-s /bin/sh", "root -l"))),
    **_each("sudo sg newgrp", Power(SHELL, "sudo", ("", "-i", MINE))),
    # run what a file in the working folder, or one that is named, says
    **_each("make gmake cmake ninja rake npm npx yarn pnpm bundle bundler composer mvn gradle ant cargo go vagrant invoke fab scons tox just task ansible ansible-playbook puppet salt-call "
            "chef-solo knife facter pip pip2 pip3 pipx gem easy_install setup.py gcc g++ cc c++ c89 c99 clang as ld cabal ghc dotnet terraform certbot sqlmap restic latex pdflatex tex "
            "xelatex lualatex tshark wireshark gimp nroff troff msgfilter hping3 tclsh socat nc ncat netcat nc.traditional distcc exiftool cowsay cowthink", Power(RUNS, "folder")),
    **_each("docker podman nerdctl docker-compose podman-compose", Power(RUNS, "docker", ("run -v /:/m x",), False)),
    **_each("ctr crictl runc crun kubectl lxc lxd lxc-attach lxc-start incus virsh qemu-system-x86_64 qemu-img", Power(RUNS, "mine", (MINE,), False)),
    **_each("gosu su-exec setuidgid s6-setuidgid dbus-send gdbus", Power(RUNS, "mine", ("root /tmp/x", MINE), False)),
    "fail2ban-client": (Power(RUNS, "mine", ("set x action x actionban /tmp/x", "-c /tmp/x start"), False),),
    "find": (
        Power(RUNS, "find", (". -exec /tmp/x ;", "/ -exec /tmp/x ;")),
        Power(WRITES, "find", ("/ -fprintf /etc/cron.d/x x", ". -fprintf /etc/cron.d/x x"), False),
    ),
    "tar": (Power(RUNS, "archive", ("-cf x x --checkpoint=1 --checkpoint-action=exec=/tmp/x", "-xf /tmp/x -C /"), False),),
    **_each("bsdtar cpio unzip 7z 7za 7zr pax ar rsnapshot restore unsquashfs unrar arj lha", Power(WRITES, "archive", ("x /tmp/x", "-xf /tmp/x -C /", "-i", MINE), False)),
    "zip": (Power(RUNS, "archive", ("x /tmp/x -T -TT /tmp/x",)),),
    "rsync": (Power(WRITES, "copy", ("/tmp/x /etc/cron.d/x", "-e /tmp/x x:y ."), False),),
    "scp": (Power(WRITES, "copy", ("/tmp/x /etc/cron.d/x", "-S /tmp/x x:y ."), False),),
    **_each("ssh autossh mosh", Power(SHELL, "ssh", ("-oProxyCommand=/tmp/x x", "-F /tmp/x x"))),
    **_each("git hg svn tig", Power(RUNS, "git", ("-p help", "-c x log", "help config", "x"))),
    # write files
    **_each("cp mv install ln ucf", Power(WRITES, "copy", ("/tmp/x /etc/cron.d/x", "-t /etc/cron.d /tmp/x", "x -t /etc/cron.d /tmp/x"), False)),
    **_each("tee sponge", Power(WRITES, "output", ("/etc/cron.d/x",), False)),
    "dd": (Power(WRITES, "dd", ("if=/tmp/x of=/etc/cron.d/x", "of=/etc/cron.d/x"), False),),
    **_each("rm rmdir unlink shred truncate rename mkfs mknod fsck mke2fs mkfs.ext4 wipefs fdisk sfdisk parted tune2fs cryptsetup", Power(WRITES, "remove", ("/etc/shadow",), False)),
    **_each("patch split csplit openssl gpg base64.tee uudecode zstd lz4 xxd hexedit sort uniq shuf ps2pdf lwp-download aria2c axel debugfs losetup dmsetup lvm "
            "redis-cli mongo tic xmore enscript iconv nasm cvtsudoers dpkg-divert", Power(WRITES, "writer", ("/tmp/x /etc/cron.d/x", "-o /etc/cron.d/x /tmp/x", "-out /etc/cron.d/x -in /tmp/x", "--filter=/tmp/x",
                                "--divert /etc/cron.d/x --rename --add /tmp/x"), False)),
    **_each("wget curl", Power(WRITES, "download", ("x -O /etc/cron.d/x", "-o /etc/cron.d/x x", "--use-askpass=/tmp/x x"), False)),
    **_each("mysql psql sqlite3 mariadb", Power(SHELL, "database", ("", "-e /tmp/x"))),
    "chmod": (Power(WRITES, "chmod", ("4755 /bin/sh", "777 /etc/shadow", "--reference=/bin/su /bin/sh"), False),),
    "chown": (Power(WRITES, "chown", ("x /etc/shadow",), False),),
    "mkdir": (Power(WRITES, "mkdir", ("-m 777 /etc/systemd/system/x.service.d",), False),),
    "dpkg-statoverride": (Power(WRITES, "statoverride", ("--update --add root root 4755 /bin/sh",), False),),
    "setfacl": (Power(WRITES, "acl", ("-m u:x:rw /etc/shadow",), False),),
    "setcap": (Power(WRITES, "mine", ("cap_setuid+ep /tmp/x",), False),),
    "sed": (Power(WRITES, "mine", ("-f /tmp/x /etc/hosts", "1e/tmp/x /etc/hosts"), False),),
    **_each("mount pivot_root", Power(WRITES, "mount", ("-o bind /tmp/x /bin/sh", "/tmp/x /etc"), False)),
    # accounts
    "passwd": (Power(WRITES, "passwd", ("", "root", "-q root", "root -q"), False),),
    "login": (Power(SHELL, "login", ("-f root",)),),
    **_each("chpasswd chgpasswd newusers vipw vigr", Power(WRITES, "any", ("", "x"), False)),
    "visudo": (Power(WRITES, "visudo", ("", "-f /etc/sudoers"), False),),
    **_each("useradd usermod adduser addgroup groupmod groupmems gpasswd luseradd lusermod", Power(WRITES, "account", ("-u 0 -o x", "-aG sudo x", "x sudo", "-a x sudo"), False)),
    "chsh": (Power(WRITES, "chsh", ("-s /tmp/x root",), False),),
    "crontab": (Power(RUNS, "crontab", ("-e", MINE, "-u root -e"), False),),
    **_each("at batch", Power(RUNS, "at", ("now", "", "-f /tmp/x now"), False)),
    # packages
    **_each("apt apt-get aptitude", Power(RUNS, "apt", ("install /tmp/x.deb", "changelog x", "update -o APT::Update::Pre-Invoke::=/tmp/x"))),
    "dpkg-deb": (Power(WRITES, "dpkg-deb", ("-x /tmp/x /",), False),),
    "dpkg": (Power(RUNS, "dpkg", ("-i /tmp/x.deb",), False), Power(SHELL, "dpkg-list", ("-l",))),
    **_each("rpm yum dnf zypper pacman apk snap flatpak microdnf tdnf dpkg-reconfigure update-alternatives alternatives opkg gdebi dpkg-preconfigure alien rpmquery rpmdb rpmverify",
            Power(RUNS, "package", ("install /tmp/x.rpm", "-i /tmp/x.rpm", "-U /tmp/x.rpm", "add /tmp/x", "install x --dangerous /tmp/x", "--install /etc/cron.d/x x /tmp/x 1", "--eval /tmp/x"), False)),
    # services and the machine
    "systemctl": (
        Power(RUNS, "systemctl", ("link /tmp/x.service", "enable /tmp/x.service", "set-environment LD_PRELOAD=/tmp/x"), False),
        Power(SHELL, "systemctl-edit", ("edit x",)),
        Power(SHELL, "systemctl-pager", ("status", "status x", "list-units", "")),
    ),
    **_each("journalctl loginctl timedatectl hostnamectl localectl networkctl resolvectl systemd-analyze coredumpctl systemd-resolve", Power(SHELL, "pager", ("", "-n 100", "status"))),
    "busctl": (Power(RUNS, "mine", ("call /tmp/x",), False), Power(SHELL, "pager", ("", "status"))),
    **_each("service invoke-rc.d", Power(RUNS, "service", ("../../tmp/x start",))),
    **_each("insmod modprobe rmmod kexec bpftool sysctl ldconfig ssh-keygen nginx openvpn pppd wg-quick iptables-restore iptables-save dhclient rsyslogd logrotate zsoelim systemd-tmpfiles systemd-sysusers "
            "dnsmasq haproxy apache2 apache2ctl apachectl httpd lighttpd php-fpm mysqld mariadbd slapd snmpd collectd zabbix_agentd zabbix_agent2 nrpe monit supervisord syslog-ng "
            "keepalived stunnel stunnel4 xinetd inetd dhcpcd udhcpc ifup ifdown anacron sshd exim exim4 sendmail procmail fetchmail redis-server tor mosquitto",
            Power(RUNS, "file", ("/tmp/x", "-f /tmp/x", "-c /tmp/x", "-C /tmp/x x", "-D /tmp/x", "-w kernel.core_pattern=|/tmp/x", "--config /tmp/x", "up /tmp/x"), False)),
    "ip": (Power(RUNS, "ip", ("netns exec x /tmp/x", "-batch /tmp/x")),),
    **_each("tcpdump dumpcap", Power(RUNS, "tcpdump", ("-ln -i lo -w /dev/null -W 1 -G 1 -z /tmp/x -Z root",), False)),
    "nmap": (Power(RUNS, "file", ("--script=/tmp/x",), False),),
}  # fmt: skip
_VERSION = re.compile(r"(-?\d+(\.\d+)*|[._-]\d[\d.]*)$")


def powers_of(command: str) -> tuple[Power, ...]:
    """What the program of this path can do; `python3.11` counts as `python`. Empty for one that is not known."""
    name = posixpath.basename(command)
    return POWERS.get(name) or POWERS.get(_VERSION.sub("", name)) or ()


def program_name(command: str) -> str:
    """The name under which a program is known here."""
    name = posixpath.basename(command)
    return name if name in POWERS else _VERSION.sub("", name)
