"""Old copies at an edge: content that is dated before a proved absence may have been removed since.

A number is an instant in seconds after the slot; the third of a look is the age of its answer.
"""

from __future__ import annotations

import pytest

from monitor.judge.verdict import Verdict
from schedules.contract.verdict import VerdictKind
from schedules.times.interval import Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, WITHDRAWN, Look, looks
from tests.worlds.verdicts import judged

ORIGIN_REMOVED_1_S_BEFORE_SLOT = ((-60, ABSENT), (-1, WITHDRAWN))


def verdict_with_old_copy_after_slot(now: float, *later_edge_looks: Look) -> Verdict:
    """Return the verdict on a page removed 1 s before its slot, of which the edge shows at 1 s a copy from -12 s."""
    edge = looks((-60, ABSENT), (1, PRESENT, 13), *later_edge_looks, specific=True)
    return judged(now, {"page": edge, "page/origin": looks(*ORIGIN_REMOVED_1_S_BEFORE_SLOT)})


def test_a_copy_from_before_an_absence_puts_a_release_in_time_only_once_its_slot_is_settled() -> None:
    # At 1 s the edge showed a copy 13 s old. The page was removed after that copy was
    # made, so the copy alone proves nothing.
    # The slot is settled at the tolerance of 60 s plus a grace period of 30 s.
    verdicts = [verdict_with_old_copy_after_slot(now).verdict for now in (2, 89, 90)]
    assert verdicts == [VerdictKind.PENDING, VerdictKind.PENDING, VerdictKind.ON_TIME]


def test_a_newer_copy_confirms_that_a_release_is_out_since_its_old_copy_was_seen() -> None:
    verdict = verdict_with_old_copy_after_slot(10, (9, PRESENT, 2))
    assert verdict.verdict is VerdictKind.ON_TIME
    # The edge was last absent 60 s before the slot, and it showed the old copy 1 s after it.
    assert verdict.page.released == Interval(after_slot(-60), after_slot(1))


@pytest.mark.parametrize("returned_at", [103, 400])
def test_content_that_came_back_late_is_late_although_an_old_copy_showed_it_at_the_slot(returned_at: float) -> None:
    # The copy that the edge showed at 1 s was 13 s old, from before the removal.
    returned = [(20, ABSENT), (returned_at - 1, ABSENT), (returned_at, PRESENT)]
    edge, origin = looks((-60, ABSENT), (1, PRESENT, 13), *returned), looks(*ORIGIN_REMOVED_1_S_BEFORE_SLOT, *returned)
    verdict = judged(returned_at + 60, {"page": edge, "page/origin": origin})
    assert verdict.verdict is VerdictKind.LATE
    assert verdict.page.released == Interval(after_slot(returned_at - 1), after_slot(returned_at))
