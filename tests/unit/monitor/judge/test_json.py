"""The JSON of one release, the explanation, and the comparison of both with what was stored."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.judge.as_json import release_json
from monitor.judge.differences import differences
from monitor.judge.explain.explain import Explanation, explain, explanation_json
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Blind, Run, begun
from monitor.judge.verdict import Kind, Verdict
from monitor.look.sighting import State
from schedules.announcement import Part, Role
from tests.unit.monitor.judge.world import (
    SLOT,
    Looker,
    Story,
    Truth,
    World,
    look,
    promise,
    release,
    second,
    watched,
    worlds,
)

P, A, U, W = State.PRESENT, State.ABSENT, State.UNKNOWN, State.WITHDRAWN
LATE = ((-100, A), (400, P))


def runs_of(*story: tuple[float, State], until: float = 500) -> dict[str, list[Run]]:
    return {"r/page/edge": watched("r/page/edge", Story(story), 1, until)}


def verdict_of(*story: tuple[float, State], now: float = 500, parts: tuple[Part, ...] = ()) -> Verdict:
    return judge(release(*parts), [promise()], runs_of(*story, until=now), [], Policy(), second(now))


def test_the_json_of_a_late_release_is_that_of_the_interface() -> None:
    body = release_json(verdict_of(*LATE), {"edition": "1.0", "practice": "Protocol 2, practice 4"}, "inc-1")
    assert json.loads(json.dumps(body)) == {
        "id": "r",
        "title": "Malpractice",
        "producer": "ofqual",
        "producers": ["ofqual"],
        "calendar": ["govuk"],
        "url": "https://www.gov.uk/government/statistics/malpractice",
        "address": "announced",
        "slot": {
            "start": "2018-01-05T09:30:00.000Z",
            "precision": "instant",
            "timezone": "Europe/London",
            "announced": "2017-11-26T09:30:00.000Z",
            "source": "govuk",
            "end": None,
            "raw": "",
            "doubt": None,
        },
        "verdict": "late",
        "grade": "report",
        "final": True,
        "first_seen": {"after": "2018-01-05T09:36:39.000Z", "by": "2018-01-05T09:36:40.000Z"},
        "released": {"after": "2018-01-05T09:36:39.000Z", "by": "2018-01-05T09:36:40.000Z"},
        "delay": {"min": 399.0, "max": 400.0},
        "early_bound": 0.0,
        "exposures": [],
        "parts": [
            {
                "id": "page",
                "role": "page",
                "origin": "announced",
                "url": "https://www.gov.uk/government/statistics/malpractice",
                "required": True,
                "verdict": "late",
                "first_seen": {"after": "2018-01-05T09:36:39.000Z", "by": "2018-01-05T09:36:40.000Z"},
                "released": {"after": "2018-01-05T09:36:39.000Z", "by": "2018-01-05T09:36:40.000Z"},
                "delay": {"min": 399.0, "max": 400.0},
                "early_bound": 0.0,
                "exposures": [],
                "unproven_because": None,
            }
        ],
        "findings": [
            {
                "kind": "late",
                "part": "page",
                "detail": "came between Fri 5 Jan 2018 09:36:39 GMT and Fri 5 Jan 2018 09:36:40 GMT, "
                "6 min 39 s to 6 min 40 s after the slot",
                "seconds": {"min": 399.0, "max": 400.0},
            }
        ],
        "code": {"edition": "1.0", "practice": "Protocol 2, practice 4"},
        "incident": "inc-1",
        "unproven_because": None,
        "promise_confirmed": "2018-01-05T09:30:00.000Z",
        "at": "2018-01-05T09:38:20.000Z",
    }


def test_what_is_not_known_is_null_and_intervals_keep_both_sides() -> None:
    body = release_json(verdict_of((-100, A), now=-50))
    assert (body["first_seen"], body["delay"], body["code"], body["incident"]) == (
        {"after": None, "by": None},
        None,
        None,
        None,
    )
    assert release_json(judge(release(), [], {}, [], Policy(), SLOT))["slot"] is None


def test_an_open_exposure_has_no_end_yet() -> None:
    (exposure,) = release_json(verdict_of((-100, A), (-50, P), now=-40))["exposures"]
    assert exposure["open"] is True
    assert exposure["to"] == {"after": None, "by": None}
    assert exposure["seconds"] == {"min": 10.0, "max": None}


def test_a_verdict_differs_in_nothing_from_itself() -> None:
    body = release_json(verdict_of(*LATE))
    assert differences(body, body) == []


def _set(body: dict[str, Any], path: str, value: object) -> None:
    *way, last = path.split(".")
    for step in way:
        body = body[int(step)] if isinstance(body, list) else body[step]
    body[last] = value


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("verdict", "on_time", "verdict: was on_time, is late"),
        ("grade", "note", "grade: was note, is report"),
        ("delay.max", 399.5, "delay: was 399.0 … 399.5, is 399.0 … 400.0"),
        ("delay", None, "delay: was nothing, is 399.0 … 400.0"),
        ("first_seen.by", "2018-01-05T09:36:39.500Z", "first_seen: was "),
        ("slot.start", "2018-01-05T09:31:00.000Z", "slot.start: was "),
        ("parts.0.verdict", "overdue", "page.verdict: was overdue, is late"),
        ("parts.0.id", "sheet", "parts: page is only in one of both"),
        ("findings", [], "findings: were none, are late(page)"),
        ("exposures", [{}], "exposures: were 1, are 0"),
        ("unproven_because", "no look", "unproven_because: was 'no look', is None"),
    ],
)
def test_every_difference_is_told_with_both_values(path: str, value: object, told: str) -> None:
    stored = release_json(verdict_of(*LATE))
    _set(stored, path, value)
    assert any(line.startswith(told) for line in differences(stored, release_json(verdict_of(*LATE))))


def test_an_overdue_delay_may_have_grown_and_never_shrunk() -> None:
    earlier, later = (release_json(verdict_of((-100, A), now=now)) for now in (200, 210))
    assert differences(earlier, later) == []
    assert differences(later, earlier)


def test_a_verdict_may_have_become_final_and_never_open_again() -> None:
    body = release_json(verdict_of(*LATE))
    assert differences(body | {"final": False}, body) == []
    assert differences(body, body | {"final": False}) == ["final: was True, is False"]


def test_what_another_monitor_missed_may_have_been_written_down_since_and_nothing_is_taken_back() -> None:
    body = release_json(verdict_of(*LATE))
    blind = {"kind": "blind", "part": None, "detail": "", "seconds": {"min": 3.0, "max": 3.0}}
    more = body | {"findings": [*body["findings"], blind]}
    assert differences(body, more) == []
    assert differences(more, body) == ["findings: were blind(), late(page), are late(page)"]
    assert differences(more, body, several=True) == []
    assert differences(body, body | {"findings": []}, several=True) == ["findings: were late(page), are none"]
    assert differences(body, more | {"findings": [*more["findings"], blind | {"kind": "early_exposure"}]})


def test_the_platform_finding_is_left_to_those_who_see_other_releases() -> None:
    stored = release_json(verdict_of(*LATE))
    stored["findings"].append({"kind": "platform", "part": None, "detail": "", "seconds": None})
    assert differences(stored, release_json(verdict_of(*LATE))) == []


def test_a_span_without_sight_may_have_grown_and_never_shrunk() -> None:
    stored = release_json(verdict_of(*LATE))
    short, long = (
        stored | {"findings": [{"kind": "blind", "part": "page", "detail": "", "seconds": {"min": s, "max": s}}]}
        for s in (80.0, 96.0)
    )
    assert differences(short, long) == []
    assert differences(long, short) == ["findings.blind(page): was 96.0 … open, is 80.0 … 80.0"]


def _lasting(verdict: Verdict) -> set[Kind]:
    """Return the findings that take a state to last: withdrawn for longer than a flicker, hidden for a second."""
    return {found.kind for found in verdict.findings} & {Kind.WITHDRAWN, Kind.STALE_EDGE}


GONE_AGAIN = World(
    Truth(((0, P), (53_823, A))),
    (Looker("origin", fails=0.5, specific=False, slowest=40),),
    ((51_320, 53_820, 56_320, 62_551, 72_551, 77_588, 87_588),),
    seed=85,
    offset=(3000, 5000),
)
"""Found out once, then gone whenever a look did not fail, by a clock that is wrong."""


@settings(max_examples=200)
@given(worlds(), st.sampled_from([-100.0, 0.0, 30.0, 61.0, 91.0, 130.0]))
@example(GONE_AGAIN, 91.0)
def test_judging_again_with_longer_runs_finds_no_difference(world: World, now: float) -> None:
    then = world.runs(second(now))
    since = {target: _longer(runs, then[target]) for target, runs in world.runs().items()}
    judged = [judge(release(), [promise()], runs, world.spans, Policy(), second(now)) for runs in (then, since)]
    assert judged[0].word is not judged[1].word or _lasting(judged[0]) <= _lasting(judged[1])
    # Only where a run grew past the very tolerance in which it was judged may more be known by now: that of the slot,
    # or that of what must last. A look under way at that instant has been answered since.
    if judged[0].word is judged[1].word and _lasting(judged[0]) == _lasting(judged[1]):
        assert differences(*(release_json(verdict) for verdict in judged)) == []


def test_an_origin_seen_ninety_seconds_before_an_aged_copy_widens_nothing_as_the_copy_is_better_dated() -> None:
    origin = [begun(look("r/page/origin", A, -1.5))]
    edge = [begun(look("r/page/edge", A, 83, age=(54, 57))), begun(look("r/page/edge", P, 114, age=(24.2, 29)))]
    bodies = [
        release_json(
            judge(
                release(),
                [promise()],
                {"r/page/origin": origin, "r/page/edge": [edge[0], replace(edge[1], begin=second(begin))]},
                [],
                Policy(),
                second(130),
            )
        )
        for begin in (89.8, 88.3)
    ]
    assert differences(*bodies) == []


def _longer(runs: list[Run], then: list[Run]) -> list[Run]:
    """Return the runs known then, the last one as long as it became; new runs would have been judged at once."""
    return runs[: len(then)]


def explained(verdict: Verdict, runs: dict[str, list[Run]], blind: tuple[Blind, ...] = ()) -> Explanation:
    return explain(verdict, release(), [promise()], runs, blind, Policy())


def texts(explanation: Explanation) -> str:
    return "\n".join(fact.text for fact in explanation.facts)


def test_an_explanation_names_promise_absence_presence_and_rules() -> None:
    runs = runs_of(*LATE)
    runs["r/page/edge"][1] = replace(runs["r/page/edge"][1], evidence=("rec-1",), status=200)
    told = explained(judge(release(), [promise()], runs, [], Policy(), second(500)), runs)
    text = texts(told)
    assert "late (final, grade report)" in text
    assert "the slot in force: Fri 5 Jan 2018 09:30:00 GMT, confirmed, from govuk" in text
    assert "page, edge view: absent by Fri 5 Jan 2018 09:28:20 GMT and still as of Fri 5 Jan 2018 09:36:39 GMT" in text
    assert "present (HTTP 200) by Fri 5 Jan 2018 09:36:40 GMT" in text
    assert "on time means proved to have come within 1 min of the slot" in text
    assert told.records == ("rec-1",)
    assert told.would_change[0].startswith("final")


def test_an_explanation_tells_of_ages_failures_and_blind_spans() -> None:
    runs = {"r/page/edge": [*watched("r/page/edge", Story([(-100, A), (-50, U)]), 1, 10)]}
    runs["r/page/edge"] += watched("r/page/edge", Story([(60, U)]), 1, 60)
    blind = (Blind(second(20), second(50), "killed"),)
    verdict = judge(release(), [promise()], runs, blind, Policy(), second(95))
    text = texts(explained(verdict, runs, blind))
    assert "62 failed and proved nothing" in text
    assert "unknown (timeout) from" in text
    assert "blind (killed) from Fri 5 Jan 2018 09:30:20 GMT to Fri 5 Jan 2018 09:30:50 GMT" in text


def test_one_answer_from_a_cache_is_told_with_its_age() -> None:
    runs = {"r/page/edge": [begun(look("r/page/edge", A, -20, age=(9, 11)))]}
    verdict = judge(release(), [promise()], runs, [], Policy(), second(-10))
    assert "absent as of Fri 5 Jan 2018 09:29:29 GMT (from a cache, up to 11 s old)" in texts(explained(verdict, runs))


@pytest.mark.parametrize(
    ("story", "now", "told"),
    [
        (((-100, A),), -50, "page: proved absent after Fri 5 Jan 2018 09:31:00 GMT would be late"),
        (((-100, A),), -50, "a calendar that moves or cancels it before Fri 5 Jan 2018 09:30:00 GMT"),
        (((-100, A),), 200, "page: the first look that proves it present makes it late"),
        (((-100, A), (-50, P)), -20, "page: a look that proves it gone, or the slot itself, ends the open exposure"),
        (((-100, A), (-50, U)), 95, "page: a look that proves it absent after"),
        (((-100, A), (-70, U), (200, P)), 300, "page: nothing we can still see"),
    ],
)
def test_an_explanation_says_what_would_change_the_verdict(
    story: tuple[tuple[float, State], ...], now: float, told: str
) -> None:
    lines = explained(verdict_of(*story, now=now), runs_of(*story, until=now)).would_change
    assert any(line.startswith(told) for line in lines), lines


def test_an_explanation_of_a_target_that_flaps_is_cut_in_the_middle() -> None:
    runs = {"r/page/edge": watched("r/page/edge", Story([(at, A if at % 2 else U) for at in range(-100, 0)]), 1, 0)}
    verdict = judge(release(), [promise()], runs, [], Policy(), second(0))
    assert "runs in between are left out" in texts(explained(verdict, runs))


def test_an_explanation_as_json_keeps_every_fact() -> None:
    told = explained(verdict_of(*LATE), runs_of(*LATE))
    body = json.loads(json.dumps(explanation_json(told)))
    assert [fact["text"] for fact in body["facts"]] == [fact.text for fact in told.facts]
    assert body["at"] == "2018-01-05T09:38:20.000Z"


def test_what_was_seen_of_every_part_is_told() -> None:
    sheet = Part("sheet", Role.DATA, "https://assets.publishing.service.gov.uk/x.ods")
    verdict = verdict_of(*LATE, parts=(sheet,))
    told = explain(verdict, release(sheet), [promise()], runs_of(*LATE), (), Policy())
    assert "sheet: never looked at" in texts(told)


@settings(max_examples=60)
@given(worlds(), st.sampled_from([-50.0, 30.0, 2000.0]))
def test_any_world_can_be_explained(world: World, now: float) -> None:
    verdict = world.verdict(now)
    told = explain(verdict, release(), [promise()], world.runs(second(now)), world.spans, Policy())
    assert told.verdict == verdict.word.value
    assert told.would_change
    assert all(fact.text for fact in told.facts)
