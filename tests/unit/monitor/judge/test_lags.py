"""How far witnesses were behind, measured by releases that were out, and what that means for others of the day.

A number is an instant in seconds after the slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judge.verdict import Verdict
from monitor.judge.witnesses import DEFAULT_LAGS, Lags, Publication, measure_longest_lags
from monitor.look.recognise.version import format_version
from monitor.look.redirect import REDIRECTED
from schedules.announcement import Address
from schedules.contract.verdict import LATE_VERDICTS, VerdictKind
from tests.worlds.instants import DAY, SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, Look, Looks, a_sighting, looks
from tests.worlds.releases import a_release
from tests.worlds.verdicts import explained, judged, runs_seen

GUESS = "https://www.gov.uk/government/statistics/claims"
DEFAULT_REDIRECT_LAG, DEFAULT_INDEX_LAG = DEFAULT_LAGS.redirect.total_seconds(), DEFAULT_LAGS.index.total_seconds()


def redirect_at(when: float) -> Look:
    return a_sighting(UNKNOWN, when, why=REDIRECTED)


def looks_without_release(until: float, *then: Look, begin: float = -120, every: float = 15) -> Looks:
    """Return looks at a witness that does not show the release until an instant."""
    each = [(begin + number * every, ABSENT) for number in range(int((until - begin) / every) + 1)]
    return looks(*each, (until, ABSENT), *then)


def publication(
    announcement: Looks, index: Looks, *page: Look, out: float = 1, slot: float = 0, release: str = "first"
) -> Publication:
    """Return a release seen out at `out`, with the looks at its announcement and at the index, its two witnesses."""
    seen = {"announcement/origin": announcement, "index/origin": index, "page": looks(*page)}
    named = {f"{release}/{name}/edge" if name == "page" else f"{release}/{name}": each for name, each in seen.items()}
    return Publication(release, after_slot(slot), after_slot(out), runs_seen(10_000, named))


def longest_lags(now: float, *others: Publication) -> tuple[float, float]:
    """Return the longest lag of the announcement's redirect and of the index at `now`, in seconds."""
    lags = measure_longest_lags(others, SLOT, after_slot(now))
    return lags.redirect.total_seconds(), lags.index.total_seconds()


@pytest.mark.parametrize(
    ("announcement", "index", "now", "expected_lags"),
    [
        (
            looks_without_release(2, redirect_at(3)),
            looks_without_release(40),
            900,
            (DEFAULT_REDIRECT_LAG, DEFAULT_INDEX_LAG),
        ),
        (looks_without_release(420, redirect_at(421)), looks_without_release(410), 900, (420, 420)),
        (looks_without_release(420, redirect_at(421)), looks_without_release(230, (240, PRESENT)), 900, (420, 239)),
        # The redirect may have failed for good: its lag ends when the index shows the release.
        (looks_without_release(900), looks_without_release(230, (240, PRESENT)), 900, (239, 239)),
        # Neither shows it yet: the lag lasts as long as looks go on.
        (looks_without_release(900), looks_without_release(900), 300, (299, 299)),
        (looks_without_release(300), looks_without_release(290), 900, (299, 289)),
        # Between these looks it may have changed at any time.
        (looks_without_release(100, redirect_at(900)), looks_without_release(90), 900, (99, DEFAULT_INDEX_LAG)),
        (
            looks_without_release(420, redirect_at(421)),
            looks_without_release(410),
            0.5,
            (DEFAULT_REDIRECT_LAG, DEFAULT_INDEX_LAG),
        ),
        (looks_without_release(420, redirect_at(421)), looks(), 900, (420, DEFAULT_INDEX_LAG)),
        (looks(), looks(), 100, (DEFAULT_REDIRECT_LAG, DEFAULT_INDEX_LAG)),
    ],
    ids=[
        "within the defaults",
        "both, until the redirect",
        "each by itself",
        "no redirect",
        "as of an instant before",
        "looked at no more",
        "a gap between looks",
        "not out yet",
        "no index",
        "no looks",
    ],
)
def test_a_published_release_measures_how_long_its_witnesses_did_not_show_it(
    announcement: Looks, index: Looks, now: float, expected_lags: tuple[float, float]
) -> None:
    # The release was out at 1 s. For example, its announcement redirected to it only at 421 s: a lag of 420 s. If the
    # index never showed it, the lag of the index ends with that redirect too. No lag is less than its default, 30 s
    # for the redirect and 120 s for the index.
    assert longest_lags(now, publication(announcement, index)) == expected_lags


