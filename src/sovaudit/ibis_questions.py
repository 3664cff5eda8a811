"""The questions that need the whole log, for those who outgrow one machine: the same through Ibis, on whatever engine holds the events.

Needs the extra `ibis`. A function takes Ibis tables with the columns of badge_events.EVENT_COLUMNS and gives an Ibis table, unordered; nothing is
computed before it is executed. What an engine answers is compared with our own SQL by the tests, on DuckDB and on Spark in local mode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ibis.expr.types import Table
else:
    Table = Any


def numbering(events: Table, *, tolerance_ms: int = 2000) -> Table:
    """source → missing numbers, numbers that stand again, times that go back (physical-access.sequence)."""
    import ibis

    numbered = events.filter(events.sequence.notnull() & events.refused.isnull())
    window = ibis.window(group_by=numbered.source, order_by=[numbered.sequence, numbered.event_time])
    steps = numbered.select(
        source=numbered.source,
        step=numbered.sequence - numbered.sequence.lag().over(window),
        back=numbered.event_time.lag().over(window) - numbered.event_time,
    )
    return steps.group_by("source").aggregate(
        missing=ibis.greatest(steps.step - 1, 0).sum().fill_null(0).cast("int64"),
        again=(steps.step == 0).cast("int64").sum().fill_null(0).cast("int64"),
        back=(steps.back > tolerance_ms).cast("int64").sum().fill_null(0).cast("int64"),
    )


def used_after(events: Table, ends: Table) -> Table:
    """credential → grants at or after `ends.at` (ms) of the same credential: badges of leavers, expired badges."""
    granted = events.filter((events.event == "GRANTED") & events.refused.isnull())
    joined = granted.join(ends, granted.credential == ends.badge).filter(lambda row: row.event_time >= row["at"])
    return joined.group_by("credential").aggregate(uses=joined.count())


def quick_ways(events: Table, sites: Table, travel: Table) -> Table:
    """(a, b) → ways of a badge from site to site quicker than travel.minutes; sites: reader → site; travel both ways (impossible travel)."""
    import ibis

    shown = events.filter(events.credential.notnull() & events.refused.isnull() & events.event.isin(["GRANTED"]))
    placed = shown.join(sites, shown.access_point == sites.reader).select(
        "credential", "event_time", "source", "sequence", place=sites.place
    )
    window = ibis.window(group_by=placed.credential, order_by=[placed.event_time, placed.source, placed.sequence])
    ways = placed.select(a=placed.place.lag().over(window), b=placed.place, took=placed.event_time - placed.event_time.lag().over(window))
    apart = ways.filter(ways.a.notnull() & (ways.a != ways.b))
    timed = apart.join(travel, (apart.a == travel.start) & (apart.b == travel.end)).filter(lambda row: row.took < row.minutes * 60_000)
    return timed.group_by(["a", "b"]).aggregate(ways=timed.count())
