"""Promises in memory, the editions that are missing, and the reads that a slot calls for: at their limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from monitor.ledger.missing_editions import PastEditions, find_missing_editions
from monitor.ledger.promises import BEHIND, PromiseBook
from monitor.ledger.reading import OFTEN, is_due
from monitor.store.rows import SeriesEdition
from schedules.promise import Promise, Unlisted
from schedules.slot import Precision, Slot

T0 = datetime(2026, 7, 1, 12, tzinfo=UTC)
SLOT = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NO_TIME = Slot(Precision.NONE, reason="tbc")


def promise_read(at: int, calendar: str = "A", slot: datetime | Slot = SLOT) -> Promise:
    promised = slot if isinstance(slot, Slot) else Slot(Precision.INSTANT, instant=slot)
    return Promise("x", calendar, promised, None, T0 + at * MINUTE)


def book(*promises: Promise) -> PromiseBook:
    made = PromiseBook()
    made.add(promises)
    return made


def test_promises_are_sorted_by_their_read_and_give_the_day_of_the_last_one() -> None:
    made = book(promise_read(2), promise_read(1), promise_read(3))
    assert [one.learnt for one in made.promises_of("x")] == [T0 + n * MINUTE for n in (1, 2, 3)]
    later = SLOT + timedelta(days=1)
    assert book(promise_read(2, slot=later), promise_read(1)).last_promised_day("x") == date(2026, 7, 24)


def test_a_calendar_confirms_its_own_newest_promise_and_never_an_earlier_instant() -> None:
    made = book(promise_read(1), promise_read(2), promise_read(3, "B"))
    made.confirm("A", ["x", "unknown"], T0 + 10 * MINUTE)
    assert [one.confirmed_at for one in made.promises_of("x")] == [None, T0 + 10 * MINUTE, None]
    made.confirm("A", ["x"], T0 + 9 * MINUTE)
    assert made.promises_of("x")[1].confirmed_at == T0 + 10 * MINUTE
    made.confirm("A", ["x"], T0 + 11 * MINUTE)
    assert made.promises_of("x")[1].confirmed_at == T0 + 11 * MINUTE
    made.confirm("C", ["x"], T0 + 12 * MINUTE)
    assert made.promises_of("x")[2].confirmed_at is None


def test_a_release_without_a_readable_time_has_no_day_and_is_never_near() -> None:
    made = book(promise_read(1, slot=NO_TIME))
    assert (made.last_promised_day("x"), PromiseBook().last_promised_day("x")) == (None, None)
    assert made.find_near(["x"], SLOT, timedelta(days=14)) == []


def test_a_release_is_near_from_fourteen_days_before_its_slot_until_fifteen_days_after() -> None:
    made, ahead = book(promise_read(1)), timedelta(days=14)
    begins, ends = SLOT - ahead, SLOT + BEHIND
    instants = (begins - MINUTE, begins, ends - MINUTE, ends)
    assert [made.find_near(["x"], now, ahead) for now in instants] == [[], ["x"], ["x"], []]
    assert made.promised_instants("x", SLOT, SLOT) == [SLOT]
    assert made.promised_instants("x", SLOT + MINUTE, SLOT + 2 * MINUTE) == made.promised_instants("x", T0, T0) == []


def test_only_promises_of_the_calendar_are_copied_and_only_once() -> None:
    made = book(promise_read(1), promise_read(2, "B"), replace(promise_read(1), release="y"), promise_read(3))
    assert made.copy_promises("A", "x", "y") == [replace(promise_read(3), release="y")]


def edition(day: date, title: str = "Example deaths: {}") -> SeriesEdition:
    return SeriesEdition(
        f"e{day}",
        "example",
        title.format(day.year),
        ("A",),
        Slot(Precision.DAY, first=day, last=day),
    )


MONTHS = [date(2026, month, 10) for month in (1, 2, 3, 4, 5, 6)]


def test_the_latest_edition_of_a_series_is_kept_and_of_one_day_the_one_read_last() -> None:
    past = PastEditions()
    for day in (MONTHS[0], MONTHS[2], MONTHS[1]):
        past.add(edition(day), T0)
    (series,) = past.latest
    assert past.latest[series].release == f"e{MONTHS[2]}"
    assert set(past.days[series]) == set(MONTHS[:3])
    again = PastEditions()
    for day in (MONTHS[0], MONTHS[0]):
        again.add(replace(edition(day), release=f"e{len(again.latest)}"), T0)
    assert again.latest[series].release == "e1"


def editions_missing(now: datetime, calendars: tuple[str, ...] = ("A",)) -> list[tuple[date, date]]:
    found = find_missing_editions([edition(day) for day in MONTHS], PastEditions(), calendars, now)
    return [(one.first, one.last) for one in found]


def test_an_expected_edition_is_missing_until_its_window_ends_if_a_calendar_was_read_recently() -> None:
    inside = datetime(2026, 7, 10, 12, tzinfo=UTC)
    ((_, last),) = editions_missing(inside)
    at_last = datetime(last.year, last.month, last.day, 12, tzinfo=UTC)
    assert len(editions_missing(at_last)) == 1
    assert editions_missing(at_last + timedelta(days=1)) == []
    assert editions_missing(inside, calendars=()) == []


def is_read_due(now: int, tried: int, usable: int = -600, *, often: bool = False) -> bool:
    at = [SLOT + minutes * MINUTE for minutes in (now, tried, usable)]
    return is_due([SLOT], *at, often=often)


@pytest.mark.parametrize(
    ("now", "tried", "is_now"),
    [
        (-4, -5, True),
        (-4, -4, False),
        (5, 4, True),
        (5, 5, False),
        (19, 4, True),
        (20, 4, False),
        (60, 20, True),
    ],
)
def test_a_calendar_read_is_due_for_fifteen_minutes_from_each_read_time_unless_made_since(
    now: int, tried: int, *, is_now: bool
) -> None:
    assert is_read_due(now, tried) is is_now


def test_a_calendar_that_was_read_shortly_before_a_slot_needs_no_read_ten_minutes_before() -> None:
    quarter = int(OFTEN / MINUTE)
    assert is_read_due(-10, -11, -quarter - 1)
    assert not is_read_due(-10, -11, -quarter)
    assert not is_read_due(-10, -11, often=True)
    assert not is_read_due(5, 4, often=True)


def test_reads_that_do_not_show_a_promise_are_counted_until_one_shows_it_again() -> None:
    made = book(promise_read(1), promise_read(2), promise_read(3, "B"))
    for minute in (10, 15):
        made.replace_promises(made.count_unlisted("A", {"x": [], "unknown": []}, T0 + minute * MINUTE))
    made.replace_promises(made.count_unlisted("A", {"x": ["Another title"]}, T0 + 20 * MINUTE))
    counted = Unlisted(T0 + 10 * MINUTE, 3, ("Another title",))
    assert [one.unlisted for one in made.promises_of("x")] == [None, counted, None]
    made.replace_promises(made.mark_relisted("A", ["x", "unknown"]))
    assert [one.unlisted for one in made.promises_of("x")] == [None, None, None]
    assert made.mark_relisted("A", ["x"]) == []
