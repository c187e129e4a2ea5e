"""Rows near now are copied to the journal, rows that the store cannot write are kept there, and
both are restored.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from monitor.app.store_failover import open_with_journal
from monitor.errors import StoreFault, UserFault
from monitor.judge.runs import Blind
from monitor.store.batch import Portions
from monitor.store.evidence.chain import link_record
from monitor.store.journal import Journal
from monitor.store.rows import CalendarRead, Heartbeat
from monitor.store.sql.engine import Store
from monitor.store.sql.near import rows_to_copy
from monitor.store.sql.tables import METADATA
from monitor.store.sql.write import Transaction
from tests.worlds.incidents import a_notice, an_incident
from tests.worlds.instants import DAY, MINUTE, SECOND, SLOT
from tests.worlds.looks import a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import (
    a_delivery,
    a_record,
    a_sent_delivery,
    a_verdict_row,
    an_entry,
    an_event,
)

BEAT = Heartbeat("m", SLOT)
OLD = SLOT - 200 * DAY
SENT = a_sent_delivery()


@pytest.fixture
def store(sql_store: Store) -> Store:
    with sql_store.transaction() as tx:
        tx.save(a_release(), a_release(id="old"))
        tx.add_promises([a_promise(), a_promise(OLD, release="old", learnt=OLD - DAY)])
        tx.save(an_entry())
        tx.save(a_run("page", first=SLOT - MINUTE))
        tx.save(a_verdict_row("r", final=False))
        tx.save(a_verdict_row("old", slot=OLD))
        tx.save(an_incident("i"))
        tx.add_notice(a_notice("n"), [a_delivery(attempts=0)])
        tx.add_evidence([a_record(1), a_record(2)])
    return sql_store


def stood_in(journal: Journal, stack: ExitStack) -> Store:
    return stack.enter_context(closing(journal.open_as_store()))


def test_a_monitor_without_its_store_knows_what_is_near_and_what_was_told(
    store: Store, journal: Journal
) -> None:
    journal.refresh_copy(store, SLOT)
    with ExitStack() as stack:
        near = stood_in(journal, stack)
        assert [one.id for one in near.ledger.releases()] == ["r"]
        assert near.ledger.promises() == store.ledger.promises(["r"])
        assert near.ledger.announced("govuk") == store.ledger.announced("govuk")
        assert near.runs.of_release("r") == store.runs.of_release("r")
        assert near.verdicts.open_judged() == store.verdicts.open_judged()
        assert near.verdicts.incident("i") == store.verdicts.incident("i")
        assert near.outbox.pending() == 1


def test_every_table_is_copied_but_for_what_is_never_asked_of_a_journal() -> None:
    assert {*METADATA.tables} - {table.name for table in rows_to_copy(SLOT, SLOT)} == {
        "claim",
        "leader",
    }


def test_what_was_told_is_copied_on_its_own(store: Store, journal: Journal) -> None:
    journal.refresh_copy(store, SLOT)
    with store.transaction() as tx:
        tx.save(SENT)
        tx.save(a_release(id="new"))
        tx.add_promises([a_promise(release="new")])
    journal.refresh_copy(store, SLOT, notices_only=True)
    with ExitStack() as stack:
        near = stood_in(journal, stack)
        assert (near.outbox.pending(), near.outbox.deliveries("n")) == (0, [SENT])
        assert near.ledger.release("new") is None


def test_where_nothing_was_copied_yet_everything_is(store: Store, journal: Journal) -> None:
    journal.refresh_copy(store, SLOT, notices_only=True)
    with ExitStack() as stack:
        assert stood_in(journal, stack).ledger.release("r") is not None


def test_what_is_no_address_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="address cannot be read"):
        Journal(tmp_path, "m", "foo")


def test_nothing_is_known_before_the_store_was_ever_well(journal: Journal) -> None:
    with pytest.raises(StoreFault, match="no releases are known yet"):
        journal.open_as_store()


def test_what_is_kept_is_brought_in_and_forgotten(store: Store, journal: Journal) -> None:
    journal.refresh_copy(store, SLOT)
    blind = Blind(SLOT, SLOT + SECOND, "dns")
    runs = [
        a_run("page", first=SLOT - MINUTE, last=SLOT),
        a_run("page/origin", evidence=("m-1", "m-2")),
    ]
    adding = lambda tx: tx.add_blind(blind)  # noqa: E731 # the same each time
    assert journal.add_rows(runs, [adding], BEAT) == 3
    assert journal.add_rows(runs, [adding], BEAT) == 0
    # Another process: the one that kept it was killed.
    again = Journal(journal.file.parent, "m", "sqlite:///store.db", durable=False)
    assert again.has_rows
    assert again.merge_journal(store) == 4
    again.delete()
    assert not again.has_rows
    assert store.runs.of_release("r") == runs
    assert store.runs.blind(SLOT, SLOT + DAY) == [blind]
    assert store.leases.heartbeat("m") == BEAT
    assert again.merge_journal(store) == 0


def test_a_run_names_no_record_that_never_reached_the_store(store: Store, journal: Journal) -> None:
    journal.refresh_copy(store, SLOT)
    journal.add_rows([a_run("page/origin", evidence=("m-2", "m-3"))], [], BEAT)
    journal.merge_journal(store)
    assert [
        run.evidence for run in store.runs.of_release("r") if run.target == "r/page/origin"
    ] == [("m-2",)]


def test_records_of_evidence_are_kept_once_and_brought_in_before_the_runs_that_name_them(
    store: Store, journal: Journal
) -> None:
    journal.refresh_copy(store, SLOT)
    last = store.evidence.last("m")
    records = [record := link_record(replace(last, number=last.number + 1), last.chain)]
    records.append(link_record(replace(record, number=record.number + 1), record.chain))
    run = a_run("page/origin", evidence=tuple(record.id for record in records))
    assert journal.add_rows([], [], BEAT, records[:1]) == 1
    assert journal.add_rows([run], [], BEAT, records) == 2
    journal.merge_journal(store)
    assert store.evidence.chain("m")[-2:] == records
    assert run in store.runs.of_release("r")


def test_a_large_read_that_a_store_took_only_some_of_is_whole_once_the_journal_is_brought_in(
    store: Store, journal: Journal
) -> None:
    journal.refresh_copy(store, SLOT)
    names, read = (
        [f"x{number}" for number in range(400)],
        CalendarRead("govuk", SLOT, SLOT, usable=True, entries=400),
    )
    portions = Portions()
    portions.add([a_release(id=name) for name in names], lambda tx, some: tx.save(*some))
    portions.add(
        [a_promise(release=name) for name in names], lambda tx, some: tx.add_promises(some)
    )
    portions.add([read], lambda tx, some: tx.save(*some))
    first, *rest = portions.write_functions()
    with store.transaction() as tx:
        first(tx)
    assert rest
    assert journal.add_rows([], rest, BEAT) == len(rest)
    assert store.ledger.reads("govuk") == []
    journal.merge_journal(store)
    assert store.ledger.reads("govuk") == [read]
    assert {promise.release for promise in store.ledger.promises()} >= {*names}
    assert {release.id for release in store.ledger.releases()} >= {*names}


def test_what_the_store_has_later_stays(store: Store, journal: Journal) -> None:
    journal.refresh_copy(store, SLOT)
    with ExitStack() as stack:
        near = stood_in(journal, stack)
        with near.transaction() as tx:
            tx.save(a_run("page", first=SLOT - MINUTE, looks=3, last_received=SLOT))
            tx.save(replace(a_verdict_row("r"), at=SLOT + 2 * DAY))
            tx.save(an_incident("i", title="Of the journal"))
            tx.save(an_incident("j", title="New in the journal"))
            tx.save(SENT)
    longer = a_run("page", first=SLOT - MINUTE, looks=9, last_received=SLOT + MINUTE)
    with store.transaction() as tx:
        tx.save(longer)
        tx.save(an_incident("i", title="Of the store"))
    journal.merge_journal(store)
    assert [run.looks for run in store.runs.of_release("r")] == [9]
    assert [one.at for one in store.verdicts.judged_on(["r"])] == [SLOT + 2 * DAY]
    assert [one.title for one in store.verdicts.incidents()] == [
        "Of the store",
        "New in the journal",
    ]
    assert store.outbox.deliveries("n") == [SENT]


@pytest.mark.parametrize("which", ["ours", "theirs"])
def test_what_the_store_and_the_journal_judged_apart_is_one_history_again(
    store: Store, journal: Journal, which: str
) -> None:
    with store.transaction() as tx:
        tx.save(a_release(id="s"))
        say(tx, "", "pending", SLOT)
        tx.add(an_event("r-late", before=""))
        tx.add(an_event("old-late", release="old", at=OLD, before=""))
    journal.refresh_copy(store, SLOT)
    with store.transaction() as tx:
        say(tx, "pending", "on_time", SLOT + (1 if which == "ours" else 5) * MINUTE)
    with ExitStack() as stack, stood_in(journal, stack).transaction() as tx:
        say(tx, "pending", "unproven", SLOT + 2 * MINUTE)
        say(tx, "unproven", "late", SLOT + 3 * MINUTE)
    journal.merge_journal(store)
    changes = [(one.before, one.after) for one in store.verdicts.events(release="s")]
    later = [("on_time", "unproven"), ("unproven", "late")] if which == "ours" else []
    assert changes == [("", "pending"), ("pending", "on_time"), *later]
    assert [line for line in store.check() if "events" in line] == []


def say(tx: Transaction, before: str, after: str, at: datetime) -> None:
    tx.save(replace(a_verdict_row("s", word=after, final=False), at=at))
    tx.add(an_event(f"{before} {after}", release="s", at=at, before=before, after=after))


def test_a_journal_that_contradicts_the_store_is_put_aside(store: Store, journal: Journal) -> None:
    journal.refresh_copy(store, SLOT)
    journal.add_rows([a_run("page/origin")], [], BEAT)
    # The delivery has no notice, so no store accepts it.
    with closing(sqlite3.connect(journal.file)) as torn, torn:
        torn.execute("UPDATE delivery SET notice = 'gone'")
    assert journal.merge_journal(store) == 0
    assert [run.target for run in store.runs.of_release("r")] == ["r/page/edge"]
    journal.delete()
    assert [file.name for file in journal.file.parent.glob("*.refused")] != []
    assert not journal.has_rows


def test_the_store_copy_stands_while_the_journal_holds_something(
    store: Store, journal: Journal
) -> None:
    journal.refresh_copy(store, SLOT)
    before = journal.store_copy.read_bytes()
    journal.add_rows([a_run("page/origin")], [], BEAT)
    with store.transaction() as tx:
        tx.save(an_incident("later"))
    journal.refresh_copy(store, SLOT)
    assert journal.store_copy.read_bytes() == before


def test_a_folder_that_can_be_read_alone_is_copied(store: Store, journal: Journal) -> None:
    journal.refresh_copy(store, SLOT)
    # The path of the journal is not a file. Permissions would not stop root.
    journal.file.with_name(f"{journal.file.name}.part").mkdir()
    place = journal.file.parent
    with ExitStack() as stack:
        near = stood_in(journal, stack)
        assert journal.file.parent != place
        assert near.ledger.release("r") is not None


def test_a_store_goes_on_as_another(store: Store, journal: Journal) -> None:
    journal.refresh_copy(store, SLOT)
    near = journal.open_as_store()
    ledger = near.ledger
    with store.transaction() as tx:
        tx.save(a_release(id="elsewhere"))
    near.switch_to(store)
    assert ledger.release("elsewhere") is not None
    with near.transaction() as tx:
        tx.save(replace(BEAT, at=SLOT + timedelta(hours=1)))
    assert store.leases.heartbeat("m") == replace(BEAT, at=SLOT + timedelta(hours=1))


def test_what_is_written_while_the_store_copy_is_copied_is_in_it_as_a_whole_or_not_at_all(
    store: Store, journal: Journal
) -> None:
    url, asked = store._engine.url.render_as_string(hide_password=False), list[str]()

    def record_query(*arguments: object) -> None:
        if not asked and "FROM delivery" in str(arguments[2]):
            asked.append(str(arguments[2]))
            with closing(Store(url)) as other, other.transaction() as tx:
                tx.add_notice(a_notice("late"), [replace(SENT, notice="late")])

    event.listen(store._engine, "before_cursor_execute", record_query)
    journal.refresh_copy(store, SLOT)
    with ExitStack() as stack:
        near = stood_in(journal, stack)
        assert (
            [one.notice for one in near.outbox.deliveries()]
            == [one.id for one in near.outbox.notices()]
            == ["n"]
        )
    assert {one.notice for one in store.outbox.deliveries()} == {"n", "late"}


@pytest.mark.needs("postgresql")
def test_a_store_on_postgresql_has_a_journal_by_default(postgresql: str) -> None:
    found = open_with_journal(postgresql, None, "m", durable=False)
    assert found.journal is not None
    found.store.close()
