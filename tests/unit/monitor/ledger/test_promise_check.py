"""Calendars are read once more before a breach is reported: which ones, what waits for them, and
how long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from monitor.judge.verdict import Verdict
from monitor.ledger.promise_check import (
    LONGEST_WAIT,
    CalendarWait,
    PromiseCheck,
    WantedRead,
    confirmation_needed_since,
)
from schedules.announcement import Address
from schedules.contract.verdict import Exposure, Finding, FindingKind, PartVerdict, VerdictKind
from schedules.release import Release
from schedules.times.interval import NOTHING, Bounds, Interval
from tests.worlds.instants import MINUTE, SECOND, SLOT
from tests.worlds.looks import ABSENT
from tests.worlds.releases import PAGE_URL, a_release
from tests.worlds.verdicts import judged

JUDGED_AT = SLOT + 5 * MINUTE
RELEASE = a_release(calendars=("govuk", "own"))


def page_verdict(
    word: VerdictKind = VerdictKind.OVERDUE, *, exposed_at: Sequence[datetime | None] = ()
) -> PartVerdict:
    """Return the verdict on the page with exposures that begin at these instants (None: at an
    unknown one).
    """
    starts = [NOTHING if at is None else Interval(None, at) for at in exposed_at]
    spans = tuple(
        Exposure("page", start, NOTHING, Bounds(1.0, None), open=True) for start in starts
    )
    return PartVerdict("page", "page", PAGE_URL, required=True, verdict=word, exposures=spans)


OVERDUE = replace(judged(300, [(-100, ABSENT)]), findings=())


def verdict(
    *parts: PartVerdict, confirmed_at: datetime | None = None, judged_at: datetime = JUDGED_AT
) -> Verdict:
    """Return the verdict on an overdue release with these parts, whose promise was last read at
    `confirmed_at`.
    """
    return replace(OVERDUE, parts=parts, confirmed=confirmed_at, at=judged_at)


def with_finding(kind: FindingKind, without_finding: Verdict) -> Verdict:
    return replace(without_finding, findings=(Finding(kind),))


@dataclass
class WatchedStub:
    """A release, and how its last verdict waits for a calendar read."""

    release: Release = RELEASE
    wait: CalendarWait = field(default_factory=CalendarWait)


class CallCounter:
    """Counts how often it was called."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> None:
        self.number += 1


def running_check() -> PromiseCheck:
    """Return a check that counts as having a reader of calendars."""
    check = PromiseCheck()
    check.has_reader = True
    return check


def wait_until(check: PromiseCheck, watched: WatchedStub, new_verdict: Verdict) -> datetime | None:
    """Request the calendar reads that a verdict needs.

    Return until when it waits for them, None if it does not.
    """
    watched.wait = check.request_needed_reads(
        watched.release, new_verdict, watched.wait, CallCounter()
    )
    return watched.wait.judge_at


@pytest.mark.parametrize(
    "kind", [VerdictKind.LATE, VerdictKind.OVERDUE, VerdictKind.NOT_PUBLISHED, VerdictKind.EARLY]
)
def test_breach_needs_promise_confirmed_since_its_slot(kind: VerdictKind) -> None:
    """A breach is a broken promise, for example a late release. Perhaps the slot was moved in time
    and no one read it yet. So before people are notified, the calendar is read again. If that read
    begins at the slot or later and still shows this slot, it confirms the promise. No calendar was
    read again here. So a read since the slot is needed.
    """
    breach = verdict(page_verdict(kind), confirmed_at=None)
    assert confirmation_needed_since(breach) == SLOT


