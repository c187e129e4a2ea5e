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
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT
from tests.worlds.releases import PAGE_URL, a_release
from tests.worlds.verdicts import judged

JUDGED_AT = after_slot(300)
RELEASE = a_release(calendars=("govuk", "own"))


def page_verdict(word: VerdictKind = VerdictKind.OVERDUE, *, exposed_at: Sequence[float | None] = ()) -> PartVerdict:
    """Return the verdict on the page with exposures that begin at these instants (None: at an unknown one)."""
    starts = [NOTHING if at is None else Interval(None, after_slot(at)) for at in exposed_at]
    spans = tuple(Exposure("page", start, NOTHING, Bounds(1.0, None), open=True) for start in starts)
    return PartVerdict("page", "page", PAGE_URL, required=True, verdict=word, exposures=spans)


OVERDUE = replace(judged(300, [(-100, ABSENT)]), findings=())


def verdict(*parts: PartVerdict, confirmed_at: float | None = None, judged_at: datetime = JUDGED_AT) -> Verdict:
    """Return the verdict on an overdue release with these parts, whose promise was last read at `confirmed_at`."""
    return replace(OVERDUE, parts=parts, confirmed=after_slot(confirmed_at), at=judged_at)


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


@pytest.mark.parametrize("kind", [VerdictKind.LATE, VerdictKind.OVERDUE, VerdictKind.NOT_PUBLISHED, VerdictKind.EARLY])
def test_breach_needs_promise_confirmed_since_its_slot(kind: VerdictKind) -> None:
    """To confirm a promise is to read its calendar again and find it unchanged."""
    assert confirmation_needed_since(verdict(page_verdict(kind))) == SLOT


@pytest.mark.parametrize("kind", [VerdictKind.ON_TIME, VerdictKind.PENDING, VerdictKind.UNPROVEN])
def test_promise_without_breach_needs_confirmation_only_in_doubt(kind: VerdictKind) -> None:
    without_breach = verdict(page_verdict(kind))
    assert confirmation_needed_since(without_breach) is None
    assert confirmation_needed_since(replace(without_breach, findings=(Finding(Kind.BLIND),))) is None
    assert confirmation_needed_since(replace(without_breach, findings=(Finding(Kind.PROMISE_IN_DOUBT),))) == SLOT


def test_any_late_part_is_a_breach_of_a_slot() -> None:
    assert confirmation_needed_since(verdict(page_verdict(VerdictKind.ON_TIME), page_verdict(VerdictKind.LATE))) == SLOT
    assert confirmation_needed_since(replace(verdict(page_verdict()), slot=None)) is None


def test_promise_confirmed_since_its_slot_needs_no_other_confirmation() -> None:
    assert confirmation_needed_since(verdict(page_verdict(), confirmed_at=0)) is None
    assert confirmation_needed_since(verdict(page_verdict(), confirmed_at=1)) is None
    assert confirmation_needed_since(verdict(page_verdict(), confirmed_at=-1)) == SLOT


def test_early_release_needs_confirmation_since_its_latest_exposure() -> None:
    """An exposure is a time in which a page was public before its slot."""
    exposed_twice = page_verdict(VerdictKind.EARLY, exposed_at=[-900, -300])
    assert confirmation_needed_since(verdict(exposed_twice)) == after_slot(-300)


def test_after_slot_an_undated_exposure_needs_read_since_slot() -> None:
    exposed_since_unknown_time = page_verdict(VerdictKind.EARLY, exposed_at=[None])
    five_minutes_after_slot = verdict(exposed_since_unknown_time, judged_at=after_slot(300))
    assert confirmation_needed_since(five_minutes_after_slot) == SLOT


def test_before_slot_an_undated_exposure_needs_no_read() -> None:
    """It would need a read since the exposure began, which is not known, or since the slot, which has not come."""
    exposed_since_unknown_time = page_verdict(VerdictKind.EARLY, exposed_at=[None])
    before_slot = verdict(exposed_since_unknown_time, judged_at=after_slot(-20))
    no_read_needed = None
    assert confirmation_needed_since(before_slot) is no_read_needed


