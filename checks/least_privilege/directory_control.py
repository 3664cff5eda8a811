"""Nobody outside the administrators holds rights over the directory that equal theirs.

Groups say who is an administrator; access lists say who can become one. Whoever may replicate the domain's secrets, reset an administrator's
password, change the members of a privileged group or the list that says all this rules the directory, and stands in no group.

One answer per holder and object, and one for everybody else (`others`). AD: the lists of the domain, AdminSDHolder, privileged groups, their
members, controllers, krbtgt, the units above them, the policy objects linked there, the configuration, the schema, the DNS service; and
WriteDacl, WriteOwner, ownership or full control over any unit. Entries count in their order, denying ones too; ownership counts; rights of a
group count if somebody outside the administrators is in it; holders are followed in turn. DCSync needs both GetChanges and GetChangesAll.
OpenLDAP and 389-DS: rules that let somebody else write passwords, groups that rule, or the configuration. `parts` asks only about some, in AD
`domain`, `holder`, `group`, `member`, `controller`, `unit`, `gpo`, `forest`, `dns`.
Passes: the holder is among `declared`; or nobody else holds such a right. Fails: somebody does.
Unknown: a list that decides was not shown to the audit account, or depends on a condition.
Out of reach: rights on files (SYSVOL), on controllers themselves, certificate templates, and trusts.

Remedy: take the entry out of the access list that is named (AD: `dsacls`), or the holder out of the group; or declare who must hold it.
"""

from sovaudit.authoring import Directory, Outcomes, check, failed, passed, unknown


@check("least-privilege.directory-control", severity="critical", since="0.2")
def directory_control(directory: Directory, *, declared: tuple[str, ...] = (), parts: tuple[str, ...] = ()) -> Outcomes:
    rights = directory.rights
    accepted = {name.casefold() for name in declared}
    seen: set[str] = set()
    others = False
    for right in rights.held:
        if parts and right.part not in parts:
            continue
        subject = f"{right.holder} → {right.over}"
        if subject in seen:
            subject = f"{right.holder} → {right.over} ({right.right})"
        seen.add(subject)
        holder, held, over, because = right.holder, right.right, right.over, right.because
        if right.holder.casefold() in accepted:
            text = "{holder} is declared to hold {right} over {over}"
            yield passed(text, subject=subject, seen=held, because=because, holder=holder, right=held, over=over)
        else:
            others = True
            text = "{holder} holds {right} over {over}"
            yield failed(text, subject=subject, seen=held, because=because, holder=holder, right=held, over=over)
    if rights.gaps:
        settle = "the right to read the access lists that are named (AD: Read permissions)"
        yield unknown("who else holds rights that equal an administrator's was not seen", subject="others", gaps=rights.gaps, settle=settle)
    elif not others:
        text = "nobody else holds rights that equal an administrator's over {looked} objects"
        yield passed(text, subject="others", looked=rights.looked)