@pytest.mark.parametrize("kind", [VerdictKind.ON_TIME, VerdictKind.PENDING, VerdictKind.UNPROVEN])
def test_promise_without_breach_needs_confirmation_only_in_doubt(kind: VerdictKind) -> None:
    """A release is not late or early: it is, for example, on time. Then no calendar must be read
    again to confirm its promise (None). That is so even if no look proved anything for some time
    ("blind"). But if it is in doubt whether the promise still stands, a calendar must be read
    again, at the slot or later.
    """
    without_breach = verdict(page_verdict(kind))
    assert confirmation_needed_since(without_breach) is None
    was_blind = with_finding(FindingKind.BLIND, without_breach)
    assert confirmation_needed_since(was_blind) is None
    in_doubt = with_finding(FindingKind.PROMISE_IN_DOUBT, without_breach)
    assert confirmation_needed_since(in_doubt) == SLOT


def test_one_late_part_of_two_is_a_breach() -> None:
    one_late = verdict(page_verdict(VerdictKind.ON_TIME), page_verdict(VerdictKind.LATE))
    assert confirmation_needed_since(one_late) == SLOT


@pytest.mark.parametrize(
    ("judged_at", "needed_since"),
    [(SLOT - SECOND, SLOT - 5 * MINUTE), (SLOT, SLOT), (SLOT + SECOND, SLOT)],
)
def test_promise_in_doubt_is_confirmed_by_a_read_since_content_was_seen_before_the_slot(
    judged_at: datetime, needed_since: datetime
) -> None:
    """The page was seen 5 minutes before the slot. Until the slot, a read since then confirms it.

    From the slot on, only a read since the slot does.
    """
    seen = replace(page_verdict(VerdictKind.PENDING), first_seen=Interval(None, SLOT - 5 * MINUTE))
    in_doubt = with_finding(FindingKind.PROMISE_IN_DOUBT, verdict(seen, judged_at=judged_at))
    assert confirmation_needed_since(in_doubt) == needed_since


def test_release_without_slot_has_no_breach() -> None:
    without_slot = replace(verdict(page_verdict(VerdictKind.OVERDUE)), slot=None)
    assert confirmation_needed_since(without_slot) is None


@pytest.mark.parametrize(
    ("confirmed_at", "needed_since"), [(SLOT - SECOND, SLOT), (SLOT, None), (SLOT + SECOND, None)]
)
def test_promise_confirmed_since_its_slot_needs_no_other_confirmation(
    confirmed_at: datetime, needed_since: datetime | None
) -> None:
    """A release is overdue. Its calendar was read again at `confirmed_at` and still showed the
    slot. If that was at the slot or a second later, the promise is confirmed and no other read is
    needed (None). If it was a second before the slot, it is too early. Then a read since the slot
    is needed.
    """
    overdue = verdict(page_verdict(VerdictKind.OVERDUE), confirmed_at=confirmed_at)
    assert confirmation_needed_since(overdue) == needed_since


def test_early_release_needs_confirmation_since_its_latest_exposure() -> None:
    """A page was public 15 minutes before its slot, and again 5 minutes before it. In between, the
    slot may have changed. So its calendar must be read again after the second exposure began.
    """
    first_exposure, second_exposure = SLOT - 15 * MINUTE, SLOT - 5 * MINUTE
    exposed_twice = verdict(
        page_verdict(VerdictKind.EARLY, exposed_at=[first_exposure, second_exposure])
    )
    assert confirmation_needed_since(exposed_twice) == second_exposure


def test_after_slot_an_undated_exposure_needs_read_since_slot() -> None:
    """A page was public before its slot, but it is not known since when (None). It is five minutes
    after the slot. Without a known begin, only a calendar read at the slot or later confirms the
    promise.
    """
    exposed_since_unknown_time = page_verdict(VerdictKind.EARLY, exposed_at=[None])
    five_minutes_after_slot = verdict(exposed_since_unknown_time, judged_at=SLOT + 5 * MINUTE)
    assert confirmation_needed_since(five_minutes_after_slot) == SLOT