def test_late_part_needs_read_since_slot_despite_earlier_read() -> None:
    # The page was exposed 900 s before the slot. The calendar was read 20 s after that, which is enough for the page.
    exposed_page = page_verdict(VerdictKind.EARLY, exposed_at=[-900])
    only_early = verdict(exposed_page, confirmed_at=-880)
    no_read_needed = None
    assert confirmation_needed_since(only_early) is no_read_needed
    # Then the data file is late.
    also_late = replace(only_early, findings=(Finding(Kind.LATE, "sheet"),))
    assert confirmation_needed_since(also_late) == SLOT
    # A read 5 s after the slot is enough for both.
    assert confirmation_needed_since(replace(also_late, confirmed=after_slot(5))) is no_read_needed


def verdict_in_doubt(*, page_seen_at: float, judged_at: float) -> Verdict:
    """Return an unproven verdict, as it is in doubt whether the promise still stands. Times: seconds after the slot."""
    seen = Interval(after=None, by=after_slot(page_seen_at))
    page = replace(page_verdict(VerdictKind.UNPROVEN), first_seen=seen)
    return replace(verdict(page, judged_at=after_slot(judged_at)), findings=(Finding(Kind.PROMISE_IN_DOUBT),))


@pytest.mark.parametrize("judged_at", [-200, -100, -1])
def test_doubted_promise_needs_read_since_page_was_first_seen(judged_at: int) -> None:
    """This is so until the slot."""
    in_doubt = verdict_in_doubt(page_seen_at=-200, judged_at=judged_at)
    assert confirmation_needed_since(in_doubt) == after_slot(-200)


def test_after_slot_a_doubted_promise_needs_read_since_slot() -> None:
    in_doubt = verdict_in_doubt(page_seen_at=-200, judged_at=300)
    assert confirmation_needed_since(in_doubt) == SLOT


def test_breach_waits_ten_seconds_at_most_for_a_read() -> None:
    """A calendar is read again before a breach is reported. LONGEST_WAIT is ten seconds."""
    # LONGEST_WAIT is ten seconds.
    check, watched = running_check(), WatchedStub()
    until = JUDGED_AT + LONGEST_WAIT
    assert check.request_needed_reads(watched, verdict(page_verdict()), CallCounter()) == until
    assert (watched.waits_for_calendar, watched.wanted_read) == (True, WantedRead(since=SLOT, deadline=until))
    judged_again = verdict(page_verdict(), judged_at=JUDGED_AT + LONGEST_WAIT / 2)
    assert check.request_needed_reads(watched, judged_again, CallCounter()) == until
    judged_at_the_end = verdict(page_verdict(), judged_at=until)
    assert check.request_needed_reads(watched, judged_at_the_end, CallCounter()) is None
    assert not watched.waits_for_calendar


def test_verdict_dated_before_its_exposure_waits_until_then() -> None:
    """The look saw the page 300 s before the slot. Then our clock was set back: the verdict is dated a second
    earlier."""
    check, watched, exposed_at = running_check(), WatchedStub(), after_slot(-300)
    exposed = page_verdict(VerdictKind.EARLY, exposed_at=[-300])
    first_verdict = verdict(exposed, judged_at=after_slot(-301))
    judge_again_at = check.request_needed_reads(watched, first_verdict, CallCounter())
    assert judge_again_at == exposed_at
    assert watched.waits_for_calendar
    assert watched.wanted_read == WantedRead(since=exposed_at, deadline=exposed_at + LONGEST_WAIT)


def test_verdict_at_exposure_requests_and_awaits_calendar_reads() -> None:
    check, watched, exposed_at = running_check(), WatchedStub(), after_slot(-300)
    exposed = verdict(page_verdict(VerdictKind.EARLY, exposed_at=[-300]), judged_at=exposed_at)
    judge_again_at = check.request_needed_reads(watched, exposed, CallCounter())
    assert judge_again_at == exposed_at + LONGEST_WAIT
    assert watched.waits_for_calendar
    calendars_of_release = ["govuk", "own"]
    assert asyncio.run(check.next_requested()) == calendars_of_release


