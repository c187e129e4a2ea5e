"""Explanations of the announcement behind a verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest

from monitor.judge.policy import Policy, UsualTime
from schedules.contract.verdict import VerdictKind
from schedules.workdays import NationSettings, Workdays
from tests.worlds.instants import after_slot, at, seconds_at
from tests.worlds.releases import a_promise, a_release
from tests.worlds.verdicts import explained, judged

SEVEN = a_promise(at("07:00"))
GRANTED = UsualTime(time(7), "ART 12", producer="ofq*")
SCOTLAND = Policy(workdays=Workdays("SCT", NationSettings(extra_holidays=[date(2018, 1, 5)])))
NOT_READ = {"promises": [a_promise(confirmed_at=at("08:50"))]}
ALTERNATIVE = "announced for 07:00, not 09:30: is an alternative release time"


def explanation_text(now: float = 500, **case: object) -> str:
    return "\n".join(fact.text for fact in explained(now, **case).facts)


@pytest.mark.parametrize(
    ("unusual_case", "hint"),
    [
        (NOT_READ, "calendar govuk last read 40 min before the slot"),
        ({"promises": [a_promise(at("2018-01-07 10:30"))]}, "an unlikely day: Sunday"),
        ({"promises": [a_promise(at("2018-01-07 10:30"))]}, "a doubtful hour: 10:30 is 09:30 an hour off"),
        ({"policy": SCOTLAND}, "an unlikely day: extra holiday"),
        (
            {"release": a_release(calendars=("govuk", "own"), joined_by="link; ambiguous-join: own x-2")},
            "govuk, own were taken for one release: link; ambiguous-join: own x-2",
        ),
        ({"promises": [SEVEN]}, ALTERNATIVE),
        ({"promises": [SEVEN], "policy": Policy(on_file=(replace(GRANTED, producer="ons"),))}, ALTERNATIVE),
        (
            {"promises": [SEVEN], "policy": Policy(on_file=(GRANTED,))},
            "announced for 07:00, not 09:30: on file, ART 12",
        ),
    ],
)
def test_an_explanation_hints_at_what_is_unusual_about_a_promise(unusual_case: dict[str, object], hint: str) -> None:
    # `unusual_case` replaces facts of a release that is promised for Friday 5 January 2018 at 09:30. SEVEN is a promise
    # for 07:00, an unusual time. GRANTED is its approval, ART 12, for releases of producers that match `ofq*`.
    assert hint in explanation_text(**unusual_case)


@pytest.mark.parametrize(
    ("now", "usual_case"), [(500, {}), (500, {"promises": [a_promise(confirmed_at=after_slot(300))]}), (-60, NOT_READ)]
)
def test_an_explanation_does_not_hint_at_what_is_usual(now: float, usual_case: dict[str, object]) -> None:
    text = explanation_text(now, **usual_case)
    assert [hint for hint in ("last read", "unlikely", "not 09:30") if hint in text] == []


def test_a_promise_for_an_unusual_time_gives_no_finding_and_leaves_the_release_pending() -> None:
    # The usual time of releases is 09:30. Another one needs an approval, which 07:00 does not have here.
    promise_for_07_00 = a_promise(at("07:00"))
    verdict = judged(now=seconds_at("04:00"), promises=[promise_for_07_00])
    assert verdict.findings == ()
    assert verdict.verdict is VerdictKind.PENDING
