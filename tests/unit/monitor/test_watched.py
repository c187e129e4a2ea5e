from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.judge.runs import Blind
from monitor.record.memory import MemoryStore
from monitor.watched import extended

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)


def span(begins: float, ends: float, cause: str = "clock", host: str = "") -> Blind:
    return Blind(NINE + timedelta(seconds=begins), NINE + timedelta(seconds=ends), cause, host)


@pytest.mark.parametrize(
    "told",
    [
        [span(0, 5), span(0, 9)],
        [span(0, 9), span(0, 5)],
        [span(20, 30), span(0, 5)],
        [span(0, 5), span(0, 5, "killed"), span(0, 5, host="www.gov.uk")],
    ],
    ids=["grows", "never shrinks", "in time order", "of other cause or scope"],
)
def test_blind_spans_are_remembered_as_the_store_keeps_them(told: list[Blind]) -> None:
    store, spans = MemoryStore(), list[Blind]()
    for one in told:
        with store.transaction() as tx:
            tx.add_blind(one)
        spans = extended(spans, one)
    kept = store.blind(NINE - timedelta(days=1), NINE + timedelta(days=1))
    assert set(spans) == set(kept)
    assert [one.begins for one in spans] == [one.begins for one in kept]
