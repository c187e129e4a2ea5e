"""How wide the intervals are in which pages appear, when a host's budget does not carry all looks.

A host allows `rate` looks a second. A round is the time in which each page gets one look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from random import Random
from statistics import fmean, mean

import pytest

from tests.unit.monitor.look.poller_run import (
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


def pages_published_in_rounds_three_to_five(number: int, seconds_a_round: float) -> AppearingPages:
    """Return pages that are published at random instants, after two rounds of looks and before the
    end of the fifth.
    """
    chance = Random(number)  # noqa: S311  # always the same numbers
    return AppearingPages(
        {f"p{n}": (2 + 3 * chance.random()) * seconds_a_round for n in range(number)}
    )


@pytest.mark.parametrize(
    ("number_of_pages", "rate"), [(60, 1.0), (60, 5.0), (25, 2.0), (1000, 20.0)]
)
def test_first_seen_intervals_average_one_round_of_looks(number_of_pages: int, rate: float) -> None:
    """The pages are published at random instants, from the third round to the fifth. The interval
    of a page is from the last look that found it absent to the first that found it present. So it
    should be one round long on average.
    """
    seconds_a_round = number_of_pages / rate
    pages = pages_published_in_rounds_three_to_five(number_of_pages, seconds_a_round)

    def watch_all(run: PollerRun) -> None:
        watch_appearing(run, pages, pages.names)

    # The last page is published in the fifth round. So in seven rounds, all pages are seen.
    run_poller(watch_all, looks_per_second=rate, seconds=7 * seconds_a_round, publisher=pages.reply)
    assert len(pages.interval_seconds) == number_of_pages
    # Some looks are not exactly a round apart. That is tolerated.
    assert mean(pages.interval_seconds) <= 1.1 * seconds_a_round
    assert max(pages.interval_seconds) <= 1.5 * seconds_a_round


@pytest.mark.parametrize(("number_of_pages", "rate"), [(60, 1.0), (1000, 20.0)])
def test_pages_added_during_run_get_equally_short_intervals(
    number_of_pages: int, rate: float
) -> None:
    """Half of the pages are watched from the start. The others are added in three batches. The
    interval of a page is from its last absence to its first presence. It should be one round long
    on average, whenever the page was added.
    """
    seconds_a_round = number_of_pages / rate
    pages = pages_published_in_rounds_three_to_five(number_of_pages, seconds_a_round)
    names = list(pages.published_at)
    watched_from_start, added = names[: number_of_pages // 2], names[number_of_pages // 2 :]
    # every third page each
    first_batch, second_batch, third_batch = added[0::3], added[1::3], added[2::3]
    # The third batch is watched late. Each page must get a look before it is published, so publish
    # these later.
    for name in third_batch:
        pages.published_at[name] += 1.5 * seconds_a_round

    def watch(batch: list[str]) -> Callable[[PollerRun], None]:
        return lambda run: watch_appearing(run, pages, batch)

    # The last page is published after at most 5 + 1.5 rounds. So in nine rounds, all pages are
    # seen.
    run_poller(
        watch(watched_from_start),
        do_at={
            0.5 * seconds_a_round: watch(first_batch),
            1.0 * seconds_a_round: watch(second_batch),
            1.25 * seconds_a_round: watch(third_batch),
        },
        looks_per_second=rate,
        seconds=9 * seconds_a_round,
        publisher=pages.reply,
    )
    assert len(pages.interval_seconds) == number_of_pages
    assert mean(pages.interval_seconds) <= 1.1 * seconds_a_round
    assert max(pages.interval_seconds) <= 1.5 * seconds_a_round


def gaps_between_looks(
    chances: Sequence[float], looks_per_second: float, rounds: float
) -> list[list[float]]:
    """Return the seconds between looks at each target of these chances, after a first round, in
    `rounds` rounds.
    """

    def act(run: PollerRun) -> None:
        for n, chance in enumerate(chances):
            run.poller.watch(target(f"p{n}"), [window(every=1, chance=chance)])

    seconds_a_round = len(chances) / looks_per_second
    times: dict[str, list[float]] = defaultdict(list)
    run = run_poller(act, looks_per_second=looks_per_second, seconds=rounds * seconds_a_round)
    for time, name in run.starts:
        if time > seconds_a_round:
            times[name].append(time)
    return [gaps_between(times[f"p{n}"]) for n in range(len(chances))]


def mean_interval(gaps: Sequence[float]) -> float:
    """Return the mean length of the gap between two looks into which a change at a random instant
    falls.
    """
    return fmean(gaps, weights=gaps)


@pytest.mark.parametrize(
    "chances",
    [
        [0.09] * 10 + [0.1 / 90] * 90,
        [1 / n for n in range(1, 101)],
        [4.0] * 10 + [1.0] * 30 + [0.25] * 60,
    ],
    ids=["ten carry nine tenths", "Zipf", "as they are planned"],
)
def test_mean_interval_is_within_a_tenth_of_shortest_possible(chances: list[float]) -> None:
    """Each page has a chance, which says how likely it is to change. A likely page gets more looks.
    All pages together get one look a second. When a page changes, its interval is the gap between
    the looks before and after that. The mean interval should be nearly as short as mathematics
    allows.
    """
    gaps_of_each_page = gaps_between_looks(chances, looks_per_second=1.0, rounds=8)
    interval_of_each_page = [mean_interval(gaps) for gaps in gaps_of_each_page]
    measured = fmean(interval_of_each_page, weights=chances)
    # The mean is shortest if each page gets looks in proportion to the square root of its chance.
    # So a page gets root / sum(roots) looks a second, and its interval is the inverse of that.
    roots = [sqrt(chance) for chance in chances]
    best_interval_of_each_page = [sum(roots) / root for root in roots]
    shortest_possible = fmean(best_interval_of_each_page, weights=chances)
    assert measured <= 1.1 * shortest_possible


def test_unlikely_targets_still_get_a_tenth_of_equal_share() -> None:
    """40 targets are likely to change (chance 1), and 20 are not (nearly 0). A round is the time in
    which each target could get one look. Likely targets get more looks than unlikely ones, but each
    target gets some. A likely target waits a round at most. An unlikely one waits ten rounds at
    most.
    """
    rate, likely, unlikely = 2.0, 40, 20
    seconds_a_round = (likely + unlikely) / rate
    gaps = gaps_between_looks(
        chances=[1.0] * likely + [1e-9] * unlikely, looks_per_second=rate, rounds=40
    )
    longest_gaps = [max(gaps_of_target) for gaps_of_target in gaps]
    # 10 % or 15 % more is tolerated.
    assert max(longest_gaps[:likely]) <= 1.1 * seconds_a_round
    assert max(longest_gaps[likely:]) <= 1.15 * 10 * seconds_a_round


def test_among_equally_likely_pages_oldest_look_goes_first() -> None:
    """There are three groups of nine pages. A chance says how likely a page is to change. It is the
    same in a group, and differs between groups. Each look must be at the page of its group whose
    last look was the longest ago.
    """
    chances = {"likely": 4.0, "usual": 1.0, "vague": 0.25}
    names_by_chance = {kind: [f"{kind}{n}" for n in range(9)] for kind in chances}

    def watch_all(run: PollerRun) -> None:
        for kind, names in names_by_chance.items():
            for name in names:
                run.poller.watch(target(name), [window(every=1, chance=chances[kind])])

    starts = run_poller(watch_all, looks_per_second=3, seconds=300).starts
    # The budget is nearly used: 3 looks a second for 300 s are 900.
    assert len(starts) > 800
    for names in names_by_chance.values():
        last_look = dict.fromkeys(names, -1.0)  # before the first look at each page
        for time, name in (start for start in starts if start[1] in names):
            assert last_look[name] == min(last_look.values())
            last_look[name] = time
