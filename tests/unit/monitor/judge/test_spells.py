"""Spells: which runs count, which `Age` is believed, and when content was first absent again. A number is an instant in
seconds after the slot; the third of a look is the age of its answer."""

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


def spells_of(*each: Look, this_edition: bool = False, view: View = View.EDGE) -> tuple[Spell, ...]:
    return tuple(build_spells(view, looks(*each, specific=this_edition).runs("page")))


def spans_of(*each: Look, this_edition: bool = False) -> list[Span]:
    """Return the spells of these looks at the edge as `present` or `absent` return them."""
    spells = spells_of(*each, this_edition=this_edition)
    return [("present" if spell.is_present else "absent", spell.begin, spell.end) for spell in spells]


def present(begin: float, end: float) -> Span:
    return "present", after_slot(begin), after_slot(end)


def absent(begin: float, end: float) -> Span:
    return "absent", after_slot(begin), after_slot(end)


def test_presence_from_first_look_on_does_not_count() -> None:
    """Looks at 0 s and 5 s show a page. None before found it absent, so it may be of an earlier edition: no spell."""
    assert spans_of((0, PRESENT), (5, PRESENT), this_edition=False) == []


def test_presence_from_first_look_on_counts_if_of_this_edition() -> None:
    """Looks at 0 s and 5 s show a page that names this edition. So that is a presence, from 0 s to 5 s."""
    assert spans_of((0, PRESENT), (5, PRESENT), this_edition=True) == [present(0, 5)]


@pytest.mark.parametrize("state", [ABSENT, WITHDRAWN])
def test_presence_of_any_content_counts_after_absence_or_withdrawal(state: State) -> None:
    """At 0 s the page was absent or withdrawn. So a page at 5 s is new, and counts even if it names no edition."""
    assert spans_of((0, state), (5, PRESENT), this_edition=False) == [absent(0, 0), present(5, 5)]


def test_failed_look_does_not_split_a_spell_of_absence() -> None:
    """The look at 5 s failed, which proves nothing. All others found the page absent, or withdrawn, which counts as
    absent. So that is one spell, a time in which a view always showed the same, from 0 s to 15 s."""
    assert spans_of((0, ABSENT), (5, UNKNOWN), (10, ABSENT), (15, WITHDRAWN)) == [absent(0, 15)]


def test_failed_look_does_not_split_a_spell_of_presence() -> None:
    """Looks at 5 s and 15 s show the page. The one at 10 s failed, which proves nothing: one spell of presence."""
    assert spans_of((0, ABSENT), (5, PRESENT), (10, UNKNOWN), (15, PRESENT)) == [absent(0, 0), present(5, 15)]


def test_cached_copy_from_before_first_absence_proves_no_presence() -> None:
    """The page was absent at 100 s. A copy of it got at 105 s was 10 s old, so made at 95 s, before that."""
    age = 10
    assert spans_of((100, ABSENT), (105, PRESENT, age)) == [absent(100, 100)]


def test_cached_copy_proves_presence_when_it_was_made() -> None:
    """The page was absent at 100 s. A copy of it got at 105 s was 5 s old, so made at 105 - 5 = 100 s."""
    age = 5
    assert spans_of((100, ABSENT), (105, PRESENT, age)) == [absent(100, 100), present(105 - age, 105 - age)]


def test_older_copy_counts_if_an_earlier_look_showed_the_content() -> None:
    """At 120 s a look gets a 30 s old copy of the page, made at 90 s. That is before the first absence, at 100 s, so it
    may show an earlier edition. It counts because a look at 110 s had shown the page already."""
    age, first_absence = 30, 100
    spans = spans_of((first_absence, ABSENT), (110, PRESENT), (115, ABSENT), (120, PRESENT, age))
    copy = present(120 - age, 120 - age)
    assert spans == [absent(100, 100), present(110, 110), absent(115, 115), copy]


@pytest.mark.parametrize(("first_age", "last_age"), [(60, 0), (0, 60)])
def test_spell_lasts_from_its_oldest_to_its_newest_copy(first_age: float, last_age: float) -> None:
    """Looks at 0 s and 10 s got copies without the page, say one made 60 s before and a fresh one. A spell is a time in
    which a view always showed the same. So this one lasts from 0 - 60 = -60 s to 10 s."""
    (spell,) = spells_of((0, ABSENT, first_age), (10, ABSENT, last_age))
    copies_made_at = [0 - first_age, 10 - last_age]
    assert spell.begin == after_slot(min(copies_made_at))
    assert spell.end == after_slot(max(copies_made_at))


