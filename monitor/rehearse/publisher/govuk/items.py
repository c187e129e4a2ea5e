"""Content items of GOV.UK: announcement, publication, gone and redirect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from monitor.rehearse.publisher.calendar import CalendarEntry
from monitor.rehearse.publisher.govuk.dates import (
    display_date,
    release_timestamp,
    scheduled_delay,
    stamp,
)
from monitor.rehearse.publisher.govuk.facts import PageState, PageStatus, is_www, path_of
from monitor.rehearse.publisher.reply import Reply
from monitor.rehearse.script.script import ScriptPart, ScriptRelease

Item = dict[str, Any]
_TYPE_LABEL = "Official Statistics"
_SCHEMAS = {
    "statistics": ("publication", "official_statistics"),
    "publications": ("publication", "official_statistics"),
    "statistical-data-sets": ("statistical_data_set", "statistical_data_set"),
    "collections": ("document_collection", "document_collection"),
    "news": ("news_article", "news_story"),
}
_USUALLY_NULL = (
    *(
        "analytics_identifier",
        "content_id",
        "description",
        "first_published_at",
        "public_updated_at",
        "title",
    ),
    *(
        "publishing_request_id",
        "publishing_scheduled_at",
        "scheduled_publishing_delay_seconds",
        "updated_at",
    ),
)
_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}


def json_reply(item: Item) -> Reply:
    """Return the content API's reply with this item, keys in alphabetical order."""
    return Reply(
        200,
        json.dumps(item, sort_keys=True).encode(),
        {"Content-Type": "application/json; charset=utf-8"},
    )


def media_type(path: str) -> str:
    """Return the content type of a file, from the extension of its name."""
    return _MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), "application/octet-stream")


def schema_and_type(path: str) -> tuple[str, str]:
    """Return schema name and document type of a page, from its path.

    A page below a publication is an HTML part.
    """
    steps = path.strip("/").split("/")
    kind = steps[1] if len(steps) > 1 else ""
    if kind in {"statistics", "publications"} and len(steps) > 3:
        return "html_publication", "html_publication"
    return _SCHEMAS.get(kind, ("publication", "official_statistics"))


def content_id(path: str) -> str:
    """Return a content id that depends on the path only."""
    return str(uuid5(NAMESPACE_URL, f"https://www.gov.uk{path}"))


def organisation_summary(producer: str) -> dict[str, str]:
    """Return a producer as the search API describes it. `acronym` is the start of its title."""
    title = producer.replace("-", " ").title()
    return {
        "title": title,
        "slug": producer,
        "link": f"/government/organisations/{producer}",
        "acronym": title[:5],
    }


def _fill_item(path: str, schema: tuple[str, str], more: Mapping[str, Any]) -> Item:
    """Return a content item with the fields in `more`, else defaults.

    `schema` is (schema name, document type).
    """
    return {
        **dict.fromkeys(_USUALLY_NULL),
        "base_path": path,
        "details": {},
        "document_type": schema[1],
        "links": {},
        "locale": "en",
        "phase": "live",
        "publishing_app": "whitehall",
        "rendering_app": "frontend",
        "schema_name": schema[0],
        "withdrawn_notice": {},
        **more,
    }


def _organisation_links(release: ScriptRelease) -> dict[str, Any]:
    links = [
        {
            "base_path": summary["link"],
            "content_id": content_id(summary["link"]),
            "document_type": "organisation",
            "schema_name": "organisation",
            "locale": "en",
            "title": summary["title"],
            "web_url": f"https://www.gov.uk{summary['link']}",
            "withdrawn": False,
            "details": {"acronym": summary["acronym"]},
        }
        for summary in map(organisation_summary, release.producers)
    ]
    return {"organisations": links, "primary_publishing_organisation": links[:1]}


