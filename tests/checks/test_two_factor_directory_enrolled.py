"""Every enabled person of the directory holds a second factor."""

from __future__ import annotations

from sovaudit.content.checks.two_factor.directory_enrolled import directory_enrolled

from sovaudit.facts.directories.model import Factor, Kind
from sovaudit.testing import run, verdicts
from tests.directory_views import HIDDEN, account, given

YES, NO = Factor(True, True), Factor(False, False)


def test_each_enabled_person_answers() -> None:
    people = [account("alice"), account("bob"), account("off", enabled=False), account("unseen"), account("maybe", enabled=HIDDEN)]
    factors = {"alice": YES, "bob": NO, "off": NO, "maybe": NO}
    found = verdicts(run(directory_enrolled, given(people, factors=factors)))
    assert found == {"alice": "pass", "bob": "fail", "unseen": "unknown", "maybe": "unknown"}


def test_machines_and_services_are_not_asked() -> None:
    others = [account("pc$", kind=Kind.MACHINE), account("svc", kind=Kind.SERVICE), account("krbtgt", kind=Kind.BUILTIN)]
    assert verdicts(run(directory_enrolled, given(others))) == {"": "not_applicable"}


def test_a_search_that_was_cut_leaves_doubt() -> None:
    directory = given([account("alice")], factors={"alice": YES}, results={"accounts": 4})
    assert verdicts(run(directory_enrolled, directory)) == {"alice": "pass", "": "unknown"}
