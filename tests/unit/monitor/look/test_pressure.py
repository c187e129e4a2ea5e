from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import VirtualClock
from monitor.look.fetch import Request
from monitor.look.interpret import Interpreter
from monitor.look.poller import Poller
from monitor.look.reading import SMALL_BODY
from monitor.plan.budget import Budget
from monitor.rehearse.virtual_loop import run_virtually
from tests.unit.monitor.look.story import HOST, NOON, HaltingClock, Watch, halt, target, watch, watching, window
from tests.worlds.fetcher import Reply, ScriptedFetcher

CALENDAR = Request("https://calendar.example/")


def answering(host: str, replies: Iterator[Reply]) -> Callable[[Request], Reply]:
    """Return a publisher of which one host gives these answers first."""

    def answer(request: Request) -> Reply:
        is_its = urlsplit(request.url).hostname == host
        return next(replies, Reply(200, b"x")) if is_its else Reply(200, b"x")

    return answer


def test_host_never_gets_more_requests_than_its_budget_in_any_second() -> None:
    seen = watch(watching(*(f"p{n}" for n in range(12))), rate=5, seconds=30)
    times = [time for time, _ in seen.starts]
    assert all(sum(begin <= time <= begin + 1 for time in times) <= 5 for begin in times)
    assert len(times) > 140


def test_overloaded_host_serves_all_targets_in_turn() -> None:
    seen = watch(watching(*(f"p{n}" for n in range(12))), rate=5, seconds=60)
    counts = Counter(name for _, name in seen.starts)
    assert max(counts.values()) - min(counts.values()) <= 1
    gaps = [b - a for name in counts for a, b in zip(seen.times(name), seen.times(name)[1:], strict=False)]
    assert max(gaps) <= 1.05 * 12 / 5


def test_under_pressure_looks_are_shared_out_in_proportion_to_their_spacing() -> None:
    def act(seen: Watch) -> None:
        for n in range(10):
            seen.poller.watch(target(f"fast{n}"), [window(1)])
            seen.poller.watch(target(f"slow{n}"), [window(10)])

    seen = watch(act, rate=5.5, seconds=200)
    counts = Counter(name[:4] for _, name in seen.starts)
    assert counts["fast"] == pytest.approx(10 * counts["slow"], rel=0.1)


def test_under_pressure_looks_follow_the_square_root_of_the_chance() -> None:
    def act(seen: Watch) -> None:
        for n in range(10):
            seen.poller.watch(target(f"sure{n}"), [window(1, chance=9.0)])
            seen.poller.watch(target(f"vague{n}"), [window(1)])

    seen = watch(act, rate=4, seconds=200)
    counts = Counter(name[:4] for _, name in seen.starts)
    assert counts["sure"] == pytest.approx(3 * counts["vagu"], rel=0.1)


def test_waiting_target_gets_the_spacing_of_its_next_window() -> None:
    names = [f"p{n}" for n in range(40)]

    def act(seen: Watch) -> None:
        for n, name in enumerate(names):
            spread = timedelta(seconds=15 * n / len(names))
            seen.poller.watch(target(name), [window(15, ends=120), window(1, begins=120)], spread)

    seen = watch(act, rate=2, seconds=300)
    gaps = [later - time for name in names for time, later in pairwise(seen.times(name))]
    # The budget gives each of 40 targets a look every 40 / 2 seconds.
    assert max(gaps) <= 1.5 * 40 / 2


def test_stretch_of_a_host_is_reported() -> None:
    seen = watch(watching(*(f"p{n}" for n in range(12))), rate=5, seconds=3)
    assert seen.poller.stretch_factors() == {HOST: pytest.approx(12 / 5)}


