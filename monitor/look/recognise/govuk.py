"""`govuk` and `titled`: a page, a content item or a search listing of GOV.UK.

`announcement` and `unlisted` are witnesses. The phrases are from alphagov/frontend's templates and
locale file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.content import (
    ANNOUNCED,
    PLACEHOLDER,
    WITHDRAWN,
    is_before_slot,
    read_page,
)
from monitor.look.recognise.notices import BLANK, is_blank
from monitor.look.recognise.page import Page, absolute_url, is_json, parse_json_object
from monitor.look.recognise.result import (
    NAMELESS,
    Context,
    Recognised,
    absent,
    present,
    unknown,
    withdrawn,
)
from monitor.look.recognise.title import (
    NOT_ITS_TITLE,
    Likeness,
    compare_titles,
    is_title_among,
    is_variant,
    recognise_title,
)
from monitor.look.sighting import State
from monitor.look.version import format_version
from monitor.plan.targets import ASSETS, GOVUK, content_twin, extension_of
from schedules.address import canonical_address
from schedules.patterns import quick
from schedules.sources.govuk_items import (
    Attachment,
    Schema,
    content_item,
)
from schedules.titles import title_matches

_ANNOUNCEMENT = quick(
    r"\s- (accredited official|national|official) statistics announcement(\s*-\s*gov\.uk)?$",
    re.IGNORECASE,
)
_DATA = ("csv", "ods", "xlsx", "xls", "xlsm", "zip", "json", "xml", "tsv", "sav", "parquet")
_NOT_OUT = ("placeholder", "special_route", "coming_soon")


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return what an answer proves: a page by title and heading, JSON by its `schema_name`."""
    if is_json(answer):
        content = parse_json_object(answer.body)
        if isinstance(content.get("results"), list):
            return _read_listing(content["results"], context)
        if isinstance(content.get("schema_name"), str):
            return _read_item(content, answer, context)
        return unknown("JSON of neither a page nor a listing")
    page = Page(answer)
    if is_blank(page):
        return absent(BLANK) if page.names else unknown(NAMELESS)
    if _ANNOUNCEMENT.search(page.title):
        return absent(ANNOUNCED)
    roles = {link.url: _role_of_link(context.url, link.url) for link in page.links()}
    parts = tuple(Found(url, "", role) for url, role in roles.items() if role)
    return read_page(page, answer, context, [page.heading or page.title], parts)


def recognise_titled(answer: Answer, context: Context) -> Recognised:
    """Return what `recognise` does, but at a guess: presence needs the release's title."""
    seen = recognise(answer, context)
    if seen.state is not State.PRESENT or seen.specific:
        return seen
    page = Page(answer)
    shown = page.heading or page.title
    # `UNDATED` must match as it is.
    likeness = compare_titles(context.title, shown, context.similar_titles)
    is_ours = likeness is not Likeness.DIFFERENT and title_matches(context.title, shown)
    return seen if is_ours else unknown(NOT_ITS_TITLE)


def recognise_announcement(answer: Answer, context: Context) -> Recognised:
    """Return absence if an announcement still announces its release, else unknown."""
    seen = recognise(answer, context)
    return seen if seen.why == ANNOUNCED else unknown("no announcement any more")


def recognise_index(answer: Answer, context: Context) -> Recognised:
    """Return what a whole listing proves of the release, unknown for anything else."""
    results = parse_json_object(answer.body).get("results")
    if not isinstance(results, list):
        return unknown("no listing that can be read")
    if not context.title:
        return unknown("no title to look for in a listing")
    # Of a witness, only a change counts.
    return replace(_read_listing(results, context), specific=False)


def _read_item(content: Mapping[str, Any], answer: Answer, context: Context) -> Recognised:
    item = content_item(content)
    if item.schema is Schema.GONE:
        return withdrawn("gone")
    if item.schema is Schema.REDIRECT:
        url = _absolute_govuk_url(item.destination)
        # In the content API, the API's address of the new page counts.
        is_of_api = urlsplit(context.url).path.startswith("/api/content/")
        destination = (content_twin(url) if is_of_api else None) or url
        new_page = Found(destination, "", "redirect")
        return unknown("redirected", (new_page,) if destination else ())
    if item.schema is Schema.ANNOUNCEMENT or content["schema_name"].startswith(_NOT_OUT):
        return absent(ANNOUNCED)
    if item.withdrawn:
        return withdrawn(WITHDRAWN)
    found = tuple(filter(None, map(_attachment_to_found, item.attachments)))
    version = format_version(
        first_published_at=item.first_published_at,
        public_updated_at=item.public_updated_at,
        change_history=item.change_count or None,
    )
    seen = recognise_title(context, item.title, found, version, item.text)
    # Before its slot, a title is not enough.
    is_thin = version is None and not found and is_before_slot(answer, context)
    return unknown(PLACEHOLDER) if seen.state is State.PRESENT and is_thin else seen


def _attachment_to_found(attachment: Attachment) -> Found | None:
    """Return an attachment as found, None without an address."""
    url = _absolute_govuk_url(attachment.url)
    is_file = attachment.kind not in ("html", "external")
    role = _role_of_file(url) if is_file else attachment.kind
    return Found(url, attachment.title, role) if url else None


def _read_listing(results: list[Any], context: Context) -> Recognised:
    """Return presence if a listing has the release's title, absence if nothing like it.

    Announcements are ignored, because they are listed before the page is out. So are entries at
    `alternatives`, which may be public before the page at its guessed address.
    """
    rows = [row for row in results if isinstance(row, dict) and row.get("link")]
    entries = tuple(map(_entry_to_found, rows))
    title, others = context.title, context.similar_titles
    if not title:
        return present(entries, why="a listing")
    ignored = set(map(canonical_address, context.alternatives))
    shown = [
        entry
        for entry in entries
        if "/announcements/" not in entry.url and canonical_address(entry.url) not in ignored
    ]
    same = tuple(entry for entry in shown if is_title_among(context, [entry.title]))
    if same:
        return present(same, specific=True)
    for seen in (entry.title for entry in shown):
        is_undated = compare_titles(title, seen, others) is Likeness.UNDATED
        if not seen or is_undated or is_variant(title, seen, others, is_new=True):
            return unknown("a title like it, or none, is listed")
    return absent("not listed")


def _entry_to_found(row: Mapping[str, Any]) -> Found:
    stamp = row.get("public_timestamp")
    facts = {"public_timestamp": str(stamp)} if stamp else {}
    title = str(row.get("title") or "").strip()
    return Found(_absolute_govuk_url(row["link"]), title, "listed", facts)


def _absolute_govuk_url(path: object) -> str:
    return absolute_url(f"https://{GOVUK}", path) if path else ""


def _role_of_link(page: str, url: str) -> str:
    """Return the role of a part for a link to a file, or to a page below `page`, else ""."""
    path = urlsplit(url).path
    if urlsplit(url).hostname == ASSETS and not path.endswith("/preview"):
        return _role_of_file(url)
    folder = f"{page.partition('?')[0].rstrip('/')}/"
    return "html" if url.startswith(folder) and not path.endswith("/print") else ""


def _role_of_file(url: str) -> str:
    return "data" if extension_of(url) in _DATA else "attachment"
