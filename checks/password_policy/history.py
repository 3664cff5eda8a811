"""Old passwords are refused.

Whoever may go back to the last password does: the change that was to lock an intruder out changes nothing.

Two answers: `user`, somebody who changes their own password (`passwd`, or a login or sudo that demands a change), and `root`, who sets one for
somebody. Each by the weakest service, and in the module's own count: pam_pwhistory's `remember=5` keeps the current password and the four
before it (10 by default; arguments beat pwhistory.conf, which Linux-PAM reads since 1.5.3), pam_unix's `remember=5` the five before
the current one. Both keep them in /etc/security/opasswd: on one host they write every old password twice, and fewer are kept; pam_unix's
`remember=0` wipes them out.
Passes: a password `remember` entries back is refused by a module that the stack reaches, or none can be set at all (pam_unix with `remember`
refuses everything where opasswd is missing).
Fails: it is certainly accepted: no such module, too small a number, one that is never reached, or one whose refusal the stack does not heed.
root is not refused unless `enforce_for_root` stands on pam_pwhistory; pam_unix never refuses root.
Unknown: it depends on a module or file that was not seen.
Out of reach: how soon somebody may change again and again until the old one is forgotten (PASS_MIN_DAYS); changes made without PAM.

Remedy: `password required pam_pwhistory.so remember=5 use_authtok enforce_for_root` after the quality check and before pam_unix.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, passed, unknown
from sovaudit.facts.pam_quality import Candidate


@check("password-policy.history", severity="medium", since="0.1")
def history(host: Host, *, remember: int = 5) -> Outcomes:
    for who, by_root in (("user", False), ("root", True)):
        try:
            service, old = host.pam.lets_set(Candidate(used=max(remember, 1)), by_root=by_root)
            depths = host.pam.remembered(by_root=by_root)
            kept = next(
                (depth for depth in depths if depth and not host.pam.lets_set(Candidate(used=depth), by_root=by_root)[1].possible), 0
            )
        except Unseen as unseen:
            yield unknown(
                "the password stack of {who} was not seen whole", subject=who, gaps=[unseen.gap], settle="{item}",
                who=who, item=unseen.gap.item,
            )  # fmt: skip
            continue
        because, seen = old.because, str(kept)
        if old.certain and kept:
            text = "through {service} {who} is refused only the last {kept} passwords"
            yield failed(text, subject=who, seen=seen, because=because, who=who, service=service, kept=kept)
        elif old.certain:
            yield failed(
                "through {service} {who} can set an old password again", subject=who, seen=seen, because=because, who=who, service=service
            )
        elif old.possible:
            yield unknown(
                "through {service} {who} may be able to set an old password again", subject=who, gaps=old.gaps, because=because,
                settle="what was not seen of {service}", who=who, service=service,
            )  # fmt: skip
        elif old.nothing:
            yield passed("{who} can set no password at all", subject=who, seen="none", because=because, who=who)
        else:
            text = "{who} is refused the last {kept} passwords"
            yield passed(text, subject=who, seen=seen, because=because, who=who, kept=max(kept, remember))
