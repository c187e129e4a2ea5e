"""Which signs of a fault a file has. Each case is what the file shows, and the kinds of sign."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from monitor.files.collect import Collector
from monitor.files.compare import Expectation, find_signs
from monitor.files.facts import FileFacts
from monitor.files.people import find_people

TITLE = "Births registered in England and Wales: November 2017"
MONTHLY = "Monthly deaths registered in England: November 2017"
WEEKLY = "Weekly deaths registered in England: November 2017"
SLOT_DAY = date(2018, 1, 5)


def shown(*lines: str) -> FileFacts:
    return FileFacts(headings=lines, lines=lines, alone=lines)


def kinds(facts: FileFacts, title: str = TITLE, others: tuple[str, ...] = ()) -> list[str]:
    signs = find_signs(facts, Expectation(title, SLOT_DAY, others))
    return [str(sign.kind) for sign in signs]


OCTOBER = "Births registered in England and Wales: October 2017"


def test_earlier_period_under_the_same_title_is_another_edition() -> None:
    (sign,) = find_signs(shown(OCTOBER, "Table 1"), Expectation(TITLE, SLOT_DAY))
    assert (sign.kind, sign.text) == ("wrong_edition", "October 2017")


@pytest.mark.parametrize(
    "facts",
    [
        shown(TITLE, OCTOBER),
        shown(OCTOBER, "This release: November 2017"),
        shown(OCTOBER, "Published 5 January 2018"),
        shown("Births registered in England and Wales: December 2017"),
        shown("Births registered in England and Wales: October to December 2016"),
        shown("Births registered in England and Wales: 2016"),
        shown("Births registered in England and Wales"),
        shown("Table 1: October 2017"),
        FileFacts((OCTOBER,), (OCTOBER,), latest=date(2017, 11, 30)),
        FileFacts((OCTOBER,), (OCTOBER,), modified=datetime(2018, 1, 3, tzinfo=UTC)),
    ],
    ids=[
        "both editions",
        "its period elsewhere",
        "month of the slot",
        "later period",
        "several months",
        "only a year",
        "no period",
        "no title",
        "later data",
        "changed just before the slot",
    ],
)
def test_file_that_may_be_the_right_edition_has_no_sign(facts: FileFacts) -> None:
    assert kinds(facts) == []


@pytest.mark.parametrize(
    ("period", "latest", "is_recent"),
    [
        ("April to June 2017", date(2017, 4, 1), True),
        ("April to June 2017", date(2017, 3, 31), False),
        ("November 2016 to January 2017", date(2017, 1, 31), True),
        ("November 2016 to January 2017", date(2016, 11, 1), True),
        ("November 2016 to January 2017", date(2015, 12, 31), False),
        ("2017", date(2017, 1, 1), True),
        ("2017", date(2016, 12, 31), False),
    ],
)
def test_data_from_first_month_of_period_on_are_of_no_earlier_edition(
    period: str, latest: date, *, is_recent: bool
) -> None:
    """A heading may be left over from the earlier edition, while the data are right."""
    earlier = {
        "April to June 2017": "January to March 2017",
        "November 2016 to January 2017": "October 2015 to December 2016",
        "2017": "2016",
    }[period]
    heading = f"Births registered: {earlier}"
    facts = FileFacts((heading,), (heading,), latest=latest)
    title = f"Births registered: {period}"
    assert kinds(facts, title) == ([] if is_recent else ["wrong_edition"])


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("Universal Credit statistics: January 2018", "Universal Credit statistics: December 2017"),
        ("Housing survey: 2018", "Housing survey: 2017"),
    ],
)
def test_series_named_after_its_publication_has_another_period_inside(
    title: str, heading: str
) -> None:
    assert kinds(shown(heading), title) == []


NOTATIONS = {
    "Rail fares: December 2022": (
        "Rail fares: November 2022",
        ["12/2022", "2022-12", "2022DEC", "Dec-22", "202212", "31.12.2022", "Q4 2022"],
        ["11/2022", "2022-11", "Nov-22", "December 2021", "December", "2022", "12", "Table 12"],
    ),
    "Rail fares: April to June 2020": (
        "Rail fares: January to March 2020",
        ["Q2 2020", "2020Q2", "2nd quarter of 2020", "second quarter, 2020", "Apr-Jun 20"],
        ["Q1 2020", "2020Q1", "first quarter of 2020", "three months to March 2020"],
    ),
    "Rail fares: 2023/24": (
        "Rail fares: 2022/23",
        ["23/24", "FY24", "FYE 2024", "202324", "year ending March 2024"],
        ["22/23", "FY23", "202223", "year ending March 2023", "24"],
    ),
    "Rail fares: year ending March 2024": (
        "Rail fares: year ending March 2023",
        ["2023-24", "April 2023 to March 2024"],
        ["2022-23", "April 2022 to March 2023"],
    ),
    "Rail fares: week ending 3 May 2019": (
        "Rail fares: week ending 26 April 2019",
        ["03/05/2019", "2019-05-03", "Week 18 2019", "wk 18, 2019"],
        ["26/04/2019", "2019-04-26", "Week 16 2019", "10 May 2019"],
    ),
}


@pytest.mark.parametrize("title", list(NOTATIONS))
def test_file_may_name_its_period_in_any_notation(title: str) -> None:
    heading, of_ours, of_others = NOTATIONS[title]
    expected = Expectation(title, date(2024, 9, 26))
    for line in of_ours:
        assert find_signs(shown(heading, line), expected) == (), line
    for line in of_others:
        (sign,) = find_signs(shown(heading, line), expected)
        assert sign.kind == "wrong_edition", line


@pytest.mark.parametrize(
    ("lines", "is_other_edition"),
    [
        (("Publication date: 9 November 2017",), True),
        (("Release date:", "9 November 2017"), True),
        (("Next release: 5 January 2018",), True),
        (("Next update", "Friday 5 January 2018"), True),
        (("Published on 05/01/2018",), False),
        (("Published figures, November 2017",), False),
        (("Release date: 9 November 2017, births of November 2017",), False),
        (("Next release: 5 January 2018", "November 2017"), False),
        (("9 November 2017",), False),
    ],
)
def test_dates_of_publication_show_which_edition_it_is(
    lines: tuple[str, ...], *, is_other_edition: bool
) -> None:
    """October's edition came out in November, the month of which the next one is."""
    assert bool(kinds(shown(OCTOBER, *lines))) is is_other_edition


