"""Each store finds the announcements of current and of past releases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.ledger.memory import find_past_releases
from monitor.ledger.promises import PromiseBook
from monitor.ledger.state import CalendarState
from monitor.store.rows import SeriesEdition
from monitor.store.sql.engine import Store
from schedules.promise import Promise
from schedules.slot import Slot
from tests.worlds.instants import DAY, MINUTE, SLOT
from tests.worlds.releases import a_promise, a_release, a_slot, no_slot
from tests.worlds.stores import TemporaryStore, a_claim, an_entry

WEEK = 7 * DAY


def promised(release: str, slot: datetime | Slot = SLOT, **fields: object) -> Promise:
    return a_promise(slot, release=release, **{"learnt": SLOT - 28 * DAY, **fields})


def test_releases_of_now_are_those_still_shown_shown_lately_or_promised_for_later(
    store: Store,
) -> None:
    with store.transaction() as tx:
        tx.save(
            an_entry("shown"),
            an_entry("left", gone=SLOT + WEEK),
            an_entry("over", gone=SLOT - MINUTE),
        )
        tx.save(*(an_entry(name, gone=SLOT - DAY) for name in ("moved", "one-left")))
        tx.save(an_entry("one-left", "ons"))
        tx.add_promises([promised("moved", SLOT + 400 * DAY), promised("over", SLOT - MINUTE)])
        tx.add_promises([promised("moved", SLOT - DAY, learnt=SLOT), promised("nobody's")])
    assert store.ledger.shown_since(SLOT) == ["left", "moved", "nobody's", "one-left", "shown"]
    assert store.ledger.shown_since(SLOT + WEEK + MINUTE) == ["moved", "one-left", "shown"]


def test_entries_are_found_by_release_and_by_name(store: Store) -> None:
    rows = [an_entry("a", uid="2"), an_entry("a", uid="1"), an_entry("a", "ons"), an_entry("b")]
    with store.transaction() as tx:
        tx.save(*rows)
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
        tx.save(odd)
    assert store.ledger.entries_of(["a"]) == [odd]


def test_promises_in_the_same_words_are_each_of_their_own_release(store: Store) -> None:
    made = [promised("a"), promised("b"), promised("b", calendar="ons")]
    with store.transaction() as tx:
        tx.add_promises(made)
    assert store.ledger.promises(["a", "b"]) == sorted(
        made, key=lambda each: (each.learnt, each.release)
    )


def test_releases_that_are_stored_otherwise_or_not_at_all_are_told(store: Store) -> None:
    kept = [a_release(id=name) for name in "abc"]
    with store.transaction() as tx:
        tx.save(*kept)
    asked = [
        kept[0],
        replace(kept[1], title="Another"),
        replace(kept[2], joined_by="link"),
        a_release(id="d"),
    ]
    assert store.ledger.differing(asked) == ["b", "c", "d"]


def test_releases_are_found_by_name_and_by_what_is_in_their_title_or_address(store: Store) -> None:
    first = a_release(id="a", title="Deaths, 50% more_or less", url="https://x.example/Deaths-q1")
    others = [a_release(id="b", title="Births", url="https://x.example/births"), a_release(id="c")]
    away = a_release(id="d", title="Deaths", joined_into="a")
    with store.transaction() as tx:
        tx.save(first, *others, away)
    assert store.ledger.releases_named(["b", "a", "unknown"]) == [first, others[0]]
    assert store.ledger.releases_named(["d"]) == [away]
    assert store.ledger.releases_alike("ofqual", "x.example/births", ["death"]) == [
        first,
        others[0],
    ]
    assert store.ledger.releases_alike("ofqual", "x.example/none", ["0% MORE_"]) == [first]
    assert store.ledger.releases_alike("ofqual", "x.example/none", ["5_%"]) == []
    assert store.ledger.releases_alike("ons", "x.example", ["deaths"]) == []
    assert store.ledger.releases_titled(["deaths", "50"]) == [first]
    assert store.ledger.releases_titled(["deaths", "births"]) == []


def test_editions_come_in_pages_with_what_was_promised_last(store: Store) -> None:
    with store.transaction() as tx:
        tx.save(*(a_release(id=name) for name in "abcd"), a_release(id="gone", joined_into="a"))
        tx.add_promises([*map(promised, ("a", "c", "gone")), promised("b", no_slot())])
        tx.add_promises(
            [promised("a", SLOT + DAY, learnt=SLOT - DAY), promised("a", calendar="ons")]
        )
    a = SeriesEdition("a", "ofqual", a_release().title, ("govuk",), a_slot(SLOT + DAY))
    b, c = replace(a, release="b", slot=no_slot()), replace(a, release="c", slot=a_slot())
    assert store.ledger.editions() == [a, b, c]
    assert (store.ledger.editions(limit=2), store.ledger.editions("b")) == ([a, b], [c])


def test_a_claim_of_the_public_record_is_kept_once_and_found_by_its_time_and_address(
    store: Store,
) -> None:
    claim, restamped = a_claim(title="Ä"), a_claim(at=SLOT + MINUTE, slot=None, slot_source="")
    elsewhere = a_claim(producer="dfe", url="https://www.gov.uk/government/statistics/b")
    with store.transaction() as tx:
        added = [
            tx.add(one)
            for one in (claim, elsewhere, restamped, replace(claim, read=SLOT + 2 * DAY))
        ]
    assert added == [True, True, True, False]
    assert store.ledger.claims() == [elsewhere, claim, restamped]
    assert store.ledger.claims(SLOT, SLOT + MINUTE) == [elsewhere, claim]
    assert store.ledger.claims(url=claim.url) == [claim, restamped]


DAYS = st.integers(-3, 3).map(lambda days: days * DAY)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(["govuk", "ons"]),
            st.none() | DAYS,
            st.lists(DAYS),
        ),
        unique_by=lambda row: row[:2],
    )
)
@settings(deadline=None)
def test_what_is_dropped_from_memory_is_what_a_start_would_leave_out(
    drawn: list[tuple[str, str, timedelta | None, list[timedelta]]],
) -> None:
    store, ledger = TemporaryStore(), PromiseBook()
    entries = [
        an_entry(name, calendar, gone=None if gone is None else SLOT + gone)
        for name, calendar, gone, _ in drawn
    ]
    promises = [
        promised(release, SLOT + slot, calendar=calendar, learnt=SLOT - (10 * number + n) * DAY)
        for number, (release, calendar, _, slots) in enumerate(drawn)
        for n, slot in enumerate(slots)
    ]
    with store.transaction() as tx:
        tx.save(*entries)
        tx.add_promises(promises)
    ledger.add(store.ledger.promises())
    states = [
        CalendarState(name).with_stored_entries(store.ledger.announced(name))
        for name in {it.calendar for it in entries}
    ]
    over = find_past_releases(
        states, {(it.calendar, it.uid): it.release for it in entries}, ledger, SLOT
    )
    assert over == {it.release for it in entries}.difference(store.ledger.shown_since(SLOT))
