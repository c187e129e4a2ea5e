"""Statements that depend on an old calendar read say so, and never claim that there is no gap.

`confirmed` is when the calendar was last read with this slot in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.decide import decide
from alerts.finding import ReleaseFacts
from tests.unit.alerts.conftest import SLOT
from tests.unit.alerts.draft.conftest import draft_of

Overdue = Callable[[float], ReleaseFacts]
SAYS_NO_GAP = "No time in which the monitor could not see is recorded for this release."


def draft_and_notice(facts: ReleaseFacts) -> tuple[str, str]:
    decision = decide(facts, known=None, now=facts.at)
    assert decision.incident is not None
    report = draft_of(decision.incident, "note", now=facts.at)
    return "\n".join(report.certainty), decision.notices[0].text


@pytest.mark.parametrize("read_before", [timedelta(0), timedelta(minutes=4), timedelta(minutes=10)])
def test_calendar_read_shortly_before_slot_is_not_mentioned(
    overdue_by_seconds: Overdue, read_before: timedelta
) -> None:
    """A read up to ten minutes before the slot is recent enough. `SAYS_NO_GAP` is the sentence that
    there was no time in which the monitor could not see.
    """
    draft, notice = draft_and_notice(replace(overdue_by_seconds(400), confirmed=SLOT - read_before))
    assert SAYS_NO_GAP in draft
    assert "The calendar was last read" not in draft
    assert "was last read in its calendar" not in notice


def test_draft_and_notice_state_calendar_read_17_hours_before_slot(
    overdue_by_seconds: Overdue,
) -> None:
    """The slot is 09:30 on 5 January. So the draft does not contain `SAYS_NO_GAP`, the sentence
    that the monitor could see all the time.
    """
    draft, notice = draft_and_notice(
        replace(overdue_by_seconds(400), confirmed=SLOT - timedelta(hours=17))
    )
    assert SAYS_NO_GAP not in draft
    assert (
        "The calendar was last read with this announced time in it at 16:30 GMT on 4 January 2018."
        in draft
    )
    assert "The slot was last read in its calendar 4 January 16:30 GMT" in notice


def test_calendar_read_a_day_before_an_exposure_is_old(
    public_early: Callable[..., ReleaseFacts],
) -> None:
    """The release was public 40 days before its slot.

    The read must be shortly before that, not before the slot.
    """
    found_at = SLOT - timedelta(days=40)
    exposed = public_early("page", is_open=True, begins=found_at)
    five_minutes_before, day_before = found_at - timedelta(minutes=5), found_at - timedelta(days=1)
    # `confirmed` is when the calendar was last read. `unread_since` is that time if it is too old,
    # else None.
    assert replace(exposed, confirmed=five_minutes_before).unread_since is None
    assert replace(exposed, confirmed=day_before).unread_since == day_before
