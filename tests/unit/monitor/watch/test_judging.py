"""Judging of releases that share a slot, or that several monitors watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import pytest

from monitor.clock import VirtualClock
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.health.metrics import Metrics
from monitor.health.state import HealthState
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.look.redirect import REDIRECTED
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target, View
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.batch import ROWS_AT_ONCE, Portions
from monitor.store.lease import Leaseholder
from monitor.store.members import Members
from monitor.store.writer import Writer
from monitor.threads import Ask
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.judging import Judging, JudgingQueue
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.record_verdict import Recorder
from monitor.watch.release import WatchedRelease
from schedules.announcement import Address, Part, Role
from schedules.contract.verdict import VerdictKind
from schedules.promise import Promise
from schedules.release import Release
from tests.unit.monitor.watch.fake_poller import FakePoller
from tests.worlds.instants import after_slot
from tests.worlds.releases import a_promise
from tests.worlds.stores import TemporaryStore

NAMES = ("claims", "visas", "wages")
MOST_TURNS = 50
T = TypeVar("T")


class BoundedQueue(JudgingQueue):
    """Fails the test if releases requeue each other for ever, which would hang it otherwise."""

    turns = 0

    async def wait_for_due(self, known: Collection[str] = ()) -> list[str]:
        due = await super().wait_for_due(known)
        self.turns += 1
        assert self.turns < MOST_TURNS, f"{due} are requeued for ever"
        return due


def release_without_verdict(name: str, state: State, seen: float = 300, monitor: str = "") -> WatchedRelease:
    """Return a release that was looked at a minute before its slot and once after it, and has no verdict yet."""
    url = f"https://www.gov.uk/government/statistics/{name}"
    release = Release(name, name.title(), "example", url, (Part("page", Role.PAGE, url),), ("govuk",))
    watched = WatchedRelease(release, [a_promise(release=name)], monitor=monitor)
    target = Target(f"{name}/page/edge", name, "page", View.EDGE, url, "www.gov.uk", "status")
    for at, answered in ((-60, State.ABSENT), (seen, state)):
        when = after_slot(at)
        watched.add_sighting(target, Sighting(target.id, answered, when, when, when, when), None, apart=False)
    return watched


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ([State.ABSENT] * 3, [VerdictKind.OVERDUE] * 3),
        ([State.PRESENT] * 3, [VerdictKind.UNPROVEN] * 3),
        (
            [State.ABSENT, State.PRESENT, State.PRESENT],
            [VerdictKind.OVERDUE, VerdictKind.UNPROVEN, VerdictKind.UNPROVEN],
        ),
    ],
    ids=["overdue", "unproven", "mixed"],
)
def test_releases_of_a_slot_that_passed_before_a_start_do_not_requeue_each_other_for_ever(
    states: list[State], words: list[VerdictKind]
) -> None:
    store = TemporaryStore()
    judge_until_quiet(
        {name: release_without_verdict(name, state) for name, state in zip(NAMES, states, strict=True)}, store
    )
    assert [row.word for row in store.verdicts.judged()] == [word.value for word in words]


def release_at_guessed_address(
    name: str, page: Mapping[float, State], silent: float, redirected: float | None = None
) -> WatchedRelease:
    """Return a release at a guessed address, with looks at its page, its announcement and the index."""
    link = f"https://www.gov.uk/government/statistics/announcements/{name}"
    watched = release_without_verdict(name, State.ABSENT, seen=-59)
    watched.release = replace(watched.release, address=Address.GUESSED, link=link)
    looks = {"page/edge": page, "announcement/origin": dict.fromkeys((-60, silent), State.ABSENT)}
    looks["index/origin"] = looks["announcement/origin"]
    for place, answers in looks.items():
        part, view = place.split("/")
        target = Target(f"{name}/{place}", name, part, View(view), link, "www.gov.uk", "status")
        seen = [(at, state, "") for at, state in answers.items()]
        if redirected is not None and part == "announcement":
            seen.append((redirected, State.UNKNOWN, REDIRECTED))
        for at, state, why in seen:
            when = after_slot(at)
            watched.add_sighting(target, Sighting(target.id, state, when, when, when, when, why=why), None, apart=False)
    return watched


@pytest.mark.parametrize(("within", "word"), [(1, "overdue"), (65, "pending")], ids=["at a start", "a minute later"])
def test_a_release_late_by_its_witnesses_is_pending_again_once_another_release_shows_longer_lags(
    within: float, word: str
) -> None:
    store = TemporaryStore()
    claims = release_at_guessed_address("claims", {}, silent=295)
    visas = release_at_guessed_address("visas", {1: State.PRESENT}, silent=280, redirected=281)
    visas.promises = [a_promise(after_slot(-30), release="visas")]
    judge_until_quiet({"claims": claims, "visas": visas}, store, within=within)
    assert [row.word for row in store.verdicts.judged()] == ["on_time", word]


def test_looks_that_another_monitor_stored_while_a_verdict_was_recorded_are_judged_too() -> None:
    store, mine = TemporaryStore(), release_without_verdict("claims", State.PRESENT)
    theirs = release_without_verdict("claims", State.PRESENT, seen=5, monitor="south").runs["claims/page/edge"]
    with store.transaction() as tx:
        tx.save_release(mine.release)
        tx.add_promises(mine.promises)

    @dataclass
    class OtherMonitor:
        """Another monitor, which stores its looks just after each query for them."""

        queries: int = 0

        async def ask(self, question: Callable[[], T], /) -> T:
            answer = question()
            with store.transaction() as tx:
                tx.save_runs(theirs)
            self.queries += 1
            return answer

    other = OtherMonitor()
    judge_until_quiet({"claims": mine}, store, other.ask)
    (row,) = store.verdicts.judged()
    assert (row.word, row.body["first_seen"]["by"], other.queries) == ("on_time", "2018-01-05T09:30:05.000Z", 4)


def test_judging_waits_while_our_clock_was_just_set_wrong() -> None:
    for answers, words in (([True] * 9, []), ([True, False], ["unproven"])):
        store, mine = TemporaryStore(), release_without_verdict("claims", State.PRESENT)
        with store.transaction() as tx:
            tx.save_release(mine.release)
        judge_until_quiet({"claims": mine}, store, is_clock_in_doubt=iter([*answers, *[False] * 9]).__next__, within=5)
        assert [row.word for row in store.verdicts.judged()] == words


def test_a_verdict_is_stored_with_its_promises_before_a_large_calendar_read_is_written() -> None:
    store, mine = TemporaryStore(), release_without_verdict("claims", State.PRESENT)
    mine.announced = mine.release
    found: list[Sequence[Promise]] = []

    async def story(clock: VirtualClock) -> None:
        rules, writer = WatchRules(), Writer(store, clock)
        health = HealthState(clock.now(), {}, timedelta(seconds=2))
        recorder = Recorder(writer, VerdictRecorder(store, ReportingRules()), rules, health, lambda _recorded: None)
        portions = Portions()
        # Whether the verdict is there when the first of them is written, and with what.
        portions.add(range(2), lambda _tx, _: found.append(store.ledger.promises(["claims"])), rows=ROWS_AT_ONCE)
        large = writer.write_in_portions(portions)
        verdict = judge(mine.release, mine.promises, mine.runs, (), Policy(), after_slot(300))
        await recorder.record(mine, verdict, (), after_slot(300))
        await large.done
        await writer.close()

    run_virtually(story, after_slot(300))
    assert found == [list(mine.promises)] * 2
    assert [row.release for row in store.verdicts.judged()] == ["claims"]
    assert [release.id for release in store.ledger.releases()] == ["claims"]


def judge_until_quiet(
    releases: dict[str, WatchedRelease],
    store: TemporaryStore,
    ask: Ask | None = None,
    is_clock_in_doubt: Callable[[], bool] = lambda: False,
    within: float = 1,
) -> None:
    """Judge releases five minutes after their slot, until none is queued. `ask` queries what other monitors stored."""

    async def story(clock: VirtualClock) -> None:
        rules, queue, writer = WatchRules(), BoundedQueue(clock), Writer(store, clock)
        health = HealthState(clock.now(), {}, timedelta(seconds=2))
        recorder = Recorder(writer, VerdictRecorder(store, ReportingRules()), rules, health, lambda _recorded: None)
        planner, blind = Planner(clock, FakePoller(), rules), BlindSpans("north", queue.judge_all, Metrics("1"))
        members = Members(
            "north", Leaseholder("north", timedelta(seconds=3)), store.leases, writer, clock, divided=False
        )
        others = None if ask is None else OtherMonitors(store, ask, members, blind.add)
        judging = Judging(
            clock, releases, planner, recorder, rules, queue, blind, others, is_clock_in_doubt=is_clock_in_doubt
        )
        queue.judge_all()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(judging.run(), within)
        await writer.close()

    run_virtually(story, after_slot(301), patience=20)
