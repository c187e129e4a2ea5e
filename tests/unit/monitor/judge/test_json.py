"""The JSON of one release, its explanation, and the comparison of stored and recomputed JSON.

A number is an instant in seconds after the slot.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.judge.as_json import release_json
from monitor.judge.differences import find_differences
from monitor.judge.explain.explain import Explanation, explanation_json
from monitor.judge.runs import Blind
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import Kind
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, Turn, a_run, a_sighting, looks
from tests.worlds.releases import SHEET
from tests.worlds.truths import Looker, Truth, World, worlds
from tests.worlds.verdicts import explained, judged

LATE = [(-100, ABSENT), (400, PRESENT)]
Json = dict[str, Any]


def json_of(now: float = 500, turns: Sequence[Turn] = LATE) -> Json:
    return release_json(judged(now, turns))


def test_the_json_of_a_late_release_is_that_of_the_interface() -> None:
    body = release_json(judged(500, LATE), {"edition": "1.0", "practice": "Protocol 2, practice 4"}, "inc-1")
    # By looks every second, the page was absent until 399 s after its slot at 09:30 and present from 400 s on.
    seen_first = {"after": "2018-01-05T09:36:39.000Z", "by": "2018-01-05T09:36:40.000Z"}
    delay = {"min": 399.0, "max": 400.0}
    measured_of_page_and_release = {
        "first_seen": seen_first,
        "released": seen_first,
        "delay": delay,
        "users_delay": delay,
        "early_bound": 0.0,
        "exposures": [],
    }
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
        **measured_of_page_and_release,
        "available_elsewhere": [],
        "parts": [
            {
                "id": "page",
                "role": "page",
                "origin": "announced",
                "url": "https://www.gov.uk/government/statistics/malpractice",
                "required": True,
                "verdict": "late",
                **measured_of_page_and_release,
                "unproven_because": None,
            }
        ],
        "findings": [
            {
                "kind": "late",
                "part": "page",
                "detail": "came between Fri 5 Jan 2018 09:36:39 GMT and Fri 5 Jan 2018 09:36:40 GMT, "
                "6 min 39 s to 6 min 40 s after the slot",
                "seconds": delay,
            }
        ],
        "code": {"edition": "1.0", "practice": "Protocol 2, practice 4"},
        "incident": "inc-1",
        "unproven_because": None,
        "due": None,
        "promise_confirmed": "2018-01-05T09:30:00.000Z",
        "at": "2018-01-05T09:38:20.000Z",
    }


def test_unknown_values_are_null_in_json() -> None:
    not_seen_yet = json_of(now=-50, turns=[(-100, ABSENT)])
    assert (not_seen_yet["first_seen"], not_seen_yet["delay"]) == ({"after": None, "by": None}, None)
    assert (not_seen_yet["code"], not_seen_yet["incident"]) == (None, None)
    without_promise = release_json(judged(0, promises=[]))
    assert without_promise["slot"] is None


def test_an_open_exposure_has_no_end() -> None:
    came, now = -50, -40
    (exposure,) = json_of(now, turns=[(-100, ABSENT), (came, PRESENT)])["exposures"]
    assert exposure["open"] is True
    assert exposure["to"] == {"after": None, "by": None}
    assert exposure["seconds"] == {"min": now - came, "max": None}


# Stored and recomputed


def test_a_verdict_does_not_differ_from_itself() -> None:
    assert find_differences(json_of(), json_of()) == []


def changed(body: Json, path: str, value: object) -> Json:
    *way, last = path.split(".")
    part = body
    for step in way:
        part = part[int(step)] if isinstance(part, list) else part[step]
    part[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "line"),
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
def test_every_difference_is_reported_with_both_values(path: str, value: object, line: str) -> None:
    stored = changed(json_of(), path, value)
    assert any(found.startswith(line) for found in find_differences(stored, again=json_of()))


def test_an_overdue_delay_may_grow_and_never_shrink() -> None:
    # The page is absent at every look. So at 200 s it is overdue by 200 s, and at 210 s by 210 s.
    shorter, longer = (json_of(now, turns=[(-100, ABSENT)]) for now in (200, 210))
    assert find_differences(stored=shorter, again=longer) == []
    assert find_differences(stored=longer, again=shorter) != []


def test_a_verdict_may_become_final_and_never_open_again() -> None:
    final = json_of()
    not_final = final | {"final": False}
    assert find_differences(stored=not_final, again=final) == []
    assert find_differences(stored=final, again=not_final) == ["final: was True, is False"]


def test_an_open_exposure_may_end_by_a_look_after_the_verdict_and_never_open_again() -> None:
    now = 1
    looks_before = [(-5, ABSENT), (-2, PRESENT)]
    # A run that is stored later also has the look at 3 s, after the instant for which the verdict is computed again.
    still_open, ended = (
        release_json(judged(now, {"page": looks(*made).runs("page")}))
        for made in (looks_before, [*looks_before, (3, PRESENT)])
    )
    assert [body["exposures"][0]["open"] for body in (still_open, ended)] == [True, False]
    assert find_differences(stored=still_open, again=ended) == []
    assert "exposures[0].open: was False, is True" in find_differences(stored=ended, again=still_open)


def a_finding(kind: str = "blind", part: str | None = None, seconds: float | None = None) -> Json:
    bounds = None if seconds is None else {"min": seconds, "max": seconds}
    return {"kind": kind, "part": part, "detail": "", "seconds": bounds}


def with_findings(*more: Json) -> Json:
    body = json_of()
    return body | {"findings": [*body["findings"], *more]}


def test_a_blind_finding_may_be_added_and_with_several_monitors_also_removed() -> None:
    without_blind, with_blind = json_of(), with_findings(a_finding("blind", seconds=3))
    assert find_differences(stored=without_blind, again=with_blind) == []
    removed = ["findings: were blind(), late(page), are late(page)"]
    assert find_differences(stored=with_blind, again=without_blind) == removed
    assert find_differences(stored=with_blind, again=without_blind, several_monitors=True) == []


def test_an_added_or_removed_finding_of_any_other_kind_is_a_difference() -> None:
    late = json_of()
    lost = find_differences(late, late | {"findings": []}, several_monitors=True)
    assert lost == ["findings: were late(page), are none"]
    # An added blind finding alone would be no difference.
    with_exposure = with_findings(a_finding("blind", seconds=3), a_finding("early_exposure", seconds=3))
    assert find_differences(late, with_exposure) != []


def test_the_platform_finding_is_not_compared() -> None:
    assert find_differences(with_findings(a_finding("platform")), json_of()) == []


def test_a_blind_span_may_grow_and_never_shrink() -> None:
    short, long = (json_of() | {"findings": [a_finding("blind", "page", seconds)]} for seconds in (80.0, 96.0))
    assert find_differences(stored=short, again=long) == []
    # It may have grown since, so its stored length counts as open.
    assert find_differences(stored=long, again=short) == ["findings.blind(page): was 96.0 … open, is 80.0 … 80.0"]


SEEN_PRESENT_ONCE = World(
    Truth(((0, PRESENT), (53_823, ABSENT))),
    (Looker("origin", fails=0.5, specific=False, slowest=40),),
    ((51_320, 53_820, 56_320, 62_551, 72_551, 77_588, 87_588),),
    seed=85,
    offset=(3000, 5000),
)
"""Seen present once and then absent whenever a look did not fail, by a clock that is wrong."""


def lasting_kinds(verdict: Verdict) -> set[Kind]:
    """Return the findings that need a state to last: withdrawn for longer than a flicker, hidden for a second."""
    return {each.kind for each in verdict.findings} & {Kind.WITHDRAWN, Kind.STALE_EDGE}


@settings(max_examples=200)
@given(worlds(), st.sampled_from([-100.0, 0.0, 30.0, 61.0, 91.0, 130.0]))
@example(SEEN_PRESENT_ONCE, 91.0)
def test_an_instant_that_is_judged_again_by_runs_that_grew_since_differs_only_by_a_look_that_was_under_way(
    world: World, now: float
) -> None:
    runs_at_now = world.runs(after_slot(now))
    # A new run would have been judged at once. So the runs are those known at `now`, but the last of each has grown.
    grown_runs = {target: runs[: len(runs_at_now[target])] for target, runs in world.runs().items()}
    first, again = (judged(now, runs, blind=world.spans) for runs in (runs_at_now, grown_runs))
    # A look under way at `now` is answered in the grown runs. It may decide the verdict, or add a finding of a state
    # that has lasted long enough. Nothing else may differ.
    has_other_verdict = first.verdict is not again.verdict
    has_new_finding = lasting_kinds(first) < lasting_kinds(again)
    assert has_other_verdict or lasting_kinds(first) <= lasting_kinds(again)
    assert has_other_verdict or has_new_finding or find_differences(release_json(first), release_json(again)) == []


def test_a_cached_presence_that_begins_earlier_when_it_is_judged_again_changes_nothing() -> None:
    # The copy was made at some instant from 85 to 89.8 s (24.2 to 29 s before its look at 114 s). An origin that was
    # looked at in the last 90 s decides. The origin's look at -1.5 s is within 90 s of 88.3 s, but not of 89.8 s. That
    # must make no difference, so the 90 s count back from the look at 114 s.
    absent = looks(a_sighting(ABSENT, 83, age=(54, 57))).runs("page")
    (present,) = looks(a_sighting(PRESENT, 114, age=(24.2, 29))).runs("page")
    stored, again = (
        release_json(
            judged(130, {"page/origin": looks((-1.5, ABSENT)), "page": [*absent, replace(present, begin=begin)]})
        )
        for begin in (after_slot(89.8), after_slot(88.3))
    )
    assert find_differences(stored, again) == []


# Explanations


def text_of(explanation: Explanation) -> str:
    return "\n".join(fact.text for fact in explanation.facts)


def test_an_explanation_names_promise_absence_presence_and_rules() -> None:
    present = a_run("page", PRESENT, 400, 500, evidence=("rec-1",), status=200)
    explanation = explained(500, {"page": [a_run("page", ABSENT, -100, 399), present]})
    text = text_of(explanation)
    assert "late (final, grade report)" in text
    assert "the slot in force: Fri 5 Jan 2018 09:30:00 GMT, confirmed, from govuk" in text
    assert "page, edge view: absent by Fri 5 Jan 2018 09:28:20 GMT and still as of Fri 5 Jan 2018 09:36:39 GMT" in text
    assert "present (HTTP 200) by Fri 5 Jan 2018 09:36:40 GMT" in text
    assert "on time: published by 1 min after the slot" in text
    assert explanation.records == ("rec-1",)
    assert explanation.would_change[0].startswith("final")


def test_an_explanation_mentions_failed_looks_and_blind_spans() -> None:
    failed = [a_run("page", UNKNOWN, -50, 10, why="timeout", looks=61), a_run("page", UNKNOWN, 60, why="timeout")]
    blind = [Blind(after_slot(20), after_slot(50), "killed")]
    text = text_of(explained(95, {"page": [a_run("page", ABSENT, -100, -51), *failed]}, blind=blind))
    # 61 looks and the one at 60 s.
    assert "62 failed and proved nothing" in text
    assert "unknown (timeout) from" in text
    assert "blind (killed) from Fri 5 Jan 2018 09:30:20 GMT to Fri 5 Jan 2018 09:30:50 GMT" in text


def test_an_explanation_mentions_the_age_of_a_cached_answer_and_dates_it_by_its_greatest_age() -> None:
    # 31 s before the slot at 09:30: the look was 20 s before it, and its copy up to 11 s old.
    text = text_of(explained(-10, {"page": looks(a_sighting(ABSENT, -20, age=(9, 11)))}))
    assert "absent as of Fri 5 Jan 2018 09:29:29 GMT (from a cache, up to 11 s old)" in text


@pytest.mark.parametrize(
    ("now", "turns", "line"),
    [
        (-50, [(-100, ABSENT)], "page: on time if proved to have come by Fri 5 Jan 2018 09:31:00 GMT"),
        (-50, [(-100, ABSENT)], "moved or cancelled if a calendar says so before Fri 5 Jan 2018 09:30:00 GMT"),
        (200, [(-100, ABSENT)], "page: late as soon as a look shows it"),
        (
            -20, [(-100, ABSENT), (-50, PRESENT)],
            "page: the exposure ends when a look shows that it is absent, or at the slot",
        ),
        (95, [(-100, ABSENT), (-50, UNKNOWN)], "page: overdue if a look proves it absent after"),
        (300, [(-100, ABSENT), (-70, UNKNOWN), (200, PRESENT)], "page: no further look"),
    ],
)  # fmt: skip
def test_an_explanation_says_what_would_change_the_verdict(now: float, turns: Sequence[Turn], line: str) -> None:
    lines = explained(now, turns).would_change
    assert any(each.startswith(line) for each in lines), lines


def test_an_explanation_leaves_out_the_middle_of_many_runs() -> None:
    turns = [(when, ABSENT if when % 2 else PRESENT) for when in range(-100, 0)]
    assert "runs in between are left out" in text_of(explained(0, turns))


def test_an_explanation_merges_looks_by_state_with_their_number_and_widest_gap() -> None:
    # Every second look failed until the slot, the first one before any absence. The other 50 looks proved absence, as
    # did the 59 from 1 s to 59 s after the slot. The 61 looks from 60 s to 120 s showed the page.
    every_second_failed = [(when, ABSENT if when % 2 else UNKNOWN) for when in range(-100, 1)]
    facts = explained(120, [*every_second_failed, (1, ABSENT), (60, PRESENT)]).facts
    runs = [fact.text for fact in facts if fact.kind == "run"]
    assert len(runs) == 3
    assert "unknown (timeout)" in runs[0]
    assert "109 looks, 50 more that failed in between, widest gap 2 s" in runs[1]
    assert "61 looks, widest gap 1 s" in runs[2]


def test_an_explanation_as_json_keeps_every_fact_and_its_instant() -> None:
    explanation = explained(500, LATE)  # 8 min 20 s after the slot at 09:30
    body = json.loads(json.dumps(explanation_json(explanation)))
    assert [fact["text"] for fact in body["facts"]] == [fact.text for fact in explanation.facts]
    assert body["at"] == "2018-01-05T09:38:20.000Z"


def test_an_explanation_covers_every_part() -> None:
    assert "sheet: never looked at" in text_of(explained(500, LATE, SHEET))


@settings(max_examples=60)
@given(worlds(), st.sampled_from([-50.0, 30.0, 2000.0]))
def test_an_explanation_has_the_verdict_what_would_change_it_and_facts_in_words(world: World, now: float) -> None:
    at = after_slot(now)
    explanation = explained(now, world.runs(at), blind=world.blind_until(at))
    assert explanation.verdict == world.verdict(now).verdict.value
    assert explanation.would_change
    assert all(fact.text for fact in explanation.facts)
