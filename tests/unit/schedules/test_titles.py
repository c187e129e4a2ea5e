"""Titles compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.titles import is_misspelt, read_title, slug, title_matches

MALPRACTICE = "Malpractice for GCSE and A level: summer 2017 exam series"


@pytest.mark.parametrize(
    ("title", "period"),
    [
        ("Widgets: July 2026", {"jul", "2026"}),
        ("Widgets May-26", {"may", "2026"}),
        ("Widgets Sept-26 (final)", {"sep", "2026"}),
        ("Widgets: May 26", {"may", "d26"}),
        ("Widgets, Jan\u2013Mar 2026", {"jan", "mar", "2026"}),
        ("Widgets: January to March 2026", {"jan", "mar", "2026"}),
        ("Widgets Q3 2025/26", {"q3", "2025/26"}),
        ("Widgets, quarter three, 2025 to 2026", {"q3", "2025/26"}),
        ("Widgets, 3rd quarter 2025-2026", {"q3", "2025/26"}),
        ("Widgets 2010 to 2020", {"2010", "2020"}),
        ("Widgets, 1999-00", {"1999/00"}),
        ("Widgets 2025-26-Q2", {"2025/26", "q2"}),
        ("Widgets 2026-07-23", {"2026", "jul", "d23"}),
        ("Widgets 2026-07", {"2026", "jul"}),
        ("Widgets 2010-11", {"2010/11"}),
        ("Widgets 2010-12", {"2010", "dec"}),
        ("Widgets 2015/20", {"2015", "2020"}),
        ("Widgets 2010 to 2011", {"2010/11"}),
        ("Widgets 2026-13-23", {"2026"}),
        ("Widgets: week ending 3rd July 2026", {"d3", "jul", "2026"}),
        ("Widgets: July 3, 2026", {"d3", "jul", "2026"}),
        ("Widgets: week 7, 2026", {"w7", "2026"}),
        ("Widgets: second half of 2026", {"h2", "2026"}),
        ("Widgets: autumn 2026", {"autumn", "2026"}),
        ("Widgets, firstst quarter 2026", {"2026"}),
        ("Widgets", set()),
    ],
)
def test_period_of_edition_is_read_in_every_spelling(title: str, period: set[str]) -> None:
    """`d3` is the third day of a month, `w7` week 7, `q3` a quarter and `h2` a half-year. So
    `May-26` is May 2026, and `May 26` is 26 May.
    """
    assert read_title(title).period == period


def test_case_punctuation_genre_and_period_do_not_change_the_series() -> None:
    assert read_title("Widget-makers' statistics: Statistical Bulletin, July 2026").words == (
        "widget",
        "makers",
    )
    assert read_title("WIDGET MAKERS, Q2 2026").words == ("widget", "makers")


def test_accents_apostrophes_and_soft_hyphens_do_not_change_the_series() -> None:
    assert read_title("Children\u2019s caf\u00e9 vis\u00adits").words == (
        "childrens",
        "cafe",
        "visits",
    )


@pytest.mark.parametrize(
    "seen",
    [
        MALPRACTICE,
        f"{MALPRACTICE} - GOV.UK",
        f"Official Statistics: {MALPRACTICE}",
        f"[Withdrawn] {MALPRACTICE} - GOV.UK",
        "malpractice for GCSE & A-level, Summer 2017 exam series",
        f"{MALPRACTICE} - Official statistics announcement - GOV.UK",
        "Malpractice for GCSE and A level: summer 2017 exam series, official statistics",
    ],
)
def test_a_title_matches_in_other_spellings(seen: str) -> None:
    """The title is "Malpractice for GCSE and A level: summer 2017 exam series"."""
    assert title_matches(MALPRACTICE, seen)


@pytest.mark.parametrize(
    ("mine", "seen"),
    [
        (MALPRACTICE, "Malpractice for GCSE and A level: summer 2016 exam series"),
        ("Widgets made in England: Q2 2026", "Widgets made in England: Q1 2026"),
        ("Widgets made in England: Q2 2026", "Widgets made in Wales: Q2 2026"),
        ("Widgets made in England: July 2026", "Widgets made in England: June 2026"),
        ("Widgets made in England: 2026", "Widgets made in England"),
        ("Widgets: results (provisional), 2026", "Widgets: results (revised), 2026"),
        (
            "Widgets made by hand in factories: 2026",
            "Widgets made by hand in factories: Wales 2026",
        ),
        (
            "Widgets made in factories, boys: 2026",
            "Widgets made in factories, boys and girls: 2026",
        ),
        (
            "Widgets made by hand in factories: 2026",
            "Widgets made by hand in factories, final: 2026",
        ),
        (
            "Widgets made by hand in factories: 2026",
            "Widgets made by hand in factories: 2026 tables",
        ),
        ("Widgets made by hand in factories: 2026", "Widgets made by hand in factories 3: 2026"),
        ("Child benefit: 2026", "Child benefit in small areas of Scotland: 2026"),
        ("Statistics 2026", "Statistics 2026"),
    ],
)
def test_a_title_of_another_edition_or_series_does_not_match(mine: str, seen: str) -> None:
    """In the last case the titles are equal, but "Statistics 2026" has no word that names a
    series.
    """
    assert not title_matches(mine, seen)


@pytest.mark.parametrize(
    ("mine", "seen", "is_ours"),
    [
        ("Example aples: October 2026", "Example apples: October 2026", True),
        ("Exmple widgits: October 2026", "Example widgets: October 2026", True),
        ("Example apples: Octover 2026", "Example apples: October 2026", False),
        ("Example apples: October 2025", "Example apples: October 2026", False),
        ("Example apples in Wales: 2026", "Example apples in Whales: 2026", False),
        ("Example apples, males: 2026", "Example apples, sales: 2026", False),
        ("Example apples, wave 4: 2026", "Example apples, wave 5: 2026", False),
        ("Example aples: 2026", "Example apple pies: 2026", False),
        ("Example appels: 2026", "Example apples: 2026", False),
    ],
)
def test_one_wrong_letter_is_a_misspelling_but_in_what_identifies_a_release(
    mine: str,
    seen: str,
    is_ours: bool,  # noqa: FBT001
) -> None:
    assert is_misspelt(read_title(mine), read_title(seen)) is is_ours


def test_a_slug_is_cut_between_words() -> None:
    """20 is the greatest length. Only a single longer word is cut inside."""
    assert slug("Ofqual: Malpractice \u2013 A level\u2019s", 20) == "ofqual-malpractice-a"
    assert slug("x" * 30, 20) == "x" * 20


@given(st.text("abc DEF 2026,\u2019q", max_size=40))
def test_any_title_with_a_name_matches_itself(title: str) -> None:
    """`words` is the name of the series. It is empty for a title such as "2026"."""
    assert title_matches(title, title) is bool(read_title(title).words)


TITLES = st.lists(
    st.sampled_from(["prices", "WAGES", "2016", "Q1", "July", "(final)"]), max_size=4
).map(" ".join)


@given(TITLES | st.text(max_size=60), TITLES | st.text(max_size=60))
def test_matching_titles_have_the_same_period(mine: str, seen: str) -> None:
    """`seen` is the title of a page. A site name after a dash or bar, or a label before a colon, is
    dropped from it first. So random titles with these characters are left out here.
    """
    if title_matches(mine, seen) and not set(seen) & set("-|:"):
        assert read_title(mine).period == read_title(seen).period


@pytest.mark.parametrize(
    ("seen", "is_same"),
    [
        ("Statistical release: Claims: July 2026", True),
        ("Statistical first release - Claims: July 2026", True),
        ("Claims: July 2026, statistical release", True),
        ("Claims publication July 2026", True),
        ("Press release: Claims: July 2026", False),
        ("First claims: July 2026", False),
    ],
)
def test_name_of_a_publication_around_a_short_title_does_not_count(
    seen: str, *, is_same: bool
) -> None:
    assert title_matches("Claims: July 2026", seen) is is_same