def test_spell_across_failed_look_has_only_its_usable_runs() -> None:
    """A spell is a time in which a view always showed the same. Looks at 0 s and 10 s found the page absent. The one at
    5 s failed, which proves nothing, so it is not in the spell."""
    (spell,) = spells_of((0, ABSENT), (5, UNKNOWN), (10, ABSENT))
    assert (spell.first_sent, spell.last_received) == (after_slot(0), after_slot(10))
    assert [run.state for run in spell.runs] == [ABSENT, ABSENT]


def presence_after_age_check(
    edge: Sequence[Look], *, origin: Sequence[Look] = (), content_api: Sequence[Look] = ()
) -> Spell:
    """Return the last spell of the edge, a presence, after its age was compared with the looks at all views."""
    views = {View.EDGE: edge, View.ORIGIN: origin, View.CONTENT: content_api}
    spells = {view: spells_of(*each, this_edition=True, view=view) for view, each in views.items()}
    presence = correct_ages(spells)[View.EDGE][-1]
    assert presence.is_present
    return presence


def test_presence_shown_by_cached_copy_begins_when_copy_was_made() -> None:
    """A look at 60 s got a copy of the page that was 30 s old. So the page was there at 30 s."""
    age = 30
    presence = presence_after_age_check(edge=[(0, ABSENT), (60, PRESENT, age)])
    assert presence.begin == presence.earliest == after_slot(60 - age)
    # `claimed_begin` is the time of a copy whose age is not believed.
    assert presence.claimed_begin is None


def test_presence_with_disproved_age_begins_at_its_look() -> None:
    """At 60 s the edge sends a copy of the page that claims to be 30 s old, so made at 30 s. But at 50 s the edge
    lacked the page. So the age is not believed: the page was there at 60 s."""
    age = 30
    presence = presence_after_age_check(edge=[(0, ABSENT), (50, ABSENT), (60, PRESENT, age)])
    assert presence.begin == after_slot(60)
    # If the age is right after all, the page was public at 30 s, removed by 50 s and is back at 60 s.
    assert presence.claimed_begin == presence.earliest == after_slot(60 - age)


def test_presence_with_disproved_age_and_no_answer_time_begins_later() -> None:
    """At 60 s the edge sends a copy that claims to be 30 s old. That is not believed, because the edge lacked the page
    at 50 s. The look has no time of its answer, as in old stores, but took 15 s at most: until 75 s."""
    absence, presence = spells_of((0, ABSENT), (50, ABSENT), (60, PRESENT, 30), this_edition=True)
    run_without_answer_time = replace(presence.runs[0], first_received=None)
    old_presence = replace(presence, runs=(run_without_answer_time,))
    _, corrected = correct_ages({View.EDGE: [absence, old_presence]})[View.EDGE]
    longest_look = 15
    assert corrected.begin == after_slot(60 + longest_look)


@pytest.mark.parametrize(
    ("origin", "is_possible"),
    [
        pytest.param([(10, ABSENT), (50, ABSENT)], True, id="looks 40 s apart"),
        pytest.param([(35, ABSENT), (50, ABSENT)], True, id="looks only after the claimed time"),
        pytest.param([(20, ABSENT), (35, ABSENT), (50, ABSENT)], False, id="looks around the claimed time"),
        pytest.param([(30, ABSENT), (50, ABSENT)], False, id="looks from the claimed time on"),
    ],
)
def test_disproved_age_stays_a_claim_unless_close_looks_exclude_it(origin: list[Look], *, is_possible: bool) -> None:
    """A copy got at 60 s claims to be from 30 s, but the origin lacked the page at 50 s. The page may have come by 30 s
    and gone, so this stays a claim. If looks at most 20 s apart found it absent around 30 s, it does not."""
    presence = presence_after_age_check(edge=[(0, ABSENT), (60, PRESENT, 30)], origin=origin)
    assert presence.begin == after_slot(60)
    assert presence.claimed_begin == (after_slot(30) if is_possible else None)


