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
    known: Mapping[str, Looks],
    address: Address = Address.GUESSED,
    *,
    now: float = 600,
    slot: datetime | None = SLOT,
    blind: Sequence[Blind] = (),
    release: Release | None = None,
    part_index: int = 0,
) -> PartEvidence:
    """Return what was seen of the page, or of another part."""
    whole = release or a_release(address=address)
    promises = [] if slot is None else [a_promise(slot)]
    case = case_of(whole, promises, blind, Policy(), after_slot(now))
    return gather_evidence(case, whole.parts[part_index], runs_seen(10**6, known), blind)


@pytest.mark.parametrize(
    ("edge", "origin", "seen_until"),
    [
        ([(5, PRESENT)], [(-9, ABSENT)], None),
        ([(5, PRESENT), (65, UNKNOWN)], [], 5),
        ([(5, PRESENT), (65, ABSENT)], [], 5),
        ([(5, PRESENT), (65, ABSENT), (125, PRESENT)], [], None),
        ([(5, PRESENT)], [(66, ABSENT)], 5),
        ([(5, ABSENT)], [], None),
    ],
    ids=["last look", "failed since", "removed", "back", "removed at the origin", "never seen"],
)
def test_seen_until_is_the_last_look_that_showed_the_part_if_a_later_look_at_edge_or_origin_did_not(
    edge: list[Look], origin: list[Look], seen_until: float | None
) -> None:
    # It is None if the part was seen at the last look, or never.
    evidence = evidence_of(
        {EDGE: looks_at_page((-10, ABSENT), *edge), ORIGIN: looks_at_page(*origin)}, Address.ANNOUNCED
    )
    assert evidence.seen_until == after_slot(seen_until)


def appearance_bounds(evidence: PartEvidence) -> list[tuple[datetime | None, datetime | None]]:
    return [(presence.appears.after, presence.appears.by) for presence in evidence.presences]


@pytest.mark.parametrize(
    ("address", "seen_at", "slot", "appears"),
    [
        (Address.LED_TO, 5, SLOT, True),
        (Address.LED_TO, 0, SLOT, True),
        (Address.LED_TO, -20, SLOT, False),
        (Address.LED_TO, 5, None, False),
        (Address.GUESSED, 5, SLOT, False),
        (Address.FOUND, 5, SLOT, False),
        (Address.ANNOUNCED, 5, SLOT, False),
    ],
)
def test_a_page_without_its_title_appears_only_where_its_announcement_led_and_only_from_the_slot(
    address: Address, seen_at: float, slot: datetime | None, *, appears: bool
) -> None:
    # LED_TO: the announcement redirected to the address. There a page counts from the slot on, although nothing on it
    # shows that it is this edition. At any other address it may be an earlier edition.
    evidence = evidence_of({"page": looks_at_page((seen_at, PRESENT))}, address, slot=slot)
    assert appearance_bounds(evidence) == ([(None, after_slot(seen_at))] if appears else [])


def test_an_absence_at_an_address_that_the_announcement_led_to_stays_an_absence() -> None:
    (absence,) = evidence_of({"page": looks_at_page((5, ABSENT))}, Address.LED_TO).spells[View.EDGE]
    assert not absence.is_present


REMOVED_BEFORE_SLOT = [(-900, ABSENT), (-600, PRESENT), (-300, ABSENT)]


@pytest.mark.parametrize(
    ("page", "slot", "is_guess"),
    [
        ([], SLOT, True),
        ([(-60, ABSENT), (5, PRESENT)], SLOT, False),
        (REMOVED_BEFORE_SLOT, SLOT, True),
        ([(-900, ABSENT), (-600, PRESENT), (0, PRESENT), (300, ABSENT)], SLOT, False),
        ([(-900, ABSENT), (-600, PRESENT)], SLOT, False),
        (REMOVED_BEFORE_SLOT, None, False),
    ],
    ids=["never seen", "there", "removed before the slot", "there over the slot", "still there", "removed, no slot"],
)
def test_a_guess_is_confirmed_by_the_release_unless_it_was_removed_before_its_slot(
    page: list[Look], slot: datetime | None, *, is_guess: bool
) -> None:
    evidence = evidence_of({"page": looks_at_page(*page, specific=True)}, Address.GUESSED, slot=slot)
    assert evidence.is_guess is is_guess


