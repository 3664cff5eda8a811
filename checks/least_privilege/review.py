"""Every declared right was reviewed within a year, by somebody other than its holder.

Rights outlive their reason: people change desks, projects end. Only somebody who asks once a year whether each is still needed finds those; and
nobody asks that of himself.

One answer per row of the matrix (`rights:`): account, right and, where it names one, place. A review is `reviewed_on`, and `reviewed_by` where the
matrix has that column; without it, whoever granted the right (`granted_by`) must not be its holder. With a roster (`people:`) a holder is known by
id, login and DN alike, as least-privilege.leavers joins them; without it, by login alone.
Passes: the review is not older than `months` months on the day on which the matrix was read, and is not the holder's own.
Fails: there is none, it is older, or it is the holder's own.
Unknown: the day lies ahead, the reviewer is not named although the matrix has the column, or the row could not be read.
What it shows is the record that somebody keeps: that the review took place, and that its corrections were made, is theirs to declare
(`--declarations`); least-privilege.access-matrix compares the matrix with the machines.

Remedy: review each right with those who answer for it, correct what is no longer needed, and write day and reviewer into the matrix.
"""

from sovaudit.authoring import Gap, Outcomes, Reason, Rights, Roster, check, failed, passed, unknown
from sovaudit.facts.listed import spelled
from sovaudit.facts.reviewing import Persons, back


@check("least-privilege.review", severity="medium", since="0.1")
def review(rights: Rights, people: Roster | None, *, months: int = 12) -> Outcomes:
    today = rights.taken_at.date()
    since, persons = back(today, months), Persons(people)
    for row in rights.declared:
        name, right, because = row.account, row.right, [row.because]
        subject = f"{name} {right}@{row.place}" if row.place else f"{name} {right}"
        on, by = row.reviewed_on, row.reviewed_by or ("" if rights.names_reviewers else row.granted_by)
        evidence = ["rights/source"]
        day = on.isoformat() if on else ""
        if row.doubt:
            gap = Gap("rights", Reason.AMBIGUOUS, row.doubt)
            text = "this row could not be read or believed: {why}"
            yield unknown(text, subject=subject, gaps=[gap], because=because, settle="a clear row", why=row.doubt, evidence=evidence)
        elif on is None:
            text = "{right} of {name} was never reviewed"
            yield failed(text, subject=subject, because=because, name=name, right=right, evidence=evidence)
        elif on > today:
            text = "the review of {right} of {name} lies ahead, on {day}"
            gap = Gap("rights", Reason.AMBIGUOUS, f"reviewed_on {day}")
            yield unknown(
                text, subject=subject, gaps=[gap], because=because, settle="the day of the last review", name=name, right=right, day=day
            )
        elif on < since:
            text = "{right} of {name} was last reviewed on {day}"
            yield failed(text, subject=subject, seen=day, because=because, name=name, right=right, day=day, evidence=evidence)
        elif by and persons.same(by, name):
            text = "{right} of {name} was reviewed by its own holder, {by}"
            yield failed(text, subject=subject, seen=by, because=because, name=name, right=right, by=by, evidence=evidence)
        elif not by and rights.names_reviewers:
            text = "who reviewed {right} of {name} on {day} is not said"
            gap = Gap("rights", Reason.ABSENT, "reviewed_by is empty")
            yield unknown(
                text, subject=subject, gaps=[gap], because=because, settle="the reviewer of {right}", name=name, right=right, day=day
            )
        else:
            yield passed(
                "{right} of {name} was reviewed on {day}", subject=subject, seen=day, because=because, name=name, right=right, day=day
            )
    if rights.gaps:
        text = "rows of the matrix could not be read or believed: {what}"
        yield unknown(text, subject="matrix", gaps=rights.gaps, settle="a matrix without such rows", what=spelled(rights.gaps))