def test_before_slot_an_undated_exposure_needs_no_read() -> None:
    """A page is public before its slot, but it is not known since when (None). Now it is 20 s
    before the slot. A calendar read confirms the promise if it begins after the page appeared, or
    at the slot. The first time is not known, and the second has not come. So no read is requested
    yet (None).
    """
    exposed_since_unknown_time = page_verdict(VerdictKind.EARLY, exposed_at=[None])
    before_slot = verdict(exposed_since_unknown_time, judged_at=SLOT - 20 * SECOND)
    assert confirmation_needed_since(before_slot) is None


def test_late_part_needs_read_since_slot_despite_earlier_read() -> None:
    """A page was public 15 minutes before its slot. A calendar read a minute later still showed the
    slot. That confirms the promise for the early page, so no other read is needed (None). Then the
    data file of the release is late. For that, a read before the slot is too early, so one since
    the slot is needed. A read 5 s after the slot is enough.
    """
    exposed_page = page_verdict(VerdictKind.EARLY, exposed_at=[SLOT - 15 * MINUTE])
    only_early = verdict(exposed_page, confirmed_at=SLOT - 14 * MINUTE)
    assert confirmation_needed_since(only_early) is None
    also_late = replace(only_early, findings=(Finding(FindingKind.LATE, "sheet"),))
    assert confirmation_needed_since(also_late) == SLOT
    read_after_slot = replace(also_late, confirmed=SLOT + 5 * SECOND)
    assert confirmation_needed_since(read_after_slot) is None


PAGE_SEEN_AT = SLOT - 3 * MINUTE


def verdict_in_doubt(*, judged_at: datetime) -> Verdict:
    """Return an unproven verdict, as it is in doubt whether the promise still stands.

    It was seen at `PAGE_SEEN_AT`.
    """
    page = replace(
        page_verdict(VerdictKind.UNPROVEN), first_seen=Interval(after=None, by=PAGE_SEEN_AT)
    )
    return with_finding(FindingKind.PROMISE_IN_DOUBT, verdict(page, judged_at=judged_at))


@pytest.mark.parametrize("judged_at", [PAGE_SEEN_AT, SLOT - MINUTE, SLOT - SECOND])
def test_before_slot_doubted_promise_needs_read_since_page_appeared(judged_at: datetime) -> None:
    """A page was seen 3 minutes before its slot, and it is in doubt whether its calendar still
    promises that slot. The slot has not come yet. A calendar read since the page was seen would end
    the doubt.
    """
    in_doubt = verdict_in_doubt(judged_at=judged_at)
    assert confirmation_needed_since(in_doubt) == PAGE_SEEN_AT


def test_after_slot_a_doubted_promise_needs_read_since_slot() -> None:
    """The slot was five minutes ago. It is in doubt whether the calendar still promised it when it
    came. A calendar read that begins at the slot or later would end the doubt.
    """
    in_doubt = verdict_in_doubt(judged_at=SLOT + 5 * MINUTE)
    assert confirmation_needed_since(in_doubt) == SLOT


def test_breach_waits_ten_seconds_at_most_for_a_read() -> None:
    """A release is overdue. Before people are notified, its calendars must be read again, at the
    slot or later. The verdict waits for these reads, but no longer than ten seconds (LONGEST_WAIT).
    A second verdict, halfway, does not prolong the wait. At its end, a third verdict no longer
    waits (None), even without a read.
    """
    check, watched = running_check(), WatchedStub()
    end_of_wait = JUDGED_AT + LONGEST_WAIT
    first_verdict = verdict(page_verdict(VerdictKind.OVERDUE), judged_at=JUDGED_AT)
    assert wait_until(check, watched, first_verdict) == end_of_wait
    assert watched.wait.is_on
    assert watched.wait.wanted == WantedRead(since=SLOT, deadline=end_of_wait)
    halfway = replace(first_verdict, at=JUDGED_AT + LONGEST_WAIT / 2)
    assert wait_until(check, watched, halfway) == end_of_wait
    at_the_end = replace(first_verdict, at=end_of_wait)
    assert wait_until(check, watched, at_the_end) is None
    assert not watched.wait.is_on


