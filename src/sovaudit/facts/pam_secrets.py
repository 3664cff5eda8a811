"""Whether an account is enrolled with a one-time code: the secret's place, owner and mode, never its content."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Files, Stat, Unseen
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.pam_modules import Call

_GOOGLE_WORDS = frozenset(
    "no_strict_owner debug try_first_pass use_first_pass forward_pass noskewadj no_increment_hotp nullok allow_readonly "
    "echo-verification-code echo_verification_code".split()
)
_GOOGLE_KEYS = ("secret=", "authtok_prompt=", "user=", "allowed_perm=", "grace_period=")


@dataclass(frozen=True, slots=True)
class Secret:
    """What a module finds of an account's secret.

    state: `present` (it opens with a code), `absent` (there is none), `refused` (an argument, owner, mode or folder makes the module refuse).
    why: where it should be, and what is wrong with it. gap: why that is not certain.
    """

    state: str
    why: Line
    gap: Gap | None = None


def google_state(call: Call) -> tuple[str, Gap | None]:
    """State of the account's secret for pam_google_authenticator, and the gap where it is not certain."""
    if call.host.enrolled:
        return "present", None
    secret = google_secret(call)
    return secret.state, secret.gap


def google_secret(call: Call) -> Secret:
    """~/.google_authenticator, or where `secret=` says, read with the rights of the account or of `user=`."""
    allowed = 0o600
    strict = True
    spec = "~/.google_authenticator"
    owner: Account | None = call.account
    fixed_user = False

    def refused(what: str) -> Secret:
        return Secret("refused", Line(call.step.line.file, call.step.line.number, what))

    for arg in call.args:
        if arg not in _GOOGLE_WORDS and not arg.startswith(_GOOGLE_KEYS):
            return refused(f"{arg}: one unknown argument and the module refuses everybody")
        key, _, value = arg.partition("=")
        if key == "secret":
            spec = value
        elif key == "user":
            fixed_user = True
            owner = call.host.accounts.get(value) if not value.isdigit() else next(iter(call.host.accounts.by_uid(int(value))), None)
            if owner is None:
                return refused(f"{arg}: there is no such account")
        elif key == "allowed_perm":
            if not re.fullmatch(r"[0-7]{1,9}", value) or int(value, 8) == 0:
                return refused(f"{arg}: no permission bits")
            allowed = int(value, 8)
        elif key == "grace_period" and not re.fullmatch(r"[0-9]{0,15}", value):
            return refused(f"{arg}: no number")
        elif arg == "no_strict_owner":
            strict = False
    assert owner is not None
    path = _expand(spec, call.account, fixed_user)
    if path is None:
        return refused(f"secret={spec}: leads nowhere")
    if not path.startswith("/"):
        gap = Gap(f"file:{call.step.line.file}", Reason.UNSUPPORTED, "secret= names a file from wherever the program runs")
        return Secret("present", Line(path, 0, "was not seen"), gap)
    try:
        return _secret(call.host.files, path, owner, allowed, strict)
    except Unseen as unseen:
        return Secret("present", Line(path, 0, "was not seen"), unseen.gap)


def _secret(files: Files, path: str, owner: Account, allowed: int, strict: bool) -> Secret:
    if not _may_enter(files, posixpath.dirname(path), owner):
        return Secret("refused", Line(path, 0, f"{owner.name} cannot enter its folder"))
    stat = files.follow(path)
    if stat is None:
        return Secret("absent", Line(path, 0, "is absent"))
    if stat.kind != "f":
        return Secret("refused", Line(path, 0, "is no regular file"))
    if stat.mode & 0o3777 & ~allowed:
        return Secret("refused", Line(path, 0, f"mode {stat.mode:o} is more than {allowed:o}"))
    if strict and stat.uid != owner.uid:
        return Secret("refused", Line(path, 0, f"belongs to uid {stat.uid}, not to {owner.name}"))
    if stat.size == 0:
        return Secret("refused", Line(path, 0, "is empty"))
    if not _bit(stat, owner, 4):
        return Secret("refused", Line(path, 0, f"{owner.name} cannot read it"))
    return Secret("present", Line(path, 0, f"mode {stat.mode:o}, uid {stat.uid}"))


