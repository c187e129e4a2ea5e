"""Presences put together from several views. A number is an instant in seconds after the slot."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.judge.presence import Presence, presences
from monitor.judge.spells import spells
from monitor.plan.targets import View
from schedules.times.interval import Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, Turn, looks

Turns = Sequence[Turn]
SHOWN = [(0, ABSENT), (10, PRESENT)]


def presences_in(edge: Turns, origin: Turns = (), content: Turns = ()) -> list[Presence]:
    """Return the presences that single looks at each view prove, all of this edition."""
    views = {View.EDGE: edge, View.ORIGIN: origin, View.CONTENT: content}
    runs = {view: looks(*turns, specific=True).runs(f"page/{view}") for view, turns in views.items() if turns}
    return presences({view: spells(view, each) for view, each in runs.items()})


def between(after: float, by: float) -> Interval:
    return Interval(after_slot(after), after_slot(by))


def test_content_in_two_views_is_gone_when_the_last_of_them_lacks_it() -> None:
    (one,) = presences_in([*SHOWN, (20, ABSENT)], origin=[(0, ABSENT), (11, PRESENT), (35, ABSENT)])
    assert (one.begin, one.end, one.goes) == (after_slot(10), after_slot(11), between(11, 35))


@pytest.mark.parametrize(("origin", "begins"), [([(21, ABSENT), (41, PRESENT)], [10, 40]), ([(41, PRESENT)], [10])])
def test_two_presences_need_an_absence_of_all_views_between_them(origin: Turns, begins: list[float]) -> None:
    edge = [*SHOWN, (20, ABSENT), (40, PRESENT)]
    found = presences_in(edge, origin=[(0, ABSENT), (11, PRESENT), *origin])
    assert [one.begin for one in found] == [after_slot(begin) for begin in begins]


@pytest.mark.parametrize(
    ("origin", "goes"),
    [
        ([(0, ABSENT), (12, ABSENT), (69, ABSENT)], None),
        ([(0, ABSENT), (9, PRESENT), (12, ABSENT), (71, ABSENT)], between(10, 12)),
    ],
)
def test_a_view_that_is_silent_for_a_minute_does_not_deny_that_content_is_gone(
    origin: Turns, goes: Interval | None
) -> None:
    (one,) = presences_in(SHOWN, origin=origin)
    assert one.goes == goes


@pytest.mark.parametrize(("absent", "appears"), [(90, (0, 80)), (79, (79, 80)), (80, (0, 80))])
def test_content_that_its_item_showed_before_the_page_was_last_absent_came_there_first(
    absent: float, appears: tuple[float, float]
) -> None:
    edge = [(0, ABSENT), (absent, ABSENT), (100, PRESENT)]
    (one,) = presences_in(edge, content=[(0, ABSENT), (80, PRESENT), (101, PRESENT)])
    assert one.appears == between(*appears)


@pytest.mark.parametrize(("looked", "latest"), [([], -128), ([(0, ABSENT)], 0)])
def test_an_origin_proves_absence_only_up_to_its_last_look_before_a_long_silence(looked: Turns, latest: float) -> None:
    edge = [(-130, ABSENT), (150, PRESENT), (160, ABSENT)]
    (one,) = presences_in(edge, origin=[(-128, ABSENT), *looked, (158, ABSENT)])
    assert after_slot(-130) < one.appears.after <= after_slot(latest)
    assert one.appears.by == after_slot(150)
