from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from alerts.plots import SLOT_AXIS, Mark
from monitor.judge.policy import Policies, PolicySettings
from monitor.judge.runs import Blind
from monitor.web.strip import Lane, StripRules, list_marks, make_strips
from schedules.times.json import instant_json
from tests.unit.monitor.web.board import Board
from tests.worlds.instants import SLOT, after_slot

RULES = StripRules({"ons": "ONS", "dfe": "Department for Education"}, Policies())
LATER = after_slot(3600)
A_MINUTE = {"min": 60, "max": 70}
EXPOSURES = [
    {"from": {"after": None, "by": instant_json(after_slot(-60))}, "to": None, "seconds": seconds}
    for seconds in ({"min": 1, "max": 80}, A_MINUTE)
]
DUE = {"due": {"part": "page"}}
WITHIN = {"on_time_within": "10s"}


def a_row(verdict: str, low: float | None, high: float | None, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return what the strip reads of a release's JSON. It has no required part but its page."""
    delay = None if low is None else {"min": low, "max": high}
    row = {
        "id": f"{verdict}-{low}",
        "title": f"{verdict} {low}",
        "producer": "ons",
        "url": "https://www.ons.gov.uk/a",
        "slot": {"start": instant_json(SLOT), "precision": "instant"},
        "verdict": verdict,
        "delay": delay,
        "parts": [],
        "exposures": [],
        "due": None,
        "incident": None,
    }
    return {**row, **fields}


@pytest.mark.parametrize(
    ("seconds", "place"),
    [
        (-1e9, 0.0),
        (-86_400, 0.0),
        (-60, 19.5),
        (0, 25.0),
        (5, 32.5),
        (600, 78.0),
        (86_400, 100.0),
        (1e9, 100.0),
    ],
)
def test_axis_is_bent(seconds: float, place: float) -> None:
    assert SLOT_AXIS.place(seconds) == place


@pytest.mark.parametrize(
    ("row", "marks"),
    [
        (a_row("late", 60, 300), [Mark("lateness", 25.0, 30.0), Mark("late", 55.0, 13.0)]),
        (a_row("late", 300, 300), [Mark("lateness", 25.0, 43.0), Mark("late", 68.0, 0.8)]),
        (a_row("overdue", 60, None), [Mark("open", 25.0, 64.0)]),
        (a_row("pending", None, None, due={"part": "page"}), [Mark("open", 25.0, 64.0)]),
        (a_row("unproven", 10, 60), [Mark("unproven", 40.0, 15.0)]),
        (a_row("unproven", None, None), []),
    ],
)
def test_a_release_is_drawn_where_its_delay_is(row: dict[str, Any], marks: list[Mark]) -> None:
    assert list_marks(row, SLOT, LATER) == marks


@pytest.mark.parametrize(
    ("ends", "least", "mark"),
    [
        (None, None, Mark("early", 14.92, 10.08)),
        (None, 60.0, Mark("early", 19.5, 5.5)),
        (-60, 60.0, Mark("early", 14.0, 5.5)),
        (-120, 0.0, Mark("early", 14.92, 0.8)),
    ],
)
def test_an_exposure_is_drawn_as_long_as_is_proved_to_its_end_or_the_slot(
    ends: float | None, least: float | None, mark: Mark
) -> None:
    begins = {"after": instant_json(after_slot(-120)), "by": instant_json(after_slot(-110))}
    ended = None if ends is None else {"by": instant_json(after_slot(ends))}
    seconds = {"min": least, "max": None}
    row = a_row("early", -120, -110, exposures=[{"from": begins, "to": ended, "seconds": seconds}])
    assert list_marks(row, SLOT, LATER) == [mark]


def test_an_exposure_lasts_until_now_before_the_slot() -> None:
    begins = {"after": instant_json(after_slot(-120)), "by": instant_json(after_slot(-110))}
    exposure = {"from": begins, "to": None, "seconds": {"min": 50.0, "max": 60.0}}
    row = a_row("early", -120, -110, exposures=[exposure])
    assert list_marks(row, SLOT, after_slot(-60)) == [Mark("early", 14.92, 4.58)]


def test_releases_on_time_are_one_bar_and_problems_come_first() -> None:
    rows = [
        a_row("on_time", -0.5, 0.5),
        a_row("on_time", 4.0, 10.0),
        a_row("late", 60, 300, producer="dfe"),
        a_row("overdue", 300, None, producer="dfe"),
        a_row("cancelled", None, None),
    ]
    [strip] = make_strips(rows, LATER, RULES)
    assert (strip.slot, strip.releases, strip.left_out) == (SLOT, 4, 0)
    dfe, ons = strip.lanes
    assert named_in(dfe) == [["overdue 300"], ["late 60"]]
    assert (dfe.producer, dfe.counts, dfe.marks) == (
        "Department for Education",
        [("overdue", 1), ("late", 1)],
        [],
    )
    assert (ons.producer, ons.releases, ons.counts) == ("ONS", 2, [("on_time", 2)])
    assert ons.marks == [Mark("on_time", 24.95, 15.05)]


def named_in(lane: Lane) -> list[list[str]]:
    return [[row["title"] for row in line.rows] for line in lane.lines]


def test_releases_of_a_producer_that_are_not_out_share_a_line() -> None:
    """Of the same bar only. Those that came have a line each, even with the same bar."""
    was_early = [{"from": {"after": None, "by": None}, "to": None, "seconds": A_MINUTE}]
    rows = [
        a_row("pending", None, None, title="a", **DUE),
        a_row("pending", None, None, title="b", **DUE),
        a_row("pending", None, None, title="c", exposures=was_early, **DUE),
        a_row("late", 60, 300, title="d"),
        a_row("late", 60, 300, title="e", id="another"),
    ]
    [strip] = make_strips(rows, LATER, RULES)
    assert named_in(strip.lanes[0]) == [["a", "b"], ["c"], ["d"], ["e"]]
    assert strip.text_lines == 6


@pytest.mark.parametrize(
    ("row", "length"),
    [
        (a_row("late", 60, 300), "at least 1 min"),
        (a_row("late", 60, 60), "1 min"),
        (a_row("late", 0, 300), "at most 5 min"),
        (a_row("early", -5, 5, exposures=EXPOSURES), "at least 1 min"),
        (a_row("unproven", 60, 300), ""),
        (a_row("late", 300, 400, exposures=EXPOSURES), "at least 5 min"),
    ],
)
def test_a_line_and_its_group_say_how_long_a_release_was_late_or_early(
    row: dict[str, Any], length: str
) -> None:
    [strip] = make_strips([row], LATER, RULES)
    [line], [group] = strip.lanes[0].lines, strip.groups
    assert line.length == length
    assert group.longest.removeprefix("for ").removeprefix("by ") == length


def test_a_group_names_its_longest_exposure_or_delay() -> None:
    rows = [
        a_row("early", -5, 5, exposures=EXPOSURES[:1]),
        a_row("early", -6, 5, exposures=EXPOSURES),
        a_row("late", 60, 300),
    ]
    [strip] = make_strips(rows, LATER, RULES)
    longest = [group.longest for group in strip.groups]
    assert longest == ["the worst for at least 1 min", "by at least 1 min"]


AT_C_UK = ["https://c.uk/1", "https://c.uk/2"]
AT_ONE_HOST = ["https://a.uk/1", "https://a.uk/2", "https://a.uk/3"]


@pytest.mark.parametrize(
    ("producers", "urls", "whose", "at_host"),
    [
        ("a", ["https://a.uk/"], "a (1 of 1)", ""),
        ("aaa", AT_ONE_HOST, "a (3 of 3)", "Nothing at a.uk is on time so far."),
        ("aab", [*AT_ONE_HOST[:2], "https://b.uk/"], "Mostly a (2 of 2), also b (1 of 1)", ""),
        ("cab", [*AT_ONE_HOST[:2], "https://b.uk/"], "a (1 of 1), b (1 of 1), c (1 of 1)", ""),
        (
            "abb",
            AT_ONE_HOST,
            "Mostly b (2 of 2), also a (1 of 1)",
            "Nothing at a.uk is on time so far.",
        ),
        (
            "aa",
            AT_C_UK,
            "a (2 of 2)",
            "Not the whole platform: 1 other at c.uk is on time.",
        ),
        (
            "abcdeaaaa",
            ["https://a.uk/", "https://b.uk/"] * 5,
            "5 of 6 producers, most of a (5 of 5)",
            "",
        ),
        ("abcdeabcde", ["https://a.uk/", "https://b.uk/"] * 5, "5 of 6 producers", ""),
        ("ab", [None, None], "a (1 of 1), b (1 of 1)", ""),
    ],
)
def test_a_strip_says_whose_the_problems_are(
    producers: str, urls: list[str | None], whose: str, at_host: str
) -> None:
    rows = [
        a_row("pending", None, None, producer=producer, url=url, **DUE)
        for producer, url in zip(producers, urls, strict=False)
    ]
    rows.append(a_row("on_time", 0, 1, url="https://c.uk/"))
    [strip] = make_strips(rows, LATER, RULES)
    assert strip.on_time == 1
    [group] = strip.groups
    assert (group.verdict, group.words) == ("due", f"{len(producers)} not seen yet")
    assert (group.whose, group.at_host) == (whose, at_host)
    assert group.overdue_from == SLOT + timedelta(seconds=60)


def test_groups_of_problems_are_named_worst_first() -> None:
    """A release on time with an incident is one. Only what is due becomes overdue."""
    rows = [
        a_row("on_time", 0, 1, incident="ons-1"),
        a_row("on_time", 1, 2),
        a_row("late", 60, 300),
        a_row("early", -120, -110),
        a_row("pending", None, None),
    ]
    [strip] = make_strips(rows, LATER, RULES)
    assert [(group.words, group.overdue_from) for group in strip.groups] == [
        ("1 early", None),
        ("1 late", None),
        ("1 on time, with an incident", None),
    ]


def test_producers_with_releases_that_can_still_come_in_time_are_first() -> None:
    """Then others by their gravest problem, and each by how many it has."""
    rows = [
        a_row("on_time", 0, 1, producer="d"),
        *[a_row("pending", None, None, producer=producer, **DUE) for producer in "abbe"],
        *[a_row("early", -120, -110, producer=producer) for producer in "ec"],
    ]
    [strip] = make_strips(rows, LATER, RULES)
    assert [lane.producer for lane in strip.lanes] == ["b", "a", "e", "c", "d"]
    assert [group.whose for group in strip.groups] == [
        "b (2 of 2), a (1 of 1), e (1 of 2)",
        "c (1 of 1), e (1 of 2)",
    ]


def test_a_slot_is_shown_from_two_minutes_before_it_or_once_it_has_a_problem() -> None:
    coming = [a_row("pending", None, None)]
    early = [*coming, a_row("early", -200, -190)]
    assert make_strips(coming, SLOT - timedelta(minutes=3), RULES) == []
    [strip] = make_strips(coming, SLOT - timedelta(minutes=2), RULES)
    assert [lane.counts for lane in strip.lanes] == [[("pending", 1)]]
    assert len(make_strips(early, SLOT - timedelta(minutes=3), RULES)) == 1


def test_slots_without_a_time_of_day_have_no_strip() -> None:
    slot = {"start": instant_json(SLOT), "precision": "day"}
    rows = [a_row("overdue", 60, None, slot=slot), a_row("unannounced", None, None, slot=None)]
    assert make_strips(rows, LATER, RULES) == []


def test_a_slot_with_hundreds_of_problems_names_fourteen_and_counts_the_rest() -> None:
    rows = [a_row("overdue", number, None) for number in range(175)]
    [strip] = make_strips(rows, LATER, RULES)
    [lane] = strip.lanes
    assert [len(line.rows) for line in lane.lines] == [14]
    assert (strip.releases, strip.left_out) == (175, 161)
    # The bars of all that are not named are one bar in the line of their producer.
    assert lane.marks == [Mark("open", 25.0, 64.0)]


def test_a_producer_with_one_problem_keeps_it_beside_one_with_hundreds() -> None:
    many = [a_row("overdue", number, None) for number in range(100)]
    [strip] = make_strips([*many, a_row("late", 60, 300, producer="dfe")], LATER, RULES)
    assert [(lane.producer, sum(map(len, named_in(lane)))) for lane in strip.lanes] == [
        ("ONS", 13),
        ("Department for Education", 1),
    ]
    assert strip.left_out == 87


def test_each_of_many_producers_keeps_its_gravest_problem() -> None:
    rows = [
        a_row(verdict, 400 + number, None, producer=f"p{number}")
        for number in range(20)
        for verdict in ("late", "overdue")
    ]
    [strip] = make_strips(rows, LATER, RULES)
    named = [[line.rows[0]["verdict"] for line in lane.lines] for lane in strip.lanes]
    assert named == [["overdue"]] * 20
    assert strip.left_out == 20


def test_a_cancelled_release_is_drawn_only_if_it_was_out() -> None:
    begins = {"after": instant_json(after_slot(-120)), "by": instant_json(after_slot(-110))}
    exposure = {"from": begins, "to": None, "seconds": A_MINUTE}
    out = a_row("cancelled", None, None, exposures=[exposure], incident="ons-1")
    [strip] = make_strips([out], LATER, RULES)
    assert [line.marks for line in strip.lanes[0].lines] == [[Mark("early", 19.5, 5.5)]]
    assert make_strips([a_row("cancelled", None, None)], LATER, RULES) == []


def test_behind_the_bars_are_the_tolerance_and_the_gaps_of_the_monitor() -> None:
    """A gap of another host, or of one address, is not drawn. Gaps that touch are one bar."""
    policies = Policies(table=PolicySettings.model_validate({"producer": {"ons": WITHIN}}))
    blind = [
        Blind(after_slot(10), after_slot(60), "stalled"),
        Blind(after_slot(60), after_slot(300), "no_network", "www.ons.gov.uk"),
        Blind(after_slot(-120), SLOT, "no_network", "www.gov.uk"),
        Blind(after_slot(-120), SLOT, "no_network", target="x"),
    ]
    rules = StripRules({}, policies, blind)
    [strip] = make_strips([a_row("on_time", 0, 1)], LATER, rules)
    assert strip.lanes[0].backdrop == [Mark("tolerance", 25.0, 15.0), Mark("blind", 40.0, 28.0)]


def test_a_gap_of_a_host_inside_one_of_all_hosts_does_not_shorten_it() -> None:
    whole, inside = (after_slot(-110), after_slot(60)), (after_slot(-60), after_slot(-30))
    rows = [a_row("unproven", 0, 1)]

    def backdrop_with(*blind: Blind) -> list[Mark]:
        [strip] = make_strips(rows, LATER, StripRules({}, Policies(), list(blind)))
        return strip.lanes[0].backdrop

    of_all = Blind(*whole, "store", "")
    of_host = Blind(*inside, "budget", "www.ons.gov.uk")
    assert backdrop_with(of_host, of_all) == backdrop_with(of_all)


@pytest.mark.parametrize(("verdict", "gaps"), [("on_time", 0), ("unproven", 1)])
def test_looks_that_were_too_far_apart_are_a_gap_only_if_something_is_unproven(
    verdict: str, gaps: int
) -> None:
    blind = [Blind(after_slot(-110), after_slot(10), "budget", "www.ons.gov.uk")]
    rows = [a_row("on_time", 0, 1), a_row(verdict, 0, 1)]
    [strip] = make_strips(rows, LATER, StripRules({}, Policies(), blind))
    assert [mark.state for mark in strip.lanes[0].backdrop].count("blind") == gaps


async def test_board_shows_the_strip_of_its_slot(board: Board) -> None:
    page = await board.read_page("/?date=2018-01-05")
    strip = page.partition('class="strip')[2].partition("</table>")[0]
    assert "The slot at 09:30 GMT: 2 releases" in strip
    assert re.findall('<td class="([a-z]+)">(?:<a [^>]+>)?([a-z]+)', strip) == [
        ("overdue", "overdue"),
        ("early", "early"),
    ]


async def test_a_wall_shows_the_strip_in_place_of_the_lists(board: Board) -> None:
    page = await board.read_page("/?date=2018-01-05&wall=1")
    assert 'class="strip' in page
    assert ">Promised<" not in page
    assert 'class="needing"' not in page
    # `r` is out nowhere, and the exposure of `early` is over.
    assert "public: " not in page
    exposure = board.stored_release("early").body["exposures"][0] | {"open": True}
    board.change_release("early", exposures=[exposure])
    page = await board.read_page("/?date=2018-01-05&wall=1")
    assert page.count("public: www.gov.uk/") == 1
