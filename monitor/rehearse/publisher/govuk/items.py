"""Content items of GOV.UK: announcement, publication, gone and redirect (`facts/govuk.md` §1, §3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from monitor.rehearse.publisher.calendar import Entry
from monitor.rehearse.publisher.govuk.dates import display_date, release_timestamp, scheduled_delay, stamp
from monitor.rehearse.publisher.govuk.facts import PageState, Standing, is_www, path_of
from monitor.rehearse.publisher.reply import Reply
from monitor.rehearse.script.script import ScriptPart, ScriptRelease

Item = dict[str, Any]
_LABEL = "Official Statistics"
_SCHEMAS = {
    "statistics": ("publication", "official_statistics"),
    "publications": ("publication", "official_statistics"),
    "statistical-data-sets": ("statistical_data_set", "statistical_data_set"),
    "collections": ("document_collection", "document_collection"),
    "news": ("news_article", "news_story"),
}
_MEDIA = {
    ".csv": "text/csv",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}


def as_json(item: Item) -> Reply:
    """Return a content item as the content API sends it, keys in order."""
    return Reply(200, json.dumps(item, sort_keys=True).encode(), {"Content-Type": "application/json; charset=utf-8"})


def media_type(path: str) -> str:
    """Return the content type of a file by its name."""
    return _MEDIA.get(PurePosixPath(path).suffix.lower(), "application/octet-stream")


def schema_of(path: str) -> tuple[str, str]:
    """Return schema and document type of a page by its path; a page below a publication is an HTML part."""
    steps = path.strip("/").split("/")
    kind = steps[1] if len(steps) > 1 else ""
    if kind in {"statistics", "publications"} and len(steps) > 3:
        return "html_publication", "html_publication"
    return _SCHEMAS.get(kind, ("publication", "official_statistics"))


def content_id(path: str) -> str:
    """Return an id that is always the same for a path."""
    return str(uuid5(NAMESPACE_URL, f"https://www.gov.uk{path}"))


def organisation(producer: str) -> dict[str, str]:
    """Return what the search tells of a producer."""
    title = producer.replace("-", " ").title()
    return {"title": title, "slug": producer, "link": f"/government/organisations/{producer}", "acronym": title[:5]}


def _item(path: str, schema: tuple[str, str], more: Mapping[str, Any]) -> Item:
    return {
        "analytics_identifier": None,
        "base_path": path,
        "content_id": None,
        "description": None,
        "details": {},
        "document_type": schema[1],
        "first_published_at": None,
        "links": {},
        "locale": "en",
        "phase": "live",
        "public_updated_at": None,
        "publishing_app": "whitehall",
        "publishing_request_id": None,
        "publishing_scheduled_at": None,
        "rendering_app": "frontend",
        "scheduled_publishing_delay_seconds": None,
        "schema_name": schema[0],
        "title": None,
        "updated_at": None,
        "withdrawn_notice": {},
        **more,
    }


def _links(release: ScriptRelease) -> dict[str, Any]:
    links = [_link(producer) for producer in release.producers]
    return {"organisations": links, "primary_publishing_organisation": links[:1]}


def _link(producer: str) -> Item:
    told = organisation(producer)
    return {
        "base_path": told["link"],
        "content_id": content_id(told["link"]),
        "document_type": "organisation",
        "schema_name": "organisation",
        "locale": "en",
        "title": told["title"],
        "web_url": f"https://www.gov.uk{told['link']}",
        "withdrawn": False,
        "details": {"acronym": told["acronym"]},
    }


def announcement_item(path: str, entry: Entry, began: datetime) -> Item:
    """Return the content item of an announcement; `began` stands in for an unknown day of announcement."""
    since = entry.since or began
    details: Item = {
        "display_date": display_date(entry.slot),
        "document_type_label": _LABEL,
        "format_sub_type": "official",
        "release_timestamp": release_timestamp(entry.slot),
        "state": entry.state,
        **_change(entry, since),
    }
    return _item(
        path,
        ("statistics_announcement", "official_statistics_announcement"),
        {
            "content_id": content_id(path),
            "description": f"Announcement of {entry.release.announced_title}",
            "details": {key: value for key, value in details.items() if value is not None},
            "first_published_at": stamp(entry.release.known_from or began),
            "links": _links(entry.release),
            "public_updated_at": stamp(since),
            "title": entry.release.announced_title,
            "updated_at": stamp(since),
        },
    )


def _change(entry: Entry, since: datetime) -> Item:
    changed: Item = {}
    if entry.previous is not None:
        note = entry.why or "The release date has been changed."
        changed |= {"previous_display_date": display_date(entry.previous), "latest_change_note": note}
    if entry.state == "cancelled":
        changed |= {"cancelled_at": stamp(since), "cancellation_reason": entry.why or "These statistics are cancelled."}
    return changed


def redirect_item(path: str, destination: str, since: datetime | None) -> Item:
    """Return the content item of an address that leads elsewhere. It is an ordinary 200."""
    rule = {"path": path, "type": "exact", "destination": destination}
    return _unrendered("redirect", path, since, {"redirects": [rule]})


def gone_item(path: str, since: datetime | None) -> Item:
    """Return the content item of a page taken down with an explanation."""
    details = {"alternative_path": "", "explanation": '<div class="govspeak"><p>This was published in error.</p></div>'}
    return _unrendered("gone", path, since, {"details": details})


def _unrendered(schema: str, path: str, since: datetime | None, more: Item) -> Item:
    stamps = {"public_updated_at": stamp(since), "updated_at": stamp(since), "rendering_app": None}
    return _item(path, (schema, schema), {**more, **stamps})


def publication_item(
    release: ScriptRelease, path: str, standing: Standing, parts: list[ScriptPart], slot: datetime | None
) -> Item:
    """Return the content item of a published page with the parts that are out."""
    delay = None if slot is None else scheduled_delay(slot, standing.first)
    told = stamp(standing.since)
    return _item(
        path,
        schema_of(path),
        {
            "content_id": content_id(path),
            "description": f"{release.title}.",
            "details": {
                "attachments": [attachment(place, part) for place, part in enumerate(parts, 1)],
                "body": f'<div class="govspeak"><p>{release.title}</p></div>',
                "change_history": [{"note": "First published.", "public_timestamp": told}],
                "document_type_label": _LABEL,
                "first_public_at": stamp(standing.first),
            },
            "first_published_at": stamp(standing.first),
            "links": _links(release),
            "public_updated_at": told,
            "publishing_scheduled_at": None if delay is None else stamp(slot),
            "scheduled_publishing_delay_seconds": delay,
            "title": release.title,
            "updated_at": told,
            "withdrawn_notice": _withdrawn(standing),
        },
    )


def _withdrawn(standing: Standing) -> Item:
    if standing.state is not PageState.WITHDRAWN:
        return {}
    return {"explanation": "<p>Withdrawn.</p>", "withdrawn_at": stamp(standing.since)}


def attachment(place: int, part: ScriptPart) -> Item:
    """Return one attachment of a publication: an HTML part by its path, a file by its address."""
    path = path_of(part.url)
    common = {"id": str(9_100_000 + place), "title": part.id.replace("-", " ").capitalize()}
    if is_www(part.url):
        return {**common, "attachment_type": "html", "url": path}
    name = PurePosixPath(path).name
    if "." not in name:
        return {**common, "attachment_type": "external", "url": part.url}
    told = {"content_type": media_type(path), "filename": name, "file_size": 184_320, "accessible": False}
    return {**common, **told, "attachment_type": "file", "url": part.url}
