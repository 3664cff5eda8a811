"""PAM modules that ask who, from where or when, and grant or refuse by that: their return codes, from Linux-PAM's sources.

Where an answer depends on the address, the terminal or the hour, the person chooses them: the weakest counts.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import cache

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_flow import Behaviour, Choice, Outcome
from sovaudit.facts.pam_modules import TYPED, Call, fixed, gap_of, libpam_at_least, unsure
from sovaudit.facts.parse.login_defs import login_defs
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

# Programs that ordinary users run, setuid root: the real user id is theirs.
BY_USERS = frozenset("su su-l sudo sudo-i passwd chsh chfn chage newgrp sg doas pkexec polkit-1 runuser".split())
WITH_TERMINAL = frozenset("sshd login su su-l sudo sudo-i".split())  # they always set PAM_TTY
_ON_THE_SPOT = frozenset({"login", "su", "su-l"})
HERE = _ON_THE_SPOT | {"sudo", "sudo-i"}
FROM_AFAR = frozenset("sshd remote vsftpd proftpd ftp dovecot imap pop3 smtp".split())


_ADDRESSES = ("10.0.0.7", "192.0.2.1", "127.0.0.1", "2001:db8::1")
_TERMINALS = ("tty1", "tty2", "ttyS0", "hvc0", "pts/0", "pts/7", "console")
_TERMINAL = re.compile(r"(/dev/)?(tty|pts/|hvc|console|xvc|sclp)")


def places(call: Call, item: str, hints: Iterable[str]) -> list[str]:
    """Values that PAM_RHOST (`rhost`) or PAM_TTY (`tty`) may have; hints: words of the configuration, `*` and `?` in them may stand for anything.

    sshd calls every terminal `ssh`, sudo names the device, login and su leave `/dev/` out; programs on the spot know no other host.
    """
    words = [form for hint in hints for form in (hint, re.sub(r"\*+", "1", hint.replace("?", "1")), re.sub(r"\*+", "", hint))]
    if item == "rhost":
        if call.rhost is not None:
            return [call.rhost]
        if call.service in HERE:
            return [""]
        named = [word for word in words if re.search("[A-Za-z]", word) and not is_address(word)]
        named = named if named and names_hosts(call) else []
        written = [text for word in words if (text := _whole(word)) and is_address(text)]
        return [*_ADDRESSES, *written, *named, *([] if call.service in FROM_AFAR else [""])]
    if call.service == "sshd":
        return ["ssh"]
    names = [*_TERMINALS, *(word.removeprefix("/dev/") for word in words if _TERMINAL.match(word))]
    devices = [f"/dev/{name}" for name in names]
    if call.service in _ON_THE_SPOT:
        return names
    return [*devices, ""] if call.service in ("sudo", "sudo-i") else [*names, *devices, ""]


def names_hosts(call: Call) -> bool:
    """Whether PAM_RHOST may be a host's name: sshd gives addresses unless UseDNS is on. Raises Unseen."""
    return call.service != "sshd" or any(server.settings.outside.yes("usedns") for server in call.host.ssh.servers)


def is_address(text: str) -> bool:
    """An address from which somebody can come."""
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False


def _whole(text: str) -> str:
    """A beginning of an IPv4 address made whole."""
    parts = [part for part in text.split(".") if part]
    return ".".join([*parts, *["1"] * (4 - len(parts))]) if re.fullmatch(r"[0-9.]+", text) and parts else text


@cache
def chosen(*codes: Code) -> Behaviour:
    """The person chooses between these answers (by address, terminal or hour)."""
    return tuple(Choice((Outcome(code),)) for code in codes)


def caller(call: Call) -> Account | None:
    """Whose real user id the program has: the invoker, else root; None for a setuid program whose invoker was not named."""
    if call.invoker is not None:
        return call.invoker
    return None if call.service in BY_USERS else next(iter(call.host.accounts.by_uid(0)), None)


