"""Strangers read nothing in the directory but its root entry, and nobody but its owner touches a password.

Whoever lists the accounts, groups and addresses of a house without a name has half of an attack. Who reads stored passwords guesses them at home,
unseen and without a lock.

Two subjects. `strangers`: a second connection without a name asks for everything below the base; not binding at all is not the same as an anonymous
bind, and only the former is what an attacker needs. What it was shown fails. OpenLDAP: also what `olcAccess` would let a stranger read who asks
in another way, with a network address or encryption of their choice.
`passwords`: who may read password attributes. OpenLDAP: by `olcAccess`, in its order; no `olcAccess` at all means that everybody reads everything.
Owners, and those who may set the passwords of others (administrators: least-privilege.directory-privileged), are not counted.
Passes: nothing, and nobody beside `declared` (DNs of accounts or groups: replication, password managers).
Fails: something was shown or would be; somebody else may read them, or everybody may set them.
Unknown: strangers were not asked (an export), or the access rules were not seen.
Out of reach: what other servers with copies of the tree show.

Remedy: end `olcAccess` with `to attrs=userPassword by self write by anonymous auth by * none` before `to * by users read by * none`, and set
`olcRequires: authc`; 389-DS: `nsslapd-allow-anonymous-access: rootdse`; AD: the seventh character of dSHeuristics other than 2, and nobody in
Pre-Windows 2000 Compatible Access.
"""

from sovaudit.authoring import Directory, Gap, Outcomes, Unseen, check, failed, passed, unknown


@check("least-privilege.directory-anonymous", severity="high", since="0.2")
def directory_anonymous(directory: Directory, *, declared: tuple[str, ...] = ()) -> Outcomes:
    yield from _strangers(directory)
    yield from _passwords(directory, declared)


def _strangers(directory: Directory) -> Outcomes:
    subject, evidence = "strangers", directory.artifacts("anonymous")
    settle = "the right to read access rules, or the directory itself, asked without a name"
    gaps: list[Gap] = []
    try:
        seen = directory.exposures
        if seen:
            text = "somebody without a name reads {entry} ({attributes}), and {more} entries more"
            names = ", ".join(seen[0].attributes[:8]) or "its name"
            more = len(seen) - 1
            yield failed(text, subject=subject, evidence=evidence, seen=str(len(seen)), entry=seen[0].entry, attributes=names, more=more)
            return
    except Unseen as unseen:
        gaps.append(unseen.gap)
    try:
        may = directory.openings
    except Unseen as unseen:
        yield unknown("what strangers read was not seen", subject=subject, gaps=[*gaps, unseen.gap], settle=settle)
        return
    gaps += [*may.gaps, *(gap for gap in [directory.strangers_doubt] if gap)]
    if may.held:
        first = may.held[0]
        text = "somebody without a name may read {entry}, if they ask for it"
        yield failed(text, subject=subject, evidence=evidence, because=first.because, entry=first.over)
    elif gaps:
        yield unknown(
            "strangers were shown nothing, but may be if they ask otherwise",
            subject=subject,
            gaps=list(dict.fromkeys(gaps)),
            settle=settle,
        )
    else:
        yield passed("somebody without a name reads nothing", subject=subject, evidence=evidence)


def _passwords(directory: Directory, declared: tuple[str, ...]) -> Outcomes:
    try:
        touches = directory.password_access
    except Unseen as unseen:
        text = "who may read passwords was not seen"
        yield unknown(text, subject="passwords", gaps=[unseen.gap], settle="the right to read access rules")
        return
    wrong = [touch for touch in touches.held if touch.holder not in declared]
    for touch in wrong:
        text = "{who} may {what} passwords of {over}"
        yield failed(text, subject=touch.holder, because=touch.because, who=touch.holder, what=touch.right, over=touch.over)
    if touches.gaps:
        text = "who else may read passwords was not seen"
        yield unknown(text, subject="passwords", gaps=touches.gaps, settle="the right to read access rules and groups")
    elif not wrong:
        yield passed("nobody but owners and administrators touches passwords", subject="passwords")
