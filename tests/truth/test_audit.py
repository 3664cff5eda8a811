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
from tests.truth.audit_cases import COMMANDS, EXAMPLES, FILES, FIRST, FOLDERS, LOADS, TIMES, TURNED, WHOLE

PERSON = Actor("alice", 1000)
ROOT = Actor("root", 0)
SETUID = Actor("alice", 1000, 1000, 0)
NOBODY = Actor("a service", UNSET)


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
