"""Judging of releases that share a slot, or that several monitors watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TypeVar, cast

import pytest

from monitor.clock import VirtualClock
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.health.metrics import Metrics
from monitor.health.state import HealthState
from monitor.look.redirect import REDIRECTED
from monitor.look.sighting import State
from monitor.plan.targets import Target, View
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.batch import ROWS_AT_ONCE, Portions
from monitor.store.sql.write import Transaction
from monitor.store.writer import Writer
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.judging import Judging
from monitor.watch.judging_queue import PORTION, JudgingQueue
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.release import WatchedRelease
from schedules.announcement import Address, Part, Role
from schedules.promise import Promise
from schedules.release import Release
from tests.unit.monitor.watch.fake_poller import FakePoller
from tests.worlds.instants import MINUTE, SECOND, SLOT
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


def release_without_verdict(
    name: str, state: State, *, seconds_after_slot: float = 300, monitor: str = ""
) -> WatchedRelease:
    """Return a release without a verdict: absent a minute before its slot, and in this state so
    many seconds after.
    """
    url = f"https://www.gov.uk/government/statistics/{name}"
    release = Release(
        name, name.title(), "example", url, (Part("page", Role.PAGE, url),), ("govuk",)
    )
    watched = WatchedRelease(release, [a_promise(release=name)], monitor=monitor)
    target = Target(f"{name}/page/edge", name, "page", View.EDGE, url, "www.gov.uk", "status")
    page = watched.state_of(target.id)
    for when, answered in ((-60, State.ABSENT), (seconds_after_slot, state)):
        page.runs = page.runs_with(
            a_sighting(answered, when, target.id), watched.monitor, follows_blind=False
        )
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
def test_releases_of_one_slot_do_not_requeue_each_other_forever(
    states: list[State], verdicts: list[str]
) -> None:
    """Three releases have one slot. If the verdict on one changes, the others are queued to be
    judged again. That must come to an end. `states` are what looks 300 s after the slot saw: all
    absent, all present, or only the first absent. The absent ones become overdue. The present ones
    may have come in time or late, so they are unproven.
    """
    store = TemporaryStore()
    releases = {
        name: release_without_verdict(name, state)
        for name, state in zip(NAMES, states, strict=True)
    }
    # If they are queued again and again, this helper fails after 50 turns.
    judge_for_some_seconds(releases, store)
    assert [row.word for row in store.verdicts.judged()] == verdicts


def test_a_release_that_cannot_be_judged_does_not_keep_others_from_it() -> None:
    store = TemporaryStore()
    releases = {name: release_without_verdict(name, State.ABSENT) for name in NAMES}
    releases["claims"].promises = cast("list[Promise]", [None])
    judge_for_some_seconds(releases, store)
    assert [row.release for row in store.verdicts.judged()] == ["visas", "wages"]


def release_at_guessed_address(
    name: str,
    looks_at_page: Mapping[float, State],
    not_found_at: float,
    redirected_at: float | None = None,
) -> WatchedRelease:
    """Return a release at a guessed address, with looks at its page, its announcement and the
    index.

    A minute before the slot and at `not_found_at`, the announcement does not redirect and the index
    does not list it. At `redirected_at`, the announcement redirects. Numbers are seconds after the
    slot.
    """
    link = f"https://www.gov.uk/government/statistics/announcements/{name}"
    watched = release_without_verdict(name, State.ABSENT, seconds_after_slot=-59)
    watched.release = replace(watched.release, address=Address.GUESSED, link=link)
    looks = {
        "page/edge": looks_at_page,
        "announcement/origin": dict.fromkeys((-60, not_found_at), State.ABSENT),
    }
    looks["index/origin"] = looks["announcement/origin"]
    for place, answers in looks.items():
        part, view = place.split("/")
        target = Target(f"{name}/{place}", name, part, View(view), link, "www.gov.uk", "status")
        seen = [(at, state, "") for at, state in answers.items()]
        if redirected_at is not None and part == "announcement":
            seen.append((redirected_at, State.UNKNOWN, REDIRECTED))
        seen_target = watched.state_of(target.id)
        for when, state, why in seen:
            seen_target.runs = seen_target.runs_with(
                a_sighting(state, when, target.id, why=why), watched.monitor, follows_blind=False
            )
    return watched


@pytest.mark.parametrize(
    ("seconds_of_judging", "verdict_on_claims"),
    [(1, "overdue"), (65, "pending")],
    ids=["at first", "a minute later"],
)
def test_overdue_release_becomes_pending_if_redirects_of_others_are_late(
    seconds_of_judging: float, verdict_on_claims: str
) -> None:
    """A page may come at an unknown address, to which its announcement then redirects. 295 s after
    the slot, no redirect leads to a page of claims. So it is overdue at first. Then the release
    visas shows that redirects can be 280 s late. So claims may have come in time, although nothing
    leads to it yet. It becomes pending.
    """
    store = TemporaryStore()
    # 295 s after the slot, neither a redirect nor the index shows that claims is published.
    claims = release_at_guessed_address("claims", looks_at_page={}, not_found_at=295)
    # The page of visas was there 1 s after the slot, but its announcement redirected only 280 s
    # later. So the missing redirect proves claims absent only until 295 - 280 = 15 s after the
    # slot, within its tolerance of 60 s.
    visas = release_at_guessed_address(
        "visas", looks_at_page={1: State.PRESENT}, not_found_at=280, redirected_at=1 + 280
    )
    # A verdict on visas would make the monitor judge claims again at once. With another slot, it
    # does not.
    visas.promises = [a_promise(SLOT - 30 * SECOND, release="visas")]
    # After 1 s, claims was judged once, before visas. After 65 s it was judged again, at the next
    # full minute.
    judge_for_some_seconds({"claims": claims, "visas": visas}, store, seconds=seconds_of_judging)
    verdicts = {row.release: row.word for row in store.verdicts.judged()}
    assert verdicts == {"claims": verdict_on_claims, "visas": "on_time"}


@pytest.mark.parametrize(
    ("seconds_in_doubt", "verdicts"),
    [(9, []), (1, ["unproven"])],
    ids=["for 9 seconds", "for the first second"],
)
def test_no_release_is_judged_while_clock_is_in_doubt(
    seconds_in_doubt: int, verdicts: list[str]
) -> None:
    """Our clock was just set, so it may be wrong. No release is judged until that doubt ends. In
    this test, judging runs for 5 s. A doubt of 1 s ends in that time, so the release is judged. A
    doubt of 9 s does not.
    """
    store, claims = TemporaryStore(), release_without_verdict("claims", State.PRESENT)
    with store.transaction() as tx:
        tx.save(claims.release)
    # This is called each second until it returns False for the first time.
    is_clock_in_doubt = iter([True] * seconds_in_doubt + [False] * 9).__next__
    judge_for_some_seconds(
        {"claims": claims}, store, is_clock_in_doubt=is_clock_in_doubt, seconds=5
    )
    assert [row.word for row in store.verdicts.judged()] == verdicts


@partial(virtually, begins=SLOT + 5 * MINUTE)
async def test_verdict_is_stored_before_an_earlier_large_write(clock: VirtualClock) -> None:
    """A calendar read asks for a large write, which is stored in two portions. Before the first one
    is stored, a verdict is recorded. The verdict goes before both. The release and the promises
    that it needs are stored with it.
    """
    store = TemporaryStore()
    writer = Writer(store, clock)
    watched = release_without_verdict("claims", State.PRESENT)
    # The store has neither this release nor its promises. So the recorder must store them with the
    # verdict.
    watched.announced = watched.release
    stored_promises_at_each_portion: list[Sequence[Promise]] = []

    def note_stored_promises(_tx: Transaction, _items: Sequence[int]) -> None:
        stored_promises_at_each_portion.append(store.ledger.promises(["claims"]))

    # Each of the two items of the large write fills a portion. When it is stored, it notes which
    # promises are there.
    large_write = Portions()
    large_write.add(range(2), note_stored_promises, rows=ROWS_AT_ONCE)
    calendar_read = writer.write_in_portions(large_write)
    judging = judging_of({"claims": watched}, store, writer, JudgingQueue(clock), clock)
    await judging.judge_all(["claims"])
    await calendar_read.done
    await writer.close()
    # At each of the two portions, the promises were there, and so was the verdict in the same
    # transaction.
    assert stored_promises_at_each_portion == [list(watched.promises)] * 2
    assert [row.release for row in store.verdicts.judged()] == ["claims"]
    assert [release.id for release in store.ledger.releases()] == ["claims"]


def judging_of(
    releases: dict[str, WatchedRelease],
    store: TemporaryStore,
    writer: Writer,
    queue: JudgingQueue,
    clock: VirtualClock,
    *,
    is_clock_in_doubt: Callable[[], bool] = lambda: False,
) -> Judging:
    """Return the judging of these releases, which records verdicts and has no other task."""
    return Judging(
        clock,
        Planner(clock, FakePoller(), WatchRules()),
        queue,
        BlindSpans("north", queue.judge_all, Metrics("1")),
        writer,
        VerdictRecorder(ReportingRules()),
        HealthState(clock.now(), {}, timedelta(seconds=2)),
        on_recorded=lambda _recorded: None,
        is_clock_in_doubt=is_clock_in_doubt,
        releases=releases,
    )


def judge_for_some_seconds(
    releases: dict[str, WatchedRelease],
    store: TemporaryStore,
    is_clock_in_doubt: Callable[[], bool] = lambda: False,
    seconds: float = 1,
) -> None:
    """Judge releases for so many seconds, five minutes after their slot.

    It fails if they are queued again and again without an end.
    """

    async def judge_until_timeout(clock: VirtualClock) -> None:
        queue, writer = BoundedQueue(clock), Writer(store, clock)
        judging = judging_of(
            releases, store, writer, queue, clock, is_clock_in_doubt=is_clock_in_doubt
        )
        queue.judge_all()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(judging.run(), seconds)
        await writer.close()

    run_virtually(judge_until_timeout, SLOT + 5 * MINUTE + SECOND, patience=20)


@virtually
async def test_queued_releases_are_due_at_once_sorted_and_unique(clock: VirtualClock) -> None:
    """Releases b, a and b again are queued to be judged soon."""
    queue = JudgingQueue(clock)
    for name in ("b", "a", "b"):
        queue.judge_soon(name)
    assert await queue.wait_for_due() == ["a", "b"]
    seconds_waited = clock.monotonic()
    assert seconds_waited == 0


@virtually
async def test_release_queued_thrice_for_one_instant_is_due_once(clock: VirtualClock) -> None:
    """Release r is queued three times, to be judged 90 s from now. After 90 s it is due, and no
    second entry of it is left.
    """
    queue = JudgingQueue(clock)
    for _ in range(3):
        queue.judge_at(clock.now() + timedelta(seconds=90), "r")
    assert await queue.wait_for_due() == ["r"]
    seconds_waited = clock.monotonic()
    assert seconds_waited == 90
    # If a second entry of r were left, it would be due now, too.
    queue.judge_soon("other")
    assert await queue.wait_for_due() == ["other"]


@virtually
async def test_newly_queued_release_ends_the_wait(clock: VirtualClock) -> None:
    """The queue waits for a release that is due in nine days.

    After 7 s, another one is queued that is due at once.
    """
    queue = JudgingQueue(clock)
    queue.judge_at(clock.now() + timedelta(days=9), "late")
    waiting = asyncio.ensure_future(queue.wait_for_due())
    await clock.sleep(7)
    queue.judge_soon("now")
    assert await waiting == ["now"]
    seconds_waited = clock.monotonic()
    assert seconds_waited == 7


@virtually
async def test_single_release_comes_before_rest_of_all_releases(clock: VirtualClock) -> None:
    """All releases are queued. They are judged in two portions, of half of them each. A single
    release is queued after the first portion. It is judged before the second.
    """
    all_releases = [f"r{number:03}" for number in range(2 * PORTION)]
    queue = JudgingQueue(clock)
    queue.judge_all()
    assert await queue.wait_for_due(all_releases) == all_releases[:PORTION]
    queue.judge_soon("changed")
    assert await queue.wait_for_due(all_releases) == ["changed"]
    assert await queue.wait_for_due(all_releases) == all_releases[PORTION:]


@virtually
async def test_waiting_releases_come_before_those_already_judged(clock: VirtualClock) -> None:
    """All 201 releases, r000 to r200, are queued. 100 of them are judged at a time. After the first
    100, all are queued again. The 101 that still wait go before those 100.
    """
    assert PORTION == 100
    all_releases = [f"r{number:03}" for number in range(201)]
    queue = JudgingQueue(clock)
    queue.judge_all()
    assert await queue.wait_for_due(all_releases) == all_releases[:100]
    # Now r100 to r200 wait. This queues r000 to r099 again, behind them.
    queue.judge_all()
    assert await queue.wait_for_due(all_releases) == all_releases[100:200]
    # The next 100 are r200 and then r000 to r098, sorted by id.
    assert await queue.wait_for_due(all_releases) == [*all_releases[:99], "r200"]
    assert await queue.wait_for_due(all_releases) == ["r099"]
