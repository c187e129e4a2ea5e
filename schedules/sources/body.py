"""The bytes of an answer, checked, decoded and rid of personal data before anything reads them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from schedules.bounds import beyond
from schedules.source import Ask, Page, UnreadableCalendar
from schedules.sources.options import SourceOptions

# fmt: off
PERSONAL = frozenset({
    "contact", "contactDetails", "contactName", "contactTelNo", "email", "telephone", "teamEmail",
    "alternative_format_contact_email", "preReleaseAccessList", "highlight",
})
# fmt: on

LARGEST = 256 * 1024 * 1024  # bytes of one answer
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class OnePage:
    """A source whose calendar is one file or page; `accept` says what it takes."""

    accept = "*/*"

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._url = options.url

    def first(self, now: datetime) -> Sequence[Ask]:  # noqa: ARG002  # of the seam
        """Ask for the page."""
        return (Ask(self._url, accept=self.accept),)

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[Ask]:  # noqa: ARG002  # of the seam
        """One page is all."""
        return ()


def place(page: Page) -> str:
    """Return the address of a page as a message names it: without its query."""
    return page.url.partition("?")[0]


def answered(pages: Sequence[Page], url: str) -> Page:
    """Return the good answer for an address; raises `UnreadableCalendar` when there is none.

    A sole page is the answer whatever its address: files and saved answers bear their own names.
    """
    page = pages[0] if len(pages) == 1 else next((page for page in pages if page.url == url), None)
    if page is None:
        raise UnreadableCalendar(f"{url}: no answer")
    return good(page)


def good(page: Page) -> Page:
    """Return a page whose status is 2xx and whose size is sane; raises `UnreadableCalendar` for any other."""
    if not 200 <= page.status < 300:
        moved = f", moved to {page.headers['location']}" if "location" in page.headers else ""
        raise UnreadableCalendar(f"{place(page)}: answered {page.status}{moved}")
    if len(page.body) > LARGEST:
        raise UnreadableCalendar(f"{place(page)}: {len(page.body)} bytes are too many for a calendar")
    if told := beyond(page.body):
        raise UnreadableCalendar(f"{place(page)}: {told}")
    if not page.body.strip():
        raise UnreadableCalendar(f"{place(page)}: an empty answer")
    return page


def text_of(page: Page, fallback: str | None = None) -> str:
    """Decode a page as UTF-8 (or UTF-16 by its mark), else in `fallback`.

    Raises `UnreadableCalendar` for other encodings and for bytes that are no text.
    """
    try:
        text = page.body.decode("utf-16" if page.body.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as exc:
        text = _fallback(page, fallback, exc)
    if "\0" in text:
        raise UnreadableCalendar(f"{place(page)}: holds NUL bytes, so it is no text")
    return text


def _fallback(page: Page, fallback: str | None, exc: UnicodeDecodeError) -> str:
    if fallback is None:
        raise UnreadableCalendar(f"{place(page)}: byte {exc.start} is not UTF-8") from exc
    return page.body.decode(fallback, errors="replace")


def refuse_html(page: Page, text: str, wanted: str) -> None:
    """Raise `UnreadableCalendar` when a text is an HTML page where something else was wanted."""
    start = text[:500].lstrip().casefold()
    if start.startswith(("<!doctype html", "<html", "<head", "<body")):
        raise UnreadableCalendar(f"{place(page)}: an HTML page, not {wanted}")


def json_of(page: Page) -> Any:  # noqa: ANN401  # JSON is of any type
    """Parse a good JSON answer; raises `UnreadableCalendar` with the place of the fault."""
    text = text_of(good(page))
    refuse_html(page, text, "JSON")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        where = (
            f"line {exc.lineno} column {exc.colno}: {exc.msg}" if isinstance(exc, json.JSONDecodeError) else str(exc)
        )
        raise UnreadableCalendar(f"{place(page)}: not JSON: {where}") from exc


def json_object(page: Page) -> dict[str, Any]:
    """Parse a good JSON answer that must be an object."""
    data = json_of(page)
    if not isinstance(data, dict):
        raise UnreadableCalendar(f"{place(page)}: JSON of another shape, an object was expected")
    return data


def strip_personal(body: bytes) -> bytes:
    """Return a JSON body without names, addresses and numbers of people, keys in their order; other bytes unchanged.

    A change of contact then changes no hash.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return body
    told = json.dumps(_stripped(data), ensure_ascii=False, separators=(",", ":"))
    try:
        return told.encode()
    except UnicodeEncodeError:
        # Half of a pair that stands for one character has no bytes of its own, but an escape.
        return json.dumps(_stripped(data), separators=(",", ":")).encode()


def _stripped(value: object) -> object:
    if isinstance(value, dict):
        return {name: _stripped(inner) for name, inner in value.items() if name not in PERSONAL}
    if isinstance(value, list):
        return [_stripped(inner) for inner in value]
    return value
