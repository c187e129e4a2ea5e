"""What an announcement and a listing prove of a release whose page may be at another address than its guess.

A number is an instant in seconds after the slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.judge.runs import Run
from monitor.judge.witnesses import DEFAULT_LAGS, Lags, Witnesses, read_witnesses
from monitor.look.redirect import REDIRECTED
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, a_run, looks

INDEX_LAG = DEFAULT_LAGS.index.total_seconds()
REDIRECT = a_run("announcement/origin", UNKNOWN, 60, why=REDIRECTED)


def absent_looks(*when: float) -> list[Run]:
    """Return the runs of looks that found a release still announced, or not listed."""
    return looks(*((one, ABSENT) for one in when)).runs("announcement/origin")


def read_witnesses_at(
    now: float, announcement: Sequence[Run], index: Sequence[Run] = (), lags: Lags = DEFAULT_LAGS
) -> Witnesses:
    return read_witnesses("r", {"r/announcement/origin": announcement, "r/index/origin": index}, after_slot(now), lags)


def witnesses_without_release(
    announced: float | None, unlisted: float | None, *, since: float | None = -600, redirects: bool = False
) -> Witnesses:
    """Return witnesses that last showed the release announced, and last did not list it, at these instants.

    The announcement was first read at `since`.
    """
    return Witnesses(after_slot(announced), after_slot(unlisted), redirects=redirects, watched_since=after_slot(since))


@pytest.mark.parametrize(
    ("announced", "unlisted", "proved_until"),
    [
        ([0, 200], [0, 290], 170),
        ([0, 200], [0, 250], 130),
        ([40, 69], [120, 159], None),
        ([40, 70], [120, 160], 40),
        ([], [120, 160], None),
    ],
)
def test_both_witnesses_prove_absence_as_of_their_last_looks_less_their_lags(
    announced: list[float], unlisted: list[float], proved_until: float | None
) -> None:
    # An announcement may redirect 30 s late, and a listing may be 120 s late. For example, looks at 200 and 290 prove
    # absence at 170. Nothing is proved before the first look at the announcement: 69 - 30 is before 40.
    assert read_witnesses_at(300, absent_looks(*announced), absent_looks(*unlisted)).absent_by_both == after_slot(
        proved_until
    )


def test_absence_by_both_witnesses_is_dated_with_the_lags_that_are_given() -> None:
    # After a release, its announcement redirects within 60 s, and the index lists it within 240 s.
    lags = Lags(redirect=timedelta(seconds=60), index=timedelta(seconds=240))
    last_unredirected, last_unlisted = 290, 300
    announcement, index = absent_looks(0, last_unredirected), absent_looks(0, last_unlisted)
    witnesses = read_witnesses_at(300, announcement, index, lags)
    assert witnesses.absent_by_both == after_slot(min(last_unredirected - 60, last_unlisted - 240))


@pytest.mark.parametrize(("now", "announced"), [(100, 100), (30, 30), (-1, None)])
def test_looks_after_now_are_not_known_yet(now: float, announced: float | None) -> None:
    assert read_witnesses_at(now, absent_looks(0, 200)).announced == after_slot(announced)


@pytest.mark.parametrize(("now", "redirects"), [(59.0, False), (60.0, True)])
def test_a_redirect_after_now_is_not_known_yet(now: float, *, redirects: bool) -> None:
    # REDIRECT is a look at the announcement at 60 s that was redirected.
    assert read_witnesses_at(now, [REDIRECT]).redirects is redirects


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        (REDIRECT, witnesses_without_release(0, None, since=-60, redirects=True)),
        (replace(REDIRECT, why="timeout"), witnesses_without_release(120, None, since=-60)),
    ],
    ids=["redirect", "failed look"],
)
def test_an_announcement_shown_again_after_its_redirect_is_an_old_copy(between: Run, expected: Witnesses) -> None:
    # The announcement was still there at -60, at 0 and, after `between` at 60, at 120. If that was a redirect, the
    # release was out, so the last time that counts is 0. A failed look proves nothing, so it is 120.
    assert read_witnesses_at(300, [*absent_looks(-60, 0), between, *absent_looks(120)]) == expected


def test_a_listing_that_has_shown_the_release_proves_nothing_later() -> None:
    # The listing lacked the release at 0, had it at 60 and lacked it again at 600.
    index = looks((0, ABSENT), (60, PRESENT), (600, ABSENT)).runs("index/origin")
    assert read_witnesses_at(900, absent_looks(-600), index).unlisted == after_slot(0)


@pytest.mark.parametrize(
    ("announced", "unlisted", "redirects", "proved_until"),
    [
        (130, 320, False, 100),
        (230, 220, False, 100),
        (130, None, False, None),
        (None, 220, True, None),
        # An announcement that has redirected proves absence without a listing, up to the slot.
        (130, None, True, 0),
        (-70, None, True, -100),
        (130, 20, True, 0),
        (230, 220, True, 100),
    ],
)
def test_witnesses_prove_that_the_release_was_at_no_address(
    announced: float | None, unlisted: float | None, proved_until: float | None, *, redirects: bool
) -> None:
    # The announcement may be 30 s behind, and the listing 120 s. The earlier of both instants counts:
    # of 130 - 30 and 320 - 120, it is 100.
    assert witnesses_without_release(announced, unlisted, redirects=redirects).absent_until(SLOT) == after_slot(
        proved_until
    )


def test_an_announcement_that_was_first_read_after_the_slot_proves_no_absence_without_a_listing() -> None:
    without_listing = witnesses_without_release(announced=130, unlisted=None, since=40, redirects=True)
    assert without_listing.absent_until(SLOT) is None
    with_listing = replace(without_listing, unlisted=after_slot(170))
    assert with_listing.absent_until(SLOT) == after_slot(170 - INDEX_LAG)


@pytest.mark.parametrize(("unlisted", "proved_until"), [(None, None), (170, 50)])
def test_without_a_slot_both_witnesses_must_prove_absence(unlisted: float | None, proved_until: float | None) -> None:
    # The listing may be 120 s behind, so it proves absence until 50.
    assert witnesses_without_release(130, unlisted, redirects=True).absent_until(None) == after_slot(proved_until)
