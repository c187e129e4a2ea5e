"""What was seen of one part: by which runs, as of when, and what confirms an address that no calendar named.

A number is an instant in seconds after the slot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import pytest

from monitor.judge.case import case_of
from monitor.judge.part_evidence import PartEvidence, gather_evidence
from monitor.judge.policy import Policy
from monitor.judge.runs import Blind
from monitor.plan.targets import View
from schedules.announcement import Address, Origin, Part, Role
from schedules.release import Release
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, EDGE, ORIGIN, PRESENT, UNKNOWN, Look, Looks, looks, seen_by
from tests.worlds.releases import PAGE_URL, SHEET, a_promise, a_release
from tests.worlds.verdicts import runs_seen

API_URL = PAGE_URL.replace("/government", "/api/content/government")


def looks_at_page(*each: Look, **fields: object) -> Looks:
    return looks(*each, **{"address": PAGE_URL, **fields})


def evidence_of(  # noqa: PLR0913 # all facts behind the evidence
    looks_by_target: Mapping[str, Looks],
    *,
    address: Address = Address.ANNOUNCED,
    now: float = 600,
    slot: datetime | None = SLOT,
    blind: Sequence[Blind] = (),
    release: Release | None = None,
    part: Part | None = None,
) -> PartEvidence:
    """Return what was seen of the page, or of another `part`. `address` says how the address of the page is known."""
    whole = release or a_release(address=address)
    promises = [] if slot is None else [a_promise(slot)]
    case = case_of(whole, promises, blind, Policy(), after_slot(now))
    return gather_evidence(case, part or whole.parts[0], runs_seen(10**6, looks_by_target), blind)


@pytest.mark.parametrize(
    ("later_at_edge", "later_at_origin"),
    [([(65, UNKNOWN)], []), ([(65, ABSENT)], []), ([], [(66, ABSENT)])],
    ids=["failed since", "removed", "removed at the origin"],
)
def test_a_part_that_the_last_look_did_not_show_was_seen_until_the_last_look_that_showed_it(
    later_at_edge: list[Look], later_at_origin: list[Look]
) -> None:
    last_shown = 5
    edge = looks_at_page((-10, ABSENT), (last_shown, PRESENT), *later_at_edge)
    origin = looks_at_page(*later_at_origin)
    assert evidence_of({"page": edge, "page/origin": origin}).seen_until == after_slot(last_shown)


@pytest.mark.parametrize(
    ("edge", "origin"),
    [
        ([(-10, ABSENT), (5, PRESENT)], [(-9, ABSENT)]),
        ([(-10, ABSENT), (5, PRESENT), (65, ABSENT), (125, PRESENT)], []),
        ([(-10, ABSENT), (5, ABSENT)], []),
    ],
    ids=["shown by the last look", "shown again", "never shown"],
)
def test_seen_until_is_none_if_the_last_look_showed_the_part_or_no_look_did(
    edge: list[Look], origin: list[Look]
) -> None:
    evidence = evidence_of({"page": looks_at_page(*edge), "page/origin": looks_at_page(*origin)})
    assert evidence.seen_until is None


def appearance_bounds(evidence: PartEvidence) -> list[tuple[datetime | None, datetime | None]]:
    return [(presence.appears.after, presence.appears.by) for presence in evidence.presences]


@pytest.mark.parametrize("seconds_after_slot", [0, 5])
def test_a_page_without_its_title_counts_from_its_slot_on_if_its_announcement_redirected_to_it(
    seconds_after_slot: float,
) -> None:
    # `LED_TO`: the announcement redirected to this address. `specific` is a page that shows the title of its release.
    page_without_title = looks_at_page((seconds_after_slot, PRESENT), specific=False)
    evidence = evidence_of({"page": page_without_title}, address=Address.LED_TO)
    # It was never seen absent, so the earliest time of its appearance is not known.
    assert appearance_bounds(evidence) == [(None, after_slot(seconds_after_slot))]


@pytest.mark.parametrize(("seen_at", "slot"), [(-20, SLOT), (5, None)], ids=["before its slot", "no slot"])
def test_a_page_without_its_title_does_not_count_before_its_slot_or_without_a_slot(
    seen_at: float, slot: datetime | None
) -> None:
    # The announcement redirected to the page, but it may still show an earlier edition.
    page_without_title = looks_at_page((seen_at, PRESENT), specific=False)
    evidence = evidence_of({"page": page_without_title}, address=Address.LED_TO, slot=slot)
    assert appearance_bounds(evidence) == []


@pytest.mark.parametrize("address", [Address.GUESSED, Address.FOUND, Address.ANNOUNCED])
def test_a_page_without_its_title_does_not_count_if_its_announcement_did_not_redirect_to_it(address: Address) -> None:
    # It may be the page of an earlier edition.
    page_without_title = looks_at_page((5, PRESENT), specific=False)
    assert appearance_bounds(evidence_of({"page": page_without_title}, address=address)) == []


def test_an_absence_at_an_address_that_the_announcement_led_to_stays_an_absence() -> None:
    (absence,) = evidence_of({"page": looks_at_page((5, ABSENT))}, address=Address.LED_TO).spells[View.EDGE]
    assert not absence.is_present


@pytest.mark.parametrize(
    "page",
    [
        [(-60, ABSENT), (5, PRESENT)],
        [(-900, ABSENT), (-600, PRESENT), (0, PRESENT), (300, ABSENT)],
        [(-900, ABSENT), (-600, PRESENT)],
    ],
    ids=["came after the slot", "removed after the slot", "came before the slot and stayed"],
)
def test_a_guessed_address_is_confirmed_by_a_release_that_was_not_removed_before_its_slot(
    page: list[Look],
) -> None:
    # `specific`: the page had the title of this release. `is_address_guessed`: it may be at another address.
    evidence = evidence_of({"page": looks_at_page(*page, specific=True)}, address=Address.GUESSED)
    assert not evidence.is_address_guessed


def test_a_guessed_address_from_which_the_release_was_removed_before_its_slot_stays_a_guess() -> None:
    # The release may come at another address.
    page = looks_at_page((-900, ABSENT), (-600, PRESENT), (-300, ABSENT), specific=True)
    assert evidence_of({"page": page}, address=Address.GUESSED).is_address_guessed


def test_a_release_without_a_slot_confirms_its_guessed_address_even_if_it_was_removed() -> None:
    page = looks_at_page((-900, ABSENT), (-600, PRESENT), (-300, ABSENT), specific=True)
    assert not evidence_of({"page": page}, address=Address.GUESSED, slot=None).is_address_guessed


def test_the_address_of_a_page_without_looks_is_a_guess_unless_a_calendar_named_it() -> None:
    no_looks: dict[str, Looks] = {}
    assert evidence_of(no_looks, address=Address.GUESSED).is_address_guessed
    assert not evidence_of(no_looks, address=Address.ANNOUNCED).is_address_guessed


def test_a_sheet_whose_page_has_a_guessed_address_is_no_guess_and_has_no_witnesses() -> None:
    release = a_release(SHEET, address=Address.GUESSED)
    sheet = evidence_of({}, release=release, part=SHEET)
    assert not sheet.is_address_guessed
    # Witnesses are the announcement and the listing. They are only about the page.
    assert sheet.witnesses is None


def evidence_at_guessed_address(*page: Look, unlisted_until: float) -> PartEvidence:
    """Return evidence of a page at a guessed address. Its announcement and its listing lacked it until this instant."""
    without_release = looks((-60, ABSENT), (unlisted_until, ABSENT))
    page_looks = looks_at_page(*page, specific=True)
    by_target = {"page": page_looks, "announcement/origin": without_release, "index/origin": without_release}
    return evidence_of(by_target, address=Address.GUESSED)


@pytest.mark.parametrize("absences_at_page", [[], [(-60, ABSENT)]])
def test_a_page_at_a_guessed_address_appeared_after_its_listing_last_proved_it_absent(
    absences_at_page: list[Look],
) -> None:
    last_unlisted, listing_lag, first_shown, last_shown = 200, 120, 150, 210
    page = [*absences_at_page, (first_shown, PRESENT), (last_shown, PRESENT)]
    evidence = evidence_at_guessed_address(*page, unlisted_until=last_unlisted)
    # A listing may lack a release for 120 s after it came. The announcement lags less, so the listing decides.
    proved_absent = last_unlisted - listing_lag
    assert appearance_bounds(evidence) == [(after_slot(proved_absent), after_slot(first_shown))]


def test_a_later_absence_at_a_guessed_address_dates_a_page_more_closely_than_its_listing() -> None:
    # The listing lacked the release until 200 s but may lag by 120 s. So it proves absence until 80 s only.
    last_absent, first_shown = 100, 150
    page = [(-60, ABSENT), (last_absent, ABSENT), (first_shown, PRESENT), (210, PRESENT)]
    evidence = evidence_at_guessed_address(*page, unlisted_until=200)
    assert appearance_bounds(evidence) == [(after_slot(last_absent), after_slot(first_shown))]


@pytest.mark.parametrize("first_shown", [70, 80])
def test_a_listing_that_looks_at_the_page_contradict_does_not_date_the_page(first_shown: float) -> None:
    # The listing lacked the release until 200 s but may lag by 120 s. So it proves absence until 80 s, which the page
    # contradicts.
    last_absent = -60
    page = [(last_absent, ABSENT), (first_shown, PRESENT), (210, PRESENT)]
    evidence = evidence_at_guessed_address(*page, unlisted_until=200)
    assert appearance_bounds(evidence) == [(after_slot(last_absent), after_slot(first_shown))]


@pytest.mark.parametrize("shown", [70, 150])
def test_a_listing_dates_a_page_that_was_seen_once_by_what_it_showed_at_that_look(shown: float) -> None:
    # The listing lacked the release until 200 s. But no look saw the page after `shown`, so by then it may have been
    # removed. So the listing counts only until `shown`. It may lag by 120 s.
    listing_lag = 120
    evidence = evidence_at_guessed_address((-60, ABSENT), (shown, PRESENT), unlisted_until=200)
    assert appearance_bounds(evidence) == [(after_slot(shown - listing_lag), after_slot(shown))]


def test_a_page_was_last_absent_at_the_last_look_at_edge_or_origin_that_found_it_absent() -> None:
    edge, origin = looks_at_page((300, ABSENT)), looks_at_page((310, ABSENT))
    assert evidence_of({"page": edge, "page/origin": origin}).last_absent == after_slot(310)


def test_an_absence_in_the_content_api_does_not_prove_that_the_page_was_absent() -> None:
    # The API describes the page in an item of its own.
    content_api = looks_at_page((300, ABSENT), address=API_URL)
    assert evidence_of({"page/content": content_api}).last_absent is None


def test_an_absence_at_a_guessed_address_does_not_prove_that_the_page_was_absent() -> None:
    # The page may have been at another address.
    page = looks_at_page((300, ABSENT))
    assert evidence_of({"page": page}, address=Address.GUESSED).last_absent is None


def test_the_last_absence_of_a_page_at_a_guessed_address_is_proved_by_its_listing() -> None:
    # The listing lacked the release until 200 s, but it may be 120 s behind. The look at the guessed address, at 300 s,
    # proves nothing, because the page may be at another one.
    last_unlisted, listing_lag = 200, 120
    evidence = evidence_at_guessed_address((300, ABSENT), unlisted_until=last_unlisted)
    assert evidence.last_absent == after_slot(last_unlisted - listing_lag)


@pytest.mark.parametrize(
    ("edge", "origin"),
    [([(-20, PRESENT), (10, ABSENT)], []), ([(-20, ABSENT)], [(-20, PRESENT), (10, ABSENT)])],
    ids=["at the edge", "at the origin"],
)
def test_a_part_shown_before_the_slot_and_found_absent_after_it_may_have_been_public_at_it(
    edge: list[Look], origin: list[Look]
) -> None:
    # No look shows whether it was removed before the slot or after it.
    evidence = evidence_of({"page": looks_at_page(*edge), "page/origin": looks_at_page(*origin)})
    assert evidence.may_have_been_public_at(SLOT)


REMOVED_BEFORE_SLOT = [(-20, PRESENT), (-10, ABSENT)]
REMOVED_AT_SLOT = [(-20, PRESENT), (0, ABSENT)]
NEVER_ABSENT = [(-20, PRESENT), (10, PRESENT)]
ABSENT_BEFORE_SLOT = [(-20, ABSENT), (10, PRESENT)]


@pytest.mark.parametrize("view", ["page", "page/origin"])
@pytest.mark.parametrize("looks_at_view", [REMOVED_BEFORE_SLOT, REMOVED_AT_SLOT, NEVER_ABSENT, ABSENT_BEFORE_SLOT])
def test_a_part_that_was_not_found_removed_after_the_slot_leaves_no_doubt_about_the_slot(
    looks_at_view: list[Look], view: str
) -> None:
    # The doubt is that it was public at its slot and removed since. A view that never lacks a page may answer so at any
    # address.
    edge_without_page = looks_at_page((-20, ABSENT))
    views = {"page": edge_without_page}
    views[view] = looks_at_page(*looks_at_view)
    assert not evidence_of(views).may_have_been_public_at(SLOT)


@pytest.mark.parametrize("now", [-60, 30, 60])
def test_a_run_ends_at_the_latest_at_the_instant_of_the_verdict(now: float) -> None:
    three_absences = looks_at_page((-60, ABSENT), (0, ABSENT), (60, ABSENT))
    (run,) = evidence_of({"page": three_absences}, now=now).views[View.EDGE]
    assert run.last_received == run.end == after_slot(now)


def test_a_run_that_began_after_the_instant_of_the_verdict_is_left_out() -> None:
    runs = evidence_of({"page": looks_at_page((-60, ABSENT), (0, ABSENT))}, now=-61).views[View.EDGE]
    assert runs == ()


def a_wrong_clock(begins: float = -1, ends: float = 6, **target_or_monitor: str) -> Blind:
    """Return a span in which the clock of a monitor was wrong, by default of all monitors at all targets."""
    return Blind(after_slot(begins), after_slot(ends), "clock", **target_or_monitor)


def is_absence_proved(span: Blind) -> bool:
    """Return whether looks at 0 s and 5 s, by the monitor “north” at the edge, prove absence despite a blind span."""
    run_of_north = seen_by("north", looks_at_page((0, ABSENT), (5, ABSENT)).runs("page"))
    evidence = evidence_of({"page": run_of_north}, blind=[span])
    # The run itself is kept in any case, for people to read.
    assert len(evidence.views[View.EDGE]) == 1
    return evidence.spells[View.EDGE] != ()


@pytest.mark.parametrize(("begins", "ends"), [(-1, 6), (0, 5)])
def test_absences_prove_nothing_if_the_clock_was_wrong_at_all_their_looks(begins: float, ends: float) -> None:
    # The looks were at 0 s and 5 s.
    assert not is_absence_proved(a_wrong_clock(begins, ends))


@pytest.mark.parametrize(("begins", "ends"), [(1, 6), (-1, 4)])
def test_absences_are_proved_if_the_clock_was_right_at_one_of_their_looks(begins: float, ends: float) -> None:
    # The looks were at 0 s and 5 s.
    assert is_absence_proved(a_wrong_clock(begins, ends))


def test_absences_are_proved_in_a_blind_span_in_which_the_clock_was_right() -> None:
    stopped = Blind(after_slot(-1), after_slot(6), "stopped")
    assert is_absence_proved(stopped)


def test_absences_at_the_edge_are_proved_if_the_clock_was_wrong_only_for_looks_at_the_origin() -> None:
    assert not is_absence_proved(a_wrong_clock(target=EDGE))
    assert is_absence_proved(a_wrong_clock(target=ORIGIN))


def test_absences_seen_by_one_monitor_are_proved_if_only_the_clock_of_another_was_wrong() -> None:
    # The looks are those of the monitor “north”.
    assert not is_absence_proved(a_wrong_clock(monitor="north"))
    assert is_absence_proved(a_wrong_clock(monitor="south"))


def test_an_undated_presence_is_that_at_edge_or_origin_whichever_showed_the_page_first() -> None:
    # All views showed the page at their first look. So nothing dates it, because no look before found it absent.
    edge, origin = looks_at_page((5, PRESENT)), looks_at_page((3, PRESENT))
    # The content API showed it before both. But it only describes the page, so it does not count.
    content_api = looks_at_page((1, PRESENT), address=API_URL)
    evidence = evidence_of({"page": edge, "page/origin": origin, "page/content": content_api})
    assert evidence.present_from_start.target == ORIGIN
    assert evidence.present_from_start.begin == after_slot(3)


def test_the_first_look_at_a_page_may_be_one_at_its_content_api_and_may_have_failed() -> None:
    failed_at_content_api = looks_at_page((1, UNKNOWN), address=API_URL)
    views = {"page": looks_at_page((5, ABSENT)), "page/content": failed_at_content_api}
    assert evidence_of(views).first_look == after_slot(1)


def test_a_page_that_was_never_looked_at_has_no_first_look() -> None:
    assert evidence_of({}).first_look is None


def test_the_main_runs_are_those_at_edge_and_origin_in_the_order_of_their_looks() -> None:
    edge, origin = looks_at_page((5, ABSENT)), looks_at_page((2, ABSENT))
    content_api = looks_at_page((1, UNKNOWN), address=API_URL)
    evidence = evidence_of({"page": edge, "page/origin": origin, "page/content": content_api})
    first_looks = [run.first_sent for run in evidence.runs_at_edge_and_origin]
    assert first_looks == [after_slot(2), after_slot(5)]


def test_a_page_counts_looks_that_were_made_at_its_address_for_a_copy_found_by_a_listing() -> None:
    # A listing showed an address, which became the part `elsewhere-1`. Later it proved to be that of the page.
    looks_for_copy = looks((3, PRESENT), specific=True, address=PAGE_URL)
    assert appearance_bounds(evidence_of({"elsewhere-1": looks_for_copy})) == [(None, after_slot(3))]


def test_a_page_does_not_count_looks_at_a_copy_found_by_a_listing_at_another_address() -> None:
    looks_for_copy = looks((3, PRESENT), specific=True, address=f"{PAGE_URL}--2")
    assert appearance_bounds(evidence_of({"elsewhere-1": looks_for_copy})) == []


def test_a_page_does_not_count_looks_at_its_address_for_a_part_that_it_links_to() -> None:
    # The page names the part `found-1`. So that part cannot turn out to be the page itself.
    looks_for_linked_part = looks((3, PRESENT), specific=True, address=PAGE_URL)
    assert appearance_bounds(evidence_of({"found-1": looks_for_linked_part})) == []


def test_a_copy_found_by_a_listing_at_the_address_of_the_page_counts_looks_made_for_the_page() -> None:
    copy = Part("elsewhere-1", Role.ALTERNATIVE, url=PAGE_URL, required=False, origin=Origin.ELSEWHERE)
    looks_for_page = looks((4, PRESENT), specific=True, address=PAGE_URL)
    evidence = evidence_of({"page": looks_for_page}, release=a_release(copy), part=copy)
    assert appearance_bounds(evidence) == [(None, after_slot(4))]
