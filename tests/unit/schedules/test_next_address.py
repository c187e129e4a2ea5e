"""Addresses of one edition turned into those of another, where that is plain."""

from __future__ import annotations

import calendar

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schedules.next_address import map_period_words, replace_period

MONTHS = list(calendar.month_name)[1:]
TRADE = ("UK trade: March 2017", "UK trade: April 2017")
QUARTER = ("GDP: Q1 2017", "GDP: Q2 2017")
WEEK = ("Deaths: week 9 2017", "Deaths: week 10 2017")
DAY = ("Deaths: 16 September 2021", "Deaths: 23 September 2021")
YEAR = ("Pay: 2016 to 2017", "Pay: 2017 to 2018")
SEASON = ("Energy: spring 2017", "Energy: summer 2017")
SPAN = ("Jobs: January to March 2017", "Jobs: February to April 2017")
TURN = ("Accounts: December 2011", "Accounts: January 2012")


def predict_path(titles: tuple[str, str], path: str) -> str | None:
    """Return the path of the second title's edition, from that of the first one's.

    None if it is not plain.
    """
    period_words = map_period_words(*titles)
    assert period_words is not None
    predicted = replace_period(f"https://stats.example{path}", period_words)
    return None if predicted is None else predicted.removeprefix("https://stats.example")


@pytest.mark.parametrize(
    ("titles", "old_path", "next_path"),
    [
        (TRADE, "/trade-march-2017.xls", "/trade-april-2017.xls"),
        (TRADE, "/trade/march2017/data.xls", "/trade/april2017/data.xls"),
        (TRADE, "/file?uri=/trade/2017-03/x.csv", "/file?uri=/trade/2017-04/x.csv"),
        (TRADE, "/trade-201703.csv", "/trade-201704.csv"),
        (TRADE, "/2017/03/trade.xls", "/2017/04/trade.xls"),
        (TRADE, "/trade-mar17.xls", "/trade-apr17.xls"),
        (TRADE, "/Trade_March_2017_FINAL.pdf", "/Trade_April_2017_FINAL.pdf"),
        (TRADE, "/TRADE_MARCH_2017.pdf", "/TRADE_APRIL_2017.pdf"),
        (TRADE, "/trade-table5-march-2017.ods", "/trade-table5-april-2017.ods"),
        (TRADE, "/march-2017/trade-march-2017.ods", "/april-2017/trade-april-2017.ods"),
        (QUARTER, "/gdp-q1-2017.ods", "/gdp-q2-2017.ods"),
        (QUARTER, "/2017q1/gdp.ods", "/2017q2/gdp.ods"),
        (QUARTER, "/gdp-first-quarter-2017.ods", "/gdp-second-quarter-2017.ods"),
        (SEASON, "/energy-spring-2017.ods", "/energy-summer-2017.ods"),
        (WEEK, "/week9-2017.xls", "/week10-2017.xls"),
        (WEEK, "/week-09-2017.xls", "/week-10-2017.xls"),
        (DAY, "/deaths-2021-09-16.csv", "/deaths-2021-09-23.csv"),
        (DAY, "/20210916.csv", "/20210923.csv"),
        (DAY, "/deaths-16-september-2021.ods", "/deaths-23-september-2021.ods"),
        (YEAR, "/pay-2016-17.ods", "/pay-2017-18.ods"),
        (YEAR, "/pay-2016-to-2017.ods", "/pay-2017-to-2018.ods"),
        (YEAR, "/pay-201617.ods", "/pay-201718.ods"),
        (SPAN, "/jobs-january-to-march-2017.ods", "/jobs-february-to-april-2017.ods"),
        (SPAN, "/jobs-jan-mar-2017.ods", "/jobs-feb-apr-2017.ods"),
        (TURN, "/accounts-2011-12.ods", "/accounts-2012-01.ods"),
    ],
)
def test_next_path_writes_period_like_the_old_path(
    titles: tuple[str, str], old_path: str, next_path: str
) -> None:
    """A case has the titles of two editions, such as "UK trade: March 2017" and "UK trade: April
    2017". For example, from the path of the first, /trade-mar17.xls, that of the second is
    predicted: /trade-apr17.xls.
    """
    assert predict_path(titles, old_path) == next_path


