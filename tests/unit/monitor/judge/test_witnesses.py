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


def looks_without_release(*when: float) -> list[Run]:
    """Return the runs of looks that found a release still announced, or not listed."""
    return looks(*((one, ABSENT) for one in when)).runs("announcement/origin")


def read_witnesses_at(
    now: float, announcement: Sequence[Run], index: Sequence[Run] = (), lags: Lags = DEFAULT_LAGS
) -> Witnesses:
    return read_witnesses("r", {"r/announcement/origin": announcement, "r/index/origin": index}, after_slot(now), lags)


def witnesses_without_release(announced: float | None, unlisted: float | None, *, redirects: bool = False) -> Witnesses:
    """Return witnesses that last showed the release announced, and last did not list it, at these instants.

    The announcement was first read ten minutes before the slot.
    """
    return Witnesses(after_slot(announced), after_slot(unlisted), redirects=redirects, watched_since=after_slot(-600))


@pytest.mark.parametrize(("last_announced", "last_unlisted"), [(200, 290), (200, 250)])
def test_a_release_was_absent_until_its_announcement_and_the_listing_last_lacked_it_less_their_lags(
    last_announced: float, last_unlisted: float
) -> None:
    announcement, listing = looks_without_release(0, last_announced), looks_without_release(0, last_unlisted)
    witnesses = read_witnesses_at(300, announcement, listing)
    # An announcement may redirect to its release 30 s late, and a listing may show it 120 s late.
    absent_by_announcement, absent_by_listing = last_announced - 30, last_unlisted - 120
    # Either may fail to show a release that is out, so both must prove its absence.
    assert witnesses.absent_by_both == after_slot(min(absent_by_announcement, absent_by_listing))


def test_announcement_and_listing_prove_no_absence_before_the_first_look_at_the_announcement() -> None:
    # Before the first look, at 40, the release may have been public and removed. An announcement may be behind by 30 s,
    # and a listing by 120 s. So these looks prove absence at 39 or at 40.
    at_39 = read_witnesses_at(300, looks_without_release(40, 39 + 30), index=looks_without_release(120, 39 + 120))
    at_40 = read_witnesses_at(300, looks_without_release(40, 40 + 30), index=looks_without_release(120, 40 + 120))
    assert at_39.absent_by_both is None
    assert at_40.absent_by_both == after_slot(40)


def test_a_listing_proves_no_absence_by_both_if_the_announcement_was_never_looked_at() -> None:
    witnesses = read_witnesses_at(300, announcement=[], index=looks_without_release(120, 160))
    assert witnesses.absent_by_both is None


def test_absence_is_proved_until_the_last_looks_at_both_witnesses_less_their_measured_lags() -> None:
    # After a release, its announcement redirects within 60 s, and the index lists it within 240 s.
    lags = Lags(redirect=timedelta(seconds=60), index=timedelta(seconds=240))
    last_announced, last_unlisted = 290, 300
    announcement, index = looks_without_release(0, last_announced), looks_without_release(0, last_unlisted)
    witnesses = read_witnesses_at(300, announcement, index, lags)
    absent_by_announcement, absent_by_index = last_announced - 60, last_unlisted - 240
    # Both must prove absence, because either may fail to show a release. So the earlier instant counts.
    assert witnesses.absent_by_both == after_slot(min(absent_by_announcement, absent_by_index))


@pytest.mark.parametrize(("now", "announced"), [(100, 100), (30, 30), (-1, None)])
def test_looks_after_now_are_not_known_yet(now: float, announced: float | None) -> None:
    assert read_witnesses_at(now, looks_without_release(0, 200)).announced == after_slot(announced)


@pytest.mark.parametrize(("now", "redirects"), [(59.0, False), (60.0, True)])
def test_a_redirect_after_now_is_not_known_yet(now: float, *, redirects: bool) -> None:
    redirected = a_run("announcement/origin", UNKNOWN, 60, why=REDIRECTED)
    assert read_witnesses_at(now, announcement=[redirected]).redirects is redirects


def test_an_announcement_that_is_shown_again_after_it_redirected_proves_no_later_absence() -> None:
    # Once it redirected, at 60 s, the release was out. So the announcement shown at 120 s was an old copy.
    redirected = a_run("announcement/origin", UNKNOWN, 60, why=REDIRECTED)
    witnesses = read_witnesses_at(
        300, announcement=[*looks_without_release(-60, 0), redirected, *looks_without_release(120)]
    )
    assert witnesses == Witnesses(announced=after_slot(0), unlisted=None, redirects=True, watched_since=after_slot(-60))


