"""What an announcement and a listing prove of a release whose page may stand at another address than its guess."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.judge.part_evidence import Witnesses, witnesses
from monitor.judge.runs import Run
from monitor.look.redirect import REDIRECTED
from monitor.look.sighting import State
from tests.unit.monitor.judge.world import SLOT, fold, look, second

A, P, U = State.ABSENT, State.PRESENT, State.UNKNOWN
ANNOUNCEMENT, INDEX = "r/announcement/origin", "r/index/origin"


def runs_of(target: str, *looks: tuple[float, State], why: str = "") -> list[Run]:
    runs: list[Run] = []
    for at, state in looks:
        runs = fold(runs, replace(look(target, state, at), why=why if state is U else ""))
    return runs


def told(now: float, announcement: list[Run], index: list[Run]) -> Witnesses:
    return witnesses("r", {ANNOUNCEMENT: announcement, INDEX: index}, second(now))


def test_each_is_believed_as_of_so_long_before_as_it_may_be_behind() -> None:
    seen = told(300, runs_of(ANNOUNCEMENT, (0, A), (200, A)), runs_of(INDEX, (0, A), (250, A)))
    assert seen == Witnesses(second(170), second(130), redirects=False, since=second(0))
    assert seen.both == second(130)


def test_what_was_seen_later_than_now_is_not_known_yet() -> None:
    announcement = runs_of(ANNOUNCEMENT, (0, A), (200, A))
    assert told(100, announcement, []).announcing == second(70)
    assert told(-1, announcement, []).announcing is None
    assert told(30, announcement, []).announcing == second(0)


def test_neither_tells_what_was_before_it_was_first_seen_to_be_announced() -> None:
    announcement, index = runs_of(ANNOUNCEMENT, (40, A), (69, A)), runs_of(INDEX, (120, A), (159, A))
    assert told(300, announcement, index) == Witnesses(None, None, redirects=False, since=second(40))
    later, listed = runs_of(ANNOUNCEMENT, (40, A), (70, A)), runs_of(INDEX, (120, A), (160, A))
    assert told(300, later, listed) == Witnesses(second(40), second(40), redirects=False, since=second(40))
    assert told(300, [], listed) == Witnesses(None, None, redirects=False)


def test_an_announcement_that_announces_again_after_its_redirect_is_an_old_copy() -> None:
    before, led = runs_of(ANNOUNCEMENT, (-60, A), (0, A)), runs_of(ANNOUNCEMENT, (60, U), why=REDIRECTED)
    after = runs_of(ANNOUNCEMENT, (120, A))
    seen = told(300, [*after, *led, *before], [])
    assert (seen.announcing, seen.redirects) == (second(-30), True)
    failed = runs_of(ANNOUNCEMENT, (60, U), why="timeout")
    assert told(300, [*before, *failed, *after], []) == Witnesses(second(90), None, redirects=False, since=second(-60))


def test_a_redirect_that_comes_later_than_now_is_not_known_yet() -> None:
    led = runs_of(ANNOUNCEMENT, (60, U), why=REDIRECTED)
    assert [told(now, led, []).redirects for now in (59.0, 60.0)] == [False, True]


def test_a_listing_that_has_shown_it_proves_nothing_by_what_it_shows_later() -> None:
    index = [*runs_of(INDEX, (0, A)), *runs_of(INDEX, (60, P)), *runs_of(INDEX, (600, A))]
    assert told(900, runs_of(ANNOUNCEMENT, (-600, A)), index).unlisted == second(-120)


@pytest.mark.parametrize(
    ("announcing", "unlisted", "redirects", "absent"),
    [
        (100, 200, False, 100),
        (200, 100, False, 100),
        (100, None, False, None),
        (None, 100, True, None),
        # Once it has redirected it alone proves absence, up to the slot.
        (100, None, True, 0),
        (-100, None, True, -100),
        (100, -100, True, 0),
        (200, 100, True, 100),
    ],
)
def test_until_when_it_was_out_nowhere(
    announcing: float | None, unlisted: float | None, absent: float | None, *, redirects: bool
) -> None:
    ends = [None if each is None else second(each) for each in (announcing, unlisted)]
    expected = None if absent is None else second(absent)
    assert Witnesses(*ends, redirects=redirects).absent(SLOT) == expected


def test_a_slot_that_passed_before_it_was_first_seen_to_be_announced_is_not_spoken_for() -> None:
    late = Witnesses(second(100), None, redirects=True, since=second(40))
    assert (late.absent(SLOT), replace(late, unlisted=second(50)).absent(SLOT)) == (None, second(50))


def test_without_a_slot_both_have_to_say_so() -> None:
    assert Witnesses(second(100), None, redirects=True).absent(None) is None
    assert Witnesses(second(100), second(50), redirects=True).absent(None) == second(50)
