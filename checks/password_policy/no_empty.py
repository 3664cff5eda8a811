"""No account opens with an empty password.

An account that opens without anything belongs to whoever knows its name.

One answer per account with a shell, by three doors: SSH (`sshd` with its Match blocks, PermitEmptyPasswords and PAM), the console
(`login`) and `su` from another account. What decides is the door, not the field: an empty password opens where pam_unix says `nullok`,
and where a stack grants without asking (`sufficient pam_permit.so`) any account opens.
Passes: no door opens with nothing. An empty password that no door takes passes, and is named as one.
Fails: a door certainly opens with nothing.
Unknown: one may, depending on something that was not seen.
`su` by root itself and by members of a trusted group (`pam_wheel trust`) is no empty password, and is judged elsewhere.

Remedy: `passwd NAME` or `passwd -l NAME`; remove `nullok` from pam_unix in /etc/pam.d/common-auth; `PermitEmptyPasswords no`.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.doors import EmptyDoors, empty_doors


@check("password-policy.no-empty", severity="critical", since="0.1")
def no_empty(host: Host) -> Outcomes:
    asked = False
    for account in host.accounts:
        if not account.has_shell:
            continue
        asked = True
        name = account.name
        doors: EmptyDoors = empty_doors(host, account)
        empty = account.password is not None and account.password.kind == "empty"
        if doors.open:
            text = "{name} opens without a password by {doors}"
            yield failed(text, subject=name, seen="nothing", because=doors.because, name=name, doors=", ".join(doors.open))
        elif doors.gaps:
            yield unknown(
                "{name} may open without a password by {doors}", subject=name, because=account.because, gaps=doors.gaps,
                settle="what was not seen of {doors}", name=name, doors=", ".join(doors.unseen),
            )  # fmt: skip
        elif empty:
            text = "the password of {name} is empty, but neither ssh, login nor su takes it"
            yield passed(text, subject=name, seen="empty", because=(*account.because, *doors.because), name=name)
        else:
            yield passed("{name} does not open with an empty password", subject=name, because=account.because, name=name)
    if not asked:
        yield not_applicable("no account has a shell")
