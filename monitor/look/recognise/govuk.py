"""`govuk` and `titled`: a page, a content item or a search listing of GOV.UK.

`announcement` and `unlisted` are witnesses. The phrases are from alphagov/frontend's templates and
locale file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.content import (
    ANNOUNCED,
    PLACEHOLDER,
    is_before_slot,
    read_test_page,
    require_content,
)
from monitor.look.recognise.notices import BLANK, is_blank, notice_reason, says_withdrawn
from monitor.look.recognise.page import Page, absolute_url, is_json, parse_json
from monitor.look.recognise.result import (
    NAMELESS,
    NO_JSON,
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
from monitor.look.recognise.version import format_version
from monitor.look.sighting import State
from monitor.plan.targets import ASSETS, GOVUK
from schedules.address import canonical_address
from schedules.patterns import quick
from schedules.sources.govuk_items import (
    Attachment,
    ContentItem,
    Schema,
    content_item,
    parse_instant,
)
from schedules.titles import title_matches

_ANNOUNCEMENT = quick(
    r"\s- (accredited official|national|official) statistics announcement$", re.IGNORECASE
)
_DATA = ("csv", "ods", "xlsx", "xls", "xlsm", "zip", "json", "xml", "tsv", "sav", "parquet")
_NOT_OUT = ("placeholder", "special_route", "coming_soon")
_LISTED = ("public_timestamp", "content_store_document_type", "release_timestamp", "format")


def recognise(answer: Answer, context: Context) -> Recognised:
    """Return what an answer proves: a page by title and heading, JSON by its `schema_name`.

    Under another title, a notice of the site, e.g. of maintenance, is unknown.
    """
    if is_json(answer):
        return _read_json(answer, context)
    page = Page(answer)
    if not page.title and not page.heading:
        return unknown(NAMELESS)
    seen = _read_template(page) or _read_content(page, answer, context)
    # The release's own title may contain words such as "sign in".
    may_be_notice = seen.state in (State.PRESENT, State.UNKNOWN) and not seen.specific
    if may_be_notice and seen.placeholder is None and (why := notice_reason(page)):
        return unknown(why)
    return seen


def recognise_titled(answer: Answer, context: Context) -> Recognised:
    """Return what `recognise` does, but at a guess: presence needs the release's title."""
    seen = recognise(answer, context)
    is_title_proved = seen.specific
    if seen.state is not State.PRESENT or is_title_proved:
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
    return (
        seen
        if seen.state is State.ABSENT and seen.why == ANNOUNCED
        else unknown("no announcement any more")
    )


def recognise_index(answer: Answer, context: Context) -> Recognised:
    """Return presence if a whole listing has the release's title, absence if nothing like it.

    Announcements are ignored, and so are entries at `alternatives`, which may be public before the
    page at its guessed address.
    """
    content = parse_json(answer.body) if answer.whole else None
    if not isinstance(content, dict) or not isinstance(content.get("results"), list):
        return unknown("no listing that can be read")
    seen = _read_json(answer, context)
    ignored = {canonical_address(url) for url in context.alternatives}
    published = (entry for entry in seen.found if "/announcements/" not in entry.url)
    entries = [entry for entry in published if canonical_address(entry.url) not in ignored]
    title, others = context.title, context.similar_titles
    likeness = [compare_titles(title, entry.title, others) for entry in entries]
    if Likeness.SAME in likeness:
        return present(
            tuple(
                entry
                for entry, like in zip(entries, likeness, strict=True)
                if like is Likeness.SAME
            )
        )
    has_variant = any(is_variant(title, each.title, others, is_new=True) for each in entries)
    if Likeness.UNDATED in likeness or has_variant:
        return unknown("a title like it is listed")
    return absent("not listed")


def _read_template(page: Page) -> Recognised | None:
    """Return what a blank page, or a title that GOV.UK itself marks, proves, else None."""
    title = _without_site_name(page.title)
    if is_blank(page):
        return absent(BLANK)
    if _ANNOUNCEMENT.search(title):
        return absent(ANNOUNCED)
    return withdrawn("marked as withdrawn") if says_withdrawn(title) else None


def _read_content(page: Page, answer: Answer, context: Context) -> Recognised:
    """Return what a page's title and content prove, with linked parts."""
    parts: dict[str, Found] = {}
    for link in page.links():
        part = _find_part(context.url, link.url, link.text)
        if part and (part.url not in parts or not parts[part.url].title):
            parts[part.url] = part
    stamps = page.find("//head/meta[@name='govuk:first-published-at']/@content")
    version = format_version(first_published_at=parse_instant(stamps[0]) if stamps else None)
    title = page.heading or _without_site_name(page.title)
    seen = recognise_title(context, title, tuple(parts.values()), version, page.text)
    seen = read_test_page(seen, page, answer, context)
    return require_content(seen, page, answer, context, is_published=bool(parts or stamps))


def _without_site_name(title: str) -> str:
    rest, _, site = title.rpartition("-")
    return rest.rstrip() if site.strip().upper() == "GOV.UK" else title


