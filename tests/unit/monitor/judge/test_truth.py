"""For any timeline of truth, any schedule of looks, failures and blind spans, the verdict claims nothing untrue."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.judge.judge import judge
from monitor.judge.part import ORIGIN_AWAITED
from monitor.judge.policy import Policy
from schedules.contract.verdict import LATE_VERDICTS, Exposure, VerdictKind
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import PRESENT
from tests.worlds.releases import a_promise, a_release
from tests.worlds.truths import Looker, Truth, World, once, worlds

pytestmark = pytest.mark.explored
TOLERANCE_MS, CLOCK_ERROR_MS = 60_000, 1_000
NOWS = st.sampled_from([-100.0, -1.0, 0.0, 30.0, 61.0, 89.0, 91.0, 200.0, 2000.0, 15 * 86400.0])
ONCE = st.one_of(st.none(), st.integers(-150_000, 150_000)).map(once)


def ms(instant: datetime) -> float:
    return (instant - SLOT).total_seconds() * 1000


def contains(interval: Interval, instants: list[float]) -> bool:
    after = float("-inf") if interval.after is None else ms(interval.after)
    by = float("inf") if interval.by is None else ms(interval.by)
    return any(after <= each <= by for each in instants)


@settings(max_examples=400)
@given(worlds(), NOWS)
def test_the_intervals_first_seen_and_released_contain_an_instant_at_which_the_page_really_appeared(
    world: World, now: float
) -> None:
    page, appearances, slot = world.verdict(now).page, world.truth.appearances, 0
    # An interval without an end says that the page was not seen.
    assert page.first_seen.by is None or contains(page.first_seen, appearances)
    # Content that is public before its slot and stays public is released at its slot.
    assert page.released.by is None or contains(page.released, [*appearances, slot])


@settings(max_examples=400)
@given(worlds(ONCE), NOWS)
def test_a_release_judged_late_was_published_late_or_never_and_one_judged_early_was_published_early(
    world: World, now: float
) -> None:
    published_ms = next(iter(world.truth.came), None)
    claimed = world.verdict(now).verdict
    if claimed in LATE_VERDICTS:
        assert published_ms is None or published_ms > TOLERANCE_MS
    if claimed is VerdictKind.EARLY:
        assert published_ms is not None
        assert published_ms < -CLOCK_ERROR_MS


@settings(max_examples=400)
@given(worlds(ONCE), NOWS)
def test_a_release_judged_on_time_was_published_at_most_the_tolerance_before_or_after_its_slot(
    world: World, now: float
) -> None:
    published_ms = next(iter(world.truth.came), None)
    if world.verdict(now).verdict is VerdictKind.ON_TIME:
        assert published_ms is not None
        # Without a look just before the slot, a page that came then looks like one that came at the slot.
        assert -TOLERANCE_MS <= published_ms <= TOLERANCE_MS


@settings(max_examples=300)
@given(worlds(), NOWS)
def test_lateness_and_exposures_are_claimed_only_if_they_are_true(world: World, now: float) -> None:
    page = world.verdict(now).page
    if page.verdict in LATE_VERDICTS:
        assert _was_ever(world.truth, is_public=False, since_ms=TOLERANCE_MS)
    if page.exposures:
        assert _was_ever(world.truth, is_public=True, until_ms=-CLOCK_ERROR_MS)


def _was_ever(
    truth: Truth, *, is_public: bool, since_ms: float = float("-inf"), until_ms: float = float("inf")
) -> bool:
    """Return whether the page was public, or not public, at any instant of this time."""
    instants = [since_ms, *(turn for turn, _ in truth.turns if since_ms <= turn < until_ms)]
    return any((truth.at(instant) is PRESENT) is is_public for instant in instants)


@settings(max_examples=400)
@given(worlds(), NOWS)
def test_the_start_end_and_length_of_an_exposure_contain_those_of_a_true_one(world: World, now: float) -> None:
    slot = 0
    # An exposure ends when the page is removed, or at its slot.
    true_starts, true_ends = world.truth.appearances, [*(turn for turn in world.truth.went if turn < slot), slot]
    for exposure in world.verdict(now).exposures:
        assert contains(exposure.start, true_starts)
        if not exposure.open:
            assert contains(exposure.to, true_ends)
        possible_starts = [start for start in true_starts if contains(exposure.start, [start])]
        lengths_ms = [end - start for start in possible_starts for end in true_ends if end > start]
        assert any(_is_within(exposure.seconds, length / 1000) for length in lengths_ms)


def _is_within(bounds: Bounds, seconds: float) -> bool:
    least = float("-inf") if bounds.min is None else bounds.min
    most = float("inf") if bounds.max is None else bounds.max
    return least - 0.001 <= seconds <= most + 0.001


def _is_same_or_less_sharp(with_failed: Interval, without: Interval, *, is_order_certain: bool) -> bool:
    """Return whether a failed look took away no more than what only a longer run proves.

    That is the absence between two close looks. If answers may be older than their looks, it may also be the first
    looks that showed the page: alone they do not prove that they are newer than the absence before them.
    """
    if with_failed.after is None or without.after is None:
        return with_failed == without
    is_by_same = with_failed.by == without.by
    if not is_by_same and not is_order_certain and without.by is not None:
        is_by_same = with_failed.by is None or with_failed.by > without.by
    return is_by_same and timedelta() <= without.after - with_failed.after <= timedelta(seconds=20)


def _is_same_exposure_or_less_sharp(with_failed: Exposure, without: Exposure) -> bool:
    """Return whether a failed look did no more than cut a run in two, so that an exposure is known less sharply."""
    is_same = (with_failed.start, with_failed.open) == (without.start, without.open)
    (low, high), (least, most) = ((one.seconds.min, one.seconds.max) for one in (with_failed, without))
    is_within = (low or 0.0) <= (least or 0.0) and (high is None or (most is not None and most <= high))
    return is_same and is_within


# By a clock that is wrong, the first looks that showed the page may be older than the absence before them.
FAILED_BETWEEN_PRESENCES = World(
    once(508),
    (Looker("edge", specific=False), Looker("origin", fails=0.1, specific=False, slowest=40)),
    ((500,), (500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5514)),
    seed=8,
    offset=(3000, 5000),
)


@settings(max_examples=200)
@example(FAILED_BETWEEN_PRESENCES, 30.0)
@given(worlds(), NOWS)
def test_failed_looks_change_neither_verdict_nor_grade_and_at_most_widen_intervals(world: World, now: float) -> None:
    with_failed_looks, without_them = world.verdict(now), world.verdict(now, failed=False)
    assert with_failed_looks.verdict is without_them.verdict
    assert with_failed_looks.grade is without_them.grade
    page, page_without = with_failed_looks.page, without_them.page
    # If an answer may be older than its look, by a wrong clock or a cache, the order of two looks is not certain.
    is_order_certain = world.offset[0] <= 0 <= world.offset[1] and all(looker.ttl == 0 for looker in world.lookers)
    for name in ("first_seen", "released"):
        interval, interval_without = getattr(page, name), getattr(page_without, name)
        assert _is_same_or_less_sharp(interval, interval_without, is_order_certain=is_order_certain)
    # Delay and exposures follow from these intervals. So they can be compared only if the intervals are the same.
    if (page.first_seen, page.released) == (page_without.first_seen, page_without.released):
        assert page.delay == page_without.delay
        for exposure, exposure_without in zip(page.exposures, page_without.exposures, strict=True):
            assert _is_same_exposure_or_less_sharp(exposure, exposure_without)


@settings(max_examples=100)
@given(worlds(), NOWS)
def test_judging_twice_gives_the_same(world: World, now: float) -> None:
    assert world.verdict(now) == world.verdict(now)


@settings(max_examples=200)
@given(worlds(ONCE), NOWS, NOWS)
def test_a_verdict_on_time_or_late_is_the_same_at_any_later_instant(world: World, now: float, later: float) -> None:
    if now < later:
        verdict_now, verdict_later = world.verdict(now).verdict, world.verdict(later).verdict
        if verdict_now in {VerdictKind.ON_TIME, VerdictKind.LATE}:
            assert verdict_later is verdict_now


def with_some_looks(world: World, share: float, seed: int) -> World:
    """Return the same world with about this share of its looks, drawn by `seed`."""
    rng, left = random.Random(seed), replace(world, sightings={})  # noqa: S311  # a repeatable choice, no secret
    for target, looks in left.sightings.items():
        left.sightings[target] = [look for look in looks if rng.random() < share]
    return left


def verdict_without_waiting(world: World, now: float) -> VerdictKind:
    """Return what the looks until an instant prove once the wait for an origin is over."""
    at = after_slot(now)
    later = at + ORIGIN_AWAITED
    return judge(a_release(), [a_promise()], world.runs(at), world.blind_until(at), Policy(), later).verdict


# Each absence of an edge once began a new wait for its origin.
LATE_AND_APART = World(
    once(None), (Looker("edge"), Looker("origin")), ((80_000, 100_000, 120_000, 140_000, 160_000, 190_001), (500,))
)
# Some of these looks do not see that it came 8.5 s early, only that it was there a second before its slot.
EARLY_BETWEEN_LOOKS = World(
    once(-8531),
    (Looker("edge", specific=False, slowest=40), Looker("origin", specific=False, slowest=40)),
    ((-18_543, -16_043, -13_543, -11_040, -8_535, -1_035), (500,)),
)
# None of some looks is at the origin, which is waited for if it ever answered.
ANSWERED_ONCE = World(once(None), (Looker("edge"), Looker("origin")), ((79_001,), (509,)))
SHARES, SEEDS = st.sampled_from([0.1, 0.5, 0.9]), st.integers(0, 10**6)


@settings(max_examples=200)
@example(EARLY_BETWEEN_LOOKS, -1.0, 0.5, 0)
@given(worlds(ONCE), NOWS, SHARES, SEEDS)
def test_a_release_on_time_or_early_by_some_looks_is_so_by_all_looks_or_was_early_within_its_early_bound(
    world: World, now: float, share: float, seed: int
) -> None:
    by_some, by_all = with_some_looks(world, share, seed).verdict(now), world.verdict(now)
    if by_some.verdict is VerdictKind.ON_TIME and by_all.verdict is VerdictKind.EARLY:
        # "On time" leaves open whether it came up to `early_bound` seconds before the slot.
        assert by_some.page.early_bound is not None
        starts = [exposure.start.by for exposure in by_all.exposures if exposure.start.by is not None]
        assert min(starts) >= after_slot(-by_some.page.early_bound)
    elif by_some.verdict in {VerdictKind.ON_TIME, VerdictKind.EARLY}:
        assert by_all.verdict is by_some.verdict


@settings(max_examples=200)
@example(LATE_AND_APART, 200.0, 0.5, 0)
@example(ANSWERED_ONCE, 89.0, 0.5, 1)
@given(worlds(ONCE), NOWS, SHARES, SEEDS)
def test_a_release_late_by_some_looks_is_late_by_all_looks_or_will_be_when_the_wait_for_its_origin_is_over(
    world: World, now: float, share: float, seed: int
) -> None:
    by_some, by_all = with_some_looks(world, share, seed).verdict(now), world.verdict(now)
    if by_some.verdict in LATE_VERDICTS and by_all.verdict is VerdictKind.PENDING:
        assert verdict_without_waiting(world, now) in LATE_VERDICTS
    elif by_some.verdict in LATE_VERDICTS:
        assert by_all.verdict in LATE_VERDICTS


@settings(max_examples=200)
@given(worlds(ONCE), NOWS, SHARES, SEEDS)
def test_release_intervals_by_some_looks_and_by_all_looks_overlap_if_both_give_the_same_verdict(
    world: World, now: float, share: float, seed: int
) -> None:
    by_some, by_all = with_some_looks(world, share, seed).verdict(now), world.verdict(now)
    is_same = by_some.verdict is by_all.verdict and by_some.verdict in {VerdictKind.ON_TIME, VerdictKind.LATE}
    released_by_some, released_by_all = by_some.page.released, by_all.page.released
    if is_same and released_by_some.by is not None and released_by_all.by is not None:
        # Both intervals contain the time at which it was released.
        assert released_by_some.after is None or released_by_some.after <= released_by_all.by
        assert released_by_all.after is None or released_by_all.after <= released_by_some.by


def _looked_at_every_second_behind_stale_edge(published_ms: int, copies_last_ms: int, seed: int) -> World:
    """Return a page looked at every second, whose edge serves old copies without an `Age`."""
    edge = Looker("edge", copies_last_ms, tells_age=False, busy=True)
    times = tuple(range(-90_000, 180_000, 1000))
    return World(once(published_ms), (edge, Looker("origin")), (times, times), seed=seed)


@settings(max_examples=60)
@given(st.integers(-80_000, 100_000), st.sampled_from([5_000, 30_000, 120_000]), st.integers(0, 10**6), NOWS)
def test_an_edge_that_hides_the_age_of_its_copies_causes_no_wrong_or_wide_result_if_the_origin_is_watched(
    published_ms: int, copies_last_ms: int, seed: int, now: float
) -> None:
    verdict = _looked_at_every_second_behind_stale_edge(published_ms, copies_last_ms, seed).verdict(now)
    if verdict.verdict in LATE_VERDICTS:
        assert published_ms > TOLERANCE_MS
    if verdict.verdict is VerdictKind.EARLY:
        assert published_ms < -CLOCK_ERROR_MS
    first_seen = verdict.page.first_seen
    if first_seen.by is not None:
        assert contains(first_seen, [published_ms])
        # The origin is looked at every second, and a look takes less than a second.
        assert (first_seen.by - first_seen.after).total_seconds() <= 1 + 1


@st.composite
def liars(draw: st.DrawFn) -> Looker:
    """Draw an edge of several nodes which send a wrong `Age`, or none."""
    return Looker(
        "edge",
        draw(st.sampled_from([5_000, 30_000, 120_000])),
        tells_age=draw(st.booleans()),
        fails=draw(st.sampled_from([0.0, 0.1, 0.4])),
        specific=draw(st.booleans()),
        busy=draw(st.booleans()),
        nodes=draw(st.integers(1, 4)),
        age_off=draw(st.sampled_from([0, -3, -20, -300, 2, 15, 200])),
    )


@dataclass(frozen=True)
class Schedule:
    """When both views are looked at: every so often but for one gap, which is blind or was requested by the host."""

    every: int
    gap: tuple[int, int] = (0, 0)
    is_blind: bool = False

    @property
    def times(self) -> tuple[int, ...]:
        return tuple(at for at in range(-90_000, 180_000, self.every) if not self.gap[0] <= at < self.gap[1])

    @property
    def longest_gap_ms(self) -> int:
        return self.every + self.gap[1] - self.gap[0]


GAPS = st.tuples(st.integers(-90_000, 110_000), st.integers(0, 70_000)).map(lambda gap: (gap[0], gap[0] + gap[1]))
SCHEDULES = st.builds(Schedule, st.sampled_from([1000, 1000, 3000]), GAPS, st.booleans())
CLOCKS = st.sampled_from([(0, 0), (0, 0), (3000, 5000), (-9000, -7500)])
LOW = Looker("edge", 120_000, specific=False, busy=True, nodes=3, age_off=-20)
HIGH = Looker("edge", 5_000, nodes=1, age_off=2)


@settings(max_examples=60)
@example(0, LOW, Schedule(1000, (0, 42_001)), (0, 0), 0, 200.0)
@example(60_001, HIGH, Schedule(1000, (1, 59_001), is_blind=True), (0, 0), 0, 200.0)
@given(st.integers(-80_000, 100_000), liars(), SCHEDULES, CLOCKS, SEEDS, NOWS)
def test_a_wrong_age_at_the_edge_misdates_a_release_by_at_most_the_gap_between_looks_at_the_origin(
    published_ms: int, edge: Looker, schedule: Schedule, clock_error: tuple[int, int], seed: int, now: float
) -> None:
    # A wrong clock of the monitor can hide that an age is too high. So in one world, only one of these is wrong.
    offset = (0, 0) if edge.age_off > 0 else clock_error
    blind = (schedule.gap,) if schedule.is_blind else ()
    origin = Looker("origin", specific=edge.specific)
    times = (schedule.times, schedule.times)
    world = World(once(published_ms), lookers=(edge, origin), times=times, blind=blind, seed=seed, offset=offset)
    # An age that is too high dates the page too early, but not before the last look at the origin, which would
    # contradict it. So the page may have come this much later than its verdict and `first_seen.by` say.
    too_early_ms = max(0, min(schedule.longest_gap_ms, 1000 * edge.age_off))
    verdict = world.verdict(now)
    if verdict.verdict in LATE_VERDICTS:
        assert published_ms > TOLERANCE_MS
    if verdict.verdict is VerdictKind.EARLY:
        assert published_ms < -CLOCK_ERROR_MS + too_early_ms
    if verdict.verdict is VerdictKind.ON_TIME:
        assert -TOLERANCE_MS <= published_ms <= TOLERANCE_MS + too_early_ms
    first_seen = verdict.page.first_seen
    if first_seen.by is not None:
        assert first_seen.after is None or ms(first_seen.after) <= published_ms
        assert published_ms <= ms(first_seen.by) + too_early_ms
