"""Evidence never crosses addresses: what was seen at one address proves nothing about another.

A number is an instant in seconds after the slot.
"""

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


def test_a_look_at_another_address_begins_a_run() -> None:
    each = [a_sighting(ABSENT, when, address=url) for when, url in ((-5, OLD), (-4, NEW), (-3, NEW))]
    assert [(run.address, run.looks) for run in looks(*each).runs("page")] == [(OLD, 1), (NEW, 2)]


def verdict_on_page_at_new_address(*, absent_at: str) -> Verdict:
    """Return the verdict on a page that was seen at NEW from 75 s on. An address lacked it until 70 s."""
    absent = [a_sighting(ABSENT, when, address=absent_at) for when in (-1, 70)]
    # Content that is `specific` to this edition counts even without an absence before it at its address.
    present = [a_sighting(PRESENT, when, address=NEW, specific=True) for when in (75, 80)]
    return verdict_on_page_at(NEW, {"page": looks(*absent, *present)})


def test_a_page_is_late_if_its_own_address_lacked_it_after_the_tolerance() -> None:
    # The page was absent until 70 s after its slot. The tolerance is 60 s.
    verdict = verdict_on_page_at_new_address(absent_at=NEW)
    assert (verdict.verdict, verdict.page.released.after) == (VerdictKind.LATE, after_slot(70))


def test_an_absence_at_another_address_does_not_prove_a_page_late() -> None:
    verdict = verdict_on_page_at_new_address(absent_at=OLD)
    # No absence of the page itself is proved, so the earliest time of its release is not known.
    assert (verdict.verdict, verdict.page.released.after) == (VerdictKind.UNPROVEN, None)


def test_an_absence_seen_at_a_copy_elsewhere_dates_the_page_if_both_have_one_address() -> None:
    # NEW was first watched as the address of a copy that a listing showed. Later it became that of the page.
    looks_at_copy = looks_at(NEW, (-2, ABSENT), (3, PRESENT))
    looks_at_page = looks_at(NEW, (5, PRESENT))
    verdict = verdict_on_page_at(NEW, {"elsewhere-1": looks_at_copy, "page": looks_at_page})
    assert (verdict.verdict, verdict.page.released.after) == (VerdictKind.ON_TIME, after_slot(-2))


def test_an_early_presence_at_the_former_address_of_a_page_is_an_exposure_of_the_copy_there() -> None:
    # The page was first watched at OLD, where it was public early, and then at NEW. By now a copy elsewhere is known at
    # OLD. Looks count for the part that has their address now, so those at OLD count for the copy.
    page_at_old = looks_at(OLD, (-900, ABSENT), (-600, PRESENT), (-300, ABSENT)).runs("page")
    page_at_new = looks_at(NEW, (-1, ABSENT), (2, PRESENT)).runs("page")
    copy_at_old = Part("elsewhere-1", Role.ALTERNATIVE, OLD, required=False, origin=Origin.ELSEWHERE)
    verdict = verdict_on_page_at(NEW, {"page": [*page_at_old, *page_at_new]}, copy_at_old)
    assert verdict.verdict is VerdictKind.EARLY
    (exposure,) = verdict.exposures
    assert (exposure.part, exposure.start.after) == (copy_at_old.id, after_slot(-900))


def test_another_part_at_the_same_address_keeps_its_own_runs() -> None:
    # The figures are recognised by the text “1,234”. Looks that show the page need not show that text.
    figures = Part("figures", Role.DATA, OLD, "text:1,234")
    verdict = verdict_on_page_at(OLD, {"page": looks_at(OLD, (-1, ABSENT), (2, PRESENT))}, figures)
    assert verdict.parts[1].released.by is None


def verdict_at_guessed_address(now: float, **origins: Looks) -> Verdict:
    """Return the verdict on a release that was not seen at OLD, which was guessed from the announcement's address.

    `origins` are looks at the origin views of the announcement, the index and the page.
    """
    page = looks_at(OLD, (-1, ABSENT), (70, ABSENT), (150, UNKNOWN), (200, ABSENT))
    seen = {"page": page} | {f"{name}/origin": each for name, each in origins.items()}
    return verdict_on_page_at(OLD, seen, now=now, address=Address.GUESSED, link=f"{OLD}/announcement")


@pytest.mark.parametrize(("now", "expected"), [(100, VerdictKind.PENDING), (215, VerdictKind.UNPROVEN)])
def test_a_release_not_seen_at_its_guessed_address_is_pending_while_the_index_may_be_behind(
    now: float, expected: VerdictKind
) -> None:
    # It may come until 60 s after its slot, evidence may arrive 30 s later, and the index may lag by 120 s.
    # That is 210 s in all.
    assert verdict_at_guessed_address(now).verdict is expected


