"""A slot that needs more looks than the budget allows: looks are planned for what they prove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from math import inf
from statistics import median

import pytest

from monitor.clock import VirtualClock
from monitor.look.due_targets import Sweeps
from monitor.look.fetch import Found, Request
from monitor.look.sighting import Sighting, State
from monitor.plan.phases import Window
from monitor.plan.proof import ProofGoal
from monitor.plan.targets import Target, View
from tests.unit.monitor.look.story import NOON, PollerRun, run_poller, target, window
from tests.worlds.fetcher import Reply

SLOT = 300.0
WITHIN = timedelta(seconds=60)
VIEWS = (View.EDGE, View.ORIGIN, View.CONTENT)


@dataclass
class BusySlot:
    """Pages promised for one slot. `comes` has the seconds after it at which each is published.

    `found` has for each page that was seen the last absence before, and when it was seen. It gets no look afterwards.
    """

    comes: Mapping[str, float]
    important: frozenset[str] = frozenset()
    views: tuple[View, ...] = VIEWS
    absent: dict[str, float] = field(default_factory=dict)
    found: dict[str, tuple[float, float]] = field(default_factory=dict)
    looks: list[tuple[float, str, View]] = field(default_factory=list)
    run: PollerRun | None = None

    def begin(self, run: PollerRun) -> None:
        self.run, run.on_sighting = run, self.note_sighting
        for number, name in enumerate(self.comes):
            proof = ProofGoal(NOON + timedelta(seconds=SLOT), WITHIN, (-int(name in self.important), 1, number))
            for view in self.views:
                near = Window("near", NOON, NOON + timedelta(seconds=SLOT - 120), timedelta(seconds=15))
                slot = window(every=5 if view is View.CONTENT else 1, begins=SLOT - 120, ends=SLOT + 600)
                page = target(name, view=view)
                run.poller.watch(page, [near, slot], timedelta(seconds=0.1 * number), goal=proof)

    def reply(self, request: Request) -> Reply:
        assert self.run is not None
        is_out = self.run.second() >= SLOT + self.comes[request.url.rpartition("/")[2]]
        return Reply(200, b"figures") if is_out else Reply(404)

    def note_sighting(self, page: Target, sighting: Sighting) -> None:
        assert self.run is not None
        if page.part not in self.comes:
            return
        at = (sighting.sent - NOON).total_seconds() - SLOT
        self.looks.append((at, page.part, page.view))
        if sighting.state is State.ABSENT:
            self.absent[page.part] = at
        elif page.part not in self.found:
            self.found[page.part] = (self.absent.get(page.part, -inf), at)
            for view in self.views:
                self.run.poller.drop(target(page.part, view=view).id)

    def look_times(self, name: str, view: View, begin: float, end: float) -> list[float]:
        """Return the seconds from the slot, in this span, at which a page was looked at in a view."""
        return [at for at, part, look_view in self.looks if (part, look_view) == (name, view) and begin <= at <= end]

    def proved_within(self, seconds: float, of: float) -> set[str]:
        """Return the pages that are proved to have come within so many seconds of this second from the slot."""
        return {name for name, (after, by) in self.found.items() if after >= of - seconds and by <= of + seconds}

    @property
    def proved(self) -> set[str]:
        """Return the pages that are proved to have come within a minute of the slot."""
        return self.proved_within(60, of=0)

    @property
    def median_interval(self) -> float:
        return median(by - after for after, by in self.found.values())


def pages_out_within_5_s(count: int) -> dict[str, float]:
    """Return the names of pages with the seconds after the slot at which they come, between 1 and 5."""
    return {f"p{n}": 1 + 4 * (n * 7919 % 1000) / 1000 for n in range(count)}


def longest_gap(times: list[float]) -> float:
    return max(after - before for before, after in pairwise(times))


def run_busy_slot(slot: BusySlot, *, rate: float = 5.0) -> PollerRun:
    """Watch the pages of the slot until 240 s after it, with so many looks a second."""
    return run_poller(slot.begin, rate=rate, seconds=SLOT + 240, script=slot.reply)


@pytest.mark.parametrize(
    ("count", "least_proved", "most_seconds"), [(60, 60, 12.5), (175, 175, 35.8), (300, 282, 60.7)]
)
def test_looks_at_a_busy_slot_prove_most_pages_without_exceeding_five_looks_a_second(
    count: int, least_proved: int, most_seconds: float
) -> None:
    slot = BusySlot(pages_out_within_5_s(count))
    run = run_busy_slot(slot, rate=5.0)
    assert len(slot.proved) >= least_proved
    assert slot.median_interval <= most_seconds
    times = [time for time, _ in run.starts]
    looks_in_each_second = Counter(int(time) for time in times)
    assert max(looks_in_each_second.values()) <= 5
    # Until half a minute after the slot the budget is used up.
    assert longest_gap([time for time in times if time < SLOT + 30]) < 0.25


class PatientClock(VirtualClock):
    """A clock that raises after 100,000 reads. A queue that never waits for an answer would otherwise hang the test."""

    read = 0

    def monotonic(self) -> float:
        self.read += 1
        assert self.read < 100_000, f"still {super().monotonic()}"
        return super().monotonic()


def test_all_pages_of_a_busy_slot_are_found_although_their_host_takes_eight_seconds_to_answer() -> None:
    slot = BusySlot(pages_out_within_5_s(20))

    def reply_slowly_around_slot(request: Request) -> Reply:
        assert slot.run is not None
        is_slow = -60 <= slot.run.second() - SLOT < 20
        return replace(slot.reply(request), seconds=8.0 if is_slow else 0.0)

    run_poller(slot.begin, rate=5.0, seconds=SLOT + 60, script=reply_slowly_around_slot, clock=PatientClock)
    assert slot.found.keys() == slot.comes.keys()


def test_late_pages_are_proved_late_and_only_they_get_looks_at_the_origin() -> None:
    comes = pages_out_within_5_s(175)
    late = sorted(comes)[::9]
    slot = BusySlot(comes | dict.fromkeys(late, 150.0))
    run_busy_slot(slot)
    assert len(slot.proved) == len(comes) - len(late)
    for name in late:
        last_absent, _ = slot.found[name]
        assert last_absent > 60
    seen_at_origin = {name for at, name, view in slot.looks if view is View.ORIGIN and 20 <= at <= 60}
    assert seen_at_origin == set(late)


def test_only_the_edge_view_is_used_from_two_minutes_before_a_busy_slot_until_ten_seconds_after() -> None:
    slot = BusySlot(pages_out_within_5_s(60))
    run_busy_slot(slot)
    assert {view for at, _, view in slot.looks if -115 <= at <= 10} == {View.EDGE}


def test_pages_of_a_slot_within_the_budget_keep_the_planned_gaps_in_each_view() -> None:
    slot = BusySlot(pages_out_within_5_s(2))
    run_busy_slot(slot)
    for name in slot.comes:
        for view, most_seconds in ((View.EDGE, 1.3), (View.ORIGIN, 1.3), (View.CONTENT, 5.3)):
            assert longest_gap(slot.look_times(name, view, -118, 5)) <= most_seconds


def test_all_important_parts_are_proved_if_the_budget_allows_only_some_of_450() -> None:
    comes = pages_out_within_5_s(450)
    important = frozenset(sorted(comes)[::12])
    slot = BusySlot(comes, important)
    run_busy_slot(slot)
    assert important <= slot.proved
    assert 275 <= len(slot.proved) < 450


def test_other_looks_and_requests_keep_a_share_of_the_rate_near_a_slot() -> None:
    sent_at: list[float] = []

    async def send_ten_requests(run: PollerRun) -> None:
        for _ in range(10):
            await run.poller.send_in_turn(Request("https://www.example.gov.uk/other-calendar"))
            sent_at.append(run.second())

    slot = BusySlot(pages_out_within_5_s(175))

    def act(run: PollerRun) -> None:
        slot.begin(run)
        for n in range(100):
            run.poller.watch(target(f"other{n}"), [window(every=60)], timedelta(seconds=0.6 * n))

    def reply(request: Request) -> Reply:
        return Reply(404) if "other" in request.url else slot.reply(request)

    run = run_poller(act, rate=5, seconds=SLOT + 240, script=reply, later=[(SLOT - 10, send_ten_requests)])
    assert slot.proved == set(slot.comes)
    looks_near_slot = [name for time, name in run.starts if abs(time - SLOT) <= 60]
    other_looks = [name for name in looks_near_slot if name.startswith("other")]
    assert 0.05 <= len(other_looks) / len(looks_near_slot) <= 0.4
    assert sent_at[-1] <= SLOT + 40, "the ten requests, from ten seconds before the slot on, take at most 50 s"
    times = sorted([*(time for time, _ in run.starts), *sent_at])
    assert all(sum(begin <= time < begin + 1 for time in times) <= 5 for begin in times)


@pytest.mark.parametrize("apart", [20.0, 60.0, 90.0])
def test_all_pages_of_two_slots_that_are_seconds_apart_are_proved_with_one_budget(apart: float) -> None:
    first = BusySlot(pages_out_within_5_s(60))
    second = BusySlot({f"q{n}": comes + apart for n, comes in enumerate(pages_out_within_5_s(60).values())})

    def act(run: PollerRun) -> None:
        first.begin(run)
        second.run = run
        for number, name in enumerate(second.comes):
            proof = ProofGoal(NOON + timedelta(seconds=SLOT + apart), WITHIN, (0, 1, number))
            for view in VIEWS:
                every = 5 if view is View.CONTENT else 1
                spans = [window(every=every, begins=SLOT + apart - 120, ends=SLOT + 600)]
                run.poller.watch(target(name, view=view), spans, goal=proof)
        run.on_sighting = note_in_both

    def note_in_both(page: Target, sighting: Sighting) -> None:
        for slot in (first, second):
            slot.note_sighting(page, sighting)

    def reply(request: Request) -> Reply:
        return (first if "/p" in request.url else second).reply(request)

    run_poller(act, rate=5, seconds=SLOT + 400, script=reply)
    assert first.proved_within(60, of=0) == set(first.comes)
    assert second.proved_within(60, of=apart) == set(second.comes)


def test_targets_that_fail_prevent_no_proof_of_the_others() -> None:
    slot = BusySlot(pages_out_within_5_s(100))
    failing = {name for name in slot.comes if int(name[1:]) % 2}

    def reply(request: Request) -> Reply:
        return Reply(500) if request.url.rpartition("/")[2] in failing else slot.reply(request)

    run_poller(slot.begin, rate=5, seconds=SLOT + 240, script=reply)
    assert slot.proved == set(slot.comes) - failing


def test_the_origin_view_proves_pages_whose_edge_serves_a_copy_from_before_the_slot() -> None:
    slot = BusySlot(pages_out_within_5_s(30))

    def reply_with_old_copies_at_the_edge(request: Request) -> Reply:
        assert slot.run is not None
        seconds_after_slot = slot.run.second() - SLOT
        if request.bust or not 0 <= seconds_after_slot <= 50:
            return slot.reply(request)
        return Reply(404, b"", {"Age": str(int(seconds_after_slot) + 4), "X-Cache": "HIT"})

    run_poller(slot.begin, rate=5, seconds=SLOT + 240, script=reply_with_old_copies_at_the_edge)
    assert slot.proved == set(slot.comes)
    assert max(first_present for _, first_present in slot.found.values()) <= 20


def test_a_page_that_a_listing_page_links_to_is_looked_at_first() -> None:
    sweeps, begins = Sweeps(), NOON + timedelta(seconds=2)
    # Without the link the order would be a, b, c.
    for number, name in enumerate("abc"):
        sweeps.add(target(name), ProofGoal(NOON, WITHIN, (0, 1, number)), begins)
    sweeps.update(begins, timedelta(seconds=1), is_overloaded=True)
    links = tuple(Found(target(name).url, name, "listed") for name in ("elsewhere", "c"))
    sweeps.record_result(
        target("list", view=View.TRIPWIRE), None, Sighting("list", State.PRESENT, *[begins] * 4, found=links)
    )
    order = []
    for _ in "abc":
        part = sweeps.next_part(begins, timedelta(seconds=1), lambda _: True)
        assert part is not None
        sweeps.record_start(part, begins)
        order.append(part.id)
    assert order == ["r/c", "r/a", "r/b"]


def test_pages_of_a_small_slot_keep_looks_of_both_views_every_three_seconds_beside_other_pages() -> None:
    slot = BusySlot({"p0": 3.0, "p1": 3.0})

    def act(run: PollerRun) -> None:
        slot.begin(run)
        for n in range(3):
            run.poller.watch(target(f"other{n}"), [window(every=15)])

    def reply(request: Request) -> Reply:
        return Reply(404) if "other" in request.url else slot.reply(request)

    run_poller(act, rate=3, seconds=SLOT + 60, script=reply)
    for name in slot.comes:
        for view in (View.EDGE, View.ORIGIN):
            assert longest_gap(slot.look_times(name, view, -110, 3)) <= 3.0
