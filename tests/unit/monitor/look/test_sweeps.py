"""A slot that needs more looks than the budget allows: looks are planned for what they prove.

The budget is five looks a second. A page is proved on time if looks show it absent in the minute
before its slot, and present in the minute after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from statistics import median
from types import MappingProxyType

import pytest

from monitor.clock import VirtualClock
from monitor.look.fetch import Found, Request
from monitor.look.forecast import PartToProve, forecast_slots
from monitor.look.sighting import Sighting, State
from monitor.look.sweeps import Sweeps
from monitor.plan.proof import ProofGoal
from monitor.plan.targets import Target, View
from tests.unit.monitor.look.poller_run import (
    HOST,
    NOON,
    AppearingPages,
    PollerRun,
    Publisher,
    gaps_between,
    most_in_one_second,
    requested_page,
    requested_view,
    run_poller,
    target,
    window,
)
from tests.worlds.fetcher import Reply

SLOT_AT = 300.0
"""When the slot is, in seconds after noon."""
TOLERANCE = timedelta(seconds=60)
GAP_BETWEEN_LOOKS = timedelta(seconds=1)


@dataclass
class PromisedPages(AppearingPages):
    """Pages promised for one slot, which is at second `since`.

    `looks` has the second, page and view of each look.
    """

    since: float = SLOT_AT
    important: frozenset[str] = frozenset()
    tolerance: timedelta = TOLERANCE
    looks: list[tuple[float, str, View]] = field(default_factory=list)

    def begin(self, run: PollerRun) -> None:
        """Have the poller look at the pages in three views, each second around the slot."""
        self.run, slot, begins = run, NOON + timedelta(seconds=self.since), self.since - 120
        for number, name in enumerate(self.published_at):
            proof = ProofGoal(slot, self.tolerance, (-int(name in self.important), 1, number))
            for view, every in ((View.EDGE, 1), (View.ORIGIN, 1), (View.CONTENT, 5)):
                windows = [
                    window(every=15, ends=begins),
                    window(every=every, begins=begins, ends=self.since + 600),
                ]
                run.poller.watch(
                    target(name, view=view), windows, timedelta(seconds=0.1 * number), goal=proof
                )

    def note_sighting(self, page: Target, sighting: Sighting) -> None:
        if page.part in self.published_at:
            self.looks.append((self.second(sighting.sent), page.part, page.view))
            super().note_sighting(page, sighting)

    def look_times(self, name: str, view: View, begin: float, end: float) -> list[float]:
        """Return the seconds from the slot, in this span, at which a page was looked at in a
        view.
        """
        return [
            at
            for at, part, look_view in self.looks
            if (part, look_view) == (name, view) and begin <= at <= end
        ]

    @property
    def proved_on_time(self) -> set[str]:
        """Return the pages that are proved to have come within the tolerance of the slot."""
        tolerance = self.tolerance.total_seconds()
        return {
            name
            for name, seen in self.intervals.items()
            if seen.last_absence >= -tolerance and seen.first_presence <= tolerance
        }


def promised_pages(number: int, *, prefix: str = "p", since: float = SLOT_AT) -> PromisedPages:
    """Return so many pages promised for one slot, which are published between 1 and 5 seconds after
    it.
    """
    return PromisedPages(
        {f"{prefix}{n}": 1 + 4 * (n * 7919 % 1000) / 1000 for n in range(number)}, since
    )


def other_pages(number: int, *, every: float) -> dict[str, float]:
    """Return so many other pages, which are never published, and the seconds between looks at
    each.
    """
    return {f"other{n}": every for n in range(number)}


def run_busy_slots(
    *groups: PromisedPages,
    looks_per_second: float = 5.0,
    seconds_after: float = 240.0,
    publisher: Publisher | None = None,
    others: Mapping[str, float] | None = None,
    do_at: Mapping[float, Callable[[PollerRun], object]] = MappingProxyType({}),
    clock: type[VirtualClock] = VirtualClock,
) -> PollerRun:
    """Watch these and `others` until so many seconds after the first slot, with a budget of
    `looks_per_second`.
    """
    others = others or {}

    def act(run: PollerRun) -> None:
        run.on_sighting = note_in_all
        for pages in groups:
            pages.begin(run)
        for number, (name, every) in enumerate(others.items()):
            run.poller.watch(target(name), [window(every=every)], timedelta(seconds=0.6 * number))

    def note_in_all(page: Target, sighting: Sighting) -> None:
        for pages in groups:
            pages.note_sighting(page, sighting)

    def reply(request: Request) -> Reply:
        name = requested_page(request)
        return next(
            (pages.reply(request) for pages in groups if name in pages.published_at), Reply(404)
        )

    return run_poller(
        act,
        looks_per_second=looks_per_second,
        seconds=SLOT_AT + seconds_after,
        publisher=publisher or reply,
        do_at=do_at,
        clock=clock,
    )


@pytest.mark.parametrize(
    ("number", "least_proved", "longest_median_interval"),
    [(60, 60, 12.5), (175, 175, 35.8), (300, 282, 60.7)],
)
def test_five_looks_a_second_prove_most_pages_on_time(
    number: int, least_proved: int, longest_median_interval: float
) -> None:
    """For example, 300 pages have one slot.

    They are published within 5 s of it.

    A page is proved on time by an absence in the last minute before the slot, and a presence in the
    first after it. So many pages are proved on time: all 60, all 175, and at least 282 of 300. The
    interval of a page begins at its last absence and ends at its first presence. Its median is
    about the time of one look at each page: 60 s for 300 pages.
    """
    pages = promised_pages(number)
    run_busy_slots(pages, looks_per_second=5)
    assert len(pages.proved_on_time) >= least_proved
    assert median(pages.interval_seconds) <= longest_median_interval


@pytest.mark.parametrize("number", [60, 300])
def test_looks_around_busy_slot_use_whole_budget_and_never_more(number: int) -> None:
    """60 or 300 pages have one slot.

    Each wants a look every second around it.

    So until half a minute after the slot, all five are made. After that, few are left: a page that
    is seen needs no more. In no second are there more than five.
    """
    rate = 5
    times = run_busy_slots(promised_pages(number), looks_per_second=rate).start_times
    assert most_in_one_second(times) <= rate
    # Looks that use the whole budget are 1 / rate apart. A quarter more is tolerated.
    until_half_a_minute_after = [time for time in times if time < SLOT_AT + 30]
    assert max(gaps_between(until_half_a_minute_after)) < 1.25 / rate


class PatientClock(VirtualClock):
    """A clock that raises after 100,000 reads.

    A queue that never waits for an answer would otherwise hang the test.
    """

    read = 0

    def monotonic(self) -> float:
        self.read += 1
        assert self.read < 100_000, f"still {super().monotonic()}"
        return super().monotonic()


def test_all_pages_of_busy_slot_are_found_on_slow_host() -> None:
    """20 pages have one slot, and are published within 5 s of it.

    Around the slot, each answer takes 8 s.

    All pages are seen. Meanwhile the poller waits for answers, instead of asking its clock again
    and again.
    """
    pages = promised_pages(20)

    def reply_slowly_around_slot(request: Request) -> Reply:
        is_slow = -60 <= pages.second() < 20  # seconds from the slot
        return replace(pages.reply(request), seconds=8.0 if is_slow else 0.0)

    # `PatientClock` fails the test if it is read too often.
    run_busy_slots(pages, seconds_after=60, publisher=reply_slowly_around_slot, clock=PatientClock)
    seen_pages = pages.intervals.keys()
    assert seen_pages == pages.names


LATE_BY = 150.0
"""Seconds, which is more than the tolerated 60."""


@cache
def watched_pages_of_which_some_are_late() -> tuple[PromisedPages, set[str]]:
    """Return 175 promised pages after a run, and which are published `LATE_BY` after the slot:
    every ninth one.
    """
    pages = promised_pages(175)
    late = set(sorted(pages.names)[::9])
    pages.published_at |= dict.fromkeys(late, LATE_BY)
    run_busy_slots(pages)
    return pages, late


def test_late_pages_are_proved_late_and_others_on_time() -> None:
    """175 pages have one slot. Some are published 150 s after it, the others within 5 s.

    It is late if it is still absent a minute after its slot.
    """
    pages, late = watched_pages_of_which_some_are_late()
    assert pages.proved_on_time == pages.names - late
    for name in late:
        last_absence = pages.intervals[name].last_absence  # in seconds from the slot
        assert 60 < last_absence <= 150


def test_origin_looks_go_only_to_late_pages_after_20_s() -> None:
    """175 pages have the same slot.

    All are published within 5 s of it, except the `late` ones: 150 s after it.

    A page that is absent at the edge 20 s after its slot is also looked at in the origin view, past
    the caches. By then only the late ones are absent.
    """
    pages, late = watched_pages_of_which_some_are_late()
    origin_looks = [(second, name) for second, name, view in pages.looks if view is View.ORIGIN]
    pages_looked_at = {
        name for seconds_after_slot, name in origin_looks if 20 <= seconds_after_slot <= 60
    }
    assert pages_looked_at == late


def test_only_edge_view_is_used_around_busy_slot() -> None:
    """60 pages have one slot. Each wants looks in three views: edge, origin and content.

    The budget of 5 looks a second is too small for that. So near the slot, all looks are in the
    edge view.
    """
    pages = promised_pages(60)
    run_busy_slots(pages, looks_per_second=5)
    # From about two minutes before the slot until ten seconds after it.
    views_near_slot = {
        view for seconds_after_slot, _page, view in pages.looks if -119 <= seconds_after_slot <= 10
    }
    assert views_near_slot == {View.EDGE}


def test_pages_within_budget_keep_planned_gaps_in_each_view() -> None:
    """Around its slot, a page gets a look every second in the edge and origin views, and every 5 s
    in the content view.

    So two pages need 2 * (1 + 1 + 0.2) = 4.4 looks a second. The budget is five, so all looks are
    made as planned.
    """
    pages = promised_pages(2)
    run_busy_slots(pages, looks_per_second=5)
    longest_wait_for_other_looks = 0.3
    for name in pages.names:
        for view, planned_gap in ((View.EDGE, 1), (View.ORIGIN, 1), (View.CONTENT, 5)):
            # These looks begin two minutes before the slot. The first 2 s are left out. 5 s after
            # the slot, both pages are out and get no more looks.
            gaps = gaps_between(pages.look_times(name, view, begin=-118, end=5))
            assert max(gaps) <= planned_gap + longest_wait_for_other_looks


def test_important_pages_are_all_proved_if_budget_is_too_small() -> None:
    """450 pages have one slot. Every twelfth is important.

    A page is proved on time by two looks: one in the minute before the slot, and one in the minute
    after it. There are 5 * 120 = 600 looks in these two minutes. So 300 pages can be proved, a few
    less if looks are lost. All important pages are among them.
    """
    pages = promised_pages(450)
    pages.important = frozenset(sorted(pages.names)[::12])
    run_busy_slots(pages, looks_per_second=5)
    assert pages.important <= pages.proved_on_time  # a subset
    assert 275 <= len(pages.proved_on_time) <= 300


def test_pages_without_a_near_slot_still_get_some_looks() -> None:
    """175 pages share a slot, for which the budget is too small.

    100 others, on the same host, want a look a minute.

    Right before and after the slot, the others get one look for every ten at its pages.
    At other times they get one for every two.
    """
    pages, others = promised_pages(175), other_pages(100, every=60)
    run = run_busy_slots(pages, others=others)
    assert pages.proved_on_time == pages.names
    looks_near_slot = [
        name for second, name in run.starts if SLOT_AT - 60 <= second <= SLOT_AT + 60
    ]
    looks_at_others = [name for name in looks_near_slot if name in others]
    share = len(looks_at_others) / len(looks_near_slot)
    # The two minutes counted here contain both kinds of times. So the share is between an eleventh
    # and a third.
    assert 1 / (1 + 10) <= share <= 1 / (1 + 2)


def test_ten_calendar_requests_in_busy_slot_cost_no_proof() -> None:
    """175 pages share a slot, for which the budget of five requests a second is too small.

    From 10 s before the slot on, a calendar at the same host is requested ten times. All ten are
    answered within 50 s. Still, every page is proved on time: looks show it absent in the minute
    before its slot, and present in the minute after.
    """
    begin, rate = SLOT_AT - 10, 5
    answered_at: list[float] = []

    async def send_ten_requests(run: PollerRun) -> None:
        for _ in range(10):
            await run.poller.send_in_turn(Request(f"https://{HOST}/calendar"))
            answered_at.append(run.second())

    pages = promised_pages(175)
    # The requests share their part of the budget with the looks at pages that have no slot now.
    others = other_pages(100, every=60)
    run = run_busy_slots(
        pages, looks_per_second=rate, others=others, do_at={begin: send_ten_requests}
    )
    assert answered_at[-1] <= begin + 50
    assert most_in_one_second([*run.start_times, *answered_at]) <= rate
    assert pages.proved_on_time == pages.names


@pytest.mark.parametrize("seconds_apart", [20.0, 60.0, 90.0])
def test_pages_of_two_near_slots_are_proved_with_one_budget(seconds_apart: float) -> None:
    """Two slots are 20, 60 or 90 s apart. 60 pages are published at each, all on one host."""
    first, second = (
        promised_pages(60),
        promised_pages(60, prefix="q", since=SLOT_AT + seconds_apart),
    )
    run_busy_slots(first, second, looks_per_second=5, seconds_after=400)
    assert first.proved_on_time == first.names
    assert second.proved_on_time == second.names


@pytest.mark.parametrize(
    ("counts", "tolerances"), [((150,), (4,)), ((40, 40), (20, 60))], ids=["4 s", "20 s and 60 s"]
)
def test_budget_that_a_forecast_names_proves_every_page(
    counts: tuple[int, ...], tolerances: tuple[int, ...]
) -> None:
    """The pages of each tolerance are published 1 to 3 s after one slot."""
    groups = [
        PromisedPages(
            {f"{tolerance}-{n}": 1 + 2 * (n * 7919 % 1000) / 1000 for n in range(count)},
            tolerance=timedelta(seconds=tolerance),
        )
        for count, tolerance in zip(counts, tolerances, strict=True)
    ]
    slot = NOON + timedelta(seconds=SLOT_AT)
    parts = [
        PartToProve(target(name), ProofGoal(slot, pages.tolerance, (0, 1, n)))
        for pages in groups
        for n, name in enumerate(sorted(pages.names))
    ]
    (forecast,) = forecast_slots(parts, 1.0, slot, slot + timedelta(days=1))
    rate = forecast.sufficient_rate
    assert rate is not None
    run_busy_slots(*groups, looks_per_second=rate, seconds_after=90)
    assert [pages.names - pages.proved_on_time for pages in groups] == [set() for _ in groups]


def test_failing_targets_do_not_prevent_proof_of_others() -> None:
    """100 pages have one slot. Half of them always answer with status 500, which proves nothing.

    The other half is still proved on time.
    """
    pages = promised_pages(100)
    failing = {name for name in pages.names if int(name[1:]) % 2}  # p1, p3, p5 …

    def reply(request: Request) -> Reply:
        return Reply(500) if requested_page(request) in failing else pages.reply(request)

    run_busy_slots(pages, publisher=reply)
    assert pages.proved_on_time == pages.names - failing


def test_origin_looks_prove_pages_while_edge_serves_old_404() -> None:
    """30 pages share a slot, and are published within 5 s of it.

    The edge view gets them from caches.

    Until 50 s after the slot, the cache serves the 404 that it copied 4 s before the slot. The
    origin view goes past the caches. So looks in this view see the pages sooner. Looks in both
    views at all pages take 2 * 30 / 5 = 12 s. So all pages are seen 12 s after the last is
    published.
    """
    number, rate, copied_at = 30, 5, -4
    pages = promised_pages(number)

    def reply(request: Request) -> Reply:
        seconds_after_slot = int(pages.second())
        is_old_copy_served = (
            requested_view(request) is not View.ORIGIN and 0 <= seconds_after_slot <= 50
        )
        if is_old_copy_served:
            age = seconds_after_slot - copied_at
            return Reply(404, b"", {"Age": str(age), "X-Cache": "HIT"})
        return pages.reply(request)

    run_busy_slots(pages, looks_per_second=rate, publisher=reply)
    assert pages.proved_on_time == pages.names
    seconds_for_both_views = 2 * number / rate
    last_page_seen_at = max(seen.first_presence for seen in pages.intervals.values())
    assert last_page_seen_at <= 5 + seconds_for_both_views


def test_page_linked_from_listing_is_looked_at_first() -> None:
    """Pages a, b and c have the same slot, and wait for a look in this order.

    Then a listing shows a link to page c.

    So page c is probably out, and goes first. `Sweeps` chooses the order if the budget is too small
    for all looks.
    """
    now = NOON + timedelta(seconds=2)
    sweeps = Sweeps()
    for number, name in enumerate("abc"):
        importance, required_parts = 0, 1  # alike, so the number decides
        rank = (-importance, required_parts, number)
        sweeps.add(target(name), ProofGoal(slot=NOON, tolerance=TOLERANCE, rank=rank), now)
    sweeps.update(now, GAP_BETWEEN_LOOKS, is_overloaded=True)
    # The listing also links to a page that is not watched.
    show_links_in_a_listing(sweeps, now, "elsewhere", "c")
    assert order_of_looks(sweeps, now, looks=3) == ["r/c", "r/a", "r/b"]


def test_link_to_an_address_of_two_editions_shows_the_one_that_stays() -> None:
    """Two editions have one address. The old one is removed after the new one was added."""
    now = NOON + timedelta(seconds=2)
    old, new = target("old"), replace(target("new"), url=target("old").url)
    first, last = [ProofGoal(NOON, TOLERANCE, rank=(0, 1, number)) for number in (1, 2)]
    sweeps = Sweeps()
    for page, goal in ((old, first), (target("other"), first), (new, last)):
        sweeps.add(page, goal, now)
    sweeps.remove(old, first)
    sweeps.update(now, GAP_BETWEEN_LOOKS, is_overloaded=True)
    show_links_in_a_listing(sweeps, now, "old")
    assert order_of_looks(sweeps, now, looks=2) == ["r/new", "r/other"]


def show_links_in_a_listing(sweeps: Sweeps, now: datetime, *names: str) -> None:
    """Record that a look at a listing found links to the addresses of these pages."""
    links = tuple(Found(target(name).url, name, "listed") for name in names)
    sent = received = proved_from = proved_to = now
    listing_seen = Sighting(
        "list", State.PRESENT, sent, received, proved_from, proved_to, found=links
    )
    no_proof_needed = None  # of the listing itself
    sweeps.record_result(
        target("list", view=View.TRIPWIRE), goal=no_proof_needed, sighting=listing_seen
    )


def order_of_looks(sweeps: Sweeps, now: datetime, *, looks: int) -> list[str]:
    """Return the parts of the next looks."""
    order = []
    for _ in range(looks):
        part = sweeps.next_part(now, GAP_BETWEEN_LOOKS, is_ready=lambda _: True)
        assert part is not None
        sweeps.record_start(part, now)
        order.append(part.id)
    return order


def test_edge_and_origin_get_a_look_every_3_s_before_publication() -> None:
    """The budget of 3 looks a second is a little too small.

    Two pages want one a second in the edge view and in the origin view, and one in 5 s in the
    content view. That is 4.4 a second. Three other pages want one in 15 s, 0.2 a second. Still,
    each page gets a look at least every 3 s in the edge view, and in the origin view too.
    """
    published_at = 3.0  # seconds after the slot
    pages = PromisedPages({"p0": published_at, "p1": published_at})
    run_busy_slots(pages, looks_per_second=3, seconds_after=60, others=other_pages(3, every=15))
    for name in pages.names:
        for view in (View.EDGE, View.ORIGIN):
            # These looks begin 120 s before the slot. The first ten seconds are left out.
            gaps = gaps_between(pages.look_times(name, view, begin=-110, end=published_at))
            assert max(gaps) <= 3.0
