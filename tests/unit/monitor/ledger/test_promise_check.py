"""Calendars are read once more before a breach is reported: which calendars, what waits for them, and how long."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from monitor.judge.verdict import Verdict
from monitor.ledger.promise_check import PATIENCE, PromiseCheck, WantedRead, confirmation_needed_since
from schedules.announcement import Address
from schedules.contract.verdict import Exposure, Finding, Grade, Kind, PartVerdict, VerdictKind
from schedules.release import Release
from schedules.slot import Precision, Slot
from schedules.times.interval import NOTHING, Bounds, Interval
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.releases import PAGE_URL, a_release

JUDGED_AT = after_slot(300)
RELEASE = a_release(calendars=("govuk", "own"))


def page_verdict(word: VerdictKind = VerdictKind.OVERDUE, *exposed: float | None) -> PartVerdict:
    """Return the verdict on the page with exposures that begin at these instants (None: at an unknown one)."""
    starts = [NOTHING if at is None else Interval(None, after_slot(at)) for at in exposed]
    spans = tuple(Exposure("page", start, NOTHING, Bounds(1.0, None), open=True) for start in starts)
    return PartVerdict("page", "page", PAGE_URL, required=True, verdict=word, exposures=spans)


def verdict(*parts: PartVerdict, confirmed: float | None = None, at: datetime = JUDGED_AT) -> Verdict:
    return Verdict(
        release="r",
        title="Malpractice",
        producer="ofqual",
        url=PAGE_URL,
        calendars=("govuk", "own"),
        slot=Slot(Precision.INSTANT, instant=SLOT),
        slot_source="govuk",
        slot_learnt=after_slot(-86400),
        verdict=VerdictKind.OVERDUE,
        grade=Grade.NONE,
        final=False,
        at=at,
        parts=parts,
        confirmed=None if confirmed is None else after_slot(confirmed),
    )


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
    check.is_read = True
    return check


@pytest.mark.parametrize("word", [VerdictKind.LATE, VerdictKind.OVERDUE, VerdictKind.NOT_PUBLISHED, VerdictKind.EARLY])
def test_a_breach_needs_its_promise_to_stand_at_its_slot(word: VerdictKind) -> None:
    assert confirmation_needed_since(verdict(page_verdict(word))) == SLOT


@pytest.mark.parametrize("word", [VerdictKind.ON_TIME, VerdictKind.PENDING, VerdictKind.UNPROVEN])
def test_calendars_are_not_read_again_without_a_breach(word: VerdictKind) -> None:
    assert confirmation_needed_since(verdict(page_verdict(word))) is None
    doubted = replace(verdict(page_verdict(word)), findings=(Finding(Kind.PROMISE_IN_DOUBT),))
    assert confirmation_needed_since(doubted) == SLOT
    assert confirmation_needed_since(replace(doubted, findings=(Finding(Kind.BLIND),))) is None


def test_any_part_that_is_behind_is_a_breach_and_a_release_without_a_slot_has_none() -> None:
    assert confirmation_needed_since(verdict(page_verdict(VerdictKind.ON_TIME), page_verdict(VerdictKind.LATE))) == SLOT
    assert confirmation_needed_since(replace(verdict(page_verdict()), slot=None)) is None


def test_promise_needs_a_confirmation_at_its_slot() -> None:
    assert confirmation_needed_since(verdict(page_verdict(), confirmed=0)) is None
    assert confirmation_needed_since(verdict(page_verdict(), confirmed=1)) is None
    assert confirmation_needed_since(verdict(page_verdict(), confirmed=-1)) == SLOT


def test_promise_must_be_confirmed_by_the_latest_dated_exposure() -> None:
    assert confirmation_needed_since(verdict(page_verdict(VerdictKind.EARLY, -900, -300))) == after_slot(-300)
    assert confirmation_needed_since(verdict(page_verdict(VerdictKind.EARLY, None))) == SLOT
    # Judged before its slot, an exposure without a date needs no read: else each judging would need a new one.
    assert confirmation_needed_since(verdict(page_verdict(VerdictKind.EARLY, None), at=after_slot(-20))) is None


def test_a_read_that_confirmed_an_exposure_confirms_no_lateness_of_another_part() -> None:
    early = verdict(page_verdict(VerdictKind.EARLY, -900), confirmed=-880)
    late = replace(early, findings=(Finding(Kind.LATE, "sheet"),))
    assert confirmation_needed_since(early) is None
    assert confirmation_needed_since(late) == SLOT
    assert confirmation_needed_since(replace(late, confirmed=after_slot(5))) is None


def test_doubtful_presence_before_its_slot_needs_a_calendar_read_since_it_was_first_seen() -> None:
    withheld = replace(page_verdict(VerdictKind.UNPROVEN), first_seen=Interval(None, after_slot(-200)))
    doubted = replace(verdict(withheld), findings=(Finding(Kind.PROMISE_IN_DOUBT),))
    assert {confirmation_needed_since(replace(doubted, at=after_slot(at))) for at in (-200, -100, -1)} == {
        after_slot(-200)
    }
    assert confirmation_needed_since(doubted) == SLOT


def test_a_breach_waits_ten_seconds_at_most_for_a_calendar_read() -> None:
    check, watched = running_check(), WatchedStub()
    assert check.defer_for_calendar_read(watched, verdict(page_verdict()), CallCounter()) == JUDGED_AT + PATIENCE
    assert (watched.waits_for_calendar, watched.wanted_read) == (True, WantedRead(SLOT, JUDGED_AT + PATIENCE))
    # Judged again, it waits no longer than before.
    assert (
        check.defer_for_calendar_read(watched, verdict(page_verdict(), at=after_slot(305)), CallCounter())
        == JUDGED_AT + PATIENCE
    )
    assert (
        check.defer_for_calendar_read(watched, verdict(page_verdict(), at=JUDGED_AT + PATIENCE), CallCounter()) is None
    )
    assert not watched.waits_for_calendar


def test_an_exposure_that_a_clock_behind_dates_after_the_verdict_waits_for_a_read_from_then_on() -> None:
    check, watched = running_check(), WatchedStub()
    seen = page_verdict(VerdictKind.EARLY, -300)
    assert check.defer_for_calendar_read(watched, verdict(seen, at=after_slot(-301)), CallCounter()) == after_slot(-300)
    assert watched.waits_for_calendar
    assert check.defer_for_calendar_read(watched, verdict(seen, at=after_slot(-300)), CallCounter()) == after_slot(-290)
    assert watched.waits_for_calendar
    assert asyncio.run(check.next_requested()) == ["govuk", "own"]


def test_each_new_breach_waits_for_its_own_calendar_read() -> None:
    check, watched = running_check(), WatchedStub()
    check.defer_for_calendar_read(
        watched, verdict(page_verdict(VerdictKind.EARLY, -900), at=after_slot(-800)), CallCounter()
    )
    assert watched.wanted_read == WantedRead(after_slot(-900), after_slot(-800) + PATIENCE)
    check.defer_for_calendar_read(
        watched, verdict(page_verdict(VerdictKind.EARLY, -900, -300), at=after_slot(-299)), CallCounter()
    )
    assert watched.wanted_read == WantedRead(after_slot(-300), after_slot(-299) + PATIENCE)


def test_verdict_does_not_wait_without_reader_or_breach_or_after_a_confirmation() -> None:
    watched = WatchedStub(waits_for_calendar=True)
    assert PromiseCheck().defer_for_calendar_read(watched, verdict(page_verdict()), CallCounter()) is None
    assert not watched.waits_for_calendar
    watched.waits_for_calendar = True
    assert running_check().defer_for_calendar_read(watched, verdict(page_verdict(), confirmed=0), CallCounter()) is None
    assert (watched.waits_for_calendar, watched.wanted_read) == (False, None)


def test_only_calendars_without_a_read_since_the_slot_are_read_and_the_last_read_calls_back() -> None:
    check, then = running_check(), CallCounter()
    check.record_read("govuk", SLOT)
    check.record_read("own", after_slot(-1))
    assert check.request_reads(("govuk", "own"), SLOT, "r", then)
    assert asyncio.run(check.next_requested()) == ["own"]
    check.record_read("own", SLOT)
    assert then.number == 1
    assert not check.request_reads(("govuk", "own"), SLOT, "r", then)


def test_a_read_that_had_begun_before_is_no_answer_and_the_calendar_is_read_again() -> None:
    check, then = PromiseCheck(), CallCounter()

    async def story() -> list[list[str]]:
        check.request_reads(("govuk",), SLOT, "r", then)
        first = await check.next_requested()
        check.record_read("govuk", after_slot(-1))
        return [first, await asyncio.wait_for(check.next_requested(), 5)]

    assert asyncio.run(story()) == [["govuk"], ["govuk"]]
    assert (then.number, check.is_read) == (0, True)
    check.record_read("govuk", after_slot(1))
    check.record_read("govuk", after_slot(2))
    assert then.number == 1


def test_a_calendar_read_that_began_earlier_but_ended_later_does_not_replace_a_later_one() -> None:
    check = running_check()
    check.record_read("govuk", after_slot(5))
    check.record_read("govuk", after_slot(-5))
    assert not check.request_reads(("govuk",), SLOT, "r", CallCounter())


def test_one_calendar_read_answers_every_release_that_waits_for_it() -> None:
    check, calls = running_check(), [CallCounter(), CallCounter(), CallCounter()]
    for name, since, then in zip("abc", (-10, 0, 10), calls, strict=True):
        check.request_reads(("govuk",), after_slot(since), name, then)
    check.record_read("govuk", SLOT)
    assert [one.number for one in calls] == [1, 1, 0]


@pytest.mark.parametrize(
    ("address", "word", "at", "confirmed", "is_asked"),
    [
        (Address.GUESSED, VerdictKind.PENDING, 5.0, -240.0, True),
        (Address.FOUND, VerdictKind.UNPROVEN, 100.0, None, True),
        (Address.GUESSED, VerdictKind.PENDING, -1.0, -240.0, False),
        (Address.GUESSED, VerdictKind.PENDING, 5.0, 0.5, False),
        (Address.ANNOUNCED, VerdictKind.PENDING, 5.0, -240.0, False),
        (Address.GUESSED, VerdictKind.ON_TIME, 5.0, -240.0, False),
    ],
)
def test_page_absent_at_a_guessed_address_requests_a_read_without_delaying_its_verdict(
    address: Address, word: VerdictKind, at: float, confirmed: float | None, *, is_asked: bool
) -> None:
    judged = replace(verdict(page_verdict(word), confirmed=confirmed, at=after_slot(at)), verdict=word, address=address)
    waiting = WatchedStub()
    assert asyncio.run(requests_calendar_read(waiting, judged)) is is_asked
    assert not waiting.waits_for_calendar


def test_a_calendar_read_for_a_guessed_address_waits_until_five_seconds_after_the_slot() -> None:
    pending = replace(
        verdict(page_verdict(VerdictKind.PENDING), at=after_slot(0.2)),
        verdict=VerdictKind.PENDING,
        address=Address.GUESSED,
    )
    check, waiting = running_check(), WatchedStub()
    assert check.defer_for_calendar_read(waiting, pending, CallCounter()) == after_slot(5)
    assert check.defer_for_calendar_read(waiting, replace(pending, at=after_slot(5)), CallCounter()) is None
    assert not waiting.waits_for_calendar


async def requests_calendar_read(waiting: WatchedStub, judged: Verdict) -> bool:
    """Return whether the verdict requests reads of both calendars. It must not wait for them."""
    check = running_check()
    assert check.defer_for_calendar_read(waiting, judged, CallCounter()) is None
    try:
        return await asyncio.wait_for(check.next_requested(), 0.01) == ["govuk", "own"]
    except TimeoutError:
        return False