def announcement_item(path: str, entry: CalendarEntry, began: datetime) -> Item:
    """Return the content item of an announcement.

    `began` is used if the script has no time of announcement.
    """
    since = entry.since or began
    details: Item = {
        "display_date": display_date(entry.slot),
        "document_type_label": _TYPE_LABEL,
        "format_sub_type": "official",
        "release_timestamp": release_timestamp(entry.slot),
        "state": entry.state,
    }
    if entry.previous is not None:
        details["previous_display_date"] = display_date(entry.previous)
        details["latest_change_note"] = entry.why or "The release date has been changed."
    if entry.state == "cancelled":
        details |= {
            "cancelled_at": stamp(since),
            "cancellation_reason": entry.why or "These statistics are cancelled.",
        }
    return _fill_item(
        path,
        ("statistics_announcement", "official_statistics_announcement"),
        {
            "content_id": content_id(path),
            "description": f"Announcement of {entry.release.announced_title}",
            "details": {key: value for key, value in details.items() if value is not None},
            "first_published_at": stamp(entry.release.known_from or began),
            "links": _organisation_links(entry.release),
            "public_updated_at": stamp(since),
            "title": entry.release.announced_title,
            "updated_at": stamp(since),
        },
    )


def redirect_item(path: str, destination: str, since: datetime | None) -> Item:
    """Return the content item of an address that redirects.

    The content API sends it with status 200.
    """
    rule = {"path": path, "type": "exact", "destination": destination}
    return _item_without_page("redirect", path, since, {"redirects": [rule]})


def gone_item(path: str, since: datetime | None) -> Item:
    """Return the content item of a page that was removed with an explanation."""
    details = {
        "alternative_path": "",
        "explanation": '<div class="govspeak"><p>This was published in error.</p></div>',
    }
    return _item_without_page("gone", path, since, {"details": details})


def _item_without_page(schema: str, path: str, since: datetime | None, more: Item) -> Item:
    """Return an item that GOV.UK renders no page for: a redirect or a removed page, unchanged since
    `since`.
    """
    stamps = {"public_updated_at": stamp(since), "updated_at": stamp(since), "rendering_app": None}
    return _fill_item(path, (schema, schema), {**more, **stamps})


def publication_item(
    release: ScriptRelease,
    path: str,
    status: PageStatus,
    parts: list[ScriptPart],
    slot: datetime | None,
) -> Item:
    """Return the content item of a published page.

    `parts` are the published parts; no `slot` means no schedule.
    """
    delay = None if slot is None else scheduled_delay(slot, status.first)
    updated = stamp(status.since)
    notice = {"explanation": "<p>Withdrawn.</p>", "withdrawn_at": updated}
    return _fill_item(
        path,
        schema_and_type(path),
        {
            "content_id": content_id(path),
            "description": f"{release.title}.",
            "details": {
                "attachments": [attachment(place, part) for place, part in enumerate(parts, 1)],
                "body": f'<div class="govspeak"><p>{release.title}</p></div>',
                # One entry, with the time at which the page came into its present state.
                "change_history": [{"note": "First published.", "public_timestamp": updated}],
                "document_type_label": _TYPE_LABEL,
                "first_public_at": stamp(status.first),
            },
            "first_published_at": stamp(status.first),
            "links": _organisation_links(release),
            "public_updated_at": updated,
            "publishing_scheduled_at": None if delay is None else stamp(slot),
            "scheduled_publishing_delay_seconds": delay,
            "title": release.title,
            "updated_at": updated,
            "withdrawn_notice": notice if status.state is PageState.WITHDRAWN else {},
        },
    )


def attachment(place: int, part: ScriptPart) -> Item:
    """Return attachment number `place` of a publication: an HTML part, a file or an external
    address.
    """
    path = path_of(part.url)
    common = {"id": str(9_100_000 + place), "title": part.id.replace("-", " ").capitalize()}
    if is_www(part.url):
        return {**common, "attachment_type": "html", "url": path}
    name = PurePosixPath(path).name
    if "." not in name:
        return {**common, "attachment_type": "external", "url": part.url}
    file = {
        "content_type": media_type(path),
        "filename": name,
        "file_size": 184_320,
        "accessible": False,
    }
    return {**common, **file, "attachment_type": "file", "url": part.url}
