"""Reads an HTML table as a grid of cells with spans filled in, struck-out text apart and footnote
marks removed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from lxml.html import HtmlElement

from schedules.dates.status import calls_off
from schedules.dates.words import normalise
from schedules.patterns import quick
from schedules.source import UnreadableCalendar

MOST_COLUMNS, MOST_SPAN, MOST_CELLS = 60, 2000, 2_000_000

_STRUCK = frozenset({"del", "s", "strike"})
_STRUCK_STYLE = quick(r"line-through", re.IGNORECASE)
_STRUCK_CLASS = quick(
    r"\b(?:strike|striked|struck|line|crossed)(?:[-_]?(?:through|out))?\b(?<!\bline)", re.IGNORECASE
)
_NOT_SHOWN = frozenset({"script", "style", "template"})
_HIDDEN_STYLE = quick(
    r"display\s{0,5}:\s{0,5}none|visibility\s{0,5}:\s{0,5}(?:hidden|coll)", re.IGNORECASE
)
HIDDEN = "hidden on the page"
"""The status of a row that browsers do not show."""
# Last words of classes such as "is-cancelled" and "row--postponed". Scripts have classes such as
# "delayed" and "deferred" for what they load later.
_CALLING_CLASSES = frozenset(
    ("cancelled", "canceled", "postponed", "withdrawn", "discontinued", "suspended", "rescheduled")
)
_NOT_ITS_CLASS = frozenset(
    (
        "not",
        "non",
        "un",
        "no",
        "if",
        "hide",
        "hides",
        "show",
        "shows",
        "js",
        "has",
        "with",
        "filter",
        "and",
        "or",
        "upcoming",
    )
)
# Such words follow in names of groups: "cancelled-releases"
_OF_GROUP = frozenset(
    (
        *("release", "releases", "publication", "publications", "statistics", "list", "section"),
        *("table", "row", "item", "items", "entry", "entries", "event", "events"),
    )
)
_REVEALS = "//@aria-controls|//@data-target|//@data-bs-target|//a/@href[starts-with(., '#')]"
_WHOLE_PAGE = frozenset({"html", "body"})
_STATUS_DATA = quick(r"data-(?!filter)(?:[\w-]*-)?(?:status|state)")
_PARAGRAPHS = frozenset({"p", "small", "dd"})
_BREAKS = frozenset({"br", "p", "div", "li"})
_DIGITS = quick(r"\d{1,7}(?!\d)", re.ASCII)
_TWO_DIGITS = quick(r"\d\d", re.ASCII)
_HALF_OF_DAY = quick(r"[ap]\.?m", re.IGNORECASE)
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_FOOTNOTE = quick(r"\s*\[?(?:(?:foot)?note )?[0-9a-z*†‡]{1,2}\]?\s*", re.IGNORECASE)
_LINK_TO_NOTE = quick(r"#_?(?:fn|ftn|(?:foot|end)?note|ref)", re.IGNORECASE)
_LINE_BREAKS = quick(r"[\t\n\r]")
_NOT_RELATIVE = quick(r"[a-z][a-z0-9+.-]{0,20}:|www\.|[/?#.]", re.IGNORECASE)
_LINK_TO_NO_PAGE = quick(
    r"#|(?!https?:)[a-z][a-z0-9+.-]{0,20}:|[^?#]{1,2000}\.(?:ics|vcs)(?:$|[?#])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of a cell, the text struck out in it, its first link to a page (`href`), the
    attribute of its first `<time>` (`stamp`), and the texts of elements in it that call a release
    off. `is_hidden`: browsers do not show its row.

    A cell with a span is one object at several places of the grid.
    """

    text: str
    struck: str = ""
    href: str = ""
    stamp: str = ""
    labels: tuple[str, ...] = ()
    is_hidden: bool = False


