"""New accounts are born with a password that expires.

`chage` mends the accounts that exist; what the next one gets is decided beforehand. useradd, and adduser and newusers with it, write the
maximum age of /etc/login.defs into the new line of /etc/shadow; nothing corrects it later.

One answer, for `new accounts`: the maximum age that useradd writes for an account of a person (without `-r` and without `-K`).
Passes: it is `max_days` or less. With no `max_days`: it writes none, or 10000 and more, which shadow takes for never.
Fails: it is more; PASS_MAX_DAYS is not set, or its value is no number for shadow, which then writes none. shadow takes the last line of a
key, its name in capitals and with a blank after it (`PASS_MAX_DAYS=365` sets nothing); a comment after the number
spoils it, and so does the line end of Windows since shadow 4.17; `0365` is octal.
busybox's adduser always writes 99999. Without /etc/shadow there is no age.
Unknown: /etc/login.defs was not seen; SUSE's shadow reads more files than this one.
Not applicable: neither useradd nor adduser is there.
Out of reach: system accounts (`useradd -r`), which are born without a limit and without a password; accounts of a directory and of
systemd-homed. INACTIVE and EXPIRE of /etc/default/useradd concern the account after its password has expired, or without it.

Remedy: one line `PASS_MAX_DAYS 365` in /etc/login.defs; `chage -M 365 NAME` for those that exist.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, not_applicable, passed, unknown
from sovaudit.facts.new_accounts import birth

SUBJECT = "new accounts"


@check("password-policy.new-account-age", severity="medium", since="0.1")
def new_account_age(host: Host, *, max_days: int | None = 365) -> Outcomes:
    try:
        born = birth(host)
    except Unseen as unseen:
        yield unknown(
            "which age the passwords of new accounts are given was not seen", subject=SUBJECT, gaps=[unseen.gap], settle="{item}",
            item=unseen.gap.item,
        )  # fmt: skip
        return
    because, program = born.because, born.program
    days = born.days
    if not program:
        yield not_applicable("neither useradd nor adduser is there", subject=SUBJECT)
    elif born.never or days is None:
        text = "the passwords of accounts that {program} makes never expire"
        if max_days is None:
            yield passed(text, subject=SUBJECT, seen="never", because=because, program=program)
        else:
            yield failed(text, subject=SUBJECT, seen="never", because=because, program=program)
    else:
        text = "the passwords of accounts that {program} makes expire after {days} days"
        if max_days is not None and days <= max_days:
            yield passed(text, subject=SUBJECT, seen=str(days), because=because, program=program, days=days)
        else:
            yield failed(text, subject=SUBJECT, seen=str(days), because=because, program=program, days=days)
