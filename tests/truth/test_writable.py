"""What real accounts can change of what root runs, and what we say: each case opens one door, and an account really goes through it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from checks.least_privilege.writable import writable
from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab

pytestmark = pytest.mark.lab

FILES = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n",
    "/etc/group": "root:x:0:\ndaemon:x:1:\ncrontab:x:101:\nalice:x:1000:\nbob:x:1001:\nops:x:2000:bob\nempty:x:2001:\nstaff:x:50:\n",
}
# name → what is done in the root, files to write, the path that somebody can change (empty: nobody can change anything)
Case = tuple[str, Mapping[str, str], str]
CASES: dict[str, Case] = {
    "as it came": ("", {}, ""),
    "a folder of the path": ("chmod 777 /usr/local/bin", {}, "/usr/local/bin"),
    "staff without members": ("chgrp staff /usr/local/bin; chmod 2775 /usr/local/bin", {}, ""),
    "a group with a member": ("chgrp ops /usr/local/bin; chmod 2775 /usr/local/bin", {}, "/usr/local/bin"),
    "a program in the path": ("cp /bin/true /usr/local/sbin/x; chown alice /usr/local/sbin/x", {}, "/usr/local/sbin/x"),
    "a link out of the path": ("mkdir -p /home/bob; cp /bin/true /home/bob/x; chown -R bob /home/bob; ln -s /home/bob/x /usr/local/bin/x", {}, "/home/bob/x"),
    "another folder of the path": ("mkdir -m 777 /srv/bin", {"/etc/environment": "PATH=/usr/bin:/srv/bin\n"}, "/srv/bin"),
    "ENV_SUPATH": ("mkdir -m 777 /srv/bin", {"/etc/login.defs": "ENV_SUPATH PATH=/srv/bin:/usr/bin\n"}, "/srv/bin"),
    "the path of others": ("mkdir -m 777 /srv/bin", {"/etc/login.defs": "ENV_PATH PATH=/srv/bin:/usr/bin\n"}, ""),
    "a folder of the path that is not there": ("chmod 777 /srv", {"/etc/profile.d/x.sh": "export PATH=$PATH:/srv/none\n"}, "/srv/none"),
    "crontab": ("chmod 666 /etc/crontab", {}, "/etc/crontab"),
    "cron.daily": ("printf '#!/bin/sh\\n' >/etc/cron.daily/x; chown bob /etc/cron.daily/x; chmod 755 /etc/cron.daily/x", {}, "/etc/cron.daily/x"),
    "cron.d for a group": ("chgrp ops /etc/cron.d; chmod 775 /etc/cron.d", {}, "/etc/cron.d"),
    "a job's program": ("mkdir /srv/job; echo >/srv/job/run; chmod 757 /srv/job/run", {"/etc/cron.d/x": "* * * * * root /srv/job/run\n"}, "/srv/job/run"),
    "a job in a file with a dot": ("mkdir /srv/job; echo >/srv/job/run; chmod 757 /srv/job/run", {"/etc/cron.d/x.sh": "* * * * * root /srv/job/run\n"}, ""),
    "a daily script with a dot": ("printf '#!/bin/sh\\n' >/etc/cron.daily/x.sh; chown bob /etc/cron.daily/x.sh; chmod 755 /etc/cron.daily/x.sh", {}, ""),
    "a job of another account": ("mkdir /srv/job; echo >/srv/job/run; chmod 757 /srv/job/run", {"/etc/cron.d/x": "* * * * * bob /srv/job/run\n"}, ""),
    "a job's argument": ("mkdir /srv/job; echo >/srv/job/data; chmod 666 /srv/job/data", {"/etc/cron.d/x": "* * * * * root /bin/cat /srv/job/data\n"}, ""),
    "a job's script behind a shell": ("mkdir /srv/job; echo >/srv/job/s; chmod 666 /srv/job/s", {"/etc/cron.d/x": "@daily root cd / && nice -n 5 /bin/sh /srv/job/s\n"}, "/srv/job/s"),
    "a job behind a lock": ("mkdir /srv/job; echo >/srv/job/s; chmod 777 /srv/job/s", {"/etc/cron.d/x": "@daily root /usr/bin/flock -n /run/lock/x /usr/bin/timeout -s KILL 60 /srv/job/s\n"}, "/srv/job/s"),
    "a job behind a lock's shell": ("mkdir /srv/job; echo >/srv/job/s; chmod 777 /srv/job/s", {"/etc/cron.d/x": "@daily root flock -w 5 /run/lock/x -c 'cd / && /usr/bin/env A=1 bash /srv/job/s'\n"}, "/srv/job/s"),
    "a folder that a job runs": ("mkdir /srv/parts; printf '#!/bin/sh\\n' >/srv/parts/x; chmod 757 /srv/parts/x", {"/etc/cron.d/x": "@daily root cd / && run-parts --report /srv/parts\n"}, "/srv/parts/x"),
    "what PAM runs": ("mkdir /srv/p; echo >/srv/p/x; chmod 757 /srv/p/x", {"/etc/pam.d/su": "auth sufficient pam_rootok.so\nsession optional pam_exec.so quiet type=open_session /srv/p/x now\n"}, "/srv/p/x"),
    "what PAM would run": ("mkdir /srv/p; echo >/srv/p/x; chmod 757 /srv/p/x", {"/etc/pam.d/su": "auth sufficient pam_rootok.so\n# session optional pam_exec.so /srv/p/x\n"}, ""),
    "a job after cd": ("mkdir /srv/job; echo >/srv/job/s; chmod 777 /srv/job/s", {"/etc/cron.d/x": "@daily root cd /srv/job && ./s\n"}, "/srv/job/s"),
    "a job that is commented": ("mkdir /srv/job; echo >/srv/job/s; chmod 777 /srv/job/s", {"/etc/cron.d/x": "#@daily root /srv/job/s\n"}, ""),
    "a crontab's search path": ("mkdir -m 777 /srv/bin", {"/etc/cron.d/x": "PATH=/srv/bin:/usr/bin\n@daily root true\n"}, "/srv/bin"),
    "root's crontab": ("mkdir -p /srv/job; echo >/srv/job/s; chmod 777 /srv/job/s; printf '@daily /srv/job/s\\n' >/var/spool/cron/crontabs/root; chmod 600 /var/spool/cron/crontabs/root", {}, "/srv/job/s"),
    "another's crontab": ("mkdir -p /srv/job; echo >/srv/job/s; chmod 777 /srv/job/s; printf '@daily /srv/job/s\\n' >/var/spool/cron/crontabs/bob", {}, ""),
    "a job's log": ("mkdir /srv/job; echo >/srv/job/log; chmod 666 /srv/job/log", {"/etc/cron.d/x": "@daily root /bin/true >>/srv/job/log 2>&1\n"}, ""),
    "a unit": ("chown alice /etc/systemd/system/x.service", {"/etc/systemd/system/x.service": "[Service]\nExecStart=/bin/true\n"}, "/etc/systemd/system/x.service"),
    "a unit's program": ("mkdir /srv/u; echo >/srv/u/d; chown alice /srv/u/d", {"/etc/systemd/system/x.service": "[Service]\nExecStart=-/srv/u/d --x\n"}, "/srv/u/d"),
    "a unit's program as another": ("mkdir /srv/u; echo >/srv/u/d; chown alice /srv/u/d", {"/etc/systemd/system/x.service": "[Service]\nUser=alice\nExecStart=/srv/u/d\n"}, ""),
    "a unit that keeps root before it starts": ("mkdir /srv/u; echo >/srv/u/d; chown alice /srv/u/d", {"/etc/systemd/system/x.service": "[Service]\nUser=alice\nExecStartPre=+/srv/u/d\nExecStart=/bin/true\n"}, "/srv/u/d"),
    "a unit's user in a drop-in": ("mkdir /srv/u; echo >/srv/u/d; chown alice /srv/u/d", {"/etc/systemd/system/x.service": "[Service]\nExecStart=/srv/u/d\n", "/etc/systemd/system/x.service.d/u.conf": "[Service]\nUser=alice\n"}, ""),
    "a unit's shell": ("mkdir /srv/u; echo >/srv/u/d; chmod 777 /srv/u", {"/etc/systemd/system/x.service": "[Service]\nExecStart=/bin/sh -c 'exec /srv/u/d'\n"}, "/srv/u/d"),
    "a unit's environment": ("mkdir /srv/u; echo >/srv/u/e; chown alice /srv/u/e", {"/etc/systemd/system/x.service": "[Service]\nEnvironmentFile=-/srv/u/e\nExecStart=/bin/true\n"}, "/srv/u/e"),
    "a unit's program that a drop-in takes back": ("mkdir /srv/u; echo >/srv/u/d; chown alice /srv/u/d", {"/etc/systemd/system/x.service": "[Service]\nExecStart=/srv/u/d\n", "/etc/systemd/system/x.service.d/o.conf": "[Service]\nExecStart=\nExecStart=/bin/true\n"}, ""),
    "a unit's program, the one before it not taken back": ("mkdir /srv/u; echo >/srv/u/d; chown alice /srv/u/d", {"/etc/systemd/system/x.service": "[Service]\nExecStartPre=/srv/u/d\nExecStart=/bin/false\nExecStart=\nExecStart=/bin/true\n"}, "/srv/u/d"),
    "a unit with a user of its own": ("mkdir /srv/u; echo >/srv/u/d; chown alice /srv/u/d", {"/etc/systemd/system/x.service": "[Unit]\nExecStart=/srv/u/d\n[Service]\nDynamicUser=yes\nExecStart=/srv/u/d\n"}, ""),
    "a unit whose user is for its start only": ("mkdir /srv/u; echo >/srv/u/d; chown alice /srv/u/d", {"/etc/systemd/system/x.service": "[Service]\nUser=alice\nPermissionsStartOnly=true\nExecStartPre=/srv/u/d\nExecStart=/bin/true\n"}, "/srv/u/d"),
    "the accounts": ("chmod 666 /etc/passwd; chmod 644 /etc/shadow", {}, "/etc/passwd"),
    "the hashes": ("chown alice /etc/shadow", {}, "/etc/shadow"),
    "sshd's configuration": ("mkdir -p /etc/ssh/sshd_config.d; chmod 777 /etc/ssh/sshd_config.d", {}, "/etc/ssh/sshd_config.d"),
    "rsyslog's configuration": ("chmod 666 /etc/rsyslog.conf", {}, "/etc/rsyslog.conf"),
    "rules of polkit": ("mkdir -p /etc/polkit-1/rules.d; chown bob /etc/polkit-1/rules.d", {}, "/etc/polkit-1/rules.d"),
    "a rule of doas": ("mkdir -p /etc/doas.d; echo >/etc/doas.d/x.conf; chown bob /etc/doas.d/x.conf", {}, "/etc/doas.d/x.conf"),
    "a completion of bash": ("mkdir -p /etc/bash_completion.d; echo >/etc/bash_completion.d/x; chmod 666 /etc/bash_completion.d/x", {}, "/etc/bash_completion.d/x"),
    "a library of every login": ("mkdir /srv/l; echo >/srv/l/x.so; chmod 666 /srv/l/x.so", {"/etc/environment": "LD_PRELOAD=/srv/l/x.so\n"}, "/srv/l/x.so"),
    "profile.d": ("echo >/etc/profile.d/y.sh; chown bob /etc/profile.d/y.sh", {}, "/etc/profile.d/y.sh"),
    "root's home": ("chmod 777 /root", {}, "/root"),
    "root's .bashrc": ("chmod 755 /root; echo >/root/.bashrc; chmod 666 /root/.bashrc", {}, "/root/.bashrc"),
    "root's .bashrc in a closed home": ("chmod 700 /root; echo >/root/.bashrc; chmod 666 /root/.bashrc", {}, ""),
    "ld.so.preload": ("mkdir /srv/l; echo >/srv/l/x.so; chmod 666 /srv/l/x.so", {"/etc/ld.so.preload": "/srv/l/x.so\n"}, "/srv/l/x.so"),
    "a library folder": ("mkdir -m 777 /srv/l", {"/etc/ld.so.conf.d/x.conf": "/srv/l\n"}, "/srv/l"),
    "a library": ("echo >/usr/local/lib/libx.so.1; chmod 666 /usr/local/lib/libx.so.1", {}, "/usr/local/lib/libx.so.1"),
    "PAM": ("chmod 666 /etc/pam.d/login", {}, "/etc/pam.d/login"),
    "a rotation's script": ("mkdir /srv/r; echo >/srv/r/x; chmod 777 /srv/r/x", {"/etc/logrotate.d/x": "/var/log/x {\n postrotate\n  /srv/r/x\n endscript\n}\n"}, "/srv/r/x"),
    "an apt hook": ("mkdir -p /etc/apt/apt.conf.d; echo >/etc/apt/apt.conf.d/x; chown bob /etc/apt/apt.conf.d/x", {}, "/etc/apt/apt.conf.d/x"),
    "data that root does not run": ("mkdir -m 777 /srv/data; echo >/etc/motd; chmod 666 /etc/motd", {}, ""),
    "a module of python": ("mkdir -p /usr/lib/python3/dist-packages; echo >/usr/lib/python3/dist-packages/x.py; chmod 666 /usr/lib/python3/dist-packages/x.py", {}, "/usr/lib/python3/dist-packages/x.py"),
    "a folder above": ("chown alice /usr/local", {}, "/usr/local"),
    "an alternative": ("mkdir -p /home/bob; cp /bin/true /home/bob/e; chown -R bob /home/bob; ln -sf /home/bob/e /etc/alternatives/editor; ln -sf /etc/alternatives/editor /usr/bin/editor", {}, "/home/bob/e"),
    "an init script": ("printf '#!/bin/sh\\n' >/etc/init.d/x; chmod 757 /etc/init.d/x", {}, "/etc/init.d/x"),
}  # fmt: skip
GOES = r"""
for who in alice bob; do
  setpriv --reuid $who --regid $who --init-groups sh -c '
    p=$1; real=$(readlink -m "$p")
    while [ "$real" != / ]; do
      if [ -d "$real" ] && [ -w "$real" ] && [ -x "$real" ]; then echo yes; exit; fi
      if [ -f "$real" ] && [ -w "$real" ]; then echo yes; exit; fi
      [ -O "$real" ] && { echo yes; exit; }
      real=$(dirname "$real")
    done' sh "$1"
