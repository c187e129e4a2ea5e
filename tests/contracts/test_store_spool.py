"""Facts that the store did not take are in the spool, and get into the store afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete
from structlog.testing import capture_logs

from monitor.errors import EnvironmentFault, StoreFault
from monitor.judge.runs import Blind
from monitor.ledger.write import prepare_rewrite
from monitor.store.batch import Portions
from monitor.store.evidence.chain import link_record
from monitor.store.rows import CalendarRead, Heartbeat, Record
from monitor.store.spool import Spool
from monitor.store.sql.engine import Store
from monitor.store.sql.tables import EVIDENCE
from monitor.store.sql.write import Transaction
from tests.worlds.incidents import a_notice, an_incident
from tests.worlds.instants import DAY, MINUTE, SECOND, SLOT
from tests.worlds.looks import a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import a_delivery, a_record, a_sent_delivery, an_entry

BEAT = Heartbeat("m", SLOT)
BLIND = Blind(SLOT, SLOT + SECOND, "dns")
LATER = SLOT + MINUTE


@pytest.fixture
def store(sql_store: Store) -> Store:
    with sql_store.transaction() as tx:
        tx.save(a_release(), an_entry(), a_run("page", first=SLOT - MINUTE))
        tx.add_promises([a_promise()])
    return sql_store


def spool_of_next_process(spool: Spool) -> Spool:
    """Return the same spool as the next process of the monitor opens it."""
    return Spool(spool.file.parent, "m", "sqlite:///store.db", durable=False)


def add_blind(tx: Transaction) -> None:
    tx.add_blind(BLIND)


def chained(many: int) -> list[Record]:
    records, previous = list[Record](), ""
    for number in range(1, many + 1):
        records.append(link_record(a_record(number, "m"), previous))
        previous = records[-1].chain
    return records


def test_each_fact_is_spooled_once_and_handed_in(store: Store, spool: Spool) -> None:
    runs = [a_run("page", first=SLOT - MINUTE, last=SLOT), a_run("page/origin")]
    assert spool.append(runs, [add_blind], [], BEAT) == 3
    assert spool.append(runs, [add_blind], [], BEAT) == 0
    longer = replace(runs[1], looks=2, last_received=SLOT + SECOND)
    assert spool.append([longer], [add_blind], [], BEAT) == 1
    spool.close()
    next_spool = spool_of_next_process(spool)
    assert next_spool.has_lines
    next_spool.hand_in(store)
    assert store.runs.of_release("r") == [runs[0], longer]
    assert store.runs.blind(SLOT, SLOT + DAY) == [BLIND]
    assert store.leases.heartbeat("m") == BEAT
    assert not next_spool.has_lines
    assert next_spool.hand_in(store) == 0


def test_only_the_service_can_read_the_spool(spool: Spool) -> None:
    spool.file.parent.mkdir(mode=0o755)
    spool.append([a_run()], [], [], None)
    assert spool.file.stat().st_mode & 0o777 == 0o600


def test_calendar_read_is_spooled_with_its_releases_and_promises(
    store: Store, spool: Spool
) -> None:
    read = CalendarRead("govuk", SLOT, SLOT, usable=True, entries=2)
    portions = Portions()
    portions.add([a_release(id="new")])
    portions.add([a_promise(release="new")], lambda tx, some: tx.add_promises(some))
    portions.add(["r"], lambda tx, some: tx.confirm_all("govuk", some, SLOT + DAY))
    portions.add(["r"], lambda tx, some: tx.confirm_entries("govuk", some, SLOT + DAY))
    portions.add([read])
    spool.append([], portions.write_functions(), [], None)
    spool.hand_in(store)
    assert store.ledger.release("new") == a_release(id="new")
    assert [promise.release for promise in store.ledger.promises(["new"])] == ["new"]
    assert [promise.confirmed_at for promise in store.ledger.promises(["r"])] == [SLOT + DAY]
    assert [entry.seen_last for entry in store.ledger.announced("govuk")] == [SLOT + DAY]
    assert store.ledger.reads("govuk") == [read]


def test_how_an_attempt_ended_is_spooled_unless_the_store_has_a_later_attempt(
    store: Store, spool: Spool
) -> None:
    with store.transaction() as tx:
        tx.add_notice(a_notice("n"), [a_delivery(attempts=1), a_delivery("chat", attempts=2)])

    def record(tx: Transaction) -> None:
        for delivery in (a_sent_delivery(), a_sent_delivery("chat")):
            tx.record_outcome(a_notice("n"), delivery)
        # The store was restored from an older copy, without this notice.
        tx.record_outcome(a_notice("lost"), a_sent_delivery(notice="lost"))

    assert spool.append([], [record], [], None) == 3
    spool.hand_in(store)
    assert store.outbox.deliveries() == [a_delivery("chat", attempts=2), a_sent_delivery()]


def test_write_with_more_than_facts_is_left_out_with_those_after_it(
    store: Store, spool: Spool
) -> None:
    """A release was joined into another one, with its incident. The next start joins it again."""

    def move_incident(tx: Transaction) -> None:
        tx.save(a_release(id="new"), an_incident("i"))

    later = prepare_rewrite([a_release(id="later")]).write_functions()
    assert spool.append([], [add_blind, move_incident, *later], [], None) == 1
    spool.hand_in(store)
    assert [release.id for release in store.ledger.releases()] == ["r"]
    assert store.verdicts.incident("i") is None


def test_later_version_in_the_store_stays(store: Store, spool: Spool) -> None:
    shown = replace(an_entry(), seen_last=LATER)
    confirmed = replace(a_promise(), confirmed_at=SLOT + 2 * DAY)
    longer = a_run("page", first=SLOT - MINUTE, looks=9, last_received=LATER)
    with store.transaction() as tx:
        tx.save(longer, shown, confirmed, Heartbeat("m", LATER))
    earlier = a_run("page", first=SLOT - MINUTE, looks=3, last_received=SLOT)

    def read(tx: Transaction) -> None:
        tx.save(an_entry(), a_promise(), a_release(title="Old title"))
        tx.confirm_all("govuk", ["r"], SLOT)
        tx.confirm_entries("govuk", ["r"], SLOT)

    spool.append([earlier], [read], [], BEAT)
    spool.hand_in(store)
    assert store.runs.of_release("r") == [longer]
    assert store.ledger.announced("govuk") == [shown]
    assert store.ledger.promises(["r"]) == [confirmed]
    assert store.ledger.release("r") == a_release()
    assert store.leases.heartbeat("m") == Heartbeat("m", LATER)


def test_half_a_line_of_a_killed_process_is_lost_alone_and_logged(
    store: Store, spool: Spool
) -> None:
    spool.append([a_run("page/origin")], [], [], BEAT)
    spool.append([a_run("page/other")], [], [], None)
    spool.close()
    spool.file.write_bytes(spool.file.read_bytes()[:-9])
    with capture_logs() as logs:
        spool_of_next_process(spool).hand_in(store)
    assert [log["line"] for log in logs if log["event"] == "spool_line_damaged"] == [3]
    targets = [run.target for run in store.runs.of_release("r")]
    assert targets == ["r/page/edge", "r/page/origin"]


@pytest.mark.parametrize("line", [b"\n", b"null\n", b'{"kind":"Sum","fact":{}}\n', b"\xff\xfe\n"])
def test_damaged_line_within_the_spool_is_left_out(store: Store, spool: Spool, line: bytes) -> None:
    spool.append([a_run("page/origin")], [], [], None)
    spool.close()
    spool.file.write_bytes(line + spool.file.read_bytes())
    spool_of_next_process(spool).hand_in(store)
    assert len(store.runs.of_release("r")) == 2


def test_run_names_no_evidence_that_the_store_lacks(store: Store, spool: Spool) -> None:
    first, second = chained(2)
    with store.transaction() as tx:
        tx.add_evidence([first])
    spool.append([a_run("page/origin", evidence=("m-1", "m-2", "m-3"))], [], [second], None)
    spool.hand_in(store)
    (run,) = (run for run in store.runs.of_release("r") if run.target == "r/page/origin")
    assert run.evidence == ("m-1", "m-2")


def test_records_that_the_store_lost_are_written_again(store: Store, spool: Spool) -> None:
    records = chained(4)
    with store.transaction() as tx:
        tx.add_evidence(records[:3])
    with store._engine.begin() as connection:
        connection.execute(delete(EVIDENCE).where(EVIDENCE.c.number >= 2))
    spool.append([], [], records, None)
    spool.hand_in(store)
    assert store.evidence.chain("m") == records


def test_record_that_does_not_follow_on_the_stores_last_one_is_left_out(
    store: Store, spool: Spool
) -> None:
    records = chained(4)
    with store.transaction() as tx:
        tx.add_evidence(records[:1])
    spool.append([], [], records[2:], None)
    spool.hand_in(store)
    assert store.evidence.chain("m") == records[:1]


def test_facts_that_contradict_the_store_are_put_aside(store: Store, spool: Spool) -> None:
    """A time without a zone does not say when it was."""
    spool.append([a_run("page/origin")], [], [], None)
    spool.close()
    spool.file.write_bytes(spool.file.read_bytes().replace(b'Z"', b'"'))
    with capture_logs() as logs:
        spool_of_next_process(spool).hand_in(store)
    (refused,) = (log for log in logs if log["event"] == "spool_refused")
    assert Path(refused["kept"]).read_bytes().count(b"\n") == 1
    assert not spool.has_lines


def test_store_that_still_fails_leaves_the_spool(spool: Spool) -> None:
    class FailingStore(Store):
        def transaction(self) -> object:  # type: ignore[override]
            raise StoreFault("the disk is full")

    spool.append([a_run()], [], [], BEAT)
    spool.close()
    store = FailingStore("sqlite:///:memory:")
    with pytest.raises(StoreFault, match="the disk is full"):
        spool_of_next_process(spool).hand_in(store)
    assert spool.has_lines
    store.close()


def test_folder_that_cannot_be_written_is_a_fault(spool: Spool) -> None:
    spool.file.parent.touch()
    with pytest.raises(StoreFault, match=r"spool .*: "):
        spool.append([a_run()], [], [], BEAT)


def test_spool_of_a_running_monitor_is_refused(store: Store, spool: Spool) -> None:
    spool.append([a_run()], [], [], BEAT)
    with pytest.raises(EnvironmentFault, match="another monitor uses"):
        spool_of_next_process(spool).hand_in(store)
