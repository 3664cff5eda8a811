"""The collector's copy holds what the host wrote.

Whoever breaks into a host can rewrite its log, and whoever runs the collector can rewrite that one; both together is harder. Comparing
the two shows what was lost on the way, and what was removed afterwards on either side.

Judged per host whose own log is given beside the collector's archive: `logs:ARCHIVE` and `logs:COPY?host=NAME` in one audit, the copy
being the host's /var/log or that of an image of it. Records are compared by their time to the second, program, process and a digest of
the message, as often as they stand there, from where both begin to `delay_minutes` before the first of them ends: what is younger may
still be queued. It passes when both hold the same records, and fails when one lacks any; each is named. What the collector holds more
often counts as sent again. `programs` limits the comparison where a host sends only some of its records.

Unknown when no host's own log is given, when records were not noted (large archives: name days with `records=FROM/TO` on both), when the
collector's copy ends more than `delay_minutes` before the host's, when nothing agrees at all (a time zone that was not named, stamps of
reception), and when something differs and a file was not wholly read.

Remedy: give the sender a queue on disk and a reliable transport; find out who removed the records that are named.
"""

from sovaudit.authoring import LogArchive, Outcomes, check, failed, passed, unknown
from sovaudit.facts.log_archive import moment
from sovaudit.facts.reconciliation import compare


@check("log-completeness.reconciled", severity="high", since="0.2")
def reconciled(archives: tuple[LogArchive, ...], *, delay_minutes: int = 60, programs: tuple[str, ...] = ()) -> Outcomes:
    none = True
    for one in compare(archives, delay_minutes=delay_minutes, programs=frozenset(programs)):
        none = False
        if one.doubt:
            yield unknown(
                "the records of {host} cannot be compared: {why}", subject=one.host, host=one.host, why=one.doubt, gaps=one.gaps, because=one.because,
                settle="Give both copies whole, of the same days, with the zone of their stamps.",
            )  # fmt: skip
        elif one.only_here or one.only_there:
            yield failed(
                "{missing} records of {host} are missing at the collector and {removed} on the host, of {same} that both hold",
                subject=one.host, host=one.host, missing=len(one.only_here), removed=len(one.only_there), same=one.same, because=one.because,
            )  # fmt: skip
        else:
            yield passed(
                "the collector holds the {same} records of {host} up to {upto}",
                subject=one.host,
                host=one.host,
                same=one.same,
                upto=moment(one.upto),
            )
    if none:
        yield unknown("no host's own log stands beside the archive", settle="Give it in the same audit: logs:COPY?host=NAME.")
