"""Guessing a password is stopped.

Without a lock, a short or common password falls to patience alone. A lock that is configured and never reached stops nobody: what counts is
what the login does after so many wrong passwords.

One answer per service that asks for an account's password: `sshd`, `login`, `su`, `sudo`, desktops and others that have a file in pam.d.
Its auth stack is played with `attempts` wrong passwords, one each three seconds, then with the right one, at once and when `unlock_seconds`
have passed; where it is refused and all the same reaches an `authsucc` that does not refuse it, that wipes the failures out. pam_faillock
counts where `authfail` is reached by a wrong password, and refuses where `preauth` or `authsucc` is heeded; each line has its own `deny`,
`dir`, `fail_interval` and `unlock_time` (arguments beat faillock.conf; `deny=0` never locks; `unlock_time=0` or `never` locks for ever). A
line that finds the account locked counts no more, so that a greater `deny` elsewhere is never reached. pam_tally2 and pam_tally lock after
more than `deny`.
Passes: the right password is refused after at most `attempts` wrong ones, and still when `unlock_seconds` have passed.
Fails: it certainly opens. sshd with passwords and without PAM (`UsePAM no`) counts nothing. An account that the stack lets around the lock,
or whom `admin_group` spares, fails the service and is named.
Unknown: it depends on something that was not seen, or on a module that may lock in a way that is not modelled.
Not applicable: no password opens the service, or no service is there.
Out of reach: root, whom pam_faillock spares unless `even_deny_root` is set; guesses spread wider than `fail_interval` or over several
services; fail2ban and firewalls.

Remedy: `auth required pam_faillock.so preauth` before pam_unix, `auth [default=die] pam_faillock.so authfail` right behind it,
`account required pam_faillock.so`, in /etc/pam.d/common-auth and common-account; `deny = 5` and `unlock_time = 900` in /etc/security/faillock.conf.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts.password_doors import password_services, ssh_asks


@check("password-policy.lockout", severity="high", since="0.1")
def lockout(host: Host, *, attempts: int = 5, unlock_seconds: int = 900) -> Outcomes:
    services, unseen_services = password_services(host)
    if not services and not unseen_services and not host.ssh.installed:
        yield not_applicable("no service of this host asks for a password")
    for unseen in unseen_services[:1]:
        text = "which services ask for a password was not seen"
        yield unknown(text, subject="services", gaps=[each.gap for each in unseen_services], settle="{item}", item=unseen.gap.item)
    for service in ["sshd", *services]:
        try:
            if service == "sshd":
                if not host.ssh.installed:
                    continue
                asks, lines = ssh_asks(host)
                if asks == "never":
                    yield not_applicable("{service} takes no password", subject=service, because=lines, service=service)
                    continue
                if asks == "itself":
                    text = "sshd takes passwords without PAM, so that nothing counts failures"
                    yield failed(text, subject=service, seen="UsePAM no", because=lines)
                    continue
            guess = host.lockout.guessing(service, attempts, unlock_seconds)
        except Unseen as unseen:
            text = "whether {service} stops guessing was not seen"
            yield unknown(text, subject=service, gaps=[unseen.gap], settle="{item}", service=service, item=unseen.gap.item)
            continue
        seen = "" if guess.locks is None else str(guess.locks)
        because, who = guess.because, guess.who
        if not guess.asks:
            yield not_applicable("{service} takes no password", subject=service, because=because, service=service)
        elif guess.holds:
            text = "{service} is locked after {count} wrong passwords"
            yield passed(text, subject=service, seen=seen, because=because, service=service, count=guess.locks or 0)
        elif guess.possible:
            text = "whether {service} stops guessing depends on what was not seen"
            yield unknown(text, subject=service, gaps=guess.gaps, because=because, settle="what was not seen of {service}", service=service)
        elif guess.locks is not None and guess.locks <= attempts:
            text = "{service} locks after {count} wrong passwords, but opens again within {seconds} seconds"
            yield failed(text, subject=service, seen=seen, because=because, service=service, count=guess.locks, seconds=unlock_seconds)
        elif guess.locks is not None:
            text = "{service} locks only after {count} wrong passwords"
            yield failed(text, subject=service, seen=seen, because=because, service=service, count=guess.locks)
        elif who:
            text = "{service} does not stop guessing the password of {name}"
            yield failed(text, subject=service, seen="never", because=because, service=service, name=who)
        else:
            yield failed("{service} does not stop guessing", subject=service, seen="never", because=because, service=service)