def read_grid(table: HtmlElement) -> list[list[Cell]]:
    """Return the rows of a table. A cell that spans columns or rows is repeated in each of them.

    Nested tables are left out. After `MOST_CELLS` cells, no further row is returned.
    """
    rows: list[list[Cell]] = []
    # by column: a cell that spans into the next rows, and into how many
    pending: dict[int, tuple[Cell, int]] = {}
    cell_count = 0
    group: HtmlElement | None = None
    for tr in table.iter("tr"):
        if next(tr.iterancestors("table"), None) is not table:
            continue
        if tr.getparent() is not group:  # a cell ends with its thead, tbody or tfoot
            group = tr.getparent()
            pending.clear()
        row = _read_row(tr, pending)
        cell_count += len(row)
        if cell_count > MOST_CELLS:
            break
        rows.append(row)
    return rows


def texts_of(row: Sequence[Cell]) -> list[str]:
    """Return the texts of the cells of a row."""
    return [cell.text for cell in row]


def _read_row(tr: HtmlElement, pending: dict[int, tuple[Cell, int]]) -> list[Cell]:
    """Return the cells of one row, with the cells of earlier rows that span into it.

    `pending` has the latter by column, each with the number of rows that it still spans, and is
    updated.
    """
    row: list[Cell] = []
    is_row_struck = _is_inside_struck(tr)
    hidden = is_hidden(tr) or is_hidden(tr.getparent())
    row_labels = [*_labels_of(tr), *_labels_of(tr.getparent())]
    for element in tr.iterchildren("td", "th"):
        _fill_spans(row, pending)
        text, struck = _split_struck(element, is_struck=is_row_struck or _is_struck(element))
        labels = (*find_labels(element), *row_labels)
        cell = Cell(text, struck, find_link(element), find_stamp(element), labels, hidden)
        row_span = _read_span(element, "rowspan")
        for _ in range(_read_span(element, "colspan")):
            if len(row) >= MOST_COLUMNS:
                break
            if row_span > 1:
                pending[len(row)] = (cell, row_span - 1)
            row.append(cell)
    _fill_spans(row, pending)
    while len(row) <= max(pending, default=-1):  # a row that ends before such a cell
        row.append(Cell(""))
        _fill_spans(row, pending)
    return row


def _fill_spans(row: list[Cell], pending: dict[int, tuple[Cell, int]]) -> None:
    """Append the cells that span from earlier rows into the next columns, and count down their rows
    in `pending`.
    """
    while len(row) in pending:
        cell, rows_left = pending.pop(len(row))
        if rows_left > 1:
            pending[len(row)] = (cell, rows_left - 1)
        row.append(cell)


def _read_span(element: HtmlElement, name: str) -> int:
    """Return how many columns or rows a cell spans by the digits with which this attribute begins,
    1 if there are none.
    """
    digits = _DIGITS.match(element.get(name, "").strip())
    if digits is None:
        return 1
    number = int(digits[0])
    if name == "rowspan" and number == 0:  # to the end of its group of rows
        return MOST_SPAN
    return min(max(number, 1), MOST_SPAN)


def cell_texts(element: HtmlElement) -> tuple[str, str]:
    """Return the text of an element and the struck-out text, without footnote marks.

    A `<time>` without text gives its attribute.
    """
    return _split_struck(element, is_struck=_is_inside_struck(element))


def _split_struck(element: HtmlElement, *, is_struck: bool) -> tuple[str, str]:
    """Return the texts of `cell_texts`. `is_struck`: all of the element is struck out."""
    kept: list[str] = []
    struck: list[str] = []
    begun_in = struck if is_struck else kept
    # Not recursive, because pages can be nested very deeply.
    stack: list[tuple[HtmlElement | str, list[str]]] = [(element, begun_in)]
    while stack:
        node, texts = stack.pop()
        if isinstance(node, str):
            texts.append(node)
            continue
        if node.tag == "time" and not _text_in(node):
            texts.append(node.get("datetime", ""))
            continue
        inner = struck if _is_struck(node) else texts
        stack += [(part, inner) for part in reversed(_child_parts(node))]
    return " ".join("".join(kept).split()), " ".join("".join(struck).split())


def find_link(cell: HtmlElement) -> str:
    """Return the first link in a cell that leads to a page, "" if there is none.

    Signs link to mails and calendars too. A struck-out or hidden link counts only if no other is
    there.
    """
    unseen = ""
    for node in cell.iter("a"):
        link = clean_href(node.get("href", ""))
        if not link or _LINK_TO_NO_PAGE.match(link):
            continue
        part = node
        while part is not cell and not (_is_struck(part) or is_hidden(part)):
            part = part.getparent()
        if part is cell:
            return link
        unseen = unseen or link
    return unseen


