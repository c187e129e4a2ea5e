"""How wide the intervals are in which pages appear, when a host's budget does not carry all looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import sqrt
from operator import mul
from random import Random
from statistics import mean

import pytest

from tests.unit.monitor.look.story import (
    AppearingPages,
    PollerRun,
    gaps_between,
    run_poller,
    target,
    watch_pages,
    window,
)


def watch_appearing(run: PollerRun, appearing: AppearingPages, names: Iterable[str]) -> None:
    """Have the poller look at these of the pages from now on, every second if its budget allows."""
    appearing.run, run.on_sighting = run, appearing.note_sighting
    watch_pages(*names, every=1)(run)


def pages_that_appear(pages: int, rounds: float, rate: float) -> AppearingPages:
    """Return pages that are absent in two rounds of looks, and appear at random instants of the next `rounds`."""
    chance, seconds_a_round = Random(pages), pages / rate  # noqa: S311  # a throw of dice, always the same
    return AppearingPages({f"p{n}": (2 + rounds * chance.random()) * seconds_a_round for n in range(pages)})


@pytest.mark.parametrize(("pages", "rate"), [(60, 1.0), (60, 5.0), (25, 2.0), (1000, 20.0)])
def test_intervals_of_a_busy_slot_are_one_round_of_looks_on_average_and_one_and_a_half_at_most(
    pages: int, rate: float
) -> None:
    # A round is one look at each page. The interval of a page is from its last look without it to the first with it.
    appearing, seconds_a_round = pages_that_appear(pages, rounds=3, rate=rate), pages / rate

    def act(run: PollerRun) -> None:
        watch_appearing(run, appearing, appearing.pages)

    # All pages appear in the third to fifth round, so all are seen in seven.
    run_poller(act, rate=rate, seconds=7 * seconds_a_round, script=appearing.reply)
    assert len(appearing.interval_seconds) == pages
    tolerance = 0.1 * seconds_a_round
    assert mean(appearing.interval_seconds) <= seconds_a_round + tolerance
    assert max(appearing.interval_seconds) <= 1.5 * seconds_a_round


@pytest.mark.parametrize(("pages", "rate"), [(60, 1.0), (1000, 20.0)])
def test_pages_that_are_added_during_the_run_widen_no_interval_beyond_one_and_a_half_rounds(
    pages: int, rate: float
) -> None:
    # The pages are absent for two rounds of looks, and appear at random in the next three.
    appearing, seconds_a_round = pages_that_appear(pages, rounds=3, rate=rate), pages / rate
    names = list(appearing.out_at)
    first_half, second_half = names[: pages // 2], names[pages // 2 :]
    # The second half is added in three parts, each of every third page, before any of these pages is out.
    added_last = second_half[2::3]
    additions = [
        (0.5 * seconds_a_round, second_half[0::3]),
        (1.0 * seconds_a_round, second_half[1::3]),
        (1.25 * seconds_a_round, added_last),
    ]
    # Pages that are added last are published later too, so that each is looked at before.
    for name in added_last:
        appearing.out_at[name] += 1.5 * seconds_a_round
    # The last page is published after at most 2 + 3 + 1.5 rounds, so all are seen in nine.
    run_poller(
        lambda run: watch_appearing(run, appearing, first_half),
        rate=rate,
        seconds=9 * seconds_a_round,
        script=appearing.reply,
        later=[(at, lambda run, added=added: watch_appearing(run, appearing, added)) for at, added in additions],
    )
    assert len(appearing.interval_seconds) == pages
    tolerance = 0.1 * seconds_a_round
    assert mean(appearing.interval_seconds) <= seconds_a_round + tolerance
    assert max(appearing.interval_seconds) <= 1.5 * seconds_a_round


def gaps_between_looks(chances: Sequence[float], rate: float, rounds: float) -> list[list[float]]:
    """Return the seconds between looks at each target of these chances, after a first round, in `rounds` rounds."""

    def act(run: PollerRun) -> None:
        for n, chance in enumerate(chances):
            run.poller.watch(target(f"p{n}"), [window(every=1, chance=chance)])

    seconds_a_round = len(chances) / rate
    times: dict[str, list[float]] = defaultdict(list)
    for time, name in run_poller(act, rate=rate, seconds=rounds * seconds_a_round).starts:
        if time > seconds_a_round:
            times[name].append(time)
    return [gaps_between(times[f"p{n}"]) for n in range(len(chances))]


def mean_interval(gaps: Sequence[float]) -> float:
    """Return the mean length of the gap between two looks into which a change at a random instant falls."""
    return sum(gap * gap for gap in gaps) / sum(gaps)


@pytest.mark.parametrize(
    "chances",
    [[0.09] * 10 + [0.1 / 90] * 90, [1 / n for n in range(1, 101)], [4.0] * 10 + [1.0] * 30 + [0.25] * 60],
    ids=["ten carry nine tenths", "Zipf", "as they are planned"],
)
def test_mean_interval_at_unequal_chances_is_within_a_tenth_of_the_square_root_optimum(chances: list[float]) -> None:
    # A chance is how likely a page is to change. The mean interval is that of a change at a random instant.
    def mean_weighted_by_chance(seconds: list[float]) -> float:
        return sum(map(mul, chances, seconds)) / sum(chances)

    gaps = gaps_between_looks(chances, rate=1.0, rounds=8)
    measured = mean_weighted_by_chance([mean_interval(gaps_of_target) for gaps_of_target in gaps])
    # The mean is shortest if each target gets looks in proportion to the square root of its chance. So of one look a
    # second for all, a target gets root / sum(roots), and its looks are sum(roots) / root seconds apart.
    roots = [sqrt(chance) for chance in chances]
    optimum = mean_weighted_by_chance([sum(roots) / root for root in roots])
    assert measured <= 1.1 * optimum


def test_unlikely_targets_get_a_look_in_every_ten_rounds_and_likely_ones_in_every_round() -> None:
    rate, likely, unlikely = 2.0, 40, 20
    seconds_a_round = (likely + unlikely) / rate
    gaps = gaps_between_looks(chances=[1.0] * likely + [1e-9] * unlikely, rate=rate, rounds=40)
    longest_gaps = [max(gaps_of_target) for gaps_of_target in gaps]
    # No target gets less than a tenth of an equal share. Gaps may be 10 % or 15 % longer than planned.
    assert max(longest_gaps[:likely]) <= 1.1 * seconds_a_round
    assert max(longest_gaps[likely:]) <= 1.15 * 10 * seconds_a_round


def test_of_pages_with_equal_chances_the_one_with_the_oldest_look_goes_first() -> None:
    chances = {"likely": 4.0, "usual": 1.0, "vague": 0.25}
    names_by_chance = {kind: [f"{kind}{n}" for n in range(9)] for kind in chances}

    def act(run: PollerRun) -> None:
        for kind, names in names_by_chance.items():
            for name in names:
                run.poller.watch(target(name), [window(every=1, chance=chances[kind])])

    starts = run_poller(act, rate=3, seconds=300).starts
    # The budget is nearly used: 3 looks a second for 300 s are 900.
    assert len(starts) > 800
    for names in names_by_chance.values():
        last_look = dict.fromkeys(names, -1.0)
        for time, name in (start for start in starts if start[1] in names):
            # Each look is at the page of its group that was last looked at the longest ago.
            assert last_look[name] == min(last_look.values())
            last_look[name] = time
