"""`sshd -T` beside our own reading: what it printed, and which of it decides a login."""

from __future__ import annotations

from dataclasses import dataclass

# What decides a login, compared with the program's own answer.
DECISIVE = (
    "usepam", "permitrootlogin", "pubkeyauthentication", "passwordauthentication", "kbdinteractiveauthentication", "gssapiauthentication",
    "hostbasedauthentication", "kerberosauthentication", "permitemptypasswords", "authenticationmethods", "authorizedkeysfile",
    "authorizedkeyscommand", "authorizedprincipalsfile", "trustedusercakeys", "revokedkeys", "strictmodes", "allowusers", "denyusers",
    "allowgroups", "denygroups", "pubkeyauthoptions", "pubkeyacceptedalgorithms", "forcecommand", "chrootdirectory", "ignorerhosts", "usedns",
    "maxauthtries",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The program's own answer beside ours. agrees: None if the program was not asked or could not answer."""

    fact: str
    program: str
    agrees: bool | None
    detail: str = ""


def same(keyword: str, theirs: str, ours: str) -> bool:
    """Whether two values say the same; the order of accepted algorithms decides nothing on the server's side."""
    if theirs.lower() == ours.lower() == "none":
        return True
    return theirs == ours or (keyword.endswith("algorithms") and set(theirs.split(",")) == set(ours.split(",")))


_OLD_NAMES = {"pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms", "hostbasedacceptedkeytypes": "hostbasedacceptedalgorithms"}


def parse_dump(text: str) -> dict[str, str]:
    """`sshd -T` output: keyword → value, several lines of one keyword joined by a blank."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        keyword, _, value = line.strip().partition(" ")
        keyword = _OLD_NAMES.get(keyword, keyword)
        if keyword.isalpha():
            found[keyword] = f"{found[keyword]} {value}" if keyword in found else value
    return found
