"""Calendars are read once more before a breach is reported: which ones, what waits for them, and how long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from monitor.judge.verdict import Verdict
from monitor.ledger.promise_check import LONGEST_WAIT, PromiseCheck, WantedRead, confirmation_needed_since
from schedules.announcement import Address
from schedules.contract.verdict import Exposure, Finding, Kind, PartVerdict, VerdictKind
from schedules.release import Release
from schedules.times.interval import NOTHING, Bounds, Interval
from tests.worlds.instants import MINUTE, SECOND, SLOT
from tests.worlds.looks import ABSENT
from tests.worlds.releases import PAGE_URL, a_release
from tests.worlds.verdicts import judged

JUDGED_AT = SLOT + 5 * MINUTE
RELEASE = a_release(calendars=("govuk", "own"))


def page_verdict(word: VerdictKind = VerdictKind.OVERDUE, *, exposed_at: Sequence[datetime | None] = ()) -> PartVerdict:
    """Return the verdict on the page with exposures that begin at these instants (None: at an unknown one)."""
    starts = [NOTHING if at is None else Interval(None, at) for at in exposed_at]
    spans = tuple(Exposure("page", start, NOTHING, Bounds(1.0, None), open=True) for start in starts)
    return PartVerdict("page", "page", PAGE_URL, required=True, verdict=word, exposures=spans)


OVERDUE = replace(judged(300, [(-100, ABSENT)]), findings=())


def verdict(*parts: PartVerdict, confirmed_at: datetime | None = None, judged_at: datetime = JUDGED_AT) -> Verdict:
    """Return the verdict on an overdue release with these parts, whose promise was last read at `confirmed_at`."""
    return replace(OVERDUE, parts=parts, confirmed=confirmed_at, at=judged_at)


def with_finding(kind: Kind, without_finding: Verdict) -> Verdict:
    return replace(without_finding, findings=(Finding(kind),))


@dataclass
class WatchedStub:
    """Stands in for a watched release: its verdict may wait for a calendar read."""

    release: Release = RELEASE
    wanted_read: WantedRead | None = None
    waits_for_calendar: bool = False


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
    """Request the calendar reads that a verdict needs. Return until when it waits for them, None if it does not."""
    return check.request_needed_reads(watched, new_verdict, CallCounter())


@pytest.mark.parametrize("kind", [VerdictKind.LATE, VerdictKind.OVERDUE, VerdictKind.NOT_PUBLISHED, VerdictKind.EARLY])
def test_breach_needs_promise_confirmed_since_its_slot(kind: VerdictKind) -> None:
    """A breach is, for example, a late release. Before people are notified, a calendar must be read again, at its slot
    or later, and still show that slot. That confirms the promise."""
    breach = verdict(page_verdict(kind))
    assert confirmation_needed_since(breach) == SLOT


@pytest.mark.parametrize("kind", [VerdictKind.ON_TIME, VerdictKind.PENDING, VerdictKind.UNPROVEN])
def test_promise_without_breach_needs_confirmation_only_in_doubt(kind: VerdictKind) -> None:
    """For example, the release is on time. Then no calendar must be read again to confirm its promise (None). If the
    promise is in doubt, a calendar read at the slot or later is needed."""
    without_breach = verdict(page_verdict(kind))
    assert confirmation_needed_since(without_breach) is None
    # Blind: for some time, no look proved anything.
    was_blind = with_finding(Kind.BLIND, without_breach)
    assert confirmation_needed_since(was_blind) is None
    in_doubt = with_finding(Kind.PROMISE_IN_DOUBT, without_breach)
    assert confirmation_needed_since(in_doubt) == SLOT


def test_one_late_part_of_two_is_a_breach() -> None:
    one_late = verdict(page_verdict(VerdictKind.ON_TIME), page_verdict(VerdictKind.LATE))
    assert confirmation_needed_since(one_late) == SLOT


def test_release_without_slot_has_no_breach() -> None:
    without_slot = replace(verdict(page_verdict(VerdictKind.OVERDUE)), slot=None)
    assert confirmation_needed_since(without_slot) is None


@pytest.mark.parametrize(("confirmed_at", "needed_since"), [(SLOT - SECOND, SLOT), (SLOT, None), (SLOT + SECOND, None)])
def test_promise_confirmed_since_its_slot_needs_no_other_confirmation(
    confirmed_at: datetime, needed_since: datetime | None
) -> None:
    """To confirm a promise is to read its calendar again and find it unchanged. For example, it was confirmed a second
    before the slot. That is too early, so a read since the slot is needed."""
    overdue = verdict(page_verdict(VerdictKind.OVERDUE), confirmed_at=confirmed_at)
    assert confirmation_needed_since(overdue) == needed_since


def test_early_release_needs_confirmation_since_its_latest_exposure() -> None:
    """A page was public 15 minutes before its slot, and again 5 minutes before it. Its calendar must have been read
    since the second of these exposures, as the slot may have changed in between."""
    first_exposure, second_exposure = SLOT - 15 * MINUTE, SLOT - 5 * MINUTE
    exposed_twice = verdict(page_verdict(VerdictKind.EARLY, exposed_at=[first_exposure, second_exposure]))
    assert confirmation_needed_since(exposed_twice) == second_exposure


def test_after_slot_an_undated_exposure_needs_read_since_slot() -> None:
    """An exposure is a time in which a page was public before its slot. Here it is not known when it began (None). It
    is five minutes after the slot. So only a calendar read at the slot or later confirms the promise."""
    exposed_since_unknown_time = page_verdict(VerdictKind.EARLY, exposed_at=[None])
    five_minutes_after_slot = verdict(exposed_since_unknown_time, judged_at=SLOT + 5 * MINUTE)
    assert confirmation_needed_since(five_minutes_after_slot) == SLOT


def test_before_slot_an_undated_exposure_needs_no_read() -> None:
    """A page is public before its slot, and it is not known since when. It is 20 s before the slot. A calendar read
    would count if it began after the page appeared, or at the slot. The first is not known, the second has not come."""
    exposed_since_unknown_time = page_verdict(VerdictKind.EARLY, exposed_at=[None])
    before_slot = verdict(exposed_since_unknown_time, judged_at=SLOT - 20 * SECOND)
    assert confirmation_needed_since(before_slot) is None


def test_late_part_needs_read_since_slot_despite_earlier_read() -> None:
    """A page was public 15 minutes before its slot. A calendar read a minute later is enough for that, so no other one
    is needed (None). Then the data file is late, for which that read is too early."""
    exposed_page = page_verdict(VerdictKind.EARLY, exposed_at=[SLOT - 15 * MINUTE])
    only_early = verdict(exposed_page, confirmed_at=SLOT - 14 * MINUTE)
    assert confirmation_needed_since(only_early) is None
    # A read 5 s after the slot is enough for the late file.
    also_late = replace(only_early, findings=(Finding(Kind.LATE, "sheet"),))
    assert confirmation_needed_since(also_late) == SLOT
    read_after_slot = replace(also_late, confirmed=SLOT + 5 * SECOND)
    assert confirmation_needed_since(read_after_slot) is None


PAGE_SEEN_AT = SLOT - 3 * MINUTE


def verdict_in_doubt(*, judged_at: datetime) -> Verdict:
    """Return an unproven verdict, as it is in doubt whether the promise still stands. It was seen at `PAGE_SEEN_AT`."""
    page = replace(page_verdict(VerdictKind.UNPROVEN), first_seen=Interval(after=None, by=PAGE_SEEN_AT))
    return with_finding(Kind.PROMISE_IN_DOUBT, verdict(page, judged_at=judged_at))


@pytest.mark.parametrize("judged_at", [PAGE_SEEN_AT, SLOT - MINUTE, SLOT - SECOND])
def test_before_slot_doubted_promise_needs_read_since_page_appeared(judged_at: datetime) -> None:
    """A page was seen 3 minutes before its slot, and it is in doubt whether its calendar still promises that slot. It
    is, for example, one second before the slot. A calendar read since the page was seen would end the doubt."""
    in_doubt = verdict_in_doubt(judged_at=judged_at)
    assert confirmation_needed_since(in_doubt) == PAGE_SEEN_AT


def test_after_slot_a_doubted_promise_needs_read_since_slot() -> None:
    """It is in doubt whether a calendar still promised the slot when it came. It is five minutes later."""
    in_doubt = verdict_in_doubt(judged_at=SLOT + 5 * MINUTE)
    assert confirmation_needed_since(in_doubt) == SLOT


def test_breach_waits_ten_seconds_at_most_for_a_read() -> None:
    """A release is overdue. Before people are notified, its calendars are read again, from the slot on. The verdict
    waits for that, but only for ten seconds (LONGEST_WAIT)."""
    check, watched = running_check(), WatchedStub()
    end_of_wait = JUDGED_AT + LONGEST_WAIT
    first_verdict = verdict(page_verdict(VerdictKind.OVERDUE), judged_at=JUDGED_AT)
    assert wait_until(check, watched, first_verdict) == end_of_wait
    assert watched.waits_for_calendar
    assert watched.wanted_read == WantedRead(since=SLOT, deadline=end_of_wait)
    # Judged again 5 s later, it still waits until then. Judged at the end of the wait, it waits no longer (None).
    five_seconds_later = replace(first_verdict, at=JUDGED_AT + LONGEST_WAIT / 2)
    assert wait_until(check, watched, five_seconds_later) == end_of_wait
    at_the_end = replace(first_verdict, at=end_of_wait)
    assert wait_until(check, watched, at_the_end) is None
    assert not watched.waits_for_calendar


def test_verdict_dated_before_its_exposure_waits_until_then() -> None:
    """A page was seen 5 minutes before its slot. Then our clock was set back, so the verdict is dated a second earlier.
    A calendar read counts only if it begins after the page was seen. So the read must wait for that second."""
    check, watched, exposed_at = running_check(), WatchedStub(), SLOT - 5 * MINUTE
    exposed_page = page_verdict(VerdictKind.EARLY, exposed_at=[exposed_at])
    a_second_earlier = verdict(exposed_page, judged_at=exposed_at - SECOND)
    assert wait_until(check, watched, a_second_earlier) == exposed_at
    assert watched.waits_for_calendar
    assert watched.wanted_read == WantedRead(since=exposed_at, deadline=exposed_at + LONGEST_WAIT)


def test_verdict_at_exposure_requests_and_awaits_calendar_reads() -> None:
    """A page is seen 5 minutes before its slot, and judged at once. LONGEST_WAIT for the reads is ten seconds."""
    check, watched, exposed_at = running_check(), WatchedStub(), SLOT - 5 * MINUTE
    exposed = verdict(page_verdict(VerdictKind.EARLY, exposed_at=[exposed_at]), judged_at=exposed_at)
    assert wait_until(check, watched, exposed) == exposed_at + LONGEST_WAIT
    assert watched.waits_for_calendar
    calendars_of_release = ["govuk", "own"]
    assert asyncio.run(check.next_requested()) == calendars_of_release


def test_each_new_breach_waits_for_a_newer_read() -> None:
    """A page is public 15 minutes before its slot, and again 5 minutes before it. After each breach its calendar must
    be read again. The verdict waits ten seconds (LONGEST_WAIT) for that at most."""
    check, watched = running_check(), WatchedStub()
    first_exposure, second_exposure = SLOT - 15 * MINUTE, SLOT - 5 * MINUTE
    exposed_once = page_verdict(VerdictKind.EARLY, exposed_at=[first_exposure])
    a_minute_later = first_exposure + MINUTE
    wait_until(check, watched, verdict(exposed_once, judged_at=a_minute_later))
    assert watched.wanted_read == WantedRead(since=first_exposure, deadline=a_minute_later + LONGEST_WAIT)
    exposed_twice = page_verdict(VerdictKind.EARLY, exposed_at=[first_exposure, second_exposure])
    a_second_later = second_exposure + SECOND
    wait_until(check, watched, verdict(exposed_twice, judged_at=a_second_later))
    assert watched.wanted_read == WantedRead(since=second_exposure, deadline=a_second_later + LONGEST_WAIT)


@pytest.mark.parametrize(
    ("check", "next_verdict"),
    [
        (PromiseCheck(), verdict(page_verdict())),
        (running_check(), verdict(page_verdict(), confirmed_at=SLOT)),
        (running_check(), verdict(page_verdict(VerdictKind.ON_TIME))),
    ],
    ids=["no reader", "promise confirmed since the slot", "no breach"],
)
def test_verdict_stops_waiting_if_no_read_is_possible_or_needed(check: PromiseCheck, next_verdict: Verdict) -> None:
    """An earlier verdict on the release waits for a calendar read, and the next one does not. For example, the release
    is on time now, or the check has no task that reads calendars."""
    watched = WatchedStub(waits_for_calendar=True)
    assert wait_until(check, watched, next_verdict) is None
    assert (watched.waits_for_calendar, watched.wanted_read) == (False, None)


def test_calendar_already_read_since_slot_is_not_requested() -> None:
    """The promise must be confirmed by reads of both calendars that began at the slot or later. That of `govuk` did,
    and that of `own` began a second too early. So only `own` is requested."""
    check, judge_again = running_check(), CallCounter()
    check.record_read("govuk", begun=SLOT)
    check.record_read("own", begun=SLOT - SECOND)
    assert check.request_reads(("govuk", "own"), SLOT, "r", judge_again)
    assert asyncio.run(check.next_requested()) == ["own"]
    # Once it is read again, the release is judged again, and no read is needed any more.
    check.record_read("own", begun=SLOT)
    assert judge_again.number == 1
    is_another_read_needed = check.request_reads(("govuk", "own"), SLOT, "r", judge_again)
    assert not is_another_read_needed


def test_read_that_began_too_early_is_requested_again() -> None:
    """A read since the slot is requested, and one comes that began a second before it. So another read is requested,
    and the release is not judged again yet."""
    check, judge_again = running_check(), CallCounter()

    async def read_a_second_too_early() -> list[str]:
        check.request_reads(("govuk",), SLOT, "r", judge_again)
        assert await check.next_requested() == ["govuk"]
        check.record_read("govuk", begun=SLOT - SECOND)
        return await asyncio.wait_for(check.next_requested(), timeout=5)

    assert asyncio.run(read_a_second_too_early()) == ["govuk"]
    assert judge_again.number == 0


def test_only_first_sufficient_read_rejudges_the_release() -> None:
    """A verdict waits for a read that begins at the slot or later. The first such read ends the wait."""
    check, judge_again = running_check(), CallCounter()
    check.request_reads(("govuk",), SLOT, "r", judge_again)
    check.record_read("govuk", begun=SLOT + SECOND)
    check.record_read("govuk", begun=SLOT + 2 * SECOND)
    assert judge_again.number == 1


def test_no_verdict_waits_for_a_read_without_a_reader() -> None:
    """The reader is the task that reads calendars on request. Without it, no read would come. So the verdict on an
    overdue release does not wait (None)."""
    check, overdue = PromiseCheck(), verdict(page_verdict(VerdictKind.OVERDUE))
    assert wait_until(check, WatchedStub(), overdue) is None


def test_verdict_waits_for_a_read_once_a_reader_exists() -> None:
    """The reader is the task that reads calendars on request. It exists once it has waited for requests. Then the
    verdict on an overdue release waits for its reads, ten seconds (LONGEST_WAIT) at most."""
    check, overdue = PromiseCheck(), verdict(page_verdict(VerdictKind.OVERDUE), judged_at=JUDGED_AT)
    check.request_reads(("govuk",), SLOT, "another release", CallCounter())
    asyncio.run(check.next_requested())  # by the reader
    assert wait_until(check, WatchedStub(), overdue) == JUDGED_AT + LONGEST_WAIT


def test_earlier_begun_read_does_not_replace_a_later_one() -> None:
    """Two reads are recorded. The first began 5 s after the slot. The other took long: it began 5 s before the slot. So
    a verdict that needs a read since the slot needs no other one."""
    check = running_check()
    check.record_read("govuk", begun=SLOT + 5 * SECOND)
    check.record_read("govuk", begun=SLOT - 5 * SECOND)
    is_another_read_needed = check.request_reads(("govuk",), SLOT, "r", CallCounter())
    assert not is_another_read_needed


def test_read_rejudges_releases_that_need_no_later_read() -> None:
    """Three releases wait for a calendar read. One that begins at the slot is enough for two of them."""
    check, since_before, since_slot, since_after = running_check(), CallCounter(), CallCounter(), CallCounter()
    check.request_reads(("govuk",), SLOT - 10 * SECOND, "needs a read since 10 s before the slot", since_before)
    check.request_reads(("govuk",), SLOT, "needs a read since the slot", since_slot)
    check.request_reads(("govuk",), SLOT + 10 * SECOND, "needs a read since 10 s after the slot", since_after)
    check.record_read("govuk", begun=SLOT)
    assert (since_before.number, since_slot.number, since_after.number) == (1, 1, 0)


# The page is not out 5 s after its slot. Its calendar was last read 4 minutes before the slot.
PENDING_AT_GUESSED_ADDRESS = replace(
    verdict(page_verdict(VerdictKind.PENDING), confirmed_at=SLOT - 4 * MINUTE, judged_at=SLOT + 5 * SECOND),
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
    """A page is not out 5 s after its slot at an address that was, for example, guessed. Once it appears, its calendars
    may no longer show the announced time. So they are read now, but the verdict does not wait for that."""
    watched = WatchedStub()
    assert asyncio.run(requests_calendar_read(watched, still_open))
    assert not watched.waits_for_calendar


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
    """If a page is not out at a guessed address 5 s after its slot, its calendars are read. Here one thing is
    different: for example, the address was announced, so they are not read."""
    watched, without_need = WatchedStub(), replace(PENDING_AT_GUESSED_ADDRESS, **difference)
    assert not asyncio.run(requests_calendar_read(watched, without_need))
    assert not watched.waits_for_calendar


def test_read_for_guessed_address_waits_five_seconds() -> None:
    """If a page is not out at a guessed address, its calendars are read. But in the first five seconds after the slot,
    all requests to their hosts are needed for looks."""
    check, watched = running_check(), WatchedStub()
    just_after_slot = replace(PENDING_AT_GUESSED_ADDRESS, at=SLOT + SECOND / 5)
    assert wait_until(check, watched, just_after_slot) == SLOT + 5 * SECOND
    assert not watched.waits_for_calendar
    five_seconds_later = replace(PENDING_AT_GUESSED_ADDRESS, at=SLOT + 5 * SECOND)
    assert asyncio.run(requests_calendar_read(watched, five_seconds_later))


async def requests_calendar_read(watched: WatchedStub, new_verdict: Verdict) -> bool:
    """Return whether the verdict requests reads of both calendars. It must not wait for them."""
    check = running_check()
    assert wait_until(check, watched, new_verdict) is None
    try:
        return await asyncio.wait_for(check.next_requested(), 0.01) == ["govuk", "own"]
    except TimeoutError:
        return False
