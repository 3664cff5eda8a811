"""What chronyd makes of its configuration (chrony.conf(5), conf.c of 4.3): the sources of time, and whether it starts at all.

One line that it cannot read, wherever it stands, keeps chronyd from starting; only in the files of a `sourcedir` such a line is passed
over. There are no comments behind a directive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sovaudit.facts.files import Files, Unseen
from sovaudit.model.finding import Line

MAX_FILES = 200
MAINS = ("/etc/chrony/chrony.conf", "/etc/chrony.conf")
_LOOPBACK = re.compile(r"127\.\S*|::1|localhost", re.IGNORECASE)
_SOURCES = ("server", "pool", "peer")
_DIRECTIVES = frozenset(
    "acquisitionport allow authselectmode bindacqaddress bindacqdevice bindaddress bindcmdaddress bindcmddevice binddevice broadcast "
    "clientloglimit clockprecision cmdallow cmddeny cmdport cmdratelimit combinelimit commandkey confdir corrtimeratio deny driftfile "
    "dscp dumpdir dumponexit fallbackdrift generatecommandkey hwclockfile hwtimestamp hwtstimeout include initstepslew keyfile "
    "leapseclist leapsecmode leapsectz linux_freq_scale linux_hz local lock_all log logbanner logchange logdir mailonchange makestep "
    "manual maxchange maxclockerror maxdistance maxdrift maxjitter maxntsconnections maxsamples maxslewrate maxtxbuffers maxupdateskew "
    "minsamples minsources nocerttimecheck noclientlog nosystemcert ntpsigndsocket ntsaeads ntscachedir ntsdumpdir ntsntpserver ntsport "
    "ntsprocesses ntsratelimit ntsrefresh ntsrotate ntsservercert ntsserverkey ntstrustedcerts peer pidfile pool port ptpdomain ptpport "
    "ratelimit refclock refresh reselectdist rtcautotrim rtcdevice rtcfile rtconutc rtcsync sched_priority server smoothtime sourcedir "
    "stratumweight tempcomp user".split()
)
_FLAGS = frozenset("auto_offline burst copy iburst noselect nts offline prefer require trust xleave ipv4 ipv6".split())
_VALUED = frozenset(
    "asymmetry certset extfield filter key maxdelay maxdelaydevratio maxdelayquant maxdelayratio maxpoll maxsamples maxsources "
    "maxunreach mindelay minpoll minsamples minstratum ntsport offset polltarget port presend version".split()
)
_NEED_A_VALUE = ("makestep", "maxupdateskew", "keyfile", "driftfile", "leapsectz", "confdir", "sourcedir", "include", "user", "maxdistance")


@dataclass(slots=True)
class ChronyConf:
    """sources: lines that name another clock which chronyd may choose. waiting: those that are offline until somebody says otherwise.

    fault: the line that keeps chronyd from starting.
    """

    sources: list[Line] = field(default_factory=list)
    waiting: list[Line] = field(default_factory=list)
    fault: Line | None = None


def read_chrony(files: Files) -> ChronyConf:
    """The configuration that is there; empty without one. Raises Unseen."""
    found = ChronyConf()
    main = next((path for path in MAINS if files.exists(path)), None)
    if main is not None:
        _file(files, main, found, 0, only_sources=False)
    return found


def _file(files: Files, path: str, found: ChronyConf, depth: int, *, only_sources: bool) -> None:
    for line in files.lines(path) or ():
        words = line.text.split()
        if not words or words[0][0] in "#%!;":
            continue
        key = words[0].lower()
        if key in (*_SOURCES, "refclock") and (key != "refclock" or not only_sources):
            if not _readable(key, words):
                found.fault = found.fault if only_sources else found.fault or line
            elif key == "refclock" or (not _LOOPBACK.fullmatch(words[1]) and "noselect" not in [word.lower() for word in words[2:]]):
                (found.waiting if "offline" in [word.lower() for word in words[2:]] else found.sources).append(line)
        elif only_sources:
            continue
        elif key not in _DIRECTIVES or (key in _NEED_A_VALUE and len(words) < 2) or any(word.startswith("#") for word in words):
            found.fault = found.fault or line
        elif key == "include":
            _include(files, words[1], line, found, depth)
        elif key in ("confdir", "sourcedir"):
            for place in _folders(files, words[1:], ".conf" if key == "confdir" else ".sources"):
                _file(files, place, found, depth + 1, only_sources=key == "sourcedir")


def _include(files: Files, pattern: str, line: Line, found: ChronyConf, depth: int) -> None:
    places = files.glob(pattern)[:MAX_FILES]
    if depth > 9 or (not places and not any(character in pattern for character in "*?[")):
        found.fault = found.fault or line
        return
    for place in places:
        _file(files, place, found, depth + 1, only_sources=False)


def _readable(key: str, words: list[str]) -> bool:
    """Whether chronyd understands the line: a name, and options that it knows, each with its value."""
    if len(words) < 2:
        return False
    if key == "refclock":
        return len(words) >= 3 and words[1] in ("PPS", "SHM", "SOCK", "PHC")
    rest = [word.lower() for word in words[2:]]
    while rest:
        option = rest.pop(0)
        if option in _VALUED:
            if not rest:
                return False
            rest.pop(0)
        elif option not in _FLAGS:
            return False
    return True


def _folders(files: Files, folders: list[str], ending: str) -> Iterator[str]:
    """Files of this ending; of two with one name the first folder's counts."""
    done: set[str] = set()
    for folder in folders[:10]:
        try:
            names = files.listdir(folder) or ()
        except Unseen:
            if folder.startswith(("/run/", "/var/run/")):
                continue  # what DHCP brought: it only ever adds a source
            raise
        for name in names[:MAX_FILES]:
            if name.endswith(ending) and name not in done:
                done.add(name)
                yield f"{folder.rstrip('/')}/{name}"
