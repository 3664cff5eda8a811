"""`Ssh.effective` beside the program: `sshd -t` (does it start?) and `sshd -T -C` (keyword by keyword), on dozens of configurations in one root."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovaudit.facts.ssh_algorithms import KEYWORDS
from sovaudit.facts.ssh_daemon import Daemon
from sovaudit.facts.ssh_dump import DECISIVE, parse_dump, same
from sovaudit.facts.ssh_server import Server
from sovaudit.testing import host_with
from tests import lab

PASSWD = "root:x:0:0::/root:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\ncarol:x:1002:1002::/home/carol:/bin/bash\n"
GROUP = "root:x:0:\nsudo:x:27:carol\nbob:x:1001:\nstaff:x:50:bob,carol\ncarol:x:1002:\n"
WHO = [
    {"user": "root", "addr": "127.0.0.1", "host": "localhost", "lport": "22"},
    {"user": "bob", "addr": "10.1.2.3", "host": "pc.corp.example", "lport": "22"},
    {"user": "bob", "addr": "192.0.2.9", "host": "192.0.2.9", "laddr": "10.0.0.1", "lport": "2222"},
    {"user": "carol", "addr": "2001:db8::7", "host": "v6.example", "laddr": "2001:db8::1", "lport": "22"},
    {"user": "nobody7", "addr": "10.1.2.3", "host": "pc.corp.example", "lport": "22"},
]
D = "/etc/ssh/sshd_config.d"
# name → files; a plain string is /etc/ssh/sshd_config
CASES: dict[str, str | dict[str, str]] = {
    "empty": "",
    "first value wins": "PermitRootLogin no\nPermitRootLogin yes\n",
    "case of keyword and value": "PERMITROOTLOGIN No\npasswordauthentication NO\n",
    "equals sign": "PermitRootLogin=no\nPasswordAuthentication = no\nUsePAM =yes\n",
    "two equals signs": "PermitRootLogin==no\n",
    "quotes": 'PermitRootLogin "no"\nAuthorizedKeysFile "/etc/keys/%u" \'.ssh/a b\'\n',
    "quoted keyword": '"PermitRootLogin" no\n',
    "open quote": 'PermitRootLogin "no\n',
    "trailing comment": "PermitRootLogin no # never\nAllowUsers bob # carol\n",
    "comment glued to the value": "PermitRootLogin no#never\n",
    "trailing garbage": "PermitRootLogin no yes\n",
    "leading blanks and form feed": "  \t PermitRootLogin no \t\f\n",
    "carriage returns": "PermitRootLogin no\r\nPasswordAuthentication no\r\n",
    "unknown keyword": "PermitRootLogn no\n",
    "no argument": "PermitRootLogin\n",
    "bad value": "PermitRootLogin maybe\n",
    "backslash does not continue": "AllowUsers bob \\\ncarol\n",
    "without-password": "PermitRootLogin without-password\n",
    "prohibit-password": "PermitRootLogin prohibit-password\n",
    "forced-commands-only": "PermitRootLogin forced-commands-only\n",
    "old names": "ChallengeResponseAuthentication no\nPubkeyAcceptedKeyTypes ssh-ed25519\nSkeyAuthentication yes\n",
    "dsaauthentication is pubkeyauthentication": "DSAAuthentication no\nPubkeyAuthentication yes\n",
    "dsaauthentication in a match": "Match User bob\nDSAAuthentication no\n",
    "deprecated are ignored": "Protocol 1\nRSAAuthentication no\nUsePrivilegeSeparation no\nKeyRegenerationInterval 1h\nUseLogin yes\nServerKeyBits 768\n",
    "lists add up": "AllowUsers bob\nAllowUsers carol root@10.0.0.0/8\nDenyUsers x\nDenyUsers y z\nAllowGroups sudo\nAllowGroups staff\nDenyGroups a b\n",
    "key files do not add up": "AuthorizedKeysFile .ssh/a .ssh/b\nAuthorizedKeysFile .ssh/c\n",
    "key files none": "AuthorizedKeysFile none\n",
    "empty list line": "AllowUsers #\nAuthorizedKeysFile #\n",
    "match user": "PasswordAuthentication no\nMatch User bob\nPasswordAuthentication yes\n",
    "match beats global after it": "Match User bob\nPasswordAuthentication no\nMatch all\nPasswordAuthentication yes\n",
    "first match wins": "Match User bob\nPasswordAuthentication no\nMatch Group staff\nPasswordAuthentication yes\n",
    "match group primary": "Match Group bob\nPermitEmptyPasswords yes\n",
    "match negated": "Match User !bob,*\nPermitRootLogin no\n",
    "match only negated": "Match User !carol\nPermitRootLogin no\n",
    "match group negated": "Match Group !sudo,*\nPermitRootLogin no\nMaxAuthTries 2\n",
    "match address cidr": "Match Address 10.0.0.0/8\nAuthenticationMethods publickey\n",
    "match address list": "Match Address 192.0.2.0/24,!192.0.2.9\nMaxAuthTries 3\n",
    "match address wildcard": "Match Address 10.1.*\nMaxAuthTries 3\n",
    "match address v6": "Match Address 2001:db8::/32\nMaxAuthTries 3\n",
    "match address host bits": "Match Address 10.0.0.1/8\nMaxAuthTries 3\n",
    "match address big mask": "Match Address 10.0.0.0/33\nMaxAuthTries 3\n",
    "match host": "Match Host *.CORP.example\nMaxAuthTries 3\n",
    "match host by address text": "Match Host 10.1.2.3\nMaxAuthTries 3\n",
    "match localport": "Match LocalPort 2222\nMaxAuthTries 3\n",
    "match localaddress": "Match LocalAddress 10.0.0.0/24\nMaxAuthTries 3\n",
    "match and": "Match User bob Address 10.0.0.0/8\nMaxAuthTries 3\n",
    "match equals": "Match User=bob\nMaxAuthTries 3\n",
    "match quoted": 'Match User "bob"\nMaxAuthTries 3\n',
    "match list with blank": "Match User bob, carol\nMaxAuthTries 3\n",
    "match all": "Match all\nMaxAuthTries 3\n",
    "match all and more": "Match all User bob\nMaxAuthTries 3\n",
    "match comment": "Match User bob # only him\nMaxAuthTries 3\n",
    "match nothing": "Match\nMaxAuthTries 3\n",
    "match unknown": "Match Moon full\nMaxAuthTries 3\n",
    "match without value": "Match User\nMaxAuthTries 3\n",
    "not allowed in match": "Match User bob\nUsePAM no\n",
    "port in match": "Match User bob\nPort 2222\n",
    "strictmodes in match": "Match User bob\nStrictModes no\n",
    "match lists replace": "AllowUsers root\nMatch User bob\nAllowUsers bob\nAllowUsers bob@10.*\nMatch Group staff\nAllowUsers carol\n",
    "match key files": "AuthorizedKeysFile .ssh/x\nMatch User bob\nAuthorizedKeysFile /etc/keys/%u\nMatch Group staff\nAuthorizedKeysFile none\n",
    "match clears": "ForceCommand /bin/x\nChrootDirectory /srv\nMatch User bob\nForceCommand none\nChrootDirectory none\n",
    "match methods any": "AuthenticationMethods publickey,password\nMatch User bob\nAuthenticationMethods any\n",
    "methods any with more": "AuthenticationMethods any publickey\n",
    "methods twice": "AuthenticationMethods any\nAuthenticationMethods publickey,password\n",
    "methods unknown": "AuthenticationMethods publickey,otp\n",
    "methods empty": 'AuthenticationMethods ""\n',
    "methods disabled": "KbdInteractiveAuthentication no\nAuthenticationMethods publickey,keyboard-interactive\n",
    "methods one of two disabled": "KbdInteractiveAuthentication no\nAuthenticationMethods publickey,keyboard-interactive publickey\n",
    "methods disabled by match only": "AuthenticationMethods publickey,password\nMatch User bob\nPasswordAuthentication no\n",
    "methods disabled inside match": "KbdInteractiveAuthentication no\nMatch User bob\nAuthenticationMethods keyboard-interactive\n",
    "methods submethod": "AuthenticationMethods publickey,keyboard-interactive:pam publickey,keyboard-interactive:bsdauth\n",
    "methods gssapi": "AuthenticationMethods gssapi-with-mic\n",
    "methods none": "AuthenticationMethods none\n",
    "keys command without user": "AuthorizedKeysCommand /bin/true\n",
    "keys command": "AuthorizedKeysCommand /bin/true %u %k\nAuthorizedKeysCommandUser nobody\n",
    "keys command relative": "AuthorizedKeysCommand true\nAuthorizedKeysCommandUser nobody\n",
    "principals command after keys command": "AuthorizedKeysCommand /bin/true\nAuthorizedKeysCommandUser nobody\nAuthorizedPrincipalsCommand /bin/x\nAuthorizedPrincipalsCommandUser nobody\n",
    "key options": "PubkeyAuthOptions verify-required touch-required\n",
    "key options none": "PubkeyAuthOptions none\nPubkeyAuthOptions verify-required\n",
    "key options wrong": "PubkeyAuthOptions pin\n",
    "algorithms plain": "PubkeyAcceptedAlgorithms sk-ssh-ed25519@openssh.com,ssh-ed25519\n",
    "algorithms plus": "PubkeyAcceptedAlgorithms +ssh-rsa\n",
    "algorithms minus": "PubkeyAcceptedAlgorithms -ssh-*,rsa-*\n",
    "algorithms caret": "PubkeyAcceptedAlgorithms ^rsa-sha2-256\n",
    "algorithms wildcard": "PubkeyAcceptedAlgorithms sk-*\n",
    "algorithms unknown": "PubkeyAcceptedAlgorithms ssh-rot13\n",
    "algorithms in match": "PubkeyAcceptedAlgorithms ssh-ed25519\nMatch User bob\nPubkeyAcceptedAlgorithms +ssh-rsa\n",
    "ciphers plain": "Ciphers aes256-ctr,3des-cbc\nCiphers aes128-ctr\n",
    "ciphers plus": "Ciphers +aes128-cbc,3des-cbc\nMACs +hmac-md5\nKexAlgorithms +diffie-hellman-group1-sha1\n",
    "ciphers minus": "Ciphers -aes*,!aes256-ctr\nMACs -*sha1*,umac-*\nKexAlgorithms -*sha1,ecdh-*\n",
    "ciphers minus, negated": "Ciphers -*,!aes256-ctr\n",
    "ciphers minus all": "Ciphers -*\n",
    "ciphers caret": "Ciphers ^aes256-cbc,aes256-ctr\nHostKeyAlgorithms ^ssh-rsa\n",
    "ciphers wildcard": "Ciphers aes*\n",
    "ciphers wildcard plus": "Ciphers +*-cbc\n",
    "ciphers wildcard after an empty name": "Ciphers aes256-ctr,,*-cbc,bogus\n",
    "ciphers empty name first": "Ciphers ,3des-cbc\n",
    "ciphers nothing but an empty name": "Ciphers ,bogus\n",
    "ciphers unknown": "Ciphers arcfour\n",
    "ciphers unknown taken away": "Ciphers -arcfour\n",
    "ciphers upper case": "Ciphers AES256-CTR\n",
    "ciphers with a blank": "Ciphers aes256-ctr, 3des-cbc\n",
    "ciphers equals and quotes": 'Ciphers="aes256-ctr,3des-cbc" # c\n',
    "ciphers plus only": "Ciphers +\n",
    "ciphers in match": "Match User bob\nCiphers aes256-ctr\n",
    "macs unknown": "MACs hmac-sha2-1024\n",
    "kex unknown": "KexAlgorithms curve448\n",
    "kex twice": "KexAlgorithms curve25519-sha256\nKexAlgorithms +diffie-hellman-group1-sha1\n",
    "host key algorithms": "HostKeyAlgorithms +ssh-rsa,ssh-dss\n",
    "host key algorithms wildcard": "HostKeyAlgorithms *rsa*\n",
    "host key algorithms negated": "HostKeyAlgorithms !ssh-rsa\n",
    "authorities' signatures": "CASignatureAlgorithms +ssh-rsa\n",
    "authorities' signatures, certificate": "CASignatureAlgorithms ssh-ed25519-cert-v01@openssh.com\n",
    "authorities' signatures, minus": "CASignatureAlgorithms -rsa*\n",
    "match all counts while sshd starts": "PasswordAuthentication yes\nMatch all\nUsePAM yes\nPort 2222\nPasswordAuthentication no\nMatch User bob\nMaxAuthTries 2\n",
    "match all comes after": "UsePAM no\nMatch all\nUsePAM yes\nPermitRootLogin no\nAllowUsers bob\n",
    "match all adds to lists for the start only": "AllowUsers root\nMatch all\nAllowUsers bob\n",
    "match all in an include": {"/etc/ssh/sshd_config": "Include extra\nPermitRootLogin yes\n", "/etc/ssh/extra": "Match all\nUsePAM yes\nPermitRootLogin no\n"},
    "match all in an include in a match": {"/etc/ssh/sshd_config": "Match User bob\nInclude extra\n", "/etc/ssh/extra": "Match all\nUsePAM yes\n"},
    "include in match all": {"/etc/ssh/sshd_config": "Match all\nInclude extra\n", "/etc/ssh/extra": "UsePAM yes\nMatch User bob\nMaxAuthTries 2\n"},
    "match all, methods": "AuthenticationMethods publickey\nMatch all\nAuthenticationMethods any\n",
    "match all with an alias": "Match all\nDSAAuthentication no\n",
    "match rdomain any": "Match RDomain *\nMaxAuthTries 3\nMatch User bob RDomain *\nAllowUsers carol\n",
    "match localport by name": "Match LocalPort ssh\nMaxAuthTries 3\n",
    "match localport list": "Match LocalPort 22,2222\nMaxAuthTries 3\n",
    "rdomain set": "RDomain none\n",
    "number with a sign": "MaxAuthTries +3\nMaxSessions -1\n",
    "number with a plus": "MaxAuthTries +3\n",
    "number too large": "MaxAuthTries 2147483648\n",
    "hexadecimal number": "MaxAuthTries 0x3\n",
    "time too large": "LoginGraceTime 99999w\n",
    "bad log level": "LogLevel LOUD\n",
    "log level and more": "LogLevel INFO x\n",
    "log level in lower case": "LogLevel verbose\nSyslogFacility authpriv\nFingerprintHash MD5\n",
    "bad facility": "SyslogFacility MAIL\n",
    "environment": "SetEnv A=B C=D\nSetEnv\tE\n",
    "user environment and more": "PermitUserEnvironment LANG LC_*\n",
    "tunnel in upper case": "PermitTunnel YES\n",
    "open": "PermitOpen host:22 [::1]:80 *:*\nPermitListen 8080 localhost:10\n",
    "open without port": "PermitOpen host\n",
    "open any and more": "PermitOpen any host:22\n",
    "startups": "MaxStartups 10:30:60\n",
    "startups of two": "MaxStartups 10:30\n",
    "startups the wrong way round": "MaxStartups 60:30:10\n",
    "rekey": "RekeyLimit 1G 1h\n",
    "rekey too small": "RekeyLimit 15\n",
    "quality of service": "IPQoS ef 0x10\n",
    "quality of three services": "IPQoS ef cs1 cs2\n",
    "timeouts": "ChannelTimeout session=10m *=1h\nUnusedConnectionTimeout none\n",
    "timeout without time": "ChannelTimeout session\n",
    "no host key": "HostKey none\n",
    "relative files": "TrustedUserCAKeys etc/ssh/ca.pub\nRevokedKeys NONE\nBanner etc/issue\n",
    "keys command none": "AuthorizedKeysCommand None\n",
    "block size": "PerSourceNetBlockSize 32:129\n",
    "bad user pattern": "AllowUsers bob@10.0.0.1/8\n",
    "user with address": "AllowUsers bob@10.0.0.0/8 *@!192.0.2.9,192.0.2.*\n",
    "ignore rhosts": "IgnoreRhosts shosts-only\nHostbasedAuthentication yes\n",
    "numbers": "MaxAuthTries 2\nMaxAuthTries 5\nLoginGraceTime 2m\nClientAliveInterval 1h30m\n",
    "bad number": "MaxAuthTries two\n",
    "bad time": "LoginGraceTime 2x\n",
    "port twice": "Port 22\nPort 2222\n",
    "port zero": "Port 0\n",
    "port out of range": "Port 70000\n",
    "debian words": "DebianBanner no\nGSSAPIKeyExchange no\nGSSAPIAuthentication yes\n",
    "newer word": "PerSourcePenalties no\n",
    "refuse connection is newer": "RefuseConnection yes\n",
    "include once": {"/etc/ssh/sshd_config": f"Include {D}/*.conf\nPermitRootLogin yes\n", f"{D}/50.conf": "PermitRootLogin no\n"},
    "include after": {"/etc/ssh/sshd_config": f"PermitRootLogin yes\nInclude {D}/*.conf\n", f"{D}/50.conf": "PermitRootLogin no\n"},
    "include order": {"/etc/ssh/sshd_config": f"Include {D}/*.conf\n", f"{D}/9.conf": "MaxAuthTries 9\n", f"{D}/10.conf": "MaxAuthTries 10\n", f"{D}/A.conf": "MaxAuthTries 3\n"},
    "include order of case": {"/etc/ssh/sshd_config": f"Include {D}/*.conf\n", f"{D}/a.conf": "MaxAuthTries 9\n", f"{D}/B.conf": "MaxAuthTries 10\n"},
    "include hidden and other names": {"/etc/ssh/sshd_config": f"Include {D}/*.conf\n", f"{D}/.x.conf": "MaxAuthTries 9\n", f"{D}/a.conf.bak": "MaxAuthTries 2\n"},
    "include relative": {"/etc/ssh/sshd_config": "Include sshd_config.d/*.conf extra\n", f"{D}/a.conf": "MaxAuthTries 9\n", "/etc/ssh/extra": "MaxSessions 2\n"},
    "include missing": "Include /etc/ssh/none/*.conf /etc/ssh/nothing\nMaxAuthTries 3\n",
    "include nothing": "Include\n",
    "include broken file": {"/etc/ssh/sshd_config": f"Include {D}/*.conf\n", f"{D}/a.conf": "Nonsense yes\n"},
    "include with match ends with the file": {"/etc/ssh/sshd_config": f"Include {D}/*.conf\nPasswordAuthentication no\n", f"{D}/a.conf": "Match User bob\nPasswordAuthentication yes\n"},
    "include in match": {"/etc/ssh/sshd_config": "Match User bob\nInclude extra\nMatch all\nMaxAuthTries 4\n", "/etc/ssh/extra": "MaxAuthTries 2\n"},
    "match in include in match": {"/etc/ssh/sshd_config": "Match User bob\nInclude extra\nMaxSessions 3\n", "/etc/ssh/extra": "Match Address 10.0.0.0/8\nMaxAuthTries 2\nMatch all\nPermitEmptyPasswords yes\n"},
    "global word in include in match": {"/etc/ssh/sshd_config": "Match User bob\nInclude extra\n", "/etc/ssh/extra": "UsePAM yes\n"},
    "include in include": {"/etc/ssh/sshd_config": "Include extra\n", "/etc/ssh/extra": "Include more\nMaxAuthTries 2\n", "/etc/ssh/more": "Match User bob\nMaxAuthTries 5\n"},
    "include of itself": {"/etc/ssh/sshd_config": "Include extra\n", "/etc/ssh/extra": "Include extra\n"},
    "empty include file": {"/etc/ssh/sshd_config": f"Include {D}/*.conf\nUsePAM yes\n", f"{D}/a.conf": ""},
    "force command": "Match User bob\nForceCommand internal-sftp -d /up # not a comment\n",
    "subsystem twice": "Subsystem sftp /bin/a\nSubsystem sftp /bin/b\n",
    "subsystem in match": "Match User bob\nSubsystem sftp internal-sftp\n",
    "nul and no newline": "PermitRootLogin no",
    "non-ascii": "Banner /etc/motd-é\nAllowUsers bób bob\n",
    "revoked and trusted": "RevokedKeys /etc/ssh/revoked\nTrustedUserCAKeys /etc/ssh/ca.pub\nAuthorizedPrincipalsFile /etc/ssh/p/%u\n",
    "rdomain": "Match RDomain vrf1\nMaxAuthTries 3\n",
    "invalid-user is newer": "Match Invalid-User\nMaxAuthTries 3\n",
    "listen": "ListenAddress 10.0.0.1:2222\nListenAddress [::1]:23\nListenAddress 127.0.0.1\n",
}  # fmt: skip


def files_of(case: str | dict[str, str]) -> dict[str, str]:
    return {"/etc/ssh/sshd_config": case} if isinstance(case, str) else case


SCRIPT = """
mkdir -p /run/sshd; chmod 755 /run/sshd
for case in /cases/*; do
  rm -rf /etc/ssh/sshd_config /etc/ssh/sshd_config.d /etc/ssh/extra /etc/ssh/more; mkdir -p /etc/ssh/sshd_config.d
  cp -r $case/etc/ssh/. /etc/ssh/
  echo "=== $(basename $case)"
  /usr/sbin/sshd -t >/tmp/out 2>&1; echo "--- t $?"; tail -1 /tmp/out
  echo "--- T plain"; /usr/sbin/sshd -T 2>&1
  for who in $(cat /cases.who); do echo "--- T $who"; /usr/sbin/sshd -T -C "$who" 2>&1; done
done
"""


@pytest.fixture(scope="module")
def answers() -> Iterator[dict[str, dict[str, str]]]:
    """Case → {`t`: exit code, connection → dump}, all asked in one root."""
    with lab.overlay({"/etc/passwd": PASSWD + "sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n", "/etc/group": GROUP}) as root:
        for number, case in enumerate(CASES.values()):
            lab.write(root, {f"/cases/{number:03}{path}": text for path, text in files_of(case).items()})
        (root / "cases.who").write_text("\n".join(",".join(f"{k}={v}" for k, v in who.items()) for who in WHO) + "\n")
        yield parse(lab.run(root, ["sh", "-c", SCRIPT], timeout=300).stdout)


def parse(output: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for block in output.split("=== ")[1:]:
        number, _, rest = block.partition("\n")
        name = list(CASES)[int(number)]
        found[name] = {}
        for part in rest.split("--- ")[1:]:
            head, _, body = part.partition("\n")
            kind, _, detail = head.partition(" ")
            found[name][detail if kind == "T" else "t"] = body if kind == "T" else detail
    return found


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_sshd(name: str, answers: dict[str, dict[str, str]]) -> None:
    host = host_with({"/etc/passwd": PASSWD, "/etc/group": GROUP, **files_of(CASES[name])}, artifacts={"packages": "openssh-server 1:9.2p1-2+deb12u5\n"},
                     modes={D: (0o755, 0, 0)})  # fmt: skip
    refusal = host.ssh.refusal(Server(Daemon(), host.ssh.settings))
    said = answers[name]
    assert (said["t"] == "0") == (refusal is None), (said, refusal)
    if refusal is not None:
        return
    theirs, outside = parse_dump(said["plain"]), host.ssh.effective()
    wrong = "not in connection test" not in said["plain"] and {
        key: (theirs.get(key, ""), outside.get(key)) for key in DECISIVE if not same(key, theirs.get(key, ""), outside.get(key))
    }
    assert not wrong, json.dumps({"plain: sshd, ours": wrong}, indent=1)
    for who in WHO:
        theirs = parse_dump(said[",".join(f"{key}={value}" for key, value in who.items())])
        ours = host.ssh.effective(who["user"], who["addr"], who["host"], who.get("laddr", ""), int(who.get("lport", -1)))
        wrong = {
            key: (theirs.get(key, ""), ours.get(key)) for key in (*DECISIVE, *KEYWORDS) if not same(key, theirs.get(key, ""), ours.get(key))
        }
        assert not wrong, json.dumps({"who": who, "sshd, ours": wrong}, indent=1)


def test_cases_have_paths() -> None:
    assert all(Path(path).is_absolute() for case in CASES.values() for path in files_of(case))
