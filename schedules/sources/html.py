"""Release calendars on web pages: tables found by their headings, or rows found by CSS
selectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import chain, islice
from urllib.parse import urljoin

from lxml import etree
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from schedules.dates.read import read_date
from schedules.dates.status import calls_off, status_word
from schedules.dates.words import normalise
from schedules.patterns import quick
from schedules.slot import Precision, first_day
from schedules.source import Page, Reading, UnreadableCalendar
from schedules.sources.body import OnePage, decode_text, find_page, page_name
from schedules.sources.entries import make_announcements, make_reading
from schedules.sources.grid import (
    HIDDEN,
    OPTION_FIELDS,
    Cell,
    cell_texts,
    clean_href,
    field_columns,
    find_labels,
    find_labels_around,
    find_stamp,
    is_heading,
    is_hidden,
    is_remark_row,
    note_on_row_above,
    read_grid,
    texts_of,
)
from schedules.sources.row import PATH, CalendarRow, make_row, note_of
from schedules.sources.settings import CalendarSettings
from schedules.titles import MONTH

_HEAD = 10  # rows in which the heading of a table must be
_NOTE_TAGS = frozenset({"p", "li", "td", "caption", "small"})
_TEXTS_OF_NOTE, _LONGEST_NOTE = 20, 500
_LONGEST_MARK = 4
_MARKS = " 0123456789.()[]*\u2020\u2021"
_LONGEST_TAG = 40
_NOT_FIXED = ("provisional", "tbc")
_LONGEST_DATE = 80
_LONGEST_DAY = 16  # characters of a weekday and a number
_NOT_FIELDS = frozenset({"rows", "heading"})
_LABELLED = ("title", "date", "time")
_STRUCK = ("title", "date", "time", "status")
# "Releases in 2028", "July 2027 publications"
_PERIOD = rf"(?:{MONTH} )?20\d\d"
_WHAT_IS_LISTED = r"(?:releases|publications|calendar|schedule|timetable)"
_PERIOD_OF_ROWS = quick(
    rf"\b{_WHAT_IS_LISTED} (?:in|for|during) ({_PERIOD})$"
    rf"|^({_PERIOD}) (?:(?:statistic|statistical|release|publication)s? )?{_WHAT_IS_LISTED}$",
    re.IGNORECASE,
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6", "summary")


class HtmlSource(OnePage):
    """A calendar on a web page.

    Without options, every table whose heading names a title and a date is read. With `rows`, a CSS
    selector, each match is an entry and the other options are selectors inside it. "a@href" selects
    an attribute. `heading` selects the month or year above rows.
    """

    accept = "text/html"

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Return the rows as announcements.

        Raises `UnreadableCalendar` if there is no table or row of releases.
        """
        page = find_page(pages, self._url)
        root = parse_html(page)
        selected = "rows" in self._settings.options
        found = list(
            _read_selected(root, self._settings) if selected else _read_tables(root, self._settings)
        )
        if not found:
            raise UnreadableCalendar(
                f"{page_name(page)}: no table or row that names releases and dates"
            )
        base = root.find(".//base[@href]")
        base_address = self._settings.address
        if base is not None:
            base_address = urljoin(base_address, clean_href(base.get("href", "")))
        rows = [_with_resolved_link(row, base_address, self._settings.address) for row in found]
        made, remarks = make_announcements(rows, self._settings, now, _texts_around(root))
        return make_reading(made, remarks)


def parse_html(page: Page) -> HtmlElement:
    """Return a page as HTML. Raises `UnreadableCalendar` for an empty one."""
    text = decode_text(page, fallback="cp1252")
    try:
        return document_fromstring(text.encode(), parser=HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError) as exc:
        raise UnreadableCalendar(f"{page_name(page)}: not HTML: {exc}") from exc


def _with_resolved_link(row: CalendarRow, base: str, calendar: str) -> CalendarRow:
    """Return a row with its link as an address, without one that leads to the calendar itself."""
    link = row.url
    if PATH.fullmatch(link):
        link = urljoin(base, link)
    if link.partition("#")[0] == calendar:
        link = ""
    return row if link == row.url else replace(row, url=link)


