"""Secrets are masked at the source, by two implementations that agree byte for byte."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit.collectors import script
from sovaudit.collectors.masking import HOLDS_KEY, NOT_TEXT, mask, mask_password

PASSWORDS = {
    "": "", "*": "*", "x": "x", "!": "!", "!!": "!!", "!*": "!*",
    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7": "$y$j9T$masked",
    "!$y$j9T$salt$hash": "!$y$j9T$masked",
    "$6$saltsalt$abcdef": "$6$masked",
    "$6$rounds=5000$saltsalt$abcdef": "$6$rounds=5000$masked",
    "$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m": "$2b$12$masked",
    "$1$abc$def": "$1$masked",
    "$7$CU..../....2Q9obwLhin8qvQl6sisAO/$E1HizYWxBmnIH4sdPkd1UOML9t62Gf.wvNTnt5XFzs8": "$7$masked",
    "$md5,rounds=904$iPPKEBnEkp3JV8uX$0L6m7rOFTVFn.SGqo2M9W1": "$md5,rounds=904$masked",
    "$sha1$40000$jtNX3nZ2$hBNaIXkt4wBI2o5rsi8KejSjNqIq": "$sha1$40000$masked",
    "abJnggxhB/yWI": "<des>", "_J9..K0AyUubDrfOgO4s": "<bsdi>", "NP": "<other>", "hunter2": "<other>",
    "abJnggxhB/yWI" + "12345678./a": "<des>", "abJnggxhB/yWI,M.z8": "<des>", "abJnggxhB/yWI12,M.z8": "<other>", "!abJnggxhB/yWI,": "!<des>",
}  # fmt: skip

# (family, line, what must not survive)
SECRETS = [
    ("plain", "bindpw s3cr3tValue", "s3cr3tValue"),
    ("plain", "ldap_default_authtok = s3cr3t Value two", "Value"),
    ("plain", "# old password: s3cr3tValue", "s3cr3tValue"),
    ("plain", "url = https://bob:s3cr3tValue@example.org/x", "s3cr3tValue"),
    ("plain", "*/5 * * * * root curl 'https://x.org/api?token=s3cr3tValue'", "s3cr3tValue"),
    ("cron", "* * * * * root curl -H 'Authorization: Bearer s3cr3tValue9' http://x", "s3cr3tValue9"),
    ("cron", "DB_PASSWORD=s3cr3tValue", "s3cr3tValue"),
    ("cron", "1 2 * * * root mysqldump -u root -ps3cr3tValue db", "s3cr3tValue"),
    ("cron", "1 2 * * * root curl -u bob:s3cr3tValue http://x", "s3cr3tValue"),
    ("cron", "1 2 * * * root tool --password s3cr3tValue --x", "s3cr3tValue"),
    ("cron", "1 2 * * * root curl https://hooks.slack.com/services/T00000000/B00000000/XXXXaaaaBBBB1111ccccDDDD", "XXXXaaaaBBBB1111ccccDDDD"),
    ("sudo", "bob ALL=(root) /usr/bin/tool --token=s3cr3tValue", "s3cr3tValue"),
    ("doas", "permit nopass setenv { DB_PASS=s3cr3tValue } bob", "s3cr3tValue"),
    ("rsyslog", 'action(type="ommysql" server="x" db="d" uid="u" pwd="s3cr3tValue")', "s3cr3tValue"),
    ("rsyslog", "*.* :ommysql:host,db,user,s3cr3tValue", "s3cr3tValue"),
    ("rsyslog", "*.* >host,db,user,s3cr3tValue", "s3cr3tValue"),
    ("syslogng", 'destination d { sql(username("u") password("s3cr3tValue")); };', "s3cr3tValue"),
    ("plain", "Environment=API_KEY=s3cr3tValue OTHER=1", "s3cr3tValue"),
    ("plain", "key AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
    ("plain", "root:$6$saltsalt$abcdefs3cr3tValue", "s3cr3tValue"),
    ("plain", "userPassword: {SSHA}s3cr3tValue==", "s3cr3tValue"),
    ("plain", "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8=", "aGVsbG8"),
    ("oath", "HOTP/T30 alice 1234 3132333435363738393031323334353637383930", "3132333435"),
    ("shadow", "bob:hunter2s3cr3tValue:19000:0:::::", "s3cr3tValue"),
    ("rc", "export FOO=s3cr3tValue", "s3cr3tValue"),
    ("cron", "* * * * * root echo 'root:s3cr3tValue' | chpasswd", "s3cr3tValue"),
    ("cron", "* * * * * root echo s3cr3tValue | sudo -S id", "s3cr3tValue"),
    ("cron", "* * * * * root ldapadd -x -D cn=admin -w s3cr3tValue -f x", "s3cr3tValue"),
    ("cron", "* * * * * root openssl enc -aes256 -k s3cr3tValue -in x", "s3cr3tValue"),
    ("cron", "* * * * * root gpg --batch --passphrase s3cr3tValue -c x", "s3cr3tValue"),
    ("cron", "* * * * * root htpasswd -b /x bob s3cr3tValue", "s3cr3tValue"),
    ("cron", "* * * * * root sshpass -p 's3cr3tValue' ssh x", "s3cr3tValue"),
    ("cron", "* * * * * root smbclient //h/x -U bob%s3cr3tValue", "s3cr3tValue"),
    ("cron", "* * * * * root redis-cli -a s3cr3tValue info; ipmitool -P s3cr3tValue sel", "s3cr3tValue"),
    ("cron", "* * * * * root docker login -u x -p s3cr3tValue", "s3cr3tValue"),
    ("cron", "* * * * * root vault login s3cr3tValue", "s3cr3tValue"),
    ("cron", "* * * * * root zabbix --tls-psk s3cr3tValue --requirepass s3cr3tValue", "s3cr3tValue"),
    ("plain", "DB_PASSWORD DEFAULT=s3cr3tValue", "s3cr3tValue"),
    ("plain", "requirepass s3cr3tValue", "s3cr3tValue"),
    ("plain", "machine x login y password s3cr3tValue", "s3cr3tValue"),
    ("ntp", "1 M s3cr3tValue", "s3cr3tValue"),
    ("chrony", "1 SHA1 HEX:s3cr3tValue", "s3cr3tValue"),
    ("pam", "auth required pam_yubico.so id=1 key=s3cr3tValue", "s3cr3tValue"),
    ("plain", "skey = s3cr3tValue", "s3cr3tValue"),
    ("rsyslog", 'action(type="omhttp" httpheadervalue="Splunk s3cr3tValue")', "s3cr3tValue"),
    ("rc", "A=1 B='s3cr3t Value' C=\"x s3cr3tValue\" cmd", "s3cr3t"),
    ("rc", 'alias x="ldap -x s3cr3tValue', "s3cr3tValue"),
    ("rc", "  if true; then X=ab\"s3cr3tValue\"'s3cr3tValue'; fi", "s3cr3tValue"),
    ("rc", "export FOO=${BAR:-s3cr3tValue}", "FOO=s3cr3tValue"),
    ("rc", "export OPENAI=sk-s3cr3tValue # mine", "s3cr3tValue"),
    ("rc", "\tX=s3cr3t\\ Value", "s3cr3t"),
]  # fmt: skip

# What facts read must come through unchanged.
KEPT = [
    ("sshd", "PasswordAuthentication no"),
    ("sshd", "PermitEmptyPasswords no # password: no"),
    ("sshd", "AuthenticationMethods publickey,password"),
    ("sshd", "AuthorizedKeysFile .ssh/authorized_keys /etc/keys/%u"),
    ("plain", "PASS_MAX_DAYS\t99999"),
    ("plain", "ENCRYPT_METHOD SHA512"),
    ("plain", "minlen = 12"),
    ("pam", "password requisite pam_pwquality.so retry=3 minlen=12 authtok_type=UNIX"),
    ("pam", "-password sufficient pam_gnome_keyring.so use_authtok"),
    ("pam", "password [success=1 default=ignore] pam_unix.so obscure use_authtok try_first_pass yescrypt"),
    ("pam", "auth required pam_google_authenticator.so secret=/var/otp/${USER} nullok"),
    ("pam", "auth required pam_google_authenticator.so secret=${HOME}/.ga user=root"),
    ("pam", "auth required pam_oath.so usersfile=/etc/users.oath window=10"),
    ("sudo", "%admins ALL=(ALL) NOPASSWD: ALL"),
    ("doas", "permit nopass :wheel as root cmd id"),
    ("doas", "permit keepenv nopass\t:1001"),
    ("sudo", "bob ALL=(ALL) PASSWD: /bin/ls, NOPASSWD: /bin/cat"),
    ("sudo", "Defaults passwd_tries=3, passwd_timeout=5"),
    ("sudo", 'Defaults passprompt="[sudo] password for %p: "'),
    ("sudo", "bob ALL = sha256:0123abcd /usr/bin/tool"),
    ("nss", "passwd: files systemd"),
    ("nss", "shadow: files sss"),
    ("plain", "cache_credentials = true"),
    ("rsyslog", "auth,authpriv.*\t\t/var/log/auth.log"),
    ("rsyslog", '*.* action(type="omfwd" target="log.example.org" port="6514" protocol="tcp" StreamDriver="gtls")'),
    ("rsyslog", "*.* @@log.example.org:6514"),
    ("logrotate", "    rotate 26"),
    ("plain", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl bob@host"),
    ("pam", "password required pam_unix.so obscure"),
    ("chrony", "server 1.2.3.4 key 1 iburst"),
    ("cron", "0 1 * * * root echo hello | logger -p auth.info"),
    ("rc", '[ -n "$PS1" ] && . ~/.bashrc; umask 027'),
    ("rc", "readonly TMOUT=900; export TMOUT"),
    ("rc", "    force_color_prompt=yes; X=0022 umask $X"),
    ("rc", 'if [ "$color_prompt" = yes ]; then HOME="$HOME"; fi'),
    ("rc", 'ENV=$HOME/.shrc; test "x$A" == "xb" && case $- in *i*) ;; esac'),
    ("cron", "25 6 * * * root test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "shown"), PASSWORDS.items(), ids=range(len(PASSWORDS)))
def test_password_field(field: str, shown: str) -> None:
    assert mask_password(field.encode()).decode() == shown


@pytest.mark.parametrize(("family", "line", "secret"), SECRETS, ids=[f"{case[0]}-{number}" for number, case in enumerate(SECRETS)])
def test_secret_is_masked(family: str, line: str, secret: str) -> None:
    shown = mask(family, line.encode())
    assert isinstance(shown, bytes)
    assert secret.encode() not in shown
    assert b"masked" in shown or b"<other>" in shown


@pytest.mark.parametrize(("family", "line"), KEPT, ids=[f"{case[0]}-{number}" for number, case in enumerate(KEPT)])
def test_what_facts_need_is_kept(family: str, line: str) -> None:
    assert mask(family, line.encode()) == line.encode()


@pytest.mark.parametrize(
    "body", ["-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", "a\nPuTTY-User-Key-File-3: ssh-rsa\n", "-----BEGIN RSA PRIVATE KEY-----"]
)
def test_a_file_with_a_private_key_is_not_brought(body: str) -> None:
    assert mask("plain", body.encode()) == HOLDS_KEY


def test_binary_is_not_brought_and_final_newlines_stay() -> None:
    assert mask("plain", b"a\0b") == NOT_TEXT
    assert [mask("plain", data) for data in (b"", b"\n", b"a", b"a\n", b"a\n\n", b"\r\n")] == [b"", b"\n", b"a", b"a\n", b"a\n\n", b"\r\n"]


AWKS = [awk for awk in (("mawk",), ("gawk",), ("busybox", "awk")) if shutil.which(awk[0])]
WORDS = [
    "password", "passwd", "secret=", "PASSWORD=", "token", ": ", "=", "(", '"', "'", "://", "a:b@", "@", "$6$", "$y$j9T$", "{SSHA}", "-p", "-u ", "--password ", "-w ", "mysql", "Bearer ",
    "abc123", " ", "\t", "#", ",", ";", "eyJ", "/", "/aaaaaaaaaaaaaaaaaaaaa1", "NOPASSWD:", "yes", "no", "é", ">h,d,u,p", ":omusrmsg:", ":ommysql:a,b,c,d", "\\", "%", "&", "bindpw ",
    "bad configuration option: ", "echo ", "|", "chpasswd", "-P ", "openssl", "-k ", "-U a%", "smbclient", "snmp", "login ", " key=", " DEFAULT=", "htpasswd -b ", "vault login ", "1 ",
    "X=", "export ", "TMOUT=", "A+=", "$HOME", "${B}", "$(", "`", ")", "9",
]  # fmt: skip


def _awk(awk: tuple[str, ...], family: str, lines: list[bytes]) -> list[bytes]:
    program = script.awk().replace("BEGIN {", 'function unused() {}\nBEGIN { FAMILY = ENVIRON["FAMILY"]\n', 1)
    program = program.replace(
        "print mask_line(fam, line)",
        'print (FAMILY == "shadow" ? account_line(line) : FAMILY == "oath" ? oath_line(line) : FAMILY == "rc" ? startup_line(line) : mask_line(FAMILY, line))',
    )
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "SOVAUDIT_N": "0123456789abcdef", "SOVAUDIT_MODE": "filter", "FAMILY": family}
    shown = subprocess.run([*awk, program], input=b"\n".join(lines) + b"\n", capture_output=True, env=environment, timeout=60)
    assert shown.stderr == b""
    return shown.stdout.split(b"\n")[:-1]


@pytest.mark.parametrize("awk", AWKS, ids=[awk[0] for awk in AWKS])
@pytest.mark.parametrize("family", ["plain", "pam", "sudo", "doas", "shadow", "oath", "nss", "audit", "rc", "chrony"])
def test_both_implementations_agree(awk: tuple[str, ...], family: str) -> None:
    import random

    dice = random.Random(f"{family} 1")
    lines = (
        [line.encode() for _, line, _ in SECRETS] + [line.encode() for _, line in KEPT] + [f"u:{field}:1::".encode() for field in PASSWORDS]
    )
    lines += ["".join(dice.choices(WORDS, k=dice.randint(1, 12))).encode() for _ in range(3000)]
    lines += [bytes(dice.choices([*range(1, 10), *range(11, 256)], k=20)) for _ in range(300)]
    expected = [mask(family, line + b"\n") for line in lines]
    seen = _awk(awk, family, lines)
    assert len(seen) == len(lines)
    wrong = [(line, one, other) for line, one, other in zip(lines, expected, seen, strict=True) if one != other + b"\n"]
    assert wrong[:5] == []


@given(st.binary(max_size=200), st.sampled_from(["plain", "pam", "sudo", "doas", "shadow", "oath", "rc"]))
@settings(max_examples=200, deadline=None)
def test_no_input_crashes_it(data: bytes, family: str) -> None:
    shown = mask(family, data)
    assert isinstance(shown, str) or shown.count(b"\n") == data.count(b"\n")


def test_a_long_line_takes_linear_time() -> None:
    for piece in (b"password=", b"://a", b"token ", b"$6$", b"-p ", b"a:"):
        assert mask("plain", piece * 20_000)
