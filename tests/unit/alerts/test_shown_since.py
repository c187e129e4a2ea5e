"""People are notified if a calendar changes a slot too late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.decide import decide
from alerts.finding import ReleaseFacts
from schedules.contract.verdict import Finding, FindingKind, ShownSince
from tests.unit.alerts.conftest import SLOT

READ = SLOT + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (
            ShownSince(READ, slot=SLOT + timedelta(days=7)),
            "its calendar now shows Friday 12 January 2018, 09:30 GMT",
        ),
        (ShownSince(READ, is_cancelled=True), "its calendar now shows it as cancelled"),
        (ShownSince(READ, text="to be confirmed"), "its calendar now shows “to be confirmed”"),
    ],
)
def test_a_change_after_a_missed_slot_is_notified_once(
    overdue_by_seconds: Callable[[float], ReleaseFacts], shown: ShownSince, words: str
) -> None:
    opened = decide(overdue_by_seconds(61), None, SLOT + timedelta(seconds=61)).incident
    facts = replace(overdue_by_seconds(120), shown_since=shown)
    changed = decide(facts, opened, READ)
    (notice,) = changed.notices
    assert notice.subject.startswith("LATE, new finding")
    assert words in notice.subject
    assert f"What changed: {words}" in notice.text
    assert decide(facts, changed.incident, READ + timedelta(seconds=10)).notices == ()


def test_a_change_in_doubt_does_not_hide_that_a_release_is_late(
    overdue_by_seconds: Callable[[float], ReleaseFacts],
) -> None:
    doubt = Finding(FindingKind.PROMISE_IN_DOUBT, None, "not read again since")
    late = overdue_by_seconds(61)
    late = replace(late, findings=(*late.findings, doubt))
    opened = decide(late, None, SLOT + timedelta(seconds=61)).incident
    changed = replace(late, shown_since=ShownSince(READ, is_cancelled=True))
    (notice,) = decide(changed, opened, READ).notices
    assert notice.subject.startswith("LATE, new finding")
    assert "its calendar now shows it as cancelled" in notice.subject
