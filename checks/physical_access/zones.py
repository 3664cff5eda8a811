"""No door leads from a public to a restricted zone.

Why: between the street and the machine room stands a zone where strangers are noticed; a door that skips it skips them.

Judged on the `doors` table (what lies before a reader and what behind) and the level of each area: from the `zones` table, or from the
`doors` rows that lead into it. One answer for each door (a reader without a door's name stands for itself). It fails if one side is `public` and
the other `restricted`, in either direction; it passes if both levels are known and no reader of the door joins those two. The knobs say which
words mean which level; case does not matter.

Unknown where an area or its level is missing, has a word that no knob names, or is given two levels. Out of reach: walls, windows, false floors and
doors that are not in the table.

Remedy: put a controlled zone in between, or classify the areas as they are.
"""

from sovaudit.authoring import BadgeLog, Line, Outcomes, check, failed, passed, unknown

LEVELS = "SELECT area_to, lower(trim(level)) FROM doors WHERE area_to IS NOT NULL AND level IS NOT NULL"
OF_ZONES = "SELECT area, lower(trim(level)) FROM zones WHERE area IS NOT NULL AND level IS NOT NULL"
DOORS = """
SELECT coalesce(door, access_point), access_point, coalesce(area_from, ''), coalesce(area_to, '') FROM doors
ORDER BY 1, 2, 3, 4"""


@check("physical-access.zones", severity="high", since="0.2")
def zones(
    log: BadgeLog, *, public: tuple[str, ...] = ("public", "publique", "outside", "extérieur"),
    internal: tuple[str, ...] = ("internal", "interne", "private", "privé", "privée"),
    restricted: tuple[str, ...] = ("restricted", "restreint", "restreinte", "sensitive", "sensible", "critical", "critique"),
) -> Outcomes:  # fmt: skip
    log.need_table("doors")
    words = {word.lower(): 0 for word in public} | {word.lower(): 1 for word in internal} | {word.lower(): 2 for word in restricted}
    given: dict[str, set[str]] = {}
    for area, word in log.query(f"{OF_ZONES} ORDER BY 1, 2" if log.has("zones") else f"{LEVELS} ORDER BY 1, 2"):
        given.setdefault(area, set()).add(word)
    doors: dict[str, list[tuple[str, str, str]]] = {}
    for door, *reader in log.query(DOORS):
        doors.setdefault(door, []).append((reader[0], reader[1], reader[2]))
    if not doors:
        yield unknown("the table of doors is empty", settle="Give the doors: reader, area before it, area behind it.")
    for door, readers in doors.items():
        lines, wrong, doubtful = [], False, False
        for reader, before, behind in readers:
            sides = [_level(given.get(area, set()), words) for area in (before, behind)]
            lines.append(Line("doors", 0, f"{reader}: {_said(before, given)} to {_said(behind, given)}"))
            wrong |= set(sides) == {0, 2}
            doubtful |= None in sides
        if wrong:
            yield failed("{door} joins a public and a restricted zone", subject=door, because=lines, door=door)
        elif doubtful:
            yield unknown(
                "the level of a side of {door} is not known", subject=door, because=lines, door=door,
                settle="Give the level of each area in the table of zones, in words that the knobs name.",
            )  # fmt: skip
        else:
            yield passed("{door} joins no public and restricted zone", subject=door, because=lines, door=door)


def _level(given: set[str], words: dict[str, int]) -> int | None:
    levels = {words.get(word) for word in given}
    return levels.pop() if len(levels) == 1 else None


def _said(area: str, given: dict[str, set[str]]) -> str:
    return f"{area or 'an area without a name'} ({', '.join(sorted(given.get(area, set()))) or 'no level'})"
