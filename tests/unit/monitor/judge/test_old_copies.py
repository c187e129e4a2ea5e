"""Old copies at an edge: content that is dated before a proved absence may have been removed since.

A number is an instant in seconds after the slot; the third of a look is the age of its answer.
"""

from __future__ import annotations

import pytest

from schedules.contract.verdict import VerdictKind
from schedules.times.interval import Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, WITHDRAWN, looks
from tests.worlds.verdicts import judged

ORIGIN_REMOVED_1_S_BEFORE_SLOT = ((-60, ABSENT), (-1, WITHDRAWN))


def test_an_old_copy_seen_after_the_slot_counts_as_the_release_only_once_the_slot_is_settled() -> None:
    # The page was removed 1 s before its slot. At 1 s after it, the edge showed a copy from before the removal.
    copy_age = 13
    edge = looks((-60, ABSENT), (1, PRESENT, copy_age), specific=True)
    origin = looks((-60, ABSENT), (-1, WITHDRAWN))
    tolerance, grace = 60, 30
    settled = tolerance + grace
    verdicts = [judged(now, {"page": edge, "page/origin": origin}).verdict for now in (2, settled - 1, settled)]
    # An old copy alone proves no release. It counts if no later look found the page absent until the slot is settled.
    assert verdicts == [VerdictKind.PENDING, VerdictKind.PENDING, VerdictKind.ON_TIME]


def test_a_release_first_shown_by_an_old_copy_is_out_once_a_newer_copy_confirms_it() -> None:
    # -1: the origin removes the page, which was public early. 1: the edge shows a copy that is 13 s old. It is from
    # before the removal, so it proves no release. 9: the edge shows a copy that is 2 s old, from after the slot.
    origin = looks((-60, ABSENT), (-1, WITHDRAWN))
    last_absent, old_copy, newer_copy = (-60, ABSENT), (1, PRESENT, 13), (9, PRESENT, 2)
    edge = looks(last_absent, old_copy, newer_copy, specific=True)
    verdict = judged(now=10, seen={"page": edge, "page/origin": origin})
    assert verdict.verdict is VerdictKind.ON_TIME
    # Once it is confirmed, the release counts from the look that got the old copy.
    assert verdict.page.released == Interval(after=after_slot(-60), by=after_slot(1))


@pytest.mark.parametrize("returned_at", [103, 400])
def test_content_that_came_back_late_is_late_although_an_old_copy_showed_it_at_the_slot(returned_at: float) -> None:
    # The copy that the edge showed at 1 s was 13 s old, from before the removal.
    returned = [(20, ABSENT), (returned_at - 1, ABSENT), (returned_at, PRESENT)]
    edge, origin = looks((-60, ABSENT), (1, PRESENT, 13), *returned), looks(*ORIGIN_REMOVED_1_S_BEFORE_SLOT, *returned)
    verdict = judged(returned_at + 60, {"page": edge, "page/origin": origin})
    assert verdict.verdict is VerdictKind.LATE
    assert verdict.page.released == Interval(after_slot(returned_at - 1), after_slot(returned_at))
