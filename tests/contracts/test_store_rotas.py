"""What every store keeps to: what rotas said when they were last read."""

from __future__ import annotations

from monitor.store.interface import Store
from monitor.store.rows import RotaRead
from tests.contracts.rows import DAY, SLOT


def test_of_each_rota_its_last_read_comes_back(store: Store) -> None:
    assert store.outbox.rotas() == []
    other, newer = RotaRead("head", SLOT, "[]"), RotaRead("on-call", SLOT + DAY, '[["duty A","…","…"]]')
    with store.transaction() as tx:
        tx.save_rota(RotaRead("on-call", SLOT, "[]"))
        tx.save_rota(other)
        tx.save_rota(newer)
    assert store.outbox.rotas() == [other, newer]
