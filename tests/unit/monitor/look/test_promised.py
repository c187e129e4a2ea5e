"""The look at the promised instant begins on time, before all other requests of its host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.plan.phases import Window
from monitor.plan.targets import View
from tests.unit.monitor.look.story import NOON, Watch, target, watch, window
from tests.worlds.fetcher import Reply

SLOTS = [
    datetime(2026, 3, 29, 8, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 9, 30, tzinfo=UTC),
    datetime(2026, 11, 26, 9, 30, tzinfo=UTC),
]


def test_look_at_the_promised_instant_goes_first_on_a_free_host() -> None:
    instant = NOON + timedelta(seconds=7.05)

    def act(seen: Watch) -> None:
        for n in range(10):
            seen.poller.watch(target(f"p{n}"), [window(1)], promised_at=instant if n == 5 else None)

    seen = watch(act, rate=5, seconds=20)
    assert (7.05, "p5") in seen.starts
    assert [name for time, name in seen.starts if 6.85 < time < 7.25] == ["p5"]


def test_of_several_promised_looks_pages_as_users_get_them_go_first() -> None:
    instant = NOON + timedelta(seconds=7)

    def act(seen: Watch) -> None:
        for view in (View.CONTENT, View.ORIGIN, View.EDGE):
            for name in ("sheet", "page"):
                seen.poller.watch(target(name, view=view), [window(1)], promised_at=instant)

    requests = watch(act, rate=5, seconds=9).fetcher.asked
    edge_requests = [request for request in requests if not request.bust]
    assert edge_requests[0].url.endswith("/page")


def test_slow_answer_does_not_delay_the_promised_look() -> None:
    def act(seen: Watch) -> None:
        for n in range(8):
            seen.poller.watch(target(f"p{n}"), [window(1)])
        seen.poller.watch(target("page"), [window(1)], promised_at=NOON + timedelta(seconds=7))

    seen = watch(act, seconds=9, script=lambda r: Reply(200, b"x", seconds=0.0 if r.url.endswith("/page") else 3.0))
    assert 7 in seen.times("page")


@pytest.mark.parametrize("slot", SLOTS)
def test_oldest_of_sixty_looks_promised_at_one_instant_goes_first(slot: datetime) -> None:
    spans = [Window("slot", slot - timedelta(minutes=2), slot + timedelta(minutes=2), timedelta(seconds=1))]

    def act(seen: Watch) -> None:
        for n in range(60):
            seen.poller.watch(target(f"p{n}"), spans, promised_at=slot)
            seen.poller.watch(target(f"p{n}", view=View.ORIGIN), spans)

    seen = watch(act, rate=5, seconds=160, start=slot - timedelta(seconds=130))
    starts = [(*start, request.bust) for start, request in zip(seen.starts, seen.fetcher.asked, strict=True)]
    first = [time for time, _, _ in starts].index(130)
    assert starts[first - 1][0] <= 130 - 1.01 / 5
    burst = starts[first : first + 60]
    assert [time for time, _, _ in burst] == pytest.approx([130 + n * 1.01 / 5 for n in range(60)], abs=0.01)
    last = {name: time for time, name, bust in starts[:first] if not bust}
    assert [name for _, name, _ in burst] == sorted(last, key=last.__getitem__)
    assert {bust for _, _, bust in burst} == {False}


def test_promised_looks_at_many_hosts_all_begin_on_the_instant() -> None:
    def act(seen: Watch) -> None:
        for n in range(60):
            for m in range(4):
                page = target(f"p{n}-{m}", host=f"h{n}.example")
                seen.poller.watch(page, [window(1)], promised_at=NOON + timedelta(seconds=9.1) if m == 2 else None)

    seen = watch(act, rate=2, seconds=12)
    assert sum(time == 9.1 and name.endswith("-2") for time, name in seen.starts) == 60


@settings(max_examples=15, deadline=None)
@given(st.sets(st.integers(5, 75), min_size=12, max_size=12), st.floats(0, 0.45), st.floats(2, 8))
def test_promised_looks_begin_within_ten_milliseconds_under_any_pressure(
    instants: set[int], answers: float, rate: float
) -> None:
    def act(seen: Watch) -> None:
        for n, second in enumerate(sorted(instants)):
            seen.poller.watch(target(f"promised{n}"), [window(1)], promised_at=NOON + timedelta(seconds=second + 0.5))
            seen.poller.watch(target(f"other{n}"), [window(1)])

    seen = watch(act, rate=rate, seconds=80, script=lambda _: Reply(404, seconds=answers))
    for n, second in enumerate(sorted(instants)):
        assert any(0 <= time - second - 0.5 <= 0.01 for time in seen.times(f"promised{n}"))


@pytest.mark.parametrize("slot", SLOTS)
def test_the_promised_look_begins_on_the_instant_on_days_of_clock_changes(slot: datetime) -> None:
    def act(seen: Watch) -> None:
        spans = [Window("near", slot - timedelta(hours=12), slot + timedelta(minutes=1), timedelta(seconds=15))]
        seen.poller.watch(target(), spans, timedelta(seconds=4), promised_at=slot)

    start = slot - timedelta(hours=10)
    assert 36_000 in watch(act, seconds=36_020, start=start).times("page")
