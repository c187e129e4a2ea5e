"""Spells: which runs count, which `Age` is believed, and when content was first absent again. A
number is an instant in seconds after the slot; the third of a look is the age of its answer.

A spell is a time in which a view always showed the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from monitor.judge.spells import (
    Spell,
    build_spells,
    correct_ages,
    find_absence_after,
    find_presence_from_start,
)
from monitor.look.sighting import State
from monitor.plan.targets import View
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN, Look, looks

Span = tuple[str, datetime, datetime]


def spells_of(*each: Look, this_edition: bool = False, view: View = View.EDGE) -> tuple[Spell, ...]:
    return tuple(build_spells(view, looks(*each, specific=this_edition).runs("page")))


def spans_of(*each: Look, this_edition: bool = False) -> list[Span]:
    spells = spells_of(*each, this_edition=this_edition)
    return [
        ("present" if spell.is_present else "absent", spell.begin, spell.end) for spell in spells
    ]


def present(begin: float, end: float) -> Span:
    return "present", after_slot(begin), after_slot(end)


def absent(begin: float, end: float) -> Span:
    return "absent", after_slot(begin), after_slot(end)


def test_presence_from_first_look_on_does_not_count() -> None:
    """Looks at 0 s and 5 s show a page.

    None before found it absent. It may be of an earlier edition: no presence.
    """
    assert spans_of((0, PRESENT), (5, PRESENT), this_edition=False) == []


def test_presence_from_first_look_on_counts_if_of_this_edition() -> None:
    """Looks at 0 s and 5 s show a page that names this edition.

    So that is a presence, from 0 s to 5 s.
    """
    assert spans_of((0, PRESENT), (5, PRESENT), this_edition=True) == [present(0, 5)]


@pytest.mark.parametrize("state", [ABSENT, WITHDRAWN])
def test_presence_of_any_content_counts_after_absence_or_withdrawal(state: State) -> None:
    """At 0 s the page was absent or withdrawn, which counts as absent. At 5 s there is a page that
    names no edition. As it was not there before, it is new. So it counts as a presence.
    """
    assert spans_of((0, state), (5, PRESENT), this_edition=False) == [absent(0, 0), present(5, 5)]


def test_failed_look_does_not_split_a_spell_of_absence() -> None:
    """Three looks found the page absent or withdrawn, which counts as absent. The look at 5 s
    failed, which proves nothing. So there is one spell, from 0 s to 15 s.
    """
    assert spans_of((0, ABSENT), (5, UNKNOWN), (10, ABSENT), (15, WITHDRAWN)) == [absent(0, 15)]


def test_failed_look_does_not_split_a_spell_of_presence() -> None:
    """Looks at 5 s and 15 s show the page. The look at 10 s failed, which proves nothing. So there
    is one spell of presence, from 5 s to 15 s.
    """
    assert spans_of((0, ABSENT), (5, PRESENT), (10, UNKNOWN), (15, PRESENT)) == [
        absent(0, 0),
        present(5, 15),
    ]


def test_cached_copy_from_before_first_absence_proves_no_presence() -> None:
    """The page was absent at 100 s. At 105 s a look got a copy of the page from a cache. It was 10
    s old, so made at 95 s, before the absence. It may be of an earlier edition. So it proves no
    presence.
    """
    age = 10
    assert spans_of((100, ABSENT), (105, PRESENT, age)) == [absent(100, 100)]


def test_cached_copy_proves_presence_when_it_was_made() -> None:
    """The page was absent at 100 s.

    At 105 s a look got a copy of the page from a cache. It was 5 s old, so made at 105
    - 5 = 100 s, not before the absence. So it proves that the page was present at 100 s.
    """
    age = 5
    assert spans_of((100, ABSENT), (105, PRESENT, age)) == [
        absent(100, 100),
        present(105 - age, 105 - age),
    ]


def test_older_copy_counts_if_an_earlier_look_showed_the_content() -> None:
    """The page was absent at 100 s, there at 110 s, and absent at 115 s. At 120 s a look got a copy
    of it that was 30 s old, so made at 90 s. From before the first absence, it may be of an earlier
    edition. But the look at 110 s had already shown this page. So the copy counts.
    """
    age = 30
    spans = spans_of((100, ABSENT), (110, PRESENT), (115, ABSENT), (120, PRESENT, age))
    copy = present(120 - age, 120 - age)
    assert spans == [absent(100, 100), present(110, 110), absent(115, 115), copy]


@pytest.mark.parametrize(("first_age", "last_age"), [(60, 0), (0, 60)])
def test_spell_lasts_from_its_oldest_to_its_newest_copy(first_age: float, last_age: float) -> None:
    """Looks at 0 s and 10 s got copies without the page. One copy was fresh, and the other 60 s
    old. A spell of absence lasts from its oldest to its newest copy. If the first was old, that is
    from 0 - 60 = -60 s to 10 s. If the last was old, it was made at 10 - 60 = -50 s. Then the spell
    lasts from -50 s to 0 s.
    """
    (spell,) = spells_of((0, ABSENT, first_age), (10, ABSENT, last_age))
    copies_made_at = [0 - first_age, 10 - last_age]
    assert spell.begin == after_slot(min(copies_made_at))
    assert spell.end == after_slot(max(copies_made_at))


def test_spell_across_failed_look_has_only_its_usable_runs() -> None:
    """Looks at 0 s and 10 s found the page absent. The look at 5 s failed, which proves nothing. So
    all three are in one spell, a time in which a view always showed the same. But its runs are only
    the two of absence.
    """
    (spell,) = spells_of((0, ABSENT), (5, UNKNOWN), (10, ABSENT))
    assert (spell.first_sent, spell.last_received) == (after_slot(0), after_slot(10))
    assert [run.state for run in spell.runs] == [ABSENT, ABSENT]


def presence_after_age_check(
    edge: Sequence[Look], *, origin: Sequence[Look] = (), content_api: Sequence[Look] = ()
) -> Spell:
    """Return the last spell of the edge, a presence, after its age was compared with the looks at
    all views.
    """
    views = {View.EDGE: edge, View.ORIGIN: origin, View.CONTENT: content_api}
    spells = {view: spells_of(*each, this_edition=True, view=view) for view, each in views.items()}
    presence = correct_ages(spells)[View.EDGE][-1]
    assert presence.is_present
    return presence


def test_presence_shown_by_cached_copy_begins_when_copy_was_made() -> None:
    """The page was absent at 0 s. At 60 s a look got a copy of the page that claimed to be 30 s
    old. No absence since then contradicts that. So the page was there when the copy was made, at 60
    - 30 = 30 s.
    """
    age = 30
    presence = presence_after_age_check(edge=[(0, ABSENT), (60, PRESENT, age)])
    assert presence.begin == presence.earliest == after_slot(60 - age)
    # `claimed_begin` is set only if the age is not believed.
    assert presence.claimed_begin is None


def test_presence_with_disproved_age_begins_at_its_look() -> None:
    """At 50 s the edge lacked the page. At 60 s it sent a copy of the page that claimed to be 30 s
    old, so made at 30 s. But then the edge would have had it at 50 s. So the age is not believed.
    The page was surely there at 60 s.
    """
    age = 30
    presence = presence_after_age_check(edge=[(0, ABSENT), (50, ABSENT), (60, PRESENT, age)])
    assert presence.begin == after_slot(60)
    # The page may still have been public at 30 s, removed by 50 s and back at 60 s. So the claim is
    # kept.
    assert presence.claimed_begin == presence.earliest == after_slot(60 - age)


def test_presence_with_disproved_age_and_no_answer_time_begins_15_s_after_its_look() -> None:
    """At 50 s the edge lacked the page. At 60 s it sent a copy that claimed to be 30 s old. That is
    not believed. So the page was surely there only when the look of 60 s was answered. Older
    versions did not store when that was. But no look takes over 15 s. So the page was there at 60 +
    15 = 75 s.
    """
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
        pytest.param(
            [(20, ABSENT), (35, ABSENT), (50, ABSENT)], False, id="looks around the claimed time"
        ),
        pytest.param([(30, ABSENT), (50, ABSENT)], False, id="looks from the claimed time on"),
    ],
)
def test_disproved_age_stays_a_claim_unless_close_looks_exclude_it(
    origin: list[Look], *, is_possible: bool
) -> None:
    """At 60 s the edge sent a copy of the page that claimed to be 30 s old, so made at 30 s. But
    the origin lacked the page at 50 s. So the page was surely there only at 60 s. It may still have
    been public at 30 s and removed by 50 s. Then 30 s stays as a claim. That is impossible if the
    origin lacked the page around 30 s or from 30 s on, in looks at most 20 s apart. Then the claim
    is dropped (None).
    """
    presence = presence_after_age_check(edge=[(0, ABSENT), (60, PRESENT, 30)], origin=origin)
    assert presence.begin == after_slot(60)
    assert presence.claimed_begin == (after_slot(30) if is_possible else None)


@pytest.mark.parametrize(
    ("edge_last_absent", "origin", "content_api"),
    [(0, [(61, ABSENT)], []), (0, [], [(50, ABSENT)]), (30, [], [])],
    ids=[
        "absent at the origin later",
        "absent in the content API",
        "absent at the edge when the copy was made",
    ],
)
def test_age_is_believed_unless_absence_since_then_contradicts_it(
    edge_last_absent: float, origin: list[Look], content_api: list[Look]
) -> None:
    """At 60 s the edge sent a copy of the page that claimed to be 30 s old, so made at 30 s. This
    would be wrong if the edge or the origin had lacked the page in between. But the edge lacked it
    at 0 s or 30 s, and the origin at 61 s or never. In one case, the content API lacked its item of
    the page at 50 s. That may come later than the page, so it does not count. The age is believed:
    the page was there at 30 s.
    """
    age = 30
    edge: list[Look] = [(0, ABSENT), (edge_last_absent, ABSENT), (60, PRESENT, age)]
    presence = presence_after_age_check(edge, origin=origin, content_api=content_api)
    assert presence.begin == after_slot(60 - age)


def test_correction_of_ages_leaves_absences_unchanged() -> None:
    """`correct_ages` changes only presences whose age cannot be true.

    Here the page was absent at 0 s and 5 s.
    """
    absences = spells_of((0, ABSENT), (5, ABSENT))
    assert correct_ages({View.EDGE: absences})[View.EDGE] == absences


def test_correction_of_ages_leaves_uncached_presence_unchanged() -> None:
    """The edge showed the page at 0 s and 5 s. The origin lacked it at 0 s and 3 s. But no answer
    of the edge came from a cache, so none has an age that could be wrong. `correct_ages` leaves the
    presence at the edge as it is.
    """
    edge = spells_of((0, PRESENT), (5, PRESENT), this_edition=True)
    origin = spells_of((0, ABSENT), (3, ABSENT), view=View.ORIGIN)
    assert correct_ages({View.EDGE: edge, View.ORIGIN: origin})[View.EDGE] == edge


def test_presence_from_start_lasts_from_its_oldest_to_its_newest_copy() -> None:
    """A presence from start is a page that a view shows at its first look that does not fail. Here
    that look is at 5 s. At 15 s a look gets a copy of the page that is 60 s old, so made at 15 - 60
    = -45 s. At 20 s the page is absent, which ends the presence. So it lasts from its oldest copy,
    -45 s, to its newest one, of 5 s.
    """
    fresh_answer, old_copy = (5, PRESENT), (15, PRESENT, 60)
    later_absence, later_presence = (20, ABSENT), (25, PRESENT)
    runs = looks(
        (0, UNKNOWN), fresh_answer, (10, UNKNOWN), old_copy, later_absence, later_presence
    ).runs("page")
    presence = find_presence_from_start(runs)
    assert (presence.begin, presence.end) == (after_slot(15 - 60), after_slot(5))


@pytest.mark.parametrize(
    ("page", "this_edition"),
    [
        ([(0, ABSENT), (5, PRESENT)], False),
        ([(0, PRESENT), (5, PRESENT)], True),
        ([(0, UNKNOWN)], False),
    ],
    ids=["absent at first", "of this edition", "all looks failed"],
)
def test_dated_identified_or_unseen_page_has_no_presence_from_start(
    page: list[Look], *, this_edition: bool
) -> None:
    """A presence from start is a page that a view shows at its first look, and that may be of an
    earlier edition. There is none (None) in three cases. 1. An absence at 0 s dates the page of 5
    s. 2. The page of 0 s and 5 s is surely of this edition. 3. The only look, at 0 s, failed.
    """
    runs = looks(*page, specific=this_edition).runs("page")
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
        pytest.param(
            [(20, ABSENT, 15), (30, ABSENT)],
            30,
            id="absent in an older copy and then without a cache",
        ),
    ],
)
def test_content_is_removed_by_first_answer_made_without_it(
    later_looks: list[Look], absent_by: float | None
) -> None:
    """The content was shown from 0 s to 10 s. At 20 s a look got an answer without it. If the
    answer is fresh, the content was removed by 20 s. If it is a copy that is 9 s old, by 20 - 9 =
    11 s. A copy that is 10 s old or older was made by 10 s, while the content was shown. So it
    proves no removal (None), until another look gets a fresh answer without the content, at 30 s.
    Without any later look, no removal is proved either.
    """
    (presence,) = spells_of((0, PRESENT), (10, PRESENT), this_edition=True)
    later_spells = spells_of(*later_looks)
    assert find_absence_after(presence, later_spells) == after_slot(absent_by)
