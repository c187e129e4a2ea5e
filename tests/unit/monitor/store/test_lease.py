from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from monitor.store.lease import LASTS, OUTBOX, Leaseholder
from monitor.store.sql.engine import Store
from tests.worlds.instants import SECOND, SLOT
from tests.worlds.stores import TemporaryStore

A, B = Leaseholder("a"), Leaseholder("b")


def take(store: Store, who: Leaseholder, now: datetime) -> bool:
    with store.transaction() as tx:
        return who.take(tx, OUTBOX, now)


def test_lease_of_a_killed_monitor_passes_to_another(sqlite: Store) -> None:
    """Monitor A takes the lease and does not renew it, so it ends after LASTS (15 s)."""
    assert take(sqlite, A, SLOT)
    assert not take(sqlite, B, SLOT + LASTS - SECOND)
    assert take(sqlite, B, SLOT + LASTS)
    lease = sqlite.leases.lease(OUTBOX)
    assert (lease.holder, lease.until) == ("b", SLOT + 2 * LASTS)


def test_lease_that_was_given_back_can_be_taken_at_once(sqlite: Store) -> None:
    """Monitor A gives its lease of 15 s back. So monitor B can take it after a second."""
    take(sqlite, A, SLOT)
    with sqlite.transaction() as tx:
        A.release(tx, OUTBOX)
    assert take(sqlite, B, SLOT + SECOND)


def test_two_renewals_may_fail_before_a_lease_is_lost() -> None:
    """A renewal is due after a third of the lease's length, so there is time for two retries that are as far apart."""
    assert A.renewal_due(SLOT + LASTS) == SLOT + LASTS / 3


def test_slow_write_lengthens_a_lease_until_later_writes_halve_that() -> None:
    """After a write of 3 s, a lease lasts 2 * 3 = 6 s longer than LASTS. The next, quick write halves these 6 s to 3 s.
    After ten more quick writes, less than 0.1 s is left of them."""
    holder = Leaseholder("slow")
    holder.record_write_time(3.0)
    assert holder.lease_length == LASTS + 6 * SECOND
    holder.record_write_time(0.1)
    assert holder.lease_length == LASTS + 3 * SECOND
    for _ in range(10):
        holder.record_write_time(0.0)
    assert holder.lease_length - LASTS < SECOND / 10


def test_lease_is_lengthened_by_at_most_ten_seconds() -> None:
    """After a slow write, a lease is longer by twice the time of that write. But a write counts as 5 s at most. So this
    one of 600 s makes the lease longer by 2 * 5 = 10 s."""
    holder = Leaseholder("away")
    holder.record_write_time(600.0)
    assert holder.lease_length == LASTS + 10 * SECOND


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 20)), max_size=30))
def test_two_monitors_never_have_one_lease_at_once(steps: list[tuple[str, bool, int]]) -> None:
    """In each random step, monitor a, b or c gives the lease back (`gives_back`) or tries to take it. The seconds since
    the last step are random too. After each step at most one monitor has the lease."""
    store, now = TemporaryStore(), SLOT
    held_until: dict[str, datetime] = {}
    for name, gives_back, seconds in steps:
        now += seconds * SECOND
        holder = Leaseholder(name)
        with store.transaction() as tx:
            if gives_back:
                holder.release(tx, OUTBOX)
                held_until.pop(name, None)
            elif holder.take(tx, OUTBOX, now):
                held_until[name] = now + LASTS
        holders_now = [holder_name for holder_name, until in held_until.items() if now < until]
        assert len(holders_now) <= 1
