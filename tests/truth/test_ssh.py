"""Who gets in: real logins to a real sshd of a Debian root, beside what the facts say from that root's evidence alone.

A case is a handful of files and the accounts to try. For every account and every set of factors that it holds, a login is tried; the facts agree when
a certain way fits the offered factors exactly where the login succeeded, and nothing is merely possible.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import itertools
import os
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
import pytest
from sovaudit.content.checks.two_factor.ssh_password_alone import ssh_password_alone

from sovaudit.collectors import collect, parse_target
from sovaudit.facts.factors import Factor
from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab

PASSWORD = "Kx7-quiet-Harbour"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEH"
USERS = ("bob", "carol", "dave", "erin")
K, P, C = Factor.KEY, Factor.PASSWORD, Factor.OTP
BASE = "UsePAM yes\nKbdInteractiveAuthentication no\n"
STRICT = "UsePAM yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive:pam\n"
GA = "auth required pam_google_authenticator.so{}\naccount required pam_permit.so\nsession required pam_permit.so\n"
UNIX = "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n"


def _rsa(bits: int) -> paramiko.RSAKey:
    return paramiko.RSAKey.generate(bits)


def _ed25519() -> str:
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes(s.Encoding.PEM, s.PrivateFormat.OpenSSH, s.NoEncryption()).decode()


def _load(text: str, certificate: str = "") -> paramiko.Ed25519Key:
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(text))
    if certificate:
        key.load_certificate(certificate)
    return key


PEM = _ed25519()
KEY, KEY2 = _load(PEM), _load(_ed25519())
RSA = _rsa(2048)


def line(key: paramiko.PKey, options: str = "") -> str:
    return f"{options} {key.get_name()} {key.get_base64()} test\n".lstrip()


@dataclass(frozen=True)
class Case:
    """sshd: the text of sshd_config. keys: account → text of its authorized_keys. pam: /etc/pam.d/sshd, empty for Debian's own."""

    sshd: str
    keys: dict[str, str] = field(default_factory=dict)
    pam: str = ""
    users: tuple[str, ...] = ("bob",)
    files: dict[str, str] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    prepare: str = ""
    sources: tuple[str, ...] = ("127.0.0.1",)
    offer: tuple[Factor, ...] = (K, P)
    arguments: tuple[str, ...] = ()
    possible: bool = False  # some way is only possible, by design


