"""Who logs in at a machine's console is in the room.

Why: a login at the keyboard of a machine whose room is empty came through a remote console, or through a door that recorded nobody.

One answer for each machine that the `hosts` table (host, area) or the audit names. Each login at a terminal of the machine itself (virtual
console, serial line, local display; wtmp(5)) during the time of the log is put beside the passages into and out of its area. It fails if
nobody was inside at any moment of the `before_minutes` up to the login; and, where the roster (`people:`) says whose the account is, if
that person was not. It passes where somebody was, each time.

Unknown without the tables `hosts` and `doors`; for a machine that was not audited, whose wtmp was not seen or begins after the log, or of
which nothing says where it stands; by construction for an area one of whose doors does not record both ways; for a login within a day of an
entry or exit that contradicts the one before (physical-access.anti-passback); and where rows of the export could not be read or have codes
or directions that the map does not name. Out of reach: logins through a management controller itself, and clocks that differ by more than
`before_minutes`.

Remedy: find out who logged in and from where; restrict remote consoles, and record who uses them.
"""

from sovaudit.authoring import BadgeLog, Gap, Host, Line, Outcomes, Reason, Roster, Unseen, check, failed, passed, unknown
from sovaudit.facts import badge_holders, badge_moves, badge_presence
from sovaudit.facts.badges import utc
from sovaudit.facts.host import ConsoleLogins

DAY = 86_400_000
SETTLE = "Give the machine's area in the table of hosts, audit it as root, and mend what could not be read."


@check("physical-access.console-presence", severity="medium", since="0.2")
def console_presence(log: BadgeLog, hosts: tuple[Host, ...], people: Roster | None, *, before_minutes: int = 5) -> Outcomes:
    log.need_table("hosts")
    where: dict[str, set[str]] = {}
    for name, area in log.query("SELECT lower(host), coalesce(area, '') FROM hosts WHERE host IS NOT NULL ORDER BY 1, 2"):
        where.setdefault(name, set()).add(area)
    areas = badge_moves.areas(log)
    table = badge_presence.watch(log, people, {area for found in where.values() for area in found if area})
    rooms = Rooms(log, areas, people, table, before_minutes * 60_000)
    seen: set[str] = set()
    for host in hosts:
        names = [name for name in (host.name.lower(), host.name.lower().split(".")[0]) if name in where]
        seen.update(names)
        area = where[names[0]] - {""} if names else set()
        if len(area) != 1:
            yield unknown("nothing says in which area {host} stands", subject=host.name, host=host.name, settle=SETTLE)
            continue
        try:
            logins = host.console_logins
        except Unseen as unseen:
            yield unknown(
                "the logins at the console of {host} were not seen", subject=host.name, host=host.name, gaps=[unseen.gap], settle=SETTLE
            )
            continue
        yield from _host(host.name, area.pop(), logins, rooms)
    for name in sorted(set(where) - seen):
        yield unknown("{host} was not audited", subject=name, host=name, settle=SETTLE)
    if not where and not hosts:
        yield unknown("the table of hosts is empty", settle=SETTLE)


def _host(name: str, area: str, logins: ConsoleLogins, rooms: "Rooms") -> Outcomes:
    if area in rooms.areas.open or area not in rooms.areas.closed:
        why = "it is public" if area in rooms.areas.public else rooms.areas.open.get(area, "no door of the table leads there")
        yield unknown(
            "who is inside {area} is not known",
            subject=name,
            area=area,
            gaps=[Gap(f"badges/doors: {area}", Reason.ABSENT, why)],
            settle=SETTLE,
        )
        return
    first, last = rooms.log.span
    judged = [login for login in logins.logins if first <= login.seconds * 1000 <= last]
    wrong: list[Line] = []
    doubtful: list[Line] = []
    room = rooms.room(area, {login.account for login in judged})
    for login in judged:
        why = rooms.absent(room, login.account, login.seconds * 1000)
        if why:
            line = Line("console-logins", 0, f"{login.account} on {login.terminal} at {utc(login.seconds * 1000)}: {why}")
            (doubtful if rooms.contradicted(area, login.seconds * 1000) else wrong).append(line)
    if wrong and not rooms.doubts:
        yield failed(
            "{count} of {total} logins at the console while their person was not in {area}", subject=name, because=wrong[: badge_moves.QUOTED],
            count=len(wrong), total=len(judged), area=area,
        )  # fmt: skip
    elif wrong or doubtful or rooms.doubts:
        yield unknown(
            "for {count} of {total} logins at the console it is not known who was in {area}", subject=name, because=[*wrong, *doubtful],
            gaps=rooms.doubts, count=len(wrong) + len(doubtful), total=len(judged), area=area, settle=SETTLE,
        )  # fmt: skip
    elif logins.since is None or logins.since * 1000 > last:
        yield unknown(
            "the record of logins begins after the log of the doors ends", subject=name, settle="Keep wtmp as long as the log of the doors.",
            gaps=[Gap("console-logins", Reason.TRUNCATED, f"since {utc(logins.since * 1000)}" if logins.since is not None else "no record")],
        )  # fmt: skip
    else:
        yield passed(
            "{total} logins at the console since {since}, each while its person was in {area}", subject=name, total=len(judged), area=area,
            since=utc(max(first, logins.since * 1000)),
        )  # fmt: skip


class Rooms:
    """Who was in which area."""

    def __init__(self, log: BadgeLog, areas: badge_moves.Areas, people: Roster | None, table: str, before: int) -> None:
        self.log, self.areas, self.doubts = log, areas, [*badge_moves.doubts(log), *(people.gaps if people else ())]
        self._people, self._table, self._before = people, table, before
        self._wrong = badge_moves.contradictions(log, areas.closed)

    def room(self, area: str, accounts: set[str]) -> badge_presence.Presence:
        """Those who were inside, as far as these accounts ask for them."""
        return badge_presence.Presence(self.log, self._table, area, {self._person(account) for account in accounts} - {""})

    def absent(self, room: badge_presence.Presence, account: str, at: int) -> str:
        """Why a login has nobody to it, or nothing."""
        if not room.anyone(at - self._before, at):
            return "nobody was inside"
        person = self._person(account)
        return "" if not person or room.of(person, at - self._before, at) else "its person was not inside"

    def _person(self, account: str) -> str:
        """The one person whose account it is; empty where it is nobody's, or several people's."""
        persons = self._people.by_account.get(account, ()) if self._people else ()
        names = {badge_holders.name_of(person) for person in persons}
        return names.pop() if len(names) == 1 else ""

    def contradicted(self, area: str, at: int) -> bool:
        return any(abs(moment - at) <= DAY for moment in (self._wrong[area].moments if area in self._wrong else ()))
