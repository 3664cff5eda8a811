"""What each way to root asks of an account that has a session: sudo, su, doas, pkexec, and groups that equal root.

    for road in escalations(host, account): road.ways.weakest(no_second)

What opened the session counts as the first factor; a recent answer that sudo remembers counts as given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sovaudit.facts import su
from sovaudit.facts.accounts import Account
from sovaudit.facts.doas import DoasRoad
from sovaudit.facts.factors import Factor, FactorSet, Ways, Why, kinds, might, never, opens
from sovaudit.facts.files import Unseen
from sovaudit.facts.host import Host
from sovaudit.facts.sudo_reach import ANY, Reach
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

POLKIT = ("polkitd", "polkit", "policykit-1")
PKEXEC = ("/usr/bin/pkexec", "/bin/pkexec")
MAX_ROADS = 200  # of one account through sudo


@dataclass(frozen=True, slots=True)
class Road:
    """how: `sudo`, `sudo -i`, `sudo -u bob vim`, `su`, `su -`, `su toor`, `doas`, `pkexec`, `%docker` (its members), `/run/docker.sock`.

    ways: what it asks.
    named: a rule or a group names the account, so that it matters without a shell, too.
    """

    how: str
    ways: Ways
    named: bool = True


def no_second(factors: FactorSet) -> bool:
    """Nothing, or nothing but passwords: no second factor is asked. A code, a token or a finger alone is one, beside what opened the session."""
    return kinds(factors - {Factor.PASSWORD, Factor.ROOT_PASSWORD}) == 0


def escalations(host: Host, account: Account) -> list[Road]:
    """Every way, certain or possible, that opens for somebody. Raises Unseen only where accounts themselves were not seen."""
    roads = [*_sudo(host, account), *_others(host, account)]
    if account.has_shell:  # who has no session starts no su
        roads += [*_su(host, account), *_pkexec(host)]
    return [road for road in roads if road.ways]


# sudo


def _sudo(host: Host, account: Account) -> Iterator[Road]:
    sudo = host.sudo
    roads = sudo.roads_to_root(account)[:MAX_ROADS]
    for reach in roads:
        ways = _asked(host, account, reach)
        for gap in reach.gaps if not reach.certain else ():
            ways = ways.doubtful(gap)
        if not reach.certain and not reach.gaps:
            ways = ways.doubtful(Gap("file:/etc/sudoers", Reason.AMBIGUOUS, "whether the rule holds is not certain"))
        yield Road(_spelled(reach), _after(reach.because, ways))
    if not roads and sudo.usable:
        reach = sudo.reaches_root(account)
        if not reach.certain and not reach.root:
            gaps = reach.gaps or tuple(Gap(source, Reason.UNSUPPORTED, "its rules are not on this host") for source in sudo.elsewhere)
            yield Road("sudo", Ways(possible={frozenset(): Why(reach.because, gaps)}), named=False)


def sudo_questions(host: Host, account: Account) -> list[tuple[str, Account]]:
    """PAM services and accounts that sudo may ask when this account runs something: one's own, or by `rootpw` and its like another's."""
    found: dict[tuple[str, str], Account] = {}
    for reach in host.sudo.roads_to_root(account)[:MAX_ROADS]:
        if reach.password is not False:
            for who in _whom(host, account, reach):
                found.update({(service, who.name): who for service, _ in _services(host, account, reach)})
    if not found and any(right.nopasswd is not True for right in host.sudo.grants(account)):
        found["sudo", account.name] = account
    return [(service, who) for (service, _), who in found.items()]


def _spelled(reach: Reach) -> str:
    """The command line, as one would type it."""
    words = ["sudo"]
    if reach.target is not None and reach.target.group:
        words += ["-g", reach.target.group]
    elif reach.target is not None and reach.target.account.name != "root":
        words += ["-u", reach.target.account.name]
    if reach.level == "login":
        words.append("-i")
    elif reach.request is not None and reach.request not in ANY:
        words += [reach.request.command, reach.request.args or ""]
    return " ".join(word for word in words if word)


def _asked(host: Host, account: Account, reach: Reach) -> Ways:
    """What sudo asks on this road: nothing, or what PAM asks of whoever must answer (check.c, auth/pam.c)."""
    total = never(reach.because)
    if reach.password is not True:
        total = total | _approved(host, account, reach, opens(), exempt=True)
        if reach.password is None:
            total = total.doubtful(Gap("file:/etc/sudoers", Reason.AMBIGUOUS, "whether sudo asks for a password here is not certain"))
    if reach.password is not False:
        total = total | _approved(host, account, reach, None, exempt=False)
    return total


def _approved(host: Host, account: Account, reach: Reach, free: Ways | None, *, exempt: bool) -> Ways:
    total = never(reach.because)
    services, whom, managed = _services(host, account, reach), _whom(host, account, reach), _setting(host, account, reach, "pam_acct_mgmt")
    opened = _setting(host, account, reach, "pam_session")
    certain = len(whom) == len(managed) == len(opened) == 1
    for who in whom:
        for service, sure in services:
            for on in managed:
                found = _pam(host, account, service, who, free, managed=on != "off", exempt=exempt)
                if "off" not in opened:
                    found = _session(host, account, service, reach, found)
                doubt = Gap("file:/etc/sudoers", Reason.AMBIGUOUS, "which of sudo's settings hold here is not certain")
                total = total | (found if certain and sure else found.doubtful(doubt))
    return total


def _pam(host: Host, account: Account, service: str, who: Account, free: Ways | None, *, managed: bool, exempt: bool) -> Ways:
    try:
        pam = host.pam
        ways = free if free is not None else pam.authenticate(service, who, invoker=account)
        if managed:
            phase = pam.account_phase(service, who, invoker=account, exempt=exempt)
            ways = ways & phase if exempt else pam.overdue(who, ways & phase, phase)
    except Unseen as unseen:
        return might(gaps=[unseen.gap])
    return ways if who.name == account.name else _of_another(ways)


def _session(host: Host, account: Account, service: str, reach: Reach, ways: Ways) -> Ways:
    """What is left behind pam_open_session(3), which sudo asks for the account that it becomes; PAM_SESSION_ERR alone it does not mind."""
    target = reach.target.account if reach.target is not None else next(iter(host.accounts.by_uid(0)), None)
    if target is None:
        return ways
    try:
        phase = host.pam.session_phase(service, target, invoker=account, lenient=True)
    except Unseen as unseen:
        return ways.doubtful(unseen.gap)
    return ways if frozenset() in phase.certain else ways & phase


def _of_another(ways: Ways) -> Ways:
    """The same ways, where the password is another account's."""

    def named(factors: FactorSet) -> FactorSet:
        return frozenset(Factor.ROOT_PASSWORD if factor is Factor.PASSWORD else factor for factor in factors)

    return Ways({named(f): why for f, why in ways.certain.items()}, {named(f): why for f, why in ways.possible.items()}, ways.closed)


