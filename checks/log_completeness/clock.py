"""The clock follows a trusted source and is right.

Records from several machines can only be put in order when their clocks agree.

`source` passes when a time service (chrony, systemd-timesyncd, ntpd, OpenNTPD) is in force and has at least one server, pool, peer or
reference clock that is not this host itself; on a running host the service must not say that it is unsynchronised. It fails when no
service is installed, none is in force, none has a source, or the one in force says that it does not follow it. A container without a
service of its own follows its host's clock: not applicable. A source that is never selected (`noselect`) is none; chrony's that are
`offline` until somebody says otherwise are not decided. On an image, one line that chronyd cannot read counts as no source: it does not
start.

A chronyd that its unit or its file of options tells to leave the clock alone (`-x`) or to set it once (`-q`) keeps no time. Of ntpd's
relatives the file of the installed one counts. What else may keep the time (phc2sys, timemaster, ntpdate …) is not modelled: unknown.

`skew` passes when the clock's measured error is at most `max_skew_ms` and fails beyond. Over SSH that is the difference to the
auditor's clock; on the auditor's own machine, which has no other clock to compare with, the service's own estimate (chronyc tracking),
or systemd's word that it is synchronised (within a second). A mounted image's clock does not run: not applicable.

Unknown when that was not seen or not measured. Whether the source itself is right is out of reach.

Remedy: install chrony, name your own servers, and enable it.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, not_applicable, passed, unknown


@check("log-completeness.clock", severity="medium", since="0.1")
def clock(host: Host, *, max_skew_ms: int = 1000) -> Outcomes:
    source = host.clock.source()
    if source.yes:
        yield passed("{service} keeps the time", subject="source", service=source.why, because=source.because)
    elif source.yes is False and source.container is None:
        yield failed("no time source is followed: {why}", subject="source", why=source.why, because=source.because)
    elif source.yes is False and source.container is not None:
        yield not_applicable("a container follows its host's clock", subject="source", because=[source.container])
    else:
        yield unknown(
            "whether a time source is followed is not known: {why}",
            subject="source",
            why=source.why,
            gaps=source.gaps,
            because=source.because,
        )
    if not host.live:
        yield not_applicable("a mounted image's clock does not run", subject="skew")
        return
    try:
        skew = host.clock.skew()
    except Unseen as unseen:
        yield unknown("the clock's error was not measured", subject="skew", gaps=[unseen.gap], settle="Collect over SSH, or run chrony.")
        return
    if skew.ms <= max_skew_ms:
        yield passed(
            "the clock's error is at most {skew} ms; {limit} ms are allowed",
            subject="skew",
            because=skew.because,
            skew=skew.ms,
            limit=max_skew_ms,
        )
    elif skew.exact:
        yield failed(
            "the clock is {skew} ms off; {limit} ms are allowed", subject="skew", because=skew.because, skew=skew.ms, limit=max_skew_ms
        )
    else:
        yield unknown(
            "the clock's error is below {skew} ms, but not known as closely as {limit} ms",
            subject="skew",
            because=skew.because,
            skew=skew.ms,
            limit=max_skew_ms,
        )
