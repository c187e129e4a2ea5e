"""What every store keeps to: silences."""

from __future__ import annotations

from dataclasses import replace

from alerts.silence import Scope, Silence
from monitor.store.interface import Store
from tests.contracts.rows import DAY, MINUTE, SLOT


def a_silence(name: str = "s") -> Silence:
    return Silence(name, Scope.PRODUCER, "ofqual", SLOT, SLOT + DAY, "duty statistician", "their site moves")


def test_a_silence_comes_back_as_it_was_last_written_while_it_lasts(store: Store) -> None:
    first, second = a_silence(), replace(a_silence("t"), begins=SLOT - MINUTE, scope=Scope.INCIDENT)
    ended = replace(first, ended=SLOT + MINUTE, ended_by="head of profession")
    with store.transaction() as tx:
        tx.save_silence(first)
        tx.save_silence(second)
        tx.save_silence(ended)
    assert store.outbox.silences(SLOT) == store.outbox.silences(SLOT + DAY) == [second, ended]
    assert store.outbox.silences(SLOT + DAY + MINUTE) == []
