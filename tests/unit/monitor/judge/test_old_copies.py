"""Old copies at an edge: content that is dated before a proved absence may have been removed since.
A number is an instant in seconds after the slot; the third of a look is the age of its answer.

The origin withdrew the page a second before its slot. At 1 s the edge, a cache, shows a copy of the
page.
"""

from __future__ import annotations

import pytest

from schedules.contract.verdict import VerdictKind
from schedules.times.interval import Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, WITHDRAWN, looks
from tests.worlds.verdicts import judged

ORIGIN_REMOVED_1_S_BEFORE_SLOT = ((-60, ABSENT), (-1, WITHDRAWN))
"""The page was public early, unseen."""
COPY_FROM_BEFORE_REMOVAL = (1, PRESENT, 13)
"""At 1 s, the edge shows a copy that is 13 s old, from before the removal.

So alone it proves no release.
"""


def test_old_copy_counts_as_release_from_90_s_after_slot() -> None:
    """No look had seen it public. It is 13 s old, so from before the removal. A look may yet find
    that the page is absent now. So the release is pending for 90 s: the tolerance of 60 s, and 30 s
    for evidence to arrive. No look finds it absent. So the copy counts as the release, and the page
    is on time.
    """
    edge = looks((-60, ABSENT), COPY_FROM_BEFORE_REMOVAL, specific=True)
    origin = looks(*ORIGIN_REMOVED_1_S_BEFORE_SLOT)
    verdict_at = {
        now: judged(now, {"page": edge, "page/origin": origin}).verdict for now in (2, 89, 90)
    }
    assert verdict_at == {2: VerdictKind.PENDING, 89: VerdictKind.PENDING, 90: VerdictKind.ON_TIME}


def test_newer_copy_confirms_release_first_shown_by_old_copy() -> None:
    """No look had seen it public. It is 13 s old, so from before the removal. This alone proves no
    release. But the copy that it shows at 9 s was made at 7 s, after the slot. So the page is
    public again: on time.
    """
    newer_copy = (9, PRESENT, 2)  # got at 9 s, 2 s old
    edge = looks((-60, ABSENT), COPY_FROM_BEFORE_REMOVAL, newer_copy, specific=True)
    verdict = judged(
        now=10, seen={"page": edge, "page/origin": looks(*ORIGIN_REMOVED_1_S_BEFORE_SLOT)}
    )
    assert verdict.verdict is VerdictKind.ON_TIME
    # As the release is confirmed now, the look at 1 s that got the old copy counts as the first
    # that showed it.
    assert verdict.page.released == Interval(after=after_slot(-60), by=after_slot(1))


@pytest.mark.parametrize("returned_at", [103, 400])
def test_content_that_returned_late_is_late_despite_an_old_copy(returned_at: float) -> None:
    """No look had seen it public. It is 13 s old, so from before the removal. From 20 s on, both
    edge and origin lack the page, until it is back at 103 s or 400 s. So the old copy was no
    release. The page was released when it was back.
    """
    returned = [(20, ABSENT), (returned_at - 1, ABSENT), (returned_at, PRESENT)]
    edge = looks((-60, ABSENT), COPY_FROM_BEFORE_REMOVAL, *returned)
    origin = looks(*ORIGIN_REMOVED_1_S_BEFORE_SLOT, *returned)
    verdict = judged(returned_at + 60, {"page": edge, "page/origin": origin})
    assert verdict.verdict is VerdictKind.LATE
    assert verdict.page.released == Interval(after_slot(returned_at - 1), after_slot(returned_at))
