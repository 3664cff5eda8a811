"""The login banner says that access is monitored.

Whoever logs in is told so before they do; a court may ask. The banner is `/etc/issue.net`, which sshd shows if `Banner` names it.
Passes if the file holds the words asked for, whatever their case; fails if it lacks them or is seen to be absent;
unknown if it could not be read.

Remedy: write the words into /etc/issue.net.
"""

from __future__ import annotations

from sovaudit.authoring import Host, Outcomes, check, failed, passed


@check("sample.banner", severity="low", since="0.1")
def banner(host: Host, *, words: str = "monitored") -> Outcomes:
    text = host.files.read("/etc/issue.net")
    if text is not None and words.casefold() in text.casefold():
        yield passed("the banner says {words}", words=words, subject="/etc/issue.net")
    else:
        yield failed("the banner does not say {words}", words=words, subject="/etc/issue.net")
