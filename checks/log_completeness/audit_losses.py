"""No audit record was lost.

A trail with holes proves nothing about what happened in them, and making a hole is how one hides in it.

`kernel` passes when the running kernel has counted no lost record since its start (`auditctl -s`, lost); it fails beyond `max_lost`. A
mounted image has no running kernel: not applicable.

`log` passes when the numbers of the events in /var/log/audit/audit.log and its two younger rotations have no holes within a boot, from one
log to the next too; it fails when a number is missing. Numbers begin anew at each boot, are written out of order under load, and auditd's
own records carry others: all that is taken into account; where a trail begins or breaks off, as much is left out as was out of order
within. Events between two starts of auditd in one boot are explained, and said to be so, but those records are lost all the same. Of a log
larger than 9 MiB only the end is read. Not applicable where auditd is not installed, or there is no log. Events that the kernel dropped
before it gave them a number leave no hole: they are in `kernel`.

`rate` fails when a limit is set (`-r`), beyond which the kernel drops records.

Unknown when the counter, the logs or the rules were not seen, when a log holds more holes or boots than were brought, and when the log
is configured to lie elsewhere.

Remedy: raise the backlog (`-b 8192` or more), remove `-r`, keep auditd running, and find out who removed the missing records.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts import audit_losses as losses

LOG = "/var/log/audit/audit.log"


@check("log-completeness.audit-losses", severity="high", since="0.1")
def audit_losses(host: Host, *, max_lost: int = 0) -> Outcomes:
    if not host.audit.daemon.installed:
        yield not_applicable("auditd is not installed")
        return
    yield from _kernel(host, max_lost)
    yield from _log(host)
    yield from _rate(host)


def _kernel(host: Host, max_lost: int) -> Outcomes:
    if not host.live:
        yield not_applicable("a mounted image has no running kernel", subject="kernel")
        return
    try:
        count, line = losses.lost(host)
    except Unseen as unseen:
        yield unknown("the kernel's count of lost records was not seen", subject="kernel", gaps=[unseen.gap], settle="Collect as root.")
        return
    if count <= max_lost:
        yield passed("the kernel lost {count} records", subject="kernel", because=[line], count=count)
    else:
        yield failed("the kernel lost {count} records", subject="kernel", because=[line], count=count)


def _log(host: Host) -> Outcomes:
    try:
        found = losses.trail(host)
        gaps = losses.unread(host, found)
        elsewhere = host.audit.daemon.conf.value("log_file") != LOG
    except Unseen as unseen:
        yield unknown("the numbers of the events were not seen", subject="log", gaps=[unseen.gap], settle="Collect as root.")
        return
    holes = found.holes
    if holes:
        yield failed(
            "{count} audit events are missing from the log, {explained} of them while auditd was stopped",
            subject="log", because=[hole.line for hole in holes[:20]], count=sum(hole.missing for hole in holes),
            explained=sum(hole.missing for hole in holes if hole.explained),
        )  # fmt: skip
    elif gaps or elsewhere or found.more:
        yield unknown("the audit logs were not seen in full", subject="log", gaps=gaps, settle="Show the logs themselves.")
    elif not found.runs:
        yield not_applicable("there is no audit log yet", subject="log")
    else:
        yield passed(
            "the events of the audit log are numbered without a hole",
            subject="log",
            because=[each.line for each in found.runs[-10:]],
        )


def _rate(host: Host) -> Outcomes:
    try:
        limits = host.audit.rate_limits()
    except Unseen as unseen:
        yield unknown("whether the rate of records is limited was not seen", subject="rate", gaps=[unseen.gap], settle="Collect as root.")
        return
    if limits:
        yield failed("beyond a certain rate the kernel drops records", subject="rate", because=limits)
    else:
        yield passed("the rate of records is not limited", subject="rate")