done
"""


@pytest.mark.parametrize("name", CASES)
def test_who_changes_what_root_runs(name: str) -> None:
    script, files, path = CASES[name]
    with lab.overlay({**FILES, **files}) as root:
        done = lab.run(root, ["sh", "-ec", script or "true"])
        assert done.returncode == 0, done.stderr
        if path:
            assert "yes" in lab.run(root, ["sh", "-c", GOES, "sh", path]).stdout, "nobody really can"
        host = Host(lab.mounted(root) if list(CASES).index(name) % 3 else lab.local(root))
        outcomes = list(run(writable, host))
    failed = {outcome.subject for outcome in outcomes if outcome.verdict == "fail"}
    assert not [outcome for outcome in outcomes if outcome.verdict == "unknown"], [outcome.gaps for outcome in outcomes]
    assert (path in failed) if path else (failed == set()), failed


def test_a_search_path_that_is_not_absolute() -> None:
    with lab.overlay({**FILES, "/etc/profile.d/x.sh": "PATH=$PATH:.\n"}) as root:
        found = {outcome.subject for outcome in run(writable, Host(lab.mounted(root))) if outcome.verdict == "fail"}
        (root / "tmp/x").write_text("#!/bin/sh\necho found\n")
        (root / "tmp/x").chmod(0o755)
        real = lab.run(root, ["sh", "-c", ". /etc/profile; cd /tmp; x"])
    assert (found, real.stdout) == ({"PATH: ."}, "found\n")


# What a line of a crontab runs, and as whom: `{}` is a script that anybody may change.
JOBS = (
    "{}", "test -x {} && {}", "[ -x {} ] || {}", "test -x {}", ". {}", "bash {}", "sh -ex {}", "bash -lc {}", "sh < {}", "cat {} | sh", "cat < {}", "cp {} /dev/null",
    "echo $({})", "echo `{}`", 'echo "at $({})"', "echo 'at `{}`'", "echo a | xargs {}", "echo a | xargs -n 1 -I x {}", "find /etc/hostname -exec {} \\;", "find {}",
    "eval {}", "exec {}", "X=1 {}", "(cd /; {})", "true; {} >/dev/null 2>&1", "nohup {}", "setsid -w {}", "nice -n 5 ionice -c 3 {}", "timeout -s KILL 5 {}", "env -u X Y=1 {}",
    "su -c {}", "su root -c {}", "su alice -c {}", "su - alice -c {}", "su -s /bin/sh -c {} alice", "su -s /bin/sh -c {} root", "runuser -u alice -- {}", "runuser -u root -- {}",
    "sudo {}", "sudo -n X=1 {}", "sudo -u alice {}", "sudo -u root -- {}", "sudo --user=alice {}", "if [ -x {} ]; then {}; fi", "true # {}", "true || {}", "false || {}", "true && ! {}",
)  # fmt: skip


def test_what_a_job_runs_as_root() -> None:
    """Each line is really run by sh; the script says as whom it ran."""
    scripts = [f"/srv/job/{number:02}" for number in range(len(JOBS))]
    lines = [job.replace("{}", script) for job, script in zip(JOBS, scripts, strict=True)]
    files = {"/etc/cron.d/x": "".join(f"@daily root {line}\n" for line in lines), "/etc/sudoers": "root ALL=(ALL:ALL) ALL\n"}
    files["/etc/pam.d/su"] = files["/etc/pam.d/sudo"] = files["/etc/pam.d/runuser"] = "".join(
        f"{phase} required pam_permit.so\n" for phase in ("auth", "account", "session")
    )
    files["/etc/shadow"] = "root:*:19000::::::\nalice:*:19000::::::\n"
    with lab.overlay({**FILES, **files}) as root:
        (root / "srv/ran").mkdir()
        (root / "srv/ran").chmod(0o777)
        (root / "srv/job").mkdir()
        for script in scripts:
            (root / script[1:]).write_text(f"#!/bin/sh\nid -u >>/srv/ran/{script[-2:]}\n")
            (root / script[1:]).chmod(0o777)
        lab.run(
            root,
            ["sh", "-c", "\n".join(f"sh -c '{line.replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))}' </dev/null" for line in lines)],
        )
        marks = {script: root / f"srv/ran/{script[-2:]}" for script in scripts}
        ran = {script for script, mark in marks.items() if mark.exists() and "0\n" in mark.read_text().splitlines(keepends=True)}
        said = {outcome.subject for outcome in run(writable, Host(lab.mounted(root))) if outcome.verdict == "fail"}
    assert len(ran) > 25
    for script, line in zip(scripts, lines, strict=True):
        # what another command before it keeps from being run may be run another day
        assert (script in said) == (script in ran) or (line.startswith(("true ||", "[ -x")) and script in said), line
