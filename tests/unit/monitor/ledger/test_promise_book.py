"""Promises in memory, and the editions that are missing, at their limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from monitor.ledger.missing_editions import PastEditions, find_missing_editions
from monitor.ledger.promises import BEHIND, PromiseBook
from monitor.store.rows import SeriesEdition
from schedules.promise import Promise, Unlisted
from schedules.slot import Precision, Slot

T0 = datetime(2026, 7, 1, 12, tzinfo=UTC)
SLOT = datetime(2026, 7, 23, 8, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NO_TIME = Slot(Precision.NONE, reason="tbc")


def at_minute(minute: int) -> datetime:
    return T0 + minute * MINUTE


def promise_read_in_minute(
    minute: int, calendar: str = "A", slot: datetime | Slot = SLOT
) -> Promise:
    """Return a promise of release `x` that a calendar showed first at a read in this minute."""
    promised = slot if isinstance(slot, Slot) else Slot(Precision.INSTANT, instant=slot)
    return Promise("x", calendar, promised, None, at_minute(minute))


def book_of(*promises: Promise) -> PromiseBook:
    book = PromiseBook()
    book.add(promises)
    return book


def test_promises_are_sorted_by_time_of_their_read() -> None:
    """Promises of one release are added in another order than they were read.

    They are returned oldest first.
    """
    book = book_of(promise_read_in_minute(2), promise_read_in_minute(1), promise_read_in_minute(3))
    assert [promise.learnt for promise in book.promises_of("x")] == [
        at_minute(1),
        at_minute(2),
        at_minute(3),
    ]


def test_last_promised_day_is_that_of_latest_read() -> None:
    """Release x is promised for 23 July by one read, and for 24 July by a later read.

    The later one counts.
    """
    for_23_july = promise_read_in_minute(1, slot=datetime(2026, 7, 23, 8, 30, tzinfo=UTC))
    for_24_july = promise_read_in_minute(2, slot=datetime(2026, 7, 24, 8, 30, tzinfo=UTC))
    book = book_of(for_24_july, for_23_july)  # not in the order of the reads
    assert book.last_promised_day("x") == date(2026, 7, 24)


def test_calendar_confirms_only_its_newest_promise() -> None:
    """Calendar A promised release x in minutes 1 and 2, and calendar B in minute 3. A later read of
    A shows x unchanged. That confirms only the promise of minute 2, which is the newest of A. An
    older read of A changes nothing, a still later one does. An unknown release or calendar changes
    nothing.
    """
    book = book_of(
        promise_read_in_minute(1, "A"),
        promise_read_in_minute(2, "A"),
        promise_read_in_minute(3, "B"),
    )

    def confirmed_at_of_each_promise() -> list[datetime | None]:
        return [promise.confirmed_at for promise in book.promises_of("x")]

    book.confirm("A", ["x", "unknown release"], at_minute(10))
    assert confirmed_at_of_each_promise() == [None, at_minute(10), None]
    older_read = at_minute(9)
    book.confirm("A", ["x"], older_read)
    assert confirmed_at_of_each_promise() == [None, at_minute(10), None]
    later_read = at_minute(11)
    book.confirm("A", ["x"], later_read)
    book.confirm("unknown calendar", ["x"], at_minute(12))
    assert confirmed_at_of_each_promise() == [None, at_minute(11), None]


def test_release_without_readable_time_is_never_near() -> None:
    """A release is near if its slot is at most 14 days ahead. This release has no promise, or only
    one without a time. So it is never near, and has no promised day (None).
    """
    without_promise, without_time = PromiseBook(), book_of(promise_read_in_minute(1, slot=NO_TIME))
    for book in (without_promise, without_time):
        assert book.last_promised_day("x") is None
        assert book.find_near(["x"], now=SLOT, ahead=timedelta(days=14)) == []


def test_release_is_near_until_15_days_after_its_slot() -> None:
    """A release is near from some time before its slot on. That time is an argument, here two
    weeks. It stays near until 15 days after its slot. A minute before that period it is not near
    yet, and at its end no longer.
    """
    book = book_of(promise_read_in_minute(1, slot=SLOT))
    two_weeks, fifteen_days = timedelta(days=14), timedelta(days=15)

    def near_releases(now: datetime) -> list[str]:
        return book.find_near(["x"], now, ahead=two_weeks)

    assert near_releases(SLOT - two_weeks - MINUTE) == []
    assert near_releases(SLOT - two_weeks) == ["x"]
    assert near_releases(SLOT + fifteen_days - MINUTE) == ["x"]
    assert near_releases(SLOT + fifteen_days) == []


def test_promised_instants_between_two_instants_include_both() -> None:
    """`promised_instants` returns the promised times from `begin` to `end`, both included. The only
    promise is for SLOT. So it is found if the period begins or ends with it, and not a minute
    before or after.
    """
    only_promise = promise_read_in_minute(1, slot=SLOT)
    book, before, after = book_of(only_promise), SLOT - MINUTE, SLOT + MINUTE
    assert book.promised_instants("x", begin=before, end=SLOT) == [SLOT]
    assert book.promised_instants("x", begin=SLOT, end=after) == [SLOT]
    assert book.promised_instants("x", begin=before, end=before) == []
    assert book.promised_instants("x", begin=after, end=after) == []


def test_promises_of_one_calendar_are_copied_unless_already_there() -> None:
    """Release x has promises of calendar A, read in minutes 1 and 3, and one of B. Release y
    already has A's promise of minute 1. If A's promises are copied from x to y, only that of minute
    3 is new.
    """
    known_of_both, only_of_x = promise_read_in_minute(1, "A"), promise_read_in_minute(3, "A")
    of_other_calendar = promise_read_in_minute(2, "B")
    book = book_of(known_of_both, replace(known_of_both, release="y"), of_other_calendar, only_of_x)
    assert book.copy_promises("A", old="x", new="y") == [replace(only_of_x, release="y")]


def edition(day: date, title: str = "Example deaths: {}") -> SeriesEdition:
    return SeriesEdition(
        f"e{day}",
        "example",
        title.format(day.year),
        ("A",),
        Slot(Precision.DAY, first=day, last=day),
    )


MONTHS = [date(2026, month, 10) for month in (1, 2, 3, 4, 5, 6)]


def test_latest_edition_is_kept_in_any_order_of_adding() -> None:
    """The editions of one monthly series are added: January, March and then February. All three
    days are kept. The latest edition is that of March, although February was added last.
    """
    past = PastEditions()
    january, february, march = date(2026, 1, 10), date(2026, 2, 10), date(2026, 3, 10)
    for day in (january, march, february):
        past.add(edition(day), now=T0)
    (series,) = past.latest
    assert past.latest[series].release == edition(march).release
    assert past.days[series] == {january, february, march}


def test_of_two_editions_of_one_day_last_added_is_kept() -> None:
    """Of two editions of a series with a slot on the same day, the one that was added last is the
    latest.
    """
    past = PastEditions()
    on_10_january = edition(date(2026, 1, 10))
    past.add(replace(on_10_january, release="added first"), now=T0)
    past.add(replace(on_10_january, release="added last"), now=T0)
    (latest,) = past.latest.values()
    assert latest.release == "added last"


def windows_of_missing_editions(now: datetime) -> list[tuple[date, date]]:
    """Return the first and last day on which a missing edition is expected, after one a month from
    January to June.
    """
    found = find_missing_editions([edition(day) for day in MONTHS], PastEditions(), now)
    return [(expected.first, expected.last) for _last_edition, expected in found]


def test_edition_is_missing_until_last_expected_day() -> None:
    """A series had an edition on the 10th of each month from January to June. So the next one is
    expected around 10 July, between a first and a last day. No calendar announces it. On 10 July
    and on the last expected day it counts as missing. A day later it no longer does: perhaps the
    series has ended.
    """
    on_10_july = datetime(2026, 7, 10, 12, tzinfo=UTC)
    ((first_day, last_day),) = windows_of_missing_editions(on_10_july)
    on_last_day = datetime(last_day.year, last_day.month, last_day.day, 12, tzinfo=UTC)
    assert windows_of_missing_editions(on_last_day) == [(first_day, last_day)]
    assert windows_of_missing_editions(on_last_day + timedelta(days=1)) == []


def book_after_three_reads_of_a_without_x() -> PromiseBook:
    """Return two promises of release x by calendar A and one by B, after three reads of A that lack
    x.
    """
    book = book_of(
        promise_read_in_minute(1, "A"),
        promise_read_in_minute(2, "A"),
        promise_read_in_minute(3, "B"),
    )
    no_successors: list[str] = []
    book.replace_promises(book.count_unlisted("A", {"x": no_successors}, at_minute(10)))
    book.replace_promises(book.count_unlisted("A", {"x": no_successors}, at_minute(15)))
    book.replace_promises(book.count_unlisted("A", {"x": ["Another title"]}, at_minute(20)))
    return book


def test_reads_without_a_release_are_counted_in_last_promise() -> None:
    """Calendar A promised release x in minutes 1 and 2, and calendar B in minute 3. Then three
    reads of A lack x, in minutes 10, 15 and 20. The last of them shows a new entry, "Another
    title". Perhaps it replaces x, so it is noted as a successor. The last promise of A counts these
    three reads. The first promise of A and that of B count none.
    """
    book = book_after_three_reads_of_a_without_x()
    first_of_a, last_of_a, of_b = book.promises_of("x")
    assert last_of_a.unlisted == Unlisted(
        since=at_minute(10), reads=3, successors=("Another title",)
    )
    assert first_of_a.unlisted is None
    assert of_b.unlisted is None


def test_read_that_shows_a_release_again_ends_the_count() -> None:
    """Three reads of calendar A lack release x, and its promise counts them (`unlisted`). A read
    that shows x again ends the count (None). Another such read finds no count to end, so it changes
    no promise.
    """
    book = book_after_three_reads_of_a_without_x()
    book.replace_promises(book.mark_relisted("A", ["x"]))
    assert [promise.unlisted for promise in book.promises_of("x")] == [None, None, None]
    promises_changed_by_another_read = book.mark_relisted("A", ["x"])
    assert promises_changed_by_another_read == []


def test_unknown_release_is_neither_unlisted_nor_relisted() -> None:
    """A read that lacks a release, or shows it again, changes a promise.

    An unknown release has none.
    """
    book = book_of(promise_read_in_minute(1, "A"))
    assert book.count_unlisted("A", {"unknown release": []}, at_minute(10)) == []
    assert book.mark_relisted("A", ["unknown release"]) == []


def test_promises_that_a_former_leader_stored_late_are_merged_by_their_reads() -> None:
    earlier = promise_read_in_minute(1)
    known = replace(promise_read_in_minute(5), confirmed_at=at_minute(9))
    book = book_of(known)
    book.merge([earlier, replace(known, confirmed_at=at_minute(7))])
    assert book.promises_of("x") == [earlier, known]
    confirmed_later = replace(known, confirmed_at=at_minute(11))
    book.merge([earlier, confirmed_later])
    assert book.promises_of("x") == [earlier, confirmed_later]


def test_reads_of_a_clock_that_was_ahead_are_dated_back_and_sorted_again() -> None:
    """A clock an hour ahead dated a read of B. Then it was set back in minute 2."""
    true, ahead = promise_read_in_minute(1, "A"), promise_read_in_minute(60, "B")
    book = book_of(true, ahead)
    corrected = replace(ahead, learnt=at_minute(0))
    assert book.correct_dates(-60 * MINUTE, at_minute(2)) == {ahead: corrected}
    assert book.promises_of("x") == [corrected, true]


def test_span_of_days_is_near_until_it_has_passed() -> None:
    day = Slot(Precision.DAY, first=date(2026, 7, 23), last=date(2026, 7, 23))
    begins, passes = day.begins(), day.passes()
    assert begins is not None
    assert passes is not None
    book = book_of(promise_read_in_minute(1, slot=day))
    for now, is_near in [
        (begins - 2 * MINUTE, False),
        (begins - MINUTE, True),
        (passes + BEHIND - MINUTE, True),
        (passes + BEHIND, False),
    ]:
        assert book.find_near(["x"], now, ahead=MINUTE) == ["x"] * is_near
