"""Every setuid, setgid or capability-bearing program comes from a package or is declared.

Such a program gives its rights to whoever runs it. A copy of a shell with the bit set is the oldest back door there is; a tool that somebody
made setuid for convenience is the next.

One answer per program that the kernel would give rights: setuid with an execute bit, setgid with the group's execute bit, file capabilities; not a
script. Passes: an installed package lists it (`dpkg -S` with the merged /usr and diversions, `rpm -qf`, apk's database) and it is still what the
package brought (MD5, dpkg); or its path, or a pattern for it, is among `declared`. Fails: no package lists it; it was altered; its package
does not give it such rights (none in coreutils, bash, vim, python …; only certain ones in util-linux, passwd …), so somebody else did; it is
setuid root, or holds capabilities that amount to it, and gives a shell, runs or writes what one chooses, by what is known of it.
Unknown: some folders, capabilities (no getcap) or the package database were not seen.
Looked at: local file systems, but for mounts with `nosuid` and for containers', machines' and snaps' own trees. Out of reach: other
modes than the package's own (dpkg keeps none), so a package's program that was not setuid before, unless it is one of those above.

Remedy: remove the file, or its rights (`chmod ug-s`, `setcap -r`), or reinstall its package; or name it in `declared`.
"""

from fnmatch import fnmatchcase

from sovaudit.authoring import Host, Line, Outcomes, check, failed, passed, unknown
from sovaudit.facts.special_programs import SpecialPrograms


@check("least-privilege.setuid", severity="high", since="0.1")
def setuid(host: Host, *, declared: tuple[str, ...] = ()) -> Outcomes:
    programs = SpecialPrograms(host)
    asked = False
    for program in programs.all:
        if not program.rights:
            continue
        asked = True
        path, rights = program.path, ", ".join(program.rights)
        because = [Line(path, 0, f"mode {program.mode:04o}, owner {program.uid}, group {program.gid}, {rights}")]
        if any(path == name or fnmatchcase(path, name) for name in declared):
            yield passed("{path} ({rights}) is declared", subject=path, seen=rights, because=because, path=path, rights=rights)
        elif not program.package and programs.owners_gap is not None:
            text = "whether a package brought {path} ({rights}) was not seen"
            gaps = [programs.owners_gap]
            settle = "the package database"
            yield unknown(text, subject=path, seen=rights, because=because, gaps=gaps, settle=settle, path=path, rights=rights)
        elif not program.package:
            yield failed("no package brought {path} ({rights})", subject=path, seen=rights, because=because, path=path, rights=rights)
        elif program.altered:
            text = "{path} ({rights}) is not what {package} brought"
            yield failed(text, subject=path, seen=rights, because=because, package=program.package, path=path, rights=rights)
        elif program.foreign:
            text = "{package} brought {path}, but not with these rights ({rights})"
            yield failed(text, subject=path, seen=rights, because=because, package=program.package, path=path, rights=rights)
        else:
            text = "{path} ({rights}) comes from {package}"
            yield passed(text, subject=path, seen=rights, because=because, package=program.package, path=path, rights=rights)
    for gap in programs.gaps:
        asked = True
        yield unknown(
            "a program with rights of its own may not have been seen", subject=gap.item, gaps=[gap], settle="a walk by root, with getcap"
        )
    if not asked:
        yield passed("no program has rights of its own", subject="programs")
