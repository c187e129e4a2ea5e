"""The look at the promised instant begins on time, before all other requests of its host.

A look at each of 60 pages is promised for the slot. A turn is the time that the budget leaves
between two looks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.look.fetch import Request
from monitor.plan.phases import NEAR, SLOT, Window
from monitor.plan.targets import View
from tests.unit.monitor.look.poller_run import (
    NOON,
    PollerRun,
    requested_page,
    run_poller,
    target,
    watch_pages,
    window,
)
from tests.worlds.fetcher import Reply

# The first two are on the days of clock changes in 2026, the last is on an ordinary day.
SLOTS = [
    datetime(2026, 3, 29, 8, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 9, 30, tzinfo=UTC),
    datetime(2026, 11, 26, 9, 30, tzinfo=UTC),
]


def test_busy_host_is_kept_free_for_promised_look() -> None:
    """A promised look must begin at a given instant, for example at a slot.

    Here one is promised for second 7.05.

    Nine other pages use the whole budget of five looks a second, so a look may begin every 0.2 s.
    Within 0.2 s of the promised look, no other one begins, because it would delay it.
    """
    rate, promised = 5, 7.05

    def act(run: PollerRun) -> None:
        watch_pages(*(f"other{n}" for n in range(9)), every=1)(run)
        run.poller.watch(
            target("page"), [window(every=1)], promised_at=NOON + timedelta(seconds=promised)
        )

    run = run_poller(act, looks_per_second=rate, seconds=20)
    looks_around_the_instant = [
        (time, name) for time, name in run.starts if abs(time - promised) < 1 / rate
    ]
    assert looks_around_the_instant == [(promised, "page")]


def test_at_one_instant_edge_look_at_landing_page_goes_first() -> None:
    """Six looks are promised for second 7: at a landing page and a sheet, in the content, origin
    and edge views.

    If some had looks before, the one with the oldest look would go first. None had one. Then pages
    go before other parts, and the edge view before others. So the edge look at the landing page
    goes first.
    """
    instant = NOON + timedelta(seconds=7)

    def act(run: PollerRun) -> None:
        for view in (View.CONTENT, View.ORIGIN, View.EDGE):
            for name in ("sheet", "page"):
                run.poller.watch(
                    target(name, view=view), [window(every=1, begins=7)], promised_at=instant
                )

    run = run_poller(act, looks_per_second=5, seconds=9)
    assert run.starts[0] == (7, "page")
    assert run.looked_at_views()[0] is View.EDGE


def test_slow_looks_do_not_delay_promised_look() -> None:
    """A look at a page is promised for second 7: it must begin exactly then.

    Four looks may be under way at once.

    Looks at eight other pages take 3 s each, so they could use all four places for a long time.
    But just before the promised look, the last place is kept free.
    """

    def act(run: PollerRun) -> None:
        watch_pages(*(f"other{n}" for n in range(8)), every=1)(run)
        run.poller.watch(target("page"), [window(every=1)], promised_at=NOON + timedelta(seconds=7))

    def reply(request: Request) -> Reply:
        return Reply(200, b"x", seconds=0.0 if requested_page(request) == "page" else 3.0)

    run = run_poller(act, seconds=9, publisher=reply, at_once=4)
    assert 7 in run.look_times("page")


class Look(NamedTuple):
    second: float
    page: str
    view: View


RATE, PAGES = 5, 60
SECONDS_A_TURN = 1.01 / RATE  # a hundredth longer than the budget requires


@cache
def looks_around_slot(slot: datetime) -> tuple[list[Look], list[Look]]:
    """Return the looks before a slot for which a look at each of 60 pages is promised, and the 60
    looks from it on.

    Seconds are counted from the slot. The promised looks are in the edge view, and the origin views
    are watched too.
    """
    windows = [
        Window(SLOT, slot - timedelta(minutes=2), slot + timedelta(minutes=2), timedelta(seconds=1))
    ]

    def watch_all(run: PollerRun) -> None:
        for n in range(PAGES):
            run.poller.watch(target(f"p{n}"), windows, promised_at=slot)
            run.poller.watch(target(f"p{n}", view=View.ORIGIN), windows)

    seconds_before_slot = 130.0
    begins = slot - timedelta(seconds=seconds_before_slot)
    run = run_poller(
        watch_all, looks_per_second=RATE, seconds=seconds_before_slot + 30, start=begins
    )
    looks = [
        Look(second - seconds_before_slot, page, view)
        for (second, page), view in zip(run.starts, run.looked_at_views(), strict=True)
    ]
    before = [look for look in looks if look.second < 0]
    return before, looks[len(before) : len(before) + PAGES]


@pytest.mark.parametrize("slot", SLOTS)
def test_last_turn_before_promised_slot_is_left_free(slot: datetime) -> None:
    """Before it, the pages have other looks.

    If a look began less than a turn before the slot, the first promised look would be late. So none
    does.
    """
    looks_before, _looks_from_slot_on = looks_around_slot(slot)
    last_look = looks_before[-1]
    assert last_look.second <= -SECONDS_A_TURN  # counted from the slot


@pytest.mark.parametrize("slot", SLOTS)
def test_sixty_promised_looks_follow_slot_one_turn_apart(slot: datetime) -> None:
    """The budget does not allow all at once.

    The first look is at the slot, the second a turn later, and so on. Looks in the origin view are
    planned too, but not promised. They come after all these.
    """
    _looks_before, looks_from_slot_on = looks_around_slot(slot)
    turns = [n * SECONDS_A_TURN for n in range(60)]
    assert [look.second for look in looks_from_slot_on] == pytest.approx(turns, abs=0.01)
    assert {look.view for look in looks_from_slot_on} == {View.EDGE}


@pytest.mark.parametrize("slot", SLOTS)
def test_page_with_oldest_look_gets_first_promised_look(slot: datetime) -> None:
    """The pages had other looks before it.

    The page whose last look was longest ago gets its promised look first, and so on.
    """
    looks_before, looks_from_slot_on = looks_around_slot(slot)
    # A page may have several looks. The dictionary keeps the last one.
    last_look_of_page = {look.page: look.second for look in looks_before if look.view is View.EDGE}
    oldest_look_first = sorted(last_look_of_page, key=lambda page: last_look_of_page[page])
    assert [look.page for look in looks_from_slot_on] == oldest_look_first


def test_promised_looks_at_many_hosts_all_begin_on_the_instant() -> None:
    """A promised look must begin at a given instant.

    Here one is promised at each of 60 hosts, all for second 9.1.

    Three other pages of each host want a look every second, more than its budget of two looks a
    second.
    """
    hosts = [f"h{n}.example" for n in range(60)]

    def act(run: PollerRun) -> None:
        for host in hosts:
            for name in ("a", "b", "c"):
                run.poller.watch(target(f"{name}.{host}", host=host), [window(every=1)])
            promised = target(f"promised.{host}", host=host)
            run.poller.watch(promised, [window(every=1)], promised_at=NOON + timedelta(seconds=9.1))

    run = run_poller(act, looks_per_second=2, seconds=12)
    looked_at_on_the_instant = {name for second, name in run.starts if second == 9.1}
    assert {f"promised.{host}" for host in hosts} <= looked_at_on_the_instant  # a subset


@settings(max_examples=15, deadline=None)
@given(st.sets(st.integers(5, 75), min_size=12, max_size=12), st.floats(0, 0.45), st.floats(2, 8))
def test_promised_look_begins_within_10_ms_of_its_instant(
    seconds: set[int], seconds_to_answer: float, rate: float
) -> None:
    """Twelve pages have a promised look each, at different random seconds.

    Twelve other pages want one every second.

    The budget is random, and so is the time to answer.
    At each promised instant or at most 10 ms later, a look at its page must begin.
    """
    # The instants are half a second after a whole one, because the usual looks at a page are at
    # whole seconds.
    promised_seconds = {f"promised{n}": second + 0.5 for n, second in enumerate(seconds)}

    def watch_24_pages(run: PollerRun) -> None:
        for page, second in promised_seconds.items():
            run.poller.watch(
                target(page), [window(every=1)], promised_at=NOON + timedelta(seconds=second)
            )
            run.poller.watch(target(f"other than {page}"), [window(every=1)])

    run = run_poller(
        watch_24_pages,
        looks_per_second=rate,
        seconds=80,
        publisher=lambda _: Reply(404, seconds=seconds_to_answer),
    )
    for page, second in promised_seconds.items():
        looks_within_10_ms = [
            time for time in run.look_times(page) if second <= time <= second + 0.01
        ]
        assert looks_within_10_ms


@pytest.mark.parametrize("slot", SLOTS)
def test_promised_look_is_punctual_on_days_of_clock_changes(slot: datetime) -> None:
    """British clocks change on 29 March and 25 October 2026.

    One slot is on each of these days, one on another day.

    A page is watched from ten hours before its slot, over the change of the clocks. A look is
    promised for the slot.
    """

    def act(run: PollerRun) -> None:
        every_15_s = [
            Window(
                NEAR,
                slot - timedelta(hours=12),
                slot + timedelta(minutes=1),
                timedelta(seconds=15),
            )
        ]
        # These looks are shifted by 4 s, so only the promised one is at the slot.
        run.poller.watch(target(), every_15_s, shift=timedelta(seconds=4), promised_at=slot)

    seconds_before = 10 * 3600
    run = run_poller(
        act, seconds=seconds_before + 20, start=slot - timedelta(seconds=seconds_before)
    )
    assert seconds_before in run.look_times("page")
