"""The effective members of the directory's privileged groups are the declared ones.

Who can do what an administrator can is an administrator, whatever the group is called that makes it so. What counts is the end of the chain: groups
within groups, the primary group that no list of members shows, and rights over others that equal an administrator's.

One answer per enabled administrator: whoever the product makes one (AD: the privileged groups by SID, nested, the primary group, and holders
of equal rights; FreeIPA: `admins`; OpenLDAP and 389-DS: whom access rules let rule the tree), and the members of `groups`.
Passes: the account, or `%group` of the group that makes it one, is among `administrators`.
Fails: it is not. Unknown: it is not, and whether it is enabled was not seen; or who else is an administrator was not seen.
Not applicable: nobody enabled is one, and that was seen.

Remedy: take the account out of the group or rule that the chain names, or declare it in `administrators`.
"""

from sovaudit.authoring import Directory, Gap, Outcomes, check, failed, not_applicable, passed, unknown
from sovaudit.facts.directories.privilege import administrators as effective


@check("least-privilege.directory-privileged", severity="high", since="0.2")
def directory_privileged(directory: Directory, *, administrators: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Outcomes:
    admins = effective(directory, groups)
    declared = {name.casefold() for name in administrators}
    asked = False
    for admin in admins.enabled:
        asked = True
        account, through = admin.account, admin.through
        name, because = account.name, admin.because
        if name.casefold() in declared or account.dn in declared or f"%{through}".casefold() in declared:
            yield passed("{name} is a declared administrator", subject=name, seen=through, because=because, name=name)
        elif isinstance(account.enabled, Gap):
            text = "{name} rules the directory through {through}, if it is enabled"
            settle = "whether {name} is enabled"
            yield unknown(text, subject=name, gaps=[account.enabled], because=because, settle=settle, name=name, through=through)
        else:
            text = "{name} rules the directory through {through}"
            yield failed(text, subject=name, seen=through, because=because, name=name, through=through)
    if admins.gaps:
        text = "who else rules the directory was not seen"
        yield unknown(text, subject="administrators", gaps=admins.gaps, settle="the right to read access rules and groups")
    directory.complete("accounts", "groups")
    if not asked and not admins.gaps:
        yield not_applicable("nobody enabled rules the directory")