BOB = {"bob": line(KEY)}
SIGN = "cd /srv; ssh-keygen -q -t ed25519 -N '' -f ca; cp ca.pub /etc/ssh/ca.pub; ssh-keygen -q -s ca -I x -n {} key.pub"
TO_SIGN = {"/srv/key.pub": line(KEY)}
CA = BASE + "PasswordAuthentication no\nTrustedUserCAKeys /etc/ssh/ca.pub\n"
AKC = "AuthorizedKeysFile none\nAuthorizedKeysCommand {}\nAuthorizedKeysCommandUser {}\n"
KEYS_BY_PROGRAM = {"/usr/local/bin/keys": "#!/bin/sh\ncat /etc/allkeys\n", "/etc/allkeys": line(KEY)}
ACCESS = UNIX + "account required pam_access.so\n"
NEAR = {"/etc/security/lan.conf": "+ : ALL : 127.0.0.9\n- : ALL : ALL\n"}
NO_CODE = "auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf\nauth required pam_google_authenticator.so\n"
NO_CODE += "auth required pam_permit.so\naccount required pam_unix.so\nsession required pam_permit.so\n"
UNKNOWN = UNIX + "auth [success=ok module_unknown=ignore default=bad] pam_google_authenticator.so\n"
CASES: dict[str, Case] = {
    "stock": Case(BASE, {"bob": line(KEY), "root": line(KEY)}, users=("root", "bob", "carol")),
    "passwords off": Case(BASE + "PasswordAuthentication no\n", BOB, users=("bob", "carol")),
    "keys off": Case(BASE + "PubkeyAuthentication no\n", BOB),
    "key and password": Case(BASE + "AuthenticationMethods publickey,password\n", BOB, users=("bob", "carol")),
    "either of two lists": Case(BASE + "AuthenticationMethods publickey,password password\n", BOB),
    "any first": Case(BASE + "AuthenticationMethods any\nAuthenticationMethods publickey,password\n", BOB),
    "match user relaxes": Case(BASE + "AuthenticationMethods publickey,password\nMatch User bob\nAuthenticationMethods publickey\n", {**BOB, "carol": line(KEY)}, users=("bob", "carol")),
    "match address relaxes": Case(BASE + "AuthenticationMethods publickey,password\nMatch Address 127.0.0.9\nAuthenticationMethods password\n", BOB, sources=("127.0.0.1", "127.0.0.9")),
    "match host needs no dns": Case(BASE + "PasswordAuthentication no\nMatch Host 127.0.0.9\nPasswordAuthentication yes\n", BOB, sources=("127.0.0.1", "127.0.0.9")),
    "match host by name without dns": Case(BASE + "PasswordAuthentication no\nMatch Host localhost\nPasswordAuthentication yes\n", BOB),
    "two keys": Case(BASE + "AuthenticationMethods publickey,publickey\n", {"bob": line(KEY) + line(KEY2), "carol": line(KEY)}, users=("bob", "carol")),
    "disabled list in match closes": Case(BASE + "Match User bob\nAuthenticationMethods keyboard-interactive\n", {**BOB, "carol": line(KEY)}, users=("bob", "carol")),
    "submethod unknown": Case("UsePAM yes\nAuthenticationMethods keyboard-interactive:bsdauth\n", BOB),
    "keyboard-interactive": Case("UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\n", BOB, users=("bob", "carol")),
    "root with prohibit-password": Case(BASE + "PermitRootLogin prohibit-password\n", {"root": line(KEY)}, users=("root",)),
    "root without key": Case(BASE + "PermitRootLogin prohibit-password\n", users=("root",)),
    "root yes": Case(BASE + "PermitRootLogin yes\n", users=("root",)),
    "root no": Case(BASE + "PermitRootLogin no\n", {"root": line(KEY)}, users=("root",)),
    "root key and typed": Case(STRICT + "PermitRootLogin prohibit-password\n", {"root": line(KEY)}, users=("root",), pam=UNIX),
    "root forced only, no command": Case(BASE + "PermitRootLogin forced-commands-only\n", {"root": line(KEY)}, users=("root",)),
    "root forced only, command": Case(BASE + "PermitRootLogin forced-commands-only\n", {"root": line(KEY, 'command="true"')}, users=("root",)),
    "root forced only, ForceCommand": Case(BASE + "PermitRootLogin forced-commands-only\nForceCommand true\n", {"root": line(KEY)}, users=("root",)),
    "second uid 0": Case(BASE + "PermitRootLogin no\n", {"bob": line(KEY)}, prepare="sed -i s/^bob:x:1001:/bob:x:0:/ /etc/passwd; chown root: /home/bob -R"),
    "denyusers before allowusers": Case(BASE + "AllowUsers bob carol\nDenyUsers bob\n", BOB, users=("bob", "carol")),
    "allowusers by address": Case(BASE + "AllowUsers bob@127.0.0.9 carol@pc.corp.example\n", BOB, users=("bob", "carol"), sources=("127.0.0.1", "127.0.0.9")),
    "allowgroups primary": Case(BASE + "AllowGroups bob\n", BOB, users=("bob", "carol")),
    "denygroups pattern": Case(BASE + "DenyGroups b?b\n", BOB, users=("bob", "carol")),
    "allowusers replaced in match": Case(BASE + "AllowUsers carol\nMatch User bob\nAllowUsers bob\n", BOB, users=("bob", "carol")),
    "no shell": Case(BASE, BOB, prepare="usermod -s /usr/sbin/nologin bob"),
    "shell that is not there": Case(BASE, BOB, prepare="sed -i '/^bob/s|[^:]*$|/bin/zsh|' /etc/passwd"),
    "shell not executable": Case(BASE, BOB, prepare="cp /bin/sh /bin/plain; chmod 644 /bin/plain; sed -i '/^bob/s|[^:]*$|/bin/plain|' /etc/passwd"),
    "empty shell": Case(BASE, BOB, prepare="sed -i '/^bob/s|[^:]*$||' /etc/passwd"),
    "no shell but sftp inside": Case(BASE + "Subsystem sftp internal-sftp\n", BOB, prepare="usermod -s /usr/sbin/nologin bob"),
    "no shell, forced sftp": Case(BASE + "Subsystem sftp /usr/lib/openssh/sftp-server\nMatch User bob\nForceCommand internal-sftp\n", BOB, prepare="usermod -s /usr/sbin/nologin bob"),
    "forced sftp that nobody can request": Case(BASE + "ForceCommand internal-sftp\n", BOB),
    "forced to nothing": Case(BASE + "ForceCommand /bin/false\n", BOB),
    "chroot writable": Case(BASE + "Subsystem sftp internal-sftp\nForceCommand internal-sftp\nChrootDirectory /srv/c\n", BOB, prepare="mkdir -p /srv/c; chmod 777 /srv/c"),
    "chroot good": Case(BASE + "Subsystem sftp internal-sftp\nForceCommand internal-sftp\nChrootDirectory /srv/c\n", BOB, prepare="mkdir -p /srv/c"),
    "locked password, key": Case(BASE, BOB, prepare="passwd -l bob"),
    "locked without pam": Case("UsePAM no\n", BOB, prepare="passwd -l bob"),
    "star without pam": Case("UsePAM no\n", BOB, prepare="usermod -p '*' bob"),
    "password without pam": Case("UsePAM no\n", BOB, users=("bob", "carol")),
    "typed without pam": Case("UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\n", users=("carol",)),
    "expired account": Case(BASE, BOB, prepare="chage -E 1 bob"),
    "expired account without pam": Case("UsePAM no\n", BOB, prepare="chage -E 1 bob"),
    "nologin file": Case(BASE, {"bob": line(KEY), "root": line(KEY)}, users=("bob", "root"), files={"/etc/nologin": "down\n"}),
    "nologin file without pam": Case("UsePAM no\n", {"bob": line(KEY), "root": line(KEY)}, users=("bob", "root"), files={"/etc/nologin": "down\n"}),
    "empty password": Case(BASE + "PermitEmptyPasswords yes\n", prepare="passwd -d bob", offer=()),
    "empty password not permitted": Case(BASE, prepare="passwd -d bob", offer=()),
    "empty password without pam": Case("UsePAM no\nPermitEmptyPasswords yes\n", prepare="passwd -d bob", offer=()),
    "home writable by group": Case(BASE, BOB, prepare="chmod 775 /home/bob"),
    "home writable, not strict": Case(BASE + "StrictModes no\n", BOB, prepare="chmod 777 /home/bob"),
    "home writable by a shared group": Case(BASE, BOB, prepare="chmod 775 /home/bob; usermod -aG bob carol"),
    "home writable by all": Case(BASE, BOB, prepare="chmod 777 /home/bob"),
    "keys writable": Case(BASE, BOB, prepare="chmod 666 /home/bob/.ssh/authorized_keys"),
    "keys of another": Case(BASE, BOB, prepare="chown carol /home/bob/.ssh/authorized_keys; chmod 644 /home/bob/.ssh/authorized_keys"),
    "keys of root, readable": Case(BASE, BOB, prepare="chown root /home/bob/.ssh/authorized_keys; chmod 644 /home/bob/.ssh/authorized_keys"),
    "keys of root, hidden": Case(BASE, BOB, prepare="chown root: /home/bob/.ssh/authorized_keys; chmod 600 /home/bob/.ssh/authorized_keys"),
    "keys elsewhere": Case(BASE + "AuthorizedKeysFile /etc/keys/%u\n", BOB, files={"/etc/keys/carol": line(KEY)}, users=("bob", "carol")),
    "keys by link": Case(BASE, prepare="mkdir -p /home/bob/.ssh; ln -s /etc/keys/x /home/bob/.ssh/authorized_keys", files={"/etc/keys/x": line(KEY)}),
    "second key file": Case(BASE, files={"/home/bob/.ssh/authorized_keys2": line(KEY)}),
    "keys none": Case(BASE + "AuthorizedKeysFile none\n", BOB),
    "from here": Case(BASE, {"bob": line(KEY, 'from="127.0.0.9"')}, sources=("127.0.0.1", "127.0.0.9")),
    "from nowhere": Case(BASE, {"bob": line(KEY, 'from="!*,127.0.0.1"')}),
    "expired key": Case(BASE, {"bob": line(KEY, 'expiry-time="20200101"')}),
    "key of the future": Case(BASE, {"bob": line(KEY, 'expiry-time="29990101"')}),
    "unknown option": Case(BASE, {"bob": line(KEY, "no-such-thing")}),
    "cert-authority is no key": Case(BASE, {"bob": "# x\n" + line(KEY, "cert-authority") + line(KEY2)}),
    "restricted key": Case(BASE, {"bob": line(KEY, 'restrict,command="true"')}),
    "commented key": Case(BASE, {"bob": "#" + line(KEY)}),
    "only security keys": Case(BASE + "PubkeyAcceptedAlgorithms sk-ssh-ed25519@openssh.com\n", BOB),
    "rsa too short for this sshd": Case(BASE + "RequiredRSASize 3072\n", {"bob": line(RSA)}),
    "verify-required is for security keys": Case(BASE + "PubkeyAuthOptions verify-required\n", BOB),
    "revoked": Case(BASE + "RevokedKeys /etc/ssh/revoked\n", {"bob": line(KEY), "carol": line(KEY2)}, files={"/etc/ssh/revoked": line(KEY)}, users=("bob", "carol")),
    "revoked list missing": Case(BASE + "RevokedKeys /etc/ssh/revoked\n", BOB),
    "certificate": Case(CA, files=TO_SIGN, prepare=SIGN.format("bob")),
    "certificate, certificates not accepted": Case(CA + "PubkeyAcceptedAlgorithms ssh-ed25519\n", files=TO_SIGN, prepare=SIGN.format("bob")),
    "certificate, no principals for bob": Case(CA + "AuthorizedPrincipalsFile /etc/ssh/p/%u\n", files=TO_SIGN, prepare=SIGN.format("bob")),
    "certificate, principals": Case(CA + "AuthorizedPrincipalsFile /etc/ssh/p/%u\n", files={**TO_SIGN, "/etc/ssh/p/bob": "# who\nops\n"}, prepare=SIGN.format("ops")),
    "certificate by cert-authority": Case(BASE, files=TO_SIGN, prepare=SIGN.format("bob") + "; (printf 'cert-authority '; cat ca.pub) > /home/bob/.ssh/authorized_keys", keys={"bob": "x"}),
    "authority revoked": Case(CA + "RevokedKeys /etc/ssh/ca.pub\n", files=TO_SIGN, prepare=SIGN.format("bob")),
    "two keys, one certificate": Case(CA + "AuthenticationMethods publickey,publickey\n", {"bob": line(KEY2)}, files=TO_SIGN, prepare=SIGN.format("bob")),
    "no sessions at all": Case(BASE + "MaxSessions 0\n", BOB),
    "no sessions for one": Case(BASE + "MaxSessions 5\nMatch User bob\nMaxSessions 0\n", BOB, users=("bob", "carol")),
    "no tries, two methods": Case(BASE + "MaxAuthTries 0\nAuthenticationMethods publickey,password\n", BOB),
    "key file with tokens": Case(BASE + "AuthorizedKeysFile %h/.ssh/%u_%U%%\n", files={"/home/bob/.ssh/bob_1001%": line(KEY)}),
    "match group in include": Case("Include /etc/ssh/extra\n" + BASE, BOB, files={"/etc/ssh/extra": "Match Group bob\nPubkeyAuthentication no\nPasswordAuthentication no\n"}, users=("bob", "carol")),
    "account in two groups, one denied": Case(BASE + "AllowGroups bob\nDenyGroups staff\n", BOB, prepare="usermod -aG staff bob"),
    "user with two passwd lines": Case(BASE, BOB, prepare="echo bob:x:1001:1001::/home/bob:/usr/sbin/nologin >> /etc/passwd"),
    "home is not there": Case(BASE, BOB, prepare="sed -i 's|/home/bob|/nowhere|' /etc/passwd"),
    "password in passwd, without pam": Case("UsePAM no\n", prepare="h=$(grep ^carol /etc/shadow | cut -d: -f2); sed -i \"s|^bob:x:|bob:$h:|\" /etc/passwd"),
    "root forced only, certificate with a command": Case(CA.replace("PasswordAuthentication no\n", "PermitRootLogin forced-commands-only\n"), files=TO_SIGN, users=("root",), prepare=SIGN.format("root -O force-command=true")),
    "a key forced to no shell": Case(BASE + "PasswordAuthentication no\n", {"bob": line(KEY, 'command="/usr/sbin/nologin"')}),
    "tilde is root's": Case(BASE + "AuthorizedKeysFile ~/.ssh/authorized_keys\n", {"bob": line(KEY), "root": line(KEY)}, users=("bob", "root")),
    "tilde and a name": Case(BASE + "AuthorizedKeysFile ~carol/.ssh/authorized_keys\n", {"carol": line(KEY)}, users=("bob", "carol")),
    "unknown token, then a good file": Case(BASE + "AuthorizedKeysFile .ssh/%q .ssh/authorized_keys\n", BOB, offer=(K,)),
    "star in passwd, hash in shadow, without pam": Case("UsePAM no\n", BOB, prepare="sed -i 's/^bob:x:/bob:*:/' /etc/passwd"),
    "star in passwd, hash in shadow": Case(BASE, BOB, prepare="sed -i 's/^bob:x:/bob:*:/' /etc/passwd"),
    "empty password in a list, without pam": Case("UsePAM no\nPermitEmptyPasswords yes\nAuthenticationMethods password\n", prepare="passwd -d bob", offer=()),
    "keys by a program that is not there": Case(BASE + AKC.format("/usr/local/bin/none", "nobody")),
    "keys by a program that cannot run": Case(BASE + AKC.format("/usr/local/bin/keys", "nobody"), files=KEYS_BY_PROGRAM),
    "keys by a program in an open folder": Case(BASE + AKC.format("/srv/w/keys", "nobody"), files={"/srv/w/keys": KEYS_BY_PROGRAM["/usr/local/bin/keys"], "/etc/allkeys": line(KEY)}, prepare="chmod 755 /srv/w/keys; chmod 777 /srv/w"),
    "keys by a program as nobody known": Case(BASE + AKC.format("/usr/local/bin/keys", "none"), files=KEYS_BY_PROGRAM, modes={"/usr/local/bin/keys": 0o755}),
    "keys by false": Case(BASE + AKC.format("/bin/false", "nobody"), BOB),
    "include of a folder": Case("Include /etc/ssh/sshd_config.d\n" + BASE, BOB, files={"/etc/ssh/sshd_config.d/a.conf": "DenyUsers bob\n"}),
    "one host key of two is there": Case(BASE + "HostKey /etc/ssh/nothing\nHostKey /etc/ssh/ssh_host_ed25519_key\n", BOB),
    "chroot at home": Case(BASE + "Subsystem sftp internal-sftp\nForceCommand internal-sftp\nChrootDirectory ~/c\n", BOB, prepare="mkdir /home/bob/c; chown root /home/bob /home/bob/c; chmod 755 /home/bob /home/bob/c"),
    "chroot with an unknown token": Case(BASE + "Subsystem sftp internal-sftp\nForceCommand internal-sftp\nChrootDirectory /srv/%z\n", BOB, prepare="mkdir -p /srv/%z", offer=(K,)),
    "chroot that is not there": Case(BASE + "ChrootDirectory /srv/nothing\n", BOB),
    "chroot without a shell": Case(BASE + "ChrootDirectory /srv/j\n", BOB, prepare="mkdir -p /srv/j"),
    "chroot with a shell": Case(BASE + "ChrootDirectory /srv/j\n", BOB, prepare="mkdir -p /srv/j/bin /srv/j/lib64; cp /bin/dash /srv/j/bin/bash; cp /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libc.so.6 /srv/j/lib64; ln -s lib64 /srv/j/lib"),
    "principals from here": Case(CA + "AuthorizedPrincipalsFile /etc/ssh/p/%u\n", files={**TO_SIGN, "/etc/ssh/p/bob": 'from="127.0.0.1" ops\n'}, prepare=SIGN.format("ops")),
    "principals from nowhere": Case(CA + "AuthorizedPrincipalsFile /etc/ssh/p/%u\n", files={**TO_SIGN, "/etc/ssh/p/bob": 'from="!*" ops\n'}, prepare=SIGN.format("ops")),
    "principals with an unknown option": Case(CA + "AuthorizedPrincipalsFile /etc/ssh/p/%u\n", files={**TO_SIGN, "/etc/ssh/p/bob": "no-such ops\n"}, prepare=SIGN.format("ops")),
    "principals by false": Case(CA + "AuthorizedPrincipalsCommand /bin/false\nAuthorizedPrincipalsCommandUser nobody\n", files=TO_SIGN, prepare=SIGN.format("bob")),
    "revoked list with a word": Case(BASE + "RevokedKeys /etc/ssh/revoked\n", BOB, files={"/etc/ssh/revoked": "# which\ngarbage here\n"}),
    "revoked list empty": Case(BASE + "RevokedKeys /etc/ssh/revoked\n", BOB, files={"/etc/ssh/revoked": ""}),
    "revoked list is a folder": Case(BASE + "RevokedKeys /etc/ssh\n", BOB),
    "session refused": Case(BASE, BOB, pam=UNIX.replace("session required pam_permit.so", "session required pam_deny.so")),
    "session by a missing module": Case(BASE, BOB, pam=UNIX + "session required pam_not_there.so\n"),
    "session by an optional missing module": Case(BASE, BOB, pam=UNIX + "session optional pam_not_there.so\n"),
    "session left to other": Case(BASE, BOB, pam=UNIX.replace("session required pam_permit.so\n", ""), files={"/etc/pam.d/other": "session required pam_deny.so\n"}),
    "session for some": Case(BASE, {**BOB, "carol": line(KEY)}, pam=UNIX + "session required pam_access.so\n", files={"/etc/security/access.conf": "-:bob:ALL\n"}, users=("bob", "carol")),
    "no logins by limits": Case(BASE, {**BOB, "carol": line(KEY)}, files={"/etc/security/limits.conf": "* hard maxlogins 0\n", "/etc/security/limits.d/a.conf": "carol - maxlogins 3\n"}, users=("bob", "carol")),
    "limits that are not there": Case(BASE, BOB, prepare="rm /etc/security/limits.conf"),
    "aging: must change, key": Case(BASE, BOB, prepare="chage -d 0 bob", offer=(K,)),
    "option on the command line": Case(BASE, BOB, arguments=("-o", "PasswordAuthentication=no"), files={"/etc/default/ssh": 'SSHD_OPTS="-o PasswordAuthentication=no"\n'}),
    "port where nobody listens": Case(BASE + "ListenAddress 127.0.0.1:2299\nPasswordAuthentication no\nMatch LocalPort 22\nPasswordAuthentication yes\n", BOB),
    "lax where PAM refuses": Case(BASE + "AuthenticationMethods publickey,password\nMatch Address 127.0.0.9\nAuthenticationMethods password\n", BOB, pam=ACCESS, files={"/etc/security/access.conf": "- : ALL : 127.0.0.9\n"}, sources=("127.0.0.1", "127.0.0.9")),
    "lax but where PAM lets in": Case(BASE + "Match Address *,!127.0.0.9\nAuthenticationMethods password\nMatch Address 127.0.0.9\nAuthenticationMethods publickey,password\n", BOB, pam=ACCESS, files={"/etc/security/access.conf": "+ : bob : 127.0.0.9\n- : ALL : ALL\n"}, sources=("127.0.0.1", "127.0.0.9")),
    "no code from where nobody comes": Case(STRICT, BOB, pam=NO_CODE + "account required pam_access.so\n", files={**NEAR, "/etc/security/access.conf": "- : ALL : 127.0.0.9\n"}, sources=("127.0.0.1", "127.0.0.9"), offer=(K, P, C)),
    "no code from where the key is not": Case(STRICT, {"bob": line(KEY, 'from="127.0.0.1"')}, pam=NO_CODE, files=NEAR, sources=("127.0.0.1", "127.0.0.9"), offer=(K, P, C)),
    "no code from where bob may not": Case(STRICT + "AllowUsers bob@127.0.0.1\n", BOB, pam=NO_CODE, files=NEAR, sources=("127.0.0.1", "127.0.0.9"), offer=(K, P, C)),
    "module of another architecture": Case(STRICT, BOB, pam=UNKNOWN, prepare="mkdir -p /lib/i386-linux-gnu/security; mv /lib/x86_64-linux-gnu/security/pam_google_authenticator.so /lib/i386-linux-gnu/security/", offer=(K, P, C)),
    "module that leads nowhere": Case(STRICT, BOB, pam=UNKNOWN, prepare="ln -sf /nowhere /lib/x86_64-linux-gnu/security/pam_google_authenticator.so", offer=(K, P, C)),
    "service that is nothing": Case(STRICT, BOB, prepare="ln -sf /dev/null /etc/pam.d/sshd"),
    "credentials of a module that jumps elsewhere": Case(STRICT, {"carol": line(KEY)}, pam="auth [success=1 default=ignore] pam_localuser.so file=/etc/few\nauth sufficient pam_unix.so\nauth required pam_deny.so\n" + UNIX, files={"/etc/few": "bob:\n"}, users=("carol",)),
    "credentials where a question decided": Case(STRICT, BOB, pam="auth sufficient pam_succeed_if.so quiet user = bob\nauth required pam_deny.so\n" + UNIX),
    "01 code required": Case(STRICT, {"bob": line(KEY), "carol": line(KEY)}, pam=GA.format(""), users=("bob", "carol"), offer=(K, P, C)),
    "02 nullok and nothing else": Case(STRICT, {"carol": line(KEY)}, pam=GA.format(" nullok"), users=("carol",)),
    "02b nullok and permit": Case(STRICT, {"carol": line(KEY)}, pam=GA.format(" nullok") + "auth required pam_permit.so\n", users=("carol",)),
    "03 no methods": Case("UsePAM yes\nKbdInteractiveAuthentication yes\n", BOB, pam=GA.format(""), offer=(K, C)),
    "04 publickey alternative": Case(STRICT.replace(":pam\n", ":pam publickey\n"), BOB, pam=GA.format(""), offer=(K, C)),
    "08 code sufficient": Case("UsePAM yes\nKbdInteractiveAuthentication yes\n", pam="auth sufficient pam_google_authenticator.so\n" + UNIX, offer=(P, C)),
    "09 password sufficient": Case(STRICT, BOB, pam="auth sufficient pam_unix.so\n" + GA.format(""), offer=(K, P)),
    "13 code optional": Case(STRICT, BOB, pam="auth optional pam_google_authenticator.so\nauth required pam_permit.so\naccount required pam_permit.so\n", offer=(K,)),
    "14 password behind the key": Case(STRICT, BOB, pam=UNIX),
    "15 code and password": Case(STRICT, BOB, pam="auth required pam_google_authenticator.so\n" + UNIX, offer=(K, P, C)),
    "20 no pam": Case(STRICT.replace("UsePAM yes", "UsePAM no"), BOB),
    "22 module missing": Case(STRICT, BOB, pam="auth required pam_not_there.so\n" + UNIX),
}  # fmt: skip


