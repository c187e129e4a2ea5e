"""Release calendars on web pages: tables found by their headings, or rows found by CSS selectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from lxml import etree
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from schedules.dates import read_date
from schedules.slot import Precision
from schedules.source import Page, Reading, UnreadableCalendar
from schedules.sources.body import OnePage, answered, place, text_of
from schedules.sources.grid import OPTION_FIELDS, Cell, cell_texts, field_columns, grid, is_heading, is_remark_row
from schedules.sources.options import SourceOptions
from schedules.sources.row import CalendarRow, entry_of, gather, reading

_HEAD = 10  # rows in which the heading of a table must stand
_NOT_FIELDS = frozenset({"rows", "heading"})


class HtmlSource(OnePage):
    """A calendar on a web page.

    Without options every table whose heading names a title and a date is read. With `rows`, a CSS selector, each
    match is an entry and the other options are selectors inside it; "a@href" takes an attribute. `heading` selects
    the month or year that stands above rows.
    """

    accept = "text/html"

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Turn the rows into announcements. Raises `UnreadableCalendar` when there is nothing to read them from."""
        page = answered(pages, self._url)
        root = parse_html(page)
        selected = "rows" in self._options.options
        found = list(_selected(root, self._options) if selected else _tables(root, self._options, page))
        if not found:
            raise UnreadableCalendar(f"{place(page)}: no table or row that names releases and dates")
        made, remarks = gather(found, self._options, now)
        return reading(made, remarks)


def parse_html(page: Page) -> HtmlElement:
    """Parse a page as HTML; raises `UnreadableCalendar` for an empty one."""
    text = text_of(page, fallback="cp1252")
    try:
        return document_fromstring(text.encode(), parser=HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError) as exc:
        raise UnreadableCalendar(f"{place(page)}: not HTML: {exc}") from exc


def _tables(root: HtmlElement, options: SourceOptions, page: Page) -> Iterator[CalendarRow]:
    for number, table in enumerate(root.iter("table"), 1):
        rows = grid(table)
        for index, row in enumerate(rows[:_HEAD]):
            texts = [cell.text for cell in row]
            if is_heading(texts, options.options):
                columns, _ = field_columns(texts, options.options, page.url)
                yield from _rows(f"table {number}", rows[index + 1 :], columns, options)
                break


def _rows(
    key: str, rows: Sequence[Sequence[Cell]], columns: dict[str, int], options: SourceOptions
) -> Iterator[CalendarRow]:
    above: str = ""
    for number, row in enumerate(rows, 1):
        texts = [cell.text for cell in row]
        if len({cell.id for cell in row}) == 1 and len(row) > 1:
            above = texts[0]
        elif any(texts) and not is_remark_row(texts):
            cells = {name: row[column] for name, column in columns.items() if column < len(row)}
            yield _entry(f"{key} row {number}", cells, above, options)


def _entry(key: str, cells: Mapping[str, Cell], above: str, options: SourceOptions) -> CalendarRow:
    texts = {name: cell.text for name, cell in cells.items()}
    texts.setdefault("url", cells["title"].href if "title" in cells else "")
    texts["url"] = cells["url"].href or texts["url"] if "url" in cells else texts["url"]
    texts["previous"] = texts.get("previous") or (cells["date"].struck if "date" in cells else "")
    return under_heading(entry_of(key, texts), above, options)


def under_heading(entry: CalendarRow, above: str, options: SourceOptions) -> CalendarRow:
    """Return an entry with what the heading above it gives: the month of a bare day number, the year of a date."""
    head = read_date(above, date(2000, 1, 1), options.timezone).slot if above else None
    if head is None or head.first is None or not any(mark.isdigit() for mark in above):
        return entry
    text, first = entry.date, head.first
    if head.precision is Precision.MONTH and text.strip(" .stndrh").rpartition(" ")[2].isdigit() and len(text) < 16:
        text = f"{text} {above}"
    # A window of a year begins 30 days before its anchor.
    anchor = first + timedelta(days=30) if head.precision is Precision.YEAR else first
    return replace(entry, date=text, anchor=anchor)


def _selected(root: HtmlElement, options: SourceOptions) -> Iterator[CalendarRow]:
    chosen = options.options
    fields = {OPTION_FIELDS.get(name, name): text for name, text in chosen.items() if name not in _NOT_FIELDS}
    rows = _all(chosen["rows"], root)
    heads = set(_all(chosen["heading"], root)) if "heading" in chosen else set()
    wanted, above = {row: number for number, row in enumerate(rows, 1)}, ""
    for element in root.iter():
        if element in heads:
            above = cell_texts(element)[0]
        elif element in wanted:
            texts = {name: _select(element, selector) for name, selector in fields.items()}
            if texts.get("title") or texts.get("date"):
                yield under_heading(entry_of(f"row {wanted[element]}", texts), above, options)


def _select(element: HtmlElement, selector: str) -> str:
    css, _, attribute = selector.partition("@")
    found = _all(css, element) if css else [element]
    if not found:
        return ""
    return (found[0].get(attribute) or "") if attribute else cell_texts(found[0])[0]


def _all(css: str, root: HtmlElement) -> list[HtmlElement]:
    # A CSS selector finds elements only; XPath, which it is turned into, could find more.
    found: list[HtmlElement] = CSSSelector(css)(root)  # type: ignore[assignment]
    return found
