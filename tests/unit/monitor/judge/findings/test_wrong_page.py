"""Another page than the release at its address. A number is an instant in seconds after the slot."""

from __future__ import annotations

import pytest

from monitor.judge.runs import extend_run
from monitor.look.recognise.title import ANOTHER_EDITION, ANOTHER_TITLE
from monitor.look.sighting import State
from schedules.announcement import Address
from schedules.contract.verdict import Finding, Kind, VerdictKind
from tests.worlds.looks import ABSENT, UNKNOWN, a_run, a_sighting
from tests.worlds.releases import a_release
from tests.worlds.verdicts import judged


def findings(why: str, state: State, until: float = 400, address: Address = Address.ANNOUNCED) -> list[Finding]:
    """Return the findings on what was at the address of a page that was absent before its slot."""
    runs = [a_run("page", ABSENT, -3600, -10), a_run("page", state, -9, until, why=why)]
    verdict = judged(400, {"page": runs}, release=a_release(address=address))
    assert verdict.verdict is not VerdictKind.ON_TIME
    return [each for each in verdict.findings if each.kind in (Kind.WRONG_EDITION, Kind.WRONG_CONTENT)]


def test_another_edition_at_the_slot_is_a_finding() -> None:
    (wrong,) = findings(ANOTHER_EDITION, ABSENT)
    assert (wrong.kind, wrong.part) == (Kind.WRONG_EDITION, "page")
    assert wrong.detail == "the page shows another edition at its slot: seen Fri 5 Jan 2018 09:30:00 GMT"


def test_another_title_after_an_absence_is_a_finding() -> None:
    assert [each.kind for each in findings(ANOTHER_TITLE, UNKNOWN)] == [Kind.WRONG_CONTENT]


@pytest.mark.parametrize(
    ("why", "state", "until", "address"),
    [
        ("", ABSENT, 400, Address.ANNOUNCED),
        ("503", UNKNOWN, 400, Address.ANNOUNCED),
        (ANOTHER_EDITION, ABSENT, 30, Address.ANNOUNCED),
        (ANOTHER_EDITION, ABSENT, 400, Address.GUESSED),
    ],
    ids=["absent", "failed looks", "not after the tolerance", "at a guessed address"],
)
def test_no_other_answer_is_a_wrong_page(why: str, state: State, until: float, address: Address) -> None:
    # The page was absent before its slot. Since then looks until `until` got `state`, for the reason `why`. The
    # tolerance is 60 s. At a guessed address, another edition may be another release.
    assert findings(why, state, until, address) == []


@pytest.mark.parametrize(("why", "is_longer"), [("", False), (ANOTHER_EDITION, True)])
def test_an_absence_by_another_edition_lengthens_only_a_run_with_that_reason(why: str, *, is_longer: bool) -> None:
    longer = extend_run(a_run("page", ABSENT, -60, -1, why=why), a_sighting(ABSENT, why=ANOTHER_EDITION))
    assert (longer is not None) is is_longer
