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
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, Look, Looks, a_sighting, looks
from tests.worlds.releases import a_release
from tests.worlds.verdicts import judged

OLD, NEW = "https://www.gov.uk/government/statistics/claims", "https://www.gov.uk/government/statistics/claims--2"
Seen = Mapping[str, Sequence[Run] | Looks]


def looks_at(url: str, *each: Look) -> Looks:
    """Return looks at an address, where what is present is of this edition."""
    return looks(*each, address=url, specific=True)


def verdict_at(url: str, seen: Seen, *parts: Part, now: float = 200, **fields: object) -> Verdict:
    """Return the verdict on a release whose page has this address."""
    return judged(now, seen, release=a_release(*parts, url=url, **fields))


def test_a_look_at_another_address_begins_a_run() -> None:
    each = [a_sighting(ABSENT, when, address=url) for when, url in ((-5, OLD), (-4, NEW), (-3, NEW))]
    assert [(run.address, run.looks) for run in looks(*each).runs("page")] == [(OLD, 1), (NEW, 2)]


@pytest.mark.parametrize(
    ("address_of_absence", "expected", "released_after"),
    [(OLD, VerdictKind.UNPROVEN, None), (NEW, VerdictKind.LATE, 70)],
    ids=["another", "its own"],
)
def test_an_absence_dates_the_release_only_at_its_own_address(
    address_of_absence: str, expected: VerdictKind, released_after: float | None
) -> None:
    # The page is at NEW. An absence there at 70 s is past the tolerance of 60 s, so the release is late. At OLD it
    # proves nothing.
    absent = [a_sighting(ABSENT, when, address=address_of_absence) for when in (-1, 70)]
    # Content that is `specific` to this edition counts even without an absence before it at its address.
    present = [a_sighting(PRESENT, when, address=NEW, specific=True) for when in (75, 80)]
    verdict = verdict_at(NEW, {"page": looks(*absent, *present)})
    # If `released_after` is None, so is `after`: then no absence is proved.
    assert (verdict.verdict, verdict.page.released.after) == (expected, after_slot(released_after))


def test_a_page_takes_over_the_looks_at_its_address_that_were_made_because_a_listing_showed_it() -> None:
    # Looks at an address shown by a listing are stored as those of a part elsewhere.
    looks_by_listing = looks_at(NEW, (-2, ABSENT), (3, PRESENT))
    verdict = verdict_at(NEW, {"elsewhere-1": looks_by_listing, "page": looks_at(NEW, (5, PRESENT))})
    assert (verdict.verdict, verdict.page.released.after) == (VerdictKind.ON_TIME, after_slot(-2))


def test_an_early_presence_at_the_old_address_of_a_page_is_an_exposure_of_a_copy_found_there_later() -> None:
    # The page was present early at OLD, and its address then became NEW. Later a listing shows the title at OLD. So
    # OLD is also the address of a copy of the release, a part with the origin ELSEWHERE. The copy takes over the
    # looks that were made at OLD for the page. `verdict_at` is given NEW, which is the address of the page now.
    before = looks_at(OLD, (-900, ABSENT), (-600, PRESENT), (-300, ABSENT)).runs("page")
    since = looks_at(NEW, (-1, ABSENT), (2, PRESENT)).runs("page")
    copy = Part("elsewhere-1", Role.ALTERNATIVE, OLD, required=False, origin=Origin.ELSEWHERE)
    verdict = verdict_at(NEW, {"page": [*before, *since]}, copy)
    assert verdict.verdict is VerdictKind.EARLY
    assert [(one.part, one.start.after) for one in verdict.exposures] == [("elsewhere-1", after_slot(-900))]


def test_another_part_at_the_same_address_keeps_its_own_runs() -> None:
    # The figures are recognised by the text “1,234”. Looks that show the page need not show that text.
    figures = Part("figures", Role.DATA, OLD, "text:1,234")
    verdict = verdict_at(OLD, {"page": looks_at(OLD, (-1, ABSENT), (2, PRESENT))}, figures)
    assert verdict.parts[1].released.by is None


def verdict_at_guess(now: float, **witnesses: Looks) -> Verdict:
    """Return the verdict on a release that was not seen at an address guessed from its announcement's."""
    page = looks_at(OLD, (-1, ABSENT), (70, ABSENT), (150, UNKNOWN), (200, ABSENT))
    seen = {"page": page} | {f"{name}/origin": each for name, each in witnesses.items()}
    return verdict_at(OLD, seen, now=now, address=Address.GUESSED, link=f"{OLD}/announcement")


