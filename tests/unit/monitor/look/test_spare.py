"""Overdue targets get the looks that a budget has left."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from statistics import mean

import pytest

from monitor.plan.phases import Window
from monitor.plan.targets import View
from tests.unit.monitor.look.story import NOON, PollerRun, gaps_between, run_poller, target, watch_pages, window
from tests.worlds.fetcher import Reply

EVERY_IF_IDLE = 0.9


def watch_overdue_page(run: PollerRun, name: str = "page", ends: float = 1e6) -> None:
    """Have a page looked at every minute in each view, and every 0.9 s while its host has nothing else to do."""
    every, every_if_idle = timedelta(seconds=60), timedelta(seconds=EVERY_IF_IDLE)
    spans = [Window("overdue", NOON, NOON + timedelta(seconds=ends), every, every_if_idle=every_if_idle)]
    for view in (View.EDGE, View.ORIGIN):
        run.poller.watch(target(name, view=view), spans)


def test_lone_overdue_page_on_an_idle_host_gets_a_look_about_every_0_9_s() -> None:
    # Its planned looks are a minute apart. While the host is idle, there are extra looks every 0.9 s (EVERY_IF_IDLE).
    gaps = gaps_between(run_poller(watch_overdue_page, rate=5, seconds=120).look_times("page"))
    assert max(gaps) <= 1.0
    assert mean(gaps) == pytest.approx(EVERY_IF_IDLE, abs=0.05)


def test_extra_looks_at_an_overdue_page_alternate_between_its_views() -> None:
    run = run_poller(watch_overdue_page, rate=5, seconds=59)
    _minutely_edge_look, _minutely_origin_look, *views_of_extra_looks = run.looked_at_views()
    # In 59 s there are about 65 looks, one every 0.9 s.
    assert len(views_of_extra_looks) > 60
    assert all(view is not next_view for view, next_view in pairwise(views_of_extra_looks))


def test_the_minutely_looks_of_an_overdue_page_are_on_time_in_spite_of_its_extra_looks() -> None:
    run = run_poller(watch_overdue_page, rate=5, seconds=181)
    assert {0, 60, 120, 180} <= set(run.look_times("page"))
    assert run.poller.missed == 0
    # Both views fall due at once, so one of them has the next turn, 1.01 / 5 s later.
    assert max(run.late) < 0.21


def test_extra_looks_at_overdue_pages_widen_no_gap_between_looks_at_other_pages() -> None:
    overdue, others = [f"overdue{n}" for n in range(10)], [f"p{n}" for n in range(4)]

    def watch_both(run: PollerRun) -> None:
        watch_pages(*others, every=1)(run)
        for name in overdue:
            watch_overdue_page(run, name)

    def watch_both_without_extra_looks(run: PollerRun) -> None:
        watch_pages(*others, every=1)(run)
        for name in overdue:
            for view in (View.EDGE, View.ORIGIN):
                run.poller.watch(target(name, view=view), [window(every=60)])

    with_extra_looks = run_poller(watch_both, rate=5, seconds=60)
    without = run_poller(watch_both_without_extra_looks, rate=5, seconds=60)
    for name in others:
        widest, widest_without = (max(gaps_between(run.look_times(name))) for run in (with_extra_looks, without))
        assert widest <= widest_without
    assert all(with_extra_looks.look_times(name) for name in overdue)


def test_extra_looks_at_overdue_pages_do_not_delay_a_promised_look() -> None:
    def act(run: PollerRun) -> None:
        for n in range(20):
            watch_overdue_page(run, f"overdue{n}")
        run.poller.watch(target("page"), [window(every=1)], promised_at=NOON + timedelta(seconds=30.55))

    # The overdue pages use the whole budget, and the promised look is on time.
    assert 30.55 in run_poller(act, rate=5, seconds=40).look_times("page")


def test_extra_looks_use_the_whole_budget_and_are_shared_evenly_by_overdue_pages() -> None:
    overdue, rate, seconds = [f"overdue{n}" for n in range(30)], 5, 200

    def act(run: PollerRun) -> None:
        for name in overdue:
            watch_overdue_page(run, name)

    run = run_poller(act, rate=rate, seconds=seconds)
    counts = [len(run.look_times(name)) for name in overdue]
    assert max(counts) - min(counts) <= 2
    # The budget is used except for a hundredth, which keeps a distance from the limit.
    assert sum(counts) == pytest.approx(rate * seconds / 1.01, rel=0.02)


def test_extra_looks_end_with_the_window_of_an_overdue_page() -> None:
    assert max(run_poller(lambda run: watch_overdue_page(run, ends=30), rate=5, seconds=90).look_times("page")) < 30


def test_the_next_extra_look_in_a_view_waits_for_an_answer_that_takes_three_seconds() -> None:
    run = run_poller(watch_overdue_page, rate=5, seconds=60, script=lambda _: Reply(404, seconds=3.0))
    views = run.looked_at_views()
    edge_looks = [time for time, view in zip(run.start_times, views, strict=True) if view is View.EDGE]
    gaps = gaps_between(edge_looks)
    # It begins when the answer has come, or up to 0.9 s (EVERY_IF_IDLE) later.
    assert 3.0 <= min(gaps) <= max(gaps) <= 3.0 + EVERY_IF_IDLE
