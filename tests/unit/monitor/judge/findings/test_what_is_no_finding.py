"""What looks like a finding and is none, at the limits of the rules. A number is an instant in seconds after the slot.

Each look is made on its own, and what it finds present is of this edition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from monitor.judge.policy import Policy
from monitor.judge.runs import Blind
from monitor.judge.verdict import Verdict
from monitor.look.recognise.title import ANOTHER_EDITION
from schedules.announcement import Address, Part
from schedules.contract.verdict import Kind, VerdictKind
from schedules.times.interval import Bounds
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN, Look, a_sighting, looks
from tests.worlds.releases import NEWS, SHEET, a_promise, a_release, no_slot
from tests.worlds.verdicts import found, judged, kinds

LATE = [(-2, ABSENT), (100, ABSENT), (300, PRESENT), (301, PRESENT)]
IN_TIME = [(-2, ABSENT), (0.5, PRESENT)]
OPTIONAL = replace(SHEET, required=False)


def verdict_on(seen: Mapping[str, Sequence[Look]], *parts: Part, now: float = 400, **more: object) -> Verdict:
    return judged(now, {name: looks(*each, specific=True) for name, each in seen.items()}, *parts, **more)


@pytest.mark.parametrize("news", [(), ((100, ABSENT),), ((-2, ABSENT), (299, ABSENT), (300, PRESENT))])
def test_a_copy_elsewhere_that_never_came_or_came_with_the_late_page_was_not_first(news: Sequence[Look]) -> None:
    assert kinds(verdict_on({"page": LATE, "news": news}, NEWS)) == [Kind.LATE]


@pytest.mark.parametrize("first_looks_at_page", [[], [(-400, ABSENT)]], ids=["present at once", "absent at first"])
def test_a_copy_elsewhere_was_not_first_if_the_page_was_public_before_the_copy_came(
    first_looks_at_page: Sequence[Look],
) -> None:
    # -390: the page is public, early. -36: the copy comes. -29: the page is removed. 300: the page is back, late.
    # So when the page came back, the copy had been there before. But the page had come first, at -390.
    page_early = [*first_looks_at_page, (-390, PRESENT), (-30, PRESENT)]
    page_removed_and_back = [(-29, ABSENT), (299, ABSENT), (300, PRESENT)]
    copy = looks((-37, ABSENT), (-36, PRESENT), (400, PRESENT))
    verdict = judged(400, {"page": looks(*page_early, *page_removed_and_back), "news": copy}, NEWS)
    assert found(verdict, Kind.ELSEWHERE_FIRST) == []


def detail_on_copy_out_before_page(copy_last_absent: float) -> str:
    """Return the detail of the finding on a copy elsewhere that was first seen at 5 s. Its page came at 300 s."""
    verdict = verdict_on({"page": LATE, "news": [(copy_last_absent, ABSENT), (5, PRESENT)]}, NEWS)
    (copy_was_first,) = found(verdict, Kind.ELSEWHERE_FIRST)
    return copy_was_first.detail


def test_a_copy_elsewhere_is_reported_as_after_the_slot_if_absent_at_most_a_second_before_it() -> None:
    # The copy was seen 5 s after the slot. Our clock may be wrong by a second, so 1 s before the slot counts as at it.
    assert detail_on_copy_out_before_page(copy_last_absent=-1).endswith("after the slot")
    assert not detail_on_copy_out_before_page(copy_last_absent=-1.001).endswith("after the slot")


@pytest.mark.parametrize(("part", "is_found"), [(OPTIONAL, False), (SHEET, True)])
def test_failed_looks_count_only_at_required_parts(part: Part, *, is_found: bool) -> None:
    # All looks at the sheet failed. OPTIONAL is the same sheet, but not required.
    failed = [(when, UNKNOWN) for when in range(-60, 100, 5)]
    assert (Kind.BLIND in kinds(verdict_on({"page": IN_TIME, "sheet": failed}, part))) is is_found


def test_a_failed_look_before_the_slot_is_a_blind_span_until_the_next_look_succeeds() -> None:
    failed_at, succeeded_at = -30, 90
    # The look that failed later, at 91 s, is no finding: the page had been seen by then.
    page = [(-60, ABSENT), (failed_at, UNKNOWN), (succeeded_at, PRESENT), (91, UNKNOWN), (200, PRESENT)]
    (blind_span,) = found(verdict_on({"page": page}), Kind.BLIND)
    assert blind_span.seconds.min == succeeded_at - failed_at


def test_failed_looks_over_the_slot_of_a_late_release_are_no_finding() -> None:
    failed = [(when, UNKNOWN) for when in (-30, -15, 0, 30, 60)]
    assert kinds(verdict_on({"page": [(-60, ABSENT), *failed, (100, ABSENT), (300, PRESENT)]})) == [Kind.LATE]


def test_bytes_that_changed_before_the_slot_are_no_swap() -> None:
    each = ((-3600, "a"), (-3000, "a"), (-1800, "b"), (-900, "b"), (300, "b"))
    sheet = [(-7200, ABSENT), *(a_sighting(PRESENT, when, digest=digest) for when, digest in each)]
    assert Kind.SWAPPED not in kinds(verdict_on({"page": IN_TIME, "sheet": sheet}, OPTIONAL))


@pytest.mark.parametrize(("address", "found_at"), [(Address.GUESSED, []), (Address.ANNOUNCED, [SLOT])])
def test_another_edition_is_a_finding_only_at_a_known_address(address: Address, found_at: list[object]) -> None:
    # The page shows another edition until 200 s after its slot.
    seen = {"page": looks((-2, ABSENT), (200, ABSENT), why=ANOTHER_EDITION)}
    wrong = found(judged(400, seen, release=a_release(address=address)), Kind.WRONG_EDITION)
    assert [each.at for each in wrong] == found_at


def test_another_edition_before_the_slot_is_no_finding_if_the_release_came_in_time() -> None:
    before = [a_sighting(ABSENT, when, why=ANOTHER_EDITION) for when in (-20, -1)]
    verdict = verdict_on({"page": [*before, (0.5, PRESENT)]})
    assert (verdict.verdict, kinds(verdict)) == (VerdictKind.ON_TIME, [])


def test_a_promise_without_a_time_is_not_in_doubt() -> None:
    verdict = judged(0, promises=[a_promise(no_slot())])
    assert (verdict.verdict, kinds(verdict)) == (VerdictKind.PENDING, [])


def test_calendars_that_differ_leave_a_late_part_unproven_and_a_part_that_came_in_time_as_it_is() -> None:
    release = a_release(SHEET, calendars=("govuk", "own"))
    both = [a_promise(), a_promise(after_slot(3600), calendar="own")]
    page, sheet = verdict_on({"page": IN_TIME, "sheet": LATE}, release=release, promises=both).parts
    assert (page.verdict, page.unproven_because) == (VerdictKind.ON_TIME, None)
    assert page.delay is not None
    assert sheet.verdict is VerdictKind.UNPROVEN


@pytest.mark.parametrize(("seconds_after_close", "is_final"), [(-0.001, False), (0.0, True)])
def test_a_verdict_is_final_from_the_instant_on_at_which_the_watch_closes(
    seconds_after_close: float, *, is_final: bool
) -> None:
    closes = Policy().closes_after.total_seconds()
    page = [(-2, ABSENT), (100, UNKNOWN), (closes - 60, UNKNOWN), (closes, UNKNOWN)]
    assert verdict_on({"page": page}, now=closes + seconds_after_close).final is is_final


def test_a_part_that_was_exposed_was_first_seen_then_and_released_after_its_slot() -> None:
    verdict = verdict_on({"page": [(-900, ABSENT), (-600, PRESENT), (-300, ABSENT), (-2, ABSENT), (0.5, PRESENT)]})
    assert verdict.verdict is VerdictKind.EARLY
    assert (verdict.page.first_seen.by, verdict.page.released.by) == (after_slot(-600), after_slot(0.5))


def test_a_blind_span_of_a_doubtful_clock_is_found_as_a_clock_fault_only() -> None:
    span = Blind(after_slot(-30), after_slot(30), "clock")
    verdict = verdict_on({"page": [(-60, ABSENT), (-5, ABSENT), (5, PRESENT)]}, blind=[span])
    assert Kind.CLOCK_FAULT in kinds(verdict)
    assert Kind.BLIND not in kinds(verdict)


def test_content_removed_twice_gives_two_withdrawals_of_their_own_length() -> None:
    came_in_time = [(-2, ABSENT), (0.5, PRESENT)]
    first_absence, back = [(60, ABSENT), (130, ABSENT)], (140, PRESENT)
    second_absence, back_again = [(200, ABSENT), (270, ABSENT)], (280, PRESENT)
    verdict = verdict_on({"page": [*came_in_time, *first_absence, back, *second_absence, back_again]})
    assert kinds(verdict) == [Kind.WITHDRAWN, Kind.WITHDRAWN]
    # An absence lasts at least from its first look to its last look. It lasts at most from the look before, which
    # showed the content, to the look after.
    first, second = verdict.findings
    assert first.seconds == Bounds(130 - 60, 140 - 0.5)
    assert second.seconds == Bounds(270 - 200, 280 - 140)


def test_a_notice_of_withdrawal_at_the_instant_of_the_last_presence_is_a_flicker() -> None:
    # Only a notice that began after the last presence, at 30, is a withdrawal. An absence must last for 60 s.
    assert kinds(verdict_on({"page": [*IN_TIME, (30, PRESENT), (30, WITHDRAWN), (50, WITHDRAWN)]})) == []


def test_a_copy_elsewhere_that_was_removed_again_is_listed_with_its_begin_and_end() -> None:
    news = [(-2, ABSENT), (100, PRESENT), (200, PRESENT), (201, ABSENT), (390, ABSENT)]
    (copy,) = verdict_on({"page": [(-2, ABSENT), (390, ABSENT)], "news": news}, NEWS).elsewhere
    assert (copy.part, copy.start.by, copy.to.after) == ("news", after_slot(100), after_slot(200))
