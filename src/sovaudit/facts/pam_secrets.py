"""Whether an account is enrolled with a one-time code: the secret's place, owner and mode, never its content."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.files import Files, Stat, Unseen
from sovaudit.model.evidence import Gap

if TYPE_CHECKING:
    from sovaudit.facts.pam_modules import Call

_GOOGLE_WORDS = frozenset(
    "no_strict_owner debug try_first_pass use_first_pass forward_pass noskewadj no_increment_hotp nullok allow_readonly "
    "echo-verification-code echo_verification_code".split()
)
_GOOGLE_KEYS = ("secret=", "authtok_prompt=", "user=", "allowed_perm=", "grace_period=")


def google_state(call: Call) -> tuple[str, Gap | None]:
    """State of the account's secret for pam_google_authenticator, and the gap where it is not certain.

    `present` (it opens with a code), `absent` (no such file), `refused` (an argument, owner, mode or folder makes the module refuse everybody).
    """
    allowed = 0o600
    strict = True
    spec = "~/.google_authenticator"
    owner: Account | None = call.account
    fixed_user = False
    for arg in call.args:
        if arg not in _GOOGLE_WORDS and not arg.startswith(_GOOGLE_KEYS):
            return "refused", None  # one unknown argument and the module gives up
        key, _, value = arg.partition("=")
        if key == "secret":
            spec = value
        elif key == "user":
            fixed_user = True
            owner = call.host.accounts.get(value) if not value.isdigit() else next(iter(call.host.accounts.by_uid(int(value))), None)
            if owner is None:
                return "refused", None
        elif key == "allowed_perm":
            if not re.fullmatch(r"[0-7]{1,9}", value) or int(value, 8) == 0:
                return "refused", None
            allowed = int(value, 8)
        elif key == "grace_period" and not re.fullmatch(r"[0-9]{0,15}", value):
            return "refused", None
        elif arg == "no_strict_owner":
            strict = False
    assert owner is not None
    path = _expand(spec, call.account, fixed_user)
    if path is None or not path.startswith("/"):
        return "refused", None
    try:
        return _secret_state(call.host.files, path, owner, allowed, strict), None
    except Unseen as unseen:
        return "present", unseen.gap


def _secret_state(files: Files, path: str, owner: Account, allowed: int, strict: bool) -> str:
    if not _may_enter(files, posixpath.dirname(path), owner):
        return "refused"
    stat = files.follow(path)
    if stat is None:
        return "absent"
    if stat.kind != "f" or stat.mode & 0o3777 & ~allowed or (strict and stat.uid != owner.uid):
        return "refused"
    if stat.size == 0 or not _bit(stat, owner, 4):
        return "refused"
    return "present"


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


def oath_state(call: Call) -> tuple[str, Gap | None]:
    """State of the account in pam_oath's users file: `present`, `unknown` (not listed), `refused` (no users file)."""
    path = call.value("usersfile", "/etc/users.oath")
    path = path.replace("${HOME}", call.account.home).replace("${USER}", call.account.name)
    try:
        lines = call.host.files.lines(path)
    except Unseen as unseen:
        return "present", unseen.gap
    if lines is None:
        return "refused", None
    for line in lines:
        words = line.text.split()
        if len(words) >= 2 and not words[0].startswith("#") and words[1] == call.account.name:
            return "present", None
    return "unknown", None
