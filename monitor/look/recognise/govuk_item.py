"""Reads the JSON of GOV.UK: content items by their `schema_name`, and search listings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.page import absolute_url, parse_json
from monitor.look.recognise.result import NO_JSON, Context, Recognised, absent, present, unknown, withdrawn
from monitor.look.recognise.title import include_title, recognise_title
from monitor.look.recognise.version import format_version
from schedules.sources.govuk_items import Attachment, ContentItem, Schema, content_item

_SITE = "https://www.gov.uk"
_FILE_HOST = "assets.publishing.service.gov.uk"
_DATA = ("csv", "ods", "xlsx", "xls", "xlsm", "zip", "json", "xml", "tsv", "sav", "parquet")
_NOT_OUT = ("placeholder", "special_route", "coming_soon")
_LISTED = ("public_timestamp", "content_store_document_type", "release_timestamp", "format")


def recognise_json(answer: Answer, context: Context) -> Recognised:
    """Return what a content item or a search listing proves. Any other JSON is unknown."""
    if (content := parse_json(answer.body)) is None:
        return unknown(NO_JSON)
    if isinstance(content, dict) and isinstance(content.get("results"), list):
        return _read_listing(content["results"], context)
    if isinstance(content, dict) and isinstance(content.get("schema_name"), str):
        return _read_item(content_item(content), content, context)
    return unknown("neither a content item nor a listing")


def _read_item(item: ContentItem, content: Mapping[str, Any], context: Context) -> Recognised:
    """Return what a content item proves: a release that is out, withdrawn, only announced, or redirected."""
    if item.schema is Schema.GONE:
        return withdrawn("gone")
    if item.schema is Schema.REDIRECT:
        return unknown("redirected", _destination_to_found(item, context))
    if item.schema is Schema.ANNOUNCEMENT or content["schema_name"].startswith(_NOT_OUT):
        return absent("announced, not released")
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
    return recognise_title(context, item.title, found, version, text)


def _item_to_found(item: ContentItem) -> Found:
    """Return a content item as found. Its facts are those of its fields that have a value, as text."""
    fields: dict[str, object] = {
        "document_type": item.document_type,
        "public_updated_at": item.public_updated_at,
        "first_published_at": item.first_published_at,
        "publishing_scheduled_at": item.scheduled_at,
        "scheduled_publishing_delay_seconds": item.scheduled_delay,
    }
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    facts = {name: value.isoformat() if isinstance(value, datetime) else str(value) for name, value in given.items()}
    return Found(_absolute_govuk_url(item.base_path), item.title, "item", facts)


def _attachment_to_found(attachment: Attachment) -> Found:
    """Return an attachment as found, with its media type and size if they are stated. Its role is its kind."""
    url = _absolute_govuk_url(attachment.url)
    role = attachment.kind if attachment.kind in ("html", "external") else role_of_file(urlsplit(url).path)
    facts = {"content_type": attachment.content_type, "file_size": str(attachment.size or "")}
    return Found(url, attachment.title, role, {name: fact for name, fact in facts.items() if fact})


def _destination_to_found(item: ContentItem, context: Context) -> tuple[Found, ...]:
    """Return the address that a content item redirects to. Empty if it names none."""
    url = _absolute_govuk_url(item.destination)
    if not url:
        return ()
    # If the content API is looked at, use the API's address of the new page.
    there = urlsplit(url)
    if urlsplit(context.url).path.startswith("/api/content/") and there.hostname == "www.gov.uk":
        url = there._replace(path=f"/api/content{there.path}", query="", fragment="").geturl()
    return (Found(url, "", "redirect"),)


def _read_listing(results: list[Any], context: Context) -> Recognised:
    """Return presence if a search listing has the release's title, else absence. All entries are returned as found."""
    found = tuple(_entry_to_found(entry) for entry in results if isinstance(entry, dict) and entry.get("link"))
    if not context.title:
        return present(found, why="a listing")
    if include_title(context, (entry.title for entry in found if "/announcements/" not in entry.url)):
        return present(found, specific=True)
    return absent("not listed", found)


def _entry_to_found(entry: Mapping[str, Any]) -> Found:
    facts = {name: str(entry[name]) for name in _LISTED if entry.get(name) is not None}
    return Found(_absolute_govuk_url(entry["link"]), str(entry.get("title") or ""), "listed", facts)


def _absolute_govuk_url(path: object) -> str:
    return absolute_url(_SITE, path) if isinstance(path, str) and path else ""


def find_part(page: str, url: str, title: str) -> Found | None:
    """Return a link of `page` as one of its parts if it leads to a file or to a page below `page`, else None."""
    here, there = urlsplit(page), urlsplit(url)
    if there.hostname == _FILE_HOST and not there.path.endswith("/preview"):
        return Found(url, title, role_of_file(there.path))
    folder = here.path.rstrip("/").removeprefix("/api/content") + "/"
    if there.hostname == here.hostname and there.path.startswith(folder) and not there.path.endswith("/print"):
        return Found(url, title, "html")
    return None


def role_of_file(path: str) -> str:
    """Return the role `data` if the extension of a path is one for figures, else `attachment`."""
    return "data" if path.rpartition(".")[2].lower() in _DATA else "attachment"
