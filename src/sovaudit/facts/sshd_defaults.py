"""sshd's keywords: how each is written, where it may stand, and what holds when nobody says anything.

After servconf.c of OpenSSH 8.4 to 10.0 with the patches of Debian and Red Hat (GSSAPI key exchange, DebianBanner). Distributions do not
change the compiled defaults of what decides a login; they change the shipped file (`UsePAM yes`, `KbdInteractiveAuthentication no`),
which is evidence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, unique

from sovaudit.facts.ssh_algorithms import KEYWORDS as ALGORITHMS
from sovaudit.facts.ssh_algorithms import default

Version = tuple[int, int]


@unique
class Kind(StrEnum):
    """How a keyword's arguments are read."""

    CHOICE = "choice"  # one word out of a list, case ignored; the first value counts
    NUMBER = "number"
    TIME = "time"
    WORD = "word"  # one argument; the first counts
    WORDS = "words"  # several arguments on one line; the first line counts
    ADD = "add"  # every line adds its arguments
    ADD_WORD = "add word"  # every line adds one argument
    LISTEN = "listen"
    SUBSYSTEM = "subsystem"
    REST = "rest"  # the rest of the line as it stands
    COMMAND = "command"  # the same, an absolute path or `none`
    ALGORITHMS = "algorithms"
    METHODS = "methods"
    OPTIONS = "options"
    LOOSE = "loose"  # arguments that decide nothing here; only their presence is asked
    IGNORED = "ignored"  # deprecated or unsupported: accepted and without effect
    INCLUDE = "include"
    MATCH = "match"


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword. in_match: allowed inside a Match block. since: the first version that knows it. choices: spelling → canonical value."""

    name: str
    kind: Kind
    in_match: bool = True
    since: Version = (0, 0)
    choices: tuple[tuple[str, str], ...] = ()


_FLAG = (("yes", "yes"), ("no", "no"))
_ROOT = (
    ("without-password", "without-password"),
    ("prohibit-password", "without-password"),
    ("forced-commands-only", "forced-commands-only"),
    *_FLAG,
)
_RHOSTS = (*_FLAG, ("shosts-only", "shosts-only"))
_FORWARD = (("yes", "yes"), ("all", "yes"), ("no", "no"), ("remote", "remote"), ("local", "local"))
_COMPRESSION = (("yes", "yes"), ("delayed", "yes"), ("no", "no"))
_FAMILY = (("inet", "inet"), ("inet6", "inet6"), ("any", "any"))
_GATEWAY = (("clientspecified", "clientspecified"), *_FLAG)


def _keywords() -> dict[str, Keyword]:
    table: dict[str, Keyword] = {}

    def add(names: str, kind: Kind, in_match: bool = True, since: Version = (0, 0), choices: tuple[tuple[str, str], ...] = ()) -> None:
        for name in names.split():
            table[name] = Keyword(name, kind, in_match, since, choices)

    add("usepam strictmodes ignoreuserknownhosts printmotd printlastlog tcpkeepalive usedns", Kind.CHOICE, False, choices=_FLAG)
    add("challengeresponseauthentication", Kind.CHOICE, False, choices=_FLAG)
    add("kerberosorlocalpasswd kerberosticketcleanup gssapicleanupcredentials gssapistrictacceptorcheck", Kind.CHOICE, False, choices=_FLAG)
    add("gssapikeyexchange gssapistorecredentialsonrekey debianbanner gssapienablek5users", Kind.CHOICE, False, choices=_FLAG)
    add("kerberosauthentication gssapiauthentication passwordauthentication kbdinteractiveauthentication", Kind.CHOICE, choices=_FLAG)
    add("pubkeyauthentication hostbasedauthentication hostbasedusesnamefrompacketonly permitemptypasswords", Kind.CHOICE, choices=_FLAG)
    add(
        "permittty permituserrc x11forwarding x11uselocalhost allowagentforwarding disableforwarding exposeauthinfo",
        Kind.CHOICE,
        choices=_FLAG,
    )
    add("streamlocalbindunlink", Kind.CHOICE, choices=_FLAG)
    add("refuseconnection", Kind.CHOICE, since=(9, 9), choices=_FLAG)
    add("permitrootlogin", Kind.CHOICE, choices=_ROOT)
    add("ignorerhosts", Kind.CHOICE, choices=_RHOSTS)
    add("allowtcpforwarding allowstreamlocalforwarding", Kind.CHOICE, choices=_FORWARD)
    add("compression", Kind.CHOICE, False, choices=_COMPRESSION)
    add("addressfamily", Kind.CHOICE, False, choices=_FAMILY)
    add("gatewayports", Kind.CHOICE, choices=_GATEWAY)
    add("maxauthtries maxsessions clientalivecountmax x11displayoffset", Kind.NUMBER)
    add("requiredrsasize", Kind.NUMBER, since=(8, 7))
    add("logingracetime", Kind.TIME, False)
    add("clientaliveinterval", Kind.TIME)
    add("allowusers denyusers allowgroups denygroups acceptenv", Kind.ADD)
    add("port hostkey hostcertificate", Kind.ADD_WORD, False)
    add("listenaddress", Kind.LISTEN, False)
    add("subsystem", Kind.SUBSYSTEM)
    add("authorizedkeysfile", Kind.WORDS)
    add("authenticationmethods", Kind.METHODS)
    add("pubkeyauthoptions", Kind.OPTIONS)
    add("pubkeyacceptedalgorithms hostbasedacceptedalgorithms casignaturealgorithms", Kind.ALGORITHMS)
    add("hostkeyalgorithms ciphers macs kexalgorithms", Kind.ALGORITHMS, False)
    add("forcecommand", Kind.REST)
    add("versionaddendum", Kind.REST, False)
    add("authorizedkeyscommand authorizedprincipalscommand", Kind.COMMAND)
    add("chrootdirectory trustedusercakeys revokedkeys authorizedprincipalsfile banner", Kind.WORD)
    add("authorizedkeyscommanduser authorizedprincipalscommanduser", Kind.WORD)
    add("pidfile modulifile xauthlocation hostkeyagent securitykeyprovider", Kind.WORD, False)
    add("pamservicename", Kind.WORD, since=(9, 8))
    add("sshdsessionpath", Kind.WORD, False, since=(9, 8))
    add("sshdauthpath", Kind.WORD, False, since=(10, 0))
    add("loglevel setenv permittunnel permitopen permitlisten ipqos streamlocalbindmask rekeylimit rdomain", Kind.LOOSE)
    add("logverbose", Kind.LOOSE, since=(8, 5))
    add("channeltimeout unusedconnectiontimeout", Kind.LOOSE, since=(9, 2))
    add("syslogfacility permituserenvironment maxstartups fingerprinthash gssapikexalgorithms", Kind.LOOSE, False)
    add("persourcemaxstartups persourcenetblocksize", Kind.LOOSE, False, since=(8, 5))
    add("persourcepenalties persourcepenaltyexemptlist", Kind.LOOSE, False, since=(9, 8))
    add("include", Kind.INCLUDE)
    add("match", Kind.MATCH)
    add("pamauthenticationviakbdint serverkeybits keyregenerationinterval rhostsauthentication uselogin checkmail", Kind.IGNORED, False)
    add("verifyreversemapping reversemappingcheck useprivilegeseparation protocol kerberosgetafstoken", Kind.IGNORED, False)
    add("kerberostgtpassing afstokenpassing", Kind.IGNORED, False)
    add("rhostsrsaauthentication rsaauthentication authorizedkeysfile2", Kind.IGNORED)
    return table


KEYWORDS = _keywords()
ALIASES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "hostbasedacceptedkeytypes": "hostbasedacceptedalgorithms",
    "dsaauthentication": "pubkeyauthentication",
    "hostdsakey": "hostkey",
    "keepalive": "tcpkeepalive",
}
GLOBAL_ALIASES = frozenset({"dsaauthentication", "hostdsakey", "keepalive"})  # allowed outside Match only, whatever they stand for

CHALLENGE = "challengeresponseauthentication"
# Words that became aliases with 8.7 only; before, `KbdInteractiveAuthentication no` closed nothing while the other said yes
YOUNG_ALIASES = {CHALLENGE: CHALLENGE, "skeyauthentication": CHALLENGE}

METHODS = ("none", "publickey", "gssapi-with-mic", "gssapi-keyex", "password", "keyboard-interactive", "hostbased")


def defaults(version: Version) -> dict[str, tuple[str, ...]]:
    """Compiled defaults of the keywords that we answer for, as `sshd -T` prints them (fill_default_server_options)."""
    return {
        "usepam": ("no",), "strictmodes": ("yes",), "usedns": ("no",), "permitrootlogin": ("without-password",), "ignorerhosts": ("yes",),
        "ignoreuserknownhosts": ("no",), "pubkeyauthentication": ("yes",), "passwordauthentication": ("yes",),
        "kbdinteractiveauthentication": ("yes",),
        "kerberosauthentication": ("no",), "kerberosorlocalpasswd": ("yes",), "gssapiauthentication": ("no",), "gssapikeyexchange": ("no",),
        "hostbasedauthentication": ("no",), "hostbasedusesnamefrompacketonly": ("no",),
        "permitemptypasswords": ("no",),
        "authorizedkeysfile": (".ssh/authorized_keys", ".ssh/authorized_keys2"), "authorizedkeyscommand": ("none",),
        "authorizedkeyscommanduser": ("none",), "authorizedprincipalsfile": ("none",), "authorizedprincipalscommand": ("none",),
        "authorizedprincipalscommanduser": ("none",), "trustedusercakeys": ("none",), "revokedkeys": ("none",), "forcecommand": ("none",),
        "chrootdirectory": ("none",), "banner": ("none",),
        "authenticationmethods": ("any",), "pubkeyauthoptions": ("none",), "maxauthtries": ("6",),
        "maxsessions": ("10",), "clientaliveinterval": ("0",),
        "clientalivecountmax": ("3",), "logingracetime": ("120",), "requiredrsasize": ("1024",),
        "port": ("22",), "permittty": ("yes",), "permituserrc": ("yes",), "x11forwarding": ("no",), "allowtcpforwarding": ("yes",),
        "allowagentforwarding": ("yes",), "allowstreamlocalforwarding": ("yes",), "disableforwarding": ("no",), "gatewayports": ("no",),
        "exposeauthinfo": ("no",), "printmotd": ("yes",), "printlastlog": ("yes",), "tcpkeepalive": ("yes",), "compression": ("yes",),
        "addressfamily": ("any",), "refuseconnection": ("no",), "pamservicename": ("sshd",),
        **{keyword: default(keyword, version) for keyword in ALGORITHMS},
    }  # fmt: skip


def version_of(text: str) -> Version | None:
    """The OpenSSH version in a package version (`1:9.2p1-2+deb12u5`, `8.7p1-38.el9`) or in `sshd -V` (`OpenSSH_9.2p1 Debian-2`)."""
    found = re.search(r"(?:OpenSSH_|^(?:\d+:)?)(\d{1,3})\.(\d{1,3})", text)
    return (int(found[1]), int(found[2])) if found else None