def test_an_announcement_that_is_shown_again_after_a_failed_look_still_proves_absence() -> None:
    failed = a_run("announcement/origin", UNKNOWN, 60, why="timeout")
    witnesses = read_witnesses_at(
        300, announcement=[*looks_without_release(-60, 0), failed, *looks_without_release(120)]
    )
    assert witnesses == Witnesses(
        announced=after_slot(120), unlisted=None, redirects=False, watched_since=after_slot(-60)
    )


def test_a_listing_that_has_shown_the_release_proves_nothing_later() -> None:
    # The listing lacked the release at 0, had it at 60 and lacked it again at 600.
    index = looks((0, ABSENT), (60, PRESENT), (600, ABSENT)).runs("index/origin")
    assert read_witnesses_at(900, looks_without_release(-600), index).unlisted == after_slot(0)


@pytest.mark.parametrize(("last_announced", "last_unlisted"), [(130, 320), (230, 220)])
def test_both_witnesses_prove_absence_at_any_address_until_their_last_looks_less_their_lags(
    last_announced: float, last_unlisted: float
) -> None:
    # The witnesses are the announcement and the listing. Both must prove absence, so the earlier instant counts.
    redirect_lag, listing_lag = 30, 120
    witnesses = witnesses_without_release(announced=last_announced, unlisted=last_unlisted, redirects=False)
    proved_absent = min(last_announced - redirect_lag, last_unlisted - listing_lag)
    assert witnesses.absent_until(SLOT) == after_slot(proved_absent)


def test_an_announcement_that_has_not_redirected_yet_proves_no_absence_without_a_listing() -> None:
    # Its redirect may be broken.
    witnesses = witnesses_without_release(announced=130, unlisted=None, redirects=False)
    assert witnesses.absent_until(SLOT) is None


def test_a_listing_proves_no_absence_without_an_announcement() -> None:
    witnesses = witnesses_without_release(announced=None, unlisted=220, redirects=True)
    assert witnesses.absent_until(SLOT) is None


@pytest.mark.parametrize(("last_announced", "proved_absent"), [(130, 0), (-70, -70 - 30)])
def test_an_announcement_that_has_redirected_proves_absence_up_to_the_slot_without_a_listing(
    last_announced: float, proved_absent: float
) -> None:
    # It may redirect up to 30 s late. After the slot, at 0, it proves nothing without the listing.
    witnesses = witnesses_without_release(announced=last_announced, unlisted=None, redirects=True)
    assert witnesses.absent_until(SLOT) == after_slot(proved_absent)


@pytest.mark.parametrize(("last_announced", "last_unlisted", "proved_absent"), [(130, 20, 0), (230, 220, 220 - 120)])
def test_absence_is_proved_after_the_slot_only_if_the_listing_proves_it_too(
    last_announced: float, last_unlisted: float, proved_absent: float
) -> None:
    # The announcement proves absence up to the slot, at 0. The listing may lag by 120 s, so its last look at 20 s
    # proves nothing after the slot, and one at 220 s does until 100 s.
    witnesses = witnesses_without_release(announced=last_announced, unlisted=last_unlisted, redirects=True)
    assert witnesses.absent_until(SLOT) == after_slot(proved_absent)


def test_an_announcement_first_read_after_the_slot_proves_absence_only_together_with_a_listing() -> None:
    # The announcement was read from 40 to 130, before it redirected to the release. Without a listing it can prove
    # absence only up to the slot, at 0. But it was not read then.
    announcement_only = Witnesses(
        announced=after_slot(130), unlisted=None, redirects=True, watched_since=after_slot(40)
    )
    assert announcement_only.absent_until(SLOT) is None
    # The listing lacked the release until 170, but it may be 120 s behind. So both prove absence until 50.
    with_listing = replace(announcement_only, unlisted=after_slot(170))
    assert with_listing.absent_until(SLOT) == after_slot(170 - 120)


@pytest.mark.parametrize(("unlisted", "proved_until"), [(None, None), (170, 50)])
def test_without_a_slot_both_witnesses_must_prove_absence(unlisted: float | None, proved_until: float | None) -> None:
    # The listing may be 120 s behind, so it proves absence until 50.
    assert witnesses_without_release(130, unlisted, redirects=True).absent_until(None) == after_slot(proved_until)
