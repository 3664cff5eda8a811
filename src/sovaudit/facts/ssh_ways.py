"""With which factors one account opens an SSH session from one kind of connection: sshd's own order of questions.

(0) which configuration holds (sshd_match), (1) may the account come in at all (auth.c `allowed_user`), (2) does a session follow (shell,
chroot), (3) which methods work for it, (4) which lists of methods suffice (auth2.c), (5) the PAM account phase.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account, day
from sovaudit.facts.authorized_keys import Key
from sovaudit.facts.factors import NOTHING, Factor, Ways, Why, might, never, opens
from sovaudit.facts.files import Unseen
from sovaudit.facts.login_shells import does_nothing, missing, no_session
from sovaudit.facts.ssh_keys import KeyFinder, Keys, expand
from sovaudit.facts.sshd_match import Connection, Effective
from sovaudit.facts.sshd_patterns import match_groups, match_user
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

if TYPE_CHECKING:
    from sovaudit.facts.host import Host

ENABLING = {
    "publickey": "pubkeyauthentication",
    "password": "passwordauthentication",
    "keyboard-interactive": "kbdinteractiveauthentication",
    "gssapi-with-mic": "gssapiauthentication",
    "gssapi-keyex": "gssapikeyexchange",
    "hostbased": "hostbasedauthentication",
}
_ONE_PROMPT = frozenset({Factor.PASSWORD, Factor.ROOT_PASSWORD, Factor.OTP, Factor.OTHER})


@dataclass(frozen=True, slots=True)
class Login:
    """One account at one connection under one configuration. placed: PAM is asked for this very connection, not for the one that suits best."""

    host: Host
    finder: KeyFinder
    account: Account
    effective: Effective
    connection: Connection
    placed: bool = False

    def ways(self) -> Ways:
        """Factor sets that give a session. `closed` says why there is none."""
        refusal = self.refused()
        if refusal is not None:
            return never(refusal)
        doubts: list[Gap] = []
        for question in (self._shell, self._session):
            try:
                refusal = question()
            except Unseen as unseen:
                doubts.append(unseen.gap)
                continue
            if refusal is not None:
                return never(refusal)
        found = self._methods()
        if not found:
            return found
        if self.effective.yes("usepam"):
            phase = self._pam(lambda: self.host.pam.account_phase(self._service, self.account, rhost=self._rhost))
            found = self.host.pam.overdue(self.account, found & phase, phase)
            opened = self._pam(lambda: self.host.pam.session_phase(self._service, self.account, rhost=self._rhost))
            found = found if NOTHING in opened.certain else found & opened
        else:
            found = self._without_pam(found)
        for gap in doubts:
            found = found.doubtful(gap)
        return found

    @property
    def _service(self) -> str:
        return self.effective.get("pamservicename") or "sshd"

    @property
    def _rhost(self) -> str | None:
        """PAM_RHOST as sshd sets it: the address, or with UseDNS the name."""
        return self.connection.host if self.placed else None

    def refused(self) -> tuple[Line, ...] | None:
        """allowed_user's lists, root and a locked account without PAM; the lines that refuse, or None."""
        account, effective = self.account, self.effective
        place = (self.connection.host, self.connection.address)
        if effective.yes("refuseconnection"):
            return effective.because("refuseconnection")
        if any(match_user(account.name, *place, word) for word in effective.words("denyusers")):
            return effective.because("denyusers")
        allowed = effective.words("allowusers")
        if allowed and not any(match_user(account.name, *place, word) for word in allowed):
            return effective.because("allowusers")
        if (effective.words("denygroups") or effective.words("allowgroups")) and not account.groups:
            return effective.because("denygroups", "allowgroups")
        if match_groups(account.groups, effective.words("denygroups")):
            return effective.because("denygroups")
        if effective.words("allowgroups") and not match_groups(account.groups, effective.words("allowgroups")):
            return effective.because("allowgroups")
        if account.uid == 0 and effective.get("permitrootlogin") == "no":
            return effective.because("permitrootlogin")
        return None

    def _shell(self) -> tuple[Line, ...] | None:
        """sshd itself refuses an account whose shell is no executable file, unless it will chroot. Raises Unseen."""
        if self.effective.get("chrootdirectory") != "none":
            return None
        return missing(self.host, self.account) or None

    def _session(self) -> tuple[Line, ...] | None:
        """Whether a session follows: a shell, a forced command, or sftp inside sshd. Forwarding alone is none. Raises Unseen."""
        if self.effective.get("maxsessions") == "0":
            return self.effective.because("maxsessions")
        forced = self.effective.get("forcecommand")
        subsystems = [text.split() for text in self.effective.words("subsystem")]
        internal = any(len(words) > 1 and words[1] == "internal-sftp" for words in subsystems)
        chroot = self.effective.get("chrootdirectory")
        if chroot != "none":
            path = self._inside(chroot)
            refusal = self._chroot(path) if path is not None else self.effective.because("chrootdirectory")
            if refusal is not None:
                return refusal
        if forced.split()[:1] == ["internal-sftp"]:
            # session.c: only a subsystem request reaches it, and there is none to request without a Subsystem line
            return None if subsystems else self.effective.because("forcecommand")
        if forced != "none" and does_nothing(forced):
            return self.effective.because("forcecommand")
        refused = no_session(self.host, self.account) if chroot == "none" else ()
        usable = self.account.has_shell and not refused
        if usable and chroot != "none" and path is not None:
            inside = self.host.files.follow(path.rstrip("/") + (self.account.shell or "/bin/sh"))
            usable = inside is not None and bool(inside.mode & 0o111)
        if usable or (internal and forced == "none"):
            return None
        return (*(refused or self.account.because[:1]), *self.effective.because("chrootdirectory"))

    def _inside(self, chroot: str) -> str | None:
        """ChrootDirectory of this account: `~` is its own home here. None where sshd gives up."""
        if not chroot.startswith("~"):
            return expand(chroot, self.account)
        name, _, rest = chroot[1:].partition("/")
        whose = self.host.accounts.get(name) if name else self.account
        return None if whose is None else expand(f"{whose.home.rstrip('/')}/{rest.lstrip('/')}", self.account)

    def _chroot(self, path: str) -> tuple[Line, ...] | None:
        """safely_chroot: every folder on the way belongs to root and nobody else may write it."""
        here = path.rstrip("/") or "/"
        while True:
            stat = self.host.files.follow(here) if here != "/" else None
            if here != "/" and (stat is None or stat.kind != "d" or stat.uid != 0 or stat.mode & 0o022):
                return (*self.effective.because("chrootdirectory"), Line(here, 0, "sshd refuses to chroot here"))
            if here == "/":
                return None
            here = posixpath.dirname(here)

    def _without_pam(self, found: Ways) -> Ways:
        """UsePAM no: a stored password that begins with `!` and an expired account close the door, and /etc/nologin to all but root."""
        account = self.account
        if account.shadow_gap is not None:
            return found.doubtful(account.shadow_gap)
        # unlike pam_unix, sshd still lets in on the day of expiry itself (auth-shadow.c)
        password, expires = account.beside or (account.password, account.expires)
        expired = expires is not None and expires >= 0 and day(self.host.taken_at) > expires
        if (password is not None and password.locked) or expired:
            return never(account.because)
        try:
            if account.uid != 0 and self.host.files.exists("/etc/nologin"):
                return never([Line("/etc/nologin", 0, "exists")])
        except Unseen as unseen:
            return found.doubtful(unseen.gap)
        return found

    # Methods

    def _methods(self) -> Ways:
        """`any`: each enabled method alone. Otherwise each list whose methods are all enabled; without one, sshd ends the connection."""
        lists = self.effective.words("authenticationmethods")
        enabled = [method for method, keyword in ENABLING.items() if self.effective.yes(keyword)]
        steps: dict[tuple[str, int], Ways] = {}

        def step(method: str, nth: int) -> Ways:
            if (method, nth) not in steps:
                steps[method, nth] = self._method(method, nth)
            return steps[method, nth]

        total = never(self.effective.because("authenticationmethods", *(ENABLING[name] for name in ENABLING)))
        if lists == ("any",):
            for method in enabled:
                total = total | step(method, 1)
            return total
        why = opens(because=self.effective.because("authenticationmethods"))
        for methods in lists:
            names = methods.split(",")
            if any(name.split(":")[0] not in enabled for name in names):
                continue
            if len(names) > 1 and self.effective.get("maxauthtries") == "0":
                continue  # the first step is answered like a failure, and none is allowed (auth2.c)
            way, seen = why, 0
            for name in names:
                method, _, device = name.partition(":")
                seen += method == "publickey"
                if device and (method != "keyboard-interactive" or device != "pam"):
                    way = never(self.effective.because("authenticationmethods"))
                    break
                way = way & step(method, seen if method == "publickey" else 1)
                if not way:
                    break
            total = total | way
        return total

    def _method(self, method: str, nth: int) -> Ways:
        root = self.effective.get("permitrootlogin") if self.account.uid == 0 else "yes"
        if method == "publickey":
            return self._publickey(nth, forced=root == "forced-commands-only")
        if root == "forced-commands-only" or (root != "yes" and method in ("password", "keyboard-interactive")):
            return never(self.effective.because("permitrootlogin"))
        if method == "password":
            return self._password(lists=self.effective.words("authenticationmethods") != ("any",))
        if method == "keyboard-interactive":
            if not self.effective.yes("usepam"):
                return never(self.effective.because("usepam"))
            followed = self._pam(lambda: self.host.pam.credentials_follow(self._service))
            found = self._authenticate() & opens(because=self.effective.because("kbdinteractiveauthentication"))
            return found if NOTHING in followed.certain else found & followed
        if method in ("gssapi-with-mic", "gssapi-keyex"):
            return self._ticket(ENABLING[method])
        return self._hostbased()

    def _publickey(self, nth: int, *, forced: bool) -> Ways:
        keys: Keys = self.finder.keys(self.account, self.effective, self.connection)
        why = self.effective.because("pubkeyauthentication")
        demanded = "verify-required" in self.effective.words("pubkeyauthoptions")
        usable = [key for key in keys.usable if self._serves(key, forced)]
        uncertain = [pair for pair in keys.uncertain if self._serves(pair[0], forced)]
        distinct = {key.blob for key in usable}
        authority = any(key.authority for key in usable)  # its holder makes as many certificates as he likes
        total = never([*why, *keys.notes])
        if authority or len(distinct) >= nth:
            for key in usable:
                total = total | opens(self._factor(key, demanded), because=[*why, key.line])
        elif len(distinct | {key.blob for key, _ in uncertain}) >= nth:
            total = total | Ways(possible={frozenset({Factor.KEY}): Why(why, tuple(gap for _, gap in uncertain))})
        for key, gap in uncertain:
            total = total | might(self._factor(key, demanded), because=[*why, key.line], gaps=[gap])
        for gap in keys.gaps:
            total = total | might(Factor.KEY, because=why, gaps=[gap])
        return total

    def _factor(self, key: Key, demanded: bool) -> Factor:
        """What its holder presents. The key that an authority certifies is of any kind that sshd takes, whatever the authority's own is."""
        security = key.security
        if key.authority:
            accepted = self.effective.get("pubkeyacceptedalgorithms").split(",")
            security = all(name.startswith(("sk-", "webauthn-sk-")) for name in accepted if "-cert-v01@" in name)
        return Factor.VERIFIED_KEY if security and (key.verified or demanded) else Factor.KEY

    def _serves(self, key: Key, forced: bool) -> bool:
        """Whether a session follows this key. forced: root needs one with a command; an authority puts one into its certificates."""
        if key.command is None:
            return not forced or key.authority
        return not (does_nothing(key.command, fails=True) and self.effective.get("forcecommand") == "none")

    def _password(self, *, lists: bool) -> Ways:
        why = opens(because=self.effective.because("passwordauthentication"))
        total = never()
        if self.effective.yes("kerberosauthentication"):
            gap = Gap("kerberos", Reason.UNSUPPORTED, "a key distribution centre may accept the password")
            total = might(Factor.PASSWORD, because=self.effective.because("kerberosauthentication"), gaps=[gap])
        if self.effective.yes("usepam"):
            return total | (_one_prompt(self._authenticate()) & why)
        password = self.account.beside[0] if self.account.beside is not None else self.account.password  # sshd looks into shadow first
        if password is None:
            return total | might(Factor.PASSWORD, gaps=[self.account.shadow_gap] if self.account.shadow_gap else [])
        if password.kind == "empty":
            empty = self.effective.yes("permitemptypasswords") and not lists  # sshd books it under the method `none`, which no list names
            return total | (opens(because=self.account.because) if empty else never(self.effective.because("permitemptypasswords")))
        return total | ((opens(Factor.PASSWORD, because=self.account.because) & why) if password.usable else never(self.account.because))

    def _authenticate(self) -> Ways:
        null = self.effective.yes("permitemptypasswords")
        return self._pam(lambda: self.host.pam.authenticate(self._service, self.account, disallow_null=not null, rhost=self._rhost))

    def _pam(self, ask: Callable[[], Ways]) -> Ways:
        """The stack's answer; where it was not seen, anything may be asked, or nothing."""
        try:
            return ask()
        except Unseen as unseen:
            return might(gaps=[unseen.gap])

    def _ticket(self, keyword: str) -> Ways:
        why = self.effective.because(keyword)
        try:
            if not self.host.files.exists("/etc/krb5.keytab"):
                return never([*why, Line("/etc/krb5.keytab", 0, "is absent: the host can accept no ticket")])
        except Unseen as unseen:
            return might(Factor.TICKET, because=why, gaps=[unseen.gap])
        return might(
            Factor.TICKET, because=why, gaps=[Gap("file:/etc/krb5.keytab", Reason.UNSUPPORTED, "which principals the realm lets in")]
        )

    def _hostbased(self) -> Ways:
        """auth_rhosts2: hosts.equiv and shosts.equiv for all but root, the account's own .rhosts and .shosts unless ignored."""
        why = list(self.effective.because("hostbasedauthentication", "ignorerhosts"))
        ignore = self.effective.get("ignorerhosts")
        places = [] if self.account.uid == 0 else ["/etc/hosts.equiv", "/etc/ssh/shosts.equiv"]
        places += [f"{self.account.home}/.shosts"] if ignore in ("no", "shosts-only") else []
        places += [f"{self.account.home}/.rhosts"] if ignore == "no" else []
        known = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
        known += [] if self.effective.yes("ignoreuserknownhosts") else [f"{self.account.home}/.ssh/known_hosts"]
        total = never(why)
        for place in places:
            try:
                lines = self.host.files.lines(place)
                trusted = [line for line in lines or () if line.text.strip() and line.text.strip()[0] not in "#-"]
                if trusted and any(self.host.files.exists(path) for path in known):
                    total = total | opens(Factor.HOST, because=[*why, *trusted[:3]])
            except Unseen as unseen:
                total = total | might(Factor.HOST, because=why, gaps=[unseen.gap])
        return total


def asks_key(effective: Effective) -> bool:
    """A public key is one of the things that open here, alone or in a list whose methods are all enabled."""
    enabled = {method for method, keyword in ENABLING.items() if effective.yes(keyword)}
    lists = [[name.partition(":")[0] for name in methods.split(",")] for methods in effective.words("authenticationmethods")]
    return "publickey" in enabled and any(names == ["any"] or ("publickey" in names and enabled.issuperset(names)) for names in lists)


def _one_prompt(ways: Ways) -> Ways:
    """The `password` method answers every hidden prompt with one text (auth-pam.c `sshpam_passwd_conv`): a password and a code cannot both be
    given, unless a module splits the text (pam_google_authenticator forward_pass, pam_oath)."""

    def fits(factors: frozenset[Factor], why: Why) -> bool:
        splits = any("forward_pass" in line.text or "pam_oath" in line.text for line in why.because)
        return factors == NOTHING or splits or len(factors & _ONE_PROMPT) <= 1

    return Ways(
        {factors: why for factors, why in ways.certain.items() if fits(factors, why)},
        {factors: why for factors, why in ways.possible.items() if fits(factors, why)},
        ways.closed,
    )