def in_group(call: Call, account: Account, name: str) -> bool:
    """Membership by name. Raises Unseen where another source than files could add it."""
    group = call.host.accounts.groups.get(name)
    if group is not None and (account.gid == group.gid or group.gid in account.gids or account.name in group.members):
        return True
    if call.host.accounts.elsewhere:
        raise Unseen(Gap("nss", Reason.UNSUPPORTED, f"groups from {', '.join(call.host.accounts.elsewhere)} were not seen"))
    return False


def rootok(call: Call) -> Behaviour:
    root = call.by_root
    if root is None:
        root = call.service not in BY_USERS
    return fixed(Code.SUCCESS if root else Code.AUTH_ERR)


def wheel(call: Call) -> Behaviour:
    """pam_wheel(8): whether the invoker is in a group. It refuses, or with `trust` grants; else it leaves the answer to others."""
    if call.has("root_only") and call.account.uid != 0:
        return fixed(Code.IGNORE)
    deny, trust = call.has("deny"), call.has("trust")
    who = caller(call)
    name = call.value("group")
    groups = call.host.accounts.groups
    if not name:
        name = "wheel" if "wheel" in groups else next((group.name for group in groups.values() if group.gid == 0), "")
    if who is not None:
        who = next(iter(call.host.accounts.by_uid(who.uid)), who)  # it asks by number, so of two names the first counts
    if who is None:
        gap = gap_of(call, Reason.AMBIGUOUS, "depends on who runs it")
        return unsure((Code.SUCCESS if trust else Code.IGNORE, Code.PERM_DENIED), gap)
    if name not in groups and not call.host.accounts.elsewhere:
        return fixed(Code.IGNORE if deny else Code.AUTH_ERR)
    if in_group(call, who, name):
        return fixed(Code.PERM_DENIED if deny else Code.SUCCESS if trust else Code.IGNORE)
    if deny:
        return fixed(Code.SUCCESS if trust else Code.IGNORE)
    return fixed(Code.PERM_DENIED)


def nologin(call: Call) -> Behaviour:
    files = call.host.files
    rest = Code.SUCCESS if call.has("successok") else Code.IGNORE
    named = call.value("file")
    there = any(files.exists(path) for path in ([named] if named else ["/var/run/nologin", "/run/nologin", "/etc/nologin"]))
    return fixed(Code.AUTH_ERR if there and call.account.uid != 0 else rest)


def shells(call: Call) -> Behaviour:
    files = call.host.files
    stat = files.follow("/etc/shells")
    lines = files.lines("/etc/shells")
    if stat is None or lines is None or stat.kind != "f" or stat.world_writable:
        return fixed(Code.AUTH_ERR)
    shell = call.account.shell or "/bin/sh"
    return fixed(Code.SUCCESS if any(line.text == shell for line in lines) else Code.AUTH_ERR)


def listfile(call: Call) -> Behaviour:
    """pam_listfile(8)."""
    on_error = Code.SERVICE_ERR
    sense, path, item, apply, last, looked_up = "", "", "", None, "", ""
    for arg in call.args:
        key, equals, value = arg.partition("=")
        if arg == "quiet":
            continue
        last = value
        if not equals:
            continue
        if key == "onerr":
            if value not in ("succeed", "fail"):
                return fixed(Code.SERVICE_ERR)
            on_error = Code.SUCCESS if value == "succeed" else Code.SERVICE_ERR
        elif key == "sense":
            if value not in ("allow", "deny"):
                return fixed(on_error)
            sense = value
        elif key == "file":
            path = value
        elif key == "item":
            item = value
            looked_up = item if item in ("group", "shell") else looked_up  # stays when another item follows
        elif key == "apply":
            apply = value
        else:
            return fixed(on_error)
    if item not in ("user", "tty", "rhost", "ruser", "group", "shell") or not path or not sense:
        return fixed(on_error)
    if looked_up and item not in ("user", "group", "shell"):
        raise Unseen(gap_of(call, Reason.UNSUPPORTED, f"item={looked_up} before item={item}"))
    item = looked_up or item
    account = call.account
    if apply is not None and last != apply:  # until 1.7 the name lies in a buffer that later arguments overwrite
        modern = libpam_at_least(call.host, (1, 7))
        if modern is None:
            raise Unseen(Gap("packages", Reason.ABSENT, "Linux-PAM before 1.7 forgets what `apply=` says before another argument"))
        if not modern:
            apply = f"@{last[1:]}" if apply.startswith("@") else last
    if apply in ("", "@"):
        return fixed(on_error)
    if apply and item in ("tty", "rhost"):  # for the others it makes no sense and is not used
        applies = in_group(call, account, apply[1:]) if apply.startswith("@") else apply == account.name
        if not applies:
            return fixed(Code.IGNORE)
    codes = {_listed(call, item, value, path, on_error, sense == "allow") for value in _list_values(call, item, path)}
    return chosen(*sorted(codes))


