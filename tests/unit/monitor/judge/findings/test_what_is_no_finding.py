"""What looks like a finding and is none, at the limits of the rules. A number is an instant in
seconds after the slot. Each look is made on its own, and what it finds present is of this edition.
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
from schedules.contract.verdict import FindingKind, VerdictKind
from schedules.times.interval import Bounds
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN, Look, a_sighting, looks
from tests.worlds.releases import NEWS, SHEET, a_promise, a_release, no_slot
from tests.worlds.verdicts import found, judged, kinds

LATE = [(-2, ABSENT), (100, ABSENT), (300, PRESENT), (301, PRESENT)]
IN_TIME = [(-2, ABSENT), (0.5, PRESENT)]
OPTIONAL = replace(SHEET, required=False)


def verdict_on(
    seen: Mapping[str, Sequence[Look]], *parts: Part, now: float = 400, **more: object
) -> Verdict:
    return judged(
        now, {name: looks(*each, specific=True) for name, each in seen.items()}, *parts, **more
    )


@pytest.mark.parametrize(
    "news",
    [(), ((100, ABSENT),), ((-2, ABSENT), (299, ABSENT), (300, PRESENT))],
    ids=["not looked at", "never came", "came with the page"],
)
def test_copy_elsewhere_was_not_first_unless_before_late_page(news: Sequence[Look]) -> None:
    """The page came late, at 300 s. Its copy at another address, “news”, came at 300 s too, or
    never, or was not looked at. So it was not public before the page. The only finding is that the
    page was late.
    """
    assert kinds(verdict_on({"page": LATE, "news": news}, NEWS)) == [FindingKind.LATE]


@pytest.mark.parametrize(
    "first_looks_at_page", [[], [(-400, ABSENT)]], ids=["present at once", "absent at first"]
)
def test_copy_elsewhere_was_not_first_if_page_was_early(
    first_looks_at_page: Sequence[Look],
) -> None:
    """The page was public from 390 s to 30 s before its slot, and again from 300 s after it on. Its
    copy at another address, “news”, came 36 s before the slot, after the page. So the copy was not
    first. In one row a look at -400 s found the page absent. In the other row its first look found
    it.
    """
    early, removed_and_back = (
        [(-390, PRESENT), (-30, PRESENT)],
        [(-29, ABSENT), (299, ABSENT), (300, PRESENT)],
    )
    page = looks(*first_looks_at_page, *early, *removed_and_back)
    copy = looks((-37, ABSENT), (-36, PRESENT), (400, PRESENT))
    verdict = judged(400, {"page": page, "news": copy}, NEWS)
    assert found(verdict, FindingKind.ELSEWHERE_FIRST) == []


@pytest.mark.parametrize(("copy_last_absent", "is_after_slot"), [(-1, True), (-1.001, False)])
def test_copy_absent_a_second_before_slot_counts_as_after_it(
    copy_last_absent: float, *, is_after_slot: bool
) -> None:
    """The page came late, at 300 s. A copy at another address was seen before it, at 5 s. In one
    row the copy was last absent 1 s before the slot. Our clock may be wrong by a second, so the
    finding says that the copy came after the slot. In the other row it was last absent 1.001 s
    before. It may have come before the slot, so nothing is said.
    """
    verdict = verdict_on({"page": LATE, "news": [(copy_last_absent, ABSENT), (5, PRESENT)]}, NEWS)
    (copy_was_first,) = found(verdict, FindingKind.ELSEWHERE_FIRST)
    assert copy_was_first.detail.endswith("after the slot") is is_after_slot


@pytest.mark.parametrize(
    ("part", "is_found"), [(OPTIONAL, False), (SHEET, True)], ids=["optional", "required"]
)
def test_failed_looks_count_only_at_required_parts(part: Part, *, is_found: bool) -> None:
    """The page came in time. All looks at its file, the sheet, failed from 60 s before the slot to
    95 s after it. So it is not known if the sheet was in time. That is a finding (`BLIND`) only if
    the sheet is required.
    """
    sheet = [(when, UNKNOWN) for when in range(-60, 100, 5)]
    verdict = verdict_on({"page": IN_TIME, "sheet": sheet}, part)
    assert (FindingKind.BLIND in kinds(verdict)) is is_found


def test_blind_span_lasts_from_failed_look_to_next_success() -> None:
    """A look fails 30 s before the slot. The next one, at 90 s, finds the page. So for 120 s
    nothing was seen, which is a finding (`BLIND`). A look fails at 91 s too, but by then the page
    has been seen. So that is no second finding.
    """
    failed_at, succeeded_at, failed_again_at = -30, 90, 91
    page = [
        (-60, ABSENT),
        (failed_at, UNKNOWN),
        (succeeded_at, PRESENT),
        (failed_again_at, UNKNOWN),
        (200, PRESENT),
    ]
    (blind_span,) = found(verdict_on({"page": page}), FindingKind.BLIND)
    assert blind_span.seconds.min == succeeded_at - failed_at


def test_failed_looks_over_slot_of_late_release_are_no_finding() -> None:
    """A page may come until 60 s after its slot. All looks failed from 30 s before the slot to 60 s
    after it. At 100 s the page was still absent. So it was late, whatever the failed looks missed.
    They are no finding of their own.
    """
    failed = [(when, UNKNOWN) for when in (-30, -15, 0, 30, 60)]
    page = [(-60, ABSENT), *failed, (100, ABSENT), (300, PRESENT)]
    assert kinds(verdict_on({"page": page})) == [FindingKind.LATE]


def test_bytes_that_changed_before_the_slot_are_no_swap() -> None:
    """A file, the sheet, was public an hour before its slot. Its bytes changed half an hour before
    the slot, and not after it. Only changes after the release count as a finding (`SWAPPED`).
    """
    old = [a_sighting(PRESENT, when, digest="old") for when in (-3600, -3000)]
    new = [a_sighting(PRESENT, when, digest="new") for when in (-1800, -900, 300)]
    verdict = verdict_on({"page": IN_TIME, "sheet": [(-7200, ABSENT), *old, *new]}, OPTIONAL)
    assert FindingKind.SWAPPED not in kinds(verdict)


@pytest.mark.parametrize(
    ("address", "findings_at"), [(Address.GUESSED, []), (Address.ANNOUNCED, [SLOT])]
)
def test_another_edition_is_a_finding_only_at_a_known_address(
    address: Address, findings_at: list[object]
) -> None:
    """From before the slot until 200 s after it, looks found another edition at the address of the
    page. If a calendar announced this address, that is a finding, dated to the slot. If it was only
    guessed, the guess may be wrong.
    """
    seen = {"page": looks((-2, ABSENT), (200, ABSENT), why=ANOTHER_EDITION)}
    wrong = found(
        judged(now=400, seen=seen, release=a_release(address=address)), FindingKind.WRONG_EDITION
    )
    assert [each.at for each in wrong] == findings_at


def test_another_edition_before_slot_in_time_is_no_finding() -> None:
    """The page showed another edition until a second before its slot, and this one half a second
    after it. Before its slot that was right, and this edition came on time. So there is no finding.
    """
    another_edition = [a_sighting(ABSENT, when, why=ANOTHER_EDITION) for when in (-20, -1)]
    verdict = verdict_on({"page": [*another_edition, (0.5, PRESENT)]})
    assert verdict.verdict is VerdictKind.ON_TIME
    assert kinds(verdict) == []


def test_promise_without_a_time_is_not_in_doubt() -> None:
    """The calendar says “tbc” and no time.

    So the release is pending, and no time is in doubt: there is no finding.
    """
    verdict = judged(now=0, promises=[a_promise(no_slot())])
    assert verdict.verdict is VerdictKind.PENDING
    assert kinds(verdict) == []


def test_calendars_that_differ_leave_only_late_part_unproven() -> None:
    """One calendar says 09:30, and the other one 10:30. The page came half a second after 09:30: on
    time. Its file, the sheet, came at 09:35. That is late by one calendar, but not by the other. So
    only the sheet is unproven.
    """
    release = a_release(SHEET, calendars=("govuk", "own"))
    promises = [a_promise(), a_promise(after_slot(3600), calendar="own")]
    page, sheet = verdict_on(
        {"page": IN_TIME, "sheet": LATE}, release=release, promises=promises
    ).parts
    assert page.verdict is VerdictKind.ON_TIME
    assert page.unproven_because is None
    assert page.delay is not None
    assert sheet.verdict is VerdictKind.UNPROVEN


@pytest.mark.parametrize(("seconds_after_close", "is_final"), [(-0.001, False), (0.0, True)])
def test_verdict_is_final_once_the_watch_closes(
    seconds_after_close: float, *, is_final: bool
) -> None:
    """Looks are made until the watch closes, 14 days after the slot. All since 100 s failed, so
    perhaps the page came. A millisecond before the close, one may still succeed: the verdict is not
    final. At the close it is.
    """
    closes = Policy().closes_after.total_seconds()
    page = [(-2, ABSENT), (100, UNKNOWN), (closes - 60, UNKNOWN), (closes, UNKNOWN)]
    assert verdict_on({"page": page}, now=closes + seconds_after_close).final is is_final


def test_exposed_part_has_first_seen_and_a_later_release() -> None:
    """The page was public from 600 s to 300 s before its slot: early. It was back in time, at 0.5
    s. So it was first seen at -600 s, but counts as released only at 0.5 s.
    """
    exposed, in_time = (
        [(-900, ABSENT), (-600, PRESENT), (-300, ABSENT)],
        [(-2, ABSENT), (0.5, PRESENT)],
    )
    verdict = verdict_on({"page": [*exposed, *in_time]})
    assert verdict.verdict is VerdictKind.EARLY
    assert verdict.page.first_seen.by == after_slot(-600)
    assert verdict.page.released.by == after_slot(0.5)


def test_blind_span_of_a_doubtful_clock_is_only_clock_fault() -> None:
    """Our clock was in doubt from 30 s before the slot to 30 s after it, so looks then prove
    nothing. That is one finding, of a clock fault. It is not a second finding that the monitor was
    blind.
    """
    clock_doubtful = Blind(after_slot(-30), after_slot(30), "clock")
    verdict = verdict_on(
        {"page": [(-60, ABSENT), (-5, ABSENT), (5, PRESENT)]}, blind=[clock_doubtful]
    )
    assert FindingKind.CLOCK_FAULT in kinds(verdict)
    assert FindingKind.BLIND not in kinds(verdict)


def test_content_removed_twice_gives_two_withdrawals_of_their_own_length() -> None:
    """The page came in time. At 60 s and 130 s it was absent, at 140 s it was back. So it was
    absent for over a minute: a withdrawal. It lasted from 60 s to 130 s at least. It lasted at most
    from the look before, at 0.5 s, to the look after, at 140 s. A second one, from 200 s to 270 s,
    is counted in the same way.
    """
    came_in_time = [(-2, ABSENT), (0.5, PRESENT)]
    first_absence, back = [(60, ABSENT), (130, ABSENT)], (140, PRESENT)
    second_absence, back_again = [(200, ABSENT), (270, ABSENT)], (280, PRESENT)
    verdict = verdict_on(
        {"page": [*came_in_time, *first_absence, back, *second_absence, back_again]}
    )
    first, second = verdict.findings
    assert kinds(verdict) == [FindingKind.WITHDRAWN, FindingKind.WITHDRAWN]
    assert first.seconds == Bounds(min=130 - 60, max=140 - 0.5)
    assert second.seconds == Bounds(min=270 - 200, max=280 - 140)


def test_notice_of_withdrawal_at_last_presence_is_no_withdrawal() -> None:
    """The page came in time. At 30 s one look got the page, and another a notice that it was
    withdrawn. Either answer may be the newer one. A withdrawal needs a later notice, or one that
    stays for 60 s. This one stayed until 50 s.
    """
    page = [*IN_TIME, (30, PRESENT), (30, WITHDRAWN), (50, WITHDRAWN)]
    assert kinds(verdict_on({"page": page})) == []


def test_removed_copy_elsewhere_is_listed_with_begin_and_end() -> None:
    """The page never came. Its copy at another address, “news”, was public from 100 s to 200 s, and
    then removed. The verdict lists the copy (`elsewhere`) with its begin and its end.
    """
    news = [(-2, ABSENT), (100, PRESENT), (200, PRESENT), (201, ABSENT), (390, ABSENT)]
    (copy,) = verdict_on({"page": [(-2, ABSENT), (390, ABSENT)], "news": news}, NEWS).elsewhere
    assert copy.part == "news"
    assert copy.start.by == after_slot(100)
    assert copy.to.after == after_slot(200)