@pytest.mark.parametrize(
    ("edge_last_absent", "origin", "content_api"),
    [(0, [(61, ABSENT)], []), (0, [], [(50, ABSENT)]), (30, [], [])],
    ids=["absent at the origin later", "absent in the content API", "absent at the edge when the copy was made"],
)
def test_age_is_believed_unless_absence_since_then_contradicts_it(
    edge_last_absent: float, origin: list[Look], content_api: list[Look]
) -> None:
    """A copy got at 60 s claims to be from 30 s. That is believed, because neither edge nor origin lacked the page in
    between. An absence in the content API does not count: its item of the page may come later."""
    age = 30
    edge: list[Look] = [(0, ABSENT), (edge_last_absent, ABSENT), (60, PRESENT, age)]
    presence = presence_after_age_check(edge, origin=origin, content_api=content_api)
    assert presence.begin == after_slot(60 - age)


def test_correction_of_ages_leaves_absences_unchanged() -> None:
    """`correct_ages` changes only presences whose age cannot be true. Here the page was absent at 0 s and 5 s."""
    absences = spells_of((0, ABSENT), (5, ABSENT))
    assert correct_ages({View.EDGE: absences})[View.EDGE] == absences


def test_correction_of_ages_leaves_uncached_presence_unchanged() -> None:
    """The edge showed the page at 0 s and 5 s, when the origin lacked it. Neither answer has an `Age` to correct."""
    edge = spells_of((0, PRESENT), (5, PRESENT), this_edition=True)
    origin = spells_of((0, ABSENT), (3, ABSENT), view=View.ORIGIN)
    assert correct_ages({View.EDGE: edge, View.ORIGIN: origin})[View.EDGE] == edge


def test_presence_without_earlier_absence_lasts_from_oldest_to_newest_copy() -> None:
    """A page that a view shows from its first answer on is a presence from start. Here a look at 0 s fails, and looks
    at 5 s and 15 s show the page. The absence at 20 s ends the presence."""
    fresh_answer, old_copy = (5, PRESENT), (15, PRESENT, 60)
    later_absence, later_presence = (20, ABSENT), (25, PRESENT)
    runs = looks((0, UNKNOWN), fresh_answer, (10, UNKNOWN), old_copy, later_absence, later_presence).runs("page")
    presence = find_presence_from_start(runs)
    # The copy got at 15 s is 60 s old, so it shows the page as of 45 s before the slot. The look at 5 s is the newest.
    assert (presence.begin, presence.end) == (after_slot(15 - 60), after_slot(5))


@pytest.mark.parametrize(
    ("page_looks", "this_edition"),
    [([(0, ABSENT), (5, PRESENT)], False), ([(0, PRESENT), (5, PRESENT)], True), ([(0, UNKNOWN)], False)],
    ids=["absent at first", "of this edition", "all looks failed"],
)
def test_dated_or_identified_page_has_no_presence_from_start(page_looks: list[Look], *, this_edition: bool) -> None:
    """A page shown from the first answer on may be of an earlier edition: a presence from start. There is none (None)
    if the page is surely of this edition, if an absence comes first and dates it, or if all looks fail."""
    runs = looks(*page_looks, specific=this_edition).runs("page")
    assert find_presence_from_start(runs) is None


@pytest.mark.parametrize(
    ("later_looks", "absent_by"),
    [
        pytest.param([], None, id="no later look"),
        pytest.param([(20, ABSENT)], 20, id="absent"),
        pytest.param([(20, ABSENT, 9)], 20 - 9, id="absent in a newer copy"),
        pytest.param([(20, ABSENT, 10)], None, id="absent in a copy as old as the last presence"),
        pytest.param([(20, ABSENT, 15)], None, id="absent in an older copy"),
        pytest.param([(20, ABSENT, 20)], None, id="absent in a copy as old as the first presence"),
        pytest.param([(20, ABSENT, 30)], None, id="absent in a copy from before"),
        pytest.param([(20, ABSENT, 15), (30, ABSENT)], 30, id="absent in an older copy and then without a cache"),
    ],
)
def test_content_is_removed_by_first_answer_made_without_it(later_looks: list[Look], absent_by: float | None) -> None:
    """The content was shown from 0 s to 10 s. Then a look at 20 s got a copy without it, for example one that was 9 s
    old: (20, ABSENT, 9). So it was removed by 20 - 9 = 11 s. A copy 10 s old or older proves nothing (None)."""
    (presence,) = spells_of((0, PRESENT), (10, PRESENT), this_edition=True)
    later_spells = spells_of(*later_looks)
    assert find_absence_after(presence, later_spells) == after_slot(absent_by)
