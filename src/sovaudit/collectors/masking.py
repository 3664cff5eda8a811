"""Secrets never leave the target: what is masked in a file, line by line, in one linear pass.

Before: a file's lines as bytes. After: the same number of lines; hashes, passwords, tokens and private keys replaced by `<masked>`, everything that
decides how a program behaves untouched. Never: a rule that one of our two implementations reads differently. The script on the target
(posix/collect.awk) does the same with the same expressions, POSIX ones without intervals; a differential test holds them together.
"""

from __future__ import annotations

import re

MASK = b"<masked>"
NOT_TEXT = "not text"
HOLDS_KEY = "holds a private key"
# A file with such a line is not brought at all, whatever its name.
PRIVATE_KEY = re.compile(rb"BEGIN [A-Z0-9 ]*PRIVATE KEY|PRIVATE KEY FILE FORMAT|PuTTY-User-Key-File|AGE-SECRET-KEY-|^b3BlbnNzaC1rZXktdjE")
CRYPT = re.compile(rb"\$(2[abxy]|argon2id|argon2i|argon2d|apr1|gy|md5|sha1|scrypt|1|5|6|7|y)[$,][^ \t\"':;]+")
LDAP_HASH = re.compile(rb"\{(CRYPT|crypt|S?SHA[0-9]*|S?MD5|PBKDF2[-A-Z0-9]*|ARGON2)\}[^ \t\"']+")
URL_USER = re.compile(rb"://[^ \t/@\"']*:[^ \t@\"']*@")
URL_PART = re.compile(rb"/[-A-Za-z0-9_]+")
BEARER = re.compile(rb"(bearer|basic|apikey|token)[ \t]+[-a-z0-9._~+/=]+")
SHAPES = re.compile(rb"(AKIA|ASIA|ghp_|gho_|ghs_|github_pat_|glpat-|xoxb-|xoxa-|xoxp-|xoxs-|hvs\.|npm_|eyJ)[-A-Za-z0-9_.]+")
# A key that ends like this, then `=`, `:` or `(`; or a dashed option and a blank.
KEY = re.compile(
    rb"(password|passwd|passphrase|passwort|passcode|pwd|pass|secret|authtok|token|credential|credentials|api[-_]?key|secret[-_]?key|access[-_]?key|"
    rb"shared[-_]?key|auth[-_]?key|encryption[-_]?key|crypt[-_]?key|header[-_]?value|pass(word)?[-_]?hash|community|bindpw|rootpw|psk|skey|motdepasse|mot_de_passe)"
    rb"[\"']?([ \t]+(default|override))?[ \t]*[=:(][ \t]*"
)
SPACED = re.compile(
    rb"(^[ \t#]*(bindpw|rootpw|rootbindpw|sharedkey|identified by)|bad configuration option:|after keyword|"
    rb"--?[-a-z0-9]*(password|passwd|passphrase|pass|token|secret|api-?key|auth-?token|psk)|"
    rb"login[ \t]+[^ \t]+[ \t]+password)[ \t]+"
)
# Words that stand before a secret at the beginning of a line; in PAM `password` begins every fourth.
STARTS = re.compile(
    rb"^[ \t#]*(secret|password|passphrase|requirepass|masterauth|auth_pass|bindpassword|community|rocommunity|rwcommunity|psk)[ \t]+"
)
PAM_KEY = re.compile(rb"(^|[ \t])key=")
ECHOED = re.compile(rb"(echo|printf)[ \t]+[^|]*[|]")
ECHO_PROGRAM = re.compile(rb"chpasswd|--stdin|sudo [^|]*-s|newusers|passwd")
REST = re.compile(rb"(htpasswd[ \t]+-[a-z]*b[a-z]*|vault[ \t]+login)[ \t]+")
A_PROGRAM = re.compile(rb"ipmitool|redis-cli|snmp")
A_OPTION = re.compile(rb"[ \t]-[PaAXc][ \t]*(\"[^\"]*\"|'[^']*'|[^ \t\"'-][^ \t\"']*)")
K_OPTION = re.compile(rb"[ \t]-[kK][ \t]+(\"[^\"]*\"|'[^']*'|[^ \t\"'-][^ \t\"']*)")
U_PERCENT = re.compile(rb"[ \t]-U[ \t]*[^ \t%\"']*%[^ \t\"']+")
USER_OPTION = re.compile(rb"(^|[ \t])(-u|--user|--proxy-user)[ \t]*[^ \t:\"'-][^ \t:\"']*:")
P_OPTION = re.compile(rb"[ \t]-p[ \t]*(\"[^\"]*\"|'[^']*'|[^ \t\"'-][^ \t\"']*)")
P_PROGRAM = re.compile(
    rb"mysql|mariadb|sshpass|smbclient|rpcclient|ldap(search|whoami|add|modify|delete|passwd|modrdn|compare|exop)|mongo|(docker|podman) login"
)
W_OPTION = re.compile(rb"[ \t]-w[ \t]*(\"[^\"]*\"|'[^']*'|[^ \t\"'-][^ \t\"']*)")
OM_ACTION = re.compile(rb":?om(mysql|pgsql|libdbi):[^,]*,[^,]*,[^,]*,")
OM_LEGACY = re.compile(rb"^[^#>]*[ \t]>[^ \t,]+,[^,]*,[^,]*,")
HARMLESS = frozenset(b"yes no true false on off none null required optional prompt ask 0 1 2 3 4 5 6 7 8 9".split())
_PLAIN_LINE = re.compile(rb"^[A-Za-z0-9+/]+=?=?$")
_DES = re.compile(rb"^[./0-9A-Za-z]+$")
# One DES hash, or bigcrypt's row of them; pam_unix cuts off HP-UX's ageing behind it.
_OLD_DES = re.compile(rb"^[./0-9A-Za-z]{13}([./0-9A-Za-z]{11}){0,15}([^./0-9A-Za-z]|$)")
_TRIGGER = re.compile(
    rb"pass|pwd|secret|authtok|token|credential|key|community|rootpw|bindpw|psk|passe|\$|\{|://|bearer|basic|-u|-p|-w|om(mysql|pgsql|libdbi)|>|"
    rb"vault|masterauth|ipmitool|redis-cli|snmp|openssl|sudo -s|header|bad conf|akia|asia|gh[ops]_|github_pat|glpat|xox|hvs\.|npm_|eyj|identified"
)
_ID = re.compile(rb"^\$([A-Za-z0-9-]+)([$,])")


