"""A slot that needs more looks than the budget allows: looks are planned for what they prove."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from statistics import median

import pytest

from monitor.clock import VirtualClock
from monitor.look.due_targets import Sweeps
from monitor.look.fetch import Found, Request
from monitor.look.sighting import Sighting, State
from monitor.plan.proof import ProofGoal
from monitor.plan.targets import Target, View
from tests.unit.monitor.look.story import (
    HOST,
    NOON,
    AppearingPages,
    PollerRun,
    Script,
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


@dataclass
class BusySlot(AppearingPages):
    """Pages promised for one slot, which is at second `since`. `looks` has the second, page and view of each look."""

    since: float = SLOT_AT
    important: frozenset[str] = frozenset()
    looks: list[tuple[float, str, View]] = field(default_factory=list)

    def begin(self, run: PollerRun) -> None:
        """Have the poller look at the pages in three views, each second around the slot."""
        self.run, slot, begins = run, NOON + timedelta(seconds=self.since), self.since - 120
        for number, name in enumerate(self.out_at):
            proof = ProofGoal(slot, TOLERANCE, (-int(name in self.important), 1, number))
            for view, every in ((View.EDGE, 1), (View.ORIGIN, 1), (View.CONTENT, 5)):
                windows = [window(every=15, ends=begins), window(every=every, begins=begins, ends=self.since + 600)]
                run.poller.watch(target(name, view=view), windows, timedelta(seconds=0.1 * number), goal=proof)

    def note_sighting(self, page: Target, sighting: Sighting) -> None:
        if page.part in self.out_at:
            self.looks.append((self.second(sighting.sent), page.part, page.view))
            super().note_sighting(page, sighting)

    def look_times(self, name: str, view: View, begin: float, end: float) -> list[float]:
        """Return the seconds from the slot, in this span, at which a page was looked at in a view."""
        return [at for at, part, look_view in self.looks if (part, look_view) == (name, view) and begin <= at <= end]

    @property
    def proved_on_time(self) -> set[str]:
        """Return the pages that are proved to have come within a minute of the slot."""
        return {name for name, (after, by) in self.intervals.items() if after >= -60 and by <= 60}


def busy_slot(pages: int, *, prefix: str = "p", since: float = SLOT_AT) -> BusySlot:
    """Return a slot of so many pages, which are published between 1 and 5 seconds after it."""
    return BusySlot({f"{prefix}{n}": 1 + 4 * (n * 7919 % 1000) / 1000 for n in range(pages)}, since)


def run_busy_slots(
    *slots: BusySlot,
    rate: float = 5.0,
    seconds_after: float = 240.0,
    script: Script | None = None,
    others: Mapping[str, float] | None = None,
    later: Sequence[tuple[float, Callable[[PollerRun], object]]] = (),
    clock: type[VirtualClock] = VirtualClock,
) -> PollerRun:
    """Watch the pages of these slots until so many seconds after the first, with `rate` looks a second.

    `others` are other pages, which are never published, and how many seconds apart the looks at each should be.
    """
    others = others or {}

    def act(run: PollerRun) -> None:
        run.on_sighting = note_in_all
        for slot in slots:
            slot.begin(run)
        for number, (name, every) in enumerate(others.items()):
            run.poller.watch(target(name), [window(every=every)], timedelta(seconds=0.6 * number))

    def note_in_all(page: Target, sighting: Sighting) -> None:
        for slot in slots:
            slot.note_sighting(page, sighting)

    def reply(request: Request) -> Reply:
        name = requested_page(request)
        return next((slot.reply(request) for slot in slots if name in slot.out_at), Reply(404))

    seconds = SLOT_AT + seconds_after
    return run_poller(act, rate=rate, seconds=seconds, script=script or reply, later=later, clock=clock)


@pytest.mark.parametrize(
    ("pages", "least_proved", "longest_median_interval"), [(60, 60, 12.5), (175, 175, 35.8), (300, 282, 60.7)]
)
def test_five_looks_a_second_prove_most_pages_of_a_busy_slot_on_time_within_short_intervals(
    pages: int, least_proved: int, longest_median_interval: float
) -> None:
    # A page is proved on time if it appears within a minute of the slot. Its interval is from the last absence to the
    # first presence: about one round of looks, which takes pages / 5 seconds, for example 60 s for 300 pages.
    slot = busy_slot(pages)
    run_busy_slots(slot, rate=5)
    assert len(slot.proved_on_time) >= least_proved
    assert median(slot.interval_seconds) <= longest_median_interval


@pytest.mark.parametrize("pages", [60, 300])
def test_looks_at_a_busy_slot_use_the_whole_budget_until_half_a_minute_after_it_and_never_more(pages: int) -> None:
    rate = 5
    times = run_busy_slots(busy_slot(pages), rate=rate).start_times
    assert most_in_one_second(times) <= rate
    # Looks that use the whole budget are 1 / rate apart. A quarter more is tolerated.
    until_half_a_minute_after = [time for time in times if time < SLOT_AT + 30]
    assert max(gaps_between(until_half_a_minute_after)) < 1.25 / rate


class PatientClock(VirtualClock):
    """A clock that raises after 100,000 reads. A queue that never waits for an answer would otherwise hang the test."""

    read = 0

    def monotonic(self) -> float:
        self.read += 1
        assert self.read < 100_000, f"still {super().monotonic()}"
        return super().monotonic()


def test_all_pages_of_a_busy_slot_are_found_although_their_host_takes_eight_seconds_to_answer() -> None:
    slot = busy_slot(pages=20)

    def reply_slowly_around_slot(request: Request) -> Reply:
        is_slow = -60 <= slot.second() < 20
        return replace(slot.reply(request), seconds=8.0 if is_slow else 0.0)

    # This clock fails the test if the poller does not wait for answers.
    run_busy_slots(slot, seconds_after=60, script=reply_slowly_around_slot, clock=PatientClock)
    assert slot.intervals.keys() == slot.pages


def test_late_pages_are_proved_late_and_only_they_get_looks_at_the_origin_from_20_s_after_the_slot() -> None:
    # Every ninth page is published 150 s after the slot, more than the tolerated 60 s.
    slot, late_by = busy_slot(pages=175), 150.0
    late = set(sorted(slot.pages)[::9])
    slot.out_at |= dict.fromkeys(late, late_by)
    run_busy_slots(slot)
    assert slot.proved_on_time == slot.pages - late
    for name in late:
        last_absence, _ = slot.intervals[name]
        assert TOLERANCE.total_seconds() < last_absence <= late_by
    # `at` is in seconds after the slot.
    assert {name for at, name, view in slot.looks if view is View.ORIGIN and 20 <= at <= 60} == late


def test_only_the_edge_view_is_used_from_two_minutes_before_a_busy_slot_until_ten_seconds_after() -> None:
    # Looks at 60 pages each second exceed the budget of 5 a second, so none is spent on other views.
    slot = busy_slot(pages=60)
    run_busy_slots(slot)
    assert {view for at, _, view in slot.looks if -119 <= at <= 10} == {View.EDGE}


def test_pages_of_a_slot_within_the_budget_keep_the_planned_gaps_in_each_view() -> None:
    # Around the slot, a page gets a look every second in the edge and origin views, and every 5 s in the content view.
    # So two pages need 2 * (1 + 1 + 0.2) = 4.4 looks a second.
    slot = busy_slot(pages=2)
    run_busy_slots(slot, rate=5)
    longest_wait_for_other_looks = 0.3
    for name in slot.pages:
        for view, planned_gap in ((View.EDGE, 1), (View.ORIGIN, 1), (View.CONTENT, 5)):
            # These gaps begin two minutes before the slot. All pages are seen, and need no more looks, 5 s after it.
            gaps = gaps_between(slot.look_times(name, view, begin=-118, end=5))
            assert max(gaps) <= planned_gap + longest_wait_for_other_looks


def test_important_pages_are_all_proved_although_the_budget_can_prove_only_300_of_450() -> None:
    slot = busy_slot(pages=450)
    slot.important = frozenset(sorted(slot.pages)[::12])
    run_busy_slots(slot, rate=5)
    assert slot.important <= slot.proved_on_time
    # A proof takes two of the 5 * 120 looks in the two minutes around the slot. A few looks are lost.
    assert 275 <= len(slot.proved_on_time) <= 300


def test_looks_at_other_pages_get_part_of_the_budget_even_near_a_busy_slot() -> None:
    slot, others = busy_slot(pages=175), {f"other{n}": 60.0 for n in range(100)}
    run = run_busy_slots(slot, others=others)
    assert slot.proved_on_time == slot.pages
    looks_near_slot = [name for time, name in run.starts if abs(time - SLOT_AT) <= 60]
    other_looks = [name for name in looks_near_slot if name in others]
    # For each look at the slot, the others are owed a tenth of a look in the last round before it and the first round
    # after it, and half a look at other times. So they have between 0.1 of 1.1 looks and 0.5 of 1.5.
    assert 0.1 / 1.1 <= len(other_looks) / len(looks_near_slot) <= 0.5 / 1.5


def test_ten_requests_near_a_busy_slot_end_within_50_s_prevent_no_proof_and_exceed_no_budget() -> None:
    begun_at, answered_at, rate = SLOT_AT - 10, list[float](), 5

    async def send_ten_requests(run: PollerRun) -> None:
        for _ in range(10):
            await run.poller.send_in_turn(Request(f"https://{HOST}/calendar"))
            answered_at.append(run.second())

    slot, others = busy_slot(pages=175), {f"other{n}": 60.0 for n in range(100)}
    run = run_busy_slots(slot, rate=rate, others=others, later=[(begun_at, send_ten_requests)])
    assert slot.proved_on_time == slot.pages
    # They use the part of the budget that is left for looks outside the slot.
    assert answered_at[-1] <= begun_at + 50
    assert most_in_one_second([*run.start_times, *answered_at]) <= rate


@pytest.mark.parametrize("seconds_apart", [20.0, 60.0, 90.0])
def test_all_pages_of_two_slots_that_are_seconds_apart_are_proved_with_one_budget(seconds_apart: float) -> None:
    first, second = busy_slot(pages=60), busy_slot(pages=60, prefix="q", since=SLOT_AT + seconds_apart)
    run_busy_slots(first, second, seconds_after=400)
    # `proved_on_time` has the pages that are proved to have come within a minute of their slot.
    assert first.proved_on_time == first.pages
    assert second.proved_on_time == second.pages


def test_targets_that_fail_prevent_no_proof_of_the_others() -> None:
    slot = busy_slot(pages=100)
    failing = {name for name in slot.pages if int(name[1:]) % 2}  # every second page

    def reply(request: Request) -> Reply:
        return Reply(500) if requested_page(request) in failing else slot.reply(request)

    # The failing pages always answer 500, which proves nothing.
    run_busy_slots(slot, script=reply)
    assert slot.proved_on_time == slot.pages - failing


def test_the_origin_view_proves_pages_whose_edge_serves_a_copy_from_before_the_slot() -> None:
    pages, rate, copied_at = 30, 5, -4
    # The cache at the edge serves a 404 that it copied 4 s before the slot, until 50 s after it.
    slot = busy_slot(pages)

    def reply_with_old_copies_at_the_edge(request: Request) -> Reply:
        seconds_after_slot = int(slot.second())
        if requested_view(request) is View.ORIGIN or not 0 <= seconds_after_slot <= 50:
            return slot.reply(request)
        return Reply(404, b"", {"Age": str(seconds_after_slot - copied_at), "X-Cache": "HIT"})

    run_busy_slots(slot, rate=rate, script=reply_with_old_copies_at_the_edge)
    assert slot.proved_on_time == slot.pages
    # Each page needs a look in both views after the last one is published, 5 s after the slot.
    assert max(first_present for _, first_present in slot.intervals.values()) <= 5 + 2 * pages / rate


def test_a_page_that_a_listing_page_links_to_is_looked_at_first() -> None:
    sweeps, begins, gap = Sweeps(), NOON + timedelta(seconds=2), timedelta(seconds=1)
    # Without the link the order would be a, b, c, by the last number of the ranks.
    importance, required_parts = 0, 1
    for number, name in enumerate("abc"):
        rank = (-importance, required_parts, number)
        sweeps.add(target(name), ProofGoal(slot=NOON, tolerance=TOLERANCE, rank=rank), begins)
    # Sweeps choose the order, and heed links, only if the host's budget is too small for all looks.
    sweeps.update(begins, gap, is_overloaded=True)
    links = tuple(Found(target(name).url, name, "listed") for name in ("elsewhere", "c"))
    listing = target("list", view=View.TRIPWIRE)
    all_times_alike = (begins, begins, begins, begins)
    sighting = Sighting("list", State.PRESENT, *all_times_alike, found=links)
    # A listing has no goal, because no proof about itself is needed.
    sweeps.record_result(listing, goal=None, sighting=sighting)
    order = []
    for _ in "abc":
        part = sweeps.next_part(begins, gap, is_ready=lambda _: True)
        assert part is not None
        sweeps.record_start(part, begins)
        order.append(part.id)
    assert order == ["r/c", "r/a", "r/b"]


def test_pages_of_a_small_slot_keep_looks_of_both_views_every_three_seconds_beside_other_pages() -> None:
    # The two pages want 4.4 looks a second, and the others 0.2. The budget is 3, so gaps are longer than the planned
    # second.
    published_at, longest_gap = 3.0, 3.0  # not related: seconds after the slot, and seconds between two looks
    slot = BusySlot({"p0": published_at, "p1": published_at})
    run_busy_slots(slot, rate=3, seconds_after=60, others={f"other{n}": 15.0 for n in range(3)})
    # Looks at the slot become frequent 120 s before it. The first ten seconds of that are left out.
    for name in slot.pages:
        for view in (View.EDGE, View.ORIGIN):
            assert max(gaps_between(slot.look_times(name, view, begin=-110, end=published_at))) <= longest_gap
