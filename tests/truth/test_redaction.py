"""A host full of secrets in every place that is read: none of them comes out, by the mounted root or by the script, and nothing on it changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sovaudit.collectors import collect, parse_target
from tests import lab
from tests.truth.test_collect import stamp

pytestmark = pytest.mark.lab

S = "Zq9NeedleXk7"
HASH = f"$6$abcdefgh${S}ho41tVUUHxNBWUCSEH0dQVBcDZJ"
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{S}\n-----END OPENSSH PRIVATE KEY-----\n"
RC = (
    f"export FOO={S}\nexport BAR='a {S}' BAZ=\"{S} b\"\nalias db='mysql -p{S}'\nexport PGPASSWORD={S}; umask 027\nmachine x login y password {S}\n"
    f'export URL=https://u:{S}@h/ LONG="{S}\nif [ -n "$PS1" ]; then\n  TOKEN={S} run; fi\n# {S}\ncurl -u bob:{S} https://h\n'
)
FILES = {
    "/etc/shadow": f"root:{HASH}:19000::::::\nalice:!{HASH}:19000::::::\nold:{S}:1::::::\n",
    "/etc/shadow-": f"root:{HASH}:19000::::::\n",
    "/etc/shadow.bak": f"root:{HASH}:19000::::::\n{S}\n",
    "/etc/.shadow.swo": f"{HASH}\n",
    "/etc/gshadow": f"sudo:{HASH}:alice:\n",
    "/etc/passwd-": f"bob:{HASH}:1002:1002::/home/bob:/bin/sh\n",
    "/etc/group-": f"team:{HASH}:1:\nten:ab{S}:2:\n",
    "/var/backups/shadow.bak": f"root:{HASH}:19000::::::\n",
    "/etc/security/opasswd": f"alice:1000:1:{HASH}\n",
    "/etc/security/opasswd.old": f"alice:1000:1:{HASH}\n",
    "/etc/security/pam_env.conf": f"DB_PASSWORD DEFAULT={S}\nAPI_TOKEN OVERRIDE={S}\n",
    "/etc/users.oath": f"HOTP/T30 alice - {S}\n",
    "/etc/oath/more": f"HOTP alice {S} {S}\n",
    "/home/alice/.google_authenticator": f"{S}\n",
    "/home/alice/.ssh/authorized_keys": f'environment="TOKEN={S}",command="run --password {S}" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a\n',
    "/home/alice/.profile": RC,
    "/home/alice/.bashrc": RC,
    "/home/alice/.bash_login": f". ~/.secrets\n{KEY}",
    "/home/alice/.secrets": f"export SECRET={S}\nexport X={S}\n",
    "/home/alice/.netrc": f"machine x login y password {S}\n",
    "/home/bob/.zshrc": RC,
    "/etc/profile.d/proxy.sh": f"export http_proxy=http://u:{S}@proxy:3128\nexport DB_PASSWORD={S}\n. /opt/site.sh\n",
    "/opt/site.sh": f"export WORD={S}\n",
    "/etc/environment": f"DB_PASSWORD={S}\nhttps_proxy=http://u:{S}@proxy\n",
    "/etc/default/app": f'SMTP_PASSWORD={S}\nOPTIONS="--token {S}"\n',
    "/etc/cron.d/job": f"PASSWORD={S}\n* * * * * root curl -u u:{S} 'https://h/?token={S}'\n* * * * * root echo 'root:{S}' | chpasswd\n* * * * * root sshpass -p '{S}' ssh x\n* * * * * root restic --password {S} x\n",
    "/etc/cron.daily/dump": f"#!/bin/sh\nmysqldump -u root -p{S} db\nexport PGPASSWORD={S}\nldapadd -D cn=a -w {S} -f x\n",
    "/etc/sudoers.d/tool": f'alice ALL=(root) /opt/tool --password={S}, /usr/bin/mysql -p{S} db\nDefaults env_keep += "A"\n',
    "/etc/rsyslog.d/db.conf": f'*.* :ommysql:h,d,u,{S}\naction(type="ommysql" server="h" db="d" uid="u" pwd="{S}")\naction(type="omhttp" httpheadervalue="Splunk {S}")\n',
    "/etc/syslog-ng/syslog-ng.conf": f'destination d {{ sql(username("u") password("{S}")); }};\n',
    "/etc/pam.d/web": f"auth required pam_mysql.so user=x passwd={S}\nauth required pam_yubico.so id=1 key={S}\nauth required pam_x.so token={S}\n",
    "/etc/pam_ldap.conf": f"bindpw {S}\n",
    "/etc/nslcd.conf": f"bindpw {S}\n",
    "/etc/sssd/sssd.conf": f"[domain/x]\nldap_default_authtok = {S}\n",
    "/etc/sssd/conf.d/x.conf": f"[domain/x]\nldap_default_authtok={S}\n",
    "/etc/systemd/system/app.service": f'[Service]\nEnvironment=DB_PASS={S} "API_KEY={S}"\nExecStart=/opt/app --auth-token {S}\n',
    "/etc/chrony/chrony.keys": f"1 MD5 {S}\n",
    "/etc/chrony/conf.d/x.conf": f"server h key 1\n1 SHA1 HEX:{S}\n",
    "/etc/ntp/keys": f"1 M {S}\n",
    "/etc/ssh/sshd_config.d/old.conf": KEY,
    "/etc/ssh/backup/id": KEY.replace("OPENSSH ", "RSA "),
    "/etc/ssh/putty": f"PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 1\n{S}\n",
    "/etc/lightdm/lightdm.conf": f"[Seat:*]\npassword={S}\n",
    "/etc/krb5.conf": f"[libdefaults]\nx = y\n# password: {S}\n",
    "/etc/ld.so.preload": "",
}
PASSWD = "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\nbob:x:1002:1002::/home/bob:/usr/bin/zsh\nhashed:{hash}:1003:1003::/home/none:/bin/sh\n"


def test_nothing_comes_out_and_nothing_changes() -> None:
    with lab.overlay({**FILES, "/etc/passwd": PASSWD.format(hash=HASH), "/etc/group": f"root:x:0:\nteam:{HASH}:5:\n"}) as root:
        for name, uid in (("alice", 1000), ("bob", 1002)):
            for place in (root / "home" / name, *(root / "home" / name).rglob("*")):
                os.chown(place, uid, uid)
        before = stamp(root)
        mounted = collect(parse_target(f"root:{root}"))
        assert stamp(root) == before
        running = lab.local(root)
        assert running.error == ""
        assert _changed(root, before) == set()
    for evidence in (mounted, running):
        out = [name for name, data in evidence.artifacts.items() if S.lower().encode() in data.lower() or b"PRIVATE KEY" in data]
        assert out == []
        assert not any(S in f"{gap.item} {gap.detail}" for gap in evidence.gaps)
        assert "file:/home/alice/.bashrc" in evidence.artifacts
        assert "file:/etc/cron.d/job" in evidence.artifacts
        assert b"umask 027" in evidence.artifacts["file:/home/alice/.profile"]


def _changed(root: Path, before: dict[str, tuple[int, ...]]) -> set[str]:
    """What differs, logs of what was run apart."""
    after = stamp(root)
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path) and "/var/log" not in path}
