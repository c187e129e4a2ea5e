"""A delay or lead of one hour just after the clocks changed may come from a scheduled job: asked,
not claimed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.incident import Incident, IncidentKind
from schedules.contract.verdict import Exposure, Finding, FindingKind, VerdictKind
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.draft.conftest import draft_of, get_field
from tests.worlds.published import at, incident_of, late_part, release_facts

URL = "https://www.gov.uk/government/statistics/example"
ASK_LATE = (
    "It came out one hour late in the first week of summer time. Did a scheduled job still use"
    " winter time?"
)
ASK_EARLY = (
    "It was public one hour early in the first week of winter time. Did a scheduled job still use"
    " summer time?"
)


def incident_of_page_released(slot: str, minutes: int) -> Incident:
    """Return an incident of a page that came out within a minute from `minutes` after its slot, or
    before it.
    """
    announced = at(slot)
    begin = announced + timedelta(minutes=minutes)
    page = late_part("page", "page", URL, announced, Interval(begin, begin + timedelta(minutes=1)))
    facts = replace(
        release_facts("example", "Example", "ons", URL, announced),
        findings=(Finding(FindingKind.LATE, "page"),),
    )
    if minutes < 0:
        end = Interval(announced, announced)
        seconds = Bounds(-minutes * 60 - 60, -minutes * 60)
        exposure = Exposure("page", page.first_seen, end, seconds, open=False)
        page = replace(page, verdict=VerdictKind.EARLY, exposures=(exposure,))
        facts = replace(
            facts,
            verdict=VerdictKind.EARLY,
            findings=(Finding(FindingKind.EARLY_EXPOSURE, "page"),),
        )
    kind = IncidentKind.LATE if minutes > 0 else IncidentKind.EARLY
    return incident_of(replace(facts, parts=(page,)), kind, announced, announced)


@pytest.mark.parametrize(
    ("slot", "minutes_after_slot", "expected_questions"),
    [
        ("2018-03-26T09:30+01:00", 60, {ASK_LATE}),
        ("2018-03-29T09:30+01:00", 61, {ASK_LATE}),
        ("2018-03-23T09:30+00:00", 60, set()),
        ("2018-04-09T09:30+01:00", 60, set()),
        ("2018-03-26T09:30+01:00", 40, set()),
        ("2018-03-26T09:30+01:00", 75, set()),
        ("2018-03-26T09:30+01:00", -60, set()),
        ("2018-10-29T09:30+00:00", -60, {ASK_EARLY}),
        ("2018-10-29T09:30+00:00", -90, set()),
        ("2018-10-29T09:30+00:00", 60, set()),
    ],
)
def test_release_an_hour_off_after_clock_change_raises_a_question(
    settings: Mapping[str, str], slot: str, minutes_after_slot: int, expected_questions: set[str]
) -> None:
    """The clocks went forward on 25 March 2018. In the week after it, a scheduled job that still
    uses winter time is an hour late. They went back on 28 October. In the week after it, a job that
    still uses summer time is an hour early. At all other times the draft asks no question.
    """
    incident = incident_of_page_released(slot, minutes_after_slot)
    report = draft_of(incident, configured=settings)
    account = get_field(report, "B.2.account")
    assert {ASK_LATE, ASK_EARLY} & {*account.guidance} == expected_questions


def test_clock_change_question_is_only_in_guidance_of_account(settings: Mapping[str, str]) -> None:
    """The page came out an hour late on the day after the clocks went forward. ASK_LATE asks
    whether that was the cause. Guidance is for the person who completes the box, and is no
    paragraph of the report.
    """
    incident = incident_of_page_released("2018-03-26T09:30+01:00", minutes=60)
    report = draft_of(incident, configured=settings)
    assert [field.id for field in report.fields() if ASK_LATE in field.guidance] == ["B.2.account"]
    assert not [field.id for field in report.fields() if ASK_LATE in field.paragraphs]
