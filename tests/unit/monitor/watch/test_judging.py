"""Judging of releases that share a slot, or that several monitors watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
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
from monitor.look.sighting import State
from monitor.plan.targets import Target, View
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.batch import ROWS_AT_ONCE, Portions
from monitor.store.lease import Leaseholder
from monitor.store.members import Members
from monitor.store.writer import Writer
from monitor.threads import Ask
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.judging import PORTION, Judging, JudgingQueue
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.record_verdict import Recorder
from monitor.watch.release import WatchedRelease
from schedules.announcement import Address, Part, Role
from schedules.promise import Promise
from schedules.release import Release
from tests.unit.monitor.watch.fake_poller import FakePoller
from tests.worlds.instants import after_slot
from tests.worlds.looks import a_sighting
from tests.worlds.releases import a_promise
from tests.worlds.stores import TemporaryStore
from tests.worlds.virtual import virtually

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
    for when, answered in ((-60, State.ABSENT), (seen, state)):
        watched.add_sighting(target, a_sighting(answered, when, target.id), None, apart=False)
    return watched


@pytest.mark.parametrize(
    ("states", "verdicts"),
    [
        ([State.ABSENT] * 3, ["overdue"] * 3),
        ([State.PRESENT] * 3, ["unproven"] * 3),
        ([State.ABSENT, State.PRESENT, State.PRESENT], ["overdue", "unproven", "unproven"]),
    ],
    ids=["overdue", "unproven", "mixed"],
)
def test_releases_whose_common_slot_has_passed_are_judged_without_queuing_each_other_for_ever(
    states: list[State], verdicts: list[str]
) -> None:
    store = TemporaryStore()
    # Looks found each release in one of these states five minutes after the slot, and none is judged yet.
    releases = {name: release_without_verdict(name, state) for name, state in zip(NAMES, states, strict=True)}
    # A verdict that changes can queue the other releases of its slot, which are then judged again.
    # `BoundedQueue` in this helper fails the test after `MOST_TURNS` turns.
    judge_for_some_seconds(releases, store)
    assert [row.word for row in store.verdicts.judged()] == verdicts


def release_at_guessed_address(
    name: str, page: Mapping[float, State], silent_at: float, redirected_at: float | None = None
) -> WatchedRelease:
    """Return a release at a guessed address, with looks at its page, its announcement and the index.

    The announcement does not redirect and the index does not list it at a minute before the slot and at `silent_at`.
    """
    link = f"https://www.gov.uk/government/statistics/announcements/{name}"
    watched = release_without_verdict(name, State.ABSENT, seen=-59)
    watched.release = replace(watched.release, address=Address.GUESSED, link=link)
    looks = {"page/edge": page, "announcement/origin": dict.fromkeys((-60, silent_at), State.ABSENT)}
    looks["index/origin"] = looks["announcement/origin"]
    for place, answers in looks.items():
        part, view = place.split("/")
        target = Target(f"{name}/{place}", name, part, View(view), link, "www.gov.uk", "status")
        seen = [(at, state, "") for at, state in answers.items()]
        if redirected_at is not None and part == "announcement":
            seen.append((redirected_at, State.UNKNOWN, REDIRECTED))
        for when, state, why in seen:
            watched.add_sighting(target, a_sighting(state, when, target.id, why=why), None, apart=False)
    return watched


@pytest.mark.parametrize(
    ("judged_for_seconds", "verdict_on_claims"), [(1, "overdue"), (65, "pending")], ids=["at once", "a minute later"]
)
def test_an_overdue_release_is_pending_again_within_a_minute_if_redirects_of_another_were_late(
    judged_for_seconds: float, verdict_on_claims: str
) -> None:
    store = TemporaryStore()
    # Neither the announcement nor the index of claims shows a publication 295 s after its slot.
    claims = release_at_guessed_address("claims", {}, silent_at=295)
    # The page of visas was out 1 s after the slot, and its announcement redirected 280 s later. So a release may be out
    # for 280 s without a redirect. That proves claims absent until 295 - 280 = 15 s only, within its tolerance of 60 s.
    visas = release_at_guessed_address("visas", {1: State.PRESENT}, silent_at=280, redirected_at=281)
    # If visas had the same slot as claims, its verdict would have claims judged again at once. So its slot is earlier.
    visas.promises = [a_promise(after_slot(-30), release="visas")]
    # Claims is overdue when it is judged before visas has a verdict. It is judged again at the next full minute.
    judge_for_some_seconds({"claims": claims, "visas": visas}, store, seconds=judged_for_seconds)
    verdicts = {row.release: row.word for row in store.verdicts.judged()}
    assert verdicts == {"claims": verdict_on_claims, "visas": "on_time"}


def test_looks_that_another_monitor_stored_while_a_verdict_was_recorded_are_judged_too() -> None:
    # This monitor saw the page 300 s after the slot, which does not prove it on time. The other saw it after 5 s.
    store, mine = TemporaryStore(), release_without_verdict("claims", State.PRESENT, seen=300)
    theirs = release_without_verdict("claims", State.PRESENT, seen=5, monitor="south").runs["claims/page/edge"]
    with store.transaction() as tx:
        tx.save(mine.release)
        tx.add_promises(mine.promises)

    @dataclass
    class OtherMonitor:
        """Another monitor, which stores its looks just after each query for them."""

        queries: int = 0

        async def ask(self, question: Callable[[], T], /) -> T:
            answer = question()
            with store.transaction() as tx:
                tx.save(*theirs)
            self.queries += 1
            return answer

    other = OtherMonitor()
    judge_for_some_seconds({"claims": mine}, store, other.ask)
    (row,) = store.verdicts.judged()
    seen_by_the_other = "2018-01-05T09:30:05.000Z"
    assert (row.word, row.body["first_seen"]["by"]) == ("on_time", seen_by_the_other)
    # The store is queried before and after each verdict is recorded. The first query finds no looks of the other, so
    # the first verdict is without them. The second query finds them, so a second verdict is recorded.
    queries_per_verdict = 2
    assert other.queries == 2 * queries_per_verdict


@pytest.mark.parametrize(
    ("seconds_in_doubt", "verdicts"), [(9, []), (1, ["unproven"])], ids=["for 9 seconds", "for the first second"]
)
def test_no_release_is_judged_while_our_clock_is_in_doubt(seconds_in_doubt: int, verdicts: list[str]) -> None:
    store, mine = TemporaryStore(), release_without_verdict("claims", State.PRESENT)
    with store.transaction() as tx:
        tx.save(mine.release)
    # While it is in doubt, the clock is checked again after a second.
    is_clock_in_doubt = iter([True] * seconds_in_doubt + [False] * 9).__next__
    # Judging runs for 5 s, so a doubt of 9 s lasts until its end.
    judge_for_some_seconds({"claims": mine}, store, is_clock_in_doubt=is_clock_in_doubt, seconds=5)
    assert [row.word for row in store.verdicts.judged()] == verdicts


@partial(virtually, begins=after_slot(300))
async def test_a_verdict_is_stored_with_its_promises_before_a_large_calendar_read_is_written(
    clock: VirtualClock,
) -> None:
    store, mine = TemporaryStore(), release_without_verdict("claims", State.PRESENT)
    # The release and its promises are not stored yet.
    mine.announced = mine.release
    stored_promises_at_each_portion: list[Sequence[Promise]] = []
    writer, blind = Writer(store, clock), BlindSpans("north", lambda: None, Metrics("1"))
    health = HealthState(clock.now(), {}, timedelta(seconds=2))
    recorder = Recorder(writer, VerdictRecorder(store, ReportingRules()), blind, health, lambda _recorded: None)
    portions = Portions()
    two_items_of_a_portion_each = range(2)
    portions.add(
        two_items_of_a_portion_each,
        lambda _tx, _: stored_promises_at_each_portion.append(store.ledger.promises(["claims"])),
        rows=ROWS_AT_ONCE,
    )
    # The calendar read is queued first. But small writes, such as a verdict, go before the portions of large ones.
    calendar_read = writer.write_in_portions(portions)
    verdict = judge(mine.release, mine.promises, mine.runs, (), Policy(), after_slot(300))
    await recorder.record(mine, verdict, after_slot(300))
    await calendar_read.done
    await writer.close()
    assert stored_promises_at_each_portion == [list(mine.promises)] * 2
    assert [row.release for row in store.verdicts.judged()] == ["claims"]
    assert [release.id for release in store.ledger.releases()] == ["claims"]


def judge_for_some_seconds(
    releases: dict[str, WatchedRelease],
    store: TemporaryStore,
    ask: Ask | None = None,
    is_clock_in_doubt: Callable[[], bool] = lambda: False,
    seconds: float = 1,
) -> None:
    """Judge releases for so many seconds, five minutes after their slot. `ask` queries what other monitors stored.

    It fails if they are queued again and again without an end.
    """

    async def story(clock: VirtualClock) -> None:
        rules, queue, writer = WatchRules(), BoundedQueue(clock), Writer(store, clock)
        health = HealthState(clock.now(), {}, timedelta(seconds=2))
        planner, blind = Planner(clock, FakePoller(), rules), BlindSpans("north", queue.judge_all, Metrics("1"))
        recorder = Recorder(writer, VerdictRecorder(store, ReportingRules()), blind, health, lambda _recorded: None)
        members = Members(
            "north", Leaseholder("north", timedelta(seconds=3)), store.leases, writer, clock, divided=False
        )
        others = None if ask is None else OtherMonitors(store, ask, members, blind.add)
        judging = Judging(clock, releases, planner, recorder, queue, blind, others, is_clock_in_doubt=is_clock_in_doubt)
        queue.judge_all()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(judging.run(), seconds)
        await writer.close()

    run_virtually(story, after_slot(301), patience=20)


@virtually
async def test_queued_releases_are_due_at_once_in_order_of_ids_and_each_once(clock: VirtualClock) -> None:
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
    # None of the other two entries is left.
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
    # The second `judge_all` queued the releases of `first` again, behind `second` and `last`. So the next portion is
    # `last` and all of `first` but one, for which it has no room. A portion is in order of ids.
    assert await queue.wait_for_due(known) == [*first[:-1], last]
    assert await queue.wait_for_due(known) == [first[-1]]
