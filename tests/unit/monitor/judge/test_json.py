"""The JSON of one release, its explanation, and the comparison of stored and recomputed JSON. A number is an instant in
seconds after the slot."""

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
from tests.worlds.instants import after_slot, at
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, Turn, a_run, a_sighting, looks
from tests.worlds.releases import SHEET
from tests.worlds.truths import Looker, Truth, World, worlds
from tests.worlds.verdicts import explained, judged

LATE = [(-100, ABSENT), (400, PRESENT)]
Json = dict[str, Any]


def json_of(now: float = 500, turns: Sequence[Turn] = LATE) -> Json:
    return release_json(judged(now, turns))


def test_json_of_late_release_is_that_of_the_interface() -> None:
    """At 500 s (09:38:20) the page has come late: absent until 399 s after its slot, 09:30, and there from 400 s on."""
    body = release_json(judged(now=500, seen=LATE), {"edition": "1.0", "practice": "Protocol 2, practice 4"}, "inc-1")
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
    """At -50 s, the page has not been seen. So when it came is not known, and how late it was. Code and incident were
    not given. Without a promise, the slot is not known either."""
    not_seen_yet = json_of(now=-50, turns=[(-100, ABSENT)])
    assert (not_seen_yet["first_seen"], not_seen_yet["delay"]) == ({"after": None, "by": None}, None)
    assert (not_seen_yet["code"], not_seen_yet["incident"]) == (None, None)
    without_promise = release_json(judged(now=0, promises=[]))
    assert without_promise["slot"] is None


def test_open_exposure_has_no_end() -> None:
    """The page came 50 s before its slot and is still there 40 s before it: exposed for 10 s or more."""
    came, now = -50, -40
    (exposure,) = json_of(now, turns=[(-100, ABSENT), (came, PRESENT)])["exposures"]
    assert exposure["open"] is True
    assert exposure["to"] == {"after": None, "by": None}
    assert exposure["seconds"] == {"min": now - came, "max": None}


# Stored and recomputed


def test_verdict_does_not_differ_from_itself() -> None:
    assert find_differences(json_of(), json_of()) == []


def changed(body: Json, path: str, value: object) -> Json:
    """Return the JSON with another value at a path of keys and list indices, such as `parts.0.id`."""
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
    """The stored verdict has another `value` at a `path`, say on_time for late. A `line` says: was on_time, is late."""
    stored = changed(json_of(), path, value)
    assert any(found.startswith(line) for found in find_differences(stored, again=json_of()))


def test_overdue_delay_may_grow_but_not_shrink() -> None:
    """The page is absent at every look. So at 200 s it is overdue by 200 s, and at 210 s by 210 s."""
    shorter, longer = (json_of(now, turns=[(-100, ABSENT)]) for now in (200, 210))
    assert find_differences(stored=shorter, again=longer) == []
    assert find_differences(stored=longer, again=shorter) != []


def test_recomputed_verdict_may_become_final_but_not_stop_being_final() -> None:
    """A verdict is stored and later computed again. That it became final counts as no difference."""
    final = json_of()
    not_final = final | {"final": False}
    assert find_differences(stored=not_final, again=final) == []
    assert find_differences(stored=final, again=not_final) == ["final: was True, is False"]


def test_open_exposure_may_end_but_not_reopen_when_recomputed() -> None:
    """Both verdicts are for 1 s after the slot, on a page public early. The first knows looks until -2 s, so the
    exposure is open. The second also knows that a look at 3 s still found the page, so it ended at the slot."""
    looks_until_now = looks((-5, ABSENT), (-2, PRESENT))
    looks_until_later = looks((-5, ABSENT), (-2, PRESENT), (3, PRESENT))
    still_open = release_json(judged(now=1, seen={"page": looks_until_now.runs("page")}))
    ended = release_json(judged(now=1, seen={"page": looks_until_later.runs("page")}))
    assert still_open["exposures"][0]["open"] is True
    assert ended["exposures"][0]["open"] is False
    assert find_differences(stored=still_open, again=ended) == []
    assert "exposures[0].open: was False, is True" in find_differences(stored=ended, again=still_open)


def a_finding(kind: str = "blind", part: str | None = None, seconds: float | None = None) -> Json:
    bounds = None if seconds is None else {"min": seconds, "max": seconds}
    return {"kind": kind, "part": part, "detail": "", "seconds": bounds}


def with_findings(*more: Json) -> Json:
    body = json_of()
    return body | {"findings": [*body["findings"], *more]}


def test_blind_finding_may_disappear_only_with_several_monitors() -> None:
    """One monitor was blind for 3 s. If there are others, their looks may have come in later: then it was not blind."""
    late = json_of(turns=LATE)
    late_and_blind = with_findings(a_finding("blind", seconds=3))
    assert find_differences(stored=late_and_blind, again=late, several_monitors=True) == []
    # The line lists each finding by its kind and part. A finding `blind` is about no part.
    line = "findings: were blind(), late(page), are late(page)"
    assert find_differences(stored=late_and_blind, again=late, several_monitors=False) == [line]


