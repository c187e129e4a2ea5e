"""How far witnesses were behind, measured by releases that were out, and what that means for others of the day.

A number is an instant in seconds after the slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

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


def redirect_at(when: float) -> Look:
    return a_sighting(UNKNOWN, when, why=REDIRECTED)


def looks_without_release(until: float, then: Look | None = None, *, begin: float = -120, every: float = 15) -> Looks:
    """Return looks at a witness that does not show the release until an instant, and then one other look."""
    absent_at = [begin + number * every for number in range(int((until - begin) / every) + 1)]
    return looks(*((when, ABSENT) for when in absent_at), (until, ABSENT), *([] if then is None else [then]))


def publication(
    announcement: Looks, index: Looks, page: Look | None = None, *, out: float = 1, release: str = "first"
) -> Publication:
    """Return a release seen out at `out`, with the looks at its announcement and at the index, its two witnesses."""
    seen = {
        f"{release}/announcement/origin": announcement,
        f"{release}/index/origin": index,
        f"{release}/page/edge": looks() if page is None else looks(page),
    }
    return Publication(release, SLOT, after_slot(out), runs_seen(10_000, seen))


class LagsInSeconds(NamedTuple):
    redirect: float
    index: float


DEFAULTS = LagsInSeconds(DEFAULT_LAGS.redirect.total_seconds(), DEFAULT_LAGS.index.total_seconds())


def longest_lags(now: float, *others: Publication) -> LagsInSeconds:
    """Return the longest lags, measured at `now` with other releases."""
    lags = measure_longest_lags(others, SLOT, after_slot(now))
    return LagsInSeconds(lags.redirect.total_seconds(), lags.index.total_seconds())


def lags_of_release_out_at_1_s(announcement: Looks, index: Looks, now: float = 900) -> LagsInSeconds:
    return longest_lags(now, publication(announcement, index, out=1))


def test_a_lag_lasts_until_the_announcement_redirects_to_the_release_or_the_index_lists_it() -> None:
    announcement = looks_without_release(until=420, then=redirect_at(421))
    index = looks_without_release(until=230, then=(240, PRESENT))
    assert lags_of_release_out_at_1_s(announcement, index) == LagsInSeconds(redirect=421 - 1, index=240 - 1)


def test_both_lags_end_when_the_announcement_redirects_if_the_index_never_lists_the_release() -> None:
    announcement, index = looks_without_release(until=420, then=redirect_at(421)), looks_without_release(until=410)
    assert lags_of_release_out_at_1_s(announcement, index) == LagsInSeconds(redirect=421 - 1, index=421 - 1)


def test_both_lags_end_when_the_index_lists_the_release_if_the_announcement_never_redirects() -> None:
    # The redirect may have failed for good.
    announcement, index = looks_without_release(until=900), looks_without_release(until=230, then=(240, PRESENT))
    assert lags_of_release_out_at_1_s(announcement, index) == LagsInSeconds(redirect=240 - 1, index=240 - 1)


def test_both_lags_last_until_now_while_neither_announcement_nor_index_shows_the_release() -> None:
    announcement, index = looks_without_release(until=900), looks_without_release(until=900)
    lags = lags_of_release_out_at_1_s(announcement, index, now=300)
    assert lags == LagsInSeconds(redirect=300 - 1, index=300 - 1)


def test_a_lag_ends_with_the_last_look_before_a_long_pause() -> None:
    # After a pause of over two minutes, the announcement or index may have shown the release for long.
    not_looked_at_until_now = looks_without_release(until=300)
    lags = lags_of_release_out_at_1_s(not_looked_at_until_now, looks_without_release(until=290), now=900)
    assert lags == LagsInSeconds(redirect=300 - 1, index=290 - 1)
    redirects_after_a_pause = looks_without_release(until=100, then=redirect_at(900))
    lags = lags_of_release_out_at_1_s(redirects_after_a_pause, looks_without_release(until=90))
    assert lags == LagsInSeconds(redirect=100 - 1, index=DEFAULTS.index)


def test_a_lag_is_never_less_than_its_default() -> None:
    announcement, index = looks_without_release(until=2, then=redirect_at(3)), looks_without_release(until=40)
    assert lags_of_release_out_at_1_s(announcement, index) == DEFAULTS


def test_a_lag_without_any_looks_is_the_default() -> None:
    announcement = looks_without_release(until=420, then=redirect_at(421))
    assert lags_of_release_out_at_1_s(announcement, index=looks()) == LagsInSeconds(421 - 1, DEFAULTS.index)
    assert lags_of_release_out_at_1_s(announcement=looks(), index=looks(), now=100) == DEFAULTS


def test_lags_are_the_defaults_as_long_as_the_release_that_measures_them_is_not_out() -> None:
    announcement, index = looks_without_release(until=420, then=redirect_at(421)), looks_without_release(until=410)
    assert lags_of_release_out_at_1_s(announcement, index, now=0.5) == DEFAULTS


def redirect_lag_of_stamped_page(stamped_at: float | None) -> float:
    """Return the lag of an announcement that redirected at 601 s to a page that looks found only at 602 s.

    `stamped_at` is when the page says that it was first published. None: it does not say.
    """
    stamp = format_version(first_published_at=after_slot(stamped_at))
    page = a_sighting(PRESENT, 602, specific=True, version=stamp)
    announcement, index = looks_without_release(until=600, then=redirect_at(601)), looks_without_release(until=590)
    return longest_lags(900, publication(announcement, index, page, out=602)).redirect


def test_a_redirect_lag_begins_at_the_time_at_which_the_page_says_that_it_was_published() -> None:
    # The announcement redirected at 601 s.
    assert redirect_lag_of_stamped_page(stamped_at=1) == 601 - 1


def test_a_redirect_lag_is_the_default_if_the_page_does_not_say_when_it_was_published() -> None:
    assert redirect_lag_of_stamped_page(stamped_at=None) == DEFAULTS.redirect


@pytest.mark.parametrize("stamped_at", [-1, -700])
def test_a_redirect_lag_is_the_default_if_the_page_says_that_it_was_published_before_its_slot(
    stamped_at: float,
) -> None:
    # A person set such a time by hand, so it does not count. Without it, the page counts as out when it was found.
    assert redirect_lag_of_stamped_page(stamped_at) == DEFAULTS.redirect


def test_a_publication_time_over_15_minutes_before_a_page_was_found_does_not_measure_the_lags() -> None:
    # Lags are how long announcement and index lack a page that is out. By the time that the page states, it was out for
    # over 16 minutes before they showed it. But a person can set that time by hand, so it does not count.
    published_at, found_at = 1, 1002
    stamp = format_version(first_published_at=after_slot(published_at))
    page = a_sighting(PRESENT, found_at, specific=True, version=stamp)
    announcement = looks_without_release(until=1000, then=redirect_at(1001))
    index = looks_without_release(until=990)
    assert longest_lags(2000, publication(announcement, index, page, out=found_at)) == DEFAULTS


SHOWN_7_MINUTES_LATE = publication(looks_without_release(until=420, then=redirect_at(421)), looks_without_release(410))
NOT_SHOWN_FOR_15_MINUTES = publication(looks_without_release(until=900), looks_without_release(until=900))


@pytest.mark.parametrize(
    ("other_slot", "expected_lag"),
    [(-9000, 420), (9000, 420), (-86_400, DEFAULTS.redirect), (86_400, DEFAULTS.redirect)],
)
def test_only_the_lags_of_releases_of_the_same_day_count(other_slot: float, expected_lag: float) -> None:
    lags = longest_lags(900, replace(SHOWN_7_MINUTES_LATE, slot=after_slot(other_slot)))
    assert lags.redirect == expected_lag


def test_each_of_the_two_lags_is_the_longest_that_any_release_of_the_day_measured() -> None:
    four_minutes = publication(
        announcement=looks_without_release(until=240, then=redirect_at(241)),
        index=looks_without_release(until=235, then=(241, PRESENT)),
        release="second",
    )
    seven_minutes = publication(
        announcement=looks_without_release(until=420, then=redirect_at(421)),
        index=looks_without_release(until=420, then=(421, PRESENT)),
    )
    lags = longest_lags(900, four_minutes, seven_minutes, four_minutes)
    assert lags == LagsInSeconds(redirect=7 * 60, index=7 * 60)


def verdict_by_announcement_and_index(
    *, now: float, not_shown_until: float = 3000, page: Sequence[Look] = (), other_release: Publication | None = None
) -> Verdict:
    """Return the verdict on a release at an unknown address, which its announcement and the index did not show.

    Another release of the day measures how far announcements and index are behind.
    """
    return judged(
        now,
        {
            "page": looks((-1, ABSENT), (60, ABSENT), *page, specific=True),
            "announcement/origin": looks_without_release(not_shown_until),
            "index/origin": looks_without_release(not_shown_until, begin=45),
        },
        release=a_release(url=GUESS, address=Address.FOUND if page else Address.GUESSED, link=f"{GUESS}/x"),
        published=[] if other_release is None else [other_release],
    )


def test_a_release_that_announcement_and_index_lack_is_overdue_after_tolerance_and_default_lag() -> None:
    # The tolerance is 60 s, and the longer default lag 120 s.
    verdict = verdict_by_announcement_and_index(now=60 + 120 + 20)
    assert verdict.verdict is VerdictKind.OVERDUE
    assert verdict.due is None


def test_a_release_is_pending_while_it_may_be_shown_as_late_as_another_release_of_the_day() -> None:
    # Announcement and index showed another release only after 7 minutes. This one may come within the tolerance, 60 s.
    for now in (200, 60 + 7 * 60):
        verdict = verdict_by_announcement_and_index(now=now, other_release=SHOWN_7_MINUTES_LATE)
        assert verdict.verdict is VerdictKind.PENDING
        assert verdict.due.is_confirming


def test_a_release_is_overdue_once_it_is_not_shown_for_longer_than_another_release_of_the_day() -> None:
    # Announcement and index showed another release only after 7 minutes. This one may come within the tolerance, 60 s.
    verdict = verdict_by_announcement_and_index(now=60 + 7 * 60 + 20, other_release=SHOWN_7_MINUTES_LATE)
    assert verdict.verdict is VerdictKind.OVERDUE
    assert verdict.due is None


def test_a_release_is_pending_while_another_release_that_is_out_is_not_shown_either() -> None:
    # For 15 minutes announcement and index have not shown the other release. So they may lack this one for as long.
    verdict = verdict_by_announcement_and_index(now=880, other_release=NOT_SHOWN_FOR_15_MINUTES)
    assert verdict.verdict is VerdictKind.PENDING
    assert verdict.due.is_confirming


def test_a_release_of_another_day_that_was_shown_late_does_not_delay_the_verdict() -> None:
    shown_late_the_day_before = replace(SHOWN_7_MINUTES_LATE, slot=SLOT - DAY)
    verdict = verdict_by_announcement_and_index(now=60 + 120 + 20, other_release=shown_late_the_day_before)
    assert verdict.verdict is VerdictKind.OVERDUE
    assert verdict.due is None


def test_a_release_found_late_is_unproven_if_another_one_of_the_day_was_shown_even_later() -> None:
    # The page was found 300 s after its slot. Announcement and index lacked it until 299 s. If they are 7 minutes
    # behind, as they were for another release, this one may have come at its slot.
    found_late = {"now": 500, "not_shown_until": 299, "page": [(300, PRESENT), (310, PRESENT)]}
    by_default_lags = verdict_by_announcement_and_index(**found_late)
    by_lags_of_day = verdict_by_announcement_and_index(**found_late, other_release=SHOWN_7_MINUTES_LATE)
    assert (by_default_lags.verdict, by_default_lags.lags) == (VerdictKind.LATE, DEFAULT_LAGS)
    assert by_lags_of_day.verdict is VerdictKind.UNPROVEN
    assert by_lags_of_day.lags == Lags(redirect=timedelta(minutes=7), index=timedelta(minutes=7))
    assert "still announced 7 min after it was out" in by_lags_of_day.unproven_because


def test_an_explanation_says_by_how_much_another_release_of_the_day_was_shown_late() -> None:
    # Announcement and index lack this release. Another one of the day they showed 7 minutes after it was out. So
    # they may lack this one for as long.
    seen = {"announcement/origin": looks_without_release(until=450), "index/origin": looks_without_release(until=450)}
    release = a_release(url=GUESS, address=Address.GUESSED, link=f"{GUESS}/x")
    explanation = explained(450, seen, release=release, published=[SHOWN_7_MINUTES_LATE])
    policy_facts = [fact.text for fact in explanation.facts if fact.kind == "policy"]
    assert any("still announced 7 min after it was out" in text for text in policy_facts)


def test_a_release_overdue_by_announcement_and_index_is_judged_again_at_the_next_full_minute() -> None:
    # By then another release of the day may show that announcement and index are behind. Then this one may be in time.
    verdict = verdict_by_announcement_and_index(now=5 * 60 + 10)
    assert verdict.verdict is VerdictKind.OVERDUE
    assert verdict.revisit == after_slot(6 * 60)


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
def test_a_release_stays_late_if_one_of_the_other_releases_of_the_day_is_not_known(
    now: int, seen: dict[str, Looks], others: list[Publication]
) -> None:
    # No calendar names the address of the release. So it counts as absent while its announcement and the index lack it,
    # except for some time by which they may be behind. Each other release can only lengthen that time.
    release = a_release(url=GUESS, address=Address.LED_TO, link=f"{GUESS}/announcement")
    verdicts = [
        judged(now, seen, release=release, published=others[:known]).verdict for known in range(len(others) + 1)
    ]
    for with_one_less, with_one_more in pairwise(verdicts):
        if with_one_more in LATE_VERDICTS:
            assert with_one_less in LATE_VERDICTS
