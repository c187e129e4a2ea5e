"""Clock steps and pauses of the loop in any order: each interval contains the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.clock import Clock, SteadyClock
from monitor.judge.policy import Policy
from monitor.judge.runs import Blind, OutOfOrder, Run, extend_run, start_run, was_blind
from monitor.judge.verdict import Verdict
from monitor.look.clock_skew import Skew
from monitor.look.clock_steps import ClockMove, ClockSteps
from monitor.look.fetch import Answer, Failure, Request
from monitor.look.interpret import Interpreter
from monitor.look.poller import Hooks, Poller
from monitor.look.sighting import Sighting, State
from monitor.plan import phases
from monitor.plan.budget import Budget
from monitor.plan.phases import Window
from monitor.plan.targets import Target, View
from monitor.rehearse.virtual_loop import run_virtually
from tests.unit.monitor.look.poller_run import HaltingClock
from tests.worlds.fetcher import Reply, ScriptedFetcher
from tests.worlds.instants import SLOT
from tests.worlds.releases import PAGE_URL, a_promise, a_release
from tests.worlds.verdicts import judge

BEGINS, ENDS, DAY = -30.0, 60.0, timedelta(days=1)


@dataclass(frozen=True)
class Story:
    """Seconds from the slot: when the page came, by how many milliseconds the wall clock is wrong
    from when on, halts.

    It is wrong by `wrong_at_start` milliseconds before the first step.
    """

    published_after_slot: float | None
    steps: Sequence[tuple[float, int]]
    every: float = 1.0
    latency: float = 0.04
    halts: Sequence[tuple[float, float]] = ()
    views: int = 1
    wrong_at_start: int = 0


@dataclass
class Seen:
    """What a watch keeps of its looks: runs by target, and the spans in which our clock or the loop
    was not right.
    """

    every: timedelta
    runs: dict[str, list[Run]] = field(default_factory=dict)
    blind: list[Blind] = field(default_factory=list)

    def looked(self, target: Target, sighting: Sighting, _outcome: Answer | Failure) -> None:
        runs = self.runs.setdefault(target.id, [])
        last, one = (
            runs[-1] if runs else None,
            replace(sighting, specific=sighting.state is State.PRESENT),
        )
        try:
            longer = last and extend_run(
                last, one, self.every, apart=was_blind(last, one, self.blind)
            )
        except OutOfOrder:
            until = sighting.received if last is None else last.last_received
            self.blind.append(Blind(sighting.received, until, "clock", target=target.id))
            return
        runs[:] = [*runs[:-1], longer] if longer else [*runs, start_run(one)]

    def follow(self, move: ClockMove) -> None:
        step = timedelta(seconds=move.seconds)
        if move.seconds < 0:
            for runs in self.runs.values():
                runs[:] = [
                    run.moved_back(step, move.ends) if run.last_received > move.ends else run
                    for run in runs
                ]
        self.blind.append(Blind(move.begins, move.ends, "clock"))


def judged(story: Story) -> Verdict:
    """Return the verdict at the end of a story, of a publisher whose dates are true."""
    begins, seen = SLOT + timedelta(seconds=BEGINS), Seen(timedelta(seconds=max(story.every, 1.0)))

    async def play(clock: HaltingClock) -> datetime:
        ours = SteadyClock(clock)
        steps = ClockSteps(ours, Skew(moved=lambda: ours.moved), timedelta(seconds=30))
        interpreter = Interpreter(steps.skew, wall_error=steps.wall_error)
        poller = Poller(ours, publisher(story, ours), Budget(1000.0), interpreter, at_once=4)

        def look(target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
            seen.looked(target, sighting, outcome)
            steps.check()

        def follow(move: ClockMove) -> None:
            poller.follow_clock_move(move.seconds)
            seen.follow(move)

        steps.on_moved = follow
        hooks = Hooks(
            look, on_stall=lambda begin, end: seen.blind.append(Blind(begin, end, "stalled"))
        )
        window = Window(phases.SLOT, SLOT - DAY, SLOT + DAY, timedelta(seconds=story.every))
        for view in (View.EDGE, View.ORIGIN)[: story.views]:
            poller.watch(
                Target(f"r/page/{view}", "r", "page", view, PAGE_URL, f"{view}.example", "status"),
                [window],
            )
        stop = asyncio.Event()
        running = asyncio.create_task(poller.run(stop, hooks))
        wrong = [(at, "set", wrong / 1000) for at, wrong in story.steps]
        for at, what, seconds in sorted(
            [*wrong, *((at, "halt", long) for at, long in story.halts)]
        ):
            await clock.sleep(at - BEGINS - clock.monotonic())
            if what == "set":
                clock.offset = timedelta(seconds=seconds)
            else:
                clock.halted += seconds
        await clock.sleep(ENDS - BEGINS - clock.monotonic())
        stop.set()
        await running
        return ours.now()

    wrong_at_start = timedelta(milliseconds=story.wrong_at_start)
    ended = run_virtually(lambda _: play(HaltingClock(begins, wrong_at_start)), begins)
    return judge(
        a_release(),
        [a_promise()],
        seen.runs,
        seen.blind,
        Policy(),
        max(ended, SLOT + timedelta(seconds=ENDS)),
    )


def publisher(story: Story, clock: Clock) -> ScriptedFetcher:
    def answer(_: Request) -> Reply:
        true = BEGINS + clock.monotonic()
        date = format_datetime((SLOT + timedelta(seconds=true)).replace(microsecond=0), usegmt=True)
        status, body = (
            (200, b"figures")
            if story.published_after_slot is not None and true >= story.published_after_slot
            else (404, b"no")
        )
        return Reply(status, body, {"date": date}, seconds=story.latency)

    return ScriptedFetcher(clock, answer)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    moment = st.floats(-28, 50).map(lambda at: round(at, 2))
    wrong = st.integers(-5000, 5000) | st.sampled_from(
        [0, 1000, 2000, 20_000, -29_000, 45_000, -3_600_000, 3_600_000]
    )
    halt = st.tuples(moment, st.floats(0.2, 20).map(lambda long: round(long, 1)))
    return Story(
        published_after_slot=draw(
            st.none() | st.floats(0, 8).map(lambda at: round(at, 2)) | moment
        ),
        steps=tuple(draw(st.lists(st.tuples(moment, wrong), min_size=1, max_size=6))),
        every=draw(st.sampled_from([0.5, 1.0, 1.0, 5.0, 15.0])),
        latency=draw(st.sampled_from([0.02, 0.3, 1.5])),
        halts=tuple(draw(st.lists(halt, max_size=2))),
        views=draw(st.sampled_from([1, 2])),
        wrong_at_start=draw(st.sampled_from([0, 0, 1500, 20_000, -29_000, 45_000, 3_600_000])),
    )


@pytest.mark.explored
@settings(max_examples=25)
@example(story=Story(published_after_slot=3.99, steps=((0.62, 3133),), latency=1.5))
@example(story=Story(0.3, ((-20.0, 1000), (-9.0, -1000), (0.1, 2000)), latency=0.3))
@example(
    story=Story(
        32.73, ((13.62, 1401), (31.83, 3037), (42.21, 143), (43.87, -3112)), every=0.5, latency=0.3
    )
)
@example(story=Story(1.89, ((-3.97, -2275), (39.12, -29_000)), every=15.0, latency=0.3))
@example(
    story=Story(
        3.14, ((-18.55, 2011), (-15.72, 2131), (-14.48, -3801)), every=15.0, latency=1.5, views=2
    )
)
@given(story=stories())
def test_interval_contains_true_time_despite_clock_steps(story: Story) -> None:
    """A story is random: when a page comes, if ever, by how much our clock is wrong from when on,
    and when the process halts. The dates in the publisher's answers are true. The monitor looks at
    the page throughout, and measures the interval in which it came. That may never miss the true
    time by more than a second. In the first example, the page comes 3.99 s after its slot. Our
    clock is set 3133 ms ahead 0.62 s after the slot.
    """
    verdict = judged(story)
    (page,) = verdict.parts
    # The measured interval goes from the last absence to the first presence. None: there was no
    # such look.
    absent_at, present_at = page.released.after, page.released.by
    if story.published_after_slot is None:  # the page never comes
        assert present_at is None
        assert verdict.verdict in {"pending", "unproven", "overdue"}
        return
    # A page that is public before its slot counts as released at the slot.
    released = SLOT + timedelta(seconds=max(story.published_after_slot, 0.0))
    # The error of our clock is corrected by the publisher's dates. These have whole seconds, so a
    # second can remain.
    if absent_at is not None:
        assert absent_at <= released + timedelta(seconds=1)
    if present_at is not None:
        assert present_at >= released - timedelta(seconds=1)
    # Every page of these stories comes less than a minute after its slot, which is within the
    # tolerance.
    assert verdict.verdict not in {"late", "overdue"}
    if verdict.verdict == "early":
        assert story.published_after_slot < 0