def test_a_release_is_overdue_at_a_guessed_address_if_announcement_and_listing_lack_it() -> None:
    # The page may be elsewhere than at its guessed address. So the two other pages must prove it absent: its
    # announcement, which would redirect to it, and the search listing.
    announcement = looks_at(f"{OLD}/announcement", (-1, ABSENT), (200, ABSENT))
    # The listing may lag by 120 s. So it proves absence until 200 - 120 = 80 s, past the tolerance of 60 s.
    listing = looks_at("https://www.gov.uk/api/search.json", (200, ABSENT))
    guessed_page = looks_at(OLD, (-1, ABSENT))
    verdict = verdict_at_guessed_address(now=201, announcement=announcement, index=listing, page=guessed_page)
    assert verdict.verdict is VerdictKind.OVERDUE


def verdict_on_page_found_late(announcement: Looks) -> Verdict:
    """Return the verdict on a page that was found at 300 s, and that the listing lacked until 200 s."""
    listing, page = looks((-600, ABSENT), (200, ABSENT)), looks_at(NEW, (300, PRESENT))
    seen = {"announcement/origin": announcement, "index/origin": listing, "page": page}
    return verdict_on_page_at(NEW, seen, now=400, address=Address.FOUND)


def test_a_late_page_was_not_public_before_its_slot_if_its_announcement_redirected_only_later() -> None:
    # The redirect at 301 s works. So as long as the announcement did not redirect, the page was not public. Then
    # `early_bound`, by how many seconds it was early at most, is 0.
    redirect = a_sighting(UNKNOWN, 301, why=REDIRECTED)
    verdict = verdict_on_page_found_late(announcement=looks((-600, ABSENT), (200, ABSENT), redirect))
    assert (verdict.verdict, verdict.page.early_bound) == (VerdictKind.LATE, 0)


def test_a_late_page_may_have_been_public_before_its_slot_if_its_announcement_never_redirected() -> None:
    # Without a redirect, no look rules out that the page was public at its slot and removed again. Then `early_bound`,
    # by how many seconds it was early at most, is not known.
    verdict = verdict_on_page_found_late(announcement=looks((-600, ABSENT), (200, ABSENT)))
    assert (verdict.verdict, verdict.page.early_bound) == (VerdictKind.LATE, None)


def verdict_on_page_found_at_09_34_02(*, says_published_at: str | None, own_looks: Sequence[Look] = ()) -> Verdict:
    """Return the verdict on a page, due at 09:30, that announcement and listing lacked until 09:33:59.

    The page says when it was first published (None: it does not). `own_looks` are earlier ones at its address.
    """
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


@pytest.mark.parametrize("says_published_at", ["09:28", "09:30:01", "09:31"])
def test_a_page_found_late_is_unproven_if_it_says_that_it_was_published_in_time(says_published_at: str) -> None:
    # In time is until 09:31. Announcement and listing lacked the page until 09:33:59, but they may be behind.
    verdict = verdict_on_page_found_at_09_34_02(says_published_at=says_published_at)
    assert verdict.verdict is VerdictKind.UNPROVEN


@pytest.mark.parametrize("says_published_at", ["09:31:01", None])
def test_a_page_found_late_is_late_if_it_does_not_say_that_it_was_published_in_time(
    says_published_at: str | None,
) -> None:
    # In time is until 09:31. Announcement and listing lacked the page until 09:33:59.
    verdict = verdict_on_page_found_at_09_34_02(says_published_at=says_published_at)
    assert verdict.verdict is VerdictKind.LATE


@pytest.mark.parametrize("says_published_at", ["00:00", "2018-01-04 09:30"], ids=["midnight", "the day before"])
def test_a_stated_publication_at_midnight_or_on_the_day_before_leaves_a_late_page_late(
    says_published_at: str,
) -> None:
    # A person set such a time by hand, so it does not count.
    verdict = verdict_on_page_found_at_09_34_02(says_published_at=says_published_at)
    assert verdict.verdict is VerdictKind.LATE


def test_a_page_came_between_when_it_says_that_it_was_published_and_when_it_was_found() -> None:
    verdict = verdict_on_page_found_at_09_34_02(says_published_at="09:30:01")
    # The delay counts from the slot at 09:30.
    least, most = 1, 4 * 60 + 2
    assert verdict.page.delay == Bounds(least, most)
    # Either may be true, so the verdict gives both times as its reason.
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert "09:30:01" in verdict.unproven_because
    assert "09:34:02" in verdict.unproven_because


def test_a_page_that_its_own_address_lacked_is_late_although_it_says_it_was_published_in_time() -> None:
    # A look at the page itself proves its absence. Unlike announcement and listing, the page is not behind.
    absent_at_09_33_20 = a_sighting(ABSENT, seconds_at("09:33:20"), address=NEW)
    verdict = verdict_on_page_found_at_09_34_02(says_published_at="09:30:01", own_looks=[absent_at_09_33_20])
    assert verdict.verdict is VerdictKind.LATE