def test_missing_late_finding_is_a_difference() -> None:
    """The stored verdict has the finding that the page was late. The one computed again has none."""
    late = json_of(turns=LATE)
    without_findings = late | {"findings": []}
    differences = find_differences(stored=late, again=without_findings, several_monitors=True)
    assert differences == ["findings: were late(page), are none"]


def test_additional_blind_finding_is_no_difference_but_additional_exposure_is() -> None:
    """The stored verdict has only the finding `late`. Computed again, it may have `blind`, but no early exposure."""
    late = json_of(turns=LATE)
    blind, exposure = a_finding("blind", seconds=3), a_finding("early_exposure", seconds=3)
    assert find_differences(stored=late, again=with_findings(blind)) == []
    assert find_differences(stored=late, again=with_findings(blind, exposure)) != []


def test_platform_finding_is_not_compared() -> None:
    """Only the stored verdict has a finding on a platform, which depends on other releases. So they do not differ."""
    assert find_differences(with_findings(a_finding("platform")), json_of()) == []


def test_blind_finding_may_be_longer_when_recomputed_but_not_shorter() -> None:
    """A blind span may grow after it was stored. So a stored 96 s stands for 96 s or more."""
    blind_for_80_s = json_of() | {"findings": [a_finding("blind", "page", seconds=80.0)]}
    blind_for_96_s = json_of() | {"findings": [a_finding("blind", "page", seconds=96.0)]}
    assert find_differences(stored=blind_for_80_s, again=blind_for_96_s) == []
    differences = find_differences(stored=blind_for_96_s, again=blind_for_80_s)
    assert differences == ["findings.blind(page): was 96.0 … open, is 80.0 … 80.0"]


SEEN_PRESENT_ONCE = World(
    Truth(((0, PRESENT), (53_823, ABSENT))),
    (Looker("origin", fails=0.5, specific=False, slowest=40),),
    ((51_320, 53_820, 56_320, 62_551, 72_551, 77_588, 87_588),),
    seed=85,
    offset=(3000, 5000),
)
"""Seen present once and then absent whenever a look did not fail, by a clock that is wrong."""


def withdrawn_or_stale_kinds(verdict: Verdict) -> set[Kind]:
    """Return the kinds of findings that need a state to last: withdrawn for over a minute, stale for a second."""
    return {each.kind for each in verdict.findings} & {Kind.WITHDRAWN, Kind.STALE_EDGE}


@settings(max_examples=200)
@given(worlds(), st.sampled_from([-100.0, 0.0, 30.0, 61.0, 91.0, 130.0]))
@example(SEEN_PRESENT_ONCE, 91.0)
def test_recomputed_verdict_changes_only_by_looks_that_were_under_way(world: World, now: float) -> None:
    """A verdict for `now` is computed again with the answers to looks that were under way at `now`. If it is the same
    verdict, it may have more findings on a withdrawn page or a stale edge. Nothing else differs."""
    runs_at_now = world.runs(after_slot(now))
    # Looks under way may lengthen the runs. Runs that later looks began are left out.
    runs_later = {target: runs[: len(runs_at_now[target])] for target, runs in world.runs().items()}
    verdict = judged(now, runs_at_now, blind=world.spans)
    recomputed = judged(now, runs_later, blind=world.spans)
    if recomputed.verdict is verdict.verdict:
        assert withdrawn_or_stale_kinds(verdict) <= withdrawn_or_stale_kinds(recomputed)
        if withdrawn_or_stale_kinds(verdict) == withdrawn_or_stale_kinds(recomputed):
            assert find_differences(stored=release_json(verdict), again=release_json(recomputed)) == []


def json_with_copy_made_by(seconds: float) -> Json:
    """Return the JSON at 130 s if the copy that the edge served at 114 s was made by an instant."""
    absent = looks(a_sighting(ABSENT, 83, age=(54, 57))).runs("page")
    (present,) = looks(a_sighting(PRESENT, 114, age=(24.2, 29))).runs("page")
    edge = [*absent, replace(present, begin=after_slot(seconds))]
    return release_json(judged(now=130, seen={"page/origin": looks((-1.5, ABSENT)), "page": edge}))


def test_cached_copy_dated_earlier_when_recomputed_makes_no_difference() -> None:
    """A look at 114 s got a copy of the page, made by 89.8 s, or when recomputed by 88.3 s. The origin lacked the page
    at -1.5 s, which counts for 90 s: until 88.5 s. But only the time of the look counts, 114 s, in both."""
    assert find_differences(stored=json_with_copy_made_by(89.8), again=json_with_copy_made_by(88.3)) == []


# Explanations


def text_of(explanation: Explanation) -> str:
    return "\n".join(fact.text for fact in explanation.facts)


def explanation_of_late_page() -> Explanation:
    absent = a_run("page", ABSENT, at("09:28:20"), at("09:36:39"))
    present = a_run("page", PRESENT, at("09:36:40"), at("09:38:20"), status=200, evidence=("record-1",))
    return explained(now=500, seen={"page": [absent, present]})