def _texts_around(root: HtmlElement) -> Iterator[str]:
    """Yield the texts in which a note on a table may begin. What only its place or id names, such
    as an item of a list, begins with that as its mark.
    """
    linked = {href for href in root.xpath("//a/@href") if href.startswith("#")}
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        yield element.text or ""
        if element.tail:
            yield f"{element.text or ''}{element.tail}"  # also after a raised mark or <br>
        if element.tag in _NOTE_TAGS:
            yield _begin_of(element)
        if element.tag == "ol":
            items = enumerate(element.iterchildren("li"), 1)
            yield from (f"[{number}] {_begin_of(item)}" for number, item in items)
        if element.tag == "dt" and (definition := element.getnext()) is not None:
            yield f"[{_begin_of(element)}] {_begin_of(definition)}"
        anchor = f"#{element.get('id') or element.get('name')}"
        if anchor in linked:
            parent = element.getparent()
            text = _begin_of(element)
            if parent is not None and len(text) <= _LONGEST_MARK:
                text = _begin_of(parent)
            yield f"[{anchor}] {text.lstrip(_MARKS)}"


def _begin_of(element: HtmlElement) -> str:
    """Return the first texts inside an element, in one line."""
    texts = islice(element.itertext(), _TEXTS_OF_NOTE)
    return " ".join("".join(map(str, texts))[:_LONGEST_NOTE].split())


def _read_tables(root: HtmlElement, settings: CalendarSettings) -> Iterator[CalendarRow]:
    """Yield the rows below the heading of each table.

    A plain paragraph such as "The following have been cancelled:" is a heading only of the table
    right below it.
    """
    heading = introduction = ""
    number = 0
    for element in root.iter("table", "p", *_HEADINGS):
        if element.tag != "table":
            text = cell_texts(element)[0]
            introduction = ""
            if element.tag in _HEADINGS or _is_bold(element):
                heading = text or heading
            elif calls_off(text) and not _is_in_table(element):
                introduction = text
            continue
        number += 1
        above = introduction or heading
        introduction = ""
        rows = read_grid(element)
        heads = [is_heading(texts_of(row), settings.options) for row in rows[:_HEAD]]
        if True not in heads:
            continue
        place = heads.index(True)
        # Below a heading that spans columns, the next one names each of them.
        while place + 1 < len(rows) and is_heading(texts_of(rows[place + 1]), settings.options):
            place += 1
        caption = element.find("caption")
        if caption is not None:
            above = heading = cell_texts(caption)[0]
        notes = find_labels_around(element)
        for entry in _read_table_rows(f"table {number}", rows[place:], above, settings):
            yield replace(entry, notes=(*entry.notes, *notes)) if notes else entry


def _is_bold(paragraph: HtmlElement) -> bool:
    """Return whether a paragraph outside tables is bold as a whole, as people write headings."""
    bold = [cell_texts(part) for part in paragraph.iterchildren("b", "strong")]
    return bold == [cell_texts(paragraph)] and not _is_in_table(paragraph)


def _is_in_table(element: HtmlElement) -> bool:
    return next(element.iterancestors("table"), None) is not None


