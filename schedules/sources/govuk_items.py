"""Reads content items of GOV.UK's content API, for calendars and to recognise published pages.

`schema_name` decides first, because a redirect and a removed page have status 200 too. E-mail
addresses are removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from lxml import html
from lxml.etree import ParserError

from schedules.patterns import linear, quick
from schedules.times.json import Instant

_MAIL = linear(r"[\pL\pN_.+-]+@[\pL\pN_-]+(?:\.[\pL\pN_-]+)+")
_TAGS = quick(r"<(?=[a-z/!?])[^>]{0,500}>", re.IGNORECASE)  # not "under <5 and >65"


class NotAContentItem(ValueError):
    """The bytes are not a content item. `str(fault)` says why in one line."""


class Schema(StrEnum):
    """What a content item is.

    `OTHER` is everything that is not a statistics page, such as placeholders.
    """

    ANNOUNCEMENT = "statistics_announcement"
    PUBLICATION = "publication"
    HTML_PUBLICATION = "html_publication"
    DATA_SET = "statistical_data_set"
    REDIRECT = "redirect"
    GONE = "gone"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Attachment:
    """One document of a publication.

    `kind` is file, html or external. `url` is relative to the site for html.
    """

    title: str
    url: str
    kind: str


@dataclass(frozen=True, slots=True)
class AnnouncedEntry:
    """An announcement as the search listing or its own content item shows it.

    Texts that it lacks are empty.

    The date is a text. For one without a day, `release_timestamp` is a placeholder. Only the
    listing has `first_published`, only the item the last three fields.
    """

    link: str
    title: str = ""
    display_date: str = ""
    state: str = ""
    organisations: tuple[str, ...] = ()
    release_timestamp: Instant | None = None
    first_published: Instant | None = None
    previous_display_date: str = ""
    change_note: str = ""
    cancellation_reason: str = ""


@dataclass(frozen=True, slots=True)
class ContentItem:
    """What the content API says about one path. Instants are aware UTC, None if the item has none.

    `scheduled_at` stays when a later edition is published. `destination` is the target of a
    redirect, `change_count` the length of the public change history, `text` its description and
    body.
    """

    schema: Schema
    base_path: str
    title: str
    organisations: tuple[str, ...] = ()
    public_updated_at: Instant | None = None
    first_published_at: Instant | None = None
    scheduled_at: Instant | None = None
    withdrawn: bool = False
    destination: str = ""
    attachments: tuple[Attachment, ...] = ()
    change_count: int = 0
    announced: AnnouncedEntry | None = None
    text: str = ""

    def leads_to_publication(self) -> bool:
        """Return whether this is the redirect that replaces an announcement when its statistics are
        published.
        """
        path = self.destination
        if self.schema is not Schema.REDIRECT or path.startswith(
            "/government/statistics/announcements/"
        ):
            return False
        return path.startswith(("/government/statistics/", "/government/publications/"))


def read_item(body: bytes) -> ContentItem:
    """Return the content item of a response body. Raises `NotAContentItem`."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise NotAContentItem(f"not JSON: {exc}") from exc
    if not isinstance(data, dict) or not isinstance(data.get("schema_name"), str):
        raise NotAContentItem("JSON without a schema_name")
    return content_item(data)


