"""No log has an unexplained gap.

A hole in a log is what an intruder leaves, or what hides one. It shows in numbers that do not follow one another, in what a source says
of its own losses, and in a silence that its own weekly rhythm makes all but impossible.

In an archive, judged per source (a host within a chain of files). It fails when numbers are missing (audit events since a boot, journal
entries, Windows event records; those that auditd missed while it was stopped count too), when messages were dropped by a rate limit or a
full queue (impstats) or the kernel counted lost audit records, when an event log was cleared, when a log daemon was stopped for more than
a minute, and when a silence, also one that lasts until the end of the archive, is improbable: less than one chance in `one_in` over all
silences of the source, by its own mean for each hour of the local week, with the measured spread of its counts. A silence from a recorded
shutdown to a boot is explained; one that ends in a boot alone is unknown. Nothing is expected on `holidays` (dates, local).

Silences are unknown with less than `weeks` weeks of history, and for a source so slow that a silence of more than `blind_hours` would not
show; a source whose numbers are whole passes all the same. A clock that went back or was set is unknown, a silence of just that length
too, and so is every source of a chain in which a file was not wholly read, and each such file.

On a host, `audit` is judged, the numbers of the audit events in its logs, as in log-completeness.audit-losses; and where it runs,
`journal`, the numbers of its 3,000 youngest entries. Its other logs, and all silences, are judged from an archive that holds them.

Out of reach: records removed one by one from a log without numbers; see log-completeness.reconciled.

Remedy: find out what happened in the time named; keep log daemons running, raise their rate limits, and number what can be numbered.
"""

from sovaudit.authoring import Host, LogArchive, Outcomes, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts import archive_gaps, audit_losses, journal_numbers

EXTRACT = ("logs/sources", "logs/numbers", "logs/files")


@check("log-completeness.gaps", severity="high", since="0.2")
def gaps(
    place: Host | LogArchive, *, one_in: int = 1_000_000, weeks: int = 4, blind_hours: int = 168, holidays: tuple[str, ...] = ()
) -> Outcomes:
    if isinstance(place, Host):
        yield from _host(place)
        return
    none = True
    for answer in archive_gaps.judge(place, one_in=one_in, weeks=weeks, blind_hours=blind_hours, holidays=holidays):
        none = False
        yield from _source(answer)
    for name, _, why in place.unread:
        yield unknown("{file} was not wholly read: {why}", subject=name, file=name, why=why, settle="Mend the file, or name its format.")
    if none and not place.unread:
        yield unknown("the archive holds no record", settle="Name the folder that holds the logs.")


def _source(answer: archive_gaps.Answer) -> Outcomes:
    name = answer.source.subject
    if answer.missing and not any("was not wholly read" in doubt.text for doubt in answer.doubts):
        yield failed(
            "{source} has {count} gaps", subject=name, source=name, count=len(answer.missing), because=answer.missing, evidence=EXTRACT
        )
    elif answer.doubts or answer.missing:
        yield unknown(
            "whether {source} has gaps cannot be told", subject=name, source=name, because=[*answer.missing, *answer.doubts], evidence=EXTRACT,
            settle="Explain what is named here from another record, such as the collector's own.",
        )  # fmt: skip
    elif answer.short and not answer.numbered:
        yield unknown(
            "{source} has too short a history to know its rhythm", subject=name, source=name, evidence=EXTRACT,
            settle="Judge again with a longer history.",
        )  # fmt: skip
    elif answer.slow and not answer.numbered:
        yield unknown(
            "{source} writes too seldom: a long silence would not show", subject=name, source=name, evidence=EXTRACT,
            settle="Let it write a mark regularly (rsyslog's immark), or compare it with the host's own copy.",
        )  # fmt: skip
    elif answer.short or answer.slow:
        yield passed("the records of {source} are numbered without a hole", subject=name, source=name, evidence=EXTRACT)
    else:
        yield passed(
            "{source} has no unexplained gap: a silence of {hours} hours would have shown", subject=name, source=name, hours=answer.blind,
            because=answer.explained, evidence=EXTRACT,
        )  # fmt: skip


def _host(host: Host) -> Outcomes:
    found = [*_audit(host), *_journal(host)]
    if not found:
        found = [unknown("no log of this host is numbered where it was seen", settle="Judge an archive that holds its logs: logs:DIR.")]
    yield from found


def _audit(host: Host) -> Outcomes:
    if not host.audit.daemon.installed:
        return
    try:
        found = audit_losses.trail(host)
        unread = audit_losses.unread(host, found)
    except Unseen as unseen:
        yield unknown("the numbers of the events were not seen", subject="audit", gaps=[unseen.gap], settle="Collect as root.")
        return
    if found.holes:
        yield failed(
            "{count} audit events are missing", subject="audit", count=sum(hole.missing for hole in found.holes),
            because=[hole.line for hole in found.holes],
        )  # fmt: skip
    elif unread or found.more:
        yield unknown("the audit logs were not seen in full", subject="audit", gaps=unread, settle="Show the logs themselves.")
    elif not found.runs:
        yield not_applicable("there is no audit log yet", subject="audit")
    else:
        yield passed("no audit event is missing", subject="audit", because=[run.line for run in found.runs[-10:]])


def _journal(host: Host) -> Outcomes:
    try:
        found = journal_numbers.read(host)
    except Unseen as unseen:
        yield unknown("the numbers of the entries were not seen", subject="journal", gaps=[unseen.gap], settle="Collect as root.")
        return
    if found is None:
        return
    if found.holes:
        yield failed(
            "{count} journal entries are missing",
            subject="journal",
            count=found.missing,
            because=found.holes,
            evidence=["cmd:journal-numbers"],
        )
    elif found.count < 2:
        yield unknown(
            "the journal shows no entries whose numbers could follow each other", subject="journal",
            settle="Collect as root; a journal that keeps nothing is to be kept first (log-completeness.persistent).",
        )  # fmt: skip
    else:
        yield passed("the last {count} journal entries are numbered without a hole", subject="journal", count=found.count)
