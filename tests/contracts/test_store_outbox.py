"""What every store keeps to: events, incidents, drafts, notices and the outbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from alerts.incident import Kind as IncidentKind
from monitor.store.interface import Conflict, Store, Transaction
from monitor.store.rows import Delivery, DeliveryState, Draft, Event, Heartbeat
from tests.contracts.rows import (
    DAY,
    MINUTE,
    SECOND,
    SLOT,
    a_notice,
    an_incident,
    judged,
)


def break_off(store: Store, write: Callable[[Transaction], None]) -> None:
    def struck(tx: Transaction) -> None:
        write(tx)
        raise RuntimeError("struck by lightning")

    with pytest.raises(RuntimeError, match="struck"), store.transaction() as tx:
        struck(tx)


# Events and the outbox


def test_an_incident_comes_back_with_all_its_facts(store: Store) -> None:
    with store.transaction() as tx:
        tx.save_incident(an_incident())
        tx.add_notice(a_notice(), [])
    assert store.verdicts.incident("i") == an_incident()
    assert store.verdicts.incidents_of("r") == [an_incident()]
    assert store.verdicts.incident("j") is None


def test_a_notice_comes_back_as_it_went_in(store: Store) -> None:
    follow_up = replace(a_notice("n2", at=SLOT + MINUTE), kind="final", follows="n")
    with store.transaction() as tx:
        tx.save_incident(an_incident())
        tx.add_notice(follow_up, [])
        tx.add_notice(a_notice(), [])
    assert store.outbox.notices() == store.outbox.notices("i") == [a_notice(), follow_up]
    assert store.outbox.notices("other") == []
    assert store.outbox.notice("n2") == follow_up


def test_drafts_keep_every_version_and_refuse_to_write_one_twice(store: Store) -> None:
    first = Draft("i", 1, SLOT, "monitor", "A", "1.0", {"delay": [1, None]}, {}, None, "d1")
    second = replace(first, version=2, by="lead statistician", words={"cause": "Wrong button"}, signed=SLOT + DAY)
    with store.transaction() as tx:
        tx.save_incident(an_incident())
        tx.add_notice(a_notice(), [])
        tx.add_draft(first)
        tx.add_draft(second)
    with pytest.raises(Conflict, match="version 2"), store.transaction() as tx:
        tx.add_draft(replace(second, by="somebody else"))
    assert store.verdicts.drafts("i") == [first, second]


def test_what_is_written_is_read_within_its_transaction_and_gone_if_that_fails(store: Store) -> None:
    first = Draft("i", 1, SLOT, "monitor", "A", "1.0", {}, {}, None, "d1")

    def write(tx: Transaction) -> None:
        tx.save_incident(an_incident())
        tx.add_notice(a_notice(), [])
        tx.add_draft(first)
        assert store.verdicts.incident("i") == an_incident()
        assert store.verdicts.drafts("i") == [first]
        assert [incident.id for incident in store.verdicts.incidents()] == ["i"]

    break_off(store, write)
    assert (store.verdicts.incident("i"), store.verdicts.drafts("i")) == (None, [])
    with store.transaction() as tx:
        write(tx)
    assert store.verdicts.drafts("i") == [first]


def test_an_event_and_its_notices_appear_together_or_not_at_all(store: Store) -> None:
    def tell(tx: Transaction) -> None:
        tx.save_judged(judged("r"))
        tx.add_event(Event("e", "r", SLOT, "pending", "late", {}))
        tx.save_incident(an_incident())
        tx.add_notice(a_notice(), [Delivery("n", "mail", DeliveryState.WAITING, SLOT)])
        tx.take_lease("outbox", "m", SLOT, SLOT + MINUTE)

    break_off(store, tell)
    assert (store.verdicts.judged(), store.verdicts.events(), store.outbox.notices(), store.outbox.deliveries()) == (
        [],
        [],
        [],
        [],
    )
    assert (store.verdicts.incidents(), store.outbox.pending(), store.leases.leases()) == ([], 0, [])


def test_what_was_replaced_is_back_after_a_transaction_that_failed(store: Store) -> None:
    with store.transaction() as tx:
        tx.save_heartbeat(Heartbeat("m", SLOT))
        taken = tx.take_lease("outbox", "m", SLOT, SLOT + MINUTE)

    def replace_twice(tx: Transaction) -> None:
        tx.save_heartbeat(Heartbeat("m", SLOT + DAY, stopped=True))
        tx.save_heartbeat(Heartbeat("m", SLOT + 2 * DAY))
        tx.drop_lease("outbox", "m")

    break_off(store, replace_twice)
    assert store.leases.heartbeat("m") == Heartbeat("m", SLOT)
    assert taken is not None
    assert store.leases.lease("outbox") == taken
    assert store.leases.heartbeat("other") is None


def test_the_same_fact_makes_one_event_and_one_notice(store: Store) -> None:
    event = Event("e", "r", SLOT, "pending", "late", {"delay": 61.0})
    with store.transaction() as tx:
        tx.save_incident(an_incident())
        assert tx.add_event(event)
        assert tx.add_notice(a_notice(), [Delivery("n", "mail", DeliveryState.WAITING, SLOT)])
    with store.transaction() as tx:
        assert not tx.add_event(replace(event, after="early"))
        assert not tx.add_notice(a_notice(), [Delivery("n", "chat", DeliveryState.WAITING, SLOT)])
    assert store.verdicts.events() == [event]
    assert [it.channel for it in store.outbox.deliveries("n")] == ["mail"]


def test_events_come_in_time_order_page_by_page(store: Store) -> None:
    events = [Event(f"e{n}", "r" if n % 2 else "s", SLOT + n * SECOND, "pending", "late", {}) for n in range(6)]
    with store.transaction() as tx:
        for event in reversed(events):
            tx.add_event(event)
    assert store.verdicts.events(limit=2) == events[:2]
    assert store.verdicts.events((events[1].at, events[1].id), limit=2) == events[2:4]
    assert store.verdicts.events((events[1].at, "e0"), limit=1) == [events[1]]
    assert store.verdicts.events((events[5].at, events[5].id)) == []
    assert store.verdicts.events(release="r") == events[1::2]
    assert (store.verdicts.event("e3"), store.verdicts.event("e9")) == (events[3], None)


def test_waiting_deliveries_fall_due_the_longest_waiting_first(store: Store) -> None:
    due = [Delivery("n", f"c{n}", DeliveryState.WAITING, SLOT + n * MINUTE) for n in range(4)]
    with store.transaction() as tx:
        tx.save_incident(an_incident())
        tx.add_notice(a_notice(), due)
        tx.save_delivery(replace(due[0], standing=DeliveryState.SENT, attempts=1, finished=SLOT, reference="250 OK"))
        tx.save_delivery(replace(due[1], standing=DeliveryState.GIVEN_UP, attempts=9, reason="no such address"))
    assert store.outbox.due_deliveries(SLOT + 2 * MINUTE) == [due[2]]
    assert store.outbox.due_deliveries(SLOT + DAY) == due[2:]
    assert store.outbox.due_deliveries(SLOT + DAY, limit=1) == [due[2]]
    assert store.outbox.pending() == 2
    assert store.outbox.deliveries("n")[0].reference == "250 OK"


def test_a_delivery_without_its_notice_is_refused(store: Store) -> None:
    with pytest.raises(Conflict), store.transaction() as tx:
        tx.save_delivery(Delivery("nothing", "mail", DeliveryState.WAITING, SLOT))
    assert store.outbox.deliveries() == []


def test_incidents_are_found_by_the_time_they_occurred(store: Store) -> None:
    first, second = (
        an_incident("i"),
        replace(an_incident("j", IncidentKind.HAND), occurred=SLOT + DAY, opened=SLOT + DAY, words={"what": "A call"}),
    )
    with store.transaction() as tx:
        tx.save_incident(second)
        tx.save_incident(first)
        tx.add_notice(a_notice(), [])
    assert store.verdicts.incidents() == [first, second]
    assert store.verdicts.incidents(SLOT, SLOT + DAY) == [first]
    assert store.verdicts.incidents_of("r") == [first, second]
    assert store.verdicts.incidents_of("s") == []
    assert store.verdicts.words_on(["j", "i", "unknown"]) == {"i": first.words, "j": {"what": "A call"}}
    assert store.verdicts.words_on([]) == {}


def test_what_somebody_still_has_to_do_about_is_found_newest_first(store: Store) -> None:
    first = an_incident("i")
    second = replace(an_incident("j"), occurred=SLOT + DAY, opened=SLOT + DAY)
    over = replace(first, closed=SLOT + DAY, words={"waived": "no report was called for"})
    with store.transaction() as tx:
        tx.save_incident(first)
        tx.save_incident(second)
        for name in "ij":
            tx.add_notice(replace(a_notice(), id=name, incident=name), [])
    assert store.verdicts.open_incidents(9) == [second, first]
    with store.transaction() as tx:
        tx.save_incident(over)
    assert store.verdicts.open_incidents(9) == [second]
    with store.transaction() as tx:
        tx.save_incident(first)
        tx.save_incident(replace(over, id="j", occurred=SLOT + 2 * DAY))
    # However many newer ones are over, an old one is not lost behind them.
    assert store.verdicts.open_incidents(1) == [first]
