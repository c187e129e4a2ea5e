"""Evidence never crosses addresses: what was seen at one address proves nothing about another. A
number is an instant in seconds after the slot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from monitor.judge.runs import Run
from monitor.judge.verdict import Verdict
from monitor.look.redirect import REDIRECTED
from monitor.look.version import format_version
from schedules.announcement import Address, Origin, Part, Role
from schedules.contract.verdict import VerdictKind
from schedules.times.interval import Bounds
from tests.worlds.instants import after_slot, at, seconds_at
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, Look, Looks, a_sighting, looks
from tests.worlds.releases import a_release
from tests.worlds.verdicts import judged

OLD, NEW = (
    "https://www.gov.uk/government/statistics/claims",
    "https://www.gov.uk/government/statistics/claims--2",
)
Seen = Mapping[str, Sequence[Run] | Looks]


def looks_at(url: str, *each: Look) -> Looks:
    """Return looks at an address, where what is present is of this edition."""
    return looks(*each, address=url, specific=True)


def verdict_on_page_at(
    url: str, seen: Seen, *parts: Part, now: float = 200, **fields: object
) -> Verdict:
    """Return the verdict on a release whose page has this address."""
    return judged(now, seen, release=a_release(*parts, url=url, **fields))


def test_look_at_another_address_begins_a_run() -> None:
    """A page moved from the address OLD to NEW. One look at OLD found it absent, then two looks at
    NEW did. All three answers are the same, but a run has one address. So these are two runs.
    """
    at_old = a_sighting(ABSENT, -5, address=OLD)
    at_new = [a_sighting(ABSENT, when, address=NEW) for when in (-4, -3)]
    runs = looks(at_old, *at_new).runs("page")
    assert [(run.address, run.looks) for run in runs] == [(OLD, 1), (NEW, 2)]


@pytest.mark.parametrize(
    ("absent_at", "verdict", "last_absent"),
    [(NEW, VerdictKind.LATE, 70), (OLD, VerdictKind.UNPROVEN, None)],
)
def test_absence_proves_page_late_only_at_its_own_address(
    absent_at: str, verdict: VerdictKind, last_absent: float | None
) -> None:
    """The page was seen at the address NEW from 75 s on. The tolerance is 60 s.
    - If looks at NEW found it absent until 70 s, it came after that: late.
    - If looks at OLD, its former address, found it absent until 70 s, that proves nothing about
      NEW. No absence at NEW
    is proved (None), so the page may have been there all the time: unproven.
    """
    absent = [a_sighting(ABSENT, when, address=absent_at) for when in (-1, 70)]
    # The content shows that it is of this edition (`specific`). So it counts without an absence
    # before it at NEW.
    present = [a_sighting(PRESENT, when, address=NEW, specific=True) for when in (75, 80)]
    judged_at_new = verdict_on_page_at(NEW, {"page": looks(*absent, *present)})
    assert judged_at_new.verdict is verdict
    assert judged_at_new.page.released.after == after_slot(last_absent)


def test_absence_seen_at_copy_dates_page_at_same_address() -> None:
    """The address NEW was first watched as that of a copy of the page. Looks found it absent 2 s
    before the slot and present 3 s after it. Then NEW became the address of the page itself. What
    was seen at NEW counts for both. So the page was absent at -2 s, and is on time.
    """
    looks_at_copy = looks_at(NEW, (-2, ABSENT), (3, PRESENT))
    looks_at_page = looks_at(NEW, (5, PRESENT))
    verdict = verdict_on_page_at(NEW, {"elsewhere-1": looks_at_copy, "page": looks_at_page})
    assert verdict.verdict is VerdictKind.ON_TIME
    assert verdict.page.released.after == after_slot(-2)


def test_early_presence_at_former_page_address_exposes_the_copy_there() -> None:
    """The page was at OLD: absent at -900 s, public at -600 s, before its slot. Then the page moved
    to NEW, and OLD became the address of a copy of it. So what was seen at OLD counts for the copy:
    early, from after -900 s on.
    """
    page_at_old = looks_at(OLD, (-900, ABSENT), (-600, PRESENT), (-300, ABSENT)).runs("page")
    page_at_new = looks_at(NEW, (-1, ABSENT), (2, PRESENT)).runs("page")
    copy_at_old = Part(
        "elsewhere-1", Role.ALTERNATIVE, OLD, required=False, origin=Origin.ELSEWHERE
    )
    verdict = verdict_on_page_at(NEW, {"page": [*page_at_old, *page_at_new]}, copy_at_old)
    assert verdict.verdict is VerdictKind.EARLY
    (exposure,) = verdict.exposures
    assert (exposure.part, exposure.start.after) == (copy_at_old.id, after_slot(-900))


def test_looks_at_page_do_not_count_for_figures_on_it() -> None:
    """Page and figures are two parts at one address, OLD. The figures are recognised by the text
    “1,234”. Looks at the page showed it at 2 s, but did not search for this text. So the figures
    were not seen (None).
    """
    figures = Part("figures", Role.DATA, OLD, "text:1,234")
    verdict = verdict_on_page_at(OLD, {"page": looks_at(OLD, (-1, ABSENT), (2, PRESENT))}, figures)
    page, judged_figures = verdict.parts
    assert page.released.by == after_slot(2)
    assert judged_figures.released.by is None


def verdict_at_guessed_address(now: float, **origins: Looks) -> Verdict:
    """Return the verdict on a release that was not seen at OLD, which was guessed from the
    announcement's address. `origins` are looks at the origin views of the announcement, the index
    and the page.
    """
    page = looks_at(OLD, (-1, ABSENT), (70, ABSENT), (150, UNKNOWN), (200, ABSENT))
    seen = {"page": page} | {f"{name}/origin": each for name, each in origins.items()}
    return verdict_on_page_at(
        OLD, seen, now=now, address=Address.GUESSED, link=f"{OLD}/announcement"
    )


@pytest.mark.parametrize(
    ("now", "expected"), [(100, VerdictKind.PENDING), (215, VerdictKind.UNPROVEN)]
)
def test_release_missing_at_guessed_address_pends_while_index_may_lag(
    now: float, expected: VerdictKind
) -> None:
    """The release was not at its guessed address, but may be at another one. It may come until 60
    s, evidence may arrive 30 s later, and the index, which may show it, may be 120 s behind: 210 s
    in all. It is pending at 100 s, unproven at 215 s.
    """
    assert verdict_at_guessed_address(now).verdict is expected


def test_release_is_overdue_if_both_announcement_and_listing_lack_it() -> None:
    """The address of the page was only guessed. So its absence there proves nothing: it may be at
    another address. The announcement would redirect to it, and the listing would show it. Both lack
    it, so it is nowhere: overdue.
    """
    announcement = looks_at(f"{OLD}/announcement", (-1, ABSENT), (200, ABSENT))
    # The listing may be 120 s behind. So it proves absence until 200 - 120 = 80 s, which is after
    # the tolerance, 60 s.
    listing = looks_at("https://www.gov.uk/api/search.json", (200, ABSENT))
    guessed_page = looks_at(OLD, (-1, ABSENT))
    verdict = verdict_at_guessed_address(
        now=201, announcement=announcement, index=listing, page=guessed_page
    )
    assert verdict.verdict is VerdictKind.OVERDUE


@pytest.mark.parametrize(
    ("redirect", "early_bound"),
    [([a_sighting(UNKNOWN, 301, why=REDIRECTED)], 0), ([], None)],
    ids=["redirected later", "never redirected"],
)
def test_late_redirect_proves_late_page_was_not_early(
    redirect: list[Look], early_bound: float | None
) -> None:
    """Announcement and listing lacked the page until 200 s.

    It was found at 300 s: late. But was it also public early?
    - If the announcement redirects at 301 s, its redirect works. It would have shown an early page:
      at most 0 s early.
    - If the announcement never redirects, its redirect may be broken. So how early is not known
      (None).
    """
    seen = {
        "announcement/origin": looks((-600, ABSENT), (200, ABSENT), *redirect),
        "index/origin": looks((-600, ABSENT), (200, ABSENT)),
        "page": looks_at(NEW, (300, PRESENT)),
    }
    # `FOUND`: no calendar named this address, it was found by the title of the page.
    verdict = verdict_on_page_at(NEW, seen, now=400, address=Address.FOUND)
    assert (verdict.verdict, verdict.page.early_bound) == (VerdictKind.LATE, early_bound)


@pytest.mark.parametrize("now", [60, 200, 3600])
def test_old_copy_of_page_that_announcement_leads_to_is_no_release(now: float) -> None:
    """The announcement redirects to the page from 14 s on. A cache then shows a page with another
    title, in a copy that was made 2 to 5 s before the slot, when the address had other content. So
    the release is not early. Nor is it late, because the copy may hide it.
    """
    redirect = a_sighting(UNKNOWN, 14, why=REDIRECTED)
    copies = [
        a_sighting(PRESENT, when, address=NEW, age=(when + 2, when + 5)) for when in range(15, 60)
    ]
    seen = {
        "announcement/origin": looks((-600, ABSENT), (13, ABSENT), redirect),
        "page": looks_at(NEW, *copies),
    }
    verdict = verdict_on_page_at(NEW, seen, now=now, address=Address.LED_TO)
    assert verdict.verdict in {VerdictKind.PENDING, VerdictKind.UNPROVEN}
    assert verdict.exposures == ()


def verdict_on_page_found_at_09_34_02(
    *, says_published_at: str | None, own_looks: Sequence[Look] = ()
) -> Verdict:
    """Return the verdict on a page, due at 09:30, that announcement and listing lacked until
    09:33:59. The page says when it was first published (None: it does not). `own_looks` are earlier
    ones at its address.
    """
    last_absent, redirected, found_at = (
        seconds_at("09:33:59"),
        seconds_at("09:34"),
        seconds_at("09:34:02"),
    )
    publication = None if says_published_at is None else at(says_published_at)
    version = format_version(first_published_at=publication)
    absent = [(-600, ABSENT), (last_absent, ABSENT)]
    seen = {
        "announcement/origin": looks(*absent, a_sighting(UNKNOWN, redirected, why=REDIRECTED)),
        "index/origin": looks(*absent),
        "page": looks_at(
            NEW,
            *own_looks,
            a_sighting(PRESENT, found_at, address=NEW, specific=True, version=version),
        ),
    }
    return verdict_on_page_at(NEW, seen, now=400, address=Address.LED_TO)


@pytest.mark.parametrize(
    ("says_published_at", "expected"),
    [
        ("09:28", VerdictKind.UNPROVEN),
        ("09:30:01", VerdictKind.UNPROVEN),
        ("09:31", VerdictKind.UNPROVEN),
        ("09:31:01", VerdictKind.LATE),
        (None, VerdictKind.LATE),
        ("00:00", VerdictKind.LATE),
        ("2018-01-04 09:30", VerdictKind.LATE),
    ],
    ids=[
        "early",
        "on time",
        "just in time",
        "late",
        "not said",
        "by hand: midnight",
        "by hand: the day before",
    ],
)
def test_page_found_late_may_be_in_time_by_its_own_words(
    says_published_at: str | None, expected: VerdictKind
) -> None:
    """The slot is 09:30 and the tolerance a minute. The page was found at 09:34:02. Announcement
    and listing lacked it until 09:33:59, but they may be behind. The page may say when it was
    published.
    - By 09:31, in time: that may be true, so late is unproven.
    - Later, or nothing (None): late.
    - A time that looks set by hand, such as midnight: this is ignored, so late.
    """
    assert (
        verdict_on_page_found_at_09_34_02(says_published_at=says_published_at).verdict is expected
    )


def test_page_came_between_stated_time_and_when_it_was_found() -> None:
    """The slot is 09:30. The page was found at 09:34:02, but says that it was published at
    09:30:01. Announcement and listing lacked it until 09:33:59, but may be behind. So it came 1 s
    to 242 s after its slot.
    """
    verdict = verdict_on_page_found_at_09_34_02(says_published_at="09:30:01")
    least_seconds_late, most_seconds_late = 1, 4 * 60 + 2
    assert verdict.page.delay == Bounds(least_seconds_late, most_seconds_late)
    # It may have been in time or late. So the verdict is unproven, and gives both times as its
    # reason.
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert "09:30:01" in verdict.unproven_because
    assert "09:34:02" in verdict.unproven_because


def test_absence_at_page_itself_outweighs_the_time_it_states() -> None:
    """The slot is 09:30. The page was found at 09:34:02, and says that it was published at
    09:30:01. But a look at its own address, which cannot be behind, found it absent at 09:33:20. So
    it came after that: late.
    """
    absent_at_09_33_20 = a_sighting(ABSENT, seconds_at("09:33:20"), address=NEW)
    verdict = verdict_on_page_found_at_09_34_02(
        says_published_at="09:30:01", own_looks=[absent_at_09_33_20]
    )
    assert verdict.verdict is VerdictKind.LATE
