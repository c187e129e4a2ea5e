from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.store.lease import LASTS, OUTBOX, Leaseholder
from monitor.store.sql.engine import Store
from tests.worlds.stores import TemporaryStore

NOON = datetime(2018, 1, 5, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
A, B = Leaseholder("a"), Leaseholder("b")


def take(store: Store, who: Leaseholder, now: datetime) -> bool:
    with store.transaction() as tx:
        return who.take(tx, OUTBOX, now)


def test_another_monitor_does_the_work_when_the_lease_of_a_killed_one_runs_out(sqlite: Store) -> None:
    assert take(sqlite, A, NOON)
    assert not take(sqlite, B, NOON + LASTS - SECOND)
    assert take(sqlite, B, NOON + LASTS)
    lease = sqlite.leases.lease(OUTBOX)
    assert (lease.holder, lease.until) == ("b", NOON + 2 * LASTS)


def test_a_monitor_that_stops_in_order_hands_over_at_once(sqlite: Store) -> None:
    take(sqlite, A, NOON)
    with sqlite.transaction() as tx:
        A.release(tx, OUTBOX)
    assert take(sqlite, B, NOON + SECOND)


def test_two_renewals_may_fail_before_a_lease_is_lost() -> None:
    # The second retry, a third of its length later, still comes before its end.
    assert A.renewal_due(NOON + LASTS) == NOON + LASTS / 3


def test_a_slow_write_lengthens_a_lease_by_twice_its_time_and_each_later_write_halves_that() -> None:
    holder = Leaseholder("slow")
    holder.record_write_time(3.0)
    assert holder.lease_length == LASTS + 6 * SECOND
    holder.record_write_time(0.1)
    assert holder.lease_length == LASTS + 3 * SECOND
    for _ in range(10):
        holder.record_write_time(0.0)
    assert holder.lease_length - LASTS < SECOND / 10


def test_a_lease_is_longer_by_at_most_ten_seconds_however_long_a_write_took() -> None:
    holder = Leaseholder("away")
    holder.record_write_time(600.0)
    assert holder.lease_length == LASTS + 10 * SECOND


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 20)), max_size=30))
def test_two_monitors_never_have_one_lease_at_once(steps: list[tuple[str, bool, int]]) -> None:
    store, now = TemporaryStore(), NOON
    believed: dict[str, datetime] = {}
    for name, gives_back, seconds in steps:
        now += seconds * SECOND
        holder = Leaseholder(name)
        with store.transaction() as tx:
            if gives_back:
                holder.release(tx, OUTBOX)
                believed.pop(name, None)
            elif holder.take(tx, OUTBOX, now):
                believed[name] = now + LASTS
        assert len([it for it, until in believed.items() if now < until]) <= 1