def test_verdict_dated_before_its_exposure_waits_until_then() -> None:
    """A page was seen 5 minutes before its slot. Then our clock was set back. So the verdict on the
    page has a time one second before it was seen. To confirm the promise, a calendar read must
    begin after the page was seen. A read that begins now would not count. So the verdict waits for
    one second before it requests a read.
    """
    check, watched, seen_at = running_check(), WatchedStub(), SLOT - 5 * MINUTE
    early_page = page_verdict(VerdictKind.EARLY, exposed_at=[seen_at])
    a_second_earlier = verdict(early_page, judged_at=seen_at - SECOND)
    assert wait_until(check, watched, a_second_earlier) == seen_at
    assert watched.wait.is_on
    # The ten seconds for the read itself (LONGEST_WAIT) begin only then.
    assert watched.wait.wanted == WantedRead(since=seen_at, deadline=seen_at + LONGEST_WAIT)


def test_verdict_at_exposure_requests_and_awaits_calendar_reads() -> None:
    """A page is seen 5 minutes before its slot, and judged at once. That is a breach. So both
    calendars of the release, "govuk" and "own", are requested. The verdict waits for their reads,
    for ten seconds (LONGEST_WAIT) at most.
    """
    check, watched, seen_at = running_check(), WatchedStub(), SLOT - 5 * MINUTE
    early = verdict(page_verdict(VerdictKind.EARLY, exposed_at=[seen_at]), judged_at=seen_at)
    assert wait_until(check, watched, early) == seen_at + LONGEST_WAIT
    assert watched.wait.is_on
    assert asyncio.run(check.next_requested()) == ["govuk", "own"]


def test_each_new_breach_waits_for_a_newer_read() -> None:
    """A page is public 15 minutes before its slot, and again 5 minutes before it. After each of
    these breaches, its calendar must be read again. The verdict waits for that, for ten seconds
    (LONGEST_WAIT) at most.
    """
    check, watched = running_check(), WatchedStub()
    first_exposure, second_exposure = SLOT - 15 * MINUTE, SLOT - 5 * MINUTE
    exposed_once = page_verdict(VerdictKind.EARLY, exposed_at=[first_exposure])
    a_minute_later = first_exposure + MINUTE
    wait_until(check, watched, verdict(exposed_once, judged_at=a_minute_later))
    assert watched.wait.wanted == WantedRead(
        since=first_exposure, deadline=a_minute_later + LONGEST_WAIT
    )
    exposed_twice = page_verdict(VerdictKind.EARLY, exposed_at=[first_exposure, second_exposure])
    a_second_later = second_exposure + SECOND
    wait_until(check, watched, verdict(exposed_twice, judged_at=a_second_later))
    assert watched.wait.wanted == WantedRead(
        since=second_exposure, deadline=a_second_later + LONGEST_WAIT
    )


@pytest.mark.parametrize(
    ("check", "next_verdict"),
    [
        (PromiseCheck(), verdict(page_verdict())),
        (running_check(), verdict(page_verdict(), confirmed_at=SLOT)),
        (running_check(), verdict(page_verdict(VerdictKind.ON_TIME))),
    ],
    ids=["no reader", "promise confirmed since the slot", "no breach"],
)
def test_verdict_stops_waiting_if_no_read_is_possible_or_needed(
    check: PromiseCheck, next_verdict: Verdict
) -> None:
    """An earlier verdict on a release waits for a calendar read. The next one does not (None): no
    task reads calendars, or the calendar was read since the slot, or the release is on time.
    """
    watched = WatchedStub(wait=CalendarWait(is_on=True))
    assert wait_until(check, watched, next_verdict) is None
    assert (watched.wait.is_on, watched.wait.wanted) == (False, None)