def _list_values(call: Call, item: str, path: str) -> list[str]:
    account = call.account
    if item in ("tty", "rhost"):
        try:
            listed = [line.text.removesuffix("\r") for line in call.host.files.lines(path) or ()]
        except Unseen:
            listed = []
        return places(call, item, listed)
    if item == "ruser" and call.invoker is None and call.service in BY_USERS:
        raise Unseen(gap_of(call, Reason.AMBIGUOUS, "depends on who runs it"))
    return [account.shell if item == "shell" else (call.invoker.name if call.invoker else "") if item == "ruser" else account.name]


def _listed(call: Call, item: str, value: str, path: str, on_error: Code, allow: bool) -> Code:
    """One value looked up in the list; one that is not set is not in it, whatever file there is."""
    found = False
    if value or item == "shell":
        stat = call.host.files.stat(path)
        if stat is None:
            return on_error
        if stat.kind != "f" or stat.world_writable:
            return Code.AUTH_ERR  # a symbolic link is no regular file for lstat(2)
        listed = [line.text.removesuffix("\r") for line in call.host.files.lines(path) or () if line.text]
        if item == "group":
            found = any(in_group(call, call.account, group) for group in listed)
        elif item == "tty":
            found = value.removeprefix("/dev/") in (line.removeprefix("/dev/") for line in listed)
        else:
            found = value in listed
    return Code.SUCCESS if found == allow else Code.AUTH_ERR


def localuser(call: Call) -> Behaviour:
    path = call.value("file")
    if not path:
        return fixed(Code.SUCCESS)
    lines = call.host.files.lines(path)
    if lines is None:
        return fixed(Code.SERVICE_ERR)
    return fixed(Code.SUCCESS if any(line.text.startswith(call.account.name + ":") for line in lines) else Code.PERM_DENIED)


def usertype(call: Call) -> Behaviour:
    """pam_usertype(8): by user id and login.defs(5)."""
    wanted = [arg for arg in call.args if arg in ("issystem", "isregular")]
    if not wanted:
        return fixed(Code.SERVICE_ERR)
    who = caller(call) if call.has("use_uid") else call.account
    if who is None:
        return unsure((Code.SUCCESS, Code.AUTH_ERR), gap_of(call, Reason.AMBIGUOUS, "depends on who runs it"))
    settings = login_defs(call.host.files)
    lowest = settings.number("UID_MIN", 1000)
    system = (
        who.uid <= 99 or who.uid == 65534 or settings.number("SYS_UID_MIN", 101) <= who.uid <= settings.number("SYS_UID_MAX", lowest - 1)
    )
    return fixed(Code.SUCCESS if system == (wanted[-1] == "issystem") else Code.AUTH_ERR)


def securetty(call: Call) -> Behaviour:
    """pam_securetty(8): root only from listed terminals; without the list from everywhere."""
    if call.account.uid != 0:
        return fixed(Code.SUCCESS)
    files = call.host.files
    stat = files.follow("/etc/securetty")
    usable = stat is not None and stat.kind == "f" and not stat.world_writable
    listed = [line.text for line in files.lines("/etc/securetty") or ()] if usable else []
    codes = {Code.SERVICE_ERR} if call.service not in WITH_TERMINAL else set()
    console = False
    for name in places(call, "tty", listed):
        name = name.removeprefix("/dev/")
        codes.add(Code.SUCCESS if stat is None or name in listed else Code.AUTH_ERR)
        console = console or (usable and not call.has("noconsole") and name[:3] in ("tty", "con", "hvc"))
    if console and Code.SUCCESS not in codes:
        gap = gap_of(call, Reason.UNSUPPORTED, "root may come in on the kernel's console; which that is was not seen")
        return unsure((Code.SUCCESS, *sorted(codes)), gap)
    return chosen(*sorted(codes))