def test_only_the_page_of_a_release_with_a_guessed_address_is_a_guess() -> None:
    assert evidence_of({}, Address.GUESSED).is_guess
    assert not evidence_of({}, Address.ANNOUNCED).is_guess
    sheet = evidence_of({}, release=a_release(SHEET, address=Address.GUESSED), part_index=1)
    assert (sheet.is_guess, sheet.witnesses) == (False, None)


def evidence_of_guess_with_witnesses(*page: Look) -> PartEvidence:
    """Return evidence on a guessed page whose announcement and listing were without it until 200 s after the slot."""
    absent = looks((-60, ABSENT), (200, ABSENT))
    return evidence_of(
        {"page": looks_at_page(*page, specific=True), "announcement/origin": absent, "index/origin": absent}
    )


@pytest.mark.parametrize(
    ("page", "after", "by"),
    [
        # The listing may lag by 120 s.
        ([(-60, ABSENT), (150, PRESENT), (210, PRESENT)], 80, 150),
        ([(-60, ABSENT), (100, ABSENT), (150, PRESENT), (210, PRESENT)], 100, 150),
        ([(150, PRESENT), (210, PRESENT)], 80, 150),
        # A presence before what the witnesses prove contradicts them.
        ([(-60, ABSENT), (70, PRESENT), (210, PRESENT)], -60, 70),
        ([(-60, ABSENT), (80, PRESENT), (210, PRESENT)], -60, 80),
        # A page that was last seen before the listing was, at 200, may be gone again. So the lag of 120 s counts back
        # from the last look that saw the page, at 150 or at 70.
        ([(-60, ABSENT), (150, PRESENT)], 30, 150),
        ([(-60, ABSENT), (70, PRESENT)], -50, 70),
    ],
)
def test_a_page_appeared_after_the_last_instant_at_which_its_announcement_and_listing_proved_it_absent(
    page: list[Look], after: float, by: float
) -> None:
    assert appearance_bounds(evidence_of_guess_with_witnesses(*page)) == [(after_slot(after), after_slot(by))]


ABSENT_AT_300 = looks_at_page((300, ABSENT))


@pytest.mark.parametrize(
    ("looks_by_target", "address", "last_absent"),
    [
        ({"page": ABSENT_AT_300}, Address.GUESSED, None),
        ({"page": ABSENT_AT_300, "page/origin": looks_at_page((310, ABSENT))}, Address.ANNOUNCED, 310),
        ({"page/content": looks_at_page((300, ABSENT), address=API_URL)}, Address.ANNOUNCED, None),
    ],
)
def test_only_looks_at_the_page_itself_at_a_known_address_prove_its_last_absence(
    looks_by_target: dict[str, Looks], address: Address, last_absent: float | None
) -> None:
    # A guessed address may be another page's. The view `content` is the content API, not the page itself.
    assert evidence_of(looks_by_target, address).last_absent == after_slot(last_absent)


def test_the_last_absence_of_a_guess_is_proved_by_its_witnesses() -> None:
    # The listing lacked the release until 200 s, but it may be 120 s behind. The look at the guessed address, at 300 s,
    # proves nothing, because the page may be at another one.
    last_look, listing_lag = 200, 120
    evidence = evidence_of_guess_with_witnesses((300, ABSENT))
    assert evidence.last_absent == after_slot(last_look - listing_lag)


@pytest.mark.parametrize(
    ("looks_at_view", "may_have_been_public"),
    [
        ([(-20, PRESENT), (10, ABSENT)], True),
        ([(-20, PRESENT), (-10, ABSENT)], False),
        ([(-20, PRESENT), (0, ABSENT)], False),
        ([(-20, PRESENT), (10, PRESENT)], False),
        ([(-20, ABSENT), (10, PRESENT)], False),
    ],
)
@pytest.mark.parametrize("view", ["page", "page/origin"])
def test_a_part_may_have_been_public_at_the_slot_if_a_view_first_missed_it_after_the_slot(
    looks_at_view: list[Look], view: str, *, may_have_been_public: bool
) -> None:
    # It may if a view showed the part from its first look on, and first lacked it after the slot. The edge ("page") was
    # absent at -20, unless `view` is the edge: its looks then replace that. ANNOUNCED: a calendar names its address.
    known = {"page": looks_at_page((-20, ABSENT))} | {view: looks_at_page(*looks_at_view)}
    evidence = evidence_of(known, Address.ANNOUNCED)
    assert evidence.may_have_been_public_at(SLOT) is may_have_been_public


