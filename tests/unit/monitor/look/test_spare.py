"""Overdue targets get the looks that a budget has left."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from monitor.plan.phases import Window
from monitor.plan.targets import View
from tests.unit.monitor.look.story import NOON, Watch, target, watch, window
from tests.worlds.fetcher import Reply

FREE = timedelta(seconds=0.9)


def watch_overdue_page(seen: Watch, name: str = "page", ends: float = 1e6) -> None:
    spans = [Window("overdue", NOON, NOON + timedelta(seconds=ends), timedelta(seconds=60), every_if_idle=FREE)]
    for view in (View.EDGE, View.ORIGIN):
        seen.poller.watch(target(name, view=view), spans)


def gaps_between(times: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


def test_a_lone_overdue_page_is_looked_at_every_second_its_views_by_turns() -> None:
    seen = watch(watch_overdue_page, rate=5, seconds=120)
    views = [request.bust for request in seen.fetcher.asked]
    assert max(gaps_between(seen.times("page"))) <= 1.0
    assert 120 <= len(views) <= 140
    assert sum(one is other for one, other in pairwise(views)) <= 4


def test_looks_that_are_due_are_made_on_time_in_spite_of_extra_looks() -> None:
    seen = watch(watch_overdue_page, rate=5, seconds=181)
    assert {time for time in seen.times("page") if time % 60 == 0} == {0, 60, 120, 180}
    assert seen.poller.missed == 0
    assert min(seen.late) >= 0


def test_idle_looks_delay_no_other_look() -> None:
    def act(seen: Watch) -> None:
        for n in range(10):
            watch_overdue_page(seen, f"overdue{n}")
        for n in range(4):
            seen.poller.watch(target(f"p{n}"), [window(1)])

    seen = watch(act, rate=5, seconds=60)
    assert all(max(gaps_between(seen.times(f"p{n}"))) <= 1.7 for n in range(4))
    counts = [len(seen.times(f"overdue{n}")) for n in range(10)]
    assert min(counts) >= 1


def test_idle_looks_do_not_delay_a_promised_look() -> None:
    def act(seen: Watch) -> None:
        for n in range(20):
            watch_overdue_page(seen, f"overdue{n}")
        seen.poller.watch(target("page"), [window(1)], promised_at=NOON + timedelta(seconds=30.55))

    assert 30.55 in watch(act, rate=5, seconds=40).times("page")


def test_idle_looks_are_shared_by_all_targets_that_may_have_them() -> None:
    def act(seen: Watch) -> None:
        for n in range(30):
            watch_overdue_page(seen, f"overdue{n}")

    seen = watch(act, rate=5, seconds=200)
    counts = [len(seen.times(f"overdue{n}")) for n in range(30)]
    assert max(counts) - min(counts) <= 2
    assert sum(counts) == pytest.approx(200 * 5 / 1.01, rel=0.02)


def test_idle_looks_end_with_their_window() -> None:
    assert max(watch(lambda seen: watch_overdue_page(seen, ends=30), rate=5, seconds=90).times("page")) < 30


def test_a_slow_answer_is_waited_for() -> None:
    seen = watch(watch_overdue_page, rate=5, seconds=60, script=lambda _: Reply(404, seconds=3.0))
    assert max(gaps_between(seen.times("page"))) <= 4.1