def _setting(host: Host, account: Account, reach: Reach, name: str) -> frozenset[str]:
    return host.sudo.setting(account, name, target=reach.target, request=reach.request)


def _whom(host: Host, account: Account, reach: Reach) -> list[Account]:
    """get_authpw(): who must answer. Several where the settings are not certain."""
    found: dict[str, Account] = {}
    roots = host.accounts.by_uid(0)
    rootpw, runaspw, targetpw = (_setting(host, account, reach, name) for name in ("rootpw", "runaspw", "targetpw"))
    if "on" in rootpw and roots:
        found[roots[0].name] = roots[0]
    if rootpw != {"on"} and "on" in runaspw:
        named = [host.sudo.target(name) for name in _setting(host, account, reach, "runas_default")]
        found.update({who.name: who for who in named if who is not None})
    if rootpw != {"on"} and runaspw != {"on"}:
        if "on" in targetpw and reach.target is not None:
            found[reach.target.account.name] = reach.target.account
        if targetpw != {"on"}:
            found[account.name] = account
    return list(found.values())


def _services(host: Host, account: Account, reach: Reach) -> list[tuple[str, bool]]:
    """PAM services that the road may use, and whether that is certain: `sudo -i` has its own, and so may `sudo -A`."""
    name = "pam_login_service" if reach.level == "login" else "pam_service"
    values = _setting(host, account, reach, name) - {"off", ""} or {_login_service(host) if reach.level == "login" else "sudo"}
    found = [(value, len(values) == 1) for value in sorted(values)]
    asked = _setting(host, account, reach, "pam_askpass_service") - {"off", ""}
    return found + [(value, len(asked) == 1) for value in sorted(asked)]


