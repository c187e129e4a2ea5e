"""An entry keeps its id if its calendar shows it under another one, and each edition has its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from schedules.announcement import Announcement
from schedules.same_entry import find_next_editions, keep_ids
from schedules.slot import Precision, Slot

OCTOBER, NOVEMBER = "Example apples: October 2026", "Example apples: November 2026"
PAGE = "https://stats.example/apples"
MADE, MADE_AGAIN = "0123456789abcdef", "fedcba9876543210"
BEFORE, AFTER = datetime(2026, 12, 10, 9, tzinfo=UTC), datetime(2026, 12, 10, 10, tzinfo=UTC)


def entry(uid: str, title: str = OCTOBER, *, day: int = 10, url: str = PAGE) -> Announcement:
    """Return an entry with a slot at 09:30 of a day in December."""
    slot = Slot(Precision.INSTANT, datetime(2026, 12, day, 9, 30, tzinfo=UTC))
    return Announcement(uid, title, "example-office", url, slot)


def ids_kept(
    known: list[Announcement],
    *shown: Announcement,
    at: datetime = BEFORE,
    has_given_ids: bool = False,
) -> list[str]:
    by_uid = {each.uid: each for each in known}
    return [each.uid for each in keep_ids(by_uid, shown, at, has_given_ids=has_given_ids)]


@pytest.mark.parametrize("title", [OCTOBER, "Example apples"])
@pytest.mark.parametrize("at", [BEFORE, AFTER])
def test_entry_with_another_id_at_each_download_keeps_its_first(title: str, at: datetime) -> None:
    assert ids_kept([entry("a", title)], entry("b", title), at=at) == ["a"]


def test_entry_with_another_slot_keeps_its_id() -> None:
    moved = entry("b", day=11)
    assert ids_kept([entry("a")], moved) == ids_kept([entry("a")], moved, at=AFTER) == ["a"]


@pytest.mark.parametrize("at", [BEFORE, AFTER])
def test_entry_with_another_link_keeps_an_id_made_from_it(at: datetime) -> None:
    relinked = entry(MADE_AGAIN, url="https://stats.example/new")
    assert ids_kept([entry(MADE)], relinked, at=at) == [MADE]
    assert ids_kept([entry(MADE)], replace(relinked, uid="b"), at=at) == ["b"]


@pytest.mark.parametrize("title", ["Exmaple apples: October 2026", NOVEMBER])
def test_entry_with_a_corrected_title_keeps_an_id_made_from_it(title: str) -> None:
    """Unless another entry of its address and time may be the old one too."""
    known, corrected = [entry(MADE, title)], entry(MADE_AGAIN)
    assert ids_kept(known, corrected) == [MADE]
    assert ids_kept([entry("a", title)], corrected) == [MADE_AGAIN]
    assert ids_kept(known, replace(corrected, slot=entry("", day=17).slot)) == [MADE_AGAIN]
    assert ids_kept(known, known[0], corrected) == [MADE, MADE_AGAIN]
    two = [*known, entry("00112233445566778899", "Example pears: October 2026")]
    assert ids_kept(two, corrected) == [MADE_AGAIN]


def test_entry_of_a_series_with_another_slot_is_new() -> None:
    """Its title has no period, so it may be the next edition."""
    known = [entry("a", "Example apples")]
    assert ids_kept(known, entry("b", "Example apples", day=17)) == ["b"]


def test_entry_is_new_beside_the_old_one_or_if_it_may_be_either_of_two() -> None:
    assert ids_kept([entry("a")], entry("a"), entry("b")) == ["a", "b"]
    assert ids_kept([entry("a"), entry("b")], entry("c")) == ["c"]


def test_of_two_entries_with_new_ids_each_keeps_the_one_of_its_time() -> None:
    known = [entry("a"), entry("b", day=17)]
    assert ids_kept(known, entry("d", day=17), entry("c")) == ["b", "a"]
    assert ids_kept([entry("a")], entry("d", day=17), entry("c")) == ["d", "a"]


def test_entry_beside_a_row_used_again_does_not_get_its_id() -> None:
    known, own = [entry("apples")], "apples@2026-nov"
    november = entry("apples", NOVEMBER, day=17)
    shown = (november, entry("x", NOVEMBER, day=17))
    known_too = [*known, replace(november, uid=own)]
    assert ids_kept(known, *shown, at=AFTER) == [own, "x"]
    assert ids_kept(known_too, *shown, at=AFTER) == [own, "x"]


def test_entry_that_a_person_gave_another_id_is_new() -> None:
    """An id that was made from a row is not a person's."""
    assert ids_kept([entry("a")], entry("b"), has_given_ids=True) == ["b"]
    assert ids_kept([entry(MADE)], entry(MADE_AGAIN), has_given_ids=True) == [MADE]


