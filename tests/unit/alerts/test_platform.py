"""The incident of a platform on which several releases are late at one time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.finding import ReleaseFacts
from alerts.incident import Decision, Incident
from alerts.platform import is_covered_by_platform, make_reminder, update_platform
from schedules.contract.verdict import Finding, FindingKind
from tests.worlds.incidents import a_notice, an_incident
from tests.worlds.instants import SLOT

Make = Callable[..., ReleaseFacts]
PLATFORM = Finding(FindingKind.PLATFORM)


def member_of(facts: ReleaseFacts, *findings: Finding) -> Incident:
    return an_incident(facts=replace(facts, findings=(*facts.findings, *findings)))


@pytest.mark.parametrize(
    ("kind", "finding", "is_covered"),
    [
        ("opened", "late", True),
        ("final", "partial", True),
        ("opened", "early_exposure", False),
        ("new_finding", "late", False),
    ],
)
def test_thread_of_platform_replaces_only_notices_of_a_delay(
    kind: str, finding: str, *, is_covered: bool
) -> None:
    notice = a_notice(kind=kind, findings=(finding,))
    assert is_covered_by_platform(notice) is is_covered


def test_release_that_is_late_by_itself_opens_no_incident_of_its_platform(
    overdue_by_seconds: Callable[[float], ReleaseFacts],
) -> None:
    assert update_platform(None, member_of(overdue_by_seconds(61)), SLOT) == Decision()


def test_release_stays_in_the_incident_of_its_platform(
    overdue_by_seconds: Callable[[float], ReleaseFacts],
    late_by_seconds: Callable[..., ReleaseFacts],
) -> None:
    delayed = member_of(overdue_by_seconds(61), PLATFORM)
    opened = update_platform(None, delayed, SLOT).incident
    assert opened is not None
    assert [link.stands for link in opened.linked] == ["awaited"]
    alone = member_of(late_by_seconds(400))
    updated = update_platform(opened, alone, SLOT).incident
    assert updated is not None
    assert [link.stands for link in updated.linked] != ["awaited"]


@pytest.mark.parametrize(("timezone", "reminders"), [("Europe/London", 1), ("America/New_York", 3)])
def test_reminders_are_rarer_at_night_where_the_release_is_read(
    overdue_by_seconds: Callable[[float], ReleaseFacts], timezone: str, reminders: int
) -> None:
    """One is due each hour, but from 22:00 to 07:00 only each fourth is sent. The hours are 00:30
    to 02:30 in London, which are 19:30 to 21:30 in New York.
    """
    overdue = replace(overdue_by_seconds(400), timezone=timezone)
    waiting = an_incident(facts=overdue, timeline=())
    sent = set()
    for hours in (15, 16, 17):
        now = SLOT + timedelta(hours=hours)
        reminder = make_reminder(waiting, now, spacing=timedelta(hours=1), grace=timedelta())
        assert reminder is not None
        sent.add(reminder.id)
    assert len(sent) == reminders
