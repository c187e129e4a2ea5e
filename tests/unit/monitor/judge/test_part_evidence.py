"""What was seen of one part: by which runs, as of when, and what bears out an address that nobody announced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from monitor.judge.part_evidence import PartEvidence, seen
from monitor.judge.runs import Blind, Run
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.announcement import Address, Origin, Part, Role
from schedules.release import Release
from tests.unit.monitor.judge.world import SLOT, URL, fold, look, release, second

A, P, U = State.ABSENT, State.PRESENT, State.UNKNOWN
EDGE, ORIGIN, CONTENT = "r/page/edge", "r/page/origin", "r/page/content"
TWIN = URL.replace("/government", "/api/content/government")
ANNOUNCEMENT, INDEX = "r/announcement/origin", "r/index/origin"
Look = tuple[float, State]


def runs(target: str, *looks: Look, specific: bool = False, address: str = URL) -> list[Run]:
    found: list[Run] = []
    for at, state in looks:
        found = fold(found, look(target, state, at, specific=specific and state is P, address=address))
    return found


def evidence(
    known: dict[str, list[Run]],
    address: Address = Address.GUESSED,
    now: float = 600,
    slot: datetime | None = SLOT,
    blind: Sequence[Blind] = (),
) -> PartEvidence:
    whole: Release = replace(release(), address=address)
    return seen(whole, whole.parts[0], known, blind, second(now), slot)


def came(sight: PartEvidence) -> list[tuple[datetime | None, datetime | None]]:
    return [(one.appears.after, one.appears.by) for one in sight.presences]


def test_a_page_that_its_announcement_led_to_counts_from_the_slot_on_whatever_its_title() -> None:
    late = {EDGE: runs(EDGE, (5, P))}
    assert came(evidence(late, Address.LED_TO)) == [(None, second(5))]
    assert came(evidence(late, Address.GUESSED)) == []
    assert came(evidence(late, Address.FOUND)) == []
    assert came(evidence(late, Address.ANNOUNCED)) == []
    assert came(evidence(late, Address.LED_TO, slot=None)) == []


def test_what_was_there_before_the_slot_is_vouched_for_by_nobody() -> None:
    before = {EDGE: runs(EDGE, (-20, P))}
    assert came(evidence(before, Address.LED_TO)) == []
    at_the_slot = {EDGE: runs(EDGE, (0, P))}
    assert came(evidence(at_the_slot, Address.LED_TO)) == [(None, second(0))]
    # An absence is not turned into anything.
    (gone,) = evidence({EDGE: runs(EDGE, (5, A))}, Address.LED_TO).spells[View.EDGE]
    assert not gone.out


def test_a_guess_is_borne_out_by_what_stands_there_and_not_by_what_was_taken_away_before_its_slot() -> None:
    there = {EDGE: runs(EDGE, (-60, A), (5, P), specific=True)}
    taken = {EDGE: runs(EDGE, (-900, A), (-600, P), (-300, A), specific=True)}
    over_the_slot = {EDGE: runs(EDGE, (-900, A), (-600, P), (0, P), (300, A), specific=True)}
    still = {EDGE: runs(EDGE, (-900, A), (-600, P), specific=True)}
    guesses = [evidence(each).is_guess for each in ({}, there, taken, over_the_slot, still)]
    assert guesses == [True, False, True, False, False]
    assert not evidence(taken, slot=None).is_guess
    assert not evidence({}, Address.ANNOUNCED).is_guess


def test_only_the_page_of_a_release_is_a_guess() -> None:
    whole = replace(release(Part("sheet", Role.DATA, f"{URL}.csv")), address=Address.GUESSED)
    sight = seen(whole, whole.parts[1], {}, (), second(600), SLOT)
    assert (sight.is_guess, sight.witnesses) == (False, None)


def witnessed(*page: Look, until: float = 200) -> PartEvidence:
    known = {
        EDGE: runs(EDGE, *page, specific=True),
        ANNOUNCEMENT: runs(ANNOUNCEMENT, (-60, A), (until, A)),
        INDEX: runs(INDEX, (-60, A), (until, A)),
    }
    return evidence(known)


def test_no_presence_came_before_the_release_was_out_nowhere() -> None:
    # The listing may be 120 s behind.
    assert came(witnessed((-60, A), (150, P), (210, P))) == [(second(80), second(150))]
    # What the page itself proved later stays.
    assert came(witnessed((-60, A), (100, A), (150, P), (210, P))) == [(second(100), second(150))]
    assert came(witnessed((150, P), (210, P))) == [(second(80), second(150))]
    # A presence before what the witnesses prove contradicts them, and is not dated by them.
    assert came(witnessed((-60, A), (70, P), (210, P))) == [(second(-60), second(70))]
    assert came(witnessed((-60, A), (80, P), (210, P))) == [(second(-60), second(80))]


def test_what_a_listing_lacks_after_a_page_was_last_seen_out_does_not_date_it() -> None:
    # By 200 it may have been taken away; of what was listed at 150, nothing was out at 30.
    assert came(witnessed((-60, A), (150, P))) == [(second(30), second(150))]
    assert came(witnessed((-60, A), (70, P))) == [(second(-50), second(70))]


def test_a_guess_is_proved_gone_by_its_witnesses_alone_and_any_other_page_by_its_last_absence() -> None:
    assert witnessed((300, A)).last_gone == second(80)
    assert evidence({EDGE: runs(EDGE, (300, A))}).last_gone is None
    known = {EDGE: runs(EDGE, (300, A)), ORIGIN: runs(ORIGIN, (310, A))}
    assert evidence(known, Address.ANNOUNCED).last_gone == second(310)
    content = {CONTENT: runs(CONTENT, (300, A), address=TWIN)}
    assert evidence(content, Address.ANNOUNCED).last_gone is None


@pytest.mark.parametrize(
    ("edge", "stood"),
    [
        (((-20, P), (10, A)), True),
        (((-20, P), (-10, A)), False),
        (((-20, P), (0, A)), False),
        (((-20, P), (10, P)), False),
        (((-20, A), (10, P)), False),
    ],
)
def test_what_answers_as_if_out_until_the_slot_and_as_gone_later_may_have_stood_there(
    edge: Sequence[Look], *, stood: bool
) -> None:
    sight = evidence({EDGE: runs(EDGE, *edge)}, Address.ANNOUNCED)
    assert sight.may_have_stood_at(SLOT) is stood
    behind = {EDGE: runs(EDGE, (-20, A)), ORIGIN: runs(ORIGIN, *edge)}
    assert evidence(behind, Address.ANNOUNCED).may_have_stood_at(SLOT) is stood


def test_a_run_is_known_as_far_as_it_had_come() -> None:
    known = {EDGE: runs(EDGE, (-60, A), (0, A), (60, A))}
    (run,) = evidence(known, now=30).views[View.EDGE]
    assert (run.last_received, run.end) == (second(30), second(30))
    (whole,) = evidence(known, now=60).views[View.EDGE]
    assert (whole.last_received, whole.end) == (second(60), second(60))
    assert evidence(known, now=-61).views[View.EDGE] == ()
    assert len(evidence(known, now=-60).views[View.EDGE]) == 1


@pytest.mark.parametrize(
    ("span", "doubted"),
    [
        (Blind(second(-1), second(6), "clock"), True),
        (Blind(second(0), second(5), "clock"), True),
        (Blind(second(1), second(6), "clock"), False),
        (Blind(second(-1), second(4), "clock"), False),
        (Blind(second(-1), second(6), "stopped"), False),
        (Blind(second(-1), second(6), "clock", target=EDGE), True),
        (Blind(second(-1), second(6), "clock", target=ORIGIN), False),
        (Blind(second(-1), second(6), "clock", monitor="north"), True),
        (Blind(second(-1), second(6), "clock", monitor="south"), False),
    ],
)
def test_a_run_that_was_made_while_our_clock_was_wrong_proves_nothing(span: Blind, *, doubted: bool) -> None:
    known = {EDGE: [replace(run, monitor="north") for run in runs(EDGE, (0, A), (5, A))]}
    assert (evidence(known, Address.ANNOUNCED, blind=[span]).spells[View.EDGE] == ()) is doubted
    assert len(evidence(known, Address.ANNOUNCED, blind=[span]).views[View.EDGE]) == 1


def test_what_answers_as_if_out_first_in_either_view_is_told_by_the_earliest() -> None:
    known = {EDGE: runs(EDGE, (5, P)), ORIGIN: runs(ORIGIN, (3, P)), CONTENT: runs(CONTENT, (1, P), address=TWIN)}
    run = evidence(known, Address.ANNOUNCED).unproved
    assert run is not None
    assert run.target == ORIGIN


def test_first_look_is_the_first_of_all_views_whatever_came_of_it() -> None:
    known = {EDGE: runs(EDGE, (5, A)), CONTENT: runs(CONTENT, (1, U), address=TWIN)}
    assert evidence(known).first_look == second(1)
    assert evidence({}).first_look is None
    assert [run.first_sent for run in evidence(known | {ORIGIN: runs(ORIGIN, (2, A))}).main_runs] == [
        second(2),
        second(5),
    ]


def test_only_a_page_takes_over_what_was_seen_at_its_address_as_another_part() -> None:
    elsewhere = {"r/elsewhere-1/edge": runs("r/elsewhere-1/edge", (3, P), specific=True)}
    named = {"r/found-1/edge": runs("r/found-1/edge", (3, P), specific=True)}
    assert came(evidence(elsewhere)) == [(None, second(3))]
    assert came(evidence(named)) == []
    other = {"r/elsewhere-1/edge": runs("r/elsewhere-1/edge", (3, P), specific=True, address=f"{URL}--2")}
    assert came(evidence(other)) == []
    there = Part("elsewhere-1", Role.ALTERNATIVE, URL, required=False, origin=Origin.ELSEWHERE)
    whole = release(there)
    sight = seen(whole, there, {EDGE: runs(EDGE, (4, P), specific=True)}, (), second(600), SLOT)
    assert came(sight) == [(None, second(4))]
