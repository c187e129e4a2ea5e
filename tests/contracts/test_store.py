"""The store behaves alike on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.judge.runs import Blind, Run
from monitor.store.sql.engine import Store
from schedules.announcement import State as Standing
from schedules.promise import Promise
from tests.worlds.instants import DAY, MINUTE, SECOND, SLOT
from tests.worlds.looks import EDGE, UNKNOWN, a_run
from tests.worlds.releases import SHEET, a_promise, a_release, a_slot, no_slot
from tests.worlds.stores import a_read, a_verdict_row, an_entry, runs_of


def new_promise(release: str = "r", **fields: object) -> Promise:
    """Return a promise that no later read has confirmed yet."""
    return a_promise(release=release, confirmed_at=None, **fields)


# What goes in comes out


def test_a_release_comes_back_as_it_was_and_its_newest_version_counts(store: Store) -> None:
    older = a_release(
        replace(SHEET, recognise="status", required=False), title="Malpractice “late” summer 2017"
    )
    newer = replace(older, title="Malpractice: corrected", joined_by="title")
    with store.transaction() as tx:
        tx.save(older)
        tx.save(newer)
    assert store.ledger.release("r") == newer
    assert store.ledger.releases() == [newer]
    assert store.ledger.release("nobody's") is None


def test_slots_of_every_precision_come_back_exactly(store: Store) -> None:
    july = a_slot(date(2016, 7, 1), date(2016, 7, 31), raw="July 2016", doubt="weekday")
    promises = [
        new_promise("a", learnt=SLOT - 3 * MINUTE, why="as planned"),
        new_promise("b", learnt=SLOT - 2 * MINUTE, slot=july, state=None, doubt="weekday"),
        new_promise(
            "c", learnt=SLOT - MINUTE, slot=no_slot(), unlearnt=SLOT - DAY, state=Standing.POSTPONED
        ),
    ]
    with store.transaction() as tx:
        tx.add_promises(reversed(promises))
    assert store.ledger.promises() == promises
    assert store.ledger.promises(["c", "a"]) == [promises[0], promises[2]]
    assert store.ledger.promises([]) == []


def test_runs_come_back_to_the_microsecond_in_time_order(store: Store) -> None:
    first = a_run(
        "b/page/edge",
        first=SLOT,
        largest_gap=timedelta(microseconds=1_000_001),
        specific=True,
        digest="ff",
    )
    second = a_run(
        "a/page/edge", first=SLOT + timedelta(microseconds=1), status=404, evidence=("m-1", "m-2")
    )
    third = a_run("a/page/edge", UNKNOWN, SLOT + MINUTE, SLOT + 2 * MINUTE, why="reset")
    with store.transaction() as tx:
        tx.save(third, second, first)
    assert runs_of(store, "a/page/edge", "b/page/edge", "c") == [first, second, third]
    assert runs_of(store, "a/page/edge") == [second, third]


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    why=st.text(max_size=40), at=st.datetimes(timezones=st.just(UTC)), offset=st.integers(-12, 14)
)
def test_any_instant_and_any_printable_reason_survive(
    store: Store, why: str, at: datetime, offset: int
) -> None:
    local = at.replace(year=2020).astimezone(UTC) + timedelta(hours=offset)
    with store.transaction() as tx:
        tx.save(a_run("h/page/edge", first=local, why=why))
    (kept,) = (run for run in runs_of(store, "h/page/edge") if run.first_sent == local)
    assert kept.why in (why, why.replace("\0", "\ufffd"))


def test_text_that_no_database_can_keep_does_not_stop_the_record(store: Store) -> None:
    with store.transaction() as tx:
        tx.save(a_run(why="odd \0 header \ud800"))
    assert runs_of(store, EDGE)[0].why.startswith("odd ")


def test_a_row_that_was_read_is_apart_from_the_one_that_is_kept(store: Store) -> None:
    mine = a_verdict_row()
    with store.transaction() as tx:
        tx.save(mine)
    mine.body["id"] = "changed after saving"
    store.verdicts.judged_one("r").body["id"] = "changed after reading"
    assert store.verdicts.judged_one("r") == a_verdict_row()


# Slots


def released(store: Store, begin: datetime | None = None, end: datetime | None = None) -> list[str]:
    return [each.id for each in store.ledger.releases(begin, end)]


def test_releases_are_found_by_the_slot_of_their_newest_promise(store: Store) -> None:
    with store.transaction() as tx:
        tx.save(*(a_release(id=name) for name in ("moved", "stays", "unread")))
        tx.add_promises(
            [new_promise("moved"), new_promise("stays"), new_promise("unread", slot=no_slot())]
        )
        tx.add_promises([new_promise("moved", slot=a_slot(SLOT + DAY), learnt=SLOT - DAY)])
    assert released(store, SLOT, SLOT + MINUTE) == ["stays"]
    assert released(store, begin=SLOT + MINUTE) == ["moved"]
    assert released(store, end=SLOT) == []
    assert released(store) == ["moved", "stays", "unread"]


def test_a_release_moved_too_late_is_found_by_the_slot_it_was_judged_on(store: Store) -> None:
    with store.transaction() as tx:
        tx.save(a_release())
        tx.add_promises([new_promise(), new_promise(learnt=SLOT + MINUTE, slot=a_slot(SLOT + DAY))])
        tx.save(a_verdict_row())
    assert released(store, SLOT, SLOT + MINUTE) == ["r"]


def judged(store: Store, *args: object, **query: object) -> list[str]:
    return [each.release for each in store.verdicts.judged(*args, **query)]


def test_verdicts_are_listed_by_slot_and_those_without_one_last(store: Store) -> None:
    with store.transaction() as tx:
        for release, slot in (("c", None), ("b", SLOT), ("a", SLOT), ("z", SLOT - DAY)):
            tx.save(a_verdict_row(release, slot=slot))
    assert judged(store) == store.verdicts.judged_ids() == ["z", "a", "b", "c"]
    assert judged(store, SLOT - DAY, SLOT) == store.verdicts.judged_ids(SLOT - DAY, SLOT) == ["z"]
    assert judged(store, begin=SLOT) == ["a", "b"]
    assert judged(store, producer="ons") == []


def test_names_of_a_report_are_known_without_reading_verdicts(store: Store) -> None:
    with store.transaction() as tx:
        tx.save(a_release(), a_release(id="s"), a_verdict_row(), a_verdict_row("s"))
    assert (store.verdicts.producers(), store.ledger.urls()) == (["ofqual"], [a_release().url])


def test_only_verdicts_that_can_still_change_are_open(store: Store) -> None:
    still = a_verdict_row("open", final=False)
    with store.transaction() as tx:
        for row in (
            a_verdict_row("done"),
            still,
            a_verdict_row("closing", final=False),
            a_verdict_row("closing"),
        ):
            tx.save(row)
    assert store.verdicts.open_judged() == [still]
    assert store.verdicts.judged_on(["open", "done", "unknown"]) == [a_verdict_row("done"), still]


def test_a_release_joined_into_another_is_on_no_list_and_is_found_by_its_name(store: Store) -> None:
    old = a_release(id="old", joined_into="new")
    with store.transaction() as tx:
        tx.save(old, a_release(id="new"))
        tx.add_promises([new_promise("old"), new_promise("new")])
        for name in ("old", "new"):
            tx.save(a_verdict_row(name, final=False))
    assert released(store) == released(store, SLOT, SLOT + MINUTE) == ["new"]
    assert judged(store) == judged(store, SLOT, SLOT + MINUTE, producer="ofqual") == ["new"]
    assert [each.release for each in store.verdicts.open_judged()] == ["new"]
    assert (store.ledger.release("old"), len(store.ledger.promises(["old"]))) == (old, 1)
    assert store.verdicts.judged_one("old") is not None
    with store.transaction() as tx:
        tx.save(a_release(id="old"))
    assert released(store) == ["new", "old"]
    assert len(store.verdicts.judged()) == 2


# The ledger and the calendars


def test_a_promise_that_was_added_is_never_changed(store: Store) -> None:
    with store.transaction() as tx:
        tx.add_promises([new_promise()])
        tx.add_promises([new_promise(why="rewritten", slot=a_slot(SLOT + DAY))])
    assert store.ledger.promises() == [new_promise()]


def test_only_the_newest_promise_of_a_calendar_is_confirmed_and_never_backwards(
    store: Store,
) -> None:
    newer = new_promise(learnt=SLOT - DAY, slot=a_slot(SLOT + DAY))
    with store.transaction() as tx:
        tx.add_promises([new_promise(), newer, new_promise(calendar="ons"), new_promise("s")])
        tx.confirm_all("govuk", ["r", "unknown"], SLOT)
        tx.confirm_all("govuk", ["r", "s"], SLOT - MINUTE)
    confirmed = [
        (it.release, it.calendar, it.confirmed_at)
        for it in store.ledger.promises()
        if it.confirmed_at
    ]
    assert confirmed == [("s", "govuk", SLOT - MINUTE), ("r", "govuk", SLOT)]
    assert store.ledger.promises(["r"])[-1] == replace(newer, confirmed_at=SLOT)


def test_entries_of_a_calendar_are_replaced_touched_and_kept_apart_from_others(
    store: Store,
) -> None:
    first, gone, other = an_entry("1"), an_entry("2", gone=SLOT), an_entry("1", "ons")
    newer = replace(first, body={"title": "New"})
    with store.transaction() as tx:
        tx.save(first, gone, other)
        tx.save(newer)
        tx.confirm_entries("govuk", ["1", "2", "unknown"], SLOT + DAY)
    assert store.ledger.announced("govuk") == [
        replace(it, seen_last=SLOT + DAY, gone=None) for it in (newer, gone)
    ]
    assert store.ledger.announced("ons") == [other]


def test_reads_are_listed_newest_first(store: Store) -> None:
    reads = [a_read(SLOT + n * MINUTE) for n in range(3)]
    other = replace(reads[1], calendar="ons", usable=False, fault="timeout")
    with store.transaction() as tx:
        for read in (*reads, other):
            tx.save(read)
    assert store.ledger.reads("govuk", limit=2) == [reads[2], reads[1]]
    assert store.ledger.reads() == [reads[2], other, reads[1], reads[0]]


def test_only_old_reads_that_repeat_the_one_before_are_deleted(store: Store) -> None:
    reads = [a_read(SLOT + n * MINUTE, digest=digest) for n, digest in enumerate("aabbaa")]
    with store.transaction() as tx:
        for read in (*reads, replace(reads[1], calendar="ons")):
            tx.save(read)
    repeated = store.ledger.repeated_reads(SLOT + 5 * MINUTE)
    assert repeated == [("govuk", SLOT + MINUTE), ("govuk", SLOT + 3 * MINUTE)]
    with store.transaction() as tx:
        tx.forget_reads(repeated)
        tx.forget_reads([])
    assert store.ledger.reads("govuk")[::-1] == [reads[0], reads[2], reads[4], reads[5]]
    assert len(store.ledger.reads("ons")) == 1


def test_new_statistics_lose_no_row(store: Store) -> None:
    with store.transaction() as tx:
        for number in range(300):
            tx.save(a_verdict_row(f"r{number}"))
    store.update_statistics()
    assert len(store.verdicts.judged()) == 300


# Runs and blind spans


def save_blind(store: Store, *spans: Blind) -> None:
    with store.transaction() as tx:
        for span in spans:
            tx.add_blind(span)


def test_a_blind_span_of_months_is_found_from_any_instant_in_it(store: Store) -> None:
    spans = [
        Blind(SLOT, SLOT + 200 * DAY, "stopped"),
        Blind(SLOT + 150 * DAY, SLOT + 151 * DAY, "dns", host="h"),
    ]
    save_blind(store, *spans)
    assert store.runs.blind(SLOT + 150 * DAY, SLOT + 152 * DAY) == spans
    assert store.runs.blind(SLOT + 152 * DAY, SLOT + 153 * DAY) == spans[:1]
    assert store.runs.blind(SLOT + 201 * DAY, SLOT + 300 * DAY) == []


def test_blind_spans_are_extended_and_found_where_they_touch(store: Store) -> None:
    span = Blind(SLOT, SLOT + MINUTE, "stopped")
    longer, hosted = (
        replace(span, ends=SLOT + 2 * MINUTE),
        replace(span, cause="network", host="www.gov.uk"),
    )
    save_blind(store, span, hosted, longer, replace(span, ends=SLOT + SECOND))
    assert store.runs.blind(SLOT - DAY, SLOT + DAY) == [hosted, longer]
    assert store.runs.blind(SLOT + 90 * SECOND, SLOT + DAY) == [longer]
    assert store.runs.blind(SLOT - DAY, SLOT) == []


def test_merged_runs_are_one_and_all_others_stay(store: Store) -> None:
    runs = [a_run("page", first=60 * n) for n in range(4)]
    other = a_run("page/origin", first=60)
    merged = a_run("page", first=0, last=120, looks=3, failed=7)
    with store.transaction() as tx:
        tx.save(*runs, other)
        tx.merge_runs(runs[:3], [merged])
        tx.merge_runs([], [])
    assert runs_of(store, EDGE, "r/page/origin") == [merged, other, runs[3]]


def saved(store: Store, *runs: Run) -> list[Run]:
    with store.transaction() as tx:
        tx.save(*runs)
    return runs_of(store, EDGE)


def test_a_run_that_is_saved_again_is_extended(store: Store) -> None:
    longer = a_run("page", first=0, last=60, looks=61)
    saved(store, a_run("page", first=0))
    assert saved(store, longer) == [longer]


def test_two_monitors_that_begin_a_look_at_one_instant_keep_a_run_each(store: Store) -> None:
    north, south = (
        a_run(monitor=name, looks=looks) for name, looks in (("north", 3), ("south", 5))
    )
    assert saved(store, south, north) == [north, south]
    north = replace(north, looks=4)
    assert saved(store, north) == [north, south]
    with store.transaction() as tx:
        tx.merge_runs([south], [])
    assert runs_of(store, EDGE) == [north]


def test_the_runs_of_a_release_are_those_of_its_own_targets_only(store: Store) -> None:
    names = [
        EDGE,
        "r/page/origin",
        "r-2/page/edge",
        "r0/page/edge",
        "R/page/edge",
        "é/page/edge",
        "r",
    ]
    with store.transaction() as tx:
        tx.save(*(a_release(id=name) for name in ("r", "r-2", "r0", "R", "é", "é/page", "0")))
        tx.save(*(replace(a_run(first=n), target=name) for n, name in enumerate(names)))
    assert [run.target for run in store.runs.of_release("r")] == names[:2]
    assert [run.target for run in store.runs.of_release("é")] == ["é/page/edge"]
    assert [run.target for run in store.runs.of_releases(["é", "r", "unknown"])] == [
        names[0],
        names[1],
        names[5],
    ]
    assert store.runs.of_releases([]) == []


def test_more_targets_than_one_statement_can_name_are_found(store: Store) -> None:
    names = [f"r{n:04}/page/edge" for n in range(1201)]
    with store.transaction() as tx:
        tx.save(*(a_run(name) for name in names))
    assert [run.target for run in runs_of(store, *names)] == names