def _read_table_rows(
    key: str, rows: Sequence[Sequence[Cell]], above: str, settings: CalendarSettings
) -> Iterator[CalendarRow]:
    """Yield the rows of a table below the first one, which names the columns.

    A row of a single wide cell is a heading for those below it, as is the text `above`, or a note
    on the one above it.
    """
    heading = texts_of(rows[0])
    columns, headings = field_columns(heading, settings.options, settings.address)
    entry: CalendarRow | None = None
    for number, row in enumerate(rows[1:], 1):
        texts = texts_of(row)
        if entry is not None and (note := note_on_row_above(texts)):
            entry = entry.with_note(note)
            continue
        is_empty = not any(cell.text or cell.struck for cell in row)
        if len(row) > 1 and all(cell is row[0] for cell in row):
            above = texts[0]
        elif not is_empty and texts != heading and not is_remark_row(texts):
            cells = {name: row[column] for name, column in columns.items() if column < len(row)}
            others = [(name, row[place]) for place, name in headings.items() if place < len(row)]
            shown = [cell for _, cell in others]
            shown += [cells[name] for name in _LABELLED if name in cells]
            if "status" in cells and not cells["status"].text:
                shown.append(cells["status"])  # the status is an image or another sign
            notes = [note_of(name, cell.text) for name, cell in others]
            notes += chain.from_iterable(cell.labels for cell in shown)
            made = _make_row(f"{key} row {number}", cells, tuple(notes))
            if row[0].is_hidden:
                made = _mark_hidden(made)
            if entry is not None:
                yield entry
            entry = apply_heading(made, above, settings)
    if entry is not None:
        yield entry


def _mark_hidden(row: CalendarRow) -> CalendarRow:
    """Return a row that people do not see. It may be an old one, or shown by a script."""
    return replace(row, status="; ".join(filter(None, (HIDDEN, row.status))))


def _make_row(key: str, cells: Mapping[str, Cell], notes: tuple[str, ...]) -> CalendarRow:
    """Return a row of a table.

    Its title links to the page, a struck-out date is the earlier one. Words after a struck-out
    title are its status.
    """
    texts, is_struck = _replace_struck(
        {name: cell.text for name, cell in cells.items()},
        {name: cell.struck for name, cell in cells.items()},
    )
    link = cells.get("url", Cell(""))
    texts["url"] = link.href or link.text
    if not texts["url"] and "title" in cells:
        texts["url"] = cells["title"].href
    stamps = (cells[name].stamp for name in ("date", "time") if name in cells)
    stamp = next(filter(None, stamps), "")
    return make_row(key, texts, is_struck=is_struck, stamp=stamp, notes=notes)


def _replace_struck(
    texts: Mapping[str, str], struck: Mapping[str, str]
) -> tuple[dict[str, str], bool]:
    """Return the texts of an entry, completed by what is struck out in them, and whether nothing
    replaces that.
    """
    read = dict(texts)
    title, date_text = struck.get("title", ""), struck.get("date", "")
    if title:
        read["title"] = title
        read["status"] = "; ".join(filter(None, (texts["title"], texts.get("status", ""))))
    if date_text and texts["date"]:
        read["previous"] = texts.get("previous") or date_text
    elif date_text:
        read["date"] = date_text
    if struck.get("status") and not texts["status"]:
        read["status"] = struck["status"]
    is_struck = any(struck[name] and not texts[name] for name in _STRUCK if struck.get(name))
    return read, is_struck or bool(title)


def apply_heading(entry: CalendarRow, above: str, settings: CalendarSettings) -> CalendarRow:
    """Return an entry with the heading above it as a note, which may say "Cancelled", and its date
    completed by one such as `July 2026` or `2026`.

    The heading adds month and year to a day number, or the year to a date without one.
    """
    entry = entry.with_note(above)
    has_number = any(char.isdigit() for char in above)  # a heading such as `July` gives no year
    # If a heading with a number has no year, it is read as one of 2000, so that its entries are
    # past.
    stated = _PERIOD_OF_ROWS.search(above)
    period = next(filter(None, stated.groups()), above) if stated else above
    heading = None
    if has_number:
        heading = read_date(period, date(2000, 1, 1), settings.zone).slot
    if heading is None or heading.first is None:
        return entry
    text = entry.date
    # In "Thursday 23rd" the last word is a number, if the letters of "st", "nd", "rd" and "th" at
    # its end are removed.
    is_day_number = text.strip(" .stndrh").rpartition(" ")[2].isdigit() and len(text) < _LONGEST_DAY
    if heading.precision is Precision.MONTH and is_day_number:
        text = f"{text} {period}"
    anchor = heading.first
    if heading.precision is Precision.YEAR:
        # A date without a year is read as the one that is not more than 30 days before the anchor.
        # From 31 January 2026 on, that is a date in 2026. From 1 January 2026, `20 December` would
        # be a day in 2025.
        anchor += timedelta(days=30)
    return replace(entry, date=text, anchor=anchor)


