"""An SSH connection allows few tries.

Each connection that guesses passwords costs the attacker a key exchange; the fewer tries it allows, the dearer and the louder guessing is.

One answer, for `sshd`: the most tries that any connection allows, by MaxAuthTries outside and inside the Match blocks that an account
with a shell, or an unknown name, can meet from any address. sshd ends the connection at the try with that number: `MaxAuthTries 4`
allows four wrong passwords, and no fifth. Keys that are offered in vain count as tries, too, so this is judged where no password is asked.
Passes: at most `attempts` tries; sshd does not start with its configuration, and none runs.
Fails: more. Without a line sshd allows 6; the first line that sshd reads counts, and a matching Match block beats it.
Unknown: the configuration was not seen whole, or the program's own answer differs from it.
Out of reach: fewer tries than that, where PAM itself has enough earlier; how many connections are made (MaxStartups, fail2ban; the account's
lock is `password-policy.lockout`).

Remedy: `MaxAuthTries 4` in /etc/ssh/sshd_config before any Match, or in a drop-in that sorts first; no larger number in a Match block.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts.ssh_tries import most_tries


@check("password-policy.ssh-attempts", severity="medium", since="0.1")
def ssh_attempts(host: Host, *, attempts: int = 4) -> Outcomes:
    if not host.ssh.installed:
        yield not_applicable("there is no sshd on this host", subject="sshd")
        return
    try:
        most = most_tries(host)
    except Unseen as unseen:
        yield unknown(
            "how many tries a connection allows was not seen", subject="sshd", gaps=[unseen.gap], settle="{item}", item=unseen.gap.item
        )
        return
    seen, because = str(most.count), most.because
    if most.count <= attempts:
        yield passed("a connection allows {count} tries", subject="sshd", seen=seen, because=because, count=most.count)
    elif most.who:
        text = "a connection as {name} allows {count} tries"
        yield failed(text, subject="sshd", seen=seen, because=because, name=most.who, count=most.count)
    else:
        yield failed("a connection allows {count} tries", subject="sshd", seen=seen, because=because, count=most.count)
