"""Addresses of one edition turned into those of another, where that is plain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.next_address import map_period_words, replace_period

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
TRADE = ("UK trade: March 2017", "UK trade: April 2017")
QUARTER = ("GDP: Q1 2017", "GDP: Q2 2017")
WEEK = ("Deaths: week 9 2017", "Deaths: week 10 2017")
DAY = ("Deaths: 16 September 2021", "Deaths: 23 September 2021")
YEAR = ("Pay: 2016 to 2017", "Pay: 2017 to 2018")
SPAN = ("Jobs: January to March 2017", "Jobs: February to April 2017")
TURN = ("Accounts: December 2011", "Accounts: January 2012")


def made(titles: tuple[str, str], address: str) -> str | None:
    pairs = map_period_words(*titles)
    assert pairs is not None
    found = replace_period(f"https://stats.example{address}", pairs)
    return None if found is None else found.removeprefix("https://stats.example")


@pytest.mark.parametrize(
    ("titles", "before", "after"),
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
def test_the_period_in_an_address_is_replaced_in_its_own_spelling(
    titles: tuple[str, str], before: str, after: str
) -> None:
    assert made(titles, before) == after


@pytest.mark.parametrize(
    ("titles", "address"),
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
def test_an_ambiguous_address_is_not_predicted(titles: tuple[str, str], address: str) -> None:
    assert made(titles, address) is None


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
def test_titles_with_periods_of_different_forms_predict_no_address(before: str, after: str) -> None:
    assert map_period_words(before, after) is None


@given(
    st.sampled_from(MONTHS),
    st.sampled_from(MONTHS),
    st.integers(2000, 2097),
    st.integers(0, 2),
    st.sampled_from(["/x-{m}-{y}.csv", "/{y}/{n:02d}/x.csv", "/x_{m}{y}.csv", "/x-{y}{n:02d}.csv", "/{m}{yy:02d}.csv"]),
)
def test_a_predicted_address_leads_back_to_the_address_before(
    one: str, other: str, year: int, later: int, form: str
) -> None:
    def address(month: str, in_year: int) -> str:
        number = MONTHS.index(month) + 1
        return "https://stats.example" + form.format(m=month.lower(), y=in_year, yy=in_year % 100, n=number)

    titles = f"Trade: {one} {year}", f"Trade: {other} {year + later}"
    pairs, back = map_period_words(*titles), map_period_words(*reversed(titles))
    if pairs is None or back is None:
        assert titles[0] == titles[1]
        return
    found = replace_period(address(one, year), pairs)
    if "{n" in form:
        assert found == address(other, year + later)
        assert replace_period(found, back) == address(one, year)
    else:
        # The name of a month may be ambiguous: May is its own short form.
        assert found in (None, address(other, year + later))
        assert found is None or replace_period(found, back) in (None, address(one, year))


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_a_predicted_address_differs_from_the_one_before(before: str, after: str, address: str) -> None:
    pairs = map_period_words(f"A 2016 {before}", f"A 2017 {after}")
    assert (
        pairs is None or replace_period(f"https://stats.example/{address}", pairs) != f"https://stats.example/{address}"
    )