def test_title_of_a_similar_release_is_other_content() -> None:
    (sign,) = find_signs(shown(WEEKLY), Expectation(MONTHLY, SLOT_DAY, (WEEKLY,)))
    assert (sign.kind, sign.text) == ("wrong_content", WEEKLY)


@pytest.mark.parametrize(
    "facts", [shown(MONTHLY, WEEKLY), shown("Deaths registered in England"), shown("Table 1")]
)
def test_file_that_may_be_of_the_series_is_no_other_content(facts: FileFacts) -> None:
    assert kinds(facts, MONTHLY, (WEEKLY,)) == []


@pytest.mark.parametrize(
    ("line", "is_mark"),
    [
        ("DRAFT", True),
        ("Draft v0.3", True),
        ("*** DRAFT - NOT FOR PUBLICATION ***", True),
        ("Draft for review by policy", True),
        ("Embargoed until 9.30am Friday 5 January 2018", True),
        ("Strictly not for publication", True),
        ("Pre-release version", True),
        ("Draft budget 2018", False),
        ("Draft legislation", False),
        ("Pre-release access list", False),
        ("Figures are not for publication of regions", False),
        ("The draft was published in May", False),
        ("Not for profit organisations", False),
        ("Embargoed goods, tonnes", False),
        ("Draft", False),
        ("Pre-release", False),
        ("PRE-RELEASE", True),
        ("OFFICIAL SENSITIVE - DRAFT", True),
        ("DRAFT \N{EN DASH} OFFICIAL-SENSITIVE", True),
        ("OFFICIAL-SENSITIVE: Embargoed until 9.30am", True),
        ("OFFICIAL", False),
        ("Official statistics", False),
        ("OFFICIAL SENSITIVE - Draft budget 2018", False),
    ],
)
def test_mark_is_a_line_of_its_own(line: str, *, is_mark: bool) -> None:
    assert (kinds(shown(line)) == ["marked_draft"]) is is_mark


def test_tracked_changes_and_status_are_marks() -> None:
    facts = FileFacts(status="Draft", has_tracked_changes=True)
    assert kinds(facts) == ["marked_draft", "marked_draft"]


@pytest.mark.parametrize(
    ("name", "is_person"),
    [
        ("Jane Smith", True),
        ("Smith, Jane", True),
        ("SMITH, Jane (Analysis Division)", True),
        ("Dr A Jones", True),
        ("jane.smith@ons.gov.uk", True),
        ("Office for National Statistics", False),
        ("Ministry of Justice", False),
        ("Microsoft Office User", False),
        ("Grant Thornton", False),
        ("Sport England", False),
        ("Martin House", False),
        ("Oliver Wyman", False),
        ("Marie Curie", False),
        ("Elizabeth Line", False),
        ("Ms Excel", False),
        ("Jane Report", False),
        ("Dr Foster Intelligence", False),
        ("statistics.team@ons.gov.uk", False),
        ("openpyxl", False),
        ("JS", False),
    ],
)
def test_only_sure_names_of_persons_count(name: str, *, is_person: bool) -> None:
    assert bool(list(find_people([name]))) is is_person


def test_only_a_written_day_counts_as_latest_data() -> None:
    collector = Collector()
    for text in ("52471204", "2017-W48", "2017-13-01", "2017-11-30"):
        collector.add_day_text(text)
    assert collector.latest == date(2017, 11, 30)