def faillock(call: Call) -> Behaviour:
    """pam_faillock(8): refuses who is locked out just now, which passes; it grants nobody by itself, though `preauth` and `authsucc` say SUCCESS."""
    conf = call.value("conf")
    if conf and not call.host.files.exists(conf):
        return fixed(Code.SERVICE_ERR)
    return fixed(Code.IGNORE if call.phase == "auth" and "authfail" in call.args else Code.SUCCESS)


def lastlog(call: Call) -> Behaviour:
    """pam_lastlog(8) in auth or account: refuses who has logged in before, but not for `inactive` days (90). Without a file it steps aside."""
    account = call.account
    limits = [arg[9:] for arg in call.args if arg.startswith("inactive=")]
    days = [int(text) for text in limits if re.fullmatch(r"\s*\+?[0-9]{1,6}", text) and 0 < int(text) < 100_000]
    if any(re.fullmatch(r"\s*\+?[0-9]+\D.*", text) for text in limits):
        raise Unseen(gap_of(call, Reason.UNSUPPORTED, "inactive= is no plain number"))
    highest = login_defs(call.host.files).number("LASTLOG_UID_MAX", 0xFFFFFFFF)
    if account.uid == 0 or account.uid > highest:
        return fixed(Code.SUCCESS)
    if call.host.files.follow("/var/log/lastlog") is None:
        return fixed(Code.IGNORE)
    last = call.host.last_logins.get(account.uid)
    if last is None:
        return fixed(Code.SUCCESS)
    return fixed(Code.AUTH_ERR if (call.host.taken_at - last).days > (days[-1] if days else 90) else Code.SUCCESS)


def ftp(call: Call) -> Behaviour:
    """pam_ftp(8): asks for a password and leaves it to the next module; a name of guests opens to anybody, as the account `ftp`."""
    names = [arg[6:] for arg in call.args if arg.startswith("users=")]
    if call.account.name in (names[-1].split(",") if names and names[-1] else ("ftp", "anonymous")):
        return unsure((Code.SUCCESS, Code.AUTH_ERR), gap_of(call, Reason.UNSUPPORTED, "pam_ftp.so takes this name for a guest's"))
    return _FTP


_FTP: Behaviour = (
    Choice((Outcome(Code.AUTH_ERR),)),
    *(Choice((Outcome(Code.AUTH_ERR, token),), needs) for token, needs in TYPED),
)


def cap(call: Call) -> Behaviour:
    """pam_cap(8): says SUCCESS for whoever its file names."""
    lines = call.host.files.lines("/etc/security/capability.conf") or ()
    if not any(line.text.split("#")[0].strip() for line in lines):
        return fixed(Code.IGNORE)
    return unsure((Code.SUCCESS, Code.IGNORE), gap_of(call, Reason.UNSUPPORTED, "capability.conf is not evaluated"))


def echo(call: Call) -> Behaviour:
    path = call.value("file")
    return fixed(Code.IGNORE if path and not call.host.files.exists(path) else Code.SUCCESS)


def debug(call: Call) -> Behaviour:
    """pam_debug(8): answers what its argument says. It must never stand in a real stack."""
    event = {"auth": "auth", "account": "acct"}.get(call.phase, call.phase)
    word = next((arg[len(event) + 1 :] for arg in call.args if arg.startswith(event + "=")), "success")
    names = {code.name.lower(): code for code in Code} | {"authtok_recover_err": Code.AUTHTOK_RECOVERY_ERR}
    return fixed(names.get(word, Code.SUCCESS))
