"""The JSON of one release, its explanation, and the comparison of stored and recomputed JSON. A
number is an instant in seconds after the slot.
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
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import FindingKind
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, Turn, a_run, a_sighting, looks
from tests.worlds.releases import a_promise, a_slot
from tests.worlds.truths import Looker, Truth, World, worlds
from tests.worlds.verdicts import explained, judged

LATE = [(-100, ABSENT), (400, PRESENT)]
Json = dict[str, Any]


def json_of(now: float = 500, turns: Sequence[Turn] = LATE) -> Json:
    return release_json(judged(now, turns))


def test_json_of_late_release_has_all_fields_of_the_interface() -> None:
    """The page was absent until 399 s after its slot, 09:30, and present from 400 s on. So it came
    late, between 09:36:39 and 09:36:40. This is the JSON of the verdict at 500 s, 09:38:20.
    """
    verdict = judged(now=500, seen=[(-100, ABSENT), (400, PRESENT)])
    body = release_json(verdict)
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
            "readings": [],
            "settled": None,
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
                "detail": (
                    "came between Fri 5 Jan 2018 09:36:39 GMT and Fri 5 Jan 2018 09:36:40 GMT, "
                    "6 min 39 s to 6 min 40 s after the slot"
                ),
                "seconds": delay,
            }
        ],
        # an assessment fills these
        "code": None,
        "incident": None,
        "unproven_because": None,
        "due": None,
        "promise_confirmed": "2018-01-05T09:30:00.000Z",
        "at": "2018-01-05T09:38:20.000Z",
    }


def test_unknown_values_are_null_in_json() -> None:
    """At -50 s, the page has not been seen. So it is not known when it came, nor how late. No
    section of the Code of Practice and no incident were given for the verdict. All of these are
    null.
    """
    not_seen_yet = json_of(now=-50, turns=[(-100, ABSENT)])
    assert (not_seen_yet["first_seen"], not_seen_yet["delay"]) == (
        {"after": None, "by": None},
        None,
    )
    assert (not_seen_yet["code"], not_seen_yet["incident"]) == (None, None)
    # Without a promise, the slot is not known either.
    without_promise = release_json(judged(now=0, promises=[]))
    assert without_promise["slot"] is None


def test_open_exposure_has_no_end() -> None:
    """The page came 50 s before its slot, and is still there now, 40 s before its slot. So its
    exposure is open. When it will end is not known. It has lasted 10 s, and may last longer.
    """
    came, now = -50, -40
    (exposure,) = json_of(now, turns=[(-100, ABSENT), (came, PRESENT)])["exposures"]
    assert exposure["open"] is True
    assert exposure["to"] == {"after": None, "by": None}
    assert exposure["seconds"] == {"min": now - came, "max": None}


# Stored and recomputed


def test_verdict_does_not_differ_from_itself() -> None:
    assert find_differences(json_of(), json_of()) == []


def changed(body: Json, path: str, value: object) -> Json:
    """Return the JSON with another value at a path of keys and list indices, such as
    `parts.0.id`.
    """
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
    """A stored verdict is computed again. Both differ in one `value`, at a `path` in the JSON. If
    the stored one says on_time, and the other late, a `line` of the differences begins “verdict:
    was on_time, is late”.
    """
    stored = changed(json_of(), path, value)
    assert any(found.startswith(line) for found in find_differences(stored, again=json_of()))


def test_overdue_delay_may_grow_but_not_shrink() -> None:
    """The page is absent at every look. So at 200 s it is overdue by 200 s or more, and at 210 s by
    210 s or more. When a stored verdict is computed again, the delay may have grown, which is no
    difference. It cannot have shrunk.
    """
    overdue_by_200_s = json_of(now=200, turns=[(-100, ABSENT)])
    overdue_by_210_s = json_of(now=210, turns=[(-100, ABSENT)])
    assert find_differences(stored=overdue_by_200_s, again=overdue_by_210_s) == []
    assert find_differences(stored=overdue_by_210_s, again=overdue_by_200_s) != []


def test_recomputed_verdict_may_become_final_but_not_stop_being_final() -> None:
    """A stored verdict on a late page is computed again. If only the new one is final, later looks
    explain that: no difference. But a final verdict stays final. So if only the stored one is
    final, that is a difference.
    """
    final = json_of(turns=LATE)
    not_final = final | {"final": False}
    assert find_differences(stored=not_final, again=final) == []
    assert find_differences(stored=final, again=not_final) == ["final: was True, is False"]


def test_open_exposure_may_end_but_not_reopen_when_recomputed() -> None:
    """The page was public early, from -2 s on. Two verdicts are for the same instant, 1 s after the
    slot. One was made from looks until -2 s. In it, the exposure is still open. The other also
    knows a later look, at 3 s, which still found the page. So in that one the exposure ended at the
    slot.
    """
    looks_until_now = looks((-5, ABSENT), (-2, PRESENT))
    looks_until_later = looks((-5, ABSENT), (-2, PRESENT), (3, PRESENT))
    still_open = release_json(judged(now=1, seen={"page": looks_until_now.runs("page")}))
    ended = release_json(judged(now=1, seen={"page": looks_until_later.runs("page")}))
    assert still_open["exposures"][0]["open"] is True
    assert ended["exposures"][0]["open"] is False
    # Later looks may show that an open exposure ended, but never that an ended one is open.
    assert find_differences(stored=still_open, again=ended) == []
    assert "exposures[0].open: was False, is True" in find_differences(
        stored=ended, again=still_open
    )


def a_finding(kind: str = "blind", part: str | None = None, seconds: float | None = None) -> Json:
    bounds = None if seconds is None else {"min": seconds, "max": seconds}
    return {"kind": kind, "part": part, "detail": "", "seconds": bounds}


def with_findings(*more: Json) -> Json:
    body = json_of()
    return body | {"findings": [*body["findings"], *more]}


def test_blind_finding_may_disappear_only_with_several_monitors() -> None:
    """A stored verdict has two findings: the page is late, and its monitor did not look for 3 s
    (blind). Computed again, the verdict has only the first finding. If there are several monitors,
    that is allowed: looks of another one in these 3 s may have reached the store since. If there is
    only one, it is reported as a difference.
    """
    late = json_of(turns=LATE)
    late_and_blind = with_findings(a_finding("blind", seconds=3))
    assert find_differences(stored=late_and_blind, again=late, several_monitors=True) == []
    # The line lists each finding by its kind and part. A finding `blind` is about no part.
    line = "findings: were blind(), late(page), are late(page)"
    assert find_differences(stored=late_and_blind, again=late, several_monitors=False) == [line]


def test_missing_late_finding_is_a_difference_even_with_several_monitors() -> None:
    """A stored verdict says that the page was late.

    Computed again, it does not, which no other monitor can explain.
    """
    late = json_of(turns=LATE)
    without_findings = late | {"findings": []}
    differences = find_differences(stored=late, again=without_findings, several_monitors=True)
    assert differences == ["findings: were late(page), are none"]


def test_additional_blind_finding_is_no_difference_but_additional_exposure_is() -> None:
    """A stored verdict has only the finding `late`. Computed again, it may have `blind` too,
    because a blind span may be stored only after the verdict. But nothing explains a new finding of
    an early exposure.
    """
    late = json_of(turns=LATE)
    blind, exposure = a_finding("blind", seconds=3), a_finding("early_exposure", seconds=3)
    assert find_differences(stored=late, again=with_findings(blind)) == []
    assert find_differences(stored=late, again=with_findings(blind, exposure)) != []


def test_platform_finding_is_not_compared() -> None:
    """A finding `platform` says that other releases on the same host were late too. It depends on
    these, so it is not compared. Here only the stored verdict has one: no difference.
    """
    assert find_differences(stored=with_findings(a_finding("platform")), again=json_of()) == []


def test_blind_finding_may_be_longer_when_recomputed_but_not_shorter() -> None:
    """A blind span may grow after a verdict with it was stored. So a stored length of 80 s means 80
    s or more, and 96 s is no difference. But a stored 96 s means 96 s or more, and 80 s is a
    difference.
    """
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


def withdrawn_or_stale_kinds(verdict: Verdict) -> set[FindingKind]:
    """Return the kinds of findings that need a state to last: withdrawn for over a minute, stale
    for a second.
    """
    return {each.kind for each in verdict.findings} & {
        FindingKind.WITHDRAWN,
        FindingKind.STALE_EDGE,
    }


@settings(max_examples=200)
@given(worlds(), st.sampled_from([-100.0, 0.0, 30.0, 61.0, 91.0, 130.0]))
@example(SEEN_PRESENT_ONCE, 91.0)
def test_recomputed_verdict_changes_only_by_looks_that_were_under_way(
    world: World, now: float
) -> None:
    """In an invented world, a page comes and goes at random, and random looks see it. Its verdict
    as of `now` is computed again, with the answers to looks that were under way at `now`. These may
    show that a withdrawal or a stale edge lasted long enough for a finding. Such findings may be
    added, but not lost. If none is added, and the verdict is the same, the JSON may not differ.
    """
    runs_at_now = world.runs(after_slot(now))
    # Looks under way may lengthen the runs. Runs that later looks began are left out.
    runs_later = {target: runs[: len(runs_at_now[target])] for target, runs in world.runs().items()}
    verdict = judged(now, runs_at_now, blind=world.spans)
    recomputed = judged(now, runs_later, blind=world.spans)
    if recomputed.verdict is verdict.verdict:
        assert withdrawn_or_stale_kinds(verdict) <= withdrawn_or_stale_kinds(recomputed)
        if withdrawn_or_stale_kinds(verdict) == withdrawn_or_stale_kinds(recomputed):
            assert (
                find_differences(stored=release_json(verdict), again=release_json(recomputed)) == []
            )


def json_with_copy_made_by(seconds: float) -> Json:
    """Return the JSON at 130 s if the copy that the edge served at 114 s was made by an instant."""
    absent = looks(a_sighting(ABSENT, 83, age=(54, 57))).runs("page")
    (present,) = looks(a_sighting(PRESENT, 114, age=(24.2, 29))).runs("page")
    edge = [*absent, replace(present, begin=after_slot(seconds))]
    return release_json(judged(now=130, seen={"page/origin": looks((-1.5, ABSENT)), "page": edge}))


def test_cached_copy_dated_earlier_when_recomputed_makes_no_difference() -> None:
    """At 114 s a look at the edge got a copy of the page from a cache. In a stored verdict, the
    copy was made by 89.8 s. In the verdict computed again, it was made by 88.3 s. The origin lacked
    the page at -1.5 s. That counts for 90 s, until 88.5 s, so not at the time of the look, 114 s.
    Thus it counts in neither verdict, and they do not differ. If the time of the copy decided, it
    would count in the second only.
    """
    stored, again = json_with_copy_made_by(89.8), json_with_copy_made_by(88.3)
    assert find_differences(stored, again) == []


def test_json_says_who_settled_a_doubtful_time_and_when() -> None:
    """A text could mean 08:30 or 09:30. A day before, a person said that 09:30 is meant."""
    times = (after_slot(-3600), after_slot(0))
    asked = a_promise(a_slot(doubt="zone", readings=times))
    answer = asked.settle(after_slot(0), "duty statistician", after_slot(-86_400))
    slot = release_json(judged(now=-50, promises=[asked, answer]))["slot"]
    assert slot["readings"] == ["2018-01-05T09:30:00.000Z"]
    assert slot["settled"] == {
        "by": "duty statistician",
        "at": "2018-01-04T09:30:00.000Z",
        "readings": ["2018-01-05T08:30:00.000Z", "2018-01-05T09:30:00.000Z"],
    }


# Explanations


def text_of(explanation: Explanation) -> str:
    return "\n".join(fact.text for fact in explanation.facts)


def test_explanation_lists_evidence_records_of_its_runs() -> None:
    present = a_run("page", PRESENT, 400, 500, evidence=("record-1",))
    seen = {"page": [a_run("page", ABSENT, -100, 399), present]}
    assert explained(now=500, seen=seen).records == ("record-1",)


def test_explanation_leaves_out_the_middle_of_many_runs() -> None:
    """From -100 s to -1 s, the page was present and absent in turn, second by second: 100 runs, too
    many to list.
    """
    turns = [(second, ABSENT if second % 2 else PRESENT) for second in range(-100, 0)]
    explanation = explained(now=0, seen=turns)
    assert "88 runs in between are left out" in text_of(explanation)
    assert sum(fact.kind == "run" for fact in explanation.facts) == 12 + 1


def test_explanation_sums_up_absences_and_failed_looks_between_them_in_one_line() -> None:
    """There is a look each second. From -100 s to 0 s, all looks at even seconds failed, and those
    at odd seconds found the page absent. From 1 s to 59 s all found it absent, and from 60 s to 120
    s present. That is told in three lines: the first failed look, all absences, and all presences.
    """
    every_other_failed = [
        (second, UNKNOWN if second % 2 == 0 else ABSENT) for second in range(-100, 1)
    ]
    facts = explained(now=120, seen=[*every_other_failed, (1, ABSENT), (60, PRESENT)]).facts
    first_failure, absences, presences = [fact.text for fact in facts if fact.kind == "run"]
    assert "unknown (no answer in time, see timeout in [network])" in first_failure
    # 50 absences until the slot and 59 after it are 109. After the first of them, 50 more looks
    # failed.
    assert "109 looks, 50 more that failed in between, widest gap 2 s" in absences
    assert "61 looks, widest gap 1 s" in presences


def test_explanation_as_json_keeps_every_fact_and_its_instant() -> None:
    """A late page is explained at 500 s, 8 min 20 s after its slot, 09:30.

    Its JSON has all facts and this instant.
    """
    explanation = explained(now=500, seen=LATE)
    body = json.loads(json.dumps(explanation_json(explanation)))
    assert [fact["text"] for fact in body["facts"]] == [fact.text for fact in explanation.facts]
    assert body["at"] == "2018-01-05T09:38:20.000Z"


@settings(max_examples=60)
@given(worlds(), st.sampled_from([-50.0, 30.0, 2000.0]))
def test_explanation_has_verdict_facts_and_what_would_change_it(world: World, now: float) -> None:
    """In an invented world, a page comes and goes at random, and random looks see it or fail. The
    verdict on it is explained as of `now`, in seconds after the slot. The explanation must always
    have the same verdict, at least one line on what would change it, and a text for each fact.
    """
    instant = after_slot(now)
    explanation = explained(now, world.runs(instant), blind=world.blind_until(instant))
    assert explanation.verdict == world.verdict(now).verdict.value
    assert explanation.would_change
    assert all(fact.text for fact in explanation.facts)