def test_each_new_breach_waits_for_a_newer_read() -> None:
    """The first exposure begins 900 s before the slot and is judged 100 s later. The second begins 300 s before it."""
    check, watched = running_check(), WatchedStub()
    exposed_once = verdict(page_verdict(VerdictKind.EARLY, exposed_at=[-900]), judged_at=after_slot(-800))
    check.request_needed_reads(watched, exposed_once, CallCounter())
    assert watched.wanted_read == WantedRead(since=after_slot(-900), deadline=after_slot(-800) + LONGEST_WAIT)
    exposed_again = verdict(page_verdict(VerdictKind.EARLY, exposed_at=[-900, -300]), judged_at=after_slot(-299))
    check.request_needed_reads(watched, exposed_again, CallCounter())
    assert watched.wanted_read == WantedRead(since=after_slot(-300), deadline=after_slot(-299) + LONGEST_WAIT)


@pytest.mark.parametrize(
    ("check", "next_verdict"),
    [
        (PromiseCheck(), verdict(page_verdict())),
        (running_check(), verdict(page_verdict(), confirmed_at=0)),
        (running_check(), verdict(page_verdict(VerdictKind.ON_TIME))),
    ],
    ids=["no reader", "promise confirmed since the slot", "no breach"],
)
def test_verdict_stops_waiting_if_no_read_is_possible_or_needed(check: PromiseCheck, next_verdict: Verdict) -> None:
    """An earlier verdict on the release waits for a calendar read. This is the next verdict."""
    watched = WatchedStub(waits_for_calendar=True)
    assert check.request_needed_reads(watched, next_verdict, CallCounter()) is None
    assert (watched.waits_for_calendar, watched.wanted_read) == (False, None)


def test_only_calendar_without_recent_read_is_requested() -> None:
    check, callback = running_check(), CallCounter()
    check.record_read("govuk", SLOT)
    check.record_read("own", after_slot(-1))
    assert check.request_reads(("govuk", "own"), SLOT, "r", callback)
    assert asyncio.run(check.next_requested()) == ["own"]
    check.record_read("own", SLOT)
    assert callback.number == 1
    is_another_read_needed = check.request_reads(("govuk", "own"), SLOT, "r", callback)
    assert not is_another_read_needed


def test_read_that_began_too_early_is_requested_again() -> None:
    check, judge_again = running_check(), CallCounter()

    async def read_a_second_too_early() -> list[str]:
        check.request_reads(("govuk",), SLOT, "r", judge_again)
        assert await check.next_requested() == ["govuk"]
        check.record_read("govuk", begun=after_slot(-1))
        return await asyncio.wait_for(check.next_requested(), timeout=5)

    assert asyncio.run(read_a_second_too_early()) == ["govuk"]
    assert judge_again.number == 0


def test_only_first_sufficient_read_rejudges_the_release() -> None:
    check, judge_again = running_check(), CallCounter()
    check.request_reads(("govuk",), SLOT, "r", judge_again)
    check.record_read("govuk", begun=after_slot(1))
    check.record_read("govuk", begun=after_slot(2))
    assert judge_again.number == 1


def test_no_verdict_waits_for_a_read_without_a_reader() -> None:
    """Without a reader no one would make the read."""
    check, overdue = PromiseCheck(), verdict(page_verdict(VerdictKind.OVERDUE))
    judge_again_at = check.request_needed_reads(WatchedStub(), overdue, CallCounter())
    assert judge_again_at is None


def test_verdict_waits_for_a_read_once_a_reader_exists() -> None:
    check, overdue = PromiseCheck(), verdict(page_verdict(VerdictKind.OVERDUE), judged_at=JUDGED_AT)
    check.request_reads(("govuk",), SLOT, "another release", CallCounter())
    asyncio.run(check.next_requested())  # by the reader
    judge_again_at = check.request_needed_reads(WatchedStub(), overdue, CallCounter())
    assert judge_again_at == JUDGED_AT + LONGEST_WAIT


