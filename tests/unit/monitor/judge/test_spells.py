"""Spells beside `spell_cases`. A number is an instant in seconds after the slot; the third of a look
is the age of its answer.
"""

from __future__ import annotations

from dataclasses import replace

from monitor.judge.spells import Spell, build_spells, correct_ages
from monitor.plan.targets import View
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, Look, looks


def spells_of(*each: Look) -> tuple[Spell, ...]:
    return tuple(build_spells(View.EDGE, looks(*each, specific=True).runs("page")))


def test_spell_across_failed_look_has_only_its_usable_runs() -> None:
    """Looks at 0 s and 10 s found the page absent. The look at 5 s failed, which proves nothing. So
    all three are in one spell, a time in which a view always showed the same. But its runs are only
    the two of absence.
    """
    (spell,) = spells_of((0, ABSENT), (5, UNKNOWN), (10, ABSENT))
    assert (spell.first_sent, spell.last_received) == (after_slot(0), after_slot(10))
    assert [run.state for run in spell.runs] == [ABSENT, ABSENT]


def test_presence_with_disproved_age_and_no_answer_time_begins_15_s_after_its_look() -> None:
    """At 50 s the edge lacked the page. At 60 s it sent a copy that claimed to be 30 s old. That is
    not believed. So the page was surely there only when the look of 60 s was answered. Older
    versions did not store when that was. But no look takes over 15 s. So the page was there at 60 +
    15 = 75 s.
    """
    absence, presence = spells_of((0, ABSENT), (50, ABSENT), (60, PRESENT, 30))
    run_without_answer_time = replace(presence.runs[0], first_received=None)
    old_presence = replace(presence, runs=(run_without_answer_time,))
    _, corrected = correct_ages({View.EDGE: [absence, old_presence]})[View.EDGE]
    longest_look = 15
    assert corrected.begin == after_slot(60 + longest_look)
