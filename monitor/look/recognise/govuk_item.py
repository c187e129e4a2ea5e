"""The JSON of GOV.UK: content items by their `schema_name`, and search listings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from monitor.look.fetch import Answer, Found
from monitor.look.recognise.page import absolute
from monitor.look.recognise.result import Context, Recognised, absent, unknown, withdrawn
from monitor.look.recognise.title import Likeness, by_title, likeness
from monitor.look.recognise.version import written
from monitor.look.sighting import State
from schedules.sources.govuk_items import Attachment, ContentItem, Schema, content_item

_SITE = "https://www.gov.uk"
_NOT_OUT = ("placeholder", "special_route", "coming_soon")
_LISTED = ("public_timestamp", "content_store_document_type", "release_timestamp", "format")


def recognise_json(answer: Answer, context: Context) -> Recognised:
    """Read a content item or a listing; anything else proves nothing."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return unknown("no JSON that can be read")
    if isinstance(said, dict) and isinstance(said.get("results"), list):
        return _listing(said["results"], context)
    if isinstance(said, dict) and isinstance(said.get("schema_name"), str):
        return _item(content_item(said), said, context)
    return unknown("neither a content item nor a listing")


def _item(item: ContentItem, said: Mapping[str, Any], context: Context) -> Recognised:
    if item.schema is Schema.GONE:
        return withdrawn("gone")
    if item.schema is Schema.REDIRECT:
        return unknown("redirected", _moved(item, context))
    if item.schema is Schema.ANNOUNCEMENT or said["schema_name"].startswith(_NOT_OUT):
        return absent("announced, not released")
    if item.withdrawn:
        return withdrawn("marked as withdrawn")
    parts = (_part(attachment) for attachment in item.attachments)
    version = written(
        first_published_at=item.first_published_at,
        public_updated_at=item.public_updated_at,
        change_history=len(item.changes) or None,
    )
    found = (_itself(item), *(part for part in parts if part.url))
    details = said.get("details")
    text = f"{said.get('description')} {details.get('body') if isinstance(details, dict) else ''}"
    return by_title(context, item.title, found, version, text)


def _itself(item: ContentItem) -> Found:
    facts: dict[str, object] = {
        "document_type": item.document_type,
        "public_updated_at": item.public_updated_at,
        "first_published_at": item.first_published_at,
        "publishing_scheduled_at": item.scheduled_at,
        "scheduled_publishing_delay_seconds": item.scheduled_delay,
    }
    told = {name: _written(fact) for name, fact in facts.items() if fact not in (None, "")}
    return Found(_address(item.base_path), item.title, "item", told)


def _part(attachment: Attachment) -> Found:
    url = _address(attachment.url)
    role = attachment.kind if attachment.kind in ("html", "external") else role_of_file(urlsplit(url).path)
    facts = {"content_type": attachment.content_type, "file_size": str(attachment.size or "")}
    return Found(url, attachment.title, role, {name: fact for name, fact in facts.items() if fact})


def _moved(item: ContentItem, context: Context) -> tuple[Found, ...]:
    url = _address(item.destination)
    if not url:
        return ()
    # The twin of a page is asked at the content API: so is the page that it was moved to.
    there = urlsplit(url)
    if urlsplit(context.url).path.startswith("/api/content/") and there.hostname == "www.gov.uk":
        url = there._replace(path=f"/api/content{there.path}", query="", fragment="").geturl()
    return (Found(url, "", "redirect"),)


def _listing(results: list[Any], context: Context) -> Recognised:
    found = tuple(_listed(entry) for entry in results if isinstance(entry, dict) and entry.get("link"))
    if not context.title:
        return Recognised(State.PRESENT, found=found, why="a listing")
    published = (entry for entry in found if "/announcements/" not in entry.url)
    if any(likeness(context.title, entry.title) is Likeness.SAME for entry in published):
        return Recognised(State.PRESENT, specific=True, found=found)
    return Recognised(State.ABSENT, found=found, why="not listed")


def _listed(entry: Mapping[str, Any]) -> Found:
    facts = {name: str(entry[name]) for name in _LISTED if entry.get(name) is not None}
    return Found(_address(entry["link"]), str(entry.get("title") or ""), "listed", facts)


def _written(fact: object) -> str:
    return fact.isoformat() if isinstance(fact, datetime) else str(fact)


def _address(path: object) -> str:
    return absolute(_SITE, path) if isinstance(path, str) and path else ""


_FILES = "assets.publishing.service.gov.uk"


_DATA = ("csv", "ods", "xlsx", "xls", "xlsm", "zip", "json", "xml", "tsv", "sav", "parquet")


def attached(page: str, url: str, title: str) -> Found | None:
    """Return a link of a page as a part of it: its files and the pages below it; None for any other link."""
    here, there = urlsplit(page), urlsplit(url)
    if there.hostname == _FILES and not there.path.endswith("/preview"):
        return Found(url, title, role_of_file(there.path))
    below = here.path.rstrip("/").removeprefix("/api/content") + "/"
    if there.hostname == here.hostname and there.path.startswith(below) and not there.path.endswith("/print"):
        return Found(url, title, "html")
    return None


def role_of_file(path: str) -> str:
    """Return `data` for a file that holds figures, `attachment` for any other."""
    return "data" if path.rpartition(".")[2].lower() in _DATA else "attachment"