@pytest.mark.parametrize(
    ("stamped_at", "expected_lag"),
    [(1, 600), (-1, DEFAULT_REDIRECT_LAG), (None, DEFAULT_REDIRECT_LAG), (-700, DEFAULT_REDIRECT_LAG)],
    ids=["at its slot", "before its slot", "no stamp", "set by hand"],
)
def test_the_publishers_stamp_dates_a_release_that_its_witnesses_led_to(
    stamped_at: float | None, expected_lag: float
) -> None:
    version = format_version(first_published_at=after_slot(stamped_at))
    found_at = 602
    page = a_sighting(PRESENT, found_at, specific=True, version=version)
    announcement, index = looks_without_release(600, redirect_at(601)), looks_without_release(590)
    redirect_lag, _index_lag = longest_lags(900, publication(announcement, index, page, out=found_at))
    # From a stamp of 1 s to the redirect at 601 s. A stamp that does not count leaves the default lag.
    assert redirect_lag == expected_lag


def test_a_stamp_long_before_the_release_was_found_leaves_both_lags_at_their_defaults() -> None:
    # A person can set a stamp by hand, so it counts only for 15 minutes.
    stamped_at, found_at = 1, 1002
    version = format_version(first_published_at=after_slot(stamped_at))
    page = a_sighting(PRESENT, found_at, specific=True, version=version)
    announcement, index = looks_without_release(1000, redirect_at(1001)), looks_without_release(990)
    assert longest_lags(2000, publication(announcement, index, page, out=found_at)) == (
        DEFAULT_REDIRECT_LAG,
        DEFAULT_INDEX_LAG,
    )


SEVEN_MINUTES_BEHIND = publication(looks_without_release(420, redirect_at(421)), looks_without_release(410))
FIFTEEN_MINUTES_BEHIND = publication(looks_without_release(900), looks_without_release(900))


@pytest.mark.parametrize(
    ("other_slot", "expected_lag"),
    [(-9000, 420), (9000, 420), (-86_400, DEFAULT_REDIRECT_LAG), (86_400, DEFAULT_REDIRECT_LAG)],
)
def test_only_the_lags_of_releases_of_the_same_day_count(other_slot: float, expected_lag: float) -> None:
    redirect_lag, _index_lag = longest_lags(900, replace(SEVEN_MINUTES_BEHIND, slot=after_slot(other_slot)))
    assert redirect_lag == expected_lag


def test_the_longest_lag_of_several_releases_counts() -> None:
    # The witnesses did not show these releases for four, seven and four minutes.
    four_minutes_behind = publication(
        looks_without_release(240, redirect_at(241)), looks_without_release(235, (241, PRESENT)), release="second"
    )
    lags = longest_lags(900, four_minutes_behind, SEVEN_MINUTES_BEHIND, four_minutes_behind)
    assert lags == (7 * 60, 7 * 60)


def verdict_by_witnesses(
    *others: Publication, now: float, silent_until: float = 3000, page: Sequence[Look] = ()
) -> Verdict:
    """Return the verdict on a release at an unknown address, whose witnesses are silent until an instant."""
    return judged(
        now,
        {
            "page": looks((-1, ABSENT), (60, ABSENT), *page, specific=True),
            "announcement/origin": looks_without_release(silent_until),
            "index/origin": looks_without_release(silent_until, begin=45),
        },
        release=a_release(url=GUESS, address=Address.FOUND if page else Address.GUESSED, link=f"{GUESS}/x"),
        published=others,
    )


@pytest.mark.parametrize(
    ("now", "others", "expected"),
    [
        (200, (), VerdictKind.OVERDUE),
        (200, (SEVEN_MINUTES_BEHIND,), VerdictKind.PENDING),
        (480, (SEVEN_MINUTES_BEHIND,), VerdictKind.PENDING),
        (500, (SEVEN_MINUTES_BEHIND,), VerdictKind.OVERDUE),
        (880, (FIFTEEN_MINUTES_BEHIND,), VerdictKind.PENDING),
        (200, (replace(SEVEN_MINUTES_BEHIND, slot=SLOT - DAY),), VerdictKind.OVERDUE),
    ],
    ids=["default", "measured", "until it is over", "then", "while another is silent too", "of another day"],
)
def test_a_release_is_being_confirmed_until_the_longest_lag_of_the_witnesses_that_day_and_then_overdue(
    now: float, others: Sequence[Publication], expected: VerdictKind
) -> None:
    # Until now neither witness, its announcement nor the index, shows the release. They prove it late
    # once the lag after the tolerance of 60 s is over: at 60 + 120 s by default, at 60 + 420 s if
    # another release was shown that late.
    verdict = verdict_by_witnesses(*others, now=now)
    assert verdict.verdict is expected
    is_confirming = verdict.due is not None and verdict.due.is_confirming
    assert is_confirming is (expected is VerdictKind.PENDING)


