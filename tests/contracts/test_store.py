"""What every store keeps to: the one in memory, SQLite, and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.judge.runs import Blind
from monitor.look.sighting import State
from monitor.store.interface import Store
from monitor.store.rows import Announced, CalendarRead
from schedules.announcement import State as Standing_
from schedules.slot import Precision, Slot
from tests.contracts.rows import (
    DAY,
    MINUTE,
    SECOND,
    SLOT,
    a_promise,
    a_release,
    a_run,
    judged,
    runs_of,
    slot_at,
)

# What goes in comes out


def test_a_release_comes_back_as_it_went_in_and_its_newest_version_counts(store: Store) -> None:
    newer = replace(a_release(), title="Malpractice: corrected", joined_by="title")
    with store.transaction() as tx:
        tx.save_release(a_release())
        tx.save_release(newer)
    assert store.ledger.release(newer.id) == newer
    assert store.ledger.releases() == [newer]
    assert store.ledger.release("nobody's") is None


def test_slots_of_every_precision_come_back_exactly(store: Store) -> None:
    july = Slot(Precision.MONTH, first=date(2016, 7, 1), last=date(2016, 7, 31), raw="July 2016", doubt="weekday")
    unread = Slot(Precision.NONE, raw="tbc", reason="no date")
    promises = [
        a_promise("a", SLOT - 3 * MINUTE),
        replace(a_promise("b", SLOT - 2 * MINUTE), slot=july, state=None, doubt="weekday"),
        replace(a_promise("c", SLOT - MINUTE), slot=unread, unlearnt=SLOT - DAY, state=Standing_.POSTPONED),
    ]
    with store.transaction() as tx:
        tx.add_promises(reversed(promises))
    assert store.ledger.promises() == promises
    assert store.ledger.promises(["c", "a"]) == [promises[0], promises[2]]
    assert store.ledger.promises([]) == []


def test_runs_come_back_to_the_microsecond_in_time_order(store: Store) -> None:
    runs = [
        replace(a_run("b/page/edge", SLOT), largest_gap=timedelta(microseconds=1_000_001), specific=True, digest="ff"),
        a_run("a/page/edge", SLOT + timedelta(microseconds=1)),
        replace(a_run("a/page/edge", SLOT + MINUTE), state=State.UNKNOWN, why="reset", status=None, evidence=()),
    ]
    with store.transaction() as tx:
        tx.save_runs(reversed(runs))
    assert runs_of(store, ["a/page/edge", "b/page/edge", "c"]) == runs
    assert runs_of(store, ["a/page/edge"]) == runs[1:]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(why=st.text(max_size=40), at=st.datetimes(timezones=st.just(UTC)), offset=st.integers(-12, 14))
def test_any_instant_and_any_printable_reason_survive(store: Store, why: str, at: datetime, offset: int) -> None:
    local = at.replace(year=2020).astimezone(UTC) + timedelta(hours=offset)
    run = replace(a_run("h/page/edge", local), why=why)
    with store.transaction() as tx:
        tx.save_runs([run])
    kept = next(found for found in runs_of(store, ["h/page/edge"]) if found.first_sent == local)
    assert kept.why == why.replace("\0", "\ufffd") or kept.why == why


def test_text_that_no_database_can_hold_does_not_stop_the_record(store: Store) -> None:
    with store.transaction() as tx:
        tx.save_runs([replace(a_run(), why="odd \0 header \ud800")])
    assert runs_of(store, ["r/page/edge"])[0].why.startswith("odd ")


def test_what_is_read_back_is_apart_from_what_is_kept(store: Store) -> None:
    mine = judged("r")
    with store.transaction() as tx:
        tx.save_judged(mine)
    mine.body["id"] = "changed after saving"
    first = store.verdicts.judged_one("r")
    assert first is not None
    first.body["id"] = "changed after reading"
    assert store.verdicts.judged_one("r") == judged("r")


# Slots


def test_releases_are_found_by_the_slot_of_their_newest_promise(store: Store) -> None:
    with store.transaction() as tx:
        for name in ("moved", "stays", "unread"):
            tx.save_release(a_release(name))
        tx.add_promises([a_promise("moved"), a_promise("stays")])
        tx.add_promises([a_promise("moved", SLOT - DAY, SLOT + DAY)])
        tx.add_promises([replace(a_promise("unread"), slot=Slot(Precision.NONE, raw="tbc"))])
    assert [it.id for it in store.ledger.releases(SLOT, SLOT + MINUTE)] == ["stays"]
    assert [it.id for it in store.ledger.releases(begin=SLOT + MINUTE)] == ["moved"]
    assert [it.id for it in store.ledger.releases(end=SLOT)] == []
    assert [it.id for it in store.ledger.releases()] == ["moved", "stays", "unread"]


def test_a_release_moved_too_late_is_still_found_by_the_slot_it_was_judged_on(store: Store) -> None:
    with store.transaction() as tx:
        tx.save_release(a_release("r"))
        tx.add_promises([a_promise(), a_promise(learnt=SLOT + MINUTE, slot=SLOT + DAY)])
        tx.save_judged(judged("r"))
    assert [it.id for it in store.ledger.releases(SLOT, SLOT + MINUTE)] == ["r"]


def test_verdicts_are_listed_by_slot_and_those_without_one_last(store: Store) -> None:
    with store.transaction() as tx:
        for release, slot in (("c", None), ("b", SLOT), ("a", SLOT), ("z", SLOT - DAY)):
            tx.save_judged(judged(release, slot))
    assert [it.release for it in store.verdicts.judged()] == store.verdicts.judged_ids() == ["z", "a", "b", "c"]
    assert [it.release for it in store.verdicts.judged(SLOT - DAY, SLOT)] == ["z"]
    assert store.verdicts.judged_ids(SLOT - DAY, SLOT) == ["z"]
    assert [it.release for it in store.verdicts.judged(begin=SLOT)] == ["a", "b"]
    assert store.verdicts.judged(producer="ons") == []


def test_only_verdicts_that_can_still_change_are_open(store: Store) -> None:
    with store.transaction() as tx:
        tx.save_judged(judged("done"))
        tx.save_judged(judged("open", final=False))
        tx.save_judged(judged("closing", final=False))
        tx.save_judged(judged("closing"))
    assert [it.release for it in store.verdicts.open_judged()] == ["open"]
    assert store.verdicts.judged_on(["open", "done", "unknown"]) == [judged("done"), judged("open", final=False)]


def test_a_release_joined_into_another_is_on_no_list_and_still_found_by_its_name(store: Store) -> None:
    old = replace(a_release("old"), joined_into="new")
    with store.transaction() as tx:
        tx.save_releases([old, a_release("new")])
        tx.add_promises([a_promise("old"), a_promise("new")])
        tx.save_judged(judged("old", final=False))
        tx.save_judged(judged("new", final=False))
    assert (
        [it.id for it in store.ledger.releases()]
        == [it.id for it in store.ledger.releases(SLOT, SLOT + MINUTE)]
        == ["new"]
    )
    assert (
        [it.release for it in store.verdicts.judged()] == [it.release for it in store.verdicts.open_judged()] == ["new"]
    )
    assert [it.release for it in store.verdicts.judged(SLOT, SLOT + MINUTE, producer="ofqual")] == ["new"]
    assert (store.ledger.release("old"), len(store.ledger.promises(["old"]))) == (old, 1)
    assert store.verdicts.judged_one("old") is not None
    with store.transaction() as tx:
        tx.save_release(a_release("old"))
    assert [it.id for it in store.ledger.releases()] == ["new", "old"]
    assert len(store.verdicts.judged()) == 2


# The ledger and the calendars


def test_a_promise_learnt_once_is_never_altered(store: Store) -> None:
    with store.transaction() as tx:
        tx.add_promises([a_promise()])
        tx.add_promises([replace(a_promise(), why="rewritten", slot=slot_at(SLOT + DAY))])
    assert store.ledger.promises() == [a_promise()]


def test_only_the_newest_promise_of_a_calendar_is_confirmed_and_never_backwards(store: Store) -> None:
    newer = a_promise(learnt=SLOT - DAY, slot=SLOT + DAY)
    other = replace(a_promise(), calendar="ons")
    with store.transaction() as tx:
        tx.add_promises([a_promise(), newer, other, a_promise("s")])
        tx.confirm_all("govuk", ["r", "unknown"], SLOT)
        tx.confirm_all("govuk", ["r", "s"], SLOT - MINUTE)
    confirmed = [(it.release, it.calendar, it.confirmed_at) for it in store.ledger.promises() if it.confirmed_at]
    assert confirmed == [("s", "govuk", SLOT - MINUTE), ("r", "govuk", SLOT)]
    assert store.ledger.promises(["r"])[-1] == replace(newer, confirmed_at=SLOT)


def test_entries_of_a_calendar_are_replaced_touched_and_kept_apart_from_others(store: Store) -> None:
    entry = Announced("govuk", "1", {"title": "T"}, SLOT - DAY, SLOT - DAY)
    gone = Announced("govuk", "2", {"title": "U"}, SLOT - DAY, SLOT - DAY, gone=SLOT)
    with store.transaction() as tx:
        tx.save_announced([entry, gone, replace(entry, calendar="ons")])
        tx.save_announced([replace(entry, body={"title": "New"})])
        tx.touch_announced("govuk", ["1", "2", "unknown"], SLOT + DAY)
    back = [replace(it, seen_last=SLOT + DAY, gone=None) for it in (entry, gone)]
    assert store.ledger.announced("govuk") == [replace(back[0], body={"title": "New"}), back[1]]
    assert store.ledger.announced("ons") == [replace(entry, calendar="ons")]


def test_reads_are_listed_newest_first(store: Store) -> None:
    reads = [CalendarRead("govuk", SLOT + n * MINUTE, SLOT + n * MINUTE + SECOND, usable=True) for n in range(3)]
    other = replace(reads[1], calendar="ons", usable=False, fault="timeout")
    with store.transaction() as tx:
        for read in (*reads, other):
            tx.add_read(read)
    assert store.ledger.reads("govuk", limit=2) == [reads[2], reads[1]]
    assert store.ledger.reads() == [reads[2], other, reads[1], reads[0]]


def test_thinning_forgets_only_old_reads_that_repeat_the_one_before(store: Store) -> None:
    digests = ["a", "a", "b", "b", "a", "a"]
    reads = [
        CalendarRead("govuk", SLOT + n * MINUTE, SLOT + n * MINUTE, usable=True, digest=digest)
        for n, digest in enumerate(digests)
    ]
    with store.transaction() as tx:
        for read in reads:
            tx.add_read(read)
        tx.add_read(replace(reads[1], calendar="ons"))
    stale = store.ledger.stale_reads(SLOT + 5 * MINUTE)
    assert stale == [("govuk", SLOT + MINUTE), ("govuk", SLOT + 3 * MINUTE)]
    with store.transaction() as tx:
        tx.forget_reads(stale)
        tx.forget_reads([])
    assert store.ledger.reads("govuk")[::-1] == [reads[0], reads[2], reads[4], reads[5]]
    assert len(store.ledger.reads("ons")) == 1


def test_room_is_handed_back_and_the_store_refreshed_without_a_word_lost(store: Store) -> None:
    with store.transaction() as tx:
        for number in range(300):
            tx.save_judged(judged(f"r{number}"))
    store.refresh()
    while store.give_back(50):
        pass
    assert len(store.verdicts.judged()) == 300


# Runs and blind spans


def test_a_blind_span_of_months_is_found_from_any_instant_in_it(store: Store) -> None:
    spans = [Blind(SLOT, SLOT + 200 * DAY, "stopped"), Blind(SLOT + 150 * DAY, SLOT + 151 * DAY, "dns", host="h")]
    with store.transaction() as tx:
        for span in spans:
            tx.add_blind(span)
    assert store.runs.blind(SLOT + 150 * DAY, SLOT + 152 * DAY) == spans
    assert store.runs.blind(SLOT + 152 * DAY, SLOT + 153 * DAY) == spans[:1]
    assert store.runs.blind(SLOT + 201 * DAY, SLOT + 300 * DAY) == []


def test_several_runs_become_one_and_all_others_stay(store: Store) -> None:
    times = [SLOT + n * MINUTE for n in range(4)]
    runs = [replace(a_run(), first_sent=at, last_received=at, begin=at, end=at) for at in times]
    other = replace(runs[1], target="r/page/origin")
    merged = replace(runs[0], last_received=times[2], end=times[2], looks=3, failed=7)
    with store.transaction() as tx:
        tx.save_runs([*runs, other])
        tx.merge_runs(runs[:3], [merged])
        tx.merge_runs([], [])
    assert runs_of(store, ["r/page/edge"]) == [merged, runs[3]]
    assert runs_of(store, ["r/page/origin"]) == [other]


def test_a_release_is_crowded_when_one_of_its_targets_has_too_many_runs(store: Store) -> None:
    times = [SLOT + n * MINUTE for n in range(3)]
    with store.transaction() as tx:
        for target in ("a/b/page/edge", "c/page/edge"):
            count = 3 if target.startswith("a") else 2
            tx.save_runs(replace(a_run(target), first_sent=at, last_received=at) for at in times[:count])
    assert (store.runs.crowded(2), store.runs.crowded(1), store.runs.crowded(3)) == (["a/b"], ["a/b", "c"], [])


def test_a_run_saved_again_is_extended_not_added(store: Store) -> None:
    longer = replace(a_run(), last_received=SLOT + MINUTE, end=SLOT + MINUTE, looks=61)
    with store.transaction() as tx:
        tx.save_runs([a_run()])
    with store.transaction() as tx:
        tx.save_runs([longer])
    assert runs_of(store, ["r/page/edge"]) == [longer]


def test_two_monitors_that_begin_a_look_at_one_instant_keep_a_run_each(store: Store) -> None:
    north, south = (replace(a_run(), monitor=name, looks=looks) for name, looks in (("north", 3), ("south", 5)))
    with store.transaction() as tx:
        tx.save_runs([south, north])
        tx.save_runs([replace(north, looks=4)])
    assert runs_of(store, ["r/page/edge"]) == [replace(north, looks=4), south]
    with store.transaction() as tx:
        tx.merge_runs([south], [])
    assert runs_of(store, ["r/page/edge"]) == [replace(north, looks=4)]


def test_the_runs_of_a_release_are_those_of_its_own_targets_alone(store: Store) -> None:
    names = ["r/page/edge", "r/page/origin", "r-2/page/edge", "r0/page/edge", "R/page/edge", "é/page/edge", "r"]
    with store.transaction() as tx:
        tx.save_releases(a_release(name) for name in ("r", "r-2", "r0", "R", "é", "é/page", "0"))
        tx.save_runs([a_run(name, SLOT + n * SECOND) for n, name in enumerate(names)])
    assert [run.target for run in store.runs.of_release("r")] == names[:2]
    assert [run.target for run in store.runs.of_release("é")] == ["é/page/edge"]
    assert [run.target for run in store.runs.of_releases(["é", "r", "unknown"])] == [names[0], names[1], names[5]]
    assert store.runs.of_releases([]) == []


def test_more_targets_than_one_statement_can_name_are_still_found(store: Store) -> None:
    names = [f"r{n:04}/page/edge" for n in range(1201)]
    with store.transaction() as tx:
        tx.save_runs([a_run(name) for name in names])
    assert [run.target for run in runs_of(store, names)] == names


def test_blind_spans_are_extended_and_found_where_they_touch(store: Store) -> None:
    span = Blind(SLOT, SLOT + MINUTE, "stopped")
    hosted = Blind(SLOT, SLOT + MINUTE, "network", host="www.gov.uk")
    with store.transaction() as tx:
        tx.add_blind(span)
        tx.add_blind(hosted)
        tx.add_blind(replace(span, ends=SLOT + 2 * MINUTE))
        tx.add_blind(replace(span, ends=SLOT + SECOND))
    longer = replace(span, ends=SLOT + 2 * MINUTE)
    assert store.runs.blind(SLOT - DAY, SLOT + DAY) == [hosted, longer]
    assert store.runs.blind(SLOT + 90 * SECOND, SLOT + DAY) == [longer]
    assert store.runs.blind(SLOT - DAY, SLOT) == []