def mask(family: str, data: bytes) -> bytes | str:
    """The file as evidence may hold it, or why it may not be held at all."""
    if b"\0" in data:
        return NOT_TEXT
    if not data:
        return data
    lines = data.split(b"\n")
    last = lines.pop()
    if last != b"":
        lines.append(last)
    if any(PRIVATE_KEY.search(line) for line in lines):
        return HOLDS_KEY
    hide = _FAMILIES.get(family)
    shown = [hide(line) for line in lines] if hide else [mask_line(family, line) for line in lines]
    return b"\n".join(shown) + (b"" if last else b"\n")


def _account_line(line: bytes) -> bytes:
    name, colon, rest = line.partition(b":")
    if not colon:  # `+`, `-name` and `+@netgroup` of the old way may stand alone
        return line if not line or (len(line) < 34 and re.fullmatch(rb"[+-](@?[a-z_][a-z0-9_-]*)?", line)) else MASK
    field, colon, rest = rest.partition(b":")
    return mask_line("plain", name) + b":" + mask_password(field) + colon + mask_line("plain", rest)


def mask_password(field: bytes) -> bytes:
    """A crypt(5) field without salt and hash: `!$y$j9T$masked`, `<des>`, `<bsdi>`, `<other>`; empty, `*`, `x` and leading `!` stay."""
    rest = field.lstrip(b"!")
    locks = field[: len(field) - len(rest)]
    if rest in (b"", b"*", b"x"):
        return field
    if match := _ID.match(rest):
        head, tail = rest[: match.end()], rest[match.end() :]
        if len(head) > 10:
            return locks + b"<other>"
        if match[2] == b",":
            if head != b"$md5,":
                return locks + b"<other>"
            cost = re.match(rb"rounds=[0-9]+\$", tail)
            return locks + (head + cost[0] if cost else b"$md5$") + b"masked"
        cost = None
        if match[1] in (b"y", b"gy"):
            cost = re.match(rb"[./A-Za-z0-9]+\$", tail)
            cost = cost if cost and cost.end() <= 9 else None
        elif match[1] in (b"5", b"6"):
            cost = re.match(rb"rounds=[0-9]+\$", tail)
        elif match[1] in (b"2a", b"2b", b"2x", b"2y", b"sha1"):
            cost = re.match(rb"[0-9]+\$", tail)
        cost = cost if cost and cost.end() <= 20 else None
        return locks + head + (cost[0] if cost else b"") + b"masked"
    if _OLD_DES.match(rest):
        return locks + b"<des>"
    if len(rest) == 20 and rest[:1] == b"_" and _DES.match(rest[1:]):
        return locks + b"<bsdi>"
    return locks + b"<other>"


