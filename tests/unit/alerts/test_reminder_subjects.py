"""Subjects of notices about what is over, out or hidden, and times that are not later than they."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.decide import decide
from alerts.finding import ReleaseFacts
from alerts.incident import Incident
from alerts.message import build_message
from alerts.notice import Notice
from alerts.notice_html import LONGEST_BRIEF
from alerts.notice_text import choose_step_list, write_notice_text
from alerts.platform import make_reminder
from alerts.status import brief_length, describe_status
from schedules.announcement import Address
from schedules.contract.verdict import Finding, FindingKind
from schedules.times.interval import Bounds, Interval
from tests.unit.alerts.conftest import SLOT, page_part

Make = Callable[..., ReleaseFacts]
HALF_HOUR = timedelta(minutes=30)


def remind(facts: ReleaseFacts) -> tuple[Incident, Notice]:
    incident = decide(facts, None, facts.at).incident
    assert incident is not None
    reminder = make_reminder(incident, facts.at + HALF_HOUR, HALF_HOUR, HALF_HOUR)
    assert reminder is not None
    return incident, reminder


def test_reminder_of_an_ended_exposure_says_that_it_is_over(public_early: Make) -> None:
    incident, reminder = remind(public_early("page", is_open=False))
    assert reminder.subject.startswith("EARLY, over, not acknowledged: Malpractice")
    brief = build_message(reminder, incident).brief
    assert brief.startswith("EARLY, over, not acknowledged, 25 to 35 min: Malpractice")
    assert brief.endswith(" (ofqual)")
    _, still_open = remind(public_early("page", is_open=True))
    assert still_open.subject.startswith("EARLY, not acknowledged: ")


def test_reminder_of_a_late_release_that_is_out_says_so(late_by_seconds: Make) -> None:
    incident, reminder = remind(late_by_seconds(37 * 60))
    assert reminder.subject.startswith("OUT NOW, 37 min late, not acknowledged: Malpractice")
    brief = build_message(reminder, incident).brief
    assert brief.startswith("OUT NOW, 37 min late, not acknowledged: Malpractice")
    assert len(brief) <= LONGEST_BRIEF


def test_release_that_users_still_cannot_get_has_the_steps_of_a_late_one(
    late_by_seconds: Make,
) -> None:
    """A cache keeps the old copy, so it is neither out now nor to be announced as out."""
    facts = late_by_seconds(400)
    (page,) = facts.parts
    hidden = replace(facts, parts=(replace(page, users_delay=Bounds(600, None)),))
    assert choose_step_list("late", facts) == "out"
    assert choose_step_list("late", hidden) == "late"
    assert remind(hidden)[1].subject.startswith("LATE, not acknowledged: ")


@pytest.mark.parametrize(
    ("lasted", "words"),
    [
        (Bounds(2220, 2221), "37 min"),
        (Bounds(119, 1201), "1 to 21 min"),
        (Bounds(None, 1200), "up to 20 min"),
        (Bounds(3000, 7200), "50 min to 2 h"),
        (Bounds(11000, 11050), "3 h 4 min"),
    ],
)
def test_brief_length_is_a_range_if_its_bounds_are_far_apart(lasted: Bounds, words: str) -> None:
    assert brief_length(lasted) == words


def test_long_producer_is_named_by_its_shorter_id(overdue_by_seconds: Make) -> None:
    facts = replace(
        overdue_by_seconds(400), producer="ons", names=("Office for National Statistics",)
    )
    (notice,) = decide(facts, None, facts.at).notices
    incident = decide(facts, None, facts.at).incident
    assert build_message(notice, incident).brief.endswith(" (ons)")


@pytest.mark.parametrize("fraction", [0.001, 0.318, 0.999])
def test_every_time_in_a_notice_has_come(late_by_seconds: Make, fraction: float) -> None:
    facts = late_by_seconds(399)
    now = SLOT + timedelta(seconds=400 + fraction)
    seen = Interval(SLOT + timedelta(seconds=399.7), now)
    page = page_part(facts.parts[0].verdict, first_seen=seen, released=seen, delay=Bounds(399, 401))
    text = write_notice_text("appeared", "late", replace(facts, at=now, parts=(page,)), "i", now)
    times = re.findall(r"\b\d\d:\d\d(?::\d\d(?:\.\d+)?)?\b", text)
    assert times
    for written in times:
        shown = datetime.combine(now.date(), datetime.fromisoformat(f"2018-01-05 {written}").time())
        assert shown.replace(tzinfo=now.tzinfo) <= now


def test_release_that_its_publisher_has_out_is_never_called_not_found(
    overdue_by_seconds: Make, late_by_seconds: Make
) -> None:
    """GOV.UK's content API shows it from 09:30:06 on, its page does not."""
    published = Finding(FindingKind.STALE_EDGE, "page", at=SLOT + timedelta(seconds=6))
    overdue, late = overdue_by_seconds(301), late_by_seconds(400)
    (page,) = overdue.parts
    page = replace(page, address=Address.GUESSED, users_delay=Bounds(301.5, None))
    overdue = replace(overdue, parts=(page,), findings=(*overdue.findings, published))
    assert describe_status("late", overdue, overdue.at) == (
        "published, users still could not get it at 09:35:01 GMT"
    )
    late = replace(late, findings=(*late.findings, published))
    assert describe_status("late", late, late.at).endswith(
        "6 min 40 s to 6 min 41 s late, although published by 09:30:06 GMT"
    )
