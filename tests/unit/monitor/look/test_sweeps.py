"""A slot that needs more looks than the budget allows: looks are planned for what they prove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
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
from tests.unit.monitor.look.story import NOON, Watch, target, watch, window
from tests.worlds.fetcher import Reply

SLOT = 300.0
WITHIN = timedelta(seconds=60)
VIEWS = (View.EDGE, View.ORIGIN, View.CONTENT)


@dataclass
class BusySlot:
    """Pages promised for one slot. `comes` has the seconds after it at which each is published.

    `found` has for each page the last absence before it was seen, and when it was seen. It is then looked at no more.
    """

    comes: Mapping[str, float]
    important: frozenset[str] = frozenset()
    views: tuple[View, ...] = VIEWS
    absent: dict[str, float] = field(default_factory=dict)
    found: dict[str, tuple[float, float]] = field(default_factory=dict)
    looks: list[tuple[float, str, View]] = field(default_factory=list)
    seen: Watch | None = None

    def begin(self, seen: Watch) -> None:
        self.seen, seen.heard = seen, self.hear
        for number, name in enumerate(self.comes):
            proof = ProofGoal(NOON + timedelta(seconds=SLOT), WITHIN, (-int(name in self.important), 1, number))
            for view in self.views:
                near = Window("near", NOON, NOON + timedelta(seconds=SLOT - 120), timedelta(seconds=15))
                slot = window(5 if view is View.CONTENT else 1, begins=SLOT - 120, ends=SLOT + 600)
                page = target(name, view=view)
                seen.poller.watch(page, [near, slot], timedelta(seconds=0.1 * number), goal=proof)

    def reply(self, request: Request) -> Reply:
        assert self.seen is not None
        is_out = self.seen.at() >= SLOT + self.comes[request.url.rpartition("/")[2]]
        return Reply(200, b"figures") if is_out else Reply(404)

    def hear(self, one: Target, sighting: Sighting) -> None:
        assert self.seen is not None
        if one.part not in self.comes:
            return
        at = (sighting.sent - NOON).total_seconds() - SLOT
        self.looks.append((at, one.part, one.view))
        if sighting.state is State.ABSENT:
            self.absent[one.part] = at
        elif one.part not in self.found:
            self.found[one.part] = (self.absent.get(one.part, -inf), at)
            for view in self.views:
                self.seen.poller.drop(target(one.part, view=view).id)

    @property
    def proved(self) -> set[str]:
        return {name for name, (after, by) in self.found.items() if after >= -60 and by <= 60}

    @property
    def width(self) -> float:
        return median(by - after for after, by in self.found.values())


def pages_out_within_5_s(count: int) -> dict[str, float]:
    """Return the names of pages with the seconds after the slot at which they come, between 1 and 5."""
    return {f"p{n}": 1 + 4 * (n * 7919 % 1000) / 1000 for n in range(count)}


def run_busy_slot(slot: BusySlot, *, rate: float = 5.0, also: Callable[[Watch], None] = lambda _: None) -> Watch:
    """Watch the pages of the slot until 240 s after it, with so many looks a second."""

    def act(seen: Watch) -> None:
        slot.begin(seen)
        also(seen)

    return watch(act, rate=rate, seconds=SLOT + 240, script=slot.reply)


@pytest.mark.parametrize(("count", "proved", "width"), [(60, 60, 12.5), (175, 175, 35.8), (300, 282, 60.7)])
def test_looks_at_a_busy_slot_prove_as_many_pages_as_its_budget_allows(count: int, proved: int, width: float) -> None:
    slot = BusySlot(pages_out_within_5_s(count))
    seen = run_busy_slot(slot)
    assert len(slot.proved) >= proved
    assert slot.width <= width
    times = [time for time, _ in seen.starts]
    assert max(Counter(int(time) for time in times).values()) <= 5
    assert max(after - before for before, after in pairwise(times) if after < SLOT + 30) < 0.25


class PatientClock(VirtualClock):
    """Refuses to be read without end: a queue that does not wait for an answer would hang the test, and not fail it."""

    read = 0

    def monotonic(self) -> float:
        self.read += 1
        assert self.read < 100_000, f"still {super().monotonic()}"
        return super().monotonic()


def test_all_pages_of_a_busy_slot_are_found_though_their_host_is_slow() -> None:
    slot = BusySlot(pages_out_within_5_s(20))

    def reply(request: Request) -> Reply:
        assert slot.seen is not None
        slow = -60 <= slot.seen.at() - SLOT < 20
        return replace(slot.reply(request), seconds=8.0 if slow else 0.0)

    watch(slot.begin, rate=5.0, seconds=SLOT + 60, script=reply, clock=PatientClock)
    assert len(slot.found) == 20


def test_late_part_is_proved_late_with_both_views() -> None:
    comes = pages_out_within_5_s(175)
    late = sorted(comes)[::9]
    slot = BusySlot(comes | dict.fromkeys(late, 150.0))
    run_busy_slot(slot)
    assert len(late) == 20
    assert len(slot.proved) == 155
    assert all(slot.found[name][0] > 60 for name in late)
    origins = {name for at, name, view in slot.looks if view is View.ORIGIN and 20 <= at <= 60}
    assert origins == set(late)


def test_only_the_edge_view_is_used_in_the_critical_minute() -> None:
    slot = BusySlot(pages_out_within_5_s(60))
    run_busy_slot(slot)
    assert {view for at, _, view in slot.looks if -115 <= at <= 10} == {View.EDGE}


def test_a_slot_within_the_budget_keeps_one_second_looks_of_both_views() -> None:
    slot = BusySlot(pages_out_within_5_s(2))
    run_busy_slot(slot)
    for name in slot.comes:
        for view, most in ((View.EDGE, 1.3), (View.ORIGIN, 1.3), (View.CONTENT, 5.3)):
            times = [at for at, part, how in slot.looks if (part, how) == (name, view) and -118 <= at <= 5]
            assert max(after - before for before, after in pairwise(times)) <= most


def test_important_parts_are_proved_if_not_all_can_be() -> None:
    comes = pages_out_within_5_s(450)
    important = frozenset(sorted(comes)[::12])
    slot = BusySlot(comes, important)
    run_busy_slot(slot)
    assert important <= slot.proved
    assert len(slot.proved) >= 275


def test_other_looks_and_requests_keep_a_share_of_the_rate_near_a_slot() -> None:
    turns: list[float] = []

    async def read(seen: Watch) -> None:
        for _ in range(10):
            await seen.poller.send_in_turn(Request("https://www.example.gov.uk/other-calendar"))
            turns.append(seen.at() - SLOT)

    def others(seen: Watch) -> None:
        for n in range(100):
            seen.poller.watch(target(f"other{n}"), [window(60)], timedelta(seconds=0.6 * n))

    slot = BusySlot(pages_out_within_5_s(175))

    def act(seen: Watch) -> None:
        slot.begin(seen)
        others(seen)

    def reply(request: Request) -> Reply:
        return Reply(404) if "other" in request.url else slot.reply(request)

    seen = watch(act, rate=5, seconds=SLOT + 240, script=reply, later=[(SLOT - 10, read)])
    assert len(slot.proved) == 175
    near = [name for time, name in seen.starts if abs(time - SLOT) <= 60]
    assert 0.05 <= sum(name.startswith("other") for name in near) / len(near) <= 0.4
    assert turns[-1] <= 40
    times = sorted([time for time, _ in seen.starts] + [turn + SLOT for turn in turns])
    assert all(
        sum(begin <= time < begin + 1 for time in times[place : place + 9]) <= 5 for place, begin in enumerate(times)
    )


@pytest.mark.parametrize("apart", [20.0, 60.0, 90.0])
def test_slots_that_are_close_to_each_other_share_the_budget(apart: float) -> None:
    first, second = (
        BusySlot(pages_out_within_5_s(60)),
        BusySlot({f"q{n}": comes + apart for n, comes in enumerate(pages_out_within_5_s(60).values())}),
    )

    def act(seen: Watch) -> None:
        first.begin(seen)
        second.seen = seen
        for number, name in enumerate(second.comes):
            proof = ProofGoal(NOON + timedelta(seconds=SLOT + apart), WITHIN, (0, 1, number))
            for view in VIEWS:
                spans = [window(5 if view is View.CONTENT else 1, begins=SLOT + apart - 120, ends=SLOT + 600)]
                seen.poller.watch(target(name, view=view), spans, goal=proof)
        seen.heard = lambda one, sighting: [slot.hear(one, sighting) for slot in (first, second)] and None

    def reply(request: Request) -> Reply:
        return (first if "/p" in request.url else second).reply(request)

    watch(act, rate=5, seconds=SLOT + 400, script=reply)
    assert len(first.proved) == 60
    assert {name for name, (after, by) in second.found.items() if after >= apart - 60 and by <= apart + 60} == set(
        second.comes
    )


def test_failing_targets_cost_the_others_only_their_turns() -> None:
    slot = BusySlot(pages_out_within_5_s(100))

    def reply(request: Request) -> Reply:
        return Reply(500) if int(request.url.rpartition("/p")[2]) % 2 else slot.reply(request)

    watch(slot.begin, rate=5, seconds=SLOT + 240, script=reply)
    assert slot.proved == {name for name in slot.comes if not int(name[1:]) % 2}


def test_the_origin_view_proves_pages_whose_edge_serves_a_copy_from_before_the_slot() -> None:
    slot = BusySlot(pages_out_within_5_s(30))

    def reply(request: Request) -> Reply:
        assert slot.seen is not None
        if request.bust or slot.seen.at() < SLOT or slot.seen.at() > SLOT + 50:
            return slot.reply(request)
        return Reply(404, b"", {"Age": str(int(slot.seen.at() - SLOT) + 4), "X-Cache": "HIT"})

    seen = watch(slot.begin, rate=5, seconds=SLOT + 240, script=reply)
    assert seen.sightings
    assert len(slot.proved) == 30
    assert max(by for _, by in slot.found.values()) <= 20


def test_listed_pages_are_looked_at_first() -> None:
    sweeps, begins = Sweeps(), NOON + timedelta(seconds=2)
    for number, name in enumerate("abc"):
        sweeps.add(target(name), ProofGoal(NOON, WITHIN, (0, 1, number)), begins)
    sweeps.update(begins, timedelta(seconds=1), is_overloaded=True)
    links = tuple(Found(target(name).url, name, "listed") for name in ("elsewhere", "c"))
    sweeps.record_result(
        target("list", view=View.TRIPWIRE), None, Sighting("list", State.PRESENT, *[begins] * 4, found=links)
    )
    turns = []
    for _ in "abc":
        need = sweeps.next_part(begins, timedelta(seconds=1), lambda _: True)
        assert need is not None
        sweeps.record_start(need, begins)
        turns.append(need.id)
    assert turns == ["r/c", "r/a", "r/b"]


def test_both_views_are_looked_at_every_three_seconds_if_a_round_of_looks_is_short() -> None:
    slot = BusySlot({"p0": 3.0, "p1": 3.0})

    def act(seen: Watch) -> None:
        slot.begin(seen)
        for n in range(3):
            seen.poller.watch(target(f"other{n}"), [window(15)])

    seen = watch(
        act, rate=3, seconds=SLOT + 60, script=lambda one: Reply(404) if "other" in one.url else slot.reply(one)
    )
    for name in slot.comes:
        for view, most in ((View.EDGE, 3.0), (View.ORIGIN, 3.0)):
            times = [at for at, part, how in slot.looks if (part, how) == (name, view) and -110 <= at <= 3]
            assert max(after - before for before, after in pairwise(times)) <= most
    assert seen.poller.made > 0
