"""Forms that name a calendar period: months, quarters, half-years, seasons, years."""

from __future__ import annotations

from schedules.dates.days import full_year
from schedules.dates.span import Context, Span, month_end, months, refuse
from schedules.dates.words import HYDREF, MONTHS, SEASONS
from schedules.patterns import quick
from schedules.slot import Precision

_PART_OF = quick(
    r"(?:(?:early|mid|late|end)[ -]{1,3}(?:of )?|(?:the )?(?:end|beginning|start|middle) of (?:the )?|"
    r"(?:in |during |mis |fis |ym mis ))"
    r"(?P<rest>.+)"
)
_MONTH = quick(r"(?:mis )?(?P<month>[a-z]{3,10})\.?(?:,? ?-?(?P<year>\d{4}))?")
_NUMBERED = quick(r"(?P<month>\d{1,2})/(?P<year>\d{4})|(?P<y>\d{4})-(?P<m>\d{2})")
_TWO = r"(?P<year>\d{4})(?: ?(?:[/-]|to) ?(?P<next>\d{4}|\d{2}))?"
_NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
_QUARTERS = (
    quick(rf"(?:q|quarter |chwarter )(?P<n>[1-4])(?:,? (?:of )?| ?[-/] ?){_TWO}"),
    quick(rf"(?:the )?(?P<n>{'|'.join(_NTH)}) quarter,? (?:of |in )?{_TWO}"),
    quick(rf"{_TWO} ?[-,/]? ?(?:q|quarter |chwarter )(?P<n>[1-4])"),
)
_HALF = quick(r"(?:h(?P<n>[12])|(?:the )?(?P<word>first|second) half)(?: of)? (?P<year>\d{4})")
_SEASON = quick(rf"(?P<season>{'|'.join(SEASONS)})(?:,? (?:of )?{_TWO})?")
_YEAR = quick(rf"(?P<fy>(?:fy|financial year) ?)?{_TWO}")


def month(text: str, context: Context) -> Span | None:
    """Read "July 2026", "Mid-November 2026", "2026-09", "07/2026" and "July"."""
    part = _PART_OF.fullmatch(text)
    match = _MONTH.fullmatch(part["rest"] if part else text)
    if match:
        number = MONTHS.get(match["month"])
        doubt = "season" if match["month"] == HYDREF else None
        return None if number is None else _in_year(number, 1, full_year(match["year"]), context, doubt)
    match = _NUMBERED.fullmatch(text)
    if match is None or not 1 <= int(match["month"] or match["m"]) <= 12:
        return None
    return months(Precision.MONTH, int(match["year"] or match["y"]), int(match["month"] or match["m"]), 1)


def quarter(text: str, context: Context) -> Span | None:  # noqa: ARG001  # one signature for every form
    """Read "Q3 2026" as July to September, and "Q3 2025/26", of a financial year, as October to December 2025."""
    match = next((found for form in _QUARTERS if (found := form.fullmatch(text))), None)
    if match is None:
        return None
    number = _NTH.get(match["n"]) or int(match["n"])
    year = int(match["year"])
    if match["next"] is None:
        return months(Precision.QUARTER, year, 3 * number - 2, 3)
    if not _follows(year, match["next"]):
        return refuse("impossible")
    return months(Precision.QUARTER, year + (number == 4), (3 * number) % 12 + 1, 3)


def half_year(text: str, context: Context) -> Span | None:  # noqa: ARG001  # one signature for every form
    """Read "H1 2026" and "second half of 2026" as a range of six months."""
    match = _HALF.fullmatch(text)
    if match is None:
        return None
    second = match["n"] == "2" or match["word"] == "second"
    return months(Precision.RANGE, int(match["year"]), 7 if second else 1, 6)


def season(text: str, context: Context) -> Span | None:
    """Read "Spring 2026" as March to May, and so on; "Winter 2026" leaves open which winter, hence a doubt."""
    part = _PART_OF.fullmatch(text)
    match = _SEASON.fullmatch(part["rest"] if part else text)
    if match is None:
        return None
    number, year = SEASONS[match["season"]], full_year(match["year"])
    if match["next"] is not None and (number != 12 or not _follows(year or 0, match["next"])):
        return refuse("not-a-date")
    doubt = "season" if number == 12 and year and match["next"] is None else None
    return _in_year(number, 3, year, context, doubt)


def year(text: str, context: Context) -> Span | None:  # noqa: ARG001  # one signature for every form
    """Read "2026", "Late 2026" as the year and "2026/27", "FY 2026-27" as April to March."""
    part = _PART_OF.fullmatch(text)
    match = _YEAR.fullmatch(part["rest"] if part else text)
    if match is None:
        return None
    first = int(match["year"])
    if match["next"] is None:
        return None if match["fy"] else months(Precision.YEAR, first, 1, 12)
    return months(Precision.YEAR, first, 4, 12) if _follows(first, match["next"]) else None


def _follows(first: int, second: str) -> bool:
    return (first + 1) % (100 if len(second) == 2 else 10_000) == int(second)


def _in_year(number: int, count: int, named: int | None, context: Context, doubt: str | None) -> Span:
    precision = Precision.MONTH if count == 1 else Precision.SEASON
    if named is not None:
        return months(precision, named, number, count, doubt)
    # Without its year the period is the one whose last day lies in the window.
    near = (own for own in context.years() if context.holds(month_end(own, number + count - 1)))
    return months(precision, next(near, context.anchor.year), number, count, doubt)
