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
from monitor.plan.phases import Window
from tests.unit.monitor.look.poller_run import (
    HOST,
    NOON,
    HaltingClock,
    PollerRun,
    block_for_2_5_s,
    gaps_between,
    most_in_one_second,
    page_names,
    run_poller,
    target,
    watch_pages,
    window,
)
from tests.worlds.fetcher import Reply

CALENDAR = Request("https://calendar.example/")


def answers_of_host(host: str, replies: Iterator[Reply]) -> Callable[[Request], Reply]:
    """Return a publisher of which this host gives these answers first. All other answers are 200."""

    def answer(request: Request) -> Reply:
        is_from_host = urlsplit(request.url).hostname == host
        return next(replies, Reply(200, b"x")) if is_from_host else Reply(200, b"x")

    return answer


def test_connections_opening_together_exceed_budget_by_one_at_most() -> None:
    """A request is sent as soon as its connection is open."""
    pages, rate = page_names(12), 5
    gap = 1.01 / rate  # a hundredth more than the budget requires
    # The first four requests begin a gap apart. All their connections open at second 0.7, so they are sent together.
    replies = iter([Reply(200, b"x", connect_seconds=0.7 - n * gap) for n in range(4)])
    publisher = answers_of_host(HOST, replies)
    run = run_poller(watch_pages(*pages), looks_per_second=rate, seconds=10, publisher=publisher)
    sent_at = sorted((sighting.sent - NOON).total_seconds() for sighting in run.sightings)
    assert sent_at[:4] == pytest.approx([0.7] * 4)
    # Later requests wait until these four are within the budget again.
    assert most_in_one_second(sent_at) <= rate + 1


def test_pages_of_an_overloaded_host_are_looked_at_in_turn() -> None:
    pages, rate = page_names(12), 5
    run = run_poller(watch_pages(*pages), looks_per_second=rate, seconds=60)
    counts = [len(run.look_times(name)) for name in pages]
    assert max(counts) - min(counts) <= 1
    seconds_a_round = len(pages) / rate  # one look at each page
    for name in pages:
        assert max(gaps_between(run.look_times(name))) <= 1.05 * seconds_a_round


def count_looks_under_pressure(**window_of_group: Window) -> Counter[str]:
    """Return how many looks each group of ten pages gets in 200 s, with a budget of 4 looks a second."""

    def watch_groups(run: PollerRun) -> None:
        for n in range(10):
            for group, group_window in window_of_group.items():
                run.poller.watch(target(f"{group}{n}"), [group_window])

    run = run_poller(watch_groups, looks_per_second=4, seconds=200)
    return Counter(name.rstrip("0123456789") for _, name in run.starts)


def test_if_budget_is_too_small_looks_follow_wanted_frequency() -> None:
    looks = count_looks_under_pressure(often=window(every=1), rarely=window(every=10))
    assert looks["often"] == pytest.approx(10 * looks["rarely"], rel=0.1)


def test_if_budget_is_too_small_likelier_pages_get_more_looks() -> None:
    """A chance says how likely a page is to change."""
    looks = count_looks_under_pressure(likely=window(every=1, chance=9.0), unlikely=window(every=1, chance=1.0))
    # Looks in proportion to the square root of the chance give the shortest mean interval.
    assert looks["likely"] == pytest.approx(sqrt(9.0) * looks["unlikely"], rel=0.1)


def test_pages_wait_at_most_1_5_rounds_when_spacing_shrinks() -> None:
    """40 pages want a look every 15 s, and from second 120 on every second. The budget is two looks a second."""
    pages, rate = page_names(40), 2
    wanted = [window(every=15, ends=120), window(every=1, begins=120)]

    def watch_all(run: PollerRun) -> None:
        for n, name in enumerate(pages):
            first_look_after = timedelta(seconds=15 * n / len(pages))
            run.poller.watch(target(name), wanted, shift=first_look_after)

    run = run_poller(watch_all, looks_per_second=rate, seconds=300)
    # The most overdue page goes first. If a waiting page kept its spacing of 15 s beyond second 120, it would count as
    # less overdue than all others, and wait for longer.
    seconds_a_round = len(pages) / rate  # one look at each page
    for name in pages:
        assert max(gaps_between(run.look_times(name))) <= 1.5 * seconds_a_round


