"""The collector's copy holds what the host wrote.

Whoever breaks into a host can rewrite its log, and whoever runs the collector can rewrite that one; both together is harder. Comparing
the two shows what was lost on the way, and what was removed afterwards on either side.

Judged per host that the same audit visits beside the collector's archive (`logs:ARCHIVE`), and per host whose own log is given:
`logs:COPY?host=NAME`, its /var/log or that of an image of it. A visit brings the last 256 KiB of the host's security log (the first of
auth.log, secure, messages and syslog in /var/log, and the one rotated before it), or, where the journal alone is written, its newest 1,000
records of `auth` and `authpriv`. Records are compared by their time to the second, program, process and a digest of the message, as often as
they stand there; a line in which masking would hide something without its message; those of a journal without the process and within two
seconds, as journald and a syslog daemon do not agree on these. They are compared from where both begin to `delay_minutes` before the first
of them ends: what is younger may still be queued. It passes when both hold the same records, and fails when one lacks any; each is named.
What the collector holds more often counts as sent again, and what was written up to the day of the register's `since` need not be there.
`programs` limits the comparison where a host sends only some of its records.

Of a visit, a record that the collector alone holds was removed on the host up to a minute before (of a mounted root: up to the newest
record there), if it is of a program that logs as `auth` or `authpriv` (sshd, sudo, su, login, passwd and their like) and the host's rsyslog
certainly writes whatever that program logs into the log that was brought, or its journal keeps it. Other programs of the collector's
archive are not judged. What was cut off the beginning of a log cannot be seen.

Unknown when no host's own log is given, when a visit brought none, when records were not noted (large archives: name days with
`records=FROM/TO` on both), when the collector's copy ends more than `delay_minutes` before the host's or holds nothing under the host's
name, when another host goes by that name, too, when no record is old enough, when nothing agrees at all (a time zone that was not named,
stamps of reception), and when something differs and a file was not wholly read.

Remedy: give the sender a queue on disk and a reliable transport; find out who removed the records that are named.
"""

from collections.abc import Iterator

from sovaudit.authoring import Host, LogArchive, Outcomes, check, failed, passed, unknown
from sovaudit.facts.host_records import namesakes, visited
from sovaudit.facts.log_archive import moment
from sovaudit.facts.reconciliation import Compared, collectors, compare


@check("log-completeness.reconciled", severity="high", since="0.2")
def reconciled(
    archives: tuple[LogArchive, ...], hosts: tuple[Host, ...] | None, *, delay_minutes: int = 60, programs: tuple[str, ...] = ()
) -> Outcomes:
    none = True
    for one in _all(archives, hosts or (), delay_minutes, frozenset(programs)):
        none = False
        if one.doubt:
            yield unknown(
                "the records of {host} cannot be compared: {why}", subject=one.subject, host=one.host, why=one.doubt, gaps=one.gaps,
                because=one.because, settle="Give both copies whole, of the same days, with the zone of their stamps.",
            )  # fmt: skip
        elif one.only_here or one.only_there:
            yield failed(
                "{missing} records of {host} are missing at the collector and {removed} on the host, of {same} that both hold",
                subject=one.subject, host=one.host, missing=len(one.only_here), removed=len(one.only_there), same=one.same,
                because=one.because,
            )  # fmt: skip
        else:
            yield passed(
                "the collector holds the {same} records of {host} from {since} to {upto}",
                subject=one.subject, host=one.host, same=one.same, since=moment(one.since), upto=moment(one.upto),
            )  # fmt: skip
    if none:
        yield unknown(
            "no host's own log stands beside the archive", settle="Visit the host in the same audit, or give its log: logs:COPY?host=NAME."
        )


def _all(archives: tuple[LogArchive, ...], hosts: tuple[Host, ...], delay: int, programs: frozenset[str]) -> Iterator[Compared]:
    yield from compare(archives, delay_minutes=delay, programs=programs)
    collected, alike = collectors(archives), namesakes(hosts)
    for host, others in zip(hosts, alike, strict=True):
        yield visited(host, collected, delay_minutes=delay, programs=programs, others=others)
