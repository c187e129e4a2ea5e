"""Which target of a host is looked at next."""

from __future__ import annotations

from datetime import timedelta

from monitor.look.due_targets import DueTargets
from monitor.look.scheduled import ScheduledTarget
from monitor.plan.budget import least_gap
from monitor.plan.phases import SLOT, Window
from monitor.plan.proof import ProofGoal
from tests.unit.monitor.look.poller_run import NOON, target

MINUTE = timedelta(minutes=1)
RATE = 2.0


def scheduled(name: str, *, rank: int | None = None) -> ScheduledTarget:
    """Return a page that is looked at every second around a slot at noon.

    With a `rank` it needs a proof.
    """
    window = Window(SLOT, NOON - 2 * MINUTE, NOON + 2 * MINUTE, timedelta(seconds=1))
    goal = None if rank is None else ProofGoal(NOON, MINUTE, (0, 1, rank))
    watched = ScheduledTarget(target(name), (window,), timedelta(), NOON - 2 * MINUTE, goal=goal)
    watched.plan_after(NOON - 2 * MINUTE)
    return watched


def test_next_target_is_the_one_that_the_sweep_chose_whether_or_not_anyone_asked() -> None:
    """Sixty pages at two looks a second are too many, so a sweep looks at them in turn, and the one
    of the lowest rank is first. Another page is due too.
    """
    due = DueTargets(RATE)
    begins = NOON - 2 * MINUTE
    pages = [scheduled(f"p{n}", rank=n) for n in range(60)]
    for watched in pages:
        assert watched.goal is not None
        due.sweeps.add(watched.target, watched.goal, begins)
        due.schedule(watched, begins)
    due.schedule(scheduled("other"), begins)
    now = begins + timedelta(seconds=2)
    due.choose(now, 2.0, least_gap(RATE), is_request_waiting=False)
    assert due.take_next(now, 2.0) is pages[0]


def test_removed_target_keeps_no_turn_free_at_its_promised_instant() -> None:
    due = DueTargets(RATE)
    first, second = scheduled("first"), scheduled("second")
    first.promised_at, second.promised_at = NOON, NOON + MINUTE / 2
    for watched in (first, second):
        watched.plan_after(NOON - MINUTE / 2)
        due.schedule(watched, NOON - MINUTE / 2)
    assert due.next_promised() == NOON
    due.remove(first.target.id)
    assert due.next_promised() == NOON + MINUTE / 2
