"""Presences put together from several views: when content came, and when it was gone from all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.judge.presence import Presence, presences
from monitor.judge.spells import spells
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.times.interval import Interval
from tests.unit.monitor.judge.world import fold, look, second

A, P = State.ABSENT, State.PRESENT
Look = tuple[float, State]


def of(views: Mapping[View, Sequence[Look]]) -> list[Presence]:
    found = {}
    for view, looks in views.items():
        runs = []
        for at, state in looks:
            runs = fold(runs, look(f"r/page/{view}", state, at, specific=state is P))
        found[view] = spells(view, runs)
    return presences(found)


def span(after: float | None, by: float) -> Interval:
    return Interval(None if after is None else second(after), second(by))


def test_what_two_views_showed_went_when_the_last_of_them_had_it_no_more() -> None:
    (one,) = of({View.EDGE: [(0, A), (10, P), (20, A)], View.ORIGIN: [(0, A), (11, P), (35, A)]})
    assert one.goes == span(11, 35)
    assert (one.begin, one.end) == (second(10), second(11))


def test_two_presences_need_an_absence_of_all_views_in_between() -> None:
    apart = of(
        {
            View.EDGE: [(0, A), (10, P), (20, A), (40, P)],
            View.ORIGIN: [(0, A), (11, P), (21, A), (41, P)],
        }
    )
    assert [one.begin for one in apart] == [second(10), second(40)]
    assert (
        len(
            of(
                {
                    View.EDGE: [(0, A), (10, P), (20, A), (40, P)],
                    View.ORIGIN: [(0, A), (11, P), (41, P)],
                }
            )
        )
        == 1
    )


def test_a_view_that_has_been_silent_for_a_minute_no_longer_speaks_for_what_another_saw_gone() -> None:
    edge = [(0, A), (10, P)]
    (still,) = of({View.EDGE: edge, View.ORIGIN: [(0, A), (12, A), (69, A)]})
    assert still.goes is None
    (gone,) = of({View.EDGE: edge, View.ORIGIN: [(0, A), (9, P), (12, A), (71, A)]})
    assert gone.goes == span(10, 12)


def test_content_that_its_item_showed_first_came_there_first() -> None:
    (one,) = of(
        {
            View.EDGE: [(0, A), (90, A), (100, P)],
            View.CONTENT: [(0, A), (80, P), (101, P)],
        }
    )
    assert one.appears == span(0, 80)
    (close,) = of(
        {
            View.EDGE: [(0, A), (79, A), (100, P)],
            View.CONTENT: [(0, A), (80, P), (101, P)],
        }
    )
    assert close.appears == span(79, 80)
    (together,) = of(
        {
            View.EDGE: [(0, A), (80, A), (100, P)],
            View.CONTENT: [(0, A), (80, P), (101, P)],
        }
    )
    assert together.appears == span(0, 80)


def test_a_view_that_was_not_heard_for_a_while_proves_no_absence_in_it() -> None:
    (one,) = of({View.EDGE: [(-130, A), (150, P), (160, A)], View.ORIGIN: [(-128, A), (158, A)]})
    assert one.appears == span(-128, 150)
    (heard,) = of({View.EDGE: [(-130, A), (150, P), (160, A)], View.ORIGIN: [(-128, A), (0, A), (158, A)]})
    assert heard.appears.after is not None
    assert heard.appears.after <= second(0)