def code() -> str:
    digest = hmac.new(base64.b32decode(SECRET + "=" * (-len(SECRET) % 8)), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def login(port: int, user: str, source: str, factors: frozenset[Factor], sshd: str, certificate: str) -> bool:
    """One connection with these factors and nothing else; True when a command or sftp then works."""
    with socket.create_connection(("127.0.0.1", port), 10, (source, 0)) as sock:
        transport = paramiko.Transport(sock)
        try:
            transport.start_client(timeout=15)
            return _enter(transport, user, factors, certificate) and _works(transport, sshd)
        except (paramiko.SSHException, EOFError, OSError):
            return False
        finally:
            transport.close()


def _enter(transport: paramiko.Transport, user: str, factors: frozenset[Factor], certificate: str) -> bool:
    keys: list[paramiko.PKey] = [KEY, KEY2, RSA] if K in factors else []
    if keys and certificate:
        keys.append(_load(PEM, certificate))
    try:
        transport.auth_none(user)
        return transport.is_authenticated()
    except paramiko.BadAuthenticationType as refused:
        allowed = list(refused.allowed_types)

    def answer(_title: str, _text: str, prompts: list[tuple[str, bool]]) -> list[str]:
        def one(prompt: str) -> str:
            if "code" in prompt:
                return code() if C in factors else ""
            return PASSWORD if P in factors else ""

        return [one(prompt) for prompt, _ in prompts]

    typed = 0
    while True:
        rest: list[str] | None = None
        try:
            if "publickey" in allowed and keys:
                rest = transport.auth_publickey(user, keys.pop(0))
            elif "keyboard-interactive" in allowed and typed == 0:
                typed += 1
                rest = transport.auth_interactive(user, answer)
            elif "password" in allowed and typed <= 1:
                typed = 2
                rest = transport.auth_password(user, PASSWORD if P in factors else code() if C in factors else "", fallback=False)
            else:
                return False
        except paramiko.AuthenticationException:
            if not transport.is_active():
                return False
            continue
        if transport.is_authenticated():
            return True
        if rest:
            allowed, typed = rest, 0


def _works(transport: paramiko.Transport, sshd: str) -> bool:
    channel = transport.open_session(timeout=10)
    if "internal-sftp" not in sshd:
        channel.exec_command("true")
        return channel.recv_exit_status() == 0
    channel.invoke_subsystem("sftp")
    return bool(paramiko.SFTPClient(channel).listdir("/") is not None)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The shadow line of the common password."""
    with lab.overlay() as root:
        lab.run(root, ["useradd", "-m", "x"])
        lab.run(root, ["chpasswd"], stdin=f"x:{PASSWORD}\n")
        yield next(text.split(":")[1] for text in (root / "etc/shadow").read_text().splitlines() if text.startswith("x:"))


def prepare(root: Path, case: Case, hashed: str) -> None:
    steps = [f"useradd -m -u {1001 + number} -s /bin/bash {user}; usermod -p '{hashed}' {user}" for number, user in enumerate(USERS)]
    lab.run(root, ["sh", "-c", "; ".join([*steps, f"usermod -p '{hashed}' root"])])
    lab.write(root, {"/etc/ssh/sshd_config": case.sshd, **({"/etc/pam.d/sshd": case.pam} if case.pam else {}), **case.files}, case.modes)
    homes = {user: "/root" if user == "root" else f"/home/{user}" for user in ("root", *USERS)}
    lab.write(root, {f"{homes[user]}/.ssh/authorized_keys": text for user, text in case.keys.items()})
    lab.write(root, {"/home/bob/.google_authenticator": f'{SECRET}\n" TOTP_AUTH\n'})
    os.chmod(root / "home/bob/.google_authenticator", 0o400)
    lab.run(
        root, ["sh", "-c", "for u in bob carol dave erin; do chown -R $u: /home/$u; done; chmod 700 /home/*; " + (case.prepare or "true")]
    )


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_login(name: str, base: str) -> None:
    case = CASES[name]
    with lab.overlay() as root:
        prepare(root, case, base)
        host = Host(collect(parse_target(f"root:{root}")))
        told = {user: host.ssh.ways(_account(host, user)) for user in case.users}
        sets = [frozenset(some) for size in range(len(case.offer) + 1) for some in itertools.combinations(case.offer, size)]
        tries = list(itertools.product(case.users, sets))
        signed = root / "srv/key-cert.pub"
        certificate = str(signed.read_text()) if signed.exists() else ""
        with lab.sshd(root, arguments=case.arguments) as port, ThreadPoolExecutor(5) as together:

            def attempt(user: str, offered: frozenset[Factor]) -> bool:
                return any(login(port, user, source, offered, case.sshd, certificate) for source in case.sources)

            entered = list(together.map(lambda pair: attempt(*pair), tries))
        wrong = [
            (user, sorted(offered), f"sshd {'lets in' if came_in else 'refuses'}", told[user])
            for (user, offered), came_in in zip(tries, entered, strict=True)
            if came_in != any(factors <= offered for factors in (*told[user].certain, *(told[user].possible if case.possible else ())))
        ]
        assert not wrong
        assert case.possible == any(ways.possible for ways in told.values()), told
        verdicts = {outcome.subject: outcome.verdict.value for outcome in run(ssh_password_alone, host)}
        for user in () if case.possible or (case.offer and P not in case.offer) else case.users:
            typed = any(came_in and offered <= {P} for (who, offered), came_in in zip(tries, entered, strict=True) if who == user)
            assert (verdicts.get(user) == "fail") == typed, (user, verdicts)


def _account(host: Host, user: str):  # type: ignore[no-untyped-def]
    account = host.accounts.get(user)
    assert account is not None
    return account


@pytest.mark.lab
@pytest.mark.parametrize(
    "text",
    [
        "PermitRootLogn no\n",
        "KbdInteractiveAuthentication no\nAuthenticationMethods publickey,keyboard-interactive\n",
        "Match User bob\nUsePAM no\n",
        "AuthorizedKeysFile ~zoe/keys\n",
        "HostKey /etc/ssh/nothing\n",
        "Include /etc/ssh/sshd_config.d/*.conf\n",  # among them a link that leads nowhere
    ],
)
def test_sshd_that_does_not_start_lets_nobody_in(text: str, base: str) -> None:
    with lab.overlay() as root:
        prepare(root, Case(text, BOB, prepare="ln -s /nowhere /etc/ssh/sshd_config.d/a.conf"), base)
        ways = Host(collect(parse_target(f"root:{root}"))).ssh.ways(_account(Host(collect(parse_target(f"root:{root}"))), "bob"))
        assert not ways
        assert "does not start" in ways.closed.because[-1].text
        with pytest.raises(RuntimeError), lab.sshd(root):
            pass
