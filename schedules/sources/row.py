"""Makes announcements from the rows of any calendar format."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from datetime import date as date_type
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from schedules.announcement import Announcement, Part, State
from schedules.called_off import CALLED_OFF, read_called_off
from schedules.dates.read import assume_time, check_weekday, read_date, with_stamp, with_time
from schedules.dates.sentences import days_in
from schedules.dates.span import AHEAD
from schedules.dates.status import DOUBT as STATUS_DOUBT
from schedules.dates.status import (
    NO_STATUS,
    Status,
    calls_off,
    find_moves,
    is_moved_here,
    names_some_time,
    read_status,
    state_of,
    status_word,
    without_earlier,
)
from schedules.dates.times import find_time
from schedules.dates.words import normalise
from schedules.patterns import linear, quick
from schedules.slot import Precision, Slot, first_day, is_inside, last_day
from schedules.sources.settings import CalendarSettings
from schedules.times.zone import local

REASONS = {
    "empty": "no date",
    "not-a-date": "not a date",
    "impossible": "no calendar has this date",
    "order": "does not fit the order of dates, see date_order",
    "serial": "a spreadsheet's serial number, write the date or declare the column as excel",
    "weekday": "no year near fits this weekday",
}

NOT_UNDERSTOOD = (
    f"not understood, write {', '.join(State)}, or name it in stands of the [[calendar]]"
)

_NO = NO_STATUS | {"n", "no", "false", "0", "0.0", "no change", "nac ydy"}
_NO_ID = frozenset({"tbc", "tba", "?"})
_LONGEST_EMPTY = 16
_ZEROS = quick(r"[0-]+")
_CROSSES = frozenset("\u2717\u2718\u2716\u274c\u274e")
_MARKS = str.maketrans("", "", "⁰¹²³⁴⁵⁶⁷⁸⁹†‡")
# Other names can be words of a title: "births &or; deaths".
_REFERENCE = quick(
    r"&(?:#\d{1,6}|#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos|nbsp|pound|euro|[nm]dash|[lr][sd]quo|hellip);",
    re.IGNORECASE,
)
# "*Cancelled* fruit": such stars are not footnote marks.
_EMPHASIS = linear(r"(^|[\s\pZ])[*]+[^*\s\pZ][^*]*[*]")
_STARS = linear(r"[*]+([\s\pZ]|$)")
_CLEAN = quick(r"https?://[a-z0-9.-]+(?::\d+)?/(?:[\w./~%-]*[\w/~%-])?", re.ASCII)
_BLANKS = quick(r"[\s\u200b\ufeff]+")
# Also a blank after a slash, if what follows is no word
_UNSEEN = quick(r"[\u00ad\u200b-\u200d\u2060\ufeff]+|(?<=/)\s+(?!https?:)(?=\w+[/?._-])")
# An address in a formula, in markup or among words
_ADDRESS = quick(r"https?://[^/\s<>\"'()\[\]][^\s<>\"'()\[\]]+", re.IGNORECASE)
PATH = quick(r"(?:/|\.\.?/|\?[^\s]+=)\S*")
_BEGINS_WITH_SCHEME = quick(r"https?://(?!/)", re.IGNORECASE)
_BEGIN_OF_REMARK = ("(", "[", "-", "\N{EN DASH}", "|")
_WITHOUT_SCHEME = quick(r"(?:www\.|(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}/)\S+", re.IGNORECASE)
TAGS = quick(r"<(?=[a-z/!?])[^>]{0,1000}>", re.IGNORECASE)  # not "under <5 and >65"
# Names of fields: "isCancelled", "cancelled_at", "Postponement date"
_WORD_ENDS = quick(r"(?<=[a-z])(?=[A-Z])|[_-]")
_ABOUT_CALL = quick(
    r"^(?:is|(?:date|reason|notice)(?: of| for)?) "
    r"| (?:at|on|by|from|date|reason|notes?|notice|flag)$",
    re.IGNORECASE,
)
_FLAG = quick(r"(?:is |date )?(?:confirmed|provisional|finali[sz]ed)(?: date)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Remark:
    """One fault in a calendar."""

    key: str
    reason: str
    value: str | None = None

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}" + (
            "" if self.value is None else f" (got {self.value[:120]!r})"
        )


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """The texts of one entry. A native date is in `slot`, which counts instead of `date`.

    `key` is its place ("row 7", "release[3]"), `anchor` the day of a heading above. `is_struck`:
    title, date or status is struck through, and nothing replaces it. `stamp` is the date in an
    attribute beside the visible text. `notes` are texts that are not a field. Remarks name the
    date by `date_key`.
    """

    key: str
    title: str = ""
    date: str = ""
    time: str = ""
    weekday: str = ""
    status: str = ""
    url: str = ""
    uid: str = ""
    producer: str = ""
    period: str = ""
    previous: str = ""
    why: str = ""
    recognise: str = ""
    of: str = ""
    parts: tuple[Part, ...] = ()
    slot: Slot | None = None
    anchor: date_type | None = None
    is_struck: bool = False
    stamp: str = ""
    notes: tuple[str, ...] = ()
    date_key: str = "date"

    def with_note(self, note: str) -> CalendarRow:
        """Return the entry with one more note."""
        return replace(self, notes=(*self.notes, note))


_STROKE = "\u0336"
_LINKED = (
    quick(
        r"=HYPERLINK\(\s?\"(?P<url>[^\"]{1,500})\"\s?[,;]\s?\"(?P<text>[^\"]{1,300})\"\s?\)",
        re.IGNORECASE,
    ),
    quick(r"\[(?P<text>[^\[\]]{1,300})\]\((?P<url>[^()\s]{1,500})\)"),
    quick(
        r"<a\s[^<>]{0,200}\bhref\s?=\s?[\"']?(?P<url>[^\"'<>\s]{1,500})[^<>]{0,200}>"
        r"(?P<text>[^<>]{1,300})</a>",
        re.IGNORECASE,
    ),
)
"""How a formula, Markdown and HTML write a title that links to its page."""
_STRUCK = linear(r"(?s)<(?:s|del|strike)(?:\s[^>]*)?>.*?</(?:s|del|strike)>|~~.*?~~")
_NO_TEXTS = {"key", "parts", "slot", "anchor", "is_struck", "stamp", "notes", "date_key"}
_TEXTS = {field.name for field in fields(CalendarRow)} - _NO_TEXTS


def make_row(  # noqa: PLR0913  # what a row has besides texts
    key: str,
    texts: Mapping[str, str],
    parts: tuple[Part, ...] = (),
    slot: Slot | None = None,
    *,
    is_struck: bool = False,
    stamp: str = "",
    notes: tuple[str, ...] = (),
) -> CalendarRow:
    """Return a row from texts by field name (other names are ignored) and the other fields.

    A text `revised` is a later date, which counts instead of the date. `provisional` is a date
    that counts if there is no other, and with no other status. `zone` is that of the time, which
    an entry that is `allday` does not have.
    """
    known = {name: text for name, text in texts.items() if name in _TEXTS}
    title = known.get("title", "").strip()
    linked = next(filter(None, (form.fullmatch(title) for form in _LINKED)), None)
    if linked is not None:
        link = linked["url"] if _is_empty(known.get("url", "")) else known["url"]
        known |= {"title": linked["text"], "url": link}
    # A table may have several columns of weekdays.
    weekdays = (text for name, text in texts.items() if name.startswith("weekday"))
    known["weekday"] = "\n".join(weekdays)
    uid = known.get("uid", "").strip()
    if _is_empty(uid) or uid.casefold() in _NO_ID or _ZEROS.fullmatch(uid):
        known["uid"] = ""
    if _is_empty(known.get("producer", "")):
        known["producer"] = ""
    provisional = texts.get("provisional", "")
    if not _is_empty(provisional) and _is_empty(known.get("date", "")):
        status = known.get("status", "")
        known |= {"date": provisional, "status": "provisional" if _is_empty(status) else status}
    revised = texts.get("revised", "")
    if not _is_empty(revised) and revised.strip().casefold() not in _NO:
        known |= {"date": revised, "previous": texts.get("date", "")}
    zone = texts.get("zone", "")
    if _is_empty(zone):
        zone = ""
    if texts.get("allday", "").strip().casefold() not in _NO:
        known["time"] = ""
    elif known.get("time", "").strip():
        known["time"] = _with_zone(known["time"], zone)
    else:
        # The time is in the dates.
        timed = [name for name in ("date", "previous") if ":" in known.get(name, "")]
        known |= {name: _with_zone(known[name], zone) for name in timed}
    return CalendarRow(
        key,
        **known,
        anchor=None,
        parts=parts,
        slot=slot,
        is_struck=is_struck,
        stamp=stamp,
        notes=notes,
    )


def _with_zone(text: str, zone: str) -> str:
    """Return a text with a time and its zone, unless that is in the text already."""
    has_zone = normalise(text).endswith(normalise(zone))
    return text if has_zone else f"{text} {zone}"


def _is_empty(text: str) -> bool:
    """Return whether a cell is empty, or has a word for that such as "n/a"."""
    # Most are longer, and normalising takes time.
    return not text or (len(text) <= _LONGEST_EMPTY and normalise(text) in NO_STATUS)


def is_struck_out(title: str) -> bool:
    """Return whether all of a title is struck through, by its markup or signs of Unicode."""
    if _STROKE in title:
        return True
    if "<" not in title and "~~" not in title:
        return False
    kept = _STRUCK.sub("", title)
    return kept != title and not TAGS.sub("", kept).strip()


def clean_title(text: str) -> str:
    """Return a title with single blanks, without footnote marks and character references."""
    if not text.isascii():
        text = text.translate(_MARKS)
    if "&" in text:  # exports of web pages write "&amp;" into any format
        text = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text)
    if "*" in text and not _EMPHASIS.search(text):
        text = _STARS.sub(r"\1", text)
    if text.isascii():  # and so without zero-width blanks
        return " ".join(text.split())
    return _BLANKS.sub(" ", text).strip()


def clean_url(text: str, base: str = "") -> str:
    """Return the clean absolute http address that a text names, without fragment and campaign
    tags, or "".

    A path is one of the site of `base`. A word such as "TBC" is none. A text with several
    addresses, or with one that is broken by a blank, names none either.
    """
    # Most are clean already, and splitting takes time.
    if _CLEAN.fullmatch(text):
        return text
    address = _find_address(text)
    if not address:
        return ""
    try:
        parts = urlsplit(urljoin(base, address))
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ""
    query = parts.query
    if "utm_" in query:
        query = urlencode(
            [
                pair
                for pair in parse_qsl(query, keep_blank_values=True)
                if not pair[0].startswith("utm_")
            ]
        )
    return urlunsplit((parts.scheme, parts.netloc.lower(), parts.path, query, ""))


def _find_address(text: str) -> str:
    """Return the address or path that a text names, "" if it names none or several."""
    plain = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text)
    plain = _UNSEEN.sub("", plain).strip()
    further = plain.split(maxsplit=1)[1:]
    if PATH.fullmatch(plain) or (_BEGINS_WITH_SCHEME.match(plain) and not further):
        return plain.rstrip(".,;")
    if _WITHOUT_SCHEME.fullmatch(plain):
        return f"https://{plain}".rstrip(".,;")
    if _BEGINS_WITH_SCHEME.match(plain) and not further[0].startswith(_BEGIN_OF_REMARK):
        return ""
    found = {address.rstrip(".,;:!?") for address in _ADDRESS.findall(plain)}
    return found.pop() if len(found) == 1 else ""


def make_uid(title: str, url: str, period: str, producer: str) -> str:
    """Return a key for an entry without its own, whatever its position."""
    # It must stay the same if the title later begins with "Cancelled".
    text = "\n".join(
        (read_called_off(title)[0].casefold(), url, clean_title(period).casefold(), producer)
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def make_announcement(
    row: CalendarRow, settings: CalendarSettings, anchor: date
) -> tuple[Announcement, list[Remark]]:
    """Return a row as an announcement, with remarks on faults. `anchor` is the local day of the
    read.
    """
    remarks: list[Remark] = []
    slot, previous, date_status = _read_slot(row, settings, row.anchor or anchor)
    near = row.anchor or anchor
    status = _with_move(row, read_status(row.status, settings.stands), slot, settings, near)
    status, quoted = _read_status(row, status, settings.stands, state_of(date_status), previous)
    stands = status.is_understood and not status.is_published and status.state not in CALLED_OFF
    moves = ((move, note) for note in row.notes for move in find_moves(note))
    for text, shown in ((without_earlier(row.status), row.status), *moves) if stands else ():
        if _names_other_date(text, slot, settings, near):
            status, quoted = replace(status, is_understood=False), shown
    if not status.is_understood:
        remarks.append(Remark(f"{row.key}.state", NOT_UNDERSTOOD, quoted))
    if slot.reason in REASONS and not row.of:
        remarks.append(Remark(f"{row.key}.{row.date_key}", REASONS[slot.reason], slot.raw))
    elif slot.doubt:
        remarks.append(Remark(f"{row.key}.{row.date_key}", f"doubtful: {slot.doubt}", slot.raw))
    title = clean_title(row.title)
    url = ""
    if row.url.strip():
        url = clean_url(row.url, settings.address)
    if not url and not _is_empty(row.url):
        remarks.append(Remark(f"{row.key}.url", "not a web address", row.url))
    producer = row.producer.strip() or settings.producer
    made = Announcement(
        uid=row.uid.strip() or make_uid(title, url, row.period, producer),
        title=title,
        producer=producer,
        url=url,
        slot=assume_time(slot, settings.default_time),
        state=status.state,
        doubt=slot.doubt if status.is_understood else STATUS_DOUBT,
        parts=row.parts,
        recognise=row.recognise or None,
        previous=previous or _read_earlier(status.earlier, settings, near),
        why=clean_title(row.why),
        published=status.is_published,
        of=row.of.strip(),
        status=clean_title(quoted),
    )
    return made, remarks


def _read_slot(
    entry: CalendarRow, settings: CalendarSettings, anchor: date
) -> tuple[Slot, Slot | None, str | None]:
    """Return the slot of an entry and, if there are such, its earlier slot and the status beside
    its date.

    A date without a year is near `anchor`.
    """
    if entry.slot is not None:
        return entry.slot, None, None
    read = read_date(entry.date, anchor, settings.zone, settings.date_order)
    slot = read.slot
    if entry.time:
        slot = with_time(read.slot, entry.time)
    if entry.stamp:
        stamped = read_date(entry.stamp, anchor, settings.zone, "ymd").slot
        slot = with_stamp(slot, stamped)
    if slot.precision in (Precision.INSTANT, Precision.DAY):
        for weekday in entry.weekday.splitlines():
            slot = check_weekday(slot, weekday, first_day(slot))
    before = _read_earlier(entry.previous, settings, anchor)
    return slot, before or read.previous, read.status


def _names_other_date(status: str, slot: Slot, settings: CalendarSettings, anchor: date) -> bool:
    """Return whether a status, such as "Due May 2027", gives another date or time than that of its
    row, or a later day anywhere: an earlier one may be that of the decision.
    """
    last = last_day(slot)
    if last is None or not status.strip():
        return False
    clock = find_time(status).time
    if slot.instant and clock is not None and clock != local(slot.instant, slot.timezone).time():
        return True
    other = read_date(status, anchor, settings.zone, settings.date_order).slot
    if other.precision is Precision.NONE:
        return names_some_time(status) or any(day > last for day in days_in(status, last - AHEAD))
    return not is_inside(slot, other) and not is_inside(other, slot)


def _read_earlier(text: str, settings: CalendarSettings, anchor: date) -> Slot | None:
    """Return the slot before a move that a text gives, or None."""
    if not text.strip():
        return None
    slot = read_date(text, anchor, settings.zone, settings.date_order).slot
    return None if slot.reason else slot


def _with_move(
    row: CalendarRow, status: Status, slot: Slot, settings: CalendarSettings, anchor: date
) -> Status:
    """Return a status, that the entry stands if it says "Moved from" a date that the entry has
    left.
    """
    if status.state is not State.POSTPONED or not is_moved_here(row.status):
        return status
    earlier = _read_earlier(status.earlier, settings, anchor)
    has_left = earlier is not None and first_day(slot) and not is_inside(slot, earlier)
    return replace(status, state=None) if has_left else status


def _read_status(
    row: CalendarRow,
    status: Status,
    stands: Collection[str],
    state_beside_date: State | None,
    previous: Slot | None,
) -> tuple[Status, str]:
    """Return the status of an entry by all its texts and by `status`, which its own text says,
    and the text to quote if it does not plainly stand.

    Any text that calls it off counts, but a reason only if no move or native date is beside it.
    """
    if status.state in CALLED_OFF:
        return status, row.status
    if state_beside_date in CALLED_OFF:
        return Status(state_beside_date, earlier=status.earlier), row.date
    if row.is_struck:
        return Status(is_understood=False), f"struck through: {row.status or row.title}"
    if not status.is_understood:
        return status, row.status
    why = "" if row.slot or previous or status.earlier else row.why
    if note := find_call_off((*row.notes, row.time, why), stands):
        return Status(is_understood=False), note
    if status.state is None and state_beside_date is not None:
        status = replace(status, state=state_beside_date)
    return status, ""


def find_call_off(notes: Iterable[str], stands: Collection[str]) -> str:
    """Return the first note that calls an entry off and is not configured to stand, else ""."""
    found = (note for note in notes if calls_off(note))
    stated = ((note, read_status(note, stands).state) for note in found)
    return next((note for note, state in stated if state is not State.CONFIRMED), "")


def note_of(heading: str, text: str) -> str:
    """Return a column's text, with its heading if that calls releases off ("Cancelled?",
    "cancellationReason") or is a flag ("isConfirmed").
    """
    words = _WORD_ENDS.sub(" ", heading).strip(" ?")
    if _FLAG.fullmatch(words):
        is_open = status_word(normalise(text)) in ("provisional", "tbc") or text.strip() == "?"
        if is_open or text.strip().casefold() in _NO or text.strip() in _CROSSES:
            return f"{words}: no"
        return f"{words}: {text}"
    question = _question_of(heading)
    if not question:
        return text
    if normalise(text) in _NO:
        return ""
    return f"{question}: {text}"


@lru_cache(maxsize=1024)
def _question_of(heading: str) -> str:
    question = _ABOUT_CALL.sub("", _WORD_ENDS.sub(" ", heading).strip(" ?"))
    return question if calls_off(question) else ""
