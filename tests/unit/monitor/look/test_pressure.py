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
    """Return a publisher of which this host gives these answers first. All other answers are
    200.
    """

    def answer(request: Request) -> Reply:
        is_from_host = urlsplit(request.url).hostname == host
        return next(replies, Reply(200, b"x")) if is_from_host else Reply(200, b"x")

    return answer


def test_connections_opening_together_exceed_budget_by_one_at_most() -> None:
    """The budget is five requests a second, so a request begins every 0.2 s.

    It is sent once its connection is open.

    The connections of the first four take so long that all open at second 0.7. So all four are sent
    together. Then later requests wait, until no second has more than one request too many.
    """
    pages, rate = page_names(12), 5
    gap = 1.01 / rate  # between the beginnings, a hundredth more than the budget requires
    replies = iter([Reply(200, b"x", connect_seconds=0.7 - n * gap) for n in range(4)])
    run = run_poller(
        watch_pages(*pages),
        looks_per_second=rate,
        seconds=10,
        publisher=answers_of_host(HOST, replies),
    )
    sent_at = sorted((sighting.sent - NOON).total_seconds() for sighting in run.sightings)
    assert sent_at[:4] == pytest.approx([0.7] * 4)
    assert most_in_one_second(sent_at) <= rate + 1


def test_pages_of_an_overloaded_host_are_looked_at_in_turn() -> None:
    """Each of 12 pages wants a look every second, but the budget of their host is five looks a
    second.

    So each gets as many looks as the others, and waits only until the others had theirs.
    """
    pages, rate = page_names(12), 5
    run = run_poller(watch_pages(*pages, every=1), looks_per_second=rate, seconds=60)
    looks_at_each = [len(run.look_times(name)) for name in pages]
    assert max(looks_at_each) - min(looks_at_each) <= 1
    seconds_a_round = len(pages) / rate  # a round is one look at each page
    for name in pages:
        widest = max(gaps_between(run.look_times(name)))
        assert widest <= 1.05 * seconds_a_round  # a tolerance of 5 %


def count_looks_under_pressure(**window_of_group: Window) -> Counter[str]:
    """Return how many looks each group of ten pages gets in 200 s, with a budget of 4 looks a
    second.
    """

    def watch_groups(run: PollerRun) -> None:
        for n in range(10):
            for group, group_window in window_of_group.items():
                run.poller.watch(target(f"{group}{n}"), [group_window])

    run = run_poller(watch_groups, looks_per_second=4, seconds=200)
    return Counter(name.rstrip("0123456789") for _, name in run.starts)


def test_if_budget_is_too_small_looks_follow_wanted_frequency() -> None:
    """Ten pages want a look every second, and ten others every ten seconds.

    The budget is too small for both.

    So the first ten still get ten times as many looks as the others.
    """
    looks = count_looks_under_pressure(often=window(every=1), rarely=window(every=10))
    assert looks["often"] == pytest.approx(10 * looks["rarely"], rel=0.1)


def test_if_budget_is_too_small_likelier_pages_get_more_looks() -> None:
    """All pages want a look every second, but the budget is too small.

    Half of them are nine times as likely to change.

    These get three times as many looks: the square root of nine. It makes the intervals in which
    changes are seen shortest on average.
    """
    looks = count_looks_under_pressure(
        likely=window(every=1, chance=9.0), unlikely=window(every=1, chance=1.0)
    )
    assert looks["likely"] == pytest.approx(sqrt(9.0) * looks["unlikely"], rel=0.1)


def test_pages_wait_at_most_1_5_rounds_when_spacing_shrinks() -> None:
    """40 pages want a look every 15 s, and from second 120 on every second.

    The budget is two looks a second.

    The page that is the most overdue goes first, counted in spacings. So at second 120, waiting
    pages must get the new spacing too. With the old one of 15 s, they would count as hardly
    overdue, and wait for very long.
    """
    pages, rate = page_names(40), 2
    wanted = [window(every=15, ends=120), window(every=1, begins=120)]

    def watch_all(run: PollerRun) -> None:
        for n, name in enumerate(pages):
            # so that not all begin at once
            first_look_after = timedelta(seconds=15 * n / len(pages))
            run.poller.watch(target(name), wanted, shift=first_look_after)

    run = run_poller(watch_all, looks_per_second=rate, seconds=300)
    seconds_a_round = len(pages) / rate  # a round is one look at each page: 20 s
    for name in pages:
        assert max(gaps_between(run.look_times(name))) <= 1.5 * seconds_a_round


