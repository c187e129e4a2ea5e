"""Versions that content states after its release. A number is an instant in seconds after the slot."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.deliver.verdicts import body_of
from monitor.judge.differences import find_differences
from monitor.judge.verdict import Verdict
from monitor.look.recognise.version import advanced_fields, format_version, parse_version
from schedules.contract.verdict import Finding, Grade, Kind, VerdictKind
from schedules.times.interval import Bounds
from tests.worlds.instants import SLOT
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, WITHDRAWN, RegularLooks, Turn, a_sighting, looks
from tests.worlds.verdicts import found, judged, kinds

FIRST = "change_history=1 public_updated_at=2018-01-05T09:30:00+00:00"
SECOND = "change_history=2 public_updated_at=2018-01-05T11:02:03+00:00"
THIRD = "change_history=3 public_updated_at=2018-01-05T12:00:00+00:00"
HOUR = 3600.0
PUBLIC_FROM_SLOT = [(-120, ABSENT), (0, PRESENT)]
PUBLIC_AN_HOUR_EARLY = [(-2 * HOUR, ABSENT), (-HOUR, PRESENT)]
WITHDRAWN_FOR_AN_HOUR = [*PUBLIC_FROM_SLOT, (HOUR, WITHDRAWN), (2 * HOUR, PRESENT)]
Versions = Sequence[tuple[float, str]]


def judged_with(
    now: float,
    versions: Versions,
    states: Sequence[Turn] = PUBLIC_FROM_SLOT,
    *,
    looked_at_until: float | None = None,
    specific: bool = True,
) -> Verdict:
    """Return the verdict on a page whose content item has these versions, from looks until now or until later."""
    last = now if looked_at_until is None else looked_at_until
    page = RegularLooks(states, every=30, specific=specific)
    content = RegularLooks(states, every=60, specific=specific, versions=versions)
    return judged(now, {"page": page.runs("page", last), "page/content": content.runs("page/content", last)})


def corrections(
    now: float, versions: Versions, states: Sequence[Turn] = PUBLIC_FROM_SLOT, *, specific: bool = True
) -> list[Finding]:
    return found(judged_with(now, versions, states, specific=specific), Kind.CORRECTED)


def test_new_version_after_release_is_a_correction() -> None:
    """The page came at its slot in its first version. Two hours later, the content API showed a second version."""
    (correction,) = corrections(now=3 * HOUR, versions=[(0, FIRST), (2 * HOUR, SECOND)])
    # Looks at the page, every 30 s, bound its release. Looks at the content API, every 60 s, bound the new version.
    page_last_absent, page_first_present = -30, 0
    first_version_last_seen, second_version_first_seen = 2 * HOUR - 60, 2 * HOUR
    shortest = first_version_last_seen - page_first_present
    longest = second_version_first_seen - page_last_absent
    assert correction.part == "page"
    assert correction.seconds == Bounds(shortest, longest)
    assert correction.detail == (
        "corrected or updated after its release: change_history went from 1 to 2, "
        "public_updated_at moved on to Fri 5 Jan 2018 11:02:03 GMT; "
        "seen between Fri 5 Jan 2018 11:29:00 GMT and Fri 5 Jan 2018 11:30:00 GMT"
    )


@pytest.mark.parametrize(
    ("versions", "expected_kinds"),
    [([(0, FIRST), (HOUR, SECOND)], [Kind.CORRECTED]), ([(0, FIRST)], [])],
    ids=["corrected", "not corrected"],
)
def test_correction_changes_neither_verdict_nor_grade(versions: Versions, expected_kinds: list[Kind]) -> None:
    """A second version that came an hour after the release is a finding, but the release stays on time."""
    verdict = judged_with(now=3 * HOUR, versions=versions)
    assert kinds(verdict) == expected_kinds
    assert verdict.verdict is VerdictKind.ON_TIME
    assert verdict.grade is Grade.NONE
    assert verdict.final


@pytest.mark.parametrize(
    ("versions", "expected_corrections"),
    [
        ([(0, FIRST), (HOUR, SECOND), (2 * HOUR, THIRD)], 2),
        ([(0, FIRST), (HOUR, SECOND), (2 * HOUR, FIRST), (3 * HOUR, SECOND)], 1),
    ],
    ids=["two new versions", "one new version and for an hour an old copy of a cache"],
)
def test_each_new_version_is_one_correction(versions: Versions, expected_corrections: int) -> None:
    """A second version at 1 h and a third at 2 h are two corrections. A cached copy of the first one is none."""
    assert len(corrections(now=4 * HOUR, versions=versions)) == expected_corrections


@pytest.mark.parametrize(
    ("now", "second_version_at", "expected_corrections"),
    [(HOUR / 5, -HOUR / 2, 0), (2 * HOUR, HOUR / 2, 1)],
    ids=["before its slot", "after its slot"],
)
def test_early_content_is_corrected_only_after_its_slot(
    now: float, second_version_at: float, expected_corrections: int
) -> None:
    """Content was public an hour early. Its second version came half an hour before its slot, or half an hour after."""
    versions = [(-HOUR, FIRST), (second_version_at, SECOND)]
    assert len(corrections(now, versions, states=PUBLIC_AN_HOUR_EARLY)) == expected_corrections


def test_withdrawn_content_is_corrected_only_once_it_is_back() -> None:
    """The content is withdrawn from 1 h to 2 h. It comes back in its second version, and gets a third one at 3 h."""
    versions = [(0, FIRST), (2 * HOUR, SECOND), (3 * HOUR, THIRD)]
    (correction,) = corrections(now=4 * HOUR, versions=versions, states=WITHDRAWN_FOR_AN_HOUR)
    assert "change_history went from 2 to 3" in correction.detail


def test_rolling_page_is_not_corrected_by_its_new_edition() -> None:
    """A rolling page shows one edition after another. The second version, at 2 s, may be the release itself."""
    versions, always_public = [(-2 * HOUR, FIRST), (2, SECOND)], [(-2 * HOUR, PRESENT)]
    assert corrections(now=2 * HOUR, versions=versions, states=always_public, specific=False) == []


def test_content_back_in_another_version_is_only_a_withdrawal() -> None:
    """The content is withdrawn from 1 h to 2 h after its slot, and comes back in its second version."""
    versions = [(0, FIRST), (2 * HOUR, SECOND)]
    assert kinds(judged_with(2.5 * HOUR, versions, WITHDRAWN_FOR_AN_HOUR)) == [Kind.WITHDRAWN]


def test_failed_looks_widen_the_interval_of_a_correction() -> None:
    """Looks at the content API, every 60 s, failed from 10:30 to 11:30. The last one before that was at 10:29."""
    failed_for_an_hour = [*PUBLIC_FROM_SLOT, (HOUR, UNKNOWN), (2 * HOUR, PRESENT)]
    (correction,) = corrections(3 * HOUR, [(0, FIRST), (2 * HOUR, SECOND)], failed_for_an_hour)
    assert "between Fri 5 Jan 2018 10:29:00 GMT and Fri 5 Jan 2018 11:30:00 GMT" in correction.detail


def test_verdict_computed_again_with_later_looks_keeps_its_correction() -> None:
    """Versions came at 1 h and 4 h. The verdict as of 2 h is computed again with looks until 5 h."""
    versions = [(0, FIRST), (HOUR, SECOND), (4 * HOUR, THIRD)]
    verdict = judged_with(now=2 * HOUR, versions=versions, looked_at_until=2 * HOUR)
    recomputed = judged_with(now=2 * HOUR, versions=versions, looked_at_until=5 * HOUR)
    verdict_json, recomputed_json = body_of(verdict, incident=None), body_of(recomputed, incident=None)
    assert [finding["kind"] for finding in recomputed_json["findings"]] == ["corrected"]
    assert find_differences(stored=verdict_json, again=recomputed_json) == []


def test_only_another_version_begins_a_run() -> None:
    """A run is one row for consecutive looks with the same answer. An answer without a version does not end it."""
    versions = (FIRST, None, FIRST, SECOND)
    sightings = [a_sighting(PRESENT, when, version=version) for when, version in enumerate(versions)]
    runs = looks(*sightings).runs("page")
    assert [(run.version, run.looks) for run in runs] == [(FIRST, 3), (SECOND, 1)]


def test_version_is_written_as_its_known_fields_and_read_back() -> None:
    """A version is a text of the fields that a page states. A field that is not known (None) is left out."""
    text = format_version(public_updated_at=SLOT, change_history=2, other=None)
    assert text == "change_history=2 public_updated_at=2018-01-05T09:30:00+00:00"
    assert parse_version(text) == {"change_history": 2, "public_updated_at": SLOT}
    assert format_version(public_updated_at=None) is None


@pytest.mark.parametrize(
    ("later", "fields"),
    [(SECOND, ["change_history", "public_updated_at"]), (FIRST, []), ("change_history=0", []), ("other=9", [])],
)
def test_only_fields_that_were_known_and_grew_have_moved_on(later: str, fields: list[str]) -> None:
    """From the first version to the second one, for example, `change_history` grew from 1 to 2."""
    assert advanced_fields(parse_version(FIRST), parse_version(later)) == fields
