"""No badge in use is one that nobody uses.

Why: a badge that its holder does not miss for months is lost, lent or forgotten, and still opens doors.

Badges in use are those of the `credentials` table whose status says so (or says nothing) and whose time has begun and not ended; without
that table, those that the roster (`people:`) gives to somebody who is here. It fails for a badge that was not presented in the last
`max_idle_days` of the log, whether let in or not; a badge issued within that time counts from then. One answer for each such badge, and one
for all the rest.

Unknown where neither table nor roster says which badges there are; where the log covers less than `max_idle_days`; for badges with a status
that we do not know; where rows of the export could not be read: they may be uses. Codes that the map does not name do count as a use.

Remedy: ask the holder to show the badge; block it if it is not shown.
"""

from sovaudit.authoring import BadgeLog, Gap, Line, Outcomes, Reason, Roster, check, failed, passed, unknown
from sovaudit.facts import badge_holders, badge_uses
from sovaudit.facts.badges import utc
from sovaudit.facts.files import Unseen
from sovaudit.facts.roster import Standing

DAY = 86_400_000
ISSUED = f"""
SELECT credential, max(valid_from), {badge_holders.STATES}
WHERE credential IS NOT NULL AND (valid_from IS NULL OR valid_from <= $now) AND (valid_to IS NULL OR valid_to > $now)
GROUP BY credential ORDER BY credential
"""


@check("physical-access.dormant-badge", severity="medium", since="0.2")
def dormant_badge(log: BadgeLog, people: Roster | None, *, max_idle_days: int = 90) -> Outcomes:
    log.need("credential")
    first, last = log.span
    badges, strange = _in_use(log, people, last)
    used = badge_uses.last_uses(log)
    since = last - max_idle_days * DAY
    idle = [(badge, used.get(badge)) for badge, begun in badges if (begun is None or begun < since) and (used.get(badge) or 0) < since]
    if first > since:
        yield unknown(
            "the log covers {days} days only", days=(last - first) // DAY, settle="Export a longer time.",
            gaps=[Gap("badges/events", Reason.TRUNCATED, f"first event {utc(first)}, last {utc(last)}")],
        )  # fmt: skip
        return
    for badge, seen in [] if log.refused else idle[: badge_holders.MOST]:
        text = f"last used at {utc(seen)}" if seen is not None else f"not used since {utc(first)}"
        yield failed("not used for {days} days", subject=badge, because=[Line(log.reading.file, 0, text)], days=max_idle_days)
    if len(idle) > badge_holders.MOST and not log.refused:
        yield failed(
            "{count} more badges were not used for {days} days", subject="others", count=len(idle) - badge_holders.MOST, days=max_idle_days
        )
    gaps = [*(log.doubts if log.refused and idle else ()), *(people.gaps if people else ())]
    if gaps or strange:
        yield unknown(
            "{count} badges have a status that we do not know, or rows were not understood", gaps=gaps, count=len(strange),
            settle="Give the status of each badge in known words, and mend the rows that could not be read.",
        )  # fmt: skip
    else:
        yield passed(
            "{count} of {total} badges in use were used in the last {days} days",
            count=len(badges) - len(idle),
            total=len(badges),
            days=max_idle_days,
        )


def _in_use(log: BadgeLog, people: Roster | None, now: int) -> tuple[list[tuple[str, int | None]], list[str]]:
    """Badges in use with when they were issued, if that is said; and those that may be or not."""
    if log.has("credentials"):
        found, strange = [], []
        badge_holders.know_states(log)
        for badge, begun, lives, ended, unknown_word in log.query(ISSUED, {"now": now}):
            if lives and not ended and not unknown_word:
                found.append((badge, begun))
            elif lives or unknown_word:
                strange.append(badge)
        return found, strange
    if people is None:
        raise Unseen(Gap("badges/credentials", Reason.ABSENT, "neither a table of credentials nor a roster says which badges there are"))
    today = people.taken_at.date()
    here = [person for person in people.people if person.standing(today)[0] is Standing.ACTIVE]
    if not any(person.badges for person in people.people):
        raise Unseen(Gap("people: badge", Reason.ABSENT, "the roster names no badge"))
    return sorted({(badge, None) for person in here for badge in person.badges}), []
