"""Every kernel module that a person loads or removes is recorded.

A module is code in the kernel: it can hide files, processes and itself. Its loading is the last act that can still be recorded.

Judged per system call: init_module, finit_module, delete_module. Each passes when anybody who can log in leaves a record when they use it
as root, through the 64-bit and the 32-bit entry of the kernel. A watch on kmod, insmod or modprobe does not count: any program can make
these calls. Modules that services load at boot need no record.

The rules are read by meaning: /etc/audit/rules.d as augenrules merges it (or the file that the unit hands to `auditctl -R`), then line by
line as auditctl takes them, up to the first line that it refuses, and then as the kernel applies them: the first rule that matches decides.
A mounted image is judged by its files; a running host by its files, for the next boot, and by the rules in its kernel, for now: both must
hold. auditd must be started at boot, must accept its own configuration and must write to disk; on a running host it must run.

It fails when one such call leaves no record. A rule for `auid>=1000` leaves out root's own login; that fails only where root can log in.
Unknown when a rule depends on what was not seen.

Remedy: add `-a always,exit -F arch=b64 -S init_module,finit_module,delete_module -k modules`, and the same with `arch=b32`.
"""

from sovaudit.authoring import Host, Outcomes, check, failed, passed, unknown


@check("log-completeness.module-loads", severity="high", since="0.1")
def module_loads(host: Host) -> Outcomes:
    for change in host.audit.modules():
        if change.yes:
            yield passed("every use of {what} is recorded", subject=change.name, because=change.because, what=change.name)
        elif change.yes is False:
            yield failed(
                "a use of {what} leaves no record: {why}",
                subject=change.name, seen=change.seen, because=change.because, what=change.name, why=change.why,
            )  # fmt: skip
        else:
            yield unknown(
                "whether every use of {what} is recorded is not known: {why}",
                subject=change.name, seen=change.seen, because=change.because, gaps=change.gaps, what=change.name, why=change.why,
                settle="Collect as root: /etc/audit, and what auditctl lists.",
            )  # fmt: skip
