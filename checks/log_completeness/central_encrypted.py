"""Every security message leaves for a collector encrypted, to an authenticated collector, and never in clear.

Who reads the network reads the logs, and who can stand in the collector's place takes them away.

Judged per event, as `log-completeness.central` does (`ssh-login`, `ssh-failure`, `login`, `sudo`, `su`). An event passes when each of its
messages is certainly sent away encrypted, and by no action, even one that is only possibly reached, in clear or to an unauthenticated
peer. That is

- omfwd over TCP with the `gtls` or `ossl` driver (`streamDriver`, or the default `$DefaultNetstreamDriver`) in `streamDriverMode` 1, with
  `x509/name` (the default; without permitted peers the target's own name must stand in the certificate) or `x509/fingerprint` with a
  fingerprint;
- omrelp with `tls="on"`, `tls.authMode` name or fingerprint, and a permitted peer;
- omelasticsearch or omhttp over HTTPS that checks the certificate; systemd-journal-upload over HTTPS with a trusted authority.

Fails for UDP, plain TCP (also with a driver in mode 0), `anon`, `x509/certvalid` (any certificate of the authority will do), a peer `*`,
and when nothing is sent; also when a setting keeps the action from ever connecting. `$ActionSendStreamDriver…` lines count for all TCP
actions written in one line after them, the permitted peers for the next one only. What goes to this host itself does not count. Unknown
when it depends on what was not seen. Ciphers, and whether the authority is trustworthy, are out of reach.

Remedy: give the action `protocol="tcp"`, `streamDriver="gtls"`, `streamDriverMode="1"` and `streamDriverAuthMode="x509/name"`; send nothing
in clear.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown


@check("log-completeness.central-encrypted", severity="high", since="0.1")
def central_encrypted(host: Host) -> Outcomes:
    for event in host.logs.events:
        answer = host.logs.hidden(event)
        if answer.yes:
            yield passed(
                "{event} is sent to {where} encrypted, and nowhere in clear",
                subject=event.name, event=event.name, where=", ".join(answer.places), because=answer.because,
            )  # fmt: skip
        elif answer.yes is False:
            yield failed(
                "{event} is not protected on its way: {why}", subject=event.name, event=event.name, why=answer.why, because=answer.because
            )
        else:
            yield unknown(
                "whether {event} is protected on its way is not known: {why}",
                subject=event.name, event=event.name, why=answer.why, because=answer.because, gaps=answer.gaps,
                settle="Show how the agent sends, and look at the packets.",
            )  # fmt: skip
    if not host.logs.events:
        yield not_applicable("neither sshd, login, sudo nor su is installed")