def clean_href(href: str) -> str:
    """Return a link as browsers read it, with `./` before a relative path, so that it differs from
    a word.
    """
    link = _LINE_BREAKS.sub("", href).strip().replace("\\", "/").replace(" ", "%20")
    is_relative = link and not _NOT_RELATIVE.match(link)
    return f"./{link}" if is_relative else link


def find_stamp(element: HtmlElement) -> str:
    """Return the attribute of the first `<time>` of an element that is not struck out, "" if there
    is none, or if there are several of different days.
    """
    stamps = [
        str(node.get("datetime"))
        for node in element.iter("time")
        if node.get("datetime") and not _is_inside_struck(node)
    ]
    days = {stamp[:10] for stamp in stamps}
    return stamps[0] if len(days) == 1 else ""


def find_labels(element: HtmlElement) -> tuple[str, ...]:
    """Return the texts of an element and those in it that call a release off, such as a tag
    "Cancelled", a class, or the name or `eventStatus` of a sign, and its marks of footnotes: raised
    ones, and links such as `#fn1`.
    """
    if not len(element):  # most cells have no elements in them
        return tuple(_labels_of(element))
    inner = [node for node in element.iterdescendants() if isinstance(node.tag, str)]
    # In the order of the page, so a parent's answer is known before its children's.
    unseen = set[HtmlElement]()
    for node in inner:
        if node.getparent() in unseen or _is_struck(node) or is_hidden(node):
            unseen.add(node)
    inner = [node for node in inner if node not in unseen]
    labels = [label for node in (element, *inner) for label in _labels_of(node)]
    texts = [node.text for node in inner if not _is_continued(node)]
    texts += [node.tail for node in inner if node.tag == "br"]
    texts += [_text_in(node) for node in inner if node.tag in _PARAGRAPHS and len(node)]
    labels += [" ".join(text.split()) for text in texts if text and calls_off(text)]
    notes = [_text_in(node).strip("[]()") for node in inner if _is_footnote(node)]
    marks = [f"[{text}]" if text.isalpha() else text.translate(_RAISED) for text in notes]
    marks += [f"[{href}]" for node in inner if (href := node.get("href", ""))[:1] == "#"]
    return (*labels, *marks)


def _is_continued(node: HtmlElement) -> bool:
    """Return whether words after an element continue its own: "<b>Cancelled</b> operations"."""
    tail = (node.tail or "").strip()
    return tail[:1].islower() and not calls_off(f"{node.text} {tail}")


def find_labels_around(element: HtmlElement) -> list[str]:
    """Return what the attributes of an element and of those around it say that calls releases off,
    also their ids.
    """
    nodes = (element, *element.iterancestors())
    around = [node for node in nodes if node.tag not in _WHOLE_PAGE]
    labels = [label for node in around for label in _labels_of(node)]
    return labels + [word for node in around if (word := _calling_word(node.get("id", "")))]


def find_revealed(root: HtmlElement) -> frozenset[str]:
    """Return the ids of elements of a page that a sign or link may show, such as tabs."""
    return frozenset(str(name).lstrip("#") for name in root.xpath(_REVEALS))


def is_inside_hidden(element: HtmlElement, revealed: Collection[str]) -> bool:
    """Return whether an element around one is hidden, and is none that people can show: a tab,
    one that is named in `revealed`, or one beside others of its class that are shown.
    """
    for node in element.iterancestors():
        if is_hidden(node) and node.get("role") != "tabpanel" and node.get("id") not in revealed:
            name = node.get("class")
            beside = (each for each in (*node.itersiblings(), *node.itersiblings(preceding=True)))
            if not name or all(each.get("class") != name or is_hidden(each) for each in beside):
                return True
    return False