def test_stretch_of_host_is_wanted_rate_divided_by_budget() -> None:
    """The stretch is the factor by which looks are further apart than wanted.

    Here twelve looks a second are wanted, and the budget is five. So looks are 12 / 5 = 2.4 times
    further apart.
    """
    twelve_a_second = watch_pages(*page_names(12), every=1)
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
    spacings: list[tuple[float, float]],
    changes_at: float,
    rate: float,
    seconds_to_answer: list[float],
) -> None:
    """Up to twelve pages are watched for 30 s.

    Each has two random spacings: one until `changes_at`, and one after it.

    The budget and the times to answer are random too, so some looks may be impossible. They are
    missed. But no look may be lost: made and missed looks together are as many as were due.
    """

    def act(run: PollerRun) -> None:
        for n, (spacing_before, spacing_after) in enumerate(spacings):
            before = window(every=spacing_before, ends=changes_at)
            after = window(every=spacing_after, begins=changes_at, ends=30)
            run.poller.watch(target(f"p{n}"), [before, after])

    def count_due(window_seconds: float, spacing: float) -> int:
        # A look is due at the beginning of the window (+ 1), and then after each spacing. None is
        # due at its very end, so a tiny bit (1e-6) is taken off.
        return int((window_seconds - 1e-6) // spacing) + 1

    times, seconds_for_last_answers = cycle(seconds_to_answer), 60
    run = run_poller(
        act,
        looks_per_second=rate,
        seconds=30 + seconds_for_last_answers,
        publisher=lambda _: Reply(200, b"x", seconds=next(times)),
    )
    due = sum(
        count_due(changes_at, before) + count_due(30 - changes_at, after)
        for before, after in spacings
    )
    assert run.poller.made + run.poller.missed == due
    reported_as_missed = sum(looks for _page, looks in run.missed)
    assert run.poller.missed == reported_as_missed


def test_blocked_loop_loses_no_due_look_from_the_count() -> None:
    """60 pages have a look due every second for 20 s.

    The budget is 20 looks a second, so most looks are missed.

    At second 6.3, the event loop of the poller is blocked for 2.5 s, in which it makes no look.
    Still, made and missed looks together are as many as were due.
    """
    looks_due = 60 * 20
    watch_for_20_s = watch_pages(*page_names(60), every=1, ends=20)
    run = run_poller(
        watch_for_20_s,
        looks_per_second=20,
        seconds=25,
        do_at={6.3: block_for_2_5_s},
        clock=HaltingClock,
    )
    assert run.seconds_stalled == [pytest.approx(2.5, abs=0.1)]
    made = len(run.starts)
    missed = sum(looks for _page, looks in run.missed)
    assert made + missed == looks_due


def test_no_more_looks_than_allowed_are_under_way_at_once() -> None:
    """20 pages have one look each, all due at once.

    An answer takes 2 s. Three looks may be under way at once.
    """
    one_look_at_each_of_20_pages = watch_pages(*page_names(20), every=1, ends=1)
    slow = Reply(200, b"x", seconds=2.0)
    run = run_poller(one_look_at_each_of_20_pages, seconds=30, publisher=lambda _: slow, at_once=3)
    # A look is under way for 2 s. So count for each look those that began at most 2 s before it,
    # and itself.
    times, nearly_two_seconds = run.start_times, 1.99
    under_way_at_each_start = [
        sum(begin - nearly_two_seconds < time <= begin for time in times) for begin in times
    ]
    assert max(under_way_at_each_start) == 3
    assert len(times) == 20  # every page got its look


def count_looks_begun_before_each_sighting(body: bytes) -> list[int]:
    """Return how many looks have begun when each of three answers was read.

    One may be under way at once.
    """
    looks_begun: list[int] = []

    def watch_three_pages(run: PollerRun) -> None:
        run.on_sighting = lambda _target, _sighting: looks_begun.append(len(run.starts))
        for n in range(3):
            run.poller.watch(target(f"p{n}"), [window(every=1, ends=1)])

    run_poller(
        watch_three_pages,
        seconds=5,
        looks_per_second=1e9,
        publisher=lambda _: Reply(200, body),
        at_once=1,
    )
    return looks_begun


def test_the_next_look_begins_before_a_small_body_is_read() -> None:
    """Three pages have one look each. Only one request may be under way at once.

    A small body is read quickly. So as soon as an answer has come, the next look begins.
    """
    looks_begun_when_each_was_read = count_looks_begun_before_each_sighting(body=b"small")
    # When the first body was read, the second look had begun already. When the second was read, so
    # had the third.
    assert looks_begun_when_each_was_read == [2, 3, 3]


def test_the_next_look_waits_until_a_large_body_is_read() -> None:
    """Three pages have one look each. Only one request may be under way at once.

    To read a large body may take long. So the next look begins only after that.
    """
    large_body = b"<p>" + b"x" * SMALL_BODY  # a small body has at most SMALL_BODY bytes
    looks_begun_when_each_was_read = count_looks_begun_before_each_sighting(large_body)
    # When the first body was read, only the first look had begun, and so on.
    assert looks_begun_when_each_was_read == [1, 2, 3]


def test_slow_answers_delay_looks_only_if_few_may_run_together() -> None:
    """20 looks a second are due, and each takes 0.4 s to answer.

    So 20 * 0.4 = 8 looks are under way at once.

    With places for only four, looks begin late. Without such a limit, they do not.
    """

    def run_with_slow_answers(at_once: int | None) -> PollerRun:
        pages = watch_pages(*page_names(20), every=1, ends=10)
        slow = Reply(200, b"x", seconds=0.4)
        return run_poller(
            pages, seconds=12, looks_per_second=22, publisher=lambda _: slow, at_once=at_once
        )

    unlimited, four_at_once = run_with_slow_answers(at_once=None), run_with_slow_answers(at_once=4)
    # `late` has by how many seconds each look was late.
    assert max(unlimited.late) < 1.0
    assert unlimited.missed == []
    assert max(four_at_once.late) > 1.0


SECONDS_FROM_1970_TO_NOON = "1795694400"


@pytest.mark.parametrize(
    ("headers", "next_look_at"),
    [
        ({"Retry-After": "40"}, 2 + 40),
        (
            {
                "Retry-After": "Thu, 26 Nov 2026 12:00:50 GMT",
                "Date": "Thu, 26 Nov 2026 12:00:02 GMT",
            },
            50,
        ),
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
    """A page is looked at every second.

    The third look, at second 2, is refused with status 429 or 503.

    The header `Retry-After` demands a wait, in seconds or until a date. No look is made before its
    end. For example, `Retry-After: 40` means that the next look is at second 42. A wait of more
    than a day is taken for a mistake, and replaced by 30 s.
    """
    replies = iter([Reply(404), Reply(404), Reply(status, b"", headers)])
    run = run_poller(
        watch_pages("page", every=1), seconds=60, publisher=lambda _: next(replies, Reply(404))
    )
    assert run.look_times("page")[:4] == [0, 1, 2, next_look_at]


def test_after_demanded_wait_rate_grows_from_quarter_by_a_tenth() -> None:
    """A host gets ten looks a second. It refuses the 31st look, and demands a wait of ten seconds.

    After the wait, the rate is a quarter of the usual one, so gaps between looks are four times as
    long. Each answer raises the rate by a tenth, until it is the usual one again.
    """
    rate = 10
    replies = iter([Reply(404)] * 30 + [Reply(429, b"", {"Retry-After": "10"})])
    publisher = answers_of_host(HOST, replies)
    run = run_poller(
        watch_pages(*page_names(40)), looks_per_second=rate, seconds=60, publisher=publisher
    )
    gaps = gaps_between(run.start_times)
    demanded_wait = max(gaps)
    assert demanded_wait == pytest.approx(10)
    gaps_after_wait = gaps[gaps.index(demanded_wait) + 1 :]
    usual_gap = 1.01 / rate  # a hundredth more than the budget requires
    expected_gap = 4 * usual_gap
    for gap in gaps_after_wait[:16]:  # 15 answers are enough, because 1.1 ** 15 is more than 4
        assert gap == pytest.approx(expected_gap, abs=0.002)
        expected_gap = max(usual_gap, expected_gap / 1.1)
    assert min(gaps_after_wait) >= 1 / rate


def test_demanded_wait_delays_looks_only_at_the_host_that_demands_it() -> None:
    """Pages a and b are at one host, page c is at another. Each wants a look every second.

    The first look at a or b is refused. Their host demands a wait of 5 s, so the second one is at
    second 5. The looks at page c are not delayed.
    """

    def act(run: PollerRun) -> None:
        run.poller.watch(target("a"), [window(every=1)])
        run.poller.watch(target("b"), [window(every=1)])
        run.poller.watch(target("c", host="other.example"), [window(every=1)])

    refusal = Reply(429, b"", {"Retry-After": "5"})
    publisher = answers_of_host(HOST, iter([refusal]))
    # One request of each host is under way at once, so b is not requested before the look at a is
    # refused.
    run = run_poller(act, seconds=6.5, at_once=1, publisher=publisher)
    first, second, *_ = sorted(run.look_times("a") + run.look_times("b"))
    assert (first, second) == (0, 5)
    assert run.look_times("c") == [0, 1, 2, 3, 4, 5, 6]


def test_calendar_reads_are_sent_between_looks() -> None:
    """12 pages of a host want a look every second.

    The budget is five requests a second, so all are used for looks.

    From second 2 on, a calendar of the host is read five times. With these requests too, the budget
    is kept. Each waits at most for a round, which is one look at each page.
    """
    answered_at: list[float] = []

    async def read_calendar_five_times(run: PollerRun) -> None:
        for _ in range(5):
            await run.poller.send_in_turn(Request(f"https://{HOST}/calendar"))
            answered_at.append(run.clock.monotonic())

    pages, rate = page_names(12), 5
    act = watch_pages(*pages, every=1)
    run = run_poller(act, looks_per_second=rate, seconds=20, do_at={2: read_calendar_five_times})
    assert most_in_one_second([*run.start_times, *answered_at]) <= rate
    seconds_a_round_of_looks = len(pages) / rate
    assert len(answered_at) == 5
    assert answered_at[-1] <= 2 + 5 * seconds_a_round_of_looks


def test_request_to_a_host_without_targets_is_sent_at_once() -> None:
    """The poller looks at a page.

    At second 1.5, a calendar is read, which is at another host than the page.
    """
    answered_at: list[float] = []

    async def read_calendar(run: PollerRun) -> None:
        await run.poller.send_in_turn(CALENDAR)
        answered_at.append(run.clock.monotonic())

    run_poller(watch_pages("page"), do_at={1.5: read_calendar})
    assert answered_at == [1.5]


def test_cancelled_request_takes_no_turn() -> None:
    """From second 1 on, a calendar is requested three times.

    Its host refuses the first request, with a wait of 4 s.

    The second request waits, and is cancelled while it does. So the third is sent at the end of the
    wait, at second 5.
    """

    async def request_calendar_three_times(run: PollerRun) -> None:
        await run.poller.send_in_turn(CALENDAR)  # is refused
        second_request = asyncio.create_task(run.poller.send_in_turn(CALENDAR))
        await run.clock.sleep(0.1)
        second_request.cancel()
        await asyncio.gather(second_request, return_exceptions=True)
        await run.poller.send_in_turn(CALENDAR)
        assert run.clock.monotonic() == 5

    refusal = Reply(429, b"", {"Retry-After": "4"})
    publisher = answers_of_host("calendar.example", iter([refusal]))
    run = run_poller(
        watch_pages("page"), do_at={1: request_calendar_three_times}, publisher=publisher
    )
    requests_sent = [request for request in run.fetcher.asked if request.url == CALENDAR.url]
    assert len(requests_sent) == 2  # the first and the third


def test_equal_runs_make_looks_in_equal_order() -> None:
    act = watch_pages(*page_names(30))
    assert run_poller(act, looks_per_second=7).starts == run_poller(act, looks_per_second=7).starts
