"""Only root has uid 0.

Whoever logs in under uid 0 is root, whatever the name. A second name with that number is a second door to everything, with its own
password and keys, and its acts are logged as root's.

Passes: `root`, where no other account has the number.
Fails: every other account with uid 0, as the C library reads /etc/passwd: `00`, ` 0` and a line with missing fields count. A second line of
a name that already stands above does not, nor does a leftover `+::0:0:::` where /etc/nsswitch.conf says `files`: no account is found by such
a name, so that nobody logs in by it.
Unknown: where accounts also come from a directory that this host's files do not show, from NIS through `compat`, or from records of systemd's
(/etc/userdb, systemd-homed), extrausers or a database of glibc's.

Remedy: give the account a number of its own (`usermod -u`), or remove it; let people become root through sudo.
"""

from sovaudit.authoring import Host, Outcomes, Reason, check, failed, passed, unknown
from sovaudit.facts.parse.passwd import passwd_fields
from sovaudit.model.evidence import Gap


@check("least-privilege.uid0", severity="critical", since="0.1")
def uid0(host: Host) -> Outcomes:
    names = set()
    root = []
    others = imports = False
    for line in host.files.lines("/etc/passwd") or ():
        fields = passwd_fields(line.text)
        if fields is None or fields[0] in names:
            continue
        names.add(fields[0])
        imported = fields[0][0] in "+-"
        if imported and host.accounts.compat and fields[0][0] == "+":
            imports = True
            gap = Gap("file:/etc/passwd", Reason.UNSUPPORTED, "accounts imported from NIS")
            yield unknown("accounts come in through the line of {name}", subject=fields[0], gaps=[gap], because=[line], name=fields[0])
        elif imported:
            continue
        elif fields[2] == "0" and fields[0] == "root":
            root = [line]
        elif fields[2] == "0":
            others = True
            yield failed("{name} has uid 0", subject=fields[0], seen="uid 0", because=[line], name=fields[0])
    if not others or root:
        yield passed("root has uid 0" if root else "no account has uid 0", subject="root", because=root)
    for source in host.accounts.elsewhere:
        if source == "nis" and imports:
            continue
        gap = Gap(f"nss:{source}", Reason.UNSUPPORTED, "its accounts are not on this host")
        yield unknown(
            "accounts from {source} were not seen", subject=source, settle="the accounts of {source} with uid 0", gaps=[gap], source=source
        )