def _labels_of(node: HtmlElement) -> list[str]:
    """Return what the attributes of an element say that calls a release off."""
    if not node.keys():
        return []
    texts = [node.get(name, "") for name in ("alt", "title", "aria-label")]
    if node.get("itemprop") == "eventStatus":
        texts.append(node.get("content") or node.get("href") or "")
    texts += [str(value) for name, value in node.items() if _STATUS_DATA.fullmatch(str(name))]
    labels = [" ".join(text.split()) for text in texts if calls_off(text)]
    # "cancelled.svg" and "#icon-cancelled" are names of pictures.
    source = node.get("src") or (node.tag == "use" and node.get("href"))
    picture = PurePosixPath(source).stem if source else ""
    names = f"{node.get('class', '')} {picture}".split()
    return labels + [word for name in names if (word := _calling_word(name))]


def _calling_word(name: str) -> str:
    """Return the word of a class, id or name of a picture that calls a release off, or ""."""
    words = name.casefold().replace("_", "-").strip("#").split("-")
    while len(words) > 1 and words[-1] in _OF_GROUP:
        words.pop()
    is_calling = words[-1] in _CALLING_CLASSES and _NOT_ITS_CLASS.isdisjoint(words)
    return words[-1] if is_calling else ""


def _is_inside_struck(node: HtmlElement) -> bool:
    """Return whether an element or one around it is struck out."""
    return any(map(_is_struck, (node, *node.iterancestors())))


def _is_struck(node: HtmlElement) -> bool:
    if node.tag in _STRUCK or _STRUCK_STYLE.search(node.get("style", "")):
        return True
    return _STRUCK_CLASS.search(node.get("class", "")) is not None


def is_hidden(node: HtmlElement) -> bool:
    """Return whether an element says that browsers do not show it."""
    style = node.get("style", "")
    return node.get("hidden") is not None or _HIDDEN_STYLE.search(style) is not None


def _child_parts(node: HtmlElement) -> list[HtmlElement | str]:
    """Return the texts and elements inside a node, with blanks for line breaks and without footnote
    marks.
    """
    parts: list[HtmlElement | str] = [node.text or ""]
    for child in node:
        is_element = isinstance(child.tag, str)
        is_shown = is_element and child.tag not in _NOT_SHOWN and not is_hidden(child)
        if is_shown and _may_be_minutes(child):
            parts.append(_text_in(child).translate(_RAISED))
        elif is_shown and not _is_footnote(child):
            parts += [" ", child, " "] if child.tag in _BREAKS else [child]
        parts.append(child.tail or "")
    return parts


def _text_in(node: HtmlElement) -> str:
    return "".join(map(str, node.itertext())).strip()


def _may_be_minutes(node: HtmlElement) -> bool:
    """Return whether an element may hold the raised minutes of a time, as in 9³⁰am."""
    following = node.getnext()
    text_after = (node.tail or "").strip()
    if not text_after and following is not None:
        text_after = _text_in(following)
    is_before_half = _HALF_OF_DAY.match(text_after) is not None
    return node.tag == "sup" and is_before_half and bool(_TWO_DIGITS.fullmatch(_text_in(node)))


def _is_footnote(node: HtmlElement) -> bool:
    """Return whether an element is a raised footnote mark, or one that links to its footnote. `st`
    in "1st" is none.
    """
    is_link = node.tag == "a" and _LINK_TO_NOTE.match(node.get("href", ""))
    if node.tag != "sup" and not is_link:
        return False
    text = _text_in(node)
    return bool(_FOOTNOTE.fullmatch(text)) and text.casefold() not in {
        "st",
        "nd",
        "rd",
        "th",
    }