@pytest.mark.parametrize(("now", "expected_ends"), [(30, [30]), (60, [60]), (-60, [-60]), (-61, [])])
def test_a_run_counts_only_up_to_the_judged_instant(now: float, expected_ends: list[float]) -> None:
    runs = evidence_of({"page": looks_at_page((-60, ABSENT), (0, ABSENT), (60, ABSENT))}, now=now).views[View.EDGE]
    expected = [after_slot(end) for end in expected_ends]
    assert [run.last_received for run in runs] == [run.end for run in runs] == expected


@pytest.mark.parametrize(
    ("blind_from", "blind_until", "cause", "target_or_monitor", "proves_nothing"),
    [
        (-1, 6, "clock", {}, True),
        (0, 5, "clock", {}, True),
        (1, 6, "clock", {}, False),
        (-1, 4, "clock", {}, False),
        (-1, 6, "stopped", {}, False),
        (-1, 6, "clock", {"target": EDGE}, True),
        (-1, 6, "clock", {"target": ORIGIN}, False),
        (-1, 6, "clock", {"monitor": "north"}, True),
        (-1, 6, "clock", {"monitor": "south"}, False),
    ],
)
def test_a_run_proves_nothing_only_if_a_span_of_a_wrong_clock_that_concerns_it_covers_it_all(
    blind_from: float, blind_until: float, cause: str, target_or_monitor: dict[str, str], *, proves_nothing: bool
) -> None:
    run_of_north = seen_by("north", looks_at_page((0, ABSENT), (5, ABSENT)).runs("page"))
    span = Blind(after_slot(blind_from), after_slot(blind_until), cause, **target_or_monitor)
    evidence = evidence_of({"page": run_of_north}, Address.ANNOUNCED, blind=[span])
    # Spells are what runs prove. The run itself stays among the views either way, for people to read.
    assert (evidence.spells[View.EDGE] == ()) is proves_nothing
    assert len(evidence.views[View.EDGE]) == 1


def test_presence_from_the_first_look_on_is_that_of_the_earliest_view_at_the_address_of_the_page() -> None:
    # The content API showed it first, at 1, but its address is another. The origin showed it at 3 and the edge at 5.
    edge, origin = looks_at_page((5, PRESENT)), looks_at_page((3, PRESENT))
    earliest_but_of_another_address = looks_at_page((1, PRESENT), address=API_URL)
    known = {"page": edge, "page/origin": origin, "page/content": earliest_but_of_another_address}
    assert evidence_of(known, Address.ANNOUNCED).present_from_start.target == ORIGIN


def test_the_first_look_is_that_of_any_view_and_the_main_runs_are_those_of_the_page() -> None:
    known = {"page": looks_at_page((5, ABSENT)), "page/content": looks_at_page((1, UNKNOWN), address=API_URL)}
    evidence = evidence_of(known | {"page/origin": looks_at_page((2, ABSENT))})
    assert evidence.first_look == after_slot(1)
    assert [run.first_sent for run in evidence.runs_at_edge_and_origin] == [after_slot(2), after_slot(5)]
    assert evidence_of({}).first_look is None


@pytest.mark.parametrize(
    ("part", "address", "is_taken_over"),
    [("elsewhere-1", PAGE_URL, True), ("found-1", PAGE_URL, False), ("elsewhere-1", f"{PAGE_URL}--2", False)],
)
def test_a_page_takes_over_only_the_looks_at_a_part_elsewhere_that_has_its_address(
    part: str, address: str, *, is_taken_over: bool
) -> None:
    # A listing showed the title at an address, which became the part `elsewhere-1`. `found-1` was found otherwise.
    evidence = evidence_of({part: looks_at_page((3, PRESENT), specific=True, address=address)})
    assert appearance_bounds(evidence) == ([(None, after_slot(3))] if is_taken_over else [])


def test_a_part_at_the_address_of_the_page_shares_its_looks() -> None:
    there = Part("elsewhere-1", Role.ALTERNATIVE, PAGE_URL, required=False, origin=Origin.ELSEWHERE)
    evidence = evidence_of({"page": looks_at_page((4, PRESENT), specific=True)}, release=a_release(there), part_index=1)
    assert appearance_bounds(evidence) == [(None, after_slot(4))]
