"""Overdue targets get extra looks while a budget has some left."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from statistics import mean

import pytest

from monitor.plan.phases import OVERDUE, Window
from monitor.plan.targets import View
from tests.unit.monitor.look.poller_run import (
    NOON,
    PollerRun,
    gaps_between,
    run_poller,
    target,
    watch_pages,
    window,
)
from tests.worlds.fetcher import Reply

EVERY_IF_IDLE = 0.9


def watch_overdue_page(run: PollerRun, name: str = "page", ends: float = 1e6) -> None:
    """Have a page looked at every minute in each view, and every 0.9 s while its host has nothing
    else to do.
    """
    every, every_if_idle = timedelta(seconds=60), timedelta(seconds=EVERY_IF_IDLE)
    spans = [
        Window(OVERDUE, NOON, NOON + timedelta(seconds=ends), every, every_if_idle=every_if_idle)
    ]
    for view in (View.EDGE, View.ORIGIN):
        run.poller.watch(target(name, view=view), spans)


def test_overdue_page_on_idle_host_gets_frequent_extra_looks() -> None:
    """A page is overdue.

    Its looks are due every minute only. But no other page of its host needs a look.

    So it gets extra looks, and one begins every 0.9 s.
    """
    run = run_poller(watch_overdue_page, looks_per_second=5, seconds=120)
    gaps = gaps_between(run.look_times("page"))
    assert max(gaps) <= 1.0
    assert mean(gaps) == pytest.approx(0.9, abs=0.05)


def test_extra_looks_at_an_overdue_page_alternate_between_its_views() -> None:
    """An overdue page has two views: the edge, which has caches, and the origin behind it. In each,
    a look is due every minute. As its host is idle, extra looks are made between them: one every
    0.9 s, in both views in turn.
    """
    run = run_poller(watch_overdue_page, looks_per_second=5, seconds=59)
    _due_edge_look, _due_origin_look, *views_of_extra_looks = run.looked_at_views()
    # In 59 s there are about 65 looks, one every 0.9 s.
    assert len(views_of_extra_looks) > 60
    assert all(view is not next_view for view, next_view in pairwise(views_of_extra_looks))


def test_extra_looks_do_not_delay_due_looks_at_overdue_page() -> None:
    """Looks at an overdue page are due every minute, in two views.

    While the host is idle, there are extra looks.

    At each full minute, the two due looks begin at once, except that they must be one turn apart.
    A turn is the time that the budget leaves between two looks.
    """
    rate = 5
    run = run_poller(watch_overdue_page, looks_per_second=rate, seconds=181)
    assert {0, 60, 120, 180} <= set(run.look_times("page"))
    assert run.poller.missed == 0
    seconds_a_turn = 1.01 / rate  # a hundredth more than the budget requires
    assert max(run.late) < seconds_a_turn + 0.005


def test_extra_looks_lengthen_no_gap_between_looks_at_other_pages() -> None:
    """Four pages get a look every second.

    Ten overdue ones get one a minute, and extra looks while the host is idle.

    A second run is the same, but without extra looks. In both runs, the longest gap between two
    looks at each of the four pages is measured. It is not longer with extra looks.
    """
    overdue, others = [f"overdue{n}" for n in range(10)], [f"p{n}" for n in range(4)]

    def watch_with_extra_looks(run: PollerRun) -> None:
        watch_pages(*others, every=1)(run)
        for name in overdue:
            watch_overdue_page(run, name)

    def watch_without_extra_looks(run: PollerRun) -> None:
        watch_pages(*others, every=1)(run)
        for name in overdue:
            for view in (View.EDGE, View.ORIGIN):
                run.poller.watch(target(name, view=view), [window(every=60)])

    with_extra_looks = run_poller(watch_with_extra_looks, looks_per_second=5, seconds=60)
    without = run_poller(watch_without_extra_looks, looks_per_second=5, seconds=60)
    for name in others:
        longest_gap_with = max(gaps_between(with_extra_looks.look_times(name)))
        longest_gap_without = max(gaps_between(without.look_times(name)))
        assert longest_gap_with <= longest_gap_without
    assert all(with_extra_looks.look_times(name) for name in overdue)  # each had looks


def test_extra_looks_do_not_delay_a_promised_look() -> None:
    """A promised look must begin at a given instant, for example at a slot.

    Here it is second 30.55.

    20 overdue pages get extra looks, which use the rest of the budget. Still, the promised look is
    on time.
    """
    promised_second = 30.55  # the usual looks at this page are at whole seconds

    def watch_21_pages(run: PollerRun) -> None:
        for n in range(20):
            watch_overdue_page(run, f"overdue{n}")
        promised_at = NOON + timedelta(seconds=promised_second)
        run.poller.watch(target("page"), [window(every=1)], promised_at=promised_at)

    run = run_poller(watch_21_pages, looks_per_second=5, seconds=40)
    assert promised_second in run.look_times("page")


def test_extra_looks_use_whole_budget_and_are_shared_evenly() -> None:
    """30 overdue pages have a look due every minute.

    While their host is idle, each may have a look every 0.9 s.

    That is more than the budget of five looks a second. So the extra looks use all of it, and each
    page gets as many.
    """
    overdue, rate, seconds = [f"overdue{n}" for n in range(30)], 5, 200

    def act(run: PollerRun) -> None:
        for name in overdue:
            watch_overdue_page(run, name)

    run = run_poller(act, looks_per_second=rate, seconds=seconds)
    looks_at_each = [len(run.look_times(name)) for name in overdue]
    assert max(looks_at_each) - min(looks_at_each) <= 2
    # A hundredth of the budget is not used, to keep a distance from the limit.
    assert sum(looks_at_each) == pytest.approx(rate * seconds / 1.01, rel=0.02)


def test_extra_looks_end_with_the_window_of_an_overdue_page() -> None:
    run = run_poller(lambda run: watch_overdue_page(run, ends=30), looks_per_second=5, seconds=90)
    assert max(run.look_times("page")) < 30


def test_extra_look_begins_within_0_9_s_of_last_answer() -> None:
    """While its host is idle, an overdue page gets a look every 0.9 s, in its edge and origin views
    in turn.

    But here an answer takes 3 s, and a view never has two looks at once.
    So the next edge look waits for the answer to the last one. Then it begins at most 0.9 s later.
    """
    seconds_to_answer = 3.0
    run = run_poller(
        watch_overdue_page,
        looks_per_second=5,
        seconds=60,
        publisher=lambda _: Reply(404, seconds=seconds_to_answer),
    )
    looks = zip(run.start_times, run.looked_at_views(), strict=True)
    gaps = gaps_between([second for second, view in looks if view is View.EDGE])
    assert min(gaps) >= seconds_to_answer
    assert max(gaps) <= seconds_to_answer + 0.9