def _read_json(answer: Answer, context: Context) -> Recognised:
    if (content := parse_json(answer.body)) is None:
        return unknown(NO_JSON)
    if isinstance(content, dict) and isinstance(content.get("results"), list):
        return _read_listing(content["results"], context)
    if isinstance(content, dict) and isinstance(content.get("schema_name"), str):
        return _read_item(content_item(content), content, answer, context)
    return unknown("neither a content item nor a listing")


def _read_item(
    item: ContentItem, content: Mapping[str, Any], answer: Answer, context: Context
) -> Recognised:
    if item.schema is Schema.GONE:
        return withdrawn("gone")
    if item.schema is Schema.REDIRECT:
        return unknown("redirected", _destination_to_found(item, context))
    if item.schema is Schema.ANNOUNCEMENT or content["schema_name"].startswith(_NOT_OUT):
        return absent(ANNOUNCED)
    if item.withdrawn:
        return withdrawn("marked as withdrawn")
    parts = (_attachment_to_found(attachment) for attachment in item.attachments)
    version = format_version(
        first_published_at=item.first_published_at,
        public_updated_at=item.public_updated_at,
        change_history=item.change_count or None,
    )
    found = (_item_to_found(item), *(part for part in parts if part.url))
    details = content.get("details")
    body = details.get("body") if isinstance(details, dict) else ""
    text = f"{content.get('description')} {body}"
    seen = recognise_title(context, item.title, found, version, text)
    # Before its slot, a title is not enough.
    is_thin = version is None and not item.attachments and is_before_slot(answer, context)
    return unknown(PLACEHOLDER) if seen.state is State.PRESENT and is_thin else seen


def _item_to_found(item: ContentItem) -> Found:
    """Return a content item as found, with those of its fields that have a value."""
    fields: dict[str, object] = {
        "document_type": item.document_type,
        "public_updated_at": item.public_updated_at,
        "first_published_at": item.first_published_at,
        "publishing_scheduled_at": item.scheduled_at,
        "scheduled_publishing_delay_seconds": item.scheduled_delay,
    }
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    facts = {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in given.items()
    }
    return Found(_absolute_govuk_url(item.base_path), item.title, "item", facts)


def _attachment_to_found(attachment: Attachment) -> Found:
    """Return an attachment as found."""
    url = _absolute_govuk_url(attachment.url)
    role = (
        attachment.kind
        if attachment.kind in ("html", "external")
        else _role_of_file(urlsplit(url).path)
    )
    facts = {"content_type": attachment.content_type, "file_size": str(attachment.size or "")}
    return Found(url, attachment.title, role, {name: fact for name, fact in facts.items() if fact})


def _destination_to_found(item: ContentItem, context: Context) -> tuple[Found, ...]:
    """Return the address that a content item redirects to, if any."""
    url = _absolute_govuk_url(item.destination)
    if not url:
        return ()
    # In the content API, use the API's address of the new page.
    there = urlsplit(url)
    if urlsplit(context.url).path.startswith("/api/content/") and there.hostname == GOVUK:
        url = there._replace(path=f"/api/content{there.path}", query="", fragment="").geturl()
    return (Found(url, "", "redirect"),)


def _read_listing(results: list[Any], context: Context) -> Recognised:
    """Return presence if a search listing has the release's title, with all entries as found."""
    found = tuple(
        _entry_to_found(entry) for entry in results if isinstance(entry, dict) and entry.get("link")
    )
    if not context.title:
        return present(found, why="a listing")
    # An announcement is listed before its page is out.
    page_titles = [entry.title for entry in found if "/announcements/" not in entry.url]
    return (
        present(found, specific=True)
        if is_title_among(context, page_titles)
        else absent("not listed", found)
    )


def _entry_to_found(entry: Mapping[str, Any]) -> Found:
    facts = {name: str(entry[name]) for name in _LISTED if entry.get(name) is not None}
    return Found(_absolute_govuk_url(entry["link"]), str(entry.get("title") or ""), "listed", facts)


def _absolute_govuk_url(path: object) -> str:
    return absolute_url(f"https://{GOVUK}", path) if isinstance(path, str) and path else ""


def _find_part(page: str, url: str, title: str) -> Found | None:
    """Return a link to a file, or to a page below `page`, as a part, else None."""
    here, there = urlsplit(page), urlsplit(url)
    if there.hostname == ASSETS and not there.path.endswith("/preview"):
        return Found(url, title, _role_of_file(there.path))
    folder = here.path.rstrip("/").removeprefix("/api/content") + "/"
    if (
        there.hostname == here.hostname
        and there.path.startswith(folder)
        and not there.path.endswith("/print")
    ):
        return Found(url, title, "html")
    return None


def _role_of_file(path: str) -> str:
    """Return `data` if the extension of a path is one for figures, else `attachment`."""
    return "data" if path.rpartition(".")[2].lower() in _DATA else "attachment"