def _expand(spec: str, account: Account, fixed_user: bool) -> str | None:
    """`~` at the start or after a slash, `${HOME}` and `${USER}`, as the module does."""
    if not fixed_user and not account.home.startswith("/"):
        return None
    if fixed_user and re.search(r"(^|/)~|\$\{HOME\}", spec):
        return None
    return re.sub(r"(?:(?<=/)|^)~|\$\{HOME\}|\$\{USER\}", lambda found: account.name if found[0] == "${USER}" else account.home, spec)


def _may_enter(files: Files, folder: str, who: Account) -> bool:
    """Whether that account can pass through every folder on the way. A folder that is not there ends the way as absent, not as forbidden."""
    parts = folder.split("/")
    for length in range(2, len(parts) + 1):
        stat = files.follow("/".join(parts[:length]) or "/")
        if stat is None:
            return True
        if stat.kind == "d" and not _bit(stat, who, 1):
            return False
    return True


def _bit(stat: Stat, who: Account, bit: int) -> bool:
    """Permission by owner, group or other; gid membership counts only the primary group, as the module drops the others."""
    if who.uid == 0:
        return True
    if stat.uid == who.uid:
        return bool(stat.mode & (bit << 6))
    if stat.gid == who.gid:
        return bool(stat.mode & (bit << 3))
    return bool(stat.mode & bit)


def oath_state(call: Call, digits: int) -> tuple[str, str, Gap | None]:
    """State of the account in pam_oath's users file: `present`, `unknown` (not listed), `refused` (no users file, or codes of another length
    than `digits=`). And its third field: `-` (a code alone), `+` (a code behind a password that another module knows), else behind a PIN.
    """
    if call.host.enrolled:
        return "present", "+", None
    secret = oath_secret(call)
    words = secret.why.text.split()
    if secret.state != "present" or secret.gap is not None or len(words) < 3:
        return {"absent": "unknown"}.get(secret.state, secret.state), "-", secret.gap
    kind = _OATH_TYPE.fullmatch(words[0])
    length = int(kind[2][1:]) if kind and kind[2] else 6
    # the last digits of a longer code are a shorter one, which the module takes
    return "refused" if digits > length else "present", words[2], None


_OATH_TYPE = re.compile(r"HOTP(/E|/T[0-9]+)?(/[0-9])?")


def oath_secret(call: Call) -> Secret:
    """The line of the users file that names the account: `absent` if there is none, `refused` without a file."""
    path = call.value("usersfile", "/etc/users.oath")
    path = path.replace("${HOME}", call.account.home).replace("${USER}", call.account.name)
    try:
        stat = call.host.files.follow(path)
        lines = call.host.files.lines(path) if stat is None or stat.kind != "d" else None
    except Unseen as unseen:
        return Secret("present", Line(path, 0, "was not seen"), unseen.gap)
    if lines is None:
        return Secret("refused", Line(path, 0, "is absent"))
    for line in lines:
        words = line.text.split()
        if len(words) >= 2 and _OATH_TYPE.fullmatch(words[0]) and words[1] == call.account.name:
            return Secret("present", line)
    return Secret("absent", Line(path, 0, f"does not name {call.account.name}"))


def u2f_secret(call: Call) -> Secret:
    """The account's own ~/.config/Yubico/u2f_keys, or the file that `authfile=` names for all: there or not; whom it names is not read."""
    spec = call.value("authfile", "~/.config/Yubico/u2f_keys")
    if call.has("expand"):
        spec = spec.replace("%u", call.account.name).replace("%h", call.account.home)
    path = spec.replace("~", call.account.home, 1) if spec.startswith("~/") else spec
    try:
        if not path.startswith("/"):
            raise Unseen(Gap(f"file:{path}", Reason.UNSUPPORTED, "a file that is named from the home"))
        stat = call.host.files.follow(path)
    except Unseen as unseen:
        return Secret("present", Line(path, 0, "was not seen"), unseen.gap)
    if stat is None or stat.kind != "f" or stat.size == 0:
        return Secret("absent", Line(path, 0, "is absent or empty"))
    return Secret("present", Line(path, 0, "is there"), Gap(f"file:{path}", Reason.UNSUPPORTED, "whom it names is not read"))
