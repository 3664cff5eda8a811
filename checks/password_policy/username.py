"""Passwords built on the login name are refused.

The login name is what an attacker knows of a person before anything else, and people who must satisfy a rule often begin with it.

Asked: can a password that is otherwise strong hold the login name, forwards or backwards, in whatever case? Two answers: `user`, somebody
who changes their own password, and `root`, who sets one for somebody, each by the weakest service; and one for each account whose name
has fewer than four letters, for libpwquality does not look for these.
Passes: such a password is refused by a module that the stack reaches and that insists (pam_pwquality's `usercheck`, on unless set to 0;
pam_cracklib's `reject_username`), or none can be set at all.
Fails: it is certainly accepted. cracklib's own look at the account's data refuses plain variants of the name only, not a name among other
characters; pam_passwdqc counts what is left without the name; pam_unix (`obscure` too) never looks. root is asked for nothing unless
`enforce_for_root` stands in pwquality's settings.
Unknown: it depends on a module or file that was not seen.
Out of reach: parts of the name (`usersubstr`), the words of the GECOS field (`gecoscheck`); hashes written without PAM.

Remedy: no `usercheck = 0`, and `enforce_for_root`, in /etc/security/pwquality.conf; `requisite pam_pwquality.so` before pam_unix, and
`use_authtok` on pam_unix; login names of four letters and more.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, passed, unknown
from sovaudit.facts.pam_quality import MIN_WORD, Candidate


@check("password-policy.username", severity="low", since="0.1")
def username(host: Host) -> Outcomes:
    short = [account for account in host.accounts if len(account.name) < MIN_WORD and account.uid and account.password]
    asked = [("user", False, None), ("root", True, None), *((account.name, False, account) for account in short)]
    for who, by_root, account in asked:
        if account is not None and not (account.password and account.password.usable):
            continue
        name = "anyone" if account is None else account.name
        try:
            service, built = host.pam.lets_set(Candidate(name=name), by_root=by_root, account=account)
        except Unseen as unseen:
            yield unknown(
                "the password stack of {who} was not seen whole", subject=who, gaps=[unseen.gap], settle="{item}",
                who=who, item=unseen.gap.item,
            )  # fmt: skip
            continue
        because = built.because
        if built.certain:
            text = "{who} can set a password with the login name in it through {service}"
            yield failed(text, subject=who, seen="accepted", because=because, who=who, service=service)
        elif built.possible:
            yield unknown(
                "{who} may be able to set a password with the login name in it through {service}", subject=who, gaps=built.gaps,
                because=because, settle="what was not seen of {service}", who=who, service=service,
            )  # fmt: skip
        elif built.nothing:
            yield passed("{who} can set no password at all", subject=who, seen="none", because=because, who=who)
        else:
            yield passed("{who} can set no password with the login name in it", subject=who, seen="refused", because=because, who=who)
