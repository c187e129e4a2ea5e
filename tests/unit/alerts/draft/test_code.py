from __future__ import annotations

from datetime import date

import pytest

from alerts.draft.code import (
    code_json,
    find_edition,
    find_practices,
    load_editions,
    override_editions,
)
from tests.worlds.published import at


@pytest.mark.parametrize(
    ("occurred", "edition"),
    [
        ("2007-06-01T09:30+01:00", "1.0"),
        ("2015-07-23T09:30+01:00", "1.0"),
        ("2018-02-21T23:59:59+00:00", "1.0"),
        ("2018-02-22T00:00+00:00", "2.0"),
        ("2022-05-04T09:30+01:00", "2.0"),
        ("2022-05-04T22:59:59+00:00", "2.0"),
        ("2022-05-04T23:00+00:00", "2.1"),
        ("2022-05-04T23:30+00:00", "2.1"),
        ("2025-11-02T23:30+00:00", "2.1"),
        ("2025-11-03T00:00+00:00", "3.0"),
        ("2026-11-20T09:30+00:00", "3.0"),
    ],
)
def test_the_edition_follows_the_london_date_of_occurrence(occurred: str, edition: str) -> None:
    """In London, 2.0 applies from 22 February 2018, 2.1 from 5 May 2022 and 3.0 from 3 November
    2025.
    """
    assert find_edition(at(occurred)).name == edition


@pytest.mark.parametrize(
    ("occurred", "kind", "practice"),
    [
        ("2015-07-23T09:30+01:00", "late", "Protocol 2, practice 4"),
        ("2017-03-20T17:00+00:00", "early_exposure", "Protocol 2, practice 8"),
        ("2016-10-01T00:00+01:00", "leak", "Protocol 2, practice 8; Principle 2"),
        ("2018-03-08T09:30+00:00", "late", "T3.6"),
        ("2021-03-09T15:22+00:00", "early_exposure", "T3.4"),
        ("2023-03-09T15:22+00:00", "leak", "T3.4"),
        ("2021-01-27T08:50+00:00", "access", "T3.3; T3.4"),
        ("2026-01-27T09:30+00:00", "late", "Standard 3"),
        ("2026-01-27T09:30+00:00", "leak", "practice 3.3"),
        ("2026-01-27T09:30+00:00", "early_exposure", "practice 3.3"),
    ],
)
def test_each_kind_of_finding_cites_the_practice_of_its_edition(
    occurred: str, kind: str, practice: str
) -> None:
    """Such as a late release in March 2018: edition 2.0 applies then, and its practice for lateness
    is T3.6.
    """
    assert code_json(at(occurred), [kind])["practice"] == practice


def test_two_findings_cite_both_practices_once_in_their_order() -> None:
    """`late` and `partial` break the same practice (4), and an early exposure breaks practice 8."""
    code = code_json(at("2017-03-22T09:30+00:00"), ["early_exposure", "late", "partial"])
    assert code == {"edition": "1.0", "practice": "Protocol 2, practice 8; Protocol 2, practice 4"}


@pytest.mark.parametrize(
    "kinds", [[], ["blind"], ["lead"], ["withdrawn"], ["swapped"], ["calendars_disagree"], ["FM14"]]
)
def test_a_finding_that_is_no_breach_cites_no_practice(kinds: list[str]) -> None:
    """Such as a time in which the monitor was blind, or a page that was withdrawn after its
    release.
    """
    assert code_json(at("2018-03-08T09:30+00:00"), kinds)["practice"] is None


def test_practices_are_found_by_number_of_failure_mode() -> None:
    """FM11 is the failure that a date was changed without an announcement, or that calendars
    disagree.
    """
    edition = find_edition(at("2018-03-08T09:30+00:00"))
    assert [practice.cite for practice in find_practices("FM11", edition)] == ["T3.1", "T3.2"]


def test_first_day_of_an_edition_can_be_configured() -> None:
    """Edition 3.0 of the Code of Practice follows 2.1. By default it begins on 3 November 2025."""
    editions = override_editions(load_editions(), begins={"3.0": date(2025, 11, 10)}, cites={})
    assert find_edition(at("2025-11-09T09:30+00:00"), editions).name == "2.1"
    assert find_edition(at("2025-11-10T09:30+00:00"), editions).name == "3.0"


def test_citation_of_a_practice_can_be_configured() -> None:
    """In edition 3.0 of the Code of Practice, a late release breaks the practice with the id S3."""
    editions = override_editions(
        load_editions(), begins={}, cites={"3.0/S3": "Standard 3, practice 3.6"}
    )
    code = code_json(at("2025-11-12T09:30+00:00"), ["late"], editions)
    assert code == {"edition": "3.0", "practice": "Standard 3, practice 3.6"}


def test_every_practice_of_every_edition_has_citation_and_text() -> None:
    for edition in load_editions():
        assert edition.practices
        assert all(practice.cite and practice.text for practice in edition.practices.values())


def test_each_edition_has_every_practice_that_it_cites() -> None:
    for edition in load_editions():
        # `primary` has the ids of the practices to cite for each kind of failure, such as a late
        # release.
        for failure, ids_of_practices in edition.primary.items():
            assert set(ids_of_practices) <= edition.practices.keys(), (edition.name, failure)


def test_each_practice_says_whether_its_citation_was_confirmed() -> None:
    first_edition = load_editions()[0]
    # Published reports cite P2.4. The number of P2.2 was found in no public source.
    assert first_edition.practices["P2.4"].is_confirmed
    assert not first_edition.practices["P2.2"].is_confirmed


def test_practice_is_quoted_if_its_own_words_are_known() -> None:
    """A practice is a rule of one edition of the Code of Practice, such as T3.6 of edition 2.0. The
    citation of another practice only names it.
    """
    every = {
        f"{edition.name}/{name}": practice
        for edition in load_editions()
        for name, practice in edition.practices.items()
    }
    assert {name: practice.citation for name, practice in every.items() if practice.quoted} == {
        "1.0/P2.4": (
            "Protocol 2, practice 4: “Issue statistical releases at the standard time of 9.30am on"
            " a weekday”"
        ),
        "1.0/P2.8": (
            "Protocol 2, practice 8: “Ensure that no indication of the substance of a statistical"
            " report is made public … before publication”"
        ),
        "1.0/PR2": "Principle 2: “Impartiality and objectivity”",
        "2.0/T3.6": (
            "Trustworthiness (T3.6): “Statistics should be released to all users at 9.30am on a"
            " weekday.”"
        ),
        "3.0/3.3": (
            "Standard 3 (Be transparent), practice 3.3: “give no public indication of the"
            " statistics before release”"
        ),
        "3.0/S3": "Standard 3 (Be transparent): “at a standard time (usually 9.30am)”",
    }
    # Our summary of a practice is not in its citation.
    assert every["2.0/T3.4"].citation == "Trustworthiness (T3.4)"
