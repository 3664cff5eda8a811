"""Every security message leaves for a collector over TCP or RELP, with a queue that survives an outage.

UDP drops what nobody hears, and a queue in memory is gone with the next restart: an outage of the collector, which an intruder may cause,
then leaves a hole in what it holds.

Judged per event, as `log-completeness.central` does (`ssh-login`, `ssh-failure`, `login`, `sudo`, `su`). An event passes when each of its
messages is certainly sent by an rsyslog action that

- uses TCP or RELP (or HTTP, as omelasticsearch does) and can connect at all;
- never gives up: `action.resumeRetryCount` is negative (it is 0 by default);
- has a queue of its own that goes to disk: `queue.type` LinkedList or FixedArray with a `queue.filename` and `queue.saveOnShutdown` on
  (the default), or Disk with a `queue.filename`. A main queue or a ruleset's queue on disk is not enough: what is in delivery when
  rsyslogd stops is lost;
- spools to a folder that exists, is not in memory, and may be written by the account under which rsyslogd runs.

`$ActionQueue…` and `$ActionResumeRetryCount` lines count for the next action only, whatever it is. How long the disk lasts
(`queue.maxDiskSpace`) is not judged. Fails otherwise, also when nothing is sent. Unknown when that was not seen, or for systemd-journal-upload:
it goes on where it stopped, but gives up after a few failures and must be started again. Other agents are not modelled.

Remedy: give the forwarding action `protocol="tcp"`, `action.resumeRetryCount="-1"`, `queue.type="LinkedList"` and a `queue.filename`.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown


@check("log-completeness.central-reliable", severity="medium", since="0.1")
def central_reliable(host: Host) -> Outcomes:
    for event in host.logs.events:
        answer = host.logs.survives(event)
        if answer.yes:
            yield passed(
                "{event} reaches {where} even after an outage: {why}",
                subject=event.name, event=event.name, where=", ".join(answer.places), why=answer.why, because=answer.because,
            )  # fmt: skip
        elif answer.yes is False:
            yield failed("an outage can lose {event}: {why}", subject=event.name, event=event.name, why=answer.why, because=answer.because)
        else:
            yield unknown(
                "whether {event} survives an outage of the collector is not known: {why}",
                subject=event.name, event=event.name, why=answer.why, because=answer.because, gaps=answer.gaps,
                settle="Stop the collector, restart the logging daemon, start the collector: its records must have no hole.",
            )  # fmt: skip
    if not host.logs.events:
        yield not_applicable("neither sshd, login, sudo nor su is installed")
