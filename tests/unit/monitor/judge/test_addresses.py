"""Evidence never crosses addresses: what was seen at one address proves nothing about another. A number is an instant
in seconds after the slot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from monitor.judge.runs import Run
from monitor.judge.verdict import Verdict
from monitor.look.recognise.version import format_version
from monitor.look.redirect import REDIRECTED
from schedules.announcement import Address, Origin, Part, Role
from schedules.contract.verdict import VerdictKind
from schedules.times.interval import Bounds
from tests.worlds.instants import after_slot, at, seconds_at
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, Look, Looks, a_sighting, looks
from tests.worlds.releases import a_release
from tests.worlds.verdicts import judged

OLD, NEW = "https://www.gov.uk/government/statistics/claims", "https://www.gov.uk/government/statistics/claims--2"
Seen = Mapping[str, Sequence[Run] | Looks]


def looks_at(url: str, *each: Look) -> Looks:
    """Return looks at an address, where what is present is of this edition."""
    return looks(*each, address=url, specific=True)


def verdict_on_page_at(url: str, seen: Seen, *parts: Part, now: float = 200, **fields: object) -> Verdict:
    """Return the verdict on a release whose page has this address."""
    return judged(now, seen, release=a_release(*parts, url=url, **fields))


def test_look_at_another_address_begins_a_run() -> None:
    """One look at the address OLD and two at NEW found the page absent. So these are two runs."""
    at_old = a_sighting(ABSENT, -5, address=OLD)
    at_new = [a_sighting(ABSENT, when, address=NEW) for when in (-4, -3)]
    runs = looks(at_old, *at_new).runs("page")
    assert [(run.address, run.looks) for run in runs] == [(OLD, 1), (NEW, 2)]


@pytest.mark.parametrize(
    ("absent_at", "verdict", "last_absent"), [(NEW, VerdictKind.LATE, 70), (OLD, VerdictKind.UNPROVEN, None)]
)
def test_absence_proves_page_late_only_at_its_own_address(
    absent_at: str, verdict: VerdictKind, last_absent: float | None
) -> None:
    """The page was seen at NEW from 75 s on, and the tolerance is 60 s. If NEW lacked it until 70 s, it is late. If
    only OLD, its former address, lacked it until 70 s, it may have been at NEW all the time."""
    absent = [a_sighting(ABSENT, when, address=absent_at) for when in (-1, 70)]
    # Content that is `specific` to this edition counts even without an absence before it at its address.
    present = [a_sighting(PRESENT, when, address=NEW, specific=True) for when in (75, 80)]
    found = verdict_on_page_at(NEW, {"page": looks(*absent, *present)})
    assert (found.verdict, found.page.released.after) == (verdict, after_slot(last_absent))


def test_absence_seen_at_copy_dates_page_at_same_address() -> None:
    """NEW was first watched as the address of a copy: absent 2 s before the slot, present at 3 s. Then NEW became the
    address of the page. So the page too was absent at -2 s, and is on time."""
    looks_at_copy = looks_at(NEW, (-2, ABSENT), (3, PRESENT))
    looks_at_page = looks_at(NEW, (5, PRESENT))
    verdict = verdict_on_page_at(NEW, {"elsewhere-1": looks_at_copy, "page": looks_at_page})
    assert (verdict.verdict, verdict.page.released.after) == (VerdictKind.ON_TIME, after_slot(-2))


def test_early_presence_at_former_page_address_exposes_the_copy_there() -> None:
    """The page was at OLD: absent at -900 s, and public at -600 s, before its slot. Then it moved to NEW, and OLD is
    now the address of a copy. So that copy was public early, from a time after -900 s on."""
    page_at_old = looks_at(OLD, (-900, ABSENT), (-600, PRESENT), (-300, ABSENT)).runs("page")
    page_at_new = looks_at(NEW, (-1, ABSENT), (2, PRESENT)).runs("page")
    copy_at_old = Part("elsewhere-1", Role.ALTERNATIVE, OLD, required=False, origin=Origin.ELSEWHERE)
    verdict = verdict_on_page_at(NEW, {"page": [*page_at_old, *page_at_new]}, copy_at_old)
    assert verdict.verdict is VerdictKind.EARLY
    (exposure,) = verdict.exposures
    assert (exposure.part, exposure.start.after) == (copy_at_old.id, after_slot(-900))


def test_looks_at_page_do_not_count_for_figures_on_it() -> None:
    """Figures are recognised by the text “1,234”, for which looks at the page do not search: not seen (None)."""
    figures = Part("figures", Role.DATA, OLD, "text:1,234")
    verdict = verdict_on_page_at(OLD, {"page": looks_at(OLD, (-1, ABSENT), (2, PRESENT))}, figures)
    assert verdict.parts[1].released.by is None


def verdict_at_guessed_address(now: float, **origins: Looks) -> Verdict:
    """Return the verdict on a release that was not seen at OLD, which was guessed from the announcement's address.
    `origins` are looks at the origin views of the announcement, the index and the page."""
    page = looks_at(OLD, (-1, ABSENT), (70, ABSENT), (150, UNKNOWN), (200, ABSENT))
    seen = {"page": page} | {f"{name}/origin": each for name, each in origins.items()}
    return verdict_on_page_at(OLD, seen, now=now, address=Address.GUESSED, link=f"{OLD}/announcement")


@pytest.mark.parametrize(("now", "expected"), [(100, VerdictKind.PENDING), (215, VerdictKind.UNPROVEN)])
def test_release_missing_at_guessed_address_pends_while_index_may_lag(now: float, expected: VerdictKind) -> None:
    """The release was not at its guessed address, but may be elsewhere. It may come until 60 s, evidence may arrive 30
    s later, and the index may be 120 s behind: 210 s in all. So it is pending at 100 s, and unproven at 215 s."""
    assert verdict_at_guessed_address(now).verdict is expected


def test_release_is_overdue_if_both_announcement_and_listing_lack_it() -> None:
    """The address of the page was only guessed, so its absence there proves nothing: it may be elsewhere. The
    announcement, which would redirect to it, and the listing must both prove it absent."""
    announcement = looks_at(f"{OLD}/announcement", (-1, ABSENT), (200, ABSENT))
    # The listing may be 120 s behind. So it proves absence until 200 - 120 = 80 s, past the tolerance of 60 s.
    listing = looks_at("https://www.gov.uk/api/search.json", (200, ABSENT))
    guessed_page = looks_at(OLD, (-1, ABSENT))
    verdict = verdict_at_guessed_address(now=201, announcement=announcement, index=listing, page=guessed_page)
    assert verdict.verdict is VerdictKind.OVERDUE


@pytest.mark.parametrize(
    ("redirect", "early_bound"),
    [([a_sighting(UNKNOWN, 301, why=REDIRECTED)], 0), ([], None)],
    ids=["redirected later", "never redirected"],
)
def test_late_redirect_proves_late_page_was_not_early(redirect: list[Look], early_bound: float | None) -> None:
    """The page was found at 300 s: late. If its announcement redirects to it at 301 s, the redirect works, so an early
    page would have caused one: it was at most 0 s early (`early_bound`). Without it, that is not known (None)."""
    seen = {
        "announcement/origin": looks((-600, ABSENT), (200, ABSENT), *redirect),
        "index/origin": looks((-600, ABSENT), (200, ABSENT)),
        "page": looks_at(NEW, (300, PRESENT)),
    }
    verdict = verdict_on_page_at(NEW, seen, now=400, address=Address.FOUND)
    assert (verdict.verdict, verdict.page.early_bound) == (VerdictKind.LATE, early_bound)


def verdict_on_page_found_at_09_34_02(*, says_published_at: str | None, own_looks: Sequence[Look] = ()) -> Verdict:
    """Return the verdict on a page, due at 09:30, that announcement and listing lacked until 09:33:59. The page says
    when it was first published (None: it does not). `own_looks` are earlier ones at its address."""
    last_absent, redirected, found_at = seconds_at("09:33:59"), seconds_at("09:34"), seconds_at("09:34:02")
    publication = None if says_published_at is None else at(says_published_at)
    version = format_version(first_published_at=publication)
    absent = [(-600, ABSENT), (last_absent, ABSENT)]
    seen = {
        "announcement/origin": looks(*absent, a_sighting(UNKNOWN, redirected, why=REDIRECTED)),
        "index/origin": looks(*absent),
        "page": looks_at(NEW, *own_looks, a_sighting(PRESENT, found_at, address=NEW, specific=True, version=version)),
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
    ids=["early", "on time", "just in time", "late", "not said", "by hand: midnight", "by hand: the day before"],
)
def test_page_found_late_may_be_in_time_by_its_own_words(says_published_at: str | None, expected: VerdictKind) -> None:
    """The page was found at 09:34:02. Announcement and listing lacked it until 09:33:59, but may be behind. If the page
    says that it came by 09:31, in time, that may be true. A time set by hand, such as midnight, is ignored."""
    assert verdict_on_page_found_at_09_34_02(says_published_at=says_published_at).verdict is expected


def test_page_came_between_stated_time_and_when_it_was_found() -> None:
    """The page was found at 09:34:02, but says that it came at 09:30:01. Announcement and listing lacked it until
    09:33:59, but may be behind. So it came 1 s to 242 s after its slot, 09:30."""
    verdict = verdict_on_page_found_at_09_34_02(says_published_at="09:30:01")
    least_after_slot, most_after_slot = 1, 4 * 60 + 2  # the slot is 09:30
    assert verdict.page.delay == Bounds(least_after_slot, most_after_slot)
    # Either may be true, so the verdict gives both times as its reason.
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert "09:30:01" in verdict.unproven_because
    assert "09:34:02" in verdict.unproven_because


def test_absence_at_page_itself_outweighs_the_time_it_states() -> None:
    """The page says 09:30:01. But a look at its own address, which cannot be behind, found it absent at 09:33:20."""
    absent_at_09_33_20 = a_sighting(ABSENT, seconds_at("09:33:20"), address=NEW)
    verdict = verdict_on_page_found_at_09_34_02(says_published_at="09:30:01", own_looks=[absent_at_09_33_20])
    assert verdict.verdict is VerdictKind.LATE
