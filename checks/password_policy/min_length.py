"""Nobody can set a short password on the host.

Each character multiplies an attacker's work; below a dozen, a stolen hash falls in days. What counts is not what a line in a file asks
for, but the shortest password that the programs really take.

Two answers: `user`, somebody who changes their own password (`passwd`, or a login or sudo that demands a change), and `root`, who sets one for
somebody (`passwd NAME`, `chpasswd`, `newusers`). Each by the weakest of these services: the PAM stack with its control flags, both its passes, and
whether the password that was examined is the one that is set; pam_pwquality with its files, arguments, credits (positive ones shorten),
classes and `enforcing`; pam_cracklib, pam_passwdqc; pam_unix and its own floor, from which root is exempt.
Passes: the shortest password accepted has at least `minimum` characters, or none can be set at all.
Fails: a shorter one is certainly accepted. root is asked for nothing unless `enforce_for_root` stands in pwquality's settings.
Unknown: a shorter one may be accepted, depending on a module or file that was not seen.
Out of reach: hashes written without PAM (`usermod -p`, `chpasswd -e`, an edited /etc/shadow), and passwords kept in a directory.

Remedy: `minlen = 12` and `enforce_for_root` in /etc/security/pwquality.conf with no positive credit and no smaller `minlen=` in
/etc/pam.d/common-password; `requisite pam_pwquality.so` before pam_unix, and `use_authtok` on pam_unix.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, passed, unknown


@check("password-policy.min-length", severity="high", since="0.1")
def min_length(host: Host, *, minimum: int = 12) -> Outcomes:
    for subject, by_root in (("user", False), ("root", True)):
        try:
            service, shortest = host.pam.weakest_password(by_root=by_root)
        except Unseen as unseen:
            yield unknown(
                "the password stack of {who} was not seen whole", subject=subject, gaps=[unseen.gap], settle="{item}",
                who=subject, item=unseen.gap.item,
            )  # fmt: skip
            continue
        length, because = shortest.length, shortest.because
        if length is not None and length < minimum:
            text = "{who} can set a password of {length} characters through {service}"
            yield failed(text, subject=subject, seen=str(length), because=because, who=subject, length=length, service=service)
        elif shortest.possible is not None and shortest.possible < minimum:
            yield unknown(
                "{who} may be able to set a password of {length} characters through {service}", subject=subject, gaps=shortest.gaps,
                because=because, settle="what was not seen of {service}", who=subject, length=shortest.possible, service=service,
            )  # fmt: skip
        elif length is None:
            yield passed("{who} can set no password at all", subject=subject, seen="none", because=because, who=subject)
        else:
            text = "{who} can set no password shorter than {length} characters"
            yield passed(text, subject=subject, seen=str(length), because=because, who=subject, length=length)