def test_calendar_already_read_since_slot_is_not_requested() -> None:
    """A release needs reads of its calendars "govuk" and "own" that began at the slot or later.
    That of "govuk" did, that of "own" began too early. So only "own" is requested. Once it is read,
    the release is judged again.
    """
    check, judge_again = running_check(), CallCounter()

    def request_missing_reads() -> bool:
        """Return whether a read is still missing."""
        return check.request_reads(RELEASE, since=SLOT, callback=judge_again)

    check.record_read("govuk", begun=SLOT)
    check.record_read("own", begun=SLOT - SECOND)
    assert request_missing_reads()
    assert asyncio.run(check.next_requested()) == ["own"]
    check.record_read("own", begun=SLOT)
    assert judge_again.number == 1
    assert not request_missing_reads()


def test_read_that_began_too_early_is_requested_again() -> None:
    """A calendar read that begins at the slot or later is requested. One comes that began a second
    before the slot. It is not enough. So another one is requested, and the release is not judged
    again yet.
    """
    check, judge_again = running_check(), CallCounter()

    async def request_read_and_get_one_begun_too_early() -> list[str]:
        """Return the calendars that are requested after that."""
        check.request_reads(a_release(), since=SLOT, callback=judge_again)
        assert await check.next_requested() == ["govuk"]
        check.record_read("govuk", begun=SLOT - SECOND)
        return await asyncio.wait_for(check.next_requested(), timeout=5)

    assert asyncio.run(request_read_and_get_one_begun_too_early()) == ["govuk"]
    assert judge_again.number == 0


def test_only_first_sufficient_read_rejudges_the_release() -> None:
    """A release needs a read of its calendar that begins at the slot or later. Two such reads come.
    After the first, the release is judged again and needs no more reads. So the second does not
    cause another judgement.
    """
    check, judge_again = running_check(), CallCounter()
    check.request_reads(a_release(), since=SLOT, callback=judge_again)
    check.record_read("govuk", begun=SLOT + SECOND)
    check.record_read("govuk", begun=SLOT + 2 * SECOND)
    assert judge_again.number == 1


def test_no_verdict_waits_for_a_read_without_a_reader() -> None:
    """A release is overdue. Its verdict would wait until its calendars are read again. But the
    reader does not run: the task that reads calendars on request. No read would ever come. So the
    verdict does not wait (None).
    """
    check_without_reader, overdue = PromiseCheck(), verdict(page_verdict(VerdictKind.OVERDUE))
    assert wait_until(check_without_reader, WatchedStub(), overdue) is None


def test_verdict_waits_for_a_read_once_a_reader_exists() -> None:
    """The reader is the task that reads calendars on request. It counts as running once it has
    taken requests. Then the verdict on an overdue release waits for calendar reads, ten seconds
    (LONGEST_WAIT) at most.
    """
    check, overdue = PromiseCheck(), verdict(page_verdict(VerdictKind.OVERDUE), judged_at=JUDGED_AT)
    check.request_reads(a_release(id="another release"), since=SLOT, callback=CallCounter())
    asyncio.run(check.next_requested())  # by the reader
    assert wait_until(check, WatchedStub(), overdue) == JUDGED_AT + LONGEST_WAIT


def test_earlier_begun_read_does_not_replace_a_later_one() -> None:
    """Two reads of a calendar overlap. One that began 5 s after the slot is recorded first. One
    that began 5 s before it took longer. The later beginning counts. So no other read since the
    slot is needed.
    """
    check = running_check()
    check.record_read("govuk", begun=SLOT + 5 * SECOND)
    check.record_read("govuk", begun=SLOT - 5 * SECOND)
    is_another_read_needed = check.request_reads(a_release(), since=SLOT, callback=CallCounter())
    assert not is_another_read_needed


def test_read_rejudges_releases_that_need_no_later_read() -> None:
    """Three releases wait for a read of the same calendar. It must begin at least 10 s before the
    slot for the first, at the slot for the second, and 10 s after the slot for the third. A read
    comes that began at the slot. It is enough for the first two, so these are judged again. The
    third still waits.
    """
    check = running_check()

    def request_read(release: str, since: datetime) -> CallCounter:
        """Return a counter of how often the release is judged again."""
        judge_again = CallCounter()
        check.request_reads(a_release(id=release), since=since, callback=judge_again)
        return judge_again

    first = request_read("first", since=SLOT - 10 * SECOND)
    second = request_read("second", since=SLOT)
    third = request_read("third", since=SLOT + 10 * SECOND)
    check.record_read("govuk", begun=SLOT)
    assert (first.number, second.number, third.number) == (1, 1, 0)