def test_earlier_begun_read_does_not_replace_a_later_one() -> None:
    check = running_check()
    for read_at in (5, -5):
        check.record_read("govuk", after_slot(read_at))
    is_another_read_needed = check.request_reads(("govuk",), SLOT, "r", CallCounter())
    assert not is_another_read_needed


def test_read_rejudges_releases_that_need_no_later_read() -> None:
    check, since_before, since_slot, since_after = running_check(), CallCounter(), CallCounter(), CallCounter()
    check.request_reads(("govuk",), after_slot(-10), "needs a read since 10 s before the slot", since_before)
    check.request_reads(("govuk",), SLOT, "needs a read since the slot", since_slot)
    check.request_reads(("govuk",), after_slot(10), "needs a read since 10 s after the slot", since_after)
    check.record_read("govuk", begun=SLOT)
    assert (since_before.number, since_slot.number, since_after.number) == (1, 1, 0)


# The page is not out 5 s after its slot. Its calendar was last read 4 minutes before the slot.
PENDING_AT_GUESSED_ADDRESS = replace(
    verdict(page_verdict(VerdictKind.PENDING), confirmed_at=-240, judged_at=after_slot(5)),
    verdict=VerdictKind.PENDING,
    address=Address.GUESSED,
)


@pytest.mark.parametrize(
    "still_open",
    [
        PENDING_AT_GUESSED_ADDRESS,
        replace(
            verdict(page_verdict(VerdictKind.UNPROVEN), confirmed_at=None, judged_at=after_slot(100)),
            verdict=VerdictKind.UNPROVEN,
            address=Address.FOUND,
        ),
    ],
    ids=["pending at a guessed address", "unproven at an address that was found"],
)
def test_page_not_out_at_unannounced_address_requests_read(still_open: Verdict) -> None:
    """Once the page appears, its calendar may no longer show the announced time. So it is read before."""
    watched = WatchedStub()
    assert asyncio.run(requests_calendar_read(watched, still_open))
    assert not watched.waits_for_calendar


@pytest.mark.parametrize(
    "difference",
    [
        {"at": after_slot(-1)},
        {"confirmed": after_slot(0.5)},
        {"address": Address.ANNOUNCED},
        {"verdict": VerdictKind.ON_TIME, "parts": (page_verdict(VerdictKind.ON_TIME),)},
    ],
    ids=["before the slot", "calendar read since the slot", "announced address", "on time"],
)
def test_page_requests_no_read_before_slot_or_without_need(difference: dict[str, object]) -> None:
    """Without the difference, a page that is not out at a guessed address 5 s after its slot requests a read."""
    watched = WatchedStub()
    assert not asyncio.run(requests_calendar_read(watched, replace(PENDING_AT_GUESSED_ADDRESS, **difference)))
    assert not watched.waits_for_calendar


def test_read_for_guessed_address_waits_five_seconds() -> None:
    """In the first five seconds, requests to the host are needed for looks."""
    check, watched = running_check(), WatchedStub()
    just_after_slot = replace(PENDING_AT_GUESSED_ADDRESS, at=after_slot(0.2))
    judge_again_at = check.request_needed_reads(watched, just_after_slot, CallCounter())
    assert judge_again_at == after_slot(5)
    assert not watched.waits_for_calendar
    five_seconds_later = replace(PENDING_AT_GUESSED_ADDRESS, at=after_slot(5))
    assert asyncio.run(requests_calendar_read(watched, five_seconds_later))


async def requests_calendar_read(watched: WatchedStub, new_verdict: Verdict) -> bool:
    """Return whether the verdict requests reads of both calendars. It must not wait for them."""
    check = running_check()
    assert check.request_needed_reads(watched, new_verdict, CallCounter()) is None
    try:
        return await asyncio.wait_for(check.next_requested(), 0.01) == ["govuk", "own"]
    except TimeoutError:
        return False
