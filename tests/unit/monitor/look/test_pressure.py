from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import cycle
from math import sqrt
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.look.fetch import Request
from monitor.look.reading import SMALL_BODY
from tests.unit.monitor.look.story import (
    HOST,
    NOON,
    HaltingClock,
    PollerRun,
    block_for_2_5_s,
    gaps_between,
    most_in_one_second,
    run_poller,
    target,
    watch_pages,
    window,
)
from tests.worlds.fetcher import Reply

CALENDAR = Request("https://calendar.example/")


def answering(host: str, replies: Iterator[Reply]) -> Callable[[Request], Reply]:
    """Return a publisher of which this host gives these answers first. All other answers are 200."""

    def answer(request: Request) -> Reply:
        is_from_host = urlsplit(request.url).hostname == host
        return next(replies, Reply(200, b"x")) if is_from_host else Reply(200, b"x")

    return answer


def test_requests_whose_connections_open_together_exceed_the_budget_of_a_second_by_one_at_most() -> None:
    rate, opened_at = 5, 0.7
    gap = 1.01 / rate  # a hundredth more than the budget requires
    # The first four requests get their turns a gap apart, but the connections of all four open at one instant.
    replies = [Reply(200, b"x", connect_seconds=opened_at - n * gap) for n in range(4)]
    run = run_poller(
        watch_pages(*(f"p{n}" for n in range(12))), rate=rate, seconds=10, script=answering(HOST, iter(replies))
    )
    sent_at = sorted((sighting.sent - NOON).total_seconds() for sighting in run.sightings)
    assert sent_at[:4] == pytest.approx([opened_at] * 4)
    # A request that was sent late counts as an extra one, so later requests wait longer.
    assert most_in_one_second(sent_at) <= rate + 1


def test_pages_of_an_overloaded_host_are_looked_at_in_turn() -> None:
    pages, rate = 12, 5
    run = run_poller(watch_pages(*(f"p{n}" for n in range(pages))), rate=rate, seconds=60)
    counts = Counter(name for _, name in run.starts)
    assert max(counts.values()) - min(counts.values()) <= 1
    seconds_a_round = pages / rate
    for name in counts:
        assert max(gaps_between(run.look_times(name))) <= 1.05 * seconds_a_round


@pytest.mark.parametrize(
    ("rare_every", "frequent_chance", "frequent_for_each_rare"),
    [(10, 1.0, 10), (1, 9.0, sqrt(9.0))],
    ids=["spacing", "chance"],
)
def test_under_pressure_looks_are_in_proportion_to_the_wanted_rate_and_the_root_of_the_chance(
    rare_every: int, frequent_chance: float, frequent_for_each_rare: float
) -> None:
    # The chance is how likely a page is to change. In the first case, rare pages want a look every 10 s, and frequent
    # ones every second. In the second, all want one every second, but frequent pages have nine times the chance.
    def act(run: PollerRun) -> None:
        for n in range(10):
            run.poller.watch(target(f"frequent{n}"), [window(every=1, chance=frequent_chance)])
            run.poller.watch(target(f"rare{n}"), [window(every=rare_every, chance=1.0)])

    run = run_poller(act, rate=4, seconds=200)
    counts = Counter(name.rstrip("0123456789") for _, name in run.starts)
    assert counts["frequent"] == pytest.approx(frequent_for_each_rare * counts["rare"], rel=0.1)


def test_pages_that_wait_for_a_look_get_the_closer_spacing_of_their_next_window() -> None:
    names, rate = [f"p{n}" for n in range(40)], 2

    def act(run: PollerRun) -> None:
        spread_over = 15
        for n, name in enumerate(names):
            shift = timedelta(seconds=spread_over * n / len(names))
            run.poller.watch(target(name), [window(every=15, ends=120), window(every=1, begins=120)], shift)

    run = run_poller(act, rate=rate, seconds=300)
    # A page that kept its old spacing of 15 s would count as less overdue than all others, and would wait for longer.
    seconds_a_round = len(names) / rate
    for name in names:
        assert max(gaps_between(run.look_times(name))) <= 1.5 * seconds_a_round


def test_stretch_of_a_host_is_the_wanted_rate_divided_by_its_budget() -> None:
    # The stretch is the factor by which looks are further apart than wanted.
    twelve_a_second = watch_pages(*(f"p{n}" for n in range(12)), every=1.0)
    run = run_poller(twelve_a_second, rate=5, seconds=3)
    assert run.poller.stretch_factors() == {HOST: pytest.approx(12 / 5)}


SPACINGS = st.sampled_from([0.5, 1.0, 2.5, 7.0])


