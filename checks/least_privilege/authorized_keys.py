"""Every key that opens an account is known and strong, and its file safe.

A line of `authorized_keys` is an access that no password policy, no expiry and no list of accounts shows. Whoever can write the file, or a
folder on the way to it, grants it to anybody.

One answer per account with a shell, or that a key opens, over the keys that really take part in a session: those that sshd finds in
`AuthorizedKeysFile` with its tokens and in `TrustedUserCAKeys`, in every Match block, trusts (StrictModes) and accepts (algorithm, size,
`from=`, expiry, revocation). A key that sshd refuses is no finding.

Known: where `known` lists fingerprints (`SHA256:…`, as `ssh-keygen -l` prints them), every key must be among them; an empty list asks nothing.
Strong: Ed25519, ECDSA and their security-key forms, RSA of at least `rsa_bits`; DSA never.
Safe: the file, each folder on the way to it from `/`, and each symbolic link with the folders it leads through belong to root or to the
account, and nobody else may write there; a group counts by its members, an access control list by its entries, and a sticky folder by who
owns what lies in it. That is more than StrictModes sees: it stops at the home, and looks neither at the links nor at such lists. Whether
others can reach the place today is not asked. An authority's file must be root's alone.
Passes: all that, or no key opens the account. Fails: a key opens the account and is one of those.
Unknown: AuthorizedKeysCommand may name keys, a file was not seen, a key may open, or accounts come from a directory.
Out of reach: who holds the private halves, whether they are protected by a passphrase, and what a forced command
lets its user do. Options such as `from=` or `restrict` are not demanded.

Remedy: remove the line; ask for a new key (`ssh-keygen -t ed25519`); `chown` and `chmod go-w` what the finding names.
"""

from sovaudit.authoring import Host, Outcomes, Reason, check, failed, not_applicable, passed, unknown
from sovaudit.facts.key_places import problems
from sovaudit.model.evidence import Gap


@check("least-privilege.authorized-keys", severity="high", since="0.1")
def authorized_keys(host: Host, *, known: tuple[str, ...] = (), rsa_bits: int = 3072) -> Outcomes:
    if not host.ssh.installed:
        yield not_applicable("there is no sshd on this host")
        return
    asked = False
    for account in host.accounts:
        keys, sure = host.ssh.keys(account)
        every = [*keys.usable, *(key for key, _ in keys.uncertain)]
        if not every and not keys.gaps and not account.has_shell:
            continue
        asked = True
        name = account.name
        wrong, unseen = problems(host, account, keys, known, rsa_bits)
        certain = [problem for problem in wrong if sure and problem.key in keys.usable]
        gaps = [*keys.gaps, *unseen, *(gap for key, gap in keys.uncertain for problem in wrong if problem.key is key)]
        if certain:
            worst = certain[0]
            yield failed(
                "a key that opens {name} is not as it must be: {words} ({fingerprint})", subject=name, seen=worst.fingerprint,
                because=[line for problem in certain for line in problem.because], name=name, words=worst.words, fingerprint=worst.fingerprint,
            )  # fmt: skip
        elif wrong or gaps:
            because = [line for problem in wrong for line in problem.because]
            text = "not every key that may open {name} could be judged"
            gaps = gaps or [Gap("ssh", Reason.AMBIGUOUS, "whether the key opens a session")]
            yield unknown(text, subject=name, gaps=gaps, because=because, settle="the keys of {name}", name=name)
        elif every:
            because = [key.line for key in every]
            yield passed("the keys that open {name} are as they must be", subject=name, seen=str(len(every)), because=because, name=name)
        else:
            yield passed("no key opens {name}", subject=name, name=name)
    for source in host.accounts.elsewhere:
        asked = True
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        yield unknown("accounts from {source} were not seen", subject=source, settle="the accounts of {source}", gaps=[gap], source=source)
    if not asked:
        yield not_applicable("no account has a shell")
