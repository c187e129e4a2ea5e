"""Overdue targets get the looks that a budget has left."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from monitor.plan.phases import Window
from monitor.plan.targets import View
from tests.unit.monitor.look.story import NOON, PollerRun, run_poller, target, window
from tests.worlds.fetcher import Reply


def watch_overdue_page(run: PollerRun, name: str = "page", ends: float = 1e6) -> None:
    """Have a page looked at every minute in each view, and every 0.9 s while its host has nothing else to do."""
    every, every_if_idle = timedelta(seconds=60), timedelta(seconds=0.9)
    spans = [Window("overdue", NOON, NOON + timedelta(seconds=ends), every, every_if_idle=every_if_idle)]
    for view in (View.EDGE, View.ORIGIN):
        run.poller.watch(target(name, view=view), spans)


def gaps_between(times: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


def test_a_lone_overdue_page_is_looked_at_every_second_in_alternating_views() -> None:
    run = run_poller(watch_overdue_page, rate=5, seconds=120)
    assert max(gaps_between(run.look_times("page"))) <= 1.0
    is_origin_look = [request.bust for request in run.fetcher.asked]
    assert 120 <= len(is_origin_look) <= 140
    # Only its two regular looks of a minute may follow another look of the same view.
    looks_in_the_view_before = sum(view is next_view for view, next_view in pairwise(is_origin_look))
    assert looks_in_the_view_before <= 4


def test_the_minutely_looks_of_an_overdue_page_are_on_time_in_spite_of_its_extra_looks() -> None:
    run = run_poller(watch_overdue_page, rate=5, seconds=181)
    assert {0, 60, 120, 180} <= set(run.look_times("page"))
    assert run.poller.missed == 0
    assert min(run.late) >= 0


def test_extra_looks_at_overdue_pages_delay_no_look_at_other_pages() -> None:
    overdue, others = [f"overdue{n}" for n in range(10)], [f"p{n}" for n in range(4)]

    def act(run: PollerRun) -> None:
        for name in overdue:
            watch_overdue_page(run, name)
        for name in others:
            run.poller.watch(target(name), [window(every=1)])

    run = run_poller(act, rate=5, seconds=60)
    for name in others:
        assert max(gaps_between(run.look_times(name))) <= 1.7
    assert all(run.look_times(name) for name in overdue)


def test_extra_looks_at_overdue_pages_do_not_delay_a_promised_look() -> None:
    def act(run: PollerRun) -> None:
        for n in range(20):
            watch_overdue_page(run, f"overdue{n}")
        run.poller.watch(target("page"), [window(every=1)], promised_at=NOON + timedelta(seconds=30.55))

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


def test_the_next_extra_look_waits_for_an_answer_that_takes_three_seconds() -> None:
    run = run_poller(watch_overdue_page, rate=5, seconds=60, script=lambda _: Reply(404, seconds=3.0))
    assert max(gaps_between(run.look_times("page"))) <= 4.1
