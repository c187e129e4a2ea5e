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
def test_a_breach_needs_its_promise_to_be_confirmed_since_its_slot(kind: VerdictKind) -> None:
    assert confirmation_needed_since(verdict(page_verdict(kind))) == SLOT


@pytest.mark.parametrize("kind", [VerdictKind.ON_TIME, VerdictKind.PENDING, VerdictKind.UNPROVEN])
def test_without_a_breach_a_promise_needs_a_confirmation_only_if_it_is_in_doubt(kind: VerdictKind) -> None:
    without_breach = verdict(page_verdict(kind))
    assert confirmation_needed_since(without_breach) is None
    assert confirmation_needed_since(replace(without_breach, findings=(Finding(Kind.BLIND),))) is None
    assert confirmation_needed_since(replace(without_breach, findings=(Finding(Kind.PROMISE_IN_DOUBT),))) == SLOT


def test_any_part_that_is_behind_is_a_breach_and_a_release_without_a_slot_has_none() -> None:
    assert confirmation_needed_since(verdict(page_verdict(VerdictKind.ON_TIME), page_verdict(VerdictKind.LATE))) == SLOT
    assert confirmation_needed_since(replace(verdict(page_verdict()), slot=None)) is None


def test_a_promise_that_was_confirmed_at_its_slot_or_later_needs_no_other_confirmation() -> None:
    assert confirmation_needed_since(verdict(page_verdict(), confirmed_at=0)) is None
    assert confirmation_needed_since(verdict(page_verdict(), confirmed_at=1)) is None
    assert confirmation_needed_since(verdict(page_verdict(), confirmed_at=-1)) == SLOT


def test_an_early_release_needs_its_promise_to_be_confirmed_since_its_latest_exposure_began() -> None:
    exposed_twice = page_verdict(VerdictKind.EARLY, exposed_at=[-900, -300])
    assert confirmation_needed_since(verdict(exposed_twice)) == after_slot(-300)


def test_an_exposure_of_unknown_begin_needs_a_confirmation_since_the_slot_and_none_before_it() -> None:
    exposed = page_verdict(VerdictKind.EARLY, exposed_at=[None])
    assert confirmation_needed_since(verdict(exposed, judged_at=JUDGED_AT)) == SLOT
    # Before the slot no read can be since the slot, and an exposure without a date needs none that is earlier.
    assert confirmation_needed_since(verdict(exposed, judged_at=after_slot(-20))) is None


def test_a_read_that_confirmed_an_exposure_confirms_no_lateness_of_another_part() -> None:
    # The exposure began 900 s before the slot, and a read 880 s before the slot confirmed the promise. Lateness needs a
    # read since the slot.
    early = verdict(page_verdict(VerdictKind.EARLY, exposed_at=[-900]), confirmed_at=-880)
    with_late_file = replace(early, findings=(Finding(Kind.LATE, "sheet"),))
    assert confirmation_needed_since(early) is None
    assert confirmation_needed_since(with_late_file) == SLOT
    assert confirmation_needed_since(replace(with_late_file, confirmed=after_slot(5))) is None


def test_promise_in_doubt_needs_a_read_since_its_page_was_seen_and_after_the_slot_one_since_it() -> None:
    first_seen = after_slot(-200)
    page = replace(page_verdict(VerdictKind.UNPROVEN), first_seen=Interval(None, first_seen))
    in_doubt = replace(verdict(page), findings=(Finding(Kind.PROMISE_IN_DOUBT),))
    for seconds_before_slot in (200, 100, 1):
        assert confirmation_needed_since(replace(in_doubt, at=after_slot(-seconds_before_slot))) == first_seen
    five_minutes_after = after_slot(300)
    assert confirmation_needed_since(replace(in_doubt, at=five_minutes_after)) == SLOT


def test_a_breach_waits_ten_seconds_at_most_for_a_calendar_read() -> None:
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


def test_an_exposure_that_is_dated_after_its_verdict_waits_for_a_calendar_read_since_that_date() -> None:
    check, watched, exposed_at = running_check(), WatchedStub(), after_slot(-300)
    exposed = page_verdict(VerdictKind.EARLY, exposed_at=[-300])
    # Our clock was set back by a second between the look and the verdict.
    a_second_before = verdict(exposed, judged_at=after_slot(-301))
    # The verdict waits until that date. Only then is the read requested.
    assert check.request_needed_reads(watched, a_second_before, CallCounter()) == exposed_at
    assert watched.waits_for_calendar
    judged_at_that_date = verdict(exposed, judged_at=exposed_at)
    assert check.request_needed_reads(watched, judged_at_that_date, CallCounter()) == exposed_at + LONGEST_WAIT
    assert watched.waits_for_calendar
    # RELEASE is in both of these calendars.
    assert asyncio.run(check.next_requested()) == ["govuk", "own"]


def test_each_new_breach_waits_for_a_calendar_read_since_it_began() -> None:
    # The first exposure begins 900 s before the slot and is judged 100 s later. The second begins 300 s before it.
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
def test_a_verdict_waits_no_longer_if_no_calendar_can_be_read_or_no_read_is_needed(
    check: PromiseCheck, next_verdict: Verdict
) -> None:
    # An earlier verdict on the release waits for a calendar read. This is the next verdict.
    watched = WatchedStub(waits_for_calendar=True)
    assert check.request_needed_reads(watched, next_verdict, CallCounter()) is None
    assert (watched.waits_for_calendar, watched.wanted_read) == (False, None)