@pytest.mark.parametrize(("now", "expected"), [(100, VerdictKind.PENDING), (215, VerdictKind.UNPROVEN)])
def test_a_release_not_seen_at_its_guessed_address_is_pending_while_the_index_may_be_behind(
    now: float, expected: VerdictKind
) -> None:
    # It may come until 60 s after its slot, evidence may arrive 30 s later, and the index may lag by 120 s.
    # That is 210 s in all.
    assert verdict_at_guess(now).verdict is expected


def test_a_release_at_an_unknown_address_is_overdue_once_announcement_and_listing_prove_it_absent() -> None:
    # The listing may lag by 120 s, so it proves absence until 80 s, past the tolerance of 60 s.
    announcing = looks_at(f"{OLD}/announcement", (-1, ABSENT), (200, ABSENT))
    unlisted = looks_at("https://www.gov.uk/api/search.json", (200, ABSENT))
    # Each keyword is what an origin view showed. OLD is the guessed address: absence there proves nothing.
    at_guess = looks_at(OLD, (-1, ABSENT))
    verdict = verdict_at_guess(201, announcement=announcing, index=unlisted, page=at_guess)
    assert verdict.verdict is VerdictKind.OVERDUE


@pytest.mark.parametrize(("does_redirect", "expected_early_bound"), [(False, None), (True, 0.0)])
def test_a_late_release_is_known_not_to_have_been_early_only_if_its_announcement_redirects_in_the_end(
    expected_early_bound: float | None, *, does_redirect: bool
) -> None:
    # `early_bound` is None if it may have been public at the slot and removed again, which the index does not show.
    # Once the redirect is known to work, an announcement that did not redirect proves that it was not: 0 s early.
    redirect = [a_sighting(UNKNOWN, 301, why=REDIRECTED)] if does_redirect else []
    seen = {
        "announcement/origin": looks((-600, ABSENT), (200, ABSENT), *redirect),
        "index/origin": looks((-600, ABSENT), (200, ABSENT)),
        "page": looks_at(NEW, (300, PRESENT)),
    }
    verdict = verdict_at(NEW, seen, now=400, address=Address.FOUND)
    assert (verdict.verdict, verdict.page.early_bound) == (VerdictKind.LATE, expected_early_bound)


LAST_ABSENT, FOUND_AT = 239, 242


def verdict_on_stamped_release(stamp: float | None, *own: Look) -> Verdict:
    """Return the verdict on a release that its announcement and listing lacked until 239 s after its slot.

    It was found at 242 s. Its publisher says that it was first published at `stamp`. `own` are looks at its address.
    """
    version = {} if stamp is None else {"version": format_version(first_published_at=after_slot(stamp))}
    absent = [(-600, ABSENT), (LAST_ABSENT, ABSENT)]
    seen = {
        "announcement/origin": looks(*absent, a_sighting(UNKNOWN, LAST_ABSENT + 1, why=REDIRECTED)),
        "index/origin": looks(*absent),
        "page": looks_at(NEW, *own, a_sighting(PRESENT, FOUND_AT, address=NEW, specific=True, **version)),
    }
    return verdict_at(NEW, seen, now=400, address=Address.LED_TO)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (1, VerdictKind.UNPROVEN),
        (60, VerdictKind.UNPROVEN),
        (61, VerdictKind.LATE),
        (-120, VerdictKind.UNPROVEN),
        (-34_200, VerdictKind.LATE),
        (-86_400, VerdictKind.LATE),
        (None, VerdictKind.LATE),
    ],
    ids=["on time", "just on time", "late", "early that day", "midnight", "another day", "none"],
)
def test_a_release_is_late_by_its_witnesses_unless_the_publishers_stamp_contradicts_it(
    stamp: float | None, expected: VerdictKind
) -> None:
    # Its witnesses, the announcement and a listing, lacked it until 239 s, but they may lag. `stamp` is when its
    # publisher says that it came. A stamp that is late too contradicts nothing. One of midnight or another day was set
    # by hand.
    assert verdict_on_stamped_release(stamp).verdict is expected


def test_a_release_contradicted_by_the_publishers_stamp_is_unproven_with_both_times() -> None:
    stamp = 1
    verdict = verdict_on_stamped_release(stamp)
    assert verdict.verdict is VerdictKind.UNPROVEN
    assert verdict.page.delay == Bounds(stamp, FOUND_AT)
    # The slot is at 09:30, and the release was found 242 s after it.
    assert "09:30:01" in verdict.unproven_because
    assert "09:34:02" in verdict.unproven_because


def test_the_publishers_stamp_does_not_contradict_an_absence_seen_at_the_page_itself() -> None:
    absent_later = a_sighting(ABSENT, 200, address=NEW)
    assert verdict_on_stamped_release(1, absent_later).verdict is VerdictKind.LATE
