"""Every security message leaves for a collector.

Records that stay on the host can be erased by whoever takes it over. A copy that left at once cannot.

Judged per event (`ssh-login`, `ssh-failure`, `login`, `sudo`, `su`; only those whose program is installed). An event passes when each
of its messages is certainly sent to a collector that is not this host: by an rsyslog action (`@host`, `@@host`, omfwd, omrelp,
omelasticsearch …) that every such message reaches, or by systemd-journal-upload in force with a URL. Transport, encryption and queues
are judged by other checks.

Fails when no such action is reached, when the target is this host itself, when the action's own settings keep it from ever connecting
(a stream driver that is not installed or does not know the mode), or when it is only a fallback or takes some messages only. Unknown
when it depends on what was not seen, or when an agent that is not modelled is configured here (syslog-ng, Filebeat, Fluent Bit, Vector,
Splunk …): the agent is named.

Remedy: send `auth,authpriv.*` (or everything) to the collector, above any `stop`.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown


@check("log-completeness.central", severity="high", since="0.1")
def central(host: Host) -> Outcomes:
    for event in host.logs.events:
        answer = host.logs.leaves(event)
        if answer.yes:
            yield passed(
                "{event} is sent to {where}", subject=event.name, event=event.name, where=", ".join(answer.places), because=answer.because
            )
        elif answer.yes is False:
            yield failed(
                "{event} is sent to no collector: {why}", subject=event.name, event=event.name, why=answer.why, because=answer.because
            )
        else:
            yield unknown(
                "whether {event} is sent to a collector is not known: {why}",
                subject=event.name, event=event.name, why=answer.why, because=answer.because, gaps=answer.gaps,
                settle="Show the collector's own records of this host.",
            )  # fmt: skip
    if not host.logs.events:
        yield not_applicable("neither sshd, login, sudo nor su is installed")
