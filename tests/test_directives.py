"""The law as data is whole; a status never says more than was seen."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit import directives, registry
from sovaudit.errors import UsageError
from sovaudit.model.directive import Control, Directive, Provable
from sovaudit.model.finding import Finding, Message
from sovaudit.model.report import Declared, Passed, ThresholdNote
from sovaudit.model.verdict import Severity, Status, Verdict
from sovaudit.profiles import refuse_unknown_checks

CHECKS = registry.load_checks()
DNSSI = directives.load_directives(["ma-dnssi-2023"])[0]


# the data


def test_the_dnssi_is_whole() -> None:
    assert len(DNSSI.controls) == 104
    assert len({control.id for control in DNSSI.controls}) == 104
    assert [chapter.number for chapter in DNSSI.chapters] == list(range(1, 15))
    assert [objective.number for objective in DNSSI.objectives] == list(range(1, 32))
    assert {control.objective for control in DNSSI.controls} == set(range(1, 32))
    for control in DNSSI.controls:
        assert control.title
        assert control.paraphrase.fr
        assert control.paraphrase.en
        assert control.evidence is not None
        assert " " not in control.id


def test_the_control_points_of_active_directory_ask_their_own_questions() -> None:
    points = directives.load_directives(["fr-anssi-ad"], checks=CHECKS)[0]
    assert len(points.controls) == 45
    for control in points.controls:
        assert control.id.startswith("vuln_") and control.id[-3:] in ("-l1", "-l2", "-l3", "-l4")
        assert set(control.params) == set(control.checks), control.id
        for check, params in control.params.items():
            assert set(params) <= set(CHECKS[check].knobs), control.id
    values = {control.id: control.params for control in points.controls}
    assert values["vuln_krbtgt-l2"] == {"least-privilege.directory-secrets": {"questions": ["ticket-key"], "max_key_days": 365}}
    assert values["vuln_password_change_priv-l1"]["least-privilege.directory-secrets"]["max_admin_days"] == 3 * 365
    # what LDAP does not show, or whose number is not known to us, has no check and stays not verifiable
    for name in ("vuln_certificates_vuln-l1", "vuln_dc_obsolete-l1", "vuln_privileged_members-l1", "vuln_functional_level-l1"):
        assert not values[name]


def test_rules_by_chapter() -> None:
    counts = Counter(control.chapter for control in DNSSI.controls)
    assert [counts[n] for n in range(1, 15)] == [4, 4, 4, 11, 9, 2, 12, 19, 9, 8, 4, 8, 4, 6]
    assert sum(counts.values()) == 104


def test_what_could_ever_prove_a_rule() -> None:
    counts = Counter(control.provable for control in DNSSI.controls)
    assert counts == {Provable.MACHINE: 38, Provable.IMPORT: 38, Provable.DECLARATION: 28}
    assert [control.id for control in DNSSI.controls if control.machine == "full"] == ["EXP-JOURN/SURV-SYNCHRON"]


def test_the_dnssi_requires_no_second_factor() -> None:
    for control in DNSSI.controls:
        assert not [check for check in control.checks if check.startswith("two-factor.")]


KEPT = ("log-completeness.retention", "log-completeness.directory-access", "log-completeness.directory-changes")


def test_six_months_for_all_twelve_for_operators_only() -> None:
    journal = DNSSI.control("EXP-JOURN/SURV-JOURNAL")
    assert journal is not None
    assert journal.params == {key: {"months": 6} for key in KEPT}
    (law,) = directives.load_directives(["ma-loi-05-20"])
    kept = law.control("ART-26")
    assert kept is not None
    assert kept.params == {key: {"months": 12} for key in KEPT}
    assert kept.scope == ("operator",)


@pytest.mark.parametrize("name", directives.directive_ids())
def test_every_directive_names_checks_that_exist(name: str) -> None:
    (directive,) = directives.load_directives([name], checks=CHECKS)
    for control in directive.controls:
        assert control.paraphrase.fr
        assert control.paraphrase.en


def test_the_crosswalk_covers_every_rule_and_claims_no_equality() -> None:
    crosswalk = directives.load_crosswalk("crosswalk-iso27001-2022")
    assert len(crosswalk.pairs) == 134
    assert {pair.relationship for pair in crosswalk.pairs} == {"intersect"}
    assert {pair.control for pair in crosswalk.pairs} == {control.id for control in DNSSI.controls}


def test_unknown_directives_say_what_was_meant() -> None:
    with pytest.raises(UsageError, match=r"unknown directive 'ma-dnsi-2023'.*ma-dnssi-2023"):
        directives.load_directives(["ma-dnsi-2023"])
    with pytest.raises(UsageError, match="unknown crosswalk"):
        directives.load_crosswalk("../profiles/dnssi-2023")
    with pytest.raises(UsageError, match="unknown directive"):
        directives.load_directives(["../dnssi-2023"])


def test_a_directive_that_names_no_check_is_refused() -> None:
    with pytest.raises(UsageError, match=r"names the unknown check a\.one"):
        refuse_unknown_checks(directive(control(checks=["a.one"])), CHECKS)


# statuses


def control(name: str = "C-1", **more: Any) -> Control:
    machine = more.pop("machine", "partial")
    return Control.model_validate(
        {"id": name, "title": "T", "paraphrase": {"en": "P"}, "provable": "machine" if machine else "import", "machine": machine, **more}
    )


def directive(*controls: Control) -> Directive:
    return Directive.model_validate(
        {
            "id": "d", "edition": "1", "title": {"en": "D"}, "authority": "A", "binding": "law", "sources": ["s"], "note": {"en": "n"},
            "controls": [one.model_dump() for one in controls],
        }
    )  # fmt: skip


def ran(check: str, params: dict[str, Any] | None = None, by: str = "") -> ThresholdNote:
    return ThresholdNote(check=check, params=params or {}, severity=Severity.HIGH, origin="default", directive=by)


def finding(check: str, verdict: str, *, target: str = "t1", params: dict[str, Any] | None = None, waiver: str | None = None) -> Finding:
    return Finding(
        check=check, params=params or {}, family="a", target=target, subject="s", verdict=Verdict(verdict), severity=Severity.HIGH,
        message=Message(text="x"), waiver=waiver,
    )  # fmt: skip


def held(check: str, *, target: str = "t1", params: dict[str, Any] | None = None) -> Passed:
    return Passed(check=check, params=params or {}, target=target, subjects=["s"])


def declared(applicable: bool = True) -> Declared:
    return Declared(directive="d", control="C-1", statement="so it is", by="N. N.", on="2026-01-01", applicable=applicable)


BOTH = [ran("a.one"), ran("a.two")]
ONE, TWO = ["a.one"], ["a.one", "a.two"]
PASS, FAIL, UNKNOWN, NA = "pass", "fail", "unknown", "not_applicable"


@pytest.mark.parametrize(
    ("machine", "checks", "answers", "statement", "status", "basis"),
    [
        # nothing ran
        ("partial", ONE, {}, None, "not_verifiable", "none"),
        ("partial", ONE, {}, True, "declared", "declaration"),
        ("partial", ONE, {}, False, "not_applicable", "declaration"),
        (None, [], {}, None, "not_verifiable", "none"),
        (None, [], {}, True, "declared", "declaration"),
        # all holds
        ("full", ONE, {"a.one": [PASS]}, None, "conforming", "evidence"),
        ("full", ONE, {"a.one": [PASS, NA]}, None, "conforming", "evidence"),
        ("partial", ONE, {"a.one": [PASS]}, None, "partial", "evidence"),
        ("partial", ONE, {"a.one": [PASS]}, True, "conforming", "evidence"),
        (None, ONE, {"a.one": [PASS]}, None, "partial", "evidence"),
        ("full", TWO, {"a.one": [PASS]}, None, "partial", "evidence"),  # one of its checks did not run
        ("full", TWO, {"a.one": [PASS]}, True, "partial", "evidence"),
        ("full", ONE, {"a.one": [PASS]}, False, "conforming", "evidence"),  # what was seen contradicts that it does not apply
        # failures
        ("full", ONE, {"a.one": [FAIL]}, None, "non_conforming", "evidence"),
        ("full", ONE, {"a.one": [FAIL]}, True, "non_conforming", "evidence"),
        ("full", ONE, {"a.one": [FAIL]}, False, "non_conforming", "evidence"),
        ("full", ONE, {"a.one": [FAIL, PASS]}, None, "non_conforming", "evidence"),  # one target's check fails as a whole
        ("full", ONE, {"a.one": [FAIL, UNKNOWN]}, None, "non_conforming", "evidence"),
        ("full", TWO, {"a.one": [FAIL], "a.two": [PASS]}, None, "partial", "evidence"),
        ("full", TWO, {"a.one": [FAIL], "a.two": [UNKNOWN]}, None, "non_conforming", "evidence"),
        ("full", ONE, {"a.one": ["waived"]}, None, "non_conforming", "evidence"),
        ("full", TWO, {"a.one": ["waived"], "a.two": [PASS]}, True, "partial", "evidence"),
        # not seen
        ("full", ONE, {"a.one": [UNKNOWN]}, None, "not_verifiable", "evidence"),
        ("full", ONE, {"a.one": ["error"]}, None, "not_verifiable", "evidence"),
        ("full", ONE, {"a.one": [UNKNOWN]}, True, "declared", "declaration"),
        ("full", ONE, {"a.one": [PASS, UNKNOWN]}, None, "not_verifiable", "evidence"),
        ("full", TWO, {"a.one": [PASS], "a.two": [UNKNOWN]}, None, "partial", "evidence"),
        ("partial", TWO, {"a.one": [PASS], "a.two": [UNKNOWN]}, True, "partial", "evidence"),
        # does not arise
        ("full", TWO, {"a.one": [NA], "a.two": [NA]}, None, "not_applicable", "evidence"),
        ("full", TWO, {"a.one": [NA]}, None, "not_verifiable", "evidence"),
        ("full", TWO, {"a.one": [NA], "a.two": [UNKNOWN]}, None, "not_verifiable", "evidence"),
        ("full", TWO, {"a.one": [NA], "a.two": [PASS]}, None, "conforming", "evidence"),
        ("partial", ONE, {"a.one": [NA]}, None, "not_verifiable", "evidence"),  # what machines do not show may still arise
    ],
)
def test_from_answers_to_a_status(
    machine: str | None, checks: list[str], answers: dict[str, list[str]], statement: bool | None, status: str, basis: str
) -> None:
    passed = [held(check) for check, verdicts in answers.items() if PASS in verdicts]
    findings = [
        finding(check, "fail" if verdict == "waived" else verdict, waiver="accepted" if verdict == "waived" else None)
        for check, verdicts in answers.items()
        for verdict in verdicts
        if verdict != PASS
    ]
    given_declarations = [] if statement is None else [declared(statement)]
    rows = [ran(check) for check in answers]
    (note,) = directives.statuses(directive(control(machine=machine, checks=checks)), findings, passed, given_declarations, rows)
    assert (note.status.value, note.basis) == (status, basis)
    assert note.checks == list(answers)


def test_a_fleet_that_is_partly_done_is_partial() -> None:
    one = directive(control(machine="full", checks=ONE))
    (note,) = directives.statuses(one, [finding("a.one", "fail", target="t2")], [held("a.one")], [], [ran("a.one")])
    assert note.status is Status.PARTIAL
    assert (note.counts.passed, note.counts.fail) == (1, 1)


def test_what_is_run_on_no_target_of_the_audit_leaves_nothing_open() -> None:
    one = directive(control(machine="full", checks=["a.one", "a.two"]))
    rows = [ran("a.one").model_copy(update={"judges": ["ssh"]}), ran("a.two").model_copy(update={"judges": ["ldap"]})]
    (note,) = directives.statuses(one, [], [held("a.one")], [], rows, {"ssh"})
    assert note.status is Status.CONFORMING
    # a directory in the audit, and no answer of it
    (note,) = directives.statuses(one, [], [held("a.one")], [], rows, {"ssh", "ldap"})
    assert note.status is Status.PARTIAL
    # a check that the profile left out was not run anywhere
    (note,) = directives.statuses(one, [], [held("a.one")], [], rows[:1], {"ssh"})
    assert note.status is Status.PARTIAL


def test_a_remark_moves_no_status_and_is_named() -> None:
    one = directive(control(machine="full", checks=["a.one"], remarks=["a.two"]))
    (note,) = directives.statuses(one, [finding("a.two", "fail")], [held("a.one")], [], BOTH)
    assert note.status is Status.CONFORMING
    assert note.remarks == ["a.two"]
    assert note.counts.fail == 0
    (note,) = directives.statuses(one, [], [held("a.two")], [], BOTH)
    assert note.status is Status.NOT_VERIFIABLE  # a remark proves nothing, either
    assert note.remarks == []


def test_a_declaration_about_another_control_changes_nothing() -> None:
    one = directive(control(), control("C-2"))
    first, second = directives.statuses(one, [], [], [declared()], [])
    assert (first.status, second.status) == (Status.DECLARED, Status.NOT_VERIFIABLE)


def test_one_value_is_judged_differently_under_two_texts() -> None:
    six = control("SIX", machine="full", checks=["a.keep"], params={"a.keep": {"months": 6}})
    twelve = control("TWELVE", machine="full", checks=["a.keep"], params={"a.keep": {"months": 12}})
    any_ = control("ANY", machine="full", checks=["a.keep"])
    rows = [ran("a.keep", {"months": 12}), ran("a.keep", {"months": 6}, by="d")]
    notes = directives.statuses(
        directive(six, twelve, any_), [finding("a.keep", "fail", params={"months": 12})], [held("a.keep", params={"months": 6})], [], rows
    )
    assert [note.status.value for note in notes] == ["conforming", "non_conforming", "non_conforming"]


def test_a_control_with_a_scope_sets_its_own_values() -> None:
    with pytest.raises(ValueError, match="scope"):
        control(checks=["a.one"], scope=["operator"])


verdict_lists = st.lists(st.sampled_from([PASS, FAIL, UNKNOWN, NA, "error"]), max_size=3)


@given(
    st.fixed_dictionaries({"a.one": verdict_lists, "a.two": verdict_lists}),
    st.sampled_from(["full", "partial", None]),
    st.none() | st.booleans(),
)
def test_conforming_needs_evidence_whatever_comes(answers: dict[str, list[str]], machine: str | None, statement: bool | None) -> None:
    passed, findings = [], []
    for check, verdicts in answers.items():
        for number, verdict in enumerate(verdicts):
            if verdict == PASS:
                passed.append(held(check, target=f"t{number}"))
            else:
                findings.append(finding(check, verdict, target=f"t{number}"))
    stated = [] if statement is None else [declared(statement)]
    one = directive(control(machine=machine, checks=TWO))
    (note,) = directives.statuses(one, findings, passed, stated, BOTH)
    flat = list(itertools.chain(*answers.values()))
    if note.status is Status.CONFORMING:
        assert note.basis == "evidence"
        assert PASS in answers["a.one"] + answers["a.two"]
        assert not {FAIL, UNKNOWN, "error"} & set(flat)
        assert all(answers.values())
    if FAIL in flat:
        assert note.status in (Status.PARTIAL, Status.NON_CONFORMING)
    # taking any answer away turns nothing that was short of conforming into conforming, unless it was the failing or open one
    if not flat:
        assert note.status in (Status.NOT_VERIFIABLE, Status.DECLARED, Status.NOT_APPLICABLE)


def test_findings_carry_the_controls_they_bear_on() -> None:
    one = directive(control("A", checks=["a.one"]), control("B", remarks=["a.one"]), control("C", checks=["a.two"]))
    (named,) = directives.name_controls([finding("a.one", "fail")], [one], BOTH)
    assert named.controls == ["d:A", "d:B"]