_TEXTS = {
    "title": (
        "title release releasetitle publication publicationtitle statistic statistics"
        " statisticalrelease name nameofrelease nameofpublication releasename publicationname"
        " nameofstatisticalrelease nameofstatisticalpublication nameofstatistics statisticname"
        " titleofrelease titleofpublication statisticalpublication teitl"
    ),
    "date": (
        "date releasedate publicationdate planneddate expecteddate scheduleddate dateofrelease"
        " dateofpublication plannedreleasedate expectedreleasedate dyddiad dyddiadcyhoeddi slot"
        " dateandtime datetime releasedateandtime publicationdateandtime releasedatetime"
        " publicationdatetime scheduledreleasedate scheduledpublicationdate"
        " plannedpublicationdate expectedpublicationdate releasedates publicationdates"
    ),
    "provisional": (
        "provisionaldate provisionalreleasedate provisionalpublicationdate"
        " provisionaldateofrelease provisionaldateofpublication indicativedate"
        " indicativereleasedate indicativepublicationdate tentativedate proposeddate"
        " proposedreleasedate proposedpublicationdate dateprovisional releasedateprovisional"
        " publicationdateprovisional"
    ),
    "revised": (
        "reviseddate revisedreleasedate newdate newreleasedate rescheduleddate daterevised"
        " releasedaterevised newpublicationdate revisedpublicationdate amendeddate"
        " amendedreleasedate updatedreleasedate changedto datechangedto nowdue"
    ),
    "weekday": "day weekday dayofweek diwrnod",
    "time": (
        "time releasetime publicationtime timeofrelease timeofpublication amser starttime"
        " scheduledtime plannedtime expectedtime scheduledreleasetime scheduledpublicationtime"
        " plannedreleasetime plannedpublicationtime embargotime timeofday"
    ),
    "zone": "timezone tz",
    "allday": "alldayevent allday",
    "subject": (
        "subject releases publications statisticstitle statisticalreleases"
        " statisticalpublications report bulletin series dataset output"
    ),
    "start": (
        "start startdate confirmeddate confirmedreleasedate confirmedpublicationdate nextupdate"
        " dateofnextupdate nextreleasedate nextrelease nextpublicationdate nextpublication"
        " dateofnextrelease dateofnextpublication duedate dates when"
    ),
    "status": (
        "status state datestatus releasestatus publicationstatus currentstatus statusofrelease"
        " statusofpublication statws confirmedprovisional provisionalconfirmed"
    ),
    "url": "url link weblink webaddress address",
    "period": "period referenceperiod timeperiod coverage cyfnod",
    "previous": (
        "previousdate originaldate previousreleasedate datechanged originalreleasedate"
        " previouslyscheduleddate previouslyscheduledreleasedate olddate oldreleasedate"
    ),
    "why": "reason reasonforchange changenote",
    "uid": "id uid reference ref",
    "producer": "producer organisation department publisher",
    "recognise": "recognise",
}
_FIELDS = {text: name for name, texts in _TEXTS.items() for text in texts.split()}
# Exports of office programs have a subject and a start, and some tables the series and its next
# release. Beside a title and a date, such columns are about other things.
_INSTEAD = {"revised": "date", "start": "date", "subject": "title"}
_SECOND_CHOICES = frozenset({"start", "subject"})
_WEEKDAY = "weekday"
# Options whose names differ from the fields of an entry.
OPTION_FIELDS = {"id": "uid", "reason": "why"}
_JOINTS = quick(r"[^\w?]+|_+")
# How the cells of a column are written, such as "Time (UTC)" and "Date (dd/mm/yyyy)". What a zone
# or half of the day in brackets means is read as if it were in each cell.
_ZONE = (
    r"(?:uk|london|local)(?: time)?|gmt ?/ ?bst|gmt|bst|utc(?: ?[+-]\d{1,2}(?::\d\d)?)?"
    r"|cest|cet|e[sd]?t|[ap]\.?m\.?"
)
_CONDITION = quick(
    rf"\((?:if [^()]{{1,40}}|{_ZONE}|[dmyhs/:-]{{5,10}}|24[ -]?h(?:(?:ou)?rs?)?)\)"
    rf"|(?<=time) (?:{_ZONE})$",
    re.IGNORECASE,
)
_ZONE_OF_CELLS = quick(rf"[( ]({_ZONE})\)?$", re.IGNORECASE)
_IN_BRACKETS = quick(r"\([^()]{1,40}\)$")
_ABOVE = quick(r"\b(?:above|preceding)(?:[ -]mentioned)?\b", re.IGNORECASE)
_THIS = quick(r"^(?:note\W{1,3})?this\b", re.IGNORECASE)
_REMARK = quick(r"^(?:last )?updated\b|^(?:notes?|source|sources|contact)\b[:.]?", re.IGNORECASE)


