"""Spells: which runs count, which `Age` is believed, and when content was first absent again.

A number is an instant in seconds after the slot; the third of a look is the age of its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor.judge.spells import Spell, build_spells, correct_ages, find_absence_after, find_presence_from_start
from monitor.plan.targets import View
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN, Look, looks

Spans = list[tuple[bool, float, float]]


def spells_of(*each: Look, specific: bool = False, view: View = View.EDGE) -> tuple[Spell, ...]:
    return tuple(build_spells(view, looks(*each, specific=specific).runs("page")))


def corrected_spells_of(edge: Sequence[Look], **views: Sequence[Look]) -> dict[View, tuple[Spell, ...]]:
    """Return the spells of each view, all of this edition, with their ages corrected."""
    each = {View.EDGE: edge, **{View[name.upper()]: each_look for name, each_look in views.items()}}
    return correct_ages({view: spells_of(*each_look, specific=True, view=view) for view, each_look in each.items()})


SPANS = {
    "present at the first look": ([(0, PRESENT), (5, PRESENT)], False, []),
    "present at the first look, of this edition": ([(0, PRESENT), (5, PRESENT)], True, [(True, 0, 5)]),
    "present after an absence": ([(0, ABSENT), (5, PRESENT)], False, [(False, 0, 0), (True, 5, 5)]),
    "present after a withdrawal": ([(0, WITHDRAWN), (5, PRESENT)], False, [(False, 0, 0), (True, 5, 5)]),
    "a failed look between absences": (
        [(0, ABSENT), (5, UNKNOWN), (10, ABSENT), (15, WITHDRAWN)], False, [(False, 0, 15)],
    ),
    "a failed look between presences": (
        [(0, ABSENT), (5, PRESENT), (10, UNKNOWN), (15, PRESENT)], False, [(False, 0, 0), (True, 5, 15)],
    ),
    "a copy from before the first absence": ([(100, ABSENT), (105, PRESENT, 10)], False, [(False, 100, 100)]),
    "a copy from the first absence on": (
        [(100, ABSENT), (105, PRESENT, 5)], False, [(False, 100, 100), (True, 100, 100)],
    ),
    "an older copy of content that was present before": (
        [(100, ABSENT), (110, PRESENT), (115, ABSENT), (120, PRESENT, 30)], False,
        [(False, 100, 100), (True, 110, 110), (False, 115, 115), (True, 90, 90)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("looks_at_view", "is_this_edition", "expected_spans"), SPANS.values(), ids=SPANS)
def test_presence_counts_after_an_absence_or_if_it_is_of_this_edition(
    looks_at_view: list[Look], expected_spans: Spans, *, is_this_edition: bool
) -> None:
    spells = spells_of(*looks_at_view, specific=is_this_edition)
    assert [(spell.is_present, spell.begin, spell.end) for spell in spells] == [
        (is_present, after_slot(begin), after_slot(end)) for is_present, begin, end in expected_spans
    ]


@pytest.mark.parametrize(("first_age", "last_age", "earliest", "latest"), [(60, 0, -60, 10), (0, 60, -50, 0)])
def test_a_spell_has_the_earliest_beginning_and_latest_end_of_its_runs(
    first_age: float, last_age: float, earliest: float, latest: float
) -> None:
    # The third value of a look is the age of its answer. A copy got at 0 that is 60 s old was made at -60, and one got
    # at 10 at -50. A spell is a time in which a view always showed the same, and a failed look does not end it.
    first, failed, last = (0, ABSENT, first_age), (5, UNKNOWN), (10, ABSENT, last_age)
    (spell,) = spells_of(first, failed, last)
    assert (spell.begin, spell.end) == (after_slot(earliest), after_slot(latest))
    assert (spell.first_sent, spell.last_received, len(spell.runs)) == (after_slot(0), after_slot(10), 2)


LONGEST_LOOK = 15


def presence_30_s_old_at_60(edge: Sequence[Look] = (), **views: Sequence[Look]) -> Spell:
    """Return the presence that an edge, absent at 0, shows at 60 in a copy said to be 30 s old, its age corrected."""
    _absence, presence = corrected_spells_of([(0, ABSENT), *edge, (60, PRESENT, 30)], **views)[View.EDGE]
    return presence


def test_a_presence_begins_when_its_copy_was_made() -> None:
    presence = presence_30_s_old_at_60()
    assert presence.begin == presence.earliest == after_slot(60 - 30)
    assert presence.claimed_begin is None


def test_a_presence_whose_age_an_earlier_look_contradicts_begins_with_its_look_and_keeps_the_claim() -> None:
    # A copy got at 60 says that it is 30 s old, but the edge lacked the page at 50.
    presence = presence_30_s_old_at_60(edge=[(50, ABSENT)])
    assert presence.begin == after_slot(60)
    assert presence.claimed_begin == presence.earliest == after_slot(60 - 30)


def test_a_presence_with_a_contradicted_age_begins_15_s_after_its_look_if_no_answer_time_is_stored() -> None:
    # The absence at 50 s contradicts the age. So the presence begins when its look, sent at 60 s, was answered.
    # Versions before 0012 of the store did not keep when that was: at most `LONGEST_LOOK` after it was sent.
    absence, presence = spells_of((0, ABSENT), (50, ABSENT), (60, PRESENT, 30), specific=True)
    old_run = replace(presence.runs[0], first_received=None)
    corrected = correct_ages({View.EDGE: [absence, replace(presence, runs=(old_run,))]})[View.EDGE]
    assert corrected[1].begin == after_slot(60 + LONGEST_LOOK)


@pytest.mark.parametrize(
    ("origin", "is_watched"),
    [
        ([(20, ABSENT), (35, ABSENT), (50, ABSENT)], True),
        ([(30, ABSENT), (50, ABSENT)], True),
        ([(10, ABSENT), (50, ABSENT)], False),
        ([(35, ABSENT), (50, ABSENT)], False),
    ],
    ids=["closely", "from the claimed instant on", "too far apart to exclude a return", "only after it"],
)
def test_a_contradicted_age_still_claims_an_earlier_presence_unless_the_origin_was_watched_then(
    origin: list[Look], *, is_watched: bool
) -> None:
    # A copy got at 60 says that it is 30 s old, but the origin lacked the page at 50. So the presence
    # begins at 60. The page may still have been there at 30, as claimed, unless the origin lacked it
    # around then in looks at most 20 s apart.
    presence = presence_30_s_old_at_60(origin=origin)
    assert presence.begin == after_slot(60)
    assert presence.claimed_begin == (None if is_watched else after_slot(60 - 30))


@pytest.mark.parametrize(
    ("edge", "views"),
    [
        ([], {"origin": [(61, ABSENT)]}),
        ([], {"content": [(50, ABSENT)]}),
        ([(30, ABSENT)], {}),
    ],
    ids=["a later look", "the content item", "an absence at that very instant"],
)
def test_only_an_earlier_look_at_the_page_contradicts_an_age(edge: list[Look], views: dict[str, list[Look]]) -> None:
    # A look at 60 got a copy that is 30 s old. So the presence begins at 30, unless a look before 60 proves absence
    # later than that. The content item may lack what the page shows.
    assert presence_30_s_old_at_60(edge, **views).begin == after_slot(60 - 30)


def test_ages_that_no_other_look_contradicts_are_not_corrected() -> None:
    (absent,) = spells_of((0, ABSENT), (5, ABSENT))
    (present,) = spells_of((0, PRESENT), (5, PRESENT), specific=True)
    assert correct_ages({View.EDGE: [absent]})[View.EDGE] == (absent,)
    # A presence that begins with its look has no age to correct, although the origin lacked it until 3.
    origin = [replace(absent, end=after_slot(3))]
    assert correct_ages({View.EDGE: [present], View.ORIGIN: origin})[View.EDGE] == (present,)


def test_presence_from_the_first_look_on_is_an_unproved_run_as_old_as_its_oldest_copy() -> None:
    last_fresh, cached, age = 5, 15, 60
    # The copy seen at 15 s was made at -45 s, so the last proof of presence is the fresh answer at 5 s.
    from_start = (0, UNKNOWN), (last_fresh, PRESENT), (10, UNKNOWN), (cached, PRESENT, age)
    run = find_presence_from_start(looks(*from_start, (20, ABSENT), (25, PRESENT)).runs("page"))
    assert (run.begin, run.end) == (after_slot(cached - age), after_slot(last_fresh))


@pytest.mark.parametrize(
    "seen",
    [looks((0, ABSENT), (5, PRESENT)), looks((0, PRESENT), (5, PRESENT), specific=True), looks((0, UNKNOWN))],
    ids=["after an absence", "of this edition", "failed looks"],
)
def test_no_run_is_unproved_if_it_is_specific_or_failed(seen: object) -> None:
    # A presence from the first look on is unproved, because it may be of an earlier
    # edition. `specific` content is of this one.
    assert find_presence_from_start(seen.runs("page")) is None


@pytest.mark.parametrize(
    ("looks_after_presence", "absent_by"),
    [
        ([], None),
        ([(20, ABSENT)], 20),
        ([(20, ABSENT, 30)], None),
        ([(20, ABSENT, 20)], None),
        ([(20, ABSENT, 15)], None),
        ([(20, ABSENT, 15), (30, ABSENT)], 30),
        ([(20, ABSENT, 10)], None),
        ([(20, ABSENT, 9)], 11),
    ],
)
def test_content_is_absent_only_by_a_copy_that_was_made_after_the_last_look_that_saw_it(
    looks_after_presence: list[Look], absent_by: float | None
) -> None:
    # The third value of a look is the age of the copy that a cache answered. So `(20, ABSENT, 9)` is a copy made at 11,
    # after the last presence at 10. A spell is a time in which a view always showed the same. `specific` content is of
    # this edition, so it counts as present without an absence before it.
    (present,) = spells_of((0, PRESENT), (10, PRESENT), specific=True)
    assert find_absence_after(present, spells_of(*looks_after_presence)) == after_slot(absent_by)
