"""Random but plausible sshd configurations with their drop-ins, for tests/truth/test_random.py."""

from __future__ import annotations

import random

FOLDER = "/etc/ssh/sshd_config.d"
METHODS = ("publickey", "password", "keyboard-interactive", "keyboard-interactive:pam", "hostbased", "publickey,password", "publickey,keyboard-interactive",
           "publickey,keyboard-interactive:pam", "password,publickey", "publickey,publickey", "keyboard-interactive,password", "gssapi-with-mic,publickey",
           "publickey,password,keyboard-interactive")  # fmt: skip
USERS = (
    "bob",
    "root",
    "b*",
    "!bob",
    "*",
    "carol",
    "?ob",
    "bob@10.0.0.0/8",
    "bob@10.*",
    "*@192.0.2.9",
    "carol@*.example",
    "root@!10.1.2.3,*",
    "nobody7",
    "bob@localhost",
    "*@2001:db8::/32",
)
GROUPS = ("sudo", "staff", "bob", "s*", "!sudo", "*", "root", "carol", "none", "???")
ADDRESSES = (
    "10.0.0.0/8",
    "10.1.2.3",
    "192.0.2.0/24",
    "!192.0.2.9,192.0.2.0/24",
    "2001:db8::/32",
    "10.1.*",
    "*",
    "127.0.0.1",
    "10.0.0.0/8,127.0.0.0/8",
    "!10.1.2.3,*",
    "::1/128",
    "192.0.2.9/32",
    "0.0.0.0/0",
    "::/0",
    "1?.*",
)
HOSTS = ("*.example", "localhost", "pc.corp.*", "10.1.2.3", "!pc.corp.example,*", "PC.corp.example", "*", "192.0.2.9")
FLAGS = (
    "PasswordAuthentication",
    "KbdInteractiveAuthentication",
    "ChallengeResponseAuthentication",
    "PubkeyAuthentication",
    "PermitEmptyPasswords",
    "HostbasedAuthentication",
    "GSSAPIAuthentication",
    "KerberosAuthentication",
    "DSAAuthentication",
)
GLOBAL = ("UsePAM", "StrictModes", "UseDNS", "IgnoreRhosts", "PermitUserEnvironment")


def _flag(dice: random.Random) -> str:
    return dice.choice(["yes", "no", "yes", "no", "YES", "No", '"yes"', "true", "1"] if dice.random() < 0.2 else ["yes", "no"])


def _some(dice: random.Random, words: tuple[str, ...], most: int) -> str:
    return dice.choice([" ", " ", "  ", "\t"]).join(dice.choice(words) for _ in range(dice.randint(1, most)))


def setting(dice: random.Random, *, inside: bool) -> str:
    """One line."""
    kinds = [
        lambda: f"{dice.choice(FLAGS)} {_flag(dice)}",
        lambda: f"{dice.choice(FLAGS)} {_flag(dice)}",
        lambda: f"AuthenticationMethods {'any' if dice.random() < 0.2 else _some(dice, METHODS, 3)}",
        lambda: f"PermitRootLogin {dice.choice(['yes', 'no', 'prohibit-password', 'without-password', 'forced-commands-only'])}",
        lambda: f"{dice.choice(['AllowUsers', 'DenyUsers'])} {_some(dice, USERS, 3)}",
        lambda: f"{dice.choice(['AllowGroups', 'DenyGroups'])} {_some(dice, GROUPS, 2)}",
        lambda: f"AuthorizedKeysFile {_some(dice, ('.ssh/a', '/etc/keys/%u', '%h/.ssh/b', 'none'), 3)}",
        lambda: dice.choice(["ForceCommand /bin/true", "ForceCommand none", "ForceCommand internal-sftp -l INFO", "ChrootDirectory none", "ChrootDirectory /srv/%u", "X11Forwarding no"]),
        lambda: dice.choice(["MaxAuthTries 3", "MaxAuthTries=4", "MaxSessions 2", "PubkeyAuthOptions verify-required", "PubkeyAuthOptions none", "TrustedUserCAKeys /etc/ssh/ca.pub",
                             "AuthorizedPrincipalsFile /etc/ssh/p/%u", "RevokedKeys none", "RevokedKeys /etc/ssh/revoked", "PubkeyAcceptedAlgorithms ssh-ed25519,sk-*",
                             "PubkeyAcceptedAlgorithms +ssh-rsa", "PubkeyAcceptedAlgorithms -*ed25519*", "PubkeyAcceptedKeyTypes ^rsa-*"]),
    ]  # fmt: skip
    if not inside or dice.random() < 0.03:
        kinds.append(lambda: f"{dice.choice(GLOBAL)} {_flag(dice)}")
    text = dice.choice(kinds)()
    odd = dice.random()
    if odd < 0.06:
        text = text.replace(" ", dice.choice(["=", " = ", "\t", "  "]), 1)
    elif odd < 0.1:
        text += dice.choice([" # why", "  ", "\t", " #", '"', " extra"])
    elif odd < 0.15:
        text = text.upper().split(" ")[0] + text[len(text.split(" ")[0]) :]
    elif odd < 0.18:
        text = dice.choice(["# ", "#", "  ", "\t"]) + text
    return text


