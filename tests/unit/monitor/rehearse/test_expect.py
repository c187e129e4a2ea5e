from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from monitor.rehearse.expect import Met, Results, check
from tests.unit.monitor.rehearse.conftest import ReadScript

URL = "https://stats.example/birds"
RELEASE_AND_EXPECT = f"""
[[release]]
id = "birds"
title = "Birds"
producer = "agency"
url = "{URL}"
slot = 2018-01-05T09:30:00

[[expect]]
"""
MEASURED_RELEASE: dict[str, Any] = {
    "id": "agency-birds-2018",
    "url": URL,
    "verdict": "late",
    "final": True,
    "delay": {"min": 10139.0, "max": 10141.0},
    "first_seen": {"after": "2018-01-05T12:18:59.000Z", "by": "2018-01-05T12:19:01.000Z"},
    "findings": [
        {"kind": "late", "part": "page"},
        {"kind": "elsewhere_first", "part": "news", "detail": "x"},
    ],
    "exposures": [
        {"part": "html", "seconds": {"min": 10.0, "max": 20.0}, "open": False},
        {"part": "page", "seconds": {"min": 1790.0, "max": 1810.0}, "open": False},
    ],
    "unproven_because": None,
    "parts": [
        {"id": "news", "verdict": "late", "delay": {"min": 5.0, "max": None}, "exposures": []}
    ],
}
RESULTS = Results(
    releases=[MEASURED_RELEASE],
    notices=[
        {"id": "1", "kind": "opened", "release": "agency-birds-2018"},
        {"id": "2", "kind": "final", "release": "agency-birds-2018", "follows": "1"},
        {"id": "3", "kind": "calendar", "release": "elsewhere"},
    ],
    drafts=[{"release": "agency-birds-2018", "form": "B"}],
)


@pytest.fixture
def check_expectation(script: ReadScript) -> Callable[[str], Met]:
    """Return a function that checks the keys of one expectation against RESULTS."""

    def check_expectation(keys: str) -> Met:
        (met,) = check(script(RELEASE_AND_EXPECT + keys), RESULTS)
        return met

    return check_expectation


def of_birds(keys: str) -> str:
    """Return an expectation about the release `birds`."""
    return f'release = "birds"\n{keys}'


EXPECTED_OF_BIRDS = [
    'verdict = "late"',
    'verdict = "late"\nfinal = true',
    "delay = { min = 10140, max = 10140, within = 2 }",
    "delay = { min = 10100, max = 10200 }",
    "delay = { min = 10138, within = 0 }",
    'findings = ["elsewhere_first"]',
    'findings = [{ kind = "late", part = "page" }]',
    "first_seen = { by = 2018-01-05T12:19:01 }",
    "exposure = { min = 1800, max = 1800, within = 10, open = false }",
    "exposure = { open = false }",
    'exposures = [{ part = "html" }]',
    'part = "news"\nexposures = []',
    'part = "news"\ndelay = { min = 5 }',
    "notices = 1\ndrafts = 1",
]
NOT_EXPECTED_OF_BIRDS = [
    ('verdict = "on_time"', "verdict: late, not on_time"),
    (
        "delay = { min = 10140, max = 10140, within = 0.5 }",
        "delay: measured 10139 to 10141 s, wider than the true 10140 to 10140 s by over 0.5 s",
    ),
    (
        "delay = { min = 10142, max = 10150, within = 20 }",
        "delay: measured 10139 to 10141 s, which does not overlap the true 10142 to 10150 s",
    ),
    ('part = "news"\ndelay = { min = 5, max = 6, within = 100 }', "wider than"),
    (
        'findings = ["late", "partial"]',
        "findings: ['late', 'elsewhere_first'], not ['late', 'partial']",
    ),
    ("findings = []", "findings: ['late', 'elsewhere_first'], not []"),
    ('findings = [{ kind = "late", part = "news" }]', "findings"),
    ("exposure = { min = 15, max = 15, within = 10 }", "exposure: measured 1790 to 1810 s"),
    ("exposure = { open = true }", "exposure: is closed"),
    ('part = "news"\nexposure = { open = true }', "exposure: there was none"),
    ('part = "sheet"\nverdict = "late"', "the release has no part sheet"),
    ('unproven_because = "blind"', "unproven_because: None, not blind"),
    ('verdict = "early"\ndrafts = 2', "drafts: 1, not 2 (B); verdict: late, not early"),
]


@pytest.mark.parametrize("expectation", [*map(of_birds, EXPECTED_OF_BIRDS), "notices = 2"])
def test_an_expectation_that_matches_the_results_is_met(
    check_expectation: Callable[[str], Met], expectation: str
) -> None:
    """A case is an expectation.

    `verdict = "late"` is met, because the release `birds` came late in the results.
    """
    outcome = check_expectation(expectation)
    assert (outcome.met, outcome.why) == (True, "")


@pytest.mark.parametrize(
    ("contradicted_expectation", "reason"),
    [(of_birds(keys), reason) for keys, reason in NOT_EXPECTED_OF_BIRDS],
)
def test_contradicted_expectation_is_unmet_and_says_why(
    check_expectation: Callable[[str], Met], contradicted_expectation: str, reason: str
) -> None:
    """A case expects something else, such as `verdict = "on_time"` of a late release, and the
    reason is given.
    """
    outcome = check_expectation(contradicted_expectation)
    assert not outcome.met
    assert reason in outcome.why


def test_unmet_number_of_notices_is_explained_by_their_kinds(
    check_expectation: Callable[[str], Met],
) -> None:
    # The results have three notices: `opened`, `final`, which follows it and so does not count, and
    # `calendar`.
    outcome = check_expectation("notices = 0")
    assert not outcome.met
    assert "notices: 2, not 0 (opened, calendar)" in outcome.why


def test_an_expected_release_without_results_is_unmet(script: ReadScript) -> None:
    without_results = Results()
    outcomes = check(script(RELEASE_AND_EXPECT + of_birds('verdict = "late"')), without_results)
    assert outcomes == [Met("birds", part=None, met=False, why="no release is called birds")]


def test_an_expected_delay_is_unmet_if_none_was_measured(script: ReadScript) -> None:
    expecting = script(RELEASE_AND_EXPECT + of_birds("delay = { min = 0, max = 0, within = 9 }"))
    (outcome,) = check(expecting, Results(releases=[{**MEASURED_RELEASE, "delay": None}]))
    assert (outcome.met, outcome.why) == (False, "delay: was not measured")


def test_checks_that_are_not_ready_must_be_named_by_notices_before_slots(
    script: ReadScript,
) -> None:
    """A notice of an incident names findings too, but none of them counts as a check."""
    results = Results(
        notices=[
            {"id": "1", "kind": "readiness", "release": "", "findings": ["budget", "on_call"]},
            {"id": "2", "kind": "opened", "release": "birds", "findings": ["late"]},
        ]
    )
    for keys, why in (
        ('not_ready = ["on_call"]', ""),
        ('not_ready = ["on_call", "late"]', "not_ready: no late (budget, on_call)"),
    ):
        (met,) = check(script(RELEASE_AND_EXPECT + keys), results)
        assert met.why == why
