"""A password needs several kinds of characters.

A password of small letters alone is found among the first that are tried. What counts is the plainest password that the programs take,
not the settings that stand in a file.

Kinds are four: digits, upper case, lower case, all others. Two answers: `user`, somebody who changes their own password, and `root`, who
sets one for somebody, each by the weakest service, as for `password-policy.min-length`: pam_pwquality with `minclass`, negative credits
(each demands its kind), `maxclassrepeat`, `enforcing` and the order of its files; pam_cracklib; pam_passwdqc with `min=`; pam_unix, which asks for
none (`obscure` asks for several kinds in short passwords only); and whether the stack really sets what was examined.
Passes: every password that is accepted has at least `min_classes` kinds, however long it is, or none can be set at all.
Fails: one with fewer is certainly accepted. root is asked for nothing unless `enforce_for_root` stands in pwquality's settings.
Unknown: one with fewer may be accepted, depending on a module or file that was not seen.
Out of reach: hashes written without PAM (`usermod -p`, `chpasswd -e`), passwords kept in a directory, pam_passwdqc's leave for first capitals.

Remedy: `minclass = 3`, or `dcredit`, `ucredit`, `lcredit` and `ocredit` of -1, with `enforce_for_root` in /etc/security/pwquality.conf;
`requisite pam_pwquality.so` before pam_unix, and `use_authtok` on pam_unix.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, passed, unknown


@check("password-policy.complexity", severity="medium", since="0.1")
def complexity(host: Host, *, min_classes: int = 3) -> Outcomes:
    for who, by_root in (("user", False), ("root", True)):
        try:
            service, fewest = host.pam.fewest_classes(by_root=by_root)
        except Unseen as unseen:
            yield unknown(
                "the password stack of {who} was not seen whole", subject=who, gaps=[unseen.gap], settle="{item}",
                who=who, item=unseen.gap.item,
            )  # fmt: skip
            continue
        count, because = fewest.count, fewest.because
        if count is not None and count < min_classes:
            text = "{who} can set a password of {count} kinds of characters through {service}"
            yield failed(text, subject=who, seen=str(count), because=because, who=who, count=count, service=service)
        elif fewest.possible is not None and fewest.possible < min_classes:
            yield unknown(
                "{who} may be able to set a password of {count} kinds of characters through {service}", subject=who, gaps=fewest.gaps,
                because=because, settle="what was not seen of {service}", who=who, count=fewest.possible, service=service,
            )  # fmt: skip
        elif count is None:
            yield passed("{who} can set no password at all", subject=who, seen="none", because=because, who=who)
        else:
            text = "{who} can set no password of fewer than {count} kinds of characters"
            yield passed(text, subject=who, seen=str(count), because=because, who=who, count=count)