def _login_service(host: Host) -> str:
    """`sudo-i` where the distribution builds sudo so: Debian from version 12 on, Fedora and its children; else `sudo`."""
    try:
        if host.pam.stacks.configured("sudo-i"):
            return "sudo-i"
        debian = bool({"debian", "ubuntu"} & {host.os.get("ID", ""), *host.os.get("ID_LIKE", "").split()})
    except Unseen:
        return "sudo-i"
    return "sudo-i" if debian and host.sudo.version >= (1, 9, 12) else "sudo"


def _after(because: tuple[Line, ...], ways: Ways) -> Ways:
    why = Why(because)
    return Ways({s: why + w for s, w in ways.certain.items()}, {s: why + w for s, w in ways.possible.items()}, ways.closed)


# su


def _su(host: Host, account: Account) -> Iterator[Road]:
    """su and `su -` to every account with uid 0: two PAM services."""
    for service, root, ways in su.each(host, account):
        words = ["su", "-" if service == "su-l" else "", root.name if root.name != "root" else ""]
        yield Road(" ".join(word for word in words if word), _of_another(ways), named=False)


# the rest


def _others(host: Host, account: Account) -> Iterator[Road]:
    """doas and groups."""
    for road in host.doas.roads(account):
        ways = _doas(host, account, road)
        for gap in road.gaps:
            ways = ways.doubtful(gap)
        yield Road(road.how, ways)
    for path in host.privilege.groups(account):
        ways = opens(because=path.because)
        for gap in path.gaps:
            ways = ways.doubtful(gap)
        how = path.because[0].file if path.kind == "socket" else f"%{path.because[0].text.split(':')[0]}"
        yield Road(how, ways if path.certain or path.gaps else Ways(), named=path.kind == "group")


def _doas(host: Host, account: Account, road: DoasRoad) -> Ways:
    """pamauth(): who asks, answers for himself; with `nopass`, too, PAM's account and session stacks decide, the latter for the one that he becomes.

    Built without PAM, it asks /etc/shadow, and nobody with `nopass`.
    """
    if host.doas.alpine:
        if not road.asks:
            return opens(because=road.because)
        if account.password is None:
            return might(Factor.PASSWORD, because=road.because, gaps=[account.shadow_gap or Gap("file:/etc/shadow", Reason.ABSENT)])
        return opens(Factor.PASSWORD, because=road.because) if account.password.usable else never(account.because)
    try:
        pam = host.pam
        if road.asks:
            ways = pam.enter("doas", account, invoker=account)
        else:
            phase = pam.account_phase("doas", account, invoker=account)
            ways = pam.overdue(account, phase, phase)
        ways = pam.both(ways, pam.session_phase("doas", road.target, invoker=account))
    except Unseen as unseen:
        return might(because=road.because, gaps=[unseen.gap])
    return _after(road.because, ways)


def _pkexec(host: Host) -> Iterator[Road]:
    """pkexec asks polkit, whose rules are programs: what it asks is not known. So do systemd's own programs, which need no setuid bit."""
    try:
        programs = [host.files.follow(path) for path in PKEXEC]
        how = "pkexec" if any(program and program.uid == 0 and program.mode & 0o4000 for program in programs) else ""
    except Unseen as unseen:
        how = ""
        if unseen.gap.reason is not Reason.ABSENT:
            yield Road("pkexec", might(gaps=[unseen.gap]), named=False)
    try:
        how = how or ("systemd-run" if any(name in host.packages for name in POLKIT) else "")
    except Unseen as unseen:
        yield Road("systemd-run", might(gaps=[unseen.gap]), named=False)
    if how:
        gap = Gap("polkit", Reason.UNSUPPORTED, f"what polkit's rules ask before {how} runs a program as root is not evaluated")
        yield Road(how, might(gaps=[gap]), named=False)