def _read_selected(root: HtmlElement, settings: CalendarSettings) -> Iterator[CalendarRow]:
    """Yield the elements that the option `rows` selects, if they have a title or date, with the
    heading above.
    """
    options = settings.options
    selectors = {
        OPTION_FIELDS.get(name, name): text
        for name, text in options.items()
        if name not in _NOT_FIELDS
    }
    row_numbers = {row: number for number, row in enumerate(_select_all(options["rows"], root), 1)}
    headings = set(_select_all(options["heading"], root)) if "heading" in options else set()
    above = ""
    for element in root.iter():
        if element in headings:
            above = cell_texts(element)[0]
        elif element in row_numbers:
            found = {name: _select_texts(element, each) for name, each in selectors.items()}
            stamp = ""
            if "date" in selectors:
                text, struck, stamp = _select_date(element, selectors["date"])
                found["date"] = text, struck
            if "status" not in selectors:
                found["status"] = _find_open_status(element), ""
            texts, is_struck = _replace_struck(
                {name: text for name, (text, _) in found.items()},
                {name: struck for name, (_, struck) in found.items()},
            )
            if texts.get("title") or texts.get("date"):
                row = make_row(
                    f"row {row_numbers[element]}",
                    texts,
                    is_struck=is_struck,
                    stamp=stamp or _find_stamp_of_time(element, selectors.get("time", "")),
                    notes=(*find_labels(element), *find_labels_around(element)),
                )
                if is_hidden(element):
                    row = _mark_hidden(row)
                yield apply_heading(row, above, settings)


def _select_date(element: HtmlElement, selector: str) -> tuple[str, str, str]:
    """Return the text of a date, the text struck out in it and the date in an attribute.

    What people see counts, and the attribute that a selector names is compared with it. If the
    selector finds several days, all are in the text, so that none is chosen.
    """
    css, _, attribute = selector.partition("@")
    found = _select_all(css, element) if css else [element]
    if not found:
        return "", "", ""
    text, struck = cell_texts(found[0])
    if attribute:
        value = found[0].get(attribute) or ""
        is_beside = css and text and len(text) <= _LONGEST_DATE
        return (text, struck, value) if is_beside else (value, "", "")
    shown = [text, *(cell_texts(each)[0] for each in found[1:])]
    days = {day: each for each in shown if (day := _day_of(each)) is not None}
    return " / ".join(days.values()) if len(days) > 1 else text, struck, find_stamp(found[0])


def _find_stamp_of_time(element: HtmlElement, selector: str) -> str:
    found = _select_all(selector, element) if selector and "@" not in selector else []
    return find_stamp(found[0]) if found else ""


def _day_of(text: str) -> date | None:
    return first_day(read_date(text, date(2000, 1, 1)).slot)


def _find_open_status(element: HtmlElement) -> str:
    """Return the text of a tag in an entry that says that its date is not fixed, else ""."""
    texts = (" ".join((node.text or "").split()) for node in element.iterdescendants("*"))
    tags = (text for text in texts if text and len(text) <= _LONGEST_TAG)
    return next((tag for tag in tags if status_word(normalise(tag)) in _NOT_FIXED), "")


def _select_texts(element: HtmlElement, selector: str) -> tuple[str, str]:
    """Return the text or attribute that a selector finds first in an element, and the text struck
    out in it.
    """
    css, _, attribute = selector.partition("@")
    found = _select_all(css, element) if css else [element]
    if not found:
        return "", ""
    value = found[0].get(attribute) or "" if attribute else ""
    if attribute == "href":
        return clean_href(value), ""
    if attribute:
        return value, ""
    return cell_texts(found[0])


def _select_all(css: str, root: HtmlElement) -> list[HtmlElement]:
    # A CSS selector finds only elements. The type is wider, because it is compiled to XPath.
    found: list[HtmlElement] = CSSSelector(css)(root)  # type: ignore[assignment]
    return found