def test_looks_due_are_either_made_or_reported_as_missed() -> None:
    seen = watch(watching(*(f"p{n}" for n in range(12)), ends=20), rate=5, seconds=25)
    missed = sum(looks for _, looks in seen.missed)
    assert missed == seen.poller.missed > 0
    assert len(seen.starts) + missed == 12 * 20


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from([0.5, 1.0, 2.5, 7.0]), min_size=1, max_size=12),
    st.floats(0.5, 30),
    st.lists(st.floats(0, 4), min_size=1, max_size=7),
)
def test_each_look_due_is_counted_as_made_or_missed_under_any_pressure(
    spacings: list[float], rate: float, answers: list[float]
) -> None:
    def act(seen: Watch) -> None:
        for n, every in enumerate(spacings):
            seen.poller.watch(target(f"p{n}"), [window(every, ends=30)])

    def reply(request: Request) -> Reply:
        return Reply(200, b"figures", seconds=answers[len(request.url) * 7 % len(answers)])

    seen = watch(act, rate=rate, seconds=90, script=reply)
    due = sum(int((30 - 1e-9) // every) + 1 for every in spacings)
    assert seen.poller.made + seen.poller.missed == due


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(*[st.sampled_from([0.5, 1.0, 2.5, 7.0])] * 2), min_size=1, max_size=12),
    st.floats(0.5, 10),
    st.floats(5, 25),
)
def test_each_look_due_is_counted_as_made_or_missed_where_one_spacing_follows_another(
    spacings: list[tuple[float, float]], rate: float, change: float
) -> None:
    def act(seen: Watch) -> None:
        for n, (first, then) in enumerate(spacings):
            seen.poller.watch(target(f"p{n}"), [window(first, ends=change), window(then, change, 30)])

    seen = watch(act, rate=rate, seconds=90)
    spans = [(change, first) for first, _ in spacings] + [(30 - change, then) for _, then in spacings]
    assert seen.poller.made + seen.poller.missed == sum(int((span - 1e-6) // every) + 1 for span, every in spans)


def test_due_looks_are_made_or_missed_if_the_loop_is_blocked_under_pressure() -> None:
    act = watching(*(f"p{n}" for n in range(60)), ends=20)
    seen = watch(act, rate=20, seconds=25, later=[(6.3, halt)], clock=HaltingClock)
    assert [end - begin for begin, end in seen.stalls] == [
        pytest.approx(timedelta(seconds=2.5), abs=timedelta(seconds=0.1))
    ]
    assert len(seen.starts) + sum(looks for _, looks in seen.missed) == 60 * 20


def test_no_more_looks_than_allowed_are_under_way_at_once() -> None:
    def act(seen: Watch) -> None:
        for n in range(20):
            seen.poller.watch(target(f"p{n}"), [window(1, ends=1)])

    seen = watch(act, seconds=30, script=lambda _: Reply(200, b"x", seconds=2.0), at_once=3)
    times = sorted(time for time, _ in seen.starts)
    flying = [sum(begin - 1.99 < time <= begin for time in times) for begin in times]
    assert max(flying) == 3
    assert len(times) == 20


@pytest.mark.parametrize(("body", "begun_at_each_read"), [(b"x", [2, 3, 3]), (b"<p>" + b"x" * SMALL_BODY, [1, 2, 3])])
def test_the_next_look_begins_before_an_answer_is_read_only_if_that_is_small(
    body: bytes, begun_at_each_read: list[int]
) -> None:
    begun_when_read: list[int] = []

    def act(seen: Watch) -> None:
        seen.heard = lambda _target, _sighting: begun_when_read.append(len(seen.starts))
        for n in range(3):
            seen.poller.watch(target(f"p{n}"), [window(1, ends=1)])

    watch(act, seconds=5, rate=1e9, script=lambda _: Reply(200, body), at_once=1)
    assert begun_when_read == begun_at_each_read


def test_slow_answers_delay_looks_within_the_budget_only_if_few_may_be_under_way_at_once() -> None:
    pages = watching(*(f"p{n}" for n in range(20)), ends=10)
    seen = watch(pages, seconds=12, rate=22, script=lambda _: Reply(200, b"x", seconds=0.4), at_once=None)
    assert max(seen.late) < 1.0
    assert seen.missed == []
    behind = watch(pages, seconds=12, rate=22, script=lambda _: Reply(200, b"x", seconds=0.4), at_once=4)
    assert max(behind.late) > 1.0


def test_host_gets_the_exact_wait_that_it_demands() -> None:
    replies = iter([Reply(200, b"x"), Reply(200, b"x"), Reply(429, b"", {"Retry-After": "30"})])
    seen = watch(watching("page"), seconds=40, script=lambda _: next(replies, Reply(200, b"x")))
    assert [time for time in seen.times("page") if time < 40][:4] == [0, 1, 2, 32]


def test_date_in_retry_after_is_kept_to_the_second() -> None:
    headers = {"Retry-After": "Thu, 26 Nov 2026 12:00:30 GMT", "Date": "Thu, 26 Nov 2026 12:00:03 GMT"}
    replies = iter([Reply(404)] * 3 + [Reply(503, b"", headers)])
    seen = watch(watching("page"), seconds=40, script=lambda _: next(replies, Reply(404)))
    assert seen.times("page")[:5] == [0, 1, 2, 3, 30]


@pytest.mark.parametrize("asked", ["1000000000000", "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT", "1795694430"])
def test_wait_of_more_than_a_day_counts_as_one_without_time(asked: str) -> None:
    replies = iter([Reply(200, b"x"), Reply(429, b"", {"Retry-After": asked})])
    seen = watch(watching("page"), seconds=40, script=lambda _: next(replies, Reply(200, b"x")))
    assert seen.times("page")[:3] == [0, 1, 31]


def test_rate_after_a_wait_grows_step_by_step() -> None:
    replies = iter([Reply(404)] * 30 + [Reply(429, b"", {"Retry-After": "10"})])
    names = [f"p{n}" for n in range(40)]
    seen = watch(watching(*names), rate=10, seconds=60, script=lambda _: next(replies, Reply(404)))
    times = [time for time, _ in seen.starts]
    gaps = [later - time for time, later in pairwise(times)]
    silence = gaps.index(max(gaps))
    after = gaps[silence + 1 :]
    assert gaps[silence] == pytest.approx(10)
    # From a quarter of the budget, a tenth faster with each answer, to the whole of it and no further.
    assert after[:16] == pytest.approx([max(0.101, 0.404 / 1.1**n) for n in range(16)], abs=0.002)
    assert min(after) >= 0.1


def test_wait_applies_to_every_target_of_its_host_and_no_other_host() -> None:
    def act(seen: Watch) -> None:
        seen.poller.watch(target("a"), [window(1)])
        seen.poller.watch(target("b"), [window(1)])
        seen.poller.watch(target("c", host="other.example"), [window(1)])

    replies = iter([Reply(429, b"", {"Retry-After": "5"})])
    seen = watch(act, seconds=6.5, at_once=1, script=answering(HOST, replies))
    assert sorted(seen.times("a") + seen.times("b"))[1] == 5
    assert seen.times("c") == [0, 1, 2, 3, 4, 5, 6]


def test_calendar_reads_are_sent_between_looks() -> None:
    turns: list[float] = []

    async def read(seen: Watch) -> None:
        for _ in range(5):
            await seen.poller.send_in_turn(Request(f"https://{HOST}/calendar"))
            turns.append(seen.clock.monotonic())

    seen = watch(
        watching(*(f"p{n}" for n in range(12))),
        rate=5,
        seconds=20,
        later=[(2, read)],
    )
    times = sorted([*(time for time, _ in seen.starts), *turns])
    assert all(sum(begin <= time <= begin + 1 for time in times) <= 5 for begin in times)
    assert turns[-1] < 14


def test_request_to_a_host_without_targets_is_sent_at_once() -> None:
    turns: list[float] = []

    async def read(seen: Watch) -> None:
        await seen.poller.send_in_turn(Request("https://calendar.example/"))
        turns.append(seen.clock.monotonic())

    watch(watching("page"), later=[(1.5, read)])
    assert turns == [1.5]


def test_cancelled_request_takes_no_turn() -> None:
    async def give_up(seen: Watch) -> None:
        await seen.poller.send_in_turn(CALENDAR)
        turn = asyncio.create_task(seen.poller.send_in_turn(CALENDAR))
        await seen.clock.sleep(0.1)
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        await seen.poller.send_in_turn(CALENDAR)
        # The first request was at second 1 and got a wait of 4 s. The cancelled one adds none.
        assert seen.clock.monotonic() == 5

    replies = iter([Reply(429, b"", {"Retry-After": "4"})])
    seen = watch(watching("page"), later=[(1, give_up)], script=answering("calendar.example", replies))
    assert [request.url for request in seen.fetcher.asked].count(CALENDAR.url) == 2


def test_equal_runs_make_looks_in_equal_order() -> None:
    act = watching(*(f"p{n}" for n in range(30)))
    assert watch(act, rate=7).starts == watch(act, rate=7).starts


def test_requests_are_paced_without_a_running_poller() -> None:
    async def story(clock: VirtualClock) -> list[float]:
        fetcher = ScriptedFetcher(clock, {})
        poller = Poller(clock, fetcher, Budget(2.0), Interpreter())
        for n in range(4):
            await poller.look_once(target(f"p{n}"))
        return [clock.monotonic()]

    assert run_virtually(story, NOON) == [pytest.approx(3 * 1.01 / 2)]
