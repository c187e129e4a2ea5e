"""The look at the promised instant begins on time, before all other requests of its host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.look.fetch import Request
from monitor.plan.phases import Window
from monitor.plan.targets import View
from tests.unit.monitor.look.story import NOON, PollerRun, requested_page, run_poller, target, watch_pages, window
from tests.worlds.fetcher import Reply

SLOTS = [
    datetime(2026, 3, 29, 8, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 9, 30, tzinfo=UTC),
    datetime(2026, 11, 26, 9, 30, tzinfo=UTC),
]


def test_a_busy_host_is_kept_free_for_the_look_at_the_promised_instant() -> None:
    rate, promised = 5, 7.05

    def act(run: PollerRun) -> None:
        watch_pages(*(f"other{n}" for n in range(9)), every=1)(run)
        run.poller.watch(target("page"), [window(every=1)], promised_at=NOON + timedelta(seconds=promised))

    run = run_poller(act, rate=rate, seconds=20)
    # A look may begin every 0.2 s (1 / rate). No other one begins within 0.2 s of the promised one, which would delay
    # it.
    looks_around_the_instant = [(time, name) for time, name in run.starts if abs(time - promised) < 1 / rate]
    assert looks_around_the_instant == [(promised, "page")]


def test_of_looks_promised_at_one_instant_the_part_named_page_goes_first_and_of_its_views_the_edge() -> None:
    instant = NOON + timedelta(seconds=7)

    def act(run: PollerRun) -> None:
        for view in (View.CONTENT, View.ORIGIN, View.EDGE):
            for name in ("sheet", "page"):
                run.poller.watch(target(name, view=view), [window(every=1, begins=7)], promised_at=instant)

    # None had a look before, which would count first. The order in which they were added does not matter.
    run = run_poller(act, rate=5, seconds=9)
    assert run.starts[0] == (7, "page")
    assert run.looked_at_views()[0] is View.EDGE


def test_promised_look_is_on_time_although_slow_looks_hold_all_other_places() -> None:
    def act(run: PollerRun) -> None:
        watch_pages(*(f"other{n}" for n in range(8)), every=1)(run)
        run.poller.watch(target("page"), [window(every=1)], promised_at=NOON + timedelta(seconds=7))

    def reply(request: Request) -> Reply:
        return Reply(200, b"x", seconds=0.0 if requested_page(request) == "page" else 3.0)

    # Looks that take 3 s each would hold all four places, but the last place is kept for a promised look that is near.
    run = run_poller(act, seconds=9, script=reply, at_once=4)
    assert 7 in run.look_times("page")


@pytest.mark.parametrize("slot", SLOTS)
def test_looks_promised_at_one_instant_begin_a_turn_apart_after_it_and_the_oldest_page_goes_first(
    slot: datetime,
) -> None:
    # The slots are on the two days of clock changes in 2026 and on an ordinary day. The oldest page is the one that was
    # last looked at the longest ago.
    windows = [Window("slot", slot - timedelta(minutes=2), slot + timedelta(minutes=2), timedelta(seconds=1))]

    def act(run: PollerRun) -> None:
        for n in range(60):
            run.poller.watch(target(f"p{n}"), windows, promised_at=slot)
            run.poller.watch(target(f"p{n}", view=View.ORIGIN), windows)

    rate, promised_second = 5, 130.0
    run = run_poller(act, rate=rate, seconds=160, start=slot - timedelta(seconds=promised_second))
    looks = list(zip(run.start_times, [name for _, name in run.starts], run.looked_at_views(), strict=True))
    looks_before = [look for look in looks if look[0] < promised_second]
    times, names, views = zip(*looks[len(looks_before) : len(looks_before) + 60], strict=True)
    seconds_a_turn = 1.01 / rate  # a hundredth longer than the budget requires
    # The turn before the promised instant is left free, so that the first promised look is on time.
    last_time_before, _, _ = looks_before[-1]
    assert last_time_before <= promised_second - seconds_a_turn
    assert times == pytest.approx([promised_second + n * seconds_a_turn for n in range(60)], abs=0.01)
    # Only looks at the edge were promised for the instant.
    assert set(views) == {View.EDGE}
    last_look_before = {name: time for time, name, view in looks_before if view is View.EDGE}
    assert list(names) == sorted(last_look_before, key=last_look_before.__getitem__)


def test_promised_looks_at_many_hosts_all_begin_on_the_instant() -> None:
    hosts = [f"h{n}.example" for n in range(60)]

    def act(run: PollerRun) -> None:
        for host in hosts:
            for name in ("a", "b", "c"):
                run.poller.watch(target(f"{name}.{host}", host=host), [window(every=1)])
            promised = target(f"promised.{host}", host=host)
            run.poller.watch(promised, [window(every=1)], promised_at=NOON + timedelta(seconds=9.1))

    run = run_poller(act, rate=2, seconds=12)
    assert {f"promised.{host}" for host in hosts} <= {name for time, name in run.starts if time == 9.1}


@settings(max_examples=15, deadline=None)
@given(st.sets(st.integers(5, 75), min_size=12, max_size=12), st.floats(0, 0.45), st.floats(2, 8))
def test_promised_looks_begin_within_10_ms_under_any_pressure(
    instants: set[int], seconds_to_answer: float, rate: float
) -> None:
    def act(run: PollerRun) -> None:
        for n, second in enumerate(sorted(instants)):
            run.poller.watch(
                target(f"promised{n}"), [window(every=1)], promised_at=NOON + timedelta(seconds=second + 0.5)
            )
            run.poller.watch(target(f"other{n}"), [window(every=1)])

    run = run_poller(act, rate=rate, seconds=80, script=lambda _: Reply(404, seconds=seconds_to_answer))
    for n, second in enumerate(sorted(instants)):
        promised_at = second + 0.5
        assert any(promised_at <= time <= promised_at + 0.01 for time in run.look_times(f"promised{n}"))


@pytest.mark.parametrize("slot", SLOTS)
def test_the_promised_look_begins_on_the_instant_on_days_of_clock_changes(slot: datetime) -> None:
    # British clocks change on 29 March and 25 October 2026. The third slot is on an ordinary day. Other looks are every
    # 15 s, but shifted by 4 s, so only the promised one is at the slot.
    def act(run: PollerRun) -> None:
        spans = [Window("near", slot - timedelta(hours=12), slot + timedelta(minutes=1), timedelta(seconds=15))]
        run.poller.watch(target(), spans, shift=timedelta(seconds=4), promised_at=slot)

    seconds_before = 10 * 3600
    run = run_poller(act, seconds=seconds_before + 20, start=slot - timedelta(seconds=seconds_before))
    assert seconds_before in run.look_times("page")
