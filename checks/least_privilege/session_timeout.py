"""An idle shell ends.

An open terminal whose owner has left is anybody's who comes by, with all that the owner may do.

One answer per account with a shell that runs, root too: the worst of its sessions at the console and over ssh.
Passes: nothing typed for `seconds` certainly ends each of them, by one of these. TMOUT, as the startup files that bash or zsh
really reads leave it, or /etc/environment by pam_env (a `readonly` one keeps later lines from changing it; where it is not, the
answer says that the account may change it). StopIdleSessionSec of logind.conf, from systemd 252 on, where pam_systemd is in the session
stack. For ssh, ChannelTimeout of sshd 9.2 and later outside Match blocks, if its first pattern that fits `session:shell` is not 0.
Fails: none of them ends it in time. dash, which is /bin/sh on Debian, knows no TMOUT. ClientAliveInterval does not count: the client of
an idle session answers. Neither does a TMOUT that is 0 or no number.
Unknown: it depends on a condition, a value or a file that was not seen, or the shell is one whose files are not followed (csh and its kin).
Out of reach: programs that run in the shell (an editor stays open), screen, tmux and desktops, and a TMOUT that somebody unsets by hand.

Remedy: `readonly TMOUT=900; export TMOUT` in /etc/profile.d/tmout.sh for bash; `StopIdleSessionSec=15min` in logind.conf, or
`ChannelTimeout session:*=15m` in sshd_config, whatever the shell.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.idle import IdleShells
from sovaudit.facts.login_shells import runs


@check("least-privilege.session-timeout", severity="medium", since="0.1")
def session_timeout(host: Host, *, seconds: int = 900) -> Outcomes:
    shells = IdleShells(host)
    asked = False
    for account in host.accounts:
        if not runs(host, account):
            continue
        asked = True
        name = account.name
        found = [shells.idle(account, way, seconds) for way in shells.sessions.ways]
        late = [each for each in found if each.seconds is not None and not 0 < each.seconds <= seconds]
        doubtful = [each for each in found if each.seconds is None]
        if late:
            worst = next((each for each in late if each.seconds == 0), late[0])
            text = (
                "an idle shell of {name} ({way}) ends only after {n} s" if worst.seconds else "an idle shell of {name} ({way}) never ends"
            )
            seen = str(worst.seconds) if worst.seconds else "never"
            yield failed(text, subject=name, seen=seen, because=worst.because, name=name, way=worst.way, n=worst.seconds or 0)
        elif doubtful:
            text = "whether an idle shell of {name} ({way}) ends is not certain"
            first = doubtful[0]
            settle = "TMOUT in a login shell of {name}"
            yield unknown(text, subject=name, gaps=first.gaps, because=first.because, settle=settle, name=name, way=first.way)
        else:
            longest = max(found, key=lambda each: each.seconds or 0)
            because = [line for each in found for line in each.because]
            if all(each.fixed for each in found):
                text = "an idle shell of {name} ends after {n} s"
            else:
                text = "an idle shell of {name} ends after {n} s, unless {name} changes TMOUT"
            seen = f"{longest.means} {longest.seconds}"
            yield passed(text, subject=name, seen=seen, because=list(dict.fromkeys(because)), name=name, n=longest.seconds or 0)
    if not asked:
        yield not_applicable("no account has a shell")
