"""two-factor.ssh-observed"""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.two_factor.ssh_login import ssh_login
from checks.two_factor.ssh_observed import ssh_observed
from sovaudit.collectors.ssh_auth import Answer, login_artifact
from sovaudit.facts.host import Host
from sovaudit.testing import run, verdicts
from tests.checks.ssh_world import ONE, TWO, world

KEY = Answer("publickey", "ssh-ed25519", ())


def visited(*answers: Answer, config: str = TWO, kind: str = "ssh") -> Host:
    rows = [replace(answer, demanded=("password",)) for answer in answers[:-1]] + list(answers[-1:])
    host = world(config, artifacts={"ssh-login": login_artifact(rows).decode()} if answers else {}, kind=kind)
    return Host(replace(host.evidence, identity={**host.evidence.identity, "login": "bob"}))


def judged(host: Host) -> dict[str, str]:
    return verdicts(run(ssh_observed, host))


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([KEY, Answer("password", "", ())], "pass"),
        ([Answer("password", "", ()), KEY], "pass"),
        ([KEY, Answer("keyboard-interactive", "1", ())], "pass"),
        ([KEY, Answer("keyboard-interactive", "0", ())], "fail"),  # it asked nothing
        ([KEY], "fail"),
        ([KEY, KEY], "fail"),
        ([Answer("password", "", ())], "fail"),
        ([Answer("password", "", ()), Answer("keyboard-interactive", "1", ())], "fail"),
        ([Answer("publickey", "sk-ssh-ed25519@openssh.com", ())], "unknown"),
        ([Answer("publickey", "sk-ssh-ed25519@openssh.com", ()), Answer("password", "", ())], "pass"),
    ],
)
def test_answers(answers: list[Answer], verdict: str) -> None:
    assert judged(visited(*answers)) == {"bob": verdict}


def test_a_login_that_was_not_recorded() -> None:
    assert judged(visited()) == {"": "unknown"}
    assert judged(world(TWO, artifacts={"ssh-login": "nonsense\n"})) == {"": "unknown"}
    assert judged(world(TWO, artifacts={"ssh-login": "publickey\tx\tmore\tpassword\n"})) == {"": "unknown"}  # it never opened


@pytest.mark.parametrize("kind", ["local", "root"])
def test_not_over_ssh(kind: str) -> None:
    assert judged(world(TWO, kind=kind)) == {"": "not_applicable"}


def test_the_login_is_set_against_the_configuration() -> None:
    both = visited(KEY, Answer("password", "", ()))
    assert [one.agrees for one in both.ssh.calibration() if one.program == "sshd"] == [True]
    assert verdicts(run(ssh_login, both))["bob"] == "pass"
    odd = visited(KEY)  # by the configuration a key alone opens nothing
    assert [one.agrees for one in odd.ssh.calibration() if one.program == "sshd"] == [False]
    assert verdicts(run(ssh_login, odd)) == {"": "unknown"}
    assert verdicts(run(ssh_login, visited(KEY, config=ONE)))["bob"] == "fail"
    stranger = Host(replace(odd.evidence, identity={"login": "carol"}))
    assert [one for one in stranger.ssh.calibration() if one.program == "sshd"] == []
