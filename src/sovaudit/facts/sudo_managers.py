"""Programs that manage accounts, jobs, packages and services: which arguments make one root."""

from __future__ import annotations

import re

from sovaudit.facts.sudo_asking import ROOT_NAMES, Asking
from sovaudit.facts.sudo_runners import pager


def _passwd(name: str, words: list[str], asking: Asking) -> bool:
    plain = [word for word in words if not word.startswith("-")]
    if {"-d", "--delete"} & set(words):
        return plain[-1:] == ["root"]
    other = r"-(-status|-lock|-unlock|-expire|-all|-help|-mindays|-maxdays|-warndays|-inactive|[a-z]*[SaluenxwihR])"
    if any(re.match(other, word) for word in words):
        return False
    return plain in ([], ["root"])


def _visudo(name: str, words: list[str], asking: Asking) -> bool:
    return not any(re.match(r"-[a-z]*[chV]|--(check|help|version)", word) for word in words)


def _account(name: str, words: list[str], asking: Asking) -> bool:
    """New members of a group that equals root, another root, a password or a login of root's."""
    plain = [word for word in words if not word.startswith("-")]
    if name == "gpasswd":
        return plain[-1:] != [] and plain[-1] in ROOT_NAMES and not {"-d", "--delete", "-r", "-R"} & set(words)
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        if re.fullmatch(r"-[a-zA-Z]*[Gg]|--groups?|--ingroup", word) and set(following.split(",")) & set(ROOT_NAMES):
            return name != "groupmems" or "-a" in words
        if word in ("-u", "--uid") and following == "0":
            return True
        if (
            name not in ("gpasswd", "groupmems", "groupmod")
            and word in ("-p", "--password", "-s", "--shell", "-d", "--home")
            and plain[-1:] == ["root"]
        ):
            return True
    if name in ("adduser", "addgroup"):
        return len(plain) > 1 and plain[-1] in ROOT_NAMES
    return name == "groupmems" and not words


def _chsh(name: str, words: list[str], asking: Asking) -> bool:
    return asking.any(words)


def _crontab(name: str, words: list[str], asking: Asking) -> bool:
    if any(word == "-e" for word in words):
        return True
    if any(word in ("-l", "-r", "-i") for word in words):
        return False
    who = words[words.index("-u") + 1] if "-u" in words[:-1] else "root"
    files = [word for at, word in enumerate(words) if (not word.startswith("-") or word == "-") and (at == 0 or words[at - 1] != "-u")]
    return who == "root" and (not files or files == ["-"] or asking.file(files[0]))


def _at(name: str, words: list[str], asking: Asking) -> bool:
    if any(re.match(r"-[a-zA-Z]*[lcdrV]", word) for word in words):
        return False
    named = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-f"]
    return not named or asking.file(named[0])


def _apt(name: str, words: list[str], asking: Asking) -> bool:
    if any(
        re.match(r"-o|-c|--option|--config-file", word) and (asking.any(words) or re.search(r"Invoke|Dir|/", " ".join(words)))
        for word in words
    ):
        return True
    verb = next((word for word in words if not word.startswith("-")), "")
    if verb in ("changelog", "edit-sources") or (name == "aptitude" and verb in ("", "changelog", "show")):
        return True
    return verb in ("install", "reinstall", "build-dep", "satisfy", "full-upgrade", "upgrade") and any(
        asking.own(word) or word.startswith(("./", "../")) for word in words
    )


def _dpkg(name: str, words: list[str], asking: Asking) -> bool:
    takes = any(re.match(r"-[a-zA-Z]*[iA]|--(install|unpack|record-avail|root|admindir|instdir)", word) for word in words)
    if any(
        re.match(r"-[a-zA-Z]*[slLSpCV]|--(status|list|listfiles|search|print-avail|audit|verify|get-selections)", word) for word in words
    ):
        return False  # one action only
    return takes and (asking.any(words) or any(asking.file(word) for word in words if word.endswith(".deb")))


def _dpkg_deb(name: str, words: list[str], asking: Asking) -> bool:
    """What is unpacked keeps its modes: a setuid program of root's, wherever it is put."""
    actions = [
        word for word in words if re.match(r"-[bceIfWxXR]|--(build|contents|control|info|field|show|v?extract|raw-extract|fsys|ctrl)", word)
    ]
    takes = len(set(actions)) == 1 and re.match(r"-[xXR]|--(v?extract|raw-extract)", actions[0])
    return bool(takes) and any(asking.file(word) for word in [word for word in words if not word.startswith("-")][:1])


def _login(name: str, words: list[str], asking: Asking) -> bool:
    """`-f`: root was asked already."""
    return "-froot" in words or ("-f" in words and "root" in words)


def _dpkg_list(name: str, words: list[str], asking: Asking) -> bool:
    if any(re.match(r"-[a-zA-Z]*[sLSpCViP]|--(status|listfiles|search|install|purge)", word) for word in words):
        return False
    return any(re.fullmatch(r"-[a-zA-Z]*l|--list", word) for word in words) and "--no-pager" not in words


def _package(name: str, words: list[str], asking: Asking) -> bool:
    if name in ("rpm", "snap", "update-alternatives", "alternatives", "flatpak") or words:
        local = any(word.endswith((".rpm", ".snap", ".apk", ".zst", ".xz")) and asking.file(word) for word in words)
        return asking.any(words) or local or any(word.startswith("--pipe") for word in words)
    return False


def _service(name: str, words: list[str], asking: Asking) -> bool:
    return bool(words) and (words[0].startswith("/") or "../" in words[0])


def _systemctl_verb(words: list[str]) -> str:
    skip = False
    for word in words:
        if skip or word.startswith("-"):
            skip = word in ("-t", "-p", "-P", "-n", "-o", "-s", "-H", "-M", "--type", "--state", "--property") and not skip
            continue
        return word
    return ""


def _systemctl(name: str, words: list[str], asking: Asking) -> bool:
    verb = _systemctl_verb(words)
    takes = ("link", "enable", "reenable", "set-environment", "switch-root", "bind", "mount-image", "revert")
    return (verb in takes and asking.any(words)) or any(word.startswith("--root") and asking.own(word) for word in words)


def _systemctl_edit(name: str, words: list[str], asking: Asking) -> bool:
    return _systemctl_verb(words) == "edit"


def _systemctl_pager(name: str, words: list[str], asking: Asking) -> bool:
    verb = _systemctl_verb(words)
    paged = verb in ("", "status", "cat", "show", "help") or verb.startswith("list-")
    return paged and pager(name, words, asking)


MANAGERS = {
    "passwd": _passwd,
    "visudo": _visudo,
    "account": _account,
    "chsh": _chsh,
    "crontab": _crontab,
    "at": _at,
    "apt": _apt,
    "dpkg": _dpkg,
    "dpkg-list": _dpkg_list,
    "dpkg-deb": _dpkg_deb,
    "login": _login,
    "package": _package,
    "service": _service,
    "systemctl": _systemctl,
    "systemctl-edit": _systemctl_edit,
    "systemctl-pager": _systemctl_pager,
}
