"""What every store tells of deliveries that were given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from alerts.notice import Notice
from monitor.store.interface import Store
from monitor.store.rows import Delivery, DeliveryState

NOON = datetime(2018, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def delivery(channel: str, standing: DeliveryState, minutes: int) -> Delivery:
    ended = NOON + minutes * MINUTE
    return Delivery(
        "n", channel, standing, NOON, 2, NOON, ended, "refused", "d" if standing is DeliveryState.COVERED else ""
    )


def test_given_up_deliveries_come_newest_first_since_an_instant(store: Store) -> None:
    rows = [
        delivery("old", DeliveryState.GIVEN_UP, -1),
        delivery("first", DeliveryState.GIVEN_UP, 0),
        delivery("second", DeliveryState.GIVEN_UP, 5),
        delivery("sent", DeliveryState.SENT, 5),
        delivery("covered", DeliveryState.COVERED, 5),
    ]
    with store.transaction() as tx:
        tx.add_notice(Notice("n", "opened", "", "", "p", "note", (), NOON, "s", "t"), rows)
    assert [row.channel for row in store.outbox.given_up(NOON)] == ["second", "first"]
    assert store.outbox.pending() == 0
    assert next(row for row in store.outbox.deliveries("n") if row.channel == "covered").reference == "d"