def test_stretch_of_host_is_wanted_rate_divided_by_budget() -> None:
    """The stretch is the factor by which looks are further apart than wanted."""
    # Looks are 2.4 times further apart if twelve a second are wanted and five are allowed.
    twelve_a_second = watch_pages(*page_names(12), every=1.0)
    run = run_poller(twelve_a_second, looks_per_second=5, seconds=3)
    assert run.poller.stretch_factors() == {HOST: pytest.approx(12 / 5)}


SPACINGS = st.sampled_from([0.5, 1.0, 2.5, 7.0])


@settings(max_examples=40, deadline=None)
@given(
    spacings=st.lists(st.tuples(SPACINGS, SPACINGS), min_size=1, max_size=12),
    changes_at=st.floats(5, 25),
    rate=st.floats(0.5, 30),
    seconds_to_answer=st.lists(st.floats(0, 4), min_size=1, max_size=7),
)
def test_each_due_look_is_counted_as_made_or_missed(
    spacings: list[tuple[float, float]], changes_at: float, rate: float, seconds_to_answer: list[float]
) -> None:
    """Each page has a look every `first` seconds until `changes_at`, and then every `then` seconds until second 30."""

    def act(run: PollerRun) -> None:
        for n, (first, then) in enumerate(spacings):
            windows = [window(every=first, ends=changes_at), window(every=then, begins=changes_at, ends=30)]
            run.poller.watch(target(f"p{n}"), windows)

    def count_due(seconds: float, every: float) -> int:
        # The first look is due at the beginning. None is due at the very end.
        return int((seconds - 1e-6) // every) + 1

    times = cycle(seconds_to_answer)
    run = run_poller(act, looks_per_second=rate, seconds=90, publisher=lambda _: Reply(200, b"x", seconds=next(times)))
    # The budget or the answers may be too slow for these looks. Then some are missed.
    due = sum(count_due(changes_at, first) + count_due(30 - changes_at, then) for first, then in spacings)
    assert run.poller.made + run.poller.missed == due
    assert run.poller.missed == sum(looks for _, looks in run.missed)


def test_blocked_loop_loses_no_due_look_from_the_count() -> None:
    """60 looks a second are due for 20 seconds. The budget is 20 a second, so most of them are missed anyway."""
    pages = page_names(60)
    due = 60 * 20
    watch_for_20_s = watch_pages(*pages, every=1, ends=20)
    run = run_poller(watch_for_20_s, looks_per_second=20, seconds=25, do_at={6.3: block_for_2_5_s}, clock=HaltingClock)
    assert run.seconds_stalled == [pytest.approx(2.5, abs=0.1)]
    made = len(run.starts)
    missed = sum(looks for _page, looks in run.missed)
    assert made + missed == due


def test_no_more_looks_than_allowed_are_under_way_at_once() -> None:
    one_look_at_each_of_20_pages = watch_pages(*page_names(20), every=1, ends=1)
    slow = Reply(200, b"x", seconds=2.0)
    run = run_poller(one_look_at_each_of_20_pages, seconds=30, publisher=lambda _: slow, at_once=3)
    # An answer takes 2 s, so looks that begin within 2 s are under way together.
    times, nearly_two_seconds = run.start_times, 1.99
    under_way_at_each_start = [sum(begin - nearly_two_seconds < time <= begin for time in times) for begin in times]
    assert max(under_way_at_each_start) == 3
    assert len(times) == 20


def count_looks_begun_before_each_sighting(body: bytes) -> list[int]:
    """Return how many looks have begun when each of three answers was read. One may be under way at once."""
    looks_begun: list[int] = []

    def watch_three_pages(run: PollerRun) -> None:
        run.on_sighting = lambda _target, _sighting: looks_begun.append(len(run.starts))
        for n in range(3):
            run.poller.watch(target(f"p{n}"), [window(every=1, ends=1)])

    run_poller(watch_three_pages, seconds=5, looks_per_second=1e9, publisher=lambda _: Reply(200, body), at_once=1)
    return looks_begun


def test_the_next_look_begins_before_a_small_body_is_read() -> None:
    # When the first body was read, the second look had begun already. The third one is the last.
    assert count_looks_begun_before_each_sighting(body=b"small") == [2, 3, 3]


def test_the_next_look_waits_until_a_large_body_is_read() -> None:
    large_body = b"<p>" + b"x" * SMALL_BODY
    assert count_looks_begun_before_each_sighting(large_body) == [1, 2, 3]


def test_slow_answers_delay_looks_only_if_few_may_run_together() -> None:
    def run_with_slow_answers(at_once: int | None) -> PollerRun:
        pages = watch_pages(*page_names(20), ends=10)
        slow = Reply(200, b"x", seconds=0.4)
        return run_poller(pages, seconds=12, looks_per_second=22, publisher=lambda _: slow, at_once=at_once)

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
def test_refusing_host_gets_exactly_the_wait_it_demands(
    status: int, headers: dict[str, str], next_look_at: int
) -> None:
    """The run begins at 12:00:00 on 26 November 2026. The third look, at second 2, is refused.

    For example, after `Retry-After: 40` the next one is at second 42.
    """
    replies = iter([Reply(404), Reply(404), Reply(status, b"", headers)])
    run = run_poller(watch_pages("page"), seconds=60, publisher=lambda _: next(replies, Reply(404)))
    assert run.look_times("page")[:4] == [0, 1, 2, next_look_at]


def test_after_demanded_wait_rate_grows_from_quarter_by_a_tenth() -> None:
    """It starts at a quarter of the usual rate, and grows with each answer."""
    rate = 10
    # The host refuses the 31st look, and demands a wait of ten seconds.
    replies = iter([Reply(404)] * 30 + [Reply(429, b"", {"Retry-After": "10"})])
    act, publisher = watch_pages(*page_names(40)), answers_of_host(HOST, replies)
    run = run_poller(act, looks_per_second=rate, seconds=60, publisher=publisher)
    gaps = gaps_between(run.start_times)
    demanded_wait = max(gaps)
    assert demanded_wait == pytest.approx(10)
    gaps_after_wait = gaps[gaps.index(demanded_wait) + 1 :]
    usual_gap = 1.01 / rate  # a hundredth more than the budget requires
    expected_gap = 4 * usual_gap
    for gap in gaps_after_wait[:16]:
        assert gap == pytest.approx(expected_gap, abs=0.002)
        expected_gap = max(usual_gap, expected_gap / 1.1)
    assert min(gaps_after_wait) >= 1 / rate


def test_demanded_wait_delays_looks_only_at_the_host_that_demands_it() -> None:
    def act(run: PollerRun) -> None:
        run.poller.watch(target("a"), [window(every=1)])
        run.poller.watch(target("b"), [window(every=1)])
        run.poller.watch(target("c", host="other.example"), [window(every=1)])

    replies = iter([Reply(429, b"", {"Retry-After": "5"})])
    # One request of each host is under way at once, so b is not requested before the look at a is refused.
    run = run_poller(act, seconds=6.5, at_once=1, publisher=answers_of_host(HOST, replies))
    _first, second, *_ = sorted(run.look_times("a") + run.look_times("b"))
    assert second == 5
    assert run.look_times("c") == [0, 1, 2, 3, 4, 5, 6]


def test_calendar_reads_are_sent_between_looks() -> None:
    """12 pages of a host want more looks than its budget allows. From second 2 on, its calendar is read five times."""
    answered_at: list[float] = []

    async def send_five_requests(run: PollerRun) -> None:
        for _ in range(5):
            await run.poller.send_in_turn(Request(f"https://{HOST}/calendar"))
            answered_at.append(run.clock.monotonic())

    pages, rate = page_names(12), 5
    run = run_poller(watch_pages(*pages), looks_per_second=rate, seconds=20, do_at={2: send_five_requests})
    assert most_in_one_second([*run.start_times, *answered_at]) <= rate
    seconds_a_round_of_looks = len(pages) / rate
    # A request waits at most as long as a round, which is one look at each page.
    assert answered_at[-1] <= 2 + len(answered_at) * seconds_a_round_of_looks


def test_request_to_a_host_without_targets_is_sent_at_once() -> None:
    """The calendar is on another host than the page."""
    answered_at: list[float] = []

    async def send(run: PollerRun) -> None:
        await run.poller.send_in_turn(CALENDAR)
        answered_at.append(run.clock.monotonic())

    run_poller(watch_pages("page"), do_at={1.5: send})
    assert answered_at == [1.5]


def test_cancelled_request_takes_no_turn() -> None:
    """The host of the calendar demands a wait of 4 s. Of three requests to it, the second is cancelled while it
    waits."""

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
    run = run_poller(watch_pages("page"), do_at={1: give_up}, publisher=answers_of_host("calendar.example", replies))
    calendar_requests = [request for request in run.fetcher.asked if request.url == CALENDAR.url]
    assert len(calendar_requests) == 2


def test_equal_runs_make_looks_in_equal_order() -> None:
    act = watch_pages(*page_names(30))
    assert run_poller(act, looks_per_second=7).starts == run_poller(act, looks_per_second=7).starts
