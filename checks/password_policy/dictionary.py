"""Passwords made of a dictionary word are refused.

Every guessing program begins with words, then with words and a digit behind them. Length and kinds of characters do not help against it:
`Password2024!` has both.

Two answers: `user`, somebody who changes their own password, and `root`, who sets one for somebody, each by the weakest service. A word is
refused where the stack reaches a module that looks it up, insists, and finds its words: pam_pwquality with `dictcheck` and the words of
cracklib (`dictpath`, else the place compiled in), pam_cracklib, or pam_passwdqc with `wordlist=` (of its own it knows a few thousand short
words, and `denylist=` and `filter=` know whole passwords only).
Passes: a word is refused, with capitals, up to three characters around it, or turned round too, as cracklib undoes them; or no password can be
set at all: without
its dictionary cracklib refuses everything.
Fails: no module that can be reached looks words up and insists; `dictcheck = 0`; `enforcing = 0`; the dictionary holds hardly a word. root is
asked for nothing unless `enforce_for_root` stands in pwquality's settings. pam_unix looks nothing up (`obscure` neither), and
`badwords` is no dictionary.
Unknown: it depends on a module, file or dictionary that was not seen.
Out of reach: which words the dictionary holds; hashes written without PAM; passwords kept in a directory.

Remedy: install a word list and run `update-cracklib`; no `dictcheck = 0`; `enforce_for_root` in /etc/security/pwquality.conf; `requisite
pam_pwquality.so` before pam_unix, and `use_authtok` on pam_unix.
"""

from sovaudit.authoring import Host, Outcomes, Unseen, check, failed, passed, unknown
from sovaudit.facts.pam_quality import Candidate


@check("password-policy.dictionary", severity="medium", since="0.1")
def dictionary(host: Host) -> Outcomes:
    for who, by_root in (("user", False), ("root", True)):
        try:
            service, word = host.pam.lets_set(Candidate(word=True), by_root=by_root)
        except Unseen as unseen:
            yield unknown(
                "the password stack of {who} was not seen whole", subject=who, gaps=[unseen.gap], settle="{item}",
                who=who, item=unseen.gap.item,
            )  # fmt: skip
            continue
        because = word.because
        if word.certain:
            text = "{who} can set a dictionary word as password through {service}"
            yield failed(text, subject=who, seen="accepted", because=because, who=who, service=service)
        elif word.possible:
            yield unknown(
                "{who} may be able to set a dictionary word as password through {service}", subject=who, gaps=word.gaps, because=because,
                settle="what was not seen of {service}", who=who, service=service,
            )  # fmt: skip
        elif word.nothing:
            yield passed("{who} can set no password at all", subject=who, seen="none", because=because, who=who)
        else:
            yield passed("{who} can set no dictionary word as password", subject=who, seen="refused", because=because, who=who)
