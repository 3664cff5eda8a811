"""Every password of an account expires.

A password that was caught stays good until it is changed. Where a directive asks for periodic change, each account's password must have
an end, and the logins must hold to it. Some directives forbid forced expiry; `max_days` without a value asks for the opposite.

One answer per account with a password that opens it (not `*`, not locked), from the first line of /etc/shadow that glibc takes for it
(nine fields or five, numbers that are numbers: another line is skipped, and the account has no password), as pam_unix counts.
Passes: the password must be changed within `max_days` days of its last change, or already now. With no `max_days`: nothing ever demands
a change (the maximum is empty or 10000 and more, which shadow takes for never; or the last change is empty).
Fails: the maximum is absent or too long; the last change is empty, which turns ageing off (Linux-PAM 1.6 and later), or lies in the future,
which puts the end off; or the account stack of `login`, or of an `sshd` that takes passwords through PAM, lets overdue ones in (no pam_unix
in it). PASS_MAX_DAYS in login.defs changes no account that exists.
Unknown: /etc/shadow or a PAM stack was not seen, or what an empty last change does depends on a version that was not seen.

Remedy: `chage -M 365 NAME` for accounts that exist, PASS_MAX_DAYS in /etc/login.defs for those to come; pam_unix in common-account.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.ageing import Ageing, ageing, ignoring_services


@check("password-policy.max-age", severity="medium", since="0.1")
def max_age(host: Host, *, max_days: int | None = 365) -> Outcomes:
    asked = False
    ignored, gaps = ignoring_services(host) if max_days is not None else ((), ())
    for account in host.accounts:
        name, days = account.name, ageing(host, account)
        if days is Ageing.NO_PASSWORD:
            continue
        asked = True
        because = account.because
        if isinstance(days, Ageing) and days is not Ageing.NEVER:
            gap = days is Ageing.UNSEEN and account.shadow_gap
            yield unknown(
                "whether the password of {name} expires was not seen", subject=name, because=because, gaps=[gap] if gap else [],
                settle="/etc/shadow and the version of libpam", name=name,
            )  # fmt: skip
        elif max_days is None:
            if days is Ageing.NEVER:
                yield passed("nothing forces {name} to change the password", subject=name, seen="never", because=because, name=name)
            else:
                yield failed(
                    "{name} must change the password after {days} days", subject=name, seen=str(days), because=because, name=name, days=days
                )
        elif days is Ageing.NEVER:
            yield failed("the password of {name} never expires", subject=name, seen="never", because=because, name=name)
        elif days > max_days:
            text = "the password of {name} expires only after {days} days"
            yield failed(text, subject=name, seen=str(days), because=because, name=name, days=days)
        elif ignored:
            text = "{service} lets {name} in with an expired password"
            yield failed(text, subject=name, seen=str(days), because=because, name=name, service=", ".join(ignored))
        elif gaps:
            text = "whether logins hold to the expiry of {name}'s password was not seen"
            yield unknown(text, subject=name, because=because, gaps=gaps, settle="the account stacks of login and sshd", name=name)
        else:
            text = "the password of {name} expires after {days} days"
            yield passed(text, subject=name, seen=str(days), because=because, name=name, days=days)
    if not asked:
        yield not_applicable("no account has a password")
