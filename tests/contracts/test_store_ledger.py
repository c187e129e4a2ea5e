"""How every store finds what calendars said of releases: those of now, and those of long ago."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.ledger.dormant import long_over
from monitor.ledger.promises import PromiseBook
from monitor.ledger.state import CalendarState
from monitor.store.interface import Store
from monitor.store.memory.store import MemoryStore
from monitor.store.rows import Announced, SeriesEdition
from schedules.announcement import Announcement
from schedules.announcement import State as Standing
from schedules.as_json import announcement_json
from schedules.promise import Promise
from schedules.slot import Precision, Slot
from tests.contracts.test_store import DAY, MINUTE, SLOT, a_promise, a_release, slot_at

WEEK = timedelta(days=7)


def an_entry(release: str, gone: timedelta | None = None, calendar: str = "govuk", uid: str = "") -> Announced:
    left = None if gone is None else SLOT + gone
    said = Announcement(uid or release, "T", "ofqual", "https://x.example/", slot_at(SLOT), Standing.CONFIRMED)
    body = {"announcement": announcement_json(said)}
    return Announced(calendar, uid or release, body, SLOT - DAY, SLOT - DAY, left, release)


def test_releases_of_now_are_those_still_shown_shown_lately_or_promised_for_later(store: Store) -> None:
    with store.transaction() as tx:
        tx.save_announced([an_entry("shown"), an_entry("left", WEEK), an_entry("over", -MINUTE)])
        tx.save_announced([an_entry("moved", -DAY), an_entry("one-left", -DAY), an_entry("one-left", None, "ons")])
        tx.add_promises([a_promise("moved", slot=SLOT + 400 * DAY), a_promise("over", slot=SLOT - MINUTE)])
        tx.add_promises([a_promise("moved", SLOT, SLOT - DAY), a_promise("nobody's", slot=SLOT)])
    assert store.ledger.shown_since(SLOT) == ["left", "moved", "nobody's", "one-left", "shown"]
    assert store.ledger.shown_since(SLOT + WEEK + MINUTE) == ["moved", "one-left", "shown"]


def test_entries_are_found_by_release_and_by_name(store: Store) -> None:
    rows = [an_entry("a", uid="2"), an_entry("a", uid="1"), an_entry("a", None, "ons"), an_entry("b")]
    with store.transaction() as tx:
        tx.save_announced(rows)
    assert [(it.calendar, it.uid) for it in store.ledger.entries_of(["a", "c"])] == [
        ("govuk", "1"),
        ("govuk", "2"),
        ("ons", "a"),
    ]
    assert store.ledger.entries_of(["b"]) == [rows[3]]
    assert store.ledger.entries_named("govuk", ["a", "2", "b"]) == [rows[0], rows[3]]
    assert (store.ledger.entries_of([]), store.ledger.entries_named("ons", ["1"])) == ([], [])


def test_an_entry_with_half_of_a_pair_in_it_comes_back_as_it_was(store: Store) -> None:
    odd = replace(an_entry("a"), body={"announcement": {"title": "Trade \ud83d"}})
    with store.transaction() as tx:
        tx.save_announced([odd])
    assert store.ledger.entries_of(["a"]) == [odd]


def test_promises_in_the_same_words_are_each_of_their_own_release(store: Store) -> None:
    made = [a_promise("a"), a_promise("b"), replace(a_promise("b"), calendar="ons", confirmed_at=SLOT)]
    with store.transaction() as tx:
        tx.add_promises(made)
    assert store.ledger.promises(["a", "b"]) == sorted(made, key=lambda each: (each.learnt, each.release))


def test_releases_that_are_stored_otherwise_or_not_at_all_are_told(store: Store) -> None:
    kept = [a_release("a"), a_release("b"), a_release("c")]
    with store.transaction() as tx:
        tx.save_releases(kept)
    asked = [kept[0], replace(kept[1], title="Another"), replace(kept[2], joined_by="link"), a_release("d")]
    assert store.ledger.differing(asked) == ["b", "c", "d"]


def test_releases_are_found_by_name_and_by_what_is_in_their_title_or_address(store: Store) -> None:
    first = replace(a_release("a"), title="Deaths, 50% more_or less", url="https://x.example/Deaths-q1")
    others = [replace(a_release("b"), title="Births", url="https://x.example/births"), a_release("c")]
    away = replace(a_release("d"), title="Deaths", joined_into="a")
    with store.transaction() as tx:
        tx.save_releases([first, *others, away])
    assert store.ledger.releases_named(["b", "a", "unknown"]) == [first, others[0]]
    assert store.ledger.releases_named(["d"]) == [away]
    assert store.ledger.releases_alike("ofqual", "x.example/births", ["death"]) == [first, others[0]]
    assert store.ledger.releases_alike("ofqual", "x.example/none", ["0% MORE_"]) == [first]
    assert store.ledger.releases_alike("ofqual", "x.example/none", ["5_%"]) == []
    assert store.ledger.releases_alike("ons", "x.example", ["deaths"]) == []


def test_editions_come_in_pages_with_what_was_promised_last(store: Store) -> None:
    with store.transaction() as tx:
        tx.save_releases([*(a_release(name) for name in "abcd"), replace(a_release("gone"), joined_into="a")])
        tx.add_promises([a_promise(name) for name in ("a", "c", "gone")])
        tx.add_promises([a_promise("a", SLOT - DAY, SLOT + DAY), replace(a_promise("a"), calendar="ons")])
        tx.add_promises([replace(a_promise("b"), slot=Slot(Precision.NONE, raw="tbc"))])
    title = a_release().title
    a = SeriesEdition("a", "ofqual", title, ("govuk",), slot_at(SLOT + DAY))
    b = SeriesEdition("b", "ofqual", title, ("govuk",), Slot(Precision.NONE, raw="tbc"))
    c = replace(a, release="c", slot=slot_at(SLOT))
    assert store.ledger.editions() == [a, b, c]
    assert (store.ledger.editions(limit=2), store.ledger.editions("b")) == ([a, b], [c])


DAYS = st.integers(-3, 3).map(lambda days: days * DAY)


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["govuk", "ons"]), st.none() | DAYS, st.lists(DAYS)),
        unique_by=lambda told: told[:2],
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_let_go_of_is_what_a_start_would_leave_out(
    told: list[tuple[str, str, timedelta | None, list[timedelta]]],
) -> None:
    store, ledger = MemoryStore(), PromiseBook()
    entries = [an_entry(release, gone, calendar) for release, calendar, gone, _ in told]
    promises: list[Promise] = []
    for number, (release, calendar, _, slots) in enumerate(told):
        learnt = [SLOT - (10 * number + n) * DAY for n in range(len(slots))]
        made = (a_promise(release, at, SLOT + slot) for at, slot in zip(learnt, slots, strict=True))
        promises += [replace(promise, calendar=calendar) for promise in made]
    with store.transaction() as tx:
        tx.save_announced(entries)
        tx.add_promises(promises)
    ledger.add(store.ledger.promises())
    names = {it.calendar for it in entries}
    states = [CalendarState(name).recalling(store.ledger.announced(name)) for name in names]
    release_of = {(it.calendar, it.uid): it.release for it in entries}
    over = long_over(states, release_of, ledger, SLOT)
    assert over == {it.release for it in entries}.difference(store.ledger.shown_since(SLOT))
