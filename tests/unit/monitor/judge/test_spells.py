"""Spells: which runs count, which `Age` is believed, and when content was first absent again.

A number is an instant in seconds after the slot; the third of a look is the age of its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from monitor.judge.spells import Spell, build_spells, correct_ages, find_absence_after, find_presence_from_start
from monitor.look.sighting import State
from monitor.plan.targets import View
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN, Look, looks

Span = tuple[str, datetime, datetime]


def spells_of(*each: Look, specific: bool = False, view: View = View.EDGE) -> tuple[Spell, ...]:
    return tuple(build_spells(view, looks(*each, specific=specific).runs("page")))


def spans_of(*each: Look, specific: bool = False) -> list[Span]:
    """Return the spells of these looks at the edge, as `present` or `absent` tells them."""
    return [
        ("present" if spell.is_present else "absent", spell.begin, spell.end)
        for spell in spells_of(*each, specific=specific)
    ]


def present(begin: float, end: float) -> Span:
    return "present", after_slot(begin), after_slot(end)


def absent(begin: float, end: float) -> Span:
    return "absent", after_slot(begin), after_slot(end)


def test_presence_from_the_first_look_on_is_left_out_because_it_may_be_of_an_earlier_edition() -> None:
    assert spans_of((0, PRESENT), (5, PRESENT)) == []


def test_presence_from_the_first_look_on_counts_if_its_content_can_only_be_of_this_edition() -> None:
    assert spans_of((0, PRESENT), (5, PRESENT), specific=True) == [present(0, 5)]


@pytest.mark.parametrize("state", [ABSENT, WITHDRAWN])
def test_presence_counts_after_an_absence_or_a_withdrawal_whatever_its_content(state: State) -> None:
    assert spans_of((0, state), (5, PRESENT)) == [absent(0, 0), present(5, 5)]


def test_a_failed_look_between_two_absences_does_not_split_their_spell() -> None:
    assert spans_of((0, ABSENT), (5, UNKNOWN), (10, ABSENT), (15, WITHDRAWN)) == [absent(0, 15)]


def test_a_failed_look_between_two_presences_does_not_split_their_spell() -> None:
    assert spans_of((0, ABSENT), (5, PRESENT), (10, UNKNOWN), (15, PRESENT)) == [absent(0, 0), present(5, 15)]


def test_a_copy_from_before_the_first_absence_proves_no_presence() -> None:
    age = 10
    assert spans_of((100, ABSENT), (105, PRESENT, age)) == [absent(100, 100)]


def test_a_copy_made_at_the_first_absence_or_later_proves_presence_at_the_time_it_was_made() -> None:
    age = 5
    assert spans_of((100, ABSENT), (105, PRESENT, age)) == [absent(100, 100), present(105 - age, 105 - age)]


def test_a_copy_from_before_the_first_absence_counts_if_an_earlier_look_showed_the_content() -> None:
    age, first_absence = 30, 100
    spans = spans_of((first_absence, ABSENT), (110, PRESENT), (115, ABSENT), (120, PRESENT, age))
    copy = present(120 - age, 120 - age)
    assert spans == [absent(100, 100), present(110, 110), absent(115, 115), copy]


@pytest.mark.parametrize(("first_age", "last_age"), [(60, 0), (0, 60)])
def test_a_spell_lasts_from_its_oldest_to_its_newest_copy(first_age: float, last_age: float) -> None:
    # The third value of a look is the age of the copy that it got. A spell is a time in which a view always showed the
    # same.
    (spell,) = spells_of((0, ABSENT, first_age), (10, ABSENT, last_age))
    copies_made = [0 - first_age, 10 - last_age]
    assert spell.begin == after_slot(min(copies_made))
    assert spell.end == after_slot(max(copies_made))


def test_a_spell_across_a_failed_look_has_only_the_runs_of_its_usable_looks() -> None:
    (spell,) = spells_of((0, ABSENT), (5, UNKNOWN), (10, ABSENT))
    assert (spell.first_sent, spell.last_received) == (after_slot(0), after_slot(10))
    assert [run.state for run in spell.runs] == [ABSENT, ABSENT]


def corrected_presence_of(
    edge: Sequence[Look], *, origin: Sequence[Look] = (), content_api: Sequence[Look] = ()
) -> Spell:
    """Return the last spell of the edge, a presence, after its age was compared with the looks at all views."""
    views = {View.EDGE: edge, View.ORIGIN: origin, View.CONTENT: content_api}
    spells = {view: spells_of(*each, specific=True, view=view) for view, each in views.items()}
    presence = correct_ages(spells)[View.EDGE][-1]
    assert presence.is_present
    return presence


def test_a_presence_shown_by_a_cached_copy_begins_when_the_copy_was_made() -> None:
    age = 30
    presence = corrected_presence_of(edge=[(0, ABSENT), (60, PRESENT, age)])
    assert presence.begin == presence.earliest == after_slot(60 - age)
    # `claimed_begin` is the time of a copy whose age is not believed.
    assert presence.claimed_begin is None


def test_a_presence_begins_with_its_look_if_its_copy_says_that_it_is_older_than_an_absence() -> None:
    # 50: the edge lacks the page. 60: it serves a copy that says that it is 30 s old. So it is not really from 30.
    presence = corrected_presence_of(edge=[(0, ABSENT), (50, ABSENT), (60, PRESENT, 30)])
    assert presence.begin == after_slot(60)


def test_a_presence_keeps_the_disproved_time_of_its_copy_as_its_earliest_time() -> None:
    # 50: the edge lacks the page. 60: it serves a copy that says that it is 30 s old. So it is not really from 30.
    presence = corrected_presence_of(edge=[(0, ABSENT), (50, ABSENT), (60, PRESENT, 30)])
    assert presence.claimed_begin == after_slot(60 - 30)
    # If the age is right after all, the page was public at 30, removed by 50 and is back at 60.
    assert presence.earliest == after_slot(60 - 30)


def test_a_presence_whose_age_is_wrong_begins_15_s_after_its_look_if_no_answer_time_is_stored() -> None:
    # A look at 60 s got a copy that claims to be from 30 s. That is wrong, because the page was absent at 50 s. So the
    # presence begins when the look was answered. Old versions of the store did not keep when that was.
    absence, presence = spells_of((0, ABSENT), (50, ABSENT), (60, PRESENT, 30), specific=True)
    run_without_answer_time = replace(presence.runs[0], first_received=None)
    old_presence = replace(presence, runs=(run_without_answer_time,))
    _, corrected = correct_ages({View.EDGE: [absence, old_presence]})[View.EDGE]
    longest_look = 15
    assert corrected.begin == after_slot(60 + longest_look)


@pytest.mark.parametrize(
    "origin",
    [[(10, ABSENT), (50, ABSENT)], [(35, ABSENT), (50, ABSENT)]],
    ids=["looks 40 s apart", "looks only after the claimed time"],
)
def test_a_wrong_age_is_kept_as_a_claim_if_no_close_looks_at_the_origin_exclude_it(origin: list[Look]) -> None:
    # A copy got at 60 claims to be from 30. The origin lacked the page at 50, so the presence begins at 60. But the
    # page may have been public at 30 and removed.
    presence = corrected_presence_of(edge=[(0, ABSENT), (60, PRESENT, 30)], origin=origin)
    assert presence.begin == after_slot(60)
    assert presence.claimed_begin == after_slot(30)


@pytest.mark.parametrize(
    "origin",
    [[(20, ABSENT), (35, ABSENT), (50, ABSENT)], [(30, ABSENT), (50, ABSENT)]],
    ids=["looks before and after the claimed time", "looks from the claimed time on"],
)
def test_a_wrong_age_is_not_kept_as_a_claim_if_close_looks_at_the_origin_exclude_it(origin: list[Look]) -> None:
    # A copy got at 60 claims to be from 30. Looks at the origin that are at most 20 s apart prove absence then.
    presence = corrected_presence_of(edge=[(0, ABSENT), (60, PRESENT, 30)], origin=origin)
    assert presence.begin == after_slot(60)
    assert presence.claimed_begin is None


def test_an_age_is_believed_although_a_later_look_at_the_origin_found_the_page_absent() -> None:
    age = 30
    presence = corrected_presence_of(edge=[(0, ABSENT), (60, PRESENT, age)], origin=[(61, ABSENT)])
    assert presence.begin == after_slot(60 - age)


def test_an_age_is_believed_although_the_content_api_lacked_the_page_since_then() -> None:
    # The content API has an item of its own, which may come later than the page.
    age = 30
    presence = corrected_presence_of(edge=[(0, ABSENT), (60, PRESENT, age)], content_api=[(50, ABSENT)])
    assert presence.begin == after_slot(60 - age)


def test_an_age_is_believed_if_the_last_absence_was_at_the_instant_at_which_the_copy_was_made() -> None:
    age = 30
    presence = corrected_presence_of(edge=[(0, ABSENT), (60 - age, ABSENT), (60, PRESENT, age)])
    assert presence.begin == after_slot(60 - age)


def test_an_absence_is_left_as_it_is_when_ages_are_corrected() -> None:
    absences = spells_of((0, ABSENT), (5, ABSENT))
    assert correct_ages({View.EDGE: absences})[View.EDGE] == absences


def test_a_presence_in_answers_without_an_age_is_left_as_it_is_although_the_origin_lacked_the_page() -> None:
    # Only the age of a copy can be wrong. The edge made these answers when it was looked at, so they have none.
    edge = spells_of((0, PRESENT), (5, PRESENT), specific=True)
    origin = spells_of((0, ABSENT), (3, ABSENT), view=View.ORIGIN)
    assert correct_ages({View.EDGE: edge, View.ORIGIN: origin})[View.EDGE] == edge


def test_presence_from_the_first_answer_on_lasts_from_its_oldest_copy_to_its_newest_answer() -> None:
    fresh_answer, cached_copy = (5, PRESENT), (15, PRESENT, 60)
    later_absence, later_presence = (20, ABSENT), (25, PRESENT)
    failed, failed_again = (0, UNKNOWN), (10, UNKNOWN)
    runs = looks(failed, fresh_answer, failed_again, cached_copy, later_absence, later_presence).runs("page")
    presence = find_presence_from_start(runs)
    # The copy seen at 15 is 60 s old. It proves presence when it was made, and the fresh answer proves it at 5.
    assert (presence.begin, presence.end) == (after_slot(15 - 60), after_slot(5))


def test_a_view_that_first_lacked_the_page_does_not_begin_with_an_unproved_presence() -> None:
    runs = looks((0, ABSENT), (5, PRESENT)).runs("page")
    assert find_presence_from_start(runs) is None


def test_a_view_that_first_showed_this_edition_does_not_begin_with_an_unproved_presence() -> None:
    # A presence from the first look on is unproved only if it may be of an earlier edition.
    runs = looks((0, PRESENT), (5, PRESENT), specific=True).runs("page")
    assert find_presence_from_start(runs) is None


def test_a_view_whose_looks_all_failed_does_not_begin_with_an_unproved_presence() -> None:
    runs = looks((0, UNKNOWN)).runs("page")
    assert find_presence_from_start(runs) is None


def absence_after_presence_until_10(*later_looks: Look) -> datetime | None:
    """Return by when content was absent that a view showed from 0 to 10, by later looks at that view."""
    (presence,) = spells_of((0, PRESENT), (10, PRESENT), specific=True)
    return find_absence_after(presence, spells_of(*later_looks))


def test_content_without_a_later_look_that_found_it_absent_has_no_removal() -> None:
    assert absence_after_presence_until_10() is None


def test_content_is_absent_by_the_first_look_after_its_presence_that_found_it_absent() -> None:
    assert absence_after_presence_until_10((20, ABSENT)) == after_slot(20)


def test_content_is_absent_by_the_time_at_which_a_newer_copy_without_it_was_made() -> None:
    age = 9
    assert absence_after_presence_until_10((20, ABSENT, age)) == after_slot(20 - age)


@pytest.mark.parametrize("age", [10, 15, 20, 30])
def test_a_copy_without_the_content_from_before_the_last_look_that_showed_it_proves_no_removal(age: float) -> None:
    # The copy was made at 10 or earlier, when the content was still shown.
    assert absence_after_presence_until_10((20, ABSENT, age)) is None


def test_content_is_absent_by_a_look_without_a_cache_after_one_that_got_an_old_copy() -> None:
    old_copy, fresh_answer = (20, ABSENT, 15), (30, ABSENT)
    assert absence_after_presence_until_10(old_copy, fresh_answer) == after_slot(30)