@settings(max_examples=40, deadline=None)
@given(
    spacings=st.lists(st.tuples(SPACINGS, SPACINGS), min_size=1, max_size=12),
    changes_at=st.floats(5, 25),
    rate=st.floats(0.5, 30),
    seconds_to_answer=st.lists(st.floats(0, 4), min_size=1, max_size=7),
)
def test_each_look_due_is_counted_as_made_or_missed_under_any_pressure_and_change_of_spacing(
    spacings: list[tuple[float, float]], changes_at: float, rate: float, seconds_to_answer: list[float]
) -> None:
    def act(run: PollerRun) -> None:
        for n, (first, then) in enumerate(spacings):
            windows = [window(every=first, ends=changes_at), window(every=then, begins=changes_at, ends=30)]
            run.poller.watch(target(f"p{n}"), windows)

    def count_due(seconds: float, every: float) -> int:
        # The first look is due at the beginning. None is due at the very end.
        return int((seconds - 1e-6) // every) + 1

    times = cycle(seconds_to_answer)
    run = run_poller(act, rate=rate, seconds=90, script=lambda _: Reply(200, b"x", seconds=next(times)))
    due = sum(count_due(changes_at, first) + count_due(30 - changes_at, then) for first, then in spacings)
    assert run.poller.made + run.poller.missed == due
    assert run.poller.missed == sum(looks for _, looks in run.missed)


def test_due_looks_are_made_or_missed_if_the_loop_is_blocked_under_pressure() -> None:
    pages, seconds = 60, 20
    act = watch_pages(*(f"p{n}" for n in range(pages)), every=1, ends=seconds)
    run = run_poller(act, rate=20, seconds=25, later=[(6.3, block_for_2_5_s)], clock=HaltingClock)
    seconds_stalled = [(end - begin).total_seconds() for begin, end in run.stalls]
    assert seconds_stalled == [pytest.approx(2.5, abs=0.1)]
    assert len(run.starts) + sum(looks for _, looks in run.missed) == pages * seconds


def test_no_more_looks_than_allowed_are_under_way_at_once() -> None:
    one_look_at_each_of_20_pages = watch_pages(*(f"p{n}" for n in range(20)), every=1, ends=1)
    slow = Reply(200, b"x", seconds=2.0)
    run = run_poller(one_look_at_each_of_20_pages, seconds=30, script=lambda _: slow, at_once=3)
    # An answer takes 2 s, so looks that begin within 2 s are under way together.
    times, nearly_two_seconds = run.start_times, 1.99
    under_way_at_each_start = [sum(begin - nearly_two_seconds < time <= begin for time in times) for begin in times]
    assert max(under_way_at_each_start) == 3
    assert len(times) == 20


@pytest.mark.parametrize(
    ("body", "looks_begun_until_each_sighting"),
    [(b"x", [2, 3, 3]), (b"<p>" + b"x" * SMALL_BODY, [1, 2, 3])],
    ids=["small", "large"],
)
def test_next_look_begins_before_the_body_of_the_last_one_is_read_only_if_this_body_is_small(
    body: bytes, looks_begun_until_each_sighting: list[int]
) -> None:
    looks_begun: list[int] = []

    def act(run: PollerRun) -> None:
        # At the n-th sighting, n looks have begun, or n + 1 if the next look did not wait until the body was read.
        run.on_sighting = lambda _target, _sighting: looks_begun.append(len(run.starts))
        for n in range(3):
            run.poller.watch(target(f"p{n}"), [window(every=1, ends=1)])

    run_poller(act, seconds=5, rate=1e9, script=lambda _: Reply(200, body), at_once=1)
    assert looks_begun == looks_begun_until_each_sighting


def test_slow_answers_delay_looks_within_the_budget_only_if_few_may_be_under_way_at_once() -> None:
    def run_with_slow_answers(at_once: int | None) -> PollerRun:
        pages = watch_pages(*(f"p{n}" for n in range(20)), ends=10)
        slow = Reply(200, b"x", seconds=0.4)
        return run_poller(pages, seconds=12, rate=22, script=lambda _: slow, at_once=at_once)

    # With 20 looks a second that take 0.4 s each, 8 are under way at once.
    unlimited, four = run_with_slow_answers(None), run_with_slow_answers(4)
    assert max(unlimited.late) < 1.0
    assert unlimited.missed == []
    assert max(four.late) > 1.0


SECONDS_FROM_1970_TO_NOON = "1795694400"


@pytest.mark.parametrize(
    ("headers", "next_look_at"),
    [
        ({"Retry-After": "40"}, 2 + 40),
        ({"Retry-After": "Thu, 26 Nov 2026 12:00:50 GMT", "Date": "Thu, 26 Nov 2026 12:00:02 GMT"}, 50),
        # A wait of more than a day is replaced by the default of 30 seconds.
        ({"Retry-After": "1000000000000"}, 2 + 30),
        ({"Retry-After": "9" * 5000}, 2 + 30),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 2 + 30),
        ({"Retry-After": SECONDS_FROM_1970_TO_NOON}, 2 + 30),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_host_that_refuses_the_third_look_gets_the_wait_that_it_demands_to_the_second(
    status: int, headers: dict[str, str], next_look_at: int
) -> None:
    # The run begins at 12:00:00 on 26 November 2026. The third look is at second 2.
    replies = iter([Reply(404), Reply(404), Reply(status, b"", headers)])
    run = run_poller(watch_pages("page"), seconds=60, script=lambda _: next(replies, Reply(404)))
    assert run.look_times("page")[:4] == [0, 1, 2, next_look_at]


def test_rate_after_a_wait_grows_step_by_step() -> None:
    replies = iter([Reply(404)] * 30 + [Reply(429, b"", {"Retry-After": "10"})])
    rate, names = 10, [f"p{n}" for n in range(40)]
    run = run_poller(watch_pages(*names), rate=rate, seconds=60, script=lambda _: next(replies, Reply(404)))
    gaps = gaps_between(run.start_times)
    demanded_wait = max(gaps)
    gaps_after_wait = gaps[gaps.index(demanded_wait) + 1 :]
    assert demanded_wait == pytest.approx(10)
    # The rate begins at a quarter of the budget and grows by a tenth with each answer until it is the whole budget.
    usual_gap = 1.01 / rate  # a hundredth more than the budget requires
    expected = [max(usual_gap, 4 * usual_gap / 1.1**answers) for answers in range(16)]
    assert gaps_after_wait[:16] == pytest.approx(expected, abs=0.002)
    assert min(gaps_after_wait) >= 1 / rate


def test_wait_applies_to_every_target_of_its_host_and_no_other_host() -> None:
    def act(run: PollerRun) -> None:
        run.poller.watch(target("a"), [window(every=1)])
        run.poller.watch(target("b"), [window(every=1)])
        run.poller.watch(target("c", host="other.example"), [window(every=1)])

    replies = iter([Reply(429, b"", {"Retry-After": "5"})])
    # One request of each host is under way at once, so b is not requested before the look at a is refused.
    run = run_poller(act, seconds=6.5, at_once=1, script=answering(HOST, replies))
    _first, second, *_ = sorted(run.look_times("a") + run.look_times("b"))
    assert second == 5
    assert run.look_times("c") == [0, 1, 2, 3, 4, 5, 6]


def test_calendar_reads_are_sent_between_looks() -> None:
    answered_at: list[float] = []

    async def send_five_requests(run: PollerRun) -> None:
        for _ in range(5):
            await run.poller.send_in_turn(Request(f"https://{HOST}/calendar"))
            answered_at.append(run.clock.monotonic())

    pages, rate = [f"p{n}" for n in range(12)], 5
    run = run_poller(watch_pages(*pages), rate=rate, seconds=20, later=[(2, send_five_requests)])
    assert most_in_one_second([*run.start_times, *answered_at]) <= rate
    seconds_a_round_of_looks = len(pages) / rate
    # A request waits at most as long as a round, which is one look at each page.
    assert answered_at[-1] <= 2 + len(answered_at) * seconds_a_round_of_looks


def test_request_to_a_host_without_targets_is_sent_at_once() -> None:
    answered_at: list[float] = []

    async def send(run: PollerRun) -> None:
        await run.poller.send_in_turn(CALENDAR)
        answered_at.append(run.clock.monotonic())

    run_poller(watch_pages("page"), later=[(1.5, send)])
    assert answered_at == [1.5]


def test_cancelled_request_takes_no_turn() -> None:
    async def give_up(run: PollerRun) -> None:
        await run.poller.send_in_turn(CALENDAR)
        turn = asyncio.create_task(run.poller.send_in_turn(CALENDAR))
        await run.clock.sleep(0.1)
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        await run.poller.send_in_turn(CALENDAR)
        # The first request was at second 1 and got a wait of 4 s. The cancelled one adds none.
        assert run.clock.monotonic() == 5

    replies = iter([Reply(429, b"", {"Retry-After": "4"})])
    run = run_poller(watch_pages("page"), later=[(1, give_up)], script=answering("calendar.example", replies))
    assert [request.url for request in run.fetcher.asked].count(CALENDAR.url) == 2


def test_equal_runs_make_looks_in_equal_order() -> None:
    act = watch_pages(*(f"p{n}" for n in range(30)))
    assert run_poller(act, rate=7).starts == run_poller(act, rate=7).starts
