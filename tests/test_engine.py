"""The engine loses no answer and invents none."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from sovaudit.answers import MAX_ALIKE, MAX_TEXT
from sovaudit.authoring import Check, Host, Outcomes, failed, passed
from sovaudit.engine import judge
from sovaudit.errors import UsageError
from sovaudit.model.evidence import Evidence, Target
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Severity, TargetStatus, Verdict
from sovaudit.testing import evidence_with


@dataclass(frozen=True)
class Chosen:
    check: Check
    params: dict[str, Any] = field(default_factory=dict)
    severity: Severity = Severity.HIGH


def chosen(function: Callable[..., Outcomes], needs: tuple[Any, ...] = (Host,)) -> Chosen:
    return Chosen(Check("sample.one", Severity.HIGH, "0.1", function, "A page.", needs, {}, {}, __name__))


def only(function: Callable[..., Outcomes], evidence: Evidence | None = None) -> Any:
    (judgement,) = judge([chosen(function)], [evidence or evidence_with()])
    return judgement


def test_a_pass_is_kept_by_subject() -> None:
    def good(host: Host) -> Outcomes:
        yield passed("fine", subject="root")

    judgement = only(good)
    assert judgement.passed == ("root",)
    assert judgement.findings == ()


def test_what_was_not_seen_is_unknown() -> None:
    def looks(host: Host) -> Outcomes:
        yield passed("fine", subject="a")
        host.files.read("/etc/secret")
        yield passed("fine", subject="b")

    judgement = only(looks, evidence_with(unseen=["/etc/secret"]))
    assert judgement.passed == ("a",)
    (finding,) = judgement.findings
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.gaps[0].item == "file:/etc/secret"
    assert finding.gaps[0].reason == "denied"


def test_an_exception_is_an_error() -> None:
    def breaks(host: Host) -> Outcomes:
        yield passed("fine", subject="a")
        raise KeyError("x")

    judgement = only(breaks)
    assert [finding.verdict for finding in judgement.findings] == [Verdict.ERROR]


def test_no_outcome_is_an_error() -> None:
    def silent(host: Host) -> Outcomes:
        yield from ()

    assert only(silent).findings[0].verdict is Verdict.ERROR


def test_a_target_that_was_not_collected_gets_no_pass() -> None:
    def good(host: Host) -> Outcomes:
        yield passed("fine")

    gone = Evidence(Target("ssh://x", "ssh://x", "ssh"), TargetStatus.UNREACHABLE, None, {}, error="no route to host")
    judgement = only(good, gone)
    assert judgement.passed == ()
    assert judgement.findings[0].verdict is Verdict.UNKNOWN
    assert judgement.findings[0].message.args["error"] == "no route to host"


def test_hostile_text_is_bounded_and_valid() -> None:
    def shouts(host: Host) -> Outcomes:
        yield failed("{name}", name="\udcff" + "x" * 10_000, subject="\ud800", because=[Line("/etc/passwd", 1, "y" * 10_000)], huge=2**80)

    (finding,) = only(shouts).findings
    assert finding.subject == "\\x00"
    assert len(str(finding.message.args["name"])) == MAX_TEXT
    assert finding.message.args["huge"] == str(2**80)
    assert len(finding.because[0].text) == MAX_TEXT
    assert finding.evidence[0].startswith("sha256:")


def test_several_hosts_reach_one_check() -> None:
    def counts(hosts: tuple[Host, ...]) -> Outcomes:
        yield passed("{n}", subject=str(len(hosts)), n=len(hosts))

    selection = chosen(counts, (tuple[Host, ...],))
    evidences = [evidence_with(target=f"ssh://h{n}") for n in range(3)]
    (judgement,) = judge([selection], evidences)
    assert judgement.target == "*"
    assert judgement.passed == ("3",)


def test_hosts_are_read_again_and_not_kept() -> None:
    alive: weakref.WeakSet[Host] = weakref.WeakSet()
    most = 0

    def counts(hosts: tuple[Host, ...]) -> Outcomes:
        nonlocal most
        for host in hosts:
            alive.add(host)
            most = max(most, len(alive))
        yield passed("{n}", subject=" ".join(host.evidence.target.id for host in hosts), n=len(hosts))

    class Stored:
        def __iter__(self) -> Iterator[Evidence]:
            return (evidence_with(target=f"ssh://h{n}") for n in range(9))

    noted: list[str] = []
    (judgement,) = judge([chosen(counts, (tuple[Host, ...],))], Stored(), each=lambda evidence: noted.append(evidence.target.id))
    assert judgement.passed == (" ".join(noted),)
    assert len(noted) == 9
    assert most <= 2


def test_evidence_that_can_be_read_only_once_still_reaches_a_check_over_hosts() -> None:
    def counts(hosts: tuple[Host, ...]) -> Outcomes:
        yield passed("{n}", subject=str(len([*hosts])), n=len(hosts))

    once = (evidence_with(target=f"ssh://h{n}") for n in range(3))
    (judgement,) = judge([chosen(counts, (tuple[Host, ...],))], once)
    assert judgement.passed == ("3",)


def test_a_check_that_asks_for_the_unknown_is_refused() -> None:
    def odd(thing: int) -> Outcomes:
        yield passed("fine")

    with pytest.raises(UsageError, match="asks for int"):
        list(judge([chosen(odd, (int,))], [evidence_with()]))


class People:
    """A fact made of all targets of its kind."""

    kinds = ("people",)
    companion = True

    def __init__(self, evidences: tuple[Evidence, ...]) -> None:
        self.names = [evidence.target.id for evidence in evidences]


class Place:
    kinds = ("ldap",)

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence


def of_people(place: Host | Place, people: People) -> Outcomes:
    yield passed("{n}", subject=place.evidence.target.id, n=len(people.names))


def perhaps(place: Place, people: People | None) -> Outcomes:
    yield passed("fine", subject="alone" if people is None else "accompanied")


BOTH = (Host | Place, People)


def test_a_check_stands_on_each_kind_it_names_and_beside_its_companion() -> None:
    world = [evidence_with(target="a", kind="ldap"), evidence_with(target="b"), evidence_with(target="z", kind="people")]
    found = list(judge([chosen(of_people, BOTH)], world))
    assert {judgement.target: judgement.passed for judgement in found} == {"a": ("a",), "b": ("b",)}


def test_without_its_companion_a_check_is_not_run_unless_it_can_do_without() -> None:
    alone = [evidence_with(target="a", kind="ldap")]
    assert list(judge([chosen(of_people, BOTH)], alone)) == []
    (judgement,) = judge([chosen(perhaps, (Place, People | None))], alone)
    assert judgement.passed == ("alone",)
    (judgement,) = judge([chosen(perhaps, (Place, People | None))], [*alone, evidence_with(target="p", kind="people")])
    assert judgement.passed == ("accompanied",)


def test_a_companion_that_was_not_collected_leaves_doubt() -> None:
    lost = replace(evidence_with(target="p", kind="people"), status=TargetStatus.FAILED, error="no such file")
    (judgement,) = judge([chosen(of_people, BOTH)], [evidence_with(target="a", kind="ldap"), lost])
    assert [finding.verdict.value for finding in judgement.findings] == ["unknown"]
    assert judgement.findings[0].message.args["target"] == "p"


def of_all_people(people: People) -> Outcomes:
    yield passed("fine", subject=str(len(people.names)))


def test_a_companion_is_judged_once_over_all_its_targets() -> None:
    world = [evidence_with(target="a"), evidence_with(target="y", kind="people"), evidence_with(target="z", kind="people")]
    (judgement,) = judge([chosen(of_all_people, (People,))], world)
    assert (judgement.target, judgement.passed) == ("*", ("2",))
    lost = replace(world[2], status=TargetStatus.FAILED, error="no such file")
    (judgement,) = judge([chosen(of_all_people, (People,))], [world[0], lost])
    assert [finding.verdict.value for finding in judgement.findings] == ["unknown"]
    assert list(judge([chosen(of_all_people, (People,))], world[:1])) == []


def test_what_is_judged_cannot_be_missing() -> None:
    with pytest.raises(UsageError, match="first parameter"):
        list(judge([chosen(of_people, (People | None,))], []))
    with pytest.raises(UsageError, match="target by target"):
        list(judge([chosen(of_people, (Host, Place))], []))


def test_beyond_a_thousand_alike_stand_as_one_and_are_counted() -> None:
    def many(host: Host) -> Outcomes:
        yield from (passed("held", subject=f"p{n}") for n in range(3000))
        yield from (failed("{n} is wrong", subject=f"s{n:05}", n=n) for n in range(MAX_ALIKE + 500))
        yield failed("another fault", subject="lonely")

    judgement = only(many)
    assert len(judgement.passed) == 3000
    assert len(judgement.findings) == MAX_ALIKE + 2
    (rest,) = [finding for finding in judgement.findings if finding.subject == "+500"]
    assert rest.verdict is Verdict.FAIL
    assert rest.message.args["count"] == 500
    assert str(rest.message.args["names"]).startswith(f"s{MAX_ALIKE:05}, ")
    assert any(finding.subject == "lonely" for finding in judgement.findings)


def test_a_thousand_alike_stand_each_by_itself() -> None:
    def many(host: Host) -> Outcomes:
        yield from (failed("wrong", subject=f"s{n:05}") for n in range(MAX_ALIKE))

    assert len(only(many).findings) == MAX_ALIKE
