"""Whether chronyd can read a line of its configuration (chrony.conf(5), conf.c and cmdparse.c of 4.3, and what later versions added).

Numbers are read as scanf(3) does: what follows one, without a blank, is taken for the next option.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

Version = tuple[int, int] | None  # None: not known, then what any version knows is taken
_INT = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE)
_KINDS = {"d": _INT, "f": _FLOAT, "s": re.compile(r"\S{1,4}"), "x": re.compile(r"(?:0[xX])?[fF]323\b")}
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LOGS = frozenset("rawmeasurements measurements selection statistics tracking rtc refclocks tempcomp".split())

# option → kind of its value, none for a flag
_SOURCE = dict.fromkeys("auto_offline burst copy iburst offline noselect prefer require trust nts xleave".split(), "")
_SOURCE |= dict.fromkeys(
    "certset key filter maxpoll maxsamples maxsources minpoll minsamples minstratum ntsport port polltarget presend version".split(), "d"
)
_SOURCE |= dict.fromkeys("asymmetry maxdelay maxdelayratio maxdelaydevratio maxdelayquant mindelay offset".split(), "f")
_SOURCE |= {"extfield": "x"}
_SOURCE_LATER = {"ipv4": ("", (4, 6)), "ipv6": ("", (4, 6)), "maxunreach": ("d", (4, 8))}
_REFCLOCK = dict.fromkeys("local pps tai noselect prefer trust require".split(), "")
_REFCLOCK |= dict.fromkeys("poll dpoll filter rate minsamples maxlockage maxsamples stratum".split(), "d")
_REFCLOCK |= {**dict.fromkeys("offset delay precision maxdispersion width".split(), "f"), "refid": "s", "lock": "s"}
_REFCLOCK_LATER = {"maxunreach": ("d", (4, 8))}
_LOCAL = {"stratum": "d", "orphan": "", "distance": "f"}
_LOCAL_LATER = {"activate": ("f", (4, 6)), "waitsynced": ("f", (4, 7)), "waitunsynced": ("f", (4, 7))}
_LIMIT = {"interval": "d", "burst": "d", "leak": "d"}
_LIMIT_LATER = {"kod": ("d", (4, 7))}
_STAMP = {
    "maxsamples": "d",
    "minpoll": "d",
    "minsamples": "d",
    "precision": "f",
    "rxcomp": "f",
    "txcomp": "f",
    "rxfilter": "s",
    "nocrossts": "",
}


def readable(line: str, version: Version = None) -> bool:
    """Whether chronyd takes the line, normalised to single blanks, as it stands; `include` and the folders beyond their arguments not counted."""
    command, _, rest = line.partition(" ")
    command = command.lower()
    if command in _SINCE and version is not None and version < _SINCE[command]:
        return False
    known = _COMMANDS.get(command)
    return known is not None and known(rest, version)


def _words(count: int, *kinds: str) -> Callable[[str, Version], bool]:
    """So many arguments; numbers where kinds say so."""

    def ask(rest: str, version: Version) -> bool:
        words = rest.split()
        if len(words) != count:
            return False
        for place, kind in enumerate(kinds):
            match = _KINDS[kind].match(words[place]) if kind else None
            if kind and (match is None or (place + 1 < len(kinds) and match[0] != words[place])):
                return False
        return True

    return ask


def _options(
    rest: str, table: dict[str, str], later: dict[str, tuple[str, tuple[int, int]]], version: Version, wrong: Callable[[str, str], bool]
) -> bool:
    while rest:
        option, _, rest = rest.partition(" ")
        option = option.lower()
        kind = table.get(option)
        if kind is None and option in later and (version is None or version >= later[option][1]):
            kind = later[option][0]
        if kind is None:
            return False
        if kind:
            match = _KINDS[kind].match(rest)
            if match is None or wrong(option, match[0]):
                return False
            rest = rest[match.end() :].lstrip(" ")
    return True


def _never(option: str, value: str) -> bool:
    return False


def _source(rest: str, version: Version) -> bool:
    _, _, options = rest.partition(" ")
    return bool(rest) and _options(options, _SOURCE, _SOURCE_LATER, version, lambda option, value: option == "key" and int(value) == 0)


def _refclock(rest: str, version: Version) -> bool:
    words = rest.split(" ", 2)
    drivers = ("PPS", "SHM", "SOCK", "PHC", *(["RTC"] if version is None or version >= (4, 7) else []))
    return (
        len(words) >= 2
        and words[0] in drivers
        and _options(words[2] if len(words) > 2 else "", _REFCLOCK, _REFCLOCK_LATER, version, _wrong_stratum)
    )


def _wrong_stratum(option: str, value: str) -> bool:
    return option == "stratum" and not 0 <= int(value) < 16


def _local(rest: str, version: Version) -> bool:
    return _options(rest, _LOCAL, _LOCAL_LATER, version, lambda option, value: option == "stratum" and not 0 < int(value) < 16)


def _limit(rest: str, version: Version) -> bool:
    return _options(rest, _LIMIT, _LIMIT_LATER, version, _never)


def _stamp(rest: str, version: Version) -> bool:
    _, _, options = rest.partition(" ")
    filters = ("none", "ntp", "ptp", "all")
    return bool(rest) and _options(
        options,
        _STAMP,
        {"hwtstimeout": ("f", (9, 9))},
        version,
        lambda option, value: option == "rxfilter" and value.lower() not in filters,
    )


def _allow(rest: str, version: Version) -> bool:
    """A name is looked up when chronyd starts: nobody knows with what success."""
    words = rest.split()
    if words[:1] == ["all"]:
        words.pop(0)
    if len(words) > 1:
        return False
    if not words:
        return True
    net, slash, bits = words[0].partition("/")
    if slash and not bits.isdigit():
        return False
    if _ip(net):
        return True
    if re.fullmatch(r"[0-9]+(\.[0-9]+){0,2}", net):
        return all(int(part) < 256 for part in net.split("."))
    return not slash and bool(_NAME.fullmatch(net))


def named(line: str) -> bool:
    """Whether the line lets a host in by its name: chronyd starts only if it can look it up."""
    words = line.lower().replace(" all", "", 1).split()
    return len(words) == 2 and words[0] in ("allow", "deny", "cmdallow", "cmddeny") and bool(_NAME.fullmatch(words[1]))


def _ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _address(rest: str, version: Version) -> bool:
    return _ip(rest)


def _command_address(rest: str, version: Version) -> bool:
    return " " not in rest and (rest.startswith("/") or _ip(rest))


def _one_of(*choices: str) -> Callable[[str, Version], bool]:
    return lambda rest, version: rest.lower() in choices


def _broadcast(rest: str, version: Version) -> bool:
    words = rest.split()
    return len(words) in (2, 3) and bool(_INT.match(words[0])) and _ip(words[1]) and (len(words) == 2 or bool(_INT.match(words[2])))


def _smooth(rest: str, version: Version) -> bool:
    words = rest.split()
    return _words(2, "f", "f")(" ".join(words[:2]), version) and [word.lower() for word in words[2:]] in ([], ["leaponly"])


def _temperature(rest: str, version: Version) -> bool:
    return _words(3, "", "f")(rest, version) or _words(6, "", "f", "f", "f", "f", "f")(rest, version)


def _certificates(rest: str, version: Version) -> bool:
    words = rest.split()
    return len(words) == 1 or (len(words) == 2 and bool(_INT.match(words[0])))


def _slew(rest: str, version: Version) -> bool:
    return bool(_FLOAT.match(rest))


def _folders(rest: str, version: Version) -> bool:
    return 0 < len(rest.split()) <= 10


_INTEGER, _NUMBER, _TEXT, _NOTHING = _words(1, "d"), _words(1, "f"), _words(1), _words(0)
_COMMANDS: dict[str, Callable[[str, Version], bool]] = {
    **dict.fromkeys(
        "acquisitionport cmdport dscp logbanner maxntsconnections maxsamples minsamples minsources nocerttimecheck ntsport ntsprocesses ntsrefresh "
        "ntsrotate port ptpport ptpdomain refresh sched_priority clientloglimit".split(), _INTEGER),
    **dict.fromkeys(
        "clockprecision combinelimit corrtimeratio hwtstimeout logchange maxclockerror maxdistance maxdrift maxjitter maxslewrate maxupdateskew "
        "reselectdist rtcautotrim stratumweight".split(), _NUMBER),
    **dict.fromkeys(
        "bindacqdevice bindcmddevice binddevice driftfile dumpdir hwclockfile include keyfile leapsectz leapseclist logdir ntpsigndsocket "
        "ntscachedir ntsdumpdir ntsntpserver ntsservercert ntsserverkey pidfile rtcdevice rtcfile user".split(), _TEXT),
    **dict.fromkeys("lock_all manual noclientlog nosystemcert rtconutc rtcsync".split(), _NOTHING),
    **dict.fromkeys(
        "dumponexit commandkey generatecommandkey linux_freq_scale linux_hz ntsaeads opencommands".split(), lambda rest, version: True),
    **dict.fromkeys("allow deny cmdallow cmddeny".split(), _allow),
    **dict.fromkeys("ratelimit cmdratelimit ntsratelimit".split(), _limit),
    **dict.fromkeys("server pool peer".split(), _source),
    **dict.fromkeys("confdir sourcedir".split(), _folders),
    "authselectmode": _one_of("require", "prefer", "mix", "ignore"), "leapsecmode": _one_of("system", "slew", "step", "ignore"),
    "bindacqaddress": _address, "bindaddress": _address, "bindcmdaddress": _command_address, "broadcast": _broadcast,
    "fallbackdrift": _words(2, "d", "d"), "hwtimestamp": _stamp, "initstepslew": _slew, "local": _local,
    "log": lambda rest, version: _LOGS.issuperset(rest.split()),
    "mailonchange": _words(2, "", "f"), "makestep": _words(2, "f", "d"), "maxchange": _words(3, "f", "d", "d"), "ntstrustedcerts": _certificates,
    "refclock": _refclock, "smoothtime": _smooth, "tempcomp": _temperature,
}  # fmt: skip
_SINCE = {"leapseclist": (4, 6), "ntsaeads": (4, 7), "ptpdomain": (4, 6), "hwtstimeout": (4, 4), "refresh": (4, 4), "opencommands": (4, 7)}
