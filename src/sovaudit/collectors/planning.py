"""`sovaudit plan`: every command and path, without touching anything."""

from __future__ import annotations

from sovaudit.collectors import host_log, items, serials
from sovaudit.collectors.options import CollectOptions
from sovaudit.collectors.script_run import invocation
from sovaudit.model.evidence import Target


def plan_lines(target: Target, options: CollectOptions) -> tuple[str, ...]:
    lines = [f"target {target.uri}"]
    live = target.kind in ("ssh", "local")
    if live:
        run = invocation(options)
        through = f", through {options.jump}" if options.jump else ""
        lines.append(f"{f'on one SSH channel{through}' if target.kind == 'ssh' else 'as a child process'}: {run.line}")
        lines.append(
            "  the collector is the installed copy"
            if options.collector_path
            else f"  the collector is sent on its input ({len(run.stdin)} bytes)"
        )
    lines += [
        f"{'read' if item.content else 'stat'} {item.path}" + (f" and below, {item.depth} deep" if item.depth else "")
        for item in items.ITEMS
    ]
    lines += [f"read {{home of each account}}/{name}" for name in items.HOME_FILES]
    lines += [f"read {{home of each account}}/{name}" for name in items.HOME_STARTUP]
    lines += [f"stat {{home of each account}}/{name}" for name in items.HOME_STATS]
    lines.append(
        "read what these files include or name: sshd Include, sudoers include, rsyslog include, logrotate include, PAM files, chrony, ntp, ld.so.conf"
    )
    lines.append("stat the shells of accounts, programs named in sudoers, cron, units and logrotate, and their folders")
    lines.append(
        f"walk local file systems, but for {' '.join(items.UNSCANNED)}: read owners, modes, capabilities and MD5 of setuid and setgid programs"
    )
    lines.append(f"walk {' '.join(items.SCANNED)}: stat what is not root's alone")
    lines.append("read the package database, names and versions of interest only")
    lines.append(f"read the first {items.LOG_START} bytes of /var/log/: {' '.join(items.LOGS)}")
    lines.append(
        f"read the serial numbers in the last {serials.TAIL} bytes of /var/log/audit/audit.log and {serials.MAX_FILES - 1} older ones"
    )
    if options.log_records:
        lines.append(
            f"read the last {host_log.TAIL} bytes of the first of {', '.join(host_log.LOGS)} in {host_log.FOLDER} and of the one before it: "
            "their lines come here but for those that masking would change, and only digests are kept"
        )
        if live:
            lines.append(f"run {host_log.COMMAND}  (as root only, where the journal is written and no such log is)")
    lines.append(f"never read, only stat: {' '.join(items.NEVER)}")
    if live:
        lines += [f"run {command.line}" + ("  (as root only)" if command.root else "") for command in items.COMMANDS]
        lines += [f"read {path}" for path in items.PROC_FILES.values()]
        lines.append("read /proc/*/comm, and the command line of running sshd")
    return tuple(lines)
