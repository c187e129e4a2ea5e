"""Evidence never crosses addresses: what was seen at one says nothing of content that stands at another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Run
from monitor.judge.verdict import Verdict, Word
from monitor.look.redirect import REDIRECTED
from monitor.look.sighting import Sighting, State
from schedules.announcement import Address, Origin, Part, Role
from schedules.release import Release
from tests.unit.monitor.judge.world import fold, look, promise, release, second

OLD, NEW = "https://www.gov.uk/government/statistics/claims", "https://www.gov.uk/government/statistics/claims--2"


def at(url: str, *looks: tuple[float, State], target: str = "r/page/edge", specific: bool = False) -> list[Sighting]:
    return [
        replace(look(target, state, when), address=url, specific=specific and state is State.PRESENT)
        for when, state in looks
    ]


def folded(*sightings: Sighting) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {}
    for one in sightings:
        runs[one.target] = fold(runs.get(one.target, []), one)
    return runs


def standing_at(url: str, *more: Part) -> Release:
    return replace(release(), url=url, parts=(Part("page", Role.PAGE, url, "govuk"), *more))


def judged(known: Release, runs: dict[str, list[Run]], now: float) -> Verdict:
    return judge(known, [promise()], runs, [], Policy(), second(now))


def test_a_look_at_another_address_begins_a_run() -> None:
    runs = folded(*at(OLD, (-5, State.ABSENT)), *at(NEW, (-4, State.ABSENT), (-3, State.ABSENT)))
    assert [(run.address, run.looks) for run in runs["r/page/edge"]] == [(OLD, 1), (NEW, 2)]


def test_an_absence_at_the_old_address_dates_nothing_at_the_new_one() -> None:
    runs = folded(
        *at(OLD, (-1, State.ABSENT), (70, State.ABSENT)),
        *at(NEW, (75, State.PRESENT), (80, State.PRESENT), specific=True),
    )
    verdict = judged(standing_at(NEW), runs, 200)
    assert verdict.word is Word.UNPROVEN
    assert verdict.page is not None
    assert verdict.page.released.after is None


def test_an_absence_at_its_own_address_dates_it() -> None:
    looks = at(OLD, (-1, State.ABSENT), (70, State.ABSENT), (75, State.PRESENT), specific=True)
    assert judged(standing_at(OLD), folded(*looks), 200).word is Word.LATE


def test_a_page_takes_over_what_was_seen_of_its_address_when_a_listing_showed_it() -> None:
    runs = folded(
        *at(NEW, (-2, State.ABSENT), (3, State.PRESENT), target="r/elsewhere-1/edge", specific=True),
        *at(NEW, (5, State.PRESENT), specific=True),
    )
    verdict = judged(standing_at(NEW), runs, 200)
    assert verdict.word is Word.ON_TIME
    assert verdict.page is not None
    assert verdict.page.released.after == second(-2)


def test_what_was_seen_at_the_old_address_stays_known_of_a_part_that_stands_there() -> None:
    looks = at(OLD, (-900, State.ABSENT), (-600, State.PRESENT), (-300, State.ABSENT), specific=True)
    runs = folded(*looks, *at(NEW, (-1, State.ABSENT), (2, State.PRESENT), specific=True))
    old = Part("elsewhere-1", Role.ALTERNATIVE, OLD, required=False, origin=Origin.ELSEWHERE)
    verdict = judged(standing_at(NEW, old), runs, 200)
    assert verdict.word is Word.EARLY
    assert [(one.part, one.start.after) for one in verdict.exposures] == [("elsewhere-1", second(-900))]


def test_another_part_at_the_same_address_keeps_its_own_runs() -> None:
    # Its recogniser is another: what shows the page out may show no figures yet.
    runs = folded(*at(OLD, (-1, State.ABSENT), (2, State.PRESENT), specific=True))
    figures = Part("figures", Role.DATA, OLD, "text:1,234")
    part = judged(standing_at(OLD, figures), runs, 200).parts[1]
    assert part.released.by is None


SEEN_NOT_THERE = ((-1, State.ABSENT), (70, State.ABSENT), (150, State.UNKNOWN), (200, State.ABSENT))


def guessed(now: float, *more: Sighting) -> Verdict:
    known = replace(standing_at(OLD), address=Address.GUESSED, link=f"{OLD}/announcement")
    return judged(known, folded(*at(OLD, *SEEN_NOT_THERE), *more), now)


def test_a_release_not_seen_at_its_guess_is_waited_for_as_long_as_its_index_may_be_behind() -> None:
    assert guessed(100).word is Word.PENDING
    assert guessed(215).word is Word.UNPROVEN


def test_a_release_not_seen_at_its_guess_is_overdue_by_its_witnesses_whatever_the_origin_of_its_guess() -> None:
    announcing = at(f"{OLD}/announcement", (-1, State.ABSENT), (200, State.ABSENT), target="r/announcement/origin")
    unlisted = at("https://www.gov.uk/api/search.json", (200, State.ABSENT), target="r/index/origin")
    stale = at(OLD, (-1, State.ABSENT), target="r/page/origin")
    assert guessed(201, *announcing, *unlisted, *stale).word is Word.OVERDUE


@pytest.mark.parametrize(("leads", "bound"), [(False, None), (True, 0.0)])
def test_how_early_it_cannot_have_come_is_said_only_by_what_spoke_of_the_slot(
    bound: float | None, *, leads: bool
) -> None:
    announcing, unlisted = ("r/announcement/origin", State.ABSENT), ("r/index/origin", State.ABSENT)
    looks = [look(target, state, when) for target, state in (announcing, unlisted) for when in (-600, 200)]
    if leads:
        looks.append(replace(look("r/announcement/origin", State.UNKNOWN, 301), why=REDIRECTED))
    runs = folded(*looks, *at(NEW, (300, State.PRESENT), specific=True))
    # A listing as of then says nothing of what was out as the slot came and was taken away again.
    verdict = judged(replace(standing_at(NEW), address=Address.FOUND), runs, 400)
    assert (verdict.word, verdict.early_bound) == (Word.LATE, bound)