def match(dice: random.Random) -> str:
    """A Match line."""
    if dice.random() < 0.1:
        return dice.choice(["Match all", "Match All", "match ALL", "Match all # x", "Match"])
    parts = []
    for _ in range(dice.choice([1, 1, 1, 2])):
        kind = dice.choice(["User", "Group", "Address", "Host", "LocalPort", "LocalAddress"])
        value = {
            "User": lambda: ",".join(dice.sample(["bob", "root", "carol", "b*", "!bob", "*", "!root", "nobody7"], dice.randint(1, 2))),
            "Group": lambda: ",".join(dice.sample(["sudo", "staff", "bob", "!sudo", "*", "s*", "none"], dice.randint(1, 2))),
            "Address": lambda: dice.choice(ADDRESSES),
            "Host": lambda: dice.choice(HOSTS),
            "LocalPort": lambda: dice.choice(["22", "2222", "22,2222", "99"]),
            "LocalAddress": lambda: dice.choice(["10.0.0.0/24", "2001:db8::1", "127.0.0.1", "*"]),
        }[kind]()
        parts.append(f"{dice.choice([kind, kind, kind.lower()])}{dice.choice([' ', ' ', '='])}{value}")
    return "Match " + " ".join(parts)


def block(dice: random.Random, most: int, includes: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    inside = False
    for _ in range(dice.randint(0, most)):
        kind = dice.random()
        if kind < 0.2:
            lines.append(match(dice))
            inside = True
        elif kind < 0.28 and includes:
            lines.append(f"Include {dice.choice(includes)}")
        else:
            lines.append(("    " if inside else "") + setting(dice, inside=inside))
    return lines


def files(dice: random.Random) -> dict[str, str]:
    """sshd_config and what it includes."""
    made = {
        f"{FOLDER}/{name}": "\n".join(block(dice, 4, ())) + "\n"
        for name in dice.sample(["10-a.conf", "50-b.conf", "9-c.conf", "Z.conf", "x.conf.bak"], dice.randint(0, 3))
    }
    made["/etc/ssh/extra"] = "\n".join(block(dice, 3, ("/etc/ssh/more",))) + "\n"
    made["/etc/ssh/more"] = "\n".join(block(dice, 3, ())) + "\n"
    lines = block(dice, 8, (f"{FOLDER}/*.conf", "extra", "/etc/ssh/more", "sshd_config.d/5*.conf extra", "/etc/ssh/nothing"))
    if dice.random() < 0.5:
        lines.insert(0, f"Include {FOLDER}/*.conf")
    made["/etc/ssh/sshd_config"] = "\n".join(lines) + dice.choice(["\n", "\n", ""])
    return made
