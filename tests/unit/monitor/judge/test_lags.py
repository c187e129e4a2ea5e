"""How far witnesses were behind, measured by releases that were out, and what that means for others
of the day. A number is an instant in seconds after the slot.
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
from monitor.look.redirect import REDIRECTED
from monitor.look.version import format_version
from schedules.announcement import Address
from schedules.contract.verdict import LATE_VERDICTS, VerdictKind
from tests.worlds.instants import DAY, SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, Look, Looks, a_sighting, looks
from tests.worlds.releases import a_release
from tests.worlds.verdicts import explained, judged, runs_seen

GUESS = "https://www.gov.uk/government/statistics/claims"


def looks_without_release(
    until: float, then: Look | None = None, *, begin: float = -120, every: float = 15
) -> Looks:
    """Return looks at a witness that does not show the release until an instant, and then one other
    look.
    """
    absent_at = [begin + number * every for number in range(int((until - begin) / every) + 1)]
    return looks(
        *((when, ABSENT) for when in absent_at), (until, ABSENT), *([] if then is None else [then])
    )


def announcement(*, stays_until: float, redirects_at: float | None = None) -> Looks:
    """Return looks at an announcement that still announces the release at one look, and redirects
    to it at the next.
    """
    redirect = None if redirects_at is None else a_sighting(UNKNOWN, redirects_at, why=REDIRECTED)
    return looks_without_release(stays_until, redirect)


def index(*, lacks_until: float, lists_at: float | None = None) -> Looks:
    """Return looks at the index of a publisher that lacks the release at one look, and lists it at
    the next.
    """
    return looks_without_release(lacks_until, None if lists_at is None else (lists_at, PRESENT))


def publication(
    announced: Looks,
    listed: Looks,
    page: Look | None = None,
    *,
    out: float = 1,
    release: str = "first",
) -> Publication:
    """Return a release seen out at `out`, with the looks at its announcement and at the index, its
    two witnesses.
    """
    seen = {
        f"{release}/announcement/origin": announced,
        f"{release}/index/origin": listed,
        f"{release}/page/edge": looks() if page is None else looks(page),
    }
    return Publication(release, SLOT, after_slot(out), runs_seen(10_000, seen))


class LagsInSeconds(NamedTuple):
    redirect: float
    index: float


DEFAULTS = LagsInSeconds(DEFAULT_LAGS.redirect.total_seconds(), DEFAULT_LAGS.index.total_seconds())


def longest_lags(now: float, *others: Publication) -> LagsInSeconds:
    lags = measure_longest_lags(others, SLOT, after_slot(now))
    return LagsInSeconds(lags.redirect.total_seconds(), lags.index.total_seconds())


OUT = 1
REDIRECTS_AT_421_S = announcement(stays_until=420, redirects_at=421)
LISTS_AT_240_S = index(lacks_until=230, lists_at=240)
MEASURED = {
    "both show it": (
        900,
        REDIRECTS_AT_421_S,
        LISTS_AT_240_S,
        LagsInSeconds(redirect=421 - OUT, index=240 - OUT),
    ),
    "the index never lists it": (
        900,
        REDIRECTS_AT_421_S,
        index(lacks_until=410),
        LagsInSeconds(421 - OUT, 421 - OUT),
    ),
    "the announcement never redirects": (
        900,
        announcement(stays_until=900),
        LISTS_AT_240_S,
        LagsInSeconds(240 - OUT, 240 - OUT),
    ),
    "neither shows it yet": (
        300,
        announcement(stays_until=900),
        index(lacks_until=900),
        LagsInSeconds(300 - OUT, 300 - OUT),
    ),
}
PAUSED = {
    "not looked at again": (
        900,
        announcement(stays_until=300),
        index(lacks_until=290),
        LagsInSeconds(300 - OUT, 290 - OUT),
    ),
    "redirect seen after a pause": (
        900,
        announcement(stays_until=100, redirects_at=900),
        index(lacks_until=90),
        LagsInSeconds(100 - OUT, DEFAULTS.index),
    ),
}
DEFAULT = {
    "shown sooner": (
        900,
        announcement(stays_until=2, redirects_at=3),
        index(lacks_until=40),
        DEFAULTS,
    ),
    "no look at the index": (
        900,
        REDIRECTS_AT_421_S,
        looks(),
        LagsInSeconds(421 - OUT, DEFAULTS.index),
    ),
    "no looks": (100, looks(), looks(), DEFAULTS),
    "judged before the release is out": (0.5, REDIRECTS_AT_421_S, index(lacks_until=410), DEFAULTS),
}


@pytest.mark.parametrize(
    ("now", "announced", "listed", "expected"), MEASURED.values(), ids=MEASURED
)
def test_lag_lasts_from_release_until_announcement_or_index_shows_it(
    now: float, announced: Looks, listed: Looks, expected: LagsInSeconds
) -> None:
    """A release was out at 1 s.

    Its announcement redirects to it, and the index lists it, but later. This is their lag.
    - Redirected at 421 s, listed at 240 s: the lags are 421 - 1 = 420 s and 240 - 1 = 239 s.
    - Only one of both ever showed the release: this ends both lags. The other may be broken.
    - Neither has shown it: both lags last until `now`.
    """
    release_out_at_1_s = publication(announced, listed, out=1)
    assert longest_lags(now, release_out_at_1_s) == expected


@pytest.mark.parametrize(("now", "announced", "listed", "expected"), PAUSED.values(), ids=PAUSED)
def test_lag_ends_at_last_look_before_a_pause(
    now: float, announced: Looks, listed: Looks, expected: LagsInSeconds
) -> None:
    """A release was out at 1 s. At 100 s its announcement did not redirect to it yet. The next look
    was only at 900 s, and it did. It may have begun to redirect at any time in between. So its lag,
    the time without a redirect, is only 100 - 1 = 99 s for sure. The same is true for the index, if
    it is not looked at for long.
    """
    release_out_at_1_s = publication(announced, listed, out=1)
    assert longest_lags(now, release_out_at_1_s) == expected


@pytest.mark.parametrize(("now", "announced", "listed", "expected"), DEFAULT.values(), ids=DEFAULT)
def test_lag_is_at_least_its_default(
    now: float, announced: Looks, listed: Looks, expected: LagsInSeconds
) -> None:
    """A lag is how long announcement or index (a list) did not show a release that was out. The
    default is 30 s or, for the index, 120 s. It counts if the release was shown sooner, without
    looks, or before it is out.
    """
    release_out_at_1_s = publication(announced, listed, out=1)
    assert longest_lags(now, release_out_at_1_s) == expected


@pytest.mark.parametrize(
    ("stated_at", "found_at", "expected"),
    [
        (1, 602, LagsInSeconds(redirect=601 - 1, index=601 - 1)),
        (None, 602, DEFAULTS),
        (-1, 602, DEFAULTS),
        (-700, 602, DEFAULTS),
        (1, 1002, DEFAULTS),
    ],
    ids=[
        "stated",
        "not stated",
        "stated before its slot",
        "stated long before it",
        "stated over 15 min before found",
    ],
)
def test_lags_begin_at_publication_time_that_page_states(
    stated_at: float | None, found_at: float, expected: LagsInSeconds
) -> None:
    """The page was found at 602 s.

    Its announcement had redirected at 601 s. So there seems to be no lag.
    - But if the page says that it was published at 1 s, both lags are 601 - 1 = 600 s.
    - If it says nothing (None), or a time before the slot, the default lags count.
    - If the page was found at 1002 s, over 15 min after the time that it says, the default lags
      count too.
    """
    states_time = format_version(first_published_at=after_slot(stated_at))
    page = a_sighting(PRESENT, found_at, specific=True, version=states_time)
    announced = announcement(stays_until=found_at - 2, redirects_at=found_at - 1)
    never_listed = index(lacks_until=found_at - 12)  # so the redirect ends both lags
    other_release = publication(announced, never_listed, page, out=found_at)
    measured_at = 2000
    assert longest_lags(measured_at, other_release) == expected


SHOWN_7_MINUTES_LATE = publication(REDIRECTS_AT_421_S, index(lacks_until=410), out=OUT)
NOT_SHOWN_FOR_15_MINUTES = publication(
    announcement(stays_until=900), index(lacks_until=900), out=OUT
)


@pytest.mark.parametrize(
    ("other_slot", "expected_lag"),
    [(-9000, 420), (9000, 420), (-86_400, DEFAULTS.redirect), (86_400, DEFAULTS.redirect)],
    ids=["2.5 h before", "2.5 h after", "the day before", "the day after"],
)
def test_only_lags_of_releases_of_same_day_count(other_slot: float, expected_lag: float) -> None:
    """Another release was still announced 420 s after it was out. This lag counts for our release
    too if both slots are on the same day, here 2.5 h (9000 s) apart. If they are a day (86,400 s)
    apart, the default lag counts.
    """
    shown_420_s_late = replace(SHOWN_7_MINUTES_LATE, slot=after_slot(other_slot))
    measured_at = 900
    lags = longest_lags(measured_at, shown_420_s_late)
    assert lags.redirect == expected_lag


def test_each_lag_is_the_longest_of_the_day() -> None:
    """A lag is how long an announcement or the index (a list) did not show a release that was out,
    here at 1 s. Some releases of the day were shown after 4 minutes, one after 7 minutes. The
    longest lag counts.
    """
    four_minutes = publication(
        announcement(stays_until=240, redirects_at=241),
        index(lacks_until=235, lists_at=241),
        out=1,
        release="second",
    )
    seven_minutes = publication(
        announcement(stays_until=420, redirects_at=421),
        index(lacks_until=420, lists_at=421),
        out=1,
        release="first",
    )
    measured_at = 900
    # The longest one is neither the first nor the last.
    lags = longest_lags(measured_at, four_minutes, seven_minutes, four_minutes)
    assert lags == LagsInSeconds(redirect=7 * 60, index=7 * 60)


def verdict_by_announcement_and_index(
    *,
    now: float,
    not_shown_until: float = 3000,
    page: Sequence[Look] = (),
    other_release: Publication | None = None,
) -> Verdict:
    """Return the verdict on a release at an unknown address, which its announcement and the index
    did not show. Another release of the day measures how far announcements and index are behind.
    """
    return judged(
        now=now,
        seen={
            "page": looks((-1, ABSENT), (60, ABSENT), *page, specific=True),
            "announcement/origin": looks_without_release(not_shown_until),
            "index/origin": looks_without_release(not_shown_until, begin=45),
        },
        release=a_release(
            url=GUESS, address=Address.FOUND if page else Address.GUESSED, link=f"{GUESS}/x"
        ),
        published=[] if other_release is None else [other_release],
    )


TOLERANCE, LONGER_DEFAULT_LAG, SEVEN_MINUTES, NEXT_LOOK = 60, 120, 7 * 60, 20


@pytest.mark.parametrize(
    ("now", "other_release"),
    [
        (TOLERANCE + LONGER_DEFAULT_LAG + NEXT_LOOK, None),
        (
            TOLERANCE + LONGER_DEFAULT_LAG + NEXT_LOOK,
            replace(SHOWN_7_MINUTES_LATE, slot=SLOT - DAY),
        ),
        (TOLERANCE + SEVEN_MINUTES + NEXT_LOOK, SHOWN_7_MINUTES_LATE),
    ],
    ids=["no other release", "other release the day before", "other release shown after 7 minutes"],
)
def test_release_is_overdue_after_tolerance_and_longest_lag(
    now: float, other_release: Publication | None
) -> None:
    """Announcement and index (a list of releases) lack the release at all looks. It may come until
    60 s (the tolerance), and both may be 120 s behind (the default lag). So at the next look after
    60 + 120 s it is overdue. If they were 420 s behind for another release of the day, 420 s count
    instead. The day before does not count.
    """
    verdict = verdict_by_announcement_and_index(now=now, other_release=other_release)
    assert verdict.verdict is VerdictKind.OVERDUE
    assert verdict.due is None  # nothing is awaited any more


@pytest.mark.parametrize(
    ("now", "other_release"),
    [
        (TOLERANCE + LONGER_DEFAULT_LAG + NEXT_LOOK, SHOWN_7_MINUTES_LATE),
        (TOLERANCE + SEVEN_MINUTES, SHOWN_7_MINUTES_LATE),
        (880, NOT_SHOWN_FOR_15_MINUTES),
    ],
)
def test_release_is_pending_within_longest_lag_of_the_day(
    now: float, other_release: Publication
) -> None:
    """Announcement and index (a list of releases) lack this release. They showed another one of the
    day only 420 s after it was out, or not for 15 min. So they may lag as far behind for this one,
    and it may have come in time. It is pending until 60 s (the tolerance) and this lag are over.
    """
    verdict = verdict_by_announcement_and_index(now=now, other_release=other_release)
    assert verdict.verdict is VerdictKind.PENDING
    # People see it as due. Its tolerance is over, so looks are confirming that it is late.
    assert verdict.due.is_confirming


def test_release_found_late_is_unproven_if_another_lagged_longer() -> None:
    """Announcement and index (a list of releases) lacked a page until 299 s.

    It was found at 300 s. 60 s are allowed.
    - By default, they are at most 120 s behind. So the page came after 299 - 120 = 179 s: late.
    - For another release of the day they were 420 s behind. So this page may have come at its slot:
      unproven.
    """
    found_late = {"now": 500, "not_shown_until": 299, "page": [(300, PRESENT), (310, PRESENT)]}
    by_default_lags = verdict_by_announcement_and_index(**found_late)
    assert by_default_lags.verdict is VerdictKind.LATE
    assert by_default_lags.lags == DEFAULT_LAGS
    by_lags_of_day = verdict_by_announcement_and_index(
        **found_late, other_release=SHOWN_7_MINUTES_LATE
    )
    assert by_lags_of_day.verdict is VerdictKind.UNPROVEN
    assert by_lags_of_day.lags == Lags(redirect=timedelta(minutes=7), index=timedelta(minutes=7))
    assert "still announced 7 min after it was out" in by_lags_of_day.unproven_because


def test_explanation_names_lag_of_another_release() -> None:
    """Announcement and index (a list of releases) still lack this release at 450 s. They showed
    another one of the day only 7 minutes after it was out. The verdict depends on that. So a fact
    of the kind “policy” says it.
    """
    seen = {
        "announcement/origin": announcement(stays_until=450),
        "index/origin": index(lacks_until=450),
    }
    release = a_release(url=GUESS, address=Address.GUESSED, link=f"{GUESS}/x")
    explanation = explained(now=450, seen=seen, release=release, published=[SHOWN_7_MINUTES_LATE])
    policy_facts = [fact.text for fact in explanation.facts if fact.kind == "policy"]
    assert any("still announced 7 min after it was out" in text for text in policy_facts)


def test_release_overdue_by_announcement_and_index_is_judged_again_each_minute() -> None:
    """At 310 s, announcement and index (a list of releases) lack the release. They may be 120 s
    behind: it is overdue. But another release may yet show a longer lag. So it is judged again at
    360 s, a full minute.
    """
    verdict = verdict_by_announcement_and_index(now=310)
    assert verdict.verdict is VerdictKind.OVERDUE
    assert verdict.revisit == after_slot(360)


def seen_with_witnesses(
    page: list[Look],
    origin: list[Look],
    announced_until: int,
    unlisted_until: int,
    gap_to_next_look: int,
) -> dict[str, Looks]:
    """Return looks at a page and at its witnesses, whose next looks show the release."""
    return {
        "page": looks(*page, specific=True),
        "page/origin": looks(*origin),
        "announcement/origin": announcement(
            stays_until=announced_until, redirects_at=announced_until + gap_to_next_look
        ),
        "index/origin": index(
            lacks_until=unlisted_until, lists_at=unlisted_until + gap_to_next_look
        ),
    }


def other_publications(last_looks_without_release: list[tuple[int, int]]) -> list[Publication]:
    """Return other releases, each out but not shown until an instant by its announcement and by the
    index.
    """
    return [
        publication(
            announcement(stays_until=announced_until, redirects_at=announced_until + 1),
            index(lacks_until=unlisted_until, lists_at=unlisted_until + 1),
            release=f"other-{number}",
        )
        for number, (announced_until, unlisted_until) in enumerate(last_looks_without_release)
    ]


INSTANTS = st.integers(-100, 1500)
LISTS_OF_LOOKS = st.lists(
    st.tuples(INSTANTS, st.sampled_from([ABSENT, PRESENT, UNKNOWN])),
    max_size=6,
    unique_by=lambda look: look[0],
).map(sorted)
SEEN = st.builds(
    seen_with_witnesses, LISTS_OF_LOOKS, LISTS_OF_LOOKS, INSTANTS, INSTANTS, st.integers(1, 300)
)
OTHERS = st.lists(st.tuples(INSTANTS, INSTANTS), max_size=3).map(other_publications)


@given(st.integers(0, 2000), SEEN, OTHERS)
def test_knowing_one_more_release_never_makes_a_release_late(
    now: int, seen: dict[str, Looks], others: list[Publication]
) -> None:
    """The address of a release is not known, only its announcement and the index, a list of
    releases. Looks are random. Other releases of the day show how far announcement and index are
    behind (their lag). Each one that is known can only make this lag longer. So it may excuse the
    release, but never make it late.
    """
    release = a_release(url=GUESS, address=Address.LED_TO, link=f"{GUESS}/announcement")
    # The first verdict knows no other release (`published`), the next one knows one, and so on.
    verdicts = [
        judged(now, seen, release=release, published=others[:known]).verdict
        for known in range(len(others) + 1)
    ]
    for with_one_less, with_one_more in pairwise(verdicts):
        if with_one_more in LATE_VERDICTS:
            assert with_one_less in LATE_VERDICTS
