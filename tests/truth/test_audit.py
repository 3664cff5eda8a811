"""The kernel's own audit system, beside what we say of it: real augenrules and auditctl load each set of rules, real system calls are made, and a real
auditd writes the records that we read back.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from checks.log_completeness.identity_changes import identity_changes
from checks.log_completeness.module_loads import module_loads
from checks.log_completeness.privilege_changes import privilege_changes
from checks.log_completeness.privileged_actions import privileged_actions
from checks.log_completeness.time_changes import time_changes
from sovaudit.facts.audit_acts import clock, commands, modules, of_file
from sovaudit.facts.audit_load import Loaded, Loader, merged, shapes
from sovaudit.facts.audit_match import Act, Actor, cover
from sovaudit.facts.host import Host
from sovaudit.facts.parse.audit_fields import UNSET
from sovaudit.model.evidence import Evidence
from sovaudit.model.finding import Line
from sovaudit.testing import run, verdicts
from tests import lab
from tests.truth import audit_lab

PERSON = Actor("alice", 1000)
ROOT = Actor("root", 0)
SETUID = Actor("alice", 1000, 1000, 0)
NOBODY = Actor("a service", UNSET)
FIRST = "-D\n-b 8192\n-f 1\n"
EXAMPLES = "usr/share/doc/auditd/examples/rules"


@pytest.fixture(autouse=True)
def accounts_as_they_were(root: Path) -> Iterator[None]:
    """The calls below truncate and replace the file for real."""
    path = root / "etc/passwd"
    before = path.read_bytes()
    yield
    if path.read_bytes() != before:
        path.write_bytes(before)
        path.chmod(0o644)


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    if why := audit_lab.why_not():
        pytest.skip(why)
    with audit_lab.system() as place:
        yield place


@cache
def seen(root: Path) -> Evidence:
    """The root as a mounted image, once, with every path looked at that some case names."""
    texts = [text for case in (*LOADS.values(), *FILES.values()) for text in (case.values() if isinstance(case, dict) else [case])]
    texts += [path.read_text() for path in (root / EXAMPLES).glob("*.rules")]
    put(root, "\n".join(texts))
    return lab.mounted(root)


def host_of(root: Path, rules: dict[str, str]) -> Host:
    """That image with these files in rules.d."""
    evidence, folder = seen(root), "/etc/audit/rules.d"
    gone = dict.fromkeys(name[5:] for name in evidence.artifacts if name.startswith(f"file:{folder}/"))
    return Host(audit_lab.changed(evidence, {**gone, **{f"{folder}/{name}": text for name, text in rules.items()}}))


def put(root: Path, rules: dict[str, str] | str) -> None:
    """These files in rules.d, and no other."""
    folder = root / "etc/audit/rules.d"
    for path in folder.iterdir():
        path.unlink()
    for name, text in ({"a.rules": rules} if isinstance(rules, str) else rules).items():
        (folder / name).write_bytes(text.encode())


def merge(root: Path) -> list[str]:
    """What the real augenrules writes."""
    done = subprocess.run(
        ["chroot", str(root), "/sbin/augenrules"], capture_output=True, text=True, env={"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C"}
    )
    assert done.returncode == 0, done.stderr
    return [row for row in (root / "etc/audit/audit.rules").read_bytes().decode().split("\n")[1:] if row]


def compare_load(root: Path, rules: dict[str, str] | str) -> tuple[Host, Loaded]:
    """Merge and load for real and in thought; both must leave the same rules, and stop or not alike."""
    files = {"a.rules": rules} if isinstance(rules, str) else rules
    host = host_of(root, files)
    put(root, files)
    real = merge(root)
    loaded = host.audit.boot
    assert [line.text for line in merged(host.files, "mawk") or ()] == real
    done = audit_lab.load(root)
    world = loaded.worlds[0]
    assert len(loaded.worlds) == 1
    listing = [Line("cmd:auditctl-l", number, text) for number, text in enumerate(audit_lab.listed(root), 1)]
    listed = Loader(host.files, lambda name: None, lambda name: None).listed(listing)
    assert shapes(world) == shapes(listed), done.stderr
    assert (done.returncode != 0) == (world.stopped is not None or (bool(world.ignored) and "-c" in real)), (done.stderr, world.stopped)
    return host, loaded


W = "-w /etc/passwd -p wa -k id\n"
LOADS: dict[str, dict[str, str] | str] = {
    "nothing": "",
    "one watch": W,
    "order by version": {"10-b.rules": W, "9-a.rules": "-w /etc/group -p wa\n", "100.rules": "-w /etc/shadow -p wa\n"},
    "letters before digits": {
        "a10.rules": W,
        "a9.rules": "-w /etc/group -p wa\n",
        "A.rules": "-w /etc/hosts -p w\n",
        "~z.rules": "-w /etc/fstab -p w\n",
    },
    "extensions last": {"x.1.rules": W, "x.rules": "-w /etc/group -p wa\n", "x-1.rules": "-w /etc/hosts -p w\n"},
    "only .rules": {
        "a.rules": W,
        "b.rules.bak": "-w /etc/group -p wa\n",
        "c.conf": "-w /etc/shadow -p wa\n",
        "rules": "-w /etc/hosts -p w\n",
    },
    "hidden": {".a.rules": W, "b.rules": "-w /etc/group -p wa\n"},
    "a name with a blank": {"a b.rules": W, "c.rules": "-w /etc/group -p wa\n"},
    "no newline at the end": {"a.rules": W.rstrip("\n"), "b.rules": "-w /etc/group -p wa\n"},
    "no newline, then a comment": {"a.rules": "-w /etc/passwd -p wa", "b.rules": "# comment\n-w /etc/group -p wa\n"},
    "delete moves first": {"a.rules": W + "-D\n"},
    "delete with a blank stays": {"a.rules": W + "-D \n" + "-w /etc/group -p wa\n"},
    "delete by key": W + "-w /etc/group -p wa -k other\n-D -k id\n",
    "delete by an unknown key": W + "-D -k nothere\n",
    "enable moves last": "-e 1\n" + W,
    "an indented enable stays": "  -e 1\n" + W,
    "two enables": "-e 0\n-e 1\n" + W,
    "broken enable": "-e 3\n" + W,
    "comment behind": "-w /etc/passwd -p wa # comment\n-w /etc/group -p wa\n",
    "indented comment": "  # comment\n" + W,
    "tab before a comment": "\t# comment\n" + W,
    "a line of blanks": "   \n" + W,
    "a line with a tab": "\t\n" + W,
    "tabs between words": "-w\t/etc/passwd -p wa\n" + W,
    "carriage returns": "-w /etc/passwd -p wa -k id\r\n-w /etc/group -p wa\r\n",
    "an empty line with a carriage return": "\r\n" + W,
    "a missing file": "-w /etc/nothere -p wa\n" + W,
    "a missing folder": "-w /nope/file -p wa\n" + W,
    "a missing folder with -i": "-i\n-w /nope/file -p wa\n" + W,
    "a missing folder with -c": "-c\n-w /nope/file -p wa\n" + W,
    "-i too late": "-w /nope/file -p wa\n-i\n" + W,
    "dir= of a missing folder": "-a always,exit -F dir=/nope -F perm=wa\n" + W,
    "dir= of a file": "-a always,exit -F dir=/etc/passwd -F perm=wa\n",
    "the same folder, with and without a slash": "-w /etc/audit/ -p wa\n-a always,exit -F dir=/etc/audit/ -F perm=wa\n" + W,
    "permissions before the path": "-a always,exit -F perm=x -F path=/usr/bin/true -F key=x\n" + W,
    "permissions alone": "-a always,exit -F perm=x -F key=x\n" + W,
    "path= with a slash": "-a always,exit -F path=/etc/ -F perm=wa\n" + W,
    "watch with a slash": "-w /etc/audit/ -p wa\n-w /etc/passwd/ -p wa\n",
    "relative": "-w etc/passwd -p wa\n" + W,
    "exe= in a missing folder": "-a always,exit -F exe=/nope/x -S all -k x\n" + W,
    "exe= of a missing file": "-a always,exit -F exe=/etc/x -S all -k x\n" + W,
    "twice the same": W + W + "-w /etc/group -p wa\n",
    "the same with another key": W + W.replace("id", "di"),
    "the same written otherwise": W + "-a always,exit -F path=/etc/passwd -F perm=wa -k id\n",
    "misspelt option": "-x /etc/passwd\n" + W,
    "a word too many": "-w /etc/passwd wa\n" + W,
    "upper case option": "-W /etc/passwd -p wa\n" + W,
    "delete a watch": W + "-W /etc/passwd -p wa -k id\n-w /etc/group -p wa\n",
    "delete a rule": "-a always,exit -F arch=b64 -S execve -k x\n-d always,exit -F arch=b64 -S execve -k x\n",
    "delete what is not there": "-d always,exit -F arch=b64 -S execve -k x\n" + W,
    "permissions before the watch": "-p wa -w /etc/passwd\n" + W,
    "bad permission": "-w /etc/passwd -p wz\n" + W,
    "permissions repeated": "-w /etc/passwd -p wwaa -p r\n" + W,
    "too many permissions": "-w /etc/passwd -p wawaw\n" + W,
    "upper case permissions": "-w /etc/passwd -p WA\n",
    "no permissions": "-w /etc/passwd\n",
    "key first": "-k id -w /etc/passwd -p wa\n" + W,
    "key without a call": "-a always,exit -F auid=0 -k x\n" + W,
    "key as a field without a call": "-a always,exit -F auid=0 -F key=x\n" + W,
    "two keys": "-w /etc/passwd -p wa -k a -k b\n",
    "fields before the list": "-F auid=0 -a always,exit -S execve\n" + W,
    "arch after the call": "-a always,exit -S execve -F arch=b64\n" + W,
    "calls before the list": "-S execve -a always,exit\n",
    "call without a list": "-S execve\n" + W,
    "unknown call": "-a always,exit -F arch=b64 -S nosuch -k x\n" + W,
    "unknown in a list": "-a always,exit -F arch=b64 -S execve,nosuch -k x\n" + W,
    "a call of the other arch": "-a always,exit -F arch=b64 -S stime -k x\n" + W,
    "calls in capitals": "-a always,exit -F arch=b64 -S EXECVE,OpenAt -k x\n",
    "calls by number": "-a always,exit -F arch=b64 -S 59,322 -k x\n-a always,exit -F arch=b32 -S 0xb -k x\n",
    "number too large": "-a always,exit -F arch=b64 -S 4000 -k x\n" + W,
    "many -S": "-a always,exit -F arch=b32 -S open -S openat,creat -S all -k x\n",
    "empty list of calls": "-a always,exit -F arch=b64 -S execve, -k x\n",
    "arch names": "-a always,exit -F arch=x86_64 -S execve\n-a always,exit -F arch=i386 -S execve\n-a always,exit -F arch=0x40000003 -S chmod\n",
    "unknown arch": "-a always,exit -F arch=b128 -S execve\n" + W,
    "arch not": "-a always,exit -F arch!=b64 -S execve\n",
    "list and action reversed": "-a exit,always -F arch=b64 -S execve\n-a never,exit -F arch=b64 -S chmod\n",
    "entry list": "-a always,entry -S execve\n" + W,
    "possible": "-a possible,exit -S execve\n" + W,
    "possible, last": "-a exit,possible -S execve\n" + W,
    "list alone": "-a exit -S execve\n" + W,
    "two lists": "-a always,exit -a never,exit -S execve\n" + W,
    "calls on the task list": "-a always,task -S execve\n" + W,
    "prepended": W + "-A never,exit -F arch=b64 -S chmod\n-A never,exit -F arch=b64 -S chown\n",
    "prepended task rule": "-a always,task -F auid=1000\n-A never,task -F auid=5\n",
    "ids": "-a always,exit -S execve -F auid>=1000 -F auid!=unset -F auid!=-1 -F uid=0x3e8 -F euid!=010\n",
    "id by name": "-a always,exit -F arch=b64 -S execve -F uid=daemon -F gid=adm\n",
    "unknown name": "-a always,exit -F arch=b64 -S execve -F uid=nosuch\n" + W,
    "unset with an order": "-a always,exit -F arch=b64 -S execve -F auid>=unset\n" + W,
    "bit operators": "-a always,exit -F arch=b64 -S clock_settime -F a0&1 -F a1&=3\n",
    "bit operator on an id": "-a always,exit -F arch=b64 -S execve -F auid&1\n" + W,
    "path with !=": "-a always,exit -F path!=/etc/passwd -F perm=wa\n" + W,
    "two paths": "-a always,exit -F path=/etc/passwd -F path=/etc/group -F perm=wa\n" + W,
    "path and dir": "-a always,exit -F path=/etc/passwd -F dir=/etc -F perm=wa\n" + W,
    "perm with another operator": "-a always,exit -F path=/etc/passwd -F perm!=wa\n" + W,
    "success and exit": "-a always,exit -F arch=b64 -S openat -F success=1\n-a always,exit -F arch=b64 -S openat -F exit=-EACCES -F exit!=-13\n",
    "unknown error": "-a always,exit -F arch=b64 -S openat -F exit=-ENOSUCH\n" + W,
    "success in words": "-a always,exit -F arch=b64 -S openat -F success=yes\n" + W,
    "field without a value": "-a always,exit -F arch=b64 -S openat -F auid=\n" + W,
    "unknown field": "-a always,exit -F arch=b64 -S openat -F user=0\n" + W,
    "loginuid": "-a always,exit -F arch=b64 -S openat -F loginuid=1000\n",
    "comparison": "-a always,exit -F arch=b64 -S execve -C auid!=uid -C gid!=egid\n",
    "comparison of unlike things": "-a always,exit -F arch=b64 -S execve -C auid!=gid\n" + W,
    "comparison with an order": "-a always,exit -F arch=b64 -S execve -C auid>uid\n" + W,
    "exclude": "-a always,exclude -F msgtype=CWD\n-a never,exclude -F msgtype>=1300 -F auid=0\n-a exclude,never -F msgtype=proctitle\n",
    "exclude with a path": "-a always,exclude -F path=/etc/passwd\n" + W,
    "exclude an unknown type": "-a always,exclude -F msgtype=NOSUCH\n" + W,
    "msgtype on exit": "-a always,exit -F msgtype=CWD\n" + W,
    "file systems": "-a never,filesystem -F fstype=tracefs\n-a never,filesystem -F fstype=0x64626720\n",
    "unknown file system": "-a never,filesystem -F fstype=ext4\n" + W,
    "calls on the file system list": "-a never,filesystem -S open -F fstype=tracefs\n" + W,
    "user list": "-a never,user -F uid=0\n",
    "other settings": "-r 100\n--backlog_wait_time 60000\n--backlog_wait 5\n-s\n" + W,
    "broken settings": "-r many\n" + W,
    "ambiguous long option": "--reset\n" + W,
    "nested file": "-R /etc/audit/other.rules\n" + W,
    "a message": "-m hello\n" + W,
    "a watch with more fields": "-w /etc/passwd -p wa -F auid>=1000 -F auid!=unset -k id\n",
    "a watch with an arch": "-w /etc/passwd -p wa -F arch=b64\n" + W,
    "a watch with a call": "-w /etc/passwd -p wa -S chmod\n",
    "two watches in a line": "-w /etc/passwd -w /etc/group -p wa\n" + W,
    "a watch on the list": "-a always,exit -w /etc/passwd\n" + W,
    "quotes": '-w "/etc/passwd" -p wa\n' + W,
    "a link to a folder": "-w /lib -p wa\n-a always,exit -F path=/lib/x -F perm=wa\n",
    "the root": "-w / -p wa\n",
    "double dash": "-w /etc/passwd -p wa -- -k id\n" + W,
    "the -q option": "-q /etc\n" + W,
    "lost counter": "--reset-lost\n" + W,
    "locked to zero": "-e 0\n",
    "long line": "-a always,exit -F arch=b64 -S " + ",".join(["execve"] * 1000) + " -k x\n" + W,
}


@pytest.mark.lab
@pytest.mark.parametrize("name", LOADS)
def test_the_kernel_holds_the_rules_that_we_say(root: Path, name: str) -> None:
    compare_load(root, LOADS[name])


@pytest.mark.lab
def test_the_kernel_holds_the_rules_of_the_package_s_examples(root: Path) -> None:
    compared = 0
    for path in sorted((root / EXAMPLES).glob("*.rules")):
        text = path.read_text()
        if not audit_lab.FOREVER.search(text):
            compare_load(root, {"10-base.rules": FIRST + "-i\n", path.name: text})
            compared += 1
    assert compared > 25


# What is recorded

ALICE_ONLY = " -F auid>=1000 -F auid!=unset"
E64, E32 = "-a always,exit -F arch=b64 -S execve", "-a always,exit -F arch=b32 -S execve"
FILES = {
    "watch": W,
    "watch without attributes": "-w /etc/passwd -p w\n",
    "watch of attributes alone": "-w /etc/passwd -p a\n",
    "watch without -p": "-w /etc/passwd\n",
    "the folder": "-w /etc -p wa\n",
    "the root": "-w / -p wa\n",
    "another file": "-w /etc/shadow -p wa\n",
    "people only": W.replace(" -k", ALICE_ONLY + " -k"),
    "people only, without the unset": "-w /etc/passwd -p wa -F auid>=1000\n",
    "not the unset": "-w /etc/passwd -p wa -F auid!=-1\n",
    "root's real id": "-w /etc/passwd -p wa -F uid=0\n",
    "root's effective id": "-w /etc/passwd -p wa -F euid=0\n",
    "success": "-w /etc/passwd -p wa -F success=1\n",
    "failure": "-w /etc/passwd -p wa -F success=0\n",
    "not failure": "-w /etc/passwd -p wa -F success!=0\n",
    "denied": "-w /etc/passwd -p wa -F exit=-EACCES\n",
    "not denied": "-w /etc/passwd -p wa -F exit!=-EACCES\n",
    "exit from zero": "-w /etc/passwd -p wa -F exit>=0\n",
    "exit above zero": "-w /etc/passwd -p wa -F exit>0\n",
    "one arch": "-a always,exit -F arch=b64 -F path=/etc/passwd -F perm=wa\n",
    "both archs": "-a always,exit -F arch=b64 -F path=/etc/passwd -F perm=wa\n-a always,exit -F arch=b32 -F path=/etc/passwd -F perm=wa\n",
    "not the other arch": "-a always,exit -F arch!=b32 -F path=/etc/passwd -F perm=wa\n",
    "never prepended": W + "-A never,exit -F dir=/etc -F perm=wa\n",
    "never of all": "-a never,exit -S all\n" + W,
    "never of one arch": "-a never,exit -F arch=b32 -S all\n" + W,
    "never of one call": "-a never,exit -F arch=b64 -S rename,renameat,renameat2\n" + W,
    "never of a call without arch": "-a never,exit -S rename\n" + W,
    "never for alice": "-a never,exit -F auid=1000\n" + W,
    "never for services": "-a never,exit -F auid=unset\n" + W,
    "never for another uid": "-a never,exit -F uid=65534\n" + W,
    "never by comparison": "-a never,exit -C uid!=euid\n" + W,
    "never of a list on the folder": "-a never,exit -F dir=/etc -S rename -S openat\n-w /etc -p wa\n",
    "calls by name": "-a always,exit -F arch=b64 -S open,openat,openat2,creat,truncate,rename,renameat,renameat2,unlink,unlinkat -F path=/etc/passwd\n",
    "calls without arch": "-a always,exit -S open,rename -F path=/etc/passwd\n",
    "calls of everything": "-a always,exit -S all -F path=/etc/passwd\n",
    "calls without a path": "-a always,exit -F arch=b64 -S rename -F auid=1000\n",
    "perm without a path": "-a always,exit -F perm=w -F auid>=1000\n",
    "task never": "-a never,task\n" + W,
    "task never for alice": "-a never,task -F auid=1000\n" + W,
    "task never for another": "-a never,task -F auid=1001\n" + W,
    "task always before never": "-a always,task -F auid=1000\n-a never,task\n" + W,
    "task always alone": "-a always,task -F auid=1000\n",
    "task never of uid": "-a never,task -F uid=1000\n" + W,
    "exclude syscalls": "-a always,exclude -F msgtype=SYSCALL\n" + W,
    "exclude syscalls, said never": "-a never,exclude -F msgtype=SYSCALL\n" + W,
    "exclude paths": "-a always,exclude -F msgtype=PATH\n-a always,exclude -F msgtype=CWD\n" + W,
    "exclude a range": "-a always,exclude -F msgtype>=1300 -F msgtype<=1310\n" + W,
    "exclude all but": "-a always,exclude -F msgtype!=SYSCALL\n" + W,
    "exclude alice": "-a always,exclude -F auid=1000\n" + W,
    "exclude alice's paths": "-a always,exclude -F auid=1000 -F msgtype=PATH\n" + W,
    "exclude root": "-a always,exclude -F uid=0\n" + W,
    "switched off": W + "-e 0\n",
    "stopped before": "-w /nope/x -p wa\n" + W,
    "stopped after": W + "-w /nope/x -p wa\n",
    "ignored": "-i\n-w /nope/x -p wa\n" + W,
    "a comment behind": "-w /etc/passwd -p wa # x\n",
    "deleted": W + "-W /etc/passwd -p wa -k id\n",
    "deleted with all": W + "-D \n",
    "file system left out": "-a never,filesystem -F fstype=debugfs\n" + W,
}
TURNED = {  # where the first replacement of the file changes what is recorded
    "never after": W + "-a never,exit -F path=/etc/passwd -F perm=wa\n",
    "never before": "-a never,exit -F path=/etc/passwd -F perm=wa\n" + W,
    "never for alice, after": W + "-a never,exit -F path=/etc/passwd -F perm=wa -F auid=1000\n",
    "never for another, after": W + "-a never,exit -F path=/etc/passwd -F perm=wa -F auid=1001\n",
    "never of a file, then its folder": "-a never,exit -F path=/etc/passwd -F perm=wa\n-w /etc -p wa\n",
    "a folder, then never of its file": "-w /etc -p wa\n-a never,exit -F path=/etc/passwd -F perm=wa\n",
    "dir= of a file": "-a always,exit -F dir=/etc/passwd -F perm=wa\n",
    "watches with different keys": W + W.replace("id", "di"),
}
COMMANDS = {
    "both": f"{E64} -F euid=0\n{E32} -F euid=0\n",
    "64-bit only": f"{E64} -F euid=0\n",
    "without arch": "-a always,exit -S execve -F euid=0\n",
    "by number": "-a always,exit -S 59,11\n",
    "everything": "-a always,exit -S all -F auid>=1000\n",
    "people": f"{E64} -F euid=0{ALICE_ONLY}\n{E32} -F euid=0{ALICE_ONLY}\n",
    "everybody logged in": f"{E64} -F auid!=unset\n{E32} -F auid!=unset\n",
    "real id": f"{E64} -F uid=0\n{E32} -F uid=0\n",
    "setuid only": f"{E64} -C uid!=euid -F auid!=unset\n{E32} -C uid!=euid -F auid!=unset\n",
    "login id differs": f"{E64} -C auid!=uid\n{E32} -C auid!=uid\n",
    "other groups": f"{E64} -F gid!=0\n{E32} -F gid!=0\n",
    "execute permission": "-a always,exit -F perm=x -F auid>=1000\n",
    "never for root's login": "-a never,exit -F arch=b64 -S execve -F auid=0\n" + f"{E64}\n{E32}\n",
    "record of arguments left out": f"-a always,exclude -F msgtype=EXECVE\n{E64}\n{E32}\n",
    "prepended never": f"{E64}\n{E32}\n-A never,exit -F arch=b32 -S execve\n",
}
TIMES = {
    "stig": "-a always,exit -F arch=b32 -S adjtimex,settimeofday,stime -k t\n-a always,exit -F arch=b64 -S adjtimex,settimeofday -k t\n"
    "-a always,exit -F arch=b32 -S clock_settime -F a0=0x0 -k t\n-a always,exit -F arch=b64 -S clock_settime -F a0=0x0 -k t\n",
    "another clock": "-a always,exit -F arch=b64 -S clock_settime,clock_adjtime -F a0=1\n",
    "any clock but": "-a always,exit -F arch=b64 -S clock_settime,clock_adjtime -F a0!=1\n",
    "modules": "-a always,exit -F arch=b64 -S init_module,finit_module,delete_module\n-a always,exit -F arch=b32 -S init_module,finit_module\n",
    "no arch": "-a always,exit -S settimeofday,adjtimex,init_module\n",
    "people": "-a always,exit -F arch=b64 -S adjtimex,delete_module" + ALICE_ONLY + "\n",
    "all": "-a always,exit -S all\n",
    "never chrony": "-a never,exit -F arch=b64 -S adjtimex -F auid=unset -F uid=nobody\n-a always,exit -F arch=b64 -S adjtimex\n",
}
ACTORS = {"alice": PERSON, "root": ROOT, "setuid": SETUID, "service": NOBODY}


def expected(loaded: Loaded, act: Act, actor: Actor) -> bool | None:
    return cover(loaded, (act,), (actor,)).yes


def prepared(root: Path, rules: str) -> Loaded:
    """The rules merged for real, ready to be loaded, and what we say that the kernel will hold."""
    loaded = host_of(root, {"a.rules": rules}).audit.boot
    put(root, rules)
    merge(root)
    return loaded


def against(root: Path, loaded: Loaded, acts: tuple[Act, ...], doings: list[audit_lab.Doing]) -> None:
    """Call by call, by each actor whom the rules could tell apart."""
    by_call = {(act.arch, act.call): act for act in acts}
    wrong = []
    asked = any(
        each.name in ("auid", "uid", "euid", "gid", "field_compare") for place in loaded.worlds[0].rules for each in place.rule.fields
    )
    for who, actor in ACTORS.items() if asked else [("alice", PERSON)]:
        audit_lab.load(root)
        seen = audit_lab.recorded(root, doings, auid=actor.auid, uid=actor.uid, euid=actor.euid)
        assert set(seen) == set(by_call)
        wrong += [(who, key, f"really {real}") for key, real in seen.items() if expected(loaded, by_call[key], actor) != real]
    assert wrong == []


@pytest.mark.lab
@pytest.mark.parametrize("name", FILES)
def test_changes_of_a_file_are_recorded_as_we_say(root: Path, name: str) -> None:
    loaded = prepared(root, FILES[name])
    against(root, loaded, of_file("/etc/passwd"), audit_lab.changes("/etc/passwd"))


@pytest.mark.lab
@pytest.mark.parametrize("name", COMMANDS)
def test_commands_are_recorded_as_we_say(root: Path, name: str) -> None:
    loaded = prepared(root, COMMANDS[name])
    records = tuple(
        Act(act.call, act.arch, act.permissions, act.names) for act in commands()
    )  # the SYSCALL record; EXECVE has its own case
    against(root, loaded, records, audit_lab.runs())


@pytest.mark.lab
@pytest.mark.parametrize("name", TURNED)
def test_rules_that_turn_round_never_pass(root: Path, name: str) -> None:
    loaded = prepared(root, TURNED[name])
    audit_lab.load(root)
    seen = audit_lab.recorded(root, audit_lab.changes("/etc/passwd"), auid=1000)
    assert all(seen.values()) == cover(loaded, of_file("/etc/passwd"), (PERSON,)).yes


@pytest.mark.lab
@pytest.mark.parametrize("name", TIMES)
def test_clocks_and_modules_are_recorded_as_we_say(root: Path, name: str) -> None:
    loaded = prepared(root, TIMES[name])
    against(root, loaded, tuple(act for subject in (*clock(), *modules()) for act in subject.acts), audit_lab.steps())


FOLDERS = {
    "the folder": "-w /etc/sudoers.d/ -p wa\n",
    "dir=": "-a always,exit -F dir=/etc/sudoers.d -F perm=wa\n",
    "its name only": "-a always,exit -F path=/etc/sudoers.d -F perm=wa\n",
    "the file in it": "-w /etc/sudoers.d/README -p wa\n",
    "all of etc": "-w /etc -p wa\n",
    "without attributes": "-w /etc/sudoers.d -p w\n",
    "one arch": "-a always,exit -F arch=b64 -F dir=/etc/sudoers.d -F perm=wa\n",
    "a never for one file in it": "-a never,exit -F path=/etc/sudoers.d/README -F perm=wa\n-w /etc/sudoers.d -p wa\n",
    "success": "-w /etc/sudoers.d -p wa -F success=1\n",
    "made by root only": "-w /etc/sudoers.d -p wa -F uid=0\n",
    "another folder": "-w /etc/sudoers -p wa\n",
    "people": "-w /etc/sudoers.d -p wa -F auid>=1000 -F auid!=unset\n",
}


@pytest.mark.lab
@pytest.mark.parametrize("name", FOLDERS)
def test_changes_of_a_folder_are_recorded_as_we_say(root: Path, name: str) -> None:
    """Files in it that are there, new ones, and the folder itself."""
    rules, folder = FOLDERS[name], "/etc/sudoers.d"
    host = host_of(root, {"a.rules": rules})
    put(root, rules)
    merge(root)
    real = True
    for doings in (audit_lab.makes(f"{folder}/new"), audit_lab.changes(f"{folder}/README"), audit_lab.attributes(folder)):
        audit_lab.load(root)
        real = real and all(audit_lab.recorded(root, doings, auid=1000).values())
    acts = host.audit.subject(folder).acts
    assert cover(host.audit.boot, acts, (PERSON,)).yes == real


# The checks themselves, at both doors

GOOD = (
    "-w /etc/passwd -p wa -k i\n-w /etc/sudoers -p wa -k p\n-w /etc/sudoers.d/ -p wa -k p\n"
    "-a always,exit -F arch=b64 -S adjtimex,clock_adjtime,clock_settime,settimeofday -k t\n"
    "-a always,exit -F arch=b32 -S adjtimex,clock_adjtime,clock_settime,settimeofday,stime -k t\n"
    "-a always,exit -F arch=b64 -S init_module,finit_module,delete_module -k m\n"
    "-a always,exit -F arch=b32 -S init_module,finit_module,delete_module -k m\n"
    "-a always,exit -F arch=b64 -S execve -F euid=0 -F auid>=1000 -F auid!=unset -k r\n"
    "-a always,exit -F arch=b32 -S execve -F euid=0 -F auid>=1000 -F auid!=unset -k r\n"
)
WHOLE: dict[str, dict[str, str]] = {
    "stock": {},
    "good": {"50.rules": GOOD},
    "good, in a file that nobody reads": {"50.conf": GOOD},
    "good, behind a line that stops": {"50.rules": "-w /nope/x -p wa\n" + GOOD},
    "good, an earlier file stops": {"40.rules": "-w\t/etc/hosts -p wa\n", "50.rules": GOOD},
    "good, a later file stops": {"50.rules": GOOD, "60.rules": "-w /nope/x -p wa\n"},
    "good, then deleted": {"50.rules": GOOD, "60.rules": "-D -k t\n-D -k i\n"},
    "64-bit only": {"50.rules": "".join(row + "\n" for row in GOOD.splitlines() if "b32" not in row)},
    "people only": {"50.rules": GOOD.replace(" -k", " -F auid!=unset -k")},
    "no processes": {"50.rules": "-a never,task\n" + GOOD},
    "root's acts left out": {"50.rules": "-a never,exit -F uid=0\n" + GOOD},
    "arguments left out": {"50.rules": "-a always,exclude -F msgtype=EXECVE\n" + GOOD},
    "syscalls left out": {"50.rules": "-a always,exclude -F msgtype=SYSCALL\n" + GOOD},
    "all of etc, all commands": {"50.rules": "-w /etc -p wa\n-a always,exit -F perm=x\n"},
}  # fmt: skip


def really(root: Path) -> dict[str, bool]:
    """Subject → whether every act on it left a record, made by a person, and where that counts through setuid programs and by services."""

    def all_of(doings: list[audit_lab.Doing], *actors: Actor) -> bool:
        found = True
        for actor in actors:
            audit_lab.load(root)
            found = found and all(audit_lab.recorded(root, doings, auid=actor.auid, uid=actor.uid, euid=actor.euid).values())
        return found

    audit_lab.load(root)
    calls = audit_lab.recorded(root, audit_lab.steps(), auid=1000)
    found = {name: all(seen for (_, other), seen in calls.items() if other == name) for _, name in calls}
    found["/etc/passwd"] = all_of(audit_lab.changes("/etc/passwd"), PERSON, SETUID, NOBODY)
    found["/etc/sudoers"] = all_of(audit_lab.changes("/etc/sudoers"), PERSON, NOBODY)
    found["/etc/sudoers.d"] = all(
        all_of(doings, PERSON, NOBODY) for doings in (audit_lab.makes("/etc/sudoers.d/new"), audit_lab.changes("/etc/sudoers.d/README"))
    )
    found["commands"] = all_of(audit_lab.runs(), PERSON)
    return found


@pytest.mark.lab
@pytest.mark.parametrize("name", WHOLE)
def test_the_checks_judge_what_is_really_recorded(root: Path, name: str) -> None:
    sudoers = (root / "etc/sudoers").read_bytes()
    put(root, {"10.rules": FIRST, **WHOLE[name]})
    merge(root)
    hosts = [host_of(root, {"10.rules": FIRST, **WHOLE[name]})]
    if name in ("good", "64-bit only", "good, behind a line that stops", "people only"):
        audit_lab.load(root)
        hosts += [Host(lab.mounted(root)), Host(audit_lab.running(root))]
    real = really(root)
    (root / "etc/sudoers").write_bytes(sudoers)
    if name == "arguments left out":
        real["commands"] = False  # the record that is there says what was run, not with which arguments
    for host in hosts:
        said = {
            subject: verdict
            for check in (identity_changes, privilege_changes, time_changes, module_loads, privileged_actions)
            for subject, verdict in verdicts(run(check, host)).items()
            if subject in real
        }
        assert said == {subject: "pass" if yes else "fail" for subject, yes in real.items()}