@pytest.mark.parametrize(
    ("titles", "path"),
    [
        (TRADE, "/trade.xls"),
        (TRADE, "/media/6925b0c1a4f2e9d3c8b7a601/trade-march-2017.ods"),
        (TRADE, "/attachment_data/file/612345/trade-march-2017.ods"),
        (TRADE, "/9b2e7c1a-1111-4222-8333-444455556666/march-2017.ods"),
        (TRADE, "/2015/trade-march-2017.xls"),
        (TRADE, "/trade-03-2017.csv"),
        (TRADE, "/tradedatamar17.xls"),
        (TRADE, "/trade-20170315.csv"),
        (TRADE, "/trade-2017.csv"),
        (TRADE, "/trade-march-2017.ods#table-march-2017"),
        (TRADE, "/" + "march-2017/" * 60),
        (("Trade: May 2017", "Trade: June 2017"), "/trade-may-2017.xls"),
        (("Trade: August 2017", "Trade: September 2017"), "/trade-aug-2017.xls"),
        (("Deaths: 17 March 2017", "Deaths: 24 March 2017"), "/deaths-mar-17.xls"),
        (("Deaths: week 10 2017", "Deaths: week 9 2017"), "/week-10-2017.xls"),
        (QUARTER, "/table-1-q1-2017.ods"),
        (YEAR, "/pay-1617.ods"),
        (YEAR, "/pay-2016.ods"),
        (TURN, "/accounts-12-2011.xls"),
    ],
)
def test_an_ambiguous_address_is_not_predicted(titles: tuple[str, str], path: str) -> None:
    """The path is that of the first of two editions. For example, after `may` the next month could
    be `june` or `jun`, and a path with a hexadecimal id belongs to one edition only.
    """
    assert predict_path(titles, path) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Trade: March 2017", "Trade: March 2017"),
        ("Trade: March 2017", "Trade: Q2 2017"),
        ("Trade: March 2017", "Prices: April 2017"),
        ("Trade", "Trade"),
        ("Trade: March 2017 to March 2018", "Trade: March 2018 to April 2019"),
    ],
)
def test_only_titles_of_one_series_predict_an_address(before: str, after: str) -> None:
    """In the last case, the word "March" would have to become both "March" and "April"."""
    assert map_period_words(before, after) is None


@given(
    st.sampled_from(MONTHS),
    st.sampled_from(MONTHS),
    st.integers(2002, 2097),
    st.integers(-2, 2),
    st.sampled_from(
        [
            "/x-{m}-{y}.csv",
            "/{y}/{n:02d}/x.csv",
            "/x_{m}{y}.csv",
            "/x-{y}{n:02d}.csv",
            "/{m}{yy:02d}.csv",
        ]
    ),
)
def test_path_is_predicted_unless_it_names_the_month_may(
    month: str, other_month: str, year: int, years_between: int, path_form: str
) -> None:
    """From the path of one month, such as /x-june-2026.csv, that of another month is predicted. The
    form of the path has the month as name {m} or number {n}, and the year as {y} or {yy:02d}.
    """

    def path_of(month: str, year: int) -> str:
        return path_form.format(m=month.lower(), y=year, yy=year % 100, n=MONTHS.index(month) + 1)

    title, other_title = f"Trade: {month} {year}", f"Trade: {other_month} {year + years_between}"
    assume(title != other_title)
    known_path, other_path = path_of(month, year), path_of(other_month, year + years_between)
    # `may` is both a full and a short name. So no one knows whether the other path has `june` or
    # `jun`.
    is_ambiguous = "{m}" in path_form and month == "May" and other_month != "May"
    assert predict_path((title, other_title), known_path) == (None if is_ambiguous else other_path)


TITLE_ENDS = st.sampled_from(["", "March", "Q1"]) | st.text(max_size=80)
PATHS = (
    st.lists(st.sampled_from(["2016", "march-", "x", "-", "/"]), max_size=6).map("".join)
    | st.text()
)


@given(TITLE_ENDS, TITLE_ENDS, PATHS)
def test_a_predicted_address_differs_from_the_old_address(
    title_end: str, next_title_end: str, path: str
) -> None:
    """From the titles of two editions, `map_period_words` finds the words that change, such as 2016
    to 2017. Replaced in the old address, they never give that address again. Titles and path are
    random.
    """
    address = f"https://stats.example/{path}"
    period_words = map_period_words(f"A 2016 {title_end}", f"A 2017 {next_title_end}")
    # `period_words` is None if the titles are not of one series, the new address is None if `path`
    # has no period.
    assert period_words is None or replace_period(address, period_words) != address
