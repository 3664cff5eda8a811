"""Programs that write files, give rights away or mount: which arguments make one root."""

from __future__ import annotations

import re

from sovaudit.facts.sudo_asking import SHELL_WORD, Asking, above, sensitive
from sovaudit.facts.sudo_powers import powers_of

_EXTRACTS = re.compile(r"-{0,2}[a-zA-Z]*x[a-zA-Z]*|--extract|--get|x|e")


def _archive(name: str, words: list[str], asking: Asking) -> bool:
    """An archive of one's own brings a setuid program of root's; some options run a program."""
    if name == "zip":
        return any(word.startswith(("-TT", "--unzip-command")) for word in words) and any(asking.file(word) for word in words)
    for word in words:
        if re.match(r"--(to-command|checkpoint-action|use-compress-program|rsh-command|info-script|new-volume-script)|-I|-F", word):
            value = word.partition("=")[2]
            if asking.any(words) or asking.own(value.removeprefix("exec=")) or SHELL_WORD.search(value.removeprefix("exec=")):
                return True
    if name in ("tar", "bsdtar", "7z", "7za", "7zr", "ar", "pax", "cpio"):
        taking = name in ("pax", "cpio") or any(
            _EXTRACTS.fullmatch(word) for word in words[:1] + [word for word in words if word.startswith("-")]
        )
        if not taking:
            return False
        if name in ("cpio", "pax"):
            return any(re.match(r"-[a-zA-Z]*[ir]|--extract", word) for word in words) and not any(word.startswith("-F") for word in words)
    files = [word for word in words if not word.startswith("-") and not re.fullmatch(r"[a-zA-Z]{1,6}", word)]
    return asking.any(words) or any(asking.file(word) for word in files[:1])


def _copy(name: str, words: list[str], asking: Asking) -> bool:
    """A source of one's own over a file that makes root, or through a link of one's own."""
    if any(re.match(r"(-e|--rsh|-S)", word) and (asking.own(word) or asking.any(words[at + 1 : at + 2])) for at, word in enumerate(words)):
        return True
    plain = [word for word in words if not word.startswith("-")]
    target = ""
    for at, word in enumerate(words):
        if word in ("-t", "--target-directory") and at + 1 < len(words):
            target = words[at + 1]
        elif word.startswith("--target-directory="):
            target = word.partition("=")[2]
    if not target and plain:
        target, plain = plain[-1], plain[:-1]
    sources = [word for word in plain if word != target]
    if not any(asking.file(word) and ":" not in word for word in sources):
        return False
    return sensitive(target) or (name in ("cp", "scp") and asking.file(target) and ":" not in target)


def _output(name: str, words: list[str], asking: Asking) -> bool:
    return any(sensitive(word) or asking.file(word) for word in words if not word.startswith("-"))


def _remove(name: str, words: list[str], asking: Asking) -> bool:
    return any(above(word) for word in words)


def _dd(name: str, words: list[str], asking: Asking) -> bool:
    values = dict(word.partition("=")[::2] for word in words)
    target = values.get("of", "")
    return bool(target) and ("if" not in values or asking.file(values["if"])) and (sensitive(target) or asking.file(target))


def _writer(name: str, words: list[str], asking: Asking) -> bool:
    written = any(sensitive(word.partition("=")[2] or word) for word in words if not word.startswith("-") or "=" in word)
    return (asking.any(words) and written) or any(
        word.startswith(("--filter=", "--compress-program=")) and asking.own(word) for word in words
    )


def _download(name: str, words: list[str], asking: Asking) -> bool:
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        if word in ("-O", "-o", "--output", "--output-document") and sensitive(following):
            return True
        if re.match(r"-[oO]/|--output(-document)?=", word) and sensitive(re.sub(r"^(-[oO]|--[a-z-]+=)", "", word)):
            return True
        if word.startswith(("--use-askpass=", "-K/", "--config=")) and asking.own(word):
            return True
    return False


def _chmod(name: str, words: list[str], asking: Asking) -> bool:
    plain = [word for word in words if not word.startswith("-")]
    if not plain:
        return False
    if any(word.startswith("--reference=") and not asking.own(word) for word in words):
        return any(powers_of(path) for path in plain)  # the mode is another file's, and what stands in its place a file
    mode, paths = plain[0], plain[1:]
    opens = re.fullmatch(r"[0-7]{0,2}[0-7][0-7]?[2367]|[0-7]?[0-7][2367][0-7]", mode)
    opens = opens or re.search(r"(^|,)[gua]*[goa][gua]*[+=][rxX]*w|(^|,)\+[rxX]*w", mode)
    if opens and any(above(path) for path in paths):
        return True
    setid = re.fullmatch(r"0*[4267][0-7]{3}", mode) or re.search(r"[+=][rwxX]*s", mode)
    return bool(setid) and any(powers_of(path) for path in paths)


def _statoverride(name: str, words: list[str], asking: Asking) -> bool:
    """`--update --add OWNER GROUP MODE FILE`"""
    plain = [word for word in words if not word.startswith("-")]
    if "--update" not in words or len(plain) < 4:
        return False
    return _chmod("chmod", plain[2:4], asking) or (plain[0] not in ("root", "#0") and above(plain[3]))


def _mkdir(name: str, words: list[str], asking: Asking) -> bool:
    """A folder that everybody may write among those from which root takes what it runs."""
    given = [re.match(r"(?:-[a-z]*m|--mode)=?(.*)", word) for word in words]
    modes = [found[1] or "".join(words[at + 1 : at + 2]) for at, found in enumerate(given) if found]
    return bool(modes) and any(sensitive(word) for word in words) and _chmod("chmod", [modes[0], "/etc"], asking)


def _chown(name: str, words: list[str], asking: Asking) -> bool:
    plain = [word for word in words if not word.startswith("-")]
    owner = re.split(r"[:.]", plain[0])[0] if plain else ""
    return owner not in ("", "root", "0") and any(above(path) for path in plain[1:])


def _acl(name: str, words: list[str], asking: Asking) -> bool:
    return any(re.search(r":[rx-]*w", word) for word in words) and any(above(word) for word in words)


def _mount(name: str, words: list[str], asking: Asking) -> bool:
    if name == "pivot_root":
        return True
    skipped = [word for at, word in enumerate(words) if not word.startswith("-") and (at == 0 or words[at - 1] not in ("-o", "-t", "-O"))]
    if len(skipped) < 2 or not asking.file(skipped[0]):
        return False
    bound = any(re.search(r"(^|,|-)r?bind(,|$)", word) for word in words)
    return above(skipped[-1]) or not bound  # of a filesystem of one's own every program may be setuid root


WRITERS = {
    "archive": _archive,
    "copy": _copy,
    "output": _output,
    "remove": _remove,
    "dd": _dd,
    "writer": _writer,
    "download": _download,
    "chmod": _chmod,
    "chown": _chown,
    "statoverride": _statoverride,
    "mkdir": _mkdir,
    "acl": _acl,
    "mount": _mount,
}
