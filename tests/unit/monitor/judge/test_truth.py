"""For any timeline of truth, any schedule of looks, failures and blind spans, the verdict claims
nothing untrue.

The world is random: a page comes once or never, looks fail, caches hand out old copies. Only the
test knows when the page really came. The world is random: a page comes and goes, and looks fail.
Only the test knows when it really came and went. Each random world is judged twice: by all looks,
and without the failed ones. A random world is judged twice: by a random share of the looks, and by
all. The page comes at a random time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.judge.part import ORIGIN_AWAITED
from monitor.judge.policy import Policy
from monitor.look.sighting import State
from schedules.contract.verdict import LATE_VERDICTS, Exposure, VerdictKind
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import PRESENT
from tests.worlds.releases import a_promise, a_release
from tests.worlds.truths import Looker, Truth, World, once, worlds
from tests.worlds.verdicts import judge

pytestmark = pytest.mark.explored
TOLERANCE_MS, CLOCK_ERROR_MS = 60_000, 1_000
NOWS = st.sampled_from([-100.0, -1.0, 0.0, 30.0, 61.0, 89.0, 91.0, 200.0, 2000.0, 15 * 86400.0])
ONCE = st.one_of(st.none(), st.integers(-150_000, 150_000)).map(once)
NEVER = float("inf")


def ms(instant: datetime) -> float:
    return (instant - SLOT).total_seconds() * 1000


def publication_ms(world: World) -> float:
    """Return when the page of a world was first published, in milliseconds after its slot."""
    return min(world.truth.came, default=NEVER)


def contains(interval: Interval, instants: list[float]) -> bool:
    return any(meets(interval, each, each) for each in instants)


def meets(interval: Interval, first: float, last: float) -> bool:
    """Return whether an interval has an instant from the first to the last."""
    after = float("-inf") if interval.after is None else ms(interval.after)
    by = float("inf") if interval.by is None else ms(interval.by)
    return after <= last and first <= by


@settings(max_examples=400)
@given(worlds(), NOWS)
def test_first_seen_and_released_contain_a_true_appearance(world: World, now: float) -> None:
    """The world is random: a page comes and goes, looks fail, caches hand out old copies. The test
    knows when the page really came (`true_appearances`). The verdict, made `now` seconds after the
    slot, does not. It gives two intervals for it. Each must contain a true appearance. A page that
    was public early and stayed counts as released at its slot. So `released` may contain the slot
    instead.
    """
    page = world.verdict(now).page
    first_seen, released = page.first_seen, page.released
    true_appearances, slot = world.truth.appearances, 0
    # An interval without an end (`by`) says that the page was not seen.
    if first_seen.by is not None:
        assert contains(first_seen, true_appearances)
    if released.by is not None:
        assert contains(released, [*true_appearances, slot])


@settings(max_examples=400)
@given(worlds(ONCE), NOWS)
def test_release_judged_late_came_after_its_tolerance_or_never(world: World, now: float) -> None:
    """If the verdict says late, it must have come over 60 s after its slot, or never (infinity)."""
    if world.verdict(now).verdict in LATE_VERDICTS:
        assert publication_ms(world) > TOLERANCE_MS


@settings(max_examples=400)
@given(worlds(ONCE), NOWS)
def test_release_judged_early_came_before_its_slot(world: World, now: float) -> None:
    """If the verdict says early, it must have come over a second before its slot. A clock may be a
    second wrong, so content that came later than that is not called early.
    """
    if world.verdict(now).verdict is VerdictKind.EARLY:
        assert publication_ms(world) < -CLOCK_ERROR_MS


@settings(max_examples=400)
@given(worlds(ONCE), NOWS)
def test_release_judged_on_time_came_within_tolerance_of_slot(world: World, now: float) -> None:
    """If the verdict says on time, it must have come at most 60 s after its slot. It may also have
    come in the 60 s before its slot: if no look was made then, such a page looks like one that came
    at the slot.
    """
    if world.verdict(now).verdict is VerdictKind.ON_TIME:
        assert -TOLERANCE_MS <= publication_ms(world) <= TOLERANCE_MS


@settings(max_examples=300)
@given(worlds(), NOWS)
def test_late_page_was_really_absent_and_exposed_page_really_public_early(
    world: World, now: float
) -> None:
    """Only the test knows when it was really public. 1. If the verdict says late, the page must
    have been absent at some time over 60 s after its slot. 2. If it has an exposure, the page must
    have been public at some time over a second before its slot.
    """
    page = world.verdict(now).page
    if page.verdict in LATE_VERDICTS:
        assert was_ever(world.truth, is_public=False, since_ms=TOLERANCE_MS)
    if page.exposures:
        assert was_ever(world.truth, is_public=True, until_ms=-CLOCK_ERROR_MS)


def was_ever(
    truth: Truth, *, is_public: bool, since_ms: float = -NEVER, until_ms: float = NEVER
) -> bool:
    """Return whether the page was public, or not public, at any instant of this time."""
    instants = [since_ms, *(turn for turn, _ in truth.turns if since_ms <= turn < until_ms)]
    return any((truth.at(instant) is PRESENT) is is_public for instant in instants)


def true_ends_of_exposures(*worlds: World) -> list[tuple[float, float]]:
    """Return when each exposure of a page, looked at in these worlds, may really have ended, at
    first and at last: at a removal before the slot, or when a cache dropped its last copy, or at
    the slot itself.
    """
    slot = 0
    longest_kept = max(looker.ttl for world in worlds for looker in world.lookers)
    removals = [removed for removed in worlds[0].truth.went if removed < slot]
    return [*((removed, min(removed + longest_kept, slot)) for removed in removals), (slot, slot)]


@settings(max_examples=400)
@given(worlds(), NOWS)
def test_exposure_began_and_ended_within_its_intervals(world: World, now: float) -> None:
    """For an exposure, the verdict gives two intervals. The page must really have come in the first
    (`start`). The exposure must really have ended in the second (`to`): by a removal, with the last
    copy, or at the slot. An open exposure has no end yet.
    """
    for exposure in world.verdict(now).exposures:
        assert contains(exposure.start, world.truth.appearances)
        if not exposure.open:
            ends = true_ends_of_exposures(world)
            assert any(meets(exposure.to, first, last) for first, last in ends)


@settings(max_examples=400)
@given(worlds(), NOWS)
def test_exposure_was_as_long_as_its_bounds_say(world: World, now: float) -> None:
    """The verdict gives the least and the greatest length of each exposure (`seconds`). Between
    them must lie a true length: from a time when the page came to a time when it was removed, the
    last copy was dropped, or to its slot. Looks may miss a short removal, so the end may be a later
    removal than the next one.
    """
    for exposure in world.verdict(now).exposures:
        true_starts = [came for came in world.truth.appearances if contains(exposure.start, [came])]
        pairs = product(true_starts, true_ends_of_exposures(world))
        true_lengths_ms = [
            (first - start, last - start) for start, (first, last) in pairs if last > start
        ]
        assert any(
            may_be_within(exposure.seconds, first / 1000, last / 1000)
            for first, last in true_lengths_ms
        )


def may_be_within(bounds: Bounds, shortest: float, longest: float) -> bool:
    least = float("-inf") if bounds.min is None else bounds.min
    most = float("inf") if bounds.max is None else bounds.max
    return least - 0.001 <= longest and shortest <= most + 0.001


def is_same_or_wider(with_failed: Interval, without: Interval, *, is_order_certain: bool) -> bool:
    """Return whether failed looks widened an interval by no more than a cut run can.

    One run of absences proves absence between two close looks, and two runs do not. If answers may
    be older than their looks, the first looks that showed the page may also lose their proof: cut
    off from later ones, they do not prove that they are newer than the absence before them.
    """
    if with_failed.after is None or without.after is None:
        return with_failed == without
    is_by_same = with_failed.by == without.by
    if not is_by_same and not is_order_certain and without.by is not None:
        is_by_same = with_failed.by is None or with_failed.by > without.by
    return is_by_same and timedelta() <= without.after - with_failed.after <= timedelta(seconds=20)


def is_same_or_wider_exposure(with_failed: Exposure, without: Exposure) -> bool:
    """Return whether failed looks changed no more than the bounds of the length of an exposure, and
    only widened it.
    """
    is_same = (with_failed.start, with_failed.open) == (without.start, without.open)
    (low, high), (least, most) = (
        (one.seconds.min, one.seconds.max) for one in (with_failed, without)
    )
    is_within = (low or 0.0) <= (least or 0.0) and (
        high is None or (most is not None and most <= high)
    )
    return is_same and is_within


# By a clock that is wrong, the first looks that showed the page may be older than the absence
# before them.
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
def test_failed_looks_change_neither_verdict_nor_grade(world: World, now: float) -> None:
    """A failed look proves nothing. So both verdicts and their grades must be the same."""
    by_all_looks = world.verdict(now)
    without_failed_looks = world.verdict(now, failed=False)
    assert by_all_looks.verdict is without_failed_looks.verdict
    assert by_all_looks.grade is without_failed_looks.grade


@settings(max_examples=200)
@example(FAILED_BETWEEN_PRESENCES, 30.0)
@given(worlds(), NOWS)
def test_failed_looks_only_widen_first_seen_and_released(world: World, now: float) -> None:
    """A failed look can interrupt a series of absences. Then less absence is proved, so an interval
    may begin up to 20 s earlier. Its end is the same. Only if a wrong clock or a cache blurs which
    look was first, the end may be later (`is_order_certain`).
    """
    with_failed = world.verdict(now).page
    without = world.verdict(now, failed=False).page
    least_clock_error, greatest_clock_error = world.offset
    is_clock_right = least_clock_error <= 0 <= greatest_clock_error
    has_no_cache = all(looker.ttl == 0 for looker in world.lookers)  # copies are kept for 0 s
    is_order_certain = is_clock_right and has_no_cache
    assert is_same_or_wider(
        with_failed.first_seen, without.first_seen, is_order_certain=is_order_certain
    )
    assert is_same_or_wider(
        with_failed.released, without.released, is_order_certain=is_order_certain
    )


@settings(max_examples=200)
@example(FAILED_BETWEEN_PRESENCES, 30.0)
@given(worlds(), NOWS)
def test_failed_looks_change_no_delay_and_only_widen_exposures(world: World, now: float) -> None:
    """The verdicts are compared only if they agree when the page came. Then the delay must be the
    same. Each exposure must be the same too, except that failed looks may widen the bounds of its
    length.
    """
    with_failed = world.verdict(now).page
    without = world.verdict(now, failed=False).page
    if (with_failed.first_seen, with_failed.released) == (without.first_seen, without.released):
        assert with_failed.delay == without.delay
        for exposure, exposure_without in zip(
            with_failed.exposures, without.exposures, strict=True
        ):
            assert is_same_or_wider_exposure(exposure, exposure_without)


@settings(max_examples=100)
@given(worlds(), NOWS)
def test_judging_twice_gives_the_same(world: World, now: float) -> None:
    assert world.verdict(now) == world.verdict(now)


@settings(max_examples=200)
@given(worlds(ONCE), NOWS, NOWS)
def test_release_on_time_or_late_stays_so(world: World, now: float, later: float) -> None:
    """In this random world, the page comes at most once, and stays. Suppose the verdict at `now` is
    on time or late. Later looks must not change it.
    """
    verdict_now, verdict_later = world.verdict(now).verdict, world.verdict(later).verdict
    if now < later and verdict_now in {VerdictKind.ON_TIME, VerdictKind.LATE}:
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
    return judge(
        a_release(), [a_promise()], world.runs(at), world.blind_until(at), Policy(), later
    ).verdict


# Each absence of an edge once began a new wait for its origin.
LATE_AND_APART = World(
    once(None),
    (Looker("edge"), Looker("origin")),
    ((80_000, 100_000, 120_000, 140_000, 160_000, 190_001), (500,)),
)
# Some of these looks do not see that it came 8.5 s early, only that it was there a second before
# its slot.
EARLY_BETWEEN_LOOKS = World(
    once(-8531),
    (Looker("edge", specific=False, slowest=40), Looker("origin", specific=False, slowest=40)),
    ((-18_543, -16_043, -13_543, -11_040, -8_535, -1_035), (500,)),
)
# None of some looks is at the origin, which is waited for if it ever answered.
ANSWERED_ONCE = World(once(None), (Looker("edge"), Looker("origin")), ((79_001,), (509,)))
# The edge shows the page absent at 79.8 s and public at 84.9 s. The origin has shown it absent at
# 0.5 s, and then never answered. So by all looks it may have come on time, hidden by the cache.
CAME_AFTER_LAST_ORIGIN_LOOK = World(
    once(84_849), (Looker("edge"), Looker("origin")), ((79_830, 84_860), (503,))
)
SHARES, SEEDS = st.sampled_from([0.1, 0.5, 0.9]), st.integers(0, 10**6)


@settings(max_examples=200)
@given(worlds(ONCE), NOWS, SHARES, SEEDS)
def test_release_early_by_some_looks_is_early_by_all(
    world: World, now: float, share: float, seed: int
) -> None:
    """If the share proves the page early, all looks prove it too. More evidence never disproves it."""
    by_some_looks = with_some_looks(world, share, seed).verdict(now)
    by_all_looks = world.verdict(now)
    if by_some_looks.verdict is VerdictKind.EARLY:
        assert by_all_looks.verdict is VerdictKind.EARLY


@settings(max_examples=200)
@example(EARLY_BETWEEN_LOOKS, -1.0, 0.5, 0)
@given(worlds(ONCE), NOWS, SHARES, SEEDS)
def test_on_time_by_some_looks_may_be_early_within_bound(
    world: World, now: float, share: float, seed: int
) -> None:
    """A random world is judged twice. By a random share of the looks, the release is on time, but
    may have come up to `early_bound` seconds early. By all looks, it must be on time too, or early.
    If early, it was first seen at most `early_bound` seconds before its slot.
    """
    by_some_looks = with_some_looks(world, share, seed).verdict(now)
    by_all_looks = world.verdict(now)
    if by_some_looks.verdict is VerdictKind.ON_TIME:
        assert by_all_looks.verdict in {VerdictKind.ON_TIME, VerdictKind.EARLY}
    if by_some_looks.verdict is VerdictKind.ON_TIME and by_all_looks.verdict is VerdictKind.EARLY:
        most_seconds_early = by_some_looks.page.early_bound
        assert most_seconds_early is not None
        first_seen = min(
            exposure.start.by
            for exposure in by_all_looks.exposures
            if exposure.start.by is not None
        )
        assert first_seen >= after_slot(-most_seconds_early)


@settings(max_examples=200)
@example(LATE_AND_APART, 200.0, 0.5, 0)
@example(ANSWERED_ONCE, 89.0, 0.5, 1)
@example(CAME_AFTER_LAST_ORIGIN_LOOK, 89.0, 0.5, 0)
@given(worlds(ONCE), NOWS, SHARES, SEEDS)
def test_release_late_by_some_looks_is_late_by_all(
    world: World, now: float, share: float, seed: int
) -> None:
    """If the share proves the release late, all looks must prove it too. There is one exception, in
    which all looks may leave it unproven. They may include answers of the origin, the server behind
    the cache at the edge. If its last answer was before the tolerance ended, the page may have come
    there in time, hidden by the cache.
    """
    by_some_looks = with_some_looks(world, share, seed).verdict(now).verdict
    by_all_looks = world.verdict(now).verdict
    # By all looks, the verdict may still wait for the origin to answer again. Then take the verdict
    # after this wait.
    if by_all_looks is VerdictKind.PENDING:
        by_all_looks = verdict_without_waiting(world, now)
    if by_some_looks in LATE_VERDICTS:
        is_exception = by_all_looks is VerdictKind.UNPROVEN and has_silent_origin(world, now)
        assert by_all_looks in LATE_VERDICTS or is_exception


def has_silent_origin(world: World, now: float) -> bool:
    """Return whether the origin has answered until an instant, but never after the tolerance."""
    answers = [
        run.end
        for run in world.runs(after_slot(now)).get("r/page/origin", ())
        if run.state is not State.UNKNOWN
    ]
    return bool(answers) and max(answers) <= after_slot(TOLERANCE_MS / 1000)


def overlap(one: Interval, other: Interval) -> bool:
    """Return whether two intervals that have an end contain a common instant."""
    return (one.after is None or one.after <= other.by) and (
        other.after is None or other.after <= one.by
    )


@settings(max_examples=200)
@given(worlds(ONCE), NOWS, SHARES, SEEDS)
def test_release_times_by_some_and_all_looks_overlap(
    world: World, now: float, share: float, seed: int
) -> None:
    """A random world is judged by a random share of the looks, and by all. Each verdict gives an
    interval of publication (`released`). If both say on time, or both late, both contain the true
    time. So they overlap.
    """
    by_some_looks = with_some_looks(world, share, seed).verdict(now)
    by_all_looks = world.verdict(now)
    released_by_some, released_by_all = by_some_looks.page.released, by_all_looks.page.released
    was_seen_by_both = released_by_some.by is not None and released_by_all.by is not None
    is_on_time_or_late = by_all_looks.verdict in {VerdictKind.ON_TIME, VerdictKind.LATE}
    if was_seen_by_both and is_on_time_or_late and by_some_looks.verdict is by_all_looks.verdict:
        assert overlap(released_by_some, released_by_all)


@st.composite
def watched_behind_stale_edge(draw: st.DrawFn) -> World:
    """Draw a page whose edge serves old copies without an `Age`.

    Edge and origin are looked at every second.
    """
    published_ms, seed = draw(st.integers(-80_000, 100_000)), draw(st.integers(0, 10**6))
    copies_last_ms = draw(st.sampled_from([5_000, 30_000, 120_000]))
    edge, origin = Looker("edge", copies_last_ms, tells_age=False, busy=True), Looker("origin")
    every_second = tuple(range(-90_000, 180_000, 1000))
    return World(once(published_ms), (edge, origin), (every_second, every_second), seed=seed)


@settings(max_examples=60)
@given(watched_behind_stale_edge(), NOWS)
def test_edge_that_hides_age_of_copies_causes_no_false_verdict(world: World, now: float) -> None:
    """The edge, a cache, serves old copies without saying how old they are. The origin behind it is
    looked at every second too. So verdicts must still be true: a page called late came over 60 s
    after its slot, and one called early over a second before it.
    """
    verdict = world.verdict(now).verdict
    if verdict in LATE_VERDICTS:
        assert publication_ms(world) > TOLERANCE_MS
    if verdict is VerdictKind.EARLY:
        assert publication_ms(world) < -CLOCK_ERROR_MS


@settings(max_examples=60)
@given(watched_behind_stale_edge(), NOWS)
def test_edge_that_hides_age_of_copies_leaves_first_seen_narrow(world: World, now: float) -> None:
    """The edge, a cache, serves old copies without saying how old they are. The origin behind it is
    looked at every second, and such a look takes under a second. So `first_seen` must contain the
    true time, and be at most 2 s wide. Without an end (`by`), the page was not seen yet.
    """
    first_seen = world.verdict(now).page.first_seen
    if first_seen.by is not None:
        assert contains(first_seen, [publication_ms(world)])
        between_looks, longest_look = timedelta(seconds=1), timedelta(seconds=1)
        assert first_seen.by - first_seen.after <= between_looks + longest_look


@st.composite
def edges_with_wrong_age(draw: st.DrawFn) -> Looker:
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
    """When both views are looked at: every so often but for one gap, which is blind or was
    requested by the host.
    """

    every: int
    gap: tuple[int, int] = (0, 0)
    is_blind: bool = False

    @property
    def times(self) -> tuple[int, ...]:
        return tuple(
            at for at in range(-90_000, 180_000, self.every) if not self.gap[0] <= at < self.gap[1]
        )

    @property
    def longest_gap_ms(self) -> int:
        return self.every + self.gap[1] - self.gap[0]


GAPS = st.tuples(st.integers(-90_000, 110_000), st.integers(0, 70_000)).map(
    lambda gap: (gap[0], gap[0] + gap[1])
)
SCHEDULES = st.builds(Schedule, st.sampled_from([1000, 1000, 3000]), GAPS, st.booleans())
CLOCKS = st.sampled_from([(0, 0), (0, 0), (3000, 5000), (-9000, -7500)])


@dataclass(frozen=True)
class WrongAge:
    """A world whose edge sends a wrong `Age`, and how much too early its looks may date the
    page.
    """

    world: World
    most_too_early_ms: float


def wrong_age(
    published_ms: int,
    edge: Looker,
    schedule: Schedule,
    clock_error: tuple[int, int] = (0, 0),
    seed: int = 0,
) -> WrongAge:
    # A wrong clock of the monitor can hide that an age is too high. So in one world, only one of
    # these is wrong.
    offset = (0, 0) if edge.age_off > 0 else clock_error
    blind = (schedule.gap,) if schedule.is_blind else ()
    lookers, times = (
        (edge, Looker("origin", specific=edge.specific)),
        (schedule.times, schedule.times),
    )
    world = World(once(published_ms), lookers, times, blind=blind, seed=seed, offset=offset)
    # An age that is too high dates the page too early, but not before the last look at the origin
    # that lacked it.
    return WrongAge(
        world, most_too_early_ms=max(0, min(schedule.longest_gap_ms, 1000 * edge.age_off))
    )


TOO_LOW = wrong_age(
    0,
    Looker("edge", 120_000, specific=False, busy=True, nodes=3, age_off=-20),
    Schedule(1000, gap=(0, 42_001)),
)
TOO_HIGH = wrong_age(
    60_001, Looker("edge", 5_000, age_off=2), Schedule(1000, gap=(1, 59_001), is_blind=True)
)
WRONG_AGES = st.builds(
    wrong_age, st.integers(-80_000, 100_000), edges_with_wrong_age(), SCHEDULES, CLOCKS, SEEDS
)


@settings(max_examples=60)
@example(TOO_LOW, 200.0)
@example(TOO_HIGH, 200.0)
@given(WRONG_AGES, NOWS)
def test_wrong_age_at_edge_makes_no_release_falsely_late(case: WrongAge, now: float) -> None:
    """The edge, a cache, says in `Age` how old its copy is, and is wrong by up to 300 s. The origin
    behind it is looked at too. So a page called late must still have come over 60 s after its slot.
    """
    if case.world.verdict(now).verdict in LATE_VERDICTS:
        assert publication_ms(case.world) > TOLERANCE_MS


@settings(max_examples=60)
@example(TOO_LOW, 200.0)
@example(TOO_HIGH, 200.0)
@given(WRONG_AGES, NOWS)
def test_wrong_age_misjudges_release_by_its_error_at_most(case: WrongAge, now: float) -> None:
    """The edge, a cache, says in `Age` how old its copy is. If that is too high, the page seems to
    have come too early, by `most_too_early_ms` at most. Without this error, a page called early
    came over a second before its slot, and one called on time within 60 s of it. With it, both may
    really have come later by the error.
    """
    verdict, published_ms = case.world.verdict(now).verdict, publication_ms(case.world)
    # Numbers are milliseconds after the slot. A clock may be a second wrong, and a page 60 s late
    # is on time.
    if verdict is VerdictKind.EARLY:
        assert published_ms < -CLOCK_ERROR_MS + case.most_too_early_ms
    if verdict is VerdictKind.ON_TIME:
        assert -TOLERANCE_MS <= published_ms <= TOLERANCE_MS + case.most_too_early_ms


@settings(max_examples=60)
@example(TOO_LOW, 200.0)
@example(TOO_HIGH, 200.0)
@given(WRONG_AGES, NOWS)
def test_page_came_in_first_seen_or_later_by_error_of_age(case: WrongAge, now: float) -> None:
    """The edge, a cache, says in `Age` how old its copy is. If that is too high, the page seems to
    have come too early. So it never came before `first_seen`. But it may have come after it, by
    this error (`most_too_early_ms`) at most. Without an end (`by`), the page was not seen yet.
    """
    first_seen, published_ms = case.world.verdict(now).page.first_seen, publication_ms(case.world)
    if first_seen.by is not None:
        assert first_seen.after is None or ms(first_seen.after) <= published_ms
        assert published_ms <= ms(first_seen.by) + case.most_too_early_ms
