"""Explanations of the announcement behind a verdict."""

from __future__ import annotations

from datetime import date, time

import pytest

from monitor.judge.policy import Policy, UsualTime
from schedules.contract.verdict import VerdictKind
from schedules.workdays import NationSettings, Workdays
from tests.worlds.instants import after_slot, at, seconds_at
from tests.worlds.releases import a_promise, a_release
from tests.worlds.verdicts import explained, judged

NOT_READ = {"promises": [a_promise(confirmed_at=at("08:50"))]}


def explanation_text(now: float = 500, **case: object) -> str:
    """Return the explanation of the verdict on a release promised for Friday 5 January 2018 at 09:30.

    `case` replaces some of its facts.
    """
    return "\n".join(fact.text for fact in explained(now, **case).facts)


def test_an_explanation_says_that_a_calendar_was_last_read_long_before_the_slot() -> None:
    # The slot is at 09:30.
    promise = a_promise(at("09:30"), confirmed_at=at("08:50"))
    assert "calendar govuk last read 40 min before the slot" in explanation_text(promises=[promise])


def test_an_explanation_calls_a_slot_on_a_sunday_an_unlikely_day() -> None:
    on_sunday = a_promise(at("2018-01-07 10:30"))
    assert "an unlikely day: Sunday" in explanation_text(promises=[on_sunday])


def test_an_explanation_calls_a_slot_on_an_extra_holiday_of_the_nation_an_unlikely_day() -> None:
    # The slot is on Friday 5 January 2018.
    scotland = Workdays("SCT", NationSettings(extra_holidays=[date(2018, 1, 5)]))
    assert "an unlikely day: extra holiday" in explanation_text(policy=Policy(workdays=scotland))


def test_an_explanation_calls_a_slot_an_hour_off_the_usual_time_a_doubtful_hour() -> None:
    # The usual time is 09:30. A calendar that takes local time for UTC or the reverse is wrong by an hour.
    promise = a_promise(at("2018-01-07 10:30"))
    assert "a doubtful hour: 10:30 is 09:30 an hour off" in explanation_text(promises=[promise])


def test_an_explanation_says_why_entries_of_two_calendars_were_taken_for_one_release() -> None:
    joined = a_release(calendars=("govuk", "own"), joined_by="link; ambiguous-join: own x-2")
    hint = "govuk, own were taken for one release: link; ambiguous-join: own x-2"
    assert hint in explanation_text(release=joined)


def explanation_of_ofqual_release_at_07_00(*approvals: UsualTime) -> str:
    """Return the explanation of a release of the producer “ofqual” that is promised for 07:00."""
    return explanation_text(promises=[a_promise(at("07:00"))], policy=Policy(on_file=approvals))


def test_an_explanation_names_the_approval_of_an_unusual_time() -> None:
    # The usual time is 09:30. The approval “ART 12” allows 07:00 to producers whose name begins with “ofq”.
    approval = UsualTime(time(7), "ART 12", producer="ofq*")
    assert "announced for 07:00, not 09:30: on file, ART 12" in explanation_of_ofqual_release_at_07_00(approval)


def test_an_explanation_calls_an_unusual_time_without_an_approval_an_alternative_release_time() -> None:
    # The usual time is 09:30. The approval “ART 12” is for another producer.
    approval_of_ons = UsualTime(time(7), "ART 12", producer="ons")
    hint = "announced for 07:00, not 09:30: is an alternative release time"
    assert hint in explanation_of_ofqual_release_at_07_00()
    assert hint in explanation_of_ofqual_release_at_07_00(approval_of_ons)


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