def _oath_line(line: bytes) -> bytes:
    """users.oath: `type user pin secret [offset …]`. Type and user stay, and whether there is a pin."""
    text = line.strip(b" \t\r")
    if text == b"":
        return line
    if text[:1] == b"#":
        return b"#"
    words = re.split(rb"[ \t]+", text)
    pin = words[2] if len(words) > 2 and words[2] in (b"-", b"+") else MASK
    return b"\t".join([*words[:2], pin, MASK]) if len(words) > 2 else MASK


def mask_line(family: str, line: bytes) -> bytes:
    """One line of a configuration file. `nss` lines hold no secrets (`passwd: files`) and stay."""
    if family == "nss":
        return line
    text = line.strip(b" \t\r")
    if len(text) >= 48 and _PLAIN_LINE.match(text):
        return MASK
    if family in ("chrony", "ntp") and re.match(rb"[0-9]", text):
        return MASK  # a line of a key file; no directive begins with a digit
    low = lower(line)
    if not _TRIGGER.search(low):
        return line
    line = CRYPT.sub(MASK, line)
    line = LDAP_HASH.sub(MASK, line)
    line = SHAPES.sub(MASK, line)
    line = _urls(line)
    for expression in (OM_ACTION, OM_LEGACY):
        if match := expression.search(line):
            line = line[: match.end()] + MASK
    line = _after(line, BEARER, blank=True)
    line = _keys(family, line)
    if not (family == "pam" and text[:1] == b"-"):
        line = _after(line, SPACED, blank=False)
    if family == "pam":
        line = _after(line, PAM_KEY, blank=False)
    elif match := STARTS.search(lower(line)):
        line = line[: match.end()] + _value(line[match.end() :], whole=False)[0] + _value(line[match.end() :], whole=False)[1]
    if family == "audit":
        return line  # -u, -p and -w are options of auditctl
    line = _user_options(line)
    low = lower(line)
    if P_PROGRAM.search(low):
        line = P_OPTION.sub(b" -p" + MASK, line)
        line = W_OPTION.sub(b" -w " + MASK, line)
        line = U_PERCENT.sub(b" -U " + MASK, line)
    if A_PROGRAM.search(low):
        line = A_OPTION.sub(b" -" + MASK, line)
    if b"openssl" in low:
        line = K_OPTION.sub(b" -k " + MASK, line)
    low = lower(line)
    if (match := ECHOED.search(low)) and ECHO_PROGRAM.search(low[match.end() :]):
        line = line[: match.start()] + b"echo " + MASK + b" |" + line[match.end() :]
    if family != "rc" and (match := REST.search(lower(line))):
        line = line[: match.end()] + MASK
    return line


def lower(line: bytes) -> bytes:
    """ASCII lower case, the same length: positions in it are positions in the line."""
    return line.lower()


def _urls(line: bytes) -> bytes:
    done = b""
    while match := URL_USER.search(line):
        done += line[: match.start()] + b"://" + MASK + b"@"
        line = line[match.end() :]
    line = done + line
    start = line.find(b"://")
    if start < 0:
        return line
    done, line = line[: start + 3], line[start + 3 :]
    while match := URL_PART.search(line):
        word = match[0]
        long = len(word) > 20 and re.search(rb"[0-9]", word) and re.search(rb"[A-Za-z]", word)
        done += line[: match.start()] + (b"/" + MASK if long else word)
        line = line[match.end() :]
    return done + line


