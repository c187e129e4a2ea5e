"""Versions that content states after its release. A number is an instant in seconds after the
slot.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.deliver.assessment import body_of
from monitor.judge.differences import find_differences
from monitor.judge.verdict import Verdict
from monitor.look.version import advanced_fields, format_version, parse_version
from schedules.contract.verdict import Finding, FindingKind, Grade, VerdictKind
from schedules.times.interval import Bounds
from tests.worlds.instants import SLOT
from tests.worlds.looks import (
    ABSENT,
    PRESENT,
    UNKNOWN,
    WITHDRAWN,
    RegularLooks,
    Turn,
    a_sighting,
    looks,
)
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
    """Return the verdict on a page whose content item has these versions, from looks until now or
    until later.
    """
    last = now if looked_at_until is None else looked_at_until
    page = RegularLooks(states, every=30, specific=specific)
    content = RegularLooks(states, every=60, specific=specific, versions=versions)
    return judged(
        now, {"page": page.runs("page", last), "page/content": content.runs("page/content", last)}
    )


def corrections(
    now: float,
    versions: Versions,
    states: Sequence[Turn] = PUBLIC_FROM_SLOT,
    *,
    specific: bool = True,
) -> list[Finding]:
    return found(judged_with(now, versions, states, specific=specific), FindingKind.CORRECTED)


def test_new_version_after_release_is_a_correction() -> None:
    """The content API states the version of a page. The page came at its slot in its first version.
    Two hours later, the API showed a second version. So the page was corrected. The finding says
    how long after its release.
    """
    (correction,) = corrections(now=3 * HOUR, versions=[(0, FIRST), (2 * HOUR, SECOND)])
    # Looks at the page, every 30 s, bound its release. Looks at the content API, every 60 s, bound
    # the new version.
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
    [([(0, FIRST), (HOUR, SECOND)], [FindingKind.CORRECTED]), ([(0, FIRST)], [])],
    ids=["corrected", "not corrected"],
)
def test_correction_changes_neither_verdict_nor_grade(
    versions: Versions, expected_kinds: list[FindingKind]
) -> None:
    """In one row a second version of the page came an hour after its release. That is a finding. In
    the other row no other version came. In both rows the release is on time, without a grade, and
    its verdict is final.
    """
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
    """In one row a second version of the page came at 1 h and a third at 2 h: two corrections. In
    the other row a second came at 1 h. At 2 h a cache served an old copy of the first. That is no
    new version: one correction.
    """
    assert len(corrections(now=4 * HOUR, versions=versions)) == expected_corrections


@pytest.mark.parametrize(
    ("now", "second_version_at", "expected_corrections"),
    [(HOUR / 5, -HOUR / 2, 0), (2 * HOUR, HOUR / 2, 1)],
    ids=["before its slot", "after its slot"],
)
def test_early_content_is_corrected_only_after_its_slot(
    now: float, second_version_at: float, expected_corrections: int
) -> None:
    """Content was public an hour before its slot. In one row it got its second version half an hour
    before its slot. It was not due yet, so that is no correction. In the other row that was half an
    hour after its slot.
    """
    versions = [(-HOUR, FIRST), (second_version_at, SECOND)]
    assert len(corrections(now, versions, states=PUBLIC_AN_HOUR_EARLY)) == expected_corrections


def test_withdrawn_content_is_corrected_only_once_it_is_back() -> None:
    """The content was withdrawn from 1 h to 2 h after its slot, and came back in its second
    version. That counts only as a withdrawal. At 3 h it got a third version. So the one correction
    is from the second to the third.
    """
    versions = [(0, FIRST), (2 * HOUR, SECOND), (3 * HOUR, THIRD)]
    (correction,) = corrections(now=4 * HOUR, versions=versions, states=WITHDRAWN_FOR_AN_HOUR)
    assert "change_history went from 2 to 3" in correction.detail


def test_rolling_page_is_not_corrected_by_its_new_edition() -> None:
    """A page was public long before the slot, because it always shows the newest edition. Looks
    cannot tell which (`specific`). A second version, 2 s after the slot, may be the new edition
    itself. So it is no correction.
    """
    versions, always_public = [(-2 * HOUR, FIRST), (2, SECOND)], [(-2 * HOUR, PRESENT)]
    assert corrections(now=2 * HOUR, versions=versions, states=always_public, specific=False) == []


def test_content_back_in_another_version_is_only_a_withdrawal() -> None:
    """The content was withdrawn from 1 h to 2 h after its slot, and came back in its second
    version. The new version is part of the withdrawal, so it is no correction.
    """
    versions = [(0, FIRST), (2 * HOUR, SECOND)]
    assert kinds(judged_with(2.5 * HOUR, versions, WITHDRAWN_FOR_AN_HOUR)) == [
        FindingKind.WITHDRAWN
    ]


def test_failed_looks_widen_the_interval_of_a_correction() -> None:
    """Looks at the content API, every 60 s, showed the first version until 10:29. From 10:30 on
    they failed. At 11:30 a look showed the second version. So the page was corrected between 10:29
    and 11:30.
    """
    failed_for_an_hour = [*PUBLIC_FROM_SLOT, (HOUR, UNKNOWN), (2 * HOUR, PRESENT)]
    (correction,) = corrections(3 * HOUR, [(0, FIRST), (2 * HOUR, SECOND)], failed_for_an_hour)
    assert (
        "between Fri 5 Jan 2018 10:29:00 GMT and Fri 5 Jan 2018 11:30:00 GMT" in correction.detail
    )


def test_old_copy_of_a_cache_does_not_date_the_next_correction() -> None:
    """The second version came at 1 h. From 2 h on, a cache served an old copy of the first, until a
    look at 3 h got the third. That may have come at any time since the second was last seen.
    """
    versions = [(0, FIRST), (HOUR, SECOND), (2 * HOUR, FIRST), (3 * HOUR, THIRD)]
    _, correction = corrections(now=4 * HOUR, versions=versions)
    assert correction.detail.endswith(
        "between Fri 5 Jan 2018 11:29:00 GMT and Fri 5 Jan 2018 12:30:00 GMT"
    )


def test_verdict_computed_again_with_later_looks_keeps_its_correction() -> None:
    """A page got new versions 1 h and 4 h after its release. At 2 h a verdict was made, with one
    correction. At 5 h it is computed again, as of 2 h. Looks after 2 h must not change it. So both
    have the same one correction.
    """
    versions = [(0, FIRST), (HOUR, SECOND), (4 * HOUR, THIRD)]
    verdict = judged_with(now=2 * HOUR, versions=versions, looked_at_until=2 * HOUR)
    recomputed = judged_with(now=2 * HOUR, versions=versions, looked_at_until=5 * HOUR)
    verdict_json, recomputed_json = (
        body_of(verdict, incident=None),
        body_of(recomputed, incident=None),
    )
    assert [finding["kind"] for finding in recomputed_json["findings"]] == ["corrected"]
    assert find_differences(stored=verdict_json, again=recomputed_json) == []


def test_only_another_version_begins_a_run() -> None:
    """A run is one row for consecutive looks with the same answer. Of four looks at a page, the
    first and third found its first version. The second found no version, which ends no run. The
    fourth found another version: a new run.
    """
    versions = (FIRST, None, FIRST, SECOND)
    sightings = [
        a_sighting(PRESENT, when, version=version) for when, version in enumerate(versions)
    ]
    runs = looks(*sightings).runs("page")
    assert [(run.version, run.looks) for run in runs] == [(FIRST, 3), (SECOND, 1)]


def test_version_is_written_as_its_known_fields_and_read_back() -> None:
    """A version is a text of the fields that a page states.

    A field that is not known (None) is left out.
    """
    text = format_version(public_updated_at=SLOT, change_history=2, other=None)
    assert text == "change_history=2 public_updated_at=2018-01-05T09:30:00+00:00"
    assert parse_version(text) == {"change_history": 2, "public_updated_at": SLOT}
    assert format_version(public_updated_at=None) is None


@pytest.mark.parametrize(
    ("later", "fields"),
    [
        (SECOND, ["change_history", "public_updated_at"]),
        (FIRST, []),
        ("change_history=0", []),
        ("other=9", []),
    ],
)
def test_only_fields_that_were_known_and_grew_have_moved_on(later: str, fields: list[str]) -> None:
    """A version is a text of fields that a page states. `later` is read after the first version, in
    which `change_history` is 1. In the second version it is 2, and a date is later too: both fields
    have moved on. A count of 0 did not grow. A field `other` was not known before, so it has not
    moved on either.
    """
    assert advanced_fields(parse_version(FIRST), parse_version(later)) == fields