def _read_state(data: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    """Return the state of an announcement, together with what contradicts it."""
    state = _text_or_empty(details.get("state"))
    values = {**details, "withdrawn_notice": data.get("withdrawn_notice")}
    names = ("cancelled_at", "cancellation_reason", "withdrawn_notice")
    against = [name for name in names if values.get(name)]
    if state == "cancelled" or not against:
        return state
    return f"{state}, but with {' and '.join(against)}"


def content_item(data: Mapping[str, Any]) -> ContentItem:
    """Return the content item of parsed JSON. Fields of a wrong type count as absent."""
    name = data.get("schema_name")
    schema = Schema.OTHER
    if name in set(Schema):
        schema = Schema(name)
    details = _object_or_empty(data.get("details"))
    changes = _objects_in(details.get("change_history"))
    base_path = _text_or_empty(data.get("base_path"))
    title = _text_or_empty(data.get("title"))
    organisations = tuple(
        read_organisations(_object_or_empty(data.get("links")).get("organisations"))
    )
    announced = AnnouncedEntry(
        link=base_path,
        title=title,
        display_date=_text_or_empty(details.get("display_date")),
        state=_read_state(data, details),
        organisations=organisations,
        release_timestamp=parse_instant(details.get("release_timestamp")),
        previous_display_date=_text_or_empty(details.get("previous_display_date")),
        change_note=plain_text(_text_or_empty(details.get("latest_change_note"))),
        cancellation_reason=plain_text(_text_or_empty(details.get("cancellation_reason"))),
    )
    return ContentItem(
        schema,
        base_path,
        title,
        organisations=organisations,
        public_updated_at=parse_instant(data.get("public_updated_at")),
        first_published_at=parse_instant(data.get("first_published_at")),
        scheduled_at=parse_instant(data.get("publishing_scheduled_at")),
        withdrawn=bool(_object_or_empty(data.get("withdrawn_notice"))),
        destination=_read_destination(data) if schema is Schema.REDIRECT else "",
        attachments=tuple(_read_attachments(details)),
        change_count=len([each for each in changes if parse_instant(each.get("public_timestamp"))]),
        announced=announced if schema is Schema.ANNOUNCEMENT else None,
        text=f"{data.get('description')} {details.get('body')}",
    )


def parse_instant(value: object) -> datetime | None:
    """Return an ISO instant with offset as aware UTC, None for anything else.

    None also for the years 1 and 9999, because in UTC such an instant can be outside the years that
    Python knows.
    """
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo and 1 < moment.year < 9999:
        return moment.astimezone(UTC)
    return None


def plain_text(markup: str) -> str:
    """Return a text without tags and e-mail addresses, with single blanks."""
    return " ".join(_MAIL.sub("", _TAGS.sub(" ", markup)).split())


def read_organisations(listed: object) -> Iterator[str]:
    """Yield the slugs of organisations.

    Their order has no meaning: announcements have no lead organisation.
    """
    for organisation in listed if isinstance(listed, list) else ():
        # Older search results list slugs. A content item gives only the path of each organisation.
        slug = organisation
        if isinstance(organisation, dict):
            path = organisation.get("link") or organisation.get("base_path") or ""
            slug = organisation.get("slug") or str(path).rpartition("/")[2]
        if isinstance(slug, str) and slug:
            yield slug


def _read_destination(data: Mapping[str, Any]) -> str:
    """Return where a redirect leads: by the rule for exactly its own path, else by the first
    one.
    """
    own = data.get("base_path")
    rules = [
        rule
        for rule in _objects_in(data.get("redirects"))
        if isinstance(rule.get("destination"), str)
    ]
    exact = [rule for rule in rules if rule.get("path") == own and rule.get("type") == "exact"]
    return _text_or_empty((exact or rules or [{}])[0].get("destination"))


def _read_attachments(details: Mapping[str, Any]) -> Iterator[Attachment]:
    listed = _objects_in(details.get("attachments"))
    for attachment in listed:
        yield Attachment(
            title=_text_or_empty(attachment.get("title"))
            or _text_or_empty(attachment.get("filename")),
            url=_text_or_empty(attachment.get("url")),
            kind=_text_or_empty(attachment.get("attachment_type")) or "file",
        )
    if not listed:
        yield from _read_old_documents(details.get("documents"))


def _read_old_documents(snippets: object) -> Iterator[Attachment]:
    """Yield the documents linked in the HTML snippets of older items, each address of a snippet
    once.
    """
    for snippet in snippets if isinstance(snippets, list) else ():
        try:
            links = html.fromstring(f"<div>{snippet}</div>").iterfind(".//a[@href]")
        except ParserError:
            continue
        titles: dict[str, str] = {}
        for link in links:
            url = link.get("href", "")
            if not url.startswith("mailto:"):
                titles[url] = titles.get(url) or " ".join(
                    "".join(map(str, link.itertext())).split()
                )
        for url, title in titles.items():
            kind = "external"
            if "/uploads/" in url or "/media/" in url:
                kind = "file"
            elif url.startswith("/"):
                kind = "html"
            yield Attachment(title=title, url=url, kind=kind)


def _text_or_empty(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object_or_empty(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects_in(value: object) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [each for each in value if isinstance(each, dict)]
    return []
