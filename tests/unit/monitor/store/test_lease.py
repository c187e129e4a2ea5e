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
    """Monitor A takes a lease at the slot and is killed.

    So it does not renew the lease, which ends after LASTS (15 s).

    Monitor B cannot take it a second earlier, but at its end it can.
    """
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
    """A renewal is due after a third of the lease's length, so there is time for two retries that
    are as far apart.
    """
    assert A.renewal_due(SLOT + LASTS) == SLOT + LASTS / 3


def test_slow_write_lengthens_a_lease_until_later_writes_halve_that() -> None:
    """A lease usually lasts for LASTS. A slow store may delay its renewal, so then it lasts longer.

    After a write of 3 s, it lasts 2 * 3 = 6 s longer. Each quick write halves this: to 3 s, 1.5 s
    and so on.
    """
    holder = Leaseholder("slow")
    holder.record_write_time(3.0)
    assert holder.lease_length == LASTS + 6 * SECOND
    holder.record_write_time(0.1)
    assert holder.lease_length == LASTS + 3 * SECOND
    for _ in range(10):
        holder.record_write_time(0.0)
    assert holder.lease_length - LASTS < SECOND / 10


def test_lease_is_lengthened_by_at_most_ten_seconds() -> None:
    """A lease usually lasts for LASTS.

    After a slow write, it lasts longer, by twice the time of that write.

    But a write counts as 5 s at most. So after one of 600 s, it lasts 2 * 5 = 10 s longer.
    """
    holder = Leaseholder("away")
    holder.record_write_time(600.0)
    assert holder.lease_length == LASTS + 10 * SECOND


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.integers(0, 20)), max_size=30))
def test_two_monitors_never_have_one_lease_at_once(steps: list[tuple[str, bool, int]]) -> None:
    """Three monitors want one lease.

    In each random step, one of them tries to take it, or gives it back.

    The seconds between two steps are random too. Two monitors may never have the lease at once.
    """
    store, now = TemporaryStore(), SLOT
    held_until: dict[str, datetime] = {}
    for name, gives_back, seconds_since_last_step in steps:
        now += seconds_since_last_step * SECOND
        holder = Leaseholder(name)
        with store.transaction() as tx:
            if gives_back:
                holder.release(tx, OUTBOX)
                held_until.pop(name, None)
            elif holder.take(tx, OUTBOX, now):
                held_until[name] = now + LASTS
        holders_now = [holder_name for holder_name, until in held_until.items() if now < until]
        assert len(holders_now) <= 1