def heading_field(text: str) -> str | None:
    """Return the field of an entry that a column's heading means, None if it is not known.

    Brackets after a status, such as "Status (C/P)", say how it is written.
    """
    plain = _CONDITION.sub("", text)
    short = _FIELDS.get(_JOINTS.sub("", normalise(_IN_BRACKETS.sub("", plain))))
    return "status" if short == "status" else _FIELDS.get(_JOINTS.sub("", normalise(plain)))


def zone_in_heading(row: Sequence[str], columns: Mapping[str, int]) -> str:
    """Return the zone or half of the day that the heading of the time or date names, "" if none."""
    headings = (row[columns[name]].strip() for name in ("time", "date") if name in columns)
    found = filter(None, map(_ZONE_OF_CELLS.search, headings))
    return next((match[1] for match in found), "")


def is_heading(row: Sequence[str], options: Mapping[str, str]) -> bool:
    """Return whether a row names the columns: at least two cells are known headings or named by
    options.
    """
    cells = {normalise(cell) for cell in row}
    named = {normalise(text) for text in options.values()} & cells
    fields = {heading_field(cell) for cell in row} - {None, _WEEKDAY}
    return len(fields) + len(named) >= 2


def field_columns(
    row: Sequence[str], options: Mapping[str, str], url: str
) -> tuple[dict[str, int], dict[int, str]]:
    """Return the column number of each field, and the headings of columns with notes, by number:
    those that are not known, and the weekday, whose column may have any other text.

    `options` are headings that a person chose, by the name of an option for a field. Other headings
    count only for other fields. Raises `UnreadableCalendar` if title or date has no column, or if
    two columns could be one field.
    """
    field_of_choice = {
        normalise(heading): OPTION_FIELDS.get(name, name) for name, heading in options.items()
    }
    folded = [normalise(heading) for heading in row]
    chosen = {field for text, field in field_of_choice.items() if text in folded}
    columns: dict[str, int] = {}
    notes: dict[int, str] = {}
    for number, heading in enumerate(row):
        choice = field_of_choice.get(folded[number])
        field = choice or heading_field(heading)
        if not heading.strip() or (choice is None and field in chosen):
            continue
        if field in (None, _WEEKDAY) or field in _SECOND_CHOICES:
            notes[number] = heading.strip()
        if field == _WEEKDAY and field in columns:
            field += str(number)  # every one is compared with the date
        elif field in columns and field not in _SECOND_CHOICES:
            raise UnreadableCalendar(_could_both_be(field, row, (columns[field], number), url))
        if field is not None:
            columns.setdefault(field, number)
    _use_second_choices(columns, notes, row, url)
    if "title" not in columns or not columns.keys() & {"date", "provisional"}:
        raise UnreadableCalendar(
            f"{url}: the heading names no title or no date: {', '.join(row)[:200]}"
        )
    return columns, notes


def _use_second_choices(
    columns: dict[str, int], notes: dict[int, str], row: Sequence[str], url: str
) -> None:
    """Give a field without a column that of its second choice, and take it out of the notes."""
    for other, field in _INSTEAD.items():
        if other not in columns or field in columns:
            continue
        same = [number for number in notes if heading_field(row[number]) == other]
        if len(same) > 1:
            raise UnreadableCalendar(_could_both_be(field, row, same, url))
        columns[field] = columns.pop(other)
        notes.pop(columns[field], None)


def _could_both_be(field: str, row: Sequence[str], numbers: Sequence[int], url: str) -> str:
    headings = ", ".join(repr(row[number]) for number in numbers)
    return f"{url}: two columns could be the {field}: {headings}"


def note_on_row_above(row: Sequence[str]) -> str:
    """Return the text of a row that only calls off the release above it, such as "The above release
    has been postponed", without the word for its place. Return "" for any other row.
    """
    texts = {cell.strip() for cell in row} - {""}
    if len(texts) != 1:
        return ""
    text = texts.pop()
    note = " ".join(_ABOVE.sub(" ", text).split())
    is_about_it = note != text or _THIS.match(text)
    return note if is_about_it and calls_off(note) else ""


def is_remark_row(row: Sequence[str]) -> bool:
    """Return whether a row is only a remark such as "Last updated 12/11/2026"."""
    texts = [cell.strip() for cell in row if cell.strip()]
    return len(texts) == 1 and _REMARK.match(texts[0]) is not None
