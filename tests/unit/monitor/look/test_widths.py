"""How wide the intervals are in which appearances are seen, when a host's budget does not carry all looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from random import Random
from statistics import mean

import pytest

from monitor.look.fetch import Request
from monitor.look.sighting import Sighting, State
from monitor.plan.targets import Target
from tests.unit.monitor.look.story import NOON, Watch, target, watch, window
from tests.worlds.fetcher import Reply


@dataclass
class AppearingPages:
    """Pages that appear at random instants; each is dropped as soon as it is seen, with the width of its interval."""

    appears: dict[str, float]
    absent: dict[str, float] = field(default_factory=dict)
    widths: dict[str, float] = field(default_factory=dict)
    seen: Watch | None = None

    def begin(self, seen: Watch, names: Sequence[str]) -> None:
        """Watch these pages from now on."""
        self.seen, seen.heard = seen, self.hear
        for name in names:
            seen.poller.watch(target(name), [window(1)])

    def reply(self, request: Request) -> Reply:
        """Answer as the page stands."""
        assert self.seen is not None
        is_out = self.seen.at() >= self.appears[request.url.rpartition("/")[2]]
        return Reply(200, b"figures") if is_out else Reply(404)

    def hear(self, seen: Target, sighting: Sighting) -> None:
        """Note absences, and the width of an appearance."""
        if sighting.state is State.ABSENT:
            self.absent[seen.part] = (sighting.proved_from - NOON).total_seconds()
            return
        assert self.seen is not None
        by = (sighting.proved_to - NOON).total_seconds()
        assert self.absent[seen.part] <= self.appears[seen.part] <= by
        self.widths[seen.part] = by - self.absent[seen.part]
        self.seen.poller.drop(seen.id)


def pages_that_appear(pages: int, rounds: float, rate: float) -> AppearingPages:
    """Return pages that are absent in two rounds of looks, and appear at random instants of the next `rounds`."""
    chance, whole = Random(pages), pages / rate  # noqa: S311  # a throw of dice, always the same
    return AppearingPages({f"p{n}": (2 + rounds * chance.random()) * whole for n in range(pages)})


@pytest.mark.parametrize(("pages", "rate"), [(60, 1.0), (60, 5.0), (25, 2.0), (1000, 20.0)])
def test_each_page_of_a_busy_slot_is_dated_within_about_one_round_of_looks(pages: int, rate: float) -> None:
    story = pages_that_appear(pages, 3, rate)
    watch(lambda seen: story.begin(seen, list(story.appears)), rate=rate, seconds=7 * pages / rate, script=story.reply)
    widths = list(story.widths.values())
    assert len(widths) == pages
    assert mean(widths) <= 1.1 * pages / rate
    assert max(widths) <= 1.5 * pages / rate


@pytest.mark.parametrize(("pages", "rate"), [(60, 1.0), (1000, 20.0)])
def test_added_pages_delay_no_target_by_more_than_one_round(pages: int, rate: float) -> None:
    story, names = pages_that_appear(pages, 3, rate), [f"p{n}" for n in range(pages)]
    # Those of the second half come under watch in three additions, before any of them is out.
    additions = [(0.5 * pages / rate, names[pages // 2 :: 3]), (pages / rate, names[pages // 2 + 1 :: 3])]
    additions += [(1.25 * pages / rate, names[pages // 2 + 2 :: 3])]
    for name in additions[-1][1]:
        story.appears[name] += 1.5 * pages / rate
    later = [(at, lambda seen, some=some: story.begin(seen, some)) for at, some in additions]
    watch(
        lambda seen: story.begin(seen, names[: pages // 2]),
        rate=rate,
        seconds=9 * pages / rate,
        script=story.reply,
        later=later,
    )
    widths = list(story.widths.values())
    assert len(widths) == pages
    assert mean(widths) <= 1.1 * pages / rate
    assert max(widths) <= 1.5 * pages / rate


def gaps_between_looks(chances: Sequence[float], rate: float, rounds: float) -> list[list[float]]:
    """Return the seconds between looks at each target of these chances, after a first round, in `rounds` rounds."""

    def act(seen: Watch) -> None:
        for n, chance in enumerate(chances):
            seen.poller.watch(target(f"p{n}"), [window(1, chance=chance)])

    whole = len(chances) / rate
    times: dict[str, list[float]] = defaultdict(list)
    for time, name in watch(act, rate=rate, seconds=rounds * whole).starts:
        if time > whole:
            times[name].append(time)
    return [[later - time for time, later in pairwise(times[f"p{n}"])] for n in range(len(chances))]


def mean_interval(gaps: Sequence[float]) -> float:
    """Return how wide the interval is that a change at any instant falls into, on average."""
    return sum(gap * gap for gap in gaps) / sum(gaps)


@pytest.mark.parametrize(
    ("chances", "optimum"),
    [
        pytest.param([0.09] * 10 + [0.1 / 90] * 90, 36.0, id="ten carry nine tenths"),
        pytest.param([1 / n for n in range(1, 101)], 66.6, id="Zipf"),
        pytest.param([4.0] * 10 + [1.0] * 30 + [0.25] * 60, 75.3, id="as they are planned"),
    ],
)
def test_unequal_chances_are_within_a_tenth_of_the_square_root_optimum(chances: list[float], optimum: float) -> None:
    least = sum(sqrt(chance) for chance in chances) ** 2 / sum(chances)
    assert least == pytest.approx(optimum, rel=0.01)
    gaps = gaps_between_looks(chances, 1.0, 8)
    weighted = sum(chance * mean_interval(each) for chance, each in zip(chances, gaps, strict=True)) / sum(chances)
    assert weighted <= 1.1 * least


def test_every_target_gets_looks_however_small_its_chance() -> None:
    gaps = gaps_between_looks([1.0] * 40 + [1e-9] * 20, 2.0, 40)
    assert max(max(each) for each in gaps[40:]) <= 1.15 * 10 * 60 / 2
    assert max(max(each) for each in gaps[:40]) <= 1.1 * 60 / 2


def test_oldest_look_goes_first_at_equal_chances() -> None:
    names = [f"{kind}{n}" for kind in ("likely", "usual", "vague") for n in range(9)]

    def act(seen: Watch) -> None:
        for name in names:
            seen.poller.watch(target(name), [window(1, chance={"l": 4.0, "u": 1.0, "v": 0.25}[name[0]])])

    last = dict.fromkeys(names, -1.0)
    for time, name in watch(act, rate=3, seconds=300).starts:
        assert last[name] == min(last[other] for other in names if other[0] == name[0])
        last[name] = time
