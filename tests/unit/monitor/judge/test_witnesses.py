"""What an announcement and a listing prove of a release whose page may be at another address than its guess.

A number is an instant in seconds after the slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.judge.part_evidence import Witnesses, witnesses
from monitor.judge.runs import Run
from monitor.look.redirect import REDIRECTED
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, a_run, looks

REDIRECT = a_run("announcement/origin", UNKNOWN, 60, why=REDIRECTED)


def absent(*when: float) -> list[Run]:
    """Return the runs of looks that found a release still announced, or not listed."""
    return looks(*((one, ABSENT) for one in when)).runs("announcement/origin")


def witnessed(now: float, announcement: Sequence[Run], index: Sequence[Run] = ()) -> Witnesses:
    return witnesses("r", {"r/announcement/origin": announcement, "r/index/origin": index}, after_slot(now))


def proved(
    announcing: float | None, unlisted: float | None, since: float | None = None, *, redirects: bool = False
) -> Witnesses:
    return Witnesses(after_slot(announcing), after_slot(unlisted), redirects=redirects, since=after_slot(since))


@pytest.mark.parametrize(
    ("announced", "unlisted", "expected"),
    [
        ([0, 200], [0, 250], proved(170, 130, since=0)),
        ([40, 69], [120, 159], proved(None, None, since=40)),
        ([40, 70], [120, 160], proved(40, 40, since=40)),
        ([], [120, 160], proved(None, None)),
    ],
)
def test_a_witness_proves_absence_as_of_its_last_look_less_its_lag(
    announced: list[float], unlisted: list[float], expected: Witnesses
) -> None:
    assert witnessed(300, absent(*announced), absent(*unlisted)) == expected


def test_both_witnesses_prove_absence_up_to_the_earlier_of_them() -> None:
    assert witnessed(300, absent(0, 200), absent(0, 250)).both == after_slot(130)


@pytest.mark.parametrize(("now", "announcing"), [(100, 70), (30, 0), (-1, None)])
def test_looks_after_now_are_not_known_yet(now: float, announcing: float | None) -> None:
    assert witnessed(now, absent(0, 200)).announcing == after_slot(announcing)


@pytest.mark.parametrize(("now", "redirects"), [(59.0, False), (60.0, True)])
def test_a_redirect_after_now_is_not_known_yet(now: float, *, redirects: bool) -> None:
    assert witnessed(now, [REDIRECT]).redirects is redirects


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (REDIRECT, proved(-30, None, since=-60, redirects=True)),
        (replace(REDIRECT, why="timeout"), proved(90, None, since=-60)),
    ],
    ids=["redirect", "failed look"],
)
def test_an_announcement_shown_again_after_its_redirect_is_an_old_copy(between: Run, expected: Witnesses) -> None:
    assert witnessed(300, [*absent(-60, 0), between, *absent(120)]) == expected


def test_a_listing_that_has_shown_the_release_proves_nothing_later() -> None:
    index = looks((0, ABSENT), (60, PRESENT), (600, ABSENT)).runs("index/origin")
    assert witnessed(900, absent(-600), index).unlisted == after_slot(-120)


@pytest.mark.parametrize(
    ("announcing", "unlisted", "redirects", "until"),
    [
        (100, 200, False, 100),
        (200, 100, False, 100),
        (100, None, False, None),
        (None, 100, True, None),
        # An announcement that has redirected proves absence without a listing, up to the slot.
        (100, None, True, 0),
        (-100, None, True, -100),
        (100, -100, True, 0),
        (200, 100, True, 100),
    ],
)
def test_until_when_the_release_was_nowhere(
    announcing: float | None, unlisted: float | None, until: float | None, *, redirects: bool
) -> None:
    assert proved(announcing, unlisted, redirects=redirects).absent(SLOT) == after_slot(until)


def test_a_witness_says_nothing_about_a_slot_before_it_first_saw_the_announcement() -> None:
    late = proved(100, None, since=40, redirects=True)
    assert (late.absent(SLOT), replace(late, unlisted=after_slot(50)).absent(SLOT)) == (None, after_slot(50))


@pytest.mark.parametrize(("unlisted", "until"), [(None, None), (50, 50)])
def test_without_a_slot_both_witnesses_must_prove_absence(unlisted: float | None, until: float | None) -> None:
    assert proved(100, unlisted, redirects=True).absent(None) == after_slot(until)