def test_explanation_of_late_page_names_promise_looks_and_rule() -> None:
    """The page was absent from 09:28:20 to 09:36:39 and present from 09:36:40 on: late."""
    text = text_of(explanation_of_late_page())
    assert "late (final, grade report)" in text
    assert "the slot in force: Fri 5 Jan 2018 09:30:00 GMT, confirmed, from govuk" in text
    assert "page, edge view: absent by Fri 5 Jan 2018 09:28:20 GMT and still as of Fri 5 Jan 2018 09:36:39 GMT" in text
    assert "present (HTTP 200) by Fri 5 Jan 2018 09:36:40 GMT" in text
    assert "on time: published by 1 min after the slot" in text


def test_explanation_lists_evidence_records_of_its_runs() -> None:
    assert explanation_of_late_page().records == ("record-1",)


def test_explanation_says_that_final_verdict_does_not_change() -> None:
    """`would_change` lists what would change a verdict. That on a page that came late is final."""
    first_line, *_ = explanation_of_late_page().would_change
    assert first_line.startswith("final")


def test_explanation_mentions_failed_looks_and_blind_spans() -> None:
    """The page was absent until -51 s. Then looks failed, and the monitor was blind from 20 s to 50 s (killed)."""
    failed = [a_run("page", UNKNOWN, -50, 10, why="timeout", looks=61), a_run("page", UNKNOWN, 60, why="timeout")]
    blind = [Blind(after_slot(20), after_slot(50), "killed")]
    text = text_of(explained(now=95, seen={"page": [a_run("page", ABSENT, -100, -51), *failed]}, blind=blind))
    # 61 looks and the one at 60 s.
    assert "62 failed and proved nothing" in text
    assert "unknown (timeout) from" in text
    assert "blind (killed) from Fri 5 Jan 2018 09:30:20 GMT to Fri 5 Jan 2018 09:30:50 GMT" in text


def test_explanation_dates_cached_absence_by_its_greatest_age() -> None:
    """The look was 20 s before the slot at 09:30, and its copy up to 11 s old. That is 31 s before the slot."""
    text = text_of(explained(now=-10, seen={"page": looks(a_sighting(ABSENT, -20, age=(9, 11)))}))
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
def test_explanation_says_what_would_change_the_verdict(now: float, turns: Sequence[Turn], line: str) -> None:
    """At -50 s, for example, the page is absent. One `line` says that it is on time if it comes within a minute of its
    slot, 09:30: by 09:31. Another one says when the calendar may still cancel it."""
    lines = explained(now, turns).would_change
    assert any(each.startswith(line) for each in lines), lines


def test_explanation_leaves_out_the_middle_of_many_runs() -> None:
    """From -100 s to -1 s the page was present and absent in turn, so each second has a run of its own."""
    turns = [(when, ABSENT if when % 2 else PRESENT) for when in range(-100, 0)]
    assert "runs in between are left out" in text_of(explained(now=0, seen=turns))


def test_explanation_sums_up_absences_in_one_line() -> None:
    """Until the slot, every other look, one a second, failed. Then the page was absent, and from 60 s on present."""
    each_second_one_failed = [(seconds, UNKNOWN if seconds % 2 == 0 else ABSENT) for seconds in range(-100, 1)]
    facts = explained(now=120, seen=[*each_second_one_failed, (1, ABSENT), (60, PRESENT)]).facts
    first_failure, absences, presences = [fact.text for fact in facts if fact.kind == "run"]
    assert "unknown (timeout)" in first_failure
    # 50 looks were absent before the slot, and 59 after it: 109. The 50 failed looks came between them.
    assert "109 looks, 50 more that failed in between, widest gap 2 s" in absences
    assert "61 looks, widest gap 1 s" in presences


def test_explanation_as_json_keeps_every_fact_and_its_instant() -> None:
    explanation = explained(now=500, seen=LATE)  # 8 min 20 s after the slot at 09:30
    body = json.loads(json.dumps(explanation_json(explanation)))
    assert [fact["text"] for fact in body["facts"]] == [fact.text for fact in explanation.facts]
    assert body["at"] == "2018-01-05T09:38:20.000Z"


def test_explanation_covers_every_part() -> None:
    # At 500 s, the page has come late, and its sheet was never looked at.
    assert "sheet: never looked at" in text_of(explained(500, LATE, SHEET))


@settings(max_examples=60)
@given(worlds(), st.sampled_from([-50.0, 30.0, 2000.0]))
def test_explanation_has_verdict_facts_and_what_would_change_it(world: World, now: float) -> None:
    """A world is a drawn page with all looks at it. It is explained as of `now`, in seconds after the slot."""
    instant = after_slot(now)
    explanation = explained(now, world.runs(instant), blind=world.blind_until(instant))
    assert explanation.verdict == world.verdict(now).verdict.value
    assert explanation.would_change
    assert all(fact.text for fact in explanation.facts)