def test_row_used_again_for_the_next_edition_gets_an_id_of_its_own() -> None:
    """It keeps this id when its slot has passed too. The edition after it has another one."""
    october, november = entry("apples"), entry("apples", NOVEMBER, day=17)
    (own,) = keep_ids({"apples": october}, [november], AFTER, has_given_ids=True)
    assert own.uid == "apples@2026-nov"
    known, much_later = [october, own], datetime(2027, 1, 5, tzinfo=UTC)
    assert ids_kept(known, november, at=much_later) == [own.uid]
    december = entry("apples", "Example apples: December 2026", day=31)
    assert ids_kept(known, december, at=datetime(2026, 12, 20, tzinfo=UTC)) == ["apples@2026-dec"]


@pytest.mark.parametrize(
    ("shown", "at"),
    [
        pytest.param(entry("apples", NOVEMBER, day=17), BEFORE, id="before its slot"),
        pytest.param(entry("apples", NOVEMBER), AFTER, id="without another slot"),
        pytest.param(entry("apples", day=17), AFTER, id="without another period"),
    ],
)
def test_corrected_row_keeps_its_id(shown: Announcement, at: datetime) -> None:
    assert ids_kept([entry("apples")], shown, at=at) == ["apples"]


@pytest.mark.parametrize(
    ("shown", "published", "found"),
    [
        pytest.param(entry(MADE, "Example apples", day=17), 10, [f"{MADE}@2026-12-17"], id="later"),
        pytest.param(entry(MADE, "Example apples"), 10, [], id="the same day"),
        pytest.param(entry(MADE, "Example apples", day=17), None, [], id="not out"),
        pytest.param(entry(MADE, day=17), 10, [], id="with a period"),
        pytest.param(entry("a", "Example apples", day=17), 10, [], id="with an id of its own"),
    ],
)
def test_row_without_a_period_may_be_the_next_edition_once_its_release_is_out(
    shown: Announcement, published: int | None, found: list[str]
) -> None:
    slots = {}
    if published is not None:
        slots[shown.uid] = datetime(2026, 12, published, 9, 30, tzinfo=UTC)
    assert [each.uid for each in find_next_editions([shown], slots, AFTER)] == found


def test_row_without_a_period_keeps_the_id_of_its_last_edition() -> None:
    """So does one that then moves. If the row shows the first time again, it is that edition."""
    first, next_week = entry(MADE, "Example apples"), entry(MADE, "Example apples", day=17)
    known = [first, replace(next_week, uid=f"{MADE}@2026-12-17")]
    assert ids_kept(known, next_week, at=AFTER) == [f"{MADE}@2026-12-17"]
    assert ids_kept(known, replace(next_week, slot=entry(MADE, day=18).slot), at=AFTER) == [
        f"{MADE}@2026-12-17"
    ]
    assert ids_kept(known, first, at=AFTER) == [MADE]


def test_next_edition_comes_after_one_that_first_had_a_later_day() -> None:
    """The day in the id of the edition before was perhaps a typing error."""
    first, corrected = entry(MADE, "Example apples"), entry(MADE, "Example apples", day=17)
    second = replace(corrected, uid=f"{MADE}@2027-12-17")
    january = Slot(Precision.INSTANT, datetime(2027, 1, 21, 9, 30, tzinfo=UTC))
    next_shown = replace(corrected, slot=january)
    known, at = {each.uid: each for each in (first, second)}, datetime(2026, 12, 20, tzinfo=UTC)
    (moved,) = keep_ids(known, [next_shown], at, has_given_ids=False)
    (third,) = find_next_editions([moved], {second.uid: corrected.slot.begins()}, at)
    assert moved.uid == second.uid
    assert ids_kept([first, moved, third], next_shown, at=at) == [third.uid]
    assert third.uid == f"{MADE}@2027-12-17+2027-01-21"


def test_undated_row_keeps_its_id_beside_the_dated_ones_of_its_row() -> None:
    """It has that id only if the calendar had both when it was read first."""
    undated = replace(entry(MADE), slot=Slot(Precision.NONE))
    known = [entry(MADE), replace(undated, uid=f"{MADE}@undated")]
    assert ids_kept(known, entry(MADE), undated) == [MADE, f"{MADE}@undated"]
    assert ids_kept(known, undated) == [f"{MADE}@undated"]
    assert ids_kept(known[:1], undated) == [MADE]
