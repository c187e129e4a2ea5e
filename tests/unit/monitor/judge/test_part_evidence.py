"""What was seen of one part: by which runs, as of when, and what confirms an address that no
calendar named. A number is an instant in seconds after the slot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import pytest

from monitor.judge.case import case_of
from monitor.judge.part_evidence import PartEvidence, gather_evidence
from monitor.judge.policy import Policy
from monitor.judge.runs import Blind, Run
from monitor.plan.targets import View
from schedules.announcement import Address, Origin, Part, Role
from schedules.release import Release
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, EDGE, ORIGIN, PRESENT, UNKNOWN, Look, Looks, looks, seen_by
from tests.worlds.releases import PAGE_URL, SHEET, a_promise, a_release
from tests.worlds.verdicts import runs_seen

API_URL = PAGE_URL.replace("/government", "/api/content/government")


def evidence_of(  # noqa: PLR0913 # all facts behind the evidence
    edge: Sequence[Look] = (),
    origin: Sequence[Look] = (),
    content_api: Sequence[Look] = (),
    *,
    other_targets: Mapping[str, Looks | Sequence[Run]] | None = None,
    has_title: bool = False,
    address: Address = Address.ANNOUNCED,
    now: float = 600,
    slot: datetime | None = SLOT,
    blind: Sequence[Blind] = (),
    release: Release | None = None,
    part: Part | None = None,
) -> PartEvidence:
    """Return what looks at these views saw of the page, or looks at `other_targets` of another
    `part`. `address` says how the address of the page is known. `has_title`: the page showed the
    title of the release.
    """
    whole = release or a_release(address=address)
    promises = [] if slot is None else [a_promise(slot)]
    case = case_of(whole, promises, blind, Policy(), after_slot(now))
    seen: dict[str, Looks | Sequence[Run]] = {
        "page": looks(*edge, address=PAGE_URL, specific=has_title),
        "page/origin": looks(*origin, address=PAGE_URL, specific=has_title),
        "page/content": looks(*content_api, address=API_URL, specific=has_title),
    }
    return gather_evidence(
        case, part or whole.parts[0], runs_seen(10**6, {**seen, **(other_targets or {})}), blind
    )


def appearances(evidence: PartEvidence) -> list[tuple[float | None, float | None]]:
    """Return after when and by when each presence appeared, in seconds after the slot.

    None: it is not known.
    """

    def seconds(instant: datetime | None) -> float | None:
        return None if instant is None else (instant - SLOT).total_seconds()

    return [(seconds(each.appears.after), seconds(each.appears.by)) for each in evidence.presences]


@pytest.mark.parametrize(
    ("edge_later", "origin_later"),
    [([(65, UNKNOWN)], []), ([(65, ABSENT)], []), ([], [(66, ABSENT)])],
    ids=["failed since", "removed", "removed at the origin"],
)
def test_seen_until_is_time_of_last_look_that_showed_part(
    edge_later: list[Look], origin_later: list[Look]
) -> None:
    """The part was absent at -10 s and present at 5 s. One more look, a minute later, failed or
    found it absent, at the edge or the origin. So the look at 5 s was the last to show the part: it
    was seen until then.
    """
    evidence = evidence_of(edge=[(-10, ABSENT), (5, PRESENT), *edge_later], origin=origin_later)
    assert evidence.seen_until == after_slot(5)


@pytest.mark.parametrize(
    ("edge", "origin"),
    [
        ([(-10, ABSENT), (5, PRESENT)], [(-9, ABSENT)]),
        ([(-10, ABSENT), (5, PRESENT), (65, ABSENT), (125, PRESENT)], []),
        ([(-10, ABSENT), (5, ABSENT)], []),
    ],
    ids=["shown by the last look", "shown again", "never shown"],
)
def test_seen_until_is_none_unless_the_part_disappeared(
    edge: list[Look], origin: list[Look]
) -> None:
    """`seen_until` is when a part that disappeared was last seen. Here it is None, because the part
    did not disappear: the last look showed it, or no look ever did.
    """
    assert evidence_of(edge, origin).seen_until is None


@pytest.mark.parametrize("first_look", [0, 5])
def test_redirected_page_without_title_counts_from_its_slot(first_look: float) -> None:
    """The announcement redirects to a page (`LED_TO`) that does not show the title of the release.
    Before the slot, 0 s, it may be an earlier edition. From the slot on, the redirect is proof
    enough. The first look shows the page at 0 s or 5 s. So the page came by then. It is not known
    after when (None), as no look found it absent.
    """
    evidence = evidence_of(edge=[(first_look, PRESENT)], has_title=False, address=Address.LED_TO)
    assert appearances(evidence) == [(None, first_look)]


@pytest.mark.parametrize(
    ("seen_at", "slot"), [(-20, SLOT), (5, None)], ids=["before its slot", "no slot"]
)
def test_redirected_page_without_title_does_not_count_before_slot(
    seen_at: float, slot: datetime | None
) -> None:
    """The announcement redirects to a page (`LED_TO`) that does not show the title of the release.
    Before the slot, it may be an earlier edition. So a look that shows it 20 s before the slot does
    not count. If no slot is known (None), every look may be before it. So one at 5 s does not count
    either.
    """
    evidence = evidence_of(
        edge=[(seen_at, PRESENT)], has_title=False, address=Address.LED_TO, slot=slot
    )
    assert appearances(evidence) == []


@pytest.mark.parametrize("address", [Address.GUESSED, Address.FOUND, Address.ANNOUNCED])
def test_page_without_title_of_release_does_not_count(address: Address) -> None:
    """The address of a page was announced, guessed or found in a listing. At 5 s it shows a page
    without the title of the release. This may be an earlier edition, so it does not count, unless
    its announcement redirects to it.
    """
    evidence = evidence_of(edge=[(5, PRESENT)], has_title=False, address=address)
    assert appearances(evidence) == []


def test_absence_at_redirected_address_stays_an_absence() -> None:
    """The announcement redirects to this address (`LED_TO`). From the slot, 0 s, on, a page there
    counts as the release. But a look at 5 s found none. So the edge has one spell (a time without a
    change): an absence.
    """
    (spell,) = evidence_of(edge=[(5, ABSENT)], address=Address.LED_TO).spells[View.EDGE]
    assert not spell.is_present


@pytest.mark.parametrize(
    ("page", "slot", "is_confirmed"),
    [
        ([(-60, ABSENT), (5, PRESENT)], SLOT, True),
        ([(-900, ABSENT), (-600, PRESENT), (0, PRESENT), (300, ABSENT)], SLOT, True),
        ([(-900, ABSENT), (-600, PRESENT)], SLOT, True),
        ([(-900, ABSENT), (-600, PRESENT), (-300, ABSENT)], SLOT, False),
        ([(-900, ABSENT), (-600, PRESENT), (-300, ABSENT)], None, True),
    ],
    ids=[
        "came after slot",
        "removed after slot",
        "came early and stayed",
        "removed before slot",
        "removed, no slot",
    ],
)
def test_release_confirms_guessed_address_unless_removed_before_slot(
    page: list[Look], slot: datetime | None, *, is_confirmed: bool
) -> None:
    """The monitor guessed the address of a page. A look that shows the release there confirms the
    guess. That holds if the release came after its slot, 0 s, if it came early and stayed, and if
    it was removed only after 0 s. But if it came at -600 s and was removed at -300 s, it may come
    back at another address: still a guess. If no slot is known (None), it was not removed before
    its slot: confirmed.
    """
    evidence = evidence_of(edge=page, has_title=True, address=Address.GUESSED, slot=slot)
    assert evidence.is_address_guessed is not is_confirmed


@pytest.mark.parametrize(
    ("address", "is_guess"), [(Address.GUESSED, True), (Address.ANNOUNCED, False)]
)
def test_address_without_looks_is_guess_unless_calendar_named_it(
    address: Address, *, is_guess: bool
) -> None:
    assert evidence_of(address=address).is_address_guessed is is_guess


def test_guessed_address_of_page_does_not_concern_its_sheet() -> None:
    """The monitor guessed the address of a page, because no calendar named it. For such a page, its
    announcement and GOV.UK's listing show whether it is out: its `witnesses`. The release also has
    a spreadsheet, at an address that is known. So that is no guess, and the sheet has no witnesses.
    """
    release = a_release(SHEET, address=Address.GUESSED)
    sheet = evidence_of(release=release, part=SHEET)
    assert not sheet.is_address_guessed
    assert sheet.witnesses is None


def evidence_at_guessed_address(*page: Look, unlisted_until: float) -> PartEvidence:
    """Return evidence of a page at a guessed address. Its announcement and its listing lacked it
    until this instant. The announcement lags less than the listing. So the listing decides until
    when the page was absent.
    """
    without_release = looks((-60, ABSENT), (unlisted_until, ABSENT))
    witnesses = {"announcement/origin": without_release, "index/origin": without_release}
    return evidence_of(page, other_targets=witnesses, has_title=True, address=Address.GUESSED)


@pytest.mark.parametrize("absences_at_page", [[], [(-60, ABSENT)]])
def test_listing_dates_appearance_at_guessed_address(absences_at_page: list[Look]) -> None:
    """A look first showed the page at its guessed address at 150 s. The listing lacked the page
    until 200 s. A listing is up to 120 s behind, so the page was surely absent until 200 - 120 = 80
    s. It came after 80 s and by 150 s. If a look at -60 s found it absent, that proves less.
    """
    page = [*absences_at_page, (150, PRESENT), (210, PRESENT)]
    evidence = evidence_at_guessed_address(*page, unlisted_until=200)
    assert appearances(evidence) == [(200 - 120, 150)]


def test_later_look_without_page_at_guessed_address_proves_more_than_the_listing() -> None:
    """The listing lacked the page until 200 s. A listing is up to 120 s behind, so it proves
    absence only until 200 - 120 = 80 s. A look at the page's guessed address found it absent at 100
    s. That is later, so it proves more. The next look showed the page, at 150 s. So the page came
    after 100 s and by 150 s.
    """
    page = [(-60, ABSENT), (100, ABSENT), (150, PRESENT), (210, PRESENT)]
    evidence = evidence_at_guessed_address(*page, unlisted_until=200)
    assert appearances(evidence) == [(100, 150)]


@pytest.mark.parametrize("first_shown", [70, 80])
def test_listing_does_not_date_page_that_contradicts_it(first_shown: float) -> None:
    """The listing lacked the page until 200 s.

    A listing is up to 120 s behind, so the page should be absent until 200
    - 120 = 80 s. But a look showed it at its guessed address by then, at 70 s or 80 s. So the
      listing is wrong and does
    not count. The last look that found the page absent was at -60 s. So the page came after -60 s.
    """
    page = [(-60, ABSENT), (first_shown, PRESENT), (210, PRESENT)]
    evidence = evidence_at_guessed_address(*page, unlisted_until=200)
    assert appearances(evidence) == [(-60, first_shown)]


@pytest.mark.parametrize("seen_once_at", [70, 150])
def test_listing_dates_page_seen_only_once_by_what_it_lacked_until_then(
    seen_once_at: float,
) -> None:
    """Only one look showed the page at its guessed address, at 70 s or 150 s. The page may have
    been removed after that. So it proves nothing that the listing lacked it later, until 200 s. But
    the listing also lacked it at that one look, and a listing is up to 120 s behind. So the page
    came within the 120 s before that look.
    """
    evidence = evidence_at_guessed_address(
        (-60, ABSENT), (seen_once_at, PRESENT), unlisted_until=200
    )
    assert appearances(evidence) == [(seen_once_at - 120, seen_once_at)]


def test_last_absent_is_latest_absence_at_edge_or_origin() -> None:
    evidence = evidence_of(edge=[(300, ABSENT)], origin=[(310, ABSENT)])
    assert evidence.last_absent == after_slot(310)


def test_absence_in_content_api_does_not_prove_page_absent() -> None:
    """At 300 s the content API had no item on the page.

    But the page itself may come before its item does.
    """
    assert evidence_of(content_api=[(300, ABSENT)]).last_absent is None


def test_absence_at_guessed_address_does_not_prove_page_absent() -> None:
    """A look at the guessed address found no page at 300 s. It may have been at another address."""
    assert evidence_of(edge=[(300, ABSENT)], address=Address.GUESSED).last_absent is None


def test_listing_proves_last_absence_of_page_at_guessed_address() -> None:
    """A look at the guessed address found no page at 300 s. That proves nothing, as the page may be
    elsewhere. The listing lacked the page until 200 s. It is up to 120 s behind, so it proves
    absence until 200 - 120 = 80 s.
    """
    evidence = evidence_at_guessed_address((300, ABSENT), unlisted_until=200)
    assert evidence.last_absent == after_slot(200 - 120)


@pytest.mark.parametrize(
    ("edge", "origin"),
    [([(-20, PRESENT), (10, ABSENT)], []), ([(-20, ABSENT)], [(-20, PRESENT), (10, ABSENT)])],
    ids=["at the edge", "at the origin"],
)
def test_part_that_disappeared_around_its_slot_may_have_been_public_then(
    edge: list[Look], origin: list[Look]
) -> None:
    """A view, the edge or the origin, showed the part at -20 s and lacked it at 10 s. The slot is 0
    s. The part may have been removed before the slot or after it. So it may have been public at the
    slot.
    """
    assert evidence_of(edge, origin).may_have_been_public_at(SLOT)


@pytest.mark.parametrize(
    "page",
    [
        [(-20, PRESENT), (-10, ABSENT)],
        [(-20, PRESENT), (0, ABSENT)],
        [(-20, PRESENT), (10, PRESENT)],
        [(-20, ABSENT), (10, PRESENT)],
    ],
    ids=["removed before slot", "removed at slot", "never absent", "absent before slot"],
)
def test_part_that_did_not_disappear_around_its_slot_leaves_no_doubt(page: list[Look]) -> None:
    """A part shown before its slot, 0 s, and absent after it may have been public at the slot.
    These were not. Two were shown at -20 s, but removed by -10 s or 0 s. One was absent at -20 s,
    and shown at 10 s: not removed. One was never absent. An address that is never absent may show a
    page to any look, so it proves nothing.
    """
    assert not evidence_of(edge=page).may_have_been_public_at(SLOT)
    # The same is true if these looks are at the origin, and the edge lacks the part.
    assert not evidence_of(edge=[(-20, ABSENT)], origin=page).may_have_been_public_at(SLOT)


@pytest.mark.parametrize("now", [-60, 30, 60])
def test_run_ends_at_latest_at_time_of_verdict(now: float) -> None:
    """Looks at -60 s, 0 s and 60 s found the page absent: one run, until 60 s. A verdict as of an
    earlier instant (`now`) must not use what came later. So if `now` is 30 s, the run is cut off at
    30 s.
    """
    (run,) = evidence_of(edge=[(-60, ABSENT), (0, ABSENT), (60, ABSENT)], now=now).views[View.EDGE]
    assert run.last_received == run.end == after_slot(now)


def test_run_that_began_after_verdict_is_left_out() -> None:
    """The first look was at -60 s.

    So a verdict as of a second before, -61 s, does not know its run.
    """
    evidence = evidence_of(edge=[(-60, ABSENT), (0, ABSENT)], now=-61)
    assert evidence.views[View.EDGE] == ()


def a_wrong_clock(begins: float = -1, ends: float = 6, **target_or_monitor: str) -> Blind:
    """Return a span in which the clock of a monitor was wrong, by default of all monitors at all
    targets.
    """
    return Blind(after_slot(begins), after_slot(ends), "clock", **target_or_monitor)


@pytest.mark.parametrize(
    ("blind_span", "is_proved"),
    [
        pytest.param(a_wrong_clock(begins=-1, ends=6), False, id="wrong at both looks"),
        pytest.param(a_wrong_clock(begins=0, ends=5), False, id="wrong from look to look"),
        pytest.param(a_wrong_clock(begins=1, ends=6), True, id="right at the first look"),
        pytest.param(a_wrong_clock(begins=-1, ends=4), True, id="right at the last look"),
        pytest.param(
            Blind(after_slot(-1), after_slot(6), "stopped"), True, id="blind with a right clock"
        ),
        pytest.param(a_wrong_clock(target=EDGE), False, id="wrong at the edge"),
        pytest.param(a_wrong_clock(target=ORIGIN), True, id="wrong only at the origin"),
        pytest.param(a_wrong_clock(monitor="north"), False, id="clock of this monitor"),
        pytest.param(a_wrong_clock(monitor="south"), True, id="clock of another monitor"),
    ],
)
def test_absences_prove_nothing_if_clock_was_wrong_at_every_look(
    blind_span: Blind, *, is_proved: bool
) -> None:
    """The monitor “north” looked at the edge at 0 s and at 5 s, and found the page absent. In a
    `blind_span`, its clock was wrong. If the span covers both looks, such as 0 s to 5 s, their
    times are wrong, so they prove nothing. If it covers only one of them, such as 1 s to 6 s, the
    other is a proof. Both are proofs if the clock was wrong only for the origin, or only at the
    monitor “south”, or if “north” was blind for another cause, with a right clock.
    """
    runs_of_north = seen_by("north", looks((0, ABSENT), (5, ABSENT), address=PAGE_URL).runs("page"))
    evidence = evidence_of(other_targets={"page": runs_of_north}, blind=[blind_span])
    # Spells are the times for which absence, here at the edge, is proved.
    has_proof = evidence.spells[View.EDGE] != ()
    assert has_proof is is_proved
    # The run itself is kept in any case, for people to read.
    assert len(evidence.views[View.EDGE]) == 1


def test_presence_from_start_is_the_first_at_edge_or_origin() -> None:
    """A view that shows the page from its first look on has a presence from start. All three do:
    the content API at 1 s, the origin at 3 s, the edge at 5 s. The content API only describes the
    page. So the origin's is the first.
    """
    evidence = evidence_of(edge=[(5, PRESENT)], origin=[(3, PRESENT)], content_api=[(1, PRESENT)])
    assert evidence.present_from_start.target == ORIGIN
    assert evidence.present_from_start.begin == after_slot(3)


def test_first_look_may_be_a_failed_one_at_content_api() -> None:
    """A look at the content API failed at 1 s.

    The next one found the page absent at the edge, at 5 s.
    """
    evidence = evidence_of(edge=[(5, ABSENT)], content_api=[(1, UNKNOWN)])
    assert evidence.first_look == after_slot(1)


def test_page_without_looks_has_no_first_look() -> None:
    assert evidence_of().first_look is None


def test_runs_at_edge_and_origin_are_ordered_by_first_look() -> None:
    """The first looks were at the content API at 1 s, at the origin at 2 s and at the edge at 5 s.
    The API only describes the page, so its run is left out. The origin's run comes before the
    edge's.
    """
    evidence = evidence_of(edge=[(5, ABSENT)], origin=[(2, ABSENT)], content_api=[(1, UNKNOWN)])
    first_looks = [run.first_sent for run in evidence.runs_at_edge_and_origin]
    assert first_looks == [after_slot(2), after_slot(5)]


@pytest.mark.parametrize(
    ("watched_as", "address", "page_appearances"),
    [
        ("elsewhere-1", PAGE_URL, [(None, 3)]),
        ("elsewhere-1", f"{PAGE_URL}--2", []),
        ("found-1", PAGE_URL, []),
    ],
    ids=["copy at the page's address", "copy at another address", "part that the page links to"],
)
def test_look_at_a_copy_counts_for_page_at_the_same_address(
    watched_as: str, address: str, page_appearances: list[tuple[float | None, float]]
) -> None:
    """A listing shows a copy of the page, watched as the part “elsewhere-1”. The first look at the
    copy found it at 3 s. If the copy has the page's own address, it is the page. So the page came
    by 3 s. It is not known after when (None). If the copy has another address, the page has no
    appearance. Nor has it one if the look was at the part “found-1”, which the page links to, even
    at the page's address.
    """
    looks_at_other_part = looks((3, PRESENT), specific=True, address=address)
    evidence = evidence_of(other_targets={watched_as: looks_at_other_part})
    assert appearances(evidence) == page_appearances


def test_look_at_page_counts_for_copy_at_the_same_address() -> None:
    """A listing showed an address of the release that is the page's own. So the copy there, the
    part “elsewhere-1”, is the page and needs no looks of its own. The first look at the page found
    it at 4 s. So the copy came by 4 s. It is not known after when (None).
    """
    copy = Part(
        "elsewhere-1", Role.ALTERNATIVE, url=PAGE_URL, required=False, origin=Origin.ELSEWHERE
    )
    evidence = evidence_of(edge=[(4, PRESENT)], has_title=True, release=a_release(copy), part=copy)
    assert appearances(evidence) == [(None, 4)]