# The page is not out 5 s after its slot. Its calendar was last read 4 minutes before the slot.
PENDING_AT_GUESSED_ADDRESS = replace(
    verdict(
        page_verdict(VerdictKind.PENDING),
        confirmed_at=SLOT - 4 * MINUTE,
        judged_at=SLOT + 5 * SECOND,
    ),
    verdict=VerdictKind.PENDING,
    address=Address.GUESSED,
)
UNPROVEN_AT_FOUND_ADDRESS = replace(
    verdict(page_verdict(VerdictKind.UNPROVEN), confirmed_at=None, judged_at=SLOT + 100 * SECOND),
    verdict=VerdictKind.UNPROVEN,
    address=Address.FOUND,
)


@pytest.mark.parametrize("still_open", [PENDING_AT_GUESSED_ADDRESS, UNPROVEN_AT_FOUND_ADDRESS])
def test_calendars_are_read_if_page_is_not_out_at_unannounced_address(still_open: Verdict) -> None:
    """A page is not out some seconds after its slot. Its address was not announced: it was guessed,
    or found. When the page appears, its calendars may no longer show the announced time, and could
    not confirm a late release. So they are read already now. The verdict does not wait for these
    reads, because there is no breach yet.
    """
    watched = WatchedStub()
    assert asyncio.run(requests_calendar_read(watched, still_open))
    assert not watched.wait.is_on


@pytest.mark.parametrize(
    "difference",
    [
        {"at": SLOT - SECOND},
        {"confirmed": SLOT + SECOND / 2},
        {"address": Address.ANNOUNCED},
        {"verdict": VerdictKind.ON_TIME, "parts": (page_verdict(VerdictKind.ON_TIME),)},
    ],
    ids=["before the slot", "calendar read since the slot", "announced address", "on time"],
)
def test_calendars_are_not_read_before_slot_or_without_need(difference: dict[str, object]) -> None:
    """If a page is not out at a guessed address 5 s after its slot, its calendars are read. Each
    case here differs in one thing: it is before the slot, or a calendar was already read since the
    slot, or the address was announced, or the release is on time. Then the calendars are not read.
    """
    watched, without_need = WatchedStub(), replace(PENDING_AT_GUESSED_ADDRESS, **difference)
    assert not asyncio.run(requests_calendar_read(watched, without_need))
    assert not watched.wait.is_on


def test_read_for_guessed_address_waits_five_seconds() -> None:
    """If a page is not out after its slot at a guessed address, its calendars are read. But in the
    first five seconds after the slot, their hosts are needed for looks. So a verdict 0.2 s after
    the slot requests no reads. It only says that the release must be judged again 5 s after the
    slot. That later verdict requests the reads.
    """
    check, watched = running_check(), WatchedStub()
    just_after_slot = replace(PENDING_AT_GUESSED_ADDRESS, at=SLOT + 0.2 * SECOND)
    judge_again_at = wait_until(check, watched, just_after_slot)
    assert judge_again_at == SLOT + 5 * SECOND
    assert not watched.wait.is_on
    five_seconds_after_slot = replace(PENDING_AT_GUESSED_ADDRESS, at=SLOT + 5 * SECOND)
    assert asyncio.run(requests_calendar_read(watched, five_seconds_after_slot))


async def requests_calendar_read(watched: WatchedStub, new_verdict: Verdict) -> bool:
    check = running_check()
    assert wait_until(check, watched, new_verdict) is None
    try:
        return await asyncio.wait_for(check.next_requested(), 0.01) == ["govuk", "own"]
    except TimeoutError:
        return False
