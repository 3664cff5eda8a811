"""Which commands make one root through sudo: each rule belongs to an account of its own, which tries for real what it may, and root's file is there or not.

HOME is the account's home, OWN a folder of its own below /opt, NAME its name, MARK the file that only root could make.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess

import pytest

from checks.least_privilege.sudo_root import sudo_root
from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab
from tests.truth.test_sudo import ASKED, BASE, USERS, ask

pytestmark = pytest.mark.lab

CASES: dict[str, list[str]] = {
    "/usr/bin/find /var/log -name *.log": ["sudo -n find /var/log -name x -o -name log -exec HOME/own.sh \\; -o -name y.log"],
    "/usr/bin/find /var/log -name x.log": ["sudo -n find /var/log -name x.log -exec HOME/own.sh \\;"],
    "/usr/bin/find /var/log -type f -delete": ["sudo -n find /var/log -type f -delete"],
    "/usr/bin/find /srv -exec chmod 644 {} +": ["sudo -n find /srv -exec chmod 644 {} +"],
    "NOEXEC: /usr/bin/find": ["sudo -n find / -maxdepth 0 -fprintf /etc/cron.d/MARK a"],
    "/usr/bin/env": ["sudo -n env touch /root/MARK"],
    "/usr/bin/env ls": ["sudo -n env ls"],
    "/usr/bin/env ls *": ["sudo -n env ls -l"],
    "/usr/bin/timeout 5 *": ["sudo -n timeout 5 HOME/own.sh"],
    "/usr/bin/nice -n 5 /usr/bin/id": ["sudo -n nice -n 5 /usr/bin/id"],
    "/bin/su -c /opt/app/fixed.sh": ["sudo -n su -c /opt/app/fixed.sh"],
    "/bin/su - www-data": [],
    "/bin/su -c *": ["sudo -n su -c HOME/own.sh"],
    "/bin/su -": ["echo HOME/own.sh | sudo -n su -"],
    "/usr/bin/su root -c /usr/bin/id": [],
    "/bin/su - [a-z]*": ["echo HOME/own.sh | sudo -n su - root"],
    "/bin/sh /opt/app/fixed.sh": ["sudo -n sh /opt/app/fixed.sh"],
    "/bin/sh OWN/run.sh": ["cp HOME/own.sh OWN/run.sh; sudo -n sh OWN/run.sh"],
    "/bin/sh own.sh": ["sudo -n sh own.sh"],
    "/bin/sh -c *": ["sudo -n sh -c HOME/own.sh"],
    "/bin/sh -c /usr/bin/id": ["sudo -n sh -c /usr/bin/id"],
    "/bin/sh /opt/app/*.sh": ["sudo -n sh /opt/app/../..HOME/own.sh"],
    "/usr/bin/perl /opt/app/x.pl": [],
    "/bin/tar -czf /srv/x.tgz *": ["sudo -n tar -czf /srv/x.tgz /etc/hostname --checkpoint=1 --checkpoint-action=exec=HOME/own.sh"],
    "/bin/tar -czf /srv/x.tgz /opt": ["sudo -n tar -czf /srv/x.tgz /opt"],
    "/bin/cp *": ["sudo -n cp HOME/cron /etc/cron.d/MARK"],
    "/bin/cp /opt/app/a /opt/app/b": ["sudo -n cp /opt/app/a /opt/app/b"],
    "/bin/cp HOME/cron /etc/cron.d/MARK": ["sudo -n cp HOME/cron /etc/cron.d/MARK"],
    "/bin/cp HOME/cron /srv/app/x.conf": ["sudo -n cp HOME/cron /srv/app/x.conf"],
    "/bin/cp /opt/app/* /srv/app/": ["sudo -n cp /opt/app/../..HOME/cron -T /etc/cron.d/MARK /srv/app/", "sudo -n cp /opt/app/../..HOME/cron -t /etc/cron.d /srv/app/", "mkdir -p d; cp cron d/MARK; sudo -n cp /opt/app/../..HOME/d/MARK -t /etc/cron.d /srv/app/"],
    "/bin/cp cron /etc/cron.d/MARK": ["sudo -n cp cron /etc/cron.d/MARK"],
    "/usr/bin/tee /srv/app/x.conf": ["echo a | sudo -n tee /srv/app/x.conf"],
    "/usr/bin/tee /etc/cron.d/MARK": ["echo a | sudo -n tee /etc/cron.d/MARK"],
    "/usr/bin/tee /srv/app/*": ["echo a | sudo -n tee /srv/app/../../etc/cron.d/MARK"],
    "/usr/bin/tee HOME/out": ["ln -s /etc/cron.d/MARK HOME/out; echo a|sudo -n tee HOME/out"],
    "/bin/dd of=/srv/app/x.conf": ["echo a|sudo -n dd of=/srv/app/x.conf"],
    "/bin/dd *": ["echo a|sudo -n dd of=/etc/cron.d/MARK"],
    "/bin/dd if=HOME/cron of=/etc/cron.d/MARK": ["sudo -n dd if=HOME/cron of=/etc/cron.d/MARK"],
    "/usr/bin/sort *": ["sudo -n sort -o /etc/cron.d/MARK HOME/cron"],
    "/usr/bin/sort /etc/hosts": [],
    "/bin/sed -n 1p /etc/hosts": [],
    "/bin/sed *": ["sudo -n sed \"1eHOME/own.sh\" /etc/hosts"],
    "/bin/sed -i s/a/b/ /etc/motd": [],
    "/usr/bin/xargs *": ["echo HOME/own.sh | sudo -n xargs sh"],
    "/usr/bin/split *": ["sudo -n split --filter=HOME/own.sh /etc/hosts"],
    "/usr/bin/crontab -l": [],
    "/usr/bin/passwd -S root": [],
    "/usr/sbin/visudo -c": [],
    "/usr/sbin/useradd -m bob2": [],
    "/usr/sbin/ip a": [],
    "/usr/bin/flock -n /tmp/l /opt/app/fixed.sh": ["sudo -n flock -n /tmp/l /opt/app/fixed.sh"],
    "/usr/bin/flock -w 5 /run/lock/x HOME/own.sh": ["sudo -n flock -w 5 /run/lock/x HOME/own.sh"],
    "/usr/bin/taskset -c 0,0 HOME/own.sh": ["sudo -n taskset -c 0,0 HOME/own.sh"],
    "/usr/bin/env -u foo HOME/own.sh": ["sudo -n env -u foo HOME/own.sh"],
    "/usr/bin/sudo -u www-data *": ["sudo -n sudo -u www-data id; sudo -n sudo -u www-data HOME/own.sh; sudo -n sudo -u www-data -u root HOME/own.sh"],
    "/usr/bin/gpasswd -d *": ["sudo -n gpasswd -d NAME ops; sudo -n gpasswd -d NAME -a NAME ops && sudo -n touch /root/MARK"],
    "/usr/sbin/chroot *": ["sudo -n chroot / HOME/own.sh"],
    "/usr/sbin/chroot /srv/jail /bin/ls": [],
    "/usr/bin/flock *": ["sudo -n flock /tmp/l HOME/own.sh"],
    "/usr/bin/setpriv *": ["sudo -n setpriv HOME/own.sh"],
    "/usr/bin/nsenter": ["sudo -n nsenter HOME/own.sh"],
    "/usr/sbin/start-stop-daemon *": ["sudo -n start-stop-daemon -S -x HOME/own.sh"],
    "/opt/app/bin/*": ["sudo -n /opt/app/bin/tool", "sudo -n /opt/app/bin/bash"],
    "/usr/local/bin/*": ["sudo -n /usr/local/bin/tool"],
    "OWN/*": ["cp HOME/own.sh OWN/n; chmod 755 OWN/n; sudo -n OWN/n"],
    "/home/*/own.sh": ["sudo -n HOME/own.sh"],
    "OWN/run.sh": ["cp HOME/own.sh OWN/run.sh; sudo -n OWN/run.sh"],
    "/opt/": ["sudo -n /opt/x"],
    "HOME/own.sh": ["sudo -n HOME/own.sh"],
    "/opt/*/run.sh": ["cp HOME/own.sh OWN/run.sh; sudo -n OWN/run.sh"],
    "/usr/bin/[a-z]*": ["sudo -n env touch /root/MARK"],
    "/usr/sbin/": ["sudo -n chroot / HOME/own.sh"],
    "^/usr/bin/(env|id)$": ["sudo -n env touch /root/MARK"],
    "^/usr/bin/.*$": ["sudo -n env touch /root/MARK"],
    "^/opt/(app|NAME)/[a-z]+[.]sh$": ["cp HOME/own.sh OWN/n.sh; chmod 755 OWN/n.sh; sudo -n OWN/n.sh"],
    "^/opt/app/[a-z]+[.]sh$": ["sudo -n /opt/app/fixed.sh"],
    "/bin/bash -c ls": [],
    "/usr/bin/env -i /usr/bin/id": [],
    "/bin/mount --bind OWN /mnt": [],
    "/bin/chmod -R 777 /srv": [],
    "/bin/chmod 644 /srv/*": ["sudo -n chmod 644 /srv/x --reference=/bin/su HOME/setuid; cp /bin/sh /tmp/NAME; chmod 755 /tmp/NAME; sudo -n chmod 644 /srv/x --reference=/bin/su /usr/bin/setpriv; /usr/bin/setpriv --reuid 0 touch /root/MARK"],
    "/usr/bin/dpkg -s *": ["sudo -n dpkg -s x -i HOME/cron"],
    "/bin/chmod 777 *": ["sudo -n chmod 777 /etc/cron.d; cp cron /etc/cron.d/MARK; "],
    "/bin/chown NAME *": ["sudo -n chown NAME /etc/cron.d; cp cron /etc/cron.d/MARK"],
    "/bin/chown NAME /srv/app": ["sudo -n chown NAME /srv/app"],
    "/bin/install *": ["sudo -n install cron /etc/cron.d/MARK"],
    "/bin/ln -s *": ["sudo -n ln -s HOME/cron /etc/cron.d/MARK"],
    "/bin/mv *": ["sudo -n mv cron /etc/cron.d/MARK; cp /etc/hosts cron"],
    "/usr/bin/apt-get update": [],
    "Defaults env_keep+=PERL5OPT\n@/usr/bin/perl /opt/app/x.pl": ["PERL5OPT=\"-IHOME/m -ME\" sudo -n perl /opt/app/x.pl"],
    "Defaults env_keep+=PERL5OPT\n@/usr/bin/id": [],
    "Defaults !env_reset\n@/usr/bin/perl /opt/app/x.pl": ["PERL5OPT=\"-IHOME/m -ME\" sudo -n perl /opt/app/x.pl"],
    "Defaults env_keep+=BASH_ENV\n@/bin/bash /opt/app/fixed.sh": ["BASH_ENV=HOME/own.sh sudo -n bash /opt/app/fixed.sh"],
    "Defaults env_keep+=TAR_OPTIONS\n@/bin/tar -czf /srv/x.tgz /opt": ["TAR_OPTIONS=\"--checkpoint=1 --checkpoint-action=exec=HOME/own.sh\" sudo -n tar -czf /srv/x.tgz /opt"],
    "/usr/bin/systemd-tmpfiles *": ["printf \"f /root/MARK 0644 root root - x\\n\" >t.conf; sudo -n systemd-tmpfiles --create HOME/t.conf"],
    "/usr/bin/systemd-tmpfiles --create": ["sudo -n systemd-tmpfiles --create"],
    "/usr/bin/dpkg-divert *": ["sudo -n dpkg-divert --divert /etc/cron.d/MARK --rename --add HOME/cron"],
    "/usr/bin/dpkg-statoverride *": ["sudo -n dpkg-statoverride --update --add root root 4755 /usr/bin/setpriv; /usr/bin/setpriv --reuid 0 touch /root/MARK; sudo -n dpkg-statoverride --remove /usr/bin/setpriv"],
    "/usr/bin/dpkg-deb -x *": ["mkdir -p p/DEBIAN p/etc/cron.d; cp cron p/etc/cron.d/MARK; printf \"Package: x\\nVersion: 1\\nArchitecture: all\\nMaintainer: x\\nDescription: x\\n\" >p/DEBIAN/control; dpkg-deb -b p x.deb; sudo -n dpkg-deb -x x.deb /"],
    "/usr/bin/dpkg-deb -I *": ["sudo -n dpkg-deb -I x.deb -x x.deb /"],
    "/lib64/ld-linux-x86-64.so.2 *": ["sudo -n /lib64/ld-linux-x86-64.so.2 /usr/bin/touch /root/MARK"],
    "/usr/sbin/ip link *": ["echo \"netns exec x HOME/own.sh\" >b; sudo -n ip link -batch b; sudo -n ip link show -batch b"],
    "/usr/bin/column *": ["sudo -n column -o /etc/cron.d/MARK cron"],
    "/usr/bin/gzip *": ["cp cron MARK; sudo -n gzip -S /etc/cron.d/MARK cron; sudo -n gzip MARK"],
    "sudoedit /srv/*/*": ["EDIT /srv/../etc/cron.d/MARK; EDIT /srv/../root/MARK/x; true"],
    "sudoedit /srv/*/*/*": ["EDIT /srv/../root/MARK"],
    "sudoedit /home/*/cron.d/*": ["EDIT /home/../etc/cron.d/MARK"],
    "sudoedit /home/*/x/etc/*": ["EDIT /home/../etc/cron.d/MARK"],
    "sudoedit HOME/link": ["ln -s /etc/cron.d/MARK link; EDIT HOME/link"],
    "FOLLOW: sudoedit HOME/link": ["ln -s /etc/cron.d/MARK link; EDIT HOME/link"],
    "Defaults !sudoedit_checkdir\n@ sudoedit HOME/link": ["ln -s /etc/cron.d/MARK link; EDIT HOME/link"],
    "Defaults !sudoedit_checkdir\n@FOLLOW: sudoedit HOME/link": ["ln -s /etc/cron.d/MARK link; EDIT HOME/link"],
    "Defaults !sudoedit_checkdir, sudoedit_follow\n@ sudoedit HOME/*": ["ln -s /etc/cron.d/MARK link; EDIT HOME/link"],
    "Defaults !sudoedit_checkdir\n@ sudoedit OWN/sub/MARK": ["ln -s /etc/cron.d OWN/sub; EDIT OWN/sub/MARK"],
    "NAME ALL=(www-data) NOPASSWD: sudoedit /etc/cron.d/MARK": ["EDIT -u www-data /etc/cron.d/MARK"],
    "NAME ALL=(:ops) NOPASSWD: ALL": ["sudo -n -g ops sudo -n touch /root/MARK"],
    "NAME ALL=(:ops) NOPASSWD: /usr/bin/id": ["sudo -n -g ops id"],
    "NAME ALL=(www-data) NOPASSWD: ALL, (root) NOPASSWD: /opt/www/run": ["cp own.sh /tmp/MARK; chmod 755 /tmp/MARK; sudo -n -u www-data cp /tmp/MARK /opt/www/run; sudo -n /opt/www/run"],
    "NAME ALL=(www-data) NOPASSWD: /usr/bin/id, (root) NOPASSWD: /opt/www/run": ["sudo -n -u www-data id; sudo -n /opt/www/run"],
    "NAME ALL=CWD=/srv NOPASSWD: /bin/sh own.sh": ["sudo -n sh own.sh"],
    "NAME ALL=CWD=HOME NOPASSWD: /bin/sh own.sh": ["sudo -n sh own.sh"],
    "NAME ALL=CWD=/srv/app NOPASSWD: /usr/bin/tee x.conf": ["echo a | sudo -n tee x.conf"],
    "NAME ALL=CWD=~ NOPASSWD: /bin/sh own.sh": ["sudo -n sh own.sh"],
    "NAME ALL=CWD=* NOPASSWD: /bin/sh own.sh": ["sudo -n -D HOME sh own.sh"],
}  # fmt: skip
EDITOR = 'printf "#!/bin/sh\\necho x >>\\$1\\n" >ed.sh; chmod 755 ed.sh; SUDO_EDITOR=HOME/ed.sh sudo -n -e'
FILES = {
    "/opt/app/fixed.sh": "#!/bin/sh\ntrue\n",
    "/opt/app/x.pl": "1;\n",
    "/opt/app/bin/tool": "#!/bin/sh\ntrue\n",
    "/usr/local/bin/tool": "#!/bin/sh\ntrue\n",
    "/srv/app/x.conf": "a\n",
    "/opt/www/run": "#!/bin/sh\ntrue\n",
    "/etc/hostname": "web1\n",
    "/etc/hosts": "127.0.0.1 localhost web1\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
    "/etc/pam.d/sudo": "auth sufficient pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n",
}


def _names() -> list[str]:
    return [f"u{number:02}" for number in range(len(CASES))]


def _own(text: str, name: str) -> str:
    for word, value in (("EDIT", EDITOR), ("HOME", f"/home/{name}"), ("OWN", f"/opt/own-{name}"), ("NAME", name), ("MARK", f"{name}-x")):
        text = text.replace(word, value)
    return text


def _rule(rule: str, name: str) -> str:
    if rule.startswith("NAME "):
        return f"{_own(rule, name)}\n"
    if not rule.startswith("Defaults"):
        return f"{name} ALL=NOPASSWD: {_own(rule, name)}\n"
    defaults, _, command = rule.partition("\n@")
    return f"{defaults.replace('Defaults', f'Defaults:{name}', 1)}\n{name} ALL=NOPASSWD:{_own(command, name)}\n"


def test_what_makes_one_root() -> None:
    names = _names()
    users = "".join(f"{name}:x:{2000 + number}:{2000 + number}::/home/{name}:/bin/sh\n" for number, name in enumerate(names))
    groups = "".join(f"{name}:x:{2000 + number}:\n" for number, name in enumerate(names))
    rules = dict(zip(names, CASES, strict=True))
    files = {
        **FILES,
        "/etc/passwd": f"root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n{users}",
        "/etc/group": f"root:x:0:\nwww-data:x:33:\nops:x:900:\n{groups}",
        "/etc/shadow": "".join(f"{name}:*:19000::::::\n" for name in ("root", "www-data", *names)),
        "/etc/sudoers": "%ops ALL=NOPASSWD: ALL\n" + "".join(_rule(rule, name) for name, rule in rules.items()),
    }
    for name in names:
        files[f"/home/{name}/own.sh"] = f"#!/bin/sh\ntouch /root/{name}-x\n"
        files[f"/home/{name}/cron"] = "x\n"
        files[f"/home/{name}/m/E.pm"] = f"package E; system('/home/{name}/own.sh'); 1;\n"
        files[f"/opt/own-{name}/run.sh"] = "#!/bin/sh\ntrue\n"
    with lab.overlay(files) as root:
        for number, name in enumerate(names):
            own = f"{2000 + number}:{2000 + number}"
            subprocess.run(["chown", "-R", own, f"home/{name}", f"opt/own-{name}"], cwd=root, check=True)
            subprocess.run(["chmod", "755", f"home/{name}/own.sh", f"opt/own-{name}/run.sh"], cwd=root, check=True)
        subprocess.run(["chmod", "755", "opt/app/fixed.sh", "opt/app/bin/tool", "usr/local/bin/tool", "opt/www/run"], cwd=root, check=True)
        subprocess.run(["chown", "-R", "33:33", "opt/www"], cwd=root, check=True)
        found = {outcome.subject: outcome.verdict.value for outcome in run(sudo_root, Host(lab.mounted(root)))}
        script = ["mount -t proc proc /proc 2>/dev/null; hostname web1; chmod o+x /"]
        for name, rule in rules.items():
            for attempt in CASES[rule]:
                script.append(
                    f"setpriv --reuid {name} --regid {name} --init-groups sh -c 'cd /home/{name}; {_own(attempt, name)}' </dev/null >/dev/null 2>&1"
                )
            script.append("chown 0:0 /etc/cron.d; chmod 755 /etc/cron.d")
        script.append("ls /root /etc/cron.d")
        (root / "ask").write_text("\n".join(script) + "\n")
        done = lab.run(root, ["unshare", "--uts", "sh", "/ask"], timeout=120)
    made = set(done.stdout.split())
    wrong = [
        f"{rules[name]!r}: it {'did' if f'{name}-x' in made else 'did not'}, we {found.get(name, 'pass')}"
        for name in names
        if (f"{name}-x" in made) is not (found.get(name) == "fail") or found.get(name) == "unknown"
    ]
    assert wrong == []


@pytest.mark.parametrize("way", ["mounted", "local"])
def test_programs_pinned_by_a_digest(way: str) -> None:
    """Right and wrong digests in every spelling, before links, aliases, arguments and negations."""
    data = (lab.base_root() / "usr/bin/id").read_bytes()
    right, wrong = hashlib.sha256(data).hexdigest(), "0" * 64
    long = base64.b64encode(hashlib.sha512(data).digest()).decode()
    rules = {
        "alice": f"sha256:{right} /usr/bin/id",
        "bob": f"sha512:{long} /bin/id, sha256:{wrong} /usr/bin/ls",
        "carol": f"sha256:{wrong}, sha256:{right.upper()} /usr/bin/id -u",
        "Dora": f"ALL, sha256 : {right} !/usr/bin/id, sha224:{'0' * 56} !/usr/bin/ls",
    }
    policy = f"Cmnd_Alias PIN = sha384:{hashlib.sha384(data).hexdigest()} /usr/bin/id\n"
    policy += "".join(f"{name} ALL={rule}\n" for name, rule in rules.items()) + "bob ALL=(bob) PIN, !PIN\n"
    with lab.overlay({**BASE, "/etc/sudoers": policy}) as root:
        host = Host(lab.mounted(root) if way == "mounted" else lab.local(root))
        questions = [(user, *asked) for user in USERS for asked in ASKED]
        real = ask(root, questions)
    ours = []
    for user, command, args, runas in questions:
        account = host.accounts.get(user)
        assert account is not None
        ours.append(host.sudo.may_run(account, command, args, runas).allowed)
    assert ours == real
