from __future__ import annotations

import asyncio
from datetime import timedelta

from monitor.clock import VirtualClock
from monitor.watch.judging import PORTION, JudgingQueue
from tests.worlds.virtual import virtually


@virtually
async def test_a_release_that_was_queued_twice_is_due_once_in_order_of_ids(clock: VirtualClock) -> None:
    queue = JudgingQueue(clock)
    for name in ("b", "a", "b"):
        queue.judge_soon(name)
    assert await queue.wait_for_due() == ["a", "b"]
    assert clock.monotonic() == 0


@virtually
async def test_a_release_that_is_queued_three_times_for_one_instant_is_due_then_and_once(clock: VirtualClock) -> None:
    queue = JudgingQueue(clock)
    for _ in range(3):
        queue.judge_at(clock.now() + timedelta(seconds=90), "r")
    assert await queue.wait_for_due() == ["r"]
    assert clock.monotonic() == 90
    queue.judge_soon("other")
    assert await queue.wait_for_due() == ["other"]


@virtually
async def test_a_release_that_is_queued_during_a_wait_ends_the_wait(clock: VirtualClock) -> None:
    queue = JudgingQueue(clock)
    queue.judge_at(clock.now() + timedelta(days=9), "late")
    waiting = asyncio.ensure_future(queue.wait_for_due())
    await clock.sleep(7)
    queue.judge_soon("now")
    assert await waiting == ["now"]
    assert clock.monotonic() == 7


@virtually
async def test_changed_releases_are_judged_before_the_rest_and_every_release_gets_its_turn(clock: VirtualClock) -> None:
    known = [f"r{number:03}" for number in range(2 * PORTION + 1)]
    first, second, last = known[:PORTION], known[PORTION : 2 * PORTION], known[-1]
    queue = JudgingQueue(clock)
    queue.judge_all()
    assert await queue.wait_for_due(known) == first
    queue.judge_soon("changed")
    assert await queue.wait_for_due(known) == ["changed"]
    queue.judge_all()
    assert await queue.wait_for_due(known) == second
    # The last one has waited longest, so it takes a place in the second round.
    assert await queue.wait_for_due(known) == [*first[:-1], last]
    assert await queue.wait_for_due(known) == [first[-1]]