def _after(line: bytes, expression: re.Pattern[bytes], *, blank: bool) -> bytes:
    """Mask the word after each match; with `blank`, the match's own last word."""
    done = b""
    while match := expression.search(lower(line)):
        found = line[: match.end()]
        rest = line[match.end() :]
        if blank:
            word = re.match(rb"[A-Za-z]+[ \t]+", found[match.start() :])
            first = word[0] if word else b""
            value = found[match.start() + len(first) :]
            keep = len(value) < 8
            done += found[: match.start()] + first + (value if keep else MASK)
        else:
            hidden, rest = _value(rest, whole=False)
            done += found + hidden
        line = rest
    return done + line


def _keys(family: str, line: bytes) -> bytes:
    done = b""
    while match := KEY.search(lower(line)):
        head, found, rest = line[: match.start()], match[0], line[match.end() :]
        key = lower(line[match.start() : match.end()])
        separator = found.strip(b" \t")[-1:]
        whole = (
            done == b""
            and family != "rc"
            and separator in (b"=", b":")
            and re.search(rb"^[ \t#;$]*(export[ \t]+)?[-A-Za-z0-9_.\"']*$", head) is not None
        )
        done += line[: match.end()]
        keep = (
            (family == "sudo" and separator == b":" and key[:6] == b"passwd")
            or (family == "doas" and separator == b":" and key[:4] == b"pass" and head[-2:] == b"no")
            or (family == "pam" and key[:6] == b"secret" and rest[:1] in (b"/", b"~", b"$"))
            or (separator == b"(" and rest[:1] not in (b'"', b"'"))
            or _PASS_FLAG.search(head) is not None
        )
        if keep:
            line = rest
        else:
            hidden, line = _value(rest, whole=whole)
            done += hidden
    return done + line


_PASS_FLAG = re.compile(rb"NO$")  # sudoers' NOPASSWD:


def _value(rest: bytes, *, whole: bool) -> tuple[bytes, bytes]:
    """The masked value at the start of `rest`, and what follows it."""
    quote = rest[:1]
    if quote in (b'"', b"'"):
        end = rest.find(quote, 1)
        if end < 0:
            return quote + (MASK if len(rest) > 1 else b""), b""
        return quote + (MASK if end > 1 else b"") + quote, rest[end + 1 :]
    word = re.match(rb"[^\r]*" if whole else rb"[^ \t\r\"',;)]*", rest)
    value = word[0] if word else b""
    if lower(value.rstrip(b" \t")) in HARMLESS or value == b"":
        return value, rest[len(value) :]
    return MASK, rest[len(value) :]


def _user_options(line: bytes) -> bytes:
    done = b""
    while match := USER_OPTION.search(line):
        done += line[: match.end()]
        hidden, line = _value(line[match.end() :], whole=False)
        done += hidden
    return done + line


ASSIGN = re.compile(rb"(^|[ \t;&|({])[A-Za-z_][A-Za-z0-9_]*[+]?=")
_OPEN = re.compile(rb"(TMOUT|UMASK|ENV|ZDOTDIR)[+]?=$")
_PIECE = re.compile(rb"^(\"([^\"\\]|\\.)*\"|'[^']*'|([^ \t\r;&|()<>\"'`$\\]|[$][A-Za-z0-9_{}]|\\.)+)")
_SHOWN = re.compile(rb"^[\"']?([0-9]?[0-9]?[0-9]?[0-9]?[0-9]?|yes|no|true|false|on|off)[\"']?$|^\"?[$][{]?[A-Za-z_]+[}]?\"?$")


def _startup_line(line: bytes) -> bytes:
    """A line of somebody's own startup file: what is assigned stays on the host, but for small numbers, yes and no."""
    if line.strip(b" \t\r")[:1] == b"#":
        return b"#"
    done = b""
    while match := ASSIGN.search(line):
        done += line[: match.end()]
        shown = _OPEN.search(line[: match.end()]) is not None
        line = line[match.end() :]
        value = b""
        while piece := _PIECE.match(line):
            value += piece[0]
            line = line[piece.end() :]
        done += value if shown or _SHOWN.match(value) else MASK
        if line[:1] in (b'"', b"'"):
            return mask_line("rc", done + line[:1] + (MASK if len(line) > 1 else b""))
    return mask_line("rc", done + line)


_FAMILIES = {"shadow": _account_line, "oath": _oath_line, "rc": _startup_line}