def test_a_release_found_within_the_longest_lag_of_that_day_is_unproven_and_names_the_lag() -> None:
    # Its witnesses lacked it until 299 s. If they are 420 s behind, it may have been out at its slot.
    found_5_min_late = {"now": 500, "silent_until": 299, "page": [(300, PRESENT), (310, PRESENT)]}
    alone = verdict_by_witnesses(**found_5_min_late)
    after_another = verdict_by_witnesses(SEVEN_MINUTES_BEHIND, **found_5_min_late)
    assert (alone.verdict, after_another.verdict) == (VerdictKind.LATE, VerdictKind.UNPROVEN)
    assert "still announced 7 min after it was out" in (after_another.unproven_because or "")
    assert (alone.lags, after_another.lags) == (DEFAULT_LAGS, Lags(timedelta(minutes=7), timedelta(minutes=7)))


def test_an_explanation_names_the_lag_that_the_verdict_allowed_for() -> None:
    # No look shows the release, and another release of the day was still announced 7 minutes after it was out.
    seen = {"announcement/origin": looks_without_release(450), "index/origin": looks_without_release(450)}
    release = a_release(url=GUESS, address=Address.GUESSED, link=f"{GUESS}/x")
    explanation = explained(450, seen, release=release, published=[SEVEN_MINUTES_BEHIND])
    policy = [fact.text for fact in explanation.facts if fact.kind == "policy"]
    assert any("still announced 7 min after it was out" in text for text in policy)


def test_a_release_late_by_its_witnesses_is_judged_again_at_the_next_minute() -> None:
    # By then another release of the day may show that witnesses are further behind, and so that it may not be late.
    verdict = verdict_by_witnesses(now=310)
    assert (verdict.verdict, verdict.revisit) == (VerdictKind.OVERDUE, after_slot(6 * 60))


def seen_with_witnesses(
    page: list[Look], origin: list[Look], announced_until: int, unlisted_until: int, gap_to_next_look: int
) -> dict[str, Looks]:
    """Return looks at a page and at its witnesses, whose next looks show the release."""
    return {
        "page": looks(*page, specific=True),
        "page/origin": looks(*origin),
        "announcement/origin": looks_without_release(announced_until, redirect_at(announced_until + gap_to_next_look)),
        "index/origin": looks_without_release(unlisted_until, (unlisted_until + gap_to_next_look, PRESENT)),
    }


def other_publications(last_looks_without_release: list[tuple[int, int]]) -> list[Publication]:
    """Return other releases, each out but not shown until an instant by its announcement and by the index."""
    return [
        publication(
            looks_without_release(announced_until, redirect_at(announced_until + 1)),
            looks_without_release(unlisted_until, (unlisted_until + 1, PRESENT)),
            release=f"other-{number}",
        )
        for number, (announced_until, unlisted_until) in enumerate(last_looks_without_release)
    ]


INSTANTS = st.integers(-100, 1500)
LISTS_OF_LOOKS = st.lists(
    st.tuples(INSTANTS, st.sampled_from([ABSENT, PRESENT, UNKNOWN])), max_size=6, unique_by=lambda look: look[0]
).map(sorted)
SEEN = st.builds(seen_with_witnesses, LISTS_OF_LOOKS, LISTS_OF_LOOKS, INSTANTS, INSTANTS, st.integers(1, 300))
OTHERS = st.lists(st.tuples(INSTANTS, INSTANTS), max_size=3).map(other_publications)


@given(st.integers(0, 2000), SEEN, OTHERS)
def test_a_release_that_is_late_by_its_witnesses_is_also_late_if_fewer_releases_show_how_far_witnesses_lag(
    now: int, seen: dict[str, Looks], others: list[Publication]
) -> None:
    # No calendar names its address, so witnesses date it: its announcement and the index.
    release = a_release(url=GUESS, address=Address.LED_TO, link=f"{GUESS}/x")
    # Each further release can only lengthen the lags, and so only leave more in doubt.
    verdicts = [
        judged(now, seen, release=release, published=others[:count]).verdict for count in range(len(others) + 1)
    ]
    for with_fewer_others, with_one_more in pairwise(verdicts):
        if with_one_more in LATE_VERDICTS:
            assert with_fewer_others in LATE_VERDICTS
