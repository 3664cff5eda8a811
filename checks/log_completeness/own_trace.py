"""The audit finds its own traces in the host's logs.

Whatever the configuration says, a log that does not hold what happened a moment ago does not work. The audit knows one thing that did: it
came in over SSH itself, and became root.

`login` passes when a log that was written in the last minutes (a file below /var/log, or the journal) holds sshd's `Accepted …` line of the
audit's own connection, by its account and port. `sudo` passes when one holds the command that the audit ran through sudo; it is judged only
where it did. Each fails when the logs that were searched do not hold it. Not applicable where the host was not visited over SSH.

Unknown without root, when the audit's own connection was not found (a multiplexed or forwarded one that sshd did not name), and when the
logs of sshd or sudo go to nothing but another host or a file outside /var/log.

Remedy: start the log daemon, let it write `auth` and `authpriv` to a file, and find out who removes records.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts.own_trace import elsewhere, own_trace

EVIDENCE = ("cmd:own-trace",)


@check("log-completeness.own-trace", severity="high", since="0.2")
def own_trace_check(host: Host) -> Outcomes:
    found = own_trace(host)
    if found is None:
        yield not_applicable("this host was not visited over SSH")
        return
    wanted = [("login", "sshd", found.logins)]
    if host.evidence.identity.get("privilege") == "sudo":
        wanted.append(("sudo", "sudo", found.commands))
    for subject, program, lines in wanted:
        if lines:
            yield passed(
                "what the audit did as {user} is in {log}",
                subject=subject,
                user=found.user,
                log=lines[-1].file,
                because=lines[-1:],
                evidence=EVIDENCE,
            )
            continue
        try:
            away = elsewhere(host, program)
        except Unseen as unseen:
            yield unknown(
                "where {program} logs was not seen", subject=subject, program=program, gaps=[unseen.gap], settle="Collect as root."
            )
            continue
        if away:
            yield unknown(
                "{program} logs to {place} only, which was not searched", subject=subject, program=program, place=away,
                settle="Look there for what the audit did.",
            )  # fmt: skip
        else:
            yield failed(
                "what the audit did as {user} through {program} is in no log", subject=subject, user=found.user, program=program,
                seen=", ".join(found.logs) or "no log was written in the last minutes", evidence=EVIDENCE,
            )  # fmt: skip
