"""Each store keeps events, incidents, drafts, notices, silences, rotas and the outbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from alerts.incident import Incident, IncidentKind
from alerts.silence import Scope, Silence
from monitor.errors import Conflict
from monitor.store.rows import Delivery, DeliveryState, Draft, Heartbeat, RotaRead
from monitor.store.sql.engine import Store
from monitor.store.sql.write import Transaction
from tests.worlds.incidents import a_notice, an_incident
from tests.worlds.instants import DAY, MINUTE, SECOND, SLOT
from tests.worlds.stores import a_delivery, a_verdict_row, an_event


def break_off(store: Store, write: Callable[[Transaction], None]) -> None:
    def struck(tx: Transaction) -> None:
        write(tx)
        raise RuntimeError("struck by lightning")

    with pytest.raises(RuntimeError, match="struck"), store.transaction() as tx:
        struck(tx)


# Events and the outbox


def test_an_incident_comes_back_with_all_its_facts(store: Store) -> None:
    with store.transaction() as tx:
        tx.save(an_incident())
        tx.add_notice(a_notice(), [])
    assert store.verdicts.incident("i") == an_incident()
    assert store.verdicts.incidents_of("r") == [an_incident()]
    assert store.verdicts.incident("j") is None


def test_a_notice_comes_back_as_it_went_in(store: Store) -> None:
    follow_up = a_notice("n2", at=SLOT + MINUTE, kind="final", follows="n")
    with store.transaction() as tx:
        tx.save(an_incident())
        tx.add_notice(follow_up, [])
        tx.add_notice(a_notice(), [])
    assert store.outbox.notices() == store.outbox.notices("i") == [a_notice(), follow_up]
    assert store.outbox.notices("other") == []
    assert store.outbox.notice("n2") == follow_up


def test_a_notice_is_replaced_and_its_deliveries_stay(store: Store) -> None:
    waiting = Delivery("n", "mail", DeliveryState.WAITING, SLOT)
    with store.transaction() as tx:
        tx.save(an_incident())
        tx.add_notice(a_notice(), [waiting])
    other = replace(a_notice(), subject="Four entries", release="")
    with store.transaction() as tx:
        tx.save(other)
    assert store.outbox.notices() == [other]
    assert store.outbox.deliveries("n") == [waiting]


def test_drafts_keep_every_version_and_refuse_to_write_one_twice(store: Store) -> None:
    first = Draft("i", 1, SLOT, "monitor", "A", "1.0", {"delay": [1, None]}, {}, None, "d1")
    second = replace(
        first, version=2, by="lead statistician", words={"cause": "Wrong button"}, signed=SLOT + DAY
    )
    with store.transaction() as tx:
        tx.save(an_incident())
        tx.add_notice(a_notice(), [])
        tx.add_draft(first)
        tx.add_draft(second)
    with pytest.raises(Conflict, match="version 2"), store.transaction() as tx:
        tx.add_draft(replace(second, by="somebody else"))
    assert store.verdicts.drafts("i") == [first, second]


def test_what_is_written_is_read_within_its_transaction_and_gone_if_that_fails(
    store: Store,
) -> None:
    first = Draft("i", 1, SLOT, "monitor", "A", "1.0", {}, {}, None, "d1")

    def write(tx: Transaction) -> None:
        tx.save(an_incident())
        tx.add_notice(a_notice(), [])
        tx.add_draft(first)
        assert tx.read.verdicts.incident("i") == an_incident()
        assert tx.read.verdicts.drafts("i") == [first]
        assert [incident.id for incident in tx.read.verdicts.incidents()] == ["i"]
        # A query of the store itself does not see what is not committed.
        assert store.verdicts.incident("i") is None

    break_off(store, write)
    assert (store.verdicts.incident("i"), store.verdicts.drafts("i")) == (None, [])
    with store.transaction() as tx:
        write(tx)
    assert store.verdicts.drafts("i") == [first]


def test_an_event_and_its_notices_appear_together_or_not_at_all(store: Store) -> None:
    def tell(tx: Transaction) -> None:
        tx.save(a_verdict_row())
        tx.add(an_event())
        tx.save(an_incident())
        tx.add_notice(a_notice(), [a_delivery()])
        tx.take_lease("outbox", "m", SLOT, SLOT + MINUTE)

    break_off(store, tell)
    verdicts, outbox = store.verdicts, store.outbox
    kept = [
        verdicts.judged(),
        verdicts.events(),
        verdicts.incidents(),
        outbox.notices(),
        outbox.deliveries(),
    ]
    assert kept == [[]] * 5
    assert store.leases.leases() == []


def test_what_was_replaced_is_back_after_a_transaction_that_failed(store: Store) -> None:
    with store.transaction() as tx:
        tx.save(Heartbeat("m", SLOT))
        taken = tx.take_lease("outbox", "m", SLOT, SLOT + MINUTE)

    def replace_twice(tx: Transaction) -> None:
        tx.save(Heartbeat("m", SLOT + DAY, stopped=True))
        tx.save(Heartbeat("m", SLOT + 2 * DAY))
        tx.drop_lease("outbox", "m")

    break_off(store, replace_twice)
    assert store.leases.heartbeat("m") == Heartbeat("m", SLOT)
    assert taken is not None
    assert store.leases.lease("outbox") == taken
    assert store.leases.heartbeat("other") is None


def test_the_same_fact_makes_one_event_and_one_notice(store: Store) -> None:
    event = an_event(body={"delay": 61.0})
    with store.transaction() as tx:
        tx.save(an_incident())
        assert tx.add(event)
        assert tx.add_notice(a_notice(), [a_delivery()])
    with store.transaction() as tx:
        assert not tx.add(replace(event, after="early"))
        assert not tx.add_notice(a_notice(), [a_delivery("chat")])
    assert store.verdicts.events() == [event]
    assert [it.channel for it in store.outbox.deliveries("n")] == ["mail"]


def test_events_come_in_time_order_page_by_page(store: Store) -> None:
    events = [
        an_event(f"e{n}", release="r" if n % 2 else "s", at=SLOT + n * SECOND) for n in range(6)
    ]
    with store.transaction() as tx:
        for event in reversed(events):
            tx.add(event)
    assert store.verdicts.events(limit=2) == events[:2]
    assert store.verdicts.events((events[1].at, events[1].id), limit=2) == events[2:4]
    assert store.verdicts.events((events[1].at, "e0"), limit=1) == [events[1]]
    assert store.verdicts.events((events[5].at, events[5].id)) == []
    assert store.verdicts.events(release="r") == events[1::2]
    assert (store.verdicts.event("e3"), store.verdicts.event("e9")) == (events[3], None)


def test_waiting_deliveries_fall_due_the_longest_waiting_first(store: Store) -> None:
    due = [a_delivery(f"c{n}", due=SLOT + n * MINUTE) for n in range(4)]
    with store.transaction() as tx:
        tx.save(an_incident())
        tx.add_notice(a_notice(), due)
        tx.save(
            replace(
                due[0], standing=DeliveryState.SENT, attempts=1, finished=SLOT, reference="250 OK"
            )
        )
        tx.save(
            replace(due[1], standing=DeliveryState.GIVEN_UP, attempts=9, reason="no such address")
        )
    assert store.outbox.due_deliveries(SLOT + 2 * MINUTE) == [due[2]]
    assert store.outbox.due_deliveries(SLOT + DAY) == due[2:]
    assert store.outbox.due_deliveries(SLOT + DAY, limit=1) == [due[2]]
    assert len(store.outbox.due_deliveries(SLOT + 3650 * DAY)) == 2
    assert store.outbox.deliveries("n")[0].reference == "250 OK"


def test_a_delivery_without_its_notice_is_refused(store: Store) -> None:
    with pytest.raises(Conflict), store.transaction() as tx:
        tx.save(a_delivery(notice="nothing"))
    assert store.outbox.deliveries() == []


def save_with_notices(store: Store, *incidents: Incident) -> None:
    with store.transaction() as tx:
        for one in incidents:
            tx.save(one)
            tx.add_notice(a_notice(one.id, incident=one.id), [])


def test_incidents_are_found_by_the_time_they_occurred(store: Store) -> None:
    first = an_incident("i")
    second = an_incident(
        "j",
        kind=IncidentKind.HAND,
        occurred=SLOT + DAY,
        opened=SLOT + DAY,
        words={"what": "A call"},
    )
    save_with_notices(store, second, first)
    assert store.verdicts.incidents() == [first, second]
    assert store.verdicts.incidents(SLOT, SLOT + DAY) == [first]
    assert store.verdicts.incidents_of("r") == [first, second]
    assert store.verdicts.incidents_of("s") == []
    assert store.verdicts.words_on(["j", "i", "unknown"]) == {
        "i": first.words,
        "j": {"what": "A call"},
    }
    assert store.verdicts.words_on([]) == {}


def test_open_incidents_are_listed_newest_first(store: Store) -> None:
    first, second = an_incident("i"), an_incident("j", occurred=SLOT + DAY, opened=SLOT + DAY)
    over = replace(first, closed=SLOT + DAY, words={"waived": "no report was called for"})
    save_with_notices(store, first, second)
    assert store.verdicts.open_incidents(9) == [second, first]
    save_with_notices(store, over)
    assert store.verdicts.open_incidents(9) == [second]
    save_with_notices(store, first, replace(over, id="j", occurred=SLOT + 2 * DAY))
    # However many newer ones are over, an old one is still found.
    assert store.verdicts.open_incidents(1) == [first]


def test_the_last_read_of_each_rota_is_kept(store: Store) -> None:
    assert store.outbox.rotas() == []
    other, newer = (
        RotaRead("head", SLOT, "[]"),
        RotaRead("on-call", SLOT + DAY, '[["duty A","…","…"]]'),
    )
    with store.transaction() as tx:
        for read in (RotaRead("on-call", SLOT, "[]"), other, newer):
            tx.save(read)
    assert store.outbox.rotas() == [other, newer]


def test_a_silence_is_found_as_it_was_last_written_while_it_lasts(store: Store) -> None:
    first = Silence(
        "s", Scope.PRODUCER, "ofqual", SLOT, SLOT + DAY, "duty statistician", "their site moves"
    )
    second = replace(first, id="t", begins=SLOT - MINUTE, scope=Scope.INCIDENT)
    ended = replace(first, ended=SLOT + MINUTE, ended_by="head of profession")
    with store.transaction() as tx:
        for silence in (first, second, ended):
            tx.save(silence)
    assert store.outbox.silences(SLOT) == store.outbox.silences(SLOT + DAY) == [second, ended]
    assert store.outbox.silences(SLOT + DAY + MINUTE) == []


def test_deliveries_that_were_given_up_since_an_instant_come_newest_first(store: Store) -> None:
    def ended(channel: str, standing: DeliveryState, minutes: int, **fields: object) -> Delivery:
        return a_delivery(
            channel, standing=standing, attempts=2, finished=SLOT + minutes * MINUTE, **fields
        )

    rows = [
        ended("old", DeliveryState.GIVEN_UP, -1),
        ended("first", DeliveryState.GIVEN_UP, 0),
        ended("second", DeliveryState.GIVEN_UP, 5),
        ended("sent", DeliveryState.SENT, 5),
        ended("covered", DeliveryState.COVERED, 5, reference="d"),
    ]
    with store.transaction() as tx:
        tx.add_notice(a_notice(incident="", release=""), rows)
    assert [row.channel for row in store.outbox.given_up(SLOT)] == ["second", "first"]
    assert store.outbox.due_deliveries(SLOT + 3650 * DAY) == []
    assert [row.reference for row in store.outbox.deliveries("n") if row.channel == "covered"] == [
        "d"
    ]
