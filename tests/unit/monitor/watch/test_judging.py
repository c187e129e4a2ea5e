"""Releases that share a slot have each other judged again, and come to rest."""

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
from monitor.watch.judging import Judging
from monitor.watch.judging_queue import JudgingQueue
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.record_verdict import Recorder
from monitor.watch.release import WatchedRelease
from schedules.announcement import Address, Part, Role
from schedules.contract.verdict import VerdictKind
from schedules.promise import Promise
from schedules.release import Release
from tests.unit.monitor.watch.looker import FakeLooker
from tests.worlds.instants import after_slot
from tests.worlds.releases import a_promise
from tests.worlds.stores import TemporaryStore

NAMES = ("claims", "visas", "wages")
MOST_TURNS = 50
T = TypeVar("T")


class Counted(JudgingQueue):
    """Refuses to go on for ever: what calls for itself without end would hang the test, and not fail it."""

    turns = 0

    async def next(self, known: Collection[str] = ()) -> list[str]:
        due = await super().next(known)
        self.turns += 1
        assert self.turns < MOST_TURNS, f"{due} without end"
        return due


def behind(name: str, state: State, seen: float = 300, monitor: str = "") -> WatchedRelease:
    """Return a release as a start finds it: looked at a minute before its slot and once after, nothing told."""
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
def test_releases_of_one_slot_found_behind_at_a_start_come_to_rest(
    states: list[State], words: list[VerdictKind]
) -> None:
    store = TemporaryStore()
    judged({name: behind(name, state) for name, state in zip(NAMES, states, strict=True)}, store)
    assert [row.word for row in store.verdicts.judged()] == [word.value for word in words]


def of_govuk(name: str, page: Mapping[float, State], silent: float, redirected: float | None = None) -> WatchedRelease:
    """Return a release at a guessed address, and until when looks found it announced and not listed."""
    link = f"https://www.gov.uk/government/statistics/announcements/{name}"
    watched = behind(name, State.ABSENT, seen=-59)
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
def test_what_is_late_by_its_witnesses_is_taken_back_once_another_shows_longer_lags(within: float, word: str) -> None:
    store = TemporaryStore()
    claims = of_govuk("claims", {}, silent=295)
    visas = of_govuk("visas", {1: State.PRESENT}, silent=280, redirected=281)
    visas.promises = [a_promise(after_slot(-30), release="visas")]
    judged({"claims": claims, "visas": visas}, store, within=within)
    assert [row.word for row in store.verdicts.judged()] == ["on_time", word]


def test_what_another_monitor_stored_while_a_verdict_was_written_is_judged_too() -> None:
    store, mine = TemporaryStore(), behind("claims", State.PRESENT)
    theirs = behind("claims", State.PRESENT, seen=5, monitor="south").runs["claims/page/edge"]
    with store.transaction() as tx:
        tx.save_release(mine.release)
        tx.add_promises(mine.promises)

    @dataclass
    class StoredAfter:
        """Another monitor, which stores what it saw just after it was asked for."""

        asked: int = 0

        async def ask(self, question: Callable[[], T], /) -> T:
            answer = question()
            with store.transaction() as tx:
                tx.save_runs(theirs)
            self.asked += 1
            return answer

    other = StoredAfter()
    judged({"claims": mine}, store, other.ask)
    (row,) = store.verdicts.judged()
    assert (row.word, row.body["first_seen"]["by"], other.asked) == ("on_time", "2018-01-05T09:30:05.000Z", 4)


def test_nothing_is_judged_by_a_clock_that_was_just_set_wrong() -> None:
    for answers, words in (([True] * 9, []), ([True, False], ["unproven"])):
        store, mine = TemporaryStore(), behind("claims", State.PRESENT)
        with store.transaction() as tx:
            tx.save_release(mine.release)
        judged({"claims": mine}, store, set_wrong=iter([*answers, *[False] * 9]).__next__, within=5)
        assert [row.word for row in store.verdicts.judged()] == words


def test_a_verdict_is_stored_with_the_promise_it_rests_on_though_a_large_read_is_not_written_that_far() -> None:
    store, mine = TemporaryStore(), behind("claims", State.PRESENT)
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


def judged(
    releases: dict[str, WatchedRelease],
    store: TemporaryStore,
    ask: Ask | None = None,
    set_wrong: Callable[[], bool] = lambda: False,
    within: float = 1,
) -> None:
    """Judge releases five minutes after their slot until they come to rest, beside others that are asked for."""

    async def story(clock: VirtualClock) -> None:
        rules, queue, writer = WatchRules(), Counted(clock), Writer(store, clock)
        health = HealthState(clock.now(), {}, timedelta(seconds=2))
        recorder = Recorder(writer, VerdictRecorder(store, ReportingRules()), rules, health, lambda _recorded: None)
        planner, blind = Planner(clock, FakeLooker(), rules), BlindSpans("north", queue, Metrics("1"))
        members = Members(
            "north", Leaseholder("north", timedelta(seconds=3)), store.leases, writer, clock, divided=False
        )
        others = None if ask is None else OtherMonitors(store, ask, members, blind.add)
        judging = Judging(clock, releases, planner, recorder, rules, queue, blind, others, set_wrong=set_wrong)
        queue.everything()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(judging.run(), within)
        await writer.close()

    run_virtually(story, after_slot(301), patience=20)