def test_only_a_calendar_without_a_read_since_the_slot_is_requested_and_its_read_calls_back() -> None:
    check, callback = running_check(), CallCounter()
    check.record_read("govuk", SLOT)
    check.record_read("own", after_slot(-1))
    assert check.request_reads(("govuk", "own"), SLOT, "r", callback)
    assert asyncio.run(check.next_requested()) == ["own"]
    check.record_read("own", SLOT)
    assert callback.number == 1
    is_another_read_needed = check.request_reads(("govuk", "own"), SLOT, "r", callback)
    assert not is_another_read_needed


def test_reads_are_requested_until_one_began_after_the_slot_and_that_one_calls_back_once() -> None:
    check, callback = PromiseCheck(), CallCounter()

    async def story() -> list[list[str]]:
        check.request_reads(("govuk",), SLOT, "r", callback)
        first = await check.next_requested()
        check.record_read("govuk", after_slot(-1))
        return [first, await asyncio.wait_for(check.next_requested(), 5)]

    assert asyncio.run(story()) == [["govuk"], ["govuk"]]
    assert callback.number == 0
    check.record_read("govuk", after_slot(1))
    check.record_read("govuk", after_slot(2))
    assert callback.number == 1


def test_verdicts_may_wait_for_calendar_reads_once_a_reader_awaits_requests() -> None:
    check, watched = PromiseCheck(), WatchedStub()
    # A new check has no reader of calendars, so no verdict waits. A reader calls `next_requested`, as below.
    assert check.request_needed_reads(watched, verdict(page_verdict()), CallCounter()) is None
    check.request_reads(("govuk",), SLOT, "r", CallCounter())
    asyncio.run(check.next_requested())
    assert check.request_needed_reads(watched, verdict(page_verdict()), CallCounter()) == JUDGED_AT + LONGEST_WAIT


def test_a_calendar_read_that_began_earlier_but_ended_later_does_not_replace_a_later_one() -> None:
    check = running_check()
    for read_at in (5, -5):
        check.record_read("govuk", after_slot(read_at))
    is_another_read_needed = check.request_reads(("govuk",), SLOT, "r", CallCounter())
    assert not is_another_read_needed


def test_a_calendar_read_calls_back_only_the_releases_that_need_no_later_read() -> None:
    check, callbacks = running_check(), {needed_since: CallCounter() for needed_since in (-10, 0, 10)}
    for needed_since, callback in callbacks.items():
        check.request_reads(("govuk",), after_slot(needed_since), f"r{needed_since}", callback)
    # This read begins too early for the release that needs one since 10 s after the slot.
    check.record_read("govuk", SLOT)
    assert {needed_since: callback.number for needed_since, callback in callbacks.items()} == {-10: 1, 0: 1, 10: 0}


@pytest.mark.parametrize(
    ("address", "kind", "judged_after_slot", "confirmed_after_slot", "is_requested"),
    [
        (Address.GUESSED, VerdictKind.PENDING, 5.0, -240.0, True),
        (Address.FOUND, VerdictKind.UNPROVEN, 100.0, None, True),
        (Address.GUESSED, VerdictKind.PENDING, -1.0, -240.0, False),
        (Address.GUESSED, VerdictKind.PENDING, 5.0, 0.5, False),
        (Address.ANNOUNCED, VerdictKind.PENDING, 5.0, -240.0, False),
        (Address.GUESSED, VerdictKind.ON_TIME, 5.0, -240.0, False),
    ],
    ids=["pending", "unproven", "before the slot", "confirmed since the slot", "announced address", "on time"],
)
def test_an_unseen_page_without_an_announced_address_requests_a_calendar_read_and_does_not_wait(
    address: Address,
    kind: VerdictKind,
    judged_after_slot: float,
    confirmed_after_slot: float | None,
    *,
    is_requested: bool,
) -> None:
    # A read is requested only from 5 s after the slot, for a slot that was not confirmed since, and for a verdict that
    # is still open: pending or unproven. The page is the only part, so the release has the verdict of its page.
    judged_at = after_slot(judged_after_slot)
    by_page = verdict(page_verdict(kind), confirmed_at=confirmed_after_slot, judged_at=judged_at)
    on_release, watched = replace(by_page, verdict=kind, address=address), WatchedStub()
    assert asyncio.run(requests_calendar_read(watched, on_release)) is is_requested
    assert not watched.waits_for_calendar


def test_a_calendar_read_for_a_guessed_address_waits_until_five_seconds_after_the_slot() -> None:
    page = page_verdict(VerdictKind.PENDING)
    pending = replace(verdict(page, judged_at=after_slot(0.2)), verdict=VerdictKind.PENDING, address=Address.GUESSED)
    check, watched = running_check(), WatchedStub()
    assert check.request_needed_reads(watched, pending, CallCounter()) == after_slot(5)
    assert check.request_needed_reads(watched, replace(pending, at=after_slot(5)), CallCounter()) is None
    assert not watched.waits_for_calendar


async def requests_calendar_read(waiting: WatchedStub, new_verdict: Verdict) -> bool:
    """Return whether the verdict requests reads of both calendars. It must not wait for them."""
    check = running_check()
    assert check.request_needed_reads(waiting, new_verdict, CallCounter()) is None
    try:
        return await asyncio.wait_for(check.next_requested(), 0.01) == ["govuk", "own"]
    except TimeoutError:
        return False
