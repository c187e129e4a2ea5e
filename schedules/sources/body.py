"""Checks and decodes the bytes of a response, and removes personal data from JSON."""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from schedules.bounds import why_too_complex
from schedules.source import Page, PageRequest, UnreadableCalendar
from schedules.sources.settings import CalendarSettings

# fmt: off
PERSONAL_KEYS = frozenset({
    "contact", "contactDetails", "contactName", "contactTelNo", "email", "telephone", "teamEmail",
    "alternative_format_contact_email", "preReleaseAccessList", "highlight",
})
# fmt: on

LARGEST = 256 * 1024 * 1024  # bytes of one answer
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# XLSX and ODS are ZIP archives, XLS is an older kind.
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


class OnePage:
    """A source whose calendar is one file or page. `accept` is the header of its request."""

    accept = "*/*"
    state: None = None

    def __init__(self, settings: CalendarSettings) -> None:
        self._settings = settings
        self._url = settings.address

    def first(self, now: datetime) -> Sequence[PageRequest]:  # noqa: ARG002  # of CalendarSource
        """Return the request for the page."""
        return (PageRequest(self._url, accept=self.accept),)

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[PageRequest]:  # noqa: ARG002  # of CalendarSource
        """Return no further request."""
        return ()


def page_name(page: Page) -> str:
    """Return the address of a page for messages, without its query."""
    return page.url.partition("?")[0]


def find_page(pages: Sequence[Page], url: str) -> Page:
    """Return the valid response for an address. Raises `UnreadableCalendar` if there is none.

    If there is only one page, it is used whatever its address, because files and saved responses
    have other names.
    """
    page = pages[0] if len(pages) == 1 else next((page for page in pages if page.url == url), None)
    if page is None:
        raise UnreadableCalendar(f"{url}: no answer")
    return require_usable(page)


def require_usable(page: Page) -> Page:
    """Return the page if its status is 2xx and its size is acceptable.

    Raises `UnreadableCalendar` otherwise.
    """
    if not 200 <= page.status < 300:
        moved = ""
        if "location" in page.headers:
            moved = f", moved to {page.headers['location']}"
        raise UnreadableCalendar(f"{page_name(page)}: answered {page.status}{moved}")
    if len(page.body) > LARGEST:
        raise UnreadableCalendar(
            f"{page_name(page)}: {len(page.body)} bytes are too many for a calendar"
        )
    if reason := why_too_complex(page.body):
        raise UnreadableCalendar(f"{page_name(page)}: {reason}")
    if not page.body.strip():
        raise UnreadableCalendar(f"{page_name(page)}: is empty")
    return page


def decode_text(page: Page, fallback: str | None = None) -> str:
    """Return a page decoded as UTF-8 (UTF-16 if it has that mark), else in the encoding `fallback`.

    Raises `UnreadableCalendar` for other encodings and for binary data.
    """
    if page.body.startswith(_SPREADSHEETS):
        raise UnreadableCalendar(f"{page_name(page)}: a spreadsheet or archive, save it as CSV")
    try:
        text = page.body.decode("utf-16" if page.body.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as exc:
        if fallback is None:
            raise UnreadableCalendar(f"{page_name(page)}: byte {exc.start} is not UTF-8") from exc
        text = page.body.decode(fallback, errors="replace")
    if "\0" in text:
        raise UnreadableCalendar(f"{page_name(page)}: contains NUL bytes, so it is not text")
    return text


def refuse_html(page: Page, text: str, expected: str) -> None:
    """Raise `UnreadableCalendar` if a text is an HTML page, such as a sign-in page, instead of the
    `expected` kind.
    """
    start = text[:500].lstrip().casefold()
    if start.startswith(("<!doctype html", "<html", "<head", "<body")):
        raise UnreadableCalendar(f"{page_name(page)}: an HTML page, not {expected}")


def parse_json(page: Page) -> Any:  # noqa: ANN401  # JSON is of any type
    """Return the JSON of a valid response. Raises `UnreadableCalendar` with the place of the
    fault.
    """
    text = decode_text(require_usable(page))
    refuse_html(page, text, "JSON")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        reason = str(exc)
        if isinstance(exc, json.JSONDecodeError):
            reason = f"line {exc.lineno} column {exc.colno}: {exc.msg}"
        raise UnreadableCalendar(f"{page_name(page)}: not JSON: {reason}") from exc


def parse_json_object(page: Page) -> dict[str, Any]:
    """Return the JSON object of a valid response. Raises `UnreadableCalendar`."""
    data = parse_json(page)
    if not isinstance(data, dict):
        raise UnreadableCalendar(
            f"{page_name(page)}: JSON of another shape, an object was expected"
        )
    return data


def strip_personal(body: bytes) -> bytes:
    """Return a JSON body without the keys that name a person, an e-mail address or a telephone
    number.

    So a change of contact changes no hash. The order of keys stays. Bytes that are not JSON are
    returned unchanged.
    """

    def strip_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
        return {name: value for name, value in pairs if name not in PERSONAL_KEYS}

    try:
        data = json.loads(body, object_pairs_hook=strip_object)
    except (ValueError, RecursionError):
        return body
    try:
        return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # A lone surrogate cannot be encoded, but it can be escaped.
        return json.dumps(data, separators=(",", ":")).encode()
