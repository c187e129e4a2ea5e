"""Releases that share a slot have each other judged again, and come to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

import pytest

from monitor.clock import VirtualClock
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecord
from monitor.health.metrics import Metrics
from monitor.health.state import HealthState
from monitor.judge.verdict import Word
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target, View
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.memory.store import MemoryStore
from monitor.store.writer import Writer
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.judging import Judging
from monitor.watch.judging_queue import JudgingQueue
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.record_verdict import Recorder
from monitor.watch.release import WatchedRelease
from schedules.announcement import Part, Role
from schedules.release import Release
from tests.unit.monitor.judge.world import promise, second
from tests.unit.monitor.watch.looker import FakeLooker

NAMES = ("claims", "visas", "wages")
MOST_TURNS = 50


class Counted(JudgingQueue):
    """Refuses to go on for ever: what calls for itself without end would hang the test, and not fail it."""

    turns = 0

    async def next(self, known: Collection[str] = ()) -> list[str]:
        due = await super().next(known)
        self.turns += 1
        assert self.turns < MOST_TURNS, f"{due} without end"
        return due


def behind(name: str, state: State) -> WatchedRelease:
    """Return a release as a start finds it: looked at a minute before its slot and five after, nothing told."""
    url = f"https://www.gov.uk/government/statistics/{name}"
    release = Release(name, name.title(), "example", url, (Part("page", Role.PAGE, url),), ("govuk",))
    watched = WatchedRelease(release, [promise()])
    target = Target(f"{name}/page/edge", name, "page", View.EDGE, url, "www.gov.uk", "status")
    for at, answered in ((-60, State.ABSENT), (300, state)):
        when = second(at)
        watched.add(target, Sighting(target.id, answered, when, when, when, when), None, apart=False)
    return watched


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ([State.ABSENT] * 3, [Word.OVERDUE] * 3),
        ([State.PRESENT] * 3, [Word.UNPROVEN] * 3),
        ([State.ABSENT, State.PRESENT, State.PRESENT], [Word.OVERDUE, Word.UNPROVEN, Word.UNPROVEN]),
    ],
    ids=["overdue", "unproven", "mixed"],
)
def test_releases_of_one_slot_found_behind_at_a_start_come_to_rest(states: list[State], words: list[Word]) -> None:
    store = MemoryStore()

    async def story(clock: VirtualClock) -> None:
        releases = {name: behind(name, state) for name, state in zip(NAMES, states, strict=True)}
        rules, queue, writer = WatchRules(), Counted(clock), Writer(store, clock)
        health = HealthState(clock.now(), {}, timedelta(seconds=2))
        recorder = Recorder(writer, VerdictRecord(store, ReportingRules()), rules, health, lambda _recorded: None)
        planner, blind = Planner(clock, FakeLooker(), rules), BlindSpans(queue, Metrics("1"))
        judging = Judging(clock, releases, planner, recorder, rules, queue, blind, None)
        queue.everything()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(judging.run(), 1)
        await writer.close()

    run_virtually(story, second(301), patience=20)
    assert [row.word for row in store.verdicts.judged()] == [word.value for word in words]
