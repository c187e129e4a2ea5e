"""What an announcement and a listing prove of a release whose page may be at another address than
its guess. A number is an instant in seconds after the slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from monitor.judge.runs import Run
from monitor.judge.witnesses import DEFAULT_LAGS, Lags, Witnesses, read_witnesses
from monitor.look.redirect import REDIRECTED
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, a_run, looks

REDIRECT_LAG, LISTING_LAG = 30, 120
"""So many seconds after its release, an announcement may redirect to it, and a listing may show
it.
"""


def looks_without_release(*when: float) -> list[Run]:
    """Return the runs of looks that found a release still announced, or not listed."""
    return looks(*((one, ABSENT) for one in when)).runs("announcement/origin")


def read_witnesses_at(
    now: float, announcement: Sequence[Run], listing: Sequence[Run] = (), lags: Lags = DEFAULT_LAGS
) -> Witnesses:
    return read_witnesses(
        "r",
        {"r/announcement/origin": announcement, "r/index/origin": listing},
        after_slot(now),
        lags,
    )


def witnesses(
    *,
    last_announced: float | None,
    last_unlisted: float | None,
    redirects: bool,
    watched_since: float = -600,
) -> Witnesses:
    """Return witnesses that last showed the release announced, and last did not list it, at these
    instants. `watched_since` is the first look at the announcement.
    """
    announced, unlisted = after_slot(last_announced), after_slot(last_unlisted)
    return Witnesses(
        announced, unlisted, redirects=redirects, watched_since=after_slot(watched_since)
    )


@pytest.mark.parametrize(("redirect_lag", "listing_lag"), [(REDIRECT_LAG, LISTING_LAG), (60, 240)])
@pytest.mark.parametrize(("last_announced", "last_unlisted"), [(200, 290), (200, 250), (290, 300)])
def test_absence_is_proved_until_one_lag_before_last_looks(
    last_announced: float, last_unlisted: float, redirect_lag: float, listing_lag: float
) -> None:
    """An announcement redirects to its release up to 30 s or 60 s after it is out: its lag. A
    listing shows it up to 120 s or 240 s late. So each proves absence until its last look without
    the release, less its lag: for example 290 - 120 = 170 s. Either may fail to show the release,
    so both must prove it: the earlier instant counts.
    """
    announcement, listing = (
        looks_without_release(0, last_announced),
        looks_without_release(0, last_unlisted),
    )
    lags = Lags(redirect=timedelta(seconds=redirect_lag), index=timedelta(seconds=listing_lag))
    both = read_witnesses_at(now=300, announcement=announcement, listing=listing, lags=lags)
    absent_by_announcement, absent_by_listing = (
        last_announced - redirect_lag,
        last_unlisted - listing_lag,
    )
    assert both.absent_by_both == after_slot(min(absent_by_announcement, absent_by_listing))


@pytest.mark.parametrize(("absent_until", "proved_until"), [(39, None), (40, 40)])
def test_announcement_and_listing_prove_no_absence_before_announcement_was_read(
    absent_until: float, proved_until: float | None
) -> None:
    """The announcement was first read at 40 s. Before that, the release may have been public and
    removed again. So nothing is proved about an earlier instant. If announcement and listing prove
    absence until 40 s, that counts. If they prove it only until 39 s, nothing is proved (None).
    """
    # Each may be behind the release by its lag. So it must lack the release for this lag longer to
    # prove absence.
    announcement_first_read = 40
    announcement = looks_without_release(announcement_first_read, absent_until + REDIRECT_LAG)
    # its first look does not matter
    listing = looks_without_release(120, absent_until + LISTING_LAG)
    both = read_witnesses_at(now=300, announcement=announcement, listing=listing)
    assert both.absent_by_both == after_slot(proved_until)


def test_listing_proves_no_absence_if_announcement_was_never_read() -> None:
    """A listing lacked the release at 120 s and at 160 s. But its announcement was never read, and
    both must prove absence. So nothing is proved (None).
    """
    listing = looks_without_release(120, 160)
    listing_only = read_witnesses_at(now=300, announcement=[], listing=listing)
    assert listing_only.absent_by_both is None


@pytest.mark.parametrize(("now", "announced"), [(100, 100), (30, 30), (-1, None)])
def test_looks_after_now_are_not_known_yet(now: float, announced: float | None) -> None:
    """Looks from 0 s to 200 s found the release still announced. As of 100 s (`now`), that is known
    until 100 s. As of 30 s, it is known until 30 s. As of -1 s there was no look yet, so nothing is
    known (None).
    """
    witnesses_at_now = read_witnesses_at(now, announcement=looks_without_release(0, 200))
    # `announced` is the last look known to have found the release still announced.
    assert witnesses_at_now.announced == after_slot(announced)


@pytest.mark.parametrize(("now", "redirects"), [(59.0, False), (60.0, True)])
def test_redirect_after_now_is_not_known_yet(now: float, *, redirects: bool) -> None:
    """The announcement redirected to the release at 60 s.

    As of 59 s that is not known yet, as of 60 s it is.
    """
    redirected = a_run("announcement/origin", UNKNOWN, 60, why=REDIRECTED)
    assert read_witnesses_at(now, announcement=[redirected]).redirects is redirects


@pytest.mark.parametrize(
    ("why", "last_announced", "redirects"),
    [(REDIRECTED, 0, True), ("timeout", 120, False)],
    ids=[
        "redirect: the release was out, so the announcement at 120 s was an old copy",
        "failed look",
    ],
)
def test_announcement_shown_again_proves_absence_unless_it_redirected(
    why: str, last_announced: float, *, redirects: bool
) -> None:
    """The announcement still announced the release at 0 s, and again at 120 s.

    In between, at 60 s, it did not.
    - If it redirected at 60 s, the release was out. So the answer at 120 s was an old copy. Only 0
      s counts.
    - If the look at 60 s only failed (“timeout”), the answer at 120 s counts.
    """
    at_60_s = a_run("announcement/origin", UNKNOWN, 60, why=why)
    announcement = [*looks_without_release(-60, 0), at_60_s, *looks_without_release(120)]
    # There is no listing (None). The first look at the announcement was at -60 s.
    expected = witnesses(
        last_announced=last_announced, last_unlisted=None, redirects=redirects, watched_since=-60
    )
    assert read_witnesses_at(now=300, announcement=announcement) == expected


def test_listing_that_has_shown_the_release_proves_nothing_later() -> None:
    """The listing lacked the release at 0 s, showed it at 60 s, and lacked it again at 600 s. The
    release was out by 60 s, so the absence at 600 s proves nothing. The last absence that counts
    (`unlisted`) is that at 0 s.
    """
    last_unlisted, listed, unlisted_again = 0, 60, 600
    listing = looks((last_unlisted, ABSENT), (listed, PRESENT), (unlisted_again, ABSENT)).runs(
        "index/origin"
    )
    announcement = looks_without_release(-600)  # plays no part here
    witnesses_at_900 = read_witnesses_at(now=900, announcement=announcement, listing=listing)
    assert witnesses_at_900.unlisted == after_slot(last_unlisted)


@pytest.mark.parametrize(("last_announced", "last_unlisted"), [(130, 320), (230, 220)])
def test_absence_is_proved_until_earlier_instant_of_two_witnesses(
    last_announced: float, last_unlisted: float
) -> None:
    """An announcement may be 30 s behind its release, and a listing 120 s. So each proves absence
    until its last look without the release, less this lag. This announcement never redirected, so
    both must prove it. The earlier counts:
    - Announced at 130 s, unlisted at 320 s: until 130 - 30 = 100 s and 320 - 120 = 200 s. So 100 s
      counts.
    - Announced at 230 s, unlisted at 220 s: until 230 - 30 = 200 s and 220 - 120 = 100 s. So 100 s
      counts.
    """
    both = witnesses(last_announced=last_announced, last_unlisted=last_unlisted, redirects=False)
    # The two lags are 30 s and 120 s.
    proved_absent = min(last_announced - REDIRECT_LAG, last_unlisted - LISTING_LAG)
    assert both.absent_until(SLOT) == after_slot(proved_absent)


@pytest.mark.parametrize(
    ("last_announced", "last_unlisted", "redirects"),
    [(130, None, False), (None, 220, True)],
    ids=["announcement whose redirect may be broken", "listing"],
)
def test_announcement_or_listing_alone_proves_no_absence(
    last_announced: float | None, last_unlisted: float | None, *, redirects: bool
) -> None:
    """An announcement still announced the release at 130 s. But it never redirected, so its
    redirect may be broken. Without a listing (None), it proves nothing. A listing lacked the
    release at 220 s. Without an announcement (None), that proves nothing either: a listing may
    leave a release out.
    """
    one = witnesses(last_announced=last_announced, last_unlisted=last_unlisted, redirects=redirects)
    assert one.absent_until(SLOT) is None


@pytest.mark.parametrize(("last_announced", "proved_absent"), [(130, 0), (-70, -70 - REDIRECT_LAG)])
def test_redirected_announcement_alone_proves_absence_until_slot(
    last_announced: float, proved_absent: float
) -> None:
    """This announcement redirected to its release later, so its redirect works. There is no listing
    (None). The announcement may be 30 s behind the release, so it proves absence until 30 s before
    its last look without it.
    - Last look at -70 s: until -70 - 30 = -100 s.
    - Last look at 130 s: only until the slot, at 0 s. For later instants, a listing is needed too.
    """
    announcement_only = witnesses(last_announced=last_announced, last_unlisted=None, redirects=True)
    assert announcement_only.absent_until(SLOT) == after_slot(proved_absent)


@pytest.mark.parametrize(
    ("last_announced", "last_unlisted", "proved_absent"),
    [(130, 20, 0), (230, 220, 220 - LISTING_LAG)],
)
def test_absence_after_slot_needs_a_listing(
    last_announced: float, last_unlisted: float, proved_absent: float
) -> None:
    """This announcement redirected later, so its redirect works. It proves absence alone, but only
    until the slot, at 0 s. After the slot, the listing must prove it too. The listing may be 120 s
    behind the release.
    - Listing without the release at 20 s: until 20 - 120 = -100 s. So the announcement counts,
      until 0 s.
    - Listing without the release at 220 s: until 220 - 120 = 100 s, after the slot. So 100 s
      counts.
    """
    both = witnesses(last_announced=last_announced, last_unlisted=last_unlisted, redirects=True)
    assert both.absent_until(SLOT) == after_slot(proved_absent)


@pytest.mark.parametrize(("unlisted", "proved_until"), [(None, None), (170, 170 - LISTING_LAG)])
def test_announcement_first_read_after_slot_needs_a_listing(
    unlisted: float | None, proved_until: float | None
) -> None:
    """This announcement was first read 40 s after the slot. Before that, the release may have been
    public and removed. So the announcement alone proves no absence at the slot, and none without a
    listing (None). A listing that lacked it at 170 s may be 120 s behind. So it proves absence
    until 170 - 120 = 50 s.
    """
    read_late = witnesses(
        last_announced=130, last_unlisted=unlisted, redirects=True, watched_since=40
    )
    assert read_late.absent_until(SLOT) == after_slot(proved_until)


@pytest.mark.parametrize(
    ("last_unlisted", "proved_absent"), [(None, None), (170, 170 - LISTING_LAG)]
)
def test_without_slot_announcement_and_listing_must_prove_absence(
    last_unlisted: float | None, proved_absent: float | None
) -> None:
    """An announcement alone can prove absence only until the slot. But this release has no slot
    (None). So its announcement, which lacked it until 130 s, proves nothing without a listing
    (None). A listing that lacked it until 170 s may be 120 s behind. So it proves absence until 170
    - 120 = 50 s.
    """
    both = witnesses(last_announced=130, last_unlisted=last_unlisted, redirects=True)
    assert both.absent_until(None) == after_slot(proved_absent)
